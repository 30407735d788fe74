"""Lines that people know, put together from rights of way: corridors by their landmarks, named roads, railways.

A corridor is the shortest way over roads (or rails) through its landmarks in order.  A named road, or the ways of a
kind that carry no name, is the longest of the shortest ways within its longest connected part: of a road without
branches the road itself, of a network its main line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely

from rahdari.methods.geo import great_circle_km, nearest
from rahdari.methods.graph import parts
from rahdari.methods.routing import shortest_ways, two_way_arcs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

RAILWAY, MOTORWAY, JOINT = "railway", "motorway", "joint"
ROAD_KINDS = ("road", MOTORWAY, "track", JOINT)
RAIL_KINDS = (RAILWAY, JOINT)
ATTACH_MAX_KM = 30.0  # farthest that a landmark may lie from a corridor's ways; as the backbone engine attaches ends
TOWN_PEOPLE = 10_000  # towns from this size on name places along a line
RURAL = ", rural"  # of names of places that are no town


@dataclass(frozen=True, slots=True, eq=False)
class NamedLine:
    """A line: (n, 2) longitudes and latitudes in degrees, and how long its ways say it is."""

    line_id: str
    name: str
    kind: str
    lonlat_deg: FloatArray
    way_km: float


@dataclass(frozen=True, slots=True)
class _Graph:
    """Ways between numbered nodes; ``node`` (m, 2), ``lonlat`` (n, 2)."""

    node: IntArray
    km: FloatArray
    lonlat: FloatArray
    shape: NDArray[np.object_]

    def cut(self, kept: NDArray[np.bool_]) -> _Graph:
        return _Graph(self.node[kept], self.km[kept], self.lonlat, self.shape[kept])


def slug(name: str) -> str:
    """Return a name as an identifier.

    >>> slug("N-35 Hasan Abdal - Khunjerab")
    'n-35-hasan-abdal-khunjerab'
    """
    kept = "".join(letter if letter.isalnum() else " " for letter in name.lower())
    return "-".join(kept.split())


def towns(landmarks: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return ``landmark_id``, ``name``, ``lon_deg``, ``lat_deg`` of landmarks and towns, to name stretches by."""
    columns = ("landmark_id", "name", "lon_deg", "lat_deg")
    is_town = (pl.col("n_people") >= TOWN_PEOPLE) & ~pl.col("name").str.contains(RURAL, literal=True)
    large = places.filter(is_town.fill_null(value=False))
    large = large.select(
        pl.col("place_id").alias("landmark_id"), pl.col("name").str.split(", part").list.first(), "lon_deg", "lat_deg"
    )
    return pl.concat([landmarks.select(columns), large.select(columns)]).sort("landmark_id")


def named_lines(
    ways: pl.DataFrame,
    nodes: pl.DataFrame,
    corridors: pl.DataFrame,
    landmarks: pl.DataFrame,
    marks: pl.DataFrame,
    *,
    least_km: float,
) -> tuple[list[NamedLine], list[str]]:
    """Return lines in the order of their identifiers, and sentences about corridors that the ways do not carry.

    ``ways`` and ``nodes`` are ``rights_of_way`` and its nodes; ``corridors`` name ``landmarks``; ``marks``
    (:func:`towns`) name the ends of ways without a name.  Lines shorter than ``least_km`` are left out.
    """
    if not ways.height:
        return [], []
    table = ways.sort("row_id")
    graph = _graph(table, nodes.sort("row_node_id"))
    found: list[NamedLine] = []
    told: list[str] = []
    replaced: set[str | None] = set()
    for row in corridors.sort("corridor_id").iter_rows(named=True):
        kept = table["kind"].is_in(RAIL_KINDS if row["kind"] == RAILWAY else ROAD_KINDS).to_numpy()
        line = _corridor(graph.cut(kept), row, landmarks)
        if isinstance(line, str):
            told.append(line)
        else:
            found.append(line)
            replaced.add(row["way_name"])
    for name, kind, kept in _groups(table):
        if name in replaced:
            continue
        chain = _longest(graph.cut(kept))
        if chain is not None:
            found.append(_named(graph.cut(kept), chain, name, kind, marks))
    unique = {line.line_id: line for line in reversed(found) if line.way_km >= least_km}
    return [unique[key] for key in sorted(unique)], told


def _graph(table: pl.DataFrame, nodes: pl.DataFrame) -> _Graph:
    number = {name: at for at, name in enumerate(nodes["row_node_id"].to_list())}
    ends = [
        table[name].replace_strict(number, return_dtype=pl.Int64).to_numpy() for name in ("from_node_id", "to_node_id")
    ]
    return _Graph(
        np.stack(ends, axis=1),
        table["length_km"].to_numpy(),
        nodes.select("lon_deg", "lat_deg").to_numpy(),
        shapely.from_wkb(table["geometry"].to_numpy()),
    )


