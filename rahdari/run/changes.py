"""Apply a scenario's changes to an input table; every fault is reported together."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.schema.checks import conform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.model.scenario import Change
    from rahdari.schema import TableSchema
    from rahdari.schema.loader import Column


def _nearest(wanted: str, known: Sequence[str], otherwise: str) -> str:
    near = difflib.get_close_matches(wanted, known, n=1)
    return f"use '{near[0]}'" if near else otherwise


def _row_problem(frame: pl.DataFrame, schema: TableSchema, change: Change, file: str) -> Problem | None:
    """Return what is wrong with the cell that a change names, or ``None``."""
    may_change = [name for name in frame.columns if name not in schema.key and schema.column(name).kind != "geometry"]
    if change.column not in may_change:
        cure = _nearest(change.column, may_change, f"use one of {', '.join(may_change)}")
        return Problem(f"{change.table} has no column '{change.column}' to change", cure, file)
    keys = frame[schema.key[0]].cast(pl.String())
    n_rows = (keys == change.key).sum()
    if n_rows == 0:
        cure = _nearest(change.key, keys.to_list(), f"see 'rahdari schema {change.table}'")
        return Problem(f"{change.table} has no row '{change.key}'", cure, file)
    if n_rows > 1:
        cure = "change a table whose rows have one key"
        return Problem(f"{n_rows} rows of {change.table} have the key '{change.key}'", cure, file)
    return None


def _fits(value: object, column: Column) -> bool:
    """Return whether a value of a scenario may stand in a column, without being bent to fit."""
    if column.kind == "bool":
        return isinstance(value, bool)
    if column.kind == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if column.kind == "int":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
    return isinstance(value, str)


def _changed(frame: pl.DataFrame, schema: TableSchema, change: Change) -> pl.DataFrame:
    """Return the frame with one cell changed and its row marked as assumed."""
    here = pl.col(schema.key[0]).cast(pl.String()) == change.key
    values: dict[str, Any] = {change.column: change.value}
    if "evidence" in frame.columns:
        values.setdefault("evidence", "assumed")
    return frame.with_columns(
        pl.when(here).then(pl.lit(value).cast(frame.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def changed_table(frame: pl.DataFrame, schema: TableSchema, changes: Sequence[Change], scenario: str) -> pl.DataFrame:
    """Return the table with the changed cells; ``evidence`` of a changed row becomes ``assumed``."""
    file = f"scenario {scenario}"
    problems: list[Problem] = []
    for change in changes:
        problem = _row_problem(frame, schema, change, file)
        if problem is None and not _fits(change.value, schema.column(change.column)):
            cure = f"give a value of type {schema.column(change.column).kind}"
            problem = Problem(f"{change.value!r} does not fit {change.table}.{change.column}", cure, file)
        if problem is not None:
            problems.append(problem)
    raise_if_any(problems, InputError)
    for change in changes:
        frame = _changed(frame, schema, change)
    # Negative lengths, unknown choices and the like are told here, under the scenario's name.
    return conform(frame, schema, file=f"{file}, {schema.name}")
