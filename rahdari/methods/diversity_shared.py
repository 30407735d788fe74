"""Where no disjoint routes exist: the least that two must share, and the cheapest new link that would cure it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.disjoint import separating, shortest
from rahdari.methods.diversity_core import Core, make_core
from rahdari.methods.diversity_cut import Search, Task
from rahdari.methods.diversity_flow import best_flow
from rahdari.methods.diversity_result import (
    Cure,
    Disjoint,
    Measure,
    Route,
    Shared,
    end_groups,
    routes_of,
    shared_things,
)
from rahdari.methods.diversity_round import Rounding
from rahdari.methods.geo import great_circle_km
from rahdari.methods.graph import parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rahdari.methods.network import Network

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

NODE_RATE_PER_YEAR = 0.05  # assumed: a whole node is lost once in twenty years (fire, flood, power)
WAY_OVER_CROW = 1.3  # length of a new link over the great circle, as the slack of plain ways; mountains take more
_SWAPS_MAX = 8  # stretches between shared nodes whose every exchange is tried; beyond, one after another
_PART = 1e-3  # a weight this near to its bound is least; the search for the least lets costs weigh so little
_TRIED_MAX = 2_000  # cheapest candidates of the great circle that are looked at
_ROWS_AT_ONCE = 256  # nodes whose distances to all others are held at once


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way on which a link could be built: its ends, cost in any one unit, length, km, and its groups."""

    candidate_id: str
    from_node_id: str
    to_node_id: str
    cost: float
    length_km: float = 0.0
    group_id: tuple[str, ...] = ()


def group_lists(
    network: Network, disjoint: Disjoint, ends: tuple[str, str], exempt: frozenset[str] = frozenset()
) -> list[IntArray]:
    """Return the links of each group that routes must not share; empty for exempt ones and those that hold an end."""
    if disjoint != "risk":
        return []
    at_end = {*end_groups(network, ends), *exempt}
    none = np.zeros(0, np.int64)
    return [none if name in at_end else network.risks.links_of(i) for i, name in enumerate(network.risks.group_id)]


