"""Elevation and slope from the 5-arc-minute world grid that pvlib carries.

The grid holds one byte a cell, in steps of 28 m from -450 m, 255 where there is no
measurement (sea), which reads as 0 m.  A cell is some 9 km wide: it tells plain from
mountain, never a line of sight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.sources.packages.locate import package_file

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SOURCE_ID = "pvlib-altitude"
SOURCES = (
    {
        "source_id": SOURCE_ID,
        "title": "World altitude at 5 arc minutes, by the package pvlib",
        "publisher": "pvlib; Mapzen terrain tiles (SRTM, GMTED2010, ETOPO1 and others)",
        "licence": "BSD-3 (pvlib); attributions in pvlib.location.lookup_altitude",
        "kind": "measured",
        "locator": "PyPI pvlib, data/Altitude.h5",
        "note": "Steps of 28 m, cells of some 9 km: errors of 100 m and more",
    },
)

CELLS_PER_DEG = 12  # 5 arc minutes, pvlib.tools._degrees_to_index
N_ROWS, N_COLUMNS = 2160, 4320  # the shape of the grid
STEP_M, BASE_M = 28.0, -450.0  # pvlib.location.lookup_altitude
NO_DATA = 255  # pvlib.location.lookup_altitude
KM_PER_DEG = 111.195  # mean degree of latitude on a sphere of 6371.0 km
M_PER_KM = 1000.0
EDGE_CELLS = 2  # one cell for the interpolation, one for the slope


@dataclass(frozen=True, slots=True)
class Terrain:
    """A window of the grid held in memory.

    ``elevation_grid_m`` is (rows, columns) from north to south and west to east; the centre of its
    first cell lies at ``north_deg``, ``west_deg``.
    """

    elevation_grid_m: NDArray[np.float64]
    slope_grid_frac: NDArray[np.float64]
    north_deg: float
    west_deg: float

    def _position(self, lon_deg: ArrayLike, lat_deg: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return fractional row and column in the window, held inside it."""
        n_rows, n_columns = self.elevation_grid_m.shape
        row = (self.north_deg - np.asarray(lat_deg, dtype=np.float64)) * CELLS_PER_DEG
        column = (np.asarray(lon_deg, dtype=np.float64) - self.west_deg) * CELLS_PER_DEG
        return np.clip(row, 0.0, n_rows - 1.0), np.clip(column, 0.0, n_columns - 1.0)

    def elevation_m(self, lon_deg: ArrayLike, lat_deg: ArrayLike) -> NDArray[np.float64]:
        """Return heights above sea level, m, of the cells that hold the points; any shape.

        Not interpolated: people live on valley floors, and interpolation lifts these towards the
        ridges around (Quetta, 1,680 m: its cell 1,706 m, interpolated 1,907 m).  Points outside
        the window take the value at its edge.
        """
        row, column = self._position(lon_deg, lat_deg)
        result: NDArray[np.float64] = self.elevation_grid_m[
            np.rint(row).astype(np.int64), np.rint(column).astype(np.int64)
        ]
        return result

    def slope_frac(self, lon_deg: ArrayLike, lat_deg: ArrayLike) -> NDArray[np.float64]:
        """Return the terrain slope, rise over run over some 18 km, bilinear between cells; any shape."""
        grid = self.slope_grid_frac
        row, column = self._position(lon_deg, lat_deg)
        top = np.minimum(row.astype(np.int64), grid.shape[0] - 2)
        left = np.minimum(column.astype(np.int64), grid.shape[1] - 2)
        down, right = row - top, column - left
        upper = grid[top, left] * (1.0 - right) + grid[top, left + 1] * right
        lower = grid[top + 1, left] * (1.0 - right) + grid[top + 1, left + 1] * right
        result: NDArray[np.float64] = upper * (1.0 - down) + lower * down
        return result


def _slope_frac(elevation_m: NDArray[np.float64], lat_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the steepest rise over run by central differences; (rows, columns) as ``elevation_m``."""
    cell_m = KM_PER_DEG * M_PER_KM / CELLS_PER_DEG
    southward = np.gradient(elevation_m, cell_m, axis=0)
    width_m = cell_m * np.maximum(np.cos(np.radians(lat_deg)), 1e-3)  # the poles have no width
    eastward = np.gradient(elevation_m, axis=1) / width_m[:, None]
    slope: NDArray[np.float64] = np.hypot(southward, eastward)
    return slope


def read_terrain(west_deg: float, south_deg: float, east_deg: float, north_deg: float) -> Terrain:
    """Return the window of the grid that covers a box, WGS 84 degrees.

    The box may not cross the antimeridian.
    """
    import h5py  # slow to import, needed here only

    first_row = int(np.floor((90.0 - north_deg) * CELLS_PER_DEG)) - EDGE_CELLS
    last_row = int(np.ceil((90.0 - south_deg) * CELLS_PER_DEG)) + EDGE_CELLS
    first_column = int(np.floor((west_deg + 180.0) * CELLS_PER_DEG)) - EDGE_CELLS
    last_column = int(np.ceil((east_deg + 180.0) * CELLS_PER_DEG)) + EDGE_CELLS
    rows = slice(max(first_row, 0), min(last_row, N_ROWS))
    columns = slice(max(first_column, 0), min(last_column, N_COLUMNS))
    with h5py.File(package_file("pvlib", "data", "Altitude.h5"), "r") as file:
        codes: NDArray[Any] = file["Altitude"][rows, columns]
    elevation_m = np.where(codes == NO_DATA, 0.0, codes.astype(np.float64) * STEP_M + BASE_M)
    north = 90.0 - (rows.start + 0.5) / CELLS_PER_DEG
    west = -180.0 + (columns.start + 0.5) / CELLS_PER_DEG
    lat_deg = north - np.arange(elevation_m.shape[0]) / CELLS_PER_DEG
    return Terrain(elevation_m, _slope_frac(elevation_m, lat_deg), north, west)
