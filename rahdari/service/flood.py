"""Water in an image, and what it touches of a plan: people, places, sites, roads and fibre."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
import shapely
from pydantic import Field

from rahdari.errors import InputError, Problem
from rahdari.methods.geo import great_circle_km
from rahdari.methods.pixel_area import area_km2, degree_lengths_m, pixel_areas_m2, values_at
from rahdari.methods.water_mask import DRY, NO_DATA, WATER, water_mask
from rahdari.model.params import Params
from rahdari.sources.flood_image import Grid, read_image, read_mask
from rahdari.store.query import OWNER, Clearance, PlanReader
from rahdari.store.raster import LayerFile, write_cog

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    FloatArray = NDArray[np.float64]
    Mask = NDArray[np.uint8]

PERMANENT = 2  # in a mask in memory alone: water that is always there
DISC_POINTS = 61  # a settlement is looked at in so many points over its area
GOLDEN = np.pi * (3.0 - np.sqrt(5.0))
WAY_STEP_DEG = 0.0005  # ways are looked at every 50 m or so
N_WORKERS = 2
GEOJSON = (".geojson", ".json")
PEOPLE_NOTE = (
    "People: each place as a disc of its own area with its people spread evenly, a coarse model; no census block."
)
WATER_NOTE = "Rivers and lakes that are always there count as flooded: no layer of them was given (--permanent FILE)."
OTSU_NOTE = (
    "The threshold supposes that the image holds both water and land: an image of one alone is split all the same."
)


class MapRequest(Params):
    """Map water in an image."""

    images: tuple[Path, ...] = Field(min_length=1, description="GeoTIFF with several bands, or one file a band")
    method: str | None = Field(
        None, description="ndwi-otsu, mndwi-otsu or vh-otsu; none: the first whose bands are there"
    )
    bands: dict[str, int] = Field(default_factory=dict, description="Number of each band from 1, over all files")
    permanent: Path | None = Field(None, description="Water that is always there: a mask, or polygons in GeoJSON")
    out: Path | None = Field(None, description="Where the mask goes")
    plan: Path | None = Field(None, description="Plan folder; none: area alone")


class DistrictTouched(Params):
    """What the flood touches in one district."""

    district: str
    people_flooded: int
    people_seen: int
    n_places_flooded: int
    n_sites_flooded: int
    n_sites_seen: int


class Touched(Params):
    """What water touches of what the image shows."""

    people_flooded: int
    people_seen: int
    n_places_flooded: int
    n_places_seen: int
    n_sites_flooded: int
    n_sites_seen: int
    road_flooded_km: float
    road_seen_km: float
    fibre_flooded_km: float
    fibre_seen_km: float
    n_links_flooded: int
    districts: list[DistrictTouched]


class MapResponse(Params):
    """A mask and what it says."""

    method: str
    bands: str
    mask: Path | None
    n_rows: int
    n_columns: int
    system: str
    flooded_km2: float
    permanent_km2: float
    dry_km2: float
    unseen_km2: float
    touched: Touched | None
    notes: list[str]


@dataclass(frozen=True, eq=False)
class Ground:
    """A mask (0 dry, 1 flooded, 2 always water, 255 not seen) and where it lies."""

    mask: Mask
    grid: Grid

    @cached_property
    def _areas(self) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
        return pixel_areas_m2(self.mask.shape, self.grid.affine, self.grid.degrees)

    def km2(self, kind: int) -> float:
        """Return the true area of pixels of one kind."""
        return area_km2(self.mask == kind, self._areas)

    def at(self, lon_deg: FloatArray, lat_deg: FloatArray) -> Mask:
        """Return the mask at points, 255 outside."""
        return values_at(self.mask, *self.grid.pixels(lon_deg, lat_deg), NO_DATA)

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """Return west, south, east and north of the grid in degrees."""
        a, _, c, _, e, f = self.grid.affine
        share = np.linspace(0.0, 1.0, 33)
        x, y = c + a * self.grid.n_columns * share, f + e * self.grid.n_rows * share
        ends = [self.grid.degrees(x, np.full_like(x, y[i])) for i in (0, -1)]
        ends += [self.grid.degrees(np.full_like(y, x[i]), y) for i in (0, -1)]
        lon, lat = (np.concatenate([end[k] for end in ends]) for k in (0, 1))
        return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """What of a plan lies in a box: frames with what the mask says of their rows."""

    places: pl.DataFrame
    sites: pl.DataFrame
    ways: pl.DataFrame
    links: pl.DataFrame


def _in_box(frame: pl.DataFrame, box: tuple[float, float, float, float]) -> pl.DataFrame:
    west, south, east, north = box
    return frame.filter(pl.col("lon_deg").is_between(west, east) & pl.col("lat_deg").is_between(south, north))


def _places(frame: pl.DataFrame, ground: Ground) -> pl.DataFrame:
    """Return places with the shares of their disc that are seen and that are flooded."""
    near = _in_box(frame, ground.box).sort("place_id")
    k = np.arange(DISC_POINTS)
    out, turn = np.sqrt((k + 0.5) / DISC_POINTS), GOLDEN * k
    radius_m = np.sqrt(np.maximum(near["area_km2"].to_numpy(), 0.0) / np.pi) * 1000.0
    lon_m, lat_m = degree_lengths_m(near["lat_deg"].to_numpy())
    lon = near["lon_deg"].to_numpy()[:, None] + (radius_m / lon_m)[:, None] * (out * np.cos(turn))
    lat = near["lat_deg"].to_numpy()[:, None] + (radius_m / lat_m)[:, None] * (out * np.sin(turn))
    value = ground.at(lon.ravel(), lat.ravel()).reshape(lon.shape)
    seen, wet = (value != NO_DATA).mean(axis=1), (value == WATER).mean(axis=1)
    return near.with_columns(seen_frac=pl.Series(seen, dtype=pl.Float64), wet_frac=pl.Series(wet, dtype=pl.Float64))


def _lines(frame: pl.DataFrame, ground: Ground) -> pl.DataFrame:
    """Return lines with how many of their kilometres are seen and flooded."""
    shapes = np.asarray(shapely.from_wkb(frame["geometry"].to_list()), dtype=object)
    some = (
        np.flatnonzero(shapely.intersects(shapes, shapely.box(*ground.box))) if shapes.size else np.zeros(0, np.int64)
    )
    fine = shapely.segmentize(shapes[some], WAY_STEP_DEG)
    points, owner = shapely.get_coordinates(fine, return_index=True)
    same = owner[1:] == owner[:-1]
    start, end, own = points[:-1][same], points[1:][same], owner[1:][same]
    length = great_circle_km(start[:, 0], start[:, 1], end[:, 0], end[:, 1])
    middle = 0.5 * (start + end)
    value = ground.at(middle[:, 0], middle[:, 1])
    seen, wet = (
        np.bincount(own, length * flag, minlength=some.size) for flag in (value != NO_DATA, value == WATER)
    )  # fmt: skip
    return frame[some.tolist()].with_columns(
        seen_km=pl.Series(seen, dtype=pl.Float64), wet_km=pl.Series(wet, dtype=pl.Float64)
    )


def tables_on(reader: PlanReader, ground: Ground) -> Tables:
    """Return the places, sites, roads and fibre of a plan that a mask shows, with what it says of each."""
    sites = _in_box(reader.table("sites"), ground.box).sort("site_id")
    value = ground.at(sites["lon_deg"].to_numpy(), sites["lat_deg"].to_numpy())
    sites = sites.with_columns(is_seen=pl.Series(value != NO_DATA), is_wet=pl.Series(value == WATER))
    ways = reader.table("rights_of_way").sort("row_id")
    links = reader.table("links").filter(pl.col("kind") == "fibre").sort("link_id")
    return Tables(_places(reader.table("places"), ground), sites, _lines(ways, ground), _lines(links, ground))


def touched(reader: PlanReader, on: Tables) -> Touched:
    """Return the sums of what a mask touches, in all and by district."""
    names = reader.table("districts").select("district_id", district="name")
    people = on.places.with_columns(
        flooded=pl.col("n_people") * pl.col("wet_frac"), seen=pl.col("n_people") * pl.col("seen_frac"),
        is_wet=pl.col("wet_frac") > 0.0, is_seen=pl.col("seen_frac") > 0.0,
    )  # fmt: skip
    sites = on.sites.filter("is_seen").join(
        reader.table("places").select("place_id", "district_id"), on="place_id", how="left"
    )
    by_site = sites.group_by("district_id").agg(n_sites_seen=pl.len(), n_sites_flooded=pl.col("is_wet").sum())
    by_place = people.filter("is_seen").group_by("district_id").agg(
        people_flooded=pl.col("flooded").sum().round().cast(pl.Int64),
        people_seen=pl.col("seen").sum().round().cast(pl.Int64),
        n_places_flooded=pl.col("is_wet").sum(),
    )  # fmt: skip
    rows = (
        by_place.join(by_site, on="district_id", how="full", coalesce=True)
        .join(names, on="district_id", how="left")
        .with_columns(pl.col("district").fill_null("outside every district"), pl.exclude("district").fill_null(0))
        .sort("people_flooded", "district", descending=[True, False])
    )
    fields = list(DistrictTouched.model_fields)
    return Touched(
        people_flooded=round(float(people["flooded"].sum())), people_seen=round(float(people["seen"].sum())),
        n_places_flooded=int(people["is_wet"].sum()), n_places_seen=int(people["is_seen"].sum()),
        n_sites_flooded=int(sites["is_wet"].sum()), n_sites_seen=sites.height,
        road_flooded_km=float(on.ways["wet_km"].sum()), road_seen_km=float(on.ways["seen_km"].sum()),
        fibre_flooded_km=float(on.links["wet_km"].sum()), fibre_seen_km=float(on.links["seen_km"].sum()),
        n_links_flooded=on.links.filter(pl.col("wet_km") > 0.0).height,
        districts=[DistrictTouched(**row) for row in rows.select(fields).iter_rows(named=True)],
    )  # fmt: skip


def polygons_of(path: Path) -> list[BaseGeometry]:
    """Return the polygons of a GeoJSON file, in degrees; :class:`InputError` where there are none."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        features = told["features"] if told.get("type") == "FeatureCollection" else [told]
        shapes = [shapely.geometry.shape(each.get("geometry", each)) for each in features]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise InputError(
            Problem(f"is no GeoJSON: {error}", "export polygons as GeoJSON in degrees", str(path))
        ) from error
    found = [shape for shape in shapes if shape.geom_type in {"Polygon", "MultiPolygon"} and not shape.is_empty]
    if not found:
        raise InputError(Problem("holds no polygon", "draw at least one", str(path)))
    return found


