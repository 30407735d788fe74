from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.methods.orbits import (
    Shell,
    cap_angle_deg,
    cap_area_km2,
    elevation_deg,
    mean_visible_count,
    slant_range_km,
    typical_angle_deg,
)
from rahdari.units import EARTH_RADIUS_KM

SHARED = Path(__file__).parents[3] / "shared" / "validation" / "space"
EARTH_MU_KM3_S2 = 398600.4418  # WGS 84


@given(st.floats(300.0, 36000.0), st.floats(5.0, 80.0))
def test_a_satellite_at_the_edge_of_the_cap_stands_at_the_least_elevation(altitude_km: float, least_deg: float) -> None:
    edge = cap_angle_deg(altitude_km, least_deg)
    assert float(elevation_deg(edge, altitude_km)) == pytest.approx(least_deg, abs=1e-7)
    assert float(slant_range_km(edge, altitude_km)) >= altitude_km


def test_visible_satellites_over_the_globe_average_to_the_share_of_the_cap() -> None:
    shell = Shell(1000, 550.0, 53.0)
    lat = np.linspace(-90.0, 90.0, 3601)
    weight = np.cos(np.radians(lat))
    mean = (mean_visible_count(lat, shell, 25.0) * weight).sum() / weight.sum()
    share = cap_area_km2(cap_angle_deg(550.0, 25.0)) / (4.0 * np.pi * EARTH_RADIUS_KM**2)
    assert mean == pytest.approx(1000 * share, rel=2e-3)


def test_a_shell_crowds_towards_its_inclination_and_leaves_the_pole() -> None:
    counts = mean_visible_count([0.0, 30.0, 50.0, 80.0], Shell(1584, 550.0, 53.0), 25.0)
    assert counts[0] < counts[1] < counts[2]
    assert counts[3] == 0.0


def test_the_typical_satellite_halves_the_cap() -> None:
    cap = cap_angle_deg(550.0, 25.0)
    assert cap_area_km2(float(typical_angle_deg(cap))) == pytest.approx(0.5 * cap_area_km2(cap), rel=1e-12)


def test_counts_agree_with_real_element_sets() -> None:
    """The mean over random phases lies within a fifth of what a real constellation shows at three places."""
    if not SHARED.is_dir():
        pytest.skip("reference element sets are not beside the checkout")
    sets = json.loads(next(SHARED.glob("starlink_omm_*.json")).read_text(encoding="utf-8"))
    day_s = 86400.0
    groups: dict[tuple[float, float], int] = {}
    for item in sets:
        rate = float(item["MEAN_MOTION"]) * 2.0 * np.pi / day_s
        altitude = (EARTH_MU_KM3_S2 / rate**2) ** (1.0 / 3.0) - EARTH_RADIUS_KM
        key = (round(altitude / 20.0) * 20.0, round(float(item["INCLINATION"])))
        groups[key] = groups.get(key, 0) + 1
    with (SHARED / "starlink_visible_expected.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for place in {row["place"] for row in rows}:
        seen = [row for row in rows if row["place"] == place]
        lat = [float(seen[0]["lat"])]
        ours = sum(
            float(mean_visible_count(lat, Shell(number, altitude, inclination), 25.0)[0])
            for (altitude, inclination), number in groups.items()
        )
        assert ours == pytest.approx(np.mean([float(row["n_above_25deg"]) for row in seen]), rel=0.2)
