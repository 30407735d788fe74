"""Where a drone may not go: round airports, near land borders, in no-fly zones.  A plan's picture, no authority's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely

from rahdari.methods.geo import great_circle_km, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

    from rahdari.methods.survey import FlatEarth

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

AIRPORT_KM = 6.0  # draft rules of Pakistan, 2024
BORDER_KM = 5.0  # the draft says near borders and gives no figure: assumed
BORDER_STEP_KM = 0.5  # borders are taken as points so far apart
KM_PER_DEG = 111.195
M_PER_KM = 1000.0
BESIDE_DEG = 0.3  # what lies so far beside a shape may reach into it
CIRCLE = ("lon_deg", "lat_deg", "radius_km")
REASONS = ("airport", "border", "no-fly zone")


def _none() -> pl.DataFrame:
    return pl.DataFrame(
        schema={"name": pl.String, "lon_deg": pl.Float64, "lat_deg": pl.Float64, "radius_km": pl.Float64}
    )


@dataclass(frozen=True, slots=True, eq=False)
class Airspace:
    """Airports and round zones (``name``, ``lon_deg``, ``lat_deg``, ``radius_km``), border lines, drawn zones.

    ``borders`` and ``zones`` are shapely geometries in degrees; ``border_km`` is how near a border nobody flies.
    """

    airports: pl.DataFrame = field(default_factory=_none)
    rounds: pl.DataFrame = field(default_factory=_none)
    borders: Sequence[BaseGeometry] = ()
    zones: Sequence[BaseGeometry] = ()
    border_km: float = BORDER_KM

    def closed(
        self, lon_deg: ArrayLike, lat_deg: ArrayLike, from_border_km: FloatArray | None = None
    ) -> dict[str, BoolArray]:
        """Return for (n,) points whether each of :data:`REASONS` closes them; ``from_border_km`` where it is known."""
        lon, lat = np.atleast_1d(np.asarray(lon_deg, np.float64)), np.atleast_1d(np.asarray(lat_deg, np.float64))
        away = border_distance_km(self.borders, lon, lat) if from_border_km is None else from_border_km
        in_zone = _within(self.rounds, lon, lat)
        for zone in self.zones:
            in_zone |= shapely.contains_xy(zone, lon, lat)
        return {
            "airport": _within(self.airports, lon, lat),
            "border": away < self.border_km,
            "no-fly zone": in_zone,
        }


def _within(circles: pl.DataFrame, lon: FloatArray, lat: FloatArray) -> BoolArray:
    found = np.zeros(lon.size, np.bool_)
    for x, y, radius in circles.select("lon_deg", "lat_deg", "radius_km").iter_rows():
        found |= great_circle_km(lon, lat, x, y) < radius
    return found


def nearest_airport_km(airspace: Airspace, lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Return the distance of (n,) points to the nearest airport, infinite without any."""
    some = airspace.airports
    if not some.height:
        return np.full(lon.size, np.inf)
    return nearest(lon, lat, some["lon_deg"].to_numpy(), some["lat_deg"].to_numpy())[1]


def border_distance_km(borders: Sequence[BaseGeometry], lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Return the distance (n,) to the nearest border, infinite without any; lines are taken as points 0.5 km apart."""
    parts = [shapely.get_coordinates(shapely.segmentize(line, BORDER_STEP_KM / KM_PER_DEG)) for line in borders]
    points = np.concatenate(parts) if parts else np.empty((0, 2))
    return nearest(lon, lat, points[:, 0], points[:, 1])[1] if len(points) else np.full(lon.size, np.inf)


def closed_shapes(
    airspace: Airspace, around: BaseGeometry, plane: FlatEarth, over_ratio: float = 1.0
) -> list[BaseGeometry]:
    """Return on a plane what is closed near a shape in degrees; distances times ``over_ratio``.

    Circles have 32 corners: round the circle where the ratio is 1 and more, else within it.
    """
    west, south, east, north = around.bounds
    near = shapely.box(west - BESIDE_DEG, south - BESIDE_DEG, east + BESIDE_DEG, north + BESIDE_DEG)
    found = [shapely.transform(zone, plane.forward) for zone in airspace.zones if shapely.intersects(zone, near)]
    rim = 1.0 / np.cos(np.pi / 32.0) if over_ratio >= 1.0 else 1.0
    for x, y, radius in pl.concat([airspace.airports, airspace.rounds]).select(CIRCLE).iter_rows():
        if shapely.contains_xy(near, x, y):
            point = shapely.Point(plane.forward(np.array([[x, y]]))[0])
            found.append(shapely.buffer(point, radius * M_PER_KM * over_ratio * rim, quad_segs=8))
    for line in airspace.borders:
        part = shapely.transform(shapely.intersection(line, near), plane.forward)
        found.append(shapely.buffer(part, airspace.border_km * M_PER_KM * over_ratio, quad_segs=4))
    return [shape for shape in found if not shape.is_empty]


def airspace_of(
    landmarks: pl.DataFrame,
    outline: pl.DataFrame,
    rules: pl.DataFrame,
    zones: pl.DataFrame,
    *,
    border_km: float = BORDER_KM,
) -> Airspace:
    """Return the closed air of a country from its tables ``landmarks``, ``outline``, ``drone_rules``, ``no_fly_zones``.

    The widest stated distance of a kind of rule holds, draft or in force; a rule that states none leaves ours.
    """
    stated = dict(
        rules.filter(pl.col("status") != "repealed").group_by("kind").agg(pl.col("limit_value").max()).iter_rows()
    )
    airport_km = AIRPORT_KM if stated.get("airport_distance") is None else stated["airport_distance"]
    near_km = border_km if stated.get("border_distance") is None else stated["border_distance"]
    airports = landmarks.filter(pl.col("kind") == "airport").sort("landmark_id")
    lines = outline.sort("outline_id")
    shapes = [shapely.from_wkb(drawn) for drawn in lines["geometry"].to_list()]
    return Airspace(
        airports.select("name", "lon_deg", "lat_deg", radius_km=pl.lit(float(airport_km))),
        zones.sort("zone_id").select("name", "lon_deg", "lat_deg", "radius_km"),
        tuple(shape for shape in shapes if shape.geom_type.endswith("LineString")),
        border_km=float(near_km),
    )


__all__ = [
    "AIRPORT_KM",
    "BORDER_KM",
    "REASONS",
    "Airspace",
    "airspace_of",
    "border_distance_km",
    "closed_shapes",
    "nearest_airport_km",
]
