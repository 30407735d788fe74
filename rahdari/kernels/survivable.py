"""Routing all demands in all failure scenarios at once: shortest paths and flow balancing.

A scenario ``s`` holds a metric ``price[s]`` (m,) on the links that have not failed; over all scenarios the metrics of a
link add up to its cost.  Sum of demand times distance is then a lower bound (linear-programming duality of capacity
and multi-commodity flow: Iri 1971, Onaga and Kakusho 1971); the loads of any routing give an upper bound.
The iteration between both is the method of multipliers on ``load <= capacity`` (Hestenes 1969, Powell 1969), its
routing step a gradient projection over paths (Jayakrishnan et al. 1994).

Arrays shared by all functions: ``adj_start`` (n + 1,), ``adj_node``, ``adj_link`` (2 m,) give the links at a node;
``failed`` (S, m); ``source`` (K,) nodes, ``first`` (K + 1,) the first demand of each source, ``target`` (D,) nodes;
``amount`` (S, D) demand of a scenario, zero where none; ``slot_path``, ``slot_flow`` (S, D, P) paths in use, -1 where
empty; ``load`` (S, m).  A path pool: path ``p`` has the links ``path_link[path_start[p]:path_start[p + 1]]``;
``table`` finds paths by ``path_hash``; ``count`` is (paths, 1 where the pool was too small).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Bools, Floats, Int32s, Ints

    Hashes = NDArray[np.uint64]

_UNSEEN = -1
_SETTLED = -2
_NEARLY_ALL = 1.0 - 1e-9  # a move of this share of a flow moves all of it


@njit("void(float64[::1], int64[::1], int64[::1], int64, float64, int64)", cache=True, inline="always")
def _rise(key: Floats, item: Ints, place: Ints, at: int, value: float, node: int) -> None:
    """Put a node into a binary heap from place ``at`` upwards."""
    while at > 0:
        parent = (at - 1) >> 1
        if key[parent] <= value:
            break
        key[at], item[at] = key[parent], item[parent]
        place[item[at]] = at
        at = parent
    key[at], item[at], place[node] = value, node, at


@njit("void(float64[::1], int64[::1], int64[::1], int64)", cache=True, inline="always")
def _drop_top(key: Floats, item: Ints, place: Ints, size: int) -> None:
    """Take the top off a binary heap; ``size`` counts what remains."""
    place[item[0]] = _SETTLED
    if size == 0:
        return
    value, node, at = key[size], item[size], 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and key[child + 1] < key[child]:
            child += 1
        if key[child] >= value:
            break
        key[at], item[at] = key[child], item[child]
        place[item[at]] = at
        at = child
    key[at], item[at], place[node] = value, node, at


@njit(
    "void(int64[::1], int64[::1], int64[::1], float64[::1], boolean[::1], int64, boolean[::1], int64,"
    " float64[::1], int64[::1], int64[::1], float64[::1], int64[::1], int64[::1])",
    cache=True,
)
def shortest_tree(
    adj_start: Ints,
    adj_node: Ints,
    adj_link: Ints,
    price: Floats,
    failed: Bools,
    source: int,
    is_target: Bools,
    n_targets: int,
    distance: Floats,
    from_link: Ints,
    from_node: Ints,
    key: Floats,
    item: Ints,
    place: Ints,
) -> None:
    """Fill (n,) distances and the link and node before each, until ``n_targets`` targets are settled.

    A target that cannot be reached keeps the distance infinity.  The last three arrays (n,) are working space.
    """
    distance[:] = math.inf
    from_link[:] = _UNSEEN
    place[:] = _UNSEEN
    distance[source], key[0], item[0], place[source] = 0.0, 0.0, source, 0
    size = 1
    while size > 0:
        node, so_far = item[0], key[0]
        size -= 1
        _drop_top(key, item, place, size)
        if is_target[node]:
            n_targets -= 1
            if n_targets == 0:
                return
        for arc in range(adj_start[node], adj_start[node + 1]):
            link, other = adj_link[arc], adj_node[arc]
            value = so_far + price[link]
            if failed[link] or value >= distance[other]:
                continue
            distance[other], from_link[other], from_node[other] = value, link, node
            at = place[other]
            if at < 0:
                at = size
                size += 1
            _rise(key, item, place, at, value, other)


@njit("float64(int64, int64[::1], int32[::1], float64[::1])", cache=True, inline="always")
def _path_price(path: int, path_start: Ints, path_link: Int32s, price: Floats) -> float:
    """Return the sum of prices along a path."""
    total = 0.0
    for at in range(path_start[path], path_start[path + 1]):
        total += price[path_link[at]]
    return total


@njit("void(int64, float64, int64[::1], int32[::1], float64[::1])", cache=True, inline="always")
def _add_load(path: int, flow: float, path_start: Ints, path_link: Int32s, load: Floats) -> None:
    """Add a flow to the links of a path."""
    for at in range(path_start[path], path_start[path + 1]):
        load[path_link[at]] += flow


@njit(
    "int64(int64, int64, int64, int64[::1], int64[::1], uint64[::1], int64[::1], int32[::1], uint64[::1],"
    " int32[::1], int64[::1])",
    cache=True,
)
def _pooled_path(
    source: int,
    target: int,
    demand: int,
    from_link: Ints,
    from_node: Ints,
    word: Hashes,
    path_start: Ints,
    path_link: Int32s,
    path_hash: Hashes,
    table: Int32s,
    count: Ints,
) -> int:
    """Return the pool's number of the tree path to ``target``, made where it is new, or -1 where the pool is full."""
    sign = word[word.shape[0] - 1 - demand]
    length, node = 0, target
    while node != source:
        sign ^= word[from_link[node]]
        node = from_node[node]
        length += 1
    mask = table.shape[0] - 1
    at = np.int64(sign & np.uint64(mask))
    while table[at] >= 0:
        if path_hash[table[at]] == sign:
            return int(table[at])
        at = (at + 1) & mask
    path = int(count[0])
    if path >= path_hash.shape[0] or path_start[path] + length > path_link.shape[0]:
        count[1] = 1
        return -1
    end, node = path_start[path], target
    while node != source:
        path_link[end] = from_link[node]
        node = from_node[node]
        end += 1
    path_start[path + 1], path_hash[path] = end, sign
    table[at], count[0] = path, path + 1
    return path


