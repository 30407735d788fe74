"""Heights of a country as rows of the table ``terrain``, and back to one grid.

A raster is no table; a grid cut into tiles is.  So terrain passes through the same cache, digest and provenance as
every other input, and an engine that reads it stays a function of tables.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.methods.raster import Raster

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE_CELLS = 1024  # a tile of 2 MiB: few rows, and nothing large held twice
HEIGHT_TYPE = "<i2"  # SRTM's own resolution, whole metres
HEIGHT_MAX_M = 32_767.0  # of 16 bits
SAME_STEP_DEG = 1e-9  # steps and edges nearer than this are the same
DEFLATE_LEVEL = 6  # zlib's usual balance


def terrain_rows(raster: Raster, prefix: str, evidence: str, source_id: str) -> pl.DataFrame:
    """Return the rows of ``terrain`` of a grid, heights rounded to whole metres.

    Voids must be filled before; a NaN raises :class:`InputError`.
    """
    value = raster.value
    if not np.isfinite(value).all():
        raise InputError(Problem("the terrain has cells without a height", "fill the voids before it is stored"))
    rows = []
    for top in range(0, value.shape[0], TILE_CELLS):
        for left in range(0, value.shape[1], TILE_CELLS):
            part = value[top : top + TILE_CELLS, left : left + TILE_CELLS]
            whole = np.rint(np.clip(part, -HEIGHT_MAX_M, HEIGHT_MAX_M)).astype(HEIGHT_TYPE)
            rows.append(
                {
                    "tile_id": f"{prefix}-{top // TILE_CELLS:03d}-{left // TILE_CELLS:03d}",
                    "west_deg": raster.west_deg + left * raster.step_lon_deg,
                    "north_deg": raster.north_deg - top * raster.step_lat_deg,
                    "step_lon_deg": raster.step_lon_deg,
                    "step_lat_deg": raster.step_lat_deg,
                    "n_rows": part.shape[0],
                    "n_columns": part.shape[1],
                    "heights": zlib.compress(whole.tobytes(), DEFLATE_LEVEL),
                    "is_coarse": raster.is_coarse,
                    "evidence": evidence,
                    "source_id": source_id,
                }
            )
    return pl.DataFrame(rows)


def terrain_raster(terrain: pl.DataFrame) -> Raster | None:
    """Return the one grid that the tiles make up, ``None`` without tiles; tiles of unlike grids raise InputError.

    Ground that no tile covers lies at sea level.  The grid is coarse if any tile is.
    """
    if terrain.is_empty():
        return None
    tiles = terrain.sort("tile_id")
    step_lon, step_lat = float(tiles["step_lon_deg"][0]), float(tiles["step_lat_deg"][0])
    west, north = tiles["west_deg"].to_numpy(), tiles["north_deg"].to_numpy()
    left = np.rint((west - west.min()) / step_lon).astype(np.int64)
    top = np.rint((north.max() - north) / step_lat).astype(np.int64)
    unlike = (
        (np.abs(tiles["step_lon_deg"].to_numpy() - step_lon) > SAME_STEP_DEG)
        | (np.abs(tiles["step_lat_deg"].to_numpy() - step_lat) > SAME_STEP_DEG)
        | (np.abs(west.min() + left * step_lon - west) > SAME_STEP_DEG * np.maximum(left, 1))
        | (np.abs(north.max() - top * step_lat - north) > SAME_STEP_DEG * np.maximum(top, 1))
    )
    if unlike.any():
        names = ", ".join(tiles["tile_id"].filter(pl.Series(unlike)).to_list()[:3])
        raise InputError(Problem(f"tiles of terrain do not lie on one grid: {names}", "import the terrain anew"))
    n_rows, n_columns = tiles["n_rows"].to_numpy(), tiles["n_columns"].to_numpy()
    value: NDArray[np.float32] = np.zeros((int((top + n_rows).max()), int((left + n_columns).max())), np.float32)
    for i, packed in enumerate(tiles["heights"].to_list()):
        part = np.frombuffer(zlib.decompress(packed), HEIGHT_TYPE).reshape(n_rows[i], n_columns[i])
        value[top[i] : top[i] + n_rows[i], left[i] : left[i] + n_columns[i]] = part
    is_coarse = bool(tiles["is_coarse"].any())
    source = ", ".join(sorted(set(tiles["source_id"].to_list())))
    return Raster(value, float(west.min()), float(north.max()), step_lon, step_lat, is_coarse, source)
