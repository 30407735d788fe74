"""Path loss in closed form where terrain is not known: outdoors, in streets, offices and factories, and into buildings.

Source: 3GPP TR 38.901 (V17 and later), tables 7.4.1-1, 7.4.2-1 and 7.4.3-1 to 7.4.3-3.  Distances are ground
distances; each scenario states its range, :func:`outside` says what leaves it, and beyond it the same slopes go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.propagation import HERTZ_PER_GHZ, LIGHT_SPEED_M_PER_S, METRES_PER_KM

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

Scenario = Literal["rma", "uma", "umi", "inh", "inf_sl", "inf_dl", "inf_sh", "inf_dh"]
SCENARIOS: tuple[Scenario, ...] = get_args(Scenario)
MIN_DISTANCE_M = 10.0  # outdoor formulae hold from here
MIN_INDOOR_M = 1.0  # indoor ones from here
URBAN_SIGHT_M = 18.0  # table 7.4.2-1: line of sight is certain up to here
BUILDING_HEIGHT_M = 5.0  # table 7.4.1-1, RMa default
STREET_WIDTH_M = 20.0  # same
EFFECTIVE_GROUND_M = 1.0  # note 1 for terminals below 13 m
TALL_TERMINAL_M = 13.0  # table 7.4.2-1: higher terminals see more
TALLEST_TERMINAL_M = 23.0  # where C' ends
CLUTTER_M = {"inf_sl": 10.0, "inf_dl": 2.0, "inf_sh": 10.0, "inf_dh": 2.0}  # table 7.2-4, typical size of clutter
CLUTTER_FRAC = {"inf_sl": 0.2, "inf_dl": 0.6, "inf_sh": 0.2, "inf_dh": 0.6}  # assumed inside its ranges <40 %, >=40 %
CLUTTER_HEIGHT_M = 6.0  # table 7.2-4: 0 to 10 m; assumed in its middle, below high masts
#: Shadow fading, dB: line of sight, then none (table 7.4.1-1); RMa in sight has 6 dB beyond the breakpoint.
SIGMA_DB: dict[str, tuple[float, float]] = {
    "rma": (4.0, 8.0),
    "uma": (4.0, 6.0),
    "umi": (4.0, 7.82),
    "inh": (3.0, 8.03),
    "inf_sl": (4.3, 5.7),
    "inf_dl": (4.3, 7.2),
    "inf_sh": (4.3, 5.9),
    "inf_dh": (4.3, 4.0),
}
RURAL_FAR_SIGMA_DB = 6.0
FORMULA_HIGH_GHZ = {"rma": 30.0}  # table 7.4.1-1 note 6: computed up to here, though scenarios of section 7.1 end at 7


@dataclass(frozen=True, slots=True)
class Range:
    """Where a scenario's formulae are stated: distances on the ground, frequencies and heights, ends included."""

    far_m: float
    hidden_far_m: float
    near_m: float
    low_ghz: float
    high_ghz: float
    mast_m: tuple[float, float]
    terminal_m: tuple[float, float]


#: Table 7.4.1-1; RMa ends at 7 GHz (section 7.1), the others at 100 GHz.  Mast heights of UMa and UMi are single
#: values there (25 and 10 m); the band around them is this project's.
RANGES: dict[str, Range] = {
    "rma": Range(10_000.0, 5_000.0, 10.0, 0.5, 7.0, (10.0, 150.0), (1.0, 10.0)),
    "uma": Range(5_000.0, 5_000.0, 10.0, 0.5, 100.0, (20.0, 60.0), (1.5, 22.5)),
    "umi": Range(5_000.0, 5_000.0, 10.0, 0.5, 100.0, (5.0, 20.0), (1.5, 22.5)),
    "inh": Range(150.0, 150.0, 1.0, 0.5, 100.0, (2.0, 5.0), (0.5, 3.0)),
    **{name: Range(600.0, 600.0, 1.0, 0.5, 100.0, (1.0, 25.0), (0.5, 10.0)) for name in CLUTTER_M},
}


