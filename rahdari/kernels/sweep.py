"""Radial sweep of a transmitter: every point along a radial takes its own profile's answer, the profile read once.

Heights along a radial are kept in a frame that falls away with the Earth's curvature, z = h - bulge x^2, in which the
profile to a nearer point is a prefix of that to a farther.  So the horizon seen from the transmitter is a running
maximum, and that seen from the receiver the tangent to the upper hull of a prefix, found by bisection.  Both equal the
largest over all points of the profile.  In line of sight the point that comes nearest to the line is
beside the hull's corner that does, and that is found by halving too.

Units as in :mod:`rahdari.kernels.diffraction`: distances km, heights m, slopes m/km, ``bulge`` 500 / radius.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.diffraction import (
    BULGE_KM_M,
    NU_FREE,
    NU_SCALE,
    bullington_db,
    clear_nu,
    line_slope,
    obstructed_nu,
)
from rahdari.kernels.raster import FIT_DEGREE, HALF, bilinear, fit_geodesic, nearest_value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Ints

    Float32s = NDArray[np.float32]
    Bytes = NDArray[np.uint8]

FULL_TURN_DEG = 360.0
METRES_PER_KM = 1000.0
DB = 10.0 / math.log(10.0)
EDGE_CELLS = 1.0  # a radial this far inside the grid is read without asking at every point


@njit("int64(float64[::1], float64[::1], int64[::1], int64, float64[::1], float64[::1], int64)", cache=True, nogil=True)
def push(hull_x: Floats, hull_z: Floats, hull_i: Ints, n: int, x: Floats, z: Floats, i: int) -> int:
    """Put point ``i``, right of all others, on an upper hull of ``n`` corners; return how many it then has."""
    at, height = x[i], z[i]
    while n > 1:
        run, rise = hull_x[n - 1] - hull_x[n - 2], hull_z[n - 1] - hull_z[n - 2]
        if rise * (at - hull_x[n - 2]) > (height - hull_z[n - 2]) * run:
            break
        n -= 1
    hull_x[n], hull_z[n], hull_i[n] = at, height, i
    return n + 1


@njit("int64(float64[::1], float64[::1], int64, float64, float64)", cache=True, nogil=True)
def seen_from(hull_x: Floats, hull_z: Floats, n: int, x: float, z: float) -> int:
    """Return which corner is steepest from a place (x, z) right of them all; the nearest of equals.

    Steepness rises and then falls along the hull.  Its top is bracketed by growing steps from the right, where it
    mostly is, and found by halving.
    """
    low, high, stride = 0, n - 1, 1
    while high >= stride:
        middle = high - stride
        if (hull_z[middle] - z) * (x - hull_x[middle + 1]) <= (hull_z[middle + 1] - z) * (x - hull_x[middle]):
            low = middle + 1
            break
        high = middle
        stride *= 2
    while low < high:
        middle = (low + high) // 2
        if (hull_z[middle] - z) * (x - hull_x[middle + 1]) > (hull_z[middle + 1] - z) * (x - hull_x[middle]):
            high = middle
        else:
            low = middle + 1
    return low


@njit("int64(float64[::1], float64[::1], int64, float64)", cache=True, nogil=True)
def farthest_above(hull_x: Floats, hull_z: Floats, n: int, slope: float) -> int:
    """Return which of ``n`` corners is highest above a line of ``slope``."""
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) // 2
        if hull_z[middle + 1] - hull_z[middle] < slope * (hull_x[middle + 1] - hull_x[middle]):
            high = middle
        else:
            low = middle + 1
    return low


@njit(
    "float64(int64[::1], int64, float64[::1], float64[::1], float64[::1], int64, float64, float64, float64)",
    cache=True,
    nogil=True,
)
def least_clearance(
    hull_i: Ints, n: int, x: Floats, z: Floats, inverse: Floats, k: int, start: float, slope: float, limit: float
) -> float:
    """Return the least of e^2 / (x (d - x)) over points 1 to k - 1, at most ``limit``; e the depth below a line.

    ``inverse`` holds 1 / x.  The line is start + slope x in the frame of ``z`` and no point reaches it.  Along the
    hull e is convex and the root of x (d - x) concave, so their ratio has one valley: halving finds its lowest
    corner, and points under the hull can lie lower only in the two gaps beside that corner.
    """
    low, high, stride = 0, n - 1, 1
    while high >= stride:
        middle = high - stride
        i, j = hull_i[middle], hull_i[middle + 1]
        near, far = start + slope * x[i] - z[i], start + slope * x[j] - z[j]
        if near * near * inverse[i] * inverse[k - i] >= far * far * inverse[j] * inverse[k - j]:
            low = middle + 1
            break
        high = middle
        stride *= 2
    while low < high:
        middle = (low + high) // 2
        i, j = hull_i[middle], hull_i[middle + 1]
        near, far = start + slope * x[i] - z[i], start + slope * x[j] - z[j]
        if near * near * inverse[i] * inverse[k - i] < far * far * inverse[j] * inverse[k - j]:
            high = middle
        else:
            low = middle + 1
    i = hull_i[low]
    depth = start + slope * x[i] - z[i]
    least = min(limit, depth * depth * inverse[i] * inverse[k - i])
    for c in range(max(low, 1), min(low + 2, n)):
        before, after = hull_i[c - 1], hull_i[c]
        left, right = start + slope * x[before] - z[before], start + slope * x[after] - z[after]
        shallow, most = (
            min(left, right),
            min(inverse[before] * inverse[k - before], inverse[after] * inverse[k - after]),
        )
        if 2 * before < k < 2 * after:
            most = 4.0 * inverse[k] * inverse[k]
        if shallow * shallow * most < least:  # else the whole gap is too deep
            for j in range(before + 1, after):
                depth = start + slope * x[j] - z[j]
                least = min(least, depth * depth * inverse[j] * inverse[k - j])
    return float(least)


@njit("void(float64[:, ::1], int64, float64[::1], float64[::1], float64[::1])", cache=True, nogil=True)
def places(power: Floats, n: int, grid: Floats, row: Floats, column: Floats) -> None:
    """Fill fractional ``row`` and ``column`` of a radial's points 0 to n; ``power`` from ``fit_geodesic``."""
    per_lon, per_lat, share = 1.0 / grid[2], 1.0 / grid[3], 1.0 / n
    a1, a2, a3, a4 = power[0, 1], power[0, 2], power[0, 3], power[0, 4]
    b1, b2, b3, b4 = power[1, 1], power[1, 2], power[1, 3], power[1, 4]
    first_column = (power[0, 0] - grid[0]) * per_lon - HALF
    first_row = (grid[1] - power[1, 0]) * per_lat - HALF
    for k in range(n + 1):
        t = k * share
        column[k] = first_column + per_lon * t * (a1 + t * (a2 + t * (a3 + t * a4)))
        row[k] = first_row - per_lat * t * (b1 + t * (b2 + t * (b3 + t * b4)))


