"""Radial sweeps: equal to path by path, and maps that do not depend on workers, order or strips."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.kernels.sweep import farthest_above, least_clearance, push, seen_from
from rahdari.kernels.sweep_map import aim
from rahdari.methods import sweep as sweep_module
from rahdari.methods.p1812 import p1812_loss_db
from rahdari.methods.raster import Raster, direct_geodesic, inverse_geodesic
from rahdari.methods.sweep import (
    Model,
    Setting,
    Transmitters,
    coverage,
    loss_along_radials_db,
    map_grid,
    sweep_strips,
)

if TYPE_CHECKING:
    from pathlib import Path

TOLERANCE_DB = 0.01  # the bar; float32 keeps 1e-5 dB
STEP_DEG = 1.0 / 1200.0
LIGHT_GHZ_M = 0.2998  # P.1812 rounds it so


def synthetic(n: int = 420, relief_m: float = 300.0, seed: int = 7) -> Raster:
    """Return hills of many sizes around 72 E 33 N."""
    generator = np.random.Generator(np.random.Philox(seed))
    row, column = np.mgrid[0:n, 0:n]
    value = np.full((n, n), 800.0)
    for wave in (200.0, 90.0, 37.0, 17.0, 7.0):
        angle, phase = generator.uniform(0.0, 2.0 * np.pi, 2)
        value += (
            relief_m
            * (wave / 200.0)
            * np.sin((row * np.cos(angle) + column * np.sin(angle)) * 2 * np.pi / wave + phase)
        )
    return Raster(value.astype(np.float32), 72.0, 33.35, STEP_DEG, STEP_DEG, is_coarse=False, source="hills for tests")


def flat(height_m: float = 100.0, n: int = 420) -> Raster:
    return Raster(
        np.full((n, n), height_m, np.float32),
        72.0,
        33.35,
        STEP_DEG,
        STEP_DEG,
        is_coarse=False,
        source="a plain for tests",
    )


@pytest.fixture(scope="session")
def baltoro(shared_folder: Path) -> Raster:
    import rasterio

    path = shared_folder / "validation" / "terrain" / "baltoro_k2_srtm3_wgs84_clip.tif"
    if not path.is_file():
        pytest.skip("the SRTM clip of the Baltoro is absent")
    with rasterio.open(path) as file:
        value, place = file.read(1).astype(np.float32), file.transform
    return Raster(value, place.c, place.f, place.a, -place.e, is_coarse=False, source="Baltoro")


def bullington_db(distance_km: np.ndarray, height_m: np.ndarray, tx_m: float, rx_m: float, ghz: float) -> float:
    """Return Bullington's loss by its definition, every point of the profile asked (ITU-R P.526-15, 4.5.1)."""
    radius_km = 6371.0 * 157.0 / (157.0 - 45.0)
    d, x = distance_km[-1], distance_km[1:-1]
    tx, rx = height_m[0] + tx_m, height_m[-1] + rx_m
    ground = height_m[1:-1] + 500.0 / radius_km * x * (d - x)
    wave = LIGHT_GHZ_M / ghz
    from_tx, line = np.max((ground - tx) / x), (rx - tx) / d
    if from_tx < line:
        nu = np.max((ground - (tx * (d - x) + rx * x) / d) * np.sqrt(0.002 * d / (wave * x * (d - x))))
    else:
        from_rx = np.max((ground - rx) / (d - x))
        at = (rx - tx + from_rx * d) / (from_tx + from_rx)
        nu = (tx + from_tx * at - (tx * (d - at) + rx * at) / d) * np.sqrt(0.002 * d / (wave * at * (d - at)))
    edge = 6.9 + 20.0 * np.log10(np.hypot(nu - 0.1, 1.0) + nu - 0.1) if nu > -0.78 else 0.0
    return float(edge + (1.0 - np.exp(-edge / 6.0)) * (10.0 + 0.02 * d))


