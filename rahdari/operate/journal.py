"""The journal: what the live network said, in order and durably; everything else is a fold of it.

One journal is one SQLite file (``sqlite:///live.db``) or one PostgreSQL database (``postgresql://...``), behind the
same protocol.  What is appended is there after a power cut, exactly once per ``(source, seq)``, and so is all that was
derived in the same transaction: alarms, counters, incidents and notices.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from rahdari.errors import InputError, PlanError, Problem, raise_if_any
from rahdari.operate.events import SEVERITIES, Event

if TYPE_CHECKING:
    from rahdari.operate.alarms import Alarm

SQLITE, POSTGRES = "sqlite:///", ("postgresql://", "postgres://")
SEQ_LIMIT = 2**63
MAX_FUTURE_S = 300.0  # a source's clock this far ahead of ours is counted as wrong
FIRST_RETRY_S, LAST_RETRY_S = 5.0, 900.0
IN_WORDS = 12  # problems told of one batch; a storm of them would hide the first


class JournalError(PlanError):
    """The journal cannot take or give anything now; nothing was changed, and the same call may be made again."""


class JournalBusyError(JournalError):
    """Another process writes the journal."""


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """How many events were new, how many known already, and the position of the newest event in the journal."""

    n_new: int
    n_duplicate: int
    position: int


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be delivered at least once; ``key`` lets its receiver drop what comes twice."""

    key: str
    channel: str
    body: bytes
    due_s: float
    n_tries: int = 0
    error: str = ""


class Writes(msgspec.Struct, frozen=True, kw_only=True):
    """What is written beside events: incidents by identifier (``None`` removes), notices, marks by name."""

    incidents: Mapping[str, bytes | None] = {}
    notices: Sequence[Notice] = ()
    marks: Mapping[str, bytes] = {}


class Retained(msgspec.Struct, frozen=True, kw_only=True):
    """What left the journal: positions, how many events, and the Parquet file (with its digest) that holds them."""

    n_events: int
    first_position: int
    last_position: int
    file: str
    digest: str


Stored = tuple[int, float, Event]  # position, when it was received, the event
Fold = Callable[[Sequence[Event]], Mapping[str, "Alarm"]]
Also = Callable[[Sequence[Event], Mapping[str, "Alarm"]], Writes]


class Journal(Protocol):
    """A journal; one process writes it, any may read.  Every call may come from any thread."""

    def append(self, events: Sequence[Event], received_s: float, fold: Fold, also: Also | None = None) -> Appended:
        """Store events that are not known yet and all that follows from them, in one durable transaction.

        Positions grow in the order of arrival; a duplicate may leave a gap.

        ``fold`` gets the new events in their order and returns the alarms they change; ``also`` gets both and returns
        what else belongs to this transaction.  Either may be called again with the same events after a failure and
        must change nothing itself.  :class:`JournalError` where nothing could be stored.
        """
        ...

    def save(
        self,
        *,
        incidents: Mapping[str, bytes | None] | None = None,
        notices: Sequence[Notice] = (),
        marks: Mapping[str, bytes] | None = None,
    ) -> None:
        """Store incidents, notices and marks in one durable transaction; a notice whose key is known is left as is."""
        ...

    def alarms(self) -> Iterator[Alarm]:
        """Return all alarms, by key."""
        ...

    def incidents(self) -> dict[str, bytes]:
        """Return all incidents by identifier."""
        ...

    def marks(self) -> dict[str, bytes]:
        """Return all marks by name."""
        ...

    def counters(self) -> dict[str, int]:
        """Return ``events``, ``duplicates``, ``future``, ``severity:NAME`` and ``source:NAME`` since the beginning."""
        ...

    def events(self, after_position: int = 0, limit: int = 1000) -> list[Stored]:
        """Return at most ``limit`` events behind a position, in the journal's order."""
        ...

    def position(self) -> int:
        """Return the position of the newest event; 0 in an empty journal."""
        ...

    def notices_due(self, now_s: float, limit: int = 100) -> list[Notice]:
        """Return notices that should be sent by now, the oldest first."""
        ...

    def notice_done(self, key: str) -> None:
        """Note that a notice was taken by its receiver."""
        ...

    def notice_failed(self, key: str, error: str, next_s: float) -> None:
        """Note that a notice could not be delivered, and when to try again; see :func:`next_try_s`."""
        ...

    def retain(
        self, *, before_s: float | None = None, max_rows: int | None = None, export: Path | None, now_s: float = 0.0
    ) -> Retained:
        """Move old events into a Parquet file of the folder ``export``, then take them from the journal.

        Old is what stands before the first event received at or after ``before_s``, or all but the newest
        ``max_rows``.  With ``export=None`` they are lost, which is noted as well.  What left is still known: it is
        not stored a second time.
        """
        ...

    def close(self) -> None:
        """Let go of the journal."""
        ...


def next_try_s(n_tries: int, now_s: float) -> float:
    """Return when to try again after ``n_tries`` failures: 5 s, doubled each time, at most a quarter of an hour."""
    return now_s + min(FIRST_RETRY_S * 2.0 ** min(n_tries, 30), LAST_RETRY_S)


def problem_of(event: Event) -> str | None:
    """Return what makes an event impossible to keep, or ``None``."""
    if not event.source:
        return "has no source"
    if not 0 <= event.seq < SEQ_LIMIT:
        return f"has a sequence number outside 0 to 2^63 - 1: {event.seq}"
    if not math.isfinite(event.at_s):
        return "has a time that is no number"
    if event.severity not in SEVERITIES:
        return f"has a severity that is none of {', '.join(SEVERITIES)}"
    return None


def check_events(events: Sequence[Event]) -> None:
    """Raise one :class:`InputError` that names every event that cannot be kept."""
    found = ((row, problem_of(event)) for row, event in enumerate(events, start=1))
    problems = [Problem(f"an event {what}", "correct it at its source", None, row) for row, what in found if what]
    raise_if_any(problems[:IN_WORDS])


def counted(new: Sequence[Event], n_duplicate: int, received_s: float) -> dict[str, int]:
    """Return by how much each counter grows; derived from rows really inserted."""
    grows: Counter[str] = Counter(f"severity:{event.severity}" for event in new)
    grows.update(f"source:{event.source}" for event in new)
    grows["events"], grows["duplicates"] = len(new), n_duplicate
    grows["future"] = sum(event.at_s > received_s + MAX_FUTURE_S for event in new)
    return {name: value for name, value in grows.items() if value}


def open_journal(url: str) -> Journal:
    """Open a journal for writing, made where there is none.

    ``sqlite:///live.db`` stands in the working folder, ``sqlite:////srv/live.db`` is absolute;
    ``postgresql://user@host/database`` is an existing database.  :class:`JournalBusyError` where another process
    writes it.
    """
    if url.startswith(SQLITE):
        from rahdari.operate.sqlite_journal import SqliteJournal

        return SqliteJournal(Path(url.removeprefix(SQLITE)))
    if url.startswith(POSTGRES):
        from rahdari.operate.postgres_journal import PostgresJournal

        return PostgresJournal(url)
    cure = "give sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    raise InputError(Problem(f"'{url}' names no journal", cure))


__all__ = [
    "Also",
    "Appended",
    "Fold",
    "Journal",
    "JournalBusyError",
    "JournalError",
    "Notice",
    "Retained",
    "Stored",
    "Writes",
    "check_events",
    "next_try_s",
    "open_journal",
    "problem_of",
]
