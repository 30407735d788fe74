"""Bring the cost of a core's capacity and its proven lower bound together.

The method of multipliers routes all scenarios at once and gives an upper bound (what the routings need) and prices;
prices give metric cuts; the master programme weighs all cuts to the best lower bound they prove.  Scenarios whose
failed links some routing leaves alone anyhow take no part until they do.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.survivable_master import Cut, Master, summed
from rahdari.methods.survivable_router import Router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.survivable_blocks import Core
    from rahdari.methods.survivable_router import Part, PathPool

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

MOST_ROUNDS = 6_000  # of routing and pricing; far beyond what any known case took
# Rounds after which only the plain method of multipliers is trusted, which is known to end where every step of prices
# follows flows that are the best for them: where ties are many, quicker steps swing to and fro for ever.
CAUTIOUS_FROM = 600
CAUTIOUS_SWEEPS = 8  # searches for paths then, each with a balance of flows, before prices step
MORE_SWEEPS_EVERY = 20  # rounds: one more, so that flows come ever nearer to the best
CAUTIOUS_STEP = 1.0  # of prices then
SHORTER_FALL = 0.5  # each check then, of what makes a path new: installed capacity makes the bound hang on small parts
N_STEPS = 4  # of balancing flows and settling prices after each search for shorter paths
STEP = 1.6  # of prices, below the golden ratio (Fortin and Glowinski 1983)
EVEN_FIRST = 1e-3  # share of evenly spread prices in the metrics of small cores at first ...
EVEN_FALL = 0.5  # ... and how it falls each check
TIE_FALL = 0.9  # of what decides between ways each check: prices are off by as much
CHECK_EVERY = 6  # rounds
MEMORY = 0.95  # of the mean of prices
PATIENCE = 6  # master solutions after which an idle cut is dropped
MASTER_UP_TO = 60_000  # scenarios times links beyond which the programme takes longer than the rounds it saves
ALL_UP_TO = 150  # scenarios that all take part from the start


@dataclass(frozen=True, slots=True)
class Flow:
    """One scenario's flows: demand numbers, paths of a pool, units."""

    demand: IntArray
    path: IntArray
    units: FloatArray
    pool: PathPool


@dataclass(frozen=True, slots=True)
class Outcome:
    """Capacity of a core's links, the bound on the cost of new capacity, its cuts with multipliers, and the flows.

    ``flows[i]`` are those of a scenario that took part; scenario ``c`` is carried by ``flows[cover[c]]``.
    """

    capacity: FloatArray
    cost: float
    bound: float
    cuts: list[tuple[Cut, float]]
    flows: list[Flow]
    cover: IntArray


