"""Why to believe it: engines, proofs, checks, what is modelled, assumptions, sources, provenance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import LEFT, RIGHT, Align, Block, Cell, Figure, Heading, Section, Table, Text, Tone
from rahdari.faces.report.content_indicators import engine_indicator_ids, indicator_table
from rahdari.faces.report.content_programme import fact_anchor, source_anchor
from rahdari.faces.report.figures import Bar
from rahdari.faces.report.words import (
    TECHNOLOGY_NAMES,
    UNIT_NAMES,
    band,
    english,
    figure,
    local,
    plain_unit,
    technologies_named,
)
from rahdari.units import unit_of

if TYPE_CHECKING:
    from rahdari.schema import Column
    from rahdari.service.plan_view import Plan

TOP_ROWS = 8
SHORT_FORMS = {"it": "IT", "4g": "4G", "5g": "5G", "capex": "capital", "opex": "operation", "rtt": "round trip"}
NAMED_BY = {"place_id": "places", "district_id": "districts", "landmark_id": "landmarks"}
DIGEST_SHOWN = 12
EXACT_FRAC = 1e-9  # below it the gap is rounding of the arithmetic
CLOSE_FRAC = 0.01
GAP_POWERS = (-6, -1)
GAP_NAMES = {-6: "proven best", -4: "0.01 %", -2: "1 %", -1: "10 %"}
EVIDENCE_COLOURS = {
    "measured": "#0f766e", "published": "#4f9d8f", "derived": "#8fb3dd", "assumed": "#e0b04a", "synthetic": "#c8553d",
}  # fmt: skip
OBSERVED = ("measured", "published", "derived")


def _title(name: str) -> str:
    words = [SHORT_FORMS.get(word, word) for word in name.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _column_title(column: Column) -> str:
    """Return a column's name in words without its unit, which stands beside each number."""
    name = column.name
    unit = unit_of(name) if column.is_number else None
    if unit and name != unit and not name.startswith("n_"):
        name = name[: -len(unit) - 1]
    for prefix in ("n_", "is_", "has_"):
        name = name.removeprefix(prefix)
    return _title(name.removesuffix("_id"))


def _names(plan: Plan, column: Column) -> dict[str, str]:
    """Return the names of the rows that a column points at, where they are people's names for places."""
    if column.name not in NAMED_BY or NAMED_BY[column.name] not in plan.tables:
        return {}
    return dict(plan.tables[NAMED_BY[column.name]].select(column.name, "name").iter_rows())


def _value(column: Column, value: object) -> str:
    if column.name == "technology":
        return TECHNOLOGY_NAMES.get(str(value), str(value))
    if column.name == "year":
        return str(value)
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return technologies_named(figure(value))
    return figure(value, "" if column.name.startswith("n_") else column.unit)


def _engine_blocks(plan: Plan, record: dict[str, Any]) -> list[Block]:
    """Return an engine's summary, notes, the indicators that no section before shows, and first rows."""
    anchor = "" if record["name"] == "programme" else record["name"]
    blocks: list[Block] = [Heading(record["title"], f"{record['fidelity']} model", anchor), Text(record["summary"])]
    if record["notes"]:
        blocks.append(Text(" ".join(record["notes"]), is_note=True))
    indicators = indicator_table(plan, engine_indicator_ids(plan, record["name"]))
    if indicators is not None:
        blocks.append(indicators)
    shown = record["report"]
    if shown and shown["table"] in plan.tables and record["name"] != "programme":
        blocks.append(_top_rows(plan, shown["table"], tuple(shown["columns"])))
    return blocks


