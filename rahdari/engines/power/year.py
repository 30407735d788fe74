"""A year of every site, hour by hour.

Everything at a site is in proportion to its load, so that sites on one feeder with the same backup and course of load
share one computation for each kW: the result is that of every site by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.site_energy import feeder_classes_h_per_day
from rahdari.methods.site_power import simulate
from rahdari.methods.site_power_input import BATTERY_KINDS, CellHours, Controller, controller_table
from rahdari.methods.sunlight import Climate, air_c
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from rahdari.engines.power.params import PowerParams
    from rahdari.methods.site_power_input import FeederHours
    from rahdari.model import Context

YEAR_H = 8760
MIDDLE_LAT_DEG = 30.0  # whose heat stands for all sites: only batteries feel it, and little
KEY = ["feeder_id", "battery_h", "has_generator", "load_class"]
OFFGRID_START_FRAC, OFFGRID_STOP_FRAC = 0.6, 0.95  # of charge: rules of hybrid sites without grid, assumed


def no_sun() -> CellHours:
    """Return one weather cell with heat and without sun: today's sites have no panels that are known."""
    day = 1.0 + np.arange(YEAR_H) // 24
    heat = air_c(Climate(), MIDDLE_LAT_DEG, day.astype(np.float64)).astype(np.float32)
    return CellHours(("all",), np.zeros((1, YEAR_H), np.float32), heat[None, :])


def rules(params: PowerParams) -> pl.DataFrame:
    """Return the rules of sites on and off the grid."""
    return controller_table(
        Controller(
            "grid", generator_start_soc_frac=params.generator_start_frac, refuel_order_frac=params.refuel_order_frac,
            generator_stop_soc_frac=params.generator_start_frac,
        ),
        Controller(
            "off_grid", generator_start_soc_frac=OFFGRID_START_FRAC, generator_stop_soc_frac=OFFGRID_STOP_FRAC,
            generator_charge_soc_frac=OFFGRID_STOP_FRAC, refuel_order_frac=params.refuel_order_frac,
        ),
    )  # fmt: skip


def unit_sites(kinds: pl.DataFrame, params: PowerParams) -> pl.DataFrame:
    """Return sites of one kW for :func:`simulate` from ``feeder_id``, ``battery_h``, ``has_generator``, ``load_class``.

    ``kinds`` may have ``battery_kind``, ``pv_kwp`` and ``weather_cell_id`` of its own.
    """
    depth = {kind: figures.depth_frac for kind, figures in BATTERY_KINDS.items()}
    given = set(kinds.columns)
    kind = pl.col("battery_kind") if "battery_kind" in given else pl.lit(params.battery_kind)
    is_off = pl.col("feeder_id").is_null()
    tank_h = pl.when(is_off).then(params.offgrid_tank_h).otherwise(params.generator_tank_h)
    rate = params.generator_rated_ratio * params.fuel_idle_l_per_kwh + params.fuel_load_l_per_kwh
    width = len(str(kinds.height))
    return kinds.with_columns(battery_kind=kind).select(
        pl.int_range(pl.len()).cast(pl.String()).str.zfill(width).alias("site_id"),
        (pl.col("weather_cell_id") if "weather_cell_id" in given else pl.lit("all")).alias("weather_cell_id"),
        "feeder_id",
        pl.when(is_off).then(pl.lit("off_grid")).otherwise(pl.lit("grid")).alias("controller_id"),
        pl.lit(1.0).alias("load_kw"),
        "load_class",
        (pl.col("pv_kwp") if "pv_kwp" in given else pl.lit(0.0)).alias("pv_kwp"),
        "battery_kind",
        pl.when(pl.col("battery_h") > 0.0)
        .then(pl.col("battery_h") / pl.col("battery_kind").replace_strict(depth, return_dtype=pl.Float64()))
        .alias("battery_kwh"),
        pl.when("has_generator").then(params.generator_rated_ratio).otherwise(0.0).alias("generator_kw"),
        pl.lit(params.fuel_idle_l_per_kwh).alias("fuel_idle_l_per_kwh"),
        pl.lit(params.fuel_load_l_per_kwh).alias("fuel_load_l_per_kwh"),
        (tank_h * rate).alias("tank_l"),
        pl.lit(params.refuel_delay_h).alias("refuel_delay_h"),
        pl.lit(params.theft_frac).alias("theft_frac"),
        pl.lit(params.generator_failure_frac).alias("start_failure_frac"),
        pl.lit(params.generator_repair_h).alias("repair_h"),
    )


