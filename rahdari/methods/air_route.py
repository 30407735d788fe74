"""The shortest way through open air between two points: around high ground, airports, borders and no-fly zones.

The ground above the ceiling is taken from the cells of the terrain.  What is closed is drawn twice with few corners:
once a little too large, once a little too small.  The shortest way round the first is flown, that round the second is
a bound: no open way is shorter, since whatever avoids the true shapes avoids the smaller ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.air_space import Airspace, closed_shapes
from rahdari.methods.survey import NOTE, flat_earth
from rahdari.methods.survey_flight import OpenAir

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

    from rahdari.methods.raster import Raster, Terrain
    from rahdari.methods.survey import FlatEarth

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

CEILING_M = 4500.0  # above the sea: usual of small drones, assumed
LEAST_MARGIN_KM, MARGIN_FRAC = 40.0, 0.3  # beyond the straight line, how far round a way is looked for
LONGEST_KM = 600.0  # on a plane that touches the earth in the middle, lengths err by less than 0.1 % so far
MOST_CORNERS = 320  # pairs of corners are looked at: a second
LEAST_SLACK_M = 300.0  # half of it is more than open air keeps from corners, so that the bound holds
OVER = 1.01  # distances on the sphere against those on the plane differ by less
CELLS_ACROSS = 240  # terrain finer than so many cells over the way is taken by its highest, for the bound by its lowest
RIM_M = 5000.0
M_PER_KM = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class AirRoute:
    """A way (n, 2) in degrees, its length, and what no open way undercuts."""

    lonlat_deg: FloatArray
    length_km: float
    lower_bound_km: float
    direct_km: float
    slack_m: float
    notes: tuple[str, ...] = field(default=(NOTE,))

    @property
    def ratio(self) -> float:
        """Return the length over its bound."""
        return self.length_km / self.lower_bound_km


def air_route(
    start: ArrayLike,
    end: ArrayLike,
    dem: Terrain | None = None,
    airspace: Airspace | None = None,
    *,
    height_m: float = 100.0,
    ceiling_m: float = CEILING_M,
) -> AirRoute:
    """Return the shortest way from ``start`` to ``end`` (longitude, latitude) at ``height_m`` above the ground.

    Closed are: ground higher than ``ceiling_m`` less ``height_m``, and whatever ``airspace`` closes.  Looked at within
    a margin around the straight line (40 km, or 0.3 of it), so that the bound holds for ways inside of it.
    Raises :class:`InputError` for points that are no degrees, lie in closed air, are one or lie more than 600 km
    apart, and where no open way joins them.
    """
    ends = np.array([start, end], np.float64)
    airspace = airspace or Airspace()
    _check(ends)
    middle = ends.mean(axis=0)
    plane = flat_earth(float(middle[0]), float(middle[1]))
    flat = plane.forward(ends)
    direct_m = float(np.hypot(*(flat[1] - flat[0])))
    if direct_m > LONGEST_KM * M_PER_KM:
        raise InputError(Problem(f"{direct_m / M_PER_KM:,.0f} km is too far", f"give ends within {LONGEST_KM:g} km"))
    margin_m = max(LEAST_MARGIN_KM * M_PER_KM, MARGIN_FRAC * direct_m)
    box = shapely.buffer(shapely.LineString(flat), margin_m, quad_segs=4)
    outer, inner = _closed(box, plane, dem, airspace, ceiling_m - height_m)
    _check_open(ends, flat, inner, airspace)
    found, slack_m = _fewer_corners(outer, flat, is_outer=True)
    bound, _ = _fewer_corners(inner, flat, is_outer=False)
    way, low = _shortest(found, flat), _shortest(bound, flat)
    if way is None or low is None:
        raise InputError(Problem("no open way joins the two points", "raise the ceiling, or fly from elsewhere"))
    length = _length_m(way)
    return AirRoute(
        plane.backward(way), length / M_PER_KM, min(_length_m(low), length) / M_PER_KM, direct_m / M_PER_KM, slack_m
    )


def _check(ends: FloatArray) -> None:
    problems = []
    is_place = ends.shape == (2, 2) and bool((np.abs(ends) <= [360.0, 85.0]).all())
    if not is_place:
        problems.append(Problem("an end is no place", "give longitude and latitude in degrees"))
    elif (ends[0] == ends[1]).all():
        problems.append(Problem("the two ends are one point", "give two points that lie apart"))
    raise_if_any(problems)


def _check_open(ends: FloatArray, flat: FloatArray, closed: BaseGeometry, airspace: Airspace) -> None:
    problems = []
    inside = airspace.closed(ends[:, 0], ends[:, 1])
    for k, name in enumerate(("start", "end")):
        why = [reason for reason, is_in in inside.items() if is_in[k]]
        if why:
            problems.append(Problem(f"the {name} is closed air: {', '.join(why)}", "begin and end outside of it"))
        elif shapely.contains_xy(closed, *flat[k]):
            problems.append(Problem(f"the {name} lies above the ceiling", "raise the ceiling, or choose another"))
    raise_if_any(problems)


def _closed(
    box: BaseGeometry, plane: FlatEarth, dem: Terrain | None, airspace: Airspace, highest_m: float
) -> tuple[BaseGeometry, BaseGeometry]:
    """Return what is closed within a box on the plane: a shape that holds it all, and one that it all holds."""
    around = shapely.transform(box, plane.backward)
    large, small = (closed_shapes(airspace, around, plane, ratio) for ratio in (OVER, 1.0 / OVER))
    if dem is not None:
        raster = dem.window(*around.bounds)
        for shapes, is_highest in ((large, True), (small, False)):
            shapes.append(shapely.transform(_high_ground(raster, highest_m, is_highest=is_highest), plane.forward))
    rim = shapely.difference(shapely.buffer(box, RIM_M), box)  # a way round it all would go over ground not looked at
    outer, inner = (
        shapely.union(shapely.intersection(shapely.union_all(shapes), box), rim) for shapes in (large, small)
    )
    return outer, inner


def _high_ground(raster: Raster, highest_m: float, *, is_highest: bool) -> BaseGeometry:
    """Return cells, in blocks where they are many, whose highest (or whose lowest) ground is above a height."""
    value = np.asarray(raster.value, np.float64)
    block = max(max(value.shape) // CELLS_ACROSS, 1)
    pad = [(0, -size % block) for size in value.shape]
    blocks = np.pad(value, pad, mode="edge").reshape(
        (value.shape[0] + pad[0][1]) // block, block, (value.shape[1] + pad[1][1]) // block, block
    )
    level = blocks.max(axis=(1, 3)) if is_highest else blocks.min(axis=(1, 3))
    row, column = np.nonzero(level > highest_m)
    # Neighbours share the very numbers of their edges: a seam between cells would be an open way for the bound.
    x = raster.west_deg + np.arange(level.shape[1] + 1) * raster.step_lon_deg * block
    y = raster.north_deg - np.arange(level.shape[0] + 1) * raster.step_lat_deg * block
    return shapely.union_all(shapely.box(x[column], y[row + 1], x[column + 1], y[row]))


def _fewer_corners(shape: BaseGeometry, flat: FloatArray, *, is_outer: bool) -> tuple[BaseGeometry, float]:
    """Return a shape of few corners that holds the given one, or lies within it, and by how much it may differ, m.

    Ends stay open: a larger shape that swallows one is cut back to the true one around it.
    """
    slack = LEAST_SLACK_M
    while True:
        # Simplified within half the slack after a step of the slack outward (inward): never across the true edge.
        step = slack if is_outer else -slack
        found: BaseGeometry = shapely.simplify(shapely.buffer(shape, step, join_style="mitre"), 0.5 * slack)
        if shapely.get_num_coordinates(found) <= MOST_CORNERS:
            break
        slack *= 1.5
    if is_outer:
        for point in flat:
            clear = max(0.9 * float(shapely.distance(shape, shapely.Point(point))), 1.0)
            found = shapely.difference(found, shapely.buffer(shapely.Point(point), clear, quad_segs=2))
    return found, slack


def _shortest(closed: BaseGeometry, flat: FloatArray) -> FloatArray | None:
    air = OpenAir(closed)
    way = air.way(air.tree(flat[0]), flat[1])
    return way if np.isfinite(way).all() else None


def _length_m(way: FloatArray) -> float:
    return float(np.hypot(*np.diff(way, axis=0).T).sum())


__all__ = ["CEILING_M", "AirRoute", "air_route"]
