"""The plan itself: map, who gets what, cost, people, districts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import Block, Cell, Figure, Section, Table, Text, Tone
from rahdari.faces.report.words import TECHNOLOGY_NAMES, band, english, figure, local
from rahdari.faces.web.colours import TECHNOLOGY_COLOURS

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

CITIES_NAMED = 12
CITY_SPACING_DEG = 0.9  # nearer names would overlap at the size drawn
EXISTING_FIBRE, PLANNED_FIBRE = "#33658a", "#c8553d"
FIVE = (
    ("accessible_frac", "Accessible"),
    ("affordable_frac", "Affordable"),
    ("high_quality_frac", "High-quality"),
    ("reliable_frac", "Reliable"),
    ("ubiquitous_frac", "Ubiquitous"),
)
PROFILE_NAMES = {
    "urban_household": "Urban household",
    "rural_household": "Rural household",
    "student": "Student",
    "clinic": "Clinic",
    "merchant": "Online merchant",
    "payment_agent": "Payment agent",
}


def _last_year(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(pl.col("year") == pl.col("year").max())


def _spaced_cities(places: pl.DataFrame) -> list[tuple[float, float, str]]:
    chosen: list[tuple[float, float, str]] = []
    for row in places.filter(pl.col("kind") == "city").sort("n_people", descending=True).iter_rows(named=True):
        lon_deg, lat_deg = row["lon_deg"], row["lat_deg"]
        if all(abs(lon_deg - x) + abs(lat_deg - y) > CITY_SPACING_DEG for x, y, _ in chosen):
            chosen.append((lon_deg, lat_deg, row["name"]))
        if len(chosen) == CITIES_NAMED:
            break
    return chosen


def _merged(frame: pl.DataFrame) -> np.ndarray:
    """Return a table's lines joined end to end; parallel fibres on the same way are drawn once."""
    unique = frame["geometry"].unique().sort().to_list()
    return np.array(shapely.get_parts(shapely.line_merge(shapely.union_all(shapely.from_wkb(unique)))))


def _existing(plan: Plan) -> np.ndarray:
    return _merged(plan.tables["links"].filter(pl.col("kind") == "fibre"))


def map_section(plan: Plan, language: str) -> Section | None:
    """Return the map: technology of every place, existing and planned fibre."""
    if "access" not in plan.tables:
        return None
    access = _last_year(plan.tables["access"])
    columns = ["place_id", "lon_deg", "lat_deg", "n_people"]
    joined = access.select("place_id", "technology").join(plan.tables["places"].select(columns), on="place_id")
    dots, legend = [], []
    for technology in TECHNOLOGY_NAMES:
        group = joined.filter(pl.col("technology") == technology)
        if group.height:
            colour = TECHNOLOGY_COLOURS[technology]
            dots.append((group["lon_deg"].to_numpy(), group["lat_deg"].to_numpy(), colour, 2.2))
            legend.append((colour, TECHNOLOGY_NAMES[technology]))
    lines = [
        (_existing(plan), EXISTING_FIBRE, 1.1),
        (_trunk(plan), PLANNED_FIBRE, 0.8),
    ]
    legend += [(EXISTING_FIBRE, "Existing fibre (assumed)"), (PLANNED_FIBRE, "Planned fibre along ways")]
    note = plan.tables["country"]["boundary_note"][0]
    places = plan.tables["places"]
    svg = figures.country_map(plan.tables["outline"], lines, dots, note, _spaced_cities(places))
    n_synthetic = places.filter(pl.col("evidence") == "synthetic").height
    caption = (
        f"{places.height:,} places, each with its technology in {access['year'][0]}. {n_synthetic:,} of them are "
        "modelled cells, not surveyed villages. Existing fibre follows main roads by assumption and marks no duct."
    )
    return Section("map", english("map"), local("map", language), (Figure(svg, caption, tuple(legend)),))


def _trunk(plan: Plan) -> np.ndarray:
    links = plan.tables["planned_links"]
    return _merged(links.filter((pl.col("kind") == "fibre") & pl.col("row_id").is_not_null()))


def connectivity_section(plan: Plan, language: str) -> Section | None:
    """Return who gets what: people by technology, and the indicators with their bands."""
    if "access" not in plan.tables:
        return None
    rows = []
    for (year,), group in plan.tables["access"].group_by("year", maintain_order=True):
        sums = dict(group.group_by("technology").agg(pl.col("n_people").sum()).iter_rows())
        shares = {name: float(sums[name]) for name in TECHNOLOGY_NAMES if sums.get(name)}
        rows.append((f"People in {year}", shares))
    present = {name for _, shares in rows for name in shares}
    legend = tuple((TECHNOLOGY_COLOURS[name], text) for name, text in TECHNOLOGY_NAMES.items() if name in present)
    chart = figures.stacked_bars(sorted(rows), TECHNOLOGY_COLOURS, "People by technology")
    caption = "People by the best technology that reaches them."
    blocks: list[Block] = [Figure(chart, caption, legend)]
    five = [(label, _value(plan, indicator)) for indicator, label in FIVE]
    shown = [(label, value, figure(value, "frac")) for label, value in five if value is not None]
    if shown:
        svg = figures.bars(shown, "Five indicators")
        text = "Accessible, affordable, high-quality, reliable, ubiquitous: share of people, target year."
        blocks.append(Figure(svg, text))
    blocks.append(_indicator_table(plan, ("access", "economy", "demand")))
    return Section("connectivity", english("connectivity"), local("connectivity", language), tuple(blocks))


