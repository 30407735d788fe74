"""A network of nodes, links and risk groups as arrays, checked and in identifier order.

Diversity and reliability are asked of this type, whatever tables or files it came from.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.availability import repairable_availability_frac
from rahdari.methods.graph import Rows, compressed_rows
from rahdari.methods.instance import HoldsInstance, Instance
from rahdari.units import FIBRE_DELAY_MS_PER_KM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import polars as pl
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

CUTS_PER_KM_YEAR = 0.0027  # textbook prior, 4.39 cuts a year on 1,000 sheath-miles; override with operator tickets
CUT_REPAIR_H = 12.0  # same textbook
_SHOWN = 20  # problems of one kind listed one by one; the rest are counted


@dataclass(frozen=True, slots=True, eq=False)
class RiskGroups:
    """Groups of links and nodes that fail together, in identifier order.

    ``rate_per_year`` and ``repair_h`` are (g,).  Group ``i`` holds the links ``link[link_first[i]:link_first[i + 1]]``,
    sorted, those at its member nodes included, and the nodes in ``node`` likewise.
    """

    group_id: tuple[str, ...]
    name: tuple[str, ...]
    kind: tuple[str, ...]
    rate_per_year: FloatArray
    repair_h: FloatArray
    link_first: IntArray
    link: IntArray
    node_first: IntArray
    node: IntArray

    @property
    def unavailability_frac(self) -> FloatArray:
        """Return (g,) long-run shares of time in which each group is down."""
        return 1.0 - repairable_availability_frac(self.rate_per_year, self.repair_h)

    def links_of(self, group: int) -> IntArray:
        """Return the links of one group."""
        return self.link[self.link_first[group] : self.link_first[group + 1]]

    def nodes_of(self, group: int) -> IntArray:
        """Return the member nodes of one group."""
        return self.node[self.node_first[group] : self.node_first[group + 1]]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """An undirected network, nodes and links in identifier order; made by :func:`make_network`.

    ``link_node`` (m, 2) holds node numbers; ``link_km``, ``link_cost`` and ``link_delay_ms`` (one way) are (m,).
    ``link_availability_frac`` (m,) and ``node_availability_frac`` (n,) count what fails alone, risk groups apart.
    ``link_rate_per_year`` (m,) weighs a shared link.  Longitudes and latitudes (n,) are ``None`` where unknown.
    """

    node_id: tuple[str, ...]
    link_id: tuple[str, ...]
    link_node: IntArray
    link_km: FloatArray
    link_cost: FloatArray
    link_delay_ms: FloatArray
    link_rate_per_year: FloatArray
    link_availability_frac: FloatArray
    node_availability_frac: FloatArray
    node_lon_deg: FloatArray | None
    node_lat_deg: FloatArray | None
    risks: RiskGroups
    rows: Rows = field(repr=False)

    @property
    def n_nodes(self) -> int:
        """Return the number of nodes."""
        return len(self.node_id)

    @property
    def n_links(self) -> int:
        """Return the number of links."""
        return len(self.link_id)

    def node(self, node_id: str) -> int:
        """Return the number of a node; raises :class:`InputError` where it is unknown."""
        place = bisect_left(self.node_id, node_id)
        if place >= self.n_nodes or self.node_id[place] != node_id:
            near = ", ".join(self.node_id[max(0, place - 2) : place + 3])
            raise InputError(Problem(f"node {node_id!r} is unknown", f"name a node of the network, such as {near}"))
        return place


AnyNetwork = Network | Instance | HoldsInstance


def _names(table: Sequence[str], what: str) -> list[Problem]:
    """Return a problem for each identifier that occurs twice."""
    twice = sorted(name for name, count in Counter(table).items() if count > 1)
    return [
        Problem(f"{what} {name!r} occurs more than once", "give each its own identifier") for name in twice[:_SHOWN]
    ]


def _numbers(name: str, value: FloatArray, ids: Sequence[str], low: float, high: float) -> list[Problem]:
    """Return a problem for each value that is not finite or out of its range."""
    bad = np.flatnonzero(~((value >= low) & (value <= high) & np.isfinite(value)))
    return [
        Problem(
            f"{name} of {ids[i]!r} is {value[i]:g}", f"give a number from {low:g} to {high:g}", row=i + 1, column=name
        )
        for i in bad[:_SHOWN].tolist()
    ]


def _filled(value: ArrayLike | None, default: ArrayLike, size: int) -> FloatArray:
    """Return ``value`` as (size,) float64, or the default."""
    return np.broadcast_to(np.asarray(default if value is None else value, np.float64), (size,)).copy()


def no_risks() -> RiskGroups:
    """Return no groups at all."""
    empty, first = np.zeros(0, np.int64), np.zeros(1, np.int64)
    return RiskGroups((), (), (), np.zeros(0), np.zeros(0), first, empty, first, empty)


def make_network(
    node_id: Sequence[str],
    link_id: Sequence[str],
    ends: Sequence[tuple[str, str]],
    link_km: ArrayLike,
    *,
    link_cost: ArrayLike | None = None,
    link_delay_ms: ArrayLike | None = None,
    link_rate_per_year: ArrayLike | None = None,
    link_repair_h: ArrayLike | None = None,
    link_availability_frac: ArrayLike | None = None,
    node_availability_frac: ArrayLike | None = None,
    node_lon_deg: ArrayLike | None = None,
    node_lat_deg: ArrayLike | None = None,
    risk_groups: pl.DataFrame | None = None,
    risk_group_members: pl.DataFrame | None = None,
) -> Network:
    """Return a checked network in identifier order; per-link arguments are (m,) or one number, per-node (n,).

    Defaults: cost is the length, delay that of light in the fibre, the rate of cuts the textbook's, availability what
    rate and repair make of it, nodes never fail.  Groups come as the tables ``risk_groups`` and ``risk_group_members``;
    members that are neither link nor node here are left out.  Raises :class:`InputError` with every problem.

    >>> net = make_network(["b", "a"], ["x"], [("b", "a")], [10.0])
    >>> net.node_id, net.link_node.tolist(), net.link_cost.tolist()
    (('a', 'b'), [[1, 0]], [10.0])
    """
    n, m = len(node_id), len(link_id)
    node_order = np.array(sorted(range(n), key=lambda i: node_id[i]), np.int64)
    link_order = np.array(sorted(range(m), key=lambda i: link_id[i]), np.int64)
    nodes, links = tuple(node_id[i] for i in node_order), tuple(link_id[i] for i in link_order)
    number = {name: i for i, name in enumerate(nodes)}
    problems = _names(node_id, "node") + _names(link_id, "link")
    dangling = [(i, end) for i, pair in enumerate(ends) for end in pair if end not in number]
    problems += [
        Problem(f"link {link_id[i]!r} ends at {end!r}, which is no node", "add the node or mend the end", row=i + 1)
        for i, end in dangling[:_SHOWN]
    ]
    km = _filled(link_km, 0.0, m)
    rate = _filled(link_rate_per_year, km * CUTS_PER_KM_YEAR, m)
    repair_h = _filled(link_repair_h, CUT_REPAIR_H, m)
    cost, delay = _filled(link_cost, km, m), _filled(link_delay_ms, km * FIBRE_DELAY_MS_PER_KM, m)
    up = _filled(link_availability_frac, repairable_availability_frac(np.maximum(rate, 0.0), repair_h), m)
    node_up = _filled(node_availability_frac, 1.0, n)
    most = float(np.finfo(np.float64).max)
    for name, value, ids, high in (
        ("link_km", km, link_id, most), ("link_cost", cost, link_id, most), ("link_delay_ms", delay, link_id, most),
        ("link_rate_per_year", rate, link_id, most), ("link_repair_h", repair_h, link_id, most),
        ("link_availability_frac", up, link_id, 1.0), ("node_availability_frac", node_up, node_id, 1.0),
    ):  # fmt: skip
        problems += _numbers(name, value, ids, 0.0, high)
    raise_if_any(problems)
    pairs = np.array([[number[a], number[b]] for a, b in ends], np.int64).reshape(m, 2)[link_order]
    place = [None if at is None else np.asarray(at, np.float64)[node_order] for at in (node_lon_deg, node_lat_deg)]
    return Network(
        nodes, links, pairs, km[link_order], cost[link_order], delay[link_order], rate[link_order], up[link_order],
        node_up[node_order], place[0], place[1],
        _risks(number, {name: i for i, name in enumerate(links)}, pairs, risk_groups, risk_group_members),
        compressed_rows(n, pairs),
    )  # fmt: skip


def _risks(
    node: Mapping[str, int],
    link: Mapping[str, int],
    pairs: IntArray,
    groups: pl.DataFrame | None,
    members: pl.DataFrame | None,
) -> RiskGroups:
    """Return the groups with at least one link or node of the network."""
    if groups is None or members is None:
        return no_risks()
    at: dict[int, list[int]] = {}
    for i, (a, b) in enumerate(pairs.tolist()):
        at.setdefault(a, []).append(i)
        at.setdefault(b, []).append(i)
    held: dict[str, tuple[set[int], set[int]]] = {}
    for group, member in members.select("risk_group_id", "member_id").iter_rows():
        if member in link:
            held.setdefault(group, (set(), set()))[0].add(link[member])
        if member in node:
            own = held.setdefault(group, (set(), set()))
            own[1].add(node[member])
            own[0].update(at.get(node[member], ()))
    kept = [row for row in groups.sort("risk_group_id").iter_rows(named=True) if row["risk_group_id"] in held]
    lists = [held[row["risk_group_id"]] for row in kept]
    first = [np.concatenate([[0], np.cumsum([len(own[i]) for own in lists])]).astype(np.int64) for i in (0, 1)]
    flat = [np.array([x for own in lists for x in sorted(own[i])], np.int64) for i in (0, 1)]
    return RiskGroups(
        tuple(row["risk_group_id"] for row in kept),
        tuple(row["name"] for row in kept),
        tuple(row["kind"] for row in kept),
        np.array([row["rate_per_year"] for row in kept], np.float64),
        np.array([row["repair_h"] for row in kept], np.float64),
        first[0], flat[0], first[1], flat[1],
    )  # fmt: skip


def _kept_members(first: IntArray, flat: IntArray, kept: IntArray, n_groups: int) -> tuple[IntArray, IntArray]:
    """Return the group of each member that is kept, and its number among the kept, which are sorted."""
    owner = np.repeat(np.arange(n_groups), np.diff(first))
    place = np.searchsorted(kept, flat)
    is_kept = np.isin(flat, kept)
    return owner[is_kept], place[is_kept].astype(np.int64)


def part_of(network: Network, link_id: Collection[str]) -> Network:
    """Return the network with the given links and their nodes only; groups keep the members that are left.

    >>> net = make_network("abc", ["ab", "bc"], [("a", "b"), ("b", "c")], [1.0, 2.0])
    >>> part_of(net, {"bc"}).node_id
    ('b', 'c')
    """
    wanted = set(link_id)
    links = np.array([i for i, name in enumerate(network.link_id) if name in wanted], np.int64)
    nodes = np.unique(network.link_node[links])
    risks = network.risks
    n_groups = len(risks.group_id)
    held = [
        _kept_members(*part, n_groups)
        for part in ((risks.link_first, risks.link, links), (risks.node_first, risks.node, nodes))
    ]
    sizes = [np.bincount(owner, minlength=n_groups) for owner, _ in held]
    left = np.flatnonzero(sizes[0] + sizes[1]).tolist()
    firsts = [np.concatenate([[0], np.cumsum(size[left])]).astype(np.int64) for size in sizes]
    flats = [member for _, member in held]
    pairs = np.searchsorted(nodes, network.link_node[links]).astype(np.int64)
    return Network(
        tuple(network.node_id[v] for v in nodes.tolist()), tuple(network.link_id[i] for i in links.tolist()), pairs,
        network.link_km[links], network.link_cost[links], network.link_delay_ms[links],
        network.link_rate_per_year[links], network.link_availability_frac[links], network.node_availability_frac[nodes],
        None if network.node_lon_deg is None else network.node_lon_deg[nodes],
        None if network.node_lat_deg is None else network.node_lat_deg[nodes],
        RiskGroups(
            tuple(risks.group_id[i] for i in left), tuple(risks.name[i] for i in left),
            tuple(risks.kind[i] for i in left), risks.rate_per_year[left], risks.repair_h[left],
            firsts[0], flats[0], firsts[1], flats[1],
        ),
        compressed_rows(nodes.size, pairs),
    )  # fmt: skip


def network_of_links(
    links: pl.DataFrame,
    nodes: pl.DataFrame | None = None,
    risk_groups: pl.DataFrame | None = None,
    risk_group_members: pl.DataFrame | None = None,
    *,
    link_key: str = "link_id",
    node_key: str = "row_node_id",
    length: str = "length_km",
    slack: str | None = None,
) -> Network:
    """Return the network of a table of links or of rights of way (``link_key="row_id"``, ``slack="slack_ratio"``).

    ``links`` holds the key, ``from_node_id``, ``to_node_id`` and the length, km, times the slack where one is named.
    ``nodes`` gives places; ends it does not list are nodes without a place, so then no node has one.
    """
    ends = list(zip(links["from_node_id"].to_list(), links["to_node_id"].to_list(), strict=True))
    used = sorted({end for pair in ends for end in pair})
    lon = lat = None
    if nodes is not None:
        place = {row[0]: row[1:] for row in nodes.select(node_key, "lon_deg", "lat_deg").iter_rows()}
        if all(name in place for name in used):
            used = sorted(set(used) | set(place))
            lon, lat = [place[name][0] for name in used], [place[name][1] for name in used]
    km = links[length].to_numpy().astype(np.float64)
    if slack is not None:
        km = km * links[slack].to_numpy()
    return make_network(
        used, links[link_key].to_list(), ends, km, node_lon_deg=lon, node_lat_deg=lat,
        risk_groups=risk_groups, risk_group_members=risk_group_members,
    )  # fmt: skip


def network_of_instance(instance: Instance, link_availability_frac: ArrayLike | None = None) -> Network:
    """Return the network of a capacity-planning instance; cost is that of one unit of capacity.

    Where the instance knows the places of some nodes only, no node has one.
    """
    ends = [(instance.node_id[a], instance.node_id[b]) for a, b in instance.link_node.tolist()]
    lon, lat = instance.node_lon_deg, instance.node_lat_deg
    if lon is None or lat is None or not (np.isfinite(lon) & np.isfinite(lat)).all():
        lon = lat = None
    return make_network(
        instance.node_id, instance.link_id, ends, instance.link_length_km, link_cost=instance.link_unit_cost,
        link_availability_frac=link_availability_frac, node_lon_deg=lon, node_lat_deg=lat,
    )  # fmt: skip


def as_network(given: AnyNetwork) -> Network:
    """Return a network as it is, else that of an instance or of what a network file gave.

    Raises :class:`InputError` for anything else.
    """
    if isinstance(given, Network):
        return given
    inner = getattr(given, "instance", given)
    if not isinstance(inner, Instance):
        what = f"a {type(given).__name__} is no network"
        raise InputError(Problem(what, "give what make_network, read_network or read_sndlib returns"))
    return network_of_instance(inner)
