"""What a run knows of a table: where its file lies, its digest, who wrote it, and the frame once loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import polars as pl

    from rahdari.schema import TableSchema
    from rahdari.store.cache import ResultCache


@dataclass(slots=True)
class TableState:
    """One table of a running plan; the frame is read only when somebody asks for it."""

    name: str
    path: Path
    digest: str
    n_rows: int
    writer: str
    schema: TableSchema
    _frame: pl.DataFrame | None = field(default=None, repr=False)

    def frame(self) -> pl.DataFrame:
        """Return the table, reading its file on first use."""
        if self._frame is None:
            from rahdari.store.parquet import read_parquet  # an unchanged rerun reads no table

            self._frame = read_parquet(self.path, self.schema)
        return self._frame


def store_tables(
    cache: ResultCache,
    key: str,
    frames: Mapping[str, pl.DataFrame],
    schemas: Mapping[str, TableSchema],
    meta: Mapping[str, Any],
) -> dict[str, Any]:
    """Conform, write and commit the tables of one key; return the full record."""
    from rahdari.schema.checks import conform  # an unchanged rerun writes no table
    from rahdari.store.parquet import write_table

    staging = cache.begin(key)
    try:
        records = {}
        for name, frame in frames.items():
            ready = conform(frame, schemas[name], file=name)
            path = staging / f"{name}.parquet"
            digest = write_table(ready, path, schemas[name])
            found = path.stat()
            records[name] = {
                "digest": digest,
                "n_rows": ready.height,
                "n_bytes": found.st_size,
                "modified_ns": found.st_mtime_ns,
            }
        full = {**meta, "tables": records}
        cache.commit(key, staging, full)
    except BaseException:
        cache.discard(staging)
        raise
    return full


def states_of(
    cache: ResultCache, key: str, meta: Mapping[str, Any], schemas: Mapping[str, TableSchema], writer: str
) -> dict[str, TableState]:
    """Return the states of the tables recorded under one key."""
    return {
        name: TableState(name, cache.path(key, name), record["digest"], record["n_rows"], writer, schemas[name])
        for name, record in meta["tables"].items()
    }
