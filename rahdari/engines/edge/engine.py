"""The edge engine: which computers stand beside the fibre, and what they carry of roads, cities, rivers and offices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.edge.network import candidates, edge_network, fibre, prices
from rahdari.engines.edge.origins import origins
from rahdari.engines.edge.outputs import assignment_table, node_table, service_table, workload_table
from rahdari.engines.edge.workloads import asked, demanded, unit_servers, workloads
from rahdari.methods.placement import place
from rahdari.methods.placement_input import EdgeLimits
from rahdari.model import EngineResult, Indicator
from rahdari.schema import schemas_in
from rahdari.schema.checks import conform, empty_table

if TYPE_CHECKING:
    from rahdari.engines.edge.params import EdgeParams
    from rahdari.model import Context, Tables

SCHEMAS = Path(__file__).parent / "tables"
TOLLING = "toll_gantry"
DIRECTIONS_COUNT = 2
SPACING_SWING_RATIO = 2.0  # gantries at half and at twice the spacing behind low and high
UNPLACED_USD = 1e6  # a year for one server's worth without a node: far above any node
NOTES = (
    "Positions of gantries and roadside units, and all numbers of units, are synthetic; motorways are facts.",
    "A second node holds the same share of servers in reserve; ways share bridges of the fibre at most.",
)


def _gantries(tables: Tables, spacing_km: float, year: int) -> float:
    """Return gantries of motorways in service: both directions, one each a spacing."""
    opened = (pl.col("opening_year") <= year).fill_null(value=False)
    roads = tables["motorways"].filter(pl.col("state").is_in(["operational", "partial"]) | opened)
    return DIRECTIONS_COUNT * float(np.ceil(roads["length_km"].to_numpy() / spacing_km).sum())


def _indicators(made: dict[str, pl.DataFrame], tables: Tables, params: EdgeParams, ctx: Context) -> list[Indicator]:
    works, nodes, services = made["edge_workloads"], made["edge_nodes"], made["edge_services"]
    spacing, base, end = params.gantry_spacing_km, ctx.year_base, ctx.year_end
    tolls = works.filter((pl.col("edge_kind_id") == TOLLING) & pl.col("is_in_service"))
    wants = works.filter(pl.col("status") != "planned without a year")
    placed = wants.filter(pl.col("status").is_in(["placed", "no second node apart"]))
    total = max(float(wants["servers_count"].sum()), 1e-9)
    in_time = services.filter("is_in_time").select("edge_kind_id")
    timely = placed.join(in_time, on="edge_kind_id", how="semi")
    swing = [
        _gantries(tables, spacing * ratio, base) for ratio in (SPACING_SWING_RATIO, 1.0, 1.0 / SPACING_SWING_RATIO)
    ]
    money = {name: float(nodes[name].sum()) for name in ("capex_usd", "opex_usd_per_year", "n_servers")}
    return [
        Indicator("its_gantries_count", base, "Tolling gantries on motorways in service", swing[1], "count",
                  "2 directions x length / spacing; range: twice and half the spacing", "assumed", swing[0], swing[2]),
        Indicator("its_demand_mbps", base, "Streams of those gantries to the edge", float(tolls["demand_mbps"].sum()),
                  "mbps", "positions x lane cameras x stream", "assumed"),
        Indicator("edge_nodes_count", end, "Edge nodes", float(nodes.height), "count",
                  "least cost on the fibre with a second node apart; bound in the certificate", "modelled"),
        Indicator("edge_servers_count", end, "Edge cabinets in those nodes", money["n_servers"], "count",
                  "shares of workloads and their reserves / one cabinet, rounded up at each node", "modelled"),
        Indicator("edge_capex_usd", end, "To build edge nodes", money["capex_usd"], "usd",
                  "nodes, cabinets and batteries", "modelled"),
        Indicator("edge_opex_usd_per_year", end, "To run edge nodes", money["opex_usd_per_year"], "usd_per_year",
                  "rent, care and energy", "modelled"),
        Indicator("edge_in_time_frac", end, "Edge workloads decided in time",
                  float(timely["servers_count"].sum()) / total, "frac",
                  "servers' worth of services whose 99th percentile is within their limit / all", "modelled"),
        Indicator("edge_second_frac", end, "Edge workloads that survive the loss of a node or a link",
                  float(wants.filter(pl.col("status") == "placed")["servers_count"].sum()) / total, "frac",
                  "servers' worth of workloads placed as their service asks / all", "modelled"),
    ]  # fmt: skip


def edge(tables: Tables, params: EdgeParams, ctx: Context) -> EngineResult:
    """Return edge nodes, services, workloads and who carries them, with the bound on the cost of any placement.

    Motorways count from the year they open; all that open by a published year are placed together.  Raises
    :class:`InputError` where the catalogue has no edge cabinet.
    """
    price, net = prices(tables["equipment"]), fibre(tables)
    kinds = unit_servers(tables["edge_kinds"], price, params)
    land = tables["country"]["country_id"]
    country = str(land[0]) if land.len() else ""
    found = candidates(tables, net, params)
    every = workloads(origins(tables, params, ctx.year_base), kinds, tables, net, params)
    schemas = schemas_in(SCHEMAS)
    made = {name: empty_table(schema) for name, schema in schemas.items()}
    certificates = []
    if found.height and every.height:
        placed = every.filter("is_placed")
        steps = params.n_steps_full if ctx.detail == "full" else params.n_steps_quick
        limits = EdgeLimits(params.usd_per_mbps_km, params.standby_frac, UNPLACED_USD, steps)
        plan = place(
            edge_network(found, net, price, params, country), asked(kinds), demanded(placed, kinds, country), limits
        )
        certificates.append(plan.certificate)
        made["edge_assignments"] = assignment_table(placed, found, plan)
        made["edge_workloads"] = workload_table(every, made["edge_assignments"])
        nodes = node_table(found, plan, placed, price, params, net)
        made["edge_nodes"] = nodes if nodes.width else made["edge_nodes"]
    made["edge_services"] = service_table(
        kinds, made["edge_workloads"], made["edge_assignments"], made["edge_nodes"]
    ).select(schemas["edge_services"].names)
    result = {name: conform(made[name], schemas[name]) for name in sorted(made)}
    return EngineResult(
        tables=result, indicators=tuple(_indicators(result, tables, params, ctx)),
        certificates=tuple(certificates), notes=NOTES,
    )  # fmt: skip
