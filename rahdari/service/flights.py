"""Flights asked of a plan: a survey of an area, a corridor every 100 m.  Planning only; not an authorisation to fly."""

from __future__ import annotations

import datetime as dt
import difflib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely
from pydantic import Field

from rahdari.engines.air.lines import corners, network
from rahdari.engines.air.params import AirParams
from rahdari.errors import InputError, Problem
from rahdari.methods.air_corridor import NOTE, Asked, Corridor, corridor
from rahdari.methods.air_route import AirRoute, air_route
from rahdari.methods.air_space import Airspace, airspace_of, closed_shapes
from rahdari.methods.named_lines import towns
from rahdari.methods.raster import Raster
from rahdari.methods.survey import Camera, Drone, Sortie, Survey, Wind, bound_s, flat_earth, survey
from rahdari.methods.survey_flight import flight_s
from rahdari.methods.survey_order import Craft
from rahdari.model.params import Params
from rahdari.schema import base_schemas
from rahdari.schema.checks import empty_table
from rahdari.service.flight_exports import Flight, write_f3548, write_geojson, write_qgc
from rahdari.service.flood import GEOJSON, polygons_of
from rahdari.service.radio_links import terrain_of
from rahdari.service.sky import place_row
from rahdari.sources.boundaries import BOUNDARY_NOTE
from rahdari.store.atomic import write_text
from rahdari.store.query import OWNER, Clearance, PlanReader
from rahdari.store.spreadsheet import safe_csv

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from rahdari.methods.raster import Terrain

    FloatArray = NDArray[np.float64]

NEEDED = ("places", "landmarks", "outline", "sites", "cells")
RULE_TABLES = ("drone_rules", "no_fly_zones")
USUAL_HEIGHT_M = 100.0
EDGE_STEP_DEG = 0.01
REACH_SHARE = 0.8  # of half a battery: the rest is for the survey itself
F3548_EVERY = 5  # points of a corridor in one volume: 500 m
LARGE_KM2 = 3000.0
PERMITTED = "Airports and borders are left aside, as asked: that is for flights whose permission is in hand."
COARSE = "Terrain is coarse or unknown: no ridge between its points is seen; give finer terrain with --dem."


class Exports(Params):
    """Files wanted and what they need."""

    geojson: Path | None = Field(None, description="GeoJSON file for the flights")
    qgc: Path | None = Field(None, description="QGroundControl plan; further flights are numbered")
    f3548: Path | None = Field(None, description="JSON file for volumes of ASTM F3548")
    out: Path | None = Field(None, description="CSV file: flights of a survey, points of a corridor")
    start_utc: dt.datetime | None = Field(None, description="Start of the first flight, for volumes; default: now")
    geoid_m: float = Field(0.0, ge=-120.0, le=100.0, description="Geoid above the ellipsoid, for volumes")


class SurveyRequest(Exports):
    """Plan the flights over an area."""

    plan: Path = Field(description="Folder of the plan")
    area: str = Field(min_length=1, description="GeoJSON file of polygons, district, or corridor with width_km")
    width_km: float = Field(2.0, gt=0.0, le=50.0, description="Width of the strip along a corridor")
    base: list[tuple[float, float]] = Field(default=[], description="Bases, lon and lat; default: by the area")
    n_drones: int = Field(1, ge=1, le=50, description="Drones; those beyond one a base stand where most is to see")
    height_m: float = Field(120.0, ge=10.0, le=1000.0, description="Height above ground")
    view_deg: float = Field(73.7, gt=1.0, lt=170.0, description="Camera's angle of view across the way")
    overlap_frac: float = Field(0.2, ge=0.0, lt=0.95, description="Overlap of neighbouring passes")
    speed_m_per_s: float = Field(20.0, gt=0.0, le=100.0, description="Airspeed")
    endurance_min: float = Field(60.0, gt=0.0, le=1440.0, description="Time in the air of a battery")
    reserve_frac: float = Field(0.2, ge=0.0, lt=1.0, description="Share of it kept back")
    change_min: float = Field(10.0, ge=0.0, le=240.0, description="Time to change a battery")
    wind_m_per_s: float = Field(0.0, ge=0.0, le=60.0, description="Wind")
    wind_from_deg: float = Field(0.0, ge=0.0, le=360.0, description="Where the wind comes from")
    no_fly: Path | None = Field(None, description="GeoJSON file of further no-fly zones")
    has_permission: bool = Field(default=False, description="Leave airports and borders aside")