@njit("int64(float32[:, ::1], int64, float64[::1], float64[::1], float64[::1])", cache=True, nogil=True)
def read_radial(value: Float32s, n: int, row: Floats, column: Floats, height: Floats) -> int:
    """Fill ``height`` (n + 1,) bilinear along a radial; return the last point before the grid's edge or a void.

    A radial whose ends lie well inside is read without asking at every point: it bends by less than a cell.
    """
    n_rows, n_columns = value.shape
    low_row, high_row = min(row[0], row[n]) - EDGE_CELLS, max(row[0], row[n]) + EDGE_CELLS
    low_column, high_column = min(column[0], column[n]) - EDGE_CELLS, max(column[0], column[n]) + EDGE_CELLS
    if low_row >= 0.0 and low_column >= 0.0 and high_row < n_rows - 1 and high_column < n_columns - 1:
        flat = value.reshape(-1)
        for k in range(n + 1):
            top, left = int(row[k]), int(column[k])
            down, right = row[k] - top, column[k] - left
            i = np.uint64(top * n_columns + left)
            j = np.uint64((top + 1) * n_columns + left)
            upper = flat[i] + (flat[i + np.uint64(1)] - flat[i]) * right
            lower = flat[j] + (flat[j + np.uint64(1)] - flat[j]) * right
            height[k] = upper + (lower - upper) * down
    else:
        for k in range(n + 1):
            height[k] = bilinear(value, row[k], column[k])
    for k in range(n + 1):
        if math.isnan(height[k]):
            return k - 1
    return n


@njit("int64(float32[:, ::1], int64, float64[::1], float64[::1], float64[::1])", cache=True, nogil=True)
def read_nearest(value: Float32s, n: int, row: Floats, column: Floats, height: Floats) -> int:
    """Fill ``height`` (n + 1,) from the nearest cells along a radial; return the last point before an edge or void."""
    for k in range(n + 1):
        height[k] = nearest_value(value, row[k], column[k])
        if math.isnan(height[k]):
            return k - 1
    return n


