"""What every place sees of each constellation over a day, with the terrain around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.bent_pipe import bent_pipe
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.horizon import N_AZIMUTHS, horizon
from rahdari.methods.isl import grid_links, planes_of, route
from rahdari.methods.points import earth_fixed_km, local_axes, points_of
from rahdari.methods.satellite_view import sky
from rahdari.methods.slant_path import rain_height_km, slant_rain_db, slant_rain_outage_frac
from rahdari.methods.terrain_table import terrain_raster
from rahdari.units import LIGHT_SPEED_KM_PER_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.space.fleets import Fleet, Gateways
    from rahdari.engines.space.params import SpaceParams
    from rahdari.methods.points import Points
    from rahdari.model import Context, Tables

    FloatArray = NDArray[np.float64]

DAY_MINUTES = 1440
QUICK_MINUTES, FULL_MINUTES = 90, 1
QUICK_ROUTES, FULL_ROUTES = 1, 8  # moments at which ways through links are sought
QUICK_RAYS, FULL_RAYS = 1, 3  # of a sector of ten degrees
PIECE = 96  # moments of one bent-pipe call: bounds the memory
SAMPLE_PLACES, SAMPLE_MINUTES = 40, 120  # of the hand-overs at minutes, largest places
METRES_PER_KM = 1000.0
LOW_DEG = 5.0  # the least elevation at which the rain law is meant
POLAR_DEG = 80.0  # no horizon is computed beyond


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Places by identifier, as points, with the (p, n) terrain horizon in degrees; none without terrain."""

    places: pl.DataFrame
    points: Points
    horizon_deg: FloatArray | None
    is_coarse: bool

    def __len__(self) -> int:
        """Return the number of places."""
        return self.places.height

    def part(self, rows: NDArray[np.int64]) -> Ground:
        """Return some of the places."""
        frame = self.places[rows.tolist()]
        return Ground(
            frame, points_of(frame), None if self.horizon_deg is None else self.horizon_deg[rows], self.is_coarse
        )


def ground_of(tables: Tables, ctx: Context) -> Ground:
    """Return the places with their horizon; without terrain, or near a pole, no ground stands."""
    places = tables["places"].sort("place_id")
    points = points_of(places) if places.height else points_of((np.zeros(0), np.zeros(0), np.zeros(0)))
    raster = terrain_raster(tables["terrain"])
    if raster is None or not places.height:
        return Ground(places, points, None, is_coarse=True)
    lon, lat = points.lon_deg, points.lat_deg
    known = (np.abs(lat) <= POLAR_DEG) & ~np.isnan(raster.sample(lon, lat))
    found = np.zeros((places.height, N_AZIMUTHS))
    n_rays = FULL_RAYS if ctx.detail == "full" else QUICK_RAYS
    if known.any():
        part = horizon((lon[known], lat[known], points.height_m[known]), raster, n_rays=n_rays)
        found[known] = part.angle_deg
    return Ground(places, points, found, raster.is_coarse or not known.all())


def moments_of(day: np.datetime64, ctx: Context) -> NDArray[np.datetime64]:
    """Return the moments of a day at which the sky is looked at."""
    step = FULL_MINUTES if ctx.detail == "full" else QUICK_MINUTES
    return day + np.arange(0, DAY_MINUTES, step) * np.timedelta64(1, "m")


def rain_outage_frac(
    ground: Ground, elevation_deg: FloatArray, frequency_ghz: float, params: SpaceParams
) -> FloatArray:
    """Return (p,) shares of the year in which rain exceeds the margin; where no satellite rises, as at 5 degrees."""
    lat = ground.points.lat_deg
    elevation = np.where(np.isfinite(elevation_deg), np.maximum(elevation_deg, LOW_DEG), LOW_DEG)
    rain_db = slant_rain_db(
        lat,
        ground.points.height_m / METRES_PER_KM,
        rain_height_km(lat),
        elevation_deg=elevation,
        frequency_ghz=frequency_ghz,
        rain_rate_mm_h=params.rain_rate_mm_h,
    )
    return slant_rain_outage_frac(rain_db, lat, elevation, params.rain_margin_db)


