"""A placement of edge nodes that keeps every rule: given open candidates, workloads to pairs of nodes, then repair.

Every workload takes the cheapest pair whose ways are apart and whose nodes have room; nodes then give up a server
that is nearly empty, or close, where others can take what they hold for less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.placement_bound import Costs
    from rahdari.methods.placement_ways import Ways

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

NONE = -1
STEP_FRAC, SLOWER = 0.3, 0.05  # first step of prices over the price of a server, and how it shortens
PRICE_STEPS = 60  # a count, so that answers repeat
N_NEAR = 8  # open nodes looked at for each role, the cheapest first
ROUNDS = 3  # of giving up servers and nodes
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What the search looks at: the problem, the core node of each workload, ways, and which km are in the limit.

    ``second_per_km`` (i,) prices a km of a standby way; ``most_km`` (i,) is what the limit leaves on the core.
    """

    problem: Costs
    node: IntArray
    ways: Ways
    most_km: FloatArray
    second_per_km: FloatArray


@dataclass(slots=True, eq=False)
class State:
    """Main and second node of each workload (-1: none), whether the second way is a detour, and loads in servers."""

    main: IntArray
    second: IntArray
    is_detour: BoolArray
    second_cost: FloatArray
    load: FloatArray

    def copy(self) -> State:
        """Return a copy that changes by itself."""
        return State(
            self.main.copy(), self.second.copy(), self.is_detour.copy(), self.second_cost.copy(), self.load.copy()
        )


def servers(load: FloatArray) -> IntArray:
    """Return the servers that loads need: none for none."""
    return np.ceil(load - _ROUNDING).astype(np.int64)


def cost(problem: Costs, state: State) -> float:
    """Return what a placement costs in all."""
    n_servers = servers(state.load)
    rows = np.arange(state.main.size)
    placed, twice = state.main != NONE, state.second != NONE
    return float(
        problem.fixed[n_servers > 0].sum() + (problem.server * n_servers).sum()
        + problem.main[state.main[placed], rows[placed]].sum() + state.second_cost[twice].sum()
        + problem.leave[~placed].sum() + problem.leave_second[~twice].sum()
    )  # fmt: skip


