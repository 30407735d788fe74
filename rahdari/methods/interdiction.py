"""Which few failures cost the most demand, proven, and what to harden against them.  Secret: an attack plan.

The attacker takes up to k elements out; then demand is carried as well as capacity allows, in fractions over any ways.
Search: a failure set grows one by one; a flow that spares no later failure bounds all sets that contain it
(:mod:`rahdari.methods.interdiction_flow`), so that most sets are never looked at.  The same question as one
mixed-integer programme, with the flow's dual inside (Wood 1993), stands beside it for small networks.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import highspy
import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.instance import Instance
from rahdari.methods.interdiction_flow import Capacitated, FlowModel
from rahdari.methods.network import Network, as_network
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.network import AnyNetwork

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

Method = Literal["search", "milp"]
K_MOST = 8
SLACK = 1e-7  # share of all demand below which a further loss is no gain
STARTS = 12  # nodes whose own links are tried first
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Interdiction:
    """The worst failures found: elements by name, demand lost with them, and a bound on the loss of any other choice.

    ``loss`` is exact for the named set; ``bound`` holds for all sets of up to ``k``.  Names stay out of print.
    """

    k: int
    element_id: tuple[str, ...] = field(repr=False)
    loss: float
    bound: float
    demand: float
    lost_without_failure: float
    n_sets: int
    method: Method
    label: str = "secret"

    @property
    def gap_frac(self) -> float:
        """Return how far the bound lies above the loss, as a share of the bound."""
        return (self.bound - self.loss) / self.bound if self.bound > 0.0 else 0.0

    @property
    def certificate(self) -> Certificate:
        """Return the demand that is still carried, with its lower bound."""
        name = f"demand carried after the worst {self.k} failures"
        how = "search with flow bounds" if self.method == "search" else "mixed-integer programme over the dual"
        return Certificate(name, self.demand - self.loss, self.demand - self.bound, "demand", how)


@dataclass(frozen=True, slots=True)
class Hardening:
    """Elements to harden: afterwards no ``k`` others cost more than ``loss_after`` (bounded by ``bound_after``).

    No other choice of so many leaves less than ``least_after``.
    """

    element_id: tuple[str, ...] = field(repr=False)
    loss_before: float
    loss_after: float
    bound_after: float
    least_after: float
    attack_after: tuple[str, ...] = field(repr=False, default=())
    label: str = "secret"


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    network: Capacitated
    element_id: tuple[str, ...]
    fixed: frozenset[int]


def interdict(
    network: AnyNetwork,
    demand: Mapping[tuple[str, str], float] | pl.DataFrame | None = None,
    k: int = 2,
    *,
    capacity: Mapping[str, float] | ArrayLike | None = None,
    elements: Mapping[str, Collection[str]] | None = None,
    hardened: Collection[str] = (),
    method: Method = "search",
    time_limit_s: float = 60.0,
) -> Interdiction:
    """Return the up to ``k`` elements whose failure costs the most demand, with the proof.

    ``demand``: by pair of nodes, or a table with from_node_id, to_node_id and demand_gbps; an instance brings its own.
    ``capacity`` by link, in the unit of demand; an instance brings what is installed.  Both count both directions
    together.  ``elements``: links by name that fail together (default: every link by itself); ``hardened`` ones never
    fail.  After ``time_limit_s`` the best set so far is given with the bound that holds.  Raises :class:`InputError`.

    >>> from rahdari.methods.network import make_network
    >>> ring = make_network("abc", ["ab", "bc", "ca"], [("a", "b"), ("b", "c"), ("c", "a")], 1.0)
    >>> found = interdict(ring, {("a", "b"): 5.0, ("b", "c"): 3.0}, k=2, capacity=[9.0, 9.0, 9.0])
    >>> found.element_id, found.loss, found.gap_frac
    (('ab', 'bc'), 8.0, 0.0)
    """
    if method not in ("search", "milp") or not 1 <= k <= K_MOST:
        raise InputError(Problem("method or k is out of range", f"give search or milp, and k from 1 to {K_MOST}"))
    case = _case(network, demand, capacity, elements, hardened)
    deadline = time.monotonic() + time_limit_s
    return _by_programme(case, k, time_limit_s) if method == "milp" else _Search(case, k, deadline).run()


def harden(
    network: AnyNetwork,
    demand: Mapping[tuple[str, str], float] | pl.DataFrame | None = None,
    k: int = 2,
    n_hardened: int = 1,
    *,
    capacity: Mapping[str, float] | ArrayLike | None = None,
    elements: Mapping[str, Collection[str]] | None = None,
    time_limit_s: float = 60.0,
) -> Hardening:
    """Return the ``n_hardened`` elements after whose hardening the worst ``k`` failures of others cost least.

    Defender, attacker, defender: worst sets are found one after another; hardening must break each of them, and what is
    left of a broken set still counts.  Arguments as :func:`interdict`.
    """
    if n_hardened < 1:
        raise InputError(Problem(f"{n_hardened} elements to harden", "give one or more", column="n_hardened"))
    case = _case(network, demand, capacity, elements, ())
    deadline = time.monotonic() + time_limit_s
    first = worst = _Search(case, k, deadline).run()
    number = {name: i for i, name in enumerate(case.element_id)}
    attacks: list[tuple[frozenset[int], float]] = []
    best: tuple[float, float, tuple[int, ...], Interdiction] = (first.loss, first.bound, (), first)
    floor = first.lost_without_failure
    while True:
        attacks.append((frozenset(number[name] for name in worst.element_id), worst.loss))
        chosen, floor = _chosen(attacks, n_hardened, first.lost_without_failure, floor)
        if floor >= best[0] * (1.0 - SLACK) or time.monotonic() > deadline:
            break
        spared = _Case(case.network, case.element_id, frozenset(chosen))
        worst = _Search(spared, k, deadline).run()
        best = min(best, (worst.loss, worst.bound, tuple(sorted(chosen)), worst), key=lambda item: item[:3])
    names = tuple(case.element_id[i] for i in best[2])
    return Hardening(names, first.loss, best[0], best[1], min(floor, best[0]), best[3].element_id)


def _chosen(
    attacks: Sequence[tuple[frozenset[int], float]], n_hardened: int, least: float, floor: float
) -> tuple[list[int], float]:
    """Return the hardening that leaves least of the known attacks, and that least: a bound for any hardening."""
    order = sorted(attacks, key=lambda attack: -attack[1])
    found: list[int] = []
    for worst in range(len(order)):
        hit = _hitting([attack for attack, _ in order[: len(order) - worst]], n_hardened)
        if hit is not None:
            left = order[len(order) - worst][1] if worst else least
            return hit, max(floor, left) if worst else floor
    return found, max(floor, order[0][1])


def _hitting(attacks: Sequence[frozenset[int]], most: int) -> list[int] | None:
    """Return at most ``most`` elements that meet every attack, or ``None``: depth-first over the first one not met."""
    if not attacks:
        return []
    if most == 0:
        return None
    for element in sorted(attacks[0]):
        rest = _hitting([attack for attack in attacks if element not in attack], most - 1)
        if rest is not None:
            return [element, *rest]
    return None


class _Search:
    """Branch and bound over sets of failures."""

    def __init__(self, case: _Case, k: int, deadline: float) -> None:
        self.case, self.k, self.deadline = case, k, deadline
        self.model = FlowModel(case.network)
        self.slack = SLACK * max(case.network.total, 1e-9)
        self.loss = -1.0
        self.best: tuple[int, ...] = ()
        self.left_bound = 0.0
        self.n_sets = 0

    def run(self) -> Interdiction:
        """Return the worst set and the bound."""
        self.model.set_state((), (), 0)
        whole = self.model.bound()
        self.loss = whole
        self._try_nodes()
        self._grow((), set(self.case.fixed))
        carried = self._proven()
        network, names = self.case.network, self.case.element_id
        loss = network.total - carried
        # Sets were passed over where they gain no more than the slack.
        bound = min(network.total, max(self.loss + self.slack, self.left_bound, loss))
        return Interdiction(
            self.k, tuple(names[i] for i in self.best), loss, bound, network.total, whole, self.n_sets, "search"
        )  # fmt: skip

    def _proven(self) -> float:
        """Return what the network carries under the best set, by prices that anyone can check."""
        self.model.set_state(self.best, (), 0)
        self.model.bound()
        return min(self.model.carried_bound(), self.case.network.total)

    def _try_nodes(self) -> None:
        """Look first at sets that cut one node off."""
        network = self.case.network
        ends = np.zeros(network.n_nodes)
        np.add.at(ends, network.demand_node.reshape(-1), np.repeat(network.demand, 2))
        by_link: dict[int, int] = {}
        for element, own in enumerate(network.element_link):
            if element not in self.case.fixed:
                by_link |= dict.fromkeys(own.tolist(), element)
        n_tried = 0
        for node in np.argsort(-ends, kind="stable").tolist():
            links = np.flatnonzero((network.link_node == node).any(axis=1)).tolist()
            around = tuple(sorted({by_link[link] for link in links if link in by_link}))
            if len(around) <= self.k and all(link in by_link for link in links):
                self._leaf(around)
                n_tried += 1
            if n_tried == STARTS:
                break

    def _leaf(self, failed: tuple[int, ...]) -> None:
        self.n_sets += 1
        self.model.set_state(failed, (), 0)
        loss = self.model.bound(self.loss + self.slack)
        if loss > self.loss + self.slack:
            self.loss, self.best = loss, tuple(sorted(failed))

    def _grow(self, failed: tuple[int, ...], spared: set[int]) -> None:
        """Look at all sets that hold ``failed`` and none of ``spared``."""
        left = self.k - len(failed)
        if left == 0:
            self._leaf(failed)
            return
        self.n_sets += 1
        n_open = len(self.case.element_id) - len(failed)
        while n_open > len(spared):
            self.model.set_state(failed, spared, left)
            bound = self.model.bound(self.loss + self.slack)
            if bound <= self.loss + self.slack:
                return
            if time.monotonic() > self.deadline:
                self.left_bound = max(self.left_bound, bound)
                return
            flow = self.model.element_flow()
            flow[[*failed, *spared]] = -1.0
            element = int(np.argmax(flow))
            self._grow((*failed, element), set(spared))
            spared.add(element)
        if len(spared) >= n_open:
            self._leaf(failed)


def _by_programme(case: _Case, k: int, time_limit_s: float) -> Interdiction:
    """Return the answer of one mixed-integer programme: prices of links that fail cost nothing.

    Least over failures x and prices y of capacity x max(0, y - x) + demand x max(0, 1 - distance in y).
    """
    network = case.network
    model = highspy.Highs()  # type: ignore[no-untyped-call]  # the library's class has no annotations
    for option, value in (("output_flag", False), ("threads", 1), ("mip_rel_gap", 1e-9), ("time_limit", time_limit_s)):
        model.setOptionValue(option, value)
    n, m, n_elements = network.n_nodes, network.capacity.size, len(network.element_link)
    sources, source_of = np.unique(network.demand_node[:, 0], return_inverse=True)
    fails = [model.addVariable(0.0, 0.0 if i in case.fixed else 1.0, 0.0) for i in range(n_elements)]
    price = [model.addVariable(0.0, 1.0, 0.0) for _ in range(m)]
    paid = [model.addVariable(0.0, 1.0, float(cost)) for cost in network.capacity]
    unmet = [model.addVariable(0.0, 1.0, float(amount)) for amount in network.demand]
    height = [[model.addVariable(0.0, 0.0 if v == s else 1.0, 0.0) for v in range(n)] for s in sources.tolist()]
    model.addConstr(sum(fails[1:], fails[0]) <= k)
    for element in range(n_elements):
        model.changeColIntegrality(fails[element].index, highspy.HighsVarType.kInteger)
    of_link: list[list[int]] = [[] for _ in range(m)]
    for element, links in enumerate(network.element_link):
        for link in links.tolist():
            of_link[link].append(element)
    for link, (a, b) in enumerate(network.link_node.tolist()):
        free = price[link] - paid[link]
        for element in of_link[link]:
            free = free - fails[element]
        model.addConstr(free <= 0.0)
        for row in height:
            model.addConstr(row[a] - row[b] - price[link] <= 0.0)
            model.addConstr(row[b] - row[a] - price[link] <= 0.0)
    for i, (_, b) in enumerate(network.demand_node.tolist()):
        model.addConstr(unmet[i] + height[int(source_of[i])][b] >= 1.0)
    model.run()
    info, solution = model.getInfo(), np.array(model.getSolution().col_value)
    chosen = tuple(i for i in range(n_elements) if solution[fails[i].index] > 0.5)  # noqa: PLR2004 - rounding
    flow = FlowModel(network)
    losses = []
    for failed in (chosen, ()):
        flow.set_state(failed, (), 0)
        losses.append(flow.bound())
    bound = max(losses[0], network.total - float(info.mip_dual_bound))
    names = tuple(case.element_id[i] for i in chosen)
    return Interdiction(k, names, losses[0], bound, network.total, losses[1], int(info.mip_node_count), "milp")


def _case(
    network: AnyNetwork,
    demand: Mapping[tuple[str, str], float] | pl.DataFrame | None,
    capacity: Mapping[str, float] | ArrayLike | None,
    elements: Mapping[str, Collection[str]] | None,
    hardened: Collection[str],
) -> _Case:
    """Return the checked question as arrays; raises :class:`InputError` with every problem."""
    inner = getattr(network, "instance", network)
    known = as_network(network)
    pairs, amounts = _demands(known, inner if isinstance(inner, Instance) else None, demand)
    room = _capacity(known, inner if isinstance(inner, Instance) else None, capacity)
    number = {name: i for i, name in enumerate(known.link_id)}
    groups = {name: (name,) for name in known.link_id} if elements is None else dict(elements)
    problems = [
        Problem(f"element {name!r} holds {link!r}, which is no link", "name links of the network")
        for name, links in groups.items()
        for link in links
        if link not in number
    ]
    problems += [
        Problem(f"{name!r} is hardened but no element", "name an element")
        for name in sorted(set(hardened) - set(groups))
    ]
    raise_if_any(problems[:SHOWN])
    ids = tuple(sorted(groups))
    lists = tuple(np.array(sorted(number[link] for link in groups[name]), np.int64) for name in ids)
    fixed = frozenset(i for i, name in enumerate(ids) if name in set(hardened))
    return _Case(Capacitated(known.n_nodes, known.link_node, room, pairs, amounts, lists), ids, fixed)


def _demands(
    network: Network, instance: Instance | None, demand: Mapping[tuple[str, str], float] | pl.DataFrame | None
) -> tuple[IntArray, FloatArray]:
    """Return (d, 2) ends and (d,) amounts, one row a pair of nodes, in order."""
    if demand is None:
        if instance is None:
            raise InputError(Problem("there is no demand", "give it by pair of nodes, or an instance that has it"))
        ends = ((instance.node_id[a], instance.node_id[b]) for a, b in instance.demand_node.tolist())
        rows = list(zip(ends, instance.demand_value.tolist(), strict=True))
    elif isinstance(demand, pl.DataFrame):
        table = demand.select("from_node_id", "to_node_id", "demand_gbps").iter_rows()
        rows = [((a, b), float(amount)) for a, b, amount in table]
    else:
        rows = [(pair, float(amount)) for pair, amount in demand.items()]
    summed: dict[tuple[int, int], float] = {}
    for (a, b), amount in rows:
        if not (amount >= 0.0 and math.isfinite(amount)):
            raise InputError(Problem(f"demand from {a!r} to {b!r} is {amount:g}", "give zero or more"))
        first, second = sorted((network.node(a), network.node(b)))
        if first != second and amount > 0.0:
            summed[first, second] = summed.get((first, second), 0.0) + amount
    if not summed:
        raise InputError(Problem("nothing is demanded between two nodes", "give demand above zero"))
    return np.array(sorted(summed), np.int64), np.array([summed[pair] for pair in sorted(summed)])


def _capacity(
    network: Network, instance: Instance | None, capacity: Mapping[str, float] | ArrayLike | None
) -> FloatArray:
    """Return (m,) capacities in the network's order."""
    if capacity is None:
        if instance is None or not instance.link_installed.any():
            raise InputError(Problem("no link has a capacity", "give capacity by link, in the unit of demand"))
        given = dict(zip(instance.link_id, instance.link_installed.tolist(), strict=True))
    elif hasattr(capacity, "items"):
        given = {str(name): float(value) for name, value in capacity.items()}
    else:
        values = np.asarray(capacity, np.float64)
        if values.shape != (network.n_links,):
            what = f"capacity has shape {values.shape}"
            raise InputError(Problem(what, f"give one number for each of {network.n_links} links"))
        given = dict(zip(network.link_id, values.tolist(), strict=True))
    missing = [name for name in network.link_id if name not in given][:SHOWN]
    wrong = [name for name in network.link_id if not 0.0 <= given.get(name, 0.0) < math.inf][:SHOWN]
    raise_if_any(
        [
            Problem(f"link {name!r} has no capacity", "give zero or more, in the unit of demand")
            for name in (*missing, *wrong)
        ]
    )
    return np.array([given[name] for name in network.link_id])
