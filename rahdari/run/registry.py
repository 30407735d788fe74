"""Find engines through the entry point ``rahdari.engines`` without importing them.

The value of an entry point is the package whose folder holds ``manifest.toml``.  A manifest that cannot
be read puts its engine in quarantine; ``rahdari doctor`` shows why, and the other engines run.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem, RahdariError
from rahdari.model.manifest import EngineManifest, read_manifest
from rahdari.schema import base_schemas, schemas_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rahdari.schema import TableSchema

GROUP = "rahdari.engines"


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
    spec = find_spec(point.value)
    if spec is None or spec.origin is None:
        raise InputError(Problem(f"package {point.value} is not installed", "install it or remove the entry point"))
    return Path(spec.origin).parent


def registry(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Return all engines that can be read, and those that cannot with the reason."""
    engines: dict[str, EngineManifest] = {}
    schemas = dict(base_schemas())
    files = {name: Path(__file__).parents[1] / "schema" / "tables" / f"{name}.csv" for name in schemas}
    quarantined: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP) if points is None else points, key=lambda point: point.name):
        try:
            manifest = read_manifest(_folder(point))
            own = schemas_in(manifest.folder / "tables")
            missing = [table for table in manifest.writes if table not in own]
            if missing:
                cure = "add tables/<table>.csv to the engine's folder"
                raise InputError(Problem(f"no schema for {', '.join(missing)}", cure, manifest.name))
        except (RahdariError, ImportError, ValueError) as error:
            quarantined[point.name] = str(error)
            continue
        engines[manifest.name] = manifest
        schemas.update(own)
        files.update({name: manifest.folder / "tables" / f"{name}.csv" for name in own})
    return Registry(engines, schemas, files, quarantined)
