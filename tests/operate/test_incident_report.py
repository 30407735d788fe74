"""Reports to an authority: deadlines by hand, gaps named, hostile text harmless; and what incidents give dispatch."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.rerouting import CoreTraffic
from rahdari.operate.actions import detours, job_of, runbook
from rahdari.operate.forecast import Step
from rahdari.operate.incident_report import calendar_of, due_s, incident_report, markdown, page, read_calendar
from rahdari.operate.incidents import Cause, Incident
from rahdari.operate.sla import rule_data, seconds_of, utc_text

ROOT = Path(__file__).parents[2]
PKT = ZoneInfo("Asia/Karachi")
GIVEN = {"licensee": "Operator A", "contact": "Duty officer, 051 000", "data_affected": "none", "measures": "splice"}


def local_s(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=PKT).timestamp())


def incident(**given: Any) -> dict[str, Any]:  # noqa: ANN401  # fields of the record
    fields = {
        "incident_id": "i1", "root": Cause("L10", "duct"), "opened_s": float(seconds_of("2026-08-12T20:00:00Z")),
        "changed_s": 0.0, "severity": "critical", "customers_without_service": 120, "n_places": 2,
        "evidence": ("loss of light at both ends",), **given,
    }  # fmt: skip
    return dict(msgspec.to_builtins(Incident(**fields)))


def test_the_first_notice_is_due_a_day_later_to_the_second() -> None:
    made = incident_report(incident(), GIVEN, "first", 0)
    assert made.due_utc == "2026-08-13T20:00:00Z"
    assert made.due_local == "2026-08-14T01:00:00+05:00"
    assert not made.is_late
    assert incident_report(incident(), GIVEN, "first", seconds_of(made.due_utc) + 1).is_late


@pytest.mark.parametrize(
    ("detected", "last_day"),
    [
        ("2026-08-12T08:00", "2026-08-20"),  # Wednesday; Friday 14 is Independence Day
        ("2026-08-13T01:00", "2026-08-21"),  # still Wednesday by UTC, Thursday in Pakistan
        ("2026-07-04T12:00", "2026-07-10"),  # Saturday: the week after
        ("2026-12-23T12:00", "2026-12-31"),  # Friday 25 is a holiday
    ],
)
def test_five_working_days_leave_out_weekends_and_holidays_by_the_local_day(detected: str, last_day: str) -> None:
    calendar = calendar_of("calendar_pk")
    found, _ = due_s({"within_working_days": 5}, local_s(detected), calendar)
    assert found == local_s(f"{last_day}T23:59:59")


def test_any_deadline_has_exactly_its_working_days_before_it() -> None:
    calendar = calendar_of("calendar_pk")
    for day in range(0, 330, 7):
        at_s = local_s("2026-01-02T10:00") + day * 86400 + day * 3600
        found, _ = due_s({"within_working_days": 5}, at_s, calendar)
        begin, end = (dt.datetime.fromtimestamp(each, PKT).date() for each in (at_s, found))
        between = [begin + dt.timedelta(days=each) for each in range(1, (end - begin).days + 1)]
        working = [each for each in between if each.weekday() < 5 and each not in calendar.holidays]
        assert len(working) == 5
        assert working[-1] == end


def test_days_that_hang_on_the_moon_and_years_without_a_calendar_are_said() -> None:
    calendar = calendar_of("calendar_pk")
    _, moon = due_s({"within_working_days": 5}, local_s("2026-05-25T10:00"), calendar)
    assert "the moon" in moon[0]
    _, year = due_s({"within_working_days": 5}, local_s("2027-02-01T10:00"), calendar)
    assert "holidays of 2027" in year[0]


def test_the_pakistani_rule_says_that_it_is_proposed_and_where_it_comes_from() -> None:
    made = incident_report(incident(), GIVEN, "full", 0)
    assert made.status == "proposed"
    assert "gazetted text not seen" in made.status_note
    for text in (markdown(made), page(made)):
        assert "proposed" in text
        assert "gazetted text not seen" in text


def test_what_nobody_has_said_is_missing_and_listed() -> None:
    made = incident_report(incident(), GIVEN, "full", 0)
    assert made.missing == ("Service restored, UTC", "How a repetition is prevented")
    whole = incident_report(incident(closed_s=0.0), {**GIVEN, "prevention": "second duct"}, "full", 0)
    assert whole.missing == ()
    assert [line.value for line in whole.lines if line.field_id == "ended"] == [utc_text(0)]
    assert len(incident_report({"opened_s": 0}, {}, "first", 0).missing) == 8


def test_an_incident_below_the_asked_severity_is_said_not_to_be_asked_for() -> None:
    assert incident_report(incident(severity="major"), GIVEN, "first", 0).is_asked_for
    assert not incident_report(incident(severity="minor"), GIVEN, "first", 0).is_asked_for


def test_hostile_text_is_shown_and_does_nothing() -> None:
    evil = "<script>alert(1)</script>|**x**\n# head [a](javascript:b) \u202egnp.exe"
    made = incident_report(incident(root=Cause(evil, "duct")), {**GIVEN, "measures": evil}, "full", 0)
    shown = page(made)
    assert "<script" not in shown
    assert "\u202e" not in shown
    assert "&lt;script&gt;" in shown
    text = markdown(made)
    assert not re.search(r"(?<!\\)<script", text)
    assert not re.search(r"^# head", text, re.MULTILINE)
    assert "\\[a\\]" in text


def test_a_report_or_a_status_that_there_is_not_is_refused() -> None:
    with pytest.raises(InputError, match="no report 'second'; use one of first, full"):
        incident_report(incident(), GIVEN, "second", 0)
    with pytest.raises(InputError, match="'law' is no status"):
        incident_report(incident(), GIVEN, "first", 0, {**rule_data("incident_report_pk"), "status": "law"})
    with pytest.raises(InputError, match="no rule 'incident_report_xx'"):
        incident_report(incident(), GIVEN, "first", 0, "incident_report_xx")
    with pytest.raises(InputError, match="no day 'juma'"):
        read_calendar({**rule_data("calendar_pk"), "weekend": ["juma"]})


def test_every_kind_of_root_has_a_page_to_follow() -> None:
    text = (ROOT / "docs/runbooks.md").read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", line[3:].lower()).replace(" ", "-")
        for line in text.splitlines()
        if line[:3] == "## "
    }
    for kind in ("power", "duct", "link", "node", "software", "flood", "unknown", "never heard of"):
        assert runbook(kind).partition("#")[2] in anchors


def test_an_incident_becomes_work_with_the_sites_that_each_step_adds() -> None:
    steps = (
        Step(at_s=100.0, what="x", n_sites=2, n_customers=11, sites=("a", "b")),
        Step(at_s=200.0, what="x", n_sites=3, n_customers=15, sites=("a", "b", "c")),
    )
    made = Incident(
        incident_id="i", root=Cause("f1", "power"), opened_s=0.0, changed_s=0.0, customers_without_service=7,
        forecast=steps,
    )  # fmt: skip
    spots = {"f1": (70.0, 30.0), "a": (70.1, 30.0), "b": (70.2, 30.0), "c": (70.3, 30.0)}
    job = job_of(made, spots.get)
    assert job is not None
    assert [(site.site_id, site.dies_s, site.n_customers) for site in job.sites] == [
        ("a", 100, 6), ("b", 100, 5), ("c", 200, 4)
    ]  # fmt: skip
    assert (job.n_customers, job.repair_s) == (7, 3 * 3600)
    assert job_of(made, {}.get) is None


def test_ways_round_a_cut_link_come_shortest_first_with_what_is_free_on_them() -> None:
    #  0 - 1 direct; round by 2 and by 3, the way by 3 partly used.
    ends = np.array([[0, 1], [0, 2], [2, 1], [0, 3], [3, 1]], np.int64)
    km, capacity = np.array([100.0, 80.0, 80.0, 90.0, 90.0]), np.array([10.0, 4.0, 6.0, 9.0, 9.0])
    traffic = CoreTraffic(4, ends, km, capacity, np.array([[0, 3]], np.int64), np.array([2.0]))
    found = detours(traffic, traffic.normal(), 0)
    assert [(each.links, each.fibre_km, each.free_gbps) for each in found] == [
        ((1, 2), 160.0, 4.0),
        ((3, 4), 180.0, 7.0),
    ]
    assert found[0].added_rtt_ms == pytest.approx(60 * 2 * 1.468 / 299.792458)
