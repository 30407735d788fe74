from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import shapely

from rahdari.errors import InputError
from rahdari.schema import table_schema
from rahdari.schema.checks import conform
from rahdari.sources.boundaries import Boundaries, from_outline, natural_earth
from rahdari.sources.packages import geonames

pytestmark = pytest.mark.usefixtures("atlas_file")


def _drawn(code: str) -> tuple[Boundaries, pl.DataFrame]:
    towns = geonames.towns(code)
    return natural_earth(geonames.find_country(code), towns["lon_deg"].to_numpy(), towns["lat_deg"].to_numpy()), towns


def test_the_line_of_control_and_the_glacier_are_dashed_and_other_borders_are_not() -> None:
    boundaries, _ = _drawn("PK")
    dashed = dict(boundaries.outline.select("name", "is_disputed").iter_rows())
    assert dashed["Line of Control and working boundary in Jammu and Kashmir"]
    assert dashed["Boundary in the Shaksgam area"]
    assert dashed["Line to Siachen Glacier"]
    assert not dashed["Border with Iran"]
    assert not dashed["Border with India"]
    conform(boundaries.outline, table_schema("outline"))


def test_no_stretch_is_drawn_both_dashed_and_whole() -> None:
    boundaries, _ = _drawn("PK")
    lines = boundaries.outline.filter(pl.col("outline_id") != "pk-land")
    dashed, whole = (
        shapely.union_all(shapely.from_wkb(lines.filter(pl.col("is_disputed") == flag)["geometry"].to_list()))
        for flag in (True, False)
    )
    assert dashed.intersection(whole).length == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("code", ["PK", "KE", "NP", "CO", "FJ"])
def test_nearly_all_settlements_lie_in_their_country(code: str) -> None:
    boundaries, towns = _drawn(code)
    inside = boundaries.contains(towns["lon_deg"].to_numpy(), towns["lat_deg"].to_numpy())
    assert inside.mean() > 0.9
    assert boundaries.land.is_valid


def test_towns_across_a_border_are_outside() -> None:
    boundaries, _ = _drawn("PK")
    # Amritsar, Kandahar, Zahedan, Kashgar; Srinagar beyond the Line of Control; a point far at sea.
    lon = np.array([74.87, 65.71, 60.86, 75.99, 74.80, 65.0])
    lat = np.array([31.63, 31.61, 29.50, 39.47, 34.09, 23.0])
    assert not boundaries.contains(lon, lat).any()


def test_overseas_parts_with_codes_of_their_own_are_left_out_and_found_under_these() -> None:
    france, _ = _drawn("FR")
    guiana, _ = _drawn("GF")
    assert france.land.bounds[0] > -6.0
    assert guiana.land.bounds[2] < -51.0


def test_a_territory_that_is_not_drawn_gets_assumed_land() -> None:
    tokelau, _ = _drawn("TK")
    assert tokelau.outline["evidence"].to_list() == ["assumed"]


def test_a_given_outline_replaces_the_built_in_one() -> None:
    square = shapely.box(70.0, 30.0, 71.0, 31.0)
    row = {
        "outline_id": "own", "name": "Own line", "is_disputed": False, "geometry": shapely.to_wkb(square),
        "evidence": "published", "source_id": "own",
    }  # fmt: skip
    boundaries = from_outline(pl.DataFrame([row]), "own")
    assert boundaries.contains(np.array([70.5, 71.5]), np.array([30.5, 30.5])).tolist() == [True, False]
    with pytest.raises(InputError, match="no polygon"):
        from_outline(pl.DataFrame([{**row, "geometry": shapely.to_wkb(square.exterior)}]), "own")
