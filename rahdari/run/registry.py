"""Find engines through the entry point ``rahdari.engines`` without importing them.

The value of an entry point is the package whose folder holds ``manifest.toml``.  A manifest that cannot
be read puts its engine in quarantine; ``rahdari doctor`` shows why, and the other engines run.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem, RahdariError, raise_if_any
from rahdari.model.manifest import EngineManifest, read_manifest
from rahdari.run.locate import package_folder
from rahdari.schema import base_schemas, schemas_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rahdari.schema import TableSchema

GROUP = "rahdari.engines"
PACKAGE = "rahdari"


@dataclass(frozen=True, slots=True)
class Registry:
    """Engines by name, the schema of every table, and what was quarantined and why."""

    engines: dict[str, EngineManifest]
    schemas: dict[str, TableSchema]
    schema_files: dict[str, Path]
    quarantined: dict[str, str]

    def engine(self, name: str) -> EngineManifest:
        """Return one manifest; an unknown name raises :class:`InputError`."""
        if name not in self.engines:
            known = ", ".join(sorted(self.engines))
            raise InputError(Problem(f"there is no engine '{name}'", f"use one of {known}"))
        return self.engines[name]


def _folder(point: EntryPoint) -> Path:
    folder = package_folder(point.value)
    if folder is None:
        raise InputError(Problem(f"package {point.value} is not installed", "install it or remove the entry point"))
    return folder


def _own_schemas(manifest: EngineManifest, engines: Mapping[str, EngineManifest]) -> dict[str, TableSchema]:
    """Return the schemas of an engine's tables; faults of the plug-in are raised together."""
    own = schemas_in(manifest.folder / "tables")
    missing = [table for table in manifest.writes if table not in own]
    problems = [
        Problem(f"no schema for {table}", f"add tables/{table}.csv to the engine's folder", manifest.name)
        for table in missing
    ]
    if manifest.name in engines:
        problems.append(Problem("another engine has the same name", "give it a name of its own", manifest.name))
    taken = {table: other.name for other in engines.values() for table in other.writes}
    taken |= dict.fromkeys(base_schemas(), "the country")
    for table in manifest.writes:
        if table in taken:
            cure = "give the table another name"
            problems.append(Problem(f"{table} is already written by {taken[table]}", cure, manifest.name))
    raise_if_any(problems)
    return {table: own[table] for table in manifest.writes}


def _rank(point: EntryPoint) -> tuple[bool, str, str]:
    """Return the place of an entry point: our own first, so that a plug-in never displaces one of them."""
    return (point.value.split(".", maxsplit=1)[0] != PACKAGE, point.name, point.value)


def registry(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Return all engines that can be read, and those that cannot with the reason; none is imported."""
    engines: dict[str, EngineManifest] = {}
    schemas = dict(base_schemas())
    files = {name: Path(__file__).parents[1] / "schema" / "tables" / f"{name}.csv" for name in schemas}
    quarantined: dict[str, str] = {}
    found = entry_points(group=GROUP) if points is None else points
    # The same package may be on the path twice.
    unique = {(point.name, point.value): point for point in found}
    for point in sorted(unique.values(), key=_rank):
        try:
            manifest = read_manifest(_folder(point))
            own = _own_schemas(manifest, engines)
        except (RahdariError, ImportError, ValueError, OSError) as error:
            quarantined[point.name] = str(error)
            continue
        engines[manifest.name] = manifest
        schemas.update(own)
        files.update({name: manifest.folder / "tables" / f"{name}.csv" for name in own})
    return Registry(engines, schemas, files, quarantined)
