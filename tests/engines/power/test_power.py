from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import rahdari.engines.power as folder_module
from rahdari.engines.power.engine import power
from rahdari.engines.power.params import PowerParams
from rahdari.engines.power.programme import people_behind
from rahdari.model import Context, Tables
from rahdari.schema import schemas_in
from rahdari.schema.checks import empty_table
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, rows

if TYPE_CHECKING:
    from rahdari.model import EngineResult

FOLDER = Path(folder_module.__file__).parent
CTX = Context()
CELLS = schemas_in(FOLDER.parent / "radio" / "tables")["cells"]


COUNTS = {"sites_per_feeder_count": 2.0, "quick_sites_per_feeder_count": 2.0}


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    country = small_country()
    companies = rows(
        "grid_companies",
        ["grid_company_id", "name", "n_feeders", "n_feeders_over_10h", "outage_h_per_day"],
        [("gc-a", "A", 814, 604, 11.0), ("gc-b", "B", 0, 0, 1.5)],
    )
    number = pl.col("district_id").str.slice(4).cast(pl.Int64())
    district = country["districts"].with_columns(
        grid_company_id=pl.when(number < 4).then(pl.lit("gc-a")).when(number < 8).then(pl.lit("gc-b"))
    )
    base = {name: country[name] for name in ("sites", "places")}
    return {**base, "districts": district, "grid_companies": companies, "cells": empty_table(CELLS)}


@pytest.fixture(scope="module")
def made(tables: dict[str, pl.DataFrame]) -> EngineResult:
    return power(Tables(tables), PowerParams(**COUNTS), CTX)


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(power, tables, PowerParams(**COUNTS), CTX, FOLDER)
    assert frames["site_energy"].height == tables["sites"].height
    assert frames["place_power"].height == tables["places"].height
    assert frames["site_energy"]["availability_frac"].is_between(0.0, 1.0).all()
    for item in result.indicators:
        if item.value_low is not None and item.value_high is not None:
            assert item.value_low <= item.value <= item.value_high


def test_exposed_sites_are_those_on_the_grid_without_a_generator(
    tables: dict[str, pl.DataFrame], made: EngineResult
) -> None:
    found = {item.indicator_id: item.value for item in made.indicators}
    sites = tables["sites"].filter(pl.col("kind") == "tower")
    assert found["sites_exposed_sites"] == sites.filter(pl.col("is_on_grid") & ~pl.col("has_generator")).height
    assert found["sites_without_generator_frac"] == pytest.approx((~sites["has_generator"]).mean())


def test_more_battery_never_means_more_dark_hours(tables: dict[str, pl.DataFrame], made: EngineResult) -> None:
    bare = pl.col("is_on_grid") & ~pl.col("has_generator")
    more = tables["sites"].with_columns(battery_h=pl.when(bare).then(pl.col("battery_h") + 4.0).otherwise("battery_h"))
    after = power(Tables({**tables, "sites": more}), PowerParams(**COUNTS), CTX).tables["site_energy"]
    joined = made.tables["site_energy"].join(after, on="site_id").filter("is_exposed")
    # A battery of twice the size fades by other hours: a tenth of an hour a year is within single precision.
    assert (joined["dark_h_per_year_right"] <= joined["dark_h_per_year"] + 0.1).all()
    assert joined["dark_h_per_year_right"].sum() < joined["dark_h_per_year"].sum()


def test_feeder_classes_keep_the_mean_of_the_company(made: EngineResult) -> None:
    energy = made.tables["site_energy"]
    share = energy["heavy_feeder_frac"]
    mix = share * energy["heavy_h_per_day"] + (1.0 - share) * energy["light_h_per_day"]
    np.testing.assert_allclose(mix.to_numpy(), energy["company_h_per_day"].to_numpy(), rtol=1e-12)


