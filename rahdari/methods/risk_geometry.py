"""Where lines run close to each other, and which lie near points: distances in kilometres on the ground.

Lines are cut into straight pieces short enough to be plane: within one pair of pieces the plane around their middle is
used, which errs by less than 0.1 % for pieces of 2 km and distances of tens of kilometres outside the polar regions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from rahdari.methods.geo import great_circle_km
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

KM_PER_DEG = math.radians(1.0) * EARTH_RADIUS_KM
PIECE_KM = 2.0  # longest straight piece
_LEAST_COS = 0.05  # widest box near the poles: 87 degrees of latitude
_JOINED_KM = 0.05  # ends nearer than this are one place
_TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Straight pieces of lines: the line of each, its ends (p, 2) in degrees, and the way along the line to its start.

    ``line_km`` (lines,) are lengths; ``end_deg`` (lines, 2, 2) the places at which each line starts and ends.
    """

    line: IntArray
    from_deg: FloatArray
    to_deg: FloatArray
    start_km: FloatArray
    km: FloatArray
    line_km: FloatArray
    end_deg: FloatArray


def pieces_of(geometry: Sequence[bytes], piece_km: float = PIECE_KM) -> Pieces:
    """Return the pieces of lines given as WKB in degrees; parts of a multi-part line are joined end to end."""
    lines = shapely.segmentize(shapely.from_wkb(np.asarray(geometry, dtype=object)), piece_km / KM_PER_DEG)
    place, of = shapely.get_coordinates(lines, return_index=True)
    same = of[1:] == of[:-1]
    start, end = place[:-1][same], place[1:][same]
    line = of[:-1][same].astype(np.int64)
    km = np.asarray(great_circle_km(start[:, 0], start[:, 1], end[:, 0], end[:, 1]))
    total = np.bincount(line, weights=km, minlength=len(geometry)).astype(np.float64)
    before = np.cumsum(km) - km
    first = np.searchsorted(line, np.arange(len(geometry)))
    offset = before[np.minimum(first, max(0, km.size - 1))] if km.size else np.zeros(len(geometry))
    firsts = np.searchsorted(of, np.arange(len(geometry)))
    lasts = np.searchsorted(of, np.arange(len(geometry)), side="right") - 1
    ends = np.stack([place[firsts], place[lasts]], axis=1) if len(geometry) else np.zeros((0, 2, 2))
    return Pieces(line, start, end, before - offset[line], km, total, ends)


def _plane(origin_deg: FloatArray, place_deg: FloatArray) -> FloatArray:
    """Return (..., 2) kilometres east and north of an origin."""
    east = (place_deg[..., 0] - origin_deg[..., 0]) * np.cos(np.radians(origin_deg[..., 1]))
    return np.stack([east, place_deg[..., 1] - origin_deg[..., 1]], axis=-1) * KM_PER_DEG


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray((a * b).sum(axis=-1))


def _inside_disc(start: FloatArray, along: FloatArray, centre: FloatArray, km: float) -> tuple[FloatArray, FloatArray]:
    """Return the shares of each segment between which it lies in a disc; the first exceeds the second where nowhere."""
    to = start - centre
    a = np.maximum(_dot(along, along), _TINY)
    b, c = _dot(to, along), _dot(to, to) - km * km
    root = b * b - a * c
    half = np.sqrt(np.maximum(root, 0.0))
    low, high = np.clip((-b - half) / a, 0.0, 1.0), np.clip((-b + half) / a, 0.0, 1.0)
    hits = (root >= 0.0) & (-b - half <= a) & (-b + half >= 0.0)
    return np.where(hits, low, 1.0), np.where(hits, high, 0.0)


