"""People in are people out; courses and retention do what they say; graduates alone do not fill the exports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.talent import Course, Pipeline, programme_effect, talent

SHARE = st.floats(0.0, 0.3)
#: 72,952 graduates in 2024, 18.3 % of them hired by members of the association (P@SHA 2024); the rest assumed.
COUNTRY = Pipeline(
    graduates_people_per_year=72_952.0,
    ready_frac=0.10,
    field_frac=0.02,
    emigration_frac_per_year=0.04,
    other_trade_frac_per_year=0.05,
    retired_frac_per_year=0.02,
    waiting_people=150_000.0,
    export_ready_people=120_000.0,
    crew_people=4_000.0,
)
STILL = Pipeline(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1000.0, 50.0, 20.0)


@given(
    st.lists(st.floats(0.0, 1e5), min_size=8, max_size=8),
    st.tuples(SHARE, SHARE, SHARE, SHARE, SHARE),
    st.floats(0.0, 1.0),
    st.lists(st.tuples(st.sampled_from(["crew", "export_ready"]), st.integers(0, 9), st.integers(0, 4)), max_size=4),
)
def test_people_in_are_people_out_in_every_year(
    graduates: list[float], shares: tuple[float, ...], retained: float, listed: list[tuple[str, int, int]]
) -> None:
    courses = [Course(goal, first, 5, 3e4, long, 0.7, 900.0) for goal, first, long in listed]  # type: ignore[arg-type]
    ready, field, abroad, other, retired = shares
    pipeline = Pipeline(graduates, ready, field, abroad, other, retired, 5e4, 1e4, 2e3, retained)
    found = talent(pipeline, 8, courses)
    assert np.abs(found.imbalance_people()).max() <= 1e-6
    assert min(stock.min() for stock in found.stocks.values()) >= -1e-6


def test_a_course_by_hand() -> None:
    found = talent(STILL, 4, [Course("crew", 1, 2, 100.0, 1, 0.6, 500.0)])
    assert found.started.tolist() == [0.0, 100.0, 100.0, 0.0]
    assert found.stocks["training"].tolist() == [0.0, 0.0, 100.0, 100.0, 0.0]
    assert found.stocks["crew"].tolist() == pytest.approx([20.0, 20.0, 20.0, 80.0, 140.0])
    assert found.stocks["waiting"].tolist() == pytest.approx([1000.0, 1000.0, 900.0, 840.0, 880.0])
    assert found.training_usd.tolist() == [0.0, 50_000.0, 50_000.0, 0.0]
    assert found.crews_count(8.0).tolist() == [2.0, 2.0, 2.0, 10.0, 17.0]


def test_a_course_never_takes_more_than_wait() -> None:
    found = talent(
        STILL, 3, [Course("crew", 0, 3, 700.0, 0, 1.0, 1.0), Course("export_ready", 0, 3, 700.0, 0, 1.0, 1.0)]
    )
    assert found.started.tolist() == [1000.0, 0.0, 0.0]


def test_those_who_leave_by_hand() -> None:
    found = talent(replace(STILL, emigration_frac_per_year=0.1, retired_frac_per_year=0.2, retained_frac=0.5), 1)
    # Of 50 ready for exports 10 % less the half retained go abroad; 20 % retire; those who wait are not retained.
    assert found.stocks["export_ready"].tolist() == pytest.approx([50.0, 50.0 * 0.75])
    assert found.stocks["abroad"][1] == pytest.approx(0.05 * 70.0 + 0.1 * 1000.0)
    assert found.stocks["retired"][1] == pytest.approx(0.2 * 1070.0)


def test_courses_listed_in_another_order_do_the_same() -> None:
    courses = [Course("crew", 0, 5, 4e4, 1, 0.8, 9e2), Course("export_ready", 1, 3, 9e4, 2, 0.6, 2e3),
               Course("crew", 2, 2, 8e4, 0, 0.5, 1e2)]  # fmt: skip
    a, b = talent(COUNTRY, 6, courses), talent(COUNTRY, 6, courses[::-1])
    assert all(np.array_equal(a.stocks[name], b.stocks[name]) for name in a.stocks)


def test_a_larger_programme_never_makes_fewer_crews() -> None:
    sizes = [0.0, 1e3, 5e3, 2e4]
    crews = [
        programme_effect(
            COUNTRY, 6, [Course("crew", 0, 6, size, 1, 0.8, 900.0)], people_per_crew=5.0, usd_per_head=25_000.0,
            discount_frac_per_year=0.1,
        ).crews_count[-1]
        for size in sizes
    ]  # fmt: skip
    assert crews[0] == 0.0
    assert all(np.diff(crews) > 0.0)


def test_a_programme_for_exports_states_its_cost_for_each_dollar_gained() -> None:
    effect = programme_effect(
        COUNTRY, 10, [Course("export_ready", 0, 3, 5_000.0, 1, 0.7, 1_500.0)], people_per_crew=5.0,
        usd_per_head=25_000.0, discount_frac_per_year=0.1,
    )  # fmt: skip
    assert effect.cost_usd.sum() == pytest.approx(3 * 5_000.0 * 1_500.0)
    assert 0.0 < effect.usd_per_export_usd < 0.1
    # Trained in year 0, ready at the end of year 1, earning from year 2.
    assert effect.exports_usd[:2].tolist() == [0.0, 0.0]
    assert effect.exports_usd[2] == pytest.approx(3_500.0 * 25_000.0)


def test_retention_alone_keeps_more_people_ready() -> None:
    effect = programme_effect(
        COUNTRY, 5, [], people_per_crew=5.0, usd_per_head=25_000.0, discount_frac_per_year=0.1, retained_frac=0.5,
        retention_usd_per_year=1e6,
    )  # fmt: skip
    assert (effect.export_ready_people > 0.0).all()
    assert effect.cost_value_usd == pytest.approx(sum(1e6 / 1.1**t for t in range(5)))


def test_draws_run_together_as_each_alone() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    leave, ready = rng.uniform(0.0, 0.1, (6, 1)), rng.uniform(0.05, 0.2, (6, 6))
    course = [Course("export_ready", 1, 3, 2e4, 1, 0.7, 1e3)]
    many = talent(replace(COUNTRY, emigration_frac_per_year=leave, ready_frac=ready), 6, course)
    for i in range(6):
        one = talent(replace(COUNTRY, emigration_frac_per_year=leave[i], ready_frac=ready[i]), 6, course)
        assert many.stocks["export_ready"][i] == pytest.approx(one.stocks["export_ready"])


def test_wrong_numbers_are_reported_together() -> None:
    wrong = replace(
        COUNTRY, ready_frac=0.9, field_frac=0.3, emigration_frac_per_year=1.5, retained_frac=[0.1, 0.2, 0.3]
    )
    with pytest.raises(InputError) as caught:
        talent(wrong, 5, [Course("crew", 0, 1, -5.0, 1, 0.5, 1.0)])
    words = str(caught.value)
    assert len(caught.value.problems) == 5
    assert "3 values for 5 years" in words
    assert "more graduates are placed than arrive" in words
