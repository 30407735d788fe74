"""Absorption by oxygen and water vapour, summed line by line (Recommendation ITU-R P.676-13 annex 1).

The air is that of Recommendation ITU-R P.835-6 for the mean year of the globe: 1013.25 hPa, 288.15 K and 7.5 g/m3 at
sea level, 6.5 K/km, and half the vapour each 1.39 km.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.gas import gas_fill
from rahdari.methods.gas_lines import OXYGEN_LINES, VAPOUR_LINES

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

SEA_PRESSURE_HPA = 1013.25  # ITU-R P.835-6 section 1.1
SEA_TEMPERATURE_K = 288.15  # same
LAPSE_K_PER_KM = 6.5  # same, up to 11 km
PRESSURE_POWER = 34.1632 / LAPSE_K_PER_KM  # same, eq. 3a
SEA_VAPOUR_G_PER_M3 = 7.5  # same, section 1.2
VAPOUR_SCALE_KM = 2.0  # same, eq. 6
HEIGHT_MAX_KM = 11.0  # the layer these formulae describe


def air_at(height_km: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return total pressure (hPa), temperature (K) and vapour density (g/m3) at heights above sea level.

    Recommendation ITU-R P.835-6, mean annual global reference, 0 to 11 km; beyond, the ends are taken.

    >>> [round(float(value), 2) for value in air_at(0.0)]
    [1013.25, 288.15, 7.5]
    """
    h = np.clip(np.asarray(height_km, np.float64), 0.0, HEIGHT_MAX_KM)
    temperature = SEA_TEMPERATURE_K - LAPSE_K_PER_KM * h
    pressure = SEA_PRESSURE_HPA * (temperature / SEA_TEMPERATURE_K) ** PRESSURE_POWER
    return pressure, temperature, SEA_VAPOUR_G_PER_M3 * np.exp(-h / VAPOUR_SCALE_KM)


def gas_db_per_km(
    frequency_ghz: ArrayLike,
    height_km: ArrayLike = 0.0,
    *,
    vapour_g_per_m3: ArrayLike | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the specific attenuation of dry air and of water vapour, dB/km; shapes broadcast.

    ITU-R P.676-13 annex 1, 1 to 1,000 GHz, in the air of :func:`air_at`; ``vapour_g_per_m3`` replaces its vapour.

    >>> [round(float(value), 4) for value in gas_db_per_km(22.235)]
    [0.013, 0.1803]
    """
    pressure, temperature, density = air_at(height_km)
    rho = density if vapour_g_per_m3 is None else np.asarray(vapour_g_per_m3, np.float64)
    f, p, t, rho = np.broadcast_arrays(np.asarray(frequency_ghz, np.float64), pressure, temperature, rho)
    ghz, hpa, kelvin, water = (np.array(values, np.float64).reshape(-1) for values in (f, p, t, rho))
    filled = np.empty((2, f.size))
    gas_fill(ghz, hpa, kelvin, water, np.array(OXYGEN_LINES), np.array(VAPOUR_LINES), filled)
    return filled[0].reshape(f.shape), filled[1].reshape(f.shape)
