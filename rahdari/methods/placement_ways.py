"""Ways over fibre from workloads to candidates: shortest ones, links that no way avoids, and ways that share no other.

A link whose loss parts the network (a bridge) is shared by every way across it, whichever nodes are chosen; two ways
are apart when they share bridges at most.  So two nodes can always be reached apart, and only the limit decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import rustworkx as rx
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

NO_NODE = -9999  # of scipy, for nodes without a predecessor
N_ENDS = 2
MIN_KM = 1e-9  # a link of no length would vanish from a sparse matrix


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """A network without its dead ends, chains of links as one edge: ``edge_node`` (e, 2), ``edge_km`` (e,).

    ``chain`` are the links of each edge; ``number`` (n_nodes,) gives the core's node of each node, -1 where none.
    """

    n_nodes: int
    edge_node: IntArray
    edge_km: FloatArray
    chain: tuple[IntArray, ...]
    number: IntArray


def _pruned(n_nodes: int, link_node: IntArray, is_kept: BoolArray) -> BoolArray:
    """Return links that do not lead to a dead end without a kept node."""
    alive = link_node[:, 0] != link_node[:, 1]
    while True:
        degree = np.bincount(link_node[alive].reshape(-1), minlength=n_nodes)
        ends = (degree == 1) & ~is_kept
        dead = alive & ends[link_node].any(axis=1)
        if not dead.any():
            return np.asarray(alive)
        alive = alive & ~dead


def core(n_nodes: int, link_node: IntArray, link_km: FloatArray, terminal: IntArray) -> Core:
    """Return the network in which nodes of two links that are no terminal are inside edges.

    Rings without a terminal and other branch are left out: no way to a terminal uses them.
    """
    is_kept = np.zeros(n_nodes, np.bool_)
    is_kept[terminal] = True
    alive = np.flatnonzero(_pruned(n_nodes, link_node, is_kept))
    degree = np.bincount(link_node[alive].reshape(-1), minlength=n_nodes)
    is_kept |= degree > N_ENDS
    at: list[list[tuple[int, int]]] = [[] for _ in range(n_nodes)]
    for link in alive.tolist():
        a, b = link_node[link].tolist()
        at[a].append((link, b))
        at[b].append((link, a))
    done = np.zeros(link_node.shape[0], np.bool_)
    ends: list[tuple[int, int]] = []
    chains: list[IntArray] = []
    for start in np.flatnonzero(is_kept).tolist():
        for first, beyond in at[start]:
            if done[first]:
                continue
            node, walked = beyond, [first]
            done[first] = True
            while not is_kept[node]:
                link, node = next((link, other) for link, other in at[node] if not done[link])
                done[link] = True
                walked.append(link)
            if node != start:
                ends.append((start, node))
                chains.append(np.array(walked, np.int64))
    kept = np.flatnonzero(is_kept)
    number = np.full(n_nodes, -1, np.int64)
    number[kept] = np.arange(kept.size)
    pairs = number[np.array(ends, np.int64).reshape(-1, N_ENDS)]
    km = np.array([max(float(link_km[chain].sum()), MIN_KM) for chain in chains])
    return Core(kept.size, pairs, km, tuple(chains), number)


def _links_of(graph: rx.PyGraph[int, None]) -> list[tuple[int, int]]:
    return [(int(pair[0]), int(pair[1])) for pair in rx.bridges(graph)]  # type: ignore[misc]  # the stub says set of int


def bridges(n_nodes: int, edge_node: IntArray) -> BoolArray:
    """Return whether the loss of each of (m,) edges parts the network; parallel edges never do.

    >>> bridges(4, np.array([[0, 1], [1, 2], [2, 0], [2, 3]])).tolist()
    [False, False, False, True]
    """
    pair = np.sort(edge_node, axis=1)
    key = pair[:, 0] * n_nodes + pair[:, 1]
    unique, first, count = np.unique(key, return_index=True, return_counts=True)
    graph = rx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(n_nodes))
    graph.add_edges_from_no_data([(int(a), int(b)) for a, b in pair[first]])
    found = {min(a, b) * n_nodes + max(a, b) for a, b in _links_of(graph)}
    is_single = dict(zip(unique.tolist(), (count == 1).tolist(), strict=True))
    return np.array([value in found and is_single[value] for value in key.tolist()], np.bool_)


@dataclass(slots=True, eq=False)
class Ways:
    """Shortest ways of a core between its nodes and candidates, and detours found on demand.

    ``km`` (j, n) is from each candidate to each core node; ways are kept as bit sets and lists of core edges.
    """

    core: Core
    source: IntArray
    km: FloatArray
    before: NDArray[np.int32]
    matrix: Matrix
    edge_of: dict[int, int]
    is_bridge: BoolArray
    bridge_bits: int
    _bits: dict[int, dict[int, int]] = field(default_factory=dict)
    _detour: dict[tuple[int, int], tuple[FloatArray, NDArray[np.int32]]] = field(default_factory=dict)

    def way(self, node: int, candidate: int) -> list[int]:
        """Return the core edges of the shortest way from a core node to a candidate, in order."""
        found, at = [], node
        before = self.before[candidate]
        target = int(self.source[candidate])
        while at != target:
            onward = int(before[at])
            found.append(self.edge_of[_pair(at, onward, self.core.n_nodes)])
            at = onward
        return found

    def bits(self, node: int, candidate: int) -> int:
        """Return the same way as a set of edges in one whole number."""
        held = self._bits.setdefault(candidate, {int(self.source[candidate]): 0})
        if node in held:
            return held[node]
        before, stack, at = self.before[candidate], [], node
        while at not in held:
            stack.append(at)
            at = int(before[at])
        value = held[at]
        for at in reversed(stack):
            onward = int(before[at])
            value |= 1 << self.edge_of[_pair(at, onward, self.core.n_nodes)]
            held[at] = value
        return held[node]

    def is_apart(self, node: int, one: int, other: int) -> bool:
        """Return whether the shortest ways to two candidates share bridges at most."""
        shared = self.bits(node, one) & self.bits(node, other)
        return not shared & ~self.bridge_bits

    def detours(self, node: int, main: int) -> FloatArray:
        """Return (j,) km from a core node to all candidates by ways apart from the shortest one to ``main``."""
        return np.asarray(self._around(node, main)[0][self.source])

    def detour(self, node: int, main: int, candidate: int) -> list[int]:
        """Return the core edges of such a way, in order from the core node."""
        before = self._around(node, main)[1]
        taken = {edge for edge in self.way(node, main) if not self.is_bridge[edge]}
        found, at = [], int(self.source[candidate])
        while at != node:
            onward = int(before[at])
            edge = self.edge_of[_pair(at, onward, self.core.n_nodes)]
            if edge in taken:
                edge = next(other for _, other in self.matrix.others[edge] if other not in taken)
            found.append(edge)
            at = onward
        return found[::-1]

    def _around(self, node: int, main: int) -> tuple[FloatArray, NDArray[np.int32]]:
        if (node, main) not in self._detour:
            taken = {edge for edge in self.way(node, main) if not self.is_bridge[edge]}
            km, before = dijkstra(
                self.matrix.without(taken), directed=False, indices=np.array([node]), return_predecessors=True
            )
            self._detour[(node, main)] = np.asarray(km[0]), before[0]
        return self._detour[(node, main)]


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """A core as a sparse matrix of cheapest edges: where each edge stands in it, and others between the same nodes."""

    matrix: csr_array
    position: dict[int, int]
    others: dict[int, list[tuple[float, int]]]

    def without(self, taken: set[int]) -> csr_array:
        """Return the matrix in which taken edges give way to the next parallel one, or to none."""
        data = self.matrix.data.copy()
        for edge in taken:
            if edge in self.position:
                left = [km for km, other in self.others[edge] if other not in taken]
                data[self.position[edge]] = left[0] if left else np.inf
        return csr_array((data, self.matrix.indices, self.matrix.indptr), shape=self.matrix.shape)


def _pair(a: int, b: int, n: int) -> int:
    return min(a, b) * n + max(a, b)


def matrix_of(net: Core) -> Matrix:
    """Return the matrix of a core; equal edges go to the lower number."""
    groups: dict[int, list[tuple[float, int]]] = {}
    for edge, (a, b) in enumerate(net.edge_node.tolist()):
        groups.setdefault(_pair(a, b, net.n_nodes), []).append((float(net.edge_km[edge]), edge))
    keys = sorted(groups)
    ranked = [sorted(groups[key]) for key in keys]
    row, column = np.divmod(np.array(keys, np.int64), max(net.n_nodes, 1))
    km = np.array([edges[0][0] for edges in ranked])
    # Keys rise by row, then column: so do the entries of the matrix.
    matrix = csr_array((km, (row, column)), shape=(net.n_nodes, net.n_nodes))
    position = {edges[0][1]: at for at, edges in enumerate(ranked)}
    return Matrix(matrix, position, {edges[0][1]: edges[1:] for edges in ranked})


def ways(net: Core, source: IntArray) -> Ways:
    """Return the shortest ways between the core's nodes and candidates at core nodes ``source`` (j,)."""
    unique, inverse = np.unique(source, return_inverse=True)
    matrix = matrix_of(net)
    km, before = dijkstra(matrix.matrix, directed=False, indices=unique, return_predecessors=True)
    parting = bridges(net.n_nodes, net.edge_node) if net.edge_km.size else np.zeros(0, np.bool_)
    bits = 0
    for edge in np.flatnonzero(parting).tolist():
        bits |= 1 << edge
    return Ways(
        net,
        source,
        np.asarray(km)[inverse],
        np.asarray(before)[inverse],
        matrix,
        {
            _pair(a, b, net.n_nodes): edge
            for edge, (a, b) in enumerate(net.edge_node.tolist())
            if edge in matrix.position
        },
        parting,
        bits,
    )
