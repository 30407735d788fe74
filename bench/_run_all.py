"""Run every bench, or those named, and write docs/benchmarks.md from what they print."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
TIMEOUT_S = 3_600
TOGETHER = ("backbone",)  # run other benches of this folder, which are run here by themselves


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _table(lines: list[dict[str, object]]) -> str:
    names = list(dict.fromkeys(name for line in lines for name in line if name != "bench"))
    rows = ["| " + " | ".join(_cell(line.get(name, "")) for name in names) + " |" for line in lines]
    return "\n".join(["| " + " | ".join(names) + " |", "|" + "---|" * len(names), *rows])


def main() -> None:
    """Run all benches one after another; a failing one is named on the page."""
    found = [path for path in sorted(HERE.glob("[a-z]*.py")) if "__main__" in path.read_text(encoding="utf-8")]
    scripts = [path for path in found if path.stem not in TOGETHER]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "polars", "numba"))
    first = (
        "# Benchmarks\n\nWritten by `make bench`; one script a claim in `bench/`. Ratios are measured in one run.\n\n"
    )
    parts = [f"{first}{machine}, {libraries}.\n"]
    wanted = set(sys.argv[1:])
    for path in scripts:
        if wanted and path.stem not in wanted:
            parts.append(f"\n## {path.stem.replace('_', ' ')}\n\nNot run in this pass: `python bench/{path.name}`.\n")
            continue
        print(f"== {path.name}", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, str(path)], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        sys.stdout.write(done.stdout)
        purpose = path.read_text(encoding="utf-8").split('"""')[1].strip()
        parts.append(f"\n## {path.stem.replace('_', ' ')}\n\n{purpose}\n")
        if done.returncode:
            parts.append(f"\nFailed: `{done.stderr.strip().splitlines()[-1]}`\n")
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if lines:
            parts.append("\n" + _table(lines) + "\n")
    PAGE.write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
