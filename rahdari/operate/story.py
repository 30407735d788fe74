"""Stories: a network, alarms in any order, and what came of them; the form of the bundled examples, read leniently.

Others write the same things in other words: severities in any case, times as dates, batteries in minutes, ducts with
their links.  What cannot be read is refused with its place; what can be is brought to one form here.
"""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.operate.events import SEVERITIES, Event
from rahdari.operate.maintenance import Window
from rahdari.sources.guard import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED = ("t", "object", "type")
CLEARS = frozenset({"clear", "cleared", "ok", "normal", "up", "resolved", "none"})
BATTERY_UNITS = {
    "battery_hours": 1.0, "battery_min": 60.0, "battery_mins": 60.0, "battery_minutes": 60.0, "battery_s": 3600.0,
}  # fmt: skip
ENDS = (("a", ("from", "source", "from_site")), ("b", ("to", "target", "to_site")))
FROM, TO = ("from_t", "from_s", "from", "start"), ("to_t", "to_s", "to", "end")


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
    return {**story, "network": network_form(story["network"])}


def network_form(network: Mapping[str, Any]) -> dict[str, Any]:
    """Return a network in the bundled form: links with ends a and b and their ducts, batteries in hours."""
    ducts: dict[str, list[str]] = {}
    for duct, row in _rows(network.get("ducts")).items():
        for link in _texts(row.get("links", row.get("value"))):
            ducts.setdefault(link, []).append(duct)
    links = {}
    for name, row in _rows(network.get("links")).items():
        own = {end: next((row[key] for key in (end, *others) if key in row), None) for end, others in ENDS}
        held = _texts(row.get("ducts", row.get("duct")))
        links[name] = {**row, **own, "ducts": [*held, *(duct for duct in ducts.get(name, []) if duct not in held)]}
    gateways = network.get("gateways")
    made = {**network, "links": links, "gateways": list(_rows(gateways)) if gateways else []}
    for part in ("sites", "cells"):
        made[part] = {name: _in_hours(row) for name, row in _rows(network.get(part)).items()}
    return _in_hours(made)


def _in_hours(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its battery in hours, of whatever unit it states."""
    made = dict(row)
    for key, an_hour in BATTERY_UNITS.items():
        if key in made and "battery_h" not in made:
            stated = made.pop(key)
            try:
                made["battery_h"] = (
                    {name: float(value) / an_hour for name, value in stated.items()}
                    if isinstance(stated, dict)
                    else float(stated) / an_hour
                )
            except (TypeError, ValueError) as error:
                raise InputError(Problem(f"{key} is no number: {stated!r}", "give a number")) from error
    return made


def _rows(given: object) -> dict[str, dict[str, Any]]:
    """Return things by name, of a list of names, a list of rows with a name, or a mapping; one name alone as well."""
    if isinstance(given, dict):
        return {str(name): value if isinstance(value, dict) else {"value": value} for name, value in given.items()}
    rows = given if isinstance(given, list) else [] if given is None else [given]
    return {str(row.get("id", row.get("name"))) if isinstance(row, dict) else str(row):
            row if isinstance(row, dict) else {} for row in rows}  # fmt: skip


def _texts(given: object) -> list[str]:
    if given is None:
        return []
    return [str(each) for each in given] if isinstance(given, (list, tuple)) else [str(given)]


def scenarios_of(story: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the scenarios of a story, a list or a mapping by name; alarms at the top are a scenario by themselves."""
    found = story.get("scenarios", story.get("stories"))
    if isinstance(found, dict):
        return [{"id": name, **row} for name, row in found.items() if isinstance(row, dict)]
    if not isinstance(found, list):
        return [dict(story)]
    raise_if_any([
        Problem(f"scenario {number} is no object", "give an object with alarms", row=number)
        for number, each in enumerate(found, 1)
        if not isinstance(each, dict)
    ])  # fmt: skip
    return list(found)


def seconds_of(given: object) -> float:
    """Return a time of a story in seconds: a number, or a date of RFC 3339.

    Anything else raises ValueError or TypeError.

    >>> seconds_of("2.5"), seconds_of("1970-01-01T00:01:00Z")
    (2.5, 60.0)
    """
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        msg = f"{given!r} is no time"
        raise TypeError(msg)
    try:
        found = float(given)
    except ValueError:
        when = datetime.fromisoformat(str(given))
        if when.tzinfo is None:
            msg = f"{given!r} has no time zone"
            raise ValueError(msg) from None
        found = when.timestamp()
    if not math.isfinite(found):
        msg = f"{given!r} is no time"
        raise ValueError(msg)
    return found


def severity_of(given: object) -> str:
    """Return a severity as events have it; a word that is none of theirs is ``indeterminate``.

    >>> severity_of("CRITICAL"), severity_of("Clear"), severity_of("P1")
    ('critical', 'cleared', 'indeterminate')
    """
    word = str(given).strip().lower()
    if word in CLEARS:
        return "cleared"
    return word if word in SEVERITIES else "indeterminate"


def events_of(scenario: Mapping[str, Any]) -> list[Event]:
    """Return the alarms of a scenario as events; rows that are none raise InputError, all at once.

    A source and its number name one event: told again with the same content it is one.
    """
    rows = scenario.get("alarms", scenario.get("events")) or []
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
                    source=str(row.get("source", "story")), seq=int(row.get("seq", number)), at_s=seconds_of(row["t"]),
                    resource=str(row["object"]), type=str(row["type"]),
                    severity=severity_of(row.get("severity", "major")),
                    qualifier=str(row.get("qualifier", "")), text=str(row.get("text", "")),
                )
            )  # fmt: skip
        except (TypeError, ValueError, OverflowError) as error:
            problems.append(Problem(f"alarm {number} is none: {error}", "give numbers for t and seq", row=number))
    raise_if_any(problems)
    return found


def windows_of_story(scenario: Mapping[str, Any], story: Mapping[str, Any] | None = None) -> list[Window]:
    """Return the maintenance windows of a scenario, and those of its story.

    The bundled stories announce them beside what they expect.
    """
    expected = scenario.get("expect")
    given = (
        scenario.get("maintenance")
        or scenario.get("maintenance_windows")
        or (expected.get("maintenance") if isinstance(expected, dict) else None)
    )
    shared = (story or {}).get("maintenance") if story is not scenario else None
    rows = [row for part in (given, shared) if part for row in (part if isinstance(part, list) else [part])]
    problems, found = [], []
    for number, row in enumerate(rows, 1):
        try:
            found.append(_window(row))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"maintenance {number} is none: {error}"
            problems.append(Problem(what, "give object, from_t and to_t", row=number))
    raise_if_any(problems)
    return found


def _window(row: Mapping[str, Any]) -> Window:
    begin, end = (next((row[key] for key in keys if row.get(key) is not None), None) for keys in (FROM, TO))
    return Window(
        object=str(row["object"]), from_s=-math.inf if begin is None else seconds_of(begin),
        to_s=math.inf if end is None else seconds_of(end),
        includes_dependants=bool(row.get("includes_dependants", True)),
    )  # fmt: skip


__all__ = ["events_of", "network_form", "read_story", "scenarios_of", "seconds_of", "severity_of", "windows_of_story"]
