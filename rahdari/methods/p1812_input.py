"""What users give to the P.1812 path loss, checked in one pass and laid out as the kernels read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from rahdari.errors import Problem, raise_if_any
from rahdari.kernels import p1812
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    Profile = FloatArray | Sequence[float]
    Cover = FloatArray | Sequence[float] | Sequence[FloatArray] | float | None
    Codes = NDArray[np.integer]
    Zone = Codes | Sequence[int] | Sequence[Codes] | int | None

MIN_POINTS = 3  # two ends and something between them
MIN_PATH_KM, MAX_PATH_KM = 0.25, 3000.0  # P.1812-8, scope
LOWEST_M, HIGHEST_M = -9000.0, 30000.0  # marks of voids lie beyond: -9999, -32768, 32767; made-up ground within
MAX_DELTA_N = 157.0  # eq. 6 has no value from here: the effective Earth is flat
MAX_LATITUDE_DEG, MAX_LONGITUDE_DEG = 80.0, 180.0  # P.1812-8 table 1
DEFAULT_LATITUDE_DEG = 30.0  # Pakistan's middle; eq. 4 and 5 ask for the latitude and nothing else does
SAME_PLACE = 1e-9  # of the sphere's radius: no bearing from one place to itself
DERIVED = -1.0  # the kernels work these inputs out themselves
POLARISATIONS = ("horizontal", "vertical")
#: Column of the kernels' inputs, name, least and greatest value, cure.
LIMITS = (
    (p1812.FREQUENCY, "frequency_ghz", 0.03, 6.0, "P.1812 holds from 0.03 to 6 GHz: use TR 38.901 above"),
    (p1812.TX_HEIGHT, "tx_height_m", 1.0, 3000.0, "give metres above ground, 1 to 3000, not above the sea"),
    (p1812.RX_HEIGHT, "rx_height_m", 1.0, 3000.0, "give metres above ground, 1 to 3000, not above the sea"),
    (p1812.TIME, "time_pct", 1.0, 50.0, "give per cent of an average year, 1 to 50"),
    (p1812.LOCATION, "location_pct", 1.0, 99.0, "give per cent of locations, 1 to 99"),
    (p1812.RESOLUTION, "resolution_m", 1.0, 1e5, "give the side of the square that the location percentage is of"),
    (p1812.N0, "n0", 1.0, 1000.0, "give the sea-level refractivity in N-units, about 325"),
)


class P1812Options(TypedDict, total=False):
    """Everything ``p1812_loss_db`` takes by name only."""

    clutter_height_m: Cover
    zone: Zone
    time_pct: ArrayLike
    location_pct: ArrayLike
    delta_n: ArrayLike
    n0: ArrayLike
    polarisation: str | Sequence[str]
    tx_lonlat_deg: ArrayLike | None
    rx_lonlat_deg: ArrayLike | None
    tx_coast_km: ArrayLike | None
    rx_coast_km: ArrayLike | None
    resolution_m: ArrayLike
    location_sigma_db: ArrayLike | None


#: What is not given; the same as in the signature of ``p1812_loss_db``.
DEFAULTS: dict[str, object] = {
    "clutter_height_m": None,
    "zone": None,
    "time_pct": 50.0,
    "location_pct": 50.0,
    "delta_n": 45.0,
    "n0": 325.0,
    "polarisation": "horizontal",
    "tx_lonlat_deg": None,
    "rx_lonlat_deg": None,
    "tx_coast_km": None,
    "rx_coast_km": None,
    "resolution_m": 100.0,
    "location_sigma_db": None,
}


@dataclass(frozen=True, slots=True)
class Paths:
    """Profiles one after another, (sum of points,), profile k from ``offset[k]``; inputs (n, N_INPUTS)."""

    distance_km: FloatArray
    height_m: FloatArray
    clutter_m: FloatArray
    zone: NDArray[np.int32]
    offset: NDArray[np.int64]
    inputs: FloatArray
    is_single: bool

    @property
    def n(self) -> int:
        """Return the number of paths."""
        return self.offset.size - 1


def centre_latitude_deg(tx_lonlat_deg: ArrayLike, rx_lonlat_deg: ArrayLike, path_km: ArrayLike) -> FloatArray:
    """Return the latitude half a path length from the transmitters towards the receivers, degrees; (n,).

    Positions are (n, 2) longitude and latitude.  The profile's length counts, not the distance between the positions,
    as in the reference implementation (Recommendation ITU-R P.2001-4, attachment H).

    >>> centre_latitude_deg([[0.0, 10.0]], [[0.0, 30.0]], [2.0 * 6371.0 * 0.17453292519943295]).round(9).tolist()
    [20.0]
    """
    lon_t, lat_t = np.radians(np.asarray(tx_lonlat_deg, np.float64)).T
    lon_r, lat_r = np.radians(np.asarray(rx_lonlat_deg, np.float64)).T
    cosine = np.sin(lat_t) * np.sin(lat_r) + np.cos(lat_t) * np.cos(lat_r) * np.cos(lon_r - lon_t)
    north = np.sin(lat_r) - cosine * np.sin(lat_t)
    east = np.cos(lat_t) * np.cos(lat_r) * np.sin(lon_r - lon_t)
    is_same = (np.abs(north) < SAME_PLACE) & (np.abs(east) < SAME_PLACE)
    bearing = np.arctan2(east, np.where(is_same, 1.0, north))
    half = 0.5 * np.asarray(path_km, np.float64) / EARTH_RADIUS_KM
    sine = np.sin(lat_t) * np.cos(half) + np.cos(lat_t) * np.sin(half) * np.cos(bearing)
    return np.asarray(np.where(is_same, np.degrees(lat_t), np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))))


def _is_single(values: object) -> bool:
    """Return whether ``values`` is one profile and not several."""
    if isinstance(values, (list, tuple)):
        return len(values) > 0 and np.ndim(values[0]) == 0
    n_axes = np.ndim(values)  # type: ignore[arg-type]  # anything a caller may give
    return n_axes <= 1 and getattr(values, "dtype", None) != np.dtype(object)


def _plain(values: object) -> FloatArray:
    """Return an array of numbers, NaN where it was masked."""
    if isinstance(values, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(values), np.nan, np.asarray(values, np.float64))
    return np.asarray(values, np.float64)


@dataclass(slots=True)
class _Reader:
    """Brings arguments into shape and collects what is wrong with them."""

    n: int
    is_single: bool
    problems: list[Problem]
    misshapen: set[str]

    def complain(self, is_bad: NDArray[np.bool_], column: str, what: str, cure: str) -> None:
        """Add one problem for all bad paths, naming the first."""
        if is_bad.any() and column not in self.misshapen:
            n_bad = int(is_bad.sum())
            more = f" (and {n_bad - 1} more paths)" if n_bad > 1 else ""
            row = None if self.is_single else int(is_bad.argmax()) + 1
            self.problems.append(Problem(f"{column} {what}{more}", cure, row=row, column=column))

    def profiles(self, values: object, column: str) -> list[FloatArray]:
        """Return one array a path, or none at all where they are not arrays of numbers."""
        cure = "give one array of numbers, or a list of such arrays, one a path"
        try:
            rows = [values] if self.is_single else list(values)  # type: ignore[call-overload]
            arrays = [_plain(row) for row in rows]
        except (TypeError, ValueError):
            arrays = []
        if len(arrays) != self.n or any(array.ndim != 1 for array in arrays):
            self.problems.append(Problem(f"{column} is not one profile of numbers a path", cure, column=column))
            return []
        return arrays

    def _spread(self, values: object, sizes: NDArray[np.int64]) -> object:
        """Return one number for all, or one a path, as profiles; anything else as it came."""
        is_one = np.isscalar(values) or (isinstance(values, np.ndarray) and values.ndim == 0)
        if is_one and sizes.size:
            rows = [np.full(size, values) for size in sizes]
            return rows[0] if self.is_single else rows
        if not self.is_single and isinstance(values, (list, tuple, np.ndarray)) and len(values) == sizes.size:
            return [np.full(size, one) if np.isscalar(one) else one for size, one in zip(sizes, values, strict=True)]
        return values

    def beside(self, values: object, column: str, sizes: NDArray[np.int64]) -> FloatArray:
        """Return a flat array with one value a point of the profiles of ``sizes``; empty where there is a problem."""
        arrays = self.profiles(self._spread(values, sizes), column)
        found = np.array([array.size for array in arrays], np.int64)
        if found.size != sizes.size:
            return np.empty(0)
        cure = "give one value for every point"
        self.complain(found != sizes, column, "has another number of points than distance_km", cure)
        return np.concatenate(arrays) if np.array_equal(found, sizes) and arrays else np.empty(0)

    def each(self, values: object, column: str) -> FloatArray:
        """Return one number a path; NaN where it is none."""
        try:
            return np.array(np.broadcast_to(np.asarray(values, np.float64), (self.n,)))
        except (TypeError, ValueError):
            cure = "give one number" if self.is_single else f"give one number, or {self.n} of them"
            self.problems.append(Problem(f"{column} is not one number a path", cure, column=column))
            self.misshapen.add(column)
            return np.full(self.n, np.nan)

    def positions(self, values: object, column: str) -> FloatArray:
        """Return (n, 2) longitude and latitude; NaN where they are none."""
        cure = "give longitude, latitude in degrees, -180 to 180 and -80 to 80"
        try:
            given = np.asarray(values, np.float64)
            array = np.array(np.broadcast_to(given, (self.n, 2)))
        except (TypeError, ValueError):
            given = array = np.empty(0)
        if given.shape[-1:] != (2,):  # one number is no position, though it could be spread over both
            self.problems.append(Problem(f"{column} is not one position a path", cure, column=column))
            self.misshapen.add(column)
            return np.full((self.n, 2), np.nan)
        is_good = (np.abs(array[:, 0]) <= MAX_LONGITUDE_DEG) & (np.abs(array[:, 1]) <= MAX_LATITUDE_DEG)
        self.complain(~is_good, column, "is off the map of P.1812", cure)
        return array


def _read_inputs(reader: _Reader, given: dict[str, object]) -> FloatArray:
    """Return the kernels' inputs, (n, N_INPUTS), but for the latitude."""
    inputs = np.full((reader.n, p1812.N_INPUTS), DERIVED)
    for column, name, least, most, cure in LIMITS:
        value = inputs[:, column] = reader.each(given[name], name)
        reader.complain(~((value >= least) & (value <= most)), name, "is outside the model's range", cure)
    value = inputs[:, p1812.DELTA_N] = reader.each(given["delta_n"], "delta_n")
    cure = "give the fall of refractivity in N-units a kilometre as a positive number, about 45"
    reader.complain(~((value > 0.0) & (value < MAX_DELTA_N)), "delta_n", "is not between 0 and 157", cure)
    for column, name, cure in (
        (p1812.TX_COAST, "tx_coast_km", "give km over land to the coast, or None to take it from the zones"),
        (p1812.RX_COAST, "rx_coast_km", "give km over land to the coast, or None to take it from the zones"),
        (p1812.LOCATION_SIGMA, "location_sigma_db", "give dB, or None to take it from the Recommendation"),
    ):
        if given[name] is not None:
            value = inputs[:, column] = reader.each(given[name], name)
            reader.complain(~((value >= 0.0) & np.isfinite(value)), name, "is negative or no number", cure)
    names = given["polarisation"]
    words = list(names) if isinstance(names, (list, tuple, np.ndarray)) else [names] * reader.n
    if len(words) != reader.n or any(word not in POLARISATIONS for word in words):
        cure = "give 'horizontal' or 'vertical'; for a slanted wave take the worse of both"
        reader.problems.append(Problem(f"polarisation {names!r} is not known", cure, column="polarisation"))
    else:
        inputs[:, p1812.IS_VERTICAL] = [float(word == "vertical") for word in words]
    return inputs