class SortieLine(Params):
    """One flight."""

    drone: str
    n_points: int
    air_min: float
    length_km: float


class SurveyResponse(Params):
    """A survey's flights and figures."""

    note: str = NOTE
    area: str
    area_km2: float
    covered_frac: float
    n_sorties: int
    n_legs: int
    spacing_m: float
    direction_deg: float
    leg_km: float
    flown_km: float
    back_h: float
    lower_bound_h: float
    ratio: float
    sorties: list[SortieLine]
    files: list[str]
    warnings: list[str]


class CorridorRequest(Exports):
    """Look at a corridor every 100 m."""

    plan: Path = Field(description="Folder of the plan")
    line: str = Field(
        min_length=1, description="GeoJSON line, corridor of the plan, or the start: a place or 'lon,lat'"
    )
    to: str | None = Field(None, description="End; then the shortest open way from the start is taken")
    height_m: float | None = Field(None, ge=5.0, le=3000.0, description="Above ground; default: the corridor's, or 100")
    ceiling_m: float = Field(4500.0, ge=50.0, le=9000.0, description="Above the sea, for ways between two points")
    video_mbps: float | None = Field(None, ge=0.0, le=100.0, description="Video asked for; default: the plan's")
    speed_m_per_s: float = Field(20.0, gt=0.0, le=100.0, description="Speed over ground")
    dem: Path | None = Field(None, description="Terrain raster in place of the plan's")
    step_m: float = Field(100.0, ge=20.0, le=5000.0, description="Distance between points")
    has_permission: bool = Field(default=False, description="Leave airports and borders aside")


class FailingStretch(Params):
    """A stretch that fails, and why."""

    name: str
    reason: str
    from_km: float
    to_km: float
    length_km: float


class CorridorResponse(Params):
    """A corridor's figures and failing stretches; ``bound_km`` and ``direct_km`` only where a way was looked for."""

    note: str = NOTE
    name: str
    length_km: float
    direct_km: float | None
    bound_km: float | None
    height_m: float
    n_points: int
    least_clearance_m: float
    sight_frac: float
    n_handovers: int
    n_cells: int
    median_video_mbps: float
    median_margin_db: float | None
    pdop_ratio: float
    all_pdop_ratio: float
    failing_km: float
    failing: list[FailingStretch]
    is_coarse: bool
    files: list[str]
    warnings: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    name: str
    lonlat_deg: FloatArray
    height_m: float
    route: AirRoute | None = None


def _reader(folder: Path, clearance: Clearance) -> PlanReader:
    reader = PlanReader(folder, clearance)
    missing = [name for name in NEEDED if name not in reader.names]
    if missing:
        raise InputError(Problem(f"the plan has no {', '.join(missing)}", "plan again", str(folder)))
    return reader


def _table(reader: PlanReader, name: str) -> pl.DataFrame:
    """Return a table of the plan, empty where a plan of an older version lacks it."""
    return reader.table(name) if name in reader.names else empty_table(base_schemas()[name])


def _params(reader: PlanReader) -> AirParams:
    given: dict[str, Any] = next((row["params"] for row in reader.manifest["engines"] if row["engine"] == "air"), {})
    return AirParams(**{name: value for name, value in given.items() if name in AirParams.model_fields})


def _airspace(reader: PlanReader, params: AirParams, *, has_permission: bool, zones: list[BaseGeometry]) -> Airspace:
    made = airspace_of(
        reader.table("landmarks"), reader.table("outline"), *(_table(reader, name) for name in RULE_TABLES),
        border_km=params.border_km,
    )  # fmt: skip
    if has_permission:
        made = replace(made, airports=made.airports.clear(), borders=())
    return replace(made, zones=tuple(zones))


def _corridor_row(reader: PlanReader, wanted: str) -> dict[str, Any] | None:
    rows = _table(reader, "air_corridors").sort("corridor_id")
    plain = wanted.strip().casefold()
    for row in rows.iter_rows(named=True):
        if plain in {row["corridor_id"].casefold(), row["name"].casefold()}:
            return dict(row)
    return None


# --- survey ---


