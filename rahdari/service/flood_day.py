"""A flood day from polygon to affected sites: flights, pictures, water, what it touches, and back into stress.

Every figure is a function of the plan, the event's course (that of the simulated storm), the area and the options.
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely
from pydantic import Field

from rahdari.engines.edge.left import NEEDED
from rahdari.errors import InputError, Problem
from rahdari.methods.cascade_states import DAMAGED, DARK, N_WORKING
from rahdari.methods.geo import great_circle_km
from rahdari.methods.made_flood import above_drainage_m, flooded, picture
from rahdari.methods.survey import NOTE
from rahdari.methods.terrain_table import terrain_raster
from rahdari.methods.water_mask import NO_DATA, WATER, water_mask
from rahdari.model.params import Params
from rahdari.operate.events import Event
from rahdari.operate.impact import impacts
from rahdari.operate.network import LiveNetwork
from rahdari.service import flood_fly as fly
from rahdari.service.flood import (
    N_WORKERS,
    OTSU_NOTE,
    PEOPLE_NOTE,
    WATER_NOTE,
    Ground,
    Tables,
    Touched,
    inside,
    tables_on,
    touched,
    without_permanent,
)
from rahdari.service.flood_area import Area, area_of
from rahdari.service.storms import scene_of
from rahdari.sources.flood_image import Grid, read_image
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rahdari.operate.simulate import Scene

    Flags = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    Tell = Callable[[str], None]

FINEST_DEG, MOST_MADE_PX = 0.0005, 2_000_000  # of a made-up flood: 50 m or so, and no more pixels than
SYNTHETIC = "synthetic: made up from terrain and the plan's flood hazard, for exercise; it says nothing of real water"
NOTES = (
    f"Flights are {NOTE}.",
    "Rates over cells: free space, signal over noise 1 at the plan's link range, a tenth of a sector; assumed.",
    "Pictures of 8 MB, assumed. Drones in one cell do not slow each other.",
    "A satellite terminal stands at the base and sends a tenth of the downlink the plan's table states; assumed.",
    "Sites with water at them are taken as down; many stand on plinths and will live.",
    "Everybody at a place without service counts whole, as in the live network.",
)

ROUNDS_WITHOUT_CUT = 2
BASE_DEG = 0.2  # a base may stand so far outside the area
NO_EDGE = "The plan has no edge nodes: pictures end at the core of the network."


class DayRequest(Params):
    """Play a flood day."""

    plan: Path = Field(description="Plan folder")
    area: str = Field(min_length=1, description="District by name, or a GeoJSON file of polygons")
    event: str = Field("flood-2022", min_length=1, description="Named event of the plan")
    hour: int | None = Field(None, ge=0, description="Hour of the event; none: when most sites of the area are down")
    cuts: tuple[str, ...] = Field((), description="Links, sites or ducts cut besides")
    images: tuple[Path, ...] = Field((), description="Satellite image; none: a made-up flood, marked synthetic")
    method: str | None = Field(None, description="Method of the water mask")
    bands: dict[str, int] = Field(default_factory=dict, description="Number of each band from 1")
    permanent: Path | None = Field(None, description="Water that is always there: a mask, or polygons in GeoJSON")
    n_drones: int = Field(4, ge=1, le=50, description="Drones")
    hours: float = Field(10.0, gt=0.0, le=24.0, description="Hours of flying and sending")
    seed: int = Field(1, ge=0, description="Seed of the event's course and of a made-up flood")


class Without(Params):
    """Who is without service while the network is in one state."""

    people_area: int
    people_country: int
    n_places_area: int


class Round(Params):
    """One state of the network: who is without, and how the pictures get out."""

    name: str
    n_sites_area: int
    n_sites_live: int
    without: Without
    way: fly.WayDay


class Moment(Params):
    """A moment of the day, hours after the first take-off."""

    at_h: float
    what: str


class FlownDay(Params):
    """What is flown."""

    base: str
    base_why: str
    base_lon_deg: float
    base_lat_deg: float
    n_drones: int
    n_sorties: int
    n_legs: int
    leg_km: float
    flown_km: float
    surveyed_km2: float
    is_whole: bool
    n_places: int
    people: int
    back_h: float
    lower_bound_h: float
    height_m: float
    n_closed: int


class DayResponse(Params):
    """A flood day; the last round is the day after every cut asked for."""

    area: str
    area_km2: float
    people: int
    event: str
    event_name: str
    hour: int
    water: str
    is_synthetic: bool
    flooded_km2: float
    permanent_km2: float
    seen_km2: float
    flooded_in_flight_km2: float
    touched: Touched
    flown: FlownDay
    rounds: list[Round]
    cuts: list[str]
    moments: list[Moment]
    n_events: int
    notes: list[str]
    boundary_note: str
    files: list[str] = Field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class FloodDay:
    """The answer with the shapes and rows behind it, for pages and exports."""

    response: DayResponse
    area: Area
    ground: Ground
    on: Tables
    flown: fly.Flown
    fleet: fly.Fleet
    events: tuple[Event, ...]
    outline: pl.DataFrame
    blind_deg: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Network:
    """The live network at an hour of the event."""

    live: LiveNetwork
    state: NDArray[np.uint8]
    dead: Flags
    cut: Flags
    hour: int
    name: str


def _hour(scene: Scene, area: Area, asked: int | None) -> int:
    """Return the hour asked for, else the first at which most sites of the area, or of the country, are down."""
    if asked is not None:
        if asked >= scene.n_hours:
            raise InputError(Problem(f"the event has no hour {asked}", f"use 0 to {scene.n_hours - 1}"))
        return asked
    is_in = scene.is_site & shapely.contains_xy(area.shape, scene.lon_deg, scene.lat_deg)
    for some in (is_in, scene.is_site):
        n_down = (scene.node_state[:, some] >= N_WORKING).sum(axis=1)
        if n_down.any():
            return int(n_down.argmax())
    return 0


def _network(reader: PlanReader, request: DayRequest, area: Area, tell: Tell) -> _Network:
    tell("reading the network")
    live = LiveNetwork.of_plan(reader.folder)
    tell(f"playing {request.event} hour by hour")
    scene = scene_of(reader.folder, request.event, seed=request.seed, network=live, clearance=reader.clearance)
    hour = _hour(scene, area, request.hour)
    state = scene.node_state[hour]
    row = reader.rows("named_events", {"named_event_id": request.event}).row(0, named=True)
    dead = (state == DARK) | (state == DAMAGED)
    return _Network(live, state, dead, ~scene.is_link_whole[hour], hour, str(row["name"]))


def _cut(network: LiveNetwork, names: tuple[str, ...]) -> tuple[Flags, Flags]:
    """Return the nodes and links that cuts take; :class:`InputError` for names that the network does not know."""
    dead, cut = np.zeros(network.n_nodes, np.bool_), np.zeros(network.n_links, np.bool_)
    problems = []
    for name in names:
        thing = network.resolve(name)
        if thing.kind == "node":
            dead[thing.at] = True
        elif thing.kind == "link":
            cut[thing.at] = True
        elif thing.kind == "group":
            cut[list(network.groups[thing.at].links)] = True
        else:
            near = difflib.get_close_matches(name, [*network.link_id, *network.node_id], n=3, cutoff=0.5)
            cure = f"use a link, site or duct of the plan{', such as ' + ', '.join(near) if near else ''}"
            problems.append(Problem(f"there is no link or site {name}", cure, "--cut"))
    if problems:
        raise InputError(*problems)
    return dead, cut


# -- water ------------------------------------------------------------------------------------------------------------
def _made(reader: PlanReader, request: DayRequest, area: Area) -> Ground:
    """Return the mask of a made-up flood: lowest ground within the event's flood zones, seen as a picture."""
    west, south, east, north = area.shape.bounds
    step = max(FINEST_DEG, float(np.sqrt((east - west) * (north - south) / MOST_MADE_PX)))
    n_rows, n_columns = int(np.ceil((north - south) / step)), int(np.ceil((east - west) / step))
    grid = Grid(n_rows, n_columns, (step, 0.0, west, 0.0, -step, north), "EPSG:4326")
    is_in = inside(grid, [area.shape])
    terrain = terrain_raster(reader.table("terrain")) if "terrain" in reader.names else None
    lon, lat = np.meshgrid(west + step * (np.arange(n_columns) + 0.5), north - step * (np.arange(n_rows) + 0.5))
    height = np.zeros(lon.shape)
    if terrain is not None:
        height = np.nan_to_num(terrain.sample(lon.ravel(), lat.ravel())).reshape(lon.shape)
    above = above_drainage_m(height, step, request.seed)
    is_wet = np.zeros(lon.shape, np.bool_)
    for hazard in _floods(reader, request.event):
        km = great_circle_km(lon, lat, hazard["lon_deg"], hazard["lat_deg"])
        is_wet |= flooded(above, is_in & (km <= hazard["radius_km"]), float(hazard["severity_frac"]))
    if not is_wet.any():
        cure = "choose an area that its floods reach, or give a satellite image with --image"
        raise InputError(Problem(f"{request.event} floods nothing of {area.name}", cure))
    return Ground(water_mask(picture(is_wet, request.seed), "ndwi-otsu", n_workers=N_WORKERS), grid)


