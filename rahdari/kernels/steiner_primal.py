"""Trees for the prize-collecting Steiner forest: span, prune, insert paths, exchange corridors.

Node 0 is the root.  A tree is three arrays over nodes: ``into`` (arc from the parent or -1),
``parent`` (or -1) and a walking order in which parents come first.  Sources: Prim 1957; strong
pruning after Johnson, Minkoff & Phillips 2000; the exchange is a key-path exchange in the sense
of Uchoa & Werneck 2010, valued by best contiguous piece (Kadane) with prizes.
"""

# mypy: disable-error-code="assignment,arg-type,return-value,no-untyped-call"
# Types inside a kernel are Numba's; to mypy int and np.int64 are strangers.

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, types

from rahdari.kernels.steiner_dual import GRAPH, HUGE

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Bools, Int32s, Ints
    from rahdari.kernels.steiner_dual import Graph

    Tree = tuple[Int32s, Int32s, Int32s]

WAY_LIMIT = 256  # nodes looked back along a way before a shorter label is refused
_I8, _I4, _B1 = types.int64[::1], types.int32[::1], types.boolean[::1]
#: (arc into each node or -1, parent or -1, nodes with parents first)
TREE = types.Tuple((_I4, _I4, _I4))


@njit(TREE(GRAPH, _I8, _B1), cache=True)
def span(graph: Graph, arc_cost: Ints, is_allowed: Bools) -> Tree:
    """Grow the cheapest spanning tree (Prim) from the root over the allowed nodes it can reach."""
    ptr, nbr, arc, _ = graph
    n = ptr.shape[0] - 1
    into, parent = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    best = np.full(n, HUGE, np.int64)
    is_done = np.zeros(n, np.bool_)
    order = np.empty(n, np.int32)
    count = 0
    best[0] = 0
    heap = [(np.int64(0), np.int64(0))]
    while len(heap) > 0:
        _, x = heapq.heappop(heap)
        if is_done[x]:
            continue
        is_done[x] = True
        order[count] = x
        count += 1
        for k in range(ptr[x], ptr[x + 1]):
            y = nbr[k]
            if is_allowed[y] and not is_done[y] and arc_cost[arc[k]] < best[y]:
                best[y] = arc_cost[arc[k]]
                into[y], parent[y] = arc[k], x
                heapq.heappush(heap, (best[y], np.int64(y)))
    return into, parent, order[:count].copy()


@njit(types.Tuple((types.int64, _B1, _I8))(_I8, _I8, TREE), cache=True)
def prune(weight: Ints, prize: Ints, tree: Tree) -> tuple[int, Bools, Ints]:
    """Cut off every branch that costs more than it earns, in place.

    Returns the cost (edges kept + prizes missed), the nodes kept, and each kept node's value:
    its prize and what its branches earn above their cost.
    """
    into, parent, order = tree
    n = into.shape[0]
    value = prize.copy()
    is_kept = np.zeros(n, np.bool_)
    for i in range(order.shape[0] - 1, 0, -1):
        x = order[i]
        earned = value[x] - weight[into[x] >> 1]
        if earned > 0:
            value[parent[x]] += earned
    cost = np.int64(0)
    for x in range(1, n):
        cost += prize[x]
    is_kept[0] = True
    for i in range(1, order.shape[0]):
        x = order[i]
        edge = into[x] >> 1
        if is_kept[parent[x]] and value[x] - weight[edge] > 0:
            is_kept[x] = True
            cost += weight[edge] - prize[x]
    for x in range(n):
        if not is_kept[x]:
            into[x], parent[x] = -1, -1
    return cost, is_kept, value


