"""All pairs of nodes and links that cut off more together than one by one, and the worst of them, with proof.

Links are nodes of weight zero in their middle, so that one theory serves all pairs.  In a depth-first tree from the
root two elements do more together only where one, a, is an ancestor of the other, b: unrelated ones cut off nothing
that one of them does not cut off alone.  What they can cut off together is then

* a part of the tree below b that reaches a and nothing else above b, or
* what lies between them, where nothing from there reaches above a: neither itself nor by a part below b,

the two types of separation pairs of Hopcroft and Tarjan (1973).  For each b the ancestors a of the second type are a
list shared with b's parent, shortened at its near end; so the time is that of the tree plus the number of pairs.
"""

from __future__ import annotations

import heapq
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.rooted_tree import NO_TARGET, RootedTree, rooted_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

LOOK_EVERY = 1024  # nodes between looks at the clock
LEAST_FRAC = 1e-12  # of all weight: an excess below is rounding


@dataclass(frozen=True, slots=True)
class Pair:
    """Two elements by number (nodes, then links), what they cut off together and beyond both alone, and the score."""

    first: int
    second: int
    lost: float
    excess: float
    access: float
    repair_h: float
    score: float


@dataclass(frozen=True, slots=True)
class WorstPairs:
    """The worst pairs, the worst first; ``n_pairs`` were found in all, none outside scores above ``bound_outside``."""

    pairs: tuple[Pair, ...]
    n_pairs: int
    bound_outside: float
    is_complete: bool


def worst_pairs(  # noqa: PLR0917 - arrays of one network
    n_nodes: int,
    link_node: IntArray,
    roots: IntArray | int,
    weight: FloatArray,
    access: FloatArray,
    repair_h: FloatArray,
    *,
    n_worst: int,
    time_limit_s: float = 60.0,
) -> WorstPairs:
    """Return the ``n_worst`` pairs by weight lost x access of both x the shorter repair, of those that exceed the sum.

    ``access`` and ``repair_h`` (n + m,) are of nodes, then links.  ``roots``: nodes that may fail, or one that cannot.
    """
    m = link_node.shape[0]
    middle = np.arange(n_nodes, n_nodes + m)
    halves = [np.stack([link_node[:, 0], middle], axis=1), np.stack([middle, link_node[:, 1]], axis=1)]
    n_all = n_nodes + m
    root = roots if isinstance(roots, int) else n_all
    if not isinstance(roots, int):
        halves.append(np.stack([np.full(roots.size, n_all), roots], axis=1))
        n_all += 1
    heavy = np.zeros(n_all)
    heavy[:n_nodes] = weight
    tree = rooted_tree(n_all, np.concatenate(halves).astype(np.int64), root, heavy)
    search = _Search(tree, heavy, access, repair_h, n_worst)
    return search.run(time.monotonic() + time_limit_s)


def _highest_below_parent(tree: RootedTree) -> list[int]:
    """Return (n,) the greatest depth above its parent that the part of the tree at each node reaches; -1 for none.

    Links outside the tree go by falling depth of their upper end; each marks the nodes on its way up not yet marked.
    """
    n = tree.parent.size
    found = [-1] * n
    skip = list(range(n))
    parent, depth = tree.parent.tolist(), tree.depth.tolist()
    for link in np.argsort(-tree.back_depth, kind="stable").tolist():
        target, node = int(tree.back_depth[link]), int(tree.back_from[link])
        passed = []
        while True:
            while skip[node] != node:
                passed.append(node)
                node = skip[node]
            if depth[node] <= target + 1:
                break
            found[node] = target
            passed.append(node)
            skip[node] = parent[node]
            node = parent[node]
        for each in passed:
            skip[each] = node
    return found


def _side_reach(tree: RootedTree) -> list[int]:
    """Return (n,) the least depth reached by a node's parent and the parent's other parts, lone ones left out."""
    n = tree.parent.size
    own = np.full(n, NO_TARGET, np.int64)
    np.minimum.at(own, tree.back_from, tree.back_depth)
    least, second = own.tolist(), [NO_TARGET] * n
    by = [-1] * n
    parent, depth, low = tree.parent.tolist(), tree.depth.tolist(), tree.low.tolist()
    for node in tree.order[1:].tolist():
        above = parent[node]
        reached = low[node]
        if reached >= depth[above]:
            continue
        if reached < least[above]:
            least[above], second[above], by[above] = reached, least[above], node
        elif reached < second[above]:
            second[above] = reached
    side = [NO_TARGET] * n
    for node in tree.order[1:].tolist():
        above = parent[node]
        side[node] = second[above] if by[above] == node else least[above]
    return side


