"""Satellites from the orbit to the eye: times, turning, filling, counting, and the outside truths."""

from __future__ import annotations

import itertools
import math
import pickle
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.constellation import CircularOrbits, Constellation, MeanElements, geo_slots, joined, walker_shell
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.points import Points, earth_fixed_km, local_axes, points_of
from rahdari.methods.satellite_view import look_angles, sky, visible
from rahdari.methods.sidereal import earth_angle_rad, julian_days, ut1_less_utc_s, utc_times
from rahdari.sources.orbits import read_constellation

if TYPE_CHECKING:
    from pathlib import Path

ISLAMABAD = (73.0479, 33.6844, 540.0)
DAY = np.datetime64("2024-05-21T00:00:00", "us")
MINUTE = np.timedelta64(60, "s")
SHELL = walker_shell("shell", 24, 22, altitude_km=550.0, inclination_deg=53.0, phasing=5)


@pytest.fixture(scope="module")
def starlink(shared_folder: Path) -> Constellation:
    return read_constellation(shared_folder / "validation" / "space" / "starlink_omm_2024-05-21.json")


def small(n: int = 300, seed: int = 7) -> Constellation:
    """Return orbits of all heights and shapes, so that nothing rests on circles."""
    random = np.random.Generator(np.random.Philox(key=seed))
    motion = random.uniform(1.0, 15.8, n)
    axis_km = np.cbrt(398_600.8 / (motion * 2.0 * math.pi / 86_400.0) ** 2)
    elements = MeanElements(
        epoch_day=np.full(n, 27_169.0),
        epoch_frac=random.random(n),
        motion_per_day=motion,
        eccentricity_ratio=random.uniform(0.0, 1.0, n) * np.clip(1.0 - 6_600.0 / axis_km, 0.0, 0.7),
        inclination_deg=random.uniform(0.0, 120.0, n),
        node_deg=random.uniform(0.0, 360.0, n),
        perigee_deg=random.uniform(0.0, 360.0, n),
        anomaly_deg=random.uniform(0.0, 360.0, n),
        drag_bstar=np.full(n, 1e-4),
    )
    return Constellation("mixed", np.arange(n), tuple(map(str, range(n))), elements)


def brute(c: Constellation, points: Points, times: np.ndarray, mask_deg: float) -> tuple[np.ndarray, ...]:
    """Return count, best index and best elevation by every angle of every pair."""
    sight = positions_km(c, times)[None] - earth_fixed_km(points)[:, None, None, :]
    local = np.einsum("pstc,pkc->pstk", sight, local_axes(points))
    elevation = np.degrees(np.arctan2(local[..., 2], np.hypot(local[..., 0], local[..., 1])))
    elevation[~(elevation >= mask_deg)] = -np.inf
    best = elevation.argmax(axis=1)
    top = elevation.max(axis=1)
    return np.isfinite(elevation).sum(axis=1), np.where(np.isfinite(top), best, -1), top


def test_a_published_position_turns_to_the_earth_within_two_metres() -> None:
    # Vallado, Fundamentals of astrodynamics, example 3-15: TEME and pseudo Earth-fixed, km, with UT1 - UTC -0.44 s.
    day, frac = julian_days(utc_times("2004-04-06T07:51:28.386009Z"))
    angle = float(earth_angle_rad(day, frac)[0])
    x, y = 5094.18016210, 6127.64465950
    found = (math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x)
    assert np.allclose(found, (-1033.4750312, 7901.3055856), atol=0.002)
    assert float(ut1_less_utc_s(day, frac)[0]) == pytest.approx(-0.43996, abs=0.01)


@pytest.mark.parametrize(
    ("when", "seconds"),
    [
        ("2005-07-01", -0.6154),
        ("2016-12-31", -0.4084),
        ("2017-01-01", 0.5913),
        ("2023-10-01", 0.0117),
        ("2024-05-21", -0.0213),
    ],
)
def test_the_turn_of_the_earth_follows_what_was_measured(when: str, seconds: float) -> None:
    assert float(ut1_less_utc_s(*julian_days(utc_times(when)))[0]) == pytest.approx(seconds, abs=0.02)


