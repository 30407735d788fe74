"""Profiles for Recommendation ITU-R P.1812-8: zones, horizons, smooth surface, Bullington's slopes, and the batch.

Profiles lie one after another in flat arrays: profile k is ``[offset[k], offset[k + 1])``; no padding.  Distances are
kilometres from the transmitter, the first zero.  Equation numbers are those of P.1812-8, Annex.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.diffraction import (
    BULGE_KM_M,
    WAVE_GHZ_M,
    bullington_db,
    clear_nu,
    line_slope,
    obstructed_nu,
    smooth_bullington_db,
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
    FREQUENCY,
    INLAND,
    IS_TRANS_HORIZON,
    LAND,
    LATITUDE,
    LOCATION_SIGMA,
    LOSS,
    MRAD,
    N_INPUTS,
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
    TX_ANGLE,
    TX_ASL,
    TX_COAST,
    TX_HEIGHT,
    TX_HORIZON,
    ZONE_INLAND,
    ZONE_SEA,
    diffraction_terms,
    ducting_incidence_pct,
    effective_radius_km,
    location_sigma_db,
    loss_terms,
)

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Int32s, Ints


@njit("UniTuple(float64, 4)(float64[::1], int32[::1])", cache=True)
def zone_lengths(distance_km: Floats, zone: Int32s) -> tuple[float, float, float, float]:
    """Return km of sea, of the longest land and the longest inland section, and from the first point to the sea.

    A point stands for the path up to the middles towards its neighbours.
    """
    last = distance_km.size - 1
    sea, land, inland, run_land, run_inland, coast = 0.0, 0.0, 0.0, 0.0, 0.0, -1.0
    for i in range(last + 1):
        length = 0.5 * (distance_km[min(i + 1, last)] - distance_km[max(i - 1, 0)])
        if zone[i] == ZONE_SEA:
            if coast < 0.0:
                coast = run_land
            sea += length
            run_land = 0.0
        else:
            run_land += length
        run_inland = run_inland + length if zone[i] == ZONE_INLAND else 0.0
        land, inland = max(land, run_land), max(inland, run_inland)
    return sea, land, inland, coast if coast >= 0.0 else run_land


@njit("float64(float64[::1], int32[::1])", cache=True)
def last_coast_km(distance_km: Floats, zone: Int32s) -> float:
    """Return km from the last point back to the sea, or the whole path where there is none."""
    last = distance_km.size - 1
    length = 0.0
    for i in range(last, -1, -1):
        if zone[i] == ZONE_SEA:
            return length
        length += 0.5 * (distance_km[min(i + 1, last)] - distance_km[max(i - 1, 0)])
    return length


@njit("void(float64[::1], int32[::1], float64[::1])", cache=True)
def zone_terms(distance_km: Floats, zone: Int32s, row: Floats) -> None:
    """Fill what the zones decide; no zones at all is inland throughout (sections 3.3 to 3.6)."""
    path_km = distance_km[distance_km.size - 1]
    row[PATH] = path_km
    sea_km, land_km, inland_km, tx_coast_km, rx_coast_km = 0.0, path_km, path_km, path_km, path_km
    if zone.size > 0:
        sea_km, land_km, inland_km, tx_coast_km = zone_lengths(distance_km, zone)
        rx_coast_km = last_coast_km(distance_km, zone)
    row[SEA] = min(sea_km / path_km, 1.0)
    row[LAND], row[INLAND] = land_km, inland_km
    if row[TX_COAST] < 0.0:
        row[TX_COAST] = tx_coast_km
    if row[RX_COAST] < 0.0:
        row[RX_COAST] = rx_coast_km
    row[DUCTING_PCT] = ducting_incidence_pct(row[LATITUDE], land_km, inland_km)
    row[RADIUS] = effective_radius_km(row[DELTA_N])
    row[DUCTING_RADIUS] = EARTH_KM * DUCTING_K


@njit("UniTuple(float64, 2)(float64[::1], float64[::1])", cache=True)
def smooth_heights(distance_km: Floats, height_m: Floats) -> tuple[float, float]:
    """Return the heights of the smooth surface of best fit at both ends (eq. 85 to 88)."""
    v1, v2 = 0.0, 0.0
    for i in range(1, distance_km.size):
        near, far, low, high = distance_km[i - 1], distance_km[i], height_m[i - 1], height_m[i]
        step = far - near
        v1 += step * (high + low)
        v2 += step * (high * (2.0 * far + near) + low * (far + 2.0 * near))
    path_km = distance_km[distance_km.size - 1]
    return (2.0 * v1 * path_km - v2) / path_km**2, (v2 - v1 * path_km) / path_km**2


@njit(
    "UniTuple(float64, 5)(float64[::1], float64[::1], float64, float64, float64)", cache=True, fastmath={"nnan", "nsz"}
)
def terrain_slopes(
    distance_km: Floats, height_m: Floats, tx_asl_m: float, rx_asl_m: float, bulge: float
) -> tuple[float, float, float, float, float]:
    """Return the steepest slopes, m/km, to bare terrain and the highest point over the line between the antennas.

    In order: from the transmitter and the receiver over a flat Earth, the same under the horizon's fall (eq. 76, 82),
    and the height over the line (eq. 89a).
    """
    path_km = distance_km[distance_km.size - 1]
    line = line_slope(tx_asl_m, rx_asl_m, path_km)
    flat_tx, flat_rx, fall_tx, fall_rx, over = -math.inf, -math.inf, -math.inf, -math.inf, -math.inf
    for i in range(1, distance_km.size - 1):
        x = distance_km[i]
        span = path_km - x
        from_tx = (height_m[i] - tx_asl_m) / x
        from_rx = (height_m[i] - rx_asl_m) / span
        flat_tx = max(flat_tx, from_tx)
        flat_rx = max(flat_rx, from_rx)
        fall_tx = max(fall_tx, from_tx - bulge * x)
        fall_rx = max(fall_rx, from_rx - bulge * span)
        over = max(over, height_m[i] - tx_asl_m - line * x)
    return flat_tx, flat_rx, fall_tx, fall_rx, over


@njit(
    "UniTuple(float64, 4)(float64[::1], float64[::1], float64[::1], float64, float64, float64, float64)",
    cache=True,
    fastmath={"nnan", "nsz"},
)
def surface_slopes(
    distance_km: Floats,
    height_m: Floats,
    clutter_m: Floats,
    tx_asl_m: float,
    rx_asl_m: float,
    bulge: float,
    ducting_bulge: float,
) -> tuple[float, float, float, float]:
    """Return the steepest slopes, m/km, to terrain with clutter from both ends, for both Earths (eq. 13, 17).

    In order: transmitter and receiver by ``bulge``, then by ``ducting_bulge``.
    """
    path_km = distance_km[distance_km.size - 1]
    tx, rx, ducting_tx, ducting_rx = -math.inf, -math.inf, -math.inf, -math.inf
    for i in range(1, distance_km.size - 1):
        x = distance_km[i]
        span = path_km - x
        top = height_m[i] + clutter_m[i]
        from_tx = (top - tx_asl_m) / x
        from_rx = (top - rx_asl_m) / span
        tx = max(tx, from_tx + bulge * span)
        rx = max(rx, from_rx + bulge * x)
        ducting_tx = max(ducting_tx, from_tx + ducting_bulge * span)
        ducting_rx = max(ducting_rx, from_rx + ducting_bulge * x)
    return tx, rx, ducting_tx, ducting_rx


@njit(
    "float64(float64[::1], float64[::1], float64[::1], float64, float64, float64)", cache=True, fastmath={"nnan", "nsz"}
)
def surface_clearance(
    distance_km: Floats, height_m: Floats, clutter_m: Floats, tx_asl_m: float, rx_asl_m: float, bulge: float
) -> float:
    """Return the least of e^2 / (x (d - x)) over the points, e the depth below the line (see ``clear_nu``)."""
    path_km = distance_km[distance_km.size - 1]
    line = line_slope(tx_asl_m, rx_asl_m, path_km)
    least = math.inf
    for i in range(1, distance_km.size - 1):
        x = distance_km[i]
        area = x * (path_km - x)
        below = height_m[i] + clutter_m[i] - tx_asl_m - line * x + bulge * area
        least = min(least, below * below / area)
    return least


@njit(
    "float64(float64[::1], float64[::1], float64[::1], float64, float64, float64, float64, float64, float64)",
    cache=True,
)
def surface_bullington_db(
    distance_km: Floats,
    height_m: Floats,
    clutter_m: Floats,
    tx_asl_m: float,
    rx_asl_m: float,
    bulge: float,
    tx_slope: float,
    rx_slope: float,
    wave_m: float,
) -> float:
    """Return Bullington's loss, dB, over terrain with clutter, its slopes being known (eq. 13 to 21)."""
    path_km = distance_km[distance_km.size - 1]
    line = line_slope(tx_asl_m, rx_asl_m, path_km)
    if tx_slope >= line:
        return bullington_db(obstructed_nu(tx_slope, rx_slope, line, path_km, wave_m), path_km)
    clearance = surface_clearance(distance_km, height_m, clutter_m, tx_asl_m, rx_asl_m, bulge)
    return bullington_db(clear_nu(clearance, path_km, wave_m), path_km)


