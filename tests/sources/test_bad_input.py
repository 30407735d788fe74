"""Bad files: every fault at once, each with file, row and cure, and nothing comes back to be written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin

from rahdari.sources.imports import read_import

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.errors import Problem

Tables = dict[str, pl.DataFrame]
# rasterio 1.4 multiplies affine transforms in the way that affine 3.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
VILLAGES = "name,lon_deg,lat_deg,n_people\nA,70.5,30.5,100\n"
CELLS = "radio,mcc,net,area,cell,lon,lat\nLTE,410,1,1,1,70.5,30.5\n"
SPAN: dict[str, Any] = {
    "id": "s",
    "start": "1",
    "end": "2",
    "status": "operational",
    "route": {"type": "LineString", "coordinates": [[70.5, 30.5], [71.0, 30.5]]},
}
NODES = [
    {"id": "1", "location": {"type": "Point", "coordinates": [70.5, 30.5]}},
    {"id": "2", "location": {"type": "Point", "coordinates": [71.0, 30.5]}},
]


def faults(kind: str, path: Path, content: str | bytes, country: Tables) -> tuple[Problem, ...]:
    """Write a file, read it as an import, and return its faults; it must have some, and give no tables."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    before = {name: frame.clone() for name, frame in country.items()}
    result = read_import(kind, path, country)
    assert result.problems
    assert result.tables == {}
    assert all(problem.file == path.name and problem.cure for problem in result.problems)
    assert all(country[name].equals(before[name]) for name in country)
    return result.problems


def found(problems: tuple[Problem, ...], what: str) -> list[Problem]:
    return [problem for problem in problems if what in problem.what]


def test_all_faults_of_a_village_list_come_at_once(country: Tables, tmp_path: Path) -> None:
    rows = [
        "place_id,name,lon_deg,lat_deg,n_people",
        "a,Good,70.5,30.5,100",
        "b,Swapped,30.5,70.5,100",
        "c,Sea,60.0,10.0,100",
        "d,Negative,70.5,30.6,-5",
        "e,NaN,70.5,30.7,nan",
        "a,Twice,70.5,30.8,100",
        "g,Words,70.5,30.8,many",
        "h,Far,7050000,3000000,100",
        "i,,70.6,30.8,100",
        "j,Empty,70.6,30.8,",
    ]
    problems = faults("places", tmp_path / "v.csv", "\n".join(rows), country)
    expected = {
        "swapped": 2,
        "in the sea": 3,
        "negative": 4,
        "NaN": 5,
        "stands twice": 6,
        "no number": 7,
        "outside -180": 8,
        "no name": 9,
        "value is missing": 10,
    }
    assert {what: found(problems, what)[0].row for what in expected} == expected
    assert len(problems) == len(expected)


@pytest.mark.parametrize(
    ("header", "what", "cure"),
    [
        ("name,lon,lat_deg,n_people", "'lon_deg' is missing", "rename 'lon' to 'lon_deg'"),
        ("name,lon_deg,lat_deg,population", "'n_people' is missing", "rename 'population' to 'n_people'"),
    ],
)
def test_a_missing_column_names_the_one_that_was_meant(
    country: Tables, tmp_path: Path, header: str, what: str, cure: str
) -> None:
    problems = faults("places", tmp_path / "v.csv", f"{header}\nA,70.5,30.5,100\n", country)
    assert what in problems[0].what
    assert problems[0].cure == cure


def test_a_column_in_another_unit_says_which(country: Tables, tmp_path: Path) -> None:
    text = "name,lon_deg,lat_deg,n_people,elevation_km\nA,70.5,30.5,100,0.2\n"
    problems = faults("places", tmp_path / "v.csv", text, country)
    assert problems[0].column == "elevation_km"
    assert problems[0].cure == "convert it to metre and rename it to 'elevation_m'"


def test_villages_beyond_the_census_of_their_district_are_refused(country: Tables, tmp_path: Path) -> None:
    text = VILLAGES + "B,71.2,30.6,9000000\n"
    assert found(faults("places", tmp_path / "v.csv", text, country), "its census 500,003")


