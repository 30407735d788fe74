"""The independent parts of a place's availability: power, last mile, regional fibre, core and hazards within reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.methods.availability import fibre_availability_frac
from rahdari.methods.geo import nearest
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from rahdari.engines.stress.params import StressParams
    from rahdari.methods.routing import FloatArray
    from rahdari.model import Tables

ELSEWHERE_KINDS = ("cut", "cable_cut", "grid_failure")  # hazards whose effect the fibre and power terms already hold


def people_of(tables: Tables) -> FloatArray:
    """Return (n,) people of places, in place order."""
    return tables["places"].sort("place_id")["n_people"].to_numpy().astype(np.float64)


def hazard_availability_frac(lon_deg: FloatArray, lat_deg: FloatArray, hazards: pl.DataFrame) -> FloatArray:
    """Return (n,) availability after the hazards that reach each point, each independent of the others."""
    frac: FloatArray = np.ones(lon_deg.size)
    for row in hazards.filter(~pl.col("kind").is_in(ELSEWHERE_KINDS)).sort("hazard_id").iter_rows(named=True):
        lost = min(1.0, row["rate_per_year"] * row["duration_h"] * row["severity_frac"] / HOURS_PER_YEAR)
        if row["lon_deg"] is None or row["lat_deg"] is None or row["radius_km"] is None:
            frac = frac * (1.0 - lost)
        else:
            centre = np.array([row["lon_deg"]]), np.array([row["lat_deg"]])
            frac = np.where(nearest(lon_deg, lat_deg, *centre)[1] <= row["radius_km"], frac * (1.0 - lost), frac)
    return frac


def core_distance_km(places: pl.DataFrame, route_ratio: float) -> FloatArray:
    """Return (n,) fibre kilometres from each place to the nearest city, or to the largest place without one."""
    cities = places.filter(pl.col("kind") == "city")
    if not cities.height:
        cities = places.sort("n_people", "place_id", descending=[True, False]).head(1)
    points = [frame[name].to_numpy() for frame in (places, cities) for name in ("lon_deg", "lat_deg")]
    return nearest(points[0], points[1], points[2], points[3])[1] * route_ratio


def core_availability_frac(routes: pl.DataFrame) -> float:
    """Return the mean availability of routes between cities with their second ways; of all routes without such."""
    between = routes.filter(pl.col("kind") == "city_pair")
    chosen = between if between.height else routes
    return float(np.mean(chosen.sort("route_id")["pair_availability_frac"].to_numpy())) if chosen.height else 1.0


def parts_of(tables: Tables, params: StressParams, year: int) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """Return identifying columns of ``availability`` and its five parts, one value a place, in place order."""
    places = tables["places"].sort("place_id")
    access = tables["access"].filter(pl.col("year") == year).select("place_id", "technology", "availability_frac")
    power = tables["place_power"].select("place_id", pl.col("availability_frac").alias("power_frac"))
    frame = places.select("place_id").join(access, on="place_id", how="left", maintain_order="left")
    frame = frame.join(power, on="place_id", how="left", maintain_order="left")
    is_served = (frame["technology"].fill_null("none") != "none").to_numpy()
    core_km = core_distance_km(places, params.route_ratio)
    power_frac = frame["power_frac"].fill_null(1.0).to_numpy()
    # Access states its availability with power included; power has its own factor here.
    line_frac = frame["availability_frac"].fill_null(0.0).to_numpy() / np.where(power_frac > 0.0, power_frac, 1.0)
    parts: dict[str, FloatArray] = {
        "power_frac": power_frac,
        "last_mile_frac": np.where(is_served & (power_frac > 0.0), np.minimum(1.0, line_frac), 0.0),
        "backhaul_frac": fibre_availability_frac(core_km, params.cuts_per_1000_km_per_year, params.repair_h),
        "core_frac": np.full(places.height, core_availability_frac(tables["routes"])),
        "hazard_frac": hazard_availability_frac(
            places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy(), tables["hazards"]
        ),
    }
    columns = {
        "place_id": places["place_id"], "year": np.full(places.height, year), "is_served": is_served,
        "core_km": core_km,
    }  # fmt: skip
    return columns, parts
