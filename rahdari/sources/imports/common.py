"""What all readers share: the result, the list of faults, and checks of numbers, points and keys."""

from __future__ import annotations

import difflib
import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from rahdari.errors import InputError, Problem
from rahdari.sources.guard import shut_vector_reader
from rahdari.units import SUFFIXES, unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

MAX_ROWS_NAMED = 20  # rows listed for one fault; a last line counts the rest
SHORE_DEG = 0.05  # some 5 km: harbours and islands lie off a generalised outline
DIGEST_BYTES = 1 << 20  # read files in pieces
HASH_SHOWN = 16  # hexadecimal digits of a file's digest that make its source's name
LON_MAX_DEG, LAT_MAX_DEG = 180.0, 90.0
WGS84 = "EPSG:4326"
#: Words for a coordinate that people use; the schema has one.
ALIASES = {
    "lon_deg": ("lon", "long", "longitude", "x"),
    "lat_deg": ("lat", "latitude", "y"),
    "n_people": ("population", "people", "pop"),
    "n_households": ("households",),
}


@dataclass(frozen=True)
class ImportResult:
    """What a file brings: whole tables that take the place of old ones, or problems and no tables.

    ``warnings`` are plain sentences about what was left out or assumed.
    """

    tables: dict[str, pl.DataFrame]
    problems: tuple[Problem, ...]
    n_rows: int
    source_row: pl.DataFrame
    warnings: tuple[str, ...] = ()


@dataclass
class Findings:
    """The faults of one file, gathered before anything stops."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, what: str, cure: str, row: int | None = None, column: str | None = None) -> None:
        """Add one fault."""
        self.problems.append(Problem(what, cure, self.file, row, column))

    def rows(self, bad: Flags | Sequence[int], what: str, cure: str, column: str | None = None) -> None:
        """Add a fault for each bad row, given as flags or row numbers from 0; the first twenty by name."""
        at = np.flatnonzero(bad) if isinstance(bad, np.ndarray) and bad.dtype == bool else np.asarray(bad, dtype=int)
        for row in at[:MAX_ROWS_NAMED]:
            self.add(what, cure, int(row) + 1, column)
        if len(at) > MAX_ROWS_NAMED:
            self.add(f"{what} (and {len(at) - MAX_ROWS_NAMED} more rows)", cure, None, column)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 digest of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(DIGEST_BYTES):
            digest.update(block)
    return digest.hexdigest()


def source_of(path: Path, kind: str, licence: str = "unstated") -> pl.DataFrame:
    """Return the one row of table ``sources`` for a file: title is its name, locator its SHA-256 digest."""
    digest = sha256_of(path)
    return pl.DataFrame(
        {
            "source_id": [f"import-{kind}-{digest[:HASH_SHOWN]}"],
            "title": [path.name],
            "publisher": ["supplied by the user"],
            "published_on": [None],
            "licence": [licence],
            "kind": ["measured"],
            "locator": [f"sha256 {digest}"],
            "note": [f"imported as {kind}"],
        },
        schema_overrides={"published_on": pl.String},
    )


def finished(
    path: Path,
    kind: str,
    findings: Findings,
    *,
    tables: Mapping[str, pl.DataFrame],
    old: Mapping[str, pl.DataFrame],
    n_rows: int,
) -> ImportResult:
    """Return the result with the file's source added to ``sources``; no tables where there is a fault."""
    source = source_of(path, kind)
    warnings = tuple(findings.warnings)
    if findings.problems:
        return ImportResult({}, tuple(findings.problems), n_rows, source, warnings)
    known = old.get("sources", source.clear())
    known = known.filter(pl.col("source_id") != source["source_id"].item())
    sources = pl.concat([known, source], how="diagonal_relaxed").sort("source_id")
    return ImportResult({**tables, "sources": sources}, (), n_rows, source, warnings)


def source_id_of(path: Path, kind: str) -> str:
    """Return the identifier of the source that a file becomes."""
    return str(source_of(path, kind)["source_id"].item())


