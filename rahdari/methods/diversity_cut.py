"""Disjoint ways by branch and cut: risk groups, delay bounds, and the least that must be shared.

Ways of which no two share a node are a flow.  They share no risk group if and only if for every group what is left
without its links still carries all ways but one: so for every group ``r`` and every set ``S`` of nodes around the
source, ``flow out of S outside r >= k - 1``.  These cuts are added when they are missed (least cuts of the fractional
flow).  A delay bound needs one flow a way; what is shared (``z``) relaxes capacities and cuts at its weight.  The
linear programme gives the lower bound, its infeasibility the proof that there is no answer.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import highspy
import numpy as np

from rahdari.kernels.cuts import arc_distances, least_cut
from rahdari.methods.diversity_flow import trace
from rahdari.methods.diversity_round import Rounding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.diversity_core import Core

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_WHOLE = 1e-6  # an LP value this near to a whole number is whole; HiGHS holds rows to 1e-7
_MISSED = 1e-5  # a cut must be missed by so much to be added
_ROUNDS_MAX = 60  # of separation at one node of the search; what is missed then is found by branching
_NESTED_MAX = 8  # cuts of one group in one round
_LEVELS_MAX = 24  # cuts between levels of distance, of one group in one round
_TIE = 1e-4  # of its cost is an arc long that is free to the programme
_HALF = 0.5  # an arc that carries so much is there
_LEAST_RUN_S = 0.01
_PROVEN = 1e-9  # relative gap at which a bound meets a cost
_FAVOUR = 0.999  # the rounding search discounts links by this share of their LP value


@dataclass(frozen=True, slots=True)
class Found:
    """The answer: arcs of each way (links of the core, arc // 2), the value, its bound, and how it ended.

    ``ways`` is empty where none exists (``is_finished``) or none was found in time.  ``n_nodes`` counts the branches.
    ``shared`` are the columns paid for: links, then nodes, then groups.
    """

    ways: tuple[IntArray, ...]
    value: float
    bound: float
    is_finished: bool
    n_nodes: int
    n_cuts: int
    shared: IntArray


@dataclass(frozen=True, slots=True)
class Task:
    """What to find in a core: ``n_ways``, whether nodes may be shared, and the delay bound of each way.

    ``share`` is ``None`` where nothing may be shared, else (m + n + g,) weights of sharing links, nodes and groups;
    infinite ones must not be shared.  With weights of zero only, the ways' cost is what counts.  ``is_enough``: any
    answer will do.  ``is_labelled``: follow each of two ways by itself and count the groups that both use; without it
    sharing is bounded below by what must survive, which is mostly, not always, the same.
    """

    n_ways: int
    by_node: bool
    max_delay: float = math.inf
    share: FloatArray | None = None
    is_enough: bool = False
    is_labelled: bool = False

    @property
    def is_priced(self) -> bool:
        """Return whether sharing has a price, so that it counts first."""
        return self.share is not None and bool((self.share[np.isfinite(self.share)] > 0).any())


class _Lp:
    """The linear programme: columns are arcs by flow, then what is shared."""

    def __init__(self, core: Core, task: Task) -> None:
        """Write flow, capacity and delay rows."""
        self.core, self.task = core, task
        m = core.link_node.shape[0]
        self.tail = core.link_node.reshape(-1)
        self.head = core.link_node[:, ::-1].reshape(-1)
        self.n_flows = task.n_ways if math.isfinite(task.max_delay) or task.is_labelled else 1
        self.n_arcs = 2 * m
        n_share = 0 if task.share is None else task.share.size
        self.share_at = self.n_flows * self.n_arcs
        n_uses = self.n_flows * len(core.group_link) if task.is_labelled else 0
        self.uses_at = self.share_at + n_share
        self.n_columns = self.uses_at + n_uses
        each = 1.0 if self.n_flows > 1 else float(task.n_ways)
        arc_most = np.full(self.n_arcs, 2.0 if n_share else 1.0)
        arc_most[(self.head == core.a) | (self.tail == core.b)] = 0.0
        self.scale, arc_cost = self._costs(task)
        self.low = np.zeros(self.n_columns)
        self.high = np.concatenate([np.tile(arc_most, self.n_flows), np.ones(n_share + n_uses)])
        if task.share is not None:
            self.high[self.share_at : self.uses_at][~np.isfinite(task.share)] = 0.0
        self.cost = np.concatenate(
            [
                np.tile(arc_cost, self.n_flows),
                np.zeros(0) if task.share is None else self._share_cost(task.share),
                np.zeros(n_uses),
            ]
        )
        self.solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (("output_flag", False), ("threads", 1), ("solver", "simplex"), ("presolve", "off")):
            self.solver.setOptionValue(option, value)
        self.solver.addVars(self.n_columns, self.low, self.high)
        self.solver.changeColsCost(self.n_columns, np.arange(self.n_columns, dtype=np.int32), self.cost)
        self._waiting: list[tuple[float, float, IntArray, FloatArray]] = []
        self._flow_rows(each)
        self._capacity_rows(n_share)
        if n_uses:
            self._use_rows()
        if math.isfinite(task.max_delay):
            for flow in range(self.n_flows):
                column = np.arange(self.n_arcs) + flow * self.n_arcs
                self.add_row(-math.inf, task.max_delay, column, np.repeat(core.delay, 2))

    def _costs(self, task: Task) -> tuple[float, FloatArray]:
        """Return the scale of the objective and the (2m,) costs of arcs."""
        cost = np.repeat(self.core.cost, 2)
        if task.share is None or not task.is_priced:
            scale = max(float(np.mean(cost)), 1e-300)
            return scale, cost / scale
        # Sharing counts first: all links together weigh less than a ten-thousandth of the least thing shared.
        scale = float(task.share[np.isfinite(task.share) & (task.share > 0)].min())
        return scale, cost * (1e-4 / max(float(cost.sum()), 1e-300))

    def _share_cost(self, share: FloatArray) -> FloatArray:
        return np.where(np.isfinite(share), share, 0.0) / self.scale

    def add_row(self, low: float, high: float, column: IntArray, value: FloatArray) -> None:
        """Add one row before the next solution."""
        self._waiting.append((low, high, column, value))

    def _write_rows(self) -> None:
        """Hand all rows that wait to the solver at once."""
        if not self._waiting:
            return
        low, high, column, value = zip(*self._waiting, strict=True)
        begin = np.concatenate([[0], np.cumsum([each.size for each in column])[:-1]]).astype(np.int32)
        flat = np.concatenate(column).astype(np.int32)
        self.solver.addRows(len(low), np.array(low), np.array(high), flat.size, begin, flat, np.concatenate(value))
        self._waiting = []

    def _flow_rows(self, each: float) -> None:
        core = self.core
        order_out, order_in = np.argsort(self.tail, kind="stable"), np.argsort(self.head, kind="stable")
        out_first = np.searchsorted(self.tail[order_out], np.arange(core.n_nodes + 1))
        in_first = np.searchsorted(self.head[order_in], np.arange(core.n_nodes + 1))
        self.arcs_in = [order_in[in_first[v] : in_first[v + 1]] for v in range(core.n_nodes)]
        arcs_out = [order_out[out_first[v] : out_first[v + 1]] for v in range(core.n_nodes)]
        for flow in range(self.n_flows):
            for v in range(core.n_nodes):
                if v == core.b:
                    continue
                column = np.concatenate([arcs_out[v], self.arcs_in[v]]) + flow * self.n_arcs
                value = np.concatenate([np.ones(arcs_out[v].size), -np.ones(self.arcs_in[v].size)])
                supply = each if v == core.a else 0.0
                self.add_row(supply, supply, column, value)

    def _capacity_rows(self, n_share: int) -> None:
        core, m = self.core, self.core.link_node.shape[0]
        if self.task.by_node or n_share:
            for v in range(core.n_nodes):
                if v in (core.a, core.b):
                    continue
                column = np.concatenate([self.arcs_in[v] + flow * self.n_arcs for flow in range(self.n_flows)])
                self._capped(column, m + v if n_share else None)
        is_direct: NDArray[np.bool_] = np.asarray(np.isin(core.link_node, [core.a, core.b]).all(axis=1))
        for link in range(m):
            if n_share or not self.task.by_node or (is_direct[link] and self.n_flows > 1):
                column = np.array(
                    [2 * link + side + flow * self.n_arcs for flow in range(self.n_flows) for side in (0, 1)]
                )
                self._capped(column, link if n_share else None)

    def _use_rows(self) -> None:
        """Let each way use the groups of its links, and pay for groups that both use."""
        core, n_groups = self.core, len(self.core.group_link)
        pay_at = self.share_at + core.link_node.shape[0] + core.n_nodes
        for group, links in enumerate(core.group_link):
            uses = np.array([self.uses_at + flow * n_groups + group for flow in range(self.n_flows)])
            self.add_row(-math.inf, 1.0, np.append(uses, pay_at + group), np.append(np.ones(uses.size), -1.0))
            for flow, use in enumerate(uses.tolist()):
                for link in links.tolist():
                    arcs = np.array([2 * link, 2 * link + 1]) + flow * self.n_arcs
                    self.add_row(-math.inf, 0.0, np.append(arcs, use), np.array([1.0, 1.0, -1.0]))

    def _capped(self, column: IntArray, share: int | None) -> None:
        value = np.ones(column.size)
        if share is not None:
            column, value = np.append(column, self.share_at + share), np.append(value, -1.0)
        self.add_row(-math.inf, 1.0, column, value)

    def arcs_out_of(self, side: NDArray[np.bool_], group: int) -> IntArray:
        """Return the arcs that leave the nodes of ``side`` by no link of a group."""
        is_kept: NDArray[np.bool_] = np.ones(self.n_arcs, np.bool_)
        links = self.core.group_link[group]
        is_kept[2 * links] = is_kept[2 * links + 1] = False
        return np.flatnonzero(side[self.tail] & ~side[self.head] & is_kept)

    def add_cut(self, arcs: IntArray, group: int) -> None:
        """Require that the arcs of a cut without a group's links carry all ways but one, or that it is shared."""
        column = np.concatenate([arcs + flow * self.n_arcs for flow in range(self.n_flows)])
        if self.task.share is not None:
            column = np.append(column, self.share_at + self.core.link_node.shape[0] + self.core.n_nodes + group)
        self.add_row(float(self.task.n_ways - 1), math.inf, column, np.ones(column.size))

    def solve(self, low: FloatArray, high: FloatArray, deadline: float) -> tuple[str, float]:
        """Solve within column bounds; return ``optimal``, ``infeasible`` or ``stopped``, and the value unscaled."""
        self._write_rows()
        index = np.arange(self.n_columns, dtype=np.int32)
        self.solver.changeColsBounds(self.n_columns, index, low, high)
        left_s = max(_LEAST_RUN_S, deadline - time.monotonic())
        self.solver.setOptionValue("time_limit", self.solver.getRunTime() + left_s)
        self.solver.run()
        status = self.solver.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            solution = self.solver.getSolution()
            self.value, self.reduced = np.array(solution.col_value), np.array(solution.col_dual)
            return "optimal", self.solver.getInfo().objective_function_value * self.scale
        is_none = status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)
        return ("infeasible" if is_none else "stopped"), math.inf


