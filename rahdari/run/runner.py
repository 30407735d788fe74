"""Run a plan: the country, the changes, the engines in order; what is unchanged comes from the cache.

Cache, resume and explanation are one mechanism: the key of an engine's result is the digest of its code,
parameters, seed and the content of the tables it reads.  An unchanged rerun imports no engine.
"""

from __future__ import annotations

import importlib
import math
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rahdari.errors import CancelledError, PlanError, Problem
from rahdari.run.consistency import consistency_record
from rahdari.run.country import CountryInputs, Watch, country_states
from rahdari.run.digest import MANIFEST, code_digest, digest_of, folder_digest, storing_digest
from rahdari.run.executors import check_executor, map_function
from rahdari.run.order import GATHERED, ordered, without
from rahdari.run.registry import Registry, registry
from rahdari.run.state import TableState, states_of, store_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rahdari.model.manifest import EngineManifest
    from rahdari.model.params import Params
    from rahdari.model.result import EngineResult
    from rahdari.model.scenario import Scenario
    from rahdari.store.cache import ResultCache

README = "README.md"
EventKind = Literal["started", "progress", "finished", "cached"]


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a run, for whoever shows progress."""

    kind: EventKind
    step: str
    done: int = 0
    total: int = 0
    text: str = ""
    duration_s: float = 0.0


def _ignore(_event: Event) -> None:
    """Show progress to nobody."""


def _never() -> bool:
    """Say that nobody has asked to stop."""
    return False


@dataclass(frozen=True)
class RunOptions:
    """Circumstances of a run that do not change its results."""

    cache: ResultCache
    executor: str = "serial"
    n_workers: int = 1
    backend: str = "cpu"
    on_event: Callable[[Event], None] = _ignore
    is_cancelled: Callable[[], bool] = _never


@dataclass
class RunResult:
    """Every table's state, one record an engine, the consistency checks and what was dropped."""

    tables: dict[str, TableState]
    engines: list[dict[str, Any]] = field(default_factory=list)
    consistency: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    registry: Registry | None = None


def load_reference(reference: str) -> Any:  # noqa: ANN401  # an engine function or a parameter model
    """Return what ``package.module:name`` names; whatever goes wrong on the way is a :class:`PlanError`."""
    module, _, name = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever a plug-in does when it is imported
        cure = "mend or remove the plug-in, or leave it out with --off"
        what = f"cannot load {reference}: {type(error).__name__}: {error}"
        raise PlanError(Problem(what, cure)) from error


def check_parameters(engines: Mapping[str, EngineManifest], scenario: Scenario) -> None:
    """Raise one error with every unknown engine and every wrong parameter of the scenario."""
    from rahdari.errors import InputError, raise_if_any
    from rahdari.model.scenario import validated

    problems: list[Problem] = []
    for name in (*scenario.engines, *scenario.engines_off):
        if name not in engines:
            known = ", ".join(sorted(engines))
            problems.append(Problem(f"engine '{name}' is unknown", f"use one of {known}", f"scenario {scenario.name}"))
    for name, values in scenario.engines.items():
        if name in engines:
            try:
                validated(load_reference(engines[name].params), values, f"scenario {scenario.name}, [engines.{name}]")
            except InputError as error:
                problems += error.problems
    raise_if_any(problems)


def engine_key(manifest: EngineManifest, digests: Mapping[str, str], scenario: Scenario, backend: str) -> str:
    """Return the cache key of an engine's result: all that may change it.

    That is the engine's code with what it imports, every file of its folder but its page and its labels,
    parameters, circumstances, and the content of the tables it reads.
    """
    return digest_of(
        manifest.name,
        manifest.version,
        manifest.fidelity,
        sorted(manifest.writes),
        storing_digest(),
        code_digest(manifest.module),
        code_digest(manifest.params.partition(":")[0]),
        folder_digest(manifest.folder, skip=(MANIFEST, README)),
        sorted(scenario.engines.get(manifest.name, {}).items()),
        scenario.seed,
        scenario.detail,
        scenario.years,
        scenario.is_strict,
        backend,
        sorted(digests.items()),
    )


