"""What edge nodes are left under a stress state: those with power and fibre, and the room still free in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]

NEEDED = ("edge_nodes", "edge_workloads", "edge_assignments", "edge_kinds", "links")


def _parts(links: pl.DataFrame, cut: Collection[str]) -> dict[str, int]:
    """Return the number of the connected part of each fibre node, links given by ``link_id`` or ``row_id`` cut."""
    gone = list(cut)
    kept = links.filter(
        (pl.col("kind") != "subsea")
        & ~pl.col("link_id").is_in(gone)
        & ~pl.col("row_id").is_in(gone).fill_null(value=False)
    )
    names = sorted(set(links["from_node_id"]) | set(links["to_node_id"]))
    number = {name: at for at, name in enumerate(names)}
    ends = np.array(
        [[number[a], number[b]] for a, b in kept.select("from_node_id", "to_node_id").iter_rows()], np.int64
    )
    ends = ends.reshape(-1, 2)
    graph = csr_array((np.ones(ends.shape[0]), (ends[:, 0], ends[:, 1])), shape=(len(names), len(names)))
    label = connected_components(graph, directed=False)[1] if names else np.zeros(0, np.int64)
    return dict(zip(names, label.tolist(), strict=True))


def nodes_left(
    tables: Mapping[str, pl.DataFrame],
    *,
    sites_dark: Collection[str] = (),
    sites_without_grid: Collection[str] = (),
    hours_without_grid: float = 0.0,
    links_cut: Collection[str] = (),
    origin_nodes: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Return a row an edge node: has it power and fibre, whose work it now does, and how much room is left.

    ``tables`` are those of a plan (:data:`NEEDED`).  ``sites_dark`` are sites (``site_id``) without any power;
    ``sites_without_grid`` have none from the grid for ``hours_without_grid``, and last ``autonomy_h``.  ``links_cut``
    are links by ``link_id``, or whole trenches by ``row_id``.  A node has fibre when it lies in the part of the fibre
    that holds most edge nodes with power.  A workload is carried by its main node while this is up, else by its
    second; that its own way is whole is asked where ``origin_nodes`` gives fibre nodes (``row_node_id``) by
    ``edge_workload_id``.

    Columns: ``edge_node_id``, ``site_id``, ``lon_deg``, ``lat_deg``, ``row_node_id``, ``has_power``, ``has_fibre``,
    ``is_up``, ``n_servers``, ``carried_servers_count``, ``left_servers_count``, ``left_mbps``, ``left_workers_count``;
    what is left is 0 in a node that is not up.  Servers held in reserve count as left until their workload needs them.
    """
    nodes = tables["edge_nodes"].sort("edge_node_id")
    dark, weak = list(sites_dark), list(sites_without_grid)
    lasts = pl.col("autonomy_h") >= hours_without_grid
    has_power = nodes.select(
        ~pl.col("site_id").is_in(dark) & (~pl.col("site_id").is_in(weak) | lasts)
    ).to_series().to_numpy().astype(np.bool_)  # fmt: skip
    part = _parts(tables["links"], links_cut)
    label = np.array([part.get(name, -1) for name in nodes["row_node_id"].to_list()], np.int64)
    alive = label[has_power & (label >= 0)]
    whole = int(np.bincount(alive).argmax()) if alive.size else -1
    has_fibre = (label == whole) & (label >= 0)
    is_up = has_power & has_fibre
    carried = _carried(tables, nodes, is_up, {} if origin_nodes is None else origin_nodes, part)
    room = pl.col("n_servers") - pl.col("carried_servers_count")
    up = pl.col("is_up").cast(pl.Float64)
    return (
        nodes.select(
            "edge_node_id", "site_id", "lon_deg", "lat_deg", "row_node_id", pl.Series("has_power", has_power),
            pl.Series("has_fibre", has_fibre), pl.Series("is_up", is_up), "n_servers", "uplink_mbps", "n_workers",
        )
        .join(carried, on="edge_node_id", how="left", maintain_order="left")
        .with_columns(pl.col("carried_servers_count", "carried_mbps", "carried_workers_count").fill_null(0.0))
        .with_columns(
            left_servers_count=room.clip(lower_bound=0.0) * up,
            left_mbps=(pl.col("uplink_mbps") - pl.col("carried_mbps")).clip(lower_bound=0.0) * up,
            left_workers_count=(pl.col("n_workers") - pl.col("carried_workers_count")).clip(lower_bound=0.0) * up,
        )
        .drop("uplink_mbps", "n_workers", "carried_mbps", "carried_workers_count")
    )  # fmt: skip


def _carried(
    tables: Mapping[str, pl.DataFrame], nodes: pl.DataFrame, is_up: BoolArray, origin: Mapping[str, str],
    part: Mapping[str, int],
) -> pl.DataFrame:  # fmt: skip
    """Return what each node carries now: the first of main and second that is up takes a workload whole."""
    state = nodes.select("edge_node_id", "row_node_id", pl.Series("is_up", is_up))
    held = tables["edge_assignments"].join(state, on="edge_node_id", how="left").filter("is_up")
    if origin:
        here = [part.get(origin.get(name, ""), -1) for name in held["edge_workload_id"].to_list()]
        there = [part.get(name, -1) for name in held["row_node_id"].to_list()]
        known = [name in origin for name in held["edge_workload_id"].to_list()]
        same = [not k or a == b for k, a, b in zip(known, here, there, strict=True)]
        held = held.filter(pl.Series(same, dtype=pl.Boolean))
    first = held.sort("edge_workload_id", "role").unique("edge_workload_id", keep="first", maintain_order=True)
    work = tables["edge_workloads"].select(
        "edge_workload_id", carried_servers_count="servers_count", carried_mbps="demand_mbps",
        carried_workers_count="busy_workers_count",
    )  # fmt: skip
    sums = pl.col("carried_servers_count", "carried_mbps", "carried_workers_count").sum()
    return first.join(work, on="edge_workload_id", how="left").group_by("edge_node_id").agg(sums).sort("edge_node_id")
