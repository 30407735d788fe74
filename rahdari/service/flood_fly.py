"""The flying part of a flood day: base, what is surveyed, flights, and how the pictures reach an edge node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely
from scipy.spatial import cKDTree

from rahdari.engines.air.params import AirParams
from rahdari.engines.edge.left import NEEDED, nodes_left
from rahdari.errors import InputError, Problem
from rahdari.methods.geo import great_circle_km, unit_vectors
from rahdari.methods.offload import MBIT_PER_GB, Queue, queued, uplink_mbps
from rahdari.methods.pixel_area import degree_lengths_m
from rahdari.methods.queueing import wait_ms
from rahdari.methods.survey import Camera, Drone, Survey, survey
from rahdari.model.params import Params

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from rahdari.operate.network import LiveNetwork
    from rahdari.service.flood_area import Area
    from rahdari.store.query import PlanReader

    FloatArray = NDArray[np.float64]
    Flags = NDArray[np.bool_]

STEP_S = 10.0
EARTH_KM = 6371.0
AIRPORT_KM = 6.0  # draft Civil Unmanned Aircraft Rules 2024: no flight nearer to an airport
LEAST_PATCH_KM = 0.8  # ground around the middle of a settlement that is looked at
WIDER = 1.2  # a settlement's disc is looked at with a rim
FLOWN_WELL_FRAC = 0.55  # of the time in the air spent on legs, assumed for the first try
MOST_PATCHES, MOST_TRIES = 150, 6
REACH_FRAC = 0.3  # of what a battery flies: the farthest that is surveyed
HELD_FRAC = 0.1  # of a sector's carriers that a drone is given, assumed
MOST_UP_MBPS = 20.0  # measured uplinks of drones over 4G: 10 to 20 Mbit/s
MOST_BASE_MBPS = 50.0
BASE_SITE_KM = 5.0  # a base sees a cell no farther away
SATELLITE_UP_FRAC = 0.1  # of the downlink of a terminal, assumed
STILL_MB, FORWARD_OVERLAP_FRAC = 8.0, 0.2  # one picture of 24 Mpixel as JPEG, assumed
ROAD_RATIO, ROAD_KM_PER_H = 1.4, 30.0  # of a car that carries cards through a flood, assumed
FIBRE_RATIO, FIBRE_KM_PER_MS = 1.4, 200.0
NEAREST_SITES = 8
THINNED = 6  # steps of a minute
VIDEO_KIND = "flood_drone"
POLYGON = "Polygon"
TAIL = 0.99


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """What flies: camera, drones at one base, the place that stands for the base, zones never entered."""

    camera: Camera
    drones: tuple[Drone, ...]
    base: dict[str, object]
    closed: tuple[shapely.Polygon, ...]
    video_mbps: float
    range_km: float


@dataclass(frozen=True, slots=True, eq=False)
class Flown:
    """A survey with the shape it covers and the places it looks at; ``is_whole`` where that is the whole area."""

    plan: Survey
    shape: BaseGeometry
    places: pl.DataFrame
    is_whole: bool


class DroneDay(Params):
    """One drone's day: flights, and what became of its pictures."""

    drone: str
    n_sorties: int
    flown_km: float
    air_h: float
    back_h: float
    in_reach_frac: float
    video_gb: float
    video_live_frac: float
    video_wait_s: float
    stills_gb: float
    sent_gb: float
    card_gb: float


class EdgeState(Params):
    """One edge node near the area."""

    edge_node_id: str
    name: str
    km: float
    has_power: bool
    has_fibre: bool
    is_up: bool
    left_mbps: float
    lon_deg: float
    lat_deg: float


class WayDay(Params):
    """How the pictures get out while the network is in one state."""

    base_way: str
    base_mbps: float
    edge_node: str | None
    edge_km: float | None
    picture_ms: float | None
    n_edge_up: int
    n_edge: int
    video_gb: float
    video_live_frac: float
    video_wait_s: float
    stills_gb: float
    sent_gb: float
    card_gb: float
    card_h: float | None
    all_in_h: float | None
    drones: list[DroneDay]
    edges: list[EdgeState]


