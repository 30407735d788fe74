"""The search for a cheap prize-collecting Steiner forest and a high bound, on a canonical instance."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rahdari.kernels.steiner_dual import (
    BOUND,
    N_MEMBERS,
    N_RECORDS,
    STAMP,
    ascend,
    charge_gap,
    compact,
    reascend,
    reset_rooted,
)
from rahdari.kernels.steiner_primal import exchange, insert_paths, prune, span
from rahdari.kernels.steiner_region import walk
from rahdari.methods.steiner_local import sub_instance
from rahdari.methods.steiner_region import polish

if TYPE_CHECKING:
    from rahdari.methods.steiner_instance import Instance

Ints = NDArray[np.int64]
#: Terminal, start, stop, amount and next of every record; newest record of every node; members; state.
Ledger = tuple[NDArray[np.int32], Ints, Ints, Ints, Ints, Ints, NDArray[np.int32], Ints]
_RECORDS_PER_NODE = 24  # first guess of the ledger's size; it grows where needed
_MEMBERS_PER_NODE = 96
_ROUNDS_MAX = 60  # of exchange; it ends by itself long before
_SWAPS_MAX = 1 << 30
_SHUN = 1_000_000  # heap penalty that sends cuts entering the tree twice to the very end
_MILD = 160  # a penalty of a few dozen arcs
_BALL_LEAST, _BALL_MOST = 6, 18  # terminals whose ascent is redone at a time
_QUICK_ROUNDS = 1  # of redoing and rebuilding in the version of fixed work
_QUICK_SHARE = 8  # terminals for one ball
_TIE_SHARE = 1_000  # among free arcs the cheaper, at a thousandth of the cost
_REGION_FIRST, _REGION_LAST, _REGION_GROWTH = 100, 800, 1.5  # terminals of a region, from sweep to sweep
_RELAY_FRAC = 0.6  # of a sweep's region is the region whose tree is solved anew after it
_CHARGES_EVERY = 8  # regions between two looks at where the gap sits
_CHARGE_LEAST_FRAC = 0.1  # a sweep ends when so little of the gap sits where it has not looked
_INNER_FRAC = 0.7  # of a region's nodes are far enough from its edge to count as looked at
_CLOSED_SHARE = 1_000_000
_IDLE_MAX = 3  # sweeps of the largest size without gain


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree that is pruned: cost in units (edges + prizes missed), nodes kept, arc into and parent of each."""

    cost: int
    is_kept: NDArray[np.bool_]
    into: NDArray[np.int32]
    parent: NDArray[np.int32]
    order: NDArray[np.int32]
    value: NDArray[np.int64]


