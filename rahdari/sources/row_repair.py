"""Repair a graph of ways: join roads and railways where the data left them unjoined.

The open road network is cut where two of its pieces were simplified apart: nodes some
hundred metres from each other with no edge between them.  At Hunza this cuts the road to
China, and Kashgar reaches Gilgit by way of Kabul, 1,879 km instead of some 560.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import Geod
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra, minimum_spanning_tree
from scipy.spatial import cKDTree

from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.sources.packages.roads import WayGraph

ROAD, RAILWAY, JOINT, GAP = 0, 1, 2, 3  # a gap is a joint longer than SNAP_KM, assumed rather than derived
SNAP_KM = 1.0  # nodes nearer than this are taken to be joined on the ground; closes the gap at Hunza (0.24 km)
DETOUR_KM = 5.0  # where the way round is shorter than this nothing is missing, and a joint would be a false bypass
GAP_KM = 25.0  # longest way assumed between a detached piece and the rest of a country
GAP_DETOUR_RATIO = 1.3  # way over geodesic length; median of hilly roads in the same data, 1.2 to 1.4
MILLI = 1000.0  # nodes are known to a thousandth of a degree
N_LON_MILLI = 360_001  # longitudes from -180.000 to 180.000
M_PER_KM = 1000.0
WGS84 = Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class Ways:
    """A graph of ways: nodes (n,) sorted by ``node_code``, edges (m,) with kinds ROAD, RAILWAY, JOINT or GAP.

    ``node_code`` is made of the coordinates in thousandths of a degree, so it is the same in
    every build and in every country.
    """

    node_code: NDArray[np.int64]
    edge_from: NDArray[np.int64]
    edge_to: NDArray[np.int64]
    length_km: NDArray[np.float64]
    kind: NDArray[np.int8]

    @property
    def lat_deg(self) -> NDArray[np.float64]:
        """Return latitudes of the nodes, (n,) degrees."""
        return np.asarray(self.node_code // N_LON_MILLI / MILLI - 90.0).round(3)

    @property
    def lon_deg(self) -> NDArray[np.float64]:
        """Return longitudes of the nodes, (n,) degrees."""
        return np.asarray(self.node_code % N_LON_MILLI / MILLI - 180.0).round(3)

    def matrix(self) -> csr_matrix[Any]:
        """Return the symmetric matrix of lengths, km; of parallel edges the shortest."""
        return matrix_of(len(self.node_code), self.edge_from, self.edge_to, self.length_km)

    def with_edges(self, pairs: NDArray[np.int64], length_km: NDArray[np.float64], kind: int) -> Ways:
        """Return the graph with more edges: ``pairs`` (k, 2) of node numbers, lengths (k,) km, of one kind."""
        return Ways(
            self.node_code,
            np.r_[self.edge_from, pairs[:, 0]],
            np.r_[self.edge_to, pairs[:, 1]],
            np.r_[self.length_km, length_km],
            np.r_[self.kind, np.full(len(pairs), kind, dtype=np.int8)],
        )

    def kept(self, keep: NDArray[np.bool_]) -> Ways:
        """Return the part whose nodes are kept, (n,) flags, and the edges between them."""
        index = np.cumsum(keep) - 1
        edges = keep[self.edge_from] & keep[self.edge_to]
        return Ways(
            self.node_code[keep],
            index[self.edge_from[edges]],
            index[self.edge_to[edges]],
            self.length_km[edges],
            self.kind[edges],
        )

    def nearest_node(self, lon_deg: float, lat_deg: float) -> int:
        """Return the number of the node nearest to a point by great circle, of those that have an edge."""
        joined_up = np.unique(np.r_[self.edge_from, self.edge_to])
        joined_up = joined_up if len(joined_up) else np.arange(len(self.node_code))
        tree = cKDTree(sphere_km(self.lon_deg[joined_up], self.lat_deg[joined_up]))
        return int(joined_up[tree.query(sphere_km([lon_deg], [lat_deg])[0])[1]])

    def way_km(self, start: tuple[float, float], stop: tuple[float, float]) -> float:
        """Return the shortest way, km, between the nodes nearest to two (lon, lat) points; inf where unjoined."""
        return float(shortest(self.matrix(), self.nearest_node(*start))[0][self.nearest_node(*stop)])


def matrix_of(
    n_nodes: int, edge_from: NDArray[np.int64], edge_to: NDArray[np.int64], length_km: NDArray[np.float64]
) -> csr_matrix[Any]:
    """Return the symmetric (n_nodes, n_nodes) matrix of lengths, km; of parallel edges the shortest."""
    low, high = np.minimum(edge_from, edge_to), np.maximum(edge_from, edge_to)
    order = np.lexsort((length_km, high, low))
    low, high, km = low[order], high[order], length_km[order]
    first = low != high
    first[1:] &= (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    low, high, km = low[first], high[first], np.maximum(km[first], 1.0 / M_PER_KM)  # a zero would mean no edge
    return csr_matrix((np.r_[km, km], (np.r_[low, high], np.r_[high, low])), shape=(n_nodes, n_nodes))


def shortest(matrix: Any, start: int | NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:  # noqa: ANN401 - scipy's matrices
    """Return (km (n,), node before (n,), negative at a start) of the shortest ways from the nearest of the starts."""
    km, before, _ = dijkstra(
        matrix, directed=False, indices=np.atleast_1d(start), return_predecessors=True, min_only=True
    )
    return np.asarray(km), np.asarray(before, dtype=np.int64)


def traced(before: NDArray[np.int64], stop: int) -> list[int]:
    """Return the nodes of the way that ends at ``stop``, last first, by the second result of :func:`shortest`."""
    way = [stop]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    return way


def sphere_km(lon_deg: Any, lat_deg: Any) -> NDArray[np.float64]:  # noqa: ANN401 - any array
    """Return points on the sphere of radius 6371.0 km, (n, 3) km; chords of 1 km equal arcs to a micrometre."""
    lon, lat = np.radians(np.asarray(lon_deg, dtype=float)), np.radians(np.asarray(lat_deg, dtype=float))
    xyz = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    return np.asarray(EARTH_RADIUS_KM * xyz)


def geodesic_km(
    lon_a: NDArray[np.float64], lat_a: NDArray[np.float64], lon_b: NDArray[np.float64], lat_b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return geodesic lengths on the WGS 84 ellipsoid, (n,) km."""
    return np.asarray(WGS84.inv(lon_a, lat_a, lon_b, lat_b)[2]) / M_PER_KM


