from __future__ import annotations

from typing import TYPE_CHECKING

from rahdari.faces.report.blocks import Figure, Table, Text
from rahdari.faces.report.content_power import power_section

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan


def test_the_power_page_shows_both_bases_the_programme_and_every_class(small_plan: Plan) -> None:
    section = power_section(small_plan, "ur")
    assert section is not None
    tables = {block.caption: block for block in section.blocks if isinstance(block, Table)}
    assert len(tables["Exposed sites on both bases"].rows) == 2
    designs = next(table for caption, table in tables.items() if caption.startswith("Least costly design"))
    assert len(designs.rows) == small_plan.tables["site_classes"].height
    years = small_plan.tables["power_programme"]["year"].n_unique()
    assert len(tables["The programme by year"].rows) == years
    drawn = [block for block in section.blocks if isinstance(block, Figure)]
    assert len(drawn) == 3
    assert any(isinstance(block, Text) and "none gains more than" in block.text for block in section.blocks)
