"""Points near the ground on the WGS 84 ellipsoid, and their Earth-fixed vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.raster import FLATTENING, SEMI_MAJOR_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    Columns: TypeAlias = pl.DataFrame | Mapping[str, ArrayLike] | tuple[ArrayLike, ...]
    #: What all that looks at satellites takes as places, see :func:`points_of`.
    Places: TypeAlias = "Points | Columns | Sequence[Sequence[float]] | FloatArray"

M_PER_KM = 1000.0
SEMI_MAJOR_KM = SEMI_MAJOR_M / M_PER_KM
ECCENTRICITY_2 = FLATTENING * (2.0 - FLATTENING)  # of WGS 84, squared
LOWEST_M = -550.0  # the Dead Sea's shore is 430 m below the sea, and the sea there 20 m above the ellipsoid: some room
HIGHEST_M = 50_000.0  # balloons and aircraft; above, a point is no place
LON_MAX_DEG, LAT_MAX_DEG = 360.0, 90.0
HEIGHT_COLUMNS = ("height_m", "elevation_m")  # the first that a frame has
MOST_NAMED = 20  # faulty points listed by row; a last line counts the rest


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """(n,) points: longitude and latitude, WGS 84 degrees, and height above the ellipsoid, m.

    A height above sea level may stand in: the geoid lies within 110 m of the ellipsoid, which moves the elevation of a
    satellite 500 km away by at most 0.013 degrees.  At a pole, azimuths count from the meridian of the given longitude.
    """

    lon_deg: FloatArray
    lat_deg: FloatArray
    height_m: FloatArray

    def __post_init__(self) -> None:
        """Refuse points that are none, all at once; a point below the lowest land is one of them."""
        lon, lat, height = (
            np.atleast_1d(np.asarray(x, np.float64)) for x in (self.lon_deg, self.lat_deg, self.height_m)
        )
        try:
            lon, lat, height = (np.ascontiguousarray(x) for x in np.broadcast_arrays(lon, lat, height))
        except ValueError as error:
            what = f"points have {lon.size} longitudes, {lat.size} latitudes and {height.size} heights"
            raise InputError(Problem(what, "give arrays of one length")) from error
        if lon.ndim != 1:
            raise InputError(Problem(f"points of shape {lon.shape} are no list", "give one-dimensional arrays"))
        problems: list[Problem] = []
        faults = (
            ("lon_deg", lon, ~(np.abs(lon) <= LON_MAX_DEG), "give degrees between -180 and 360"),
            ("lat_deg", lat, ~(np.abs(lat) <= LAT_MAX_DEG), "give degrees between -90 and 90"),
            ("height_m", height, ~((height >= LOWEST_M) & (height <= HIGHEST_M)), "give metres above the ellipsoid"),
        )
        for name, value, is_bad, cure in faults:
            at = np.flatnonzero(is_bad)
            shown = [(i, float(value[i])) for i in at[:MOST_NAMED].tolist()]
            problems += [Problem(_what(name, found), cure, row=i + 1, column=name) for i, found in shown]
            if at.size > MOST_NAMED:
                problems.append(Problem(f"and {at.size - MOST_NAMED:,} more points", cure, column=name))
        raise_if_any(problems)
        for name, value in (("lon_deg", lon), ("lat_deg", lat), ("height_m", height)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """Return the number of points."""
        return int(self.lon_deg.size)


def _what(name: str, value: float) -> str:
    if name == "height_m" and value < LOWEST_M:
        return f"a height of {value:g} m lies deeper below the ellipsoid than any land"
    if name == "height_m" and value > HIGHEST_M:
        return f"a height of {value:g} m is no height of a place"
    return f"{value:g} is no {'longitude' if name == 'lon_deg' else 'latitude' if name == 'lat_deg' else 'height'}"


def points_of(places: Places) -> Points:
    """Return points from a frame or mapping, from a tuple of longitude, latitude and height, or from a list of such.

    A frame has the columns ``lon_deg``, ``lat_deg`` and ``height_m``; without the last ``elevation_m`` stands in.
    A tuple has two or three numbers or arrays, a list or an array one row of so many a point; without a height points
    lie on the ellipsoid.  Raises :class:`InputError`.

    >>> points_of((73.05, 33.68, 540.0)).height_m.tolist()
    [540.0]
    """
    if isinstance(places, Points):
        return places
    if not isinstance(places, pl.DataFrame | Mapping | tuple):
        rows = np.asarray(places, np.float64)
        if rows.ndim != 2 or rows.shape[1] not in {2, 3}:  # noqa: PLR2004  # a table
            cure = "give rows of longitude, latitude and, if known, height in metres"
            raise InputError(Problem(f"points of shape {rows.shape} are no list of points", cure))
        places = tuple(rows.T)
    if isinstance(places, tuple):
        if len(places) not in {2, 3}:
            what = f"a tuple of {len(places)} is no place"
            raise InputError(Problem(what, "give (lon_deg, lat_deg, height_m)"))
        values = [np.asarray(x, np.float64) for x in places]
        return Points(values[0], values[1], values[2] if len(values) == 3 else np.zeros(1))  # noqa: PLR2004  # checked
    columns: dict[str, Any] = {}
    names = places.columns if isinstance(places, pl.DataFrame) else list(places)
    height = next((name for name in HEIGHT_COLUMNS if name in names), None)
    missing = [name for name in ("lon_deg", "lat_deg") if name not in names] + (["height_m"] if height is None else [])
    if missing or height is None:
        raise InputError([Problem(f"places lack the column {name}", f"add {name}", column=name) for name in missing])
    for name in ("lon_deg", "lat_deg", height):
        value = places[name]
        columns[name] = value.cast(pl.Float64).to_numpy() if isinstance(value, pl.Series) else value
    return Points(columns["lon_deg"], columns["lat_deg"], columns[height])


def up_vectors(points: Points) -> FloatArray:
    """Return (n, 3) unit vectors that stand upright on the ellipsoid."""
    lon, lat = np.radians(points.lon_deg), np.radians(points.lat_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def earth_fixed_km(points: Points) -> FloatArray:
    """Return (n, 3) Earth-fixed positions, km.

    >>> earth_fixed_km(Points([0.0], [90.0], [0.0])).round(6).tolist()
    [[0.0, 0.0, 6356.752314]]
    """
    up = up_vectors(points)
    across = SEMI_MAJOR_KM / np.sqrt(1.0 - ECCENTRICITY_2 * up[:, 2] ** 2)
    height = points.height_m / M_PER_KM
    flat = (across + height)[:, None] * up[:, :2]
    return np.concatenate([flat, ((across * (1.0 - ECCENTRICITY_2) + height) * up[:, 2])[:, None]], axis=1)


def local_axes(points: Points) -> FloatArray:
    """Return (n, 3, 3) rows east, north and up of the ellipsoid."""
    lon, up = np.radians(points.lon_deg), up_vectors(points)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=-1)
    return np.stack([east, np.cross(up, east), up], axis=1)
