from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import rahdari.engines.air as folder_module
from rahdari.engines.air.engine import air, radius_km
from rahdari.engines.air.params import AirParams
from rahdari.model import Context, Tables
from tests.fixtures import engine_outputs, small_country
from tests.helpers.engine_checks import check_engine

if TYPE_CHECKING:
    import polars as pl

FOLDER = Path(folder_module.__file__).parent
CTX = Context()


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    country = small_country()
    return {
        "districts": country["districts"],
        "places": country["places"],
        "coverage": engine_outputs(country)["coverage"],
    }


def _share(tables: dict[str, pl.DataFrame], params: AirParams) -> float:
    return air(Tables(tables), params, CTX).indicators[0].value


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(air, tables, AirParams(), CTX, FOLDER)
    assert frames["air_services"].height == tables["districts"].height
    found = result.indicators[0]
    assert found.indicator_id == "flood_drone_coverage_frac"
    assert found.value_low is not None
    assert found.value_high is not None
    assert 0.0 < found.value_low <= found.value <= found.value_high <= 1.0


def test_the_covered_lie_within_the_radius_and_the_district(tables: dict[str, pl.DataFrame]) -> None:
    table = air(Tables(tables), AirParams(link_range_km=3.0, endurance_h=0.6), CTX).tables["air_services"]
    assert (table["n_people_covered"] <= table["n_people_in_radius"]).all()
    assert (table["n_people_in_radius"] <= table["n_people"]).all()
    assert table["n_people_in_radius"].sum() < table["n_people"].sum()
    assert table["n_people"].sum() == tables["places"]["n_people"].sum()


def test_more_endurance_or_link_never_covers_fewer(tables: dict[str, pl.DataFrame]) -> None:
    assert _share(tables, AirParams(endurance_h=0.5)) <= _share(tables, AirParams(endurance_h=3.0))
    assert _share(tables, AirParams(link_range_km=2.0)) <= _share(tables, AirParams(link_range_km=20.0))


def test_the_radius_is_half_the_way_flown_outside_the_survey() -> None:
    # 2.5 h less 20 % reserve, 60 % of it on the way at 80 km/h, out and back.
    assert radius_km(AirParams()) == pytest.approx(48.0)


def test_without_any_site_nobody_is_covered(tables: dict[str, pl.DataFrame]) -> None:
    assert _share({**tables, "coverage": tables["coverage"].clear()}, AirParams()) == 0.0
