"""What the search for disjoint routes answers: routes, proof, what must be shared, what would cure it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rahdari.methods.network import Network
    from rahdari.model.certificate import Certificate

    IntArray = NDArray[np.int64]

Disjoint = Literal["link", "node", "risk"]
Objective = Literal["cost", "delay"]
Measure = Literal["count", "rate"]


@dataclass(frozen=True, slots=True)
class Route:
    """One route: its nodes and links in order, its cost, its length, km, and its round-trip floor, ms."""

    node_id: tuple[str, ...]
    link_id: tuple[str, ...]
    cost: float
    length_km: float
    rtt_ms: float


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why there are no such routes, in a form that anyone can check.

    ``kind``: ``no_way`` (nothing joins the ends), ``cut`` (the links and nodes named, fewer than the routes asked,
    separate the ends), ``group`` (each group named separates the ends when it fails), ``delay`` (even the fastest
    disjoint routes together are slower than the bound allows), ``linear_program`` (flow, capacities and valid cuts
    contradict each other), ``search`` (every branch does).  The names stay out of printed form: they are sensitive.
    """

    kind: Literal["no_way", "cut", "group", "delay", "linear_program", "search"]
    text: str
    n_ways_most: int
    link_id: tuple[str, ...] = field(default=(), repr=False)
    node_id: tuple[str, ...] = field(default=(), repr=False)
    group_id: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Shared:
    """The least that two routes must share, by name, and its proven lower bound.

    ``weight`` is the number of things shared (``count``) or their failures a year together (``rate``).  The routes are
    the cheapest that share no more.  The names stay out of printed form: they are sensitive.
    """

    measure: Measure
    weight: float
    lower_bound: float
    routes: tuple[Route, ...] = field(repr=False)
    group_id: tuple[str, ...] = field(default=(), repr=False)
    group_name: tuple[str, ...] = field(default=(), repr=False)
    link_id: tuple[str, ...] = field(default=(), repr=False)
    node_id: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Cure:
    """The cheapest single new link that makes disjoint routes possible.

    ``is_proven``: every cheaper candidate was shown not to.  ``lower_bound`` holds for every candidate.
    """

    from_node_id: str
    to_node_id: str
    cost: float
    length_km: float
    lower_bound: float
    is_proven: bool
    n_tried: int
    candidate_id: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class DisjointRoutes:
    """The answer of :func:`rahdari.methods.diversity.disjoint_routes`.

    ``routes``: the routes asked for, the cheapest first; empty where none exist or none were found in time
    (``is_proven_none`` tells).  ``lower_bound`` holds for the total of any such routes.  ``obstacle``, ``shared`` and
    ``cure`` are there where none exist.  ``end_group_id``: groups that hold an end itself, which no route avoids.
    """

    disjoint: Disjoint
    n_asked: int
    routes: tuple[Route, ...]
    cost: float | None
    lower_bound: float | None
    certificate: Certificate | None
    is_proven_none: bool
    obstacle: Obstacle | None = None
    shared: Shared | None = None
    cure: Cure | None = None
    end_group_id: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_disjoint(self) -> bool:
        """Return whether there are routes, which then are as disjoint as asked."""
        return bool(self.routes)

    @property
    def gap_frac(self) -> float | None:
        """Return how far the routes may be from the cheapest, as a share of their total."""
        return self.certificate.gap_frac if self.certificate else None


def route_of(network: Network, links: Sequence[int], a: int, cost: NDArray[np.float64]) -> Route:
    """Return the route along links in order from node ``a``; ``cost`` (m,) by link."""
    nodes, at = [a], a
    for link in links:
        u, v = network.link_node[link].tolist()
        at = v if at == u else u
        nodes.append(at)
    index = np.array(links, np.int64)
    return Route(
        tuple(network.node_id[node] for node in nodes),
        tuple(network.link_id[link] for link in links),
        float(cost[index].sum()),
        float(network.link_km[index].sum()),
        2.0 * float(network.link_delay_ms[index].sum()),
    )


def routes_of(network: Network, ways: Sequence[Sequence[int]], a: int, cost: NDArray[np.float64]) -> tuple[Route, ...]:
    """Return the routes along lists of links, the cheapest first."""
    found = [route_of(network, links, a, cost) for links in ways]
    return tuple(sorted(found, key=lambda route: (route.cost, route.link_id)))


def shared_things(
    network: Network, routes: Sequence[Route], ends: tuple[str, str]
) -> tuple[set[str], set[str], set[str]]:
    """Return the links, the nodes besides the ends, and the groups that two or more routes share.

    Groups that hold an end itself are left out: no route avoids them.
    """
    at_end = set(end_groups(network, ends))
    group_of: list[list[str]] = [[] for _ in network.link_id]
    for group, name in enumerate(network.risks.group_id):
        for link in network.risks.links_of(group).tolist() if name not in at_end else ():
            group_of[link].append(name)
    number = {name: i for i, name in enumerate(network.link_id)}
    parts: list[tuple[set[str], set[str], set[str]]] = [
        (
            set(route.link_id),
            set(route.node_id) - set(ends),
            {group for link in route.link_id for group in group_of[number[link]]},
        )
        for route in routes
    ]
    shared: tuple[set[str], set[str], set[str]] = (set(), set(), set())
    for i, first in enumerate(parts):
        for second in parts[i + 1 :]:
            for kind in range(3):
                shared[kind].update(first[kind] & second[kind])
    return shared


def end_groups(network: Network, ends: tuple[str, str]) -> tuple[str, ...]:
    """Return the groups that have one of the two nodes as a member."""
    risks = network.risks
    at = {network.node(end) for end in ends}
    return tuple(name for i, name in enumerate(risks.group_id) if at & set(risks.nodes_of(i).tolist()))
