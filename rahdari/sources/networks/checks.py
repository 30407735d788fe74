"""What a network file may get wrong: every fault at once, each with its row and cure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rahdari.sources.imports.common import LAT_MAX_DEG, LON_MAX_DEG, MAX_ROWS_NAMED
from rahdari.sources.networks.network import direct_km, drawn_km

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rahdari.sources.imports.common import Findings
    from rahdari.sources.networks.network import Draft, DraftDemand, DraftLink, DraftNode

#: No cable is a hundred times as long as its straight line; between 500 and 2000 times, its unit is the metre.
MOST_RATIO, METRES_LEAST_RATIO, METRES_MOST_RATIO = 100.0, 500.0, 2000.0
#: Nearer ends prove nothing: a cable may be coiled between two rooms.
LEAST_JUDGED_KM = 1.0
#: A great circle on the sphere exceeds the ellipsoid's by at most 0.6 %; coordinates are often cut to three decimals.
SPHERE_FRAC, PLACE_SLACK_KM = 0.006, 0.15
NOT_NEGATIVE, POSITIVE = "give a finite number of 0 or more", "give a finite number above 0"
LENGTH_CURES = {
    "is no number": "give kilometres, or leave the length out",
    "is negative": "give kilometres of 0 or more",
    "is in metres": "divide it by 1000: lengths are in kilometres",
    "is impossible": "correct the length or the nodes' places",
    "is shorter than the great circle": "correct the length or the nodes' places",
}


def check_draft(draft: Draft, findings: Findings) -> None:
    """Add every fault of a draft: empty parts, keys, ends, places, numbers, lengths, demands without a way."""
    nodes, links, demands = draft.places
    if not draft.nodes and not findings.problems:
        findings.add("there is no node", "supply a whole file", None, nodes)
    elif not draft.links and not findings.problems:
        findings.add("there is no link", "supply a whole file", None, links)
    _check_ids([(node.row, node.node_id) for node in draft.nodes], "node", nodes, findings)
    _check_ids([(link.row, link.link_id) for link in draft.links], "link", links, findings)
    _check_ids([(demand.row, demand.demand_id) for demand in draft.demands], "demand", demands, findings)
    _check_places(draft.nodes, nodes, findings)
    known = {node.node_id for node in draft.nodes}
    _check_ends([(link.row, link.link_id, link.ends) for link in draft.links], "link", links, known, findings)
    ends = [(demand.row, demand.demand_id, demand.ends) for demand in draft.demands]
    _check_ends(ends, "demand", demands, known, findings)
    _check_numbers(draft, findings)
    _check_lengths(draft, findings)
    _check_connected(draft, findings)


def tell(findings: Findings, told: Iterable[tuple[int, str]], cure: str, column: str) -> None:
    """Add a fault for each (row, what), the first twenty by name; a last line counts the rest."""
    faults = list(told)
    for row, what in faults[:MAX_ROWS_NAMED]:
        findings.add(what, cure, row, column)
    if len(faults) > MAX_ROWS_NAMED:
        n_more = len(faults) - MAX_ROWS_NAMED
        row, what = faults[-1]
        findings.add(f"{n_more} more rows have such a fault; the last one: {what}", cure, row, column)


def _check_ids(rows: Sequence[tuple[int, str]], name: str, column: str, findings: Findings) -> None:
    """Add a fault for every identifier that is empty or stood before."""
    seen: set[str] = set()
    twice: list[tuple[int, str]] = []
    for row, key in rows:
        if key in seen and key:
            twice.append((row, f"{name} '{key}' stands twice"))
        seen.add(key)
    tell(findings, twice, f"give each {name} its own id", column)
    nameless = [(row, f"the {name} has no id") for row, key in rows if not key]
    tell(findings, nameless, f"give each {name} its own id", column)


def _check_places(nodes: Sequence[DraftNode], column: str, findings: Findings) -> None:
    """Add a fault for every place that is half given, infinite, or off the globe."""
    half = [
        (node.row, f"node '{node.node_id}' has one coordinate only")
        for node in nodes
        if math.isnan(node.lon_deg) != math.isnan(node.lat_deg)
    ]
    tell(findings, half, "give longitude and latitude", column)
    off = [
        (node.row, f"node '{node.node_id}' lies at {node.lon_deg:g}, {node.lat_deg:g}, outside -180..180 and -90..90")
        for node in nodes
        if abs(node.lon_deg) > LON_MAX_DEG or abs(node.lat_deg) > LAT_MAX_DEG
    ]
    tell(findings, off, "give WGS 84 degrees, longitude first", column)


def _check_ends(
    rows: Sequence[tuple[int, str, tuple[str, str]]], name: str, column: str, known: set[str], findings: Findings
) -> None:
    """Add a fault for every end that is no node, and for ends at one node."""
    missing = [
        (row, f"{name} '{key}' ends at node '{end}', which is not there")
        for row, key, ends in rows
        for end in dict.fromkeys(ends)
        if end not in known
    ]
    tell(findings, missing, "add the node or correct its name", column)
    loops = [(row, f"{name} '{key}' begins and ends at node '{a}'") for row, key, (a, b) in rows if a == b]
    tell(findings, loops, f"correct an end or remove the {name}", column)


def _is_wrong(value: float, *, may_be_zero: bool = True) -> bool:
    """Return whether a number is NaN, infinite or negative, or zero where that is wrong."""
    return not math.isfinite(value) or value < 0 or (value == 0 and not may_be_zero)


def _check_numbers(draft: Draft, findings: Findings) -> None:
    """Add faults of capacities, costs, modules and demands."""
    negative: list[tuple[int, str]] = []
    empty: list[tuple[int, str]] = []
    for link in draft.links:
        label = f"link '{link.link_id}'"
        if _is_wrong(link.installed):
            negative.append((link.row, f"{label} has an installed capacity of {link.installed:g}"))
        if link.unit_cost is not None and _is_wrong(link.unit_cost):
            negative.append((link.row, f"{label} has a unit cost of {link.unit_cost:g}"))
        for capacity, cost in link.modules:
            if _is_wrong(capacity, may_be_zero=False):
                empty.append((link.row, f"{label} has a module of capacity {capacity:g}"))
            if _is_wrong(cost) or (capacity > 0 and not math.isfinite(cost / capacity)):
                negative.append((link.row, f"{label} has a module of cost {cost:g}"))
    tell(findings, negative, NOT_NEGATIVE, draft.places[1])
    tell(findings, empty, POSITIVE, draft.places[1])
    wrong = [
        (demand.row, f"demand '{demand.demand_id}' has a value of {demand.value:g}")
        for demand in draft.demands
        if _is_wrong(demand.value)
    ]
    tell(findings, wrong, NOT_NEGATIVE, draft.places[2])


def _check_lengths(draft: Draft, findings: Findings) -> None:
    """Add faults of stated lengths: no number, negative, in metres, impossible, shorter than the great circle."""
    faults: dict[str, list[tuple[int, str]]] = {kind: [] for kind in LENGTH_CURES}
    for link, direct in zip(draft.links, direct_km(draft).tolist(), strict=True):
        kind = _fault_of_length(link, direct) if link.length_km is not None else None
        if kind is not None:
            apart = f"; its nodes are {direct:,.6g} km apart" if math.isfinite(direct) else ""
            what = f"the length of link '{link.link_id}' {kind}: {link.length_km:,.6g} km{apart}"
            faults[kind].append((link.row, what))
    for kind, told in faults.items():
        tell(findings, told, LENGTH_CURES[kind], draft.places[1])


def _fault_of_length(link: DraftLink, direct: float) -> str | None:
    """Return what is wrong with a stated length, a key of :data:`LENGTH_CURES`, or ``None``."""
    length = link.length_km if link.length_km is not None else 0.0
    if not math.isfinite(length):
        return "is no number"
    if length < 0:
        return "is negative"
    straight = direct if math.isfinite(direct) else 0.0
    if length > MOST_RATIO * max(straight, LEAST_JUDGED_KM):
        base = max(straight, drawn_km(link.route) if link.route is not None else 0.0)
        if base >= LEAST_JUDGED_KM and length > MOST_RATIO * base:
            return "is in metres" if METRES_LEAST_RATIO <= length / base <= METRES_MOST_RATIO else "is impossible"
    if math.isfinite(direct) and length < direct * (1.0 - SPHERE_FRAC) - PLACE_SLACK_KM:
        return "is shorter than the great circle"
    return None


def components(draft: Draft) -> tuple[int, dict[str, int]]:
    """Return the number of connected parts of a draft's network, and the part of each node.

    Links with an unknown end join nothing.
    """
    number = {node_id: i for i, node_id in enumerate(dict.fromkeys(node.node_id for node in draft.nodes))}
    pairs = [link.ends for link in draft.links if link.ends[0] in number and link.ends[1] in number]
    ends = np.array([(number[a], number[b]) for a, b in pairs], dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(number), len(number)))
    n_parts, part = connected_components(graph, directed=False)
    return int(n_parts), {node_id: int(part[i]) for node_id, i in number.items()}


def _has_way(demand: DraftDemand, part: dict[str, int]) -> bool:
    """Return whether a demand's ends lie in one part; an unknown end is another fault."""
    a, b = (part.get(end, -1) for end in demand.ends)
    return a == b or min(a, b) < 0


def _check_connected(draft: Draft, findings: Findings) -> None:
    """Add a fault for every demand without a way; say so where a network without demands is in pieces."""
    if not draft.nodes or not draft.links:
        return
    n_parts, part = components(draft)
    if n_parts > 1 and not draft.demands:
        findings.warnings.append(f"the network is in {n_parts} separate parts")
    apart = [
        (demand.row, f"demand '{demand.demand_id}' has no way from '{demand.ends[0]}' to '{demand.ends[1]}'")
        for demand in draft.demands
        if n_parts > 1 and not _has_way(demand, part)
    ]
    tell(findings, apart, "add the missing link or remove the demand", draft.places[2])
