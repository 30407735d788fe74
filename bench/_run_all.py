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


def _title(path: Path) -> str:
    return path.stem.replace("_", " ")


def _kept() -> dict[str, str]:
    """Return the sections of the page as it is, by title."""
    if not PAGE.is_file():
        return {}
    parts = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    return {part.split("\n", 1)[0].strip(): "\n## " + part.rstrip("\n") + "\n" for part in parts}


def _not_run(path: Path) -> str:
    return f"\n## {_title(path)}\n\nNot run yet: `python bench/{path.name}`.\n"


def _section(path: Path) -> str:
    """Run one bench and return its section; a failing one is named."""
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    sys.stdout.write(done.stdout)
    purpose = path.read_text(encoding="utf-8").split('"""')[1].strip()
    section = f"\n## {_title(path)}\n\n{purpose}\n"
    if done.returncode:
        section += f"\nFailed: `{done.stderr.strip().splitlines()[-1]}`\n"
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return section + ("\n" + _table(lines) + "\n" if lines else "")


def main() -> None:
    """Run all benches, or those named, one after another; the page is written after each, others keep their section."""
    found = [path for path in sorted(HERE.glob("[a-z]*.py")) if "__main__" in path.read_text(encoding="utf-8")]
    scripts = [path for path in found if path.stem not in TOGETHER]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "polars", "numba"))
    first = (
        "# Benchmarks\n\nWritten by `make bench`; one script a claim in `bench/`. Ratios are measured in one run, "
        "often on cores that other work shared: wall times are too long rather than too short.\n\n"
    )
    wanted = set(sys.argv[1:])
    sections = _kept()
    for path in scripts:
        if not wanted or path.stem in wanted:
            print(f"== {path.name}", file=sys.stderr)
            sections[_title(path)] = _section(path)
        page = [sections.get(_title(each), _not_run(each)) for each in scripts]
        PAGE.write_text("".join([f"{first}{machine}, {libraries}.\n", *page]), encoding="utf-8")


if __name__ == "__main__":
    main()
