"""Microwave in the report: how often hops hold, how many are clear of terrain, and what hubs do with cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import RIGHT, Block, Cell, Figure, Heading, Table, Text
from rahdari.faces.report.content_transit import model_badge
from rahdari.faces.report.figures import Bar
from rahdari.faces.report.words import figure

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

HOPS, HUBS = "microwave_hops", "hub_plans"
HELD_ENDS = (0.99, 0.999, 0.9999, 0.99998)  # shares of a year; P.530 promises no hop more than 99.999 %
HELD_NAMES = ("below 99 %", "99 to 99.9 %", "99.9 to 99.99 %", "99.99 to 99.998 %", "99.998 % and more")
KM_ENDS = (0.1, 5.0, 15.0, 30.0, 50.0)  # km; the first: one roof
KM_NAMES = ("on one roof", "to 5 km", "5 to 15 km", "15 to 30 km", "30 to 50 km", "above 50 km")
LINK_ENDS = (2, 4, 6, 8)  # links of a hub
ROUNDING_NOTE = (
    "A chain goes straight to the nearest fibre site, its relays at equal distances whatever the ridges; rahdari link "
    "looks for relays over ridges. P.530 promises no hop more than 99.999 % of a year."
)


def _between(column: str, ends: tuple[float, ...], k: int) -> pl.Expr:
    """Return whether a value lies in class k of ``len(ends) + 1``."""
    low = pl.lit(value=True) if k == 0 else pl.col(column) >= ends[k - 1]
    high = pl.lit(value=True) if k == len(ends) else pl.col(column) < ends[k]
    return low & high


def _mean(frame: pl.DataFrame, column: str) -> float | None:
    return float(frame[column].to_numpy().mean()) if column in frame.columns and frame.height else None


def _share(frame: pl.DataFrame, column: str) -> str:
    return figure(_mean(frame, column), "frac")


def _median(frame: pl.DataFrame, column: str) -> float | None:
    value = frame[column].drop_nulls().median() if column in frame.columns else None
    return float(value) if isinstance(value, (int, float)) else None


def _held(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.4f} %"


def hop_blocks(plan: Plan) -> list[Block]:
    """Return how often chains of hops hold, and by length how many are clear; nothing without hops."""
    if HOPS not in plan.tables or not plan.tables[HOPS].height:
        return []
    frame = plan.tables[HOPS]
    bars = []
    for k, name in enumerate(HELD_NAMES):
        n = frame.filter(_between("availability_frac", HELD_ENDS, k)).height
        bars.append(Bar(name, float(n), f"{n:,} ({figure(n / frame.height, 'frac')})"))
    title = "Sites by the share of the year in which their microwave chain holds"
    caption = (
        f"{frame.height:,} sites fed by microwave; the most robust modulation; multipath, rain and terrain together."
    )
    return [
        Heading("Microwave hops", model_badge(plan, "radio"), "radio-hops"),
        Figure((figures.bars(bars, title),), caption, (), title),
        _length_table(frame),
        Text(ROUNDING_NOTE, is_note=True),
    ]


def _length_table(frame: pl.DataFrame) -> Table:
    rows = []
    for k, name in enumerate(KM_NAMES):
        own = frame.filter(_between("distance_km", KM_ENDS, k))
        if not own.height:
            continue
        rate = _median(own, "capacity_gbps")
        rows.append(
            (
                Cell(name),
                Cell(figure(own.height)),
                Cell(_share(own, "is_clear")),
                Cell(_held(_median(own, "availability_frac"))),
                Cell(figure(None if rate is None else rate * 1000.0, "mbps")),
                Cell(_share(own, "is_feasible")),
            )
        )
    header = ("Way to the fibre site", "Sites", "Clear of terrain", "Median availability", "Median rate", "Good enough")
    caption = "Microwave chains by length; clear: by the clearance rules of P.530 over the terrain of the plan"
    return Table(header, tuple(rows), ("left", *(RIGHT,) * 5), caption)


def hub_blocks(plan: Plan) -> list[Block]:
    """Return channels and capacity of hubs with and without cancellation; nothing where no hub was planned."""
    if HUBS not in plan.tables or not plan.tables[HUBS].height:
        return []
    frame = plan.tables[HUBS]
    cancelled = _median(frame, "cancellation_db")
    rows = [_hub_row("All hubs", frame)]
    for k, low in enumerate(LINK_ENDS):
        high = LINK_ENDS[k + 1] if k + 1 < len(LINK_ENDS) else None
        inside = pl.col("n_links") >= low if high is None else pl.col("n_links").is_between(low, high, closed="left")
        own = frame.filter(inside)
        if own.height:
            name = f"{low} links and more" if high is None else f"{low} or {high - 1} links"
            rows.append(_hub_row(name, own))
    header = ("Hubs", "Number", "Channels without", "Channels with", "Capacity, with over without", "Gain",
              "Interference left")  # fmt: skip
    caption = "Frequency plans without and with cancellation" + (f" of {cancelled:g} dB" if cancelled else "")
    return [
        Heading("Microwave hubs and their channels", model_badge(plan, "radio"), "radio-hubs"),
        Table(header, tuple(rows), ("left", *(RIGHT,) * 6), caption),
        *_reasons(frame),
        Text(
            "Both plans are exact colourings in equal spectrum. Cancellation is finite: what it does not cancel "
            "stays, and sharing channels brings interference that was not there before.",
            is_note=True,
        ),
    ]


def _hub_row(name: str, frame: pl.DataFrame) -> tuple[Cell, ...]:
    plain, cancelled = float(frame["plain_mbps"].sum()), float(frame["cancelled_mbps"].sum())
    removed = _median(frame, "interference_removed_frac")
    median = _median(frame, "gain_ratio")
    return (
        Cell(name),
        Cell(figure(frame.height)),
        Cell(figure(_mean(frame, "n_channels_plain"))),
        Cell(figure(_mean(frame, "n_channels_cancelled"))),
        Cell(f"× {cancelled / plain:.2f}" if plain else "–", second=f"median hub × {median:.2f}" if median else ""),
        Cell(_share(frame, "is_gaining"), second="of hubs gain"),
        Cell("–" if removed is None else figure(1.0 - removed, "frac"), second="median, of what is cancelled"),
    )


def _reasons(frame: pl.DataFrame) -> list[Block]:
    """Return why hubs do not gain, by number."""
    if "why_not" not in frame.columns:
        return []
    counts = (
        frame.filter(pl.col("why_not").fill_null("") != "")
        .group_by("why_not")
        .len()
        .sort("len", "why_not", descending=[True, False])
    )
    if not counts.height:
        return []
    rows = tuple((Cell(str(why).capitalize()), Cell(figure(n))) for why, n in counts.iter_rows())
    return [Table(("Why a hub does not gain", "Hubs"), rows, ("left", RIGHT))]