class _Search:
    """Lists the pairs node by node along the tree."""

    def __init__(
        self, tree: RootedTree, weight: FloatArray, access: FloatArray, repair_h: FloatArray, n_worst: int
    ) -> None:
        self.tree = tree
        self.single = tree.lost_with_node(weight).tolist()
        self.access, self.repair = access.tolist(), repair_h.tolist()
        self.least = LEAST_FRAC * float(weight.sum())
        self.n_worst = n_worst
        self.heap: list[tuple[float, int, int, float, float]] = []
        self.n_pairs = 0
        self.outside = 0.0

    def run(self, deadline: float) -> WorstPairs:
        """Return the worst pairs; a search cut short says so and bounds what it left out."""
        tree = self.tree
        parent, depth, low = tree.parent.tolist(), tree.depth.tolist(), tree.low.tolist()
        high, side = _highest_below_parent(tree), _side_reach(tree)
        children: list[list[int]] = [[] for _ in parent]
        for node in tree.order[1:].tolist():
            if low[node] < depth[parent[node]]:
                children[parent[node]].append(node)
        path = [tree.root] * (int(tree.depth.max(initial=0)) + 1)
        # Cells of the shared lists: ancestor, the node below it on the way, the next cell further up.
        above: list[tuple[int, int, int]] = []
        head: dict[int, int] = {}
        begin: dict[int, int] = {tree.root: -1}
        is_complete = True
        order = tree.order.tolist()
        for place, b in enumerate(order):
            path[depth[b]] = b
            if b == tree.root:
                continue
            if place % LOOK_EVERY == 0 and time.monotonic() > deadline:
                is_complete = False
                self._bound(order[place:])
                break
            p = parent[b]
            if p != tree.root:
                cell = head.get(p)
                if cell is None:
                    cell, a = begin[p], parent[p]
                    if a != tree.root and low[p] < depth[a]:
                        above.append((a, p, cell))
                        cell = len(above) - 1
                    head[p] = cell
            else:
                cell = -1
            most = side[b]
            while cell >= 0 and depth[above[cell][0]] > most:
                cell = above[cell][2]
            begin[b] = cell
            self._of_node(b, cell, (above, children[b], path), (depth, low, high))
        ranked = sorted(self.heap, key=lambda item: (-item[0], -item[1], -item[2]))
        return WorstPairs(tuple(self._pair(item) for item in ranked), self.n_pairs, self.outside, is_complete)

    def _of_node(
        self,
        b: int,
        cell: int,
        lists: tuple[list[tuple[int, int, int]], list[int], list[int]],
        reach: tuple[list[int], list[int], list[int]],
    ) -> None:
        """Note all pairs whose lower element is ``b``."""
        above, parts, path = lists
        depth, low, high = reach
        below = self.tree.below
        alone: dict[int, float] = {}
        for part in parts:
            if low[part] == high[part]:
                alone[low[part]] = alone.get(low[part], 0.0) + float(below[part])
        while cell >= 0:
            a, r, cell = above[cell]
            at = depth[a]
            excess = float(below[r]) - float(below[b])
            for part in parts:
                if low[part] >= at:
                    excess += float(below[part])
                elif high[part] > at:
                    break
            else:
                alone.pop(at, None)
                self._note(a, b, excess)
        for at, excess in alone.items():
            a, r = path[at], path[at + 1]
            if a != self.tree.root and low[r] < at:
                self._note(a, b, excess)

    def _note(self, a: int, b: int, excess: float) -> None:
        if excess <= self.least:
            return
        self.n_pairs += 1
        lost = self.single[a] + self.single[b] + excess
        score = lost * self.access[a] * self.access[b] * min(self.repair[a], self.repair[b])
        item = (score, -min(a, b), -max(a, b), lost, excess)
        if len(self.heap) < self.n_worst:
            heapq.heappush(self.heap, item)
        elif item[:3] > self.heap[0][:3]:
            self.outside = max(self.outside, heapq.heapreplace(self.heap, item)[0])
        else:
            self.outside = max(self.outside, score)

    def _bound(self, left: list[int]) -> None:
        """Raise the bound to what any pair with a node not looked at could score: all weight, easiest access."""
        most = float(self.tree.below[self.tree.root]) * max(self.access) * max(
            self.access[b] * self.repair[b] for b in left
        )  # fmt: skip
        self.outside = max(self.outside, most)

    def _pair(self, item: tuple[float, int, int, float, float]) -> Pair:
        score, first, second, lost, excess = item
        a, b = -first, -second
        access, repair = self.access[a] * self.access[b], min(self.repair[a], self.repair[b])
        return Pair(a, b, lost, excess, access, repair, score)