def _by_path(is_good: NDArray[np.bool_], start: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether a path has a point that is not good; quick where none has."""
    return np.zeros(start.size, np.bool_) if is_good.all() else np.logical_or.reduceat(~is_good, start)


def _check_profiles(reader: _Reader, paths: Paths, *, has_cover: bool) -> None:
    """Look into the profiles themselves, once their shapes are right."""
    start, last = paths.offset[:-1], paths.offset[1:] - 1
    cure = "fill the voids of the elevation model first; heights are metres above the sea"
    bad_height = _by_path((paths.height_m >= LOWEST_M) & (paths.height_m <= HIGHEST_M), start)
    reader.complain(bad_height, "height_m", "holds something that is no height", cure)
    if has_cover:
        cure = "give metres above ground, zero where the ground is bare"
        bad_cover = _by_path((paths.clutter_m >= 0.0) & (paths.clutter_m < np.inf), start)
        reader.complain(bad_cover, "clutter_height_m", "is negative or no height", cure)
    bad_first = ~(paths.distance_km[start] == 0.0)
    reader.complain(bad_first, "distance_km", "does not begin at zero", "measure from the transmitter")
    is_onward = np.ones(paths.distance_km.size, np.bool_)
    np.greater(paths.distance_km[1:], paths.distance_km[:-1], out=is_onward[1:])
    is_onward[start] = True
    is_back = _by_path(is_onward, start)
    cure = "give each point once, in order from the transmitter"
    reader.complain(is_back, "distance_km", "does not rise from point to point", cure)
    length = paths.distance_km[last]
    cure = "P.1812 holds from 0.25 to 3000 km: give kilometres, not metres or degrees"
    is_off = ~((length >= MIN_PATH_KM) & (length <= MAX_PATH_KM))
    reader.complain(is_off, "distance_km", "ends outside the model's range", cure)


def _read_zone(reader: _Reader, zone: object, sizes: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the flat radio-climatic zones, empty where none are given: inland."""
    if zone is None:
        return np.empty(0, np.int32)
    flat = reader.beside(zone, "zone", sizes)
    if not np.isin(flat, (p1812.ZONE_SEA, p1812.ZONE_COAST, p1812.ZONE_INLAND)).all():
        cure = "give 1 for sea, 3 for coastal land, 4 for inland"
        reader.problems.append(Problem("zone has a code that is none of the three", cure, column="zone"))
        return np.empty(0, np.int32)
    return flat.astype(np.int32)


def _read_latitude(reader: _Reader, given: dict[str, object], length_km: FloatArray) -> FloatArray:
    """Return the latitude of each path's middle."""
    tx, rx = given["tx_lonlat_deg"], given["rx_lonlat_deg"]
    if tx is None and rx is None:
        return np.full(reader.n, DEFAULT_LATITUDE_DEG)
    if tx is None or rx is None:
        column = "tx_lonlat_deg" if tx is None else "rx_lonlat_deg"
        cure = "give both ends' positions, or neither for 30 degrees north"
        reader.problems.append(Problem(f"{column} is missing", cure, column=column))
        return np.full(reader.n, DEFAULT_LATITUDE_DEG)
    ends = reader.positions(tx, "tx_lonlat_deg"), reader.positions(rx, "rx_lonlat_deg")
    return centre_latitude_deg(*ends, length_km)


def read_paths(distance_km: object, height_m: object, given: dict[str, object]) -> Paths:
    """Return the paths as the kernels read them; ``given`` holds every other argument of ``p1812_loss_db``.

    Raises ``InputError`` with everything that is wrong; ``row`` counts paths from 1.
    """
    is_single = _is_single(distance_km)
    reader = _Reader(1 if is_single else len(distance_km), is_single, [], set())  # type: ignore[arg-type]
    inputs = _read_inputs(reader, given)
    distances = reader.profiles(distance_km, "distance_km")
    sizes = np.array([array.size for array in distances], np.int64)
    cure = "give at least both ends and a point between them"
    reader.complain(sizes < MIN_POINTS, "distance_km", "has fewer than three points", cure)
    height = reader.beside(height_m, "height_m", sizes)
    cover = given["clutter_height_m"]
    clutter = np.zeros(int(sizes.sum())) if cover is None else reader.beside(cover, "clutter_height_m", sizes)
    zone = _read_zone(reader, given["zone"], sizes)
    if reader.n == 0:
        reader.problems.append(Problem("there is no path", "give at least one profile", column="distance_km"))
    offset = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    flat = np.concatenate([*distances, np.empty(0)])
    paths = Paths(flat, height, clutter, zone, offset, inputs, is_single)
    if distances and flat.size == height.size == clutter.size and (sizes >= MIN_POINTS).all():
        _check_profiles(reader, paths, has_cover=cover is not None)
        inputs[:, p1812.LATITUDE] = _read_latitude(reader, given, flat[offset[1:] - 1])
    raise_if_any(reader.problems)
    return paths
