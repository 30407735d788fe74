"""Radial sweep with the basic transmission loss of Recommendation ITU-R P.1812-8.

Each point's terms are those of :mod:`rahdari.kernels.p1812_path` on the profile from the site to it, at the sweep's
steps, inland throughout.  What that module finds by walking a profile is kept here while a radial grows: running sums
for the smooth surface, running maxima from the transmitter, upper hulls for what the receiver sees.  In the median the
terms of ducting, and of the second Earth radius, are computed only where a bound says that they can matter.
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
    THIRD,
    WAVE_GHZ_M,
    bullington_db,
    clear_nu,
    line_slope,
    obstructed_nu,
    smooth_bullington_uniform_db,
    spherical_earth_db,
)
from rahdari.kernels.p1812 import (
    ANGLE,
    BULLINGTON_50,
    BULLINGTON_DUCTING,
    DELTA_N,
    DIFFRACTION_RX,
    DIFFRACTION_TX,
    DUCT_RX,
    DUCT_TX,
    DUCTING_K,
    DUCTING_PCT,
    DUCTING_RADIUS,
    EARTH_KM,
    FREE_SPACE_DB,
    FREQUENCY,
    INLAND,
    IS_TRANS_HORIZON,
    IS_VERTICAL,
    LAND,
    LATITUDE,
    LN10,
    LOCATION,
    LOCATION_SIGMA,
    LOSS,
    LOW_GHZ,
    MEDIAN_PCT,
    MRAD,
    N0,
    N_TERMS,
    PATH,
    RADIUS,
    RESOLUTION,
    ROUGHNESS,
    RX_ANGLE,
    RX_ASL,
    RX_COAST,
    RX_HEIGHT,
    RX_HORIZON,
    SEA,
    SMOOTH_BULLINGTON_50,
    SMOOTH_BULLINGTON_DUCTING,
    SMOOTH_RX,
    SMOOTH_TX,
    TIME,
    TX_ANGLE,
    TX_ASL,
    TX_COAST,
    TX_HEIGHT,
    TX_HORIZON,
    diffraction_terms,
    ducting_incidence_pct,
    effective_radius_km,
    inverse_normal,
    location_sigma_db,
    loss_terms,
    troposcatter_db,
)
from rahdari.kernels.p1812_path import nearest_point, roughness_m
from rahdari.kernels.raster import FIT_DEGREE, HALF, fit_geodesic
from rahdari.kernels.sweep import (
    DB,
    FULL_TURN_DEG,
    farthest_above,
    least_clearance,
    places,
    push,
    read_nearest,
    read_radial,
    seen_from,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Ints

    Float32s = NDArray[np.float32]
    Bytes = NDArray[np.uint8]

#: Rows of the tables by step: distance, its inverse, fall over both Earths, and in the median without path terms:
#: free space over the ground distance, troposcatter at no angle, a floor of the time term of ducting, all dB,
#: and the cube root of the frequency.
X, INVERSE, FALL, FALL_DUCTING, FREE, SCATTER, DUCT_FLOOR, ROOT = range(8)
N_TABLES = 8
#: Rows of the room by point: bare ground, and the heights of three frames, then the corners of four hulls.
GROUND, CLUTTER, BARE_Z, TOP_Z, DUCTING_Z = range(5)
HULLS = 5
N_ROOM = HULLS + 2 * 4
SCATTER_MRAD_DB = 0.573  # P.1812-8 eq. 44
STEEP = 50.0  # m/km from which the series of the arctangent is left
FAR_BELOW_DB = 30.0  # troposcatter this far above the rest adds less than 1e-5 dB
FLOOR_LOG_BETA = -40.0  # below it the linear part of the time term alone exceeds 48 dB
FLOOR_STEPS = 400
FLOOR_SLACK_DB = 1.0  # the term changes by less between two steps of the search


@njit("float64(float64)", cache=True, nogil=True)
def angle_mrad(slope: float) -> float:
    """Return the angle of a slope in m/km, mrad; small ones by the series, to 1e-9."""
    if abs(slope) > STEEP:
        return MRAD * math.atan(slope / MRAD)
    square = slope * slope * 1e-6
    return slope * (1.0 - square * (1.0 / 3.0 - square * (0.2 - square / 7.0)))


@njit("float64(float64, float64, float64)", cache=True, nogil=True)
def duct_time_db(path_km: float, time_pct: float, log_beta: float) -> float:
    """Return the time term of ducting, dB (P.1812-8 eq. 53)."""
    shape = 9.51 - 4.8 * log_beta + 0.198 * log_beta * log_beta
    gamma = 1.076 / math.pow(2.0058 - log_beta, 1.012) * math.exp(-shape * 1e-6 * math.pow(path_km, 1.13))
    log_ratio = math.log10(time_pct) - log_beta
    return -12.0 + (1.2 + 3.7e-3 * path_km) * log_ratio + 12.0 * math.pow(10.0, gamma * log_ratio)


@njit("float64(float64, float64)", cache=True, nogil=True)
def duct_floor_db(path_km: float, latitude_deg: float) -> float:
    """Return a floor, dB, of the median's time term of ducting at a latitude and all farther from the equator.

    Geometry and rough terrain only lower the incidence that the distance gives, and latitude does; so the least over
    all lower incidences is a floor.
    """
    top = math.log10(ducting_incidence_pct(latitude_deg, path_km, path_km))
    least = math.inf
    for i in range(FLOOR_STEPS + 1):
        log_beta = top + (FLOOR_LOG_BETA - top) * (i / FLOOR_STEPS) ** 2  # dense where the term is small
        least = min(least, duct_time_db(path_km, MEDIAN_PCT, log_beta))
    return least - FLOOR_SLACK_DB


@njit("void(float64[::1], int64, float64, float64, float64[:, ::1])", cache=True, nogil=True)
def fill_tables(inputs: Floats, n_steps: int, step_km: float, latitude_deg: float, table: Floats) -> None:
    """Fill ``table`` (N_TABLES, n_steps + 1) from a row of P.1812's inputs and the latitude nearest to the equator."""
    radius, wanted = effective_radius_km(inputs[DELTA_N]), inputs[FREQUENCY]
    for k in range(n_steps + 1):
        x = k * step_km
        table[X, k], table[FALL, k] = x, BULGE_KM_M / radius * x * x
        table[FALL_DUCTING, k] = BULGE_KM_M / (EARTH_KM * DUCTING_K) * x * x
        if k > 0:
            table[INVERSE, k], table[ROOT, k] = 1.0 / x, math.pow(wanted, THIRD)
            table[FREE, k] = FREE_SPACE_DB + 20.0 * math.log10(wanted * x)
            table[SCATTER, k] = troposcatter_db(x, 0.0, wanted, inputs[TIME], inputs[N0])
            table[DUCT_FLOOR, k] = duct_floor_db(x, latitude_deg)