def worst_difference_db(
    terrain: Raster, lon: float, lat: float, *, tx_m: float, setting: Setting, n_samples: int
) -> float:
    """Return the largest difference between polar samples and the same paths one by one."""
    loss = loss_along_radials_db(terrain, lon, lat, tx_m, setting)
    generator = np.random.Generator(np.random.Philox(11))
    radial = generator.integers(0, setting.n_radials, n_samples)
    step = generator.integers(3, setting.n_steps + 1, n_samples)
    distance, height, rx = [], [], []
    for r, k in zip(radial, step, strict=True):
        distance_km = np.arange(k + 1) * setting.resolution_m / 1000.0
        lons, lats = direct_geodesic(lon, lat, 360.0 * r / setting.n_radials, distance_km * 1000.0)
        distance.append(distance_km)
        height.append(terrain.sample(lons, lats))
        rx.append((lons[-1], lats[-1]))
    assert np.isfinite(loss[radial, step]).all()
    if setting.model == "bullington":
        expected = np.array([
            bullington_db(x, h, tx_m, setting.rx_height_m, setting.frequency_ghz)
            + 92.4 + 20.0 * np.log10(setting.frequency_ghz)
            + 20.0 * np.log10(np.hypot(x[-1], (h[-1] + setting.rx_height_m - h[0] - tx_m) / 1000.0))
            for x, h in zip(distance, height, strict=True)
        ])  # fmt: skip
    else:
        expected = p1812_loss_db(
            distance, height, setting.frequency_ghz, tx_m, setting.rx_height_m,
            time_pct=setting.time_pct, location_pct=setting.location_pct, resolution_m=setting.resolution_m,
            tx_lonlat_deg=np.tile([lon, lat], (n_samples, 1)), rx_lonlat_deg=np.array(rx),
        )  # fmt: skip
    return float(np.abs(loss[radial, step] - expected).max())


@pytest.mark.parametrize("model", ["bullington", "p1812"])
@pytest.mark.parametrize(("ghz", "tx_m", "rx_m"), [(0.7, 60.0, 1.5), (1.8, 30.0, 1.5), (3.5, 25.0, 30.0)])
@pytest.mark.parametrize("relief_m", [0.0, 3.0, 40.0, 300.0, 3000.0])
def test_the_sweep_is_path_by_path(model: Model, ghz: float, tx_m: float, rx_m: float, relief_m: float) -> None:
    setting = Setting(12.0, ghz, rx_m, model=model)
    assert (
        worst_difference_db(synthetic(relief_m=relief_m), 72.175, 33.175, tx_m=tx_m, setting=setting, n_samples=200)
        < TOLERANCE_DB
    )


@pytest.mark.parametrize(("time_pct", "location_pct"), [(1.0, 50.0), (10.0, 90.0), (49.0, 50.0), (50.0, 95.0)])
def test_other_shares_of_time_and_locations_are_path_by_path(time_pct: float, location_pct: float) -> None:
    setting = Setting(12.0, 0.9, 1.5, time_pct=time_pct, location_pct=location_pct)
    for relief_m in (3.0, 300.0):
        assert (
            worst_difference_db(synthetic(relief_m=relief_m), 72.175, 33.175, tx_m=30.0, setting=setting, n_samples=150)
            < TOLERANCE_DB
        )


@pytest.mark.parametrize("model", ["bullington", "p1812"])
def test_the_sweep_is_path_by_path_on_the_baltoro(baltoro: Raster, model: Model) -> None:
    setting = Setting(15.0, 1.8, 1.5, model=model)
    for lon, lat in ((76.40, 35.75), (76.51, 35.74), (76.30, 35.76)):
        assert worst_difference_db(baltoro, lon, lat, tx_m=30.0, setting=setting, n_samples=150) < TOLERANCE_DB


def test_long_paths_where_ducting_matters_are_path_by_path() -> None:
    terrain = flat(20.0, n=2300)
    setting = Setting(80.0, 0.15, 10.0, resolution_m=400.0)
    assert worst_difference_db(terrain, 72.95, 32.4, tx_m=150.0, setting=setting, n_samples=200) < TOLERANCE_DB
    lower = replace(setting, time_pct=1.0)
    assert worst_difference_db(terrain, 72.95, 32.4, tx_m=150.0, setting=lower, n_samples=100) < TOLERANCE_DB


def test_clutter_counts_along_the_path_but_not_at_its_ends() -> None:
    terrain = synthetic(relief_m=5.0)
    column = np.arange(420)
    cover = np.tile(np.where(column % 40 < 20, 15.0, 0.0).astype(np.float32), (420, 1))
    clutter = Raster(cover, 72.0, 33.35, STEP_DEG, STEP_DEG, is_coarse=False, source="woods for tests")
    setting = Setting(10.0, 1.8, 1.5, location_pct=90.0)
    loss = loss_along_radials_db(terrain, 72.175, 33.175, 30.0, setting, clutter=clutter)
    bare = loss_along_radials_db(terrain, 72.175, 33.175, 30.0, setting)
    assert np.nanmean(loss - bare) > 5.0
    for r, k in ((100, 60), (333, 111), (600, 47), (690, 90)):
        x = np.arange(k + 1, dtype=np.float64) * 0.09
        lon, lat = direct_geodesic(72.175, 33.175, 360.0 * r / setting.n_radials, x * 1000.0)
        expected = p1812_loss_db(
            x, terrain.sample(lon, lat), 1.8, 30.0, 1.5, clutter_height_m=clutter.sample(lon, lat, is_nearest=True),
            location_pct=90.0, resolution_m=90.0, tx_lonlat_deg=(72.175, 33.175), rx_lonlat_deg=(lon[-1], lat[-1]),
        )  # fmt: skip
        assert loss[r, k] == pytest.approx(expected, abs=TOLERANCE_DB)


