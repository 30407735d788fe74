"""A plan's fibre, or its routes, as a network that can be written in the formats of the trade."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.geo import great_circle_km
from rahdari.sources.boundaries import BOUNDARY_NOTE
from rahdari.sources.imports.common import Findings
from rahdari.sources.networks.checks import check_draft
from rahdari.sources.networks.geofiles import place_name
from rahdari.sources.networks.network import Draft, DraftLink, DraftNode, drawn_km, network_of
from rahdari.sources.networks.ofds import Phase
from rahdari.sources.networks.writing import OfdsExtras

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import polars as pl
    from numpy.typing import NDArray

    from rahdari.sources.networks.network import Network

    FloatArray = NDArray[np.float64]
    Places = dict[str, tuple[float, float]]

PLANNED = "planned"
ON_LINE_DEG = 1e-9  # 0.1 mm: planned pieces end on the very line of a way
WHERE = "Lines follow rights of way or run straight between places; they are no duct positions."
#: What a phase says of the fibre in it.
PHASES = {
    "measured": ("Existing, measured", "Fibre in service, from files supplied by its owner."),
    "published": ("Existing, published", "Fibre in service, restated from a published source."),
    "derived": ("Existing, derived", "Fibre in service, derived from published facts."),
    "assumed": ("Existing, assumed", "Fibre that is assumed to be in service; no record was seen."),
    "synthetic": ("Existing, synthetic", "Modelled fibre that stands in for records that are not public."),
    PLANNED: ("Planned", "Fibre that the plan lays."),
}
#: Tables that know where a node lies: its key and coordinates.
NODE_TABLES = (("rights_of_way_nodes", "row_node_id"), ("sites", "site_id"), ("places", "place_id"))


def fibre_of_plan(tables: Mapping[str, pl.DataFrame], name: str) -> tuple[Network, OfdsExtras]:
    """Return the fibre of a plan, ``links`` of that kind and ``planned_links``, and its phases by evidence.

    Lengths are those of the tables, km; nodes without a record of their own are named after their place.  Where planned
    fibre branches off between the nodes of an existing link, that link is cut in pieces ``ID/1``, ``ID/2`` and so on,
    whose lengths add up to its own.
    :class:`rahdari.errors.InputError` where a plan has no fibre or a table contradicts itself.
    """
    builder = _Builder(Draft("plan", name))
    operators = dict(tables["operators"].select("operator_id", "name").iter_rows()) if "operators" in tables else {}
    places = _places(tables)
    planned = [_link(row, PLANNED, None, 0.0) for row in _sorted_rows(tables, "planned_links")]
    existing: list[tuple[DraftLink, tuple[str, str], str]] = []
    for row in _sorted_rows(tables, "links"):
        if row["kind"] == "fibre":
            link = _link(row, "operational", operators.get(row["operator_id"]), row["capacity_gbps"] or 0.0)
            existing.append((link, (row["from_node_id"], row["to_node_id"]), row["evidence"]))
    phase: dict[str, str] = {}
    branches = _branches([link for link, _, _ in existing], planned)
    for number, (link, ends, evidence) in enumerate(existing):
        builder.orient(link, ends, places)
        for piece, piece_ends in _pieces(link, ends, branches.get(number, [])):
            builder.add(piece, piece_ends, places)
            phase[piece.link_id] = evidence
    for link in planned:
        if link.link_id in phase:
            link.link_id = f"{PLANNED}/{link.link_id}"
        builder.add(link, (None, None), places)
        phase[link.link_id] = PLANNED
    used = set(phase.values())
    phases = tuple(Phase(key, *words) for key, words in PHASES.items() if key in used)
    return builder.network(), OfdsExtras(phases, phase, f"{WHERE} {BOUNDARY_NOTE}")


def routes_of_plan(tables: Mapping[str, pl.DataFrame], name: str) -> tuple[Network, OfdsExtras]:
    """Return the routes of a plan as links between the places that they join; lengths are those of the fibre, km.

    :class:`rahdari.errors.InputError` where a plan has no routes.
    """
    if "routes" not in tables or tables["routes"].is_empty():
        raise InputError(Problem("the plan has no routes", "run it with the engine backbone"))
    builder = _Builder(Draft("plan", name))
    drawn = _drawn_routes(tables["route_ways"]) if "route_ways" in tables else {}
    for row in tables["routes"].sort("route_id").iter_rows(named=True):
        route = drawn.get(row["route_id"])
        if route is None:
            continue
        link = DraftLink(0, row["route_id"], ("", ""), row["fibre_km"], route=route, name=row["name"], medium="fibre")
        builder.add(link, (row["from_name"], row["to_name"]), {})
    return builder.network(), OfdsExtras(accuracy_details=f"{WHERE} {BOUNDARY_NOTE}")


class _Builder:
    """Gathers links and names their nodes."""

    def __init__(self, draft: Draft) -> None:
        """Start without nodes."""
        self.draft = draft
        self.place: Places = {}
        self.at: dict[str, str] = {}

    def orient(self, link: DraftLink, ends: tuple[str, str], places: Places) -> None:
        """Turn a link's route so that it runs from its first node to its second."""
        known = [places.get(end) for end in ends]
        if link.route is None or known[0] is None or known[1] is None:
            return
        drawn, nodes = np.array(_ends(link.route)), np.array(known)
        forth, back = (
            float(great_circle_km(xy[:, 0], xy[:, 1], nodes[:, 0], nodes[:, 1]).sum()) for xy in (drawn, drawn[::-1])
        )
        if back < forth:
            link.route = link.route[::-1]

    def add(self, link: DraftLink, ends: tuple[str | None, str | None], places: Places) -> None:
        """Add a link; its nodes are those named, else those that lie where its route ends."""
        drawn = _ends(link.route) if link.route is not None else (None, None)
        names = [self._node(name, places.get(name or "") or spot) for name, spot in zip(ends, drawn, strict=True)]
        if names[0] == names[1] and ends == (None, None):  # shorter than the name of a place is exact
            names[1] = self._node(f"{names[1]}/{link.link_id}", drawn[1])
        link.ends = (names[0], names[1])
        link.row = len(self.draft.links) + 1
        self.draft.links.append(link)

    def _node(self, name: str | None, place: tuple[float, float] | None) -> str:
        """Return the name of a node, new or known, at a place."""
        spot = place_name(*place) if place is not None else ""
        key = name or self.at.get(spot) or spot
        if key not in self.place:
            self.place[key] = place or (np.nan, np.nan)
            self.at.setdefault(spot, key)
            self.draft.nodes.append(DraftNode(len(self.draft.nodes) + 1, key, *self.place[key]))
        return key

    def network(self) -> Network:
        """Return the network; a plan that contradicts itself is an :class:`InputError`."""
        findings = Findings(self.draft.name)
        check_draft(self.draft, findings)
        raise_if_any(findings.problems)
        return network_of(self.draft)


