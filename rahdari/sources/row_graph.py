"""The rights of way of a country: tables ``rights_of_way`` and ``rights_of_way_nodes``.

Roads and railways are clipped to the country and its surroundings, repaired
(:mod:`rahdari.sources.row_repair`), cut down to the country with its cross-border ways,
named where a pack names them, and split into short pieces with terrain and fibre slack.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely
from scipy.spatial import cKDTree

from rahdari.schema import table_schema
from rahdari.schema.checks import conform
from rahdari.sources.boundaries import part_numbers
from rahdari.sources.packages import roads as road_package
from rahdari.sources.row_repair import (
    GAP,
    JOINT,
    MILLI,
    N_LON_MILLI,
    RAILWAY,
    ROAD,
    WGS84,
    Ways,
    assumed_ways,
    bridged,
    combined,
    joined,
    matrix_of,
    shortest,
    sphere_km,
    traced,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rahdari.sources.boundaries import Boundaries
    from rahdari.sources.packages.terrain import Terrain

REPAIR_SOURCE_ID = "rights-of-way-repair"
SOURCES = (
    {
        "source_id": REPAIR_SOURCE_ID,
        "title": "Joints between ways that the open network leaves unjoined",
        "publisher": "Rahdari",
        "licence": "as the networks joined",
        "kind": "derived",
        "locator": "rahdari.sources.row_repair",
        "note": "Nodes nearer than 1 km without a way round of 5 km are joined (derived); detached pieces within "
        "25 km of the rest are joined by 1.3 times the geodesic (assumed)",
    },
)

MARGIN_DEG = 3.0  # surroundings searched for cross-border ways; Kashgar lies 2.4 degrees beyond Pakistan's outline
MARGIN_TOLERANCE_DEG = 0.05  # simplification of the outline before the margin is drawn
CROSS_BORDER_KM = 60.0  # ways kept beyond the border where no gateway asks for more
MAX_PIECE_KM = 5.0  # longest piece: nodes are where places and sites may join

PLAIN, HILL, MOUNTAIN = "plain", "hill", "mountain"
HILL_SLOPE_FRAC = 0.01  # slopes are means over 18 km; the Potohar plateau has 0.01, the plain of Punjab 0.001
MOUNTAIN_SLOPE_FRAC = 0.03  # the Karakoram has 0.03 to 0.10
HIGH_M = 2500.0  # high valley floors count as mountain: steep sides smoothed away, cold, short seasons

ID_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # base 32 without i, l, o, u; keeps the order of the numbers
ID_LENGTH = 8  # 32**8 exceeds the 6.5e10 thousandths-of-a-degree cells of the globe
KIND_LETTERS = np.array(["w", "t", "j", "j"])
KIND_NAMES = np.array(["road", "railway", "joint", "joint"])
KIND_SOURCES = np.array(
    [road_package.SOURCE_ID_ROADS, road_package.SOURCE_ID_RAILWAYS, REPAIR_SOURCE_ID, REPAIR_SOURCE_ID]
)
KIND_EVIDENCE = np.array(["derived", "derived", "derived", "assumed"])


@dataclass(frozen=True, slots=True)
class Slack:
    """Fibre length over way length by terrain.

    Plain is assumed (spare loops and ups and downs of a duct); mountain is calibrated to published
    routes, and hill lies half way.
    """

    plain: float = 1.05
    hill: float = 1.175
    mountain: float = 1.3


@dataclass(frozen=True, slots=True)
class PublishedRoute:
    """A fibre route whose length a publisher gives: stops as (lon, lat) degrees, two or more."""

    name: str
    stops: tuple[tuple[float, float], ...]
    fibre_km: float


#: Pakistan's cross-border fibre, Special Communications Organization; 820 km as published.
KHUNJERAB_RAWALPINDI = PublishedRoute("Khunjerab to Rawalpindi", ((75.4278, 36.85), (73.0479, 33.59733)), 820.0)


@dataclass(frozen=True, slots=True)
class NamedWay:
    """A motorway or trunk road that a pack names: stops as (lon, lat) degrees in order, published length.

    No stops: nobody knows where its ends lie.
    """

    name: str
    stops: tuple[tuple[float, float], ...]
    length_km: float
    is_motorway: bool


@dataclass(frozen=True, slots=True)
class RightsOfWay:
    """The two tables, what was calibrated, and plain sentences for the report."""

    rights_of_way: pl.DataFrame
    nodes: pl.DataFrame
    slack: Slack
    notes: tuple[str, ...]


def encoded(code: NDArray[np.int64]) -> NDArray[np.str_]:
    """Return node codes (n,) as eight characters that sort as the numbers do.

    >>> encoded(np.array([0, 33])).tolist()
    ['00000000', '00000011']
    """
    shifts = 5 * np.arange(ID_LENGTH - 1, -1, -1)
    digits = np.array(list(ID_DIGITS.encode()), dtype=np.uint8)[(code[:, None] >> shifts) & 31]
    return np.asarray(np.ascontiguousarray(digits).view(f"S{ID_LENGTH}")[:, 0].astype(f"U{ID_LENGTH}"))


def decoded_lonlat(row_node_id: str) -> tuple[float, float]:
    """Return the longitude and latitude, degrees, that the identifier of an original node stands for.

    >>> decoded_lonlat("n" + str(encoded(np.array([126_924 * N_LON_MILLI + 254_393]))[0]))
    (74.393, 36.924)
    """
    code = 0
    for letter in row_node_id[1 : 1 + ID_LENGTH]:
        code = code * len(ID_DIGITS) + ID_DIGITS.index(letter)
    return round(code % N_LON_MILLI / MILLI - 180.0, 3), round(code // N_LON_MILLI / MILLI - 90.0, 3)


def surrounding_ways(boundaries: Boundaries, cache_dir: Path, margin_deg: float = MARGIN_DEG) -> Ways:
    """Return the unrepaired roads and railways of a country and ``margin_deg`` around it."""
    zone = shapely.buffer(shapely.simplify(boundaries.land, MARGIN_TOLERANCE_DEG), margin_deg, quad_segs=2)
    shapely.prepare(zone)
    west, south, east, north = zone.bounds
    clipped = []
    for network in ("highways", "railways"):
        graph = road_package.world_ways(network, cache_dir)
        in_box = (graph.lon_deg >= west) & (graph.lon_deg <= east) & (graph.lat_deg >= south) & (graph.lat_deg <= north)
        at = np.flatnonzero(in_box)
        in_box[at] = shapely.contains_xy(zone, graph.lon_deg[at], graph.lat_deg[at])
        clipped.append(graph.clipped(in_box))
    return combined(clipped[0], clipped[1])


def repaired(ways: Ways, boundaries: Boundaries) -> Ways:
    """Return the graph with joints and, on the same land inside the country, assumed gaps."""
    whole = joined(ways)
    inside = boundaries.contains(whole.lon_deg, whole.lat_deg)
    part = np.full(len(inside), -1, dtype=np.int64)
    at = np.flatnonzero(inside)
    part[at] = part_numbers(boundaries.land, whole.lon_deg[at], whole.lat_deg[at])
    return bridged(whole, part)


def trimmed(
    ways: Ways,
    inside: NDArray[np.bool_],
    gateways: Sequence[tuple[float, float]],
    reach_km: float = CROSS_BORDER_KM,
) -> NDArray[np.bool_]:
    """Return which nodes to keep, (n,): those inside, those within ``reach_km`` of way, and the ways to gateways.

    ``gateways`` are (lon, lat) degrees of places abroad, such as Kashgar, whose shortest way to the
    country matters.
    """
    if not inside.any():
        return inside.copy()
    km, before = shortest(ways.matrix(), np.flatnonzero(inside))
    keep = np.asarray(km <= reach_km)
    for lon_deg, lat_deg in gateways:
        stop = ways.nearest_node(lon_deg, lat_deg)
        if np.isfinite(km[stop]):
            keep[traced(before, stop)] = True
    return keep


def terrain_class(elevation_m: NDArray[np.float64], slope_frac: NDArray[np.float64]) -> NDArray[np.str_]:
    """Return plain, hill or mountain for each point, (n,), by slope over 18 km and height.

    >>> terrain_class(np.array([200.0, 600.0, 1500.0]), np.array([0.001, 0.012, 0.05])).tolist()
    ['plain', 'hill', 'mountain']
    """
    is_hill = slope_frac >= HILL_SLOPE_FRAC
    is_mountain = (slope_frac >= MOUNTAIN_SLOPE_FRAC) | (is_hill & (elevation_m >= HIGH_M))
    return np.asarray(np.where(is_mountain, MOUNTAIN, np.where(is_hill, HILL, PLAIN)))


def _roads_only(ways: Ways) -> Ways:
    keep = ways.kind != RAILWAY
    return Ways(ways.node_code, ways.edge_from[keep], ways.edge_to[keep], ways.length_km[keep], ways.kind[keep])


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Short pieces of edges: parent edge (k,), place in it, ends as node numbers; nodes beyond the first n are new."""

    parent: NDArray[np.int64]
    place: NDArray[np.int64]
    n_of_parent: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    length_km: NDArray[np.float64]
    node_lon_deg: NDArray[np.float64]
    node_lat_deg: NDArray[np.float64]
    new_node_parent: NDArray[np.int64]
    new_node_place: NDArray[np.int64]