def outside(
    scenario: Scenario, distance_km: ArrayLike, frequency_ghz: float, mast_m: float, terminal_m: float
) -> list[Problem]:
    """Return what lies outside a scenario's range, a problem each; nothing inside it."""
    stated = RANGES[_known(scenario)]
    metres = np.asarray(distance_km, np.float64) * METRES_PER_KM
    problems = []
    checks = (
        ("distance", metres, stated.near_m, stated.far_m, "m"),
        ("frequency", np.asarray(frequency_ghz), stated.low_ghz, stated.high_ghz, "GHz"),
        ("mast height", np.asarray(mast_m), *stated.mast_m, "m"),
        ("terminal height", np.asarray(terminal_m), *stated.terminal_m, "m"),
    )
    for what, value, low, high, unit in checks:
        is_out = ~((value >= low) & (value <= high))
        if is_out.any():
            cure = f"TR 38.901 {scenario} holds from {low:g} to {high:g} {unit}"
            problems.append(Problem(f"a {what} of {np.asarray(value)[is_out].flat[0]:g} {unit}", cure))
    return problems


def _require(scenario: str, distance_km: ArrayLike, frequency_ghz: float, *heights_m: float) -> None:
    """Refuse what no formula answers: no numbers, frequencies outside table 7.4.1-1, distances or heights below 0."""
    problems = []
    distance = np.asarray(distance_km, np.float64)
    if not ((distance >= 0.0) & np.isfinite(distance)).all():
        problems.append(Problem("a distance is missing or below 0", "give kilometres, 0 or more", column="distance_km"))
    low, high = RANGES[scenario].low_ghz, FORMULA_HIGH_GHZ.get(scenario, RANGES[scenario].high_ghz)
    if not low <= frequency_ghz <= high:
        cure = f"TR 38.901 {scenario} holds from {low:g} to {high:g} GHz"
        problems.append(Problem(f"a frequency of {frequency_ghz:g} GHz", cure, column="frequency_ghz"))
    problems += [
        Problem(f"a height of {height:g} m", "give metres above ground, above 0")
        for height in heights_m
        if not 0.0 < height < np.inf
    ]
    raise_if_any(problems)


def _known(scenario: str) -> str:
    if scenario not in RANGES:
        raise InputError(Problem(f"'{scenario}' is no scenario", f"use one of {', '.join(SCENARIOS)}"))
    return scenario


def _slant_m(
    distance_km: ArrayLike, mast_m: float, terminal_m: float, least_m: float = MIN_DISTANCE_M
) -> tuple[FloatArray, FloatArray]:
    """Return ground and slant distance in metres, from the least upwards."""
    ground = np.maximum(np.asarray(distance_km, np.float64) * METRES_PER_KM, least_m)
    return ground, np.hypot(ground, mast_m - terminal_m)


def rma_breakpoint_m(frequency_ghz: float, mast_m: float, terminal_m: float) -> float:
    """Return the ground distance at which the rural law in sight steepens, metres (table 7.4.1-1 note 5)."""
    return 2.0 * np.pi * mast_m * terminal_m * frequency_ghz * HERTZ_PER_GHZ / LIGHT_SPEED_M_PER_S


def rma_loss_db(
    distance_km: ArrayLike, frequency_ghz: float, mast_m: float, terminal_m: float, *, is_line_of_sight: bool
) -> FloatArray:
    """Return the rural macro-cell path loss, dB (3GPP TR 38.901 table 7.4.1-1, RMa).

    0.5 to 7 GHz; stated up to 10 km in line of sight and 5 km without, and continued by the same slopes beyond.
    Distances below 10 m count as 10 m.
    """
    _require("rma", distance_km, frequency_ghz, mast_m, terminal_m)
    ground, slant = _slant_m(distance_km, mast_m, terminal_m)
    building = BUILDING_HEIGHT_M**1.72
    breakpoint_m = rma_breakpoint_m(frequency_ghz, mast_m, terminal_m)

    def near(d: FloatArray | float) -> FloatArray:
        loss = 20.0 * np.log10(40.0 * np.pi * d * frequency_ghz / 3.0) + min(0.03 * building, 10.0) * np.log10(d)
        return np.asarray(loss - min(0.044 * building, 14.77) + 0.002 * np.log10(BUILDING_HEIGHT_M) * d)

    far = near(np.hypot(breakpoint_m, mast_m - terminal_m)) + 40.0 * np.log10(slant / breakpoint_m)
    line = np.where(ground <= breakpoint_m, near(slant), np.maximum(far, near(breakpoint_m)))
    if is_line_of_sight:
        return line
    hidden = (
        161.04
        - 7.1 * np.log10(STREET_WIDTH_M)
        + 7.5 * np.log10(BUILDING_HEIGHT_M)
        - (24.37 - 3.7 * (BUILDING_HEIGHT_M / mast_m) ** 2) * np.log10(mast_m)
        + (43.42 - 3.1 * np.log10(mast_m)) * (np.log10(slant) - 3.0)
        + 20.0 * np.log10(frequency_ghz)
        - (3.2 * np.log10(11.75 * terminal_m) ** 2 - 4.97)
    )
    return np.asarray(np.maximum(line, hidden))


