"""Tables in, a ledger out: every payment has two ends, and faults of a table are told at once."""

from __future__ import annotations

import polars as pl
import pytest

from rahdari.errors import InputError
from rahdari.methods.cash_flow import Funding, Loan
from rahdari.methods.cash_flow_table import Assumptions, cash_flow

BUILT = pl.DataFrame(
    {
        "unit_id": ["north", "north", "south"],
        "kind_id": ["duct", "router", "duct"],
        "year": [2025, 2026, 2027],
        "capex_usd": [100.0, 40.0, 80.0],
        "life_years": [20.0, 5.0, 20.0],
        "opex_frac_per_year": [0.02, 0.1, 0.02],
        "imported_frac": [0.4, 0.8, 0.4],
    }
)
EARNED = pl.DataFrame(
    {"unit_id": ["north"] * 10 + ["south"] * 9, "year": [*range(2026, 2036), *range(2027, 2036)], "revenue_usd": 20.0}
)
TERMS = Assumptions(
    0.1, 280.0, 0.08, 0.02, tax_frac=0.29, loss_years=6, last_year=2035, funding=Funding(0.2, Loan(0.5, 0.04, 2, 5))
)


def test_every_payment_has_two_ends_and_the_ends_sum_to_nothing() -> None:
    table = cash_flow(BUILT, TERMS, revenue=EARNED).table
    assert (table["nominal_usd"] > 0.0).all()
    paid = table.group_by("year", who="payer").agg(-pl.col("nominal_usd").sum())
    got = table.group_by("year", who="payee").agg(pl.col("nominal_usd").sum())
    ends = pl.concat([paid, got]).group_by("year").agg(pl.col("nominal_usd").sum())
    assert ends["nominal_usd"].abs().max() < 1e-9  # type: ignore[operator]


def test_the_ledger_discounted_gives_the_operators_value() -> None:
    found = cash_flow(BUILT, TERMS, revenue=EARNED)
    into = float(found.table.filter(pl.col("payee") == "operator")["discounted_usd"].sum())
    out = float(found.table.filter(pl.col("payer") == "operator")["discounted_usd"].sum())
    assert found.npv_usd == pytest.approx(into - out)
    assert found.npv_usd == pytest.approx(found.lots["npv_usd"].sum())
    factor = 1.0 / (1.1 ** (found.table["year"] - 2025))
    assert (found.table["real_usd"] * factor).to_list() == pytest.approx(found.table["discounted_usd"].to_list())


def test_lots_as_taxpayers_of_their_own_are_told_apart() -> None:
    terms = Assumptions(0.1, 280.0, tax_frac=0.29, last_year=2035, is_one_taxpayer=False)
    found = cash_flow(BUILT, terms, revenue=EARNED)
    assert found.lots["unit_id"].to_list() == ["north", "south"]
    assert found.npv_usd == pytest.approx(found.lots["npv_usd"].sum())
    together = cash_flow(BUILT, Assumptions(0.1, 280.0, tax_frac=0.29, last_year=2035), revenue=EARNED)
    assert together.npv_usd >= found.npv_usd - 1e-9


def test_unit_costs_by_hand() -> None:
    once = BUILT.head(1).with_columns(opex_frac_per_year=pl.lit(0.1))
    found = cash_flow(once, Assumptions(0.0, 280.0, last_year=2035))
    # 100, then 10 a year for ten years; half of the duct is left.
    assert found.cost_usd.sum() == pytest.approx(150.0)
    assert found.cost_per(3.0) == pytest.approx(50.0)
    assert found.levelised_usd([0.0] + [1.5] * 10) == pytest.approx(10.0)


def test_rates_and_payback_of_a_lot_that_pays() -> None:
    found = cash_flow(BUILT.head(1), Assumptions(0.1, 280.0, last_year=2035), revenue=EARNED.head(10))
    assert found.irr.rate_frac_per_year is not None
    assert found.irr.rate_frac_per_year > 0.1
    assert 5.0 < found.payback_years < found.discounted_payback_years
    assert found.project_npv_usd == pytest.approx(found.npv_usd)


def test_rows_in_any_order_give_the_same_table() -> None:
    first, second = cash_flow(BUILT, TERMS, revenue=EARNED), cash_flow(BUILT.reverse(), TERMS, revenue=EARNED.reverse())
    assert first.table.equals(second.table)


def test_faults_of_a_table_are_reported_together() -> None:
    wrong = BUILT.with_columns(capex_usd=pl.Series([100.0, -1.0, 80.0]), life_years=pl.Series([20.0, 5.0, 25.0]))
    with pytest.raises(InputError) as caught:
        cash_flow(wrong, TERMS)
    assert [(problem.row, problem.column) for problem in caught.value.problems] == [
        (2, "capex_usd"),
        (None, "life_years"),
    ]
    with pytest.raises(InputError) as later:
        cash_flow(BUILT, Assumptions(0.1, last_year=2026), revenue=EARNED)
    words = str(later.value)
    assert "exchange rates of 2025 to 2026 are missing" in words
    assert "outside the calculation" in words
    assert "no such lot or year" in words
    with pytest.raises(InputError, match="exchange rates of 2026, 2027"):
        cash_flow(BUILT, Assumptions(0.1, {2025: 280.0}, last_year=2027))
    with pytest.raises(InputError, match="column is missing"):
        cash_flow(BUILT.drop("life_years"), TERMS)
