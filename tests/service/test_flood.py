"""Water in an image: bands found, true areas, what is touched, and what is wrong with a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Geod

from rahdari.errors import InputError
from rahdari.methods.pixel_area import area_km2, pixel_areas_m2
from rahdari.service import flood
from rahdari.service.flood import MapRequest, flood_map
from rahdari.sources import flood_image
from rahdari.store.query import PlanReader

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

WET, DRY = 0.08, 0.32  # reflectances in the near infrared
GREEN = 0.12
LON, LAT, STEP = 70.0, 30.0, 0.001
IOU = {"ndwi-otsu": 0.69, "mndwi-otsu": 0.71, "vh-otsu": 0.60}


def image(
    path: Path, bands: dict[str, np.ndarray], *, at: tuple[float, float] = (LON, LAT), step: float = STEP,
    crs: str | None = "EPSG:4326", nodata: float | None = None,
) -> Path:  # fmt: skip
    first = next(iter(bands.values()))
    place = {} if crs is None else {"crs": crs, "transform": Affine(step, 0, at[0], 0, -step, at[1])}
    with rasterio.open(
        path, "w", driver="GTiff", width=first.shape[1], height=first.shape[0], count=len(bands), dtype="float32",
        nodata=nodata, **place,
    ) as file:  # fmt: skip
        for number, (name, band) in enumerate(bands.items(), 1):
            file.write(band.astype(np.float32), number)
            file.set_band_description(number, name)
    return path


def lake(n: int = 100) -> dict[str, np.ndarray]:
    """Return an image whose left half is water."""
    nir = np.full((n, n), DRY)
    nir[:, : n // 2] = WET
    return {"B3": np.full((n, n), GREEN), "B8": nir}


def test_a_mask_keeps_the_place_of_its_image_and_says_what_is_no_data(tmp_path: Path) -> None:
    bands = lake()
    bands["B3"][0, 0] = bands["B8"][0, 0] = -9999.0
    found = flood_map(MapRequest(images=(image(tmp_path / "a.tif", bands, nodata=-9999.0),), out=tmp_path / "m.tif"))
    assert found.method == "ndwi-otsu"
    with rasterio.open(tmp_path / "m.tif") as file:
        mask = file.read(1)
        assert file.nodata == 255
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.crs.to_string() == "EPSG:4326"
        assert file.transform.almost_equals(Affine(STEP, 0, LON, 0, -STEP, LAT))
    assert mask[0, 0] == 255
    assert (mask[1:, :50] == 1).all()
    assert (mask[:, 50:] == 0).all()


@pytest.mark.parametrize("lat", [-60.0, 0.0, 30.0, 75.0])
def test_areas_in_degrees_are_those_of_the_ellipsoid(lat: float, tmp_path: Path) -> None:
    path = image(tmp_path / "a.tif", lake(), at=(LON, lat))
    found = flood_map(MapRequest(images=(path,)))
    south, east = lat - 100 * STEP, LON + 50 * STEP
    exact, _ = Geod(ellps="WGS84").polygon_area_perimeter([LON, east, east, LON], [south, south, lat, lat])
    assert found.flooded_km2 == pytest.approx(abs(exact) / 1e6, rel=1e-4)
    assert found.flooded_km2 == pytest.approx(found.dry_km2, rel=1e-6)


@pytest.mark.parametrize(("crs", "rel"), [("EPSG:32642", 2e-3), ("EPSG:3857", 0.5)])
def test_areas_in_metres_are_true_ones_not_those_of_the_grid(crs: str, rel: float) -> None:
    grid = flood_image.Grid(50, 80, (10.0, 0.0, 500_000.0, 0.0, -10.0, 3_300_000.0), crs)
    lon, lat = grid.degrees(
        np.array([500_000.0, 500_800.0, 500_800.0, 500_000.0]),
        np.array([3_300_000.0, 3_300_000.0, 3_299_500.0, 3_299_500.0]),
    )
    exact = abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0]) / 1e6
    nodes = pixel_areas_m2((50, 80), grid.affine, grid.degrees)
    assert area_km2(np.ones((50, 80), np.bool_), nodes) == pytest.approx(exact, rel=1e-4)
    assert exact == pytest.approx(0.4, rel=rel)


def test_bands_are_found_by_number_by_name_and_one_a_file(tmp_path: Path) -> None:
    bands = lake()
    whole = flood_map(MapRequest(images=(image(tmp_path / "a.tif", bands),))).flooded_km2
    plain = image(tmp_path / "plain.tif", {"": bands["B8"], " ": bands["B3"]})
    with pytest.raises(InputError, match="--bands"):
        flood_map(MapRequest(images=(plain,)))
    assert flood_map(MapRequest(images=(plain,), bands={"green": 2, "nir": 1})).flooded_km2 == whole
    apart = tuple(image(tmp_path / f"T42_{name}_10m.tif", {"": band}) for name, band in
                  (("B08", bands["B8"]), ("B03", bands["B3"])))  # fmt: skip
    assert flood_map(MapRequest(images=apart)).flooded_km2 == whole
    coarse = image(tmp_path / "T42_B11_20m.tif", {"": bands["B8"][::2, ::2]}, step=2 * STEP)
    told = flood_map(MapRequest(images=(apart[1], coarse)))
    assert told.method == "mndwi-otsu"
    assert told.flooded_km2 == pytest.approx(whole)
    with pytest.raises(InputError, match="bands are 1 to 2"):
        flood_map(MapRequest(images=(plain,), bands={"green": 3}))


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_images_that_cannot_be_used_say_so_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = image(tmp_path / "nowhere.tif", lake(), crs=None)
    with pytest.raises(InputError, match=r"where it lies.*gdal_edit"):
        flood_map(MapRequest(images=(nowhere,)))
    whole = image(tmp_path / "whole.tif", lake(300))
    (tmp_path / "cut.tif").write_bytes(whole.read_bytes()[:4000])
    with pytest.raises(InputError, match="cannot be read"):
        flood_map(MapRequest(images=(tmp_path / "cut.tif",)))
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    with pytest.raises(InputError, match="QGIS"):
        flood_map(MapRequest(images=(tmp_path / "photo.jpg",)))
    with pytest.raises(InputError, match="no method"):
        flood_map(MapRequest(images=(whole,), method="by-eye"))
    other = image(tmp_path / "B8.tif", {"": lake()["B8"]}, at=(LON + 1.0, LAT))
    green = image(tmp_path / "B3.tif", {"": lake()["B3"]})
    with pytest.raises(InputError, match="elsewhere"):
        flood_map(MapRequest(images=(green, other)))
    monkeypatch.setattr(flood_image, "MAX_PIXELS", 1000)
    with pytest.raises(InputError, match="pixels, more than"):
        flood_map(MapRequest(images=(whole,)))


def test_water_that_is_always_there_is_no_flood(tmp_path: Path) -> None:
    path = image(tmp_path / "a.tif", lake())
    whole = flood_map(MapRequest(images=(path,))).flooded_km2
    always = tmp_path / "lake.geojson"
    ring = [[LON, LAT], [LON + 0.025, LAT], [LON + 0.025, LAT - 0.1], [LON, LAT - 0.1], [LON, LAT]]
    always.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    found = flood_map(MapRequest(images=(path,), permanent=always))
    assert found.flooded_km2 == pytest.approx(whole / 2, rel=1e-3)
    assert found.permanent_km2 == pytest.approx(whole / 2, rel=1e-3)
    mask = np.zeros((50, 50))
    mask[:, :10] = 1
    raster = image(tmp_path / "always.tif", {"": mask}, step=0.002)
    assert flood_map(MapRequest(images=(path,), permanent=raster)).permanent_km2 == pytest.approx(whole * 0.4, rel=1e-3)
    (tmp_path / "bad.geojson").write_text("{")
    with pytest.raises(InputError, match="no GeoJSON"):
        flood_map(MapRequest(images=(path,), permanent=tmp_path / "bad.geojson"))


def test_people_sites_and_ways_under_water_are_those_of_the_plan(small_plan: Plan, tmp_path: Path) -> None:
    places, sites = small_plan.tables["places"], small_plan.tables["sites"]
    lon, lat = (np.concatenate([places[name], sites[name]]) for name in ("lon_deg", "lat_deg"))
    west, north, step = float(lon.min()) - 0.5, float(lat.max()) + 0.5, 0.005
    shape = (int((north - lat.min() + 0.5) / step), int((lon.max() + 0.5 - west) / step))
    nir = np.full(shape, DRY)
    middle = float(np.median(sites["lon_deg"]))
    nir[:, : int((middle - west) / step)] = WET
    path = image(tmp_path / "a.tif", {"B3": np.full(shape, GREEN), "B8": nir}, at=(west, north), step=step)
    found = flood_map(MapRequest(images=(path,), plan=small_plan.folder)).touched
    assert found is not None
    edge = west + int((middle - west) / step) * step
    assert found.n_sites_flooded == int((sites["lon_deg"] < edge).sum())
    assert found.n_sites_seen == sites.height
    assert found.people_seen == int(places["n_people"].sum())
    assert 0 < found.people_flooded < found.people_seen
    assert sum(row.people_flooded for row in found.districts) == pytest.approx(found.people_flooded, abs=len(places))
    assert sum(row.n_sites_flooded for row in found.districts) == found.n_sites_flooded
    road_km = small_plan.tables["rights_of_way"]["length_km"].sum()
    assert 0.0 < found.road_flooded_km < found.road_seen_km < 1.3 * road_km
    assert found.fibre_flooded_km < found.fibre_seen_km


def test_a_wet_disc_counts_its_share_of_people(small_plan: Plan) -> None:
    place = small_plan.tables["places"].sort("area_km2").row(-1, named=True)
    radius_deg = np.sqrt(place["area_km2"] / np.pi) / 111.0
    step = radius_deg / 20.0
    grid = flood_image.Grid(
        80, 80, (step, 0.0, place["lon_deg"] - 40 * step, 0.0, -step, place["lat_deg"] + 40 * step), "EPSG:4326"
    )
    mask = np.zeros((80, 80), np.uint8)
    mask[:40] = 1  # the northern half
    on = flood.tables_on(PlanReader(small_plan.folder), flood.Ground(mask, grid))
    row = on.places.filter(on.places["place_id"] == place["place_id"]).row(0, named=True)
    assert row["seen_frac"] == 1.0
    assert row["wet_frac"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.shared
@pytest.mark.parametrize("method", IOU)
def test_a_labelled_satellite_image_is_met_through_the_whole_call(
    method: str, shared_folder: Path, tmp_path: Path
) -> None:
    name = "S1" if method == "vh-otsu" else "S2"
    folder = shared_folder / "validation" / "air"
    found = flood_map(
        MapRequest(images=(folder / f"Spain_7370579_{name}Hand.tif",), method=method, out=tmp_path / "mask.tif")
    )
    with rasterio.open(folder / "Spain_7370579_LabelHand.tif") as file, rasterio.open(tmp_path / "mask.tif") as made:
        label, mask = file.read(1), made.read(1)
        assert made.transform.almost_equals(file.transform)
    is_wet, is_labelled = mask == 1, label >= 0
    both = (is_wet & (label == 1) & is_labelled).sum()
    assert both / ((is_wet | (label == 1)) & is_labelled).sum() >= IOU[method]
    assert found.flooded_km2 + found.dry_km2 + found.unseen_km2 == pytest.approx(20.59, abs=0.02)
