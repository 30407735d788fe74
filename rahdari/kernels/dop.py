"""Dilution of precision at many points and moments from the positions of satellites.

The normal matrix is gathered in earth-fixed directions and turned to the vertical only at the end: the trace gives the
position, the plumb line the height, the rest is horizontal.  Clocks are eliminated first (Schur complement), which
leaves three unknowns whatever their number.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Int32s, Ints

G, P, H, V, T = 0, 1, 2, 3, 4  # rows of the result
N_COORDINATES = 3
#: Determinant over the cubed mean of the diagonal, below which directions count as lying in one plane: DOP above 1e5.
FLAT_RATIO = 1e-10


@njit("float64(float64, float64, float64[::1])", cache=True)
def horizon_sine(east: float, north: float, horizon_rad: Floats) -> float:
    """Return the sine of the horizon's elevation towards a direction, between equally spaced azimuths from north."""
    n = horizon_rad.size
    at = math.atan2(east, north) * (n / (2.0 * math.pi))
    if at < 0.0:
        at += n
    low = int(at)
    share = at - low
    first, second = horizon_rad[low % n], horizon_rad[(low + 1) % n]
    return math.sin(first + (second - first) * share)


@njit(
    "boolean(float64, float64, float64, float64, float64[:, ::1], float64, float64[::1], float64, float64)", cache=True
)
def is_above(
    x: float,
    y: float,
    z: float,
    up: float,
    axes: Floats,
    mask_sine: float,
    horizon_rad: Floats,
    low: float,
    high: float,
) -> bool:
    """Return whether a line of sight (x, y, z) clears mask and horizon; ``low`` and ``high`` are the horizon's sines.

    A satellite that is absent (NaN) does not.
    """
    square = x * x + y * y + z * z
    # Squares with their sign are compared, so that no root is needed for what is hidden.
    if not up * abs(up) >= mask_sine * abs(mask_sine) * square:
        return False
    if horizon_rad.size == 0 or up * abs(up) >= high * abs(high) * square:
        return True
    if up * abs(up) < low * abs(low) * square:
        return False
    east = x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2]
    north = x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2]
    sine = horizon_sine(east, north, horizon_rad)
    return up * abs(up) >= sine * abs(sine) * square


@njit("boolean(float64[::1], float64[::1])", cache=True)
def inverse(a: Floats, q: Floats) -> bool:
    """Fill ``q`` with the inverse of a symmetric matrix, both as xx, xy, xz, yy, yz, zz; False where there is none."""
    c0, c1, c2 = a[3] * a[5] - a[4] * a[4], a[2] * a[4] - a[1] * a[5], a[1] * a[4] - a[2] * a[3]
    determinant = a[0] * c0 + a[1] * c1 + a[2] * c2
    scale = (a[0] + a[3] + a[5]) / N_COORDINATES
    if not determinant > FLAT_RATIO * scale * scale * scale:
        return False
    turn = 1.0 / determinant
    q[0], q[1], q[2] = c0 * turn, c1 * turn, c2 * turn
    q[3], q[4] = (a[0] * a[5] - a[2] * a[2]) * turn, (a[1] * a[2] - a[0] * a[4]) * turn
    q[5] = (a[0] * a[3] - a[1] * a[1]) * turn
    return True


@njit("float64(float64[::1], float64, float64, float64)", cache=True)
def quadratic(q: Floats, x: float, y: float, z: float) -> float:
    """Return the quadratic form of a symmetric matrix, given as xx, xy, xz, yy, yz, zz."""
    return float(q[0] * x * x + q[3] * y * y + q[5] * z * z + 2.0 * (q[1] * x * y + q[2] * x * z + q[4] * y * z))


@njit("void(float64[:, ::1], float64[::1], float64[::1], float64[:, :, ::1], int64, int64)", cache=True)
def solve(sums: Floats, a: Floats, up: Floats, out: Floats, p: int, t: int) -> None:
    """Write the dilutions of one point and moment; ``sums`` (groups, 4) holds directions and count of each clock."""
    used, q = 0, np.empty(6)
    for g in range(sums.shape[0]):
        n = sums[g, 3]
        if n == 0.0:
            continue
        used += 1
        x, y, z = sums[g, 0], sums[g, 1], sums[g, 2]
        a[0] -= x * x / n
        a[1] -= x * y / n
        a[2] -= x * z / n
        a[3] -= y * y / n
        a[4] -= y * z / n
        a[5] -= z * z / n
    if used == 0 or sums[:, 3].sum() < N_COORDINATES + used or not inverse(a, q):
        return
    clocks, first = 0.0, -1.0
    for g in range(sums.shape[0]):
        n = sums[g, 3]
        if n > 0.0:
            variance = 1.0 / n + quadratic(q, sums[g, 0], sums[g, 1], sums[g, 2]) / (n * n)
            clocks += variance
            first = variance if first < 0.0 else first
    position, vertical = q[0] + q[3] + q[5], quadratic(q, up[0], up[1], up[2])
    out[G, p, t] = math.sqrt(position + clocks)
    out[P, p, t] = math.sqrt(position)
    out[H, p, t] = math.sqrt(max(position - vertical, 0.0))
    out[V, p, t] = math.sqrt(vertical)
    out[T, p, t] = math.sqrt(first)


@njit(
    "void(float64[:, :, ::1], int64[::1], int64, float64[:, ::1], float64[:, :, ::1], float64[::1], float64[:, ::1],"
    " int32[:, ::1], float64[:, :, ::1])",
    cache=True,
)
def dilutions(
    satellites_km: Floats,
    clock: Ints,
    n_clocks: int,
    points_km: Floats,
    axes: Floats,
    mask_sine: Floats,
    horizon_rad: Floats,
    n_visible: Int32s,
    out: Floats,
) -> None:
    """Fill ``n_visible`` (p, t) and ``out`` (5, p, t): geometric, position, horizontal, vertical, time.

    ``satellites_km`` (t, s, 3) with NaN where absent, ``clock`` (s,) the clock each satellite runs on,
    ``axes`` (p, 3, 3) rows east, north, up; ``horizon_rad`` (p, n_azimuth), n_azimuth 0 for none.
    NaN where satellites in view are fewer than unknowns or lie in one plane.
    """
    sums, a = np.empty((n_clocks, 4)), np.empty(6)
    out[:] = math.nan
    for p in range(points_km.shape[0]):
        up, frame, skyline = axes[p, 2], axes[p], horizon_rad[p]
        px, py, pz, least = points_km[p, 0], points_km[p, 1], points_km[p, 2], mask_sine[p]
        low, high = -1.0, 1.0
        if skyline.size:
            low, high = math.sin(skyline.min()), math.sin(skyline.max())
        for t in range(satellites_km.shape[0]):
            count = 0
            sums[:] = 0.0
            a[:] = 0.0
            for s in range(satellites_km.shape[1]):
                x, y, z = satellites_km[t, s, 0] - px, satellites_km[t, s, 1] - py, satellites_km[t, s, 2] - pz
                height = x * up[0] + y * up[1] + z * up[2]
                if not is_above(x, y, z, height, frame, least, skyline, low, high):
                    continue
                scale = 1.0 / math.sqrt(x * x + y * y + z * z)
                x, y, z, g = x * scale, y * scale, z * scale, clock[s]
                a[0] += x * x
                a[1] += x * y
                a[2] += x * z
                a[3] += y * y
                a[4] += y * z
                a[5] += z * z
                sums[g, 0] += x
                sums[g, 1] += y
                sums[g, 2] += z
                sums[g, 3] += 1.0
                count += 1
            n_visible[p, t] = count
            solve(sums, a, up, out, p, t)
