"""The corridor: where it runs, its delays beside the claim, capacity, a second way, and what it earns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.faces.report.blocks import RIGHT, Align, Block, Cell, Section, Table, Text, Tone
from rahdari.faces.report.content_indicators import value_of
from rahdari.faces.report.words import english, figure, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

KIND_ORDER = {"corridor": 0, "corridor_leg": 1, "corridor_variant": 2}
N_VARIANTS = 5
N_CHAINS = 12
CLAIM_FROM, CLAIM_TO = "latency_claim_from_ms", "latency_claim_to_ms"
HOURS_PER_YEAR = 8766.0
GBPS_PER_TBPS = 1000.0
LEFT_RIGHT: tuple[Align, ...] = ("left", "right")


def corridor_routes(plan: Plan) -> pl.DataFrame:
    """Return the corridor, its legs and variants in the reader's order; no row where there is no corridor."""
    routes = plan.tables["routes"].filter(pl.col("kind").is_in(list(KIND_ORDER)))
    order = pl.col("kind").replace_strict(KIND_ORDER, default=9, return_dtype=pl.Int64).alias("order")
    return routes.with_columns(order).sort("order", "fibre_km", "route_id")


def _ways(routes: pl.DataFrame) -> Table:
    rows = []
    variants = 0
    for row in routes.iter_rows(named=True):
        variants += row["kind"] == "corridor_variant"
        if variants > N_VARIANTS:
            break
        rows.append(
            (
                Cell(row["name"], second=row["kind"].replace("_", " ")),
                Cell(figure(row["length_km"], "km")),
                Cell(figure(row["fibre_km"], "km")),
                Cell(figure(row["great_circle_km"], "km")),
                Cell("yes" if row["has_disjoint"] else "no", "good" if row["has_disjoint"] else "bad"),
            )
        )
    header = ("Way", "Along the road", "Fibre", "As the crow flies", "Second way that shares no road")
    return Table(header, tuple(rows), ("left", RIGHT, RIGHT, RIGHT, "left"), "Where it runs")


def _fact(plan: Plan, name: str) -> dict[str, Any] | None:
    if "facts" not in plan.tables or "fact_id" not in plan.tables["facts"].columns:
        return None
    rows = plan.tables["facts"].filter(pl.col("fact_id") == name)
    return rows.row(0, named=True) if rows.height else None


def _latency(plan: Plan, routes: pl.DataFrame) -> list[Block]:
    """Return round-trip floors of each leg and market beside the published claim."""
    rows = [
        (Cell(row["name"], second="inside the country"), Cell(figure(row["rtt_ms"], "ms")), Cell("–"))
        for row in routes.filter(pl.col("kind") != "corridor_variant").iter_rows(named=True)
    ]
    wanted = {"from_name", "to_name", "rtt_ms", "rtt_subsea_ms"}
    if "transit" in plan.tables and wanted <= set(plan.tables["transit"].columns):
        rows += [
            (
                Cell(f"{row['from_name']} - {row['to_name']}", second="whole path by the corridor"),
                Cell(figure(row["rtt_ms"], "ms")),
                Cell(figure(row["rtt_subsea_ms"], "ms")),
            )
            for row in plan.tables["transit"].sort("from_name", "to_name").iter_rows(named=True)
        ]
    header = ("Path", "Round trip at least", "By sea instead, at least")
    caption = "Floors: light in fibre alone, before any equipment or queue"
    blocks: list[Block] = [Table(header, tuple(rows), ("left", RIGHT, RIGHT), caption)]
    before, after = _fact(plan, CLAIM_FROM), _fact(plan, CLAIM_TO)
    if before is not None and after is not None:
        inside = routes.filter(pl.col("kind") == "corridor")["rtt_ms"][0]
        blocks.append(
            Text(
                f"Published: delay falls from {before['value']:g} ms to {after['value']:g} ms. The floor of the part "
                f"inside the country alone is {inside:.1f} ms there and back: the claim can only speak of that part; "
                "a path that goes on by sea starts from the floors in the table.",
                is_note=True,
            )
        )
    return blocks


def _capacity(plan: Plan, routes: pl.DataFrame) -> list[Block]:
    """Return what light carries on the corridor, its bill, and the core's capacity that survives failures."""
    blocks: list[Block] = []
    optical = plan.tables["optical_paths"].join(
        routes.filter(pl.col("kind") != "corridor_variant").select("route_id", "name", "order"), on="route_id"
    )
    rows = tuple(
        (
            Cell(row["name"], second=f"{row['n_spans']} spans, {row['n_regenerators']} regenerators"),
            Cell(figure(row["gsnr_db"], "db")),
            Cell(f"{row['channel_gbps']:g} Gbit/s", second=row["modulation"].replace("_", " ")),
            Cell(figure(row["capacity_tbps"], "tbps")),
            Cell(figure(row.get("equipment_usd"), "usd")),
        )
        for row in optical.sort("order", "route_id").iter_rows(named=True)
    )
    header = ("Path", "Signal to all noise, 0.1 nm", "One channel", "One fibre pair", "Amplifiers and transponders")
    blocks.append(Table(header, rows, ("left", RIGHT, RIGHT, RIGHT, RIGHT), "What light carries end to end"))
    if "backbone_capacity" in plan.tables and plan.tables["backbone_capacity"].height:
        blocks.append(_core(plan))
    return blocks