def _split(ways: Ways, max_piece_km: float) -> _Pieces:
    """Return all edges in equal pieces of at most ``max_piece_km``, new nodes on the geodesic between the ends."""
    n_pieces = np.maximum(np.ceil(ways.length_km / max_piece_km - 1e-9), 1).astype(np.int64)
    parent = np.repeat(np.arange(len(n_pieces)), n_pieces)
    first = np.cumsum(n_pieces) - n_pieces
    place = np.arange(len(parent)) - first[parent]
    n_old = len(ways.node_code)
    new_before = np.cumsum(n_pieces - 1) - (n_pieces - 1)
    start = np.where(place == 0, ways.edge_from[parent], n_old + new_before[parent] + place - 1)
    stop = np.where(place == n_pieces[parent] - 1, ways.edge_to[parent], n_old + new_before[parent] + place)
    inner = place > 0
    edge, share = parent[inner], place[inner] / n_pieces[parent[inner]]
    lon, lat = ways.lon_deg, ways.lat_deg
    begin, end = ways.edge_from[edge], ways.edge_to[edge]
    azimuth, _, far_m = WGS84.inv(lon[begin], lat[begin], lon[end], lat[end])
    new_lon, new_lat, _ = WGS84.fwd(lon[begin], lat[begin], azimuth, np.asarray(far_m) * share)
    return _Pieces(
        parent,
        place,
        n_pieces[parent],
        start,
        stop,
        (ways.length_km / n_pieces)[parent],
        np.r_[lon, np.asarray(new_lon)],
        np.r_[lat, np.asarray(new_lat)],
        edge,
        place[inner],
    )