def _value(plan: Plan, indicator_id: str) -> float | None:
    rows = plan.indicators.filter(pl.col("indicator_id") == indicator_id).sort("year")
    return float(rows["value"][-1]) if rows.height else None


def _indicator_table(plan: Plan, engines: tuple[str, ...]) -> Table:
    frame = plan.indicators.filter(pl.col("engine").is_in(engines)).sort("name", "year")
    tones: dict[str, Tone] = {"measured": "good", "calibrated": "good", "modelled": "fair", "assumed": "bad"}
    rows = tuple(
        (
            Cell(row["name"]),
            Cell(str(row["year"])),
            Cell(figure(row["value"], row["unit"])),
            Cell(band(row["value_low"], row["value_high"], row["unit"]) or "–"),
            Cell(row["how_sure"], tones[row["how_sure"]]),
            Cell(row["formula"]),
        )
        for row in frame.iter_rows(named=True)
    )
    header = ("Indicator", "Year", "Value", "Range", "How sure", "How it is computed")
    return Table(header, rows, ("left", "right", "right", "left", "left", "left"), "Indicators with their ranges")


def cost_section(plan: Plan, language: str) -> Section | None:
    """Return the cost by category and the cash flow by year."""
    if "costs" not in plan.tables:
        return None
    costs = plan.tables["costs"]
    sums = costs.group_by("category").agg(pl.col("capex_usd", "opex_usd_per_year", "present_value_usd").sum())
    rows = sums.sort("capex_usd", descending=True)
    points = [
        (str(row["category"]).replace("_", " "), float(row["capex_usd"]), figure(row["capex_usd"], "usd"))
        for row in rows.iter_rows(named=True)
    ]
    blocks: list[Block] = [Figure(figures.bars(points, "Capital by category"), "Capital by category, whole country.")]
    if "cashflow" in plan.tables:
        cash = (
            plan.tables["cashflow"].filter(pl.col("item") != "net")
            if "net" in plan.tables["cashflow"]["item"]
            else plan.tables["cashflow"]
        )
        yearly = cash.group_by("year").agg(pl.col("amount_usd").sum()).sort("year")
        million = [(str(row["year"]), row["amount_usd"] / 1e6) for row in yearly.iter_rows(named=True)]
        svg = figures.columns(million, "US$ million", "Cash flow by year")
        blocks.append(Figure(svg, "Money in and out by year, undiscounted, price year of the country."))
        blocks.append(_pivot_cash(cash))
    price_year = plan.tables["country"]["price_year"][0]
    blocks.append(Text(f"All money is in US dollars of {price_year}; ranges come from the catalogue.", is_note=True))
    return Section("cost", english("cost"), local("cost", language), tuple(blocks))


def _pivot_cash(cash: pl.DataFrame) -> Table:
    items = sorted(cash["item"].unique().to_list())
    rows = []
    for (year,), group in cash.sort("year").group_by("year", maintain_order=True):
        amounts = dict(group.select("item", "amount_usd").iter_rows())
        rows.append((Cell(str(year)), *[Cell(figure(amounts.get(item), "usd")) for item in items]))
    align = ("left", *["right"] * len(items))
    return Table(("Year", *[item.replace("_", " ") for item in items]), tuple(rows), align, "Cash flow", is_long=True)  # type: ignore[arg-type]


def people_section(plan: Plan, language: str) -> Section | None:
    """Return what six kinds of people get today and in the target year."""
    if "profiles" not in plan.tables or not plan.tables["profiles"].height:
        return None
    profiles = plan.tables["profiles"]
    columns = ["downlink_mbps", "delay_ms", "outage_h_per_year", "usd_per_month"]
    summary = profiles.group_by("profile", "year").agg(
        *[pl.col(name).median() for name in columns], pl.col("is_working").mean().alias("working_frac")
    )
    rows = []
    for row in summary.sort("profile", "year").iter_rows(named=True):
        share = row["working_frac"]
        tone: Tone = "good" if share > 0.9 else "fair" if share > 0.5 else "bad"  # noqa: PLR2004  # thirds of a light
        rows.append(
            (
                Cell(PROFILE_NAMES.get(row["profile"], row["profile"])),
                Cell(str(row["year"])),
                Cell(figure(row["downlink_mbps"], "mbps")),
                Cell(figure(row["delay_ms"], "ms")),
                Cell(figure(row["outage_h_per_year"], "h_per_year")),
                Cell(figure(row["usd_per_month"], "usd_per_month")),
                Cell(f"{share:.0%} of districts", tone),
            )
        )
    header = ("Who", "Year", "Downlink", "Delay", "Without service", "Cost", "Does it work?")
    align = ("left", "right", "right", "right", "right", "right", "left")
    intro = "The median district for six people; every district stands in table profiles and on the map."
    blocks = (Text(intro), Table(header, tuple(rows), align), _profiles_by_district(plan, profiles))
    return Section("people", english("people"), local("people", language), blocks)


