"""Calendars made: lists by several rules, the earliest place for each package, then a local search; a bound beside it.

The effort is a number of trials, never seconds, so the same input and seed give the same calendar on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import raise_if_any
from rahdari.kernels.schedule import ranked, serial
from rahdari.kernels.schedule_improve import improve, shorten
from rahdari.methods.schedule_ascent import MOST_STEPS
from rahdari.methods.schedule_checks import schedule_problems
from rahdari.methods.schedule_envelope import makespan_bound, people_bound, shadow_prices
from rahdari.methods.schedule_result import Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.schedule_ascent import Prices
    from rahdari.methods.schedule_case import Case
    from rahdari.methods.schedule_model import Budget, Calendar, Crews, Packages

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Books = tuple[IntArray, FloatArray, FloatArray, IntArray]

TRIALS_PER_PACKAGE = 60
FEWEST_TRIALS, MOST_TRIALS = 20_000, 240_000
MOST_LISTS = 20_000  # generations of a whole calendar where the makespan counts
LIST_WORK = 1_500_000  # packages generated in these at most: about a second
MOST_OUT = 16  # packages taken out together
FEWEST_WIDE, MOST_WIDE, WIDE_FRAC = 8, 1_000, 0.1  # of the packages in order of start among which they are chosen
DEFAULT_SEED = 20_251  # of the Philox generator where the caller gives none
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is tried: ``n_trials`` of the local search (``None``: by size), ``n_steps`` of the bound at most."""

    n_trials: int | None = None
    n_steps: int = MOST_STEPS


def schedule(
    packages: Packages, crews: Crews, budget: Budget, calendar: Calendar, objective: str = "people", *,
    random: np.random.Generator | None = None, effort: Effort | None = None,
) -> Schedule:  # fmt: skip
    """Return a calendar for packages under crews, money, material, seasons and precedence, with its bound.

    ``objective``: "people" serves people early, an indicator's name does so for it, "makespan" ends soonest.
    ``random`` should be a Philox generator; the same generator gives the same calendar.  Packages that find no place
    stay undone.  Raises :class:`InputError` with all that is wrong at once.
    """
    raise_if_any(schedule_problems(packages, crews, budget, calendar, objective))
    none = np.zeros(packages.n, np.bool_)
    blank = Schedule(
        packages,
        crews,
        budget,
        calendar,
        objective,
        np.full(packages.n, -1),
        0.0,
        0.0,
        None,
        none,
        np.zeros(packages.n),
    )
    return search(blank, random, effort or Effort())


def search(
    given: Schedule, random: np.random.Generator | None, effort: Effort, hint: IntArray | None = None
) -> Schedule:
    """Return ``given`` with its free packages placed; ``hint`` (n,) starts of an earlier calendar, tried as a list."""
    case = given.case()
    source = np.random.Generator(np.random.Philox(DEFAULT_SEED)) if random is None else random
    state = source.integers(0, 2**63, size=1, dtype=np.uint64)
    cut = given.calendar.periods_per_month
    shadow = None
    if given.objective == "makespan":
        start, value = _shortest(case, state, effort)
        bound = float(makespan_bound(case))
    else:
        start, value, bound, prices = _earliest(case, given.packages, state, effort, hint)
        shadow = shadow_prices(case, prices, given.packages, given.crews, given.calendar)
    return Schedule(
        given.packages, given.crews, given.budget, given.calendar, given.objective, start, value / cut, bound / cut,
        shadow, given.committed, given.paid, given.not_before,
    )  # fmt: skip


def worth_of(case: Case, start: IntArray) -> float:
    """Return the sum of value x end in periods; what is undone ends at the horizon."""
    return float((case.value * np.where(start >= 0, start + case.duration, case.horizon)).sum())


def listed(case: Case, priority: FloatArray) -> IntArray:
    """Return the movable packages by falling ``priority`` (n,), none before what precedes it."""
    n = case.value.size
    order = np.empty(n, np.int64)
    ranked(priority, case.first_after, case.after, np.diff(case.first), np.empty(n, np.int64), order)
    return np.ascontiguousarray(order[case.start[order] < 0])


def generated(case: Case, priority: FloatArray) -> Books:
    """Return the books of a calendar generated from the list by ``priority``."""
    books = case.books
    serial(listed(case, priority), case.work, books)
    return books


