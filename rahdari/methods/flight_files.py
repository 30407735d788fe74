"""Flights as files that other programs open: GeoJSON, a QGroundControl plan, volumes of ASTM F3548."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from rahdari.errors import Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

NOTE = "planning only; not an authorisation to fly"
TAKE_OFF, WAY_POINT, RETURN, TRIGGER = 22, 16, 20, 206  # MAVLink commands
RELATIVE_HEIGHT, ABOVE_TERRAIN = 3, 10  # MAVLink frames
MULTI_COPTER = 2
PX4 = 12
DIGITS = 7  # of a degree: a centimetre
EARTH_M_PER_DEG = 111_320.0


def _points(lonlat_deg: ArrayLike) -> FloatArray:
    points = np.asarray(lonlat_deg, np.float64)
    is_line = points.ndim == 2 and points.shape[0] > 1 and points.shape[1] == 2 and np.isfinite(points).all()  # noqa: PLR2004
    raise_if_any([] if is_line else [Problem("a flight has no way points", "give two or more of lon, lat in degrees")])
    return points


def flights_geojson(flights: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return flights as a GeoJSON collection (RFC 7946), one line each, with the note on every one.

    Each flight has ``lonlat_deg`` (n, 2) and any further properties that JSON can hold.
    """
    features = [
        {
            "type": "Feature",
            "properties": {**{key: value for key, value in flight.items() if key != "lonlat_deg"}, "note": NOTE},
            "geometry": {"type": "LineString", "coordinates": _points(flight["lonlat_deg"]).round(DIGITS).tolist()},
        }
        for flight in flights
    ]
    return {"type": "FeatureCollection", "note": NOTE, "features": features}


def _item(command: int, number: int, params: list[float | None], frame: int, height_m: float) -> dict[str, Any]:
    return {
        "type": "SimpleItem", "autoContinue": True, "command": command, "doJumpId": number, "frame": frame,
        "params": params, "Altitude": height_m, "AltitudeMode": 1 if frame == RELATIVE_HEIGHT else 3,
        "AMSLAltAboveTerrain": None,
    }  # fmt: skip


def qgroundcontrol_plan(
    lonlat_deg: ArrayLike,
    height_m: float,
    speed_m_per_s: float,
    *,
    is_leg: ArrayLike | None = None,
    trigger_m: float = 0.0,
    is_above_terrain: bool = False,
    closed: Sequence[shapely.Polygon] = (),
) -> dict[str, Any]:
    """Return one flight as the JSON of a QGroundControl ``.plan`` (version 1, mission version 2).

    Take-off at the first way point, return to launch at the end; heights are above the launch point, or above terrain.
    Over stretches marked ``is_leg`` (n - 1,) the camera is triggered every ``trigger_m``.  ``closed`` areas become
    exclusion fences.  Raises :class:`InputError` for fewer than two points or a height or speed that is none.
    """
    points = _points(lonlat_deg).round(DIGITS)
    legs = np.zeros(len(points) - 1, np.bool_) if is_leg is None else np.asarray(is_leg, np.bool_)
    problems = []
    if not (0 < height_m < 10_000 and 0 < speed_m_per_s < 300):  # noqa: PLR2004
        problems.append(Problem("height or speed is none", "give metres and metres a second above 0"))
    if legs.shape != (len(points) - 1,):
        problems.append(Problem("legs and way points differ in number", "give one flag a stretch"))
    raise_if_any(problems)
    frame = ABOVE_TERRAIN if is_above_terrain else RELATIVE_HEIGHT
    items: list[dict[str, Any]] = []

    def add(command: int, params: list[float | None]) -> None:
        items.append(_item(command, len(items) + 1, params, frame, height_m))

    add(TAKE_OFF, [0, 0, 0, None, points[0, 1], points[0, 0], height_m])
    is_on = False
    for k in range(1, len(points)):
        if trigger_m > 0 and bool(legs[k - 1]) != is_on:
            is_on = bool(legs[k - 1])
            add(TRIGGER, [trigger_m if is_on else 0.0, 0, 1 if is_on else 0, 0, 0, 0, 0])
        add(WAY_POINT, [0, 0, 0, None, points[k, 1], points[k, 0], height_m])
    add(RETURN, [0, 0, 0, 0, 0, 0, 0])
    fences = [
        {"inclusion": False, "version": 1, "polygon": [[y, x] for x, y in np.round(shape.exterior.coords, DIGITS)[:-1]]}
        for shape in closed
    ]
    return {
        "fileType": "Plan", "version": 1, "groundStation": "QGroundControl", "note": NOTE,
        "geoFence": {"circles": [], "polygons": fences, "version": 2},
        "rallyPoints": {"points": [], "version": 2},
        "mission": {
            "version": 2, "firmwareType": PX4, "vehicleType": MULTI_COPTER, "globalPlanAltitudeMode": 1,
            "cruiseSpeed": speed_m_per_s, "hoverSpeed": speed_m_per_s, "items": items,
            "plannedHomePosition": [points[0, 1], points[0, 0], 0.0],
        },
    }  # fmt: skip


