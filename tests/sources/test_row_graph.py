from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import shapely
from pyproj import Geod

from rahdari.sources import row_graph
from rahdari.sources.boundaries import Boundaries, natural_earth
from rahdari.sources.packages import geonames
from rahdari.sources.packages.roads import WayGraph
from rahdari.sources.packages.terrain import Terrain
from rahdari.sources.row_repair import GAP, JOINT, Ways, bridged, combined, joined, matrix_of, shortest

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike

    Frames = dict[str, pl.DataFrame]

KASHGAR, KHUNJERAB, GILGIT = (75.98675, 39.46718), (75.4278, 36.85), (74.31245, 35.91869)
RAWALPINDI, KARACHI = (73.0479, 33.59733), (67.0104, 24.8608)
NONE, NO_NODE = np.zeros(0), np.zeros(0, dtype=np.int32)
EMPTY = WayGraph(NONE, NONE, NO_NODE, NO_NODE, NONE)
SQUARE = Boundaries("test", shapely.MultiPolygon([shapely.box(69.0, 29.0, 72.0, 32.0)]), pl.DataFrame())
FLAT = Terrain(np.zeros((72, 72)), np.zeros((72, 72)), 33.0, 68.0)


def _ways(lon: ArrayLike, lat: ArrayLike, edges: ArrayLike, km: ArrayLike) -> Ways:
    pairs = np.array(edges, dtype=np.int32).reshape(-1, 2)
    graph = WayGraph(np.array(lon), np.array(lat), pairs[:, 0], pairs[:, 1], np.array(km, dtype=float))
    return combined(graph, EMPTY)


def _broken(gap_deg: float = 0.005) -> Ways:
    """Return two roads of two edges each, end to end but for a gap; 0.005 degrees are some 0.5 km."""
    lon = [70.0, 70.1, 70.2, 70.2 + gap_deg, 70.3 + gap_deg, 70.4 + gap_deg]
    return _ways(lon, [30.0] * 6, [(0, 1), (1, 2), (3, 4), (4, 5)], [10.0, 10.0, 10.0, 10.0])


def test_one_break_gets_one_joint_of_geodesic_length() -> None:
    ways = joined(_broken())
    joint = ways.kind == JOINT
    assert joint.sum() == 1
    assert ways.length_km[joint][0] == pytest.approx(Geod(ellps="WGS84").inv(70.2, 30.0, 70.205, 30.0)[2] / 1000.0)
    assert ways.way_km((70.0, 30.0), (70.405, 30.0)) == pytest.approx(40.0 + ways.length_km[joint][0])


def test_several_near_pairs_at_one_break_get_one_joint() -> None:
    lon = [70.0, 70.1, 70.102, 70.104, 70.106, 70.2]
    ways = joined(_ways(lon, [30.0] * 6, [(0, 1), (1, 2), (3, 4), (4, 5)], [10.0, 0.2, 0.2, 10.0]))
    assert (ways.kind == JOINT).sum() == 1


def test_near_nodes_with_a_short_way_round_get_no_joint() -> None:
    ways = joined(_ways([70.0, 70.005, 70.0025], [30.0, 30.0, 30.01], [(0, 2), (2, 1)], [1.2, 1.2]))
    assert not (ways.kind == JOINT).any()


def test_near_nodes_with_a_long_way_round_get_a_joint() -> None:
    ways = joined(_ways([70.0, 70.005, 70.0025], [30.0, 30.0, 30.2], [(0, 2), (2, 1)], [25.0, 25.0]))
    assert (ways.kind == JOINT).sum() == 1


def test_a_wider_gap_is_bridged_on_land_and_never_over_sea() -> None:
    ways = _broken(0.1)
    same_land, islands = np.zeros(6, dtype=np.int64), np.array([0, 0, 0, 1, 1, 1])
    assert (bridged(ways, same_land).kind == GAP).sum() == 1
    assert (bridged(ways, islands).kind == GAP).sum() == 0
    assert (bridged(_broken(1.0), same_land).kind == GAP).sum() == 0