def _inside_strip(
    start: FloatArray, along: FloatArray, other: FloatArray, way: FloatArray, km: float
) -> tuple[FloatArray, FloatArray]:
    """Return the shares of each segment between which it lies beside another, at most ``km`` from it."""
    length = np.maximum(np.sqrt(_dot(way, way)), _TINY)
    unit = way / length[..., None]
    normal = np.stack([-unit[..., 1], unit[..., 0]], axis=-1)
    low, high = np.zeros(length.shape), np.ones(length.shape)
    for axis, least, most in ((unit, np.zeros(length.shape), length), (normal, length * 0.0 - km, length * 0.0 + km)):
        at, step = _dot(start - other, axis), _dot(along, axis)
        safe = np.where(np.abs(step) > _TINY, step, 1.0)
        one, two = (least - at) / safe, (most - at) / safe
        is_still = np.abs(step) <= _TINY
        inside = (at >= least) & (at <= most)
        low = np.maximum(low, np.where(is_still, np.where(inside, 0.0, 1.0), np.minimum(one, two)))
        high = np.minimum(high, np.where(is_still, np.where(inside, 1.0, 0.0), np.maximum(one, two)))
    return np.where(low <= high, low, 1.0), np.where(low <= high, high, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Stretches of lines near other lines: from ``low_km`` to ``high_km`` along ``line`` it runs beside ``other``.

    Sorted by line, other and start; stretches of one pair do not overlap.
    """

    line: IntArray
    other: IntArray
    low_km: FloatArray
    high_km: FloatArray


def _candidates(pieces: Pieces, apart_km: float) -> tuple[IntArray, IntArray]:
    """Return ordered pairs of pieces of different lines whose boxes come near."""
    low = np.minimum(pieces.from_deg, pieces.to_deg)
    high = np.maximum(pieces.from_deg, pieces.to_deg)
    cosine = np.maximum(
        np.cos(np.radians(np.abs(np.concatenate([low[:, 1:], high[:, 1:]], axis=1)).max(axis=1))), _LEAST_COS
    )
    wide = apart_km / KM_PER_DEG
    boxes = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    wider = shapely.box(low[:, 0] - wide / cosine, low[:, 1] - wide, high[:, 0] + wide / cosine, high[:, 1] + wide)
    first, second = shapely.STRtree(boxes).query(wider)
    kept = pieces.line[first] != pieces.line[second]
    return first[kept].astype(np.int64), second[kept].astype(np.int64)


def near_stretches(pieces: Pieces, apart_km: float, *, cosine_least: float = 0.0, joint_km: float = 0.0) -> Near:
    """Return where lines run within ``apart_km`` of each other, in directions whose cosine is at least the given one.

    Where two lines share an end, what lies within ``joint_km`` of it does not count: they part there.
    """
    first, second = _candidates(pieces, apart_km)
    origin = 0.5 * (pieces.from_deg[first] + pieces.to_deg[first])
    start, along = _plane(origin, pieces.from_deg[first]), _plane(origin, pieces.to_deg[first])
    along = along - start
    other, way = _plane(origin, pieces.from_deg[second]), _plane(origin, pieces.to_deg[second])
    way = way - other
    size = np.sqrt(np.maximum(_dot(along, along) * _dot(way, way), _TINY))
    low, high = _inside_strip(start, along, other, way, apart_km)
    for centre in (other, other + way):
        one, two = _inside_disc(start, along, centre, apart_km)
        hits = one <= two
        low = np.where(hits, np.where(low <= high, np.minimum(low, one), one), low)
        high = np.where(hits, np.maximum(high, two), high)
    kept = (low < high) & (np.abs(_dot(along, way)) >= cosine_least * size)
    first, second, low, high, origin = first[kept], second[kept], low[kept], high[kept], origin[kept]
    start, along = start[kept], along[kept]
    parts = [(low, high)]
    if joint_km > 0.0:
        for mine in (0, 1):
            for theirs in (0, 1):
                here = pieces.end_deg[pieces.line[first], mine]
                there = pieces.end_deg[pieces.line[second], theirs]
                is_joint = np.asarray(great_circle_km(here[:, 0], here[:, 1], there[:, 0], there[:, 1])) <= _JOINED_KM
                one, two = _inside_disc(start, along, _plane(origin, here), joint_km)
                one, two = np.where(is_joint, one, 1.0), np.where(is_joint, two, 0.0)
                cut = one < two
                parts = [
                    piece
                    for begin, end in parts
                    for piece in (
                        (begin, np.where(cut, np.minimum(end, one), end)),
                        (np.where(cut, np.maximum(begin, two), 1.0), np.where(cut, end, 0.0)),
                    )
                ]
    base, km = pieces.start_km[first], pieces.km[first]
    rows = [
        (pieces.line[first][ok], pieces.line[second][ok], (base + begin * km)[ok], (base + end * km)[ok])
        for begin, end in parts
        for ok in ((begin < end),)
    ]
    return _merged(*(np.concatenate([row[i] for row in rows]) for i in range(4)))


def _merged(line: FloatArray, other: FloatArray, low: FloatArray, high: FloatArray) -> Near:
    """Return stretches of each pair with those that touch made one."""
    order = np.lexsort((high, low, other, line))
    line, other, low, high = line[order], other[order], low[order], high[order]
    if not line.size:
        return Near(line.astype(np.int64), other.astype(np.int64), low, high)
    is_new = np.ones(line.size, np.bool_)
    is_new[1:] = (line[1:] != line[:-1]) | (other[1:] != other[:-1])
    # The furthest end so far within a pair: lift every pair above the one before.
    pair = np.cumsum(is_new) - 1
    lift = pair * (2.0 * (float(high.max()) + 1.0))
    reach = np.maximum.accumulate(high + lift) - lift
    is_new[1:] |= low[1:] > reach[:-1] + 1e-9
    first = np.flatnonzero(is_new)
    last = np.append(first[1:], line.size) - 1
    return Near(line[first].astype(np.int64), other[first].astype(np.int64), low[first], reach[last])


def near_points(pieces: Pieces, lon_deg: ArrayLike, lat_deg: ArrayLike, radius_km: ArrayLike) -> list[IntArray]:
    """Return for each point the lines, sorted, that come within its radius."""
    lon, lat = np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64)
    radius = np.broadcast_to(np.asarray(radius_km, np.float64), lon.shape)
    found = []
    for x, y, km in zip(lon.tolist(), lat.tolist(), radius.tolist(), strict=True):
        centre = np.array([x, y])
        start = _plane(centre, pieces.from_deg)
        along = _plane(centre, pieces.to_deg) - start
        one, two = _inside_disc(start, along, np.zeros(2), km)
        found.append(np.unique(pieces.line[one <= two]))
    return found
