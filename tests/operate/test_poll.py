"""Resynchronisation by poll: what traps failed to tell becomes events, from a made agent and from a real one."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.operate.alarms import AlarmBook
from rahdari.operate.counters import Counters
from rahdari.operate.poll import Device, Interface, differences, read_interfaces, resynchronise
from rahdari.operate.receive import Options
from rahdari.operate.wire import ber, snmp
from rahdari.operate.wire.mapping import AlarmTypes, Mapper, trap_event
from rahdari.operate.wire.snmp_keys import User
from tests.helpers.wire import LINK_DOWN, Arrivals, trap, until

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRY = "1.3.6.1.2.1.2.2.1"
NAME, ADMIN, OPER = 2, 7, 8
UP, DOWN, TESTING = 1, 2, 3
NOW_S = 1_800_000_000.0
WORDS = "authpass12345"
SNMPD = next((path for path in ("/usr/sbin/snmpd", shutil.which("snmpd")) if path and Path(path).exists()), None)
OPTIONS = Options(mapper=Mapper(AlarmTypes.read(), {"10.0.0.1": "A1"}))


def rows(*states: tuple[int, int]) -> dict[tuple[int, ...], snmp.Binding]:
    """Return the bindings of a table of interfaces 1, 2, … of (admin, oper) states, by object identifier."""
    table: dict[tuple[int, ...], snmp.Binding] = {}
    for index, (admin, oper) in enumerate(states, start=1):
        for column, tag, held in (
            (NAME, ber.OCTETS, f"port {index}".encode()), (ADMIN, ber.INTEGER, admin), (OPER, ber.INTEGER, oper),
        ):  # fmt: skip
            oid = f"{ENTRY}.{column}.{index}"
            table[tuple(map(int, oid.split(".")))] = (oid, tag, held)
    return dict(sorted(table.items()))


def answer(data: bytes, table: dict[tuple[int, ...], snmp.Binding]) -> bytes:
    """Return the answer of an agent to GETNEXT and GETBULK of one name."""
    _, at, stop = snmp.version_of(data)
    community, at = ber.octets(data, at, stop)
    _, at, stop = ber.head(data, at, stop)
    request_id, at = ber.integer(data, at, stop)
    _, at = ber.integer(data, at, stop)
    n, at = ber.integer(data, at, stop)
    (asked, _, _), *_ = snmp.bindings_of(data, at, stop)
    after = [binding for key, binding in table.items() if key > tuple(map(int, asked.split(".")))]
    told = after[: max(n, 1)] or [(asked, ber.END_OF_VIEW, None)]
    return snmp.encode_v2c(community, snmp.RESPONSE, request_id, told)


@contextmanager
def agent(*states: tuple[int, int]) -> Iterator[int]:
    """Yield the port of an agent that answers with a table of interfaces."""
    table, stopping = rows(*states), threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(0.05)

        def serve() -> None:
            while not stopping.is_set():
                try:
                    data, peer = opened.recvfrom(65_535)
                except TimeoutError:
                    continue
                opened.sendto(answer(data, table), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield opened.getsockname()[1]
        finally:
            stopping.set()
            thread.join()


def test_only_what_differs_becomes_an_event_and_doubt_changes_nothing() -> None:
    states = {1: (True, True), 2: (True, False), 3: (True, False), 4: (True, True), 5: (False, False), 6: (True, None)}
    interfaces = [Interface(index, f"port {index}", *state) for index, state in states.items()]
    open_down = {"A1:if3", "A1:if4", "A1:if5", "A1:if6"}
    events = differences("10.0.0.1", interfaces, open_down, NOW_S, OPTIONS)
    assert [(event.resource, event.severity) for event in events] == [
        ("A1:if2", "major"), ("A1:if4", "cleared"), ("A1:if5", "cleared"),
    ]  # fmt: skip
    assert {(event.source, event.type, event.at_s) for event in events} == {("snmp:10.0.0.1", "linkDown", NOW_S)}
    assert len({event.seq for event in events}) == 3


def test_lost_traps_are_made_good_and_a_second_poll_finds_nothing() -> None:
    book, arrivals, counters = AlarmBook(), Arrivals(), Counters()
    told = trap((f"{ENTRY}.1.1", ber.INTEGER, 1), trap_oid=LINK_DOWN)
    first = trap_event(snmp.decode(told), "127.0.0.1", NOW_S, 1, OPTIONS.mapper)
    book.accept(book.folded([first]))
    with agent((UP, UP), (UP, DOWN), (UP, UP), (UP, TESTING)) as port:
        device = Device(address="127.0.0.1", port=port, community="public", timeout_s=2.0)
        for n_expected in (2, 2):
            given = {"counters": counters, "options": OPTIONS, "now_s": lambda: NOW_S + 60.0}
            open_alarms = list(book.alarms.values())
            assert resynchronise([device], open_alarms, arrivals.submit, **given) == {"127.0.0.1": ""}
            assert len(arrivals.events) == n_expected
            book.accept(book.folded(arrivals.events))
    assert [(event.resource, event.severity, event.text) for event in arrivals.events] == [
        ("127.0.0.1:if1", "cleared", "port 1"), ("127.0.0.1:if2", "major", "port 2"),
    ]  # fmt: skip
    assert counters.get("rahdari_poll_missing_total", kind="raise") == 1
    assert counters.get("rahdari_poll_total", outcome="read") == 2


def test_a_device_that_does_not_answer_changes_nothing_and_is_told() -> None:
    counters, arrivals = Counters(), Arrivals()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        device = Device(address="127.0.0.1", port=silent.getsockname()[1], community="public", timeout_s=0.2)
        wrong = resynchronise([device], [], arrivals.submit, counters=counters, options=OPTIONS)
    assert wrong["127.0.0.1"]
    assert (arrivals.events, counters.get("rahdari_poll_total", outcome="failed")) == ([], 1)


def test_a_device_needs_a_way_in_and_never_shows_it() -> None:
    with pytest.raises(InputError, match="neither"):
        Device(address="10.0.0.1")
    assert "hidden" not in repr(Device(address="10.0.0.1", community="hidden"))


@contextmanager
def snmpd(folder: Path, port: int) -> Iterator[None]:
    """Run a real agent with a community and a user of version 3 until the end of the block."""
    config = folder / "snmpd.conf"
    config.write_text(
        f"rocommunity public 127.0.0.1\ncreateUser ops SHA-256 {WORDS} AES {WORDS}\nrouser ops priv\n", encoding="utf-8"
    )
    command = [str(SNMPD), "-C", "-c", str(config), "-f", "-Ln", "-p", str(folder / "pid"), f"udp:127.0.0.1:{port}"]
    with subprocess.Popen(command, env={"SNMP_PERSISTENT_DIR": str(folder)}, stderr=subprocess.DEVNULL) as program:
        try:
            yield
        finally:
            program.terminate()


@pytest.mark.wire
@pytest.mark.skipif(SNMPD is None, reason="snmpd is absent")
def test_a_real_agent_is_read_by_community_and_as_a_user(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = User(name="ops", auth="sha256", auth_password=WORDS, privacy="aes128", privacy_password=WORDS)
    wrong = User(name="ops", auth="sha256", auth_password="x" * 9, privacy="aes128", privacy_password=WORDS)
    asked = Device(address="127.0.0.1", port=port, community="public", timeout_s=1.0)

    def is_up() -> bool:
        return resynchronise([asked], [], list, counters=Counters(), options=OPTIONS) == {"127.0.0.1": ""}

    with snmpd(tmp_path, port):
        until(is_up)
        by_community, by_user = (
            read_interfaces(asked),
            read_interfaces(Device(address="127.0.0.1", port=port, user=user)),
        )
        assert by_community == by_user
        assert "lo" in {interface.name for interface in by_user.values() if interface.is_up}
        refused = Device(address="127.0.0.1", port=port, user=wrong, timeout_s=1.0)
        told = resynchronise([refused], [], list, counters=Counters(), options=OPTIONS)
        assert told["127.0.0.1"]
