"""Least cuts of a fractional flow after the loss of some links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.disjoint import pop, push

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Bools, Floats, Int32s, Ints

_OUT = -2  # of a node that the search has not met
_LEAST = 1e-9  # residual capacity below this is none; flows are of order one


@njit("int64(int64[::1], int32[::1], int32[::1], float64[::1], int64, int64, int64[::1], int64[::1])", cache=True)
def _spread(
    first: Ints, neighbour: Int32s, arc: Int32s, left: Floats, start: int, flip: int, via: Ints, queue: Ints
) -> int:
    """Fill ``via`` (n,) with the arc that joins each node to the search (-2 where none); return how many joined.

    With ``flip`` 1 instead of 0 arcs are followed from their heads.
    """
    via[:] = _OUT
    via[start] = -1
    queue[0], count, at = start, 1, 0
    while at < count:
        v = queue[at]
        at += 1
        for slot in range(first[v], first[v + 1]):
            w = neighbour[slot]
            x = arc[slot] ^ flip
            if via[w] == _OUT and left[x] > _LEAST:
                via[w] = x
                queue[count] = w
                count += 1
    return count


@njit(
    "float64(int64[::1], int32[::1], int32[::1], int32[::1], float64[::1], int64, int64, float64, boolean[::1],"
    " boolean[::1])",
    cache=True,
)
def least_cut(
    first: Ints, neighbour: Int32s, arc: Int32s, tail: Int32s, capacity: Floats, a: int, b: int, enough: float,
    near_a: Bools, near_b: Bools,
) -> float:  # fmt: skip
    """Return the greatest flow from ``a`` to ``b``, or any from ``enough`` on, and two least cuts.

    ``capacity`` (2m,) by arc.  ``near_a`` (n,) gets the nodes on the side of ``a`` of the cut nearest to it, ``near_b``
    those on the side of ``a`` of the cut nearest to ``b``; both only where the flow is below ``enough``.
    """
    n = first.shape[0] - 1
    left, via, queue = capacity.copy(), np.empty(n, np.int64), np.empty(n, np.int64)
    total = 0.0
    while total < enough:
        _spread(first, neighbour, arc, left, a, 0, via, queue)
        if via[b] == _OUT:
            break
        room, v = np.inf, b
        while v != a:
            room = min(room, left[via[v]])
            v = tail[via[v]]
        v = b
        while v != a:
            x = via[v]
            left[x] -= room
            left[x ^ 1] += room
            v = tail[x]
        total += room
    if total < enough:
        for v in range(n):
            near_a[v] = via[v] != _OUT
        _spread(first, neighbour, arc, left, b, 1, via, queue)
        for v in range(n):
            near_b[v] = via[v] == _OUT
    return total


@njit("void(int64[::1], int32[::1], int32[::1], float64[::1], int64, float64[::1])", cache=True)
def arc_distances(first: Ints, neighbour: Int32s, arc: Int32s, weight: Floats, a: int, best: Floats) -> None:
    """Write the least weights (n,) from ``a``; ``weight`` (2m,) goes with arcs, an infinite one closes its arc."""
    n_slots = arc.shape[0]
    done = np.zeros(best.shape[0], np.bool_)
    key, item = np.empty(n_slots + 2), np.empty(n_slots + 2, np.int64)
    best[:] = np.inf
    best[a] = 0.0
    size = push(key, item, 0, 0.0, a)
    while size > 0:
        v = item[0]
        size = pop(key, item, size)
        if done[v]:
            continue
        done[v] = True
        for slot in range(first[v], first[v + 1]):
            w = neighbour[slot]
            value = best[v] + weight[arc[slot]]
            if value < best[w]:
                best[w] = value
                size = push(key, item, size, value, w)
