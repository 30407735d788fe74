"""Published failures in the report: each told once, cuts in their own section."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import polars as pl
import pytest

from rahdari.faces.report.blocks import Section, Table, Text
from rahdari.faces.report.content_replay import replay_section
from rahdari.faces.report.content_resilience import resilience_section

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

EVENTS = {"dark": "The grid failed", "cut": "A cable was cut", "wet": "Sites stood in water"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    names = list(EVENTS)
    replay = pl.DataFrame(
        {
            "event_id": names, "what": list(EVENTS.values()), "at_utc": ["2023-01-23", "2025-01-02", "2022-08-28"],
            "kind": ["grid_failure", "cable_cut", "flood"], "status": ["replayed"] * 3,
            "predicted_by": ["replay_hours", "backbone", "replay_hours"], "predicted_value": [43.0, 930.0, 2940.0],
            "predicted_low_value": [43.0, 465.0, 2350.0], "predicted_high_value": [60.0, 1860.0, 3120.0],
            "published_value": [50.0, 1000.0, 3386.0], "unit_text": ["pct", "gbps", "sites"],
            "error_frac": [0.14, 0.07, 0.13], "is_independent": [True, True, False], "note": ["how"] * 3,
        }
    )  # fmt: skip
    own = ["event_id", "at_utc", "what", "unit_text", "note", "is_independent", "error_frac", "published_value"]
    ends = ["predicted_value", "predicted_low_value", "predicted_high_value"]
    cuts = replay.filter(pl.col("event_id") == "cut").select(
        *own, *ends, measure=pl.lit("lost"), is_published=pl.lit(value=True), is_in_band=pl.lit(value=True)
    )
    indicators = pl.DataFrame(schema={"indicator_id": pl.String, "year": pl.Int64})
    losses = pl.DataFrame(
        {
            "named_event_id": ["dark-2023"], "without_people_h": [5e8], "without_low_people_h": [4e8],
            "without_high_people_h": [6e8], "revenue_lost_usd": [7e5], "revenue_lost_low_usd": [3e5],
            "revenue_lost_high_usd": [2e6],
        }
    )  # fmt: skip
    named = pl.DataFrame({"named_event_id": ["dark-2023"], "name": ["The night without grid"]})
    tables = {"event_replay": replay, "backbone_replay": cuts, "event_losses": losses, "named_events": named}
    manifest = {"scenario": {"years": [2025, 2030]}}
    return cast("Plan", SimpleNamespace(tables=tables, indicators=indicators, manifest=manifest))


def _told(section: Section) -> str:
    tables = [block for block in section.blocks if isinstance(block, Table)]
    return " ".join(f"{cell.text} {cell.second}" for table in tables for row in table.rows for cell in row)


def test_every_published_failure_stands_in_one_section_alone(plan: Plan) -> None:
    sections = [section for section in (resilience_section(plan, "en"), replay_section(plan, "en")) if section]
    assert len(sections) == 2
    for what in EVENTS.values():
        assert sum(what in _told(section) for section in sections) == 1


def test_the_reader_is_told_where_the_cuts_stand(plan: Plan) -> None:
    section = resilience_section(plan, "en")
    assert section is not None
    notes = " ".join(block.text for block in section.blocks if isinstance(block, Text))
    assert "Published cuts of cables and fibre, 1, " in notes
    assert "Cuts of cables and fibre replayed" in notes


def test_what_an_event_costs_is_told_with_its_range(plan: Plan) -> None:
    section = resilience_section(plan, "en")
    assert section is not None
    told = _told(section)
    assert "The night without grid" in told
    assert "500.0 400.0 to 600.0" in told
    assert "US$ 700" in told
