"""How good positions by satellite are along a line of a plan: every 100 m, with and without terrain."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from pydantic import Field

from rahdari.engines.navigation.engine import COARSE_NOTE, nominal_sky
from rahdari.engines.navigation.ground import Area, ground, raster_area
from rahdari.engines.navigation.lines import line_tables, walk
from rahdari.engines.navigation.params import NavigationParams
from rahdari.engines.navigation.services import service_rows
from rahdari.engines.navigation.sky import Sky, skies
from rahdari.errors import InputError, Problem
from rahdari.methods.broadcast_orbits import Track, track
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.gnss_time import GPS_START
from rahdari.methods.line_drawing import Curve, Drawn, Labels, line_svg, line_text
from rahdari.methods.line_points import LinePoints, nearest_km
from rahdari.methods.named_lines import named_lines, towns
from rahdari.methods.raster import Raster
from rahdari.methods.terrain_table import terrain_raster
from rahdari.model.params import Params
from rahdari.schema import base_schemas
from rahdari.schema.checks import empty_table
from rahdari.store.atomic import write_text
from rahdari.store.query import OWNER, Clearance, PlanReader
from rahdari.store.spreadsheet import safe_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from rahdari.methods.broadcast_records import Navigation
    from rahdari.methods.named_lines import NamedLine

    TimeArray = NDArray[np.datetime64]

NEEDED = ("places", "landmarks", "rights_of_way", "rights_of_way_nodes", "country")
RINEX_SUFFIXES = (".rnx", ".rnx.gz", ".gz", ".nav", ".n", ".p", ".g", ".l", ".f")
ELEMENT_SUFFIXES = (".tle", ".txt", ".json", ".csv", ".xml", ".3le")
#: How names of satellites in lists of elements begin or read, and the letter of their system.
NAMED_SYSTEMS = (("BEIDOU", "C"), ("GPS", "G"), ("NAVSTAR", "G"), ("GALILEO", "E"), ("GSAT0", "E"), ("COSMOS", "R"))
BEIDOU_LETTER = "C"
DAY_S = 86_400.0
NEAR_KM = 8.0  # a landmark this near is named along the line
COLOURS = ("#1f4e8c", "#2e7d32")  # BeiDou, all systems
LETTERS = (".", "a", "#")  # of the curves in a drawing of plain characters


class NavigateRequest(Params):
    """Quality of positions along a line."""

    plan: Path = Field(description="Folder of the plan")
    line: str = Field(min_length=1, description="Line, such as karakoram-highway; case does not matter")
    mask_deg: float | None = Field(None, ge=0.0, le=60.0, description="Receiver's mask; default: the plan's")
    accuracy_m: float | None = Field(None, ge=0.1, le=100.0, description="Accuracy asked for; default: the plan's")
    nav: Path | None = Field(None, description="RINEX navigation file, TLE or OMM; default: nominal orbits")
    dem: Path | None = Field(None, description="Terrain raster, used where it reaches, before the plan's")
    step_m: float = Field(100.0, ge=20.0, le=20_000.0, description="Distance between points")
    n_epochs: int = Field(151, ge=8, le=2017, description="Moments: in a week, or in the day of a navigation file")
    svg: Path | None = Field(None, description="File for the drawing")
    out: Path | None = Field(None, description="CSV file for every point")


class FailingLine(Params):
    """A stretch that fails with BeiDou alone."""

    name: str
    from_km: float
    to_km: float
    length_km: float
    horizon_deg: float
    pdop_open_ratio: float
    pdop_ratio: float
    available_frac: float
    all_available_frac: float
    is_coarse: bool


class ServiceLine(Params):
    """A correction service along the line."""

    name: str
    status: str
    area: str
    best_elevation_deg: float
    in_view_frac: float
    in_area_frac: float
    usable_frac: float


class NavigateResponse(Params):
    """Means over the line and its failing stretches; ratios are dilutions of precision in position."""

    line_id: str
    name: str
    kind: str
    length_km: float
    step_m: float
    n_points: int
    n_epochs: int
    satellites: str = Field(description="Where the satellites come from")
    mask_deg: float
    accuracy_m: float
    required_frac: float
    terrain: str
    is_coarse: bool
    coarse_frac: float = Field(description="Share of the points on coarse or unknown terrain")
    horizon_deg: float
    n_satellites: float
    pdop_open_ratio: float
    pdop_ratio: float
    worst_pdop_ratio: float
    all_pdop_ratio: float
    fix_frac: float
    open_available_frac: float
    available_frac: float
    protected_frac: float
    all_available_frac: float
    failing_km: float
    all_failing_km: float
    failing: list[FailingLine]
    services: list[ServiceLine]
    drawing: str = Field(description="Dilution along the line in plain characters")
    svg: Path | None
    out: Path | None
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class _Source:
    """A sky, a sentence on where it comes from, warnings."""

    sky: Sky
    told: str
    warnings: tuple[str, ...] = ()


def navigate(
    request: NavigateRequest,
    on_progress: Callable[[int, int, str], None] | None = None,
    clearance: Clearance = OWNER,
) -> NavigateResponse:
    """Return the quality of positions along a line of a plan, its failing stretches by name, and its drawing.

    Unknown lines and faulty files raise :class:`InputError`.
    """
    tell = on_progress or (lambda *_: None)
    reader = PlanReader(request.plan, clearance)
    params = _params(reader, request)
    marks = towns(reader.table("landmarks"), reader.table("places"))
    line, told = _line(reader, request.line, params, marks)
    way = walk([line], request.step_m)
    areas = _areas(reader, request.dem)
    source = _source(request, params)
    lonlat = np.ascontiguousarray(way.lonlat_deg.T)
    tell(0, 1, "horizon")
    along = ground(lonlat[0], lonlat[1], areas, reader.table("places"), params)
    found = skies(source.sky, along, params, lambda done, total: tell(done, total, "points"))
    tables = line_tables(way, along, found, marks, params)
    services = service_rows(
        [(line.line_id, "line", slice(None))], along, str(reader.table("country")["country_id"][0]), params.mask_deg
    )
    drawn = _drawn(tables["navigation_line"], tables["navigation_failing"], reader.table("landmarks"))
    fails = f"{params.accuracy_m:g} m for less than {params.required_frac:.0%} of the time, BeiDou alone"
    labels = _labels(line.name, fails, is_coarse=bool(along.is_coarse.any()))
    if request.svg is not None:
        write_text(request.svg, line_svg(drawn, labels))
    if request.out is not None:
        write_text(request.out, safe_csv(tables["navigation_line"].drop("geometry", "line_id")))
    coarse = (COARSE_NOTE,) if along.is_coarse.any() else ()
    found_in = _terrain(areas, request.dem)
    return _response(request, params, (tables, services), source).model_copy(
        update={
            "coarse_frac": float(along.is_coarse.mean()),
            "terrain": found_in,
            "drawing": line_text(drawn, LETTERS),
            "warnings": [*coarse, *source.warnings, *told],
        }
    )


def _params(reader: PlanReader, request: NavigateRequest) -> NavigationParams:
    """Return the plan's parameters with what was asked for."""
    own = reader.manifest["scenario"].get("engines", {}).get("navigation", {})
    known = {name: value for name, value in own.items() if name in NavigationParams.model_fields}
    asked = {name: getattr(request, name) for name in ("mask_deg", "accuracy_m")}
    return NavigationParams(**known).model_copy(
        update={name: value for name, value in asked.items() if value is not None}
    )