@njit("float64(int32[::1], float64[::1], int64[::1], int32[::1], float64[::1])", cache=True)
def _tidy_slots(slot_path: Int32s, slot_flow: Floats, path_start: Ints, path_link: Int32s, price: Floats) -> float:
    """Keep the slots with flow and the cheapest one, closed up; return the least price (infinity: none)."""
    best, chosen = math.inf, -1
    for j in range(slot_path.shape[0]):
        if slot_path[j] >= 0:
            total = _path_price(int(slot_path[j]), path_start, path_link, price)
            if total < best:
                best, chosen = total, j
    end = 0
    for j in range(slot_path.shape[0]):
        path, flow = slot_path[j], slot_flow[j]
        slot_path[j], slot_flow[j] = _UNSEEN, 0.0
        if path >= 0 and (flow > 0.0 or j == chosen):
            slot_path[end], slot_flow[end] = path, flow
            end += 1
    return best


@njit(
    "void(int64, float64, int32[::1], float64[::1], float64[::1], int64[::1], int32[::1])",
    cache=True,
)
def _take_slot(
    path: int,
    amount: float,
    slot_path: Int32s,
    slot_flow: Floats,
    load: Floats,
    path_start: Ints,
    path_link: Int32s,
) -> None:
    """Give a new path a slot: the first empty one, else that of the smallest flow, which the new path takes over."""
    smallest = 0
    for j in range(slot_path.shape[0]):
        if slot_path[j] < 0:
            slot_path[j], slot_flow[j] = path, 0.0
            if j == 0:
                slot_flow[j] = amount
                _add_load(path, amount, path_start, path_link, load)
            return
        if slot_flow[j] < slot_flow[smallest]:
            smallest = j
    flow = slot_flow[smallest]
    if flow > 0.0:
        _add_load(int(slot_path[smallest]), -flow, path_start, path_link, load)
        _add_load(path, flow, path_start, path_link, load)
    slot_path[smallest] = path