def test_times_are_read_in_every_form_and_no_form_shifts_them() -> None:
    from datetime import UTC, datetime, timedelta, timezone

    pakistan = timezone(timedelta(hours=5))
    forms = [
        "2024-05-21T05:10:00+05:00",
        "2024-05-21 00:10",
        datetime(2024, 5, 21, 0, 10, tzinfo=UTC),
        datetime(2024, 5, 21, 5, 10, tzinfo=pakistan),
        np.datetime64("2024-05-21T00:10:00", "s"),
    ]
    assert set(utc_times(forms).tolist()) == {datetime(2024, 5, 21, 0, 10)}  # noqa: DTZ001  # numpy has no zones


@pytest.mark.parametrize("bad", ["yesterday", "NaT", 12, ["1900-01-01"], np.array([["2024-01-01"]], "datetime64[s]")])
def test_what_is_no_moment_is_refused(bad: object) -> None:
    with pytest.raises(InputError, match="moment"):
        utc_times(bad if isinstance(bad, (str, list, np.ndarray)) else [bad])


def test_cubics_between_minutes_hold_a_metre_in_low_orbits(starlink: Constellation) -> None:
    times = DAY + np.arange(0, 600, 7) * np.timedelta64(1, "s")
    assert isinstance(starlink.orbits, MeanElements)
    is_low = starlink.orbits.mean_height_km < 450.0
    some = np.concatenate([np.flatnonzero(~is_low)[::40], np.flatnonzero(is_low)[::40]])
    exact, filled = (positions_km(starlink, times, step_s=step, of=some) for step in (None, 60.0))
    error_m = 1000.0 * np.linalg.norm(exact - filled, axis=-1)
    assert 0.1 < error_m[~is_low[some]].max() < 1.0
    assert error_m.max() < 1.5  # of satellites just launched, 300 km high


def test_filled_positions_do_not_depend_on_what_else_is_asked() -> None:
    c, times = small(20), DAY + np.arange(100) * np.timedelta64(13, "s")
    whole = positions_km(c, times, step_s=60.0)
    assert np.array_equal(whole[:, 40:41], positions_km(c, times[40], step_s=60.0))
    assert np.array_equal(whole[3:5], positions_km(c, times, step_s=60.0, of=np.array([3, 4])))


def test_look_angles_agree_with_an_independent_program(starlink: Constellation, shared_folder: Path) -> None:
    folder = shared_folder / "validation" / "space"
    place_of = {row["place"]: (row["lon"], row["lat"], row["h_m"]) for row in
                pl.read_csv(folder / "starlink_visible_expected.csv").iter_rows(named=True)}  # fmt: skip
    index = {int(number): i for i, number in enumerate(starlink.satellite_id)}
    truth = pl.read_csv(folder / "starlink_lookangles_expected.csv")
    for (utc, place), rows in truth.group_by(["utc", "place"]):
        found = look_angles(starlink, place_of[str(place)], utc)
        at = [index[number] for number in rows["norad"]]
        assert np.abs(found.elevation_deg[at] - rows["el_deg"].to_numpy()).max() < 0.002
        turned = (found.azimuth_deg[at] - rows["az_deg"].to_numpy() + 180.0) % 360.0 - 180.0
        assert np.abs(turned).max() < 0.02
        assert np.abs(found.range_km[at] - rows["range_km"].to_numpy()).max() < 0.02


def test_counts_and_the_best_satellite_agree_with_an_independent_program(
    starlink: Constellation, shared_folder: Path
) -> None:
    truth = pl.read_csv(shared_folder / "validation" / "space" / "starlink_visible_expected.csv")
    for row in truth.iter_rows(named=True):
        place = (row["lon"], row["lat"], row["h_m"])
        for mask_deg in (25, 40):
            found = visible(starlink, place, row["utc"], mask_deg)
            assert abs(int(found.count[0, 0]) - row[f"n_above_{mask_deg}deg"]) <= 1
            assert starlink.satellite_name[found.best_index[0, 0]] == row["best_sat"]
            assert float(found.best_elevation_deg[0, 0]) == pytest.approx(row["best_el_deg"], abs=0.005)