@njit("UniTuple(int64, 2)(float64[::1], float64[::1], float64, float64, float64)", cache=True)
def horizon_points(
    distance_km: Floats, height_m: Floats, tx_asl_m: float, rx_asl_m: float, bulge: float
) -> tuple[int, int]:
    """Return the points of both horizons beyond sight, each the nearest to its antenna among equals (eq. 80, 83)."""
    path_km = distance_km[distance_km.size - 1]
    tx, rx, tx_slope, rx_slope = 1, 1, -math.inf, -math.inf
    for i in range(1, distance_km.size - 1):
        x = distance_km[i]
        span = path_km - x
        from_tx = (height_m[i] - tx_asl_m) / x - bulge * x
        from_rx = (height_m[i] - rx_asl_m) / span - bulge * span
        if from_tx > tx_slope:
            tx_slope, tx = from_tx, i
        if from_rx >= rx_slope:
            rx_slope, rx = from_rx, i
    return tx, rx


@njit("int64(float64[::1], float64[::1], float64, float64, float64)", cache=True)
def nearest_point(distance_km: Floats, height_m: Floats, tx_asl_m: float, rx_asl_m: float, bulge: float) -> int:
    """Return the point of a path in sight with the greatest diffraction parameter, the last among equals (eq. 81)."""
    path_km = distance_km[distance_km.size - 1]
    line = line_slope(tx_asl_m, rx_asl_m, path_km)
    at, least = 1, math.inf
    for i in range(1, distance_km.size - 1):
        x = distance_km[i]
        area = x * (path_km - x)
        below = height_m[i] - tx_asl_m - line * x + bulge * area
        value = below * below / area
        if value <= least:
            least, at = value, i
    return at


