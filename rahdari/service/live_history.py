"""The history of events as a table that leaves the live network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HISTORY = (
    "position", "received_s", "at_s", "source", "seq", "resource", "type", "qualifier", "severity", "text", "fields",
)  # fmt: skip
PAGE = 5_000


def write_history(rows: Iterable[tuple[Any, ...]], path: Path) -> int:
    """Write rows of :data:`HISTORY` as Parquet, piece by piece; return how many."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"position": pa.int64(), "seq": pa.int64(), "received_s": pa.float64(), "at_s": pa.float64()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in HISTORY])
    n = 0
    held: list[tuple[Any, ...]] = []
    with pq.ParquetWriter(path, schema) as writer:

        def flush() -> None:
            columns = list(zip(*held, strict=True)) or [()] * len(HISTORY)
            arrays = [pa.array(column, kind.type) for column, kind in zip(columns, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            held.clear()

        for row in rows:
            held.append(row)
            n += 1
            if len(held) >= PAGE:
                flush()
        flush()
    return n


__all__ = ["HISTORY", "PAGE", "write_history"]
