"""The requests and responses of all operations; their JSON Schema is the API's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from rahdari.model.params import Params

RESPONSE_VERSION = 1


class PlanRequest(Params):
    """Make or refresh a plan."""

    country: str = Field(description="A country's name or ISO 3166-1 code, or the folder of a country pack")
    scenario: str | None = Field(None, description="Scenario name or .toml file; default: the pack's own")
    out: Path | None = Field(None, description="Folder of the plan; default plans/COUNTRY-SCENARIO")
    cache_dir: Path = Field(description="Where results and parsed packages are kept")
    executor: str = Field("serial", description="serial, threads, processes or dask")
    n_workers: int = Field(1, ge=1, le=1024, description="Workers for ctx.map")
    detail: str | None = Field(None, description="quick or full; default: as the scenario says")
    n_places: int | None = Field(None, ge=100, description="About how many places; default: as the scenario says")
    engines_off: tuple[str, ...] = Field((), description="Engines that do not run")


class PlanResponse(Params):
    """What a plan operation made."""

    folder: Path
    country: str
    scenario: str
    plan_digest: str
    n_engines_run: int
    n_engines_cached: int
    duration_s: float
    tables: dict[str, int]
    indicators: list[dict[str, Any]]
    certificates: list[dict[str, Any]]
    consistency: list[dict[str, Any]]
    warnings: list[str]


class ExplainRequest(Params):
    """Walk one cell down to its sources."""

    plan: Path
    table: str
    row_id: str = Field(description="Value of the first key column")
    column: str
    at: dict[str, str] = Field({}, description="Values of the other key columns, such as year = 2030")
    depth: int = Field(6, ge=1, le=12, description="How many steps to follow")


class ExplainNode(Params):
    """One cell, how it came about, and the cells below it.

    ``recomputed_value`` is what the formula gives from the terms; it is ``None`` where there is no formula.
    """

    name: str
    value: float | int | bool | str | None
    unit: str
    table: str | None = None
    key: dict[str, Any] = Field(default_factory=dict)
    column: str | None = None
    description: str = ""
    how: str = ""
    formula: str = ""
    engine: str = ""
    fidelity: str = ""
    evidence: str = ""
    value_low: float | None = None
    value_high: float | None = None
    recomputed_value: float | int | bool | str | None = None
    certificates: list[dict[str, Any]] = Field(default_factory=list)
    source: dict[str, Any] | None = None
    terms: list[ExplainNode] = Field(default_factory=list)


class CompareRequest(Params):
    """Compare two plans."""

    left: Path
    right: Path


class CompareResponse(Params):
    """Indicators, technologies, engines, inputs and wishes that differ."""

    left: str
    right: str
    indicators: list[dict[str, Any]]
    technology_changes: list[dict[str, Any]]
    n_places_changed: int
    differences: list[dict[str, Any]]
    engines: list[dict[str, Any]]
    inputs: list[dict[str, Any]]


class CountryRequest(Params):
    """Build a country's tables from packages, its pack and imported files."""

    country: str
    cache_dir: Path
    n_places: int = Field(32_000, ge=100, le=2_000_000)
    out: Path | None = None


class CountryResponse(Params):
    """What was built."""

    country: str
    pack: str | None
    tables: dict[str, int]
    n_people: int
    evidence: dict[str, dict[str, int]]
    folder: Path | None


class ImportRequest(Params):
    """Lay a real file over a country."""

    kind: str
    file: Path
    country: str
    cache_dir: Path


class ImportResponse(Params):
    """What a file brought."""

    kind: str
    file: str
    tables: dict[str, int]
    overlay: Path
    warnings: list[str]


class DoctorResponse(Params):
    """The state of the installation."""

    is_well: bool
    checks: list[dict[str, Any]]
