"""What a report is made of, whatever it is rendered to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Align = Literal["left", "right"]
LEFT: Align = "left"
RIGHT: Align = "right"
Tone = Literal["good", "fair", "bad", "plain"]


@dataclass(frozen=True, slots=True)
class Headline:
    """One large figure: what it is, its value with unit, its band, and a word of context."""

    label: str
    value: str
    band: str = ""
    context: str = ""


@dataclass(frozen=True, slots=True)
class Headlines:
    """A row of large figures."""

    items: tuple[Headline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading inside a section, with an optional badge and an anchor that links may name."""

    text: str
    badge: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; ``is_note`` sets it apart as a caveat."""

    text: str
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table: text, an optional badge tone, a second script, a smaller second line, links.

    ``links`` holds text and anchor of each; ``anchor`` lets others link here; a cell that spans several columns
    heads the rows below it.
    """

    text: str
    tone: Tone | None = None
    local: str = ""
    second: str = ""
    links: tuple[tuple[str, str], ...] = ()
    anchor: str = ""
    n_columns: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``is_long`` folds it away in HTML and keeps its first rows in PDF."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    align: tuple[Align, ...]
    caption: str = ""
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawing or several side by side, as SVG, with a caption; ``legend`` gives colour and label."""

    drawings: tuple[str, ...]
    caption: str
    legend: tuple[tuple[str, str], ...] = ()
    title: str = ""


Block = Heading | Headlines | Text | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """One section: anchor, title in English and in the local language, blocks; wide ones lie across the page in PDF."""

    anchor: str
    title: str
    local: str
    blocks: tuple[Block, ...]
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report; ``facts`` are the sentences that a reader must know before the first figure."""

    title: str
    subtitle: str
    local_title: str
    local_language: str
    headlines: Headlines
    sections: tuple[Section, ...]
    boundary_note: str
    stamp: str
    facts: tuple[str, ...] = field(default=())
