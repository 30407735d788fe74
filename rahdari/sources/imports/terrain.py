"""A terrain raster (metres above sea level): heights of places and nodes, slopes, and the country's terrain grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.errors import InputError
from rahdari.methods.raster import Raster
from rahdari.methods.terrain_table import terrain_raster, terrain_rows
from rahdari.sources.guard import opened_raster
from rahdari.sources.imports.common import WGS84, Findings, finished, no_table, source_id_of
from rahdari.sources.synthetic.common import KM_PER_DEG

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rahdari.sources.imports.common import Floats, ImportResult

LOWEST_M, HIGHEST_M = -500.0, 9_000.0  # the Dead Sea's shore and the summit of the Earth, with room
SLOPE_STEP_KM = 1.0  # slopes are taken over this distance each way: what a trench or a road feels
STRIP_ROWS = 512  # raster rows held in memory at once
M_PER_KM = 1000.0
GRID_STEP_DEG = 15.0 / 3600.0  # 450 m: a country in some 32 MB; finer work reads the file itself
BLOCK_DEG = 1.0  # of the file in memory at once
COARSEST_DEG = 1.0 / 120.0  # SRTM30: cells of some 900 m; wider ones show no line of sight


def read_terrain_file(path: Path, tables: Mapping[str, pl.DataFrame]) -> ImportResult:
    """Return ``places`` and ``rights_of_way_nodes`` with heights of the raster where it covers them.

    Faults: unreadable, no projection, no place covered, heights that cannot be metres.
    """
    for name in ("places", "rights_of_way_nodes"):
        no_table(name, tables)
    from rasterio.errors import RasterioError

    findings = Findings(path.name)
    result: dict[str, pl.DataFrame] = {}
    n_rows = 0
    try:
        with opened_raster(path) as raster:
            n_rows = int(raster.height)
            if raster.crs is None:
                findings.add("the raster has no projection", "save it with a projection, EPSG:4326 if in degrees")
            else:
                result = _heights(raster, tables, findings)
    except InputError as fault:
        findings.problems += fault.problems
    except (RasterioError, OSError) as fault:
        findings.add(f"the file cannot be read: {str(fault).splitlines()[0]}", "download it again; it may be cut short")
    if result and "terrain" in tables and not findings.problems:
        try:
            result["terrain"] = _terrain_grid(path, tables["terrain"], findings)
        except InputError as fault:
            findings.problems += fault.problems
    return finished(path, "terrain", findings, tables=result, old=tables, n_rows=n_rows)


def _terrain_grid(path: Path, old: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Return the tiles of the old terrain's box at 15 arc seconds, or at the file's step where it is coarser.

    Each cell is the mean of the file's heights in it; where the file has none, the old grid's height stands and the
    whole stays marked as coarse.
    """
    from rahdari.sources.terrain_raster import open_terrain

    before = terrain_raster(old)
    if before is None:
        return old
    file = open_terrain(path, voids="mark")
    step = GRID_STEP_DEG
    n_rows = round((before.north_deg - before.south_deg) / step)
    n_columns = round((before.east_deg - before.west_deg) / step)
    value = np.empty((n_rows, n_columns), np.float32)
    size = round(BLOCK_DEG / step)
    n_kept, is_wide = 0, False
    for top in range(0, n_rows, size):
        for left in range(0, n_columns, size):
            lat = np.asarray(before.north_deg - (np.arange(top, min(top + size, n_rows)) + 0.5) * step, np.float64)
            lon = np.asarray(before.west_deg + (np.arange(left, min(left + size, n_columns)) + 0.5) * step, np.float64)
            block, file_step = _block_means(file, lon, lat, step)
            is_wide |= file_step > COARSEST_DEG
            is_void = np.isnan(block)
            if is_void.any():
                coarse = before.sample(lon[None, :], lat[:, None])
                block = np.where(is_void, np.where(np.isnan(coarse), 0.0, coarse), block)
                n_kept += int(is_void.sum())
            value[top : top + size, left : left + size] = block
    if n_kept:
        share = n_kept / value.size
        findings.warnings.append(f"{share:.0%} of the country's box lies outside the raster and keeps the coarse grid")
    grid = Raster(
        value, before.west_deg, before.north_deg, step, step, is_coarse=bool(n_kept) or is_wide, source=path.name
    )
    prefix = str(old["tile_id"][0]).split("-", 1)[0]
    return terrain_rows(grid, prefix, "measured", source_id_of(path, "terrain"))


