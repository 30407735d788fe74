"""Time what 2,000 places see of 10,000 satellites over a day of minutes, end to end on one core; one JSON line.

The satellites are a synthetic set of mean elements in shells like those that are filed, propagated by SGP4; nothing is
dropped from the answer: counts, best satellite and its elevation for every place and minute.  The naive way is that of
a general library: every satellite at every step, angles of every pair with NumPy.  It is run here on a few steps and
places, checked against ours, and scaled: orbits by steps, angles by pairs.
"""

from __future__ import annotations

import json
import time

import numpy as np

from rahdari.methods.constellation import Constellation, MeanElements
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.points import Points, earth_fixed_km, local_axes
from rahdari.methods.satellite_view import visible

N_SATELLITES, N_STEPS, N_PLACES = 10_000, 1440, 2_000
N_NAIVE_STEPS, N_NAIVE_PLACES = 4, 100
MIN_ELEVATION_DEG = 25.0
TARGET_S = 20.0
SEED = 20_240_521
BOX = (60.9, 77.8, 23.6, 37.1)  # west, east, south, north: a country of Pakistan's size
#: Height, km, and inclination of the shells.
SHELLS = ((550.0, 53.0), (540.0, 53.2), (570.0, 70.0), (525.0, 53.0), (560.0, 97.6))
MINUTE = np.timedelta64(60, "s")


def satellites() -> Constellation:
    """Return the synthetic set."""
    random = np.random.Generator(np.random.Philox(key=SEED))
    shell = np.arange(N_SATELLITES) % len(SHELLS)
    height, inclination = (np.array(column)[shell] for column in zip(*SHELLS, strict=True))
    motion = np.sqrt(398_600.8 / (6378.135 + height) ** 3) * 86_400.0 / (2.0 * np.pi)
    node, perigee, anomaly = random.uniform(0.0, 360.0, (3, N_SATELLITES))
    elements = MeanElements(
        epoch_day=np.full(N_SATELLITES, 27_169.0),
        epoch_frac=random.random(N_SATELLITES),
        motion_per_day=motion,
        eccentricity_ratio=np.full(N_SATELLITES, 1e-4),
        inclination_deg=inclination,
        node_deg=node,
        perigee_deg=perigee,
        anomaly_deg=anomaly,
        drag_bstar=np.full(N_SATELLITES, 2e-4),
    )
    return Constellation("bench", np.arange(N_SATELLITES), tuple(map(str, range(N_SATELLITES))), elements)


def naive(c: Constellation, points: Points, times: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return (p, t) counts by the angles of every pair, and the CPU seconds of orbits and of pairs."""
    place, axes = earth_fixed_km(points), local_axes(points)
    count = np.empty((len(points), times.size), np.int64)
    orbits_s = pairs_s = 0.0
    for k in range(times.size):
        start = time.process_time()
        position = positions_km(c, times[k])[:, 0]
        middle = time.process_time()
        for p in range(len(points)):
            local = (position - place[p]) @ axes[p].T
            elevation = np.degrees(np.arctan2(local[:, 2], np.hypot(local[:, 0], local[:, 1])))
            count[p, k] = int((elevation >= MIN_ELEVATION_DEG).sum())
        orbits_s += middle - start
        pairs_s += time.process_time() - middle
    return count, orbits_s, pairs_s


def main() -> None:
    """Run ours whole and the naive way in part."""
    random = np.random.Generator(np.random.Philox(key=SEED + 1))
    west, east, south, north = BOX
    lon, lat = random.uniform(west, east, N_PLACES), random.uniform(south, north, N_PLACES)
    points = Points(lon, lat, random.uniform(0.0, 3000.0, N_PLACES))
    times = np.datetime64("2024-05-21T00:00:00", "us") + np.arange(N_STEPS) * MINUTE
    start = time.process_time()
    c = satellites()
    found = visible(c, points, times, MIN_ELEVATION_DEG)
    ours_s = time.process_time() - start
    few = Points(lon[:N_NAIVE_PLACES], lat[:N_NAIVE_PLACES], points.height_m[:N_NAIVE_PLACES])
    count, orbits_s, pairs_s = naive(c, few, times[:N_NAIVE_STEPS])
    assert np.array_equal(count, found.count[:N_NAIVE_PLACES, :N_NAIVE_STEPS])
    scaled_s = (orbits_s + pairs_s * N_PLACES / N_NAIVE_PLACES) * N_STEPS / N_NAIVE_STEPS
    part = f"{N_NAIVE_STEPS} steps and {N_NAIVE_PLACES} places, orbits scaled by steps, angles by pairs"
    line = {"bench": "visible", "n_satellites": N_SATELLITES, "n_steps": N_STEPS, "n_places": N_PLACES}
    line |= {
        "ours_cpu_s": round(ours_s, 2),
        "pairs_g_per_s": round(N_SATELLITES * N_STEPS * N_PLACES / ours_s / 1e9, 2),
    }
    line |= {"naive_is": f"measured on {part}", "naive_measured_cpu_s": round(orbits_s + pairs_s, 2)}
    line |= {"naive_scaled_cpu_s": round(scaled_s), "ratio": round(scaled_s / ours_s)}
    line |= {"is_within_target": ours_s <= TARGET_S, "n_visible_mean": round(float(found.count.mean()), 2)}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
