"""Tables of a placement: nodes, workloads, assignments and services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely

from rahdari.engines.edge.network import battery_kwh
from rahdari.methods.queueing import wait_ms
from rahdari.units import FIBRE_DELAY_MS_PER_KM, HOURS_PER_YEAR

if TYPE_CHECKING:
    from rahdari.engines.edge.network import Fibre, Prices
    from rahdari.engines.edge.params import EdgeParams
    from rahdari.methods.placement import EdgePlacement

ROLES = ("main", "second")
TAIL = 0.99
LONGEST_WAIT_MS = 1e6  # stands for a queue without end


def node_names(found: pl.DataFrame) -> list[str]:
    """Return an identifier for a node at each candidate."""
    return [f"edge-{name}" for name in found["site_id"].to_list()]


def assignment_table(placed: pl.DataFrame, found: pl.DataFrame, plan: EdgePlacement) -> pl.DataFrame:
    """Return one row a workload and role that has a node."""
    names, rows = node_names(found), []
    ids, kinds = placed["edge_workload_id"].to_list(), placed["edge_kind_id"].to_list()
    slack = (placed["latency_ms"] - placed["access_ms"] - placed["job_ms"]).to_list()
    for item, pair in enumerate(plan.assignment.tolist()):
        for role, held in enumerate(pair):
            if held < 0:
                continue
            km = float(plan.km[item, role])
            rows.append((
                ids[item], ROLES[role], kinds[item], names[held], km, float(plan.shared_km[item]),
                2.0 * km * FIBRE_DELAY_MS_PER_KM, float(slack[item]),
                2.0 * km * FIBRE_DELAY_MS_PER_KM <= float(slack[item]) + 1e-9,
            ))  # fmt: skip
    columns = {
        "edge_workload_id": pl.String, "role": pl.String, "edge_kind_id": pl.String, "edge_node_id": pl.String,
        "fibre_km": pl.Float64, "shared_km": pl.Float64, "network_ms": pl.Float64, "limit_ms": pl.Float64,
        "is_in_time": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=columns, orient="row")


def workload_table(every: pl.DataFrame, assigned: pl.DataFrame) -> pl.DataFrame:
    """Return ``edge_workloads``: all origins, also those that no node carries, with the reason."""
    held = assigned.group_by("edge_workload_id").agg(n_nodes=pl.len())
    joined = every.join(held, on="edge_workload_id", how="left").with_columns(pl.col("n_nodes").fill_null(0))
    status = (
        pl.when(~pl.col("is_planned")).then(pl.lit("planned without a year"))
        .when(~pl.col("is_placed")).then(pl.lit("too far from fibre"))
        .when(pl.col("n_nodes") == 0).then(pl.lit("no node within its limits"))
        .when(pl.col("has_second") & (pl.col("n_nodes") == 1)).then(pl.lit("no second node apart"))
        .otherwise(pl.lit("placed"))
    )  # fmt: skip
    points = shapely.to_wkb(shapely.points(joined["lon_deg"].to_numpy(), joined["lat_deg"].to_numpy()))
    is_place = pl.col("origin").is_in(["city", "district", "river"])
    return joined.select(
        "edge_workload_id", "edge_kind_id", "origin", "motorway_id",
        pl.when(is_place).then("origin_id").alias("place_id"), "road_km", "opening_year", "is_in_service", "region",
        "position", "n_units",
        demand_mbps=pl.col("n_units") * pl.col("up_mbps"),
        busy_workers_count=pl.col("n_units") * pl.col("n_jobs_per_h") * pl.col("job_ms") / 3_600_000.0,
        stored_gb=1000.0 * pl.col("n_units") * pl.col("unit_tb"),
        servers_count="load_servers", access_km="access_km", status=status, lon_deg="lon_deg", lat_deg="lat_deg",
        how_known=pl.lit("synthetic"), geometry=pl.Series(points, dtype=pl.Binary),
    )  # fmt: skip


def node_table(  # noqa: PLR0917  # what a node is made of
    found: pl.DataFrame, plan: EdgePlacement, placed: pl.DataFrame, price: Prices, params: EdgeParams, net: Fibre
) -> pl.DataFrame:
    """Return ``edge_nodes`` with servers, load with and without reserve, autonomy, waits and money."""
    rows = found[plan.nodes.tolist()]
    main, second = plan.assignment[:, 0], plan.assignment[:, 1]
    busy = (placed["n_units"] * placed["unit_workers"]).to_numpy()
    jobs = (placed["n_units"] * placed["n_jobs_per_h"]).to_numpy().astype(np.float64)
    share, mbps = placed["load_servers"].to_numpy(), (placed["n_units"] * placed["up_mbps"]).to_numpy()
    out = []
    names = net.nodes["row_node_id"].to_list()
    for at, row in enumerate(rows.iter_rows(named=True)):
        here, there = main == plan.nodes[at], second == plan.nodes[at]
        n_servers = int(plan.n_servers[at])
        work, count = float(busy[here].sum()), float(jobs[here].sum())
        wait = wait_ms(work, n_servers * params.workers_per_server_count, work / count * 3_600_000.0 if count else 0.0,
                       TAIL)  # fmt: skip
        kwh = n_servers * battery_kwh(row, price, params)
        out.append({
            "edge_node_id": f"edge-{row['site_id']}", "site_id": row["site_id"], "place_id": row["place_id"],
            "row_node_id": names[row["fibre_node"]], "site_kind": row["kind"], "region": row["region"],
            "n_main": int(here.sum()), "n_second": int(there.sum()), "n_servers": n_servers,
            "main_servers_count": float(share[here].sum()), "reserve_servers_count": float(share[there].sum()),
            "demand_mbps": float(mbps[here].sum()), "uplink_mbps": n_servers * price.capacity_mbps,
            "busy_workers_count": work, "n_workers": n_servers * params.workers_per_server_count,
            "wait_p99_ms": min(wait, LONGEST_WAIT_MS), "autonomy_h": row["has_autonomy_h"],
            "power_kw": n_servers * price.power_kw, "battery_kwh": kwh, "equipment_id": price.equipment_id,
            "capex_usd": params.node_capex_usd + n_servers * price.capex_usd + kwh * price.battery_usd_per_kwh,
            "opex_usd_per_year": params.node_opex_usd_per_year + n_servers * (
                price.opex_usd_per_year + price.power_kw * HOURS_PER_YEAR * params.usd_per_kwh
            ),
            "lon_deg": row["lon_deg"], "lat_deg": row["lat_deg"],
            "geometry": shapely.to_wkb(shapely.Point(row["lon_deg"], row["lat_deg"])),
        })  # fmt: skip
    return (
        pl.DataFrame(out, infer_schema_length=None).with_columns(
            used_frac=(pl.col("main_servers_count") + pl.col("reserve_servers_count")) / pl.col("n_servers")
        )
        if out
        else pl.DataFrame()
    )


def service_table(
    kinds: pl.DataFrame, works: pl.DataFrame, assigned: pl.DataFrame, nodes: pl.DataFrame
) -> pl.DataFrame:
    """Return ``edge_services``: each kind over all its origins that are planned."""
    planned = works.filter(pl.col("status") != "planned without a year")
    totals = planned.group_by("edge_kind_id").agg(
        n_origins=pl.len().cast(pl.Int64), n_units=pl.col("n_units").sum(), demand_mbps=pl.col("demand_mbps").sum(),
        servers_count=pl.col("servers_count").sum(),
        n_unplaced=pl.col("status").is_in(["too far from fibre", "no node within its limits"]).sum().cast(pl.Int64),
        n_alone=(pl.col("status") == "no second node apart").sum().cast(pl.Int64),
    )  # fmt: skip
    wait = assigned
    if nodes.height:
        wait = assigned.join(nodes.select("edge_node_id", "wait_p99_ms"), on="edge_node_id", how="left")
    else:
        wait = assigned.with_columns(wait_p99_ms=pl.lit(0.0))
    main = wait.filter(pl.col("role") == "main").group_by("edge_kind_id").agg(
        network_ms=pl.col("network_ms").max(), wait_p99_ms=pl.col("wait_p99_ms").max(),
    )  # fmt: skip
    second = (
        wait.filter(pl.col("role") == "second")
        .group_by("edge_kind_id")
        .agg(second_network_ms=pl.col("network_ms").max())
    )
    joined = kinds.join(totals, on="edge_kind_id", how="left").join(main, on="edge_kind_id", how="left")
    joined = joined.join(second, on="edge_kind_id", how="left").with_columns(
        pl.col("n_origins", "n_units", "n_unplaced", "n_alone").fill_null(0),
        pl.col("demand_mbps", "servers_count", "network_ms", "wait_p99_ms", "second_network_ms").fill_null(0.0),
    )
    decision = pl.col("access_ms") + pl.col("network_ms") + pl.col("wait_p99_ms") + pl.col("job_ms")
    return joined.with_columns(decision_p99_ms=decision).with_columns(
        is_in_time=pl.col("decision_p99_ms") <= pl.col("latency_ms")
    )