def _core(plan: Plan) -> Table:
    frame = plan.tables["backbone_capacity"]
    named = frame.filter(pl.col("from_name").is_not_null() & pl.col("to_name").is_not_null())
    shown = (named if named.height else frame).sort("total_gbps", "link_id", descending=[True, False]).head(N_CHAINS)
    rows = tuple(
        (
            Cell(f"{row['from_name'] or 'junction'} - {row['to_name'] or 'junction'}"),
            Cell(figure(row["working_gbps"], "gbps")),
            Cell(figure(row["spare_gbps"], "gbps")),
            Cell(figure(row["used_frac"], "frac")),
            Cell(figure(row["cost_usd"], "usd")),
        )
        for row in shown.iter_rows(named=True)
    )
    km = frame["fibre_km"].to_numpy()
    total_tbps = float(frame["total_gbps"].to_numpy() @ km / max(float(km.sum()), 1.0)) / GBPS_PER_TBPS
    caption = (
        f"National core: the fullest of {frame.height} chains; the mean one carries {total_tbps:.1f} Tbit/s. Spare is "
        "shared by all failures that the design survives"
    )
    return Table(("Between", "Working", "Spare", "In use", "Equipment"), rows, ("left", *(RIGHT,) * 4), caption)


def _availability(routes: pl.DataFrame) -> Table:
    def hours(value: float | None) -> str:
        return "–" if value is None else f"{(1.0 - value) * HOURS_PER_YEAR:,.1f} h a year"

    rows = tuple(
        (
            Cell(row["name"]),
            Cell(f"{row['availability_frac']:.3%}", second=hours(row["availability_frac"])),
            Cell(
                f"{row['pair_availability_frac']:.3%}" if row["has_disjoint"] else "no second way",
                second=hours(row["pair_availability_frac"]) if row["has_disjoint"] else "",
            ),
        )
        for row in routes.filter(pl.col("kind") != "corridor_variant").iter_rows(named=True)
    )
    return Table(("Path", "One way alone", "With a second way"), rows, ("left", RIGHT, RIGHT), "How often it works")


def _business(plan: Plan) -> list[Block]:
    """Return what transit earns: one row a market, and the sums that the transit engine states."""
    blocks: list[Block] = []
    wanted = {"from_name", "to_name", "capacity_gbps", "revenue_usd_per_year"}
    if "transit" in plan.tables and wanted <= set(plan.tables["transit"].columns):
        frame = plan.tables["transit"].sort("revenue_usd_per_year", descending=True)
        rows = tuple(
            (
                Cell(f"{row['from_name']} - {row['to_name']}"),
                Cell(figure(row["capacity_gbps"], "gbps")),
                Cell(figure(row["revenue_usd_per_year"], "usd_per_year")),
            )
            for row in frame.iter_rows(named=True)
        )
        blocks.append(Table(("Market", "Sold", "Gross revenue"), rows, ("left", RIGHT, RIGHT), "Business case"))
    low_high = plan.indicators.filter(pl.col("indicator_id").str.starts_with("transit_")).sort("indicator_id", "year")
    last = low_high.group_by("indicator_id", maintain_order=True).last()
    rows = tuple(
        (
            Cell(row["name"]),
            Cell(figure(row["value"], row["unit"])),
            Cell(
                f"{figure(row['value_low'], row['unit'])} to {figure(row['value_high'], row['unit'])}"
                if row["value_low"] is not None and row["value_high"] is not None
                else "–"
            ),
        )
        for row in last.iter_rows(named=True)
    )
    if rows:
        caption = "Transit in sums; prices are assumptions with wide ranges"
        blocks.append(Table(("Figure", "Value", "Range"), rows, ("left", RIGHT, RIGHT), caption))
    return blocks


def _replay(plan: Plan) -> Table | None:
    if "backbone_replay" not in plan.tables or not plan.tables["backbone_replay"].height:
        return None
    rows = []
    for row in plan.tables["backbone_replay"].sort("at_utc", "event_id", "measure").iter_rows(named=True):
        unit = row["unit_text"]
        star = "" if row["is_independent"] else " *"
        band = f"{figure(row['predicted_low_value'], unit)} to {figure(row['predicted_high_value'], unit)}"
        inside = row["is_in_band"]
        verdict = "not published" if inside is None else "inside the band" if inside else "outside the band"
        tone: Tone = "plain" if inside is None else "good" if inside else "bad"
        rows.append(
            (
                Cell(row["at_utc"][:10]),
                Cell(f"{row['measure']}{star}", second=row["what"]),
                Cell(figure(row["predicted_value"], unit), second=band),
                Cell(figure(row["published_value"], unit)),
                Cell(verdict, tone, second=row["note"]),
            )
        )
    header = ("Date", "What is compared", "Predicted", "Published", "Verdict")
    caption = (
        "Published cuts replayed; nothing was tuned to an event. * an input of the prediction comes from the source "
        "that reports the event, so that agreement proves nothing"
    )
    return Table(header, tuple(rows), ("left", "left", RIGHT, RIGHT, "left"), caption)


def corridor_section(plan: Plan, language: str) -> Section | None:
    """Return the corridor page; ``None`` where the plan has no corridor."""
    if "routes" not in plan.tables or "optical_paths" not in plan.tables:
        return None
    routes = corridor_routes(plan)
    if not routes.filter(pl.col("kind") == "corridor").height:
        return None
    share = value_of(plan, "corridor_disjoint_frac")
    blocks: list[Block | None] = [_ways(routes)]
    if share is not None and share < 1.0:
        blocks.append(Text(f"{share:.0%} of the corridor's fibre lies on legs that have a second way sharing no road."))
    blocks += [
        *_latency(plan, routes),
        *_capacity(plan, routes),
        _availability(routes),
        *_business(plan),
        _replay(plan),
    ]
    note = "Routes follow the rights of way of the road data; no duct position is stated or implied."
    present = [block for block in blocks if block is not None]
    return Section("corridor", english("corridor"), local("corridor", language), (*present, Text(note, is_note=True)))
