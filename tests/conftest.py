"""Shared fixtures: a small country on disk and one plan of it, made once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from rahdari.schema import base_schemas
from rahdari.service.plan_view import Plan
from rahdari.service.planning import plan
from rahdari.service.requests import PlanRequest
from rahdari.store.parquet import write_table
from tests.fixtures import small_country
from tests.helpers.engine_checks import named_events

if TYPE_CHECKING:
    from rahdari.service.requests import PlanResponse

# A busy machine is no fault of the code: laws are tested without a deadline for one example.
# The daily run draws the same examples each time, so that a red run means a changed code; `make test-long` searches.
EXAMPLES, SEARCHED = 40, 400
settings.register_profile("rahdari", deadline=None, max_examples=EXAMPLES, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=SEARCHED)
settings.load_profile("rahdari")
NO_PART_IN_STRESS = ("air", "economy", "edge", "navigation", "programme", "rollout", "security", "transit")
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Return the folder of outside truths beside the checkout, or skip."""
    if not SHARED.is_dir():
        pytest.skip("the reference data beside the checkout is absent")
    return SHARED


def write_country(folder: Path) -> Path:
    """Write the small country as a folder of tables."""
    schemas = base_schemas()
    for name, frame in small_country().items():
        if name in schemas:
            write_table(frame, folder / f"{name}.parquet", schemas[name])
    return folder


@pytest.fixture(scope="session")
def country_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds the small country's tables."""
    return write_country(tmp_path_factory.mktemp("country"))


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache folder shared by the tests of one run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def small_response(country_folder: Path, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> PlanResponse:
    """Return the response of planning the small country with every engine."""
    out = tmp_path_factory.mktemp("plan") / "small"
    return plan(PlanRequest(country=str(country_folder), out=out, cache_dir=cache_dir))


@pytest.fixture(scope="session")
def event_plan(country_folder: Path, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a plan of the small country with two named events: a grid failure and a flood."""
    folder = shutil.copytree(country_folder, tmp_path_factory.mktemp("event") / "country")
    schemas = base_schemas()
    for name, frame in named_events().items():
        write_table(frame, folder / f"{name}.parquet", schemas[name])
    out = tmp_path_factory.mktemp("plan") / "events"
    return plan(PlanRequest(country=str(folder), out=out, cache_dir=cache_dir, engines_off=NO_PART_IN_STRESS)).folder


@pytest.fixture(scope="session")
def small_plan(small_response: PlanResponse) -> Plan:
    """Return the plan of the small country."""
    return Plan(small_response.folder)
