"""The least subsidy makes the operator indifferent; lots that were let lie in the published bands."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.cash_flow import Flows, Funding, Kinds, Loan, Money, build_flows, make_money, statement
from rahdari.methods.subsidy import against_lots, let_lots, lots_band, minimum_subsidy, viability_gap_usd

YEARS = range(2025, 2041)
N = len(YEARS)
FACTS = Path(__file__).parents[2] / "rahdari" / "sources" / "packs" / "pakistan" / "facts.csv"
PKR_PER_USD = 281.4


def lots(*capital_usd: float) -> tuple[Flows, Money]:
    money = make_money(
        YEARS, exchange_per_usd=PKR_PER_USD, discount_frac_per_year=0.12, tax_frac=0.29, loss_years=6,
        inflation_frac_per_year=0.07, inflation_abroad_frac_per_year=0.025,
    )  # fmt: skip
    built = np.zeros((len(capital_usd), 1, N))
    built[:, 0, 0] = 0.6 * np.array(capital_usd)
    built[:, 0, 1] = 0.4 * np.array(capital_usd)
    kinds = Kinds(("fibre",), *(np.array([value]) for value in (25.0, 0.03, 0.5, 0.2, 0.0)))
    return build_flows(built, kinds, money), money


@given(st.floats(1.0, 400.0), st.floats(0.0, 30.0), st.booleans())
def test_with_the_least_subsidy_the_operators_money_is_worth_nothing(
    capital: float,
    income: float,
    has_loan: bool,  # noqa: FBT001
) -> None:
    flows, money = lots(capital)
    revenue = np.r_[0.0, np.full(N - 1, income)][None]
    loan = Loan(0.6, 0.03, 3, 8) if has_loan else None
    found = minimum_subsidy(flows, revenue, money, loan=loan)
    worth = money.value_usd(statement(flows, revenue, money, Funding(found.subsidy_frac, loan)).operator_usd).item()
    if found.subsidy_frac.item() == 0.0:
        assert worth >= -1e-6 * capital
    else:
        assert worth == pytest.approx(0.0, abs=1e-6 * capital)


def test_without_tax_the_subsidy_is_the_viability_gap() -> None:
    flows, _ = lots(100.0)
    untaxed = make_money(YEARS, exchange_per_usd=PKR_PER_USD, discount_frac_per_year=0.12)
    found = minimum_subsidy(flows, np.full((1, N), 5.0), untaxed)
    project = statement(flows, np.full((1, N), 5.0), untaxed).project_usd
    assert found.value_usd.item() == pytest.approx(viability_gap_usd(project, 0.12).item(), rel=1e-8)


def test_a_dearer_lot_asks_for_more_and_a_paying_lot_for_nothing() -> None:
    flows, money = lots(100.0, 200.0, 10.0, 0.0)
    revenue = np.tile(np.r_[0.0, np.full(N - 1, 6.0)], (4, 1))
    found = minimum_subsidy(flows, revenue, money)
    assert found.value_usd[1] > found.value_usd[0] > 0.0
    assert found.value_usd[2:].tolist() == [0.0, 0.0]
    assert found.is_enough.all()
    assert found.per_unit([10.0, 10.0, 0.0, 0.0])[2:].tolist() == [0.0, 0.0]


def test_operation_that_nobody_pays_for_asks_for_more_than_the_capital() -> None:
    flows, money = lots(100.0)
    found = minimum_subsidy(flows, np.zeros((1, N)), money)
    assert found.subsidy_frac.item() > 1.0
    assert found.is_enough.item()


def test_a_soft_loan_lowers_the_subsidy() -> None:
    flows, money = lots(100.0)
    revenue = np.full((1, N), 8.0)
    bare = minimum_subsidy(flows, revenue, money).value_usd.item()
    assert 0.0 < minimum_subsidy(flows, revenue, money, loan=Loan(0.5, 0.02, 5, 8)).value_usd.item() < bare


def test_lots_of_the_pack_lie_in_the_published_bands() -> None:
    let = let_lots(pl.read_csv(FACTS, infer_schema_length=None))
    fibre, mobile = lots_band(let, "fibre"), lots_band(let, "mobile")
    # Rs 1.9 to 7.9 million a km; Rs 3,006 to 38,870 a person: research page on planning, section 4.
    assert (fibre.n_lots, mobile.n_lots) == (5, 6)
    assert fibre.low_pkr == pytest.approx(1.88e6, rel=0.01)
    assert fibre.high_pkr == pytest.approx(7.88e6, rel=0.01)
    assert mobile.low_pkr == pytest.approx(3006.0, rel=0.001)
    assert mobile.high_pkr == pytest.approx(38_870.0, rel=0.001)


def test_a_lot_built_at_catalogue_prices_without_buyers_asks_for_what_lots_were_let_for() -> None:
    # 450 km at 12,000 dollars: the catalogue's central price, itself between the lots.  Nothing is sold.
    flows, money = lots(450.0 * 12_000.0)
    per_km = minimum_subsidy(flows, np.zeros((1, N)), money).per_unit(450.0) * PKR_PER_USD
    band = lots_band(let_lots(pl.read_csv(FACTS, infer_schema_length=None)), "fibre")
    beside = against_lots(["new"], per_km, band)
    assert beside["place"].to_list() == ["within"]
    assert band.place(band.low_pkr / 2.0) == "below"
    assert band.place(band.high_pkr * 2.0) == "above"


def test_facts_of_the_shared_folder_give_the_same_lots(shared_folder: Path) -> None:
    outside = pl.read_csv(shared_folder / "facts" / "pakistan" / "usf_lots.csv")
    fibre = outside.filter(pl.col("type") == "OFC")
    per_km = (fibre["pkr_million_subsidy"] * 1e6 / fibre["km_fibre"]).sort().to_list()
    let = let_lots(pl.read_csv(FACTS, infer_schema_length=None))
    assert let.filter(pl.col("kind") == "fibre")["pkr_per_unit"].sort().to_list() == pytest.approx(per_km)


def test_a_country_without_lots_says_so() -> None:
    with pytest.raises(InputError, match="no mobile lot"):
        lots_band(let_lots(pl.DataFrame({"fact_id": ["x"], "period": ["2025"], "value": [1.0]})), "mobile")
