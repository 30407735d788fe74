"""Who is cut off under random failures on 50,000 nodes: 64 scenarios a word against a plain search for each.

The target is 30,000 scenarios a second on one core, bit for bit equal to the plain search.
"""

from __future__ import annotations

import json
import time

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from rahdari.methods.reach import csr_of_links, packed, prepare, reach, reach_prepared, unpacked

N_NODES, N_CORE, N_AGGREGATION, N_GATES = 50_000, 40, 1_500, 8
NODE_FAILS, LINK_FAILS = 0.02, 0.01
CHAINED, CLOSED, NEARER = 0.6, 0.1, 0.8  # shares of access sites on chains and closed to rings; step inwards
N_SCENARIOS, N_CHECKED, N_ROUNDS = 2_048, 12, 3


def national(random: np.random.Generator) -> np.ndarray:
    """Return (m, 2) ends of a core mesh, aggregation rings and access chains, a tenth of them closed."""
    xy = random.random((N_NODES, 2))
    core, aggregation = np.arange(N_CORE), np.arange(N_CORE, N_CORE + N_AGGREGATION)
    access = np.arange(N_CORE + N_AGGREGATION, N_NODES)
    near_core, near_aggregation = cKDTree(xy[core]), cKDTree(xy[aggregation])
    ends = [np.stack([np.repeat(core, 3), near_core.query(xy[core], k=4)[1][:, 1:].ravel()], axis=1)]
    ends += [np.stack([aggregation, near_core.query(xy[aggregation])[1]], axis=1)]
    ends += [np.stack([aggregation, aggregation[near_aggregation.query(xy[aggregation], k=2)[1][:, 1]]], axis=1)]
    km, above = near_aggregation.query(xy[access])
    neighbours = cKDTree(xy[access]).query(xy[access], k=9)[1][:, 1:]
    is_nearer = km[neighbours] < NEARER * km[:, None]
    chained = is_nearer.any(axis=1) & (random.random(access.size) < CHAINED)
    nearer = access[neighbours[np.arange(access.size), is_nearer.argmax(axis=1)]]
    ends += [np.stack([access, np.where(chained, nearer, aggregation[above])], axis=1)]
    closed = random.random(access.size) < CLOSED
    ends += [np.stack([access[closed], access[neighbours[closed, 0]]], axis=1)]
    both = np.unique(np.sort(np.concatenate(ends), axis=1), axis=0)
    return both[both[:, 0] != both[:, 1]]


def main() -> None:
    """Measure both on the same failures; best of several rounds, processor time of one core."""
    random = np.random.Generator(np.random.Philox(1))
    ends = national(random)
    gates = np.sort(random.choice(N_CORE, N_GATES, replace=False))
    nodes = packed(random.random((N_SCENARIOS, N_NODES)) < NODE_FAILS)
    links = packed(random.random((N_SCENARIOS, len(ends))) < LINK_FAILS)
    graph = csr_of_links(N_NODES, ends[:, 0], ends[:, 1])
    ready = prepare(graph, gates)
    served = np.zeros(1, np.int64)

    def count(_low: int, _high: int, found: np.ndarray) -> None:
        served[0] += found[0, 0] & np.uint64(1)

    ours_s = []
    for _ in range(N_ROUNDS):
        start = time.process_time()
        reach_prepared(ready, nodes, links, count)
        ours_s.append(time.process_time() - start)
    whole = unpacked(reach(graph, gates, nodes[:1], links[:1]))
    failed_nodes, failed_links = unpacked(nodes[:1]), unpacked(links[:1])
    start, is_equal = time.process_time(), True
    for s in range(N_CHECKED):
        kept = ~failed_links[s] & ~failed_nodes[s][ends[:, 0]] & ~failed_nodes[s][ends[:, 1]]
        matrix = csr_array((np.ones(kept.sum(), np.int8), (ends[kept, 0], ends[kept, 1])), (N_NODES, N_NODES))
        _, label = connected_components(matrix, directed=False)
        up = gates[~failed_nodes[s][gates]]
        is_equal &= np.array_equal(np.isin(label, label[up]) & ~failed_nodes[s], whole[s])
    plain_s = (time.process_time() - start) / N_CHECKED
    rate = N_SCENARIOS / min(ours_s)
    print(json.dumps({
        "bench": "reach", "n_nodes": N_NODES, "n_links": len(ends), "scenarios_per_s": round(rate),
        "asked_per_s": 30_000, "scipy_components_per_s": round(1.0 / plain_s, 1),
        "ratio": round(rate * plain_s, 1), "is_equal_bit_for_bit": bool(is_equal),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
