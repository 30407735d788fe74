"""A drone's way through the air, every 100 m: clearance, cells, control link, video, positions, and what fails why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.air_link import AirLink, AirNetwork, heights, service, views
from rahdari.methods.air_space import REASONS, Airspace, border_distance_km, nearest_airport_km
from rahdari.methods.dop import LARGEST_DOP
from rahdari.methods.geo import nearest
from rahdari.methods.horizon import MOST_REACH_KM, N_AZIMUTHS, horizon
from rahdari.methods.line_points import M_PER_KM, STEP_M, LinePoints, line_points, segments
from rahdari.methods.navigation_systems import BEIDOU, SYSTEMS, nominal_track, week_utc
from rahdari.methods.raster import Raster, metres_per_deg
from rahdari.methods.satellite_dop import dop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.air_link import Service
    from rahdari.methods.line_points import LineLike
    from rahdari.methods.raster import Terrain

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

NOTE = "planning only; not an authorisation to fly"
POINTS_AT_ONCE = 256  # terrain is read by windows around so many points
HIGHEST_M = 3000.0  # above ground, scope of P.1812
HORIZON_REACH_KM = 50.0
#: Why a stretch fails, in the order in which its reasons are told.
CAUSES = (*REASONS, "terrain clearance", "no control link", "video below need", "no navigation")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a flight needs and how it is looked at; figures are assumed."""

    control_margin_db: float = 3.0  # over the most robust scheme, kept for fades
    video_mbps: float = 4.0  # pilot's video out of sight, 3GPP TS 22.125
    accuracy_m: float = 5.0  # on the ground, 95 %
    range_error_m: float = 1.5
    required_frac: float = 0.99  # of the time
    mask_deg: float = 5.0
    climb_frac: float = 0.15  # steepest way up or down
    clearance_m: float = 30.0  # over whatever ground lies within side_m
    side_m: float = 150.0
    too_high_m: float = 120.0  # above its height over ground, which a steep slope may force on a drone
    valley_slope_ratio: float = 8.2  # horizon that stands in where terrain is coarse, as for roads
    max_valley_deg: float = 22.0
    navigation_step_m: float = 1000.0
    n_epochs: int = 101


@dataclass(frozen=True, slots=True, eq=False)
class Corridor:
    """A corridor: a row a point (``points``), stretches that fail with their reasons (``failing``), and its figures."""

    points: pl.DataFrame
    failing: pl.DataFrame
    length_km: float
    height_m: float
    n_handovers: int
    is_coarse: bool
    notes: tuple[str, ...] = field(default=(NOTE,))

    @property
    def failing_km(self) -> float:
        """Return how much of it fails for any reason."""
        return float(self.points.filter(pl.col("is_failing"))["length_km"].sum())


def corridor(
    line: LineLike,
    height_m: float,
    network: AirNetwork | pl.DataFrame,
    dem: Terrain | None = None,
    *,
    airspace: Airspace | None = None,
    link: AirLink | None = None,
    asked: Asked | None = None,
    slopes: pl.DataFrame | None = None,
    marks: pl.DataFrame | None = None,
    step_m: float = STEP_M,
) -> Corridor:
    """Return what a drone meets along a line at ``height_m`` above the ground; planning only, no authorisation to fly.

    ``line`` is (n, 2) degrees or the like; ``network`` a table of cells (:meth:`AirNetwork.of`); ``dem`` terrain, none
    for level ground.  ``slopes`` (``lon_deg``, ``lat_deg``, ``slope_frac``) let coarse terrain have valleys; ``marks``
    name stretches.  The drone keeps ``height_m`` and more, as its climb allows.  Columns of ``points``: position,
    ``ground_m``, ``flight_m`` (above the sea), ``above_m``, ``clearance_m``, ``cell_id``, ``second_cell_id``, powers,
    ``sinr_db``, ``control_margin_db``, ``video_mbps``, ``is_sight``, ``is_handover``, dilutions (BeiDou alone, all
    systems), ``available_frac``, distances to airports and borders, and ``reason`` (empty where nothing fails).

    Raises :class:`InputError` for heights outside 5 to 3,000 m, and whatever the line or the network has wrong.
    """
    link, asked, airspace = link or AirLink(), asked or Asked(), airspace or Airspace()
    is_good = 5.0 <= height_m <= HIGHEST_M  # noqa: PLR2004  # lower, a drone is no flight
    raise_if_any([] if is_good else [Problem(f"a height of {height_m:g} m", "give 5 to 3,000 m above ground")])
    cells = network if isinstance(network, AirNetwork) else AirNetwork.of(network)
    way = line_points(line, step_m)
    ground, flight, clearance, got, is_coarse = _flown(way, height_m, cells, dem, link=link, asked=asked)
    sky = _positions(way, dem, float(np.median(flight - ground)), asked, slopes)
    away = {
        "airport_km": nearest_airport_km(airspace, way.lon_deg, way.lat_deg),
        "border_km": border_distance_km(airspace.borders, way.lon_deg, way.lat_deg),
    }
    fails = airspace.closed(way.lon_deg, way.lat_deg, away["border_km"]) | {
        "terrain clearance": (clearance < asked.clearance_m) | (flight - ground > height_m + asked.too_high_m),
        "no control link": got.control_margin_db < asked.control_margin_db,
        "video below need": got.video_mbps < asked.video_mbps,
        "no navigation": sky["available_frac"] < asked.required_frac,
    }
    reason = _reasons(fails)
    points = _table(way, got, cells, reason).with_columns(
        ground_m=ground, flight_m=flight, above_m=flight - ground, clearance_m=clearance, **sky,
        **{name: np.where(np.isfinite(value), value, np.nan) for name, value in away.items()},
    ).with_columns(pl.col("airport_km", "border_km").fill_nan(None))  # fmt: skip
    failing = _failing(way, points, marks)
    return Corridor(points, failing, way.length_km, height_m, int(got.is_handover.sum()), is_coarse)


