"""Time dilutions of precision at 10,000 points, 96 moments and 30 satellites, with and without a terrain horizon.

The peer is plain NumPy for one point at a time, timed here on a sample and scaled to all of them; the answers of the
sample are compared.  The target is one second.
"""

from __future__ import annotations

import json
import time

import numpy as np

from rahdari.methods.dop import positions_km, walker
from rahdari.methods.earth_points import ground_points
from rahdari.methods.protection_level import protection_level
from rahdari.methods.satellite_dop import dop

N_POINTS, N_EPOCHS, N_SAMPLE, N_REPEATS, N_AZIMUTHS = 10_000, 96, 100, 3, 36
MASK_DEG, TARGET_S = 5.0, 1.0


def peer_pdop(place: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return (p, t) position dilutions, one point at a time; ``place`` (t, s, 3) km."""
    ground = ground_points(points)
    here, up, out = ground.ecef_km(), ground.up(), np.full((len(ground), place.shape[0]), np.nan)
    for p in range(len(ground)):
        sight = place - here[p]
        sight /= np.linalg.norm(sight, axis=2, keepdims=True)
        seen = (sight @ up[p] >= np.sin(np.radians(MASK_DEG))).astype(np.float64)
        design = np.concatenate([sight, np.ones_like(sight[..., :1])], axis=2) * seen[..., None]
        has_fix = seen.sum(axis=1) >= design.shape[2]
        normal = np.einsum("tsi,tsj->tij", design, design)[has_fix]
        out[p, has_fix] = np.sqrt(np.trace(np.linalg.inv(normal)[:, :3, :3], axis1=1, axis2=2))
    return out


def main() -> None:
    """Measure all three, least processor time of several rounds."""
    rng = np.random.Generator(np.random.Philox(1))
    lon, lat = rng.uniform(61.0, 77.0, N_POINTS), rng.uniform(24.0, 37.0, N_POINTS)
    points = np.stack([lon, lat, rng.uniform(0.0, 4500.0, N_POINTS)], axis=1)
    place = positions_km(walker(30, 3, 1, 27_906.1, 55.0), np.arange(N_EPOCHS) * 900.0)
    by_satellite = np.ascontiguousarray(place.transpose(1, 0, 2))
    times = np.datetime64("2026-03-12T00:00:00", "us") + np.arange(N_EPOCHS) * np.timedelta64(15, "m")
    horizon = rng.uniform(0.0, 30.0, (N_POINTS, N_AZIMUTHS))
    start = time.process_time()
    naive = peer_pdop(place, points[:N_SAMPLE])
    peer_s = (time.process_time() - start) * N_POINTS / N_SAMPLE
    for name, run in (
        ("open sky", lambda: dop(by_satellite, points, times, MASK_DEG)),
        ("terrain horizon", lambda: dop(by_satellite, points, times, MASK_DEG, horizon)),
        ("protection level", lambda: protection_level(by_satellite, points, times, MASK_DEG)),
    ):
        spent = []
        for _ in range(N_REPEATS):
            start = time.process_time()
            found = run()
            spent.append(time.process_time() - start)
        line = {"bench": "dop", "what": name, "n_points": N_POINTS, "n_epochs": N_EPOCHS, "n_satellites": 30}
        line |= {"ours_s": round(min(spent), 3), "numpy_per_point_s": round(peer_s, 1)}
        line |= {"ratio": round(peer_s / min(spent), 1), "target_s": TARGET_S}
        if name == "open sky":
            apart = np.nanmax(np.abs(found.pdop[:N_SAMPLE] / naive - 1.0))
            line |= {"is_within_target": min(spent) <= TARGET_S, "largest_difference_frac": float(f"{apart:.1e}")}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
