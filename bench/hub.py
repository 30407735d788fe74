"""Plan thousands of microwave hubs, and colour the same graphs by trying every assignment; one JSON line each.

The naive figure is exhaustive search in Python over the same conflict graphs, by angle, measured in the same run on a
sample and carried to all hubs; both give the same numbers of channels, which the line says.
"""

from __future__ import annotations

import json
import time
from itertools import product

import numpy as np
import polars as pl

from rahdari.methods.hub import colour_exactly, hub_plan

N_HUBS, N_LINKS = 5_000, 8
N_NAIVE = 100
ANGLE_DEG = 60.0
CANCELLATION_DB = 20.0
TARGET_S = 2.0
SEED = 5


def hubs() -> pl.DataFrame:
    """Return random hubs at 18 GHz."""
    draw, n = np.random.Generator(np.random.Philox(SEED)), N_HUBS * N_LINKS
    return pl.DataFrame(
        {
            "hub_id": [f"h{i // N_LINKS:06d}" for i in range(n)],
            "link_id": [f"l{i % N_LINKS}" for i in range(n)],
            "azimuth_deg": draw.uniform(0.0, 360.0, n),
            "length_km": draw.uniform(1.0, 8.0, n),
            "frequency_ghz": np.full(n, 18.0),
        }
    )


def naive(is_near: np.ndarray) -> int:
    """Return the fewest channels by trying every assignment."""
    pairs = [(i, j) for i in range(N_LINKS) for j in range(i) if is_near[i, j]]
    for n_channels in range(1, N_LINKS + 1):
        for channel in product(range(n_channels), repeat=N_LINKS):
            if all(channel[i] != channel[j] for i, j in pairs):
                return n_channels
    raise AssertionError


def main() -> None:
    """Run both benches."""
    links = hubs()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        plan = hub_plan(links, CANCELLATION_DB)
        times.append(time.perf_counter() - start)
    line = {"bench": "hub_plan", "n_hubs": N_HUBS, "n_links": N_LINKS, "ours_s": round(min(times), 3)}
    line |= {"is_within_target": min(times) <= TARGET_S, "gap_frac": plan.certificate.gap_frac}
    print(json.dumps(line | {"hubs_per_s": round(N_HUBS / min(times))}))
    azimuth = links["azimuth_deg"].to_numpy().reshape(N_HUBS, N_LINKS)
    apart = np.abs((azimuth[:, :, None] - azimuth[:, None] + 180.0) % 360.0 - 180.0)
    graphs = (apart < ANGLE_DEG) & ~np.eye(N_LINKS, dtype=bool)
    start = time.perf_counter()
    ours = [colour_exactly(graph).n_colours for graph in graphs]
    ours_s = time.perf_counter() - start
    start = time.perf_counter()
    theirs = [naive(graph) for graph in graphs[:N_NAIVE]]
    naive_s = (time.perf_counter() - start) / N_NAIVE * N_HUBS
    line = {"bench": "hub_colouring", "n_hubs": N_HUBS, "n_links": N_LINKS, "ours_s": round(ours_s, 3)}
    line |= {"naive_s": round(naive_s, 1), "ratio": round(naive_s / ours_s), "is_equal": ours[:N_NAIVE] == theirs}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
