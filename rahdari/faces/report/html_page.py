"""Render a report as one HTML file without scripts, fonts or pictures from elsewhere."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from rahdari.faces.report.blocks import Block, Cell, Figure, Heading, Headline, Headlines, Report, Section, Table, Text

STYLE = Path(__file__).parent / "style.css"
URDU_FONT = Path(__file__).parents[2] / "static" / "fonts" / "NotoNaskhArabic_400Regular.ttf"


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _local(text: str, language: str) -> str:
    return f'<span class="local" lang="{_escape(language)}" dir="auto">{_escape(text)}</span>' if text else ""


def _cell(cell: Cell, align: str, language: str) -> str:
    body = _escape(cell.text)
    if cell.tone:
        body = f'<span class="badge {cell.tone}">{body}</span>'
    if cell.local:
        body += " " + _local(cell.local, language)
    if cell.second:
        body += f'<span class="second">{_escape(cell.second)}</span>'
    if cell.link:
        body += f' <a href="{_escape(cell.link)}">evidence</a>'
    return f'<td class="{align}">{body}</td>'


def _table(table: Table, language: str) -> str:
    head = "".join(
        f'<th scope="col" class="{align}">{_escape(name)}</th>'
        for name, align in zip(table.header, table.align, strict=True)
    )
    rows = "".join(
        "<tr>" + "".join(_cell(cell, align, language) for cell, align in zip(row, table.align, strict=True)) + "</tr>"
        for row in table.rows
    )
    body = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    caption = _escape(table.caption)
    if table.is_long:
        return f"<details><summary>{caption or 'Table'}</summary>{body}</details>"
    return f"<p class='caption'>{caption}</p>{body}" if caption else body


def _figure(figure: Figure) -> str:
    items = "".join(
        f'<li><span class="swatch" style="background:{_escape(colour)}"></span>{_escape(label)}</li>'
        for colour, label in figure.legend
    )
    legend = f'<ul class="legend">{items}</ul>' if items else ""
    return f"<figure>{legend}{figure.svg}<figcaption>{_escape(figure.caption)}</figcaption></figure>"


def _headline(item: Headline) -> str:
    band = f'<div class="band">{_escape(item.band)}</div>' if item.band else ""
    context = f'<div class="context">{_escape(item.context)}</div>' if item.context else ""
    value, label = _escape(item.value), _escape(item.label)
    return (
        f'<div class="headline"><div class="value">{value}</div><div class="label">{label}</div>{band}{context}</div>'
    )


def _block(block: Block, language: str) -> str:
    if isinstance(block, Headlines):
        return '<div class="headlines">' + "".join(_headline(item) for item in block.items) + "</div>"
    if isinstance(block, Heading):
        badge = f' <span class="badge plain">{_escape(block.badge)}</span>' if block.badge else ""
        return f"<h3>{_escape(block.text)}{badge}</h3>"
    if isinstance(block, Text):
        return f'<p class="{"note" if block.is_note else "text"}">{_escape(block.text)}</p>'
    if isinstance(block, Table):
        return _table(block, language)
    return _figure(block)


def _section(section: Section, language: str) -> str:
    title = f"<h2>{_escape(section.title)} {_local(section.local, language)}</h2>"
    blocks = "".join(_block(block, language) for block in section.blocks)
    return f'<section id="{_escape(section.anchor)}">{title}{blocks}</section>'


def _font_face() -> str:
    """Return the embedded font for Arabic script, where the build hook has brought it."""
    if not URDU_FONT.is_file():
        return ""
    data = base64.b64encode(URDU_FONT.read_bytes()).decode()
    source = f"url(data:font/ttf;base64,{data}) format('truetype')"
    return f"@font-face{{font-family:'Rahdari Naskh';src:{source};unicode-range:U+0600-06FF,U+0750-077F,U+FB50-FEFF}}"


def html_page(report: Report) -> str:
    """Return the whole page."""
    language = report.local_language
    links = "".join(
        f'<li><a href="#{_escape(section.anchor)}">{_escape(section.title)}</a></li>' for section in report.sections
    )
    sections = "".join(_section(section, language) for section in report.sections)
    style = STYLE.read_text(encoding="utf-8") + (_font_face() if report.local_title else "")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_escape(report.title)}</title><style>{style}</style></head>
<body><header><div class="inner"><p class="kicker">Rahdari</p><h1>{_escape(report.title)}</h1>
<p class="local-title">{_local(report.local_title, language)}</p><p class="subtitle">{_escape(report.subtitle)}</p>
{_block(report.headlines, language)}</div></header>
<div class="page"><nav aria-label="Contents"><ol>{links}</ol></nav><main>{sections}</main></div>
<footer><p>{_escape(report.boundary_note)}</p><p>{_escape(report.stamp)}</p></footer></body></html>
"""
