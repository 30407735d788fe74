"""The ITU Connectivity Planning Platform's input files (xlsx, gpkg) as a country that can be planned.

The platform plans points of interest, not people, and fetches roads itself.  Here each point becomes a place of an
assumed number of people, and ways are assumed straight between neighbouring points (Delaunay), which is said in every
row.  Workbooks are read with GDAL's own XLSX driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely
from pyproj import Geod
from scipy.spatial import Delaunay

from rahdari.errors import InputError, Problem
from rahdari.schema import base_schemas
from rahdari.schema.checks import conform, empty_table
from rahdari.sources.imports.common import (
    Findings,
    ImportResult,
    check_points,
    check_unique,
    has_columns,
    numbers,
    read_features,
    source_of,
)
from rahdari.sources.pack import PACKS_FOLDER, load_pack
from rahdari.sources.packages.terrain import SOURCES as TERRAIN_SOURCES
from rahdari.sources.packages.terrain import read_terrain
from rahdari.sources.row_graph import terrain_class
from rahdari.sources.synthetic.common import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.sources.imports.common import Floats

COUNTRY_ID = "ZZ"  # user-assigned in ISO 3166-1: an island of nowhere
PEOPLE_PER_POINT = 500  # assumed: the platform counts people around a point by a grid that is not in its files
PEOPLE_PER_HOUSEHOLD = 5  # assumed
POINT_AREA_KM2 = 3.14  # a circle of 1 km, the radius in which the platform counts people
MARGIN_DEG = 0.02  # land around the points, where no outline is given
MAX_WAY_KM = 30.0  # longer sides of the triangulation cross the sea or nothing
EDGE_SITE_GENERATIONS = {"2G": "2g", "3G": "3g", "4G": "4g", "5G": "5g"}
MEDIA = {"fiber": True, "fibre": True, "microwave": False, "satellite": False}
KINDS = ("pointsofinterest", "cellsites", "transmissionnode")
POINT_COLUMNS = ("poi_id", "lat", "lon", "poi_type")
CELL_COLUMNS = ("ict_id", "lat", "lon", "radio_type")
NODE_COLUMNS = ("ict_id", "lat", "lon", "transmission_medium")
LINK_GBPS = 10.0  # assumed between existing fibre nodes
M_PER_KM = 1000.0
GEOD = Geod(ellps="WGS84")


def read_itu_cpp(folder: Path) -> ImportResult:
    """Return every base table of the country that a CPP folder describes, ready to be planned as a folder of tables.

    The folder holds ``*pointsofinterest.xlsx``, ``*cellsites.xlsx`` and ``*transmissionnode.xlsx``; a coverage file is
    not needed.  Faults of all files come back together; a missing file raises :class:`InputError`.
    """
    files = {kind: _file(folder, kind) for kind in KINDS}
    problems: list[Problem] = []
    frames = {}
    for kind, columns in zip(KINDS, (POINT_COLUMNS, CELL_COLUMNS, NODE_COLUMNS), strict=True):
        findings = Findings(files[kind].name)
        frames[kind] = _sheet(files[kind], columns, findings)
        problems += findings.problems
    n_rows = sum(frame.height for frame in frames.values())
    source = source_of(files["pointsofinterest"], "itu-cpp")
    if problems:
        return ImportResult({}, tuple(problems), n_rows, source)
    sources = pl.concat([source_of(files[kind], "itu-cpp") for kind in KINDS])
    tables = _tables(frames, sources)
    return ImportResult(tables, (), n_rows, source, (f"each point stands for {PEOPLE_PER_POINT} people, assumed",))


def _file(folder: Path, kind: str) -> Path:
    """Return the one workbook of a kind."""
    found = sorted(folder.glob(f"*{kind}*.xlsx")) if folder.is_dir() else []
    if not found:
        raise InputError(Problem(f"there is no *{kind}*.xlsx", "give the folder of the platform's files", str(folder)))
    return found[0]


def _sheet(path: Path, columns: tuple[str, ...], findings: Findings) -> pl.DataFrame:
    """Return a workbook's first sheet with checked coordinates ``lon_deg``, ``lat_deg``."""
    features = read_features(path, findings, read_geometry=False)
    frame = pl.DataFrame({name: [_text(value) for value in values] for name, values in features.fields.items()})
    if findings.problems or not has_columns(frame, columns, findings):
        return frame
    check_unique(frame, [columns[0]], findings)
    lon, lat = numbers(frame, "lon", findings), numbers(frame, "lat", findings)
    check_points(findings, lon, lat, shapely.Polygon(), lon="lon")
    if "radio_type" in columns:
        unknown = (~frame["radio_type"].is_in(list(EDGE_SITE_GENERATIONS))).fill_null(value=True).to_numpy()
        cure = f"use one of {', '.join(EDGE_SITE_GENERATIONS)}"
        findings.rows(unknown, "the radio technology is unknown", cure, "radio_type")
    if "transmission_medium" in columns:
        unknown = (~frame["transmission_medium"].is_in(list(MEDIA))).fill_null(value=True).to_numpy()
        findings.rows(unknown, "the medium is unknown", f"use one of {', '.join(MEDIA)}", "transmission_medium")
    return frame.with_columns(pl.Series("lon_deg", lon), pl.Series("lat_deg", lat)).sort(columns[0])


