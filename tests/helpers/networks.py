"""Small random networks with risk groups, and exhaustive answers for them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.diversity_result import Route, route_of, shared_things
from rahdari.methods.network import Network, make_network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GROUPS = ["risk_group_id", "name", "kind", "rate_per_year", "repair_h"]
MEMBERS = ["risk_group_id", "member_id"]


def group_frames(groups: Mapping[str, Sequence[str]], rate_per_year: float = 0.5) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = [(name, name.title(), "duct", rate_per_year, 12.0) for name in groups]
    members = [(name, member) for name, own in groups.items() for member in own]
    return pl.DataFrame(rows, schema=GROUPS, orient="row"), pl.DataFrame(members, schema=MEMBERS, orient="row")


def random_network(seed: int, n_nodes: int = 7, n_links: int = 12, n_groups: int = 5) -> Network:
    random = np.random.Generator(np.random.Philox(key=seed))
    ends = random.integers(0, n_nodes, (n_links, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    groups = {}
    for i in range(n_groups):
        size = min(len(ends), int(random.integers(2, 4)))
        groups[f"g{i}"] = [f"l{link}" for link in random.choice(len(ends), size, replace=False)]
        if random.random() < 0.2:
            groups[f"g{i}"].append(f"n{random.integers(0, n_nodes)}")
    frame, members = group_frames(groups)
    return make_network(
        [f"n{i}" for i in range(n_nodes)],
        [f"l{i}" for i in range(len(ends))],
        [(f"n{a}", f"n{b}") for a, b in ends.tolist()],
        random.integers(1, 9, len(ends)).astype(float),
        node_lon_deg=random.random(n_nodes),
        node_lat_deg=random.random(n_nodes),
        risk_groups=frame,
        risk_group_members=members,
    )


def all_routes(network: Network, a: str, b: str) -> list[Route]:
    start, end = network.node(a), network.node(b)
    found: list[Route] = []

    def extend(node: int, links: list[int], seen: frozenset[int]) -> None:
        if node == end:
            found.append(route_of(network, links, start, network.link_cost))
            return
        for link, (u, v) in enumerate(network.link_node.tolist()):
            for here, there in ((u, v), (v, u)):
                if here == node and there not in seen:
                    extend(there, [*links, link], seen | {there})

    extend(start, [], frozenset({start}))
    return found


def cheapest_by_trying(
    network: Network, ends: tuple[str, str], disjoint: str, k: int, max_rtt_ms: float = np.inf
) -> float:
    routes = [route for route in all_routes(network, *ends) if route.rtt_ms <= max_rtt_ms * (1.0 + 1e-9)]
    best = np.inf
    for chosen in itertools.combinations(routes, k):
        total = sum(route.cost for route in chosen)
        if total >= best:
            continue
        links, nodes, groups = shared_things(network, chosen, ends)
        if not (links or (disjoint != "link" and nodes) or (disjoint == "risk" and groups)):
            best = total
    return float(best)