@njit(
    "float64(int64[::1], int64[::1], int64[::1], boolean[::1], int64, int64, int64, int64[::1], float64[::1],"
    " float64[::1], int32[:, ::1], float64[:, ::1], float64[::1], uint64[::1], int64[::1], int32[::1], uint64[::1],"
    " int32[::1], int64[::1], float64, boolean[::1], float64[::1], int64[::1], int64[::1], float64[::1], int64[::1],"
    " int64[::1])",
    cache=True,
)
def _route_source(
    adj_start: Ints,
    adj_node: Ints,
    adj_link: Ints,
    failed: Bools,
    source: int,
    begin: int,
    end: int,
    target: Ints,
    amount: Floats,
    price: Floats,
    slot_path: Int32s,
    slot_flow: Floats,
    load: Floats,
    word: Hashes,
    path_start: Ints,
    path_link: Int32s,
    path_hash: Hashes,
    table: Int32s,
    count: Ints,
    tolerance: float,
    is_target: Bools,
    distance: Floats,
    from_link: Ints,
    from_node: Ints,
    key: Floats,
    item: Ints,
    place: Ints,
) -> float:
    """Give the demands ``begin`` to ``end`` of one source in one scenario slots for shorter paths.

    Returns the sum of demand times distance.  The last seven arrays (n,) are working space; ``is_target`` is all false.
    """
    left = 0
    for d in range(begin, end):
        if amount[d] > 0.0 and not is_target[target[d]]:
            is_target[target[d]] = True
            left += 1
    if left == 0:
        return 0.0
    shortest_tree(
        adj_start, adj_node, adj_link, price, failed, source, is_target, left,
        distance, from_link, from_node, key, item, place,
    )  # fmt: skip
    total = 0.0
    for d in range(begin, end):
        if amount[d] <= 0.0:
            continue
        is_target[target[d]] = False
        total += amount[d] * distance[target[d]]
        best = _tidy_slots(slot_path[d], slot_flow[d], path_start, path_link, price)
        if best * (1.0 - tolerance) <= distance[target[d]]:
            continue
        path = _pooled_path(
            source, target[d], d, from_link, from_node, word, path_start, path_link, path_hash, table, count
        )
        if path >= 0:
            _take_slot(path, amount[d], slot_path[d], slot_flow[d], load, path_start, path_link)
    return total


@njit(
    "void(int64[::1], int64[::1], int64[::1], boolean[:, ::1], int64[::1], int64[::1], int64[::1], float64[:, ::1],"
    " float64[:, ::1], int32[:, :, ::1], float64[:, :, ::1], float64[:, ::1], uint64[::1], int64[::1], int32[::1],"
    " uint64[::1], int32[::1], int64[::1], float64[::1], float64)",
    cache=True,
    nogil=True,
)
def price_paths(
    adj_start: Ints,
    adj_node: Ints,
    adj_link: Ints,
    failed: Bools,
    source: Ints,
    first: Ints,
    target: Ints,
    amount: Floats,
    price: Floats,
    slot_path: Int32s,
    slot_flow: Floats,
    load: Floats,
    word: Hashes,
    path_start: Ints,
    path_link: Int32s,
    path_hash: Hashes,
    table: Int32s,
    count: Ints,
    bound: Floats,
    tolerance: float,
) -> None:
    """Write into ``bound`` (S,) sum of demand times distance, and give every shorter path a slot.

    ``word`` (m + D,) holds random bits of links, and of demands from its end.  A path counts as shorter below the
    cheapest slot by the relative ``tolerance``.  Every demand must be reachable.
    """
    n = adj_start.shape[0] - 1
    distance, key = np.empty(n), np.empty(n)
    from_link, from_node = np.empty(n, np.int64), np.empty(n, np.int64)
    item, place = np.empty(n, np.int64), np.empty(n, np.int64)
    is_target = np.zeros(n, np.bool_)
    for s in range(amount.shape[0]):
        bound[s] = 0.0
        for k in range(source.shape[0]):
            bound[s] += _route_source(
                adj_start, adj_node, adj_link, failed[s], source[k], first[k], first[k + 1], target, amount[s],
                price[s], slot_path[s], slot_flow[s], load[s], word, path_start, path_link, path_hash, table, count,
                tolerance, is_target, distance, from_link, from_node, key, item, place,
            )  # fmt: skip


@njit("float64(float64, float64, float64, float64)", cache=True, inline="always")
def _slope(price: float, stiff: float, load: float, capacity: float) -> float:
    """Return the marginal cost of load on a link: its price and what it lacks in capacity."""
    return max(0.0, price + stiff * (load - capacity))


