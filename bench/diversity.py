"""Time disjoint routes on planar networks of 5,000 nodes beside Suurballe's method over SciPy and over NetworkX.

The pair is asked by name through `rahdari.backbone.disjoint_routes`, proof included; the peers get arrays and a graph
that are ready, and their total is compared. Times are medians over pairs of the least of three calls. All destinations
from one source are one rooted computation. No library at hand finds routes that share no risk: there the naive peer
takes the shortest way, bars its risks and looks again.
"""

from __future__ import annotations

import json
import time
from itertools import pairwise
from statistics import median

import networkx as nx
import numpy as np
import polars as pl
from planar import named, planar_links
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from rahdari import backbone

N_NODES = 5_000
N_LINKS = 7_999
N_PAIRS = 40
N_REPEATS = 3  # of each call, ours and the peers'; the least counts, as others use the machine too
N_NETWORKX = 5
N_GROUPS = 500
GROUP_KM = 25.0
TARGET_MS = 2.0
SEED = 1
MS_PER_S = 1e3
PROVEN_FRAC = 1e-6
SEARCH_S = 10.0
NANOMETRE_KM = 1e-12
Ways = tuple[np.ndarray, np.ndarray, np.ndarray]


def reduced(ways: Ways, dist: np.ndarray, path: list[tuple[int, int]], n: int) -> csr_array:
    """Return the graph of reduced costs with the arcs of a path turned round and free."""
    tail, head, km = ways
    cost = km + dist[tail] - dist[head]
    on_path = {a * n + b for a, b in path}
    key, back = tail * n + head, head * n + tail
    barred = np.isin(key, np.fromiter(on_path, np.int64))
    # SciPy drops nothing that is stored, so a zero has to stay a zero above nothing: a nanometre.
    cost = np.maximum(np.where(np.isin(back, np.fromiter(on_path, np.int64)), 0.0, cost), NANOMETRE_KM)
    return csr_array((cost[~barred], (tail[~barred], head[~barred])), shape=(n, n))


def path_to(before: np.ndarray, end: int) -> list[tuple[int, int]]:
    """Return the arcs of the path to a node in a tree of predecessors."""
    arcs = []
    while before[end] >= 0:
        arcs.append((int(before[end]), end))
        end = int(before[end])
    return arcs


def scipy_pair_km(graph: csr_array, ways: Ways, ends: tuple[int, int]) -> float:
    """Return the total of the shortest link-disjoint pair by two runs of SciPy's Dijkstra."""
    a, b = ends
    dist, before = dijkstra(graph, indices=a, return_predecessors=True)
    again = dijkstra(reduced(ways, dist, path_to(before, b), graph.shape[0]), indices=a)
    return float(2.0 * dist[b] + again[b])


def networkx_pair_km(graph: nx.DiGraph, ends: tuple[int, int]) -> float:
    """Return the same by NetworkX."""
    a, b = ends
    dist, paths = nx.single_source_dijkstra(graph, a)
    turned = nx.DiGraph()
    on_path = set(pairwise(paths[b]))
    for u, v, km in graph.edges(data="weight"):
        if (u, v) not in on_path:
            turned.add_edge(u, v, weight=0.0 if (v, u) in on_path else max(0.0, km + dist[u] - dist[v]))
    return float(2.0 * dist[b] + nx.dijkstra_path_length(turned, a, b))


