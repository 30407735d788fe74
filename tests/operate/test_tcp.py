from __future__ import annotations

import json
import socket
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from rahdari.errors import InputError
from rahdari.operate.pipeline import Pipeline
from rahdari.operate.sqlite_journal import SqliteJournal
from rahdari.operate.tcp import TcpListener
from rahdari.operate.wire.ndjson import MAX_LINE
from tests.operate.journal_helpers import all_events, check_exact, event, events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rahdari.operate.events import Event

TIMEOUT_S = 30.0
UNTIL_S = 0.01


class World:
    """A journal behind a listener."""

    def __init__(self, path: Path, fold: object = lambda _new: {}) -> None:
        self.journal = SqliteJournal(path)
        self.pipeline = Pipeline(self.journal, fold=fold)  # type: ignore[arg-type]
        self.listener = TcpListener(self.pipeline)
        self.listener.start()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.listener.port), TIMEOUT_S)

    def refused(self, reason: str) -> int:
        return self.listener.counters.get("rahdari_wire_refused_total", reason=reason)

    def stop(self) -> None:
        self.listener.stop()
        self.pipeline.stop()
        self.journal.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "live.db")
    yield made
    made.stop()


def lines(told: Sequence[Event]) -> bytes:
    return b"".join(msgspec.json.encode(one) + b"\n" for one in told)


def answers(one: socket.socket, until_line: int) -> list[dict]:
    """Return what the listener says up to the acknowledgement of a line."""
    found: list[dict] = []
    with one.makefile("rb") as file:
        for line in file:
            found.append(json.loads(line))
            if found[-1].get("ack", 0) >= until_line:
                break
    return found


def test_what_is_acknowledged_is_stored(world: World) -> None:
    with world.connect() as one:
        one.sendall(lines(events(1, 3_000)))
        said = answers(one, 3_000)
    assert said[-1] == {"ack": 3_000}
    assert [stored.seq for stored in all_events(world.journal)] == list(range(1, 3_001))
    check_exact(world.journal)


def test_lines_sent_again_are_acknowledged_and_stored_once(world: World) -> None:
    for _ in range(2):
        with world.connect() as one:
            one.sendall(lines(events(1, 50)))
            answers(one, 50)
    assert (len(all_events(world.journal)), world.journal.counters()["duplicates"]) == (50, 50)


def test_a_bad_line_is_answered_by_itself_and_the_connection_goes_on(world: World) -> None:
    good = msgspec.json.encode(event(1)).decode()
    bad = {
        "not_json": ['{"source": "a', "NaN", "\ufffd{}", '{"at_s": NaN}'],
        "bad_event": ["[1]", "{}", good.replace('"at_s":1.0', '"at_s":1e999'), good.replace('"seq":1', '"seq":"x"')],
        "duplicate_key": [good[:-1] + ',"seq":2}', good.replace('"fields":{}', '"fields":{"a":"1","a":"2"}')],
        "bad_severity": [good.replace("major", "loud")],
        "bad_seq": [good.replace('"seq":1', '"seq":-1'), good.replace('"seq":1', '"seq":9223372036854775808')],
    }
    sent = [line for group in bad.values() for line in group]
    with world.connect() as one:
        one.sendall("\n".join([*sent, "", "  ", good, ""]).encode() + b"\xff\xfe\n")
        said = answers(one, len(sent) + 4)
    errors = {answer["line"]: answer["error"] for answer in said if "error" in answer}
    expected = [reason for reason, group in bad.items() for _ in group]
    assert [errors[number] for number in range(1, len(sent) + 1)] == expected
    assert errors[len(sent) + 4] == "not_json"
    assert [stored.seq for stored in all_events(world.journal)] == [1]
    assert {reason: world.refused(reason) for reason in bad} == {
        reason: len(group) + (reason == "not_json") for reason, group in bad.items()
    }


