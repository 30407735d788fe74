"""Time the radial sweep beside profile by profile: one JSON line a model and terrain, and one for a country's sites.

Both sides run in this process on one core and answer the same pixels.  Path by path means compiled loops
over a profile read for every pixel: for P.1812 our own batch kernel, what a fast library does.  ``polar`` counts
every sample along the radials, ``pixels`` the cells of a map at 90 m, for which only the samples they take are asked.
The country's time is a measured share of 58,000 sites, through the whole driver with its map, times the rest.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import time
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels import p1812
from rahdari.kernels.diffraction import (
    BULGE_KM_M,
    NU_SCALE,
    WAVE_GHZ_M,
    bullington_db,
    line_slope,
    obstructed_nu,
)
from rahdari.kernels.p1812_path import batch_loss
from rahdari.kernels.sweep import bullington_sweep
from rahdari.kernels.sweep_map import aim
from rahdari.methods.raster import Raster, direct_geodesic
from rahdari.methods.sweep import (
    Setting,
    Transmitters,
    loss_along_radials_db,
    sweep_strips,
    sweep_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Ints

LON_DEG, LAT_DEG, TX_M = 72.5, 33.5, 30.0
STEP_DEG = 1.0 / 1200.0
SETTING = Setting(15.0, 1.8, 1.5)
N_COUNTRY = 58_000
N_PATHS = 3000
TARGETS = {"bullington": 10e6, "p1812": 3e6}
TARGET_COUNTRY_S = 1200.0
N_REPEATS = 7


@njit("void(float64[::1], float64[::1], int64[::1], float64, float64[::1])", fastmath={"nnan", "nsz"})
def bullington_by_path(x: Floats, height: Floats, offset: Ints, wave_m: float, out: Floats) -> None:
    """Fill ``out`` with Bullington's loss of every profile, each walked over all its points."""
    bulge = BULGE_KM_M * (157.0 - 45.0) / (6371.0 * 157.0)
    for p in range(offset.size - 1):
        first, last = offset[p], offset[p + 1] - 1
        d, tx, rx = x[last], height[first] + TX_M, height[last] + 1.5
        line = line_slope(tx, rx, d)
        from_tx, from_rx, nu = -math.inf, -math.inf, -math.inf
        for i in range(first + 1, last):
            span = d - x[i]
            from_tx = max(from_tx, (height[i] - tx) / x[i] + bulge * span)
            from_rx = max(from_rx, (height[i] - rx) / span + bulge * x[i])
            over = height[i] + bulge * x[i] * span - tx - line * x[i]
            nu = max(nu, over * math.sqrt(NU_SCALE * d / (wave_m * x[i] * span)))
        if from_tx >= line:
            nu = obstructed_nu(from_tx, from_rx, line, d, wave_m)
        out[p] = bullington_db(nu, d)


def country(relief_m: float, n: int = 1200, seed: int = 4) -> Raster:
    """Return random relief with a spectrum like that of land, three arc seconds."""
    generator = np.random.Generator(np.random.Philox(seed))
    spectrum = np.fft.rfft2(generator.standard_normal((n, n)))
    wave = np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)[None, :])
    wave[0, 0] = 1.0
    value = np.fft.irfft2(spectrum / wave**1.9, s=(n, n))
    value *= relief_m / value.std()
    height = (value - value.min() + 100.0).astype(np.float32)
    return Raster(height, LON_DEG - 0.5, LAT_DEG + 0.5, STEP_DEG, STEP_DEG, is_coarse=False, source="random relief")


