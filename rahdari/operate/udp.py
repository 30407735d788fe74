"""Listeners for traps and log lines: one thread each, what is lost is counted, an inform is answered when stored."""

from __future__ import annotations

import logging
import os
import select
import selectors
import socket
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from rahdari.errors import InputError, Problem, RahdariError
from rahdari.operate.receive import Options, SnmpReceiver, SyslogReceiver, Taken
from rahdari.operate.wire import DecodeError
from rahdari.operate.wire.access import plain_address
from rahdari.operate.wire.syslog import Framer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rahdari.operate.counters import Counters
    from rahdari.operate.events import Event

    Peer = Any  # an address as the socket gives it
    Submit = Callable[[Sequence[Event]], object]

Kind = Literal["snmp", "syslog_udp", "syslog_tcp"]
MAX_DATAGRAM, MAX_BATCH, MAX_READ, MAX_LAST_BATCHES = 65_535, 500, 262_144, 1_000
RECEIVE_BUFFER, FORCE_RECEIVE_BUFFER = 64 << 20, 33  # SO_RCVBUFFORCE of Linux, which Python does not name
WAIT_S, PUBLISH_S, STOP_S, MAX_CONNECTIONS = 0.1, 1.0, 40.0, 256
KERNEL_TABLES = ("/proc/net/udp", "/proc/net/udp6")
INODE_COLUMN, DROPS_COLUMN = 9, 12
LOG = logging.getLogger(__name__)


def kernel_drops(inode: int) -> int | None:
    """Return the datagrams that Linux dropped at the socket of an inode; none where the system does not say."""
    for table in KERNEL_TABLES:
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            cells = row.split()
            if len(cells) > DROPS_COLUMN and cells[INODE_COLUMN] == str(inode):
                return int(cells[DROPS_COLUMN])
    return None


class _Connection(msgspec.Struct, eq=False):
    socket: socket.socket
    address: str
    framer: Framer