def _profiles_by_district(plan: Plan, profiles: pl.DataFrame) -> Table:
    names = dict(plan.tables["districts"].select("district_id", "name").iter_rows())
    last = _last_year(profiles).sort("district_id", "profile")
    rows = tuple(
        (
            Cell(names.get(row["district_id"], row["district_id"])),
            Cell(PROFILE_NAMES.get(row["profile"], row["profile"])),
            Cell(figure(row["downlink_mbps"], "mbps")),
            Cell(figure(row["outage_h_per_year"], "h_per_year")),
            Cell(figure(row["usd_per_month"], "usd_per_month")),
            Cell("works" if row["is_working"] else "does not work", "good" if row["is_working"] else "bad"),
            Cell(str(row["why"])),
        )
        for row in last.iter_rows(named=True)
    )
    header = ("District", "Who", "Downlink", "Without service", "Cost", "Works?", "Why")
    align = ("left", "left", "right", "right", "right", "left", "left")
    return Table(header, rows, align, f"Every district, {last['year'][0]}", is_long=True)  # type: ignore[arg-type]


def _district_frame(plan: Plan) -> pl.DataFrame:
    tables = plan.tables
    district = tables["places"].select("place_id", "district_id")
    last = _last_year(tables["access"]).join(district, on="place_id")
    fast = (pl.col("n_people") * (pl.col("downlink_mbps") >= 100)).sum() / pl.col("n_people").sum()  # noqa: PLR2004  # the target speed named in the header
    frame = last.group_by("district_id").agg(
        pl.col("n_people").sum().alias("planned_people"),
        fast.alias("fast_frac"),
        (pl.col("n_people") * (pl.col("technology") == "fibre"))
        .sum()
        .truediv(pl.col("n_people").sum())
        .alias("fibre_frac"),
        (pl.col("n_people") * (pl.col("technology") == "satellite"))
        .sum()
        .truediv(pl.col("n_people").sum())
        .alias("satellite_frac"),
        pl.col("n_households_passed").sum(),
        pl.col("capex_usd").sum(),
    )
    if "schedule" in tables:
        fibre = tables["schedule"].group_by("district_id").agg(pl.col("fibre_km").sum())
        frame = frame.join(fibre, on="district_id", how="left")
    if "availability" in tables:
        weighted = (
            tables["availability"]
            .select("place_id", "outage_h_per_year")
            .join(tables["places"].select("place_id", "district_id", "n_people"), on="place_id")
        )
        mean = (pl.col("outage_h_per_year") * pl.col("n_people")).sum() / pl.col("n_people").sum()
        frame = frame.join(weighted.group_by("district_id").agg(mean), on="district_id", how="left")
    return tables["districts"].join(frame, on="district_id", how="inner").sort("region", "name")


def districts_section(plan: Plan, language: str) -> Section | None:
    """Return one row a district."""
    if "access" not in plan.tables:
        return None
    frame = _district_frame(plan)

    def row(values: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            Cell(values["name"], local=values["name_local"] or ""),
            Cell(values["region"]),
            Cell(figure(values["n_people"])),
            Cell(figure(values["fast_frac"], "frac")),
            Cell(figure(values["fibre_frac"], "frac")),
            Cell(figure(values["satellite_frac"], "frac")),
            Cell(figure(values["n_households_passed"])),
            Cell(figure(values.get("fibre_km"), "km")),
            Cell(figure(values["capex_usd"], "usd")),
            Cell(figure(values.get("outage_h_per_year"), "h_per_year")),
        )

    header = (
        "District", "Region", "People", "100 Mbit/s", "Fibre", "Satellite", "Homes passed", "New fibre", "Capital",
        "Without service",
    )  # fmt: skip
    align = ("left", "left", "right", "right", "right", "right", "right", "right", "right", "right")
    rows = tuple(row(values) for values in frame.iter_rows(named=True))
    table = Table(
        header, rows, align, f"{frame.height} districts, as administered by the census publisher", is_long=True
    )  # type: ignore[arg-type]
    text = "Shares are of people, in the target year. Regions follow the census publisher, as administered."
    return Section("districts", english("districts"), local("districts", language), (Text(text), table))
