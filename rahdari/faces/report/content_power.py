"""Power of sites: dark hours by class, what the programme's money buys, designs with their bound and sensitivities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.engines.power.programme import NAMES
from rahdari.faces.report import figures
from rahdari.faces.report.blocks import RIGHT, Block, Cell, Figure, Heading, Section, Table, Text
from rahdari.faces.report.content_transit import model_badge
from rahdari.faces.report.figures import ACCENT, Bar, Mark, MarkRow, nice_step
from rahdari.faces.report.words import english, figure, local
from rahdari.service.power import curve_of

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

MILLION = 1e6
BILLION = 1e9
BOUND = "#c2410c"
BOTH_BASES = (
    "Exposed sites stand on the grid without a generator. The published 21,000 at 42 % imply a base of 50,000 sites, "
    "against 58,423 cell sites: both are shown, and the share is an input."
)
NOT_KNOWN = (
    "Which feeder a site hangs on is drawn, so one site's figure is one draw while classes and sums are steady. People "
    "behind a site are counted as if no neighbour took over. Prices of batteries and generators are assumed: ask for "
    "quotes."
)
RANGES = (("diesel", "Diesel"), ("tariff", "Tariff"), ("pv", "Panels"), ("battery", "Batteries"))


def _value(plan: Plan, indicator_id: str) -> float | None:
    found = plan.indicators.filter(pl.col("indicator_id") == indicator_id)
    return float(found["value"][0]) if found.height else None


def _bases(plan: Plan) -> Table:
    rows = []
    for name, indicator_id in (
        ("This plan's cell sites", "sites_exposed_sites"),
        ("Base that the published figures imply", "sites_exposed_published_base_sites"),
    ):
        rows.append((Cell(name), Cell(figure(_value(plan, indicator_id)))))
    return Table(("Base", "Exposed sites"), tuple(rows), ("left", RIGHT), "Exposed sites on both bases")


def _short(name: str) -> str:
    """Return a class's name as short as a plot's margin."""
    return name.removeprefix("tower, ").replace(" without supply a day", " a day off")


def _dark_figure(classes: pl.DataFrame) -> Figure:
    rows = [
        Bar(_short(row["name"]), row["today_dark_h_per_year"], figure(row["today_dark_h_per_year"], "h_per_year"))
        for row in classes.iter_rows(named=True)
    ]
    title = "Dark hours a year of a tower today, by what its feeder sheds"
    return Figure((figures.bars(rows, title),), "Hourly simulation of every site; mean over the class.", (), title)


def _curve_figure(built: pl.DataFrame) -> Figure:
    rows = [
        Bar(
            f"US$ {point.cumulative_usd / MILLION:,.0f} million, {point.n_sites:,} sites",
            point.cumulative_people_h_per_year / MILLION,
            f"{point.cumulative_people_h_per_year / BILLION:,.1f} billion",
        )
        for point in curve_of(built)
    ]
    title = "What the money buys: people-hours of service a year gained, first money first"
    return Figure((figures.bars(rows, title),), "Sites in the programme's order.", (), title)


def _years_table(built: pl.DataFrame) -> Table:
    rows = []
    for (year,), group in built.sort("year", "step").group_by("year", maintain_order=True):
        counts = group.group_by("option_id").len().sort("option_id").iter_rows()
        what = "; ".join(f"{n:,} x {NAMES.get(name, name)}" for name, n in counts)
        rows.append(
            (
                Cell(str(year)),
                Cell(figure(group.height)),
                Cell(what),
                Cell(figure(float(group["cost_usd"].sum()), "usd")),
                Cell(f"{float(group['gain_people_h_per_year'].sum()) / MILLION:,.0f} million"),
            )
        )
    header = ("Year", "Sites", "What is added", "Money", "People-hours gained a year")
    return Table(header, tuple(rows), ("left", RIGHT, "left", RIGHT, RIGHT), "The programme by year")


def _proof(plan: Plan) -> Text | None:
    found = plan.certificates.filter((pl.col("engine") == "power") & (pl.col("name") == "hardening"))
    return Text(str(found["note"][0]).capitalize() + ".") if found.height else None


def _cost_figure(classes: pl.DataFrame) -> Figure:
    rows = [
        MarkRow(
            row["name"],
            "",
            (
                Mark(row["bound_usd_per_year"], BOUND, is_diamond=True),
                Mark(row["cost_usd_per_year"], ACCENT, row["diesel_low_usd_per_year"], row["diesel_high_usd_per_year"]),
            ),
        )
        for row in classes.iter_rows(named=True)
    ]
    most = max(max(row.marks[1].value, row.marks[1].high or 0.0) for row in rows)
    step = nice_step(most)
    ticks = {index * step: f"{index * step:,.0f}" for index in range(int(-(-most // step)) + 1)}
    title = "Yearly cost of the least costly design, and the proven least"
    drawing = figures.mark_rows(rows, ticks, "US dollars a year", title, is_log=False)
    legend = ((ACCENT, "design, simulated with its controller"), (BOUND, "no design costs less"))
    return Figure((drawing,), "Bars: diesel at half and at one and a half times its price.", legend, title)


def _swing(row: dict[str, Any], name: str) -> str:
    low, high = (row[f"{name}_{end}_usd_per_year"] / row["cost_usd_per_year"] - 1.0 for end in ("low", "high"))
    return f"{low:+.0%} to {high:+.0%}"


def _design_table(classes: pl.DataFrame) -> Table:
    rows = []
    for row in classes.iter_rows(named=True):
        years = row["payback_years"]
        rows.append(
            (
                Cell(row["name"], second=f"{row['n_sites']:,} sites of {row['load_kw']:.1f} kW"),
                Cell(f"{row['pv_kwp']:.1f} kWp, {row['battery_kwh']:.0f} kWh",
                     second=f"generator {row['generator_kw']:.1f} kW" if row["generator_kw"] > 0.0 else "no generator"),
                Cell(f"{row['autonomy_h']:.1f} h"),
                Cell(f"US$ {row['cost_usd_per_kwh']:.3f}"),
                Cell(f"{row['diesel_l_per_year']:,.0f} l", second=f"{row['co2_tonnes_per_year']:.1f} t CO2"),
                Cell(f"US$ {row['capex_usd']:,.0f}"),
                Cell("never" if years is None else f"{years:.1f} years"),
                Cell(f"{row['gap_frac']:.0%}"),
            )
        )  # fmt: skip
    header = ("Class", "Design", "On battery", "A kWh", "Diesel a year", "To build", "Payback", "Gap to bound")
    caption = "Least costly design by class; payback against the diesel and grid energy of today"
    return Table(header, tuple(rows), ("left", "left", *(RIGHT,) * 6), caption, is_long=True)


def _swing_table(classes: pl.DataFrame) -> Table:
    rows = tuple(
        (Cell(row["name"]), *(Cell(_swing(row, name)) for name, _ in RANGES)) for row in classes.iter_rows(named=True)
    )
    header = ("Class", *(title for _, title in RANGES))
    caption = (
        "Yearly cost when one price is half, and one and a half times; the best of the simulated designs each time"
    )
    return Table(header, rows, ("left", *(RIGHT,) * len(RANGES)), caption, is_long=True)


def power_section(plan: Plan, language: str) -> Section | None:
    """Return the power page; ``None`` where the plan has no classes of sites."""
    if "site_classes" not in plan.tables or not plan.tables["site_classes"].height:
        return None
    classes = plan.tables["site_classes"].sort("class_id")
    towers = classes.filter(pl.col("class_id").str.starts_with("tower"))
    shown = towers if towers.height else classes
    blocks: list[Block] = [
        Heading("Which sites go dark", model_badge(plan, "power"), "power-dark"),
        Text(BOTH_BASES),
        _bases(plan),
        _dark_figure(shown),
    ]
    if "power_programme" in plan.tables and plan.tables["power_programme"].height:
        built = plan.tables["power_programme"]
        proof = _proof(plan)
        blocks += [Heading("What to build first", "", "power-programme"), _years_table(built), _curve_figure(built)]
        blocks += [] if proof is None else [proof]
    blocks += [
        Heading("What each kind of site should have", "", "power-designs"),
        _cost_figure(shown),
        _design_table(classes),
        _swing_table(shown),
        Text(NOT_KNOWN, is_note=True),
    ]
    return Section("site-power", english("power"), local("power", language), tuple(blocks))
