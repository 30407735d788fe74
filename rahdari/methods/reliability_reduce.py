"""Make a reliability question smaller without changing its answer.

Dead ends, links side by side, links in series and terminals with two links are folded (Satyanarayana and Wood 1985),
blocks are taken apart; what is left of each block is swept.  All probabilities are arrays, one entry a set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.disjoint import blocks
from rahdari.kernels.reliability import ENTER, JOIN, LEAVE
from rahdari.methods.graph import compressed_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_STARTS_MAX = 64  # nodes from which an order is grown, fewer in large parts; the narrowest is kept
_STARTS_WORK = 20_000  # starts times nodes
_STATES_A_SLOT = 3.0  # growth of the states with the width of the frontier, between Catalan numbers and Bell numbers


@dataclass(slots=True)
class _Edge:
    """A link or what several were folded into."""

    u: int
    v: int
    up: FloatArray


@dataclass(frozen=True, slots=True)
class Part:
    """A block to sweep: edges (m, 2) between nodes 0 to n - 1, their chances, nodes' chances, and the terminals."""

    edge: IntArray
    up: FloatArray
    node_up: FloatArray
    terminal: NDArray[np.bool_]


class Reducer:
    """A network with terminals while it shrinks; ``factor`` is what has been folded into a number."""

    def __init__(self, edge: IntArray, up: FloatArray, node_up: FloatArray, terminals: set[int]) -> None:
        """Hold (m, 2) links, their chances (m, sets), nodes' chances (n, sets); terminals must work."""
        n_sets = up.shape[1]
        self.factor = np.ones(n_sets)
        self.terminals = set(terminals)
        self.node_up = {v: node_up[v].copy() for v in range(node_up.shape[0])}
        for v in sorted(terminals):
            self._demand(v)
        self.edges: dict[int, _Edge] = {}
        self.at: dict[int, dict[int, int]] = {v: {} for v in range(node_up.shape[0])}
        self.serial = 0
        for (u, v), chance in zip(edge.tolist(), up, strict=True):
            self._link(u, v, chance)

    def _demand(self, v: int) -> None:
        """Let a node have to work."""
        self.factor = self.factor * self.node_up[v]
        self.node_up[v] = np.ones_like(self.factor)

    def _link(self, u: int, v: int, up: FloatArray) -> None:
        """Add a link, folded into one that is there; loops do nothing."""
        if u == v:
            return
        held = self.at[u].get(v)
        if held is not None:
            self.edges[held].up = 1.0 - (1.0 - self.edges[held].up) * (1.0 - up)
            return
        self.edges[self.serial] = _Edge(u, v, up.copy())
        self.at[u][v] = self.at[v][u] = self.serial
        self.serial += 1

    def _cut(self, u: int, v: int) -> FloatArray:
        """Remove the link between two nodes; return its chance."""
        held = self.at[u].pop(v)
        del self.at[v][u]
        return self.edges.pop(held).up

    def fold(self) -> None:
        """Fold until no rule applies."""
        waiting = sorted(self.at, reverse=True)
        while waiting and len(self.terminals) > 1:
            v = waiting.pop()
            if v not in self.at or len(self.at[v]) > 2:  # noqa: PLR2004 - in series
                continue
            near = sorted(self.at[v])
            if self._fold_one(v, near):
                waiting += [u for u in near if u in self.at]

    def _fold_one(self, v: int, near: list[int]) -> bool:
        """Fold a node with at most two neighbours; return whether it went."""
        is_terminal = v in self.terminals
        if not near:
            if is_terminal:  # alone, while there are other terminals
                self.factor = np.zeros_like(self.factor)
                self.terminals = {v}
            del self.at[v]
            return True
        if len(near) == 1:
            up = self._cut(v, near[0])
            del self.at[v]
            if is_terminal:
                self.factor = self.factor * up
                self.terminals.discard(v)
                if near[0] not in self.terminals:
                    self.terminals.add(near[0])
                    self._demand(near[0])
            return True
        if is_terminal and not (near[0] in self.terminals and near[1] in self.terminals):
            return False
        first, second = self._cut(v, near[0]), self._cut(v, near[1])
        del self.at[v]
        if is_terminal:
            # At least one of the two must work; both together join the neighbours.
            some = 1.0 - (1.0 - first) * (1.0 - second)
            self.factor = self.factor * some
            self.terminals.discard(v)
            joined = np.divide(first * second, some, out=np.zeros_like(some), where=some > 0.0)
        else:
            joined = first * self.node_up[v] * second
        self._link(near[0], near[1], joined)
        return True

    def parts(self) -> list[Part]:
        """Return the blocks that matter, each with the terminals and the cut nodes on ways between them."""
        if len(self.terminals) <= 1 or not self.factor.any():
            return []
        numbers = sorted(self.edges)
        nodes = sorted(self.at)
        place = {v: i for i, v in enumerate(nodes)}
        pairs = np.array([[place[self.edges[i].u], place[self.edges[i].v]] for i in numbers], np.int64).reshape(-1, 2)
        rows = compressed_rows(len(nodes), pairs)
        label = np.empty(pairs.shape[0], np.int32)
        blocks(rows.first, rows.neighbour, rows.arc, label)
        inside: dict[int, set[int]] = {}
        for i, block in zip(numbers, label.tolist(), strict=True):
            inside.setdefault(block, set()).update((self.edges[i].u, self.edges[i].v))
        kept = self._needed(inside)
        if kept is None:
            self.factor = np.zeros_like(self.factor)
            return []
        seen: dict[int, int] = {}
        for block in kept:
            for v in inside[block]:
                seen[v] = seen.get(v, 0) + 1
        for v in sorted(v for v, count in seen.items() if count > 1 and v not in self.terminals):
            self.terminals.add(v)
            self._demand(v)
        return [
            self._part([i for i, own in zip(numbers, label.tolist(), strict=True) if own == block], inside[block])
            for block in kept
        ]

    def _needed(self, inside: dict[int, set[int]]) -> list[int] | None:
        """Return the blocks on ways between terminals, or ``None`` where terminals are not joined."""
        kept = set(inside)
        of: dict[int, set[int]] = {}
        for block, own in inside.items():
            for v in own:
                of.setdefault(v, set()).add(block)
        if any(v not in of for v in self.terminals):
            return None
        waiting = sorted(inside)
        while waiting:
            block = waiting.pop()
            if block not in kept:
                continue
            ways_out = [v for v in inside[block] if len(of[v]) > 1]
            ends = [v for v in inside[block] if v in self.terminals]
            if len(ways_out) <= 1 and all(v in ways_out for v in ends):
                kept.discard(block)
                for v in inside[block]:
                    of[v].discard(block)
                waiting += sorted({other for v in ways_out for other in of[v]})
        reached: set[int] = set()
        front = [min(kept)] if kept else []
        while front:
            block = front.pop()
            if block not in reached:
                reached.add(block)
                front += [other for v in inside[block] for other in of[v]]
        return sorted(kept) if reached == kept else None

    def _part(self, numbers: list[int], own: set[int]) -> Part:
        nodes = sorted(own)
        place = {v: i for i, v in enumerate(nodes)}
        return Part(
            np.array([[place[self.edges[i].u], place[self.edges[i].v]] for i in numbers], np.int64).reshape(-1, 2),
            np.array([self.edges[i].up for i in numbers]),
            np.array([self.node_up[v] for v in nodes]),
            np.array([v in self.terminals for v in nodes], np.bool_),
        )


