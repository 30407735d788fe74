"""Shipping lanes between two points at sea, on the marine network of searoute (Apache-2.0).

searoute itself takes seconds to import and to load its network; read as arrays it takes a
tenth of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from rahdari.sources.packages.locate import package_file
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOURCE_ID = "searoute-lanes"
SOURCES = (
    {
        "source_id": SOURCE_ID,
        "title": "World marine network of the package searoute",
        "publisher": "searoute (Eurostat)",
        "licence": "Apache-2.0",
        "kind": "derived",
        "locator": "PyPI searoute",
        "note": "Lanes of ships, which submarine cables follow only roughly",
    },
)
CLOSED_PASSAGES = frozenset({"northwest"})  # ice; searoute closes it too


@dataclass(frozen=True, slots=True)
class SeaNetwork:
    """Nodes (n, 2) in degrees, longitude first, and the symmetric matrix of great-circle lengths, km."""

    lonlat_deg: NDArray[np.float64]
    matrix: csr_matrix[Any]


def _unit(lonlat_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    lon, lat = np.radians(lonlat_deg[..., 0]), np.radians(lonlat_deg[..., 1])
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def _arc_km(start: NDArray[np.float64], stop: NDArray[np.float64]) -> NDArray[np.float64]:
    half = np.linalg.norm(_unit(start) - _unit(stop), axis=-1) / 2.0
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(np.clip(half, 0.0, 1.0)))


@cache
def sea_network() -> SeaNetwork:
    """Return the marine network without passages closed by ice."""
    features = orjson.loads(package_file("searoute", "data", "marnet_searoute.geojson").read_bytes())["features"]
    lines: list[list[list[float]]] = []
    for feature in features:
        if feature["properties"].get("passage") not in CLOSED_PASSAGES:
            coordinates = feature["geometry"]["coordinates"]
            lines += [coordinates] if feature["geometry"]["type"] == "LineString" else coordinates
    starts = np.array([point[:2] for line in lines for point in line[:-1]])
    stops = np.array([point[:2] for line in lines for point in line[1:]])
    nodes, number = np.unique(np.concatenate([starts, stops]), axis=0, return_inverse=True)
    number = number.ravel()
    u, v = number[: len(starts)], number[len(starts) :]
    km = np.maximum(_arc_km(nodes[u], nodes[v]), 1e-6)
    low, high = np.minimum(u, v), np.maximum(u, v)
    _, first = np.unique(low.astype(np.int64) * len(nodes) + high, return_index=True)
    low, high, km = low[first], high[first], km[first]
    matrix = csr_matrix((np.r_[km, km], (np.r_[low, high], np.r_[high, low])), shape=(len(nodes), len(nodes)))
    return SeaNetwork(nodes, matrix)


def sea_path(start: tuple[float, float], end: tuple[float, float]) -> tuple[list[tuple[float, float]], float]:
    """Return the shortest lane between two points, (lon, lat) degrees, as (line, km); the ends belong to the line.

    Where no lane leads, as between two inland seas, the line is straight.

    >>> line, km = sea_path((66.97, 24.84), (56.36, 25.17))
    >>> line[0], line[-1], 1000 < km < 1300
    ((66.97, 24.84), (56.36, 25.17), True)
    """
    network = sea_network()
    ends = np.array([start, end], dtype=np.float64)
    at = np.asarray(cKDTree(_unit(network.lonlat_deg)).query(_unit(ends))[1])
    before = np.asarray(
        dijkstra(network.matrix, directed=False, indices=at[:1], return_predecessors=True)[1], dtype=np.int64
    )[0]
    way = [int(at[1])]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    lane = network.lonlat_deg[way[::-1]] if way[-1] == at[0] else np.zeros((0, 2))
    points = np.concatenate([ends[:1], lane, ends[1:]])
    km = float(_arc_km(points[:-1], points[1:]).sum())
    return [(float(lon), float(lat)) for lon, lat in points], km
