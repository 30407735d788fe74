"""Prove gaps on a national prize-collecting Steiner forest within 3, 10 and 120 s; print one JSON line each.

Arguments: segment_km n_villages (default 2 30000).  The peer is what most planning tools do: the
spanning tree of shortest ways between the places our own answer serves (Kou, Markowsky & Berman).
"""

from __future__ import annotations

import json
import resource
import sys
import time

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from steiner_instance import National, national

from rahdari.methods.steiner import steiner_forest

LIMITS_S = (None, 10.0, 120.0)
TARGET_PCT = {None: 0.5, 10.0: 0.15, 120.0: 0.02}


def shortest_way_tree(case: National, served: np.ndarray) -> float:
    """Return the cost of the shortest-way spanning tree over the served places, in money."""
    n = case.n_nodes
    root = np.full(case.source.size, n)
    start = np.concatenate([case.edge_node[:, 0], root])
    end = np.concatenate([case.edge_node[:, 1], case.source])
    cost = np.concatenate([case.edge_cost, np.full(case.source.size, 1e-6)])
    order = np.argsort(-cost, kind="stable")
    graph = coo_array((cost[order], (start[order], end[order])), shape=(n + 1, n + 1)).tocsr()
    seeds = np.append(served, n)
    distance, before, base = dijkstra(graph, directed=False, indices=seeds, min_only=True, return_predecessors=True)
    a, b = base[start], base[end]
    keep = (a != b) & (a >= 0) & (b >= 0)
    length = (distance[start] + cost + distance[end])[keep]
    place = np.full(n + 1, -1)
    place[seeds] = np.arange(seeds.size)
    low, high = np.sort(np.stack([place[a[keep]], place[b[keep]]]), axis=0)
    rank = np.lexsort((length, high, low))
    first = np.unique(np.stack([low, high])[:, rank], axis=1, return_index=True)[1]
    pick = rank[first]
    tree = minimum_spanning_tree(
        coo_array((length[pick], (low[pick], high[pick])), shape=(seeds.size, seeds.size)).tocsr()
    ).tocoo()
    chosen = {(int(i), int(j)) for i, j in zip(tree.row, tree.col, strict=True)}
    used: dict[tuple[int, int], float] = {}
    rows = np.flatnonzero(keep)[pick]
    for e, i, j in zip(rows, low[pick], high[pick], strict=True):
        if (int(i), int(j)) in chosen or (int(j), int(i)) in chosen:
            used[min(start[e], end[e]), max(start[e], end[e])] = float(cost[e])
            for foot in (start[e], end[e]):
                x = foot
                while before[x] >= 0:
                    used[min(x, before[x]), max(x, before[x])] = float(distance[x] - distance[before[x]])
                    x = before[x]
    return sum(used.values())


def main() -> None:
    """Run the limits one after another on one instance."""
    segment_km, n_villages = (float(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (2.0, 30_000)  # noqa: PLR2004
    steiner_forest(2, [[0, 1]], [1.0], [1], [0])
    case = national(segment_km, n_villages)
    arguments = (case.n_nodes, case.edge_node, case.edge_cost, case.terminal, case.source, case.prize)
    for limit_s in LIMITS_S:
        wall, cpu = time.perf_counter(), time.process_time()
        found = steiner_forest(*arguments, limit_s)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        assert found.certificate.gap_frac is not None
        assert found.edge_gap_frac is not None
        peer = shortest_way_tree(case, np.setdiff1d(case.terminal, found.unserved))
        line = {
            "bench": "steiner_national",
            "n_nodes": case.n_nodes,
            "n_places": n_villages,
            "time_limit_s": "quick" if limit_s is None else limit_s,
            "wall_s": round(wall, 2),
            "cpu_s": round(cpu, 2),
            "gap_pct": round(100 * found.certificate.gap_frac, 4),
            "gap_over_fibre_pct": round(100 * found.edge_gap_frac, 4),
            "target_pct": TARGET_PCT[limit_s],
            "fibre_usd": found.edge_cost_total,
            "shortest_way_tree_usd": peer,
            "ratio": round(peer / found.edge_cost_total, 5),
            "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
