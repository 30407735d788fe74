from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.bent_pipe import BentPipe, bent_pipe, common_frac, ranges_km, sky_of
from rahdari.methods.constellation import Constellation, walker_shell
from rahdari.methods.ephemeris import positions_km
from rahdari.sources.orbits import read_constellation
from rahdari.units import LIGHT_SPEED_KM_PER_MS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: Gateway list of StarPerf 2 (SpaceNetLab/StarPerf_Simulator, config/ground_stations/Starlink.xml, 2024): 261 antennas'
#: sites; the nearest to Pakistan is Muallim in Turkey.  The others are the reference rows' own points.
MUALLIM = (29.50939, 40.78875, 100.0)
ISLAMABAD = (73.0479, 33.6844, 540.0)
NOON = np.datetime64("2024-05-21T12:00:00")
DAY = np.arange("2024-05-21T00:00", "2024-05-22T00:00", 10, dtype="datetime64[m]")


@pytest.fixture(scope="module")
def fleet(shared_folder: Path) -> Constellation:
    """Return the 5,977 real element sets of 21 May 2024."""
    file = shared_folder / "validation" / "space" / "starlink_omm_2024-05-21.json"
    if not file.is_file():
        pytest.skip("the real element sets are not beside the checkout")
    return read_constellation(file)


def rows_of(shared_folder: Path, name: str) -> list[dict[str, str]]:
    """Return rows of one of the expected answers."""
    with (shared_folder / "validation" / "space" / name).open(newline="") as file:
        return list(csv.DictReader(file))


def shell() -> Constellation:
    """Return 1,584 satellites at 550 km."""
    return walker_shell("shell", 72, 22, altitude_km=550.0, inclination_deg=53.0, phasing=17)


def test_delays_equal_the_reference_rows(fleet: Constellation, shared_folder: Path) -> None:
    """Computed elsewhere with skyfield: count of common satellites, the best of them, its round trip."""
    rows = rows_of(shared_folder, "starlink_bentpipe_expected.csv")
    places = {
        row["place"]: (float(row["lon"]), float(row["lat"]), float(row["h_m"]))
        for row in rows_of(shared_folder, "starlink_visible_expected.csv")
    }
    gateways = {"GW-Islamabad": ISLAMABAD, "GW-Karachi": (67.01, 24.86, 10.0), "GW-Muallim-TR": MUALLIM}
    times = sorted({row["utc"] for row in rows})
    for name, gateway in gateways.items():
        found = bent_pipe(fleet, list(places.values()), [gateway], times)
        for row in (row for row in rows if row["gateway"] == name):
            at = list(places).index(row["place"]), times.index(row["utc"])
            assert found.n_common[at] == int(row["n_common_sats_25deg"])
            if row["best_sat"]:
                assert fleet.satellite_name[found.satellite[at]] == row["best_sat"]
                # The rows do not say where in Karachi: half a kilometre is 0.003 ms.
                assert found.rtt_ms[at] == pytest.approx(float(row["rtt_propagation_ms"]), abs=0.02)
            else:
                assert np.isnan(found.rtt_ms[at])


def test_no_pakistani_place_shared_a_satellite_with_the_nearest_listed_foreign_gateway(fleet: Constellation) -> None:
    """21 May 2024 every ten minutes, mask 25 degrees, gateway Muallim (TR): from the whole of the country's box.

    The frame of Pakistan (60.9 to 77.8 E, 23.7 to 37.1 N) in steps of half a degree, at sea level and at 5,000 m.
    """
    lon, lat = np.meshgrid(np.arange(60.5, 78.1, 0.5), np.arange(23.5, 37.6, 0.5))
    flat = np.stack([lon.ravel(), lat.ravel(), np.zeros(lon.size)], axis=1)
    points = np.concatenate([flat, flat + np.array([0.0, 0.0, 5000.0])])
    found = bent_pipe(fleet, points, [MUALLIM], DAY)
    assert found.never().size == points.shape[0]
    assert int(found.n_common.max()) == 0
    # The same set serves the country from within all day: the reason is the distance.
    assert bent_pipe(fleet, points, [ISLAMABAD, (67.0, 24.9, 10.0)], DAY).none_frac.max() == 0.0