def _flown(
    way: LinePoints, height_m: float, cells: AirNetwork, dem: Terrain | None, *, link: AirLink, asked: Asked
) -> tuple[FloatArray, FloatArray, FloatArray, Service, bool]:
    """Return ground, flight level and clearance (p,), what the network gives, and whether terrain is coarse."""
    lonlat = np.stack([way.lon_deg, way.lat_deg], axis=1)
    n = len(way)
    parts = [slice(first, min(first + POINTS_AT_ONCE, n)) for first in range(0, n, POINTS_AT_ONCE)]
    rasters = [_around(dem, lonlat[part], link.reach_km) for part in parts]
    ground, beside = np.zeros(n), np.zeros(n)
    for part, raster in zip(parts, rasters, strict=True):
        if raster is not None:
            ground[part], beside[part] = _grounds(raster, lonlat[part], asked.side_m)
    flight = _level_m(way.km * M_PER_KM, ground + height_m, asked.climb_frac)
    seen = [
        views(raster, cells, lonlat[part], ground[part], (flight - ground)[part], link=link)
        for part, raster in zip(parts, rasters, strict=True)
    ]
    joined = type(seen[0])(
        *(np.concatenate([getattr(each, name) for each in seen]) for name in type(seen[0]).__dataclass_fields__)
    )
    is_coarse = dem is None or any(raster is None or raster.is_coarse for raster in rasters)
    return ground, flight, flight - beside, service(joined, cells, link), is_coarse


def _around(dem: Terrain | None, lonlat: FloatArray, reach_km: float) -> Raster | None:
    if dem is None:
        return None
    lon_m, lat_m = metres_per_deg(float(np.abs(lonlat[:, 1]).max()))
    east, north = reach_km * M_PER_KM / lon_m, reach_km * M_PER_KM / lat_m
    low, high = lonlat.min(axis=0), lonlat.max(axis=0)
    return dem.window(low[0] - east, low[1] - north, high[0] + east, high[1] + north)


