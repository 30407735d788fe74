"""How well it holds: hours without service by region, and past failures replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import Align, Block, Cell, Figure, Section, Table, Text, Tone
from rahdari.faces.report.content_indicators import RESILIENCE_KEYS, indicator_table
from rahdari.faces.report.figures import Bar
from rahdari.faces.report.words import band, english, figure, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

LOW_QUANTILE, HIGH_QUANTILE = 0.1, 0.9
CLOSE_FRAC, NEAR_FRAC = 0.25, 1.0  # errors at which a badge turns
RATIO_POWERS = (-1, 1)  # a tenth to ten times
RATIO_NAMES = {-1: "a tenth", 0: "as published", 1: "ten times"}
PEOPLE_H_PER_MILLION = 1e6
CUTS = "backbone"  # predictions made by this engine stand in the section of cuts, once


def _quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """Return the value at a share of the weights, in order of values."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    index = int(np.searchsorted(reached, share * reached[-1]))
    return float(values[order][min(index, len(values) - 1)])


def _outage_figure(plan: Plan) -> Figure | None:
    tables = plan.tables
    served = tables["availability"].filter(pl.col("is_served"))
    if not served.height:
        return None
    served = served.filter(pl.col("year") == pl.col("year").max())
    regions = tables["districts"].select("district_id", "region")
    places = tables["places"].select("place_id", "district_id", "n_people").join(regions, on="district_id")
    frame = served.select("place_id", "year", "outage_h_per_year").join(places, on="place_id")
    frame = frame.filter(pl.col("n_people") > 0).sort("place_id")
    rows = []
    for (region,), group in frame.group_by("region", maintain_order=True):
        hours, people = group["outage_h_per_year"].to_numpy(), group["n_people"].to_numpy()
        low, middle, high = (_quantile(hours, people, share) for share in (LOW_QUANTILE, 0.5, HIGH_QUANTILE))
        rows.append(Bar(str(region), middle, "", low, high))
    rows.sort(key=lambda row: (row.value, row.label))
    year = frame["year"][0]
    title = f"Hours without service a year, by region, {year}"
    caption = (
        "Dot: the person in the middle; band: from the tenth to the ninetieth person of a hundred. Power cuts, last "
        "mile, cuts of fibre and hazards together; people without any service are not in it."
    )
    return Figure((figures.spans(rows, "hours a year", title),), caption, (), title)


def _own(plan: Plan) -> tuple[pl.DataFrame, int]:
    """Return the failures that are not told in the section of cuts, in order, and how many are told there."""
    replay = plan.tables["event_replay"].sort("at_utc", "event_id")
    own = replay.filter(pl.col("predicted_by") != CUTS)
    return own, replay.height - own.height


def _replay_figure(own: pl.DataFrame) -> Figure | None:
    replayed = own.filter(
        (pl.col("status") == "replayed") & (pl.col("published_value") > 0) & (pl.col("predicted_value") > 0)
    )
    if not replayed.height:
        return None
    rows = []
    for row in replayed.iter_rows(named=True):
        unit = str(row["unit_text"] or "")
        text = f"{figure(row['predicted_value'], unit)}; published {figure(row['published_value'], unit)}"
        name = f"{row['at_utc'][:10]} {str(row['kind']).replace('_', ' ')}{'' if row['is_independent'] else ' *'}"
        rows.append(Bar(name, row["predicted_value"] / row["published_value"], text))
    title = "Failures of power and sites replayed: predicted over published"
    drawing = figures.log_dots(rows, RATIO_POWERS, 1.0, RATIO_NAMES, title)
    caption = (
        "Each dot is what the model predicts over what was published. Nothing was tuned to an event. * the model's "
        "input was drawn from the report of this event, so that agreement proves nothing."
    )
    return Figure((drawing,), caption, (), title)


def _replay_table(own: pl.DataFrame) -> Table:
    rows = []
    for row in own.iter_rows(named=True):
        unit, error = str(row["unit_text"] or ""), row["error_frac"]
        tone: Tone = "plain"
        if error is not None:
            tone = "good" if error <= CLOSE_FRAC else "fair" if error <= NEAR_FRAC else "bad"
        miss = f"{error * 100:,.0f} %" if error is not None else "not modelled"
        rows.append(
            (
                Cell(row["at_utc"][:10]),
                Cell(row["what"], second=row["note"] or ""),
                Cell(figure(row["predicted_value"], unit), second=band(*_ends(row), unit)),
                Cell(figure(row["published_value"], unit)),
                Cell(miss, tone),
            )
        )
    header = ("Date", "What happened, and how it was replayed", "Predicted", "Published", "Miss")
    align: tuple[Align, ...] = ("left", "left", "right", "right", "left")
    caption = "Every published failure but the cuts of cables and fibre, also those the model misses"
    return Table(header, tuple(rows), align, caption)


def _ends(row: dict[str, Any]) -> tuple[float | None, float | None]:
    return row["predicted_low_value"], row["predicted_high_value"]


def _replay_blocks(plan: Plan) -> list[Block | None]:
    """Return the replay of what is not told in the section of cuts, and where the rest stands."""
    own, n_cuts = _own(plan)
    blocks: list[Block | None] = []
    if own.height:
        blocks += [_replay_figure(own), _replay_table(own)]
    if n_cuts:
        text = (
            f"Published cuts of cables and fibre, {n_cuts}, are predicted by engine backbone and stand under "
            f"“{english('replay')}”; the median miss above counts both."
        )
        blocks.append(Text(text, is_note=True))
    return blocks


def _losses_table(plan: Plan) -> Table | None:
    """Return what each named event costs in people-hours and revenue; ``None`` where none was played."""
    if "event_losses" not in plan.tables or not plan.tables["event_losses"].height:
        return None
    names = dict(plan.tables["named_events"].select("named_event_id", "name").iter_rows())
    rows = []
    for row in plan.tables["event_losses"].sort("named_event_id").iter_rows(named=True):
        hours, lost = (
            [row[f"{stem}{end}_{unit}"] for end in ("", "_low", "_high")]
            for stem, unit in (("without", "people_h"), ("revenue_lost", "usd"))
        )
        million = [value / PEOPLE_H_PER_MILLION for value in hours]
        rows.append(
            (
                Cell(names.get(row["named_event_id"], row["named_event_id"])),
                Cell(f"{million[0]:,.1f}", second=f"{million[1]:,.1f} to {million[2]:,.1f}"),
                Cell(figure(lost[0], "usd"), second=band(lost[1], lost[2], "usd")),
            )
        )
    header = ("Named event", "Million people-hours without", "Revenue lost")
    caption = (
        "A simple formula: people without service times the revenue of their lines, pro rata by the hour; half at "
        "the low end, since prepaid spending is made up later, twice at the high end"
    )
    return Table(header, tuple(rows), ("left", "right", "right"), caption)


def resilience_section(plan: Plan, language: str) -> Section | None:
    """Return hours without service by region, the replay of past failures, and the indicators."""
    blocks: list[Block | None] = []
    if "availability" in plan.tables:
        blocks.append(_outage_figure(plan))
    blocks.append(indicator_table(plan, RESILIENCE_KEYS, "Reliability in a few figures"))
    if "event_replay" in plan.tables and plan.tables["event_replay"].height:
        blocks += _replay_blocks(plan)
    blocks.append(_losses_table(plan))
    present = [block for block in blocks if block is not None]
    if not present:
        return None
    note = "Hazards come together and are simulated up to the site; the last mile has its own part. Nothing is tuned."
    return Section(
        "resilience", english("resilience"), local("resilience", language), (*present, Text(note, is_note=True))
    )
