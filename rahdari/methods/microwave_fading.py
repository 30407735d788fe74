"""Multipath fading of a line-of-sight hop: occurrence, all depths, worst month and average year, enhancement.

Source: Recommendation ITU-R P.530-18 sections 2.3.1 to 2.3.4; for the geoclimatic factor without ITU's maps,
P.530-17 section 2.3.1.  Percentages are per cent of time, as there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

FADING_LENGTH_KM = 5.0  # P.530-18 section 2.3: shorter paths need no multipath
FREQUENCY_MAX_GHZ = 45.0  # P.530-18 section 2.3.1; above, this frequency is taken
ANNUAL_MAX_DB = (
    10.8  # P.530-18 section 2.3.4 step 2: the largest conversion; some open programs take it for the smallest
)
ANNUAL_LAT_DEG = 45.0  # same: the sign changes here
TRANSITION_DB = 25.0  # P.530-18 section 2.3.2 step 2
TRANSITION_SLOPE_DB = 1.2  # same
TINY_PCT = 1e-12  # an occurrence below this is none: the logarithms stay finite
TRANSITION_MAX_PCT = 99.0  # a path that fades all the time: the law's logarithm needs less than 100 %
DEFAULT_REFRACTIVITY_N_UNITS = 20.0  # dN75, assumed: maps run from 3 in cool dry to above 50 over warm sea
DEFAULT_GRADIENT_N_PER_KM = -400.0  # dN1 of P.530-17, national; the radio engine assumes the same
DEFAULT_ROUGHNESS_M = 40.0  # s_a of P.530-17, assumed: between the Indus plain (5) and mountains (hundreds)
ENHANCEMENT_DB = 10.0  # eq. 19 holds above


class ReferenceHop(NamedTuple):
    """The hop on which the two editions of P.530 are made to agree where ITU's map of K is not at hand."""

    length_km: float = 40.0
    frequency_ghz: float = 7.0
    inclination_mrad: float = 1.0
    lower_m: float = 200.0
    clearance_m: float = 100.0


REFERENCE_HOP = ReferenceHop()


class Occurrence(NamedTuple):
    """The multipath occurrence factor and what it is made of; all (n,)."""

    inclination_mrad: FloatArray
    mean_clearance_m: FloatArray
    duct_ratio: FloatArray
    duct_limit_ratio: FloatArray
    occurrence_pct: FloatArray


def occurrence_pct(
    geoclimatic: ArrayLike,
    refractivity_n_units: ArrayLike,
    length_km: ArrayLike,
    frequency_ghz: ArrayLike,
    *,
    antenna_a_m: ArrayLike,
    antenna_b_m: ArrayLike,
    terrain_m: ArrayLike,
) -> Occurrence:
    """Return the multipath occurrence factor p0 of the average worst month (P.530-18 eq. 7 with A = 0).

    ``geoclimatic`` is K, ``refractivity_n_units`` dN75, both from ITU's maps or stated defaults; heights are above sea
    level, ``terrain_m`` the mean of the terrain without trees.  15/d to 45 GHz; higher frequencies count as 45.
    Hops of 5 km and less have no multipath (section 2.3).  Shapes broadcast.
    """
    d, f = np.asarray(length_km, np.float64), np.minimum(np.asarray(frequency_ghz, np.float64), FREQUENCY_MAX_GHZ)
    a, b = np.asarray(antenna_a_m, np.float64), np.asarray(antenna_b_m, np.float64)
    dn = np.asarray(refractivity_n_units, np.float64)
    inclination = np.abs(a - b) / d
    mean = 0.5 * (a + b) - d * d / 102.0 - np.asarray(terrain_m, np.float64)
    limit = dn * d**1.5 * np.sqrt(f) / 24730.0
    # The limit wins long before the exponential of a path far below its terrain overflows.
    duct = np.minimum((dn / 50.0) ** 1.8 * np.exp(np.minimum(-mean / (2.5 * np.sqrt(d)), 50.0)), limit)
    power = -0.376 * np.tanh((mean - 147.0) / 125.0) - 0.334 * inclination**0.39
    power += -0.00027 * np.minimum(a, b) + 17.85 * duct
    p0 = np.asarray(geoclimatic, np.float64) * d**3.51 * (f * f + 13.0) ** 0.447 * 10.0**power
    p0 = np.where(d > FADING_LENGTH_KM, p0, 0.0)
    values = np.broadcast_arrays(inclination, mean, duct, limit, p0)
    return Occurrence(*(np.array(value) for value in values))


