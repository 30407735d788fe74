"""Terrain and clutter from rasters: GeoTIFF, COG, VRT, SRTM .hgt, one file or a folder of tiles, read by windows.

Whatever a file holds, a window of it comes as WGS 84, north up, metres above the geoid, without voids unless they are
asked for.  Only the window is read, so that a file may be larger than the memory.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.raster import MARGIN_CELLS, Raster
from rahdari.sources.guard import WINDOWED, opened_raster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Float32Array = NDArray[np.float32]

Voids = Literal["refuse", "mark", "sea"]
Datum = Literal["geoid", "ellipsoid"]
Box = tuple[float, float, float, float]

WGS84 = "EPSG:4326"
SUFFIXES = (".tif", ".tiff", ".vrt", ".hgt", ".dt0", ".dt1", ".dt2", ".img", ".asc", ".bil")
MAX_CELLS = 200_000_000  # of one window: 0.8 GB of float32
SMALL_VOID_CELLS = 10  # a void no point of which lies farther than this from a height is filled; 900 m of SRTM
KNOWN_VOIDS = (-32768.0, -32767.0, -9999.0, -99999.0)  # SRTM, Copernicus and common tools, where none is declared
UNDECLARED = -9999.0  # of floats: known before a view warps it, else it is blended into heights beside it
LOWEST_M, HIGHEST_M = -500.0, 9000.0  # the Dead Sea's shore and Everest, with some room
METRES_PER_FOOT = 0.3048  # international foot
METRES_PER_UNIT = {
    "m": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0, "": 1.0,
    "ft": METRES_PER_FOOT, "foot": METRES_PER_FOOT, "feet": METRES_PER_FOOT,
    "us survey foot": 1200.0 / 3937.0, "cm": 0.01, "dm": 0.1,
}  # fmt: skip
PICTURE_BANDS = 3
LON_SLACK_DEG, LAT_SLACK_DEG = 180.5, 90.5  # files of the whole world may pass their rim by half a cell
SAME_STEP = 1e-6  # share by which the steps of tiles of one kind may differ
FINEST_M = 0.05  # metres a cell below which a file in metres is one in degrees under a wrong name
COARSE_SOURCE = "world altitude at 5 arc minutes carried by the package pvlib, cells of some 9 km"
CLUTTER_TABLE = Path(__file__).with_name("clutter_classes.csv")
MAX_CLUTTER_M = 200.0
GEOID_MAX_M = 120.0  # EGM2008 runs from -107 to 86 m


@dataclass(frozen=True, slots=True)
class TerrainFile:
    """A file or a folder of tiles that gives windows of heights; made by :func:`open_terrain`.

    ``box`` is west, south, east and north of all of it, degrees.
    """

    paths: tuple[Path, ...]
    name: str
    box: Box
    metres_per_unit: float
    voids: Voids
    geoid: TerrainFile | float | None
    is_nearest: bool = False
    height_of_class: Mapping[int, float] | None = None

    def window(self, west_deg: float, south_deg: float, east_deg: float, north_deg: float) -> Raster:
        """Return the heights in a box with a margin of two cells, cut at the file's own edges.

        Raises :class:`InputError` where the box lies outside, holds too many cells, holds voids that are to be
        refused, or heights that are none in metres.
        """
        raster = self._read((west_deg, south_deg, east_deg, north_deg))
        if self.height_of_class is not None:
            return _with_values(raster, _clutter_m(raster.value, self.height_of_class, self.name))
        value = raster.value * np.float32(self.metres_per_unit)
        _require_heights(value, self.name)
        value = _filled(value, self.voids, raster, self.name)
        if self.geoid is not None:
            value = value - _undulation_m(self.geoid, raster)
        return _with_values(raster, value)

    def _read(self, box: Box) -> Raster:
        """Return raw values in a box, NaN where there are none."""
        from rasterio.errors import RasterioError

        if box[0] >= self.box[2] or box[2] <= self.box[0] or box[1] >= self.box[3] or box[3] <= self.box[1]:
            raise InputError(_no_overlap(self.name, self.box, box))
        try:
            parts = []
            for path in self.paths:
                with opened_raster(path, WINDOWED) as file, _upright(file, is_nearest=self.is_nearest) as grid:
                    part = _read_window(grid, box, self.name)
                    if part is not None:
                        parts.append(part)
        except RasterioError as error:
            what, cure = f"cannot be read to the end: {error}", "fetch or copy the file again"
            raise InputError(Problem(what, cure, self.name)) from error
        if not parts:
            raise InputError(_no_overlap(self.name, self.box, box))
        return parts[0] if len(parts) == 1 else _joined(parts, self.name)


@dataclass(frozen=True, slots=True)
class CoarseTerrain:
    """The 5-arc-minute world grid that stands in where no terrain file is given; its rasters are marked coarse."""

    def window(self, west_deg: float, south_deg: float, east_deg: float, north_deg: float) -> Raster:
        """Return the heights in a box with a margin of two cells; sea is 0 m."""
        from rahdari.sources.packages.terrain import CELLS_PER_DEG, read_terrain

        terrain = read_terrain(west_deg, south_deg, east_deg, north_deg)
        step = 1.0 / CELLS_PER_DEG
        return Raster(
            value=terrain.elevation_grid_m.astype(np.float32),
            west_deg=terrain.west_deg - 0.5 * step,
            north_deg=terrain.north_deg + 0.5 * step,
            step_lon_deg=step,
            step_lat_deg=step,
            is_coarse=True,
            source=COARSE_SOURCE,
        )


def open_terrain(
    path: Path | str | None,
    *,
    voids: Voids = "refuse",
    datum: Datum = "geoid",
    geoid: Path | str | float | None = None,
    height_unit: str | None = None,
) -> TerrainFile | CoarseTerrain:
    """Return terrain from a file or a folder of tiles, or the coarse world grid where ``path`` is ``None``.

    * ``voids``: what a void larger than some 10 cells does: "refuse", "mark" it as NaN, or read as "sea", 0 m.
      Smaller ones are interpolated.
    * ``datum``: what the file's heights are above.  Heights above the "ellipsoid" need ``geoid``, a raster or one
      number of metres by which the geoid lies above the ellipsoid.
    * ``height_unit``: m, ft, cm or dm where the file does not say, or says wrong.

    Only headers are read here.  Raises :class:`InputError` with all that is wrong and its cure.
    """
    if path is None:
        return CoarseTerrain()
    files = _files(Path(path))
    geoid = Path(geoid) if isinstance(geoid, str) else geoid
    problems = _option_problems(voids, datum, geoid)
    boxes, units = [], []
    for file in files:
        box, unit, found = _examined(file, datum)
        problems += found
        boxes.append(box)
        units.append(unit)
    unit = units[0] if height_unit is None else height_unit
    if unit.lower() not in METRES_PER_UNIT:
        what, cure = f"its heights are in '{unit}'", "state height_unit as one of m, ft, cm, dm"
        problems.append(Problem(what, cure, str(path)))
    if datum == "ellipsoid" and geoid is None:
        what = "heights above the ellipsoid lie up to 100 m off those above the sea"
        problems.append(Problem(what, "give geoid: a raster of the geoid such as EGM2008, or metres", str(path)))
    raise_if_any(problems)
    undulation: TerrainFile | float | None = None
    if datum == "ellipsoid" and geoid is not None:
        opened = open_terrain(geoid, voids="mark") if isinstance(geoid, Path) else float(geoid)
        undulation = None if isinstance(opened, CoarseTerrain) else opened
    return TerrainFile(
        paths=files,
        name=str(path),
        box=_around(boxes),
        metres_per_unit=METRES_PER_UNIT[unit.lower()],
        voids=voids,
        geoid=undulation,
    )


def _option_problems(voids: str, datum: str, geoid: Path | float | None) -> list[Problem]:
    """Return which options are none."""
    problems = []
    if voids not in get_args(Voids):
        cure = f"give one of {', '.join(get_args(Voids))}"
        problems.append(Problem(f"'{voids}' is no treatment of voids", cure, column="voids"))
    if datum not in get_args(Datum):
        problems.append(Problem(f"'{datum}' is no datum", f"give one of {', '.join(get_args(Datum))}", column="datum"))
    if geoid is not None and not isinstance(geoid, Path) and not abs(geoid) <= GEOID_MAX_M:
        cure = f"give metres by which the geoid lies above the ellipsoid, at most {GEOID_MAX_M:.0f} either way"
        problems.append(Problem(f"a geoid of {geoid} m", cure, column="geoid"))
    return problems


def open_clutter(path: Path | str, classes: Path = CLUTTER_TABLE) -> TerrainFile:
    """Return heights of cover above ground from a land-cover raster and a table of its classes.

    ``classes`` is a CSV with ``class_id`` and ``height_m``; by default those of ESA WorldCover with the heights of
    ITU-R P.1812-8 table 2.  A class missing from it is an error when a window is read.
    """
    files = _files(Path(path))
    boxes, problems = [], []
    for file in files:
        box, _, found = _examined(file, "geoid")
        boxes.append(box)
        problems += found
    heights, found = _read_classes(classes)
    raise_if_any(problems + found)
    return TerrainFile(files, str(path), _around(boxes), 1.0, "mark", None, is_nearest=True, height_of_class=heights)


def _files(path: Path) -> tuple[Path, ...]:
    """Return the rasters at a path, in name order."""
    if path.is_file():
        return (path,)
    files = tuple(sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)) if path.is_dir() else ()
    if not files:
        what = "holds no raster" if path.is_dir() else "does not exist"
        cure = "give a GeoTIFF, COG, VRT or .hgt file, or a folder of them; 'rahdari data dem' fetches one"
        raise InputError(Problem(what, cure, str(path)))
    return files


def _examined(path: Path, datum: Datum) -> tuple[Box, str, list[Problem]]:
    """Return a file's box in degrees, its unit of height, and all that its header says is wrong."""
    from rasterio.errors import RasterioError

    name = str(path)
    try:
        with opened_raster(path, WINDOWED) as file:
            problems = _header_problems(file, name, datum)
            if problems:
                return (0.0, 0.0, 0.0, 0.0), "m", problems
            unit = file.units[0] or "m"
            with _upright(file, is_nearest=False) as grid:  # closes the file too
                box = tuple(grid.bounds)
            return (box[0], box[1], box[2], box[3]), unit, []
    except InputError as error:
        return (0.0, 0.0, 0.0, 0.0), "m", list(error.problems)
    except (RasterioError, ValueError) as error:
        what, cure = f"is no raster that can be read: {error}", "give a GeoTIFF, COG, VRT or .hgt file"
        return (0.0, 0.0, 0.0, 0.0), "m", [Problem(what, cure, name)]


