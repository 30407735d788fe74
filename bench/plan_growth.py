"""Growth of the default plan with the number of places, up to 300,000; the exponent of a power law is fitted."""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUN = "from rahdari.faces.cli.main import main; main()"
SIZES = (32_000, 100_000, 300_000)


def _plan_s(folder: Path, n_places: int) -> tuple[float, int]:
    command = [sys.executable, "-c", RUN, "plan", "pakistan", "--json", "--no-report", "--places", str(n_places)]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "--cache-dir", str(folder / "cache")], capture_output=True, text=True, check=False, cwd=folder
    )
    answer = json.loads(done.stdout)
    assert answer["ok"], answer["errors"]
    return time.perf_counter() - start, answer["result"]["tables"]["places"]


def main() -> None:
    """Measure each size in an empty result cache with compiled kernels."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _plan_s(folder, 1_000)  # compiles the kernels and parses the packages
        first: tuple[float, int] | None = None
        for n_places in SIZES:
            wall_s, n_found = _plan_s(folder, n_places)
            line = {"bench": "plan_growth", "n_places": n_found, "wall_s": round(wall_s, 1)}
            line["peak_gb"] = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2, 2)
            if first is None:
                first = (wall_s, n_found)
            else:
                line["exponent"] = round(math.log(wall_s / first[0]) / math.log(n_found / first[1]), 2)
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
