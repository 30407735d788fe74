"""A small country of three districts, its files, and the reference data beside the checkout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely

from rahdari.schema import base_schemas
from rahdari.schema.checks import conform
from rahdari.sources.country import country_tables
from rahdari.sources.pack import PACKS_FOLDER
from rahdari.sources.packages.outline import ATLAS_FILE
from rahdari.sources.synthetic import SOURCES
from rahdari.sources.synthetic.fibre import links_table
from rahdari.sources.synthetic.people import places_table
from rahdari.sources.synthetic.sites import SiteTotals, sites_table

SHARED = Path(__file__).parents[3] / "shared"
LABEL = {"evidence": "assumed", "source_id": "made"}


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference data, or skip."""
    if not SHARED.is_dir():
        pytest.skip("the reference data beside the checkout is absent")
    return SHARED


def _table(name: str, columns: dict[str, object]) -> pl.DataFrame:
    height = len(next(v for v in columns.values() if isinstance(v, list)))
    full = {**columns, **{key: [value] * height for key, value in LABEL.items()}}
    return conform(pl.DataFrame(full), base_schemas()[name])


def _network() -> tuple[pl.DataFrame, pl.DataFrame]:
    lon, lat = (grid.ravel() for grid in np.meshgrid(np.linspace(70.1, 71.9, 10), np.linspace(30.1, 30.9, 5)))
    nodes = _table(
        "rights_of_way_nodes",
        {
            "row_node_id": [f"n{i:02}" for i in range(50)],
            "lon_deg": lon.tolist(),
            "lat_deg": lat.tolist(),
            "is_in_country": [True] * 50,
        },
    )
    pairs = [(i, i + 1) for i in range(49) if (i + 1) % 10] + [(i, i + 10) for i in range(40)]
    ways = _table(
        "rights_of_way",
        {
            "row_id": [f"r{i:02}" for i in range(len(pairs))],
            "from_node_id": [f"n{a:02}" for a, _ in pairs],
            "to_node_id": [f"n{b:02}" for _, b in pairs],
            "kind": ["road"] * len(pairs),
            "length_km": [20.0 + (a + b) % 3 for a, b in pairs],
            "slack_ratio": [1.1] * len(pairs),
            "terrain": ["plain"] * len(pairs),
            "is_in_country": [True] * len(pairs),
            "geometry": [shapely.to_wkb(shapely.LineString([(lon[a], lat[a]), (lon[b], lat[b])])) for a, b in pairs],
        },
    )
    return nodes, ways


@pytest.fixture(scope="session")
def country() -> dict[str, pl.DataFrame]:
    """Return the base tables of a country of 3.5 million people between 70 and 72 E, 30 and 31 N."""
    outline = shapely.box(70.0, 30.0, 72.0, 31.0)
    nodes, ways = _network()
    tables = {
        "rights_of_way_nodes": nodes,
        "rights_of_way": ways,
        "country": _table(
            "country",
            {
                "country_id": ["PK"],
                "name": ["Testland"],
                "n_people": [3_500_010],
                "n_households": [540_009],
                "census_year": [2023],
                "currency": ["PKR"],
                "exchange_rate_per_usd": [280.0],
                "price_year": [2025],
                "boundary_note": ["None."],
            },
        ),
        "outline": _table(
            "outline",
            {"outline_id": ["o"], "name": ["Box"], "is_disputed": [False], "geometry": [shapely.to_wkb(outline)]},
        ),
        "grid_companies": _table(
            "grid_companies", {"grid_company_id": ["g"], "name": ["G"], "outage_h_per_day": [2.0]}
        ),
        "districts": _table(
            "districts",
            {
                "district_id": ["pk-alpha", "pk-beta", "pk-gamma"],
                "name": ["Alpha", "Beta", "Gamma"],
                "region": ["R"] * 3,
                "n_people": [2_500_001, 500_003, 500_006],
                "n_households": [360_007, 90_001, 90_001],
                "urban_frac": [0.4, 0.2, 0.1],
                "lon_deg": [70.4, 71.2, 71.8],
                "lat_deg": [30.5, 30.5, 30.5],
            },
        ),
        "district_points": _table(
            "district_points",
            {
                "district_point_id": ["p1", "p2", "p3"],
                "district_id": ["pk-alpha", "pk-beta", "pk-gamma"],
                "name": ["A", "B", "C"],
                "lon_deg": [70.4, 71.2, 71.8],
                "lat_deg": [30.5, 30.5, 30.5],
            },
        ),
        "operators": _table(
            "operators",
            {
                "operator_id": ["m1", "f1"],
                "name": ["Mobile One", "Fibre One"],
                "kind": ["mobile", "fixed"],
                "mobile_share_frac": [1.0, 0.0],
            },
        ),
        "sources": conform(
            pl.DataFrame(
                [
                    *SOURCES,
                    *[
                        {"source_id": i, "title": i, "publisher": "Test", "kind": "assumed"}
                        for i in ("made", "geonames")
                    ],
                ]
            ),
            base_schemas()["sources"],
        ),
    }
    for name in ("cables", "landmarks"):
        tables[name] = conform(
            pl.DataFrame(schema=dict.fromkeys(base_schemas()[name].names, pl.String)), base_schemas()[name]
        )
    towns = pl.DataFrame(
        {
            "name": ["Big", "Small"],
            "lon_deg": [70.5, 71.2],
            "lat_deg": [30.5, 30.4],
            "n_people": [900_000, 60_000],
        }
    )
    tables["places"] = places_table(
        "PK",
        districts=tables["districts"],
        district_points=tables["district_points"],
        towns=towns,
        outline=outline,
        rights_of_way_nodes=nodes,
        n_places=800,
    )
    tables["sites"] = sites_table(
        "PK",
        places=tables["places"],
        operators=tables["operators"],
        cables=tables["cables"],
        landmarks=tables["landmarks"],
        rights_of_way_nodes=nodes,
        totals=SiteTotals(900, is_published=True),
    )
    tables["links"] = links_table(
        "PK",
        places=tables["places"],
        sites=tables["sites"],
        rights_of_way=ways,
        rights_of_way_nodes=nodes,
        operators=tables["operators"],
        cables=tables["cables"],
        long_haul_km=3_000.0,
    )
    return tables


@pytest.fixture(scope="session")
def data_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where this session keeps the parsed world networks: they are parsed once."""
    return tmp_path_factory.mktemp("data_cache")


@pytest.fixture(scope="session")
def atlas_file() -> Path:
    """Return the file of country outlines, or skip."""
    if not ATLAS_FILE.is_file():
        pytest.skip("the build has not laid out the country outlines")
    return ATLAS_FILE


@pytest.fixture(scope="session")
def pakistan(data_cache: Path, atlas_file: Path) -> dict[str, pl.DataFrame]:
    """Return all tables of Pakistan from packages and its pack, with few places."""
    assert atlas_file.is_file()
    return country_tables("pakistan", n_places=3000, cache_dir=data_cache, pack_folder=PACKS_FOLDER / "pakistan")


@pytest.fixture(scope="session")
def kenya(data_cache: Path, atlas_file: Path) -> dict[str, pl.DataFrame]:
    """Return all tables of Kenya from packages alone, with few places."""
    assert atlas_file.is_file()
    return country_tables("Kenya", n_places=2000, cache_dir=data_cache)
