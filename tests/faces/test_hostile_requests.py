"""Requests that no page sends: oversized, malformed, from elsewhere; none fails, each answer is a documented one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from rahdari.faces.web.app import create_app
from rahdari.faces.web.auth import MAX_FORM_BYTES, protect
from rahdari.faces.web.roles import MAP_ROUTES
from rahdari.store.labels import PUBLIC
from tests.helpers.labelled_plan import write_labelled_plan
from tests.helpers.people import HOST, log_in, people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

FORM = {"Origin": HOST, "Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Origin": HOST, "Content-Type": "application/json"}
LONG = b"x" * (MAX_FORM_BYTES + 1)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labelled_plan(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def app(plan: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    made, identity = create_app(plan), people(tmp_path_factory.mktemp("accounts"))
    protect(made, identity, needs=MAP_ROUTES, plan_folder=plan)
    yield made
    identity.close()


@pytest.fixture(scope="module")
def planner(app: FastAPI) -> TestClient:
    return log_in(app, "planner-owner")


@pytest.fixture(scope="module")
def client(plan: Path) -> TestClient:
    return TestClient(create_app(plan), follow_redirects=False)


@pytest.mark.parametrize("headers", [FORM, JSON])
def test_a_form_that_is_too_long_is_refused_as_such(app: FastAPI, headers: dict[str, str]) -> None:
    nobody = TestClient(app, base_url=HOST)
    assert nobody.post("/login", content=b"name=" + LONG, headers=headers).status_code == 413
    officer = log_in(app, "secrecy-officer-owner")
    assert officer.post("/api/approvals", content=LONG, headers=headers).status_code == 413
    del officer.headers["X-CSRF-Token"]  # then the gate itself looks into the form
    assert officer.post("/api/approvals", content=LONG, headers=headers).status_code in {403, 413}


@pytest.mark.parametrize("origin", ["http://[::1", "null", "http://testserver\xff", "http://testserver:x", "//", ""])
def test_an_origin_that_is_no_address_is_none_of_ours(app: FastAPI, origin: str) -> None:
    nobody = TestClient(app, base_url=HOST)
    sent = {name.encode(): value.encode("latin-1") for name, value in {**FORM, "Origin": origin}.items()}
    assert nobody.post("/login", content=b"name=a&password=b", headers=sent).status_code == 403


@pytest.mark.parametrize("path", [
    "/map/..%2f..%2fapp.py", "/map/%2e%2e/x", "/map/%00", "/map/a%00.js", "/fonts/..%5c..%5c", f"/map/{'a' * 300}",
    "/tiles/..%2fmanifest.pmtiles", "/tiles/%00.pmtiles", "/features/...bin", "/export/..%2f..%2fmanifest.csv",
    "/api/row/places/%00", f"/api/row/places/{'x' * 9000}", "/api/row/%ff/1", "/api/row/links/l-00001?geometry=1",
    "/api/row/places/zz-000001?n_people=many", "/api/row/indicators/x?year=1e999", "/api/event-place/-1",
    "/api/event-place/99999999999999999999999999", "/api/feature/places/-1", "/api/event/%00", "/api/sky/..%2f",
    "/api/explain?table=places&row_id=%00&column=name", "/api/explain?table=places&row_id=zz-000001&column=%ff",
    "/api/explain?table=places&row_id=zz-000001&column=name&plan=/etc", "/api/failure/%ff",
])  # fmt: skip
def test_an_address_that_leads_nowhere_says_so_with_and_without_login(
    app: FastAPI, client: TestClient, planner: TestClient, path: str
) -> None:
    assert client.get(path).status_code == 404
    assert planner.get(path).status_code == 404
    assert TestClient(app, base_url=HOST).get(path).status_code == 401


def test_ranges_that_make_no_sense_are_refused_and_many_are_not_served_one_by_one(client: TestClient) -> None:
    whole = client.get("/tiles/places.pmtiles")
    asked = {"bytes=0-6": 206, "bytes=999999999-": 416, "bytes=5-1": 400, "bytes=a-b": 400, "items=0-1": 400}
    for given, status in asked.items():
        assert client.get("/tiles/places.pmtiles", headers={"Range": given}).status_code == status, given
    many = client.get("/tiles/places.pmtiles", headers={"Range": "bytes=" + ",".join(["0-"] * 3000)})
    assert len(many.content) <= 2 * len(whole.content)


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "POST", "PUT", "DELETE", "PATCH", "NONSENSE"])
def test_a_method_that_a_route_has_not_is_refused(
    app: FastAPI, client: TestClient, planner: TestClient, method: str
) -> None:
    for path in ("/api/plan", "/map/", "/tiles/places.pmtiles"):
        assert client.request(method, path).status_code == 405
        refused = planner.request(method, path)
        assert refused.status_code == 405
        assert "GET" in refused.headers["allow"]
        assert TestClient(app, base_url=HOST).request(method, path).status_code in {401, 403}


def test_what_two_people_released_is_shut_again_as_soon_as_they_take_it_back(tmp_path: Path) -> None:
    folder = write_labelled_plan(tmp_path / "plan")
    asked, file = TestClient(create_app(folder, clearance=PUBLIC)), folder / "released.toml"
    shut = asked.get("/export/planned_links.csv").content.count(b"\n")
    file.write_text(
        '[[release]]\ntable = "planned_links"\nlevel = "public"\nby = "ann"\napproved_by = "bea"\nreason = "a test"\n',
        encoding="utf-8",
    )
    assert asked.get("/export/planned_links.csv").content.count(b"\n") > shut
    assert asked.get("/features/fibre-planned.bin").content[:4] != bytes(4)
    file.unlink()
    assert asked.get("/export/planned_links.csv").content.count(b"\n") == shut
    assert asked.get("/features/fibre-planned.bin").content[:4] == bytes(4)


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil", "[::1", "", "testserver@evil.example"])
def test_a_name_that_is_not_ours_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/api/plan", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("path", [
    "/api/plan", "/api/row/places/none", "/api/row/places/zz-000001", "/api/explain", "/api/search?q=e&limit=0",
    "/tiles/places.pmtiles", "/tiles/none.pmtiles", "/features/places.bin", "/api/event-places.bin", "/report",
    "/export/places.csv", "/export/links.geojson", "/export/none.csv", "/api/feature/places/x", "/api/hop/none", "/",
])  # fmt: skip
def test_every_answer_is_one_that_the_description_of_the_interface_names(client: TestClient, path: str) -> None:
    answer = client.get(path)
    described = client.get("/openapi.json").json()["paths"]
    route = next(
        route
        for route in client.app.routes  # type: ignore[attr-defined]
        if getattr(route, "path_regex", None) and route.path_regex.match(path.split("?", maxsplit=1)[0])
    )
    responses = described[route.path_format]["get"]["responses"]
    assert str(answer.status_code) in responses
    kinds = responses[str(answer.status_code)].get("content", {})
    assert not kinds or answer.headers["content-type"].split(";")[0] in kinds
    for refused in ("401", "403", "404", "429"):
        assert refused in responses
