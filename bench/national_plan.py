"""The whole default plan of Pakistan: compiled with an empty result cache, unchanged, and after one cost changes.

Asked: at most 30 s and 2 GB at 30,000 places or more; at most 2 s unchanged.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCENARIO = """name = "dearer"
extends = "nfp-2030"
[[changes]]
table = "equipment"
key = "KEY"
column = "capex_usd"
value = 4000.0
"""
RUN = "from rahdari.faces.cli.main import main; main()"


def _plan(folder: Path, *arguments: str) -> tuple[float, dict[str, object]]:
    command = [
        sys.executable,
        "-c",
        RUN,
        "plan",
        "pakistan",
        "--json",
        "--cache-dir",
        str(folder / "cache"),
        *arguments,
    ]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=os.environ)
    wall_s = time.perf_counter() - start
    answer = json.loads(done.stdout)
    assert answer["ok"], answer["errors"]
    return wall_s, answer["result"]


def main() -> None:
    """Warm the compiled kernels, then measure three runs in an empty result cache."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _plan(folder)  # compiles the kernels and parses the packages
        for path in (folder / "cache" / "results").iterdir():
            subprocess.run(["rm", "-rf", str(path)], check=True)
        empty_s, result = _plan(folder)
        peak_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
        same_s, again = _plan(folder)
        key = "fibre_aerial_km"
        (folder / "dearer.toml").write_text(SCENARIO.replace("KEY", key), encoding="utf-8")
        changed_s, changed = _plan(folder, "--scenario", "dearer.toml")
        line = {
            "bench": "national_plan",
            "n_places": result["tables"]["places"],  # type: ignore[index]
            "empty_cache_s": round(empty_s, 2),
            "peak_gb": round(peak_gb, 2),
            "unchanged_s": round(same_s, 2),
            "engines_run_unchanged": again["n_engines_run"],
            "one_cost_changed_s": round(changed_s, 2),
            "engines_run_changed": changed["n_engines_run"],
            "ratio": round(empty_s / same_s, 1),
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