def country_code(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the lower-case ISO 3166-1 code of the country whose tables these are."""
    return str(tables["country"]["country_id"][0]).lower()


def land_of(tables: Mapping[str, pl.DataFrame]) -> BaseGeometry:
    """Return the country's polygons as one shape, degrees WGS 84; empty where no outline is known."""
    shapes: list[Any] = list(shapely.from_wkb(tables["outline"]["geometry"].to_list())) if "outline" in tables else []
    polygons = [shape for shape in shapes if shape.geom_type in {"Polygon", "MultiPolygon"}]
    return shapely.make_valid(shapely.union_all(polygons)) if polygons else shapely.Polygon()


def on_land(land: BaseGeometry, lon_deg: Floats, lat_deg: Floats) -> Flags:
    """Return which points (n,) lie in the country or within some 5 km of its generalised outline."""
    if land.is_empty:
        return np.ones(len(lon_deg), dtype=bool)
    inside = np.zeros(len(lon_deg), dtype=bool)
    points = shapely.points(lon_deg, lat_deg)
    parts = shapely.STRtree(shapely.get_parts(land))
    inside[parts.query(points, predicate="dwithin", distance=SHORE_DEG)[0]] = True
    return inside


def check_points(
    findings: Findings, lon_deg: Floats, lat_deg: Floats, land: BaseGeometry, *, lon: str = "lon_deg"
) -> Flags:
    """Return which points are usable; faults: out of range, swapped, in the sea or abroad.  NaN is left to others."""
    known = np.isfinite(lon_deg) & np.isfinite(lat_deg)
    far = known & ((np.abs(lon_deg) > LON_MAX_DEG) | (np.abs(lat_deg) > LAT_MAX_DEG))
    inside = np.zeros(len(lon_deg), dtype=bool)
    usable = known & ~far
    inside[usable] = on_land(land, lon_deg[usable], lat_deg[usable])
    outside = known & ~inside
    swapped = np.zeros_like(outside)
    fits = outside & (np.abs(lat_deg) <= LON_MAX_DEG) & (np.abs(lon_deg) <= LAT_MAX_DEG)
    if not land.is_empty:
        swapped[fits] = on_land(land, lat_deg[fits], lon_deg[fits])
    swap = "longitude and latitude are swapped"
    findings.rows(swapped, swap, "exchange the two columns; longitude counts degrees east", lon)
    range_text = "the coordinate is outside -180 to 180 or -90 to 90 degrees"
    findings.rows(far & ~swapped, range_text, "give degrees, WGS 84, not metres of a projection", lon)
    sea = "the point lies in the sea or outside the country"
    findings.rows(outside & ~swapped & ~far, sea, "correct the coordinate or remove the row", lon)
    return inside


def read_csv(path: Path, findings: Findings) -> pl.DataFrame:
    """Return a CSV file as text columns; an unreadable file becomes a fault and an empty frame."""
    try:
        return pl.read_csv(path, infer_schema=False, truncate_ragged_lines=False)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as fault:
        findings.add(f"the file cannot be read: {_first_line(fault)}", "save it again as comma-separated UTF-8 text")
        return pl.DataFrame()


def _first_line(fault: BaseException) -> str:
    """Return the first line of an error's text, which is enough for a person."""
    lines = str(fault).strip().splitlines()
    return lines[0] if lines else type(fault).__name__


def has_columns(frame: pl.DataFrame, names: Sequence[str], findings: Findings) -> bool:
    """Return whether all columns are there; each one missing is a fault with the likely cure."""
    missing = [name for name in names if name not in frame.columns]
    for name in missing:
        findings.problems.append(_missing(name, frame.columns, findings.file))
    return not missing


def _missing(name: str, found: Sequence[str], file: str) -> Problem:
    """Return the fault of a missing column: another unit, another name, or nothing like it."""
    unit = unit_of(name)
    stem = name.removesuffix(f"_{unit}") if unit else name
    for other in found:
        theirs = unit_of(other)
        same_stem = other.removesuffix(f"_{theirs}") == stem if theirs else False
        if unit and theirs and theirs != unit and same_stem:
            cure = f"convert it to {SUFFIXES[unit]} and rename it to '{name}'"
            return Problem(
                f"'{name}' is missing; '{other}' is in another unit ({SUFFIXES[theirs]})", cure, file, None, other
            )
    aliases = [other for other in found if other.lower() in (*ALIASES.get(name, ()), stem)]
    near = aliases or difflib.get_close_matches(name, found, n=1)
    cure = f"rename '{near[0]}' to '{name}'" if near else f"add the column '{name}'"
    return Problem(f"column '{name}' is missing", cure, file, None, name)


def wrong_unit(frame: pl.DataFrame, names: Sequence[str], findings: Findings) -> None:
    """Add a fault for each optional column that is there in another unit only."""
    for name in names:
        if name in frame.columns:
            continue
        problem = _missing(name, frame.columns, findings.file)
        if "another unit" in problem.what:
            findings.problems.append(problem)


def numbers(frame: pl.DataFrame, name: str, findings: Findings, *, least: float = -math.inf) -> Floats:
    """Return a column as numbers (n,), NaN where faulty; faults: no number, missing, NaN, infinite, below ``least``."""
    text = frame[name].cast(pl.String).str.strip_chars()
    values = text.cast(pl.Float64, strict=False)
    empty = (text.is_null() | (text == "")).to_numpy()
    no_number = (values.is_null() & ~pl.Series(empty)).to_numpy()
    findings.rows(empty, "value is missing", "fill it in or remove the row", name)
    findings.rows(no_number, "value is no number", "write digits with a decimal point", name)
    result = values.fill_null(math.nan).to_numpy().copy()
    findings.rows(~empty & ~no_number & ~np.isfinite(result), "value is NaN or infinite", "give a finite number", name)
    low = np.isfinite(result) & (result < least)
    cure = f"give a value of {least:g} or more"
    findings.rows(low, "value is negative" if least == 0 else f"value is below {least:g}", cure, name)
    return result


def check_unique(frame: pl.DataFrame, names: Sequence[str], findings: Findings) -> None:
    """Add a fault for every row whose key stood before."""
    repeat = (~frame.select(pl.struct(names).is_first_distinct()).to_series()).to_numpy()
    label = " + ".join(names)
    findings.rows(repeat, f"{label} stands twice", "give each row its own, or remove one", label)


@dataclass(frozen=True)
class Features:
    """Features of a vector file in WGS 84: shapes (n,) and their fields, row by row."""

    shapes: NDArray[Any]
    fields: dict[str, list[Any]]

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.shapes)