@njit("float64(float64, float64, float64, float64)", cache=True, nogil=True)
def mixed_with_scatter_db(rest_db: float, scatter_db: float, sight_db: float, location_db: float) -> float:
    """Return the basic transmission loss, dB, of all but troposcatter with it, and over locations (eq. 63, 69)."""
    spread_db = scatter_db - rest_db
    if spread_db < FAR_BELOW_DB:
        both_db = 5.0 * math.log1p(math.exp(-0.2 * LN10 * abs(spread_db))) / LN10
        rest_db = min(rest_db, scatter_db) - both_db
    return max(sight_db, rest_db + location_db)


@njit("float64(float64[::1], float64)", cache=True, nogil=True)
def duct_coupling_floor_db(row: Floats, third: float) -> float:
    """Return a floor, dB, of ducting's loss without its time term (P.1812-8 eq. 47 to 52).

    Beyond the horizon it is the loss itself: one logarithm serves the spreading and both shields.  In sight the
    place of the horizon is left open: shields count nothing and angles at most nothing.  ``third`` is f^(1/3).
    """
    f, path_km = row[FREQUENCY], row[PATH]
    tx_km, rx_km = row[TX_HORIZON], row[RX_HORIZON]
    shield, shield_db, low_db = 1.0, 0.0, 0.0
    if row[IS_TRANS_HORIZON] > 0.0:
        tx_over, rx_over = max(row[TX_ANGLE] - 0.1 * tx_km, 0.0), max(row[RX_ANGLE] - 0.1 * rx_km, 0.0)
        shield = (1.0 + 0.361 * tx_over * math.sqrt(f * tx_km)) * (1.0 + 0.361 * rx_over * math.sqrt(f * rx_km))
        shield_db = 0.264 * (tx_over + rx_over) * third
        spread_km = tx_km + rx_km
        angle_mrad = min(row[TX_ANGLE], 0.1 * tx_km) + min(row[RX_ANGLE], 0.1 * rx_km)
    else:
        spread_km = path_km
        angle_mrad = min(row[TX_ANGLE], 0.0) + min(row[RX_ANGLE], 0.0)
    if f < LOW_GHZ:
        low_db = 45.375 - 137.0 * f + 92.5 * f * f
    angle_mrad += MRAD * path_km / row[RADIUS]
    spread_db = 2.0 * DB * math.log(f * spread_km * shield)
    return float(102.45 + spread_db + shield_db + low_db + 5e-5 * row[RADIUS] * third * angle_mrad)