@njit(
    "void(int64, float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], uint8[::1], "
    "float64[:, ::1], int64[::1], float32[::1])",
    cache=True,
    nogil=True,
)
def bullington_radial(
    n: int,
    path: Floats,
    x: Floats,
    inverse: Floats,
    fall: Floats,
    height: Floats,
    free_db: Floats,
    is_wanted: Bytes,
    work: Floats,
    hull_i: Ints,
    out: Float32s,
) -> None:
    """Fill ``out`` (n + 1,) with free-space and Bullington's diffraction loss, dB, to points 1 to n of a radial.

    ``path``: antenna heights above ground, m, wavelength, m.  ``height`` (n + 1,) is the ground, ``fall`` bulge x^2,
    ``free_db`` the free-space loss over the ground distance; of no size, diffraction stands alone.  ``work`` (3, n + 1)
    and ``hull_i`` (n + 1,) are room.  Points that are not wanted are left as they are.  The first point has none
    between: no diffraction.
    """
    tx_above, rx_above, wave_m = path[0], path[1], path[2]
    hull_x, hull_z, z = work[0], work[1], work[2]
    bulge = fall[1] * inverse[1] * inverse[1]
    tx_m, steepest, n_corners = height[0] + tx_above, -math.inf, 0
    for k in range(1, n + 1):
        d = x[k]
        if is_wanted[k] and k > 1:
            rx_m = height[k] + rx_above
            line = line_slope(tx_m, rx_m, d)
            tx_slope = steepest + bulge * d
            if tx_slope >= line:
                seen = seen_from(hull_x, hull_z, n_corners, d, rx_m - fall[k])
                rx_slope = (hull_z[seen] - rx_m + fall[k]) * inverse[k - hull_i[seen]] - bulge * d
                out[k] = bullington_db(obstructed_nu(tx_slope, rx_slope, line, d, wave_m), d)
            else:
                limit = NU_FREE * NU_FREE * wave_m * inverse[k] / NU_SCALE
                least = least_clearance(hull_i, n_corners, x, z, inverse, k, tx_m, line - bulge * d, limit)
                out[k] = bullington_db(clear_nu(least, d, wave_m), d) if least < limit else 0.0
        elif k == 1:
            out[k] = 0.0
        if free_db.size > 0 and is_wanted[k]:
            rise = (height[k] + rx_above - tx_m) * inverse[k] / METRES_PER_KM
            out[k] += free_db[k] + DB * math.log(1.0 + rise * rise)
        z[k] = height[k] - fall[k]
        steepest = max(steepest, (z[k] - tx_m) * inverse[k])
        n_corners = push(hull_x, hull_z, hull_i, n_corners, x, z, k)


@njit(
    "void(float32[:, ::1], float64[::1], float64[::1], float64, float64, float64, float64[::1], uint8[:, ::1], "
    "float32[:, ::1])",
    cache=True,
    nogil=True,
)
def bullington_sweep(
    value: Float32s,
    grid: Floats,
    site: Floats,
    step_km: float,
    radius_km: float,
    wave_m: float,
    free_db: Floats,
    is_wanted: Bytes,
    out: Float32s,
) -> None:
    """Fill ``out`` (radials, n_steps + 1) with free-space and Bullington's loss, dB, over ground; NaN off the grid.

    ``site``: longitude and latitude, degrees, antenna heights above ground of transmitter and receiver, m.
    ``free_db`` (n_steps + 1,) as in ``bullington_radial``.  Radials leave the site at equal angles, the first to the
    north, clockwise; column k lies k steps away.
    """
    n_radials, n_steps = out.shape[0], out.shape[1] - 1
    x = np.arange(n_steps + 1) * step_km
    inverse = np.zeros(n_steps + 1)
    inverse[1:] = 1.0 / x[1:]
    fall = BULGE_KM_M / radius_km * x * x
    path = np.array([site[2], site[3], wave_m])
    power, row, column = np.empty((2, FIT_DEGREE + 1)), np.empty(n_steps + 1), np.empty(n_steps + 1)
    height, work, hull_i = np.empty(n_steps + 1), np.empty((3, n_steps + 1)), np.empty(n_steps + 1, np.int64)
    for r in range(n_radials):
        fit_geodesic(site[0], site[1], FULL_TURN_DEG * r / n_radials, n_steps * step_km * 1000.0, power)
        places(power, n_steps, grid, row, column)
        n = read_radial(value, n_steps, row, column, height)
        bullington_radial(n, path, x, inverse, fall, height, free_db, is_wanted[r], work, hull_i, out[r])
        out[r, n + 1 :] = math.nan
