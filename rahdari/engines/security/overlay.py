"""Two ways for each protected pair that share no risk, with the proof; else what they share, and what would cure it."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.spatial import cKDTree

from rahdari.methods.diversity import disjoint_routes, shared_things
from rahdari.methods.diversity_core import make_core
from rahdari.methods.diversity_cut import Search, Task
from rahdari.methods.diversity_flow import best_flow
from rahdari.methods.diversity_result import routes_of
from rahdari.methods.diversity_round import Rounding
from rahdari.methods.diversity_shared import expanded, group_lists, single_points
from rahdari.methods.geo import great_circle_km
from rahdari.methods.graph import parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.security.params import SecurityParams
    from rahdari.engines.security.ways import Ways
    from rahdari.methods.diversity import Route
    from rahdari.methods.diversity_flow import Flow
    from rahdari.methods.diversity_shared import Points
    from rahdari.methods.network import Network

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

Level = Literal["risk", "node", "link", "none"]
LEVELS: tuple[Level, ...] = ("risk", "node", "link", "none")
LESSER: tuple[Literal["node", "link"], ...] = ("node", "link")
MOST_TOLD = 3  # shared things named for one pair
MOST_POINTS = 60  # single points whose sides are looked at
WHOLE_FRAC = 0.99  # of a way's length on an operator's fibre: carried by it


@dataclass(frozen=True, slots=True)
class NewLink:
    """The shortest new link that could cure: no shorter one joins both sides of everything that separates the ends."""

    from_near: str
    to_near: str
    crow_km: float


@dataclass(frozen=True, slots=True)
class PairAnswer:
    """What was found for one pair of nodes.

    ``level``: what the ways do not share.  ``shared``: in words, the kind of risk and its public road and region.
    """

    level: Level
    routes: tuple[Route, ...]
    is_proven: bool
    lower_bound_km: float
    is_zone_avoided: bool
    obstacle: str
    operators: tuple[tuple[str, float], ...]
    ways: tuple[tuple[str, ...], ...]
    shared: tuple[str, ...] = ()
    shared_kinds: dict[str, int] = field(default_factory=dict)
    cure: NewLink | None = None

    @property
    def is_operator_disjoint(self) -> bool:
        """Return whether each of two ways is carried whole by an operator of its own today."""
        names = {name for name, share in self.operators if share >= WHOLE_FRAC}
        return len(self.operators) > 1 and len(names) == len(self.operators)


@dataclass(frozen=True, slots=True)
class _Found:
    """What one network has for a pair: level, ways, bound on their length, what separates the ends, and the proof."""

    level: Level
    routes: tuple[Route, ...]
    bound_km: float
    points: Points
    is_proven: bool
    text: str


def answer_pair(ways: Ways, ends: tuple[int, int], params: SecurityParams) -> PairAnswer | None:
    """Return the ways of a pair, those by the border avoided where possible; ``None`` where nothing joins the ends."""
    names = ways.network.node_id[ends[0]], ways.network.node_id[ends[1]]
    inner = ways.without_border(ends, params.near_end_km)
    if inner is ways.network:
        found = _best(inner, names, params.search_s)
        return None if found is None else _told(ways, inner, found, is_avoided=True)
    found = _best(inner, names, params.search_s) if {*names} <= set(inner.node_id) else None
    if found is not None and found.level == "risk":
        return _told(ways, inner, found, is_avoided=True)
    other = _best(ways.network, names, params.search_s)
    if found is not None and (other is None or LEVELS.index(found.level) <= LEVELS.index(other.level)):
        return _told(ways, inner, found, is_avoided=True)
    return None if other is None else _told(ways, ways.network, other, is_avoided=False)


def _best(network: Network, names: tuple[str, str], search_s: float) -> _Found | None:
    """Return the strongest level that has two ways; ``None`` where nothing joins the ends.

    Risks: the cheapest ways that share no node are tried, then what shares a risk is exchanged; only where that fails
    the search for any such ways begins.  The cheapest ways that share no node bound the length of all of them.
    """
    ends = network.node(names[0]), network.node(names[1])
    flow = best_flow(network.rows, network.link_node, network.link_cost, ends, 2, by_node=True)
    points = single_points(network, ends, "risk")
    proof = ""
    if flow.n_ways > 1 and not points.group.size:
        found = _without_risk(network, ends, flow, search_s)
        if isinstance(found, tuple):
            return _Found("risk", found, flow.bound, points, is_proven=True, text="")
        proof = found
    elif points.group.size:
        proof = f"{_counted(points.group.size, 'risk')} by itself separates the ends" if points.group.size == 1 else (
            f"{points.group.size} risks, each by itself, separate the ends")  # fmt: skip
    for level in LESSER:
        answer = disjoint_routes(network, *names, level, 2, is_explained=False)
        if answer.routes:
            return _Found(level, answer.routes, answer.lower_bound or 0.0, points, is_proven=bool(proof), text=proof)
        proof = proof or (answer.obstacle.text if answer.obstacle else "")
    alone = disjoint_routes(network, *names, "link", 1, is_explained=False)
    if not alone.routes:
        return None
    return _Found("none", alone.routes, alone.lower_bound or 0.0, points, is_proven=True, text=proof)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _without_risk(network: Network, ends: tuple[int, int], flow: Flow, search_s: float) -> tuple[Route, ...] | str:
    """Return two ways that share no risk, or the proof that there are none; empty where the search ran out of time."""
    names = network.node_id[ends[0]], network.node_id[ends[1]]
    plain = routes_of(network, [(way >> 1).tolist() for way in flow.ways], ends[0], network.link_cost)
    if not shared_things(network, plain, names)[2]:
        return plain
    zero = np.zeros(network.n_links)
    core = make_core(
        network.link_node, cost=network.link_cost, delay=zero, weight=zero, node_weight=np.zeros(network.n_nodes),
        groups=group_lists(network, "risk", names), ends=ends, is_strict=True,
    )  # fmt: skip
    if core is None:
        return "no way is left once risks are told apart"
    inner = best_flow(core.rows, core.link_node, core.cost, (core.a, core.b), 2, by_node=True)
    if not inner.ways:
        return "no two ways are left once risks are told apart"
    ways = Rounding(core, 2, math.inf, by_node=True).start(inner.ways)
    if not ways:
        search = Search(core, Task(2, by_node=True, is_enough=True), time.monotonic() + search_s).run()
        if not search.ways:
            return "flow and cuts over risks contradict each other" if search.is_finished else ""
        ways = search.ways
    return routes_of(network, [expanded(core, way) for way in ways], ends[0], network.link_cost)


def _told(ways: Ways, network: Network, found: _Found, *, is_avoided: bool) -> PairAnswer:
    """Return the answer in words, with operators and, where risks are shared, the cure."""
    routes, level = found.routes, found.level
    operators = _operators(ways, routes)
    ways_of = tuple(tuple(ways.ways_of(route.link_id)) for route in routes)
    told = PairAnswer(level, routes, found.is_proven, found.bound_km, is_avoided, found.text, operators, ways_of)
    if level == "risk":
        return told
    ends = network.node(routes[0].node_id[0]), network.node(routes[0].node_id[-1])
    kind = dict(zip(network.risks.group_id, network.risks.kind, strict=True))
    both = shared_things(network, routes, (routes[0].node_id[0], routes[0].node_id[-1]))[2]
    separating = [network.risks.group_id[i] for i in found.points.group.tolist()]
    return replace(
        told,
        shared=_words(ways, network, found.points.group, (found.points.link, found.points.node)),
        shared_kinds=dict(sorted(Counter(kind[name] for name in (both or separating)).items())),
        cure=_shortest_cure(ways, network, ends, found.points.lost),
    )


def _words(ways: Ways, network: Network, groups: IntArray, single: tuple[IntArray, IntArray]) -> tuple[str, ...]:
    """Return what separates the ends by itself: kind, public road and regions, no place; alike ones together."""
    found: dict[tuple[str, str], list[str]] = {}

    def note(what: str, links: IntArray, nodes: IntArray) -> None:
        road = ways.roads([network.link_id[i] for i in links.tolist()])
        where = ways.near(_in_whole(ways, network, nodes))
        regions = found.setdefault((what, road), [])
        if where and where not in regions:
            regions.append(where)

    for group in groups.tolist():
        links = network.risks.links_of(group)
        note(f"{network.risks.kind[group]} risk", links, np.unique(network.link_node[links]))
    links, nodes = single
    if links.size:
        what = "one way only" if links.size == 1 else f"{links.size} stretches with one way only"
        note(what, links, np.unique(network.link_node[links]))
    elif nodes.size:
        note("one junction" if nodes.size == 1 else f"{nodes.size} junctions", np.zeros(0, np.int64), nodes)
    return tuple(_place(what, road, regions) for (what, road), regions in found.items())


def _in_whole(ways: Ways, network: Network, nodes: IntArray) -> IntArray:
    """Return the numbers of nodes in the whole network."""
    if network is ways.network:
        return nodes
    return np.array([ways.network.node(network.node_id[i]) for i in nodes.tolist()], np.int64)


def _place(what: str, road: str, regions: list[str]) -> str:
    named = f"{what} on {road}" if road else what
    if not regions:
        return named
    return f"{named}, region{'' if len(regions) == 1 else 's'} of {', '.join(regions)}"


def _shortest_cure(ways: Ways, network: Network, ends: tuple[int, int], points: tuple[IntArray, ...]) -> NewLink | None:
    """Return the shortest link from what stays joined to one end to what stays joined to the other, whatever fails."""
    if network.node_lon_deg is None or network.node_lat_deg is None or not 0 < len(points) <= MOST_POINTS:
        return None
    is_side = np.ones((2, network.n_nodes), np.bool_)
    for links in points:
        kept = np.ones(network.n_links, np.bool_)
        kept[links] = False
        label = parts(network.n_nodes, network.link_node[kept])
        for side, end in enumerate(ends):
            is_side[side] &= label == label[end]
    one, two = (np.flatnonzero(side) for side in is_side)
    if not (one.size and two.size):
        return None
    lon, lat = np.radians(network.node_lon_deg), np.radians(network.node_lat_deg)
    vector = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    away, index = (np.asarray(each) for each in cKDTree(vector[two]).query(vector[one]))
    at = int(np.argmin(away))
    u, v = int(one[at]), int(two[int(index[at])])
    crow = great_circle_km(*(each[k : k + 1] for k in (u, v) for each in (network.node_lon_deg, network.node_lat_deg)))
    near = [ways.near(_in_whole(ways, network, np.array([node]))) for node in (u, v)]
    return NewLink(near[0], near[1], float(crow[0]))


def _operators(ways: Ways, routes: tuple[Route, ...]) -> tuple[tuple[str, float], ...]:
    """Return for each way the operator with fibre on most of it and the share, the operators different if possible."""
    shares: list[dict[str, float]] = []
    for route in routes:
        held: dict[str, float] = {}
        own = ways.ways_of(route.link_id)
        for way in own:
            for name in ways.operators.get(way, ()):
                held[name] = held.get(name, 0.0) + ways.way_km[way]
        whole = math.fsum(ways.way_km[way] for way in own)
        shares.append({name: min(1.0, value / whole) for name, value in held.items()} if whole > 0.0 else {})
    if any(not share for share in shares):
        best = [max(sorted(share.items()), key=lambda item: item[1], default=("", 0.0)) for share in shares]
        return tuple(best)
    choices = [sorted(share.items(), key=lambda item: (-item[1], item[0])) for share in shares]
    if len(choices) == 1:
        return (choices[0][0],)
    every = [(a, b) for a in choices[0] for b in choices[1] if a[0] != b[0]]
    if not every:
        return choices[0][0], choices[1][0]
    return max(every, key=lambda pair: (min(pair[0][1], pair[1][1]), pair[0][1] + pair[1][1], pair[0][0], pair[1][0]))
