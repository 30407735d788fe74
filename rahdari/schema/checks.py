"""Check and conform frames against their schema; every fault is named with row and cure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.units import SUFFIXES, unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.schema.loader import Column, TableSchema

DTYPES: dict[str, pl.DataType] = {
    "id": pl.String(),
    "key": pl.String(),
    "text": pl.String(),
    "enum": pl.String(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "geometry": pl.Binary(),
    "bytes": pl.Binary(),
}
MAX_ROWS_NAMED = 5  # rows listed for one fault; the count of the rest follows
LONGITUDE_MAX_DEG = 180.0
LATITUDE_MAX_DEG = 90.0
#: Units in which a negative value has no meaning.
NON_NEGATIVE_UNITS = frozenset(
    (
        "km",
        "km2",
        "ms",
        "h",
        "h_per_day",
        "years",
        "mbps",
        "gbps",
        "tbps",
        "w",
        "kw",
        "kwh",
        "l",
        "per_km2",
        "per_year",
        "frac",
        "people",
        "households",
        "sites",
    )
)


def empty_table(schema: TableSchema) -> pl.DataFrame:
    """Return a frame with the schema's columns and no rows."""
    return pl.DataFrame(schema={column.name: DTYPES[column.kind] for column in schema.columns})


def _rows(frame: pl.DataFrame, mask: pl.Expr | pl.Series) -> list[int]:
    return (frame.select(mask.alias("_")).to_series() if isinstance(mask, pl.Expr) else mask).arg_true().to_list()


def _each(rows: list[int], what: str, cure: str, file: str, column: str | None) -> list[Problem]:
    """Return one problem per faulty row, the first few; a last one counts the rest."""
    problems = [Problem(what, cure, file, row + 1, column) for row in rows[:MAX_ROWS_NAMED]]
    if len(rows) > MAX_ROWS_NAMED:
        problems.append(Problem(f"{what} (and {len(rows) - MAX_ROWS_NAMED} more rows)", cure, file, None, column))
    return problems


def _missing_column(name: str, found: list[str], file: str) -> Problem:
    stem = name.removesuffix(f"_{unit_of(name)}") if unit_of(name) else name
    for other in found:
        unit = unit_of(other)
        if other == stem or (unit and unit != unit_of(name) and other.removesuffix(f"_{unit}") == stem):
            stated = f"in {SUFFIXES[unit]}" if unit else "without a unit"
            cure = f"convert it to {SUFFIXES[unit_of(name) or 'count']} and rename it to '{name}'"
            return Problem(f"'{name}' is missing; '{other}' is given {stated}", cure, file, None, other)
    near = difflib.get_close_matches(name, found, n=1)
    cure = f"rename '{near[0]}' to '{name}'" if near else f"add the column '{name}'"
    return Problem(f"column '{name}' is missing", cure, file, None, name)


def _cast(frame: pl.DataFrame, column: Column, file: str) -> tuple[pl.Series, list[Problem]]:
    series = frame[column.name]
    dtype = DTYPES[column.kind]
    if series.dtype == dtype:
        return series, []
    if column.kind == "bool" and series.dtype == pl.String():
        mapping = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
        cast = series.str.to_lowercase().replace_strict(mapping, default=None, return_dtype=pl.Boolean())
    elif column.kind == "int" and (series.dtype == pl.String() or series.dtype.is_float()):
        number = series.cast(pl.Float64(), strict=False)
        # A share of a person is no count: refused rather than cut off.
        cast = pl.select(pl.when(number == number.floor()).then(number)).to_series().cast(pl.Int64(), strict=False)
    else:
        cast = series.cast(dtype, strict=False)
    bad = (cast.is_null() & series.is_not_null() & (series.cast(pl.String()).fill_null("") != "")).arg_true().to_list()
    cure = f"write a value of type {column.kind}"
    if bad and column.is_number and "," in str(series[bad[0]]):
        cure = "write decimals with a point and thousands without a separator"
    return cast, _each(bad, f"'{series[bad[0]]}' is no {column.kind}" if bad else "", cure, file, column.name)


