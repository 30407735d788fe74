"""Rain on radio links: specific attenuation and terrestrial hops; :mod:`rahdari.methods.slant_path` goes on to space.

Sources: Recommendations ITU-R P.838-3 (specific attenuation), P.530-17 section 2.4.1 (hops).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]


class _Curve(NamedTuple):
    """A sum of Gaussians of log10 f and a straight line, as ITU-R P.838-3 tables 1 to 4 print them."""

    a: tuple[float, ...]
    b: tuple[float, ...]
    c: tuple[float, ...]
    slope: float
    offset: float

    def at(self, log_frequency: FloatArray) -> FloatArray:
        """Return the curve at log10 of the frequency in GHz."""
        total = self.slope * log_frequency + self.offset
        for a, b, c in zip(self.a, self.b, self.c, strict=True):
            total = total + a * np.exp(-(((log_frequency - b) / c) ** 2))
        return total


_K_H = _Curve(  # ITU-R P.838-3 table 1
    (-5.33980, -0.35351, -0.23789, -0.94158),
    (-0.10008, 1.26970, 0.86036, 0.64552),
    (1.13098, 0.45400, 0.15354, 0.16817),
    -0.18961,
    0.71147,
)
_K_V = _Curve(  # table 2
    (-3.80595, -3.44965, -0.39902, 0.50167),
    (0.56934, -0.22911, 0.73042, 1.07319),
    (0.81061, 0.51059, 0.11899, 0.27195),
    -0.16398,
    0.63297,
)
_ALPHA_H = _Curve(  # table 3
    (-0.14318, 0.29591, 0.32177, -5.37610, 16.1721),
    (1.82442, 0.77564, 0.63773, -0.96230, -3.29980),
    (-0.55187, 0.19822, 0.13164, 1.47828, 3.43990),
    0.67849,
    -1.95537,
)
_ALPHA_V = _Curve(  # table 4
    (-0.07771, 0.56727, -0.20238, -48.2991, 48.5833),
    (2.33840, 0.95545, 1.14520, 0.791669, 0.791459),
    (-0.76284, 0.54039, 0.26809, 0.116226, 0.116479),
    -0.053739,
    0.83433,
)
P838_GHZ = (1.0, 1000.0)
CIRCULAR_TILT_DEG = 45.0  # P.838-3: tilt that stands for circular polarisation
_HOP_FACTOR_MAX = 2.5  # P.530-17 eq. 32: largest distance factor
_RAIN_FREQUENCY_GHZ = 10.0  # P.530-17 eq. 35a changes its form here


def rain_coefficients(
    frequency_ghz: ArrayLike, elevation_deg: ArrayLike, tilt_deg: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return k and alpha of the specific attenuation k R^alpha, dB/km with R in mm/h (ITU-R P.838-3).

    Shapes broadcast; 1 to 1000 GHz; ``tilt_deg`` 0 is horizontal, 90 vertical, 45 circular.

    >>> k, alpha = rain_coefficients(12.0, 0.0, 0.0)
    >>> round(float(k), 5), round(float(alpha), 4)
    (0.02386, 1.1825)
    """
    f = np.asarray(frequency_ghz, np.float64)
    if not ((f >= P838_GHZ[0]) & (f <= P838_GHZ[1])).all():
        cure = f"ITU-R P.838 holds from {P838_GHZ[0]:g} to {P838_GHZ[1]:g} GHz: below, rain does nothing"
        raise InputError(Problem("a frequency is missing or out of range", cure, column="frequency_ghz"))
    log_f = np.log10(f)
    k_h, k_v = 10.0 ** _K_H.at(log_f), 10.0 ** _K_V.at(log_f)
    a_h, a_v = _ALPHA_H.at(log_f), _ALPHA_V.at(log_f)
    turn = np.cos(np.radians(np.asarray(elevation_deg, np.float64))) ** 2 * np.cos(2.0 * np.radians(tilt_deg))
    k = 0.5 * (k_h + k_v + (k_h - k_v) * turn)
    return k, (k_h * a_h + k_v * a_v + (k_h * a_h - k_v * a_v) * turn) / (2.0 * k)


def hop_rain_db(
    length_km: ArrayLike, frequency_ghz: ArrayLike, rain_rate_mm_h: ArrayLike, tilt_deg: ArrayLike
) -> FloatArray:
    """Return the rain attenuation of a hop exceeded for 0.01 % of the year, dB (ITU-R P.530-17 eq. 32, 33).

    ``rain_rate_mm_h`` is the rate exceeded for 0.01 %; 1 to 100 GHz, up to 60 km; shapes broadcast.
    """
    d, f = np.asarray(length_km, np.float64), np.asarray(frequency_ghz, np.float64)
    rate = np.asarray(rain_rate_mm_h, np.float64)
    k, alpha = rain_coefficients(f, 0.0, tilt_deg)
    below = 0.477 * d**0.633 * rate ** (0.073 * alpha) * f**0.123 - 10.579 * (1.0 - np.exp(-0.024 * d))
    factor = np.where(below > 1.0 / _HOP_FACTOR_MAX, 1.0 / np.maximum(below, 1e-9), _HOP_FACTOR_MAX)
    return np.asarray(k * rate**alpha * d * factor)


def hop_rain_outage_frac(attenuation_db: ArrayLike, margin_db: ArrayLike, frequency_ghz: ArrayLike) -> FloatArray:
    """Return the share of the year in which rain exceeds a fade margin (ITU-R P.530-17 eq. 34, solved for p).

    ``attenuation_db`` is that of 0.01 %.  The law holds between 0.001 % and 1 %; outside, its end values are
    returned, so that a large margin never gives less than 1e-5 and a hopeless one gives 0.01.
    """
    f = np.asarray(frequency_ghz, np.float64)
    c0 = np.where(
        f >= _RAIN_FREQUENCY_GHZ,
        0.12 + 0.4 * np.log10(np.maximum(f, _RAIN_FREQUENCY_GHZ) / _RAIN_FREQUENCY_GHZ) ** 0.8,
        0.12,
    )
    c1 = 0.07**c0 * 0.12 ** (1.0 - c0)
    c2 = 0.855 * c0 + 0.546 * (1.0 - c0)
    c3 = 0.139 * c0 + 0.043 * (1.0 - c0)
    ratio = np.maximum(np.asarray(margin_db, np.float64), 1e-9) / np.maximum(np.asarray(attenuation_db), 1e-12)
    # log10 of eq. 34 is a quadratic in x = log10 p: c3 x^2 + c2 x + log10(ratio / c1) = 0.
    inner = np.maximum(c2 * c2 - 4.0 * c3 * np.log10(ratio / c1), 0.0)
    percent = 10.0 ** ((np.sqrt(inner) - c2) / (2.0 * c3))
    return np.asarray(np.clip(percent, 1e-3, 1.0) / 100.0)
