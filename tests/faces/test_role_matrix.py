"""Every route of every application as everybody: what is above a clearance is in no answer below it."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import MagicMock

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

from rahdari.faces.web.app import create_app
from rahdari.faces.web.auth import name_of, protect
from rahdari.faces.web.limits import Budget, Limiter
from rahdari.faces.web.live.app import create_live_app
from rahdari.faces.web.roles import AUTH_ROUTES, LIVE_ROUTES, MAP_ROUTES, uncovered
from rahdari.faces.web.tiles import LayerStore
from rahdari.service.identity import IDLE_S, ROLES
from rahdari.store.labels import OWNER, PUBLIC, Clearance
from rahdari.store.query import PlanReader
from tests.helpers.labelled_plan import (
    BOXED,
    COARSE,
    PLACE,
    PLACE_NAMES,
    RESTRICTED,
    SECRET,
    SECRET_AT,
    SECRET_LINK,
    SECRET_SITE,
    SITE_NAME,
    write_labelled_plan,
)
from tests.helpers.people import CLEARANCES, HOST, account_name, log_in, people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx2
    from fastapi import FastAPI

    from rahdari.service.identity import Identity
    from rahdari.service.plan_view import Plan

ENOUGH = Budget(1e12, 1e9)
UNKNOWN_EVENT = "nothing"


@dataclass(frozen=True)
class Marker:
    """What must be in no answer to those whose clearance does not cover ``label``; numbers are looked for as bytes."""

    label: Clearance
    text: str = ""
    pair: tuple[float, float] = (0.0, 0.0)

    def is_in(self, body: bytes, asked: str) -> bool:
        """Return whether an answer holds it, other than as a word of what was asked."""
        if self.text:
            return self.text.encode() in body and self.text not in asked
        exact = struct.pack("<2d", *self.pair), struct.pack("<2f", *self.pair)
        spelt = f"{self.pair[0]:.3f}".encode(), f"{self.pair[1]:.3f}".encode()
        return any(part in body for part in exact) or all(part in body for part in spelt)


@dataclass
class Walk:
    """An application under test: what is secret in it, and the addresses that reach every route."""

    app: FastAPI
    folder: Path
    identity: Identity
    markers: list[Marker]
    tables: dict[str, list[str]] = field(default_factory=dict)

    def addresses(self) -> dict[str, list[str]]:
        """Return for each route the addresses to try: those of hidden and of visible things alike."""
        reader = PlanReader(self.folder)
        rows = [
            f"/api/row/{table}/{row_id}" + ("?year=2030" if "year" in reader.schema(table).key else "")
            for table in reader.names
            for row_id in self._some_rows(reader, table)
        ]
        cells = [
            f"/api/explain?table={table}&row_id={row_id}&column={column}"
            for table, ids in self.tables.items()
            for row_id in ids
            for column in reader.schema(table).names[1:4]
        ]
        layers = [spec.layer_id for spec in LayerStore(reader).specs]
        words = [*sorted({marker.text[:5].lower() for marker in self.markers if marker.text}), "e", "n"]
        places = self.tables["places"]
        sites = self.tables.get("sites", [])
        return {
            "GET /api/row/{table}/{row_id:path}": rows,
            "GET /api/explain": cells,
            "GET /api/search": [f"/api/search?q={word}&limit=100" for word in words],
            "GET /api/failure/{link_id:path}": ["/api/failure/core-0", "/api/failure/none"],
            "GET /api/hop/{site_id:path}": [f"/api/hop/{site}" for site in [*sites, "plain", "hidden"]],
            "GET /api/sky/{place_id:path}": [f"/api/sky/{place}" for place in places[:2]],
            "GET /api/event/{event}": [f"/api/event/{UNKNOWN_EVENT}"],
            "GET /api/event-place/{index}": [f"/api/event-place/{number}" for number in (0, 7, 10, 119, 120)],
            "GET /tiles/{layer_id}.pmtiles": [f"/tiles/{layer}.pmtiles" for layer in layers],
            "GET /features/{layer_id}.bin": [f"/features/{layer}.bin" for layer in layers],
            "GET /api/feature/{layer_id}/{index}": [f"/api/feature/{layer}/{n}" for layer in layers for n in (0, 3, 8)],
            "GET /export/{table}.csv": [f"/export/{table}.csv" for table in reader.names],
            "GET /export/{table}.geojson": [f"/export/{table}.geojson" for table in reader.names],
            "MOUNT /map": ["/map/", "/map/app.js", "/map/../manifest.json"],
            "MOUNT /fonts": ["/fonts/none.woff2"],
            "POST /api/approvals": ["/api/approvals"],
            "POST /api/approvals/{approval_id}": ["/api/approvals/none"],
        }

    def _some_rows(self, reader: PlanReader, table: str) -> list[str]:
        hidden = self.tables.get(table, [])
        key = reader.schema(table).key[0]
        some = reader.table(table)[key].cast(pl.String).unique().sort().head(2).to_list()
        return [row.replace("/", "%2F").replace("#", "%23") for row in [*hidden, *some] if row]

    def asks(self) -> list[tuple[str, str, str]]:
        """Return entry, method and address of everything to ask."""
        found = []
        addresses = self.addresses()
        for key in {**MAP_ROUTES, **AUTH_ROUTES}:
            kind, path = key.split(" ", 1)
            method = "GET" if kind == "MOUNT" else kind
            if key not in {"POST /logout", "POST /login"}:
                found += [(key, method, address) for address in addresses.get(key, [path])]
        return found


def unpacked(answer: httpx2.Response) -> bytes:
    """Return what an answer tells: its body, what is packed in it, and its headers."""
    body = answer.content
    packed = [body[found.start() :] for found in re.finditer(rb"\x1f\x8b\x08", body)]
    plain = []
    for part in packed:
        try:
            plain.append(gzip.GzipFile(fileobj=__import__("io").BytesIO(part)).read(1 << 24))
        except (OSError, EOFError):
            continue
    return b"\n".join([body, *plain, str(answer.headers).encode()])


def opened(folder: Path, accounts: Path, markers: list[Marker], tables: dict[str, list[str]]) -> Walk:
    app = create_app(folder)
    identity = people(accounts)
    gate = protect(app, identity, needs=MAP_ROUTES, plan_folder=folder)
    gate.addresses, gate.accounts, gate.logins = Limiter(ENOUGH), Limiter(ENOUGH), Limiter(ENOUGH)
    return Walk(app, folder, identity, markers, tables)


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """A fictional plan whose labels stand on places, sites and links."""
    boxed = Clearance("internal", frozenset({"water", "power"}))
    restricted = Clearance("restricted")
    markers = [
        Marker(Clearance("secret"), PLACE_NAMES[SECRET]), Marker(Clearance("secret"), SECRET),
        Marker(Clearance("secret"), SITE_NAME), Marker(Clearance("secret"), SECRET_SITE),
        Marker(Clearance("secret"), pair=SECRET_AT), Marker(restricted, PLACE_NAMES[RESTRICTED]),
        Marker(restricted, RESTRICTED), Marker(restricted, SECRET_LINK), Marker(boxed, PLACE_NAMES[BOXED]),
        Marker(boxed, BOXED), Marker(OWNER, pair=PLACE),
    ]  # fmt: skip
    folder = write_labelled_plan(tmp_path_factory.mktemp("matrix"))
    tables = {
        "places": [SECRET, RESTRICTED, BOXED, COARSE, "zz-000001"], "sites": [SECRET_SITE, "gate"],
        "access": [SECRET, RESTRICTED, COARSE], "links": [SECRET_LINK, "l-00001"], "indicators": [],
    }  # fmt: skip
    walk = opened(folder, tmp_path_factory.mktemp("accounts"), markers, tables)
    yield walk
    walk.identity.close()


@pytest.fixture(scope="module")
def real(small_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The small country's plan with every engine's tables; one place with its site, and one site, are secret."""
    folder = shutil.copytree(small_plan.folder, tmp_path_factory.mktemp("real") / "plan")
    reader = PlanReader(small_plan.folder)
    place = reader.table("sites")["place_id"][0]
    sites = reader.table("sites").filter(pl.col("place_id") == place)["site_id"].to_list()
    other = reader.table("sites").filter(pl.col("place_id") != place)["site_id"][5]
    hidden = {"places": ("place_id", [place]), "sites": ("site_id", [other])}
    for name, (key, ids) in hidden.items():
        frame = reader.table(name).with_columns(
            pl.when(pl.col(key).is_in(ids))
            .then(pl.lit("restricted"))
            .otherwise(pl.lit("public"))
            .alias("classification")
        )
        path = folder / reader.manifest["tables"][name]["file"]
        path.unlink()  # a link to the cache
        frame.write_parquet(path)
    (at,) = reader.rows("places", {"place_id": place}).to_dicts()
    label = Clearance("restricted")
    markers = [Marker(label, text) for text in (place, other, *sites, f'"{at["name"]}"')]
    markers.append(Marker(label, pair=(at["lon_deg"], at["lat_deg"])))
    tables = {"places": [place], "sites": [*sites, other]}
    walk = opened(folder, tmp_path_factory.mktemp("accounts"), markers, tables)
    yield walk
    walk.identity.close()


