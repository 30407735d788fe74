"""The claims about 5G and microwave hubs: baselines fixed beforehand, conditions, and how often each claim holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report.blocks import LEFT, RIGHT, Align, Block, Cell, Heading, Section, Table, Text, Tone
from rahdari.faces.report.content_programme import VERDICTS, source_anchor
from rahdari.faces.report.content_transit import model_badge
from rahdari.faces.report.words import band, english, figure, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

TABLE = "radio_claims"
TOPICS = ("5g", "microwave")
MOSTLY_FRAC = 0.9  # of draws or hubs, from which a claim is said to hold
INTRO = (
    "Each claim is tested against a baseline that was fixed before anything was computed; claims are never entered as "
    "factors, and no parameter was tuned to reach one. The published figures are reported by the parties named, not "
    "independently verified."
)
RESIDUAL = (
    "A finite cancellation leaves a residual: 10, 15 and 20 dB leave 10, 3.2 and 1 % of the power that is cancelled: "
    "interference is never exactly 100 % less. The column in brackets takes 99.5 % less as 100 %."
)
CITY_PARTS = ("experience", "energy", "energy_per_gb", "both", "both_per_gb")
HUB_PARTS = ("efficiency", "capacity", "interference", "all")


def _verdict(holds_frac: float, what: str) -> Cell:
    """Return how often a claim holds as a verdict."""
    tone: Tone
    if holds_frac >= MOSTLY_FRAC:
        text, tone = "holds", "good"
    elif holds_frac > 0.0:
        text, tone = "holds under conditions", "fair"
    else:
        text, tone = "does not hold", "bad"
    return Cell(text, tone, second=f"{figure(holds_frac, 'frac')} of {what}")


def _published(plan: Plan) -> list[Block]:
    """Return what was claimed, by whom, and the verdict of the programme page."""
    if not {"programme", "programme_verdicts"} <= set(plan.tables):
        return []
    verdicts = {row["claim_id"]: row for row in plan.tables["programme_verdicts"].iter_rows(named=True)}
    claims = plan.tables["programme"].filter(pl.col("topic").is_in(TOPICS) & pl.col("value").is_not_null())
    rows = []
    for row in claims.sort("topic", "claim_id").iter_rows(named=True):
        ours = verdicts.get(row["claim_id"])
        if ours is None or ours["our_value"] is None:
            continue
        word, tone, _ = VERDICTS.get(ours["verdict"], (ours["verdict"], "plain", ""))
        links = (("programme page", f"claim-{row['claim_id']}"), ("source", source_anchor(row["source_id"])))
        by = f"Reported by {row['claimed_by']}, {row['claimed_on']}; not independently verified"
        span = band(ours["our_value_low"], ours["our_value_high"], ours["unit"])
        rows.append(
            (
                Cell(row["claim"], second=by, links=links),
                Cell(ours["claim_text"]),
                Cell(figure(ours["our_value"], ours["unit"]), second=span),
                Cell(word, tone),
            )
        )
    if not rows:
        return []
    header = ("Claim", "Claimed", "Ours and its range", "Verdict")
    return [Table(header, tuple(rows), (LEFT, RIGHT, RIGHT, LEFT), "What was claimed")]


def _part(claim_id: str) -> tuple[str, str]:
    """Return the group of a claim and its part.

    >>> _part("hub-03-interference_rounded"), _part("city-added-both")
    (('hub-03', 'interference_rounded'), ('city-added', 'both'))
    """
    head, _, part = claim_id.rpartition("-")
    return head, part


def _groups(frame: pl.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the rows by group and part, in the table's order."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in frame.sort("claim_id").iter_rows(named=True):
        head, part = _part(row["claim_id"])
        found.setdefault(head, {})[part] = row
    return found


def _city_blocks(plan: Plan, frame: pl.DataFrame) -> list[Block]:
    own = frame.filter(pl.col("claim_id").str.starts_with("city-"))
    if not own.height:
        return []
    header = ("Claim", "Median, after over before", "Verdict")
    rows: list[tuple[Cell, ...]] = []
    for parts in _groups(own).values():
        first = next(iter(parts.values()))
        rows.append((Cell(f"{first['condition']} (baseline: {first['baseline']})", n_columns=len(header)),))
        for name in (name for name in CITY_PARTS if name in parts):
            row = parts[name]
            is_joint = name.startswith("both")
            rows.append(
                (
                    Cell(row["claim"]),
                    Cell("" if is_joint else f"× {row['median_ratio']:.2f}"),
                    _verdict(row["holds_frac"], f"{row['n_tested']:,} draws"),
                )
            )
    caption = "5G in cities: +150 % experience means × 2.5, −15 % energy means × 0.85"
    text = (
        "Experience is a user's mean rate when all share the cell, averaged over users; energy is a day's. Drawn "
        "within stated ranges: load of 4G, users with 5G devices, bandwidth, signal, power, time asleep. The share of "
        "draws is the probability under these ranges, no more."
    )
    align: tuple[Align, ...] = (LEFT, RIGHT, LEFT)
    badge = model_badge(plan, "radio")
    return [
        Heading("5G: user experience and energy, together", badge, "claims-5g"),
        Table(header, tuple(rows), align, caption),
        *_condition_blocks(frame),
        Text(text, is_note=True),
    ]


def _condition_blocks(frame: pl.DataFrame) -> list[Block]:
    """Return in which part of each unknown's range both 5G claims hold; nothing where that was not tested."""
    own = frame.filter(pl.col("claim_id").str.starts_with("condition-")).drop_nulls("holds_frac").sort("claim_id")
    if not own.height:
        return []
    header = ("Where in the range", "Draws", "Both hold")
    rows: list[tuple[Cell, ...]] = []
    mode = ""
    for row in own.iter_rows(named=True):
        head, _, span = str(row["condition"]).partition("; ")
        if head != mode:
            mode = head
            rows.append((Cell(head, n_columns=len(header)),))
        share = row["holds_frac"]
        tone: Tone = "good" if share >= MOSTLY_FRAC else "fair" if share > 0.0 else "bad"
        rows.append((Cell(span or head), Cell(figure(row["n_tested"])), Cell(figure(share, "frac"), tone)))
    best = own.sort("holds_frac", "claim_id", descending=[True, False]).row(0, named=True)
    words = f"Both hold most often, in {figure(best['holds_frac'], 'frac')} of draws, with: {best['condition']}."
    caption = "5G: in which quarter of each unknown's range both claims hold together"
    return [Table(header, tuple(rows), (LEFT, RIGHT, RIGHT), caption, is_long=True), Text(words)]


