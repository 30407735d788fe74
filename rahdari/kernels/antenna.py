"""Gain of a fixed-service antenna off its axis, as one scalar law for the processor and for an accelerator.

Source: Recommendation ITU-R F.699-8, recommends 2.1 (D/lambda above 100), 2.2 (up to 100) and 2.3 (below 1 GHz).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats

LARGE_D_OVER_LAMBDA = 100.0  # F.699-8: recommends 2.1 above, 2.2 up to here
LOW_BAND_GHZ = 1.0  # recommends 2.3 up to here
HIGH_BAND_GHZ = 70.0  # side lobes fall further above, up to 86 GHz
FLOOR_DEG = 48.0  # the far side lobes are flat from here
HIGH_FLOOR_DEG = 120.0  # same, 70 to 86 GHz
HALF_TURN_DEG = 180.0
TURN_DEG = 360.0


def f699_gain_dbi(angle_deg: float, peak_dbi: float, d_over_lambda: float, frequency_ghz: float) -> float:
    """Return the gain of the F.699-8 envelope at an angle of 0 to 180 degrees from the axis, dBi.

    ``peak_dbi`` must be at least 2 + 15 log10(D/lambda), the gain of the first side lobe.
    """
    log_d = math.log10(d_over_lambda)
    side_dbi = 2.0 + 15.0 * log_d
    main_deg = 20.0 / d_over_lambda * math.sqrt(peak_dbi - side_dbi)
    if angle_deg < main_deg:
        return peak_dbi - 2.5e-3 * (d_over_lambda * angle_deg) ** 2
    is_low = frequency_ghz < LOW_BAND_GHZ
    is_large = not is_low and d_over_lambda > LARGE_D_OVER_LAMBDA
    side_deg = 15.85 * d_over_lambda**-0.6 if is_large else 100.0 / d_over_lambda
    if angle_deg < side_deg:
        return side_dbi
    if is_low:
        floor_deg = 144.5 * d_over_lambda**-0.2
        floor_dbi = -2.0 - 5.0 * log_d
    elif frequency_ghz > HIGH_BAND_GHZ:
        floor_deg = HIGH_FLOOR_DEG
        floor_dbi = -20.0 if is_large else -10.0 * log_d
    else:
        floor_deg = FLOOR_DEG
        floor_dbi = -10.0 if is_large else 10.0 - 10.0 * log_d
    if angle_deg >= floor_deg:
        return floor_dbi
    constant = 32.0 if is_large else 52.0 - 10.0 * log_d
    return constant - 25.0 * math.log10(angle_deg)


compiled_f699 = njit("float64(float64, float64, float64, float64)", cache=True)(f699_gain_dbi)


def apart_deg(first_deg: float, second_deg: float) -> float:
    """Return the angle between two azimuths, 0 to 180 degrees."""
    turned = abs(first_deg - second_deg) % TURN_DEG
    return min(turned, TURN_DEG - turned)


compiled_apart = njit("float64(float64, float64)", cache=True)(apart_deg)


@njit("float64(float64[::1], float64)", cache=True)
def tabled(attenuation_db: Floats, angle_deg: float) -> float:
    """Return a table's value at an angle; its entries lie at equal steps from 0 to 180 degrees."""
    last = attenuation_db.size - 1
    at = angle_deg / HALF_TURN_DEG * last
    whole = min(int(at), last - 1)
    share = at - whole
    value: float = attenuation_db[whole] * (1.0 - share) + attenuation_db[whole + 1] * share
    return value


@njit("void(float64[::1], float64[::1], float64[::1], float64[::1], float64[::1])", cache=True)
def f699_gains(angle_deg: Floats, peak_dbi: Floats, d_over_lambda: Floats, frequency_ghz: Floats, out: Floats) -> None:
    """Fill ``out`` (n,) with the F.699-8 gain of each row, dBi."""
    for k in range(out.size):
        out[k] = compiled_f699(angle_deg[k], peak_dbi[k], d_over_lambda[k], frequency_ghz[k])
