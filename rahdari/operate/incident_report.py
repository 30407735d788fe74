"""Reports of incidents to an authority in a form that dated rule data gives: filled fields, gaps, deadlines.

A rule is a TOML file with its authority, status (draft, proposed or in force), source, deadlines and fields, so that a
new text is a new file and no new code.  What an incident does not say stays empty and is listed.
"""

from __future__ import annotations

import datetime as dt
import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rahdari.errors import InputError, Problem
from rahdari.operate.reports import shown
from rahdari.operate.sla import HOUR_S, rule_data, utc_text

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES = ("draft", "proposed", "in force")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MARKS = "\\`*_{}[]()#+-.!|<>&~"  # what Markdown would take for more than text
YEAR_DAYS = 366


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days of a country: zone, weekend by number from Monday, holidays, and the years that they cover."""

    zone: str
    weekend: frozenset[int]
    holidays: frozenset[dt.date]
    moon: frozenset[dt.date]
    years: frozenset[int]

    def working_day(self, begin: dt.date, count: int) -> dt.date:
        """Return the ``count``-th working day after a day."""
        day = begin
        for _ in range(count * YEAR_DAYS):
            day += dt.timedelta(days=1)
            count -= day.weekday() not in self.weekend and day not in self.holidays
            if not count:
                return day
        raise InputError(Problem("the calendar has no working days", "give a weekend that leaves some"))


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a form; ``value`` is empty where nobody has said it."""

    field_id: str
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class Report:
    """A filled form with its deadline; ``missing`` are titles of fields without a value."""

    rule_id: str
    rule_title: str
    authority: str
    status: str
    status_note: str
    source: str
    report_id: str
    title: str
    is_asked_for: bool
    due_utc: str
    due_local: str
    is_late: bool
    lines: tuple[Line, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


def calendar_of(name: str) -> Calendar:
    """Return a packaged calendar."""
    return read_calendar(rule_data(name))


def read_calendar(data: Mapping[str, Any]) -> Calendar:
    """Return a calendar from its data; :class:`InputError` for a day of the week that there is not."""
    unknown = [name for name in data["weekend"] if name not in WEEKDAYS]
    if unknown:
        raise InputError(Problem(f"there is no day '{unknown[0]}'", f"use {', '.join(WEEKDAYS)}"))
    days = {dt.date.fromisoformat(each["date"]): bool(each.get("is_moon")) for each in data["holidays"]}
    return Calendar(
        data["zone"],
        frozenset(WEEKDAYS.index(name) for name in data["weekend"]),
        frozenset(days),
        frozenset(day for day, is_moon in days.items() if is_moon),
        frozenset(data["years"]),
    )


def due_s(timing: Mapping[str, Any], detected_s: int, calendar: Calendar) -> tuple[int, tuple[str, ...]]:
    """Return the last second for a report, and what is uncertain about it.

    Hours run on from detection; working days end with the local day.
    """
    if "within_h" in timing:
        return detected_s + int(timing["within_h"]) * HOUR_S, ()
    zone = ZoneInfo(calendar.zone)
    begin = dt.datetime.fromtimestamp(detected_s, zone).date()
    last = calendar.working_day(begin, int(timing["within_working_days"]))
    span = {begin + dt.timedelta(days=each) for each in range((last - begin).days + 2)}
    notes = []
    if any(day.year not in calendar.years for day in span):
        notes.append(f"holidays of {last.year} are not in the calendar: only weekends were left out")
    if span & calendar.moon:
        notes.append("a holiday that hangs on the moon falls into the time: the deadline may shift by a day")
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), zone)
    return int(end.timestamp()) - 1, tuple(notes)


def incident_report(
    incident: Mapping[str, Any],
    given: Mapping[str, str],
    report_id: str,
    now_s: int,
    rule: Mapping[str, Any] | str = "incident_report_pk",
) -> Report:
    """Return the form of one report filled from an incident as plain data and from what people gave.

    :class:`InputError` where the rule has no such report or a status that is none.
    """
    data = rule_data(rule) if isinstance(rule, str) else rule
    if data["status"] not in STATUSES:
        raise InputError(Problem(f"'{data['status']}' is no status", f"use one of {', '.join(STATUSES)}"))
    timing = next((each for each in data["reports"] if each["report_id"] == report_id), None)
    if timing is None:
        known = ", ".join(each["report_id"] for each in data["reports"])
        raise InputError(Problem(f"the rule has no report '{report_id}'", f"use one of {known}"))
    calendar = calendar_of(data["calendar"])
    deadline_s, notes = due_s(timing, int(incident["opened_s"]), calendar)
    facts = {"incident": incident, "given": given}
    lines = tuple(
        Line(each["field_id"], each["title"], _text(_found(facts, each["from"]), each.get("form", "")))
        for each in data["fields"]
        if report_id in each["needed_in"]
    )
    local = dt.datetime.fromtimestamp(deadline_s, ZoneInfo(calendar.zone)).isoformat()
    return Report(
        data["rule_id"], data["title"], data["authority"], data["status"], data["status_note"], data["source"],
        report_id, timing["title"], str(incident.get("severity", "")) in data["applies_to"], utc_text(deadline_s),
        local, now_s > deadline_s, lines, tuple(line.title for line in lines if not line.value),
        (*notes, *((timing["note"],) if "note" in timing else ())),
    )  # fmt: skip


def _found(facts: Mapping[str, Any], path: str) -> object:
    """Return what stands at a path such as ``incident.root.kind``; ``None`` where nothing does."""
    at: Any = facts
    for name in path.split("."):
        at = at.get(name) if hasattr(at, "get") else None
    return at


def _text(value: object, form: str) -> str:
    """Return a value as one line of text; empty where there is none."""
    if value is None or value in ("", [], ()):
        return ""
    if form == "time" and isinstance(value, int | float):
        return utc_text(int(value))
    if isinstance(value, list | tuple):
        return "; ".join(shown(str(each)) for each in value)
    return shown(str(value)).strip()


def _heading(report: Report) -> list[tuple[str, str]]:
    applies = "yes" if report.is_asked_for else "no: the rule asks for incidents of a higher severity"
    late = " (past)" if report.is_late else ""
    return [
        ("Rule", f"{report.rule_title} ({report.status}: {report.status_note})"),
        ("Authority", report.authority),
        ("Source", report.source),
        ("Asked for", applies),
        ("Due", f"{report.due_local} = {report.due_utc}{late}"),
        *(("Note", note) for note in report.notes),
    ]


def markdown(report: Report) -> str:
    """Return a report as Markdown in which no text from outside does more than be read."""
    rows = [f"- **{_plain(name)}:** {_plain(text)}" for name, text in _heading(report)]
    fields = [f"| {_plain(line.title)} | {_plain(line.value) or '**missing**'} |" for line in report.lines]
    return "\n".join([f"# {_plain(report.title)}", "", *rows, "", "| field | value |", "|---|---|", *fields, ""])


def _plain(text: str) -> str:
    return "".join(f"\\{each}" if each in MARKS else each for each in shown(text))


def page(report: Report) -> str:
    """Return a report as one HTML page without script or reference; all text is escaped."""
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in _heading(report))
    fields = "".join(
        f"<tr><th>{html.escape(line.title)}</th><td>{html.escape(line.value) or '<strong>missing</strong>'}</td></tr>"
        for line in report.lines
    )
    title = html.escape(report.title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{title}</h1><dl>{rows}</dl><table>{fields}</table></body></html>\n"
    )