def _text(value: Any) -> str | None:  # noqa: ANN401  # a workbook's cell
    """Return a cell as text, empty as null."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return None
    return str(value)


def _known(frame: pl.DataFrame, table: str, evidence: str, source_id: str) -> pl.DataFrame:
    """Return a frame as its schema says, all rows of one evidence and source."""
    labelled = frame.with_columns(pl.lit(evidence).alias("evidence"), pl.lit(source_id).alias("source_id"))
    return conform(labelled, base_schemas()[table])


def _tables(frames: dict[str, pl.DataFrame], sources: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return all base tables."""
    points, cells, hubs = (frames[kind] for kind in KINDS)
    source_id = str(sources["source_id"][0])
    lon = np.concatenate([frame["lon_deg"].to_numpy() for frame in (points, cells, hubs)])
    lat = np.concatenate([frame["lat_deg"].to_numpy() for frame in (points, cells, hubs)])
    terrain = read_terrain(
        float(lon.min()) - 0.1, float(lat.min()) - 0.1, float(lon.max()) + 0.1, float(lat.max()) + 0.1
    )
    tables = {
        name: frame for name, frame in load_pack(PACKS_FOLDER / "common").items() if name in {"equipment", "services"}
    }
    nodes, ways = _ways(lon, lat, terrain, source_id)
    tables |= {"rights_of_way_nodes": nodes, "rights_of_way": ways}
    tables |= _administration(points, lon, lat, source_id)
    tables["places"] = _places(points, nodes, terrain, source_id)
    tables["sites"] = _sites(cells, hubs, tables["places"], nodes, source_id)
    tables["links"] = _links(hubs, tables["sites"], source_id)
    known = load_pack(PACKS_FOLDER / "common")["sources"]
    rows = [known, sources, pl.DataFrame(list(TERRAIN_SOURCES))]
    tables["sources"] = conform(
        pl.concat(rows, how="diagonal_relaxed").unique("source_id", keep="first", maintain_order=True),
        base_schemas()["sources"],
    )
    return {
        name: tables.get(name, empty_table(schema)) for name, schema in base_schemas().items() if name != "indicators"
    }