def _moment(at: dt.datetime) -> dict[str, str]:
    return {"value": at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z"), "format": "RFC3339"}


def _height(value_m: float) -> dict[str, Any]:
    return {"value": round(value_m, 1), "reference": "W84", "units": "M"}


def f3548_volumes(
    lonlat_deg: ArrayLike,
    times_s: ArrayLike,
    ground_m: ArrayLike,
    height_m: float,
    start: dt.datetime,
    *,
    half_width_m: float = 50.0,
    half_height_m: float = 15.0,
    slack_s: float = 60.0,
) -> list[dict[str, Any]]:
    """Return a flight as 4-D volumes of ASTM F3548-21, one for each stretch, in order.

    ``times_s`` (n,) is when each way point is passed after ``start`` (with a time zone), ``ground_m`` (n,) the ground
    there.  Each volume holds its stretch widened by ``half_width_m``, from the lowest ground plus ``height_m`` less
    ``half_height_m`` to the highest plus both, from ``slack_s`` before to ``slack_s`` after.  Heights should be above
    the WGS 84 ellipsoid: heights above sea level need the geoid added by the caller.
    """
    points = _points(lonlat_deg)
    times, ground = np.asarray(times_s, np.float64), np.asarray(ground_m, np.float64)
    problems = []
    if times.shape != (len(points),) or ground.shape != times.shape or not np.isfinite([times, ground]).all():
        problems.append(Problem("times or ground do not match the way points", "give one number a way point"))
    elif (np.diff(times) < 0).any():
        problems.append(Problem("times run backwards", "give the way points in the order they are flown"))
    if start.tzinfo is None:
        problems.append(Problem("the start has no time zone", "give it in UTC"))
    raise_if_any(problems)
    found = []
    for k in range(len(points) - 1):
        scale = np.array([EARTH_M_PER_DEG * np.cos(np.radians(points[k, 1])), EARTH_M_PER_DEG])
        line = shapely.LineString((points[k : k + 2] - points[k]) * scale)
        ring = np.asarray(shapely.buffer(line, half_width_m, quad_segs=2).exterior.coords)[:-1]
        corners = (ring / scale + points[k]).round(DIGITS)
        low, high = float(ground[k : k + 2].min()), float(ground[k : k + 2].max())
        found.append({
            "volume": {
                "outline_polygon": {"vertices": [{"lng": x, "lat": y} for x, y in corners.tolist()]},
                "altitude_lower": _height(low + height_m - half_height_m),
                "altitude_upper": _height(high + height_m + half_height_m),
            },
            "time_start": _moment(start + dt.timedelta(seconds=float(times[k]) - slack_s)),
            "time_end": _moment(start + dt.timedelta(seconds=float(times[k + 1]) + slack_s)),
        })  # fmt: skip
    return found


__all__ = ["NOTE", "f3548_volumes", "flights_geojson", "qgroundcontrol_plan"]
