"""A grid of heights in memory, and profiles cut from it along geodesics.

Everything is WGS 84 in degrees, north up.  Distances are those of the ellipsoid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.kernels.raster import FLATTENING, SEMI_MAJOR_M, direct_many_deg, sample_many

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

ECCENTRICITY_2 = FLATTENING * (2.0 - FLATTENING)  # of WGS 84, squared
METRES_PER_KM = 1000.0
MARGIN_CELLS = 2  # around a window: bilinear reading at its rim needs one cell, rounding one more
STEP_SLACK = 1e-9  # share of a step by which a length may pass a whole number of steps without one more
POLE_COS = 1e-6  # least cosine of the latitude: the poles have no width


@dataclass(frozen=True, slots=True)
class Profile:
    """Heights along a path at equal steps; both (n,), first at one end and last at the other."""

    distance_km: FloatArray
    height_m: FloatArray


class Terrain(Protocol):
    """Whatever gives heights in a box: a raster in memory, or a file that is read window by window."""

    def window(self, west_deg: float, south_deg: float, east_deg: float, north_deg: float) -> Raster:
        """Return the heights in a box, with a margin of two cells where there are any."""
        ...


@dataclass(frozen=True, slots=True)
class Raster:
    """A grid of values, north up; the first cell's centre is half a step inside ``west_deg``, ``north_deg``.

    ``value`` is (rows, columns), float32: 0.5 mm at the height of K2.  Voids are dealt with where a file is read.
    ``is_coarse`` marks a grid that tells plain from mountain but no line of sight: every result made from it says so.
    ``source`` is a sentence that names what it is and where it came from.
    """

    value: NDArray[np.float32]
    west_deg: float
    north_deg: float
    step_lon_deg: float
    step_lat_deg: float
    is_coarse: bool
    source: str

    def __post_init__(self) -> None:
        """Refuse what is no grid."""
        if self.value.ndim != 2 or 0 in self.value.shape:  # noqa: PLR2004  # rows and columns
            what = f"a raster of shape {self.value.shape} has no cells"
            raise InputError(Problem(what, "give an array of rows and columns", self.source))
        if not (self.step_lon_deg > 0.0 and self.step_lat_deg > 0.0):
            raise InputError(Problem("a raster's steps must be above zero", "give them in degrees", self.source))

    @property
    def east_deg(self) -> float:
        """Return the eastern edge."""
        return float(self.west_deg + self.value.shape[1] * self.step_lon_deg)

    @property
    def south_deg(self) -> float:
        """Return the southern edge."""
        return float(self.north_deg - self.value.shape[0] * self.step_lat_deg)

    @property
    def grid(self) -> FloatArray:
        """Return west, north, step east and step south as kernels take them."""
        return np.array([self.west_deg, self.north_deg, self.step_lon_deg, self.step_lat_deg])

    @property
    def spacing_m(self) -> float:
        """Return the smaller side of the middle cell, m."""
        lon_m, lat_m = metres_per_deg(0.5 * (self.north_deg + self.south_deg))
        return min(self.step_lon_deg * lon_m, self.step_lat_deg * lat_m)

    def sample(self, lon_deg: ArrayLike, lat_deg: ArrayLike, *, is_nearest: bool = False) -> FloatArray:
        """Return values at points, any shape: bilinear between cell centres, or of the nearest cell.

        NaN outside the grid; the half cell outside the outermost centres takes their values.
        """
        lon, lat = np.broadcast_arrays(np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64))
        out = np.empty(lon.size)
        value = np.ascontiguousarray(self.value)
        sample_many(value, self.grid, np.ravel(lon).copy(), np.ravel(lat).copy(), is_nearest, out)
        return out.reshape(lon.shape)

    def window(self, west_deg: float, south_deg: float, east_deg: float, north_deg: float) -> Raster:
        """Return the part in a box with a margin of two cells, cut at the grid's own edges.

        Raises :class:`InputError` where the box lies outside.
        """
        n_rows, n_columns = self.value.shape
        top = max(math.floor((self.north_deg - north_deg) / self.step_lat_deg) - MARGIN_CELLS, 0)
        bottom = min(math.ceil((self.north_deg - south_deg) / self.step_lat_deg) + MARGIN_CELLS, n_rows)
        left = max(math.floor((west_deg - self.west_deg) / self.step_lon_deg) - MARGIN_CELLS, 0)
        right = min(math.ceil((east_deg - self.west_deg) / self.step_lon_deg) + MARGIN_CELLS, n_columns)
        if top >= bottom or left >= right:
            raise InputError(self._no_overlap(west_deg, south_deg, east_deg, north_deg))
        return Raster(
            value=np.ascontiguousarray(self.value[top:bottom, left:right]),
            west_deg=self.west_deg + left * self.step_lon_deg,
            north_deg=self.north_deg - top * self.step_lat_deg,
            step_lon_deg=self.step_lon_deg,
            step_lat_deg=self.step_lat_deg,
            is_coarse=self.is_coarse,
            source=self.source,
        )

    def profile(
        self, lon_a_deg: float, lat_a_deg: float, lon_b_deg: float, lat_b_deg: float, step_m: float | None = None
    ) -> Profile:
        """Return heights along the geodesic from a to b at equal steps of at most ``step_m`` (default: one cell).

        Raises :class:`InputError` where the path leaves the grid or meets a void.
        """
        azimuth_deg, length_m = inverse_geodesic(lon_a_deg, lat_a_deg, lon_b_deg, lat_b_deg)
        if not length_m > 0.0:
            raise InputError(Problem("the two ends of a path are one point", "give two points that lie apart"))
        step = self.spacing_m if step_m is None else step_m
        if not step > 0.0:
            raise InputError(Problem(f"a step of {step} m is none", "give step_m above zero"))
        n = max(1, math.ceil(length_m / step - STEP_SLACK))
        distance_m = np.linspace(0.0, length_m, n + 1)
        lon, lat = direct_geodesic(lon_a_deg, lat_a_deg, azimuth_deg, distance_m)
        height_m = self.sample(lon, lat)
        is_void = np.isnan(height_m)
        if is_void.any():
            first = int(np.flatnonzero(is_void)[0])
            what = f"the path has no height at {lon[first]:.4f} E {lat[first]:.4f} N"
            raise InputError(Problem(what, "give a terrain file that covers the whole path", self.source))
        return Profile(distance_m / METRES_PER_KM, height_m)

    def _no_overlap(self, west_deg: float, south_deg: float, east_deg: float, north_deg: float) -> Problem:
        asked = f"{west_deg:.3f} to {east_deg:.3f} E, {south_deg:.3f} to {north_deg:.3f} N"
        held = f"{self.west_deg:.3f} to {self.east_deg:.3f} E, {self.south_deg:.3f} to {self.north_deg:.3f} N"
        return Problem(
            f"the terrain ({held}) does not reach the places asked for ({asked})",
            "give a terrain file of that area, or leave it out to plan on the coarse world grid",
            self.source,
        )


def metres_per_deg(lat_deg: float) -> tuple[float, float]:
    """Return metres per degree of longitude and per degree of latitude on WGS 84.

    >>> tuple(round(value, 1) for value in metres_per_deg(30.0))
    (96486.3, 110852.4)
    """
    sine2 = math.sin(math.radians(lat_deg)) ** 2
    root = math.sqrt(1.0 - ECCENTRICITY_2 * sine2)
    across = SEMI_MAJOR_M / root * max(math.cos(math.radians(lat_deg)), POLE_COS)
    along = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_2) / root**3
    return math.radians(across), math.radians(along)


def inverse_geodesic(lon_a_deg: float, lat_a_deg: float, lon_b_deg: float, lat_b_deg: float) -> tuple[float, float]:
    """Return the azimuth at a towards b, degrees from north, and the distance, m, on WGS 84.

    >>> tuple(round(value, 3) for value in inverse_geodesic(70.0, 30.0, 70.0, 31.0))
    (0.0, 110860.926)
    """
    from pyproj import Geod  # slow to import, needed here only

    azimuth_deg, _, distance_m = Geod(ellps="WGS84").inv(lon_a_deg, lat_a_deg, lon_b_deg, lat_b_deg)
    return float(azimuth_deg), float(distance_m)


def direct_geodesic(
    lon_deg: float, lat_deg: float, azimuth_deg: ArrayLike, distance_m: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return longitude and latitude (n,) at azimuths and distances from one point; the two broadcast.

    Vincenty's direct solution, exact to 0.1 mm; longitudes run on over 180 degrees.

    >>> lon, lat = direct_geodesic(70.0, 30.0, 0.0, [110860.926])
    >>> float(lat[0].round(6))
    31.0
    """
    azimuth, distance = np.broadcast_arrays(np.asarray(azimuth_deg, np.float64), np.asarray(distance_m, np.float64))
    flat = np.ravel(distance)
    lon_out, lat_out = np.empty(flat.size), np.empty(flat.size)
    start = np.full(flat.size, lon_deg, np.float64), np.full(flat.size, lat_deg, np.float64)
    direct_many_deg(*start, np.ravel(azimuth).copy(), flat.copy(), lon_out, lat_out)
    return lon_out.reshape(distance.shape), lat_out.reshape(distance.shape)