def _header_problems(file: Any, name: str, datum: Datum) -> list[Problem]:  # noqa: ANN401  # a rasterio dataset
    """Return what a header says is wrong."""
    problems = []
    if file.crs is None or file.transform.is_identity:
        cure = "state it, such as with 'gdal_edit.py -a_srs EPSG:4326 -a_ullr W N E S FILE'"
        return [Problem("does not say where it lies", cure, name)]
    if file.count >= PICTURE_BANDS and all(kind == "uint8" for kind in file.dtypes[:PICTURE_BANDS]):
        problems.append(Problem("is a picture, not heights", "give the elevation model itself", name))
    if np.dtype(file.dtypes[0]).kind not in "iuf":
        problems.append(Problem(f"holds {file.dtypes[0]}, not heights", "give a raster of numbers", name))
    left, bottom, right, top = file.bounds
    is_like_degrees = max(abs(left), abs(right)) <= LON_SLACK_DEG and max(abs(bottom), abs(top)) <= LAT_SLACK_DEG
    cell = min(abs(file.transform.a) + abs(file.transform.b), abs(file.transform.e) + abs(file.transform.d))
    if file.crs.is_geographic and not (
        max(abs(left), abs(right)) <= 2 * LON_SLACK_DEG and max(top, -bottom) <= LAT_SLACK_DEG
    ):
        what = f"says degrees but spans {left:.0f} to {right:.0f} by {bottom:.0f} to {top:.0f}"
        problems.append(Problem(what, "state the projection its metres are in: 'gdal_edit.py -a_srs EPSG:...'", name))
    if file.crs.is_projected and is_like_degrees and cell < FINEST_M:
        what = f"says metres but its cells are {cell:.6f} wide: these are degrees"
        problems.append(Problem(what, "state EPSG:4326: 'gdal_edit.py -a_srs EPSG:4326 FILE'", name))
    if datum == "geoid" and "ellipsoidal height" in file.crs.to_wkt().lower():
        cure = "give datum='ellipsoid' and a geoid"
        problems.append(Problem("holds heights above the ellipsoid, not above the sea", cure, name))
    return problems


