"""Files with faults: every fault at once, each with its row and a cure, and no network."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from rahdari.errors import InputError
from rahdari.sources.networks import content
from rahdari.sources.networks.files import load_network, read_network
from rahdari.sources.networks.writing import write_network
from tests.sources.networks.samples import GEOJSON, GRAPHML, NATIVE, XML, collection, line, ofds, point, same

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.sources.networks.network import NetworkRead


SHORT, APART = "is shorter than the great circle", "; its nodes are 96.2973 km apart"
OWNER = "physicalInfrastructureProvider"
NO_NODE = "ends at node '9', which is not there"
NO_LINE = "'route' has no coordinates of a LineString"
DECLARED = "the encoding that the file declares cannot be read"
LINE_OF_L3 = NATIVE[: NATIVE.index("L3")].count("\n") + 1
NO_FEATURE: Any = 5
PIECES = [[[70, 30], [70.1, 30]], [[70.5, 30], [71, 30]]]


def read(folder: Path, text: str | bytes, **how: Any) -> NetworkRead:  # noqa: ANN401  # as read_network
    path = folder / "network.dat"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_network(path, **how)


def faults(folder: Path, text: str | bytes, **how: Any) -> list[tuple[int | None, str | None, str]]:  # noqa: ANN401
    """Return row, column and what of every fault; each must name the file and a cure, and there is no network."""
    result = read(folder, text, **how)
    assert result.network is None
    assert all(problem.file == "network.dat" and problem.cure for problem in result.problems)
    return [(problem.row, problem.column, problem.what) for problem in result.problems]


NATIVE_FAULTS = """?SNDlib native format; type: network; version: 1.0
NODES (
  A ( 70.00 30.00 )
  B ( 71.00 30.00 )
  B ( 72.00 30.00 )
  C ( 70.00 north )
  E ( 75.00 30.00 )
  F ( 75.00 31.00 )
)
LINKS (
  L1 ( A B ) 0.00 0.00 0.00 0.00 ( 10.00 20.00 )
  L1 ( A B ) -5.00 0.00 0.00 0.00 ( 10.00 20.00 )
  L2 ( A Z ) 0.00 0.00 0.00 0.00 ( 10.00 nan )
  L3 ( A Z ) 0.00 0.00 0.00 0.00 ( 10.00 1.00 )
  L4 ( A A ) 0.00 0.00 0.00 0.00 ( 10.00 1.00 )
  L5 ( A B ) 0.00 0.00 0.00 0.00 ( 0.00 1.00 )
  L6 ( A B ) 0.00 0.00 0.00 0.00 ( 10.00 )
  L7 A B 0.00
  L8 ( A B ) 0.00 0.00 0.00 0.00 ( 10.00 20.00
  L9 ( E F ) 0.00 0.00 0.00 0.00 ( 10.00 20.00 )
)
DEMANDS (
  D1 ( A E ) 1 5.00 UNLIMITED
  D2 ( A B ) 1 -5.00 UNLIMITED
  D3 ( B B ) 1 5.00 UNLIMITED
  D4 ( A ) 1 5.00
)
"""


def test_all_faults_of_a_native_file_come_at_once(tmp_path: Path) -> None:
    assert faults(tmp_path, NATIVE_FAULTS) == [
        (6, "NODES", "'north' is no finite number"),
        (13, "LINKS", "'nan' is no finite number"),
        (17, "LINKS", "link 'L6' has a module without a cost"),
        (18, "LINKS", "the entry is no link"),
        (19, "LINKS", "a bracket is not closed"),
        (26, "DEMANDS", "the entry is no demand"),
        (5, "NODES", "node 'B' stands twice"),
        (12, "LINKS", "link 'L1' stands twice"),
        (14, "LINKS", "link 'L3' ends at node 'Z', which is not there"),
        (15, "LINKS", "link 'L4' begins and ends at node 'A'"),
        (25, "DEMANDS", "demand 'D3' begins and ends at node 'B'"),
        (12, "LINKS", "link 'L1' has an installed capacity of -5"),
        (16, "LINKS", "link 'L5' has a module of capacity 0"),
        (24, "DEMANDS", "demand 'D2' has a value of -5"),
        (23, "DEMANDS", "demand 'D1' has no way from 'A' to 'E'"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (None, None, "the file is empty")),
        ("just words\n", (None, None, "the file is of no known format")),
        (NATIVE.encode("utf-16"), (None, None, "the file is in UTF-16 or UTF-32")),
        (NATIVE.replace("A (", "\xc4 (").encode("latin-1"), (5, None, "byte 0xc4 is no UTF-8")),
        (NATIVE[: NATIVE.index("L3")], (LINE_OF_L3, "LINKS", "the file ends within section LINKS")),
        (NATIVE[: NATIVE.index("LINKS (")], (None, "LINKS", "section LINKS is missing")),
        (NATIVE.replace("NODES (", "NODES"), (4, None, "'NODES' stands outside any section")),
        (XML[:900], (18, None, "the file is no XML: unclosed token")),
        (XML.replace("<links>", "<links"), (10, None, "the file is no XML: not well-formed (invalid token)")),
        (XML.replace("ISO-8859-1", "KOI-9"), (1, None, f"{DECLARED}: unknown encoding: KOI-9")),
        (XML.replace("<x>71.0</x>", "<x>east</x>"), (6, "NODES", "'east' is no finite number")),
        ("<kml/>", (1, None, "element 'kml' is of no known format")),
        ("<a>" * 100, (1, None, "elements lie more than 64 deep")),
        (GRAPHML[: GRAPHML.index("<graph ")] + "</graphml>", (2, "graph", "element 'graph' is missing")),
        (GRAPHML.replace(">71.0<", ">x<"), (9, "node/longitude", "'x' is no finite number")),
        (GRAPHML.replace('"1" target="2"', '"1" target="9"'), (13, "edge", f"link '1--9' {NO_NODE}")),
        (GEOJSON[:-40], (1, None, "the file is no JSON: unexpected end of data")),
        ('{"type": "FeatureCollection", "features": 5}', (None, None, "there is no list 'features'")),
        ('{"networks": []}', (None, None, "there is no list 'networks'")),
        ("[1, 2]", (None, None, "there is no list 'networks'")),
        ('{"elements": [], "connections": []}', (None, None, "GNPy topologies are written, not read")),
        (collection(point(70.0, 30.0)), (None, "lines", "there is no link")),
        (collection(), (None, "points", "there is no node")),
        (collection(crs={"properties": {"name": "EPSG:32642"}}), (None, "crs", "the coordinates are not in WGS 84")),
    ],
)  # fmt: skip
def test_a_broken_file_says_where_and_how_to_cure_it(
    tmp_path: Path, text: str | bytes, expected: tuple[int | None, str | None, str]
) -> None:
    assert expected in faults(tmp_path, text)


BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<graphml><graph><node id="&b;"/></graph></graphml>
"""
OUTSIDE = """<?xml version="1.0"?>
<!DOCTYPE graphml [<!ENTITY secret SYSTEM "file:///etc/hostname">]>
<graphml><graph><node id="&secret;"/></graph></graphml>
"""


@pytest.mark.parametrize("text", [BOMB, OUTSIDE])
def test_hostile_xml_is_refused_before_an_entity_is_read(tmp_path: Path, text: str) -> None:
    what = "the file declares a document type, which can hold entities"
    assert faults(tmp_path, text) == [(2, None, what)]


def test_deep_json_is_refused(tmp_path: Path) -> None:
    assert "no JSON" in faults(tmp_path, "[" * 100_000)[0][2]


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(content.MAX_BYTES + 1)  # sparse: takes no room
    (problem,) = read_network(path).problems
    assert problem.what == "the file has 64 MiB; more than 64 MiB are not read"


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.txt", tmp_path):
        with pytest.raises(InputError, match="there is no such file"):
            load_network(path)


def test_all_faults_of_lengths_come_at_once(tmp_path: Path) -> None:
    a, b, c = (70.0, 30.0), (71.0, 30.0), (70.0, 31.0)  # 96.3, 111.2 and 147.1 km apart
    text = collection(
        point(*a, node_id="A"),
        point(*b, node_id="B"),
        point(*c, node_id="C"),
        line(a, b, link_id="metres", length_km=120_000),
        line(a, c, link_id="short", length_km=90.0),
        line(b, c, link_id="negative", length_km=-1),
        line(a, b, link_id="endless", length_km=20_000),
        line(a, b, link_id="words", length_km="long"),
        line(a, b, link_id="good", length_km=96.3),
    )
    assert faults(tmp_path, text) == [
        (8, "length_km", "'long' is no finite number"),
        (6, "lines", "the length of link 'negative' is negative: -1 km; its nodes are 146.776 km apart"),
        (4, "lines", "the length of link 'metres' is in metres: 120,000 km; its nodes are 96.2973 km apart"),
        (7, "lines", "the length of link 'endless' is impossible: 20,000 km; its nodes are 96.2973 km apart"),
        (5, "lines", f"the length of link 'short' {SHORT}: 90 km; its nodes are 111.195 km apart"),
    ]  # fmt: skip


def test_all_faults_of_drawings_come_at_once(tmp_path: Path) -> None:
    text = collection(
        point(70.0, 30.0, node_id="A"),
        point(71.0, 30.0, node_id="B"),
        point(71.0, 30.0, node_id="B"),
        point(700.0, 30.0, node_id="C"),
        line((70.0, 30.0), (71.0, 30.1), link_id="dangling"),
        line((70.0, 30.0), (71.0, 30.0), link_id="named", from_node_id="A", to_node_id="Z"),
        line((70.0, 30.2), (71.0, 30.0), link_id="away", from_node_id="A", to_node_id="B"),
        {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}, "properties": {}},
        {"type": "Feature", "properties": {}},
        line((70.0, 30.0)),
        {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[70.0], ["x", 1]]}},
        {"type": "Feature", "geometry": {"type": "MultiLineString", "coordinates": PIECES}},
        NO_FEATURE,
    )  # fmt: skip
    assert faults(tmp_path, text) == [
        (4, "geometry", "the feature reaches 700, 30, outside -180..180 and -90..90"),
        (8, "geometry", "the feature is a Polygon"),
        (9, "geometry", "the feature has no geometry"),
        (10, "geometry", "the feature has no geometry"),
        (11, "geometry", "the coordinates are no list of longitude and latitude"),
        (12, "geometry", "the line is in 2 pieces"),
        (13, "geometry", "the feature has no geometry"),
        (5, "geometry", "the line ends at 71.00000, 30.10000, 11.119 km from the nearest point"),
        (7, "geometry", "the line begins 22.239 km from node 'A', which it names"),
        (3, "points", "node 'B' stands twice"),
        (6, "lines", "link 'named' ends at node 'Z', which is not there"),
    ]


