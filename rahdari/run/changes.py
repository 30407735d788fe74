"""Apply a scenario's changes to an input table; every fault is reported together."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.model.scenario import Change
    from rahdari.schema import TableSchema


def _problem(frame: pl.DataFrame, schema: TableSchema, change: Change, file: str) -> Problem | None:
    key = schema.key[0]
    if change.column not in frame.columns or change.column in schema.key:
        near = difflib.get_close_matches(change.column, frame.columns, n=1)
        cure = f"use '{near[0]}'" if near else f"use one of {', '.join(frame.columns)}"
        return Problem(f"{change.table} has no column '{change.column}' to change", cure, file)
    if change.key not in frame[key]:
        near = difflib.get_close_matches(change.key, frame[key].to_list(), n=1)
        cure = f"use '{near[0]}'" if near else f"see 'rahdari schema {change.table}'"
        return Problem(f"{change.table} has no row '{change.key}'", cure, file)
    return None


def changed_table(frame: pl.DataFrame, schema: TableSchema, changes: Sequence[Change], scenario: str) -> pl.DataFrame:
    """Return the table with the changed cells; ``evidence`` of a changed row becomes ``assumed``."""
    file = f"scenario {scenario}"
    problems = [problem for change in changes if (problem := _problem(frame, schema, change, file))]
    raise_if_any(problems, InputError)
    key = schema.key[0]
    for change in changes:
        here = pl.col(key) == change.key
        dtype = frame.schema[change.column]
        try:
            value = pl.Series([change.value]).cast(dtype, strict=True)[0]
        except (pl.exceptions.PolarsError, TypeError) as error:
            cure = f"give a value of type {schema.column(change.column).kind}"
            what = f"{change.value!r} does not fit {change.table}.{change.column}"
            raise InputError(Problem(what, cure, file)) from error
        columns = [pl.when(here).then(pl.lit(value, dtype=dtype)).otherwise(pl.col(change.column)).alias(change.column)]
        if "evidence" in frame.columns and change.column != "evidence":
            columns.append(pl.when(here).then(pl.lit("assumed")).otherwise(pl.col("evidence")).alias("evidence"))
        frame = frame.with_columns(columns)
    return frame
