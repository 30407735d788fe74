"""Minimum spanning forest of points on the sphere, by Borůvka rounds over a k-d tree.

Source of the method: Borůvka 1926; single-tree search with component pruning after
March, Ram & Gray, "Fast Euclidean minimum spanning tree", KDD 2010.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Bools, Floats, Ints

LEAF_SIZE = 8  # points in a tree leaf; 4 to 16 were equally fast at 2,000 to 100,000 points
_STACK = 128  # a balanced tree over 2**31 points is 31 deep; two entries a level
_NEAR_LIMIT = 1e-9  # relative width of the band in which the hop is decided by the haversine


@njit("float64(float64, float64, float64, float64, float64)", cache=True)
def haversine_km(lon_a_rad: float, lat_a_rad: float, lon_b_rad: float, lat_b_rad: float, radius_km: float) -> float:
    """Return the great-circle distance of two points in km."""
    half_lat = math.sin(0.5 * (lat_b_rad - lat_a_rad))
    half_lon = math.sin(0.5 * (lon_b_rad - lon_a_rad))
    h = half_lat * half_lat + math.cos(lat_a_rad) * math.cos(lat_b_rad) * half_lon * half_lon
    return 2.0 * radius_km * math.asin(math.sqrt(min(1.0, h)))


@njit("int64(float64[:, ::1], int64[::1], int64[:, ::1], float64[:, ::1])", cache=True)
def build_tree(xyz: Floats, order: Ints, node: Ints, box: Floats) -> int:
    """Fill a k-d tree over ``xyz`` (n, 3) and return its number of nodes.

    ``order`` (n,) is permuted so that each node owns a slice; ``node`` rows are (begin, end,
    left child or -1, right child); ``box`` rows are (lower xyz, upper xyz).
    """
    n = order.shape[0]
    count = 1
    node[0, 0], node[0, 1], node[0, 2], node[0, 3] = 0, n, -1, -1
    at = 0
    while at < count:
        begin, end = node[at, 0], node[at, 1]
        widest, axis = -1.0, 0
        for d in range(3):
            low, high = math.inf, -math.inf
            for i in range(begin, end):
                value = xyz[order[i], d]
                low, high = min(low, value), max(high, value)
            box[at, d], box[at, 3 + d] = low, high
            if high - low > widest:
                widest, axis = high - low, d
        if end - begin > LEAF_SIZE:
            part = order[begin:end].copy()
            key = np.empty(end - begin)
            for i in range(end - begin):
                key[i] = xyz[part[i], axis]
            order[begin:end] = part[np.argsort(key, kind="mergesort")]
            middle = (begin + end) // 2
            node[at, 2], node[at, 3] = count, count + 1
            node[count, 0], node[count, 1] = begin, middle
            node[count + 1, 0], node[count + 1, 1] = middle, end
            node[count, 2] = node[count, 3] = node[count + 1, 2] = node[count + 1, 3] = -1
            count += 2
        at += 1
    return count


@njit("int64(int64[::1], int64)", cache=True)
def find_root(parent: Ints, x: int) -> int:
    """Return the representative of ``x`` and halve its path."""
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


@njit("float64(float64[:, ::1], int64, float64[:, ::1], int64)", cache=True, inline="always")
def _box_gap2(box: Floats, at: int, xyz: Floats, p: int) -> float:
    """Return the squared distance from point ``p`` to a node's box."""
    gap2 = 0.0
    for d in range(3):
        under = box[at, d] - xyz[p, d]
        over = xyz[p, d] - box[at, 3 + d]
        if under > 0.0:
            gap2 += under * under
        elif over > 0.0:
            gap2 += over * over
    return gap2


@njit("void(int64[::1], int64[:, ::1], int64, int64[::1], int64[::1])", cache=True)
def _label_nodes(order: Ints, node: Ints, n_nodes: int, label: Ints, node_label: Ints) -> None:
    """Give each tree node the label all its points share, or -1."""
    for at in range(n_nodes - 1, -1, -1):
        if node[at, 2] >= 0:
            left, right = node_label[node[at, 2]], node_label[node[at, 3]]
            node_label[at] = left if left == right else -1
        else:
            shared = label[order[node[at, 0]]]
            for i in range(node[at, 0] + 1, node[at, 1]):
                if label[order[i]] != shared:
                    shared = -1
                    break
            node_label[at] = shared


@njit("boolean(float64, int64, int64, float64, int64, int64)", cache=True, inline="always")
def _is_before(d2: float, p: int, q: int, best_d2: float, best_p: int, best_q: int) -> bool:
    """Compare two edges by length, then by their lower and higher point: a strict total order."""
    if d2 != best_d2:
        return d2 < best_d2
    low, high = min(p, q), max(p, q)
    best_low, best_high = min(best_p, best_q), max(best_p, best_q)
    return low < best_low or (low == best_low and high < best_high)