def inside(grid: Grid, shapes: list[BaseGeometry]) -> NDArray[np.bool_]:
    """Return which pixels of a grid have their middle in one of some polygons given in degrees."""
    from affine import Affine
    from pyproj import Transformer
    from rasterio.features import geometry_mask

    move = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)

    def moved(points: FloatArray) -> FloatArray:
        return np.stack(move.transform(points[:, 0], points[:, 1]), axis=1)

    own = [shapely.transform(shape, moved) for shape in shapes]
    return np.asarray(geometry_mask(own, (grid.n_rows, grid.n_columns), Affine(*grid.affine), invert=True), np.bool_)


def without_permanent(ground: Ground, path: Path) -> Ground:
    """Return the ground with water that is always there marked as such."""
    if path.suffix.lower() in GEOJSON:
        is_always = inside(ground.grid, polygons_of(path))
    else:
        always, grid = read_mask(path)
        is_always = np.zeros(ground.mask.shape, np.bool_)
        columns = np.arange(ground.grid.n_columns, dtype=np.float64) + 0.5
        a, _, c, _, e, f = ground.grid.affine
        for row in range(ground.grid.n_rows):
            lon, lat = ground.grid.degrees(
                np.asarray(a * columns + c), np.full(columns.size, e * (row + 0.5) + f, np.float64)
            )
            is_always[row] = values_at(always, *grid.pixels(lon, lat), DRY) == WATER
    return Ground(np.where(is_always & (ground.mask == WATER), np.uint8(PERMANENT), ground.mask), ground.grid)


