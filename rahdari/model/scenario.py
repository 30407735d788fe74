"""A scenario: TOML with at most one parent, no templates, no expressions."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import Field, ValidationError, field_validator

from rahdari.errors import InputError, Problem
from rahdari.model.params import Params

Model = TypeVar("Model", bound=Params)
FIRST_YEAR, LAST_YEAR = 1990, 2100  # packet networks, and as far as anyone plans
#: How pydantic marks which of several types a value was tried as.
UNION_TAGS = (("float",), ("int",), ("bool",), ("str",))
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
    seed: int = Field(1, ge=0, le=2**63 - 1, description="Seed of all random draws")
    detail: Literal["quick", "full"] = Field("quick", description="Resolution and sample counts; never the models")
    years: tuple[int, ...] = Field((2025, 2030), min_length=2, description="Base year to target year")
    n_places: int = Field(32_000, ge=100, le=2_000_000, description="About how many places to model")
    is_strict: bool = Field(default=False, description="Fail where a target cannot be met, instead of reporting it")
    engines_off: tuple[str, ...] = Field((), description="Engines that do not run")
    engines: dict[str, dict[str, Any]] = Field({}, description="Parameters by engine")
    changes: tuple[Change, ...] = Field((), description="Cells of input tables given another value")
    imports: dict[str, str] = Field({}, description="Real files by kind, such as population = 'worldpop.tif'")

    @field_validator("years")
    @classmethod
    def _years_ascend(cls, years: tuple[int, ...]) -> tuple[int, ...]:
        """Refuse years that stand twice, run backwards or are no years."""
        if list(years) != sorted(set(years)) or not FIRST_YEAR <= years[0] <= years[-1] <= LAST_YEAR:
            message = f"years go up from the base year to the target year, {FIRST_YEAR} to {LAST_YEAR}"
            raise ValueError(message)
        return years


def _where(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)


def _model_at(model: type[Params], location: tuple[int | str, ...]) -> type[Params]:
    """Return the model that the last part of a location belongs to."""
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        inner = [kind for kind in get_args(field.annotation) if _is_model(kind)] if field else []
        model = inner[0] if inner else model
    return model


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Params)


def problems_of(error: ValidationError, model: type[Params], file: str) -> list[Problem]:
    """Return pydantic's findings as problems with a cure each; misspelt keys name the nearest one."""
    problems: dict[str, Problem] = {}
    for finding in error.errors():
        parts = finding["loc"][:-1] if finding["loc"][-1:] in UNION_TAGS else finding["loc"]
        location = _where(parts)
        if finding["type"] == "extra_forbidden":
            known = list(_model_at(model, parts).model_fields)
            near = difflib.get_close_matches(str(parts[-1]), known, n=1)
            cure = f"write '{near[0]}'" if near else f"use one of {', '.join(known)}"
            problem = Problem(f"'{location}' is unknown", cure, file, None, location)
        else:
            got = str(finding.get("input"))[:60]
            problem = Problem(f"{finding['msg']} (got {got})", "correct the value", file, None, location)
        # A value that fits none of several types is one fault, told once.
        problems.setdefault(location, problem)
    return list(problems.values())


def validated(model: type[Model], values: dict[str, Any], file: str) -> Model:
    """Return the model made from ``values``; all faults are raised together as :class:`InputError`."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InputError(problems_of(error, model, file)) from error


def _merged(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """Return the child laid over the parent: tables merge, lists of changes add up, the rest is replaced."""
    merged = dict(parent)
    for key, value in child.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], value)
        elif key == "changes" and isinstance(value, list) and isinstance(merged.get(key, []), list):
            merged[key] = [*merged.get(key, []), *value]
        else:
            merged[key] = value
    return merged


def _read_toml(path: Path) -> dict[str, Any]:
    """Return what a scenario file says; file names under ``[imports]`` are taken from its folder."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(Problem("is not UTF-8", "save it as UTF-8", str(path))) from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem(f"is no valid TOML: {error}", "correct the line named", str(path))) from error
    except (OSError, RecursionError) as error:
        raise InputError(Problem(f"cannot be read: {error}", "correct the file", str(path))) from error
    if isinstance(values.get("imports"), dict):
        folder = path.parent.absolute()
        values["imports"] = {
            kind: str(folder / file) if isinstance(file, str) else file for kind, file in values["imports"].items()
        }
    return values


def scenario_path(name: str, folders: tuple[Path, ...], child: Path | None = None) -> Path:
    """Return the file of a scenario given by path or by name in one of the folders.

    A parent is looked up beside its ``child`` first, and is never the child itself.
    """
    if child is not None:
        folders = (child.parent, *folders)
    file = name if name.endswith(".toml") else f"{name}.toml"
    candidates = [folder / file for folder in folders]
    if name.endswith(".toml") and child is None:
        candidates.insert(0, Path(name))
    for candidate in candidates:
        if candidate.is_file() and (child is None or not candidate.samefile(child)):
            return candidate
    known = sorted({path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.toml")})
    near = difflib.get_close_matches(name, known, n=1)
    cure = f"use '{near[0]}'" if near else f"use one of {', '.join(known) or 'your own .toml file'}"
    raise InputError(Problem(f"there is no scenario '{name}'", cure, str(child or name)))


def _own_name(path: Path) -> str:
    """Return a scenario's name where its file gives none; never its parent's, whose plan it would overwrite."""
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("._-") or "scenario"


def read_scenario(name: str, folders: tuple[Path, ...]) -> Scenario:
    """Return the scenario with its parents merged in; all its faults are raised together."""
    first = path = scenario_path(name, folders)
    layers: list[dict[str, Any]] = []
    seen: set[Path] = set()
    while True:
        if path.resolve() in seen or len(seen) > MAX_PARENTS:
            raise InputError(Problem("scenarios extend each other in a circle", "remove one 'extends'", str(path)))
        seen.add(path.resolve())
        layers.append(_read_toml(path))
        parent = layers[-1].get("extends")
        if not isinstance(parent, str) or not parent:
            break
        path = scenario_path(parent, folders, path)
    values: dict[str, Any] = {}
    for layer in reversed(layers):
        values = _merged(values, layer)
    return validated(Scenario, {**values, "name": layers[0].get("name", _own_name(first))}, str(first))
