"""Parallel legs that cover an area once and never enter a hole, in metres on a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import affinity

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    FloatArray = NDArray[np.float64]

N_ANGLES = 12  # every 15 degrees, besides the sides of the smallest rectangle around
ROUNDS = 3  # of legs over what earlier ones left out beside holes
LEAST_LEG_M = 0.5
OVERLAP = 1e-6  # so that rounding leaves no crack between neighbours
SLIVER_SPACINGS = 0.1  # patches narrower than this share of the spacing are counted as missed, not flown for


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """Legs (n, 2 ends, 2) in metres, their direction (mathematical, degrees) and spacing, and what they miss, m2."""

    ends_m: FloatArray
    direction_deg: float
    spacing_m: float
    missed_m2: float


def _parts(shapes: object) -> NDArray[np.object_]:
    """Return the polygons in geometries of any kind."""
    parts = shapely.get_parts(shapely.get_parts(np.atleast_1d(np.asarray(shapes, object))))
    kept: NDArray[np.object_] = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON)]
    return kept[~shapely.is_empty(kept)]


def _lines(shapes: object) -> FloatArray:
    """Return the ends (n, 2, 2) of the straight lines in geometries."""
    parts = shapely.get_parts(np.asarray(shapes, object))
    parts = parts[(shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING) & ~shapely.is_empty(parts)]
    if not parts.size:
        return np.zeros((0, 2, 2))
    ends = np.stack([
        shapely.get_coordinates(shapely.get_point(parts, 0)), shapely.get_coordinates(shapely.get_point(parts, -1))
    ], axis=1)  # fmt: skip
    long: FloatArray = ends[np.hypot(*(ends[:, 1] - ends[:, 0]).T) >= LEAST_LEG_M]
    return long


def _flown(pieces: NDArray[np.object_], y: FloatArray, closed: BaseGeometry | None) -> FloatArray:
    """Return legs along each piece at height ``y``, cut where they would enter what is closed."""
    x_min, _, x_max, _ = shapely.bounds(pieces).T
    lines = shapely.linestrings(np.stack([np.stack([x_min, y], 1), np.stack([x_max, y], 1)], axis=1))
    return _lines(lines if closed is None else shapely.difference(lines, closed))


def _strips(area: BaseGeometry, closed: BaseGeometry | None, spacing_m: float) -> tuple[FloatArray, float]:
    """Return legs through strips of equal width from bottom to top, and that width, at most ``spacing_m``."""
    x_min, y_min, x_max, y_max = area.bounds
    n = max(1, int(np.ceil((y_max - y_min) / spacing_m - 1e-9)))
    width = (y_max - y_min) / n
    low = y_min + width * np.arange(n)
    boxes = shapely.box(np.full(n, x_min), low, np.full(n, x_max), low + width)
    cut: list[BaseGeometry] = np.asarray(shapely.intersection(area, boxes), object).tolist()
    pieces = [(_parts(shape), k) for k, shape in enumerate(cut)]
    shapes = np.concatenate([found for found, _ in pieces]) if pieces else np.zeros(0, object)
    middle = np.concatenate([np.full(found.size, low[k] + width / 2) for found, k in pieces])
    return _flown(shapes, middle, closed), width


def _unseen(area: BaseGeometry, ends: FloatArray, width: float, ahead_m: float) -> BaseGeometry:
    """Return what no leg sees: each sees half a width to both sides and ``ahead_m`` beyond its ends."""
    if not ends.size:
        return area
    left, right = np.minimum(ends[:, 0, 0], ends[:, 1, 0]), np.maximum(ends[:, 0, 0], ends[:, 1, 0])
    y, width = ends[:, 0, 1], width * (1.0 + OVERLAP)
    seen = shapely.union_all(shapely.box(left - ahead_m, y - width / 2, right + ahead_m, y + width / 2))
    return shapely.difference(area, seen)


def _rotated(shape: BaseGeometry, degrees: float) -> BaseGeometry:
    return affinity.rotate(shape, degrees, origin=(0.0, 0.0))


def _candidates(area: BaseGeometry) -> FloatArray:
    """Return directions to try, degrees from 0 to 180: a grid, and the sides of the smallest rectangle around."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(area))
    sides = np.diff(corners, axis=0)
    own = np.degrees(np.arctan2(sides[:, 1], sides[:, 0])) % 180.0
    grid = np.arange(N_ANGLES) * 180.0 / N_ANGLES
    return np.unique(np.round(np.concatenate([grid, own]), 6))


def covering_legs(
    area: BaseGeometry, closed: BaseGeometry | None, spacing_m: float, direction_deg: float, ahead_m: float = 0.0
) -> Legs:
    """Return legs in one direction whose swaths of ``spacing_m`` cover ``area``, none of which enters ``closed``.

    A camera sees ``ahead_m`` beyond the end of a leg.  Beside holes a leg is cut; what is then unseen gets legs of its
    own, and what even these cannot see is counted.
    """
    flat = _rotated(area, -direction_deg)
    barred = None if closed is None else _rotated(closed, -direction_deg)
    ends, width = _strips(flat, barred, spacing_m)
    unseen = _unseen(flat, ends, width, ahead_m)
    for _ in range(ROUNDS):
        patches = _parts(unseen)
        thick = shapely.buffer(patches, -SLIVER_SPACINGS * spacing_m / 2.0) if patches.size else patches
        patches = patches[~shapely.is_empty(thick)] if patches.size else patches
        if not patches.size:
            break
        more = [_strips(patch, barred, width)[0] for patch in patches]
        ends = np.concatenate([ends, *more])
        unseen = _unseen(flat, ends, width, ahead_m)
    angle = np.radians(direction_deg)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return Legs(ends @ turn, direction_deg, width, float(unseen.area))


def best_legs(
    area: BaseGeometry,
    closed: BaseGeometry | None,
    spacing_m: float,
    turn_m: float,
    *,
    ahead_m: float = 0.0,
    metres_per_m: Callable[[float], float] | None = None,
) -> Legs:
    """Return the legs of the direction with the least length, each leg charged ``turn_m`` for its turn.

    ``metres_per_m(direction_deg)`` is what a metre in a direction costs, both ways: 1 without wind.
    """
    best, least = 0.0, np.inf
    for direction in _candidates(area).tolist():
        ends, _ = _strips(_rotated(area, -direction), None, spacing_m)
        length = float(np.abs(ends[:, 1, 0] - ends[:, 0, 0]).sum())
        cost = (1.0 if metres_per_m is None else metres_per_m(direction)) * length + turn_m * len(ends)
        if cost < least - 1e-6 and np.isfinite(cost):
            best, least = direction, cost
    return covering_legs(area, closed, spacing_m, best, ahead_m)


__all__ = ["Legs", "best_legs", "covering_legs"]
