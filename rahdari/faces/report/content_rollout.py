"""Can it be done when it is due, and what binds: dates with their bound, what holds it back, what more would buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import RIGHT, Align, Block, Cell, Figure, Heading, Section, Table, Text
from rahdari.faces.report.content_transit import model_badge
from rahdari.faces.report.figures import INK, SECOND, Bar, Line
from rahdari.faces.report.gantt import KIND_COLOURS, KIND_NAMES
from rahdari.faces.report.rollout_drawing import gantt_of
from rahdari.faces.report.words import english, figure, local
from rahdari.service.rollout import binding_sums, bought_sums

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

MONTHS_PER_YEAR = 12
MILLION = 1e6
NAMES = {
    "civil": "Civil and pole crews", "splice": "Splicers", "install": "Installers", "rig": "Riggers",
    "money": "Money", "arrival": "Material on its way", "permit": "Right of way", "season": "Snow and flood months",
    "precedence": "What must come before", "release": "Dates of release", "nothing": "Nothing",
}  # fmt: skip
WHAT_BINDS = (
    "Months that people wait, priced by what their package takes of each limit: the sum says which limit costs most, "
    "not that lifting it alone would save all of it."
)
NOT_KNOWN = (
    "No public count of crews was found: crews at the start, hiring, norms of work, leave and lead times are assumed, "
    "and stand in the engine's tables. The dates move with them. People may count at home, by the mast and by its "
    "power."
)


def _indicator(plan: Plan, name: str) -> dict[str, Any] | None:
    found = plan.indicators.filter(pl.col("indicator_id") == name)
    return found.row(0, named=True) if found.height else None


def _answer(plan: Plan, first: str, due: str) -> Text:
    late, by_due = (_indicator(plan, name) for name in ("rollout_late_years", "rollout_by_due_frac"))
    end = _indicator(plan, "rollout_end_months")
    if late is None or by_due is None or end is None:
        return Text("The plan has no calendar.")
    soonest = end["value_low"]
    if late["value"] <= 0.0:
        verdict = "With the crews, money and seasons assumed, yes: the calendar ends in time."
    elif late["value_low"] and late["value_low"] > 0.0:
        verdict = "With the crews, money and seasons assumed, no: no calendar ends in time."
    else:
        verdict = "This calendar does not end in time; that none can is not proven."
    return Text(
        f"{verdict} Work runs from {first}, due {due}. The last work ends after {figure(end['value'])} months, and no "
        f"calendar ends before {figure(soonest)}. When due, {figure(by_due['value'], 'frac')} of all people it serves "
        f"are served, and no calendar serves more than {figure(by_due['value_high'], 'frac')}."
    )


def _kind_table(plan: Plan) -> Table:
    rows = []
    calendar = plan.tables["calendar"].join(
        plan.tables["work_packages"].select("package_id", "cost_usd", "due_months"), on="package_id", how="left"
    )
    for kind, name in KIND_NAMES.items():
        group = calendar.filter(pl.col("kind") == kind).sort("end_months", "package_id")
        if not group.height:
            continue
        money = float(group["cost_usd"].sum())
        in_time = float(group.filter(pl.col("end_months") <= pl.col("due_months"))["cost_usd"].sum())
        rows.append(
            (
                Cell(name), Cell(figure(group.height)), Cell(figure(money, "usd")),
                Cell(str(group["ends_on"][-1])[:7]), Cell(figure(in_time / money if money > 0.0 else 1.0, "frac")),
            )
        )  # fmt: skip
    header = ("Work", "Packages", "Money", "Ends", "Done when due")
    return Table(header, tuple(rows), ("left", RIGHT, RIGHT, RIGHT, RIGHT), "When each kind of work ends")


def _served_figure(plan: Plan) -> Figure:
    kinds = [kind for kind in KIND_NAMES if kind in set(plan.tables["calendar"]["kind"].to_list())]
    calendar = plan.tables["calendar"].with_columns(year=pl.col("ends_on").str.slice(0, 4).cast(pl.Int64))
    sums = calendar.sort("package_id").group_by("year", "kind").agg(pl.col("n_people").sum()).sort("year", "kind")
    so_far = dict.fromkeys(kinds, 0.0)
    points = []
    for (year,), group in sums.group_by("year", maintain_order=True):
        for kind, people in group.select("kind", "n_people").iter_rows():
            so_far[kind] += people / MILLION
        points.append((str(year), {kind: value for kind, value in so_far.items() if value > 0.0}))
    total = sum(so_far.values())
    title = "People served better by the end of each year"
    lines = [Line("all", INK, "2 4", (total,) * len(points))]
    legend = tuple((KIND_COLOURS[kind], KIND_NAMES[kind]) for kind in kinds if so_far[kind] > 0.0)
    drawing = figures.stacked_columns(points, dict(KIND_COLOURS), "million", title, lines)
    return Figure((drawing,), "A person may count at home, by the mast and by its power.", legend, title)


def _binding_figure(plan: Plan) -> Figure | None:
    found = [row for row in binding_sums(plan.tables["binding"]) if row["share_frac"] > 0.0]
    if not found:
        return None
    rows = [
        Bar(NAMES.get(row["binds"], row["binds"]), row["waiting_people_months"] / MONTHS_PER_YEAR / MILLION,
            f"{row['share_frac']:.0%}, most in year {row['worst_programme_year']}")
        for row in found
    ]  # fmt: skip
    title = "What binds: million people-years of waiting at shadow prices"
    return Figure((figures.bars(rows, title, SECOND),), WHAT_BINDS, (), title)


def _buys_table(plan: Plan) -> Table | None:
    found = bought_sums(plan.tables["rollout_prices"])
    if not found:
        return None
    rows = tuple(
        (Cell(row["what"].capitalize()), Cell(f"{row['people_months'] / MONTHS_PER_YEAR:,.0f} people-years"))
        for row in found
    )
    caption = "What more would buy, at the margin: waiting saved"
    return Table(("One more", "Saves"), rows, ("left", RIGHT), caption)


def _district_table(plan: Plan) -> Table:
    names = plan.tables["districts"].select("district_id", "name")
    frame = plan.tables["rollout_districts"].join(names, on="district_id", how="left")
    rows = tuple(
        (
            Cell(row["name"]), Cell(figure(row["n_packages"])), Cell(figure(row["cost_usd"], "usd")),
            Cell(row["ends_on"][:7]), Cell(f"{row['late_months']:,.0f}"), Cell(figure(row["by_due_frac"], "frac")),
            Cell(NAMES.get(row["binds"], row["binds"])),
        )
        for row in frame.sort("end_months", "district_id", descending=[True, False]).iter_rows(named=True)
    )  # fmt: skip
    header = ("District", "Packages", "Money", "Ends", "Months late", "Served when due", "Bound by")
    align: tuple[Align, ...] = ("left", *(RIGHT,) * 5, "left")
    return Table(header, rows, align, f"All {frame.height} districts, the latest first", is_long=True)


def _gantt_figure(plan: Plan) -> Figure:
    title = "Calendar by region"
    regions = plan.tables["districts"].select("district_id", "region")
    drawing = gantt_of(plan.tables["calendar"], regions, plan.tables["rollout_districts"], _first_day(plan))
    return Figure((drawing,), "First to last month of each kind of work; dashed: the due date.", (), title)


def _first_day(plan: Plan) -> str:
    """Return the programme's first day: months before the first start."""
    row = plan.tables["calendar"].sort("start_months", "package_id").row(0, named=True)
    year, month = (int(part) for part in row["starts_on"].split("-")[:2])
    total = year * MONTHS_PER_YEAR + month - 1 - int(row["start_months"])
    return f"{total // MONTHS_PER_YEAR}-{total % MONTHS_PER_YEAR + 1:02d}-01"


