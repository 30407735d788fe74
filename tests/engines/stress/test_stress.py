"""The stress engine on the test country."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rahdari.engines.stress.engine as stress_engine
from rahdari.engines.backbone.engine import backbone
from rahdari.engines.backbone.params import BackboneParams
from rahdari.engines.stress.engine import hazard_availability_frac, stress
from rahdari.engines.stress.params import StressParams
from rahdari.model import Context, Tables
from rahdari.schema.checks import empty_table
from tests.fixtures import engine_outputs, small_country
from tests.helpers.engine_checks import check_engine, gateways

FOLDER = Path(stress_engine.__file__).parent


@pytest.fixture(scope="module")
def plan() -> dict[str, pl.DataFrame]:
    from rahdari.run.registry import registry

    schemas = registry().schemas
    needed = {name: empty_table(schemas[name]) for name in registry().engines["backbone"].reads if name in schemas}
    country = {**needed, **small_country(), **gateways()}
    routes = backbone(Tables(country), BackboneParams(), Context()).tables["routes"]
    technology = pl.Series(np.where(np.arange(country["places"].height) % 5 == 0, "none", "mobile_4g"))
    access = country["places"].select(
        "place_id", pl.lit(2025).cast(pl.Int64).alias("year"), technology.alias("technology"),
        pl.lit(0.99).alias("availability_frac"),
    )  # fmt: skip
    power = engine_outputs(country)["place_power"]
    return {**country, "routes": routes, "access": access, "place_power": power}


def test_result_keeps_schema_formulas_and_row_order(plan: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(stress, plan, StressParams(), Context(), FOLDER)
    assert frames["availability"].height == plan["places"].height
    assert frames["event_replay"].height == plan["events"].height
    assert not result.certificates


def test_the_grid_failure_darkens_grid_sites_without_generator(plan: dict[str, pl.DataFrame]) -> None:
    replay = stress(Tables(plan), StressParams(), Context()).tables["event_replay"]
    row = replay.row(by_predicate=pl.col("event_id") == "ev-grid", named=True)
    sites = plan["sites"]
    dark = sites.filter(pl.col("is_on_grid") & ~pl.col("has_generator")).height
    assert row["predicted_value"] == pytest.approx(100.0 * dark / sites.height)
    assert row["error_frac"] == pytest.approx(abs(row["predicted_value"] - 45.0) / 45.0)


def test_a_cut_takes_the_share_in_use_of_the_named_cable(plan: dict[str, pl.DataFrame]) -> None:
    replay = stress(Tables(plan), StressParams(), Context()).tables["event_replay"]
    row = replay.row(by_predicate=pl.col("event_id") == "ev-cable", named=True)
    assert row["predicted_value"] == pytest.approx(2.0 * 1000.0 * 0.6)


def test_events_without_model_or_loss_are_listed_with_the_reason(plan: dict[str, pl.DataFrame]) -> None:
    replay = stress(Tables(plan), StressParams(), Context()).tables["event_replay"]
    row = replay.row(by_predicate=pl.col("event_id") == "ev-cut", named=True)
    assert row["status"] == "not_modelled"
    assert row["predicted_value"] is None
    assert row["note"]


def test_a_replay_against_its_own_source_is_marked_and_kept_out_of_the_median(plan: dict[str, pl.DataFrame]) -> None:
    # Events and hazards of the test country share one source.
    result = stress(Tables(plan), StressParams(), Context())
    row = result.tables["event_replay"].row(by_predicate=pl.col("event_id") == "ev-flood", named=True)
    count = next(item for item in result.indicators if item.indicator_id == "replay_events_count")
    assert row["status"] == "replayed"
    assert not row["is_independent"]
    assert count.value == 2.0


def test_a_hazard_acts_within_its_radius_only() -> None:
    hazards = gateways()["hazards"].filter(pl.col("kind") == "flood")
    frac = hazard_availability_frac(np.array([70.6, 71.9]), np.array([30.2, 31.8]), hazards)
    assert frac.tolist() == pytest.approx([1.0 - 0.2 * 240.0 * 0.3 / 8766.0, 1.0])


def test_more_cuts_or_slower_repair_never_shorten_outages(plan: dict[str, pl.DataFrame]) -> None:
    usual = stress(Tables(plan), StressParams(), Context()).tables["availability"]
    worse = stress(Tables(plan), StressParams(repair_h=48.0), Context()).tables["availability"]
    assert np.all(worse["outage_h_per_year"].to_numpy() >= usual["outage_h_per_year"].to_numpy())


def test_people_without_technology_do_not_count_as_failing(plan: dict[str, pl.DataFrame]) -> None:
    result = stress(Tables(plan), StressParams(), Context())
    mean = next(item for item in result.indicators if item.indicator_id == "mean_outage_h_per_year")
    served = result.tables["availability"].filter("is_served")["outage_h_per_year"].to_numpy()
    assert served.min() <= mean.value <= served.max()
    assert mean.value_low is not None
    assert mean.value_high is not None
    assert mean.value_low <= mean.value <= mean.value_high
