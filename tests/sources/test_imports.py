"""Real files take the place of modelled layers; sums and references hold, and the file becomes a source."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import rasterio
import shapely
from numpy.testing import assert_allclose
from polars.testing import assert_frame_equal
from rasterio.transform import from_origin

from rahdari.errors import InputError
from rahdari.methods.cpp_costs import CPP_DEFAULTS, cheapest, cpp_cost, cpp_plan
from rahdari.methods.raster import Raster
from rahdari.methods.terrain_table import terrain_raster, terrain_rows
from rahdari.schema import base_schemas
from rahdari.schema.checks import conform, reference_problems
from rahdari.sources.imports import READERS, read_import
from rahdari.sources.imports.itu_cpp import read_itu_cpp

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.sources.imports.common import ImportResult

Tables = dict[str, pl.DataFrame]
# rasterio 1.4 multiplies affine transforms in the way that affine 3.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_raster(path: Path, values: np.ndarray, **options: Any) -> Path:  # noqa: ANN401
    profile = {
        "driver": "GTiff",
        "width": values.shape[1],
        "height": values.shape[0],
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4326",
        "nodata": -99999.0,
        "transform": from_origin(70.0, 31.0, 2.0 / values.shape[1], 1.0 / values.shape[0]),
    } | options
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(values.astype("float32"), 1)
    return path


def write_geojson(path: Path, features: list[tuple[Any, dict[str, Any]]]) -> Path:
    content = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": fields, "geometry": json.loads(shapely.to_geojson(shape))}
            for shape, fields in features
        ],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def laid_over(country: Tables, kind: str, path: Path) -> tuple[Tables, ImportResult]:
    """Return the country with the file laid over it; nothing may be faulty."""
    result = read_import(kind, path, country)
    assert [str(problem) for problem in result.problems] == []
    tables = {**country, **result.tables}
    schemas = base_schemas()
    assert [str(p) for p in reference_problems(tables, schemas)] == []
    for name in result.tables:
        conform(tables[name], schemas[name])
    return tables, result


def census_holds(tables: Tables) -> None:
    sums = tables["places"].group_by("district_id").agg(pl.col("n_people", "n_households").sum()).sort("district_id")
    assert_frame_equal(sums, tables["districts"].select("district_id", "n_people", "n_households").sort("district_id"))


def test_the_file_becomes_a_source_with_its_name_and_digest(country: Tables, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "v.csv", [{"name": "Dera", "lon_deg": 70.2, "lat_deg": 30.2, "n_people": 4000}])
    tables, result = laid_over(country, "places", path)
    row = result.source_row.row(0, named=True)
    assert row["title"] == "v.csv"
    assert row["locator"] == f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert row["kind"] == "measured"
    assert row["source_id"] in tables["sources"]["source_id"]
    assert tables["places"].filter(pl.col("name") == "Dera")["source_id"].item() == row["source_id"]


def test_observed_villages_keep_their_people_and_districts_their_census(country: Tables, tmp_path: Path) -> None:
    rows = [{"name": f"V{i}", "lon_deg": 71.0 + 0.01 * i, "lat_deg": 30.3, "n_people": 1000 + i} for i in range(30)]
    tables, result = laid_over(country, "places", write_csv(tmp_path / "v.csv", rows))
    census_holds(tables)
    seen = tables["places"].filter(pl.col("evidence") == "measured").sort("lon_deg")
    assert seen["n_people"].to_list() == [1000 + i for i in range(30)]
    assert result.n_rows == 30


def test_the_order_of_villages_in_the_file_does_not_matter(country: Tables, tmp_path: Path) -> None:
    rows = [{"name": f"V{i}", "lon_deg": 71.0 + 0.01 * i, "lat_deg": 30.3, "n_people": 1000 + i} for i in range(9)]
    one = read_import("places", write_csv(tmp_path / "v.csv", rows), country).tables["places"]
    two = read_import("places", write_csv(tmp_path / "w.csv", rows[::-1]), country).tables["places"]
    assert_frame_equal(one.drop("source_id"), two.drop("source_id"))


def test_a_population_raster_moves_people_to_where_it_has_them(country: Tables, tmp_path: Path) -> None:
    values = np.zeros((100, 200))
    values[60:80, :] = 3_500_010 / (20 * 200)  # a belt between 30.2 and 30.4 degrees north
    tables, _ = laid_over(country, "population", write_raster(tmp_path / "p.tif", values))
    census_holds(tables)
    places = tables["places"]
    belt = places.filter(pl.col("lat_deg").is_between(30.1, 30.5))["n_people"].to_numpy().sum()
    assert belt > 0.95 * 3_500_010
    assert set(places["evidence"]) == {"derived"}


def test_district_polygons_assign_places(country: Tables, tmp_path: Path) -> None:
    features = [
        (shapely.box(70.0, 30.0, 71.5, 31.0), {"name": "Alpha"}),
        (shapely.box(71.5, 30.0, 72.0, 31.0), {"name": "Gama"}),
    ]
    tables, result = laid_over(country, "districts", write_geojson(tmp_path / "d.geojson", features))
    census_holds(tables)
    west = tables["places"].filter(pl.col("lon_deg") < 71.4)
    # One place stays with the district that the file does not draw over: Beta keeps its nearest.
    assert (west["district_id"] == "pk-alpha").sum() >= west.height - 1 - west.filter(
        pl.col("district_id") == "pk-beta"
    ).height
    assert tables["districts"].filter(pl.col("district_id") == "pk-gamma")["area_km2"].item() == pytest.approx(
        5310, rel=0.02
    )
    assert result.n_rows == 2


def test_opencellid_sites_replace_as_many_modelled_towers(country: Tables, tmp_path: Path) -> None:
    spot = country["places"].sort("n_people").row(-1, named=True)
    rows = [
        {
            "radio": radio,
            "mcc": 410,
            "net": 1,
            "area": 7,
            "cell": number,
            "lon": spot["lon_deg"] + 0.001 * (number // 2),
            "lat": spot["lat_deg"],
        }
        for number, radio in enumerate(["GSM", "LTE", "UMTS", "NR"])
    ]
    tables, _ = laid_over(country, "sites", write_csv(tmp_path / "t.csv", rows))
    seen = tables["sites"].filter(pl.col("evidence") == "measured").sort("lon_deg")
    assert seen["generation"].to_list() == ["4g", "5g"]
    assert tables["sites"].height == country["sites"].height


def test_roads_are_cut_where_lines_share_a_vertex(country: Tables, tmp_path: Path) -> None:
    features = [
        (shapely.LineString([(70.1, 30.5), (70.12, 30.5), (70.14, 30.5)]), {"kind": "road", "name": "East"}),
        (shapely.LineString([(70.12, 30.45), (70.12, 30.5), (70.12, 30.55)]), {"kind": "motorway", "name": "North"}),
        (shapely.LineString([(10.0, 10.0), (10.1, 10.0)]), {"kind": "road", "name": "Abroad"}),
    ]
    tables, _ = laid_over(country, "roads", write_geojson(tmp_path / "r.geojson", features))
    ways = tables["rights_of_way"]
    assert ways.height == 4
    assert tables["rights_of_way_nodes"].height == 5
    assert set(ways["name"]) == {"East", "North"}
    # 0.02 degrees of longitude at 30.5 N is 1.92 km on WGS 84; 0.05 degrees of latitude 5.54 km.
    east = ways.filter(pl.col("name") == "East")["length_km"].to_list()
    assert east == pytest.approx([1.921, 1.921], abs=0.002)
    assert ways.filter(pl.col("kind") == "motorway")["length_km"].to_list() == pytest.approx([5.543, 5.543], abs=0.005)
    assert set(tables["places"]["row_node_id"]) <= set(tables["rights_of_way_nodes"]["row_node_id"])
    assert set(tables["links"]["row_id"].drop_nulls()) <= set(ways["row_id"])


OSM = """<?xml version="1.0"?><osm version="0.6">
<node id="1" lat="30.50" lon="70.50" version="1"/><node id="2" lat="30.50" lon="70.52" version="1"/>
<node id="3" lat="30.52" lon="70.52" version="1"/>
<way id="10" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/><tag k="name" v="Main"/></way>
<way id="11" version="1"><nd ref="2"/><nd ref="3"/><tag k="highway" v="motorway"/></way>
<way id="12" version="1"><nd ref="1"/><nd ref="3"/><tag k="highway" v="footway"/></way></osm>"""


def test_an_openstreetmap_extract_gives_its_main_ways(country: Tables, tmp_path: Path) -> None:
    path = tmp_path / "x.osm"
    path.write_text(OSM, encoding="utf-8")
    tables, _ = laid_over(country, "roads", path)
    assert sorted(tables["rights_of_way"]["kind"]) == ["motorway", "road"]


def ofds(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an Open Fibre Data Standard package of one span of 53 km along 30.5 N."""
    span = {
        "id": "s1",
        "name": "A to B",
        "status": "operational",
        "start": "1",
        "end": "2",
        "phase": {"id": "p"},
        "route": {"type": "LineString", "coordinates": [[70.5, 30.5], [71.05, 30.5]]},
        "physicalInfrastructureProvider": {"name": "Fibre One"},
        "transmissionMedium": ["fibre"],
        "fibreLength": 60.0,
        "capacity": 100.0,
    } | changes
    nodes = [
        {"id": "1", "location": {"type": "Point", "coordinates": [70.5, 30.5]}},
        {"id": "2", "location": {"type": "Point", "coordinates": [71.05, 30.5]}},
    ]
    return {"networks": [{"id": "net", "nodes": nodes, "spans": [span], "phases": [{"id": "p"}]}]}


