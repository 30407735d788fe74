from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import rahdari.engines.edge as folder_module
from rahdari.engines.edge.engine import edge
from rahdari.engines.edge.params import EdgeParams
from rahdari.errors import InputError
from rahdari.model import Context, Tables
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, gateways, rows

FOLDER = Path(folder_module.__file__).parent
CTX = Context()
PARAMS = EdgeParams(city_n_people=200_000)


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    country = small_country()
    roads = [
        ("R-1", "North Pass - Midtown", 100.0, "operational", "North Pass", "Midtown"),
        ("R-2", "Midtown - Nowhere", 61.0, "partial", "Midtown", "Nowhere"),
        ("R-3", "Nowhere - Elsewhere", 40.0, "planned", "Nowhere", "Elsewhere"),
    ]
    motorways = rows("motorways", ["motorway_id", "name", "length_km", "state", "from_name", "to_name"], roads)
    return {
        "places": country["places"],
        "equipment": country["equipment"],
        "landmarks": gateways()["landmarks"],
        "motorways": motorways,
    }


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(edge, tables, PARAMS, CTX, FOLDER)
    assert set(frames["edge_services"]["kind"]) == {"tolling", "city_cameras"}
    assert set(frames["edge_services"]["edge_node_id"]) <= set(frames["edge_nodes"]["edge_node_id"])
    certificate = result.certificates[0]
    assert certificate.cost == certificate.lower_bound == frames["edge_nodes"].height


def test_gantries_stand_on_both_sides_at_the_spacing(tables: dict[str, pl.DataFrame]) -> None:
    result = edge(Tables(tables), PARAMS, CTX)
    table = result.tables["edge_services"].filter(pl.col("kind") == "tolling").sort("motorway_id")
    assert table["n_gantries"].to_list() == [10, 8, 4]
    found = next(item for item in result.indicators if item.indicator_id == "its_gantries_count")
    assert (found.value_low, found.value, found.value_high) == (10.0, 18.0, 34.0)


def test_a_tighter_limit_never_needs_fewer_nodes_to_cover_as_much(tables: dict[str, pl.DataFrame]) -> None:
    wide = edge(Tables(tables), PARAMS, CTX)
    tight = edge(Tables(tables), EdgeParams(round_trip_limit_ms=1.2), CTX)
    served = [
        next(item.value for item in result.indicators if item.indicator_id == "edge_people_served_frac")
        for result in (wide, tight)
    ]
    assert served[0] == 1.0
    assert served[1] < served[0]
    assert tight.tables["edge_nodes"].height >= wide.tables["edge_nodes"].height


def test_a_country_of_villages_gets_one_node(tables: dict[str, pl.DataFrame]) -> None:
    small = {**tables, "places": tables["places"].filter(pl.col("kind") != "city")}
    result = edge(Tables(small), PARAMS, CTX)
    assert result.tables["edge_nodes"].height == 1
    assert set(result.tables["edge_services"]["kind"]) == {"tolling"}


def test_a_country_without_motorways_or_landmarks_still_has_nodes(tables: dict[str, pl.DataFrame]) -> None:
    bare = {**tables, "motorways": tables["motorways"].clear(), "landmarks": tables["landmarks"].clear()}
    result = edge(Tables(bare), EdgeParams(), CTX)
    assert result.tables["edge_nodes"].height >= 1
    assert result.tables["edge_services"].height == 0


def test_a_catalogue_without_an_edge_cabinet_is_refused(tables: dict[str, pl.DataFrame]) -> None:
    without = {**tables, "equipment": tables["equipment"].filter(pl.col("category") != "edge")}
    with pytest.raises(InputError, match="edge cabinet"):
        edge(Tables(without), PARAMS, CTX)