def occurrence_17_pct(
    gradient_n_per_km: ArrayLike,
    length_km: ArrayLike,
    frequency_ghz: ArrayLike,
    *,
    inclination_mrad: ArrayLike,
    lower_m: ArrayLike,
    roughness_m: ArrayLike = DEFAULT_ROUGHNESS_M,
) -> FloatArray:
    """Return the occurrence factor after the former edition (P.530-17 section 2.3.1, detailed design), per cent.

    ``gradient_n_per_km`` is dN1, the gradient in the lowest 65 m not exceeded for 1 % of the year; ``roughness_m`` the
    standard deviation of heights within 110 km.  A second opinion beside :func:`occurrence_pct`.
    """
    d, f = np.asarray(length_km, np.float64), np.minimum(np.asarray(frequency_ghz, np.float64), FREQUENCY_MAX_GHZ)
    k = 10.0 ** (-4.4 - 0.0027 * np.asarray(gradient_n_per_km, np.float64))
    k = k * (10.0 + np.asarray(roughness_m, np.float64)) ** -0.46
    steep = (1.0 + np.abs(np.asarray(inclination_mrad, np.float64))) ** -1.03
    p0 = k * d**3.4 * steep * f**0.8 * 10.0 ** (-0.00076 * np.asarray(lower_m, np.float64))
    return np.asarray(np.where(d > FADING_LENGTH_KM, p0, 0.0))


def geoclimatic_default(
    gradient_n_per_km: float = DEFAULT_GRADIENT_N_PER_KM,
    refractivity_n_units: float = DEFAULT_REFRACTIVITY_N_UNITS,
    roughness_m: float = DEFAULT_ROUGHNESS_M,
) -> float:
    """Return a geoclimatic factor K for P.530-18 where ITU's map is not at hand.

    The map may not be shipped.  K is what makes P.530-18 agree with P.530-17 on :data:`REFERENCE_HOP` for a national
    gradient and roughness: derived, not published; reading the map replaces it.

    >>> round(float(np.log10(geoclimatic_default())), 2)
    -4.62
    """
    hop = REFERENCE_HOP
    former = occurrence_17_pct(
        gradient_n_per_km,
        hop.length_km,
        hop.frequency_ghz,
        inclination_mrad=hop.inclination_mrad,
        lower_m=hop.lower_m,
        roughness_m=roughness_m,
    )
    upper = hop.lower_m + hop.inclination_mrad * hop.length_km
    terrain = 0.5 * (hop.lower_m + upper) - hop.length_km**2 / 102.0 - hop.clearance_m
    unit = occurrence_pct(
        1.0,
        refractivity_n_units,
        hop.length_km,
        hop.frequency_ghz,
        antenna_a_m=hop.lower_m,
        antenna_b_m=upper,
        terrain_m=terrain,
    )
    return float(former / unit.occurrence_pct)


def annual_factor_db(length_km: ArrayLike, inclination_mrad: ArrayLike, lat_deg: ArrayLike) -> FloatArray:
    """Return the conversion from worst month to average year, dB (P.530-18 section 2.3.4 step 2), 0 to 10.8.

    >>> float(annual_factor_db(40.0, 1.0, 31.0).round(3))
    5.411
    """
    lat = np.abs(np.asarray(lat_deg, np.float64))
    turn = np.abs(np.cos(np.radians(2.0 * lat))) ** 0.7
    inner = 1.1 + np.where(lat <= ANNUAL_LAT_DEG, turn, -turn)
    db = 10.5 - 5.6 * np.log10(inner) - 2.7 * np.log10(np.asarray(length_km, np.float64))
    db = db + 1.7 * np.log10(1.0 + np.abs(np.asarray(inclination_mrad, np.float64)))
    return np.clip(db, 0.0, ANNUAL_MAX_DB)


class FadeLaw(NamedTuple):
    """The law of all fade depths of some hops in one period; all (n,): tail, transition depth and shape."""

    tail_pct: FloatArray
    transition_db: FloatArray
    transition_pct: FloatArray
    shape: FloatArray


