"""Cloud-Optimised GeoTIFF: layout, overviews, words, and files that stay whole when a write fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio

from rahdari.errors import PlanError
from rahdari.store.raster import NO_POWER, LayerFile, cog_problems, cog_writer, write_cog

if TYPE_CHECKING:
    from pathlib import Path

STEP = 1.0 / 1200.0


def layer(n_rows: int, n_columns: int, **more: object) -> LayerFile:
    given = {"description": "received power of the best server", "unit": "dBm", "tags": {"SOURCE": "hills for tests"}}
    return LayerFile(72.0, 34.0, STEP, STEP, n_rows, n_columns, **(given | more))  # type: ignore[arg-type]  # test values


def powers(n_rows: int, n_columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    row, column = np.mgrid[0:n_rows, 0:n_columns]
    return np.asarray(-60.0 - 0.01 * row - 0.02 * column, np.float32)


def test_a_written_raster_is_cloud_optimised_and_reads_back(tmp_path: Path) -> None:
    value = powers(1300, 1700)
    value[10:40, 10:40] = -np.inf
    write_cog(tmp_path / "best.tif", value, layer(1300, 1700))
    assert cog_problems(tmp_path / "best.tif") == []
    with rasterio.open(tmp_path / "best.tif") as file:
        read = file.read(1)
        assert file.driver == "GTiff"
        assert file.overviews(1)[0] == 2
        assert file.descriptions == ("received power of the best server",)
        assert file.units == ("dBm",)
        assert file.tags()["SOURCE"] == "hills for tests"
        assert file.nodata == NO_POWER
        assert (file.bounds.left, file.bounds.top) == pytest.approx((72.0, 34.0))
        assert file.bounds.right == pytest.approx(72.0 + 1700 * STEP)
    assert (read[10:40, 10:40] == NO_POWER).all()
    reached = np.isfinite(value)
    assert np.array_equal(read[reached], value[reached])


def test_strips_in_any_cut_give_the_same_cells(tmp_path: Path) -> None:
    value = powers(700, 600)
    write_cog(tmp_path / "one.tif", value, layer(700, 600))
    with cog_writer(tmp_path / "cut.tif", layer(700, 600)) as put:
        for first in (0, 100, 512, 650):
            put(first, value[first : {0: 100, 100: 512, 512: 650, 650: 700}[first]])
    with rasterio.open(tmp_path / "one.tif") as one, rasterio.open(tmp_path / "cut.tif") as cut:
        assert np.array_equal(one.read(1), cut.read(1))
    assert cog_problems(tmp_path / "cut.tif") == []


def test_rows_not_given_are_no_data(tmp_path: Path) -> None:
    with cog_writer(tmp_path / "part.tif", layer(600, 520)) as put:
        put(0, powers(100, 520))
    with rasterio.open(tmp_path / "part.tif") as file:
        assert (file.read(1)[100:] == NO_POWER).all()


def test_overviews_of_numbered_things_hold_only_their_numbers(tmp_path: Path) -> None:
    generator = np.random.Generator(np.random.Philox(5))
    value = generator.choice([3, 700, 41_000], (1100, 1100)).astype(np.int32)
    write_cog(tmp_path / "server.tif", value, layer(1100, 1100, dtype="int32", nodata=-1.0, overview="nearest"))
    with rasterio.open(tmp_path / "server.tif", overview_level=0) as file:
        assert set(np.unique(file.read(1)).tolist()) == {3, 700, 41_000}


def test_a_small_raster_needs_no_overviews(tmp_path: Path) -> None:
    write_cog(tmp_path / "small.tif", powers(20, 30), layer(20, 30))
    assert cog_problems(tmp_path / "small.tif") == []


def test_a_failed_write_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "best.tif"
    write_cog(path, powers(100, 100), layer(100, 100))
    before = path.read_bytes()

    def fail() -> None:
        with cog_writer(path, layer(100, 100)) as put:
            put(0, powers(50, 100))
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["best.tif"]


def test_a_folder_that_cannot_be_made_is_told_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(PlanError, match="a file stands where a folder is needed"):
        write_cog(tmp_path / "file" / "best.tif", powers(10, 10), layer(10, 10))


def test_a_plain_tiff_is_not_taken_for_an_optimised_one(tmp_path: Path) -> None:
    from affine import Affine

    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": 600, "height": 600}
    with rasterio.open(
        tmp_path / "plain.tif", "w", transform=Affine(1, 0, 5e5, 0, -1, 4e6), crs="EPSG:32643", **profile
    ) as file:
        file.write(powers(600, 600), 1)
    told = "\n".join(problem.what for problem in cog_problems(tmp_path / "plain.tif"))
    for part in ("not laid out", "not tiled", "no overviews", "not in WGS 84", "no data"):
        assert part in told