def unit_year(
    kinds: pl.DataFrame, outages: FeederHours, params: PowerParams, ctx: Context, weather: CellHours | None = None
) -> pl.DataFrame:
    """Return the kinds beside the year of a site of one kW, scaled to a mean calendar year."""
    sites = unit_sites(kinds, params)
    used = sites["feeder_id"].drop_nulls().unique().to_list()
    found = simulate(
        sites, weather or no_sun(), outages.of_feeders(used), rules(params), detail="full", seed=ctx.seed,
        n_workers=ctx.n_workers,
    )  # fmt: skip
    yearly = HOURS_PER_YEAR / YEAR_H
    outage = dict(zip(outages.feeder_id, (outages.outage_h() / YEAR_H * 24.0).tolist(), strict=True))
    return kinds.with_columns(
        outage_h_per_day=sites["feeder_id"].replace_strict(outage, default=24.0, return_dtype=pl.Float64()),
        shed_dark_h_per_year=(1.0 - found["availability_frac"]).clip(0.0, 1.0) * HOURS_PER_YEAR,
        unit_grid_kwh=found["grid_kwh"] * yearly,
        generator_h_per_year=found["generator_h"] * yearly,
        unit_generator_kwh=found["generator_kwh"] * yearly,
        unit_bought_l=found["fuel_bought_l"] * yearly,
        trips_per_year=found["trips_count"] * yearly,
    )


def site_loads(sites: pl.DataFrame, cells: pl.DataFrame, params: PowerParams) -> pl.DataFrame:
    """Return ``site_id``, ``load_kw`` and ``load_class``, by radio's energy where known."""
    radio = (
        cells.filter(~pl.col("is_planned"))
        .group_by("site_id")
        .agg(radio_kw=pl.col("energy_kwh_per_year").sort().sum() / HOURS_PER_YEAR)
    )
    by_generation = {
        "2g": params.load_2g_kw, "3g": params.load_3g_kw, "4g": params.load_4g_kw, "5g": params.load_5g_kw,
        "none": params.load_other_kw,
    }  # fmt: skip
    is_tower = pl.col("kind") == "tower"
    generation = pl.col("generation").replace_strict(by_generation, return_dtype=pl.Float64())
    measured = params.legacy_load_kw + params.site_overhead_ratio * pl.col("radio_kw")
    return sites.join(radio, on="site_id", how="left", maintain_order="left").select(
        "site_id",
        pl.when(is_tower).then(pl.coalesce(measured, generation)).otherwise(params.load_other_kw).alias("load_kw"),
        pl.when(is_tower & (pl.col("generation") != "none")).then("generation").otherwise(pl.lit("flat"))
        .alias("load_class"),
    )  # fmt: skip


def _with_classes(table: pl.DataFrame, params: PowerParams) -> pl.DataFrame:
    """Return the table with the mean outage on heavy and on other feeders of each site's company."""
    heavy, light = feeder_classes_h_per_day(
        table["company_h_per_day"], table["heavy_feeder_frac"], params.heavy_outage_h_per_day
    )
    return table.with_columns(heavy_h_per_day=pl.Series(heavy), light_h_per_day=pl.Series(light))


def site_year(  # noqa: PLR0917  # a table each
    sites: pl.DataFrame, feeders: pl.DataFrame, loads: pl.DataFrame, outages: FeederHours, params: PowerParams,
    ctx: Context,
) -> pl.DataFrame:  # fmt: skip
    """Return the ``site_energy`` columns besides ``class_id``, in site order, and the keys of the computation."""
    table = (
        sites.select("site_id", "battery_h", "has_generator", "is_on_grid")
        .join(loads, on="site_id", maintain_order="left")
        .join(feeders.drop("company_id"), on="site_id", how="left", maintain_order="left")
    )
    kinds = unit_year(table.select(KEY).unique().sort(KEY), outages, params, ctx)
    table = table.join(kinds, on=KEY, how="left", nulls_equal=True, maintain_order="left")
    backed = pl.col("battery_h") + pl.when("has_generator").then(
        pl.when("is_on_grid").then(params.generator_tank_h).otherwise(params.offgrid_tank_h)
    ).otherwise(0.0)
    collapse = params.collapses_per_year * (params.collapse_h - pl.col("autonomy_h")).clip(lower_bound=0.0)
    dark = (pl.col("shed_dark_h_per_year") + pl.col("collapse_dark_h_per_year")).clip(upper_bound=HOURS_PER_YEAR)
    load, kwh = pl.col("load_kw"), pl.col("generator_kwh_per_year")
    idle = pl.col("generator_h_per_year") * load * params.generator_rated_ratio * params.fuel_idle_l_per_kwh
    return (
        table.with_columns(pl.col("feeder_h_per_day", "company_h_per_day").fill_null(24.0), autonomy_h=backed)
        .with_columns(pl.col("heavy_feeder_frac").fill_null(0.0))
        .pipe(_with_classes, params)
        .with_columns(
            collapse_dark_h_per_year=pl.when("is_on_grid").then(collapse).otherwise(0.0),
            grid_kwh_per_year=pl.col("unit_grid_kwh") * load,
            generator_kwh_per_year=pl.col("unit_generator_kwh") * load,
            is_exposed=pl.col("is_on_grid") & ~pl.col("has_generator"),
        )
        .with_columns(dark_h_per_year=dark)
        .with_columns(availability_frac=1.0 - pl.col("dark_h_per_year") / HOURS_PER_YEAR)
        .with_columns(
            energy_kwh_per_year=load * HOURS_PER_YEAR * pl.col("availability_frac"),
            diesel_l_per_year=idle + kwh * params.fuel_load_l_per_kwh,
        )
    )
