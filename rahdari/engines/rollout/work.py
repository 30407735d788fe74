"""Work by place: what the plan adds there, what crews it takes, what it costs and whom it serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.rollout.norms import POOLS, norm_of, work_norms
from rahdari.engines.rollout.sums import sum_over, summed
from rahdari.methods.geo import great_circle_km
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from rahdari.engines.rollout.params import RolloutParams
    from rahdari.model import Tables

COUNTS = ("n_households_passed", "n_households_connected", "n_sites_fibred", "n_sites_powered")
AMOUNTS = ("fibre_km", "lateral_km", "capex_usd", "power_capex_usd", "n_people")
MONTHS = tuple(f"{pool}_months" for pool in POOLS)
KEY = ("district_id", "kind", "place_id")
SPREAD_KINDS = ("home_connections", "home_lines", "wireless")  # crew-months by district from the bill of materials
CONNECTION, SITE_NODE, POWER_KIT = "gpon_connection", "site_fibre_node", "power_kit"
AERIAL, URBAN = "fibre_aerial_km", "fibre_urban_km"
NO_PLACE = ""  # work of a way, which belongs to no one place


def _filled(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with every column of a row of work, zero where it has none."""
    known = set(frame.columns)
    return frame.select(
        *(pl.col(name) for name in KEY),
        *(
            pl.col(name).cast(pl.Float64).fill_null(0.0) if name in known else pl.lit(0.0).alias(name)
            for name in (*COUNTS, *AMOUNTS, *MONTHS)
        ),
    )


def _months(units: dict[str, pl.Expr]) -> list[pl.Expr]:
    """Return the crew-months of each pool of so many units of catalogue items."""
    found = []
    for k, name in enumerate(MONTHS):
        total = pl.lit(0.0)
        for item, amount in units.items():
            total = total + amount * float(norm_of(item)[k])
        found.append(total.alias(name))
    return found


def _places(tables: Tables) -> pl.DataFrame:
    return tables["places"].sort("place_id").select(
        "place_id", pl.col("district_id").alias("home_id"), "is_urban",
        (pl.col("n_people") / pl.col("n_households").clip(lower_bound=1)).alias("home_people"),
        pl.col("n_people").alias("place_people"),
    )  # fmt: skip


