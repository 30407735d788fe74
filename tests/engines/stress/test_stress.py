"""The stress engine on the test country."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rahdari.engines.stress.engine as stress_engine
from rahdari.engines.backbone.engine import backbone
from rahdari.engines.backbone.params import BackboneParams
from rahdari.engines.stress.engine import stress
from rahdari.engines.stress.events import play
from rahdari.engines.stress.graph import stress_plan
from rahdari.engines.stress.hazards import feeder_hazards
from rahdari.engines.stress.params import StressParams
from rahdari.engines.stress.parts import hazard_availability_frac
from rahdari.errors import InputError
from rahdari.methods.geo import great_circle_km
from rahdari.model import Context, EngineResult, Tables
from rahdari.schema.checks import empty_table
from tests.fixtures import engine_outputs, small_country
from tests.helpers.engine_checks import check_engine, conformed, gateways, recompute, rows

FOLDER = Path(stress_engine.__file__).parent


@pytest.fixture(scope="module")
def plan() -> dict[str, pl.DataFrame]:
    from rahdari.run.registry import registry

    schemas = registry().schemas
    engines = registry().engines
    reads = (*engines["backbone"].reads, *engines["stress"].reads)
    needed = {name: empty_table(schemas[name]) for name in reads if name in schemas}
    country = {**needed, **small_country(), **gateways()}
    made = backbone(Tables(country), BackboneParams(), Context()).tables
    routes, cuts = made["routes"], made["backbone_replay"]
    technology = pl.Series(np.where(np.arange(country["places"].height) % 5 == 0, "none", "mobile_4g"))
    access = country["places"].select(
        "place_id", pl.lit(2025).cast(pl.Int64).alias("year"), technology.alias("technology"),
        pl.lit(0.99).alias("availability_frac"),
    )  # fmt: skip
    energy = country["sites"].select(
        "site_id", pl.lit(6.0).alias("feeder_h_per_day"),
        (pl.col("battery_h") + 8.0 * pl.col("has_generator")).alias("autonomy_h"),
    )  # fmt: skip
    demand = country["places"].select(
        "place_id", pl.lit(2025).cast(pl.Int64).alias("year"), pl.lit(5.0).alias("busy_hour_mbps")
    )
    named = rows(
        "named_events",
        ["named_event_id", "name", "event_id", "hazard_ids", "strikes", "n_hours", "duration_h", "inputs_note"],
        [
            ("dark", "Grid failure", "ev-grid", "hz-grid", "all", 24, 14.0, "the length comes from the report"),
            ("wet", "Flood", "ev-flood", "hz-flood", "all", 96, None, "the place comes from the report"),
        ],
    )
    reports = rows(
        "event_reports",
        ["report_id", "named_event_id", "hour_h", "what", "value"],
        [("r1", "dark", 11.0, "sites_down_frac", 0.45), ("r2", "wet", 0.0, "n_sites_down", 3.0)],
    )
    return {
        **country, "routes": routes, "backbone_replay": cuts, "access": access,
        "place_power": engine_outputs(country)["place_power"], "site_energy": energy,
        "place_demand": demand, "named_events": named, "event_reports": reports,
    }  # fmt: skip


@pytest.fixture(scope="module")
def result(plan: dict[str, pl.DataFrame]) -> EngineResult:
    return stress(Tables(plan), StressParams(), Context())


def test_result_keeps_schema_formulas_and_row_order(plan: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(stress, plan, StressParams(), Context(), FOLDER)
    assert frames["availability"].height == plan["places"].height
    assert frames["event_replay"].height == plan["events"].height
    assert not result.certificates


def test_the_grid_failure_darkens_grid_sites_without_generator(plan: dict[str, pl.DataFrame]) -> None:
    # No zone has supply again before the end, and every generator starts: then the share is exact.
    params = StressParams(grid_first_back_frac=1.0, start_fail_frac=0.0)
    replay = stress(Tables(plan), params, Context()).tables["event_replay"]
    row = replay.row(by_predicate=pl.col("event_id") == "ev-grid", named=True)
    sites = plan["sites"]
    assert sites["battery_h"].to_numpy().max() < 11.0
    dark = sites.filter(pl.col("is_on_grid") & ~pl.col("has_generator")).height
    assert row["predicted_value"] == pytest.approx(100.0 * dark / sites.height)
    assert row["error_frac"] == pytest.approx(abs(row["predicted_value"] - 45.0) / 45.0)


def test_cuts_are_predicted_once_by_the_backbone_with_its_band(
    plan: dict[str, pl.DataFrame], result: EngineResult
) -> None:
    cuts = plan["backbone_replay"].filter(pl.col("measure").is_in(["lost", "isolated", "cut off"]))
    replay = result.tables["event_replay"].filter(pl.col("predicted_by") == "backbone")
    assert "ev-cable" in replay["event_id"].to_list()
    columns = ["event_id", "predicted_value", "predicted_low_value", "predicted_high_value", "is_independent"]
    assert replay.select(columns).sort("event_id").equals(cuts.select(columns).sort("event_id"))
    assert (replay["error_frac"].drop_nulls() >= 0.0).all()


def test_without_cuts_from_the_backbone_the_reason_is_told(plan: dict[str, pl.DataFrame]) -> None:
    found = stress(Tables({**plan, "backbone_replay": plan["backbone_replay"].clear()}), StressParams(), Context())
    row = found.tables["event_replay"].row(by_predicate=pl.col("event_id") == "ev-cable", named=True)
    assert row["status"] == "not_modelled"
    assert "backbone" in row["note"]
    assert any("backbone" in note and "uncompared" in note for note in found.notes)


def test_events_without_model_are_listed_with_the_reason(result: EngineResult) -> None:
    replay = result.tables["event_replay"]
    row = replay.row(by_predicate=pl.col("event_id") == "ev-cut", named=True)
    assert row["status"] == "not_modelled"
    assert row["predicted_by"] == "nothing"
    assert row["predicted_value"] is None
    assert row["note"]


def test_a_replay_against_its_own_source_is_marked_and_kept_out_of_the_median(result: EngineResult) -> None:
    # Events, hazards and cables of the test country share one source; the failed grid uses none of them.
    row = result.tables["event_replay"].row(by_predicate=pl.col("event_id") == "ev-flood", named=True)
    count = next(item for item in result.indicators if item.indicator_id == "replay_events_count")
    assert row["status"] == "replayed"
    assert not row["is_independent"]
    assert count.value == 1.0


def test_a_hazard_acts_within_its_radius_only() -> None:
    hazards = gateways()["hazards"].filter(pl.col("kind") == "flood")
    frac = hazard_availability_frac(np.array([70.6, 71.9]), np.array([30.2, 31.8]), hazards)
    assert frac.tolist() == pytest.approx([1.0 - 0.2 * 240.0 * 0.3 / 8766.0, 1.0])


def test_more_cuts_or_slower_repair_never_shorten_outages(plan: dict[str, pl.DataFrame], result: EngineResult) -> None:
    usual = result.tables["availability"]
    worse = stress(Tables(plan), StressParams(repair_h=48.0, cuts_per_1000_km_per_year=20.0), Context())
    hours = [frame["outage_h_per_year"].to_numpy().mean() for frame in (usual, worse.tables["availability"])]
    assert hours[1] > hours[0]


def test_sites_without_battery_are_down_as_often_as_their_feeder(plan: dict[str, pl.DataFrame]) -> None:
    bare = plan["sites"].with_columns(has_generator=pl.lit(value=False), battery_h=pl.lit(0.0), is_on_grid=pl.lit(True))
    calm = {**plan, "sites": bare, "hazards": plan["hazards"].clear(), "named_events": plan["named_events"].clear()}
    params = StressParams(cuts_per_1000_km_per_year=0.1, fuel_shortage_per_year=0.0, vendor_fault_per_year=0.0)
    frame = stress(Tables(calm), params, Context()).tables["availability"]
    # Feeders are off 6 of 24 hours; chains through other zones only add to that.
    assert 0.2 < frame["simulated_frac"].to_numpy().mean() < 0.76
    assert (frame["simulated_low_frac"] < 0.76).all()


def test_intervals_hold_the_availability_of_every_place_and_service(result: EngineResult) -> None:
    frame = result.tables["service_availability"]
    assert set(frame["service_id"].to_list()) == {"internet", "national"}
    assert (frame["low_frac"] <= frame["availability_frac"] + 1e-12).all()
    assert (frame["high_frac"] >= frame["availability_frac"] - 1e-12).all()


def test_a_seed_repeats_its_draws_and_another_makes_its_own(
    plan: dict[str, pl.DataFrame], result: EngineResult
) -> None:
    again = stress(Tables(plan), StressParams(), Context())
    other = stress(Tables(plan), StressParams(), Context(seed=2))
    assert again.tables["availability"].equals(result.tables["availability"])
    assert not other.tables["availability"].equals(result.tables["availability"])


def test_named_events_are_played_by_the_hour_with_their_reports(result: EngineResult) -> None:
    hours = result.tables["replay_hours"]
    dark = hours.filter(pl.col("named_event_id") == "dark").sort("hour_h")
    assert dark["hour_h"].to_list() == list(range(24))
    # Batteries last first; after the last zone is back nothing is down.
    assert dark["down_sites"][0] <= dark["down_sites"].to_numpy().max()
    assert dark["down_sites"][23] == 0.0
    said = hours.filter(pl.col("reported_value").is_not_null()).sort("named_event_id")
    assert said.select("named_event_id", "hour_h").rows() == [("dark", 11), ("wet", 0)]
    assert (hours["down_low_sites"] <= hours["down_sites"]).all()
    assert (hours["down_high_sites"] >= hours["down_sites"]).all()


def test_a_flood_takes_feeders_with_the_sites_it_reaches(plan: dict[str, pl.DataFrame]) -> None:
    made = stress_plan(Tables(plan), StressParams(), 2025)
    assert made is not None
    row = plan["hazards"].row(by_predicate=pl.col("hazard_id") == "hz-flood", named=True)
    (hazard,) = feeder_hazards(row, made, StressParams(feeder_fail_frac=0.5))
    network, level = made.network, hazard.levels[0]
    km = great_circle_km(made.lon_deg, made.lat_deg, row["lon_deg"], row["lat_deg"])[: network.n_nodes]
    fed = np.flatnonzero(network.is_site & (network.zone >= 0))
    n_sites = np.bincount(network.zone[fed], minlength=network.n_zones)
    # Over all zones as many sites lose supply as are reached, times the share struck, times the chance.
    lost = float((n_sites[level.member] * level.chance_frac).sum())
    assert lost == pytest.approx(0.5 * row["severity_frac"] * float((km[fed] <= row["radius_km"]).sum()))
    assert not feeder_hazards({**row, "kind": "heat"}, made, StressParams())


def test_sites_behind_a_flooded_feeder_go_dark_when_their_battery_ends(plan: dict[str, pl.DataFrame]) -> None:
    event = plan["named_events"].row(by_predicate=pl.col("named_event_id") == "wet", named=True)
    down = []
    for chance in (0.0, 1.0):
        params = StressParams(feeder_fail_frac=chance, feeder_fail_low_frac=chance, feeder_fail_high_frac=chance)
        made = stress_plan(Tables(plan), params, 2025)
        assert made is not None
        played = play(event, Tables(plan), made, params, seed=1, every_hour=True, n_draws=64)
        assert played is not None
        down.append(played.sites_down[1])
    # Every battery of the test country lasts an hour or more, none eleven.
    assert down[1][0] == pytest.approx(down[0][0], rel=0.2)
    assert down[1][24] > 1.1 * down[0][24]


def test_revenue_lost_is_pro_rata_of_published_revenue(plan: dict[str, pl.DataFrame]) -> None:
    facts = rows(
        "facts",
        ["fact_id", "metric", "period", "value", "unit"],
        [
            ("arpu_mobile_fy2025_pkr", "revenue per user and month", "FY2025", 300.0, "pkr"),
            ("mobile_subscribers_fy2025_people", "subscribers", "FY2025", 2e6, "people"),
            ("ftth_subscribers_2024_02_households", "fibre lines", "2024-02", 1000.0, "households"),
        ],
    )
    known = {**plan, "facts": facts}
    result = stress(Tables(known), StressParams(fixed_usd_per_month=10.0), Context())
    frames = conformed(result, FOLDER)
    assert recompute(known, frames, FOLDER, StressParams(fixed_usd_per_month=10.0), Context()) > 0
    rate = float(plan["country"]["exchange_rate_per_usd"][0])
    n_people = int(plan["places"]["n_people"].to_numpy().sum())
    own = frames["availability"].join(plan["places"].select("place_id", "n_people"), on="place_id")
    hours = own.select((pl.col("n_people") * pl.col("outage_h_per_year")).filter("is_served").sum()).item()
    yearly = (300.0 / rate * 2e6 + 10.0 * 1000.0) * 12.0
    lost = next(item for item in result.indicators if item.indicator_id == "revenue_lost_usd_per_year")
    assert lost.value == pytest.approx(yearly * hours / n_people / 8766.0)
    assert lost.value_low is not None
    assert lost.value_high is not None
    assert lost.value_low < lost.value / 1.9
    assert lost.value_high > lost.value * 1.9


def test_an_event_loses_the_revenue_of_its_people_hours(result: EngineResult) -> None:
    losses = result.tables["event_losses"].sort("named_event_id")
    hours = result.tables["replay_hours"].filter(pl.col("named_event_id") == "dark").sort("hour_h")
    price = result.tables["revenue_basis"]["mean_usd_per_people_h"].to_numpy().sum()
    row = losses.row(by_predicate=pl.col("named_event_id") == "dark", named=True)
    # Every hour is played: the sum over hours and the trapezium rule differ by half of the ends.
    ends = hours["without_people"].to_numpy()[[0, -1]].sum()
    total = hours["without_people"].to_numpy().sum() - 0.5 * ends
    assert row["without_people_h"] == pytest.approx(total)
    assert row["revenue_lost_usd"] == pytest.approx(total * price)
    assert (losses["revenue_lost_low_usd"] <= losses["revenue_lost_usd"]).all()
    assert (losses["revenue_lost_high_usd"] >= losses["revenue_lost_usd"]).all()


def test_what_hardening_buys_is_stated_by_class_and_names_no_asset(
    plan: dict[str, pl.DataFrame], result: EngineResult
) -> None:
    worth = result.tables["hardening_value"]
    names = set(plan["sites"]["site_id"].to_list()) | set(plan["links"]["link_id"].to_list())
    cells = {str(cell) for row in worth.iter_rows() for cell in row}
    assert worth.height > 0
    assert not names & cells
    battery = worth.filter(pl.col("hardening_id") == "battery, towers without generator")
    assert battery["saved_h_per_year"][0] > 0.0


def test_an_event_that_names_an_unknown_hazard_says_so(plan: dict[str, pl.DataFrame]) -> None:
    wrong = plan["named_events"].with_columns(hazard_ids=pl.lit("hz-none"))
    with pytest.raises(InputError, match="hz-none"):
        stress(Tables({**plan, "named_events": wrong}), StressParams(), Context())


def test_a_country_without_towers_is_told_by_its_parts(plan: dict[str, pl.DataFrame]) -> None:
    none = {**plan, "sites": plan["sites"].clear(), "site_energy": plan["site_energy"].clear()}
    frames = stress(Tables(none), StressParams(), Context()).tables
    assert frames["availability"].height == plan["places"].height
    assert frames["replay_hours"].height == 0
    assert frames["availability"]["availability_frac"].to_list() == pytest.approx(
        frames["availability"]["independent_frac"].to_list()
    )


def test_people_without_technology_do_not_count_as_failing(result: EngineResult) -> None:
    mean = next(item for item in result.indicators if item.indicator_id == "mean_outage_h_per_year")
    served = result.tables["availability"].filter("is_served")["outage_h_per_year"].to_numpy()
    assert served.min() <= mean.value <= served.max()
    assert mean.value_low is not None
    assert mean.value_high is not None
    assert mean.value_low <= mean.value <= mean.value_high
