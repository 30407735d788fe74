"""Present value, internal rates and payback against textbook cases, and their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.returns import (
    cost_per_unit_usd,
    discount_factors,
    irr,
    irr_of_draws,
    levelised_cost_usd,
    npv_usd,
    payback_years,
    root_count_bound,
    sign_change_count,
)

AMOUNT = st.integers(-1000, 1000).map(float)
FLOWS = st.lists(AMOUNT, min_size=2, max_size=12)


@pytest.mark.parametrize(
    ("flows", "rate", "worth"),
    [
        # Brealey, Myers and Allen, Principles of Corporate Finance, ch. 5: project A, B and C at 10 %.
        ([-2000.0, 500.0, 500.0, 5000.0], 0.10, 2624.34),
        ([-2000.0, 500.0, 1800.0, 0.0], 0.10, -57.85),
        ([-2000.0, 1800.0, 500.0, 0.0], 0.10, 49.59),
        # Hand-worked: 27 / 1.5^3 = 8.
        ([0.0, 0.0, 0.0, 27.0], 0.5, 8.0),
        ([100.0, -50.0], 0.0, 50.0),
        # A rate below zero makes later money worth more: 100 / 0.5 = 200.
        ([0.0, 100.0], -0.5, 200.0),
    ],
)
def test_present_values_of_textbook_flows(flows: list[float], rate: float, worth: float) -> None:
    assert npv_usd(flows, rate).item() == pytest.approx(worth, abs=0.005)


@pytest.mark.parametrize(
    ("flows", "rates"),
    [
        # Brealey, Myers and Allen, ch. 5: 28.08 %; the multiple-rate mine (in AUD million): 3.50 % and 19.54 %.
        ([-4000.0, 2000.0, 4000.0], [0.2808]),
        ([-30.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, -65.0], [0.0350, 0.1954]),
        # The same book: no rate at all.
        ([1000.0, -3000.0, 2500.0], []),
        # Lorie and Savage 1955, the oil pump: 25 % and 400 %.
        ([-1600.0, 10_000.0, -10_000.0], [0.25, 4.0]),
        # Hand-worked: money lost, rate below zero: 50 / 100 - 1.
        ([-100.0, 50.0], [-0.5]),
        # Hand-worked: (1.1 x - 1)^2 touches zero without crossing it.
        ([1.0, -2.2, 1.21], [0.1]),
        # Hand-worked: three rates, roots of (1.1 x - 1)(1.2 x - 1)(1.3 x - 1).
        ([-1.0, 3.6, -4.31, 1.716], [0.1, 0.2, 0.3]),
        # A loan seen from the borrower has the lender's rate.
        ([100.0, -10.0, -110.0], [0.10]),
        ([0.0, -100.0, 110.0, 0.0], [0.10]),
        ([0.0, 0.0], []),
    ],
)
def test_internal_rates_of_textbook_flows(flows: list[float], rates: list[float]) -> None:
    assert list(irr(flows).rates_frac_per_year) == pytest.approx(rates, abs=5e-5)


def test_none_and_several_internal_rates_are_said_in_words() -> None:
    assert "never changes sign" in irr([1.0, 2.0]).note
    assert "keeps one sign" in irr([1000.0, -3000.0, 2500.0]).note
    several = irr([-1600.0, 10_000.0, -10_000.0])
    assert several.note.startswith("2 internal rates")
    assert several.rate_frac_per_year is None


@given(FLOWS)
def test_at_every_internal_rate_the_flow_is_worth_nothing(flows: list[float]) -> None:
    found = irr(flows)
    for rate in found.rates_frac_per_year:
        factors = discount_factors(rate, len(flows))
        assert abs(npv_usd(flows, rate)) <= 1e-7 * float(np.abs(np.array(flows) * factors).sum())


@given(FLOWS)
def test_there_are_never_more_internal_rates_than_changes_of_sign(flows: list[float]) -> None:
    assert len(irr(flows).rates_frac_per_year) <= int(sign_change_count(flows))


@given(FLOWS)
def test_running_sums_bound_the_internal_rates(flows: list[float]) -> None:
    bound, count = int(root_count_bound(flows)), len(irr(flows).rates_frac_per_year)
    assert count <= bound
    assert bound != 1 or count == 1 or abs(flows[0]) < 1e-2 * max(map(abs, flows))


@given(st.lists(st.lists(AMOUNT, min_size=5, max_size=5), min_size=1, max_size=6))
def test_rates_of_many_draws_equal_those_of_each_alone(rows: list[list[float]]) -> None:
    rate, count = irr_of_draws(rows)
    for i, row in enumerate(rows):
        alone = irr(row)
        assert count[i] == len(alone.rates_frac_per_year)
        if alone.rate_frac_per_year is not None:
            assert rate[i] == pytest.approx(alone.rate_frac_per_year, rel=1e-6, abs=1e-9)


@given(FLOWS, FLOWS, st.floats(-0.5, 2.0))
def test_the_value_of_a_sum_is_the_sum_of_the_values(first: list[float], second: list[float], rate: float) -> None:
    n = min(len(first), len(second))
    a, b = np.array(first[:n]), np.array(second[:n])
    assert npv_usd(a + b, rate) == pytest.approx(npv_usd(a, rate) + npv_usd(b, rate), rel=1e-9, abs=1e-4)


@pytest.mark.parametrize(
    ("flows", "rate", "years"),
    [
        # Horngren, Cost Accounting, ch. 21: 379,100 paid back by 100,000 a year after 3.8 years.
        ([-379_100.0, 100_000.0, 100_000.0, 100_000.0, 100_000.0, 91_000.0], 0.0, 3.791),
        # Hand-worked at 10 %: -100 + 50 + 50 leaves 0 only where nothing is discounted: 54.545 + 49.587 - 100.
        ([-100.0, 60.0, 60.0], 0.10, 1.9167),
        ([-100.0, 60.0, 60.0], 0.0, 1.6667),
        ([-100.0, 10.0, 10.0], 0.0, float("inf")),
        ([5.0, 1.0], 0.0, 0.0),
        # A renewal that takes the sum below zero again moves the payback behind it.
        ([-100.0, 120.0, -50.0, 40.0], 0.0, 2.75),
    ],
)
def test_payback_of_hand_worked_flows(flows: list[float], rate: float, years: float) -> None:
    assert payback_years(flows, rate).item() == pytest.approx(years, abs=1e-3)


@given(FLOWS, st.floats(0.0, 1.0))
def test_a_levelised_price_charged_for_what_is_delivered_pays_the_cost(cost: list[float], rate: float) -> None:
    spent = np.abs(np.array(cost))
    delivered = np.arange(1.0, spent.size + 1.0)
    price = levelised_cost_usd(spent, delivered, rate)
    assert npv_usd(price * delivered - spent, rate) == pytest.approx(0.0, abs=1e-6)


def test_what_delivers_nothing_has_an_endless_unit_cost() -> None:
    assert levelised_cost_usd([1.0], [0.0], 0.0) == np.inf
    assert cost_per_unit_usd([1.0], 0.0, 0.0) == np.inf


def test_a_rate_of_minus_one_and_missing_money_are_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        npv_usd([1.0, np.nan, 3.0], -1.0)
    words = str(caught.value)
    assert "discount rate -1 is not above -1" in words
    assert "year 1" in words


def test_rates_by_draw_meet_flows_by_draw() -> None:
    both = npv_usd([[0.0, 110.0], [0.0, 120.0]], np.array([0.1, 0.2]))
    assert both == pytest.approx([100.0, 100.0])