def risk_frames(place: np.ndarray, pair: np.ndarray, links: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return local groups: the links with a middle near a random one."""
    random = np.random.Generator(np.random.Philox(key=SEED))
    middle = place[pair].mean(axis=1)
    tree = cKDTree(middle)
    at, wide = random.integers(0, len(middle), N_GROUPS), 2.0 + GROUP_KM * random.random(N_GROUPS)
    near = [sorted(own) for own in tree.query_ball_point(middle[at], wide)]
    groups = [(f"g{i:03d}", f"Zone {i}", "flood", 0.1, 24.0) for i in range(N_GROUPS)]
    members = [(f"g{i:03d}", links[link]) for i, own in enumerate(near) for link in own]
    columns = ["risk_group_id", "name", "kind", "rate_per_year", "repair_h"]
    return pl.DataFrame(groups, columns, orient="row"), pl.DataFrame(members, [columns[0], "member_id"], orient="row")


def without(network: backbone.Network, links: set[int]) -> nx.Graph:
    """Return what is left of a network without some links."""
    graph = nx.Graph()
    for i, (u, v) in enumerate(network.link_node.tolist()):
        if i not in links:
            graph.add_edge(u, v, weight=network.link_km[i], link=i)
    return graph


def naive_risk_pair_km(network: backbone.Network, groups_at: list[set[int]], ends: tuple[int, int]) -> float | None:
    """Return the total of the shortest way and the shortest sharing no risk with it, ``None`` where none is left."""
    first = nx.dijkstra_path(full := without(network, set()), *ends)
    used = {full[u][v]["link"] for u, v in pairwise(first)}
    struck = {group for link in used for group in groups_at[link]}
    barred = used | {link for group in struck for link in network.risks.links_of(group).tolist()}
    rest = without(network, barred)
    rest.remove_nodes_from(first[1:-1])
    if not all(end in rest for end in ends) or not nx.has_path(rest, *ends):
        return None
    total = sum(full[u][v]["weight"] for u, v in pairwise(first))
    return float(total + nx.dijkstra_path_length(rest, *ends))


def timed_ms(call: object, *given: object) -> tuple[float, object]:
    """Return how long a call takes at the least, ms, and what it returns."""
    times = []
    for _ in range(N_REPEATS):
        start = time.perf_counter()
        answer = call(*given)  # type: ignore[operator]
        times.append((time.perf_counter() - start) * MS_PER_S)
    return min(times), answer


def pairs_of(network: backbone.Network, source: int) -> list[tuple[int, int]]:
    """Return ends drawn from the nodes that have two link-disjoint ways to one of them."""
    reached = np.flatnonzero(np.isfinite(backbone.disjoint_pairs_from(network, network.node_id[source]).cost))
    random = np.random.Generator(np.random.Philox(key=SEED))
    drawn = random.choice(reached, (4 * N_PAIRS, 2))
    return [(a, b) for a, b in drawn.tolist() if a != b][:N_PAIRS]


def bench_pairs(network: backbone.Network, ways: Ways, ends: list[tuple[int, int]], source: int) -> None:
    """Print one pair beside both peers, and all destinations of one source beside one by one."""
    tail, head, km = ways
    graph = csr_array((km, (tail, head)), shape=(N_NODES, N_NODES))
    names = [(network.node_id[a], network.node_id[b]) for a, b in ends]
    backbone.disjoint_routes(network, *names[0])
    ours = [timed_ms(backbone.disjoint_routes, network, *pair) for pair in names]
    peer = [timed_ms(scipy_pair_km, graph, ways, pair) for pair in ends]
    arcs = nx.DiGraph()
    arcs.add_weighted_edges_from(zip(tail.tolist(), head.tolist(), km.tolist(), strict=True))
    slow = [timed_ms(networkx_pair_km, arcs, pair) for pair in ends[:N_NETWORKX]]
    worst = max(abs(found.cost - other) for (_, found), (_, other) in zip(ours, peer, strict=True))
    own_ms = median(each for each, _ in ours)
    line = {"bench": "diversity", "task": "cheapest link-disjoint pair", "n_nodes": N_NODES, "n_links": N_LINKS}
    for name, times in (("scipy", peer), ("networkx", slow)):
        peer_ms = median(each for each, _ in times)
        print(json.dumps(line | {
            "ours_ms": round(own_ms, 3), "target_ms": TARGET_MS, "is_within_target": own_ms <= TARGET_MS,
            "peer": name, "peer_ms": round(peer_ms, 3), "ratio": round(peer_ms / own_ms, 2),
            "largest_difference_km": float(f"{worst:.1e}"), "n_pairs": len(times),
        }))  # fmt: skip
    node = median(timed_ms(backbone.disjoint_routes, network, *pair, "node")[0] for pair in names)
    print(json.dumps(line | {"task": "cheapest node-disjoint pair", "ours_ms": round(node, 3), "target_ms": TARGET_MS}))
    backbone.disjoint_pairs_from(network, network.node_id[source])
    for disjoint in ("link", "node"):
        rooted_ms, found = timed_ms(backbone.disjoint_pairs_from, network, network.node_id[source], disjoint)
        n_found = int(np.isfinite(found.cost).sum()) - 1
        single_ms = own_ms if disjoint == "link" else node
        print(json.dumps(line | {
            "task": f"{disjoint}-disjoint pairs from one node to all", "ours_ms": round(rooted_ms, 3),
            "n_pairs": n_found, "peer": "ours, one by one", "peer_ms": round(single_ms * n_found, 1),
            "ratio": round(single_ms * n_found / rooted_ms, 1),
        }))  # fmt: skip


def bench_risk(network: backbone.Network, ends: list[tuple[int, int]]) -> None:
    """Print how many pairs of ends are settled with proof, beside the naive way."""
    groups_at: list[set[int]] = [set() for _ in network.link_id]
    for group in range(len(network.risks.group_id)):
        for link in network.risks.links_of(group).tolist():
            groups_at[link].add(group)
    settled, naive, excess, times, naive_times = 0, 0, [], [], []
    n_found = 0
    for a, b in ends:
        names = network.node_id[a], network.node_id[b]
        own_ms, found = timed_ms(
            lambda names=names: backbone.disjoint_routes(
                network, *names, "risk", time_limit_s=SEARCH_S, is_explained=False
            )
        )
        naive_ms, other = timed_ms(naive_risk_pair_km, network, groups_at, (a, b))
        times.append(own_ms)
        naive_times.append(naive_ms)
        settled += bool(found.is_proven_none or (found.gap_frac is not None and found.gap_frac <= PROVEN_FRAC))
        n_found += found.is_disjoint
        naive += other is not None
        if other is not None and found.cost is not None:
            excess.append(other / found.cost - 1.0)
    print(json.dumps({
        "bench": "diversity", "task": f"cheapest pair that shares none of {N_GROUPS} risks", "n_nodes": N_NODES,
        "n_links": network.n_links, "ours_ms": round(median(times), 1), "ours_most_ms": round(max(times), 1),
        "peer": "shortest way first, NetworkX", "peer_ms": round(median(naive_times), 1),
        "ratio": round(median(naive_times) / median(times), 2), "n_pairs": len(ends), "n_settled_with_proof": settled,
        "n_found": n_found, "n_found_by_peer": naive, "peer_dearer_by_frac": round(max(excess, default=0.0), 4),
    }))  # fmt: skip


def main() -> None:
    """Run all tasks on one network."""
    place, pair, km = planar_links(N_NODES, N_LINKS, SEED)
    nodes, links, ends = named(pair, N_NODES)
    groups, members = risk_frames(place, pair, links)
    network = backbone.make_network(nodes, links, ends, km, risk_groups=groups, risk_group_members=members)
    plain = backbone.make_network(nodes, links, ends, km)
    centre = int(np.argmin(np.linalg.norm(place - place.mean(axis=0), axis=1)))
    counts = [
        int(np.isfinite(backbone.disjoint_pairs_from(plain, nodes[i]).cost).sum()) for i in range(centre, centre + 9)
    ]
    source = centre + int(np.argmax(counts))
    drawn = pairs_of(plain, source)
    both = np.concatenate([pair, pair[:, ::-1]])
    bench_pairs(plain, (both[:, 0], both[:, 1], np.concatenate([km, km])), drawn, source)
    bench_risk(network, drawn[: N_PAIRS // 2])


if __name__ == "__main__":
    main()
