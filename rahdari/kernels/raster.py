"""Sampling a grid of heights: bilinear reading, and positions along a geodesic of the WGS 84 ellipsoid.

Rows and columns are fractional and count cell centres from 0.  Source of the geodesic: T. Vincenty, Survey Review 23
(176), 1975, the direct solution; exact to 0.1 mm over the distances used here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from numba import njit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats

    Float32s = NDArray[np.float32]

SEMI_MAJOR_M = 6_378_137.0  # WGS 84
FLATTENING = 1.0 / 298.257223563  # WGS 84
SEMI_MINOR_M = SEMI_MAJOR_M * (1.0 - FLATTENING)
VINCENTY_ROUNDS = 20  # it converges in 3 or 4 below 1,000 km
VINCENTY_STOP = 1e-13  # radians: below a micrometre
FIT_DEGREE = 4  # a polynomial of this degree follows 200 km of geodesic within 2 mm between 60 S and 60 N
HALF = 0.5  # of a cell, the strip outside the outermost centres, where the outermost values hold


@njit("float64(float32[:, ::1], float64, float64)", cache=True)
def bilinear(value: Float32s, row: float, column: float) -> float:
    """Return the value at a fractional row and column, bilinear between cell centres; NaN outside the grid.

    A void beside the place gives NaN.
    """
    n_rows, n_columns = value.shape
    if not (-HALF <= row <= n_rows - HALF and -HALF <= column <= n_columns - HALF):
        return math.nan
    row, column = min(max(row, 0.0), n_rows - 1.0), min(max(column, 0.0), n_columns - 1.0)
    top, left = int(row), int(column)
    down, right = row - top, column - left
    below, beside = min(top + 1, n_rows - 1), min(left + 1, n_columns - 1)
    upper = value[top, left] + (value[top, beside] - value[top, left]) * right
    lower = value[below, left] + (value[below, beside] - value[below, left]) * right
    return float(upper + (lower - upper) * down)


@njit("float64(float32[:, ::1], float64, float64)", cache=True)
def nearest_value(value: Float32s, row: float, column: float) -> float:
    """Return the value of the cell that holds a fractional row and column; NaN outside the grid."""
    n_rows, n_columns = value.shape
    if not (-HALF <= row <= n_rows - HALF and -HALF <= column <= n_columns - HALF):
        return math.nan
    return float(value[min(int(row + HALF), n_rows - 1), min(int(column + HALF), n_columns - 1)])


@njit("UniTuple(float64, 2)(float64, float64, float64, float64)", cache=True)
def direct_deg(lon_deg: float, lat_deg: float, azimuth_deg: float, distance_m: float) -> tuple[float, float]:
    """Return longitude and latitude at a distance along the geodesic that leaves a point at an azimuth.

    Azimuth clockwise from north; longitudes are not brought into a range, so they run on over 180 degrees.
    """
    sin_azimuth, cos_azimuth = math.sin(math.radians(azimuth_deg)), math.cos(math.radians(azimuth_deg))
    tan_u = (1.0 - FLATTENING) * math.tan(math.radians(lat_deg))
    cos_u = 1.0 / math.sqrt(1.0 + tan_u * tan_u)
    sin_u = tan_u * cos_u
    sigma_1 = math.atan2(tan_u, cos_azimuth)
    sin_alpha = cos_u * sin_azimuth
    cos2_alpha = 1.0 - sin_alpha * sin_alpha
    u2 = cos2_alpha * (SEMI_MAJOR_M**2 - SEMI_MINOR_M**2) / SEMI_MINOR_M**2
    big_a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2)))
    big_b = u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2)))
    first = distance_m / (SEMI_MINOR_M * big_a)
    sigma, cos_2m, sin_sigma, cos_sigma = first, 0.0, 0.0, 1.0
    for _ in range(VINCENTY_ROUNDS):
        cos_2m = math.cos(2.0 * sigma_1 + sigma)
        sin_sigma, cos_sigma = math.sin(sigma), math.cos(sigma)
        inner = cos_sigma * (-1.0 + 2.0 * cos_2m * cos_2m)
        inner -= big_b / 6.0 * cos_2m * (-3.0 + 4.0 * sin_sigma * sin_sigma) * (-3.0 + 4.0 * cos_2m * cos_2m)
        before = sigma
        sigma = first + big_b * sin_sigma * (cos_2m + 0.25 * big_b * inner)
        if abs(sigma - before) < VINCENTY_STOP:
            break
    across = sin_u * sin_sigma - cos_u * cos_sigma * cos_azimuth
    lat = math.atan2(
        sin_u * cos_sigma + cos_u * sin_sigma * cos_azimuth,
        (1.0 - FLATTENING) * math.sqrt(sin_alpha * sin_alpha + across * across),
    )
    turned = math.atan2(sin_sigma * sin_azimuth, cos_u * cos_sigma - sin_u * sin_sigma * cos_azimuth)
    c = FLATTENING / 16.0 * cos2_alpha * (4.0 + FLATTENING * (4.0 - 3.0 * cos2_alpha))
    inner = sigma + c * sin_sigma * (cos_2m + c * cos_sigma * (-1.0 + 2.0 * cos_2m * cos_2m))
    east = turned - (1.0 - c) * FLATTENING * sin_alpha * inner
    return lon_deg + math.degrees(east), math.degrees(lat)


@njit("void(float64, float64, float64, float64, float64[:, ::1])", cache=True)
def fit_geodesic(lon_deg: float, lat_deg: float, azimuth_deg: float, length_m: float, power: Floats) -> None:
    """Fill ``power`` (2, FIT_DEGREE + 1): longitude and latitude, degrees, as polynomials in the share of the length.

    Drawn through equal steps of the geodesic, by Newton's divided differences brought to powers.
    """
    n = power.shape[1]
    width = 1.0 / (n - 1)
    power[0, 0], power[1, 0] = lon_deg, lat_deg
    for i in range(1, n):
        lon, lat = direct_deg(lon_deg, lat_deg, azimuth_deg, length_m * i * width)
        power[0, i], power[1, i] = lon, lat
    for c in range(2):
        for order in range(1, n):
            for i in range(n - 1, order - 1, -1):
                power[c, i] = (power[c, i] - power[c, i - 1]) / (order * width)
        for start in range(n - 2, -1, -1):
            for i in range(start, n - 1):
                power[c, i] -= power[c, i + 1] * start * width


@njit("void(float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1])", cache=True)
def direct_many_deg(
    lon_deg: Floats, lat_deg: Floats, azimuth_deg: Floats, distance_m: Floats, lon_out: Floats, lat_out: Floats
) -> None:
    """Fill ``lon_out`` and ``lat_out`` (n,) as :func:`direct_deg` answers."""
    for i in range(lon_deg.size):
        lon_out[i], lat_out[i] = direct_deg(lon_deg[i], lat_deg[i], azimuth_deg[i], distance_m[i])


@njit("void(float32[:, ::1], float64[::1], float64[::1], float64[::1], boolean, float64[::1])", cache=True, nogil=True)
def sample_many(
    value: Float32s,
    grid: Floats,
    lon_deg: Floats,
    lat_deg: Floats,
    is_nearest: bool,  # noqa: FBT001
    out: Floats,
) -> None:
    """Fill ``out`` (n,) with the grid's values at points; ``grid`` is west, north, step east, step south, degrees."""
    for i in range(lon_deg.size):
        column = (lon_deg[i] - grid[0]) / grid[2] - HALF
        row = (grid[1] - lat_deg[i]) / grid[3] - HALF
        out[i] = nearest_value(value, row, column) if is_nearest else bilinear(value, row, column)
