"""Outage of digital hops beside the flat fade: selective fading, diversity, cross-polar interference, rain.

Source: Recommendation ITU-R P.530-18 sections 2.4, 4, 5 and 6; worst month of rain after P.841-6.
Outages are shares of time between 0 and 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.microwave_fading import activity

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

DELAY_NS = 0.7  # P.530-18 section 5.1 step 1: mean delay of a 50 km hop
DELAY_LENGTH_KM = 50.0  # same
SELECTIVE = 2.15  # same, step 3
XPD_MAX_DB = 40.0  # section 4.1 step 1: no antenna is trusted with more
XPD_RISE_DB = 5.0  # same: what boresight discrimination gains on the path
XPD_KNEE_DB = 35.0  # same
ONE_ANTENNA = 0.7  # same, step 3: both polarisations from one transmitting antenna
RAIN_XPD_U0_DB = 15.0  # section 4.2.1: mean of measurements; 9 is their lower bound
RAIN_XPD_GHZ = (8.0, 20.0)  # same: where V rises with frequency
RAIN_XPD_V = 22.6  # same: V above 20 GHz
RAIN_XPD_M_MAX = 40.0  # section 4.2.3 step 3
RAIN_XPD_PERCENT_MAX = 1.0  # n = 0 there: the law's end
DISTANCE_FACTOR_MAX = 2.5  # section 2.4.1 step 3
MONTH_Q1, MONTH_BETA = 2.85, 0.13  # P.841-6 table 1, rain on terrestrial paths, global
MONTH_Q_MAX = 12.0  # P.841-6 eq. 2: a year's rain in one month
MONTH_PERCENT = 3.0  # same: above, Q falls as p^-beta no longer but to 1 at 100 %
SPACING_VALID_M = (3.0, 23.0)  # section 6.2: measured spacings
FREQUENCY_STEP_MAX_GHZ = 0.5  # section 6.2: a larger spacing counts as this
_TINY = 1e-300  # keeps logarithms finite


def mean_delay_ns(length_km: ArrayLike) -> FloatArray:
    """Return the mean echo delay of a hop, ns (P.530-18 section 5.1 step 1).

    >>> float(mean_delay_ns(50.0))
    0.7
    """
    return np.asarray(DELAY_NS * (np.asarray(length_km, np.float64) / DELAY_LENGTH_KM) ** 1.3)


def signature_ghz_per_ns(width_mhz: ArrayLike, depth_db: ArrayLike, delay_ns: ArrayLike) -> FloatArray:
    """Return W 10^(-B/20) / tau of one signature (P.530-18 section 5.1 step 3); the two phases add.

    >>> float(signature_ghz_per_ns(30.0, 20.0, 6.0))
    0.0005
    """
    width = np.asarray(width_mhz, np.float64) / 1000.0
    return np.asarray(width * 10.0 ** (-np.asarray(depth_db, np.float64) / 20.0) / np.asarray(delay_ns, np.float64))


def selective_outage_frac(eta: ArrayLike, length_km: ArrayLike, signature: ArrayLike) -> FloatArray:
    """Return the outage by dispersion in the worst month (P.530-18 section 5.1), at most 1.

    ``eta`` is the multipath activity; ``signature`` the sum over minimum and non-minimum phase of
    :func:`signature_ghz_per_ns`.
    """
    delay = mean_delay_ns(length_km)
    value = SELECTIVE * np.asarray(eta, np.float64) * np.asarray(signature, np.float64) * delay * delay
    return np.minimum(value, 1.0)


def space_improvement(
    spacing_m: ArrayLike,
    frequency_ghz: ArrayLike,
    length_km: ArrayLike,
    occurrence_pct: ArrayLike,
    *,
    margin_db: ArrayLike,
    gain_difference_db: ArrayLike = 0.0,
) -> FloatArray:
    """Return by how much a second receiving antenna divides the flat outage (P.530-18 section 6.2), at least 1.

    ``spacing_m`` is vertical, between centres; 3 to 23 m, 2 to 11 GHz, 43 to 240 km: other hops are the law carried on.
    A spacing of 0 is no diversity and gives 1.
    """
    s, f = np.asarray(spacing_m, np.float64), np.asarray(frequency_ghz, np.float64)
    p0 = np.maximum(np.asarray(occurrence_pct, np.float64), 1e-9)
    power = -0.04 * s**0.87 * f**-0.12 * np.asarray(length_km, np.float64) ** 0.48 * p0**-1.04
    depth = (np.asarray(margin_db, np.float64) - np.abs(np.asarray(gain_difference_db, np.float64))) / 10.0
    return np.maximum(-np.expm1(power) * 10.0**depth, 1.0)


def frequency_improvement(
    step_ghz: ArrayLike, frequency_ghz: ArrayLike, length_km: ArrayLike, margin_db: ArrayLike
) -> FloatArray:
    """Return by how much a second frequency (1+1) divides the flat outage (P.530-18 section 6.2), at least 1.

    ``step_ghz`` between the two carriers; more than 0.5 counts as 0.5; 2 to 11 GHz, 30 to 70 km.  0 gives 1.
    """
    f, d = np.asarray(frequency_ghz, np.float64), np.asarray(length_km, np.float64)
    step = np.minimum(np.asarray(step_ghz, np.float64), FREQUENCY_STEP_MAX_GHZ)
    return np.maximum(80.0 / (f * d) * step / f * 10.0 ** (np.asarray(margin_db, np.float64) / 10.0), 1.0)


def flat_correlation(improvement: ArrayLike, flat_frac: ArrayLike, eta: ArrayLike) -> FloatArray:
    """Return the squared correlation of flat fades of two branches, k_ns^2 (P.530-18 section 6.2 step 2), 0 to 1."""
    ratio = np.asarray(improvement, np.float64) * np.asarray(flat_frac, np.float64)
    return np.clip(1.0 - ratio / np.maximum(np.asarray(eta, np.float64), _TINY), 0.0, 1.0)


def selective_correlation(flat_squared: ArrayLike) -> FloatArray:
    """Return the squared correlation of selective fades, k_s^2, from the flat one (P.530-18 section 6.2 step 3).

    The printed branches meet at their ends within 0.01.
    """
    rest = 1.0 - np.asarray(flat_squared, np.float64)
    low = 1.0 - 0.9746 * rest**2.170
    high = 1.0 - 0.6921 * rest**1.034
    rw = np.where(np.asarray(flat_squared) <= 0.26, low, high)  # noqa: PLR2004  # printed, as all in this function
    far = np.maximum(1.0 - rw, 1e-12)
    middle = 1.0 - 0.195 * far ** (0.109 - 0.13 * np.log10(far))
    close = 1.0 - 0.3957 * far**0.5136
    return np.where(rw <= 0.5, 0.8238, np.where(rw <= 0.9628, middle, close))  # noqa: PLR2004


def diversity_outage_frac(
    flat_frac: ArrayLike, selective_frac: ArrayLike, eta: ArrayLike, improvement: ArrayLike, k_flat: ArrayLike
) -> FloatArray:
    """Return the outage of two branches, flat and selective together (P.530-18 section 6.2 steps 4 to 6).

    ``k_flat`` is the squared flat correlation: that of space, that of frequency, or their product where one pair of
    branches differs in both (section 6.2).  Never more than without the second branch.
    """
    flat, selective = np.asarray(flat_frac, np.float64), np.asarray(selective_frac, np.float64)
    k_selective = selective_correlation(k_flat)
    both = np.maximum(np.asarray(eta, np.float64) * (1.0 - k_selective), _TINY)
    branch = np.minimum(selective * selective / both, selective)
    joint = (branch**0.75 + (flat / np.asarray(improvement, np.float64)) ** 0.75) ** (4.0 / 3.0)
    return np.minimum(joint, flat + selective)


def clear_air_xpd_db(antenna_xpd_db: ArrayLike) -> FloatArray:
    """Return XPD0, the discrimination of the path without fading, dB (P.530-18 section 4.1 step 1).

    >>> clear_air_xpd_db([28.0, 35.0, 45.0]).tolist()
    [33.0, 40.0, 40.0]
    """
    given = np.asarray(antenna_xpd_db, np.float64)
    return np.where(given <= XPD_KNEE_DB, given + XPD_RISE_DB, XPD_MAX_DB)


def clear_air_xpd_outage_frac(
    antenna_xpd_db: ArrayLike,
    occurrence_pct: ArrayLike,
    carrier_to_interference_db: ArrayLike,
    cancellation_db: ArrayLike,
    antenna_factor: ArrayLike = ONE_ANTENNA,
) -> FloatArray:
    """Return the worst-month outage by cross-polar interference in clear air (P.530-18 section 4.1), at most 1.

    ``carrier_to_interference_db`` is C0/I at which the error ratio is reached; ``cancellation_db`` the improvement of
    an interference canceller (0 without one, typically 20); ``antenna_factor`` kXP.
    """
    share = np.asarray(occurrence_pct, np.float64) / 100.0
    eta = activity(occurrence_pct)
    q = -10.0 * np.log10(np.maximum(np.asarray(antenna_factor, np.float64) * eta, _TINY) / np.maximum(share, _TINY))
    margin = clear_air_xpd_db(antenna_xpd_db) + q - np.asarray(carrier_to_interference_db, np.float64)
    margin = margin + np.asarray(cancellation_db, np.float64)
    return np.where(share > 0.0, np.minimum(share * 10.0 ** (-margin / 10.0), 1.0), 0.0)


def rain_xpd_attenuation_db(
    frequency_ghz: ArrayLike,
    carrier_to_interference_db: ArrayLike,
    cancellation_db: ArrayLike,
    u0_db: float = RAIN_XPD_U0_DB,
) -> FloatArray:
    """Return the co-polar rain attenuation at which the other polarisation breaks the link, dB (section 4.2.3 step 2).

    8 to 35 GHz; beyond, the law carried on.
    """
    f = np.asarray(frequency_ghz, np.float64)
    u = u0_db + 30.0 * np.log10(f)
    v = np.where(f <= RAIN_XPD_GHZ[1], 12.8 * np.minimum(f, RAIN_XPD_GHZ[1]) ** 0.19, RAIN_XPD_V)
    rest = u - np.asarray(carrier_to_interference_db, np.float64) + np.asarray(cancellation_db, np.float64)
    return np.asarray(10.0 ** (rest / v))


def rain_xpd_outage_frac(breaking_db: ArrayLike, rain_001_db: ArrayLike) -> FloatArray:
    """Return the yearly outage by cross-polar interference in rain (P.530-18 section 4.2.3 steps 3 and 4).

    ``breaking_db`` is :func:`rain_xpd_attenuation_db`, ``rain_001_db`` the attenuation of 0.01 %.  Between 1e-7.8, the
    law's floor, and 0.01, its end.
    """
    ratio = np.asarray(breaking_db, np.float64) / np.maximum(0.12 * np.asarray(rain_001_db, np.float64), _TINY)
    m = np.clip(23.26 * np.log10(np.maximum(ratio, _TINY)), 0.0, RAIN_XPD_M_MAX)
    n = 0.5 * (np.sqrt(161.23 - 4.0 * m) - 12.7)
    return np.asarray(np.minimum(10.0 ** (n - 2.0), RAIN_XPD_PERCENT_MAX / 100.0))


def rain_factor(
    length_km: ArrayLike, frequency_ghz: ArrayLike, rain_rate_mm_h: ArrayLike, alpha: ArrayLike
) -> FloatArray:
    """Return the distance factor r of a hop (P.530-18 eq. 32), at most 2.5."""
    d, f = np.asarray(length_km, np.float64), np.asarray(frequency_ghz, np.float64)
    rate = np.asarray(rain_rate_mm_h, np.float64)
    inverse = 0.477 * d**0.633 * rate ** (0.073 * np.asarray(alpha)) * f**0.123 - 10.579 * (1.0 - np.exp(-0.024 * d))
    return np.where(
        inverse > 1.0 / DISTANCE_FACTOR_MAX, 1.0 / np.maximum(inverse, 1.0 / DISTANCE_FACTOR_MAX), DISTANCE_FACTOR_MAX
    )


def scaled_rain_db(rain_db: ArrayLike, from_ghz: ArrayLike, to_ghz: ArrayLike) -> FloatArray:
    """Return the attenuation at another frequency on the same hop and share of time (P.530-18 section 2.4.3), dB.

    7 to 50 GHz.

    >>> float(scaled_rain_db(20.0, 18.0, 18.0))
    20.0
    """
    one, two = np.asarray(from_ghz, np.float64), np.asarray(to_ghz, np.float64)
    a = np.asarray(rain_db, np.float64)
    phi_1, phi_2 = one**2 / (1.0 + 1e-4 * one**2), two**2 / (1.0 + 1e-4 * two**2)
    h = 1.12e-3 * np.sqrt(phi_2 / phi_1) * (phi_1 * a) ** 0.55
    return np.asarray(a * (phi_2 / phi_1) ** (1.0 - h))


def worst_month_frac(annual_frac: ArrayLike) -> FloatArray:
    """Return the average worst-month share for a yearly share of rain (P.841-6), at most 1.

    pw = Q p with Q = 2.85 p^-0.13 (p in per cent), at most 12, at least 1.

    >>> float(worst_month_frac(1e-4).round(6))
    0.000519
    """
    percent = np.maximum(100.0 * np.asarray(annual_frac, np.float64), 1e-12)
    q = np.clip(MONTH_Q1 * np.minimum(percent, MONTH_PERCENT) ** -MONTH_BETA, 1.0, MONTH_Q_MAX)
    return np.minimum(q * np.asarray(annual_frac, np.float64), 1.0)