def _km_scale(lat_deg: float) -> FloatArray:
    return np.array([float(length) / 1000.0 for length in degree_lengths_m(lat_deg)])


def discs(lon_deg: FloatArray, lat_deg: FloatArray, radius_km: FloatArray) -> list[shapely.Polygon]:
    """Return discs in degrees around points."""
    found = []
    for lon, lat, radius in zip(lon_deg, lat_deg, radius_km, strict=True):
        ring = np.asarray(shapely.Point(0.0, 0.0).buffer(radius, quad_segs=8).exterior.coords)
        found.append(shapely.Polygon(ring / _km_scale(float(lat)) + [lon, lat]))
    return found


def airports(reader: PlanReader, area: Area) -> tuple[shapely.Polygon, ...]:
    """Return the discs around airports near an area that drones keep out of."""
    if "landmarks" not in reader.names:
        return ()
    rows = reader.table("landmarks").filter(pl.col("kind") == "airport").sort("landmark_id")
    found = discs(rows["lon_deg"].to_numpy(), rows["lat_deg"].to_numpy(), np.full(rows.height, AIRPORT_KM))
    near = area.shape.buffer(0.5)
    merged = shapely.union_all([disc for disc in found if disc.intersects(near)])
    return tuple(part for part in shapely.get_parts(merged) if part.geom_type == POLYGON)


def base_of(area: Area, sites: pl.DataFrame, is_bad: Callable[[FloatArray, FloatArray], Flags]) -> dict[str, object]:
    """Return where the drones start: the largest dry place where a site has power, else the nearest such site.

    ``sites`` have ``place_id``, coordinates and ``has_power``; ``is_bad`` says which points lie in water or in a closed
    zone.  Without any site with power the largest place serves, on its own generator.
    """
    places = area.places.sort("n_people", "place_id", descending=[True, False])
    dry = places.filter(~pl.Series(is_bad(places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy())))
    first = (dry if dry.height else places).row(0, named=True)
    here = {key: first[key] for key in ("place_id", "name", "lon_deg", "lat_deg")}
    lit = sites.filter("has_power").sort("site_id")
    lit = lit.filter(~pl.Series(is_bad(lit["lon_deg"].to_numpy(), lit["lat_deg"].to_numpy())))
    if dry.height and lit.filter(pl.col("place_id") == first["place_id"]).height:
        return {**here, "why": "largest dry place, a site there has power"}
    if not lit.height:
        if not dry.height:
            what = "every place of the area lies in water or near an airport, and no site near has power"
            raise InputError(Problem(what, "draw a larger area"))
        return {**here, "why": "largest dry place, no site with power: own generator"}
    km = great_circle_km(lit["lon_deg"].to_numpy(), lit["lat_deg"].to_numpy(), first["lon_deg"], first["lat_deg"])
    row = lit.row(int(np.argmin(km)), named=True)
    return {
        "place_id": row["place_id"], "name": f"a site {float(km.min()):.0f} km from {first['name']}",
        "lon_deg": row["lon_deg"], "lat_deg": row["lat_deg"], "why": "nearest dry site with power to the largest place",
    }  # fmt: skip


def fleet_of(reader: PlanReader, n_drones: int, base: dict[str, object], closed: tuple[shapely.Polygon, ...]) -> Fleet:
    """Return the drones of the plan's own parameters of engine air, at one base."""
    engines = {item["engine"]: item.get("params", {}) for item in reader.manifest["engines"]}
    known = {key: value for key, value in engines.get("air", {}).items() if key in AirParams.model_fields}
    air = AirParams(**known)
    lon, lat = float(str(base["lon_deg"])), float(str(base["lat_deg"]))
    speed, endurance = air.cruise_km_per_h / 3.6, air.endurance_h * 3600.0
    drones = tuple(
        Drone(f"drone-{number}", lon, lat, speed, endurance, air.reserve_frac) for number in range(1, n_drones + 1)
    )
    video = air.video_mbps
    if "edge_kinds" in reader.names:
        kind = reader.table("edge_kinds").filter(pl.col("edge_kind_id") == VIDEO_KIND)
        video = float(kind["up_mbps"][0]) if kind.height else video
    return Fleet(Camera(height_m=air.height_m), drones, base, closed, video, air.link_range_km)


