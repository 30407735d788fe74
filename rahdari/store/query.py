"""The only reader of a plan's tables; it filters by clearance.

Every row of every table may carry a ``classification`` column; tables without one are public.  A single
user on a laptop holds every clearance.  The filter stands here from the start because labels cannot be
added to readers afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.schema import TableSchema, read_schema
from rahdari.store.parquet import read_parquet
from rahdari.store.plans import read_plan_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LEVELS = ("public", "internal", "restricted", "secret")


@dataclass(frozen=True, slots=True)
class Clearance:
    """What the reader may see: everything up to ``level``."""

    level: str = "secret"

    def allows(self) -> list[str]:
        """Return the classifications that may be read."""
        return list(LEVELS[: LEVELS.index(self.level) + 1])


OWNER = Clearance()
PUBLIC = Clearance("public")


@lru_cache(maxsize=64)
def _frame(path: Path, _modified_ns: int, schema: TableSchema) -> pl.DataFrame:
    return read_parquet(path, schema)


class PlanReader:
    """Reads the tables of one plan folder under one clearance; tables are loaded on first use."""

    def __init__(self, folder: Path, clearance: Clearance = OWNER) -> None:
        """Open the plan; :class:`rahdari.errors.PlanError` where there is none."""
        self.folder = folder
        self.clearance = clearance
        self.manifest: dict[str, Any] = read_plan_manifest(folder)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all tables."""
        return tuple(sorted(self.manifest["tables"]))

    def schema(self, table: str) -> TableSchema:
        """Return the schema of a table as the plan's own engines declare it."""
        return read_schema(self.folder / self._record(table)["schema"])

    def table(self, name: str) -> pl.DataFrame:
        """Return one table, without the rows that the clearance does not cover."""
        path = self.folder / self._record(name)["file"]
        modified_ns = path.stat().st_mtime_ns if path.is_file() else 0
        frame = _frame(path, modified_ns, self.schema(name))
        if "classification" in frame.columns:
            frame = frame.filter(pl.col("classification").is_in(self.clearance.allows()))
        return frame

    def rows(self, name: str, where: Mapping[str, object], columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the rows in which every column of ``where`` has the value given."""
        frame = self.table(name)
        for column, value in where.items():
            if column not in frame.columns:
                known = ", ".join(frame.columns)
                raise InputError(Problem(f"{name} has no column {column}", f"use one of {known}"))
            frame = frame.filter(pl.col(column) == pl.lit(value).cast(frame.schema[column], strict=False))
        return frame.select(columns) if columns else frame

    def _record(self, name: str) -> dict[str, Any]:
        if name not in self.manifest["tables"]:
            raise InputError(Problem(f"the plan has no table '{name}'", f"use one of {', '.join(self.names)}"))
        record: dict[str, Any] = self.manifest["tables"][name]
        return record