def _weights(network: Network, disjoint: Disjoint, measure: Measure) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what sharing each link, node and group weighs."""
    is_count = measure == "count"
    link = np.ones(network.n_links) if is_count else network.link_rate_per_year
    node = np.full(network.n_nodes, 1.0 if is_count else NODE_RATE_PER_YEAR)
    group = np.ones(len(network.risks.group_id)) if is_count else network.risks.rate_per_year
    return link, (node if disjoint != "link" else 0.0 * node), (group if disjoint == "risk" else 0.0 * group)


def least_shared(
    network: Network,
    ends: tuple[int, int],
    disjoint: Disjoint,
    *,
    measure: Measure,
    cost: FloatArray,
    deadline: float,
) -> Shared | None:
    """Return the least that two routes must share, or ``None`` where nothing joins the ends or time is over.

    The bound: whatever two routes share, each thing not shared may fail and one of them is left.  Where the stretches
    between shared nodes cannot be combined so, each route is followed by itself.  The weight is that of the routes.
    """
    names = network.node_id[ends[0]], network.node_id[ends[1]]
    link, node, group = _weights(network, disjoint, measure)
    core = make_core(
        network.link_node, cost=cost, delay=cost, weight=link, node_weight=node,
        groups=group_lists(network, disjoint, names), ends=ends, is_strict=False,
    )  # fmt: skip
    if core is None:
        return None
    share = np.concatenate([core.weight, node[core.node], group[core.group]])
    best: Shared | None = None
    for is_labelled in (False, True):
        task = Task(2, disjoint != "link", share=share, is_labelled=is_labelled)
        found = Search(core, task, deadline).run()
        if not found.ways:
            break
        allowed = np.full(share.size, math.inf)
        allowed[found.shared] = allowed[share == 0.0] = 0.0
        again = Search(core, replace(task, share=allowed), deadline).run()
        stretches = _of_core(core, again.ways or found.ways)
        routes = exchanged(network, stretches, ends, disjoint=disjoint, measure=measure, cost=cost)
        floor = max(_whole(max(0.0, found.bound), measure), best.lower_bound if best else 0.0)
        made = named_shared(network, routes, disjoint, measure, floor)
        best = replace(made if best is None or made.weight < best.weight else best, lower_bound=min(made.weight, floor))
        if best.weight <= best.lower_bound + _PART * best.weight:
            break
    return best


def named_shared(
    network: Network, routes: tuple[Route, ...], disjoint: Disjoint, measure: Measure, floor: float
) -> Shared:
    """Return what routes share, by name; ``floor`` bounds the weight of any."""
    things = shared_things(network, routes, (routes[0].node_id[0], routes[0].node_id[-1]))
    links, nodes, groups = things
    nodes, groups = nodes if disjoint != "link" else set(), groups if disjoint == "risk" else set()
    weight = _weight_of(network, things, disjoint, measure)
    number = {name: i for i, name in enumerate(network.risks.group_id)}
    return Shared(
        measure, weight, min(weight, floor), routes,
        tuple(sorted(groups)), tuple(network.risks.name[number[name]] for name in sorted(groups)),
        tuple(sorted(links)), tuple(sorted(nodes)),
    )  # fmt: skip


def _whole(bound: float, measure: Measure) -> float:
    """Return the bound, a whole number where things are counted."""
    return float(math.ceil(bound - 1e-3)) if measure == "count" else bound


def _weight_of(
    network: Network, shared: tuple[set[str], set[str], set[str]], disjoint: Disjoint, measure: Measure
) -> float:
    """Return the weight of what is shared, each thing once."""
    total = 0.0
    names = (network.link_id, network.node_id, network.risks.group_id)
    for own, weight, known in zip(shared, _weights(network, disjoint, measure), names, strict=True):
        number = {name: i for i, name in enumerate(known)} if own else {}
        total += float(sum(weight[number[name]] for name in sorted(own)))
    return total


def expanded(core: Core, way: IntArray) -> list[int]:
    """Return the links of the network along the arcs of a core."""
    links: list[int] = []
    for arc in way.tolist():
        part = core.parts[arc >> 1]
        links += part if arc % 2 == 0 else part[::-1]
    return links


def _of_core(core: Core, ways: tuple[IntArray, ...]) -> list[list[list[int]]]:
    """Return for each of two ways its stretches, as links, between the nodes that both pass in the same order."""
    head = core.link_node[:, ::-1].reshape(-1)
    nodes = [head[way].tolist() for way in ways]
    common = [node for node in nodes[0] if node in set(nodes[1])]
    if [node for node in nodes[1] if node in set(common)] != common:
        common = [core.b]
    return [[expanded(core, way[i:j]) for i, j in _between(own, common)] for way, own in zip(ways, nodes, strict=True)]


def exchanged(
    network: Network,
    stretches: list[list[list[int]]],
    ends: tuple[int, int],
    *,
    disjoint: Disjoint,
    measure: Measure,
    cost: FloatArray,
) -> tuple[Route, ...]:
    """Return two routes made of stretches (side, part, links), exchanged part by part so that they share least."""
    names = network.node_id[ends[0]], network.node_id[ends[1]]
    n_parts = len(stretches[0])

    def made(swap: Sequence[int]) -> tuple[Route, ...]:
        both = [[link for part, at in enumerate(swap) for link in stretches[side ^ at][part]] for side in (0, 1)]
        return routes_of(network, both, ends[0], cost)

    def weight(swap: Sequence[int]) -> float:
        return _weight_of(network, shared_things(network, made(swap), names), disjoint, measure)

    free = [part for part in range(1, n_parts) if stretches[0][part] != stretches[1][part]]
    swap = [0] * n_parts
    best = weight(swap)
    if len(free) <= _SWAPS_MAX:
        for choice in product((0, 1), repeat=len(free)):
            other = [0] * n_parts
            for part, at in zip(free, choice, strict=True):
                other[part] = at
            other_weight = weight(other) if any(choice) else best
            if other_weight < best:
                swap, best = other, other_weight
        return made(swap)
    for part in free:
        other = [*swap[:part], 1, *swap[part + 1 :]]
        other_weight = weight(other)
        if other_weight < best:
            swap, best = other, other_weight
    return made(swap)


def _between(nodes: list[int], common: list[int]) -> list[tuple[int, int]]:
    """Return the steps of a way that end at each common node."""
    at = [nodes.index(node) + 1 for node in common]
    return list(zip([0, *at[:-1]], at, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """What separates two ends when it fails alone: ``lost`` are the links each takes, in order links, nodes, groups.

    ``way`` are the links of one way between the ends, in order; it meets all of them.
    """

    lost: tuple[IntArray, ...]
    link: IntArray
    node: IntArray
    group: IntArray
    way: tuple[int, ...]


def single_points(network: Network, ends: tuple[int, int], disjoint: Disjoint) -> Points:
    """Return what separates the ends when it fails alone; groups that hold an end itself are left out."""
    a, b = ends
    names = network.node_id[a], network.node_id[b]
    rows, n = network.rows, network.n_nodes
    things = [np.array([link]) for link in range(network.n_links)]
    if disjoint != "link":
        at = [rows.arc[rows.first[v] : rows.first[v + 1]].astype(np.int64) >> 1 for v in range(n)]
        things += [np.zeros(0, np.int64) if v in ends else np.sort(at[v]) for v in range(n)]
    things += group_lists(network, disjoint, names)
    # Only what lies on one given way can separate the ends.
    via = np.empty(n, np.int64)
    shortest(
        rows.first, rows.neighbour, rows.arc, network.link_cost, np.zeros(network.n_links, np.bool_),
        np.zeros(n, np.bool_), a, b, via,
    )  # fmt: skip
    is_on = np.zeros(network.n_links, np.bool_)
    way, at_node = [], b
    while at_node != a and via[at_node] >= 0:
        way.append(int(via[at_node] >> 1))
        at_node = int(rows.tail[via[at_node]])
    is_on[way] = True
    near = [i for i, thing in enumerate(things) if is_on[thing].any()]
    first = np.concatenate([[0], np.cumsum([things[i].size for i in near])]).astype(np.int64)
    flat = np.concatenate([*(things[i] for i in near), np.zeros(0, np.int64)]).astype(np.int64)
    splits = np.zeros(len(near), np.bool_)
    separating(rows.first, rows.neighbour, rows.arc, first, flat, a, b, splits)
    found = np.array(near, np.int64)[splits]
    n_links, n_nodes = network.n_links, n if disjoint != "link" else 0
    return Points(
        tuple(things[i] for i in found.tolist()),
        found[found < n_links],
        found[(found >= n_links) & (found < n_links + n_nodes)] - n_links,
        found[found >= n_links + n_nodes] - n_links - n_nodes,
        tuple(way[::-1]),
    )


def _sides(network: Network, ends: tuple[int, int], points: tuple[IntArray, ...]) -> NDArray[np.int8]:
    """Return (points, n): 1 where a node keeps its way to the first end without the point, 2 to the second, else 0."""
    side = np.zeros((len(points), network.n_nodes), np.int8)
    for row, links in enumerate(points):
        kept = np.ones(network.n_links, np.bool_)
        kept[links] = False
        label = parts(network.n_nodes, network.link_node[kept])
        side[row, label == label[ends[0]]] = 1
        side[row, label == label[ends[1]]] = 2
    return side


def _cures_points(side: NDArray[np.int8]) -> tuple[IntArray, BoolArray]:
    """Return the class of each node, and which pairs of classes a link may join so that no point separates the ends."""
    if not side.shape[0]:
        return np.zeros(side.shape[1], np.int64), np.ones((1, 1), np.bool_)
    classes, of = np.unique(side, axis=1, return_inverse=True)
    ones, twos = (classes == 1).astype(np.int64), (classes == 2).astype(np.int64)  # noqa: PLR2004 - the second end
    joins = ones.T @ twos + twos.T @ ones
    return of.reshape(-1).astype(np.int64), joins == side.shape[0]


def _near_pairs(network: Network, of: IntArray, may: BoolArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the nearest pairs of nodes that may be joined and their great circles, km, the nearest first."""
    lon, lat = network.node_lon_deg, network.node_lat_deg
    assert lon is not None and lat is not None  # noqa: S101, PT018 - the caller has looked
    first, second, away = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    for begin in range(0, network.n_nodes, _ROWS_AT_ONCE):
        u = np.arange(begin, min(begin + _ROWS_AT_ONCE, network.n_nodes))
        rows, columns = np.nonzero(may[of[u]][:, of])
        keep = u[rows] < columns
        one, two = u[rows[keep]], columns[keep]
        km = great_circle_km(lon[one], lat[one], lon[two], lat[two])
        first, second, away = np.append(first, one), np.append(second, two), np.append(away, km)
        if away.size > _TRIED_MAX:
            order = np.lexsort((second, first, away))
            order = order[:_TRIED_MAX]
            first, second, away = first[order], second[order], away[order]
    order = np.lexsort((second, first, away))
    return first[order], second[order], away[order]