def _line(
    reader: PlanReader, wanted: str, params: NavigationParams, marks: pl.DataFrame
) -> tuple[NamedLine, list[str]]:
    """Return the line asked for: by identifier, by name, or by how either begins."""
    absent = [name for name in NEEDED if name not in reader.names]
    if absent:
        raise InputError(
            [Problem(f"the plan has no table '{name}'", "plan again", str(reader.folder)) for name in absent]
        )
    corridors = reader.table("corridors") if "corridors" in reader.names else empty_table(base_schemas()["corridors"])
    lines, told = named_lines(
        reader.table("rights_of_way"), reader.table("rights_of_way_nodes"), corridors, reader.table("landmarks"), marks,
        least_km=params.least_line_km,
    )  # fmt: skip
    plain = " ".join(wanted.lower().split())
    for is_it in (
        lambda line: plain in {line.line_id, line.name.lower()},
        lambda line: line.line_id.startswith(plain) or line.name.lower().startswith(plain),
    ):
        chosen = [line for line in lines if is_it(line)]
        if chosen:
            return chosen[0], told
    known = [line.line_id for line in lines]
    near = difflib.get_close_matches(plain, known, n=3, cutoff=0.4) or known
    cure = f"use one of {', '.join(near)}" if known else "this plan has no named road, motorway or railway"
    raise InputError(Problem(f"'{wanted}' is no line of this plan", cure, column="line"))


