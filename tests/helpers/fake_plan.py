"""A fictional plan folder of any size, written as a run writes it: for tests and benches of the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from rahdari.methods.raster import Raster
from rahdari.methods.terrain_table import terrain_rows
from rahdari.schema import base_schemas, read_schema
from rahdari.schema.checks import conform
from rahdari.store.parquet import write_table
from rahdari.store.plans import write_plan

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.schema import TableSchema

#: What the map reads of the core; the engine's own tables hold more.
CORE_ENDS_SCHEMA = """from_node_id,text,,,First end,result,
to_node_id,text,,,Second end,result,
from_name,text,,,City at the first end,optional,
to_name,text,,,City at the second end,optional,
"""
SCHEMA_HEAD = "column,type,unit,default,description,status,formula\n"
CORE_CAPACITY_SCHEMA = f"""{SCHEMA_HEAD}link_id,id,,,Chain of ways,key,
{CORE_ENDS_SCHEMA}fibre_km,float,km,,Fibre length,result,
total_gbps,float,gbps,,Capacity,result,
used_frac,float,frac,,Share in use,result,
geometry,geometry:line,,,Line,result,
"""
CORE_DEMANDS_SCHEMA = f"""{SCHEMA_HEAD}demand_id,id,,,Pair of cities,key,
{CORE_ENDS_SCHEMA}demand_gbps,float,gbps,,Demand,result,
"""

ACCESS_SCHEMA = """column,type,unit,default,description,status,formula
place_id,key:places,,,Place,key,
year,int,year,,Year,key,
technology,"enum:fibre,fwa_5g,mobile_4g,satellite,none",,,Chosen technology,result,
downlink_mbps,float,mbps,,Busy-hour downlink of a home,result,
availability_frac,float,frac,,Share of the year in service,result,
n_households,int,households,,Households,result,
n_households_passed,int,households,,Households that fibre passes,result,"where(downlink_mbps > 50, n_households, 0)"
"""
PLANNED_LINKS_SCHEMA = """column,type,unit,default,description,status,formula
link_id,id,,,Link,key,
kind,"enum:trunk,connector",,,What it joins,result,
length_km,float,km,,Length,result,
geometry,geometry:line,,,Line,result,
"""
#: What the map and the report read of radio; the engine's own tables hold more.
HOPS_SCHEMA = f"""{SCHEMA_HEAD}site_id,key:sites,,,Site fed by microwave,key,
to_site_id,key:sites,,,Site on fibre,result,
distance_km,float,km,,Way between the two,result,
n_relays,int,count,,Relays,result,
band_ghz,float,ghz,,Band,result,
radio_id,text,,,Class of radio,optional,
antenna_id,text,,,Dish,optional,
availability_frac,float,frac,,Share of the year in service,result,
is_clear,bool,,,Clear of terrain,result,
"""
COVERAGE_SCHEMA = f"""{SCHEMA_HEAD}place_id,key:places,,,Place,key,
technology,"enum:4g,5g",,,Radio generation,key,
is_covered,bool,,,Covered,result,
is_surely_covered,bool,,,Covered with confidence,result,
covered_probability_frac,float,frac,,Probability,result,
"""
CELLS_SCHEMA = f"""{SCHEMA_HEAD}site_id,key:sites,,,Site,key,
technology,"enum:4g,5g",,,Radio generation,key,
load_frac,float,frac,,Load in the busy hour,result,
"""
RIDGE_M, PLAIN_M = 900.0, 200.0
TERRAIN_STEP_DEG = 0.05
#: Sites: the gateway on fibre, two that it feeds (one behind the ridge), and one on the gateway's own roof.
RADIO_SITES = {"gate": (68.0, 28.0), "plain": (68.2, 28.0), "hidden": (67.7, 28.1), "roof": (68.0, 28.0)}
TOWN_SPREAD_DEG = 0.35
LINE_STEP_DEG = 0.12
BORDER = [
    (61.0, 25.2), (62.5, 29.0), (61.2, 30.8), (66.2, 30.5), (66.9, 31.8), (69.3, 32.3), (70.2, 34.0), (71.2, 36.0),
    (74.5, 37.0), (76.3, 35.6), (74.2, 33.0), (75.2, 32.2), (73.1, 30.0), (70.2, 28.0), (71.0, 24.4), (68.0, 23.8),
    (66.6, 25.2),
]  # fmt: skip
SCENARIO = {"name": "test", "title": "A test", "years": [2025, 2030]}
DISPUTED = [(74.5, 37.0), (77.4, 35.4), (75.2, 32.2)]
CORE_CITIES = {
    "Northgate": (66.9, 25.6), "Lakeview": (68.4, 28.6), "Old Harbour": (71.4, 30.4), "Redcliff": (73.2, 33.4)
}  # fmt: skip
#: Ends, capacity; a ring of three and a spur to the fourth.
CORE_LINKS = ((0, 1, 700.0), (1, 2, 500.0), (0, 2, 800.0), (2, 3, 300.0))
CORE_DEMANDS = ((0, 1, 400.0), (0, 2, 300.0), (0, 3, 200.0))
NAMES = (
    "Northgate", "Lakeview", "Old Harbour", "Redcliff", "Ferry Point", "Stonebridge", "Ashford", "Hilltop",
    "Millbrook", "Sandwell", "Cedar Pass", "Riverton", "Kingsmoor", "Fairhaven", "Thornby", "Westmere",
    "Copperfield", "Dry Wells", "Highmarket", "Greyford", "Saltmarsh", "Eastvale", "Winterfold", "Longacre",
)  # fmt: skip


def _points(rng: np.random.Generator, n_points: int, towns: np.ndarray) -> np.ndarray:
    land = shapely.Polygon(BORDER)
    shapely.prepare(land)
    kept: list[np.ndarray] = []
    while sum(map(len, kept)) < n_points:
        near = towns[rng.integers(0, len(towns), n_points)] + rng.normal(0, TOWN_SPREAD_DEG, (n_points, 2))
        wide = np.c_[rng.uniform(61, 77, n_points), rng.uniform(24, 37, n_points)]
        drawn = np.where(rng.random((n_points, 1)) < 0.55, near, wide)
        kept.append(drawn[shapely.contains_xy(land, drawn[:, 0], drawn[:, 1])])
    return np.concatenate(kept)[:n_points]


def _fact(n_rows: int, evidence: str | list[str] = "assumed") -> dict[str, Any]:
    return {
        "evidence": evidence if isinstance(evidence, list) else [evidence] * n_rows,
        "source_id": ["made-up"] * n_rows,
    }


def _places(rng: np.random.Generator, n_places: int, towns: np.ndarray) -> pl.DataFrame:
    position = np.concatenate([towns, _points(rng, n_places - len(towns), towns)])
    n_towns = len(towns)
    n_people = np.concatenate([2_000_000 / (1 + np.arange(n_towns)), rng.uniform(200, 9_000, n_places - n_towns)])
    observed = ["published"] * n_towns + ["synthetic"] * (n_places - n_towns)
    return pl.DataFrame(
        {
            "place_id": [f"zz-{k:06d}" for k in range(n_places)],
            "name": [NAMES[k] if k < n_towns else f"Vale {k % 40}" for k in range(n_places)],
            "name_local": ["شمالی دروازہ"] + [None] * (n_places - 1),
            "district_id": [f"zz-d{k % 40:02d}" for k in range(n_places)],
            "kind": ["city"] * n_towns + ["village"] * (n_places - n_towns),
            "is_urban": [True] * n_towns + [False] * (n_places - n_towns),
            "lon_deg": position[:, 0],
            "lat_deg": position[:, 1],
            "n_people": n_people.astype(np.int64),
            "n_households": (n_people / 6).astype(np.int64),
            "area_km2": np.full(n_places, 2.0),
            "density_per_km2": n_people / 2.0,
            "elevation_m": rng.uniform(0, 3000, n_places),
            "slope_frac": rng.uniform(0, 0.2, n_places),
            "road_distance_km": rng.uniform(0, 12, n_places),
            "row_node_id": ["n0"] * n_places,
            "electrified_frac": rng.uniform(0.3, 1, n_places),
            **_fact(n_places, observed),
        }
    )


def _access(rng: np.random.Generator, places: pl.DataFrame) -> pl.DataFrame:
    speed = {"fibre": 300.0, "fwa_5g": 90.0, "mobile_4g": 14.0, "satellite": 45.0, "none": 0.0}
    parts = []
    for year, share in ((2025, (0.08, 0.02, 0.5, 0.02, 0.38)), (2030, (0.34, 0.2, 0.3, 0.12, 0.04))):
        technology = rng.choice(list(speed), places.height, p=share)
        downlink = np.array([speed[name] for name in technology])
        households = places["n_households"].to_numpy()
        parts.append(
            pl.DataFrame(
                {
                    "place_id": places["place_id"],
                    "year": np.full(places.height, year),
                    "technology": technology,
                    "downlink_mbps": downlink,
                    "availability_frac": rng.uniform(0.9, 0.9999, places.height),
                    "n_households": households,
                    "n_households_passed": np.where(downlink > 50, households, 0),
                }
            )
        )
    return pl.concat(parts)


def _lines(rng: np.random.Generator, n_lines: int, towns: np.ndarray) -> np.ndarray:
    start = _points(rng, n_lines, towns)
    end = start + rng.normal(0, LINE_STEP_DEG, start.shape)
    return np.asarray(shapely.to_wkb(shapely.linestrings(np.stack([start, end], axis=1))))


def _links(rng: np.random.Generator, n_links: int, towns: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "link_id": [f"l-{k:05d}" for k in range(n_links)],
            "kind": ["fibre"] * n_links,
            "from_node_id": ["a"] * n_links,
            "to_node_id": ["b"] * n_links,
            "length_km": rng.uniform(1, 30, n_links),
            "capacity_gbps": [100.0] * n_links,
            "tier": ["long_haul"] * n_links,
            "geometry": _lines(rng, n_links, towns),
            **_fact(n_links),
        }
    )


def _core() -> dict[str, pl.DataFrame]:
    """Return a core whose second link idles, and whose last one is the only way to its city."""
    names, points = list(CORE_CITIES), list(CORE_CITIES.values())

    def ends(rows: tuple[tuple[int, int, float], ...]) -> dict[str, list[str]]:
        pairs = [(a, b) for a, b, _ in rows]
        return {
            f"{end}_{kind}": [f"n{pair[place]}" if kind == "node_id" else names[pair[place]] for pair in pairs]
            for place, end in enumerate(("from", "to"))
            for kind in ("node_id", "name")
        }

    total = np.array([capacity for *_, capacity in CORE_LINKS])
    lines = shapely.to_wkb([shapely.LineString([points[a], points[b]]) for a, b, _ in CORE_LINKS])
    capacity = {
        "link_id": [f"core-{k}" for k in range(len(CORE_LINKS))], **ends(CORE_LINKS),
        "fibre_km": [330.0, 385.0, 660.0, 440.0], "total_gbps": total,
        "used_frac": np.array([400.0, 0.0, 500.0, 200.0]) / total, "geometry": lines,
    }  # fmt: skip
    demands = {
        "demand_id": [f"core-n{a}-n{b}" for a, b, _ in CORE_DEMANDS], **ends(CORE_DEMANDS),
        "demand_gbps": [gbps for *_, gbps in CORE_DEMANDS],
    }  # fmt: skip
    return {"backbone_capacity": pl.DataFrame(capacity), "backbone_demands": pl.DataFrame(demands)}


def _terrain() -> pl.DataFrame:
    """Return a plain with one ridge along 67.85 degrees east."""
    lon = 67.0 + TERRAIN_STEP_DEG * (np.arange(40) + 0.5)
    height = np.where(np.abs(lon - 67.85) < 0.06, RIDGE_M, PLAIN_M)  # half as wide as two cells
    grid = np.tile(height.astype(np.float32), (40, 1))
    raster = Raster(grid, 67.0, 29.0, TERRAIN_STEP_DEG, TERRAIN_STEP_DEG, is_coarse=True, source="made up")
    return terrain_rows(raster, "zz", "synthetic", "made-up")


def _radio(places: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return sites, hops, coverage of two technologies and 5G cells."""
    names, n = list(RADIO_SITES), len(RADIO_SITES)
    sites = pl.DataFrame(
        {
            "site_id": names, "name": ["Gateway mast", "Plain mast", "Hidden mast", "Roof mast"], "kind": ["tower"] * n,
            "place_id": ["zz-000000"] * n, "operator_id": [None] * n, "lon_deg": [at[0] for at in RADIO_SITES.values()],
            "lat_deg": [at[1] for at in RADIO_SITES.values()], "row_node_id": ["n0"] * n, "generation": ["4g"] * n,
            "backhaul": ["fibre"] + ["microwave"] * (n - 1), "is_fibre": [True] + [False] * (n - 1),
            "is_on_grid": [True] * n, "has_generator": [False] * n, "battery_h": [4.0] * n, **_fact(n, "synthetic"),
        }
    )  # fmt: skip
    hops = pl.DataFrame(
        {
            "site_id": names[1:], "to_site_id": ["gate"] * 3, "distance_km": [19.7, 31.5, 0.0], "n_relays": [0, 1, 0],
            "band_ghz": [15.0, 7.4, 23.0], "radio_id": ["mw15", None, "mw23"], "antenna_id": ["dish_12", None, None],
            "availability_frac": [0.99999, 0.2, 1.0], "is_clear": [True, False, True],
        }
    )  # fmt: skip
    share = np.linspace(0.0, 1.0, places.height)
    coverage = [
        pl.DataFrame(
            {
                "place_id": places["place_id"], "technology": [technology] * places.height, "is_covered": share > least,
                "is_surely_covered": share > least + 0.2, "covered_probability_frac": share,
            }
        )
        for technology, least in (("4g", 0.1), ("5g", 0.6))
    ]  # fmt: skip
    cells = pl.DataFrame(
        {"site_id": ["gate", "gate", "plain"], "technology": ["4g", "5g", "4g"], "load_frac": [0.5] * 3}
    )
    return {
        "sites": sites, "microwave_hops": hops, "coverage": pl.concat(coverage), "cells": cells, "terrain": _terrain()
    }  # fmt: skip


