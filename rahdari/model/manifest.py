"""An engine's manifest: plain strings, read without importing the engine."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REQUIRED = ("name", "title", "version", "fidelity", "entry", "params", "reads", "writes", "summary")
FIDELITIES = ("simple", "full")
NAME = re.compile(r"[a-z][a-z0-9_]*")


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


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _faults(values: dict[str, Any], file: str) -> list[Problem]:
    """Return everything that is wrong with the values of a manifest."""
    problems = [Problem(f"'{key}' is missing", f"add '{key}'", file) for key in REQUIRED if key not in values]
    wanted: dict[str, tuple[str, Callable[[Any], bool]]] = {
        **dict.fromkeys(("title", "summary"), ("text", lambda value: isinstance(value, str))),
        **dict.fromkeys(("entry", "params"), ("text like package.module:name", _is_reference)),
        **dict.fromkeys(("reads", "writes"), ("a list of table names", _is_texts)),
        "name": ("a name in small letters", lambda value: isinstance(value, str) and bool(NAME.fullmatch(value))),
        "version": ("a whole number", lambda value: type(value) is int),
        "fidelity": (f"one of {', '.join(FIDELITIES)}", lambda value: value in FIDELITIES),
        "report": ("a table with section, table and columns", _is_report),
        "map": ("a list of tables", lambda value: isinstance(value, list) and all(map(_is_table, value))),
    }
    for key, (what, is_good) in wanted.items():
        if key in values and not is_good(values[key]):
            problems.append(Problem(f"'{key}' is {values[key]!r}", f"write {what}", file))
    return problems


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and all(value.partition(":"))


def _is_report(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    names = (value.get("section"), value.get("table"))
    return all(isinstance(name, str) for name in names) and _is_texts(value.get("columns", []))


def read_manifest(folder: Path) -> EngineManifest:
    """Return the manifest of an engine folder; all its faults are raised together."""
    path = folder / "manifest.toml"
    file = f"{folder.name}/{path.name}"
    if not path.is_file():
        raise InputError(Problem("no manifest.toml", "add one; see docs/engines", folder.name))
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"is no valid TOML: {error}", "correct the line named", file)) from error
    raise_if_any(_faults(values, file))
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
