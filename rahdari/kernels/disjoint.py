"""Cheapest disjoint ways by augmentation, from one source to one target or to all, and blocks of a graph.

Sources of the methods: Suurballe 1974; Bhandari 1999 (node-disjoint ways without a split graph); Suurballe and
Tarjan 1984 (all targets at once); Hopcroft and Tarjan 1973 (blocks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Bools, Floats, Int32s, Ints

    Flag = bool  # compiled functions are called by position
    Int8s = NDArray[np.int8]

_NONE = -1


@njit("int64(float64[::1], int64[::1], int64, float64, int64)", cache=True)
def push(key: Floats, item: Ints, size: int, value: float, what: int) -> int:
    """Add to a binary heap ordered by (value, item); return its new size."""
    at = size
    while at > 0:
        up = (at - 1) >> 1
        if key[up] < value or (key[up] == value and item[up] <= what):
            break
        key[at], item[at] = key[up], item[up]
        at = up
    key[at], item[at] = value, what
    return size + 1


@njit("int64(float64[::1], int64[::1], int64)", cache=True)
def pop(key: Floats, item: Ints, size: int) -> int:
    """Remove the first of the heap, which the caller has read; return its new size."""
    size -= 1
    value, what = key[size], item[size]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        right = down + 1
        if right < size and (key[right] < key[down] or (key[right] == key[down] and item[right] < item[down])):
            down = right
        if value < key[down] or (value == key[down] and what <= item[down]):
            break
        key[at], item[at] = key[down], item[down]
        at = down
    key[at], item[at] = value, what
    return size


@njit(
    "float64(int64[::1], int32[::1], int32[::1], float64[::1], boolean[::1], boolean[::1], int64, int64, int64[::1])",
    cache=True,
)
def shortest(
    first: Ints, neighbour: Int32s, arc: Int32s, cost: Floats, no_link: Bools, no_node: Bools, a: int, b: int, via: Ints
) -> float:
    """Return the least cost from ``a`` to ``b`` (or, with b < 0, fill the tree) without banned links and nodes.

    ``cost`` (m,) goes with links, arc // 2.  ``via`` (n,) gets the arc by which each node is entered, else -1.
    """
    n, n_slots = first.shape[0] - 1, arc.shape[0]
    best, done = np.full(n, np.inf), np.zeros(n, np.bool_)
    key, item = np.empty(n_slots + 2), np.empty(n_slots + 2, np.int64)
    via[:] = _NONE
    best[a] = 0.0
    size = push(key, item, 0, 0.0, a)
    while size > 0:
        v = item[0]
        size = pop(key, item, size)
        if done[v]:
            continue
        done[v] = True
        if v == b:
            return float(best[v])
        for slot in range(first[v], first[v + 1]):
            w, x = neighbour[slot], arc[slot]
            if done[w] or no_link[x >> 1] or no_node[w]:
                continue
            value = best[v] + cost[x >> 1]
            if value < best[w]:
                best[w], via[w] = value, x
                size = push(key, item, size, value, w)
    return np.inf


@njit("int64(int64[::1], int32[::1], int32[::1], int64, int64)", cache=True)
def neighbour_of(first: Ints, neighbour: Int32s, arc: Int32s, v: int, x: int) -> int:
    """Return the other end of the link of arc ``x`` at node ``v``."""
    for slot in range(first[v], first[v + 1]):
        if arc[slot] >> 1 == x >> 1:
            return int(neighbour[slot])
    return _NONE


@njit(
    "boolean(int64[::1], int32[::1], int32[::1], float64[::1], int64, int64, boolean, int8[::1], int64[::1],"
    " float64[::1], float64[::1], int64[::1], int64[::1])",
    cache=True,
)
def _augment(  # noqa: C901, PLR0912 - one loop over states
    first: Ints,
    neighbour: Int32s,
    arc: Int32s,
    cost: Floats,
    a: int,
    b: int,
    by_node: Flag,
    flow: Int8s,
    inflow: Ints,
    level: Floats,
    best: Floats,
    via: Ints,
    before: Ints,
) -> bool:
    """Search the residual graph; states 0..n-1 are entries of nodes, n..2n-1 exits (entries only, if not by node)."""
    n, n_slots = first.shape[0] - 1, arc.shape[0]
    shift = n if by_node else 0
    best[:] = np.inf
    done = np.zeros(best.shape[0], np.bool_)
    key, item = np.empty(2 * n_slots + 2 * n + 2), np.empty(2 * n_slots + 2 * n + 2, np.int64)
    best[a + shift] = 0.0
    size = push(key, item, 0, 0.0, a + shift)
    while size > 0:
        s = item[0]
        size = pop(key, item, size)
        if done[s]:
            continue
        done[s] = True
        if s == b:
            return True
        v = s - n if s >= n else s
        if by_node and s < n:
            # The entry of a used node leads only back along the way that uses it.
            x = inflow[v]
            u = neighbour_of(first, neighbour, arc, v, x)
            value = best[s] + max(0.0, level[v] - level[u + n] - cost[x >> 1])
            if value < best[u + n]:
                best[u + n], via[u + n], before[u + n] = value, x, s
                size = push(key, item, size, value, u + n)
            continue
        if by_node and inflow[v] >= 0:
            value = best[s] + max(0.0, level[s] - level[v])
            if value < best[v]:
                best[v], via[v], before[v] = value, _NONE, s
                size = push(key, item, size, value, v)
        for slot in range(first[v], first[v + 1]):
            w, x = neighbour[slot], arc[slot]
            if w in (a, v) or flow[x] or (by_node and flow[x ^ 1]):
                continue
            price = -cost[x >> 1] if flow[x ^ 1] else cost[x >> 1]
            value = best[s] + max(0.0, price + level[s] - level[w])
            if value >= best[w]:
                continue
            best[w], via[w], before[w] = value, x, s
            if by_node and inflow[w] < 0 and w != b:
                # An unused node is passed at once.
                t = w + n
                value += max(0.0, level[w] - level[t])
                if value < best[t]:
                    best[t], via[t], before[t] = value, _NONE, w
                    size = push(key, item, size, value, t)
            else:
                size = push(key, item, size, value, w)
    return False


@njit(
    "int64(int64[::1], int32[::1], int32[::1], float64[::1], int64, int64, int64, boolean, int8[::1], float64[::1],"
    " float64[::1])",
    cache=True,
)
def cheapest_flow(
    first: Ints,
    neighbour: Int32s,
    arc: Int32s,
    cost: Floats,
    a: int,
    b: int,
    n_ways: int,
    by_node: Flag,
    flow: Int8s,
    level: Floats,
    reached: Floats,
) -> int:
    """Write the cheapest flow of up to ``n_ways`` disjoint ways from ``a`` to ``b``; return how many there are.

    ``cost`` (m,) by link, zero or more; ``flow`` (2m,) gets 1 on the arcs used; ``level`` (n, or 2n by node) gets the
    node potentials that prove the cost; ``reached`` (same size) the last search's costs, infinite beyond a cut.
    """
    n = first.shape[0] - 1
    n_states = 2 * n if by_node else n
    via, before = np.empty(n_states, np.int64), np.empty(n_states, np.int64)
    inflow = np.full(n, _NONE, np.int64)
    flow[:] = 0
    level[:] = 0.0
    for found in range(n_ways):
        if not _augment(first, neighbour, arc, cost, a, b, by_node, flow, inflow, level, reached, via, before):
            return found
        for s in range(n_states):
            level[s] += min(reached[s], reached[b])
        s, start = b, a + (n if by_node else 0)
        while s != start:
            x = via[s]
            if x >= 0:
                # By node, exits are reached back along the arc that carries flow; else its twin tells.
                if by_node and s >= n:
                    flow[x] = 0
                elif flow[x ^ 1] and not by_node:
                    flow[x ^ 1] = 0
                else:
                    flow[x] = 1
            s = before[s]
        inflow[:] = _NONE
        for v in range(n):
            for slot in range(first[v], first[v + 1]):
                if flow[arc[slot]] and neighbour[slot] != b:
                    inflow[neighbour[slot]] = arc[slot]
    return n_ways


@njit("void(int64[::1], int32[::1], int32[::1], int32[::1])", cache=True)
def blocks(  # noqa: C901, PLR0912 - a recursion written out
    first: Ints, neighbour: Int32s, arc: Int32s, block: Int32s
) -> None:
    """Write for each link (m,) the number of its block: two links share one if a simple cycle holds both."""
    n = first.shape[0] - 1
    depth, low = np.full(n, _NONE, np.int64), np.zeros(n, np.int64)
    came, slot_at = np.full(n, _NONE, np.int64), first[:-1].copy()
    stack, held = np.empty(n + 1, np.int64), np.empty(block.shape[0], np.int64)
    n_held, n_blocks = 0, 0
    block[:] = _NONE
    for root in range(n):
        if depth[root] >= 0:
            continue
        top, stack[0], depth[root], low[root] = 1, root, 0, 0
        while top > 0:
            v = stack[top - 1]
            if slot_at[v] < first[v + 1]:
                slot = slot_at[v]
                slot_at[v] += 1
                w, link = neighbour[slot], arc[slot] >> 1
                if link == came[v]:
                    continue
                if w == v:
                    if block[link] < 0:
                        block[link] = n_blocks
                        n_blocks += 1
                elif depth[w] < 0:
                    held[n_held] = link
                    n_held += 1
                    came[w], depth[w], low[w] = link, depth[v] + 1, depth[v] + 1
                    stack[top] = w
                    top += 1
                elif depth[w] < depth[v]:
                    held[n_held] = link
                    n_held += 1
                    low[v] = min(low[v], depth[w])
                continue
            top -= 1
            if top == 0:
                continue
            u = stack[top - 1]
            low[u] = min(low[u], low[v])
            if low[v] >= depth[u]:
                while n_held > 0:
                    n_held -= 1
                    link = held[n_held]
                    block[link] = n_blocks
                    if link == came[v]:
                        break
                n_blocks += 1


@njit(
    "void(int64[::1], int32[::1], int32[::1], int64[::1], int64[::1], int64, int64, boolean[::1])",
    cache=True,
)
def separating(
    first: Ints, neighbour: Int32s, arc: Int32s, group_first: Ints, group_link: Ints, a: int, b: int, splits: Bools
) -> None:
    """Write for each group of links whether their loss leaves no way from ``a`` to ``b``."""
    n = first.shape[0] - 1
    is_lost = np.zeros(max(1, arc.shape[0] // 2), np.bool_)
    seen, queue = np.full(n, _NONE, np.int64), np.empty(n, np.int64)
    for group in range(group_first.shape[0] - 1):
        for i in range(group_first[group], group_first[group + 1]):
            is_lost[group_link[i]] = True
        queue[0], count, at = a, 1, 0
        seen[a] = group
        while at < count and seen[b] != group:
            v = queue[at]
            at += 1
            for slot in range(first[v], first[v + 1]):
                w = neighbour[slot]
                if seen[w] != group and not is_lost[arc[slot] >> 1]:
                    seen[w] = group
                    queue[count] = w
                    count += 1
        splits[group] = seen[b] != group
        for i in range(group_first[group], group_first[group + 1]):
            is_lost[group_link[i]] = False