def _two_slopes(
    distance_km: ArrayLike, frequency_ghz: float, mast_m: float, terminal_m: float, law: tuple[float, float, float]
) -> tuple[FloatArray, FloatArray]:
    """Return the urban loss in sight and the slant distance; ``law`` is offset, first slope and height exponent."""
    ground, slant = _slant_m(distance_km, mast_m, terminal_m)
    heights = (mast_m - EFFECTIVE_GROUND_M) * (terminal_m - EFFECTIVE_GROUND_M)
    breakpoint_m = 4.0 * heights * frequency_ghz * HERTZ_PER_GHZ / LIGHT_SPEED_M_PER_S
    offset, slope, drop = law
    tuned = offset + 20.0 * np.log10(frequency_ghz)
    near = tuned + slope * np.log10(slant)
    far = tuned + 40.0 * np.log10(slant) - drop * np.log10(breakpoint_m**2 + (mast_m - terminal_m) ** 2)
    return np.asarray(np.where(ground <= breakpoint_m, near, far), np.float64), slant


def uma_loss_db(
    distance_km: ArrayLike, frequency_ghz: float, mast_m: float, terminal_m: float, *, is_line_of_sight: bool
) -> FloatArray:
    """Return the urban macro-cell path loss, dB (3GPP TR 38.901 table 7.4.1-1, UMa).

    0.5 to 100 GHz, terminals below 13 m, stated up to 5 km and continued by the same slopes beyond.
    Distances below 10 m count as 10 m.
    """
    _require("uma", distance_km, frequency_ghz, mast_m, terminal_m)
    line, slant = _two_slopes(distance_km, frequency_ghz, mast_m, terminal_m, (28.0, 22.0, 9.0))
    if is_line_of_sight:
        return line
    hidden = 13.54 + 39.08 * np.log10(slant) + 20.0 * np.log10(frequency_ghz) - 0.6 * (terminal_m - 1.5)
    return np.asarray(np.maximum(line, hidden))


def umi_loss_db(
    distance_km: ArrayLike, frequency_ghz: float, mast_m: float, terminal_m: float, *, is_line_of_sight: bool
) -> FloatArray:
    """Return the street-canyon path loss, dB (3GPP TR 38.901 table 7.4.1-1, UMi); as :func:`uma_loss_db` otherwise."""
    _require("umi", distance_km, frequency_ghz, mast_m, terminal_m)
    line, slant = _two_slopes(distance_km, frequency_ghz, mast_m, terminal_m, (32.4, 21.0, 9.5))
    if is_line_of_sight:
        return line
    hidden = 35.3 * np.log10(slant) + 22.4 + 21.3 * np.log10(frequency_ghz) - 0.3 * (terminal_m - 1.5)
    return np.asarray(np.maximum(line, hidden))


def inh_loss_db(
    distance_km: ArrayLike, frequency_ghz: float, mast_m: float, terminal_m: float, *, is_line_of_sight: bool
) -> FloatArray:
    """Return the office path loss, dB (TR 38.901 table 7.4.1-1, InH-Office); 0.5 to 100 GHz, 1 to 150 m."""
    _require("inh", distance_km, frequency_ghz, mast_m, terminal_m)
    _, slant = _slant_m(distance_km, mast_m, terminal_m, MIN_INDOOR_M)
    line = 32.4 + 17.3 * np.log10(slant) + 20.0 * np.log10(frequency_ghz)
    hidden = 38.3 * np.log10(slant) + 17.30 + 24.9 * np.log10(frequency_ghz)
    return np.asarray(line if is_line_of_sight else np.maximum(line, hidden))


#: Offset and slope without sight (table 7.4.1-1); the slope of frequency is 20.
FACTORY_LAWS: dict[str, tuple[float, float]] = {
    "inf_sl": (33.0, 25.5),
    "inf_dl": (18.6, 35.7),
    "inf_sh": (32.4, 23.0),
    "inf_dh": (33.63, 21.9),
}


