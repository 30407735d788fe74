"""Transit on the corridor page: floors beside the claim, rivals, joint availability, and the business by year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report import figures
from rahdari.faces.report.blocks import RIGHT, Align, Block, Cell, Figure, Heading, Table, Text, Tone
from rahdari.faces.report.content_programme import fact_anchor, source_anchor
from rahdari.faces.report.figures import ACCENT, INK, SAND, SECOND, WARM, Mark, MarkRow, nice_step
from rahdari.faces.report.words import MILLION, band, figure

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

HOURS_PER_YEAR = 8766.0
N_PAIRS = 3  # shown unfolded
CLAIM_FROM, CLAIM_TO = "latency_claim_from_ms", "latency_claim_to_ms"
ALL_CAUSES = "all"
CORRIDOR = "corridor"
WAY_COLOURS = {CORRIDOR: ACCENT, "malacca": SECOND, "steppe": SAND, "trans_siberian": "#7a5195", "caspian": "#8b949e"}
OTHER_WAY = "#c4c8cd"
WITHOUT, WITH = WARM, ACCENT
HOUR_TICKS = {1.0: "1", 10.0: "10", 100.0: "100", 1000.0: "1,000", 10000.0: "10,000"}
MONEY_TICKS = {0.01: "0.01", 0.1: "0.1", 1.0: "1", 10.0: "10", 100.0: "100", 1000.0: "1,000"}
EVIDENCE_TONES: dict[str, Tone] = {"measured": "good", "published": "good", "derived": "fair"}
CASE_NAMES = {
    "low": "Worst corner of all ranges",
    "central": "Central, fibre that is there",
    "high": "Best corner of all ranges",
    "central_new_fibre": "Central, with new southern fibre",
}


def model_badge(plan: Plan, engine: str) -> str:
    """Return the fidelity of an engine as a heading's badge."""
    found = [record["fidelity"] for record in plan.manifest["engines"] if record["name"] == engine]
    return f"{found[0]} model" if found else ""


def _has(plan: Plan, *names: str) -> bool:
    return all(name in plan.tables and plan.tables[name].height for name in names)


def _head(plan: Plan, text: str, anchor: str) -> Heading:
    return Heading(text, model_badge(plan, "transit"), anchor)


