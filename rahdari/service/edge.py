"""Edge nodes of a plan: what they carry, how long jobs wait there when played event by event, and what is left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from pydantic import Field

from rahdari.engines.edge.left import NEEDED, nodes_left
from rahdari.errors import InputError, Problem
from rahdari.methods.queueing import PERCENTILES, played, wait_ms
from rahdari.model.params import Params
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Collection

    from rahdari.service.plan_view import Plan

S_PER_H = 3600.0
TAIL = 0.99
SEED_NAME = "edge-queue"
SYNTHETIC = "Positions and numbers of units are synthetic: each row of edge_workloads says how its position was found."


class EdgeRequest(Params):
    """Ask for the edge nodes of a plan."""

    plan: Path = Field(description="Plan folder")
    node: str | None = Field(None, description="One node, by edge_node_id or by how it begins; none: all")
    has_queue: bool = Field(default=False, description="Play the queues event by event")
    n_jobs: int = Field(50_000, ge=1000, le=5_000_000, description="Jobs played at each node")
    seed: int = Field(1, ge=0, description="Seed of the draws")


class EdgeNode(Params):
    """One node with its load."""

    edge_node_id: str
    region: str | None
    site_kind: str
    n_main: int
    n_second: int
    n_servers: int
    used_frac: float
    demand_mbps: float
    autonomy_h: float
    capex_usd: float


class EdgeService(Params):
    """One service over all its origins."""

    edge_kind_id: str
    name: str
    n_origins: int
    n_units: int
    demand_mbps: float
    n_unplaced: int
    n_alone: int
    decision_p99_ms: float
    latency_ms: float
    is_in_time: bool


class EdgeQueue(Params):
    """A node's queue as played, beside the formula."""

    edge_node_id: str
    n_workers: int
    load_frac: float
    wait_p99_ms: float
    formula_p99_ms: float
    whole_p50_ms: float
    whole_p95_ms: float
    whole_p99_ms: float
    late_frac: float = Field(description="Share of jobs whose way, wait and job last longer than their service allows")


class EdgeResponse(Params):
    """Nodes, services, the proof, and queues where they were asked for."""

    cost_usd_per_year: float | None
    bound_usd_per_year: float | None
    gap_frac: float | None
    nodes: list[EdgeNode]
    services: list[EdgeService]
    queues: list[EdgeQueue]
    warnings: list[str]


def _reader(folder: Path, clearance: Clearance) -> PlanReader:
    reader = PlanReader(folder, clearance)
    missing = [name for name in NEEDED if name not in reader.names]
    if missing:
        what = f"the plan has no {', '.join(missing)}"
        raise InputError(Problem(what, "make the plan again with engine edge", str(folder)))
    return reader


def _named(nodes: pl.DataFrame, wanted: str | None) -> pl.DataFrame:
    """Return the nodes asked for: all, or those whose identifier is or begins as wanted, with or without ``edge-``."""
    if wanted is None:
        return nodes
    found = nodes.filter(pl.col("edge_node_id").is_in([wanted, f"edge-{wanted}"]))
    if not found.height:
        starts = pl.col("edge_node_id").str.starts_with(wanted)
        found = nodes.filter(starts | pl.col("edge_node_id").str.starts_with(f"edge-{wanted}"))
    if not found.height:
        known = ", ".join(nodes["edge_node_id"].head(12).to_list())
        raise InputError(
            Problem(f"there is no edge node {wanted}", f"use one such as {known}" if known else "plan again")
        )
    return found


