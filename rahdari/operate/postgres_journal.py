"""The journal as a PostgreSQL database, for a folder of machines: same protocol, same promises.

The right to write is an advisory lock of the very session that writes: a session that is lost has lost the right with
it, and what it was about to store is rolled back.  ``synchronous_commit`` is on, whatever the server's default.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from rahdari.errors import InputError, Problem
from rahdari.operate.alarms import Alarm
from rahdari.operate.events import Event
from rahdari.operate.journal import Appended, JournalBusyError, JournalError, Notice, Writes, check_events, counted
from rahdari.operate.retention import Retaining

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import psycopg

    from rahdari.operate.journal import Also, Fold, Stored

WRITER_LOCK = 0x5261684A  # "RahJ": the advisory lock of the one writer of a database
FORMAT_VERSION = "1"
# Texts of devices may hold a NUL, which PostgreSQL's text does not take: they are kept as UTF-8 bytes.
SCHEMA = """
CREATE SCHEMA rahdari_journal;
SET search_path TO rahdari_journal;
CREATE TABLE format (version text NOT NULL);
CREATE TABLE sources (source_id bigint PRIMARY KEY, name bytea NOT NULL UNIQUE);
CREATE TABLE events (
  position bigint PRIMARY KEY,
  source_id bigint NOT NULL,
  seq bigint NOT NULL,
  received_s double precision NOT NULL,
  body bytea NOT NULL,
  UNIQUE (source_id, seq)
);
CREATE TABLE alarms (key bytea PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE counters (key bytea PRIMARY KEY, value bigint NOT NULL);
CREATE TABLE incidents (key bytea PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE marks (key bytea PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE notices (
  key bytea PRIMARY KEY,
  channel bytea NOT NULL,
  body bytea NOT NULL,
  due_s double precision NOT NULL,
  n_tries bigint NOT NULL,
  error bytea NOT NULL,
  is_done integer NOT NULL
);
CREATE INDEX notices_waiting ON notices (due_s, key) WHERE is_done = 0;
CREATE TABLE retentions (
  last_position bigint PRIMARY KEY,
  first_position bigint NOT NULL,
  n_events bigint NOT NULL,
  at_s double precision NOT NULL,
  file text NOT NULL,
  digest text NOT NULL,
  is_done integer NOT NULL
);
CREATE TABLE forgotten (
  source_id bigint NOT NULL,
  last_seq bigint NOT NULL,
  first_seq bigint NOT NULL,
  PRIMARY KEY (source_id, last_seq)
);
"""
INSERT_EVENTS = """
INSERT INTO events (position, source_id, seq, received_s, body)
SELECT row.position, row.source_id, row.seq, %s, row.body
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[]) AS row (position, source_id, seq, body)
WHERE row.seq < coalesce((
  SELECT first_seq FROM forgotten
  WHERE forgotten.source_id = row.source_id AND last_seq >= row.seq ORDER BY last_seq LIMIT 1
), row.seq + 1.0)
ORDER BY row.position
ON CONFLICT (source_id, seq) DO NOTHING
RETURNING position
"""
PUT = """
INSERT INTO {table} (key, body) SELECT * FROM unnest(%s::bytea[], %s::bytea[])
ON CONFLICT (key) DO UPDATE SET body = excluded.body
"""
COUNT = """
INSERT INTO counters (key, value) SELECT * FROM unnest(%s::bytea[], %s::bigint[])
ON CONFLICT (key) DO UPDATE SET value = counters.value + excluded.value
"""
NOTICE = "INSERT INTO notices VALUES (%s, %s, %s, %s, %s, %s, 0) ON CONFLICT (key) DO NOTHING"
NEWEST = """
SELECT greatest(coalesce((SELECT max(position) FROM events), 0),
                coalesce((SELECT max(last_position) FROM retentions), 0))
"""
ENCODE = msgspec.json.Encoder().encode
ENCODE_ALARM = msgspec.msgpack.Encoder().encode
DECODE_ALARM = msgspec.msgpack.Decoder(Alarm).decode
DECODE_EVENT = msgspec.json.Decoder(Event).decode


def driver() -> Any:  # noqa: ANN401 -- a module
    """Return psycopg; :class:`InputError` where it is not installed."""
    try:
        import psycopg
    except ImportError as error:
        cure = "install it with 'pip install psycopg[binary]', or use sqlite:///FILE"
        raise InputError(Problem("a PostgreSQL journal needs psycopg, which is not installed", cure)) from error
    return psycopg


class PostgresJournal(Retaining):
    """A journal in a PostgreSQL database; see :class:`rahdari.operate.journal.Journal`.

    Its tables stand in the schema ``rahdari_journal``.  When the session that writes is lost, the next call opens
    another; it goes on only where nobody else has written since.
    """

    def __init__(self, url: str) -> None:
        """Connect, make the tables where there are none, and take the only right to write.

        :class:`JournalError` where the server cannot be reached, :class:`JournalBusyError` where another writes.
        """
        self.url, self._driver, self._lock = url, driver(), threading.Lock()
        self._sources: dict[str, int] = {}
        self._position = 0
        self._writer: psycopg.Connection[Any] | None = None
        self._is_closed = False
        with self._lock, self._told():
            self._position = _newest(self._open())

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._driver.Error as error:
            is_lost = isinstance(error, self._driver.OperationalError)
            cure = "see that the server runs and has space; it is tried again with the next call"
            cure = cure if is_lost else "see the message; nothing was changed"
            raise JournalError(Problem(f"cannot use the journal: {str(error).strip()}", cure, "PostgreSQL")) from error

    def _connect(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] = self._driver.connect(self.url, autocommit=True, connect_timeout=10)
        connection.execute("SET search_path TO rahdari_journal")
        connection.execute("SET synchronous_commit TO on")
        return connection

    def _open(self) -> psycopg.Connection[Any]:
        """Return the session that alone may write, opened where there is none."""
        if self._is_closed:
            raise JournalError(Problem("is closed", "open it again", "PostgreSQL"))
        if self._writer is not None and not self._writer.closed:
            return self._writer
        is_first, connection = self._writer is None, self._connect()
        try:
            self._claim(connection)
            if not is_first:
                self._check_alone(connection)
        except BaseException:
            connection.close()
            raise
        self._writer = connection
        return connection

    def _claim(self, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (WRITER_LOCK,)).fetchone()
        if row is None or not row[0]:
            cure = "stop that process, or start this one as its standby"
            raise JournalBusyError(Problem("another process writes this journal", cure, "PostgreSQL"))
        self._prepare(connection)
        rows = connection.execute("SELECT name, source_id FROM sources").fetchall()
        self._sources = {bytes(name).decode(): number for name, number in rows}

    def _check_alone(self, connection: psycopg.Connection[Any]) -> None:
        """Stop for good where the journal moved on without us: what this process holds in memory is old."""
        if _newest(connection) != self._position:
            self._is_closed = True
            cure = "start again: it takes up what the journal holds"
            raise JournalError(Problem("the journal has moved on while its session was lost", cure, "PostgreSQL"))

    @staticmethod
    def _prepare(connection: psycopg.Connection[Any]) -> None:
        row = connection.execute("SELECT to_regclass('rahdari_journal.format')").fetchone()
        if row is None or row[0] is None:
            with connection.transaction():
                connection.execute(SCHEMA)
                connection.execute("INSERT INTO format VALUES (%s)", (FORMAT_VERSION,))
        row = connection.execute("SELECT version FROM format").fetchone()
        if row is None or row[0] != FORMAT_VERSION:
            cure = "open it with the version of rahdari that wrote it"
            raise JournalError(Problem(f"has format {row and row[0]}", cure, "PostgreSQL"))

    def close(self) -> None:
        """Close the sessions and let another process write."""
        with self._lock:
            self._is_closed = True
            if self._writer is not None:
                self._writer.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[psycopg.Connection[Any]]:
        """Hold the only right to write; commit at the end, undo everything on any error."""
        with self._lock, self._told():
            connection = self._open()
            with connection.transaction():
                yield connection

    def append(self, events: Sequence[Event], received_s: float, fold: Fold, also: Also | None = None) -> Appended:
        """Store what is new, once, with all that follows from it; durable when it returns."""
        check_events(events)
        with self._writing() as connection:
            sources = self._named(connection, events)
            new, position = self._insert(connection, events, sources, received_s)
            changed = fold(new) if new else {}
            _put(connection, "alarms", {key: ENCODE_ALARM(alarm) for key, alarm in changed.items()})
            grows = counted(new, len(events) - len(new), received_s)
            connection.execute(COUNT, ([name.encode() for name in grows], list(grows.values())))
            if also is not None and new:
                _write(connection, also(new, changed))
        self._sources |= sources
        self._position = position
        return Appended(n_new=len(new), n_duplicate=len(events) - len(new), position=position)

    def _named(self, connection: psycopg.Connection[Any], events: Sequence[Event]) -> dict[str, int]:
        unseen = dict.fromkeys(event.source for event in events if event.source not in self._sources)
        found = {name: number for number, name in enumerate(unseen, start=len(self._sources) + 1)}
        rows = [(number, name.encode()) for name, number in found.items()]
        if rows:
            connection.cursor().executemany("INSERT INTO sources (source_id, name) VALUES (%s, %s)", rows)
        return found

    def _insert(
        self,
        connection: psycopg.Connection[Any],
        events: Sequence[Event],
        unseen: Mapping[str, int],
        received_s: float,
    ) -> tuple[list[Event], int]:
        first, sources = self._position + 1, {**self._sources, **unseen} if unseen else self._sources
        columns = (
            received_s,
            list(range(first, first + len(events))),
            [sources[event.source] for event in events],
            [event.seq for event in events],
            [ENCODE(event) for event in events],
        )
        positions = sorted(row[0] for row in connection.execute(INSERT_EVENTS, columns, binary=True).fetchall())
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
            _write(connection, Writes(incidents=incidents or {}, notices=notices, marks=marks or {}))

    def _rows(self, wanted: str, values: tuple[object, ...] = ()) -> list[Any]:
        """Return rows, read in a session of its own: a reader never waits for the writer."""
        with self._told(), contextlib.closing(self._connect()) as connection:
            return list(connection.execute(wanted.replace("?", "%s"), values, binary=True).fetchall())

    def _pairs(self, table: str, value: str = "body") -> dict[str, Any]:
        rows = self._rows(f"SELECT key, {value} FROM {table} ORDER BY key")
        return {bytes(key).decode(): held for key, held in rows}

    def alarms(self) -> Iterator[Alarm]:
        """Return all alarms, by key."""
        return (DECODE_ALARM(body) for body in self._pairs("alarms").values())

    def incidents(self) -> dict[str, bytes]:
        """Return all incidents by identifier."""
        return self._pairs("incidents")

    def marks(self) -> dict[str, bytes]:
        """Return all marks by name."""
        return self._pairs("marks")

    def counters(self) -> dict[str, int]:
        """Return all counters by name."""
        return self._pairs("counters", "value")

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
            Notice(
                key=bytes(row[0]).decode(), channel=bytes(row[1]).decode(), body=bytes(row[2]), due_s=row[3],
                n_tries=row[4], error=bytes(row[5]).decode(),
            )
            for row in self._rows(wanted, (now_s, limit))
        ]  # fmt: skip

    def notice_done(self, key: str) -> None:
        """Note that a notice was taken by its receiver."""
        with self._writing() as connection:
            connection.execute("UPDATE notices SET is_done = 1, error = '' WHERE key = %s", (key.encode(),))

    def notice_failed(self, key: str, error: str, next_s: float) -> None:
        """Note that a notice could not be delivered, and when to try again."""
        failed = "UPDATE notices SET n_tries = n_tries + 1, error = %s, due_s = %s WHERE key = %s AND is_done = 0"
        with self._writing() as connection:
            connection.execute(failed, (error.encode(), next_s, key.encode()))

    def _run(
        self, connection: psycopg.Connection[Any], statement: str, values: tuple[object, ...]
    ) -> psycopg.Cursor[Any]:
        return connection.execute(statement.replace("?", "%s"), values)


def _newest(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(NEWEST).fetchone()
    return int(row[0]) if row else 0


def _put(connection: psycopg.Connection[Any], table: str, bodies: Mapping[str, bytes]) -> None:
    if bodies:
        values = ([key.encode() for key in bodies], list(bodies.values()))
        connection.execute(PUT.format(table=table), values)


def _write(connection: psycopg.Connection[Any], writes: Writes) -> None:
    _put(connection, "incidents", {key: body for key, body in writes.incidents.items() if body is not None})
    gone = [key.encode() for key, body in writes.incidents.items() if body is None]
    if gone:
        connection.execute("DELETE FROM incidents WHERE key = ANY(%s)", (gone,))
    _put(connection, "marks", writes.marks)
    rows = [
        (one.key.encode(), one.channel.encode(), one.body, one.due_s, one.n_tries, one.error.encode())
        for one in writes.notices
    ]
    if rows:
        connection.cursor().executemany(NOTICE, rows)


__all__ = ["PostgresJournal"]
