"""The shortest way from many places over one satellite to many goals, at one moment.

A goal is reached from a satellite at a known cost in kilometres of light: the range to a gateway, or the way through
links between satellites.  Satellites that reach no goal are left out by the caller.  A place's sky is looked at in two
passes, one without branches over all satellites, which the compiler turns into wide instructions, and one over the few
that stand high enough.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Int32s, Ints

    Words = NDArray[np.uint64]

WORD_BITS = 64


@njit("float64(float64[::1], float64)", cache=True)
def edge_deg(horizon_deg: Floats, azimuth_rad: float) -> float:
    """Return the terrain's elevation at an azimuth; (n,) values run clockwise from north in even steps, read between.

    >>> float(edge_deg(np.array([0.0, 10.0, 0.0, 0.0]), math.pi / 4.0))
    5.0
    """
    n = horizon_deg.size
    turn = (azimuth_rad / (2.0 * math.pi)) % 1.0 * n
    low = int(turn)
    share = turn - low
    return float((1.0 - share) * horizon_deg[low % n] + share * horizon_deg[(low + 1) % n])


@njit(
    "int64(float64[::1], float64[::1], float64[::1], float64[:, ::1], float64[::1], float64[::1], int64[::1])",
    cache=True,
)
def look_up(
    place: Floats, horizon_deg: Floats, sines: Floats, satellites: Floats, rise: Floats, range_km: Floats, seen: Ints
) -> int:
    """Fill ``seen`` with the satellites in view of a place and ``range_km`` at their rows; return how many.

    ``place`` (12,): position, then unit vectors up, east, north; ``sines`` (2,): of the least elevation and of the
    highest terrain, above which no azimuth is computed; ``satellites`` (3, s); ``rise`` (s,) is room to work in.
    """
    x, y, z = place[0], place[1], place[2]
    up_x, up_y, up_z = place[3], place[4], place[5]
    sine, n_satellites = sines[0], satellites.shape[1]
    xs, ys, zs = satellites[0], satellites[1], satellites[2]
    for s in range(n_satellites):
        dx, dy, dz = xs[s] - x, ys[s] - y, zs[s] - z
        rise[s] = dx * up_x + dy * up_y + dz * up_z
        range_km[s] = dx * dx + dy * dy + dz * dz
    signed, count = sine * abs(sine), 0
    for s in range(n_satellites):
        # Squares know no sign, so each side keeps its own.
        if rise[s] * abs(rise[s]) >= signed * range_km[s]:
            range_km[s] = math.sqrt(range_km[s])
            if horizon_deg.size and rise[s] < sines[1] * range_km[s]:
                dx, dy, dz = xs[s] - x, ys[s] - y, zs[s] - z
                east = dx * place[6] + dy * place[7] + dz * place[8]
                north = dx * place[9] + dy * place[10] + dz * place[11]
                edge = edge_deg(horizon_deg, math.atan2(east, north))
                if math.degrees(math.asin(rise[s] / range_km[s])) < edge:
                    continue
            seen[count] = s
            count += 1
    return count


@njit(
    "void(float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], "
    "float64[::1], int32[::1], int32[::1], int32[::1])",
    cache=True,
)
def best_ways(
    places: Floats,
    horizon_deg: Floats,
    sines: Floats,
    satellites: Floats,
    cost_km: Floats,
    best_km: Floats,
    best_goal: Int32s,
    best_satellite: Int32s,
    n_common: Int32s,
) -> None:
    """Fill for (p,) places the least kilometres of light to any goal, by which goal and satellite, and how many serve.

    ``places`` (p, 12), ``horizon_deg`` (p, n) with n 0 for open country, ``sines`` (p, 2), ``satellites`` (3, s),
    ``cost_km`` (s, g) from satellite to goal, infinite where it does not reach; every satellite reaches some goal.  A
    place without a way gets infinity, -1, -1 and 0.  Ties go to the lower satellite, then to the lower goal.
    """
    n_satellites, n_goals = cost_km.shape
    least, goal = np.full(n_satellites, math.inf), np.full(n_satellites, -1, np.int32)
    for s in range(n_satellites):
        for g in range(n_goals):
            if cost_km[s, g] < least[s]:
                least[s], goal[s] = cost_km[s, g], g
    rise, range_km, seen = np.empty(n_satellites), np.empty(n_satellites), np.empty(n_satellites, np.int64)
    for p in range(places.shape[0]):
        count = look_up(places[p], horizon_deg[p], sines[p], satellites, rise, range_km, seen)
        best, chosen = math.inf, -1
        for i in range(count):
            s = seen[i]
            way = range_km[s] + least[s]
            if way < best:
                best, chosen = way, s
        best_km[p], best_satellite[p], n_common[p] = best, chosen, count
        best_goal[p] = goal[chosen] if chosen >= 0 else -1


@njit(
    "void(float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], "
    "float64[:, ::1], int32[:, ::1])",
    cache=True,
)
def ways_to_each(
    places: Floats,
    horizon_deg: Floats,
    sines: Floats,
    satellites: Floats,
    cost_km: Floats,
    best_km: Floats,
    best_satellite: Int32s,
) -> None:
    """Fill (p, g) with the least kilometres of light from each place to each goal and the first satellite, as above."""
    n_satellites, n_goals = cost_km.shape
    rise, range_km, seen = np.empty(n_satellites), np.empty(n_satellites), np.empty(n_satellites, np.int64)
    for p in range(places.shape[0]):
        count = look_up(places[p], horizon_deg[p], sines[p], satellites, rise, range_km, seen)
        best_km[p] = math.inf
        best_satellite[p] = -1
        for i in range(count):
            s = seen[i]
            for g in range(n_goals):
                way = range_km[s] + cost_km[s, g]
                if way < best_km[p, g]:
                    best_km[p, g], best_satellite[p, g] = way, s


@njit(
    "void(float64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1], uint64[:, ::1], int32[:, ::1])",
    cache=True,
)
def count_common(
    places: Floats, horizon_deg: Floats, sines: Floats, satellites: Floats, goal_words: Words, count: Int32s
) -> None:
    """Add 1 to ``count`` (p, g) where place and goal have a satellite in common.

    ``goal_words`` (s, words) holds a bit for each goal that sees the satellite: the goals in common are the union over
    the satellites that the place sees.
    """
    n_goals, n_words = count.shape[1], goal_words.shape[1]
    n_satellites = satellites.shape[1]
    rise, range_km, seen = np.empty(n_satellites), np.empty(n_satellites), np.empty(n_satellites, np.int64)
    words = np.empty(n_words, np.uint64)
    for p in range(places.shape[0]):
        words[:] = np.uint64(0)
        for i in range(look_up(places[p], horizon_deg[p], sines[p], satellites, rise, range_km, seen)):
            for w in range(n_words):
                words[w] |= goal_words[seen[i], w]
        for g in range(n_goals):
            count[p, g] += np.int32((words[g // WORD_BITS] >> np.uint64(g % WORD_BITS)) & np.uint64(1))
