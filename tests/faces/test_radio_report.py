"""Radio in the report, on made-up tables: people by confidence, hops, hubs, the proof of the sites, and the claims."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import polars as pl
import pytest

from rahdari.faces.report.blocks import Cell, Headlines, Report, Section, Table, Text
from rahdari.faces.report.content_claims import claims_section
from rahdari.faces.report.content_hops import HELD_NAMES, hop_blocks, hub_blocks
from rahdari.faces.report.content_radio import (
    COVERED,
    NONE,
    PERHAPS,
    SURE,
    coverage_of,
    median_by_people,
    radio_section,
)
from rahdari.faces.report.html_page import html_page
from rahdari.faces.report.typst_page import pdf_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.faces.report.blocks import Block
    from rahdari.service.plan_view import Plan

PEOPLE = (600, 300, 60, 40)


def _coverage() -> pl.DataFrame:
    rows = [
        {
            "place_id": f"p{k}", "technology": technology, "is_covered": covered, "is_surely_covered": sure,
            "covered_probability_frac": probability, "user_sinr_db": 6.5, "downlink_mbps": 10.0 * (k + 1),
            "demand_mbps": 100.0,
        }
        for technology in ("4g", "5g")
        for k, (covered, sure, probability) in enumerate(
            ((True, True, 0.99), (True, False, 0.7), (False, False, 0.6), (False, False, 0.1))
        )
    ]  # fmt: skip
    return pl.DataFrame(rows)


def _cells() -> pl.DataFrame:
    one = {"site_id": "s", "technology": "5g", "is_planned": True, "load_frac": 0.9, "efficiency_bps_per_hz": 2.0,
           "capacity_mbps": 200.0, "demand_mbps": 400.0, "is_overloaded": True, "sinr_db": 1.5,
           "energy_kwh_per_year": 20_000.0}  # fmt: skip
    return pl.DataFrame([one, {**one, "site_id": "t", "technology": "4g", "is_planned": False}])


def _hubs() -> pl.DataFrame:
    one = {"hub_site_id": "h", "n_links": 3, "cancellation_db": 15.0, "n_channels_plain": 3, "n_channels_cancelled": 1,
           "plain_mbps": 1000.0, "cancelled_mbps": 2500.0, "gain_ratio": 2.5, "interference_removed_frac": 0.968,
           "is_gaining": True, "why_not": ""}  # fmt: skip
    idle = {
        "plain_mbps": 500.0,
        "cancelled_mbps": 500.0,
        "gain_ratio": 1.0,
        "is_gaining": False,
        "why_not": "too close",
    }
    return pl.DataFrame([one, {**one, **idle, "hub_site_id": "i", "n_links": 9}])


def _claims() -> pl.DataFrame:
    hub = {
        "subject": "hub",
        "baseline": "planned without cancellation",
        "condition": "cancellation 15 dB",
        "n_tested": 9,
    }
    city = {"subject": "city", "baseline": "4G today", "condition": "5G added", "n_tested": 20_000}
    rows: list[dict[str, Any]] = [
        {**hub, "claim_id": "hub-00-efficiency", "claim": "+50 %", "median_ratio": 1.7, "holds_frac": 0.6},
        {**hub, "claim_id": "hub-00-capacity", "claim": "twice", "median_ratio": 1.7, "holds_frac": 0.0},
        {**hub, "claim_id": "hub-00-interference", "claim": "100 %", "median_ratio": 0.032, "holds_frac": 0.0},
        {**hub, "claim_id": "hub-00-interference_rounded", "claim": "99.5 %", "median_ratio": 0.032, "holds_frac": 0.1},
        {**hub, "claim_id": "hub-00-all", "claim": "all", "median_ratio": 1.7, "holds_frac": 0.0},
        {**city, "claim_id": "city-added-experience", "claim": "+150 %", "median_ratio": 3.0, "holds_frac": 0.95},
        {**city, "claim_id": "city-added-energy", "claim": "-15 %", "median_ratio": 1.5, "holds_frac": 0.0},
        {**city, "claim_id": "city-added-both", "claim": "both", "median_ratio": 3.0, "holds_frac": 0.0},
    ]
    part = {"subject": "city_condition", "claim": "both", "baseline": "4G today", "median_ratio": None}
    rows += [
        {**part, "claim_id": f"condition-added-load-{k}", "condition": f"5G added; load {k} to {k + 1}", "n_tested": 9,
         "holds_frac": share}
        for k, share in ((0, 0.25), (1, 0.75))
    ]  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def _programme() -> tuple[pl.DataFrame, pl.DataFrame]:
    claim = {"claim_id": "5g-energy", "topic": "5g", "claim": "Energy", "claimed_by": "A paper", "claimed_on": "2024",
             "value": -15.0, "source_id": "paper"}  # fmt: skip
    verdict = {"claim_id": "5g-energy", "claim_text": "-15 %", "our_value": 50.0, "our_value_low": -20.0,
               "our_value_high": 90.0, "unit": "pct", "verdict": "conditional"}  # fmt: skip
    return pl.DataFrame([claim]), pl.DataFrame([verdict])


@pytest.fixture(scope="module")
def plan() -> Plan:
    programme, verdicts = _programme()
    tables = {
        "coverage": _coverage(), "cells": _cells(), "hub_plans": _hubs(), "radio_claims": _claims(),
        "places": pl.DataFrame({"place_id": [f"p{k}" for k in range(4)], "district_id": ["d"] * 4, "kind": ["city"] * 4,
                                "n_people": PEOPLE}),
        "districts": pl.DataFrame({"district_id": ["d"], "name": ["North"]}),
        "sources": pl.DataFrame({"source_id": ["itu_r_scopes", "paper"]}),
        "microwave_hops": pl.DataFrame({"site_id": ["a", "b"], "distance_km": [3.0, 40.0],
                                        "availability_frac": [0.99999, 0.6], "capacity_gbps": [0.4, 0.06],
                                        "is_clear": [True, False], "is_feasible": [True, False]}),
        "programme": programme, "programme_verdicts": verdicts,
        "terrain": pl.DataFrame({"is_coarse": [True]}),
        "operators": pl.DataFrame({"operator_id": ["one"], "name": ["First"]}),
        "spectrum_holdings": pl.DataFrame({
            "holding_id": ["a", "b"], "operator_id": [None, "one"], "band": ["before", "700 MHz"],
            "low_ghz": [None, 0.703], "high_ghz": [None, 0.788], "width_mhz": [274.0, 20.0], "is_paired": [None, True],
            "held_on": ["2026-03", "2026-03-10"], "source_id": ["paper", "paper"],
        }),
    }  # fmt: skip
    proof = {"engine": "radio", "name": "Traffic that the 5G sites carry", "cost": -392.0, "lower_bound": -400.0,
             "gap_frac": 0.02, "unit": "mbps", "method": "greedy choice", "note": "serves 392 of 400"}  # fmt: skip
    manifest = {"engines": [{"name": "radio", "fidelity": "full"}], "scenario": {"years": [2025, 2030]}}
    return cast("Plan", SimpleNamespace(tables=tables, manifest=manifest, certificates=pl.DataFrame([proof])))


def rows_of(blocks: Sequence[Block], caption: str) -> dict[str, tuple[Cell, ...]]:
    (table,) = [block for block in blocks if isinstance(block, Table) and caption in block.caption]
    return {row[0].text: row for row in table.rows}


def section_of(plan: Plan) -> Section:
    section = radio_section(plan, "ur")
    assert section is not None
    return section


def test_every_place_has_one_class_of_coverage_by_rule_and_confidence(plan: Plan) -> None:
    frame = coverage_of(plan)
    assert frame is not None
    own = frame.filter(pl.col("technology") == "4g").sort("place_id")
    assert own["state"].to_list() == [SURE, COVERED, PERHAPS, NONE]
    row = rows_of(section_of(plan).blocks, "Coverage by technology")["4G"]
    assert [cell.text for cell in row[1:4]] == ["900", "90.0 %", "60.0 %"]


def test_the_median_rate_counts_people_and_not_places(plan: Plan) -> None:
    frame = coverage_of(plan)
    assert frame is not None
    assert median_by_people(frame.filter(pl.col("technology") == "4g"), "downlink_mbps") == 10.0


def test_districts_tell_both_technologies_and_how_surely(plan: Plan) -> None:
    row = rows_of(section_of(plan).blocks, "Coverage by district")["North"]
    assert [row[k].text for k in (1, 3)] == ["90.0 %", "90.0 %"]
    assert row[1].second == "surely 60.0 %"


def test_coarse_terrain_and_the_missing_second_opinion_are_said(plan: Plan) -> None:
    texts = [block.text for block in section_of(plan).blocks if isinstance(block, Text)]
    assert any("coarse grid" in text for text in texts)
    assert any("(ITM): not run" in text for text in texts)


def test_bands_without_a_model_say_so(plan: Plan) -> None:
    rows = rows_of(section_of(plan).blocks, "Full band")
    assert rows["HF"][3].text == "not modelled"
    assert rows["V-band"][3].text == "ITU-R P.530"
    assert ("source", "source-itu_r_scopes") in rows["HF"][0].links


def test_the_choice_of_sites_carries_its_bound_and_its_gap(plan: Plan) -> None:
    row = rows_of(section_of(plan).blocks, "city sites are upgraded")["1 city sites with 5G"]
    assert [cell.text for cell in row[1:]] == ["400 Mbit/s", "392 Mbit/s", "400 Mbit/s", "2.00 %"]


def test_what_the_chosen_sites_carry_under_interference_is_told_beside_the_proof(plan: Plan) -> None:
    texts = [block.text for block in section_of(plan).blocks if isinstance(block, Text)]
    (said,) = [text for text in texts if "proof is of" in text]
    assert "a median of 1.5 dB over the 1 chosen sites, 100.0 % of them" in said
    assert "together they carry 200 Mbit/s" in said


def test_spectrum_names_holder_band_and_source(plan: Plan) -> None:
    blocks = section_of(plan).blocks
    rows = rows_of(blocks, "Spectrum held")
    assert [cell.text for cell in rows["First"]] == ["First", "700 MHz", "20 MHz", "paired", "2026-03-10"]
    assert rows["First"][0].links == (("source", "source-paper"),)
    assert rows["All operators together"][3].text == "not told"
    assert rows["In all"][2].text == "294 MHz"


def test_every_hop_stands_in_one_class_of_availability(plan: Plan) -> None:
    blocks = hop_blocks(plan)
    drawn = str(blocks[1])
    assert all(name in drawn for name in HELD_NAMES)
    assert drawn.count("1 (50.0 %)") == 2
    rows = rows_of(blocks, "by length")
    assert rows["to 5 km"][2].text == "100.0 %"
    assert rows["30 to 50 km"][4].text == "60 Mbit/s"


def test_hubs_tell_what_they_gain_in_all_and_why_some_do_not(plan: Plan) -> None:
    blocks = hub_blocks(plan)
    every = rows_of(blocks, "of 15 dB")["All hubs"]
    assert every[4].text == "× 2.00"
    assert every[5].text == "50.0 %"
    assert every[6].text == "3.2 %"
    assert [row[1].text for row in blocks[2].rows] == ["1"] if isinstance(blocks[2], Table) else False


def test_claims_have_verdict_condition_and_share_and_the_residual_is_said(plan: Plan) -> None:
    section = claims_section(plan, "ur")
    assert section is not None
    city = rows_of(section.blocks, "5G in cities")
    assert "5G added (baseline: 4G today)" in city
    assert (city["+150 %"][2].text, city["+150 %"][2].second) == ("holds", "95.0 % of 20,000 draws")
    assert city["both"][2].text == "does not hold"
    where = rows_of(section.blocks, "quarter of each")
    assert where["load 0 to 1"][2].text == "25.0 %"
    assert any("in 75.0 % of draws, with: 5G added; load 1 to 2" in str(block) for block in section.blocks)
    hub = rows_of(section.blocks, "9 hubs")["Cancellation 15 dB"]
    assert [cell.text for cell in hub[1:]] == ["60.0 %", "0.0 %", "0.0 %", "0.0 %"]
    assert hub[3].second == "least left 3.2 % (10.0 %)"
    words = " ".join(block.text for block in section.blocks if isinstance(block, Text))
    assert "leaves a residual" in words
    assert "not independently verified" in words


def test_a_published_claim_is_reported_and_never_taken_as_verified(plan: Plan) -> None:
    section = claims_section(plan, "ur")
    assert section is not None
    row = rows_of(section.blocks, "What was claimed")["Energy"]
    assert row[0].second == "Reported by A paper, 2024; not independently verified"
    assert row[2].second == "-20 to 90 %"


def test_a_plan_without_radio_has_neither_page(plan: Plan) -> None:
    bare = cast("Plan", SimpleNamespace(tables={}, manifest=plan.manifest, certificates=plan.certificates))
    assert radio_section(bare, "ur") is None
    assert claims_section(bare, "ur") is None


def test_both_pages_are_set_in_html_and_pdf(plan: Plan) -> None:
    claims = claims_section(plan, "ur")
    assert claims is not None
    report = Report("T", "S", "", "ur", Headlines(()), (section_of(plan), claims), "note", "stamp", ())
    page = html_page(report)
    assert 'id="coverage"' in page
    assert 'id="radio-claims"' in page
    assert pdf_bytes(report).startswith(b"%PDF")
