"""Routing and spectrum assignment on a flexible grid, with a proven number of slots below which nothing fits.

Each demand needs neighbouring slots, the same on every link of its route (no conversion).  Routes come from rounds of
congestion prices, slots from first fit in an order that moves the demands at the spectrum's top forward (squeaky-wheel
optimisation, Joslin and Clements, Journal of Artificial Intelligence Research 10, 1999).  The bounds are: the dual of
the fractional routing with least congestion, which holds for any routes; the makespan bound of the links around a node
(Graham); and, where routes are given, loads and cliques of demands that meet pairwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from rahdari.errors import Problem, raise_if_any
from rahdari.kernels.spectrum import first_fit
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Routes = Sequence[Sequence[Sequence[int]]]

SLOT_GHZ = 12.5  # ITU-T G.694.1: widths are multiples of this
LP_COLUMNS_MAX = 60_000  # sources times arcs up to which the linear programme is solved; prices bound beyond
PRICE_FLOOR = 1e-9  # of the mean: an arc without price would be no arc to the shortest-path routine
SHAKE = 0.3  # share of the list; 0.2 to 0.5 leave gaps of some per cent on mixed widths of SNDlib networks
GOLDEN = 0.6180339887498949  # golden section: its multiples fill the unit interval most evenly
ROUNDING = 1e-6  # bounds are rounded up to whole slots less this share


@dataclass(frozen=True, slots=True, eq=False)
class SpectrumPlan:
    """Where every demand lies: its links in order, its lowest slot and its width in slots.

    ``certificate`` states the slots used in the fullest link, counted from the band's low edge, and their bound.
    """

    route: tuple[IntArray, ...]
    first_slot: IntArray
    width: IntArray
    n_slots_used: int
    certificate: Certificate

    def beyond(self, n_slots: int) -> IntArray:
        """Return the demands that a band of ``n_slots`` slots does not hold."""
        return np.flatnonzero(self.first_slot + self.width > n_slots)


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Links and demands as checked arrays."""

    n_nodes: int
    link_node: IntArray
    link_length_km: FloatArray
    demand_node: IntArray
    width: IntArray


def slots_for(spacing_ghz: float) -> int:
    """Return the slots that a channel of a spacing takes.

    >>> slots_for(75.0), slots_for(87.5), slots_for(50.1)
    (6, 7, 5)
    """
    return math.ceil(spacing_ghz / SLOT_GHZ - ROUNDING)


def _mesh(
    n_nodes: int, link_node: IntArray, link_length_km: FloatArray, demand_node: IntArray, width: IntArray
) -> Mesh:
    """Return the arrays in their types, or raise with all that is wrong; rows count from 1."""
    ends, pairs = np.asarray(link_node, np.int64).reshape(-1, 2), np.asarray(demand_node, np.int64).reshape(-1, 2)
    length, widths = np.asarray(link_length_km, np.float64), np.asarray(width, np.int64)
    problems = []
    for name, table in (("link", ends), ("demand", pairs)):
        is_wrong = (table < 0).any(axis=1) | (table >= n_nodes).any(axis=1) | (table[:, 0] == table[:, 1])
        problems += [
            Problem(f"{name} joins nodes {table[row].tolist()}", f"join two of the {n_nodes} nodes", row=row + 1)
            for row in np.flatnonzero(is_wrong).tolist()
        ]
    problems += [
        Problem(f"demand asks for {widths[row]} slots", "ask for one at least", row=row + 1)
        for row in np.flatnonzero(widths < 1).tolist()
    ]
    problems += [
        Problem(f"link is {length[row]} km long", "give a length above zero", row=row + 1)
        for row in np.flatnonzero(~(np.isfinite(length) & (length > 0.0))).tolist()
    ]
    raise_if_any(problems)
    return Mesh(n_nodes, ends, length, pairs, widths)


