"""Rate P.1812 over single profiles of 300 points on one core, hills and plain; one JSON line each.

Beside ours in the same run: the Recommendation read straight in numpy (tests/verifiers/p1812.py), and our own scalar
functions uncompiled; published rates of other programs on other machines are in the research page on radio.
A core's rate is that of the thread's own time, since the machine is shared; the wall clock's stands beside it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels import p1812_cuda
from rahdari.kernels.p1812 import LOSS, N_INPUTS, N_TERMS
from rahdari.methods.p1812 import p1812_loss_db
from rahdari.methods.p1812_input import DEFAULTS, Paths, read_paths

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.verifiers import p1812 as straight

N_PATHS, N_POINTS, LENGTH_KM = 2000, 300, 27.0
N_REPEATS = 15
N_STRAIGHT, N_UNCOMPILED = 200, 20
TARGET_PER_S = 100_000
TX_M, RX_M, FREQUENCY_GHZ = 30.0, 1.5, 1.8
PUBLISHED = {"crc-covlib C++, P.1812-7": 89_400, "Py1812": 1_991}  # research page on radio, another run


def profiles(relief_m: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return paths over random walks of height, ``relief_m`` a step."""
    rng = np.random.Generator(np.random.Philox(4))
    walks = np.abs(rng.normal(size=(N_PATHS, N_POINTS)).cumsum(axis=1)) * relief_m
    return [np.linspace(0.0, LENGTH_KM, N_POINTS)] * N_PATHS, list(walks)


def best(work: Callable[[], object], n_repeats: int) -> tuple[float, float]:
    """Return the least wall and thread time of a call."""
    wall_s, thread_s = [], []
    for _ in range(n_repeats):
        wall, thread = time.perf_counter(), time.thread_time()
        work()
        wall_s.append(time.perf_counter() - wall)
        thread_s.append(time.thread_time() - thread)
    return min(wall_s), min(thread_s)


def straight_losses(paths: Paths) -> list[float]:
    """Return the first losses by the Recommendation read straight."""
    zone, cover = np.full(N_POINTS, 4, np.int32), np.zeros(N_POINTS)
    losses = []
    for k in range(N_STRAIGHT):
        part = slice(paths.offset[k], paths.offset[k + 1])
        d, h = paths.distance_km[part], paths.height_m[part]
        losses.append(
            straight.loss_db(d, h, cover, zone, FREQUENCY_GHZ, TX_M, RX_M, p=50.0, latitude=30.0, is_vertical=False)
        )
    return losses


def uncompiled_losses(paths: Paths, path_terms: Callable[..., None]) -> list[float]:
    """Return the first losses by our own functions in plain Python."""
    losses, row = [], np.empty(N_TERMS)
    for k in range(N_UNCOMPILED):
        part = slice(paths.offset[k], paths.offset[k + 1])
        row[:N_INPUTS] = paths.inputs[k]
        path_terms(paths.distance_km[part], paths.height_m[part], paths.clutter_m[part], paths.zone, row)
        losses.append(float(row[LOSS]))
    return losses


def main() -> None:
    """Run both kinds of terrain."""
    path_terms = p1812_cuda.rebuilt(lambda function: function)["path_terms"]
    for terrain, relief_m in (("hills", 10.0), ("plain", 0.05)):
        distance_km, height_m = profiles(relief_m)
        args = {"frequency_ghz": FREQUENCY_GHZ, "tx_height_m": TX_M, "rx_height_m": RX_M}
        paths = read_paths(distance_km, height_m, DEFAULTS | args)
        ours_db = p1812_loss_db(distance_km, height_m, FREQUENCY_GHZ, TX_M, RX_M)
        wall_s, thread_s = best(
            lambda d=distance_km, h=height_m: p1812_loss_db(d, h, FREQUENCY_GHZ, TX_M, RX_M), N_REPEATS
        )
        _, straight_s = best(lambda p=paths: straight_losses(p), 3)
        _, plain_s = best(lambda p=paths: uncompiled_losses(p, path_terms), 3)
        gap_db = max(abs(np.array(straight_losses(paths)) - ours_db[:N_STRAIGHT]))
        gap_db = max(gap_db, *abs(np.array(uncompiled_losses(paths, path_terms)) - ours_db[:N_UNCOMPILED]))
        ours = N_PATHS / thread_s
        line = {"bench": "p1812", "terrain": terrain, "n_points": N_POINTS, "ours_paths_per_s_core": round(ours)}
        line |= {"ours_paths_per_s_wall": round(N_PATHS / wall_s), "numpy_paths_per_s": round(N_STRAIGHT / straight_s)}
        line |= {"uncompiled_paths_per_s": round(N_UNCOMPILED / plain_s, 1)}
        line |= {
            "ratio": round(ours * straight_s / N_STRAIGHT),
            "ratio_uncompiled": round(ours * plain_s / N_UNCOMPILED),
        }
        line |= {"largest_gap_db": float(f"{gap_db:.1e}"), "is_within_target": ours >= TARGET_PER_S}
        line |= {f"published_{name}": rate for name, rate in PUBLISHED.items()}
        if p1812_cuda.is_available():
            card_s, _ = best(
                lambda d=distance_km, h=height_m: p1812_loss_db(d, h, FREQUENCY_GHZ, TX_M, RX_M, backend="cuda"),
                N_REPEATS,
            )
            line |= {"card_paths_per_s": round(N_PATHS / card_s)}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
