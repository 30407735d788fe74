"""Path loss, noise and rate of radio links in closed form, where neither terrain nor clutter is known.

Sources: Recommendations ITU-R P.525-4 and P.530-17; 3GPP TR 38.901 section 7.4 (RMa, UMa);
3GPP TR 36.942 annex A (Shannon's bound with attenuation and truncation).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

FREE_SPACE_DB = 92.45  # ITU-R P.525-4 eq. 5, km and GHz
LIGHT_SPEED_M_PER_S = 299_792_458.0  # exact, SI
THERMAL_NOISE_DBM_PER_HZ = -174.0  # k T at 290 K
METRES_PER_KM = 1000.0
HERTZ_PER_GHZ = 1e9
HERTZ_PER_MHZ = 1e6
MIN_DISTANCE_M = 10.0  # TR 38.901: the formulae hold from here
URBAN_SIGHT_M = 18.0  # TR 38.901 table 7.4.2-1: line of sight is certain up to here
BUILDING_HEIGHT_M = 5.0  # TR 38.901 table 7.4.1-1, RMa default
STREET_WIDTH_M = 20.0  # same
EFFECTIVE_GROUND_M = 1.0  # TR 38.901 note 1 for terminals below 13 m
SHANNON_ATTENUATION = 0.6  # TR 36.942 annex A.1, downlink
SHANNON_MIN_SNR_DB = -10.0  # same
SHANNON_MAX_BPS_PER_HZ = 4.4  # same: 64-QAM 4/5, one layer
ANNUAL_FACTOR_MAX_DB = 10.8  # ITU-R P.530-17 section 2.3.4: largest worst-month to year factor


def free_space_db(distance_km: ArrayLike, frequency_ghz: ArrayLike) -> FloatArray:
    """Return the free-space loss, dB (ITU-R P.525-4); distances above zero; shapes broadcast.

    >>> round(float(free_space_db(1.0, 1.0)), 2)
    92.45
    """
    return np.asarray(
        FREE_SPACE_DB
        + 20.0 * np.log10(np.asarray(distance_km, np.float64))
        + 20.0 * np.log10(np.asarray(frequency_ghz, np.float64))
    )


def _slant_m(distance_km: ArrayLike, mast_m: float, terminal_m: float) -> tuple[FloatArray, FloatArray]:
    """Return ground and slant distance in metres, from 10 m upwards."""
    ground = np.maximum(np.asarray(distance_km, np.float64) * METRES_PER_KM, MIN_DISTANCE_M)
    return ground, np.hypot(ground, mast_m - terminal_m)


def rma_loss_db(
    distance_km: ArrayLike, frequency_ghz: float, mast_m: float, terminal_m: float, *, is_line_of_sight: bool
) -> FloatArray:
    """Return the rural macro-cell path loss, dB (3GPP TR 38.901 table 7.4.1-1, RMa).

    0.5 to 7 GHz; stated up to 10 km in line of sight and 5 km without, and continued by the same slopes beyond.
    Distances below 10 m count as 10 m.
    """
    ground, slant = _slant_m(distance_km, mast_m, terminal_m)
    building = BUILDING_HEIGHT_M**1.72
    breakpoint_m = 2.0 * np.pi * mast_m * terminal_m * frequency_ghz * HERTZ_PER_GHZ / LIGHT_SPEED_M_PER_S

    def near(d: FloatArray | float) -> FloatArray:
        loss = 20.0 * np.log10(40.0 * np.pi * d * frequency_ghz / 3.0) + min(0.03 * building, 10.0) * np.log10(d)
        return np.asarray(loss - min(0.044 * building, 14.77) + 0.002 * np.log10(BUILDING_HEIGHT_M) * d)

    far = near(np.hypot(breakpoint_m, mast_m - terminal_m)) + 40.0 * np.log10(slant / breakpoint_m)
    line = np.where(ground <= breakpoint_m, near(slant), np.maximum(far, near(breakpoint_m)))
    if is_line_of_sight:
        return line
    hidden = (
        161.04
        - 7.1 * np.log10(STREET_WIDTH_M)
        + 7.5 * np.log10(BUILDING_HEIGHT_M)
        - (24.37 - 3.7 * (BUILDING_HEIGHT_M / mast_m) ** 2) * np.log10(mast_m)
        + (43.42 - 3.1 * np.log10(mast_m)) * (np.log10(slant) - 3.0)
        + 20.0 * np.log10(frequency_ghz)
        - (3.2 * np.log10(11.75 * terminal_m) ** 2 - 4.97)
    )
    return np.asarray(np.maximum(line, hidden))


def uma_loss_db(
    distance_km: ArrayLike, frequency_ghz: float, mast_m: float, terminal_m: float, *, is_line_of_sight: bool
) -> FloatArray:
    """Return the urban macro-cell path loss, dB (3GPP TR 38.901 table 7.4.1-1, UMa).

    0.5 to 100 GHz, terminals below 13 m, stated up to 5 km and continued by the same slopes beyond.
    Distances below 10 m count as 10 m.
    """
    ground, slant = _slant_m(distance_km, mast_m, terminal_m)
    heights = (mast_m - EFFECTIVE_GROUND_M) * (terminal_m - EFFECTIVE_GROUND_M)
    breakpoint_m = 4.0 * heights * frequency_ghz * HERTZ_PER_GHZ / LIGHT_SPEED_M_PER_S
    near = 28.0 + 22.0 * np.log10(slant) + 20.0 * np.log10(frequency_ghz)
    far = (
        28.0
        + 40.0 * np.log10(slant)
        + 20.0 * np.log10(frequency_ghz)
        - 9.0 * np.log10(breakpoint_m**2 + (mast_m - terminal_m) ** 2)
    )
    line = np.asarray(np.where(ground <= breakpoint_m, near, far), np.float64)
    if is_line_of_sight:
        return line
    hidden = 13.54 + 39.08 * np.log10(slant) + 20.0 * np.log10(frequency_ghz) - 0.6 * (terminal_m - 1.5)
    return np.asarray(np.maximum(line, hidden))


def line_of_sight_frac(distance_km: ArrayLike, *, is_urban: bool) -> FloatArray:
    """Return the probability of line of sight (3GPP TR 38.901 table 7.4.2-1; terminals up to 13 m).

    >>> float(line_of_sight_frac(0.01, is_urban=False))
    1.0
    """
    d = np.maximum(np.asarray(distance_km, np.float64) * METRES_PER_KM, MIN_DISTANCE_M)
    if not is_urban:
        return np.asarray(np.exp(-(d - MIN_DISTANCE_M) / 1000.0))
    return np.asarray(
        np.where(d <= URBAN_SIGHT_M, 1.0, URBAN_SIGHT_M / d + np.exp(-d / 63.0) * (1.0 - URBAN_SIGHT_M / d))
    )


def noise_dbm(bandwidth_mhz: float, noise_figure_db: float) -> float:
    """Return the noise power at a receiver, dBm.

    >>> round(noise_dbm(20.0, 7.0), 2)
    -93.99
    """
    return THERMAL_NOISE_DBM_PER_HZ + 10.0 * float(np.log10(bandwidth_mhz * HERTZ_PER_MHZ)) + noise_figure_db


def spectral_efficiency_bps_per_hz(
    snr_db: ArrayLike,
    attenuation: float = SHANNON_ATTENUATION,
    min_snr_db: float = SHANNON_MIN_SNR_DB,
    max_bps_per_hz: float = SHANNON_MAX_BPS_PER_HZ,
) -> FloatArray:
    """Return Shannon's bound, attenuated and truncated (3GPP TR 36.942 annex A.1); shape of ``snr_db``.

    >>> spectral_efficiency_bps_per_hz([-20.0, 0.0, 60.0]).tolist()
    [0.0, 0.6, 4.4]
    """
    snr = np.asarray(snr_db, np.float64)
    rate = attenuation * np.log2(1.0 + 10.0 ** (snr / 10.0))
    return np.asarray(np.where(snr < min_snr_db, 0.0, np.minimum(rate, max_bps_per_hz)))


def hop_multipath_outage_frac(
    length_km: ArrayLike, frequency_ghz: ArrayLike, margin_db: ArrayLike, height_m: ArrayLike, gradient_n_per_km: float
) -> FloatArray:
    """Return the share of an average year in which multipath fades exceed the margin of a flat path.

    ITU-R P.530-17: quick planning law of section 2.3.1 (worst month) times the factor of section 2.3.4 at a magnetic
    latitude of 45 degrees, the middle of its range.  ``gradient_n_per_km`` is dN1, the refractivity gradient in the
    lowest 65 m not exceeded for 1 % of the year; ``height_m`` the lower antenna above sea level.
    Deep fades only (20 dB and more); 2 to 45 GHz; the result is at most 1.
    """
    d, f = np.asarray(length_km, np.float64), np.asarray(frequency_ghz, np.float64)
    geoclimatic = 10.0 ** (-4.6 - 0.0027 * gradient_n_per_km)
    worst_percent = (
        geoclimatic
        * d**3.1
        * f**0.8
        * 10.0 ** (-0.00089 * np.asarray(height_m, np.float64) - np.asarray(margin_db, np.float64) / 10.0)
    )
    year_db = np.clip(10.5 - 5.6 * np.log10(1.1) - 2.7 * np.log10(np.maximum(d, 1e-3)), 0.0, ANNUAL_FACTOR_MAX_DB)
    return np.asarray(np.minimum(worst_percent / 100.0 * 10.0 ** (-year_db / 10.0), 1.0))