def node_codes(lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the code of each coordinate, (n,): thousandths of a degree from the south pole and 180 W."""
    lat_milli = np.rint((lat_deg + 90.0) * MILLI).astype(np.int64)
    lon_milli = np.rint((lon_deg + 180.0) * MILLI).astype(np.int64)
    return np.asarray(lat_milli * N_LON_MILLI + lon_milli)


def combined(roads: WayGraph, railways: WayGraph) -> Ways:
    """Return roads and railways as one graph; nodes at the same coordinate are one node."""
    codes = [node_codes(graph.lon_deg, graph.lat_deg) for graph in (roads, railways)]
    node_code = np.unique(np.concatenate(codes))
    ends: list[list[NDArray[np.int64]]] = [[], []]
    for graph, code in zip((roads, railways), codes, strict=True):
        number = np.searchsorted(node_code, code)
        ends[0].append(number[graph.edge_from])
        ends[1].append(number[graph.edge_to])
    low = np.minimum(np.concatenate(ends[0]), np.concatenate(ends[1]))
    high = np.maximum(np.concatenate(ends[0]), np.concatenate(ends[1]))
    length_km = np.r_[roads.length_km, railways.length_km]
    kind = np.repeat(np.array([ROAD, RAILWAY], dtype=np.int8), [len(roads.length_km), len(railways.length_km)])
    order = np.lexsort((length_km, kind, high, low))
    low, high, length_km, kind = low[order], high[order], length_km[order], kind[order]
    first = low != high
    first[1:] &= (low[1:] != low[:-1]) | (high[1:] != high[:-1]) | (kind[1:] != kind[:-1])
    return Ways(node_code, low[first], high[first], length_km[first], kind[first])


def _is_reached(
    neighbours: list[dict[int, float]], xyz: list[tuple[float, float, float]], start: int, stop: int, limit_km: float
) -> bool:
    """Return whether a way of at most ``limit_km`` leads from ``start`` to ``stop``; ``xyz`` are km, (n, 3).

    Nodes too far from ``stop`` to lie on such a way are never opened (A* with the chord as bound).
    """
    x, y, z = xyz[stop]
    best = {start: 0.0}
    queue = [(math.dist(xyz[start], (x, y, z)), 0.0, start)]
    while queue:
        _, km, node = heapq.heappop(queue)
        if node == stop:
            return True
        if km > best[node]:
            continue
        for other, step in neighbours[node].items():
            far = km + step
            if far < best.get(other, np.inf):
                least = far + math.dist(xyz[other], (x, y, z))
                if least <= limit_km:
                    best[other] = far
                    heapq.heappush(queue, (least, far, other))
    return False


def joined(ways: Ways, snap_km: float = SNAP_KM, detour_km: float = DETOUR_KM) -> Ways:
    """Return the graph with a joint wherever nodes nearer than ``snap_km`` have no way round up to ``detour_km``.

    The nearest pair is joined first, and each joint counts as a way round for the next, so one
    break gets one joint.
    """
    lon, lat = ways.lon_deg, ways.lat_deg
    points = sphere_km(lon, lat)
    pairs = cKDTree(points).query_pairs(snap_km, output_type="ndarray").astype(np.int64)
    if not len(pairs):
        return ways
    length_km = geodesic_km(lon[pairs[:, 0]], lat[pairs[:, 0]], lon[pairs[:, 1]], lat[pairs[:, 1]])
    order = np.lexsort((pairs[:, 1], pairs[:, 0], length_km))
    neighbours: list[dict[int, float]] = [{} for _ in ways.node_code]
    edges = zip(ways.edge_from.tolist(), ways.edge_to.tolist(), ways.length_km.tolist(), strict=True)
    for start, stop, km in edges:
        shorter = min(km, neighbours[start].get(stop, np.inf))
        neighbours[start][stop] = neighbours[stop][start] = shorter
    xyz = list(map(tuple, points.tolist()))
    new = []
    for row in order.tolist():
        start, stop = int(pairs[row, 0]), int(pairs[row, 1])
        if stop in neighbours[start] or _is_reached(neighbours, xyz, start, stop, detour_km):
            continue
        neighbours[start][stop] = neighbours[stop][start] = float(length_km[row])
        new.append(row)
    return ways.with_edges(pairs[new], length_km[new], JOINT)


def bridged(ways: Ways, land_part: NDArray[np.int64], gap_km: float = GAP_KM) -> Ways:
    """Return the graph with assumed gaps from detached pieces to the nearest other piece on the same land.

    ``land_part`` (n,) numbers the piece of land of each node, below zero outside the country: sea is
    never bridged.  Pieces are joined nearest first, until none is nearer than ``gap_km``.
    """
    n_pieces, piece = connected_components(ways.matrix(), directed=False)
    xyz = sphere_km(ways.lon_deg, ways.lat_deg)
    candidates: list[tuple[float, int, int]] = []
    for part in np.unique(land_part[land_part >= 0]).tolist():
        here = np.flatnonzero(land_part == part)
        main = np.bincount(piece[here]).argmax()
        for number in np.unique(piece[here]).tolist():
            if number != main:
                inside, outside = here[piece[here] == number], here[piece[here] != number]
                found = cKDTree(xyz[outside]).query(xyz[inside], distance_upper_bound=gap_km)
                km, at = np.asarray(found[0]), np.asarray(found[1])
                best = int(np.argmin(km))
                if np.isfinite(km[best]):
                    candidates.append((float(km[best]), int(inside[best]), int(outside[at[best]])))
    owner = np.arange(n_pieces)
    chosen = []
    for _, start, stop in sorted(candidates):
        if owner[piece[start]] != owner[piece[stop]]:
            owner[owner == owner[piece[start]]] = owner[piece[stop]]
            chosen.append((start, stop))
    if not chosen:
        return ways
    pairs = np.array(chosen, dtype=np.int64)
    lon, lat = ways.lon_deg, ways.lat_deg
    straight = geodesic_km(lon[pairs[:, 0]], lat[pairs[:, 0]], lon[pairs[:, 1]], lat[pairs[:, 1]])
    return ways.with_edges(pairs, straight * GAP_DETOUR_RATIO, GAP)


def assumed_ways(lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64], land_part: NDArray[np.int64]) -> Ways:
    """Return a shortest tree of assumed ways between settlements, (n,) degrees, on each piece of land.

    For a country of which the open network knows no road, such as an atoll.  Lengths are 1.3 times the
    geodesic.
    """
    node_code, first = np.unique(node_codes(lon_deg, lat_deg), return_index=True)
    part = land_part[first]
    no_end = np.zeros(0, dtype=np.int64)
    ways = Ways(node_code, no_end, no_end, np.zeros(0), np.zeros(0, dtype=np.int8))
    lon, lat = ways.lon_deg, ways.lat_deg
    xyz = sphere_km(lon, lat)
    pairs = []
    for number in np.unique(part).tolist():
        here = np.flatnonzero(part == number)
        apart = np.linalg.norm(xyz[here][:, None] - xyz[here][None], axis=2)
        tree = minimum_spanning_tree(apart).tocoo()
        pairs += list(zip(here[tree.row].tolist(), here[tree.col].tolist(), strict=True))
    if not pairs:
        return ways
    ends = np.sort(np.array(pairs, dtype=np.int64), axis=1)
    straight = geodesic_km(lon[ends[:, 0]], lat[ends[:, 0]], lon[ends[:, 1]], lat[ends[:, 1]])
    return ways.with_edges(ends, straight * GAP_DETOUR_RATIO, GAP)