def test_features_without_geometry_are_left_out_and_counted(tmp_path: Path) -> None:
    ends = (70.0, 30.0), (71.0, 30.0)
    drawn = [point(*ends[0], node_id="A"), point(*ends[1], node_id="B"), line(*ends, link_id="a")]
    nowhere: list[dict[str, Any]] = [{"type": "Feature", "geometry": None, "properties": {}}]
    nowhere += [
        {"type": "Feature", "geometry": {"type": kind, "coordinates": []}, "properties": {}}
        for kind in ("Point", "LineString", "MultiLineString")
    ]
    whole, holed = read(tmp_path, collection(*drawn)), read(tmp_path, collection(*nowhere, *drawn))
    assert whole.network is not None
    assert holed.network is not None
    assert same(whole.network.instance, holed.network.instance)
    assert holed.warnings == ("4 features have no geometry and were left out: row 1, 2, 3, 4", *whole.warnings)
    assert faults(tmp_path, collection(*nowhere))


CROSS = collection(
    line((70.0, 30.0), (71.0, 31.0), link_id="up"),
    line((70.0, 31.0), (71.0, 30.0), link_id="down"),
    line((70.0, 30.0), (70.0, 31.0), link_id="side"),
)


def test_lines_that_cross_without_a_node_are_named(tmp_path: Path) -> None:
    what = "the line meets that of row 2 (down) at 70.50000, 30.50000, where not both have a node"
    assert faults(tmp_path, CROSS) == [(1, "geometry", what)]
    network = read(tmp_path, CROSS, crossings="keep").network
    assert network is not None
    assert (len(network.instance.node_id), len(network.instance.link_id)) == (4, 3)


