"""A plan of the small country with a flood to play and with edge nodes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rahdari.schema import base_schemas
from rahdari.service.planning import plan
from rahdari.service.requests import PlanRequest
from rahdari.store.parquet import write_table
from tests.helpers.engine_checks import named_events

if TYPE_CHECKING:
    from pathlib import Path

OFF = ("air", "economy", "navigation", "programme", "rollout", "security", "transit")


def make_flood_plan(country: Path, cache_dir: Path, folder: Path) -> Path:
    """Return the folder of a plan with events ``dark`` and ``wet``."""
    own = shutil.copytree(country, folder / "country")
    schemas = base_schemas()
    for name, frame in named_events().items():
        write_table(frame, own / f"{name}.parquet", schemas[name])
    return plan(PlanRequest(country=str(own), out=folder / "plan", cache_dir=cache_dir, engines_off=OFF)).folder
