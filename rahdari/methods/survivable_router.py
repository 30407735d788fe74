"""The state of the method of multipliers: paths, flows, loads and prices of all scenarios of one core."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.survivable import balance_flows, fill_prices, price_paths, sum_loads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.survivable_blocks import Core

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

N_SLOTS = 6  # paths of one demand in one scenario; few are used at an optimum
SEED = 7  # of the random bits that tell paths apart
FIRST_PATHS_PER_DEMAND = 30  # the pool grows beyond
LINKS_PER_PATH = 12
TABLE_PER_PATH = 2  # places of the hash table over paths
STIFFNESS = 0.1  # change of price, in units of cost, for a load that misses the capacity by all of it
LEAST_LOAD_FRAC = 0.05  # of the mean: below it, capacities do not make the penalty stiffer
TIE_FRAC = 1e-5  # of a unit's cost: decides between ways that nothing else tells apart
SHORTER_FRAC = 1e-4  # a path is new where it is shorter by this


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
        for path in range(int(self.count[0])):
            at = int(self.hash[path]) & (size - 1)
            while self.table[at] >= 0:
                at = (at + 1) & (size - 1)
            self.table[at] = path

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


class Router:
    """Routes all scenarios of a core; ``rows`` picks those that take part."""

    def __init__(self, core: Core, rows: IntArray) -> None:
        """Send everything over the cheapest ways and set prices at which that is paid."""
        n, m, d = core.n_nodes, len(core.cost), len(core.target)
        self.core, self.rows = core, rows
        ends = np.concatenate([core.link_node, core.link_node[:, ::-1]])
        order = np.argsort(ends[:, 0], kind="stable")
        self._adjacency = (
            np.searchsorted(ends[order, 0], np.arange(n + 1)).astype(np.int64),
            np.ascontiguousarray(ends[order, 1]).astype(np.int64),
            (order % m).astype(np.int64),
        )
        self.failed = np.ascontiguousarray(core.failed[rows])
        self.amount = np.ascontiguousarray(core.amount[rows])
        self.pool = PathPool(m, d)
        self.slot_path = np.full((len(rows), d, N_SLOTS), -1, dtype=np.int32)
        self.slot_flow = np.zeros((len(rows), d, N_SLOTS))
        self.load = np.zeros((len(rows), m))
        self.even = np.where(self.failed, 0.0, core.cost / np.maximum((~self.failed).sum(axis=0), 1))
        self.route(np.where(self.failed, 0.0, core.cost))
        self.capacity = np.maximum(self.load.max(axis=0), core.installed)
        level = np.maximum(self.capacity, LEAST_LOAD_FRAC * self.capacity.mean())
        self.stiff = STIFFNESS * core.cost / level
        self.price = np.zeros_like(self.load)
        self.settle(1.0)

    def route(self, price: FloatArray) -> FloatArray:
        """Return (S,) sum of demand times distance under (S, m) prices; shorter paths than known get a slot."""
        bound = np.empty(len(self.rows))
        core, pool = self.core, self.pool
        while True:
            price_paths(
                *self._adjacency, self.failed, core.source, core.first, core.target, self.amount, price,
                self.slot_path, self.slot_flow, self.load, pool.word, pool.start, pool.link, pool.hash, pool.table,
                pool.count, bound, SHORTER_FRAC,
            )  # fmt: skip
            if not pool.grow():
                return bound

    def balance(self, n_passes: int) -> None:
        """Move flows from dear to cheap paths."""
        balance_flows(
            self.amount, self.price, TIE_FRAC * self.core.cost, self.capacity, self.stiff, self.slot_path,
            self.slot_flow, self.load, self.pool.start, self.pool.link, n_passes,
        )  # fmt: skip

    def settle(self, step: float) -> None:
        """Renew capacities and prices from the loads; ``step`` lengthens the change of prices."""
        fill_prices(
            self.price, step * self.stiff, self.load, self.failed, self.core.cost, self.core.installed, self.capacity
        )

    def need(self) -> FloatArray:
        """Return (m,) the capacity that all routings together use, at least the installed one."""
        return np.asarray(np.maximum(self.load.max(axis=0), self.core.installed))

    def refresh(self) -> None:
        """Sum the loads anew."""
        sum_loads(self.slot_path, self.slot_flow, self.load, self.pool.start, self.pool.link)
