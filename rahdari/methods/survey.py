"""A survey of an area from the air: legs that cover it, flown by several drones with batteries, beside a bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.survey_flight import OpenAir, ground_speed_m_per_s
from rahdari.methods.survey_legs import best_legs, covering_legs
from rahdari.methods.survey_order import Craft, Times, shared_out, toured, used_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.survey_legs import Legs

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

NOTE = "planning only; not an authorisation to fly"
WIDEST_KM = 300.0  # beyond it a plane is no longer a fair picture of the earth
HALVINGS = 60
FEWEST_SPACINGS = 1e-3
METERS_PER_KM = 1000.0
HALF_TURN_DEG = 180.0


@dataclass(frozen=True, slots=True)
class Camera:
    """What one pass sees: height over ground, angle of view across the way, overlap of passes, shape of a frame."""

    height_m: float = 120.0
    view_deg: float = 73.7  # 24 mm lens on a frame 36 mm wide
    side_overlap_frac: float = 0.2
    frame_ratio: float = 2.0 / 3.0  # length along the way over width across it

    @property
    def swath_m(self) -> float:
        """Return the width seen on flat ground."""
        return 2.0 * self.height_m * float(np.tan(np.radians(self.view_deg) / 2.0))

    @property
    def spacing_m(self) -> float:
        """Return the distance between neighbouring passes."""
        return self.swath_m * (1.0 - self.side_overlap_frac)


@dataclass(frozen=True, slots=True)
class Drone:
    """One drone: its base, airspeed, time in the air, the share of it kept back, times of a turn and a battery."""

    name: str
    base_lon_deg: float
    base_lat_deg: float
    airspeed_m_per_s: float = 20.0
    endurance_s: float = 3600.0
    reserve_frac: float = 0.2
    turn_s: float = 8.0
    battery_change_s: float = 600.0

    @property
    def usable_s(self) -> float:
        """Return the time in the air that a plan may use."""
        return self.endurance_s * (1.0 - self.reserve_frac)


@dataclass(frozen=True, slots=True)
class Wind:
    """Wind as it is told: speed, and the direction it comes from, degrees from north clockwise."""

    speed_m_per_s: float = 0.0
    from_deg: float = 0.0

    @property
    def moves_m_per_s(self) -> FloatArray:
        """Return where the air moves to, (east, north)."""
        angle = np.radians(self.from_deg)
        return -self.speed_m_per_s * np.array([np.sin(angle), np.cos(angle)])


@dataclass(frozen=True, slots=True, eq=False)
class Sortie:
    """One flight from a base and back: way points (n, 2) in degrees, and whether each stretch (n - 1,) is a leg."""

    drone: str
    lonlat_deg: FloatArray
    is_leg: NDArray[np.bool_]
    air_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A survey: sorties of each drone in order, when all are back, and what no plan with these drones can undercut.

    ``lower_bound_s`` holds for any way to cover the area with passes of this spacing: each sortie ends where it began,
    so that its mean speed over ground is at most sqrt(airspeed^2 - wind^2), and must first reach the area.  What a
    frame sees beyond the end of a leg is not counted in it.
    """

    sorties: tuple[Sortie, ...]
    n_legs: int
    direction_deg: float
    spacing_m: float
    area_km2: float
    covered_frac: float
    back_s: float
    lower_bound_s: float
    leg_km: float
    flown_km: float
    notes: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """Return the time over its bound."""
        return self.back_s / self.lower_bound_s


@dataclass(frozen=True, slots=True, eq=False)
class FlatEarth:
    """A plane that touches the earth at a point; distances from it are true.  Both take and give (n, 2)."""

    forward: Callable[[FloatArray], FloatArray]
    backward: Callable[[FloatArray], FloatArray]


def flat_earth(lon_deg: float, lat_deg: float) -> FlatEarth:
    """Return the plane that touches the earth at a point: degrees forward to metres east and north, and backward."""
    from pyproj import Transformer

    flat = f"+proj=aeqd +lat_0={lat_deg!r} +lon_0={lon_deg!r} +datum=WGS84 +units=m"
    made = Transformer.from_crs("EPSG:4326", flat, always_xy=True)

    def there(points: FloatArray) -> FloatArray:
        return np.stack(made.transform(points[:, 0], points[:, 1]), axis=1)

    def back(points: FloatArray) -> FloatArray:
        return np.stack(made.transform(points[:, 0], points[:, 1], direction="INVERSE"), axis=1)

    return FlatEarth(there, back)


