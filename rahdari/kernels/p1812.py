"""Basic transmission loss over terrain after Recommendation ITU-R P.1812-8: the formulas once a profile is known.

A path is a row of ``TERMS``: the caller fills the first ``N_INPUTS``, ``p1812_path.path_terms`` the rest, in the order
of the Recommendation.  All formulas are plain functions over numbers, a profile's arrays and that row, so that the
same source is compiled for the processor here and for a graphics card in ``p1812_cuda``.

A caller that walks a radial and knows a path's geometry fills the terms up to ``ROUGHNESS`` and the four Bullington
losses, and calls ``diffraction_terms`` and then ``loss_terms``.
Equation numbers are those of P.1812-8, Annex; heights metres above sea level unless said.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from numba import njit

from rahdari.kernels.diffraction import delta_bullington_db, spherical_earth_db

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats

#: Name of every column of a row, inputs first; ``is_`` and ``_frac`` are numbers without unit.
TERMS = (
    "frequency_ghz",
    "tx_height_m",
    "rx_height_m",
    "time_pct",
    "location_pct",
    "delta_n",
    "n0",
    "latitude_deg",
    "is_vertical",
    "resolution_m",
    "tx_coast_km",
    "rx_coast_km",
    "location_sigma_db",
    "path_km",
    "sea_frac",
    "land_km",
    "inland_km",
    "ducting_pct",
    "radius_km",
    "ducting_radius_km",
    "tx_asl_m",
    "rx_asl_m",
    "is_trans_horizon",
    "tx_horizon_km",
    "rx_horizon_km",
    "tx_horizon_mrad",
    "rx_horizon_mrad",
    "angle_mrad",
    "smooth_tx_asl_m",
    "smooth_rx_asl_m",
    "diffraction_tx_asl_m",
    "diffraction_rx_asl_m",
    "duct_tx_m",
    "duct_rx_m",
    "roughness_m",
    "bullington_50_db",
    "smooth_bullington_50_db",
    "spherical_50_db",
    "diffraction_50_db",
    "bullington_ducting_db",
    "smooth_bullington_ducting_db",
    "spherical_ducting_db",
    "diffraction_ducting_db",
    "time_factor",
    "angle_factor",
    "distance_factor",
    "free_space_db",
    "sight_db",
    "sight_ducting_db",
    "diffraction_db",
    "basic_diffraction_50_db",
    "basic_diffraction_db",
    "least_sight_db",
    "ducting_db",
    "least_ducting_db",
    "diffraction_or_ducting_db",
    "all_but_scatter_db",
    "troposcatter_db",
    "median_location_db",
    "location_db",
    "loss_db",
    "field_1kw_dbuv_m",
)
N_TERMS = len(TERMS)
N_INPUTS = TERMS.index("path_km")
# One constant a column, in the order above (a test holds them together).
(FREQUENCY, TX_HEIGHT, RX_HEIGHT, TIME, LOCATION, DELTA_N, N0, LATITUDE, IS_VERTICAL, RESOLUTION) = range(10)
(TX_COAST, RX_COAST, LOCATION_SIGMA, PATH, SEA, LAND, INLAND, DUCTING_PCT, RADIUS, DUCTING_RADIUS) = range(10, 20)
(TX_ASL, RX_ASL, IS_TRANS_HORIZON, TX_HORIZON, RX_HORIZON, TX_ANGLE, RX_ANGLE, ANGLE) = range(20, 28)
(SMOOTH_TX, SMOOTH_RX, DIFFRACTION_TX, DIFFRACTION_RX, DUCT_TX, DUCT_RX, ROUGHNESS) = range(28, 35)
(BULLINGTON_50, SMOOTH_BULLINGTON_50, SPHERICAL_50, DIFFRACTION_50) = range(35, 39)
(BULLINGTON_DUCTING, SMOOTH_BULLINGTON_DUCTING, SPHERICAL_DUCTING, DIFFRACTION_DUCTING) = range(39, 43)
(TIME_FACTOR, ANGLE_FACTOR, DISTANCE_FACTOR, FREE_SPACE, SIGHT, SIGHT_DUCTING, DIFFRACTION) = range(43, 50)
(BASIC_DIFFRACTION_50, BASIC_DIFFRACTION, LEAST_SIGHT, DUCTING, LEAST_DUCTING) = range(50, 55)
(DIFFRACTION_OR_DUCTING, ALL_BUT_SCATTER, TROPOSCATTER, MEDIAN_LOCATION, LOCATION_DB, LOSS, FIELD) = range(55, 62)

ZONE_SEA, ZONE_COAST, ZONE_INLAND = 1, 3, 4  # section 3.3: B, A1, A2, by the codes of the CG-3M profiles
EARTH_KM = 6371.0  # section 3.7
REFRACTION_N = 157.0  # eq. 6: N-units a kilometre at which the effective Earth is flat
DUCTING_K = 3.0  # eq. 7b
MEDIAN_PCT = 50.0
POLAR_DEG = 70.0  # eq. 4
FREE_SPACE_DB = 92.4  # eq. 8, rounded as the Recommendation has it
FIELD_DB = 199.36  # eq. 70
MRAD = 1000.0
LOW_GHZ = 0.5  # eq. 47a
SEA_COUPLED = 0.75  # eq. 49: share of sea from which a coast couples into the duct
COAST_KM = 5.0  # same
SMOOTH_M = 10.0  # eq. 56: terrain below this roughness does not disturb a duct
LEAST_ALPHA = -3.4  # eq. 55a
BLEND_DB = 2.5  # eq. 60
CLUTTER_FADE_M = 10.0  # eq. 65: location variability fades out over this height above clutter
LN10 = math.log(10.0)


@njit("float64(float64)", cache=True)
def inverse_normal(x: float) -> float:
    """Return the inverse of the complementary normal distribution as Attachment 2 approximates it (eq. 96 to 97)."""
    x = min(max(x, 1e-6), 1.0 - 1e-6)
    t = math.sqrt(-2.0 * math.log(min(x, 1.0 - x)))
    c = ((0.010328 * t + 0.802853) * t + 2.515516698) / (((0.001308 * t + 0.189269) * t + 1.432788) * t + 1.0)
    return t - c if x <= 0.5 else c - t  # noqa: PLR2004


@njit("float64(float64)", cache=True)
def effective_radius_km(delta_n: float) -> float:
    """Return the median effective Earth radius, km (eq. 6, 7a)."""
    return EARTH_KM * REFRACTION_N / (REFRACTION_N - delta_n)


@njit("float64(float64)", cache=True)
def inland_factor(inland_km: float) -> float:
    """Return tau of the longest inland section (eq. 3)."""
    return 1.0 - math.exp(-4.12e-4 * math.pow(inland_km, 2.41))


@njit("float64(float64, float64, float64)", cache=True)
def ducting_incidence_pct(latitude_deg: float, land_km: float, inland_km: float) -> float:
    """Return the share of time with ducting near the ground, per cent (eq. 2 to 5)."""
    tau = inland_factor(inland_km)
    mu1 = math.pow(math.pow(10.0, -land_km / (16.0 - 6.6 * tau)) + math.pow(10.0, -5.0 * (0.496 + 0.354 * tau)), 0.2)
    mu1 = min(mu1, 1.0)
    phi = abs(latitude_deg)
    if phi <= POLAR_DEG:
        return math.pow(10.0, 1.67 - 0.015 * phi) * mu1 * math.pow(mu1, 0.0176 * phi - 0.935)
    return 4.17 * mu1 * math.pow(mu1, 0.3)


@njit("float64(float64, float64, float64, float64)", cache=True)
def free_space_db(path_km: float, tx_asl_m: float, rx_asl_m: float, frequency_ghz: float) -> float:
    """Return the free-space loss along the slant path, dB (eq. 8)."""
    rise_km = (tx_asl_m - rx_asl_m) / 1000.0
    return FREE_SPACE_DB + 20.0 * math.log10(frequency_ghz) + 10.0 * math.log10(path_km * path_km + rise_km * rise_km)


@njit("float64(float64, float64)", cache=True)
def focusing_db(horizons_km: float, pct: float) -> float:
    """Return the correction for multipath and focusing, dB (eq. 9), at most zero."""
    return 2.6 * (1.0 - math.exp(-0.1 * horizons_km)) * math.log10(pct / MEDIAN_PCT)


@njit("float64(float64, float64)", cache=True)
def time_factor(time_pct: float, ducting_pct: float) -> float:
    """Return Fi (eq. 40): one where ducting prevails, zero in the median."""
    if time_pct <= ducting_pct:
        return 1.0
    return inverse_normal(time_pct / 100.0) / inverse_normal(ducting_pct / 100.0)


@njit("float64(float64, float64, float64, float64, float64)", cache=True)
def troposcatter_db(path_km: float, angle_mrad: float, frequency_ghz: float, time_pct: float, n0: float) -> float:
    """Return the loss by tropospheric scatter, dB (eq. 44, 45)."""
    log_f = math.log10(frequency_ghz)
    frequency_db = 25.0 * log_f - 2.5 * (log_f - math.log10(2.0)) ** 2
    time_db = 10.125 * math.pow(math.log10(MEDIAN_PCT / time_pct), 0.7) if time_pct < MEDIAN_PCT else 0.0
    return 190.1 + frequency_db + 20.0 * math.log10(path_km) + 0.573 * angle_mrad - 0.15 * n0 - time_db


@njit("float64(float64, float64, float64)", cache=True)
def site_shielding_db(horizon_mrad: float, horizon_km: float, frequency_ghz: float) -> float:
    """Return an antenna's site-shielding loss out of a duct, dB (eq. 48)."""
    over = horizon_mrad - 0.1 * horizon_km
    if over <= 0.0:
        return 0.0
    edge_db = 20.0 * math.log10(1.0 + 0.361 * over * math.sqrt(frequency_ghz * horizon_km))
    return edge_db + 0.264 * over * math.pow(frequency_ghz, 1.0 / 3.0)