def write_json(path: Path, content: Any) -> Path:  # noqa: ANN401
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_open_fibre_data_replaces_modelled_long_haul(country: Tables, tmp_path: Path) -> None:
    tables, _ = laid_over(country, "fibre", write_json(tmp_path / "f.json", ofds()))
    long_haul = tables["links"].filter(pl.col("tier") == "long_haul")
    assert set(long_haul["evidence"]) == {"measured"}
    assert long_haul["length_km"].sum() == pytest.approx(60.0)
    assert set(long_haul["operator_id"]) == {"f1"}
    assert set(long_haul["capacity_gbps"]) == {100.0}
    assert set(tables["links"].filter(pl.col("tier") != "long_haul")["link_id"]) == set(
        country["links"].filter(pl.col("tier") != "long_haul")["link_id"]
    )


def test_a_planned_span_is_left_out_with_a_warning(country: Tables, tmp_path: Path) -> None:
    package = ofds()
    package["networks"][0]["spans"].append({**package["networks"][0]["spans"][0], "id": "s2", "status": "planned"})
    _, result = laid_over(country, "fibre", write_json(tmp_path / "f.json", package))
    assert any("not in service" in warning for warning in result.warnings)


def test_a_line_without_geometry_is_left_out_with_a_warning(country: Tables, tmp_path: Path) -> None:
    network = ofds()["networks"][0]
    features = [
        {"type": "Feature", "properties": {"id": "n"}, "geometry": None},
        {"type": "Feature", "properties": {"id": "e"}, "geometry": {"type": "MultiLineString", "coordinates": []}},
        {"type": "Feature", "properties": {"id": "s"}, "geometry": {
            "type": "LineString", "coordinates": [node["location"]["coordinates"] for node in network["nodes"][:2]]
        }},
    ]  # fmt: skip
    content = {"type": "FeatureCollection", "features": features}
    tables, result = laid_over(country, "fibre", write_json(tmp_path / "f.geojson", content))
    assert "2 features have no geometry and were left out: row 1, 2" in result.warnings
    assert tables["links"].filter((pl.col("tier") == "long_haul") & (pl.col("evidence") == "measured")).height


