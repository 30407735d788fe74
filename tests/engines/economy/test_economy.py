"""Money moves in the year it is spent, sums agree between tables, and people are pictured where they live."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from rahdari.engines.access.engine import access
from rahdari.engines.access.params import AccessParams
from rahdari.engines.demand.engine import demand
from rahdari.engines.demand.params import DemandParams
from rahdari.engines.economy.engine import economy
from rahdari.engines.economy.money import read_timing, renewal_factor
from rahdari.engines.economy.params import EconomyParams
from rahdari.methods.finance import net_present_value
from rahdari.model import Context, EngineResult, Tables
from tests.fixtures import engine_outputs, small_country

CONTEXT = Context()


def _schedule(tables: Tables) -> pl.DataFrame:
    """Spread each district's capital evenly over five years, as any roll-out would."""
    total = tables["materials"].group_by("district_id").agg(pl.col("capex_usd").sum())
    years = pl.DataFrame({"year": [2025, 2026, 2027, 2028, 2029]}, schema={"year": pl.Int64})
    spread = total.join(years, how="cross").with_columns(
        capex_usd=pl.col("capex_usd") / 5.0, n_households_passed=pl.lit(1000)
    )
    return spread.sort("district_id", "year")


@pytest.fixture(scope="module")
def inputs() -> Tables:
    country = small_country()
    tables = Tables({**country, **engine_outputs(country)})
    tables = tables.with_(**demand(tables, DemandParams(), CONTEXT).tables)
    tables = tables.with_(**access(tables, AccessParams(), CONTEXT).tables)
    return tables.with_(schedule=_schedule(tables))


@pytest.fixture(scope="module")
def result(inputs: Tables) -> EngineResult:
    return economy(inputs, EconomyParams(), CONTEXT)


def _value(result: EngineResult, name: str, year: int = 2030) -> float:
    return next(item.value for item in result.indicators if item.indicator_id == name and item.year == year)


def test_capital_in_the_cash_flow_is_the_capital_scheduled(inputs: Tables, result: EngineResult) -> None:
    spent = -float(result.tables["cashflow"].filter(pl.col("item") == "capex")["amount_usd"].sum())
    assert spent == pytest.approx(float(inputs["schedule"]["capex_usd"].sum()), rel=1e-12)


def test_costs_by_district_are_the_bill_of_materials(inputs: Tables, result: EngineResult) -> None:
    assert result.tables["costs"]["capex_usd"].sum() == pytest.approx(inputs["materials"]["capex_usd"].sum(), rel=1e-12)


def test_the_present_value_of_costs_is_that_of_the_cash_flow(result: EngineResult) -> None:
    value = float(result.tables["costs"]["present_value_usd"].sum())
    cash = result.tables["cashflow"].filter(pl.col("item").is_in(["capex", "opex", "replacement", "residual"]))
    assert -float(cash["discounted_usd"].sum()) == pytest.approx(value, rel=1e-9)


def test_capital_counts_in_the_year_in_which_it_is_spent(inputs: Tables, result: EngineResult) -> None:
    yearly = inputs["schedule"].group_by("year").agg(pl.col("capex_usd").sum()).sort("year")["capex_usd"].to_list()
    by_hand = net_present_value(0.071, yearly)
    assert float(result.tables["costs"]["capex_present_usd"].sum()) == pytest.approx(by_hand)


def test_spending_everything_at_once_is_not_discounted(inputs: Tables) -> None:
    total = (
        inputs["materials"]
        .group_by("district_id")
        .agg(pl.col("capex_usd").sum())
        .with_columns(year=pl.lit(2025), n_households_passed=pl.lit(0))
    )
    at_once = economy(inputs.with_(schedule=total), EconomyParams(), CONTEXT).tables["costs"]
    assert at_once["capex_present_usd"].sum() == pytest.approx(at_once["capex_usd"].sum())