def _upright(file: Any, *, is_nearest: bool) -> Any:  # noqa: ANN401  # rasterio datasets
    """Return a dataset in WGS 84 degrees, north up: the file itself where it is, else a view that is warped as read."""
    from rasterio.enums import Resampling
    from rasterio.vrt import WarpedVRT

    t = file.transform
    is_upright = t.b == 0.0 and t.d == 0.0 and t.a > 0.0 and t.e < 0.0
    options: dict[str, Any] = {} if is_nearest else {"dtype": "float32", "nodata": math.nan}
    if is_upright and file.crs.is_geographic and (file.crs.to_epsg() == 4326 or _is_wgs84(file.crs)):  # noqa: PLR2004  # EPSG code of WGS 84
        return file
    options["src_nodata"] = _declared_void(file)
    if is_nearest:
        options["nodata"] = options["src_nodata"]
    how = Resampling.nearest if is_nearest else Resampling.bilinear
    return WarpedVRT(file, crs=WGS84, resampling=how, **options)


def _is_wgs84(crs: Any) -> bool:  # noqa: ANN401  # a rasterio CRS
    """Return whether a geographic system without a code is WGS 84 by name or ellipsoid: a metre or so at most."""
    text = crs.to_wkt().lower().replace("_", " ")
    return "wgs 84" in text or "wgs84" in text or "wgs 1984" in text


