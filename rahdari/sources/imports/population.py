"""A population raster (people per pixel, GeoTIFF): where the people of each district live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.errors import InputError
from rahdari.sources.guard import opened_raster
from rahdari.sources.imports.attach import people_to_census, sites_in_places
from rahdari.sources.imports.common import WGS84, Findings, finished, land_of, no_table, on_land, source_id_of
from rahdari.sources.synthetic.common import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rahdari.sources.imports.common import Floats, ImportResult

MAX_PIXELS_NAMED = 5  # faulty pixels listed
BLOCK_ROWS = 512  # raster rows held in memory at once
COARSE_DEG = 1.0 / 120.0  # pixels are summed to about 1 km before they go to places
#: A raster's sum may differ from the census this much: other years, other boundaries; more is another unit.
SUM_LEAST_RATIO, SUM_MOST_RATIO = 0.5, 2.0


def read_population(path: Path, tables: Mapping[str, pl.DataFrame]) -> ImportResult:
    """Return ``places`` with people of each district shared as the raster has them, and ``sites`` joined to them.

    The census total of every district stays; a place in whose reach the raster has nobody goes.  Faults: unreadable,
    more than one band, no projection, negative or infinite pixels, a sum that is not people per pixel.
    """
    for name in ("places", "districts"):
        no_table(name, tables)
    findings = Findings(path.name)
    pixels = _pixels(path, findings)
    if findings.problems:
        return finished(path, "population", findings, tables={}, old=tables, n_rows=0)
    lon, lat, people = pixels
    inside = on_land(land_of(tables), lon, lat)
    lon, lat, people = lon[inside], lat[inside], people[inside]
    census = float(tables["districts"]["n_people"].to_numpy().sum())
    total = float(people.sum())
    if not SUM_LEAST_RATIO * census <= total <= SUM_MOST_RATIO * census:
        what = f"the raster sums to {total:,.0f} inside the country, the census to {census:,.0f}"
        findings.add(what, "supply people per pixel, not per square kilometre, for the whole country")
        return finished(path, "population", findings, tables={}, old=tables, n_rows=len(people))
    places = tables["places"].sort("place_id")
    _, at = nearest(lon, lat, places["lon_deg"], places["lat_deg"])
    weight: Floats = np.bincount(at, people, places.height).astype(np.float64)
    # A district where the raster has nobody keeps the shares it had.
    by_district = (
        pl.DataFrame({"d": places["district_id"], "w": weight}).select(pl.col("w").sum().over("d")).to_series()
    )
    weight = np.where(by_district.to_numpy() > 0, weight, places["n_people"].to_numpy())
    shared = people_to_census(places, tables["districts"], weight)
    shared = shared.with_columns(
        pl.lit("derived").alias("evidence"), pl.lit(source_id_of(path, "population")).alias("source_id")
    )
    kept = shared.filter(pl.col("n_people") > 0)
    findings.warnings.append(
        f"the raster has {total:,.0f} people in the country; each district keeps its census, {census:,.0f} in all"
    )
    result = {"places": kept}
    if "sites" in tables:
        result["sites"] = sites_in_places(tables["sites"], kept)
    return finished(path, "population", findings, tables=result, old=tables, n_rows=len(people))


def _pixels(path: Path, findings: Findings) -> tuple[Floats, Floats, Floats]:
    """Return longitude, latitude and people of the raster's settled squares of about 1 km."""
    from rasterio.errors import RasterioError

    nothing = (np.zeros(0), np.zeros(0), np.zeros(0))
    try:
        with opened_raster(path) as raster:
            if raster.count != 1:
                findings.add(f"the raster has {raster.count} bands", "supply one band, people per pixel")
            if raster.crs is None:
                findings.add("the raster has no projection", "save it with a projection, EPSG:4326 if in degrees")
            if findings.problems:
                return nothing
            parts = list(_blocks(raster, findings))
    except InputError as fault:
        findings.problems += fault.problems
        return nothing
    except (RasterioError, OSError) as fault:
        findings.add(f"the file cannot be read: {str(fault).splitlines()[0]}", "download it again; it may be cut short")
        return nothing
    lon, lat, people = (
        np.concatenate(column) if parts else np.zeros(0) for column in zip(*(parts or [nothing]), strict=True)
    )
    return lon, lat, people


def _blocks(raster: Any, findings: Findings) -> Iterator[tuple[Floats, Floats, Floats]]:  # noqa: ANN401  # rasterio
    """Yield the settled squares of one strip after another."""
    from rasterio.warp import transform
    from rasterio.windows import Window

    bad = 0
    for start in range(0, raster.height, BLOCK_ROWS):
        height = min(BLOCK_ROWS, raster.height - start)
        values = raster.read(1, window=Window(0, start, raster.width, height), masked=True)
        data = np.ma.filled(values.astype(np.float64), 0.0)
        row, column = np.nonzero(data)
        people = data[row, column]
        wrong = ~np.isfinite(people) | (people < 0)
        for r, col in list(zip(row[wrong], column[wrong], strict=True))[: max(0, MAX_PIXELS_NAMED - bad)]:
            what = f"pixel in column {col + 1} is {data[r, col]:g}"
            findings.add(what, "set it to the no-data value or to zero or more", int(start + r + 1), "people")
        bad += int(wrong.sum())
        a, b, c, d, e, f = tuple(raster.transform)[:6]
        x = a * (column + 0.5) + b * (row + start + 0.5) + c
        y = d * (column + 0.5) + e * (row + start + 0.5) + f
        if raster.crs.to_string() != WGS84:
            x, y = (np.asarray(v) for v in transform(raster.crs, WGS84, x, y))
        yield _summed(np.asarray(x, dtype=float)[~wrong], np.asarray(y, dtype=float)[~wrong], people[~wrong])


def _summed(lon: Floats, lat: Floats, people: Floats) -> tuple[Floats, Floats, Floats]:
    """Return people summed over squares of about 1 km, at the people's mean position."""
    if not len(people):
        return lon, lat, people
    key = np.rint(lat / COARSE_DEG).astype(np.int64) * 1_000_000 + np.rint(lon / COARSE_DEG).astype(np.int64)
    _, group = np.unique(key, return_inverse=True)
    total = np.bincount(group, people).astype(np.float64)
    return np.bincount(group, lon * people) / total, np.bincount(group, lat * people) / total, total
