"""The App: restartable, embeddable, on a clock of its own; nothing acknowledged is lost."""

from __future__ import annotations

import http.server
import json
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from rahdari import operate
from rahdari.errors import InputError
from rahdari.operate import Event, VirtualClock
from rahdari.operate.alarms import alarm_key
from rahdari.operate.app import options_of
from rahdari.operate.notify import KEY_HEADER, Channel
from rahdari.operate.poll import Device, Interface
from rahdari.operate.wire.access import Access
from rahdari.operate.wire.mapping import AlarmTypes, Mapper

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rahdari.operate.app import App

NETWORK = {
    "sites": ["G", "A", "B"], "gateways": ["G"],
    "cells": {"C1": {"parent": "A", "customers": 1200}, "C2": {"parent": "B", "customers": 30_000}},
    "links": {
        "L1": {"a": "G", "b": "A", "medium": "fibre", "ducts": ["D1"]},
        "L2": {"a": "G", "b": "B", "medium": "fibre", "ducts": ["D2"]},
    },
    "battery_h": 4.0,
}  # fmt: skip
START_S = 1_000_000.0


def event(
    seq: int, resource: str, kind: str, severity: str = "critical", at_s: float = START_S, **fields: str
) -> Event:
    return Event(source="nms", seq=seq, at_s=at_s, resource=resource, type=kind, severity=severity, fields=fields)


def cut(
    first: int, link: str, far: str, cell: str, severity: str = "critical", *, at_s: float = START_S
) -> list[Event]:
    """Return what a cut of the link to a site tells."""
    return [
        event(first, f"{link}:G-port", "LOS", severity, at_s), event(first + 1, far, "unreachable", severity, at_s + 2),
        event(first + 2, cell, "unreachable", severity, at_s + 5),
    ]  # fmt: skip


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'live.db'}"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START_S + 60.0)


@pytest.fixture
def app(url: str, clock: VirtualClock) -> Iterator[App]:
    made = operate.App(NETWORK, url, clock=clock).start()
    yield made
    if made.is_running:
        made.stop()


def roots(app: App) -> list[tuple[str, int, bool]]:
    return [(each.root.object, each.customers_without_service, each.is_open) for each in operate.incidents(app)]


def test_alarms_become_one_incident_with_its_cause_and_customers(app: App) -> None:
    done = operate.ingest(app, cut(1, "L2", "B", "C2"))
    assert (done.n_new, done.n_duplicate) == (3, 0)
    assert app.wait_idle()
    assert [(name, n) for name, n, _ in roots(app)] in ([("D2", 30_000)], [("L2", 30_000)])


def test_the_same_events_again_change_nothing(app: App) -> None:
    operate.ingest(app, cut(1, "L2", "B", "C2"))
    assert app.wait_idle()
    before = (app.position, operate.incidents(app))
    assert operate.ingest(app, cut(1, "L2", "B", "C2")).n_duplicate == 3
    assert app.wait_idle()
    assert (app.position, operate.incidents(app)) == before


def test_clears_close_the_incident(app: App, clock: VirtualClock) -> None:
    operate.ingest(app, cut(1, "L1", "A", "C1"))
    clock.advance(600.0)
    operate.ingest(app, cut(4, "L1", "A", "C1", "cleared", at_s=START_S + 500.0))
    assert app.wait_idle()
    assert [is_open for *_, is_open in roots(app)] == [False]


def test_a_restart_resumes_alarms_incidents_and_what_operators_did(app: App, url: str, clock: VirtualClock) -> None:
    operate.ingest(app, cut(1, "L2", "B", "C2"))
    assert app.wait_idle()
    name = operate.incidents(app)[0].incident_id
    app.operator("Aisha", "operatorState", name, action="ack", alarm_type="incident", note="crew on its way")
    assert app.wait_idle()
    before, alarms = operate.incidents(app), app.alarms()
    app.stop()
    again = operate.App(NETWORK, url, clock=clock).start()
    try:
        assert again.wait_idle()
        assert operate.incidents(again) == before
        assert again.alarms() == alarms
        kept = again.alarm(alarm_key(name, "incident"))
        assert kept is not None
        assert (kept.operator_state, kept.operator, kept.operator_note) == ("ack", "Aisha", "crew on its way")
        assert again.next_seq() > app.next_seq() - 1
    finally:
        again.stop()


def test_an_incident_that_was_never_saved_is_thought_through_after_a_crash(url: str, clock: VirtualClock) -> None:
    from rahdari.operate.alarms import AlarmBook
    from rahdari.operate.journal import open_journal

    journal = open_journal(url)
    journal.append(cut(1, "L2", "B", "C2"), START_S, AlarmBook().folded)  # stored, and then the power went
    journal.close()
    app = operate.App(NETWORK, url, clock=clock).start()
    try:
        assert app.wait_idle()
        assert [n for _, n, _ in roots(app)] == [30_000]
        assert app.journal.incidents()
    finally:
        app.stop()


