from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rahdari.engines.power as folder_module
from rahdari.engines.power.engine import power
from rahdari.engines.power.params import PowerParams
from rahdari.model import Context, Tables
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, rows

FOLDER = Path(folder_module.__file__).parent
CTX = Context()


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
    return {**{name: country[name] for name in ("sites", "places")}, "districts": district, "grid_companies": companies}


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(power, tables, PowerParams(), CTX, FOLDER)
    assert frames["site_energy"].height == tables["sites"].height
    assert frames["place_power"].height == tables["places"].height
    assert frames["site_energy"]["availability_frac"].is_between(0.0, 1.0).all()
    for item in result.indicators:
        if item.value_low is not None and item.value_high is not None:
            assert item.value_low <= item.value <= item.value_high


def test_exposed_sites_are_those_on_the_grid_without_a_generator(tables: dict[str, pl.DataFrame]) -> None:
    found = {item.indicator_id: item.value for item in power(Tables(tables), PowerParams(), CTX).indicators}
    sites = tables["sites"]
    assert found["sites_exposed_sites"] == sites.filter(pl.col("is_on_grid") & ~pl.col("has_generator")).height
    assert found["sites_without_generator_frac"] == pytest.approx((~sites["has_generator"]).mean())


def test_more_battery_never_means_more_dark_hours(tables: dict[str, pl.DataFrame]) -> None:
    bigger = {**tables, "sites": tables["sites"].with_columns(battery_h=pl.col("battery_h") + 4.0)}
    before = power(Tables(tables), PowerParams(), CTX).tables["site_energy"]["dark_h_per_year"]
    after = power(Tables(bigger), PowerParams(), CTX).tables["site_energy"]["dark_h_per_year"]
    assert (after <= before + 1e-12).all()
    assert after.sum() < before.sum()


def test_worse_feeders_mean_more_dark_hours_for_the_same_site(tables: dict[str, pl.DataFrame]) -> None:
    energy = power(Tables(tables), PowerParams(), CTX).tables["site_energy"]
    joined = energy.join(tables["sites"], on="site_id").filter(pl.col("is_on_grid") & ~pl.col("has_generator"))
    by_class = joined.group_by("outage_h_per_day").agg(pl.col("dark_h_per_year").mean()).sort("outage_h_per_day")
    assert by_class["outage_h_per_day"].to_list() == [1.5, 3.0, 11.0]
    assert by_class["dark_h_per_year"].is_sorted()


def test_feeder_classes_keep_the_mean_of_the_company(tables: dict[str, pl.DataFrame]) -> None:
    energy = power(Tables(tables), PowerParams(), CTX).tables["site_energy"]
    share = energy["heavy_feeder_frac"]
    mix = share * energy["heavy_h_per_day"] + (1.0 - share) * energy["light_h_per_day"]
    np.testing.assert_allclose(mix.to_numpy(), energy["outage_h_per_day"].to_numpy(), rtol=1e-12)


def test_a_generator_burns_more_where_the_grid_is_worse(tables: dict[str, pl.DataFrame]) -> None:
    energy = power(Tables(tables), PowerParams(), CTX).tables["site_energy"].join(tables["sites"], on="site_id")
    backed = energy.filter(pl.col("has_generator") & pl.col("is_on_grid") & (pl.col("generation") == "4g"))
    assert backed.sort("outage_h_per_day")["diesel_l_per_year"].is_sorted()
    assert energy.filter(~pl.col("has_generator"))["diesel_l_per_year"].sum() == 0.0


def test_a_country_without_sites_has_places_without_power(tables: dict[str, pl.DataFrame]) -> None:
    result = power(Tables({**tables, "sites": tables["sites"].clear()}), PowerParams(), CTX)
    assert result.tables["place_power"]["availability_frac"].sum() == 0.0
    assert result.indicators == ()
