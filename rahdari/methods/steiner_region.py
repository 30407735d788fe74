"""Raise the bound of a region to what a cut LP over it allows, keeping all other cuts as they are.

Dual ascent gives every terminal its cuts one after another; the LP shares the costs of a region's
edges among all its terminals' cuts at once.  Its dual values, in whole units, replace the records.
Nodes outside the region count as the root, so that every cut stays inside.  Source of the cut LP:
Koch & Martin 1998, with prizes as slack columns.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

from rahdari.kernels.steiner_dual import N_MEMBERS, N_RECORDS, reset_rooted
from rahdari.kernels.steiner_region import entering_arcs, free_inside, record_cut, restore, separate, walk
from rahdari.methods.graph import Rows, compressed_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.steiner_search import Dual

_WHOLE = 1_000_000  # flow units for one
_SLACK = 1_000  # flow units by which a cut must be missed to be worth a row
_ROUNDS_MAX = 40  # of separation; it ends by itself before
_LEAST_RUN_S = 0.01
_LIKELY_FRAC = 0.3  # arcs used at least so much make the tree's candidates


@dataclass(frozen=True, slots=True)
class _Region:
    """The local graph: node 0 is everything outside, ``nodes[i]`` is node i + 1."""

    rows: Rows
    nodes: NDArray[np.int64]
    cost: NDArray[np.float64]
    terminal: NDArray[np.int64]
    prize: NDArray[np.float64]


class _Lp:
    """The cut LP: columns are the arcs into the region's nodes, then one a terminal for its prize."""

    def __init__(self, region: _Region) -> None:
        """Start with no rows."""
        self.region = region
        self.n_arcs = region.cost.size
        n_columns = self.n_arcs + region.terminal.size
        self.scale = max(1.0, float(np.mean(region.cost)))
        cost = np.concatenate([region.cost, region.prize]) / self.scale
        self.solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        self.solver.setOptionValue("output_flag", False)
        self.solver.setOptionValue("threads", 1)
        self.solver.setOptionValue("solver", "simplex")
        # Dantzig pricing: a quarter less time than steepest edge on these short rows.
        self.solver.setOptionValue("simplex_dual_edge_weight_strategy", 0)
        self.solver.addVars(n_columns, np.zeros(n_columns), np.full(n_columns, highspy.kHighsInf))
        self.solver.changeColsCost(n_columns, np.arange(n_columns, dtype=np.int32), cost)
        self.owner: list[NDArray[np.int64]] = []
        self.cut: list[NDArray[np.int64]] = []

    def add(self, owner: NDArray[np.int64], offset: NDArray[np.int64], member: NDArray[np.int64]) -> None:
        """Add the rows of cuts; ``owner`` are places in the region's terminals."""
        first, arcs = entering_arcs(self.region.rows.as_tuple(), offset[:-1], offset[1:], member)
        size = np.diff(first)
        # The prize column stands before the arcs of each row.
        column = np.insert(arcs, first[:-1], self.n_arcs + owner).astype(np.int32)
        begin = np.concatenate([[0], np.cumsum(size + 1)[:-1]]).astype(np.int32)
        ones, free = np.ones(owner.size), np.full(owner.size, highspy.kHighsInf)
        self.solver.addRows(owner.size, ones, free, column.size, begin, column, np.ones(column.size))
        self.owner.append(owner)
        self.cut += [member[a:b] for a, b in pairwise(offset)]

    def solve(self, deadline: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return columns and row duals, these in units of money."""
        # HiGHS counts its time over all runs of one model.
        left_s = max(_LEAST_RUN_S, deadline - time.monotonic())
        self.solver.setOptionValue("time_limit", self.solver.getRunTime() + left_s)
        self.solver.run()
        solution = self.solver.getSolution()
        return np.array(solution.col_value), np.array(solution.row_dual) * self.scale


def _local(dual: Dual, nodes: NDArray[np.int64], place: NDArray[np.int64], terminal: NDArray[np.int64]) -> _Region:
    """Cut the region out of the graph, with what is left of the edges' costs in each direction."""
    first, _, arc, tail = dual.graph
    slots = np.concatenate([np.arange(first[v], first[v + 1]) for v in nodes])
    edge = np.unique(arc[slots] >> 1)
    ends = np.stack([place[tail[2 * edge]] + 1, place[tail[2 * edge + 1]] + 1], axis=1)
    rc = dual.values[0]
    # Arc 2e leaves the first end; arcs that lead out of the region are in no cut.
    cost = np.stack([rc[2 * edge], rc[2 * edge + 1]], axis=1).reshape(-1).astype(np.float64)
    return _Region(
        rows=compressed_rows(nodes.size + 1, ends.astype(np.int64)),
        nodes=nodes,
        cost=cost,
        terminal=place[terminal] + 1,
        prize=dual.values[1][terminal].astype(np.float64),
    )


def _polished(lp: _Lp, deadline: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve and separate in turn until no cut is missed or the time is over."""
    region = lp.region
    graph = region.rows.as_tuple()
    value, row_dual = lp.solve(deadline)
    for _ in range(_ROUNDS_MAX):
        flow = np.minimum(np.rint(value[: lp.n_arcs] * _WHOLE), _WHOLE).astype(np.int64)
        need = _WHOLE - np.minimum(np.rint(value[lp.n_arcs :] * _WHOLE), _WHOLE).astype(np.int64)
        short = np.flatnonzero(need > _SLACK)
        found = separate(graph, flow, region.terminal[short], need[short], _SLACK, 4 * region.terminal.size)
        if found[0].size == 0 or time.monotonic() > deadline:
            break
        lp.add(short[found[0]], found[1], found[2])
        value, row_dual = lp.solve(deadline)
    return value, row_dual


def polish(dual: Dual, centre: int, n_terminals: int, deadline: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Raise the bound around ``centre`` by the cut LP; return the nodes looked at and those a good tree may use."""
    n = dual.instance.n_nodes
    listed, place = np.empty(n, np.int32), np.full(n, -1, np.int32)
    count = walk(listed, centre, dual.graph, dual.instance.prize > 0, n_terminals, place)
    if 2 * dual.state[N_RECORDS] > dual.ledger[0].size or 2 * dual.state[N_MEMBERS] > dual.ledger[6].size:
        dual.make_room()
    bound = dual.bound
    freed = free_inside(dual.graph, dual.values, dual.ledger, dual.scratch, listed[:count].copy(), place)
    nodes = listed[:count].astype(np.int64)
    if freed.size == 0:
        return nodes, nodes[:0]
    # Records come terminal by terminal, each one's newest first.
    owner_node = dual.ledger[0][freed].astype(np.int64)
    terminal, newest, owner = np.unique(owner_node, return_index=True, return_inverse=True)
    region = _local(dual, nodes, place.astype(np.int64), terminal)
    lp = _Lp(region)
    size = dual.ledger[2][freed] - dual.ledger[1][freed]
    offset = np.concatenate([[0], np.cumsum(size)])
    slot = np.arange(offset[-1]) - np.repeat(offset[:-1], size) + np.repeat(dual.ledger[1][freed], size)
    lp.add(owner, offset, place[dual.ledger[6][slot]].astype(np.int64) + 1)
    value, row_dual = _polished(lp, deadline)
    if not _is_recorded(dual, lp, row_dual, terminal) or dual.bound < bound:
        restore(dual.graph, dual.values, dual.ledger, dual.scratch, terminal, freed[newest])
    reset_rooted(dual.graph, dual.values, dual.scratch, dual.state)
    used = np.flatnonzero(value[: lp.n_arcs] > _LIKELY_FRAC)
    local = np.unique(region.rows.tail[used ^ 1])
    return nodes, nodes[local[local > 0] - 1]


def _is_recorded(dual: Dual, lp: _Lp, row_dual: NDArray[np.float64], terminal: NDArray[np.int64]) -> bool:
    """Write the LP's dual values, in whole units, as new records, largest first; return whether there was room."""
    owner = np.concatenate(lp.owner)
    # Rounding to nearest is safe: record_cut charges no more than the edges and the prize have left.
    amount = np.rint(np.nan_to_num(row_dual)).astype(np.int64)
    for k in np.argsort(-amount, kind="stable"):
        if amount[k] <= 0:
            break
        member = lp.region.nodes[lp.cut[k] - 1]
        node = terminal[owner[k]]
        if record_cut(dual.graph, dual.values, dual.ledger, dual.scratch, node, member, amount[k]) < 0:
            return False
    return True
