"""The graph on which fibre can be laid: ways cut into short pieces, connectors to places and between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely
from scipy.spatial import cKDTree

from rahdari.methods.geo import great_circle_km, unit_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.access.params import AccessParams
    from rahdari.model import Tables

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

LEAST_CONNECTOR_KM = 0.05  # a place at the roadside still needs a lead-in


@dataclass(frozen=True, slots=True)
class WayGraph:
    """Nodes: way nodes, then inner points of ways, then places.  Edges: pieces of ways, then connectors.

    ``way`` indexes the sorted table of ways and is -1 on connectors; ``place`` indexes the sorted places and is
    -1 on pieces of ways; ``to_place`` is the second place of a connector between places, else -1.
    ``place_node`` (p,) is the node of every place.
    """

    n_nodes: int
    lon_deg: FloatArray
    lat_deg: FloatArray
    edge_node: IntArray
    length_km: FloatArray
    price_ratio: FloatArray
    way: IntArray
    place: IntArray
    to_place: IntArray
    place_node: IntArray
    source: IntArray
    row_id: list[str]
    is_source_assumed: bool


@dataclass(frozen=True, slots=True)
class _Pieces:
    lon_deg: FloatArray
    lat_deg: FloatArray
    edge_node: IntArray
    length_km: FloatArray
    way: IntArray
    n_nodes: int


def _cut(ways: pl.DataFrame, ends: IntArray, lon: FloatArray, lat: FloatArray, segment_km: float) -> _Pieces:
    """Return the pieces of all ways, each at most ``segment_km`` long, with their inner points as new nodes."""
    length = (ways["length_km"] * ways["slack_ratio"]).to_numpy()
    count = np.maximum(np.ceil(ways["length_km"].to_numpy() / segment_km), 1).astype(np.int64)
    inner = count - 1
    way_inner = np.repeat(np.arange(len(count)), inner)
    rank = np.arange(inner.sum()) - np.repeat(np.cumsum(inner) - inner, inner) + 1
    lines = shapely.from_wkb(ways["geometry"].to_numpy())
    points = shapely.line_interpolate_point(lines[way_inner], rank / count[way_inner], normalized=True)
    first_inner = len(lon) + np.cumsum(inner) - inner
    way = np.repeat(np.arange(len(count)), count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    tail = np.where(step == 0, ends[way, 0], first_inner[way] + step - 1)
    head = np.where(step == count[way] - 1, ends[way, 1], first_inner[way] + step)
    return _Pieces(
        np.concatenate([lon, shapely.get_x(points)]),
        np.concatenate([lat, shapely.get_y(points)]),
        np.stack([tail, head], axis=1).astype(np.int64),
        (length / count)[way],
        way,
        len(lon) + int(inner.sum()),
    )


def _connectors(
    pieces: _Pieces, places: pl.DataFrame, usable: IntArray, params: AccessParams
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return place, node and fibre length of each connector: the nearest usable nodes within reach."""
    k = min(params.n_connectors, len(usable))
    if k == 0:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, np.zeros(0)
    tree = cKDTree(unit_vectors(pieces.lon_deg[usable], pieces.lat_deg[usable]))
    lon, lat = places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy()
    _, found = tree.query(unit_vectors(lon, lat), k=k)
    place = np.repeat(np.arange(len(lon)), k)
    node = usable[np.asarray(found).reshape(-1)]
    direct = great_circle_km(lon[place], lat[place], pieces.lon_deg[node], pieces.lat_deg[node])
    near = direct <= params.connector_max_km
    length = np.maximum(direct * params.connector_detour_ratio, LEAST_CONNECTOR_KM)
    return place[near], node[near], length[near]