def _queue(node: dict[str, Any], held: pl.DataFrame, request: EdgeRequest) -> EdgeQueue | None:
    """Return a node's queue as played; None where no jobs come."""
    here = held.filter((pl.col("edge_node_id") == node["edge_node_id"]) & (pl.col("role") == "main"))
    here = here.filter(pl.col("n_jobs_per_h") > 0.0).sort("edge_workload_id")
    if not here.height:
        return None
    rate = (here["n_units"] * here["n_jobs_per_h"] / S_PER_H).to_numpy()
    job = here["job_ms"].to_numpy()
    way = (here["access_ms"] + here["network_ms"]).to_numpy()
    key = np.frombuffer(f"{SEED_NAME}:{request.seed}:{node['edge_node_id']}".encode().ljust(64, b"\0")[:64], np.uint64)
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence(key.tolist())))
    workers = int(node["n_workers"])
    run = played(rate, job, way, workers, random, n_jobs=request.n_jobs)
    shares = run.percentiles_ms()
    load = float((rate * job).sum()) / 1000.0
    limit = here["latency_ms"].to_numpy()[run.stream]
    return EdgeQueue(
        edge_node_id=node["edge_node_id"], n_workers=workers, load_frac=load / workers, wait_p99_ms=shares[TAIL][0],
        formula_p99_ms=wait_ms(load, workers, float((rate * job).sum() / rate.sum()), TAIL),
        whole_p50_ms=shares[PERCENTILES[0]][1], whole_p95_ms=shares[PERCENTILES[1]][1], whole_p99_ms=shares[TAIL][1],
        late_frac=float((run.whole_ms > limit).mean()),
    )  # fmt: skip


def edge_answer(request: EdgeRequest, clearance: Clearance = OWNER) -> EdgeResponse:
    """Return nodes, services and proof of a plan; with ``has_queue`` waits and delays played by the job.

    A plan without engine edge and an unknown node raise :class:`InputError`.
    """
    reader = _reader(request.plan, clearance)
    nodes = _named(reader.table("edge_nodes").sort("edge_node_id"), request.node)
    kinds = reader.table("edge_kinds")
    services = reader.table("edge_services").join(kinds.select("edge_kind_id", "latency_ms"), on="edge_kind_id")
    proof = next(
        (item for record in reader.manifest["engines"] if record["name"] == "edge" for item in record["certificates"]),
        {"cost": None, "lower_bound": None, "gap_frac": None},
    )
    queues: list[EdgeQueue] = []
    if request.has_queue:
        works = reader.table("edge_workloads").select("edge_workload_id", "n_units")
        held = (
            reader.table("edge_assignments")
            .join(works, on="edge_workload_id")
            .join(kinds.select("edge_kind_id", "n_jobs_per_h", "job_ms", "access_ms", "latency_ms"), on="edge_kind_id")
        )
        made = (_queue(row, held, request) for row in nodes.iter_rows(named=True))
        queues = [queue for queue in made if queue is not None]
    return EdgeResponse(
        cost_usd_per_year=proof["cost"], bound_usd_per_year=proof["lower_bound"], gap_frac=proof["gap_frac"],
        nodes=[EdgeNode(**row) for row in nodes.select(list(EdgeNode.model_fields)).iter_rows(named=True)],
        services=[
            EdgeService(**row)
            for row in services.sort("edge_kind_id").select(list(EdgeService.model_fields)).iter_rows(named=True)
        ],
        queues=queues, warnings=[SYNTHETIC],
    )  # fmt: skip


def edge_left(
    plan: Plan | Path,
    *,
    sites_dark: Collection[str] = (),
    sites_without_grid: Collection[str] = (),
    hours_without_grid: float = 0.0,
    links_cut: Collection[str] = (),
    clearance: Clearance = OWNER,
) -> pl.DataFrame:
    """Return which edge nodes of a plan still have power and fibre, and how much room is left in each.

    See :func:`rahdari.engines.edge.left.nodes_left` for the columns.
    """
    reader = _reader(plan if isinstance(plan, Path) else plan.folder, clearance)
    return nodes_left(
        {name: reader.table(name) for name in NEEDED}, sites_dark=sites_dark, sites_without_grid=sites_without_grid,
        hours_without_grid=hours_without_grid, links_cut=links_cut,
    )  # fmt: skip


__all__ = [
    "EdgeNode", "EdgeQueue", "EdgeRequest", "EdgeResponse", "EdgeService", "edge_answer", "edge_left",
]  # fmt: skip
