"""Points on the ground in the frame that turns with the earth: kilometres from its centre, and which way is up.

The ellipsoid is WGS 84.  Heights above sea level serve as heights above the ellipsoid: over South Asia the two differ
by 20 to 60 m, which moves an elevation angle to a low orbit by less than 0.01 degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from rahdari.errors import Problem, raise_if_any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    #: What the functions on satellites accept as places: a table, columns, points, or (n, 2) or (n, 3) numbers.
    PlacesLike: TypeAlias = "pl.DataFrame | Mapping[str, ArrayLike] | GroundPoints | ArrayLike"

SEMI_MAJOR_KM = 6378.137  # WGS 84
FLATTENING = 1.0 / 298.257223563  # WGS 84
ECCENTRICITY_2 = FLATTENING * (2.0 - FLATTENING)  # squared
M_PER_KM = 1000.0
#: Below the shore of the Dead Sea (-430 m) there is no ground; above the highest balloon there is no terminal.
HEIGHT_M = (-500.0, 50_000.0)
LARGEST_LON_DEG, LARGEST_LAT_DEG = 360.0, 90.0
_HEIGHT_COLUMNS = ("height_m", "elevation_m")
_PAIR, _TRIPLE = 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class GroundPoints:
    """(n,) points on WGS 84: degrees, and metres above the ellipsoid."""

    lon_deg: FloatArray
    lat_deg: FloatArray
    height_m: FloatArray

    def __len__(self) -> int:
        """Return the number of points."""
        return int(self.lon_deg.size)

    def up(self) -> FloatArray:
        """Return (n, 3) unit vectors of the plumb line, away from the ground.

        >>> ground_points([(0.0, 90.0)]).up().round(12).tolist()
        [[0.0, 0.0, 1.0]]
        """
        lon, lat = np.radians(self.lon_deg), np.radians(self.lat_deg)
        flat = np.cos(lat)
        return np.stack([flat * np.cos(lon), flat * np.sin(lon), np.sin(lat)], axis=-1)

    def east(self) -> FloatArray:
        """Return (n, 3) unit vectors towards the east; at a pole, ninety degrees east of the stated longitude."""
        lon = np.radians(self.lon_deg)
        return np.stack([-np.sin(lon), np.cos(lon), np.zeros(lon.size)], axis=-1)

    def north(self) -> FloatArray:
        """Return (n, 3) unit vectors towards the north."""
        return np.cross(self.up(), self.east())

    def ecef_km(self) -> FloatArray:
        """Return (n, 3) positions in the frame that turns with the earth, km.

        >>> ground_points([(0.0, 0.0, 1000.0)]).ecef_km().round(6).tolist()
        [[6379.137, 0.0, 0.0]]
        """
        up, height = self.up(), self.height_m / M_PER_KM
        normal = SEMI_MAJOR_KM / np.sqrt(1.0 - ECCENTRICITY_2 * up[:, 2] ** 2)
        scale = np.stack([normal + height, normal + height, (1.0 - ECCENTRICITY_2) * normal + height], axis=-1)
        return np.asarray(scale * up)


def _columns(places: pl.DataFrame | Mapping[str, ArrayLike]) -> tuple[ArrayLike, ArrayLike, ArrayLike | None]:
    names = set(places.columns) if isinstance(places, pl.DataFrame) else set(places)
    missing = [name for name in ("lon_deg", "lat_deg") if name not in names]
    raise_if_any([Problem("the places have no such column", "give degrees, WGS 84", column=name) for name in missing])
    height = next((name for name in _HEIGHT_COLUMNS if name in names), None)
    return places["lon_deg"], places["lat_deg"], None if height is None else places[height]


def _checked(points: GroundPoints) -> GroundPoints:
    rules = (
        ("lon_deg", np.abs(points.lon_deg) <= LARGEST_LON_DEG, "give degrees from -360 to 360"),
        (
            "lat_deg",
            np.abs(points.lat_deg) <= LARGEST_LAT_DEG,
            "give degrees from -90 to 90 (are lon and lat swapped?)",
        ),
        (
            "height_m",
            (points.height_m >= HEIGHT_M[0]) & (points.height_m <= HEIGHT_M[1]),
            f"give metres above the ellipsoid from {HEIGHT_M[0]:g} to {HEIGHT_M[1]:g}",
        ),
    )
    raise_if_any(
        [
            Problem("a value is missing or out of range", cure, row=int(row) + 1, column=name)
            for name, is_good, cure in rules
            for row in np.flatnonzero(~is_good)
        ]
    )
    return points


def ground_points(places: PlacesLike) -> GroundPoints:
    """Return points from a table or columns ``lon_deg``, ``lat_deg`` and, if there, ``height_m`` or ``elevation_m``.

    A sequence holds (lon, lat) or (lon, lat, height in metres) for each point.  Without a height a point is on the
    ellipsoid.  All faults are raised together as :class:`InputError` with their rows.

    >>> ground_points([(73.05, 33.68, 540.0)]).height_m.tolist()
    [540.0]
    """
    if isinstance(places, GroundPoints):
        return _checked(places)
    if isinstance(places, pl.DataFrame | Mapping):
        lon, lat, height = _columns(places)
    else:
        table = np.asarray(places, np.float64)
        if table.ndim != _PAIR or table.shape[1] not in (_PAIR, _TRIPLE):
            cure = "give rows of longitude, latitude and, if known, height in metres"
            raise_if_any([Problem(f"points of shape {table.shape}", cure)])
        lon, lat, height = table[:, 0], table[:, 1], table[:, 2] if table.shape[1] == _TRIPLE else None
    first = np.atleast_1d(np.asarray(lon, np.float64))
    second = np.atleast_1d(np.asarray(lat, np.float64))
    third = np.zeros(first.size) if height is None else np.atleast_1d(np.asarray(height, np.float64))
    if not first.size == second.size == third.size:
        raise_if_any([Problem("columns of different lengths", "give one value of each for every point")])
    return _checked(GroundPoints(first, second, third))