def _areas(reader: PlanReader, dem: Path | None) -> list[Area]:
    """Return the raster given, then the plan's terrain."""
    own = raster_area(terrain_raster(reader.table("terrain"))) if "terrain" in reader.names else []
    if dem is None:
        return own
    from rahdari.sources.terrain_raster import TerrainFile, open_terrain

    file = open_terrain(dem)
    return [Area(file, file.box), *own] if isinstance(file, TerrainFile) else own


def _terrain(areas: list[Area], dem: Path | None) -> str:
    """Return what the terrain is, the first that reaches first."""
    own = [area.terrain.source for area in areas if isinstance(area.terrain, Raster)]
    return "; ".join([*([] if dem is None else [dem.name]), *own]) or "none"


def _source(request: NavigateRequest, params: NavigationParams) -> _Source:
    """Return the satellites: nominal, or those of a file over its day."""
    if request.nav is None:
        told = "nominal orbits of BeiDou-3, GPS, Galileo and GLONASS, a week"
        return _Source(nominal_sky(params, request.n_epochs), told)
    name = request.nav.name.lower()
    if name.endswith(ELEMENT_SUFFIXES):
        return _from_elements(request.nav, request.n_epochs)
    from rahdari.sources.rinex import read_rinex

    read = read_rinex(request.nav)
    day = _middle_day(read)
    times = _day(day, request.n_epochs)
    every = track(read, times)
    warnings = [] if not read.problems else [f"{len(read.problems)} damaged records of {read.source} are left out"]
    return _split(times, every, f"broadcast orbits of {read.source}, {_written(day)}", tuple(warnings))


def _middle_day(read: Navigation) -> TimeArray:
    """Return the start of the day in which the middle one of the records' epochs falls, one moment."""
    epochs = np.concatenate([records.epoch_gps_s for _, records in sorted(read.systems.items())])
    moment = np.array([GPS_START + np.timedelta64(round(float(np.median(epochs)) * 1e6), "us")])
    return _start_of_day(moment)


def _start_of_day(moments: TimeArray) -> TimeArray:
    start: TimeArray = moments.max(keepdims=True).astype("datetime64[D]").astype("datetime64[us]")
    return start


def _written(day: TimeArray) -> str:
    return str(np.datetime_as_string(day, "D")[0])


def _day(day: TimeArray, n_epochs: int) -> TimeArray:
    """Return moments spread evenly over the day that begins at (1,) a moment."""
    seconds = (np.arange(n_epochs) + 0.5) * DAY_S / n_epochs
    times: TimeArray = day + np.rint(seconds * 1e6).astype("timedelta64[us]")
    return times


def _from_elements(path: Path, n_epochs: int) -> _Source:
    """Return satellites of mean elements over the day of the newest epoch; those of no known system are left out."""
    from rahdari.sources.orbits import read_constellation

    read = read_constellation(path, on_damage="skip")
    letters = [
        next((letter for key, letter in NAMED_SYSTEMS if key in name.upper()), "") for name in read.satellite_name
    ]
    kept = np.array([i for i, letter in enumerate(letters) if letter], np.int64)
    if not kept.size or read.epoch_utc is None:
        cure = "give elements of BEIDOU, GPS, GALILEO or COSMOS satellites, named so"
        raise InputError(Problem("no satellite of a navigation system", cure, path.name))
    day = _start_of_day(read.epoch_utc)
    times = _day(day, n_epochs)
    place = np.ascontiguousarray(positions_km(read, times, of=kept).transpose(1, 0, 2))
    names = tuple(f"{letters[i]}{read.satellite_id[i]}" for i in kept.tolist())
    unknown = np.full(place.shape[:2], np.nan)
    every = Track(names, place, np.zeros(unknown.shape, np.bool_), unknown, unknown)
    left = len(letters) - kept.size
    told = (f"{left} satellites of {path.name} belong to no navigation system",) if left else ()
    return _split(times, every, f"mean elements of {path.name}, {_written(day)}", (*read.warnings, *told))