def cheapest_cure(
    network: Network,
    a: str,
    b: str,
    disjoint: Disjoint = "link",
    *,
    candidates: Sequence[Candidate] | None = None,
    way_over_crow: float = WAY_OVER_CROW,
    time_limit_s: float = 30.0,
) -> Cure | None:
    """Return the cheapest single new link after which two disjoint routes exist.

    ``None`` where no link would do, none of the 2,000 shortest, or none was found in time.

    Without ``candidates`` any two nodes may be joined, at the great circle times ``way_over_crow`` km, and the new link
    is in no group: check the way that is then found.  Links that leave a single point of failure are passed over by a
    connectivity test, the others tried in order of cost.  Raises :class:`InputError` for unknown names or no places.
    """
    ends, deadline = (network.node(a), network.node(b)), time.monotonic() + time_limit_s
    points = single_points(network, ends, disjoint)
    label = parts(network.n_nodes, network.link_node)
    if label[ends[0]] != label[ends[1]]:
        return None
    of, may = _cures_points(_sides(network, ends, points.lost))
    if candidates is not None:
        return _of_candidates(network, ends, disjoint, candidates=candidates, test=(of, may), deadline=deadline)
    if network.node_lon_deg is None or network.node_lat_deg is None:
        raise InputError(Problem("the nodes have no places", "give longitudes and latitudes, or candidate ways"))
    first, second, away = _near_pairs(network, of, may)
    note = "great circle times a stated factor; the new link is taken to be in no risk group"
    for tried, (u, v, km) in enumerate(zip(first.tolist(), second.tolist(), away.tolist(), strict=True)):
        if time.monotonic() > deadline:
            return None
        if _is_cured(network, ends, disjoint, (u, v), groups=(), deadline=deadline):
            cost = km * way_over_crow
            return Cure(network.node_id[u], network.node_id[v], cost, cost, cost, True, tried + 1, None, note)
    return None


