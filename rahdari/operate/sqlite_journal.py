"""The journal as one SQLite file: write-ahead, synchronised at every commit, one writer.

Rows go in as a few statements of many rows.  With a statement a row, the interpreter's lock changes hands at every
row: beside one busy thread that was 70 times slower (747 rows a second instead of 50,000).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from rahdari.errors import Problem
from rahdari.operate.alarms import Alarm
from rahdari.operate.events import Event
from rahdari.operate.journal import (
    SEQ_LIMIT,
    Appended,
    JournalBusyError,
    JournalError,
    Notice,
    Writes,
    check_events,
    counted,
)
from rahdari.operate.retention import Retaining

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rahdari.operate.journal import Also, Fold, Stored

APPLICATION_ID = 0x5261684A  # "RahJ": tells our files from other databases
FORMAT_VERSION = 1
BUSY_S = 30.0
CHECKPOINT_PAGES = 4_000  # 16 MB of write-ahead: few checkpoints in a storm, a short recovery
CACHE_KIB = 65_536  # a transaction's pages stay in memory until it is committed, each written once
ROWS_A_STATEMENT = 2_000  # of five values; SQLite takes 32,766 values
LOCK_MODE = 0o600
SCHEMA = """
CREATE TABLE sources (source_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  received_s REAL NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (source_id, seq)
);
CREATE TABLE alarms (key TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE incidents (incident_id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE marks (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE notices (
  key TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  body BLOB NOT NULL,
  due_s REAL NOT NULL,
  n_tries INTEGER NOT NULL,
  error TEXT NOT NULL,
  is_done INTEGER NOT NULL
);
CREATE INDEX notices_waiting ON notices (due_s, key) WHERE is_done = 0;
CREATE TABLE retentions (
  last_position INTEGER PRIMARY KEY,
  first_position INTEGER NOT NULL,
  n_events INTEGER NOT NULL,
  at_s REAL NOT NULL,
  file TEXT NOT NULL,
  digest TEXT NOT NULL,
  is_done INTEGER NOT NULL
);
CREATE TABLE forgotten (
  source_id INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  PRIMARY KEY (source_id, last_seq)
) WITHOUT ROWID;
"""
EVENT_ROW = ("INSERT OR IGNORE INTO events (position, source_id, seq, received_s, body) VALUES ", "")
SOURCE_ROW = ("INSERT INTO sources (source_id, name) VALUES ", "")
ALARM_ROW = (
    "INSERT INTO alarms (key, body) VALUES ",
    " ON CONFLICT (key) DO UPDATE SET body = excluded.body",  # its place stays, and its key is not written again
)
INCIDENT_ROW = ("INSERT OR REPLACE INTO incidents (incident_id, body) VALUES ", "")
MARK_ROW = ("INSERT OR REPLACE INTO marks (name, body) VALUES ", "")
COUNTER_ROW = (
    "INSERT INTO counters (name, value) VALUES ",
    " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
)
NOTICE_ROW = ("INSERT OR IGNORE INTO notices (key, channel, body, due_s, n_tries, error, is_done) VALUES ", "")
TOP_FORGOTTEN = "SELECT source_id, max(last_seq) FROM forgotten GROUP BY source_id"
NEWEST = """
SELECT max(coalesce((SELECT max(position) FROM events), 0), coalesce((SELECT max(last_position) FROM retentions), 0))
"""
DROP_FORGOTTEN = """
DELETE FROM events WHERE position >= ? AND seq >= (
  SELECT first_seq FROM forgotten
  WHERE forgotten.source_id = events.source_id AND last_seq >= events.seq ORDER BY last_seq LIMIT 1
)
"""
ENCODE = msgspec.json.Encoder().encode
ENCODE_ALARM = msgspec.msgpack.Encoder().encode
DECODE_ALARM = msgspec.msgpack.Decoder(Alarm).decode
DECODE_EVENT = msgspec.json.Decoder(Event).decode


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection that any thread may use, one at a time."""
    return sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite says into a :class:`JournalError` that names the file and the cure."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        words = str(error)
        if "full" in words:
            cure = "free some space on its disk; nothing was changed, and it takes events again by itself"
        elif "locked" in words or "busy" in words:
            cure = "ask again: another process holds it"
        elif isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError | sqlite3.ProgrammingError):
            cure = "see the message; nothing was changed"
        else:
            cure = "restore the file from its backup, or give another one"
        raise JournalError(Problem(f"cannot use the journal: {words}", cure, str(path))) from error


def lease(path: Path) -> int:
    """Return a descriptor that alone may write the journal at ``path``; the system frees it when the process dies."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, LOCK_MODE)
    except OSError as error:
        cure = "choose another folder, or change its permissions"
        raise JournalError(Problem(f"cannot be opened: {error.strerror}", cure, str(path))) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        cure = "stop that process, or start this one as its standby"
        raise JournalBusyError(Problem("another process writes this journal", cure, str(path))) from error
    return descriptor


def put(connection: sqlite3.Connection, statement: tuple[str, str], rows: Iterable[Sequence[object]]) -> int:
    """Insert rows in few statements and return how many were really inserted or changed."""
    head, tail = statement
    rows, n_put = list(rows), 0
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        part = rows[start : start + ROWS_A_STATEMENT]
        marks = "(" + ", ".join("?" * len(part[0])) + ")"
        values = [value for row in part for value in row]
        connection.execute(head + ", ".join([marks] * len(part)) + tail, values)
        n_put += connection.execute("SELECT changes()").fetchone()[0]
    return n_put


def write(connection: sqlite3.Connection, writes: Writes) -> None:
    """Store incidents, notices and marks in the transaction that stands."""
    put(connection, INCIDENT_ROW, ((key, body) for key, body in writes.incidents.items() if body is not None))
    for key in (key for key, body in writes.incidents.items() if body is None):
        connection.execute("DELETE FROM incidents WHERE incident_id = ?", (key,))
    put(connection, MARK_ROW, writes.marks.items())
    rows = ((one.key, one.channel, one.body, one.due_s, one.n_tries, one.error, 0) for one in writes.notices)
    put(connection, NOTICE_ROW, rows)


class SqliteJournal(Retaining):
    """A journal in one SQLite file; see :class:`rahdari.operate.journal.Journal`.

    Opening takes the only right to write, an advisory lock beside the file; ``is_read_only`` opens without it.
    """

    def __init__(
        self,
        path: Path,
        *,
        is_read_only: bool = False,
        opener: Callable[[Path], sqlite3.Connection] = connect,
    ) -> None:
        """Open the file or make it; :class:`JournalError` where it is none, or busy where another process writes."""
        self.path, self._opener = path, opener
        self._lock = threading.Lock()
        self._lease = None if is_read_only else lease(path)
        self._sources: dict[str, int] = {}
        self._top_forgotten: dict[int, int] = {}
        self._position = 0
        self._writer: sqlite3.Connection | None = None
        try:
            with told(path):
                self._prepare(is_read_only=is_read_only)
        except BaseException:
            self.close()
            raise

    def _prepare(self, *, is_read_only: bool) -> None:
        if is_read_only and not self.path.is_file():
            raise JournalError(Problem("there is no journal", "start the live network first", str(self.path)))
        self._writer = self._opener(self.path)
        run = self._writer.execute
        version = run("PRAGMA user_version").fetchone()[0]
        is_new = version == 0 and not run("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        if not is_new and run("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise JournalError(Problem("is no journal of rahdari", "give another file", str(self.path)))
        if not is_new and version != FORMAT_VERSION:
            cure = "open it with the version of rahdari that wrote it"
            raise JournalError(Problem(f"has format {version}", cure, str(self.path)))
        if is_read_only:
            run("PRAGMA query_only = ON")
            return
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        run(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        run(f"PRAGMA cache_size = -{CACHE_KIB}")
        run("PRAGMA secure_delete = OFF")  # Debian's default zeroes every page an alarm leaves as it grows
        if is_new:
            run("BEGIN IMMEDIATE")
            pragmas = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT_VERSION}"
            for statement in f"{SCHEMA} {pragmas}".split(";"):
                run(statement)
            run("COMMIT")
        self._sources = dict(run("SELECT name, source_id FROM sources").fetchall())
        self._top_forgotten = dict(run(TOP_FORGOTTEN).fetchall())
        self._position = run(NEWEST).fetchone()[0]

    def close(self) -> None:
        """Close the file and let another process write it."""
        with self._lock:
            if self._writer is not None:
                self._writer.close()
            self._writer = None
            if self._lease is not None:
                os.close(self._lease)
            self._lease = None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the only right to write; commit at the end, undo everything on any error."""
        with self._lock, told(self.path):
            if self._writer is None or self._lease is None:
                raise JournalError(Problem("is closed, or open for reading only", "open it again", str(self.path)))
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection of its own: a reader never waits for the writer."""
        with told(self.path), contextlib.closing(self._opener(self.path)) as connection:
            connection.execute("PRAGMA query_only = ON")
            yield connection

    def append(self, events: Sequence[Event], received_s: float, fold: Fold, also: Also | None = None) -> Appended:
        """Store what is new, once, with all that follows from it; durable when it returns."""
        check_events(events)
        with self._writing() as connection:
            sources = self._named(connection, events)
            new, position = self._insert(connection, events, sources, received_s)
            changed = fold(new) if new else {}
            put(connection, ALARM_ROW, ((key, ENCODE_ALARM(alarm)) for key, alarm in changed.items()))
            put(connection, COUNTER_ROW, counted(new, len(events) - len(new), received_s).items())
            if also is not None and new:
                write(connection, also(new, changed))
        self._sources |= sources
        self._position = position
        return Appended(n_new=len(new), n_duplicate=len(events) - len(new), position=position)

    def _named(self, connection: sqlite3.Connection, events: Sequence[Event]) -> dict[str, int]:
        """Return the numbers of sources seen for the first time; they are kept only when the transaction is."""
        unseen = dict.fromkeys(event.source for event in events if event.source not in self._sources)
        found = {name: number for number, name in enumerate(unseen, start=len(self._sources) + 1)}
        put(connection, SOURCE_ROW, ((number, name) for name, number in found.items()))
        return found

    def _insert(
        self,
        connection: sqlite3.Connection,
        events: Sequence[Event],
        unseen: Mapping[str, int],
        received_s: float,
    ) -> tuple[list[Event], int]:
        """Return the events that were not known, in order, and the position of the last."""
        first, sources = self._position + 1, {**self._sources, **unseen} if unseen else self._sources
        rows = [
            (position, sources[event.source], event.seq, received_s, ENCODE(event))
            for position, event in enumerate(events, start=first)
        ]
        n_new = put(connection, EVENT_ROW, rows)
        if any(row[2] <= self._top_forgotten.get(row[1], -1) for row in rows):
            connection.execute(DROP_FORGOTTEN, (first,))
            n_new -= connection.execute("SELECT changes()").fetchone()[0]
        if n_new == len(events):
            return list(events), first + n_new - 1
        found = connection.execute("SELECT group_concat(position) FROM events WHERE position >= ?", (first,)).fetchone()
        positions = sorted(int(position) for position in found[0].split(",")) if found[0] else []
        return [events[position - first] for position in positions], positions[-1] if positions else self._position

    def save(
        self,
        *,
        incidents: Mapping[str, bytes | None] | None = None,
        notices: Sequence[Notice] = (),
        marks: Mapping[str, bytes] | None = None,
    ) -> None:
        """Store incidents, notices and marks in one durable transaction."""
        with self._writing() as connection:
            write(connection, Writes(incidents=incidents or {}, notices=notices, marks=marks or {}))

    def alarms(self) -> Iterator[Alarm]:
        """Return all alarms, by key."""
        return (DECODE_ALARM(row[0]) for row in self._rows("SELECT body FROM alarms ORDER BY key"))

    def incidents(self) -> dict[str, bytes]:
        """Return all incidents by identifier."""
        return dict(self._rows("SELECT incident_id, body FROM incidents ORDER BY incident_id"))

    def marks(self) -> dict[str, bytes]:
        """Return all marks by name."""
        return dict(self._rows("SELECT name, body FROM marks ORDER BY name"))

    def counters(self) -> dict[str, int]:
        """Return all counters by name."""
        return dict(self._rows("SELECT name, value FROM counters ORDER BY name"))

    def events(self, after_position: int = 0, limit: int = 1000) -> list[Stored]:
        """Return at most ``limit`` events behind a position, in the journal's order."""
        wanted = "SELECT position, received_s, body FROM events WHERE position > ? ORDER BY position LIMIT ?"
        return [(row[0], row[1], DECODE_EVENT(row[2])) for row in self._rows(wanted, (after_position, limit))]

    def position(self) -> int:
        """Return the position of the newest event; 0 in an empty journal."""
        return int(self._rows(NEWEST)[0][0])

    def notices_due(self, now_s: float, limit: int = 100) -> list[Notice]:
        """Return notices that should be sent by now, the oldest first."""
        wanted = (
            "SELECT key, channel, body, due_s, n_tries, error FROM notices "
            "WHERE is_done = 0 AND due_s <= ? ORDER BY due_s, key LIMIT ?"
        )
        return [
            Notice(key=row[0], channel=row[1], body=row[2], due_s=row[3], n_tries=row[4], error=row[5])
            for row in self._rows(wanted, (now_s, limit))
        ]

    def notice_done(self, key: str) -> None:
        """Note that a notice was taken by its receiver."""
        with self._writing() as connection:
            connection.execute("UPDATE notices SET is_done = 1, error = '' WHERE key = ?", (key,))

    def notice_failed(self, key: str, error: str, next_s: float) -> None:
        """Note that a notice could not be delivered, and when to try again."""
        failed = "UPDATE notices SET n_tries = n_tries + 1, error = ?, due_s = ? WHERE key = ? AND is_done = 0"
        with self._writing() as connection:
            connection.execute(failed, (error, next_s, key))

    def _rows(self, wanted: str, values: tuple[object, ...] = ()) -> list[Any]:
        with self._reading() as connection:
            return list(connection.execute(wanted, values).fetchall())

    def _run(self, connection: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        return connection.execute(statement, values)

    def _forget(self) -> None:
        with self._lock:  # while events leave, every number may be one of theirs
            self._top_forgotten = dict.fromkeys(self._sources.values(), SEQ_LIMIT)
        super()._forget()
        with self._lock:
            self._top_forgotten = dict(self._rows(TOP_FORGOTTEN))


__all__ = ["SqliteJournal"]