def _floods(reader: PlanReader, event: str) -> list[dict[str, Any]]:
    row = reader.rows("named_events", {"named_event_id": event})
    names = [name.strip() for name in str(row["hazard_ids"][0]).split(";")] if row.height else []
    found = reader.table("hazards").filter(
        pl.col("hazard_id").is_in(names) & (pl.col("kind") == "flood") & pl.col("radius_km").is_not_null()
    ).sort("hazard_id")  # fmt: skip
    return list(found.iter_rows(named=True))


def _water(reader: PlanReader, request: DayRequest, area: Area) -> tuple[Ground, str]:
    """Return the water within the area, what is outside not seen, and where it comes from."""
    if request.images:
        image = read_image(request.images, request.method, request.bands)
        whole = Ground(water_mask(image.bands, image.method, n_workers=N_WORKERS), image.grid)
        told = f"{image.method} of {image.described}"
    else:
        whole, told = _made(reader, request, area), SYNTHETIC
    is_in = inside(whole.grid, [area.shape])
    if not (is_in & (whole.mask != NO_DATA)).any():
        raise InputError(Problem(f"the image shows nothing of {area.name}", "give one that covers the area"))
    ground = Ground(np.where(is_in, whole.mask, np.uint8(NO_DATA)), whole.grid)
    return (ground if request.permanent is None else without_permanent(ground, request.permanent)), told