def test_repair_does_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(7)
    lon, lat = 70.0 + rng.random(300), 30.0 + rng.random(300)
    edges = np.c_[np.arange(0, 300, 2), np.arange(1, 300, 2)]
    km = 120.0 * np.hypot(lon[edges[:, 0]] - lon[edges[:, 1]], lat[edges[:, 0]] - lat[edges[:, 1]])
    order, turned = rng.permutation(300), rng.permutation(len(edges))
    number = np.argsort(order)
    first = joined(_ways(lon, lat, edges, km), snap_km=3.0)
    second = joined(_ways(lon[order], lat[order], number[edges][turned][:, ::-1], km[turned]), snap_km=3.0)
    tables = [row_graph.tables_of(ways, SQUARE, FLAT, {}) for ways in (first, second)]
    assert tables[0][0].equals(tables[1][0])
    assert tables[0][1].equals(tables[1][1])


def test_splitting_keeps_every_kilometre_and_leaves_no_long_piece() -> None:
    ways = _ways([70.0, 70.5, 71.0], [30.0, 30.4, 30.0], [(0, 1), (1, 2)], [80.0, 61.5])
    rows, nodes = row_graph.tables_of(ways, SQUARE, FLAT, {})
    assert rows["length_km"].sum() == pytest.approx(141.5)
    assert rows["length_km"].to_numpy().max() <= row_graph.MAX_PIECE_KM
    assert rows.height == 16 + 13
    assert nodes.height == 3 + 15 + 12
    assert set(rows["from_node_id"]) | set(rows["to_node_id"]) == set(nodes["row_node_id"])


def test_pieces_lie_on_the_geodesic_with_equal_steps() -> None:
    ways = _ways([69.1, 71.9], [31.0, 31.0], [(0, 1)], [300.0])
    _, nodes = row_graph.tables_of(ways, SQUARE, FLAT, {})
    along = nodes.sort("lon_deg")
    lon, lat = along["lon_deg"].to_numpy(), along["lat_deg"].to_numpy()
    steps = np.asarray(Geod(ellps="WGS84").inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2])
    assert np.allclose(steps, steps.mean(), rtol=1e-6)
    # The geodesic bows towards the pole; a straight line on a Mercator map would stay on 31 degrees.
    assert lat.max() > 31.005


def test_identifiers_stay_when_the_rest_of_the_graph_changes() -> None:
    whole = joined(_broken())
    part = whole.kept(np.array([False, True, True, True, True, False]))
    rows, nodes = (
        set(frame[key])
        for frame, key in zip(row_graph.tables_of(part, SQUARE, FLAT, {}), ("row_id", "row_node_id"), strict=True)
    )
    all_rows, all_nodes = (
        set(frame[key])
        for frame, key in zip(row_graph.tables_of(whole, SQUARE, FLAT, {}), ("row_id", "row_node_id"), strict=True)
    )
    assert rows < all_rows
    assert nodes < all_nodes
    lonlat = {row_graph.decoded_lonlat(name) for name in nodes if "-" not in name}
    assert lonlat == {(70.1, 30.0), (70.2, 30.0), (70.205, 30.0), (70.305, 30.0)}


def test_slack_reproduces_a_published_length_and_is_never_below_the_plains() -> None:
    ways = _ways([70.0, 70.5, 71.0], [30.0, 30.0, 30.0], [(0, 1), (1, 2)], [50.0, 50.0])
    steep = Terrain(
        np.zeros((72, 72)), np.interp(np.arange(72), [26, 36], [0.0, 0.05])[None, :].repeat(72, 0), 33.0, 68.0
    )
    rows, nodes = row_graph.tables_of(ways, SQUARE, steep, {})
    assert set(rows["terrain"]) == {"plain", "hill", "mountain"}
    for fibre_km in (130.0, 90.0):
        route = row_graph.PublishedRoute("test", ((70.0, 30.0), (71.0, 30.0)), fibre_km)
        slack, notes = row_graph.calibrated_slack(rows, nodes, [route])
        built = row_graph.with_slack(rows, slack)
        assert slack.plain <= slack.hill <= slack.mountain
        assert float((built["length_km"] * built["slack_ratio"]).sum()) == pytest.approx(max(fibre_km, 105.0))
        assert "test" in notes[0]


