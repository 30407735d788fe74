"""Grids of heights: reading between cells, windows, geodesics and profiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from rahdari.errors import InputError
from rahdari.kernels.raster import FIT_DEGREE, fit_geodesic
from rahdari.methods.raster import Raster, direct_geodesic, inverse_geodesic, metres_per_deg

STEP_DEG = 1.0 / 1200.0  # three arc seconds
MILLIMETRE_M = 1e-3


def plane(n_rows: int = 60, n_columns: int = 80, per_row: float = 2.0, per_column: float = 3.0) -> Raster:
    row, column = np.mgrid[0:n_rows, 0:n_columns]
    value = (1000.0 + per_row * row + per_column * column).astype(np.float32)
    return Raster(value, 76.0, 36.0, STEP_DEG, STEP_DEG, is_coarse=False, source="a plane made for tests")


def test_a_cell_centre_reads_its_own_value() -> None:
    grid = plane()
    lon = 76.0 + (np.arange(80) + 0.5) * STEP_DEG
    lat = 36.0 - (np.arange(60) + 0.5) * STEP_DEG
    read_m = grid.sample(lon[None, :], lat[:, None])
    assert np.abs(read_m - grid.value).max() < MILLIMETRE_M


def test_reading_between_cells_follows_a_plane() -> None:
    read_m = plane().sample(76.0 + 10.25 * STEP_DEG, 36.0 - 20.75 * STEP_DEG)
    assert float(read_m) == pytest.approx(1000.0 + 2.0 * 20.25 + 3.0 * 9.75, abs=MILLIMETRE_M)


def test_outside_the_grid_there_is_no_value() -> None:
    grid = plane()
    assert np.isnan(grid.sample([75.9999, 76.5, 76.01], [35.99, 35.99, 36.0001])).all()
    assert np.isfinite(
        grid.sample([grid.west_deg, grid.east_deg - 1e-9], [grid.north_deg, grid.south_deg + 1e-9])
    ).all()


def test_a_void_beside_the_place_is_not_papered_over() -> None:
    grid = plane()
    grid.value[5, 5] = np.nan
    assert np.isnan(grid.sample(76.0 + 5.9 * STEP_DEG, 36.0 - 5.9 * STEP_DEG))


def test_the_nearest_cell_is_not_mixed_with_its_neighbours() -> None:
    assert float(plane().sample(76.0 + 10.9 * STEP_DEG, 36.0 - 4.1 * STEP_DEG, is_nearest=True)) == 1000.0 + 8.0 + 30.0


def test_a_window_reads_as_the_whole() -> None:
    grid = plane()
    part = grid.window(76.02, 35.96, 76.03, 35.98)
    lon, lat = np.linspace(76.02, 76.03, 9), np.linspace(35.96, 35.98, 9)
    assert part.value.size < grid.value.size / 3
    assert np.abs(part.sample(lon, lat) - grid.sample(lon, lat)).max() < MILLIMETRE_M


def test_a_window_outside_is_refused_with_the_source() -> None:
    with pytest.raises(InputError, match=r"made for tests.*does not reach"):
        plane().window(70.0, 30.0, 70.1, 30.1)


def test_an_empty_grid_or_step_is_refused() -> None:
    with pytest.raises(InputError, match="no cells"):
        Raster(np.empty((0, 3), np.float32), 0.0, 0.0, 1.0, 1.0, is_coarse=False, source="none")
    with pytest.raises(InputError, match="above zero"):
        Raster(np.ones((2, 2), np.float32), 0.0, 0.0, -1.0, 1.0, is_coarse=False, source="none")


@given(
    lon=st.floats(-179.0, 179.0), lat=st.floats(-80.0, 80.0),
    azimuth=st.floats(-180.0, 180.0), distance_m=st.floats(1.0, 500_000.0),
)  # fmt: skip
def test_the_direct_geodesic_is_that_of_the_ellipsoid(
    lon: float, lat: float, azimuth: float, distance_m: float
) -> None:
    lon_b, lat_b = direct_geodesic(lon, lat, azimuth, [distance_m])
    _, _, off_m = Geod(ellps="WGS84").inv(
        *Geod(ellps="WGS84").fwd(lon, lat, azimuth, distance_m)[:2], lon_b[0], lat_b[0]
    )
    assert off_m < MILLIMETRE_M


@given(lat=st.floats(-60.0, 60.0), azimuth=st.floats(-180.0, 180.0))
def test_the_polynomial_of_a_radial_follows_the_geodesic(lat: float, azimuth: float) -> None:
    power = np.empty((2, FIT_DEGREE + 1))
    length_m = 200_000.0
    fit_geodesic(70.0, lat, azimuth, length_m, power)
    share = np.linspace(0.0, 1.0, 101)
    lon, near = direct_geodesic(70.0, lat, azimuth, share * length_m)
    fitted = np.stack([np.polyval(power[c, ::-1], share) for c in range(2)])
    lon_m, lat_m = metres_per_deg(lat)
    assert np.abs((fitted[0] - lon) * lon_m).max() < 2.0 * MILLIMETRE_M
    assert np.abs((fitted[1] - near) * lat_m).max() < 2.0 * MILLIMETRE_M


def test_metres_per_degree_are_those_of_short_geodesics() -> None:
    for lat in (-45.0, 0.0, 23.0, 37.0, 60.0):
        lon_m, lat_m = metres_per_deg(lat)
        assert inverse_geodesic(70.0, lat, 70.001, lat)[1] == pytest.approx(0.001 * lon_m, rel=1e-6)
        assert inverse_geodesic(70.0, lat - 5e-4, 70.0, lat + 5e-4)[1] == pytest.approx(0.001 * lat_m, rel=1e-6)


def test_a_profile_holds_both_ends_and_equal_steps() -> None:
    grid = plane()
    path = grid.profile(76.005, 35.995, 76.055, 35.96, step_m=90.0)
    _, length_m = inverse_geodesic(76.005, 35.995, 76.055, 35.96)
    assert path.distance_km[-1] * 1000.0 == pytest.approx(length_m, abs=MILLIMETRE_M)
    assert np.ptp(np.diff(path.distance_km)) < 1e-9
    assert np.diff(path.distance_km)[0] * 1000.0 <= 90.0
    ends_m = grid.sample([76.005, 76.055], [35.995, 35.96])
    assert path.height_m[[0, -1]] == pytest.approx(ends_m, abs=MILLIMETRE_M)


def test_a_profile_of_a_whole_number_of_steps_has_no_step_more() -> None:
    grid = plane()
    lon, lat = direct_geodesic(76.005, 35.995, 120.0, [10 * 90.0])
    assert grid.profile(76.005, 35.995, float(lon[0]), float(lat[0]), step_m=90.0).height_m.size == 11


def test_a_profile_that_leaves_the_grid_is_refused_with_the_place() -> None:
    with pytest.raises(InputError, match=r"no height at .*cover"):
        plane().profile(76.03, 35.97, 76.5, 35.97)
    with pytest.raises(InputError, match="one point"):
        plane().profile(76.03, 35.97, 76.03, 35.97)
    with pytest.raises(InputError, match="step"):
        plane().profile(76.03, 35.97, 76.04, 35.97, step_m=0.0)
