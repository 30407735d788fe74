"""The worst three link failures of capacitated demand, with proof, on networks like germany50.

Germany50 itself is not at hand: a planar network of the same size (50 nodes, 88 links, 662 demands, no dead end) is
drawn, with capacity that survives any single failure; nobel-germany is beside it where the reference data are.  The
peer solves one linear programme a set for all sets, timed on a sample and scaled.
"""

from __future__ import annotations

import json
import time
from itertools import combinations
from math import comb
from pathlib import Path

import numpy as np
from planar import named, planar_links

from rahdari.methods.instance import Instance
from rahdari.methods.interdiction import interdict
from rahdari.methods.network import make_network
from rahdari.methods.survivable import design_survivable
from rahdari.sources.networks.files import load_instance

N_NODES, N_LINKS, N_DEMANDS, K, TARGET_S, N_SAMPLE = 50, 88, 662, 3, 60.0, 6
SHARED = Path(__file__).parents[2] / "shared" / "validation" / "backbone"


def like_germany50(seed: int) -> Instance:
    """Return nodes, links and demands of germany50's size; demand falls with distance and grows with both ends."""
    random = np.random.Generator(np.random.Philox(key=seed))
    pair = planar_links(N_NODES, N_LINKS, seed)[1]
    size = random.lognormal(0.0, 0.3, N_NODES)
    every = np.array(list(combinations(range(N_NODES), 2)), np.int64)
    chosen = np.sort(random.choice(len(every), N_DEMANDS, replace=False))
    ends = every[chosen]
    names = named(pair, N_NODES)
    return Instance(
        tuple(names[0]), None, None, tuple(names[1]), pair, random.uniform(50.0, 250.0, N_LINKS), np.zeros(N_LINKS),
        (np.zeros(0),) * N_LINKS, (np.zeros(0),) * N_LINKS, np.ones(N_LINKS),
        tuple(f"d{i:04d}" for i in range(N_DEMANDS)), ends, np.ceil(10.0 * size[ends[:, 0]] * size[ends[:, 1]]),
        "like-germany50",
    )  # fmt: skip


def measure(instance: Instance) -> None:
    """Print one line for one network."""
    design = design_survivable(instance, gap=0.01, time_limit_s=30.0)
    units = dict(design.capacity.select("link_id", "units").iter_rows())
    ends = [(instance.node_id[a], instance.node_id[b]) for a, b in instance.link_node.tolist()]
    network = make_network(instance.node_id, instance.link_id, ends, 1.0)
    demand: dict[tuple[str, str], float] = {}
    for (a, b), value in zip(instance.demand_node.tolist(), instance.demand_value.tolist(), strict=True):
        pair = (instance.node_id[min(a, b)], instance.node_id[max(a, b)])
        demand[pair] = demand.get(pair, 0.0) + float(value)
    start = time.process_time()
    found = interdict(network, demand, K, capacity=units, time_limit_s=600.0)
    ours = time.process_time() - start
    random = np.random.Generator(np.random.Philox(3))
    start = time.process_time()
    for _ in range(N_SAMPLE):
        gone = set(random.choice(list(units), K, replace=False).tolist())
        left = {name: 0.0 if name in gone else value for name, value in units.items()}
        interdict(network, demand, 1, capacity=left, hardened=network.link_id)
    each = (time.process_time() - start) / N_SAMPLE
    n_sets = comb(network.n_links, K)
    line = {"bench": "interdiction", "network": instance.name, "n_nodes": network.n_nodes, "n_links": network.n_links}
    line |= {"n_demands": len(demand), "k": K, "ours_s": round(ours, 2), "peer_all_sets_s": round(each * n_sets)}
    line |= {"ratio": round(each * n_sets / ours), "n_sets": n_sets, "n_looked_at": found.n_sets}
    line |= {"lost_frac": round(found.loss / found.demand, 4), "gap_frac": found.gap_frac, "target_s": TARGET_S}
    print(json.dumps(line | {"is_within_target": ours <= TARGET_S}))


def main() -> None:
    """Measure the drawn network, and the reference networks where they are."""
    measure(like_germany50(5))
    for name in ("nobel-germany.txt", "nobel-eu.txt"):
        if (SHARED / name).is_file():
            measure(load_instance(SHARED / name))


if __name__ == "__main__":
    main()
