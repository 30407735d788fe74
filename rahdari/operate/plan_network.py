"""The live network of a plan: the network of engine stress with the names of its things."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.engines.stress.graph import AERIAL, BURIED, MICROWAVE, stress_plan
from rahdari.engines.stress.hazards import VENDORS, vendor_of_sites
from rahdari.engines.stress.params import StressParams
from rahdari.errors import InputError, Problem
from rahdari.model import Tables
from rahdari.operate.network import Circuit, Group, LiveNetwork
from rahdari.store.query import PlanReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.engines.stress.graph import StressPlan

GATEWAY = "satellite-gateway"
CIRCUIT_KINDS = {"secure_pairs": "government", "transit": "transit"}  # tables whose rows are pairs of named places
MEDIUM = {BURIED: "fibre", AERIAL: "fibre", MICROWAVE: "microwave"}


def _tables_of(plan: Mapping[str, Any] | Path) -> tuple[Mapping[str, pl.DataFrame], StressParams]:
    """Return the tables of a plan and its own parameters of stress; tables alone go with the defaults."""
    if not isinstance(plan, Path):
        return plan, StressParams()
    reader = PlanReader(plan)
    engines = {item["engine"]: item for item in reader.manifest["engines"]}
    given = engines.get("stress", {}).get("params", {})
    known = {key: value for key, value in given.items() if key in StressParams.model_fields}
    wanted = ("districts", "links", "microwave_hops", "place_demand", "places", "rights_of_way_nodes", "risk_groups",
              "risk_group_members", "secure_pairs", "site_energy", "sites")  # fmt: skip
    return Tables({name: reader.table(name) for name in wanted if name in reader.names}), StressParams(**known)


def _link_names(tables: Mapping[str, pl.DataFrame], made: StressPlan, nodes: list[str]) -> list[str]:
    """Return the names of links: a fibre's own, ``lateral-SITE``, ``hop-SITE-SITE``, ``space-SITE``."""
    network = made.network
    asset = network.asset_class[network.n_nodes :].tolist()
    known = set(nodes)
    fibre = tables["links"].filter(
        (pl.col("kind") != "subsea") & pl.col("from_node_id").is_in(known) & pl.col("to_node_id").is_in(known)
    ).sort("link_id")["link_id"].to_list()  # fmt: skip
    ends = zip(network.from_node.tolist(), network.to_node.tolist(), asset, strict=True)
    names, seen = list(fibre), set(fibre)
    for a, b, kind in list(ends)[len(fibre) :]:
        plain = {AERIAL: f"lateral-{nodes[a]}", MICROWAVE: f"hop-{nodes[a]}-{nodes[b]}"}
        name = plain.get(kind, f"space-{nodes[a]}")
        while name in seen:  # two laterals or hops of one site
            name += "+"
        seen.add(name)
        names.append(name)
    return names


def _groups(tables: Mapping[str, pl.DataFrame], links: Mapping[str, int]) -> tuple[Group, ...]:
    if "risk_groups" not in tables or "risk_group_members" not in tables:
        return ()
    kinds = dict(tables["risk_groups"].select("risk_group_id", "kind").iter_rows())
    members: dict[str, list[int]] = {}
    for name, member in tables["risk_group_members"].select("risk_group_id", "member_id").sort(pl.all()).iter_rows():
        if member in links:
            members.setdefault(name, []).append(links[member])
    return tuple(Group(name, kinds.get(name, "duct"), tuple(own)) for name, own in sorted(members.items()))


def _circuits(tables: Mapping[str, pl.DataFrame], made: StressPlan) -> tuple[Circuit, ...]:
    """Return the protected circuits: their ends are the sites of the largest places of those names."""
    if "secure_pairs" not in tables:
        return ()
    places = tables["places"].sort("n_people", "place_id", descending=[True, False]).unique("name", keep="first")
    number = {name: i for i, name in enumerate(tables["places"].sort("place_id")["place_id"].to_list())}
    place = {name: number[own] for name, own in places.select("name", "place_id").iter_rows()}
    service = made.network.services[-1]

    def ends(name: str) -> tuple[int, ...]:
        at = place.get(name)
        return () if at is None else tuple(service.site[service.first[at] : service.first[at + 1]].tolist())

    return tuple(
        Circuit(row["pair_id"], CIRCUIT_KINDS["secure_pairs"], ends(row["from_name"]), ends(row["to_name"]))
        for row in tables["secure_pairs"].sort("pair_id").iter_rows(named=True)
        if ends(row["from_name"]) and ends(row["to_name"])
    )


def network_of_plan(plan: Mapping[str, Any] | Path) -> LiveNetwork:
    """Return the live network of a plan; a plan without a tower on a network raises InputError."""
    tables, params = _tables_of(plan)
    own = Tables(dict(tables))
    years = [int(year) for year in own["place_demand"]["year"].unique().to_list()]
    made = stress_plan(own, params, min(years, default=0))
    if made is None:
        raise InputError(Problem("the plan has no tower on a network", "plan a country with sites"))
    network = made.network
    sites, places = own["sites"].sort("site_id"), own["places"].sort("place_id")
    ways = own["links"].filter(pl.col("kind") != "subsea")
    ends = pl.concat([ways["from_node_id"], ways["to_node_id"]]).unique().implode()
    names = own["rights_of_way_nodes"].filter(pl.col("row_node_id").is_in(ends))["row_node_id"].sort().to_list()
    nodes = [*sites["site_id"].to_list(), *names, GATEWAY]
    n, n_bare = network.n_nodes, network.n_nodes - sites.height
    links = _link_names(own, made, nodes)
    energy = own["site_energy"]
    if "feeder_id" in energy.columns:
        joined = sites.select("site_id").join(energy, on="site_id", how="left", maintain_order="left")
        feeder = [name or "" for name in joined["feeder_id"].to_list()]
    else:
        feeder = [f"zone-{zone}" if zone >= 0 else "" for zone in network.zone[: sites.height].tolist()]
    is_on_grid = sites["is_on_grid"].to_list()
    vendor = vendor_of_sites(made, params)[: sites.height].tolist()
    return LiveNetwork(
        tuple(nodes), (*sites["kind"].to_list(), *["way"] * (n_bare - 1), "gateway"), tuple(links), network.from_node,
        network.to_node, tuple(MEDIUM.get(kind, "satellite") for kind in network.asset_class[n:].tolist()),
        tuple(places["place_id"].to_list()), network.people, network.mbps, network.services, network.battery_h,
        network.generator_h, np.zeros(n, np.bool_),
        (*(name if on else "" for name, on in zip(feeder, is_on_grid, strict=True)), *[""] * n_bare),
        (*(VENDORS[i].upper() if 0 <= i < len(VENDORS) else "" for i in vendor), *[""] * n_bare),
        _groups(own, {name: i for i, name in enumerate(links)}), _circuits(own, made),
        made.lon_deg, made.lat_deg,
    )  # fmt: skip


__all__ = ["network_of_plan"]