def test_an_unknown_radio_and_a_repeated_cell_are_named(country: Tables, tmp_path: Path) -> None:
    text = CELLS + "WIMAX,410,1,1,2,70.5,30.5\nLTE,410,1,1,1,70.5,30.5\n"
    problems = faults("sites", tmp_path / "t.csv", text, country)
    assert found(problems, "technology is unknown")[0].row == 2
    assert "GSM" in found(problems, "technology is unknown")[0].cure
    assert found(problems, "stands twice")[0].row == 3


def test_cells_of_another_country_are_refused(country: Tables, tmp_path: Path) -> None:
    text = CELLS + "LTE,410,1,1,2,10.0,50.0\n"
    assert found(faults("sites", tmp_path / "t.csv", text, country), "outside the country")[0].row == 2


def test_more_than_twenty_alike_faults_are_counted_not_listed(country: Tables, tmp_path: Path) -> None:
    rows = "".join(f"V{i},70.5,{30.1 + i / 100},-1\n" for i in range(30))
    problems = faults("places", tmp_path / "v.csv", "name,lon_deg,lat_deg,n_people\n" + rows, country)
    assert len(problems) == 21
    assert "and 10 more rows" in problems[-1].what


def package(span: dict[str, Any], **network: Any) -> str:  # noqa: ANN401
    return json.dumps({"networks": [{"id": "n", "nodes": NODES, "spans": [span]} | network]})


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"fibreLength": 48_000.0}, "is in metres"),
        ({"fibreLength": 5.0}, "but the route measures"),
        ({"fibreLength": 500.0}, "the route measures only"),
        ({"fibreLength": -1.0}, "length is negative"),
        ({"transmissionMedium": ["laser"]}, "technology 'laser' is unknown"),
        ({"status": "built"}, "status 'built' is unknown"),
        ({"capacity": -1.0}, "capacity is negative"),
        ({"end": "3"}, "node '3' is unknown"),
        ({"phase": {"id": "9"}}, "phase '9' is unknown"),
        ({"route": {"type": "LineString", "coordinates": [[30.5, 70.5], [30.5, 71.0]]}}, "swapped"),
        ({"route": {"type": "LineString", "coordinates": [[10.5, 10.5], [11.0, 10.5]]}}, "outside the country"),
        ({"route": {"type": "LineString", "coordinates": "no"}}, "neither a route"),
        ({"status": "planned"}, "no span in service"),
    ],
)
def test_a_faulty_span_is_named(country: Tables, tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    text = package({**SPAN, **changes}, phases=[{"id": "1"}])
    assert found(faults("fibre", tmp_path / "f.json", text, country), what)


def test_two_spans_or_nodes_of_one_name_are_faults(country: Tables, tmp_path: Path) -> None:
    text = package(SPAN, spans=[SPAN, SPAN], nodes=[*NODES, NODES[0]])
    problems = faults("fibre", tmp_path / "f.json", text, country)
    assert found(problems, "span 'n-s' stands twice")[0].row == 2
    assert found(problems, "node '1' stands twice")


def raster(path: Path, values: np.ndarray, **options: Any) -> bytes:  # noqa: ANN401
    profile = {
        "driver": "GTiff",
        "width": values.shape[1],
        "height": values.shape[0],
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4326",
        "transform": from_origin(70.0, 31.0, 2.0 / values.shape[1], 1.0 / values.shape[0]),
    } | options
    with rasterio.open(path, "w", **profile) as file:
        file.write(values.astype("float32"), 1)
    return path.read_bytes()


def test_a_raster_in_another_unit_is_refused(country: Tables, tmp_path: Path) -> None:
    # People per square kilometre in pixels of 4.6 square kilometres: the sum is too small by that factor.
    density = np.full((50, 100), 3_500_010 / (50 * 100) / 4.6)
    content = raster(tmp_path / "p.tif", density)
    assert found(faults("population", tmp_path / "p.tif", content, country), "the census to 3,500,010")


def test_negative_and_infinite_pixels_are_named(country: Tables, tmp_path: Path) -> None:
    values = np.full((50, 100), 700.0)
    values[3, 4] = -7.0
    values[8, 9] = np.inf
    problems = faults("population", tmp_path / "p.tif", raster(tmp_path / "p.tif", values), country)
    assert [(p.row, "column 5" in p.what) for p in found(problems, "-7")] == [(4, True)]
    assert found(problems, "inf")[0].row == 9


def test_terrain_in_the_wrong_place_or_unit_is_refused(country: Tables, tmp_path: Path) -> None:
    away = raster(tmp_path / "a.tif", np.zeros((5, 5)), transform=from_origin(0.0, 10.0, 0.1, 0.1))
    assert found(faults("terrain", tmp_path / "a.tif", away, country), "covers no place")
    high = raster(tmp_path / "h.tif", np.full((50, 100), 20_000.0))
    assert found(faults("terrain", tmp_path / "h.tif", high, country), "heights such as 20,000")
    bare = raster(tmp_path / "b.tif", np.zeros((50, 100)), crs=None)
    assert found(faults("terrain", tmp_path / "b.tif", bare, country), "no projection")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("places", "v.csv"),
        ("population", "p.tif"),
        ("terrain", "t.tif"),
        ("districts", "d.gpkg"),
        ("roads", "r.gpkg"),
        ("roads", "r.osm.pbf"),
        ("fibre", "f.json"),
        ("fibre", "f.geojson"),
        ("sites", "s.csv"),
    ],
)
def test_an_unreadable_file_is_a_fault_and_not_a_crash(country: Tables, tmp_path: Path, kind: str, name: str) -> None:
    faults(kind, tmp_path / name, b"\x00\x01\xff\xfe not a file of this kind", country)