def leaks(walk: Walk, client: TestClient, clearance: Clearance, asks: list[tuple[str, str, str]]) -> list[str]:
    """Return the addresses whose answer holds what is above a clearance, and those that fail."""
    found = []
    above = [marker for marker in walk.markers if not clearance.covers(marker.label)]
    for _, method, address in asks:
        answer = client.request(method, address)
        body = unpacked(answer)
        found += [f"{address}: {marker}" for marker in above if marker.is_in(body, address)]
        if answer.status_code >= 500:
            found.append(f"{address}: {answer.status_code}")
    return found


@pytest.mark.parametrize("plan", ["fake", pytest.param("real", marks=pytest.mark.long)])
def test_nothing_above_a_clearance_is_in_any_answer_of_any_route(plan: str, request: pytest.FixtureRequest) -> None:
    walk: Walk = request.getfixturevalue(plan)
    asks = walk.asks()
    assert {key for key, _, _ in asks} == {*MAP_ROUTES, *AUTH_ROUTES} - {"POST /logout", "POST /login"}
    owner = log_in(walk.app, account_name("planner", "owner"))
    # Whoever sees everything asks first, so that what is kept for them is there to be given to others.
    told = b"".join(unpacked(owner.request(method, address)) for _, method, address in asks)
    absent = [marker for marker in walk.markers if not marker.is_in(told, "")]
    assert absent == []  # each marker is somewhere to be leaked
    levels = ("public", "internal", "restricted", "secret") if plan == "fake" else ("internal",)
    for level in levels:
        client = log_in(walk.app, account_name("planner", level))
        assert "\n".join(leaks(walk, client, CLEARANCES[level], asks)) == "", level
    assert leaks(walk, owner, OWNER, asks) == []


