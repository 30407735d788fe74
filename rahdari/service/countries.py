"""Build a country's input tables; lay real files over them; list tables and their schemas."""

from __future__ import annotations

import difflib
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.model.scenario import Scenario
from rahdari.run.country import CountryInputs, country_states
from rahdari.run.registry import registry
from rahdari.run.runner import Event, country_watch
from rahdari.service.overlays import country_inputs, forget, keep
from rahdari.service.packs import asked_country
from rahdari.service.requests import CountryRequest, CountryResponse, ImportRequest, ImportResponse
from rahdari.store.atomic import replacing
from rahdari.store.cache import ResultCache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rahdari.run.state import TableState

#: Places of the country that a file is checked against; the smallest number of a default plan.
N_PLACES_CHECKED = 32_000


def _ignore(_event: Event) -> None:
    """Show progress to nobody."""


def _states(
    inputs: CountryInputs, cache_dir: Path, n_places: int, on_event: Callable[[Event], None]
) -> dict[str, TableState]:
    scenario = Scenario(name="country", n_places=n_places)
    cache = ResultCache(cache_dir / "results")
    states, _ = country_states(inputs, scenario, cache, registry(), country_watch(on_event))
    return states


def build_country(request: CountryRequest, *, on_event: Callable[[Event], None] = _ignore) -> CountryResponse:
    """Build the tables of a country, and copy them to a folder where one is given."""
    asked = asked_country(request.country)
    inputs = country_inputs(asked, request.cache_dir, {})
    states = _states(inputs, request.cache_dir, request.n_places, on_event)
    evidence = {}
    for name, state in states.items():
        if "evidence" in state.schema.names:
            counts = state.frame()["evidence"].value_counts(sort=True)
            evidence[name] = {str(key): int(count) for key, count in counts.iter_rows()}
    if request.out is not None:
        for name, state in states.items():
            with replacing(request.out / f"{name}.parquet") as temporary:
                shutil.copyfile(state.path, temporary)
    return CountryResponse(
        country=asked.title,
        pack=asked.pack.name if asked.pack else None,
        tables={name: state.n_rows for name, state in sorted(states.items())},
        n_people=int(states["country"].frame()["n_people"][0]),
        evidence=evidence,
        folder=request.out,
    )


def import_file(request: ImportRequest, *, on_event: Callable[[Event], None] = _ignore) -> ImportResponse:
    """Validate a real file against the country and lay it over; nothing is written where a row is wrong."""
    from rahdari.sources.imports import read_import

    asked = asked_country(request.country)
    inputs = replace(country_inputs(asked, request.cache_dir, {}), imports={})
    check_import(request.kind, request.file)
    states = _states(inputs, request.cache_dir, N_PLACES_CHECKED, on_event)
    result = read_import(request.kind, request.file, {name: state.frame() for name, state in states.items()})
    raise_if_any(list(result.problems))
    kept = keep(request.cache_dir, asked.slug, request.kind, request.file)
    tables = {name: frame.height for name, frame in result.tables.items()}
    return ImportResponse(kind=request.kind, file=str(request.file), tables=tables, overlay=kept, warnings=[])


def check_import(kind: str, file: Path) -> None:
    """Raise :class:`InputError` for an unknown kind or a missing file, before the country is built."""
    from rahdari.sources.imports import READERS

    problems = []
    if kind not in READERS:
        problems.append(Problem(f"cannot import '{kind}'", f"use one of {', '.join(sorted(READERS))}"))
    if not file.is_file():
        problems.append(Problem("there is no such file", "correct the path", str(file)))
    raise_if_any(problems)


def forget_import(kind: str, country: str, cache_dir: Path) -> bool:
    """Take an imported file away again; return whether there was one."""
    return forget(cache_dir, asked_country(country).slug, kind)


def describe(table: str | None) -> dict[str, Any]:
    """Return the data dictionary: all tables, or the columns of one."""
    known = registry()
    if table is None:
        writers = {name: engine.name for engine in known.engines.values() for name in engine.writes}
        return {
            name: {
                "written_by": writers.get(name, "country"),
                "key": list(schema.key),
                "n_columns": len(schema.columns),
            }
            for name, schema in sorted(known.schemas.items())
        }
    if table not in known.schemas:
        near = difflib.get_close_matches(table, known.schemas, n=1)
        cure = f"use '{near[0]}'" if near else f"use one of {', '.join(sorted(known.schemas))}"
        raise InputError(Problem(f"there is no table '{table}'", cure))
    return {
        column.name: {
            "type": column.type,
            "unit": column.unit,
            "status": column.status,
            "description": column.description,
            "formula": column.formula,
        }
        for column in known.schemas[table].columns
    }
