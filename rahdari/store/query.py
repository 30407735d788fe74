"""The only reader of a plan's tables; it filters by clearance.

Every row of every table may carry a ``classification`` column; tables without one are public.  A single
user on a laptop holds every clearance.  The filter stands here from the start because labels cannot be
added to readers afterwards.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.errors import InputError, PlanError, Problem
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

    def __post_init__(self) -> None:
        """Refuse a level that there is not; :class:`InputError`."""
        if self.level not in LEVELS:
            raise InputError(Problem(f"clearance '{self.level}' is unknown", f"use one of {', '.join(LEVELS)}"))

    @property
    def is_full(self) -> bool:
        """Return whether nothing is hidden from the reader, labels nobody knows included."""
        return self.level == LEVELS[-1]

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
        path = self.folder / self._record(table)["schema"]
        if not path.is_file():
            raise PlanError(Problem("is no longer there", "open the plan again, or run it again", str(path)))
        return read_schema(path)

    def table(self, name: str) -> pl.DataFrame:
        """Return one table, without the rows that the clearance does not cover."""
        path = self.folder / self._record(name)["file"]
        if not path.is_file():
            what = f"table '{name}' is no longer there"
            raise PlanError(Problem(what, "open the plan again, or run it again", str(path)))
        frame = _frame(path, path.stat().st_mtime_ns, self.schema(name))
        # A row without a label, or with one that nobody knows, is for the full clearance alone.
        if "classification" in frame.columns and not self.clearance.is_full:
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
            near = difflib.get_close_matches(name, self.names, n=1)
            cure = f"use '{near[0]}'" if near else f"use one of {', '.join(self.names)}"
            raise InputError(Problem(f"the plan has no table '{name}'", cure))
        record: dict[str, Any] = self.manifest["tables"][name]
        return record
