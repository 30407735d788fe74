"""Discounting against hand-worked cases, and the accounting faults of peers that must not reappear."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods import finance


def test_capital_spent_in_year_zero_is_not_discounted() -> None:
    assert finance.net_present_value(0.15, [-1000.0, 0.0, 0.0]) == -1000.0


def test_spreading_capital_before_discounting_would_understate_it() -> None:
    at_once = finance.net_present_value(0.02, [1000.0] + [0.0] * 9)
    spread = finance.net_present_value(0.02, [100.0] * 10)
    assert spread < 0.95 * at_once


def test_ten_yearly_shares_of_a_tenth_never_exceed_the_total() -> None:
    assert 0.1 * finance.annuity_factor(0.05, 10) < 1.0


def test_the_annuity_factor_is_the_sum_of_the_discount_factors() -> None:
    assert finance.annuity_factor(0.071, 20) == pytest.approx(finance.discount_factor(0.071, np.arange(1, 21)).sum())


def test_capital_recovery_repays_exactly_the_loan() -> None:
    payment = finance.capital_recovery_factor(0.15, 7)
    assert finance.net_present_value(0.15, [0.0] + [payment] * 7) == pytest.approx(1.0)


def test_an_asset_whose_life_ends_with_the_horizon_is_neither_replaced_nor_credited() -> None:
    assert finance.replacement_factor(0.08, 10, 10) == pytest.approx(0.0, abs=1e-12)


def test_replacements_stop_before_the_horizon() -> None:
    assert finance.replacement_years(5, 20) == [5.0, 10.0, 15.0]


def test_a_longer_life_never_costs_more() -> None:
    factors = [finance.replacement_factor(0.07, life, 15) for life in (3, 5, 8, 10, 15, 20, 25)]
    assert all(a >= b for a, b in itertools.pairwise(factors))


def test_a_higher_rate_makes_later_costs_weigh_less() -> None:
    arguments = {"life_years": 5.0, "horizon_years": 15.0}
    cheap = finance.total_cost_of_ownership_usd(0.0, 10.0, rate_frac_per_year=0.15, **arguments)
    dear = finance.total_cost_of_ownership_usd(0.0, 10.0, rate_frac_per_year=0.05, **arguments)
    assert float(cheap) < float(dear)


def test_operation_starts_the_year_after_building() -> None:
    assert finance.standing_opex_usd([10.0, 0.0], 0.5).tolist() == [0.0, 5.0]


def test_half_of_the_people_earn_more_than_the_median_of_the_lognormal() -> None:
    gini = 0.3
    sigma = np.sqrt(2.0) * 0.38532046640756773  # normal quantile of 0.65
    median = 100.0 * np.exp(-(sigma**2) / 2.0)
    assert float(finance.share_above_income(median, 100.0, gini)) == pytest.approx(0.5)


def test_impossible_rates_lives_and_gini_are_refused_with_a_cure() -> None:
    with pytest.raises(InputError, match="give a share"):
        finance.discount_factor(-1.0, 1)
    with pytest.raises(InputError, match="life in years"):
        finance.replacement_years(0.0, 10)
    with pytest.raises(InputError, match="Gini"):
        finance.share_above_income(1.0, 1.0, 30.0)
