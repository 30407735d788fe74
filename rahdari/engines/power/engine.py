"""The power engine: feeder outages to battery and generator to dark hours, energy and diesel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.geo import nearest
from rahdari.methods.site_energy import feeder_classes_h_per_day, generator_l_per_h, hours_beyond_h_per_day
from rahdari.model import EngineResult, Indicator
from rahdari.units import DAYS_PER_YEAR, HOURS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.power.params import PowerParams
    from rahdari.model import Context, Tables

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

HOURS_PER_DAY = 24.0
FEW_OUTAGES_COUNT, MANY_OUTAGES_COUNT = 2.0, 8.0  # range of outages a day behind the low and high of dark hours
NOTES = (
    "Site power is a simple model of mean outages by feeder class; batteries are taken as full when an outage starts.",
    "Which site has a generator is drawn to the published 42 % without one: the share is an input, not a finding.",
    "21,000 exposed sites at 42 % imply 50,000 sites, against 58,423 cell sites: both bases are shown.",
)


@dataclass(frozen=True, slots=True)
class Supply:
    """Columns (n,) of the sites that the model needs, in site order."""

    outage_h_per_day: FloatArray
    heavy_frac: FloatArray
    battery_h: FloatArray
    has_generator: BoolArray
    is_on_grid: BoolArray
    load_kw: FloatArray


def place_outages(tables: Tables, params: PowerParams) -> pl.DataFrame:
    """Return ``place_id``, ``outage_h_per_day`` and ``heavy_feeder_frac`` by the place's grid company, by id."""
    companies = tables["grid_companies"].select(
        "grid_company_id",
        "outage_h_per_day",
        heavy_feeder_frac=pl.when(pl.col("n_feeders") > 0).then(
            pl.col("n_feeders_over_10h") / pl.col("n_feeders").clip(lower_bound=1)
        ),
    )
    districts = tables["districts"].select("district_id", "grid_company_id")
    joined = (
        tables["places"]
        .sort("place_id")
        .select("place_id", "district_id")
        .join(districts, on="district_id", how="left", maintain_order="left")
        .join(companies, on="grid_company_id", how="left", maintain_order="left")
    )
    # A company without a feeder count is taken as one class: its mean is all that is known.
    has_company = pl.col("outage_h_per_day").is_not_null()
    heavy = pl.when(has_company).then(pl.col("heavy_feeder_frac").fill_null(0.0))
    return joined.select(
        "place_id",
        pl.col("outage_h_per_day").fill_null(params.default_outage_h_per_day),
        heavy.otherwise(params.default_heavy_feeder_frac).alias("heavy_feeder_frac"),
    )


def _supply(sites: pl.DataFrame, outages: pl.DataFrame, params: PowerParams) -> Supply:
    at_site = sites.select("place_id").join(outages, on="place_id", how="left", maintain_order="left")
    is_on_grid = sites["is_on_grid"].to_numpy()
    by_generation = {
        "2g": params.load_2g_kw,
        "3g": params.load_3g_kw,
        "4g": params.load_4g_kw,
        "5g": params.load_5g_kw,
        "none": params.load_other_kw,
    }
    tower_kw = sites["generation"].replace_strict(by_generation, return_dtype=pl.Float64()).to_numpy()
    is_tower = (sites["kind"] == "tower").to_numpy()
    return Supply(
        outage_h_per_day=np.where(is_on_grid, at_site["outage_h_per_day"].to_numpy(), HOURS_PER_DAY),
        heavy_frac=np.where(is_on_grid, at_site["heavy_feeder_frac"].to_numpy(), 0.0),
        battery_h=sites["battery_h"].to_numpy(),
        has_generator=sites["has_generator"].to_numpy(),
        is_on_grid=is_on_grid,
        load_kw=np.where(is_tower, tower_kw, params.load_other_kw),
    )


def site_columns(supply: Supply, params: PowerParams) -> dict[str, NDArray[np.float64] | NDArray[np.bool_]]:
    """Return the ``site_energy`` columns besides the key; see the table's formulae."""
    count = params.outages_per_day_count
    share = supply.heavy_frac
    heavy, light = feeder_classes_h_per_day(supply.outage_h_per_day, share, params.heavy_outage_h_per_day)

    def beyond(backup_h: FloatArray | float) -> FloatArray:
        return np.asarray(
            share * hours_beyond_h_per_day(heavy, backup_h, count)
            + (1.0 - share) * hours_beyond_h_per_day(light, backup_h, count)
        )

    autonomy_h = supply.battery_h + np.where(supply.has_generator, params.generator_tank_h, 0.0)
    battery_dark, backed_dark = beyond(supply.battery_h), beyond(autonomy_h)
    fails = params.generator_failure_frac
    shed_h = DAYS_PER_YEAR * (fails * battery_dark + (1.0 - fails) * backed_dark)
    collapse_h = params.collapses_per_year * np.maximum(0.0, params.collapse_h - autonomy_h)
    off_grid_h = (1.0 - params.offgrid_availability_frac) * HOURS_PER_YEAR
    dark_h = np.where(supply.is_on_grid, shed_h + collapse_h, off_grid_h)
    availability = 1.0 - dark_h / HOURS_PER_YEAR
    start_h = params.generator_start_h
    on_grid_run = DAYS_PER_YEAR * (1.0 - fails) * (beyond(start_h) - beyond(start_h + params.generator_tank_h))
    off_grid_run = DAYS_PER_YEAR * params.offgrid_generator_h_per_day
    run_h = np.where(supply.has_generator, np.where(supply.is_on_grid, on_grid_run, off_grid_run), 0.0)
    rate = generator_l_per_h(
        supply.load_kw, params.generator_rated_ratio, params.fuel_idle_l_per_kwh, params.fuel_load_l_per_kwh
    )
    return {
        "outage_h_per_day": supply.outage_h_per_day,
        "heavy_feeder_frac": share,
        "heavy_h_per_day": heavy,
        "light_h_per_day": light,
        "autonomy_h": autonomy_h,
        "battery_dark_h_per_day": battery_dark,
        "backed_dark_h_per_day": backed_dark,
        "dark_h_per_year": dark_h,
        "availability_frac": availability,
        "load_kw": supply.load_kw,
        "energy_kwh_per_year": supply.load_kw * HOURS_PER_YEAR * availability,
        "generator_h_per_year": run_h,
        "diesel_l_per_year": run_h * rate,
        "is_exposed": supply.is_on_grid & ~supply.has_generator,
    }


