from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rahdari.engines.edge as folder_module
from rahdari.engines.edge.engine import edge
from rahdari.engines.edge.left import nodes_left
from rahdari.engines.edge.origins import along, origins
from rahdari.engines.edge.params import EdgeParams
from rahdari.errors import InputError
from rahdari.model import Context, Tables
from rahdari.schema import table_schema
from rahdari.schema.checks import empty_table
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, gateways, rows

FOLDER = Path(folder_module.__file__).parent
CTX = Context()
PARAMS = EdgeParams(city_n_people=200_000, candidate_spacing_km=5.0)


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    country = small_country()
    columns = ["motorway_id", "name", "length_km", "state", "from_name", "to_name", "opening_year"]
    roads = [
        ("R-1", "North Pass - Midtown", 100.0, "operational", "North Pass", "Midtown", None),
        ("R-2", "Midtown - Nowhere", 61.0, "partial", "Midtown", "Nowhere", None),
        ("R-3", "Nowhere - Elsewhere", 40.0, "planned", "Nowhere", "Elsewhere", None),
        ("R-4", "Midtown - Eastford", 80.0, "planned", "Midtown", "Eastford", 2028),
        ("R-5", "Midtown - Southport", 90.0, "under_construction", "Midtown", "Southport", 2022),
    ]
    kept = ("country", "districts", "places", "equipment", "edge_kinds", "sites", "links", "rights_of_way",
            "rights_of_way_nodes")  # fmt: skip
    energy = country["sites"].select("site_id").with_columns(autonomy_h=pl.lit(12.0))
    gates = gateways()
    return {
        **{name: country[name] for name in kept},
        "site_energy": energy,
        "landmarks": gates["landmarks"],
        "hazards": gates["hazards"],
        "motorways": rows("motorways", columns, roads),
    }


