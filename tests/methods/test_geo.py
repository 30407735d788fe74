from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.geo import great_circle_km, nearest
from rahdari.units import EARTH_RADIUS_KM

LON, LAT = st.floats(-180.0, 180.0), st.floats(-90.0, 90.0)


@given(LON, LAT, LON, LAT)
def test_distance_is_symmetric_and_at_most_half_round(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> None:
    there = float(great_circle_km(lon_a, lat_a, lon_b, lat_b))
    assert there == pytest.approx(float(great_circle_km(lon_b, lat_b, lon_a, lat_a)), abs=1e-9)
    assert 0.0 <= there <= np.pi * EARTH_RADIUS_KM + 1e-6


def test_the_nearest_target_is_the_one_brute_force_finds() -> None:
    random = np.random.default_rng(3)
    lon, lat = random.uniform(-180, 180, 200), random.uniform(-90, 90, 200)
    to_lon, to_lat = random.uniform(-180, 180, 60), random.uniform(-90, 90, 60)
    index, distance_km = nearest(lon, lat, to_lon, to_lat)
    every = great_circle_km(lon[:, None], lat[:, None], to_lon[None], to_lat[None])
    assert (index == every.argmin(axis=1)).all()
    np.testing.assert_allclose(distance_km, every.min(axis=1), rtol=1e-9)


def test_equal_distances_go_to_the_lower_index() -> None:
    index, _ = nearest([70.0], [30.0], [71.0, 70.5, 70.5, 70.5], [30.0, 30.0, 30.0, 30.0])
    assert index.tolist() == [1]


def test_no_target_is_an_error_with_a_cure() -> None:
    with pytest.raises(InputError, match="at least one"):
        nearest([0.0], [0.0], [], [])
