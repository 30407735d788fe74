"""Cut a network at bridges and cut nodes, merge links in series, and drop failures that others imply.

Every demand crosses the blocks between its ends one after another, so that blocks are designed apart.  A link alone
in its block (a bridge, every link of a tree) has no redundancy to buy.  Links in series carry the same flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import rustworkx as rx
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.instance import Instance
    from rahdari.methods.survivable_scenarios import States

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

TWO = 2  # links at a node that only passes traffic on


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the network that demands cross: its link numbers and sections.

    ``section`` (j,) are section numbers, ``section_node`` (j, 2) node numbers, ``amount`` (profiles, j) their traffic.
    """

    link: IntArray
    section: IntArray
    section_node: IntArray
    amount: FloatArray


@dataclass(frozen=True, slots=True)
class Core:
    """A block made small, as the search takes it.

    Links ``link_node`` (m, 2) stand for the instance's links ``member``.  Demands are sorted by source: ``source``
    (K,), ``first`` (K + 1,), ``target`` (D,); demand ``i`` is section ``section[i]`` of the block.  Scenario ``c`` has
    ``amount[c]``, ``failed[c]`` and stands for ``state[c]``; ``case`` gives each state the scenario that covers it.
    ``traffic[c]`` tells equal rows of ``amount``; ``at_least[i, j]`` says that traffic ``i`` is nowhere below ``j``.
    """

    n_nodes: int
    link_node: IntArray
    cost: FloatArray
    installed: FloatArray
    member: tuple[IntArray, ...]
    source: IntArray
    first: IntArray
    target: IntArray
    section: IntArray
    amount: FloatArray
    failed: BoolArray
    state: IntArray
    case: IntArray
    traffic: IntArray
    at_least: BoolArray


def _block_of_link(n_nodes: int, link_node: IntArray) -> IntArray:
    """Return (m,) the number of each link's block, -1 for a link from a node to itself."""
    graph = rx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(n_nodes))
    ends = np.sort(link_node, axis=1)
    proper = ends[:, 0] != ends[:, 1]
    graph.extend_from_edge_list([(int(a), int(b)) for a, b in ends[proper]])
    found = {(min(pair), max(pair)): block for pair, block in rx.biconnected_components(graph).items()}
    number: dict[int, int] = {}
    block = np.full(len(ends), -1, dtype=np.int64)
    # Numbered by the first link, so that the order does not hang on the library's.
    for i in np.flatnonzero(proper).tolist():
        raw = found[int(ends[i, 0]), int(ends[i, 1])]
        block[i] = number.setdefault(raw, len(number))
    return block


def _tree(n_nodes: int, link_node: IntArray, block: IntArray) -> tuple[IntArray, IntArray]:
    """Return the parent and depth of nodes and blocks (numbered after the nodes) in the tree of blocks."""
    n_blocks = int(block.max(initial=-1)) + 1
    kept = block >= 0
    pairs = np.unique(
        np.concatenate([np.stack([link_node[kept, j], n_nodes + block[kept]], axis=1) for j in (0, 1)]), axis=0
    )
    size = n_nodes + n_blocks
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size)).tocsr()
    parent, depth = np.full(size, -1, dtype=np.int64), np.full(size, -1, dtype=np.int64)
    for root in range(n_nodes):
        if depth[root] >= 0:
            continue
        order, before = breadth_first_order(graph, root, directed=False)
        depth[root] = 0
        for node in order[1:].tolist():
            parent[node] = before[node]
            depth[node] = depth[before[node]] + 1
    return parent, depth


def _crossings(a: int, b: int, parent: IntArray, depth: IntArray) -> list[tuple[int, int, int]]:
    """Return (block vertex, entry node, exit node) of every block between two nodes, from ``a`` on."""
    up, down = [a], [b]
    while up[-1] != down[-1]:
        side = up if depth[up[-1]] >= depth[down[-1]] else down
        side.append(int(parent[side[-1]]))
    chain = up + down[-2::-1]
    return [(chain[i], chain[i - 1], chain[i + 1]) for i in range(1, len(chain), 2)]


