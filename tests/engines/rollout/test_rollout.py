"""The roll-out engine on the test country."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rahdari.engines.rollout.engine as rollout_engine
from rahdari.engines.rollout.engine import rollout
from rahdari.engines.rollout.params import RolloutParams
from rahdari.model import Context, Tables
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine

FOLDER = Path(rollout_engine.__file__).parent


@pytest.fixture(scope="module")
def plan() -> dict[str, pl.DataFrame]:
    country = small_country()
    places = country["places"]
    random = np.random.Generator(np.random.Philox(key=11))
    is_built = random.random(places.height) < 0.4
    built = places.filter(is_built)
    homes = pl.Series(np.where(is_built, places["n_households"].to_numpy() * 0.8, 0.0).astype(np.int64))
    base = places.select("place_id", pl.lit(2025).alias("year"), pl.lit(0).alias("n_households_passed"))
    end = places.select("place_id", pl.lit(2030).alias("year"), homes.alias("n_households_passed"))
    access = pl.concat([base, end.cast(base.schema)]).with_columns(capex_usd=pl.col("n_households_passed") * 90.0)
    length_km = random.uniform(1.0, 30.0, built.height)
    links = built.select(
        pl.format("pl-{}", "place_id").alias("link_id"),
        "place_id",
        "district_id",
        pl.Series("length_km", length_km),
        pl.Series("capex_usd", length_km * 9000.0),
    )
    sites = built.head(40).select(
        pl.format("ps-{}", "place_id").alias("site_id"),
        "place_id",
        pl.lit(None, pl.String).alias("district_id"),
        pl.lit(value=True).alias("is_fibre"),
        pl.lit(0.4).alias("lateral_km"),
        pl.lit(2500.0).alias("capex_usd"),
    )
    return {**country, "access": access, "planned_links": links, "planned_sites": sites}


def test_result_keeps_schema_formulas_proofs_and_row_order(plan: dict[str, pl.DataFrame]) -> None:
    result, _ = check_engine(rollout, plan, RolloutParams(), Context(), FOLDER)
    (certificate,) = result.certificates
    assert certificate.gap_frac == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("params", [{}, {"budget_usd_per_year": 3e6}, {"n_crews_max": 2}])
def test_money_kilometres_homes_and_sites_are_conserved(
    plan: dict[str, pl.DataFrame], params: dict[str, float]
) -> None:
    schedule = rollout(Tables(plan), RolloutParams(**params), Context()).tables["schedule"]
    planned = sum(float(plan[name]["capex_usd"].sum()) for name in ("planned_links", "planned_sites", "access"))
    assert schedule["capex_usd"].sum() == pytest.approx(planned)
    assert schedule["lateral_km"].sum() == pytest.approx(0.4 * plan["planned_sites"].height)
    assert schedule["fibre_km"].sum() == pytest.approx(plan["planned_links"]["length_km"].sum())
    assert schedule["n_households_passed"].sum() == plan["access"]["n_households_passed"].sum()
    assert schedule["n_sites_fibred"].sum() == plan["planned_sites"].height


def test_the_level_pace_ends_in_the_year_that_the_targets_name(plan: dict[str, pl.DataFrame]) -> None:
    schedule = rollout(Tables(plan), RolloutParams(), Context()).tables["schedule"]
    assert (schedule["year"].min(), schedule["year"].max()) == (2025, 2030)
    yearly = schedule.group_by("year").agg(pl.col("capex_usd").sum(), pl.col("work_frac").first())
    pace = yearly["capex_usd"] / yearly["work_frac"]
    assert pace.max() == pytest.approx(pace.min())


def test_a_small_budget_is_kept_and_its_lateness_is_said(plan: dict[str, pl.DataFrame]) -> None:
    result = rollout(Tables(plan), RolloutParams(budget_usd_per_year=5e6), Context())
    yearly = result.tables["schedule"].group_by("year").agg(pl.col("capex_usd").sum())
    assert max(yearly["capex_usd"].to_list()) <= 5e6 * (1 + 1e-9)
    assert any("after it is due" in note for note in result.notes)


def test_districts_with_more_homes_per_dollar_are_not_finished_later(plan: dict[str, pl.DataFrame]) -> None:
    params = RolloutParams(site_value_households=0.0)
    schedule = rollout(Tables(plan), params, Context()).tables["schedule"]
    done = schedule.group_by("district_id").agg(
        pl.col("year").max(), (pl.col("n_households_passed").sum() / pl.col("capex_usd").sum()).alias("homes_per_usd")
    )
    assert done.sort("homes_per_usd", descending=True)["year"].is_sorted()


def test_a_plan_that_builds_nothing_has_an_empty_schedule(plan: dict[str, pl.DataFrame]) -> None:
    nothing = {name: frame.clear() if name.startswith("planned") else frame for name, frame in plan.items()}
    nothing["access"] = plan["access"].with_columns(n_households_passed=pl.lit(0, pl.Int64), capex_usd=pl.lit(0.0))
    result = rollout(Tables(nothing), RolloutParams(), Context())
    assert result.tables["schedule"].is_empty()
