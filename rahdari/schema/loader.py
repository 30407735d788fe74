"""Read schema CSV files into frozen descriptions; refuse numbers whose name has no unit."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.units import carries_unit

TABLES_FOLDER = Path(__file__).parent / "tables"
FIELDS = ("column", "type", "unit", "default", "description", "status")
KINDS = ("id", "key", "text", "int", "float", "bool", "enum", "geometry", "bytes")
STATUSES = ("key", "required", "optional", "result")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, unit, default and meaning.

    ``formula`` recomputes a cell from other cells and is empty where the value was observed,
    chosen by optimisation or found by a spatial search.
    """

    name: str
    type: str
    unit: str
    default: str
    description: str
    status: str
    formula: str = ""

    @property
    def kind(self) -> str:
        """Return the type without its argument."""
        return self.type.split(":", 1)[0]

    @property
    def argument(self) -> str:
        """Return what follows the colon of the type: a table, choices or a geometry kind."""
        return self.type.split(":", 1)[1] if ":" in self.type else ""

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the permitted values of an enum, else an empty tuple."""
        return tuple(self.argument.split(",")) if self.kind == "enum" else ()

    @property
    def is_number(self) -> bool:
        """Return whether the column holds numbers."""
        return self.kind in {"int", "float"}

    @property
    def may_be_null(self) -> bool:
        """Return whether a missing value is allowed (a status, never NaN)."""
        return self.status == "optional"


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table: its columns in file order and its key."""

    name: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Return the names of the columns that identify a row."""
        return tuple(column.name for column in self.columns if column.status == "key")

    @property
    def names(self) -> tuple[str, ...]:
        """Return all column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def geometry(self) -> Column | None:
        """Return the geometry column, if the table has one."""
        return next((column for column in self.columns if column.kind == "geometry"), None)

    @property
    def is_point_table(self) -> bool:
        """Return whether rows are points given by ``lon_deg`` and ``lat_deg``."""
        return self.geometry is None and {"lon_deg", "lat_deg"} <= set(self.names)

    def column(self, name: str) -> Column:
        """Return one column; an unknown name raises :class:`InputError` that lists the known ones."""
        for column in self.columns:
            if column.name == name:
                return column
        near = difflib.get_close_matches(name, self.names, n=1)
        cure = f"use '{near[0]}'" if near else f"use one of {', '.join(self.names)}"
        raise InputError(Problem(f"{self.name} has no column '{name}'", cure))


def _column_problems(path: Path, row: int, column: Column) -> list[Problem]:
    problems = []
    if column.kind not in KINDS:
        cure = f"use one of {', '.join(KINDS)}"
        problems.append(Problem(f"type {column.type} is unknown", cure, path.name, row, column.name))
    if column.status not in STATUSES:
        cure = f"use one of {', '.join(STATUSES)}"
        problems.append(Problem(f"status {column.status} is unknown", cure, path.name, row, column.name))
    if column.is_number and not carries_unit(column.name):
        cure = "rename it to end in its unit, such as '_km'"
        problems.append(Problem("a number whose name does not end in its unit", cure, path.name, row, column.name))
    if not column.description:
        problems.append(Problem("no description", "say in one line what it holds", path.name, row, column.name))
    return problems


@cache
def read_schema(path: Path) -> TableSchema:
    """Return the schema in one CSV file; all its faults are raised together."""
    problems: list[Problem] = []
    columns = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        absent = [field for field in FIELDS if field not in (reader.fieldnames or ())]
        if absent:
            what = f"the header lacks {', '.join(absent)}"
            raise InputError(Problem(what, f"begin the file with {','.join(FIELDS)}", path.name))
        for number, row in enumerate(reader, start=1):
            column = Column(
                name=row["column"] or "",
                type=row["type"] or "",
                unit=row["unit"] or "",
                default=row["default"] or "",
                description=row["description"] or "",
                status=row["status"] or "",
                formula=row.get("formula") or "",
            )
            problems += _column_problems(path, number, column)
            columns.append(column)
    schema = TableSchema(path.stem, tuple(columns))
    if not schema.key:
        problems.append(Problem("no key column", "give at least one column the status 'key'", path.name))
    if len(set(schema.names)) != len(schema.names):
        problems.append(Problem("a column stands twice", "remove one of them", path.name))
    raise_if_any(problems)
    return schema


def schemas_in(folder: Path) -> dict[str, TableSchema]:
    """Return all schemas of a folder by table name, in name order."""
    return {path.stem: read_schema(path) for path in sorted(folder.glob("*.csv"))}


@cache
def base_schemas() -> dict[str, TableSchema]:
    """Return the schemas of the input tables and of the gathered results."""
    return schemas_in(TABLES_FOLDER)


def table_schema(name: str) -> TableSchema:
    """Return the schema of one base table; unknown names raise :class:`InputError`."""
    schemas = base_schemas()
    if name not in schemas:
        raise InputError(Problem(f"there is no base table {name}", f"use one of {', '.join(schemas)}"))
    return schemas[name]