def reduced(edge: IntArray, up: FloatArray, node_up: FloatArray, terminals: set[int]) -> tuple[FloatArray, list[Part]]:
    """Return a factor (sets,) and the parts whose chances, times the factor, are the answer."""
    whole = Reducer(edge, up, node_up, terminals)
    whole.fold()
    finished: list[Part] = []
    waiting = whole.parts()  # which may ask for more nodes, and so change the factor
    factor = whole.factor
    while waiting:
        part = waiting.pop()
        again = Reducer(part.edge, part.up, part.node_up, set(np.flatnonzero(part.terminal).tolist()))
        n_edges = len(again.edges)
        again.fold()
        pieces = again.parts()
        factor = factor * again.factor
        if len(pieces) == 1 and pieces[0].edge.shape[0] == n_edges:
            finished += pieces
        else:
            waiting += pieces
    return factor, finished


@dataclass(frozen=True, slots=True)
class Order:
    """The steps of a sweep (t, 3), the edge or node whose chance each takes, the width, and the expected work."""

    step: IntArray
    taken: IntArray
    width: int
    work: float


def order_of(part: Part) -> Order:
    """Return the steps of the narrowest sweep found.

    From each of several nodes an order is grown by the node that leaves the frontier smallest, ties by who waited
    longest.
    """
    n = part.terminal.size
    near: list[dict[int, int]] = [{} for _ in range(n)]
    for i, (u, v) in enumerate(part.edge.tolist()):
        near[u][v] = near[v][u] = i
    n_starts = min(n, _STARTS_MAX, max(1, _STARTS_WORK // n))
    starts = np.unique(np.linspace(0, n - 1, n_starts).astype(np.int64)).tolist()
    best = min((_grown(near, start) for start in starts), key=lambda grown: grown[0])
    return _steps(part, near, best[1], best[0])


def _grown(near: list[dict[int, int]], start: int) -> tuple[float, list[int]]:
    """Return (work, order of nodes) grown from one node."""
    n = len(near)
    left = [len(own) for own in near]  # neighbours not yet swept
    entered, order, since = {start}, [start], {start: 0}
    frontier = {start}
    for u in near[start]:
        left[u] -= 1
    work = 0.0
    while len(order) < n:
        options = {w for v in frontier for w in near[v] if w not in entered}
        chosen = min(options, key=lambda w: _growth(w, near, left, since, frontier))
        order.append(chosen)
        entered.add(chosen)
        since[chosen] = len(order)
        frontier.add(chosen)
        work += _STATES_A_SLOT ** len(frontier) * (1 + len(near[chosen]))
        for u in near[chosen]:
            left[u] -= 1
        frontier -= {v for v in (*near[chosen], chosen) if v in frontier and left[v] == 0}
    return work, order


def _growth(
    w: int, near: list[dict[int, int]], left: list[int], since: dict[int, int], frontier: set[int]
) -> tuple[int, int, int]:
    """Return by how much a node widens the frontier, and since when its oldest neighbour there waits."""
    waiting = [v for v in near[w] if v in frontier]
    closes = sum(1 for v in waiting if left[v] == 1)
    return (1 if left[w] else 0) - closes, min((since[v] for v in waiting), default=0), w


def _steps(part: Part, near: list[dict[int, int]], order: list[int], work: float) -> Order:
    """Return the steps of an order of nodes: enter, join with those entered, leave when all links are done."""
    slot: dict[int, int] = {}
    left = [len(own) for own in near]
    steps: list[tuple[int, int, int]] = []
    taken: list[int] = []
    width = 0
    for v in order:
        free = next(i for i in range(len(order)) if i not in slot.values())
        slot[v] = free
        width = max(width, free + 1)
        steps.append((ENTER, free, int(part.terminal[v])))
        taken.append(v)
        for u in sorted(near[v], key=lambda u: slot.get(u, -1)):
            if u in slot:
                steps.append((JOIN, slot[u], free))
                taken.append(near[v][u])
                left[u] -= 1
                left[v] -= 1
                if left[u] == 0:
                    steps.append((LEAVE, slot.pop(u), 0))
                    taken.append(-1)
        if left[v] == 0:
            steps.append((LEAVE, slot.pop(v), 0))
            taken.append(-1)
    return Order(np.array(steps, np.int64), np.array(taken, np.int64), width, work)
