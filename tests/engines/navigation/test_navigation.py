from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import rahdari.engines.navigation as folder_module
from rahdari.engines.navigation.engine import navigation
from rahdari.engines.navigation.ground import ground, raster_area
from rahdari.engines.navigation.params import NavigationParams
from rahdari.methods.raster import Raster
from rahdari.methods.terrain_table import terrain_rows
from rahdari.model import Context, Tables
from rahdari.schema import table_schema
from rahdari.schema.checks import empty_table
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, gateways, rows

if TYPE_CHECKING:
    from rahdari.model import EngineResult

FOLDER = Path(folder_module.__file__).parent
CTX = Context()
PARAMS = NavigationParams(n_epochs_quick=24, quick_step_m=10_000.0)
CORRIDOR = ["corridor_id", "name", "kind", "way_name", "landmark_ids"]
CELL_DEG = 1.0 / 120.0


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    country = small_country()
    names = ("country", "places", "terrain", "rights_of_way", "rights_of_way_nodes")
    corridors = rows("corridors", CORRIDOR, [("pass-road", "Pass Road", "road", None, "lm-1;lm-3;lm-5")])
    return {name: country[name] for name in names} | {"landmarks": gateways()["landmarks"], "corridors": corridors}


@pytest.fixture(scope="module")
def result(tables: dict[str, pl.DataFrame]) -> EngineResult:
    return navigation(Tables(tables), PARAMS, CTX)