@njit(
    "void(float64[:, ::1], float64[::1], float64[::1], int64[::1], int64[:, ::1], float64[:, ::1],"
    " int64[::1], int64[::1], float64[::1], int64[:, ::1], float64, float64, float64)",
    cache=True,
)
def _shortest_exits(
    xyz: Floats,
    lon: Floats,
    lat: Floats,
    order: Ints,
    node: Ints,
    box: Floats,
    label: Ints,
    node_label: Ints,
    best: Floats,
    pair: Ints,
    limit2: float,
    hop_km: float,
    radius_km: float,
) -> None:
    """Write for each component its shortest edge to another one, below the hop.

    ``best`` (n,) starts at inf; ``pair`` (n, 2) gets the edge of the component's label.
    """
    stack = np.empty(_STACK, np.int64)
    for slot in range(order.shape[0]):
        p = order[slot]
        mine = label[p]
        top = 1
        stack[0] = 0
        while top > 0:
            top -= 1
            at = stack[top]
            if node_label[at] == mine:
                continue
            gap2 = _box_gap2(box, at, xyz, p)
            if gap2 > best[mine] or gap2 > limit2:
                continue
            if node[at, 2] >= 0:
                left, right = node[at, 2], node[at, 3]
                if _box_gap2(box, left, xyz, p) <= _box_gap2(box, right, xyz, p):
                    left, right = right, left
                stack[top], stack[top + 1] = left, right
                top += 2
                continue
            for i in range(node[at, 0], node[at, 1]):
                q = order[i]
                if label[q] == mine:
                    continue
                dx, dy, dz = xyz[p, 0] - xyz[q, 0], xyz[p, 1] - xyz[q, 1], xyz[p, 2] - xyz[q, 2]
                d2 = dx * dx + dy * dy + dz * dz
                if d2 > limit2 or not _is_before(d2, p, q, best[mine], pair[mine, 0], pair[mine, 1]):
                    continue
                near_limit = d2 > limit2 * (1.0 - 4.0 * _NEAR_LIMIT)
                if near_limit and haversine_km(lon[p], lat[p], lon[q], lat[q], radius_km) >= hop_km:
                    continue
                best[mine], pair[mine, 0], pair[mine, 1] = d2, p, q


@njit(
    "int64(float64[:, ::1], float64[::1], float64[::1], boolean[::1], float64, float64, int64[:, ::1], int64[::1])",
    cache=True,
)
def spanning_forest(
    xyz: Floats,
    lon_rad: Floats,
    lat_rad: Floats,
    is_source: Bools,
    hop_km: float,
    radius_km: float,
    link: Ints,
    parent: Ints,
) -> int:
    """Write the minimum spanning forest with all sources as one point; return its number of links.

    ``xyz`` (n, 3) unit vectors of ``lon_rad``, ``lat_rad`` (n,); ``link`` (n, 2) gets the point
    pairs; ``parent`` (n,) gets a union-find forest whose roots name the components.
    """
    n = is_source.shape[0]
    first = -1
    for p in range(n):
        parent[p] = p
        if is_source[p]:
            first = p if first < 0 else first
            parent[p] = first
    order = np.arange(n)
    node = np.empty((2 * n + 1, 4), np.int64)
    box = np.empty((2 * n + 1, 6))
    n_nodes = build_tree(xyz, order, node, box)
    label, node_label = np.empty(n, np.int64), np.empty(n_nodes, np.int64)
    best, pair = np.empty(n), np.empty((n, 2), np.int64)
    half = min(hop_km / (2.0 * radius_km), 0.5 * math.pi)
    limit2 = (2.0 * math.sin(half)) ** 2 * (1.0 + _NEAR_LIMIT)
    count, before = 0, -1
    while count > before:
        before = count
        for p in range(n):
            label[p] = find_root(parent, p)
            best[p] = math.inf
            pair[p, 0], pair[p, 1] = n, n
        _label_nodes(order, node, n_nodes, label, node_label)
        _shortest_exits(
            xyz, lon_rad, lat_rad, order, node, box, label, node_label, best, pair, limit2, hop_km, radius_km
        )
        for c in range(n):
            if label[c] == c and best[c] < math.inf:
                a, b = find_root(parent, pair[c, 0]), find_root(parent, pair[c, 1])
                if a != b:
                    parent[max(a, b)] = min(a, b)
                    link[count, 0], link[count, 1] = pair[c, 0], pair[c, 1]
                    count += 1
    for p in range(n):
        parent[p] = find_root(parent, p)
    return count


@njit("float64[::1](float64[::1], float64[::1], int64[:, ::1], float64)", cache=True)
def link_lengths_km(lon_rad: Floats, lat_rad: Floats, link: Ints, radius_km: float) -> Floats:
    """Return the great-circle length of each link (k, 2) in km."""
    length = np.empty(link.shape[0])
    for k in range(link.shape[0]):
        a, b = link[k, 0], link[k, 1]
        length[k] = haversine_km(lon_rad[a], lat_rad[a], lon_rad[b], lat_rad[b], radius_km)
    return length