@njit("int64(float64[::1], float64[::1], int32[::1], int64[::1], int32[::1])", cache=True, inline="always")
def _cheapest_slot(slope: Floats, tie: Floats, slot_path: Int32s, path_start: Ints, path_link: Int32s) -> int:
    """Return the slot whose path has the least marginal cost; the first has always a path."""
    best, chosen = math.inf, 0
    for j in range(slot_path.shape[0]):
        if slot_path[j] >= 0:
            total = 0.0
            for at in range(path_start[slot_path[j]], path_start[slot_path[j] + 1]):
                total += slope[path_link[at]] + tie[path_link[at]]
            if total < best:
                best, chosen = total, j
    return chosen


@njit(
    "float64(int64, int64, float64, float64[::1], float64[::1], float64[::1], int64[::1], int32[::1], int64[::1],"
    " int64)",
    cache=True,
    inline="always",
)
def _newton_move(
    from_path: int,
    to_path: int,
    flow: float,
    tie: Floats,
    stiff: Floats,
    slope: Floats,
    path_start: Ints,
    path_link: Int32s,
    mark: Ints,
    stamp: int,
) -> float:
    """Return how much of a flow to move so that the cost never rises; mark links of one path and of both paths."""
    for at in range(path_start[to_path], path_start[to_path + 1]):
        mark[path_link[at]] = stamp
    gain, curve = 0.0, 0.0
    for at in range(path_start[from_path], path_start[from_path + 1]):
        link = path_link[at]
        if mark[link] == stamp:
            mark[link] = stamp + 1
            continue
        gain += slope[link] + tie[link]
        if slope[link] > 0.0:
            curve += stiff[link]
    for at in range(path_start[to_path], path_start[to_path + 1]):
        link = path_link[at]
        if mark[link] == stamp:
            gain -= slope[link] + tie[link]
            curve += stiff[link]
    if gain <= 0.0:
        return 0.0
    return gain / curve if gain < _NEARLY_ALL * curve * flow else flow


@njit(
    "void(int64, float64, int64, float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], int64[::1],"
    " int32[::1], int64[::1])",
    cache=True,
    inline="always",
)
def _shift(
    path: int,
    flow: float,
    skip: int,
    price: Floats,
    capacity: Floats,
    stiff: Floats,
    slope: Floats,
    load: Floats,
    path_start: Ints,
    path_link: Int32s,
    mark: Ints,
) -> None:
    """Add a flow to the links of a path that are not marked ``skip``, and renew their slopes."""
    for at in range(path_start[path], path_start[path + 1]):
        link = path_link[at]
        if mark[link] != skip:
            load[link] += flow
            slope[link] = _slope(price[link], stiff[link], load[link], capacity[link])


@njit(
    "int64(float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], int32[::1], float64[::1],"
    " float64[::1], int64[::1], int32[::1], int64[::1], int64)",
    cache=True,
)
def _balance_demand(
    price: Floats,
    tie: Floats,
    capacity: Floats,
    stiff: Floats,
    slope: Floats,
    slot_path: Int32s,
    slot_flow: Floats,
    load: Floats,
    path_start: Ints,
    path_link: Int32s,
    mark: Ints,
    stamp: int,
) -> int:
    """Move flow of one demand from each path to the cheapest one by a safe Newton step; return the next stamp."""
    to_slot = _cheapest_slot(slope, tie, slot_path, path_start, path_link)
    to_path = int(slot_path[to_slot])
    for j in range(slot_path.shape[0]):
        if slot_path[j] < 0 or j == to_slot or slot_flow[j] <= 0.0:
            continue
        path = int(slot_path[j])
        move = _newton_move(path, to_path, slot_flow[j], tie, stiff, slope, path_start, path_link, mark, stamp)
        if move > 0.0:
            slot_flow[j] -= move
            slot_flow[to_slot] += move
            _shift(path, -move, stamp + 1, price, capacity, stiff, slope, load, path_start, path_link, mark)
            _shift(to_path, move, stamp + 1, price, capacity, stiff, slope, load, path_start, path_link, mark)
        stamp += 2
    return stamp