def coarse(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return the same country with terrain that calls itself coarse."""
    return {**tables, "terrain": tables["terrain"].with_columns(is_coarse=pl.lit(value=True))}


def with_slope(tables: dict[str, pl.DataFrame], slope_frac: float) -> dict[str, pl.DataFrame]:
    return {**tables, "places": tables["places"].with_columns(slope_frac=pl.lit(slope_frac))}


def gorge(depth_m: float) -> Raster:
    """Return a gorge from north to south along 70.9 degrees east, 2 km wide, in a plateau."""
    n_rows, n_columns = round(2.4 / CELL_DEG), round(2.6 / CELL_DEG)
    lon = 69.7 + (np.arange(n_columns) + 0.5) * CELL_DEG
    height = np.where(np.abs(lon - 70.9) < 0.0105, 0.0, depth_m).astype(np.float32)
    grid = np.broadcast_to(height, (n_rows, n_columns)).copy()
    return Raster(grid, 69.7, 32.1, CELL_DEG, CELL_DEG, is_coarse=False, source="a gorge")


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(navigation, tables, PARAMS, CTX, FOLDER)
    assert frames["navigation"].height == tables["landmarks"].height
    ratio = next(item for item in result.indicators if item.indicator_id == "corridor_pdop_ratio")
    assert ratio.value_low is not None
    assert ratio.value_high is not None
    assert 1.0 < ratio.value_low <= ratio.value <= ratio.value_high


def test_a_corridor_passes_its_landmarks_and_unnamed_motorways_are_one_line(result: EngineResult) -> None:
    lines = result.tables["navigation_lines"]
    assert lines["line_id"][-1] == "pass-road"
    assert lines.filter(pl.col("kind") == "motorway").height == 1
    road = result.tables["navigation_line"].filter(pl.col("line_id") == "pass-road").sort("km")
    ends = road.select("lon_deg", "lat_deg").to_numpy()[[0, -1]]
    assert np.abs(ends - [[70.9, 31.8], [70.6, 30.0]]).max() < 0.02
    assert road["from_km"][0] == 0.0
    assert np.allclose(road["to_km"].to_numpy()[:-1], road["from_km"].to_numpy()[1:])
    assert road["length_km"].sum() == pytest.approx(lines.filter(pl.col("line_id") == "pass-road")["length_km"][0])


def test_terrain_takes_satellites_and_never_gives_any(result: EngineResult) -> None:
    for name in ("navigation", "navigation_line"):
        table = result.tables[name]
        assert (table["pdop_ratio"] >= table["pdop_open_ratio"] - 1e-9).all()
        assert (table["available_frac"] <= table["open_available_frac"] + 1e-9).all()
        assert (table["all_pdop_ratio"] <= table["pdop_ratio"] + 1e-9).all()
        assert (table["n_all_satellites"] > table["n_satellites"]).all()


def test_a_gorge_fails_where_it_is_and_the_plain_beside_it_does_not(tables: dict[str, pl.DataFrame]) -> None:
    deep = {**tables, "terrain": terrain_rows(gorge(1500.0), "xx", "synthetic", "test_country")}
    made = navigation(Tables(deep), PARAMS, CTX).tables
    inside = made["navigation"].filter(pl.col("landmark_id") == "lm-3").row(0, named=True)
    outside = made["navigation"].filter(pl.col("landmark_id") == "lm-4").row(0, named=True)
    assert not inside["is_coarse"]
    assert inside["valley_horizon_deg"] == 0.0
    assert inside["available_frac"] < PARAMS.required_frac
    assert inside["pdop_terrain_ratio"] > 1.5
    assert outside["pdop_terrain_ratio"] == pytest.approx(1.0, abs=0.05)
    failing = made["navigation_failing"]
    assert set(failing["line_id"]) >= {"pass-road"}
    assert failing["name"].str.contains("North Pass").any()
    line = made["navigation_line"].filter("is_failing")
    assert ((line["lon_deg"] - 70.9).abs() < 0.05).all()
    assert failing["length_km"].sum() == pytest.approx(line["length_km"].sum())
    lines = made["navigation_lines"]
    assert lines["failing_km"].sum() == pytest.approx(line["length_km"].sum())


def test_a_gorge_from_north_to_south_hides_the_geostationary_satellites_of_the_east(
    tables: dict[str, pl.DataFrame],
) -> None:
    deep = {**tables, "terrain": terrain_rows(gorge(3000.0), "xx", "synthetic", "test_country")}
    made = navigation(Tables(deep), PARAMS, CTX).tables["navigation_services"]
    gagan = {row["subject_id"]: row for row in made.filter(pl.col("service_id") == "sdcm").iter_rows(named=True)}
    assert gagan["lm-3"]["shaded_frac"] == 1.0
    assert gagan["lm-4"]["shaded_frac"] == 0.0


def test_no_service_is_usable_outside_its_area(result: EngineResult) -> None:
    services = result.tables["navigation_services"]
    assert (services["usable_frac"] <= services["in_area_frac"] + 1e-12).all()
    assert services.filter(pl.col("status") != "operational")["usable_frac"].sum() == 0.0
    assert services.filter(pl.col("service_id") == "egnos")["usable_frac"].sum() == 0.0


def test_coarse_terrain_is_said_and_slopes_stand_in_for_valleys(tables: dict[str, pl.DataFrame]) -> None:
    steep, flat = (navigation(Tables(with_slope(coarse(tables), slope)), PARAMS, CTX) for slope in (0.25, 0.0))
    high, low = steep.tables["navigation"], flat.tables["navigation"]
    assert high["is_coarse"].all()
    assert any("9 km" in note for note in steep.notes)
    assert (high["valley_horizon_deg"] == PARAMS.max_valley_deg).all()
    assert (high["n_satellites"] < low["n_satellites"]).all()
    assert high["horizontal_error_m"].mean() > low["horizontal_error_m"].mean()


def test_fine_terrain_needs_no_stand_in(tables: dict[str, pl.DataFrame]) -> None:
    fine = navigation(Tables(with_slope(tables, 0.25)), PARAMS, CTX)
    inside = fine.tables["navigation"].filter(pl.col("landmark_id") != "lm-6")
    assert not inside["is_coarse"].any()
    assert (inside["valley_horizon_deg"] == 0.0).all()


def test_a_landmark_off_the_terrain_counts_as_coarse(result: EngineResult) -> None:
    far = result.tables["navigation"].filter(pl.col("landmark_id") == "lm-6")
    assert far["is_coarse"].all()


def test_the_first_terrain_that_holds_a_point_counts(tables: dict[str, pl.DataFrame]) -> None:
    both = raster_area(gorge(1500.0)) + raster_area(gorge(0.0))
    deep, flat = (
        ground(np.array([70.9]), np.array([31.0]), areas, tables["places"], PARAMS) for areas in (both, both[::-1])
    )
    assert deep.terrain_deg[0] > 10.0
    assert abs(flat.terrain_deg[0]) < 0.5


def test_the_regional_satellites_help(tables: dict[str, pl.DataFrame], result: EngineResult) -> None:
    alone = navigation(Tables(tables), PARAMS.model_copy(update={"has_regional": False}), CTX).tables["navigation"]
    assert (result.tables["navigation"]["n_satellites"] > alone["n_satellites"]).all()


def test_full_detail_examines_more_points_of_the_same_lines(tables: dict[str, pl.DataFrame]) -> None:
    params = NavigationParams(n_epochs_full=24, full_step_m=5_000.0, quick_step_m=20_000.0, n_epochs_quick=24)
    full, quick = (
        navigation(Tables(tables), params, Context(detail=detail)).tables["navigation_lines"]
        for detail in ("full", "quick")
    )
    assert full["line_id"].equals(quick["line_id"])
    assert (full["n_points"].to_numpy() > 3 * quick["n_points"].to_numpy()).all()
    assert np.allclose(full["length_km"].to_numpy(), quick["length_km"].to_numpy())


def test_a_corridor_with_an_unknown_landmark_is_told_and_left_out(tables: dict[str, pl.DataFrame]) -> None:
    wrong = rows("corridors", CORRIDOR, [("lost", "Lost Road", "road", None, "lm-1;lm-99")])
    found = navigation(Tables({**tables, "corridors": wrong}), PARAMS, CTX)
    assert "lost" not in found.tables["navigation_lines"]["line_id"].to_list()
    assert any("lm-99" in note for note in found.notes)


def test_a_country_without_waypoints_has_no_corridor_figure(tables: dict[str, pl.DataFrame]) -> None:
    none = {**tables, "landmarks": tables["landmarks"].filter(pl.col("kind") == "border_crossing")}
    result = navigation(Tables(none), PARAMS, CTX)
    assert [item.indicator_id for item in result.indicators] == ["lines_failing_frac", "lines_all_failing_frac"]
    assert result.tables["navigation"].height == 2


def test_a_country_without_anything_has_empty_tables(tables: dict[str, pl.DataFrame]) -> None:
    empty = {name: empty_table(table_schema(name)) for name in tables}
    result = navigation(Tables({**empty, "country": tables["country"]}), PARAMS, CTX)
    assert result.indicators == ()
    assert all(not frame.height for frame in result.tables.values())
