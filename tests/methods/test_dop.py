from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from rahdari.methods.dop import LARGEST_DOP, Orbit, dilution, positions_km, walker
from rahdari.methods.navigation_systems import beidou_orbits

SHARED = Path(__file__).parents[3] / "shared" / "validation" / "space" / "bds_dop_expected_2023-071.csv"


def test_a_geostationary_satellite_stays_where_it_is() -> None:
    where = positions_km([Orbit(42164.2, 0.0, 80.0, 0.0)], np.array([0.0, 43000.0]))
    np.testing.assert_allclose(where[0], where[1], atol=5.0)


def test_a_steeper_mask_never_shows_more_satellites() -> None:
    orbits = walker(24, 3, 1, 27906.1, 55.0)
    masks = np.array([0.0, 10.0, 20.0, 40.0])
    found = dilution(orbits, np.full(4, 73.0), np.full(4, 33.0), masks, 48)
    assert (np.diff(found.n_satellites) <= 0.0).all()
    assert found.pdop[0] < found.pdop[1]


def test_three_satellites_give_no_position() -> None:
    found = dilution([Orbit(42164.2, 0.0, lon, 0.0) for lon in (60.0, 80.0, 100.0)], [73.0], [33.0], [5.0], 4)
    assert found.fix_frac[0] == 0.0
    assert found.pdop[0] == LARGEST_DOP


def test_position_dilution_is_made_of_ground_and_height() -> None:
    found = dilution(walker(24, 3, 1, 27906.1, 55.0), [73.0], [33.0], [5.0], 1)
    assert found.pdop[0] ** 2 == pytest.approx(found.hdop[0] ** 2 + found.vdop[0] ** 2)


def test_nominal_orbits_agree_with_broadcast_ephemerides() -> None:
    """Means of one day at three places: satellites within 1.5 (one sent none), PDOP within a tenth."""
    if not SHARED.is_file():
        pytest.skip("reference dilutions are not beside the checkout")
    with SHARED.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == "BDS-3" and row["PDOP"]]
    orbits = beidou_orbits(has_regional=True)
    for place in sorted({row["place"] for row in rows}):
        for mask in ("5", "10"):
            seen = [row for row in rows if row["place"] == place and row["mask_deg"] == mask]
            lon, lat = float(seen[0]["lon"]), float(seen[0]["lat"])
            ours = dilution(orbits, [lon], [lat], [float(mask)], 336)
            assert ours.n_satellites[0] == pytest.approx(np.mean([float(row["nvis"]) for row in seen]), abs=1.5)
            assert ours.pdop[0] == pytest.approx(np.mean([float(row["PDOP"]) for row in seen]), rel=0.1)