def flown(area: Area, fleet: Fleet, hours: float) -> Flown:
    """Return flights within ``hours``: over the whole area where that can be, else over its settlements.

    Settlements are taken with most people first, as far as the drones reach, fewer of them until all are back in time.
    """
    drone = fleet.drones[0]
    speed_km_h = drone.airspeed_m_per_s * 3.6
    duty = drone.usable_s / (drone.usable_s + drone.battery_change_s)
    can_km2 = len(fleet.drones) * hours * duty * speed_km_h * FLOWN_WELL_FRAC * fleet.camera.spacing_m / 1000.0
    reach_km = REACH_FRAC * drone.usable_s * drone.airspeed_m_per_s / 1000.0
    corners = shapely.get_coordinates(area.shape)
    far_km = great_circle_km(corners[:, 0], corners[:, 1], drone.base_lon_deg, drone.base_lat_deg).max()
    if area.km2 <= can_km2 and far_km <= reach_km:
        made = _survey(area.shape, fleet)
        if made.back_s <= hours * 3600.0:
            return Flown(made, area.shape, area.places, is_whole=True)
    return _settlements(area, fleet, hours, can_km2=can_km2, reach_km=reach_km)


def _survey(shape: BaseGeometry, fleet: Fleet) -> Survey:
    closed = [zone for zone in fleet.closed if zone.intersects(shape.envelope.buffer(0.3))]
    return survey(shape, (), fleet.camera, fleet.drones, no_fly=closed)


def _settlements(area: Area, fleet: Fleet, hours: float, *, can_km2: float, reach_km: float) -> Flown:
    drone = fleet.drones[0]
    places = area.places.sort("n_people", "place_id", descending=[True, False])
    lon, lat = places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy()
    radius = np.maximum(WIDER * np.sqrt(places["area_km2"].to_numpy() / np.pi), LEAST_PATCH_KM)
    is_far = great_circle_km(lon, lat, drone.base_lon_deg, drone.base_lat_deg) + radius > reach_km
    shapes = discs(lon, lat, radius)
    zones = shapely.union_all(list(fleet.closed)) if fleet.closed else None
    is_shut = np.array([zones is not None and zones.contains(shape) for shape in shapes], np.bool_)
    some = np.flatnonzero(~is_far & ~is_shut)[:MOST_PATCHES]
    if not some.size:
        cure = "draw the area nearer to its largest place, or give drones more endurance in engine air"
        raise InputError(Problem("no settlement of the area is within the drones' reach", cure))
    taken = np.cumsum(np.pi * radius[some] ** 2)
    n = max(int(np.searchsorted(taken, can_km2)), 1)
    for _ in range(MOST_TRIES):
        kept = some[:n]
        shape = shapely.intersection(shapely.union_all([shapes[k] for k in kept.tolist()]), area.shape.buffer(0.02))
        made = _survey(shape, fleet)
        if made.back_s <= hours * 3600.0 or n == 1:
            break
        n = max(int(n * 0.92 * hours * 3600.0 / made.back_s), 1)
    return Flown(made, shape, places[kept.tolist()], is_whole=False)


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Where a drone is and what it makes, step by step: points in the air, steps in all, rates (t,) made."""

    drone: str
    lon_deg: FloatArray
    lat_deg: FloatArray
    is_air: Flags
    stills_mbps: FloatArray
    video_mbps: FloatArray


def track_of(drone: str, found: Flown, fleet: Fleet, hours: float) -> Track:
    """Return the steps of one drone's day, sorties with battery changes between, at its base until the day ends."""
    craft = fleet.drones[0]
    frame_m = fleet.camera.swath_m * fleet.camera.frame_ratio * (1.0 - FORWARD_OVERLAP_FRAC)
    stills = STILL_MB * 8.0 * craft.airspeed_m_per_s / frame_m
    base = np.array([craft.base_lon_deg, craft.base_lat_deg])
    points, air, legs = [], [], []
    for number, sortie in enumerate(each for each in found.plan.sorties if each.drone == drone):
        if number:
            n_change = round(craft.battery_change_s / STEP_S)
            points.append(np.tile(base, (n_change, 1)))
            air.append(np.zeros(n_change, np.bool_))
            legs.append(np.zeros(n_change, np.bool_))
        way = sortie.lonlat_deg
        length = great_circle_km(way[:-1, 0], way[:-1, 1], way[1:, 0], way[1:, 1])
        reached = np.concatenate([[0.0], np.cumsum(length)])
        n = max(int(np.ceil(sortie.air_s / STEP_S)), 1)
        at = (np.arange(n) + 0.5) / n * reached[-1]
        points.append(np.stack([np.interp(at, reached, way[:, k]) for k in (0, 1)], axis=1))
        stretch = np.clip(np.searchsorted(reached, at, "right") - 1, 0, length.size - 1)
        air.append(np.ones(n, np.bool_))
        legs.append(sortie.is_leg[stretch])
    n_rest = max(round(hours * 3600.0 / STEP_S) - sum(part.size for part in air), 0)
    is_air = np.concatenate([*air, np.zeros(n_rest, np.bool_)])
    is_leg = np.concatenate([*legs, np.zeros(n_rest, np.bool_)])
    place = np.concatenate([*points, np.tile(base, (n_rest, 1))])
    return Track(drone, place[:, 0], place[:, 1], is_air, stills * is_leg, fleet.video_mbps * is_air)


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The working 4G sites around an area: coordinates and carriers."""

    lon_deg: FloatArray
    lat_deg: FloatArray
    carrier_mhz: FloatArray
    backhaul_mbps: FloatArray

    def room_mbps(
        self, lon: FloatArray, lat: FloatArray, range_km: float, most_mbps: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return the best rate at points, and how far its site is (infinite without one)."""
        if not self.lon_deg.size or not lon.size:
            return np.zeros(lon.size), np.full(lon.size, np.inf)
        k = min(NEAREST_SITES, self.lon_deg.size)
        chord, index = cKDTree(unit_vectors(self.lon_deg, self.lat_deg)).query(unit_vectors(lon, lat), k=k)
        chord, index = np.reshape(chord, (-1, k)), np.reshape(index, (-1, k))
        km = 2.0 * EARTH_KM * np.arcsin(np.minimum(chord / 2.0, 1.0))
        rate = uplink_mbps(km, self.carrier_mhz[index], range_km=range_km, held_frac=HELD_FRAC, most_mbps=most_mbps)
        rate = np.minimum(rate, HELD_FRAC * self.backhaul_mbps[index])
        best = rate.argmax(axis=1)
        row = np.arange(lon.size)
        return rate[row, best], np.where(rate[row, best] > 0.0, km[row, best], np.inf)


