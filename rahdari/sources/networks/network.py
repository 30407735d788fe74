"""A network as a file gives it: the planning instance, and what else the file says of its nodes and links."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rahdari.errors import Problem

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Modules = list[tuple[float, float]]

NO_MODULES: Modules = []


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """An :class:`Instance` with names, drawn routes and owners; nodes, links and demands are sorted by id.

    In ``instance``, coordinates are WGS 84 degrees, NaN at a node without a place and ``None`` where no node has one;
    a length is 0 where neither the file nor coordinates give one; the unit cost of a link is cost over capacity of
    its first module, else what the file states, else its length, else 1 (``cost_basis`` says which).
    ``node_name`` (n,), ``link_name``, ``link_status``, ``link_medium`` and ``link_operator`` (m,) are ``None`` where
    unknown; ``link_route`` holds (k, 2) longitudes and latitudes from a link's first node to its second, or ``None``;
    ``link_count`` (m,) counts the parallel links that the file has in a link's place.
    """

    instance: Instance
    format: str
    cost_basis: str
    node_name: tuple[str | None, ...]
    link_name: tuple[str | None, ...]
    link_route: tuple[FloatArray | None, ...]
    link_count: IntArray
    link_status: tuple[str | None, ...]
    link_medium: tuple[str | None, ...]
    link_operator: tuple[str | None, ...]
    node_row: IntArray
    link_row: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class NetworkRead:
    """What reading a file gave: a network, or problems and no network; ``warnings`` are plain sentences."""

    format: str | None
    network: Network | None
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class DraftNode:
    """One node as it stands in the file; ``row`` counts as the format's reader says."""

    row: int
    node_id: str
    lon_deg: float = np.nan
    lat_deg: float = np.nan
    name: str | None = None


@dataclass(slots=True)
class DraftLink:
    """One link as it stands in the file; lengths and costs that are not stated are ``None``."""

    row: int
    link_id: str
    ends: tuple[str, str]
    length_km: float | None = None
    unit_cost: float | None = None
    installed: float = 0.0
    modules: Modules = field(default_factory=list)
    route: FloatArray | None = None
    count: int = 1
    name: str | None = None
    status: str | None = None
    medium: str | None = None
    operator: str | None = None


@dataclass(slots=True)
class DraftDemand:
    """One demand as it stands in the file."""

    row: int
    demand_id: str
    ends: tuple[str, str]
    value: float


@dataclass(slots=True)
class Draft:
    """All rows of a file before they are checked, in its order.

    ``places`` are the names that a fault gives as column for nodes, links and demands.
    """

    format: str
    name: str
    nodes: list[DraftNode] = field(default_factory=list)
    links: list[DraftLink] = field(default_factory=list)
    demands: list[DraftDemand] = field(default_factory=list)
    places: tuple[str, str, str] = ("nodes", "links", "demands")


def drawn_km(route: FloatArray) -> float:
    """Return the length of a drawn line (k, 2) in degrees, km, along great circles."""
    from rahdari.methods.geo import great_circle_km

    return float(great_circle_km(route[:-1, 0], route[:-1, 1], route[1:, 0], route[1:, 1]).sum())


def direct_km(draft: Draft) -> FloatArray:
    """Return the great circle between the two nodes of each link (m,), km; NaN where a node has no place."""
    from rahdari.methods.geo import great_circle_km

    place = {node.node_id: (node.lon_deg, node.lat_deg) for node in draft.nodes}
    nowhere = (np.nan, np.nan)
    ends = np.array(
        [(*place.get(link.ends[0], nowhere), *place.get(link.ends[1], nowhere)) for link in draft.links],
        dtype=np.float64,
    ).reshape(-1, 4)
    return great_circle_km(ends[:, 0], ends[:, 1], ends[:, 2], ends[:, 3])


