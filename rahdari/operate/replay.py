"""Replay: the same code as live, on recorded events and without a clock."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from rahdari.errors import InputError, Problem
from rahdari.operate.alarms import AlarmBook, is_maintenance_event
from rahdari.operate.incidents import Incident, Reasoner
from rahdari.operate.maintenance import Window, windows_of
from rahdari.operate.network import LiveNetwork
from rahdari.operate.story import events_of, network_form, read_story, scenarios_of, windows_of_story

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from rahdari.operate.events import Event


def network_of(given: Any) -> LiveNetwork:  # noqa: ANN401  # a network, story, plan, folder or tables
    """Return the live network of a story, a plan, its folder or its tables; one made before as it is."""
    if isinstance(given, LiveNetwork):
        return given
    if isinstance(given, dict) and ("network" in given or "gateways" in given):
        return LiveNetwork.of_story(network_form(given.get("network", given)))
    return LiveNetwork.of_plan(getattr(given, "folder", given))


def book_of(network: LiveNetwork, events: Sequence[Event]) -> AlarmBook:
    """Return the alarms that events in any order leave."""
    book = AlarmBook(is_known=network.is_known)
    book.accept(book.folded([event for event in events if not is_maintenance_event(event)]))
    return book


def replay(
    plan_or_tables: Any,  # noqa: ANN401  # see network_of
    events: Iterable[Event],
    *,
    now_s: float | None = None,
    windows: Sequence[Window] = (),
) -> list[Incident]:
    """Return the incidents that events lead to at ``now_s``, by default the time of the last one.

    Events after ``now_s`` have not happened.  The answer hangs on no order of the events.
    """
    network = network_of(plan_or_tables)
    every = list(events)
    end_s = max((event.at_s for event in every if math.isfinite(event.at_s)), default=0.0) if now_s is None else now_s
    told = every if now_s is None else [event for event in every if event.at_s <= now_s]
    reasoner = Reasoner(network, [*windows, *windows_of(told)])
    return reasoner.read(book_of(network, told).alarms.values(), end_s)


def _plain(incident: Incident) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(incident))
    window = incident.window
    found["notifications"] = [{"at_s": at_s, "what": what} for at_s, what in incident.notices]
    if window is not None:
        found["notifications_before_window_end"] = sum(at_s < window.to_s for at_s, _ in incident.notices)
        found["notifications_after_window_end"] = sum(at_s >= window.to_s for at_s, _ in incident.notices)
    if incident.sla_excluded_s is not None:
        found["sla_minutes_excluded"] = {"from_t": incident.sla_excluded_s[0], "to_t": incident.sla_excluded_s[1]}
    return found


def _scenario(
    network: LiveNetwork, story: Mapping[str, Any], scenario: Mapping[str, Any], now_s: float | None
) -> dict[str, Any]:
    events, windows = events_of(scenario), windows_of_story(scenario, story)
    last = [event.at_s for event in events if math.isfinite(event.at_s)]
    ends = [window.to_s for window in windows if math.isfinite(window.to_s)]
    end_s = max([0.0, *last, *ends]) if now_s is None else now_s
    found = replay(network, events, now_s=end_s, windows=windows)
    book = book_of(network, [event for event in events if event.at_s <= end_s])
    lost = {name for incident in found for name in incident.cells_without_service}
    places = [i for i, name in enumerate(network.place_id) if name in lost]
    return {
        "id": str(scenario.get("id", "")), "title": str(scenario.get("title", "")), "now_s": end_s,
        "incidents": [_plain(incident) for incident in found],
        "cells_without_service": [network.place_id[place] for place in places],
        "customers_without_service": int(network.customers[places].sum()),
        "alarms": [
            {
                "key": alarm.key, "resource": alarm.resource, "type": alarm.type, "is_known": alarm.is_known,
                "raise_count": alarm.n_raises, "state": "cleared" if alarm.is_cleared else "raised",
                "severity": alarm.severity, "is_flapping": alarm.is_flapping, "raised_s": alarm.raised_s,
                "cleared_s": alarm.cleared_s,
            }
            for alarm in book
        ],
        "alarm_rows": len(book),
    }  # fmt: skip


def replay_story(path: Path | str, scenario: str | None = None, *, now_s: float | None = None) -> dict[str, Any]:
    """Return what a story of a JSON file leads to: ``incidents`` and alarms of its scenario, or all ``scenarios``.

    Each incident has ``root`` (object and kind), ``symptom_seqs``, ``cells_without_service`` and
    ``customers_without_service`` as of the end (the last alarm, or the end of maintenance), or of ``now_s``.  Several
    scenarios without one named come as a list under ``scenarios``, and ``incidents`` are those of all of them, each
    with the name of its ``scenario``.
    """
    story = read_story(path)
    network = LiveNetwork.of_story(story)
    every = scenarios_of(story)
    chosen = [each for each in every if scenario is None or str(each.get("id")) == scenario]
    if not chosen:
        known = ", ".join(str(each.get("id")) for each in every)
        raise InputError(Problem(f"the story has no scenario {scenario}", f"use one of {known}", str(path)))
    found = [_scenario(network, story, each, now_s) for each in chosen]
    if len(found) == 1:
        return found[0]
    every_one = [{**incident, "scenario": each["id"]} for each in found for incident in each["incidents"]]
    return {"scenarios": found, "incidents": every_one}


__all__ = ["book_of", "network_of", "replay", "replay_story"]
