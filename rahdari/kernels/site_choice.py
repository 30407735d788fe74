"""What a candidate site is worth at prices of places: the fractional knapsack of each, in one pass over all edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Ints


@njit("void(int64[::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1])", cache=True)
def knapsacks(
    start: Ints, place: Ints, value: Floats, demand: Floats, capacity: Floats, worth: Floats, taken: Floats
) -> None:
    """Fill ``worth`` (candidates,) and ``taken`` (edges,) with what each candidate serves, dearest places first.

    ``value`` (places,) is paid for a unit served; places without value are left out.  Edges of candidate j are
    ``place[start[j]:start[j + 1]]`` in rising order, which settles ties.
    """
    for j in range(worth.size):
        worth[j] = 0.0
        first, last = start[j], start[j + 1]
        total = 0.0
        for e in range(first, last):
            paid = value[place[e]]
            taken[e] = demand[place[e]] if paid > 0.0 else 0.0
            total += taken[e]
            worth[j] += paid * taken[e]
        if total <= capacity[j]:
            continue
        order = np.argsort(-value[place[first:last]], kind="mergesort")
        room, worth[j] = capacity[j], 0.0
        for k in range(order.size):
            e = first + order[k]
            taken[e] = min(taken[e], room)
            room -= taken[e]
            worth[j] += value[place[e]] * taken[e]


@njit("float64(int64[::1], int64[::1], float64[::1], float64, int64)", cache=True)
def gain_of(start: Ints, place: Ints, left: Floats, capacity: float, j: int) -> float:
    """Return how much of what is left candidate j can serve."""
    total = 0.0
    for e in range(start[j], start[j + 1]):
        total += left[place[e]]
    return min(total, capacity)


@njit("void(int64[::1], int64[::1], float64[::1], float64[::1], int64[::1], int64, int64[::1])", cache=True)
def pick_greedily(
    start: Ints, place: Ints, left: Floats, capacity: Floats, candidates: Ints, n_sites: int, chosen: Ints
) -> None:
    """Fill ``chosen`` (n_sites,) with candidates, each the one that serves most of what is left, and lower ``left``.

    Gains only fall, so an old gain bounds the new one: a candidate is looked at again only when its old gain leads
    (Minoux 1978).  Ties go to the candidate named first.  Places that come first in a candidate's edges are served
    first.
    """
    gain = np.empty(candidates.size)
    for k in range(candidates.size):
        gain[k] = gain_of(start, place, left, capacity[candidates[k]], candidates[k])
    # A tree of maxima over candidates: the leader is found and lowered in as many steps as its depth.
    size = 1
    while size < candidates.size:
        size *= 2
    tree = np.full(2 * size, -1.0)
    tree[size : size + candidates.size] = gain
    for node in range(size - 1, 0, -1):
        tree[node] = max(tree[2 * node], tree[2 * node + 1])
    n_chosen = 0
    while n_chosen < n_sites:
        node = 1
        while node < size:
            node = 2 * node if tree[2 * node] >= tree[2 * node + 1] else 2 * node + 1
        k = node - size
        j = candidates[k]
        fresh = gain_of(start, place, left, capacity[j], j)
        if fresh >= tree[node]:
            chosen[n_chosen] = j
            n_chosen += 1
            room = fresh
            for e in range(start[j], start[j + 1]):
                served = min(left[place[e]], room)
                left[place[e]] -= served
                room -= served
            fresh = -1.0
        tree[node] = fresh
        while node > 1:
            node //= 2
            tree[node] = max(tree[2 * node], tree[2 * node + 1])
