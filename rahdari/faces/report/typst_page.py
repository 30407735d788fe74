"""Render a report as PDF with typst; drawings are SVG files beside the source, nothing is fetched."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rahdari.errors import PlanError, Problem
from rahdari.faces.report.blocks import Block, Cell, Figure, Heading, Headlines, Report, Section, Table, Text

FONTS = Path(__file__).parents[2] / "static" / "fonts"
LONG_ROWS = 40  # of a folded table; the HTML report holds the rest
TONES = {"good": "#d8efe6", "fair": "#f6ebcf", "bad": "#f7ddd6", "plain": "#e8ebee"}
PREAMBLE = """
#set page(paper: "a4", margin: (x: 18mm, y: 18mm), numbering: "1 / 1",
  footer: context [#set text(7pt, fill: rgb("#66717d")); #FOOTER #h(1fr) #counter(page).display("1 / 1", both: true)])
#set text(font: ("Noto Sans", "Libertinus Serif"), size: 8.5pt, fill: rgb("#1f2933"))
#set par(leading: 0.6em)
#show heading.where(level: 1): it => block(above: 1.4em, below: 0.7em, width: 100%,
  stroke: (bottom: 1pt + rgb("#0f766e")), inset: (bottom: 4pt), text(13pt, weight: "bold", it.body))
#let urdu(body) = text(font: ("Noto Naskh Arabic", "Noto Sans"), lang: "ur", dir: rtl, body)
#let badge(fill, body) = box(fill: rgb(fill), inset: (x: 4pt, y: 2pt), radius: 6pt, text(7pt, body))
#let note(body) = block(fill: rgb("#fbf6e9"), stroke: (left: 1.5pt + rgb("#b98a2f")), inset: 6pt, width: 100%, body)
"""


def _escape(text: str) -> str:
    """Return text as a typst string literal, so that no character of it is markup."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _cell(cell: Cell) -> str:
    body = f"#{_escape(cell.text)}"
    if cell.tone:
        body = f"#badge({_escape(TONES[cell.tone])}, {_escape(cell.text)})"
    if cell.local:
        body += f" #urdu({_escape(cell.local)})"
    if cell.second:
        body += f' #linebreak() #text(6pt, fill: rgb("#66717d"), {_escape(cell.second)})'
    return f"[{body}]"


def _table(table: Table) -> str:
    rows = table.rows[:LONG_ROWS] if table.is_long else table.rows
    aligns = ", ".join(table.align)
    head = ", ".join(f"[*#{_escape(name)}*]" for name in table.header)
    body = ",\n".join(", ".join(_cell(cell) for cell in row) for row in rows)
    widths = ", ".join(_width(table, index) for index in range(len(table.header)))
    left_out = len(table.rows) - len(rows)
    more = f"#text(7pt)[#{_escape(f'{left_out} more rows stand in report.html.')}]" if left_out else ""
    caption = f"#text(weight: 600)[#{_escape(table.caption)}]\n" if table.caption else ""
    return (
        f"{caption}#text(7pt)[#table(columns: ({widths}), align: ({aligns}), stroke: (x, y) => "
        f'(bottom: 0.4pt + rgb("#dde2e7")), inset: 3pt, table.header({head}),\n{body})]\n{more}\n'
    )


def _width(table: Table, index: int) -> str:
    """Return a column's width: long texts share the free room, short ones take what they need."""
    longest = max((len(row[index].text) for row in table.rows), default=0)
    return "1fr" if longest > 24 else "auto"  # noqa: PLR2004  # about a fifth of the line


def _block(block: Block, drawings: Path, count: list[int]) -> str:
    if isinstance(block, Heading):
        badge = f"#badge({_escape(TONES['plain'])}, {_escape(block.badge)})" if block.badge else ""
        return f"== #{_escape(block.text)} {badge}\n"
    if isinstance(block, Text):
        return f"#note[#{_escape(block.text)}]\n" if block.is_note else f"#{_escape(block.text)}\n\n"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        name = f"figure{len(count)}.svg"
        count.append(1)
        (drawings / name).write_text(block.svg, encoding="utf-8")
        legend = " ".join(
            f"#box(fill: rgb({_escape(colour)}), width: 6pt, height: 6pt) #{_escape(label)} #h(6pt)"
            for colour, label in block.legend
        )
        caption = f'#text(7.5pt, fill: rgb("#66717d"))[#{_escape(block.caption)}]'
        return f"#block(breakable: false)[#text(7.5pt)[{legend}]\n#image({_escape(name)}, width: 100%)\n{caption}]\n"
    return _headlines(block)


def _headlines(block: Headlines) -> str:
    items = ", ".join(
        f'block(inset: 6pt, width: 100%, stroke: (left: 2pt + rgb("#0f766e")))[#text(12pt, weight: "bold")'
        f'[#{_escape(item.value)}]\\ #{_escape(item.label)}\\ #text(7pt, fill: rgb("#66717d"))'
        f"[#{_escape(' · '.join(part for part in (item.band, item.context) if part))}]]"
        for item in block.items
    )
    return f"#grid(columns: (1fr, 1fr, 1fr), gutter: 8pt, {items})\n" if items else ""


def _section(section: Section, drawings: Path, count: list[int]) -> str:
    local = f"#h(1fr) #urdu({_escape(section.local)})" if section.local else ""
    blocks = "\n".join(_block(block, drawings, count) for block in section.blocks)
    return f"= #{_escape(section.title)} {local}\n{blocks}\n"


def typst_source(report: Report, drawings: Path) -> str:
    """Return the typst source; drawings are written into ``drawings``."""
    count: list[int] = []
    title = (
        f'#text(20pt, weight: "bold")[#{_escape(report.title)}]\n\n'
        f"#text(14pt)[#urdu({_escape(report.local_title)})]\n\n#{_escape(report.subtitle)}\n\n"
        if report.local_title
        else f'#text(20pt, weight: "bold")[#{_escape(report.title)}]\n\n#{_escape(report.subtitle)}\n\n'
    )
    body = title + _headlines(report.headlines)
    body += "\n".join(_section(section, drawings, count) for section in report.sections)
    body += f"\n#v(1em)\n#{_escape(report.boundary_note)}\n\n#{_escape(report.stamp)}\n"
    return PREAMBLE.replace("#FOOTER", f"#{_escape(report.stamp)}") + body


def pdf_bytes(report: Report) -> bytes:
    """Return the report as PDF; a fault of the compiler is raised as :class:`PlanError`."""
    import typst

    with tempfile.TemporaryDirectory(prefix="rahdari-report-") as folder:
        source = Path(folder) / "report.typ"
        source.write_text(typst_source(report, Path(folder)), encoding="utf-8")
        try:
            pdf: bytes = typst.compile(str(source), font_paths=[str(FONTS)], root=folder)
        except RuntimeError as error:
            cure = "open an issue with the plan's manifest.json"
            raise PlanError(Problem(f"typst cannot set the report: {str(error)[:200]}", cure)) from error
    return pdf
