"""The calendar of a plan as Gantt drawings by district and by region."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from rahdari.faces.report.gantt import GanttRow, gantt

if TYPE_CHECKING:
    from collections.abc import Mapping


def gantt_rows(calendar: pl.DataFrame, names: Mapping[str, str]) -> list[GanttRow]:
    """Return a row for each name that districts have in ``names``, by the end of its work."""
    named = calendar.with_columns(row=pl.col("district_id").replace_strict(names, default=pl.col("district_id")))
    spans = named.group_by("row", "kind").agg(pl.col("start_months").min(), pl.col("end_months").max())
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for row in spans.sort("row", "kind").iter_rows(named=True):
        found.setdefault(row["row"], {})[row["kind"]] = (row["start_months"], row["end_months"])
    ends = {name: max(end for _, end in bars.values()) for name, bars in found.items()}
    return [GanttRow(name, found[name]) for name in sorted(found, key=lambda name: (ends[name], name))]


def gantt_of(calendar: pl.DataFrame, names: pl.DataFrame, districts: pl.DataFrame, starts_on: str) -> str:
    """Return the drawing with a row for each name that ``names`` (district_id, name) gives, by the end of its work."""
    rows = gantt_rows(calendar, dict(names.iter_rows()))
    n_months = math.ceil(float(calendar["end_months"].to_numpy().max())) + 1
    due = float(districts["due_months"].to_numpy().max())
    return gantt(rows, date.fromisoformat(starts_on), n_months, due, "Calendar of the roll-out")
