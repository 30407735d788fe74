"""Which exposed sites to equip with what, in which year, for the most people-hours of service per unit of money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.power.year import unit_year
from rahdari.methods.geo import nearest
from rahdari.methods.hardening import hardening_programme
from rahdari.methods.site_power_input import BATTERY_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.engines.power.params import PowerParams
    from rahdari.methods.hardening import Programme
    from rahdari.methods.site_power_input import CellHours, FeederHours
    from rahdari.model import Context

#: What may be added: panels for each kW of load, hours of battery, generator or not.  Sizes assumed.  A lithium battery
#: of the old one's hours and those added takes the place of the old one: the two kinds do not share one set of cells.
OPTIONS = {
    "battery_4h": (0.0, 4.0, False),
    "battery_8h": (0.0, 8.0, False),
    "solar_4h": (4.0, 4.0, False),
    "solar_12h": (6.0, 12.0, False),
    "generator": (0.0, 0.0, True),
}
NAMES = {
    "battery_4h": "lithium battery, 4 h more", "battery_8h": "lithium battery, 8 h more",
    "solar_4h": "4 kWp a kW of load, lithium, 4 h more", "solar_12h": "6 kWp a kW of load, lithium, 12 h more",
    "generator": "generator",
}  # fmt: skip
NOW = "as it stands"
PARTS = (1.0 / 6.0, 0.5, 5.0 / 6.0)  # where among the feeders of a class those stand on which options are tried


def backup_ids(battery_h: pl.Series) -> pl.Series:
    """Return the name of each backup, by its hours.

    >>> backup_ids(pl.Series([4.0, 5.5])).to_list()
    ['b4', 'b5.5']
    """
    return pl.Series("backup_id", [f"b{hours:g}" for hours in battery_h.to_list()], dtype=pl.String())


def exposed_sites(table: pl.DataFrame) -> pl.DataFrame:
    """Return the exposed towers of :func:`site_year`'s table, by site."""
    exposed = table.filter(pl.col("is_exposed") & (pl.col("kind") == "tower")).sort("site_id")
    return exposed.with_columns(backup_ids(exposed["battery_h"]))


