"""Re-check a placement of edge nodes from the input alone, and find the least cost of tiny ones by trying all."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

if TYPE_CHECKING:
    from rahdari.methods.placement import EdgePlacement
    from rahdari.methods.placement_input import EdgeDemand, EdgeLimits, EdgeNetwork, EdgeServices

MS_PER_KM = 1.468 / 299.792458


def _graph(network: EdgeNetwork) -> nx.MultiGraph:
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(network.n_nodes))
    for link, ((a, b), km) in enumerate(zip(np.asarray(network.link_node).tolist(), network.link_km, strict=True)):
        graph.add_edge(a, b, key=link, km=float(km))
    return graph


def _parting(graph: nx.MultiGraph) -> set[int]:
    """Return links whose loss leaves more parts than before."""
    before = nx.number_connected_components(graph)
    found = set()
    for a, b, link in list(graph.edges(keys=True)):
        data = dict(graph.edges[a, b, link])
        graph.remove_edge(a, b, link)
        if nx.number_connected_components(graph) > before:
            found.add(link)
        graph.add_edge(a, b, key=link, **data)
    return found


def _may(network: EdgeNetwork, services: EdgeServices, demand: EdgeDemand, item: int, held: int) -> bool:
    kind = int(demand.service[item])
    kept = services.residency[kind]
    same_land = not network.country or network.country[held] == demand.country[item]
    same_zone = not network.zone or network.zone[held] == demand.zone[item]
    stays = kept == "none" or (same_land and (kept == "country" or same_zone))
    return stays and float(services.autonomy_h[kind]) <= float(network.autonomy_h[held])


def placement_problems(  # noqa: C901, PLR0912  # one rule after another
    network: EdgeNetwork, services: EdgeServices, demand: EdgeDemand, limits: EdgeLimits, plan: EdgePlacement
) -> list[str]:
    """Say what is wrong: broken ways, limits not kept, room exceeded, ways not apart, a cost that is not the sum."""
    wrong = []
    pairs, km = np.asarray(network.link_node), np.asarray(network.link_km, float)
    bridges = _parting(_graph(network))
    load, total = np.zeros(len(network.node)), 0.0
    for item, held in enumerate(plan.assignment.tolist()):
        kind, weight, mbps = int(demand.service[item]), float(demand.servers[item]), float(demand.mbps[item])
        access = float(demand.access_km[item]) if len(demand.access_km) else 0.0
        if held[0] < 0 <= held[1]:
            wrong.append(f"{item} has a second node and no main one")
        if held[0] == held[1] and held[0] >= 0:
            wrong.append(f"{item} has one node twice")
        for role, target in enumerate(held):
            if target < 0:
                continue
            node, way = int(demand.node[item]), plan.links[item][role].tolist()
            for link in way:
                ends = pairs[link].tolist()
                if node not in ends:
                    wrong.append(f"{item} jumps at link {link}")
                node = ends[1] if node == ends[0] else ends[0]
            if node != int(network.node[target]):
                wrong.append(f"{item} ends at {node}")
            length = float(km[way].sum())
            if 2.0 * (length + access) * MS_PER_KM > float(services.latency_ms[kind]) + 1e-9:
                wrong.append(f"{item} is late at {target}")
            if not _may(network, services, demand, item, target):
                wrong.append(f"{item} may not lie at {target}")
            load[target] += weight
            total += (limits.standby_frac if role else 1.0) * limits.per_mbps_km * mbps * length
        shared = set(plan.links[item][0].tolist()) & set(plan.links[item][1].tolist())
        if shared - bridges:
            wrong.append(f"{item} has ways that share {sorted(shared - bridges)}")
        if abs(float(km[sorted(shared)].sum()) - plan.shared_km[item]) > 1e-9:
            wrong.append(f"{item} states {plan.shared_km[item]} km shared")
    n_servers = np.ceil(load - 1e-9)
    if (n_servers > np.asarray(network.n_servers_max)).any():
        wrong.append("a node holds more than its room")
    total += float((n_servers * np.asarray(network.server)).sum() + np.asarray(network.fixed)[n_servers > 0].sum())
    if not set(plan.unplaced.tolist()) | set(plan.alone.tolist()) and not math.isclose(total, plan.cost, rel_tol=1e-9):
        wrong.append(f"the cost is {total}, {plan.cost} stated")
    if plan.lower_bound > plan.cost * (1.0 + 1e-12):
        wrong.append("the bound lies above the cost")
    return wrong


def _ways(graph: nx.MultiGraph, start: int, end: int) -> list[tuple[float, frozenset[int]]]:
    """Return all simple ways, with their length and links."""
    if start == end:
        return [(0.0, frozenset())]
    return [
        (sum(graph.edges[edge]["km"] for edge in path), frozenset(edge[2] for edge in path))
        for path in nx.all_simple_edge_paths(graph, start, end)
    ]


def least_cost(network: EdgeNetwork, services: EdgeServices, demand: EdgeDemand, limits: EdgeLimits) -> float:
    """Return the least cost of placing all workloads by trying every node and way; for a handful of each."""
    graph = _graph(network)
    bridges = _parting(graph)
    options: list[list[tuple[tuple[int, ...], float]]] = []
    for item in range(len(demand.node)):
        kind, price = int(demand.service[item]), limits.per_mbps_km * float(demand.mbps[item])
        near = {
            held: [
                way for way in _ways(graph, int(demand.node[item]), int(network.node[held]))
                if 2.0 * way[0] * MS_PER_KM <= float(services.latency_ms[kind])
            ]
            for held in range(len(network.node))
            if _may(network, services, demand, item, held)
        }  # fmt: skip
        best: dict[tuple[int, ...], float] = {}
        if not services.has_second[kind]:
            best = {(held,): price * min(way[0] for way in found) for held, found in near.items() if found}
        for one, other in itertools.permutations(near, 2) if services.has_second[kind] else ():
            for first, second in itertools.product(near[one], near[other]):
                if not (first[1] & second[1]) - bridges:
                    cost = price * (first[0] + limits.standby_frac * second[0])
                    best[(one, other)] = min(cost, best.get((one, other), math.inf))
        options.append(list(best.items()))
    least = math.inf
    for choice in itertools.product(*options):
        load = np.zeros(len(network.node))
        for item, (held, _) in enumerate(choice):
            load[list(held)] += float(demand.servers[item])
        n_servers = np.ceil(load - 1e-9)
        if (n_servers <= np.asarray(network.n_servers_max)).all():
            cost = sum(part for _, part in choice) + float((n_servers * np.asarray(network.server)).sum())
            least = min(least, cost + float(np.asarray(network.fixed)[n_servers > 0].sum()))
    return least
