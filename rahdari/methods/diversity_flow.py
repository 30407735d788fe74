"""Disjoint ways that are a plain flow: the cheapest by augmentation, its proof, and delay bounds by a multiplier."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.disjoint import cheapest_flow, shortest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.graph import Rows

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_STEPS_MAX = 60  # of the search for the best multiplier; it ends by itself before
_MET = 1e-9  # relative difference at which two values are one


@dataclass(frozen=True, slots=True)
class Flow:
    """The cheapest disjoint ways: arcs in order (link is arc // 2), total cost and its dual bound.

    Where fewer than asked exist, ``n_ways`` says how many and ``ways`` is empty.  ``reached`` are the last search's
    costs, by node or, by_node, by entries and then exits of nodes; infinite ones lie beyond a cut.
    """

    n_ways: int
    ways: tuple[IntArray, ...]
    cost: float
    bound: float
    reached: FloatArray
    level: FloatArray

    def extra_cost(self, link_node: IntArray, cost: FloatArray, *, by_node: bool) -> FloatArray:
        """Return (m,) by how much ways that use a link cost more than ``bound``, at least: its reduced cost."""
        out = self.level[self.level.size // 2 :] if by_node else self.level
        u, v = link_node[:, 0], link_node[:, 1]
        saved = np.maximum(self.level[v] - out[u], self.level[u] - out[v])
        return np.maximum(0.0, cost - saved)


def trace(tail: IntArray, head: IntArray, flow: IntArray, a: int, b: int) -> list[IntArray]:
    """Return the ways from ``a`` to ``b`` that make up a whole flow (2m,) by arc; cycles are left out.

    >>> [way.tolist() for way in trace(np.array([0, 1, 1, 2]), np.array([1, 0, 2, 1]), np.array([1, 0, 1, 0]), 0, 2)]
    [[0, 2]]
    """
    used = np.flatnonzero(flow)
    out: dict[int, list[int]] = {}
    arcs = np.repeat(used, flow[used])[::-1]
    heads: dict[int, int] = dict(zip(arcs.tolist(), head[arcs].tolist(), strict=True))
    for arc, node in zip(arcs.tolist(), tail[arcs].tolist(), strict=True):
        out.setdefault(node, []).append(arc)
    ways = []
    while out.get(a):
        node, steps, seen = a, [], {a: 0}
        while node != b:
            arc = out[node].pop()
            steps.append(arc)
            node = heads[arc]
            if node in seen:
                del steps[seen[node] :]
                seen = {each: i for each, i in seen.items() if i <= seen[node]}
            seen[node] = len(steps)
        ways.append(np.array(steps, np.int64))
    return ways


def best_flow(
    rows: Rows, link_node: IntArray, cost: FloatArray, ends: tuple[int, int], n_ways: int, *, by_node: bool
) -> Flow:
    """Return the cheapest disjoint ways (Suurballe 1974; by node Bhandari 1999), or how many there are."""
    n, (a, b) = rows.first.size - 1, ends
    flow = np.empty(2 * link_node.shape[0], np.int8)
    level = np.empty(2 * n if by_node else n)
    reached = np.empty_like(level)
    found = cheapest_flow(rows.first, rows.neighbour, rows.arc, cost, a, b, n_ways, by_node, flow, level, reached)
    if found < n_ways:
        return Flow(found, (), math.inf, math.inf, reached, level)
    tail, head = link_node.reshape(-1), link_node[:, ::-1].reshape(-1)
    ways = tuple(trace(tail, head, flow.astype(np.int64), a, b))
    total = float(sum(cost[way >> 1].sum() for way in ways))
    out = level[n:] if by_node else level
    # Arcs into the source and out of the target serve no way.
    served = (head != a) & (tail != b)
    excess = np.maximum(0.0, level[head] - out[tail] - np.repeat(cost, 2))[served].sum()
    if by_node:
        excess += np.maximum(0.0, level[n:] - level[:n]).sum()
    start = level[a + n] if by_node else level[a]
    return Flow(found, ways, total, float(n_ways * (level[b] - start) - excess), reached, level)


def cut_of(link_node: IntArray, flow: Flow, ends: tuple[int, int], *, by_node: bool) -> tuple[IntArray, IntArray]:
    """Return (links, nodes) that separate the ends, as many together as there are disjoint ways (Menger 1927)."""
    inside = np.isfinite(flow.reached)
    if not by_node:
        return np.flatnonzero(inside[link_node[:, 0]] != inside[link_node[:, 1]]), np.zeros(0, np.int64)
    n = inside.size // 2
    enters, leaves = inside[:n].copy(), inside[n:].copy()
    enters[ends[0]] = leaves[ends[0]] = True
    enters[ends[1]] = leaves[ends[1]] = False
    nodes = np.flatnonzero(enters & ~leaves)
    # Passed nodes may be entered from beyond the cut only by ways that use them.
    first, second = link_node[:, 0], link_node[:, 1]
    links = np.flatnonzero((leaves[first] & ~enters[second]) | (leaves[second] & ~enters[first]))
    return links, nodes


def fast_enough(
    rows: Rows, link_node: IntArray, delay: FloatArray, ends: tuple[int, int], max_delay: float
) -> IntArray:
    """Return the links on some walk between the ends within the delay bound."""
    n = rows.first.size - 1
    no_link, no_node = np.zeros(link_node.shape[0], np.bool_), np.zeros(n, np.bool_)
    away = np.full((2, n), np.inf)
    for side, start in enumerate(ends):
        via = np.empty(n, np.int64)
        shortest(rows.first, rows.neighbour, rows.arc, delay, no_link, no_node, start, -1, via)
        away[side] = _tree_costs(rows, via, delay, start)
    u, v = link_node[:, 0], link_node[:, 1]
    least = np.minimum(away[0][u] + away[1][v], away[0][v] + away[1][u]) + delay
    return np.flatnonzero(least <= max_delay * (1.0 + _MET))


def _tree_costs(rows: Rows, via: IntArray, cost: FloatArray, start: int) -> FloatArray:
    """Return (n,) costs along a tree of arcs into each node."""
    result = np.full(via.size, np.inf)
    result[start] = 0.0
    waiting = [v for v in range(via.size) if via[v] >= 0]
    for v in waiting:
        chain = [v]
        while not np.isfinite(result[chain[-1]]):
            chain.append(int(rows.tail[via[chain[-1]]]))
        for node in chain[-2::-1]:
            result[node] = result[rows.tail[via[node]]] + cost[via[node] >> 1]
    return result


@dataclass(frozen=True, slots=True)
class Bounded:
    """Ways within a delay bound and a bound on their cost; ``ways`` is empty where the multiplier met none.

    ``is_impossible``: even the fastest disjoint ways together take more than all bounds together.
    """

    ways: tuple[IntArray, ...]
    cost: float
    bound: float
    is_impossible: bool


def delay_bounded(
    rows: Rows,
    link_node: IntArray,
    *,
    cost: FloatArray,
    delay: FloatArray,
    ends: tuple[int, int],
    n_ways: int,
    max_delay: float,
    by_node: bool,
) -> Bounded:
    """Return disjoint ways each within the bound, by a multiplier on the sum of delays (Lagrange relaxation).

    The bound holds for all such ways, for it asks only that together they take no more than all bounds together.
    The best multiplier is found on the lower envelope of the lines that flows draw (Dinkelbach steps).
    """
    allowed = n_ways * max_delay
    best_ways: tuple[IntArray, ...] = ()
    best, bound = math.inf, -math.inf

    def look(multiplier: float, price: float) -> tuple[float, float]:
        """Return (cost, delay) of the cheapest flow at a mixed price; keep what it proves."""
        nonlocal best_ways, best, bound
        mixed = price * cost + multiplier * delay
        flow = best_flow(rows, link_node, mixed, ends, n_ways, by_node=by_node)
        if not flow.ways:  # too few are left within the bound
            return math.inf, math.inf
        spent = float(sum(cost[way >> 1].sum() for way in flow.ways))
        slow = [float(delay[way >> 1].sum()) for way in flow.ways]
        if price > 0.0:
            bound = max(bound, flow.bound - multiplier * allowed)
        if spent < best and max(slow) <= max_delay * (1.0 + _MET):
            best_ways, best = flow.ways, spent
        return spent, sum(slow)

    fast = look(1.0, 0.0)
    if fast[1] > allowed * (1.0 + _MET):
        return Bounded((), math.inf, math.inf, is_impossible=True)
    cheap = look(0.0, 1.0)
    for _ in range(_STEPS_MAX):
        if cheap[1] <= allowed or cheap[1] <= fast[1] or bound >= best * (1.0 - _MET):
            break
        multiplier = (fast[0] - cheap[0]) / (cheap[1] - fast[1])
        middle = look(multiplier, 1.0)
        line = cheap[0] + multiplier * cheap[1]
        if middle[0] + multiplier * middle[1] >= line - _MET * abs(line):
            break
        if middle[1] > allowed:
            cheap = middle
        else:
            fast = middle
    return Bounded(best_ways, best, bound, is_impossible=False)
