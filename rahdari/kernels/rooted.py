"""Cheapest pairs of arc-disjoint ways from one source to every node, in one computation.

Source of the method: Suurballe and Tarjan, "A quick method for finding shortest pairs of disjoint paths", Networks 14,
1984.  A node is taken out of the shortest-path tree when its extra cost is final; only arcs between the parts into
which that splits its tree can lower another node's, and of the parts all but the largest are walked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.disjoint import pop, push

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Ints

_NONE = -1


@njit(
    "int64(int64[::1], int64[::1], int64[::1], float64[::1], int64, float64[::1], int64[::1], int64[::1])", cache=True
)
def shortest_tree(
    out_first: Ints, out_arc: Ints, head: Ints, cost: Floats, source: int, dist: Floats, parent: Ints, order: Ints
) -> int:
    """Write least costs (n,), the arc into each node (-1 where none) and the nodes in order; return how many."""
    n, m = out_first.shape[0] - 1, head.shape[0]
    key, item, done = np.empty(m + 2), np.empty(m + 2, np.int64), np.zeros(n, np.bool_)
    dist[:] = np.inf
    parent[:] = _NONE
    dist[source] = 0.0
    size, count = push(key, item, 0, 0.0, source), 0
    while size > 0:
        v = item[0]
        size = pop(key, item, size)
        if done[v]:
            continue
        done[v] = True
        order[count] = v
        count += 1
        for slot in range(out_first[v], out_first[v + 1]):
            x = out_arc[slot]
            value = dist[v] + cost[x]
            if value < dist[head[x]]:
                dist[head[x]], parent[head[x]] = value, x
                size = push(key, item, size, value, head[x])
    return count


@njit("void(int64[::1], int64[::1], int64[::1], int64[::1], int64[::1])", cache=True)
def _children(tail: Ints, parent: Ints, order: Ints, first: Ints, child: Ints) -> None:
    """Write the tree's children in compressed rows."""
    first[:] = 0
    for i in range(order.shape[0]):
        if parent[order[i]] >= 0:
            first[tail[parent[order[i]]] + 1] += 1
    for v in range(first.shape[0] - 1):
        first[v + 1] += first[v]
    at = first.copy()
    for i in range(order.shape[0]):
        v = order[i]
        if parent[v] >= 0:
            u = tail[parent[v]]
            child[at[u]] = v
            at[u] += 1


@njit(
    "int64(int64, int64, int64, int64, int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64)",
    cache=True,
)
def _walk_part(
    start: int, old: int, new: int, count: int, tail: Ints, parent: Ints, first: Ints, child: Ints, tree: Ints,
    queue: Ints, v: int,
) -> int:  # fmt: skip
    """Give the part of tree ``old`` around ``start`` the number ``new``; append its nodes to ``queue``."""
    at = count
    queue[count], tree[start] = start, new
    count += 1
    while at < count:
        x = queue[at]
        at += 1
        if parent[x] >= 0 and tree[tail[parent[x]]] == old and tail[parent[x]] != v:
            u = tail[parent[x]]
            queue[count], tree[u] = u, new
            count += 1
        for i in range(first[x], first[x + 1]):
            if tree[child[i]] == old:
                queue[count], tree[child[i]] = child[i], new
                count += 1
    return count


