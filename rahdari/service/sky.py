"""The sky of one place, and of all: what is in view, for how long, how far, at what price; offline, from a plan."""

from __future__ import annotations

import datetime as dt
import difflib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from pydantic import Field

from rahdari.engines.space.fleets import Fleet, Gateways, fleets_of, gateways_of
from rahdari.engines.space.params import SpaceParams
from rahdari.engines.space.views import DAY_MINUTES, Ground, geo_rows, ground_of, view_rows
from rahdari.errors import InputError, Problem
from rahdari.methods.bent_pipe import bent_pipe
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.horizon import horizon
from rahdari.methods.isl import route
from rahdari.methods.points import earth_fixed_km, local_axes
from rahdari.methods.satellite_view import look_angles, orbit_warnings
from rahdari.model import Context, Tables
from rahdari.model.params import Params
from rahdari.sources.orbits import read_constellation
from rahdari.sources.terrain_raster import open_terrain
from rahdari.store.atomic import write_text
from rahdari.store.query import OWNER, Clearance, PlanReader
from rahdari.store.spreadsheet import safe_csv
from rahdari.units import LIGHT_SPEED_KM_PER_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from rahdari.methods.points import Points

NEEDED = (
    "places",
    "country",
    "terrain",
    "constellations",
    "shells",
    "satellite_gateways",
    "satellite_offers",
    "orbit_elements",
)
ENGINE_TABLES = ("satellite_views", "satellite_service", "satellite_constellations")
DEFAULT_FLEET = "starlink_gen1"
N_NEAR = 3
VIEW_STEP_MIN = 2  # of a drawn day: a low satellite moves some 15 degrees a minute overhead
N_SHOWN = 12  # satellites in view that are named, the highest first
COARSE = (
    "the terrain is coarse and smooths valleys away: the horizon here is too low, and so are outages from it; give "
    "finer terrain with --dem ('rahdari data dem' fetches it)"
)
HYPOTHETICAL = "without an operating licence the service is hypothetical"
OPTION_COLUMNS = (
    "technology",
    "capex_usd",
    "opex_usd_per_year",
    "tco_usd",
    "downlink_mbps",
    "is_possible",
    "is_feasible",
)


class SkyPlaceRequest(Params):
    """Ask for the sky of one place of a plan."""

    plan: Path = Field(description="Plan folder")
    place: str = Field(min_length=1, description="Name or identifier of a place")
    at_utc: dt.datetime | None = Field(None, description="Moment of the look angles and start of the day; default: now")
    elements: Path | None = Field(None, description="Real element sets, TLE or OMM, instead of the filed shells")
    constellation: str = Field(DEFAULT_FLEET, description="Constellation that the element sets belong to")
    dem: Path | None = Field(None, description="Finer terrain: a file or a folder of tiles")


class SkyPlaceResponse(Params):
    """Look angles, the day, delays hop by hop, prices and licences, and what else the place could have."""

    place: dict[str, Any]
    at_utc: str
    horizon_deg: list[float]
    is_coarse_terrain: bool
    look_angles: list[dict[str, Any]]
    day: list[dict[str, Any]]
    geo: list[dict[str, Any]]
    hops: list[dict[str, Any]]
    offers: list[dict[str, Any]]
    options: list[dict[str, Any]]
    warnings: list[str]


class SkyAllRequest(Params):
    """Ask for the sky of every place of a plan."""

    plan: Path = Field(description="Plan folder")
    out: Path | None = Field(None, description="CSV file for one row a place and constellation")


class SkyAllResponse(Params):
    """Figures by constellation over all places, the deepest places, and where the rows lie."""

    n_places: int
    constellations: list[dict[str, Any]]
    deepest: list[dict[str, Any]]
    gateways: list[dict[str, Any]]
    out: Path | None
    warnings: list[str]


def _reader(plan: Path, clearance: Clearance, needed: tuple[str, ...]) -> PlanReader:
    reader = PlanReader(plan, clearance)
    absent = [name for name in needed if name not in reader.names]
    if absent:
        cure = "plan again with the space engine on"
        raise InputError([Problem(f"the plan has no table '{name}'", cure, str(reader.folder)) for name in absent])
    return reader


def _params(reader: PlanReader) -> SpaceParams:
    own = reader.manifest["scenario"].get("engines", {}).get("space", {})
    return SpaceParams(**{name: value for name, value in own.items() if name in SpaceParams.model_fields})