def cells_of(reader: PlanReader, network: LiveNetwork, reached: Flags, area: Area) -> Cells:
    """Return the 4G sites near an area that have power and a way to the core."""
    rows = reader.table("cells").filter((pl.col("technology") == "4g") & ~pl.col("is_planned")).sort("site_id")
    at = np.array([network.node_at.get(name, -1) for name in rows["site_id"].to_list()], np.int64)
    west, south, east, north = area.shape.buffer(0.5).bounds
    lon, lat = network.lon_deg[at], network.lat_deg[at]
    is_near = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    kept = (at >= 0) & reached[at] & is_near
    carrier, backhaul = (rows[name].fill_null(0.0).to_numpy()[kept] for name in ("carrier_mhz", "backhaul_mbps"))
    return Cells(lon[kept], lat[kept], carrier, backhaul)


def edges_of(
    reader: PlanReader, network: LiveNetwork, state: tuple[Flags, Flags, Flags], base: dict[str, object]
) -> list[EdgeState]:
    """Return the edge nodes of a plan, nearest to the base first, and which of them still have power and fibre.

    ``state`` are the nodes reached (n,), the nodes without power (n,) and the links cut (m,).
    """
    reached, dead, cut = state
    if any(name not in reader.names for name in NEEDED):
        return []
    left = nodes_left(
        {name: reader.table(name) for name in NEEDED},
        sites_dark=[network.node_id[i] for i in np.flatnonzero(dead).tolist()],
        links_cut=[network.link_id[i] for i in np.flatnonzero(cut).tolist()],
    )
    km = great_circle_km(
        left["lon_deg"].to_numpy(), left["lat_deg"].to_numpy(), float(str(base["lon_deg"])), float(str(base["lat_deg"]))
    )
    sites = reader.table("edge_nodes").select("edge_node_id", "place_id").join(
        reader.table("places").select("place_id", "name"), on="place_id", how="left"
    )  # fmt: skip
    names = dict(sites.select("edge_node_id", "name").iter_rows())
    found = []
    for row, away in zip(left.iter_rows(named=True), km.tolist(), strict=True):
        at = network.node_at.get(row["site_id"], -1)
        is_joined = bool(row["has_fibre"]) and (at < 0 or not row["has_power"] or bool(reached[at]))
        found.append(EdgeState(
            edge_node_id=row["edge_node_id"], name=names.get(row["edge_node_id"]) or row["edge_node_id"], km=away,
            has_power=row["has_power"], has_fibre=is_joined,
            is_up=bool(row["has_power"]) and is_joined, left_mbps=row["left_mbps"] if is_joined else 0.0,
            lon_deg=row["lon_deg"], lat_deg=row["lat_deg"],
        ))  # fmt: skip
    return sorted(found, key=lambda each: (each.km, each.edge_node_id))