class Search:
    """Best-first branch and cut over one LP whose cuts are kept."""

    def __init__(self, core: Core, task: Task, deadline: float, ceiling: float = math.inf) -> None:
        """Hold the task; only answers below ``ceiling`` are looked for."""
        self.core, self.task, self.deadline = core, task, deadline
        self.lp = _Lp(core, task)
        self.m = core.link_node.shape[0]
        self.ways: tuple[IntArray, ...] = ()
        self.best = ceiling
        self._rounding = Rounding(core, task.n_ways, task.max_delay, by_node=task.by_node)
        self.shared = np.zeros(0, np.int64)
        self.n_cuts = self.n_seen = 0
        self._tail32 = self.lp.tail.astype(np.int32)

    def offer(self, ways: tuple[IntArray, ...], value: float, shared: IntArray | None = None) -> None:
        """Keep an answer if it is the best so far."""
        if value < self.best:
            self.best, self.ways = value, ways
            self.shared = np.zeros(0, np.int64) if shared is None else shared

    def _enough(self) -> float:
        """Return the bound from which on nothing better than the best answer can follow."""
        return self.best - _PROVEN * abs(self.best) if math.isfinite(self.best) else math.inf

    def _arc_flow(self) -> FloatArray:
        """Return (2m,) the flow on each arc, all ways together."""
        total: FloatArray = self.lp.value[: self.lp.share_at].reshape(self.lp.n_flows, -1).sum(axis=0)
        return total

    def _separate(self, flow: FloatArray) -> int:
        """Add the cuts that the present flow misses; return how many."""
        need, added = float(self.task.n_ways - 1), 0
        on_link = flow[0::2] + flow[1::2]
        reduced = self.lp.reduced[: self.lp.share_at].reshape(self.lp.n_flows, -1).min(axis=0)
        # Arcs are as far as they are dear to the programme; its free ones a little, by what they cost.
        weight = np.maximum(reduced, 0.0) + _TIE * self.lp.cost[: self.lp.n_arcs]
        for group, links in enumerate(self.core.group_link):
            paid = 0.0
            if self.task.share is not None:
                paid = self.lp.value[self.lp.share_at + self.m + self.core.n_nodes + group]
            enough = need - paid - _MISSED
            if on_link[links].sum() > self.task.n_ways - enough:
                added += self._level_cuts(group, flow, weight, enough) or self._least_cuts(group, flow, enough)
        self.n_cuts += added
        return added

    def _level_cuts(self, group: int, flow: FloatArray, weight: FloatArray, enough: float) -> int:
        """Add the cuts between levels of distance from the source without a group's links; return how many.

        They are the dual of the shortest way that mends the flow, so that together they lift the bound by its length.
        """
        core, rows = self.core, self.core.rows
        links = core.group_link[group]
        length = np.where(flow > _HALF, 0.0, weight)
        length[2 * links] = length[2 * links + 1] = math.inf
        away = np.empty(core.n_nodes)
        arc_distances(rows.first, rows.neighbour, rows.arc, length, core.a, away)
        far = away[core.b]
        if far <= 0.0:
            return 0
        marks = np.unique(away[away < far])
        if marks.size > _LEVELS_MAX:
            wanted = np.linspace(0.0, float(marks[-1]), _LEVELS_MAX)
            marks = np.unique(marks[np.searchsorted(marks, wanted)])
        added = 0
        for mark in marks.tolist():
            side = away <= mark
            arcs = self.lp.arcs_out_of(side, group)
            if flow[arcs].sum() < enough:
                self.lp.add_cut(arcs, group)
                added += 1
        return added

    def _least_cuts(self, group: int, flow: FloatArray, enough: float) -> int:
        """Add least cuts of the flow without a group's links, if they carry too little; return how many."""
        core, rows, added = self.core, self.core.rows, 0
        links = core.group_link[group]
        near_a, near_b = np.empty(core.n_nodes, np.bool_), np.empty(core.n_nodes, np.bool_)
        capacity = np.maximum(flow, 0.0)
        capacity[2 * links] = capacity[2 * links + 1] = 0.0
        # Further cuts of the same group are found by filling those found.
        for _ in range(_NESTED_MAX):
            carried = least_cut(
                rows.first, rows.neighbour, rows.arc, self._tail32, capacity, core.a, core.b, enough, near_a, near_b
            )
            if carried >= enough:
                break
            for side in (near_a,) if np.array_equal(near_a, near_b) else (near_a, near_b):
                arcs = self.lp.arcs_out_of(side, group)
                self.lp.add_cut(arcs, group)
                capacity[arcs] = 1.0
                added += 1
            if not arcs.size:
                break
        return added

    def _bounded(self, low: FloatArray, high: FloatArray) -> float:
        """Return the bound of one node of the search, infinite where it holds no answer; cut until none is missed."""
        bound = -math.inf
        for _ in range(_ROUNDS_MAX):
            status, value = self.lp.solve(low, high, self.deadline)
            if status == "infeasible":
                return math.inf
            if status == "stopped":
                break
            bound = value
            if bound >= self._enough() or self._separate(self._arc_flow()) == 0:
                break
        return bound

    def run(self) -> Found:
        """Search until proven or out of time."""
        low, high = self.lp.low.copy(), self.lp.high.copy()
        waiting: list[tuple[float, int, FloatArray, FloatArray]] = [(-math.inf, 0, low, high)]
        floor, is_finished, serial = math.inf, True, 1
        while waiting:
            if time.monotonic() > self.deadline:
                is_finished = False
                break
            parent, _, low, high = heapq.heappop(waiting)
            if parent >= self._enough():
                continue
            self.n_seen += 1
            bound = max(parent, self._bounded(low, high))
            if time.monotonic() > self.deadline:
                heapq.heappush(waiting, (bound, serial, low, high))
                is_finished = False
                break
            if bound >= self._enough():
                floor = min(floor, bound)
                continue
            broken = np.abs(self.lp.value[: self.lp.share_at] - np.rint(self.lp.value[: self.lp.share_at]))
            if broken.max(initial=0.0) <= _WHOLE:
                self._keep()
                floor = min(floor, bound)
            else:
                self._round()
            if self.task.is_enough and self.ways:
                break
            if broken.max(initial=0.0) <= _WHOLE:
                continue
            self._fix(high, bound)
            for child_low, child_high in self._halves(broken, low, high):
                heapq.heappush(waiting, (bound, serial, child_low, child_high))
                serial += 1
        bound = min([floor, self.best, *(each[0] for each in waiting)])
        return Found(self.ways, self.best, bound, is_finished, self.n_seen, self.n_cuts, self.shared)

    def _halves(
        self, broken: FloatArray, low: FloatArray, high: FloatArray
    ) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
        """Return the bounds of the two halves at the most broken column."""
        # Of equally broken columns the dearest decides most.
        at = int(np.lexsort((-self.lp.cost[: self.lp.share_at], -np.round(broken, 6)))[0])
        value = self.lp.value[at]
        below, above = high.copy(), low.copy()
        below[at], above[at] = math.floor(value), math.ceil(value)
        return (above, high), (low, below)

    def _fix(self, high: FloatArray, bound: float) -> None:
        """Close the arcs that no better answer uses, by reduced cost; ``high`` is that of the node just solved."""
        if self.n_seen == 1 and math.isfinite(self.best) and self.task.share is None:
            room = (self.best - bound) / self.lp.scale
            high[(self.lp.reduced > room + _WHOLE) & (self.lp.value < _WHOLE)] = 0.0

    def _keep(self) -> None:
        """Read the ways off a whole flow and keep them."""
        ways = []
        for flow in range(self.lp.n_flows):
            value = np.rint(self.lp.value[flow * self.lp.n_arcs : (flow + 1) * self.lp.n_arcs]).astype(np.int64)
            ways += trace(self.lp.tail, self.lp.head, value, self.core.a, self.core.b)
        links = float(sum(self.core.cost[way >> 1].sum() for way in ways))
        if self.task.share is None or not self.task.is_priced:
            self.offer(tuple(ways), links)
            return
        paid = np.flatnonzero(self.lp.value[self.lp.share_at : self.lp.uses_at] > 1.0 - _WHOLE)
        total = float(self.task.share[paid].sum())
        unit = 1e-4 / max(2.0 * float(self.core.cost.sum()), 1e-300)
        self.offer(tuple(ways), total + links * unit * self.lp.scale, paid)

    def _round(self) -> None:
        """Look for an answer near the fractional flow: ways one after another, then each again given the others."""
        if self.task.share is not None:
            return
        flow = self._arc_flow()
        favoured = self.core.cost * (1.0 - _FAVOUR * np.clip(flow[0::2] + flow[1::2], 0.0, 1.0))
        ways = self._rounding.ways(favoured)
        self.offer(ways, self._rounding.cost_of(ways))
