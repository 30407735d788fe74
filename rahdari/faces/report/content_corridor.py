"""The corridor: where it runs, its delays beside the claim, capacity, a second way, and what it earns."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import polars as pl

from rahdari.faces.report.blocks import RIGHT, Block, Cell, Heading, Section, Table, Text
from rahdari.faces.report.content_indicators import value_of
from rahdari.faces.report.content_transit import (
    business_blocks,
    joint_blocks,
    latency_blocks,
    model_badge,
    rival_blocks,
)
from rahdari.faces.report.words import english, figure, local
from rahdari.service.failing import CoreFailures

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

KIND_ORDER = {"corridor": 0, "corridor_leg": 1, "corridor_variant": 2}
N_VARIANTS = 5
HOURS_PER_YEAR = 8766.0
USE_ENDS = (-1.0, 0.5, 0.8, 0.95, 2.0)  # classes of the share in use, as the map has them


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
    return Table(header, tuple(rows), ("left", RIGHT, RIGHT, RIGHT, "left"))


def _floors(routes: pl.DataFrame) -> Table:
    """Return the round-trip floor of the corridor and its legs, for a country without markets for transit."""
    rows = tuple(
        (Cell(row["name"]), Cell(figure(row["fibre_km"], "km")), Cell(f"{row['rtt_ms']:.1f} ms"))
        for row in routes.filter(pl.col("kind") != "corridor_variant").iter_rows(named=True)
    )
    caption = "Floors: light in fibre alone, before any equipment or queue"
    return Table(("Path", "Fibre", "There and back at least"), rows, ("left", RIGHT, RIGHT), caption)


def _capacity(plan: Plan, routes: pl.DataFrame) -> list[Block]:
    """Return what light carries on the corridor, and its bill."""
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
    return blocks


def _core(plan: Plan) -> list[Block]:
    """Return the core's use of its capacity by class, and all its single failures together; no chain is named."""
    if "backbone_capacity" not in plan.tables or not plan.tables["backbone_capacity"].height:
        return []
    frame = plan.tables["backbone_capacity"].filter(pl.col("total_gbps") > 0)
    rows = []
    for low, high in itertools.pairwise(USE_ENDS):
        own = frame.filter((pl.col("used_frac") > low) & (pl.col("used_frac") <= high))
        name = f"above {low:.0%}" if high > 1 else f"up to {high:.0%}" if low < 0 else f"{low:.0%} to {high:.0%}"
        km, gbps = own["fibre_km"].to_numpy(), own["total_gbps"].to_numpy()
        mean = float(gbps @ km / km.sum()) if own.height else None
        rows.append(
            (Cell(name.replace("%", " %")), Cell(str(own.height)), Cell(figure(float(km.sum()), "km")),
             Cell(figure(mean, "gbps")), Cell(figure(float(own["cost_usd"].to_numpy().sum()), "usd")))
        )  # fmt: skip
    header = ("Capacity in use, nothing failed", "Chains", "Fibre", "Capacity of the mean km", "Equipment")
    caption = "The core that survives failures, by how much of its capacity is in use"
    blocks: list[Block] = [
        Heading("The national core and its failures", model_badge(plan, "backbone"), "corridor-core"),
        Table(header, tuple(rows), ("left", *(RIGHT,) * 4), caption),
    ]
    failures = CoreFailures.of(plan.reader)
    return [*blocks, *(_failures(failures) if failures is not None else []), *_risk_kinds(plan)]


def _failures(failures: CoreFailures) -> list[Block]:
    means = failures.means()
    parts = [
        ("On the failed chain", means.struck_frac, "busy-hour traffic of the core"),
        ("Finds another way with room", means.rerouted_frac, "nothing else moves"),
        ("Needs other traffic to move", means.waiting_frac, "the design moves all traffic and carries it"),
        ("Has no way", means.cut_off_frac, "the chain is the only way of a city"),
    ]
    rows = tuple((Cell(name, second=text), Cell(_small_share(value))) for name, value, text in parts)
    caption = f"What one cut does, mean over the kilometres of all {means.n_links} chains"
    text = (
        "The map plays the failure of any one chain on a click: what is rerouted, which links fill, what is cut off. "
        "No list ranks chains; named cut sets need local authorisation."
    )
    return [Table(("One chain fails", "Share of all traffic"), rows, ("left", RIGHT), caption), Text(text)]


def _small_share(value: float) -> str:
    return f"{value * 100:.2g} %"


def _risk_kinds(plan: Plan) -> list[Block]:
    """Return counts of what fails together, by kind; names are for those with local authorisation."""
    if "risk_kinds" not in plan.tables or not plan.tables["risk_kinds"].height:
        return []
    rows = tuple(
        (
            Cell(str(row["kind"]).replace("_", " ").capitalize()),
            Cell(figure(row["n_groups"])),
            Cell(figure(row["n_ways"])),
            Cell(figure(row["members_km"], "km")),
            Cell(figure(row["rate_per_year"], "per_year")),
        )
        for row in plan.tables["risk_kinds"].sort("kind").iter_rows(named=True)
    )
    header = ("What fails together", "Groups", "Rights of way", "Their length", "Failures, all groups")
    caption = "Risk groups from geometry and hazards: counts by kind alone"
    return [Table(header, rows, ("left", *(RIGHT,) * 4), caption)]


def _availability(routes: pl.DataFrame) -> Table:
    def hours(value: float | None) -> str:
        return "–" if value is None else f"{(1.0 - value) * HOURS_PER_YEAR:,.1f} h a year"

    rows = tuple(
        (
            Cell(row["name"]),
            Cell(f"{row['availability_frac'] * 100:.3f} %", second=hours(row["availability_frac"])),
            Cell(
                f"{row['pair_availability_frac'] * 100:.3f} %" if row["has_disjoint"] else "no second way",
                second=hours(row["pair_availability_frac"]) if row["has_disjoint"] else "",
            ),
        )
        for row in routes.filter(pl.col("kind") != "corridor_variant").iter_rows(named=True)
    )
    return Table(("Path", "One way alone", "With a second way"), rows, ("left", RIGHT, RIGHT), "How often it works")


def corridor_section(plan: Plan, language: str) -> Section | None:
    """Return the corridor page; ``None`` where the plan has no corridor."""
    if "routes" not in plan.tables or "optical_paths" not in plan.tables:
        return None
    routes = corridor_routes(plan)
    if not routes.filter(pl.col("kind") == "corridor").height:
        return None
    share = value_of(plan, "corridor_disjoint_frac")
    badge = model_badge(plan, "backbone")
    blocks: list[Block] = [Heading("Where it runs", badge, "corridor-ways"), _ways(routes)]
    if share is not None and share < 1.0:
        blocks.append(
            Text(f"{share * 100:.0f} % of the corridor's fibre lies on legs that have a second way sharing no road.")
        )
    blocks += [
        *(latency_blocks(plan) or [_floors(routes)]),
        *rival_blocks(plan),
        *joint_blocks(plan),
        *business_blocks(plan),
        Heading("What it carries and how often it works", badge, "corridor-light"),
        *_capacity(plan, routes),
        _availability(routes),
        *_core(plan),
    ]
    note = "Routes follow the rights of way of the road data; no duct position is stated or implied."
    return Section("corridor", english("corridor"), local("corridor", language), (*blocks, Text(note, is_note=True)))
