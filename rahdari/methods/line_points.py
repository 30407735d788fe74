"""Points at equal steps along a line (a road, a railway, a flight corridor) and names for the stretches that fail.

Legs between the line's vertices are geodesics of WGS 84, so that a kilometre along the line is one on the ground seen
from above; slopes add nothing: a grade of 6 % lengthens a road by 0.2 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl
from pyproj import Geod
from shapely import LineString, get_coordinates

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.geo import great_circle_km, nearest

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]
    #: A table with ``lon_deg`` and ``lat_deg``, a line in degrees, or (n, 2) longitudes and latitudes.
    LineLike: TypeAlias = pl.DataFrame | LineString | ArrayLike

M_PER_KM = 1000.0
STEP_M = 100.0
MOST_POINTS = 2_000_000
SAME_M = 0.001  # ends nearer to a step than a millimetre are that step
MAX_LON_DEG, MAX_LAT_DEG = 360.0, 90.0
N_ENDS = 2
WGS84 = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True, eq=False)
class LinePoints:
    """(p,) points along a line: kilometres from its start, degrees, and the line's whole length."""

    km: FloatArray
    lon_deg: FloatArray
    lat_deg: FloatArray
    length_km: float
    step_km: float

    def __len__(self) -> int:
        """Return the number of points."""
        return int(self.km.size)

    def table(self, height_m: ArrayLike = 0.0) -> pl.DataFrame:
        """Return ``point_id`` (``km-00012.300``), ``km``, ``lon_deg``, ``lat_deg`` and ``height_m`` as given."""
        names = [f"km-{value:09.3f}" for value in self.km.tolist()]
        height = np.broadcast_to(np.asarray(height_m, np.float64), self.km.shape)
        columns = {"km": self.km, "lon_deg": self.lon_deg, "lat_deg": self.lat_deg, "height_m": height}
        return pl.DataFrame({"point_id": names} | columns)


