"""Classes of sites, and the least costly design of each with its proven bound."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.kernels.site_power import GRID_PARTS
from rahdari.methods.finance import capital_recovery_factor
from rahdari.methods.site_outage_bound import block_bound_usd, foresight_bound_usd, outage_bound_usd
from rahdari.methods.site_power_input import BATTERY_KINDS, load_courses
from rahdari.methods.site_sizing import (
    CHANGED,
    IDLE_L_PER_KWH,
    LOAD_L_PER_KWH,
    SLACK_FRAC,
    PowerPrices,
    costed,
    size_classes,
)
from rahdari.methods.sunlight import sunlight, weather_cell_of
from rahdari.model import Certificate

if TYPE_CHECKING:
    from rahdari.engines.power.params import PowerParams
    from rahdari.methods.site_power_input import CellHours, FeederHours
    from rahdari.model import Context

BAND_ENDS_H = (0.5, 2.0, 4.0, 7.0, 10.0, 14.0, 18.0)  # hours a day between bands of feeders; the list's 10 h is one
BAND_NAMES = ("under half an hour", "half to 2 h", "2 to 4 h", "4 to 7 h", "7 to 10 h", "10 to 14 h", "14 to 18 h",
              "over 18 h")  # fmt: skip
OFF_GRID = "off"
CLASS_CELL_DEG = 1.0  # a class is spread over the country: finer cells would say nothing of it
BLOCK_H = 8  # of the bound by blocks: three to the day, whose ends follow the sun
LOW, HIGH = 0.5, 1.5  # of a price, of the sensitivities


def class_ids(sites: pl.DataFrame) -> pl.Series:
    """Return the class of each site from ``kind``, ``is_on_grid`` and ``feeder_h_per_day``."""
    band = np.searchsorted(BAND_ENDS_H, sites["feeder_h_per_day"].to_numpy(), side="right")
    names = pl.Series([f"{number}" for number in range(len(BAND_NAMES))]).gather(band)
    kind = pl.when(pl.col("kind") == "tower").then(pl.lit("tower")).otherwise(pl.lit("other"))
    last = pl.when("is_on_grid").then(pl.lit("band") + pl.col("band")).otherwise(pl.lit(OFF_GRID))
    return sites.with_columns(band=names).select(
        pl.concat_str([kind, pl.lit("-"), last]).alias("class_id")
    ).to_series()  # fmt: skip


def class_name(class_id: str) -> str:
    """Return what a class is, in words.

    >>> class_name("tower-band2"), class_name("other-off")
    ('tower, 2 to 4 h without supply a day', 'other site, off the grid')
    """
    kind, _, band = class_id.partition("-")
    where = "off the grid" if band == OFF_GRID else f"{BAND_NAMES[int(band[4:])]} without supply a day"
    return f"{'tower' if kind == 'tower' else 'other site'}, {where}"


def prices_of(params: PowerParams) -> PowerPrices:
    """Return the prices that the parameters set; the others are the method's own."""
    return PowerPrices(
        diesel_usd_per_l=params.diesel_usd_per_l, tariff_usd_per_kwh=params.tariff_usd_per_kwh,
        pv_usd_per_kwp=params.pv_usd_per_kwp, lithium_usd_per_kwh=params.lithium_usd_per_kwh,
        generator_usd=params.generator_usd, generator_usd_per_kw=params.generator_usd_per_kw,
    )  # fmt: skip