@njit(types.Tuple((_I8, _I4, _I4))(GRAPH, _I8, _I8, _B1), cache=True)
def reach_out(graph: Graph, weight: Ints, prize: Ints, is_kept: Bools) -> tuple[Ints, Int32s, Int32s]:
    """Shortest ways from the tree to all nodes, prizes on the way counted off as far as they go.

    Returns distance, previous node (-1 on the tree and out of reach) and the tree node it starts from.
    """
    ptr, nbr, arc, _ = graph
    n = ptr.shape[0] - 1
    distance = np.full(n, HUGE, np.int64)
    before, base = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    # Settled once: a prize shortens the way on, and could otherwise lead back to where it came from.
    is_done = np.zeros(n, np.bool_)
    heap = [(np.int64(0), np.int64(0))]
    heap.pop()
    for x in range(n):
        if is_kept[x]:
            distance[x], base[x] = 0, x
            heap.append((np.int64(0), np.int64(x)))
    while len(heap) > 0:
        d, x = heapq.heappop(heap)
        if is_done[x]:
            continue
        is_done[x] = True
        out = d if is_kept[x] else max(np.int64(0), d - prize[x])
        for k in range(ptr[x], ptr[x + 1]):
            y = nbr[k]
            reached = out + weight[arc[k] >> 1]
            if not is_done[y] and reached < distance[y]:
                distance[y], before[y], base[y] = reached, x, base[x]
                heapq.heappush(heap, (reached, np.int64(y)))
    return distance, before, base


@njit(types.boolean(_I4, _B1, types.int64, types.int64), cache=True)
def _is_behind(before: Int32s, is_kept: Bools, x: int, y: int) -> bool:
    """Return whether the way to ``x`` comes through ``y``, or is too long to look."""
    for _ in range(WAY_LIMIT):
        if x < 0 or is_kept[x]:
            return False
        if x == y:
            return True
        x = np.int64(before[x])
    return True


@njit(types.int64(GRAPH, _I8, _I8, _B1), cache=True)
def insert_paths(graph: Graph, weight: Ints, prize: Ints, is_kept: Bools) -> int:
    """Add to ``is_kept`` the ways to terminals that pay for them; return how many ways were added."""
    ptr, nbr, arc, _ = graph
    n = ptr.shape[0] - 1
    distance, before = np.full(n, HUGE, np.int64), np.full(n, -1, np.int32)
    is_done = np.zeros(n, np.bool_)
    heap = [(np.int64(0), np.int64(0))]
    heap.pop()
    for x in range(n):
        if is_kept[x]:
            distance[x] = 0
            heap.append((np.int64(0), np.int64(x)))
    added = 0
    while len(heap) > 0:
        d, x = heapq.heappop(heap)
        if d > distance[x]:
            continue
        is_done[x] = True
        if d > 0 and not is_kept[x] and prize[x] > d:
            y = x
            while y >= 0 and not is_kept[y]:
                is_kept[y] = True
                distance[y] = 0
                heapq.heappush(heap, (np.int64(0), np.int64(y)))
                y = before[y]
            added += 1
            d = np.int64(0)
        out = d if is_kept[x] else max(np.int64(0), d - prize[x])
        for k in range(ptr[x], ptr[x + 1]):
            y = nbr[k]
            reached = out + weight[arc[k] >> 1]
            if not is_kept[y] and reached < distance[y]:
                # A prize shortens the way on: it must not lead back to where it came from.
                if is_done[y] and _is_behind(before, is_kept, x, y):
                    continue
                distance[y], before[y] = reached, x
                heapq.heappush(heap, (reached, np.int64(y)))
    return added


@njit(types.Tuple((types.int64, types.int64, types.int64))(_I8, _I8, TREE, _I8, types.int64, types.int64), cache=True)
def _best_piece(weight: Ints, value: Ints, tree: Tree, depth: Ints, a: int, b: int) -> tuple[int, int, int]:
    """Find the piece of the tree way a-b whose removal saves most; neither leg may pass the meeting node.

    Returns (saving, lowest node of the piece, node above the piece).
    """
    into, parent, _ = tree
    x, y = a, b
    best, best_low, best_high = np.int64(-1), np.int64(-1), np.int64(-1)
    sum_x, low_x, sum_y, low_y = np.int64(0), x, np.int64(0), y
    while x != y:
        if depth[x] >= depth[y]:
            w = weight[into[x] >> 1]
            if sum_x <= 0:
                sum_x, low_x = w, x
            else:
                sum_x += w
            up = parent[x]
            if sum_x > best:
                best, best_low, best_high = sum_x, low_x, up
            sum_x -= value[up] - (value[x] - w)
            x = up
        else:
            w = weight[into[y] >> 1]
            if sum_y <= 0:
                sum_y, low_y = w, y
            else:
                sum_y += w
            up = parent[y]
            if sum_y > best:
                best, best_low, best_high = sum_y, low_y, up
            sum_y -= value[up] - (value[y] - w)
            y = up
    return best, best_low, best_high


