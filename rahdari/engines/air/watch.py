"""Flood watch: one base and one drone a district, what it sees in a flight, and whom the network lets it show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely

from rahdari.methods.geo import great_circle_km
from rahdari.methods.survey import METERS_PER_KM, Camera, Drone, Wind, flat_earth, survey

if TYPE_CHECKING:
    from rahdari.engines.air.params import AirParams
    from rahdari.methods.air_space import Airspace
    from rahdari.model import Tables

HORIZON_KM_PER_ROOT_M = 4.12  # smooth earth of 4/3 radius, ITU-R P.310 and common practice
TECHNOLOGY = "4g"
BLOCK_KM = 6.0  # a flight's share of an area, square
BLOCK_LON_DEG, BLOCK_LAT_DEG = 70.0, 30.0  # anywhere: a block of 6 km is flat
SECONDS_PER_HOUR, KM_PER_H = 3600.0, 3.6
WEST_DEG = 270.0


def radius_km(params: AirParams) -> float:
    """Return how far the drone flies out and still has its survey time and reserve, km."""
    usable_h = params.endurance_h * (1.0 - params.reserve_frac)
    return usable_h * (1.0 - params.survey_share_frac) * params.cruise_km_per_h / 2.0


def horizon_km(params: AirParams) -> float:
    """Return the radio horizon between mast and drone, km."""
    return HORIZON_KM_PER_ROOT_M * float(np.sqrt(params.mast_m) + np.sqrt(params.height_m))


def survey_work_frac(params: AirParams) -> float:
    """Return the share of a survey's time that sees new ground, from legs planned over a block of 6 km.

    Turns, ways between legs and the wind take the rest; the way to the block is no part of it.
    """
    half = 0.5 * BLOCK_KM * METERS_PER_KM
    plane = flat_earth(BLOCK_LON_DEG, BLOCK_LAT_DEG)
    block = shapely.transform(shapely.box(-half, -half, half, half), plane.backward)
    base = plane.backward(np.array([[-half, -half]]))[0]
    speed = params.cruise_km_per_h / KM_PER_H
    view = 2.0 * np.degrees(np.arctan(0.5 * params.swath_km * METERS_PER_KM / params.height_m))
    camera = Camera(params.height_m, float(view), 0.0)
    endless = 100.0 * BLOCK_KM**2 / (params.swath_km * params.cruise_km_per_h) * SECONDS_PER_HOUR
    drone = Drone("one", float(base[0]), float(base[1]), speed, endless, 0.0, params.turn_s, 0.0)
    wind = Wind(min(params.wind_m_per_s, 0.9 * speed), WEST_DEG)
    flown = survey(block, camera=camera, drones=[drone], wind=wind)
    least_s = flown.area_km2 / (params.swath_km * params.cruise_km_per_h) * SECONDS_PER_HOUR
    return min(least_s / flown.back_s, 1.0)


def people(places: pl.DataFrame, params: AirParams, link_km: float) -> pl.DataFrame:
    """Return people per district: all, within the radius, and there with a link."""
    in_radius = pl.col("base_km") <= radius_km(params)
    has_link = pl.col("site_km") <= min(link_km, horizon_km(params))
    count = pl.col("n_people")
    return (
        places.group_by("district_id")
        .agg(
            pl.col("base_place_id", "base_lon", "base_lat").first(),
            count.sum(),
            n_people_in_radius=count.filter(in_radius).sum(),
            n_people_covered=count.filter(in_radius & has_link).sum(),
        )
        .sort("district_id")
    )


def with_bases(tables: Tables) -> pl.DataFrame:
    """Return places with their district's base, the way to it, and the way to the nearest 4G site."""
    places = tables["places"].sort("place_id")
    bases = (
        places.sort(["district_id", "n_people", "place_id"], descending=[False, True, False])
        .unique("district_id", keep="first", maintain_order=True)
        .select("district_id", base_place_id="place_id", base_lon="lon_deg", base_lat="lat_deg")
    )
    sites = tables["coverage"].filter(pl.col("technology") == TECHNOLOGY).select("place_id", site_km="distance_km")
    joined = places.join(bases, on="district_id", maintain_order="left").join(
        sites, on="place_id", how="left", maintain_order="left"
    )
    way = great_circle_km(joined["lon_deg"], joined["lat_deg"], joined["base_lon"], joined["base_lat"])
    return joined.with_columns(pl.Series("base_km", way))


def service_table(tables: Tables, places: pl.DataFrame, params: AirParams, airspace: Airspace) -> pl.DataFrame:
    """Return ``air_services``, one flood watch for each district that has a place (:func:`with_bases`)."""
    usable_h = params.endurance_h * (1.0 - params.reserve_frac)
    work = survey_work_frac(params)
    seen_km2 = usable_h * params.survey_share_frac * params.cruise_km_per_h * params.swath_km * work
    counts = people(places, params, params.link_range_km)
    closed = airspace.closed(counts["base_lon"].to_numpy(), counts["base_lat"].to_numpy())
    return counts.join(
        tables["districts"].select("district_id", "area_km2"), on="district_id", how="left", maintain_order="left"
    ).with_columns(
        air_service_id=pl.format("flood-watch-{}", "district_id"),
        radius_km=pl.lit(radius_km(params)),
        horizon_km=pl.lit(horizon_km(params)),
        survey_work_frac=pl.lit(work),
        sortie_survey_km2=pl.lit(seen_km2),
        sorties_count=pl.col("area_km2") / seen_km2,
        covered_frac=pl.col("n_people_covered") / pl.col("n_people").clip(lower_bound=1),
        is_base_closed=pl.Series(np.any(list(closed.values()), axis=0)),
        demand_mbps=pl.lit(params.video_mbps),
    )