def place_row(places: pl.DataFrame, name: str) -> int:
    """Return the row of a place by identifier or name, of several the largest; raises with the nearest names."""
    wanted = " ".join(name.lower().split())
    plain = places["name"].str.to_lowercase().str.split(", part").list.first()
    rows = places.with_row_index("row").with_columns(plain=plain).sort(
        "n_people", "place_id", descending=[True, False]
    )  # fmt: skip
    for chosen in (
        pl.col("place_id") == name,
        pl.col("name").str.to_lowercase() == wanted,
        pl.col("plain") == wanted,
        pl.col("plain").str.starts_with(wanted),
    ):
        found = rows.filter(chosen)
        if found.height and wanted:
            return int(found["row"][0])
    near = difflib.get_close_matches(wanted, plain.unique().sort().to_list(), n=N_NEAR, cutoff=0.5)
    cure = f"use {', '.join(near)}" if near else "give a place of the plan"
    raise InputError(Problem(f"there is no place '{name}'", cure))


def _ground(reader: PlanReader, request: SkyPlaceRequest, ctx: Context) -> Ground:
    """Return the one place with its horizon, over finer terrain where it is given."""
    places = reader.table("places").sort("place_id")
    one = places[[place_row(places, request.place)]]
    tables = Tables({"places": one, "terrain": reader.table("terrain")})
    ground = ground_of(tables, ctx)
    if request.dem is None:
        return ground
    p = ground.points
    found = horizon((p.lon_deg, p.lat_deg, p.height_m), open_terrain(request.dem))
    return Ground(ground.places, p, found.angle_deg, found.is_coarse)


def _fleets(tables: Tables, params: SpaceParams, request: SkyPlaceRequest, day: np.datetime64) -> list[Fleet]:
    """Return the fleets looked at: those of the parameters and the slots; one with real satellites where given."""
    wanted = {*params.constellations, request.constellation} if request.elements else set(params.constellations)
    found = [
        replace(item, day=day)
        for item in fleets_of(tables, params)
        if not item.is_leo or item.constellation_id in wanted
    ]
    if request.elements is None:
        return found
    names = [item.constellation_id for item in found if item.is_leo]
    if request.constellation not in names:
        cure = f"use one of {', '.join(tables['constellations']['constellation_id'].sort())}"
        raise InputError(Problem(f"there is no constellation '{request.constellation}'", cure, "--constellation"))
    real = read_constellation(request.elements, at_utc=day)
    return [
        replace(item, satellites=real) if item.constellation_id == request.constellation else item for item in found
    ]


def _angles(fleet: Fleet, points: Points, rim: np.ndarray[Any, Any] | None) -> list[dict[str, Any]]:
    """Return the satellites above the least elevation now, the highest first, and whether terrain hides them."""
    seen = look_angles(fleet.satellites, (points.lon_deg, points.lat_deg, points.height_m), fleet.day)
    up = np.flatnonzero(np.nan_to_num(seen.elevation_deg, nan=-90.0) >= fleet.number("min_elevation_deg"))
    rows = []
    for i in up[np.argsort(-seen.elevation_deg[up], kind="stable")].tolist():
        edge = 0.0 if rim is None else _edge_deg(rim, float(seen.azimuth_deg[i]))
        rows.append(
            {
                "constellation_id": fleet.constellation_id,
                "satellite": fleet.satellites.satellite_name[i],
                "elevation_deg": float(seen.elevation_deg[i]),
                "azimuth_deg": float(seen.azimuth_deg[i]),
                "range_km": float(seen.range_km[i]),
                "is_clear": bool(seen.elevation_deg[i] > edge),
            }
        )
    return rows


def _edge_deg(rim: np.ndarray[Any, Any], azimuth_deg: float) -> float:
    turn = azimuth_deg / 360.0 * rim.size
    low = int(turn)
    return float((low + 1 - turn) * rim[low % rim.size] + (turn - low) * rim[(low + 1) % rim.size])


def _hops(fleet: Fleet, ground: Ground, gateways: Gateways, params: SpaceParams) -> list[dict[str, Any]]:
    """Return the ways at the moment asked for, hop by hop: over one satellite, and through links."""
    names, points = gateways.used(is_home_only=params.requires_domestic_gateway)
    least: dict[str, Any] = {
        "min_elevation_deg": fleet.number("min_elevation_deg"),
        "gateway_min_elevation_deg": fleet.number("gateway_min_elevation_deg"),
        "horizon_deg": ground.horizon_deg,
    }
    rows = []

    def add(way: str, to: str, length_km: float | None, after_ms: float | None) -> None:
        rows.append({"constellation_id": fleet.constellation_id, "way": way, "to": to,
                     "length_km": length_km, "after_ms": after_ms})  # fmt: skip

    if len(names):
        bent = bent_pipe(fleet.satellites, ground.points, points, fleet.day, **least)
        if bent.satellite[0, 0] >= 0:
            one_way_ms = float(bent.rtt_ms[0, 0]) / 2.0
            add("one satellite", fleet.satellites.satellite_name[bent.satellite[0, 0]], None, None)
            add("one satellite", names[bent.gateway[0, 0]], one_way_ms * LIGHT_SPEED_KM_PER_MS, one_way_ms)
        else:
            add("one satellite", "no satellite in common with a gateway", None, None)
    everywhere = np.concatenate([points, gateways.abroad_points]) if params.requires_domestic_gateway else points
    labels = (*names, *gateways.abroad) if params.requires_domestic_gateway else names
    if fleet.row["has_links"] and len(labels):
        ways = route(fleet.satellites, ground.points, everywhere, fleet.day, **least)
        for number, label in enumerate(labels):
            if np.isfinite(ways.rtt_ms[0, number]):
                for hop in ways.path(0, number):
                    to = fleet.satellites.satellite_name[hop.row] if hop.kind == "satellite" else label
                    add(f"links to {label}", to, hop.length_km, hop.after_ms)
    return rows


