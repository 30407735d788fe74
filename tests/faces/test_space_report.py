from __future__ import annotations

from typing import TYPE_CHECKING

from rahdari.faces.report.blocks import Figure, Table, Text
from rahdari.faces.report.content_space import COARSE, space_section

if TYPE_CHECKING:
    from rahdari.faces.report.blocks import Section
    from rahdari.service.plan_view import Plan


def texts(section: Section) -> list[str]:
    """Return the words of a section, cell by cell."""
    cells = [cell for block in section.blocks if isinstance(block, Table) for row in block.rows for cell in row]
    plain = [block.text for block in section.blocks if isinstance(block, Text)]
    return [*plain, *(part for cell in cells for part in (cell.text, cell.second))]


def test_the_section_says_who_is_licensed_what_growth_does_and_what_it_costs(small_plan: Plan) -> None:
    section = space_section(small_plan, "ur")
    assert section is not None
    assert section.local
    words = texts(section)
    assert "hypothetical" in words
    assert any("no operating licence known" in text for text in words)
    assert any(text.endswith("were it licensed") for text in words)
    assert any("gateway at home" in text for text in words)
    assert any("Online lessons of a school" in text for text in words)
    assert any(isinstance(block, Figure) for block in section.blocks)
    # The test country's terrain is fine enough; the warning is for coarse terrain alone.
    assert COARSE not in words


def test_the_section_is_left_out_where_the_engine_did_not_run() -> None:
    class Bare:
        tables: dict[str, object] = {}  # noqa: RUF012  # read only

    assert space_section(Bare(), "ur") is None  # type: ignore[arg-type]