def _top_rows(plan: Plan, table: str, columns: tuple[str, ...]) -> Table:
    frame, schema = plan.tables[table], plan.reader.schema(table)
    names = [name for name in (columns or frame.columns) if schema.column(name).kind != "geometry"]
    shown = [schema.column(name) for name in names]
    known = {column.name: _names(plan, column) for column in shown}
    rows = tuple(
        tuple(Cell(known[column.name].get(row[column.name]) or _value(column, row[column.name])) for column in shown)
        for row in frame.head(TOP_ROWS).iter_rows(named=True)
    )
    align: tuple[Align, ...] = tuple("right" if column.is_number else "left" for column in shown)
    header = tuple(_column_title(column) for column in shown)
    caption = f"Table {table}: first {min(TOP_ROWS, frame.height)} of {frame.height:,} rows"
    return Table(header, rows, align, caption, is_long=True)


def engines_section(plan: Plan, language: str) -> Section | None:
    """Return each engine's summary, notes, indicators and first rows."""
    text = (
        "Each engine answers one question. What it was given, what it leaves out and every figure that no section "
        "above shows stand here; parameters stand under the assumptions."
    )
    blocks: list[Block] = [Text(text)]
    for record in sorted(plan.manifest["engines"], key=lambda record: str(record["title"])):
        blocks += _engine_blocks(plan, record)
    return Section("engines", english("engines"), local("engines", language), tuple(blocks))


def _gap_figure(rows: list[dict[str, Any]]) -> Figure:
    dots = [
        Bar(_choice(row), row["gap_frac"], f"{_gap(row['gap_frac'])}; {row['engine']}")
        for row in rows
        if row["gap_frac"] is not None
    ]
    title = "Gap between what was chosen and the proven bound"
    drawing = figures.log_dots(dots, GAP_POWERS, 10.0 ** GAP_POWERS[0], GAP_NAMES, title)
    caption = "A dot at the left edge is proven best, to the rounding of the arithmetic."
    return Figure((drawing,), caption, (), title)


def _choice(row: dict[str, Any]) -> str:
    name = str(row["name"])
    return _title(name) if "_" in name else name


def _gap(gap_frac: float) -> str:
    return "none: proven best" if gap_frac <= EXACT_FRAC else f"{gap_frac * 100:.3f} %"


def _with_unit(value: float, unit: str) -> Cell:
    """Return a figure in whole units, so that a small gap shows, with a long unit below it."""
    whole = f"{value:,.0f}"
    if plain_unit(unit) == "usd":
        return Cell(f"US$ {whole}")
    return Cell(whole, second=unit) if " " in unit else Cell(f"{whole} {UNIT_NAMES.get(unit, unit)}")


def certificates_section(plan: Plan, language: str) -> Section | None:
    """Return every choice with its cost, proven lower bound and gap."""
    certificates = list(plan.certificates.iter_rows(named=True))
    if not certificates:
        return None
    rows = []
    for row in certificates:
        gap = row["gap_frac"]
        tone: Tone = "plain" if gap is None else "good" if gap <= CLOSE_FRAC else "fair"
        rows.append(
            (
                Cell(_choice(row), second=row["engine"]),
                _with_unit(row["cost"], row["unit"]),
                _with_unit(row["lower_bound"], row["unit"]) if gap is not None else Cell("no bound known"),
                Cell(_gap(gap) if gap is not None else "–", tone),
                Cell(row["method"], second=row["note"]),
            )
        )
    text = (
        "Wherever something is chosen, the result states its cost, a lower bound that no better choice can undercut, "
        "and the gap between the two. Where no bound is known it says so."
    )
    header = ("Choice and engine", "Cost", "Proven lower bound", "Gap", "Method")
    table = Table(header, tuple(rows), ("left", "right", "right", "left", "left"))
    blocks = (Text(text), _gap_figure(certificates), table)
    return Section("certificates", english("certificates"), local("certificates", language), blocks)


