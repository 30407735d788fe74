"""``rahdari operate`` on the command line: replayed, simulated, looked at, acted on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from typer.testing import CliRunner

from rahdari import operate
from rahdari.faces.cli.main import app as command_line
from rahdari.faces.web.live.app import create_live_app
from rahdari.operate import Event
from rahdari.operate.wire.ndjson import encode_lines
from rahdari.service.operate import LiveView
from tests.helpers.web import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rahdari.operate.app import App

ESCAPE = "\x1b[2J"
NETWORK = {
    "sites": ["G", "B"], "gateways": ["G"], "cells": {"C2": {"parent": "B", "customers": 30_000}},
    "links": {"L2": {"a": "G", "b": "B", "medium": "fibre", "ducts": []}},
}  # fmt: skip
ALARMS = [
    {"seq": 1, "t": 0, "object": "L2:G-port", "type": "LOS", "severity": "critical", "source": "nms"},
    {"seq": 2, "t": 3, "object": "B", "type": "unreachable", "severity": "critical", "source": "nms"},
]


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command_line, ["operate", *words])
    return done.exit_code, done.stdout


def result(*words: str) -> Any:  # noqa: ANN401  # plain JSON
    code, text = run(*words, "--json")
    assert code == 0, text
    return json.loads(text)["result"]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = operate.App(NETWORK, f"sqlite:///{tmp_path / 'live.db'}").start()
    now_s = made.clock.now_s()
    made.ingest([
        Event(source="nms", seq=row["seq"], at_s=now_s + row["t"] - 60.0, resource=row["object"], type=row["type"],
              severity=row["severity"], text=ESCAPE)
        for row in ALARMS
    ])  # fmt: skip
    assert made.wait_idle()
    yield made
    made.stop()


@pytest.fixture
def server(app: App) -> Iterator[str]:
    with served(create_live_app(LiveView(app))) as address:
        yield address


def test_a_story_is_replayed_in_the_shape_of_the_interface(tmp_path: Path) -> None:
    story = tmp_path / "story.json"
    story.write_text(json.dumps({"network": NETWORK, "alarms": ALARMS}), encoding="utf-8")
    [found] = result("replay", str(story))["incidents"]
    assert found["root"] == {"object": "L2", "kind": "link"}
    assert (found["symptom_seqs"], found["cells_without_service"]) == ([1, 2], ["C2"])
    assert found["customers_without_service"] == 30_000
    assert "30,000 customers" in run("replay", str(story))[1]


@pytest.mark.shared
def test_the_bundled_stories_come_out_as_expected(shared_folder: Path) -> None:
    path = shared_folder / "validation" / "operate" / "stories.json"
    expected = [each["expect"] for each in json.loads(path.read_text(encoding="utf-8"))["scenarios"]]
    for found, wanted in zip(result("replay", str(path))["scenarios"], expected, strict=True):
        assert [each["root"] for each in found["incidents"]] == wanted["root_causes"]
        assert found["incidents"][0]["customers_without_service"] == wanted["customers_without_service"]


def test_lines_of_events_need_a_plan(tmp_path: Path) -> None:
    lines = tmp_path / "events.ndjson"
    lines.write_bytes(
        b"".join(encode_lines([Event(source="a", seq=1, at_s=0.0, resource="x", type="y", severity="minor")]))
    )
    code, text = run("replay", str(lines), "--json")
    assert (code, json.loads(text)["errors"][0]["cure"]) == (2, "add --plan for lines of events")


def test_a_storm_is_written_the_same_each_time_and_replayed_on_its_plan(event_plan: Path, tmp_path: Path) -> None:
    first, again = tmp_path / "one.ndjson", tmp_path / "two.ndjson"
    for path in (first, again):
        done = result("simulate", "--plan", str(event_plan), "--event", "wet", "--out", str(path))
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes().count(b"\n") == done["n_sent"] == done["n_deliveries"] > 0
    assert isinstance(result("replay", str(first), "--plan", str(event_plan))["incidents"], list)


def test_a_storm_goes_to_one_place_at_a_rate_above_nought(event_plan: Path) -> None:
    for words in ((), ("--to", "127.0.0.1:1", "--out", "x"), ("--out", "x", "--rate", "0"), ("--to", "nowhere")):
        code, text = run("simulate", "--plan", str(event_plan), "--event", "wet", *words, "--json")
        assert code == 2
        assert json.loads(text)["errors"][0]["cure"]


def test_an_operator_looks_acts_and_takes_the_history(server: str, app: App, tmp_path: Path) -> None:
    [found] = result("incidents", "--server", server)
    name = found["incident_id"]
    assert found["customers_without_service"] == 30_000
    result("ack", name, "--by", "Aisha", "--note", "crew sent", "--server", server)
    assert "[ack Aisha]" in run("incidents", "--server", server)[1]
    result("note", name, ESCAPE, "--by", "Aisha", "--server", server)
    assert ESCAPE not in run("incidents", "--server", server)[1]
    result("shelve", name, "--by", "Aisha", "--server", server)
    result("shelve", name, "--by", "Aisha", "--undo", "--server", server)
    result("close", name, "--by", "Aisha", "--server", server)
    result("maintenance", "L2", "--hours", "2", "--by", "Aisha", "--server", server)
    assert result("status", "--server", server)["customers"]["without"] == 30_000
    assert "30,000 of 30,000" in run("status", "--server", server)[1]
    out = tmp_path / "night.parquet"
    result("export", str(out), "--server", server)
    assert pl.read_parquet(out).height == app.position
    assert run("export", str(tmp_path / "night.txt"), "--server", server)[0] == 2
    code, text = run("ack", "none", "--by", "Aisha", "--server", server, "--json")
    assert (code, "no incident" in json.loads(text)["errors"][0]["what"]) == (2, True)


def test_hints_are_learned_from_a_log_and_kept(tmp_path: Path) -> None:
    log, out = tmp_path / "log.csv", tmp_path / "hints.json"
    rows = [row for k in range(200) for row in (("power", f"d{k % 5}", 1000 * k), ("link", f"d{k % 5}", 1000 * k + 3))]
    lines = ["alarm_id,device_id,start_timestamp", *(",".join(map(str, row)) for row in rows)]
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = result("learn", str(log), "--out", str(out))
    assert out.is_file()
    assert (done["surest"][0]["cause"], done["surest"][0]["effect"]) == ("power", "link")


def test_nobody_at_the_address_is_told_with_a_cure() -> None:
    code, text = run("status", "--server", "http://127.0.0.1:9", "--json")
    assert (code, "rahdari operate start" in json.loads(text)["errors"][0]["cure"]) == (2, True)


def test_an_address_of_others_is_refused(tmp_path: Path) -> None:
    code, text = run("start", "--host", "0.0.0.0", "--journal", f"sqlite:///{tmp_path / 'x.db'}", "--json")  # noqa: S104
    assert (code, "--auth" in json.loads(text)["errors"][0]["cure"]) == (2, True)


def test_the_demo_plays_an_event_into_a_network_of_its_own_and_ends_when_told(event_plan: Path, tmp_path: Path) -> None:
    words = ["operate", "start", "--plan", str(event_plan), "--demo", "wet", "--port", "0", "--json",
             "--journal", f"sqlite:///{tmp_path / 'demo.db'}", "--speed", "36000"]  # fmt: skip
    command = [sys.executable, "-c", "from rahdari.faces.cli.main import main; main()", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        address = json.loads(child.stdout.readline())["result"]["address"].removesuffix("/live/")
        deadline, position = time.monotonic() + 120.0, 0
        while position == 0 and time.monotonic() < deadline:
            with urllib.request.urlopen(f"{address}/api/live/state", timeout=30.0) as reply:  # noqa: S310  # our own
                position = json.load(reply)["position"]
            time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        child.stdout.read()
    assert position > 0
    assert child.returncode == 0