def _path_edges(ways: Ways, nodes: list[int], length_km: NDArray[np.float64]) -> list[int]:
    """Return the edges, cheapest by ``length_km``, between consecutive nodes of a way."""
    steps = {(min(a, b), max(a, b)) for a, b in pairwise(nodes)}
    low, high = np.minimum(ways.edge_from, ways.edge_to), np.maximum(ways.edge_from, ways.edge_to)
    on_way = np.flatnonzero(np.isin(low, nodes) & np.isin(high, nodes))
    best: dict[tuple[int, int], int] = {}
    for edge in on_way[np.lexsort((on_way, length_km[on_way]))].tolist():
        step = (int(low[edge]), int(high[edge]))
        if step in steps:
            best.setdefault(step, edge)
    return sorted(best.values())


def way_through(
    ways: Ways, stops: Sequence[tuple[float, float]], length_km: NDArray[np.float64] | None = None
) -> list[int]:
    """Return the edges of the shortest way through stops, (lon, lat) degrees; empty where they are not joined.

    ``length_km`` (m,) replaces the lengths by which the way is chosen.
    """
    km = ways.length_km if length_km is None else length_km
    priced = Ways(ways.node_code, ways.edge_from, ways.edge_to, km, ways.kind)
    matrix = priced.matrix()
    edges: list[int] = []
    numbers = [ways.nearest_node(*stop) for stop in stops]
    for begin, end in pairwise(numbers):
        far, before = shortest(matrix, begin)
        if not np.isfinite(far[end]):
            return []
        edges += _path_edges(ways, traced(before, end), km)
    return edges


