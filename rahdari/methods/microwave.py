"""Microwave hops after Recommendation ITU-R P.530-18: level, margins, outages and capacity of each modulation.

All hops are computed at once, in pieces that stay in the processor's cache; every intermediate is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods import microwave_outage as outage
from rahdari.methods.gas import gas_db_per_km
from rahdari.methods.microwave_clearance import subrefraction_outage_frac
from rahdari.methods.microwave_fading import (
    DEFAULT_REFRACTIVITY_N_UNITS,
    activity,
    annual_factor_db,
    fade_exceeded_pct,
    fade_law,
    geoclimatic_default,
    occurrence_pct,
)
from rahdari.methods.propagation import LIGHT_SPEED_M_PER_S, free_space_db
from rahdari.methods.rain import hop_rain_outage_frac, rain_coefficients

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

FREQUENCY_GHZ = (1.0, 100.0)  # where the laws of P.530, P.676 and P.838 all hold
LENGTH_KM = (0.01, 240.0)  # from the far field of a small dish to the longest hop behind P.530's laws
DEFAULT_RAIN_RATE_MM_H = 40.0  # 0.01 % of the year, national; ITU's map may not be shipped
VERTICAL_DEG = 90.0  # tilt of vertical polarisation, which rain attenuates least
METRES_PER_KM = 1000.0
_CHUNK = 4096  # hops at once: with ten modulations an array is 320 kB
_SHOWN = 20  # faulty hops listed one by one


@dataclass(frozen=True, slots=True, eq=False)
class Radio:
    """A radio with adaptive modulation; arrays (s,) run from the most robust modulation to the fastest.

    ``signature_ghz_per_ns`` is the sum over both phases of :func:`microwave_outage.signature_ghz_per_ns`;
    ``carrier_to_noise_db`` stands for C0/I too.  ``is_dual`` uses both polarisations of one channel and doubles the
    capacity; ``cancellation_db`` is the improvement of its cross-polar canceller, 0 where there is none.
    """

    radio_id: str
    frequency_ghz: float
    channel_mhz: float
    mode: tuple[str, ...]
    tx_power_dbm: FloatArray
    threshold_dbm: FloatArray
    carrier_to_noise_db: FloatArray
    capacity_mbps: FloatArray
    signature_ghz_per_ns: FloatArray
    is_dual: bool = False
    cancellation_db: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a radio whose modulations are out of order."""
        n = len(self.mode)
        sizes = {value.size for value in (self.tx_power_dbm, self.threshold_dbm, self.carrier_to_noise_db)}
        sizes |= {self.capacity_mbps.size, self.signature_ghz_per_ns.size}
        if n == 0 or sizes != {n}:
            raise InputError(Problem(f"radio {self.radio_id} has modulations without figures", "give one of each"))
        if (np.diff(self.capacity_mbps) <= 0.0).any() or (np.diff(self.threshold_dbm) <= 0.0).any():
            what = f"radio {self.radio_id}: thresholds and capacities must rise from modulation to modulation"
            raise InputError(Problem(what, "sort its modulations from the most robust to the fastest"))


def dish_gain_dbi(diameter_m: ArrayLike, frequency_ghz: ArrayLike, efficiency_frac: ArrayLike) -> FloatArray:
    """Return the boresight gain of a dish, dBi: (pi D f / c)^2 times its efficiency.

    >>> float(dish_gain_dbi(1.2, 7.5, 0.55).round(2))
    36.9
    """
    turns = np.pi * np.asarray(diameter_m, np.float64) * np.asarray(frequency_ghz, np.float64) * 1e9
    gain = 20.0 * np.log10(turns / LIGHT_SPEED_M_PER_S)
    return np.asarray(gain + 10.0 * np.log10(np.asarray(efficiency_frac, np.float64)))


@dataclass(frozen=True, slots=True, eq=False)
class Hops:
    """What is known of each hop; all (n,) float64; made by :func:`make_hops`.

    Antenna and terrain heights are above sea level, ``terrain_m`` the mean along the path.  ``loss_db`` sums feeders
    and radomes of both ends, ``degradation_db`` what interference takes from the threshold.  The two diffraction losses
    are those at k = 4/3 and at k(99.9 %).  ``spacing_m`` and ``frequency_step_ghz`` are 0 without that diversity.
    """

    length_km: FloatArray
    frequency_ghz: FloatArray
    antenna_a_m: FloatArray
    antenna_b_m: FloatArray
    terrain_m: FloatArray
    lat_deg: FloatArray
    gain_a_dbi: FloatArray
    gain_b_dbi: FloatArray
    antenna_xpd_db: FloatArray
    tilt_deg: FloatArray
    rain_rate_mm_h: FloatArray
    geoclimatic: FloatArray
    refractivity_n_units: FloatArray
    loss_db: FloatArray
    degradation_db: FloatArray
    diffraction_median_db: FloatArray
    diffraction_low_db: FloatArray
    spacing_m: FloatArray
    frequency_step_ghz: FloatArray

    @property
    def n(self) -> int:
        """Return the number of hops."""
        return self.length_km.size

    def rows(self, start: int, stop: int) -> Hops:
        """Return some of the hops."""
        return Hops(*(getattr(self, field.name)[start:stop] for field in fields(self)))


