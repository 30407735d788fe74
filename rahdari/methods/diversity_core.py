"""The part of a network that can matter for disjoint ways between two nodes, and the groups that can.

Kept are the links on some simple way between the ends; runs of links in series become one; what another link does
at least as well and safely is dropped; groups that node-disjointness settles already (all links at one node, or all
inside another group) are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.disjoint import blocks
from rahdari.methods.graph import Rows, compressed_rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]


@dataclass(slots=True)
class _Run:
    """Links in series from node ``u`` to node ``v``."""

    u: int
    v: int
    cost: float
    delay: float
    weight: float
    groups: frozenset[int]
    links: list[int]

    def from_node(self, u: int) -> tuple[int, list[int]]:
        """Return the far end and the links in order, seen from one end."""
        return (self.v, self.links) if u == self.u else (self.u, self.links[::-1])


@dataclass(frozen=True, slots=True, eq=False)
class Core:
    """The reduced network: ``link_node`` (m, 2), ``cost``, ``delay`` and ``weight`` (m,), ``parts`` their links.

    ``node`` (n,) are the original nodes; ``a`` and ``b`` the ends, numbered here.  Group ``i`` is the original group
    ``group[i]`` with the links ``group_link[i]``; ``groups_of[e]`` lists a link's groups.
    """

    node: IntArray
    a: int
    b: int
    rows: Rows
    link_node: IntArray
    cost: FloatArray
    delay: FloatArray
    weight: FloatArray
    parts: tuple[tuple[int, ...], ...]
    group: IntArray
    group_link: tuple[IntArray, ...]
    groups_of: tuple[tuple[int, ...], ...]

    @property
    def n_nodes(self) -> int:
        """Return the number of nodes."""
        return int(self.node.size)


def on_some_way(n_nodes: int, link_node: IntArray, a: int, b: int) -> IntArray:
    """Return the links that lie on some simple way from ``a`` to ``b``: those in the block of a link that joins them.

    >>> on_some_way(4, np.array([[0, 1], [1, 2], [1, 3]]), 0, 2).tolist()
    [0, 1]
    """
    joined = np.concatenate([link_node, [[a, b]]]).astype(np.int64)
    rows = compressed_rows(n_nodes, joined)
    block = np.empty(joined.shape[0], np.int32)
    blocks(rows.first, rows.neighbour, rows.arc, block)
    return np.flatnonzero(block[:-1] == block[-1])


class _Shrinking:
    """Runs at nodes, while they are merged."""

    def __init__(self, runs: list[_Run], ends: tuple[int, int]) -> None:
        """Hold the runs and the nodes that must stay."""
        self.runs: dict[int, _Run] = dict(enumerate(runs))
        self.ends = ends
        self.at: dict[int, set[int]] = {}
        for number, run in self.runs.items():
            self.at.setdefault(run.u, set()).add(number)
            self.at.setdefault(run.v, set()).add(number)

    def drop(self, number: int) -> None:
        """Remove a run."""
        run = self.runs.pop(number)
        self.at[run.u].discard(number)
        self.at[run.v].discard(number)

    def merge(self, node_weight: FloatArray) -> bool:
        """Merge runs at nodes with just two of them and drop dead ends; return whether anything changed."""
        changed = False
        waiting = sorted(self.at)
        while waiting:
            v = waiting.pop()
            held = sorted(self.at[v])
            if v in self.ends or len(held) not in (1, 2):
                continue
            changed = True
            runs = [self.runs[number] for number in held]
            for number in held:
                self.drop(number)
            (u, first), *more = (run.from_node(v) for run in runs)
            if not more or more[0][0] == u:
                waiting.append(u)
                continue
            w, second = more[0]
            one, two = runs
            self.runs[held[0]] = _Run(
                u, w, one.cost + two.cost, one.delay + two.delay, one.weight + two.weight + float(node_weight[v]),
                one.groups | two.groups, first[::-1] + second,
            )  # fmt: skip
            self.at[u].add(held[0])
            self.at[w].add(held[0])
        return changed

    def dominate(self) -> bool:
        """Drop a run where another between the same nodes is no dearer, slower or riskier; return whether one was."""
        between: dict[tuple[int, int], list[int]] = {}
        for number in sorted(self.runs):
            run = self.runs[number]
            between.setdefault((min(run.u, run.v), max(run.u, run.v)), []).append(number)
        dropped: list[int] = []
        for ends, numbers in between.items():
            if set(ends) == set(self.ends):
                continue
            kept: list[int] = []
            for number in sorted(numbers, key=lambda i: (self.runs[i].cost, self.runs[i].delay, i)):
                run = self.runs[number]
                is_worse = any(self.runs[i].delay <= run.delay and self.runs[i].groups <= run.groups for i in kept)
                (dropped if is_worse else kept).append(number)
        for number in dropped:
            self.drop(number)
        return bool(dropped)


def _kept_groups(runs: list[_Run], ends: tuple[int, int]) -> list[int]:
    """Return the groups that disjointness by node does not settle."""
    links: dict[int, set[int]] = {}
    for number, run in enumerate(runs):
        for group in run.groups:
            links.setdefault(group, set()).add(number)
    kept: list[int] = []
    holders: dict[int, list[int]] = {}
    for group, own in sorted(links.items(), key=lambda item: (-len(item[1]), item[0])):
        common: set[int] = set.intersection(*({runs[i].u, runs[i].v} for i in own))
        is_star = bool(common - set(ends))
        if len(own) > 1 and not is_star and not any(own <= links[other] for other in holders.get(min(own), ())):
            kept.append(group)
            for link in own:
                holders.setdefault(link, []).append(group)
    return sorted(kept)


def make_core(
    link_node: IntArray,
    *,
    cost: FloatArray,
    delay: FloatArray,
    weight: FloatArray,
    node_weight: FloatArray,
    groups: Iterable[IntArray],
    ends: tuple[int, int],
    is_strict: bool,
) -> Core | None:
    """Return the core between two nodes, or ``None`` where no way joins them.

    With ``is_strict`` ways must share no node, and what that settles is dropped; else nothing that can be shared is.
    Weights (what a shared link or node weighs) are added along runs, those of ``node_weight`` (n,) inside runs too.
    """
    own: list[set[int]] = [set() for _ in range(link_node.shape[0])]
    for group, links in enumerate(groups):
        for link in links.tolist():
            own[link].add(group)
    n_nodes = node_weight.size
    kept = on_some_way(n_nodes, link_node, *ends)
    if not kept.size:
        return None
    runs = [
        _Run(
            int(link_node[i, 0]), int(link_node[i, 1]), float(cost[i]), float(delay[i]), float(weight[i]),
            frozenset(own[i]), [i],
        )
        for i in kept.tolist()
    ]  # fmt: skip
    shrinking = _Shrinking(runs, ends)
    shrinking.merge(node_weight)
    while is_strict and shrinking.dominate() and shrinking.merge(node_weight):
        pass
    return _numbered([shrinking.runs[number] for number in sorted(shrinking.runs)], ends, is_strict=is_strict)


def _numbered(runs: list[_Run], ends: tuple[int, int], *, is_strict: bool) -> Core:
    """Return the core of the runs that are left."""
    node = np.unique([[run.u, run.v] for run in runs])
    pairs = np.searchsorted(node, np.array([[run.u, run.v] for run in runs], np.int64))
    group = _kept_groups(runs, ends) if is_strict else sorted({each for run in runs for each in run.groups})
    place = {each: number for number, each in enumerate(group)}
    of = [sorted(place[each] for each in run.groups if each in place) for run in runs]
    held: list[list[int]] = [[] for _ in group]
    for link, own in enumerate(of):
        for number in own:
            held[number].append(link)
    members = tuple(np.array(own, np.int64) for own in held)
    a, b = (int(np.searchsorted(node, end)) for end in ends)
    return Core(
        node, a, b, compressed_rows(node.size, pairs.astype(np.int64)), pairs.astype(np.int64),
        np.array([run.cost for run in runs]), np.array([run.delay for run in runs]),
        np.array([run.weight for run in runs]), tuple(tuple(run.links) for run in runs),
        np.array(group, np.int64), members, tuple(tuple(each) for each in of),
    )  # fmt: skip
