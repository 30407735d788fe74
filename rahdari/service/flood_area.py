"""The area of a flood day: polygons from a file, or a district as the ground nearest to its places."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely

from rahdari.errors import InputError, Problem
from rahdari.methods.pixel_area import degree_lengths_m
from rahdari.service.flood import GEOJSON, polygons_of

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from rahdari.store.query import PlanReader

NEAR_DEG = 0.4  # places so far around a district bound its ground
REACH_DEG = 0.15  # ground farther than this from every place of the district is left out
SIMPLE_DEG = 0.002
POLYGON_DIMENSIONS = 2
WIDEST_DEG = 3.0
NOTE_DISTRICT = (
    "The district is drawn as the ground nearer to its places than to those of others, within 15 km: a model, not its "
    "surveyed boundary."
)


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """An area: its name, its shape in degrees, the places inside, and what to know of it."""

    name: str
    shape: BaseGeometry
    places: pl.DataFrame
    notes: tuple[str, ...]

    @property
    def km2(self) -> float:
        """Return the area, from the ellipsoid's lengths of a degree at its middle latitude."""
        lon_m, lat_m = degree_lengths_m(self.shape.centroid.y)
        return float(self.shape.area * lon_m * lat_m / 1e6)


def area_of(reader: PlanReader, given: str) -> Area:
    """Return the area named: a GeoJSON file of polygons, or a district by name or identifier.

    Raises :class:`InputError` for an unknown district with those like it, and for polygons that cross themselves.
    """
    path = Path(given)
    if path.suffix.lower() in GEOJSON:
        return _of_file(reader, path)
    districts = reader.table("districts")
    asked = given.strip().casefold()
    found = districts.filter(
        (pl.col("district_id") == given) | (pl.col("name").str.to_lowercase() == asked)
    )  # fmt: skip
    if found.height != 1:
        near = difflib.get_close_matches(given, districts["name"].to_list(), n=5, cutoff=0.4)
        cure = f"use a district such as {', '.join(near or districts['name'].sort().head(5).to_list())}, or a .geojson"
        raise InputError(Problem(f"there is no district {given}", cure))
    row = found.row(0, named=True)
    places = reader.table("places").sort("place_id")
    own = places.filter(pl.col("district_id") == row["district_id"])
    if not own.height:
        raise InputError(Problem(f"district {row['name']} has no place", "give a polygon in GeoJSON"))
    made = Area(str(row["name"]), _district(reader, places, own), own, (NOTE_DISTRICT,))
    census = row.get("area_km2")
    told = f"It comes to {made.km2:,.0f} km2" + (f"; the census says {census:,.0f}." if census else ".")
    return replace(made, notes=(f"{NOTE_DISTRICT} {told}",))


def _of_file(reader: PlanReader, path: Path) -> Area:
    shapes = polygons_of(path)
    broken = next((shape for shape in shapes if not shape.is_valid), None)
    if broken is not None:
        what = f"a polygon crosses itself or is otherwise broken: {shapely.is_valid_reason(broken)}"
        raise InputError(Problem(what, "draw its edge without loops", str(path)))
    shape = shapely.union_all(shapes)
    west, south, east, north = shape.bounds
    if max(east - west, north - south) > WIDEST_DEG or abs(south) > 85.0 or abs(north) > 85.0:  # noqa: PLR2004
        what = "the polygons are no area of a flood day in degrees"
        raise InputError(Problem(what, f"give longitude and latitude, at most {WIDEST_DEG:g} degrees wide", str(path)))
    places = reader.table("places").sort("place_id")
    is_in = shapely.contains_xy(shape, places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy())
    if not is_in.any():
        what = "no place of the plan lies in the polygons"
        raise InputError(Problem(what, "draw them over settled ground", str(path)))
    return Area(path.stem, shape, places.filter(pl.Series(is_in)), ())


def _district(reader: PlanReader, places: pl.DataFrame, own: pl.DataFrame) -> BaseGeometry:
    box = [own["lon_deg"].min(), own["lat_deg"].min(), own["lon_deg"].max(), own["lat_deg"].max()]
    west, south, east, north = (float(str(value)) for value in box)
    near = places.filter(
        pl.col("lon_deg").is_between(west - NEAR_DEG, east + NEAR_DEG)
        & pl.col("lat_deg").is_between(south - NEAR_DEG, north + NEAR_DEG)
    ).unique(["lon_deg", "lat_deg"], keep="first", maintain_order=True)
    points = np.asarray(shapely.points(near["lon_deg"].to_numpy(), near["lat_deg"].to_numpy()), dtype=object)
    is_own = (near["district_id"] == own["district_id"][0]).to_numpy()
    reach = shapely.union_all(shapely.buffer(points[is_own], REACH_DEG, quad_segs=4))
    if near.height == 1:
        return reach
    frame = shapely.box(west - NEAR_DEG, south - NEAR_DEG, east + NEAR_DEG, north + NEAR_DEG)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=frame, ordered=True))
    shape = shapely.intersection(shapely.union_all(cells[is_own]), reach)
    lands = [each for each in shapely.from_wkb(reader.table("outline")["geometry"].to_list())
             if shapely.get_dimensions(each) == POLYGON_DIMENSIONS] if "outline" in reader.names else []  # fmt: skip
    if lands:
        on_land = shapely.intersection(shape, shapely.union_all(lands))
        shape = shape if on_land.is_empty else on_land
    return shapely.simplify(shape, SIMPLE_DEG).buffer(0)


__all__ = ["Area", "area_of"]
