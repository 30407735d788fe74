from __future__ import annotations

import numpy as np
import polars as pl
import shapely

from rahdari.methods.named_lines import named_lines, towns

KM_PER_STEP = 10.0
CORRIDOR = {
    "corridor_id": pl.String,
    "name": pl.String,
    "kind": pl.String,
    "way_name": pl.String,
    "landmark_ids": pl.String,
}
MARKS = pl.DataFrame(
    {
        "landmark_id": ["a", "b", "c"],
        "name": ["North", "South", "East"],
        "lon_deg": [70.0, 70.0, 70.2],
        "lat_deg": [30.3, 30.0, 30.1],
    }
)
#: A road from south to north in three steps, a detour over the east between its middle nodes, a branch, a railway.
NODES = {
    "n0": (70.0, 30.0),
    "n1": (70.0, 30.1),
    "n2": (70.0, 30.2),
    "n3": (70.0, 30.3),
    "e": (70.2, 30.15),
    "x": (70.3, 30.15),
}
WAYS = [
    ("w1", "n0", "n1", "road", "A-1", 10.0),
    ("w2", "n1", "n2", "road", "A-1", 10.0),
    ("w3", "n3", "n2", "road", "A-1", 10.0),  # drawn against the others
    ("w4", "n1", "e", "road", None, 20.0),
    ("w5", "e", "n2", "road", None, 20.0),
    ("w6", "n2", "x", "railway", None, 14.0),
]


def country() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ways and nodes."""
    nodes = pl.DataFrame(
        {
            "row_node_id": list(NODES),
            "lon_deg": [p[0] for p in NODES.values()],
            "lat_deg": [p[1] for p in NODES.values()],
        }
    )
    names = ("row_id", "from_node_id", "to_node_id", "kind", "name", "length_km")
    ways = pl.DataFrame(WAYS, schema=names, orient="row")
    drawn = [shapely.LineString([NODES[row[1]], NODES[row[2]]]) for row in WAYS]
    return ways.with_columns(geometry=pl.Series(shapely.to_wkb(drawn), dtype=pl.Binary)), nodes


def corridors(*rows: tuple[str, str, str, str | None, str]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=CORRIDOR, orient="row")


def test_a_named_road_runs_from_its_northern_end_whichever_way_its_ways_are_drawn() -> None:
    lines, told = named_lines(*country(), corridors(), MARKS, MARKS, least_km=1.0)
    road = next(line for line in lines if line.name == "A-1")
    assert told == []
    assert road.way_km == 30.0
    assert np.allclose(road.lonlat_deg[[0, -1]], [[70.0, 30.3], [70.0, 30.0]])
    assert (np.diff(road.lonlat_deg[:, 1]) <= 0.0).all()


def test_a_railway_without_a_name_is_named_by_its_ends() -> None:
    lines, _ = named_lines(*country(), corridors(), MARKS, MARKS, least_km=1.0)
    rail = next(line for line in lines if line.kind == "railway")
    assert rail.line_id == "railway-north-east"
    assert rail.way_km == 14.0


def test_a_corridor_passes_its_landmarks_in_order_and_takes_the_place_of_the_road_it_stands_for() -> None:
    asked = corridors(("pass", "Pass Road", "road", "A-1", "b;c;a"))
    lines, told = named_lines(*country(), asked, MARKS, MARKS, least_km=1.0)
    assert told == []
    assert [line.line_id for line in lines if line.kind == "road"] == ["pass"]
    road = next(line for line in lines if line.line_id == "pass")
    assert road.way_km == 60.0
    assert np.allclose(road.lonlat_deg[[0, -1]], [[70.0, 30.0], [70.0, 30.3]])
    assert (road.lonlat_deg[:, 0] > 70.19).any()


def test_corridors_that_cannot_be_walked_are_told() -> None:
    far = pl.concat(
        [MARKS, pl.DataFrame({"landmark_id": ["z"], "name": ["Far"], "lon_deg": [80.0], "lat_deg": [10.0]})]
    )
    asked = corridors(
        ("one", "One", "road", None, "a"),
        ("two", "Two", "road", None, "a;nowhere"),
        ("far", "Far Road", "road", None, "a;z"),
        ("rail", "Rail", "railway", None, "a;b"),
    )
    lines, told = named_lines(*country(), asked, far, MARKS, least_km=1.0)
    assert {line.line_id for line in lines}.isdisjoint({"one", "two", "far"})
    assert len(told) >= 3
    assert any("nowhere" in text for text in told)
    assert any("km from every way" in text for text in told)


def test_short_lines_are_left_out_and_order_of_rows_does_not_matter() -> None:
    ways, nodes = country()
    lines, _ = named_lines(ways, nodes, corridors(), MARKS, MARKS, least_km=20.0)
    assert [line.name for line in lines] == ["A-1"]
    again, _ = named_lines(ways[::-1], nodes[::-1], corridors(), MARKS, MARKS, least_km=20.0)
    assert np.array_equal(lines[0].lonlat_deg, again[0].lonlat_deg)


def test_towns_are_large_enough_and_no_countryside() -> None:
    places = pl.DataFrame(
        {
            "place_id": ["p1", "p2", "p3", "p4"],
            "name": ["Big, part 2", "Small", "Big, rural near Other", None],
            "lon_deg": [70.0] * 4,
            "lat_deg": [30.0] * 4,
            "n_people": [20_000, 500, 20_000, 20_000],
        }
    )
    assert towns(MARKS, places)["name"].to_list() == ["North", "South", "East", "Big"]