class Search:
    """One core on its way to the gap asked for."""

    def __init__(self, core: Core, gap: float, deadline: float | None) -> None:
        """Route everything once."""
        self.core, self.gap, self.deadline = core, gap, deadline
        self.router = Router(core, self._first_rows())
        self.master = Master(core.cost, core.installed)
        self.is_small = core.failed.size <= MASTER_UP_TO
        self.even = EVEN_FIRST
        self.bound, self.proof = 0.0, list[tuple[Cut, float]]()
        self.cost, self.best = np.inf, list[Flow]()
        self.capacity, self.cover = self.router.need(), np.zeros(0, dtype=np.int64)
        self.mean = self.router.price.copy()
        while not np.isfinite(self.cost):
            self._keep()

    def _first_rows(self) -> IntArray:
        """Return the scenarios to start with: those whose failed links the cheapest ways use."""
        core = self.core
        every = np.arange(len(core.amount))
        if len(every) <= ALL_UP_TO:
            return every
        load = Router(core, every[:1]).need() - core.installed
        return np.flatnonzero((core.failed @ load > 0.0) | (every == 0))

    @property
    def is_done(self) -> bool:
        """Return whether the gap is reached."""
        return self.cost - self.bound <= self.gap * self.cost

    @property
    def is_late(self) -> bool:
        """Return whether the time is up."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def _covered(self) -> IntArray:
        """Return for each scenario the place in the router of one whose routing serves it too, -1 where none does."""
        core, load = self.core, self.router.load
        cover = np.full(len(core.amount), -1, dtype=np.int64)
        cover[self.router.rows] = np.arange(len(self.router.rows))
        used, traffic = load > 0.0, core.traffic[self.router.rows]
        for c in np.flatnonzero(cover < 0).tolist():
            rival = core.at_least[traffic, core.traffic[c]] & ~used[:, core.failed[c]].any(axis=1)
            if rival.any():
                cover[c] = int(np.argmax(rival))
        return cover

    def _keep(self) -> None:
        """Keep the routing where it is the cheapest so far and serves every scenario."""
        need = self.router.need()
        cost = float(self.core.cost @ (need - self.core.installed))
        if cost >= self.cost:
            return
        cover = self._covered()
        missed = np.flatnonzero(cover < 0)
        if missed.size:
            self.router.extend(missed)
            self.mean = self.router.price.copy()
            return
        self.cost, self.capacity, self.cover = cost, need, cover
        self.best = [flow for part in self.router.parts for flow in _flows(part)]

    def _metric(self, price: FloatArray) -> FloatArray:
        """Return prices with a small share spread evenly, so that links that cost nothing do not lead astray."""
        return (1.0 - self.even) * price + self.even * self.router.even if self.is_small else price

    def _prove(self, metric: FloatArray, right_side: FloatArray) -> None:
        """Renew the bound by the metrics of one round."""
        rows = self.router.rows.tolist()
        if self.is_small:
            for c, row in enumerate(rows):
                self.master.add(row, metric[c], float(right_side[c]))
        elif float(right_side.sum() - metric.sum(axis=0) @ self.core.installed) > self.bound:
            cuts = [Cut.scaled(row, metric[c], float(right_side[c])) for c, row in enumerate(rows)]
            self._take(*summed([cut for cut in cuts if cut is not None], self.core.cost, self.core.installed))

    def _take(self, bound: float, proof: list[tuple[Cut, float]]) -> None:
        if bound > self.bound:
            self.bound, self.proof = bound, proof

    def _check(self) -> None:
        """Renew the bound by the prices, their mean, and, where it is not too large, by the master programme."""
        self.router.refresh()
        self.even *= EVEN_FALL
        self.router.tie *= TIE_FALL
        for price in (self.router.price, self.mean) if self.is_small else (self.mean,):
            metric = self._metric(price)
            self._prove(metric, self.router.route(metric))
        if self.is_small:
            self.master.solve(None if self.deadline is None else self.deadline - time.monotonic())
            self._take(*self.master.proof())
            self.master.forget(PATIENCE)

    def _settle(self, step: float) -> None:
        self.router.settle(step)
        self.mean = MEMORY * self.mean + (1.0 - MEMORY) * self.router.price

    def _step_quickly(self) -> None:
        """Search paths once and let flows and prices follow each other."""
        self.router.sweep()
        self._settle(STEP)
        for _ in range(N_STEPS):
            self.router.balance()
            self._settle(STEP)

    def _step_carefully(self, n_sweeps: int) -> None:
        """Let prices step after flows that ``n_sweeps`` searches for paths have brought near to their best."""
        for _ in range(1 + N_STEPS):
            for _ in range(n_sweeps):
                if self.is_late:
                    return
                self.router.sweep()
            self._settle(CAUTIOUS_STEP)

    def run(self) -> None:
        """Iterate until the gap or the time is reached."""
        for round_ in range(MOST_ROUNDS):
            caution = round_ - CAUTIOUS_FROM
            is_checked = round_ % CHECK_EVERY == 0
            if is_checked:
                self._check()
                self.router.sharpen(SHORTER_FALL if caution >= 0 else 1.0)
            if self.is_done or self.is_late:
                break
            if caution < 0:
                self._step_quickly()
            else:
                self._step_carefully(CAUTIOUS_SWEEPS + caution // MORE_SWEEPS_EVERY)
            self._keep()
        if not self.is_done and not is_checked and not self.is_late:
            self._check()

    def outcome(self) -> Outcome:
        """Return the best routing and the cuts that prove the bound."""
        return Outcome(self.capacity, self.cost, self.bound, self.proof, self.best, self.cover)


def _flows(part: Part) -> list[Flow]:
    """Return the flows of a part's scenarios."""
    flows = []
    for c in range(len(part.rows)):
        demand, slot = np.nonzero(part.slot_flow[c] > 0.0)
        path = part.slot_path[c, demand, slot].astype(np.int64)
        flows.append(Flow(demand, path, part.slot_flow[c, demand, slot], part.pool))
    return flows


def solve_core(core: Core, gap: float, deadline: float | None) -> Outcome:
    """Return capacities for a core within the relative ``gap`` of their bound, or what ``deadline`` allowed."""
    search = Search(core, gap, deadline)
    search.run()
    return search.outcome()