def consistency_section(plan: Plan, language: str) -> Section | None:
    """Return the checks across engines."""
    rows = tuple(
        (
            Cell(check["name"]),
            replace(_with_unit(check["left_value"], check["unit"]), second=f"table {check['left']}"),
            replace(_with_unit(check["right_value"], check["unit"]), second=f"table {check['right']}"),
            Cell("kept", "good") if check["is_kept"] else Cell("violated", "bad"),
        )
        for check in plan.manifest["consistency"]
    )
    text = "The same quantity is read from two tables that different parts of the code made; they must agree."
    table = Table(("Check", "One says", "Another says", "Result"), rows, ("left", "right", "right", "left"))
    return Section("consistency", english("consistency"), local("consistency", language), (Text(text), table))


def evidence_counts(plan: Plan) -> dict[str, dict[str, int]]:
    """Return, for every table of facts, how many rows are of each kind of evidence."""
    counts = {}
    for name in plan.reader.names:
        if "evidence" in plan.reader.schema(name).names and plan.tables[name].height:
            counts[name] = dict(plan.tables[name]["evidence"].value_counts().sort("evidence").iter_rows())
    return counts


def synthetic_section(plan: Plan, language: str) -> Section | None:
    """Return how much of every input table is observed, and how much assumed or synthetic."""
    counts = evidence_counts(plan)

    def modelled(name: str) -> float:
        return 1 - sum(counts[name].get(kind, 0) for kind in OBSERVED) / sum(counts[name].values())

    names = sorted(counts, key=lambda name: (-modelled(name), name))
    rows = tuple(
        (
            Cell(_title(name)),
            Cell(f"{sum(counts[name].values()):,}"),
            *(Cell(f"{counts[name][kind]:,}" if kind in counts[name] else "") for kind in EVIDENCE_COLOURS),
        )
        for name in names
    )
    title = "What each table of facts rests on, share of rows"
    parts = [
        (_title(name), {kind: float(counts[name].get(kind, 0)) for kind in EVIDENCE_COLOURS})
        for name in names
        if modelled(name) > 0
    ]
    caption = (
        "Measured: counted or sensed. Published: stated by a named publisher. Derived: computed from such. "
        "Assumed: set by judgement, with a range. Synthetic: made by a model where nothing is published. Tables not "
        "drawn hold neither assumed nor synthetic rows."
    )
    legend = tuple((colour, kind.capitalize()) for kind, colour in EVIDENCE_COLOURS.items())
    text = (
        "No open source gives rural settlements, cell sites or fibre routes for most countries. What is not observed "
        "is modelled, sums to the published totals, and is marked on the map. Real files replace any of it: "
        "rahdari data import."
    )
    align: tuple[Align, ...] = (LEFT, *((RIGHT,) * (1 + len(EVIDENCE_COLOURS))))
    header = ("Table", "Rows", *(kind.capitalize() for kind in EVIDENCE_COLOURS))
    blocks = (
        Text(text),
        Figure((figures.stacked_bars(parts, EVIDENCE_COLOURS, title),), caption, legend, title),
        Table(header, rows, align, f"All {len(rows)} tables of facts, rows by evidence", is_long=True),
    )
    return Section("synthetic", english("synthetic"), local("synthetic", language), blocks)


