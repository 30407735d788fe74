"""Ways through open air: analytic detours, bounds, and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import shapely

from rahdari.errors import InputError
from rahdari.methods.air_route import air_route
from rahdari.methods.air_space import Airspace
from rahdari.methods.raster import Raster

LON, LAT = 71.0, 30.0
KM_LON, KM_LAT = 1.0 / 96.49, 1.0 / 110.85


def at(x_km: float, y_km: float) -> tuple[float, float]:
    return LON + x_km * KM_LON, LAT + y_km * KM_LAT


def around(x_km: float, y_km: float, radius_km: float) -> Airspace:
    lon, lat = at(x_km, y_km)
    return Airspace(pl.DataFrame({"name": ["field"], "lon_deg": [lon], "lat_deg": [lat], "radius_km": [radius_km]}))


def ridge(height_m: float, gap_km: float | None) -> Raster:
    """Return level ground of 1 km cells with a ridge across the way, and a gap at some kilometres north."""
    value = np.full((200, 200), 100.0, np.float32)
    value[:, 97:103] = height_m
    if gap_km is not None:
        row = round(100 - gap_km)
        value[row - 4 : row + 4, :] = 100.0
    return Raster(value, LON - KM_LON * 100, LAT + KM_LAT * 100, KM_LON, KM_LAT, is_coarse=False, source="a ridge")


def test_open_air_is_crossed_straight() -> None:
    found = air_route(at(-20, 0), at(20, 0))
    assert found.length_km == pytest.approx(40.0, rel=0.01)
    assert found.ratio == 1.0
    assert len(found.lonlat_deg) == 2


def test_the_way_round_an_airport_is_two_tangents_and_an_arc() -> None:
    half, radius = 20.0, 6.0
    tangent = np.sqrt(half**2 - radius**2)
    true = 2.0 * tangent + 2.0 * radius * np.arcsin(radius / half)
    found = air_route(at(-half, 0), at(half, 0), airspace=around(0, 0, radius))
    assert found.lower_bound_km <= true <= found.length_km * 1.002
    assert found.ratio < 1.02


def test_no_point_of_the_way_is_closed() -> None:
    space = around(0, 1.0, 6.0)
    way = air_route(at(-20, 0), at(20, 0), airspace=space).lonlat_deg
    dense = shapely.get_coordinates(shapely.segmentize(shapely.LineString(way), 0.001))
    assert not space.closed(*dense.T)["airport"].any()


def test_a_ridge_above_the_ceiling_is_passed_by_its_gap_and_a_low_one_straight() -> None:
    high = air_route(at(-30, 0), at(30, 0), ridge(5000.0, gap_km=15.0), ceiling_m=3000.0)
    low = air_route(at(-30, 0), at(30, 0), ridge(2000.0, gap_km=15.0), ceiling_m=3000.0)
    assert low.ratio == 1.0
    assert low.length_km < high.length_km < 75.0
    assert high.ratio < 1.05
    assert (np.abs((high.lonlat_deg[:, 1] - LAT) / KM_LAT)).max() > 9.0


def test_a_border_and_a_zone_are_kept_away_from() -> None:
    border = shapely.LineString([at(0, -60), at(0, 10)])
    space = Airspace(borders=(border,), zones=(shapely.box(*at(-2, 14), *at(2, 18)),), border_km=3.0)
    way = air_route(at(-20, 0), at(20, 0), airspace=space)
    dense = shapely.get_coordinates(shapely.segmentize(shapely.LineString(way.lonlat_deg), 0.001))
    closed = space.closed(*dense.T)
    assert not closed["border"].any()
    assert not closed["no-fly zone"].any()
    assert way.lower_bound_km <= way.length_km


def test_a_larger_closed_zone_never_shortens_the_way() -> None:
    lengths = [air_route(at(-20, 0), at(20, 0), airspace=around(0, 0, r)).length_km for r in (2.0, 4.0, 6.0, 8.0)]
    assert lengths == sorted(lengths)


def test_a_walled_in_point_has_no_way() -> None:
    with pytest.raises(InputError, match="no open way"):
        air_route(at(-30, 0), at(30, 0), ridge(5000.0, gap_km=None), ceiling_m=3000.0)


@pytest.mark.parametrize(
    ("start", "end", "match"),
    [((LON, LAT), (LON, LAT), "one point"), ((LON, 99.0), (LON, LAT), "no place"), ((LON, LAT), (80.0, LAT), "too far"),
     ((LON, float("nan")), (LON, LAT), "no place")],
)  # fmt: skip
def test_ends_that_are_none_are_refused(start: tuple[float, float], end: tuple[float, float], match: str) -> None:
    with pytest.raises(InputError, match=match):
        air_route(start, end)


def test_an_end_in_closed_air_is_refused_with_its_reason() -> None:
    with pytest.raises(InputError, match="the start is closed air: airport"):
        air_route(at(0, 0), at(20, 0), airspace=around(1, 0, 6.0))
    with pytest.raises(InputError, match="above the ceiling"):
        air_route(at(0, 0), at(30, 0), ridge(5000.0, gap_km=None), ceiling_m=3000.0)
