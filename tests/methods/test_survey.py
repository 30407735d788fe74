"""Surveys from the air: analytic areas, laws of coverage and closed zones, bounds, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely

from rahdari.errors import InputError
from rahdari.methods.survey import Camera, Drone, Survey, Wind, survey
from rahdari.methods.survey_flight import OpenAir, flight_s, ground_speed_m_per_s
from rahdari.methods.survey_legs import covering_legs
from rahdari.methods.survey_order import Craft, Times, shared_out, toured

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

LON, LAT = 71.0, 30.0
DEG_PER_KM_LAT = 1.0 / 110.85
DEG_PER_KM_LON = 1.0 / 96.49  # at 30 degrees north
CAMERA = Camera(height_m=200.0, side_overlap_frac=0.0)


def box_km(x: float, y: float, width: float, height: float) -> BaseGeometry:
    return shapely.box(
        LON + x * DEG_PER_KM_LON, LAT + y * DEG_PER_KM_LAT,
        LON + (x + width) * DEG_PER_KM_LON, LAT + (y + height) * DEG_PER_KM_LAT,
    )  # fmt: skip


def drone(name: str = "one", x: float = -0.5, y: float = -0.5, **more: float) -> Drone:
    return Drone(name, LON + x * DEG_PER_KM_LON, LAT + y * DEG_PER_KM_LAT, **more)


def disc_km(x: float, y: float, radius: float) -> BaseGeometry:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return shapely.Polygon(np.stack([
        LON + (x + radius * np.cos(angle)) * DEG_PER_KM_LON, LAT + (y + radius * np.sin(angle)) * DEG_PER_KM_LAT
    ], axis=1))  # fmt: skip


@pytest.fixture(scope="module")
def holed() -> tuple[BaseGeometry, list[BaseGeometry], Survey]:
    area, holes = box_km(0, 0, 8, 6), [disc_km(2.5, 3, 0.8), disc_km(5.5, 2, 0.6), box_km(6, 4, 0.5, 1.5)]
    return area, holes, survey(area, holes, CAMERA, [drone("one"), drone("two")], Wind(4.0, 300.0))


def test_a_rectangle_is_flown_along_its_longer_side_with_the_fewest_legs() -> None:
    legs = covering_legs(shapely.box(0, 0, 1000, 400), None, 100.0, 0.0)
    assert np.hypot(*(legs.ends_m[:, 1] - legs.ends_m[:, 0]).T).tolist() == pytest.approx([1000.0] * 4)
    found = survey(box_km(0, 0, 6, 1.5), (), CAMERA, [drone()])
    assert found.direction_deg % 180 == pytest.approx(0.0, abs=0.5)
    assert found.n_legs == int(np.ceil(1500 / CAMERA.spacing_m))
    assert found.leg_km == pytest.approx(6.0 * found.n_legs, rel=2e-3)


def test_a_tall_rectangle_is_flown_the_other_way() -> None:
    found = survey(box_km(0, 0, 1.5, 6), (), CAMERA, [drone()])
    assert found.direction_deg == pytest.approx(90.0, abs=0.5)


def test_everything_is_seen_and_what_is_not_is_counted(holed: tuple[BaseGeometry, list[BaseGeometry], Survey]) -> None:
    area, holes, found = holed
    seen: list[BaseGeometry] = []
    for sortie in found.sorties:
        flat = (sortie.lonlat_deg - [LON, LAT]) / [DEG_PER_KM_LON, DEG_PER_KM_LAT]
        legs = [shapely.LineString(flat[k : k + 2]) for k in np.flatnonzero(sortie.is_leg)]
        seen += [leg.buffer(found.spacing_m / 2e3, cap_style="square") for leg in legs]
    free = shapely.difference(area, shapely.union_all(holes))
    flat_free = shapely.transform(free, lambda at: (at - [LON, LAT]) / [DEG_PER_KM_LON, DEG_PER_KM_LAT])
    missed = shapely.difference(flat_free, shapely.union_all(seen).buffer(0.002)).area / flat_free.area
    assert missed < 0.002
    assert found.covered_frac > 0.999


def test_neither_legs_nor_ways_enter_a_hole(holed: tuple[BaseGeometry, list[BaseGeometry], Survey]) -> None:
    _, holes, found = holed
    inner = shapely.union_all([shapely.buffer(hole, -1e-6) for hole in holes])
    for sortie in found.sorties:
        assert not shapely.intersects(inner, shapely.LineString(sortie.lonlat_deg))


def test_every_leg_is_flown_once_and_no_battery_is_overdrawn(
    holed: tuple[BaseGeometry, list[BaseGeometry], Survey],
) -> None:
    _, _, found = holed
    assert sum(int(sortie.is_leg.sum()) for sortie in found.sorties) == found.n_legs
    assert all(sortie.air_s <= drone().usable_s + 1e-6 for sortie in found.sorties)
    assert {sortie.drone for sortie in found.sorties} == {"one", "two"}


def test_all_are_back_between_the_bound_and_a_small_multiple_of_it(
    holed: tuple[BaseGeometry, list[BaseGeometry], Survey],
) -> None:
    _, _, found = holed
    by_drone = [
        sum(each.air_s for each in found.sorties if each.drone == name)
        + 600.0 * (sum(each.drone == name for each in found.sorties) - 1)
        for name in ("one", "two")
    ]
    assert found.back_s == pytest.approx(max(by_drone), rel=1e-3)
    assert 1.0 <= found.ratio < 1.6


def test_the_time_of_a_sortie_is_that_of_its_way_points() -> None:
    found = survey(box_km(0, 0, 3, 2), (), CAMERA, [drone()], Wind(5.0, 270.0))
    for sortie in found.sorties:
        flat = (sortie.lonlat_deg - [LON, LAT]) / [DEG_PER_KM_LON, DEG_PER_KM_LAT] * 1000.0
        flown = float(flight_s(flat[:-1], flat[1:], 20.0, np.array([5.0, 0.0])).sum())
        assert sortie.air_s == pytest.approx(flown + 8.0 * sortie.is_leg.sum(), rel=2e-3)


def test_the_wind_triangle_holds() -> None:
    east, wind = np.array([1.0, 0.0]), np.array([3.0, 4.0])
    assert ground_speed_m_per_s(east, 5.0, np.array([3.0, 0.0])) == pytest.approx(8.0)
    assert ground_speed_m_per_s(east, 5.0, np.array([-5.0, 0.0])) == 0.0
    assert ground_speed_m_per_s(east, 5.0, wind) == pytest.approx(6.0)
    assert ground_speed_m_per_s(east, 3.9, wind) == 0.0


def test_wind_makes_a_survey_no_quicker() -> None:
    still, windy = (survey(box_km(0, 0, 4, 3), (), CAMERA, [drone()], Wind(speed, 200.0)) for speed in (0.0, 8.0))
    assert windy.back_s > still.back_s


def test_more_drones_are_back_no_later() -> None:
    area = box_km(0, 0, 10, 8)
    times = [survey(area, (), CAMERA, [drone(str(k)) for k in range(n)]).back_s for n in (1, 2, 4)]
    assert times[0] >= times[1] >= times[2]


def test_a_way_around_a_closed_square_is_as_short_as_its_corners_allow() -> None:
    air = OpenAir(shapely.box(-100, -100, 100, 100))
    start, end = np.array([-1000.0, 0.0]), np.array([1000.0, 0.0])
    way = air.way(air.tree(start), end)
    shortest = 2 * np.hypot(900, 100) + 200
    assert shortest <= np.hypot(*np.diff(way, axis=0).T).sum() <= shortest * 1.02


def test_few_legs_are_toured_as_well_as_by_trying_all_orders() -> None:
    from itertools import permutations, product

    draw = np.random.default_rng(5)
    for _ in range(6):
        ends = draw.uniform(0, 3000, (5, 2, 2))
        times = Times(ends, Craft(np.zeros(2), 20.0, 1e9, 0.0, 0.0), np.array([3.0, 1.0]), OpenAir(None))

        def total(tour: np.ndarray, times: Times = times) -> float:
            between = times.between[tour[:-1] ^ 1, tour[1:]].sum()
            own = times.leg_s[tour // 2, tour % 2].sum()
            return float(times.out_s[tour[0]] + own + between + times.back_s[tour[-1] ^ 1])

        ways = list(product((0, 1), repeat=5))
        best = min(total(2 * np.array(order) + np.array(way)) for order in permutations(range(5)) for way in ways)
        assert total(toured(times)) <= 1.15 * best


def test_sharing_out_takes_every_leg_once_in_order() -> None:
    ends = np.random.default_rng(2).uniform(0, 5000, (30, 2, 2))
    times = Times(ends, Craft(np.zeros(2), 20.0, 1500.0, 5.0, 100.0), np.zeros(2), OpenAir(None))
    tour = toured(times)
    shares, _ = shared_out(tour, [times] * 3)
    assert [k for share in shares for first, last in share for k in range(first, last)] == list(range(30))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"polygon": shapely.Polygon([(71, 30), (71.1, 30.1), (71.1, 30), (71, 30.1)])}, "crosses itself"),
        ({"holes": [box_km(50, 50, 1, 1)]}, "outside the area"),
        ({"drones": []}, "no drone"),
        ({"drones": [drone(endurance_s=60.0)]}, "cannot reach the area"),
        ({"wind": Wind(30.0, 0.0)}, "of wind"),
        ({"drones": [drone(x=1.0, y=1.0)], "no_fly": [box_km(0.5, 0.5, 1, 1)]}, "closed zone"),
        ({"polygon": box_km(0, 0, 900, 900)}, "wider than"),
        ({"camera": Camera(height_m=-3.0)}, "sees nothing"),
        ({"holes": [box_km(-1, -1, 9, 9)], "drones": [drone(x=-2, y=-2)]}, "left to survey"),
        ({"polygon": [(71, 30), (71.1, 30)]}, "no polygon"),
    ],
)
def test_what_cannot_be_flown_is_refused_with_the_reason(change: dict[str, object], words: str) -> None:
    given = {"polygon": box_km(0, 0, 3, 2), "holes": (), "camera": CAMERA, "drones": [drone()], "wind": Wind()}
    with pytest.raises(InputError, match=words):
        survey(**{**given, **change})  # type: ignore[arg-type]
