"""Where edge nodes stand and which workloads they carry: least cost under limits, with a second node apart, and proof.

Capacitated location on a fibre graph.  A workload is carried by a main node and, where its service asks, by a second
one that holds the same share of servers in reserve, so that any one node or link may be lost: the two ways share no
link but bridges, which no choice avoids.  See :mod:`rahdari.methods.placement_bound` for the proof and
:mod:`rahdari.methods.placement_search` for the search.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.placement_bound import Ascent, Costs, first_prices
from rahdari.methods.placement_input import (
    Checked,
    EdgeDemand,
    EdgeLimits,
    EdgeNetwork,
    EdgeServices,
    checked,
)
from rahdari.methods.placement_search import NONE, Assigner, Ground, State, balanced, cost, flipped, lightened, servers
from rahdari.methods.placement_ways import Ways, core, ways
from rahdari.model.certificate import Certificate
from rahdari.units import FIBRE_DELAY_MS_PER_KM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

KEPT_FRAC = 0.9  # of how often a candidate was open so far
AHEAD_RATIO = 1.01  # of the bound: how far steps aim beyond it at most
ROOM_RATIO = 1.03  # room opened over what workloads and reserves take
TRY_EVERY = 40  # steps of the bound between two open sets that are tried
GOOD_FRAC = 0.0005  # a gap below which no more is tried
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class EdgePlacement:
    """Chosen candidates and who goes where.

    ``nodes`` (k,) are rows of the network's candidates, ``n_servers`` (k,) what stands in each and ``load`` (k,) how
    much of it is held, reserve included.  ``assignment`` (i, 2) are rows of candidates, main and second, -1 for none;
    ``links`` the links of both ways in order from the workload, ``km`` (i, 2) their fibre with access, ``shared_km``
    (i,) what of it both ways share because no way avoids it, ``round_trip_ms`` (i, 2) light's round trip, NaN for none.
    ``cost``, ``lower_bound`` are money, ``gap`` = (cost - lower_bound) / cost.  ``alone`` are workloads that ask for a
    second node and have none within their limit, ``unplaced`` those without any.
    """

    nodes: IntArray
    n_servers: IntArray
    load: FloatArray
    assignment: IntArray
    links: tuple[tuple[IntArray, IntArray], ...]
    km: FloatArray
    shared_km: FloatArray
    round_trip_ms: FloatArray
    alone: IntArray
    unplaced: IntArray
    certificate: Certificate

    @property
    def cost(self) -> float:
        """Return the cost of the placement."""
        return self.certificate.cost

    @property
    def lower_bound(self) -> float:
        """Return what no placement can cost less than."""
        return float(self.certificate.lower_bound or 0.0)

    @property
    def gap(self) -> float:
        """Return the share of the cost that is not proven."""
        return float(self.certificate.gap_frac or 0.0)


def _problem(made: Checked, net: Ways, node: IntArray) -> tuple[Costs, FloatArray]:
    """Return the costs of candidates for workloads, and the km (i,) that limits leave on the fibre network."""
    most_km = made.latency_ms / (2.0 * FIBRE_DELAY_MS_PER_KM) - made.access_km
    known = np.maximum(node, 0)
    km = np.where((node >= 0)[None, :], net.km[:, known], np.inf)
    heavy = made.weight[None, :] > made.n_servers_max[:, None] + _ROUNDING
    fits = made.is_allowed.T & (km <= most_km[None, :]) & ~heavy
    per_km = made.limits.per_mbps_km * made.mbps
    with np.errstate(invalid="ignore"):
        main = np.where(fits, km * per_km, np.inf)
    n_fits = fits.sum(axis=0)
    asked = made.has_second & (n_fits >= 2)  # noqa: PLR2004  # a second node needs two
    second = np.where(asked[None, :] & fits, made.limits.standby_frac * np.where(fits, km, 0.0) * per_km, np.inf)
    leave = made.limits.unplaced * made.weight
    return Costs(
        main, second, made.weight, made.fixed, made.server, made.n_servers_max,
        np.where(n_fits > 0, leave, 0.0), np.where(asked, leave, 0.0),
    ), most_km  # fmt: skip


def _without_pair(problem: Costs, net: Ways, node: IntArray, most_km: FloatArray) -> BoolArray:
    """Return workloads that ask for a second node and could have none were every candidate open."""
    asked = np.flatnonzero(problem.leave_second > 0.0)
    fits = np.isfinite(problem.main)
    lone = np.zeros(node.size, np.bool_)
    known: dict[tuple[int, float, bytes], bool] = {}
    for item in asked.tolist():
        at, allowed = int(node[item]), fits[:, item]
        key = (at, float(most_km[item]), allowed.tobytes())
        if key not in known:
            known[key] = not _has_pair(net, at, np.flatnonzero(allowed), float(most_km[item]))
        lone[item] = known[key]
    return lone


def _has_pair(net: Ways, node: int, allowed: IntArray, most_km: float) -> bool:
    near = allowed[np.argsort(net.km[allowed, node], kind="stable")].tolist()
    for at, other in enumerate(near):
        if any(net.is_apart(node, one, other) for one in near[:at]):
            return True
    for main in near:
        inside = net.detours(node, main)[near] <= most_km
        inside[near.index(main)] = False
        if inside.any():
            return True
    return False


def _completed(ground: Ground, is_open: BoolArray, liking: FloatArray | None = None) -> BoolArray:
    """Return open candidates with those added that the room for all workloads, and workloads out of reach, ask for.

    Room is filled by ``liking`` (j,), the most liked first; without it by room for the price of opening.
    """
    problem = ground.problem
    fits = np.isfinite(problem.main)
    needed = np.where(problem.leave_second > 0.0, 2, 1) * (problem.leave > 0.0)
    is_open = is_open.copy()
    like = problem.n_servers_max / np.maximum(problem.fixed, 1e-9) if liking is None else liking
    total = ROOM_RATIO * float(needed @ problem.weight)
    for candidate in np.argsort(-like, kind="stable").tolist():
        if float(problem.n_servers_max[is_open].sum()) >= total:
            break
        is_open[candidate] = True
    while True:
        short = (fits[is_open].sum(axis=0)) < needed
        if not short.any():
            return is_open
        wanted = np.where(is_open, -1.0, fits[:, short] @ problem.weight[short])
        is_open[int(np.argmax(wanted))] = True


def _wanted(ground: Ground, state: State, is_open: BoolArray, left: IntArray) -> FloatArray:
    """Return (j,) servers' worth of workloads left over that each closed candidate would serve, -1 for open ones."""
    problem = ground.problem
    worth = np.where(is_open, -1.0, 0.0)
    for item in left.tolist():
        main, node = int(state.main[item]), int(ground.node[item])
        for other in np.flatnonzero(np.isfinite(problem.main[:, item]) & ~is_open).tolist():
            if main == NONE or ground.ways.is_apart(node, main, other):
                worth[other] += problem.weight[item]
    return worth


