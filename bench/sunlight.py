"""Sun on panels: a year of one weather cell, against pvlib's position, clear sky and transposition for each cell.

The target is 10 ms a cell-year on one core.
"""

from __future__ import annotations

import json
import time

import numpy as np
import pandas as pd
import polars as pl
from pvlib.location import Location
from pvlib.modelchain import ModelChain
from pvlib.pvsystem import Array, FixedMount, PVSystem
from pvlib.temperature import TEMPERATURE_MODEL_PARAMETERS

from rahdari.methods.sunlight import sunlight

N_CELLS, N_ROUNDS, TARGET_S = 60, 3, 0.010


def chain_s() -> float:
    """Return the seconds that pvlib's chain takes for one cell, PVWatts losses and all."""
    place = Location(31.5, 74.3, "Etc/GMT-5", 200)
    heat = TEMPERATURE_MODEL_PARAMETERS["sapm"]["open_rack_glass_glass"]
    modules, inverter = {"pdc0": 1000.0, "gamma_pdc": -0.0037}, {"pdc0": 1000.0}
    array = Array(FixedMount(30, 180), module_parameters=modules, temperature_model_parameters=heat)
    system = PVSystem([array], inverter_parameters=inverter)
    chain = ModelChain(system, place, aoi_model="no_loss", spectral_model="no_loss")
    at = pd.date_range("2025-01-01 00:30", periods=8760, freq="h", tz="Etc/GMT-5")
    start = time.process_time()
    chain.run_model(place.get_clearsky(at, model="ineichen", linke_turbidity=4.0))
    return time.process_time() - start


def main() -> None:
    """Measure both, least of several rounds, processor time."""
    n = np.arange(N_CELLS)
    cells = pl.DataFrame({"weather_cell_id": n.astype(str), "lon_deg": 66.0 + n * 0.1, "lat_deg": 25.0 + n * 0.15})
    ours = []
    for _ in range(N_ROUNDS):
        start = time.process_time()
        sunlight(cells)
        ours.append((time.process_time() - start) / N_CELLS)
    peer = min(chain_s() for _ in range(N_ROUNDS))
    print(json.dumps({
        "bench": "sunlight", "ms_per_cell_year": round(1e3 * min(ours), 2), "asked_ms": 1e3 * TARGET_S,
        "pvlib_modelchain_ms": round(1e3 * peer, 1), "ratio": round(peer / min(ours), 1),
        "is_within_target": min(ours) <= TARGET_S,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