def cut_into_blocks(instance: Instance, states: States) -> tuple[list[Block], tuple[IntArray, ...]]:
    """Return the blocks that demands cross, and each demand's section numbers in order from its first end."""
    n = len(instance.node_id)
    block = _block_of_link(n, instance.link_node)
    parent, depth = _tree(n, instance.link_node, block)
    number: dict[tuple[int, int, int], int] = {}
    chains, rows, columns = [], [], []
    wanted = states.amount.max(axis=0) > 0.0
    for i, (a, b) in enumerate(instance.demand_node.tolist()):
        chain = []
        for vertex, enters, leaves in _crossings(a, b, parent, depth) if wanted[i] else ():
            key = (vertex - n, min(enters, leaves), max(enters, leaves))
            chain.append(number.setdefault(key, len(number)))
        chains.append(np.array(chain, dtype=np.int64))
        rows += [i] * len(chain)
        columns += chain
    spread = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(instance.demand_id), len(number))).tocsr()
    amount = states.amount @ spread
    keys = np.array(list(number), dtype=np.int64).reshape(-1, 3)
    order = np.argsort(block, kind="stable")
    blocks = []
    for value in np.unique(keys[:, 0]):
        section = np.flatnonzero(keys[:, 0] == value)
        low, high = np.searchsorted(block[order], [value, value + 1])
        blocks.append(Block(np.sort(order[low:high]), section, keys[section, 1:], amount[:, section]))
    return blocks, tuple(chains)


def _chains(n_nodes: int, ends: IntArray, is_kept: BoolArray) -> list[tuple[int, int, list[int]]]:
    """Return maximal chains of links between kept nodes: (first node, last node, links)."""
    at: list[list[int]] = [[] for _ in range(n_nodes)]
    for i, (a, b) in enumerate(ends.tolist()):
        at[a].append(i)
        at[b].append(i)
    done = np.zeros(len(ends), dtype=np.bool_)
    found = []
    for i, (a, b) in enumerate(ends.tolist()):
        for start, other in ((a, b), (b, a)):
            if done[i] or not is_kept[start]:
                continue
            links, node = [i], other
            while not is_kept[node]:
                nxt = at[node][1] if at[node][0] == links[-1] else at[node][0]
                node = int(ends[nxt].sum()) - node
                links.append(nxt)
            done[links] = True
            found.append((start, node, links))
    return found


def _merged(instance: Instance, block: Block) -> tuple[IntArray, IntArray, tuple[IntArray, ...]]:
    """Return the nodes that stay, the ends (m, 2) of the merged links, and the links each stands for."""
    nodes, flat = np.unique(instance.link_node[block.link], return_inverse=True)
    ends = flat.reshape(-1, 2)
    is_kept = np.bincount(ends.ravel(), minlength=len(nodes)) != TWO
    is_kept[np.searchsorted(nodes, block.section_node).ravel()] = True
    is_kept[ends[instance.link_installed[block.link] > 0.0].ravel()] = True
    chains = [(a, b, links) for a, b, links in _chains(len(nodes), ends, is_kept) if a != b]
    kept = np.flatnonzero(is_kept)
    link_node = np.searchsorted(kept, np.array([(a, b) for a, b, _ in chains], dtype=np.int64).reshape(-1, 2))
    return nodes[kept], link_node, tuple(block.link[links] for _, _, links in chains)


