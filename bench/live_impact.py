"""From a link cut to the customers without service and those who lost protection, at 20,000 nodes.

The peer is the plain way in networkx, in the same run and on the same cuts: take the link out, search from the
gateways, add customers up; then all bridges for who is one failure away.  The answers are compared.  The target is
100 ms.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

import networkx as nx
import numpy as np

from rahdari.operate.impact import Cuts, exposure, impacts
from rahdari.operate.network import LiveNetwork

N_NODES, N_CORE, N_GATEWAYS, N_CUTS, N_PEER, TARGET_MS = 20_000, 4_000, 6, 60, 5, 100.0


def story(n_nodes: int, n_core: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return a ring with chords, and trees of sites with a cell each hung on it."""
    sites = [f"N{i}" for i in range(n_nodes)]
    ends = [(i, (i + 1) % n_core) for i in range(n_core)]
    ends += [(int(a), int((a + rng.integers(5, 400)) % n_core)) for a in rng.integers(0, n_core, n_core // 8)]
    ends += [(i, int(rng.integers(max(0, i - 9_000), i))) for i in range(n_core, n_nodes)]
    links = {f"L{k}": {"a": sites[a], "b": sites[b], "ducts": [f"D{k // 3}"]} for k, (a, b) in enumerate(ends)}
    gateways = [sites[i] for i in rng.choice(n_core, N_GATEWAYS, replace=False)]
    return {"sites": sites, "gateways": gateways, "cells": {}, "links": links}


def live(n_nodes: int, n_core: int, seed: int) -> LiveNetwork:
    """Return the network of :func:`story`; every site serves a place of its own."""
    from dataclasses import replace

    from rahdari.methods.cascade import Service

    rng = np.random.Generator(np.random.Philox(seed))
    made = LiveNetwork.of_story(story(n_nodes, n_core, rng))
    every = np.arange(n_nodes)
    one = Service("data", made.services[0].roots, np.arange(n_nodes + 1), every, np.ones(n_nodes, np.int64))
    return replace(
        made, place_id=made.node_id, customers=rng.integers(100, 9_000, n_nodes).astype(np.float64),
        mbps=np.zeros(n_nodes), services=(one,),
    )  # fmt: skip


def peer(graph: nx.Graph, made: LiveNetwork, link: int) -> tuple[int, set[frozenset[int]]]:
    """Return customers cut off by a link, and all bridges that are left."""
    ends = int(made.tail[link]), int(made.head[link])
    graph.remove_edge(*ends)
    reached: set[int] = set()
    for root in made.gateways.tolist():
        if root not in reached:
            reached |= nx.node_connected_component(graph, root)
    lost = sum(made.customers[node] for node in graph if node not in reached and node != made.n_nodes)
    bridges = {frozenset(pair) for pair in nx.bridges(graph)}
    graph.add_edge(*ends)
    return int(lost), bridges


def main() -> None:
    """Measure cuts one by one, as they come live."""
    made = live(N_NODES, N_CORE, 20)
    cuts = Cuts(made)
    start = time.perf_counter()
    impacts(made, [((), (0,))])
    exposure(made, cuts, ((), (0,)))
    ready_ms = (time.perf_counter() - start) * 1e3
    chosen = np.random.Generator(np.random.Philox(2)).choice(made.n_links, N_CUTS, replace=False).tolist()
    chosen[: N_CUTS // 2] = list(range(N_CUTS // 2))  # of the core, where protection is lost
    impact_ms, whole_ms, found = [], [], []
    for link in chosen:
        start = time.perf_counter()
        lost = impacts(made, [((), (link,))])[0]
        impact_ms.append((time.perf_counter() - start) * 1e3)
        shown = exposure(made, cuts, ((), (link,)))
        whole_ms.append((time.perf_counter() - start) * 1e3)
        found.append((lost.customers, shown))
    graph = nx.Graph()
    graph.add_nodes_from(range(made.n_nodes))
    graph.add_edges_from(zip(made.tail.tolist(), made.head.tolist(), strict=True))
    for a, b in zip(made.gateways[:-1].tolist(), made.gateways[1:].tolist(), strict=True):
        graph.add_edge(a, made.n_nodes)  # what joins gateways beyond this network
        graph.add_edge(b, made.n_nodes)
    peer_ms, are_equal = [], True
    whole = {frozenset(pair) for pair in nx.bridges(graph)}
    for i in range(0, N_CUTS, N_CUTS // N_PEER):
        bare = graph.copy()
        bare.remove_node(made.n_nodes)
        start = time.perf_counter()
        lost, _ = peer(bare, made, chosen[i])
        peer_ms.append((time.perf_counter() - start) * 1e3)
        graph.remove_edge(int(made.tail[chosen[i]]), int(made.head[chosen[i]]))
        new = {frozenset(pair) for pair in nx.bridges(graph)} - whole
        graph.add_edge(int(made.tail[chosen[i]]), int(made.head[chosen[i]]))
        named = {frozenset((int(made.tail[made.link_at[name]]), int(made.head[made.link_at[name]])))
                 for name in found[i][1].next_single_failure_that_isolates if name in made.link_at}  # fmt: skip
        are_equal &= lost == found[i][0] and new == named
    worst = float(np.percentile(whole_ms, 99))
    print(json.dumps({
        "bench": "live_impact", "n_nodes": made.n_nodes, "n_links": made.n_links, "n_cuts": N_CUTS,
        "impact_p50_ms": round(statistics.median(impact_ms), 2),
        "with_protection_p50_ms": round(statistics.median(whole_ms), 2),
        "with_protection_p99_ms": round(worst, 2), "ready_once_ms": round(ready_ms, 1),
        "networkx_p50_ms": round(statistics.median(peer_ms), 1),
        "ratio": round(statistics.median(peer_ms) / statistics.median(whole_ms), 1), "are_equal": are_equal,
        "target_ms": TARGET_MS, "is_within_target": worst <= TARGET_MS,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
