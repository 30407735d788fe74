"""Satellite navigation in the report: roads and railways with and without terrain, stretches that fail, corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.faces.report.blocks import RIGHT, Block, Cell, Figure, Heading, Section, Table, Text
from rahdari.faces.report.content_transit import model_badge
from rahdari.faces.report.words import english, figure, local
from rahdari.service.navigation import drawn_line

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

LINES, FAILING, SERVICES = "navigation_lines", "navigation_failing", "navigation_services"
N_FAILING = 12  # stretches shown, the longest
COARSE = (
    "Terrain is coarse somewhere along every line marked so: a horizon that goes with the slope stands in for valleys, "
    "and where exactly a stretch begins is a guess. Import finer terrain (rahdari data dem) and plan again, or give a "
    "raster to rahdari navigate."
)
LIMITS = (
    "Satellites stand in their nominal slots over a week; errors are those of single positioning, 2 x ranging error x "
    "HDOP. Buildings, trees, tunnels and jamming are left out. Kilometres are those of the open road data."
)


def _lines(lines: pl.DataFrame) -> Table:
    rows = tuple(
        (
            Cell(row["name"], second=f"{row['kind']}, terrain coarse" if row["is_coarse"] else row["kind"]),
            Cell(f"{row['length_km']:,.0f} km"),
            Cell(f"{row['pdop_open_ratio']:.2f}"),
            Cell(f"{row['pdop_ratio']:.2f}", second=f"worst {row['worst_pdop_ratio']:.2f}"),
            Cell(f"{row['all_pdop_ratio']:.2f}"),
            Cell(figure(row["available_frac"], "frac"), second=f"all {figure(row['all_available_frac'], 'frac')}"),
            Cell(f"{row['failing_km']:,.0f} km", second=f"all {row['all_failing_km']:,.0f} km"),
        )
        for row in lines.iter_rows(named=True)
    )
    header = ("Line", "Length", "PDOP open", "PDOP terrain", "PDOP all systems", "Accuracy held", "Fails")
    return Table(header, rows, ("left", *(RIGHT,) * 6), "Roads and railways, BeiDou alone unless all systems are named")


def _failing(failing: pl.DataFrame, names: dict[str, str]) -> Table:
    longest = failing.sort("length_km", "failing_id", descending=[True, False]).head(N_FAILING)
    rows = tuple(
        (
            Cell(row["name"], second=names[row["line_id"]] + (", terrain coarse" if row["is_coarse"] else "")),
            Cell(f"{row['length_km']:,.1f} km"),
            Cell(f"{row['pdop_open_ratio']:.2f}"),
            Cell(f"{row['pdop_ratio']:.2f}"),
            Cell(figure(row["available_frac"], "frac")),
            Cell(figure(row["all_available_frac"], "frac")),
        )
        for row in longest.iter_rows(named=True)
    )
    header = ("Stretch", "Length", "PDOP open", "PDOP terrain", "Accuracy held", "All systems")
    caption = f"Stretches that fail with BeiDou alone, the {longest.height} longest of {failing.height}"
    return Table(header, rows, ("left", *(RIGHT,) * 5), caption)


def _services(services: pl.DataFrame, names: dict[str, str]) -> Table:
    kept = services.filter(pl.col("subject_kind") == "line").sort("service_id", "subject_id")
    rows = []
    for (name, status, area), group in kept.group_by("name", "status", "area", maintain_order=True):
        usable = group.filter(pl.col("usable_frac") > 0.0)
        where = "; ".join(
            f"{names[row['subject_id']]} {figure(row['usable_frac'], 'frac')}" for row in usable.iter_rows(named=True)
        )
        low = float(group["in_view_frac"].to_numpy().min())
        rows.append(
            (Cell(str(name), second=str(status)), Cell(str(area)), Cell(figure(low, "frac")), Cell(where or "–"))
        )
    header = ("Service", "Offered in", "In view, worst line", "Usable")
    return Table(header, tuple(rows), ("left", "left", RIGHT, "left"), "Corrections from geostationary satellites")


def navigation_section(plan: Plan, language: str) -> Section | None:
    """Return the page on navigation; ``None`` where the plan has no lines."""
    if LINES not in plan.tables or not plan.tables[LINES].height:
        return None
    lines, failing = plan.tables[LINES].sort("pdop_ratio", "line_id", descending=[True, False]), plan.tables[FAILING]
    names = dict(lines.select("line_id", "name").iter_rows())
    worst = str(lines["line_id"][0])
    title = f"{names[worst]}: dilution of precision with and without terrain"
    blocks: list[Block] = [
        Heading("Positions along roads and railways", model_badge(plan, "navigation"), "navigation-lines"),
        _lines(lines),
        Figure((drawn_line(plan.tables, worst),), "The line where terrain costs most.", (), title),
    ]
    if failing.height:
        blocks.append(_failing(failing, names))
    if lines["is_coarse"].any():
        blocks.append(Text(COARSE, is_note=True))
    blocks += [_services(plan.tables[SERVICES], names), Text(LIMITS, is_note=True)]
    return Section("satellite-navigation", english("navigation"), local("navigation", language), tuple(blocks))