def read_features(
    path: Path,
    findings: Findings,
    *,
    layer: str | None = None,
    skips_empty: bool = False,
    **options: Any,  # noqa: ANN401
) -> Features:
    """Return a vector file's features, in degrees; an unreadable file or unknown projection is a fault.

    A feature without geometry is a fault too, or with ``skips_empty`` a warning; its shape is ``None`` or empty then.
    ``options`` go to ``pyogrio.raw.read`` (``columns``, ``where``).
    """
    from pyogrio import raw
    from pyogrio.errors import DataSourceError, FeatureError, FieldError, GeometryError

    empty = Features(np.array([], dtype=object), {})
    try:
        shut_vector_reader(path)
        meta, _, wkb, columns = raw.read(str(path), layer=layer, **options)
        shapes = shapely.from_wkb(wkb if wkb is not None else [])
    except InputError as fault:
        findings.problems += fault.problems
        return empty
    except (
        DataSourceError,
        FeatureError,
        FieldError,
        GeometryError,
        shapely.errors.GEOSException,
        ValueError,
        OSError,
    ) as fault:
        findings.add(
            f"the file cannot be read: {_first_line(fault)}", "supply a whole GeoPackage, GeoJSON or shapefile"
        )
        return empty
    fields = {str(name): list(values) for name, values in zip(meta["fields"], columns, strict=True)}
    missing = np.array([shape is None or shape.is_empty for shape in shapes], dtype=bool)
    if skips_empty:
        warn_of_empty((np.flatnonzero(missing) + 1).tolist(), findings)
    else:
        findings.rows(missing, "the feature has no geometry", "draw it or remove the feature", "geometry")
    crs = meta.get("crs")
    if crs and crs != WGS84:
        shapes = _in_degrees(shapes, str(crs), findings)
    return Features(np.asarray(shapes, dtype=object), fields)


def warn_of_empty(rows: Sequence[int], findings: Findings) -> None:
    """Add one warning for all rows, from 1, whose geometry is null or empty, which RFC 7946 takes for the same."""
    if not rows:
        return
    named = ", ".join(f"{row:,}" for row in rows[:MAX_ROWS_NAMED]) + (" …" if len(rows) > MAX_ROWS_NAMED else "")
    verb = "feature has no geometry and was" if len(rows) == 1 else "features have no geometry and were"
    findings.warnings.append(f"{len(rows):,} {verb} left out: row {named}")


def _in_degrees(shapes: NDArray[Any], crs: str, findings: Findings) -> NDArray[Any]:
    """Return shapes of another projection in degrees, WGS 84."""
    from pyproj import Transformer
    from pyproj.exceptions import CRSError

    try:
        transformer = Transformer.from_crs(crs, WGS84, always_xy=True)
    except CRSError as fault:
        findings.add(f"the projection is unknown: {_first_line(fault)}", "save the file in EPSG:4326")
        return shapes

    def degrees(xy: Floats) -> Floats:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return np.asarray(shapely.transform(shapes, degrees), dtype=object)


def no_table(name: str, tables: Mapping[str, pl.DataFrame]) -> None:
    """Raise :class:`InputError` where the country lacks a table that an import needs."""
    if name not in tables or tables[name].is_empty():
        raise InputError(Problem(f"the country has no '{name}'", "build the country first: rahdari country build"))
