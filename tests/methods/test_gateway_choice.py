from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.bent_pipe import common_frac
from rahdari.methods.constellation import walker_shell
from rahdari.methods.gateway_choice import best_gateways, fewest_gateways

#: Greed takes the wide candidate first and then serves 5 of 6; the two halves serve all.
GREED_ERRS = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 0, 1]], np.float64)


def most_served(covers: np.ndarray, weight: np.ndarray, k: int) -> float:
    """Return the most that any k candidates serve, by trying all."""
    return max(
        (float(weight[covers[:, list(group)].any(axis=1)].sum()) for group in combinations(range(covers.shape[1]), k)),
        default=0.0,
    )


def test_the_programme_mends_greed() -> None:
    found = best_gateways(GREED_ERRS, 2)
    assert found.chosen.tolist() == [1, 2]
    assert found.cured_weight == found.bound_weight == pytest.approx(6.0)
    assert found.certificate.gap_frac == pytest.approx(0.0, abs=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_no_other_choice_serves_more_than_the_bound_and_the_answer_is_the_best(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    shares = rng.random((12, 7))
    weight = rng.integers(0, 100, 12).astype(np.float64)
    found = best_gateways(shares, k, weight=weight, least_frac=0.7)
    most = most_served(shares >= 0.7, weight, k)
    assert found.cured_weight == pytest.approx(most)
    assert most <= found.bound_weight * (1.0 + 1e-6) + 1e-6
    assert found.bound_weight <= weight.sum() * (1.0 + 1e-6)
    assert found.gain.sum() == pytest.approx(found.cured_weight)


@given(st.integers(0, 2**32 - 1))
def test_the_fewest_serve_all_that_can_be_served(seed: int) -> None:
    covers = np.random.default_rng(seed).random((15, 6)) >= 0.75
    found = fewest_gateways(covers.astype(np.float64))
    np.testing.assert_array_equal(found.is_served, covers.any(axis=1))
    for k in range(found.chosen.size):
        assert most_served(covers, np.ones(15), k) < covers.any(axis=1).sum()
    assert found.certificate.cost == found.certificate.lower_bound == found.chosen.size


def test_places_served_already_count_for_nobody() -> None:
    now = np.array([True, True, True, False, False, False])
    found = best_gateways(GREED_ERRS, 1, served_by_now=now)
    assert found.chosen.tolist() == [2]
    assert found.cured_weight == 3.0
    assert found.is_served.all()
    everyone = best_gateways(GREED_ERRS, 1, served_by_now=np.ones(6, np.bool_))
    assert everyone.chosen.size == 0
    assert everyone.certificate.cost == 0.0
    assert fewest_gateways(GREED_ERRS, served_by_now=np.ones(6, np.bool_)).chosen.size == 0


def test_the_order_of_places_changes_nothing() -> None:
    weight = np.array([5.0, 1.0, 2.0, 9.0, 4.0, 3.0])
    back = best_gateways(GREED_ERRS[::-1], 2, weight=weight[::-1])
    there = best_gateways(GREED_ERRS, 2, weight=weight)
    assert back.chosen.tolist() == there.chosen.tolist()
    assert back.cured_weight == there.cured_weight


def test_a_gateway_among_the_places_cures_those_around_it() -> None:
    """Two groups 4,000 km apart under one shell: a gateway at each serves that group only, and two serve all."""
    shell = walker_shell("shell", 72, 22, altitude_km=550.0, inclination_deg=53.0, phasing=17)
    west = [(29.0 + 0.5 * i, 40.0 + 0.2 * i) for i in range(5)]
    east = [(73.0 + 0.5 * i, 33.0 + 0.2 * i) for i in range(4)]
    times = np.arange("2024-05-21T00:00", "2024-05-21T01:00", 10, dtype="datetime64[m]")
    shares = common_frac(shell, west + east, [west[2], east[2]], times)
    one = best_gateways(shares, 1)
    assert one.chosen.tolist() == [0]
    assert one.is_served.tolist() == [True] * 5 + [False] * 4
    assert fewest_gateways(shares).chosen.tolist() == [0, 1]


def test_faults_are_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        best_gateways([[0.5, 2.0]], 1, weight=[-1.0], least_frac=0.0)
    assert len(caught.value.problems) == 3
    with pytest.raises(InputError, match="-1 gateways"):
        best_gateways([[0.5]], -1)
