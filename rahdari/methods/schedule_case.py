"""Packages, crews, money and calendar as the arrays that kernels take; what is committed is already taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.schedule_model import Budget, Calendar, Crews, Packages

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

MILLI = 1000  # a crew is counted in thousandths
UNDONE = -1
ROUNDING = 1e-9
WITHOUT_END = 1e9  # crews of a pool without limit, below what 64 bits hold in thousandths


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The arrays: packages (n,), periods (t,), pools (k,), years of money (y,), materials (m,).

    ``free`` (t, k) thousandths of crews, ``left`` (y,) money and ``stock`` (m, t) material are what committed packages
    leave.  ``opens`` (windows, t + 1) is the next start that season and closures leave, t + 1 where none does;
    ``head`` (n,) the earliest start by windows and precedence alone.  ``pool`` and ``asked`` (n, most) list the pools
    that a package asks, -1 after the last, and how much.
    """

    value: FloatArray
    release: IntArray
    duration: IntArray
    demand: IntArray
    first: IntArray
    before: IntArray
    gap: IntArray
    first_after: IntArray
    after: IntArray
    gap_after: IntArray
    window: IntArray
    opens: NDArray[np.int32]
    cost: FloatArray
    year: IntArray
    year_end: IntArray
    chain: FloatArray
    use: FloatArray
    free: IntArray
    left: FloatArray
    stock: FloatArray
    start: IntArray
    movable: IntArray
    head: IntArray
    pool: IntArray
    asked: IntArray

    @property
    def work(self) -> tuple[Any, ...]:
        """Return what kernels read (see :data:`rahdari.kernels.schedule.WORK`)."""
        return (
            self.value, self.release, self.duration, self.asked, self.first, self.before, self.gap, self.first_after,
            self.after, self.gap_after, self.window, self.opens, self.cost, self.year, self.year_end, self.chain,
            self.use, self.pool,
        )  # fmt: skip

    @property
    def books(self) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
        """Return fresh copies of what kernels write: crews free, money left, stock, starts."""
        return self.free.copy(), self.left.copy(), self.stock.copy(), self.start.copy()

    @property
    def horizon(self) -> int:
        """Return the number of periods."""
        return len(self.free)


def periods(months: FloatArray, calendar: Calendar) -> IntArray:
    """Return whole periods that hold the months."""
    return np.asarray(np.ceil(months * calendar.periods_per_month - ROUNDING), np.int64)


def open_periods(packages: Packages, calendar: Calendar) -> tuple[NDArray[np.bool_], IntArray]:
    """Return (patterns, periods) whether work may be done, and (n,) the pattern of each package."""
    closed_of: dict[str, list[tuple[int, int]]] = {}
    for district, start, end in sorted(calendar.closed):
        closed_of.setdefault(district, []).append((start, end))
    bits = packages.closed_season @ (1 << np.arange(packages.closed_season.shape[1]))
    keys = list(zip(bits.tolist(), (name if name in closed_of else "" for name in packages.district), strict=True))
    number = {key: i for i, key in enumerate(sorted(set(keys)))}
    season = calendar.month_of_year()
    is_open = np.ones((len(number), calendar.n_months), np.bool_)
    for (mask, district), i in number.items():
        is_open[i] = (mask >> season) & 1 == 0
        for start, end in closed_of.get(district, []):
            is_open[i, max(start, 0) : end + 1] = False
    return np.repeat(is_open, calendar.periods_per_month, axis=1), np.array([number[key] for key in keys], np.int64)


def _windows(packages: Packages, calendar: Calendar, duration: IntArray) -> tuple[IntArray, NDArray[np.int32]]:
    """Return (n,) the window of each package, and (windows, periods + 1) the next allowed start from each period."""
    is_open, pattern = open_periods(packages, calendar)
    pairs, window = np.unique(np.stack([pattern, duration], axis=1), axis=0, return_inverse=True)
    n = calendar.n_periods
    opens = np.full((len(pairs), n + 1), n + 1, np.int32)
    for row, (i, length) in enumerate(pairs.tolist()):
        shut = np.concatenate([[0], np.cumsum(~is_open[i])])
        starts = np.arange(n + 1 - length) if length <= n else np.zeros(0, np.int64)
        fits = starts[shut[starts + length] == shut[starts]]
        if fits.size:
            at = np.searchsorted(fits, np.arange(fits[-1] + 1))
            opens[row, : fits[-1] + 1] = fits[at]
    return np.asarray(window, np.int64).reshape(-1), opens


def _rows(owner: IntArray, other: IntArray, gap: IntArray, n: int) -> tuple[IntArray, IntArray, IntArray]:
    order = np.lexsort((other, owner))
    first = np.searchsorted(owner[order], np.arange(n + 1)).astype(np.int64)
    return first, np.ascontiguousarray(other[order]), np.ascontiguousarray(gap[order])