def _call(
    manifest: EngineManifest, params: Params, states: Mapping[str, TableState], scenario: Scenario, options: RunOptions
) -> EngineResult:
    """Import and call one engine; it sees the tables it declares and nothing else."""
    from rahdari.model.context import Context
    from rahdari.model.tables import Tables

    def forward(done: int, total: int, text: str) -> None:
        options.on_event(Event("progress", manifest.name, done, total, text))

    tables = Tables({name: states[name].frame() for name in manifest.reads})
    function = load_reference(manifest.entry)
    with map_function(options.executor, options.n_workers) as mapper:
        context = Context(
            seed=scenario.seed,
            detail=scenario.detail,
            years=scenario.years,
            is_strict=scenario.is_strict,
            n_workers=options.n_workers,
            backend=options.backend,
            map_function=mapper,
            on_progress=forward,
            is_cancelled=options.is_cancelled,
        )
        result: EngineResult = function(tables, params, context)
    written = set(result.tables)
    if written != set(manifest.writes):
        cure = f"make 'writes' in its manifest say {sorted(written)}"
        raise PlanError(Problem(f"engine {manifest.name} wrote {sorted(written)}", cure, manifest.name))
    return result


def _plain(values: Mapping[str, Any], manifest: EngineManifest) -> dict[str, Any]:
    """Return the values as plain JSON; a number that is none is an error of the engine."""
    plain = {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}
    for name, value in plain.items():
        if isinstance(value, float) and not math.isfinite(value):
            what = f"engine {manifest.name} gave {name} = {value} for '{plain['name']}'"
            raise PlanError(Problem(what, "leave out what cannot be computed", manifest.name))
    return plain


def _meta(result: EngineResult, manifest: EngineManifest, duration_s: float, params: Params) -> dict[str, Any]:
    return {
        "engine": manifest.name,
        "version": manifest.version,
        "fidelity": manifest.fidelity,
        "params": params.model_dump(mode="json"),
        "params_described": {name: item.description or "" for name, item in type(params).model_fields.items()},
        "duration_s": round(duration_s, 3),
        "indicators": [{**_plain(asdict(item), manifest), "value": float(item.value)} for item in result.indicators],
        "certificates": [_plain(item.as_dict(), manifest) for item in result.certificates],
        "notes": list(result.notes),
    }


def _computed(
    manifest: EngineManifest, states: Mapping[str, TableState], scenario: Scenario, options: RunOptions
) -> tuple[EngineResult, dict[str, Any]]:
    """Return what an engine gives and its record; whatever goes wrong in it names the engine."""
    start = time.perf_counter()
    params: Params = load_reference(manifest.params)(**scenario.engines.get(manifest.name, {}))
    try:
        result = _call(manifest, params, states, scenario, options)
    except MemoryError as error:
        cure = "lower n_places in the scenario, or use a machine with more memory"
        raise PlanError(Problem(f"engine {manifest.name} ran out of memory", cure)) from error
    except Exception as error:
        error.add_note(f"in engine {manifest.name}, {manifest.entry}")
        raise
    return result, _meta(result, manifest, time.perf_counter() - start, params)


def _engine_states(
    manifest: EngineManifest, states: Mapping[str, TableState], scenario: Scenario, options: RunOptions, known: Registry
) -> tuple[dict[str, TableState], dict[str, Any]]:
    """Return the states and the record of one engine, from the cache or by running it."""
    key = engine_key(manifest, {name: states[name].digest for name in manifest.reads}, scenario, options.backend)
    meta = options.cache.meta(key)
    if meta is None:
        options.on_event(Event("started", manifest.name, text=manifest.title))
        result, meta = _computed(manifest, states, scenario, options)
        meta = store_tables(options.cache, key, result.tables, known.schemas, meta)
        options.on_event(Event("finished", manifest.name, text=manifest.title, duration_s=meta["duration_s"]))
    else:
        options.on_event(Event("cached", manifest.name, text=manifest.title, duration_s=meta["duration_s"]))
    record = {
        **{name: value for name, value in meta.items() if name != "tables"},
        "name": manifest.name,
        "title": manifest.title,
        "summary": manifest.summary,
        "key": key,
        "code": code_digest(manifest.module),
        "reads": {name: states[name].digest for name in manifest.reads},
        "report": asdict(manifest.report) if manifest.report else None,
        "layers": [asdict(layer) for layer in manifest.layers],
    }
    return states_of(options.cache, key, meta, known.schemas, manifest.name), record


