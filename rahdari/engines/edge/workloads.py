"""Workloads of services at their origins, in units, traffic and shares of servers, joined to fibre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.edge.network import attached
from rahdari.methods.geo import nearest
from rahdari.methods.placement_input import EdgeDemand, EdgeServices

if TYPE_CHECKING:
    from rahdari.engines.edge.network import Fibre, Prices
    from rahdari.engines.edge.params import EdgeParams
    from rahdari.model import Tables

PEOPLE_UNIT = 100_000
MS_PER_H = 3_600_000.0
S_PER_H, BITS_PER_BYTE, M_PER_T = 3600.0, 8.0, 1e6
BY_PEOPLE = ("city", "district")


def unit_servers(kinds: pl.DataFrame, price: Prices, params: EdgeParams) -> pl.DataFrame:
    """Return kinds with what one unit takes: busy workers, disks (TB), and the largest of its shares of a server.

    The largest share stands for all: servers so counted suffice for computing, traffic and disks together.
    """
    busy = pl.col("n_jobs_per_h") * pl.col("job_ms") / MS_PER_H
    stored = pl.col("up_mbps") * pl.col("kept_frac") * pl.col("retention_h") * S_PER_H / BITS_PER_BYTE / M_PER_T
    return kinds.sort("edge_kind_id").with_columns(unit_workers=busy, unit_tb=stored).with_columns(
        unit_servers=pl.max_horizontal(
            pl.col("unit_workers") / (params.workers_per_server_count * params.full_load_frac),
            pl.col("up_mbps") / price.capacity_mbps if price.capacity_mbps > 0.0 else pl.lit(0.0),
            pl.col("unit_tb") / params.storage_tb_per_server,
        ),
        fibre_ms=(pl.col("latency_ms") - pl.col("access_ms") - pl.col("job_ms")).clip(lower_bound=0.0),
    )  # fmt: skip


def workloads(
    origins: pl.DataFrame, kinds: pl.DataFrame, tables: Tables, net: Fibre, params: EdgeParams
) -> pl.DataFrame:
    """Return one row a workload by id; one too heavy for a node is cut into equal parts."""
    joined = origins.join(kinds, on="origin", how="inner")
    people = pl.when(pl.col("origin").is_in(BY_PEOPLE)).then(pl.col("n_people") / PEOPLE_UNIT).otherwise(1.0)
    joined = joined.with_columns(whole=(pl.col("n_units_per_origin") * people).ceil().cast(pl.Int64)).filter(
        pl.col("whole") > 0
    )
    count = (pl.col("whole") * pl.col("unit_servers") / params.part_servers_count).ceil().clip(lower_bound=1)
    joined = (
        joined.with_columns(n_parts=count.cast(pl.Int64))
        .with_columns(part=pl.int_ranges("n_parts"))
        .explode("part")
        .with_columns(
            n_units=pl.col("whole") // pl.col("n_parts")
            + (pl.col("part") < pl.col("whole") % pl.col("n_parts")).cast(pl.Int64),
            suffix=pl.when(pl.col("n_parts") > 1).then(pl.format("-{}", pl.col("part") + 1)).otherwise(pl.lit("")),
        )
        .filter(pl.col("n_units") > 0)
        .with_columns(edge_workload_id=pl.format("{}-{}{}", "edge_kind_id", "origin_id", "suffix"))
        .sort("edge_workload_id")
    )
    lon, lat = joined["lon_deg"].to_numpy(), joined["lat_deg"].to_numpy()
    if not joined.height or not net.nodes.height:
        return joined.clear().with_columns(fibre_node=pl.lit(0), access_km=pl.lit(0.0), load_servers=pl.lit(0.0))
    node, km = attached(lon, lat, net)
    places = tables["places"].sort("place_id").join(
        tables["districts"].select("district_id", own_region="region"), on="district_id", how="left",
        maintain_order="left",
    )  # fmt: skip
    near, _ = nearest(lon, lat, places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy())
    return joined.with_columns(
        pl.coalesce("region", places["own_region"].gather(near)).alias("region"),
        fibre_node=pl.Series(node),
        access_km=pl.Series(km * params.detour_ratio),
        near_km=pl.Series(km),
        load_servers=pl.col("n_units") * pl.col("unit_servers"),
        is_placed=pl.col("is_planned") & (pl.Series(km) <= params.attach_max_km),
    )


def asked(kinds: pl.DataFrame) -> EdgeServices:
    """Return what the kinds ask, in their order."""
    return EdgeServices(
        kinds["fibre_ms"].to_numpy(), kinds["autonomy_h"].to_numpy(), kinds["residency"].to_list(),
        kinds["has_second"].to_list(),
    )  # fmt: skip


def demanded(placed: pl.DataFrame, kinds: pl.DataFrame, country: str) -> EdgeDemand:
    """Return workloads as a placement takes them."""
    number = {name: at for at, name in enumerate(kinds["edge_kind_id"].to_list())}
    service = np.array([number[name] for name in placed["edge_kind_id"].to_list()], np.int64)
    return EdgeDemand(
        placed["fibre_node"].to_numpy(), service, placed["load_servers"].to_numpy(),
        (placed["n_units"] * placed["up_mbps"]).to_numpy(), placed["access_km"].to_numpy(),
        placed["region"].fill_null("").to_list(), [country] * placed.height,
    )  # fmt: skip
