"""Time one routing state, 1,584 satellites and 100 cities, beside the all-pairs way of its peers; one JSON line each.

Peers (Hypatia, Celestial) fill the table of all pairs of nodes by Floyd and Warshall; that is run here on the same
graph by scipy's compiled code, which is far quicker than networkx as Hypatia calls it (9.5 s on the research page).
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import floyd_warshall

from rahdari.methods.bent_pipe import ranges_km, sky_of
from rahdari.methods.constellation import walker_shell
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.isl import clear_links, grid_links, planes_of, route
from rahdari.units import LIGHT_SPEED_KM_PER_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOON = "2024-05-21T12:00:00"
TARGET_S = 0.030
N_CITIES, N_REPEATS = 100, 20
LARGEST_LAT_DEG = 50.0  # a shell at 53 degrees serves so far


def all_pairs_ms(position: NDArray[np.float64], links: NDArray[np.int64], cities: NDArray[np.float64]) -> float:
    """Return the largest round trip between cities from the table of all pairs of nodes."""
    n = position.shape[0]
    alive, length = clear_links(position, links)
    table = floyd_warshall(csr_array((length, (alive[:, 0], alive[:, 1])), shape=(n, n)), directed=False)
    ranges = ranges_km(sky_of(cities, 25.0), position)
    longest_km = 0.0
    for city in range(cities.shape[0]):
        seen = np.flatnonzero(np.isfinite(ranges[:, city]))
        above = (ranges[seen, city][:, None] + table[seen]).min(axis=0)
        to_each = (above[:, None] + ranges).min(axis=0)
        to_each[city] = 0.0
        longest_km = max(longest_km, float(to_each.max()))
    return 2.0 * longest_km / LIGHT_SPEED_KM_PER_MS


def main() -> None:
    """Run a filing with its grid at hand, with its grid laid anew, and the peer."""
    shell = walker_shell("shell", 72, 22, altitude_km=550.0, inclination_deg=53.0, phasing=17)
    rng = np.random.Generator(np.random.Philox(6))
    cities = np.stack(
        [rng.uniform(-180.0, 180.0, N_CITIES), rng.uniform(-LARGEST_LAT_DEG, LARGEST_LAT_DEG, N_CITIES)], axis=1
    )
    links, position = grid_links(planes_of(shell, NOON)), positions_km(shell, NOON)[:, 0]
    start = time.process_time()
    peer_ms = all_pairs_ms(position, links, cities)
    peer_s = time.process_time() - start
    for case, given in (("links of the filing at hand", links), ("links laid anew", "grid")):
        times = []
        for _ in range(N_REPEATS):
            start = time.process_time()
            found = route(shell, cities, cities, NOON, links=given)
            times.append(time.process_time() - start)
        ours_s = min(times)
        between = np.where(np.eye(N_CITIES, dtype=np.bool_), 0.0, found.rtt_ms)
        line = {"bench": "isl", "case": case, "n_satellites": len(shell), "n_cities": N_CITIES}
        line |= {"ours_ms": round(1e3 * ours_s, 2), "all_pairs_ms": round(1e3 * peer_s), "peer": "scipy floyd_warshall"}
        line |= {"ratio": round(peer_s / ours_s, 1), "is_within_target": ours_s <= TARGET_S}
        line |= {"longest_ms": round(float(between.max()), 4), "peer_longest_ms": round(peer_ms, 4)}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