def _tried(ground: Ground, is_open: BoolArray) -> State:
    """Return a placement on an open set: completed, assigned, opened further where workloads are left, lightened."""
    is_open = _completed(ground, is_open)
    problem = ground.problem
    state = Assigner(ground, is_open).run()
    for _ in range(is_open.size):
        is_left = (state.main == NONE) & (problem.leave > 0.0) | (state.second == NONE) & (problem.leave_second > 0.0)
        left = np.flatnonzero(is_left)
        if not left.size:
            break
        worth = _wanted(ground, state, is_open, left)
        if worth.max() <= 0.0:
            # No closed candidate goes with the main nodes they have: another main node is wanted too.
            worth = np.where(is_open, -1.0, np.isfinite(problem.main[:, left]) @ problem.weight[left])
        more = int(np.argmax(worth))
        if worth[more] <= 0.0:
            break
        is_open[more] = True
        again = Assigner(ground, is_open)
        for item in left.tolist():
            again.drop(state, item)
            again.place(state, item)
    return lightened(ground, state)


def _finished(ground: Ground, state: State) -> State:
    """Return the cheaper of a placement and the same servers filled again."""
    again = lightened(ground, balanced(ground, state))
    return again if cost(ground.problem, again) < cost(ground.problem, state) else state


def _search(ground: Ground, n_steps: int) -> tuple[State, float]:
    """Return the best placement found and the best bound; placements are tried every so many steps and at the end."""
    problem = ground.problem
    ascent = Ascent(problem, *first_prices(problem))
    best = _tried(ground, flipped(ground, np.zeros(problem.fixed.size, np.bool_)))
    value, seen = cost(problem, best), set[bytes]()
    usual = np.zeros(problem.fixed.size)
    for step in range(n_steps):
        now = ascent.step(min(value, AHEAD_RATIO * ascent.best) if ascent.best > 0.0 else value)
        usual = KEPT_FRAC * usual + (1.0 - KEPT_FRAC) * now.is_open
        is_last = step == n_steps - 1
        if not is_last and step % TRY_EVERY != TRY_EVERY - 1:
            continue
        often = usual > 0.5  # noqa: PLR2004  # open more often than not
        first = _completed(ground, often, usual)
        for is_open in (now.is_open, first, flipped(ground, first)) if is_last else (first,):
            if is_open.tobytes() in seen:
                continue
            seen.add(is_open.tobytes())
            tried = _tried(ground, is_open)
            worth = cost(problem, tried)
            if worth < value:
                best, value = tried, worth
        if value - ascent.best <= GOOD_FRAC * abs(value):
            break
    return _finished(ground, best), ascent.best