def _link(row: Mapping[str, Any], status: str, operator: str | None, capacity_gbps: float) -> DraftLink:
    """Return one row of ``links`` or ``planned_links`` without its ends."""
    return DraftLink(
        0,
        row["link_id"],
        ("", ""),
        length_km=row["length_km"],
        installed=capacity_gbps,
        route=_coordinates(row["geometry"]),
        name=row.get("name"),
        status=status,
        medium="fibre",
        operator=operator,
    )


def _coordinates(wkb: bytes | None) -> FloatArray | None:
    """Return the longitudes and latitudes of a line, its longest part where it is in pieces."""
    if wkb is None:
        return None
    shape = shapely.from_wkb(wkb)
    if shape.geom_type != "LineString":
        shape = max(shapely.get_parts(shapely.line_merge(shape)), key=lambda part: part.length)
    return np.asarray(shapely.get_coordinates(shape), dtype=np.float64)


def _ends(route: FloatArray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the places at which a route begins and ends."""
    (a, b), (c, d) = route[[0, -1]].tolist()
    return (a, b), (c, d)


def _sorted_rows(tables: Mapping[str, pl.DataFrame], name: str) -> list[dict[str, Any]]:
    """Return the rows of a table of links by id; none where there is no such table."""
    return tables[name].sort("link_id").to_dicts() if name in tables else []


def _branches(existing: Sequence[DraftLink], planned: Sequence[DraftLink]) -> dict[int, list[tuple[float, float]]]:
    """Return the places between the ends of each existing link where planned fibre begins or ends."""
    lines = np.array([shapely.LineString(link.route) if link.route is not None else None for link in existing])
    spots = sorted(
        {place_name(*end): end for link in planned if link.route is not None for end in _ends(link.route)}.values()
    )
    if not spots or not len(lines):
        return {}
    points = shapely.points(np.array(spots))
    at, line = shapely.STRtree(lines).query(points, predicate="dwithin", distance=ON_LINE_DEG)
    result: dict[int, list[tuple[float, float]]] = {}
    seen: set[int] = set()
    for point, number in sorted(zip(at.tolist(), line.tolist(), strict=True)):
        if point in seen:  # two cables side by side: the first one carries the branch
            continue
        seen.add(point)
        ends = {place_name(*end) for end in _ends(np.asarray(existing[number].route))}
        if place_name(*spots[point]) not in ends:
            result.setdefault(number, []).append(spots[point])
    return result


def _pieces(
    link: DraftLink, ends: tuple[str, str], branches: Sequence[tuple[float, float]]
) -> list[tuple[DraftLink, tuple[str | None, str | None]]]:
    """Return a link cut at places on its route, with the nodes of each piece; its length is shared out as drawn."""
    if link.route is None or not branches:
        return [(link, ends)]
    line = shapely.LineString(link.route)
    along = np.asarray(shapely.line_locate_point(line, shapely.points(np.array(branches))))
    corners = np.asarray(shapely.line_locate_point(line, shapely.points(link.route[1:-1])))
    stops = sorted(zip(along.tolist(), branches, strict=True))
    bounds = [(0.0, tuple(link.route[0].tolist())), *stops, (line.length, tuple(link.route[-1].tolist()))]
    routes = []
    for (low, first), (high, last) in itertools.pairwise(bounds):
        inner = link.route[1:-1][(corners > low) & (corners < high)]
        routes.append(np.concatenate([np.array([first]), inner, np.array([last])]))
    drawn = [drawn_km(route) for route in routes]
    total = sum(drawn) or 1.0
    pieces: list[tuple[DraftLink, tuple[str | None, str | None]]] = []
    for number, (route, km) in enumerate(zip(routes, drawn, strict=True), start=1):
        length = None if link.length_km is None else link.length_km * km / total
        piece = replace(link, link_id=f"{link.link_id}/{number}", route=route, length_km=length)
        pieces.append((piece, (ends[0] if number == 1 else None, ends[1] if number == len(routes) else None)))
    return pieces


def _places(tables: Mapping[str, pl.DataFrame]) -> Places:
    """Return where each node lies that a table knows."""
    places: Places = {}
    for table, key in NODE_TABLES[::-1]:
        if table in tables:
            for name, lon, lat in tables[table].select(key, "lon_deg", "lat_deg").iter_rows():
                places[name] = (lon, lat)
    return places


def _drawn_routes(route_ways: pl.DataFrame) -> dict[str, FloatArray]:
    """Return the line of each route, its ways in order and in their direction."""
    parts: dict[str, list[FloatArray]] = {}
    for row in route_ways.sort("route_id", "step").iter_rows(named=True):
        line = _coordinates(row["geometry"])
        if line is not None:
            parts.setdefault(row["route_id"], []).append(line[::-1] if row["is_reversed"] else line)
    return {key: np.concatenate(lines) for key, lines in parts.items()}
