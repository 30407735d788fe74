"""What applications behind the gate tell the audit log: reads of labelled plans, exports, refusals, logins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from rahdari.errors import PlanError, Problem
from rahdari.faces.cli.serving import Access, add_accounts
from rahdari.faces.web.app import create_app
from rahdari.faces.web.auditing import audited
from rahdari.faces.web.auth import protect
from rahdari.faces.web.roles import MAP_ROUTES, Need
from rahdari.store.audit import KEY, LOG, AuditLog, records, verify
from rahdari.store.audit_chain import Chain
from rahdari.store.keys import read_trusted
from tests.helpers.fake_plan import write_fake_plan
from tests.helpers.labelled_plan import SECRET, write_labelled_plan
from tests.helpers.people import HOST, PASSWORD, log_in, people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rahdari.service.identity import Identity

SHELVE = "/api/live/incidents/{incident_id}/{action}"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_labelled_plan(tmp_path_factory.mktemp("audit"))


@pytest.fixture
def identity(tmp_path: Path) -> Iterator[Identity]:
    made = people(tmp_path / "accounts")
    yield made
    made.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    with AuditLog(tmp_path / "audit") as made:
        yield made


@pytest.fixture
def app(plan: Path, identity: Identity, log: AuditLog) -> FastAPI:
    made = create_app(plan)
    audited(made, protect(made, identity, needs=MAP_ROUTES, plan_folder=plan), log)
    return made


def told(folder: Path, kind: str = "") -> list[dict[str, Any]]:
    found = records(folder / LOG, read_trusted(folder / f"{KEY}.pub"), Chain())
    return [row for row in found if kind in {"", row["kind"]}]


def test_a_read_of_a_labelled_plan_is_recorded_before_it_is_answered(app: FastAPI, tmp_path: Path) -> None:
    client = log_in(app, "planner-owner")
    before = len(told(tmp_path / "audit", "read"))
    assert client.get(f"/api/row/places/{SECRET}").status_code == 200
    (row,) = told(tmp_path / "audit", "read")[before:]
    assert row["who"] == "planner-owner"
    assert row["what"]["asked"] == f"/api/row/places/{SECRET}"
    assert (row["what"]["status"], row["what"]["clearance"]) == (200, "secret|*")
    assert row["what"]["plan"] == "feedbeeffeed"


def test_who_sees_nothing_labelled_leaves_no_read(app: FastAPI, tmp_path: Path) -> None:
    client = log_in(app, "planner-public")
    assert client.get("/api/plan").status_code == 200
    assert not told(tmp_path / "audit", "read")


def test_files_that_are_the_same_for_every_plan_leave_no_read(app: FastAPI, tmp_path: Path) -> None:
    client = log_in(app, "planner-owner")
    before = len(told(tmp_path / "audit"))
    client.get("/map/")
    client.get("/openapi.json")
    assert len(told(tmp_path / "audit")) == before


def test_a_plan_without_labels_leaves_no_read_and_yet_exports(
    identity: Identity, log: AuditLog, tmp_path: Path
) -> None:
    folder = write_fake_plan(tmp_path / "plan", n_places=30, n_links=5)
    made = create_app(folder)
    audited(made, protect(made, identity, needs=MAP_ROUTES, plan_folder=folder), log)
    client = log_in(made, "planner-owner")
    assert client.get("/api/plan").status_code == 200
    assert client.get("/export/places.csv").status_code == 200
    assert not told(tmp_path / "audit", "read")
    assert [row["what"]["asked"] for row in told(tmp_path / "audit", "export")] == ["/export/places.csv"]


def test_refusals_are_recorded_with_who_and_what(app: FastAPI, tmp_path: Path) -> None:
    log_in(app, "reader-public").get("/export/places.csv")
    TestClient(app, base_url=HOST).get("/api/row/places/x?q=%0A")
    first, second = told(tmp_path / "audit", "denial")
    assert (first["who"], first["what"]["status"]) == ("reader-public", 403)
    assert (second["who"], second["what"]["status"], second["what"]["asked"]) == (
        "nobody", 401, "/api/row/places/x?q=%0A",
    )  # fmt: skip


def test_logins_right_and_wrong_and_approvals_are_recorded(app: FastAPI, tmp_path: Path) -> None:
    client = TestClient(app, base_url=HOST)
    client.post("/login", data={"name": "planner-owner", "password": "x" * 12}, headers={"Origin": HOST})
    planner = log_in(app, "planner-owner")
    asked = planner.post("/api/approvals", json={"kind": "exposure", "reason": "audit"})
    log_in(app, "secrecy-officer-owner").post(
        f"/api/approvals/{asked.json()['approval_id']}", json={"decision": "grant"}
    )
    deeds = [(row["who"], row["what"]["what"].split(" from")[0]) for row in told(tmp_path / "audit", "login")]
    assert deeds == [
        ("planner-owner", "failed to log in"), ("planner-owner", "logged in"), ("secrecy-officer-owner", "logged in"),
    ]  # fmt: skip
    assert [row["who"] for row in told(tmp_path / "audit", "approval")] == ["planner-owner", "secrecy-officer-owner"]


def test_what_hides_alarms_is_a_kind_of_its_own(identity: Identity, log: AuditLog, tmp_path: Path) -> None:
    app = FastAPI(title="live")

    @app.post(SHELVE)
    def act(incident_id: str, action: str) -> dict[str, str]:
        return {incident_id: action}

    audited(app, protect(app, identity, needs={f"POST {SHELVE}": Need("operate")}), log)
    client = log_in(app, "operator-owner")
    for action in ("ack", "shelve"):
        assert client.post(f"/api/live/incidents/i-1/{action}").status_code == 200
    assert [row["what"]["asked"] for row in told(tmp_path / "audit", "suppression")] == [
        "/api/live/incidents/i-1/shelve"
    ]
    assert [row["what"]["asked"] for row in told(tmp_path / "audit", "change")] == ["/api/live/incidents/i-1/ack"]


def test_nothing_is_answered_that_cannot_be_recorded(
    app: FastAPI, log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = log_in(app, "planner-owner")

    def full(*_: object) -> None:
        raise PlanError(Problem("the disk is full", "free some space"))

    monkeypatch.setattr(log, "record", full)
    answer = client.get("/export/places.csv")
    assert answer.status_code == 503
    assert SECRET not in answer.text
    assert "audit log" in answer.json()["errors"][0]["what"]


def test_the_start_names_the_rules_that_hold(app: FastAPI, tmp_path: Path) -> None:
    assert app.title == "Rahdari"
    (row,) = told(tmp_path / "audit", "rules")
    assert len(row["what"]["work.toml"]) == 64


def test_accounts_come_with_a_log_and_its_end_is_signed(plan: Path, tmp_path: Path) -> None:
    made = create_app(plan)
    said = add_accounts(made, Access(accounts=tmp_path / "own"), MAP_ROUTES, plan)
    assert f"audit log: {tmp_path / 'own' / 'audit' / LOG}" in said
    with TestClient(made, base_url=HOST) as client:
        client.post("/login", data={"name": "nobody", "password": PASSWORD}, headers={"Origin": HOST})
    found = verify(tmp_path / "own" / "audit")
    assert found.n_unsigned == 0
    assert [row["kind"] for row in told(tmp_path / "own" / "audit")] == ["begin", "account", "start", "rules", "login"]


def test_without_accounts_nothing_is_recorded(plan: Path) -> None:
    made = create_app(plan)
    assert add_accounts(made, Access(), MAP_ROUTES, plan) == []
    assert not any(layer.cls.__name__ == "Audited" for layer in made.user_middleware)
