"""The only reader of a plan's tables; it filters by clearance.

Every row of every table may carry a label (see :mod:`rahdari.store.labels`); tables without one are public.  What
names a hidden row is hidden with it, and what was computed from hidden rows is hidden unless its rows can be told
apart (see :mod:`rahdari.store.visibility`).  A single user on a laptop holds every clearance.
"""

from __future__ import annotations

import copy
import difflib
import hashlib
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.errors import InputError, PlanError, Problem
from rahdari.schema import TableSchema, read_schema
from rahdari.store.labels import LABELS, LEVELS, OWNER, PUBLIC, Clearance
from rahdari.store.parquet import columns_of, read_parquet
from rahdari.store.plans import MANIFEST, read_plan_manifest
from rahdari.store.release import FILE as RELEASED
from rahdari.store.release import released
from rahdari.store.visibility import Visibility, least_clearance, visibility_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

EVERYTHING = "all"  # cache key shared by all readers from whom a plan hides nothing


@lru_cache(maxsize=64)
def _frame(path: Path, _modified_ns: int, schema: TableSchema) -> pl.DataFrame:
    """Return a table as its schema has it, with the labels of its file even where the schema does not name them."""
    names = [*schema.names, *(name for name in columns_of(path) if name in LABELS and name not in schema.names)]
    return read_parquet(path, schema, names)


class _Files:
    """The tables of a plan as they lie on disk, unfiltered; equal where folder, files and times are."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest
        self.stamp = tuple(sorted((name, *self._written(record)) for name, record in manifest["tables"].items()))
        self._released = released(folder)
        self.stamp += tuple((f"released {name}", level, 0) for name, level in sorted(self._released.items()))
        self._hash = hash((self.folder, self.stamp))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Files) and (self.folder, self.stamp) == (other.folder, other.stamp)

    def _written(self, record: Mapping[str, Any]) -> tuple[str, int]:
        path = self.folder / record["file"]
        return str(record["file"]), path.stat().st_mtime_ns if path.is_file() else 0

    def schema(self, name: str) -> TableSchema:
        """Return the schema of a table as the plan's own engines declare it."""
        path = self.folder / self.manifest["tables"][name]["schema"]
        if not path.is_file():
            raise PlanError(Problem("is no longer there", "open the plan again, or run it again", str(path)))
        return read_schema(path)

    def frame(self, name: str) -> pl.DataFrame:
        """Return a table with all its rows and labels."""
        path = self.folder / self.manifest["tables"][name]["file"]
        if not path.is_file():
            what = f"table '{name}' is no longer there"
            raise PlanError(Problem(what, "open the plan again, or run it again", str(path)))
        return _frame(path, path.stat().st_mtime_ns, self.schema(name))

    def released(self) -> dict[str, str]:
        """Return the level from which each released result may be read."""
        return self._released

    def labels(self, name: str) -> frozenset[str]:
        """Return the label columns of a table's file; none where the file is not there."""
        path = self.folder / self.manifest["tables"][name]["file"]
        return frozenset(columns_of(path)) & frozenset(LABELS) if path.is_file() else frozenset()


@lru_cache(maxsize=32)
def _visibility(files: _Files, clearance: Clearance) -> Visibility:
    return visibility_of(files, clearance)


@lru_cache(maxsize=128)
def _visible(files: _Files, _modified_ns: int, name: str, clearance: Clearance) -> pl.DataFrame:
    return _visibility(files, clearance).visible(name, files.frame(name))


@lru_cache(maxsize=32)
def _shown_manifest(files: _Files, clearance: Clearance) -> dict[str, Any]:
    seen = _visibility(files, clearance)
    manifest = seen.manifest(files.manifest)
    for name in seen.counted(files.manifest):
        path = files.folder / files.manifest["tables"][name]["file"]
        manifest["tables"][name]["n_rows"] = _visible(files, path.stat().st_mtime_ns, name, clearance).height
    return manifest


def written_at(folder: Path) -> tuple[int, ...]:
    """Return when a plan, and what was released of it, were written (ns); a reader opened before is out of date."""
    found = []
    for name in (MANIFEST, RELEASED):
        try:
            found.append((folder / name).stat().st_mtime_ns)
        except OSError:  # not there
            found.append(0)
    return tuple(found)


class PlanReader:
    """Reads the tables of one plan folder under one clearance; tables are loaded on first use."""

    def __init__(self, folder: Path, clearance: Clearance = OWNER) -> None:
        """Open the plan; :class:`rahdari.errors.PlanError` where there is none."""
        self.folder = folder
        self.clearance = clearance
        self._files = _Files(folder, read_plan_manifest(folder))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Return what the plan records of itself, without what the clearance does not cover."""
        if self.clearance.is_full:
            return self._files.manifest
        return copy.deepcopy(_shown_manifest(self._files, self.clearance))

    @cached_property
    def sees_everything(self) -> bool:
        """Return whether the plan hides nothing from this reader: no row, and no exact place."""
        return self.clearance.is_full or not _visibility(self._files, self.clearance).hides

    @cached_property
    def cache_key(self) -> str:
        """Return what must be in the key of anything kept that was made from this reader's rows."""
        if self.sees_everything:
            return EVERYTHING
        parts = [self.clearance.key, *(f"{name} {file} {at_ns}" for name, file, at_ns in self._files.stamp)]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all tables."""
        return tuple(sorted(self._files.manifest["tables"]))

    def least_clearance(self, names: Sequence[str] | None = None) -> Clearance:
        """Return the least clearance that sees every row and place of the tables named, or of the whole plan."""
        return least_clearance(self._files, names)

    def schema(self, table: str) -> TableSchema:
        """Return the schema of a table as the plan's own engines declare it."""
        self._check(table)
        return self._files.schema(table)

    def table(self, name: str) -> pl.DataFrame:
        """Return one table, without the rows and exact places that the clearance does not cover."""
        self._check(name)
        frame = self._files.frame(name)
        if not self.clearance.is_full:
            path = self.folder / self._files.manifest["tables"][name]["file"]
            frame = _visible(self._files, path.stat().st_mtime_ns, name, self.clearance)
        wanted = self._files.schema(name).names
        return frame if frame.width == len(wanted) else frame.select(wanted)

    def rows(self, name: str, where: Mapping[str, object], columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the rows in which every column of ``where`` has the value given."""
        frame = self.table(name)
        for column, value in where.items():
            if column not in frame.columns:
                known = ", ".join(frame.columns)
                raise InputError(Problem(f"{name} has no column {column}", f"use one of {known}"))
            frame = frame.filter(pl.col(column) == pl.lit(value).cast(frame.schema[column], strict=False))
        return frame.select(columns) if columns else frame

    def _check(self, name: str) -> None:
        if name not in self._files.manifest["tables"]:
            near = difflib.get_close_matches(name, self.names, n=1)
            cure = f"use '{near[0]}'" if near else f"use one of {', '.join(self.names)}"
            raise InputError(Problem(f"the plan has no table '{name}'", cure))


__all__ = ["LEVELS", "OWNER", "PUBLIC", "Clearance", "PlanReader", "written_at"]
