"""A country as a folder of files, one a table: ``places.parquet`` or ``places.csv`` and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.errors import InputError, Problem, RahdariError, raise_if_any
from rahdari.schema.checks import conform, empty_table, reference_problems
from rahdari.store.parquet import read_parquet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rahdari.schema import TableSchema

#: Without these there is no country; all others may be missing and are then empty.
REQUIRED = (
    "country",
    "districts",
    "places",
    "rights_of_way",
    "rights_of_way_nodes",
    "equipment",
    "services",
    "sources",
)
ENDINGS = (".parquet", ".csv")
GEOMETRY = "geometry"
OTHER_SEPARATORS = (";", "\t", "|")


def _read(path: Path, schema: TableSchema) -> pl.DataFrame:
    if path.suffix == ".parquet":
        frame = read_parquet(path, None)
        # Point tables carry a geometry made from their coordinates; the coordinates are the truth.
        return frame.drop(GEOMETRY) if schema.is_point_table and GEOMETRY in frame.columns else frame
    try:
        frame = pl.read_csv(path, infer_schema=False, encoding="utf8")
    except (pl.exceptions.PolarsError, UnicodeDecodeError, OSError) as error:
        what = f"is no readable CSV: {str(error).splitlines()[0]}"
        cure = "save it as CSV in UTF-8, with commas and one header line"
        raise InputError(Problem(what, cure, path.name)) from error
    if any("\0" in name or "\ufffd" in name for name in frame.columns):
        raise InputError(Problem("is not UTF-8", "save it as CSV in UTF-8", path.name))
    other = next((mark for mark in OTHER_SEPARATORS if frame.width == 1 and mark in frame.columns[0]), None)
    if other is not None:
        raise InputError(Problem(f"is separated by {other!r}", "save it as CSV with commas", path.name))
    return frame


def read_tables_folder(folder: Path, schemas: Mapping[str, TableSchema]) -> dict[str, pl.DataFrame]:
    """Return all input tables of a folder, checked against their schema and each other.

    Every fault of every file is raised at once, each with file, row, column and cure.
    """
    problems: list[Problem] = []
    frames: dict[str, pl.DataFrame] = {}
    for name, schema in schemas.items():
        candidates = [folder / f"{name}{ending}" for ending in ENDINGS]
        path = next((candidate for candidate in candidates if candidate.is_file()), None)
        if path is None:
            if name in REQUIRED:
                cure = f"add {name}.parquet or {name}.csv; see 'rahdari schema {name}'"
                problems.append(Problem(f"table '{name}' is missing", cure, str(folder)))
            frames[name] = empty_table(schema)
            continue
        try:
            frames[name] = conform(_read(path, schema), schema, file=path.name)
        except RahdariError as error:
            problems += error.problems
    # References are checked among the tables that could be read, so that one bad file does not hide another.
    problems += reference_problems(frames, schemas)
    raise_if_any(problems, InputError)
    return frames
