"""Spectrum in the report: who holds how much in which band, as published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.faces.report.blocks import RIGHT, Block, Cell, Heading, Table, Text
from rahdari.faces.report.content_programme import source_anchor
from rahdari.faces.report.words import figure

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

UNKNOWN_HOLDER = "All operators together"
NOTE = "As published; no engine takes its carriers from it. Paired: uplink and downlink have parts of their own."


def spectrum_blocks(plan: Plan) -> list[Block]:
    """Return what each operator holds in each band and in all; nothing where no holdings are known."""
    if "spectrum_holdings" not in plan.tables or not plan.tables["spectrum_holdings"].height:
        return []
    held = plan.tables["spectrum_holdings"].sort("operator_id", "low_ghz", "holding_id", nulls_last=True)
    known = set(plan.tables["sources"]["source_id"]) if "sources" in plan.tables else set()
    operators = plan.tables["operators"].select("operator_id", "name") if "operators" in plan.tables else None
    names = {} if operators is None else dict(operators.iter_rows())
    rows = []
    for row in held.iter_rows(named=True):
        is_known = row["source_id"] in known
        holder = names.get(row["operator_id"], row["operator_id"]) or UNKNOWN_HOLDER
        rows.append(
            (
                Cell(holder, links=(("source", source_anchor(row["source_id"])),) if is_known else ()),
                Cell(row["band"]),
                Cell(figure(row["width_mhz"], "mhz")),
                Cell({True: "paired", False: "one band both ways", None: "not told"}[row["is_paired"]]),
                Cell(row["held_on"]),
            )
        )
    total = held.select(pl.col("width_mhz").sum()).item()
    rows.append((Cell("In all"), Cell(""), Cell(figure(total, "mhz")), Cell(""), Cell("")))
    header = ("Who", "Band", "Width", "Kind", "Held from")
    caption = "Spectrum held, both directions together"
    return [
        Heading("Spectrum", "", "radio-spectrum"),
        Table(header, tuple(rows), ("left", "left", RIGHT, "left", "left"), caption),
        Text(NOTE, is_note=True),
    ]
