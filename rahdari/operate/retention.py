"""What leaves the journal goes into a Parquet file first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from rahdari.errors import InputError, Problem
from rahdari.store.atomic import replacing
from rahdari.store.digest import file_digest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rahdari.operate.journal import Stored

TEXTS = ("resource", "type", "severity", "qualifier", "text")
COLUMNS = pa.schema(
    [
        ("position", pa.int64()),
        ("received_s", pa.float64()),
        ("source", pa.string()),
        ("seq", pa.int64()),
        ("at_s", pa.float64()),
        *((name, pa.string()) for name in TEXTS),
        ("fields", pa.map_(pa.string(), pa.string())),
    ]
)


def check_retain(before_s: float | None, max_rows: int | None) -> None:
    """Raise :class:`InputError` unless exactly one rule says what is old."""
    if (before_s is None) == (max_rows is None) or (max_rows is not None and max_rows < 0):
        raise InputError(Problem("what to keep is not said once", "give either before_s or max_rows, at least 0"))


def export_events(path: Path, parts: Iterable[list[Stored]]) -> str:
    """Write events as one Parquet file, durably, and return its digest; times in seconds of POSIX time."""
    with replacing(path) as temporary:
        with pq.ParquetWriter(temporary, COLUMNS, compression="zstd") as out:
            for rows in parts:
                out.write_table(_table(rows))
        return file_digest(temporary)


def _table(rows: list[Stored]) -> pa.Table:
    events = [event for _, _, event in rows]
    columns = {
        "position": [position for position, _, _ in rows],
        "received_s": [received_s for _, received_s, _ in rows],
        "source": [event.source for event in events],
        "seq": [event.seq for event in events],
        "at_s": [event.at_s for event in events],
        **{name: [getattr(event, name) for event in events] for name in TEXTS},
        "fields": [list(event.fields.items()) for event in events],
    }
    return pa.Table.from_pydict(columns, schema=COLUMNS)


__all__ = ["check_retain", "export_events"]
