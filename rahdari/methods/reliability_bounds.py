"""What no routing can exceed: an upper bound on availability that holds for networks of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.disjoint import separating
from rahdari.methods.diversity_shared import single_points
from rahdari.methods.network import as_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.network import AnyNetwork, Network


def availability_ceiling_frac(network: AnyNetwork, a: str, b: str) -> float:
    """Return a share of time that two different nodes, however routed, are not joined for longer than.

    Every way passes each link, node and risk group that separates the nodes when it fails alone, so all of these must
    work at once; they fail independently.  The bound is exact where nothing else fails, 0 where nothing joins the
    nodes, and at least :func:`rahdari.methods.reliability.two_terminal_availability`.  Raises :class:`InputError` for
    an unknown node.

    >>> from rahdari.methods.network import make_network
    >>> ends = [("a", "b"), ("b", "c"), ("b", "c")]
    >>> net = make_network("abc", ["x", "y", "z"], ends, 1.0, link_availability_frac=[0.9, 0.5, 0.5])
    >>> availability_ceiling_frac(net, "a", "c")
    0.9
    """
    network = as_network(network)
    ends = network.node(a), network.node(b)
    points = single_points(network, ends, "node")
    if not points.way:
        return 0.0
    nodes = np.union1d(points.node, np.array(ends, np.int64))
    groups = _separating_groups(network, ends, np.array(points.way, np.int64))
    return (
        float(network.link_availability_frac[points.link].prod())
        * float(network.node_availability_frac[nodes].prod())
        * float((1.0 - network.risks.unavailability_frac[groups]).prod())
    )


def _separating_groups(network: Network, ends: tuple[int, int], way: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the groups that separate the ends, those that hold an end included; each strikes the given way."""
    risks, rows = network.risks, network.rows
    is_on = np.zeros(network.n_links, np.bool_)
    is_on[way] = True
    near = [group for group in range(len(risks.group_id)) if is_on[risks.links_of(group)].any()]
    first = np.concatenate([[0], np.cumsum([risks.links_of(group).size for group in near])]).astype(np.int64)
    flat = np.concatenate([*(risks.links_of(group) for group in near), np.zeros(0, np.int64)]).astype(np.int64)
    splits = np.zeros(len(near), np.bool_)
    separating(rows.first, rows.neighbour, rows.arc, first, flat, *ends, splits)
    return np.array(near, np.int64)[splits]