def published_claim(plan: Plan) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the two published figures of delay, before and after; ``None`` where the country states none."""
    if "facts" not in plan.tables or "fact_id" not in plan.tables["facts"].columns:
        return None
    facts = {row["fact_id"]: row for row in plan.tables["facts"].iter_rows(named=True)}
    return (facts[CLAIM_FROM], facts[CLAIM_TO]) if {CLAIM_FROM, CLAIM_TO} <= set(facts) else None


def _leg_evidence(plan: Plan) -> dict[frozenset[str], tuple[str, str]]:
    """Return how the length of each leg is known, by its ends."""
    if "transit_legs" not in plan.tables:
        return {}
    rows = plan.tables["transit_legs"].select("from_name", "to_name", "evidence", "note").iter_rows()
    return {frozenset((a, b)): (evidence, note) for a, b, evidence, note in rows}


def _against(row: dict[str, Any]) -> Cell:
    """Return what the published delay can mean on a stretch: a floor is never beaten."""
    text = f"floor over claim {row['floor_over_claim_ratio']:.2f}"
    if row["is_claim_possible"]:
        return Cell("possible there and back", "good", second=text)
    if row["rtt_floor_ms"] / 2.0 <= row["claim_after_ms"]:
        return Cell("possible one way only", "fair", second=text)
    return Cell("below the floor of light", "bad", second=text)


def latency_blocks(plan: Plan) -> list[Block]:
    """Return the floor of each leg and stretch beside the published claim."""
    if not _has(plan, "latency_legs"):
        return []
    frame, evidence = plan.tables["latency_legs"].sort("step"), _leg_evidence(plan)
    before, after = frame["claim_before_ms"][0], frame["claim_after_ms"][0]
    header = ("From - to", "Fibre", "Round trip", "One way", f"Claim of {after:g} ms", "How the length is known")
    claim = published_claim(plan)
    rows: list[tuple[Cell, ...]] = []
    if claim is not None:
        links = (("published figure", fact_anchor(CLAIM_TO)), ("source", source_anchor(claim[1]["source_id"])))
        cell = Cell(f"Published: {before:g} ms to {after:g} ms", second=claim[1]["metric"], links=links)
        rows.append((cell, Cell("–"), Cell("–"), Cell("–"), Cell("as published", "plain"), Cell("")))
    for kind, name in (("leg", "Leg by leg"), ("stretch", "Stretches of several legs")):
        rows.append((Cell(name, n_columns=len(header)),))
        for row in frame.filter(pl.col("kind") == kind).iter_rows(named=True):
            known, note = evidence.get(frozenset(row["leg"].split(" - ")), ("", ""))
            known = known or "sum of legs"
            rows.append(
                (
                    Cell(row["leg"]),
                    Cell(figure(row["fibre_km"], "km")),
                    Cell(f"{row['rtt_floor_ms']:.1f} ms"),
                    Cell(f"{row['rtt_floor_ms'] / 2.0:.1f} ms"),
                    _against(row),
                    Cell(known, EVIDENCE_TONES.get(known, "plain"), second=note),
                )
            )
    caption = "Least times of light in the fibre, without any equipment or queue, beside the published claim"
    return [
        _head(plan, "How long light takes, and what was claimed", "corridor-delay"),
        Table(header, tuple(rows), ("left", RIGHT, RIGHT, RIGHT, "left", "left"), caption),
        Text(_claim_in_words(frame, before, after), is_note=True),
    ]


def _claim_in_words(frame: pl.DataFrame, before: float, after: float) -> str:
    stretches = frame.filter(pl.col("kind") == "stretch")
    whole = stretches.filter(pl.col("is_claim_possible"))["leg"].to_list()
    one_way = stretches.filter(~pl.col("is_claim_possible") & (pl.col("rtt_floor_ms") / 2.0 <= after))
    text = f"{after:g} ms there and back can describe "
    text += f"{', '.join(whole)}. " if whole else "single legs at most, none of the stretches. "
    if one_way.height:
        names = ", ".join(
            f"{leg} ({rtt / 2.0:.1f} ms)" for leg, rtt in one_way.select("leg", "rtt_floor_ms").iter_rows()
        )
        text += f"As a delay one way it can describe {names}. "
    reach = stretches.filter(pl.col("rtt_floor_ms") <= before).sort("rtt_floor_ms")
    if reach.height:
        text += f"{before:g} ms there and back is what light alone needs for {reach['leg'][-1]} and little more."
    return text


def _percent(value: float, n_digits: int = 2) -> str:
    """Return a share in per cent; what is short of all never rounds to it."""
    text = f"{value * 100:.{n_digits}f} %"
    return f"> {100.0 - 10.0**-n_digits:.{n_digits}f} %" if value < 1.0 and text.startswith("100") else text


def _way_rows(frame: pl.DataFrame, n_columns: int) -> list[tuple[Cell, ...]]:
    """Return the ways of each pair under its name, quickest first."""
    rows: list[tuple[Cell, ...]] = []
    pair = ""
    for row in frame.iter_rows(named=True):
        if row["pair_id"] != pair:
            pair = row["pair_id"]
            rows.append((Cell(f"{row['from_name']} - {row['to_name']}", n_columns=n_columns),))
        low, high = (_percent(row[f"availability_{end}_frac"]) for end in ("low", "high"))
        is_on = row["is_in_service"]
        price = [row[f"price{end}_usd_per_mbps_month"] for end in ("", "_low", "_high")]
        rows.append(
            (
                Cell(row["way_name"], second=row["stops"]),
                Cell(f"{row['rtt_floor_ms']:.0f} ms", second=f"{row['rtt_low_ms']:.0f} to {row['rtt_high_ms']:.0f} ms"),
                Cell(_percent(row["availability_frac"]), second=f"{low} to {high}"),
                Cell(_percent(row["wavelength_availability_frac"])),
                Cell(f"US$ {price[0]:.2f}", second=f"{price[1]:.2f} to {price[2]:.2f}"),
                Cell(figure(row["idle_gbps"], "gbps")),
                Cell("in service" if is_on else f"from {row['from_year']}", "good" if is_on else "plain"),
            )
        )
    return rows


def _by_demand(plan: Plan, frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows of pairs, those with the largest demand first; within a pair in the order given."""
    if not _has(plan, "transit_years"):
        return frame.sort("pair_id", maintain_order=True)
    years = plan.tables["transit_years"]
    demand = years.filter(pl.col("year") == years["year"].min()).select(
        pl.col("market_id").alias("pair_id"), pl.col("demand_gbps").alias("own_gbps"), "origin"
    )
    joined = frame.join(demand, on="pair_id", how="left", maintain_order="left")
    by = [pl.col("own_gbps").fill_null(0.0), pl.col("pair_id")]
    return joined.sort(by, descending=[True, False], maintain_order=True)