def _grounds(raster: Raster, lonlat: FloatArray, side_m: float) -> tuple[FloatArray, FloatArray]:
    """Return the ground under (p, 2) points, and the highest within a square ring around each."""
    lon_m, lat_m = metres_per_deg(float(np.abs(lonlat[:, 1]).mean()))
    step = np.array([-1.0, -0.5, 0.0, 0.5, 1.0]) * side_m
    east, north = (part.ravel() for part in np.meshgrid(step / lon_m, step / lat_m))
    around = heights(raster, lonlat[:, :1] + east, lonlat[:, 1:] + north)
    return around[:, around.shape[1] // 2], around.max(axis=1)


def _level_m(at_m: FloatArray, least_m: FloatArray, climb_frac: float) -> FloatArray:
    """Return the lowest way (p,) over ``least_m`` that never climbs or sinks more steeply than ``climb_frac``.

    >>> _level_m(np.array([0.0, 100.0, 200.0]), np.array([0.0, 50.0, 0.0]), 0.2).tolist()
    [30.0, 50.0, 30.0]
    """
    slope = climb_frac * at_m
    rising = np.maximum.accumulate(least_m + slope) - slope
    falling = np.maximum.accumulate((least_m - slope)[::-1])[::-1] + slope
    return np.asarray(np.maximum(rising, falling))


def _positions(
    way: LinePoints, dem: Terrain | None, above_m: float, asked: Asked, slopes: pl.DataFrame | None
) -> dict[str, FloatArray]:
    """Return horizon, dilutions and availability (p,), looked at every kilometre and taken for the points nearest."""
    every = max(round(asked.navigation_step_m / (way.step_km * M_PER_KM)), 1)
    at = np.unique(np.append(np.arange(0, len(way), every), len(way) - 1))
    lon, lat = way.lon_deg[at], way.lat_deg[at]
    points = pl.DataFrame({"lon_deg": lon, "lat_deg": lat, "height_m": np.zeros(at.size)})
    rim = np.zeros((at.size, N_AZIMUTHS))
    is_coarse = True
    if dem is not None:
        found = horizon(points, dem, reach_km=min(HORIZON_REACH_KM, MOST_REACH_KM), antenna_m=above_m)
        rim, is_coarse = found.angle_deg, found.is_coarse
    if is_coarse and slopes is not None and slopes.height:
        index, _ = nearest(lon, lat, slopes["lon_deg"].to_numpy(), slopes["lat_deg"].to_numpy())
        slope = np.degrees(np.arctan(slopes["slope_frac"].to_numpy()[index]))
        rim = np.maximum(rim, np.minimum(asked.max_valley_deg, asked.valley_slope_ratio * slope)[:, None])
    times = week_utc(asked.n_epochs)
    beidou = dop(nominal_track((BEIDOU,), times), points, times, asked.mask_deg, rim, is_one_clock=False)
    both = dop(nominal_track(SYSTEMS, times), points, times, asked.mask_deg, rim, is_one_clock=False)
    good = 2.0 * asked.range_error_m * both.hdop <= asked.accuracy_m  # NaN is none
    place = np.rint(np.interp(np.arange(len(way)), at, np.arange(at.size))).astype(np.int64)
    shown = {
        "horizon_deg": rim.mean(axis=1), "pdop_ratio": _mean(beidou.pdop), "all_pdop_ratio": _mean(both.pdop),
        "available_frac": good.mean(axis=1),
    }  # fmt: skip
    return {name: value[place] for name, value in shown.items()}


def _mean(ratio: FloatArray) -> FloatArray:
    is_fix = ratio <= LARGEST_DOP
    total = np.where(is_fix, ratio, 0.0).sum(axis=1)
    count = is_fix.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), LARGEST_DOP)


def _reasons(fails: dict[str, BoolArray]) -> list[str]:
    table = np.stack([fails[name] for name in CAUSES], axis=1)
    told: dict[bytes, str] = {}
    for row in np.unique(table, axis=0):
        told[row.tobytes()] = ", ".join(name for name, is_it in zip(CAUSES, row.tolist(), strict=True) if is_it)
    return [told[row.tobytes()] for row in table]


def _table(way: LinePoints, got: Service, cells: AirNetwork, reason: list[str]) -> pl.DataFrame:
    between = 0.5 * (way.km[1:] + way.km[:-1])
    edge = np.concatenate([[0.0], between, [way.length_km]])

    def named(site: NDArray[np.int64]) -> pl.Series:
        return pl.Series([cells.site_id[i] if i >= 0 else None for i in site.tolist()], dtype=pl.String)

    has_second = got.second >= 0
    columns = {
        "km": way.km, "from_km": edge[:-1], "to_km": edge[1:], "length_km": np.diff(edge),
        "lon_deg": way.lon_deg, "lat_deg": way.lat_deg, "cell_id": named(got.site), "second_cell_id": named(got.second),
        "cell_km": _known(got.distance_km, got.site >= 0), "power_dbm": _known(got.power_dbm, got.site >= 0),
        "second_dbm": _known(got.second_dbm, has_second), "sinr_db": _known(got.sinr_db, got.site >= 0),
        "control_margin_db": _known(got.control_margin_db, got.site >= 0), "video_mbps": got.video_mbps,
        "is_sight": got.is_sight & (got.site >= 0), "is_handover": got.is_handover,
        "is_failing": pl.Series([bool(text) for text in reason], dtype=pl.Boolean), "reason": reason,
    }  # fmt: skip
    return pl.DataFrame(columns)


def _known(value: FloatArray, is_known: BoolArray) -> pl.Series:
    return pl.Series(np.where(is_known, value, np.nan)).fill_nan(None)


def _failing(way: LinePoints, points: pl.DataFrame, marks: pl.DataFrame | None) -> pl.DataFrame:
    """Return runs of points that fail for the same reasons, in order, with names."""
    found = []
    for reason in points["reason"].unique().sort().to_list():
        if reason:
            here = segments(way, (points["reason"] == reason).to_numpy(), marks)
            found.append(here.with_columns(reason=pl.lit(reason)))
    if not found:
        return segments(way, np.zeros(len(way), np.bool_), marks).with_columns(reason=pl.lit("")).clear()
    return pl.concat(found).sort("from_km")


__all__ = ["CAUSES", "NOTE", "Asked", "Corridor", "corridor"]