def test_a_terrain_raster_gives_heights_and_slopes(country: Tables, tmp_path: Path) -> None:
    # A plane that rises 1000 m per degree to the north: 1000 m in 111.195 km is 0.009.
    north = 31.0 - (np.arange(200) + 0.5) / 200
    values = np.repeat(1000.0 * (north - 30.0)[:, None], 400, axis=1)
    tables, _ = laid_over(country, "terrain", write_raster(tmp_path / "t.tif", values))
    inner = tables["places"].filter(
        pl.col("lat_deg").is_between(30.05, 30.95) & pl.col("lon_deg").is_between(70.05, 71.95)
    )
    assert_allclose(inner["elevation_m"], 1000.0 * (inner["lat_deg"].to_numpy() - 30.0), atol=3.0)
    assert inner["slope_frac"].mean() == pytest.approx(1000.0 / 111_195.0, rel=0.1)


def test_a_terrain_raster_becomes_the_terrain_grid_and_leaves_the_old_one_around_it(
    country: Tables, tmp_path: Path
) -> None:
    old = Raster(np.full((30, 40), 77.0, np.float32), 69.5, 31.5, 0.1, 0.1, is_coarse=True, source="old")
    before = {**country, "terrain": terrain_rows(old, "xx", "measured", country["places"]["source_id"][0])}
    north = 31.0 - (np.arange(200) + 0.5) / 200
    values = np.repeat(1000.0 * (north - 30.0)[:, None], 400, axis=1)
    tables, result = laid_over(before, "terrain", write_raster(tmp_path / "t.tif", values))
    after = terrain_raster(tables["terrain"])
    assert after is not None
    assert after.is_coarse  # the old grid stands around the file
    assert any("keeps the coarse grid" in warning for warning in result.warnings)
    assert after.sample(71.0, [30.25, 30.5]) == pytest.approx([250.0, 500.0], abs=3.0)
    assert float(after.sample(69.7, 31.4)) == 77.0


