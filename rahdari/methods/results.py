"""Result frames with the types that their schema states, from rows or columns, empty ones included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.schema.checks import DTYPES
from rahdari.schema.loader import read_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def result_frame(data: Sequence[Mapping[str, object]] | Mapping[str, object] | None, schema_path: Path) -> pl.DataFrame:
    """Return a frame of the table described by the schema CSV at ``schema_path``.

    ``data`` is rows, columns, or ``None`` for no row.  A column that the schema does not know raises
    :class:`polars.exceptions.ColumnNotFoundError` for columns and is left out for rows.
    """
    types = {column.name: DTYPES[column.kind] for column in read_schema(schema_path).columns}
    return pl.DataFrame(data, schema=types, strict=False)