@njit("float64(float64[::1], float64[::1], int64, int64, float64, float64)", cache=True)
def roughness_m(
    distance_km: Floats, height_m: Floats, first: int, last: int, smooth_tx_m: float, smooth_rx_m: float
) -> float:
    """Return the greatest height over the smooth surface between both horizons, m (eq. 95)."""
    slope = (smooth_rx_m - smooth_tx_m) / distance_km[distance_km.size - 1]
    most = -math.inf
    for i in range(min(first, last), max(first, last) + 1):
        most = max(most, height_m[i] - smooth_tx_m - slope * distance_km[i])
    return most


@njit("void(float64[::1], float64[::1], float64[::1])", cache=True)
def terrain_terms(distance_km: Floats, height_m: Floats, row: Floats) -> None:
    """Fill horizons, smooth surface and roughness from bare terrain (Attachment 1)."""
    last = distance_km.size - 1
    path_km, tx_m, rx_m = row[PATH], height_m[0] + row[TX_HEIGHT], height_m[last] + row[RX_HEIGHT]
    row[TX_ASL], row[RX_ASL] = tx_m, rx_m
    bulge = BULGE_KM_M / row[RADIUS]
    line = line_slope(tx_m, rx_m, path_km)
    flat_tx, flat_rx, tx_slope, rx_slope, over_m = terrain_slopes(distance_km, height_m, tx_m, rx_m, bulge)
    if tx_slope > line - bulge * path_km:  # eq. 78: a point hides the other antenna
        row[IS_TRANS_HORIZON] = 1.0
        first, second = horizon_points(distance_km, height_m, tx_m, rx_m, bulge)
    else:
        row[IS_TRANS_HORIZON] = 0.0
        first = nearest_point(distance_km, height_m, tx_m, rx_m, bulge)
        second = first
        tx_slope, rx_slope = line - bulge * path_km, -line - bulge * path_km
    row[TX_HORIZON], row[RX_HORIZON] = distance_km[first], path_km - distance_km[second]
    row[TX_ANGLE], row[RX_ANGLE] = MRAD * math.atan(tx_slope / MRAD), MRAD * math.atan(rx_slope / MRAD)
    row[ANGLE] = MRAD * path_km / row[RADIUS] + row[TX_ANGLE] + row[RX_ANGLE]
    smooth_tx, smooth_rx = smooth_heights(distance_km, height_m)
    row[SMOOTH_TX], row[SMOOTH_RX] = smooth_tx, smooth_rx
    lift_tx, lift_rx = 0.0, 0.0
    if over_m > 0.0:  # eq. 90: lowered by the obstruction, shared by the slopes over the line
        share = (flat_tx - line) / (flat_tx - line + flat_rx + line)
        lift_tx, lift_rx = over_m * share, over_m * (1.0 - share)
    row[DIFFRACTION_TX] = min(smooth_tx - lift_tx, height_m[0])  # eq. 91
    row[DIFFRACTION_RX] = min(smooth_rx - lift_rx, height_m[last])
    smooth_tx, smooth_rx = min(smooth_tx, height_m[0]), min(smooth_rx, height_m[last])  # eq. 92
    row[DUCT_TX], row[DUCT_RX] = tx_m - smooth_tx, rx_m - smooth_rx  # eq. 94
    row[ROUGHNESS] = roughness_m(distance_km, height_m, first, second, smooth_tx, smooth_rx)