#: Name -> least and greatest value, default (``None``: must be given), cure.
_RANGES: Mapping[str, tuple[float, float, float | None, str]] = {
    "length_km": (*LENGTH_KM, None, "split the path by a relay, or give kilometres"),
    "frequency_ghz": (*FREQUENCY_GHZ, None, "give the carrier in GHz, within the laws of P.530"),
    "antenna_a_m": (-430.0, 9500.0, None, "give metres above sea level"),
    "antenna_b_m": (-430.0, 9500.0, None, "give metres above sea level"),
    "terrain_m": (-430.0, 9000.0, None, "give the mean of the terrain along the path, metres above sea level"),
    "lat_deg": (-90.0, 90.0, None, "give degrees north"),
    "gain_a_dbi": (0.0, 70.0, None, "give the dish's gain in dBi"),
    "gain_b_dbi": (0.0, 70.0, None, "give the dish's gain in dBi"),
    "antenna_xpd_db": (0.0, 60.0, 30.0, "give the discrimination of polarisations at boresight, dB"),
    "tilt_deg": (0.0, 90.0, VERTICAL_DEG, "give 0 for horizontal, 90 for vertical, 45 for circular"),
    "rain_rate_mm_h": (0.1, 300.0, DEFAULT_RAIN_RATE_MM_H, "give the rate of 0.01 % of the year"),
    "geoclimatic": (1e-12, 1e-1, 0.0, "give K, not its logarithm"),
    "refractivity_n_units": (0.0, 200.0, DEFAULT_REFRACTIVITY_N_UNITS, "give dN75 of ITU-R P.530-18"),
    "loss_db": (0.0, 60.0, 0.0, "give losses as positive decibels"),
    "degradation_db": (0.0, 60.0, 0.0, "give losses as positive decibels"),
    "diffraction_median_db": (0.0, 1e6, 0.0, "give losses as positive decibels"),
    "diffraction_low_db": (0.0, 1e6, 0.0, "give losses as positive decibels"),
    "spacing_m": (0.0, 50.0, 0.0, "give the vertical spacing of the two receiving antennas, m"),
    "frequency_step_ghz": (0.0, 5.0, 0.0, "give the spacing of the two carriers, GHz"),
}


def make_hops(**given: ArrayLike) -> Hops:
    """Return checked hops; every field of :class:`Hops` is an argument, (n,) or scalar; see there for the meaning.

    Left out: vertical polarisation, 40 mm/h of rain, dN75 of 20, the derived K, no losses, no diversity.  Raises
    :class:`InputError` with every fault: unknown or missing names, values that are not finite or out of range.
    """
    lost = [name for name, (_, _, default, _) in _RANGES.items() if default is None and name not in given]
    problems = [Problem(f"'{name}' is missing", f"give {name}", None, None, name) for name in lost]
    problems += [
        Problem(f"'{name}' is unknown", f"use one of {', '.join(_RANGES)}", None, None, name)
        for name in sorted(set(given) - set(_RANGES))
    ]
    raise_if_any(problems)
    values = {}
    for name, (_, _, default, _) in _RANGES.items():
        fallback = geoclimatic_default() if name == "geoclimatic" else default
        values[name] = np.atleast_1d(np.asarray(given.get(name, fallback), np.float64))
    try:
        size = np.broadcast_shapes(*(value.shape for value in values.values()))
    except ValueError as error:
        raise InputError(Problem(f"the hops' columns differ in length: {error}", "give one value a hop")) from error
    filled = {name: np.array(np.broadcast_to(value, size)) for name, value in values.items()}
    for name, (low, high, _, cure) in _RANGES.items():
        bad = np.flatnonzero(~((filled[name] >= low) & (filled[name] <= high)))
        for row in bad[:_SHOWN]:
            what = f"{filled[name][row]:g} is not within {low:g} to {high:g}"
            problems.append(Problem(what, cure, None, int(row) + 1, name))
    raise_if_any(problems)
    return Hops(**filled)


