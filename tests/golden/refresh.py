"""Rewrite the frozen values of tests/golden/pakistan.csv from the newest plan; bands are kept as they are."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from rahdari.service.plan_view import Plan

GOLDEN = Path(__file__).with_name("pakistan.csv")


def main(folder: str) -> None:
    """Take the values from the plan in ``folder``."""
    plan = Plan(Path(folder))
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["value"] = repr(plan.indicator(row["indicator_id"], int(row["year"])))
    with GOLDEN.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "plans/pakistan-nfp-2030")