@njit("void(float64[::1], float64[::1], float64[::1], float64[::1])", cache=True)
def bullington_terms(distance_km: Floats, height_m: Floats, clutter_m: Floats, row: Floats) -> None:
    """Fill Bullington's losses over terrain with clutter and over the smooth surface, for both Earths (4.3.1)."""
    tx_m, rx_m, wave_m = row[TX_ASL], row[RX_ASL], WAVE_GHZ_M / row[FREQUENCY]
    bulge, ducting_bulge = BULGE_KM_M / row[RADIUS], BULGE_KM_M / row[DUCTING_RADIUS]
    tx, rx, ducting_tx, ducting_rx = surface_slopes(distance_km, height_m, clutter_m, tx_m, rx_m, bulge, ducting_bulge)
    row[BULLINGTON_50] = surface_bullington_db(distance_km, height_m, clutter_m, tx_m, rx_m, bulge, tx, rx, wave_m)
    row[BULLINGTON_DUCTING] = surface_bullington_db(
        distance_km, height_m, clutter_m, tx_m, rx_m, ducting_bulge, ducting_tx, ducting_rx, wave_m
    )
    tx_m, rx_m = tx_m - row[DIFFRACTION_TX], rx_m - row[DIFFRACTION_RX]
    row[SMOOTH_BULLINGTON_50] = smooth_bullington_db(distance_km, tx_m, rx_m, row[RADIUS], wave_m)
    row[SMOOTH_BULLINGTON_DUCTING] = smooth_bullington_db(distance_km, tx_m, rx_m, row[DUCTING_RADIUS], wave_m)