NAMED_TOLERANCE_FRAC = 0.12  # a way is taken for the named one where its length agrees with the published one this well
NAMED_TOLERANCE_KM = 25.0  # ... or this well: published ends are interchanges, the stops here centres some 12 km off
N_ALTERNATIVES = 4  # further ways tried, each with the edges of those before made dearer
ALTERNATIVE_FACTOR = 1.4  # ... by this factor: enough to leave a parallel road for the motorway beside it


def named_edges(ways: Ways, named: Sequence[NamedWay]) -> tuple[dict[int, NamedWay], tuple[str, ...]]:
    """Return edge -> named way, and the names that no way of the graph agrees with.

    Of the shortest way and some alternatives the one whose length agrees best with the published
    length is taken.  Longer ways are placed first, so a shorter one on top keeps its own name.
    """
    carriage = np.flatnonzero(ways.kind != RAILWAY)
    graph = _roads_only(ways)
    found: dict[int, NamedWay] = {}
    missing = []
    for way in sorted(named, key=lambda row: (-row.length_km, row.name)):
        price = graph.length_km.copy()
        best: tuple[float, list[int]] = (max(NAMED_TOLERANCE_FRAC * way.length_km, NAMED_TOLERANCE_KM), [])
        for _ in range(1 + N_ALTERNATIVES):
            edges = way_through(graph, way.stops, price)
            if not edges:
                break
            error = abs(float(graph.length_km[edges].sum()) - way.length_km)
            if error < best[0]:
                best = (error, edges)
            price[edges] *= ALTERNATIVE_FACTOR
        if not best[1]:
            missing.append(way.name)
        found |= {int(carriage[edge]): way for edge in best[1]}
    return found, tuple(sorted(missing))


