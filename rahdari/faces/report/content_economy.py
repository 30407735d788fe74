"""Who pays and what it returns, the scoreboard of the five Es and corridors, suppliers and people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import LEFT, RIGHT, Align, Block, Cell, Figure, Section, Table, Text
from rahdari.faces.report.content_indicators import PEOPLE_KEYS, RETURN_KEYS, indicator_table, years_of
from rahdari.faces.report.figures import ACCENT, SECOND, Bar, Mark, MarkRow
from rahdari.faces.report.words import MILLION, amount, band, english, figure, local
from rahdari.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.service.plan_view import Plan

VIEW_NAMES = {
    "exports": "Exports", "e_pakistan": "Digital country", "environment": "Environment", "energy": "Energy",
    "equity": "Equity", "growth": "Growth corridor", "livelihood": "Livelihood corridor",
    "innovation": "Innovation corridor", "green": "Green corridor", "open": "Open corridor",
}  # fmt: skip
PARTIES = {"buyers_of_what_is_left": "buyers of what is left", "subsidy_fund": "support fund"}
N_TORNADO = 8
NOT_COUNTED = (
    "Revenue is that of new customers alone; what better mobile keeps is not in it, so support is on the high side. "
    "Each district is its own taxpayer. Value is that of the first year at the operator's cost of capital."
)
LETTERS = (
    "Vendors are letters with assumed shares: none are published, and nothing here ranks a company or a country. "
    "Chips' shares of prices are assumed too."
)


def _table(header: tuple[str, ...], rows: Sequence[tuple[Cell, ...]], caption: str, *, is_long: bool = False) -> Table:
    align: tuple[Align, ...] = (LEFT, *(RIGHT,) * (len(header) - 1))
    return Table(header, tuple(rows), align, caption, is_long)


def _payers(plan: Plan) -> Table:
    cash = plan.tables["cashflow"].sort("year", "item")
    sums = cash.group_by("item", "payer", "payee", maintain_order=True).agg(
        pl.col("amount_usd", "discounted_usd").sum()
    )
    rows = [
        (
            Cell(row["item"].capitalize()),
            Cell(PARTIES.get(row["payer"], row["payer"])),
            Cell(PARTIES.get(row["payee"], row["payee"])),
            Cell(figure(row["amount_usd"], "usd")),
            Cell(figure(row["discounted_usd"], "usd")),
        )
        for row in sums.sort("item").iter_rows(named=True)
    ]
    header = ("Money", "From", "To", "Whole horizon", "Discounted")
    align: tuple[Align, ...] = (LEFT, LEFT, LEFT, RIGHT, RIGHT)
    return Table(header, tuple(rows), align, "Who pays whom, as the operator sees it, with the least support")


def _lots(plan: Plan) -> Table:
    lots, let = plan.tables["subsidy_lots"], plan.tables["let_lots"]
    rows = []
    for kind, column, beside in (
        ("fibre", "subsidy_usd_per_km", "beside_fibre_lots"),
        ("mobile", "subsidy_per_person_usd", "beside_mobile_lots"),
    ):
        each, asked = (
            let.filter(pl.col("kind") == kind)["per_unit_usd"].to_list(),
            lots.filter(pl.col(beside) != "none"),
        )
        if not each or not asked.height:
            continue
        counts = dict(asked.group_by(beside).len().iter_rows())
        words = ", ".join(f"{counts[name]} {name}" for name in ("below", "within", "above") if name in counts)
        unit = "for a km" if kind == "fibre" else "for a person"
        rows.append((
            Cell(f"{kind.capitalize()}, {unit}"), Cell(f"{min(each):,.0f} to {max(each):,.0f}"),
            Cell(f"{float(np.median(asked[column].to_numpy())):,.0f}"), Cell(words),
        ))  # fmt: skip
    header = ("Support, US dollars", "Lots let", "Districts, median", "Districts beside the lots let")
    return _table(header, rows, "Least support beside what the universal-service fund has paid")


def _tornado(plan: Plan) -> Figure | None:
    rows = plan.tables["tornado"].filter(pl.col("output") == "least_support_usd")
    rows = rows.sort("swing_value", "parameter", descending=[True, False]).head(N_TORNADO)
    if not rows.height:
        return None
    marks = [
        MarkRow(
            str(row["parameter"]).removesuffix("_frac_per_year").removesuffix("_usd_per_month").replace("_", " "),
            f"{row['low_value']:.3g} to {row['high_value']:.3g}",
            (Mark(row["at_base_value"] / MILLION, ACCENT, *sorted((row["at_low_value"] / MILLION, row["at_high_value"]
                                                                   / MILLION))),),
        )
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    most = max(mark.marks[0].high or 0.0 for mark in marks)
    step = figures.nice_step(most)
    ticks = {i * step: f"{i * step:,.0f}" for i in range(int(-(-most // step)) + 1)}
    title = "Least support when one thing alone moves, US$ million"
    drawing = figures.mark_rows(marks, ticks, "US$ million", title, is_log=False)
    caption = "Each from the tenth to the ninetieth percentile of its range, all others at their middles."
    return Figure((drawing,), caption, ((ACCENT, "middle, with both ends"),), title)


def _hindcast(plan: Plan) -> Table | None:
    rows = [
        (
            Cell(str(row["series"])), Cell(figure(row["observed_value"])), Cell(figure(row["predicted_value"])),
            Cell(f"{row['low_value']:,.3g} to {row['high_value']:,.3g}"), Cell(f"{row['error_value']:+.1%}"),
            Cell("yes" if row["is_in_band"] else "no", "good" if row["is_in_band"] else "fair"),
        )
        for row in plan.tables["hindcast"].sort("series").iter_rows(named=True)
    ]  # fmt: skip
    header = ("Series", "Published", "Predicted", "Band", "Miss", "In the band")
    return _table(header, rows, "Fitted to the past alone, and the last published value") if rows else None


def money_section(plan: Plan, language: str) -> Section | None:
    """Return who pays, value and return, support beside the lots let, what moves it, and the hindcast."""
    if "subsidy_lots" not in plan.tables:
        return None
    table = indicator_table(plan, RETURN_KEYS, "Value, return and unit costs")
    found = (table, _payers(plan), _lots(plan), _tornado(plan), _hindcast(plan), Text(NOT_COUNTED, is_note=True))
    blocks: tuple[Block, ...] = tuple(block for block in found if block is not None)
    return Section("money", english("money"), local("money", language), blocks)


def _course(plan: Plan, indicator_id: str) -> list[dict[str, Any]]:
    """Return year, value, low and high of an indicator, by year: its course, or what engines say of single years."""
    course = plan.tables["indicator_years"].filter(pl.col("indicator_id") == indicator_id).sort("year")
    if course.height:
        names = {"p50_value": "value", "p10_value": "low", "p90_value": "high"}
        return course.select("year", "name", *names).rename(names).to_dicts()
    said = plan.indicators.filter(pl.col("indicator_id") == indicator_id).sort("year")
    return said.select("year", "name", "value", low="value_low", high="value_high").to_dicts()


def _value_cell(row: dict[str, Any] | None, unit: str) -> Cell:
    if row is None:
        return Cell("")
    return Cell(amount(row["value"], unit), second=band(row["low"], row["high"], unit))


def scoreboard_section(plan: Plan, language: str) -> Section | None:
    """Return the ten views, each with its indicators at the base, the target and the last year of their courses."""
    if "goal_views" not in plan.tables:
        return None
    years = years_of(plan)
    last = plan.tables["indicator_years"]["year"].max()
    columns = tuple(dict.fromkeys((*years, last)))
    rows: list[tuple[Cell, ...]] = []
    views = plan.tables["goal_views"]
    for view, name in VIEW_NAMES.items():
        told = []
        for row in views.filter(pl.col("view") == view).sort("indicator_id").iter_rows(named=True):
            course = _course(plan, row["indicator_id"])
            if course:
                unit = unit_of(row["indicator_id"]) or ""
                at = {each["year"]: each for each in course}
                cells = (_value_cell(at.get(year), unit) for year in columns)
                told.append((Cell(course[-1]["name"], second=row["why"]), *cells))
        if told:
            rows += [(Cell(name, n_columns=len(columns) + 1),), *told]
    if not rows:
        return None
    table = _table(("Indicator", *map(str, columns)), rows, "Five Es and five corridors: views on the same indicators")
    note = Text(
        "Bands are tenth to ninetieth percentiles: of draws of the economy, of the fit of a series, or of building in "
        "time or late. The choice of indicators for each word is ours; the words are the programme's.",
        is_note=True,
    )
    return Section("scoreboard", english("scoreboard"), local("scoreboard", language), (table, note))


def _losses(plan: Plan) -> Table:
    rows = [
        (
            Cell(f"Vendor {row['vendor_id']}"), Cell(f"{row['cost_frac']:.0%}"),
            Cell(f"{row['customers_frac']:.0%}",
                 second=f"{row['customers_low_frac']:.0%} to {row['customers_high_frac']:.0%}"),
            Cell(figure(row["exceeds_usd"], "usd")), Cell(f"{row['replaced_after_months']:g}"),
            Cell(figure(row["waiting_people"], "people"), second=f"{row['late_months']:g} months"),
        )
        for row in plan.tables["vendor_loss"].sort("vendor_id").iter_rows(named=True)
    ]  # fmt: skip
    header = ("Loss of", "Of the bill", "People who depend on it", "Dearer by", "Months to replace",
              "People who wait for a late shipment")  # fmt: skip
    return _table(header, rows, "What the loss of a vendor, or one late shipment of it, would take")


def _concentration(plan: Plan) -> Table:
    found = plan.tables["supply_concentration"].filter(pl.col("category") == "all").sort("by")
    rows = [
        (
            Cell(str(row["by"]).replace("_", " ").capitalize()), Cell(str(row["n_suppliers"])),
            Cell(f"{row['hhi_cost_ratio']:.2f}"), Cell(f"{row['hhi_customers_ratio']:.2f}"),
            Cell(f"{row['effective_suppliers_count']:.1f}"),
        )
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
    header = ("Counted by", "Suppliers", "HHI of money", "HHI of customers", "Effective suppliers")
    return _table(header, rows, "How concentrated the bill is")


def _second(plan: Plan) -> Table:
    rows = [
        (
            Cell(str(row["category"])), Cell(figure(row["cost_usd"], "usd")),
            Cell(f"{row['effective_before_count']:.1f} to {row['effective_after_count']:.1f}"),
            Cell(f"{row['spared_frac']:.1%}"),
        )
        for row in plan.tables["second_source"].sort("category").iter_rows(named=True)
    ]  # fmt: skip
    header = ("Second source of", "Costs", "Effective suppliers", "People spared by the loss of the largest")
    return _table(header, rows, "What a second source costs and buys", is_long=True)


def _people_figure(plan: Plan) -> Figure:
    rows = []
    talent = plan.tables["talent"].sort("year", "programme")
    for row in talent.filter(pl.col("year").is_in(years_of(plan))).iter_rows(named=True):
        name = "with training" if row["programme"] == "training" else "as it is"
        ready = row["export_ready_people"]
        rows.append(Bar(f"{row['year']}, {name}", ready, figure(ready, "people")))
    title = "People in export work at the end of the year"
    caption = "Stock and flow: graduates, courses, and those who go abroad, elsewhere or retire. Shares are assumed."
    return Figure((figures.bars(rows, title, SECOND),), caption, (), title)


def supply_section(plan: Plan, language: str) -> Section | None:
    """Return concentration, the loss of a vendor, second sources, and the people of the trade."""
    if "vendor_loss" not in plan.tables:
        return None
    table = indicator_table(plan, PEOPLE_KEYS, "People of the trade")
    found = (
        _concentration(plan), _losses(plan), _second(plan), Text(LETTERS, is_note=True), _people_figure(plan), table,
    )  # fmt: skip
    blocks: tuple[Block, ...] = tuple(block for block in found if block is not None)
    return Section("supply", english("supply"), local("supply", language), blocks)