def _groups(table: pl.DataFrame) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Give name, kind and ways of each named road, then of motorways and railways without a name."""
    named = table.filter(pl.col("name").is_not_null())
    for name in sorted(named["name"].unique().to_list()):
        kept = (table["name"] == name).fill_null(value=False).to_numpy()
        kinds = table.filter(pl.Series(kept) & (pl.col("kind") != JOINT))["kind"]
        if kinds.len():
            yield name, str(kinds.mode().sort()[0]), kept
    for kind in (MOTORWAY, RAILWAY):
        # Joints join what the data left apart; those of other kinds hang on nothing here.
        is_kind = (table["kind"].is_in([kind, JOINT]) & table["name"].is_null()).to_numpy()
        if (table["kind"].to_numpy()[is_kind] == kind).any():
            yield "", kind, is_kind


def _corridor(graph: _Graph, row: dict[str, str], landmarks: pl.DataFrame) -> NamedLine | str:
    """Return the shortest way through a corridor's landmarks, or why there is none."""
    place = {key: (lon, lat) for key, lon, lat in landmarks.select("landmark_id", "lon_deg", "lat_deg").iter_rows()}
    asked = [part.strip() for part in row["landmark_ids"].split(";") if part.strip()]
    missing = [key for key in asked if key not in place]
    if missing or len(asked) < 2:  # noqa: PLR2004  # a start and an end
        return (
            f"{row['name']}: no landmark {', '.join(missing)}"
            if missing
            else f"{row['name']}: fewer than two landmarks"
        )
    used = np.unique(graph.node)
    if not used.size:
        return f"{row['name']}: no ways of its kind"
    lonlat = np.array([place[key] for key in asked])
    at, _ = nearest(lonlat[:, 0], lonlat[:, 1], graph.lonlat[used, 0], graph.lonlat[used, 1])
    node = used[at]
    off_km = great_circle_km(lonlat[:, 0], lonlat[:, 1], graph.lonlat[node, 0], graph.lonlat[node, 1])
    if off_km.max() > ATTACH_MAX_KM:
        return f"{row['name']}: {asked[int(off_km.argmax())]} lies {off_km.max():.0f} km from every way"
    chains = []
    for one, other in zip(node[:-1].tolist(), node[1:].tolist(), strict=True):
        chain = _shortest(graph, one, other)
        if chain is None:
            return f"{row['name']}: the ways do not join its landmarks"
        chains.append(chain)
    chain = np.concatenate(chains)
    shape, km = _shape(graph, chain, int(node[0]))
    return NamedLine(row["corridor_id"], row["name"], row["kind"], shape, km)


def _shortest(graph: _Graph, start: int, end: int) -> IntArray | None:
    """Return the ways of the shortest way between two nodes."""
    arcs = two_way_arcs(graph.lonlat.shape[0], graph.node[:, 0], graph.node[:, 1], graph.km)
    found = shortest_ways(arcs, start, np.array([end]))[0][0]
    return None if found is None else np.asarray(arcs.way[found.arc])


def _longest(graph: _Graph) -> IntArray | None:
    """Return the ways of the longest shortest way in the longest connected part, found by two sweeps.

    Two sweeps are exact in a part without rings, and elsewhere at least half of the longest.
    """
    used, index = np.unique(graph.node, return_inverse=True)
    node = index.reshape(-1, 2)
    part = parts(used.size, node)[node[:, 0]]
    total = np.bincount(part, graph.km)
    kept = part == int(total.argmax())
    arcs = two_way_arcs(used.size, node[kept, 0], node[kept, 1], graph.km[kept])
    start = int(node[kept].min())
    for _ in range(2):
        cost = shortest_ways(arcs, start, np.zeros(0, np.int64))[1]
        end, start = start, int(np.where(np.isfinite(cost), cost, -1.0).argmax())
    if start == end:
        return None
    found = shortest_ways(arcs, start, np.array([end]))[0][0]
    return None if found is None else np.flatnonzero(kept)[arcs.way[found.arc]]


def _shape(graph: _Graph, chain: IntArray, start: int) -> tuple[FloatArray, float]:
    """Return (n, 2) degrees along a chain of ways from a node, and the ways' length."""
    at, pieces = start, [graph.lonlat[start : start + 1]]
    for way in chain.tolist():
        first, second = graph.node[way].tolist()
        drawn = shapely.get_coordinates(graph.shape[way])
        pieces.append(drawn if first == at else drawn[::-1])
        at = second if first == at else first
    return np.concatenate(pieces), float(graph.km[chain].sum())


def _named(graph: _Graph, chain: IntArray, name: str, kind: str, marks: pl.DataFrame) -> NamedLine:
    """Return a chain as a line from its north-eastern end, named by its ends where it has no name."""
    node, count = np.unique(graph.node[chain], return_counts=True)
    ends = node[count == 1]
    start = int(ends[np.lexsort((graph.lonlat[ends, 0], graph.lonlat[ends, 1]))][-1])
    first_first = start in graph.node[chain[0]].tolist() and (
        chain.size == 1 or start not in graph.node[chain[1]].tolist()
    )
    shape, km = _shape(graph, chain if first_first else chain[::-1], start)
    if not name:
        where = marks.sort("landmark_id")
        name = kind.capitalize()
        if where.height:
            at, _ = nearest(
                shape[[0, -1], 0], shape[[0, -1], 1], where["lon_deg"].to_numpy(), where["lat_deg"].to_numpy()
            )
            name += " " + " - ".join(where["name"][int(i)] for i in at)
    return NamedLine(slug(name), name, kind, shape, km)