@pytest.mark.parametrize("mask_deg", [-5.0, 5.0, 25.0, 60.0])
def test_dropping_blocks_and_satellites_loses_no_pair(mask_deg: float) -> None:
    c = small()
    lon, lat = np.meshgrid(np.linspace(-180.0, 180.0, 9), [-90.0, -89.9, -40.0, 0.0, 33.0, 35.1, 90.0])
    points = Points(lon.ravel(), lat.ravel(), np.linspace(-400.0, 8000.0, lon.size))
    times = DAY + np.array([0, 60, 120, 540, 600, 30_000, 30_060]) * np.timedelta64(1, "s")
    found = visible(c, points, times, mask_deg)
    count, best, top = brute(c, points, times, mask_deg)
    assert np.array_equal(found.count, count)
    assert np.array_equal(found.best_index, best)
    seen = best >= 0
    assert np.allclose(found.best_elevation_deg[seen], top[seen], atol=1e-6)
    assert np.isnan(found.best_elevation_deg[~seen]).all()


def test_neither_order_nor_company_of_places_and_moments_changes_an_answer() -> None:
    random = np.random.Generator(np.random.Philox(key=3))
    points = Points(random.uniform(60.0, 78.0, 80), random.uniform(23.0, 37.0, 80), random.uniform(0.0, 4000.0, 80))
    times = DAY + np.arange(60) * MINUTE
    whole = visible(SHELL, points, times)
    row, column = random.permutation(80), random.permutation(60)
    mixed = Points(points.lon_deg[row], points.lat_deg[row], points.height_m[row])
    other = visible(SHELL, mixed, times[column])
    alone = visible(SHELL, (points.lon_deg[5], points.lat_deg[5], points.height_m[5]), times[17])
    for name in ("count", "best_index", "best_elevation_deg"):
        value = getattr(whole, name)
        assert np.array_equal(value[np.ix_(row, column)], getattr(other, name), equal_nan=True)
        assert np.array_equal(value[5:6, 17:18], getattr(alone, name), equal_nan=True)


def test_a_wall_of_terrain_hides_what_stands_behind_it_only() -> None:
    times = DAY + np.arange(90) * MINUTE
    wall = np.zeros((1, 36))
    wall[0, 6:13] = 50.0  # azimuths 60 to 120
    for time in times[:30]:
        sight = look_angles(SHELL, ISLAMABAD, time)
        rim = np.interp(sight.azimuth_deg, np.arange(37) * 10.0, np.append(wall[0], wall[0, 0]))
        expected = int((sight.elevation_deg >= np.maximum(25.0, rim)).sum())
        assert visible(SHELL, ISLAMABAD, time, 25.0, wall).count[0, 0] == expected
    open_sky = visible(SHELL, ISLAMABAD, times)
    level = visible(SHELL, ISLAMABAD, times, 25.0, np.zeros((1, 1)))
    assert np.array_equal(open_sky.count, level.count)
    assert visible(SHELL, ISLAMABAD, times, 25.0, wall).count.sum() < open_sky.count.sum()


@given(st.floats(5.0, 60.0), st.floats(0.0, 25.0))
def test_a_higher_mask_never_shows_more(mask_deg: float, more_deg: float) -> None:
    times = DAY + np.arange(5) * MINUTE
    low, high = (visible(SHELL, ISLAMABAD, times, mask) for mask in (mask_deg, mask_deg + more_deg))
    assert (high.count <= low.count).all()


def test_a_slot_over_the_equator_stands_where_spherical_trigonometry_puts_it() -> None:
    # Karachi to 38.2 E over a sphere: tan(elevation) = (cos g - R / r) / sin g; the ellipsoid moves it by 0.2 at most.
    paksat = geo_slots("PakSat", {"PakSat-MM1": 38.2})
    for time in ("2024-05-21T00:00:00Z", "2030-12-01T13:00:00Z"):
        found = look_angles(paksat, (67.0, 24.86, 0.0), time)
        g = math.acos(math.cos(math.radians(24.86)) * math.cos(math.radians(67.0 - 38.2)))
        expected = math.degrees(math.atan2(math.cos(g) - 6371.0 / 42_164.17, math.sin(g)))
        assert float(found.elevation_deg[0]) == pytest.approx(expected, abs=0.2)
        assert float(found.azimuth_deg[0]) == pytest.approx(180.0 + math.degrees(
            math.atan2(math.tan(math.radians(67.0 - 38.2)), math.sin(math.radians(24.86)))), abs=0.1)  # fmt: skip
        assert 37_000.0 < float(found.range_km[0]) < 39_000.0


