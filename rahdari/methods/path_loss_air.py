"""Path loss to drones and aircraft in closed form: towns and country to 300 m, smooth earth above.

Sources: 3GPP TR 36.777 annex B, tables B-1 to B-3 (aerial terminals of 1.5 to 300 m); for air to ground a stated
simplification in the manner of ITU-R P.528, see :func:`air_to_ground_db`.  None of them sees terrain: over mountains
take the terrain model with the drone as one end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy.special import ndtri

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.path_loss import loss_db, shadow_sigma_db, sight_frac
from rahdari.methods.propagation import LIGHT_SPEED_M_PER_S, METRES_PER_KM, free_space_db
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

AerialScenario = Literal["rma", "uma", "umi"]
AERIAL: tuple[AerialScenario, ...] = get_args(AerialScenario)
LOW_M = {"rma": 10.0, "uma": 22.5, "umi": 22.5}  # tables B-1 to B-3: up to here the ground's formulae hold
ALWAYS_M = {"rma": 40.0, "uma": 100.0, "umi": 300.0}  # above, sight is certain (UMi: never said)
TOP_M = 300.0
AIR_LOW_GHZ, AIR_HIGH_GHZ = 0.5, 30.0  # as TR 38.901 table 7.4.1-1 for RMa; annex B itself was fitted at 0.7 and 2 GHz
FAR_M = {"rma": 10_000.0, "uma": 4_000.0, "umi": 4_000.0}  # table B-2
HIDDEN_SIGMA_DB = {"rma": 6.0, "uma": 6.0, "umi": 8.0}  # table B-3


def _not_in_band(frequency_ghz: float) -> Problem:
    return Problem(f"a frequency of {frequency_ghz:g} GHz", f"give {AIR_LOW_GHZ:g} to {AIR_HIGH_GHZ:g} GHz")


def outside_air(scenario: AerialScenario, distance_km: ArrayLike, height_m: float) -> list[Problem]:
    """Return what lies outside TR 36.777 annex B, a problem each."""
    if scenario not in AERIAL:
        raise InputError(Problem(f"'{scenario}' has no aerial model", f"use one of {', '.join(AERIAL)}"))
    problems = []
    metres = np.asarray(distance_km, np.float64) * METRES_PER_KM
    if not ((metres >= 0.0) & np.isfinite(metres)).all():
        problems.append(Problem("a distance is missing or below 0", "give kilometres, 0 or more"))
    if not 1.5 <= height_m <= TOP_M:  # noqa: PLR2004  # table B-1
        problems.append(Problem(f"a height of {height_m:g} m", "TR 36.777 holds from 1.5 to 300 m"))
    if height_m > LOW_M[scenario] and (metres > FAR_M[scenario]).any():
        cure = f"TR 36.777 {scenario} holds up to {FAR_M[scenario] / METRES_PER_KM:g} km"
        problems.append(Problem(f"a distance of {metres.max():g} m", cure))
    return problems


def aerial_sight_frac(scenario: AerialScenario, distance_km: ArrayLike, height_m: float) -> FloatArray:
    """Return the probability of line of sight to a terminal ``height_m`` above ground (TR 36.777 table B-1).

    >>> aerial_sight_frac("uma", [0.5, 3.0], 120.0).tolist()
    [1.0, 1.0]
    """
    raise_if_any(outside_air(scenario, 0.0, height_m))
    d = np.asarray(distance_km, np.float64) * METRES_PER_KM
    if height_m <= LOW_M[scenario]:
        return sight_frac(scenario, distance_km, terminal_m=height_m)
    if height_m > ALWAYS_M[scenario]:
        return np.ones_like(d)
    log_h = np.log10(height_m)
    decay, certain = {
        "rma": (max(15021.0 * log_h - 16053.0, 1000.0), max(1350.8 * log_h - 1602.0, 18.0)),
        "uma": (4300.0 * log_h - 3800.0, max(460.0 * log_h - 700.0, 18.0)),
        "umi": (233.98 * log_h - 0.95, max(294.05 * log_h - 432.94, 18.0)),
    }[scenario]
    far = np.maximum(d, certain)
    return np.asarray(certain / far + np.exp(-far / decay) * (1.0 - certain / far))


def aerial_loss_db(
    scenario: AerialScenario,
    distance_km: ArrayLike,
    frequency_ghz: float,
    mast_m: float,
    height_m: float,
    *,
    is_line_of_sight: bool,
) -> FloatArray:
    """Return the median path loss to an aerial terminal, dB (TR 36.777 table B-2); shape of ``distance_km``.

    Up to 10 m (RMa) or 22.5 m (UMa, UMi) the formulae of TR 38.901; above, those of annex B up to 300 m; distances
    below 10 m count as 10 m, and beyond the stated ones the slopes go on.  Losses jump at that height, as published.
    """
    problems = [] if AIR_LOW_GHZ <= frequency_ghz <= AIR_HIGH_GHZ else [_not_in_band(frequency_ghz)]
    if not 0.0 < mast_m < np.inf:
        problems.append(Problem(f"a mast of {mast_m:g} m", "give metres above ground"))
    distance = np.asarray(distance_km, np.float64)
    if not ((distance >= 0.0) & np.isfinite(distance)).all():
        problems.append(Problem("a distance is missing or below 0", "give kilometres, 0 or more"))
    raise_if_any(problems + outside_air(scenario, 0.0, height_m))
    if height_m <= LOW_M[scenario]:
        return loss_db(scenario, distance_km, frequency_ghz, mast_m, height_m, is_line_of_sight=is_line_of_sight)
    ground = np.maximum(np.asarray(distance_km, np.float64) * METRES_PER_KM, 10.0)
    slant = np.hypot(ground, mast_m - height_m)
    log_h, log_d = np.log10(height_m), np.log10(slant)
    wide, tuned = 20.0 * np.log10(40.0 * np.pi * frequency_ghz / 3.0), 20.0 * np.log10(frequency_ghz)
    if scenario == "rma":
        line = max(23.9 - 1.8 * log_h, 20.0) * log_d + wide
        hidden = -12.0 + (35.0 - 5.3 * log_h) * log_d + wide
    elif scenario == "uma":
        line = 28.0 + 22.0 * log_d + tuned
        hidden = -17.5 + (46.0 - 7.0 * log_h) * log_d + wide
        return np.asarray(line if is_line_of_sight else hidden)
    else:
        free = free_space_db(slant / METRES_PER_KM, frequency_ghz)
        line = np.maximum(free, 30.9 + (22.25 - 0.5 * log_h) * log_d + tuned)
        hidden = 32.4 + (43.2 - 7.6 * log_h) * log_d + tuned
    return np.asarray(line if is_line_of_sight else np.maximum(line, hidden))


def aerial_sigma_db(
    scenario: AerialScenario,
    distance_km: ArrayLike,
    frequency_ghz: float,
    mast_m: float,
    height_m: float,
    *,
    is_line_of_sight: bool,
) -> FloatArray:
    """Return the standard deviation of shadow fading to an aerial terminal, dB (TR 36.777 table B-3)."""
    raise_if_any(outside_air(scenario, 0.0, height_m))
    if height_m <= LOW_M[scenario]:
        return shadow_sigma_db(
            scenario, distance_km, frequency_ghz, mast_m, height_m, is_line_of_sight=is_line_of_sight
        )
    sight = {
        "rma": 4.2 * np.exp(-0.0046 * height_m),
        "uma": 4.64 * np.exp(-0.0066 * height_m),
        "umi": max(5.0 * np.exp(-0.01 * height_m), 2.0),
    }[scenario]
    return np.full(np.shape(distance_km), sight if is_line_of_sight else HIDDEN_SIGMA_DB[scenario])


K_FACTOR = 4.0 / 3.0  # median effective earth radius of ITU-R P.310 over the true one
REFLECTION = 0.7  # amplitude of the ground's reflection near grazing, land; assumed
BEYOND_DB_PER_KM = 0.6  # loss beyond the smooth-earth horizon near 1 GHz; assumed, of the size of P.528's diffraction
NEAR_SIGMA_DB, FAR_SIGMA_DB = 1.0, 8.0  # deviation over time at the mast and at the horizon; assumed
AIR_GHZ, AIR_M = (0.1, 30.0), (1.5, 20_000.0)  # scope of ITU-R P.528


def horizon_km(height_m: ArrayLike) -> FloatArray:
    """Return the distance to the smooth-earth horizon, km, at the median refraction.

    >>> float(horizon_km(1000.0).round(1))
    130.3
    """
    return np.asarray(
        np.sqrt(2.0 * K_FACTOR * EARTH_RADIUS_KM * np.asarray(height_m, np.float64) / METRES_PER_KM), np.float64
    )


def air_to_ground_db(
    distance_km: ArrayLike, frequency_ghz: float, ground_m: float, air_m: float, time_pct: float = 50.0
) -> FloatArray:
    """Return air-to-ground loss not exceeded for ``time_pct`` per cent of time, dB: a simplification, not ITU-R P.528.

    Stated form: in sight, free space and one ground reflection of amplitude 0.7 over a smooth earth of 4/3 radius,
    the heights shrinking to nothing at the horizon, so at most 4.6 dB better than free space; beyond both horizons the
    loss at the horizon and 0.6 dB a kilometre times the cube root of GHz.  Over time the loss is normal in decibels;
    its deviation grows from 1 dB at the mast to 8 dB at the horizon.  No terrain, no rain, no gas.  0.1 to 30 GHz,
    1.5 m to 20 km of height, 1 to 99 % of time; else :class:`InputError`.
    """
    _check_air(distance_km, frequency_ghz, (ground_m, air_m), time_pct)
    d = np.maximum(np.asarray(distance_km, np.float64), 1e-3)
    sight_km = float(horizon_km(ground_m) + horizon_km(air_m))
    within = np.minimum(d, sight_km)
    # Bulge of the earth lowers both ends seen from the reflecting point; at the horizon both heights vanish.
    left = np.maximum(1.0 - (within / sight_km) ** 2, 0.0)
    rise_km = abs(air_m - ground_m) / METRES_PER_KM
    slant_km = np.hypot(within, rise_km)
    difference_m = 2.0 * (ground_m * left) * (air_m * left) / (within * METRES_PER_KM)
    difference_m = np.minimum(difference_m, 2.0 * min(ground_m, air_m))
    phase = 2.0 * np.pi * difference_m * frequency_ghz * 1e9 / LIGHT_SPEED_M_PER_S
    field = 1.0 + REFLECTION**2 - 2.0 * REFLECTION * np.cos(phase)
    beyond = BEYOND_DB_PER_KM * np.cbrt(frequency_ghz) * np.maximum(d - sight_km, 0.0)
    median = free_space_db(slant_km, frequency_ghz) - 10.0 * np.log10(field) + beyond
    sigma = NEAR_SIGMA_DB + (FAR_SIGMA_DB - NEAR_SIGMA_DB) * within / sight_km
    return np.asarray(median + sigma * float(ndtri(time_pct / 100.0)))


def _check_air(distance_km: ArrayLike, frequency_ghz: float, heights_m: tuple[float, float], time_pct: float) -> None:
    problems = []
    d = np.asarray(distance_km, np.float64)
    if not ((d >= 0.0) & np.isfinite(d)).all():
        problems.append(Problem("a distance is missing or below 0", "give kilometres, 0 or more"))
    if not AIR_GHZ[0] <= frequency_ghz <= AIR_GHZ[1]:
        problems.append(Problem(f"{frequency_ghz:g} GHz", "air to ground holds from 0.1 to 30 GHz"))
    problems += [
        Problem(f"a height of {height:g} m", "air to ground holds from 1.5 m to 20 km")
        for height in heights_m
        if not AIR_M[0] <= height <= AIR_M[1]
    ]
    if not 1.0 <= time_pct <= 99.0:  # noqa: PLR2004  # scope of P.528
        problems.append(Problem(f"{time_pct:g} % of time", "give 1 to 99"))
    raise_if_any(problems)
