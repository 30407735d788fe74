"""The report of a plan: one content, rendered as self-contained HTML and as PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_html(folder: Path) -> Path:
    """Write ``report.html`` into a plan's folder: one file that opens from disk without a network."""
    from rahdari.faces.report.content import report_content
    from rahdari.faces.report.freshness import mark_fresh
    from rahdari.faces.report.html_page import html_page
    from rahdari.service.plan_view import Plan
    from rahdari.store.atomic import write_text

    path = folder / "report.html"
    write_text(path, html_page(report_content(Plan(folder))))
    mark_fresh(folder, path.name)
    return path


def write_pdf(folder: Path) -> Path:
    """Write ``report.pdf`` into a plan's folder with typst."""
    from rahdari.faces.report.content import report_content
    from rahdari.faces.report.freshness import mark_fresh
    from rahdari.faces.report.typst_page import pdf_bytes
    from rahdari.service.plan_view import Plan
    from rahdari.store.atomic import write_bytes

    path = folder / "report.pdf"
    write_bytes(path, pdf_bytes(report_content(Plan(folder))))
    mark_fresh(folder, path.name)
    return path
