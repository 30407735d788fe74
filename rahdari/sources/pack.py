"""Country packs: folders of CSV tables, checked against the schema, laid over the common catalogue row by row."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.schema import base_schemas
from rahdari.schema.checks import MAX_ROWS_NAMED, conform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.schema import Column, TableSchema

PACKS_FOLDER = Path(__file__).parent / "packs"
RECORD_FILE = "pack.toml"
REQUIRED_KEYS = ("name", "country_id", "version")
KNOWN_KEYS = (*REQUIRED_KEYS, "extends", "default_scenario")
COUNTRY_CODE_LETTERS = 2  # ISO 3166-1 alpha-2


@dataclass(frozen=True, slots=True)
class PackRecord:
    """What ``pack.toml`` says: name, ISO 3166-1 alpha-2 code, version, the pack it lies over, its usual scenario."""

    name: str
    country_id: str
    version: str
    extends: str | None = None
    default_scenario: str | None = None


def _record_problems(values: Mapping[str, Any], file: str) -> list[Problem]:
    problems = [Problem(f"'{key}' is missing", f"add '{key}'", file) for key in REQUIRED_KEYS if key not in values]
    for key in values:
        if key not in KNOWN_KEYS:
            near = difflib.get_close_matches(key, KNOWN_KEYS, n=1)
            cure = f"write '{near[0]}'" if near else f"use one of {', '.join(KNOWN_KEYS)}"
            problems.append(Problem(f"'{key}' is unknown", cure, file, None, key))
    code = str(values.get("country_id", "XX"))
    if not (len(code) == COUNTRY_CODE_LETTERS and code.isalpha() and code.isupper()):
        cure = "write the two capital letters of ISO 3166-1"
        problems.append(Problem(f"'{code}' is no country code", cure, file, None, "country_id"))
    parent = values.get("extends")
    if parent is not None and not (PACKS_FOLDER / str(parent)).is_dir():
        known = sorted(path.name for path in PACKS_FOLDER.iterdir() if path.is_dir() and not path.name.startswith("_"))
        problems.append(Problem(f"extends '{parent}', which is no pack", f"use one of {', '.join(known)}", file))
    return problems


def read_record(folder: Path) -> PackRecord:
    """Return what a pack's ``pack.toml`` says; all its faults are raised together as :class:`InputError`."""
    file = f"{folder.name}/{RECORD_FILE}"
    try:
        values = tomllib.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(Problem("there is no such file", "add it with name, country_id and version", file)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"is no valid TOML: {error}", "correct the line named", file)) from error
    raise_if_any(_record_problems(values, file))
    return PackRecord(**{key: str(value) for key, value in values.items()})


def _read_text(path: Path, file: str) -> pl.DataFrame:
    """Return a CSV file's cells as text in file order, empty cells as null."""
    try:
        return pl.read_csv(path, infer_schema=False, encoding="utf8")
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        what = f"cannot be read as CSV: {str(error).splitlines()[0]}"
        raise InputError(Problem(what, "save it as UTF-8 CSV with one header line and equal rows", file)) from error


def _reference_problems(
    text: pl.DataFrame, schema: TableSchema, tables: Mapping[str, pl.DataFrame], file: str
) -> list[Problem]:
    """Return a problem for every key that names a row of a loaded table that is not there."""
    problems = []
    for column in schema.columns:
        if column.kind == "key" and column.argument in tables and column.name in text.columns:
            problems += _missing_rows(text[column.name], column, tables[column.argument], file)
    return problems


def _missing_rows(cells: pl.Series, column: Column, target: pl.DataFrame, file: str) -> list[Problem]:
    known = set(target[base_schemas()[column.argument].key[0]].to_list())
    lost = [(row, cell) for row, cell in enumerate(cells, start=1) if cell is not None and cell not in known]
    cure = f"add it to {column.argument}.csv or correct it"
    problems = [
        Problem(f"'{cell}' is not in {column.argument}", cure, file, row, column.name)
        for row, cell in lost[:MAX_ROWS_NAMED]
    ]
    if len(lost) > MAX_ROWS_NAMED:
        what = f"names of {column.argument} that are not there (and {len(lost) - MAX_ROWS_NAMED} more rows)"
        problems.append(Problem(what, cure, file, None, column.name))
    return problems


def _laid_over(base: pl.DataFrame, own: pl.DataFrame, schema: TableSchema) -> pl.DataFrame:
    """Return the base's rows with those of the same key replaced by own rows, in key order."""
    key = list(schema.key)
    return pl.concat([base.join(own.select(key), on=key, how="anti"), own]).sort(key)


def load_pack(folder: Path) -> dict[str, pl.DataFrame]:
    """Return the tables of a pack by name, each with the schema's columns and types, in key order.

    Every ``<table>.csv`` of the folder is read.  Where ``pack.toml`` says ``extends``, the parent's rows come first and
    a row of the same key replaces the parent's.  A folder without ``pack.toml`` (the common catalogue) stands alone.
    All faults of all files are raised together as :class:`InputError`, each with file, row, column and cure.
    """
    problems: list[Problem] = []
    parent: dict[str, pl.DataFrame] = {}
    if not folder.is_dir():
        raise InputError(Problem("there is no such folder", "give a folder with pack.toml", folder.name))
    if (folder / RECORD_FILE).is_file():
        try:
            record = read_record(folder)
            parent = load_pack(PACKS_FOLDER / record.extends) if record.extends else {}
        except InputError as error:
            problems += error.problems
    schemas = base_schemas()
    tables, texts = dict(parent), {}
    for path in sorted(folder.glob("*.csv")):
        file = f"{folder.name}/{path.name}"
        if path.stem not in schemas:
            near = difflib.get_close_matches(path.stem, list(schemas), n=1)
            cure = f"rename it to '{near[0]}.csv'" if near else f"use one of {', '.join(schemas)}"
            problems.append(Problem(f"'{path.stem}' is no table", cure, file))
            continue
        try:
            texts[path.stem] = _read_text(path, file)
            own = conform(texts[path.stem], schemas[path.stem], file=file)
        except InputError as error:
            problems += error.problems
            continue
        base = parent.get(path.stem)
        tables[path.stem] = own if base is None else _laid_over(base, own, schemas[path.stem])
    for name, text in texts.items():
        problems += _reference_problems(text, schemas[name], tables, f"{folder.name}/{name}.csv")
    raise_if_any(problems)
    return dict(sorted(tables.items()))
