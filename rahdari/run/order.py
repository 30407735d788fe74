"""Sort engines by what they read and write; two writers of a table or a cycle is an error before any work."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from rahdari.errors import PlanError, Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rahdari.model.manifest import EngineManifest

GATHERED = "indicators"  # gathered from all engines; engines that read it run last


def ordered(engines: Iterable[EngineManifest], inputs: Iterable[str]) -> list[EngineManifest]:
    """Return the engines in an order in which every table is written before it is read.

    The order depends on names only, not on the order given.  Raises :class:`PlanError` that lists every
    table with two writers, every table that nobody writes, and any cycle.
    """
    by_name = {engine.name: engine for engine in sorted(engines, key=lambda engine: engine.name)}
    writer: dict[str, str] = {}
    problems: list[Problem] = []
    inputs = set(inputs)
    for engine in by_name.values():
        for table in engine.writes:
            if table in writer or table in inputs:
                cure = "give one of the two tables another name"
                problems.append(
                    Problem(f"{table} is written by {writer.get(table, 'the country')} and {engine.name}", cure)
                )
            writer[table] = engine.name
    graph: dict[str, set[str]] = {}
    for engine in by_name.values():
        graph[engine.name] = {writer[table] for table in engine.reads if table in writer}
        if GATHERED in engine.reads:
            graph[engine.name] |= {other.name for other in by_name.values() if GATHERED not in other.reads}
        for table in engine.reads:
            if table not in writer and table not in inputs and table != GATHERED:
                cure = "switch on the engine that writes it, or add it to the country pack"
                problems.append(Problem(f"{engine.name} reads {table}, which nobody writes", cure))
    raise_if_any(problems, PlanError)
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise PlanError(
            Problem(f"engines wait for each other: {cycle}", "break the cycle with a round in run/")
        ) from error
    result: list[EngineManifest] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        result += [by_name[name] for name in ready]
        sorter.done(*ready)
    return result


def without(
    engines: Iterable[EngineManifest], off: Iterable[str], inputs: Iterable[str], *, has_quarantined: bool = False
) -> tuple[list[EngineManifest], list[str]]:
    """Return the engines left when some are off, and the names that go with them for want of input.

    A table that nobody writes is an error of :func:`ordered`, unless an engine is in quarantine: then its
    readers rest too, and the others run.
    """
    off = set(off)
    everything = list(engines)
    remaining = [engine for engine in everything if engine.name not in off]
    dropped: list[str] = []
    written_somewhere = {table for engine in everything for table in engine.writes} | {*inputs, GATHERED}
    while True:
        written = {table for engine in remaining for table in engine.writes} | {*inputs, GATHERED}
        lost = {table for engine in remaining for table in engine.reads} - written
        if not has_quarantined:
            lost &= written_somewhere
        blocked = [engine for engine in remaining if lost & set(engine.reads)]
        if not blocked:
            return remaining, dropped
        dropped += [engine.name for engine in blocked]
        remaining = [engine for engine in remaining if engine not in blocked]