def test_every_kind_has_a_reader_and_an_unknown_kind_names_them(country: Tables, tmp_path: Path) -> None:
    kinds = "use one of districts, fibre, orbits, places, population, roads, sites, terrain"
    with pytest.raises(InputError, match=kinds):
        read_import("towers", tmp_path / "x", country)
    with pytest.raises(InputError, match="there is no such file"):
        read_import(next(iter(READERS)), tmp_path / "x", country)


def test_real_opencellid_rows_import(shared: Path, country: Tables) -> None:
    towers = shared / "data" / "towers" / "opencellid_410_pk.csv"
    border = pl.DataFrame(
        {
            "outline_id": ["b"],
            "name": ["box"],
            "is_disputed": [False],
            "geometry": [shapely.to_wkb(shapely.box(60, 23, 78, 38))],
        }
    )
    outline = border.with_columns(pl.lit("assumed").alias("evidence"), pl.lit("made").alias("source_id"))
    _, result = laid_over({**country, "outline": outline}, "sites", towers)
    assert result.n_rows == 6629


def test_real_west_african_lengths_that_the_drawing_contradicts_are_flagged(shared: Path, country: Tables) -> None:
    path = shared / "data" / "fibre_west_africa" / "combined_lines.geojson"
    result = read_import("fibre", path, country)
    flagged = {p.row for p in result.problems if p.column == "length"}
    lines = json.loads(path.read_text(encoding="utf-8"))["features"]
    # The worst row's stated length is 167 km from its drawing.
    assert 40 <= len(flagged) <= 80
    assert all(1 <= (row or 0) <= len(lines) for row in flagged)
    assert result.tables == {}
    assert any("read as metres" in warning for warning in result.warnings)