@njit(
    "void(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1], float64[::1], int32[:, :, ::1],"
    " float64[:, :, ::1], float64[:, ::1], int64[::1], int32[::1], int64)",
    cache=True,
    nogil=True,
)
def balance_flows(
    amount: Floats,
    price: Floats,
    tie: Floats,
    capacity: Floats,
    stiff: Floats,
    slot_path: Int32s,
    slot_flow: Floats,
    load: Floats,
    path_start: Ints,
    path_link: Int32s,
    n_passes: int,
) -> None:
    """Lower, in every scenario, the sum over links of max(0, price + stiff (load - capacity))**2 / (2 stiff).

    ``tie`` (m,) is a small cost that decides between paths of equal slope; ``stiff`` (m,) the penalty's curvature.
    """
    m = capacity.shape[0]
    slope, mark = np.empty(m), np.zeros(m, np.int64)
    stamp = 1
    for s in range(amount.shape[0]):
        for link in range(m):
            slope[link] = _slope(price[s, link], stiff[link], load[s, link], capacity[link])
        for _ in range(n_passes):
            for d in range(amount.shape[1]):
                if amount[s, d] > 0.0 and slot_path[s, d, 1] >= 0:
                    stamp = _balance_demand(
                        price[s], tie, capacity, stiff, slope, slot_path[s, d], slot_flow[s, d], load[s],
                        path_start, path_link, mark, stamp,
                    )  # fmt: skip


@njit(
    "void(int64[::1], int64[::1], int64[::1], boolean[:, ::1], int64[::1], int64[::1], int64[::1], float64[:, ::1],"
    " float64[:, ::1], float64[::1], float64[::1], float64[::1], int32[:, :, ::1], float64[:, :, ::1],"
    " float64[:, ::1], uint64[::1], int64[::1], int32[::1], uint64[::1], int32[::1], int64[::1], float64, int64)",
    cache=True,
    nogil=True,
)
def sweep_paths(
    adj_start: Ints,
    adj_node: Ints,
    adj_link: Ints,
    failed: Bools,
    source: Ints,
    first: Ints,
    target: Ints,
    amount: Floats,
    price: Floats,
    tie: Floats,
    capacity: Floats,
    stiff: Floats,
    slot_path: Int32s,
    slot_flow: Floats,
    load: Floats,
    word: Hashes,
    path_start: Ints,
    path_link: Int32s,
    path_hash: Hashes,
    table: Int32s,
    count: Ints,
    tolerance: float,
    n_passes: int,
) -> None:
    """Lower what :func:`balance_flows` lowers, source by source, each with fresh shortest paths under the slopes."""
    n, m = adj_start.shape[0] - 1, capacity.shape[0]
    distance, key = np.empty(n), np.empty(n)
    from_link, from_node = np.empty(n, np.int64), np.empty(n, np.int64)
    item, place = np.empty(n, np.int64), np.empty(n, np.int64)
    is_target = np.zeros(n, np.bool_)
    slope, total, mark = np.empty(m), np.empty(m), np.zeros(m, np.int64)
    stamp = 1
    for s in range(amount.shape[0]):
        for link in range(m):
            slope[link] = _slope(price[s, link], stiff[link], load[s, link], capacity[link])
        for k in range(source.shape[0]):
            for link in range(m):
                total[link] = slope[link] + tie[link]
            _route_source(
                adj_start, adj_node, adj_link, failed[s], source[k], first[k], first[k + 1], target, amount[s],
                total, slot_path[s], slot_flow[s], load[s], word, path_start, path_link, path_hash, table, count,
                tolerance, is_target, distance, from_link, from_node, key, item, place,
            )  # fmt: skip
            for _ in range(n_passes):
                for d in range(first[k], first[k + 1]):
                    if amount[s, d] > 0.0 and slot_path[s, d, 1] >= 0:
                        stamp = _balance_demand(
                            price[s], tie, capacity, stiff, slope, slot_path[s, d], slot_flow[s, d], load[s],
                            path_start, path_link, mark, stamp,
                        )  # fmt: skip


@njit("void(int32[:, :, ::1], float64[:, :, ::1], float64[:, ::1], int64[::1], int32[::1])", cache=True, nogil=True)
def sum_loads(slot_path: Int32s, slot_flow: Floats, load: Floats, path_start: Ints, path_link: Int32s) -> None:
    """Write the loads (S, m) of the flows anew, free of the rounding of many small moves."""
    load[:] = 0.0
    for s in range(slot_path.shape[0]):
        for d in range(slot_path.shape[1]):
            for j in range(slot_path.shape[2]):
                if slot_path[s, d, j] >= 0:
                    _add_load(int(slot_path[s, d, j]), slot_flow[s, d, j], path_start, path_link, load[s])