def rival_blocks(plan: Plan) -> list[Block]:
    """Return the corridor beside every rival way: delay, availability, price and idle capacity."""
    if not _has(plan, "transit_routes"):
        return []
    frame = _by_demand(plan, plan.tables["transit_routes"].sort("rtt_floor_ms", "way_id"))
    year = frame["price_year"][0]
    header = ("Way", "Round trip", "Available", "One wavelength", "Price", "Idle", "Service")
    align: tuple[Align, ...] = ("left", RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, "left")
    first = frame["pair_id"].unique(maintain_order=True)[:N_PAIRS].to_list()
    rows, rest = (
        _way_rows(frame.filter(pl.col("pair_id").is_in(first) == is_first), len(header)) for is_first in (True, False)
    )
    caption = "The corridor and its rivals, for the pairs with the largest demand: delay, availability, price"
    blocks: list[Block] = [
        _head(plan, "The corridor against its rivals", "corridor-rivals"),
        _rtt_figure(frame),
        Table(header, tuple(rows), align, caption),
    ]
    if rest:
        n_rest = frame["pair_id"].n_unique() - len(first)
        blocks.append(Table(header, tuple(rest), align, f"{n_rest} more pairs", is_long=True))
    note = (
        "Round trip: floor of light. Available: traffic may take any system of every leg; one wavelength holds one. "
        f"Price: US dollars of {year} per Mbit/s and month, assumed with wide ranges. Lengths and capacities abroad "
        "are published or assumed, as each leg of the table transit_legs says. Small figures are ranges."
    )
    return [*blocks, Text(note, is_note=True)]