def test_a_line_that_ends_on_another_is_named(tmp_path: Path) -> None:
    text = collection(line((70.0, 30.0), (71.0, 30.0)), line((70.5, 30.0), (70.5, 31.0)))
    assert faults(tmp_path, text)[0][0] == 1


def test_ends_within_the_tolerance_are_one_node(tmp_path: Path) -> None:
    text = collection(line((70.0, 30.0), (71.0, 30.0)), line((71.0005, 30.0), (71.0, 31.0)))  # 48 m apart
    joined, apart = read(tmp_path, text).network, read(tmp_path, text, snap_km=0.01).network
    assert joined is not None
    assert apart is not None
    assert (len(joined.instance.node_id), len(apart.instance.node_id)) == (3, 4)


def test_a_line_drawn_backwards_is_turned(tmp_path: Path) -> None:
    text = collection(
        point(70.0, 30.0, node_id="A"),
        point(71.0, 30.0, node_id="B"),
        line((71.0, 30.0), (70.0, 30.0), from_node_id="A", to_node_id="B"),
    )
    network = read(tmp_path, text).network
    assert network is not None
    assert network.link_route[0] is not None
    assert network.link_route[0].tolist() == [[70.0, 30.0], [71.0, 30.0]]


def test_metres_without_a_unit_are_recognised(tmp_path: Path) -> None:
    text = collection(line((70.0, 30.0), (71.0, 30.0), distance=97_000.0))
    result = read(tmp_path, text)
    assert result.network is not None
    assert result.network.instance.link_length_km.tolist() == [97.0]
    assert "the field of lengths has no unit in its name; read as metres" in result.warnings