class Path(NamedTuple):
    """What a hop's budget holds before the modulation; all (n,)."""

    free_space_db: FloatArray
    dry_air_db: FloatArray
    vapour_db: FloatArray
    rain_k: FloatArray
    rain_alpha: FloatArray
    rain_db_per_km: FloatArray
    rain_distance_ratio: FloatArray
    rain_001_db: FloatArray
    inclination_mrad: FloatArray
    mean_clearance_m: FloatArray
    duct_ratio: FloatArray
    duct_limit_ratio: FloatArray
    occurrence_pct: FloatArray
    transition_db: FloatArray
    activity_ratio: FloatArray
    annual_db: FloatArray


class Outages(NamedTuple):
    """What a hop's budget holds for each modulation; all (n, s), outages as shares of time.

    ``flat``, ``selective``, ``xpd`` and ``bending`` are of the worst month, ``rain`` of the year.
    """

    received_dbm: FloatArray
    margin_db: FloatArray
    flat_frac: FloatArray
    flat_year_frac: FloatArray
    selective_frac: FloatArray
    space_ratio: FloatArray
    frequency_ratio: FloatArray
    fading_frac: FloatArray
    xpd_frac: FloatArray
    bending_frac: FloatArray
    rain_year_frac: FloatArray
    rain_xpd_year_frac: FloatArray
    month_frac: FloatArray
    year_frac: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Budgets:
    """The budgets of hops with one radio; ``mean_*_mbps`` are (n,) of the year and of the average worst month."""

    hops: Hops
    radio: Radio
    path: Path
    modes: Outages
    mean_year_mbps: FloatArray
    mean_month_mbps: FloatArray

    @property
    def availability_year_frac(self) -> FloatArray:
        """Return (n, s) shares of the year in which a modulation or a faster one holds."""
        return 1.0 - self.modes.year_frac

    @property
    def availability_month_frac(self) -> FloatArray:
        """Return (n, s) shares of the average worst month."""
        return 1.0 - self.modes.month_frac


def path_terms(hops: Hops) -> Path:
    """Return everything of the budget that no modulation changes."""
    d, f = hops.length_km, hops.frequency_ghz
    height_km = 0.5 * (hops.antenna_a_m + hops.antenna_b_m) / METRES_PER_KM
    dry, vapour = gas_db_per_km(f, height_km)
    tilt_deg = np.degrees(np.arctan2(np.abs(hops.antenna_a_m - hops.antenna_b_m), METRES_PER_KM * d))
    k, alpha = rain_coefficients(f, tilt_deg, hops.tilt_deg)
    per_km = k * hops.rain_rate_mm_h**alpha
    factor = outage.rain_factor(d, f, hops.rain_rate_mm_h, alpha)
    found = occurrence_pct(
        hops.geoclimatic,
        hops.refractivity_n_units,
        d,
        f,
        antenna_a_m=hops.antenna_a_m,
        antenna_b_m=hops.antenna_b_m,
        terrain_m=hops.terrain_m,
    )
    return Path(
        free_space_db=free_space_db(d, f),
        dry_air_db=dry * d,
        vapour_db=vapour * d,
        rain_k=k,
        rain_alpha=alpha,
        rain_db_per_km=per_km,
        rain_distance_ratio=factor,
        rain_001_db=per_km * d * factor,
        inclination_mrad=found.inclination_mrad,
        mean_clearance_m=found.mean_clearance_m,
        duct_ratio=found.duct_ratio,
        duct_limit_ratio=found.duct_limit_ratio,
        occurrence_pct=found.occurrence_pct,
        transition_db=fade_law(found.occurrence_pct).transition_db,
        activity_ratio=activity(found.occurrence_pct),
        annual_db=annual_factor_db(d, found.inclination_mrad, hops.lat_deg),
    )


def _column(value: FloatArray) -> FloatArray:
    return value[:, None]


def _levels(hops: Hops, path: Path, radio: Radio) -> tuple[FloatArray, FloatArray]:
    """Return received level and margin (n, s): the sum of the budget."""
    loss = path.free_space_db + path.dry_air_db + path.vapour_db + hops.diffraction_median_db + hops.loss_db
    received = _column(hops.gain_a_dbi + hops.gain_b_dbi - loss) + radio.tx_power_dbm
    return received, received - radio.threshold_dbm - _column(hops.degradation_db)