def _shape(given: object) -> BaseGeometry:
    if isinstance(given, BaseGeometry):
        return given
    corners = np.asarray(given, np.float64)
    is_ring = corners.ndim == 2 and corners.shape[0] >= 3 and corners.shape[1] == 2  # noqa: PLR2004
    return shapely.Polygon(corners) if is_ring else shapely.Polygon()


def _shape_problems(area: BaseGeometry, holes: Sequence[BaseGeometry]) -> list[Problem]:
    found = []
    for name, shape in (("the area", area), *((f"hole {k}", hole) for k, hole in enumerate(holes, start=1))):
        if shape.geom_type not in {"Polygon", "MultiPolygon"} or shape.is_empty:
            found.append(Problem(f"{name} is no polygon", "give at least three corners that span an area"))
        elif not shape.is_valid:
            why = shapely.is_valid_reason(shape)
            found.append(Problem(f"{name} crosses itself or is otherwise broken: {why}", "draw its edge without loops"))
        elif not np.isfinite(shape.bounds).all() or np.abs(shapely.get_coordinates(shape)[:, 1]).max() > 85.0:  # noqa: PLR2004
            found.append(
                Problem(f"{name} is not in degrees of longitude and latitude", "give lon, lat below 85 degrees")
            )
        elif shape is not area and area.is_valid and not shapely.intersects(shape, area):
            found.append(Problem(f"{name} lies outside the area", "leave it away, or give it as a no-fly zone"))
    return found


def _number_problems(camera: Camera, drones: Sequence[Drone], wind: Wind) -> list[Problem]:
    found = []
    if not (camera.height_m > 0 and 0 < camera.view_deg < HALF_TURN_DEG and 0 <= camera.side_overlap_frac < 1):
        cure = "give a height above 0 m, a view between 0 and 180 degrees, an overlap from 0 to below 1"
        found.append(Problem("the camera sees nothing", cure))
    if not drones:
        found.append(Problem("there is no drone", "give at least one"))
    for drone in drones:
        if not (drone.airspeed_m_per_s > 0 and drone.usable_s > 0 and min(drone.turn_s, drone.battery_change_s) >= 0):
            found.append(Problem(f"drone {drone.name} cannot fly", "give speed and endurance above 0, no time below 0"))
        elif not 0 <= wind.speed_m_per_s < drone.airspeed_m_per_s:
            what = (
                f"drone {drone.name} at {drone.airspeed_m_per_s:g} m/s cannot fly in {wind.speed_m_per_s:g} m/s of wind"
            )
            found.append(Problem(what, "wait for less wind, or take a faster drone"))
    return found


def _cost_per_m(airspeed: float, wind: FloatArray) -> Callable[[float], float]:
    def cost(direction_deg: float) -> float:
        angle = np.radians(direction_deg)
        along = np.array([np.cos(angle), np.sin(angle)])
        speeds = ground_speed_m_per_s(np.stack([along, -along]), airspeed, wind)
        return float(airspeed * (1.0 / speeds).mean()) if (speeds > 0).all() else np.inf

    return cost


def _short_enough(legs: Legs, craft: Craft, wind: FloatArray, air: OpenAir, name: str) -> tuple[Legs, Times]:
    """Return legs cut so that each can be flown in one sortie; :class:`InputError` where the battery cannot reach."""
    while True:
        times = Times(legs.ends_m, craft, wind, air)
        both = times.out_s.reshape(-1, 2) + times.back_s.reshape(-1, 2)[:, ::-1] + times.leg_s + craft.turn_s
        ends = (times.out_s + times.back_s).reshape(-1, 2).max(axis=1) + craft.turn_s
        if (ends >= craft.usable_s).any():
            worst, may = float(ends.max()) / 60.0, craft.usable_s / 60.0
            raise InputError(Problem(
                f"drone {name} cannot reach the area: out and back take {worst:.0f} min, it may fly {may:.0f} min",
                "move its base nearer, or give it more endurance",
            ))  # fmt: skip
        is_long = both.min(axis=1) > craft.usable_s
        if not is_long.any():
            return legs, times
        long = legs.ends_m[is_long]
        middle = long.mean(axis=1)
        halves = np.concatenate([np.stack([long[:, 0], middle], 1), np.stack([middle, long[:, 1]], 1)])
        legs = replace(legs, ends_m=np.concatenate([legs.ends_m[~is_long], halves]))