def test_half_the_distance_to_that_gateway_would_do(fleet: Constellation) -> None:
    """Tehran lies 2,000 km from Muallim and near the reach of one satellite: some of the day there is one."""
    found = bent_pipe(fleet, [(51.4, 35.7, 1200.0), (44.8, 41.7, 500.0)], [MUALLIM], DAY)
    assert found.none_frac[0] > found.none_frac[1] == 0.0


def test_one_satellite_overhead_is_up_and_down_its_height() -> None:
    found = bent_pipe([[6378.137 + 550.0, 0.0, 0.0]], [(0.0, 0.0)], [(0.0, 0.0)])
    assert float(found.rtt_ms[0, 0]) == pytest.approx(4.0 * 550.0 / LIGHT_SPEED_KM_PER_MS, rel=1e-12)
    assert (int(found.gateway[0, 0]), int(found.satellite[0, 0]), int(found.n_common[0, 0])) == (0, 0, 1)


def brute_force(c: Constellation, places: Sequence[Sequence[float]], gateways: Sequence[Sequence[float]]) -> BentPipe:
    """Return the best ways at noon by looking at every triple."""
    position = positions_km(c, NOON)[:, 0]
    up = ranges_km(sky_of(places, 25.0), position)
    down = ranges_km(sky_of(gateways, 25.0), position)
    way = up[:, :, None] + down[:, None, :]
    best = way.min(axis=(0, 2))
    satellite = np.where(np.isfinite(best), way.min(axis=2).argmin(axis=0), -1)
    gateway = np.where(np.isfinite(best), way.min(axis=0).argmin(axis=1), -1)
    common = (np.isfinite(way).any(axis=2)).sum(axis=0)
    rtt_ms = np.where(np.isfinite(best), 2.0 * best / LIGHT_SPEED_KM_PER_MS, np.nan)
    return BentPipe(rtt_ms[:, None], gateway[:, None], satellite[:, None], common[:, None])