def _tried(exposed: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each class, backup, part of the class's feeders and option, the present state among them."""
    groups = exposed.group_by("class_id", "backup_id", "battery_h").agg(
        feeder=pl.col("feeder_id").sort_by("outage_h_per_day", "feeder_id"),
        load_class=pl.col("load_class").sort().mode().sort().first(),
    ).sort("class_id", "backup_id")  # fmt: skip
    rows = []
    for group in groups.iter_rows(named=True):
        feeders = group.pop("feeder")
        for part in PARTS:
            feeder = feeders[int(part * len(feeders))]
            for option, (pv, hours, has) in {NOW: (0.0, 0.0, False), **OPTIONS}.items():
                rows.append({**group, "feeder_id": feeder, "part": part, "option_id": option, "pv_kwp": pv,
                             "added_h": hours, "has_generator": has})  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def power_options(
    exposed: pl.DataFrame,
    groups: tuple[pl.DataFrame, CellHours],
    outages: FeederHours,
    params: PowerParams,
    ctx: Context,
) -> pl.DataFrame:
    """Return the ``power_options`` rows: each option tried on three feeders of each class, and their mean.

    ``groups`` are those of :func:`rahdari.engines.power.sizing.class_sun`.
    """
    where, sun = groups
    tried = _tried(exposed).join(where.select("class_id", "weather_cell_id"), on="class_id", maintain_order="left")
    is_new = pl.col("added_h") > 0.0
    kinds = tried.with_columns(
        pl.col("battery_h") + pl.col("added_h"),
        battery_kind=pl.when(is_new).then(pl.lit("lithium")).otherwise(pl.lit(params.battery_kind)),
    )
    kinds = kinds.with_columns(new_h=pl.when(is_new).then("battery_h").otherwise(0.0))
    found = unit_year(kinds, outages, params, ctx, sun)
    backed = pl.col("battery_h") + pl.when("has_generator").then(params.generator_tank_h).otherwise(0.0)
    collapse = params.collapses_per_year * (params.collapse_h - backed).clip(lower_bound=0.0)
    sums = found.with_columns(dark=pl.col("shed_dark_h_per_year") + collapse).group_by(
        "class_id", "backup_id", "option_id"
    ).agg(
        pl.col("dark").sort_by("part").mean(), pl.col("unit_bought_l").sort_by("part").mean(),
        pv_per_load_kwp=pl.col("pv_kwp").first(), battery_new_h=pl.col("new_h").first(),
        has_generator=pl.col("has_generator").first(),
    )  # fmt: skip
    now = sums.filter(pl.col("option_id") == NOW).select(
        "class_id", "backup_id", pl.col("dark").alias("dark_before_h_per_year")
    )
    added = sums.filter(pl.col("option_id") != NOW).rename(
        {"dark": "dark_after_h_per_year", "unit_bought_l": "diesel_l_per_year"}
    )
    rated = pl.when("has_generator").then(params.generator_rated_ratio).otherwise(0.0)
    kept = BATTERY_KINDS["lithium"].depth_frac
    load_usd = (
        pl.col("pv_per_load_kwp") * params.pv_usd_per_kwp
        + pl.col("battery_new_h") / kept * params.lithium_usd_per_kwh
        + rated * params.generator_usd_per_kw
        + params.running_years * pl.col("diesel_l_per_year") * params.diesel_usd_per_l
    )
    before, after = pl.col("dark_before_h_per_year"), pl.col("dark_after_h_per_year")
    return added.join(now, on=["class_id", "backup_id"]).with_columns(
        generator_per_load_kw=rated,
        fixed_usd=params.visit_usd + pl.when("has_generator").then(params.generator_usd).otherwise(0.0),
        load_usd=load_usd,
        saved_h_per_year=(before - after).clip(lower_bound=0.0),
    ).sort("class_id", "backup_id", "option_id")  # fmt: skip


def people_behind(places: pl.DataFrame, towers: pl.DataFrame) -> pl.DataFrame:
    """Return ``site_id`` and ``n_people`` who lean on each tower: its share of its place and of those nearest to it.

    ``towers`` has ``site_id``, ``place_id``, ``lon_deg``, ``lat_deg``, by site.
    """
    own = towers.group_by("place_id").agg(n=pl.len())
    frame = places.select("place_id", "lon_deg", "lat_deg", "n_people").join(
        own, on="place_id", how="left", maintain_order="left"
    )
    bare = frame.filter(pl.col("n").is_null())
    count = towers.select("place_id").join(
        frame.filter(pl.col("n").is_not_null()), on="place_id", how="left", maintain_order="left"
    )
    people = (count["n_people"] / count["n"]).to_numpy().copy()
    if bare.height and towers.height:
        index, _ = nearest(bare["lon_deg"], bare["lat_deg"], towers["lon_deg"], towers["lat_deg"])
        people += np.bincount(index, bare["n_people"].to_numpy(), towers.height)
    return towers.select("site_id").with_columns(n_people=pl.Series(people))


def site_options(exposed: pl.DataFrame, options: pl.DataFrame) -> pl.DataFrame:
    """Return what each exposed site could take, at what cost and gain; ``exposed`` has ``n_people``."""
    return exposed.select("site_id", "class_id", "backup_id", "load_kw", "n_people").join(
        options.select("class_id", "backup_id", "option_id", "fixed_usd", "load_usd", "saved_h_per_year"),
        on=["class_id", "backup_id"],
    ).with_columns(
        cost_usd=pl.col("fixed_usd") + pl.col("load_usd") * pl.col("load_kw"),
        gain_people_h_per_year=pl.col("n_people") * pl.col("saved_h_per_year"),
    )  # fmt: skip


def programme(
    exposed: pl.DataFrame, options: pl.DataFrame, budget_usd: Sequence[float], first_year: int
) -> tuple[pl.DataFrame, Programme]:
    """Return the ``power_programme`` rows and what proves them."""
    offered = site_options(exposed, options)
    found = hardening_programme(
        offered.filter(pl.col("gain_people_h_per_year") > 0.0), budget_usd, first_year=first_year
    )
    named = found.table.join(
        exposed.select("site_id", "class_id", "backup_id", "load_kw", "n_people"), on="site_id", maintain_order="left"
    )
    table = named.with_columns(
        pl.col("step").cast(pl.Int64()),
        pl.col("year").cast(pl.Int64()),
        cumulative_usd=pl.col("cost_usd").cum_sum(),
        cumulative_people_h_per_year=pl.col("gain_people_h_per_year").cum_sum(),
    )
    return table, found
