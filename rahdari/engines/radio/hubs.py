"""Frequency plans of all microwave hubs, with and without interference cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.hub import hub_plan
from rahdari.methods.hub_input import HubRules, Modulation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.radio.hops import Hops
    from rahdari.engines.radio.params import RadioParams
    from rahdari.methods.hub import HubPlan

    FloatArray = NDArray[np.float64]

LEAST_HOP_KM = 0.1  # nearer sites share a roof and need no hop
LEAST_LINKS = 2  # of a hub
TURN_DEG = 360.0
MARK = " "  # between a hub's site and its band


def azimuth_deg(lon_a: FloatArray, lat_a: FloatArray, lon_b: FloatArray, lat_b: FloatArray) -> FloatArray:
    """Return the bearing (n,) at a towards b, degrees from north, on the sphere.

    >>> azimuth_deg(*(np.array([x]) for x in (70.0, 30.0, 70.0, 31.0))).tolist()
    [0.0]
    """
    east = np.radians(lon_b - lon_a)
    north_a, north_b = np.radians(lat_a), np.radians(lat_b)
    y = np.sin(east) * np.cos(north_b)
    x = np.cos(north_a) * np.sin(north_b) - np.sin(north_a) * np.cos(north_b) * np.cos(east)
    return np.asarray(np.degrees(np.arctan2(y, x)) % TURN_DEG)


def rules_of(modes: pl.DataFrame, params: RadioParams) -> HubRules:
    """Return the planner's rules with the catalogue's modulations."""
    ladder = tuple(
        Modulation(name, needed, rate)
        for name, needed, rate in modes.sort("rank").select("name", "carrier_to_noise_db", "net_bps_per_hz").iter_rows()
    )
    return HubRules(
        availability_frac=params.rate_availability_frac,
        spectrum_mhz=params.hub_spectrum_mhz,
        gradient_n_per_km=params.gradient_n_per_km,
        modulations=ladder,
    )


def hub_links(hops: Hops, params: RadioParams) -> tuple[pl.DataFrame, int]:
    """Return the links of hubs of 2 to ``hub_max_links`` links, and how many hubs are larger and left out.

    The links of one site and band are a hub: bands do not disturb each other.  Links on one roof are none.
    """
    links = hops.links.filter(pl.col("distance_km") >= LEAST_HOP_KM)
    ends = [links[name].to_numpy() for name in ("to_lon_deg", "to_lat_deg", "from_lon_deg", "from_lat_deg")]
    made = links.select(
        pl.concat_str("to_site_id", "radio_id", separator=MARK).alias("hub_id"),
        pl.col("site_id").alias("link_id"),
        "length_km",
        "frequency_ghz",
        "diameter_m",
        pl.col("diameter_m").alias("far_diameter_m"),
        pl.col("power_full_dbm").alias("power_dbm"),
        pl.lit(params.rain_rate_mm_h).alias("rain_rate_mm_h"),
        pl.col("antenna_height_m").clip(lower_bound=0.0).alias("height_m"),
        "noise_figure_db",
    ).with_columns(azimuth_deg=pl.Series(azimuth_deg(*ends)))
    size = pl.len().over("hub_id")
    n_large = made.group_by("hub_id").len().filter(pl.col("len") > params.hub_max_links).height
    return made.filter((size >= LEAST_LINKS) & (size <= params.hub_max_links)).sort("hub_id", "link_id"), n_large


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the table with the hub's site and radio in place of its name."""
    parts = pl.col("hub_id").str.split_exact(MARK, 1)
    return frame.with_columns(hub_site_id=parts.struct.field("field_0"), radio_id=parts.struct.field("field_1")).drop(
        "hub_id"
    )


def plan_tables(links: pl.DataFrame, rules: HubRules, params: RadioParams) -> tuple[HubPlan, dict[str, pl.DataFrame]]:
    """Return the plan of all hubs and the tables ``frequency_plan`` and ``hub_plans``."""
    plan = hub_plan(links, params.hub_cancellation_db, rules)
    rows = plan.channels.join(plan.availability, on=["hub_id", "link_id"], maintain_order="left")
    rows = rows.join(links.select("hub_id", "link_id", "length_km"), on=["hub_id", "link_id"], maintain_order="left")
    names = {"link_id": "site_id", "channel_plain": "channel_plain_id", "channel_cancelled": "channel_cancelled_id"}
    channels = (
        _named(rows)
        .rename(names)
        .with_columns(polarisation=pl.lit("vertical"), spectrum_mhz=pl.lit(params.hub_spectrum_mhz))
    )
    least = {f"least_channels_{kind}": f"n_least_channels_{kind}" for kind in ("plain", "cancelled")}
    totals = _named(plan.capacity.rename(least)).with_columns(
        cancellation_db=pl.lit(params.hub_cancellation_db),
        is_gaining=(pl.col("gain_ratio") > 1.0).fill_null(value=False),
        is_proven=pl.col("n_channels_cancelled") == pl.col("n_least_channels_cancelled"),
    )
    return plan, {"frequency_plan": channels, "hub_plans": totals}