def nearest_node_numbers(nodes: pl.DataFrame, lonlat_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rows of the table ``nodes`` nearest to points, (n, 2) degrees, longitude first."""
    tree = cKDTree(sphere_km(nodes["lon_deg"].to_numpy(), nodes["lat_deg"].to_numpy()))
    return np.asarray(tree.query(sphere_km(lonlat_deg[:, 0], lonlat_deg[:, 1]))[1], dtype=np.int64)


def calibrated_slack(
    rows: pl.DataFrame, nodes: pl.DataFrame, routes: Sequence[PublishedRoute], base: Slack | None = None
) -> tuple[Slack, tuple[str, ...]]:
    """Return the slack by terrain that reproduces published fibre lengths in least squares, and how.

    ``rows`` and ``nodes`` are the two tables; fibre is taken to follow the shortest way by road
    between the nodes nearest to a route's stops.  One number is fitted, the slack of mountains above
    plain; hills take half of it.  The plain's is assumed.  Without a route that the graph joins, the
    base values stand.  Slack below plain's is never fitted.
    """
    base = base or Slack()
    carriage = rows.filter(pl.col("kind") != "railway")
    on_road = pl.concat([carriage["from_node_id"], carriage["to_node_id"]]).unique()
    nodes = nodes.filter(pl.col("row_node_id").is_in(on_road.implode()))
    number = {name: at for at, name in enumerate(nodes["row_node_id"].to_list())}
    start, stop = (carriage[name].replace_strict(number).to_numpy() for name in ("from_node_id", "to_node_id"))
    length_km = carriage["length_km"].to_numpy()
    matrix = matrix_of(len(number), start, stop, length_km)
    rise, excess, told = [], [], []
    for route in routes:
        at = nearest_node_numbers(nodes, np.array(route.stops)).tolist()
        steps: list[tuple[int, int]] = []
        for begin, end in pairwise(at):
            way = traced(shortest(matrix, begin)[1], end)
            steps += [(min(a, b), max(a, b)) for a, b in pairwise(way)] if way[-1] == begin else []
        if not steps:
            continue
        ends = pl.DataFrame(steps, schema={"low": pl.Int64, "high": pl.Int64}, orient="row")
        km = (
            carriage.select(
                pl.Series("low", np.minimum(start, stop)),
                pl.Series("high", np.maximum(start, stop)),
                "terrain",
                "length_km",
            )
            .sort("length_km")
            .unique(["low", "high"], keep="first", maintain_order=True)
            .join(ends, on=["low", "high"])
        )
        by_land = {name: float(km.filter(pl.col("terrain") == name)["length_km"].sum()) for name in (HILL, MOUNTAIN)}
        way_km = float(km["length_km"].sum())
        rise.append(by_land[MOUNTAIN] + 0.5 * by_land[HILL])
        excess.append(route.fibre_km - base.plain * way_km)
        told.append(f"{route.name}: {route.fibre_km:.0f} km of fibre published on {way_km:.0f} km of way")
    square = float(np.dot(rise, rise))
    if square <= 0.0:
        return base, ()
    more = max(float(np.dot(rise, excess)) / square, 0.0)
    slack = Slack(base.plain, base.plain + 0.5 * more, base.plain + more)
    sentence = (
        f"Fibre slack over road: plain {slack.plain:.2f} (assumed), hill {slack.hill:.2f}, "
        f"mountain {slack.mountain:.2f}, calibrated to {'; '.join(told)}."
    )
    return slack, (sentence,)


def with_slack(rows: pl.DataFrame, slack: Slack) -> pl.DataFrame:
    """Return the table with ``slack_ratio`` by terrain."""
    ratio = {PLAIN: slack.plain, HILL: slack.hill, MOUNTAIN: slack.mountain}
    return rows.with_columns(pl.col("terrain").replace_strict(ratio, return_dtype=pl.Float64).alias("slack_ratio"))


def _node_table(
    ways: Ways, pieces: _Pieces, edge_id: NDArray[np.str_], boundaries: Boundaries, terrain: Terrain
) -> pl.DataFrame:
    lon, lat = pieces.node_lon_deg, pieces.node_lat_deg
    old = np.char.add("n", encoded(ways.node_code))
    parents = edge_id[pieces.new_node_parent].tolist()
    new = [f"n{edge[1:]}-{place:03d}" for edge, place in zip(parents, pieces.new_node_place.tolist(), strict=True)]
    n_old = len(old)
    source = np.full(len(lon), road_package.SOURCE_ID_ROADS, dtype=object)  # objects: NumPy cuts longer text short
    on_rail = np.zeros(n_old, dtype=bool)
    is_rail = ways.kind == RAILWAY
    on_rail[np.r_[ways.edge_from[is_rail], ways.edge_to[is_rail]]] = True
    is_road = ways.kind == ROAD
    on_rail[np.r_[ways.edge_from[is_road], ways.edge_to[is_road]]] = False
    source[:n_old][on_rail] = road_package.SOURCE_ID_RAILWAYS
    source[n_old:] = KIND_SOURCES[ways.kind[pieces.new_node_parent]]
    return pl.DataFrame(
        {
            "row_node_id": [*old.tolist(), *new],
            "lon_deg": lon,
            "lat_deg": lat,
            "elevation_m": terrain.elevation_m(lon, lat),
            "is_in_country": boundaries.contains(lon, lat),
            "evidence": "derived",
            "source_id": pl.Series(source.tolist(), dtype=pl.String),
        }
    )


def _row_table(
    ways: Ways,
    pieces: _Pieces,
    *,
    edge_id: NDArray[np.str_],
    nodes: pl.DataFrame,
    names: Mapping[int, NamedWay],
    terrain: Terrain,
) -> pl.DataFrame:
    lon, lat = pieces.node_lon_deg, pieces.node_lat_deg
    ends = np.stack([np.c_[lon[pieces.start], lat[pieces.start]], np.c_[lon[pieces.stop], lat[pieces.stop]]], axis=1)
    middle = ends.mean(axis=1)
    kind_of_land = terrain_class(
        terrain.elevation_m(middle[:, 0], middle[:, 1]), terrain.slope_frac(middle[:, 0], middle[:, 1])
    )
    of_pieces = zip(edge_id[pieces.parent].tolist(), pieces.place.tolist(), pieces.n_of_parent.tolist(), strict=True)
    row_id = [f"{edge}-{place:03d}" if n_pieces > 1 else edge for edge, place, n_pieces in of_pieces]
    kind = KIND_NAMES.astype(object)[ways.kind]
    name = np.full(len(ways.kind), None, dtype=object)
    for edge, way in names.items():
        name[edge] = way.name
        if way.is_motorway and ways.kind[edge] == ROAD:
            kind[edge] = "motorway"
    node_id = nodes["row_node_id"].to_numpy()
    inside = nodes["is_in_country"].to_numpy()
    return pl.DataFrame(
        {
            "row_id": pl.Series(row_id, dtype=pl.String),
            "from_node_id": node_id[pieces.start],
            "to_node_id": node_id[pieces.stop],
            "kind": pl.Series(kind[pieces.parent].tolist(), dtype=pl.String),
            "name": pl.Series(name[pieces.parent].tolist(), dtype=pl.String),
            "length_km": pieces.length_km,
            "slack_ratio": 1.0,
            "terrain": kind_of_land,
            "is_in_country": inside[pieces.start] & inside[pieces.stop],
            "geometry": pl.Series(list(shapely.to_wkb(shapely.linestrings(ends))), dtype=pl.Binary),
            "evidence": KIND_EVIDENCE[ways.kind[pieces.parent]],
            "source_id": KIND_SOURCES[ways.kind[pieces.parent]],
        }
    )


def tables_of(
    ways: Ways,
    boundaries: Boundaries,
    terrain: Terrain,
    names: Mapping[int, NamedWay],
    *,
    max_piece_km: float = MAX_PIECE_KM,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tables (rights_of_way, rights_of_way_nodes) of a repaired graph, sorted by their keys.

    ``slack_ratio`` is 1 until :func:`with_slack`.  Identifiers are made of the coordinates of the ends,
    so they do not change with what else is in the graph.
    """
    node = encoded(ways.node_code)
    low, high = np.minimum(ways.edge_from, ways.edge_to), np.maximum(ways.edge_from, ways.edge_to)
    ways = Ways(ways.node_code, low, high, ways.length_km, ways.kind)
    edge_id = np.char.add(np.char.add(np.char.add("r", node[low]), node[high]), KIND_LETTERS[ways.kind])
    pieces = _split(ways, max_piece_km)
    nodes = _node_table(ways, pieces, edge_id, boundaries, terrain)
    rows = _row_table(ways, pieces, edge_id=edge_id, nodes=nodes, names=names, terrain=terrain)
    return conform(rows, table_schema("rights_of_way")), conform(nodes, table_schema("rights_of_way_nodes"))


def rights_of_way(
    boundaries: Boundaries,
    terrain: Terrain,
    cache_dir: Path,
    *,
    settlements: tuple[NDArray[np.float64], NDArray[np.float64]],
    gateways: Sequence[tuple[float, float]] = (),
    named: Sequence[NamedWay] = (),
    published: Sequence[PublishedRoute] = (),
) -> RightsOfWay:
    """Return the rights of way of a country with what lies just beyond its border.

    ``settlements`` are their longitudes and latitudes, degrees: where the network knows no way inside
    the country, these are joined by assumed ones.  ``gateways`` are (lon, lat) degrees abroad to which
    ways are kept.  Lengths are way kilometres of
    the data, or geodesic for joints; geometry is straight between nodes, in WGS 84 degrees.
    """
    whole = repaired(surrounding_ways(boundaries, cache_dir), boundaries)
    if not boundaries.contains(whole.lon_deg, whole.lat_deg).any():
        whole = assumed_ways(*settlements, part_numbers(boundaries.land, *settlements))
    keep = trimmed(whole, boundaries.contains(whole.lon_deg, whole.lat_deg), gateways)
    ways = whole.kept(keep)
    names, missing = named_edges(ways, named)
    rows, nodes = tables_of(ways, boundaries, terrain, names)
    slack, notes = calibrated_slack(rows, nodes, published)
    rows = with_slack(rows, slack)
    if missing:
        notes += (
            f"No way of the open network agrees in ends and length with: {', '.join(missing)}; they are not named.",
        )
    counted = f"{int((ways.kind == JOINT).sum())} joints of less than 1 km and {int((ways.kind == GAP).sum())} longer"
    return RightsOfWay(rows, nodes, slack, (*notes, f"The open road and rail network was repaired by {counted}."))