@pytest.mark.parametrize(
    ("changes", "column", "what"),
    [
        ({"fibreLength": 120_500}, "spans", f"the length of link 's1' is in metres: 120,500 km{APART}"),
        ({"fibreLength": "long"}, "spans/fibreLength", "'fibreLength' is no finite number"),
        ({"fibreLength": 12.0}, "spans", f"the length of link 's1' {SHORT}: 12 km{APART}"),
        ({"start": "Z"}, "spans", "link 's1' ends at node 'Z', which is not there"),
        ({"start": "B"}, "spans", "link 's1' begins and ends at node 'B'"),
        ({"start": None, "route": None}, "spans", "span 's1' has no start"),
        ({"phase": {"id": "p9"}}, "spans/phase", "phase 'p9' of span 's1' is unknown"),
        ({"phase": "p1"}, "spans/phase", "'phase' is no object with an id"),
        ({OWNER: {"id": "o9"}}, f"spans/{OWNER}", "organisation 'o9' of span 's1' is unknown"),
        ({"status": "Lit"}, "spans/status", "status 'Lit' of span 's1' is unknown"),
        ({"transmissionMedium": ["glass"]}, "spans/transmissionMedium", "the medium 'glass' of span 's1' is unknown"),
        ({"route": {"type": "Point", "coordinates": [0, 0]}}, "spans/route", "'route' is no LineString"),
        ({"route": {"type": "LineString", "coordinates": [0]}}, "spans/route", NO_LINE),
        ({"capacity": -4}, "spans", "link 's1' has an installed capacity of -4"),
    ],
)  # fmt: skip
def test_a_faulty_span_is_named(tmp_path: Path, changes: dict[str, Any], column: str, what: str) -> None:
    assert faults(tmp_path, json.dumps(ofds(**changes))) == [(1, column, what)]


def test_rows_of_a_package_are_counted_over_all_its_networks(tmp_path: Path) -> None:
    package = ofds()
    package["networks"].append({"id": "second", "nodes": [{"id": "A"}, {"id": "A"}], "spans": ["s"], "phases": 5})
    assert faults(tmp_path, json.dumps(package)) == [
        (None, "phases", "'phases' is no list"),
        (2, "spans", "the entry is no object"),
        (2, "spans", "span '' has no start and end"),
        (4, "nodes", "node 'second/A' stands twice"),
    ]


def test_a_span_without_ends_joins_the_nodes_it_is_drawn_to(tmp_path: Path) -> None:
    network = read(tmp_path, json.dumps(ofds(start=None, end=None))).network
    assert network is not None
    assert network.instance.link_node.tolist() == [[0, 1]]


def test_many_faults_of_one_kind_are_counted(tmp_path: Path) -> None:
    many = "".join(f"  X{i} ( A Z ) 0 0 0 0 ( 1 1 )\n" for i in range(50))
    told = faults(tmp_path, NATIVE.replace("LINKS (\n", "LINKS (\n" + many))
    assert len(told) == 21
    assert (
        told[-1][2] == "30 more rows have such a fault; the last one: link 'X49' ends at node 'Z', which is not there"
    )


def test_a_damaged_geopackage_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "network.dat"
    write_network(load_network_of(tmp_path, GEOJSON), path, "gpkg")
    whole = path.read_bytes()
    assert faults(tmp_path, whole[:5000])
    path.write_bytes(whole)
    with sqlite3.connect(path) as database:
        database.execute("delete from links where 1 = 1")
    database.close()
    assert (None, "lines", "there is no link") in faults(tmp_path, path.read_bytes())


def load_network_of(folder: Path, text: str) -> Any:  # noqa: ANN401  # a network
    return read(folder, text).network


def test_unit_costs_of_two_makes_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "two_makes.txt"
    path.write_text(
        "?SNDlib native format; type: network; version: 1.0\nNODES (\n A ( 0 0 )\n B ( 1 0 )\n C ( 0 1 )\n)\n"
        "LINKS (\n AB ( A B ) 0 0 0 0 ( 10 50 )\n BC ( B C ) 0 0 0 0 ( )\n)\n",
        encoding="utf-8",
    )
    read = read_network(path)
    assert not read.problems
    assert any("first module and length" in warning for warning in read.warnings)
