"""How long a drone flies between points in wind, and its shortest way around what is closed, in metres on a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

TOUCH_M = 1e-3  # a way may run along the edge of what is closed
SIMPLE_M = 25.0  # corners of closed areas nearer than this to a straight edge are rounded off outward


def ground_speed_m_per_s(direction: FloatArray, airspeed_m_per_s: float, wind: FloatArray) -> FloatArray:
    """Return the speed over ground along unit vectors ``direction`` (…, 2), 0 where the wind forbids the course.

    ``wind`` (2,) is where the air moves to, m/s.  The drone crabs: the part of the wind across the course is held by
    its nose, the part along it adds (the wind triangle).
    """
    along = direction @ wind
    across = direction[..., 0] * wind[1] - direction[..., 1] * wind[0]
    own = np.sqrt(np.maximum(airspeed_m_per_s**2 - across**2, 0.0))
    return np.where(np.abs(across) < airspeed_m_per_s, np.maximum(along + own, 0.0), 0.0)


def flight_s(start: FloatArray, end: FloatArray, airspeed_m_per_s: float, wind: FloatArray) -> FloatArray:
    """Return the time from ``start`` (…, 2) straight to ``end`` (…, 2), infinite where the wind forbids it."""
    step = end - start
    length = np.hypot(step[..., 0], step[..., 1])
    direction = np.divide(step, length[..., None], out=np.zeros_like(step), where=length[..., None] > 0)
    speed = ground_speed_m_per_s(direction, airspeed_m_per_s, wind)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(length > 0, np.where(speed > 0, length / speed, np.inf), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Shortest open ways from ``point`` to corners: their lengths, and the first corner on each."""

    point: FloatArray
    total_m: FloatArray
    first: IntArray


class OpenAir:
    """The plane without its closed areas: which straight ways are open, and the shortest way where one is not."""

    def __init__(self, closed: BaseGeometry | None) -> None:
        """Prepare the corners of closed areas."""
        self._inner: BaseGeometry | None = None
        self._corners = np.zeros((0, 2))
        self._known: tuple[FloatArray, IntArray] | None = None
        if closed is None or shapely.is_empty(closed):
            return
        wide = shapely.simplify(shapely.buffer(closed, SIMPLE_M, join_style="mitre"), SIMPLE_M / 2.0)
        self._inner = shapely.buffer(closed, -TOUCH_M)
        shapely.prepare(self._inner)
        corners = np.unique(shapely.get_coordinates(wide), axis=0)
        inside = shapely.contains_xy(closed, corners[:, 0], corners[:, 1])
        self._corners = corners[~inside]

    def is_open(self, start: FloatArray, end: FloatArray) -> BoolArray:
        """Return whether each straight way from (n, 2) to (n, 2) stays out of what is closed."""
        if self._inner is None:
            return np.ones(len(start), np.bool_)
        lines = shapely.linestrings(np.stack([start, end], axis=1))
        return ~np.asarray(shapely.intersects(self._inner, lines), np.bool_)

    def _between_corners(self) -> tuple[FloatArray, IntArray]:
        """Return lengths of shortest open ways between corners, and the corner before the last; made once."""
        if self._known is None:
            n = len(self._corners)
            first, second = np.triu_indices(n, 1)
            is_open = self.is_open(self._corners[first], self._corners[second])
            first, second = first[is_open], second[is_open]
            step = self._corners[first] - self._corners[second]
            joined = csr_array((np.hypot(step[:, 0], step[:, 1]), (first, second)), shape=(n, n))
            length, before = dijkstra(joined, directed=False, return_predecessors=True)
            self._known = length, before.astype(np.int64)
        return self._known

    def tree(self, point: FloatArray) -> Tree:
        """Return the shortest open ways from one point (2,) to all corners."""
        n = len(self._corners)
        seen = np.flatnonzero(self.is_open(np.broadcast_to(point, (n, 2)), self._corners))
        if not seen.size:
            return Tree(np.asarray(point, np.float64), np.full(n, np.inf), np.full(n, -1, np.int64))
        step = self._corners[seen] - point
        through = np.hypot(step[:, 0], step[:, 1])[:, None] + self._between_corners()[0][seen]
        best = np.argmin(through, axis=0)
        return Tree(np.asarray(point, np.float64), through[best, np.arange(n)], seen[best])

    def way(self, tree: Tree, end: FloatArray) -> FloatArray:
        """Return the corners (k, 2) of the shortest open way from the tree's point to another (2,), both included.

        The shortest in length; in wind it need not be the quickest.  Infinite coordinates where there is none.
        """
        if self.is_open(tree.point[None], end[None])[0]:
            return np.stack([tree.point, end])
        step = self._corners - end
        whole = tree.total_m + np.hypot(step[:, 0], step[:, 1])
        for corner in np.argsort(whole, kind="stable").tolist():
            if not np.isfinite(whole[corner]):
                break
            if self.is_open(self._corners[corner][None], end[None])[0]:  # the first that sees the end is the best
                chain, before = [corner], self._between_corners()[1][tree.first[corner]]
                while chain[-1] != tree.first[corner]:
                    chain.append(int(before[chain[-1]]))
                return np.concatenate([tree.point[None], self._corners[chain[::-1]], end[None]])
        return np.full((2, 2), np.inf)


__all__ = ["OpenAir", "Tree", "flight_s", "ground_speed_m_per_s"]
