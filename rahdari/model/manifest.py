"""An engine's manifest: plain strings, read without importing the engine."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem, raise_if_any

if TYPE_CHECKING:
    from pathlib import Path

REQUIRED = ("name", "title", "version", "fidelity", "entry", "params", "reads", "writes", "summary")
FIDELITIES = ("simple", "full")


@dataclass(frozen=True, slots=True)
class MapLayer:
    """One layer that an engine gives to the map."""

    layer: str
    table: str
    geometry: str
    kind: str
    colour_by: str
    title: str


@dataclass(frozen=True, slots=True)
class ReportSection:
    """What the report shows of an engine."""

    section: str
    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EngineManifest:
    """All that is known of an engine before it is imported; the single truth about it."""

    name: str
    title: str
    version: int
    fidelity: str
    entry: str
    params: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    summary: str
    folder: Path
    report: ReportSection | None = None
    layers: tuple[MapLayer, ...] = field(default=())

    @property
    def module(self) -> str:
        """Return the dotted name of the module that holds the engine function."""
        return self.entry.partition(":")[0]


def _layer(values: dict[str, Any]) -> MapLayer:
    return MapLayer(**{name: str(values.get(name, "")) for name in MapLayer.__dataclass_fields__})


def read_manifest(folder: Path) -> EngineManifest:
    """Return the manifest of an engine folder; all its faults are raised together."""
    path = folder / "manifest.toml"
    if not path.is_file():
        raise InputError(Problem("no manifest.toml", "add one; see docs/engines", str(folder.name)))
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem(f"is no valid TOML: {error}", "correct the line named", path.name)) from error
    file = f"{folder.name}/manifest.toml"
    problems = [Problem(f"'{key}' is missing", f"add '{key}'", file) for key in REQUIRED if key not in values]
    if values.get("fidelity") not in FIDELITIES:
        problems.append(Problem(f"fidelity '{values.get('fidelity')}'", f"use one of {FIDELITIES}", file))
    raise_if_any(problems)
    section = values.get("report")
    report = ReportSection(section["section"], section["table"], tuple(section.get("columns", ()))) if section else None
    return EngineManifest(
        **{key: values[key] for key in ("name", "title", "version", "fidelity", "entry", "params", "summary")},
        reads=tuple(values["reads"]),
        writes=tuple(values["writes"]),
        folder=folder,
        report=report,
        layers=tuple(_layer(layer) for layer in values.get("map", ())),
    )
