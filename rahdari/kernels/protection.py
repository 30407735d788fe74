"""Protection levels at many points and moments: weighted least squares, and each satellite left out in turn.

Leaving one satellite out is a rank-one change of the normal matrix, so that the variance of the solution without it,
and of the difference to the full one, follow from the full one's inverse without another inversion.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.dop import inverse, is_above, quadratic

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Int32s, Ints

HPL, VPL, H_SIGMA, V_SIGMA = 0, 1, 2, 3  # rows of the result
#: Columns of the error model: troposphere m, its two constants; ionosphere's radius ratio; multipath and noise, each a
#: constant m, an amplitude m and a scale in degrees; factor of both for two frequencies.
TROPOSPHERE, MAP_SCALE, MAP_FLOOR, SHELL_RATIO, MULTIPATH, NOISE, FACTOR = 0, 1, 2, 3, 4, 7, 10
UNMOVED = 1e-18  # of an axis' variance: a smaller part of a satellite in it is rounding
KEPT = 1e-9  # of a satellite's redundancy, below which the others alone give no position
N_COORDINATES = 3


@njit("float64(float64, float64, float64, float64[::1])", cache=True)
def range_variance(sine: float, accuracy_m: float, vertical_m: float, model: Floats) -> float:
    """Return the variance in m2 of one range at an elevation given by its sine; ``vertical_m`` is the ionosphere's."""
    level = min(max(sine, 0.0), 1.0)
    degrees = math.degrees(math.asin(level))
    air = model[TROPOSPHERE] * model[MAP_SCALE] / math.sqrt(model[MAP_FLOOR] + level * level)
    slant = vertical_m / math.sqrt(1.0 - model[SHELL_RATIO] ** 2 * (1.0 - level * level))
    path = model[MULTIPATH] + model[MULTIPATH + 1] * math.exp(-degrees / model[MULTIPATH + 2])
    noise = model[NOISE] + model[NOISE + 1] * math.exp(-degrees / model[NOISE + 2])
    local = model[FACTOR] ** 2 * (path * path + noise * noise)
    return float(accuracy_m * accuracy_m + air * air + slant * slant + local)


@njit("float64(float64, float64, float64[::1], float64[::1], int64, float64[::1])", cache=True)
def level(sigma2: float, k_free: float, share: Floats, room: Floats, n: int, k: Floats) -> float:
    """Return the protection level along one axis.

    ``share`` (n,) holds w c^2 of each satellite (its weight, its part of the axis), ``room`` (n,) 1 - leverage;
    ``k`` the factors for the alarm and for a missed fault.
    """
    best = k_free * math.sqrt(sigma2)
    for i in range(n):
        if share[i] <= UNMOVED * sigma2:
            continue
        if room[i] < KEPT:
            return math.inf
        apart = share[i] / room[i]
        best = max(best, k[0] * math.sqrt(apart) + k[1] * math.sqrt(sigma2 + apart))
    return best


@njit(
    "boolean(float64[:, ::1], int64[::1], int64, float64[::1], float64[:, ::1], float64[::1], float64[::1])", cache=True
)
def solve(sight: Floats, clock: Ints, n: int, weight: Floats, sums: Floats, a: Floats, q: Floats) -> bool:
    """Fill ``q`` with the variances of the position and ``sums`` with mean direction and weight on each clock.

    False where the satellites give no position.
    """
    sums[:] = 0.0
    a[:] = 0.0
    for i in range(n):
        w, x, y, z, g = weight[i], sight[i, 0], sight[i, 1], sight[i, 2], clock[i]
        a[0] += w * x * x
        a[1] += w * x * y
        a[2] += w * x * z
        a[3] += w * y * y
        a[4] += w * y * z
        a[5] += w * z * z
        sums[g, 0] += w * x
        sums[g, 1] += w * y
        sums[g, 2] += w * z
        sums[g, 3] += w
    used = 0
    for g in range(sums.shape[0]):
        if sums[g, 3] > 0.0:
            used += 1
            for j in range(N_COORDINATES):
                sums[g, j] /= sums[g, 3]
            x, y, z, w = sums[g, 0], sums[g, 1], sums[g, 2], sums[g, 3]
            a[0] -= w * x * x
            a[1] -= w * x * y
            a[2] -= w * x * z
            a[3] -= w * y * y
            a[4] -= w * y * z
            a[5] -= w * z * z
    return used > 0 and n >= N_COORDINATES + used and inverse(a, q)


