"""Roads and railways (OpenStreetMap extract, GeoPackage, GeoJSON): the ways along which fibre can go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely
from pyproj import Geod
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rahdari.sources.imports.attach import links_on_ways, places_on_ways, sites_on_ways
from rahdari.sources.imports.common import (
    Findings,
    check_points,
    finished,
    land_of,
    no_table,
    on_land,
    read_features,
    source_id_of,
)
from rahdari.sources.packages.terrain import read_terrain
from rahdari.sources.row_graph import Slack, terrain_class, with_slack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from rahdari.sources.imports.common import Features, Flags, Floats, ImportResult

#: OpenStreetMap's values of ``highway`` that fibre follows between settlements, and what they are here.
HIGHWAYS = {
    "motorway": "motorway",
    "motorway_link": "motorway",
    "trunk": "road",
    "trunk_link": "road",
    "primary": "road",
    "primary_link": "road",
    "secondary": "road",
    "tertiary": "road",
    "unclassified": "road",
    "track": "track",
}
KINDS = ("road", "motorway", "railway", "track", "joint")
OSM_ENDINGS = (".pbf", ".osm")
OSM_WHERE = "highway IN ({})".format(", ".join(f"'{name}'" for name in HIGHWAYS))
MAX_PIECE_KM = 5.0  # longest piece between nodes, where the drawing has a vertex to cut at
MICRO_DEG = 1e-6  # vertices nearer than this (0.1 m) are one
M_PER_KM = 1000.0
GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class _Drawn:
    """All vertices of all lines: coordinates (v, 2), line of each (v,), node flags (v,), km along the line (v,)."""

    xy: Floats
    line: Any
    vertex: Any
    is_node: Flags
    along_km: Floats


def read_roads(path: Path, tables: Mapping[str, pl.DataFrame]) -> ImportResult:
    """Return ``rights_of_way`` and its nodes made of the file's lines, and all tables joined to them.

    Lines are cut where they share a vertex.  Kinds come from a field ``kind`` or OpenStreetMap's ``highway``; without
    either every line is a road.  Lines that do not touch the country are left out.  Existing fibre is laid anew, as
    many kilometres as before.
    """
    for name in ("rights_of_way", "places", "country", "outline"):
        no_table(name, tables)
    findings = Findings(path.name)
    options: dict[str, Any] = {}
    if path.suffix.lower() in OSM_ENDINGS:
        options = {"layer": "lines", "columns": ["osm_id", "name", "highway"], "where": OSM_WHERE}
    features = read_features(path, findings, **options)
    if findings.problems:
        return finished(path, "roads", findings, tables={}, old=tables, n_rows=len(features))
    if not len(features):
        findings.add("the file has no roads", "supply lines with OpenStreetMap's 'highway' or a field 'kind'")
        return finished(path, "roads", findings, tables={}, old=tables, n_rows=0)
    kind = _kinds(features, findings)
    types = np.array([shape.geom_type for shape in features.shapes])
    findings.rows(
        ~np.isin(types, ["LineString", "MultiLineString"]), "the feature is no line", "supply lines", "geometry"
    )
    if findings.problems:
        return finished(path, "roads", findings, tables={}, old=tables, n_rows=len(features))
    land = land_of(tables)
    part, parent = shapely.get_parts(features.shapes, return_index=True)
    near = shapely.dwithin(part, land, 0.05) if not land.is_empty else np.ones(len(part), dtype=bool)
    near &= np.array([value != "" for value in kind], dtype=bool)[parent]
    if not near.any():
        ends = shapely.get_point(part, 0)
        check_points(findings, shapely.get_x(ends), shapely.get_y(ends), land, lon="geometry")
        findings.add("no road touches the country", "supply the country's own roads")
        return finished(path, "roads", findings, tables={}, old=tables, n_rows=len(features))
    names = features.fields.get("name", [None] * len(features))
    line_kind = [kind[i] for i in parent[near]]
    line_name = [names[i] for i in parent[near]]
    nodes, rows = _network(part[near], line_kind, line_name, land, source_id_of(path, "roads"))
    _count_pieces(nodes, rows, findings)
    rows = with_slack(rows, _slack(tables["rights_of_way"]))
    result = {"rights_of_way": rows, "rights_of_way_nodes": nodes, "places": places_on_ways(tables["places"], nodes)}
    if "sites" in tables:
        result["sites"] = sites_on_ways(tables["sites"], nodes)
        if "links" in tables:
            result["links"] = links_on_ways({**tables, **result})
    return finished(path, "roads", findings, tables=result, old=tables, n_rows=len(features))


def _kinds(features: Features, findings: Findings) -> list[str]:
    """Return the kind of each line, empty where it is none that fibre follows."""
    if "highway" in features.fields:
        return [HIGHWAYS.get(str(value), "") for value in features.fields["highway"]]
    if "kind" not in features.fields:
        return ["road"] * len(features)
    kind = [str(value) for value in features.fields["kind"]]
    unknown = np.array([value not in KINDS for value in kind], dtype=bool)
    findings.rows(unknown, "the kind of way is unknown", f"use one of {', '.join(KINDS)}", "kind")
    return kind


def _slack(old: pl.DataFrame) -> Slack:
    """Return the slack that the country's ways had, by terrain."""
    mean = dict(old.group_by("terrain").agg(pl.col("slack_ratio").mean()).iter_rows())
    usual = Slack()
    return Slack(mean.get("plain", usual.plain), mean.get("hill", usual.hill), mean.get("mountain", usual.mountain))


