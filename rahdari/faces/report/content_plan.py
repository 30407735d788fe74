"""Who gets what: people by technology, the goals, six people, districts and regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import RIGHT, Align, Block, Cell, Figure, Section, Table, Text, Tone
from rahdari.faces.report.content_indicators import (
    CONNECTIVITY_KEYS,
    GOAL_KEYS,
    WITHOUT_RANGE,
    indicator_table,
    years_of,
)
from rahdari.faces.report.figures import Bar
from rahdari.faces.report.words import TECHNOLOGY_NAMES, band, english, figure, local, technologies_named
from rahdari.faces.web.colours import TECHNOLOGY_COLOURS

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

HIGH_MBPS = 100.0  # the rate the programme names as high
WORKS_WELL, WORKS_HALF = 0.9, 0.5  # shares of districts at which a badge turns
GOALS_DRAWN = tuple(key for key in GOAL_KEYS if key != "home_line_affordable_frac")
PROFILE_NAMES = {
    "urban_household": "Urban household",
    "rural_household": "Rural household",
    "student": "Student",
    "clinic": "Clinic",
    "merchant": "Online merchant",
    "payment_agent": "Payment agent",
}


def _technology_figure(plan: Plan) -> Figure:
    access = plan.tables["access"]
    rows = []
    for (year,), group in access.group_by("year", maintain_order=True):
        sums = dict(group.group_by("technology").agg(pl.col("n_people").sum()).iter_rows())
        shares = {name: float(sums[name]) for name in TECHNOLOGY_NAMES if sums.get(name)}
        rows.append((f"People in {year}", shares))
    present = {name for _, shares in rows for name in shares}
    legend = tuple((TECHNOLOGY_COLOURS[name], text) for name, text in TECHNOLOGY_NAMES.items() if name in present)
    title = "People by the best technology that reaches them"
    chart = figures.stacked_bars(sorted(rows), TECHNOLOGY_COLOURS, title)
    n_left = access.filter((pl.col("technology") == "none") & (pl.col("year") == years_of(plan)[1]))["n_people"].sum()
    caption = f"{figure(n_left)} people are left without service in {years_of(plan)[1]}."
    return Figure((chart,), caption, legend, title)


def _goals_figure(plan: Plan) -> Figure | None:
    frame = plan.indicators.filter(pl.col("indicator_id").is_in(list(GOALS_DRAWN))).sort("year")
    latest = {row["indicator_id"]: row for row in frame.iter_rows(named=True)}
    rows = []
    for key in (key for key in GOALS_DRAWN if key in latest):
        row = latest[key]
        span = band(row["value_low"], row["value_high"], row["unit"])
        text = figure(row["value"], row["unit"]) + (f" ({span})" if span else "")
        rows.append(Bar(row["name"], row["value"], text, row["value_low"], row["value_high"]))
    if not rows:
        return None
    title = f"Five goals, share of people, {years_of(plan)[1]}"
    return Figure((figures.bars(rows, title),), "What each goal means stands in the table below.", (), title)


def connectivity_section(plan: Plan, language: str) -> Section | None:
    """Return who gets what: people by technology, the goals, and the indicators with their ranges."""
    if "access" not in plan.tables:
        return None
    blocks: list[Block | None] = [
        _technology_figure(plan),
        indicator_table(plan, CONNECTIVITY_KEYS, "Rates, reach and fibre"),
        _goals_figure(plan),
        indicator_table(plan, GOAL_KEYS, "The goals, each defined"),
        Text(WITHOUT_RANGE, is_note=True),
    ]
    present = tuple(block for block in blocks if block is not None)
    return Section("connectivity", english("connectivity"), local("connectivity", language), present)


def people_section(plan: Plan, language: str) -> Section | None:
    """Return what six kinds of people get today and in the target year."""
    if "profiles" not in plan.tables or not plan.tables["profiles"].height:
        return None
    profiles = plan.tables["profiles"]
    columns = ["downlink_mbps", "delay_ms", "outage_h_per_year", "usd_per_month"]
    summary = profiles.group_by("profile", "year").agg(
        *[pl.col(name).median() for name in columns], pl.col("is_working").mean().alias("working_frac")
    )
    found = {(row["profile"], row["year"]): row for row in summary.iter_rows(named=True)}
    base, target = years_of(plan)
    rows = []
    for profile, name in PROFILE_NAMES.items():
        before, after = found.get((profile, base)), found.get((profile, target))
        if before is None or after is None:
            continue
        units = zip(columns, ("mbps", "ms", "h_per_year", "usd_per_month"), strict=True)
        cells = [_then_and_before(after[column], before[column], unit, base) for column, unit in units]
        rows.append((Cell(name), *cells, *(_working(row["working_frac"]) for row in (before, after))))
    header = (
        "Who", "Rate", "Delay", "Without service", "Cost", f"Works in {base}", f"Works in {target}",
    )  # fmt: skip
    align: tuple[Align, ...] = ("left", "right", "right", "right", "right", "left", "left")
    intro = (
        f"The median district for six people in {target}, with {base} below each figure. A service works where rate, "
        "delay and hours without service meet what the service needs; cost is shown and does not decide it."
    )
    blocks = (Text(intro), Table(header, tuple(rows), align), _profiles_by_district(plan, profiles))
    return Section("people", english("people"), local("people", language), blocks)


def _then_and_before(after: float | None, before: float | None, unit: str, base: int) -> Cell:
    return Cell(figure(after, unit), second=f"{figure(before, unit)} in {base}")


def _working(share: float) -> Cell:
    tone: Tone = "good" if share > WORKS_WELL else "fair" if share > WORKS_HALF else "bad"
    return Cell(f"{share * 100:.0f} % of districts", tone)


def _profiles_by_district(plan: Plan, profiles: pl.DataFrame) -> Table:
    names = dict(plan.tables["districts"].select("district_id", "name").iter_rows())
    target = years_of(plan)[1]
    last = profiles.filter(pl.col("year") == target).sort("district_id", "profile")
    rows = tuple(
        (
            Cell(names.get(row["district_id"], row["district_id"])),
            Cell(PROFILE_NAMES.get(row["profile"], row["profile"])),
            Cell(figure(row["downlink_mbps"], "mbps")),
            Cell(figure(row["outage_h_per_year"], "h_per_year")),
            Cell(figure(row["usd_per_month"], "usd_per_month")),
            Cell("works" if row["is_working"] else "does not work", "good" if row["is_working"] else "bad"),
            Cell(technologies_named(str(row["why"]))),
        )
        for row in last.iter_rows(named=True)
    )
    header = ("District", "Who", "Rate", "Without service", "Cost", "Works?", "Why")
    align: tuple[Align, ...] = ("left", "left", "right", "right", "right", "left", "left")
    return Table(header, rows, align, f"Every district, {target}", is_long=True)


def _share_of_people(condition: pl.Expr, name: str) -> pl.Expr:
    return (pl.col("n_people") * condition).sum().truediv(pl.col("n_people").sum()).alias(name)


def _place_frame(plan: Plan) -> pl.DataFrame:
    """Return one row a place with district, region and all that the tables by area sum."""
    tables, target = plan.tables, years_of(plan)[1]
    districts = tables["districts"].select("district_id", "region")
    places = tables["places"].select("place_id", "district_id").join(districts, on="district_id")
    columns = ["place_id", "n_people", "downlink_mbps", "technology", "n_households_passed", "capex_usd"]
    last = tables["access"].filter(pl.col("year") == target).select(columns)
    frame = last.join(places, on="place_id")
    if "availability" in tables:
        outage = tables["availability"].sort("year").unique("place_id", keep="last", maintain_order=True)
        frame = frame.join(outage.select("place_id", "is_served", "outage_h_per_year"), on="place_id", how="left")
    return frame


def _by_area(plan: Plan, key: str) -> pl.DataFrame:
    """Return the sums of a region or a district; outage hours are those of the people served."""
    frame = _place_frame(plan)
    sums = [
        pl.col("n_people").sum(),
        _share_of_people(pl.col("downlink_mbps") >= HIGH_MBPS, "fast_frac"),
        _share_of_people(pl.col("technology") == "fibre", "fibre_frac"),
        pl.col("n_households_passed").sum(),
    ]
    if "outage_h_per_year" in frame.columns:
        served = pl.col("n_people") * pl.col("is_served")
        sums.append((pl.col("outage_h_per_year") * served).sum().truediv(served.sum()).alias("outage_h_per_year"))
    result = frame.sort("place_id").group_by(key).agg(sums)
    costs = "schedule" if "schedule" in plan.tables else None
    if costs is None:
        spent = frame.group_by(key).agg(pl.col("capex_usd").sum())
    else:
        columns = [name for name in ("fibre_km", "capex_usd") if name in plan.tables[costs].columns]
        areas = plan.tables["districts"].select("district_id", "region").unique("district_id")
        joined = plan.tables[costs].join(areas, on="district_id", how="left")
        spent = joined.sort("district_id", "year").group_by(key).agg(pl.col(columns).sum())
    return result.join(spent, on=key, how="left")


AREA_HEADER = ("People", "100 Mbit/s", "Fibre", "Homes passed", "New fibre", "Capital", "Without service")


def _area_cells(row: dict[str, Any]) -> tuple[Cell, ...]:
    return (
        Cell(figure(row["n_people"])),
        Cell(figure(row["fast_frac"], "frac")),
        Cell(figure(row["fibre_frac"], "frac")),
        Cell(figure(row["n_households_passed"])),
        Cell(figure(row.get("fibre_km"), "km")),
        Cell(figure(row["capex_usd"], "usd")),
        Cell(figure(row.get("outage_h_per_year"), "h_per_year")),
    )


def districts_section(plan: Plan, language: str) -> Section | None:
    """Return one row a region, and one row a district folded away."""
    if "access" not in plan.tables:
        return None
    numbers: tuple[Align, ...] = (RIGHT,) * len(AREA_HEADER)
    regions = _by_area(plan, "region").sort("n_people", descending=True)
    region_rows = tuple((Cell(row["region"]), *_area_cells(row)) for row in regions.iter_rows(named=True))
    summary = Table(("Region", *AREA_HEADER), region_rows, ("left", *numbers), "Regions")
    own = plan.tables["districts"].select("district_id", "name", "name_local", "region")
    frame = own.join(_by_area(plan, "district_id"), on="district_id", how="inner").sort("region", "name")
    rows = tuple(
        (Cell(row["name"], local=row["name_local"] or ""), Cell(row["region"]), *_area_cells(row))
        for row in frame.iter_rows(named=True)
    )
    table = Table(
        ("District", "Region", *AREA_HEADER), rows, ("left", "left", *numbers),
        f"All {frame.height} districts", is_long=True,
    )  # fmt: skip
    base, target = years_of(plan)
    text = (
        f"Shares are of people in {target}; new fibre and capital are those of the roll-out; hours without service are "
        f"those of people served, with the links of {base} where no later year is modelled. Regions and districts "
        "follow the census publisher, as administered."
    )
    return Section("districts", english("districts"), local("districts", language), (Text(text), summary, table), True)