@njit("void(float64[::1], float64[::1], float64[::1], int64, int64, int64, float64)", cache=True, nogil=True)
def complete(x: Floats, height: Floats, row: Floats, k: int, first: int, second: int, latitude_deg: float) -> None:
    """Fill what only ducting and other times than the median need, and every loss; ``first`` 0 in sight.

    Bullington's losses of both Earths are known, the smooth ones are not for the second.
    """
    path_km, wave_m, step_km = row[PATH], WAVE_GHZ_M / row[FREQUENCY], x[1]
    if first == 0:
        bulge = BULGE_KM_M / row[RADIUS]
        first = nearest_point(x[: k + 1], height[: k + 1], row[TX_ASL], row[RX_ASL], bulge)
        second = first
    row[TX_HORIZON], row[RX_HORIZON] = x[first], path_km - x[second]
    row[LATITUDE], row[LAND], row[INLAND] = latitude_deg, path_km, path_km
    row[TX_COAST], row[RX_COAST], row[SEA] = path_km, path_km, 0.0
    row[DUCTING_PCT] = ducting_incidence_pct(latitude_deg, path_km, path_km)
    smooth_tx, smooth_rx = min(row[SMOOTH_TX], height[0]), min(row[SMOOTH_RX], height[k])
    row[DUCT_TX], row[DUCT_RX] = row[TX_ASL] - smooth_tx, row[RX_ASL] - smooth_rx
    row[ROUGHNESS] = roughness_m(x[: k + 1], height[: k + 1], first, second, smooth_tx, smooth_rx)
    tx_m, rx_m = row[TX_ASL] - row[DIFFRACTION_TX], row[RX_ASL] - row[DIFFRACTION_RX]
    row[SMOOTH_BULLINGTON_50] = smooth_bullington_uniform_db(step_km, k, tx_m, rx_m, row[RADIUS], wave_m)
    row[SMOOTH_BULLINGTON_DUCTING] = smooth_bullington_uniform_db(step_km, k, tx_m, rx_m, row[DUCTING_RADIUS], wave_m)
    diffraction_terms(row)
    loss_terms(row)


@njit("float64(float64[::1], float64[:, ::1], int64, float64)", cache=True, nogil=True)
def median_db(row: Floats, table: Floats, k: int, location_db: float) -> float:
    """Return the loss in the median, dB, or NaN where ducting might matter; diffraction over terrain is known.

    The time factor, which Attachment 2's approximation leaves at 1e-4 in the median, counts as zero: below 0.001 dB.
    """
    tx_m, rx_m = row[TX_ASL] - row[DIFFRACTION_TX], row[RX_ASL] - row[DIFFRACTION_RX]
    d, f = row[PATH], row[FREQUENCY]
    rise = (row[TX_ASL] - row[RX_ASL]) * table[INVERSE, k] / MRAD
    sight_db = table[FREE, k] + DB * math.log(1.0 + rise * rise)
    diffraction_db = row[BULLINGTON_50]
    spherical_db = spherical_earth_db(d, tx_m, rx_m, row[RADIUS], f, 0.0, row[IS_VERTICAL])
    if spherical_db > 0.0:
        smooth_db = smooth_bullington_uniform_db(table[X, 1], k, tx_m, rx_m, row[RADIUS], WAVE_GHZ_M / f)
        diffraction_db += max(spherical_db - smooth_db, 0.0)
    rest_db = sight_db + diffraction_db
    if diffraction_db > 0.0 and duct_coupling_floor_db(row, table[ROOT, k]) + table[DUCT_FLOOR, k] <= rest_db:
        return math.nan
    scatter_db = table[SCATTER, k] + SCATTER_MRAD_DB * row[ANGLE]
    return float(mixed_with_scatter_db(rest_db, scatter_db, sight_db, location_db))


