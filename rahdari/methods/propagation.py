"""Free space, noise, rate and fading of radio links in closed form.

Sources: Recommendations ITU-R P.525-4 and P.530-17; 3GPP TR 36.942 annex A (Shannon's bound with attenuation and
truncation).  Closed forms for towns, streets and rooms are in :mod:`rahdari.methods.path_loss`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import Problem, raise_if_any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

FREE_SPACE_DB = 92.45  # ITU-R P.525-4 eq. 5, km and GHz
LIGHT_SPEED_M_PER_S = 299_792_458.0  # exact, SI
THERMAL_NOISE_DBM_PER_HZ = -174.0  # k T at 290 K
METRES_PER_KM = 1000.0
HERTZ_PER_GHZ = 1e9
HERTZ_PER_MHZ = 1e6
SHANNON_ATTENUATION = 0.6  # TR 36.942 annex A.1, downlink
SHANNON_MIN_SNR_DB = -10.0  # same
SHANNON_MAX_BPS_PER_HZ = 4.4  # same: 64-QAM 4/5, one layer
ANNUAL_FACTOR_MAX_DB = 10.8  # ITU-R P.530-17 section 2.3.4: largest worst-month to year factor


def free_space_db(distance_km: ArrayLike, frequency_ghz: ArrayLike) -> FloatArray:
    """Return the free-space loss, dB (ITU-R P.525-4); distances above zero; shapes broadcast.

    Anything else raises :class:`rahdari.errors.InputError`.

    >>> round(float(free_space_db(1.0, 1.0)), 2)
    92.45
    """
    d, f = np.asarray(distance_km, np.float64), np.asarray(frequency_ghz, np.float64)
    problems = []
    if not (d > 0.0).all():
        problems.append(Problem("a distance is missing or not above 0", "give kilometres", column="distance_km"))
    if not (f > 0.0).all():
        problems.append(Problem("a frequency is missing or not above 0", "give GHz", column="frequency_ghz"))
    raise_if_any(problems)
    return np.asarray(FREE_SPACE_DB + 20.0 * np.log10(d) + 20.0 * np.log10(f))


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