def _of_candidates(
    network: Network,
    ends: tuple[int, int],
    disjoint: Disjoint,
    *,
    candidates: Sequence[Candidate],
    test: tuple[IntArray, BoolArray],
    deadline: float,
) -> Cure | None:
    """Return the cheapest candidate that cures, tried in order of cost."""
    known = set(network.node_id)
    raise_if_any(
        [
            Problem(f"candidate {each.candidate_id!r} ends at {end!r}, which is no node", "name nodes of the network")
            for each in candidates
            for end in (each.from_node_id, each.to_node_id)
            if end not in known
        ]
    )
    of, may = test
    number = {name: i for i, name in enumerate(network.risks.group_id)}
    for tried, each in enumerate(sorted(candidates, key=lambda each: (each.cost, each.candidate_id))):
        u, v = network.node(each.from_node_id), network.node(each.to_node_id)
        groups = tuple(number[name] for name in each.group_id if name in number)
        if may[of[u], of[v]] and _is_cured(network, ends, disjoint, (u, v), groups=groups, deadline=deadline):
            return Cure(
                each.from_node_id, each.to_node_id, each.cost, each.length_km, each.cost, True, tried + 1,
                each.candidate_id, "cheapest of the candidate ways given",
            )  # fmt: skip
    return None


def _is_cured(
    network: Network,
    ends: tuple[int, int],
    disjoint: Disjoint,
    link: tuple[int, int],
    *,
    groups: tuple[int, ...],
    deadline: float,
) -> bool:
    """Return whether two disjoint routes exist once a link is built."""
    if disjoint != "risk":
        return True
    names = network.node_id[ends[0]], network.node_id[ends[1]]
    pairs = np.concatenate([network.link_node, [link]]).astype(np.int64)
    lists = group_lists(network, disjoint, names)
    lists = [np.append(own, network.n_links) if i in groups else own for i, own in enumerate(lists)]
    cost, zero = np.append(network.link_cost, 0.0), np.zeros(pairs.shape[0])
    core = make_core(
        pairs, cost=cost, delay=zero, weight=zero, node_weight=np.zeros(network.n_nodes), groups=lists, ends=ends,
        is_strict=True,
    )  # fmt: skip
    if core is None:
        return False
    plain = best_flow(core.rows, core.link_node, core.cost, (core.a, core.b), 2, by_node=True)
    if not plain.ways or Rounding(core, 2, math.inf, by_node=True).start(plain.ways):
        return bool(plain.ways)
    return bool(Search(core, Task(2, by_node=True, is_enough=True), deadline).run().ways)
