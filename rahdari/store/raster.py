"""Cloud-Optimised GeoTIFF: the one place that writes rasters, strip by strip, so that memory does not grow with them.

Files are WGS 84 degrees unless they say otherwise, north up, tiled, compressed, with overviews, a declared value for no
data, and tags that say what they are; QGIS and GDAL open them as they are.
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rahdari.errors import PlanError, Problem
from rahdari.store.atomic import replacing, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Put = Callable[[int, NDArray[Any]], None]

BLOCK_CELLS = 512  # COG's own default; strips of as many rows fill whole blocks
CACHE_MB = 256  # of blocks that GDAL may hold
NO_POWER = -999.0  # no data of float layers: below any power or loss, and exact in text
MAX_OVERVIEW_CELLS = BLOCK_CELLS  # smaller files need no overviews
CRS = "EPSG:4326"

Resampling = Literal["average", "nearest"]


@dataclass(frozen=True, slots=True)
class LayerFile:
    """What a raster file holds: its place, type and words.

    ``nodata`` stands where there is no value; values that are not finite become it.  Overviews of a measured quantity
    average, those of numbered things take the nearest.  In another system than degrees its own unit takes their place.
    """

    west_deg: float
    north_deg: float
    step_lon_deg: float
    step_lat_deg: float
    n_rows: int
    n_columns: int
    description: str
    unit: str = ""
    dtype: str = "float32"
    nodata: float = NO_POWER
    overview: Resampling = "average"
    tags: Mapping[str, str] = field(default_factory=dict)
    crs: str = CRS


@contextlib.contextmanager
def cog_writer(path: Path, layer: LayerFile) -> Iterator[Put]:
    """Yield a function that takes a first row and rows (n, columns); on success the file takes its place, durably.

    Rows not given are no data.  Disk is needed for the file twice.  An error leaves an older file as it was.
    """
    import rasterio
    from affine import Affine
    from rasterio.errors import RasterioError
    from rasterio.shutil import copy
    from rasterio.windows import Window

    place = Affine(layer.step_lon_deg, 0.0, layer.west_deg, 0.0, -layer.step_lat_deg, layer.north_deg)
    profile = {
        "driver": "GTiff", "dtype": layer.dtype, "count": 1, "width": layer.n_columns, "height": layer.n_rows,
        "crs": layer.crs, "transform": place, "nodata": layer.nodata, "tiled": True, "blockxsize": BLOCK_CELLS,
        "blockysize": BLOCK_CELLS, "compress": "deflate", "zlevel": 1, "BIGTIFF": "IF_SAFER", "SPARSE_OK": True,
    }  # fmt: skip
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.draft.tif")
    try:
        with rasterio.Env(GDAL_CACHEMAX=CACHE_MB), replacing(path) as temporary:
            with rasterio.open(draft, "w", **profile) as file:
                file.set_band_description(1, layer.description)
                file.units = (layer.unit,)
                file.update_tags(**{"description": layer.description, **layer.tags})

                def put(first_row: int, value: NDArray[Any]) -> None:
                    rows = np.where(np.isfinite(value), value, layer.nodata).astype(layer.dtype)
                    file.write(rows, 1, window=Window(0, first_row, layer.n_columns, rows.shape[0]))

                yield put
            copy(
                draft, temporary, driver="COG", COMPRESS="DEFLATE", PREDICTOR="YES", BLOCKSIZE=BLOCK_CELLS,
                OVERVIEW_RESAMPLING=layer.overview.upper(), BIGTIFF="IF_SAFER", STATISTICS="NO",
            )  # fmt: skip
    except RasterioError as error:
        cure = "free some space or choose another folder, and run again"
        raise PlanError(Problem(f"the raster cannot be written: {error}", cure, str(path))) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def write_cog(path: Path, value: NDArray[Any], layer: LayerFile) -> None:
    """Write a whole raster, (rows, columns); see :func:`cog_writer`."""
    with cog_writer(path, layer) as put:
        for first in range(0, layer.n_rows, BLOCK_CELLS):
            put(first, value[first : first + BLOCK_CELLS])


def cog_problems(path: Path) -> list[Problem]:
    """Return what keeps a file from being a Cloud-Optimised GeoTIFF in degrees with a value for no data."""
    import rasterio

    problems = []

    def complain(what: str) -> None:
        problems.append(Problem(what, "write it anew", str(path)))

    with rasterio.open(path) as file:
        if file.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") != "COG":
            complain("is not laid out as a Cloud-Optimised GeoTIFF")
        if max(file.shape) > BLOCK_CELLS and any(side != BLOCK_CELLS for side in file.block_shapes[0]):
            complain("is not tiled")
        if max(file.shape) > MAX_OVERVIEW_CELLS and not file.overviews(1):
            complain("has no overviews")
        if file.crs is None or file.crs.to_string() != CRS:
            complain("is not in WGS 84 degrees")
        if file.nodata is None:
            complain("does not say what stands for no data")
    return problems
