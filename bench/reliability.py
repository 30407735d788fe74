"""Time exact availability of networks of 197 nodes and 245 links, with the peak memory of a process of its own.

The naive peers: sampling until its 95 % interval is as wide as a hundredth of the unavailability (time of the samples
drawn here, scaled to the number needed), and every state of a network of 20 links one by one. PERN is read from the
shared folder beside the checkout where that is there.
"""

from __future__ import annotations

import itertools
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from planar import meshed_links, named, planar_links

from rahdari import backbone
from rahdari.methods.reliability import Availability, all_terminal_availability

N_NODES, N_LINKS = 197, 245
SEEDS = (1, 2)
UP = 0.99
PERN = Path(__file__).parents[2] / "shared" / "validation" / "backbone" / "Pern.graphml"
TARGET_MB = 2_000.0
WIDTH_FRAC = 1e-2  # of the unavailability
Z_95 = 1.96
SAMPLES = 2**16
SMALL_NODES, SMALL_LINKS = 12, 20
KB_PER_MB = 1e3


def planar(seed: int, n_nodes: int, n_links: int) -> backbone.Network:
    """Return a planar network in which every link is up for 99 % of the time."""
    _, pair, km = planar_links(n_nodes, n_links, seed)
    nodes, links, ends = named(pair, n_nodes)
    return backbone.make_network(nodes, links, ends, km, link_availability_frac=UP)


def meshed(seed: int) -> backbone.Network:
    """Return a planar network without dead ends, the hardest kind of these counts."""
    nodes, links, ends = named(meshed_links(N_NODES, N_LINKS, seed), N_NODES)
    return backbone.make_network(nodes, links, ends, 1.0, link_availability_frac=UP)


def far_ends(network: backbone.Network) -> tuple[str, str]:
    """Return a node and the last of those that have two ways to it, so that the question does not fall apart."""
    best = max(
        network.node_id[::8], key=lambda a: int(np.isfinite(backbone.disjoint_pairs_from(network, a).cost).sum())
    )
    reached = np.flatnonzero(np.isfinite(backbone.disjoint_pairs_from(network, best).cost)).tolist()
    return best, network.node_id[max(v for v in reached if network.node_id[v] != best)]


def sampling_s(network: backbone.Network, exact: Availability, ends: tuple[str, str] | None) -> float:
    """Return how long sampling would take for its interval to be a hundredth of the unavailability wide."""
    start = time.perf_counter()
    if ends is None:
        all_terminal_availability(network, "montecarlo", n_samples=SAMPLES)
    else:
        backbone.two_terminal_availability(network, *ends, "montecarlo", n_samples=SAMPLES)
    each_s = (time.perf_counter() - start) / SAMPLES
    up, down = exact.availability_frac, 1.0 - exact.availability_frac
    return each_s * (2.0 * Z_95 / (WIDTH_FRAC * down)) ** 2 * up * down


def report(name: str, network: backbone.Network, ends: tuple[str, str] | None) -> None:
    """Print one exact answer, its time, memory and the time of sampling as narrowly."""
    start = time.perf_counter()
    exact = all_terminal_availability(network) if ends is None else backbone.two_terminal_availability(network, *ends)
    own_s = time.perf_counter() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KB_PER_MB
    peer_s = sampling_s(network, exact, ends)
    print(json.dumps({
        "bench": "reliability", "network": name, "n_nodes": network.n_nodes, "n_links": network.n_links,
        "task": "all terminals" if ends is None else "two terminals",
        "availability_frac": round(exact.availability_frac, 12), "ours_s": round(own_s, 4),
        "peak_mb": round(peak_mb), "target_mb": TARGET_MB, "is_within_target": peak_mb <= TARGET_MB,
        "n_states": exact.n_states, "peer": "sampling to 1 % of the unavailability", "peer_s": round(peer_s, 2),
        "ratio": round(peer_s / own_s, 1),
    }))  # fmt: skip


def brute_force() -> None:
    """Print an exact answer beside every state of a small network."""
    network = planar(SEEDS[0], SMALL_NODES, SMALL_LINKS)
    all_terminal_availability(network)
    start = time.perf_counter()
    exact = all_terminal_availability(network).availability_frac
    own_s = time.perf_counter() - start
    start = time.perf_counter()
    total = 0.0
    pairs = network.link_node.tolist()
    for works in itertools.product((False, True), repeat=SMALL_LINKS):
        parent = list(range(SMALL_NODES))
        n_parts = SMALL_NODES
        for (u, v), on in zip(pairs, works, strict=True):
            if on:
                while parent[u] != u:
                    u = parent[u]  # noqa: PLW2901  # climbs to the root
                while parent[v] != v:
                    v = parent[v]  # noqa: PLW2901
                n_parts -= u != v
                parent[u] = v
        if n_parts == 1:
            total += UP ** sum(works) * (1.0 - UP) ** (SMALL_LINKS - sum(works))
    peer_s = time.perf_counter() - start
    print(json.dumps({
        "bench": "reliability", "network": "planar, small", "n_nodes": SMALL_NODES, "n_links": SMALL_LINKS,
        "task": "all terminals", "availability_frac": round(exact, 12), "ours_s": round(own_s, 5),
        "peer": "every state", "peer_s": round(peer_s, 2), "ratio": round(peer_s / own_s),
        "difference": float(f"{abs(total - exact):.1e}"),
    }))  # fmt: skip


def one(name: str) -> None:
    """Run the cases of one network in this process, so that its peak memory is theirs."""
    if name == "small":
        brute_force()
        return
    if name == "pern":
        instance = backbone.read_network(PERN).instance
        network = backbone.network_of_instance(instance, UP)
        all_terminal_availability(planar(SEEDS[0], SMALL_NODES, SMALL_LINKS))
        report("PERN", network, None)
        return
    kind, seed = name.split("-")
    network = meshed(int(seed)) if kind == "meshed" else planar(int(seed), N_NODES, N_LINKS)
    all_terminal_availability(planar(int(seed), SMALL_NODES, SMALL_LINKS))
    report(f"planar {name}", network, None)
    report(f"planar {name}", network, far_ends(network))


def main() -> None:
    """Run each network in a process of its own."""
    if len(sys.argv) > 1:
        one(sys.argv[1])
        return
    cases = [f"{kind}-{seed}" for kind in ("trees", "meshed") for seed in SEEDS]
    for name in [*cases, *(["pern"] if PERN.is_file() else []), "small"]:
        done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True)
        sys.stdout.write(done.stdout)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
