"""A depth-first tree from one root with what hangs below each node: the ground of all that separates from the root.

Every link outside such a tree joins a node with one of its ancestors (Tarjan 1972), so that what a failure cuts off is
read from how far up each part of the tree reaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import depth_first_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

NO_NODE = -1
NO_TARGET = np.iinfo(np.int64).max  # a part of the tree that reaches no ancestor by a link of its own


@dataclass(frozen=True, slots=True, eq=False)
class RootedTree:
    """A depth-first tree of the nodes that reach the root.

    ``order`` (k,): the nodes, each after its parent, a part of the tree without a gap.  ``parent``, ``depth`` and
    ``link`` (n,): the tree's; -1 for the root and for nodes that do not reach it.  ``low`` (n,): least depth that links
    outside the tree lead to from the part of the tree at a node, ``NO_TARGET`` without any.  ``below`` (n,): weight of
    that part.  ``back_from``, ``back_depth`` (b,): lower end of each link outside the tree, and the depth of its upper.
    """

    root: int
    order: IntArray
    parent: IntArray
    depth: IntArray
    link: IntArray
    low: IntArray
    below: FloatArray
    back_from: IntArray
    back_depth: IntArray

    def is_lone(self, node: IntArray) -> NDArray[np.bool_]:
        """Return whether the part of the tree at each node, not the root, hangs on its parent alone."""
        return np.asarray(self.low[node] >= self.depth[self.parent[node]])

    def lost_with_node(self, weight: FloatArray) -> FloatArray:
        """Return (n,) the weight cut off from the root when each node fails alone, its own included."""
        lost = np.where(self.depth >= 0, weight, 0.0)
        child = self.order[1:]
        lone = child[self.is_lone(child)]
        np.add.at(lost, self.parent[lone], self.below[lone])
        return lost

    def lost_with_link(self, n_links: int) -> FloatArray:
        """Return (m,) the weight cut off from the root when each link fails alone."""
        lost = np.zeros(n_links)
        child = self.order[1:]
        cut = child[self.low[child] > self.depth[self.parent[child]]]
        lost[self.link[cut]] = self.below[cut]
        return lost


def rooted_tree(n_nodes: int, link_node: IntArray, root: int, weight: FloatArray) -> RootedTree:
    """Return the tree; ``link_node`` (m, 2), parallel links allowed, links from a node to itself left out.

    ``weight`` (n,) is summed over parts of the tree.
    """
    flags = np.ones(link_node.shape[0], np.int8)
    graph = coo_array((flags, (link_node[:, 0], link_node[:, 1])), shape=(n_nodes, n_nodes)).tocsr()
    found, before = depth_first_order(graph, root, directed=False)
    order = found.astype(np.int64)
    parent = np.full(n_nodes, NO_NODE, np.int64)
    parent[order[1:]] = before[order[1:]]
    depth = _depths(n_nodes, order, parent)
    link, outside = _tree_links(link_node, parent, depth)
    ends = link_node[outside]
    is_first_lower = depth[ends[:, 0]] > depth[ends[:, 1]]
    lower = np.where(is_first_lower, ends[:, 0], ends[:, 1])
    target = np.minimum(depth[ends[:, 0]], depth[ends[:, 1]])
    own = np.full(n_nodes, NO_TARGET, np.int64)
    np.minimum.at(own, lower, target)
    low, below = own.tolist(), weight.astype(np.float64).tolist()
    up = parent.tolist()
    for node in order[:0:-1].tolist():
        above = up[node]
        below[above] += below[node]
        low[above] = min(low[above], low[node])
    return RootedTree(
        root, order, parent, depth, link, np.array(low, np.int64), np.array(below), lower.astype(np.int64), target
    )


def _depths(n_nodes: int, order: IntArray, parent: IntArray) -> IntArray:
    depth = [NO_NODE] * n_nodes
    up = parent.tolist()
    depth[int(order[0])] = 0
    for node in order[1:].tolist():
        depth[node] = depth[up[node]] + 1
    return np.array(depth, np.int64)


def _tree_links(link_node: IntArray, parent: IntArray, depth: IntArray) -> tuple[IntArray, IntArray]:
    """Return (n,) the tree's link into each node, and the links outside the tree."""
    u, v = link_node[:, 0], link_node[:, 1]
    known = (depth[u] >= 0) & (u != v)
    child = np.where(known & (parent[v] == u), v, np.where(known & (parent[u] == v), u, NO_NODE))
    candidates = np.flatnonzero(child >= 0)
    nodes, first = np.unique(child[candidates], return_index=True)
    link = np.full(parent.size, NO_NODE, np.int64)
    link[nodes] = candidates[first]
    is_outside = known.copy()
    is_outside[link[nodes]] = False
    return link, np.flatnonzero(is_outside)
