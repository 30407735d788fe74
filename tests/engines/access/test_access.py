"""The joint choice conserves people and money, proves its cost, meets its targets or says by how much it misses."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from rahdari.engines.access.engine import access
from rahdari.engines.access.ground import spread, spread_within
from rahdari.engines.access.options import TECHNOLOGIES, street_km
from rahdari.engines.access.params import AccessParams
from rahdari.engines.demand.engine import demand
from rahdari.engines.demand.params import DemandParams
from rahdari.errors import InputError, TargetError
from rahdari.model import Context, EngineResult, Tables
from tests.fixtures import engine_outputs, small_country

CONTEXT = Context()


@pytest.fixture(scope="module")
def inputs() -> Tables:
    country = small_country()
    tables = Tables({**country, **engine_outputs(country)})
    return tables.with_(**demand(tables, DemandParams(), CONTEXT).tables)


@pytest.fixture(scope="module")
def result(inputs: Tables) -> EngineResult:
    return access(inputs, AccessParams(), CONTEXT)


def _value(result: EngineResult, name: str, year: int = 2030) -> float:
    return next(item.value for item in result.indicators if item.indicator_id == name and item.year == year)


def _end(result: EngineResult) -> pl.DataFrame:
    return result.tables["access"].filter(pl.col("year") == 2030)


def test_people_by_technology_are_the_census_in_both_years(inputs: Tables, result: EngineResult) -> None:
    by_technology = result.tables["access"].group_by("year", "technology").agg(pl.col("n_people").sum())
    for year in (2025, 2030):
        rows = by_technology.filter(pl.col("year") == year)
        assert rows["n_people"].sum() == inputs["places"]["n_people"].sum()


def test_connected_households_are_fewer_than_passed(result: EngineResult) -> None:
    table = result.tables["access"]
    assert (table["n_households_connected"] <= table["n_households_passed"]).all()
    assert _value(result, "fibre_homes_connected_households") < _value(result, "fibre_homes_passed_households")


def test_the_bill_of_materials_is_the_money_of_the_plan(result: EngineResult) -> None:
    tables = result.tables
    for column in ("capex_usd", "capex_low_usd", "capex_high_usd"):
        parts = sum(float(tables[name][column].sum()) for name in ("access", "planned_links", "planned_sites"))
        assert tables["materials"][column].sum() == pytest.approx(parts, rel=1e-9)


def test_the_whole_objective_is_proven_within_two_per_cent(result: EngineResult) -> None:
    whole = next(item for item in result.certificates if item.name == "Access, whole objective")
    assert whole.lower_bound is not None
    assert whole.lower_bound <= whole.cost
    assert whole.gap_frac is not None
    assert whole.gap_frac < 0.02


def test_the_gap_over_fibre_spend_is_the_same_money(result: EngineResult) -> None:
    whole, fibre = (
        next(item for item in result.certificates if item.name == name)
        for name in ("Access, whole objective", "Access, fibre spend")
    )
    assert whole.lower_bound is not None
    assert fibre.lower_bound is not None
    assert fibre.cost - fibre.lower_bound == pytest.approx(whole.cost - whole.lower_bound, rel=1e-6)


def test_the_cost_certified_is_the_cost_of_the_tables(inputs: Tables, result: EngineResult) -> None:
    options = result.tables["access_options"].filter(pl.col("technology") == "fibre")
    chosen = _end(result).filter(pl.col("technology") == "fibre").join(options, on="place_id", suffix="_option")
    assert chosen["tco_usd"].to_numpy() == pytest.approx(chosen["tco_usd_option"].to_numpy())
    assert chosen.height > 0
    assert inputs["places"].height > chosen.height


def test_every_new_piece_of_fibre_hangs_on_existing_fibre(inputs: Tables, result: EngineResult) -> None:
    links = result.tables["planned_links"]
    reached = set(_end(result).filter(pl.col("is_on_fibre"))["place_id"])
    joined = set(links["place_id"].drop_nulls()) | set(links["to_place_id"].drop_nulls())
    assert reached <= joined
    assert not set(links["row_id"].drop_nulls()) & set(inputs["links"]["row_id"].drop_nulls())


def test_no_place_goes_without_while_something_that_meets_the_target_can_be_built(result: EngineResult) -> None:
    feasible = result.tables["access_options"].filter(pl.col("is_feasible") & (pl.col("technology") != "fibre"))
    missed = _end(result).filter(~pl.col("is_target_met"))
    assert missed.join(feasible, on="place_id", how="semi").height == 0


def test_sites_joined_by_fibre_stand_in_places_reached(result: EngineResult) -> None:
    reached = _end(result).filter(pl.col("is_on_fibre")).select("place_id")
    joined = result.tables["planned_sites"].filter(pl.col("is_fibre"))
    assert joined.join(reached, on="place_id", how="anti").height == 0


def test_a_target_beyond_the_least_cost_plan_is_met_at_a_premium(inputs: Tables) -> None:
    free = access(inputs, AccessParams(site_fibre_target_frac=0.01, passed_target_households=1.0), CONTEXT)
    wanted = 1.1 * _value(free, "fibre_homes_passed_households")
    bound = access(inputs, AccessParams(site_fibre_target_frac=0.01, passed_target_households=wanted), CONTEXT)
    assert _value(free, "premium_per_household_usd") == 0.0
    assert _value(bound, "premium_per_household_usd") > 0.0
    assert _value(bound, "fibre_homes_passed_households") >= wanted
    assert bound.certificates[0].cost >= free.certificates[0].cost


def test_a_target_that_cannot_be_met_is_stated_with_its_shortfall(inputs: Tables) -> None:
    households = float(inputs["places"]["n_households"].sum())
    result = access(inputs, AccessParams(passed_target_households=2.0 * households, n_premium_rounds=2), CONTEXT)
    missed = [note for note in result.notes if note.startswith("Target missed")]
    assert len(missed) >= 1
    assert "short by" in missed[0]


def test_a_strict_scenario_refuses_a_plan_that_misses_its_target(inputs: Tables) -> None:
    households = float(inputs["places"]["n_households"].sum())
    params = AccessParams(passed_target_households=2.0 * households, n_premium_rounds=0, is_target_strict=True)
    with pytest.raises(TargetError, match="short by"):
        access(inputs, params, CONTEXT)


def test_a_budget_is_kept_and_what_it_costs_in_targets_is_stated(inputs: Tables) -> None:
    free = access(inputs, AccessParams(n_premium_rounds=0), CONTEXT)
    budget = 0.9 * float(free.tables["materials"]["capex_usd"].sum())
    tight = access(inputs, AccessParams(budget_usd=budget, n_premium_rounds=8), CONTEXT)
    assert float(tight.tables["materials"]["capex_usd"].sum()) <= budget * (1.0 + 1e-9)
    assert any(note.startswith("Target missed") for note in tight.notes)


def test_row_order_does_not_matter(inputs: Tables, result: EngineResult) -> None:
    shuffled = Tables({name: frame.reverse() for name, frame in inputs.items()})
    again = access(shuffled, AccessParams(), CONTEXT)
    keys = {
        "access": ["place_id", "year"],
        "access_options": ["place_id", "technology"],
        "planned_links": ["link_id"],
        "planned_sites": ["site_id"],
    }
    for name, key in keys.items():
        assert result.tables[name].sort(key).equals(again.tables[name].select(result.tables[name].columns).sort(key))


def test_a_country_without_facts_targets_and_fibre_is_still_planned(inputs: Tables) -> None:
    bare = inputs.with_(facts=inputs["facts"].clear(), targets=inputs["targets"].clear(), links=inputs["links"].clear())
    result = access(bare, AccessParams(), CONTEXT)
    assert any("only source" in note for note in result.notes)
    assert _value(result, "fibre_homes_passed_households", 2025) == 0.0
    assert _end(result).height == inputs["places"].height


def test_a_catalogue_without_an_item_is_refused_by_name(inputs: Tables) -> None:
    short = inputs.with_(equipment=inputs["equipment"].filter(pl.col("equipment_id") != "gpon_node"))
    with pytest.raises(InputError, match="gpon_node"):
        access(short, AccessParams(), CONTEXT)


def test_the_pace_asked_for_is_the_hand_worked_one(inputs: Tables, result: EngineResult) -> None:
    passed_today = round(10_000 / 0.3)
    years_left = (2030 + 119 / 365.25) - (2024 + 2 / 12)
    assert inputs["targets"].height == 2
    assert _value(result, "required_households_per_year") == pytest.approx((60_000 - passed_today) / years_left)


def test_dearer_fibre_never_brings_more_fibre(inputs: Tables, result: EngineResult) -> None:
    is_fibre = pl.col("equipment_id").is_in(["fibre_buried_km", "fibre_aerial_km"])
    dear = inputs["equipment"].with_columns(
        capex_usd=pl.when(is_fibre).then(pl.col("capex_usd") * 4.0).otherwise("capex_usd")
    )
    free = AccessParams(site_fibre_target_frac=0.01, passed_target_households=1.0)
    cheap_km = _value(access(inputs, free, CONTEXT), "planned_fibre_km")
    assert _value(access(inputs.with_(equipment=dear), free, CONTEXT), "planned_fibre_km") <= cheap_km
    assert result.tables["planned_links"].height > 0


def test_options_cover_every_technology_at_every_place(inputs: Tables, result: EngineResult) -> None:
    counts = result.tables["access_options"].group_by("technology").len()
    assert dict(counts.iter_rows()) == dict.fromkeys(TECHNOLOGIES, inputs["places"].height)


def test_spreading_keeps_the_total_and_the_room() -> None:
    weight = np.array([0.3, 2.0, 7.7, 0.0])
    assert spread(11, weight).sum() == 11
    room = np.array([1.0, 5.0, 2.0])
    within = spread_within(100, room)
    assert within.tolist() == [1, 5, 2]


def test_four_times_the_households_on_the_same_ground_need_twice_the_street_cable() -> None:
    one, four = street_km(np.array([100.0, 400.0]), np.array([2.0, 2.0]), 0.7)
    assert four == pytest.approx(2.0 * one)