def _area(reader: PlanReader, request: SurveyRequest) -> tuple[str, BaseGeometry, list[str]]:
    """Return the area's name, its shape and what to know of it."""
    path = Path(request.area)
    if path.suffix.lower() in GEOJSON:
        shapes = polygons_of(path)
        return path.stem, shapes[0] if len(shapes) == 1 else shapely.union_all(shapes), []
    row = _corridor_row(reader, request.area)
    if row is not None:
        line = corners(row["points"], row["corridor_id"])
        plane = flat_earth(*line.mean(axis=0).tolist())
        strip = shapely.buffer(shapely.LineString(plane.forward(line)), 500.0 * request.width_km)
        told = f"The area is a strip of {request.width_km:g} km along the corridor, no surveyed bank."
        return str(row["name"]), shapely.transform(strip, plane.backward), [told]
    from rahdari.service.flood_area import area_of

    found = area_of(reader, request.area)
    return found.name, found.shape, list(found.notes)


def _bases(
    reader: PlanReader, request: SurveyRequest, shape: BaseGeometry, airspace: Airspace
) -> tuple[list[tuple[float, float]], list[str]]:
    """Return where drones stand: as asked, else open places in the area (else its edge) that reach all of it.

    The first is the most central; more follow, one a drone at most, while a part of the edge lies out of reach.
    """
    if request.base:
        return list(request.base), []
    plane = flat_earth(shape.centroid.x, shape.centroid.y)
    edge = shapely.get_coordinates(shapely.segmentize(shape.boundary, EDGE_STEP_DEG))
    places = reader.table("places").sort("place_id")
    own = places.select("lon_deg", "lat_deg").to_numpy()
    own = own[shapely.contains_xy(shape, own[:, 0], own[:, 1])]
    for points in (own, edge):
        is_open = ~np.any(list(airspace.closed(points[:, 0], points[:, 1]).values()), axis=0)
        if is_open.any():
            chosen = _spread(plane.forward(points[is_open]), plane.forward(edge), request)
            found = [(float(lon), float(lat)) for lon, lat in points[is_open][chosen]]
            what = "places of the area" if points is own else "points of the area's edge"
            return found, [f"Bases: {len(found)} {what}, chosen here; give your own with --base."]
    raise InputError(Problem("all of the area is closed air", "give a base outside of it with --base"))


def _spread(points: FloatArray, edge: FloatArray, request: SurveyRequest) -> list[int]:
    """Return rows of ``points`` (m, 2) that between them reach ``edge`` (q, 2) on half a battery, in metres."""
    speed = np.sqrt(max(request.speed_m_per_s**2 - request.wind_m_per_s**2, 0.0))
    usable_s = 60.0 * request.endurance_min * (1.0 - request.reserve_frac)
    reach_m = REACH_SHARE * 0.5 * usable_s * float(speed)
    away = np.hypot(*(points[:, None] - edge[None]).transpose(2, 0, 1))
    chosen = [int(away.max(axis=1).argmin())]
    while len(chosen) < request.n_drones and (left := away[chosen].min(axis=0)).max() > reach_m:
        chosen.append(int(away[:, left.argmax()].argmin()))
    return chosen


def _surveyed(
    shape: BaseGeometry, drones: list[Drone], request: SurveyRequest, closed: list[shapely.Polygon]
) -> Survey:
    """Return the survey; with several bases, each surveys what lies nearest to it, and the bound is that of all."""
    camera, wind = _camera(request), Wind(request.wind_m_per_s, request.wind_from_deg)
    bases = sorted({(each.base_lon_deg, each.base_lat_deg) for each in drones})
    if len(bases) == 1:
        return survey(shape, (), camera, drones, wind, no_fly=closed)
    parts = []
    for at, ground in zip(bases, _parts(shape, bases), strict=True):
        own = [each for each in drones if (each.base_lon_deg, each.base_lat_deg) == at]
        if not ground.is_empty:
            parts.append(survey(ground, (), camera, own, wind, no_fly=closed))
    plane = flat_earth(shape.centroid.x, shape.centroid.y)
    flat = shapely.transform(shape, plane.forward)
    area = np.array([part.area_km2 for part in parts])
    speed = float(np.sqrt(request.speed_m_per_s**2 - request.wind_m_per_s**2))
    fleet = [
        (Craft(at, each.airspeed_m_per_s, each.usable_s, each.turn_s, each.battery_change_s),
         float(flat.distance(shapely.Point(*at))), speed)
        for each in drones for at in plane.forward(np.array([[each.base_lon_deg, each.base_lat_deg]]))
    ]  # fmt: skip
    whole_km2 = float(area.sum())
    seen_km2 = float((area * [part.covered_frac for part in parts]).sum())
    first = parts[int(area.argmax())]
    return replace(
        first, sorties=tuple(each for part in parts for each in part.sorties),
        n_legs=sum(part.n_legs for part in parts), area_km2=whole_km2, covered_frac=seen_km2 / whole_km2,
        back_s=max(part.back_s for part in parts), lower_bound_s=bound_s(1e6 * seen_km2, camera.spacing_m, fleet),
        leg_km=sum(part.leg_km for part in parts), flown_km=sum(part.flown_km for part in parts),
    )  # fmt: skip


