"""Print the ratios of the backbone together: disjoint routes, survivable capacity, exact reliability, optical line.

Each is a bench of its own in this folder and runs in a process of its own; `make bench` runs those, not this one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PARTS = ("diversity", "survivable", "reliability", "line")
TIMEOUT_S = 3_600


def main() -> None:
    """Run the parts one after another, or those named; a part that fails or is missing is told and fails the whole."""
    wanted = sys.argv[1:] or PARTS
    is_good = True
    for name in wanted:
        script = HERE / f"{name}.py"
        problem = "" if script.is_file() else "there is no such bench"
        if not problem:
            done = subprocess.run(
                [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S, check=False
            )
            sys.stdout.write(done.stdout)
            problem = f"exit status {done.returncode}" if done.returncode else ""
        if problem:
            is_good = False
            print(json.dumps({"bench": name, "problem": problem}))
        sys.stdout.flush()
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