def _picture_ms(reader: PlanReader, chosen: EdgeState, n_drones: int) -> float | None:
    """Return how long a picture takes from drone to decision: access, fibre, wait of 99 %, job."""
    kind = reader.table("edge_kinds").filter(pl.col("edge_kind_id") == VIDEO_KIND)
    node = reader.table("edge_nodes").filter(pl.col("edge_node_id") == chosen.edge_node_id)
    if not kind.height or not node.height:
        return None
    row = kind.row(0, named=True)
    busy, workers = float(node["busy_workers_count"][0]), int(node["n_workers"][0])
    load = busy + n_drones * row["n_jobs_per_h"] / 3600.0 * row["job_ms"] / 1000.0
    wait = wait_ms(load, workers, row["job_ms"], TAIL)
    way = chosen.km * FIBRE_RATIO / FIBRE_KM_PER_MS
    total = row["access_ms"] + way + wait + row["job_ms"]
    return float(total) if np.isfinite(total) else None


def base_way(reader: PlanReader, fleet: Fleet, cells: Cells) -> tuple[str, float]:
    """Return how the base reaches the network, and at what rate: a cell near or the satellite, whichever is more."""
    lon, lat = (np.array([float(str(fleet.base[key]))]) for key in ("lon_deg", "lat_deg"))
    rate, km = (float(value[0]) for value in cells.room_mbps(lon, lat, BASE_SITE_KM, MOST_BASE_MBPS))
    sky = reader.rows("satellite_service", {"place_id": fleet.base["place_id"]}) if (
        "satellite_service" in reader.names and fleet.base["place_id"] is not None
    ) else pl.DataFrame()  # fmt: skip
    by_sky, told = 0.0, ""
    if sky.height:
        row = sky.row(0, named=True)
        by_sky = SATELLITE_UP_FRAC * float(row["downlink_mbps"] or 0.0) if row.get("is_served", True) else 0.0
        told = "" if row["is_licensed"] else ", not licensed to sell here"
    if by_sky > rate:
        return f"satellite terminal{told}", by_sky
    return (f"cell {km:.1f} km away", rate) if rate > 0.0 else ("none", 0.0)