@njit("float64(float64, float64, float64, float64)", cache=True)
def sea_coupling_db(coast_km: float, horizon_km: float, asl_m: float, sea_frac: float) -> float:
    """Return an antenna's coupling into a duct over the sea, dB (eq. 49), at most zero."""
    if sea_frac < SEA_COUPLED or coast_km > COAST_KM or coast_km > horizon_km:
        return 0.0
    return -3.0 * math.exp(-0.25 * coast_km * coast_km) * (1.0 + math.tanh(0.07 * (50.0 - asl_m)))


@njit("float64(float64[::1])", cache=True)
def duct_log_beta(row: Floats) -> float:
    """Return log10 of the ducting incidence corrected for geometry and terrain, per cent (eq. 54 to 56).

    Kept as a logarithm: over a high range its value leaves the range of a double.
    """
    path_km = row[PATH]
    log_beta = math.log10(row[DUCTING_PCT])
    alpha = -0.6 - 3.5e-9 * math.pow(path_km, 3.1) * inland_factor(row[INLAND])
    heights = math.sqrt(row[DUCT_TX]) + math.sqrt(row[DUCT_RX])
    ratio = 500.0 / row[RADIUS] * (path_km / heights) ** 2
    log_beta += min(max(alpha, LEAST_ALPHA) * math.log10(ratio), 0.0)
    if row[ROUGHNESS] > SMOOTH_M:
        between_km = min(path_km - row[TX_HORIZON] - row[RX_HORIZON], 40.0)
        log_beta -= 4.6e-5 * (row[ROUGHNESS] - SMOOTH_M) * (43.0 + 6.0 * between_km) / LN10
    return log_beta