def _neighbours(places: pl.DataFrame, params: AccessParams) -> tuple[IntArray, IntArray, FloatArray]:
    """Return both places and the fibre length of connectors from each place to its nearest others, each pair once."""
    lon, lat = places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy()
    k = min(params.n_neighbours, len(lon) - 1)
    if k <= 0:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, np.zeros(0)
    points = unit_vectors(lon, lat)
    _, found = cKDTree(points).query(points, k=k + 1)
    pair = np.stack([np.repeat(np.arange(len(lon)), k + 1), np.asarray(found).reshape(-1)], axis=1)
    pair = np.unique(np.sort(pair[pair[:, 0] != pair[:, 1]], axis=1), axis=0)
    direct = great_circle_km(lon[pair[:, 0]], lat[pair[:, 0]], lon[pair[:, 1]], lat[pair[:, 1]])
    near = direct <= params.connector_max_km
    length = np.maximum(direct * params.connector_detour_ratio, LEAST_CONNECTOR_KM)
    return pair[near, 0], pair[near, 1], length[near]


def _fibre_ways(tables: Tables, row_id: list[str]) -> BoolArray:
    links = tables["links"].filter((pl.col("kind") == "fibre") & pl.col("row_id").is_not_null())
    return np.isin(np.array(row_id, dtype=object), links["row_id"].unique().to_numpy())


def build_graph(tables: Tables, places: pl.DataFrame, params: AccessParams) -> WayGraph:
    """Return the graph; existing fibre makes every point of its ways a source and needs no new fibre.

    Where no existing fibre is known, the nodes nearest to the largest place are taken as the source and
    ``is_source_assumed`` says so.
    """
    nodes = tables["rights_of_way_nodes"].sort("row_node_id")
    ways = tables["rights_of_way"].filter(pl.col("is_in_country")).sort("row_id")
    numbers = pl.DataFrame({"node": nodes["row_node_id"], "number": np.arange(nodes.height)})
    ends = np.stack(
        [
            ways.select(node=name).join(numbers, on="node", how="left", maintain_order="left")["number"].to_numpy()
            for name in ("from_node_id", "to_node_id")
        ],
        axis=1,
    ).reshape(-1, 2)
    pieces = _cut(ways, ends, nodes["lon_deg"].to_numpy(), nodes["lat_deg"].to_numpy(), params.segment_km)
    ratio = ways["terrain"].replace_strict(
        {"plain": 1.0, "hill": params.hill_cost_ratio, "mountain": params.mountain_cost_ratio}, return_dtype=pl.Float64
    )
    row_id = ways["row_id"].to_list()
    has_fibre = _fibre_ways(tables, row_id)
    usable = np.unique(pieces.edge_node)
    place, node, length = _connectors(pieces, places, usable, params)
    one, two, between = _neighbours(places, params)
    place_node = pieces.n_nodes + np.arange(places.height, dtype=np.int64)
    is_new = ~has_fibre[pieces.way]
    source = np.unique(pieces.edge_node[~is_new])
    is_assumed = len(source) == 0
    if is_assumed and len(place):
        source = np.unique(node[place == int(np.argmax(places["n_people"].to_numpy()))])
    return WayGraph(
        n_nodes=pieces.n_nodes + places.height,
        lon_deg=np.concatenate([pieces.lon_deg, places["lon_deg"].to_numpy()]),
        lat_deg=np.concatenate([pieces.lat_deg, places["lat_deg"].to_numpy()]),
        edge_node=np.concatenate(
            [
                pieces.edge_node[is_new],
                np.stack([place_node[place], node], axis=1),
                np.stack([place_node[one], place_node[two]], axis=1),
            ]
        ),
        length_km=np.concatenate([pieces.length_km[is_new], length, between]),
        price_ratio=np.concatenate([ratio.to_numpy()[pieces.way[is_new]], np.ones(len(place) + len(one))]),
        way=np.concatenate([pieces.way[is_new], np.full(len(place) + len(one), -1)]),
        place=np.concatenate([np.full(int(is_new.sum()), -1), place, one]),
        to_place=np.concatenate([np.full(int(is_new.sum()) + len(place), -1), two]),
        place_node=place_node,
        source=source,
        row_id=row_id,
        is_source_assumed=is_assumed,
    )
