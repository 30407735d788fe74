"""The worked examples of the microwave page are what its code gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from rahdari.methods.microwave_terms import term

PAGE = Path(__file__).parents[2] / "docs" / "microwave.md"
EXAMPLE = re.compile(r"^### (\d)\. .*?^```python\n(.*?)^```\n(.*?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
EXAMPLES = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))


def test_the_page_has_its_three_examples() -> None:
    assert [number for number, _, _ in EXAMPLES] == ["1", "2", "3"]


@pytest.mark.parametrize(("number", "code", "table"), EXAMPLES, ids=[number for number, _, _ in EXAMPLES])
def test_every_printed_intermediate_is_what_the_code_gives(number: str, code: str, table: str) -> None:
    names: dict[str, Any] = {}
    exec(compile(code, f"example {number}", "exec"), names)  # noqa: S102  # the page's own code
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:2] == "| "]
    assert rows[0] == ["term", "mode", "value", "unit", "clause"]
    assert len(rows) > 55
    for name, mode, value, _, _ in rows[1:]:
        assert term(names["terms"], name, mode) == pytest.approx(float(value), rel=1e-5, abs=1e-12), name