@njit("float64(float64[::1])", cache=True)
def ducting_loss_db(row: Floats) -> float:
    """Return the loss by ducting and layer reflection, dB (section 4.5, eq. 46 to 56)."""
    f, path_km, tx_km, rx_km = row[FREQUENCY], row[PATH], row[TX_HORIZON], row[RX_HORIZON]
    coupling_db = 102.45 + 20.0 * math.log10(f * (tx_km + rx_km))
    coupling_db += site_shielding_db(row[TX_ANGLE], tx_km, f) + site_shielding_db(row[RX_ANGLE], rx_km, f)
    coupling_db += sea_coupling_db(row[TX_COAST], tx_km, row[TX_ASL], row[SEA])
    coupling_db += sea_coupling_db(row[RX_COAST], rx_km, row[RX_ASL], row[SEA])
    if f < LOW_GHZ:
        coupling_db += 45.375 - 137.0 * f + 92.5 * f * f  # eq. 47a
    angle_mrad = MRAD * path_km / row[RADIUS] + min(row[TX_ANGLE], 0.1 * tx_km) + min(row[RX_ANGLE], 0.1 * rx_km)
    log_beta = duct_log_beta(row)
    shape = 9.51 - 4.8 * log_beta + 0.198 * log_beta * log_beta
    gamma = 1.076 / math.pow(2.0058 - log_beta, 1.012) * math.exp(-shape * 1e-6 * math.pow(path_km, 1.13))
    log_ratio = math.log10(row[TIME]) - log_beta
    time_db = -12.0 + (1.2 + 3.7e-3 * path_km) * log_ratio + 12.0 * math.pow(10.0, gamma * log_ratio)  # eq. 53
    return float(coupling_db + 5e-5 * row[RADIUS] * math.pow(f, 1.0 / 3.0) * angle_mrad + time_db)


