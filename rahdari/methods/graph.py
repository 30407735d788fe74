"""Undirected graphs as arrays: compressed rows and connected parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rows:
    """A graph in compressed rows: slots ``first[v]`` to ``first[v + 1]`` hold the arcs out of node ``v``.

    ``neighbour`` and ``arc`` (2m,) go with the slots; edge ``e`` is arc ``2e`` from its first node to
    its second and arc ``2e + 1`` back; ``tail`` (2m,) goes with the arcs.
    """

    first: NDArray[np.int64]
    neighbour: NDArray[np.int32]
    arc: NDArray[np.int32]
    tail: NDArray[np.int32]

    def as_tuple(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Return the four arrays as kernels take them."""
        return self.first, self.neighbour, self.arc, self.tail


def compressed_rows(n_nodes: int, edge_node: NDArray[np.int64]) -> Rows:
    """Return the rows of an undirected graph; ``edge_node`` (m, 2).  Slots of a node go by neighbour, then edge.

    >>> compressed_rows(3, np.array([[0, 1], [1, 2]])).neighbour.tolist()
    [1, 0, 2, 1]
    """
    m = edge_node.shape[0]
    tail, head = edge_node.reshape(-1), edge_node[:, ::-1].reshape(-1)
    order = np.lexsort((np.arange(2 * m), head, tail))
    first = np.zeros(n_nodes + 1, np.int64)
    np.cumsum(np.bincount(tail, minlength=n_nodes), out=first[1:])
    return Rows(first, head[order].astype(np.int32), order.astype(np.int32), tail.astype(np.int32))


def parts(n_nodes: int, edge_node: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the number of the connected part of each node.

    >>> parts(3, np.array([[0, 2]])).tolist()
    [0, 1, 0]
    """
    flags = np.ones(edge_node.shape[0], np.int8)
    graph = coo_array((flags, (edge_node[:, 0], edge_node[:, 1])), shape=(n_nodes, n_nodes))
    label: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return label