class _Prices:
    """Shortest ways at given link prices, between all sources of demands and all nodes."""

    def __init__(self, mesh: Mesh) -> None:
        """Order the links by node pair once; parallel links compete at each pricing."""
        self.mesh = mesh
        low, high = mesh.link_node.min(axis=1), mesh.link_node.max(axis=1)
        self._pair = low * mesh.n_nodes + high
        self._source, self._place = np.unique(mesh.demand_node[:, 0], return_inverse=True)

    def ways(self, price: FloatArray) -> tuple[FloatArray, tuple[IntArray, ...]]:
        """Return the price of the cheapest way of each demand (d,) and its links; infinite and empty where none."""
        mesh = self.mesh
        order = np.lexsort((np.arange(price.size), price, self._pair))
        pair, first = np.unique(self._pair[order], return_index=True)
        cheapest = order[first]
        low, high = pair // mesh.n_nodes, pair % mesh.n_nodes
        graph = csr_array((price[cheapest], (low, high)), shape=(mesh.n_nodes, mesh.n_nodes))
        distance, before = dijkstra(graph, directed=False, indices=self._source, return_predecessors=True)
        link_of = dict(zip(pair.tolist(), cheapest.tolist(), strict=True))
        found = []
        for number, (_, target) in enumerate(mesh.demand_node.tolist()):
            back, node, links = before[self._place[number]].tolist(), target, []
            while back[node] >= 0:
                links.append(link_of[min(node, back[node]) * mesh.n_nodes + max(node, back[node])])
                node = back[node]
            found.append(np.array(links[::-1], np.int64))
        return distance[self._place, mesh.demand_node[:, 1]], tuple(found)


def _loads(routes: Sequence[IntArray], width: IntArray, n_links: int) -> IntArray:
    """Return the slots that routes put on each link."""
    load = np.zeros(n_links, np.int64)
    for links, slots in zip(routes, width.tolist(), strict=True):
        load[links] += slots
    return load


def _priced_bound(prices: _Prices, price: FloatArray) -> float:
    """Return the least possible load of the fullest link, by duality: any prices give a bound.

    Every demand pays at least its cheapest way, and all pay at most the fullest load times the sum of prices.
    """
    lifted = np.maximum(price, price.mean() * PRICE_FLOOR)
    return float((prices.ways(lifted)[0] * prices.mesh.width).sum() / lifted.sum())


def _candidates(prices: _Prices, n_rounds: int, stretch_max_ratio: float) -> tuple[list[list[IntArray]], float]:
    """Return distinct routes of each demand, shortest first, from rounds of prices, and the best bound on the way.

    After each round a link's price grows by its load over the greatest (multiplicative weights).
    """
    mesh = prices.mesh
    shortest_km, routes = prices.ways(mesh.link_length_km)
    cure = "join its ends by links"
    raise_if_any(
        [
            Problem(f"demand between nodes {mesh.demand_node[row].tolist()} has no way", cure, row=row + 1)
            for row in np.flatnonzero(~np.isfinite(shortest_km)).tolist()
        ]
    )
    found = [[links] for links in routes]
    seen = [{tuple(links.tolist())} for links in routes]
    price, bound = mesh.link_length_km / mesh.link_length_km.mean(), 0.0
    for _ in range(n_rounds):
        load = _loads(routes, mesh.width, price.size)
        price = price * (1.0 + load / load.max())
        paid, routes = prices.ways(price)
        bound = max(bound, float((paid * mesh.width).sum() / price.sum()))
        for number, links in enumerate(routes):
            key = tuple(links.tolist())
            if key not in seen[number]:
                seen[number].add(key)
                if mesh.link_length_km[links].sum() <= stretch_max_ratio * shortest_km[number]:
                    found[number].append(links)
    return found, bound


def _congestion_prices(mesh: Mesh) -> FloatArray | None:
    """Return link prices of the least-congestion fractional routing, or ``None`` where it is too large to solve.

    Commodities are gathered by source; flows run both ways of a link and share its load.
    """
    n_links, n = mesh.link_node.shape[0], mesh.n_nodes
    sources, place = np.unique(mesh.demand_node[:, 0], return_inverse=True)
    n_flows = 2 * n_links * sources.size
    if n_flows > LP_COLUMNS_MAX:
        return None
    flow = np.arange(n_flows)
    commodity, arc = flow // (2 * n_links), flow % (2 * n_links)
    ends = np.concatenate([mesh.link_node, mesh.link_node[:, ::-1]])[arc]
    rows = np.concatenate([commodity * n + ends[:, 0], commodity * n + ends[:, 1]])
    signs = np.concatenate([np.ones(n_flows), -np.ones(n_flows)])
    balance = coo_array((signs, (rows, np.tile(flow, 2))), shape=(sources.size * n, n_flows + 1)).tocsr()
    given = np.zeros((sources.size, n))
    np.add.at(given, (place, mesh.demand_node[:, 0]), mesh.width)
    np.add.at(given, (place, mesh.demand_node[:, 1]), -mesh.width)
    load_rows, load_columns = np.append(arc % n_links, np.arange(n_links)), np.append(flow, np.full(n_links, n_flows))
    values = np.append(np.ones(n_flows), -np.ones(n_links))
    loads = coo_array((values, (load_rows, load_columns)), shape=(n_links, n_flows + 1)).tocsr()
    cost = np.zeros(n_flows + 1)
    cost[-1] = 1.0
    solve: Any = optimize.linprog  # its stubs know dense matrices only
    solved = solve(cost, loads, np.zeros(n_links), balance, given.ravel(), method="highs")
    return np.abs(solved.ineqlin.marginals) if solved.status == 0 else None