def _gathered(records: list[dict[str, Any]], options: RunOptions, known: Registry) -> dict[str, TableState]:
    """Return the state of ``indicators``, gathered from all engines that have run."""
    asked = sorted((record["name"], record["key"]) for record in records)
    key = digest_of(GATHERED, asked, storing_digest(), code_digest(__name__), known.schemas[GATHERED])
    meta = options.cache.meta(key)
    if meta is None:
        import polars as pl  # an unchanged rerun reads no table

        rows = [
            {**row, "engine": record["name"], "fidelity": record["fidelity"]}
            for record in records
            for row in record["indicators"]
        ]
        schema = known.schemas[GATHERED]
        frame = pl.DataFrame(
            rows, schema_overrides={"value_low": pl.Float64, "value_high": pl.Float64}, infer_schema_length=None
        )
        if not rows:
            from rahdari.schema.checks import empty_table

            frame = empty_table(schema)
        meta = store_tables(options.cache, key, {GATHERED: frame}, known.schemas, {"engine": "rahdari"})
    return states_of(options.cache, key, meta, known.schemas, "rahdari")


def run(inputs: CountryInputs, scenario: Scenario, options: RunOptions, known: Registry | None = None) -> RunResult:
    """Run all engines over a country and return every table's state.

    Nothing is written but the result cache, so a crash at any moment loses at most the engine that was running.
    """
    known = known or registry()
    check_executor(options.executor)
    check_parameters(known.engines, scenario)
    options.cache.sweep()
    inputs_known = [name for name in known.schemas if name not in _written(known)]
    has_quarantined = bool(known.quarantined)
    remaining, dropped = without(
        known.engines.values(), scenario.engines_off, inputs_known, has_quarantined=has_quarantined
    )
    steps = ordered(remaining, inputs_known)
    states, record = country_states(
        inputs, scenario, options.cache, known, country_watch(options.on_event, options.is_cancelled)
    )
    result = RunResult(states, [], [], dropped, known)
    for step in steps:
        _stop_if_asked(options.is_cancelled)
        if GATHERED in step.reads and GATHERED not in states:
            states.update(_gathered(result.engines, options, known))
        new, record = _engine_states(step, states, scenario, options, known)
        states.update(new)
        result.engines.append(record)
    # Once more, with what those engines found that read the indicators of all others.
    states.update(_gathered(result.engines, options, known))
    _stop_if_asked(options.is_cancelled)
    result.consistency = consistency_record(states, options.cache)
    return result


def _written(known: Registry) -> set[str]:
    return {table for engine in known.engines.values() for table in engine.writes} | {GATHERED}


def country_watch(on_event: Callable[[Event], None], is_cancelled: Callable[[], bool] = _never) -> Watch:
    """Return the listeners of the country's step; each word of progress is also a chance to stop."""

    def emit(kind: EventKind, text: str, duration_s: float) -> None:
        on_event(Event(kind, "country", text=text, duration_s=duration_s))

    def progress(done: int, total: int, text: str) -> None:
        _stop_if_asked(is_cancelled)
        on_event(Event("progress", "country", done, total, text))

    return Watch(emit, progress)


def _stop_if_asked(is_cancelled: Callable[[], bool]) -> None:
    if is_cancelled():
        raise CancelledError(Problem("stopped on request", "run the same command again: it resumes from the cache"))
