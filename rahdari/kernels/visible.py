"""Satellites over places: turning to the Earth, filling between steps, and counting what stands above a mask.

Everything is float64.  A satellite is above the mask where its height over the horizon's plane, squared and over the
squared distance, exceeds the mask's squared sine: no root and no arc is taken for a pair.  Before, whole blocks of
places drop the satellites too far from their middle by one dot product each, with a bound that never drops one in view.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Bools, Floats, Int32s, Ints

NEAR_KM = 1e-3  # by which the bound of a block is widened: far above rounding
FULL_TURN_DEG = 360.0


@njit("void(float64[:, :, ::1], float64[::1], float64[:, :, ::1])", cache=True, nogil=True)
def turn_to_earth(position: Floats, angle_rad: Floats, out: Floats) -> None:
    """Fill ``out`` (t, 3, n) with positions (n, t, 3) turned by (t,) angles about the pole."""
    for k in range(angle_rad.size):
        cosine, sine = math.cos(angle_rad[k]), math.sin(angle_rad[k])
        for i in range(position.shape[0]):
            x, y = position[i, k, 0], position[i, k, 1]
            out[k, 0, i] = cosine * x + sine * y
            out[k, 1, i] = cosine * y - sine * x
            out[k, 2, i] = position[i, k, 2]


@njit(
    "void(float64[:, :, ::1], float64[:, :, ::1], int64[::1], int64[::1], float64[::1], float64, float64[:, :, ::1])",
    cache=True,
    nogil=True,
)
def hermite_fill(
    position: Floats, velocity: Floats, before: Ints, after: Ints, share: Floats, step_s: float, out: Floats
) -> None:
    """Fill ``out`` (n, t, 3) by cubics through positions and velocities (n, m, 3) at two nodes each.

    ``before`` and ``after`` (t,) are the nodes around a moment, ``share`` how far it lies between them.
    """
    for i in range(position.shape[0]):
        for k in range(share.size):
            s = share[k]
            rest = 1.0 - s
            first, second = (1.0 + 2.0 * s) * rest * rest, s * s * (3.0 - 2.0 * s)
            leave, arrive = s * rest * rest * step_s, -s * s * rest * step_s
            for c in range(3):
                value = first * position[i, before[k], c]
                if s > 0.0:
                    value += leave * velocity[i, before[k], c]
                    value += second * position[i, after[k], c] + arrive * velocity[i, after[k], c]
                out[i, k, c] = value


@njit("void(float64[:, ::1], float64[::1], float64[:, ::1], float64[::1], boolean[::1])", cache=True, nogil=True)
def near_any(position: Floats, reach_rad: Floats, middle: Floats, radius_rad: Floats, is_near: Bools) -> None:
    """Mark the satellites of ``position`` (3, n) within their reach of a block; ``middle`` (b, 3) are unit vectors.

    A block reaches ``radius_rad`` around its middle.  One without a position is near, so that it is asked again.
    """
    cos_b, sin_b = np.cos(radius_rad), np.sin(radius_rad)
    for i in range(position.shape[1]):
        x, y, z = position[0, i], position[1, i], position[2, i]
        size = math.sqrt(x * x + y * y + z * z)
        along, across = size * math.cos(reach_rad[i]), size * math.sin(reach_rad[i])
        is_near[i] = not size > 0.0
        for b in range(middle.shape[0]):
            dot = x * middle[b, 0] + y * middle[b, 1] + z * middle[b, 2]
            if reach_rad[i] + radius_rad[b] >= math.pi or dot + NEAR_KM > along * cos_b[b] - across * sin_b[b]:
                is_near[i] = True
                break


@njit("float64(float64, float64, float64[::1])", cache=True, nogil=True)
def horizon_at(east: float, north: float, horizon_deg: Floats) -> float:
    """Return the horizon's elevation, degrees, in a direction over the ground; (n,) from north clockwise, linear."""
    n = horizon_deg.size
    at = (math.degrees(math.atan2(east, north)) % FULL_TURN_DEG) * n / FULL_TURN_DEG
    left = int(at) % n
    return float(horizon_deg[left] + (horizon_deg[(left + 1) % n] - horizon_deg[left]) * (at - math.floor(at)))


@njit("float64(float64, float64, float64, float64[:, ::1], float64[::1])", cache=True, nogil=True)
def score_behind(x: float, y: float, z: float, axes: Floats, horizon_deg: Floats) -> float:
    """Return the score of the horizon, see :func:`visible_steps`, in the direction of a sight line."""
    east = x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2]
    north = x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2]
    sine = math.sin(math.radians(horizon_at(east, north, horizon_deg)))
    return sine * abs(sine)


@njit("void(float64[:, ::1], float64[::1])", cache=True, nogil=True)
def rim_scores(horizon_deg: Floats, rim: Floats) -> None:
    """Fill ``rim`` (p,) with the score of each place's highest horizon: above it no azimuth is needed."""
    for p in range(rim.size):
        rim[p] = -2.0
        for a in range(horizon_deg.shape[1]):
            sine = math.sin(math.radians(horizon_deg[p, a]))
            rim[p] = max(rim[p], sine * abs(sine))