@pytest.mark.parametrize("role", list(ROLES))
@pytest.mark.parametrize("level", ["public", "internal", "owner"])
def test_every_role_gets_what_the_table_says_and_no_more(fake: Walk, role: str, level: str) -> None:
    client = log_in(fake.app, account_name(role, level))
    needs = {**MAP_ROUTES, **AUTH_ROUTES}
    asks = [ask for ask in fake.asks() if level != "owner" or not ask[0].startswith("GET /tiles")]
    seen = set()
    for key, method, address in asks:
        permission = needs[key].permission
        if key in seen and permission in ROLES[role]:
            continue
        seen.add(key)
        answer = client.request(method, address)
        if permission and permission not in ROLES[role]:
            assert answer.status_code == 403, address
            assert "role" in answer.json()["errors"][0]["what"]
        elif not needs[key].is_open:
            is_own = key.startswith("POST /api/approvals")  # the service has a word there too
            assert answer.status_code not in ({401} if is_own else {401, 403}), address
    assert leaks(fake, client, CLEARANCES[level], asks[:: 1 if level == "public" else 9]) == []


def test_nobody_expired_ended_or_foreign_gets_anything(fake: Walk) -> None:
    client = TestClient(fake.app, base_url=HOST, follow_redirects=False, raise_server_exceptions=False)
    _, ended = fake.identity.make_token("planner-owner", ["read"], 1)
    fake.identity.revoke_token(fake.identity.store.tokens()[-1]["token_id"])
    _, short = fake.identity.make_token("planner-owner", ["read"], 1)
    session = log_in(fake.app, "reader-owner").cookies["rahdari_session"]
    idle = log_in(fake.app, "reader-owner").cookies["rahdari_session"]
    clock, now_s = fake.identity.clock, fake.identity.clock()
    bodies = []
    for key, method, address in fake.asks():
        if key in AUTH_ROUTES and AUTH_ROUTES[key].is_open:
            continue
        for headers in ({}, {"Authorization": f"Bearer {ended}"}, {"Cookie": "rahdari_session=guess"}):
            answer = client.request(method, address, headers=headers)
            assert answer.status_code in {401, 403}, address
            bodies.append(answer.content)
        foreign = {"Host": "evil.example", "Cookie": f"rahdari_session={session}"}
        assert client.request(method, address, headers=foreign).status_code == 400, address
    fake.identity.clock = lambda: now_s + 86_400.0
    for _, method, address in fake.asks()[::7]:
        answer = client.request(method, address, headers={"Authorization": f"Bearer {short}"})
        assert answer.status_code in {401, 303} or address in {"/login", "/oidc/start", "/oidc/back"}, address
    fake.identity.clock = lambda: now_s + IDLE_S + 1.0
    assert client.get("/api/plan", headers={"Cookie": f"rahdari_session={idle}"}).status_code == 401
    fake.identity.clock = clock
    assert len({body for body in bodies if b"logged in" in body}) == 1  # a refusal is the same for all there is


def test_a_change_without_the_pages_proof_is_refused_on_every_route(fake: Walk) -> None:
    client = log_in(fake.app, "secrecy-officer-owner")
    for change in ({"X-CSRF-Token": "0" * 64}, {"Origin": "https://evil.example"}):
        for key in AUTH_ROUTES:
            method, path = key.split(" ", 1)
            if method == "POST" and not (path == "/login" and "Origin" not in change):
                assert client.post(path, headers=change).status_code == 403, path