@njit(
    "void(float64[:, ::1], int64[::1], int64, float64[::1], float64[:, ::1], float64[::1], float64[:, ::1],"
    " float64[::1], float64[:, ::1], float64[::1])",
    cache=True,
)
def position(
    sight: Floats,
    clock: Ints,
    n: int,
    weight: Floats,
    sums: Floats,
    a: Floats,
    axes: Floats,
    k_free: Floats,
    k: Floats,
    result: Floats,
) -> None:
    """Fill ``result`` (4,) from (n, 3) unit vectors with weights; it is left as it is where there is no position.

    ``k_free`` (2,) and ``k`` (2, 2) hold the factors, horizontal first.
    """
    q = np.empty(6)
    if not solve(sight, clock, n, weight, sums, a, q):
        return
    share, room = np.empty((N_COORDINATES, n)), np.empty(n)
    for i in range(n):
        w, g = weight[i], clock[i]
        x, y, z = sight[i, 0] - sums[g, 0], sight[i, 1] - sums[g, 1], sight[i, 2] - sums[g, 2]
        # A satellite alone on its clock has no say in the position, and leaving it out takes nothing away.
        is_alone = sums[g, 3] == w
        room[i] = 1.0 - w * (quadratic(q, x, y, z) + 1.0 / sums[g, 3])
        cx = q[0] * x + q[1] * y + q[2] * z
        cy = q[1] * x + q[3] * y + q[4] * z
        cz = q[2] * x + q[4] * y + q[5] * z
        for j in range(N_COORDINATES):
            part = axes[j, 0] * cx + axes[j, 1] * cy + axes[j, 2] * cz
            share[j, i] = 0.0 if is_alone else w * part * part
    east2, north2, up2 = (
        quadratic(q, axes[0, 0], axes[0, 1], axes[0, 2]),
        quadratic(q, axes[1, 0], axes[1, 1], axes[1, 2]),
        quadratic(q, axes[2, 0], axes[2, 1], axes[2, 2]),
    )
    result[HPL] = math.hypot(
        level(east2, k_free[0], share[0], room, n, k[0]), level(north2, k_free[0], share[1], room, n, k[0])
    )
    result[VPL] = level(up2, k_free[1], share[2], room, n, k[1])
    result[H_SIGMA], result[V_SIGMA] = math.sqrt(east2 + north2), math.sqrt(up2)


@njit(
    "void(float64[:, :, ::1], float64[:, ::1], int64[::1], int64, float64[:, ::1], float64[:, :, ::1], float64[::1],"
    " float64[:, ::1], float64[::1], float64[::1], float64[::1], float64[:, :, ::1], int32[:, ::1],"
    " float64[:, :, ::1])",
    cache=True,
)
def protection(
    satellites_km: Floats,
    accuracy_m: Floats,
    clock: Ints,
    n_clocks: int,
    points_km: Floats,
    axes: Floats,
    mask_sine: Floats,
    horizon_rad: Floats,
    vertical_m: Floats,
    model: Floats,
    k_free: Floats,
    k: Floats,
    n_visible: Int32s,
    out: Floats,
) -> None:
    """Fill ``n_visible`` (p, t) and ``out`` (p, t, 4): levels horizontal and vertical, then the sigmas, m.

    ``accuracy_m`` (t, s), ``vertical_m`` (p,) the ionosphere's vertical sigma, ``k`` (n + 1, 2, 2) the factors by
    number of satellites in view.  NaN where there is no position; infinite where a fault could not be told.
    """
    n_most = satellites_km.shape[1]
    sight, weight = np.empty((n_most, N_COORDINATES)), np.empty(n_most)
    seen, sums, a = np.empty(n_most, np.int64), np.empty((n_clocks, 4)), np.empty(6)
    out[:] = math.nan
    for p in range(points_km.shape[0]):
        frame, skyline = axes[p], horizon_rad[p]
        low, high = -1.0, 1.0
        if skyline.size:
            low, high = math.sin(skyline.min()), math.sin(skyline.max())
        for t in range(satellites_km.shape[0]):
            n = 0
            for s in range(n_most):
                x = satellites_km[t, s, 0] - points_km[p, 0]
                y = satellites_km[t, s, 1] - points_km[p, 1]
                z = satellites_km[t, s, 2] - points_km[p, 2]
                up = x * frame[2, 0] + y * frame[2, 1] + z * frame[2, 2]
                if not is_above(x, y, z, up, frame, mask_sine[p], skyline, low, high):
                    continue
                scale = 1.0 / math.sqrt(x * x + y * y + z * z)
                sight[n, 0], sight[n, 1], sight[n, 2] = x * scale, y * scale, z * scale
                weight[n] = 1.0 / range_variance(up * scale, accuracy_m[t, s], vertical_m[p], model)
                seen[n] = clock[s]
                n += 1
            n_visible[p, t] = n
            position(sight, seen, n, weight, sums, a, frame, k_free, k[n], out[p, t])
