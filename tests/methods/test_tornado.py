"""Draws keep to their ranges, and the tornado and the shares of variance match models known in closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.tornado import Range, drawn, importance, spread, tornado

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


def random(seed: int = 5) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@given(st.floats(0.1, 10.0), st.floats(0.0, 10.0), st.floats(0.0, 10.0), st.sampled_from(["triangular", "uniform"]))
def test_draws_stay_between_their_ends(low: float, up: float, more: float, shape: str) -> None:
    item = Range("x", low, low + up, low + up + more, shape)  # type: ignore[arg-type]
    values = drawn([item], 64, random())["x"]
    assert (values >= item.low - 1e-9).all()
    assert (values <= item.high + 1e-9).all()


def test_a_triangular_range_has_the_triangles_mean_and_variance() -> None:
    a, c, b = 2.0, 3.0, 7.0
    values = drawn([Range("x", a, c, b)], 20_000, random())["x"]
    assert values.mean() == pytest.approx((a + b + c) / 3.0, rel=1e-3)
    assert values.var() == pytest.approx((a * a + b * b + c * c - a * b - a * c - b * c) / 18.0, rel=1e-2)


def test_a_lognormal_range_has_its_percentiles_at_its_ends() -> None:
    values = spread(drawn([Range("x", 6_700.0, 12_000.0, 28_000.0, "lognormal")], 5_000, random())["x"])
    assert (values.p10, values.p50, values.p90) == pytest.approx((6_700.0, 12_000.0, 28_000.0), rel=5e-3)


def test_draws_do_not_depend_on_the_order_of_ranges() -> None:
    ranges = [Range(name, 0.0, 0.5, 1.0) for name in "abc"]
    first, second = drawn(ranges, 32, random()), drawn(ranges[::-1], 32, random())
    assert all(np.array_equal(first[name], second[name]) for name in "abc")


def test_a_hypercube_settles_a_mean_better_than_free_draws() -> None:
    item = Range("x", 0.0, 0.5, 1.0, "uniform")
    ours = [abs(drawn([item], 100, random(seed))["x"].mean() - 0.5) for seed in range(20)]
    free = [abs(random(seed).random(100).mean() - 0.5) for seed in range(20)]
    assert np.mean(ours) < 0.1 * np.mean(free)


def test_the_tornado_of_a_sum_is_each_range_times_its_weight() -> None:
    ranges = [Range("small", 0.0, 1.0, 2.0, "uniform"), Range("large", 0.0, 1.0, 2.0, "uniform")]

    def model(values: Mapping[str, FloatArray]) -> FloatArray:
        return values["small"] + 10.0 * values["large"]

    found = tornado(model, ranges)
    assert found["name"].to_list() == ["large", "small"]
    assert found["swing_value"].to_list() == pytest.approx([16.0, 1.6])
    assert found["at_base_value"].to_list() == pytest.approx([11.0, 11.0])


def test_shares_of_variance_match_the_ishigami_function() -> None:
    # Ishigami and Homma 1990 with a = 7, b = 0.1: first-order indices 0.314, 0.442, 0.
    values = drawn([Range(name, -np.pi, 0.0, np.pi, "uniform") for name in ("x1", "x2", "x3")], 8_000, random())
    x1, x2, x3 = values["x1"], values["x2"], values["x3"]
    found = importance(values, np.sin(x1) + 7.0 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1))
    shares = dict(found.select("name", "variance_frac").iter_rows())
    assert found["name"].to_list() == ["x2", "x1", "x3"]
    assert shares["x1"] == pytest.approx(0.314, abs=0.03)
    assert shares["x2"] == pytest.approx(0.442, abs=0.03)
    assert shares["x3"] == pytest.approx(0.0, abs=0.02)


def test_a_range_that_does_nothing_has_no_share() -> None:
    values = drawn([Range("used", 0.0, 1.0, 2.0), Range("unused", 0.0, 1.0, 2.0)], 1000, random())
    found = importance(values, np.exp(values["used"]))
    shares = dict(found.select("name", "variance_frac").iter_rows())
    assert shares["used"] > 0.98
    assert shares["unused"] < 0.05
    assert found["rank_correlation_ratio"][0] == pytest.approx(1.0)


def test_paybacks_that_never_come_do_not_hide_the_percentiles() -> None:
    found = spread([1.0] * 8 + [np.inf] * 2 + [np.nan])
    assert (found.p10, found.p50, found.p90) == (1.0, 1.0, np.inf)


def test_wrong_ranges_are_reported_together() -> None:
    with pytest.raises(InputError) as caught:
        drawn(
            [Range("a", 2.0, 1.0, 3.0), Range("b", 0.0, 1.0, 2.0, "lognormal"), Range("a", 0.0, 0.0, 0.0)], 8, random()
        )
    assert len(caught.value.problems) == 4
