"""Compiled kernels are kept where no stale caller can be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba

from rahdari import kernels

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_cache_folder_is_named_by_the_kernel_sources() -> None:
    assert kernels.source_digest() in numba.config.CACHE_DIR or "rahdari-kernels-" in numba.config.CACHE_DIR


def test_a_changed_or_renamed_kernel_changes_the_digest(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    first = kernels.source_digest(tmp_path)
    (tmp_path / "a.py").write_text("x = 2\n")
    second = kernels.source_digest(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({first, second, kernels.source_digest(tmp_path)}) == 3


def test_an_unwritable_cache_folder_gives_a_private_one(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file, not a folder")
    folder = kernels.compiled_dir(blocked)
    assert folder.is_dir()
    assert blocked not in folder.parents
    folder.rmdir()


def test_the_cache_home_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kernels.user_cache_dir() == tmp_path
    assert tmp_path in kernels.compiled_dir().parents