def test_a_line_of_ten_megabytes_is_refused_before_it_ends_and_its_memory_is_bounded(world: World) -> None:
    largest = 0
    with world.connect() as one:
        one.sendall(lines([event(1)]) + b'{"text": "')
        for _ in range(160):
            one.sendall(b"x" * 65_536)
            largest = max(largest, *(len(each._buffer) for each in tuple(world.listener._connections)), 0)
        one.sendall(b'"}\n' + lines([event(2)]))
        said = answers(one, 3)
    assert [answer["error"] for answer in said if "error" in answer] == ["too_long"]
    assert largest <= MAX_LINE + 2**18
    assert [stored.seq for stored in all_events(world.journal)] == [1, 2]


def test_a_line_in_pieces_is_one_line_and_half_a_line_is_none(world: World) -> None:
    text = lines([event(1)])
    with world.connect() as one:
        for at in range(len(text)):
            one.sendall(text[at : at + 1])
        assert answers(one, 1)[-1] == {"ack": 1}
        one.sendall(text[:20])
    wait_for(lambda: world.refused("half_line") == 1)
    assert len(all_events(world.journal)) == 1


def test_a_sender_that_closes_its_side_is_still_answered(world: World) -> None:
    with world.connect() as one:
        one.sendall(lines(events(1, 2_000)))
        one.shutdown(socket.SHUT_WR)
        with one.makefile("rb") as file:
            said = file.read().splitlines()
    assert json.loads(said[-1]) == {"ack": 2_000}


def test_a_full_disk_is_told_and_the_lines_are_stored_when_there_is_room(world: World) -> None:
    writer = world.journal._writer
    assert writer is not None
    n_pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {n_pages + 2}")
    with world.connect() as one, one.makefile("rb") as file:
        one.sendall(lines(events(1, 1_000)))
        said = json.loads(file.readline())
        assert "free some space" in said["wait"]
        writer.execute("PRAGMA max_page_count = 1000000")
        while json.loads(file.readline()).get("ack") != 1_000:
            pass
    check_exact(world.journal)
    assert len(all_events(world.journal)) == 1_000


def test_an_event_that_cannot_be_folded_is_refused_alone(tmp_path: Path) -> None:
    def fold(new: Sequence[Event]) -> dict:
        if any(one.resource == "poison" for one in new):
            raise ZeroDivisionError
        return {}

    world = World(tmp_path / "live.db", fold)
    with world.connect() as one:
        one.sendall(lines([event(1), event(2), event(3, resource="poison"), event(4)]))
        said = answers(one, 4)
    assert [answer for answer in said if "error" in answer] == [
        {"line": 3, "error": "not_folded", "what": "the event cannot be folded into alarms"}
    ]
    assert [stored.seq for stored in all_events(world.journal)] == [1, 2, 4]
    world.stop()


def test_a_slow_journal_makes_senders_wait_and_loses_nothing(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "live.db")
    pipeline = Pipeline(journal, max_batch=50, max_queued=100, max_wait_s=0.0)
    listener = TcpListener(pipeline)
    listener.start()

    def send(name: str) -> None:
        with socket.create_connection(("127.0.0.1", listener.port), TIMEOUT_S) as one:
            sending = threading.Thread(target=one.sendall, args=(lines(events(1, 1_500, name)),))
            sending.start()
            answers(one, 1_500)
            sending.join()

    threads = [threading.Thread(target=send, args=(f"s{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listener.stop()
    pipeline.stop()
    assert (journal.counters()["events"], listener.n_unacked_bytes) == (4_500, 0)
    check_exact(journal)
    journal.close()


def test_a_stop_answers_what_was_taken(world: World) -> None:
    with world.connect() as one:
        one.sendall(lines(events(1, 100)))
        wait_for(lambda: world.listener.counters.get("rahdari_wire_received_total") > 0)
        world.listener.stop()
        with one.makefile("rb") as file:
            said = [json.loads(line) for line in file.read().splitlines()]
    assert max(answer["ack"] for answer in said) == len(all_events(world.journal)) > 0


def test_a_taken_port_is_told(world: World) -> None:
    with pytest.raises(InputError, match="cannot listen"):
        TcpListener(world.pipeline, port=world.listener.port).start()


def wait_for(condition: object) -> None:
    end_s = time.monotonic() + TIMEOUT_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end_s
        time.sleep(UNTIL_S)
