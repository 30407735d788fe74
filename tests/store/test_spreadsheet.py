"""CSV for people: no cell that a spreadsheet would run, whatever was put into a name."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import polars as pl
import pytest

from rahdari.store.spreadsheet import safe_cell, safe_csv, safe_rows

ROOT = Path(__file__).parents[2] / "rahdari"
HOSTILE = (
    "=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1", "\u200b@x",
    "'=1", '"=1', "＝1+1", "|calc", "%0A=1", "\x00=1",
)  # fmt: skip
HARMLESS = ("plain", "a=b", "", "7", "Karachi - 1", "سپریم")
#: Tables that programs read again, not people: a name there stays as it is.
FOR_PROGRAMS = {"schema", "sources", "kernels", "engines"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shielded_the_same_way_in_every_writer(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    frame = pl.DataFrame({"name": [text, "plain"], "n": [-5, 3], "tags": [[text], ["a", "b"]]})
    rows = list(csv.reader(io.StringIO(safe_csv(frame), newline="")))
    assert rows[1] == [f"'{text}", "-5", f"'{text}"]
    assert rows[2] == ["plain", "3", "a;b"]
    assert list(csv.reader(io.StringIO(safe_rows(["name"], [[text]]), newline="")))[1] == [f"'{text}"]


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_and_numbers_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text
    assert safe_cell(-1.5) == -1.5


def test_a_hostile_name_of_a_column_is_shielded() -> None:
    assert safe_csv(pl.DataFrame({"=1+1": [1]})).startswith("'=1+1")


def test_every_place_that_writes_csv_for_people_uses_the_safe_function() -> None:
    found = []
    for path in ROOT.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        part = path.relative_to(ROOT).parts[0]
        if part in FOR_PROGRAMS or path.name == "spreadsheet.py":
            continue
        if re.search(r"\.write_csv\(|\.to_csv\(", text) or ("csv.writer(" in text and "safe_cell" not in text):
            found.append(path.relative_to(ROOT).as_posix())
    assert found == []