@njit("void(float64[:, ::1], float64, float64, float64[::1], float64[::1])", cache=True, nogil=True)
def reach_terms(position: Floats, least_radius_km: float, low_rad: float, along: Floats, across: Floats) -> None:
    """Fill ``along`` and ``across`` (n,) with r cos(reach) and r sin(reach) of satellites (3, n).

    The reach is the angle at the Earth's centre to the farthest place that sees the satellite at elevation ``low_rad``
    over a sphere of the least radius.  A satellite below that sphere, or without a position, reaches nothing.
    """
    for i in range(position.shape[1]):
        r = math.sqrt(position[0, i] ** 2 + position[1, i] ** 2 + position[2, i] ** 2)
        along[i], across[i] = math.inf, 0.0
        if r > least_radius_km:
            reach = math.acos(least_radius_km * math.cos(low_rad) / r) - low_rad
            along[i], across[i] = r * math.cos(reach), r * math.sin(reach)


@njit(
    "void(float64[:, :, ::1], int64[::1], float64[:, ::1], float64[:, :, ::1], int64[::1], float64[:, ::1],"
    "float64[::1], int64[::1], float64[::1], float64[:, ::1], int64[:, ::1], int32[:, ::1], int32[:, ::1],"
    "float64[:, ::1])",
    cache=True,
    nogil=True,
)
def visible_steps(
    position: Floats,
    satellite: Ints,
    place: Floats,
    axes: Floats,
    start: Ints,
    middle: Floats,
    radius_rad: Floats,
    order: Ints,
    mask: Floats,
    horizon_deg: Floats,
    held: Ints,
    count: Int32s,
    best: Int32s,
    score: Floats,
) -> None:
    """Fill ``count``, ``best`` and ``score`` (p, m) from Earth-fixed positions (m, 3, n) at ascending moments.

    ``satellite`` (n,) ascends and numbers them.  Places (p, 3) and axes (p, 3, 3) lie block after block, each from
    ``start[b]``; ``order`` says which row of the outputs they are.  ``mask`` holds the least score, the least radius of
    a place and the lowest elevation, radians, that a sphere of it can show for one on the mask.  ``horizon_deg`` is
    (p, n_azimuth), or (p, 0) for none.  Score: sine of the elevation times its size; -2 and index -1 for none.
    ``held`` (p, 2) goes on from call to call: the satellite that a terminal holds, -1 for none, which it leaves only
    when it sinks below mask or horizon, for the best one; and how often it went from one to another at once.
    """
    n = satellite.size
    along, across = np.empty(n), np.empty(n)
    near, near_x, near_y, near_z = np.empty(n, np.int64), np.empty(n), np.empty(n), np.empty(n)
    rim = np.empty(place.shape[0])
    rim_scores(horizon_deg, rim)
    for k in range(position.shape[0]):
        x, y, z = position[k, 0], position[k, 1], position[k, 2]
        reach_terms(position[k], mask[1], mask[2], along, across)
        for b in range(middle.shape[0]):
            cos_b, sin_b = math.cos(radius_rad[b]), math.sin(radius_rad[b])
            n_near = 0
            for i in range(n):
                dot = x[i] * middle[b, 0] + y[i] * middle[b, 1] + z[i] * middle[b, 2]
                if dot + NEAR_KM > along[i] * cos_b - across[i] * sin_b:
                    near[n_near], near_x[n_near], near_y[n_near], near_z[n_near] = i, x[i], y[i], z[i]
                    n_near += 1
            for p in range(start[b], start[b + 1]):
                px, py, pz = place[p, 0], place[p, 1], place[p, 2]
                ux, uy, uz = axes[p, 2, 0], axes[p, 2, 1], axes[p, 2, 2]
                n_seen, best_at, best_score, is_held = 0, -1, -2.0, False
                row = order[p]
                for i in range(n_near):
                    dx, dy, dz = near_x[i] - px, near_y[i] - py, near_z[i] - pz
                    up = dx * ux + dy * uy + dz * uz
                    value = up * abs(up) / (dx * dx + dy * dy + dz * dz)
                    if value < mask[0]:
                        continue
                    if value < rim[p] and value < score_behind(dx, dy, dz, axes[p], horizon_deg[p]):
                        continue
                    n_seen += 1
                    is_held |= satellite[near[i]] == held[row, 0]
                    if value > best_score:
                        best_score, best_at = value, near[i]
                count[row, k] = n_seen
                best[row, k] = satellite[best_at] if best_at >= 0 else -1
                score[row, k] = best_score
                if not is_held:
                    held[row, 1] += held[row, 0] >= 0 and best_at >= 0
                    held[row, 0] = best[row, k]
