"""The ITU's example island: imported, planned, and priced by the platform's own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari.errors import InputError
from rahdari.service.itu import ItuRequest, import_itu
from rahdari.service.plan_view import Plan
from rahdari.service.planning import plan
from rahdari.service.requests import PlanRequest

if TYPE_CHECKING:
    from pathlib import Path

N_POINTS = 408


@pytest.mark.shared
def test_the_island_imports_and_plans(shared_folder: Path, cache_dir: Path, tmp_path: Path) -> None:
    island = shared_folder / "validation" / "planning" / "itu_cpp_example"
    read = import_itu(ItuRequest(folder=island, out=tmp_path / "island"))
    assert read.tables["places"] == N_POINTS
    assert sum(read.by_platform_rules_points.values()) == N_POINTS
    assert read.by_platform_rules_ownership_usd > read.by_platform_rules_capex_usd > 0
    made = plan(PlanRequest(country=str(tmp_path / "island"), out=tmp_path / "plan", cache_dir=cache_dir))
    assert all(check["is_kept"] for check in made.consistency)
    assert Plan(made.folder).places.height == N_POINTS


def test_a_folder_without_the_files_names_them_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        import_itu(ItuRequest(folder=tmp_path, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()