def _declared_void(file: Any) -> float | None:  # noqa: ANN401  # a rasterio dataset
    """Return the value that stands for a void: declared, SRTM's in integers, or the usual one in floats."""
    if file.nodata is not None:
        return float(file.nodata)
    return {"int16": KNOWN_VOIDS[0], "int32": KNOWN_VOIDS[0], "float32": UNDECLARED, "float64": UNDECLARED}.get(
        file.dtypes[0]
    )


def _read_window(grid: Any, box: Box, name: str) -> Raster | None:  # noqa: ANN401  # a rasterio dataset
    """Return the part of a dataset in a box as float32, NaN for voids, or ``None`` where they do not meet."""
    from rasterio.windows import Window

    t = grid.transform
    top = max(math.floor((t.f - box[3]) / -t.e) - MARGIN_CELLS, 0)
    bottom = min(math.ceil((t.f - box[1]) / -t.e) + MARGIN_CELLS, grid.height)
    left = max(math.floor((box[0] - t.c) / t.a) - MARGIN_CELLS, 0)
    right = min(math.ceil((box[2] - t.c) / t.a) + MARGIN_CELLS, grid.width)
    if top >= bottom or left >= right:
        return None
    if (bottom - top) * (right - left) > MAX_CELLS:
        what = f"{bottom - top:,} x {right - left:,} cells are wanted of it, more than {MAX_CELLS / 1e6:.0f} million"
        raise InputError(Problem(what, "plan a smaller area at once, or give a coarser terrain file", name))
    value = grid.read(1, window=Window(left, top, right - left, bottom - top)).astype(np.float32)
    void = _declared_void(grid)
    if void is not None and not math.isnan(void):
        value[value == np.float32(void)] = np.nan
    for known in KNOWN_VOIDS:
        value[value == np.float32(known)] = np.nan
    value[~np.isfinite(value)] = np.nan
    return Raster(value, t.c + left * t.a, t.f + top * t.e, t.a, -t.e, is_coarse=False, source=f"terrain file {name}")


