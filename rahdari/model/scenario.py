"""A scenario: TOML with at most one parent, no templates, no expressions."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError

from rahdari.errors import InputError, Problem
from rahdari.model.params import Params

Model = TypeVar("Model", bound=Params)
MAX_PARENTS = 8  # deeper chains are a sign of a loop or of a configuration language in the making


class Change(Params):
    """One cell of an input table given another value; the reason is shown in the report."""

    table: str = Field(description="Input table")
    key: str = Field(description="Key of the row")
    column: str = Field(description="Column to change")
    value: float | int | bool | str = Field(description="New value, in the unit of the column")
    reason: str = Field("set by the scenario", description="Why; becomes the source of the cell")


class Scenario(Params):
    """What a plan is asked to do.  Every field has a default, so that an empty scenario is valid."""

    name: str = Field("default", description="Name of the scenario", pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str = Field("Default plan", description="Title shown in the report")
    extends: str | None = Field(None, description="Parent scenario: a name in the pack, or a file beside this one")
    seed: int = Field(1, ge=0, description="Seed of all random draws")
    detail: Literal["quick", "full"] = Field("quick", description="Resolution and sample counts; never the models")
    years: tuple[int, ...] = Field((2025, 2030), min_length=2, description="Base year to target year")
    n_places: int = Field(32_000, ge=100, le=2_000_000, description="Smallest number of places to model")
    is_strict: bool = Field(default=False, description="Fail where a target cannot be met, instead of reporting it")
    engines_off: tuple[str, ...] = Field((), description="Engines that do not run")
    engines: dict[str, dict[str, Any]] = Field({}, description="Parameters by engine")
    changes: tuple[Change, ...] = Field((), description="Cells of input tables given another value")
    imports: dict[str, str] = Field({}, description="Real files by kind, such as population = 'worldpop.tif'")


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)


def problems_of(error: ValidationError, model: type[Params], file: str) -> list[Problem]:
    """Return pydantic's findings as problems with a cure each; misspelt keys name the nearest one."""
    problems = []
    for finding in error.errors():
        location = _where(finding["loc"])
        if finding["type"] == "extra_forbidden":
            known = list(model.model_fields)
            near = difflib.get_close_matches(str(finding["loc"][-1]), known, n=1)
            cure = f"write '{near[0]}'" if near else f"use one of {', '.join(known)}"
            problems.append(Problem(f"'{location}' is unknown", cure, file, None, location))
        else:
            got = str(finding.get("input"))[:60]
            problems.append(Problem(f"{finding['msg']} (got {got})", "correct the value", file, None, location))
    return problems


def validated(model: type[Model], values: dict[str, Any], file: str) -> Model:
    """Return the model made from ``values``; all faults are raised together as :class:`InputError`."""
    try:
        return model(**values)
    except ValidationError as error:
        raise InputError(problems_of(error, model, file)) from error


def _merged(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """Return the child laid over the parent: tables merge, lists of changes add up, the rest is replaced."""
    merged = dict(parent)
    for key, value in child.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], value)
        elif key == "changes":
            merged[key] = [*merged.get(key, []), *value]
        else:
            merged[key] = value
    return merged


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"is no valid TOML: {error}", "correct the line named", path.name)) from error


def scenario_path(name: str, folders: tuple[Path, ...]) -> Path:
    """Return the file of a scenario given by path or by name in one of the folders."""
    if name.endswith(".toml"):
        candidates = [Path(name), *(folder / name for folder in folders)]
    else:
        candidates = [folder / f"{name}.toml" for folder in folders]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    known = sorted({path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.toml")})
    near = difflib.get_close_matches(name, known, n=1)
    cure = f"use '{near[0]}'" if near else f"use one of {', '.join(known) or 'your own .toml file'}"
    raise InputError(Problem(f"there is no scenario '{name}'", cure, name))


def read_scenario(name: str, folders: tuple[Path, ...]) -> Scenario:
    """Return the scenario with its parents merged in; all its faults are raised together."""
    path = scenario_path(name, folders)
    layers: list[dict[str, Any]] = []
    seen: set[Path] = set()
    while True:
        if path in seen or len(seen) > MAX_PARENTS:
            raise InputError(Problem("scenarios extend each other in a circle", "remove one 'extends'", path.name))
        seen.add(path)
        layers.append(_read_toml(path))
        parent = layers[-1].get("extends")
        if not parent:
            break
        path = scenario_path(str(parent), (path.parent, *folders))
    values: dict[str, Any] = {}
    for layer in reversed(layers):
        values = _merged(values, layer)
    return validated(Scenario, values, scenario_path(name, folders).name)
