"""The most that any calendar can have done by a month, and the soonest that any can end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.schedule_case import MILLI
from rahdari.methods.schedule_envelope import makespan_bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.schedule_result import Schedule

    FloatArray = NDArray[np.float64]

SAFETY_FRAC = 1e-9  # added to a bound for rounding


def most_within(value: FloatArray, take: FloatArray, limit: float) -> float:
    """Return the most ``value`` (n,) that fits a ``limit`` of what items ``take`` (n,), items divisible (Dantzig 1957).

    >>> most_within(np.array([6.0, 4.0, 1.0]), np.array([2.0, 2.0, 0.0]), 3.0)
    9.0
    """
    free = take <= 0.0
    rest, size = value[~free], take[~free]
    order = np.argsort(-rest / size, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(size[order])[:-1]])
    share = np.clip((limit - before) / size[order], 0.0, 1.0)
    return float(value[free].sum() + (rest[order] * share).sum())


def most_by(schedule: Schedule, month: int) -> float:
    """Return what the objective counts, people or an indicator, of which no calendar has more done by ``month``.

    Each pool of crews, and the money, is put to the packages on its own; the least of these bounds holds.  Packages
    that leave, material and season keep beyond the month are left out; order of work is not counted.
    """
    case, cut = schedule.case(), schedule.calendar.periods_per_month
    end = min(month * cut, case.horizon)
    done = np.flatnonzero((case.start >= 0) & (case.start + case.duration <= end))
    can = case.movable[(case.head + case.duration)[case.movable] <= end]
    value = case.value[can]
    bounds = [float(value.sum())]
    if end > 0 and can.size:
        work = (case.demand * case.duration[:, None])[can] / MILLI
        crews = case.free[:end].sum(axis=0) / MILLI
        bounds += [most_within(value, work[:, k], float(crews[k])) for k in range(crews.size)]
        if case.left.size and case.year[end - 1] >= 0:
            spent = float(schedule.paid[schedule.committed].sum())
            money = float(schedule.budget.amounts[: int(case.year[end - 1]) + 1].sum()) - spent
            bounds.append(most_within(value, case.cost[can].min(axis=1), max(money, 0.0)))
    return (float(case.value[done].sum()) + min(bounds)) * (1.0 + SAFETY_FRAC)


def soonest_end_months(schedule: Schedule) -> float:
    """Return months from the first day below which no calendar ends: the longest chain, work by pool, money."""
    return makespan_bound(schedule.case()) / schedule.calendar.periods_per_month