def _rtt_figure(frame: pl.DataFrame) -> Figure:
    rows = []
    for _, group in frame.group_by("pair_id", maintain_order=True):
        marks = tuple(
            Mark(
                row["rtt_floor_ms"], WAY_COLOURS.get(row["way_id"], OTHER_WAY), row["rtt_low_ms"], row["rtt_high_ms"],
                is_diamond=row["way_id"] == CORRIDOR,
            )
            for row in group.sort(pl.col("way_id") == CORRIDOR, "way_id").iter_rows(named=True)
        )  # fmt: skip
        rows.append(MarkRow(f"{group['from_name'][0]} - {group['to_name'][0]}", "", marks))
    most = float(frame["rtt_high_ms"].to_numpy().max())
    step = nice_step(most)
    n_steps = int(-(-most // step))
    ticks = {index * step: f"{index * step:g}" for index in range(n_steps + 1)}
    title = "Round trip at least, by way"
    drawing = figures.mark_rows(rows, ticks, "ms there and back, floor of light", title, is_log=False)
    names = dict(frame.select("way_id", "way_name").unique().iter_rows())
    order = sorted(names, key=lambda way: (way != CORRIDOR, way))
    legend = tuple((WAY_COLOURS.get(way, OTHER_WAY), names[way]) for way in order)
    caption = "Diamond: the corridor. Bars: short and long ends of the lengths abroad."
    return Figure((drawing,), caption, legend, title)


def _by_origin(plan: Plan) -> pl.DataFrame:
    """Return the joint downtime of each pair over all causes, the origin with the largest demand first."""
    ends = plan.tables["transit_routes"].select("pair_id", "from_name", "to_name").unique()
    frame = plan.tables["transit_risk"].filter(pl.col("cause_id") == ALL_CAUSES).join(ends, on="pair_id")
    if not _has(plan, "transit_years"):
        return frame.with_columns(origin=pl.col("from_name")).sort("origin", "pair_id")
    years = plan.tables["transit_years"]
    first = years.filter(pl.col("year") == years["year"].min()).join(ends, left_on="market_id", right_on="pair_id")
    sums = first.group_by("origin").agg(pl.col("demand_gbps").sum())
    known = first.select("from_name", "origin").unique("from_name", keep="first").join(sums, on="origin")
    joined = frame.join(known, on="from_name", how="left").with_columns(pl.col("origin").fill_null("Others"))
    by = [pl.col("demand_gbps").fill_null(0.0), pl.col("origin"), pl.col("pair_id")]
    return joined.sort(by, descending=[True, False, False])


def joint_blocks(plan: Plan) -> list[Block]:
    """Return how often all present ways are down at once, without the corridor and with it, by origin."""
    if not _has(plan, "transit_risk", "transit_routes"):
        return []
    header = ("From - to", "Ways that are there", "Without the corridor", "With the corridor", "Saved")
    drawn: list[MarkRow] = []
    rows: list[tuple[Cell, ...]] = []
    origin = ""
    for row in _by_origin(plan).iter_rows(named=True):
        if row["origin"] != origin:
            origin = row["origin"]
            rows.append((Cell(origin, n_columns=len(header)),))
        hours = [row[f"down_{end}_h_per_year"] for end in ("without", "with")]
        pair = f"{row['from_name']} - {row['to_name']}"
        cells = [
            Cell(_percent(1.0 - h / HOURS_PER_YEAR, 3), second=f"{figure(h, 'h_per_year')} all down") for h in hours
        ]
        saved = Cell(figure(row["saved_h_per_year"], "h_per_year"))
        rows.append((Cell(pair), Cell(str(row["n_ways"] - 1)), *cells, saved))
        drawn.append(MarkRow(pair, "", (Mark(hours[0], WITHOUT, min(hours), max(hours)), Mark(hours[1], WITH))))
    title = "Hours a year in which every way is down at once"
    drawing = figures.mark_rows(drawn, HOUR_TICKS, "hours a year", title, is_log=True)
    legend = ((WITHOUT, "on today's ways"), (WITH, "on today's ways and the corridor"))
    caption = "A buyer holds one wavelength on each way in service; causes that several ways feel strike them together."
    text = (
        "Common causes (straits, landings, valleys, floods, power grids) are counted jointly; within each state of "
        "theirs systems fail independently. Which cause strikes whom is shown only with local authorisation."
    )
    table = Table(header, tuple(rows), ("left", *(RIGHT,) * 4), "At least one way works")
    return [
        _head(plan, "Present routes with and without the corridor", "corridor-joint"),
        Figure((drawing,), caption, legend, title),
        table,
        Text(text, is_note=True),
    ]


def _money(value: float | None) -> str:
    return "–" if value is None else figure(value, "usd")


def business_blocks(plan: Plan) -> list[Block]:
    """Return the business case by year and its value today, with ranges."""
    if not _has(plan, "transit_cash", "transit_business"):
        return []
    cash = plan.tables["transit_cash"].sort("year")
    return [
        _head(plan, "What it earns: the business case", "corridor-business"),
        _money_figure(cash),
        _years_table(cash),
        _cases_table(plan),
        Text(
            "Demand, shares open to another way, prices and their fall are stated assumptions with ranges; low and "
            "high are the least and most over all their corners. Money is that of the country's own part and its "
            "landing, in US dollars of the price year, before tax. No figure was set to reach a published hope.",
            is_note=True,
        ),
        *_markets(plan),
    ]


def _money_figure(cash: pl.DataFrame) -> Figure:
    rows = []
    for row in cash.filter(pl.col("revenue_usd") > 0).iter_rows(named=True):
        low, value, high = (row[f"revenue{end}_usd"] / MILLION for end in ("_low", "", "_high"))
        foreign = row["foreign_exchange_usd"] / MILLION
        marks = [Mark(value, ACCENT, low, high)]
        if foreign > 0:
            marks.append(Mark(foreign, INK, is_diamond=True))
        rows.append(MarkRow(str(row["year"]), "", tuple(marks)))
    title = "Revenue and foreign exchange by year"
    drawing = figures.mark_rows(rows, MONEY_TICKS, "million US dollars a year", title, is_log=True)
    legend = ((ACCENT, "Revenue, with its range"), (INK, "Foreign exchange, net of imported costs (where positive)"))
    caption = "Each step of the scale is ten times the one before."
    return Figure((drawing,), caption, legend, title)


def _years_table(cash: pl.DataFrame) -> Table:
    so_far = cash["discounted_usd"].cum_sum().to_list()
    rows = []
    for row, value in zip(cash.iter_rows(named=True), so_far, strict=True):
        has_ends = "foreign_exchange_low_usd" in row
        foreign = band(row["foreign_exchange_low_usd"], row["foreign_exchange_high_usd"], "usd") if has_ends else ""
        rows.append(
            (
                Cell(str(row["year"])),
                Cell(figure(row["sold_gbps"], "gbps")),
                Cell(_money(row["revenue_usd"]), second=band(row["revenue_low_usd"], row["revenue_high_usd"], "usd")),
                Cell(_money(row["capex_usd"])),
                Cell(_money(row["opex_usd"])),
                Cell(_money(row["foreign_exchange_usd"]), second=foreign),
                Cell(_money(value)),
            )
        )
    header = ("Year", "Sold", "Revenue", "Building", "Running", "Foreign exchange", "Value today, so far")
    return Table(header, tuple(rows), ("left", *(RIGHT,) * 6), "By year, central case; small figures: low to high")


def _cases_table(plan: Plan) -> Table:
    rows = []
    cases = {row["case_id"]: row for row in plan.tables["transit_business"].iter_rows(named=True)}
    for case_id in [*(name for name in CASE_NAMES if name in cases), *sorted(set(cases) - set(CASE_NAMES))]:
        row = cases[case_id]
        price = row["break_even_price_usd_per_mbps_month"]
        rows.append(
            (
                Cell(CASE_NAMES.get(case_id, case_id)),
                Cell(f"US$ {row['price_usd_per_mbps_month']:.2f}"),
                Cell(figure(row["sold_gbps"], "gbps")),
                Cell(_money(row["revenue_value_usd"])),
                Cell(_money(row["cost_value_usd"])),
                Cell(_money(row["npv_usd"]), "good" if row["npv_usd"] >= 0 else "bad"),
                Cell("–" if price is None else f"US$ {price:.2f}"),
            )
        )
    header = ("Case", "Price", "Sold at the end", "Revenue", "Cost", "Net present value", "Price that pays")
    return Table(
        header,
        tuple(rows),
        ("left", *(RIGHT,) * 6),
        "Value today of the whole business, by case; prices per Mbit/s and month",
    )


def _markets(plan: Plan) -> list[Block]:
    if not _has(plan, "transit_years", "transit_routes"):
        return []
    names = {
        row[0]: f"{row[1]} - {row[2]}"
        for row in plan.tables["transit_routes"].select("pair_id", "from_name", "to_name").iter_rows()
    }
    end = int(plan.manifest["scenario"]["years"][-1])
    frame = plan.tables["transit_years"].filter(pl.col("year") == end)
    rows = tuple(
        (
            Cell(row["origin"], second=names.get(row["market_id"], row["market_id"])),
            Cell(figure(row["demand_gbps"], "gbps")),
            Cell(figure(row["addressable_frac"], "frac")),
            Cell(figure(row["share_frac"], "frac")),
            Cell(figure(row["sold_gbps"], "gbps")),
            Cell(_money(row["revenue_usd_per_year"]),
                 second=band(row["revenue_low_usd_per_year"], row["revenue_high_usd_per_year"], "usd")),
            Cell(row["note"] or ""),
        )
        for row in frame.sort("revenue_usd_per_year", "market_id", descending=[True, False]).iter_rows(named=True)
    )  # fmt: skip
    header = (
        "Market",
        "Demand",
        "Open to another way",
        "Share won in the long run",
        "Sold",
        "Revenue",
        "Where it is from",
    )
    align: tuple[Align, ...] = ("left", *(RIGHT,) * 5, "left")
    return [Table(header, rows, align, f"Markets in {end}", is_long=True)]