@njit(
    "void(int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], float64[::1], int64, float64[::1],"
    " int64[::1], float64[::1], int64[::1], int64[::1])",
    cache=True,
)
def rooted_pairs(  # noqa: C901, PLR0912, PLR0915 - one loop over nodes

    out_first: Ints, out_arc: Ints, in_first: Ints, in_arc: Ints, tail: Ints, head: Ints, cost: Floats, source: int,
    dist: Floats, parent: Ints, extra: Floats, enter: Ints, because: Ints,
) -> None:  # fmt: skip
    """Write for every node ``v`` its cheapest pair of arc-disjoint ways from ``source``: it costs 2 dist + extra.

    Out and in arcs of nodes come in compressed rows.  ``parent`` (n,) are the arcs of the shortest-path tree, ``enter``
    the arc and ``because`` the node from which a pair is read (:func:`read_pair`); ``extra`` is infinite where no
    pair exists.
    """
    n = out_first.shape[0] - 1
    order = np.empty(n, np.int64)
    n_reached = shortest_tree(out_first, out_arc, head, cost, source, dist, parent, order)
    first, child = np.empty(n + 1, np.int64), np.empty(n, np.int64)
    _children(tail, parent, order[:n_reached], first, child)
    tree, below, total = np.full(n, -2, np.int64), np.ones(n, np.int64), np.zeros(n + 1, np.int64)
    stamp, queue = np.full(n + 1, _NONE, np.int64), np.empty(n, np.int64)
    for i in range(n_reached - 1, -1, -1):
        v = order[i]
        tree[v] = 0
        if parent[v] >= 0:
            below[tail[parent[v]]] += below[v]
    total[0], n_trees = n_reached, 1
    extra[:] = np.inf
    enter[:] = _NONE
    because[:] = _NONE
    key, item = np.empty(4 * tail.shape[0] + 2), np.empty(4 * tail.shape[0] + 2, np.int64)
    extra[source] = 0.0
    size = push(key, item, 0, 0.0, source)
    while size > 0:
        v, value = item[0], key[0]
        size = pop(key, item, size)
        if tree[v] < 0 or value > extra[v]:
            continue
        old = tree[v]
        tree[v] = -2
        # Find the largest part: it keeps the number and is not walked.
        upper = total[old] - below[v]
        largest, most = _NONE, upper
        for i in range(first[v], first[v + 1]):
            c = child[i]
            if tree[c] == old and below[c] > most:
                largest, most = c, below[c]
        u = tail[parent[v]] if parent[v] >= 0 else _NONE
        while u >= 0 and tree[u] == old:
            below[u] -= below[v]
            u = tail[parent[u]] if parent[u] >= 0 else _NONE
        count = 0
        stamp[old] = v
        if largest >= 0 and upper > 0:
            begin = count
            stamp[n_trees] = v
            count = _walk_part(tail[parent[v]], old, n_trees, count, tail, parent, first, child, tree, queue, v)
            total[n_trees] = count - begin
            n_trees += 1
        for i in range(first[v], first[v + 1]):
            c = child[i]
            if tree[c] == old and c != largest:
                begin = count
                stamp[n_trees] = v
                count = _walk_part(c, old, n_trees, count, tail, parent, first, child, tree, queue, v)
                total[n_trees] = count - begin
                n_trees += 1
        total[old] = most
        base = extra[v]
        for slot in range(out_first[v], out_first[v + 1]):
            x = out_arc[slot]
            y = head[x]
            if tree[y] >= 0 and stamp[tree[y]] == v and parent[y] != x:
                price = base + max(0.0, cost[x] + dist[v] - dist[y])
                if price < extra[y]:
                    extra[y], enter[y], because[y] = price, x, v
                    size = push(key, item, size, price, y)
        for i in range(count):
            z = queue[i]
            for slot in range(out_first[z], out_first[z + 1]):
                x = out_arc[slot]
                y = head[x]
                if tree[y] < 0 or tree[y] == tree[z] or stamp[tree[y]] != v or parent[y] == x:
                    continue
                price = base + max(0.0, cost[x] + dist[z] - dist[y])
                if price < extra[y]:
                    extra[y], enter[y], because[y] = price, x, v
                    size = push(key, item, size, price, y)
            for slot in range(in_first[z], in_first[z + 1]):
                x = in_arc[slot]
                y = tail[x]
                if tree[y] < 0 or tree[y] == tree[z] or stamp[tree[y]] != v or parent[z] == x:
                    continue
                price = base + max(0.0, cost[x] + dist[y] - dist[z])
                if price < extra[z]:
                    extra[z], enter[z], because[z] = price, x, v
                    size = push(key, item, size, price, z)


@njit("int64(int64[::1], int64[::1], int64[::1], int64[::1], int64, int64, int64[::1])", cache=True)
def read_pair(tail: Ints, parent: Ints, enter: Ints, because: Ints, source: int, target: int, arcs: Ints) -> int:
    """Write the arcs of both ways to ``target``, each from its end to its start; return the length of the first.

    ``arcs`` (2n,) holds the first way from the front; the second follows, ended by -1.
    """
    n = parent.shape[0]
    marked = np.zeros(n, np.bool_)
    v = target
    while v != source:
        marked[v] = True
        v = because[v]
    count, length = 0, 0
    for way in range(2):
        v = target
        while v != source:
            x = enter[v] if marked[v] else parent[v]
            marked[v] = False
            arcs[count] = x
            count += 1
            v = tail[x]
        if way == 0:
            length = count
    if count < arcs.shape[0]:
        arcs[count] = _NONE
    return length