@pytest.fixture(scope="module")
def made(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {**tables, **edge(Tables(tables), PARAMS, CTX).tables}


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(edge, tables, PARAMS, CTX, FOLDER)
    held = frames["edge_assignments"]
    assert set(held["edge_node_id"]) == set(frames["edge_nodes"]["edge_node_id"])
    assert held["is_in_time"].all()
    assert frames["edge_services"].filter(pl.col("n_origins") > 0)["is_in_time"].any()
    certificate = result.certificates[0]
    assert certificate.lower_bound is not None
    assert 0.0 < certificate.lower_bound <= certificate.cost


def test_gantries_stand_on_both_sides_of_roads_that_are_open_by_state_or_year(tables: dict[str, pl.DataFrame]) -> None:
    result = edge(Tables(tables), PARAMS, CTX)
    found = next(item for item in result.indicators if item.indicator_id == "its_gantries_count")
    assert (found.value_low, found.value, found.value_high) == (16.0, 28.0, 52.0)
    tolls = result.tables["edge_workloads"].filter(pl.col("edge_kind_id") == "toll_gantry")
    assert tolls.group_by("motorway_id").len().sort("motorway_id").rows() == [
        ("R-1", 5), ("R-2", 4), ("R-4", 4), ("R-5", 5),
    ]  # fmt: skip
    assert set(tolls.filter(~pl.col("is_in_service"))["motorway_id"]) == {"R-4"}


def test_positions_go_along_the_way_between_the_ends(tables: dict[str, pl.DataFrame]) -> None:
    found = origins(Tables(tables), PARAMS, 2025).filter(pl.col("motorway_id") == "R-1")
    assert set(found["position"]) == {"along its way"}
    lat = found["lat_deg"].to_numpy()
    assert (np.diff(lat) < 0.0).all() or (np.diff(lat) > 0.0).all()
    assert found["road_km"].to_list() == [10.0, 30.0, 50.0, 70.0, 90.0]
    line = np.array([[70.0, 30.0], [70.0, 31.0], [71.0, 31.0]])
    assert along(line, 4).shape == (4, 2)


def test_each_workload_is_carried_or_says_why_not(made: dict[str, pl.DataFrame]) -> None:
    works = made["edge_workloads"]
    held = made["edge_assignments"].group_by("edge_workload_id").agg(roles=pl.col("role").sort())
    joined = works.join(held, on="edge_workload_id", how="left").join(
        made["edge_kinds"].select("edge_kind_id", "has_second"), on="edge_kind_id"
    )
    for row in joined.iter_rows(named=True):
        if row["status"] == "placed":
            assert row["roles"] == (["main", "second"] if row["has_second"] else ["main"])
        elif row["status"] == "no second node apart":
            assert row["roles"] == ["main"]
        else:
            assert row["roles"] is None


def test_a_city_too_heavy_for_a_node_is_cut_into_parts(made: dict[str, pl.DataFrame]) -> None:
    works = made["edge_workloads"]
    assert works["servers_count"].max() <= PARAMS.part_servers_count + works["servers_count"].min() + 0.1
    cameras = works.filter(pl.col("edge_kind_id") == "city_camera")
    people = made["places"].filter(pl.col("kind") == "city")["n_people"].sum()
    assert cameras["n_units"].sum() == pytest.approx(20.0 * people / 100_000, abs=len(cameras))


def test_a_dark_node_hands_its_work_to_the_second_and_has_nothing_left(made: dict[str, pl.DataFrame]) -> None:
    before = nodes_left(made)
    assert before["is_up"].all()
    lost = made["edge_nodes"].sort("n_main", descending=True)["site_id"][0]
    after = nodes_left(made, sites_dark=[lost])
    gone = after.filter(pl.col("site_id") == lost)
    assert gone["has_power"].to_list() == [False]
    assert gone["left_mbps"].to_list() == [0.0]
    if made["edge_nodes"].height > 1:
        rest, was = (frame.filter(pl.col("site_id") != lost)["left_servers_count"].sum() for frame in (after, before))
        assert rest < was
        assert (after["carried_servers_count"] <= after["n_servers"] + 1e-9).all()


def test_autonomy_holds_a_node_up_for_its_hours_and_no_longer(made: dict[str, pl.DataFrame]) -> None:
    sites = made["edge_nodes"]["site_id"].to_list()
    hours = float(made["edge_nodes"]["autonomy_h"].min())  # type: ignore[arg-type]  # a number
    assert nodes_left(made, sites_without_grid=sites, hours_without_grid=hours)["is_up"].all()
    assert not nodes_left(made, sites_without_grid=sites, hours_without_grid=1000.0)["has_power"].any()


def test_a_node_behind_a_cut_has_no_fibre(made: dict[str, pl.DataFrame]) -> None:
    links = made["links"]
    after = nodes_left(made, links_cut=links["link_id"].to_list())
    assert after["has_fibre"].sum() <= 1
    assert after["has_power"].all()


def test_a_country_without_motorways_or_landmarks_still_has_nodes(tables: dict[str, pl.DataFrame]) -> None:
    bare = {**tables, "motorways": tables["motorways"].clear(), "landmarks": tables["landmarks"].clear()}
    result = edge(Tables(bare), EdgeParams(), CTX)
    assert result.tables["edge_nodes"].height >= 1
    assert "toll_gantry" not in set(result.tables["edge_workloads"]["edge_kind_id"])


@pytest.mark.parametrize("name", ["links", "sites", "edge_kinds"])
def test_a_country_without_fibre_sites_or_services_has_no_nodes(tables: dict[str, pl.DataFrame], name: str) -> None:
    bare = {**tables, name: empty_table(table_schema(name))}
    result = edge(Tables(bare), EdgeParams(), CTX)
    assert result.tables["edge_nodes"].height == 0
    assert result.certificates == ()


def test_a_catalogue_without_an_edge_cabinet_is_refused(tables: dict[str, pl.DataFrame]) -> None:
    without = {**tables, "equipment": tables["equipment"].filter(pl.col("category") != "edge")}
    with pytest.raises(InputError, match="edge cabinet"):
        edge(Tables(without), PARAMS, CTX)