@pytest.mark.parametrize("kind", ["population", "terrain"])
def test_a_truncated_raster_is_a_fault(country: Tables, tmp_path: Path, kind: str) -> None:
    whole = raster(tmp_path / "p.tif", np.random.default_rng(1).random((400, 800)) * 20.0)
    faults(kind, tmp_path / "p.tif", whole[: len(whole) // 2], country)


def write_features(features: list[tuple[Any, dict[str, Any]]]) -> str:
    content = [
        {"type": "Feature", "properties": fields, "geometry": json.loads(shapely.to_geojson(shape)) if shape else None}
        for shape, fields in features
    ]
    return json.dumps({"type": "FeatureCollection", "features": content})


def test_a_district_that_nobody_knows_is_told_the_likely_names(country: Tables, tmp_path: Path) -> None:
    text = write_features(
        [(shapely.box(70, 30, 71, 31), {"name": "Alpine"}), (shapely.box(71, 30, 72, 31), {"name": "Beta"})]
    )
    problems = faults("districts", tmp_path / "d.geojson", text, country)
    assert problems[0].row == 1
    assert "Alpha" in problems[0].cure


def test_points_for_districts_and_unknown_kinds_of_way_are_faults(country: Tables, tmp_path: Path) -> None:
    point = write_features([(shapely.Point(70.5, 30.5), {"name": "Alpha"})])
    assert found(faults("districts", tmp_path / "d.geojson", point, country), "no polygon")
    canal = write_features([(shapely.LineString([(70.1, 30.1), (70.2, 30.1)]), {"kind": "canal"})])
    assert found(faults("roads", tmp_path / "r.geojson", canal, country), "kind of way is unknown")
    abroad = write_features([(shapely.LineString([(0.1, 0.1), (0.2, 0.1)]), {"kind": "road"})])
    assert found(faults("roads", tmp_path / "r.geojson", abroad, country), "no road touches")


def test_a_feature_without_geometry_is_named(country: Tables, tmp_path: Path) -> None:
    line = shapely.LineString([(70.1, 30.1), (70.2, 30.1)])
    text = write_features([(line, {"kind": "road"}), (None, {"kind": "road"})])
    assert found(faults("roads", tmp_path / "r.geojson", text, country), "no geometry")[0].row == 2


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.sets(st.integers(0, 19), min_size=1, max_size=15), data=st.data())
def test_exactly_the_faulty_rows_are_named(country: Tables, tmp_path: Path, bad: set[int], data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(["-1", "nan", "inf", "x", ""]))
    rows = [f"V{i},70.5,{30.1 + i / 50},{value if i in bad else 10}" for i in range(20)]
    problems = faults("places", tmp_path / "v.csv", "\n".join(["name,lon_deg,lat_deg,n_people", *rows]), country)
    assert {problem.row for problem in problems} == {i + 1 for i in bad}
    assert {problem.column for problem in problems} == {"n_people"}
