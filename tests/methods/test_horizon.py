"""The terrain's rim around a place, against geometry that can be done by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.horizon import horizon
from rahdari.methods.points import Points, earth_fixed_km, local_axes, points_of
from rahdari.methods.raster import Raster, direct_geodesic
from rahdari.sources.terrain_raster import open_terrain

if TYPE_CHECKING:
    from pathlib import Path

STEP_DEG = 1.0 / 600.0  # some 170 m
WEST, NORTH, N = 73.0, 35.0, 720
HERE = (WEST + 0.6, NORTH - 0.6, 0.0)


def raster(value: np.ndarray, *, is_coarse: bool = False) -> Raster:
    return Raster(value.astype(np.float32), WEST, NORTH, STEP_DEG, STEP_DEG, is_coarse, "made for a test")


def cells() -> tuple[np.ndarray, np.ndarray]:
    row, column = np.meshgrid(np.arange(N), np.arange(N), indexing="ij")
    return WEST + (column + 0.5) * STEP_DEG, NORTH - (row + 0.5) * STEP_DEG


def seen_deg(lon: float, lat: float, height_m: float, eye_m: float) -> float:
    """Return the elevation of a point from :data:`HERE`, exact on the ellipsoid."""
    eye, top = points_of((HERE[0], HERE[1], eye_m)), points_of((lon, lat, height_m))
    local = local_axes(eye)[0] @ (earth_fixed_km(top) - earth_fixed_km(eye))[0]
    return math.degrees(math.atan2(local[2], math.hypot(local[0], local[1])))


def test_on_a_plain_the_horizon_dips_as_the_earth_bends() -> None:
    found = horizon(HERE, raster(np.full((N, N), 200.0)), antenna_m=20.0)
    # From 20 m up the ground is tangent at sqrt(2 R h), some 16 km away, at an angle of sqrt(2 h / R) below level.
    assert np.allclose(found.angle_deg, -math.degrees(math.sqrt(2.0 * 20.0 / 6_371_000.0)), atol=0.002)
    assert not found.cut_frac.any()


@pytest.mark.parametrize(("azimuth_deg", "distance_km"), [(0.0, 8.0), (70.0, 25.0), (180.0, 40.0), (290.0, 33.0)])
def test_a_wide_ridge_stands_as_high_as_geometry_on_the_ellipsoid_says(azimuth_deg: float, distance_km: float) -> None:
    lon, lat = direct_geodesic(HERE[0], HERE[1], azimuth_deg, [1000.0 * distance_km])
    grid_lon, grid_lat = cells()
    shrink = math.cos(math.radians(HERE[1]))
    away = np.hypot((grid_lon - lon[0]) * shrink, grid_lat - lat[0]) * 111.0
    found = horizon(HERE, raster(np.where(away < 1.5, 2500.0, 300.0)), antenna_m=0.0)
    sector = round(azimuth_deg / 10.0)
    # The near edge of the summit is the highest: it is met between its true place and one step farther.
    near, far = (direct_geodesic(HERE[0], HERE[1], azimuth_deg, [1000.0 * (distance_km - d)]) for d in (1.8, 1.0))
    highest = seen_deg(float(near[0][0]), float(near[1][0]), 2500.0, 300.0)
    lowest = seen_deg(float(far[0][0]), float(far[1][0]), 2500.0, 300.0)
    assert lowest <= found.angle_deg[0, sector] <= highest
    assert found.angle_deg[0, (sector + 18) % 36] < 0.0


def test_a_cone_seen_from_its_pit_is_the_same_all_round() -> None:
    grid_lon, grid_lat = cells()
    away = np.hypot((grid_lon - HERE[0]) * math.cos(math.radians(HERE[1])), grid_lat - HERE[1]) * 111.0
    found = horizon(HERE, raster(1000.0 + 100.0 * np.minimum(away, 10.0)), antenna_m=0.0, reach_km=40.0)
    assert np.allclose(found.angle_deg, math.degrees(math.atan(0.1)), atol=0.25)


def test_more_rays_never_lower_a_sector_and_neither_order_nor_company_matters() -> None:
    random = np.random.Generator(np.random.Philox(key=5))
    ground = raster(random.uniform(0.0, 3000.0, (N, N)))
    places = Points(random.uniform(73.5, 73.7, 12), random.uniform(34.3, 34.5, 12), np.zeros(12))
    one, three = (horizon(places, ground, reach_km=20.0, n_rays=n) for n in (1, 3))
    assert (three.angle_deg >= one.angle_deg - 1e-9).all()
    order = random.permutation(12)
    mixed = horizon(Points(places.lon_deg[order], places.lat_deg[order], places.height_m), ground, reach_km=20.0)
    assert np.allclose(mixed.angle_deg, three.angle_deg[order], atol=1e-9)


def test_rays_that_leave_the_grid_are_counted() -> None:
    ground = raster(np.full((N, N), 100.0))
    edge = horizon((WEST + 0.02, NORTH - 0.6, 0.0), ground)
    assert 0.3 < float(edge.cut_frac[0]) < 0.6
    assert not horizon(HERE, ground).cut_frac.any()


def test_places_off_the_terrain_or_near_a_pole_are_refused() -> None:
    ground = raster(np.full((N, N), 100.0))
    with pytest.raises(InputError, match="does not reach"):
        horizon((10.0, 10.0, 0.0), ground)
    with pytest.raises(InputError, match="no height at this place"):
        horizon((WEST - 0.2, NORTH - 0.5, 0.0), ground)
    with pytest.raises(InputError, match="no horizon is computed at 85"):
        horizon((10.0, 85.0, 0.0), ground)
    with pytest.raises(InputError, match="azimuths"):
        horizon(HERE, ground, n_azimuths=0)


def test_in_real_mountains_the_world_grid_hides_the_valley_and_says_that_it_is_coarse(shared_folder: Path) -> None:
    fine = open_terrain(shared_folder / "validation" / "terrain" / "baltoro_k2_srtm3_wgs84_clip.tif")
    places = points_of(([76.35, 76.45], [35.74, 35.73]))  # on the Baltoro glacier
    true, rough = horizon(places, fine, reach_km=10.0), horizon(places, open_terrain(None), reach_km=10.0)
    assert rough.is_coarse
    assert not true.is_coarse
    assert "5 arc minutes" in rough.source
    assert float(true.angle_deg.mean()) > float(rough.angle_deg.mean()) + 8.0
