"""What is written reads back as the same network, to the last bit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.sources.imports.common import Findings
from rahdari.sources.networks.files import load_instance, load_network, read_network
from rahdari.sources.networks.ofds import Node, OfdsNetwork, Organisation, Phase, Span, package_bytes, parse_package
from rahdari.sources.networks.writing import format_of, write_network
from tests.sources.networks.samples import GEOJSON, GRAPHML, NATIVE, XML, instances, ofds, same

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.methods.instance import Instance

FREE = "abz09-_. ()\"'<>&#,é山ر"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@settings(deadline=None)
@given(instances())
def test_sndlib_native_keeps_everything_but_lengths_and_continuous_costs(folder: Path, instance: Instance) -> None:
    write_network(instance, folder / "a.txt")
    read = load_instance(folder / "a.txt")
    assert same(read, instance, "link_length_km", "link_module_capacity", "link_module_cost")
    for i, capacity in enumerate(instance.link_module_capacity):
        written = capacity if len(capacity) else np.ones(1)
        assert np.array_equal(read.link_module_capacity[i], written)


def test_a_path_may_be_text(folder: Path) -> None:
    path = folder / "text.txt"
    path.write_text(NATIVE, encoding="utf-8")
    assert same(load_instance(str(path)), load_instance(path))
    assert load_network(str(path)).instance.link_id == load_instance(path).link_id
    assert read_network(str(path)).problems == ()


@settings(deadline=None)
@given(instances(FREE))
def test_graphml_keeps_the_whole_instance(folder: Path, instance: Instance) -> None:
    write_network(instance, folder / "a.graphml")
    assert same(load_instance(folder / "a.graphml"), instance)


@settings(deadline=None)
@given(instances(FREE))
def test_geojson_keeps_the_whole_instance(folder: Path, instance: Instance) -> None:
    write_network(instance, folder / "a.geojson")
    assert same(load_instance(folder / "a.geojson"), instance)


@settings(max_examples=10, deadline=None)
@given(instances(FREE))
def test_geopackage_keeps_the_whole_instance(folder: Path, instance: Instance) -> None:
    write_network(instance, folder / "made.gpkg")
    assert same(load_instance(folder / "made.gpkg"), instance)


@settings(deadline=None)
@given(instances(FREE))
def test_ofds_keeps_nodes_places_lengths_and_capacity(folder: Path, instance: Instance) -> None:
    lost = write_network(instance, folder / "a.json")
    read = load_instance(folder / "a.json")
    left_out = [name for name in read.__slots__ if name.startswith("demand") or "cost" in name or "module" in name]
    assert same(read, instance, *left_out)
    has_more = bool(instance.demand_id) or any(len(capacity) for capacity in instance.link_module_capacity)
    assert bool(lost) == has_more


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5).filter(str.strip)
PLACE = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
JSON = st.one_of(st.booleans(), st.integers(-9, 9), TEXT, st.lists(TEXT, min_size=1, max_size=2, unique=True))
REST = st.dictionaries(TEXT.map(lambda text: "x-" + text), JSON, max_size=2)
MAYBE = st.none() | TEXT


@settings(deadline=None)
@given(
    network=st.builds(
        OfdsNetwork,
        id=st.uuids().map(str),
        name=MAYBE,
        nodes=st.lists(st.builds(Node, TEXT, MAYBE, st.none() | PLACE, MAYBE, MAYBE, REST), max_size=3).map(tuple),
        spans=st.lists(
            st.builds(
                Span,
                id=TEXT,
                start=MAYBE,
                end=MAYBE,
                name=MAYBE,
                status=MAYBE,
                phase_id=MAYBE,
                route=st.none() | st.lists(PLACE, min_size=2, max_size=3).map(tuple),
                provider_id=MAYBE,
                media=st.lists(TEXT, max_size=2).map(tuple),
                fibre_length_km=st.none() | st.floats(0, 1e4),
                capacity_gbps=st.none() | st.floats(0, 1e4),
                rest=REST,
            ),
            max_size=3,
        ).map(tuple),
        phases=st.lists(st.builds(Phase, TEXT, MAYBE, MAYBE, REST), max_size=2).map(tuple),
        organisations=st.lists(st.builds(Organisation, TEXT, MAYBE, REST), max_size=2).map(tuple),
        rest=st.just({"crs": {"name": "x"}, "links": [{"rel": "describedby"}]}),
    )
)
def test_an_ofds_package_survives_writing_and_reading(network: OfdsNetwork) -> None:
    findings = Findings("a.json")
    assert parse_package(orjson.loads(package_bytes([network])), findings) == (network,)
    assert not findings.problems


def test_fields_that_planning_does_not_use_are_written_back() -> None:
    findings = Findings("a.json")
    written = json.loads(package_bytes(parse_package(ofds(), findings)))
    expected = ofds()
    expected["networks"][0]["crs"] = written["networks"][0]["crs"]
    assert written == expected


def test_native_and_xml_give_the_same_instance(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(NATIVE)
    (tmp_path / "a.xml").write_text(XML)
    native = load_instance(tmp_path / "a.txt")
    assert same(native, load_instance(tmp_path / "a.xml"), "name")
    assert native.name == "triangle"
    assert native.link_unit_cost.tolist() == [2.0, 3.0, 10.0]
    assert native.link_installed.tolist() == [5.0, 0.0, 0.0]
    assert native.demand_value.tolist() == [7.0]  # routing unit times value
    assert native.link_length_km[0] == pytest.approx(96.3, abs=0.1)  # a degree of longitude at 30 degrees north


@pytest.mark.parametrize("text", [NATIVE, XML, GRAPHML, GEOJSON, json.dumps(ofds())])
def test_the_suffix_of_a_file_does_not_matter(tmp_path: Path, text: str) -> None:
    (tmp_path / "network.dat").write_text(text)
    read = read_network(tmp_path / "network.dat")
    assert not read.problems
    assert read.network is not None


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    lines = NATIVE.splitlines()
    shuffled = lines[:4] + lines[4:7][::-1] + lines[7:10] + lines[10:13][::-1] + lines[13:]
    (tmp_path / "a.txt").write_text(NATIVE)
    (tmp_path / "b.txt").write_text("\n".join(shuffled))
    assert same(load_instance(tmp_path / "a.txt"), load_instance(tmp_path / "b.txt"))


def test_parallel_edges_of_graphml_are_joined_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.graphml").write_text(GRAPHML)
    read = read_network(tmp_path / "a.graphml")
    network = load_network(tmp_path / "a.graphml")
    assert network.link_count.tolist() == [2, 1]
    assert network.instance.link_installed.tolist() == [12.5, 0.0]  # Gbit/s
    assert network.node_name == ("Alpha", None, None)
    assert network.instance.node_lon_deg is not None
    assert np.isnan(network.instance.node_lon_deg).tolist() == [False, False, True]
    assert any("parallel" in text for text in read.warnings)
    assert any("itself" in text for text in read.warnings)


def test_pixel_coordinates_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(NATIVE.replace("70.00 31.00", "350.00 31.00"))
    (tmp_path / "a.xml").write_text(XML.replace("geographical", "pixel"))
    for name in ("a.txt", "a.xml"):
        read = read_network(tmp_path / name)
        assert read.network is not None
        assert read.network.instance.node_lon_deg is None
        assert any("drawing" in text for text in read.warnings)


def test_an_id_with_a_blank_is_refused_by_the_native_format_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.graphml").write_text(GRAPHML.replace('"0"', '"node 0"'))
    network = load_network(tmp_path / "a.graphml")
    with pytest.raises(InputError, match="cannot hold the ids 'node 0'"):
        write_network(network, tmp_path / "b.txt")
    with pytest.raises(InputError, match="1 nodes have no place"):
        write_network(network, tmp_path / "b.geojson")
    with pytest.raises(InputError, match=r"suffix '\.png' is unknown"):
        format_of(tmp_path / "b.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.graphml"]