@njit(
    "float64(float64[::1], float64[::1], int64[::1], int64, float64[::1], float64[::1], float64[::1], int64, "
    "float64, float64, float64, float64)",
    cache=True,
    nogil=True,
)
def top_db(
    hull_x: Floats,
    hull_z: Floats,
    hull_i: Ints,
    n: int,
    x: Floats,
    z: Floats,
    inverse: Floats,
    k: int,
    tx_m: float,
    rx_z: float,
    steepest: float,
    wave_m: float,
) -> float:
    """Return Bullington's loss, dB, to point ``k`` over the ``n`` corners of a hull of the points before it.

    All heights are in the frame of ``z``, which turns all slopes alike: differences are those over the curved Earth.
    """
    d = x[k]
    line = line_slope(tx_m, rx_z, d)
    if steepest >= line:
        seen = seen_from(hull_x, hull_z, n, d, rx_z)
        rx_slope = (hull_z[seen] - rx_z) * inverse[k - hull_i[seen]]
        return bullington_db(obstructed_nu(steepest, rx_slope, line, d, wave_m), d)
    limit = NU_FREE * NU_FREE * wave_m * inverse[k] / NU_SCALE
    least = least_clearance(hull_i, n, x, z, inverse, k, tx_m, line, limit)
    return bullington_db(clear_nu(least, d, wave_m), d) if least < limit else 0.0