def test_a_shell_holds_its_height_and_its_planes_their_pattern() -> None:
    times = DAY + np.arange(0, 200, 20) * MINUTE
    radius = np.linalg.norm(positions_km(SHELL, times), axis=-1)
    assert np.allclose(radius, 6378.137 + 550.0, atol=1e-6)
    star = walker_shell("star", 12, 49, altitude_km=1200.0, inclination_deg=87.9, is_star=True)
    both = joined("both", [SHELL, star])
    assert isinstance(star.orbits, CircularOrbits)
    assert isinstance(both.orbits, CircularOrbits)
    assert star.orbits.node_deg.max() == pytest.approx(165.0)
    assert len(both) == len(SHELL) + len(star)
    assert int(both.orbits.plane.max()) == 24 + 12 - 1
    assert np.array_equal(positions_km(both, times)[len(SHELL) :], positions_km(star, times))


def test_a_shell_drifts_as_sgp4_says_that_an_orbit_of_its_height_does() -> None:
    # Mean elements of a circle without drag, against the secular rates: after a day the node has drifted by 4.5
    # degrees; the two may part by the short-period terms and the mean radius, some tenths of a degree.
    shell = walker_shell("one", 1, 1, altitude_km=550.0, inclination_deg=53.0, epoch_utc="2024-05-21T00:00:00")
    assert isinstance(shell.orbits, CircularOrbits)
    turn, _ = shell.orbits.rates_rad_s()
    j2, ratio = 1.08262668e-3, 6378.137 / 6928.137
    kozai = math.sqrt(398_600.4418 / 6928.137**3) * (
        1.0 + 0.75 * j2 * ratio**2 * (3.0 * math.cos(math.radians(53.0)) ** 2 - 1.0)
    )
    zero = np.zeros(1)
    elements = MeanElements(
        np.array([27_170.0]), zero, np.array([kozai * 86_400.0 / (2.0 * math.pi)]), zero, np.array([53.0]),
        zero, zero, zero, zero,
    )  # fmt: skip
    mean = Constellation("one", np.arange(1), ("one",), elements)
    times = np.datetime64("2024-05-21", "us") + np.arange(0, 1441, 30) * MINUTE
    apart = np.linalg.norm(positions_km(shell, times) - positions_km(mean, times), axis=-1)
    assert apart.max() < 60.0
    assert float(turn[0]) > 0.0


def test_handovers_and_gaps_are_counted() -> None:
    few = walker_shell("few", 3, 3, altitude_km=550.0, inclination_deg=53.0)
    found = visible(few, ISLAMABAD, DAY + np.arange(1440) * MINUTE)
    best = found.best_index[0]
    expected = sum(1 for a, b in itertools.pairwise(best) if a >= 0 and b >= 0 and a != b)
    assert int(found.handover_count[0]) == expected
    assert float(found.none_frac[0]) == (best < 0).mean()
    assert 0.5 < float(found.none_frac[0]) < 1.0


def test_a_held_satellite_is_left_only_when_it_sinks() -> None:
    times = DAY + np.arange(200) * MINUTE
    found = visible(SHELL, ISLAMABAD, times)
    elevation = np.stack([look_angles(SHELL, ISLAMABAD, time).elevation_deg for time in times])
    held, changes = -1, 0
    for k, best in enumerate(found.best_index[0].tolist()):
        if held < 0 or elevation[k, held] < 25.0:
            changes += held >= 0 and best >= 0
            held = best
    assert int(found.held_handover_count[0]) == changes
    assert 0 < changes < int(found.handover_count[0])