class Listener:
    """Receives on one port and hands events on in batches.

    ``submit`` may block: then nothing is read until it returns, TCP senders wait and datagrams queue in the system's
    buffer, whose drops are counted.  Where it returns a future, the events count as stored when that is done.
    ``on_loss`` is told how many events were lost since it was told last, so that the devices can be polled.
    """

    def __init__(
        self,
        kind: Kind,
        host: str,
        port: int,
        submit: Submit,
        counters: Counters,
        *,
        options: Options | None = None,
        now_s: Callable[[], float] = time.time,
        on_loss: Callable[[int], None] | None = None,
    ) -> None:
        """Take what to listen to; nothing is opened before :meth:`start`.  Port 0 takes any free one."""
        self.kind, self._host, self._port = kind, host, port
        self._submit, self._counters, self._now_s, self._on_loss = submit, counters, now_s, on_loss
        self._options = options if options is not None else Options()
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._n_dropped = 0
        self._published_s = 0.0
        self._receiver: SnmpReceiver | SyslogReceiver = SyslogReceiver(self._options)

    @property
    def address(self) -> tuple[str, int]:
        """Return the host and port that are open."""
        if self._socket is None:
            raise InputError(Problem("the listener is not started", "start it first"))
        host, port, *_ = self._socket.getsockname()
        return host, port

    def start(self) -> None:
        """Open the port and receive from now on."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        is_tcp = self.kind == "syslog_tcp"
        opened = socket.socket(family, socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM)
        try:
            if is_tcp:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((self._host, self._port))
            if is_tcp:
                opened.listen()
        except OSError as error:
            opened.close()
            what = f"cannot listen on {self._host} port {self._port}: {error.strerror}"
            raise InputError(Problem(what, "choose another port or host, or stop what uses it")) from error
        opened.setblocking(False)
        if not is_tcp:
            self._widen(opened)
        self._socket = opened
        if self.kind == "snmp":
            self._receiver = SnmpReceiver(self._options, self._now_s())
        self._stopping.clear()
        loop = self._tcp_loop if is_tcp else self._udp_loop
        self._thread = threading.Thread(target=loop, args=(opened,), name=f"listen-{self.kind}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Receive no more; what was received is handed on first."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_S)
        if self._socket is not None:
            self._socket.close()
        self._thread = self._socket = None

    def _widen(self, opened: socket.socket) -> None:
        for option in (FORCE_RECEIVE_BUFFER, socket.SO_RCVBUF):
            try:
                opened.setsockopt(socket.SOL_SOCKET, option, RECEIVE_BUFFER)
                break
            except OSError:
                continue  # only an administrator may force it; the plain option grants what the system allows
        granted = opened.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self._counters.set("rahdari_wire_receive_buffer_bytes", granted, listener=self.kind)

    def _count(self, name: str, n: int = 1, **labels: str) -> None:
        if n:
            self._counters.add(f"rahdari_wire_{name}_total", n, listener=self.kind, **labels)

    def _lost(self, n: int) -> None:
        if self._on_loss is not None and n > 0:
            self._on_loss(n)

    def _publish_drops(self, opened: socket.socket) -> None:
        moment_s = time.monotonic()
        if moment_s - self._published_s < PUBLISH_S:
            return
        self._published_s = moment_s
        n = kernel_drops(os.fstat(opened.fileno()).st_ino)
        if n is not None and n != self._n_dropped:
            self._count("kernel_drops", n - self._n_dropped)
            self._lost(n - self._n_dropped)
            self._n_dropped = n

    def _udp_loop(self, opened: socket.socket) -> None:
        poll = select.poll()
        poll.register(opened, select.POLLIN)
        self._counters.add("rahdari_wire_kernel_drops_total", 0, listener=self.kind)
        while not self._stopping.is_set():
            self._publish_drops(opened)
            if not poll.poll(WAIT_S * 1000):
                continue
            self._drain(opened)
        for _ in range(MAX_LAST_BATCHES):
            if not self._drain(opened):
                break

    def _drain(self, opened: socket.socket) -> bool:
        """Handle what waits, one batch at most; return whether anything did."""
        batch: list[tuple[bytes, Peer]] = []
        while len(batch) < MAX_BATCH:
            try:
                batch.append(opened.recvfrom(MAX_DATAGRAM))
            except OSError:  # nothing more waits, or the last answer reached a closed port
                break
        if batch:
            self._handle(batch, opened)
        return bool(batch)

    def _taken(self, data: bytes, address: str, now_s: float) -> Taken:
        try:
            return self._receiver.take(data, address, now_s)
        except DecodeError as error:
            return Taken(refused=error.reason)
        except RahdariError as error:  # no number could be reserved
            LOG.warning("%s", error)
            self._lost(1)
            return Taken(refused="not_stored")
        except Exception:  # hostile bytes must never end the listener, whatever they found
            LOG.exception("a datagram from %s could not be taken", address)
            return Taken(refused="internal")

    def _handle(self, batch: list[tuple[bytes, Peer]], opened: socket.socket | None) -> None:
        """Decode a batch, hand its events on, and answer what is to be answered."""
        now_s = self._now_s()
        self._count("received", len(batch))
        self._count("bytes", sum(len(data) for data, _ in batch))
        events: list[Event] = []
        waiting: list[tuple[Taken, Peer]] = []
        for data, peer in batch:
            taken = self._taken(data, plain_address(peer[0]), now_s)
            if taken.refused:
                self._count("refused", reason=taken.refused)
            if taken.is_repeated:
                self._count("duplicates")
            if taken.event is not None:
                events.append(taken.event)
                if taken.inform is not None:
                    waiting.append((taken, peer))
            elif taken.reply and opened is not None:
                self._answer(opened, taken.reply, peer)
        if events:
            self._count("events", len(events))
            self._count("truncated", sum("truncated" in event.fields for event in events))
            self._hand_on(events, waiting, opened)

    def _hand_on(self, events: list[Event], waiting: list[tuple[Taken, Peer]], opened: socket.socket | None) -> None:
        def settled(is_stored: bool) -> None:  # noqa: FBT001 -- the one thing it says
            if not is_stored:
                self._count("refused", len(events), reason="not_stored")
                self._lost(len(events) - len(waiting))
            for taken, peer in waiting:
                if taken.inform is not None:
                    self._receiver.stored(taken.inform, is_stored=is_stored)
                if is_stored and opened is not None:
                    self._answer(opened, taken.reply, peer)
                    self._count("acknowledged")

        try:
            answer = self._submit(events)
        except RahdariError as error:
            LOG.warning("%d events were not stored: %s", len(events), error)
            settled(is_stored=False)
            return
        if isinstance(answer, Future):
            answer.add_done_callback(lambda done: settled(not done.cancelled() and done.exception() is None))
        else:
            settled(is_stored=True)

    @staticmethod
    def _answer(opened: socket.socket, reply: bytes, peer: Peer) -> None:
        try:
            opened.sendto(reply, peer)
        except OSError as error:  # the sender asks again
            LOG.debug("no answer to %s: %s", peer, error)

    def _tcp_loop(self, opened: socket.socket) -> None:
        selector = selectors.DefaultSelector()
        selector.register(opened, selectors.EVENT_READ, None)
        n_open = 0
        while not self._stopping.is_set():
            for key, _ in selector.select(WAIT_S):
                if key.data is None:
                    n_open += self._accept(opened, selector, n_open)
                elif not self._read(key.data):
                    selector.unregister(key.data.socket)
                    key.data.socket.close()
                    n_open -= 1
            self._counters.set("rahdari_wire_connections", n_open, listener=self.kind)
        for key in list(selector.get_map().values()):
            if key.data is not None:
                key.data.socket.close()
        selector.close()

    def _accept(self, opened: socket.socket, selector: selectors.BaseSelector, n_open: int) -> int:
        try:
            one, peer = opened.accept()
        except OSError:
            return 0
        address = plain_address(peer[0])
        is_known = isinstance(self._receiver, SyslogReceiver) and self._receiver.allows(address)
        if not is_known or n_open >= MAX_CONNECTIONS:
            self._count("refused", reason="too_many_connections" if is_known else "network")
            one.close()
            return 0
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a sender that vanished frees its place
        selector.register(one, selectors.EVENT_READ, _Connection(one, address, Framer()))
        return 1

    def _read(self, one: _Connection) -> bool:
        """Hand on what a connection brings; return whether it goes on."""
        try:
            content = one.socket.recv(MAX_READ)
        except BlockingIOError:
            return True
        except OSError:
            content = b""
        n_before = one.framer.n_too_long
        lines = one.framer.feed(content) if content else one.framer.rest()
        self._count("refused", one.framer.n_too_long - n_before, reason="too_long")
        for first in range(0, len(lines), MAX_BATCH):
            self._handle([(line, (one.address,)) for line in lines[first : first + MAX_BATCH]], None)
        return bool(content)
