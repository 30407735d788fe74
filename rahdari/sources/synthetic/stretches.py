"""Where fibre is published to lie, or to end before: the modelled fibre of today follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from rahdari.sources.synthetic.common import distance_km, nearest
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

    from rahdari.sources.synthetic.common import Floats, Ints

    Flags = NDArray[np.bool_]
    Pair = tuple[int, int]

LEAST_KM = 1e-6  # a way of no length would be no edge
HOP_KM = 5.0  # longest break of the roads that published fibre bridges: that between Naran and Kaghan is 2.9 km
HOP_DETOUR_RATIO = 1.3  # way over geodesic length, as in the repair of the roads
HOP_COST_RATIO = 10.0  # a break is bridged where the way round is longer than this many times its length
HOP = -1  # in place of a way


@dataclass(frozen=True, slots=True)
class Joint:
    """Fibre across a break of the roads: two nodes, kilometres, and whose it is."""

    from_node_id: str
    to_node_id: str
    length_km: float
    operator_id: str | None


@dataclass(frozen=True, slots=True)
class Stretched:
    """What is published of each way (n_ways,): fibre, none, the operator of the first fibre; and breaks bridged."""

    has_fibre: Flags
    is_bare: Flags
    operator_id: tuple[str | None, ...]
    joints: tuple[Joint, ...]


@dataclass(frozen=True, slots=True)
class _Graph:
    """Way (or HOP) and length of each pair of nodes, and the matrix of what a pair costs."""

    way: dict[Pair, int]
    km: dict[Pair, float]
    matrix: Any

    def between(self, start: int, stop: int) -> list[Pair]:
        """Return the pairs of nodes along the cheapest way; none where the ends are not joined."""
        before = dijkstra(self.matrix, indices=np.array([start]), return_predecessors=True)[1][0]
        pairs = []
        node = stop
        while before[node] >= 0:
            last = int(before[node])
            pairs.append((min(node, last), max(node, last)))
            node = last
        return pairs


def on_ways(stretches: pl.DataFrame | None, ways: pl.DataFrame, nodes: pl.DataFrame, usable: Flags) -> Stretched:
    """Return what ``fibre_stretches`` say of each way, rows of ``ways`` and ``nodes`` as given.

    A stretch is the shortest way over usable ways between the nodes nearest to its ends; published fibre also bridges
    short breaks of the roads where the way round is long.  A stretch whose ends are not joined says nothing.  A way
    with fibre by one stretch and without by another has fibre.
    """
    fibre, bare = np.zeros(ways.height, np.bool_), np.zeros(ways.height, np.bool_)
    owner: list[str | None] = [None] * ways.height
    if stretches is None or not stretches.height or not usable.any():
        return Stretched(fibre, bare, tuple(owner), ())
    names = nodes["row_node_id"].to_list()
    row, ends, km = _usable(ways, names, usable)
    joined = np.unique(ends)
    lon, lat = (nodes[name].to_numpy() for name in ("lon_deg", "lat_deg"))
    roads = _graph(ends, km, km, row, len(names))
    hops, hop_km = _hops(joined, lon, lat)
    bridged = _graph(
        np.concatenate([ends, hops]), np.concatenate([km, hop_km]), np.concatenate([km, hop_km * HOP_COST_RATIO]),
        np.concatenate([row, np.full(hop_km.size, HOP)]), len(names),
    )  # fmt: skip
    joints: dict[Pair, Joint] = {}
    for stretch in stretches.sort("stretch_id").iter_rows(named=True):
        graph = bridged if stretch["has_fibre"] else roads
        for pair in graph.between(*_ends_of(stretch, joined, lon, lat)):
            way = graph.way[pair]
            if way == HOP:
                a, b = (names[node] for node in pair)
                joints.setdefault(pair, Joint(a, b, graph.km[pair] * HOP_DETOUR_RATIO, stretch["operator_id"]))
            elif stretch["has_fibre"]:
                fibre[way] = True
                owner[way] = owner[way] or stretch["operator_id"]
            else:
                bare[way] = True
    return Stretched(fibre, bare & ~fibre, tuple(owner), tuple(joints[pair] for pair in sorted(joints)))


def _usable(ways: pl.DataFrame, names: list[str], usable: Flags) -> tuple[Ints, Ints, Floats]:
    """Return rows, ends (k, 2) and lengths of the usable ways."""
    index = {name: i for i, name in enumerate(names)}
    row = np.flatnonzero(usable)
    pairs = [(index[a], index[b]) for a, b in ways.select("from_node_id", "to_node_id").iter_rows()]
    return row, np.array(pairs, np.int64)[row], np.maximum(ways["length_km"].to_numpy()[row], LEAST_KM)


def _ends_of(stretch: Mapping[str, Any], joined: Ints, lon: Floats, lat: Floats) -> Pair:
    """Return the joined nodes nearest to the two ends of a stretch."""
    at = [
        int(joined[nearest([stretch[f"{end}_lon_deg"]], [stretch[f"{end}_lat_deg"]], lon[joined], lat[joined])[1][0]])
        for end in ("from", "to")
    ]
    return at[0], at[1]


def _hops(joined: Ints, lon: Floats, lat: Floats) -> tuple[Ints, Floats]:
    """Return the pairs (k, 2) of joined nodes that a break may lie between, and their distance."""
    to_x, to_y = np.radians(lon[joined]), np.radians(lat[joined])
    xyz = np.stack([np.cos(to_y) * np.cos(to_x), np.cos(to_y) * np.sin(to_x), np.sin(to_y)], axis=1)
    pairs = cKDTree(xyz).query_pairs(HOP_KM / EARTH_RADIUS_KM, output_type="ndarray").astype(np.int64)
    pair = joined[pairs].reshape(-1, 2)
    return pair, np.maximum(distance_km(lon[pair[:, 0]], lat[pair[:, 0]], lon[pair[:, 1]], lat[pair[:, 1]]), LEAST_KM)


def _graph(ends: Ints, km: Floats, cost: Floats, way: Ints, n_nodes: int) -> _Graph:
    """Return the graph of the cheapest (then the first) way of each pair of nodes."""
    low, high = ends.min(axis=1), ends.max(axis=1)
    order = np.lexsort((way, cost, high, low))
    is_first = np.ones(order.size, np.bool_)
    is_first[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    order = order[is_first & (low[order] != high[order])]
    a, b, c = low[order], high[order], cost[order]
    pairs = [(int(i), int(j)) for i, j in zip(a, b, strict=True)]
    matrix = csr_array((np.r_[c, c], (np.r_[a, b], np.r_[b, a])), shape=(n_nodes, n_nodes))
    return _Graph(
        dict(zip(pairs, way[order].tolist(), strict=True)), dict(zip(pairs, km[order].tolist(), strict=True)), matrix
    )
