"""The table of terrain holds a grid whole and gives it back."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from rahdari.errors import InputError
from rahdari.methods.raster import Raster
from rahdari.methods.terrain_table import TILE_CELLS, terrain_raster, terrain_rows

STEP_DEG = 1.0 / 1200.0


def grid(n_rows: int, n_columns: int) -> Raster:
    value = (np.arange(n_rows * n_columns, dtype=np.float32) % 8611).reshape(n_rows, n_columns) - 400.0
    return Raster(value.astype(np.float32), 72.5, 36.25, STEP_DEG, STEP_DEG, is_coarse=False, source="made")


@pytest.mark.parametrize("shape", [(3, 5), (TILE_CELLS + 7, 2 * TILE_CELLS + 1)])
def test_a_grid_comes_back_whole_whatever_the_order_of_its_tiles(shape: tuple[int, int]) -> None:
    before = grid(*shape)
    rows = terrain_rows(before, "xx", "measured", "made")
    after = terrain_raster(rows.sample(fraction=1.0, shuffle=True, seed=3))
    assert after is not None
    assert np.array_equal(after.value, before.value)
    assert (after.west_deg, after.north_deg) == (before.west_deg, before.north_deg)
    assert not after.is_coarse


def test_no_tiles_are_no_terrain() -> None:
    assert terrain_raster(terrain_rows(grid(3, 3), "xx", "measured", "made").clear()) is None


def test_tiles_of_two_grids_are_refused() -> None:
    one = terrain_rows(grid(3, 3), "a", "measured", "made")
    other = terrain_rows(grid(3, 3), "b", "measured", "made").with_columns(pl.col("west_deg") + 0.4 * STEP_DEG)
    with pytest.raises(InputError, match="one grid"):
        terrain_raster(pl.concat([one, other]))


def test_a_void_is_refused() -> None:
    holed = grid(3, 3)
    holed.value[1, 1] = np.nan
    with pytest.raises(InputError, match="without a height"):
        terrain_rows(holed, "xx", "measured", "made")
