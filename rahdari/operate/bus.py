"""An optional bus between collectors and the journal; the journal stays the truth, and a bus may deliver twice.

An event is published durably before its collector is answered, and a consumer's place moves on only when the journal
has the events.
"""

from __future__ import annotations

import threading
from collections import deque
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from rahdari.errors import InputError, Problem
from rahdari.operate.journal import JournalError
from rahdari.operate.wire import DecodeError
from rahdari.operate.wire.ndjson import decode_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rahdari.operate.events import Event

MAX_TAKEN, POLL_S, FLUSH_S = 2_000, 0.5, 30.0
ENCODE = msgspec.json.Encoder().encode


class Bus(Protocol):
    """What carries events from many processes to the one that writes the journal."""

    def publish(self, events: Sequence[Event]) -> None:
        """Return when the bus has the events durably; :class:`JournalError` where it has not."""
        ...

    def take(self, handle: Callable[[Sequence[Event]], None], timeout_s: float = POLL_S) -> int:
        """Hand on the next events and return how many; they are taken off when ``handle`` has returned.

        Where it raises, they come again.
        """
        ...

    def close(self) -> None:
        """Let go of the bus."""
        ...


class LocalBus:
    """A bus within one process, for tests and for one machine; what it holds ends with the process."""

    def __init__(self) -> None:
        """Start empty."""
        self._events: deque[Event] = deque()
        self._changed, self._taking = threading.Condition(), threading.Lock()

    def publish(self, events: Sequence[Event]) -> None:
        """Take events."""
        with self._changed:
            self._events.extend(events)
            self._changed.notify_all()

    def take(self, handle: Callable[[Sequence[Event]], None], timeout_s: float = POLL_S) -> int:
        """Hand on the next events; see :class:`Bus`."""
        with self._taking:  # one at a time: who takes the same events twice would drop others
            with self._changed:
                self._changed.wait_for(lambda: self._events, timeout_s)
                taken = [self._events[at] for at in range(min(len(self._events), MAX_TAKEN))]
            if taken:
                handle(taken)
            with self._changed:
                for _ in taken:
                    self._events.popleft()
            return len(taken)

    def close(self) -> None:
        """Do nothing."""


class KafkaBus:
    """A topic of Kafka or Redpanda: every in-sync replica has an event before it counts as published.

    Events of one source stay in order.  Set ``min.insync.replicas`` of the topic to 2 or more.
    """

    def __init__(self, servers: str, topic: str, *, group: str = "rahdari", kafka: Any = None) -> None:  # noqa: ANN401
        """Connect to ``servers`` (``host:port,host:port``); :class:`InputError` without confluent-kafka."""
        self._kafka, self._topic = kafka or _confluent_kafka(), topic
        self.n_refused = 0
        common = {"bootstrap.servers": servers}
        self._producer = self._kafka.Producer(common | {"acks": "all", "enable.idempotence": True})
        self._consumer = self._kafka.Consumer(
            common | {"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        )
        self._is_subscribed = False

    def publish(self, events: Sequence[Event]) -> None:
        """Return when every in-sync replica has the events."""
        failed: list[str] = []

        def delivered(error: object, _message: object) -> None:
            if error is not None:
                failed.append(str(error))

        for event in events:
            key, value = event.source.encode(), ENCODE(event)
            self._producer.produce(self._topic, key=key, value=value, on_delivery=delivered)
        n_left = self._producer.flush(FLUSH_S)
        if failed or n_left:
            words = failed[0] if failed else f"{n_left} events were not confirmed in {FLUSH_S:.0f} s"
            raise JournalError(Problem(f"the bus did not take them: {words}", "publish them again", self._topic))

    def take(self, handle: Callable[[Sequence[Event]], None], timeout_s: float = POLL_S) -> int:
        """Hand on the next events; the group's place moves on when ``handle`` has returned."""
        if not self._is_subscribed:
            self._consumer.subscribe([self._topic])
            self._is_subscribed = True
        messages = self._consumer.consume(MAX_TAKEN, timeout_s)
        for message in messages:
            if message.error() is not None:
                raise JournalError(Problem(f"the bus: {message.error()}", "see that its servers run", self._topic))
        events = []
        for message in messages:
            try:
                events.append(decode_line(message.value() or b""))
            except DecodeError:
                self.n_refused += 1
        if messages:
            try:
                handle(events)
            except BaseException:
                self._rewind(messages)
                raise
            self._consumer.commit(asynchronous=False)
        return len(events)

    def _rewind(self, messages: Sequence[Any]) -> None:
        first: dict[tuple[str, int], int] = {}
        for message in messages:
            key = (message.topic(), message.partition())
            first[key] = min(first.get(key, message.offset()), message.offset())
        for (topic, partition), offset in first.items():
            self._consumer.seek(self._kafka.TopicPartition(topic, partition, offset))

    def close(self) -> None:
        """Leave the group and let go of the connections."""
        self._producer.flush(FLUSH_S)
        self._consumer.close()


def _confluent_kafka() -> Any:  # noqa: ANN401 -- a module
    try:
        return import_module("confluent_kafka")
    except ImportError as error:
        cure = "install it with 'pip install confluent-kafka', or let collectors forward over TCP"
        raise InputError(Problem("a Kafka bus needs confluent-kafka, which is not installed", cure)) from error


__all__ = ["Bus", "KafkaBus", "LocalBus"]
