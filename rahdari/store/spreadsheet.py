"""CSV for people: what a spreadsheet shows and never runs."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
SHIELD = "'"
BLANK = (" ", "\u00a0", "\ufeff", "\u200b", "\u3000", "\x00")  # spreadsheets look past these
PATTERN = r"^[ \x{00a0}\x{feff}\x{200b}\x{3000}\x00\"']*[=+\-@\t\r\n|%＝＋－＠]"


def safe_cell(value: object) -> object:
    """Return a value as it is, text that begins like a formula with an apostrophe before it; numbers stay numbers.

    >>> safe_cell("=1+1"), safe_cell(-5), safe_cell("plain"), safe_cell(" @x")
    ("'=1+1", -5, 'plain', "' @x")
    """
    return f"{SHIELD}{value}" if isinstance(value, str) and is_formula(value) else value


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet could take a text for a formula, blanks and quotes before it looked past."""
    bare = text.lstrip("".join(BLANK) + "\"'")
    return bare.startswith(FORMULA) or text.startswith(("\t", "\r", "\n"))


def safe_csv(frame: pl.DataFrame) -> str:
    """Return a table as CSV with every text safe, and names of columns too."""
    text = [name for name, kind in frame.schema.items() if kind == pl.String]
    lists = [name for name, kind in frame.schema.items() if kind.is_nested()]
    plain = frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join(";") for name in lists)
    shielded = [
        pl.when(pl.col(name).str.contains(PATTERN)).then(pl.lit(SHIELD) + pl.col(name)).otherwise(name).alias(name)
        for name in [*text, *lists]
    ]
    return plain.with_columns(shielded).rename(lambda name: str(safe_cell(name))).write_csv()


def safe_rows(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV with every text safe."""
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow([safe_cell(name) for name in names])
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return held.getvalue()


__all__ = ["is_formula", "safe_cell", "safe_csv", "safe_rows"]