@njit("void(float64[::1], float64[::1], float64[::1], int32[::1], float64[::1])", cache=True)
def path_terms(distance_km: Floats, height_m: Floats, clutter_m: Floats, zone: Int32s, row: Floats) -> None:
    """Fill ``row`` from its inputs and one profile; clutter at the ends does not count as terrain (section 3.2).

    ``clutter_m`` is as long as the profile; an empty ``zone`` is inland throughout; negative coast distances and a
    negative location deviation in the inputs are derived.
    """
    zone_terms(distance_km, zone, row)
    terrain_terms(distance_km, height_m, row)
    bullington_terms(distance_km, height_m, clutter_m, row)
    diffraction_terms(row)
    last = distance_km.size - 1
    if row[LOCATION_SIGMA] < 0.0:
        row[LOCATION_SIGMA] = location_sigma_db(row[FREQUENCY], row[RX_HEIGHT], clutter_m[last], row[RESOLUTION])
        if zone.size > 0 and zone[last] == ZONE_SEA:
            row[LOCATION_SIGMA] = 0.0  # section 4.7: not beside the sea
    loss_terms(row)


@njit(
    "void(float64[::1], float64[::1], float64[::1], int32[::1], int64[::1], int64, int64, float64[:, ::1])",
    cache=True,
    nogil=True,
)
def batch_terms(
    distance_km: Floats,
    height_m: Floats,
    clutter_m: Floats,
    zone: Int32s,
    offset: Ints,
    first: int,
    stop: int,
    terms: Floats,
) -> None:
    """Fill rows ``first`` to ``stop`` of ``terms`` (n, N_TERMS), each from its own profile alone."""
    for k in range(first, stop):
        a, b = offset[k], offset[k + 1]
        zones = zone[a:b] if zone.size > 0 else zone
        path_terms(distance_km[a:b], height_m[a:b], clutter_m[a:b], zones, terms[k])


@njit(
    "void(float64[::1], float64[::1], float64[::1], int32[::1], int64[::1], int64, int64, float64[:, ::1], "
    "float64[::1])",
    cache=True,
    nogil=True,
)
def batch_loss(
    distance_km: Floats,
    height_m: Floats,
    clutter_m: Floats,
    zone: Int32s,
    offset: Ints,
    first: int,
    stop: int,
    inputs: Floats,
    loss_db: Floats,
) -> None:
    """Fill ``loss_db`` from ``inputs`` (n, N_INPUTS) as ``batch_terms`` does, without keeping the terms."""
    row = np.empty(N_TERMS)
    for k in range(first, stop):
        a, b = offset[k], offset[k + 1]
        row[:N_INPUTS] = inputs[k]
        zones = zone[a:b] if zone.size > 0 else zone
        path_terms(distance_km[a:b], height_m[a:b], clutter_m[a:b], zones, row)
        loss_db[k] = row[LOSS]


@njit(
    "void(float64[::1], float64[::1], int64[::1], float64[:, ::1], float64, float64[::1])",
    cache=True,
    nogil=True,
)
def batch_bullington(
    distance_km: Floats, height_m: Floats, offset: Ints, inputs: Floats, radius_km: float, loss_db: Floats
) -> None:
    """Fill ``loss_db`` with Bullington's loss over each profile of terrain (section 4.3.1)."""
    bulge = BULGE_KM_M / radius_km
    for k in range(loss_db.size):
        distance, height = distance_km[offset[k] : offset[k + 1]], height_m[offset[k] : offset[k + 1]]
        tx_m, rx_m = height[0] + inputs[k, TX_HEIGHT], height[height.size - 1] + inputs[k, RX_HEIGHT]
        bare, wave_m = np.zeros(height.size), WAVE_GHZ_M / inputs[k, FREQUENCY]
        tx, rx, _, _ = surface_slopes(distance, height, bare, tx_m, rx_m, bulge, bulge)
        loss_db[k] = surface_bullington_db(distance, height, bare, tx_m, rx_m, bulge, tx, rx, wave_m)
