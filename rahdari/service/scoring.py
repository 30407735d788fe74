"""Score the modelled layers of a plan against real files that the user has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rahdari.errors import InputError, Problem
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from pathlib import Path

SCORED = ("places", "sites", "districts")


def score(plan: Path, reference: Path, clearance: Clearance = OWNER) -> list[dict[str, Any]]:
    """Return one row a layer and metric: layer, metric, value, unit, number compared."""
    from rahdari.sources.scores import score_layers

    if not reference.is_dir():
        raise InputError(Problem("there is no such folder", "give the folder with the real files", str(reference)))
    reader = PlanReader(plan, clearance)
    tables = {name: reader.table(name) for name in SCORED if name in reader.names}
    rows: list[dict[str, Any]] = score_layers(tables, reference).to_dicts()
    return rows
