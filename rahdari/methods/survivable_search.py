"""Bring the cost of a core's capacity and its proven lower bound together.

The method of multipliers routes all scenarios at once and gives an upper bound (what the routings need) and prices;
prices give metric cuts; the master programme weighs all cuts to the best lower bound they prove.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.survivable_master import Cut, Master
from rahdari.methods.survivable_router import Router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.survivable_blocks import Core

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Flows = list[tuple[IntArray, IntArray, FloatArray]]

MOST_ROUNDS = 3000  # of routing and pricing; far beyond what any known case took
N_PASSES = 2  # of balancing a round
STEP = 1.6  # of prices, below the golden ratio (Fortin and Glowinski 1983)
EVEN_FIRST = 0.05  # share of evenly spread prices in the metrics at first ...
EVEN_FALL = 0.97  # ... and how it falls each round ...
EVEN_LAST = 1e-4  # ... down to this
CUT_EVERY = 5  # rounds
CHECK_EVERY = 10  # rounds
MEMORY = 0.9  # of the mean of prices
PATIENCE = 6  # master solutions after which an idle cut is dropped


@dataclass(frozen=True, slots=True)
class Outcome:
    """Capacity of a core's links, the bound on the cost of new capacity, its cuts with multipliers, and the flows.

    ``flows`` holds for each scenario demand numbers, pool paths, and flows.
    """

    capacity: FloatArray
    cost: float
    bound: float
    cuts: list[tuple[Cut, float]]
    flows: Flows
    router: Router


class Search:
    """One core on its way to the gap asked for."""

    def __init__(self, core: Core, gap: float, deadline: float | None) -> None:
        """Route everything once."""
        self.core, self.gap, self.deadline = core, gap, deadline
        self.router = Router(core, np.arange(len(core.amount)))
        self.master = Master(core.cost, core.installed)
        self.bound = 0.0
        self.best: tuple[float, FloatArray, NDArray[np.int32], FloatArray] | None = None
        self._keep()

    @property
    def cost(self) -> float:
        """Return the least cost known."""
        return np.inf if self.best is None else self.best[0]

    @property
    def is_done(self) -> bool:
        """Return whether the gap is reached."""
        return self.cost - self.bound <= self.gap * self.cost

    @property
    def is_late(self) -> bool:
        """Return whether the time is up."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def _keep(self) -> None:
        """Keep the routing where it is the cheapest so far."""
        need = self.router.need()
        cost = float(self.core.cost @ (need - self.core.installed))
        if cost < self.cost:
            self.best = (cost, need, self.router.slot_path.copy(), self.router.slot_flow.copy())

    def _add_cuts(self, metric: FloatArray, right_side: FloatArray) -> None:
        for c, row in enumerate(self.router.rows.tolist()):
            self.master.add(row, metric[c], float(right_side[c]))

    def _check(self) -> None:
        """Solve the master and renew the bound."""
        _, bound = self.master.solve()
        self.master.forget(PATIENCE)
        self.bound = max(self.bound, bound)

    def run(self) -> None:
        """Iterate until the gap or the time is reached."""
        router, even = self.router, EVEN_FIRST
        mean = router.price.copy()
        for round_ in range(MOST_ROUNDS):
            metric = (1.0 - even) * router.price + even * router.even
            right_side = router.route(metric)
            if round_ % CUT_EVERY == 0:
                self._add_cuts(metric, right_side)
            if round_ % CHECK_EVERY == 0:
                if round_:
                    metric = (1.0 - even) * mean + even * router.even
                    self._add_cuts(metric, router.route(metric))
                router.refresh()
                self._check()
            if self.is_done or self.is_late:
                break
            even = max(EVEN_LAST, even * EVEN_FALL)
            router.balance(N_PASSES)
            router.settle(STEP)
            mean = MEMORY * mean + (1.0 - MEMORY) * router.price
            self._keep()

    def outcome(self) -> Outcome:
        """Return the best routing and the cuts that prove the bound."""
        assert self.best is not None  # noqa: S101 - kept at the start
        self._check()
        cost, capacity, slot_path, slot_flow = self.best
        flows = []
        for c in range(len(slot_path)):
            demand, slot = np.nonzero(slot_flow[c] > 0.0)
            flows.append((demand, slot_path[c, demand, slot].astype(np.int64), slot_flow[c, demand, slot]))
        bound, multiplier = self.master.proven()
        cuts = [(cut, float(y)) for cut, y in zip(self.master.cuts, multiplier, strict=True) if y > 0.0]
        return Outcome(capacity, cost, bound, cuts, flows, self.router)


def solve_core(core: Core, gap: float, deadline: float | None) -> Outcome:
    """Return capacities for a core within the relative ``gap`` of their bound, or what ``deadline`` allowed."""
    search = Search(core, gap, deadline)
    search.run()
    return search.outcome()
