"""Published cuts of cables and fibre replayed: predicted with its band beside reported, with the miss."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import RIGHT, Cell, Figure, Section, Table, Text, Tone
from rahdari.faces.report.content_programme import source_anchor
from rahdari.faces.report.figures import ACCENT, INK, WARM, Mark, MarkRow
from rahdari.faces.report.words import band, english, figure, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

TABLE = "backbone_replay"
WIDE_RATIO = 10.0  # a band whose ends lie further apart says little
RATIO_TICKS = {0.1: "a tenth", 1.0: "as reported", 10.0: "ten times"}
MEASURES = {
    "lost": "Traffic lost",
    "rerouted": "Traffic rerouted",
    "duration": "Duration",
    "isolated": "Isolated",
    "cut off": "People without a way",
}


def _rows(plan: Plan) -> pl.DataFrame | None:
    """Return the replay, newest event first, with the source of each event; ``None`` where there is none."""
    if TABLE not in plan.tables or not plan.tables[TABLE].height:
        return None
    events = plan.tables["events"].select("event_id", "source_id") if "events" in plan.tables else None
    frame = plan.tables[TABLE]
    frame = (
        frame.with_columns(source_id=pl.lit(None, pl.String))
        if events is None
        else frame.join(events, on="event_id", how="left")
    )
    return frame.sort(["at_utc", "event_id", "measure"], descending=[True, False, False])


def replay_count(plan: Plan) -> tuple[int, int]:
    """Return how many reported figures of cuts lie within our band, and how many there are.

    Only those count that no input of the prediction was drawn from.
    """
    frame = _rows(plan)
    if frame is None:
        return 0, 0
    told = frame.filter(pl.col("is_published") & pl.col("is_independent"))
    return int(told["is_in_band"].sum()), told.height


def _day(at_utc: str) -> str:
    day = dt.date.fromisoformat(at_utc[:10])
    return f"{day.day} {day:%B %Y}"


def _is_wide(row: dict[str, Any]) -> bool:
    low, high = row["predicted_low_value"], row["predicted_high_value"]
    return bool(high > WIDE_RATIO * low)


def _verdict(row: dict[str, Any]) -> tuple[str, Tone]:
    if row["is_in_band"] is None:
        return "not reported", "plain"
    if not row["is_in_band"]:
        return "outside the band", "bad"
    return ("inside a wide band", "fair") if _is_wide(row) else ("inside the band", "good")


def _table(frame: pl.DataFrame) -> Table:
    header = ("What is compared", "Predicted", "Reported", "Miss", "Verdict")
    rows: list[tuple[Cell, ...]] = []
    event = ""
    for row in frame.iter_rows(named=True):
        if row["event_id"] != event:
            event = row["event_id"]
            links = (("source", source_anchor(row["source_id"])),) if row["source_id"] else ()
            rows.append((Cell(f"{_day(row['at_utc'])}: {row['what']}", links=links, n_columns=len(header)),))
        unit = row["unit_text"]
        star = "" if row["is_independent"] else " *"
        span = band(row["predicted_low_value"], row["predicted_high_value"], unit)
        error = row["error_frac"]
        rows.append(
            (
                Cell(f"{MEASURES.get(row['measure'], row['measure'].capitalize())}{star}", second=row["note"]),
                Cell(figure(row["predicted_value"], unit), second=span or "no band"),
                Cell(figure(row["published_value"], unit)),
                Cell("–" if error is None else f"{error * 100:,.0f} %"),
                Cell(*_verdict(row)),
            )
        )
    caption = (
        "* An input of the prediction comes from the source that reports the event, so that agreement proves nothing"
    )
    return Table(header, tuple(rows), ("left", RIGHT, RIGHT, RIGHT, "left"), caption)


def _figure(frame: pl.DataFrame) -> Figure | None:
    told = frame.filter(pl.col("is_published") & (pl.col("published_value") > 0))
    if not told.height:
        return None
    rows = []
    for row in told.iter_rows(named=True):
        unit, reported = row["unit_text"], row["published_value"]
        star = "" if row["is_independent"] else " *"
        name = MEASURES.get(row["measure"], row["measure"]).lower()
        low, value, high = (row[f"predicted{end}_value"] / reported for end in ("_low", "", "_high"))
        colour = ACCENT if row["is_in_band"] else WARM
        text = f"{figure(row['predicted_value'], unit)}; reported {figure(reported, unit)}"
        marks = (Mark(value, colour, low, high), Mark(1.0, INK, is_diamond=True))
        rows.append(MarkRow(f"{_day(row['at_utc'])}, {name}{star}", text, marks))
    title = "Predicted band over what was reported"
    drawing = figures.mark_rows(rows, RATIO_TICKS, "predicted over reported", title, is_log=True, reference=1.0)
    legend = (
        (ACCENT, "Predicted, reported lies in the band"), (WARM, "Predicted, reported lies outside"),
        (INK, "Reported (diamond)"),
    )  # fmt: skip
    caption = (
        "Dot: predicted; bar: its band; both over the reported value at the dashed line. What lies beyond a "
        "tenth or ten times is drawn at the edge. Nothing was tuned to an event."
    )
    return Figure((drawing,), caption, legend, title)


def replay_section(plan: Plan, language: str) -> Section | None:
    """Return every published cut beside the prediction; ``None`` where nothing was replayed."""
    frame = _rows(plan)
    if frame is None:
        return None
    n_inside, n_told = replay_count(plan)
    n_wide = frame.filter(pl.col("is_published") & pl.col("is_independent") & pl.col("is_in_band")).filter(
        pl.col("predicted_high_value") > WIDE_RATIO * pl.col("predicted_low_value")
    )
    wide = f" ({n_wide.height} of these in a band so wide that it says little)" if n_wide.height else ""
    n_shared = frame.filter(pl.col("is_published")).height - n_told
    intro = (
        f"{frame['event_id'].n_unique()} published cuts, replayed with the plan's own cables, zones and core. Of "
        f"{n_told} reported figures that no input was drawn from, {n_inside} lie within the predicted band{wide}. "
        f"{n_shared} more share a source with an input and prove nothing."
    )
    drawn = _figure(frame)
    blocks = (Text(intro), *(() if drawn is None else (drawn,)), _table(frame))
    return Section("replay", english("replay"), local("replay", language), blocks)
