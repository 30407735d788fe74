"""The programme of equipping sites: against every programme of small cases, and against its linear relaxation."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from rahdari.errors import InputError
from rahdari.methods.hardening import hardening_programme


def options(n: int, k: int, seed: int) -> pl.DataFrame:
    random = np.random.Generator(np.random.Philox(seed))
    site, option = np.repeat(np.arange(n), k), np.tile(np.arange(k), n)
    cost = random.uniform(2_000.0, 6_000.0, n * k) * (1.0 + option)
    gain = random.lognormal(8.0, 1.0, n)[site] * (1.0 - 0.6 ** (1.0 + option)) * random.uniform(0.7, 1.0, n * k)
    names = [f"s{i:05d}" for i in site]
    return pl.DataFrame({"site_id": names, "option_id": [f"o{i}" for i in option], "cost_usd": cost,
                         "gain_people_h_per_year": gain})  # fmt: skip


def is_payable(spent: np.ndarray, budget: np.ndarray, *, is_carried: bool) -> bool:
    if is_carried:
        return bool((np.cumsum(spent) <= np.cumsum(budget) + 1e-6).all())
    return bool((spent <= budget + 1e-6).all())


def best_of_all(table: pl.DataFrame, budget: np.ndarray, *, is_carried: bool) -> float:
    """Return the most that any programme gains, by trying all."""
    years = budget.size
    choices = []
    for _, group in table.group_by("site_id"):
        rows = group.select("cost_usd", "gain_people_h_per_year").rows()
        choices.append([None, *[(c, g, t) for c, g in rows for t in range(years)]])
    best = 0.0
    for combination in itertools.product(*choices):
        chosen = [choice for choice in combination if choice is not None]
        gained = sum(gain * (years - t) for _, gain, t in chosen)
        if gained <= best:
            continue
        spent = np.zeros(years)
        for cost, _, t in chosen:
            spent[t] += cost
        if is_payable(spent, budget, is_carried=is_carried):
            best = gained
    return best


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.booleans(), st.floats(0.0, 40_000.0), st.floats(0.0, 40_000.0))
def test_no_programme_beats_the_bound_and_ours_keeps_the_budgets(
    seed: int,
    is_carried: bool,  # noqa: FBT001  # drawn
    first: float,
    second: float,
) -> None:
    table, budget = options(4, 2, seed), np.array([first, second])
    ours = hardening_programme(table, budget, is_carried=is_carried)
    assert is_payable(ours.spent_usd, budget, is_carried=is_carried)
    best = best_of_all(table, budget, is_carried=is_carried)
    assert ours.gain_people_h <= best * (1.0 + 1e-9)
    assert best <= ours.bound_people_h * (1.0 + 1e-6)
    assert ours.gain_people_h >= 0.5 * best


def relaxed(table: pl.DataFrame, budget: np.ndarray) -> float:
    """Return the linear relaxation by HiGHS, budgets carried over."""
    years, n = budget.size, table.height
    weight = np.arange(years, 0, -1)
    gain, cost = table["gain_people_h_per_year"].to_numpy(), table["cost_usd"].to_numpy()
    site = table["site_id"].rank("dense").to_numpy() - 1
    once = np.zeros((int(site.max()) + 1, n * years))
    paid = np.zeros((years, n * years))
    for t in range(years):
        once[site, t * n + np.arange(n)] = 1.0
        paid[t:, t * n : (t + 1) * n] = cost
    found = linprog(-np.concatenate([w * gain for w in weight]), np.concatenate([once, paid]),
                    np.concatenate([np.ones(len(once)), np.cumsum(budget)]), method="highs")  # fmt: skip
    return -float(found.fun or 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_is_that_of_the_linear_relaxation(seed: int) -> None:
    table, budget = options(60, 4, seed), np.array([40_000.0, 60_000.0, 30_000.0])
    ours = hardening_programme(table, budget)
    assert ours.bound_people_h == pytest.approx(relaxed(table, budget), rel=1e-5)
    assert ours.gap_frac < 0.05


def test_a_thousand_sites_are_solved_to_three_thousandths() -> None:
    ours = hardening_programme(options(1_000, 6, 3), np.full(5, 700_000.0))
    assert 0.0 <= ours.gap_frac < 3e-3
    assert ours.certificate.lower_bound is not None
    assert ours.certificate.lower_bound <= ours.certificate.cost
    recounted = ours.table["gain_people_h_per_year"].to_numpy() @ (2031 - ours.table["year"].to_numpy())
    assert recounted == pytest.approx(ours.gain_people_h)
    assert ours.table["site_id"].n_unique() == ours.table.height


def test_the_order_of_rows_does_not_matter() -> None:
    table = options(200, 5, 1)
    mixed = table[np.random.Generator(np.random.Philox(1)).permutation(table.height).tolist()]
    first, second = (hardening_programme(rows, [90_000.0, 90_000.0]) for rows in (table, mixed))
    assert first.table.equals(second.table)
    assert first.bound_people_h == second.bound_people_h


def test_within_a_year_the_best_rate_comes_first_and_early_money_is_worth_more() -> None:
    ours = hardening_programme(options(500, 4, 2), np.full(4, 200_000.0))
    for _, year in ours.table.group_by("year", maintain_order=True):
        rate = (year["gain_people_h_per_year"] / year["cost_usd"]).to_numpy()
        assert (np.diff(rate) <= 1e-12).all()
    assert (np.diff(ours.price_people_h_per_usd) <= 1e-9).all()


def test_enough_money_buys_the_best_for_everyone_at_once() -> None:
    table = options(50, 3, 5)
    ours = hardening_programme(table, [1e9, 0.0])
    most = (
        table.group_by("site_id").agg(pl.col("gain_people_h_per_year").max())["gain_people_h_per_year"].to_numpy().sum()
    )
    assert ours.gain_people_h == pytest.approx(2.0 * most)
    assert ours.gap_frac == pytest.approx(0.0, abs=1e-6)
    assert ours.table["year"].unique().to_list() == [2026]


def test_no_money_builds_nothing_and_free_options_are_taken() -> None:
    assert hardening_programme(options(5, 2, 1), [0.0]).table.height == 0
    assert hardening_programme(options(5, 2, 1).clear(), [1e6]).table.height == 0
    free = options(5, 2, 1).with_columns(cost_usd=0.0)
    assert hardening_programme(free, [0.0]).table.height == 5


def test_all_faults_are_told_at_once() -> None:
    table = options(2, 1, 1).with_columns(cost_usd=-1.0, option_id=pl.lit("o"), site_id=pl.lit("s"))
    with pytest.raises(InputError) as caught:
        hardening_programme(table, [float("nan")])
    assert {problem.column for problem in caught.value.problems} >= {"cost_usd", "option_id"}
    assert "budget_usd" in str(caught.value)
