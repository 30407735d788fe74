"""Points along lines, and names of the stretches that fail."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from shapely import LineString

from rahdari.errors import InputError
from rahdari.methods.line_points import LinePoints, line_points, nearest_km, segments

ROAD = [(74.31, 35.92), (74.66, 36.33), (74.66, 36.33), (75.43, 36.85)]
LANDMARKS = pl.DataFrame(
    {
        "landmark_id": ["khunjerab", "gilgit", "karimabad"],
        "name": ["Khunjerab Pass", "Gilgit", "Karimabad"],
        "lon_deg": [75.43, 74.31, 74.66],
        "lat_deg": [36.85, 35.92, 36.33],
    }
)


def test_points_lie_a_hundred_metres_apart_and_end_with_the_line() -> None:
    points = line_points(ROAD)
    length_m = Geod(ellps="WGS84").line_length([lon for lon, _ in ROAD], [lat for _, lat in ROAD])
    assert points.length_km == pytest.approx(length_m / 1000.0, abs=1e-9)
    assert len(points) == int(length_m // 100.0) + 2
    assert np.diff(points.km)[:-1] == pytest.approx(0.1)
    assert points.km[-1] == points.length_km
    assert (points.lon_deg[-1], points.lat_deg[-1]) == pytest.approx(ROAD[-1], abs=1e-9)
    _, _, apart_m = Geod(ellps="WGS84").inv(
        points.lon_deg[:-1], points.lat_deg[:-1], points.lon_deg[1:], points.lat_deg[1:]
    )
    # Only the step around the bend at Karimabad is a chord, and so shorter.
    assert np.sum(np.abs(np.asarray(apart_m)[:-1] - 100.0) > 1e-3) <= 1


def test_the_table_of_points_has_one_name_and_height_each() -> None:
    points = line_points(ROAD)
    table = points.table(np.linspace(1500.0, 4693.0, len(points)))
    assert table["point_id"].n_unique() == table.height == len(points)
    assert table["height_m"][-1] == 4693.0
    assert points.table(2000.0)["height_m"].unique().to_list() == [2000.0]


def test_a_line_is_the_same_as_table_line_or_numbers() -> None:
    ways = (ROAD, LineString(ROAD), pl.DataFrame(ROAD, schema=["lon_deg", "lat_deg"], orient="row"), np.array(ROAD))
    found = [line_points(way, 500.0) for way in ways]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0].lon_deg, other.lon_deg)


def test_a_line_of_whole_steps_has_no_doubled_end() -> None:
    lon, lat, _ = Geod(ellps="WGS84").fwd(73.0, 34.0, 40.0, 1000.0)
    points = line_points([(73.0, 34.0), (float(lon), float(lat))])
    assert len(points) == 11
    assert points.km == pytest.approx(np.arange(11) / 10.0, abs=1e-6)


def test_a_line_over_the_date_line_goes_the_short_way() -> None:
    points = line_points([(179.9, 10.0), (-179.9, 10.0)])
    assert points.length_km == pytest.approx(21.9, abs=0.1)


@given(verdicts=st.lists(st.booleans(), min_size=4, max_size=40))
def test_stretches_cover_exactly_the_failing_points(verdicts: list[bool]) -> None:
    km = np.arange(len(verdicts)) / 10.0
    points = LinePoints(km, 73.0 + km / 100.0, np.full(km.size, 34.0), float(km[-1]), 0.1)
    found = segments(points, verdicts)
    assert found["n_points"].sum() == sum(verdicts)
    inside = [any(a <= x <= b for a, b in found.select("from_km", "to_km").rows()) for x in km.tolist()]
    assert inside == verdicts
    assert found["segment_id"].n_unique() == found.height
    whole, sound = segments(points, [True] * km.size), segments(points, ~np.array(verdicts))
    parts_km = pl.concat([found, sound])["length_km"].sum()
    assert parts_km == pytest.approx(whole["length_km"].sum())


def test_stretches_are_named_after_the_landmarks_at_their_ends() -> None:
    points = line_points(ROAD, 1000.0)
    failing = (points.km < 3.0) | (points.km > points.length_km - 80.0)
    found = segments(points, failing, LANDMARKS)
    assert found["name"].to_list() == [
        "near Gilgit, km 0.0 to 2.0",
        f"Karimabad to Khunjerab Pass, km {points.km[failing][3]:.1f} to {points.length_km:.1f}",
    ]
    assert found["name"].to_list() == segments(points, failing, LANDMARKS.reverse())["name"].to_list()
    assert segments(points, np.zeros(len(points), bool), LANDMARKS).is_empty()


def test_places_find_their_kilometre() -> None:
    points = line_points(ROAD)
    km, away_km = nearest_km(points, LANDMARKS["lon_deg"], LANDMARKS["lat_deg"])
    assert km[0] == points.length_km
    assert km[1] == 0.0
    assert (away_km < 0.06).all()


@pytest.mark.parametrize(
    ("line", "step_m", "what"),
    [
        ([(73.0, 34.0)], 100.0, "two places"),
        ([(73.0, 34.0), (73.0, 34.0)], 100.0, "two places"),
        ([(73.0, 34.0), (73.0, 95.0)], 100.0, "row 2"),
        ([(73.0, float("nan")), (73.0, 35.0)], 100.0, "row 1"),
        ([(73.0, 34.0), (74.0, 35.0)], 0.0, "step"),
        ([(73.0, 34.0), (74.0, 35.0)], 0.01, "longer steps"),
        ([73.0, 34.0], 100.0, "shape"),
    ],
)
def test_lines_that_cannot_be_walked_are_refused(line: list[tuple[float, float]], step_m: float, what: str) -> None:
    with pytest.raises(InputError, match=what):
        line_points(line, step_m)


def test_verdicts_of_another_number_are_refused() -> None:
    with pytest.raises(InputError, match="verdicts"):
        segments(line_points(ROAD), [True])