def write_mask(path: Path, ground: Ground, told: str, *, is_synthetic: bool = False) -> None:
    """Write a mask as a Cloud-Optimised GeoTIFF on its own grid: 0 dry, 1 flooded, 255 no data."""
    a, _, c, _, e, f = ground.grid.affine
    synthetic: dict[str, str] = {"synthetic": "yes: a made-up flood for exercise"} if is_synthetic else {}
    always = np.where(ground.mask == PERMANENT, np.uint8(DRY), ground.mask)
    write_cog(path, always, LayerFile(
        c, f, a, -e, ground.grid.n_rows, ground.grid.n_columns, "flood water: 0 dry or always water, 1 flooded",
        dtype="uint8", nodata=NO_DATA, overview="nearest", tags={"made_from": told, **synthetic}, crs=ground.grid.crs,
    ))  # fmt: skip


def flood_map(request: MapRequest, clearance: Clearance = OWNER) -> MapResponse:
    """Return the water of an image and what it touches; the mask is written where ``out`` says.

    Images without bands, georeference or whole content raise :class:`InputError` with the cure.
    """
    image = read_image(request.images, request.method, request.bands)
    ground = Ground(water_mask(image.bands, image.method, n_workers=N_WORKERS), image.grid)
    if request.permanent is not None:
        ground = without_permanent(ground, request.permanent)
    if request.out is not None:
        write_mask(request.out, ground, image.described)
    notes = [OTSU_NOTE, *([WATER_NOTE] if request.permanent is None else [])]
    found = None
    if request.plan is not None:
        reader = PlanReader(request.plan, clearance)
        found = touched(reader, tables_on(reader, ground))
        notes += [PEOPLE_NOTE, str(reader.table("country")["boundary_note"][0])]
        if not found.n_places_seen:
            notes.append("The image shows no place of this plan.")
    kinds: tuple[Literal[1, 2, 0, 255], ...] = (1, 2, 0, 255)
    flooded, always, dry, unseen = (ground.km2(kind) for kind in kinds)
    return MapResponse(
        method=image.method, bands=image.described, mask=request.out, n_rows=image.grid.n_rows,
        n_columns=image.grid.n_columns, system=image.grid.crs, flooded_km2=flooded, permanent_km2=always, dry_km2=dry,
        unseen_km2=unseen, touched=found, notes=notes,
    )  # fmt: skip


def as_json(value: Any) -> str:  # noqa: ANN401  # whatever JSON holds
    """Return JSON text, keys in order, so that equal values give equal files."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


__all__ = [
    "DistrictTouched", "Ground", "MapRequest", "MapResponse", "Tables", "Touched", "as_json", "flood_map", "inside",
    "polygons_of", "tables_on", "touched", "without_permanent", "write_mask",
]  # fmt: skip