def test_tangents_to_a_hull_are_those_over_all_points() -> None:
    generator = np.random.Generator(np.random.Philox(3))
    for relief in (0.0, 0.5, 50.0):
        n = 120
        x = np.arange(n + 1, dtype=np.float64) * 0.09
        inverse = np.concatenate([[0.0], 1.0 / x[1:]])
        z = relief * generator.standard_normal(n + 1) - 0.06 * x * x
        hull_x, hull_z, hull_i = np.empty(n + 1), np.empty(n + 1), np.empty(n + 1, np.int64)
        corners = 0
        for k in range(1, n + 1):
            if k > 1:
                at, before = x[k], slice(1, k)
                height = z[k] + 1.5
                found = seen_from(hull_x, hull_z, corners, at, height)
                steepness = (z[before] - height) / (at - x[before])
                assert (hull_z[found] - height) / (at - hull_x[found]) == pytest.approx(steepness.max(), abs=1e-9)
                slope = 3.0 * generator.standard_normal()
                found = farthest_above(hull_x, hull_z, corners, slope)
                over = z[before] - slope * x[before]
                assert hull_z[found] - slope * hull_x[found] == pytest.approx(over.max(), abs=1e-9)
                start = over.max() + generator.uniform(0.01, 30.0)
                depth = start + slope * x[before] - z[before]
                least = (depth**2 / (x[before] * (at - x[before]))).min()
                ours = least_clearance(hull_i, corners, x, z, inverse, k, start, slope, np.inf)
                assert ours == pytest.approx(least, rel=1e-9)
            corners = push(hull_x, hull_z, hull_i, corners, x, z, k)


def test_heights_in_float32_cost_less_than_a_hundredth_of_a_decibel() -> None:
    terrain = synthetic(relief_m=2000.0)
    exact = terrain.value.astype(np.float64) + 7000.123
    rounded = replace(terrain, value=exact.astype(np.float32))
    nudged = replace(terrain, value=np.nextafter(rounded.value, np.float32(np.inf)))
    setting = Setting(10.0, 3.5, 1.5)
    a = loss_along_radials_db(rounded, 72.175, 33.175, 30.0, setting)
    b = loss_along_radials_db(nudged, 72.175, 33.175, 30.0, setting)
    assert np.nanmax(np.abs(a - b)) < TOLERANCE_DB


def test_a_radial_ends_where_the_terrain_does() -> None:
    terrain = synthetic()
    loss = loss_along_radials_db(terrain, 72.03, 33.175, 30.0, Setting(12.0, 1.8, 1.5))
    west, east = int(loss.shape[0] * 0.75), int(loss.shape[0] * 0.25)
    reach_km = inverse_geodesic(72.03, 33.175, 72.0, 33.175)[1] / 1000.0
    known_km = np.flatnonzero(np.isfinite(loss[west]))[-1] * 0.09
    assert known_km == pytest.approx(reach_km, abs=0.1)
    assert np.isfinite(loss[east, 1:]).all()


def mast(n: int, lon: list[float], lat: list[float], eirp_dbm: float = 55.0) -> Transmitters:
    return Transmitters(
        [f"s{i}" for i in range(n)], np.array(lon), np.array(lat), np.full(n, 30.0), np.full(n, eirp_dbm)
    )


SETTING = Setting(4.0, 1.8, 1.5)