def _drawn(lines: Any) -> _Drawn:  # noqa: ANN401  # an object array of lines
    """Return the vertices of lines, nodes marked: line ends, shared vertices, and cuts of long lines."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    key = np.rint(xy / MICRO_DEG).astype(np.int64)
    _, vertex, count = np.unique(key[:, 0] * 1_000_000_000 + key[:, 1], return_inverse=True, return_counts=True)
    is_end = np.ones(len(line), dtype=bool)
    is_end[1:-1] = (line[1:-1] != line[:-2]) | (line[1:-1] != line[2:])
    step_km = np.zeros(len(line))
    same = line[1:] == line[:-1]
    step_km[1:][same] = GEOD.inv(xy[:-1][same, 0], xy[:-1][same, 1], xy[1:][same, 0], xy[1:][same, 1])[2] / M_PER_KM
    total = np.cumsum(step_km)
    start = np.searchsorted(line, line)
    along = total - total[start]
    piece = np.floor(along / MAX_PIECE_KM)
    is_cut = np.zeros(len(line), dtype=bool)
    is_cut[1:] = same & (piece[1:] > piece[:-1])
    is_node = is_end | (count[vertex] > 1) | is_cut
    # A vertex is a node in every line that passes through it.
    node_vertices = np.zeros(len(count), dtype=bool)
    node_vertices[vertex[is_node]] = True
    return _Drawn(xy, line, vertex, node_vertices[vertex], along)


def _network(
    lines: Any,  # noqa: ANN401  # an object array of lines
    kind: list[str],
    name: list[Any],
    land: BaseGeometry,
    source_id: str,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tables (rights_of_way_nodes, rights_of_way), slack still 1."""
    drawn = _drawn(lines)
    at = np.flatnonzero(drawn.is_node)
    joins = drawn.line[at[1:]] == drawn.line[at[:-1]]
    first, last = at[:-1][joins], at[1:][joins]
    proper = drawn.vertex[first] != drawn.vertex[last]
    first, last = first[proper], last[proper]
    lon, lat = drawn.xy[at, 0], drawn.xy[at, 1]
    west, south, east, north = (float(v) for v in (lon.min(), lat.min(), lon.max(), lat.max()))
    terrain = read_terrain(west, south, east, north)
    ids = _node_ids(drawn.xy)
    nodes = pl.DataFrame(
        {
            "row_node_id": ids[at],
            "lon_deg": lon,
            "lat_deg": lat,
            "elevation_m": terrain.elevation_m(lon, lat),
            "is_in_country": on_land(land, lon, lat),
        }
    ).with_columns(pl.lit("measured").alias("evidence"), pl.lit(source_id).alias("source_id"))
    used = np.union1d(ids[first], ids[last])
    nodes = nodes.unique("row_node_id", keep="first", maintain_order=True).sort("row_node_id")
    nodes = nodes.filter(pl.col("row_node_id").is_in(used.tolist()))
    middle = (drawn.xy[first] + drawn.xy[last]) / 2.0
    home = dict(nodes.select("row_node_id", "is_in_country").iter_rows())
    line = drawn.line[first]
    rows = pl.DataFrame(
        {
            "from_node_id": ids[first],
            "to_node_id": ids[last],
            "kind": [kind[i] for i in line],
            "name": [None if name[i] is None else str(name[i]) for i in line],
            "length_km": drawn.along_km[last] - drawn.along_km[first],
            "slack_ratio": np.ones(len(first)),
            "terrain": terrain_class(
                terrain.elevation_m(middle[:, 0], middle[:, 1]), terrain.slope_frac(middle[:, 0], middle[:, 1])
            ),
            "is_in_country": [home[a] and home[b] for a, b in zip(ids[first], ids[last], strict=True)],
            "geometry": [
                shapely.to_wkb(shapely.LineString(drawn.xy[a : b + 1])) for a, b in zip(first, last, strict=True)
            ],
        },
        schema_overrides={"name": pl.String},
    ).with_columns(pl.lit("measured").alias("evidence"), pl.lit(source_id).alias("source_id"))
    # Two ways may join the same nodes: number them by length, so that names do not depend on the file's order.
    rows = rows.sort("from_node_id", "to_node_id", "length_km")
    number = pl.int_range(pl.len()).over("from_node_id", "to_node_id").cast(pl.String)
    made = pl.lit("r") + pl.col("from_node_id") + pl.col("to_node_id") + "-" + number
    return nodes, rows.with_columns(made.alias("row_id")).sort("row_id")


def _node_ids(xy: Floats) -> Any:  # noqa: ANN401  # an array of text
    """Return identifiers made of coordinates in millionths of a degree, so that they are the same in every file.

    >>> _node_ids(np.array([[71.5, -30.25]])).tolist()
    ['n251500000_59750000']
    """
    micro = np.rint((xy + np.array([180.0, 90.0])) / MICRO_DEG).astype(np.int64).astype(str)
    return np.char.add(np.char.add(np.char.add("n", micro[:, 0]), "_"), micro[:, 1])


def _count_pieces(nodes: pl.DataFrame, rows: pl.DataFrame, findings: Findings) -> None:
    """Warn where the network is in several pieces: nothing can be planned between them."""
    number = {name: i for i, name in enumerate(nodes["row_node_id"])}
    a = [number[name] for name in rows["from_node_id"]]
    b = [number[name] for name in rows["to_node_id"]]
    n_pieces, piece = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(len(number), len(number))))
    if n_pieces > 1:
        share = np.bincount(piece).max() / len(number)
        findings.warnings.append(f"the ways are in {n_pieces} pieces; the largest has {share:.1%} of the nodes")
