"""Flights asked of a plan: surveys, corridors, ways between two points, files, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest
import shapely
from typer.testing import CliRunner

from rahdari import air
from rahdari.errors import InputError
from rahdari.faces.cli.main import app
from rahdari.methods.flight_files import NOTE
from rahdari.service.flights import CorridorRequest, SurveyRequest, fly_corridor, fly_survey
from rahdari.sources.boundaries import BOUNDARY_NOTE

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan

LINE = {"type": "LineString", "coordinates": [[70.5, 30.6], [70.7, 30.7]]}
START = "2026-08-01T04:00:00Z"


def written(path: Path, shape: dict[str, object]) -> str:
    path.write_text(json.dumps(shape), encoding="utf-8")
    return str(path)


def square(path: Path, size_deg: float = 0.03) -> str:
    told: dict[str, object] = json.loads(shapely.to_geojson(shapely.box(70.6, 30.6, 70.6 + size_deg, 30.6 + size_deg)))
    return written(path, told)


def surveyed(plan: Plan, area: str, **more: object) -> SurveyRequest:
    return SurveyRequest.model_validate({"plan": plan.folder, "area": area, "start_utc": START} | more)


def led(plan: Plan, line: str, **more: object) -> CorridorRequest:
    return CorridorRequest.model_validate({"plan": plan.folder, "line": line, "start_utc": START} | more)


def test_a_survey_covers_its_area_and_never_beats_its_bound(small_plan: Plan, tmp_path: Path) -> None:
    found = fly_survey(surveyed(small_plan, square(tmp_path / "field.geojson"), n_drones=2, wind_m_per_s=4.0))
    assert found.note == NOTE
    assert found.covered_frac == pytest.approx(1.0, abs=0.01)
    assert found.back_h >= found.lower_bound_h
    assert found.flown_km > found.leg_km
    assert BOUNDARY_NOTE in found.warnings


def test_every_file_says_that_it_is_no_authorisation(small_plan: Plan, tmp_path: Path) -> None:
    paths = {name: tmp_path / f"{name}.out" for name in ("geojson", "qgc", "f3548", "out")}
    found = fly_survey(surveyed(small_plan, square(tmp_path / "field.geojson"), **paths))
    lines = {key: path.with_suffix(".line") for key, path in paths.items()}
    line = fly_corridor(led(small_plan, written(tmp_path / "line.geojson", LINE), **lines))
    assert len(found.files) == 4 + found.n_sorties - 1
    assert len(line.files) == 4
    for path in (*found.files, *line.files):
        text = (tmp_path / path).read_text(encoding="utf-8")
        assert NOTE in text
        if text.startswith("{"):
            assert json.loads(text)["boundary_note"] == BOUNDARY_NOTE


def test_volumes_begin_when_asked_and_follow_each_other(small_plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "volumes.json"
    fly_corridor(led(small_plan, written(tmp_path / "line.geojson", LINE), f3548=path, geoid_m=-40.0))
    told = json.loads(path.read_text(encoding="utf-8"))
    volumes = told["flights"][0]["volumes"]
    starts = [volume["time_start"]["value"] for volume in volumes]
    assert told["geoid_m"] == -40.0
    assert starts == sorted(starts)
    assert starts[0].startswith("2026-08-01T03:59")


def test_several_bases_share_the_area_beside_the_bound_of_all(small_plan: Plan, tmp_path: Path) -> None:
    area = square(tmp_path / "field.geojson", 0.06)
    one = fly_survey(surveyed(small_plan, area, base=[(70.6, 30.6)], n_drones=2))
    two = fly_survey(surveyed(small_plan, area, base=[(70.6, 30.6), (70.66, 30.66)], n_drones=2))
    assert two.area_km2 == pytest.approx(one.area_km2, rel=1e-3)
    assert two.back_h >= two.lower_bound_h
    assert {row.drone for row in two.sorties} == {"drone-1", "drone-2"}


def test_a_no_fly_zone_is_not_surveyed(small_plan: Plan, tmp_path: Path) -> None:
    area = square(tmp_path / "field.geojson", 0.06)
    hole = json.loads(shapely.to_geojson(shapely.box(70.61, 30.61, 70.63, 30.63)))
    zone = written(tmp_path / "zone.geojson", hole)
    base = [(70.6, 30.6)]
    free = fly_survey(surveyed(small_plan, area, base=base))
    less = fly_survey(surveyed(small_plan, area, base=base, no_fly=zone, geojson=tmp_path / "f.geojson"))
    assert less.area_km2 == pytest.approx(free.area_km2 * (1.0 - 4.0 / 36.0), rel=0.01)
    shape = shapely.box(70.6101, 30.6101, 70.6299, 30.6299)
    for feature in json.loads((tmp_path / "f.geojson").read_text(encoding="utf-8"))["features"]:
        assert not shapely.intersects(shapely.geometry.shape(feature["geometry"]), shape)


def test_a_corridor_tells_its_points_and_what_fails(small_plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    found = fly_corridor(led(small_plan, written(tmp_path / "line.geojson", LINE), out=path, height_m=90.0))
    table = pl.read_csv(path)
    assert table.height == found.n_points
    assert table["length_km"].sum() == pytest.approx(found.length_km)
    assert sum(row.length_km for row in found.failing) == pytest.approx(found.failing_km)
    assert found.height_m == 90.0
    assert found.bound_km is None


def test_more_video_asked_for_never_fails_less(small_plan: Plan, tmp_path: Path) -> None:
    line = written(tmp_path / "line.geojson", LINE)
    low, high = (fly_corridor(led(small_plan, line, video_mbps=rate)).failing_km for rate in (0.0, 90.0))
    assert low <= high
    assert high > 0.0


def test_two_ends_give_the_shortest_open_way_beside_its_bound(small_plan: Plan) -> None:
    found = fly_corridor(led(small_plan, "70.3,30.4", to="70.8,30.9", ceiling_m=9000.0, step_m=500.0))
    assert found.bound_km is not None
    assert found.direct_km is not None
    assert found.direct_km <= found.length_km * 1.001
    assert found.bound_km <= found.length_km * 1.001


@pytest.mark.parametrize(("line", "match"), [("nowhere", "no corridor"), ("absent.geojson", "no GeoJSON")])
def test_lines_that_are_none_are_refused(small_plan: Plan, line: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        fly_corridor(led(small_plan, line))


def test_areas_that_are_none_are_refused(small_plan: Plan, tmp_path: Path) -> None:
    bow = {"type": "Polygon", "coordinates": [[[70.6, 30.6], [70.7, 30.7], [70.7, 30.6], [70.6, 30.7], [70.6, 30.6]]]}
    with pytest.raises(InputError, match="crosses itself"):
        fly_survey(surveyed(small_plan, written(tmp_path / "bow.geojson", bow), base=[(70.6, 30.6)]))
    with pytest.raises(InputError, match="holds no polygon"):
        fly_survey(surveyed(small_plan, written(tmp_path / "line.geojson", LINE)))
    with pytest.raises(InputError, match="no district"):
        fly_survey(surveyed(small_plan, "nowhere"))


def test_a_battery_that_does_not_reach_is_told_with_its_cure(small_plan: Plan, tmp_path: Path) -> None:
    area = square(tmp_path / "field.geojson")
    with pytest.raises(InputError, match="cannot reach the area"):
        fly_survey(surveyed(small_plan, area, base=[(71.4, 31.4)], endurance_min=20.0))


def test_the_command_line_prints_the_note_first(small_plan: Plan, tmp_path: Path) -> None:
    plan = ["--plan", str(small_plan.folder)]
    runner = CliRunner()
    line = runner.invoke(app, ["fly", "corridor", written(tmp_path / "line.geojson", LINE), *plan])
    area = runner.invoke(app, ["fly", "survey", square(tmp_path / "field.geojson"), *plan, "--json"])
    assert line.exit_code == area.exit_code == 0
    assert NOTE in line.stdout.splitlines()[0]
    assert json.loads(area.stdout)["result"]["note"] == NOTE


def test_python_offers_what_the_command_uses() -> None:
    masts = pl.DataFrame({"site_id": ["a"], "lon_deg": [71.0], "lat_deg": [30.0]})
    assert air.corridor([(71.0, 30.01), (71.05, 30.01)], 100.0, masts).points.height > 40
    assert air.air_route((71.0, 30.0), (71.2, 30.0)).ratio == 1.0


def test_further_drones_stand_where_most_is_to_see(small_plan: Plan, tmp_path: Path) -> None:
    area = square(tmp_path / "field.geojson", 0.06)
    near_corner = [(70.6, 30.6), (70.605, 30.605)]  # the second has nearly all of the square
    found = fly_survey(surveyed(small_plan, area, base=near_corner, n_drones=4, out=tmp_path / "f.csv"))
    drones = pl.read_csv(tmp_path / "f.csv").group_by("drone").agg(pl.col("length_km").sum()).sort("drone")
    assert drones["drone"].to_list() == ["drone-1", "drone-2", "drone-3", "drone-4"]
    assert (drones["length_km"][1:] > drones["length_km"][0]).all()
    assert found.ratio < 2.5