def test_a_cell_takes_the_sample_nearest_to_its_centre() -> None:
    terrain, site = synthetic(), mast(1, [72.175], [33.175])
    result = coverage(terrain, site, SETTING)
    loss = loss_along_radials_db(terrain, 72.175, 33.175, 30.0, SETTING)
    rows, columns = np.nonzero(np.isfinite(result.layers.best_dbm))
    assert rows.size == pytest.approx(np.pi * (4000.0 / 90.0) ** 2, rel=0.03)
    far_cells = 0.0
    for i in range(0, rows.size, 37):
        lon = result.grid.west_deg + (columns[i] + 0.5) * result.grid.step_lon_deg
        lat = result.grid.north_deg - (rows[i] + 0.5) * result.grid.step_lat_deg
        azimuth, distance_m = inverse_geodesic(72.175, 33.175, lon, lat)
        k = max(round(distance_m / 90.0), 1)
        near = [round(azimuth / 360.0 * SETTING.n_radials + side) % SETTING.n_radials for side in (-0.01, 0.01)]
        steps = {k} | {max(round(distance_m / 90.0 + side), 1) for side in (-0.01, 0.01)}
        candidates = [55.0 - loss[r, s] for r in near for s in steps if s <= SETTING.n_steps]
        assert min(abs(result.layers.best_dbm[rows[i], columns[i]] - value) for value in candidates) < 1e-3
        at_lon, at_lat = direct_geodesic(72.175, 33.175, 360.0 * near[0] / SETTING.n_radials, [k * 90.0])
        far_cells = max(far_cells, inverse_geodesic(lon, lat, float(at_lon[0]), float(at_lat[0]))[1] / 90.0)
    assert far_cells < 0.72


def five() -> Transmitters:
    return mast(5, [72.15, 72.20, 72.175, 72.16, 72.19], [33.15, 33.15, 33.175, 33.20, 33.20])


def test_neither_workers_nor_order_nor_strips_change_a_map(monkeypatch: pytest.MonkeyPatch) -> None:
    terrain, sites = synthetic(), five()
    one = coverage(terrain, sites, SETTING)
    order = [3, 0, 4, 2, 1]
    shuffled = Transmitters(
        [sites.site_id[i] for i in order], sites.lon_deg[order], sites.lat_deg[order],
        sites.tx_height_m[order], sites.eirp_dbm[order],
    )  # fmt: skip
    four = coverage(terrain, shuffled, SETTING, n_workers=4)
    monkeypatch.setattr(sweep_module, "STRIP_ROWS", 16)
    monkeypatch.setattr(sweep_module, "BAND_DEG", 0.001)
    cut = coverage(terrain, shuffled, SETTING, n_workers=3)
    for other in (four, cut):
        assert list(other.site_id) == list(one.site_id)
        for name in ("best_dbm", "second_dbm", "total_mw", "server"):
            assert np.array_equal(getattr(other.layers, name), getattr(one.layers, name)), name


def test_best_second_and_sum_are_those_of_the_single_maps() -> None:
    terrain, sites = synthetic(), five()
    both = coverage(terrain, sites, SETTING)
    power = np.full((5, *both.layers.best_dbm.shape), -np.inf)
    for i in range(5):
        one = Transmitters(
            [sites.site_id[i]], sites.lon_deg[[i]], sites.lat_deg[[i]], sites.tx_height_m[[i]], sites.eirp_dbm[[i]]
        )
        loss = loss_along_radials_db(terrain, float(one.lon_deg[0]), float(one.lat_deg[0]), 30.0, SETTING)
        place = np.empty(both.layers.best_dbm.shape, np.int32)
        wanted = np.zeros(loss.shape, np.uint8)
        grid = both.grid.grid
        aim(grid, 0, 0, float(one.lon_deg[0]), float(one.lat_deg[0]), 90.0, place, wanted)
        power[i][place >= 0] = 55.0 - loss.reshape(-1)[place[place >= 0]]
    ranked = np.sort(power, axis=0)
    assert both.layers.best_dbm == pytest.approx(ranked[-1], abs=1e-3)
    assert both.layers.second_dbm == pytest.approx(ranked[-2], abs=1e-3)
    assert both.layers.total_mw == pytest.approx((10.0 ** (power / 10.0)).sum(axis=0), rel=1e-5)
    reached = np.isfinite(ranked[-1])
    assert np.array_equal(both.layers.server[reached], power.argmax(axis=0)[reached])
    assert (both.layers.server[~reached] == -1).all()


def test_of_equal_powers_the_first_name_serves() -> None:
    twins = Transmitters(["b", "a"], np.full(2, 72.175), np.full(2, 33.175), np.full(2, 30.0), np.full(2, 50.0))
    layers = coverage(synthetic(), twins, SETTING).layers
    assert set(np.unique(layers.server)) == {-1, 0}
    reached = layers.server == 0
    assert np.array_equal(layers.best_dbm[reached], layers.second_dbm[reached])
    assert layers.sinr_db(-300.0)[reached] == pytest.approx(0.0, abs=1e-3)


