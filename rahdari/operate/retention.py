"""What leaves the journal goes into a Parquet file first."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem
from rahdari.operate.journal import Retained
from rahdari.store.atomic import replacing
from rahdari.store.digest import file_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pyarrow as pa

    from rahdari.operate.journal import Stored

ROWS_A_PART = 20_000
RETAIN = """
INSERT INTO retentions (last_position, first_position, n_events, at_s, file, digest, is_done)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
LAST_BEFORE = "SELECT position - 1 FROM events WHERE received_s >= ? ORDER BY position LIMIT 1"
EXTENT = "SELECT min(position), max(position), count(*) FROM events WHERE position <= ?"
PART = "SELECT max(position) FROM (SELECT position FROM events WHERE position <= ? ORDER BY position LIMIT ?) AS part"
# What left the journal is known by runs of sequence numbers, a row a run.
REMEMBER = """
INSERT INTO forgotten (source_id, last_seq, first_seq)
SELECT source_id, max(seq), min(seq) FROM (
  SELECT source_id, seq, seq - row_number() OVER (PARTITION BY source_id ORDER BY seq) AS run
  FROM events WHERE position <= ?
) AS runs GROUP BY source_id, run
"""
TEXTS = ("resource", "type", "severity", "qualifier", "text")


def export_events(path: Path, parts: Iterable[list[Stored]]) -> str:
    """Write events as one Parquet file, durably, and return its digest; times in seconds of POSIX time."""
    import pyarrow as pa  # heavy, and seldom needed: a restart does not wait for it
    import pyarrow.parquet as pq

    columns = _columns()
    with replacing(path) as temporary:
        with pq.ParquetWriter(temporary, columns, compression="zstd") as out:
            for rows in parts:
                out.write_table(pa.Table.from_pylist(_rows_of(rows), schema=columns))
        return file_digest(temporary)


def _columns() -> pa.Schema:
    import pyarrow as pa

    texts = [(name, pa.string()) for name in TEXTS]
    numbers = [("position", pa.int64()), ("received_s", pa.float64())]
    identity = [("source", pa.string()), ("seq", pa.int64()), ("at_s", pa.float64())]
    return pa.schema([*numbers, *identity, *texts, ("fields", pa.map_(pa.string(), pa.string()))])


def _rows_of(rows: list[Stored]) -> list[dict[str, object]]:
    return [
        {
            "position": position,
            "received_s": received_s,
            **{name: getattr(event, name) for name in ("source", "seq", "at_s", *TEXTS)},
            "fields": list(event.fields.items()),
        }
        for position, received_s, event in rows
    ]


class Retaining(ABC):
    """How a journal in SQL lets go of old events; parameters are written ``?``."""

    @abstractmethod
    def _rows(self, wanted: str, values: tuple[object, ...] = ()) -> list[Any]:
        """Return rows, read beside the writer."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Any]:
        """Hold the only right to write, for one transaction."""

    @abstractmethod
    def _run(self, connection: Any, statement: str, values: tuple[object, ...]) -> Any:  # noqa: ANN401
        """Run one statement in the transaction that stands."""

    @abstractmethod
    def events(self, after_position: int = 0, limit: int = 1000) -> list[Stored]:
        """Return at most ``limit`` events behind a position."""

    @abstractmethod
    def position(self) -> int:
        """Return the position of the newest event."""

    def retain(
        self, *, before_s: float | None = None, max_rows: int | None = None, export: Path | None, now_s: float = 0.0
    ) -> Retained:
        """Move old events into a Parquet file, then take them from the journal; who was killed here goes on here."""
        if (before_s is None) == (max_rows is None) or (max_rows is not None and max_rows < 0):
            raise InputError(Problem("what to keep is not said once", "give either before_s or max_rows, at least 0"))
        self._forget()
        found = self._old(before_s, max_rows)
        if found is None:
            return Retained(n_events=0, first_position=0, last_position=0, file="", digest="")
        first, last, n_events = found
        file, digest = "", ""
        if export is not None:
            path = export / f"events-{first}-{last}.parquet"
            file, digest = str(path), export_events(path, self._old_events(last))
        with self._writing() as connection:
            self._run(connection, RETAIN, (last, first, n_events, now_s, file, digest, 0))
        self._forget()
        return Retained(n_events=n_events, first_position=first, last_position=last, file=file, digest=digest)

    def _old(self, before_s: float | None, max_rows: int | None) -> tuple[int, int, int] | None:
        """Return the first and last position that should leave and how many events those are, or ``None``."""
        if before_s is not None:
            kept = self._rows(LAST_BEFORE, (before_s,))
            last = kept[0][0] if kept else self.position()
        else:
            kept = self._rows("SELECT position FROM events ORDER BY position DESC LIMIT 1 OFFSET ?", (max_rows,))
            last = kept[0][0] if kept else 0
        first, newest, n_events = self._rows(EXTENT, (last,))[0]
        return (first, newest, n_events) if n_events else None

    def _old_events(self, last: int) -> Iterator[list[Stored]]:
        after = 0
        while rows := [row for row in self.events(after, ROWS_A_PART) if row[0] <= last]:
            yield rows
            after = rows[-1][0]

    def _forget(self) -> None:
        """Take from the journal what was exported, a part a transaction, so that events get in between."""
        for (last,) in self._rows("SELECT last_position FROM retentions WHERE is_done = 0 ORDER BY last_position"):
            is_done = False
            while not is_done:
                with self._writing() as connection:
                    until = self._run(connection, PART, (last, ROWS_A_PART)).fetchone()[0]
                    is_done = until is None
                    if is_done:
                        self._run(connection, "UPDATE retentions SET is_done = 1 WHERE last_position = ?", (last,))
                    else:
                        self._run(connection, REMEMBER, (until,))
                        self._run(connection, "DELETE FROM events WHERE position <= ?", (until,))


__all__ = ["Retaining", "export_events"]