def _frames(n_places: int, n_links: int) -> dict[str, pl.DataFrame]:
    rng = np.random.Generator(np.random.Philox(7))
    towns = _points(rng, len(NAMES), np.array([[68.0, 28.0]]))
    places = _places(rng, n_places, towns)
    n_planned = n_links // 4
    border = shapely.to_wkb(shapely.Polygon(BORDER))
    disputed = shapely.to_wkb(shapely.LineString(DISPUTED))
    return {
        "country": pl.DataFrame(
            {
                "country_id": ["ZZ"], "name": ["Testland"], "name_local": ["آزمائش"], "local_language": ["ur"],
                "n_people": [places["n_people"].sum()], "n_households": [places["n_households"].sum()],
                "census_year": [2023], "currency": ["ZZD"], "exchange_rate_per_usd": [280.0], "price_year": [2025],
                "boundary_note": ["Boundaries shown do not imply any opinion; disputed lines are approximate."],
                **_fact(1),
            }
        ),
        "places": places,
        "access": _access(rng, places),
        "links": _links(rng, n_links - n_planned, towns),
        **_core(),
        **_radio(places),
        "planned_links": pl.DataFrame(
            {
                "link_id": [f"p-{k:05d}" for k in range(n_planned)],
                "kind": ["trunk"] * n_planned,
                "length_km": rng.uniform(1, 30, n_planned),
                "geometry": _lines(rng, n_planned, towns),
            }
        ),
        "outline": pl.DataFrame(
            {
                "outline_id": ["land", "line"], "name": ["Testland", "Line of dispute"], "is_disputed": [False, True],
                "geometry": [border, disputed], **_fact(2, "published"),
            }
        ),
        "landmarks": pl.DataFrame(
            {
                "landmark_id": ["port", "airport"], "name": ["Old Harbour port", "Central airport"],
                "kind": ["port", "airport"], "lon_deg": [66.9, 73.0], "lat_deg": [24.9, 33.6], **_fact(2, "published"),
            }
        ),
        "sources": pl.DataFrame(
            {
                "source_id": ["made-up"], "title": ["A fictional country"], "publisher": ["The tests"],
                "published_on": ["2026"], "licence": ["none"], "kind": ["synthetic"],
            }
        ),
        "indicators": pl.DataFrame(
            {
                "indicator_id": ["people_with_20_mbps_frac"] * 2, "year": [2025, 2030],
                "name": ["People with at least 20 Mbit/s"] * 2, "value": [0.31, 0.82], "value_low": [0.27, 0.74],
                "value_high": [0.36, 0.88], "unit": ["share"] * 2, "engine": ["access"] * 2,
                "fidelity": ["simple"] * 2, "formula": ["people / all people"] * 2, "how_sure": ["modelled"] * 2,
            }
        ),
    }  # fmt: skip