def bound_s(area_m2: float, width_m: float, fleet: Sequence[tuple[Craft, float, float]]) -> float:
    """Return when, at the earliest, all are back; of each drone: craft, least distance to the area, mean speed.

    Metres and seconds; ``width_m`` is what one pass sees anew.
    """

    def length_m(craft: Craft, away_m: float, speed: float, limit_s: float) -> float:
        n = np.arange(1, int((limit_s + craft.change_s) / max(craft.change_s + 2 * away_m / speed, 1.0)) + 2)
        air = np.minimum(n * craft.usable_s, limit_s - (n - 1) * craft.change_s)
        return float(np.maximum(speed * air - 2.0 * away_m * n, 0.0).max())

    low, high = 0.0, 60.0
    while sum(length_m(*each, high) for each in fleet) * width_m < area_m2:
        high *= 2.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        enough = sum(length_m(*each, middle) for each in fleet) * width_m >= area_m2
        low, high = (low, middle) if enough else (middle, high)
    return low


def _flight(parts: Sequence[tuple[FloatArray, bool]], plane: FlatEarth, name: str, air_s: float) -> Sortie:
    points, flags = [parts[0][0][:1]], []
    for way, is_leg in parts:
        points.append(way[1:])
        flags += [is_leg] * (len(way) - 1)
    return Sortie(name, plane.backward(np.concatenate(points)), np.array(flags, np.bool_), air_s)