class Assigner:
    """Assign workloads to a set of open candidates."""

    def __init__(
        self, ground: Ground, is_open: BoolArray, rate: FloatArray | None = None, room: FloatArray | None = None
    ) -> None:
        """Look at open candidates only; ``rate`` (j,) is the price of a server's share, ``room`` (j,) of servers."""
        self.ground = ground
        problem = ground.problem
        self.open = np.flatnonzero(is_open)
        self.rate = rate = problem.server if rate is None else rate
        self.room = problem.n_servers_max.astype(np.float64) if room is None else room
        share = rate[self.open, None] * problem.weight[None, :]
        self.near = [self._order(part[self.open] + share) for part in (problem.main, problem.second)]

    def _order(self, costs: FloatArray) -> IntArray:
        """Return open candidates by rising cost for each workload, -1 behind those allowed."""
        order = np.argsort(costs, axis=0, kind="stable")
        found = self.open[order]
        return np.where(np.isfinite(np.take_along_axis(costs, order, axis=0)), found, NONE).T

    def run(self) -> State:
        """Return an assignment, workloads with least room to go to first."""
        problem = self.ground.problem
        n = problem.weight.size
        state = State(
            np.full(n, NONE), np.full(n, NONE), np.zeros(n, np.bool_), np.zeros(n), np.zeros(problem.fixed.size)
        )
        fits = np.isfinite(problem.main[self.open])
        room = problem.n_servers_max[self.open] @ fits
        # Those with little room to go to choose first; among them the heavy ones.
        for item in np.lexsort((np.arange(n), -problem.weight, room)).tolist():
            self.place(state, item)
        return state

    def place(self, state: State, item: int) -> None:
        """Give a workload that has no node the cheapest pair with room, or a main node alone."""
        problem, load, weight = self.ground.problem, state.load, float(self.ground.problem.weight[item])
        asks = problem.leave_second[item] > 0.0
        mains = [
            int(main)
            for main in self.near[0][item]
            if main != NONE and load[main] + weight <= self.room[main] + _ROUNDING
        ]
        if not mains:
            return
        if not asks:
            self._take(state, item, mains[0], None)
            return
        best, least = None, np.inf
        for main in mains[:N_NEAR]:
            own = float(problem.main[main, item]) + float(self.rate[main]) * weight
            if own >= least:
                break
            found = self.second(state, item, main)
            if found is not None and own + found[2] + float(self.rate[found[0]]) * weight < least:
                best, least = (main, found), own + found[2] + float(self.rate[found[0]]) * weight
        if best is None:
            # Detours cost a search each: they are asked for only where no straight pair exists.
            tries = ((main, self._by_detour(state, item, main)) for main in mains)
            best = next(((main, found) for main, found in tries if found is not None), None)
        self._take(state, item, *(best if best is not None else (mains[0], None)))

    def second(self, state: State, item: int, main: int) -> tuple[int, bool, float] | None:
        """Return the cheapest second node with room beside a main one: candidate, whether by detour, cost."""
        ground, problem = self.ground, self.ground.problem
        weight, node = float(problem.weight[item]), int(ground.node[item])
        for other in self.near[1][item].tolist():
            if other == NONE:
                break
            if other == main or state.load[other] + weight > self.room[other] + _ROUNDING:
                continue
            if ground.ways.is_apart(node, main, other):
                return other, False, float(problem.second[other, item])
        return None

    def _by_detour(self, state: State, item: int, main: int) -> tuple[int, bool, float] | None:
        ground, problem = self.ground, self.ground.problem
        km = ground.ways.detours(int(ground.node[item]), main)[self.open]
        straight = ground.ways.km[self.open, ground.node[item]]
        fits = (
            (km <= ground.most_km[item]) & np.isfinite(problem.second[self.open, item]) & (self.open != main)
            & (state.load[self.open] + problem.weight[item] <= self.room[self.open] + _ROUNDING)
        )  # fmt: skip
        if not fits.any():
            return None
        extra = np.where(fits, km - straight, 0.0) * ground.second_per_km[item]
        price = np.where(fits, problem.second[self.open, item] + extra, np.inf)
        at = int(np.argmin(price + self.rate[self.open] * problem.weight[item]))
        return int(self.open[at]), True, float(price[at])

    def _take(self, state: State, item: int, main: int, second: tuple[int, bool, float] | None) -> None:
        weight = self.ground.problem.weight[item]
        state.main[item] = main
        state.load[main] += weight
        if second is not None:
            state.second[item], state.is_detour[item], state.second_cost[item] = second
            state.load[second[0]] += weight

    def drop(self, state: State, item: int) -> None:
        """Take a workload off its nodes."""
        weight = self.ground.problem.weight[item]
        for held in (int(state.main[item]), int(state.second[item])):
            if held != NONE:
                state.load[held] -= weight
        state.main[item] = state.second[item] = NONE
        state.is_detour[item], state.second_cost[item] = False, 0.0


def _prices(ground: Ground, nodes: IntArray, room: FloatArray, n_steps: int) -> FloatArray:
    """Return prices (j,) of a server's share at which workloads about fill the room of open nodes, and no more."""
    problem = ground.problem
    main, second = problem.main[nodes], problem.second[nodes]
    asked = problem.leave_second > 0.0
    columns = np.arange(main.shape[1])
    price = np.zeros(nodes.size)
    step = float(problem.server[nodes].mean()) * STEP_FRAC
    for number in range(n_steps):
        held = price[:, None] * problem.weight[None, :]
        cost_main, cost_second = main + held, second + held
        first = np.argmin(cost_main, axis=0)
        cost_second[first, columns] = np.inf
        other = np.argmin(cost_second, axis=0)
        is_main = np.isfinite(cost_main[first, columns])
        is_second = asked & np.isfinite(cost_second[other, columns])
        load = np.bincount(first[is_main], problem.weight[is_main], nodes.size)
        load += np.bincount(other[is_second], problem.weight[is_second], nodes.size)
        price = np.maximum(price + step / (1.0 + SLOWER * number) * (load - room) / np.maximum(room, 1.0), 0.0)
    found = problem.server.astype(np.float64).copy()
    found[nodes] = price
    return found


def balanced(ground: Ground, state: State) -> State:
    """Return the placement in which the same servers are filled again at prices that share them out."""
    room = servers(state.load).astype(np.float64)
    nodes = np.flatnonzero(room > 0.0)
    if nodes.size <= 1:
        return state
    rate = _prices(ground, nodes, room[nodes], PRICE_STEPS)
    made = Assigner(ground, room > 0.0, rate, room)
    again = made.run()
    problem = ground.problem
    left = (again.main == NONE) & (problem.leave > 0.0) | (again.second == NONE) & (problem.leave_second > 0.0)
    made.room = problem.n_servers_max.astype(np.float64)
    for item in np.flatnonzero(left).tolist():
        made.drop(again, item)
        made.place(again, item)
    return again


