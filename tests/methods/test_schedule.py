"""Pacing of divisible jobs: conservation, order and the proof."""

from __future__ import annotations

import itertools
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.methods.schedule import (
    calendar_shares,
    knapsack_prices,
    paced_shares,
    value_order,
    waiting,
    waiting_bound,
    whole_shares,
)

LENGTH = np.array([0.75, 1.0, 1.0, 0.25])


def instance(seed: int, n_jobs: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.Generator(np.random.Philox(key=seed))
    value = random.integers(0, 50, n_jobs).astype(float)
    cost = random.integers(0, 40, n_jobs).astype(float) * 1000.0
    return value, cost, cost.sum() * LENGTH / LENGTH.sum()


@pytest.mark.parametrize("seed", range(20))
def test_order_by_value_for_money_beats_every_other_order_and_meets_its_bound(seed: int) -> None:
    value, cost, budget = instance(seed)
    order = value_order(value, cost)
    ours = waiting(value, paced_shares(order, cost, budget), LENGTH)
    others = [
        waiting(value, paced_shares(np.array(other), cost, budget), LENGTH)
        for other in itertools.permutations(range(value.size))
    ]
    bound = waiting_bound(value, cost, budget, LENGTH, knapsack_prices(order, value, cost, budget))
    assert ours == pytest.approx(min(others), abs=1e-6)
    assert bound == pytest.approx(ours, abs=1e-6)


@given(st.integers(0, 1000), st.lists(st.floats(0.0, 0.01), min_size=4, max_size=4))
def test_any_price_bounds_the_waiting_from_below(seed: int, prices: list[float]) -> None:
    value, cost, budget = instance(seed)
    ours = waiting(value, paced_shares(value_order(value, cost), cost, budget), LENGTH)
    assert waiting_bound(value, cost, budget, LENGTH, np.array(prices)) <= ours + 1e-6


@pytest.mark.parametrize("seed", range(10))
def test_every_job_is_done_once_and_no_year_spends_more_than_its_budget(seed: int) -> None:
    value, cost, budget = instance(seed, 30)
    shares = paced_shares(value_order(value, cost), cost, budget)
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert np.all(cost @ shares <= budget + 1e-6)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=5), st.integers(0, 100))
def test_whole_numbers_sum_to_their_totals(totals: list[int], seed: int) -> None:
    random = np.random.Generator(np.random.Philox(key=seed))
    shares = random.dirichlet(np.ones(6), len(totals))
    counts = whole_shares(shares, np.array(totals))
    assert counts.sum(axis=1).tolist() == totals
    assert counts.min() >= 0


def test_five_years_from_april_touch_six_calendar_years() -> None:
    years, share = calendar_shares(date(2025, 4, 1), date(2030, 4, 1))
    assert years.tolist() == [2025, 2026, 2027, 2028, 2029, 2030]
    assert share.sum() == pytest.approx(5.0, abs=0.01)