def site_groups(table: pl.DataFrame) -> pl.DataFrame:
    """Return what is to be sized, by class: load, course, middle, the feeder in the middle, and today's figures."""
    middle = pl.col("feeder_id").sort_by("outage_h_per_day", "feeder_id")
    return table.group_by("class_id").agg(
        n_sites=pl.len().cast(pl.Int64()),
        load_kw=pl.col("load_kw").sort_by("site_id").mean(),
        load_class=pl.col("load_class").sort().mode().sort().first(),
        lon_deg=pl.col("lon_deg").median(), lat_deg=pl.col("lat_deg").median(),
        feeder_id=middle.get(pl.len() // 2),
        today_dark_h_per_year=pl.col("dark_h_per_year").sort_by("site_id").mean(),
        today_diesel_l_per_year=pl.col("diesel_l_per_year").sort_by("site_id").mean(),
        today_grid_kwh_per_year=pl.col("grid_kwh_per_year").sort_by("site_id").mean(),
    ).sort("class_id")  # fmt: skip


def class_sun(groups: pl.DataFrame, ctx: Context) -> tuple[pl.DataFrame, CellHours]:
    """Return the groups with their ``weather_cell_id``, and the sun of these cells."""
    cells = weather_cell_of(groups["lon_deg"], groups["lat_deg"], CLASS_CELL_DEG)
    sun = sunlight(cells.unique().sort("weather_cell_id"), seed=ctx.seed)
    return groups.with_columns(cells["weather_cell_id"]), sun


def bound_rates(prices: PowerPrices, most_kw: float) -> dict[str, float]:
    """Return the yearly cost of a unit of each thing as bounds take it: the better of both batteries, each way."""
    recovery = capital_recovery_factor
    interest = prices.interest_frac
    batteries = {
        "lithium": prices.lithium_usd_per_kwh * recovery(interest, prices.lithium_life_years),
        "lead_acid": prices.lead_acid_usd_per_kwh * recovery(interest, prices.lead_acid_life_years),
    }
    lasting = recovery(interest, prices.generator_life_years)
    fuel = (IDLE_L_PER_KWH + LOAD_L_PER_KWH) * prices.diesel_usd_per_l
    return {
        "pv": prices.pv_usd_per_kwp * recovery(interest, prices.pv_life_years),
        "battery": min(cost / BATTERY_KINDS[kind].depth_frac for kind, cost in batteries.items()),
        "generator": prices.generator_usd_per_kw * lasting,
        "generator_fixed": prices.generator_usd * lasting,
        "fuel": fuel + prices.service_usd_per_h / max(most_kw, 1e-9),
        "grid": prices.tariff_usd_per_kwh,
        "kept": max(figures.efficiency_frac for figures in BATTERY_KINDS.values()),
        "charge": max(figures.charge_kw_per_kwh / figures.depth_frac for figures in BATTERY_KINDS.values()),
    }


def bounds_usd(  # noqa: PLR0917  # a table each
    groups: pl.DataFrame, designs: pl.DataFrame, sun: CellHours, outages: FeederHours, params: PowerParams, ctx: Context
) -> pl.Series:
    """Return the proven least yearly cost of each class: by outages and blocks, in full detail by all hours."""
    courses, target = load_courses(None), params.target_availability_pct / 100.0
    most = dict(designs.group_by("class_id").agg(pl.col("generator_kw").max()).iter_rows())
    rows = []
    for group in groups.iter_rows(named=True):
        light = sun.pv_kwh_per_kwp[sun.cell_id.index(group["weather_cell_id"])]
        load = group["load_kw"] * np.resize(courses[group["load_class"]], light.size)
        has_grid = group["feeder_id"] is not None
        at = outages.feeder_id.index(group["feeder_id"]) if has_grid else 0
        grid = outages.parts[at] / GRID_PARTS if has_grid else np.zeros(light.size)
        rates = bound_rates(prices_of(params), most[group["class_id"]])
        further = foresight_bound_usd if ctx.detail == "full" else block_bound_usd
        bound = outage_bound_usd(load, light, grid, target, rates)
        bound = max(bound, further(load, light, grid, target, rates, hours=BLOCK_H))
        rows.append(bound)
    return pl.Series("bound_usd_per_year", rows, pl.Float64())


def sensitivities(designs: pl.DataFrame, params: PowerParams) -> pl.DataFrame:
    """Return the least yearly cost of each class among the simulated designs where one price is another."""
    prices, target = prices_of(params), params.target_availability_pct / 100.0
    kept = designs.filter(pl.col("availability_frac") >= target - SLACK_FRAC)
    result = designs.select("class_id").unique().sort("class_id")
    for name, fields in CHANGED.items():
        for end, shift in (("low", LOW), ("high", HIGH)):
            other = replace(prices, **{field: getattr(prices, field) * shift for field in fields})
            least = costed(kept, other).group_by("class_id").agg(
                pl.col("cost_usd_per_year").min().alias(f"{name}_{end}_usd_per_year")
            )  # fmt: skip
            result = result.join(least, on="class_id", maintain_order="left")
    return result


def site_classes(
    groups: pl.DataFrame, sun: CellHours, outages: FeederHours, params: PowerParams, ctx: Context
) -> pl.DataFrame:
    """Return the ``site_classes`` rows from the groups of :func:`site_groups` and their sun (:func:`class_sun`)."""
    used = groups["feeder_id"].drop_nulls().to_list()
    wanted = groups.select("class_id", "weather_cell_id", "feeder_id", "load_kw", "load_class")
    best, designs = size_classes(
        wanted, sun, outages.of_feeders(used), params.target_availability_pct, prices=prices_of(params),
        n_workers=ctx.n_workers,
    )  # fmt: skip
    hours = dict(
        zip(outages.feeder_id, (outages.outage_h() / sun.pv_kwh_per_kwp.shape[1] * 24.0).tolist(), strict=True)
    )
    today = (
        pl.col("today_diesel_l_per_year") * params.diesel_usd_per_l
        + pl.col("today_grid_kwh_per_year") * params.tariff_usd_per_kwh
    )
    saved = pl.col("today_usd_per_year") - pl.col("running_usd_per_year")
    cost, bound = pl.col("cost_usd_per_year"), pl.col("bound_usd_per_year")
    return (
        groups.with_columns(bounds_usd(groups, designs, sun, outages, params, ctx))
        .join(best.drop("weather_cell_id", "feeder_id", "load_kw", "load_class"), on="class_id", maintain_order="left")
        .join(sensitivities(designs, params), on="class_id", maintain_order="left")
        .rename({"availability_frac": "design_availability_frac", "fuel_l": "diesel_l_per_year"})
        .with_columns(
            name=pl.col("class_id").map_elements(class_name, return_dtype=pl.String()),
            outage_h_per_day=pl.col("feeder_id").replace_strict(hours, default=24.0, return_dtype=pl.Float64()),
            today_usd_per_year=today,
            gap_frac=(cost - bound) / cost.clip(lower_bound=1e-9),
        )
        .with_columns(saved_usd_per_year=saved)
        .with_columns(
            payback_years=pl.when(pl.col("saved_usd_per_year") > 0.0).then(
                pl.col("capex_usd") / pl.col("saved_usd_per_year")
            )
        )
    )


def certificate(classes: pl.DataFrame) -> Certificate:
    """Return the proof of all designs together, each class by its sites."""
    n = classes["n_sites"].cast(pl.Float64())
    cost, bound = (float((n * classes[f"{name}_usd_per_year"]).sum()) for name in ("cost", "bound"))
    return Certificate(
        "site designs", cost, bound, "usd_per_year",
        "grid of designs with the real controller; linear programme with perfect foresight below",
        "every class by its number of sites; the gap holds what foresight and free charging are worth",
    )  # fmt: skip