def _administration(points: pl.DataFrame, lon: Floats, lat: Floats, source_id: str) -> dict[str, pl.DataFrame]:
    """Return country, one district, its outline, one operator and one electricity company."""
    n_people = PEOPLE_PER_POINT * points.height
    n_households = n_people // PEOPLE_PER_HOUSEHOLD
    around = shapely.box(
        float(lon.min()) - MARGIN_DEG,
        float(lat.min()) - MARGIN_DEG,
        float(lon.max()) + MARGIN_DEG,
        float(lat.max()) + MARGIN_DEG,
    )
    note = "Boundaries and names shown do not imply any opinion on legal status; disputed lines are approximate."
    rows: dict[str, dict[str, Any]] = {
        "country": {
            "country_id": COUNTRY_ID,
            "name": "Example island",
            "n_people": n_people,
            "n_households": n_households,
            "census_year": 2025,
            "currency": "USD",
            "exchange_rate_per_usd": 1.0,
            "price_year": 2025,
            "boundary_note": note,
        },
        "grid_companies": {"grid_company_id": "zz-grid", "name": "Island grid", "outage_h_per_day": 2.0},
        "districts": {
            "district_id": "zz-island",
            "name": "Island",
            "region": "Island",
            "n_people": n_people,
            "n_households": n_households,
            "urban_frac": 0.0,
            "lon_deg": float(np.median(lon)),
            "lat_deg": float(np.median(lat)),
            "grid_company_id": "zz-grid",
        },
        "district_points": {
            "district_point_id": "zz-island-1",
            "district_id": "zz-island",
            "name": "Island",
            "lon_deg": float(np.median(lon)),
            "lat_deg": float(np.median(lat)),
        },
        "operators": {"operator_id": "zz-a", "name": "Operator A", "kind": "mobile", "mobile_share_frac": 1.0},
        "outline": {
            "outline_id": "zz-box",
            "name": "Box around the points",
            "is_disputed": False,
            "geometry": shapely.to_wkb(around),
        },
    }
    return {name: _known(pl.DataFrame([row]), name, "assumed", source_id) for name, row in rows.items()}


