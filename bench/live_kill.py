"""The live network's server killed 100 times at random, and 20 power cuts: what was acknowledged, and is it there.

Every acknowledged event must be stored, once; counters and alarms must be those of the events; no notice may be lost.
A power cut loses any part of what was not synchronised.  The naive figure is the same journal with SQLite's
``synchronous=NORMAL``, which many use: how many of the cuts broke a promise.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rahdari.errors import PlanError
from tests.operate.kill_world import Killed
from tests.operate.power_cut import cut

N_KILLS, N_CUTS = 100, 20


def naive_broken(folder: Path) -> int:
    """Return how many power cuts broke a promise without a synchronisation a commit."""
    n_broken = 0
    for seed in range(N_CUTS):
        try:
            cut(folder / f"naive-{seed}.db", seed, synchronous="NORMAL")
        except (AssertionError, PlanError):
            n_broken += 1
    return n_broken


def main() -> None:
    """Kill, cut and check; a broken promise stops it with its name."""
    with tempfile.TemporaryDirectory(dir=".", prefix=".live-") as name:
        folder, others, begin = Path(name), os.getloadavg()[0], time.perf_counter()
        world = Killed(folder, n_sources=3, seed=8)
        for _ in range(N_KILLS):
            world.life(is_killed=True, longest_s=0.4)
        world.life(is_killed=False)
        found = world.check()
        cuts = [cut(folder / f"cut-{seed}.db", seed) for seed in range(N_CUTS)]
        n_broken = naive_broken(folder)
    restarts = sorted(world.restart_s)
    print(json.dumps({
        "bench": "live_kill", "n_kills": N_KILLS, **found, "n_lost": 0, "n_power_cuts": N_CUTS,
        "n_acknowledged_before_cuts": sum(one for one, _ in cuts), "cuts_that_broke_a_promise_ours": 0,
        "cuts_that_broke_a_promise_naive": n_broken, "restart_p50_s": round(restarts[len(restarts) // 2], 2),
        "restart_worst_s": round(restarts[-1], 2), "seconds": round(time.perf_counter() - begin),
        "load_of_others": round(others, 2),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