# -- rounds -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, eq=False)
class _State:
    name: str
    dead: Flags
    cut: Flags


def _states(network: _Network, on: Tables, cuts: tuple[Flags, Flags], names: tuple[str, ...]) -> list[_State]:
    """Return the states that are asked: as the event leaves it, with the sites in water, and with every cut."""
    wet = np.zeros(network.dead.size, np.bool_)
    at = network.live.node_at
    wet[[at[name] for name in on.sites.filter("is_wet")["site_id"].to_list() if name in at]] = True
    found = [
        _State("As the event leaves it", network.dead, network.cut),
        _State("With the sites in water down", network.dead | wet, network.cut),
    ]
    if names:
        found.append(_State(f"Besides, {', '.join(names)} cut", network.dead | wet | cuts[0], network.cut | cuts[1]))
    return found


def _without(network: LiveNetwork, states: list[_State], area: Area) -> list[Without]:
    """Return who is without service in each state, by the machine of the live network."""
    own = set(area.places["place_id"].to_list())
    people = dict(zip(network.place_id, network.customers.tolist(), strict=True))
    given = [(np.flatnonzero(each.dead).tolist(), np.flatnonzero(each.cut).tolist()) for each in states]
    return [
        Without(
            people_area=round(sum(people[name] for name in each.places if name in own)), people_country=each.customers,
            n_places_area=sum(name in own for name in each.places),
        )
        for each in impacts(network, given)
    ]  # fmt: skip