def inherited(case: Case) -> FloatArray:
    """Return (n,) value with what follows: a package that opens the way to others counts for them too."""
    n_before = np.maximum(np.diff(case.first), 1)
    total = case.value.copy()
    for i in listed_all(case)[::-1].tolist():
        rows = case.after[case.first_after[i] : case.first_after[i + 1]]
        total[i] += (total[rows] / n_before[rows]).sum()
    return total


def listed_all(case: Case) -> IntArray:
    """Return all packages, none before what precedes it."""
    n = case.value.size
    order = np.empty(n, np.int64)
    ranked(np.zeros(n), case.first_after, case.after, np.diff(case.first), np.empty(n, np.int64), order)
    return order


def _takes(case: Case) -> list[FloatArray]:
    """Return several (n,) measures of what a package takes: of the scarcest pool, of all limits, of money, of time."""
    work = case.demand * case.duration[:, None]
    whole = np.maximum(case.free.sum(axis=0), 1)
    share = work / np.where(work.sum(axis=0) > 0, whole, np.inf)
    pressed = share * (work.sum(axis=0) / whole)
    money = case.cost.mean(axis=1) / max(float(case.left.max(initial=0.0)), TINY) if case.left.size else 0.0
    last = case.stock[:, -1] if case.stock.size else np.zeros(0)
    drawn = (case.use / np.maximum(last, TINY)).sum(axis=1)
    scarce = share.max(axis=1, initial=0.0)
    every = share.sum(axis=1) + money + drawn
    return [
        scarce,
        every,
        pressed.sum(axis=1) + money + drawn,
        money + drawn + np.zeros(len(scarce)),
        case.duration * 1.0,
    ]


def _priced(case: Case, prices: Prices) -> FloatArray:
    """Return (n,) what a package takes at the mean prices of its limits."""
    crew = prices.crews.mean(axis=0) @ case.demand.T * case.duration
    money = case.cost @ prices.money(case) / max(case.left.size, 1) if case.left.size else 0.0
    return np.asarray(crew + money, np.float64)


def _earliest(
    case: Case, packages: Packages, state: NDArray[np.uint64], effort: Effort, hint: IntArray | None
) -> tuple[IntArray, float, float, Prices]:
    """Return starts, their worth in periods, the bound and its prices."""
    values = (case.value, inherited(case))
    ranks = [value / np.maximum(take, TINY) for value in values for take in _takes(case)]
    if hint is not None:
        ranks.append(-np.where(hint >= 0, hint, case.horizon).astype(np.float64))
    tried = [(worth_of(case, books[3]), books) for books in (generated(case, rank) for rank in ranks)]
    rank = ranks[int(np.argmin([worth for worth, _ in tried]))]
    target = min(worth for worth, _ in tried)
    bound, prices, mean, _ = people_bound(case, packages, target, most_steps=effort.n_steps)
    for order in (-mean, *(value / np.maximum(_priced(case, prices), TINY) for value in values)):
        books = generated(case, order)
        tried.append((worth_of(case, books[3]), books))
    _, books = min(tried, key=lambda each: each[0])
    n = case.movable.size
    if n > 1:
        trials = int(np.clip(TRIALS_PER_PACKAGE * n, FEWEST_TRIALS, MOST_TRIALS))
        trials = trials if effort.n_trials is None else effort.n_trials
        width = int(np.clip(WIDE_FRAC * n, FEWEST_WIDE, MOST_WIDE))
        improve(trials, min(MOST_OUT, n), width, state, rank, case.movable, case.work, books)
    worth = worth_of(case, books[3])
    return books[3], worth, min(bound, worth), prices


def _tails(case: Case) -> FloatArray:
    """Return (n,) the longest way from the start of each package to the end of all that hangs on it."""
    tail = case.duration.astype(np.float64)
    for i in listed_all(case)[::-1].tolist():
        for e in range(case.first_after[i], case.first_after[i + 1]):
            tail[i] = max(tail[i], case.gap_after[e] + tail[case.after[e]])
    return tail


def _shortest(case: Case, state: NDArray[np.uint64], effort: Effort) -> tuple[IntArray, float]:
    """Return starts and the periods to the last end; undone packages each count a period beyond the horizon."""
    n = max(1, case.movable.size)
    trials = min(MOST_LISTS, max(1, LIST_WORK // n)) if effort.n_trials is None else effort.n_trials
    best = case.start.copy()
    order = listed(case, _tails(case))
    span = shorten(max(1, trials), state, order, best, case.work, case.books)
    fixed = np.flatnonzero(case.start >= 0)
    last = int((case.start + case.duration)[fixed].max(initial=0))
    return best, float(max(span, last))