def _sortie(part: IntArray, times: Times, plane: FlatEarth, name: str) -> Sortie:
    """Return one flight over legs given by the ends at which they begin."""
    air, base, points = times.air, times.craft.base_m, times.points
    parts: list[tuple[FloatArray, bool]] = [(air.way(air.tree(base), points[part[0]]), False)]
    total = float(times.out_s[part[0]] + times.back_s[part[-1] ^ 1])
    for k, start in enumerate(part.tolist()):
        if k:
            last = int(part[k - 1]) ^ 1
            is_open = air.is_open(points[[last]], points[[start]])[0]
            way = points[[last, start]] if is_open else air.way(air.tree(points[last]), points[start])
            parts.append((way, False))
            total += float(times.between[last, start])
        parts.append((points[[start, start ^ 1]], True))
        total += float(times.leg_s[start // 2, start % 2]) + times.craft.turn_s
    parts.append((air.way(air.tree(base), points[part[-1] ^ 1])[::-1], False))
    return _flight(parts, plane, name, total)


def survey(
    polygon: ArrayLike | BaseGeometry,
    holes: Sequence[ArrayLike | BaseGeometry] = (),
    camera: Camera | None = None,
    drones: Sequence[Drone] = (),
    wind: Wind | None = None,
    *,
    no_fly: Sequence[ArrayLike | BaseGeometry] = (),
    direction_deg: float | None = None,
) -> Survey:
    """Return flights of several drones that cover an area once; planning only, no authorisation to fly.

    ``polygon`` and ``holes`` are corners (n, 2) or shapely polygons, longitude and latitude in degrees; holes are not
    surveyed and, like ``no_fly`` zones, never entered, neither by legs nor on the way.  Legs are parallel, in the
    direction that takes least time in this wind unless ``direction_deg`` (mathematical, from east) is given; where a
    leg outlasts a battery it is cut.  Order: nearest neighbour and reversals; sorties: best cut of that tour.

    Raises :class:`InputError` with all problems: shapes that cross themselves, holes outside, too much wind, a base in
    a closed zone, a battery that cannot reach the area.
    """
    camera, wind = camera or Camera(), wind or Wind()
    area, inner = _shape(polygon), [_shape(hole) for hole in holes]
    barred = [_shape(zone) for zone in no_fly]
    raise_if_any([*_shape_problems(area, inner), *_number_problems(camera, drones, wind)])
    centre = area.centroid
    plane = flat_earth(centre.x, centre.y)
    flat, *zones = (shapely.transform(shape, plane.forward) for shape in (area, *inner, *barred))
    closed = shapely.union_all(zones) if zones else None
    free = flat if closed is None else shapely.difference(flat, closed)
    bases = plane.forward(np.array([[drone.base_lon_deg, drone.base_lat_deg] for drone in drones]))
    raise_if_any(_place_problems(flat, free, closed, bases=bases, drones=drones, camera=camera))
    return _planned(
        free, closed, bases=bases, camera=camera, drones=drones, wind=wind, plane=plane, direction_deg=direction_deg
    )


def _place_problems(
    flat: BaseGeometry, free: BaseGeometry, closed: BaseGeometry | None, *, bases: FloatArray,
    drones: Sequence[Drone], camera: Camera,
) -> list[Problem]:  # fmt: skip
    found = []
    x_min, y_min, x_max, y_max = flat.bounds
    if np.hypot(x_max - x_min, y_max - y_min) > WIDEST_KM * METERS_PER_KM:
        found.append(Problem(f"the area is wider than {WIDEST_KM:g} km", "survey it in parts"))
    if free.area < FEWEST_SPACINGS * camera.spacing_m**2:
        found.append(Problem("nothing of the area is left to survey", "make holes and no-fly zones smaller"))
    for drone, base in zip(drones, bases, strict=True):
        if not np.isfinite(base).all():
            found.append(Problem(f"the base of drone {drone.name} is no place on earth", "give lon, lat in degrees"))
        elif closed is not None and shapely.contains_xy(closed, base[0], base[1]):
            found.append(Problem(f"the base of drone {drone.name} lies in a closed zone", "move it out of the zone"))
    return found


def _planned(
    free: BaseGeometry, closed: BaseGeometry | None, *, bases: FloatArray, camera: Camera, drones: Sequence[Drone],
    wind: Wind, plane: FlatEarth, direction_deg: float | None,
) -> Survey:  # fmt: skip
    moves, ahead_m = wind.moves_m_per_s, camera.swath_m * camera.frame_ratio / 2.0
    order = sorted(range(len(drones)), key=lambda k: (-drones[k].usable_s * drones[k].airspeed_m_per_s, drones[k].name))
    crafts = [
        Craft(bases[k], drones[k].airspeed_m_per_s, drones[k].usable_s, drones[k].turn_s, drones[k].battery_change_s)
        for k in order
    ]
    lead = crafts[0]
    if direction_deg is None:
        cost = _cost_per_m(lead.airspeed_m_per_s, moves)
        turn_m = lead.turn_s * lead.airspeed_m_per_s + camera.spacing_m
        legs = best_legs(free, closed, camera.spacing_m, turn_m, ahead_m=ahead_m, metres_per_m=cost)
    else:
        legs = covering_legs(free, closed, camera.spacing_m, direction_deg, ahead_m)
    air = OpenAir(closed)
    legs, times = _short_enough(legs, lead, moves, air, drones[order[0]].name)
    tour = toured(times)
    fleet = [times, *(_same_or_new(craft, times, legs, moves, air) for craft in crafts[1:])]
    for each in fleet:
        each.checked(used_pairs(tour))
    shares, back_s = shared_out(tour, fleet)
    if not np.isfinite(back_s):
        cure = "move its base nearer, or give it more endurance"
        raise InputError(Problem(f"drone {drones[order[0]].name} cannot reach all of the area", cure))
    flights = [
        _sortie(tour[first:last], each, plane, drones[k].name)
        for k, each, share in zip(order, fleet, shares, strict=True)
        for first, last in share
    ]
    speeds = [float(np.sqrt(craft.airspeed_m_per_s**2 - wind.speed_m_per_s**2)) for craft in crafts]
    away = [float(free.distance(shapely.Point(*craft.base_m))) for craft in crafts]
    unseen = min(legs.missed_m2, free.area)
    least_s = bound_s(free.area - unseen, camera.spacing_m, list(zip(crafts, away, speeds, strict=True)))
    leg_m = float(np.hypot(*(legs.ends_m[:, 1] - legs.ends_m[:, 0]).T).sum())
    flown = sum(float(np.hypot(*np.diff(plane.forward(each.lonlat_deg), axis=0).T).sum()) for each in flights)
    return Survey(
        tuple(flights), len(legs.ends_m), legs.direction_deg, legs.spacing_m, free.area / 1e6,
        1.0 - unseen / free.area, back_s, least_s, leg_m / METERS_PER_KM, flown / METERS_PER_KM, (NOTE,),
    )  # fmt: skip


def _same_or_new(craft: Craft, times: Times, legs: Legs, wind: FloatArray, air: OpenAir) -> Times:
    """Return the times of the first drone where another is its like, else its own."""
    first = times.craft
    is_like = craft.airspeed_m_per_s == first.airspeed_m_per_s and np.array_equal(craft.base_m, first.base_m)
    if is_like and (craft.usable_s, craft.turn_s, craft.change_s) == (first.usable_s, first.turn_s, first.change_s):
        return times
    return Times(legs.ends_m, craft, wind, air)


__all__ = ["NOTE", "Camera", "Drone", "FlatEarth", "Sortie", "Survey", "Wind", "bound_s", "flat_earth", "survey"]