def fade_law(occurrence: ArrayLike, annual_db: ArrayLike = 0.0) -> FadeLaw:
    """Return the law of all fade depths (P.530-18 section 2.3.2, eq. 14 to 16).

    ``annual_db`` above 0 makes it that of the year, with the worst month's transition (section 2.3.4 step 4).
    """
    p0 = np.maximum(np.asarray(occurrence, np.float64), TINY_PCT)
    depth = TRANSITION_DB + TRANSITION_SLOPE_DB * np.log10(p0)
    tail = p0 * 10.0 ** (-np.asarray(annual_db, np.float64) / 10.0)
    at = np.minimum(tail * 10.0 ** (-depth / 10.0), TRANSITION_MAX_PCT)
    qa = -20.0 * np.log10(-np.log1p(-at / 100.0)) / depth
    spread = (1.0 + 0.3 * 10.0 ** (-depth / 20.0)) * 10.0 ** (-0.016 * depth)
    shape = (qa - 2.0) / spread - 4.3 * (10.0 ** (-depth / 20.0) + depth / 800.0)
    return FadeLaw(*(np.array(value) for value in np.broadcast_arrays(tail, depth, at, shape)))


def fade_exceeded_pct(law: FadeLaw, depth_db: ArrayLike) -> FloatArray:
    """Return the per cent of time in which a fade depth is exceeded (P.530-18 section 2.3.2, eq. 17 and 18).

    Any depth from 0 dB; continuous at the transition; beyond it 10 dB a decade.  The law broadcasts against
    ``depth_db``.  Where the hop has no multipath the result is 0.
    """
    depth = np.maximum(np.asarray(depth_db, np.float64), 0.0)
    tail, transition = law.tail_pct, law.transition_db
    slow = 10.0 ** (-depth / 20.0)
    deep = tail * slow * slow
    near = np.minimum(depth, transition)
    slow = np.where(depth < transition, slow, 10.0 ** (-near / 20.0))
    qa = 2.0 + (1.0 + 0.3 * slow) * 10.0 ** (-0.016 * near) * (law.shape + 4.3 * (slow + near / 800.0))
    shallow = -100.0 * np.expm1(-(10.0 ** (-qa * near / 20.0)))
    value = np.where(depth < transition, shallow, deep)
    return np.asarray(np.where(tail <= TINY_PCT, 0.0, value))


def activity(occurrence: ArrayLike) -> FloatArray:
    """Return the multipath activity parameter eta (P.530-18 section 4.1 step 2); ``occurrence`` is p0 in per cent.

    >>> float(activity(100.0).round(4))
    0.1813
    """
    return np.asarray(-np.expm1(-0.2 * (np.asarray(occurrence, np.float64) / 100.0) ** 0.75))


def enhancement_not_exceeded_pct(occurrence: ArrayLike, enhancement_db: ArrayLike) -> FloatArray:
    """Return the per cent of the worst month in which an enhancement is not exceeded (P.530-18 section 2.3.3).

    From 0 dB; the 0.01 % fade is that of the deep tail.  For interference into neighbours, not for the hop's budget.
    """
    p0 = np.maximum(np.asarray(occurrence, np.float64), TINY_PCT)
    e = np.maximum(np.asarray(enhancement_db, np.float64), 0.0)
    fade = 10.0 * np.log10(p0 / 0.01)
    high = 100.0 - 10.0 ** ((-1.7 + 0.2 * fade - e) / 3.5)
    at = 10.0 ** ((-1.7 + 0.2 * fade - ENHANCEMENT_DB) / 3.5)
    qe = -2.0 * np.log10(-np.log1p(-np.minimum(at / 58.21, 0.999)))
    qs = 2.05 * qe - 20.3
    slow = 10.0 ** (-e / 20.0)
    q = 8.0 + (1.0 + 0.3 * slow) * 10.0 ** (-0.7 * e / 20.0) * (qs + 12.0 * (slow + e / 800.0))
    low = 100.0 + 58.21 * np.expm1(-(10.0 ** (-q * e / 20.0)))
    return np.clip(np.where(e > ENHANCEMENT_DB, high, low), 0.0, 100.0)
