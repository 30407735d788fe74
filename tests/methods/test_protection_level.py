"""Protection levels of skies that can be worked by hand, and of any sky by leaving satellites out one by one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.broadcast_orbits import Track
from rahdari.methods.earth_points import ground_points
from rahdari.methods.protection_level import Integrity, factors, protection_level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.protection_level import Protection

PLACE = (73.05, 33.68, 540.0)
DAY = np.datetime64("2026-03-12T00:00:00", "us")
LOW_DEG = 30.0
TWO = Integrity(has_two_frequencies=True)


def variance_m2(elevation_deg: float, accuracy_m: float = 4.0) -> float:
    """Return the variance of one range with two frequencies, from the formula as it is printed."""
    sine = math.sin(math.radians(elevation_deg))
    air = 0.12 * 1.001 / math.sqrt(0.002001 + sine**2)
    path = 0.13 + 0.53 * math.exp(-elevation_deg / 10.0)
    noise = 0.15 + 0.43 * math.exp(-elevation_deg / 6.9)
    return accuracy_m**2 + air**2 + 2.588**2 * (path**2 + noise**2)


def unit_vectors(elevation_azimuth_deg: list[tuple[float, float]]) -> NDArray[np.float64]:
    e, a = np.radians(np.array(elevation_azimuth_deg)).T
    return np.stack([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)], axis=1)


def levels(elevation_azimuth_deg: list[tuple[float, float]], asked: Integrity = TWO) -> Protection:
    """Return the levels at one place under satellites given by elevation and azimuth."""
    ground = ground_points([PLACE])
    axes = np.concatenate([ground.east(), ground.north(), ground.up()])
    place = ground.ecef_km() + 22_000.0 * unit_vectors(elevation_azimuth_deg) @ axes
    return protection_level(place[:, None], [PLACE], [DAY], integrity=asked)


def test_a_cross_of_four_and_two_overhead_agrees_with_the_hand() -> None:
    """East needs the pair east and west; without one, its partner and the mean of north and south serve.

    With v of the low satellites, z of those overhead, c the low ones' cosine and s their sine: east variance v / 2c2,
    without the eastern one 3v / 2c2; up (z/2 + v/4) / (1-s)2, without one overhead (z + v/4) / (1-s)2, without a low
    one (z/2 + v/2) / (1-s)2.
    """
    found = levels([(LOW_DEG, 0.0), (LOW_DEG, 90.0), (LOW_DEG, 180.0), (LOW_DEG, 270.0), (90.0, 0.0), (90.0, 0.0)])
    v, z = variance_m2(LOW_DEG), variance_m2(90.0)
    c, s = math.cos(math.radians(LOW_DEG)), math.sin(math.radians(LOW_DEG))
    assert found.n_visible[0, 0] == 6
    assert found.horizontal_m[0, 0] == pytest.approx(2.0 * math.sqrt(v) / c)
    assert found.vertical_m[0, 0] == pytest.approx(1.96 * math.sqrt(z / 2 + v / 4) / (1 - s))
    _, alarm, missed = factors(6, 1e-9, 4.5e-8, 1e-5)
    axis = (alarm * math.sqrt(v) + missed * math.sqrt(1.5 * v)) / c
    assert found.hpl_m[0, 0] == pytest.approx(math.sqrt(2.0) * axis)
    _, alarm, missed = factors(6, 9.8e-8, 3.9e-6, 1e-5)
    overhead = alarm * math.sqrt(z / 2) + missed * math.sqrt(z + v / 4)
    low = alarm * math.sqrt(v / 4) + missed * math.sqrt(z / 2 + v / 2)
    assert found.vpl_m[0, 0] == pytest.approx(max(overhead, low) / (1 - s))


def test_a_fault_of_the_only_satellite_overhead_cannot_be_told() -> None:
    """Without it the four low ones cannot tell height from clock; over the ground nothing changes."""
    found = levels([(LOW_DEG, 0.0), (LOW_DEG, 90.0), (LOW_DEG, 180.0), (LOW_DEG, 270.0), (90.0, 0.0)])
    assert math.isinf(found.vpl_m[0, 0])
    assert math.isfinite(found.hpl_m[0, 0])
    assert math.isfinite(found.vertical_m[0, 0])
    assert found.available_frac(vertical_m=1e3).tolist() == [1.0]
    assert found.available_frac(vertical_m=1e3, vpl_m=1e6).tolist() == [0.0]


def test_four_satellites_give_a_position_without_protection_and_three_give_none() -> None:
    four = levels([(60.0, 0.0), (20.0, 90.0), (40.0, 200.0), (30.0, 300.0)])
    assert math.isinf(four.hpl_m[0, 0])
    assert math.isfinite(four.horizontal_m[0, 0])
    three = levels([(60.0, 0.0), (20.0, 90.0), (40.0, 200.0)])
    assert math.isnan(three.hpl_m[0, 0])
    assert three.available_frac().tolist() == [0.0]


@given(seed=st.integers(0, 10_000), n=st.integers(6, 12))
def test_levels_are_those_of_solving_anew_without_each_satellite(seed: int, n: int) -> None:
    rng = np.random.Generator(np.random.Philox(seed))
    sky = [(float(e), float(a)) for e, a in zip(rng.uniform(8, 88, n), rng.uniform(0, 360, n), strict=True)]
    design = np.concatenate([unit_vectors(sky), np.ones((n, 1))], axis=1)
    weight = np.array([1.0 / variance_m2(e) for e, _ in sky])

    def variances(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        part = design[rows]
        return np.asarray(np.diag(np.linalg.inv(part.T @ (weight[rows, None] * part)))[:3])

    full = variances(np.arange(n))
    without = np.array([variances(np.delete(np.arange(n), i)) for i in range(n)])
    if without.max() > 1e6:
        return  # so thin a sky that the inverse itself has lost its digits
    axes = []
    for j, (risk, alarm_frac) in enumerate([(1e-9, 4.5e-8)] * 2 + [(9.8e-8, 3.9e-6)]):
        _, alarm, missed = factors(n, risk, alarm_frac, 1e-5)
        free = factors(1, risk, alarm_frac, 1e-5)[0] * math.sqrt(full[j])
        apart = np.sqrt(np.maximum(without[:, j] - full[j], 0.0))
        axes.append(max(free, float((alarm * apart + missed * np.sqrt(without[:, j])).max())))
    found = levels(sky)
    assert found.hpl_m[0, 0] == pytest.approx(math.hypot(axes[0], axes[1]), rel=1e-5)
    assert found.vpl_m[0, 0] == pytest.approx(axes[2], rel=1e-5)


def test_one_frequency_and_worse_satellites_protect_less() -> None:
    sky = [(20.0, 10.0), (35.0, 80.0), (50.0, 150.0), (15.0, 220.0), (70.0, 260.0), (40.0, 310.0), (85.0, 0.0)]
    good, single = levels(sky), levels(sky, Integrity())
    poor = levels(sky, Integrity(has_two_frequencies=True, unstated_accuracy_m=8.0))
    assert (good.hpl_m < single.hpl_m).all()
    assert (good.vpl_m < single.vpl_m).all()
    assert (good.vpl_m < poor.vpl_m).all()


def test_a_satellite_alone_on_its_clock_says_nothing_about_the_position() -> None:
    sky = [(20.0, 10.0), (35.0, 80.0), (50.0, 150.0), (15.0, 220.0), (70.0, 260.0), (40.0, 310.0), (85.0, 0.0)]
    alone = levels(sky)
    ground = ground_points([PLACE])
    axes = np.concatenate([ground.east(), ground.north(), ground.up()])
    place = (ground.ecef_km() + 22_000.0 * unit_vectors([*sky, (45.0, 45.0)]) @ axes)[None]
    unknown = np.full((1, 8), np.nan)
    names = (*(f"C{n:02d}" for n in range(1, 8)), "G01")
    track = Track(names, place, np.zeros((1, 8), bool), unknown, unknown)
    more = protection_level(track, [PLACE], [DAY], integrity=TWO, is_one_clock=False)
    assert more.horizontal_m == pytest.approx(alone.horizontal_m)
    assert more.n_visible[0, 0] == 8


def test_the_ionosphere_depends_on_latitude() -> None:
    """Vertical sigma 9 m near the equator, 4.5 m in the middle, 6 m beyond 55 degrees: levels in that order."""
    sky = [(20.0, 10.0), (35.0, 80.0), (50.0, 150.0), (15.0, 220.0), (70.0, 260.0), (40.0, 310.0), (85.0, 0.0)]
    found = []
    for lat in (10.0, 33.0, 60.0):
        ground = ground_points([(73.0, lat, 0.0)])
        axes = np.concatenate([ground.east(), ground.north(), ground.up()])
        place = ground.ecef_km() + 22_000.0 * unit_vectors(sky) @ axes
        found.append(float(protection_level(place[:, None], [(73.0, lat, 0.0)], [DAY]).vpl_m[0, 0]))
    assert found[1] < found[2] < found[0]


def test_what_is_no_probability_is_refused_all_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Integrity(risk_vertical_frac=0.0, fault_frac=2.0, unstated_accuracy_m=-1.0)
    assert len(caught.value.problems) == 3