@njit(
    "void(int64, float64[::1], float64[:, ::1], float64[::1], float64, float64, uint8[::1], float64[:, ::1], "
    "int64[:, ::1], float32[::1])",
    cache=True,
    nogil=True,
)
def p1812_radial(  # noqa: C901, PLR0912, PLR0915
    n: int,
    row: Floats,
    table: Floats,
    latitude_deg: Floats,
    is_clutter: float,
    location_unit_db: float,
    is_wanted: Bytes,
    room: Floats,
    corner: Ints,
    out: Float32s,
) -> None:
    """Fill ``out`` (n + 1,) with the basic transmission loss, dB, to points 1 to n of a radial.

    ``row`` holds P.1812's inputs; ``latitude_deg`` (n + 1,) the middle of each path; rows GROUND and CLUTTER of
    ``room`` the profile.  ``location_unit_db`` is the loss per decibel of deviation over locations.  Points not wanted
    are left as they are.  One long function: cut in parts it passes a dozen arrays a point, at half the speed.
    """
    x, inverse, fall, fall_ducting = table[X], table[INVERSE], table[FALL], table[FALL_DUCTING]
    height, clutter, bare_z, top_z, duct_z = room[GROUND], room[CLUTTER], room[BARE_Z], room[TOP_Z], room[DUCTING_Z]
    raw_x, raw_h, bare_x, bare_h = room[HULLS], room[HULLS + 1], room[HULLS + 2], room[HULLS + 3]
    top_x, top_h, duct_x, duct_h = room[HULLS + 4], room[HULLS + 5], room[HULLS + 6], room[HULLS + 7]
    raw_i, bare_i, top_i, duct_i = corner[0], corner[1], corner[2], corner[3]
    n_raw, n_bare, n_top, n_duct = 0, 0, 0, 0
    is_median, wave_m = row[TIME] >= MEDIAN_PCT, WAVE_GHZ_M / row[FREQUENCY]
    bulge, step = BULGE_KM_M / row[RADIUS], x[1]
    tx_m = height[0] + row[TX_HEIGHT]
    row[TX_ASL] = tx_m
    flat_tx, fall_tx, top_tx, duct_tx, first, v1, v2 = -math.inf, -math.inf, -math.inf, -math.inf, 0, 0.0, 0.0
    for k in range(1, n + 1):
        d, ground = x[k], height[k]
        rx_m = ground + row[RX_HEIGHT]
        bare_z[k] = ground - fall[k]
        v1 += step * (ground + height[k - 1])
        v2 += step * (ground * (2.0 * d + x[k - 1]) + height[k - 1] * (d + 2.0 * x[k - 1]))
        if k == 1:
            rise = (rx_m - tx_m) * inverse[1] / MRAD
            out[k] = table[FREE, k] + DB * math.log(1.0 + rise * rise)
        elif is_wanted[k]:
            row[PATH], row[RX_ASL] = d, rx_m
            line, rx_z = line_slope(tx_m, rx_m, d), bare_z[k] + row[RX_HEIGHT]
            second, far = 0, bulge * d
            tx_slope, rx_slope = line - far, -line - far
            row[IS_TRANS_HORIZON] = 0.0
            if fall_tx > line - far:
                row[IS_TRANS_HORIZON] = 1.0
                seen = seen_from(bare_x, bare_h, n_bare, d, rx_z)
                second = bare_i[seen]
                tx_slope, rx_slope = fall_tx, (bare_h[seen] - rx_z) * inverse[k - second] - 2.0 * far
                row[TX_HORIZON], row[RX_HORIZON] = x[first], d - x[second]
            row[TX_ANGLE], row[RX_ANGLE] = angle_mrad(tx_slope), angle_mrad(rx_slope)
            row[ANGLE] = MRAD * d / row[RADIUS] + row[TX_ANGLE] + row[RX_ANGLE]
            smooth_tx, smooth_rx = (2.0 * v1 * d - v2) * inverse[k] ** 2, (v2 - v1 * d) * inverse[k] ** 2
            row[SMOOTH_TX], row[SMOOTH_RX] = smooth_tx, smooth_rx
            seen = farthest_above(raw_x, raw_h, n_raw, line)
            over_m = raw_h[seen] - tx_m - line * raw_x[seen]
            if over_m > 0.0:
                seen = seen_from(raw_x, raw_h, n_raw, d, rx_m)
                flat_rx = (raw_h[seen] - rx_m) * inverse[k - raw_i[seen]]
                share = (flat_tx - line) / (flat_tx + flat_rx)
                smooth_tx -= over_m * share
                smooth_rx -= over_m * (1.0 - share)
            row[DIFFRACTION_TX], row[DIFFRACTION_RX] = min(smooth_tx, height[0]), min(smooth_rx, ground)
            if is_clutter > 0.0:
                row[BULLINGTON_50] = top_db(
                    top_x, top_h, top_i, n_top, x, top_z, inverse, k, tx_m, rx_z, top_tx, wave_m
                )
            elif second > 0:
                nu = obstructed_nu(tx_slope + far, rx_slope + far, line, d, wave_m)
                row[BULLINGTON_50] = bullington_db(nu, d)
            else:
                limit = NU_FREE * NU_FREE * wave_m * inverse[k] / NU_SCALE
                least = least_clearance(bare_i, n_bare, x, bare_z, inverse, k, tx_m, line - far, limit)
                row[BULLINGTON_50] = bullington_db(clear_nu(least, d, wave_m), d) if least < limit else 0.0
            loss_db = math.nan
            if is_median:
                row[BULLINGTON_DUCTING] = row[BULLINGTON_50]  # the median does not ask for it
                location_db = 0.0
                if location_unit_db != 0.0:
                    sigma_db = location_sigma_db(row[FREQUENCY], row[RX_HEIGHT], clutter[k], row[RESOLUTION])
                    location_db = location_unit_db * sigma_db
                loss_db = median_db(row, table, k, location_db)
            else:
                duct_rx = rx_m - fall_ducting[k]
                row[BULLINGTON_DUCTING] = top_db(
                    duct_x, duct_h, duct_i, n_duct, x, duct_z, inverse, k, tx_m, duct_rx, duct_tx, wave_m
                )
            if math.isnan(loss_db):
                row[LOCATION_SIGMA] = location_sigma_db(row[FREQUENCY], row[RX_HEIGHT], clutter[k], row[RESOLUTION])
                complete(x, height, row, k, first if second > 0 else 0, second, latitude_deg[k])
                loss_db = row[LOSS]
            out[k] = loss_db
        from_tx = (ground - tx_m) * inverse[k]
        flat_tx = max(flat_tx, from_tx)
        if from_tx - bulge * d > fall_tx:
            fall_tx, first = from_tx - bulge * d, k
        n_raw = push(raw_x, raw_h, raw_i, n_raw, x, height, k)
        n_bare = push(bare_x, bare_h, bare_i, n_bare, x, bare_z, k)
        if is_clutter > 0.0:
            top_z[k] = bare_z[k] + clutter[k]
            top_tx = max(top_tx, (top_z[k] - tx_m) * inverse[k])
            n_top = push(top_x, top_h, top_i, n_top, x, top_z, k)
        if not is_median:
            duct_z[k] = ground + clutter[k] - fall_ducting[k]
            duct_tx = max(duct_tx, (duct_z[k] - tx_m) * inverse[k])
            n_duct = push(duct_x, duct_h, duct_i, n_duct, x, duct_z, k)


