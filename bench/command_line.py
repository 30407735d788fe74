"""Start-up of the command line: `rahdari --help` beside importing the libraries a plan needs. Asked: at most 0.3 s."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

RUNS = 7


def _median_s(script: str) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Measure both in one run."""
    ours_s = _median_s("from rahdari.faces.cli.main import app\ntry:\n app(['--help'])\nexcept SystemExit:\n pass")
    heavy_s = _median_s("import polars, pydantic, numba, scipy.spatial, geopandas")
    line = {"bench": "command_line", "help_s": round(ours_s, 3), "import_everything_s": round(heavy_s, 3)}
    print(json.dumps({**line, "ratio": round(heavy_s / ours_s, 1)}))


if __name__ == "__main__":
    main()