def test_figures_of_a_day_are_those_of_its_moments() -> None:
    random = np.random.Generator(np.random.Philox(key=4))
    points = Points(random.uniform(-60.0, 78.0, 30), random.uniform(-70.0, 70.0, 30), np.zeros(30))
    few = walker_shell("few", 6, 8, altitude_km=550.0, inclination_deg=53.0)
    times = DAY + np.arange(0, 900) * MINUTE
    all_of_it, day = visible(few, points, times), sky(few, points, times)
    assert day.n_moments == 900
    assert np.allclose(day.count_mean, all_of_it.count.mean(axis=1), rtol=1e-12)
    assert np.array_equal(day.count_min, all_of_it.count.min(axis=1))
    assert np.array_equal(day.none_frac, all_of_it.none_frac)
    assert np.array_equal(day.handover_count, all_of_it.handover_count)
    assert np.array_equal(day.held_handover_count, all_of_it.held_handover_count)
    is_seen = all_of_it.count.max(axis=1) > 0
    assert not is_seen.all()
    assert np.isnan(day.best_elevation_mean_deg[~is_seen]).all()
    best = all_of_it.best_elevation_deg[is_seen]
    assert np.allclose(day.best_elevation_mean_deg[is_seen], np.nanmean(best, axis=1), rtol=1e-12)
    assert np.array_equal(day.best_elevation_min_deg[is_seen], np.nanmin(best, axis=1))
    runs = ["".join("x" if n == 0 else "." for n in row).split(".") for row in all_of_it.count.tolist()]
    assert day.longest_none_count.tolist() == [max(map(len, row)) for row in runs]


def test_a_satellite_that_falls_is_left_out_with_a_sentence() -> None:
    elements = small(3).orbits
    assert isinstance(elements, MeanElements)
    falling = MeanElements(
        elements.epoch_day, elements.epoch_frac, np.array([2.0, 16.3, 15.0]), np.zeros(3), elements.inclination_deg,
        elements.node_deg, elements.perigee_deg, elements.anomaly_deg, np.array([0.0, 0.5, 1e-5]),
    )  # fmt: skip
    c = Constellation("falling", np.arange(3), ("high", "falls", "low"), falling)
    found = visible(c, ISLAMABAD, DAY + np.arange(0, 40) * np.timedelta64(1, "D"), 5.0)
    assert any("1 satellites have no position" in text and "falls" in text for text in found.warnings)
    assert any("days" in text and "element sets" in text for text in found.warnings)
    assert not (found.best_index[:, 20:] == 1).any()


def test_elements_survive_pickling() -> None:
    c = small(10)
    other = pickle.loads(pickle.dumps(c))  # noqa: S301  # our own bytes
    assert np.array_equal(positions_km(c, DAY), positions_km(other, DAY))


def test_at_a_pole_azimuths_count_from_the_given_meridian() -> None:
    slot = walker_shell("polar", 1, 1, altitude_km=2000.0, inclination_deg=90.0)
    at = look_angles(slot, (0.0, 90.0, 0.0), DAY)
    turned = look_angles(slot, (30.0, 90.0, 0.0), DAY)
    assert np.allclose(at.elevation_deg, turned.elevation_deg)
    assert float((turned.azimuth_deg - at.azimuth_deg)[0] % 360.0) == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((73.0, 33.0, -900.0), "deeper below the ellipsoid"),
        ((73.0, 91.0, 0.0), "no latitude"),
        ((float("nan"), 33.0, 0.0), "no longitude"),
        ((73.0, 33.0, 90_000.0), "no height of a place"),
        ((73.0,), "tuple of 1"),
        (pl.DataFrame({"lon_deg": [73.0], "lat_deg": [33.0]}), "height_m"),
    ],
)
def test_a_place_that_is_none_is_refused_with_its_row(place: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        points_of(place)  # type: ignore[arg-type]


def test_faulty_masks_steps_and_horizons_are_refused() -> None:
    with pytest.raises(InputError, match="no least elevation"):
        visible(SHELL, ISLAMABAD, DAY, 95.0)
    with pytest.raises(InputError, match="horizon of shape"):
        visible(SHELL, ISLAMABAD, DAY, 25.0, np.zeros((2, 36)))
    with pytest.raises(InputError, match="step"):
        visible(SHELL, ISLAMABAD, DAY, step_s=0.0)
    with pytest.raises(InputError, match="not one"):
        look_angles(SHELL, ISLAMABAD, [DAY, DAY])
    with pytest.raises(InputError, match="no shell"):
        walker_shell("none", 0, 3, altitude_km=550.0, inclination_deg=53.0)
