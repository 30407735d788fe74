"""Augmentation from geostationary satellites: seen over the terrain, and offered there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.augmentation import SERVICES, augmentation_cover, clears
from rahdari.methods.broadcast_orbits import track
from rahdari.sources.rinex import read_rinex

if TYPE_CHECKING:
    from pathlib import Path

KARACHI, ISLAMABAD, KHUNJERAB = (67.0, 24.86, 10.0), (73.05, 33.68, 540.0), (75.43, 36.85, 4693.0)
PLACES = [KARACHI, ISLAMABAD, KHUNJERAB]
INDEX = {service.service_id: k for k, service in enumerate(SERVICES)}


def test_elevations_are_those_of_the_printed_formula() -> None:
    """On a sphere: tan E = (cos g - R/r) / sin g, cos g = cos(latitude) cos(difference of longitude)."""
    found = augmentation_cover(PLACES, country="PK")
    for row, (lon, lat, _) in enumerate(PLACES):
        cosine = np.cos(np.radians(lat)) * np.cos(np.radians(lon - 38.2))
        elevation = np.degrees(np.arctan2(cosine - 6371.0 / 42_164.2, np.sqrt(1.0 - cosine**2)))
        assert found.best_elevation_deg[row, INDEX["pak_sbas"]] == pytest.approx(elevation, abs=0.3)


def test_a_signal_in_view_is_no_service_where_the_operator_offers_none() -> None:
    found = augmentation_cover(PLACES, country="PK")
    assert found.is_in_view[:, [INDEX["gagan"], INDEX["ppp_b2b"], INDEX["sdcm"]]].all()
    assert not found.is_usable[:, INDEX["gagan"]].any()
    # The area of PPP-B2b begins at 75 degrees east: of these places Khunjerab alone lies in it.
    assert found.is_usable[:, INDEX["ppp_b2b"]].tolist() == [False, False, True]
    # Announced is not in operation.
    assert found.is_in_area[:, INDEX["pak_sbas"]].all()
    assert not found.is_usable[:, INDEX["pak_sbas"]].any()
    assert augmentation_cover(PLACES, country="in").is_usable[:, INDEX["gagan"]].all()


def test_a_wall_in_the_direction_of_the_satellites_hides_them() -> None:
    east_wall = np.tile(np.where((np.arange(36) > 8) & (np.arange(36) < 22), 70.0, 0.0), (3, 1))
    open_sky = augmentation_cover(PLACES, country="PK")
    walled = augmentation_cover(PLACES, country="PK", horizon_deg=east_wall)
    assert (walled.n_in_view <= open_sky.n_in_view).all()
    assert not walled.is_in_view[:, INDEX["ppp_b2b"]].any()
    assert walled.is_in_view[:, INDEX["pak_sbas"]].all()
    assert not augmentation_cover(PLACES, country="PK", mask_deg=80.0).is_in_view.any()


def test_horizons_are_interpolated_between_azimuths_also_through_north() -> None:
    directions = np.array([[0.0, 45.0, 350.0]])
    horizon = np.array([[10.0, 30.0, 0.0, 20.0]])
    limits = np.array([[10.0, 20.0, 10.0 + 10.0 * 10.0 / 90.0]])
    assert clears(limits + 1e-6, directions, 0.0, horizon).all()
    assert not clears(limits - 1e-6, directions, 0.0, horizon).any()


def test_longitudes_of_beidou_are_those_broadcast(shared_folder: Path) -> None:
    file = shared_folder / "validation" / "space" / "BRD400DLR_S_20230710000_01D_MN.rnx.gz"
    found = track(read_rinex(file).only("C59", "C60"), ["2023-03-12T06:00:00"])
    longitude = np.degrees(np.arctan2(found.ecef_km[0, :, 1], found.ecef_km[0, :, 0]))
    stated = [SERVICES[INDEX["ppp_b2b"]].satellites[name] for name in found.satellite]
    assert longitude == pytest.approx(stated, abs=1.0)


def test_nothing_to_ask_and_a_horizon_of_other_places_are_refused() -> None:
    with pytest.raises(InputError, match="no service"):
        augmentation_cover(PLACES, country="PK", services=())
    with pytest.raises(InputError, match="shape"):
        augmentation_cover(PLACES, country="PK", horizon_deg=np.zeros((2, 36)))