def inf_loss_db(
    kind: str, distance_km: ArrayLike, frequency_ghz: float, mast_m: float, terminal_m: float, *, is_line_of_sight: bool
) -> FloatArray:
    """Return the factory path loss, dB (TR 38.901 table 7.4.1-1, InF); 0.5 to 100 GHz, 1 to 600 m.

    ``kind``: sparse or dense clutter (s, d), mast below or above it (l, h), as in ``"inf_dl"``.
    """
    _require(_known(kind), distance_km, frequency_ghz, mast_m, terminal_m)
    _, slant = _slant_m(distance_km, mast_m, terminal_m, MIN_INDOOR_M)
    line = 31.84 + 21.50 * np.log10(slant) + 19.00 * np.log10(frequency_ghz)
    if is_line_of_sight:
        return np.asarray(line)
    loss = line
    for name in ("inf_sl", "inf_dl") if kind == "inf_dl" else (kind,):
        offset, slope = FACTORY_LAWS[name]
        loss = np.maximum(loss, offset + slope * np.log10(slant) + 20.0 * np.log10(frequency_ghz))
    return np.asarray(loss)


_LAWS: dict[str, Callable[..., FloatArray]] = {
    "rma": rma_loss_db,
    "uma": uma_loss_db,
    "umi": umi_loss_db,
    "inh": inh_loss_db,
}


def loss_db(
    scenario: Scenario,
    distance_km: ArrayLike,
    frequency_ghz: float,
    mast_m: float,
    terminal_m: float,
    *,
    is_line_of_sight: bool,
) -> FloatArray:
    """Return the median path loss of a scenario, dB; shape of ``distance_km``; :func:`outside` names its range.

    Frequencies outside it (RMa: 30 GHz), and what is no number, raise :class:`InputError`; distances and heights
    outside it are continued.
    """
    law = _LAWS.get(_known(scenario))
    if law is None:
        return inf_loss_db(scenario, distance_km, frequency_ghz, mast_m, terminal_m, is_line_of_sight=is_line_of_sight)
    return law(distance_km, frequency_ghz, mast_m, terminal_m, is_line_of_sight=is_line_of_sight)


def line_of_sight_frac(distance_km: ArrayLike, *, is_urban: bool) -> FloatArray:
    """Return the probability of line of sight (3GPP TR 38.901 table 7.4.2-1, UMa or RMa; terminals up to 13 m).

    >>> float(line_of_sight_frac(0.01, is_urban=False))
    1.0
    """
    return sight_frac("uma" if is_urban else "rma", distance_km)


def sight_frac(
    scenario: Scenario,
    distance_km: ArrayLike,
    mast_m: float = 25.0,
    terminal_m: float = 1.5,
    clutter_frac: float | None = None,
) -> FloatArray:
    """Return the probability of line of sight (TR 38.901 table 7.4.2-1); shape of ``distance_km``.

    Offices are of the mixed kind.  ``clutter_frac`` is the share of a factory's floor that clutter covers.

    >>> sight_frac("umi", [0.018, 0.2]).round(3).tolist()
    [1.0, 0.094]
    """
    d = np.asarray(distance_km, np.float64) * METRES_PER_KM
    if not (d >= 0.0).all():
        raise InputError(Problem("a distance is missing or below 0", "give kilometres, 0 or more"))
    if _known(scenario) == "rma":
        return np.asarray(np.exp(-np.maximum(d - MIN_DISTANCE_M, 0.0) / 1000.0))
    if scenario == "umi":
        return _street_frac(d, 36.0)
    if scenario == "uma":
        tall = np.clip(terminal_m, TALL_TERMINAL_M, TALLEST_TERMINAL_M) - TALL_TERMINAL_M
        more = (tall / 10.0) ** 1.5 * 1.25 * (d / 100.0) ** 3 * np.exp(-d / 150.0)
        return np.asarray(np.where(d <= URBAN_SIGHT_M, 1.0, np.minimum(_street_frac(d, 63.0) * (1.0 + more), 1.0)))
    if scenario == "inh":
        mixed = np.where(d < 6.5, np.exp(-(d - 1.2) / 4.7), 0.32 * np.exp(-(d - 6.5) / 32.6))  # noqa: PLR2004
        return np.asarray(np.where(d <= 1.2, 1.0, mixed))  # noqa: PLR2004  # both from table 7.4.2-1
    share = CLUTTER_FRAC[scenario] if clutter_frac is None else clutter_frac
    reach = -CLUTTER_M[scenario] / np.log(1.0 - share)
    if scenario in {"inf_sh", "inf_dh"}:
        if not mast_m > CLUTTER_HEIGHT_M > terminal_m:
            cure = f"put the mast above and the terminal below {CLUTTER_HEIGHT_M:g} m of clutter"
            raise InputError(Problem(f"{scenario} with a mast of {mast_m:g} m, terminal of {terminal_m:g} m", cure))
        reach *= (mast_m - terminal_m) / (CLUTTER_HEIGHT_M - terminal_m)
    return np.asarray(np.exp(-d / reach))


