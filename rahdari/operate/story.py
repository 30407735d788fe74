"""Stories: a network, alarms in any order, and what came of them; the form of the bundled examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.operate.events import Event
from rahdari.operate.maintenance import Window
from rahdari.sources.guard import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED = ("t", "object", "type")


def read_story(path: Path | str) -> dict[str, Any]:
    """Return the story of a JSON file: ``network`` and ``scenarios``; a file that is none raises InputError."""
    file = Path(path)
    try:
        story = read_json(file)
    except InputError as error:
        what = f"no story can be read: {error.problems[0].what}"
        raise InputError(Problem(what, "give a JSON file of a story", str(file))) from error
    if not isinstance(story, dict) or not isinstance(story.get("network"), dict):
        raise InputError(
            Problem("the story has no network", "give network and scenarios, or network and alarms", str(file))
        )
    return story


def scenarios_of(story: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the scenarios of a story; one whose alarms stand at the top is a scenario by itself."""
    found = story.get("scenarios")
    return list(found) if isinstance(found, list) else [dict(story)]


def events_of(scenario: Mapping[str, Any]) -> list[Event]:
    """Return the alarms of a scenario as events; rows that are none raise InputError, all at once."""
    rows = scenario.get("alarms", scenario.get("events", []))
    problems, found = [], []
    for number, row in enumerate(rows, 1):
        missing = [name for name in NEEDED if not isinstance(row, dict) or name not in row]
        if missing:
            problems.append(
                Problem(f"alarm {number} has no {', '.join(missing)}", "give t, object and type", row=number)
            )
            continue
        try:
            found.append(
                Event(
                    source=str(row.get("source", "story")), seq=int(row.get("seq", number)), at_s=float(row["t"]),
                    resource=str(row["object"]), type=str(row["type"]), severity=str(row.get("severity", "major")),
                    qualifier=str(row.get("qualifier", "")), text=str(row.get("text", "")),
                )
            )  # fmt: skip
        except (TypeError, ValueError) as error:
            problems.append(Problem(f"alarm {number} is none: {error}", "give numbers for t and seq", row=number))
    raise_if_any(problems)
    return found


def windows_of_story(scenario: Mapping[str, Any]) -> list[Window]:
    """Return the maintenance windows of a scenario; the bundled stories announce them beside what they expect."""
    given = scenario.get("maintenance") or scenario.get("expect", {}).get("maintenance") or []
    rows = given if isinstance(given, list) else [given]
    return [
        Window(
            object=str(row["object"]), from_s=float(row.get("from_t", 0.0)), to_s=float(row.get("to_t", float("inf"))),
            includes_dependants=bool(row.get("includes_dependants", True)),
        )
        for row in rows
    ]  # fmt: skip


__all__ = ["events_of", "read_story", "scenarios_of", "windows_of_story"]
