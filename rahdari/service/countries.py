"""Build a country's input tables; lay real files over them; list tables and their schemas."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.model.scenario import Scenario
from rahdari.run.country import CountryInputs, country_states
from rahdari.run.registry import registry
from rahdari.service.packs import COMMON, pack_of
from rahdari.service.requests import CountryRequest, CountryResponse, ImportRequest, ImportResponse
from rahdari.store.atomic import replacing, write_text
from rahdari.store.cache import ResultCache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rahdari.run.state import TableState

IMPORTS_RECORD = "imports.json"


def _ignore(_kind: str, _text: str, _duration_s: float) -> None:
    """Show progress to nobody."""


def _slug(country: str) -> str:
    return country.strip().lower().replace(" ", "-")


def overlay_imports(cache_dir: Path, country: str) -> dict[str, Path]:
    """Return the files laid over a country by earlier imports, by kind."""
    record = cache_dir / "overlays" / _slug(country) / IMPORTS_RECORD
    if not record.is_file():
        return {}
    from pathlib import Path as RuntimePath

    return {kind: RuntimePath(path) for kind, path in json.loads(record.read_text(encoding="utf-8")).items()}


def _states(
    country: str, cache_dir: Path, n_places: int, imports: dict[str, Path], emit: Callable[[str, str, float], None]
) -> dict[str, TableState]:
    inputs = CountryInputs(
        country=country,
        pack_folder=pack_of(country),
        common_folder=COMMON,
        data_cache=cache_dir / "data",
        imports=imports,
    )
    scenario = Scenario(name="country", n_places=n_places)
    states, _ = country_states(inputs, scenario, ResultCache(cache_dir / "results"), registry(), emit)
    return states


def build_country(request: CountryRequest, *, emit: Callable[[str, str, float], None] = _ignore) -> CountryResponse:
    """Build the tables of a country, and copy them to a folder where one is given."""
    imports = overlay_imports(request.cache_dir, request.country)
    states = _states(request.country, request.cache_dir, request.n_places, imports, emit)
    evidence = {}
    for name, state in states.items():
        if "evidence" in state.schema.names:
            counts = state.frame()["evidence"].value_counts(sort=True)
            evidence[name] = {str(key): int(count) for key, count in counts.iter_rows()}
    if request.out is not None:
        for name, state in states.items():
            with replacing(request.out / f"{name}.parquet") as temporary:
                shutil.copyfile(state.path, temporary)
    pack = pack_of(request.country)
    return CountryResponse(
        country=request.country,
        pack=pack.name if pack else None,
        tables={name: state.n_rows for name, state in sorted(states.items())},
        n_people=int(states["country"].frame()["n_people"][0]),
        evidence=evidence,
        folder=request.out,
    )


def import_file(request: ImportRequest) -> ImportResponse:
    """Validate a real file against the country and lay it over; nothing is written where a row is wrong."""
    from rahdari.sources.imports import READERS, read_import

    if request.kind not in READERS:
        cure = f"use one of {', '.join(sorted(READERS))}"
        raise InputError(Problem(f"cannot import '{request.kind}'", cure))
    if not request.file.is_file():
        raise InputError(Problem("there is no such file", "correct the path", str(request.file)))
    states = _states(request.country, request.cache_dir, 32_000, {}, _ignore)
    result = read_import(request.kind, request.file, {name: state.frame() for name, state in states.items()})
    raise_if_any(list(result.problems))
    folder = request.overlay_dir / _slug(request.country)
    kept = folder / f"{request.kind}{request.file.suffix}"
    with replacing(kept) as temporary:
        shutil.copyfile(request.file, temporary)
    imports = {**overlay_imports(request.cache_dir, request.country), request.kind: kept}
    record = json.dumps({kind: str(path.resolve()) for kind, path in sorted(imports.items())}, indent=1)
    write_text(folder / IMPORTS_RECORD, record)
    tables = {name: frame.height for name, frame in result.tables.items()}
    return ImportResponse(
        kind=request.kind, file=str(request.file), tables=tables, overlay=kept, warnings=list(result.warnings)
    )


def forget_import(kind: str, country: str, cache_dir: Path) -> bool:
    """Take an imported file away again; return whether there was one."""
    folder = cache_dir / "overlays" / _slug(country)
    imports = overlay_imports(cache_dir, country)
    if kind not in imports:
        return False
    path = imports.pop(kind)
    write_text(
        folder / IMPORTS_RECORD, json.dumps({name: str(file) for name, file in sorted(imports.items())}, indent=1)
    )
    path.unlink(missing_ok=True)
    return True


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
        cure = f"use one of {', '.join(sorted(known.schemas))}"
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