def _offers(fleets: list[Fleet], reader: PlanReader) -> list[dict[str, Any]]:
    country = reader.table("country").row(0, named=True)
    rate, currency = country["exchange_rate_per_usd"], country["currency"]
    terminals = dict(reader.table("satellite_offers").select("constellation_id", "terminal_usd").iter_rows())
    return [
        {
            "constellation_id": item.constellation_id,
            "name": item.row["name"],
            "is_licensed": item.is_licensed,
            "licence_note": item.licence_note,
            "price_status": item.price_status,
            "usd_per_month": item.usd_per_month if item.price_status != "none" else None,
            "value_per_month": item.usd_per_month * rate if item.price_status != "none" else None,
            "currency": currency,
            "terminal_usd": terminals.get(item.constellation_id),
        }
        for item in fleets
    ]


def _options(reader: PlanReader, place_id: str) -> list[dict[str, Any]]:
    """Return what each technology would cost at the place, on the same terms, where the plan has access."""
    if "access_options" not in reader.names:
        return []
    frame = reader.rows("access_options", {"place_id": place_id}, OPTION_COLUMNS)
    return [dict(row) for row in frame.sort("tco_usd", "technology").iter_rows(named=True)]


def sky_place(
    request: SkyPlaceRequest,
    on_progress: Callable[[int, int, str], None] | None = None,
    clearance: Clearance = OWNER,
) -> SkyPlaceResponse:
    """Return the sky of one place over the day that begins at the moment asked for, minute by minute."""
    tell = on_progress or (lambda *_: None)
    reader = _reader(request.plan, clearance, NEEDED)
    params, ctx = _params(reader), Context(detail="full")
    moment = (request.at_utc or dt.datetime.now(dt.UTC)).astimezone(dt.UTC)
    day = np.datetime64(moment.replace(tzinfo=None), "us")
    tables = Tables({name: reader.table(name) for name in NEEDED})
    ground = _ground(reader, request, ctx)
    rim = None if ground.horizon_deg is None else ground.horizon_deg[0]
    fleets = _fleets(tables, params, request, day)
    angles, rows, geo, hops, said = [], [], [], [], []
    for number, fleet in enumerate(fleets):
        tell(number, len(fleets), str(fleet.row["name"]))
        gateways = gateways_of(fleet, tables, params)
        aged = orbit_warnings(fleet.satellites, np.array([day]), np.zeros(len(fleet.satellites), np.bool_))
        said += [f"{fleet.row['name']}: {text}" for text in (*fleet.satellites.warnings, *aged)]
        if not fleet.is_leo:
            geo += geo_rows(fleet, ground, gateways, params).drop("place_id").to_dicts()
            continue
        angles += _angles(fleet, ground.points, rim)
        rows += view_rows(fleet, ground, gateways, params, ctx).drop("place_id").to_dicts()
        hops += _hops(fleet, ground, gateways, params)
    if ground.is_coarse:
        said.append(COARSE)
    if not any(item.is_licensed for item in fleets if item.is_leo):
        said.append(HYPOTHETICAL)
    place = ground.places.select("place_id", "name", "lon_deg", "lat_deg", "elevation_m", "n_people", "n_households")
    return SkyPlaceResponse(
        place=place.row(0, named=True),
        at_utc=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        horizon_deg=[] if rim is None else [float(angle) for angle in rim],
        is_coarse_terrain=ground.is_coarse,
        look_angles=angles,
        day=rows,
        geo=geo,
        hops=hops,
        offers=_offers(fleets, reader),
        options=_options(reader, str(place["place_id"][0])),
        warnings=said,
    )


def _figures(views: pl.DataFrame) -> list[dict[str, Any]]:
    grouped = views.group_by("constellation_id").agg(
        n_visible_mean=pl.col("n_visible_mean").mean(),
        n_visible_least=pl.col("n_visible_least").min(),
        horizon_outage_frac=pl.col("horizon_outage_frac").max(),
        n_without_common=(pl.col("no_common_frac") >= 1.0).sum(),
        bent_rtt_ms=pl.col("bent_rtt_ms").median(),
        abroad_rtt_ms=pl.col("abroad_rtt_ms").median(),
        rain_outage_frac=pl.col("rain_outage_frac").mean(),
    )
    return grouped.sort("constellation_id").to_dicts()