def test_counts_are_of_what_is_seen(fake: Walk) -> None:
    for level in ("public", "restricted", "owner"):
        reader = PlanReader(fake.folder, CLEARANCES[level])
        client = log_in(fake.app, account_name("reader", level))
        layers = {each["layer_id"]: each for each in client.get("/api/layers").json()["layers"]}
        assert layers["fibre-existing"]["n_features"] == reader.table("links").height
        drawn = client.get("/features/fibre-existing.bin").content
        assert struct.unpack_from("<i", drawn)[0] == reader.table("links").height
        evidence = client.get("/api/plan").json()["evidence"]["places"]
        assert sum(evidence.values()) == reader.table("places").height


def test_a_tile_is_made_of_what_is_seen_alone(fake: Walk) -> None:
    for level, clearance in CLEARANCES.items():
        store = LayerStore(PlanReader(fake.folder, clearance))
        served = log_in(fake.app, account_name("reader", level)).get("/tiles/places.pmtiles").content
        assert served == store.tiles("places").read_bytes()
        shown = set(store.layer("places").features["i"])
        assert shown == set(PlanReader(fake.folder, clearance).table("access")["place_id"])
    names = {path.name for path in (fake.folder / "map").glob("places-*.pmtiles")}
    assert len(names) == len(CLEARANCES)


def test_a_coarse_place_is_drawn_at_its_cell_for_those_below(fake: Walk) -> None:
    body = log_in(fake.app, "reader-public").get("/api/event-places.bin").content
    n_places, n_vertices = struct.unpack_from("<ii", body)
    drawn = np.frombuffer(body, "<f4", 2 * n_vertices, 8).reshape(-1, 2)
    assert n_places == PlanReader(fake.folder, PUBLIC).table("places").height
    assert [67.25, 28.75] in drawn.tolist()
    assert np.abs(drawn - np.array(PLACE)).max(axis=1).min() > 0.05


def test_every_route_of_the_map_has_an_entry_and_every_entry_a_route(fake: Walk) -> None:
    table = {**MAP_ROUTES, **AUTH_ROUTES}
    assert uncovered(fake.app, table) == []
    assert set(uncovered(fake.app, {})) == set(table)


@pytest.fixture
def live(fake: Walk) -> FastAPI:
    """The live application over a network that answers nothing: the gate alone is looked at."""
    app = create_live_app(MagicMock())
    gate = protect(app, fake.identity, needs=LIVE_ROUTES)
    gate.addresses, gate.accounts, gate.logins = Limiter(ENOUGH), Limiter(ENOUGH), Limiter(ENOUGH)
    return app


def test_every_route_of_the_live_network_has_an_entry_and_every_entry_a_route(live: FastAPI) -> None:
    table = {**LIVE_ROUTES, **AUTH_ROUTES}
    assert uncovered(live, table) == []
    assert {key for key in table if not key.startswith("MOUNT")} <= set(uncovered(live, {}))


def test_nobody_without_the_permission_reaches_a_route_of_the_live_network(live: FastAPI) -> None:
    nobody = TestClient(live, base_url=HOST, follow_redirects=False)
    people_of = {role: log_in(live, account_name(role, "owner")) for role in ROLES}
    for key, need in LIVE_ROUTES.items():
        kind, path = key.split(" ", 1)
        method, address = "GET" if kind == "MOUNT" else kind, re.sub(r"{\w+}", "x", path)
        assert nobody.request(method, address).status_code in {401, 403}, key
        for role, client in people_of.items():
            if need.permission not in ROLES[role]:
                assert client.request(method, address, json={}).status_code == 403, (key, role)


def test_the_live_network_records_who_acted_by_their_account(live: FastAPI) -> None:
    assert live.state.gate is name_of


def test_requests_and_grants_go_through_the_pages(fake: Walk) -> None:
    asker, officer = log_in(fake.app, "planner-owner"), log_in(fake.app, "secrecy-officer-owner")
    low = log_in(fake.app, "planner-secret")
    asked = {"kind": "cut_sets", "reason": "where to harden"}
    assert low.post("/api/approvals", json=asked).status_code == 403
    made = asker.post("/api/approvals", json=asked).json()
    assert asker.post(f"/api/approvals/{made['approval_id']}", json={"decision": "grant"}).status_code == 403
    below = log_in(fake.app, "secrecy-officer-restricted")
    assert below.get("/api/approvals").json() == []
    assert below.post(f"/api/approvals/{made['approval_id']}", json={"decision": "grant"}).status_code == 403
    assert "where to harden" in officer.get("/account").text
    granted = officer.post(f"/api/approvals/{made['approval_id']}", json={"decision": "grant"}).json()
    assert granted["is_granted"] is True
    assert "where to harden" not in json.dumps(below.get("/api/approvals").json())