def _joined(parts: list[Raster], name: str) -> Raster:
    """Return tiles of one spacing as one raster; of overlapping tiles the first in name order counts."""
    first = parts[0]
    if any(
        abs(p.step_lon_deg / first.step_lon_deg - 1.0) > SAME_STEP
        or abs(p.step_lat_deg / first.step_lat_deg - 1.0) > SAME_STEP
        for p in parts
    ):
        cure = "give tiles of one resolution, or join them with 'gdalbuildvrt'"
        raise InputError(Problem("its tiles have different cells", cure, name))
    west, north = min(p.west_deg for p in parts), max(p.north_deg for p in parts)
    n_columns = round((max(p.east_deg for p in parts) - west) / first.step_lon_deg)
    n_rows = round((north - min(p.south_deg for p in parts)) / first.step_lat_deg)
    if n_rows * n_columns > MAX_CELLS:
        what = f"{n_rows:,} x {n_columns:,} cells are wanted of it, more than {MAX_CELLS / 1e6:.0f} million"
        raise InputError(Problem(what, "plan a smaller area at once, or give a coarser terrain file", name))
    value = np.full((n_rows, n_columns), np.nan, np.float32)
    for part in reversed(parts):
        top = round((north - part.north_deg) / first.step_lat_deg)
        left = round((part.west_deg - west) / first.step_lon_deg)
        rows, columns = part.value.shape
        room = value[top : top + rows, left : left + columns]
        room[...] = np.where(np.isnan(part.value[: room.shape[0], : room.shape[1]]), room, part.value)
    return Raster(value, west, north, first.step_lon_deg, first.step_lat_deg, is_coarse=False, source=first.source)


def _filled(value: Float32Array, voids: Voids, raster: Raster, name: str) -> Float32Array:
    """Return heights with small voids interpolated and large ones treated as asked."""
    is_void = np.isnan(value)
    if not is_void.any():
        return value
    from rasterio.fill import fillnodata
    from scipy.ndimage import distance_transform_cdt, label

    region, n_regions = label(is_void, np.ones((3, 3), np.int8))
    depth = distance_transform_cdt(is_void, metric="chessboard")
    deepest = np.zeros(n_regions + 1, np.int64)
    np.maximum.at(deepest, region.ravel(), depth.ravel())
    is_small = deepest <= SMALL_VOID_CELLS
    if not (~is_void).any():
        is_small[:] = False
    mended = fillnodata(np.where(is_void, np.float32(0.0), value), mask=~is_void, max_search_distance=100.0)
    is_mended = is_void & is_small[region]
    value = np.where(is_mended, mended, value).astype(np.float32)
    is_left = is_void & ~is_mended
    if voids == "sea":
        value[is_left] = 0.0
    elif voids == "refuse" and is_left.any():
        row, column = (int(i[0]) for i in np.nonzero(is_left))
        lon = raster.west_deg + (column + 0.5) * raster.step_lon_deg
        lat = raster.north_deg - (row + 0.5) * raster.step_lat_deg
        what = f"{is_left.mean():.2%} of the area has no height, first near {lon:.4f} E {lat:.4f} N"
        cure = "fill it with 'gdal_fillnodata.py', give voids='sea' where it is sea, or voids='mark' to leave it out"
        raise InputError(Problem(what, cure, name))
    return value