def _due_day(plan: Plan) -> str:
    year, month = (int(part) for part in _first_day(plan).split("-")[:2])
    total = year * MONTHS_PER_YEAR + month - 1 + int(plan.tables["rollout_districts"]["due_months"][0]) - 1
    return f"{total // MONTHS_PER_YEAR}-{total % MONTHS_PER_YEAR + 1:02d}"


def rollout_section(plan: Plan, language: str) -> Section | None:
    """Return the answer page of the roll-out; ``None`` where the plan has no calendar."""
    needed = ("calendar", "work_packages", "binding", "rollout_prices", "rollout_districts")
    if any(name not in plan.tables for name in needed) or not plan.tables["calendar"].height:
        return None
    proof = plan.certificates.filter((pl.col("engine") == "rollout") & pl.col("name").str.contains("waiting"))
    gap = float(proof["gap_frac"][0]) if proof.height else None
    blocks: list[Block | None] = [
        Heading("Can it be done when due?", model_badge(plan, "rollout"), "rollout-answer"),
        _answer(plan, _first_day(plan)[:7], _due_day(plan)),
        _kind_table(plan),
        _served_figure(plan),
        None if gap is None else Text(
            f"The calendar's waiting lies at most {gap:.1%} above the least that any calendar could have."
        ),
        Heading("What binds, and what more would buy", "", "rollout-binds"),
        _binding_figure(plan),
        _buys_table(plan),
        Heading("Where and when", "", "rollout-calendar"),
        _gantt_figure(plan),
        _district_table(plan),
        Text(NOT_KNOWN, is_note=True),
    ]  # fmt: skip
    present = tuple(block for block in blocks if block is not None)
    return Section("roll-out", english("rollout"), local("rollout", language), present)