@njit(
    types.int64(GRAPH, _I8, _I8, TREE, _B1, _I8, types.int64),
    cache=True,
)
def exchange(  # noqa: C901, PLR0912, PLR0915 - collect, order and apply share the reach arrays
    graph: Graph, weight: Ints, prize: Ints, tree: Tree, is_kept: Bools, value: Ints, most: int
) -> int:
    """Swap corridors: add a way between two tree nodes, drop the piece of the cycle that saves most.

    Changes ``is_kept`` (the caller spans and prunes again) by up to ``most`` swaps that do not
    touch one another, best first; returns how many.
    """
    tail = graph[3]
    into, parent, order = tree
    n = is_kept.shape[0]
    depth = np.zeros(n, np.int64)
    for i in range(1, order.shape[0]):
        x = order[i]
        if is_kept[x]:
            depth[x] = depth[parent[x]] + 1
    distance, before, base = reach_out(graph, weight, prize, is_kept)
    gains = [np.int64(0)]
    edges = [np.int64(0)]
    gains.pop()
    edges.pop()
    for e in range(weight.shape[0]):
        x, y = tail[2 * e], tail[2 * e + 1]
        if base[x] < 0 or base[y] < 0 or base[x] == base[y] or into[x] >> 1 == e or into[y] >> 1 == e:
            continue
        out_x = np.int64(0) if is_kept[x] else max(np.int64(0), distance[x] - prize[x])
        out_y = np.int64(0) if is_kept[y] else max(np.int64(0), distance[y] - prize[y])
        cost = out_x + weight[e] + out_y
        saving, _, _ = _best_piece(weight, value, tree, depth, base[x], base[y])
        if saving > cost:
            gains.append(cost - saving)
            edges.append(np.int64(e))
    ranked = np.argsort(np.array(gains), kind="mergesort")
    is_touched = np.zeros(n, np.bool_)
    is_broken = np.zeros(n, np.bool_)
    count = 0
    for i in range(ranked.shape[0]):
        if count >= most:
            break
        e = edges[ranked[i]]
        ends = (np.int64(tail[2 * e]), np.int64(tail[2 * e + 1]))
        a, b = np.int64(base[ends[0]]), np.int64(base[ends[1]])
        is_free = not is_touched[a] and not is_touched[b]
        for end in ends:
            y = end
            while y >= 0 and not is_kept[y] and is_free:
                is_free = not is_touched[y]
                y = before[y]
        x, y = a, b
        while x != y and is_free:
            if depth[x] >= depth[y]:
                is_free = not is_broken[x]
                x = parent[x]
            else:
                is_free = not is_broken[y]
                y = parent[y]
        if not is_free:
            continue
        _, low, high = _best_piece(weight, value, tree, depth, a, b)
        x = parent[low]
        while x != high and is_free:
            is_free = not is_touched[x]
            x = parent[x]
        if not is_free:
            continue
        for end in ends:
            y = end
            while y >= 0 and not is_touched[y]:
                is_touched[y] = True
                y = before[y] if base[y] != y else np.int64(-1)
        is_touched[low], is_broken[low], is_touched[high] = True, True, True
        x = np.int64(parent[low])
        while x != high:
            is_touched[x], is_broken[x] = True, True
            x = np.int64(parent[x])
        # Flags of the tree change only after all ways were read from them.
        count += 1
        gains.append(np.int64(e))
        edges.append((low << 32) | high)
    for i in range(len(gains) - count, len(gains)):
        e = gains[i]
        low, high = edges[i] >> 32, edges[i] & ((np.int64(1) << 32) - 1)
        for end in (np.int64(tail[2 * e]), np.int64(tail[2 * e + 1])):
            y = end
            while y >= 0 and not is_kept[y]:
                is_kept[y] = True
                y = np.int64(before[y])
        x = np.int64(parent[low])
        while x != high:
            is_kept[x] = False
            x = np.int64(parent[x])
    return count