def sky_all(request: SkyAllRequest, clearance: Clearance = OWNER) -> SkyAllResponse:
    """Return the sky of every place as the plan holds it; ``out`` takes the rows as CSV."""
    reader = _reader(request.plan, clearance, ENGINE_TABLES)
    views, service = reader.table("satellite_views"), reader.table("satellite_service")
    names = reader.table("places").select("place_id", "name", "lon_deg", "lat_deg", "n_people")
    if request.out is not None:
        rows = names.join(views, on="place_id").sort("place_id", "constellation_id")
        write_text(request.out, safe_csv(rows))
    licence = reader.table("satellite_constellations").select(
        "constellation_id", "name", "capacity_gbps", "n_users_max", "is_licensed", "licence_note"
    )
    known = {row["constellation_id"]: row for row in licence.to_dicts()}
    deepest = (
        service.select("place_id", "horizon_mean_deg", "horizon_max_deg", "outage_frac")
        .join(names, on="place_id")
        .sort("horizon_mean_deg", "place_id", descending=[True, False])
        .head(N_SHOWN)
    )
    is_coarse = bool(views["is_coarse_terrain"].any())
    return SkyAllResponse(
        n_places=names.height,
        constellations=[{**known[row["constellation_id"]], **row} for row in _figures(views)],
        deepest=deepest.to_dicts(),
        gateways=reader.table("satellite_gateway_choice").sort("rank").to_dicts(),
        out=request.out,
        warnings=[COARSE] if is_coarse else [],
    )


class SkyViewResponse(Params):
    """What a place sees of one constellation over a day: rim, tracks and fixed slots, for a polar drawing.

    ``steps`` holds, moment by moment, (satellite, azimuth, elevation, above the terrain) in whole tenths of a degree.
    """

    place_id: str
    name: str
    constellation_id: str
    day: str
    step_min: int
    min_elevation_deg: float
    horizon_deg: list[float]
    is_coarse_terrain: bool
    steps: list[list[tuple[int, int, int, int]]]
    fixed: list[dict[str, Any]]


def sky_view(plan: Path, place_id: str, clearance: Clearance = OWNER) -> SkyViewResponse:
    """Return the sky of a place over the day of the filed shells, every few minutes; see :class:`SkyViewResponse`."""
    reader = _reader(plan, clearance, NEEDED)
    params, request = _params(reader), SkyPlaceRequest(plan=plan, place=place_id)
    tables = Tables({name: reader.table(name) for name in NEEDED})
    ground = _ground(reader, request, Context(detail="full"))
    rim = np.zeros(1) if ground.horizon_deg is None else ground.horizon_deg[0]
    fleets = fleets_of(tables, params)
    moving = next((item for item in fleets if item.constellation_id == params.constellations[0]), None)
    if moving is None:
        raise InputError(Problem("the plan has no constellation to draw", "plan again with the space engine on"))
    times = moving.day + np.arange(0, DAY_MINUTES, VIEW_STEP_MIN) * np.timedelta64(1, "m")
    axes, where = local_axes(ground.points)[0], earth_fixed_km(ground.points)[0]
    least = moving.number("min_elevation_deg")
    steps = []
    for moment in times:
        local = (positions_km(moving.satellites, moment)[:, 0] - where) @ axes.T
        up = np.degrees(np.arctan2(local[:, 2], np.hypot(local[:, 0], local[:, 1])))
        seen = np.flatnonzero(up >= least)
        turn = np.degrees(np.arctan2(local[seen, 0], local[seen, 1])) % 360.0
        steps.append(
            [
                (int(i), round(10.0 * a), round(10.0 * up[i]), int(up[i] > _edge_deg(rim, float(a))))
                for i, a in zip(seen.tolist(), turn.tolist(), strict=True)
            ]
        )
    fixed = [
        {**geo_rows(item, ground, gateways_of(item, tables, params), params).drop("place_id").row(0, named=True),
         "name": item.row["name"]}
        for item in fleets
        if not item.is_leo
    ]  # fmt: skip
    return SkyViewResponse(
        place_id=str(ground.places["place_id"][0]), name=str(ground.places["name"][0]),
        constellation_id=moving.constellation_id, day=str(moving.day)[:10], step_min=VIEW_STEP_MIN,
        min_elevation_deg=least, horizon_deg=[float(angle) for angle in rim], is_coarse_terrain=ground.is_coarse,
        steps=steps, fixed=fixed,
    )  # fmt: skip