def assumptions_section(plan: Plan, language: str) -> Section | None:
    """Return the catalogue with its ranges, the targets, and every engine's parameters."""
    text = (
        "Prices carry the range of their sources; the cost section shows what the range does to the sum. Every engine "
        "runs with the parameters listed, whose limits and sources stand in the documentation."
    )
    blocks: list[Block] = [Text(text)]
    equipment = tuple(
        (
            Cell(row["name"]),
            Cell(str(row["per"]).replace("_", " ")),
            Cell(figure(row["capex_usd"], "usd")),
            Cell(band(row["capex_low_usd"], row["capex_high_usd"], "usd") or "–"),
            Cell(figure(row["opex_frac_per_year"], "frac")),
            Cell(figure(row["life_years"], "years")),
            Cell(str(row["source_id"]), links=(("source", source_anchor(str(row["source_id"]))),)),
        )
        for row in plan.tables["equipment"].iter_rows(named=True)
    )
    header = ("Equipment", "Per", "Capital", "Range", "Yearly operation", "Life", "Source")
    align: tuple[Align, ...] = ("left", "left", "right", "left", "right", "right", "left")
    blocks.append(Table(header, equipment, align, f"Catalogue of equipment, {len(equipment)} rows", is_long=True))
    if "targets" in plan.tables and plan.tables["targets"].height:
        blocks.append(_targets_table(plan))
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
        blocks.append(
            Table(
                ("Cell", "Row", "Set to", "Why"),
                rows,
                ("left", "left", "right", "left"),
                "Changes that the scenario makes",
            )
        )
    parameters = tuple(
        (Cell(record["title"]), Cell(name), Cell(figure(value) if isinstance(value, bool) else str(value)))
        for record in plan.manifest["engines"]
        for name, value in record["params"].items()
    )
    caption = f"Parameters of the engines, {len(parameters)} rows"
    blocks.append(Table(("Engine", "Parameter", "Value"), parameters, ("left", "left", "right"), caption, is_long=True))
    return Section("assumptions", english("assumptions"), local("assumptions", language), tuple(blocks))


def _targets_table(plan: Plan) -> Table:
    rows = tuple(
        (
            Cell(_title(row["metric"].removesuffix(f"_{row['unit']}"))),
            Cell(figure(row["value"], row["unit"])),
            Cell(f"{row['starts_on']} to {row['due_on']}"),
            Cell(str(row["source_id"]), links=(("source", source_anchor(str(row["source_id"]))),)),
        )
        for row in plan.tables["targets"].sort("metric", "due_on").iter_rows(named=True)
    )
    header = ("Target", "Value", "From and until", "Source")
    return Table(header, rows, ("left", "right", "left", "left"), "Targets that the plan is held to")


def _facts_table(plan: Plan) -> Table:
    rows = tuple(
        (
            Cell(str(row["metric"]).capitalize(), anchor=fact_anchor(row["fact_id"])),
            Cell(str(row["period"])),
            Cell(figure(row["value"], row["unit"]), second=band(row["value_low"], row["value_high"], row["unit"])),
            Cell(str(row["evidence"])),
            Cell(str(row["source_id"]), links=(("source", source_anchor(str(row["source_id"]))),)),
        )
        for row in plan.tables["facts"].sort("metric", "period", "fact_id").iter_rows(named=True)
    )
    header = ("Published figure", "Period", "Value", "Evidence", "Source")
    align: tuple[Align, ...] = ("left", "left", "right", "left", "left")
    return Table(header, rows, align, f"{len(rows)} published figures that claims and inputs rest on", is_long=True)


def sources_section(plan: Plan, language: str) -> Section | None:
    """Return every source with its date and licence, and the published figures taken from them."""
    rows = tuple(
        (
            Cell(str(row["title"]), second=str(row["note"] or ""), anchor=source_anchor(str(row["source_id"]))),
            Cell(str(row["publisher"]), second=str(row["locator"] or "")),
            Cell(str(row["published_on"] or "–")),
            Cell(str(row["licence"])),
            Cell(str(row["source_id"])),
        )
        for row in plan.tables["sources"].sort("title", "source_id").iter_rows(named=True)
    )
    header = ("Title", "Publisher", "Date", "Licence", "Name in the tables")
    align: tuple[Align, ...] = (LEFT,) * len(header)
    blocks: list[Block] = [Table(header, rows, align, f"{len(rows)} sources", is_long=True)]
    if "facts" in plan.tables and plan.tables["facts"].height:
        blocks.append(_facts_table(plan))
    return Section("sources", english("sources"), local("sources", language), tuple(blocks))


def provenance_section(plan: Plan, language: str) -> Section | None:
    """Return versions, digests and how to walk any number down to its source."""
    rows = tuple(
        (
            Cell(record["title"]),
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
