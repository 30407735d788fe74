"""The rights of way inside the country as a network with its risk groups, and names that a planner knows for places."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.security.contract import Stretch, members_of, stretches
from rahdari.methods.geo import great_circle_km, nearest
from rahdari.methods.network import make_network, part_of
from rahdari.methods.risk import risk_tables

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from rahdari.methods.network import Network
    from rahdari.model import Tables

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

TOWN_PEOPLE = 50_000  # towns from here on name a region


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """The network of the ways in the country, stretches without a branch as one link each.

    ``stretch`` gives the ways of each link; ``way_km`` their fibre, ``way_end_deg`` (2, 2) their ends' degrees,
    ``border`` those by the border, ``road`` public names, ``operators`` with fibre in a way today.  ``place_name`` with
    (p,) degrees names regions.
    """

    network: Network
    stretch: dict[str, Stretch]
    way_km: dict[str, float]
    way_end_deg: dict[str, FloatArray]
    border: frozenset[str]
    road: dict[str, str]
    place_name: tuple[str, ...]
    place_lon_deg: FloatArray
    place_lat_deg: FloatArray
    operators: dict[str, frozenset[str]] = field(repr=False)

    def ways_of(self, links: Sequence[str]) -> list[str]:
        """Return the ways of links."""
        return [way for link in links for way in self.stretch[link].ways]

    def near(self, nodes: IntArray) -> str:
        """Return the named place nearest to the middle of nodes; empty where no place has a name."""
        network = self.network
        if not self.place_name or network.node_lon_deg is None or network.node_lat_deg is None:
            return ""
        lon, lat = network.node_lon_deg[nodes].mean(keepdims=True), network.node_lat_deg[nodes].mean(keepdims=True)
        index, _ = nearest(lon, lat, self.place_lon_deg, self.place_lat_deg)
        return self.place_name[int(index[0])]

    def roads(self, links: Sequence[str]) -> str:
        """Return the public name of the road that most of these links belong to; empty without names."""
        named = [self.road[way] for way in self.ways_of(links) if way in self.road]
        return max(sorted(set(named)), key=named.count) if named else ""

    def without_border(self, ends: tuple[int, int], near_end_km: float) -> Network:
        """Return the network without links by the border, but for those near the two ends."""
        network = self.network
        if not self.border or network.node_lon_deg is None or network.node_lat_deg is None:
            return network
        names = sorted(self.border)
        place = np.array([self.way_end_deg[name] for name in names])
        away = np.full(place.shape[:2], np.inf)
        for end in ends:
            lon, lat = network.node_lon_deg[end : end + 1], network.node_lat_deg[end : end + 1]
            away = np.minimum(away, great_circle_km(lon, lat, place[:, :, 0], place[:, :, 1]))
        far = {name for name, km in zip(names, away.min(axis=1).tolist(), strict=True) if km > near_end_km}
        kept = {name for name in network.link_id if far.isdisjoint(self.stretch[name].ways)}
        return network if len(kept) == network.n_links else part_of(network, kept)


def domestic_nodes(tables: Tables) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the ways wholly inside the country, and the nodes that they join."""
    nodes = tables["rights_of_way_nodes"].sort("row_node_id")
    known = nodes["row_node_id"].implode()
    ways = tables["rights_of_way"].filter("is_in_country").sort("row_id")
    ways = ways.filter(pl.col("from_node_id").is_in(known) & pl.col("to_node_id").is_in(known))
    used = pl.concat([ways["from_node_id"], ways["to_node_id"]]).unique()
    return ways, nodes.filter(pl.col("row_node_id").is_in(used.implode()))


def domestic_ways(
    tables: Tables, ways: pl.DataFrame, nodes: pl.DataFrame, ends: Collection[str], border_km: float
) -> Ways | None:
    """Return the network that joins ``ends``, with the risks that strike more than one link; ``None`` without any."""
    pairs = zip(ways["from_node_id"].to_list(), ways["to_node_id"].to_list(), strict=True)
    link = dict(zip(ways["row_id"].to_list(), pairs, strict=True))
    found = stretches(link, ends)
    if not found:
        return None
    held = tables["risk_group_members"].filter(pl.col("member_id").is_in(ways["row_id"].implode()))
    given = tables["risk_groups"].filter(pl.col("risk_group_id").is_in(held["risk_group_id"].implode())), held
    groups, members = risk_tables(ways, hazards=tables["hazards"], given=given)
    place = {name: (lon, lat) for name, lon, lat in nodes.select("row_node_id", "lon_deg", "lat_deg").iter_rows()}
    km = dict(zip(ways["row_id"].to_list(), (ways["length_km"] * ways["slack_ratio"]).to_list(), strict=True))
    used = sorted({end for stretch in found.values() for end in stretch.ends} | (set(ends) & set(place)))
    ids = sorted(found)
    network = make_network(
        used, ids, [found[name].ends for name in ids], [math.fsum(km[way] for way in found[name].ways) for name in ids],
        node_lon_deg=[place[name][0] for name in used], node_lat_deg=[place[name][1] for name in used],
        risk_groups=groups, risk_group_members=members_of(members, found),
    )  # fmt: skip
    at = {name: np.array([place[a], place[b]]) for name, (a, b) in link.items()}
    road = dict(ways.filter(pl.col("name").is_not_null()).select("row_id", "name").iter_rows())
    border = _border_ways(at, tables["rights_of_way_nodes"], border_km)
    return Ways(network, found, km, at, border, road, *_region_names(tables), _operators(tables))


def _border_ways(at: Mapping[str, FloatArray], nodes: pl.DataFrame, border_km: float) -> frozenset[str]:
    """Return the ways with an end within ``border_km`` of a road node abroad."""
    abroad = nodes.filter(~pl.col("is_in_country")).sort("row_node_id")
    if not abroad.height or border_km <= 0.0:
        return frozenset()
    names = sorted(at)
    place = np.array([at[name] for name in names]).reshape(-1, 2)
    _, away = nearest(place[:, 0], place[:, 1], abroad["lon_deg"].to_numpy(), abroad["lat_deg"].to_numpy())
    is_near: NDArray[np.bool_] = np.any(away.reshape(-1, 2) <= border_km, axis=1)
    return frozenset(names[i] for i in np.flatnonzero(is_near).tolist())


def _region_names(tables: Tables) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Return names and places of public waypoints and large towns."""
    columns = ("name", "lon_deg", "lat_deg")
    marks = tables["landmarks"].filter(pl.col("kind") == "waypoint").sort("landmark_id").select(columns)
    towns = tables["places"].filter(pl.col("n_people") >= TOWN_PEOPLE).sort("place_id").select(columns)
    both = pl.concat([marks, towns.with_columns(pl.col("name").str.split(", part").list.first())]).drop_nulls("name")
    return tuple(both["name"].to_list()), both["lon_deg"].to_numpy(), both["lat_deg"].to_numpy()


def _operators(tables: Tables) -> dict[str, frozenset[str]]:
    """Return the operators with fibre in each way today."""
    lit = tables["links"].filter(
        (pl.col("kind") == "fibre") & pl.col("row_id").is_not_null() & pl.col("operator_id").is_not_null()
    )
    held = lit.select("row_id", "operator_id").unique().sort("row_id", "operator_id")
    return {
        str(row): frozenset(names)
        for row, names in held.group_by("row_id").agg("operator_id").sort("row_id").iter_rows()
    }
