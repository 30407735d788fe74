"""The operation that makes a plan."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem
from rahdari.model.scenario import Scenario, read_scenario, validated
from rahdari.run.digest import digest_of
from rahdari.run.runner import Event, RunOptions, RunResult, run
from rahdari.service.overlays import country_inputs
from rahdari.service.packs import asked_country, default_scenario, scenario_folders
from rahdari.service.requests import PlanRequest, PlanResponse
from rahdari.store.cache import ResultCache
from rahdari.store.plans import check_plan_folder, write_plan

if TYPE_CHECKING:
    from collections.abc import Callable

PLANS = Path("plans")


def _ignore(_event: Event) -> None:
    """Show progress to nobody."""


def _never() -> bool:
    """Say that nobody has asked to stop."""
    return False


def scenario_of(request: PlanRequest, pack: Path | None) -> Scenario:
    """Return the scenario with the request's own wishes laid over it."""
    scenario = read_scenario(request.scenario or default_scenario(pack), scenario_folders(pack))
    changes: dict[str, Any] = {}
    if request.detail is not None:
        if request.detail not in {"quick", "full"}:
            raise InputError(Problem(f"detail '{request.detail}' is unknown", "use quick or full"))
        changes["detail"] = request.detail
    if request.n_places is not None:
        changes["n_places"] = request.n_places
    if request.engines_off:
        changes["engines_off"] = (*scenario.engines_off, *request.engines_off)
    return validated(Scenario, {**scenario.model_dump(), **changes}, "the request")


def _commit() -> str:
    """Return the commit of a source checkout, recorded but not hashed; empty in an installed wheel."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return ""
    try:
        done = subprocess.run(  # fixed arguments, no shell
            ["git", "rev-parse", "HEAD"],  # noqa: S607
            cwd=root,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _manifest(result: RunResult, scenario: Scenario, country: str, plan_digest: str) -> dict[str, Any]:
    tables = {
        name: {"digest": state.digest, "n_rows": state.n_rows, "writer": state.writer}
        for name, state in result.tables.items()
    }
    return {
        "country": country,
        "scenario": scenario.model_dump(mode="json"),
        "plan_digest": plan_digest,
        "commit": _commit(),
        "created_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "tables": tables,
        "engines": result.engines,
        "consistency": result.consistency,
        "dropped": result.dropped,
    }


def _warnings(result: RunResult) -> list[str]:
    broken = [check for check in result.consistency if not check["is_kept"]]
    lines = [
        f"{check['name']}: {check['left']} {check['left_value']:,.6g} but "
        f"{check['right']} {check['right_value']:,.6g} {check['unit']}"
        for check in broken
    ]
    quarantined = result.registry.quarantined if result.registry else {}
    lines += [f"engine {name} is in quarantine: {why}" for name, why in quarantined.items()]
    lines += [f"engine {name} did not run: an engine it reads from is off" for name in result.dropped]
    return lines


def plan(
    request: PlanRequest,
    *,
    on_event: Callable[[Event], None] = _ignore,
    is_cancelled: Callable[[], bool] = _never,
) -> PlanResponse:
    """Make a plan and commit it to its folder; a crash leaves the old plan or the new one.

    Raises :class:`rahdari.errors.InputError` with every fault of the scenario or the files at once.
    """
    start = time.perf_counter()
    asked = asked_country(request.country)
    scenario = scenario_of(request, asked.pack)
    folder = request.out or PLANS / f"{asked.slug}-{scenario.name}"
    check_plan_folder(folder)
    inputs = country_inputs(asked, request.cache_dir, {kind: Path(file) for kind, file in scenario.imports.items()})
    events: list[Event] = []

    def forward(event: Event) -> None:
        events.append(event)
        on_event(event)

    options = RunOptions(
        cache=ResultCache(request.cache_dir / "results"),
        executor=request.executor,
        n_workers=request.n_workers,
        on_event=forward,
        is_cancelled=is_cancelled,
    )
    result = run(inputs, scenario, options)
    # Content only, so that the same plan made elsewhere has the same digest.
    plan_digest = digest_of(
        asked.slug,
        scenario.model_dump(mode="json", exclude={"imports"}),
        sorted((name, state.digest) for name, state in result.tables.items()),
        sorted((record["name"], record["key"]) for record in result.engines),
    )
    manifest = _manifest(result, scenario, asked.title, plan_digest)
    files = {name: (state.path, state.digest) for name, state in result.tables.items()}
    known = result.registry
    schemas = {name: known.schema_files[name].read_bytes() for name in files} if known else {}
    write_plan(folder, files, schemas, manifest)
    engines = {record["name"] for record in result.engines}
    return PlanResponse(
        folder=folder,
        country=asked.title,
        scenario=scenario.name,
        plan_digest=plan_digest,
        n_engines_run=sum(event.kind == "finished" and event.step in engines for event in events),
        n_engines_cached=sum(event.kind == "cached" and event.step in engines for event in events),
        duration_s=round(time.perf_counter() - start, 3),
        tables={name: state.n_rows for name, state in sorted(result.tables.items())},
        indicators=[{**row, "engine": record["name"]} for record in result.engines for row in record["indicators"]],
        certificates=[{**row, "engine": record["name"]} for record in result.engines for row in record["certificates"]],
        consistency=result.consistency,
        warnings=_warnings(result),
    )
