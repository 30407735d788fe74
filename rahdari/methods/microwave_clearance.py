"""Clearance of a microwave path over its profile, and what the bending of rays does to it.

Source: Recommendation ITU-R P.530-18 section 2.2.  The share of time in which the ray bends towards the ground is the
one thing it leaves open; :func:`subrefraction_outage_frac` states how it is filled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from rahdari.errors import InputError, Problem
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

METRES_PER_KM = 1000.0
MEDIAN_K_RATIO = 4.0 / 3.0  # P.530-18 section 2.2.2.1 step 1, where nothing better is known
FRESNEL_M = 17.3  # P.530-18 eq. 3, km and GHz
GRAZING_DB = 10.0  # P.530-18 eq. 2: loss of average terrain at grazing
SLOPE_DB = 20.0  # same: dB per first Fresnel radius
CUT_RATIO = -1.0  # figure 1 of P.530-18 ends here
INFINITE_K_N_PER_KM = 157.0  # 10^6 over the Earth's radius: k = 157 / (157 + dN/dh), ITU-R P.310
LOW_K_SHARE = 0.001  # figure 2 of P.530-18 holds for 99.9 % of the worst month
LOW_K_LENGTH_KM = (20.0, 200.0)  # span of that figure; beyond, its ends
CLIMATES = ("temperate", "tropical")
TROPICAL_LENGTH_KM = 30.0  # P.530-18 section 2.2.2.1 step 3
MEDIAN_CLEARANCE_RATIO = 1.0  # same, step 1: of the first Fresnel radius at the median k
TEMPERATE_CLEARANCE_RATIO = 0.3  # same, step 3, obstruction along a portion of the path (0 where it is one point)
TROPICAL_CLEARANCE_RATIO = 0.6  # same, step 3


def low_k_ratio(length_km: ArrayLike) -> FloatArray:
    """Return the effective-Earth factor exceeded for 99.9 % of the worst month, over a path (P.530-18 figure 2).

    k = 157 / (144 + 2670 / d), the closed form of the figure's curve (continental temperate climate) that planners use;
    20 to 200 km, beyond which the ends are taken.

    >>> low_k_ratio([5.0, 50.0, 100.0]).round(3).tolist()
    [0.566, 0.795, 0.92]
    """
    d = np.clip(np.asarray(length_km, np.float64), *LOW_K_LENGTH_KM)
    return np.asarray(INFINITE_K_N_PER_KM / (144.0 + 2670.0 / d))


def earth_bulge_m(from_a_km: ArrayLike, from_b_km: ArrayLike, k_ratio: ArrayLike) -> FloatArray:
    """Return how far the curved Earth rises above the chord, m; ``k_ratio`` is the effective-Earth factor.

    >>> float(earth_bulge_m(25.0, 25.0, 4.0 / 3.0).round(2))
    36.79
    """
    product = np.asarray(from_a_km, np.float64) * np.asarray(from_b_km, np.float64)
    return np.asarray(METRES_PER_KM * product / (2.0 * np.asarray(k_ratio, np.float64) * EARTH_RADIUS_KM))


def fresnel_m(from_a_km: ArrayLike, from_b_km: ArrayLike, frequency_ghz: ArrayLike) -> FloatArray:
    """Return the radius of the first Fresnel ellipsoid, m (P.530-18 eq. 3).

    >>> float(fresnel_m(25.0, 25.0, 7.0).round(2))
    23.12
    """
    a, b = np.asarray(from_a_km, np.float64), np.asarray(from_b_km, np.float64)
    return np.asarray(FRESNEL_M * np.sqrt(a * b / (np.asarray(frequency_ghz, np.float64) * (a + b))))


def _knife_edge_db(clearance_ratio: FloatArray) -> FloatArray:
    """Return the loss of one knife edge, dB (ITU-R P.526-15 eq. 31), for a line that is cut."""
    v = -np.sqrt(2.0) * clearance_ratio - 0.1
    return np.asarray(6.9 + 20.0 * np.log10(np.hypot(v, 1.0) + v))


def diffraction_db(clearance_ratio: ArrayLike) -> FloatArray:
    """Return the diffraction loss over average terrain, dB (P.530-18 eq. 2), never below 0.

    ``clearance_ratio`` is the clearance over the first Fresnel radius, negative where the line is cut.  The law is
    stated for losses of 15 dB and more; below it joins grazing (10 dB) to half a radius (0 dB) by the same line.
    Figure 1 ends where the line is cut by one radius; beyond, the loss grows as that of a knife edge (P.526-15).

    >>> diffraction_db([-1.0, 0.0, 0.6]).tolist()
    [30.0, 10.0, 0.0]
    """
    ratio = np.asarray(clearance_ratio, np.float64)
    near = np.maximum(ratio, CUT_RATIO)
    deeper = _knife_edge_db(np.minimum(ratio, CUT_RATIO)) - _knife_edge_db(np.array(CUT_RATIO))
    return np.maximum(GRAZING_DB - SLOPE_DB * near, 0.0) + deeper


@dataclass(frozen=True, slots=True, eq=False)
class Clearance:
    """The worst point of each path at one k; all (n,): ratio to the Fresnel radius, its height, radius and place."""

    ratio: FloatArray
    clearance_m: FloatArray
    fresnel_m: FloatArray
    at_km: FloatArray


def worst_clearance(
    distance_km: ArrayLike,
    top_m: ArrayLike,
    antenna_a_m: ArrayLike,
    antenna_b_m: ArrayLike,
    *,
    frequency_ghz: ArrayLike,
    k_ratio: ArrayLike,
) -> Clearance:
    """Return the point of each path where clearance over the Fresnel radius is least.

    ``distance_km`` and ``top_m`` are (n, m) or (m,): rising distances from a, terrain and clutter above sea level.
    Antennas are above sea level, (n,) or scalar, as are the rest.  Ends are left out: their radius is 0.
    Raises :class:`InputError` for a profile of fewer than three points.
    """
    d, top = np.broadcast_arrays(
        np.atleast_2d(np.asarray(distance_km, np.float64)), np.atleast_2d(np.asarray(top_m, np.float64))
    )
    if d.shape[1] < 3:  # noqa: PLR2004  # two ends and something between
        raise InputError(Problem("a profile needs a point between its ends", "cut the terrain at a smaller step"))
    a, b, f, k = (
        np.reshape(np.asarray(value, np.float64), (-1, 1))
        for value in (antenna_a_m, antenna_b_m, frequency_ghz, k_ratio)
    )
    inner, ground = d[:, 1:-1], top[:, 1:-1]
    length = d[:, -1:]
    line = a + (b - a) * inner / length
    radius = fresnel_m(inner, length - inner, f)
    clear = line - ground - earth_bulge_m(inner, length - inner, k)
    ratio = clear / radius
    worst = np.argmin(ratio, axis=1)[:, None]
    ratio, clear, radius, place = (
        np.take_along_axis(np.broadcast_to(value, ratio.shape), worst, axis=1)[:, 0]
        for value in (ratio, clear, radius, np.broadcast_to(inner, ratio.shape))
    )
    return Clearance(ratio, clear, radius, place)


def low_clearance_ratio(length_km: float, climate: str) -> float:
    """Return the clearance wanted at the low k, in first Fresnel radii (P.530-18 section 2.2.2.1 step 3).

    Raises :class:`InputError` for a climate that is not one of :data:`CLIMATES`.
    """
    if climate not in CLIMATES:
        raise InputError(Problem(f"climate {climate!r} is unknown", f"use one of {', '.join(CLIMATES)}"))
    is_long = climate == "tropical" and length_km > TROPICAL_LENGTH_KM
    return TROPICAL_CLEARANCE_RATIO if is_long else TEMPERATE_CLEARANCE_RATIO


def raise_needed_m(
    distance_km: FloatArray,
    top_m: FloatArray,
    antenna_a_m: float,
    antenna_b_m: float,
    *,
    frequency_ghz: float,
    climate: str = "tropical",
) -> float:
    """Return by how much both antennas must rise to meet the clearance rules of P.530-18 section 2.2.2.1, m.

    At least 0; one profile (m,), heights above sea level.  ``climate`` is the cautious ``tropical`` where uncertain.
    """
    length = float(distance_km[-1])
    inner = distance_km[1:-1]
    line = antenna_a_m + (antenna_b_m - antenna_a_m) * inner / length
    radius = fresnel_m(inner, length - inner, frequency_ghz)
    needs = [0.0]
    low_k = float(low_k_ratio(length))
    rules = ((MEDIAN_K_RATIO, MEDIAN_CLEARANCE_RATIO), (low_k, low_clearance_ratio(length, climate)))
    for k, share in rules:
        clear = line - top_m[1:-1] - earth_bulge_m(inner, length - inner, k)
        needs.append(float(np.max(share * radius - clear, initial=0.0)))
    return max(needs)


def subrefraction_outage_frac(loss_median_db: ArrayLike, loss_low_db: ArrayLike, margin_db: ArrayLike) -> FloatArray:
    """Return the share of the worst month in which the ray's bending adds more diffraction loss than the margin.

    ``loss_median_db`` is that at k = 4/3, ``loss_low_db`` that at :func:`low_k_ratio`; ``margin_db`` is what is left
    after the median loss.  Own closing of P.530-18 section 2.2: the refractivity gradient is Gaussian through these
    two points (half and 99.9 % of the time) and the loss runs straight between and beyond them.  0 where the loss
    does not grow; 1 where the margin is not above 0.
    """
    median = np.asarray(loss_median_db, np.float64)
    growth = np.asarray(loss_low_db, np.float64) - median
    margin = np.asarray(margin_db, np.float64)
    quantile = -ndtri(LOW_K_SHARE)
    deviations = quantile * margin / np.maximum(growth, 1e-9)
    share = np.where(growth > 0.0, ndtr(-deviations), 0.0)
    return np.asarray(np.where(margin > 0.0, share, 1.0))