@njit("float64(float64, float64, float64, float64)", cache=True)
def location_sigma_db(frequency_ghz: float, rx_height_m: float, rx_clutter_m: float, resolution_m: float) -> float:
    """Return the standard deviation of loss over locations, dB (eq. 64 to 66), outdoors."""
    free = min(max(1.0 - (rx_height_m - rx_clutter_m) / CLUTTER_FADE_M, 0.0), 1.0)
    return free * (0.52 + 0.024 * frequency_ghz) * math.pow(resolution_m, 0.28)


@njit("void(float64[::1])", cache=True)
def diffraction_terms(row: Floats) -> None:
    """Fill the spherical-Earth and complete diffraction losses for both Earths from the Bullington losses (4.3.4)."""
    tx_m = row[TX_ASL] - row[DIFFRACTION_TX]  # eq. 37, 38
    rx_m = row[RX_ASL] - row[DIFFRACTION_RX]
    path_km, f, sea, vertical = row[PATH], row[FREQUENCY], row[SEA], row[IS_VERTICAL]
    row[SPHERICAL_50] = spherical_earth_db(path_km, tx_m, rx_m, row[RADIUS], f, sea, vertical)
    row[DIFFRACTION_50] = delta_bullington_db(row[BULLINGTON_50], row[SMOOTH_BULLINGTON_50], row[SPHERICAL_50])
    row[SPHERICAL_DUCTING] = spherical_earth_db(path_km, tx_m, rx_m, row[DUCTING_RADIUS], f, sea, vertical)
    row[DIFFRACTION_DUCTING] = delta_bullington_db(
        row[BULLINGTON_DUCTING], row[SMOOTH_BULLINGTON_DUCTING], row[SPHERICAL_DUCTING]
    )


