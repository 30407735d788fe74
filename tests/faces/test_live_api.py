"""The live network over HTTP: events in and durable, incidents out, standards spoken, hostile text harmless."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient

from rahdari import operate
from rahdari.errors import InputError
from rahdari.faces.web.live.app import create_live_app
from rahdari.faces.web.live.stream import changes
from rahdari.operate import Event, VirtualClock
from rahdari.operate.actions import runbook
from rahdari.operate.wire.ndjson import encode_lines
from rahdari.service.live_duty import LiveDuty, read_duty
from rahdari.service.operate import LiveView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import Request

    from rahdari.operate.app import App

START_S = 1_700_000_000.0
SCRIPT, FORMULA, REVERSED = "<script>alert(1)</script>", '=HYPERLINK("http://evil")', "\u202eevil"
NETWORK = {
    "sites": ["G", "A", "B"], "gateways": ["G"],
    "cells": {"C1": {"parent": "A", "customers": 1200}, "C2": {"parent": "B", "customers": 30_000}},
    "links": {
        "L1": {"a": "G", "b": "A", "medium": "fibre", "ducts": ["D1"]},
        "L2": {"a": "G", "b": "B", "medium": "fibre", "ducts": ["D2"]},
    },
    "battery_h": 4.0,
}  # fmt: skip
TMF = "/tmf-api/alarmManagement/v4"


def event(seq: int, resource: str, kind: str, severity: str = "critical", text: str = "") -> Event:
    at_s = START_S + seq
    return Event(source="nms", seq=seq, at_s=at_s, resource=resource, type=kind, severity=severity, text=text)


CUT = [event(1, "L2:G-port", "LOS"), event(2, "B", "unreachable"), event(3, "C2", "unreachable", "major")]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = operate.App(NETWORK, f"sqlite:///{tmp_path / 'live.db'}", clock=VirtualClock(START_S + 60.0)).start()
    yield made
    made.stop()


@pytest.fixture
def client(app: App) -> TestClient:
    return TestClient(create_live_app(LiveView(app, ["desk.example"])))


def posted(client: TestClient, events: list[Event]) -> dict[str, Any]:
    body = b"".join(encode_lines(events))
    answer = client.post("/events", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def the_incident(client: TestClient, app: App) -> dict[str, Any]:
    posted(client, CUT)
    assert app.wait_idle()
    [found] = client.get("/api/live/incidents").json()
    return dict(found)


def test_lines_and_lists_of_events_are_stored_once(client: TestClient, app: App) -> None:
    assert posted(client, CUT)["n_new"] == 3
    again = client.post("/events", json=[json.loads(line) for line in encode_lines(CUT)])
    assert (again.json()["n_new"], again.json()["n_duplicate"], app.position) == (0, 3, 3)


def test_what_is_wrong_is_refused_by_itself_and_the_rest_is_taken(client: TestClient, app: App) -> None:
    body = b"".join(encode_lines(CUT)) + b'{"half\n' + b'{"source":"x","seq":1,"at_s":NaN}\n'
    answer = client.post("/events", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert (answer.status_code, answer.json()["n_new"], answer.json()["n_refused"]) == (200, 3, 2)
    assert [each["number"] for each in answer.json()["refused"]] == [4, 5]
    assert app.counters.get("rahdari_wire_refused_total", listener="http") == 2
    bad = client.post("/events", content=b"not json")
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["cure"]


def test_a_body_that_is_too_large_is_refused(client: TestClient, app: App) -> None:
    answer = client.post("/events", content=b"x" * ((16 << 20) + 1))
    assert answer.status_code == 422
    assert "16 MiB" in answer.json()["errors"][0]["what"]
    assert app.position == 0


def test_alertmanager_and_opentelemetry_are_understood(client: TestClient, app: App) -> None:
    alert = {
        "status": "firing", "labels": {"alertname": "LinkDown", "severity": "critical", "instance": "B"},
        "annotations": {"summary": "down"}, "startsAt": "2023-11-14T22:13:20Z", "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "abcdef0123456789",
    }  # fmt: skip
    body = {"version": "4", "groupKey": "g", "status": "firing", "receiver": "r", "alerts": [alert]}
    assert client.post("/api/live/alertmanager", json=body).json()["n_new"] == 1
    record = {
        "timeUnixNano": str(int(START_S * 1e9)), "severityNumber": 17, "severityText": "ERROR",
        "body": {"stringValue": "link lost"},
    }  # fmt: skip
    logs = {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"logRecords": [record]}]}]}
    assert client.post("/v1/logs", json=logs).status_code == 200
    assert app.position >= 1


def test_an_incidents_story_names_cause_customers_and_symptoms(client: TestClient, app: App) -> None:
    found = the_incident(client, app)
    assert found["customers_without_service"] == 30_000
    story = client.get(f"/api/live/incidents/{found['incident_id']}").json()
    assert {alarm["resource"] for alarm in story["symptoms"]} == {"L2:G-port", "B", "C2"}
    assert story["cells_without_service"] == ["C2"]
    assert story["actions"] == [f"Runbook: {runbook(story['root']['kind'])}"]
    state = client.get("/api/live/state").json()
    assert state["customers"] == {"total": 31_200, "without": 30_000, "at_risk": 0, "n_places_without": 1}
    assert (state["n_open"], state["alarms"]["open"], state["position"]) == (1, 3, 3)
    assert client.get("/api/live/places-state.bin").content == bytes([0, 2])
    assert client.get("/api/live/incidents/none").status_code == 422


def test_on_a_plan_crews_and_generators_are_sent_to_places_with_names(event_plan: Path, tmp_path: Path) -> None:
    app = operate.App(event_plan, f"sqlite:///{tmp_path / 'plan.db'}", clock=VirtualClock(START_S + 60.0)).start()
    try:
        site = app.network.node_id[0]
        lone = [event(1, f"{site}:rectifier", "mainsFail", "major"), event(2, f"{site}:battery", "batteryLow")]
        app.ingest(lone)
        assert app.wait_idle()
        view = LiveView(app)
        [found] = view.incident_rows()
        story = view.story(found["incident_id"])
        assert any(text.startswith("Send a crew to tower in Place") for text in story["actions"])
        assert any(text.startswith("Take a generator to tower in Place") for text in story["actions"])
        assert view.place_states().max() >= 1
        client = TestClient(create_live_app(view))
        assert len(client.get("/api/live/places.bin").content) > 8
        assert client.get("/api/live/plan").json()["title"] == "Testland"
        assert client.get("/api/live/labels").json()
    finally:
        app.stop()


def test_place_states_are_not_sent_again_unchanged(client: TestClient) -> None:
    first = client.get("/api/live/places-state.bin")
    again = client.get("/api/live/places-state.bin", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_an_operator_acknowledges_notes_and_shelves_and_the_same_request_counts_once(
    client: TestClient, app: App
) -> None:
    name = the_incident(client, app)["incident_id"]
    heads = {"X-Operator": "Aisha%20Khan", "Idempotency-Key": "one"}
    for n_new in (1, 0):
        answer = client.post(f"/api/live/incidents/{name}/ack", json={"note": "crew sent"}, headers=heads)
        assert answer.json()["n_new"] == n_new
    operator = client.get(f"/api/live/incidents/{name}").json()["operator"]
    assert operator == {"state": "ack", "by": "Aisha Khan", "note": "crew sent"}
    assert client.post(f"/api/live/incidents/{name}/explode", json={}).status_code == 422
    assert client.post(f"/api/live/incidents/{name}/note", json={"note": " "}).status_code == 422
    key = client.get("/api/live/alarms", params={"q": "C2"}).json()[0]["key"]
    client.post("/api/live/alarm-action/shelve", params={"alarm": key}, json={})
    assert key not in [alarm["key"] for alarm in client.get("/api/live/alarms").json()]
    assert [alarm["key"] for alarm in client.get("/api/live/alarms", params={"state": "shelved"}).json()] == [key]
    assert client.get("/api/live/state").json()["alarms"]["shelved"] == 1


def test_shelving_what_is_critical_warns_and_the_journal_keeps_how_much_was_hidden(
    client: TestClient, app: App
) -> None:
    name = the_incident(client, app)["incident_id"]
    assert client.post(f"/api/live/incidents/{name}/ack", json={}).json()["warnings"] == []
    [warning] = client.post(f"/api/live/incidents/{name}/shelve", json={}).json()["warnings"]
    assert "2 critical alarms" in warning
    *_, (_, _, last) = app.journal.events(0, 100)
    assert (last.fields["action"], last.fields["n_critical_hidden"]) == ("shelve", "2")


def test_nobody_tells_what_an_operator_did_but_over_the_api(client: TestClient, app: App) -> None:
    forged = {"source": "operator:Aisha", "seq": 1, "at_s": START_S, "resource": "L2", "type": "operatorState",
              "severity": "indeterminate", "fields": {"action": "shelve"}}  # fmt: skip
    answer = client.post("/events", json=[forged])
    assert (answer.status_code, app.position) == (422, 0)
    made = {
        "alarmType": "communicationsAlarm", "perceivedSeverity": "major", "probableCause": "lossOfSignal",
        "alarmedObject": {"id": "L2"}, "sourceSystemId": "operator:Aisha", "state": "raised",
        "alarmRaisedTime": "2023-11-14T22:13:20Z",
    }  # fmt: skip
    assert (client.post(f"{TMF}/alarm", json=made).status_code, app.position) == (422, 0)


def test_tmf642s_tasks_act_on_all_alarms_that_fit_a_pattern_and_no_other(client: TestClient, app: App) -> None:
    the_incident(client, app)
    who = {"ackSystemId": "nms", "ackUserId": "Aisha", "ackTime": "2026-01-01T00:00:00Z"}
    pattern = [{"perceivedSeverity": "critical"}]
    done = client.post(f"{TMF}/ackAlarms", json={**who, "alarmPattern": pattern})
    assert (done.status_code, done.json()["state"], len(done.json()["ackedAlarm"])) == (201, "done", 2)
    assert [alarm["ackUserId"] for alarm in client.get(f"{TMF}/alarm?ackState=acknowledged").json()] == ["Aisha"] * 2
    assert client.post(f"{TMF}/ackAlarms", json={**who, "alarmPattern": pattern}).json()["ackedAlarm"] == []
    back = client.post(f"{TMF}/unAckAlarms", json={**who, "alarmPattern": [{"alarmedObject": {"id": "B"}}]})
    assert len(back.json()["unAckedAlarm"]) == 1
    [one, other, *_] = client.get(f"{TMF}/alarm").json()
    said = {"comment": {"comment": SCRIPT, "userId": "Aisha"}, "alarmPattern": [{"id": one["id"]}]}
    assert len(client.post(f"{TMF}/commentAlarms", json=said).json()["commentedAlarm"]) == 1
    assert client.get(f"{TMF}/alarm/{one['id']}").json()["comment"][0]["comment"] == SCRIPT
    group = {"parentAlarm": {"id": one["id"]}, "correlatedAlarm": [{"id": other["id"]}], "sourceSystemId": "nms"}
    assert len(client.post(f"{TMF}/groupAlarms", json=group).json()["groupedAlarm"]) == 1
    clear = {"clearSystemId": "nms", "clearUserId": "Aisha", "alarmPattern": [{"id": other["id"]}]}
    assert len(client.post(f"{TMF}/clearAlarms", json=clear).json()["clearedAlarm"]) == 1
    assert client.get(f"{TMF}/alarm/{other['id']}").json()["state"] == "cleared"
    for bad in ({}, {**who, "alarmPattern": [{}]}, {"alarmPattern": pattern}):
        assert client.post(f"{TMF}/ackAlarms", json=bad).status_code == 422
    nobody = {**group, "parentAlarm": {"id": "none"}}
    assert client.post(f"{TMF}/groupAlarms", json=nobody).status_code == 422


def test_gnmic_tells_of_interfaces(client: TestClient) -> None:
    update = {
        "name": "interfaces", "timestamp": int(START_S * 1e9),
        "tags": {"source": "A:57400", "interface_name": "ethernet-1/1"},
        "values": {"/interfaces/interface/state/oper-status": "DOWN"},
    }  # fmt: skip
    assert client.post("/gnmic", json=[update]).json()["n_new"] == 1
    [alarm] = client.get("/api/live/alarms").json()
    assert (alarm["resource"], alarm["type"], alarm["is_known"]) == ("A:ethernet-1/1", "linkDown", True)


def test_planned_work_is_announced(client: TestClient, app: App) -> None:
    window = {"resource": "L2", "from_s": START_S - 60.0, "to_s": START_S + 3600.0}
    assert client.post("/api/live/maintenance", json=window).json()["n_new"] == 1
    assert the_incident(client, app)["in_maintenance"] is True
    assert client.post("/api/live/maintenance", json={**window, "to_s": 0.0}).status_code == 422


def test_what_if_adds_to_what_has_failed_and_stores_nothing(client: TestClient, app: App) -> None:
    the_incident(client, app)
    before = app.position
    found = client.post("/api/live/what-if", json={"things": ["L1"]}).json()
    assert (found["more_customers"], found["customers_without_service"], found["more_places"]) == (1200, 31_200, ["C1"])
    assert client.post("/api/live/what-if", json={"things": ["A"]}).json()["more_customers"] == 1200
    assert client.post("/api/live/what-if", json={"things": ["nothing"]}).status_code == 422
    assert (app.position, client.get("/api/live/state").json()["customers"]["without"]) == (before, 30_000)


def test_the_timeline_tells_what_is_behind_a_position_and_whether_it_is_whole(client: TestClient) -> None:
    posted(client, CUT)
    found = client.get("/api/live/timeline", params={"after": 1}).json()
    assert ([each["position"] for each in found["events"]], found["is_whole"]) == ([2, 3], True)
    cut_short = client.get("/api/live/timeline", params={"after": 0, "limit": 2}).json()
    assert ([each["position"] for each in cut_short["events"]], cut_short["is_whole"]) == ([2, 3], False)


def test_history_leaves_as_csv_and_parquet_and_no_spreadsheet_runs_it(client: TestClient, tmp_path: Path) -> None:
    hostile = [event(k, text, text, "minor", text) for k, text in enumerate((SCRIPT, FORMULA, REVERSED, "-1+1"), 1)]
    posted(client, hostile)
    rows = list(csv.DictReader(io.StringIO(client.get("/api/live/history.csv").text)))
    assert [row["text"] for row in rows] == [SCRIPT, "'" + FORMULA, REVERSED, "'-1+1"]
    assert all(not row["resource"].startswith(("=", "-", "+", "@")) for row in rows)
    path = tmp_path / "history.parquet"
    path.write_bytes(client.get("/api/live/history.parquet", params={"after": 1}).content)
    frame = pl.read_parquet(path)
    assert frame["text"].to_list() == [FORMULA, REVERSED, "-1+1"]
    assert frame["position"].to_list() == [2, 3, 4]


SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.e+-]+)$')


def test_metrics_are_in_prometheus_format(client: TestClient, app: App) -> None:
    hostile = 'a"b\\c\nd'
    app.ingest([Event(source=hostile, seq=1, at_s=START_S, resource="B", type="fan", severity="minor")])
    posted(client, CUT)
    assert app.wait_idle()
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    kinds: dict[str, str] = {}
    values: dict[tuple[str, str], float] = {}
    for line in answer.text.removesuffix("\n").split("\n"):
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            matched = SAMPLE.match(line)
            assert matched, line
            name, labels, value = matched.groups()
            assert name in kinds
            assert kinds[name] == ("counter" if name.endswith("_total") else "gauge")
            assert (name, labels or "") not in values
            values[name, labels or ""] = float(value)
    assert values["rahdari_events_total", ""] == 4
    assert values["rahdari_customers_without_service", ""] == 30_000
    assert values["rahdari_events_by_source_total", 'source="a\\"b\\\\c\\nd"'] == 1


def test_the_formats_are_described_by_json_schemas(client: TestClient) -> None:
    found = client.get("/api/live/schemas").json()
    assert set(found) == {"event", "alarm", "incident"}
    required = found["event"]["$defs"]["Event"]["required"]
    assert set(required) == {"source", "seq", "at_s", "resource", "type", "severity"}


def test_health_tells_clock_and_position(client: TestClient) -> None:
    found = client.get("/api/live/health").json()
    assert (found["is_running"], found["position"], found["now_s"]) == (True, 0, START_S + 60.0)


class TestTmf642:
    """The alarm API of TM Forum."""

    def test_alarms_are_listed_filtered_and_their_attributes_chosen(self, client: TestClient) -> None:
        posted(client, CUT)
        every = client.get(f"{TMF}/alarm")
        assert (every.status_code, every.headers["x-total-count"]) == (200, "3")
        needed = {
            "id", "href", "alarmType", "perceivedSeverity", "probableCause", "alarmedObject", "sourceSystemId", "state",
            "alarmRaisedTime", "ackState", "isRootCause", "specificProblem",
        }  # fmt: skip
        assert all(needed <= set(each) for each in every.json())
        major = client.get(f"{TMF}/alarm", params={"perceivedSeverity": "major", "fields": "state"}).json()
        assert [set(each) for each in major] == [{"id", "href", "state"}]
        named = client.get(f"{TMF}/alarm", params={"alarmedObject.id": "C2"}).json()
        assert [each["alarmedObject"]["id"] for each in named] == ["C2"]
        part = client.get(f"{TMF}/alarm", params={"limit": 1, "offset": 1})
        assert (part.status_code, len(part.json()), part.headers["x-result-count"]) == (206, 1, "1")

    def test_one_alarm_is_got_or_said_not_to_be(self, client: TestClient, app: App) -> None:
        posted(client, CUT)
        assert app.wait_idle()
        first = client.get(f"{TMF}/alarm").json()[0]
        assert client.get(first["href"]).json() == first
        missing = client.get(f"{TMF}/alarm/none")
        assert (missing.status_code, missing.json()["@type"]) == (404, "Error")

    def test_an_alarm_is_created_acknowledged_commented_and_cleared(self, client: TestClient, app: App) -> None:
        body = {
            "alarmType": "communicationsAlarm", "perceivedSeverity": "major", "probableCause": "lossOfSignal",
            "specificProblem": "LOS", "alarmedObject": {"id": "L1:G-port"}, "sourceSystemId": "north",
            "state": "raised", "alarmRaisedTime": "2023-11-14T22:13:20Z", "alarmDetails": SCRIPT,
        }  # fmt: skip
        made = client.post(f"{TMF}/alarm", json=body)
        assert made.status_code == 201
        assert (made.json()["alarmDetails"], made.json()["alarmRaisedTime"]) == (SCRIPT, "2023-11-14T22:13:20.000Z")
        href = made.json()["href"]
        acked = client.patch(
            href, json={"ackState": "acknowledged", "ackUserId": "Aisha", "comment": [{"comment": "seen"}]}
        )
        assert (acked.json()["ackState"], acked.json()["ackUserId"]) == ("acknowledged", "Aisha")
        assert acked.json()["comment"][0]["comment"] == "seen"
        cleared = client.patch(href, json={"state": "cleared", "clearUserId": "Aisha"})
        assert (cleared.json()["state"], cleared.json()["perceivedSeverity"]) == ("cleared", "cleared")
        assert client.patch(href, json={"alarmType": "x"}).status_code == 400
        assert client.patch(href, json={"state": "raised"}).status_code == 422
        lacking = client.post(f"{TMF}/alarm", json={"alarmType": "x"})
        assert lacking.status_code == 422
        assert len(lacking.json()["errors"]) >= 6
        assert app.wait_idle()

    def test_a_listener_is_registered_told_through_the_outbox_and_taken_away(
        self, client: TestClient, app: App
    ) -> None:
        assert client.post(f"{TMF}/hub", json={"callback": "http://evil.example/x"}).status_code == 422
        assert client.post(f"{TMF}/hub", json={"callback": "file:///etc/passwd"}).status_code == 422
        sent: list[tuple[str, dict[str, Any]]] = []
        app.sender.send = lambda name, _key, body: sent.append((name, json.loads(body)))  # type: ignore[method-assign]
        made = client.post(
            f"{TMF}/hub", json={"callback": "https://desk.example/in", "query": "perceivedSeverity=critical"}
        )
        assert made.status_code == 201
        posted(client, CUT)
        assert app.wait_idle()
        told = [(name, body["eventType"], body["event"]["alarm"]["perceivedSeverity"]) for name, body in sent]
        assert told == [(f"hub:{made.json()['id']}", "AlarmCreateEvent", "critical")] * 2
        assert create_live_app(LiveView(app, ["desk.example"])) is not None
        assert f"hub:{made.json()['id']}" in app.sender.channels
        assert client.delete(made.headers["location"]).status_code == 204
        assert client.delete(made.headers["location"]).status_code == 404


def test_only_known_names_of_this_machine_are_answered_and_nothing_comes_from_elsewhere(client: TestClient) -> None:
    assert client.get("/api/live/state", headers={"Host": "evil.example"}).status_code == 400
    heads = client.get("/live/").headers
    assert "default-src 'self'" in heads["content-security-policy"]
    assert heads["x-content-type-options"] == "nosniff"


def test_the_page_loads_nothing_from_another_host(client: TestClient) -> None:
    page = client.get("/live/").text
    assert "Rahdari" in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def test_every_route_asks_the_gate(app: App) -> None:
    def nobody(_request: Request) -> str:
        raise HTTPException(401, "who are you?")

    made = create_live_app(LiveView(app), gate=nobody)
    closed = TestClient(made)
    for path, methods in made.openapi()["paths"].items():
        for method in methods:
            where = re.sub(r"\{[^}]*\}", "x", path)
            body = {"note": "", "things": ["L1"], "resource": "L1", "from_s": 0, "to_s": 1}
            answer = closed.request(method, where, json=body, params={"alarm": "x"})
            assert answer.status_code == 401, (method, path)


def test_the_openapi_names_every_route_with_what_it_does(client: TestClient) -> None:
    paths = client.get("/api/live/openapi.json").json()["paths"]
    assert {"/events", "/metrics", "/v1/logs", "/api/live/stream", f"{TMF}/alarm", f"{TMF}/hub"} <= set(paths)
    assert all(each["description"] for methods in paths.values() for each in methods.values())


async def _first_messages(app: App, n: int) -> list[bytes]:
    async def stays() -> bool:  # asked with await
        return False

    found = []
    async for each in changes(app, stays):
        found.append(each)
        if len(found) == 2:
            app.ingest(CUT)
        if len(found) == n:
            break
    return found


@pytest.mark.anyio
async def test_the_stream_tells_the_present_position_first_and_every_later_one(app: App) -> None:
    found = await _first_messages(app, 3)
    assert found[0].startswith(b"retry:")
    assert found[1].startswith(b"id: 0\nevent: change\n")
    assert found[2].startswith(b"id: 3\nevent: change\n")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_the_one_on_duty_gets_crews_generators_and_the_authoritys_form(event_plan: Path, tmp_path: Path) -> None:
    app = operate.App(event_plan, f"sqlite:///{tmp_path / 'duty.db'}", clock=VirtualClock(START_S + 60.0)).start()
    try:
        first, sites = app.network.services[0].first, app.network.services[0].site
        alone = next(p for p in range(len(first) - 1) if first[p + 1] - first[p] == 1 and app.network.customers[p] > 0)
        at = int(sites[first[alone]])
        site = app.network.node_id[at]
        app.ingest([event(1, f"{site}:rectifier", "mainsFail", "major"), event(2, f"{site}:battery", "batteryLow")])
        assert app.wait_idle()
        lon, lat = float(app.network.lon_deg[at]), float(app.network.lat_deg[at])
        near = {"lon_deg": lon, "lat_deg": lat, "free_s": int(START_S)}
        late = {**near, "free_s": int(START_S) + 86_400}  # after the battery: so that the generator is of use
        path = tmp_path / "duty.json"
        path.write_text(
            json.dumps({
                "crews": [{"crew_id": "north", "skills": ["power", "node", "link", "duct"], **late}],
                "generators": [{"generator_id": "g1", **near}], "given": {"licensee": "Example <b>Ltd</b>"},
                "runbooks_url": "https://noc.example/runbooks",
            })
        )  # fmt: skip
        view = LiveView(app)
        client = TestClient(create_live_app(view, on_duty=LiveDuty(view, read_duty(path))))
        [row] = client.get("/api/live/incidents").json()
        found = client.get(f"/api/live/incidents/{row['incident_id']}/duty").json()
        assert [stop["crew_id"] for stop in found["orders"]["stops"]] == ["north"]
        assert [move["site_id"] for move in found["orders"]["moves"]] == [site]
        assert found["runbook"]["url"].startswith("https://noc.example/runbooks#")
        first, full = found["forms"]
        assert (first["report_id"], first["due_utc"], first["is_late"]) == ("first", "2023-11-15T22:13:21Z", False)
        assert full["due_utc"] > first["due_utc"]
        form = client.get(f"/api/live/incidents/{row['incident_id']}/form", params={"report": "full"})
        assert "Example &lt;b&gt;Ltd" in form.text
        assert form.headers["content-disposition"].startswith("attachment")
        asked = {"report": "none"}
        assert client.get(f"/api/live/incidents/{row['incident_id']}/form", params=asked).status_code == 422
        assert client.get("/api/live/sla.csv", params={"month": "2023-11"}).status_code == 422  # no ledger is known
    finally:
        app.stop()


def test_a_duty_file_is_refused_with_all_that_is_wrong_in_it(tmp_path: Path) -> None:
    path = tmp_path / "duty.json"
    path.write_text(json.dumps({"crews": [{"crew_id": "x"}], "runbooks_url": "javascript:alert(1)"}))
    with pytest.raises(InputError) as raised:
        read_duty(path)
    assert len(raised.value.problems) >= 2
