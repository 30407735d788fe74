"""A Gantt drawing of a roll-out: a row for each district or region, a bar for each kind of work, the due date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rahdari.faces.report.figures import GRID, INK, MUTED, svg, text_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

KIND_COLOURS: Mapping[str, str] = {
    "fibre_way": "#0f766e", "home_lines": "#2563eb", "home_connections": "#93c5fd", "site_fibre": "#7a5195",
    "wireless": "#c2410c", "site_power": "#ca8a04",
}  # fmt: skip
KIND_NAMES: Mapping[str, str] = {
    "fibre_way": "Fibre to places", "home_lines": "Lines past homes", "home_connections": "Homes connected",
    "site_fibre": "Fibre to cell sites", "wireless": "Radio, fixed wireless, community networks",
    "site_power": "Power at cell sites",
}  # fmt: skip
LABEL_PX, CHART_PX, LANE_PX, ROW_GAP_PX, TOP_PX, LEGEND_PX = 190.0, 700.0, 3.4, 4.0, 22.0, 22.0
MONTHS_PER_YEAR = 12
LETTERS = 26
FEW_LEGEND = 3  # names on a line of the legend


@dataclass(frozen=True, slots=True)
class GanttRow:
    """A row: its name and, by kind of work, the first and the last month at work."""

    name: str
    bars: Mapping[str, tuple[float, float]]


def _years(first: date, n_months: int, scale: float, height: float) -> str:
    body = ""
    for month in range(n_months + 1):
        if (first.month - 1 + month) % MONTHS_PER_YEAR == 0:
            x = LABEL_PX + month * scale
            body += f"<path d='M{x:.1f} {TOP_PX - 6:.1f}V{height:.1f}' stroke='{GRID}'/>"
            year = str(first.year + (first.month - 1 + month) // MONTHS_PER_YEAR)
            body += text_at(x + 2, TOP_PX - 8, year, size=11, colour=MUTED)
    return body


def _legend(kinds: Sequence[str], y: float) -> str:
    body, width = "", (LABEL_PX + CHART_PX) / FEW_LEGEND
    for index, kind in enumerate(kinds):
        x, line = (index % FEW_LEGEND) * width, y + (index // FEW_LEGEND) * LEGEND_PX
        body += f"<rect x='{x:.1f}' y='{line:.1f}' width='12' height='10' fill='{KIND_COLOURS[kind]}'/>"
        body += text_at(x + 17, line + 10, KIND_NAMES[kind], size=12, colour=MUTED)
    return body


def gantt(rows: Sequence[GanttRow], first: date, n_months: int, due_months: float, title: str) -> str:
    """Return the drawing; months count from ``first``, the dashed line is the due date."""
    scale = CHART_PX / max(n_months, 1)
    kinds = [kind for kind in KIND_COLOURS if any(kind in row.bars for row in rows)]
    row_px = LANE_PX * max(len(kinds), 1) + ROW_GAP_PX
    height = TOP_PX + len(rows) * row_px
    body = _years(first, n_months, scale, height)
    for index, row in enumerate(rows):
        y = TOP_PX + index * row_px
        name = row.name if len(row.name) <= LETTERS else row.name[: LETTERS - 1] + "…"
        body += text_at(LABEL_PX - 8, y + row_px * 0.6, name, size=11, anchor="end")
        for lane, kind in enumerate(kinds):
            if kind in row.bars:
                start, end = row.bars[kind]
                x, width = LABEL_PX + start * scale, max((end - start) * scale, 1.0)
                at = y + lane * LANE_PX
                body += (
                    f"<rect x='{x:.1f}' y='{at:.1f}' width='{width:.1f}' height='{LANE_PX - 0.4:.1f}' "
                    f"fill='{KIND_COLOURS[kind]}'/>"
                )
    due = LABEL_PX + due_months * scale
    body += f"<path d='M{due:.1f} {TOP_PX - 6:.1f}V{height:.1f}' stroke='{INK}' stroke-dasharray='5 4'/>"
    body += text_at(due + 3, height + 12, "due", size=11, colour=INK)
    body += _legend(kinds, height + LEGEND_PX)
    lines = -(-len(kinds) // FEW_LEGEND)
    return svg(LABEL_PX + CHART_PX + 10, height + LEGEND_PX * (lines + 1.5), body, title)
