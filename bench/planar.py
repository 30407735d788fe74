"""Random planar networks for the benches of diversity and reliability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

WIDE_KM, HIGH_KM = 1000.0, 1500.0
METRES_PER_KM = 1000.0


def planar_links(n_nodes: int, n_links: int, seed: int) -> tuple[FloatArray, IntArray, FloatArray]:
    """Return (n, 2) places, km, (m, 2) links and (m,) lengths to the metre: the shortest tree and random others.

    All links are of one triangulation, so none cross.  Random others leave most nodes in one core; the shortest would
    leave a forest of small rings, in which disjoint routes are easy.
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    place = random.random((n_nodes, 2)) * np.array([WIDE_KM, HIGH_KM])
    corner = Delaunay(place).simplices
    pair = np.unique(np.sort(corner[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2), axis=1), axis=0).astype(np.int64)
    km = np.round(np.linalg.norm(place[pair[:, 0]] - place[pair[:, 1]], axis=1) * METRES_PER_KM) / METRES_PER_KM
    graph = csr_array(coo_array((km, (pair[:, 0], pair[:, 1])), shape=(n_nodes, n_nodes)))
    tree = minimum_spanning_tree(graph).tocoo()
    key = pair[:, 0] * n_nodes + pair[:, 1]
    of_tree = np.minimum(tree.row, tree.col).astype(np.int64) * n_nodes + np.maximum(tree.row, tree.col)
    in_tree = np.isin(key, of_tree)
    others = np.flatnonzero(~in_tree)
    chosen = random.choice(others, n_links - int(in_tree.sum()), replace=False)
    kept = np.sort(np.concatenate([np.flatnonzero(in_tree), chosen]))
    return place, pair[kept], km[kept]


def named(pair: IntArray, n_nodes: int) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Return names of nodes and links, and the links' ends by name."""
    nodes = [f"n{i:05d}" for i in range(n_nodes)]
    return nodes, [f"l{i:05d}" for i in range(len(pair))], [(nodes[a], nodes[b]) for a, b in pair.tolist()]