class Primal:
    """Makes trees from sets of nodes and improves them."""

    def __init__(self, instance: Instance) -> None:
        """Hold the instance in the form kernels take."""
        self.instance = instance
        self.graph = instance.rows.as_tuple()
        self.arc_cost = np.repeat(instance.weight, 2)

    def pruned(self, nodes: NDArray[np.bool_], arc_cost: NDArray[np.int64] | None = None) -> Tree:
        """Span the nodes (by weight, or by other costs) and prune."""
        spanned = span(self.graph, self.arc_cost if arc_cost is None else arc_cost, nodes)
        cost, is_kept, value = prune(self.instance.weight, self.instance.prize, spanned)
        return Tree(int(cost), is_kept, spanned[0], spanned[1], spanned[2], value)

    def grown(self, tree: Tree) -> Tree:
        """Insert paying paths and span again until nothing is gained."""
        while True:
            nodes = tree.is_kept.copy()
            insert_paths(self.graph, self.instance.weight, self.instance.prize, nodes)
            better = self.pruned(nodes)
            if better.cost >= tree.cost:
                return tree
            tree = better

    def exchanged(self, tree: Tree, deadline: float | None = None) -> Tree:
        """Exchange corridors and insert paths until neither gains."""
        most = _SWAPS_MAX
        for _ in range(_ROUNDS_MAX):
            nodes = tree.is_kept.copy()
            before = (tree.into, tree.parent, tree.order)
            count = exchange(self.graph, self.instance.weight, self.instance.prize, before, nodes, tree.value, most)
            if count == 0 or (deadline is not None and time.monotonic() > deadline):
                return tree
            better = self.pruned(nodes)
            if better.cost < tree.cost:
                tree = self.grown(better)
                continue
            # Swaps spoiled one another: try fewer of the best.
            if count == 1:
                return tree
            most = max(1, count // 4)
        return tree

    def best(self, nodes: NDArray[np.bool_]) -> Tree:
        """Return the tree of a set of nodes after all improvements."""
        return self.exchanged(self.grown(self.pruned(nodes)))


class Dual:
    """A dual ascent with its ledger, which grows as needed."""

    def __init__(self, instance: Instance) -> None:
        """Start with nothing raised."""
        n, m = instance.n_nodes, instance.weight.size
        self.instance = instance
        self.graph = instance.rows.as_tuple()
        self.terminals = np.flatnonzero(instance.prize > 0)
        self.values = (np.repeat(instance.weight, 2), instance.prize.copy(), np.zeros(n, np.bool_))
        self.state = np.zeros(5, np.int64)
        self.ledger = self._empty_ledger(_RECORDS_PER_NODE * n + 4096, _MEMBERS_PER_NODE * n + (16 * n + 4096))
        self.scratch = (
            np.zeros(n, np.int32),
            np.empty(2 * m + 1, np.int32),
            np.empty(n, np.int64),
            np.empty(n + 1, np.int32),
            np.empty(n, np.int64),
        )
        reset_rooted(self.graph, self.values, self.scratch, self.state)

    def _empty_ledger(self, n_records: int, n_members: int) -> Ledger:
        """Return a ledger of the given size; untouched pages cost no memory."""
        return (
            np.empty(n_records, np.int32),
            np.empty(n_records, np.int64),
            np.empty(n_records, np.int64),
            np.empty(n_records, np.int64),
            np.empty(n_records, np.int64),
            np.full(self.instance.n_nodes, -1, np.int64),
            np.empty(n_members, np.int32),
            self.state,
        )

    @property
    def bound(self) -> int:
        """Return the proven lower bound in units."""
        return int(self.state[BOUND])

    def make_room(self) -> None:
        """Drop dead records, and double what is still more than half full."""
        n_records, n_members = self.ledger[0].size, self.ledger[6].size
        live = self._empty_ledger(n_records, n_members)
        state = live[7].copy()
        compact(self.ledger, (live[0], live[1], live[2], live[3], live[4], live[5], live[6], state))
        self.state[:] = state
        self.ledger = live
        grow_records = 2 if 2 * state[N_RECORDS] > n_records else 1
        grow_members = 2 if 2 * state[N_MEMBERS] > n_members - 16 * self.instance.n_nodes else 1
        if max(grow_records, grow_members) > 1:
            old = self.ledger
            self.ledger = self._empty_ledger(grow_records * n_records, grow_members * n_members)
            count = int(state[N_RECORDS])
            self.ledger[0][:count] = old[0][:count]
            for new, was in zip(self.ledger[1:5], old[1:5], strict=True):
                new[:count] = was[:count]
            self.ledger[5][:] = old[5]
            self.ledger[6][: state[N_MEMBERS]] = old[6][: state[N_MEMBERS]]

    def ascend(self, order: NDArray[np.int64], in_tree: NDArray[np.bool_], penalty: int) -> None:
        """Raise everything that can rise, terminals in the given order where the keys tie."""
        while not ascend(self.graph, self.values, self.ledger, self.scratch, order, order.size, 0, 1, in_tree, penalty):
            self.make_room()

    def reascend(
        self, centre: NDArray[np.int64], size: NDArray[np.int64], penalty: NDArray[np.int64], in_tree: NDArray[np.bool_]
    ) -> None:
        """Undo and redo the ascent in balls around the centres."""
        n = self.instance.n_nodes
        seen, nodes = np.zeros(n, np.int32), np.empty(n, np.int32)
        is_terminal = self.instance.prize > 0
        at = 0
        while at < centre.size:
            seen[:] = 0
            done = reascend(
                self.graph, self.values, self.ledger, self.scratch, is_terminal,
                centre[at:], size[at:], penalty[at:], in_tree, seen, nodes,
            )  # fmt: skip
            at += done
            if at < centre.size:
                self.make_room()
        if self.state[STAMP] > 1 << 30:
            self.scratch[0][:] = 0
            self.state[STAMP] = 0
        reset_rooted(self.graph, self.values, self.scratch, self.state)

    def charges(self, tree: Tree) -> NDArray[np.int64]:
        """Return where the gap to a tree sits (n,); the sum is cost minus bound."""
        charge = np.empty(self.instance.n_nodes, np.int64)
        charge_gap(self.values, self.ledger, self.scratch, tree.into, tree.parent, tree.is_kept, charge)
        return charge


def arcs_of(tree: Tree, n_arcs: int) -> NDArray[np.bool_]:
    """Return the flags of the tree's arcs."""
    flags = np.zeros(n_arcs, np.bool_)
    flags[tree.into[tree.into >= 0]] = True
    return flags


@dataclass(frozen=True, slots=True)
class Found:
    """A tree and the live records of a ledger, in the instance's numbers."""

    into: NDArray[np.int32]
    is_kept: NDArray[np.bool_]
    amount: NDArray[np.int64]
    terminal: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    member: NDArray[np.int64]


def _found(tree: Tree, dual: Dual) -> Found:
    """Copy what matters out of the search."""
    dual.make_room()
    terminal, start, stop, amount, _, _, member, state = dual.ledger
    count = int(state[N_RECORDS])
    return Found(
        into=tree.into,
        is_kept=tree.is_kept,
        amount=amount[:count].copy(),
        terminal=terminal[:count].astype(np.int64),
        start=start[:count].copy(),
        stop=stop[:count].copy(),
        member=member[: state[N_MEMBERS]].astype(np.int64),
    )


class Search:
    """Both sides of one instance: the best tree and the best bound so far."""

    def __init__(self, instance: Instance, seed: int) -> None:
        """Ascend, build a tree, ascend again led by the tree, and build from both."""
        self.instance = instance
        self.looked_at = np.empty(0, np.int64)
        self.random = np.random.Generator(np.random.Philox(seed))
        self.primal = Primal(instance)
        self.n_arcs = 2 * instance.weight.size
        first = Dual(instance)
        first.ascend(self.shuffled(first.terminals), np.zeros(self.n_arcs, np.bool_), 0)
        self.tree = self.primal.best(first.values[2])
        second = Dual(instance)
        second.ascend(self.shuffled(second.terminals), arcs_of(self.tree, self.n_arcs), _SHUN)
        self.dual = first if first.bound > second.bound else second
        if self.gap > 0:
            self.offer(self.primal.best(second.values[2]))

    def shuffled(self, terminals: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the terminals in an order drawn by the seed."""
        return self.random.permutation(terminals)

    @property
    def gap(self) -> int:
        """Return cost minus bound in units."""
        return self.tree.cost - self.dual.bound

    def offer(self, tree: Tree) -> None:
        """Keep the tree if it is cheaper; then try the union with the best so far."""
        best, other = (tree, self.tree) if tree.cost < self.tree.cost else (self.tree, tree)
        self.tree = best
        if (other.is_kept & ~best.is_kept).any():
            both = self.primal.best(best.is_kept | other.is_kept)
            if both.cost < best.cost:
                self.tree = both

    def lift(self, n_balls: int) -> None:
        """Redo the ascent where the gap sits."""
        charge = np.maximum(self.dual.charges(self.tree), 0)
        charge[0] = 0
        reach = np.cumsum(charge.astype(np.float64))
        if reach[-1] <= 0:
            return
        centre = np.searchsorted(reach, self.random.random(n_balls) * reach[-1], side="right")
        size = self.random.integers(_BALL_LEAST, _BALL_MOST, n_balls)
        penalty = np.where(self.random.random(n_balls) < 0.5, _MILD, _SHUN)  # noqa: PLR2004 - an even coin
        self.dual.reascend(centre, size, penalty, arcs_of(self.tree, self.n_arcs))

    def rebuild(self, likely: NDArray[np.bool_]) -> None:
        """Build trees from what the bound has learnt: likely nodes, and free or nearly free arcs."""
        self.offer(self.primal.best(likely | self.tree.is_kept))
        arc_cost = self.dual.values[0] + self.primal.arc_cost // _TIE_SHARE
        everywhere = np.ones(self.instance.n_nodes, np.bool_)
        self.offer(self.primal.exchanged(self.primal.grown(self.primal.pruned(everywhere, arc_cost))))

    def fill(self) -> None:
        """Raise whatever can still rise."""
        self.dual.ascend(self.dual.terminals, np.zeros(self.n_arcs, np.bool_), 0)

    def sweep(self, n_terminals: int, deadline: float) -> None:
        """Polish regions of one size by the cut LP, where the gap sits first, until all were looked at."""
        is_seen = np.zeros(self.instance.n_nodes, np.bool_)
        charge = np.maximum(self.dual.charges(self.tree), 0)
        charge[0] = 0
        for k in range(self.dual.terminals.size):
            if k % _CHARGES_EVERY == 0:
                charge = np.maximum(self.dual.charges(self.tree), 0)
                charge[0] = 0
            reach = np.cumsum(np.where(is_seen, 0, charge).astype(np.float64))
            if reach[-1] <= _CHARGE_LEAST_FRAC * self.gap or time.monotonic() > deadline:
                break
            centre = int(np.searchsorted(reach, self.random.random() * reach[-1], side="right"))
            nodes, _ = polish(self.dual, centre, n_terminals, deadline)
            is_seen[nodes[: max(1, int(_INNER_FRAC * nodes.size))]] = True
        self.fill()

    def relay(self, centre: int, n_terminals: int, deadline: float) -> bool:
        """Solve the tree around ``centre`` anew, all else kept; return whether it became cheaper."""
        n = self.instance.n_nodes
        listed, place = np.empty(n, np.int32), np.full(n, -1, np.int32)
        is_terminal = self.instance.prize > 0
        count = walk(listed, centre, self.primal.graph, is_terminal, n_terminals, place)
        nodes = listed[:count].astype(np.int64)
        self.looked_at = nodes
        small, cost = sub_instance(self.instance, self.tree.into, self.tree.is_kept, nodes)
        inner = Search(small, 0)
        if inner.tree.cost >= cost and inner.dual.bound < cost:
            inner.exhaust(deadline)
        if inner.tree.cost >= cost:
            return False
        keep = self.tree.is_kept.copy()
        keep[nodes] = False
        keep[small.node_id[inner.tree.is_kept]] = True
        tree = self.primal.pruned(keep)
        if tree.cost >= self.tree.cost:
            return False
        self.tree = tree
        return True

    def exhaust(self, deadline: float) -> None:
        """Solve the cut LP over the whole instance, for instances that are small, and build from it."""
        likely = np.zeros(self.instance.n_nodes, np.bool_)
        likely[0] = True
        is_seen = np.zeros(self.instance.n_nodes, np.bool_)
        for t in self.dual.terminals:
            if not is_seen[t]:
                nodes, used = polish(self.dual, int(t), self.instance.n_nodes, deadline)
                is_seen[nodes] = True
                likely[used] = True
        self.fill()
        self.offer(self.primal.best(likely))
        self.rebuild(likely)

    def relay_all(self, n_terminals: int, deadline: float) -> None:
        """Solve the tree anew wherever the gap sits, until all places were looked at."""
        is_seen = np.zeros(self.instance.n_nodes, np.bool_)
        for _ in range(self.dual.terminals.size):
            charge = np.maximum(self.dual.charges(self.tree), 0)
            charge[0] = 0
            reach = np.cumsum(np.where(is_seen, 0, charge).astype(np.float64))
            if reach[-1] <= _CHARGE_LEAST_FRAC * self.gap or time.monotonic() > deadline:
                break
            centre = int(np.searchsorted(reach, self.random.random() * reach[-1], side="right"))
            self.relay(centre, n_terminals, deadline)
            is_seen[self.looked_at[: max(1, int(_INNER_FRAC * self.looked_at.size))]] = True
        if time.monotonic() < deadline:
            self.tree = self.primal.exchanged(self.primal.grown(self.tree), deadline)


def search(instance: Instance, deadline: float | None, seed: int) -> Found:
    """Search for a fixed amount of work, or until ``deadline`` (monotonic seconds)."""
    state = Search(instance, seed)
    for _ in range(_QUICK_ROUNDS):
        if state.gap == 0 or (deadline is not None and time.monotonic() > deadline):
            break
        state.lift(max(1, state.dual.terminals.size // _QUICK_SHARE))
        state.offer(state.primal.best(state.dual.values[2]))
    size, idle = float(_REGION_FIRST), 0
    # A gap of a millionth is the rounding of money, not a choice.
    least = state.tree.cost // _CLOSED_SHARE
    while deadline is not None and time.monotonic() < deadline and state.gap > least and idle < _IDLE_MAX:
        gap = state.gap
        state.sweep(int(size), deadline)
        state.relay_all(int(_RELAY_FRAC * size), deadline)
        is_full = size >= min(_REGION_LAST, state.dual.terminals.size)
        idle = idle + 1 if is_full and gap - state.gap <= least else 0
        size = min(_REGION_LAST, size * _REGION_GROWTH)
    return _found(state.tree, state.dual)
