from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("apsw", reason="apsw, the layer below SQLite, is not installed")

from rahdari.errors import PlanError
from tests.operate.power_cut import DiskWithoutSync, cut

if TYPE_CHECKING:
    from pathlib import Path

CUTS = 20


def test_a_power_cut_at_any_write_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    found = [cut(tmp_path / f"live-{seed}.db", seed) for seed in range(CUTS)]
    assert sum(n_acknowledged for n_acknowledged, _ in found) > 0


def test_a_disk_that_lies_about_synchronising_is_noticed(tmp_path: Path) -> None:
    n_noticed = 0
    for seed in range(CUTS):
        try:
            cut(tmp_path / f"live-{seed}.db", seed, DiskWithoutSync)
        except (AssertionError, PlanError):
            n_noticed += 1
    assert n_noticed > CUTS // 2
