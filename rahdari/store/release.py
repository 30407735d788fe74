"""Result tables that two people released although they were computed from hidden rows: ``released.toml`` of a plan.

Whoever may write to a plan's folder may read all of it; the file is their word, with two names and a reason.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from rahdari.errors import PlanError, Problem, raise_if_any
from rahdari.store.labels import LEVELS

if TYPE_CHECKING:
    from pathlib import Path

FILE = "released.toml"
FIELDS = ("table", "level", "by", "approved_by", "reason")


def released(folder: Path) -> dict[str, str]:
    """Return the level from which each released table of a plan may be read; none without the file.

    A file that names one person twice, an unknown level, or a field too few raises :class:`PlanError` and nothing is
    released.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8")).get("release", [])
        rows = [{name: str(row.get(name, "")).strip() for name in FIELDS} for row in given]
    except (ValueError, AttributeError, TypeError) as error:
        raise PlanError(Problem(f"is damaged: {error}", "see docs/access_control.md", str(path))) from error
    problems = []
    for number, row in enumerate(rows, start=1):
        missing = [name for name in FIELDS if not row[name]]
        if missing:
            problems.append(Problem(f"lacks {', '.join(missing)}", "add it", str(path), number))
        elif row["level"] not in LEVELS:
            problems.append(
                Problem(f"level '{row['level']}' is unknown", f"use {', '.join(LEVELS)}", str(path), number)
            )
        elif row["by"].lower() == row["approved_by"].lower():
            problems.append(Problem("one person released it alone", "let another approve it", str(path), number))
    raise_if_any(problems, PlanError)
    return {row["table"]: row["level"] for row in rows}


__all__ = ["FILE", "released"]
