"""Why to believe it: engines, proofs, checks, what is modelled, assumptions, sources, provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report.blocks import Align, Block, Cell, Heading, Section, Table, Text, Tone
from rahdari.faces.report.words import band, english, figure, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

TOP_ROWS = 8
DIGEST_SHOWN = 12
NOT_SHOWN = {"geometry"}


def _number(row: dict[str, Any], name: str, unit: str) -> str:
    value = row[name]
    return figure(value, unit) if isinstance(value, (int, float)) and not isinstance(value, bool) else figure(value)


def _engine_blocks(plan: Plan, record: dict[str, Any]) -> list[Block]:
    blocks: list[Block] = [Heading(record["title"], f"{record['fidelity']} model"), Text(record["summary"])]
    if record["notes"]:
        blocks.append(Text(" ".join(record["notes"]), is_note=True))
    indicators = plan.indicators.filter(pl.col("engine") == record["name"]).sort("name", "year")
    if indicators.height and record["name"] not in {"access", "economy", "demand"}:
        rows = tuple(
            (
                Cell(row["name"]),
                Cell(str(row["year"])),
                Cell(figure(row["value"], row["unit"])),
                Cell(band(row["value_low"], row["value_high"], row["unit"]) or "–"),
                Cell(row["how_sure"]),
                Cell(row["formula"]),
            )
            for row in indicators.iter_rows(named=True)
        )
        align: tuple[Align, ...] = ("left", "right", "right", "left", "left", "left")
        blocks.append(Table(("Indicator", "Year", "Value", "Range", "How sure", "How it is computed"), rows, align))
    shown = record["report"]
    if shown and shown["table"] in plan.tables and record["name"] != "programme":
        blocks.append(_top_rows(plan, shown["table"], tuple(shown["columns"])))
    return blocks


def _top_rows(plan: Plan, table: str, columns: tuple[str, ...]) -> Table:
    frame, schema = plan.tables[table], plan.reader.schema(table)
    names = [name for name in (columns or frame.columns) if name not in NOT_SHOWN]
    rows = tuple(
        tuple(Cell(_number(row, name, schema.column(name).unit)) for name in names)
        for row in frame.head(TOP_ROWS).iter_rows(named=True)
    )
    align: tuple[Align, ...] = tuple("right" if schema.column(name).is_number else "left" for name in names)
    header = tuple(name.replace("_", " ") for name in names)
    return Table(header, rows, align, f"First rows of {table} ({frame.height:,} in all)", is_long=True)


def engines_section(plan: Plan, language: str) -> Section | None:
    """Return each engine's summary, notes, indicators and first rows."""
    blocks: list[Block] = []
    for record in plan.manifest["engines"]:
        blocks += _engine_blocks(plan, record)
    return Section("engines", english("engines"), local("engines", language), tuple(blocks))


def certificates_section(plan: Plan, language: str) -> Section | None:
    """Return every choice with its cost, proven lower bound and gap."""
    rows = []
    for row in plan.certificates.iter_rows(named=True):
        gap = row["gap_frac"]
        tone: Tone = "plain" if gap is None else "good" if gap <= 0.01 else "fair"  # noqa: PLR2004  # one per cent
        rows.append(
            (
                Cell(row["engine"]),
                Cell(row["name"]),
                Cell(figure(row["cost"], row["unit"])),
                Cell(figure(row["lower_bound"], row["unit"]) if gap is not None else "no bound known"),
                Cell(f"{gap:.3%}" if gap is not None else "–", tone),
                Cell(" ".join(part for part in (row["method"], row["note"]) if part)),
            )
        )
    text = (
        "Wherever something is chosen, the result states its cost, a lower bound that no better choice can undercut, "
        "and the gap between the two. Where no bound is known it says so."
    )
    header = ("Engine", "Choice", "Cost", "Proven lower bound", "Gap", "Method")
    table = Table(header, tuple(rows), ("left", "left", "right", "right", "right", "left"))
    return Section("certificates", english("certificates"), local("certificates", language), (Text(text), table))


def consistency_section(plan: Plan, language: str) -> Section | None:
    """Return the checks across engines."""
    rows = tuple(
        (
            Cell(check["name"]),
            Cell(f"{check['left']}: {figure(check['left_value'], check['unit'])}"),
            Cell(f"{check['right']}: {figure(check['right_value'], check['unit'])}"),
            Cell("kept", "good") if check["is_kept"] else Cell("violated", "bad"),
        )
        for check in plan.manifest["consistency"]
    )
    table = Table(("Check", "One engine says", "Another says", "Result"), rows, ("left", "left", "left", "left"))
    return Section("consistency", english("consistency"), local("consistency", language), (table,))


