"""Existing fibre, where no map of it is public: along main roads, as much as the sector publishes, and to sea.

Published long-haul kilometres usually exceed the main roads: several operators lie beside each other in one way.  Each
way therefore gets a whole number of parallel fibres, more where more traffic between towns passes, until the sum
matches.  Sea paths are shipping lanes to named exchanges; a real cable takes another course.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from rahdari.sources.synthetic import FIBRE_SOURCE_ID
from rahdari.sources.synthetic.common import distance_km, nearest
from rahdari.sources.synthetic.sites import landing_site_id
from rahdari.sources.synthetic.stretches import on_ways

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rahdari.sources.synthetic.common import Floats, Ints
    from rahdari.sources.synthetic.stretches import Joint, Stretched

    SeaPath = Callable[[tuple[float, float], tuple[float, float]], tuple[list[tuple[float, float]], float]]

FIBRE_KINDS = ("road", "motorway", "joint")
LONG_HAUL_GBPS = 400.0  # assumed: four waves of 100 Gbit/s lit on an operator's fibre
MAX_SOURCES = 200  # traffic is counted from this many of the largest towns, to all towns
GATE_PEOPLE = 1_000_000.0  # assumed: a border crossing or cable landing draws traffic like a city of this size
GRAVITY_OFFSET_KM = 50.0  # assumed: keeps neighbours from outweighing everything
FLOW_EXPONENT = 0.25  # assumed, flat: operators follow each other even on lesser ways
LEAST_PARALLEL_MOST = 6  # ways may hold at least this many parallel fibres, more where more operators are named
OPERATOR_ORDER = ("fixed", "backbone", "federal", "mobile", "landing")
CONNECTOR_SLACK = 1.3  # assumed: streets from a landing station to the main road against the straight line
CONNECTOR_LEAST_KM = 0.5
BISECTIONS = 60
#: Exchanges where submarine systems end, longitude and latitude; PeeringDB lists exchanges in each city.
EXCHANGES = {
    "ix-marseille": ("Marseille", 5.37, 43.30),
    "ix-singapore": ("Singapore", 103.85, 1.27),
    "ix-fujairah": ("Fujairah", 56.36, 25.17),
    "ix-mombasa": ("Mombasa", 39.67, -4.06),
    "ix-tokyo": ("Tokyo", 139.80, 35.60),
    "ix-lisbon": ("Lisbon", -9.15, 38.70),
    "ix-miami": ("Miami", -80.13, 25.77),
    "ix-sydney": ("Sydney", 151.22, -33.86),
}
MAX_SEA_KM = 9_000.0  # beyond it another exchange is nearer
MAX_ENDS = 2  # ends of one cable that are drawn
SYNTHETIC = "synthetic"


def links_table(
    country_id: str,
    *,
    places: pl.DataFrame,
    sites: pl.DataFrame,
    rights_of_way: pl.DataFrame,
    rights_of_way_nodes: pl.DataFrame,
    operators: pl.DataFrame,
    cables: pl.DataFrame,
    long_haul_km: float | None = None,
    home_districts: Mapping[str, frozenset[str]] | None = None,
    stretches: pl.DataFrame | None = None,
    sea_path: SeaPath | None = None,
    source_id: str = FIBRE_SOURCE_ID,
) -> pl.DataFrame:
    """Return the table ``links``, sorted by ``link_id``.

    The ``long_haul`` fibres sum to ``long_haul_km`` within the length of one way; without it every way that carries
    traffic gets one fibre, labelled assumed.  ``home_districts`` names operators that build only in those districts,
    and there first.  Fibre follows ``stretches`` (table ``fibre_stretches``) where it is published to lie or not.
    ``sea_path`` maps two points to (line, km); the default is :func:`searoute_path`.
    """
    code = country_id.lower()
    nodes = rights_of_way_nodes.sort("row_node_id")
    ways = rights_of_way.sort("row_id")
    usable = ways["is_in_country"].to_numpy() & ways["kind"].is_in(FIBRE_KINDS).to_numpy()
    known = on_ways(stretches, ways, nodes, usable)
    flow = _flow_beside(known, places, sites, ways, nodes)
    length_km = (ways["length_km"] * ways["slack_ratio"]).to_numpy()
    left_km = None if long_haul_km is None else long_haul_km - sum(joint.length_km for joint in known.joints)
    n_parallel = parallel_fibres(flow * usable, length_km, left_km, max(LEAST_PARALLEL_MOST, operators.height))
    evidence = "assumed" if long_haul_km is None else SYNTHETIC
    frames = [
        _long_haul(
            code,
            ways=ways,
            length_km=length_km,
            n_parallel=n_parallel,
            places=places,
            nodes=nodes,
            operators=operators,
            home_districts=home_districts or {},
            first_operator=known.operator_id,
        ),
        _joint_links(code, known.joints, nodes),
        _sea_links(code, cables, sea_path or searoute_path),
        _land_links(code, cables, nodes),
        _connectors(code, sites, nodes),
    ]
    return (
        pl.concat(frames, how="vertical_relaxed")
        .with_columns(pl.lit(evidence).alias("evidence"), pl.lit(source_id).alias("source_id"))
        .sort("link_id")
    )


def _flow_beside(
    known: Stretched, places: pl.DataFrame, sites: pl.DataFrame, ways: pl.DataFrame, nodes: pl.DataFrame
) -> Floats:
    """Return the traffic on each way where none takes a way published bare, and some takes every way with fibre."""
    flow = np.zeros(ways.height)
    columns = ["from_node_id", "to_node_id", "length_km"]
    joints = [(joint.from_node_id, joint.to_node_id, joint.length_km) for joint in known.joints]
    open_ways = ways.select(columns).filter(~pl.Series(known.is_bare))
    graph = pl.concat([open_ways, pl.DataFrame(joints, schema=open_ways.schema, orient="row")])
    flow[~known.is_bare] = way_flow(places, sites, graph, nodes)[: open_ways.height]
    busy = flow[flow > 0.0]
    flow[known.has_fibre] = np.maximum(flow[known.has_fibre], busy.min() if busy.size else 1.0)
    return flow


def way_flow(places: pl.DataFrame, sites: pl.DataFrame, ways: pl.DataFrame, nodes: pl.DataFrame) -> Floats:
    """Return the relative traffic on each way, shape (n_ways,): gravity between towns, gates included, by shortest way.

    The (n, m) rows follow ``ways`` and ``nodes`` as given; ways between the same nodes share by shortness: all but the
    shortest carry nothing.
    """
    index = {name: i for i, name in enumerate(nodes["row_node_id"])}
    n_nodes = len(index)
    u = np.array([index[name] for name in ways["from_node_id"]], dtype=np.int64)
    v = np.array([index[name] for name in ways["to_node_id"]], dtype=np.int64)
    length = np.maximum(ways["length_km"].to_numpy(), 1e-6)
    weight = np.zeros(n_nodes)
    town = places.filter(pl.col("kind") != "village")
    np.add.at(weight, [index[name] for name in town["row_node_id"]], town["n_people"].to_numpy().astype(float))
    gates = sites.filter(pl.col("kind").is_in(["landing_station", "border"]))["row_node_id"].unique()
    np.add.at(weight, [index[name] for name in sorted(gates)], GATE_PEOPLE)
    key = np.minimum(u, v) * n_nodes + np.maximum(u, v)
    order = np.lexsort((np.arange(len(u)), length, key))
    way_keys, first = np.unique(key[order], return_index=True)
    way_of_key = order[first]
    a, b, w = u[way_of_key], v[way_of_key], length[way_of_key]
    graph = csr_array(
        (np.concatenate([w, w]), (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(n_nodes, n_nodes)
    )
    source = np.argsort(-weight, kind="stable")[:MAX_SOURCES]
    source = source[weight[source] > 0]
    if not len(source):
        return np.zeros(ways.height)
    load, before = _tree_loads(graph, weight, source)
    flow = np.zeros(ways.height)
    row, node = np.nonzero((before >= 0) & (load > 0))
    previous = before[row, node]
    edge_key = np.minimum(node, previous) * n_nodes + np.maximum(node, previous)
    np.add.at(flow, way_of_key[np.searchsorted(way_keys, edge_key)], load[row, node])
    return flow


def _tree_loads(graph: Any, weight: Floats, source: Ints) -> tuple[Floats, Ints]:  # noqa: ANN401  # scipy sparse
    """Return (traffic that enters each node from its predecessor, predecessor), each (sources, nodes)."""
    apart, before = dijkstra(graph, indices=source, return_predecessors=True)
    reachable = np.isfinite(apart)
    load = weight[source][:, None] * weight[None, :] / (np.where(reachable, apart, 0.0) + GRAVITY_OFFSET_KM)
    load = np.where(reachable, load, 0.0)
    rows = np.arange(len(source))
    # From the leaves inwards, for all trees at once: what a node passes on is complete when its turn comes.
    farthest_first = np.argsort(-np.where(reachable, apart, -1.0), axis=1, kind="stable")
    for node in farthest_first.T:
        previous = before[rows, node]
        has = previous >= 0
        load[rows[has], previous[has]] += load[rows[has], node[has]]
    return load, np.asarray(before, dtype=np.int64)


def parallel_fibres(flow: Floats, length_km: Floats, total_km: float | None, most: int) -> Ints:
    """Return whole numbers of parallel fibres a way, whose kilometres sum to ``total_km`` within one way's length.

    Ways with traffic get at least one, and more with its fourth root, at most ``most``.  Where ``total_km`` is less
    than one fibre on each, the busiest ways come first.  ``None`` gives each one.

    >>> parallel_fibres(np.array([1.0, 16.0, 0.0]), np.array([10.0, 10.0, 5.0]), 30.0, 6).tolist()
    [1, 2, 0]
    """
    busy = flow > 0
    if total_km is None:
        return busy.astype(np.int64)
    rank = np.argsort(-flow, kind="stable")
    if not busy.any():
        return np.zeros(len(flow), dtype=np.int64)
    if length_km[busy].sum() >= total_km:
        wanted = busy.astype(float)
        whole = np.zeros(len(flow), dtype=np.int64)
    else:
        relative = np.where(busy, flow / max(flow.max(), 1e-300), 0.0) ** FLOW_EXPONENT

        def parallels(scale: float) -> Floats:
            return np.where(busy, np.clip(scale * relative, 1.0, most), 0.0)

        low, high = 0.0, most / max(relative[busy].min(), 1e-9)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2.0
            low, high = (middle, high) if (parallels(middle) * length_km).sum() < total_km else (low, middle)
        wanted = parallels(high)
        whole = np.floor(wanted + 1e-9).astype(np.int64)
    left_km = total_km - float((whole * length_km).sum())
    for way in sorted(rank.tolist(), key=lambda i: -(wanted[i] - whole[i])):
        if wanted[way] > whole[way] and length_km[way] <= left_km:
            whole[way] += 1
            left_km -= float(length_km[way])
    return whole


def _ranked(operators: pl.DataFrame) -> list[str]:
    """Return operators that lay fibre, those of fixed networks first."""
    order = {kind: i for i, kind in enumerate(OPERATOR_ORDER)}
    rows = operators.filter(pl.col("kind").is_in(OPERATOR_ORDER)).sort("operator_id").iter_rows(named=True)
    return [row["operator_id"] for row in sorted(rows, key=lambda row: order[row["kind"]])]


def _long_haul(
    code: str,
    *,
    ways: pl.DataFrame,
    length_km: Floats,
    n_parallel: Ints,
    places: pl.DataFrame,
    nodes: pl.DataFrame,
    operators: pl.DataFrame,
    home_districts: Mapping[str, frozenset[str]],
    first_operator: Sequence[str | None],
) -> pl.DataFrame:
    """Return one link a way and parallel fibre, with the operators in their order."""
    position = {name: i for i, name in enumerate(nodes["row_node_id"])}
    middle = [(position[a], position[b]) for a, b in ways.select("from_node_id", "to_node_id").iter_rows()]
    pair = np.array(middle, dtype=np.int64).reshape(-1, 2)
    lon = nodes["lon_deg"].to_numpy()[pair].mean(axis=1)
    lat = nodes["lat_deg"].to_numpy()[pair].mean(axis=1)
    sorted_places = places.sort("place_id")
    _, at = nearest(lon, lat, sorted_places["lon_deg"], sorted_places["lat_deg"])
    district = sorted_places["district_id"].to_numpy()[at]
    ranked = _ranked(operators)
    row = np.repeat(np.arange(ways.height), n_parallel)
    number = np.arange(len(row)) - np.repeat(np.cumsum(n_parallel) - n_parallel, n_parallel)
    by_district = {name: _operators_of(name, ranked, home_districts) for name in sorted(set(district))}
    names = [_first(first_operator[int(r)], by_district[district[r]]) for r in row]
    owner = [who[k] if k < len(who) else None for who, k in zip(names, number, strict=True)]
    frame = ways[row.tolist()].with_columns(pl.Series("number", number + 1), pl.Series("fibre_km", length_km[row]))
    return frame.select(
        (
            pl.lit(f"{code}-f-")
            + pl.col("row_id").str.strip_prefix(f"{code}-")
            + "-"
            + pl.col("number").cast(pl.String)
        ).alias("link_id"),
        "name",
        pl.lit("fibre").alias("kind"),
        pl.Series("operator_id", owner, dtype=pl.String),
        "row_id",
        "from_node_id",
        "to_node_id",
        pl.col("fibre_km").alias("length_km"),
        pl.lit(LONG_HAUL_GBPS).alias("capacity_gbps"),
        pl.lit("long_haul").alias("tier"),
        "geometry",
    )


def _first(operator_id: str | None, names: list[str]) -> list[str]:
    """Return the operators of a way, the published one in front."""
    return names if operator_id is None else [operator_id, *(name for name in names if name != operator_id)]


def _operators_of(district_id: str, ranked: list[str], home: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the operators of one district: those at home there first, those at home elsewhere not at all."""
    local = [name for name in ranked if district_id in home.get(name, frozenset())]
    return local + [name for name in ranked if name not in home]


