"""Render a report as one HTML file without scripts, fonts or pictures from elsewhere."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from rahdari.faces.report.blocks import Block, Cell, Figure, Heading, Headline, Headlines, Report, Section, Table, Text
from rahdari.faces.report.words import direction

SHORT_LETTERS = 12  # a date or a number is never broken
STYLE = Path(__file__).parent / "style.css"
URDU_FONT = Path(__file__).parents[2] / "static" / "fonts" / "NotoNaskhArabic_400Regular.ttf"


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _local(text: str, language: str) -> str:
    way = direction(language)
    return f'<span class="local" lang="{_escape(language)}" dir="{way}">{_escape(text)}</span>' if text else ""


def _links(cell: Cell, anchors: set[str]) -> str:
    shown = [(text, anchor) for text, anchor in cell.links if anchor in anchors]
    return "".join(f' <a href="#{_escape(anchor)}">{_escape(text)}</a>' for text, anchor in shown)


def _cell(cell: Cell, align: str, label: str, language: str, anchors: set[str]) -> str:
    """Return one cell; ``label`` names its column where a narrow screen sets the row as a list."""
    body = _escape(cell.text)
    if cell.tone:
        body = f'<span class="badge {cell.tone}">{body}</span>'
    if cell.local:
        body += " " + _local(cell.local, language)
    if cell.second:
        body += f'<span class="second">{_escape(cell.second)}</span>'
    body += _links(cell, anchors)
    anchor = f' id="{_escape(cell.anchor)}"' if cell.anchor else ""
    if cell.n_columns > 1:
        return f'<th scope="rowgroup" class="group" colspan="{cell.n_columns}"{anchor}>{body}</th>'
    is_short = len(cell.text) <= SHORT_LETTERS and not cell.local
    named = f' data-label="{_escape(label)}"' if label else ""
    return f'<td class="{align}{" short" if is_short else ""}"{anchor}{named}>{body}</td>'


def _table(table: Table, language: str, anchors: set[str]) -> str:
    head = "".join(
        f'<th scope="col" class="{align}">{_escape(name)}</th>'
        for name, align in zip(table.header, table.align, strict=True)
    )
    columns = [(align, "" if table.is_long else name) for align, name in zip(table.align, table.header, strict=True)]
    rows = "".join(
        "<tr>"
        + "".join(
            _cell(cell, align, label, language, anchors)
            for cell, (align, label) in zip(row, columns, strict=False)  # a heading row has one cell for all columns
        )
        + "</tr>"
        for row in table.rows
    )
    kind = "scroll" if table.is_long else "scroll stack"
    body = f'<div class="{kind}"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    caption = _escape(table.caption)
    if table.is_long:
        return f"<details><summary>{caption or 'Table'}</summary>{body}</details>"
    return f'<p class="caption">{caption}</p>{body}' if caption else body


def _figure(figure: Figure) -> str:
    items = "".join(
        f'<li><span class="swatch" style="background:{_escape(colour)}"></span>{_escape(label)}</li>'
        for colour, label in figure.legend
    )
    title = f'<p class="caption">{_escape(figure.title)}</p>' if figure.title else ""
    legend = f'<ul class="legend">{items}</ul>' if items else ""
    kind = "pair" if len(figure.drawings) > 1 else "single"
    drawings = "".join(f'<div class="drawing">{drawing}</div>' for drawing in figure.drawings)
    caption = f"<figcaption>{_escape(figure.caption)}</figcaption>"
    return f'<figure>{title}{legend}<div class="{kind}">{drawings}</div>{caption}</figure>'


def _headline(item: Headline) -> str:
    band = f'<div class="band">{_escape(item.band)}</div>' if item.band else ""
    context = f'<div class="context">{_escape(item.context)}</div>' if item.context else ""
    value, label = _escape(item.value), _escape(item.label)
    return (
        f'<div class="headline"><div class="value">{value}</div><div class="label">{label}</div>{band}{context}</div>'
    )


def _block(block: Block, language: str, anchors: set[str]) -> str:
    if isinstance(block, Headlines):
        return '<div class="headlines">' + "".join(_headline(item) for item in block.items) + "</div>"
    if isinstance(block, Heading):
        badge = f' <span class="badge plain">{_escape(block.badge)}</span>' if block.badge else ""
        anchor = f' id="{_escape(block.anchor)}"' if block.anchor else ""
        return f"<h3{anchor}>{_escape(block.text)}{badge}</h3>"
    if isinstance(block, Text):
        return f'<p class="{"note" if block.is_note else "text"}">{_escape(block.text)}</p>'
    if isinstance(block, Table):
        return _table(block, language, anchors)
    return _figure(block)


def _section(section: Section, language: str, anchors: set[str]) -> str:
    title = f"<h2>{_escape(section.title)} {_local(section.local, language)}</h2>"
    blocks = "".join(_block(block, language, anchors) for block in section.blocks)
    return f'<section id="{_escape(section.anchor)}">{title}{blocks}</section>'


def anchors_of(report: Report) -> set[str]:
    """Return every anchor of a report, so that no link is written that leads nowhere."""
    anchors = {section.anchor for section in report.sections}
    blocks = [block for section in report.sections for block in section.blocks]
    anchors |= {block.anchor for block in blocks if isinstance(block, Heading)}
    tables = [block for block in blocks if isinstance(block, Table)]
    return (anchors | {cell.anchor for table in tables for row in table.rows for cell in row}) - {""}


def _font_face() -> str:
    """Return the embedded font for Arabic script, where the build hook has brought it."""
    if not URDU_FONT.is_file():
        return ""
    data = base64.b64encode(URDU_FONT.read_bytes()).decode()
    source = f"url(data:font/ttf;base64,{data}) format('truetype')"
    return f"@font-face{{font-family:'Rahdari Naskh';src:{source};unicode-range:U+0600-06FF,U+0750-077F,U+FB50-FEFF}}"


def html_page(report: Report) -> str:
    """Return the whole page."""
    language, anchors = report.local_language, anchors_of(report)
    links = "".join(
        f'<li><a href="#{_escape(section.anchor)}">{_escape(section.title)}</a></li>' for section in report.sections
    )
    sections = "".join(_section(section, language, anchors) for section in report.sections)
    style = STYLE.read_text(encoding="utf-8") + (_font_face() if report.local_title else "")
    facts = "".join(f"<p>{_escape(fact)}</p>" for fact in report.facts)
    local_title = f'<p class="local-title">{_local(report.local_title, language)}</p>' if report.local_title else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_escape(report.title)}</title><style>{style}</style></head>
<body><header><div class="inner"><p class="kicker">Rahdari</p><h1>{_escape(report.title)}</h1>
{local_title}<p class="subtitle">{_escape(report.subtitle)}</p>
{_block(report.headlines, language, anchors)}<div class="facts">{facts}</div></div></header>
<div class="page"><nav aria-label="Contents"><ol>{links}</ol></nav><main>{sections}</main></div>
<footer><p>{_escape(report.boundary_note)}</p><p>{_escape(report.stamp)}</p></footer></body></html>
"""