def flipped(ground: Ground, is_open: BoolArray) -> BoolArray:
    """Return an open set that no opening or closing of one candidate makes cheaper, whole servers and ways aside."""
    problem = ground.problem
    share = problem.server[:, None] * problem.weight[None, :]
    main, second, asked = problem.main + share, problem.second + share, problem.leave_second > 0.0
    columns = np.arange(problem.weight.size)

    def worth(kept: BoolArray) -> float:
        nodes = np.flatnonzero(kept)
        if not nodes.size:
            return np.inf
        own = main[nodes]
        first = np.argmin(own, axis=0)
        other = second[nodes]
        other[first, columns] = np.inf
        rest = np.where(asked, np.minimum(other.min(axis=0), problem.leave_second), 0.0)
        return float(problem.fixed[nodes].sum() + np.minimum(own[first, columns], problem.leave).sum() + rest.sum())

    made = is_open.copy()
    value = worth(made)
    for candidate in range(made.size):
        made[candidate] ^= True
        tried = worth(made)
        if tried < value:
            value = tried
        else:
            made[candidate] ^= True
    return made


def lightened(ground: Ground, state: State) -> State:
    """Return the placement after nodes gave up servers, or closed, wherever the whole became cheaper."""
    best, value = state, cost(ground.problem, state)
    for _ in range(ROUNDS):
        before = value
        order = np.argsort(best.load - np.floor(best.load), kind="stable")
        for node in order.tolist():
            if best.load[node] <= _ROUNDING:
                continue
            for room in {max(int(servers(best.load)[node]) - 1, 0), 0}:
                slack = float((servers(best.load) - best.load).sum())
                if best.load[node] - room > slack:
                    continue
                tried = _moved(ground, best, node, room)
                worth = cost(ground.problem, tried)
                if worth < value - _ROUNDING * abs(value):
                    best, value = tried, worth
                    if best.load[node] <= _ROUNDING:
                        break
        if value >= before - _ROUNDING * abs(before):
            break
    return best


def _moved(ground: Ground, state: State, node: int, room: int) -> State:
    """Return the placement in which a node holds no more than ``room`` servers: the cheapest to move go first."""
    made, problem = state.copy(), ground.problem
    is_open = (made.load > _ROUNDING) & (np.arange(made.load.size) != node)
    slack = np.where(is_open, servers(made.load) - made.load, 0.0)
    held = np.flatnonzero((made.main == node) | (made.second == node))
    open_nodes = np.flatnonzero(is_open)
    if not open_nodes.size:
        return made
    role = made.main[held] == node
    own = np.where(role, problem.main[node, held], made.second_cost[held])
    table = np.where(role[None, :], problem.main[open_nodes][:, held], problem.second[open_nodes][:, held])
    fits = slack[open_nodes][:, None] >= problem.weight[held][None, :] - _ROUNDING
    partner = np.where(role, made.second[held], made.main[held])
    table = np.where(fits & (open_nodes[:, None] != partner[None, :]), table, np.inf)
    rise = (table.min(axis=0) - own) / problem.weight[held]
    for at in np.argsort(rise, kind="stable").tolist():
        if made.load[node] <= room + _ROUNDING or not np.isfinite(rise[at]):
            break
        prices = np.full(made.load.size, np.inf)
        prices[open_nodes] = table[:, at]
        _shifted(ground, made, (int(held[at]), bool(role[at])), prices, slack)
    return made


def _shifted(ground: Ground, state: State, what: tuple[int, bool], price: FloatArray, slack: FloatArray) -> None:
    """Move one role of a workload to the cheapest open node with slack whose way is apart from its other way."""
    item, is_main = what
    weight, node = float(ground.problem.weight[item]), int(ground.node[item])
    other = int(state.second[item] if is_main else state.main[item])
    if is_main and state.is_detour[item]:
        return  # its second way was found around this main one
    for target in np.argsort(price, kind="stable")[:N_NEAR].tolist():
        if not np.isfinite(price[target]):
            return
        if slack[target] < weight - _ROUNDING or (other != NONE and not ground.ways.is_apart(node, target, other)):
            continue
        held = int(state.main[item] if is_main else state.second[item])
        if is_main:
            state.main[item] = target
        else:
            state.second[item], state.is_detour[item] = target, False
            state.second_cost[item] = price[target]
        state.load[held] -= weight
        state.load[target] += weight
        slack[target] -= weight
        return