def _street_frac(d: FloatArray, decay_m: float) -> FloatArray:
    far = np.maximum(d, URBAN_SIGHT_M)
    return np.asarray(URBAN_SIGHT_M / far + np.exp(-far / decay_m) * (1.0 - URBAN_SIGHT_M / far))


def shadow_sigma_db(
    scenario: Scenario,
    distance_km: ArrayLike,
    frequency_ghz: float,
    mast_m: float,
    terminal_m: float,
    *,
    is_line_of_sight: bool,
) -> FloatArray:
    """Return the standard deviation of shadow fading, dB (TR 38.901 table 7.4.1-1); shape of ``distance_km``."""
    d = np.asarray(distance_km, np.float64) * METRES_PER_KM
    sigma = np.full(d.shape, SIGMA_DB[_known(scenario)][0 if is_line_of_sight else 1])
    if scenario == "rma" and is_line_of_sight:
        return np.where(d < rma_breakpoint_m(frequency_ghz, mast_m, terminal_m), sigma, RURAL_FAR_SIGMA_DB)
    return sigma


#: Wall materials (table 7.4.3-1): dB, and dB more a GHz.
GLASS, COATED_GLASS, CONCRETE = (2.0, 0.2), (25.4, 0.11), (5.0, 4.0)
#: Buildings (table 7.4.3-2): glass and its share of the wall, the rest concrete; deviation, dB.
BUILDINGS: dict[str, tuple[tuple[float, float], float, float]] = {
    "low": (GLASS, 0.3, 4.4),
    "high": (COATED_GLASS, 0.7, 6.5),
}
INDOOR_DB_PER_M = 0.5  # table 7.4.3-2
INTO_GHZ = (0.5, 100.0)
WALL_OFFSET_DB = 5.0  # same: slant incidence


def into_building_db(frequency_ghz: ArrayLike, indoor_m: ArrayLike, kind: str) -> FloatArray:
    """Return the mean loss from outdoors to ``indoor_m`` behind the wall, dB (TR 38.901 section 7.4.3.1).

    ``kind`` is ``"low"`` (plain glass) or ``"high"`` (coated glass); 0.5 to 100 GHz; the deviation is
    :func:`building_sigma_db`.  Shapes broadcast.

    >>> float(into_building_db(3.5, 0.0, "low").round(2))
    12.7
    """
    glass, share, _ = _building(kind)
    f, depth = np.asarray(frequency_ghz, np.float64), np.asarray(indoor_m, np.float64)
    problems = [] if (depth >= 0.0).all() else [Problem("a depth below 0 m", "give metres behind the wall")]
    if not ((f >= INTO_GHZ[0]) & (f <= INTO_GHZ[1])).all():
        problems.append(Problem("a frequency outside 0.5 to 100 GHz", "TR 38.901 holds there only"))
    raise_if_any(problems)
    through_glass = share * 10.0 ** (-(glass[0] + glass[1] * f) / 10.0)
    through_wall = (1.0 - share) * 10.0 ** (-(CONCRETE[0] + CONCRETE[1] * f) / 10.0)
    return np.asarray(WALL_OFFSET_DB - 10.0 * np.log10(through_glass + through_wall) + INDOOR_DB_PER_M * depth)


def building_sigma_db(kind: str) -> float:
    """Return the standard deviation of the loss into buildings, dB (TR 38.901 table 7.4.3-2)."""
    return _building(kind)[2]


def _building(kind: str) -> tuple[tuple[float, float], float, float]:
    if kind not in BUILDINGS:
        raise InputError(Problem(f"'{kind}' is no kind of building", f"use one of {', '.join(BUILDINGS)}"))
    return BUILDINGS[kind]
