"""Disjoint ways found one after another: quick answers for the search, without proof."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.disjoint import shortest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rahdari.methods.diversity_core import Core

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_POLISH_MAX = 6  # rounds in which each way is found anew beside the others; mostly the second changes nothing


class Rounding:
    """Ways through a core of which no two share a link, a group or, ``by_node``, a node."""

    def __init__(self, core: Core, n_ways: int, max_delay: float, *, by_node: bool) -> None:
        """Hold the core and what is asked."""
        self.core, self.n_ways, self.max_delay, self.by_node = core, n_ways, max_delay, by_node
        self.tail = core.link_node.reshape(-1)
        self.head = core.link_node[:, ::-1].reshape(-1)
        self._via = np.empty(core.n_nodes, np.int64)

    def cost_of(self, ways: Sequence[IntArray]) -> float:
        """Return the total cost of ways, infinite where there is none."""
        return float(sum(self.core.cost[way >> 1].sum() for way in ways)) if ways else math.inf

    def start(self, plain: Sequence[IntArray]) -> tuple[IntArray, ...]:
        """Return the best ways found from the shortest way and from each way of the plain flow."""
        found = [self.ways(self.core.cost), *(self.polished([way]) for way in plain if self._is_fast(way))]
        return min(found, key=self.cost_of)

    def ways(self, cost: FloatArray) -> tuple[IntArray, ...]:
        """Return ways found on the given (m,) link costs and polished on the true ones; empty where that fails."""
        ways: list[IntArray] = []
        while len(ways) < self.n_ways:
            way = self._next(ways, cost)
            if way is None:
                return ()
            ways.append(way)
        return self.polished(ways)

    def polished(self, ways: Sequence[IntArray]) -> tuple[IntArray, ...]:
        """Return the ways completed, then each found anew beside the others until nothing changes."""
        made = list(ways)
        while len(made) < self.n_ways:
            way = self._next(made, self.core.cost)
            if way is None:
                return ()
            made.append(way)
        before = self.cost_of(made)
        for _ in range(_POLISH_MAX):
            for i in range(self.n_ways):
                better = self._next(made[:i] + made[i + 1 :], self.core.cost)
                if better is not None:
                    made[i] = better
            after = self.cost_of(made)
            if after >= before:
                break
            before = after
        return tuple(made)

    def _is_fast(self, way: IntArray) -> bool:
        return bool(self.core.delay[way >> 1].sum() <= self.max_delay)

    def _next(self, others: Sequence[IntArray], cost: FloatArray) -> IntArray | None:
        """Return the cheapest way that is disjoint from the others, else the fastest, else ``None``."""
        core, rows = self.core, self.core.rows
        no_link, no_node = np.zeros(core.cost.size, np.bool_), np.zeros(core.n_nodes, np.bool_)
        for way in others:
            links = way >> 1
            no_link[links] = True
            for group in {group for link in links.tolist() for group in core.groups_of[link]}:
                no_link[core.group_link[group]] = True
            if self.by_node:
                no_node[self.head[way[:-1]]] = True
        for price in (cost, core.delay):
            total = shortest(rows.first, rows.neighbour, rows.arc, price, no_link, no_node, core.a, core.b, self._via)
            if not math.isfinite(total):
                return None
            steps, v = [], core.b
            while v != core.a:
                steps.append(int(self._via[v]))
                v = int(self.tail[self._via[v]])
            way = np.array(steps[::-1], np.int64)
            if self._is_fast(way):
                return way
        return None