def _hub_cells(parts: dict[str, dict[str, Any]]) -> tuple[Cell, ...]:
    first = next(iter(parts.values()))
    cells = [Cell(first["condition"][:1].upper() + first["condition"][1:])]
    for name in HUB_PARTS:
        row, rounded = parts.get(name), parts.get(f"{name}_rounded")
        if row is None:
            cells.append(Cell("–"))
            continue
        tone: Tone = "good" if row["holds_frac"] >= MOSTLY_FRAC else "fair" if row["holds_frac"] > 0.0 else "bad"
        seconds = []
        if name in {"efficiency", "capacity"}:
            seconds.append(f"median × {row['median_ratio']:.2f}")
        if name == "interference":
            seconds.append(f"least left {figure(row['median_ratio'], 'frac')}")
        if rounded is not None:
            seconds.append(f"({figure(rounded['holds_frac'], 'frac')})")
        cells.append(Cell(figure(row["holds_frac"], "frac"), tone, second=" ".join(seconds)))
    return tuple(cells)


def _hub_blocks(plan: Plan, frame: pl.DataFrame) -> list[Block]:
    own = frame.filter(pl.col("subject") == "hub")
    if not own.height:
        return []
    header = ("Condition", "+50 % efficiency", "Twice the capacity", "100 % less interference", "All three at once")
    rows: list[tuple[Cell, ...]] = []
    baseline = ""
    for parts in sorted(_groups(own).values(), key=lambda parts: _order(next(iter(parts.values())))):
        first = next(iter(parts.values()))
        if first["baseline"] != baseline:
            baseline = first["baseline"]
            rows.append((Cell(f"Baseline: {baseline}", n_columns=len(header)),))
        rows.append(_hub_cells(parts))
    n_hubs = int(own["n_tested"].to_numpy().max())
    caption = f"Share of the plan's {n_hubs:,} hubs in which each claim holds; all three against one baseline"
    badge = model_badge(plan, "radio")
    return [
        Heading("The hub: efficiency, capacity and interference, together", badge, "claims-hub"),
        Table(header, tuple(rows), (LEFT, *(RIGHT,) * 4), caption),
        Text(RESIDUAL, is_note=True),
        Text(_in_words(own), is_note=True),
    ]


def _order(row: dict[str, Any]) -> tuple[bool, str, str]:
    """Return a key that puts the best plan without cancellation first."""
    return not str(row["baseline"]).startswith("planned"), str(row["baseline"]), str(row["claim_id"])


def _in_words(own: pl.DataFrame) -> str:
    """Return the range of the share of hubs in which all three claims hold."""
    every = own.filter(pl.col("claim_id").str.ends_with("-all"))["holds_frac"]
    if not every.len():
        return ""
    low, high = figure(every.min(), "frac"), figure(every.max(), "frac")
    span = low if low == high else f"{low} to {high}"
    return f"All three claims hold at once in {span} of hubs, over every baseline, cancellation and load tested."


def claims_section(plan: Plan, language: str) -> Section | None:
    """Return the claims page; ``None`` where no claim was tested."""
    if TABLE not in plan.tables or not plan.tables[TABLE].height:
        return None
    frame = plan.tables[TABLE]
    blocks = (Text(INTRO), *_published(plan), *_city_blocks(plan, frame), *_hub_blocks(plan, frame))
    return Section("radio-claims", english("radio_claims"), local("radio_claims", language), blocks)
