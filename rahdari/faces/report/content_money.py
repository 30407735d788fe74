"""At what pace and at what cost: the roll-out against the targets, capital, spending by year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import RIGHT, Align, Block, Cell, Figure, Section, Table, Text
from rahdari.faces.report.content_indicators import COST_KEYS, PACE_KEYS, indicator_table, value_of, years_of
from rahdari.faces.report.figures import ACCENT, INK, SAND, SECOND, WARM, Bar, Line
from rahdari.faces.report.words import CATEGORY_NAMES, MILLION, THOUSAND, english, figure, local

if TYPE_CHECKING:
    from datetime import date

    from rahdari.service.plan_view import Plan

BEFORE, NEW = "before", "new"
PART_COLOURS = {BEFORE: "#9fc7bf", NEW: ACCENT}
ITEM_COLOURS = {
    "capex": SECOND,
    "opex": SAND,
    "replacement": "#7a5195",
    "residual": "#9fc7bf",
    "revenue": ACCENT,
    "subsidy": "#4f8f5b",
    "earning": "#d9c8a0",
    "tax": "#c8553d",
    "loan": "#6ea3b8",
    "interest": "#8a5a44",
    "repaid": "#a3a3a3",
}
ITEM_NAMES = {
    "capex": "Building",
    "opex": "Running",
    "replacement": "Replacing",
    "residual": "Value left at the end",
    "revenue": "Receipts",
    "subsidy": "Support",
    "earning": "Cost of earning",
    "tax": "Tax",
    "loan": "Loan drawn",
    "interest": "Interest",
    "repaid": "Loan repaid",
}
OTHER_COLOUR = "#6b7280"
SUMS = frozenset({"net", "total"})  # items that repeat the others
DAYS_PER_YEAR = 365.25
HOMES_TARGET, SITES_TARGET = "fibre_homes_passed_households", "fibre_sites_frac"


def _year_of(day: date) -> float:
    return day.year + (day.timetuple().tm_yday - 1) / DAYS_PER_YEAR


def _target(plan: Plan, metric: str) -> tuple[float, float] | None:
    """Return value and due date, as a decimal year, of the target for a metric."""
    from datetime import date

    if "targets" not in plan.tables:
        return None
    rows = plan.tables["targets"].filter(pl.col("metric") == metric).sort("due_on")
    return (float(rows["value"][0]), _year_of(date.fromisoformat(rows["due_on"][0]))) if rows.height else None


def _pace_figure(
    plan: Plan, column: str, before: float, goal: tuple[float, float], paces: list[tuple[str, str, str, float | None]]
) -> Figure:
    """Return columns of what is there at each year's end, with lines of required and observed pace.

    A required pace ends at the goal on its due date; an observed one starts at what is there before.
    """
    value, due_year = goal
    added = plan.tables["schedule"].group_by("year").agg(pl.col(column).sum()).sort("year")
    years = added["year"].to_list()
    so_far = [0, *added[column].cum_sum().to_list()]
    labels = ["before", *(str(year) for year in years)]
    points = [
        (label, {BEFORE: before / THOUSAND, NEW: total / THOUSAND}) for label, total in zip(labels, so_far, strict=True)
    ]
    ends = [float(years[0]), *(year + 1.0 for year in years)]
    lines = [Line("the target", INK, "2 4", (value / THOUSAND,) * len(ends))]
    legend = [(PART_COLOURS[BEFORE], "There before"), (PART_COLOURS[NEW], "Planned"), (INK, "Target")]
    for name, colour, kind, pace in paces:
        if pace is None:
            continue
        if kind == "required":
            heights = [min(value, max(before, value - pace * max(0.0, due_year - end))) for end in ends]
        else:
            heights = [before + pace * max(0.0, end - ends[0]) for end in ends]
        lines.append(Line(name, colour, "7 4" if kind == "required" else "", tuple(x / THOUSAND for x in heights)))
        legend.append((colour, name))
    thing = "Households passed by fibre" if column == "n_households_passed" else "Cell sites on fibre"
    title = f"{thing}, end of each year"
    reached = before + so_far[-1]
    caption = (
        f"Target {figure(value)} by {_month(due_year)}; the plan reaches {figure(reached)}. 'Before' is the last "
        f"observation; years are counted at their end; {years[-1]} holds only the months to the due date."
    )
    drawing = figures.stacked_columns(points, PART_COLOURS, "thousand", title, lines)
    return Figure((drawing,), caption, tuple(legend), title)


def _month(year: float) -> str:
    from datetime import date, timedelta

    day = date(int(year), 1, 1) + timedelta(days=round((year - int(year)) * DAYS_PER_YEAR))
    return f"{day:%B %Y}"


def _pace_figures(plan: Plan) -> list[Figure]:
    figures_made = []
    goal, before = _target(plan, HOMES_TARGET), value_of(plan, HOMES_TARGET, at_base=True)
    if goal is not None and before is not None:
        paces = [("Required pace", WARM, "required", value_of(plan, "required_households_per_year"))]
        figures_made.append(_pace_figure(plan, "n_households_passed", before, goal, paces))
    goal, share = _target(plan, SITES_TARGET), value_of(plan, SITES_TARGET, at_base=True)
    today, then = value_of(plan, "cell_sites_count", at_base=True), value_of(plan, "cell_sites_count")
    if goal is not None and share is not None and today is not None and then is not None:
        paces = [
            ("Required pace", WARM, "required", value_of(plan, "required_site_fibre_per_year")),
            ("At last year's pace", OTHER_COLOUR, "observed", value_of(plan, "observed_site_fibre_per_year")),
        ]
        figures_made.append(_pace_figure(plan, "n_sites_fibred", share * today, (goal[0] * then, goal[1]), paces))
    return figures_made


def pace_section(plan: Plan, language: str) -> Section | None:
    """Return the roll-out by year against the required pace, and its indicators."""
    if "schedule" not in plan.tables or not plan.tables["schedule"].height:
        return None
    blocks: list[Block] = list(_pace_figures(plan))
    table = indicator_table(plan, PACE_KEYS, "Pace asked and pace seen")
    if table is not None:
        blocks.append(table)
    return Section("pace", english("pace"), local("pace", language), tuple(blocks))


def _capital_figure(plan: Plan) -> Figure:
    names = ["capex_usd", "capex_low_usd", "capex_high_usd"]
    sums = plan.tables["costs"].sort("district_id", "category").group_by("category").agg(pl.col(names).sum())
    rows = []
    for row in sums.sort("capex_usd", "category", descending=[True, False]).iter_rows(named=True):
        low, high = row["capex_low_usd"], row["capex_high_usd"]
        name = CATEGORY_NAMES.get(row["category"], str(row["category"]).replace("_", " ").capitalize())
        text = f"{row['capex_usd'] / MILLION:,.0f} ({low / MILLION:,.0f} to {high / MILLION:,.0f})"
        rows.append(Bar(name, row["capex_usd"], text, low, high))
    title = "Capital by category, whole country"
    caption = (
        "Million US dollars. Whiskers and brackets: the range of the catalogue's prices, all low or all high together."
    )
    return Figure((figures.bars(rows, title),), caption, (), title)


def _spending_figure(plan: Plan) -> Figure:
    cash = plan.tables["cashflow"].filter(~pl.col("item").is_in(list(SUMS)))
    present = cash.filter(pl.col("amount_usd") != 0)["item"].unique().to_list()
    items = [name for name in ITEM_NAMES if name in present] + sorted(set(present) - set(ITEM_NAMES))
    colours = {name: ITEM_COLOURS.get(name, OTHER_COLOUR) for name in items}
    points = []
    for (year,), group in cash.sort("year", "item").group_by("year", maintain_order=True):
        amounts = dict(group.select("item", "amount_usd").iter_rows())
        points.append((str(year), {name: -amounts.get(name, 0.0) / MILLION for name in items}))
    title = "Spending by year"
    price_year = plan.tables["country"]["price_year"][0]
    caption = (
        f"Million US dollars of {price_year}, not discounted. What comes in, and the value left at the end, stand "
        "below the line."
    )
    legend = tuple((colours[name], ITEM_NAMES.get(name, name.capitalize())) for name in items)
    drawing = figures.stacked_columns(points, colours, "US$ million", title)
    return Figure((drawing,), caption, legend, title)


def _cash_table(plan: Plan) -> Table:
    cash = plan.tables["cashflow"]
    items = sorted(cash["item"].unique().to_list())
    rows = []
    for (year,), group in cash.sort("year").group_by("year", maintain_order=True):
        amounts = dict(group.select("item", "amount_usd").iter_rows())
        discounted = float(group.filter(~pl.col("item").is_in(list(SUMS)))["discounted_usd"].sum())
        cells = [Cell(figure(amounts.get(item) or None, "usd")) for item in items]
        rows.append((Cell(str(year)), *cells, Cell(figure(discounted, "usd"))))
    header = ("Year", *(ITEM_NAMES.get(item, item.capitalize()) for item in items), "All, discounted")
    align: tuple[Align, ...] = (RIGHT,) * len(header)
    return Table(header, tuple(rows), align, "Cash flow: money out is negative", is_long=True)


def cost_section(plan: Plan, language: str) -> Section | None:
    """Return the cost by category with ranges, spending by year and the indicators."""
    if "costs" not in plan.tables:
        return None
    blocks: list[Block] = [_capital_figure(plan)]
    if "cashflow" in plan.tables and plan.tables["cashflow"].height:
        blocks += [_spending_figure(plan), _cash_table(plan)]
    table = indicator_table(plan, COST_KEYS, "Cost in a few figures")
    if table is not None:
        blocks.append(table)
    price_year, target = plan.tables["country"]["price_year"][0], years_of(plan)[1]
    note = (
        f"All money is in US dollars of {price_year}. Ranges come from the catalogue of equipment. Capital is what the "
        f"plan adds up to {target}; what mobile operators spend on the ordinary growth of their radio is not in it."
    )
    blocks.append(Text(note, is_note=True))
    return Section("cost", english("cost"), local("cost", language), tuple(blocks))
