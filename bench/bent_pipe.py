"""Time the bent pipe of a whole country over a day beside plain array arithmetic; one JSON line.

32,000 places, 144 moments, 4 gateways, 6,000 satellites; the naive way (numpy over places and all satellites, ranges
and elevations in full) is run in the same process on a few places and moments, and scaled.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.bent_pipe import bent_pipe, ranges_km, sky_of
from rahdari.methods.constellation import joined, walker_shell
from rahdari.methods.ephemeris import positions_km
from rahdari.units import LIGHT_SPEED_KM_PER_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

N_PLACES, N_NAIVE_PLACES, N_NAIVE_STEPS = 32_000, 500, 4
TARGET_S = 10.0  # "seconds" for a country and a day
GATEWAYS = [(67.0, 24.9, 10.0), (73.05, 33.68, 540.0), (74.35, 31.55, 217.0), (67.0, 30.2, 1680.0)]


def naive_ms(position: FloatArray, places: FloatArray) -> FloatArray:
    """Return round trips at one moment by full tables of ranges."""
    up, down = ranges_km(sky_of(places, 25.0), position), ranges_km(sky_of(GATEWAYS, 25.0), position)
    return np.asarray(2.0 * (up + down.min(axis=1)[:, None]).min(axis=0) / LIGHT_SPEED_KM_PER_MS)


def main() -> None:
    """Run both and compare their answers."""
    shells = [
        walker_shell(f"shell-{n}", 75, 40, altitude_km=height, inclination_deg=tilt, phasing=17)
        for n, (height, tilt) in enumerate(((550.0, 53.0), (560.0, 43.0)))
    ]
    fleet = joined("fleet", shells)
    rng = np.random.Generator(np.random.Philox(6))
    columns = (rng.uniform(61.0, 77.0, N_PLACES), rng.uniform(24.0, 37.0, N_PLACES), rng.uniform(0.0, 3e3, N_PLACES))
    places = np.stack(columns, axis=1)
    times = np.arange("2024-05-21T00:00", "2024-05-22T00:00", 10, dtype="datetime64[m]")
    start = time.process_time()
    found = bent_pipe(fleet, places, GATEWAYS, times)
    ours_s = time.process_time() - start
    position = positions_km(fleet, times[:N_NAIVE_STEPS])
    start = time.process_time()
    plain = [naive_ms(position[:, step], places[:N_NAIVE_PLACES]) for step in range(N_NAIVE_STEPS)]
    sample_s = time.process_time() - start
    naive_s = sample_s * times.size / N_NAIVE_STEPS * N_PLACES / N_NAIVE_PLACES
    difference = np.abs(found.rtt_ms[:N_NAIVE_PLACES, :N_NAIVE_STEPS] - np.stack(plain, axis=1))
    line = {"bench": "bent_pipe", "n_places": N_PLACES, "n_steps": int(times.size), "n_gateways": len(GATEWAYS)}
    line |= {"n_satellites": len(fleet), "ours_s": round(ours_s, 2), "naive_s": round(naive_s)}
    line |= {
        "naive_is": "scaled from a sample",
        "ratio": round(naive_s / ours_s),
        "is_within_target": ours_s <= TARGET_S,
    }
    line |= {
        "largest_difference_ms": float(np.nanmax(difference)),
        "none_frac": round(float(found.none_frac.mean()), 4),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
