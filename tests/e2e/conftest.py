"""One national plan of Pakistan, made by the installed command, shared by all end-to-end tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rahdari.service.plan_view import Plan

COMMAND = Path(sys.executable).parent / "rahdari"


def rahdari(*arguments: str, cwd: Path, cache_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command as a user does."""
    environment = {**os.environ, "RAHDARI_CACHE_DIR": str(cache_dir)}
    return subprocess.run(
        [str(COMMAND), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=900
    )


@pytest.fixture(scope="session")
def work_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty working folder."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="session")
def national_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty cache folder."""
    return tmp_path_factory.mktemp("national-cache")


@pytest.fixture(scope="session")
def pakistan(work_folder: Path, national_cache: Path) -> Plan:
    """Return the default plan of Pakistan."""
    done = rahdari("plan", "pakistan", "--scenario", "nfp-2030", cwd=work_folder, cache_dir=national_cache)
    assert done.returncode == 0, done.stderr
    assert "Who gets what?" in done.stdout
    return Plan(work_folder / "plans" / "pakistan-nfp-2030")