def _fading(
    hops: Hops, path: Path, margin: FloatArray, flat: FloatArray, selective: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the improvements by space and by frequency, and the worst-month outage with them (section 6.2)."""
    ones = np.ones_like(flat)
    if not (hops.spacing_m.any() or hops.frequency_step_ghz.any()):
        return ones, ones, np.minimum(flat + selective, 1.0)
    f, d, eta = _column(hops.frequency_ghz), _column(hops.length_km), _column(path.activity_ratio)
    p0 = _column(path.occurrence_pct)
    space = outage.space_improvement(_column(hops.spacing_m), f, d, p0, margin_db=margin)
    carrier = outage.frequency_improvement(_column(hops.frequency_step_ghz), f, d, margin)
    correlation = ones
    for gain in (space, carrier):
        correlation = correlation * np.where(gain > 1.0, outage.flat_correlation(gain, flat, eta), 1.0)
    best = np.maximum(space, carrier)
    joint = outage.diversity_outage_frac(flat, selective, eta, best, correlation)
    plain = np.minimum(flat + selective, 1.0)
    return space, carrier, np.where(best > 1.0, np.minimum(joint, plain), plain)


def mode_terms(hops: Hops, path: Path, radio: Radio) -> Outages:
    """Return level, margin and outages of every modulation."""
    received, margin = _levels(hops, path, radio)
    year = 10.0 ** (-_column(path.annual_db) / 10.0)
    p0, eta, f = _column(path.occurrence_pct), _column(path.activity_ratio), _column(hops.frequency_ghz)
    flat = fade_exceeded_pct(fade_law(p0), margin) / 100.0
    flat_year = fade_exceeded_pct(fade_law(p0, _column(path.annual_db)), margin) / 100.0
    selective = outage.selective_outage_frac(eta, _column(hops.length_km), radio.signature_ghz_per_ns)
    space, carrier, fading = _fading(hops, path, margin, flat, selective)
    fading_year = np.minimum(np.where(fading < flat + selective, fading * year, 1.0), flat_year + selective * year)
    bending = subrefraction_outage_frac(_column(hops.diffraction_median_db), _column(hops.diffraction_low_db), margin)
    a001 = _column(path.rain_001_db)
    rain = hop_rain_outage_frac(a001, margin, f)
    if radio.is_dual:
        xpd = outage.clear_air_xpd_outage_frac(
            _column(hops.antenna_xpd_db), p0, radio.carrier_to_noise_db, radio.cancellation_db
        )
        breaking = outage.rain_xpd_attenuation_db(f, radio.carrier_to_noise_db, radio.cancellation_db)
        rain_xpd = outage.rain_xpd_outage_frac(breaking, a001)
    else:
        xpd, rain_xpd = np.zeros_like(margin), np.zeros_like(margin)
    wet = np.maximum(rain, rain_xpd)
    month = fading + xpd + bending + outage.worst_month_frac(wet)
    whole_year = fading_year + (xpd + bending) * year + wet
    month, whole_year = (
        np.maximum.accumulate(np.where(margin > 0.0, np.minimum(value, 1.0), 1.0), axis=1)
        for value in (month, whole_year)
    )
    rows = (received, margin, flat, flat_year, selective, space, carrier, fading, xpd, bending, rain, rain_xpd)
    return Outages(*(np.broadcast_to(value, margin.shape) for value in (*rows, month, whole_year)))


def mean_capacity_mbps(outage_frac: FloatArray, capacity_mbps: FloatArray) -> FloatArray:
    """Return the mean capacity (n,) of outages (n, s) that rise with the modulation, whose capacities are (s,).

    Each modulation is used while the next faster one fails.

    >>> mean_capacity_mbps(np.array([[0.0, 0.5]]), np.array([100.0, 200.0])).tolist()
    [150.0]
    """
    holds = 1.0 - outage_frac
    alone = holds - np.concatenate([holds[:, 1:], np.zeros((holds.shape[0], 1))], axis=1)
    return np.asarray(alone @ capacity_mbps)


def budgets(hops: Hops, radio: Radio) -> Budgets:
    """Return the budgets of all hops with one radio; row i belongs to hop i whatever the others are.

    Worst month: multipath, dispersion (with diversity), cross-polar interference in clear air, bending and the
    worst-month share of rain (P.841) are added; rain and cross-polar interference in rain are not, the larger counts
    (P.530-18 section 7).  The year: clear air by the factor of section 2.3.4, plus rain.  A modulation is never
    better than a more robust one.  Rain below 0.001 % of the year counts as 0.001 %, the end of its law.
    """
    pieces = []
    for start in range(0, hops.n, _CHUNK):
        some = hops.rows(start, start + _CHUNK)
        path = path_terms(some)
        pieces.append((path, mode_terms(some, path, radio)))
    path = Path(*(np.concatenate(values) for values in zip(*(piece[0] for piece in pieces), strict=True)))
    modes = Outages(*(np.concatenate(values) for values in zip(*(piece[1] for piece in pieces), strict=True)))
    capacity = radio.capacity_mbps * (2.0 if radio.is_dual else 1.0)
    year, month = (mean_capacity_mbps(value, capacity) for value in (modes.year_frac, modes.month_frac))
    return Budgets(hops, radio, path, modes, year, month)