def _ways(lon: Floats, lat: Floats, terrain: Any, source_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:  # noqa: ANN401
    """Return assumed ways: the sides of the triangulation of all points up to 30 km, and what joins the pieces."""
    xy = np.unique(np.column_stack([lon, lat]).round(6), axis=0)
    corner = Delaunay(xy).simplices
    pairs = np.unique(np.sort(np.vstack([corner[:, [0, 1]], corner[:, [1, 2]], corner[:, [0, 2]]]), axis=1), axis=0)
    start, stop = xy[pairs[:, 0]], xy[pairs[:, 1]]
    length_km = np.asarray(GEOD.inv(start[:, 0], start[:, 1], stop[:, 0], stop[:, 1])[2]) / M_PER_KM
    near = length_km <= MAX_WAY_KM
    pairs, start, stop, length_km = pairs[near], start[near], stop[near], length_km[near]
    middle = (start + stop) / 2.0
    height = terrain.elevation_m(middle[:, 0], middle[:, 1])
    ids = np.array([f"n{i:05}" for i in range(len(xy))])
    nodes = pl.DataFrame(
        {
            "row_node_id": ids,
            "lon_deg": xy[:, 0],
            "lat_deg": xy[:, 1],
            "elevation_m": terrain.elevation_m(xy[:, 0], xy[:, 1]),
            "is_in_country": np.ones(len(xy), dtype=bool),
        }
    )
    ways = pl.DataFrame(
        {
            "row_id": [f"r{i:06}" for i in range(len(pairs))],
            "from_node_id": ids[pairs[:, 0]],
            "to_node_id": ids[pairs[:, 1]],
            "kind": ["track"] * len(pairs),
            "length_km": length_km,
            "terrain": terrain_class(height, terrain.slope_frac(middle[:, 0], middle[:, 1])),
            "is_in_country": np.ones(len(pairs), dtype=bool),
            "geometry": list(shapely.to_wkb(shapely.linestrings(np.stack([start, stop], axis=1)))),
        }
    )
    return (
        _known(nodes, "rights_of_way_nodes", "assumed", source_id),
        _known(ways, "rights_of_way", "assumed", source_id),
    )


def _places(points: pl.DataFrame, nodes: pl.DataFrame, terrain: Any, source_id: str) -> pl.DataFrame:  # noqa: ANN401
    """Return one place a point of interest."""
    lon, lat = points["lon_deg"].to_numpy(), points["lat_deg"].to_numpy()
    road_km, at = nearest(lon, lat, nodes["lon_deg"], nodes["lat_deg"])
    n = points.height
    frame = pl.DataFrame(
        {
            "place_id": "zz-" + points["poi_id"],
            "name": [f"{kind} {key}" for kind, key in zip(points["poi_type"], points["poi_id"], strict=True)],
            "district_id": ["zz-island"] * n,
            "kind": ["village"] * n,
            "is_urban": [False] * n,
            "lon_deg": lon,
            "lat_deg": lat,
            "n_people": [PEOPLE_PER_POINT] * n,
            "n_households": [PEOPLE_PER_POINT // PEOPLE_PER_HOUSEHOLD] * n,
            "area_km2": [POINT_AREA_KM2] * n,
            "density_per_km2": [PEOPLE_PER_POINT / POINT_AREA_KM2] * n,
            "elevation_m": terrain.elevation_m(lon, lat),
            "slope_frac": terrain.slope_frac(lon, lat),
            "road_distance_km": road_km,
            "row_node_id": nodes["row_node_id"].to_numpy()[at],
        }
    )
    return _known(frame, "places", "assumed", source_id)


def _sites(
    cells: pl.DataFrame, hubs: pl.DataFrame, places: pl.DataFrame, nodes: pl.DataFrame, source_id: str
) -> pl.DataFrame:
    """Return towers and fibre nodes (as points of presence), positions as given, power assumed."""
    fibre = hubs["transmission_medium"].replace_strict(MEDIA, return_dtype=pl.Boolean)
    towers = cells.select(
        ("zz-t-" + pl.col("ict_id")).alias("site_id"),
        pl.lit("tower").alias("kind"),
        pl.lit("zz-a").alias("operator_id"),
        "lon_deg",
        "lat_deg",
        pl.col("radio_type").replace_strict(EDGE_SITE_GENERATIONS, return_dtype=pl.String).alias("generation"),
        pl.lit("microwave").alias("backhaul"),
        pl.lit(value=False).alias("is_fibre"),
    )
    core = hubs.select(
        ("zz-p-" + pl.col("ict_id")).alias("site_id"),
        pl.lit("pop").alias("kind"),
        pl.lit(None, dtype=pl.String).alias("operator_id"),
        "lon_deg",
        "lat_deg",
        pl.lit("none").alias("generation"),
        pl.Series("backhaul", ["fibre" if f else "microwave" for f in fibre]),
        fibre.alias("is_fibre"),
    )
    sites = pl.concat([towers, core])
    _, place = nearest(sites["lon_deg"], sites["lat_deg"], places["lon_deg"], places["lat_deg"])
    _, node = nearest(sites["lon_deg"], sites["lat_deg"], nodes["lon_deg"], nodes["lat_deg"])
    frame = sites.with_columns(
        pl.Series("place_id", places["place_id"].to_numpy()[place]),
        pl.Series("row_node_id", nodes["row_node_id"].to_numpy()[node]),
        pl.lit(value=True).alias("is_on_grid"),
        pl.lit(value=True).alias("has_generator"),
    )
    return _known(frame, "sites", "measured", source_id)


def _links(hubs: pl.DataFrame, sites: pl.DataFrame, source_id: str) -> pl.DataFrame:
    """Return fibre assumed between the existing fibre nodes: the shortest tree that joins them."""
    from scipy.sparse.csgraph import minimum_spanning_tree

    from rahdari.sources.synthetic.common import distance_km

    core = sites.filter((pl.col("kind") == "pop") & pl.col("is_fibre")).sort("site_id")
    if core.height < 2 or hubs.is_empty():  # noqa: PLR2004  # a link has two ends
        return empty_table(base_schemas()["links"])
    lon, lat = core["lon_deg"].to_numpy(), core["lat_deg"].to_numpy()
    apart = np.maximum(distance_km(lon[:, None], lat[:, None], lon[None, :], lat[None, :]), 1e-6)
    tree = minimum_spanning_tree(np.triu(apart, 1)).tocoo()
    a, b = tree.row, tree.col
    ends = np.stack([np.column_stack([lon[a], lat[a]]), np.column_stack([lon[b], lat[b]])], axis=1)
    frame = pl.DataFrame(
        {
            "link_id": [f"zz-f-{i:04}" for i in range(len(a))],
            "kind": ["fibre"] * len(a),
            "from_node_id": core["row_node_id"].to_numpy()[a],
            "to_node_id": core["row_node_id"].to_numpy()[b],
            "length_km": tree.data,
            "capacity_gbps": [LINK_GBPS] * len(a),
            "tier": ["long_haul"] * len(a),
            "geometry": list(shapely.to_wkb(shapely.linestrings(ends))),
        }
    )
    return _known(frame, "links", "assumed", source_id)