def test_the_drawn_year_keeps_the_hours_of_the_company(made: EngineResult) -> None:
    for (hours,), group in made.tables["site_energy"].group_by("company_h_per_day"):
        # A year of feeders that share a third of their draws strays by some per cent; few feeders stray further.
        assert float(group["outage_h_per_day"].to_numpy().mean()) == pytest.approx(hours, rel=0.25)


def test_worse_feeders_mean_more_dark_hours_and_diesel(made: EngineResult, tables: dict[str, pl.DataFrame]) -> None:
    energy = made.tables["site_energy"].join(tables["sites"], on="site_id").filter(pl.col("kind") == "tower")
    heavy = pl.col("outage_h_per_day") > 10.0
    for column, of in (("dark_h_per_year", "is_exposed"), ("diesel_l_per_year", "has_generator")):
        own = energy.filter(pl.col(of) & pl.col("is_on_grid"))
        worst, others = (own.filter(which)[column].to_numpy().mean() for which in (heavy, ~heavy))
        assert worst > others
    assert energy.filter(~pl.col("has_generator"))["diesel_l_per_year"].sum() == 0.0


def test_a_site_takes_the_energy_that_radio_states_for_it(tables: dict[str, pl.DataFrame]) -> None:
    tower = tables["sites"].filter(pl.col("kind") == "tower")["site_id"].sort()[0]
    row = {column.name: [None] for column in CELLS.columns} | {
        "site_id": [tower], "technology": ["4g"], "is_planned": [False], "energy_kwh_per_year": [8766.0],
    }  # fmt: skip
    cells = pl.DataFrame(row, schema=empty_table(CELLS).schema)
    params = PowerParams(**COUNTS)
    found = power(Tables({**tables, "cells": cells}), params, CTX).tables["site_energy"].sort("site_id")
    load = found.filter(pl.col("site_id") == tower)["load_kw"][0]
    assert load == pytest.approx(params.legacy_load_kw + params.site_overhead_ratio)


def test_designs_meet_the_target_and_their_bound_lies_below(made: EngineResult) -> None:
    classes = made.tables["site_classes"]
    assert (classes["design_availability_frac"] >= 0.9995 - 1e-6).all()
    assert (classes["bound_usd_per_year"] <= classes["cost_usd_per_year"]).all()
    assert (classes["diesel_low_usd_per_year"] <= classes["cost_usd_per_year"] + 1e-9).all()
    assert (classes["diesel_high_usd_per_year"] >= classes["cost_usd_per_year"] - 1e-9).all()


def test_the_programme_keeps_its_budget_and_equips_a_site_once(tables: dict[str, pl.DataFrame]) -> None:
    params = PowerParams(**COUNTS, budget_usd_per_year=20_000.0)
    result = power(Tables(tables), params, CTX)
    built = result.tables["power_programme"]
    assert built.height
    assert built["site_id"].is_unique().all()
    spent = built.group_by("year").agg(pl.col("cost_usd").sum()).sort("year")
    years = (spent["year"] - CTX.year_base).to_numpy()
    assert (spent["cost_usd"].cum_sum().to_numpy() <= params.budget_usd_per_year * years + 1e-6).all()
    gains = built.filter(pl.col("year") == built["year"].min()).sort("step")
    rate = (gains["gain_people_h_per_year"] / gains["cost_usd"]).to_numpy()
    assert (np.diff(rate) <= 1e-9 * rate[:-1]).all()


def test_people_behind_all_towers_are_the_people_of_the_country(tables: dict[str, pl.DataFrame]) -> None:
    towers = tables["sites"].filter(pl.col("kind") == "tower").sort("site_id")
    people = people_behind(tables["places"], towers)
    assert people["n_people"].sum() == pytest.approx(tables["places"]["n_people"].sum())


def test_a_country_without_sites_has_places_without_power(tables: dict[str, pl.DataFrame]) -> None:
    result = power(Tables({**tables, "sites": tables["sites"].clear()}), PowerParams(), CTX)
    assert result.tables["place_power"]["availability_frac"].sum() == 0.0
    assert result.indicators == ()
