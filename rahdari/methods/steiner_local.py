"""Solve a region of the tree anew, the tree outside it kept: a large-neighbourhood step.

The tree outside falls into the part that holds the root and parts that hang on the region.  Each
part becomes one node (the root; a node that must be joined), so that the region is a small instance
of the same problem, on which the cut LP is nearly whole-numbered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.graph import compressed_rows, parts
from rahdari.methods.steiner_instance import Instance

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tree_edges(into: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the edges of a tree given by the arcs into its nodes."""
    return (into[into >= 0] >> 1).astype(np.int64)


def sub_instance(
    instance: Instance, into: NDArray[np.int32], is_kept: NDArray[np.bool_], nodes: NDArray[np.int64]
) -> tuple[Instance, int]:
    """Return the region as an instance of its own, and what the tree costs there now, in units.

    ``nodes`` (k,) without the root; ``node_id`` of the answer leads back to nodes of ``instance``.
    """
    n = instance.n_nodes
    ends = instance.rows.tail.reshape(-1, 2).astype(np.int64)
    is_inside = np.zeros(n, np.bool_)
    is_inside[nodes] = True
    edges = tree_edges(into)
    touches = is_inside[ends[edges]].any(axis=1)
    cost = int(instance.weight[edges[touches]].sum()) + int(instance.prize[nodes[~is_kept[nodes]]].sum())
    label = parts(n, ends[edges[~touches]])
    is_outside_tree = is_kept & ~is_inside
    # Parts that touch the region, the root's first; then the region's nodes.
    slots = np.concatenate([np.arange(instance.rows.first[v], instance.rows.first[v + 1]) for v in nodes])
    near = np.unique(instance.rows.arc[slots] >> 1)
    far = np.unique(ends[near].reshape(-1))
    far = far[is_outside_tree[far]]
    at_cut = np.unique(ends[edges[touches]].reshape(-1))
    hanging = np.unique(label[np.union1d(far, at_cut[is_outside_tree[at_cut]])])
    hanging = hanging[hanging != label[0]]
    number = np.full(n, -1, np.int64)
    number[nodes] = np.arange(nodes.size) + 1 + hanging.size
    part_number = np.full(n, -1, np.int64)
    part_number[hanging] = np.arange(hanging.size) + 1
    part_number[label[0]] = 0
    number[is_outside_tree] = part_number[label[is_outside_tree]]
    local = np.sort(number[ends[near]], axis=1)
    order = np.lexsort((near, instance.weight[near], local[:, 1], local[:, 0]))
    order = order[(local[order, 0] >= 0) & (local[order, 0] != local[order, 1])]
    is_first = np.ones(order.size, np.bool_)
    is_first[1:] = (local[order][1:] != local[order][:-1]).any(axis=1)
    order = order[is_first]
    weight = instance.weight[near[order]]
    size = nodes.size + 1 + hanging.size
    # Nodes that the root cannot reach here carry nothing that could be won.
    reach = parts(size, local[order])
    prize = np.zeros(size, np.int64)
    prize[1 : hanging.size + 1] = int(weight.sum()) + int(instance.prize[nodes].sum()) + 1
    prize[hanging.size + 1 :] = instance.prize[nodes]
    unreachable = reach != reach[0]
    cost -= int(prize[unreachable].sum())
    prize[unreachable] = 0
    node_id = np.concatenate([np.zeros(1 + hanging.size, np.int64), nodes])
    empty = np.empty(0, np.int64)
    return (
        Instance(
            rows=compressed_rows(size, local[order]),
            weight=weight,
            prize=prize,
            is_mandatory=np.arange(size) <= hanging.size,
            node_id=node_id,
            edge_id=near[order],
            lost=empty,
            lost_money=empty,
            units_per_money=instance.units_per_money,
        ),
        cost,
    )
