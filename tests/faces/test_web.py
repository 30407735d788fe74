"""The map's web application over a fictional plan."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fastapi.testclient import TestClient

from rahdari.errors import PlanError
from rahdari.faces.web.app import create_app
from rahdari.faces.web.colours import colouring
from rahdari.faces.web.layers import LayerSpec, build_layer
from rahdari.schema import Column
from rahdari.service.failing import CoreFailures
from rahdari.store.query import PlanReader
from tests.helpers.fake_plan import write_fake_plan

if TYPE_CHECKING:
    from pathlib import Path

import polars as pl

N_PLACES, N_LINKS = 400, 80


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fake_plan(tmp_path_factory.mktemp("web"), n_places=N_PLACES, n_links=N_LINKS)


@pytest.fixture(scope="module")
def client(plan: Path) -> TestClient:
    return TestClient(create_app(plan))


def test_the_plan_summary_says_what_is_not_observed(client: TestClient) -> None:
    summary = client.get("/api/plan").json()
    assert summary["country"] == "Testland"
    assert summary["years"] == [2025, 2030]
    assert summary["evidence"]["places"]["synthetic"] == N_PLACES - 24
    assert "do not imply any opinion" in summary["boundary_note"]
    assert summary["simple_engines"] == ["access"]


def test_layers_come_from_the_country_and_from_the_engines_manifests(client: TestClient) -> None:
    answer = client.get("/api/layers").json()
    layers = {layer["layer_id"]: layer for layer in answer["layers"]}
    assert {"places", "fibre-existing", "fibre-planned", "landmarks", "uptime"} <= set(layers)
    assert layers["uptime"]["engine"] == "access"
    assert layers["uptime"]["fidelity"] == "simple"
    assert layers["places"]["has_years"] is True
    assert layers["fibre-existing"]["n_not_observed"] == layers["fibre-existing"]["n_features"] == 60
    assert "absent" not in layers


def test_the_technology_of_a_place_is_coloured_by_year(plan: Path) -> None:
    reader = PlanReader(plan)
    spec = LayerSpec("places", "Places", "Plan", "point", "access", "places", "technology")
    layer = build_layer(reader, spec)
    access = reader.table("access").filter(pl.col("year") == 2030).sort("place_id")
    names = [layer.colouring.values[value] for value in layer.features["c1"]]
    assert names == access["technology"].to_list()
    assert layer.features["c0"].to_list() != layer.features["c1"].to_list()


def test_number_classes_hold_about_the_same_number_of_features_each() -> None:
    column = Column("delay_ms", "float", "ms", "", "Delay", "result")
    values = pl.Series("v", np.linspace(0, 1000, 5001))
    classes = colouring(column, values, "Delay")
    shares = values.to_frame().select(classes.class_of("v")).to_series().value_counts()["count"] / len(values)
    assert len(classes.classes) == 5
    assert shares.min() > 0.15


def test_a_column_with_one_value_makes_one_class() -> None:
    column = Column("delay_ms", "float", "ms", "", "Delay", "result")
    assert len(colouring(column, pl.Series("v", [2.0, 2.0]), "Delay").classes) == 1


def test_tiles_are_made_once_and_served_by_ranges(client: TestClient, plan: Path) -> None:
    whole = client.get("/tiles/places.pmtiles")
    assert whole.content[:7] == b"PMTiles"
    part = client.get("/tiles/places.pmtiles", headers={"Range": "bytes=0-126"})
    assert part.status_code == 206
    assert part.content == whole.content[:127]
    (archive,) = (plan / "map").glob("places-*.pmtiles")
    before = archive.stat().st_mtime_ns
    assert TestClient(create_app(plan)).get("/tiles/places.pmtiles").content == whole.content
    assert archive.stat().st_mtime_ns == before


def test_flat_arrays_hold_every_feature_of_a_line_layer(client: TestClient, plan: Path) -> None:
    body = client.get("/features/fibre-planned.bin").content
    n_features, n_vertices = struct.unpack_from("<ii", body)
    assert n_features == PlanReader(plan).table("planned_links").height
    offsets = np.frombuffer(body, "<i4", n_features + 1, 8 + 8 * n_vertices)
    assert offsets[-1] == n_vertices
    assert len(body) == 8 + 8 * n_vertices + 4 * (n_features + 1) + 4 * n_features


def test_a_feature_of_the_arrays_leads_to_its_row(client: TestClient) -> None:
    feature = client.get("/api/feature/places/3").json()
    assert feature == {"table": "places", "id": "zz-000003"}
    assert client.get("/api/feature/places/999999").status_code == 404


def test_a_row_shows_units_source_and_what_belongs_to_it(client: TestClient) -> None:
    details = client.get("/api/row/places/zz-000000").json()
    cells = {cell["column"]: cell for cell in details["row"]["cells"]}
    assert details["title"] == "Northgate"
    assert details["title_local"] == "شمالی دروازہ"
    assert cells["area_km2"]["unit"] == "km²"
    assert cells["electrified_frac"]["is_percent"] is True
    assert details["source"]["publisher"] == "The tests"
    (access,) = [each for each in details["related"] if each["table"] == "access"]
    assert [row["key"]["year"] for row in access["rows"]] == [2025, 2030]


def test_a_line_row_carries_its_course_so_that_the_map_can_trace_it(client: TestClient) -> None:
    details = client.get("/api/row/planned_links/p-00000").json()
    assert len(details["line"][0]) == 2
    assert details["evidence"] is None


def test_an_explanation_shows_formula_and_terms(client: TestClient) -> None:
    query = {"table": "access", "row_id": "zz-000005", "column": "n_households_passed", "year": "2030"}
    answer = client.get("/api/explain", params=query).json()
    assert answer["formula"].startswith("where(")
    assert {term["name"] for term in answer["terms"]} >= {"access.downlink_mbps"}
    assert answer["fidelity"] == "simple"


def test_a_failure_of_one_core_link_is_played_with_what_is_rerouted_waits_and_is_cut_off(client: TestClient) -> None:
    ring = client.get("/api/failure/core-0").json()
    assert ring["name"] == "Northgate - Lakeview"
    assert (ring["struck_gbps"], ring["rerouted_gbps"], ring["waiting_gbps"]) == pytest.approx((400.0, 300.0, 100.0))
    assert ring["cut_cities"] == []
    assert ring["n_filled"] == 1
    assert ring["added_km"] == pytest.approx(660.0 + 385.0 - 330.0)
    assert {link["link_id"]: link["after_gbps"] for link in ring["links"]} == pytest.approx(
        {"core-0": 0.0, "core-1": 300.0, "core-2": 800.0, "core-3": 200.0}
    )
    spur = client.get("/api/failure/core-3").json()
    assert spur["cut_off_gbps"] == pytest.approx(200.0)
    assert spur["cut_cities"] == ["Redcliff"]
    assert spur["fidelity"] == "full"


def test_the_lines_of_the_core_come_once_and_a_failure_of_none_of_them_is_an_error(client: TestClient) -> None:
    lines = client.get("/api/core").json()
    assert [each["id"] for each in lines] == [f"core-{k}" for k in range(4)]
    assert all(len(each["line"]) == 2 for each in lines)
    answer = client.get("/api/failure/nothing")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["cure"]


def test_all_failures_together_are_told_without_telling_links_apart(plan: Path) -> None:
    core = CoreFailures.of(PlanReader(plan))
    assert core is not None
    means = core.means()
    parts = means.rerouted_frac + means.waiting_frac + means.cut_off_frac
    assert parts == pytest.approx(means.struck_frac)
    assert means.cut_off_frac == pytest.approx(200.0 / 900.0 * 440.0 / 1815.0)


@pytest.mark.parametrize(
    "path",
    [
        "/api/row/places/nobody",
        "/api/row/nowhere/x",
        "/tiles/nothing.pmtiles",
        "/api/explain?table=x&row_id=y&column=z",
    ],
)
def test_what_is_not_there_gives_404_with_a_cure(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["cure"]


def test_search_finds_names_in_both_scripts_and_prefers_what_was_observed(client: TestClient) -> None:
    assert client.get("/api/search", params={"q": "north"}).json()[0]["id"] == "zz-000000"
    assert client.get("/api/search", params={"q": "شمالی"}).json()[0]["id"] == "zz-000000"
    assert client.get("/api/search", params={"q": "old harbour"}).json()[0]["name"].startswith("Old Harbour")
    assert client.get("/api/search", params={"q": "  "}).json() == []
    assert client.get("/api/search", params={"q": "a.*b["}).json() == []


def test_the_outline_marks_disputed_lines(client: TestClient) -> None:
    features = client.get("/api/outline").json()["features"]
    assert [feature["properties"]["is_disputed"] for feature in features] == [False, True]


def test_no_page_may_load_anything_from_another_host(client: TestClient) -> None:
    policy = client.get("/map/").headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "http" not in policy.replace("http-equiv", "")


def test_the_page_is_complete_without_another_host(client: TestClient) -> None:
    scripts = ("app", "event", "failure", "labels", "map_canvas", "map_gl", "overlay", "panel", "words")
    own = ("", *(f"{name}.js" for name in scripts), "style.css")
    for name in (*own, "vendor/maplibre-gl.mjs", "vendor/pmtiles.js"):
        answer = client.get(f"/map/{name}")
        assert answer.status_code == 200, name
        if name in own:
            assert "https://" not in answer.text, name


def test_a_request_under_a_foreign_name_is_refused(client: TestClient) -> None:
    assert client.get("/api/plan", headers={"Host": "attacker.example"}).status_code == 400


def test_the_report_is_served_and_may_run_nothing_foreign(client: TestClient) -> None:
    answer = client.get("/report")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_folder_without_a_plan_is_an_error_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="there is no plan here"):
        create_app(tmp_path)