def _parts(shape: BaseGeometry, bases: list[tuple[float, float]]) -> list[BaseGeometry]:
    """Return the polygons of a shape that lie nearest to each of two or more bases, in degrees; some may be empty."""
    plane = flat_earth(shape.centroid.x, shape.centroid.y)
    flat = shapely.transform(shape, plane.forward)
    points = shapely.multipoints(plane.forward(np.array(bases)))
    cells = shapely.voronoi_polygons(points, extend_to=flat, ordered=True)
    cut = [shapely.transform(shapely.intersection(flat, cell), plane.backward) for cell in shapely.get_parts(cells)]
    return [
        shapely.union_all([part for part in shapely.get_parts(each).tolist() if part.geom_type == "Polygon"])
        for each in cut
    ]


def _stationed(shape: BaseGeometry, bases: list[tuple[float, float]], n_drones: int) -> list[tuple[float, float]]:
    """Return the base of each drone: one at each, further ones where a drone has most ground to see."""
    used = list(dict.fromkeys(bases))[:n_drones]
    if len(used) == 1:
        return used * n_drones
    area = np.array([part.area for part in _parts(shape, used)])
    count = np.ones(len(used), np.int64)
    for _ in range(n_drones - len(used)):
        count[int((area / count).argmax())] += 1
    return [base for base, n in zip(used, count.tolist(), strict=True) for _ in range(n)]


def _flights(found: Survey, drones: list[Drone], request: SurveyRequest, ground: Raster | None) -> list[Flight]:
    """Return the sorties with times, each drone's one after another."""
    camera = _camera(request)
    moves = Wind(request.wind_m_per_s, request.wind_from_deg).moves_m_per_s
    by_name = {each.name: each for each in drones}
    clock = dict.fromkeys(by_name, 0.0)
    flights = []
    for number, each in enumerate(found.sorties, start=1):
        drone = by_name[each.drone]
        times = clock[each.drone] + _times_s(each, drone, moves)
        clock[each.drone] = float(times[-1]) + drone.battery_change_s
        level = np.zeros(len(times)) if ground is None else np.nan_to_num(ground.sample(*each.lonlat_deg.T))
        flights.append(Flight(
            f"{each.drone} flight {number}", each.lonlat_deg, times, level, request.height_m, drone.airspeed_m_per_s,
            each.is_leg, camera.swath_m * camera.frame_ratio * (1.0 - request.overlap_frac), {"drone": each.drone},
        ))  # fmt: skip
    return flights


def _times_s(sortie: Sortie, drone: Drone, moves: FloatArray) -> FloatArray:
    """Return when each way point is passed; time for turns is spread over the flight."""
    plane = flat_earth(*sortie.lonlat_deg.mean(axis=0).tolist())
    flat = plane.forward(sortie.lonlat_deg)
    passed = np.concatenate([[0.0], np.cumsum(flight_s(flat[:-1], flat[1:], drone.airspeed_m_per_s, moves))])
    return np.asarray(passed * (sortie.air_s / passed[-1]))


def _camera(request: SurveyRequest) -> Camera:
    return Camera(request.height_m, request.view_deg, request.overlap_frac)


