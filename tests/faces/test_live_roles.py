"""The live network behind accounts: every route as every role, over a plan with labels; who acted is who was asked."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest
from fastapi.testclient import TestClient

from rahdari import operate
from rahdari.faces.web.auditing import audited
from rahdari.faces.web.auth import protect
from rahdari.faces.web.limits import Budget, Limiter
from rahdari.faces.web.live.app import create_live_app
from rahdari.faces.web.roles import LIVE_ROUTES
from rahdari.operate import Event, VirtualClock
from rahdari.service.identity import ROLES
from rahdari.service.operate import LiveView
from rahdari.store.audit import AuditLog
from rahdari.store.labels import PUBLIC
from rahdari.store.query import PlanReader
from tests.helpers.people import CLEARANCES, HOST, account_name, log_in, people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from rahdari.operate.app import App
    from rahdari.service.identity import Identity

START_S = 1_700_000_000.0
ENOUGH = Budget(1e12, 1e9)
STORY = {
    "sites": ["G", "A"], "gateways": ["G"], "cells": {"C": {"parent": "A", "customers": 900}},
    "links": {"L": {"a": "G", "b": "A", "medium": "fibre", "ducts": []}},
}  # fmt: skip


def protected(app: App, accounts: Path, log: Path, folder: Path | None) -> tuple[FastAPI, Identity]:
    made = create_live_app(LiveView(app))
    identity = people(accounts)
    label = PUBLIC if folder is None else PlanReader(folder).least_clearance()
    gate = protect(made, identity, needs=LIVE_ROUTES, plan_folder=folder, label=label)
    gate.addresses, gate.accounts, gate.logins = Limiter(ENOUGH), Limiter(ENOUGH), Limiter(ENOUGH)
    audited(made, gate, AuditLog(log))
    return made, identity


@pytest.fixture
def labelled(event_plan: Path, tmp_path: Path) -> Iterator[tuple[FastAPI, bytes]]:
    """A live network over a plan in which one site is restricted, and down; and that site's name."""
    folder = shutil.copytree(event_plan, tmp_path / "plan")
    reader = PlanReader(folder)
    sites = reader.table("sites")
    path = folder / reader.manifest["tables"]["sites"]["file"]
    path.unlink()  # a link to the cache
    secret = str(sites["site_id"][5])
    label = pl.when(pl.col("site_id") == secret).then(pl.lit("restricted")).otherwise(pl.lit("public"))
    sites.with_columns(label.alias("classification")).write_parquet(path)
    app = operate.App(event_plan, f"sqlite:///{tmp_path / 'live.db'}", clock=VirtualClock(START_S + 60.0)).start()
    app.ingest([Event(source="nms", seq=1, at_s=START_S, resource=secret, type="down", severity="critical")])
    assert app.wait_idle()
    made, identity = protected(app, tmp_path / "accounts", tmp_path / "audit", folder)
    yield made, secret.encode()
    identity.close()
    app.stop()


@pytest.fixture
def story(tmp_path: Path) -> Iterator[tuple[App, FastAPI, Identity]]:
    """A live network without labels, with one open incident."""
    app = operate.App(STORY, f"sqlite:///{tmp_path / 'live.db'}", clock=VirtualClock(START_S + 60.0)).start()
    app.ingest([Event(source="nms", seq=1, at_s=START_S, resource="A", type="unreachable", severity="critical")])
    assert app.wait_idle()
    made, identity = protected(app, tmp_path / "accounts", tmp_path / "audit", None)
    yield app, made, identity
    identity.close()
    app.stop()


def asks() -> list[tuple[str, str, str]]:
    """Return entry, method and address of every route but the stream, which does not end."""
    found = []
    for key in LIVE_ROUTES:
        kind, path = key.split(" ", 1)
        address = re.sub(r"{\w+}", "x", path)
        if kind == "MOUNT":
            found.append((key, "GET", f"{address}/"))
        elif not path.endswith("/stream"):
            found.append((key, kind, address))
    return found


@pytest.mark.parametrize("role", list(ROLES))
def test_the_live_network_of_a_labelled_plan_is_for_those_cleared_for_all_of_it(
    labelled: tuple[FastAPI, bytes], role: str
) -> None:
    made, secret = labelled
    told = b""
    for level in CLEARANCES:
        client = log_in(made, account_name(role, level))
        for key, method, address in asks():
            answer = client.request(method, address, json={})
            if level in {"public", "internal"}:
                assert answer.status_code == 403, (level, key)
                assert secret not in answer.content, (level, key)
            elif LIVE_ROUTES[key].permission in ROLES[role]:
                assert answer.status_code not in {401, 403}, key
                assert answer.status_code < 500, key
                told += answer.content
            else:
                assert answer.status_code == 403, key
    assert secret in told  # it is there to be hidden


def test_a_change_without_the_pages_proof_is_refused_on_every_live_route(
    story: tuple[App, FastAPI, Identity],
) -> None:
    app, made, _ = story
    before = app.position
    client = log_in(made, "operator-owner")
    for change in ({"X-CSRF-Token": "0" * 64}, {"Origin": "https://evil.example"}):
        for key, method, address in asks():
            if method in {"POST", "PATCH", "DELETE"}:
                assert client.request(method, address, json={}, headers=change).status_code == 403, key
    assert app.position == before


def test_who_acted_is_whom_the_accounts_know_whatever_a_request_says(story: tuple[App, FastAPI, Identity]) -> None:
    app, made, _ = story
    client = log_in(made, "operator-owner")
    client.headers["X-Operator"] = "Aisha"
    [row] = client.get("/api/live/incidents").json()
    assert client.post(f"/api/live/incidents/{row['incident_id']}/shelve", json={}).json()["warnings"]
    [alarm] = client.get("/tmf-api/alarmManagement/v4/alarm").json()
    forged = {"ackState": "acknowledged", "ackUserId": "Aisha"}
    assert client.patch(f"/tmf-api/alarmManagement/v4/alarm/{alarm['id']}", json=forged).json()["ackUserId"] == (
        "operator-owner"
    )
    by = {event.source for _, _, event in app.journal.events(1, 100)}
    assert by == {"operator:operator-owner"}
    assert client.get("/api/live/plan").json()["actor"] == "operator-owner"


def test_shelving_is_in_the_audit_log(story: tuple[App, FastAPI, Identity], tmp_path: Path) -> None:
    _, made, _ = story
    client = log_in(made, "operator-owner")
    [row] = client.get("/api/live/incidents").json()
    client.post(f"/api/live/incidents/{row['incident_id']}/shelve", json={})
    held = b"".join(path.read_bytes() for path in (tmp_path / "audit").iterdir())
    assert b"suppression" in held
    assert row["incident_id"].encode() in held


def test_a_machine_brings_events_with_a_token_and_nothing_more(story: tuple[App, FastAPI, Identity]) -> None:
    app, made, identity = story
    _, token = identity.make_token("operator-owner", ["operate"], 1)
    client = TestClient(made, base_url=HOST, headers={"Authorization": f"Bearer {token}"})
    event = {"source": "nms", "seq": 2, "at_s": START_S + 1.0, "resource": "C", "type": "down", "severity": "major"}
    before = app.position
    assert client.post("/events", json=event).json()["n_new"] == 1
    assert app.position == before + 1
    assert client.get("/api/live/state").status_code == 403
    assert client.get("/api/live/history.csv").status_code == 403
    assert client.post("/events", json=event, headers={"Authorization": "Bearer none"}).status_code == 401