def test_the_kernel_finds_what_all_triples_hold() -> None:
    rng = np.random.default_rng(5)
    places = [tuple(row) for row in np.stack([rng.uniform(50, 80, 60), rng.uniform(15, 45, 60)], 1).tolist()]
    gateways = [(67.0, 24.9), (73.0, 33.7), (66.9, 30.2)]
    found, expected = bent_pipe(shell(), places, gateways, NOON), brute_force(shell(), places, gateways)
    np.testing.assert_allclose(found.rtt_ms, expected.rtt_ms, rtol=1e-12)
    for name in ("gateway", "satellite", "n_common"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert 0 < np.isnan(found.rtt_ms).sum() < len(places)


def test_the_order_of_places_and_gateways_changes_nothing() -> None:
    places = [(70.0, 30.0, 100.0), (74.0, 35.0, 1500.0), (63.0, 26.0, 10.0)]
    gateways = [(67.0, 24.9), (73.0, 33.7)]
    first = bent_pipe(shell(), places, gateways, DAY[:6])
    second = bent_pipe(shell(), places[::-1], gateways[::-1], DAY[:6])
    np.testing.assert_array_equal(first.rtt_ms, second.rtt_ms[::-1])
    np.testing.assert_array_equal(first.satellite, second.satellite[::-1])


def test_shares_of_common_time_agree_with_the_bent_pipe_of_each_gateway() -> None:
    places = [(70.0, 30.0, 100.0), (74.0, 35.0, 1500.0), (55.0, 26.0, 10.0), (45.0, 30.0, 10.0)]
    gateways = [(67.0, 24.9), (73.0, 33.7), (29.5, 40.8)]
    shares = common_frac(shell(), places, gateways, DAY[:12])
    for g, gateway in enumerate(gateways):
        one = bent_pipe(shell(), places, [gateway], DAY[:12])
        np.testing.assert_allclose(shares[:, g], 1.0 - one.none_frac)


def test_terrain_hides_the_satellites_behind_it_and_no_others() -> None:
    """A wall of 60 degrees in the north, open in the south; a horizon below the mask changes nothing."""
    place, gateway = [(73.0, 33.0, 500.0)], [(73.0, 33.0, 500.0)]
    position = positions_km(shell(), NOON)
    wall = np.full((1, 360), 0.0)
    wall[0, :90] = wall[0, 271:] = 60.0
    open_sky = bent_pipe(position, place, gateway)
    behind = bent_pipe(position, place, gateway, horizon_deg=wall)
    sky = sky_of(place, 25.0)
    east, north, up = (sky.places[0, start : start + 3] for start in (6, 9, 3))
    way = position[:, 0] - sky.places[0, :3]
    height = np.degrees(np.arcsin(way @ up / np.linalg.norm(way, axis=1)))
    azimuth = np.degrees(np.arctan2(way @ east, way @ north)) % 360.0
    is_seen = (height >= 25.0) & ((height >= 60.0) | ((azimuth > 90.0) & (azimuth < 270.0)))
    assert int(behind.n_common[0, 0]) == int(is_seen.sum()) < int(open_sky.n_common[0, 0])
    low = bent_pipe(position, place, gateway, horizon_deg=np.full((1, 8), 24.9))
    np.testing.assert_array_equal(low.n_common, open_sky.n_common)
    walled = bent_pipe(position, place, gateway, horizon_deg=np.full((1, 8), 89.9))
    assert np.isnan(walled.rtt_ms[0, 0])


def test_the_way_beyond_a_gateway_counts_in_the_choice() -> None:
    places, gateways = [(70.0, 29.0)], [(67.0, 24.9), (73.0, 33.7)]
    near = bent_pipe(shell(), places, gateways, NOON)
    other = 1 - int(near.gateway[0, 0])
    onward = [0.0, 0.0]
    onward[1 - other] = 50.0
    far = bent_pipe(shell(), places, gateways, NOON, onward_ms=onward)
    assert int(far.gateway[0, 0]) == other
    same = bent_pipe(shell(), places, gateways, NOON, onward_ms=7.0)
    assert float(same.rtt_ms[0, 0]) == pytest.approx(float(near.rtt_ms[0, 0]) + 14.0, rel=1e-12)


def test_a_pole_and_a_satellite_without_position_are_answered() -> None:
    polar = walker_shell("polar", 12, 40, altitude_km=1200.0, inclination_deg=87.9, is_star=True)
    assert bent_pipe(polar, [(0.0, 90.0)], [(15.4, 78.2)], DAY[:3]).none_frac[0] == 0.0
    position = positions_km(shell(), NOON)[:, 0]
    best = bent_pipe(position, [(73.0, 33.0)], [(73.0, 33.0)])
    position[best.satellite[0, 0]] = np.nan
    without = bent_pipe(position, [(73.0, 33.0)], [(73.0, 33.0)])
    assert without.n_common[0, 0] == best.n_common[0, 0] - 1


def test_faults_are_refused() -> None:
    for arguments in (
        {"horizon_deg": np.zeros((2, 8))},
        {"horizon_deg": np.full((1, 8), np.nan)},
        {"min_elevation_deg": 95.0},
        {"onward_ms": -1.0},
    ):
        with pytest.raises(InputError):
            bent_pipe([[7000.0, 0.0, 0.0]], [(0.0, 0.0)], [(0.0, 0.0)], **arguments)
    with pytest.raises(InputError, match="without a moment"):
        bent_pipe(shell(), [(0.0, 0.0)], [(0.0, 0.0)])
    with pytest.raises(InputError, match="below the ellipsoid"):
        bent_pipe([[7000.0, 0.0, 0.0]], [(0.0, 0.0, -7000.0)], [(0.0, 0.0)])
    with pytest.raises(InputError, match="satellite positions"):
        bent_pipe([[7000.0, 0.0]], [(0.0, 0.0)], [(0.0, 0.0)])