def _split(times: TimeArray, every: Track, told: str, warnings: tuple[str, ...]) -> _Source:
    """Return a sky of all satellites and of BeiDou's alone."""
    own = [i for i, name in enumerate(every.satellite) if name.startswith(BEIDOU_LETTER)]
    if not own:
        raise InputError(
            Problem("the file has no BeiDou satellite", "give one that has, such as a merged file", column="nav")
        )
    beidou = Track(
        tuple(every.satellite[i] for i in own),
        np.ascontiguousarray(every.ecef_km[:, own]),
        every.is_unhealthy[:, own],
        every.accuracy_m[:, own],
        every.age_s[:, own],
    )
    return _Source(Sky(times, beidou, every), told, warnings)


def drawn_line(tables: Mapping[str, pl.DataFrame], line_id: str) -> str:
    """Return the drawing (SVG) of a line from a plan's own tables; fewer than two points raise InputError."""
    row = tables["navigation_lines"].filter(pl.col("line_id") == line_id).row(0, named=True)
    table, failing = (
        tables[name].filter(pl.col("line_id") == line_id) for name in ("navigation_line", "navigation_failing")
    )
    labels = _labels(str(row["name"]), "fails with BeiDou alone", is_coarse=bool(row["is_coarse"]))
    return line_svg(_drawn(table, failing, tables["landmarks"]), labels)


def _drawn(stretches: pl.DataFrame, failing: pl.DataFrame, landmarks: pl.DataFrame) -> Drawn:
    """Return the curves of one line's rows, with the landmarks beside it."""
    table = stretches.sort("km")
    km, lon, lat = (table[name].to_numpy() for name in ("km", "lon_deg", "lat_deg"))
    marks = landmarks.filter(pl.col("kind") != "airport").sort("landmark_id")
    named: list[tuple[float, str]] = []
    if marks.height:
        points = LinePoints(km, lon, lat, float(km[-1]), 0.0)
        at_km, off_km = nearest_km(points, marks["lon_deg"].to_numpy(), marks["lat_deg"].to_numpy())
        near = np.flatnonzero(off_km <= NEAR_KM).tolist()
        named = sorted((float(at_km[i]), str(marks["name"][i])) for i in near)
    blue, green = COLOURS
    curves = (
        Curve("BeiDou, open sky", blue, is_dashed=True, value=table["pdop_open_ratio"].to_numpy()),
        Curve("all systems, terrain", green, is_dashed=False, value=table["all_pdop_ratio"].to_numpy()),
        Curve("BeiDou, terrain", blue, is_dashed=False, value=table["pdop_ratio"].to_numpy()),
    )
    bands = tuple(failing.sort("from_km").select("from_km", "to_km").iter_rows())
    return Drawn(km, curves, table["horizon_deg"].to_numpy(), bands, tuple(named))


def _labels(name: str, failing: str, *, is_coarse: bool) -> Labels:
    return Labels(
        title=f"{name}: dilution of precision",
        curves="ratio, mean over the moments",
        below="mean horizon, degrees",
        failing=failing,
        note="Coarse terrain: valleys are stood in for by slope" if is_coarse else "",
    )


def _response(
    request: NavigateRequest,
    params: NavigationParams,
    made: tuple[dict[str, pl.DataFrame], pl.DataFrame],
    source: _Source,
) -> NavigateResponse:
    tables, services = made
    row = tables["navigation_lines"].row(0, named=True)
    means = {name: row[name] for name in NavigateResponse.model_fields if name in row}
    failing = tables["navigation_failing"].select(list(FailingLine.model_fields)).to_dicts()
    return NavigateResponse(
        **means,
        step_m=request.step_m,
        n_epochs=int(source.sky.times_utc.size),
        satellites=source.told,
        mask_deg=params.mask_deg,
        accuracy_m=params.accuracy_m,
        required_frac=params.required_frac,
        terrain="",
        coarse_frac=0.0,
        failing=[FailingLine(**each) for each in failing],
        services=[ServiceLine(**each) for each in services.select(list(ServiceLine.model_fields)).to_dicts()],
        drawing="",
        svg=request.svg,
        out=request.out,
        warnings=[],
    )
