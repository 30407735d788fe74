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


def meshed_links(n_nodes: int, n_links: int, seed: int) -> IntArray:
    """Return (m, 2) links of a planar network without dead ends: as meshed as its counts allow.

    The triangles of a triangulation are nodes, joined across their sides, so that nearly all have three links; nodes
    in the middle of links fill it up.  Raises :class:`ValueError` where no triangulation gives the counts.
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    excess, every = n_links - n_nodes, random.random((4 * (n_links - n_nodes) + 8, 2))
    for n_points in range(4, len(every)):
        triangles = Delaunay(every[:n_points])
        pairs = {(i, int(j)) for i, near in enumerate(triangles.neighbors) for j in near if j > i}
        outer = np.flatnonzero((triangles.neighbors < 0).any(axis=1))
        middle = triangles.points[triangles.simplices[outer]].mean(axis=1) - every[:n_points].mean(axis=0)
        ring = outer[np.argsort(np.arctan2(middle[:, 1], middle[:, 0]), kind="stable")].tolist()
        pairs |= {(min(a, b), max(a, b)) for a, b in zip(ring[::2], ring[1::2], strict=False)}
        n = len(triangles.simplices)
        if len(pairs) - n == excess and n <= n_nodes:
            links = sorted(pairs)
            for new in range(n, n_nodes):
                at = int(random.integers(len(links)))
                a, b = links[at]
                links[at] = (a, new)
                links.append((new, b))
            return np.array(sorted(links), np.int64)
    what = f"no triangulation gives {n_nodes} nodes and {n_links} links"
    raise ValueError(what)


def named(pair: IntArray, n_nodes: int) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Return names of nodes and links, and the links' ends by name."""
    nodes = [f"n{i:05d}" for i in range(n_nodes)]
    return nodes, [f"l{i:05d}" for i in range(len(pair))], [(nodes[a], nodes[b]) for a, b in pair.tolist()]