def _block_means(file: Any, lon: Floats, lat: Floats, step: float) -> tuple[Floats, float]:  # noqa: ANN401  # any terrain
    """Return (rows, columns) mean heights of the cells around the points, NaN where the file has none, and its step."""
    half = 0.5 * step
    empty = np.full((lat.size, lon.size), np.nan)
    try:
        part = file.window(lon[0] - half, lat[-1] - half, lon[-1] + half, lat[0] + half)
    except InputError:  # outside the file
        return empty, 0.0
    n_rows, n_columns = part.value.shape
    y = part.north_deg - (np.arange(n_rows) + 0.5) * part.step_lat_deg
    x = part.west_deg + (np.arange(n_columns) + 0.5) * part.step_lon_deg
    file_step = max(part.step_lon_deg, part.step_lat_deg)
    if file_step > half:  # too few in a cell for a mean
        return np.asarray(part.sample(lon[None, :], lat[:, None]), np.float64), file_step
    row = np.floor((lat[0] + half - y) / step).astype(np.int64)
    column = np.floor((x - lon[0] + half) / step).astype(np.int64)
    inside = ((row >= 0) & (row < lat.size))[:, None] & ((column >= 0) & (column < lon.size))[None, :]
    inside &= np.isfinite(part.value)
    cell = (row[:, None] * lon.size + column[None, :])[inside]
    count = np.bincount(cell, minlength=empty.size)
    total = np.bincount(cell, part.value[inside].astype(np.float64), empty.size)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.asarray(mean.reshape(empty.shape), np.float64), file_step


def _heights(raster: Any, tables: Mapping[str, pl.DataFrame], findings: Findings) -> dict[str, pl.DataFrame]:  # noqa: ANN401
    """Return the tables with heights; checks what was sampled."""
    places, nodes = tables["places"], tables["rights_of_way_nodes"]
    lon, lat = places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy()
    height = _sampled(raster, lon, lat)
    covered = np.isfinite(height)
    if not covered.any():
        findings.add("the raster covers no place of the country", "supply the country's own terrain")
        return {}
    wrong = covered & ((height < LOWEST_M) | (height > HIGHEST_M))
    if wrong.any():
        worst = float(height[wrong][np.argmax(np.abs(height[wrong]))])
        what = f"{int(wrong.sum())} places have heights such as {worst:,.0f}"
        findings.add(what, "supply metres above sea level, and mark pixels without data", None, "elevation_m")
        return {}
    if not covered.all():
        findings.warnings.append(f"{int((~covered).sum()):,} places lie outside the raster and keep their heights")
    north = SLOPE_STEP_KM / KM_PER_DEG
    east = north / np.maximum(np.cos(np.radians(lat)), 1e-3)
    run_m = 2.0 * SLOPE_STEP_KM * M_PER_KM
    rise = np.hypot(
        _sampled(raster, lon + east, lat) - _sampled(raster, lon - east, lat),
        _sampled(raster, lon, lat + north) - _sampled(raster, lon, lat - north),
    )
    slope = np.where(np.isfinite(rise), rise / run_m, places["slope_frac"].to_numpy())
    node_height = _sampled(raster, nodes["lon_deg"].to_numpy(), nodes["lat_deg"].to_numpy())
    node_height = np.where(np.isfinite(node_height), node_height, nodes["elevation_m"].to_numpy())
    return {
        "places": places.with_columns(
            pl.Series("elevation_m", np.where(covered, height, places["elevation_m"].to_numpy())),
            pl.Series("slope_frac", slope),
        ),
        "rights_of_way_nodes": nodes.with_columns(pl.Series("elevation_m", node_height)),
    }


def _sampled(raster: Any, lon_deg: Floats, lat_deg: Floats) -> Floats:  # noqa: ANN401  # rasterio
    """Return the pixel under each point, NaN outside the raster or without data."""
    from rasterio.warp import transform
    from rasterio.windows import Window

    x, y = lon_deg, lat_deg
    if raster.crs.to_string() != WGS84:
        x, y = (np.asarray(v) for v in transform(WGS84, raster.crs, lon_deg, lat_deg))
    a, b, c, d, e, f = tuple(~raster.transform)[:6]
    column = np.floor(a * x + b * y + c).astype(np.int64)
    row = np.floor(d * x + e * y + f).astype(np.int64)
    result = np.full(len(x), np.nan)
    inside = np.flatnonzero((row >= 0) & (row < raster.height) & (column >= 0) & (column < raster.width))
    strip = row[inside] // STRIP_ROWS
    for number in np.unique(strip):
        at = inside[strip == number]
        top, left = int(row[at].min()), int(column[at].min())
        window = Window(left, top, int(column[at].max()) - left + 1, int(row[at].max()) - top + 1)
        values = raster.read(1, window=window, masked=True)
        result[at] = np.ma.filled(values.astype(np.float64), np.nan)[row[at] - top, column[at] - left]
    return result