def _scenarios(
    member: tuple[IntArray, ...], amount: FloatArray, states: States
) -> tuple[list[tuple[tuple[int, ...], int, int]], IntArray, FloatArray]:
    """Return distinct scenarios (failed links, traffic row, state), each state's scenario, and the traffic rows."""
    rows, row_of = np.unique(amount, axis=0, return_inverse=True)
    merged = {int(link): i for i, links in enumerate(member) for link in links}
    number: dict[tuple[tuple[int, ...], int], int] = {}
    found: list[tuple[tuple[int, ...], int, int]] = []
    case = np.empty(len(states.link), dtype=np.int64)
    for s, links in enumerate(states.link):
        failed = tuple(sorted({merged[link] for link in links.tolist() if link in merged}))
        key = (failed, int(row_of.ravel()[states.profile[s]]))
        if key not in number:
            number[key] = len(found)
            found.append((*key, s))
        case[s] = number[key]
    return found, case, rows


def _implied(found: list[tuple[tuple[int, ...], int, int]], rows: FloatArray) -> IntArray:
    """Return for each scenario the one that implies it, itself where none does."""
    by_link: dict[int, list[int]] = {}
    for i, (failed, _, _) in enumerate(found):
        for link in failed:
            by_link.setdefault(link, []).append(i)
    implies = np.arange(len(found))
    size = [len(failed) for failed, _, _ in found]
    # From few failed links to many: what implies a scenario may itself be implied by a larger one.
    for i in sorted(range(len(found)), key=lambda i: (size[i], i)):
        failed, row, _ = found[i]
        rivals = range(len(found)) if not failed else min((by_link[link] for link in failed), key=len)
        for j in rivals:
            other, other_row, _ = found[j]
            larger = size[j] > size[i] or (size[j] == size[i] and other_row != row and failed == other)
            if larger and set(failed) <= set(other) and bool((rows[other_row] >= rows[row]).all()):
                implies[i] = j
                break
    for i in range(len(found)):
        while implies[implies[i]] != implies[i]:
            implies[i] = implies[implies[i]]
    return implies


def _by_source(n_nodes: int, ends: IntArray) -> tuple[IntArray, IntArray]:
    """Return (j, 2) ends turned so that few nodes are sources, and the order by source and target."""
    turned = ends.copy()
    is_open = np.ones(len(ends), dtype=np.bool_)
    while is_open.any():
        source = int(np.bincount(ends[is_open].ravel(), minlength=n_nodes).argmax())
        mine = is_open & (ends == source).any(axis=1)
        turned[mine, 1] = ends[mine].sum(axis=1) - source
        turned[mine, 0] = source
        is_open &= ~mine
    return turned, np.lexsort((turned[:, 1], turned[:, 0]))


def as_core(instance: Instance, block: Block, states: States) -> Core:
    """Return a block with links merged, demands by source, and only the scenarios that no other implies."""
    nodes, link_node, member = _merged(instance, block)
    found, case, rows = _scenarios(member, block.amount, states)
    implies = _implied(found, rows)
    kept = np.flatnonzero((implies == np.arange(len(found))) & np.array([rows[row].any() for _, row, _ in found]))
    turned, order = _by_source(len(nodes), np.searchsorted(nodes, block.section_node))
    source = np.unique(turned[:, 0])
    failed = np.zeros((len(kept), len(member)), dtype=np.bool_)
    for c, i in enumerate(kept.tolist()):
        failed[c, list(found[i][0])] = True
    scenario = np.full(len(found), 0, dtype=np.int64)
    scenario[kept] = np.arange(len(kept))
    return Core(
        n_nodes=len(nodes),
        link_node=link_node,
        cost=np.array([instance.link_unit_cost[links].sum() for links in member]),
        installed=np.array([instance.link_installed[links].min() for links in member]),
        member=member,
        source=source,
        first=np.searchsorted(turned[order, 0], np.append(source, len(nodes))),
        target=turned[order, 1],
        section=order,
        amount=np.ascontiguousarray(rows[[found[i][1] for i in kept]][:, order]),
        failed=failed,
        state=np.array([found[i][2] for i in kept], dtype=np.int64),
        case=scenario[implies[case]],
        traffic=np.array([found[i][1] for i in kept], dtype=np.int64),
        at_least=np.array([(rows >= row).all(axis=1) for row in rows]).T,
    )
