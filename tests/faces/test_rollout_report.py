"""The answer page of the roll-out and its drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from rahdari.faces.report.blocks import Figure, Table, Text
from rahdari.faces.report.content_rollout import rollout_section
from rahdari.faces.report.rollout_drawing import gantt_of

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

BAR = "{http://www.w3.org/2000/svg}rect"


def test_the_answer_page_tells_the_date_the_bound_and_every_district(small_plan: Plan) -> None:
    section = rollout_section(small_plan, "ur")
    assert section is not None
    tables = {block.caption: block for block in section.blocks if isinstance(block, Table)}
    kinds = small_plan.tables["calendar"]["kind"].n_unique()
    assert len(tables["When each kind of work ends"].rows) == kinds
    districts = next(table for caption, table in tables.items() if caption.startswith("All "))
    assert len(districts.rows) == small_plan.tables["rollout_districts"].height
    answer = next(block for block in section.blocks if isinstance(block, Text))
    assert "due 2030-04" in answer.text
    assert "no calendar ends before" in answer.text
    assert len([block for block in section.blocks if isinstance(block, Figure)]) == 3


def test_the_drawing_holds_a_bar_for_each_row_and_kind(small_plan: Plan) -> None:
    calendar, districts = small_plan.tables["calendar"], small_plan.tables["rollout_districts"]
    names = small_plan.tables["districts"].select("district_id", "name")
    drawing = ET.fromstring(gantt_of(calendar, names, districts, "2025-04-01"))  # noqa: S314  # our own drawing
    n_bars = calendar.select("district_id", "kind").n_unique() + calendar["kind"].n_unique()
    assert len(drawing.findall(f".//{BAR}")) == n_bars