def fly_survey(request: SurveyRequest, clearance: Clearance = OWNER) -> SurveyResponse:
    """Return flights that see an area once, out of closed air, and write the files asked for.

    Unknown areas, shapes that cross themselves, batteries that do not reach and winds too strong raise
    :class:`InputError`, with what cures them.
    """
    reader = _reader(request.plan, clearance)
    zones = polygons_of(request.no_fly) if request.no_fly is not None else []
    airspace = _airspace(reader, _params(reader), has_permission=request.has_permission, zones=zones)
    name, shape, told = _area(reader, request)
    bases, why = _bases(reader, request, shape, airspace)
    drones = [
        Drone(
            f"drone-{k + 1}", *base, request.speed_m_per_s, 60.0 * request.endurance_min,
            request.reserve_frac, battery_change_s=60.0 * request.change_min,
        )
        for k, base in enumerate(_stationed(shape, bases, request.n_drones))
    ]  # fmt: skip
    closed = _near(airspace, shape)
    found = _surveyed(shape, drones, request, closed)
    terrain = terrain_of(reader, None)
    flights = _flights(found, drones, request, terrain if isinstance(terrain, Raster) else None)
    files = _exported(request, flights, closed)
    plane = flat_earth(shape.centroid.x, shape.centroid.y)
    lines = [
        SortieLine(
            drone=each.drone, n_points=len(each.lonlat_deg), air_min=each.air_s / 60.0,
            length_km=float(np.hypot(*np.diff(plane.forward(each.lonlat_deg), axis=0).T).sum()) / 1000.0,
        )
        for each in found.sorties
    ]  # fmt: skip
    if request.out is not None:
        table = pl.DataFrame([line.model_dump() for line in lines]).with_columns(note=pl.lit(NOTE))
        write_text(request.out, safe_csv(table))
        files.append(str(request.out))
    large = ["A survey so large takes days: the area is better cut into parts."] if found.area_km2 > LARGE_KM2 else []
    return SurveyResponse(
        area=name, area_km2=found.area_km2, covered_frac=found.covered_frac, n_sorties=len(found.sorties),
        n_legs=found.n_legs, spacing_m=found.spacing_m, direction_deg=found.direction_deg, leg_km=found.leg_km,
        flown_km=found.flown_km, back_h=found.back_s / 3600.0, lower_bound_h=found.lower_bound_s / 3600.0,
        ratio=found.ratio, sorties=lines, files=files,
        warnings=[*told, *why, *large, *([PERMITTED] if request.has_permission else []), BOUNDARY_NOTE],
    )  # fmt: skip


def _near(airspace: Airspace, shape: BaseGeometry) -> list[shapely.Polygon]:
    """Return the polygons of closed air near a shape, in degrees."""
    plane = flat_earth(shape.centroid.x, shape.centroid.y)
    every = shapely.union_all(closed_shapes(airspace, shape, plane))
    parts = shapely.get_parts(shapely.transform(every, plane.backward)).tolist()
    return [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]


def _exported(request: Exports, flights: list[Flight], closed: list[shapely.Polygon]) -> list[str]:
    start = request.start_utc or dt.datetime.now(dt.UTC)
    start = start.replace(tzinfo=dt.UTC) if start.tzinfo is None else start.astimezone(dt.UTC)
    files = [] if request.geojson is None else [write_geojson(request.geojson, flights)]
    files += [] if request.qgc is None else write_qgc(request.qgc, flights, closed)
    return files + ([] if request.f3548 is None else [write_f3548(request.f3548, flights, start, request.geoid_m)])


# --- corridor ---


def _point(reader: PlanReader, text: str) -> tuple[float, float]:
    """Return a place of the plan by name, or 'lon,lat'."""
    parts = text.split(",")
    try:
        lon, lat = (float(part) for part in parts)
    except ValueError:
        places = reader.table("places")
        row = places.row(place_row(places, text), named=True)
        return float(row["lon_deg"]), float(row["lat_deg"])
    return lon, lat


