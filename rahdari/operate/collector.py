"""A collector near the devices: it stores events in its own file, and forwards them when the centre can be reached.

What it acknowledged to a device is on its disk; it is taken off when the centre has acknowledged it.  After a break
events may be sent twice, and are stored once there.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from rahdari.errors import Problem
from rahdari.operate.clock import SystemClock
from rahdari.operate.journal import Appended, JournalError, check_events
from rahdari.operate.sqlite_journal import connect, lease, put, told

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from ssl import SSLContext

    from rahdari.operate.clock import Clock
    from rahdari.operate.events import Event
    from rahdari.operate.journal import Also, Fold

APPLICATION_ID = 0x52616843  # "RahC": tells our files from other databases
MAX_WAITING = 10_000_000  # about 5 GB of common alarms
BATCH, WINDOW_LINES = 1_000, 4_000  # lines read at once, and lines sent that wait for their acknowledgement
FIRST_RETRY_S, LAST_RETRY_S, IDLE_S = 0.2, 30.0, 0.05
SILENCE_S = 30.0  # without an answer to what was sent, the connection is opened anew
LOG = logging.getLogger(__name__)
ENCODE = msgspec.json.Encoder().encode
SCHEMA = """
CREATE TABLE waiting (position INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE TABLE refused (position INTEGER PRIMARY KEY, body BLOB NOT NULL, error TEXT NOT NULL)
"""
WAITING_ROW = ("INSERT INTO waiting (body) VALUES ", "")
REFUSED_ROW = ("INSERT OR IGNORE INTO refused (position, body, error) VALUES ", "")


class Store:
    """Events that wait to be forwarded, in one SQLite file; a :class:`rahdari.operate.pipeline.Sink`."""

    def __init__(self, path: Path, *, max_waiting: int = MAX_WAITING) -> None:
        """Open the file or make it; :class:`JournalError` where another process has it or it is none of ours."""
        self.path, self._max_waiting, self._lock = path, max_waiting, threading.Lock()
        self._lease: int | None = lease(path)
        try:
            with told(path):
                self._connection = connect(path)
                self._prepare()
                self._n_waiting: int = self._connection.execute("SELECT count(*) FROM waiting").fetchone()[0]
        except BaseException:
            with contextlib.suppress(AttributeError):
                self._connection.close()
            os.close(self._lease)
            raise

    def _prepare(self) -> None:
        run = self._connection.execute
        is_new = not run("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        if not is_new and run("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise JournalError(Problem("is no file of a collector", "give another file", str(self.path)))
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        if is_new:
            run("BEGIN IMMEDIATE")
            for statement in (*SCHEMA.split(";"), f"PRAGMA application_id = {APPLICATION_ID}"):
                run(statement)
            run("COMMIT")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def append(
        self,
        events: Sequence[Event],
        received_s: float = 0.0,  # noqa: ARG002 -- the centre says when it received them
        fold: Fold | None = None,  # noqa: ARG002 -- and knows the alarms
        also: Also | None = None,  # noqa: ARG002
    ) -> Appended:
        """Store events durably; :class:`JournalError` where too many wait already."""
        check_events(events)
        if self._n_waiting + len(events) > self._max_waiting:
            cure = "see why the centre cannot be reached; it takes events again when some have been forwarded"
            raise JournalError(Problem(f"{self._n_waiting:,} events wait to be forwarded", cure, str(self.path)))
        with self._writing() as connection:
            put(connection, WAITING_ROW, [(ENCODE(event),) for event in events])
            position = connection.execute("SELECT max(seq) FROM sqlite_sequence").fetchone()[0] or 0
            self._n_waiting += len(events)
        return Appended(n_new=len(events), n_duplicate=0, position=position)

    def n_waiting(self) -> int:
        """Return how many events were not acknowledged by the centre yet."""
        return self._n_waiting

    def refused(self) -> list[tuple[bytes, str]]:
        """Return every event that the centre refused, as JSON, with its words; they are kept until looked at."""
        with self._lock, told(self.path):
            return self._connection.execute("SELECT body, error FROM refused ORDER BY position").fetchall()

    def after(self, position: int, limit: int = BATCH) -> list[tuple[int, bytes]]:
        """Return at most ``limit`` events behind a position, in the order in which they were stored."""
        wanted = "SELECT position, body FROM waiting WHERE position > ? ORDER BY position LIMIT ?"
        with self._lock, told(self.path):
            return self._connection.execute(wanted, (position, limit)).fetchall()

    def forwarded(self, position: int, refused: Sequence[tuple[int, bytes, str]] = ()) -> None:
        """Take events up to a position off the disk; those that were refused are kept apart."""
        with self._writing() as connection:
            put(connection, REFUSED_ROW, refused)
            connection.execute("DELETE FROM waiting WHERE position <= ?", (position,))
            self._n_waiting -= connection.execute("SELECT changes()").fetchone()[0]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
            if self._lease is not None:
                os.close(self._lease)
            self._lease = None


class Forwarder:
    """Sends what a store holds to the listener of the centre, over and over until it is acknowledged."""

    def __init__(
        self,
        store: Store,
        host: str,
        port: int,
        *,
        clock: Clock | None = None,
        tls: SSLContext | None = None,
        is_alive_s: float = SILENCE_S,
    ) -> None:
        """Prepare to send to a :class:`rahdari.operate.tcp.TcpListener`."""
        self._store, self._address, self._tls = store, (host, port), tls
        self._clock, self._silence_s = clock or SystemClock(), is_alive_s
        self._stop = threading.Event()
        self.problem = ""
        self._thread = threading.Thread(target=self._run, name="rahdari-forwarder", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End; what was not acknowledged waits on the disk."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        wait_s = FIRST_RETRY_S
        while not self._stop.is_set():
            try:
                with self._connected() as connection:
                    session = _Session(self._store, connection, self._stop, self._silence_s)
                    self.problem, wait_s = "", FIRST_RETRY_S
                    session.run()
            except (OSError, ValueError, JournalError) as error:
                self.problem = f"{self._address[0]}:{self._address[1]}: {error}"
                LOG.warning("cannot forward to %s", self.problem)
            self._clock.wait(self._stop, wait_s)
            wait_s = min(2.0 * wait_s, LAST_RETRY_S)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        with socket.create_connection(self._address, self._silence_s) as plain:
            if self._tls is None:
                yield plain
            else:
                with self._tls.wrap_socket(plain, server_hostname=self._address[0]) as encrypted:
                    yield encrypted


class _Session:
    """One connection: lines go out up to a window, acknowledgements come in, and take events off the disk."""

    def __init__(self, store: Store, connection: socket.socket, stop: threading.Event, silence_s: float) -> None:
        self._store, self._connection, self._stop, self._silence_s = store, connection, stop, silence_s
        self._sent: deque[tuple[int, int, bytes]] = deque()  # line, position, body
        self._n_lines = self._position = 0
        self._errors: dict[int, str] = {}
        self._buffer = b""
        self._silent_s = 0.0

    def run(self) -> None:
        """Send and listen until stopped; :class:`OSError` where the connection breaks."""
        while not self._stop.is_set():
            rows = self._store.after(self._position) if len(self._sent) < WINDOW_LINES else []
            if rows:
                for self._position, body in rows:
                    self._n_lines += 1
                    self._sent.append((self._n_lines, self._position, body))
                self._connection.settimeout(self._silence_s)
                self._connection.sendall(b"".join(body + b"\n" for _, body in rows))
            self._listen(IDLE_S if len(self._sent) >= WINDOW_LINES or not rows else 0.001)

    def _listen(self, timeout_s: float) -> None:
        self._connection.settimeout(timeout_s)
        try:
            data = self._connection.recv(65_536)
        except TimeoutError:
            self._silent_s = self._silent_s + timeout_s if self._sent else 0.0
            if self._silent_s > self._silence_s:
                raise OSError(f"no answer for {self._silence_s:.0f} s") from None
            return
        if not data:
            raise OSError("the centre closed the connection")
        self._silent_s = 0.0
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        acknowledged = 0
        for line in lines:
            answer: dict[str, Any] = json.loads(line)
            if "error" in answer:
                self._errors[int(answer["line"])] = f"{answer['error']}: {answer.get('what', '')}"
            acknowledged = max(acknowledged, int(answer.get("ack", 0)))
        self._take_off(acknowledged)

    def _take_off(self, acknowledged: int) -> None:
        position, refused = 0, []
        while self._sent and self._sent[0][0] <= acknowledged:
            line, position, body = self._sent.popleft()
            if line in self._errors:
                refused.append((position, body, self._errors.pop(line)))
        if position:
            self._store.forwarded(position, refused)


__all__ = ["Forwarder", "Store"]
