"""Specific attenuation of air summed over spectral lines (Recommendation ITU-R P.676-13 annex 1)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats

REFERENCE_K = 300.0  # P.676: theta = 300 / T
VAPOUR_CONSTANT = 216.7  # P.676 eq. 4: e = rho T / 216.7, in g/m3, K and hPa
IMAGINARY_TO_DB = 0.182  # P.676 eq. 1, GHz and N-units to dB/km


@njit("float64(float64, float64, float64, float64)", cache=True, error_model="numpy")
def line_shape(frequency_ghz: float, line_ghz: float, width_ghz: float, shift: float) -> float:
    """Return the line shape, eq. 5."""
    below, above = line_ghz - frequency_ghz, line_ghz + frequency_ghz
    square = width_ghz * width_ghz
    near = (width_ghz - shift * below) / (below * below + square)
    return frequency_ghz / line_ghz * (near + (width_ghz - shift * above) / (above * above + square))


@njit("float64(float64, float64, float64, float64, float64[:, ::1])", cache=True, error_model="numpy")
def oxygen_db_per_km(
    frequency_ghz: float, pressure_hpa: float, temperature_k: float, vapour_g_per_m3: float, lines: Floats
) -> float:
    """Return the specific attenuation of dry air; ``pressure_hpa`` is total, ``lines`` (n, 7) table 1."""
    theta = REFERENCE_K / temperature_k
    partial = vapour_g_per_m3 * temperature_k / VAPOUR_CONSTANT
    dry = pressure_hpa - partial
    slow = theta**0.8
    cube = 1e-7 * dry * theta * theta * theta
    total: float = 0.0
    for i in range(lines.shape[0]):
        raw = lines[i, 3] * 1e-4 * (dry * slow + 1.1 * partial * theta)
        width = math.sqrt(raw * raw + 2.25e-6)
        shift = (lines[i, 5] + lines[i, 6] * theta) * 1e-4 * (dry + partial) * slow
        strength = lines[i, 1] * cube * math.exp(lines[i, 2] * (1.0 - theta))
        total += strength * line_shape(frequency_ghz, lines[i, 0], width, shift)
    debye = 5.6e-4 * (dry + partial) * slow
    nitrogen = 1.4e-12 * dry * theta**1.5 / (1.0 + 1.9e-5 * frequency_ghz**1.5)
    relaxed = 6.14e-5 / (debye * (1.0 + (frequency_ghz / debye) ** 2))
    continuum: float = frequency_ghz * dry * theta * theta * (relaxed + nitrogen)
    return IMAGINARY_TO_DB * frequency_ghz * (total + continuum)


@njit("float64(float64, float64, float64, float64, float64[:, ::1])", cache=True, error_model="numpy")
def vapour_db_per_km(
    frequency_ghz: float, pressure_hpa: float, temperature_k: float, vapour_g_per_m3: float, lines: Floats
) -> float:
    """Return the specific attenuation of water vapour; ``pressure_hpa`` is total, ``lines`` (n, 7) table 2."""
    theta = REFERENCE_K / temperature_k
    partial = vapour_g_per_m3 * temperature_k / VAPOUR_CONSTANT
    dry = pressure_hpa - partial
    log_theta = math.log(theta)
    rise = 0.1 * partial * theta**3.5
    total: float = 0.0
    for i in range(lines.shape[0]):
        broad = dry * math.exp(lines[i, 4] * log_theta) + lines[i, 5] * partial * math.exp(lines[i, 6] * log_theta)
        raw = lines[i, 3] * 1e-4 * broad
        width = 0.535 * raw + math.sqrt(0.217 * raw * raw + 2.1316e-12 * lines[i, 0] * lines[i, 0] / theta)
        strength = lines[i, 1] * rise * math.exp(lines[i, 2] * (1.0 - theta))
        total += strength * line_shape(frequency_ghz, lines[i, 0], width, 0.0)
    return IMAGINARY_TO_DB * frequency_ghz * total


@njit(
    "void(float64[::1], float64[::1], float64[::1], float64[::1], float64[:, ::1], float64[:, ::1], float64[:, ::1])",
    cache=True,
    error_model="numpy",
)
def gas_fill(
    frequency_ghz: Floats,
    pressure_hpa: Floats,
    temperature_k: Floats,
    vapour_g_per_m3: Floats,
    oxygen: Floats,
    vapour: Floats,
    db_per_km: Floats,
) -> None:
    """Fill ``db_per_km`` (2, n): dry air, then water vapour."""
    for i in range(frequency_ghz.size):
        f, p, t, rho = frequency_ghz[i], pressure_hpa[i], temperature_k[i], vapour_g_per_m3[i]
        db_per_km[0, i] = oxygen_db_per_km(f, p, t, rho, oxygen)
        db_per_km[1, i] = vapour_db_per_km(f, p, t, rho, vapour)
