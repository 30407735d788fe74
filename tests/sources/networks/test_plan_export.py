"""A plan's fibre and routes as network files: the same kilometres, connected, with nothing half-written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import polars as pl
import pytest
import shapely

from rahdari.errors import InputError
from rahdari.service.networks import (
    NetworkCheckRequest,
    NetworkExportRequest,
    NetworkImportRequest,
    check_network,
    export_network,
    import_network,
)
from rahdari.sources.networks.files import load_network
from rahdari.sources.networks.plan import fibre_of_plan
from tests.sources.networks.samples import GEOJSON, NATIVE

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan


def wkb(*positions: tuple[float, float]) -> bytes:
    return bytes(shapely.to_wkb(shapely.LineString(positions)))


def tables() -> dict[str, pl.DataFrame]:
    """Return one existing link of 200 km from A to B, and planned fibre that branches off in its middle."""
    existing = {
        "link_id": ["a", "radio"],
        "name": ["Main", None],
        "kind": ["fibre", "microwave"],
        "operator_id": ["op", None],
        "from_node_id": ["A", "A"],
        "to_node_id": ["B", "B"],
        "length_km": [200.0, 193.0],
        "capacity_gbps": [400.0, 1.0],
        "geometry": [wkb((72.0, 30.0), (71.0, 30.0), (70.0, 30.0)), wkb((70.0, 30.0), (72.0, 30.0))],
        "evidence": ["synthetic", "assumed"],
    }
    planned = {
        "link_id": ["p"],
        "length_km": [56.0],
        "geometry": [wkb((71.5, 30.0), (71.5, 30.5))],
    }
    nodes = {"row_node_id": ["A", "B"], "lon_deg": [70.0, 72.0], "lat_deg": [30.0, 30.0]}
    return {
        "links": pl.DataFrame(existing),
        "planned_links": pl.DataFrame(planned),
        "operators": pl.DataFrame({"operator_id": ["op"], "name": ["Operator A"]}),
        "rights_of_way_nodes": pl.DataFrame(nodes),
    }


def test_an_existing_link_is_cut_where_planned_fibre_branches_off() -> None:
    network, extras = fibre_of_plan(tables(), "test")
    instance = network.instance
    assert instance.link_id == ("a/1", "a/2", "p")
    assert instance.link_length_km.tolist() == pytest.approx(
        [150.0, 50.0, 56.0], rel=1e-5
    )  # shared out along great circles
    ends = [tuple(instance.node_id[n] for n in pair) for pair in instance.link_node.tolist()]
    assert ends == [
        ("A", "71.500000,30.000000"),
        ("71.500000,30.000000", "B"),
        ("71.500000,30.000000", "71.500000,30.500000"),
    ]
    assert network.link_status == ("operational", "operational", "planned")
    assert network.link_operator == ("Operator A", "Operator A", None)
    assert [phase.id for phase in extras.phases] == ["synthetic", "planned"]


@pytest.mark.parametrize("suffix", [".json", ".geojson", ".gpkg", ".graphml"])
@pytest.mark.parametrize("layer", ["fibre", "routes"])
def test_an_exported_plan_opens_again_with_the_same_kilometres(
    small_plan: Plan, tmp_path: Path, suffix: str, layer: Literal["fibre", "routes"]
) -> None:
    out = tmp_path / f"network{suffix}"
    response = export_network(NetworkExportRequest(plan=small_plan.folder, out=out, layer=layer))
    read = load_network(out).instance
    assert (len(read.node_id), len(read.link_id)) == (response.n_nodes, response.n_links)
    assert read.link_length_km.sum() == pytest.approx(response.length_km, rel=1e-12)
    if layer == "fibre":
        links = small_plan.tables["links"].filter(pl.col("kind") == "fibre")
        fibre = float(links["length_km"].to_numpy().sum())
        planned = float(small_plan.tables["planned_links"]["length_km"].to_numpy().sum())
        assert response.length_km == pytest.approx(fibre + planned, rel=1e-9)


def test_an_exported_package_says_how_far_to_trust_it(small_plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "network.json"
    export_network(NetworkExportRequest(plan=small_plan.folder, out=out))
    (network,) = json.loads(out.read_bytes())["networks"]
    assert "no duct positions" in network["accuracyDetails"]
    assert "do not imply any opinion" in network["accuracyDetails"]
    assert network["links"][0]["href"].endswith("0__3__0/schema/network-schema.json")
    assert {span["phase"]["id"] for span in network["spans"]} == {phase["id"] for phase in network["phases"]}
    assert not any(value in ([], {}, None) for value in network.values())  # the standard forbids empty lists


def test_a_gnpy_export_has_both_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(NATIVE)
    request = NetworkImportRequest(file=tmp_path / "a.txt", out=tmp_path / "topology.json", format="gnpy")
    response = import_network(request)
    assert {"elements", "connections"} <= set(json.loads((tmp_path / "topology.json").read_text()))
    assert "Fiber" in json.loads((tmp_path / "topology-equipment.json").read_text())
    assert response.lost


def test_check_counts_what_a_file_holds_and_import_converts_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(NATIVE)
    checked = check_network(NetworkCheckRequest(file=tmp_path / "a.txt"))
    assert (checked.is_well, checked.n_nodes, checked.n_links, checked.n_demands) == (True, 3, 3, 1)
    assert (checked.n_parts, checked.demand_value, checked.cost_basis) == (1, 7.0, "first module")
    imported = import_network(NetworkImportRequest(file=tmp_path / "a.txt", out=tmp_path / "b.graphml"))
    assert (imported.out_format, imported.lost) == ("graphml", [])


def test_a_faulty_file_is_not_converted(tmp_path: Path) -> None:
    (tmp_path / "a.geojson").write_text(GEOJSON.replace("120.0", "120000.0"))
    request = NetworkImportRequest(file=tmp_path / "a.geojson", out=tmp_path / "b.txt")
    checked = check_network(request)
    assert (checked.is_well, checked.problems[0]["row"]) == (False, 4)
    with pytest.raises(InputError, match="is in metres"):
        import_network(request)
    with pytest.raises(InputError, match="over itself"):
        import_network(NetworkImportRequest(file=tmp_path / "a.geojson", out=tmp_path / "a.geojson"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.geojson"]


def test_a_plan_without_routes_says_so(tmp_path: Path, small_plan: Plan) -> None:
    from rahdari.sources.networks.plan import routes_of_plan

    with pytest.raises(InputError, match="has no routes"):
        routes_of_plan({}, "test")
    with pytest.raises(InputError, match="suffix"):
        export_network(NetworkExportRequest(plan=small_plan.folder, out=tmp_path / "a.png"))
