"""Coverage maps of a plan, written as files that others open."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import polars as pl
import pytest
import rasterio
import shapely
from typer.testing import CliRunner

from rahdari.errors import CancelledError, InputError
from rahdari.faces.cli.main import app
from rahdari.service.radio_cover import CoverRequest, CoverResponse, cover_plan
from rahdari.store.raster import cog_problems

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan


@pytest.fixture(scope="module")
def made(small_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> CoverResponse:
    """Return one map of the small country's 4G cells."""
    out = tmp_path_factory.mktemp("cover")
    return cover_plan(CoverRequest(plan=small_plan.folder, out=out, resolution_m=500.0, radius_km=20.0))


def test_every_raster_is_a_cloud_optimised_geotiff(made: CoverResponse) -> None:
    rasters = [name for name in made.files if name.endswith(".tif")]
    assert len(rasters) == 4
    for name in rasters:
        assert cog_problems(made.folder / name) == []


def test_people_and_road_are_those_of_the_raster(made: CoverResponse, small_plan: Plan) -> None:
    places = small_plan.tables["places"]
    with rasterio.open(made.folder / "covered.tif") as file:
        state = np.array([v[0] for v in file.sample(places.select("lon_deg", "lat_deg").iter_rows())])
    people = places["n_people"].to_numpy()
    assert set(np.unique(state)) >= {0, 2}
    assert made.n_people == people.sum()
    assert made.n_people_covered == people[state >= 1].sum()
    assert made.n_people_sure == people[state == 2].sum()
    assert 0.0 < made.road_sure_km <= made.road_covered_km <= made.road_km
    assert sum(row.n_people_covered for row in made.districts) == made.n_people_covered


def test_confidence_asks_for_more_than_half_the_locations(made: CoverResponse) -> None:
    with rasterio.open(made.folder / "level_dbm.tif") as file:
        level, void = file.read(1), file.nodata
    with rasterio.open(made.folder / "covered.tif") as file:
        state = file.read(1)
    half, sure, none = state == 1, state == 2, (state == 0) & (level != void)
    assert half.any()
    assert sure.any()
    assert none.any()
    assert made.sure_margin_db > 0.0
    assert (level[sure] >= made.least_dbm + made.sure_margin_db - 1e-3).all()
    assert (level[half] >= made.least_dbm - 1e-3).all()
    assert (level[half] < made.least_dbm + made.sure_margin_db + 1e-3).all()
    assert (level[none] < made.least_dbm + 1e-3).all()


def test_the_areas_open_as_a_geopackage_and_name_every_covered_cell(made: CoverResponse) -> None:
    areas = gpd.read_file(made.folder / "covered.gpkg")
    assert areas.crs.to_epsg() == 4326
    with rasterio.open(made.folder / "covered.tif") as file:
        cells = int((file.read(1) > 0).sum()) * abs(file.transform.a * file.transform.e)
    assert shapely.area(areas.geometry.to_numpy()).sum() == pytest.approx(cells, rel=1e-6)


def test_workers_do_not_change_a_cell(small_plan: Plan, tmp_path: Path) -> None:
    request = CoverRequest(
        plan=small_plan.folder, out=tmp_path / "one", around="70.3,30.3", within_km=20.0, resolution_m=500.0,
        radius_km=8.0, n_workers=1,
    )  # fmt: skip
    other = request.model_copy(update={"out": tmp_path / "two", "n_workers": 3})
    for one in (request, other):
        cover_plan(one)
    with rasterio.open(tmp_path / "one" / "sinr_db.tif") as a, rasterio.open(tmp_path / "two" / "sinr_db.tif") as b:
        first = a.read(1)
        assert (first != a.nodata).any()
        assert np.array_equal(first, b.read(1))


def test_bad_questions_are_refused_and_a_stop_leaves_no_half_file(small_plan: Plan, tmp_path: Path) -> None:
    base = CoverRequest(plan=small_plan.folder, out=tmp_path / "x", resolution_m=500.0, radius_km=8.0)
    with pytest.raises(InputError, match="no 4g site is there"):
        cover_plan(base.model_copy(update={"around": "10.0,50.0"}))
    with pytest.raises(InputError, match="fewer than"):
        cover_plan(base.model_copy(update={"radius_km": 0.6, "resolution_m": 2_000.0}))
    with pytest.raises(CancelledError):
        cover_plan(base, cancel=lambda: True)
    assert not list((tmp_path / "x").glob("*.tif"))


def test_the_command_answers_in_json(small_plan: Plan, tmp_path: Path) -> None:
    words = ["cover", "--plan", str(small_plan.folder), "--out", str(tmp_path / "c"), "--around", "70.3,30.3"]
    told = json.loads(CliRunner().invoke(app, [*words, "--within-km", "10", "--json"]).stdout)
    assert told["ok"]
    assert told["result"]["n_sites"] > 0
    rows = pl.read_csv(tmp_path / "c" / "servers.csv")
    assert rows.height == told["result"]["n_sites"]


def test_a_file_in_the_place_of_the_folder_is_told_and_left(small_plan: Plan, tmp_path: Path) -> None:
    out = tmp_path / "notes.txt"
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="name a folder"):
        cover_plan(CoverRequest(plan=small_plan.folder, out=out))
    assert out.read_text(encoding="utf-8") == "mine"
