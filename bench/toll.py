"""The toll ledger under 100 kills while 100,000 passages are booked, and the pace beside one transaction a passage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from rahdari.store.toll_ledger import Passage, TollLedger

N, BATCH, N_KILLS, N_SINGLE = 100_000, 200, 100, 300
AT_S = 1_790_000_000.0
WORKER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from toll import BATCH, N, made
from rahdari.store.toll_ledger import TollLedger
with TollLedger(Path(sys.argv[1])) as ledger:
    n = ledger.totals().get("booked", (0, 0))[0]
    print("open", flush=True)
    for start in range(max(0, n - BATCH), N, BATCH):
        ledger.record_many([made(k) for k in range(start, start + BATCH)])
"""


def made(k: int) -> Passage:
    """Return passage ``k``."""
    return Passage(f"p{k:06d}", f"gantry-{k % 20}", "1", AT_S + k, f"ABC{k % 1000:03d}", 0.9, "car", 5000 + k % 7)


def started(path: Path) -> subprocess.Popen[str]:
    """Start a gantry that goes on where the ledger stands, telling its last passages again."""
    command = [sys.executable, "-c", WORKER, str(path), str(Path(__file__).parent)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    )


def main() -> None:
    """Kill, restart, count."""
    draw = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        path, n_wrong = Path(folder) / "toll.sqlite3", 0
        for _ in range(N_KILLS):
            process = started(path)
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(float(draw.uniform(0.0, 0.04)))
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            with TollLedger(path) as ledger:
                n_wrong += ledger.totals() != ledger.counted()
        last = started(path)
        last.communicate()
        with TollLedger(path) as ledger:
            n, paisa = ledger.counted()["booked"]
            n_wrong += ledger.totals() != ledger.counted()
        assert (n, paisa, n_wrong) == (N, sum(5000 + k % 7 for k in range(N)), 0)
        with TollLedger(Path(folder) / "pace.sqlite3") as ledger:
            start = time.perf_counter()
            for first in range(0, N // 5, BATCH):
                ledger.record_many([made(k) for k in range(first, first + BATCH)])
            ours = N // 5 / (time.perf_counter() - start)
            start = time.perf_counter()
            for k in range(N, N + N_SINGLE):
                ledger.record(made(k))
            single = N_SINGLE / (time.perf_counter() - start)
    line = {"bench": "toll", "n_passages": N, "n_kills": N_KILLS, "n_booked": n, "n_wrong_totals": n_wrong}
    print(json.dumps({**line, "passages_per_s": ours, "one_by_one_per_s": single, "ratio": ours / single}))


if __name__ == "__main__":
    main()
