"""When to build what under a yearly pace: divisible jobs in order of value for money, with a proof.

One resource (money) paces the work.  The objective is value times waiting time: for every period the value not yet
delivered at its end, weighted by the period's length.  For divisible jobs the order of falling value per cost is
optimal (Smith 1956), because it solves the fractional knapsack of every cumulative budget at once.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


def calendar_shares(starts_on: date, due_on: date) -> tuple[IntArray, FloatArray]:
    """Return the calendar years that a programme touches, and (n,) the share of each that it covers.

    ``due_on`` must lie after ``starts_on``; both count by days.

    >>> years, share = calendar_shares(date(2025, 4, 1), date(2030, 4, 1))
    >>> years.tolist(), share.round(2).tolist()
    ([2025, 2026, 2027, 2028, 2029, 2030], [0.75, 1.0, 1.0, 1.0, 1.0, 0.25])
    """
    years = np.arange(starts_on.year, due_on.year + 1, dtype=np.int64)
    shares = []
    for year in years.tolist():
        first, last = date(year, 1, 1), date(year + 1, 1, 1)
        days = (min(due_on, last) - max(starts_on, first)).days
        shares.append(days / (last - first).days)
    share = np.array(shares)
    return years[share > 0.0], share[share > 0.0]


def value_order(value: FloatArray, cost_usd: FloatArray) -> IntArray:
    """Return the (n,) order of falling value per cost; ties keep their order, jobs that cost nothing come first.

    >>> value_order(np.array([1.0, 4.0, 3.0]), np.array([1.0, 2.0, 0.0])).tolist()
    [2, 1, 0]
    """
    free = cost_usd <= 0.0
    ratio = np.where(free, np.inf, value / np.where(free, 1.0, cost_usd))
    return np.asarray(np.argsort(-ratio, kind="stable"), dtype=np.int64)


def paced_shares(order: IntArray, cost_usd: FloatArray, budget_usd: FloatArray) -> FloatArray:
    """Return (n_jobs, n_periods) shares of each job done in each period; every row sums to 1.

    ``budget_usd`` (n_periods,) is spent on the jobs in ``order``; the last period takes whatever is left.
    """
    cost = cost_usd[order]
    job_end = np.cumsum(cost)
    period_end = np.cumsum(budget_usd)
    period_end[-1] = np.inf
    period_start = np.concatenate([[0.0], period_end[:-1]])
    job_start = job_end - cost
    overlap = np.minimum(job_end[:, None], period_end[None, :]) - np.maximum(job_start[:, None], period_start[None, :])
    shares = np.maximum(overlap, 0.0) / np.where(cost > 0.0, cost, 1.0)[:, None]
    free = cost <= 0.0
    shares[free, np.searchsorted(period_end, job_end[free])] = 1.0
    total = shares.sum(axis=1, keepdims=True)
    result: FloatArray = np.empty_like(shares)
    result[order] = shares / total
    return result


def whole_shares(shares: FloatArray, total: IntArray) -> IntArray:
    """Return (n_jobs, n_periods) whole numbers close to ``shares`` times ``total``; every row sums to its total.

    >>> whole_shares(np.array([[0.5, 0.25, 0.25]]), np.array([3])).tolist()
    [[2, 0, 1]]
    """
    done = np.floor(np.cumsum(shares, axis=1) * total[:, None] + 0.5).astype(np.int64)
    done[:, -1] = total
    return np.diff(np.minimum(done, total[:, None]), axis=1, prepend=0)


def waiting(value: FloatArray, shares: FloatArray, length_years: FloatArray) -> float:
    """Return value times years of waiting: what is not delivered at each period's end, times its length."""
    undelivered = value.sum() - np.cumsum(value @ shares)
    return float(np.maximum(undelivered, 0.0) @ length_years)


def knapsack_prices(order: IntArray, value: FloatArray, cost_usd: FloatArray, budget_usd: FloatArray) -> FloatArray:
    """Return (n_periods,) the value of a further dollar at each cumulative budget: 0 once all is paid for."""
    job_end = np.cumsum(cost_usd[order])
    spent = np.cumsum(budget_usd)
    marginal = np.minimum(np.searchsorted(job_end, spent, side="left"), order.size - 1)
    job = order[marginal]
    price = value[job] / np.where(cost_usd[job] > 0.0, cost_usd[job], 1.0)
    return np.where((spent >= job_end[-1]) | (cost_usd[job] <= 0.0), 0.0, price)


def waiting_bound(
    value: FloatArray, cost_usd: FloatArray, budget_usd: FloatArray, length_years: FloatArray, price: FloatArray
) -> float:
    """Return a lower bound on :func:`waiting` of any schedule within the budgets, for any ``price`` of zero or more.

    By weak duality no choice delivers more than ``price x budget + sum of max(0, value - price x cost)`` by a period's
    end.  It verifies a schedule without knowing how it was made.
    """
    surplus = np.maximum(0.0, value[None, :] - price[:, None] * cost_usd[None, :]).sum(axis=1)
    delivered = np.minimum(value.sum(), price * np.cumsum(budget_usd) + surplus)
    return float((value.sum() - delivered) @ length_years)
