from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.operate.bus import KafkaBus, LocalBus
from rahdari.operate.collector import Forwarder, Store
from rahdari.operate.journal import JournalError
from rahdari.operate.pipeline import Pipeline
from rahdari.operate.sqlite_journal import SqliteJournal
from rahdari.operate.tcp import TcpListener
from tests.operate.journal_helpers import all_events, check_exact, event, events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TIMEOUT_S = 30.0


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


class Centre:
    """A listener with its journal, that may be stopped and started again on one port."""

    def __init__(self, path: Path) -> None:
        self.journal = SqliteJournal(path)
        self.port = 0
        self.start()

    def start(self) -> None:
        self.pipeline = Pipeline(self.journal)
        self.listener = TcpListener(self.pipeline, port=self.port)
        self.listener.start()
        self.port = self.listener.port

    def stop(self) -> None:
        self.listener.stop()
        self.pipeline.stop()


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    """Return a centre that listens."""
    made = Centre(tmp_path / "live.db")
    yield made
    made.stop()
    made.journal.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty collector's file."""
    made = Store(tmp_path / "collector.db")
    yield made
    made.close()


def test_events_are_forwarded_and_leave_the_disk(centre: Centre, store: Store) -> None:
    forwarder = Forwarder(store, "127.0.0.1", centre.port)
    forwarder.start()
    for first in range(1, 6_001, 500):
        store.append(events(first, first + 499))
    wait_for(lambda: store.n_waiting() == 0)
    forwarder.stop()
    assert [one.seq for one in all_events(centre.journal)] == list(range(1, 6_001))
    assert (store.after(0), store.refused()) == ([], [])


def test_what_the_centre_cannot_take_now_waits_on_the_disk(centre: Centre, store: Store, tmp_path: Path) -> None:
    forwarder = Forwarder(store, "127.0.0.1", centre.port)
    forwarder.start()
    store.append(events(1, 100))
    wait_for(lambda: store.n_waiting() == 0)
    centre.stop()
    store.append(events(101, 200))
    wait_for(lambda: forwarder.problem != "")
    assert store.n_waiting() == 100
    forwarder.stop()
    store.close()
    again = Store(tmp_path / "collector.db")
    assert again.n_waiting() == 100
    centre.start()
    forwarder = Forwarder(again, "127.0.0.1", centre.port)
    forwarder.start()
    wait_for(lambda: again.n_waiting() == 0)
    forwarder.stop()
    again.close()
    assert [one.seq for one in all_events(centre.journal)] == list(range(1, 201))


def test_a_connection_cut_again_and_again_loses_nothing_and_stores_once(centre: Centre, store: Store) -> None:
    cuts = 4
    with socket.create_server(("127.0.0.1", 0)) as between:

        def relay() -> None:
            """Pass lines on; the first connections break when the centre has stored and before it is heard."""
            for n in range(cuts + 1):
                sender, _ = between.accept()
                with sender, socket.create_connection(("127.0.0.1", centre.port)) as onward:
                    if n < cuts:
                        onward.sendall(sender.recv(20_000))
                        wait_for(lambda: centre.journal.position() > 0)
                        continue
                    back = threading.Thread(target=pass_on, args=(onward, sender))
                    back.start()
                    pass_on(sender, onward)
                    back.join()

        def pass_on(source: socket.socket, target: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(65_536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=relay, daemon=True)
        thread.start()
        store.append(events(1, 3_000))
        forwarder = Forwarder(store, "127.0.0.1", between.getsockname()[1])
        forwarder.start()
        wait_for(lambda: store.n_waiting() == 0)
        forwarder.stop()
        thread.join(TIMEOUT_S)
    assert [one.seq for one in all_events(centre.journal)] == list(range(1, 3_001))
    assert centre.journal.counters()["duplicates"] > 0
    check_exact(centre.journal)


def test_an_event_that_the_centre_refuses_is_kept_apart_with_its_reason(centre: Centre, store: Store) -> None:
    store.append([event(1), event(2, resource="r" * 70_000), event(3)])
    forwarder = Forwarder(store, "127.0.0.1", centre.port)
    forwarder.start()
    wait_for(lambda: store.n_waiting() == 0)
    forwarder.stop()
    ((body, error),) = store.refused()
    assert (b'"seq":2' in body, error.startswith("too_long")) == (True, True)
    assert [one.seq for one in all_events(centre.journal)] == [1, 3]


def test_a_collector_takes_events_as_a_pipeline_and_listener_of_its_own(centre: Centre, store: Store) -> None:
    pipeline = Pipeline(store)
    listener = TcpListener(pipeline)
    listener.start()
    forwarder = Forwarder(store, "127.0.0.1", centre.port)
    forwarder.start()
    edge = Store(store.path.with_name("edge.db"))
    edge.append(events(1, 500))
    first = Forwarder(edge, "127.0.0.1", listener.port)
    first.start()
    wait_for(lambda: edge.n_waiting() == 0)
    wait_for(lambda: store.n_waiting() == 0)
    for one in (first, forwarder, listener, pipeline):
        one.stop()  # type: ignore[attr-defined]
    edge.close()
    assert len(all_events(centre.journal)) == 500


def test_a_full_collector_refuses_and_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "small.db", max_waiting=10)
    store.append(events(1, 8))
    with pytest.raises(JournalError, match="8 events wait"):
        store.append(events(9, 12))
    store.forwarded(store.after(0)[-1][0])
    assert store.append(events(9, 12)).n_new == 4
    store.close()


