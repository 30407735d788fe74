"""Satellite and drone images for the water mask: bands found by name in one or several GeoTIFF files, and masks read.

Only headers are read before sizes, places and names are known to be right.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.water_mask import BANDS, DRY, NO_DATA, WATER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

MAX_PIXELS = 150_000_000  # of one band; a whole Sentinel-2 tile has 120,560,400 and takes some 1 GB
#: Names of bands as Sentinel-2, Sentinel-1 and common tools write them, lower case, without leading zeros.
NAMES = {
    "green": ("green", "b3"), "nir": ("nir", "b8", "nir1", "b8a"), "swir": ("swir", "b11", "swir1", "swir16"),
    "vh": ("vh",),
}  # fmt: skip
PREFERRED = ("mndwi-otsu", "ndwi-otsu", "vh-otsu")
WORDS = re.compile(r"[^0-9a-z]+")
ZEROS = re.compile(r"^([a-z]+)0+(?=\d)")
SAME = 1e-6  # share of the extent by which the edges of files of one image may differ
CURE_BANDS = "say which is which, such as --bands green=2,nir=7"
CURE_PLACE = "state it, such as with 'gdal_edit.py -a_srs EPSG:4326 -a_ullr W N E S FILE'"
CURE_FILE = "give a GeoTIFF that opens in QGIS, or fetch it again"


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the pixels of an image lie: rows and columns, affine (a, b, c, d, e, f), and the name of its system."""

    n_rows: int
    n_columns: int
    affine: tuple[float, float, float, float, float, float]
    crs: str

    def degrees(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return longitude and latitude of coordinates of this grid."""
        from pyproj import Transformer

        lon, lat = Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True).transform(x, y)
        return np.asarray(lon), np.asarray(lat)

    def pixels(self, lon_deg: FloatArray, lat_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return fractional columns and rows of points in degrees; not finite where the system has no such point."""
        from pyproj import Transformer

        x, y = Transformer.from_crs("EPSG:4326", self.crs, always_xy=True).transform(lon_deg, lat_deg)
        a, _, c, _, e, f = self.affine
        return (np.asarray(x) - c) / a, (np.asarray(y) - f) / e


@dataclass(frozen=True, slots=True, eq=False)
class FloodImage:
    """An image: its bands by name, the method they allow, and where they lie."""

    bands: Mapping[str, NDArray[Any]]
    method: str
    grid: Grid
    described: str


@dataclass(frozen=True, slots=True)
class _Header:
    path: Path
    band: int
    name: str
    shape: tuple[int, int]
    grid: Grid
    bounds: tuple[float, float, float, float]


def read_image(paths: Sequence[Path], method: str | None = None, bands: Mapping[str, int] | None = None) -> FloodImage:
    """Return the bands that a method needs, of one file or of one file a band.

    Without ``method`` it is the first of MNDWI, NDWI and VH whose bands are there.  ``bands`` numbers bands from 1 over
    all files in the order given; else descriptions tell (Sentinel's B3, B8, B11, VH, or green, nir, swir), and file
    names where a file holds one band.  A coarser band is brought to the finest by nearest neighbour.

    Raises :class:`InputError` with all problems: files that cannot be read, no georeference, too many pixels, bands
    that are not found or lie elsewhere.
    """
    if method is not None and method not in BANDS:
        raise InputError(Problem(f"there is no method '{method}'", f"use one of {', '.join(BANDS)}"))
    headers = _headers(paths)
    found = _named(headers, bands or {})
    chosen = method or next((name for name in PREFERRED if set(BANDS[name]) <= set(found)), None)
    if chosen is None or not set(BANDS[chosen]) <= set(found):
        seen = ", ".join(header.name or f"{number}" for number, header in enumerate(headers, 1))
        needs = " or ".join("+".join(BANDS[name]) for name in ([chosen] if chosen else PREFERRED))
        raise InputError(Problem(f"{needs} cannot be told among the bands ({seen})", CURE_BANDS, str(paths[0])))
    used = [found[name] for name in BANDS[chosen]]
    finest = max(used, key=lambda header: header.shape[0] * header.shape[1])
    raise_if_any(_fit_problems(used, finest))
    images = {name: _read(found[name], finest.grid) for name in BANDS[chosen]}
    told = ", ".join(f"{name} = {found[name].path.name} band {found[name].band}" for name in BANDS[chosen])
    return FloodImage(images, chosen, finest.grid, told)


def read_mask(path: Path) -> tuple[NDArray[np.uint8], Grid]:
    """Return a mask as this module writes it, 0 dry, 1 water, 255 no data, and where it lies.

    Any raster of whole numbers will do: what is above 0 counts as water.
    """
    header = _headers([path])[0]
    value = _read(header, header.grid)
    mask = np.where(np.isfinite(value) & (value != NO_DATA), np.where(value > 0, WATER, DRY), NO_DATA)
    return mask.astype(np.uint8), header.grid


@contextlib.contextmanager
def _quiet(kind: type[Warning]) -> Iterator[None]:
    """Keep a library from warning of what is told as a problem, with its cure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kind)
        yield


def _headers(paths: Sequence[Path]) -> list[_Header]:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    found: list[_Header] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            with _quiet(NotGeoreferencedWarning), rasterio.open(path) as file:
                own = _place_problems(file, str(path))
                problems += own
                if not own:
                    found += _bands_of(file, path)
        except (RasterioError, OSError) as error:
            problems.append(Problem(f"is no image that can be read: {error}", CURE_FILE, str(path)))
    raise_if_any(problems)
    return found


def _place_problems(file: Any, name: str) -> list[Problem]:  # noqa: ANN401  # a rasterio dataset
    t = file.transform
    if file.width * file.height > MAX_PIXELS:
        what = f"has {file.width:,} x {file.height:,} pixels, more than {MAX_PIXELS / 1e6:.0f} million"
        return [Problem(what, "cut it with 'gdalwarp -te', or make it coarser with '-tr'", name)]
    if file.crs is None or t.is_identity:
        cure = "warp it with 'gdalwarp -t_srs EPSG:4326 FILE OUT'" if file.gcps[0] else CURE_PLACE
        return [Problem("does not say where it lies", cure, name)]
    if t.b or t.d or t.a <= 0 or t.e >= 0:
        return [Problem("is rotated or upside down", "warp it with 'gdalwarp -t_srs EPSG:4326 FILE OUT'", name)]
    return []


def _bands_of(file: Any, path: Path) -> list[_Header]:  # noqa: ANN401  # a rasterio dataset
    t = file.transform
    grid = Grid(file.height, file.width, (t.a, t.b, t.c, t.d, t.e, t.f), file.crs.to_string())
    names = [name or "" for name in file.descriptions]
    if file.count == 1 and not names[0]:
        names = [path.stem]
    return [
        _Header(path, number, name, (file.height, file.width), grid, tuple(file.bounds))
        for number, name in enumerate(names, 1)
    ]


def _named(headers: Sequence[_Header], given: Mapping[str, int]) -> dict[str, _Header]:
    """Return bands by what they show: as given, else as their names say; the more usual name wins."""
    problems = [
        Problem(f"there is no band {number} for {name}", f"the bands are 1 to {len(headers)}")
        for name, number in given.items()
        if not 1 <= number <= len(headers)
    ]
    problems += [Problem(f"'{name}' is no band", f"use {', '.join(NAMES)}") for name in given if name not in NAMES]
    raise_if_any(problems)
    found: dict[str, _Header] = {}
    for name, known in NAMES.items():
        for word in known:
            told = [header for header in headers if word in _words(header.name)]
            if told and name not in found:
                found[name] = told[0]
    return {**found, **{name: headers[number - 1] for name, number in given.items()}}


def _words(text: str) -> set[str]:
    return {ZEROS.sub(r"\1", word) for word in WORDS.split(text.lower())}


def _fit_problems(used: Sequence[_Header], finest: _Header) -> list[Problem]:
    west, south, east, north = finest.bounds
    slack = SAME * max(east - west, north - south) + max(finest.grid.affine[0], -finest.grid.affine[4])
    return [
        Problem("lies elsewhere than the other band", "cut all bands to one extent with 'gdalwarp -te'", str(one.path))
        for one in used
        if one.grid.crs != finest.grid.crs or max(np.abs(np.subtract(one.bounds, finest.bounds))) > slack
    ]


def _read(header: _Header, grid: Grid) -> NDArray[Any]:
    """Return one band on a grid of the same extent, NaN where the file declares no data."""
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(header.path) as file:
            value = file.read(header.band, out_shape=(grid.n_rows, grid.n_columns), resampling=Resampling.nearest)
            nodata = file.nodata
    except (RasterioError, OSError) as error:
        raise InputError(Problem(f"cannot be read to the end: {error}", CURE_FILE, str(header.path))) from error
    if np.dtype(value.dtype).kind not in "uif":
        raise InputError(Problem(f"holds {value.dtype}, not numbers of one band", CURE_FILE, str(header.path)))
    if nodata is None or (nodata == 0 and value.dtype.kind in "ui") or np.isnan(nodata):
        return np.asarray(value)
    is_void = value == nodata
    if not is_void.any():
        return np.asarray(value)
    real = value.astype(np.float32)
    real[is_void] = np.nan
    return np.asarray(real)


__all__ = ["MAX_PIXELS", "FloodImage", "Grid", "read_image", "read_mask"]