def line_points(line: LineLike, step_m: float = STEP_M) -> LinePoints:
    """Return points every ``step_m`` along a line, its start and its end among them.

    Vertices of one place in a row count once.  A line without length, with numbers that are no degrees, or of more
    than two million steps raises :class:`InputError`.

    >>> points = line_points([(73.0, 34.0), (73.0, 34.01)])
    >>> len(points), points.km[-2:].round(3).tolist()
    (13, [1.1, 1.109])
    """
    lon, lat = _vertices(line)
    azimuth, _, length_m = (np.asarray(part) for part in WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:]))
    start_m = np.concatenate([[0.0], np.cumsum(length_m)])
    total_m = float(start_m[-1])
    problems = []
    if not step_m > 0.0:
        problems.append(Problem(f"a step of {step_m} m is none", "give metres above zero", column="step_m"))
    elif not SAME_M < total_m <= MOST_POINTS * step_m:
        what = f"a line of {total_m / M_PER_KM:g} km cannot be walked in steps of {step_m:g} m"
        problems.append(Problem(what, "give a line with length, or longer steps"))
    raise_if_any(problems)
    at_m = np.arange(int((total_m - SAME_M) // step_m) + 1) * step_m
    at_m = np.append(at_m, total_m)
    leg = np.clip(np.searchsorted(start_m, at_m, side="right") - 1, 0, length_m.size - 1)
    found_lon, found_lat, _ = WGS84.fwd(lon[leg], lat[leg], azimuth[leg], at_m - start_m[leg])
    return LinePoints(
        np.asarray(at_m / M_PER_KM, np.float64),
        np.asarray(found_lon),
        np.asarray(found_lat),
        total_m / M_PER_KM,
        step_m / M_PER_KM,
    )


def _vertices(line: LineLike) -> tuple[FloatArray, FloatArray]:
    """Return longitudes and latitudes of a line, equal neighbours once."""
    if isinstance(line, pl.DataFrame):
        missing = [name for name in ("lon_deg", "lat_deg") if name not in line.columns]
        raise_if_any([Problem("the line has no such column", "add it", column=name) for name in missing])
        table = line.select(pl.col("lon_deg", "lat_deg").cast(pl.Float64)).to_numpy()
    else:
        table = get_coordinates(line) if isinstance(line, LineString) else np.asarray(line, np.float64)
    if table.ndim != N_ENDS or table.shape[1] != N_ENDS:
        raise InputError(Problem(f"a line of shape {table.shape}", "give rows of longitude and latitude"))
    is_good = (np.abs(table[:, 0]) <= MAX_LON_DEG) & (np.abs(table[:, 1]) <= MAX_LAT_DEG)
    raise_if_any(
        [
            Problem(f"{table[row].tolist()} is no longitude and latitude", "give degrees", row=int(row) + 1)
            for row in np.flatnonzero(~is_good)
        ]
    )
    is_new = np.append([True], (np.diff(table, axis=0) != 0.0).any(axis=1))[: table.shape[0]]
    kept = table[is_new]
    if kept.shape[0] < N_ENDS:
        raise InputError(Problem("a line has fewer than two places", "give at least its two ends"))
    return kept[:, 0].copy(), kept[:, 1].copy()


def segments(
    points: LinePoints, is_failing: ArrayLike, landmarks: pl.DataFrame | None = None, *, name_column: str = "name"
) -> pl.DataFrame:
    """Return the stretches where points fail, each with a name.

    A point speaks for half a step on either side, so that the stretches' share of the line is what fails of it.
    Columns: ``segment_id``, ``name``, ``from_km``, ``to_km``, ``length_km``, ``n_points``, ``lon_deg``, ``lat_deg`` (of
    the point in the middle).  Names tell the nearest of ``landmarks`` (``landmark_id``, ``name_column``, ``lon_deg``,
    ``lat_deg``) to the two ends and the kilometres, or the kilometres alone.

    >>> points = line_points([(73.0, 34.0), (73.0, 34.01)])
    >>> segments(points, points.km > 0.55)["name"].to_list()
    ['km 0.6 to 1.1']
    """
    failing = np.asarray(is_failing, bool)
    if failing.shape != points.km.shape:
        what = f"{failing.size} verdicts for {len(points)} points"
        raise InputError(Problem(what, "give one for each point"))
    edges = np.diff(np.concatenate([[0], failing.astype(np.int8), [0]]))
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    between = 0.5 * (points.km[1:] + points.km[:-1])
    bounds = np.concatenate([[0.0], between, [points.length_km]])
    start, end = bounds[first], bounds[last + 1]
    middle = (first + last) // 2
    names = _names(points, first, last, landmarks, name_column)
    return pl.DataFrame(
        {
            "segment_id": [f"km-{value:09.3f}" for value in start.tolist()],
            "name": names,
            "from_km": start,
            "to_km": end,
            "length_km": end - start,
            "n_points": (last - first + 1).astype(np.int64),
            "lon_deg": points.lon_deg[middle],
            "lat_deg": points.lat_deg[middle],
        },
        schema_overrides={"segment_id": pl.String, "name": pl.String},
    )


def _names(
    points: LinePoints, first: IntArray, last: IntArray, landmarks: pl.DataFrame | None, name_column: str
) -> list[str]:
    """Return a name for each stretch: its landmarks, where there are any, and its kilometres."""
    start, end = points.km[first].tolist(), points.km[last].tolist()
    spans = [
        f"km {a:.1f} to {b:.1f}" if f"{a:.1f}" != f"{b:.1f}" else f"km {a:.1f}" for a, b in zip(start, end, strict=True)
    ]
    if landmarks is None or landmarks.is_empty() or not spans:
        return spans
    marks = landmarks.sort("landmark_id")
    lon, lat = marks["lon_deg"].to_numpy(), marks["lat_deg"].to_numpy()
    known = marks[name_column].to_list()
    ends = [[known[i] for i in nearest(points.lon_deg[at], points.lat_deg[at], lon, lat)[0]] for at in (first, last)]
    return [
        f"near {one}, {span}" if one == other else f"{one} to {other}, {span}"
        for one, other, span in zip(*ends, spans, strict=True)
    ]


def nearest_km(points: LinePoints, lon_deg: ArrayLike, lat_deg: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return for (m,) places the kilometre (m,) of the nearest point of the line and the distance to it (m,), km."""
    lon, lat = np.atleast_1d(np.asarray(lon_deg, np.float64)), np.atleast_1d(np.asarray(lat_deg, np.float64))
    index, _ = nearest(lon, lat, points.lon_deg, points.lat_deg)
    return points.km[index], great_circle_km(lon, lat, points.lon_deg[index], points.lat_deg[index])