@njit("void(float64[::1])", cache=True)
def sight_terms(row: Floats) -> None:
    """Fill the line-of-sight losses, the diffraction loss at the wanted time and the weights (4.2, 4.3.5, 4.6)."""
    horizons_km = row[TX_HORIZON] + row[RX_HORIZON]
    row[FREE_SPACE] = free_space_db(row[PATH], row[TX_ASL], row[RX_ASL], row[FREQUENCY])
    row[SIGHT] = row[FREE_SPACE] + focusing_db(horizons_km, row[TIME])
    row[SIGHT_DUCTING] = row[FREE_SPACE] + focusing_db(horizons_km, row[DUCTING_PCT])
    row[TIME_FACTOR] = time_factor(row[TIME], row[DUCTING_PCT])
    row[ANGLE_FACTOR] = 0.5 * (1.0 - math.tanh(2.4 * (row[ANGLE] - 0.3) / 0.3))  # eq. 57
    row[DISTANCE_FACTOR] = 0.5 * (1.0 - math.tanh(1.5 * (row[PATH] - 20.0) / 20.0))  # eq. 58
    row[DIFFRACTION] = row[DIFFRACTION_50]
    if row[TIME] < MEDIAN_PCT:  # eq. 41; Attachment 2's approximation is not quite zero in the median
        row[DIFFRACTION] += row[TIME_FACTOR] * (row[DIFFRACTION_DUCTING] - row[DIFFRACTION_50])
    row[BASIC_DIFFRACTION_50] = row[FREE_SPACE] + row[DIFFRACTION_50]
    row[BASIC_DIFFRACTION] = row[SIGHT] + row[DIFFRACTION]


@njit("void(float64[::1])", cache=True)
def loss_terms(row: Floats) -> None:
    """Fill every loss from the line of sight to the basic transmission loss and the field (4.2 to 4.10)."""
    sight_terms(row)
    land_db = (1.0 - row[SEA]) * row[DIFFRACTION]
    least_db = row[SIGHT] + land_db
    if row[TIME] >= row[DUCTING_PCT]:
        median_db = row[BASIC_DIFFRACTION_50]
        least_db = median_db + (row[SIGHT_DUCTING] + land_db - median_db) * row[TIME_FACTOR]
    row[LEAST_SIGHT] = least_db  # eq. 59
    row[DUCTING] = ducting_loss_db(row)
    spread_db = abs(row[DUCTING] - row[SIGHT])
    duct_db = max(row[DUCTING], row[SIGHT]) + BLEND_DB * math.log1p(math.exp(-spread_db / BLEND_DB))
    row[LEAST_DUCTING] = duct_db  # eq. 60
    mixed_db = row[BASIC_DIFFRACTION]
    if duct_db <= mixed_db:
        mixed_db = duct_db + (mixed_db - duct_db) * row[DISTANCE_FACTOR]
    row[DIFFRACTION_OR_DUCTING] = mixed_db  # eq. 61
    row[ALL_BUT_SCATTER] = mixed_db + (least_db - mixed_db) * row[ANGLE_FACTOR]  # eq. 62
    row[TROPOSCATTER] = troposcatter_db(row[PATH], row[ANGLE], row[FREQUENCY], row[TIME], row[N0])
    spread_db = abs(row[TROPOSCATTER] - row[ALL_BUT_SCATTER])
    both_db = 5.0 * math.log1p(math.exp(-0.2 * LN10 * spread_db)) / LN10
    row[MEDIAN_LOCATION] = min(row[TROPOSCATTER], row[ALL_BUT_SCATTER]) - both_db  # eq. 63
    row[LOCATION_DB] = 0.0
    if row[LOCATION] != MEDIAN_PCT:
        row[LOCATION_DB] = -inverse_normal(row[LOCATION] / 100.0) * row[LOCATION_SIGMA]
    row[LOSS] = max(row[SIGHT], row[MEDIAN_LOCATION] + row[LOCATION_DB])  # eq. 69
    row[FIELD] = FIELD_DB + 20.0 * math.log10(row[FREQUENCY]) - row[LOSS]  # eq. 70
