"""The live network in one process: journal, alarms, reasoning, notices and listeners; embeddable and restartable.

Nothing lives only here.  Events and alarms are durable before they are acknowledged; what the reasoner says of them is
saved with its notices in one transaction and is a function of the alarms, so that a crash between the two costs only
the time to think again.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rahdari.errors import InputError, Problem
from rahdari.operate.alarms import AlarmBook, is_maintenance_event
from rahdari.operate.clock import SystemClock
from rahdari.operate.counters import Counters
from rahdari.operate.events import Event
from rahdari.operate.evidence import items_of
from rahdari.operate.grouping import outages
from rahdari.operate.incidents import KEPT_S, Incident, Reasoner
from rahdari.operate.journal import Notice, Writes, next_try_s, open_journal
from rahdari.operate.maintenance import windows_of
from rahdari.operate.notify import Channel, Sender, notices_of
from rahdari.operate.pipeline import Pipeline
from rahdari.operate.receive import Options
from rahdari.operate.replay import network_of
from rahdari.operate.sequencer import Sequencer
from rahdari.operate.wire.access import Access
from rahdari.operate.wire.mapping import AlarmTypes, Mapper

if TYPE_CHECKING:
    import queue
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rahdari.operate.alarms import Alarm
    from rahdari.operate.clock import Clock
    from rahdari.operate.incidents import Hints
    from rahdari.operate.journal import Appended
    from rahdari.operate.udp import Kind

    Follower = Callable[[Mapping[str, Alarm]], Iterable[tuple[str, str, bytes]]]  # channel, key, body

LOG = logging.getLogger("rahdari.operate")
TICK_S = 30.0  # how often what is foreseen is thought through anew where nothing else happens
SEND_S = 5.0
POLL_PAUSE_S = 60.0  # between two readings of all devices
SQLITE, NUMBERS = "sqlite:///", ".numbers"
N_DUE = 100
N_RECENT = 20_000  # events looked at to draw the last minutes after a restart
MINUTE_S, N_MINUTES = 60.0, 180
IDLE_POLL_S = 0.005
JOIN_S = 30.0
OPERATOR = "operator:"
WINDOW_MARK = "maintenance:"
MASK = (1 << 62) - 1


class Listen(msgspec.Struct, frozen=True, kw_only=True):
    """Where the app listens besides HTTP; a port of None is closed, 0 takes a free one.

    ``tcp_port`` takes lines of events, ``syslog_port`` log lines over UDP and TCP, ``trap_port`` SNMP; who may send
    them, and what gives them numbers, stands in ``options``: see :func:`options_of`.
    """

    host: str = "127.0.0.1"
    tcp_port: int | None = None
    syslog_port: int | None = None
    trap_port: int | None = None
    options: Options | None = None


class App:
    """The live network; :meth:`start` resumes from the journal, :meth:`stop` drains what was accepted."""

    def __init__(
        self,
        plan_or_tables: Any,  # noqa: ANN401  # see replay.network_of
        journal: str = "sqlite:///live.db",
        *,
        clock: Clock | None = None,
        listen: Listen | None = None,
        channels: Iterable[Channel] = (),
        hints: Hints | None = None,
    ) -> None:
        """Keep the settings; nothing is opened before :meth:`start`.

        ``hints`` are learned edges among alarm types: shown with incidents, never deciding.
        """
        self.hints = hints
        self.clock: Clock = clock or SystemClock()
        self.network = network_of(plan_or_tables)
        self.plan = Path(folder) if (folder := _folder(plan_or_tables)) else None
        self.sender = Sender(channels)
        self.desks = tuple(self.sender.channels)  # who is told of incidents; listeners to alarms come later
        self.listen = listen or Listen()
        self.options = self.listen.options or options_of(journal, self.clock.now_s)
        self.journal_url = journal
        self.position = 0
        self.revision = 0
        self.incidents: dict[str, Incident] = {}
        self.minutes: deque[list[float]] = deque(maxlen=N_MINUTES)  # beginning, events, of them critical
        self._lock = threading.RLock()
        self._queues: set[queue.Queue[int]] = set()
        self._changed: dict[str, Alarm] = {}
        self._work, self._due, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._to_poll, self._is_polling = threading.Event(), False
        self._threads: list[threading.Thread] = []
        self._closers: list[Callable[[], None]] = []
        self._is_thinking = self._is_sending = False
        self._operator_seq = 0
        self.counters = Counters()
        self.ports: dict[str, int] = {}
        self.is_running = False
        self.failures: deque[str] = deque(maxlen=20)
        self.n_failures = 0
        self._n_in_thought = 0
        self.followers: list[Follower] = []  # who else is told of changed alarms, and what

    # -- life ---------------------------------------------------------------------------------------------------------
    def start(self) -> App:
        """Open the journal, resume alarms and incidents, and begin to work."""
        if self.is_running:
            return self
        self._stop.clear()
        self.journal = open_journal(self.journal_url)
        try:
            self._resume()
            self.pipeline = Pipeline(
                self.journal, fold=self._folded, also=_windows_kept, on_committed=self._committed,
                now_s=self.clock.now_s,
            )  # fmt: skip
            self._begin("rahdari-reasoner", self._reason)
            self._begin("rahdari-sender", self._send)
            self.is_running = True
            self._open_listeners()
            if self.options.access.devices:
                self._to_poll.set()  # what happened while nobody listened
                self._begin("rahdari-poller", self._poll)
        except BaseException:
            self.stop()
            raise
        return self

    def _resume(self) -> None:
        alarms = list(self.journal.alarms())
        self.book = AlarmBook(alarms, self.network.is_known)
        self._thought = AlarmBook(
            alarms, self.network.is_known
        )  # the reasoner's own: it may think while the next batch is stored
        self.planned = [
            msgspec.msgpack.decode(body, type=Event)
            for name, body in self.journal.marks().items()
            if name.startswith(WINDOW_MARK)
        ]
        self.reasoner = Reasoner(self.network, windows_of(self.planned), self.hints)
        self.position = self.journal.position()
        self.incidents = {
            name: msgspec.msgpack.decode(body, type=Incident) for name, body in self.journal.incidents().items()
        }
        self.minutes.clear()
        for _, received_s, event in self.journal.events(max(self.position - N_RECENT, 0), N_RECENT):
            self._count_minute([event], received_s)
        self._changed = {alarm.key: alarm for alarm in alarms}
        self._work.set()

    def _begin(self, name: str, loop: Callable[[], None]) -> None:
        thread = threading.Thread(target=loop, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _open_listeners(self) -> None:
        from rahdari.operate.tcp import TcpListener
        from rahdari.operate.udp import Listener

        asked = self.listen
        if asked.tcp_port is not None:
            lines = TcpListener(
                self.pipeline, asked.host, asked.tcp_port, counters=self.counters, allows=self.options.access.allows
            )
            lines.start()
            self._closers.append(lines.stop)
            self.ports["tcp"] = lines.port
        ports: list[tuple[Kind, int | None]] = [
            ("snmp", asked.trap_port), ("syslog_udp", asked.syslog_port), ("syslog_tcp", asked.syslog_port),
        ]  # fmt: skip
        for kind, port in ports:
            if port is None:
                continue
            listener = Listener(
                kind, asked.host, port, self.pipeline.submit, self.counters, options=self.options,
                now_s=self.clock.now_s, on_loss=self.lost,
            )  # fmt: skip
            listener.start()
            self._closers.append(listener.stop)
            self.ports[kind] = listener.address[1]

    def stop(self) -> None:
        """Close the listeners, drain what was accepted, finish thinking about it, and close the journal."""
        for close in self._closers:
            close()
        self._closers.clear()
        self.ports.clear()
        if hasattr(self, "pipeline"):
            self.pipeline.stop()
        self._stop.set()
        self._work.set()
        self._due.set()
        self._to_poll.set()
        for thread in self._threads:
            thread.join(JOIN_S)
        self._threads.clear()
        self.is_running = False
        self.journal.close()
        self._tell()

    def wait_idle(self, timeout_s: float = 60.0) -> bool:
        """Return whether all that was accepted is stored, thought through and told, within a time of the machine."""
        import time

        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            with self._lock:
                is_busy = bool(self._changed) or self._is_thinking or self._work.is_set() or self._is_sending
                is_busy = is_busy or self._is_polling
            if not is_busy and not self.journal.notices_due(self.clock.now_s(), 1):
                return True
            time.sleep(IDLE_POLL_S)
        return False

    # -- in -----------------------------------------------------------------------------------------------------------
    def ingest(self, events: Sequence[Event]) -> Appended:
        """Store events and return when they are durable; the same (source, seq) is never stored twice."""
        return self.pipeline.submit(events).result()

    def next_seq(self) -> int:
        """Return a number that no event made here had before, also across restarts and on a clock that stands."""
        with self._lock:
            # The position has grown by one at least for every number given in an earlier life.
            own = int(self.clock.now_s() * 1e6) + self.position
            self._operator_seq = max(self._operator_seq + 1, own)
            return self._operator_seq

    def alarms(self) -> list[Alarm]:
        """Return all alarms in order of their keys, as they stand now."""
        with self._lock:
            own = list(self.book.alarms.values())
        return sorted(own, key=lambda alarm: alarm.key)

    def alarm(self, key: str) -> Alarm | None:
        """Return one alarm as it stands now."""
        with self._lock:
            return self.book[key] if key in self.book else None  # noqa: SIM401  # the book has no get

    def operator(self, name: str, kind: str, resource: str, *, key: str = "", **fields: str) -> Appended:
        """Journal what an operator did: an event of the source ``operator:NAME``.

        ``key`` names the request: the same one given again is stored once.
        """
        if not name.strip():
            raise InputError(Problem("an action needs a name", "say who acts"))
        seq = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) & MASK if key else self.next_seq()
        event = Event(
            source=f"{OPERATOR}{name.strip()}", seq=seq, at_s=self.clock.now_s(), resource=resource, type=kind,
            severity="indeterminate", fields=fields,
        )  # fmt: skip
        return self.ingest([event])

    def _folded(self, events: Sequence[Event]) -> dict[str, Alarm]:
        return self.book.folded(events, self.clock.now_s())

    def _committed(self, new: Sequence[Event], changed: Mapping[str, Alarm], position: int) -> None:
        """Take over what was stored; called by the pipeline, batch after batch."""
        with self._lock:
            self.book.accept(changed)
            self._changed.update(changed)
            self.planned += [event for event in new if is_maintenance_event(event)]
            self._count_minute(new, self.clock.now_s())
            self.position = position
            self._work.set()
        self._tell()

    def _count_minute(self, new: Sequence[Event], now_s: float) -> None:
        at_s = now_s // MINUTE_S * MINUTE_S
        if not self.minutes or self.minutes[-1][0] < at_s:
            self.minutes.append([at_s, 0, 0])
        self.minutes[-1][1] += len(new)
        self.minutes[-1][2] += sum(event.severity == "critical" for event in new)

    # -- think --------------------------------------------------------------------------------------------------------
    def _reason(self) -> None:
        while not self._stop.is_set():
            self.clock.wait(self._work, TICK_S)
            self._think()
        self._think()

    def _think(self) -> None:
        with self._lock:
            self._is_thinking = True
            changed, self._changed, position = self._changed, {}, self.position
            self._n_in_thought = len(changed)
            self.reasoner.windows = tuple(windows_of(self.planned))
            self._work.clear()
        try:
            self._thought.accept(changed)
            found = self.reasoner.update(self._thought, changed, self.clock.now_s())
            self._keep(found, changed, position)
        except Exception as error:  # a fault of reasoning, or a full disk, must not stop the taking of events
            LOG.exception("reasoning failed")
            self._failed("reasoning", error)
            self._begin_anew()
        finally:
            self._n_in_thought, self._is_thinking = 0, False
            self._tell()

    def _begin_anew(self) -> None:
        """Forget what the reasoner knows: with the next change or tick it thinks through all alarms."""
        self.reasoner = Reasoner(self.network, windows_of(self.planned), self.hints)
        with self._lock:
            self._changed = {alarm.key: alarm for alarm in self.book}

    def _keep(self, found: Iterable[Incident], changed: Mapping[str, Alarm], position: int) -> None:
        """Save incidents that differ, with the notices they are worth, in one transaction."""
        differ = {each.incident_id: each for each in found if self.incidents.get(each.incident_id) != each}
        now_s = self.clock.now_s()
        notices = [
            Notice(key=f"{key}@{channel}", channel=channel, body=body, due_s=now_s)
            for each in differ.values()
            for key, body in notices_of(each, summary_of(each), now_s, self.incidents.get(each.incident_id))
            for channel in self.desks
        ]
        notices += [
            Notice(key=f"{key}@{channel}", channel=channel, body=body, due_s=now_s)
            for tell in self.followers
            for channel, key, body in tell(changed)
        ]
        if not differ and not notices:
            return
        self.journal.save(
            incidents={name: msgspec.msgpack.encode(each) for name, each in differ.items()},
            notices=notices,
            marks={"reasoned": str(position).encode()},
        )
        with self._lock:
            self.incidents = {**self.incidents, **differ}
            self._due.set()

    @property
    def n_waiting(self) -> int:
        """Return how many changed alarms the incidents shown do not know of yet."""
        return self._n_in_thought + len(self._changed)

    def failed_now(self) -> tuple[set[int], set[int]]:
        """Return the nodes and the links that have failed, as the open alarms are read now."""
        items = items_of(self.network, self.alarms(), self.clock.now_s() - KEPT_S)
        found = [outage.now for outage in outages(self.network, items)]
        return {node for dead, _ in found for node in dead}, {link for _, cut in found for link in cut}

    # -- out ----------------------------------------------------------------------------------------------------------
    def _send(self) -> None:
        while not self._stop.is_set():
            try:
                self._send_due()
            except Exception as error:  # tried again at the next turn
                LOG.exception("sending failed")
                self._failed("sending", error)
            self.clock.wait(self._due, SEND_S)

    def _send_due(self) -> None:
        self._is_sending = True
        self._due.clear()
        try:
            for notice in self.journal.notices_due(self.clock.now_s(), N_DUE):
                if self._stop.is_set():
                    return
                try:
                    self.sender.send(notice.channel, notice.key, notice.body)
                except OSError as error:
                    next_s = next_try_s(notice.n_tries, self.clock.now_s())
                    self.journal.notice_failed(notice.key, str(error), next_s)
                else:
                    self.journal.notice_done(notice.key)
        finally:
            self._is_sending = False

    def lost(self, n: int) -> None:
        """Hear that ``n`` events were lost before they were stored: the devices are read as soon as may be."""
        LOG.warning("%d events were lost", n)
        self._to_poll.set()

    def _poll(self) -> None:
        """Read the devices at the start and after each loss: what no trap told becomes events."""
        from rahdari.operate.poll import resynchronise

        while True:
            self._to_poll.wait()
            if self._stop.is_set():
                return
            self._is_polling = True
            self._to_poll.clear()
            try:
                resynchronise(
                    self.options.access.devices, self.alarms(), self.ingest, counters=self.counters,
                    options=self.options, now_s=self.clock.now_s,
                )  # fmt: skip
            except Exception as error:  # tried again after the next loss
                LOG.exception("reading the devices failed")
                self._failed("reading devices", error)
            self._is_polling = False
            self.clock.wait(self._stop, POLL_PAUSE_S)

    def subscribe(self, waiting: queue.Queue[int]) -> Callable[[], None]:
        """Put the revision into a queue whenever something changed; return what ends that.

        A full queue is passed over: whoever reads it sees the newest state anyway.
        """
        with self._lock:
            self._queues.add(waiting)

        def end() -> None:
            with self._lock:
                self._queues.discard(waiting)

        return end

    def _tell(self) -> None:
        import queue

        with self._lock:
            self.revision += 1
            for waiting in self._queues:
                try:
                    waiting.put_nowait(self.revision)
                except queue.Full:
                    continue

    def _failed(self, what: str, error: Exception) -> None:
        self.n_failures += 1
        self.failures.append(f"{what}: {type(error).__name__}: {error}")


def options_of(
    journal: str, now_s: Callable[[], float], access: Access | None = None, mapper: Mapper | None = None
) -> Options:
    """Return what all receivers of one journal share; the numbers they gave are kept beside a journal in a file."""
    path = Path(journal.removeprefix(SQLITE) + NUMBERS) if journal.startswith(SQLITE) else None
    sequencer = Sequencer(path, now_s)
    return Options(access=access or Access(), mapper=mapper or Mapper(AlarmTypes.read()), sequencer=sequencer)


def _windows_kept(new: Sequence[Event], _changed: Mapping[str, Alarm]) -> Writes:
    """Return the marks that keep announced work, in the transaction of the events that announce it."""
    return Writes(
        marks={
            f"{WINDOW_MARK}{event.source}:{event.seq}": msgspec.msgpack.encode(event)
            for event in new
            if is_maintenance_event(event)
        }
    )


def summary_of(incident: Incident) -> dict[str, Any]:
    """Return an incident as plain JSON values."""
    plain = msgspec.to_builtins(incident)
    return {name: plain[name] for name in plain if name not in {"symptom_keys", "symptom_seqs"}}


def _folder(plan_or_tables: Any) -> Path | None:  # noqa: ANN401  # see replay.network_of
    found = getattr(plan_or_tables, "folder", plan_or_tables)
    return Path(found) if isinstance(found, (str, Path)) else None


def ingest(app: App, events: Sequence[Event]) -> Appended:
    """Store a batch of events and return when it is durable."""
    return app.ingest(events)


def incidents(app: App) -> list[Incident]:
    """Return the incidents, those that take service from most customers first."""
    return sorted(
        app.incidents.values(),
        key=lambda each: (not each.is_open, -each.customers_without_service, each.opened_s, each.incident_id),
    )


__all__ = ["App", "Listen", "incidents", "ingest", "options_of", "summary_of"]