def _heads(
    rows: tuple[IntArray, ...], release: IntArray, start: IntArray, window: IntArray, opens: NDArray[np.int32]
) -> IntArray:
    """Return (n,) the earliest start by release, windows and precedence; beyond the horizon where there is none.

    Packages that have started are where they are.
    """
    first_after, after, gap_after = rows
    head = opens[window, np.minimum(release, opens.shape[1] - 1)].astype(np.int64)
    head = np.where(start >= 0, start, head)
    waiting = np.bincount(after, minlength=release.size)
    ready = np.flatnonzero(waiting == 0).tolist()
    while ready:
        i = ready.pop()
        for e in range(first_after[i], first_after[i + 1]):
            j = int(after[e])
            at = min(int(head[i] + gap_after[e]), opens.shape[1] - 1)
            if start[j] < 0:
                head[j] = max(head[j], opens[window[j], at])
            waiting[j] -= 1
            if not waiting[j]:
                ready.append(j)
    return head


def _asked(demand: IntArray) -> tuple[IntArray, IntArray]:
    """Return (n, most) the pools that each package asks, -1 after the last, and how much of each."""
    order = np.argsort(demand <= 0, axis=1, kind="stable")
    most = int((demand > 0).sum(axis=1).max(initial=1))
    amount = np.take_along_axis(demand, order, axis=1)[:, :most]
    return np.ascontiguousarray(np.where(amount > 0, order[:, :most], -1)), np.ascontiguousarray(amount)


def _money(packages: Packages, budget: Budget, calendar: Calendar) -> tuple[FloatArray, IntArray, IntArray, FloatArray]:
    """Return (n, y) costs, (t,) the year of each period and the first period after it, and (y,) money."""
    n = calendar.n_periods
    if not budget.is_limited:
        return np.zeros((packages.n, 0)), np.zeros(n, np.int64), np.full(n, n, np.int64), np.zeros(0)
    year = np.repeat(calendar.budget_year(budget), calendar.periods_per_month)
    change = np.append(np.flatnonzero(np.diff(year)) + 1, n)
    year_end = change[np.searchsorted(change, np.arange(n), side="right")]
    return np.ascontiguousarray(budget.costs(packages)), year, year_end, budget.chain @ budget.amounts


def compile_case(
    packages: Packages, crews: Crews, budget: Budget, calendar: Calendar, objective: str,
    *, committed: IntArray | None = None, paid: FloatArray | None = None, not_before: int = 0,
) -> Case:  # fmt: skip
    """Return the arrays of a problem without faults.

    ``committed`` (n,) gives the period in which a package has started, -1 for those still free; ``paid`` (n,) what the
    committed ones cost.  The others start in ``not_before`` or later.  Where committed work holds more than there is,
    nothing is left for others, and the committed work stands.
    """
    duration = periods(packages.duration_months, calendar)
    month = np.stack([packages.release_month, packages.permit_month, packages.arrival_month]).max(axis=0)
    release = np.maximum(month * calendar.periods_per_month, not_before)
    start = np.full(packages.n, UNDONE, np.int64) if committed is None else committed.copy()
    gap = np.maximum(duration[packages.before] + np.round(packages.lag_months * calendar.periods_per_month), 0)
    gap = gap.astype(np.int64)
    first, before, gap_before = _rows(packages.after, packages.before, gap, packages.n)
    first_after, after, gap_after = _rows(packages.before, packages.after, gap, packages.n)
    window, opens = _windows(packages, calendar, duration)
    cost, year, year_end, left = _money(packages, budget, calendar)
    crew = np.minimum(crews.available(calendar.n_months), WITHOUT_END)
    free = np.repeat(np.floor(crew * MILLI + ROUNDING).astype(np.int64), calendar.periods_per_month, axis=0)
    demand = np.ceil(packages.demand_crews * MILLI - ROUNDING).astype(np.int64)
    names = sorted(name for name, units in packages.materials.items() if units.any())
    use = np.stack([packages.materials[name] for name in names], axis=1) if names else np.zeros((packages.n, 0))
    come = [np.repeat(np.cumsum(calendar.arrivals[name]), calendar.periods_per_month) for name in names]
    stock = np.array(come).reshape(len(names), calendar.n_periods)
    chain = budget.chain
    for i in np.flatnonzero(start >= 0).tolist():
        s = int(start[i])
        free[s : s + duration[i]] -= demand[i]
        stock[:, s:] -= use[i][:, None]
        if left.size and year[s] >= 0:
            left -= chain[:, year[s]] * (cost[i, year[s]] if paid is None else paid[i])
    head = _heads((first_after, after, gap_after), release, start, window, opens)
    return Case(
        packages.value(objective), release, duration, np.ascontiguousarray(demand), first, before, gap_before,
        first_after, after, gap_after, window, opens, cost, year, year_end, np.ascontiguousarray(chain),
        np.ascontiguousarray(use), np.maximum(free, 0), np.maximum(left, 0.0), np.maximum(stock, 0.0), start,
        np.flatnonzero(start < 0), head, *_asked(demand),
    )  # fmt: skip
