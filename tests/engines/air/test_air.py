"""The air engine: flood watch of districts, and corridors looked at every 100 m."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

import rahdari.engines.air as folder_module
from rahdari.engines.air.engine import COARSE_NOTE, air
from rahdari.engines.air.lines import corners
from rahdari.engines.air.params import AirParams
from rahdari.engines.air.watch import radius_km, survey_work_frac
from rahdari.errors import InputError
from rahdari.methods.air_corridor import CAUSES, NOTE
from rahdari.model import Context, Tables
from rahdari.schema import table_schema
from rahdari.schema.checks import empty_table
from tests.fixtures import engine_outputs, small_country
from tests.helpers.engine_checks import check_engine, gateways, rows

if TYPE_CHECKING:
    from rahdari.model import EngineResult

FOLDER = Path(folder_module.__file__).parent
CTX = Context()
PARAMS = AirParams(step_m=500.0, n_epochs_quick=24)
CORRIDOR = ["corridor_id", "name", "kind", "is_fictional", "points", "height_m"]
RULE = ["rule_id", "name", "kind", "limit_value", "limit_unit", "status", "stated_on", "authority"]
MARK = ["landmark_id", "name", "kind", "lon_deg", "lat_deg"]


def corridors() -> pl.DataFrame:
    made = [
        ("north", "North way", "road", True, "70.2 31.6;70.9 31.6", 100.0),
        ("far", "Far way", "other", True, "79.0 10.0;79.1 10.0", 80.0),
    ]
    return rows("air_corridors", CORRIDOR, made)


def rules(km: float, status: str = "draft") -> pl.DataFrame:
    made = [("r1", "airports", "airport_distance", km, "km", status, "2024", "nobody")]
    return rows("drone_rules", RULE, made)


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    country = small_country()
    names = ("districts", "places", "sites", "outline", "terrain")
    made = {name: country[name] if name in country else empty_table(table_schema(name)) for name in names}
    outputs = engine_outputs(country)
    airport = rows("landmarks", MARK, [("lm-a", "Airfield", "airport", 70.5, 31.6)])
    empty = {name: empty_table(table_schema(name)) for name in ("no_fly_zones", "air_corridors", "drone_rules")}
    return made | empty | {
        "coverage": outputs["coverage"],
        "cells": outputs.get("cells", pl.DataFrame(schema={"site_id": pl.String, "technology": pl.String,
                                                           "load_frac": pl.Float64})),
        "landmarks": pl.concat([gateways()["landmarks"], airport]),
    }  # fmt: skip


@pytest.fixture(scope="module")
def flown(tables: dict[str, pl.DataFrame]) -> EngineResult:
    return air(Tables({**tables, "air_corridors": corridors()}), PARAMS, CTX)


def _share(tables: dict[str, pl.DataFrame], params: AirParams) -> float:
    return air(Tables(tables), params, CTX).indicators[0].value


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    given = {**tables, "air_corridors": corridors(), "drone_rules": rules(6.0)}
    result, frames = check_engine(air, given, PARAMS, CTX, FOLDER)
    assert frames["air_services"].height == tables["districts"].height
    assert frames["air_lines"].height == 2
    found = result.indicators[0]
    assert found.indicator_id == "flood_drone_coverage_frac"
    assert found.value_low is not None
    assert found.value_high is not None
    assert 0.0 < found.value_low <= found.value <= found.value_high <= 1.0


def test_every_flight_says_that_it_is_no_authorisation(flown: EngineResult) -> None:
    assert any(NOTE in note for note in flown.notes)
    assert "authorisation" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_a_corridor_is_looked_at_all_along_and_its_failing_stretches_add_up(flown: EngineResult) -> None:
    lines, points, failing = (flown.tables[name] for name in ("air_lines", "air_line_points", "air_failing"))
    for row in lines.iter_rows(named=True):
        own = points.filter(pl.col("corridor_id") == row["corridor_id"])
        parts = failing.filter(pl.col("corridor_id") == row["corridor_id"])
        assert own["length_km"].sum() == pytest.approx(row["length_km"])
        assert parts["length_km"].sum() == pytest.approx(row["failing_km"])
        assert parts.height == row["n_failing"]
    told = {cause for text in failing["reason"].to_list() for cause in text.split(", ")}
    assert told <= set(CAUSES)


def test_far_from_every_cell_a_corridor_fails_all_along_without_an_invented_figure(flown: EngineResult) -> None:
    far = flown.tables["air_lines"].filter(pl.col("corridor_id") == "far").row(0, named=True)
    assert far["failing_frac"] == pytest.approx(1.0)
    assert far["control_frac"] == far["median_video_mbps"] == 0.0
    points = flown.tables["air_line_points"].filter(pl.col("corridor_id") == "far")
    assert points["cell_id"].null_count() == points.height


def test_a_wider_rule_closes_more_and_a_repealed_one_nothing_more(tables: dict[str, pl.DataFrame]) -> None:
    def closed(rule: pl.DataFrame) -> float:
        given = {**tables, "air_corridors": corridors(), "drone_rules": rule}
        lines = air(Tables(given), PARAMS, CTX).tables["air_lines"]
        return float(lines.filter(pl.col("corridor_id") == "north")["closed_km"][0])

    assert closed(rules(6.0)) == pytest.approx(12.0, abs=1.1)
    assert closed(rules(9.0)) == pytest.approx(18.0, abs=1.1)
    assert closed(rules(9.0, "repealed")) == closed(rules(6.0))


def test_a_no_fly_zone_closes_a_base(tables: dict[str, pl.DataFrame]) -> None:
    free = air(Tables(tables), PARAMS, CTX).tables["air_services"]
    base = tables["places"].filter(pl.col("place_id") == free["base_place_id"][0]).row(0, named=True)
    columns = ["zone_id", "name", "lon_deg", "lat_deg", "radius_km", "is_public"]
    zone = rows("no_fly_zones", columns, [("z", "Zone", base["lon_deg"], base["lat_deg"], 0.2, True)])
    shut = air(Tables({**tables, "no_fly_zones": zone}), PARAMS, CTX).tables["air_services"]
    assert shut["is_base_closed"].sum() == free["is_base_closed"].sum() + (not free["is_base_closed"][0])


def test_coarse_terrain_is_told(tables: dict[str, pl.DataFrame]) -> None:
    coarse = {**tables, "terrain": tables["terrain"].with_columns(is_coarse=pl.lit(value=True))}
    found = air(Tables({**coarse, "air_corridors": corridors()}), PARAMS, CTX)
    assert COARSE_NOTE in found.notes
    assert found.tables["air_failing"]["is_coarse"].all()


def test_without_corridors_there_are_no_lines_and_no_figures_of_them(tables: dict[str, pl.DataFrame]) -> None:
    found = air(Tables(tables), PARAMS, CTX)
    assert [found.tables[name].height for name in ("air_lines", "air_line_points", "air_failing")] == [0, 0, 0]
    assert len(found.indicators) == 2


def test_corners_that_are_no_numbers_are_refused() -> None:
    for text in ("71.0 thirty", "71.0;30.0", "1 2 3;4 5 6"):
        with pytest.raises(InputError, match="no points"):
            corners(text, "x")


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


def test_turns_and_wind_cost_time_on_new_ground() -> None:
    calm = survey_work_frac(AirParams(turn_s=0.0, wind_m_per_s=0.0))
    windy = survey_work_frac(AirParams(turn_s=0.0, wind_m_per_s=8.0))
    turning = survey_work_frac(AirParams(turn_s=30.0, wind_m_per_s=0.0))
    assert 0.8 < calm <= 1.0
    assert windy < calm
    assert turning < calm


def test_without_any_site_nobody_is_covered(tables: dict[str, pl.DataFrame]) -> None:
    assert _share({**tables, "coverage": tables["coverage"].clear()}, AirParams()) == 0.0