def synthetic_section(plan: Plan, language: str) -> Section | None:
    """Return how much of every input table is observed, and how much assumed or synthetic."""
    kinds = ("measured", "published", "derived", "assumed", "synthetic")
    rows = []
    for name in plan.reader.names:
        frame = plan.tables[name]
        if "evidence" in frame.columns and frame.height:
            counts = dict(frame["evidence"].value_counts().iter_rows())
            total = frame.height
            cells = [Cell(f"{counts[kind] / total:.0%}" if kind in counts else "") for kind in kinds]
            rows.append((Cell(name), Cell(f"{total:,}"), *cells))
    text = (
        "No open source gives rural settlements, cell sites or fibre routes for most countries. What is not observed "
        "is modelled, sums to the published totals, and is marked on the map. Real files replace any of it: "
        "rahdari data import."
    )
    align: tuple[Align, ...] = ("left", "right", *["right" for _ in kinds])  # type: ignore[assignment]
    table = Table(("Table", "Rows", *kinds), tuple(rows), align)
    return Section("synthetic", english("synthetic"), local("synthetic", language), (Text(text), table))


def assumptions_section(plan: Plan, language: str) -> Section | None:
    """Return the catalogue with its ranges, the targets, and every engine's parameters."""
    blocks: list[Block] = []
    equipment = tuple(
        (
            Cell(row["name"]),
            Cell(str(row["per"]).replace("_", " ")),
            Cell(figure(row["capex_usd"], "usd")),
            Cell(f"{figure(row['capex_low_usd'], 'usd')} to {figure(row['capex_high_usd'], 'usd')}"),
            Cell(figure(row["opex_frac_per_year"], "frac")),
            Cell(figure(row["life_years"], "years")),
            Cell(str(row["source_id"])),
        )
        for row in plan.tables["equipment"].iter_rows(named=True)
    )
    header = ("Equipment", "Per", "Capital", "Range", "Yearly operation", "Life", "Source")
    align: tuple[Align, ...] = ("left", "left", "right", "left", "right", "right", "left")
    blocks.append(Table(header, equipment, align, "Catalogue of equipment", is_long=True))
    changes = plan.manifest["scenario"]["changes"]
    if changes:
        rows = tuple(
            (
                Cell(f"{item['table']}.{item['column']}"),
                Cell(item["key"]),
                Cell(figure(item["value"])),
                Cell(item["reason"]),
            )
            for item in changes
        )
        blocks.append(Table(("Cell", "Row", "Set to", "Why"), rows, ("left", "left", "right", "left"), "Changes"))
    parameters = tuple(
        (Cell(record["name"]), Cell(name.replace("_", " ")), Cell(str(value)))
        for record in plan.manifest["engines"]
        for name, value in record["params"].items()
    )
    caption = "Parameters of the engines; their ranges and sources stand in the documentation"
    blocks.append(Table(("Engine", "Parameter", "Value"), parameters, ("left", "left", "right"), caption, is_long=True))
    return Section("assumptions", english("assumptions"), local("assumptions", language), tuple(blocks))


def sources_section(plan: Plan, language: str) -> Section | None:
    """Return every source with its date and licence."""
    rows = tuple(
        (
            Cell(row["source_id"]),
            Cell(row["title"]),
            Cell(row["publisher"]),
            Cell(str(row["published_on"] or "–")),
            Cell(row["licence"]),
            Cell(row["kind"]),
        )
        for row in plan.tables["sources"].iter_rows(named=True)
    )
    header = ("Id", "Title", "Publisher", "Date", "Licence", "Kind")
    align: tuple[Align, ...] = ("left",) * len(header)
    table = Table(header, rows, align, f"{len(rows)} sources", is_long=True)
    return Section("sources", english("sources"), local("sources", language), (table,))


def provenance_section(plan: Plan, language: str) -> Section | None:
    """Return versions, digests and how to walk any number down to its source."""
    rows = tuple(
        (
            Cell(record["name"]),
            Cell(str(record["version"])),
            Cell(record["fidelity"]),
            Cell(record["code"][:DIGEST_SHOWN]),
            Cell(record["key"][:DIGEST_SHOWN]),
            Cell(f"{record['duration_s']:.1f} s"),
        )
        for record in plan.manifest["engines"]
    )
    header = ("Engine", "Version", "Fidelity", "Code", "Result", "Time")
    align: tuple[Align, ...] = ("left", "right", "left", "left", "left", "right")
    commit = plan.manifest["commit"][:DIGEST_SHOWN] or "an installed release"
    seed = plan.manifest["scenario"]["seed"]
    text = (
        f"Plan {plan.digest[:DIGEST_SHOWN]}, seed {seed}, code at {commit}. The same inputs give the same plan on any "
        "machine. To see what a number was made from: rahdari explain TABLE ID COLUMN."
    )
    blocks = (Text(text), Table(header, rows, align))
    return Section("provenance", english("provenance"), local("provenance", language), blocks)
