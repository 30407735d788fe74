"""A plan of the small country with a flood to play and with edge nodes."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from rahdari.schema import base_schemas
from rahdari.service.planning import plan
from rahdari.service.requests import PlanRequest
from rahdari.store.atomic import locked
from rahdari.store.parquet import write_table
from tests.helpers.engine_checks import named_events

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

OFF = ("air", "economy", "navigation", "programme", "rollout", "security", "transit")


def make_flood_plan(country: Path, cache_dir: Path, factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a plan with events ``dark`` and ``wet``, made once for all workers of a run."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "flood"
    with locked(folder):
        if not (folder / "plan" / "manifest.json").is_file():
            return _made(country, cache_dir, folder)
    return folder / "plan"


def _made(country: Path, cache_dir: Path, folder: Path) -> Path:
    own = shutil.copytree(country, folder / "country")
    schemas = base_schemas()
    for name, frame in named_events().items():
        write_table(frame, own / f"{name}.parquet", schemas[name])
    return plan(PlanRequest(country=str(own), out=folder / "plan", cache_dir=cache_dir, engines_off=OFF)).folder
