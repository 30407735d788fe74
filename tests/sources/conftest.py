from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari.sources.country import country_tables
from rahdari.sources.pack import PACKS_FOLDER
from rahdari.sources.packages.outline import ATLAS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    Frames = dict[str, pl.DataFrame]


@pytest.fixture(scope="session")
def data_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this session keeps the parsed world networks: they are parsed once."""
    return tmp_path_factory.mktemp("data_cache")


@pytest.fixture(scope="session")
def atlas_file() -> Path:
    if not ATLAS_FILE.is_file():
        pytest.skip("the build has not laid out the country outlines")
    return ATLAS_FILE


@pytest.fixture(scope="session")
def pakistan(data_cache: Path, atlas_file: Path) -> Frames:
    assert atlas_file.is_file()
    folder = PACKS_FOLDER / "pakistan"
    if not (folder / "pack.toml").is_file():
        pytest.skip("this checkout holds no Pakistan pack")
    return country_tables("pakistan", n_places=3000, cache_dir=data_cache, pack_folder=folder)


@pytest.fixture(scope="session")
def kenya(data_cache: Path, atlas_file: Path) -> Frames:
    assert atlas_file.is_file()
    return country_tables("Kenya", n_places=2000, cache_dir=data_cache)