def test_less_load_elsewhere_never_lowers_the_quality() -> None:
    layers = coverage(synthetic(), five(), SETTING).layers
    reached = layers.server >= 0
    full, half, none = (layers.sinr_db(-95.0, load)[reached] for load in (1.0, 0.5, 0.0))
    assert (half >= full - 1e-4).all()
    assert none == pytest.approx(layers.best_dbm[reached] + 95.0, abs=1e-3)
    assert np.isneginf(layers.sinr_db(-95.0)[~reached]).all()


def test_a_sector_looks_where_it_points() -> None:
    sites = replace(mast(1, [72.175], [33.175]), azimuth_deg=np.array([90.0]))
    looking = coverage(flat(), sites, SETTING)
    round_about = coverage(flat(), mast(1, [72.175], [33.175]), SETTING)
    with np.errstate(invalid="ignore"):  # no power in the corners
        gain = looking.layers.best_dbm - round_about.layers.best_dbm
    row = round((looking.grid.north_deg - 33.175) / looking.grid.step_lat_deg)
    column = round((72.175 - looking.grid.west_deg) / looking.grid.step_lon_deg)
    assert gain[row, column + 30] == pytest.approx(0.0, abs=0.1)
    assert gain[row, column - 30] == pytest.approx(-30.0, abs=0.1)


def test_cells_beyond_the_terrain_are_counted_not_invented() -> None:
    result = coverage(synthetic(), mast(1, [72.01], [33.175]), SETTING)
    west = result.grid.west_deg + (np.arange(result.grid.n_columns) + 0.5) * result.grid.step_lon_deg
    assert np.isneginf(result.layers.best_dbm[:, west < 72.0 - STEP_DEG]).all()
    assert result.n_unknown > 100


def test_a_higher_mast_on_a_plain_is_received_no_worse() -> None:
    low, high = (loss_along_radials_db(flat(), 72.175, 33.175, tx_m, SETTING)[:, 12:] for tx_m in (15.0, 60.0))
    assert (high <= low + 0.05).all()


def test_the_map_holds_every_circle_and_names_its_source() -> None:
    sites = five().by_id()
    grid = map_grid(sites, SETTING)
    for lon, lat in zip(sites.lon_deg, sites.lat_deg, strict=True):
        rim_lon, rim_lat = direct_geodesic(lon, lat, np.arange(0.0, 360.0, 5.0), 4000.0)
        assert rim_lon.min() > grid.west_deg
        assert rim_lon.max() < grid.west_deg + grid.n_columns * grid.step_lon_deg
        assert rim_lat.max() < grid.north_deg
        assert rim_lat.min() > grid.north_deg - grid.n_rows * grid.step_lat_deg
    result = coverage(replace(synthetic(), is_coarse=True), five(), SETTING)
    assert result.is_coarse
    assert result.raster(result.layers.best_dbm, "received power").source == "received power; hills for tests"


def test_everything_wrong_is_said_at_once() -> None:
    sites = Transmitters(
        ["a", "a"], np.array([72.1, np.nan]), np.full(2, 33.1), np.array([30.0, 0.0]), np.full(2, 50.0)
    )
    with pytest.raises(InputError) as failure:
        sweep_strips(synthetic(), sites, Setting(4.0, 28.0, 0.0, time_pct=99.0))
    told = str(failure.value)
    for part in (
        "frequency_ghz is 28.0",
        "rx_height_m is 0.0",
        "time_pct",
        "share a name",
        "lon_deg is missing",
        "tx_height_m of 0",
    ):
        assert part in told, part


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        (Setting(0.1, 1.8, 1.5), "fewer than 2 steps"),
        (Setting(500.0, 1.8, 1.5), "cannot be swept"),
        (Setting(5.0, 1.8, 1.5, model="itm"), "no model"),  # type: ignore[arg-type]  # on purpose
    ],
)
def test_a_setting_that_cannot_be_swept_is_refused(setting: Setting, what: str) -> None:
    with pytest.raises(InputError, match=what):
        sweep_strips(synthetic(), five(), setting)


def test_a_site_off_the_terrain_is_named() -> None:
    with pytest.raises(InputError, match="does not reach"):
        list(sweep_strips(synthetic(), mast(1, [60.0], [20.0]), SETTING).strips)
    with pytest.raises(InputError, match=r"site s1 .* has no terrain"):
        list(sweep_strips(synthetic(), mast(2, [72.1, 72.4], [33.1, 33.1]), SETTING).strips)


def test_a_map_too_large_for_memory_is_refused_before_any_work() -> None:
    with pytest.raises(InputError, match="million cells"):
        coverage(synthetic(), mast(2, [72.1, 95.0], [33.1, 10.0]), SETTING)