def _rounds(
    reader: PlanReader, live: LiveNetwork, states: list[_State], area: Area, day: tuple[fly.Fleet, fly.Flown, float],
) -> tuple[list[Round], FloatArray]:  # fmt: skip
    """Return the rounds, and the points at which drones reach no cell in the last of them."""
    fleet, found, hours = day
    tracks = [fly.track_of(drone.name, found, fleet, hours) for drone in fleet.drones]
    is_site = np.isin(np.array(live.node_kind), ("tower",))
    n = live.n_nodes
    here = is_site & shapely.contains_xy(area.shape, live.lon_deg[:n], live.lat_deg[:n])
    rounds, blind = [], np.zeros((0, 2))
    reached = live.reached([(np.flatnonzero(each.dead), np.flatnonzero(each.cut)) for each in states])
    for state, row, without in zip(states, reached, _without(live, states, area), strict=True):
        cells = fly.cells_of(reader, live, row, area)
        blind = fly.unreached(tracks, cells, fleet.range_km)
        edges = fly.edges_of(reader, live, (row, state.dead, state.cut), fleet.base)
        rounds.append(Round(
            name=state.name, n_sites_area=int(here.sum()), n_sites_live=int((here & row).sum()), without=without,
            way=fly.way_day(reader, (fleet, found), tracks, cells, edges),
        ))  # fmt: skip
    return rounds, blind


def _events(on: Tables, ground: Ground, hour: int, at_h: float) -> tuple[Event, ...]:
    """Return an event for every site in water, as the live network takes it; times count from the event's hour 0."""
    mark = hashlib.blake2b(ground.mask.tobytes(), digest_size=4).hexdigest()
    wet = on.sites.filter("is_wet").sort("site_id")["site_id"].to_list()
    return tuple(
        Event(
            source=f"flood-map-{mark}", seq=number, at_s=round((hour + at_h) * 3600.0, 1), resource=name,
            type="siteDown", severity="critical", qualifier="flood",
            text="Water at the site in the flood mask; taken as down until seen otherwise",
        )
        for number, name in enumerate(wet, 1)
    )  # fmt: skip


def _moments(rounds: list[Round], found: FlownDay, hour: int) -> list[Moment]:
    first = rounds[0].way
    told = [
        Moment(at_h=0.0, what=f"Hour {hour} of the event: {found.n_drones} drones start from {found.base}"),
        Moment(at_h=found.back_h, what="The last drone is back"),
    ]
    if first.picture_ms is not None:
        what = f"The first picture is decided on at {first.edge_node} after {first.picture_ms:,.0f} ms"
        told.append(Moment(at_h=0.0, what=what))
    if first.all_in_h is not None:
        told.append(Moment(at_h=max(first.all_in_h, found.back_h), what="Every picture is at the edge node"))
    elif first.card_h is not None:
        at = found.back_h + first.card_h
        told.append(Moment(at_h=at, what=f"Cards with {first.card_gb:,.0f} GB arrive by road at the nearest edge node"))
    more = rounds[1].without.people_area - rounds[0].without.people_area
    down = rounds[0].n_sites_live - rounds[1].n_sites_live
    what = f"The water is in the network's model: {down:,} more cell sites down, {more:,} more people without service"
    told.append(Moment(at_h=found.back_h, what=what))
    if len(rounds) > ROUNDS_WITHOUT_CUT:
        last = rounds[-1]
        to = last.way.edge_node or "no edge node"
        what = f"{last.name}: {last.without.people_area:,} people without service, pictures go to {to}"
        told.append(Moment(at_h=found.back_h, what=what))
    return sorted(told, key=lambda each: each.at_h)