def test_the_itu_formulas_give_the_printed_figures(shared: Path) -> None:
    expected = json.loads(
        (shared / "validation/planning/itu_cpp_example/expected_cost_formula.json").read_text(encoding="utf-8")
    )
    fibre = cpp_cost(CPP_DEFAULTS["fibre"], 20.0, 3.2)
    want = expected["fibre_L3.2km_Q20"]
    got = {
        "capex_init": fibre.capex_initial_usd,
        "capex_total": fibre.capex_usd,
        "opex_annual": fibre.opex_usd_per_year,
        "cost_of_ownership": fibre.ownership_usd,
        "cost_annual": fibre.cost_usd_per_year,
        "pv_costs": fibre.present_cost_usd,
        "pv_revenues": fibre.present_revenue_usd,
        "npv": fibre.net_present_usd,
    }
    # The file states cents.
    assert {k: round(v, 2) for k, v in got.items()} == pytest.approx(want, abs=0.011)
    for name, cost in (
        ("fibre_L0km_Q100", cpp_cost(CPP_DEFAULTS["fibre"], 100.0)),
        ("cellular_Q20", cpp_cost(CPP_DEFAULTS["cellular"], 20.0)),
    ):
        assert cost.ownership_usd == pytest.approx(expected[name]["cost_of_ownership"])
        assert cost.net_present_usd == pytest.approx(expected[name]["npv"], abs=0.011)


def test_the_cheapest_cpp_technology_is_cellular_where_it_covers() -> None:
    assert cheapest(20.0, {"fibre": 3.2, "cellular": 0.0, "satellite": 0.0})[0] == "cellular"
    assert cheapest(20.0, {"fibre": 3.2, "cellular": None, "satellite": 0.0})[0] == "satellite"
    with pytest.raises(ValueError, match="no technology"):
        cheapest(20.0, {"fibre": None})


def test_a_microwave_licence_is_not_bought_again() -> None:
    cost = cpp_cost(CPP_DEFAULTS["microwave"], 20.0)
    # 3,000 hardware + 2,000 licence, hardware again after 7 of 10 years.
    assert (cost.capex_initial_usd, cost.capex_usd) == (5_000.0, 8_000.0)
    assert math.isclose(cost.opex_usd_per_year, 600.0 + 300.0)


def test_the_itu_example_becomes_a_whole_country(shared: Path) -> None:
    result = read_itu_cpp(shared / "validation" / "planning" / "itu_cpp_example")
    assert result.problems == ()
    assert (result.tables["places"].height, result.n_rows) == (408, 529)
    assert result.tables["sites"]["kind"].value_counts(sort=True)["count"].to_list() == [81, 40]
    assert reference_problems(result.tables, base_schemas()) == []


def test_the_island_is_planned_by_the_rules_of_the_itu(shared: Path) -> None:
    folder = shared / "validation" / "planning" / "itu_cpp_example"
    expected = json.loads((folder / "expected_cost_formula.json").read_text(encoding="utf-8"))[
        "mst_forest_haversine_km"
    ]
    tables = read_itu_cpp(folder).tables
    spots = {
        name: frame.select("lon_deg", "lat_deg").to_numpy()
        for name, frame in (
            ("point", tables["places"]),
            ("fibre", tables["sites"].filter(pl.col("kind") == "pop")),
            ("cell", tables["sites"].filter(pl.col("generation").is_in(["4g", "5g"]))),
        )
    }
    plan = cpp_plan(spots["point"], spots["fibre"], spots["cell"], max_connection_km=math.inf)
    # 40 points stand exactly on fibre nodes.  The file's forest lost those hops, because its sparse matrix takes a
    # length of zero for no edge; with them the forest is 32.141 km shorter, with and without the cap of 5 km.
    assert (plan.fibre_km == 0.0).sum() == 40
    assert plan.fibre_km.sum() == pytest.approx(expected["no_cap"] - 32.141, abs=0.001)
    capped = cpp_plan(spots["point"], spots["fibre"], spots["cell"], max_connection_km=5.0)
    reached = np.isfinite(capped.fibre_km)
    total_km, n_points = expected["cap_5km"]
    assert reached.sum() == n_points
    assert capped.fibre_km[reached].sum() == pytest.approx(total_km - 32.141, abs=0.001)
    assert set(plan.technology) == {"fibre", "cellular", "satellite"}
    assert plan.ownership_usd == pytest.approx(sum(cost.ownership_usd for cost in plan.cost))


def test_a_folder_without_workbooks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pointsofinterest"):
        read_itu_cpp(tmp_path)
