"""City centres."""

from __future__ import annotations

import numpy as np

from rahdari.methods.centres import city_centres


def test_parts_of_one_city_make_one_centre_at_the_largest_part() -> None:
    lon = np.array([70.0, 70.05, 70.1, 73.0])
    centres = city_centres(
        np.array([40, 60, 50, 100]), lon, np.full(4, 30.0), radius_km=20.0, spacing_km=60.0, n_centres=9
    )
    assert centres.tolist() == [1, 3]


def test_centres_keep_their_distance() -> None:
    random = np.random.Generator(np.random.Philox(key=4))
    lon, lat = random.uniform(60.0, 70.0, 500), random.uniform(24.0, 30.0, 500)
    centres = city_centres(random.integers(1, 10**6, 500), lon, lat, radius_km=20.0, spacing_km=150.0, n_centres=12)
    east = np.radians(lon[centres][:, None] - lon[centres]) * np.cos(np.radians(27.0)) * 6371.0
    north = np.radians(lat[centres][:, None] - lat[centres]) * 6371.0
    away = np.hypot(east, north) + np.eye(centres.size) * 1e9
    assert centres.size == 12
    assert away.min() > 145.0
