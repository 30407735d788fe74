"""Render a report as PDF with typst; drawings are SVG files beside the source, nothing is fetched."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rahdari.errors import PlanError, Problem
from rahdari.faces.report.blocks import Block, Cell, Figure, Heading, Headlines, Report, Section, Table, Text
from rahdari.faces.report.words import RIGHT_TO_LEFT

FONTS = Path(__file__).parents[2] / "static" / "fonts"
LONG_ROWS = 24  # of a folded table; the HTML report holds the rest
MANY_COLUMNS = 9  # from here up a table on an upright page is set smaller
SHORT_LETTERS = 14  # a column that never holds more takes what it needs
ONE_WORD_LETTERS = 30  # identifiers and dates cannot be broken
MOST_SHARE, LEAST_SHARE = 60.0, 8.0  # letters at which a long column's share of the room ends
TONES = {"good": "#d8efe6", "fair": "#f6ebcf", "bad": "#f7ddd6", "plain": "#e8ebee"}
PREAMBLE = """
#set document(title: #TITLE)
#set page(paper: "a4", margin: (x: 16mm, y: 17mm),
  footer: context [#set text(7pt, fill: rgb("#5c6873")); #FOOTER #h(1fr) #counter(page).display("1 / 1", both: true)])
#set text(font: ("Noto Sans", "Noto Naskh Arabic"), size: 8.5pt, fill: rgb("#1f2933"), lang: "en")
#set par(leading: 0.6em)
#show heading.where(level: 1): it => block(above: 1.6em, below: 0.8em, width: 100%, sticky: true,
  stroke: (bottom: 1pt + rgb("#0f766e")), inset: (bottom: 4pt), text(13pt, weight: "bold", it.body))
#show heading.where(level: 2): it => block(above: 1.4em, below: 0.6em, sticky: true,
  text(9.5pt, weight: "bold", it.body))
#show link: it => text(fill: rgb("#0f766e"), it)
#let muted = rgb("#5c6873")
#let local(body) = text(font: ("Noto Naskh Arabic", "Noto Sans"), lang: #LANGUAGE, dir: #DIRECTION, body)
#let badge(fill, body) = box(fill: rgb(fill), inset: (x: 4pt, y: 2pt), radius: 6pt, text(7pt, body))
#let note(body) = block(fill: rgb("#fbf6e9"), stroke: (left: 1.5pt + rgb("#b98a2f")), inset: 6pt, width: 100%, body)
#let caption(body) = block(above: 1em, below: 0.5em, sticky: true, text(weight: 600, body))
"""


def _escape(text: str) -> str:
    """Return text as a typst string literal, so that no character of it is markup."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _mark(anchor: str) -> str:
    return f"#metadata(none)#label({_escape(anchor)})" if anchor else ""


def _cell(cell: Cell, anchors: set[str]) -> str:
    body = _mark(cell.anchor) + f"#{_escape(cell.text)}"
    if cell.tone:
        body = f"#badge({_escape(TONES[cell.tone])}, {_escape(cell.text)})"
    if cell.local:
        body += f" #local({_escape(cell.local)})"
    if cell.second:
        body += f" #linebreak() #text(6pt, fill: muted, {_escape(cell.second)})"
    for text, anchor in cell.links:
        if anchor in anchors:
            body += f" #link(label({_escape(anchor)}), text(6pt, {_escape(text)}))"
    if cell.n_columns > 1:
        fill = 'inset: (top: 7pt, bottom: 3pt), stroke: (bottom: 0.6pt + rgb("#0f766e"))'
        return (
            f'table.cell(colspan: {cell.n_columns}, {fill})[#text(8pt, weight: "bold", fill: rgb("#0f766e"))[{body}]]'
        )
    return f"[{body}]"


def _shown(table: Table, *, is_whole: bool = False) -> tuple[tuple[Cell, ...], ...]:
    return table.rows[:LONG_ROWS] if table.is_long and not is_whole else table.rows


def _table(table: Table, anchors: set[str], *, is_whole: bool = False) -> str:
    rows = _shown(table, is_whole=is_whole)
    size = "5.5pt" if len(table.header) >= MANY_COLUMNS and not is_whole else "7pt"
    aligns = ", ".join(table.align)
    head = ", ".join(f"[*#{_escape(name)}*]" for name in table.header)
    body = ",\n".join(", ".join(_cell(cell, anchors) for cell in row) for row in rows)
    widths = ", ".join(_width(table, index) for index in range(len(table.header)))
    left_out = len(table.rows) - len(rows)
    more = f"#text(7pt, fill: muted)[#{_escape(f'{left_out:,} more rows stand in report.html.')}]" if left_out else ""
    caption = f"#caption[#{_escape(table.caption)}]\n" if table.caption else ""
    return (
        f"{caption}#text({size})[#table(columns: ({widths},), align: ({aligns},), stroke: (x, y) => "
        f'(bottom: 0.4pt + rgb("#dde2e7")), inset: 3pt, table.header({head}),\n{body})]\n{more}\n'
    )


def _width(table: Table, index: int) -> str:
    """Return a column's width: long texts share the free room by their length, short ones take what they need."""
    cells = [row[index] for row in _shown(table) if len(row) == len(table.header)]
    lengths = [max(len(cell.text), len(cell.second)) for cell in cells]
    longest = max([*lengths, len(table.header[index])], default=0)
    if longest <= SHORT_LETTERS or (table.align[index] == "right" and longest <= 2 * SHORT_LETTERS):
        return "auto"
    is_one_word = not any(" " in text for cell in cells for text in (cell.text, cell.second))
    if is_one_word and longest <= ONE_WORD_LETTERS:
        return "auto"
    mean = sum(lengths) / max(1, len(lengths))
    return f"{min(MOST_SHARE, max(LEAST_SHARE, (mean + longest) / 2)):.0f}fr"


