"""Shortest ways and cheapest disjoint pairs of ways on a graph of rights of way, with their proofs.

Every answer comes from a shortest-path search, and every proof from node potentials alone: the linear
programme of a flow of ``k`` units through arcs of capacity one has the dual bound
``k (p[t] - p[s]) - sum over arcs of max(0, p[head] - p[tail] - cost)``, valid for any potentials ``p``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NO_WAY = -1  # way number of an arc that is no right of way (the inside of a split node)


@dataclass(frozen=True, slots=True)
class Arcs:
    """Directed arcs of capacity one: (m,) ``tail``, ``head``, ``cost_km`` and the ``way`` each belongs to.

    ``n_nodes`` bounds the node numbers.  Costs are zero or more.
    """

    n_nodes: int
    tail: IntArray
    head: IntArray
    cost_km: FloatArray
    way: IntArray


@dataclass(frozen=True, slots=True)
class WayPath:
    """One way through the graph: its arcs in order and its cost, km."""

    arc: IntArray
    cost_km: float


@dataclass(frozen=True, slots=True)
class DisjointPair:
    """Two ways that share no arc, the shorter first, with the potentials that prove their total.

    ``lower_bound_km`` is the dual bound of ``potential_km`` (n_nodes,); it equals the total at an optimum.
    """

    first: WayPath
    second: WayPath
    potential_km: FloatArray
    lower_bound_km: float

    @property
    def cost_km(self) -> float:
        """Return the total of both ways, km."""
        return self.first.cost_km + self.second.cost_km


def two_way_arcs(n_nodes: int, from_node: IntArray, to_node: IntArray, cost_km: FloatArray) -> Arcs:
    """Return both directions of (m,) undirected ways; arc ``i`` and ``i + m`` belong to way ``i``.

    >>> two_way_arcs(2, np.array([0]), np.array([1]), np.array([5.0])).head.tolist()
    [1, 0]
    """
    way = np.arange(from_node.size, dtype=np.int64)
    return Arcs(
        n_nodes,
        np.concatenate([from_node, to_node]).astype(np.int64),
        np.concatenate([to_node, from_node]).astype(np.int64),
        np.concatenate([cost_km, cost_km]).astype(np.float64),
        np.concatenate([way, way]),
    )


def split_node_arcs(arcs: Arcs) -> Arcs:
    """Return the graph in which each node is an arc of cost zero, so that disjoint ways share no node.

    Node ``v`` becomes entry ``2 v`` and exit ``2 v + 1``; ask from the exit of the source to the entry of the target.
    The first arcs are those of ``arcs``, in order.
    """
    node = np.arange(arcs.n_nodes, dtype=np.int64)
    return Arcs(
        2 * arcs.n_nodes,
        np.concatenate([2 * arcs.tail + 1, 2 * node]),
        np.concatenate([2 * arcs.head, 2 * node + 1]),
        np.concatenate([arcs.cost_km, np.zeros(arcs.n_nodes)]),
        np.concatenate([arcs.way, np.full(arcs.n_nodes, NO_WAY, dtype=np.int64)]),
    )


def _cheapest(
    n_nodes: int, tail: IntArray, head: IntArray, cost_km: FloatArray
) -> tuple[csr_array, IntArray, IntArray]:
    """Return the matrix of the cheapest arc of each node pair, the sorted pair numbers, and those arcs."""
    order = np.lexsort((np.arange(tail.size), cost_km, head, tail))
    pair = tail[order] * n_nodes + head[order]
    is_first = np.ones(pair.size, dtype=np.bool_)
    is_first[1:] = pair[1:] != pair[:-1]
    arc, pair = order[is_first], pair[is_first]
    matrix = csr_array((cost_km[arc], (tail[arc], head[arc])), shape=(n_nodes, n_nodes))
    return matrix, pair, arc


def _search(matrix: csr_array, source: int) -> tuple[FloatArray, NDArray[np.int32]]:
    """Return (n,) least costs from ``source``, and the node before each on its cheapest way."""
    cost, predecessor = dijkstra(matrix, indices=np.array([source]), return_predecessors=True)
    return cost[0], predecessor[0]


def distances_km(arcs: Arcs, source: IntArray) -> FloatArray:
    """Return (k, n_nodes) least costs from each of (k,) source nodes, km; infinity where there is no way."""
    matrix, _, _ = _cheapest(arcs.n_nodes, arcs.tail, arcs.head, arcs.cost_km)
    return np.asarray(dijkstra(matrix, indices=np.atleast_1d(source)), dtype=np.float64)


def _trace(
    predecessor: NDArray[np.int32], pair: IntArray, arc: IntArray, n_nodes: int, ends: tuple[int, int]
) -> IntArray:
    """Return the arcs from ``ends[0]`` to ``ends[1]`` along the predecessors."""
    source, node = ends
    nodes = [node]
    while node != source:
        node = int(predecessor[node])
        nodes.append(node)
    chain = np.array(nodes[::-1], dtype=np.int64)
    return arc[np.searchsorted(pair, chain[:-1] * n_nodes + chain[1:])]


def shortest_ways(arcs: Arcs, source: int, target: IntArray) -> tuple[list[WayPath | None], FloatArray]:
    """Return the shortest way from ``source`` to each of (k,) targets, and (n_nodes,) least costs, km.

    A target that cannot be reached gives ``None``.  The least costs are potentials that prove every answer.
    """
    matrix, pair, arc = _cheapest(arcs.n_nodes, arcs.tail, arcs.head, arcs.cost_km)
    cost, predecessor = _search(matrix, source)
    paths: list[WayPath | None] = []
    for node in target.tolist():
        if not np.isfinite(cost[node]):
            paths.append(None)
            continue
        steps = _trace(predecessor, pair, arc, arcs.n_nodes, (source, node))
        paths.append(WayPath(steps, float(arcs.cost_km[steps].sum())))
    return paths, cost


def flow_bound_km(arcs: Arcs, potential_km: FloatArray, source: int, target: int, n_ways: int) -> float:
    """Return a lower bound, km, on the total of ``n_ways`` arc-disjoint ways, from potentials alone.

    It holds for any potentials; infinite ones are read as the target's.
    """
    level = np.where(np.isfinite(potential_km), potential_km, potential_km[target])
    excess = np.maximum(0.0, level[arcs.head] - level[arcs.tail] - arcs.cost_km)
    return float(n_ways * (level[target] - level[source]) - excess.sum())


def _walk(arcs: Arcs, used: IntArray, source: int, target: int) -> list[WayPath]:
    """Return the two ways that make up a flow of two units on the ``used`` arcs."""
    out: dict[int, list[int]] = {}
    for arc in np.sort(used)[::-1].tolist():
        out.setdefault(int(arcs.tail[arc]), []).append(arc)
    paths = []
    for _ in range(2):
        node, steps = source, []
        while node != target:
            arc = out[node].pop()
            steps.append(arc)
            node = int(arcs.head[arc])
        chosen = np.array(steps, dtype=np.int64)
        paths.append(WayPath(chosen, float(arcs.cost_km[chosen].sum())))
    return sorted(paths, key=lambda path: (path.cost_km, path.arc.tolist()))


def disjoint_pair(arcs: Arcs, source: int, target: int) -> DisjointPair | None:
    """Return the cheapest pair of arc-disjoint ways (Suurballe and Tarjan 1984), or ``None`` where there is no pair.

    Source and target must differ.  Give :func:`split_node_arcs` for ways that share no node.
    """
    (path,), cost = shortest_ways(arcs, source, np.array([target]))
    if path is None or source == target:
        return None
    # Nodes beyond the target or out of reach take its level: reduced costs stay zero or more there.
    level = np.minimum(cost, cost[target])
    reduced = np.maximum(0.0, arcs.cost_km - level[arcs.head] + level[arcs.tail])
    keep = np.ones(arcs.tail.size, dtype=np.bool_)
    keep[path.arc] = False
    kept = np.flatnonzero(keep)
    tail = np.concatenate([arcs.tail[kept], arcs.head[path.arc]])
    head = np.concatenate([arcs.head[kept], arcs.tail[path.arc]])
    matrix, pair, arc = _cheapest(arcs.n_nodes, tail, head, np.concatenate([reduced[kept], np.zeros(path.arc.size)]))
    extra, predecessor = _search(matrix, source)
    if not np.isfinite(extra[target]):
        return None
    steps = _trace(predecessor, pair, arc, arcs.n_nodes, (source, target))
    undone = path.arc[steps[steps >= kept.size] - kept.size]
    used = np.concatenate([np.setdiff1d(path.arc, undone), kept[steps[steps < kept.size]]])
    first, second = _walk(arcs, used, source, target)
    potential = level + np.minimum(extra, extra[target])
    return DisjointPair(first, second, potential, flow_bound_km(arcs, potential, source, target, 2))
