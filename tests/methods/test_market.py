"""Laws of the stated market."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.methods.market import (
    Weights,
    fill_frac,
    grown,
    outage_hour_usd,
    price_in_year,
    pull_ratio,
    ramp_frac,
    removed_frac,
    revenue_usd_per_year,
)

POSITIVE = st.floats(0.01, 1e4)
SMALLEST = 1e-300  # below it a product of two numbers keeps no relative precision
AMOUNT = st.floats(0.0, 1e5, allow_subnormal=False)  # a relative tolerance says nothing of subnormal numbers
WEIGHTS = Weights(1.0, 1.5, 1.5)


def share(rtt: list[float], price: list[float], removed: list[float]) -> float:
    pull = pull_ratio(rtt, price, removed, WEIGHTS)
    return float(pull[0] / pull.sum())


@given(rtt=st.lists(POSITIVE, min_size=2, max_size=4), factor=st.floats(1.0, 10.0))
def test_a_slower_a_dearer_and_a_less_diverse_way_never_wins_more(rtt: list[float], factor: float) -> None:
    price, removed = [1.0 + place for place in range(len(rtt))], [0.5] * len(rtt)
    before = share(rtt, price, removed)
    assert share([rtt[0] * factor, *rtt[1:]], price, removed) <= before + 1e-12
    assert share(rtt, [price[0] * factor, *price[1:]], removed) <= before + 1e-12
    assert share(rtt, price, [0.5 / factor, *removed[1:]]) <= before + 1e-12


@given(scale=st.floats(0.1, 10.0))
def test_shares_do_not_depend_on_the_currency(scale: float) -> None:
    price = [1.0, 2.0, 3.0]
    scaled = [each * scale for each in price]
    assert share([1.0, 2.0, 3.0], price, [0.0] * 3) == pytest.approx(share([1.0, 2.0, 3.0], scaled, [0.0] * 3))


@given(won=AMOUNT, capacity=AMOUNT, more=AMOUNT)
def test_more_capacity_never_sells_less_and_never_more_than_there_is(won: float, capacity: float, more: float) -> None:
    sold = won * float(fill_frac(won, capacity))
    assert sold <= capacity * (1.0 + 1e-12) + SMALLEST
    assert won * float(fill_frac(won, capacity + more)) >= sold * (1.0 - 1e-12) - SMALLEST


def test_growth_slows_after_its_years() -> None:
    made = grown(100.0, 0.5, np.arange(4), 2.0)
    assert made.tolist() == pytest.approx([100.0, 150.0, 225.0, 281.25])


def test_the_published_erosion_takes_two_thirds_of_a_price_in_eight_years() -> None:
    # TeleGeography, 2024: 13 % a year; 0.87 ** 8 = 0.328.
    assert float(price_in_year(1.0, 0.13, 8.0)) == pytest.approx(0.328, abs=1e-3)


def test_a_ramp_begins_at_nothing_and_ends_at_all() -> None:
    assert ramp_frac(np.arange(-2, 8), 5.0).tolist() == pytest.approx(
        [0.0, 0.0, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 1.0]
    )


def test_an_hour_of_outage_costs_its_revenue_and_credits() -> None:
    yearly = float(revenue_usd_per_year(100.0, 2.0))
    assert yearly == 2.4e6
    assert float(outage_hour_usd(yearly, 4.0)) == pytest.approx(yearly / 8766.0 * 5.0)


def test_a_way_removes_nothing_where_nothing_is_down() -> None:
    assert removed_frac([0.0, 0.1], [0.0, 0.025]).tolist() == [0.0, 0.75]