def test_planned_work_is_known_again_after_a_restart_and_keeps_its_incident_quiet(
    app: App, url: str, clock: VirtualClock, tmp_path: Path
) -> None:
    window = {"action": "opened", "object": "L2", "from_s": str(START_S - 10), "to_s": str(START_S + 3600)}
    app.operator("Aisha", "maintenance", "L2", **window)
    app.stop()
    channel = Channel("file", "file", path=tmp_path / "notices.jsonl")
    again = operate.App(NETWORK, url, clock=clock, channels=[channel]).start()
    try:
        operate.ingest(again, cut(1, "L2", "B", "C2"))
        assert again.wait_idle()
        assert [each.in_maintenance for each in operate.incidents(again)] == [True]
        assert not (tmp_path / "notices.jsonl").exists()
        clock.advance(4000.0)
        deadline = time.monotonic() + 30.0
        while not (tmp_path / "notices.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert "overrun" in (tmp_path / "notices.jsonl").read_text(encoding="utf-8")
    finally:
        again.stop()


def test_an_action_sent_twice_with_one_key_counts_once(app: App) -> None:
    for expected in (1, 0):
        done = app.operator("Aisha", "operatorState", "C1", key="request-1", action="note", note="seen")
        assert done.n_new == expected
    with pytest.raises(InputError, match="name"):
        app.operator("  ", "operatorState", "C1", action="ack")


def test_a_fault_of_the_reasoner_stops_no_events_and_the_next_turn_thinks_anew(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = app.reasoner

    def fails(*_: object) -> list[object]:
        raise RuntimeError("reasoning is out of order")

    monkeypatch.setattr(broken, "update", fails)
    assert operate.ingest(app, cut(1, "L2", "B", "C2")).n_new == 3
    deadline = time.monotonic() + 30.0
    while not app.failures and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "out of order" in app.failures[0]
    assert app.reasoner is not broken
    operate.ingest(app, [event(9, "A:door", "doorOpen", "minor")])
    assert app.wait_idle()
    assert (30_000 in [n for _, n, _ in roots(app)], bool(caplog.records)) == (True, True)


def test_a_subscriber_is_told_of_changes_and_a_full_queue_harms_nobody(app: App) -> None:
    waiting: queue.Queue[int] = queue.Queue(maxsize=1)
    end = app.subscribe(waiting)
    for k in range(5):
        operate.ingest(app, [event(k, "A:door", "doorOpen", "minor", START_S + k)])
    assert app.wait_idle()
    assert waiting.get(timeout=10.0) > 0
    end()
    while not waiting.empty():
        waiting.get_nowait()
    operate.ingest(app, [event(9, "A:door", "doorOpen", "minor", START_S + 9)])
    assert app.wait_idle()
    assert waiting.empty()


class _Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.headers[KEY_HEADER], json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[Any]:
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    server.heard, server.answers = [], []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_webhook_hears_of_an_incident_with_one_key_again_until_it_answers(
    url: str,
    clock: VirtualClock,
    hook: Any,  # noqa: ANN401
) -> None:
    hook.answers = [500, 302]
    target = f"http://127.0.0.1:{hook.server_port}/in"
    channel = Channel("desk", "webhook", target, allowed_hosts=("127.0.0.1",))
    app = operate.App(NETWORK, url, clock=clock, channels=[channel]).start()
    try:
        operate.ingest(app, cut(1, "L1", "A", "C1"))
        deadline = time.monotonic() + 60.0
        while len(hook.heard) < 3 and time.monotonic() < deadline:
            clock.advance(10.0)
            time.sleep(0.02)
        assert app.wait_idle()
    finally:
        app.stop()
    by_what: dict[str, set[str]] = {}
    for key, body in hook.heard:
        by_what.setdefault(body["what"], set()).add(key)
    assert set(by_what) == {"opened"}
    assert all(len(keys) == 1 for keys in by_what.values())
    assert len(hook.heard) == 3  # refused twice
    n_heard = len(hook.heard)
    again = operate.App(NETWORK, url, clock=clock, channels=[channel]).start()
    assert again.wait_idle()
    again.stop()
    assert len(hook.heard) == n_heard


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        (Channel("desk", "webhook", "http://evil.example/in", allowed_hosts=("desk.example",)), "not allowed"),
        (Channel("desk", "webhook", "file:///etc/passwd"), "no web address"),
        (Channel("desk", "file"), "no file"),
    ],
)
def test_a_channel_that_may_not_be_is_refused_at_the_start(channel: Channel, words: str) -> None:
    with pytest.raises(InputError, match=words):
        operate.App(NETWORK, "sqlite:///never.db", channels=[channel])


CHILD = """
import sys, time
from rahdari import operate
from tests.operate.test_app import NETWORK, START_S, event
app = operate.App(NETWORK, sys.argv[1]).start()
seq = app.position
while True:
    batch = []
    for number in range(seq + 1, seq + 21):
        severity = "major" if number % 3 else "cleared"
        batch.append(event(number, f"C{1 + number % 2}", "unreachable", severity, START_S + number))
    operate.ingest(app, batch)
    seq += len(batch)
    print(seq, flush=True)
"""


