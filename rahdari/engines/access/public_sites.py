"""Schools and health sites as classes of their own: who has the rate and the delay that their services ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from rahdari.methods.results import result_frame
from rahdari.model import Indicator

if TYPE_CHECKING:
    from rahdari.model import Tables

SCHEMA = Path(__file__).parent / "tables" / "public_sites.csv"
CLASSES = {"school": ("schools", "Schools"), "clinic": ("clinics", "Health sites")}
ROUNDING_RATIO = 1.0 - 1e-9  # a rate that misses by rounding alone meets


def public_sites(tables: Tables, access: pl.DataFrame) -> pl.DataFrame:
    """Return the ``public_sites`` rows: a service of schools or clinics, and a year of the plan.

    A school has what its place has; satellite adds places whose cell has room for all of them, licence apart.
    """
    services = tables["services"].filter(pl.col("users_per").is_in(list(CLASSES))).sort("service_id")
    satellite = tables["satellite_service"].select(
        "place_id",
        pl.col("downlink_mbps").alias("sky_mbps"),
        pl.col("latency_ms").alias("sky_ms"),
        pl.col("n_users_max").alias("n_room"),
    )
    rows = []
    demand = tables["demand"].select("place_id", "service_id", "year", "n_possible")
    reached = access.select("place_id", "year", "downlink_mbps", "latency_ms")
    for service in services.iter_rows(named=True):
        least, most = service["down_mbps"] * ROUNDING_RATIO, service["latency_ms"]
        met = (pl.col("downlink_mbps") >= least) & (pl.col("latency_ms") <= most)
        by_sky = (pl.col("sky_mbps") >= least) & (pl.col("sky_ms") <= most) & (pl.col("n_possible") <= pl.col("n_room"))
        joined = (
            reached.join(demand.filter(pl.col("service_id") == service["service_id"]), on=["place_id", "year"])
            .join(satellite, on="place_id", how="left")
            .sort("year", "place_id")
            .with_columns(met=met, sky=by_sky.fill_null(value=False) & ~met)
        )
        for (year,), group in joined.group_by("year", maintain_order=True):
            total, served, added = (
                float(group.filter(part)["n_possible"].sum())
                for part in (pl.lit(value=True), pl.col("met"), pl.col("sky"))
            )
            rows.append(
                {
                    "service_id": service["service_id"],
                    "year": year,
                    "users_per": service["users_per"],
                    "down_mbps": service["down_mbps"],
                    "latency_max_ms": service["latency_ms"],
                    "n_sites": total,
                    "n_served": served,
                    "n_added": added,
                    "served_frac": served / max(total, 1e-9),
                    "with_satellite_frac": (served + added) / max(total, 1e-9),
                }
            )
    return result_frame(rows or None, SCHEMA)


def public_indicators(rows: pl.DataFrame) -> list[Indicator]:
    """Return the share of schools and of health sites that are served, by year; high: with satellite."""
    found = []
    for users_per, (key, name) in CLASSES.items():
        own = rows.filter(pl.col("service_id") == users_per).sort("year")
        for row in own.iter_rows(named=True):
            words = (
                f"schools or clinics in places with {row['down_mbps']:g} Mbit/s in {row['latency_max_ms']:g} ms / all; "
                "high: with satellite, were it licensed; see public_sites"
            )
            found.append(
                Indicator(
                    f"{key}_served_frac",
                    row["year"],
                    f"{name} with the rate and the delay they need",
                    row["served_frac"],
                    "frac",
                    words,
                    "modelled",
                    row["served_frac"],
                    row["with_satellite_frac"],
                )
            )
    return found
