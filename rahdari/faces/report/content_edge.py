"""Computers beside the fibre in the report: services, nodes, motorways, and what no node can carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.faces.report.blocks import RIGHT, Block, Cell, Heading, Section, Table, Text
from rahdari.faces.report.content_transit import model_badge
from rahdari.faces.report.words import amount, english, figure, local

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

NODES, SERVICES, WORKS = "edge_nodes", "edge_services", "edge_workloads"
N_NODES = 20  # shown, the largest
LIMITS = (
    "Fibre kilometres are those of the plan's fibre, modelled where it is not published. Numbers of units, jobs and "
    "prices are assumed or derived, and stand in the catalogue edge_kinds with their source. Positions of gantries and "
    "roadside units are spread evenly along the road's way, at an end where no way was found. A second node holds the "
    "same share of cabinets ready; what both ways share is fibre that no way avoids."
)


def _answer(plan: Plan) -> Text:
    nodes, works = plan.tables[NODES], plan.tables[WORKS]
    proof = plan.certificates.filter(pl.col("engine") == "edge")
    gap = f"; no placement costs less than {1.0 - proof['gap_frac'][0]:.1%} of it" if proof.height else ""
    left = works.filter(pl.col("status").is_in(["no node within its limits", "too far from fibre"])).height
    alone = works.filter(pl.col("status") == "no second node apart").height
    return Text(
        f"{nodes.height} nodes with {int(nodes['n_servers'].sum())} cabinets carry the services below for "
        f"{amount(float(nodes['capex_usd'].sum()), 'usd')} to build and "
        f"{amount(float(nodes['opex_usd_per_year'].sum()), 'usd_per_year')} to run{gap}. {left} workloads have no node "
        f"within their limits, and {alone} no second one by a way apart."
    )


def _services(plan: Plan) -> Table:
    kinds = plan.tables["edge_kinds"].select("edge_kind_id", "latency_ms", "residency", "unit_name", "evidence")
    rows = tuple(
        (
            Cell(row["name"], second=row["evidence"]),
            Cell(f"{row['n_units']:,}", second=row["unit_name"]),
            Cell(figure(row["demand_mbps"], "mbps")),
            Cell(f"{row['decision_p99_ms']:,.0f} ms", second=f"limit {row['latency_ms']:,.0f} ms"),
            Cell("in time" if row["is_in_time"] else "late"),
            Cell(str(row["n_unplaced"]), second=f"{row['n_alone']} without a second"),
            Cell({"none": "anywhere", "country": "country", "province": "province"}[row["residency"]]),
        )
        for row in plan.tables[SERVICES].join(kinds, on="edge_kind_id").sort("edge_kind_id").iter_rows(named=True)
    )
    header = ("Service", "Units", "To the edge", "Decided within, 99 %", "Verdict", "Without a node", "Data stays in")
    return Table(header, rows, ("left", RIGHT, RIGHT, RIGHT, "left", RIGHT, "left"), "Services at the edge")


def _nodes(plan: Plan) -> Table:
    nodes = plan.tables[NODES].sort("n_servers", "edge_node_id", descending=[True, False])
    places = plan.tables["places"].select("place_id", place="name")
    shown = nodes.head(N_NODES).join(places, on="place_id", how="left", maintain_order="left")
    rows = tuple(
        (
            Cell(row["place"] or row["edge_node_id"], second=row["region"] or ""),
            Cell(row["site_kind"].replace("_", " ")),
            Cell(str(row["n_servers"]), second=f"{figure(row['used_frac'], 'frac')} held"),
            Cell(f"{row['n_main']:,}", second=f"ready for {row['n_second']:,}"),
            Cell(figure(row["demand_mbps"], "mbps")),
            Cell(f"{row['autonomy_h']:.0f} h"),
            Cell(amount(row["capex_usd"], "usd")),
        )
        for row in shown.iter_rows(named=True)
    )
    header = ("Node", "At", "Cabinets", "Workloads", "Streams", "Without grid", "To build")
    caption = f"Edge nodes, the {shown.height} largest of {nodes.height}"
    return Table(header, rows, ("left", "left", *(RIGHT,) * 5), caption)


def _motorways(plan: Plan) -> Table | None:
    works = plan.tables[WORKS].filter(pl.col("motorway_id").is_not_null() & (pl.col("edge_kind_id") == "toll_gantry"))
    held = plan.tables["edge_assignments"].filter(pl.col("role") == "main").select("edge_workload_id", "network_ms")
    joined = works.join(held, on="edge_workload_id", how="left")
    sums = joined.group_by("motorway_id").agg(
        pl.len().alias("n_positions"), pl.col("n_units", "demand_mbps").sum(), pl.col("network_ms").max(),
        pl.col("is_in_service").all(), pl.col("opening_year").max(), pl.col("position").first(),
        (pl.col("status") == "placed").mean().alias("placed_frac"),
    )  # fmt: skip
    roads = sums.join(plan.tables["motorways"].select("motorway_id", "name"), on="motorway_id").sort("motorway_id")
    if not roads.height:
        return None
    rows = []
    for row in roads.iter_rows(named=True):
        opens = "" if row["opening_year"] is None else f" {row['opening_year']}"
        state = "in service" if row["is_in_service"] else f"planned{opens or ', no year published'}"
        rows.append((
            Cell(f"{row['motorway_id']} {row['name']}", second=row["position"]), Cell(state),
            Cell(str(2 * row["n_positions"])), Cell(f"{row['n_units']:,}"), Cell(figure(row["demand_mbps"], "mbps")),
            Cell("–" if row["network_ms"] is None else f"{row['network_ms']:.1f} ms"),
            Cell(figure(row["placed_frac"], "frac")),
        ))  # fmt: skip
    header = ("Motorway", "State", "Gantries", "Lane cameras", "Streams", "Longest round trip", "With both nodes")
    return Table(header, tuple(rows), ("left", "left", *(RIGHT,) * 5), "Tolling along motorways, positions synthetic")


def edge_section(plan: Plan, language: str) -> Section | None:
    """Return the page on edge computing; ``None`` where the plan has no edge node."""
    if NODES not in plan.tables or WORKS not in plan.tables or not plan.tables[NODES].height:
        return None
    motorways = _motorways(plan)
    blocks: list[Block] = [
        Heading("Computers beside the fibre", model_badge(plan, "edge"), "edge-nodes"), _answer(plan), _services(plan),
        *([motorways] if motorways else []), _nodes(plan), Text(LIMITS, is_note=True),
    ]  # fmt: skip
    return Section("edge-computing", english("edge"), local("edge", language), tuple(blocks))