def _value_problems(series: pl.Series, column: Column, file: str) -> list[Problem]:
    problems = []
    if not column.may_be_null:
        rows = series.is_null().arg_true().to_list()
        problems += _each(rows, "value is missing", "fill it in or remove the row", file, column.name)
    if column.kind == "float":
        rows = (series.is_nan() | series.is_infinite()).fill_null(value=False).arg_true().to_list()
        problems += _each(rows, "value is NaN or infinite", "leave it empty where unknown", file, column.name)
    if column.is_number:
        must_be_positive = column.name.startswith("n_") or unit_of(column.name) in NON_NEGATIVE_UNITS
        if must_be_positive and column.name not in {"value", "elevation_m"}:
            rows = (series < 0).fill_null(value=False).arg_true().to_list()
            problems += _each(rows, "value is negative", "give a value of zero or more", file, column.name)
        limit = {"lon_deg": LONGITUDE_MAX_DEG, "lat_deg": LATITUDE_MAX_DEG}.get(column.name)
        if limit is not None:
            rows = (series.abs() > limit).fill_null(value=False).arg_true().to_list()
            cure = "give degrees, WGS 84; longitude and latitude may be swapped"
            problems += _each(rows, f"outside -{limit:g} to {limit:g} degrees", cure, file, column.name)
    if column.kind == "enum":
        rows = (~series.is_in(list(column.choices))).fill_null(value=False).arg_true().to_list()
        if rows:
            near = difflib.get_close_matches(str(series[rows[0]]), column.choices, n=1)
            cure = f"use '{near[0]}'" if near else f"use one of {', '.join(column.choices)}"
            problems += _each(rows, f"'{series[rows[0]]}' is unknown", cure, file, column.name)
    return problems


def _key_problems(frame: pl.DataFrame, schema: TableSchema, file: str) -> list[Problem]:
    key = list(schema.key)
    if not frame.height or any(name not in frame.columns for name in key):
        return []
    rows = _rows(frame, ~pl.struct(key).is_first_distinct())
    name = " + ".join(key)
    return _each(rows, f"{name} stands twice", "give each row its own key or remove one", file, name)


def conform(
    frame: pl.DataFrame, schema: TableSchema, *, file: str | None = None, strict_columns: bool = True
) -> pl.DataFrame:
    """Return the frame with the schema's columns, types, defaults and key order.

    All faults (missing or unknown columns, types, NaN, negative, unknown choices, duplicate keys,
    coordinates out of range) are raised together as one :class:`InputError`.
    """
    file = file or f"{schema.name}"
    problems: list[Problem] = []
    series: list[pl.Series] = []
    unknown = [name for name in frame.columns if name not in schema.names]
    for column in schema.columns:
        if column.name in frame.columns:
            cast, faults = _cast(frame, column, file)
        elif column.default or column.may_be_null:
            value: str | None = column.default or None
            cast, faults = _cast(pl.DataFrame({column.name: [value] * frame.height}), column, file)
        else:
            problems.append(_missing_column(column.name, unknown, file))
            continue
        if column.default and cast.null_count() and not faults:
            fill = _cast(pl.DataFrame({column.name: [column.default]}), column, file)[0]
            cast = cast.fill_null(fill[0])
        problems += faults or _value_problems(cast, column, file)
        series.append(cast.rename(column.name))
    named = {problem.column for problem in problems}
    if strict_columns:
        for name in unknown:
            if name not in named:
                near = difflib.get_close_matches(name, schema.names, n=1)
                cure = f"remove it or rename it to '{near[0]}'" if near else "remove it"
                problems.append(Problem(f"column '{name}' is unknown", cure, file, None, name))
    result = pl.DataFrame(series)
    problems += _key_problems(result, schema, file)
    raise_if_any(problems, InputError)
    return result.sort(list(schema.key))


def reference_problems(tables: Mapping[str, pl.DataFrame], schemas: Mapping[str, TableSchema]) -> list[Problem]:
    """Return a problem for every foreign key whose row is missing, over all given tables."""
    problems: list[Problem] = []
    for name, frame in tables.items():
        for column in schemas[name].columns if name in schemas else ():
            target = column.argument
            if column.kind != "key" or target not in tables:
                continue
            known = tables[target][schemas[target].key[0]]
            rows = (~frame[column.name].is_in(known.implode()) & frame[column.name].is_not_null()).arg_true().to_list()
            if rows:
                what = f"'{frame[column.name][rows[0]]}' is not in {target}"
                problems += _each(rows, what, f"add it to {target} or correct it", name, column.name)
    return problems
