"""Time the point connector beside a dense spanning tree; print one JSON line a case.

Giga's connector took 328 s for 2,000 points and a plain spanning tree 0.6 s (research page on planning).
"""

from __future__ import annotations

import json
import time

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree

from rahdari.methods.connect import connect_points

RADIUS_KM = 6371.0
GIGA_S = 328.0
SOURCE_SHARE = 0.05
DENSE_LIMIT = 3_000  # more points and the dense matrix does not fit


def dense_tree_s(lon_deg: np.ndarray, lat_deg: np.ndarray, source: np.ndarray, hop_km: float) -> tuple[float, float]:
    """Return seconds and total km of a spanning tree over the full distance matrix."""
    start = time.perf_counter()
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    h = (
        np.sin((lat[:, None] - lat) / 2) ** 2
        + np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    )
    distance = 2 * RADIUS_KM * np.arcsin(np.sqrt(h))
    distance[distance >= hop_km] = 0.0
    distance[np.ix_(source, source)] = 1e-9
    total = float(minimum_spanning_tree(distance).sum())
    return time.perf_counter() - start, total


def main() -> None:
    """Run the cases."""
    rng = np.random.default_rng(0)
    connect_points([0.0], [0.0], [True], 1.0)
    for n, hop_km in ((2_000, 20.0), (2_000, np.inf), (100_000, 20.0), (300_000, 20.0)):
        lon, lat, source = rng.uniform(61, 77, n), rng.uniform(24, 37, n), rng.random(n) < SOURCE_SHARE
        start = time.perf_counter()
        found = connect_points(lon, lat, source, hop_km)
        ours_s = time.perf_counter() - start
        line = {"bench": "connect_points", "n_points": n, "hop_km": str(hop_km), "ours_s": round(ours_s, 4)}
        line |= {"total_km": round(found.total_km, 3), "n_unreached": int(found.unreached.size)}
        if n <= DENSE_LIMIT:
            peer_s, _ = dense_tree_s(lon, lat, source, hop_km)
            line |= {"dense_tree_s": round(peer_s, 4), "ratio": round(peer_s / ours_s, 1), "giga_published_s": GIGA_S}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