def write_fake_plan(folder: Path, *, n_places: int, n_links: int) -> Path:
    """Write a plan of a fictional country and return its folder.

    ``n_links`` counts existing and planned fibre together.
    """
    staging = folder / "staging"
    own = staging / "schema"
    own.mkdir(parents=True)
    (own / "access.csv").write_text(ACCESS_SCHEMA, encoding="utf-8")
    (own / "planned_links.csv").write_text(PLANNED_LINKS_SCHEMA, encoding="utf-8")
    (own / "backbone_capacity.csv").write_text(CORE_CAPACITY_SCHEMA, encoding="utf-8")
    (own / "backbone_demands.csv").write_text(CORE_DEMANDS_SCHEMA, encoding="utf-8")
    for name, text in (("microwave_hops", HOPS_SCHEMA), ("coverage", COVERAGE_SCHEMA), ("cells", CELLS_SCHEMA)):
        (own / f"{name}.csv").write_text(text, encoding="utf-8")
    schemas = {**base_schemas(), **{path.stem: read_schema(path) for path in own.glob("*.csv")}}
    files, contents = {}, {}
    for name, frame in _frames(n_places, n_links).items():
        path = staging / f"{name}.parquet"
        files[name] = (path, write_table(conform(frame, schemas[name]), path, schemas[name]))
        contents[name] = _schema_bytes(schemas[name])
    engine = {
        "name": "access", "title": "Access", "fidelity": "simple", "summary": "Chooses the cheapest technology.",
        "reads": ["places"], "certificates": [], "notes": [], "params": {},
        "layers": [
            {
                "layer": "uptime", "table": "access", "geometry": "places", "kind": "point",
                "colour_by": "availability_frac", "title": "Availability",
            },
            {
                "layer": "absent", "table": "nowhere", "geometry": "places", "kind": "point", "colour_by": "x",
                "title": "Not in this plan",
            },
        ],
    }  # fmt: skip
    backbone = {
        "name": "backbone", "title": "Backbone", "fidelity": "full", "summary": "Dimensions the core.",
        "reads": ["places"], "certificates": [], "notes": [], "params": {},
        "layers": [
            {
                "layer": "core", "table": "backbone_capacity", "geometry": "backbone_capacity", "kind": "line",
                "colour_by": "used_frac", "title": "National core",
            }
        ],
    }  # fmt: skip
    radio = {
        "name": "radio", "title": "Radio", "fidelity": "full", "summary": "Covers.", "reads": ["places"],
        "certificates": [], "notes": [], "params": {"mast_m": 40.0}, "layers": [],
    }  # fmt: skip
    writer = {
        "access": "access", "planned_links": "access", **dict.fromkeys(_core(), "backbone"),
        **dict.fromkeys(("microwave_hops", "coverage", "cells"), "radio"),
    }  # fmt: skip
    digests = {name: {"writer": writer.get(name, "country")} for name in files}
    plan = folder / "plan"
    manifest = {"tables": digests, "engines": [engine, backbone, radio], "country": "Testland", "scenario": SCENARIO}
    write_plan(plan, files, contents, manifest)
    (plan / "report.html").write_text("<!doctype html><title>Report</title>", encoding="utf-8")
    return plan


def _schema_bytes(schema: TableSchema) -> bytes:
    head = "column,type,unit,default,description,status,formula\n"
    rows = [
        ",".join(f'"{part}"' for part in (c.name, c.type, c.unit, c.default, c.description, c.status, c.formula))
        for c in schema.columns
    ]
    return (head + "\n".join(rows) + "\n").encode()