def flood_day(request: DayRequest, clearance: Clearance = OWNER, *, on_progress: Tell | None = None) -> FloodDay:
    """Return a flood day: what is flown, how the pictures get out, where water stands, and who it leaves without.

    Raises :class:`InputError` for an unknown district, event, hour or cut, an area that the event does not flood, an
    image that cannot be used, and a base from which nothing can be reached.
    """
    tell = on_progress or (lambda _text: None)
    reader = PlanReader(request.plan, clearance)
    area = area_of(reader, request.area)
    network = _network(reader, request, area, tell)
    cuts = _cut(network.live, request.cuts)
    tell("finding the water")
    ground, told = _water(reader, request, area)
    on = tables_on(reader, ground)
    tell("planning the flights")
    closed = fly.airports(reader, area)
    shut = shapely.union_all(list(closed)) if closed else shapely.Polygon()
    is_lit = dict(zip(network.live.node_id, (network.state < DARK).tolist(), strict=True))
    sites = reader.table("sites").filter(pl.col("kind") == "tower")
    near = area.shape.buffer(BASE_DEG)
    is_in = shapely.contains_xy(near, sites["lon_deg"].to_numpy(), sites["lat_deg"].to_numpy())
    sites = sites.filter(pl.Series(is_in))
    sites = sites.with_columns(
        has_power=pl.Series([is_lit.get(name, False) for name in sites["site_id"].to_list()], dtype=pl.Boolean)
    )
    base = fly.base_of(
        area, sites, lambda lon, lat: (ground.at(lon, lat) == WATER) | shapely.contains_xy(shut, lon, lat)
    )
    fleet = fly.fleet_of(reader, request.n_drones, base, closed)
    found = fly.flown(area, fleet, request.hours)
    tell("sending the pictures, and asking who is without service")
    states = _states(network, on, cuts, request.cuts)
    rounds, blind = _rounds(reader, network.live, states, area, (fleet, found, request.hours))
    flown_day = _flown_day(found, fleet)
    events = _events(on, ground, network.hour, flown_day.back_h)
    in_flight = Ground(np.where(inside(ground.grid, [found.shape]), ground.mask, np.uint8(NO_DATA)), ground.grid)
    flooded_km2, seen = ground.km2(WATER), sum(ground.km2(kind) for kind in (0, 1, 2))
    edge_note = [] if all(name in reader.names for name in NEEDED) else [NO_EDGE]
    response = DayResponse(
        area=area.name, area_km2=area.km2, people=int(area.places["n_people"].sum()), event=request.event,
        event_name=network.name, hour=network.hour, water=told, is_synthetic=not request.images,
        flooded_km2=flooded_km2, permanent_km2=ground.km2(2), seen_km2=seen,
        flooded_in_flight_km2=in_flight.km2(WATER), touched=touched(reader, on), flown=flown_day, rounds=rounds,
        cuts=list(request.cuts), moments=_moments(rounds, flown_day, network.hour), n_events=len(events),
        notes=[*area.notes, *NOTES, OTSU_NOTE, PEOPLE_NOTE, *([WATER_NOTE] if request.permanent is None else []),
               *edge_note],
        boundary_note=str(reader.table("country")["boundary_note"][0]),
    )  # fmt: skip
    outline = reader.table("outline") if "outline" in reader.names else pl.DataFrame()
    return FloodDay(response, area, ground, on, found, fleet, events, outline, blind)


def _flown_day(found: fly.Flown, fleet: fly.Fleet) -> FlownDay:
    plan = found.plan
    return FlownDay(
        base=str(fleet.base["name"]), base_why=str(fleet.base["why"]), base_lon_deg=float(str(fleet.base["lon_deg"])),
        base_lat_deg=float(str(fleet.base["lat_deg"])), n_drones=len(fleet.drones), n_sorties=len(plan.sorties),
        n_legs=plan.n_legs, leg_km=plan.leg_km, flown_km=plan.flown_km, surveyed_km2=plan.area_km2,
        is_whole=found.is_whole, n_places=found.places.height, people=int(found.places["n_people"].sum()),
        back_h=plan.back_s / 3600.0, lower_bound_h=plan.lower_bound_s / 3600.0, height_m=fleet.camera.height_m,
        n_closed=len(fleet.closed),
    )  # fmt: skip


__all__ = ["DayRequest", "DayResponse", "FloodDay", "FlownDay", "Moment", "Round", "Without", "flood_day"]