def searoute_path(start: tuple[float, float], end: tuple[float, float]) -> tuple[list[tuple[float, float]], float]:
    """Return a shipping lane between two points (longitude, latitude) as (line, km), from the package searoute."""
    import searoute  # slow to import: a graph library and a sea network

    route = searoute.searoute(list(start), list(end))
    line = [(float(x), float(y)) for x, y in route.geometry["coordinates"]]
    points = np.array([start, *line, end])
    km = distance_km(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1]).sum()
    return [start, *line, end], float(km)


def _line(points: list[tuple[float, float]]) -> bytes:
    """Return a line as WKB."""
    wkb: bytes = shapely.to_wkb(shapely.LineString(points))
    return wkb


SCHEMA = {
    "link_id": pl.String, "name": pl.String, "kind": pl.String, "operator_id": pl.String, "row_id": pl.String,
    "from_node_id": pl.String, "to_node_id": pl.String, "length_km": pl.Float64, "capacity_gbps": pl.Float64,
    "tier": pl.String, "geometry": pl.Binary,
}  # fmt: skip


def _sea_links(code: str, cables: pl.DataFrame, sea_path: SeaPath) -> pl.DataFrame:
    """Return links from each cable in service to the exchanges its published length can reach, the farthest first."""
    subsea = cables.filter((pl.col("kind") == "subsea") & pl.col("is_in_service")).sort("cable_id")
    subsea = subsea.with_columns(landing_site_id(code).alias("site_id"))
    paths: dict[tuple[tuple[float, float], str], tuple[list[tuple[float, float]], float]] = {}
    rows: list[tuple[Any, ...]] = []
    for cable in subsea.iter_rows(named=True):
        start = (cable["lon_deg"], cable["lat_deg"])
        for name, (_, lon, lat) in EXCHANGES.items():
            if (start, name) not in paths and float(distance_km(*start, lon, lat)) <= MAX_SEA_KM:
                paths[start, name] = sea_path(start, (lon, lat))
        reach = sorted((paths[start, name][1], name) for name in EXCHANGES if (start, name) in paths)
        reach = [(km, name) for km, name in reach if km <= MAX_SEA_KM]
        ends = _cable_ends(reach, cable["length_km"])
        tbps = cable["active_tbps"] or cable["installed_tbps"] or 0.0
        for km, name in ends:
            rows.append(
                (
                    f"{code}-s-{cable['cable_id']}-{name}",
                    f"{cable['name']} towards {EXCHANGES[name][0]}",
                    "subsea",
                    cable["operator_id"],
                    None,
                    cable["site_id"],
                    name,
                    km,
                    tbps * 1000.0 / len(ends),
                    "international",
                    _line(paths[start, name][0]),
                )
            )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _cable_ends(reach: list[tuple[float, str]], length_km: float | None) -> list[tuple[float, str]]:
    """Return the ends of a cable: the farthest exchange within its length, then what the rest still reaches.

    >>> _cable_ends([(1100.0, "a"), (6000.0, "b"), (8200.0, "c")], 12_091.0)
    [(8200.0, 'c'), (1100.0, 'a')]
    """
    left_km = length_km if length_km is not None else (reach[0][0] if reach else 0.0)
    ends: list[tuple[float, str]] = []
    for km, name in reversed(reach):
        if km <= left_km and len(ends) < MAX_ENDS:
            ends.append((km, name))
            left_km -= km
    return ends or reach[:1]