def makespan_bound(width: IntArray, n_links: int) -> int:
    """Return the least height to which blocks stack on ``n_links`` places, by counting (Graham).

    Of the k n + 1 largest, some place holds k + 1, which are at least as high as the k + 1 smallest of them.

    >>> makespan_bound(np.array([3, 3, 3]), 2)
    6
    """
    if width.size == 0:
        return 0
    falling = np.sort(width)[::-1]
    bound = max(math.ceil(int(width.sum()) / n_links), int(falling[0]))
    for k in range(1, (width.size - 1) // n_links + 1):
        last = k * n_links
        bound = max(bound, int(falling[last - k : last + 1].sum()))
    return bound


def _node_bound(mesh: Mesh) -> int:
    """Return the greatest makespan bound over nodes: all demands of a node end on the links around it."""
    degree = np.bincount(mesh.link_node.ravel(), minlength=mesh.n_nodes)
    bound = 0
    for node in np.unique(mesh.demand_node).tolist():
        ends_here = (mesh.demand_node == node).any(axis=1)
        bound = max(bound, makespan_bound(mesh.width[ends_here], int(degree[node])))
    return bound


def clique_bound(routes: Sequence[IntArray], width: IntArray, n_links: int) -> int:
    """Return the slots of a heavy set of demands that share links pairwise, for fixed routes; at least every load.

    From each demand, the widest that meets all chosen so far joins; ties go to the lower number.
    """
    on = np.zeros((len(routes), n_links), np.int32)
    for number, links in enumerate(routes):
        on[number, links] = 1
    meets = (on @ on.T) > 0
    by_width = np.lexsort((np.arange(width.size), -width))
    best = int(_loads(routes, width, n_links).max(initial=0))
    for start in by_width.tolist():
        can, total = meets[start].copy(), int(width[start])
        can[start] = False
        for number in by_width.tolist():
            if can[number]:
                total += int(width[number])
                can &= meets[number]
                can[number] = False
        best = max(best, total)
    return best


def _whole(bound: int, width: IntArray) -> int:
    """Return the bound raised to a multiple of what divides all widths.

    Moving every demand down to a multiple of the divisor keeps all apart, so the least number is a multiple too.
    """
    divisor = int(np.gcd.reduce(width))
    return -(-bound // divisor) * divisor


def _assign(mesh: Mesh, routes: Sequence[Sequence[IntArray]], bound: int, n_rounds: int) -> tuple[IntArray, IntArray]:
    """Return the chosen route's place and the first slot of each demand in the best of the rounds."""
    flat = [links for one in routes for links in one]
    route_start = np.concatenate([[0], np.cumsum([len(one) for one in routes])]).astype(np.int64)
    link_start = np.concatenate([[0], np.cumsum([links.size for links in flat])]).astype(np.int64)
    link = np.concatenate(flat).astype(np.int64)
    hops = np.array([one[0].size for one in routes])
    rank = np.lexsort((np.arange(mesh.width.size), -mesh.width * hops, -mesh.width)).astype(np.float64)
    blame = np.empty(mesh.width.size)
    blame[rank.astype(np.int64)] = np.arange(mesh.width.size, dtype=np.float64)
    taken = np.zeros((mesh.link_node.shape[0], 2 * bound + int(mesh.width.max())), np.bool_)
    best_used, best = int(np.iinfo(np.int64).max), (np.empty(0, np.int64), np.empty(0, np.int64))
    number = np.arange(blame.size)
    for turn in range(n_rounds):
        # Every other order is shaken a little, always the same way, so that rounds do not run in a circle.
        shake = blame.size * SHAKE * (turn % 2) * np.modf(GOLDEN * (turn + 1) * (number + 1))[0]
        order = np.lexsort((number, blame + shake)).astype(np.int64)
        chosen, first = np.empty(blame.size, np.int64), np.empty(blame.size, np.int64)
        used = -1
        while used < 0:
            used = int(first_fit(order, mesh.width, route_start, link_start, link, taken, chosen, first))
            if used < 0:
                taken = np.zeros((taken.shape[0], 2 * taken.shape[1]), np.bool_)
        if used < best_used:
            best_used, best = used, (chosen - route_start[:-1], first)
        if best_used <= bound:
            break
        blame = np.empty(blame.size)
        blame[order] = np.arange(blame.size, dtype=np.float64)
        top = first + mesh.width > max(bound, used - int(mesh.width.max()))
        blame[top] -= 0.5 * (blame.size + 1)  # half the list and a half forward: those at the top choose earlier
    return best


def assign_spectrum(
    n_nodes: int,
    link_node: IntArray,
    link_length_km: FloatArray,
    demand_node: IntArray,
    width: IntArray,
    *,
    routes: Routes | None = None,
    n_prices: int = 12,
    stretch_max_ratio: float = 2.0,
    n_rounds: int = 200,
) -> SpectrumPlan:
    """Return routes and slots for all demands that use few slots, and the proof of how few it could be.

    ``link_node`` (m, 2) and ``demand_node`` (d, 2) hold node numbers, ``width`` (d,) slots of 12.5 GHz.  ``routes``
    gives the candidate routes of each demand as lists of links and binds the choice; else candidates come from
    ``n_prices`` rounds of prices and are at most ``stretch_max_ratio`` times the shortest.  Deterministic: ties go to
    the lower number, so sort rows by identifier.  Raises :class:`~rahdari.errors.InputError` for demands without a
    way, loops, widths below one slot, and candidate routes that do not join their demand's ends.

    >>> ring = np.array([[0, 1], [1, 2], [0, 2]])
    >>> plan = assign_spectrum(3, ring, np.ones(3), np.array([[0, 1], [0, 2], [1, 2]]), np.array([6, 6, 6]))
    >>> plan.n_slots_used, plan.certificate.lower_bound
    (6, 6.0)
    """
    mesh = _mesh(n_nodes, link_node, link_length_km, demand_node, width)
    if mesh.width.size == 0:
        nothing = np.empty(0, np.int64)
        return SpectrumPlan((), nothing, nothing, 0, _certificate(0, 0, "no demand"))
    prices = _Prices(mesh)
    if routes is None:
        options, priced = _candidates(prices, n_prices, stretch_max_ratio)
        lp_price = _congestion_prices(mesh)
        if lp_price is not None and lp_price.sum() > 0.0:
            priced = max(priced, _priced_bound(prices, lp_price))
        bound = max(math.ceil(priced * (1.0 - ROUNDING)), _node_bound(mesh))
        method = "prices of least congestion, any routes; counting at nodes"
    else:
        options = _given_routes(mesh, routes)
        bound = max(_node_bound(mesh), int(mesh.width.max()))
        method = "counting at nodes"
        if all(len(one) == 1 for one in options):
            bound = max(bound, clique_bound([one[0] for one in options], mesh.width, mesh.link_length_km.size))
            method = "loads and cliques of the given routes; counting at nodes"
    bound = _whole(bound, mesh.width)
    place, first = _assign(mesh, options, bound, n_rounds)
    chosen = tuple(one[at] for one, at in zip(options, place.tolist(), strict=True))
    used = int((first + mesh.width).max())
    return SpectrumPlan(chosen, first, mesh.width, used, _certificate(used, bound, method))


def _certificate(used: int, bound: int, method: str) -> Certificate:
    """Return the proof beside the number of slots."""
    name = "Slots of spectrum for all demands"
    return Certificate(name, float(used), float(bound), "slots of 12.5 GHz", method, "no spectrum conversion")


def _given_routes(mesh: Mesh, routes: Routes) -> list[list[IntArray]]:
    """Return the given candidates as arrays, each a walk from one end of its demand to the other."""
    problems, found = [], []
    for row, (options, (source, target)) in enumerate(zip(routes, mesh.demand_node.tolist(), strict=True)):
        found.append([np.asarray(links, np.int64) for links in options])
        is_whole = bool(found[-1])
        for links in found[-1]:
            node = source
            for first, second in mesh.link_node[links].tolist():
                node = second if node == first else first if node == second else -1
            is_whole = is_whole and node == target and np.unique(links).size == links.size
        if not is_whole:
            what = f"the routes given for demand {row + 1} do not join its ends {[source, target]}"
            problems.append(Problem(what, "list links in order, each once", row=row + 1))
    raise_if_any(problems)
    return found