def _described(made: Checked, ground: Ground, state: State, bound: float) -> EdgePlacement:
    """Return the result: ways link by link, delays, what both ways share, and the certificate."""
    net, n = ground.ways, state.main.size
    km, shared = np.full((n, 2), np.nan), np.zeros(n)
    links = []
    empty = np.zeros(0, np.int64)
    for item in range(n):
        pair = []
        node = int(ground.node[item])
        for role, held in enumerate((int(state.main[item]), int(state.second[item]))):
            if held == NONE:
                pair.append(empty)
                continue
            is_detour = role == 1 and bool(state.is_detour[item])
            edges = net.detour(node, int(state.main[item]), held) if is_detour else net.way(node, held)
            pair.append(_chained(net, node, edges))
            km[item, role] = made.link_km[pair[role]].sum() + made.access_km[item]
        both = np.intersect1d(pair[0], pair[1])
        shared[item] = made.link_km[both].sum()
        links.append((pair[0], pair[1]))
    chosen = np.flatnonzero(state.load > _ROUNDING)
    asked = made.has_second & (state.main != NONE)
    certificate = Certificate(
        "edge_placement", cost(ground.problem, state), min(bound, cost(ground.problem, state)), "usd_per_year",
        "Lagrangian dual by knapsacks; assignment with repair",
    )  # fmt: skip
    return EdgePlacement(
        chosen, servers(state.load)[chosen], state.load[chosen], np.stack([state.main, state.second], axis=1),
        tuple(links), km, shared, 2.0 * km * FIBRE_DELAY_MS_PER_KM,
        np.flatnonzero(asked & (state.second == NONE)), np.flatnonzero(state.main == NONE), certificate,
    )  # fmt: skip


def _chained(net: Ways, node: int, edges: list[int]) -> IntArray:
    """Return the links of a way of core edges in order from a core node."""
    found = []
    for edge in edges:
        first, second = net.core.edge_node[edge].tolist()
        chain = net.core.chain[edge]
        found.append(chain if first == node else chain[::-1])
        node = second if first == node else first
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def place(
    network: EdgeNetwork, services: EdgeServices, demand: EdgeDemand, limits: EdgeLimits | None = None
) -> EdgePlacement:
    """Return where edge nodes stand and which workloads they carry, with a bound on what any placement costs.

    Limits on round trip, servers, hours without the grid and residency are kept; a workload that no candidate may
    carry is ``unplaced``, and one with a single candidate within its limits, or no way apart to another, ``alone``.
    A workload heavier than any candidate must be given in parts.  All faults are raised together as
    :class:`rahdari.errors.InputError`.  The bound covers workloads that some candidate may carry.

    >>> triangle = [[0, 1], [1, 2], [0, 2]]
    >>> net = EdgeNetwork(3, triangle, [10.0] * 3, [0, 2], [100.0] * 2, [10.0] * 2, [4, 4], [8.0] * 2)
    >>> plan = place(net, EdgeServices([5.0], [4.0], ["none"], [True]), EdgeDemand([1], [0], [0.5], [20.0]))
    >>> plan.assignment.tolist(), plan.cost, round(plan.gap, 6)
    ([[0, 1]], 220.0, 0.0)
    """
    made = checked(network, services, demand, limits or EdgeLimits())
    terminal = np.unique(np.concatenate([made.node, made.work_node]))
    net = core(made.n_nodes, made.link_node, made.link_km, terminal)
    found = ways(net, net.number[made.node])
    node = net.number[made.work_node]
    problem, most_km = _problem(made, found, node)
    lone = _without_pair(problem, found, node, most_km)
    problem.second[:, lone], problem.leave_second[lone] = np.inf, 0.0
    per_km = made.limits.per_mbps_km * made.limits.standby_frac * made.mbps
    ground = Ground(problem, node, found, most_km, per_km)
    state, bound = _search(ground, made.limits.n_steps)
    return _described(made, ground, state, bound)