@njit(
    "void(float32[:, ::1], float64[::1], float32[:, ::1], float64[::1], float64[::1], float64[::1], float64[:, ::1], "
    "uint8[:, ::1], float32[:, ::1])",
    cache=True,
    nogil=True,
)
def p1812_sweep(
    value: Float32s,
    grid: Floats,
    clutter: Float32s,
    clutter_grid: Floats,
    site: Floats,
    inputs: Floats,
    table: Floats,
    is_wanted: Bytes,
    out: Float32s,
) -> None:
    """Fill ``out`` (radials, n_steps + 1) with the basic transmission loss of P.1812, dB; NaN off the grid.

    ``site``: longitude and latitude, degrees.  ``inputs`` (N_INPUTS,) is a row of P.1812's inputs, whose latitude and
    zones are replaced; ``table`` comes from ``fill_tables``.  ``clutter`` heights, m, are read from the nearest cell; a
    grid of no rows is none.  Radials leave at equal angles, the first to the north, clockwise.
    """
    n_radials, n_steps = out.shape[0], out.shape[1] - 1
    is_clutter = 1.0 if clutter.shape[0] > 0 else 0.0
    row = np.zeros(N_TERMS)
    row[: inputs.size] = inputs
    row[RADIUS], row[DUCTING_RADIUS] = effective_radius_km(inputs[DELTA_N]), EARTH_KM * DUCTING_K
    location_unit_db = 0.0 if inputs[LOCATION] == MEDIAN_PCT else -inverse_normal(inputs[LOCATION] / 100.0)
    power, at_row, at_column = np.empty((2, FIT_DEGREE + 1)), np.empty(n_steps + 1), np.empty(n_steps + 1)
    latitude_deg = np.empty(n_steps + 1)
    room, corner = np.zeros((N_ROOM, n_steps + 1)), np.empty((4, n_steps + 1), np.int64)
    for r in range(n_radials):
        fit_geodesic(site[0], site[1], FULL_TURN_DEG * r / n_radials, n_steps * table[X, 1] * MRAD, power)
        places(power, n_steps, grid, at_row, at_column)
        n = read_radial(value, n_steps, at_row, at_column, room[GROUND])
        for k in range(n_steps + 1):
            latitude_deg[k] = 0.5 * (site[1] + grid[1] - (at_row[k] + HALF) * grid[3])
        if is_clutter > 0.0:
            places(power, n_steps, clutter_grid, at_row, at_column)
            n = min(n, read_nearest(clutter, n_steps, at_row, at_column, room[CLUTTER]))
        p1812_radial(n, row, table, latitude_deg, is_clutter, location_unit_db, is_wanted[r], room, corner, out[r])
        out[r, n + 1 :] = math.nan