def _figure(block: Figure, drawings: Path, count: list[int]) -> str:
    images = []
    for drawing in block.drawings:
        name = f"figure{len(count)}.svg"
        count.append(1)
        (drawings / name).write_text(drawing, encoding="utf-8")
        images.append(f"image({_escape(name)}, width: 100%)")
    legend = " ".join(
        f"#box[#box(fill: rgb({_escape(colour)}), width: 6pt, height: 6pt) #{_escape(label)}] #h(6pt)"
        for colour, label in block.legend
    )
    title = f"#caption[#{_escape(block.title)}]\n" if block.title else ""
    columns = ", ".join("1fr" for _ in images)
    return (
        f"#block(breakable: false)[{title}#text(7.5pt)[{legend}]\n"
        f"#grid(columns: ({columns},), gutter: 6pt, {', '.join(images)})\n"
        f"#text(7.5pt, fill: muted)[#{_escape(block.caption)}]]\n"
    )


def _block(block: Block, drawings: Path, count: list[int], anchors: set[str]) -> str:
    if isinstance(block, Heading):
        badge = f"#badge({_escape(TONES['plain'])}, {_escape(block.badge)})" if block.badge else ""
        return f"== #{_escape(block.text)} {badge} {_mark(block.anchor)}\n"
    if isinstance(block, Text):
        return f"#note[#{_escape(block.text)}]\n" if block.is_note else f"#{_escape(block.text)}\n\n"
    if isinstance(block, Table):
        return _table(block, anchors)
    if isinstance(block, Figure):
        return _figure(block, drawings, count)
    return _headlines(block)


def _headlines(block: Headlines) -> str:
    items = ", ".join(
        f'block(inset: 6pt, width: 100%, stroke: (left: 2pt + rgb("#0f766e")))[#text(12pt, weight: "bold")'
        f"[#{_escape(item.value)}]\\ #{_escape(item.label)}\\ #text(7pt, fill: muted)"
        f"[#{_escape(' · '.join(part for part in (item.band and f'range {item.band}', item.context) if part))}]]"
        for item in block.items
    )
    return f"#grid(columns: (1fr, 1fr, 1fr), gutter: 8pt, {items})\n" if items else ""


def _section(section: Section, drawings: Path, count: list[int], anchors: set[str]) -> str:
    local = f"#h(1fr) #local({_escape(section.local)})" if section.local else ""
    blocks = "\n".join(
        _table(block, anchors, is_whole=True)
        if section.is_wide and isinstance(block, Table)
        else _block(block, drawings, count, anchors)
        for block in section.blocks
    )
    body = f"= #{_escape(section.title)} {local} {_mark(section.anchor)}\n{blocks}\n"
    return f"#page(flipped: true)[\n{body}]\n" if section.is_wide else body


def _anchors(report: Report) -> set[str]:
    """Return the anchors that stand in the PDF, where long tables are cut."""
    anchors = {section.anchor for section in report.sections}
    for section in report.sections:
        for block in section.blocks:
            if isinstance(block, Heading):
                anchors.add(block.anchor)
            elif isinstance(block, Table):
                rows = _shown(block, is_whole=section.is_wide)
                anchors |= {cell.anchor for row in rows for cell in row if cell.tone is None}
    return anchors - {""}


def _contents(report: Report) -> str:
    """Return the list of sections with their pages, in both scripts."""
    cells = []
    for section in report.sections:
        label = f"label({_escape(section.anchor)})"
        local = f"local({_escape(section.local)})" if section.local else "none"
        dots = "text(fill: muted, box(width: 1fr, repeat[.]))"
        page = f"[#context counter(page).at({label}).first()]"
        cells.append(f"link({label}, {_escape(section.title)}), {dots}, {page}, align(right, {local})")
    rows = ",\n".join(cells)
    return f"#v(1.5em)\n#caption[Contents]\n#grid(columns: (auto, 1fr, auto, auto), gutter: 7pt,\n{rows})\n"


def typst_source(report: Report, drawings: Path) -> str:
    """Return the typst source; drawings are written into ``drawings``."""
    count: list[int] = []
    anchors = _anchors(report)
    local = f"#text(14pt)[#local({_escape(report.local_title)})]\n\n" if report.local_title else ""
    body = f'#text(20pt, weight: "bold")[#{_escape(report.title)}]\n\n{local}#{_escape(report.subtitle)}\n\n'
    body += _headlines(report.headlines)
    if report.facts:
        body += f"#note[#{_escape(' '.join(report.facts))}]\n"
    body += _contents(report)
    body += "\n".join(_section(section, drawings, count, anchors) for section in report.sections)
    body += f"\n#v(1em)\n#{_escape(report.boundary_note)}\n\n#{_escape(report.stamp)}\n"
    way = "rtl" if report.local_language in RIGHT_TO_LEFT else "ltr"
    preamble = PREAMBLE.replace("#FOOTER", f"#{_escape(report.stamp)}").replace("#TITLE", _escape(report.title))
    preamble = preamble.replace("#LANGUAGE", _escape(report.local_language or "en")).replace("#DIRECTION", way)
    return preamble + body


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