def test_two_processes_cannot_hold_one_collector(store: Store) -> None:
    with pytest.raises(JournalError, match="another process"):
        Store(store.path)


def test_a_journal_is_no_file_of_a_collector(centre: Centre, tmp_path: Path) -> None:
    centre.journal.append([event(1)], 0.0, lambda _new: {})
    centre.journal.close()
    with pytest.raises(JournalError, match="no file of a collector"):
        Store(tmp_path / "live.db")


def test_a_local_bus_gives_events_again_until_they_were_handled() -> None:
    bus, taken = LocalBus(), []
    bus.publish(events(1, 5))

    def fail(_events: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bus.take(fail)
    assert bus.take(taken.extend) == 5
    assert [one.seq for one in taken] == [1, 2, 3, 4, 5]
    assert bus.take(taken.extend, timeout_s=0.0) == 0
    bus.close()


class Kafka:
    """A broker in memory with the calls of confluent-kafka that the bus makes."""

    def __init__(self) -> None:
        self.log: list[tuple[bytes, bytes]] = []
        self.place = self.committed = 0
        self.settings: list[dict] = []
        self.broken: str | None = None

    def Producer(self, settings: dict) -> Kafka:  # noqa: N802 -- the broker's name for it
        self.settings.append(settings)
        return self

    Consumer = Producer

    def TopicPartition(self, topic: str, partition: int, offset: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(topic=topic, partition=partition, offset=offset)

    def produce(self, _topic: str, *, key: bytes, value: bytes, on_delivery: Callable[..., None]) -> None:
        if self.broken is None:
            self.log.append((key, value))
        on_delivery(self.broken, None)

    def flush(self, _timeout_s: float) -> int:
        return 0

    def subscribe(self, _topics: list[str]) -> None:
        self.place = self.committed

    def consume(self, n: int, _timeout_s: float) -> list[SimpleNamespace]:
        first, self.place = self.place, min(self.place + n, len(self.log))
        return [self._message(at) for at in range(first, self.place)]

    def _message(self, at: int) -> SimpleNamespace:
        return SimpleNamespace(
            error=lambda: None, value=lambda: self.log[at][1], topic=lambda: "t", partition=lambda: 0, offset=lambda: at
        )

    def seek(self, place: SimpleNamespace) -> None:
        self.place = place.offset

    def commit(self, *, asynchronous: bool) -> None:
        assert not asynchronous
        self.committed = self.place

    def close(self) -> None:
        pass


def test_the_bus_of_kafka_confirms_by_all_replicas_and_commits_after_the_journal() -> None:
    kafka, taken = Kafka(), []
    bus = KafkaBus("host:9092", "events", kafka=kafka)
    assert kafka.settings[0]["acks"] == "all"
    assert kafka.settings[1]["enable.auto.commit"] is False
    bus.publish([event(1, "a"), event(2, "b")])
    kafka.log.insert(1, (b"x", b"not an event"))
    assert [key for key, _ in kafka.log] == [b"a", b"x", b"b"]

    def fail(_events: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bus.take(fail)
    assert kafka.committed == 0
    assert bus.take(taken.extend) == 2
    assert ([one.seq for one in taken], kafka.committed, bus.n_refused) == ([1, 2], 3, 2)
    kafka.broken = "not enough replicas"
    with pytest.raises(JournalError, match="not enough replicas"):
        bus.publish([event(3)])
    bus.close()


def test_a_missing_kafka_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(InputError, match="pip install confluent-kafka"):
        KafkaBus("host:9092", "events")
