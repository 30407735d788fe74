"""Hazards that come together: what they strike, how often, and draws of them whose weights keep every mean unbiased.

Event hazards have levels, each with the rate at which it is reached or passed (one over its return period).  In a
window of time each hazard has a latent normal number, correlated with those of the others (a Gaussian copula); it
reaches the levels whose bounds the number passes.  Hazards in steady state (equipment that fails, feeders that are
shed) are always at work.  Rare events are drawn more often than they come, from a mixture of shifted latent numbers;
the weight of a run is the true density over that of the mixture, which the share left unshifted bounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy.special import ndtri

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.cascade import DAMAGE, FUEL, GRID, OUTAGE, SHEDDING, STATIONARY
from rahdari.kernels.hazard_sampling import (
    FIRST_SKIPPED,
    GAPS,
    GUIDE_BITS,
    LAST_TABLED,
    N_CLASSES,
    draw_latent,
    fill_failures,
)
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Words = NDArray[np.uint64]

Effect = Literal["damage", "outage", "grid", "fuel", "shedding"]
EFFECTS = {"damage": DAMAGE, "outage": OUTAGE, "grid": GRID, "fuel": FUEL, "shedding": SHEDDING}
STEADY_EFFECTS = ("damage", "shedding")
STATES = 4  # of damage: light, moderate, extensive, complete
SCENARIOS_PER_WORD = 64
WINDOW_H = 720.0  # a month: longer than most repairs, short enough for events not to come twice
TILTED_FRAC = 0.5  # of the runs: weights stay below 2
_FULL_KEEP = 2**32 - 1
_TWO_32 = 2.0**32
_OFTEN = 0.2  # chance in a window above which a level needs no shift
_SYMMETRY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One strength of a hazard: how often it is reached or passed, and what it then strikes.

    ``member`` (k,) are numbers of things (nodes, then links), or of supply zones for ``grid`` and ``shedding``;
    ``chance_frac`` (k,) how likely each is struck; ``worse_frac`` (k, 3) how likely damage of at least one state is
    at least the next.  ``value`` (k,): for ``grid`` the share of the length after which a zone has supply again, for
    ``shedding`` the mean hours of an outage (``chance_frac`` is then the share of time without supply).
    ``duration_h`` is the median length, log-normal with ``duration_sigma_ratio``; ``generator_cap_h`` for ``fuel``.
    """

    rate_per_year: float
    member: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    chance_frac: FloatArray | float = 1.0
    worse_frac: FloatArray | None = None
    value: FloatArray | float = 1.0
    duration_h: float = 0.0
    duration_sigma_ratio: float = 0.0
    generator_cap_h: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Hazard:
    """A hazard: its levels from weak to strong, when it begins, and how what it damages is repaired.

    Effects: ``damage`` (things fail until repaired), ``outage`` (things fail together for the length of the event, as
    with a vendor's fault), ``grid`` (zones lose supply), ``fuel`` (generators run for ``generator_cap_h`` at most) and
    ``shedding`` (zones lose supply again and again).  ``is_steady``: always at work (one level; with ``damage`` a
    member fails ``rate_per_year`` times ``chance_frac`` times a year).  It begins within ``within_h`` hours of the run;
    crews get in ``access_h`` later.  ``repair_h`` and ``repair_sigma_ratio``, each a number or (classes, 4) by asset
    class and state, are the median and the log-normal spread of the work.
    """

    hazard_id: str
    kind: str
    effect: Effect
    levels: tuple[Level, ...]
    is_steady: bool = False
    within_h: float = 0.0
    access_h: float = 0.0
    has_crews: bool = True
    repair_h: FloatArray | float = 12.0
    repair_sigma_ratio: FloatArray | float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """Hazards as the arrays that kernels take; hazards stand in order of their identifiers.

    ``hazard_i`` (h, 3): effect, whether crews repair, latent number or -1; ``hazard_f`` (h, 2): within, access;
    ``level_f`` (l, 4): bound of the latent number, median length, its spread, cap; ``level_block`` (l, classes + 1)
    splits the entries by class of chance.
    """

    hazard_id: tuple[str, ...]
    hazard_i: IntArray
    hazard_f: FloatArray
    level_first: IntArray
    level_f: FloatArray
    level_block: IntArray
    entry: NDArray[np.int32]
    entry_keep: NDArray[np.uint32]
    entry_worse: NDArray[np.float32]
    entry_value: FloatArray
    repair: FloatArray
    root: FloatArray
    guide: NDArray[np.uint16]
    bound: NDArray[np.uint32]
    window_h: float

    @property
    def n_events(self) -> int:
        """Return the number of hazards that are events."""
        return int(self.root.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Components that runs are drawn from: the hazard shifted, the shift, and the share of runs; 0 is unshifted."""

    hazard: IntArray
    shift: FloatArray
    share: FloatArray
    tilted_frac: float

    def component(self, run: IntArray) -> IntArray:
        """Return the component of each run: evenly spread, so that blocks of runs are alike."""
        if self.shift.size == 1:
            return np.zeros(run.size, np.int64)
        before = np.floor(run * self.tilted_frac).astype(np.int64)
        is_tilted = np.floor((run + 1) * self.tilted_frac).astype(np.int64) > before
        return np.where(is_tilted, 1 + before % (self.shift.size - 1), 0)


@cache
def gap_tables() -> tuple[NDArray[np.uint16], NDArray[np.uint32]]:
    """Return (classes, 4096) guides and (classes, 2049) bounds of gaps in 32 bits, exact to 2**-32.

    A gap is longer than ``j`` where the bits are above bound ``j``; the last bound is passed by none, so that its place
    says "longer than the table".
    """
    bound = np.full((LAST_TABLED + 1, GAPS + 1), _FULL_KEEP, np.uint32)
    guide = np.zeros((LAST_TABLED + 1, 2**GUIDE_BITS), np.uint16)
    starts = np.arange(2**GUIDE_BITS, dtype=np.float64) * 2.0 ** (32 - GUIDE_BITS)
    for kind in range(FIRST_SKIPPED, LAST_TABLED + 1):
        passed = -np.expm1(np.arange(1, GAPS + 1) * math.log1p(-(2.0**-kind)))
        last = np.floor(passed * _TWO_32) - 1.0
        bound[kind, :GAPS] = np.minimum(last, _FULL_KEEP).astype(np.uint32)
        guide[kind] = np.searchsorted(last, starts)
    return guide, bound


def chance_class(chance_frac: FloatArray) -> IntArray:
    """Return the class of each chance: the largest k with chance <= 2**-k, or 0 above one eighth."""
    positive = np.maximum(chance_frac, 2.0 ** -(N_CLASSES - 1))
    kind = np.floor(-np.log2(positive) + 1e-12).astype(np.int64)
    return np.where(kind < FIRST_SKIPPED, 0, np.minimum(kind, N_CLASSES - 1))


def classed(chance_frac: FloatArray, factor: FloatArray | None = None) -> tuple[IntArray, IntArray, NDArray[np.uint32]]:
    """Return (classes + 1,) first entries, (k,) numbers by class, and 2**32 times the share of the class kept.

    Things of chance zero are left out.  ``factor`` (n,) multiplies chances without moving a thing to another class, so
    that a hardened network sees the same draws.
    """
    kind = np.where(chance_frac > 0.0, chance_class(chance_frac), N_CLASSES)
    order = np.argsort(kind, kind="stable")
    first = np.searchsorted(kind[order], np.arange(N_CLASSES + 1)).astype(np.int64)
    order = order[: first[-1]]
    share = chance_frac[order] * np.exp2(kind[order].astype(np.float64))
    if factor is not None:
        share = share * factor[order]
    keep = np.floor(np.minimum(share, 1.0) * _TWO_32) - 1.0
    return first, order, np.clip(keep, 0.0, _FULL_KEEP).astype(np.uint32)


def key_of(seed: int) -> np.uint64:
    """Return the key of counters of a seed, zero or more."""
    if seed < 0:
        raise InputError(Problem(f"the seed is {seed}", "give a whole number from 0"))
    return np.uint64(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


def failure_words(chance_frac: ArrayLike, n_scenarios: int, seed: int, first_word: int = 0) -> Words:
    """Return independent failures, uint64 (W, n): scenario ``s`` is bit ``s % 64`` of word ``s // 64``.

    ``chance_frac`` (n,) from 0 to 1; chances are kept to 2**-32.  Words depend on the seed and on their number, which
    begins with ``first_word``: parts drawn apart fit together.  ``n_scenarios`` is rounded up to whole words.

    >>> whole = failure_words([0.01, 0.5], 256, seed=1)
    >>> bool((whole[2:] == failure_words([0.01, 0.5], 128, seed=1, first_word=2)).all())
    True
    """
    chance = np.ascontiguousarray(np.atleast_1d(chance_frac), np.float64)
    problems = [
        Problem(f"thing {i} fails with chance {chance[i]:g}", "give a chance from 0 to 1", row=i + 1)
        for i in np.flatnonzero(~((chance >= 0.0) & (chance <= 1.0))).tolist()
    ]
    if n_scenarios < 1:
        problems.append(Problem(f"{n_scenarios} scenarios are asked for", "ask for one or more"))
    raise_if_any(problems)
    first, order, keep = classed(chance)
    guide, bound = gap_tables()
    n_words = -(-n_scenarios // SCENARIOS_PER_WORD)
    words: Words = np.zeros((n_words, chance.size), np.uint64)
    fill_failures(
        first, order.astype(np.int32), keep, chance, guide, bound, key_of(seed), first_word, first_word + n_words, words
    )
    return words


def correlation_root(matrix: ArrayLike, hazard_id: Sequence[str]) -> FloatArray:
    """Return the lower Cholesky factor of correlations (h, h) among hazards.

    A matrix that is not symmetric with ones on its diagonal, or not positive definite, raises :class:`InputError`,
    which says by how much all correlations must be shrunk.

    >>> correlation_root([[1.0, 0.6], [0.6, 1.0]], ["flood", "grid"]).round(3).tolist()
    [[1.0, 0.0], [0.6, 0.8]]
    """
    given = np.atleast_2d(np.asarray(matrix, np.float64)) if len(hazard_id) else np.zeros((0, 0))
    n = len(hazard_id)
    if given.shape != (n, n):
        raise InputError(
            Problem(f"the correlations are {given.shape}, hazards {n}", "give one row and column a hazard")
        )
    if n == 0:
        return given
    problems = []
    if not np.isfinite(given).all():
        problems.append(Problem("a correlation is no number", "give numbers between -1 and 1"))
    elif np.abs(given - given.T).max() > _SYMMETRY:
        i, j = divmod(int(np.argmax(np.abs(given - given.T))), n)
        what = f"the correlation of {hazard_id[i]} with {hazard_id[j]} differs from that of the reverse"
        problems.append(Problem(what, "give both the same value"))
    if not problems and np.abs(np.diag(given) - 1.0).max() > _SYMMETRY:
        problems.append(Problem("the diagonal of the correlations is not one", "a hazard correlates with itself by 1"))
    raise_if_any(problems)
    least = float(np.linalg.eigvalsh(given)[0])
    if least <= _SYMMETRY:
        # s R + (1 - s) I has the least eigenvalue 1 - s (1 - least).
        shrink = (1.0 - _SYMMETRY) / (1.0 - least)
        what = f"the correlations of {', '.join(hazard_id)} are not positive definite (least eigenvalue {least:.3g})"
        cure = f"they contradict one another: multiply all that are not on the diagonal by less than {shrink:.3f}"
        raise InputError(Problem(what, cure))
    return np.asarray(np.linalg.cholesky(given), np.float64)


def correlation_matrix(pairs: Mapping[tuple[str, str], float], hazard_id: Sequence[str]) -> FloatArray:
    """Return (h, h) correlations of pairs of hazards, 0 where a pair is not named; unknown names raise InputError."""
    place = {name: i for i, name in enumerate(hazard_id)}
    problems = [
        Problem(f"the correlation of {a} with {b} names an unknown event hazard", f"use {', '.join(hazard_id)}")
        for a, b in pairs
        if a not in place or b not in place or a == b
    ]
    raise_if_any(problems)
    matrix = np.eye(len(hazard_id))
    for (a, b), value in pairs.items():
        matrix[place[a], place[b]] = matrix[place[b], place[a]] = value
    return matrix


def event_ids(hazards: Sequence[Hazard]) -> tuple[str, ...]:
    """Return the identifiers of hazards that are events, in the order of correlations."""
    return tuple(sorted(hazard.hazard_id for hazard in hazards if not hazard.is_steady))


def _level_problems(hazard: Hazard, n_things: int, n_zones: int, window_h: float) -> list[Problem]:
    name, found = hazard.hazard_id, []
    n_members = n_zones if EFFECTS[hazard.effect] in {GRID, SHEDDING} else n_things
    rates = [level.rate_per_year for level in hazard.levels]
    if not hazard.is_steady and any(b > a for a, b in pairwise(rates)):
        found.append(
            Problem(f"{name}: a stronger level comes more often than a weaker one", "order levels by strength")
        )
    for i, level in enumerate(hazard.levels):
        where = f"{name}, level {i + 1}"
        most = HOURS_PER_YEAR / window_h
        if not hazard.is_steady and not 0.0 < level.rate_per_year < most:
            cure = f"give a rate above 0 and below {most:g} a year, or shorten window_h"
            found.append(Problem(f"{where}: {level.rate_per_year:g} events a year", cure))
        most_of = float(np.max(level.chance_frac)) if np.size(level.chance_frac) else 0.0
        if _is_worn(hazard) and not 0.0 <= level.rate_per_year * most_of <= most:
            cure = f"give at most {most:g}, or shorten window_h"
            found.append(Problem(f"{where}: a thing fails {level.rate_per_year * most_of:g} times a year", cure))
        member = np.asarray(level.member)
        if member.size and (member.min() < 0 or member.max() >= n_members):
            found.append(Problem(f"{where}: strikes what is not there", f"number members from 0 to {n_members - 1}"))
        if (np.diff(member) <= 0).any() and np.unique(member).size != member.size:
            found.append(Problem(f"{where}: strikes a thing twice", "list each member once"))
        for what, values in (("chance", level.chance_frac), ("worse", level.worse_frac)):
            if values is not None and not ((np.asarray(values) >= 0.0) & (np.asarray(values) <= 1.0)).all():
                found.append(Problem(f"{where}: {what}_frac leaves 0 to 1", "give shares of one"))
        if level.duration_h < 0.0 or level.duration_sigma_ratio < 0.0 or (np.asarray(level.value) < 0.0).any():
            found.append(Problem(f"{where}: a negative length", "give hours of zero or more"))
        if hazard.effect == "shedding" and (np.asarray(level.value) <= 0.0).any():
            found.append(Problem(f"{where}: outages of no length", "give the mean hours of an outage"))
    return found


def hazard_problems(hazards: Sequence[Hazard], n_things: int, n_zones: int, window_h: float) -> list[Problem]:
    """Return all that is wrong with hazards: names, effects, rates, members, chances, lengths."""
    found = []
    names = [hazard.hazard_id for hazard in hazards]
    found += [
        Problem(f"hazard {name} stands twice", "name each once") for name in sorted(set(names)) if names.count(name) > 1
    ]
    if window_h <= 0.0:
        found.append(Problem(f"window_h is {window_h:g}", "give hours above zero"))
        return found
    for hazard in hazards:
        if hazard.effect not in get_args(Effect):
            found.append(Problem(f"{hazard.hazard_id}: effect {hazard.effect!r}", f"use {', '.join(get_args(Effect))}"))
            continue
        if not hazard.levels:
            found.append(Problem(f"{hazard.hazard_id} has no level", "give one or more"))
        if hazard.is_steady and (hazard.effect not in STEADY_EFFECTS or len(hazard.levels) != 1):
            found.append(Problem(f"{hazard.hazard_id} is in steady state", "give damage or shedding with one level"))
        if hazard.effect == "shedding" and not hazard.is_steady:
            found.append(Problem(f"{hazard.hazard_id} sheds but is an event", "set is_steady"))
        if min(hazard.within_h, hazard.access_h, float(np.min(hazard.repair_h))) < 0.0:
            found.append(Problem(f"{hazard.hazard_id}: negative hours", "give hours of zero or more"))
        found += _level_problems(hazard, n_things, n_zones, window_h)
    return found


def compile_hazards(
    hazards: Sequence[Hazard],
    *,
    n_things: int,
    n_zones: int,
    n_asset_classes: int,
    window_h: float = WINDOW_H,
    correlations: Mapping[tuple[str, str], float] | ArrayLike | None = None,
    damage_ratio: FloatArray | None = None,
) -> Compiled:
    """Return hazards as arrays for kernels; everything wrong raises :class:`InputError`, all at once.

    ``correlations`` of the latent numbers: by pairs of identifiers, or (h, h) in the order of :func:`event_ids`.
    ``damage_ratio`` (n_things,) multiplies chances of damage (hardening).
    """
    raise_if_any(hazard_problems(hazards, n_things, n_zones, window_h))
    ordered = sorted(hazards, key=lambda hazard: hazard.hazard_id)
    ids = event_ids(ordered)
    given = correlation_matrix(correlations, ids) if isinstance(correlations, Mapping) else correlations
    root = correlation_root(np.eye(len(ids)) if given is None else given, ids)
    hazard_i, hazard_f, level_first = np.zeros((len(ordered), 3), np.int64), np.zeros((len(ordered), 2)), [0]
    level_f, blocks, parts = [], [], []
    repair = np.zeros((len(ordered), max(n_asset_classes, 1), STATES, 3))
    n_entries = 0
    for h, hazard in enumerate(ordered):
        latent = STATIONARY if hazard.is_steady else ids.index(hazard.hazard_id)
        hazard_i[h] = EFFECTS[hazard.effect], hazard.has_crews, latent
        hazard_f[h] = hazard.within_h, hazard.access_h
        repair[h, :, :, 0], repair[h, :, :, 1] = hazard.repair_h, hazard.repair_sigma_ratio
        repair[h, :, :, 2] = repair[h, :, :, 0] * np.exp(2.0 * repair[h, :, :, 1])
        for level in hazard.levels:
            often = 0.0 if hazard.is_steady else level.rate_per_year * window_h / HOURS_PER_YEAR
            limit = -math.inf if hazard.is_steady else -float(ndtri(often))
            level_f.append((limit, level.duration_h, level.duration_sigma_ratio, level.generator_cap_h))
            ratio = damage_ratio if hazard.effect == "damage" else None
            scale = level.rate_per_year * window_h / HOURS_PER_YEAR if _is_worn(hazard) else 1.0
            first, part = _entries(level, ratio, scale)
            blocks.append(first + n_entries)
            parts.append(part)
            n_entries += part[0].size
        level_first.append(len(level_f))
    guide, bound = gap_tables()
    joined = [np.concatenate([part[i] for part in parts]) if parts else np.zeros(0) for i in range(4)]
    return Compiled(
        tuple(hazard.hazard_id for hazard in ordered), hazard_i, hazard_f, np.array(level_first, np.int64),
        np.array(level_f, np.float64).reshape(-1, 4), np.array(blocks, np.int64).reshape(-1, N_CLASSES + 1),
        joined[0].astype(np.int32), joined[1].astype(np.uint32),
        np.ascontiguousarray(joined[2].reshape(-1, STATES - 1), np.float32), joined[3].astype(np.float64), repair, root,
        guide, bound, window_h,
    )  # fmt: skip


def _is_worn(hazard: Hazard) -> bool:
    """Return whether things fail by themselves, at a rate each."""
    return hazard.is_steady and hazard.effect == "damage"


def _entries(level: Level, ratio: FloatArray | None, scale: float) -> tuple[IntArray, tuple[NDArray[np.generic], ...]]:
    """Return where classes begin, and members, shares kept, worse chances and values, by class and number."""
    member = np.asarray(level.member, np.int64)
    by_number = np.argsort(member)
    member = member[by_number]
    chance = scale * np.broadcast_to(np.asarray(level.chance_frac, np.float64), by_number.shape)
    value = np.broadcast_to(np.asarray(level.value, np.float64), by_number.shape)
    worse = np.zeros((member.size, STATES - 1)) if level.worse_frac is None else np.asarray(level.worse_frac)
    if by_number.size:
        chance, value, worse = chance[by_number], value[by_number], worse[by_number]
    first, order, keep = classed(chance, None if ratio is None else ratio[member])
    return first, (member[order], keep, worse[order], value[order])


def mixture_of(compiled: Compiled, n_runs: int, tilted_frac: float = TILTED_FRAC) -> Mixture:
    """Return the components of ``n_runs`` runs: unshifted, and one for every level of an event hazard that is rare.

    A component shifts the latent number of its hazard to the bound of the level, so that the level is reached in
    every second of its runs.  Shares are those of the runs that get each component; 0 tilts nothing.
    """
    if not 0.0 <= tilted_frac < 1.0:
        raise InputError(Problem(f"tilted_frac is {tilted_frac:g}", "give a share from 0 to less than 1"))
    hazard, shift = [0], [0.0]
    bound_often = -float(ndtri(_OFTEN))
    for h in range(len(compiled.hazard_id)):
        if compiled.hazard_i[h, 2] == STATIONARY or tilted_frac == 0.0:
            continue
        for level in range(int(compiled.level_first[h]), int(compiled.level_first[h + 1])):
            if compiled.level_f[level, 0] > bound_often:
                hazard.append(int(compiled.hazard_i[h, 2]))
                shift.append(float(compiled.level_f[level, 0]))
    made = Mixture(np.array(hazard, np.int64), np.array(shift), np.ones(len(shift)), tilted_frac)
    count = np.bincount(made.component(np.arange(n_runs, dtype=np.int64)), minlength=len(shift))
    return Mixture(made.hazard, made.shift, count / n_runs, tilted_frac)


def latent_numbers(
    compiled: Compiled, mixture: Mixture, run: IntArray, key: np.uint64
) -> tuple[FloatArray, FloatArray]:
    """Return latent numbers (b, h) of event hazards in runs, and the weights (b,) of the runs; the mean weight is 1."""
    latent, weight = np.zeros((run.size, compiled.n_events)), np.ones(run.size)
    if compiled.n_events:
        draw_latent(
            run,
            mixture.component(run),
            compiled.root,
            mixture.hazard,
            mixture.shift,
            mixture.share,
            key,
            latent,
            weight,
        )
    return latent, weight