def _at_home(frame: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    return frame.join(places, on="place_id", how="left", maintain_order="left")


def _home_rows(tables: Tables, places: pl.DataFrame, years: tuple[int, ...]) -> list[pl.DataFrame]:
    """Return lines past homes, homes connected, and wireless service, by place."""
    access = tables["access"].sort("place_id", "year")
    base = access.filter(pl.col("year") == years[0]).select(
        "place_id", pl.col("n_households_passed").alias("before"), pl.col("n_households_connected").alias("had")
    )
    price = tables["equipment"].filter(pl.col("equipment_id") == CONNECTION)["capex_usd"]
    each = float(price[0]) if price.len() else 0.0
    rows = _at_home(
        access.filter(pl.col("year") == years[-1]).join(base, on="place_id", how="left", maintain_order="left"), places
    ).with_columns(
        passed=(pl.col("n_households_passed") - pl.col("before").fill_null(0)).clip(lower_bound=0),
        linked=(pl.col("n_households_connected") - pl.col("had").fill_null(0)).clip(lower_bound=0),
        district_id=pl.col("home_id"),
    )
    homes = rows.filter((pl.col("technology") == "fibre") | (pl.col("passed") > 0)).with_columns(
        spent=pl.min_horizontal(pl.col("capex_usd"), pl.col("linked") * each)
    )
    lines = homes.select(
        "district_id", pl.lit("home_lines").alias("kind"), "place_id", pl.col("passed").alias("n_households_passed"),
        (pl.col("capex_usd") - pl.col("spent")).alias("capex_usd"),
        ((pl.col("passed") - pl.col("linked")).clip(lower_bound=0) * pl.col("home_people")).alias("n_people"),
    )  # fmt: skip
    drops = homes.select(
        "district_id", pl.lit("home_connections").alias("kind"), "place_id",
        pl.col("linked").alias("n_households_connected"), pl.col("spent").alias("capex_usd"),
        (pl.col("linked") * pl.col("home_people")).alias("n_people"),
    )  # fmt: skip
    air = rows.filter((pl.col("technology") != "fibre") & (pl.col("passed") <= 0) & (pl.col("capex_usd") > 0.0)).select(
        "district_id", pl.lit("wireless").alias("kind"), "place_id", "capex_usd",
        pl.col("place_people").alias("n_people"),
    )  # fmt: skip
    return [_filled(part) for part in (lines, drops, air)]


def _site_rows(tables: Tables, places: pl.DataFrame, params: RolloutParams) -> list[pl.DataFrame]:
    """Return fibre to cell sites, and the masts that a technology needs."""
    sites = _at_home(tables["planned_sites"].sort("site_id"), places).with_columns(
        pl.coalesce("district_id", "home_id"), is_fibre=pl.col("is_fibre").cast(pl.Float64)
    )
    radio = pl.col("radio_capex_usd")
    street = pl.when("is_urban").then(pl.col("lateral_km")).otherwise(0.0)
    joined = sites.filter(pl.col("is_fibre") > 0.0).select(
        "district_id", pl.lit("site_fibre").alias("kind"), "place_id", "lateral_km",
        pl.col("is_fibre").alias("n_sites_fibred"), (pl.col("capex_usd") - radio).alias("capex_usd"),
        (params.site_value_households * pl.col("home_people")).alias("n_people"),
        *_months({URBAN: street, AERIAL: pl.col("lateral_km") - street, SITE_NODE: pl.col("is_fibre")}),
    )  # fmt: skip
    bare = pl.when(pl.col("is_fibre") > 0.0).then(radio).otherwise(pl.col("capex_usd"))
    masts = sites.select("district_id", pl.lit("wireless").alias("kind"), "place_id", bare.alias("capex_usd"))
    return [_filled(joined), _filled(masts.filter(pl.col("capex_usd") > 0.0))]


def _link_rows(tables: Tables, places: pl.DataFrame) -> pl.DataFrame:
    """Return fibre to places and along ways."""
    links = _at_home(tables["planned_links"].sort("link_id"), places)
    known = work_norms()["equipment_id"].to_list()
    item = pl.when(pl.col("equipment_id").is_in(known)).then("equipment_id").otherwise(pl.lit(AERIAL))
    norms = work_norms().select("equipment_id", *(pl.col(name).alias(f"{name}_each") for name in MONTHS))
    joined = links.with_columns(equipment_id=item).join(norms, on="equipment_id", how="left", maintain_order="left")
    return _filled(
        joined.select(
            pl.coalesce("district_id", "home_id").alias("district_id"), pl.lit("fibre_way").alias("kind"),
            pl.col("place_id").fill_null(NO_PLACE), pl.col("length_km").alias("fibre_km"), "capex_usd",
            *((pl.col("length_km") * pl.col(f"{name}_each")).alias(name) for name in MONTHS),
        )
    )  # fmt: skip


def _power_rows(tables: Tables, places: pl.DataFrame) -> pl.DataFrame:
    """Return what the power programme adds at sites; people are people-hours gained over the hours of a year."""
    homes = tables["sites"].sort("site_id").select("site_id", "place_id")
    rows = tables["power_programme"].sort("site_id").join(homes, on="site_id", how="left", maintain_order="left")
    return _filled(
        _at_home(rows, places).select(
            pl.col("home_id").alias("district_id"), pl.lit("site_power").alias("kind"), "place_id",
            pl.lit(1.0).alias("n_sites_powered"), pl.col("cost_usd").alias("power_capex_usd"),
            (pl.col("gain_people_h_per_year") / HOURS_PER_YEAR).alias("n_people"), *_months({POWER_KIT: pl.lit(1.0)}),
        )
    )  # fmt: skip


def _district_months(tables: Tables) -> pl.DataFrame:
    """Return crew-months of each pool by district and kind, of kinds that the bill of materials measures."""
    norms = work_norms().filter(pl.col("kind").is_in(SPREAD_KINDS))
    bill = tables["materials"].sort("district_id", "equipment_id").join(norms, on="equipment_id", maintain_order="left")
    each = bill.with_columns((pl.col("n_units") * pl.col(name)).alias(f"{name}_all") for name in MONTHS)
    return summed(each, ("district_id", "kind"), [f"{name}_all" for name in MONTHS])


def _with_months(rows: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Spread the district's crew-months over its places by capital."""
    share = pl.col("capex_usd") / sum_over(rows, ("district_id", "kind"), "capex_usd")
    spread = rows.join(_district_months(tables), on=["district_id", "kind"], how="left", maintain_order="left")
    more = [
        (pl.col(name) + (share * pl.col(f"{name}_all")).fill_null(0.0).fill_nan(0.0)).alias(name) for name in MONTHS
    ]
    return spread.with_columns(more).select(rows.columns)


def _ground(tables: Tables) -> pl.DataFrame:
    """Return height and whether a known river or flash flood reaches each place."""
    places = tables["places"].sort("place_id")
    wet = np.zeros(places.height, np.bool_)
    floods = tables["hazards"].filter(pl.col("kind") == "flood").drop_nulls(["lon_deg", "lat_deg", "radius_km"])
    for row in floods.sort("hazard_id").iter_rows(named=True):
        apart = great_circle_km(places["lon_deg"], places["lat_deg"], row["lon_deg"], row["lat_deg"])
        wet |= apart <= row["radius_km"]
    return places.select("place_id", "elevation_m").with_columns(is_flood=pl.Series(wet))


def work_rows(tables: Tables, params: RolloutParams, years: tuple[int, ...]) -> pl.DataFrame:
    """Return a row for each district, kind and place with work: counts, kilometres, money, people, crew-months, ground.

    Rows come by key, so that nothing depends on the order of what was read.
    """
    places = _places(tables)
    parts = [
        *_home_rows(tables, places, years), *_site_rows(tables, places, params), _link_rows(tables, places),
        _power_rows(tables, places),
    ]  # fmt: skip
    rows = pl.concat(parts).drop_nulls("district_id")
    total = summed(rows, KEY, (*COUNTS, *AMOUNTS, *MONTHS))
    busy = pl.any_horizontal(*(pl.col(name) > 0.0 for name in (*COUNTS, *AMOUNTS)))
    found = _with_months(total.filter(busy), tables)
    return found.join(_ground(tables), on="place_id", how="left", maintain_order="left").with_columns(
        pl.col("elevation_m").fill_null(0.0), pl.col("is_flood").fill_null(value=False)
    )