def _bent(
    fleet: Fleet, ground: Ground, gateways: FloatArray, times: NDArray[np.datetime64]
) -> tuple[FloatArray, FloatArray]:
    """Return (p,) shares of the moments without a common satellite, and mean round trips of the others, NaN if none."""
    none, total = np.zeros(len(ground)), np.zeros(len(ground))
    if not gateways.shape[0]:
        return np.ones(len(ground)), np.full(len(ground), np.nan)
    for start in range(0, times.size, PIECE):
        piece = times[start : start + PIECE]
        found = bent_pipe(
            fleet.satellites,
            ground.points,
            gateways,
            piece,
            min_elevation_deg=fleet.number("min_elevation_deg"),
            gateway_min_elevation_deg=fleet.number("gateway_min_elevation_deg"),
            horizon_deg=ground.horizon_deg,
        )
        is_none = np.isnan(found.rtt_ms)
        none += is_none.sum(axis=1)
        total += np.where(is_none, 0.0, found.rtt_ms).sum(axis=1)
    with np.errstate(invalid="ignore"):
        mean = total / np.where(none < times.size, times.size - none, np.nan)
    return none / times.size, mean


def _routed(fleet: Fleet, ground: Ground, gateways: FloatArray, ctx: Context) -> FloatArray:
    """Return (p,) mean round trips through links between satellites to the nearest of the gateways, NaN if none."""
    if not gateways.shape[0] or not fleet.row["has_links"]:
        return np.full(len(ground), np.nan)
    n_moments = FULL_ROUTES if ctx.detail == "full" else QUICK_ROUTES
    times = fleet.day + np.arange(n_moments) * np.timedelta64(DAY_MINUTES // n_moments, "m")
    links = grid_links(planes_of(fleet.satellites, times[0]))
    total, count = np.zeros(len(ground)), np.zeros(len(ground))
    for moment in times:
        best = route(
            fleet.satellites,
            ground.points,
            gateways,
            moment,
            links,
            min_elevation_deg=fleet.number("min_elevation_deg"),
            gateway_min_elevation_deg=fleet.number("gateway_min_elevation_deg"),
            horizon_deg=ground.horizon_deg,
        ).best_ms
        is_way = np.isfinite(best)
        total += np.where(is_way, best, 0.0)
        count += is_way
    with np.errstate(invalid="ignore"):
        return np.asarray(total / np.where(count > 0, count, np.nan))


def view_rows(fleet: Fleet, ground: Ground, gateways: Gateways, params: SpaceParams, ctx: Context) -> pl.DataFrame:
    """Return the ``satellite_views`` rows of one low-orbit constellation."""
    times = moments_of(fleet.day, ctx)
    seen = sky(fleet.satellites, ground.points, times, fleet.number("min_elevation_deg"), ground.horizon_deg)
    ctx.check_cancelled()
    _, used = gateways.used(is_home_only=params.requires_domestic_gateway)
    no_common, bent_ms = _bent(fleet, ground, used, times)
    held = pl.Series(seen.held_handover_count) if ctx.detail == "full" else pl.Series([None] * len(ground))
    is_linked = bool(fleet.row["has_links"])
    return ground.places.select("place_id").with_columns(
        constellation_id=pl.lit(fleet.constellation_id),
        n_visible_mean=pl.Series(seen.count_mean),
        n_visible_least=pl.Series(seen.count_min),
        best_elevation_deg=pl.Series(seen.best_elevation_mean_deg).fill_nan(None),
        n_handovers=held.cast(pl.Int64),
        horizon_outage_frac=pl.Series(seen.none_frac),
        no_common_frac=pl.Series(no_common),
        outage_frac=pl.Series(seen.none_frac if is_linked and used.shape[0] else no_common),
        bent_rtt_ms=pl.Series(bent_ms).fill_nan(None),
        routed_rtt_ms=pl.Series(_routed(fleet, ground, used, ctx)).fill_nan(None),
        abroad_rtt_ms=pl.Series(_routed(fleet, ground, gateways.abroad_points, ctx)).fill_nan(None),
        rain_outage_frac=pl.Series(
            rain_outage_frac(ground, seen.best_elevation_mean_deg, fleet.number("downlink_ghz"), params)
        ),
        is_coarse_terrain=pl.lit(ground.is_coarse),
    )


def sample_rows(ground: Ground) -> NDArray[np.int64]:
    """Return the rows of the places of most people."""
    order = np.lexsort([np.arange(len(ground)), -ground.places["n_people"].to_numpy()])
    return np.asarray(order[:SAMPLE_PLACES], np.int64)


def sampled(fleet: Fleet, ground: Ground) -> tuple[float, float]:
    """Return the mean of satellites in view and of a day's hand-overs, by people, at the largest places."""
    part = ground.part(sample_rows(ground))
    times = fleet.day + np.arange(SAMPLE_MINUTES) * np.timedelta64(1, "m")
    found = sky(fleet.satellites, part.points, times, fleet.number("min_elevation_deg"), part.horizon_deg)
    weight = np.maximum(part.places["n_people"].to_numpy().astype(np.float64), 1.0)
    daily = found.held_handover_count * (DAY_MINUTES / SAMPLE_MINUTES)
    return float(np.average(found.count_mean, weights=weight)), float(np.average(daily, weights=weight))


def geo_rows(fleet: Fleet, ground: Ground, gateways: Gateways, params: SpaceParams) -> pl.DataFrame:
    """Return the ``satellite_geo`` rows of one satellite that stands over the equator."""
    satellite = positions_km(fleet.satellites, fleet.day)[0, 0]
    sight = satellite - earth_fixed_km(ground.points)
    local = np.einsum("pij,pj->pi", local_axes(ground.points), sight)
    elevation = np.degrees(np.arctan2(local[:, 2], np.hypot(local[:, 0], local[:, 1])))
    azimuth = np.degrees(np.arctan2(local[:, 0], local[:, 1])) % 360.0
    hub = points_of((gateways.home_points[0, 0], gateways.home_points[0, 1], gateways.home_points[0, 2]))
    rim = np.zeros(len(ground)) if ground.horizon_deg is None else horizon_at(ground.horizon_deg, azimuth)
    range_km = np.linalg.norm(sight, axis=1)
    hub_km = float(np.linalg.norm(satellite - earth_fixed_km(hub)[0]))
    return ground.places.select("place_id").with_columns(
        constellation_id=pl.lit(fleet.constellation_id),
        elevation_deg=pl.Series(elevation),
        azimuth_deg=pl.Series(azimuth),
        horizon_deg=pl.Series(rim),
        is_clear=pl.Series((elevation > rim) & (elevation >= fleet.number("min_elevation_deg"))),
        range_km=pl.Series(range_km),
        hub_range_km=pl.lit(hub_km),
        rtt_ms=pl.Series(2.0 * (range_km + hub_km) / LIGHT_SPEED_KM_PER_MS),
        rain_outage_frac=pl.Series(rain_outage_frac(ground, elevation, fleet.number("downlink_ghz"), params)),
        is_coarse_terrain=pl.lit(ground.is_coarse),
    )


def horizon_at(horizon_deg: FloatArray, azimuth_deg: FloatArray) -> FloatArray:
    """Return (p,) horizon angles at an azimuth each, linear between the (p, n) sectors from north clockwise.

    >>> horizon_at(np.array([[0.0, 10.0, 0.0, 0.0]]), np.array([45.0])).tolist()
    [5.0]
    """
    n = horizon_deg.shape[1]
    turn = azimuth_deg / 360.0 * n
    low = np.floor(turn).astype(np.int64)
    share = turn - low
    rows = np.arange(horizon_deg.shape[0])
    return np.asarray((1.0 - share) * horizon_deg[rows, low % n] + share * horizon_deg[rows, (low + 1) % n])