def test_a_road_is_named_only_where_its_length_agrees() -> None:
    ways = _ways(
        [70.0, 70.5, 71.0, 70.5], [30.0, 30.0, 30.0, 30.4], [(0, 1), (1, 2), (0, 3), (3, 2)], [50.0, 50.0, 70.0, 75.0]
    )
    ends = ((70.0, 30.0), (71.0, 30.0))
    direct = row_graph.NamedWay("direct", ends, 101.0, is_motorway=True)
    detour = row_graph.NamedWay("detour", ends, 146.0, is_motorway=True)
    other = row_graph.NamedWay("other", ends, 400.0, is_motorway=True)
    nowhere = row_graph.NamedWay("nowhere", (), 100.0, is_motorway=True)
    found, missing = row_graph.named_edges(ways, [detour, direct, other, nowhere])
    km = {
        name: sum(ways.length_km[edge] for edge, way in found.items() if way.name == name)
        for name in ("direct", "detour")
    }
    assert km == {"direct": 100.0, "detour": 145.0}
    assert missing == ("nowhere", "other")


def _pakistan_ways(data_cache: Path) -> tuple[Ways, Boundaries]:
    towns = geonames.towns("PK")
    boundaries = natural_earth(geonames.find_country("PK"), towns["lon_deg"].to_numpy(), towns["lat_deg"].to_numpy())
    return row_graph.surrounding_ways(boundaries, data_cache), boundaries


@pytest.mark.usefixtures("atlas_file")
def test_repair_joins_kashgar_to_karachi_by_khunjerab(data_cache: Path) -> None:
    broken, boundaries = _pakistan_ways(data_cache)
    assert broken.way_km(KASHGAR, GILGIT) > 1800.0
    whole = row_graph.repaired(broken, boundaries)
    assert whole.way_km(KASHGAR, GILGIT) == pytest.approx(564.0, abs=5.0)
    assert whole.way_km(RAWALPINDI, GILGIT) == pytest.approx(450.0, rel=0.02)
    assert whole.way_km(RAWALPINDI, KARACHI) == pytest.approx(1300.0, rel=0.02)
    parts = [whole.way_km(*leg) for leg in ((KASHGAR, KHUNJERAB), (KHUNJERAB, GILGIT), (GILGIT, RAWALPINDI))]
    assert whole.way_km(KASHGAR, KARACHI) == pytest.approx(sum(parts) + whole.way_km(RAWALPINDI, KARACHI), rel=0.02)


def test_published_fibre_is_reproduced_on_the_tables_of_pakistan(pakistan: Frames) -> None:
    rows, nodes = pakistan["rights_of_way"].filter(pl.col("kind") != "railway"), pakistan["rights_of_way_nodes"]
    number = {name: at for at, name in enumerate(nodes["row_node_id"].to_list())}
    start, stop = (rows[end].replace_strict(number).to_numpy() for end in ("from_node_id", "to_node_id"))
    at = row_graph.nearest_node_numbers(nodes, np.array([KHUNJERAB, RAWALPINDI, KASHGAR]))
    way_km, before = shortest(matrix_of(nodes.height, start, stop, rows["length_km"].to_numpy()), at[0])
    assert 600.0 < way_km[at[1]] < 700.0
    assert np.isfinite(way_km[at[2]])
    fibre = {
        (min(a, b), max(a, b)): km
        for a, b, km in zip(start, stop, (rows["length_km"] * rows["slack_ratio"]).to_numpy(), strict=True)
    }
    total, node = 0.0, int(at[1])
    while before[node] >= 0:
        total += fibre[min(node, int(before[node])), max(node, int(before[node]))]
        node = int(before[node])
    assert total == pytest.approx(820.0, abs=1.0)


def test_no_way_is_shorter_than_the_straight_line_between_its_ends(pakistan: Frames) -> None:
    rows, nodes = pakistan["rights_of_way"], pakistan["rights_of_way_nodes"]
    at = {name: (lon, lat) for name, lon, lat in nodes.select("row_node_id", "lon_deg", "lat_deg").iter_rows()}
    ends = np.array([[*at[a], *at[b]] for a, b in rows.select("from_node_id", "to_node_id").iter_rows()])
    straight_km = np.asarray(Geod(ellps="WGS84").inv(*ends.T)[2]) / 1000.0
    # Coordinates are known to a thousandth of a degree (some 100 m) and the data's radius is spherical (0.5 %).
    assert (rows["length_km"].to_numpy() > straight_km * 0.99 - 0.25).all()
    assert shapely.length(shapely.from_wkb(rows["geometry"].to_list())).min() > 0.0
