"""Time the optical line model beside GNPy on 28 spans of 80 km with 76 channels; one JSON line a physics.

GNPy's time is measured here where it is importable, else it is the 12 ms of one propagation with GNPy 3.0.1 on two
shared cores (research page on the backbone); that propagation has no Raman scattering, as our ``gn``.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path

from rahdari.methods.line import Amplifier, Channels, Span, line_gsnr_db

PUBLISHED_GNPY_S = 0.012
GNPY_MEAN_DB = 17.209  # GNPy 3.0.1 for this line, see tests/methods/test_line.py
TARGET_S = 0.0005
N_REPEATS = 300


def measured_gnpy_s() -> float | None:
    """Return GNPy's best time of one propagation over the same line, or ``None`` where it is not installed."""
    if importlib.util.find_spec("gnpy") is None:
        return None
    from gnpy.tools.json_io import load_eqpt_topo_from_json
    from gnpy.tools.worker_utils import designed_network, transmission_simulation

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from rahdari.sources.networks.gnpy_files import equipment_json, line_json
    from tests.oracles.gnpy_lines import LINES

    line = LINES[0]
    library = json.loads(equipment_json(line.spans, line.channels, line.amplifier))
    equipment, network = load_eqpt_topo_from_json(library, json.loads(line_json(line.spans, line.amplifier)))
    network, request, reference = designed_network(
        equipment, network, source="A", destination="B", no_insert_edfas=True
    )
    times = []
    for _ in range(5):
        start = time.perf_counter()
        transmission_simulation(equipment, network, request, reference)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Run both physics."""
    measured_s = measured_gnpy_s()
    peer_s = PUBLISHED_GNPY_S if measured_s is None else measured_s
    channels = Channels.grid(76, spacing_ghz=50.0, symbol_rate_ghz=32.0, power_dbm=0.0, transmitter_osnr_db=40.0)
    spans, amplifier = [Span(80.0)] * 28, Amplifier(noise_figure_db=6.5)
    for physics in ("gn", "isrs"):
        times = []
        for _ in range(N_REPEATS):
            start = time.perf_counter()
            signal_db = line_gsnr_db(spans, channels, amplifier, physics=physics)
            times.append(time.perf_counter() - start)
        ours_s = min(times)
        line = {"bench": "line", "physics": physics, "n_spans": 28, "n_channels": 76, "ours_ms": round(1e3 * ours_s, 3)}
        line |= {"gnpy_ms": round(1e3 * peer_s, 1), "gnpy_is": "published" if measured_s is None else "measured"}
        line |= {"ratio": round(peer_s / ours_s, 1), "is_within_target": ours_s <= TARGET_S}
        line |= {"mean_gsnr_db": round(float(signal_db.mean()), 3), "gnpy_mean_gsnr_db": GNPY_MEAN_DB}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
