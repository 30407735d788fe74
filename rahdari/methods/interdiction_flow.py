"""Demand carried under capacity while links fail, and the least that any few further failures leave: one linear model.

Columns are ways of demands, found as they are needed.  Whatever flow is shown, the loss of further elements is at most
what flows through them, since the rest stays: so demand not carried, plus the largest few flows through elements,
bounds the loss of every choice of so many (Aneja, Chandrasekaran and Nair 2001).  The model finds the flow with the
least bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import highspy
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

GAIN_LEAST = 1e-7  # of a unit of demand: ways that gain less are left out
HOP = 1e-9  # length of every link besides its price, so that ways do not wander
ROUNDS_MOST = 200  # of adding ways to one model
STEPS_MOST = 20_000_000  # of the solver: never reached


@dataclass(frozen=True, slots=True, eq=False)
class Capacitated:
    """A network of (m,) links ``link_node`` (m, 2) with capacity, demands (d, 2), and elements that can fail.

    Capacities and demands hold for both directions together.  ``element_link`` lists each element's links.
    """

    n_nodes: int
    link_node: IntArray
    capacity: FloatArray
    demand_node: IntArray
    demand: FloatArray
    element_link: tuple[IntArray, ...]

    @property
    def total(self) -> float:
        """Return the sum of demand."""
        return float(self.demand.sum())


class FlowModel:
    """The model of one network; ways found for one failure serve the next."""

    def __init__(self, network: Capacitated) -> None:
        """Start without ways."""
        self.network = network
        n_demands, self._n_links, n_elements = network.demand.size, network.capacity.size, len(network.element_link)
        self._demand_row, self._link_row, self._element_row = 0, n_demands, n_demands + self._n_links
        self._hits: list[list[int]] = [[] for _ in range(self._n_links)]
        for element, links in enumerate(network.element_link):
            for link in links.tolist():
                self._hits[link].append(element)
        self._known: set[tuple[int, tuple[int, ...]]] = set()
        self._model = highspy.Highs()  # type: ignore[no-untyped-call]  # the library's class has no annotations
        for option, value in (("output_flag", False), ("threads", 1), ("simplex_iteration_limit", STEPS_MOST)):
            self._model.setOptionValue(option, value)
        upper = np.concatenate([network.demand, network.capacity, np.full(n_elements, highspy.kHighsInf)])
        n_rows = upper.size
        none = np.zeros(0, np.int32)
        start = np.zeros(n_rows, np.int32)
        self._model.addRows(n_rows, np.full(n_rows, -highspy.kHighsInf), upper, 0, start, none, np.zeros(0))
        rows = np.arange(n_elements, dtype=np.int32) + self._element_row
        self._model.addCol(0.0, 0.0, highspy.kHighsInf, n_elements, rows, np.full(n_elements, -1.0))
        for row in rows.tolist():
            self._model.addCol(1.0, 0.0, highspy.kHighsInf, 1, np.array([row], np.int32), np.array([-1.0]))
        self._n_fixed = 1 + n_elements
        self._closed: set[int] = set()
        self._counted: set[int] = set()
        self._sources, self._source_of = np.unique(network.demand_node[:, 0], return_inverse=True)
        pairs = np.sort(network.link_node, axis=1)
        self._pair, self._pair_of = np.unique(pairs, axis=0, return_inverse=True)
        self._pair_of = self._pair_of.reshape(-1)
        self.n_solved = 0

    def set_state(self, failed: Collection[int], spared: Collection[int], n_more: int) -> None:
        """Close the links of failed elements; bound ``n_more`` further failures among elements not spared."""
        network = self.network
        closed = {link for element in failed for link in network.element_link[element].tolist()}
        for link in closed ^ self._closed:
            upper = 0.0 if link in closed else float(network.capacity[link])
            self._model.changeRowBounds(self._link_row + link, -highspy.kHighsInf, upper)
        self._closed = closed
        counted = set() if n_more == 0 else set(range(len(network.element_link))) - set(failed) - set(spared)
        for element in counted ^ self._counted:
            upper = 0.0 if element in counted else highspy.kHighsInf
            self._model.changeRowBounds(self._element_row + element, -highspy.kHighsInf, upper)
        self._counted = counted
        self._model.changeColCost(0, float(n_more))

    def bound(self, enough: float = -np.inf) -> float:
        """Return an upper bound on the loss of the state with its further failures, at most ``enough`` where shown.

        Without further failures and unless it is enough, the bound is the loss itself.
        """
        network = self.network
        loss = network.total
        for _ in range(ROUNDS_MOST):
            self._model.run()
            self.n_solved += 1
            loss = network.total + float(self._model.getInfo().objective_function_value)
            if loss <= enough or not self._add_ways():
                break
        return max(0.0, loss)

    def element_flow(self) -> FloatArray:
        """Return (e,) the flow through each element in the last solution."""
        solution = self._model.getSolution()
        flow = np.zeros(len(self.network.element_link))
        value = np.array(solution.col_value)[self._n_fixed :]
        for amount, hit in zip(value.tolist(), self._hit_by, strict=True):
            if amount > 0.0:
                flow[hit] += amount
        return flow

    @property
    def _hit_by(self) -> list[list[int]]:
        if not hasattr(self, "_way_hits"):
            self._way_hits: list[list[int]] = []
        return self._way_hits

    def carried_bound(self) -> float:
        """Return an upper bound on what the last state carries, from its prices alone: links, and demands at the rest.

        Holds for any prices of zero or more, so that it proves the loss without trust in the solver.
        """
        network = self.network
        price = self._prices()[0]
        distance, _ = self._distances(price)
        to = distance[self._source_of, network.demand_node[:, 1]] - HOP * network.n_nodes
        open_capacity = network.capacity.copy()
        open_capacity[list(self._closed)] = 0.0
        return float(price @ open_capacity + network.demand @ np.clip(1.0 - np.maximum(to, 0.0), 0.0, 1.0))

    def _prices(self) -> tuple[FloatArray, FloatArray]:
        """Return (m,) prices of links, elements' included, and (d,) prices of demands."""
        dual = -np.array(self._model.getSolution().row_dual)
        price = np.maximum(dual[self._link_row : self._element_row], 0.0)
        element = np.maximum(dual[self._element_row :], 0.0)
        for number in np.flatnonzero(element).tolist():
            price[self.network.element_link[number]] += element[number]
        return price, np.maximum(dual[: self._link_row], 0.0)

    def _distances(self, price: FloatArray) -> tuple[FloatArray, tuple[IntArray, IntArray]]:
        """Return (sources, n) distances with the nodes before each, and the link of each pair of nodes."""
        open_link = np.array([link for link in range(self._n_links) if link not in self._closed], np.int64)
        order = open_link[np.lexsort((open_link, price[open_link]))]
        pair, first = np.unique(self._pair_of[order], return_index=True)
        link = order[first]
        link_of = np.full(len(self._pair), -1, np.int64)
        link_of[pair] = link
        ends = self._pair[pair]
        n = self.network.n_nodes
        length = price[link] + HOP
        both = np.concatenate([ends, ends[:, ::-1]])
        graph = csr_array((np.concatenate([length, length]), (both[:, 0], both[:, 1])), shape=(n, n))
        distance, before = dijkstra(graph, indices=self._sources, return_predecessors=True)
        return distance, (before.astype(np.int64), link_of)

    def _add_ways(self) -> bool:
        """Add, for each demand, the way that gains most; return whether there was any."""
        network = self.network
        price, at_demand = self._prices()
        distance, (before, link_of) = self._distances(price)
        gain = 1.0 - at_demand - distance[self._source_of, network.demand_node[:, 1]]
        number = {tuple(pair): i for i, pair in enumerate(self._pair.tolist())}
        n_added = 0
        for demand in np.flatnonzero(gain > GAIN_LEAST + HOP * network.n_nodes).tolist():
            source, node = int(self._source_of[demand]), int(network.demand_node[demand, 1])
            start, links = int(network.demand_node[demand, 0]), []
            while node != start:
                last = int(before[source, node])
                links.append(int(link_of[number[min(last, node), max(last, node)]]))
                node = last
            n_added += self._add_way(demand, links)
        return n_added > 0

    def _add_way(self, demand: int, links: Sequence[int]) -> bool:
        key = (demand, tuple(sorted(links)))
        if key in self._known:
            return False
        self._known.add(key)
        hit = sorted({element for link in links for element in self._hits[link]})
        rows = [demand, *(self._link_row + link for link in key[1]), *(self._element_row + element for element in hit)]
        self._model.addCol(-1.0, 0.0, highspy.kHighsInf, len(rows), np.array(rows, np.int32), np.ones(len(rows)))
        self._hit_by.append(hit)
        return True
