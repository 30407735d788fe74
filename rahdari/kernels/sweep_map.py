"""From the polar samples of a sweep to the cells of a map, and the best server, the second and the sum of powers.

A cell takes the answer of the polar sample nearest to its centre: that of a point at most half a step farther or
nearer, and at most half the spacing of the radials aside.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from numba import njit

from rahdari.kernels.raster import FLATTENING, HALF, SEMI_MAJOR_M
from rahdari.kernels.sweep import FULL_TURN_DEG

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Int32s

    Float32s = NDArray[np.float32]
    Bytes = NDArray[np.uint8]

ECCENTRICITY_2 = FLATTENING * (2.0 - FLATTENING)  # of WGS 84, squared
OUTSIDE = -1
NATURAL_DB = math.log(10.0) / 10.0


@njit(
    "void(float64[::1], int64, int64, float64, float64, float64, int32[:, ::1], uint8[:, ::1])", cache=True, nogil=True
)
def aim(
    grid: Floats,
    first_row: int,
    first_column: int,
    lon_deg: float,
    lat_deg: float,
    step_m: float,
    place: Int32s,
    is_wanted: Bytes,
) -> None:
    """Fill ``place`` with each cell's radial * (steps + 1) + step, or OUTSIDE, and mark these samples as wanted.

    ``grid``: west, north, step east, step south of the map, degrees; the window starts at ``first_row`` and column.
    Distance and azimuth by Gauss's formula of the middle latitude: within 0.2 m at 15 km and 5 m at 100 km.
    """
    n_radials, n_steps = is_wanted.shape[0], is_wanted.shape[1] - 1
    per_turn = n_radials / (2.0 * math.pi)
    for r in range(place.shape[0]):
        lat = grid[1] - (first_row + r + HALF) * grid[3]
        middle = math.radians(0.5 * (lat + lat_deg))
        sine = math.sin(middle)
        root = math.sqrt(1.0 - ECCENTRICITY_2 * sine * sine)
        north_m = math.radians(lat - lat_deg) * SEMI_MAJOR_M * (1.0 - ECCENTRICITY_2) / root**3
        per_lon_m = SEMI_MAJOR_M / root * math.cos(middle)
        for c in range(place.shape[1]):
            east = math.radians(grid[0] + (first_column + c + HALF) * grid[2] - lon_deg)
            east_m = east * per_lon_m
            step = int(math.sqrt(north_m * north_m + east_m * east_m) / step_m + HALF)
            place[r, c] = OUTSIDE
            if step <= n_steps:
                radial = int((math.atan2(east_m, north_m) - 0.5 * east * sine) * per_turn + n_radials + HALF)
                radial %= n_radials
                place[r, c] = radial * (n_steps + 1) + max(step, 1)
                is_wanted[radial, max(step, 1)] = 1


@njit("void(float64, float64, float32[::1])", cache=True, nogil=True)
def sector_gain_db(azimuth_deg: float, beamwidth_deg: float, gain_db: Float32s) -> None:
    """Fill ``gain_db`` (radials,), relative to the beam's middle (3GPP TR 38.901 table 7.3-1, horizontal cut)."""
    for r in range(gain_db.size):
        off_deg = abs((FULL_TURN_DEG * r / gain_db.size - azimuth_deg + 540.0) % FULL_TURN_DEG - 180.0)
        gain_db[r] = -min(12.0 * (off_deg / beamwidth_deg) ** 2, 30.0)


@njit(
    "int64(float32[:, ::1], int32[:, ::1], float64, float32[::1], int64, int64, int64, float32[:, ::1], "
    "float32[:, ::1], float64[:, ::1], int32[:, ::1])",
    cache=True,
    nogil=True,
)
def merge(
    loss_db: Float32s,
    place: Int32s,
    eirp_dbm: float,
    gain_db: Float32s,
    server_index: int,
    at_row: int,
    at_column: int,
    best_dbm: Float32s,
    second_dbm: Float32s,
    total_mw: Floats,
    server: Int32s,
) -> int:
    """Put a transmitter's samples into a map from ``at_row``, ``at_column``; return how many cells have no answer.

    Rows of ``place`` beyond the map's are left out.  Of equal powers the lower ``server_index`` wins.
    """
    n_columns = loss_db.shape[1]
    n_unknown = 0
    for r in range(max(0, -at_row), min(place.shape[0], best_dbm.shape[0] - at_row)):
        row = at_row + r
        for c in range(place.shape[1]):
            if place[r, c] < 0:
                continue
            radial = place[r, c] // n_columns
            loss = loss_db[radial, place[r, c] - radial * n_columns]
            if math.isnan(loss):
                n_unknown += 1
                continue
            power = eirp_dbm + gain_db[radial] - loss
            column = at_column + c
            total_mw[row, column] += math.exp(NATURAL_DB * power)
            best = best_dbm[row, column]
            if power > best or (power == best and server_index < server[row, column]):
                second_dbm[row, column] = best
                best_dbm[row, column], server[row, column] = power, server_index
            elif power > second_dbm[row, column]:
                second_dbm[row, column] = power
    return n_unknown
