"""A terrain raster (metres above sea level, GeoTIFF): heights and slopes of places and rights-of-way nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.sources.imports.common import WGS84, Findings, finished, no_table
from rahdari.sources.synthetic.common import KM_PER_DEG

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rahdari.sources.imports.common import Floats, ImportResult

LOWEST_M, HIGHEST_M = -500.0, 9_000.0  # the Dead Sea's shore and the summit of the Earth, with room
SLOPE_STEP_KM = 1.0  # slopes are taken over this distance each way: what a trench or a road feels
STRIP_ROWS = 512  # raster rows held in memory at once
M_PER_KM = 1000.0


def read_terrain_file(path: Path, tables: Mapping[str, pl.DataFrame]) -> ImportResult:
    """Return ``places`` and ``rights_of_way_nodes`` with heights of the raster where it covers them.

    Faults: unreadable, no projection, no place covered, heights that cannot be metres.
    """
    for name in ("places", "rights_of_way_nodes"):
        no_table(name, tables)
    import rasterio
    from rasterio.errors import RasterioError

    findings = Findings(path.name)
    result: dict[str, pl.DataFrame] = {}
    n_rows = 0
    try:
        with rasterio.open(path) as raster:
            n_rows = int(raster.height)
            if raster.crs is None:
                findings.add("the raster has no projection", "save it with a projection, EPSG:4326 if in degrees")
            else:
                result = _heights(raster, tables, findings)
    except (RasterioError, OSError) as fault:
        findings.add(f"the file cannot be read: {str(fault).splitlines()[0]}", "download it again; it may be cut short")
    return finished(path, "terrain", findings, tables=result, old=tables, n_rows=n_rows)


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