def best_s(call: Callable[[], object]) -> float:
    """Return the least processor time of some calls, so that other work on the machine counts little."""
    times = []
    for _ in range(N_REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def wanted_samples() -> tuple[NDArray[np.uint8], int]:
    """Return the samples that the cells of a map at 90 m take, and how many cells there are."""
    place = np.empty((400, 400), np.int32)
    wanted = np.zeros((SETTING.n_radials, SETTING.n_steps + 1), np.uint8)
    step_lon, step_lat = 90.0 / 92_900.0, 90.0 / 110_900.0
    grid = np.array([LON_DEG - 200 * step_lon, LAT_DEG + 200 * step_lat, step_lon, step_lat])
    aim(grid, 0, 0, LON_DEG, LAT_DEG, 90.0, place, wanted)
    return wanted, int((place >= 0).sum())


def path_by_path_s(terrain: Raster, model: str) -> float:
    """Return the processor time of one pixel, its profile read and answered by itself."""
    generator = np.random.Generator(np.random.Philox(9))
    wanted, _ = wanted_samples()
    radial, step = np.nonzero(wanted[:, 2:])
    chosen = generator.choice(radial.size, N_PATHS, replace=False)
    radial, step = radial[chosen], step[chosen] + 2
    offset = np.concatenate([[0], np.cumsum(step + 1)])
    share = np.concatenate([np.arange(k + 1) for k in step])
    azimuth = np.repeat(360.0 * radial / SETTING.n_radials, step + 1)
    inputs = np.tile(SETTING.inputs(), (N_PATHS, 1))
    inputs[:, p1812.TX_HEIGHT], inputs[:, p1812.LATITUDE] = TX_M, LAT_DEG
    no_zone, loss_db, distance_km = np.empty(0, np.int32), np.empty(N_PATHS), share * 0.09
    lon, lat = direct_geodesic(LON_DEG, LAT_DEG, azimuth, distance_km * 1000.0)  # not timed: the peer may be cleverer

    def read_and_answer() -> None:
        height = terrain.sample(lon, lat)
        if model == "p1812":
            clutter = np.zeros(height.size)
            batch_loss(distance_km, height, clutter, no_zone, offset, 0, N_PATHS, inputs, loss_db)
        else:
            bullington_by_path(distance_km, height, offset, WAVE_GHZ_M / 1.8, loss_db)

    return best_s(read_and_answer) / N_PATHS


def one_site(name: str, relief_m: float) -> None:
    """Print the lines of one transmitter."""
    terrain = country(relief_m)
    wanted, n_pixels = wanted_samples()
    every = np.ones_like(wanted)
    n_polar = SETTING.n_radials * SETTING.n_steps
    out = np.empty(wanted.shape, np.float32)
    site = np.array([LON_DEG, LAT_DEG, TX_M, 1.5])
    radius_km, wave_m, none = p1812.effective_radius_km(45.0), WAVE_GHZ_M / 1.8, np.empty(0)
    table = sweep_table(SETTING, LAT_DEG)

    def diffraction(asked: NDArray[np.uint8]) -> None:
        bullington_sweep(terrain.value, terrain.grid, site, 0.09, radius_km, wave_m, none, asked, out)

    def whole(asked: NDArray[np.uint8]) -> None:
        loss_along_radials_db(terrain, LON_DEG, LAT_DEG, TX_M, SETTING, is_wanted=asked, table=table)

    for model, call in (("bullington", diffraction), ("p1812", whole)):
        polar_s, map_s = best_s(lambda call=call: call(every)), best_s(lambda call=call: call(wanted))  # type: ignore[misc]
        peer_s = path_by_path_s(terrain, model)
        line = {"bench": "sweep", "model": model, "terrain": name, "relief_sd_m": relief_m, "radius_km": 15.0}
        line |= {"ours_polar_per_s": round(n_polar / polar_s), "ours_pixels_per_s": round(n_pixels / map_s)}
        line |= {"path_by_path_pixels_per_s": round(1.0 / peer_s), "ratio": round(peer_s * n_pixels / map_s, 1)}
        line |= {"target_per_s": TARGETS[model], "is_polar_within_target": n_polar / polar_s >= TARGETS[model]}
        line |= {"is_pixels_within_target": n_pixels / map_s >= TARGETS[model]}
        print(json.dumps(line))


def whole_country(n_sites: int, n_workers: int, relief_m: float) -> None:
    """Print the line of many sites through the driver; density as 58,000 over Pakistan, so that maps overlap alike."""
    generator = np.random.Generator(np.random.Philox(2))
    # 58,000 sites over 880,000 km2: a square degree here, some 10,300 km2, holds as many as its share.
    terrain = country(relief_m, n=1200)
    side = 0.5 - 0.17
    sites = Transmitters(
        [f"{k:06d}" for k in range(n_sites)],
        LON_DEG + generator.uniform(-side, side, n_sites),
        LAT_DEG + generator.uniform(-side, side, n_sites),
        np.full(n_sites, TX_M),
        np.full(n_sites, 55.0),
    )
    before_cpu, before = time.process_time(), time.perf_counter()
    sweep = sweep_strips(terrain, sites, SETTING, n_workers=n_workers)
    n_served = sum(int((strip.server >= 0).sum()) for strip in sweep.strips)
    wall_s, cpu_s = time.perf_counter() - before, time.process_time() - before_cpu
    line = {"bench": "sweep country", "terrain_relief_sd_m": relief_m, "n_sites_measured": n_sites}
    line |= {"n_workers": n_workers, "wall_s": round(wall_s, 2), "cpu_s": round(cpu_s, 2), "n_cells": n_served}
    line |= {"cpu_ms_per_site": round(1e3 * cpu_s / n_sites, 2)}
    line |= {"all_58000_cpu_s": round(cpu_s / n_sites * N_COUNTRY)}
    line |= {"all_58000_on_2_cores_s": round(cpu_s / n_sites * N_COUNTRY / 2.0), "target_s": TARGET_COUNTRY_S}
    line |= {"is_within_target": cpu_s / n_sites * N_COUNTRY / 2.0 <= TARGET_COUNTRY_S}
    line |= {"peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)}
    print(json.dumps(line))


def main() -> None:
    """Run every line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=400, help="sites measured of 58,000")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    for name, relief_m in (("plain", 4.0), ("hills", 60.0), ("mountains", 500.0)):
        one_site(name, relief_m)
    for relief_m in (4.0, 500.0):
        whole_country(asked.sites, asked.workers, relief_m)


if __name__ == "__main__":
    main()
