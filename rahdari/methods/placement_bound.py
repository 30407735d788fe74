"""A proven lower bound on what any placement of edge nodes costs, and open sets worth trying.

The Lagrangian dual of "every workload has a main node and, where asked, a second one": prices on both rows turn the
problem into one knapsack a candidate, filled by value for its share, with as many servers as pay.  Knapsacks may cut a
workload, and nothing is asked of ways being apart, so the bound holds for any prices.  Prices move by deflected
subgradient steps (Camerini, Fratta and Maffioli 1975), a stated number of them, so that answers repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

PATIENCE = 12  # steps without a better bound before steps are shortened
SHORTER = 0.66
DEFLECTION = 0.3  # weight of the new direction beside those before
SMALLEST_SCALE = 1e-4
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """A placement without ways: ``main`` and ``second`` (j, i) cost by candidate, infinity where not allowed.

    ``weight`` (i,) is in servers; ``leave`` and ``leave_second`` (i,) are the prices of leaving a row unserved, 0 for
    a second node that is not asked.
    """

    main: FloatArray
    second: FloatArray
    weight: FloatArray
    fixed: FloatArray
    server: FloatArray
    n_servers_max: IntArray
    leave: FloatArray
    leave_second: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """Knapsacks at given prices: value of the dual, open candidates, servers, and rows' use (i,) of both roles."""

    value: float
    is_open: BoolArray
    n_servers: IntArray
    used: FloatArray
    used_second: FloatArray


def filled(problem: Costs, price: FloatArray, price_second: FloatArray) -> Filled:
    """Return the dual's value at prices (i,) of a main and a second node, each candidate filled as pays best."""
    n_nodes, n_work = problem.main.shape
    gain = price - problem.main
    other = price_second - problem.second
    is_main = gain >= other
    best = np.where(is_main, gain, other)
    flat = np.flatnonzero(best > _ROUNDING)
    node, item = np.divmod(flat, n_work)
    value, weight = best.reshape(-1)[flat], problem.weight[item]
    order = np.lexsort((flat, -value / weight, node))
    node, item, flat = node[order], item[order], flat[order]
    value, weight = value[order], weight[order]
    first = np.searchsorted(node, np.arange(n_nodes + 1))
    total_weight, total_value = (np.concatenate([[0.0], np.cumsum(part)]) for part in (weight, value))
    held = total_weight[first[1:]] - total_weight[first[:-1]]
    most = np.minimum(problem.n_servers_max, np.ceil(held - _ROUNDING).astype(np.int64))
    owner = np.repeat(np.arange(n_nodes), most)
    start = np.concatenate([[0], np.cumsum(most)])
    count = np.arange(owner.size) - start[owner] + 1
    # Within a node the weight so far is rising; the start of the node shifts the question.
    limit = total_weight[first[owner]] + np.minimum(count, held[owner])
    at = np.minimum(np.searchsorted(total_weight, limit, side="right") - 1, first[owner + 1])
    part = np.where(at < first[owner + 1], limit - total_weight[at], 0.0)
    rate = np.where(at < node.size, np.divide(*_at(value, weight, at)), 0.0)
    worth = total_value[at] + part * rate - total_value[first[owner]] - count * problem.server[owner]
    gained, n_servers = np.zeros(n_nodes), np.zeros(n_nodes, np.int64)
    if owner.size:
        some = np.flatnonzero(most)
        peak = np.maximum.reduceat(worth, start[some])
        at_peak = np.flatnonzero(worth >= np.repeat(peak, most[some]) - _ROUNDING)
        chosen = at_peak[np.unique(owner[at_peak], return_index=True)[1]]
        gained[some], n_servers[some] = peak - problem.fixed[some], count[chosen]
    is_open = gained > 0.0
    room = np.where(is_open, n_servers, 0).astype(np.float64)
    before = total_weight[:-1] - total_weight[first[node]]
    share = np.clip((room[node] - before) / weight, 0.0, 1.0)
    main = is_main.reshape(-1)[flat]
    used = np.asarray(np.bincount(item[main], share[main], n_work), np.float64)
    used_second = np.asarray(np.bincount(item[~main], share[~main], n_work), np.float64)
    value_sum = float(price.sum() + price_second.sum() - gained[is_open].sum())
    return Filled(value_sum, is_open, n_servers, used, used_second)


def _at(value: FloatArray, weight: FloatArray, at: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return values and weights at positions, harmless ones beyond the end."""
    inside = np.minimum(at, max(value.size - 1, 0))
    return (value[inside], weight[inside]) if value.size else (np.zeros(at.size), np.ones(at.size))


@dataclass(slots=True, eq=False)
class Ascent:
    """Prices on their way up: the best bound so far, its prices, and the direction of the steps."""

    problem: Costs
    price: FloatArray
    price_second: FloatArray
    best: float = -np.inf
    best_price: FloatArray | None = None
    best_second: FloatArray | None = None
    scale: float = 1.0
    stale: int = 0
    direction: FloatArray | None = None

    def step(self, target: float) -> Filled:
        """Fill at the present prices, keep the bound, and move towards ``target``, the cost of a known placement."""
        problem = self.problem
        now = filled(problem, self.price, self.price_second)
        if now.value > self.best:
            self.best, self.best_price, self.best_second = now.value, self.price.copy(), self.price_second.copy()
            self.stale = 0
        else:
            self.stale += 1
        if self.stale == PATIENCE:
            self.scale, self.stale = max(SHORTER * self.scale, SMALLEST_SCALE), 0
            if self.best_price is not None and self.best_second is not None:
                self.price, self.price_second = self.best_price.copy(), self.best_second.copy()
                self.direction = None
                return now
        asked = (problem.leave_second > 0.0).astype(np.float64)
        slope = np.concatenate([1.0 - now.used, asked - now.used_second * asked])
        # A price at its end that would go beyond does not count in the length of the step.
        prices = np.concatenate([self.price, self.price_second])
        ends = np.concatenate([problem.leave, problem.leave_second])
        blocked = ((prices >= ends) & (slope > 0.0)) | ((prices <= 0.0) & (slope < 0.0))
        slope = np.where(blocked, 0.0, slope)
        course = slope if self.direction is None else DEFLECTION * slope + (1.0 - DEFLECTION) * self.direction
        self.direction = course
        length = float(course @ course)
        if length > 0.0:
            ahead = max(target - now.value, 1e-6 * abs(target))
            moved = np.clip(prices + self.scale * ahead / length * course, 0.0, ends)
            self.price, self.price_second = moved[: self.price.size].copy(), moved[self.price.size :].copy()
        return now


def first_prices(problem: Costs) -> tuple[FloatArray, FloatArray]:
    """Return prices to start from: what the nearest candidate costs with its share of a server, and a little more."""
    rate = problem.server + problem.fixed / np.maximum(problem.n_servers_max, 1)
    with np.errstate(invalid="ignore"):
        cost = [part + rate[:, None] * problem.weight[None, :] for part in (problem.main, problem.second)]
    near = np.sort(np.where(np.isfinite(cost[0]), cost[0], np.inf), axis=0)[0] if cost[0].size else problem.leave
    other = np.sort(cost[1], axis=0)[:2][-1] if cost[1].size else problem.leave_second
    return np.minimum(near, problem.leave), np.minimum(other, problem.leave_second)
