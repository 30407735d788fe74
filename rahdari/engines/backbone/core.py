"""The national core: city centres, the ways between neighbours among them, and the chains those ways make up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.centres import city_centres
from rahdari.methods.geo import great_circle_km, nearest
from rahdari.methods.routing import Arcs, FloatArray, IntArray, disjoint_pair, shortest_ways, two_way_arcs

if TYPE_CHECKING:
    from rahdari.engines.backbone.engine import Ways
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.model import Tables

BoolArray = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
N_ENDS = 2


@dataclass(frozen=True, slots=True)
class Core:
    """Centres and junctions joined by chains of ways.

    ``centre_node`` (c,) holds right-of-way nodes, largest city first; ``chain_node`` (m, 2) the nodes at the ends of
    each chain, ``chain_way`` its ways in order from the first end.  Chains go by the identifier of their least way.
    """

    centre_name: tuple[str, ...]
    centre_node: IntArray
    centre_mbps: FloatArray
    chain_node: IntArray
    chain_way: tuple[IntArray, ...]

    @property
    def nodes(self) -> IntArray:
        """Return the sorted right-of-way nodes at the ends of chains."""
        return np.unique(self.chain_node)


def core_centres(tables: Tables, nodes: pl.DataFrame, params: BackboneParams, year: int) -> pl.DataFrame:
    """Return name, node and busy-hour traffic, Mbit/s, of the core's centres, largest city first.

    The traffic of a centre is that of all places nearer to it than to any other.
    """
    towns = tables["places"].filter(pl.col("kind") != "village").sort("place_id")
    inside = np.flatnonzero(nodes["is_in_country"].to_numpy())
    empty = pl.DataFrame(schema={"name": pl.String, "node": pl.Int64, "mbps": pl.Float64})
    if not towns.height or not inside.size:
        return empty
    kept = city_centres(
        towns["n_people"].to_numpy(), towns["lon_deg"].to_numpy(), towns["lat_deg"].to_numpy(),
        radius_km=params.city_radius_km, spacing_km=params.core_spacing_km, n_centres=params.n_core_centres,
    )  # fmt: skip
    chosen = towns[kept.tolist()]
    grid = [nodes[name].to_numpy()[inside] for name in ("lon_deg", "lat_deg")]
    index, away_km = nearest(chosen["lon_deg"].to_numpy(), chosen["lat_deg"].to_numpy(), grid[0], grid[1])
    waypoints = tables["landmarks"].filter(pl.col("kind") == "waypoint").sort("landmark_id")
    named = (
        _named(chosen, waypoints, params.city_radius_km)
        .select(pl.col("name").str.split(", part").list.first(), "lon_deg", "lat_deg")
        .with_columns(node=pl.Series(inside[index]), away_km=pl.Series(away_km))
    )
    named = named.filter(pl.col("away_km") <= params.attach_max_km).unique("node", keep="first", maintain_order=True)
    if not named.height:
        return empty
    demand = tables["place_demand"].filter(pl.col("year") == year).select("place_id", "busy_hour_mbps")
    places = tables["places"].select("place_id", "lon_deg", "lat_deg").join(demand, on="place_id").sort("place_id")
    mbps = np.zeros(named.height)
    if places.height:
        points = [frame[name].to_numpy() for frame in (places, named) for name in ("lon_deg", "lat_deg")]
        own, _ = nearest(points[0], points[1], points[2], points[3])
        mbps = np.bincount(own, places["busy_hour_mbps"].to_numpy(), named.height).astype(np.float64)
    return named.select("name", "node").with_columns(mbps=pl.Series(mbps))


def _named(towns: pl.DataFrame, waypoints: pl.DataFrame, radius_km: float) -> pl.DataFrame:
    """Return the towns with the names of waypoints within ``radius_km``: censuses cut large cities into parts."""
    if not (towns.height and waypoints.height):
        return towns
    points = [frame[name].to_numpy() for frame in (towns, waypoints) for name in ("lon_deg", "lat_deg")]
    index, away_km = nearest(points[0], points[1], points[2], points[3])
    name = pl.when(pl.Series(away_km <= radius_km)).then(waypoints["name"][index.tolist()]).otherwise(pl.col("name"))
    return towns.with_columns(name.alias("name"))


def neighbour_pairs(lon_deg: FloatArray, lat_deg: FloatArray, n_neighbours: int) -> list[tuple[int, int]]:
    """Return the pairs of each point with its nearest others and the pairs of a shortest tree over all, sorted.

    >>> neighbour_pairs(np.array([0.0, 1.0, 5.0]), np.zeros(3), 1)
    [(0, 1), (1, 2)]
    """
    n = lon_deg.size
    km = great_circle_km(lon_deg[:, None], lat_deg[:, None], lon_deg[None, :], lat_deg[None, :])
    np.fill_diagonal(km, np.inf)
    near = np.argsort(km, axis=1, kind="stable")[:, :n_neighbours]
    pairs = {(min(i, int(j)), max(i, int(j))) for i in range(n) for j in near[i] if np.isfinite(km[i, j])}
    joined = np.zeros(n, np.bool_)
    joined[:1] = True
    for _ in range(n - 1):
        reach = np.where(joined[:, None] & ~joined[None, :], km, np.inf)
        i, j = divmod(int(np.argmin(reach)), n)
        joined[j] = True
        pairs.add((min(i, j), max(i, j)))
    return sorted(pairs)


def used_ways(
    arcs: Arcs, node: IntArray, pairs: list[tuple[int, int]], n_ways: int, reuse_ratio: float = 1.0
) -> BoolArray:
    """Return (n_ways,) whether a way lies on the cheapest disjoint pair, else the shortest way, of some pair.

    Pairs choose one after another, and a way that an earlier pair uses counts ``reuse_ratio`` of its length: lines of
    the core run together where that costs little.
    """
    used = np.zeros(n_ways, np.bool_)
    whole = arcs
    for first, second in pairs:
        source, target = int(node[first]), int(node[second])
        arcs = replace(whole, cost_km=whole.cost_km * np.where(used[whole.way], reuse_ratio, 1.0))
        pair = disjoint_pair(arcs, source, target)
        if pair is not None:
            for path in (pair.first, pair.second):
                used[arcs.way[path.arc]] = True
            continue
        only, _ = shortest_ways(arcs, source, np.array([target]))
        for way in only:
            if way is not None:
                used[arcs.way[way.arc]] = True
    return used


def chains_of(way: IntArray, way_node: IntArray, kept_node: set[int]) -> tuple[IntArray, tuple[IntArray, ...]]:
    """Return the ends (m, 2) and the ways of the chains that run between kept nodes and junctions.

    ``way`` (k,) are way numbers with ends ``way_node`` (k, 2).  Rings without a kept node or junction, chains that
    return to their start, and dead ends are left out.
    """
    at: dict[int, list[int]] = {}
    for i, (a, b) in enumerate(way_node.tolist()):
        at.setdefault(a, []).append(i)
        at.setdefault(b, []).append(i)
    degree = Counter({node: len(own) for node, own in at.items()})
    stops = {node for node, own in at.items() if len(own) != N_ENDS or node in kept_node}
    seen = np.zeros(way.size, np.bool_)
    ends, chains = [], []
    for start in sorted(stops):
        for first in at[start]:
            if seen[first]:
                continue
            node, step, chain = start, first, []
            while True:
                seen[step] = True
                chain.append(int(way[step]))
                a, b = way_node[step].tolist()
                node = b if a == node else a
                if node in stops:
                    break
                step = next(other for other in at[node] if other != step)
            is_dead_end = node not in kept_node and degree[node] == 1
            if node != start and not is_dead_end:
                ends.append((start, node))
                chains.append(np.array(chain, np.int64))
    order = sorted(range(len(chains)), key=lambda i: int(chains[i].min()))
    return np.array(ends, np.int64).reshape(-1, 2)[order], tuple(chains[i] for i in order)


def way_ends(ways: Ways) -> IntArray:
    """Return (w, 2) the nodes at the ends of each way."""
    n_ways = len(ways.row_id)
    return np.stack([ways.arcs.tail[:n_ways], ways.arcs.head[:n_ways]], axis=1)


def only_chains(core: Core, ways: Ways, chain: IntArray) -> Core:
    """Return the core with the given chains only, joined where no other of them branches off."""
    kept = np.concatenate([core.chain_way[i] for i in chain.tolist()])
    chain_node, chain_way = chains_of(kept, way_ends(ways)[kept], set(core.centre_node.tolist()))
    return replace(core, chain_node=chain_node, chain_way=chain_way)


def core_of(tables: Tables, ways: Ways, nodes: pl.DataFrame, params: BackboneParams, year: int) -> Core | None:
    """Return the national core, or ``None`` where fewer than two centres have a way between them.

    Trees that lead to no centre are not in it; runs of ways without a choice are one chain.
    """
    centres = core_centres(tables, nodes, params, year)
    if centres.height < N_ENDS:
        return None
    place = nodes[centres["node"].to_list()]
    pairs = neighbour_pairs(place["lon_deg"].to_numpy(), place["lat_deg"].to_numpy(), params.n_core_neighbours)
    end_node = way_ends(ways)
    home = np.flatnonzero(~ways.is_abroad)
    arcs = two_way_arcs(nodes.height, end_node[home, 0], end_node[home, 1], ways.fibre_km[home])
    used = home[used_ways(arcs, centres["node"].to_numpy(), pairs, home.size, params.core_reuse_ratio)]
    chain_node, chain_way = chains_of(used, way_ends(ways)[used], set(centres["node"].to_list()))
    if not chain_way:
        return None
    reached = centres.filter(pl.col("node").is_in(np.unique(chain_node).tolist()))
    return Core(
        tuple(reached["name"].to_list()), reached["node"].to_numpy(), reached["mbps"].to_numpy(), chain_node, chain_way
    )
