"""The example of the radio page runs as printed; its own assertions hold."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "radio.md"


def test_the_example_of_the_radio_page_runs_as_printed() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102  # our own page
    assert {"loss_db", "row"} <= set(names)
