"""The state of the method of multipliers: paths, flows, loads and prices of all scenarios of one core."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.survivable import balance_flows, price_paths, sum_loads, sweep_paths
from rahdari.kernels.survivable_prices import fill_prices

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rahdari.methods.survivable_blocks import Core

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

N_SLOTS = 6  # paths of one demand in one scenario; few are used at an optimum
SEED = 7  # of the random bits that tell paths apart
FIRST_PATHS_PER_DEMAND = 30  # the pool grows beyond
LINKS_PER_PATH = 12
TABLE_PER_PATH = 2  # places of the hash table over paths
STIFFNESS = 0.25  # change of price, in units of cost, for a load that misses the capacity by all of it
LEAST_LOAD_FRAC = 0.05  # of the mean: below it, capacities do not make the penalty stiffer
TIE_FRAC = 1e-5  # of a unit's cost at first: decides between ways that nothing else tells apart
SHORTER_FRAC = 1e-4  # a path is new where it is shorter by this, at first
LEAST_SHORTER_FRAC = 1e-12  # at last: beyond what the rounding of a sum of prices could make of one path
ROUNDING_FRAC = 1e-12  # of the installed capacity: a load above it by less is no need
SPLIT_FROM = 2_000_000  # scenarios times sources times nodes from which two threads share the work
SPARE_FRAC = 0.05  # of a unit's cost: what a scenario that joins late thinks capacity in place costs


class PathPool:
    """Paths known so far, each once; grows as needed."""

    def __init__(self, n_links: int, n_demands: int) -> None:
        """Make an empty pool."""
        size = FIRST_PATHS_PER_DEMAND * n_demands
        rng = np.random.Generator(np.random.Philox(SEED))
        self.word = rng.integers(0, 2**64, n_links + n_demands, dtype=np.uint64)
        self.start = np.zeros(size + 1, dtype=np.int64)
        self.link = np.zeros(size * LINKS_PER_PATH, dtype=np.int32)
        self.hash = np.zeros(size, dtype=np.uint64)
        self.count = np.zeros(2, dtype=np.int64)
        self._index()

    def _index(self) -> None:
        """Build the hash table anew."""
        size = 1 << int(TABLE_PER_PATH * self.hash.size).bit_length()
        self.table = np.full(size, -1, dtype=np.int32)
        waiting = np.arange(int(self.count[0]))
        at = (self.hash[waiting] & np.uint64(size - 1)).astype(np.int64)
        while waiting.size:
            # Of the paths that want a free place the first gets it; the others go on to the next place.
            places, first = np.unique(at, return_index=True)
            is_placed = np.zeros(waiting.size, dtype=np.bool_)
            is_placed[first[self.table[places] < 0]] = True
            self.table[at[is_placed]] = waiting[is_placed]
            waiting, at = waiting[~is_placed], (at[~is_placed] + 1) & (size - 1)

    def grow(self) -> bool:
        """Double the room where the last search found too little; return whether it did."""
        if not self.count[1]:
            return False
        self.count[1] = 0
        self.start = np.concatenate([self.start, np.zeros_like(self.start)])
        self.hash = np.concatenate([self.hash, np.zeros_like(self.hash)])
        self.link = np.concatenate([self.link, np.zeros_like(self.link)])
        self._index()
        return True

    def links(self, path: int) -> NDArray[np.int32]:
        """Return the links of a path, from its target back to its source."""
        return self.link[self.start[path] : self.start[path + 1]]


class Part:
    """Some scenarios of a router, with their own pool, so that parts can be worked on at once."""

    def __init__(self, core: Core, rows: IntArray) -> None:
        """Start without any path."""
        n, m, d = core.n_nodes, len(core.cost), len(core.target)
        self.core, self.rows = core, rows
        ends = np.concatenate([core.link_node, core.link_node[:, ::-1]])
        order = np.argsort(ends[:, 0], kind="stable")
        self._adjacency = (
            np.searchsorted(ends[order, 0], np.arange(n + 1)).astype(np.int64),
            np.ascontiguousarray(ends[order, 1]).astype(np.int64),
            (order % m).astype(np.int64),
        )
        self.pool = PathPool(m, d)
        self.load = np.zeros((0, m))
        self.slot_path = np.zeros((0, d, N_SLOTS), dtype=np.int32)
        self.slot_flow = np.zeros((0, d, N_SLOTS))
        self.rows = rows[:0]
        self.extend(rows)

    def extend(self, rows: IntArray) -> None:
        """Take in further scenarios, without paths yet."""
        core, size = self.core, len(rows)
        self.rows = np.concatenate([self.rows, rows])
        self.failed = np.ascontiguousarray(core.failed[self.rows])
        self.amount = np.ascontiguousarray(core.amount[self.rows])
        empty = np.full((size, *self.slot_path.shape[1:]), -1, dtype=np.int32)
        self.slot_path = np.concatenate([self.slot_path, empty])
        self.slot_flow = np.concatenate([self.slot_flow, np.zeros(empty.shape)])
        self.load = np.concatenate([self.load, np.zeros((size, self.load.shape[1]))])

    def route(self, price: FloatArray, shorter_frac: float, start: int = 0) -> FloatArray:
        """Return sum of demand times distance of the scenarios from ``start`` on under their prices, a row each.

        Paths shorter than known by ``shorter_frac`` get a slot.
        """
        bound, core, pool = np.empty(len(self.rows) - start), self.core, self.pool
        while True:
            price_paths(
                *self._adjacency, self.failed[start:], core.source, core.first, core.target, self.amount[start:],
                np.ascontiguousarray(price), self.slot_path[start:], self.slot_flow[start:], self.load[start:],
                pool.word, pool.start, pool.link, pool.hash, pool.table, pool.count, bound, shorter_frac,
            )  # fmt: skip
            if not pool.grow():
                return bound

    def sweep(
        self, price: FloatArray, tie: FloatArray, capacity: FloatArray, stiff: FloatArray, shorter_frac: float
    ) -> None:
        """Find shorter paths source by source, each after the flows of the one before have moved."""
        core, pool = self.core, self.pool
        sweep_paths(
            *self._adjacency, self.failed, core.source, core.first, core.target, self.amount,
            np.ascontiguousarray(price), tie, capacity, stiff, self.slot_path, self.slot_flow,
            self.load, pool.word, pool.start, pool.link, pool.hash, pool.table, pool.count, shorter_frac, 1,
        )  # fmt: skip
        pool.grow()

    def balance(self, price: FloatArray, tie: FloatArray, capacity: FloatArray, stiff: FloatArray) -> None:
        """Move flows from dear to cheap paths."""
        balance_flows(
            self.amount, np.ascontiguousarray(price), tie, capacity, stiff, self.slot_path,
            self.slot_flow, self.load, self.pool.start, self.pool.link, 1,
        )  # fmt: skip

    def refresh(self) -> None:
        """Sum the loads anew."""
        sum_loads(self.slot_path, self.slot_flow, self.load, self.pool.start, self.pool.link)


class Router:
    """Routes scenarios of a core; ``rows`` (S,) says which take part, in the order of all its arrays."""

    def __init__(self, core: Core, rows: IntArray) -> None:
        """Send everything over the cheapest ways and set prices at which that is paid."""
        self.core = core
        work = len(core.amount) * len(core.source) * core.n_nodes
        n_parts = 2 if work >= SPLIT_FROM and len(rows) > 1 else 1
        self.parts = [Part(core, part) for part in np.array_split(rows, n_parts)]
        self.shorter_frac = SHORTER_FRAC
        self._gather()
        self.route(np.where(self.failed, 0.0, core.cost))
        self._gather()
        self.capacity = self.need()
        level = np.maximum(self.capacity, LEAST_LOAD_FRAC * self.capacity.mean())
        self.stiff = STIFFNESS * core.cost / level
        self.price = np.zeros(self.failed.shape)
        self.tie = TIE_FRAC * core.cost
        self.settle(1.0)

    def _gather(self) -> None:
        """Renew what follows from the parts' rows."""
        self.rows = np.concatenate([part.rows for part in self.parts])
        self.failed = np.concatenate([part.failed for part in self.parts])
        self.even = np.where(self.failed, 0.0, self.core.cost / np.maximum((~self.failed).sum(axis=0), 1))

    def _each(self, work: Callable[[Part, slice], FloatArray | None]) -> list[FloatArray | None]:
        """Return what the work gives for each part and its rows; parts share nothing, so that order is no matter."""
        ends = np.cumsum([0, *(len(part.rows) for part in self.parts)]).tolist()
        rows = [slice(low, high) for low, high in itertools.pairwise(ends)]
        if len(self.parts) == 1:
            return [work(self.parts[0], rows[0])]
        with ThreadPoolExecutor(len(self.parts)) as pool:
            return list(pool.map(work, self.parts, rows))

    @property
    def load(self) -> FloatArray:
        """Return (S, m) loads."""
        return np.concatenate([part.load for part in self.parts])

    def extend(self, rows: IntArray) -> None:
        """Take in further scenarios, routed over capacity in place where that is not far round."""
        sizes = [len(part.rows) for part in self.parts]
        split = np.array_split(rows, len(self.parts))
        ends = np.cumsum(sizes)[:-1]
        price = np.split(self.price, ends)
        used = self.need() > self.core.installed
        joined = np.where(used, SPARE_FRAC, 1.0) * self.core.cost
        for part, new in zip(self.parts, split, strict=True):
            part.extend(new)
        for part, new, size in zip(self.parts, split, sizes, strict=True):
            part.route(np.tile(joined, (len(new), 1)), self.shorter_frac, size)
        self._gather()
        self.price = np.concatenate(
            [np.concatenate([old, np.zeros((len(new), old.shape[1]))]) for old, new in zip(price, split, strict=True)]
        )

    def route(self, price: FloatArray) -> FloatArray:
        """Return (S,) sum of demand times distance under (S, m) prices; shorter paths than known get a slot."""
        found = self._each(lambda part, rows: part.route(price[rows], self.shorter_frac))
        return np.concatenate([bound for bound in found if bound is not None])

    def sharpen(self, factor: float) -> None:
        """Take paths for new that are shorter by less than before."""
        self.shorter_frac = max(LEAST_SHORTER_FRAC, factor * self.shorter_frac)

    def sweep(self) -> None:
        """Find shorter paths and move flows to them, source by source."""
        self._each(
            lambda part, rows: part.sweep(self.price[rows], self.tie, self.capacity, self.stiff, self.shorter_frac)
        )

    def balance(self) -> None:
        """Move flows from dear to cheap paths."""
        self._each(lambda part, rows: part.balance(self.price[rows], self.tie, self.capacity, self.stiff))

    def settle(self, step: float) -> None:
        """Renew capacities and prices from the loads; ``step`` lengthens the change of prices."""
        fill_prices(
            self.price, step * self.stiff, self.load, self.failed, self.core.cost, self.core.installed, self.capacity
        )

    def need(self) -> FloatArray:
        """Return (m,) the capacity that all routings together use, at least the installed one."""
        top = np.max([part.load.max(axis=0, initial=0.0) for part in self.parts], axis=0)
        installed = self.core.installed
        return np.where(top <= installed * (1.0 + ROUNDING_FRAC), installed, top)

    def refresh(self) -> None:
        """Sum the loads anew."""
        for part in self.parts:
            part.refresh()
