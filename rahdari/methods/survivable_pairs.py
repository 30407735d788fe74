"""1+1 protection: every demand holds the cheapest pair of link-disjoint ways (Suurballe and Tarjan 1984)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.routing import disjoint_pair, flow_bound_km, two_way_arcs
from rahdari.methods.survivable_blocks import cut_into_blocks
from rahdari.methods.survivable_build import Assembly

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.instance import Instance
    from rahdari.methods.survivable_blocks import Block
    from rahdari.methods.survivable_scenarios import States

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

SAFETY = 1e-9  # share by which the bound stays below what rounding could reach
FREE_FRAC = 1e-9  # of the dearest link: what a free link costs in the search, so that it is not used both ways


def _pairs(instance: Instance, block: Block) -> tuple[list[tuple[IntArray, ...]], FloatArray]:
    """Return for each section of a block two link-disjoint ways and a bound on the cost of one unit on both."""
    cost = instance.link_unit_cost[block.link]
    nodes, flat = np.unique(instance.link_node[block.link], return_inverse=True)
    ends = flat.reshape(-1, 2)
    searched = np.maximum(cost, FREE_FRAC * float(cost.max()))
    arcs = two_way_arcs(len(nodes), ends[:, 0], ends[:, 1], searched)
    true_arcs = two_way_arcs(len(nodes), ends[:, 0], ends[:, 1], cost)
    ways: list[tuple[IntArray, ...]] = []
    bounds = []
    for a, b in np.searchsorted(nodes, block.section_node).tolist():
        pair = disjoint_pair(arcs, a, b)
        assert pair is not None, "a block of several links holds two ways between any two nodes"  # noqa: S101
        ways.append((block.link[arcs.way[pair.first.arc]], block.link[arcs.way[pair.second.arc]]))
        bounds.append(flow_bound_km(true_arcs, pair.potential_km, a, b, 2))
    return ways, np.array(bounds)


def assemble_pairs(instance: Instance, states: States) -> tuple[Assembly, tuple[IntArray, ...]]:
    """Return the capacities of two full ways a demand, and each demand's sections.

    Blocks share nodes only, so that a demand's cheapest pair is made of the cheapest pairs of its blocks.  On a
    bridge a demand holds its only way.
    """
    blocks, chains = cut_into_blocks(instance, states)
    assembly = Assembly.start(instance, states)
    load = np.zeros(len(instance.link_id))
    bound = 0.0
    for block in blocks:
        value = block.amount[states.profile[0]]
        if block.link.size == 1:
            single = block.link[:1]
            ways: list[tuple[IntArray, ...]] = [(single,)]
            bounds = instance.link_unit_cost[single]
        else:
            ways, bounds = _pairs(instance, block)
        bound += float(bounds @ value)
        for i, section in enumerate(block.section.tolist()):
            assembly.add_section(section, block.section_node[i], 0)
            for way in ways[i]:
                assembly.add_path(section, way, 0)
                load[way] += value[i]
    assembly.capacity = np.maximum(load, instance.link_installed)
    assembly.bound = max(0.0, bound * (1.0 - SAFETY) - float(instance.link_unit_cost @ instance.link_installed))
    return assembly, chains
