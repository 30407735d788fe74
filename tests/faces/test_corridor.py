"""The corridor page and the replay of cuts, on made-up tables: verdicts, ranges, aggregates, and a real browser."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import polars as pl
import pytest

from rahdari.faces.report.blocks import Cell, Heading, Headlines, Report, Section, Table, Text
from rahdari.faces.report.content_replay import replay_count, replay_section
from rahdari.faces.report.content_transit import (
    business_blocks,
    joint_blocks,
    latency_blocks,
    rival_blocks,
)
from rahdari.faces.report.figures import Mark, MarkRow, mark_rows
from rahdari.faces.report.html_page import html_page
from rahdari.faces.report.typst_page import pdf_bytes
from tests.helpers.web import needs_chromium

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from playwright.sync_api import Browser

    from rahdari.faces.report.blocks import Block
    from rahdari.service.plan_view import Plan

MS_PER_KM = 2 * 1.468 / 299.792458
CLAIM_MS = 20.0


def _latency() -> pl.DataFrame:
    spans = [("A - Pass", "leg", 1000.0), ("Pass - Sea", "leg", 2200.0), ("Sea - Far", "leg", 6000.0)]
    spans += [("A - Sea", "stretch", 3200.0), ("A - Far", "stretch", 9200.0)]
    rows = [
        {
            "step": step, "leg": leg, "kind": kind, "fibre_km": km, "rtt_floor_ms": km * MS_PER_KM,
            "claim_before_ms": 120.0, "claim_after_ms": CLAIM_MS, "floor_over_claim_ratio": km * MS_PER_KM / CLAIM_MS,
            "is_claim_possible": km * MS_PER_KM <= CLAIM_MS,
        }
        for step, (leg, kind, km) in enumerate(spans)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def _routes() -> pl.DataFrame:
    base = {
        "pair_id": "a_far", "from_name": "A", "to_name": "Far", "stops": "A - Sea - Far", "n_legs": 2,
        "rtt_floor_ms": 90.0, "rtt_low_ms": 80.0, "rtt_high_ms": 100.0, "idle_gbps": 200.0,
        "wavelength_availability_frac": 0.9, "availability_frac": 0.999999, "availability_low_frac": 0.95,
        "availability_high_frac": 0.9999999, "price_usd_per_mbps_month": 2.0, "price_low_usd_per_mbps_month": 0.5,
        "price_high_usd_per_mbps_month": 6.0, "price_year": 2025, "from_year": 0, "is_in_service": True,
    }  # fmt: skip
    later = {"rtt_floor_ms": 70.0, "rtt_low_ms": 65.0, "rtt_high_ms": 75.0, "from_year": 2029, "is_in_service": False}
    return pl.DataFrame(
        [
            {**base, "way_id": "corridor", "way_name": "By the corridor"},
            {**base, **later, "way_id": "steppe", "way_name": "By the steppe"},
        ]
    )


def _risk() -> pl.DataFrame:
    both = {"pair_id": "a_far", "n_ways": 2, "saved_h_per_year": 75.0}
    down = {"down_without_h_per_year": 87.66, "down_with_h_per_year": 12.66}
    return pl.DataFrame([{**both, **down, "cause_id": "all"}, {**both, **down, "cause_id": "named strait"}])


def _cash() -> pl.DataFrame:
    years = [(2026, 0.4e6, 5e6, -3.5e6), (2027, 3.0e6, 0.0, 2.1e6)]
    rows = [
        {
            "year": year, "sold_gbps": 20.0, "revenue_usd": revenue, "revenue_low_usd": 0.1 * revenue,
            "revenue_high_usd": 10.0 * revenue, "capex_usd": capex, "opex_usd": 1.5e6, "foreign_exchange_usd": foreign,
            "foreign_exchange_low_usd": foreign - 1e6, "foreign_exchange_high_usd": foreign + 9e6,
            "discounted_usd": revenue - capex - 1.5e6,
        }
        for year, revenue, capex, foreign in years
    ]  # fmt: skip
    return pl.DataFrame(rows)


def _business() -> pl.DataFrame:
    rows = [
        {
            "case_id": case, "price_usd_per_mbps_month": 2.0, "sold_gbps": 20.0, "revenue_value_usd": npv + 5e6,
            "cost_value_usd": 5e6, "npv_usd": npv, "break_even_price_usd_per_mbps_month": pays,
        }
        for case, npv, pays in (("low", -5e6, None), ("central", -0.4e6, 2.1), ("high", 180e6, 0.5))
    ]  # fmt: skip
    return pl.DataFrame(rows)


def _replay() -> pl.DataFrame:
    names = ("event_id", "at_utc", "measure", "predicted_value", "predicted_low_value", "predicted_high_value",
             "published_value", "is_independent")  # fmt: skip
    events = [
        ("old", "2022-08-19", "cut off", 150.0, 0.0, 220.0, 50.0, True),
        ("new", "2025-09-06", "lost", 2600.0, 1300.0, 5200.0, 1400.0, True),
        ("new", "2025-09-06", "rerouted", 190.0, 95.0, 380.0, 900.0, True),
        ("new", "2025-09-06", "duration", 720.0, 360.0, 1440.0, None, True),
        ("mid", "2025-07-23", "duration", 6.0, 6.0, 6.0, 6.0, False),
    ]
    frame = pl.DataFrame([dict(zip(names, event, strict=True)) for event in events])
    value, low, high = (pl.col(f"predicted{end}_value") for end in ("", "_low", "_high"))
    told = pl.col("published_value")
    return frame.with_columns(
        what=pl.concat_str(pl.lit("Cut of "), "event_id"),
        unit_text=pl.lit("gbps"),
        note=pl.lit("how"),
        is_published=told.is_not_null(),
        error_frac=(value - told).abs() / told,
        is_in_band=(low <= told) & (told <= high),
    )


@pytest.fixture(scope="module")
def plan() -> Plan:
    facts = [{"fact_id": f"latency_claim_{end}_ms", "value": value, "metric": "delay on the way", "source_id": "paper"}
             for end, value in (("from", 120.0), ("to", CLAIM_MS))]  # fmt: skip
    tables = {
        "latency_legs": _latency(), "transit_routes": _routes(), "transit_risk": _risk(), "transit_cash": _cash(),
        "transit_business": _business(), "backbone_replay": _replay(), "facts": pl.DataFrame(facts),
        "events": pl.DataFrame({"event_id": ["old", "mid", "new"], "source_id": ["paper"] * 3}),
        "transit_legs": pl.DataFrame(
            {"from_name": ["A"], "to_name": ["Pass"], "evidence": ["published"], "note": ["A paper"]}
        ),
    }  # fmt: skip
    manifest = {"engines": [{"name": "transit", "fidelity": "full"}], "scenario": {"years": [2025, 2030]}}
    return cast("Plan", SimpleNamespace(tables=tables, manifest=manifest))


def cells_of(blocks: Sequence[Block]) -> list[tuple[Cell, ...]]:
    return [row for block in blocks if isinstance(block, Table) for row in block.rows]


def row_of(blocks: Sequence[Block], name: str) -> tuple[Cell, ...]:
    return next(row for row in cells_of(blocks) if row[0].text == name)


def test_no_stretch_below_the_floor_of_light_is_granted_the_claim(plan: Plan) -> None:
    blocks = latency_blocks(plan)
    verdicts = {row[0].text: row[4].text for row in cells_of(blocks) if len(row) > 1}
    assert verdicts["A - Pass"] == "possible there and back"
    assert verdicts["Pass - Sea"] == "possible one way only"
    assert verdicts["A - Far"] == "below the floor of light"
    assert row_of(blocks, "A - Pass")[5].text == "published"
    (note,) = [block for block in blocks if isinstance(block, Text)]
    assert "single legs at most" in note.text
    assert "one way it can describe A - Sea" in note.text


def test_the_claim_stands_in_the_table_with_its_source(plan: Plan) -> None:
    claim = row_of(latency_blocks(plan), "Published: 120 ms to 20 ms")
    assert ("source", "source-paper") in claim[0].links


def test_every_heading_of_transit_carries_the_fidelity_of_its_model(plan: Plan) -> None:
    blocks = [*latency_blocks(plan), *rival_blocks(plan), *joint_blocks(plan), *business_blocks(plan)]
    headings = [block for block in blocks if isinstance(block, Heading)]
    assert len(headings) == 4
    assert {heading.badge for heading in headings} == {"full model"}


def test_an_availability_short_of_all_is_never_printed_as_all(plan: Plan) -> None:
    way = row_of(rival_blocks(plan), "By the corridor")
    assert way[2].text == "> 99.99 %"
    assert way[2].second == "95.00 % to > 99.99 %"
    assert way[4].second == "0.50 to 6.00"


def test_joint_downtime_is_shown_in_sums_and_no_cause_is_named(plan: Plan) -> None:
    blocks = joint_blocks(plan)
    row = row_of(blocks, "A - Far")
    assert (row[2].text, row[3].text) == ("99.000 %", "99.856 %")
    assert "strait" not in str(cells_of(blocks))


def test_the_business_case_has_a_range_by_year_and_a_value_in_every_case(plan: Plan) -> None:
    blocks = business_blocks(plan)
    assert row_of(blocks, "2027")[2].second == "US$ 300,000 to 30.0 million"
    assert row_of(blocks, "2027")[5].second == "US$ 1.10 to 11.1 million"
    assert row_of(blocks, "2027")[6].text == row_of(blocks, "2026")[6].text.replace("-6.10", "-4.60")
    assert [row[5].tone for row in cells_of(blocks) if row[0].text.endswith(("ranges", "there"))] == [
        "bad",
        "bad",
        "good",
    ]


def test_the_replay_begins_with_the_newest_cut_and_says_in_or_out_of_the_band(plan: Plan) -> None:
    section = replay_section(plan, "ur")
    assert section is not None
    rows = cells_of(section.blocks)
    heads = [row[0].text for row in rows if len(row) == 1]
    assert [head.split(":")[0] for head in heads] == ["6 September 2025", "23 July 2025", "19 August 2022"]
    verdicts = [(row[0].text, row[4].text) for row in rows if len(row) > 1]
    assert verdicts == [
        ("Duration", "not reported"),
        ("Traffic lost", "inside the band"),
        ("Traffic rerouted", "outside the band"),
        ("Duration *", "inside the band"),
        ("People without a way", "inside a wide band"),
    ]


def test_what_shares_a_source_with_the_event_does_not_count_as_confirmed(plan: Plan) -> None:
    assert replay_count(plan) == (2, 3)


def test_marks_lie_on_the_scale_and_beyond_it_at_its_end() -> None:
    marks = (Mark(10.0, "#000000", 1.0, 1e9), Mark(1.0, "#111111", is_diamond=True))
    drawing = mark_rows([MarkRow("a", "b", marks)], {1.0: "one", 100.0: "hundred"}, "x", "t", is_log=True)
    low, high = (float(x) for x in re.search(r"M([\d.]+) [\d.]+H([\d.]+)", drawing).groups())  # type: ignore[union-attr]
    dot = float(re.search(r"<circle cx='([\d.]+)'", drawing).group(1))  # type: ignore[union-attr]
    diamond = float(re.search(r"<path d='M([\d.]+) [\d.]+l7", drawing).group(1))  # type: ignore[union-attr]
    assert diamond == pytest.approx(low, abs=0.1)
    assert (dot - low) / (high - low) == pytest.approx(0.5, abs=0.01)


@pytest.fixture(scope="module")
def report(plan: Plan) -> Report:
    blocks = (*latency_blocks(plan), *rival_blocks(plan), *joint_blocks(plan), *business_blocks(plan))
    replay = replay_section(plan, "ur")
    assert replay is not None
    sections = (replay, Section("corridor", "The corridor", "راہداری", blocks))
    note = "Boundaries and names shown do not imply any opinion on legal status."
    return Report("A report", "", "رپورٹ", "ur", Headlines(()), sections, note, "")


def test_corridor_and_replay_print(report: Report) -> None:
    assert pdf_bytes(report).startswith(b"%PDF")


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("width_px", [1280, 390])
def test_the_corridor_page_opens_without_complaint_and_fits_the_screen(
    report: Report, width_px: int, tmp_path: Path, browser: Browser
) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_page(report), encoding="utf-8")
    complaints: list[Any] = []
    page = browser.new_page(viewport={"width": width_px, "height": 900})
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    assert page.locator("#corridor svg").count() == 3
    assert page.locator("#replay svg").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
    page.close()
    assert complaints == []
