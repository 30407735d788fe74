"""Listeners on real sockets: what arrives, what is refused, what is lost, what is answered; real programs send."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rahdari.errors import InputError, Problem, RahdariError
from rahdari.operate import udp
from rahdari.operate.counters import Counters
from rahdari.operate.receive import Options
from rahdari.operate.sequencer import Sequencer
from rahdari.operate.udp import Listener
from rahdari.operate.wire import snmp, webhook
from rahdari.operate.wire.access import Access, plain_address, read_access
from rahdari.operate.wire.mapping import AlarmTypes, Mapper
from rahdari.operate.wire.snmp_keys import User
from rahdari.operate.wire.snmp_v3 import Usm
from tests.helpers.wire import DEADLINE_S, IF_INDEX, LINK_DOWN, Arrivals, inform, trap, trap_bindings, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rahdari.operate.events import Event
    from rahdari.operate.udp import Kind

WORDS = "authpass12345"
USERS = (
    User(name="ops", auth="sha256", auth_password=WORDS, privacy="aes128", privacy_password=WORDS),
    User(name="old", auth="md5", auth_password=WORDS, privacy="des", privacy_password=WORDS),
)
ACCESS = Access(communities=("public",), users=USERS)
REFUSED = "rahdari_wire_refused_total"
SNMPTRAP, LOGGER = shutil.which("snmptrap"), shutil.which("logger")
ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
needs_snmptrap = pytest.mark.skipif(SNMPTRAP is None, reason="snmptrap is absent")
needs_logger = pytest.mark.skipif(LOGGER is None, reason="logger is absent")
needs_alertmanager = pytest.mark.skipif(ALERTMANAGER is None, reason="prometheus-alertmanager is absent")


class Heard:
    """A listener, its counters and where its events arrive."""

    def __init__(self, kind: Kind, arrivals: Arrivals, **given: Any) -> None:  # noqa: ANN401 -- passed on
        self.counters, self.arrivals = Counters(), arrivals
        given.setdefault("options", Options(access=ACCESS))
        self.listener = Listener(kind, "127.0.0.1", 0, given.pop("submit", arrivals.submit), self.counters, **given)

    def refused(self, reason: str) -> int:
        return self.counters.get(REFUSED, reason=reason)


@contextmanager
def heard(kind: Kind, arrivals: Arrivals | None = None, **given: Any) -> Iterator[tuple[Heard, int]]:  # noqa: ANN401
    one = Heard(kind, arrivals or Arrivals(), **given)
    one.listener.start()
    try:
        yield one, one.listener.address[1]
    finally:
        one.listener.stop()


@contextmanager
def sender(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.connect(("127.0.0.1", port))
        opened.settimeout(DEADLINE_S)
        yield opened


def test_a_trap_arrives_and_what_is_refused_is_counted_by_its_reason() -> None:
    with heard("snmp") as (one, port), sender(port) as send:
        for data in (trap(community=b"guess"), b"\x30\x80", trap()[:-3], b"", trap()):
            send.send(data)
        (event,) = one.arrivals.wait(1)
        assert (event.source, event.type) == ("snmp:127.0.0.1", "linkDown")
        until(lambda: one.counters.get("rahdari_wire_received_total") == 5)
        assert (one.refused("community"), one.refused("bad_length"), one.refused("truncated")) == (1, 1, 2)
        assert 'rahdari_wire_refused_total{listener="snmp",reason="community"} 1' in one.counters.prometheus()


def test_what_proves_nothing_of_its_sender_is_refused_from_networks_that_are_not_listed() -> None:
    far = Options(access=Access(communities=("public",), users=USERS, networks=("192.0.2.0/24",)))
    with heard("snmp", options=far) as (one, port), sender(port) as send:
        send.send(trap())
        until(lambda: one.refused("network") == 1)
    with heard("syslog_udp", options=far) as (one, port), sender(port) as send:
        send.send(b"<13>x: y")
        until(lambda: one.refused("network") == 1)
    with heard("syslog_tcp", options=far) as (one, port), socket.create_connection(("127.0.0.1", port)) as send:
        send.settimeout(DEADLINE_S)
        assert send.recv(1) == b""
        until(lambda: one.refused("network") == 1)


def test_no_community_is_known_unless_it_is_configured() -> None:
    with heard("snmp", options=Options()) as (one, port), sender(port) as send:
        send.send(trap())
        until(lambda: one.refused("community") == 1)


def test_an_inform_is_answered_only_when_its_event_is_stored_and_makes_one_event() -> None:
    with heard("snmp", Arrivals(is_waiting=True)) as (one, port), sender(port) as send:
        send.send(inform(5))
        one.arrivals.wait(1)
        send.send(inform(5))
        until(lambda: one.counters.get("rahdari_wire_duplicates_total") == 1)
        send.setblocking(False)
        with pytest.raises(BlockingIOError):
            send.recv(2000)
        send.settimeout(DEADLINE_S)
        one.arrivals.answers[0].set_result(1)
        assert send.recv(2000) == snmp.response(snmp.decode(inform(5)))
        send.send(inform(5))
        assert send.recv(2000) == snmp.response(snmp.decode(inform(5)))
        assert len(one.arrivals.events) == 1


def test_an_inform_that_could_not_be_stored_is_a_new_try_when_it_comes_again() -> None:
    with heard("snmp", Arrivals(is_waiting=True)) as (one, port), sender(port) as send:
        send.send(inform(5))
        one.arrivals.wait(1)
        one.arrivals.answers[0].set_exception(RahdariError(Problem("the disk is full", "free some space")))
        until(lambda: one.refused("not_stored") == 1)
        send.send(inform(5))
        first, second = one.arrivals.wait(2)
        assert first.seq != second.seq
        one.arrivals.answers[1].set_result(1)
        assert send.recv(2000)


def test_events_that_a_full_pipeline_refuses_are_counted_and_told_as_lost() -> None:
    def refuse(_: Sequence[Event]) -> object:
        raise RahdariError(Problem("too many wait", "wait"))

    lost: list[int] = []
    with heard("snmp", submit=refuse, on_loss=lost.append) as (one, port), sender(port) as send:
        send.send(trap())
        until(lambda: one.refused("not_stored") == 1)
        until(lambda: lost == [1])


def test_a_clock_that_is_set_shuts_no_device_out() -> None:
    clock = [1_800_000_000.0]
    device = Usm(USERS, clock[0] - 50.0, "device")
    with heard("snmp", now_s=lambda: clock[0]) as (one, port), sender(port) as send:
        for number, step_s in enumerate((0.0, 3600.0, -7200.0)):
            clock[0] += step_s
            body = device.scope(snmp.encode_pdu(snmp.TRAP_V2, number, trap_bindings()))
            send.send(device.seal(number, USERS[0], 3, body, 1_800_000_000.0 + number))
            assert one.arrivals.wait(number + 1)[-1].at_s == clock[0]
        numbers = [event.seq for event in one.arrivals.events]
        assert numbers == sorted(set(numbers))


@pytest.mark.skipif(not Path("/proc/net/udp").exists(), reason="the system does not tell what it dropped")
def test_datagrams_that_the_system_dropped_are_counted_and_told_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(udp, "RECEIVE_BUFFER", 4096)
    gate, n_sent, lost = threading.Event(), 2000, []
    arrivals = Arrivals()

    def held(events: Sequence[Event]) -> object:
        gate.wait(DEADLINE_S)
        return arrivals.submit(events)

    with heard("snmp", arrivals, submit=held, on_loss=lost.append) as (one, port), sender(port) as send:
        for number in range(n_sent):
            send.send(trap(number=number))
        gate.set()

        def is_all_told() -> bool:
            dropped = one.counters.get("rahdari_wire_kernel_drops_total")
            return dropped > 0 and one.counters.get("rahdari_wire_received_total") + dropped == n_sent

        until(is_all_told)
        assert sum(lost) == one.counters.get("rahdari_wire_kernel_drops_total")


def test_a_listener_that_stops_hands_on_what_it_received_and_frees_its_port() -> None:
    arrivals = Arrivals()
    with heard("snmp", arrivals) as (one, port), sender(port) as send:
        for number in range(300):
            send.send(trap(number=number))
        one.listener.stop()
        assert len(arrivals.events) == 300
        again = Listener("snmp", "127.0.0.1", port, arrivals.submit, Counters())
        again.start()
        with pytest.raises(InputError, match="cannot listen"):
            Listener("snmp", "127.0.0.1", port, arrivals.submit, Counters()).start()
        again.stop()


def test_a_bug_while_one_datagram_is_taken_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with heard("snmp") as (one, port), sender(port) as send:
        take = one.listener._receiver.take
        monkeypatch.setattr(one.listener._receiver, "take", lambda *_: 1 / 0)
        send.send(trap())
        until(lambda: one.refused("internal") == 1)
        monkeypatch.setattr(one.listener._receiver, "take", take)
        send.send(trap())
        one.arrivals.wait(1)


def test_lines_on_a_stream_arrive_in_either_framing_and_after_one_that_is_too_long() -> None:
    with heard("syslog_tcp") as (one, port), socket.create_connection(("127.0.0.1", port)) as send:
        counted = "<11>1 - A1 bts - CELLDOWN - لاہور".encode()
        send.sendall(
            str(len(counted)).encode() + b" " + counted + b"<13>one: line\n<" + b"x" * 200_000 + b"\n<13>two: li"
        )
        send.sendall(b"ne\n<13>last: line")
        send.shutdown(socket.SHUT_WR)
        events = one.arrivals.wait(4)
        assert [event.type for event in events] == ["CELLDOWN", "one", "two", "last"]
        assert (events[0].resource, events[0].text, events[0].severity) == ("A1", "لاہور", "minor")
        assert one.refused("too_long") == 1


def test_no_number_is_given_twice_across_restarts_and_clocks_set_back(tmp_path: Path) -> None:
    path, clock = tmp_path / "numbers", [1_800_000_000.0]
    given: list[int] = []
    for step_s in (0.0, 30.0, -3600.0, -5.0, 7200.0):
        clock[0] += step_s
        one = Sequencer(path, lambda: clock[0])
        given += [one.next() for _ in range(100)]
    assert given == sorted(set(given))
    assert given[-1] < 2**53
    path.write_text("", encoding="ascii")
    with pytest.raises(InputError, match="no number"):
        Sequencer(path)


def test_an_event_that_can_get_no_number_is_refused_counted_and_told_as_lost(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    options, lost = Options(access=ACCESS, sequencer=Sequencer(folder / "numbers")), []
    folder.write_text("a file where a folder is needed", encoding="utf-8")
    with heard("snmp", options=options, on_loss=lost.append) as (one, port), sender(port) as send:
        send.send(inform(5))
        until(lambda: one.refused("not_stored") == 1)
        folder.unlink()
        send.send(inform(5))
        one.arrivals.wait(1)
        assert send.recv(2000)
        assert lost == [1]


def test_who_may_send_is_read_from_a_file_only_its_owner_can_read(tmp_path: Path) -> None:
    path = tmp_path / "access.toml"
    user = f'[[users]]\nname = "ops"\nauth = "sha256"\nauth_password = "{WORDS}"\n'
    path.write_text('communities = ["c1"]\nnetworks = ["10.0.0.0/8"]\n' + user, encoding="utf-8")
    path.chmod(0o640)
    with pytest.raises(InputError, match="others can read"):
        read_access(path)
    path.chmod(0o600)
    access = read_access(path)
    assert access.allows("10.2.3.4")
    assert access.allows("::ffff:10.2.3.4")
    assert not access.allows("11.0.0.1")
    assert (access.knows(b"c1"), access.knows(b"c2")) == (True, False)
    assert "c1" not in repr(access)
    for text in ('networks = ["10.0.0.1/8"]', "users = 3", "not toml", '[[users]]\nname = "u"\nprivacy = "des"'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError):
            read_access(path)
    assert plain_address("fe80::1%eth0") == "fe80::1"


def snmptrap(port: int, *words: str, old: bool = False) -> subprocess.CompletedProcess[str]:
    enterprise = ["1.3.6.1.4.1.32473.1", "10.20.30.40", "2", "0", "555"] if old else ["42", LINK_DOWN]
    command = [str(SNMPTRAP), *words, f"127.0.0.1:{port}", *enterprise, IF_INDEX, "i", "7"]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_S)


def secured(user: str, auth: str = "SHA-256", privacy: str = "AES", words: str = WORDS) -> list[str]:
    return ["-u", user, "-l", "authPriv", "-a", auth, "-A", words, "-x", privacy, "-X", words]


@pytest.mark.wire
@needs_snmptrap
def test_traps_of_a_real_program_arrive_in_every_version() -> None:
    engine = ["-v3", "-e", "0x8000000001020304"]
    with heard("snmp") as (one, port):
        snmptrap(port, "-v1", "-c", "public", old=True)
        snmptrap(port, "-v2c", "-c", "public")
        snmptrap(port, *engine, *secured("ops"))
        snmptrap(port, *engine, *secured("old", "MD5", "DES"))
        events = one.arrivals.wait(4)
        assert [event.fields["version"] for event in events] == ["1", "2c", "3", "3"]
        assert {event.type for event in events} == {"linkDown"}
        assert [event.resource for event in events] == ["10.20.30.40:if7", *["127.0.0.1:if7"] * 3]
        snmptrap(port, *engine, *secured("ops", words=WORDS[::-1]))
        snmptrap(port, *engine, *secured("nobody"))
        snmptrap(port, "-v2c", "-c", "private")
        until(lambda: one.refused("wrong_digest") == one.refused("unknown_user") == one.refused("community") == 1)
        assert len(one.arrivals.events) == 4


@pytest.mark.wire
@needs_snmptrap
def test_informs_of_a_real_program_are_acknowledged() -> None:
    with heard("snmp") as (one, port):
        for words in (["-v2c", "-c", "public"], ["-v3", *secured("ops")]):
            done = snmptrap(port, "-Ci", "-r", "1", "-t", "5", *words)
            assert (done.returncode, "Timeout" in done.stderr) == (0, False)
        assert [event.fields["version"] for event in one.arrivals.wait(2)] == ["2c", "3"]
        assert one.counters.get("rahdari_wire_acknowledged_total") == 2


@pytest.mark.wire
@needs_logger
@pytest.mark.parametrize("kind", ["syslog_udp", "syslog_tcp"])
def test_lines_of_a_real_program_arrive_in_every_format(kind: Kind) -> None:
    way = ["-d"] if kind == "syslog_udp" else ["-T"]
    formats = [["--rfc3164"], ["--rfc5424", "--msgid", "CELLDOWN", "--sd-id", "x@32473", "--sd-param", 'site="KHI"']]
    formats += [["--rfc5424=notq", "--octet-count"]] if kind == "syslog_tcp" else []
    with heard(kind) as (one, port):
        for words in formats:
            command = [str(LOGGER), "-n", "127.0.0.1", "-P", str(port), *way, "-p", "local4.err", "-t", "bts", *words]
            subprocess.run([*command, "فائبر کٹ"], check=True, timeout=DEADLINE_S)
        events = one.arrivals.wait(len(formats))
        assert {(event.text, event.severity, event.fields["app"]) for event in events} == {("فائبر کٹ", "minor", "bts")}
        by_format = {event.fields["format"]: event for event in events[:2]}
        assert by_format["rfc5424"].fields["x@32473.site"] == "KHI"
        assert by_format["rfc5424"].type == "CELLDOWN"
        assert abs(by_format["rfc3164"].at_s - by_format["rfc5424"].at_s) < 60.0


class Hook(BaseHTTPRequestHandler):
    """Keeps the bodies that are posted."""

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(content)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def hook() -> Iterator[tuple[int, list[bytes]]]:
    server = HTTPServer(("127.0.0.1", 0), Hook)
    bodies: list[bytes] = []
    server.bodies = bodies
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], bodies
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def is_posted(port: int, alerts: list[dict[str, Any]]) -> bool:
    url, kind = f"http://127.0.0.1:{port}/api/v2/alerts", {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(alerts).encode(), kind)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:  # noqa: S310 -- our own address
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.wire
@needs_alertmanager
def test_an_alert_of_a_real_alertmanager_raises_and_clears_one_alarm(tmp_path: Path) -> None:
    labels = {"alertname": "SiteDown", "severity": "critical", "site": "KHI-00003"}
    fired = {"labels": labels, "annotations": {"summary": "<b>لاہور</b>"}, "startsAt": "2026-11-22T10:00:00Z"}
    with hook() as (hook_port, bodies), socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        route = "route: {receiver: us, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
        receiver = f"receivers: [{{name: us, webhook_configs: [{{url: 'http://127.0.0.1:{hook_port}/'}}]}}]\n"
        (tmp_path / "am.yml").write_text(route + receiver, encoding="utf-8")
        command = [str(ALERTMANAGER), f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path / 'data'}"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
            try:
                until(lambda: is_posted(port, [fired]))
                until(lambda: bodies)
                assert is_posted(port, [fired | {"endsAt": "2026-11-22T11:00:00Z"}])
                until(lambda: any(b'"resolved"' in one for one in bodies))
            finally:
                program.terminate()
    mapper = Mapper(AlarmTypes.read())
    events = [event for one in bodies for event in webhook.alertmanager(one, mapper).events]
    assert {(event.resource, event.type, event.text) for event in events} == {("KHI-00003", "SiteDown", "<b>لاہور</b>")}
    assert (events[0].severity, events[-1].severity) == ("critical", "cleared")
    assert events[0].qualifier == events[-1].qualifier