def _killed(url: str, after_s: float, folder: Path) -> int:
    """Return the last number acknowledged by a process that was killed."""
    command = [sys.executable, "-c", CHILD, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(after_s)
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
    return int([first.strip(), *rest][-1])


def test_killed_at_any_moment_the_app_has_every_acknowledged_event_once(
    url: str, clock: VirtualClock, request: pytest.FixtureRequest
) -> None:
    acked = 0
    for after_s in (0.05, 0.21):
        acked = _killed(url, after_s, request.config.rootpath)
    app = operate.App(NETWORK, url, clock=clock).start()
    try:
        assert app.wait_idle()
        stored: Sequence[tuple[int, float, Event]] = app.journal.events(0, 1_000_000)
        seqs = [each.seq for _, _, each in stored]
        assert len(seqs) == len(set(seqs)) == app.journal.counters()["events"]
        assert set(range(1, acked + 1)) <= set(seqs)
    finally:
        app.stop()


def test_lines_over_tcp_are_taken_where_the_app_listens(url: str, clock: VirtualClock) -> None:
    app = operate.App(NETWORK, url, clock=clock, listen=operate.Listen(tcp_port=0)).start()
    try:
        from rahdari.operate.wire.ndjson import encode_lines

        with socket.create_connection(("127.0.0.1", app.ports["tcp"]), timeout=10.0) as link:
            link.sendall(b"".join(encode_lines(cut(1, "L2", "B", "C2"))))
            link.shutdown(socket.SHUT_WR)
            while link.recv(65_536):
                pass
        assert app.wait_idle()
        assert [n for _, n, _ in roots(app)] == [30_000]
    finally:
        app.stop()


def _log_lines(app: App, n: int, word: str) -> None:
    """Send log lines of this machine by UDP and by TCP, in turns, and wait until each is stored."""
    for number in range(n):
        line = f"<131>1 - B app - - - {word} {number}\n".encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(line, ("127.0.0.1", app.ports["syslog_udp"]))
        with socket.create_connection(("127.0.0.1", app.ports["syslog_tcp"]), timeout=10.0) as link:
            link.sendall(line)


def _until(app: App, position: int) -> None:
    deadline = time.monotonic() + 60.0
    while app.position < position and time.monotonic() < deadline:
        time.sleep(0.02)
    assert app.position == position


def test_lines_of_one_host_by_udp_and_tcp_never_share_a_number_also_after_a_restart(
    url: str, clock: VirtualClock
) -> None:
    # The clock stands: whoever gave numbers by the time alone would give them twice.
    for life in (1, 2):
        app = operate.App(NETWORK, url, clock=clock, listen=operate.Listen(syslog_port=0)).start()
        try:
            _log_lines(app, 10, f"life {life}")
            _until(app, 20 * life)
            told = [event.seq for _, _, event in app.journal.events(0, 100)]
        finally:
            app.stop()
    assert len(set(told)) == 40


def test_devices_are_read_at_the_start_and_after_a_loss_for_what_no_trap_told(
    url: str, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"10.0.0.1": False}

    def read(device: Device) -> dict[int, Interface]:
        return {1: Interface(1, "port 1", is_wanted=True, is_up=states[device.address])}

    monkeypatch.setattr("rahdari.operate.poll.read_interfaces", read)
    access = Access(devices=(Device(address="10.0.0.1", community="hidden"),))
    options = options_of(url, clock.now_s, access, Mapper(AlarmTypes.read(), {"10.0.0.1:if1": "L2:G-port"}))
    app = operate.App(NETWORK, url, clock=clock, listen=operate.Listen(syslog_port=0, options=options)).start()
    try:
        _until(app, 1)
        [alarm] = app.alarms()
        assert (alarm.resource, alarm.type, alarm.is_cleared, alarm.is_known) == ("L2:G-port", "linkDown", False, True)
        states["10.0.0.1"] = True
        app.lost(1)
        deadline = time.monotonic() + 60.0
        while app.position < 2 and time.monotonic() < deadline:  # it is not read again within a minute
            clock.advance(60.0)
            time.sleep(0.02)
        assert [alarm.is_cleared for alarm in app.alarms()] == [True]
    finally:
        app.stop()


def test_time_alone_brings_the_forecast_nearer(app: App, clock: VirtualClock) -> None:
    operate.ingest(app, [event(1, "B:rectifier", "mainsFail", "major")])
    assert app.wait_idle()
    [found] = operate.incidents(app)
    assert found.customers_without_service == 0
    assert [(step.at_s, step.n_customers) for step in found.forecast] == [(START_S + 4 * 3600.0, 30_000)]
    assert app.revision > 0
    clock.advance(1.0)


def test_an_unknown_resource_is_kept_and_shown_as_unknown(app: App) -> None:
    operate.ingest(app, [event(1, "<script>alert(1)</script>", "fan", "minor")])
    assert app.wait_idle()
    [alarm] = app.alarms()
    assert (alarm.is_known, alarm.resource) == (False, "<script>alert(1)</script>")
