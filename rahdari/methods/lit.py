"""The least that must be built for nodes to stay joined when any one link fails: a bound, and a way to thin links out.

Every set of nodes that parts two ends must be left by one link, by two where the candidate links allow two ways: a
linear programme over these cuts, found as they are broken, bounds the cost from below (Monma and Shallcross 1989;
Groetschel, Monma and Stoer 1992).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from rahdari.kernels.lit import thin
from rahdari.methods.graph import parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

SCALE = 1_000_000  # shares of links as whole numbers for the flow search
MOST_ROUNDS = 60  # of cuts; the bound holds after any number
SAFETY = 1e-7  # share by which the bound stays below what the solver's tolerance could reach
TWO = 2


def two_way_parts(n_nodes: int, link_node: IntArray) -> IntArray:
    """Return (n,) labels: nodes that no single link parts have the same.

    >>> two_way_parts(4, np.array([[0, 1], [1, 2], [2, 0], [2, 3]])).tolist()
    [0, 0, 0, 1]
    """
    link = np.arange(link_node.shape[0])
    whole = parts(n_nodes, link_node)
    n_whole = int(whole.max(initial=-1)) + 1
    is_bridge = np.array(
        [int(parts(n_nodes, link_node[link != i]).max(initial=-1)) + 1 > n_whole for i in link.tolist()], np.bool_
    )
    return parts(n_nodes, link_node[~is_bridge]).astype(np.int64)


def _matrix(n_nodes: int, link_node: IntArray, amount: IntArray) -> csr_array:
    """Return the matrix of amounts both ways; parallel links add up."""
    ends = np.concatenate([link_node, link_node[:, ::-1]])
    both = coo_array((np.tile(amount, 2).astype(np.int32), (ends[:, 0], ends[:, 1])), shape=(n_nodes, n_nodes))
    return both.tocsr()


def _broken_cuts(matrix: csr_array, link_node: IntArray, pair: tuple[int, int], need: int) -> list[BoolArray]:
    """Return the links that leave the nearest and the farthest least cut between a pair, where it is below ``need``."""
    n_nodes = matrix.shape[0]
    found = maximum_flow(matrix, pair[0], pair[1])
    if found.flow_value >= need * SCALE - n_nodes:
        return []
    left = (matrix - found.flow).tocsr()
    left.data[left.data < 0] = 0
    left.eliminate_zeros()
    cuts = []
    for way, end in ((left, pair[0]), (left.T.tocsr(), pair[1])):
        side = np.zeros(n_nodes, np.bool_)
        side[breadth_first_order(way, end, return_predecessors=False)] = True
        cuts.append(side[link_node[:, 0]] != side[link_node[:, 1]])
    return cuts


def joined_bound(n_nodes: int, link_node: IntArray, link_cost: FloatArray, pair: IntArray) -> tuple[float, FloatArray]:
    """Return a lower bound on the cost of links that keep (d, 2) pairs of nodes joined, and the (m,) shares behind it.

    A pair asks for two ways without a common link where ``link_node`` (m, 2) offers them, else for one; pairs without
    any way ask for nothing.  Each link is built once or not at all and costs ``link_cost`` (m,), zero or more.

    >>> ring = np.array([[0, 1], [1, 2], [2, 0]])
    >>> bound, share = joined_bound(3, ring, np.array([1.0, 1.0, 5.0]), np.array([[0, 2]]))
    >>> round(bound, 4), share.round(4).tolist()
    (7.0, [1.0, 1.0, 1.0])
    """
    m = link_cost.size
    whole, strong = parts(n_nodes, link_node), two_way_parts(n_nodes, link_node)
    asked = _forest(n_nodes, pair[whole[pair[:, 0]] == whole[pair[:, 1]]], strong)
    rows: list[BoolArray] = []
    need: list[int] = []
    share, bound = np.zeros(m), 0.0
    solve: Any = optimize.linprog  # its stubs know dense matrices only
    for _ in range(MOST_ROUNDS):
        seen = {row.tobytes() for row in rows}
        before = len(rows)
        matrix = _matrix(n_nodes, link_node, np.floor(share * SCALE + 0.5).astype(np.int64))
        for a, b in asked:
            ways = TWO if strong[a] == strong[b] else 1
            for cut in _broken_cuts(matrix, link_node, (a, b), ways):
                if cut.tobytes() not in seen:
                    seen.add(cut.tobytes())
                    rows.append(cut)
                    need.append(ways)
        if len(rows) == before:
            break
        left = csr_array(-np.array(rows, np.float64))
        found = solve(link_cost, left, -np.array(need, np.float64), bounds=(0.0, 1.0), method="highs")
        if found.status != 0:
            break
        share, bound = np.asarray(found.x), float(found.fun) * (1.0 - SAFETY)
    return bound, share


def _forest(n_nodes: int, pair: IntArray, strong: IntArray) -> list[tuple[int, int]]:
    """Return pairs that ask for as much as all: any cut that parts a pair parts one of a chain between its ends."""
    found: list[tuple[int, int]] = []
    is_strong = strong[pair[:, 0]] == strong[pair[:, 1]]
    for own in (pair[is_strong], pair[~is_strong]):
        label = np.arange(n_nodes)
        for a, b in np.unique(np.sort(own, axis=1), axis=0).tolist():
            if label[a] != label[b]:
                label[label == label[b]] = label[a]
                found.append((a, b))
    return found


def thinned(
    n_nodes: int, link_node: IntArray, pair: IntArray, failed: Sequence[IntArray], order: IntArray
) -> BoolArray:
    """Return (m,) which links to keep: each in ``order`` goes unless a failure would then part more of the pairs.

    ``failed`` are the links of each failure; that nothing fails counts too.  A pair (d, 2) that a failure parts with
    all links in place may stay parted.

    >>> ring = np.array([[0, 1], [1, 2], [2, 0], [0, 2]])
    >>> thinned(3, ring, np.array([[0, 2]]), [np.array([2])], np.array([0, 3])).tolist()
    [False, True, True, True]
    """
    lists = [np.zeros(0, np.int64), *failed]
    first = np.concatenate([[0], np.cumsum([lost.size for lost in lists])]).astype(np.int64)
    kept, m = np.ones(link_node.shape[0], np.bool_), link_node.shape[0]
    thin(
        np.ascontiguousarray(link_node, np.int64), np.ascontiguousarray(pair, np.int64).reshape(-1, 2), first,
        np.concatenate(lists).astype(np.int64), np.ascontiguousarray(order, np.int64), np.zeros(n_nodes, np.int64),
        np.zeros((len(lists), pair.shape[0]), np.bool_), np.zeros(m, np.bool_), kept,
    )  # fmt: skip
    return kept