def _line_of_file(path: Path) -> FloatArray:
    """Return the one line of a GeoJSON file, in degrees."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        features = told["features"] if told.get("type") == "FeatureCollection" else [told]
        shapes = [shapely.geometry.shape(each.get("geometry", each)) for each in features]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise InputError(Problem(f"is no GeoJSON: {error}", "export one line in degrees", str(path))) from error
    lines = [shape for shape in shapes if shape.geom_type == "LineString" and not shape.is_empty]
    if len(lines) != 1:
        raise InputError(Problem(f"holds {len(lines)} lines", "give a file with one LineString", str(path)))
    return np.asarray(shapely.get_coordinates(lines[0]))


def _line(reader: PlanReader, request: CorridorRequest, airspace: Airspace, dem: Terrain | None) -> _Line:
    height = USUAL_HEIGHT_M if request.height_m is None else request.height_m
    if request.to is not None:
        ends = _point(reader, request.line), _point(reader, request.to)
        route = air_route(*ends, dem, airspace, height_m=height, ceiling_m=request.ceiling_m)
        return _Line(f"{request.line} - {request.to}", route.lonlat_deg, height, route)
    path = Path(request.line)
    if path.suffix.lower() in GEOJSON:
        return _Line(path.stem, _line_of_file(path), height)
    row = _corridor_row(reader, request.line)
    if row is None:
        known = _table(reader, "air_corridors")["corridor_id"].sort().to_list()
        near = difflib.get_close_matches(request.line, known, n=3, cutoff=0.3) or known
        cure = "give a .geojson line, or two ends" + (f", or one of {', '.join(near)}" if near else "")
        raise InputError(Problem(f"there is no corridor '{request.line}'", cure))
    stated = row["height_m"] if request.height_m is None else height
    return _Line(str(row["name"]), corners(row["points"], row["corridor_id"]), float(stated))


def _asked(params: AirParams, request: CorridorRequest) -> Asked:
    asked = params.asked(params.n_epochs_full)
    return asked if request.video_mbps is None else replace(asked, video_mbps=request.video_mbps)


def fly_corridor(request: CorridorRequest, clearance: Clearance = OWNER) -> CorridorResponse:
    """Return what a drone meets along a line every 100 m, and write the files asked for.

    The line is a file's, a corridor of the plan, or with ``to`` the shortest open way between two points beside its
    bound.  Unknown names, lines without length and ends in closed air raise :class:`InputError`.
    """
    reader = _reader(request.plan, clearance)
    params = _params(reader)
    airspace = _airspace(reader, params, has_permission=request.has_permission, zones=[])
    dem = terrain_of(reader, request.dem)
    line = _line(reader, request, airspace, dem)
    places = reader.table("places").sort("place_id")
    found = corridor(
        line.lonlat_deg, line.height_m, network(reader.table("sites"), reader.table("cells")), dem, airspace=airspace,
        link=params.link(), asked=_asked(params, request), slopes=places.select("lon_deg", "lat_deg", "slope_frac"),
        marks=towns(reader.table("landmarks"), places), step_m=request.step_m,
    )  # fmt: skip
    drawn = shapely.LineString(line.lonlat_deg)
    files = _exported(request, [_flight(line, found, request)], _near(airspace, drawn))
    if request.out is not None:
        write_text(request.out, safe_csv(found.points.with_columns(note=pl.lit(NOTE))))
        files.append(str(request.out))
    return _told(line, found, files, request)


def _flight(line: _Line, found: Corridor, request: CorridorRequest) -> Flight:
    """Return the corridor as one flight, a way point each half kilometre at 100 m a step."""
    at = np.unique(np.append(np.arange(0, found.points.height, F3548_EVERY), found.points.height - 1))
    some = found.points[at.tolist()]
    return Flight(
        line.name, some.select("lon_deg", "lat_deg").to_numpy(), some["km"].to_numpy() * 1000.0 / request.speed_m_per_s,
        (some["flight_m"] - line.height_m).to_numpy(), line.height_m, request.speed_m_per_s,
        more={"failing_km": round(found.failing_km, 3)},
    )  # fmt: skip


def _told(line: _Line, found: Corridor, files: list[str], request: CorridorRequest) -> CorridorResponse:
    p = found.points
    weight = p["length_km"].to_numpy()
    margin = p["control_margin_db"].drop_nulls()
    coarse = [COARSE] if found.is_coarse else []
    return CorridorResponse(
        name=line.name, length_km=found.length_km, height_m=line.height_m, n_points=p.height,
        direct_km=None if line.route is None else line.route.direct_km,
        bound_km=None if line.route is None else line.route.lower_bound_km,
        least_clearance_m=float(p["clearance_m"].to_numpy().min()),
        sight_frac=float(np.average(p["is_sight"].to_numpy(), weights=weight)), n_handovers=found.n_handovers,
        n_cells=p["cell_id"].drop_nulls().n_unique(), median_video_mbps=float(np.median(p["video_mbps"].to_numpy())),
        median_margin_db=float(np.median(margin.to_numpy())) if margin.len() else None,
        pdop_ratio=float(np.average(p["pdop_ratio"].to_numpy(), weights=weight)),
        all_pdop_ratio=float(np.average(p["all_pdop_ratio"].to_numpy(), weights=weight)),
        failing_km=found.failing_km,
        failing=[FailingStretch(**row) for row in found.failing.select(list(FailingStretch.model_fields)).to_dicts()],
        is_coarse=found.is_coarse, files=files,
        warnings=[*coarse, *([PERMITTED] if request.has_permission else []), BOUNDARY_NOTE],
    )  # fmt: skip
