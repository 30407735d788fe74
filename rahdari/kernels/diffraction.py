"""Diffraction over terrain in scalar formulas: Bullington's edge, the smooth Earth and what both make together.

Every function is one plain formula over numbers or over one profile, without allocation, so that the same source is
compiled for the processor here and for a graphics card in ``p1812_cuda``.  Names a caller that walks a radial wants:

* a path's slopes: ``line_slope``, then ``obstructed_nu`` (some point reaches the line) or ``clear_nu`` (none does),
  and ``bullington_db`` of either;
* the smooth path: ``smooth_bullington_db`` over a profile's points, ``smooth_bullington_uniform_db`` over equal steps;
* ``spherical_earth_db`` and ``delta_bullington_db``.

Heights are metres, distances kilometres, slopes metres a kilometre; ``bulge`` is 500 / effective Earth radius, so that
the Earth rises ``bulge * x * (d - x)`` metres at x of a path d long.
Sources: Recommendation ITU-R P.526-15 section 4.5 and P.1812-8 section 4.3; equation numbers are P.1812's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats

WAVE_GHZ_M = 0.2998  # P.1812-8 section 4.3.1: speed of light as the Recommendation rounds it
BULGE_KM_M = 500.0  # half of 1,000 m a km
NU_SCALE = 0.002  # eq. 15: 2 over 1,000 m a km
NU_FREE = -0.78  # eq. 12: below it an edge costs nothing
EDGE_OFFSET_DB = 6.9  # same
NU_SHIFT = 0.1  # same
TAPER_DB = 6.0  # eq. 21
EXTRA_DB = 10.0  # same
EXTRA_DB_PER_KM = 0.02  # same
LAND_PERMITTIVITY, LAND_S_PER_M = 22.0, 0.003  # section 4.3.3
SEA_PERMITTIVITY, SEA_S_PER_M = 80.0, 5.0  # same
FULL_CLEARANCE = 17.456  # eq. 25
HIGH_ANTENNA, FAR_PATH = 2.0, 1.6  # eq. 35 and 33: normalised height and distance from which the asymptotes hold
THIRD = 1.0 / 3.0
DB = 10.0 / math.log(10.0)  # decibels a neper of power
GROUND_GAIN = 10.0**0.1  # eq. 35: 2 dB over the admittance


@njit("float64(float64)", cache=True)
def knife_edge_db(nu: float) -> float:
    """Return the loss of one knife edge, dB, from its diffraction parameter (eq. 12)."""
    if nu <= NU_FREE:
        return 0.0
    away = nu - NU_SHIFT
    return EDGE_OFFSET_DB + 2.0 * DB * math.log(math.sqrt(away * away + 1.0) + away)


@njit("float64(float64, float64)", cache=True)
def bullington_db(nu: float, path_km: float) -> float:
    """Return Bullington's loss, dB, from the edge's parameter (eq. 21)."""
    edge_db = knife_edge_db(nu)
    return edge_db + (1.0 - math.exp(-edge_db / TAPER_DB)) * (EXTRA_DB + EXTRA_DB_PER_KM * path_km)


@njit("float64(float64, float64, float64)", cache=True)
def line_slope(tx_m: float, rx_m: float, path_km: float) -> float:
    """Return the slope of the line between the antennas, m/km (eq. 14); heights above one level."""
    return (rx_m - tx_m) / path_km


@njit("float64(float64, float64, float64, float64, float64)", cache=True)
def obstructed_nu(tx_slope: float, rx_slope: float, line: float, path_km: float, wave_m: float) -> float:
    """Return the parameter of Bullington's edge, where a point reaches the line between the antennas (eq. 18 to 20).

    ``tx_slope`` is the steepest from the transmitter to a point, Earth's bulge included, ``rx_slope`` that from the
    receiver, ``line`` the line's.  With a = tx_slope - line and b = rx_slope + line the edge stands at d b / (a + b),
    d a b / (a + b) above the line, and eq. 20 becomes sqrt(0.002 d a b / wave): no division that could fail.
    """
    return math.sqrt(NU_SCALE * path_km * max(tx_slope - line, 0.0) * max(rx_slope + line, 0.0) / wave_m)


@njit("float64(float64, float64, float64)", cache=True)
def clear_nu(clearance: float, path_km: float, wave_m: float) -> float:
    """Return the greatest parameter of a path whose points all stay below the line (eq. 15).

    ``clearance`` is the least of e^2 / (x (d - x)) over the points, e the depth below the line in metres.
    """
    return -math.sqrt(NU_SCALE * path_km * clearance / wave_m)


@njit("float64(float64, float64, float64, float64, float64, float64)", cache=True)
def _smooth_clearance(x: float, path_km: float, tx_m: float, rx_m: float, bulge: float, span: float) -> float:
    """Return e^2 / (x (d - x)) at ``x`` of a smooth path, ``span`` being d - x."""
    below = bulge * x * span - (tx_m * span + rx_m * x) / path_km
    return below * below / (x * span)


@njit("float64(float64, float64, float64, float64, float64)", cache=True)
def _smooth_turn(x: float, path_km: float, tx_m: float, rx_m: float, bulge: float) -> float:
    """Return a number that falls along a smooth path and is zero where its points come nearest to the line.

    With x = d sin(t)^2 the parameter is a concave function of t, so that only one such place exists.
    """
    return bulge * path_km * (path_km - 2.0 * x) + tx_m * path_km / x - rx_m * path_km / (path_km - x)


@njit("float64(float64, float64, float64, float64, float64, float64)", cache=True)
def _smooth_slope(x: float, other: float, path_km: float, tx_m: float, bulge: float, is_rx: float) -> float:
    """Return the steeper of the slopes to two points of a smooth path from an antenna, m/km."""
    if is_rx > 0.0:
        x, other = path_km - x, path_km - other
    return max(bulge * (path_km - x) - tx_m / x, bulge * (path_km - other) - tx_m / other)


@njit("int64(float64[::1], float64)", cache=True)
def _last_up_to(distance_km: Floats, x: float) -> int:
    """Return the last inner point at or before ``x``, or the last but one where both neighbours are wanted."""
    low, high = 1, distance_km.size - 2
    while high - low > 1:
        middle = (low + high) // 2
        if distance_km[middle] <= x:
            low = middle
        else:
            high = middle
    return low


@njit("float64(float64[::1], float64, float64, float64, float64)", cache=True)
def smooth_bullington_db(distance_km: Floats, tx_m: float, rx_m: float, radius_km: float, wave_m: float) -> float:
    """Return Bullington's loss, dB, over a smooth Earth seen at a profile's points (section 4.3.4).

    ``tx_m`` and ``rx_m``, above zero, are the heights over the smooth surface.  The steepest slope and the least
    clearance each have one turn along the path, so that the best point is beside it: found by halving, not by a walk.
    """
    last = distance_km.size - 2
    path_km = distance_km[last + 1]
    bulge = BULGE_KM_M / radius_km
    line = line_slope(tx_m, rx_m, path_km)
    i = _last_up_to(distance_km, math.sqrt(tx_m / bulge))
    tx_slope = _smooth_slope(distance_km[i], distance_km[min(i + 1, last)], path_km, tx_m, bulge, 0.0)
    if tx_slope >= line:
        i = _last_up_to(distance_km, path_km - math.sqrt(rx_m / bulge))
        rx_slope = _smooth_slope(distance_km[i], distance_km[min(i + 1, last)], path_km, rx_m, bulge, 1.0)
        return bullington_db(obstructed_nu(tx_slope, rx_slope, line, path_km, wave_m), path_km)
    low, high = 1, last
    while high - low > 1:
        middle = (low + high) // 2
        if _smooth_turn(distance_km[middle], path_km, tx_m, rx_m, bulge) >= 0.0:
            low = middle
        else:
            high = middle
    left, right = distance_km[low], distance_km[high]
    clearance = min(
        _smooth_clearance(left, path_km, tx_m, rx_m, bulge, path_km - left),
        _smooth_clearance(right, path_km, tx_m, rx_m, bulge, path_km - right),
    )
    return bullington_db(clear_nu(clearance, path_km, wave_m), path_km)


@njit("float64(float64, int64, float64, float64, float64, float64)", cache=True)
def smooth_bullington_uniform_db(
    step_km: float, n_steps: int, tx_m: float, rx_m: float, radius_km: float, wave_m: float
) -> float:
    """Return what ``smooth_bullington_db`` gives for points at 0, step, ... n_steps * step; at least two steps."""
    last = n_steps - 1
    path_km = step_km * n_steps
    bulge = BULGE_KM_M / radius_km
    line = line_slope(tx_m, rx_m, path_km)
    i = min(max(int(math.sqrt(tx_m / bulge) / step_km), 1), last)
    tx_slope = _smooth_slope(step_km * i, step_km * min(i + 1, last), path_km, tx_m, bulge, 0.0)
    if tx_slope >= line:
        i = min(max(int(math.sqrt(rx_m / bulge) / step_km), 1), last)
        rx_slope = _smooth_slope(step_km * i, step_km * min(i + 1, last), path_km, rx_m, bulge, 0.0)
        return bullington_db(obstructed_nu(tx_slope, rx_slope, line, path_km, wave_m), path_km)
    low, high, stride = 1, last, 1
    while high - stride > 1:  # the place lies near the lower antenna, mostly the receiver's: growing steps bracket it
        if _smooth_turn(step_km * (high - stride), path_km, tx_m, rx_m, bulge) >= 0.0:
            low = high - stride
            break
        high -= stride
        stride *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if _smooth_turn(step_km * middle, path_km, tx_m, rx_m, bulge) >= 0.0:
            low = middle
        else:
            high = middle
    clearance = min(
        _smooth_clearance(step_km * low, path_km, tx_m, rx_m, bulge, step_km * (n_steps - low)),
        _smooth_clearance(step_km * high, path_km, tx_m, rx_m, bulge, step_km * (n_steps - high)),
    )
    return bullington_db(clear_nu(clearance, path_km, wave_m), path_km)


@njit("float64(float64, float64)", cache=True)
def _height_gain(normal_height: float, floor: float) -> float:
    """Return the height gain of a low antenna over a spherical Earth as a ratio (eq. 35), not below the ground's own.

    A high antenna's is one here and ``_high_gain_db`` there: so both antennas, and the distance, share a logarithm.
    """
    if normal_height > HIGH_ANTENNA:
        return 1.0
    return max(normal_height + 0.1 * normal_height * normal_height * normal_height, floor)


@njit("float64(float64, float64)", cache=True)
def _high_gain_db(normal_height: float, floor: float) -> float:
    """Return the height gain of a high antenna over a spherical Earth, dB (eq. 35), zero for a low one."""
    if normal_height <= HIGH_ANTENNA:
        return 0.0
    over = normal_height - 1.1
    gain_db = 17.6 * math.sqrt(over) - 0.5 * DB * math.log(over) - 8.0
    return gain_db if floor < 1.0 else max(gain_db, 2.0 * DB * math.log(floor))


@njit("float64(float64, float64, float64, float64, float64, float64, float64, float64)", cache=True)
def first_term_ground_db(
    permittivity: float,
    conductivity_s_per_m: float,
    path_km: float,
    tx_m: float,
    rx_m: float,
    radius_km: float,
    frequency_ghz: float,
    is_vertical: float,
) -> float:
    """Return the first term of spherical-Earth diffraction over one ground, dB (eq. 29 to 36)."""
    root = (radius_km * frequency_ghz) ** THIRD
    loss2 = (18.0 * conductivity_s_per_m / frequency_ghz) ** 2
    admittance = 0.036 / (root * math.sqrt(math.sqrt((permittivity - 1.0) ** 2 + loss2)))
    if is_vertical > 0.0:
        admittance *= math.sqrt(permittivity * permittivity + loss2)
    square = admittance * admittance
    beta = (1.0 + 1.6 * square + 0.67 * square * square) / (1.0 + 4.5 * square + 1.53 * square * square)
    # (f / a^2)^(1/3) and (f^2 / a)^(1/3) by the one root of a f.
    x = 21.88 * beta * root / radius_km * path_km
    scale = 0.9575 * beta * beta * root * root / radius_km
    floor = GROUND_GAIN * admittance
    low = _height_gain(scale * tx_m, floor) * _height_gain(scale * rx_m, floor)
    high_db = _high_gain_db(scale * tx_m, floor) + _high_gain_db(scale * rx_m, floor)
    log_x = math.log(x)
    # Logarithms and powers are most of the time here: natural ones, as few as there can be.
    if x >= FAR_PATH:
        return float(17.6 * x - 11.0 - DB * (log_x + 2.0 * math.log(low)) - high_db)
    return float(5.6488 * math.exp(1.425 * log_x) + 2.0 * DB * (log_x - math.log(low)) - high_db)


@njit("float64(float64, float64, float64, float64, float64, float64, float64)", cache=True)
def first_term_db(
    path_km: float,
    tx_m: float,
    rx_m: float,
    radius_km: float,
    frequency_ghz: float,
    sea_frac: float,
    is_vertical: float,
) -> float:
    """Return the first term over land and sea in their shares, dB (eq. 28)."""
    total_db = 0.0
    if sea_frac < 1.0:
        total_db += (1.0 - sea_frac) * first_term_ground_db(
            LAND_PERMITTIVITY, LAND_S_PER_M, path_km, tx_m, rx_m, radius_km, frequency_ghz, is_vertical
        )
    if sea_frac > 0.0:
        total_db += sea_frac * first_term_ground_db(
            SEA_PERMITTIVITY, SEA_S_PER_M, path_km, tx_m, rx_m, radius_km, frequency_ghz, is_vertical
        )
    return total_db


@njit("float64(float64, float64, float64, float64, float64, float64, float64)", cache=True)
def spherical_earth_db(
    path_km: float,
    tx_m: float,
    rx_m: float,
    radius_km: float,
    frequency_ghz: float,
    sea_frac: float,
    is_vertical: float,
) -> float:
    """Return the spherical-Earth diffraction loss, dB (section 4.3.2); antenna heights above zero over the surface."""
    roots = math.sqrt(tx_m) + math.sqrt(rx_m)
    sight_km = math.sqrt(2.0 * radius_km) * math.sqrt(0.001) * roots  # eq. 22
    if path_km >= sight_km:
        return first_term_db(path_km, tx_m, rx_m, radius_km, frequency_ghz, sea_frac, is_vertical)
    c = (tx_m - rx_m) / (tx_m + rx_m)
    m = 250.0 * path_km * path_km / (radius_km * (tx_m + rx_m))
    turn = min(max(1.5 * c * math.sqrt(3.0 * m / (m + 1.0) ** 3), -1.0), 1.0)  # eq. 24c, within acos
    b = 2.0 * math.sqrt((m + 1.0) / (3.0 * m)) * math.cos((math.pi + math.acos(turn)) * THIRD)
    near_km = min(max(0.5 * path_km * (1.0 + b), 0.0), path_km)
    far_km = path_km - near_km
    bulge = BULGE_KM_M / radius_km
    clearance_m = ((tx_m - bulge * near_km**2) * far_km + (rx_m - bulge * far_km**2) * near_km) / path_km  # eq. 23
    wanted_m = FULL_CLEARANCE * math.sqrt(near_km * far_km * WAVE_GHZ_M / (frequency_ghz * path_km))
    if clearance_m > wanted_m:
        return 0.0
    grazing_km = BULGE_KM_M * (path_km / roots) ** 2  # eq. 26: radius at which the path just grazes
    first_db = first_term_db(path_km, tx_m, rx_m, grazing_km, frequency_ghz, sea_frac, is_vertical)
    return (1.0 - clearance_m / wanted_m) * max(first_db, 0.0)


@njit("float64(float64, float64, float64)", cache=True)
def delta_bullington_db(actual_db: float, smooth_db: float, spherical_db: float) -> float:
    """Return the complete diffraction loss, dB (eq. 39), from Bullington's over terrain, over smooth, and spherical."""
    return actual_db + max(spherical_db - smooth_db, 0.0)