def test_operation_of_the_first_year_is_nothing(result: EngineResult) -> None:
    first = result.tables["cashflow"].filter((pl.col("item") == "opex") & (pl.col("year") == 2025))
    assert first["amount_usd"].to_list() == [0.0]


def test_renewing_what_lasts_five_years_is_the_hand_worked_sum(inputs: Tables) -> None:
    total = (
        inputs["materials"]
        .group_by("district_id")
        .agg(pl.col("capex_usd").sum())
        .with_columns(year=pl.lit(2025), n_households_passed=pl.lit(0))
    )
    timing = read_timing(inputs.with_(schedule=total), EconomyParams(horizon_years=12), CONTEXT)
    factor = renewal_factor(timing, 0.1, 5.0)
    by_hand = 1 / 1.1**5 + 1 / 1.1**10 - 0.6 / 1.1**12
    assert factor == pytest.approx(np.full(len(timing.district_id), by_hand))


def test_low_and_high_prices_enclose_the_central_one(result: EngineResult) -> None:
    costs = result.tables["costs"]
    assert (costs["capex_low_usd"] <= costs["capex_usd"] + 1e-6).all()
    assert (costs["capex_usd"] <= costs["capex_high_usd"] + 1e-6).all()


def test_connecting_a_household_costs_more_than_passing_one(result: EngineResult) -> None:
    passed = _value(result, "capex_per_household_passed_usd")
    assert _value(result, "capex_per_household_connected_usd") > passed > 0.0


def test_every_goal_is_a_share_of_people_in_both_years(result: EngineResult) -> None:
    for name in ("accessible_frac", "affordable_frac", "high_quality_frac", "reliable_frac", "ubiquitous_frac"):
        for year in (2025, 2030):
            assert 0.0 <= _value(result, name, year) <= 1.0


def test_dearer_service_is_affordable_to_fewer(inputs: Tables, result: EngineResult) -> None:
    dear = economy(inputs, EconomyParams(fibre_usd_per_month=40.0), CONTEXT)
    assert _value(dear, "home_line_affordable_frac") < _value(result, "home_line_affordable_frac")


def test_every_district_has_its_six_people_in_both_years(inputs: Tables, result: EngineResult) -> None:
    counts = result.tables["profiles"].group_by("district_id", "year").len()
    assert counts.height == 2 * inputs["districts"].height
    assert set(counts["len"]) == {6}


def test_a_person_lives_in_a_place_of_the_district(inputs: Tables, result: EngineResult) -> None:
    homes = inputs["places"].select("place_id", pl.col("district_id").alias("home"))
    joined = result.tables["profiles"].join(homes, on="place_id", how="left")
    assert (joined["home"] == joined["district_id"]).all()


def test_what_does_not_work_says_why(result: EngineResult) -> None:
    profiles = result.tables["profiles"]
    broken = profiles.filter(~pl.col("is_working"))
    assert broken.filter(pl.col("why").str.starts_with("works")).height == 0
    assert profiles.filter(pl.col("is_working") & ~pl.col("why").str.starts_with("works")).height == 0


def test_row_order_does_not_matter(inputs: Tables, result: EngineResult) -> None:
    again = economy(Tables({name: frame.reverse() for name, frame in inputs.items()}), EconomyParams(), CONTEXT)
    keys = {"costs": ["district_id", "category"], "cashflow": ["year", "item"]}
    for name, key in keys.items():
        left, right = result.tables[name].sort(key), again.tables[name].sort(key)
        for column in left.columns:
            if left[column].dtype == pl.Float64:
                assert left[column].to_numpy() == pytest.approx(right[column].to_numpy(), rel=1e-9)


def test_in_every_year_the_operator_gets_what_all_others_pay(result: EngineResult) -> None:
    cash = result.tables["cashflow"]
    assert ((cash["payee"] == "operator") | (cash["payer"] == "operator")).all()
    assert (cash.filter(pl.col("payee") == "operator")["amount_usd"] >= 0.0).all()
    assert (cash.filter(pl.col("payer") == "operator")["amount_usd"] <= 0.0).all()
    assert {"revenue", "tax", "subsidy", "loan", "interest", "repaid"} <= set(cash["item"])


