"""Routes that do not fail together: link-, node- and risk-disjoint, with a delay bound and a proof either way.

Link- and node-disjoint routes are flows and found exactly in milliseconds (Suurballe 1974; Bhandari 1999; all targets
at once: Suurballe and Tarjan 1984).  Risk-disjoint ones (shared-risk link groups) are NP-hard in general (Bermond and
Coudert, hal-00733869); here a linear programme with cuts over the part of the network that can matter gives bound and
answer together.  Risk-disjoint routes also share no node, node-disjoint ones no link, so that each costs at least as
much as the one before.  Cut sets and shared risks are sensitive: results hold them but do not print them.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, get_args

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.disjoint import separating
from rahdari.kernels.rooted import read_pair, rooted_pairs
from rahdari.methods.diversity_core import Core, make_core
from rahdari.methods.diversity_flow import Flow, best_flow, cut_of, delay_bounded, fast_enough
from rahdari.methods.diversity_result import (
    Cure,
    Disjoint,
    DisjointRoutes,
    Measure,
    Objective,
    Obstacle,
    Route,
    Shared,
    end_groups,
    route_of,
    routes_of,
    shared_things,
)
from rahdari.methods.diversity_round import Rounding
from rahdari.methods.diversity_shared import (
    Candidate,
    Points,
    cheapest_cure,
    exchanged,
    expanded,
    group_lists,
    least_shared,
    named_shared,
    single_points,
)
from rahdari.methods.graph import compressed_rows
from rahdari.methods.network import as_network
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rahdari.methods.network import AnyNetwork, Network

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = [
    "Candidate", "Cure", "Disjoint", "DisjointRoutes", "Obstacle", "PairsFrom", "Route", "Shared", "cheapest_cure",
    "disjoint_pairs_from", "disjoint_routes", "shared_things",
]  # fmt: skip
_MET = 1e-9  # relative slack of a delay bound, so that rounding breaks none
_WAYS_MAX = 64  # routes that can be asked for at once
PLAIN = "augmenting ways; dual bound of node potentials"
BOUNDED = "branch and cut; multiplier on delays"
RISKY = "branch and cut over risk cuts"


@dataclass(frozen=True, slots=True)
class _Question:
    """A checked question: end nodes, what counts, (m,) cost and one-way delay, ms, and the bounds."""

    network: Network
    ends: tuple[int, int]
    disjoint: Disjoint
    k: int
    objective: Objective
    cost: FloatArray
    max_delay_ms: float
    deadline: float
    exempt: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, str]:
        """Return the ends by name."""
        return self.network.node_id[self.ends[0]], self.network.node_id[self.ends[1]]

    def lists(self) -> list[IntArray]:
        """Return the links of each group that must not be shared."""
        return group_lists(self.network, self.disjoint, self.names, self.exempt)

    @property
    def by_node(self) -> bool:
        """Return whether nodes must not be shared."""
        return self.disjoint != "link"


def _asked(
    network: Network,
    a: str,
    b: str,
    *,
    disjoint: Disjoint,
    k: int,
    max_rtt_ms: float | None,
    objective: Objective,
    time_limit_s: float,
) -> _Question:
    problems = []
    if disjoint not in get_args(Disjoint):
        problems.append(Problem(f"disjoint is {disjoint!r}", "give link, node or risk"))
    if objective not in get_args(Objective):
        problems.append(Problem(f"objective is {objective!r}", "give cost or delay"))
    if not 1 <= k <= _WAYS_MAX:
        problems.append(Problem(f"k is {k}", f"ask for 1 to {_WAYS_MAX} routes"))
    if max_rtt_ms is not None and not max_rtt_ms > 0.0:
        problems.append(Problem(f"max_rtt_ms is {max_rtt_ms:g}", "give a positive bound, ms"))
    for name in (a, b):
        try:
            network.node(name)
        except InputError as error:
            problems += error.problems
    if a == b:
        problems.append(Problem(f"both ends are {a!r}", "name two different nodes"))
    raise_if_any(problems)
    rtt_ms = 2.0 * network.link_delay_ms
    return _Question(
        network, (network.node(a), network.node(b)), disjoint, k, objective,
        network.link_cost if objective == "cost" else rtt_ms,
        math.inf if max_rtt_ms is None else 0.5 * max_rtt_ms * (1.0 + _MET),
        time.monotonic() + time_limit_s,
    )  # fmt: skip


def disjoint_routes(  # noqa: PLR0917 - the order of the arguments is published
    network: AnyNetwork,
    a: str,
    b: str,
    disjoint: Disjoint = "link",
    k: int = 2,
    max_rtt_ms: float | None = None,
    *,
    objective: Objective = "cost",
    measure: Measure = "rate",
    candidates: Sequence[Candidate] | None = None,
    time_limit_s: float = 30.0,
    is_explained: bool = True,
) -> DisjointRoutes:
    """Return the cheapest (or, ``objective="delay"``, fastest) ``k`` disjoint routes from ``a`` to ``b``, with proof.

    The total over all routes is least; each route's round-trip floor is at most ``max_rtt_ms``.  Where there are none
    the answer says why (:class:`Obstacle`) and, for two routes without a delay bound and unless ``is_explained``
    is off, the least they must share by ``measure`` and the cheapest new link that would cure it (among ``candidates``,
    else between any two nodes that have places).  ``time_limit_s`` bounds the hard searches; a certificate with a gap
    is then given, or none.  ``network`` may also be what ``read_network`` or ``read_sndlib`` returns; the cost of a
    link is then that of a unit of capacity.  Raises :class:`InputError` with every problem.

    >>> from rahdari.methods.network import make_network
    >>> ring = make_network("abc", ["ab", "bc", "ca"], [("a", "b"), ("b", "c"), ("c", "a")], [1.0, 2.0, 4.0])
    >>> [route.link_id for route in disjoint_routes(ring, "a", "c").routes]
    [('ab', 'bc'), ('ca',)]
    """
    network = as_network(network)
    question = _asked(
        network, a, b, disjoint=disjoint, k=k, max_rtt_ms=max_rtt_ms, objective=objective, time_limit_s=time_limit_s
    )
    rows, pairs = network.rows, network.link_node
    flow = best_flow(rows, pairs, question.cost, question.ends, k, by_node=question.by_node)
    if flow.n_ways < k:
        answer = _none(question, _flow_obstacle(question, flow))
    else:
        obstacle = _point_obstacle(question, flow)
        answer = _none(question, obstacle) if obstacle else _found(question, flow)
    if not (answer.is_proven_none and is_explained and k == 2 and max_rtt_ms is None):  # noqa: PLR2004 - a pair
        return answer
    return _explained(question, answer, measure, candidates)


def _explained(
    question: _Question, answer: DisjointRoutes, measure: Measure, candidates: Sequence[Candidate] | None
) -> DisjointRoutes:
    """Add the least shared and the cure."""
    network, left_s = question.network, max(1.0, question.deadline - time.monotonic())
    shared = _beside(question, measure)
    if shared is None:
        shared = least_shared(
            network, question.ends, question.disjoint, measure=measure, cost=question.cost,
            deadline=time.monotonic() + left_s,
        )  # fmt: skip
    cure = None
    if candidates is not None or network.node_lon_deg is not None:
        cure = cheapest_cure(network, *question.names, question.disjoint, candidates=candidates, time_limit_s=left_s)
    return replace(answer, shared=shared, cure=cure)


def _beside(question: _Question, measure: Measure) -> Shared | None:
    """Return routes that share only what separates the ends by itself, or ``None`` where that was not found.

    Every route meets each such link, node and group, so no two share less.  Between those links and nodes the parts of
    the network are solved one by one.
    """
    network = question.network
    points = single_points(network, question.ends, question.disjoint)
    exempt = frozenset(network.risks.group_id[i] for i in points.group.tolist())
    forced = set(points.link.tolist())
    stops = _stops(question, points)
    stretches: list[list[list[int]]] = [[], []]
    for (start, _), (end, link) in pairwise(stops):
        part = [[link], [link]] if link in forced else _between_stops(question, (start, end), exempt)
        if part is None:
            return None
        for side in (0, 1):
            stretches[side].append(part[side])
    routes = exchanged(
        network, stretches, question.ends, disjoint=question.disjoint, measure=measure, cost=question.cost
    )
    shared = named_shared(network, routes, question.disjoint, measure, math.inf)
    is_least = (
        set(shared.group_id) == exempt
        and set(shared.link_id) == {network.link_id[i] for i in points.link.tolist()}
        and set(shared.node_id) == {network.node_id[i] for i in points.node.tolist()}
    )
    return shared if is_least else None


def _stops(question: _Question, points: Points) -> list[tuple[int, int]]:
    """Return the nodes that all routes pass, in order, the ends included, each with the link of the way into it."""
    network, at = question.network, question.ends[0]
    met = {*points.node.tolist(), question.ends[1]}
    if not question.by_node:
        met |= set(network.link_node[points.link].reshape(-1).tolist())
    stops = [(at, -1)]
    for link in points.way:
        u, v = network.link_node[link].tolist()
        at = v if at == u else u
        if at in met:
            stops.append((at, link))
    return stops


def _between_stops(question: _Question, ends: tuple[int, int], exempt: frozenset[str]) -> list[list[int]] | None:
    """Return two routes between two stops, as links, that share no group but exempt ones, or ``None``."""
    network = question.network
    flow = best_flow(network.rows, network.link_node, question.cost, ends, 2, by_node=question.by_node)
    if not flow.ways:
        return None
    number = {name: i for i, name in enumerate(network.link_id)}
    routes = _found(replace(question, ends=ends, exempt=exempt), flow).routes
    return [[number[name] for name in route.link_id] for route in routes] or None


def _at_ends(question: _Question) -> tuple[str, ...]:
    return end_groups(question.network, question.names) if question.disjoint == "risk" else ()


def _none(question: _Question, obstacle: Obstacle) -> DisjointRoutes:
    return DisjointRoutes(
        question.disjoint,
        question.k,
        (),
        None,
        None,
        None,
        True,
        obstacle,
        end_group_id=_at_ends(question),
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _flow_obstacle(question: _Question, flow: Flow) -> Obstacle:
    """Return the cut that leaves too few disjoint ways."""
    if flow.n_ways == 0:
        return Obstacle("no_way", "nothing joins the two ends", 0)
    network = question.network
    links, nodes = cut_of(network.link_node, flow, question.ends, by_node=question.by_node)
    named = [_counted(size, what) for size, what in ((links.size, "link"), (nodes.size, "node")) if size]
    verb = "separates" if links.size + nodes.size == 1 else "separate"
    text = f"{' and '.join(named)} {verb} the ends; {question.k} routes need {question.k}"
    return Obstacle(
        "cut", text, flow.n_ways,
        tuple(network.link_id[i] for i in links.tolist()), tuple(network.node_id[i] for i in nodes.tolist()),
    )  # fmt: skip


def _point_obstacle(question: _Question, flow: Flow) -> Obstacle | None:
    """Return the groups that each separate the ends, or ``None``."""
    if question.disjoint != "risk" or question.k == 1:
        return None
    used = [set((way >> 1).tolist()) for way in flow.ways]
    lists = question.lists()
    # Only groups that strike every one of these ways can separate the ends.
    near = [i for i, own in enumerate(lists) if all(not way.isdisjoint(own.tolist()) for way in used)]
    first = np.concatenate([[0], np.cumsum([lists[i].size for i in near])]).astype(np.int64)
    splits, rows = np.zeros(len(near), np.bool_), question.network.rows
    flat = np.concatenate([*(lists[i] for i in near), np.zeros(0, np.int64)]).astype(np.int64)
    separating(rows.first, rows.neighbour, rows.arc, first, flat, *question.ends, splits)
    groups = np.array(near, np.int64)[splits]
    if not groups.size:
        return None
    names = tuple(question.network.risks.group_id[i] for i in groups.tolist())
    verb = "separates the ends" if groups.size == 1 else "separate the ends, each"
    return Obstacle("group", f"{_counted(groups.size, 'risk group')} {verb} by itself", 1, group_id=names)


def _routes(question: _Question, ways: Sequence[Sequence[int]], bound: float, method: str) -> DisjointRoutes:
    """Return the answer with its certificate."""
    routes = routes_of(question.network, ways, question.ends[0], question.cost)
    total = float(sum(route.cost for route in routes))
    bound = min(bound, total)
    certificate = Certificate(
        f"{question.k} {question.disjoint}-disjoint routes", total, bound,
        "cost" if question.objective == "cost" else "ms", method,
    )  # fmt: skip
    return DisjointRoutes(
        question.disjoint,
        question.k,
        routes,
        total,
        bound,
        certificate,
        False,
        end_group_id=_at_ends(question),
    )


def _is_answer(question: _Question, ways: Sequence[Sequence[int]]) -> bool:
    """Return whether links in order are routes as asked: fast enough and without a common group."""
    network = question.network
    if any(network.link_delay_ms[list(way)].sum() > question.max_delay_ms for way in ways):
        return False
    if question.disjoint != "risk":
        return True
    routes = [route_of(network, way, question.ends[0], question.cost) for way in ways]
    return shared_things(network, routes, question.names)[2] <= question.exempt


def _found(question: _Question, flow: Flow) -> DisjointRoutes:
    """Return the routes from the plain flow where it is an answer, else from the search."""
    plain = [(way >> 1).tolist() for way in flow.ways]
    if _is_answer(question, plain):
        return _routes(question, plain, flow.bound, PLAIN)
    network = question.network
    usable = np.arange(network.n_links)
    bound, method = flow.bound, RISKY
    offered: list[list[list[int]]] = []
    if math.isfinite(question.max_delay_ms):
        method = BOUNDED
        usable = fast_enough(
            network.rows, network.link_node, network.link_delay_ms, question.ends, question.max_delay_ms
        )
        pairs = network.link_node[usable]
        bounded = delay_bounded(
            compressed_rows(network.n_nodes, pairs), pairs, cost=question.cost[usable],
            delay=network.link_delay_ms[usable], ends=question.ends, n_ways=question.k,
            max_delay=question.max_delay_ms, by_node=question.by_node,
        )  # fmt: skip
        if bounded.is_impossible:
            return _none(question, Obstacle("delay", "even the fastest disjoint routes are too slow together", 0))
        bound = max(bound, bounded.bound)
        ways = [usable[way >> 1].tolist() for way in bounded.ways]
        if ways and _is_answer(question, ways):
            if bound >= bounded.cost * (1.0 - _MET):
                return _routes(question, ways, bound, method)
            offered.append(ways)
    return _searched(question, usable, bound, method, offered)


def _core_of(question: _Question, usable: IntArray) -> Core | None:
    """Return what of the usable links can matter, its parts in numbers of the network."""
    network = question.network
    place = np.full(network.n_links, -1, np.int64)
    place[usable] = np.arange(usable.size)
    lists = [place[own][place[own] >= 0] for own in question.lists()]
    core = make_core(
        network.link_node[usable], cost=question.cost[usable], delay=network.link_delay_ms[usable],
        weight=np.zeros(usable.size), node_weight=np.zeros(network.n_nodes), groups=lists, ends=question.ends,
        is_strict=question.by_node,
    )  # fmt: skip
    if core is None:
        return None
    return replace(core, parts=tuple(tuple(usable[list(part)].tolist()) for part in core.parts))


def _searched(
    question: _Question, usable: IntArray, bound: float, method: str, offered: list[list[list[int]]]
) -> DisjointRoutes:
    """Return the answer of branch and cut over the usable links."""
    from rahdari.methods.diversity_cut import Search, Task

    core = _core_of(question, usable)
    if core is None:
        return _none(question, Obstacle("delay", "no way is fast enough", 0))
    plain = best_flow(core.rows, core.link_node, core.cost, (core.a, core.b), question.k, by_node=question.by_node)
    start = Rounding(core, question.k, question.max_delay_ms, by_node=question.by_node).start(plain.ways)
    if start:
        offered = [*offered, [expanded(core, way) for way in start]]
    best, ways = min(
        ((float(sum(question.cost[way].sum() for way in each)), each) for each in offered), default=(math.inf, [])
    )
    if ways:
        # Links on no better ways go, by the reduced costs of the plain flow.
        extra = plain.extra_cost(core.link_node, core.cost, by_node=question.by_node)
        kept = np.flatnonzero(plain.bound + extra <= best * (1.0 + _MET))
        usable = np.array(sorted(link for run in kept.tolist() for link in core.parts[run]), np.int64)
        core = _core_of(question, usable) or core
    task = Task(question.k, question.by_node, question.max_delay_ms)
    found = Search(core, task, question.deadline, best).run()
    if found.ways:
        ways = [expanded(core, way) for way in found.ways]
    if ways:
        return _routes(question, ways, max(bound, found.bound), method)
    if not found.is_finished:
        return DisjointRoutes(
            question.disjoint,
            question.k,
            (),
            None,
            bound,
            None,
            False,
            end_group_id=_at_ends(question),
        )
    if found.n_nodes > 1:
        text = f"every one of {found.n_nodes} branches is impossible"
        return _none(question, Obstacle("search", text, question.k - 1))
    text = "flow, capacities and cuts contradict each other"
    return _none(question, Obstacle("linear_program", text, question.k - 1))


@dataclass(frozen=True, slots=True, eq=False)
class PairsFrom:
    """The cheapest disjoint pair from one node to every other; ``cost`` (n,) is infinite where there is none."""

    network: Network
    source: str
    disjoint: Disjoint
    cost: FloatArray
    _tail: IntArray
    _link: IntArray
    _parent: IntArray
    _enter: IntArray
    _because: IntArray

    def routes(self, target: str) -> tuple[Route, ...]:
        """Return the pair to one node, the cheaper route first; empty where there is none."""
        b = self.network.node(target)
        if not np.isfinite(self.cost[b]) or target == self.source:
            return ()
        a = self.network.node(self.source)
        start = a if self.disjoint == "link" else a + self.network.n_nodes
        arcs = np.empty(2 * self._parent.size + 1, np.int64)
        length = read_pair(self._tail, self._parent, self._enter, self._because, start, b, arcs)
        end = int(np.flatnonzero(arcs == -1)[0]) if (arcs == -1).any() else arcs.size
        ways = []
        for part in (arcs[:length], arcs[length:end]):
            links = self._link[part[::-1]]
            ways.append(links[links >= 0].tolist())
        return routes_of(self.network, ways, a, self.network.link_cost)


def disjoint_pairs_from(network: AnyNetwork, a: str, disjoint: Disjoint = "link") -> PairsFrom:
    """Return the cheapest link- or node-disjoint pair from ``a`` to every node, in one computation.

    Time grows as links times the logarithm of nodes, times a logarithm more where trees split evenly.
    Raises :class:`InputError` for ``risk`` and unknown nodes.
    """
    if disjoint not in ("link", "node"):
        raise InputError(Problem(f"disjoint is {disjoint!r}", "give link or node; risk pairs are searched one by one"))
    network = as_network(network)
    source, n = network.node(a), network.n_nodes
    tail, head = network.link_node.reshape(-1), network.link_node[:, ::-1].reshape(-1)
    link, cost = np.repeat(np.arange(network.n_links), 2), np.repeat(network.link_cost, 2)
    n_states, start = n, source
    if disjoint == "node":
        # Entries 0..n-1, exits n..2n-1; an arc of cost zero passes each node once.
        inner = np.arange(n, dtype=np.int64)
        tail, head = np.concatenate([tail + n, inner]), np.concatenate([head, inner + n])
        link, cost = np.concatenate([link, np.full(n, -1)]), np.concatenate([cost, np.zeros(n)])
        n_states, start = 2 * n, source + n
    rows = []
    for key in (tail, head):
        first = np.zeros(n_states + 1, np.int64)
        np.cumsum(np.bincount(key, minlength=n_states), out=first[1:])
        rows += [first, np.argsort(key, kind="stable").astype(np.int64)]
    dist, extra = np.empty(n_states), np.empty(n_states)
    parent, enter, because = (np.empty(n_states, np.int64) for _ in range(3))
    tail, head = np.ascontiguousarray(tail), np.ascontiguousarray(head)
    rooted_pairs(rows[0], rows[1], rows[2], rows[3], tail, head, cost, start, dist, parent, extra, enter, because)
    total = (2.0 * dist + extra)[:n]
    total[source] = 0.0
    return PairsFrom(network, a, disjoint, total, tail, link, parent, enter, because)