def _require_heights(value: Float32Array, name: str) -> None:
    """Refuse values that cannot be metres above the sea."""
    known = value[~np.isnan(value)]
    if not known.size:
        return
    low, high = float(known.min()), float(known.max())
    if high > HIGHEST_M or low < LOWEST_M:
        what = f"holds heights from {low:,.0f} to {high:,.0f} m, which the Earth has not"
        cure = "state height_unit, such as 'ft', 'dm' or 'cm', or the value that marks voids"
        raise InputError(Problem(what, cure, name))


def _undulation_m(geoid: TerrainFile | float, raster: Raster) -> Float32Array:
    """Return the geoid above the ellipsoid at a raster's cells, m."""
    n_rows, n_columns = raster.value.shape
    if isinstance(geoid, float):
        return np.full((n_rows, n_columns), geoid, np.float32)
    grid = geoid.window(raster.west_deg, raster.south_deg, raster.east_deg, raster.north_deg)
    lon = raster.west_deg + (np.arange(n_columns) + 0.5) * raster.step_lon_deg
    lat = raster.north_deg - (np.arange(n_rows) + 0.5) * raster.step_lat_deg
    undulation = np.stack([grid.sample(lon, one) for one in lat]).astype(np.float32)
    if np.isnan(undulation).any():
        raise InputError(Problem("does not cover the terrain", "give a geoid of the whole area", geoid.name))
    return undulation


def _clutter_m(code: Float32Array, heights: Mapping[int, float], name: str) -> Float32Array:
    """Return heights of cover from class codes; no code is none."""
    out = np.zeros(code.shape, np.float32)
    missing = []
    for one in np.unique(code[~np.isnan(code)]).tolist():
        if int(one) in heights:
            out[code == one] = heights[int(one)]
        elif one != 0.0:
            missing.append(f"{one:g}")
    if missing:
        what = f"has land-cover classes without a height: {', '.join(missing)}"
        raise InputError(Problem(what, "add them to the table of classes (class_id, height_m)", name))
    return out


def _read_classes(path: Path) -> tuple[dict[int, float], list[Problem]]:
    """Return heights by class and all that is wrong with a table."""
    heights: dict[int, float] = {}
    problems = []
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        return {}, [Problem(f"cannot be read: {error}", "give a CSV with class_id and height_m", str(path))]
    for number, row in enumerate(rows, 1):
        try:
            code, height = int(row["class_id"]), float(row["height_m"])
        except (KeyError, TypeError, ValueError):
            cure = "give a whole class_id and a height_m"
            problems.append(Problem("has no class and height", cure, str(path), number))
            continue
        if not 0.0 <= height <= MAX_CLUTTER_M:
            cure = f"give metres above ground, 0 to {MAX_CLUTTER_M:.0f}"
            problems.append(Problem(f"height_m is {height}", cure, str(path), number, "height_m"))
        heights[code] = height
    return heights, problems


def _with_values(raster: Raster, value: Float32Array) -> Raster:
    """Return a raster with other values."""
    r = raster
    return Raster(
        np.ascontiguousarray(value, np.float32), r.west_deg, r.north_deg, r.step_lon_deg, r.step_lat_deg,
        r.is_coarse, r.source,
    )  # fmt: skip


def _around(boxes: list[Box]) -> Box:
    """Return the box around boxes."""
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def _no_overlap(name: str, held: Box, asked: Box) -> Problem:
    has = f"{held[0]:.3f} to {held[2]:.3f} E, {held[1]:.3f} to {held[3]:.3f} N"
    wants = f"{asked[0]:.3f} to {asked[2]:.3f} E, {asked[1]:.3f} to {asked[3]:.3f} N"
    cure = "give a terrain file of that area ('rahdari data dem' fetches one), or none for the coarse world grid"
    return Problem(f"covers {has}, not the places asked for ({wants})", cure, name)