def _place_power(
    places: pl.DataFrame, sites: pl.DataFrame, energy: pl.DataFrame, outages: pl.DataFrame
) -> pl.DataFrame:
    """Return the ``place_power`` rows; a place without a tower leans on the nearest one."""
    towers = sites.filter(pl.col("kind") == "tower").select("site_id", "place_id", "lon_deg", "lat_deg")
    towers = towers.join(energy.select("site_id", "availability_frac"), on="site_id", maintain_order="left")
    own = towers.group_by("place_id").agg(
        n_sites=pl.len().cast(pl.Int64()), own=pl.col("availability_frac").sort_by("site_id").mean()
    )
    frame = places.select("place_id", "electrified_frac").join(own, on="place_id", how="left", maintain_order="left")
    frame = frame.join(outages.select("place_id", "outage_h_per_day"), on="place_id", maintain_order="left")
    if towers.height:
        index, _ = nearest(places["lon_deg"], places["lat_deg"], towers["lon_deg"], towers["lat_deg"])
        near = towers["availability_frac"].gather(index)
    else:
        near = pl.Series([0.0] * places.height)
    availability = pl.coalesce(pl.col("own"), near)
    return frame.select(
        "place_id",
        pl.col("n_sites").fill_null(0),
        availability.alias("availability_frac"),
        ((1.0 - availability) * HOURS_PER_YEAR).alias("dark_h_per_year"),
        "outage_h_per_day",
        (pl.col("electrified_frac") * (1.0 - pl.col("outage_h_per_day") / HOURS_PER_DAY)).alias(
            "grid_availability_frac"
        ),
    )


def _indicators(supply: Supply, params: PowerParams, ctx: Context) -> tuple[Indicator, ...]:
    """Return the national figures over towers; low and high of dark hours and diesel by the number of outages."""
    n = supply.load_kw.size
    if not n:
        return ()
    runs = [params] + [
        params.model_copy(update={"outages_per_day_count": count}) for count in (MANY_OUTAGES_COUNT, FEW_OUTAGES_COUNT)
    ]
    columns = [site_columns(supply, run) for run in runs]
    dark = [float(np.mean(column["dark_h_per_year"])) for column in columns]
    diesel = [float(np.sum(column["diesel_l_per_year"])) for column in columns]
    without = 1.0 - float(np.mean(supply.has_generator))
    exposed = float(np.sum(columns[0]["is_exposed"]))
    on_base = exposed / n * params.published_base_n_sites
    year, swing = ctx.year_base, "range: 8 to 2 outages a day"
    return (
        Indicator("sites_without_generator_frac", year, "Cell sites without a generator", without, "frac",
                  "towers without generator / towers; the share is an input", "assumed"),
        Indicator("sites_exposed_sites", year, "Cell sites on the grid without a generator", exposed, "sites",
                  "towers on the grid and without a generator", "assumed", min(on_base, exposed),
                  max(on_base, exposed)),
        Indicator("sites_exposed_published_base_sites", year, "The same on the base the published figures imply",
                  on_base, "sites", "share exposed x 50,000 = 21,000 / 42 %", "assumed"),
        Indicator("site_dark_h_per_year", year, "Mean dark hours of a cell site", dark[0], "h_per_year",
                  f"mean over towers; {swing}", "modelled", min(dark), max(dark)),
        Indicator("site_diesel_l_per_year", year, "Diesel of all cell sites", diesel[0], "l_per_year",
                  f"generator hours x fuel rate; {swing}", "modelled", min(diesel), max(diesel)),
        Indicator("site_diesel_of_published_frac", year, "Diesel over the published upper bound",
                  diesel[0] / params.published_diesel_l_per_year, "frac", "our diesel / 1.2 billion litres reported",
                  "modelled", min(diesel) / params.published_diesel_l_per_year,
                  max(diesel) / params.published_diesel_l_per_year),
    )  # fmt: skip


def power(tables: Tables, params: PowerParams, ctx: Context) -> EngineResult:
    """Return ``site_energy`` and ``place_power`` with the national indicators over cell towers."""
    places, sites = tables["places"].sort("place_id"), tables["sites"].sort("site_id")
    outages = place_outages(tables, params)
    columns = site_columns(_supply(sites, outages, params), params)
    energy = sites.select("site_id").with_columns(pl.Series(name, values) for name, values in columns.items())
    towers = _supply(sites.filter(pl.col("kind") == "tower"), outages, params)
    return EngineResult(
        tables={"site_energy": energy, "place_power": _place_power(places, sites, energy, outages)},
        indicators=_indicators(towers, params, ctx),
        notes=NOTES,
    )