def _land_links(code: str, cables: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return a link from the nearest main road to each terrestrial crossing in service."""
    crossing = cables.filter((pl.col("kind") == "terrestrial") & pl.col("is_in_service")).sort("cable_id")
    if crossing.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    apart_km, at = nearest(crossing["lon_deg"], crossing["lat_deg"], nodes["lon_deg"], nodes["lat_deg"])
    rows = [
        (
            f"{code}-c-{cable['cable_id']}",
            cable["name"],
            "fibre",
            cable["operator_id"],
            None,
            node["row_node_id"],
            f"crossing-{cable['cable_id']}",
            max(float(km) * CONNECTOR_SLACK, CONNECTOR_LEAST_KM),
            (cable["active_tbps"] or cable["installed_tbps"] or LONG_HAUL_GBPS / 1000.0) * 1000.0,
            "international",
            _line([(node["lon_deg"], node["lat_deg"]), (cable["lon_deg"], cable["lat_deg"])]),
        )
        for cable, km, node in zip(
            crossing.iter_rows(named=True), apart_km, nodes[at.tolist()].iter_rows(named=True), strict=True
        )
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _joint_links(code: str, joints: Sequence[Joint], nodes: pl.DataFrame) -> pl.DataFrame:
    """Return one link for each break of the roads that published fibre bridges."""
    point = {name: (lon, lat) for name, lon, lat in nodes.select("row_node_id", "lon_deg", "lat_deg").iter_rows()}
    rows = [
        (
            f"{code}-b-{joint.from_node_id}-{joint.to_node_id}", None, "fibre", joint.operator_id, None,
            joint.from_node_id, joint.to_node_id, joint.length_km, LONG_HAUL_GBPS, "long_haul",
            _line([point[joint.from_node_id], point[joint.to_node_id]]),
        )
        for joint in joints
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _connectors(code: str, sites: pl.DataFrame, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return links that join landing stations and border sites to the main road they stand near."""
    gates = sites.filter(pl.col("kind").is_in(["landing_station", "border"])).sort("site_id")
    joined = gates.join(
        nodes.select("row_node_id", pl.col("lon_deg").alias("node_lon_deg"), pl.col("lat_deg").alias("node_lat_deg")),
        on="row_node_id",
        how="left",
    ).sort("site_id")
    apart_km = distance_km(joined["lon_deg"], joined["lat_deg"], joined["node_lon_deg"], joined["node_lat_deg"])
    rows = [
        (
            f"{code}-j-{site['site_id'].removeprefix(f'{code}-')}",
            site["name"],
            "fibre",
            site["operator_id"],
            None,
            site["site_id"],
            site["row_node_id"],
            max(float(km) * CONNECTOR_SLACK, CONNECTOR_LEAST_KM),
            LONG_HAUL_GBPS,
            "metro",
            _line([(site["lon_deg"], site["lat_deg"]), (site["node_lon_deg"], site["node_lat_deg"])]),
        )
        for site, km in zip(joined.iter_rows(named=True), apart_km, strict=True)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