def network_of(draft: Draft) -> Network:
    """Return the network of a draft that has passed all checks."""
    direct = dict(zip((link.link_id for link in draft.links), direct_km(draft).tolist(), strict=True))
    nodes = sorted(draft.nodes, key=lambda node: node.node_id)
    links = sorted(draft.links, key=lambda link: link.link_id)
    number = {node.node_id: i for i, node in enumerate(nodes)}
    lon = np.array([node.lon_deg for node in nodes], dtype=np.float64)
    lat = np.array([node.lat_deg for node in nodes], dtype=np.float64)
    is_placed = bool(np.isfinite(lon).any())
    length = np.array([_length_km(link, direct[link.link_id]) for link in links], dtype=np.float64)
    cost, basis = _unit_costs(links, length)
    demands = sorted(draft.demands, key=lambda demand: demand.demand_id)
    instance = Instance(
        node_id=tuple(node.node_id for node in nodes),
        node_lon_deg=lon if is_placed else None,
        node_lat_deg=lat if is_placed else None,
        link_id=tuple(link.link_id for link in links),
        link_node=_ends([link.ends for link in links], number),
        link_unit_cost=cost,
        link_installed=np.array([link.installed for link in links], dtype=np.float64),
        link_module_capacity=tuple(np.array([m[0] for m in link.modules], dtype=np.float64) for link in links),
        link_module_cost=tuple(np.array([m[1] for m in link.modules], dtype=np.float64) for link in links),
        link_length_km=length,
        demand_id=tuple(demand.demand_id for demand in demands),
        demand_node=_ends([demand.ends for demand in demands], number),
        demand_value=np.array([demand.value for demand in demands], dtype=np.float64),
        name=draft.name,
    )
    return Network(
        instance=instance,
        format=draft.format,
        cost_basis=basis,
        node_name=tuple(node.name for node in nodes),
        link_name=tuple(link.name for link in links),
        link_route=tuple(link.route for link in links),
        link_count=np.array([link.count for link in links], dtype=np.int64),
        link_status=tuple(link.status for link in links),
        link_medium=tuple(link.medium for link in links),
        link_operator=tuple(link.operator for link in links),
        node_row=np.array([node.row for node in nodes], dtype=np.int64),
        link_row=np.array([link.row for link in links], dtype=np.int64),
    )


def bare_network(instance: Instance) -> Network:
    """Return a network that knows no more than its instance, for writing."""
    n_nodes, n_links = len(instance.node_id), len(instance.link_id)
    nothing: tuple[None, ...] = (None,) * n_links
    return Network(
        instance=instance,
        format="instance",
        cost_basis="stated",
        node_name=(None,) * n_nodes,
        link_name=nothing,
        link_route=nothing,
        link_count=np.ones(n_links, dtype=np.int64),
        link_status=nothing,
        link_medium=nothing,
        link_operator=nothing,
        node_row=np.arange(1, n_nodes + 1, dtype=np.int64),
        link_row=np.arange(1, n_links + 1, dtype=np.int64),
    )


def renamed(network: Network, name: str) -> Network:
    """Return the network under another name."""
    return replace(network, instance=replace(network.instance, name=name))


def _ends(ends: Sequence[tuple[str, str]], number: dict[str, int]) -> IntArray:
    """Return node numbers (k, 2)."""
    return np.array([(number[a], number[b]) for a, b in ends], dtype=np.int64).reshape(-1, 2)


def _length_km(link: DraftLink, direct: float) -> float:
    """Return a link's length: stated, else as drawn, else straight, else 0."""
    if link.length_km is not None:
        return link.length_km
    if link.route is not None:
        return max(drawn_km(link.route), direct if np.isfinite(direct) else 0.0)
    return direct if np.isfinite(direct) else 0.0


def _unit_costs(links: Sequence[DraftLink], length: FloatArray) -> tuple[FloatArray, str]:
    """Return the cost of a unit of capacity of each link, and in a word what it is made from."""
    cost = np.ones(len(links), dtype=np.float64)
    used = set()
    is_measured = bool(len(links)) and bool((length > 0).all())
    for i, link in enumerate(links):
        if link.modules:
            capacity, price = link.modules[0]
            cost[i], basis = price / capacity, "first module"
        elif link.unit_cost is not None:
            cost[i], basis = link.unit_cost, "stated"
        elif is_measured:
            cost[i], basis = length[i], "length"
        else:
            basis = "one a link"
        used.add(basis)
    return cost, " and ".join(sorted(used)) or "one a link"