def way_day(
    reader: PlanReader, day: tuple[Fleet, Flown], tracks: list[Track], cells: Cells, edges: list[EdgeState]
) -> WayDay:
    """Return what becomes of the pictures: live over cells, later from the base, or home on the card."""
    fleet, found = day
    n = len(fleet.drones)
    chosen = next((each for each in edges if each.is_up and each.left_mbps >= n * fleet.video_mbps), None)
    way, base_mbps = base_way(reader, fleet, cells)
    is_open = chosen is not None or not edges
    drones, late = [], []
    for track in tracks:
        made, last = _drone_day(track, found, fleet, cells if is_open else None, base_mbps / n if is_open else 0.0)
        drones.append(made)
        late.append(last)
    video, stills, sent, card = (sum(getattr(each, name) for each in drones)
                                 for name in ("video_gb", "stills_gb", "sent_gb", "card_gb"))  # fmt: skip
    share = [(each.video_gb / max(video, 1e-9), each) for each in drones]
    to_node = chosen or next((each for each in edges if each.has_power), None)
    return WayDay(
        base_way=way if is_open else "none: no edge node is left", base_mbps=base_mbps if is_open else 0.0,
        edge_node=chosen.name if chosen else None, edge_km=chosen.km if chosen else None,
        picture_ms=_picture_ms(reader, chosen, n) if chosen else None, n_edge_up=sum(each.is_up for each in edges),
        n_edge=len(edges), video_gb=video, video_live_frac=sum(part * each.video_live_frac for part, each in share),
        video_wait_s=sum(part * each.video_wait_s for part, each in share), stills_gb=stills, sent_gb=sent,
        card_gb=card, card_h=to_node.km * ROAD_RATIO / ROAD_KM_PER_H if card > 0.0 and to_node else None,
        all_in_h=None if any(each is None for each in late) else max(each for each in late if each is not None),
        drones=drones, edges=edges,
    )  # fmt: skip


def _drone_day(
    track: Track, found: Flown, fleet: Fleet, cells: Cells | None, base_mbps: float
) -> tuple[DroneDay, float | None]:
    """Return a drone's day, and the hour at which its last picture is in (none where some stay on the card)."""
    room = np.full(track.is_air.size, base_mbps)
    room[track.is_air] = 0.0
    if cells is not None:
        air = track.is_air
        room[air] = cells.room_mbps(track.lon_deg[air], track.lat_deg[air], fleet.range_km, MOST_UP_MBPS)[0]
    video = queued(track.video_mbps, room, STEP_S)
    stills = queued(track.stills_mbps, np.maximum(room - video.sent_mbit / STEP_S, 0.0), STEP_S)
    own = [each for each in found.plan.sorties if each.drone == track.drone]
    last_air = np.flatnonzero(track.is_air)
    km = sum(float(great_circle_km(s.lonlat_deg[:-1, 0], s.lonlat_deg[:-1, 1], s.lonlat_deg[1:, 0],
                                   s.lonlat_deg[1:, 1]).sum()) for s in own)  # fmt: skip
    return DroneDay(
        drone=track.drone, n_sorties=len(own), flown_km=km, air_h=sum(each.air_s for each in own) / 3600.0,
        back_h=(float(last_air[-1]) + 1.0) * STEP_S / 3600.0 if last_air.size else 0.0,
        in_reach_frac=float((room[track.is_air] > 0.0).mean()) if track.is_air.any() else 0.0,
        video_gb=_gb(video.made_mbit), video_live_frac=video.at_once_frac, video_wait_s=video.mean_wait_s,
        stills_gb=_gb(stills.made_mbit), sent_gb=_gb(video.sent_mbit) + _gb(stills.sent_mbit),
        card_gb=(video.left_mbit + stills.left_mbit) / MBIT_PER_GB,
    ), _last_h(video, stills)  # fmt: skip


def unreached(tracks: list[Track], cells: Cells, range_km: float) -> FloatArray:
    """Return the points (k, 2) at which a drone in the air reaches no cell, one a minute."""
    found = [np.zeros((0, 2))]
    for track in tracks:
        lon, lat = track.lon_deg[track.is_air][::THINNED], track.lat_deg[track.is_air][::THINNED]
        rate = cells.room_mbps(lon, lat, range_km, MOST_UP_MBPS)[0]
        found.append(np.stack([lon, lat], axis=1)[rate <= 0.0])
    return np.concatenate(found)


def _gb(mbit: FloatArray) -> float:
    return float(mbit.sum()) / MBIT_PER_GB


def _last_h(*queues: Queue) -> float | None:
    steps = [queue.done_step() for queue in queues]
    return None if any(step is None for step in steps) else max(step or 0 for step in steps) * STEP_S / 3600.0


__all__ = [
    "DroneDay", "EdgeState", "Fleet", "Flown", "Track", "WayDay", "airports", "base_of", "base_way", "cells_of",
    "discs", "edges_of", "fleet_of", "flown", "track_of", "unreached", "way_day",
]  # fmt: skip
