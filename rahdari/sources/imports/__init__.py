"""Readers of real files: each checks a file against a country and gives the tables that take the place of old ones.

A reader writes nothing.  It finds every fault before it stops, each with file, row (data rows count from 1), column
and cure; where there is one, it gives no tables.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import polars as pl

    from rahdari.sources.imports.common import ImportResult

    Reader = Callable[[Path, Mapping[str, pl.DataFrame]], ImportResult]

#: Kind of file -> module and function that read it; imported when needed, for rasters and vector files are heavy.
READERS = {
    "population": ("rahdari.sources.imports.population", "read_population"),
    "places": ("rahdari.sources.imports.places", "read_places"),
    "districts": ("rahdari.sources.imports.districts", "read_districts"),
    "sites": ("rahdari.sources.imports.sites", "read_sites"),
    "roads": ("rahdari.sources.imports.roads", "read_roads"),
    "fibre": ("rahdari.sources.imports.fibre", "read_fibre"),
    "terrain": ("rahdari.sources.imports.terrain", "read_terrain_file"),
    "orbits": ("rahdari.sources.imports.orbits", "read_orbits"),
}


def read_import(kind: str, path: Path, tables: Mapping[str, pl.DataFrame]) -> ImportResult:
    """Return what a file of one kind brings to a country's tables; see :data:`READERS` for the kinds.

    An unknown kind or a missing file raises :class:`InputError`; faults inside the file come back as ``problems``.
    """
    if kind not in READERS:
        raise InputError(Problem(f"cannot import '{kind}'", f"use one of {', '.join(sorted(READERS))}"))
    if not path.is_file():
        raise InputError(Problem("there is no such file", "correct the path", str(path)))
    module, name = READERS[kind]
    reader: Reader = getattr(import_module(module), name)
    result = reader(path, tables)
    if {"links", "sites"} & set(result.tables) and "risk_groups" in tables:
        return replace(result, tables={**result.tables, **_regrouped(tables, result.tables)})
    return result


def _regrouped(old: Mapping[str, pl.DataFrame], new: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return the groups of things that fail together, derived anew for changed links and sites."""
    import polars as pl

    from rahdari.sources.risk_groups import SOURCE_ID, risk_group_tables

    named = {name: old[name].filter(pl.col("source_id") != SOURCE_ID) for name in ("risk_groups", "risk_group_members")}
    tables = {**old, **new}
    return risk_group_tables(tables["links"], tables["sites"], tables["cables"], named)
