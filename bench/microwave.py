"""Time 100,000 microwave budgets after ITU-R P.530-18 beside the same steps done hop by hop; one JSON line.

The loop computes less (neither gas, diversity nor polarisation) and on a sample; both give the same outages.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from rahdari.methods.microwave import budgets, make_hops
from rahdari.methods.rain import rain_coefficients
from rahdari.sources.microwave import radio_named

N_HOPS = 100_000
N_SAMPLE = 500
TARGET_S = 2.0
N_REPEATS = 3


def main() -> None:
    """Run both and compare."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.oracles.p530_scalar import Hop, outages

    rng = np.random.Generator(np.random.Philox(530))
    radio = radio_named("mw07")
    column = {
        "length_km": rng.uniform(1.0, 70.0, N_HOPS),
        "frequency_ghz": rng.choice([6.2, 7.4, 8.1, 11.2, 13.0, 14.9, 18.7, 22.4, 38.3], N_HOPS),
        "antenna_a_m": rng.uniform(200.0, 1500.0, N_HOPS),
        "antenna_b_m": rng.uniform(200.0, 1500.0, N_HOPS),
        "terrain_m": rng.uniform(50.0, 250.0, N_HOPS),
        "lat_deg": rng.uniform(24.0, 37.0, N_HOPS),
        "gain_a_dbi": rng.uniform(34.0, 46.0, N_HOPS),
        "gain_b_dbi": rng.uniform(34.0, 46.0, N_HOPS),
    }
    hops = make_hops(**column, geoclimatic=2e-5)
    budgets(hops.rows(0, 10), radio)
    walls, processor = [], []
    for _ in range(N_REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        found = budgets(hops, radio)
        walls.append(time.perf_counter() - wall)
        processor.append(time.process_time() - cpu)
    margins = found.modes.margin_db[:N_SAMPLE]
    slope_deg = np.degrees(np.arctan2(np.abs(hops.antenna_a_m - hops.antenna_b_m), 1000.0 * hops.length_km))
    k, alpha = rain_coefficients(hops.frequency_ghz, slope_deg, 90.0)
    start = time.perf_counter()
    alone = []
    for i in range(N_SAMPLE):
        d, f, a, b, ground, lat = (float(getattr(hops, name)[i]) for name in tuple(column)[:6])
        hop = Hop(d, f, a, b, ground, lat, 0.0, 0.0, float(k[i]), float(alpha[i]), 40.0, 2e-5, 20.0)
        alone.append(
            [
                outages(hop, float(m), float(s))[1] if m > 0.0 else 1.0
                for m, s in zip(margins[i], radio.signature_ghz_per_ns, strict=True)
            ]
        )
    loop_s = time.perf_counter() - start
    np.testing.assert_allclose(
        np.maximum.accumulate(np.array(alone), axis=1), found.modes.year_frac[:N_SAMPLE], rtol=1e-6
    )
    ours_s = min(walls)
    line = {"bench": "microwave", "n_budgets": N_HOPS, "n_modulations": len(radio.mode), "ours_s": round(ours_s, 3)}
    line |= {"processor_s": round(min(processor), 3), "budgets_per_s": round(N_HOPS / ours_s)}
    line |= {"loop_budgets_per_s": round(N_SAMPLE / loop_s), "ratio": round(loop_s / N_SAMPLE * N_HOPS / ours_s, 1)}
    line |= {"target_s": TARGET_S, "is_within_target": ours_s <= TARGET_S}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