def test_a_loan_is_repaid_in_full(result: EngineResult) -> None:
    # Nominal dollars are repaid: in dollars of the first year, less than was lent, by at most the years' inflation.
    cash = result.tables["cashflow"].group_by("item").agg(pl.col("amount_usd").sum())
    lent, repaid = (float(cash.filter(pl.col("item") == name)["amount_usd"][0]) for name in ("loan", "repaid"))
    assert lent * 1.02**-15 < -repaid < lent


def test_with_the_least_support_no_district_loses_at_the_cost_of_capital(result: EngineResult) -> None:
    lots = result.tables["subsidy_lots"]
    is_losing = lots["operator_value_usd"] < -1.0
    assert (lots.filter(is_losing)["subsidy_value_usd"] > 0.0).all()
    assert lots.filter(~is_losing)["subsidy_value_usd"].sum() <= 1.0 * lots.height


def test_people_of_the_trade_neither_appear_nor_vanish(result: EngineResult) -> None:
    for _, rows in result.tables["talent"].sort("year").group_by("programme"):
        gained = rows["total_people"].diff().drop_nulls().to_numpy()
        assert gained == pytest.approx(rows["graduates_people"].to_numpy()[1:], rel=1e-12)


def test_training_adds_people_to_export_work(result: EngineResult) -> None:
    last = result.tables["talent"].filter(pl.col("year") == 2030).sort("programme")
    assert last["export_ready_people"][1] > last["export_ready_people"][0]


def test_the_bill_by_vendor_and_chip_is_the_bill_of_materials(inputs: Tables, result: EngineResult) -> None:
    assert result.tables["supply"]["cost_usd"].sum() == pytest.approx(inputs["materials"]["capex_usd"].sum(), rel=1e-9)
    assert set(result.tables["supply"]["vendor_id"]) == {"A", "B", "C"}


def test_equal_vendors_count_as_three_effective_suppliers(inputs: Tables) -> None:
    alike = EconomyParams(vendor_a_frac=1.0 / 3.0, vendor_b_frac=1.0 / 3.0)
    found = economy(inputs, alike, CONTEXT).tables["supply_concentration"]
    whole = found.filter((pl.col("by") == "vendor") & (pl.col("category") == "all"))
    assert whole["effective_suppliers_count"][0] == pytest.approx(3.0)


def test_dearer_imports_move_the_value_of_the_plan_down(result: EngineResult) -> None:
    rows = result.tables["tornado"].filter(
        (pl.col("output") == "operator_npv_usd") & (pl.col("parameter") == "import_price_ratio")
    )
    assert rows["at_high_value"][0] < rows["at_base_value"][0] < rows["at_low_value"][0]


def test_late_building_serves_fewer_people_in_the_meantime(result: EngineResult) -> None:
    rows = result.tables["indicator_years"].filter(pl.col("indicator_id") == "people_with_20_mbps_frac").sort("year")
    assert (rows["p10_value"] <= rows["p90_value"]).all()
    assert rows.filter(pl.col("year") == 2027)["width_value"][0] > 0.0
    assert rows["p50_value"].to_list() == sorted(rows["p50_value"].to_list())


def test_a_series_is_carried_on_within_its_saturation(result: EngineResult) -> None:
    share = result.tables["adoption"].filter(pl.col("series") == "fibre_sites_at_pace_frac")
    assert share.height > 0
    assert (share["high_value"] <= 1.0).all()


def test_two_draws_of_the_same_seed_agree_and_another_seed_differs(inputs: Tables, result: EngineResult) -> None:
    again = economy(inputs, EconomyParams(), CONTEXT).tables["economy_spread"]
    other = economy(inputs, EconomyParams(), Context(seed=2)).tables["economy_spread"]
    assert again.equals(result.tables["economy_spread"])
    assert not other.equals(result.tables["economy_spread"])
