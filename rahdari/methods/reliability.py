"""How available it is that some nodes are joined: exactly, or by sampling, common causes included.

Links and nodes fail by themselves, risk groups together.  Exact: what separates the nodes by itself is multiplied out,
the network folded and taken apart (:mod:`rahdari.methods.reliability_reduce`), each part swept with merged states
(:mod:`rahdari.kernels.reliability`).  Common causes make a mixture: in each scenario (which groups are down) links fail
independently, and the answer is the sum over scenarios; those left out bound it from both sides.  Sampling draws 64
samples at once from counters, so that a sample depends on seed and number only, and gives a confidence interval.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy.special import betaincinv

from rahdari.errors import InputError, Problem, TargetError, raise_if_any
from rahdari.kernels.disjoint import separating
from rahdari.kernels.reliability import ENTER, LEAVE, MAX_WIDTH, sweep
from rahdari.kernels.sampling import SAMPLES, count_joined
from rahdari.methods.diversity_core import on_some_way
from rahdari.methods.graph import parts
from rahdari.methods.network import as_network, part_of
from rahdari.methods.reliability_reduce import Order, Part, order_of, reduced
from rahdari.model.certificate import Certificate
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.diversity_result import Route
    from rahdari.methods.network import AnyNetwork, Network

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

Method = Literal["exact", "montecarlo"]
CONFIDENCE = 0.95  # of the interval that sampling gives
TOLERANCE = 1e-9  # probability of the scenarios left out, if so few can be listed
SCENARIOS_MAX = 4096  # listed at most; the rest is bounded
SAMPLES_DEFAULT = 2**20
STATES_MAX = 6_000_000  # of one sweep: some 0.4 GB with four sets of probabilities
_SETS_AT_ONCE = 4  # sets of probabilities in one sweep
_CHANCES_AT_ONCE = 1_000_000  # of links in scenarios that are folded together
_MAX_SAMPLES = 2**40


@dataclass(frozen=True, slots=True, eq=False)
class Scenarios:
    """Common causes: in scenario ``s``, of probability ``probability[s]``, links work with chances ``link_up[s]``.

    ``link_up`` (s, m) multiplies each link's own availability; links fail independently within a scenario.  What is
    missing to probability one stays open between 0 and 1.
    """

    probability: FloatArray
    link_up: FloatArray


@dataclass(frozen=True, slots=True)
class Availability:
    """The share of time in which the nodes are joined, with bounds.

    Exact: ``low_frac`` and ``high_frac`` hold for certain and differ by scenarios left out only.  Sampled: they are the
    95 % interval of Clopper and Pearson.  ``n_states`` is the most states held at once.
    """

    availability_frac: float
    low_frac: float
    high_frac: float
    method: Method
    n_scenarios: int = 1
    n_states: int = 0
    n_samples: int = 0

    def __float__(self) -> float:
        """Return the share of time."""
        return self.availability_frac

    @property
    def outage_h_per_year(self) -> float:
        """Return the expected hours a year in which the nodes are not joined."""
        return (1.0 - self.availability_frac) * HOURS_PER_YEAR

    @property
    def certificate(self) -> Certificate:
        """Return the unavailability with its lower bound."""
        how = "decomposition by boundary partitions" if self.method == "exact" else "sampling, 95 % interval"
        return Certificate("Unavailability", 1.0 - self.availability_frac, 1.0 - self.high_frac, "frac", how)


def two_terminal_availability(
    network: AnyNetwork,
    a: str,
    b: str,
    method: Method = "exact",
    *,
    scenarios: Scenarios | None = None,
    n_samples: int = SAMPLES_DEFAULT,
    seed: int = 1,
) -> Availability:
    """Return the share of time in which ``a`` and ``b`` are joined; both ends must work themselves.

    Risk groups of the network fail independently of each other unless ``scenarios`` replace them.  ``network`` may also
    be what ``read_network`` or ``read_sndlib`` returns.  Raises :class:`InputError` for bad arguments,
    :class:`TargetError` where the exact answer would need too much memory.

    >>> from rahdari.methods.network import make_network
    >>> pair = make_network("ab", ["x", "y"], [("a", "b"), ("a", "b")], [1.0, 1.0], link_availability_frac=0.9)
    >>> round(two_terminal_availability(pair, "a", "b").availability_frac, 12)
    0.99
    """
    return joint_availability(as_network(network), (a, b), method, scenarios=scenarios, n_samples=n_samples, seed=seed)


def routes_availability(network: AnyNetwork, routes: Sequence[Route]) -> Availability:
    """Return the share of time in which at least one of some routes between the same two nodes is up, exactly.

    Where routes cross at a node, traffic may change over there.  Common causes are the network's risk groups: this is
    what a pair of routes is worth.  A lower bound of :func:`two_terminal_availability`.  Raises :class:`InputError`
    where there is no route or their ends differ.
    """
    ends = {(route.node_id[0], route.node_id[-1]) for route in routes}
    if len(ends) != 1:
        raise InputError(
            Problem(f"the routes have {len(ends)} pairs of ends", "give routes between the same two nodes")
        )
    used = {name for route in routes for name in route.link_id}
    a, b = ends.pop()
    return two_terminal_availability(part_of(as_network(network), used), a, b)


def all_terminal_availability(
    network: Network,
    method: Method = "exact",
    *,
    scenarios: Scenarios | None = None,
    n_samples: int = SAMPLES_DEFAULT,
    seed: int = 1,
) -> Availability:
    """Return the share of time in which every node works and all are joined; see :func:`two_terminal_availability`."""
    return joint_availability(network, network.node_id, method, scenarios=scenarios, n_samples=n_samples, seed=seed)


def joint_availability(
    network: Network,
    terminals: Sequence[str],
    method: Method = "exact",
    *,
    scenarios: Scenarios | None = None,
    n_samples: int = SAMPLES_DEFAULT,
    seed: int = 1,
) -> Availability:
    """Return the share of time in which all ``terminals`` work and are joined.

    See :func:`two_terminal_availability`.
    """
    problems = []
    if method not in get_args(Method):
        problems.append(Problem(f"method is {method!r}", "give exact or montecarlo"))
    if not terminals:
        problems.append(Problem("there is no node to join", "name at least one"))
    if not 1 <= n_samples <= _MAX_SAMPLES:
        problems.append(Problem(f"n_samples is {n_samples}", f"give 1 to {_MAX_SAMPLES}"))
    if scenarios is not None:
        problems += _problems_of(scenarios, network.n_links)
    for name in terminals:
        try:
            network.node(name)
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    nodes = sorted({network.node(name) for name in terminals})
    if method == "montecarlo":
        return _sampled(network, nodes, scenarios, n_samples, seed)
    return _exact(network, nodes, scenarios)


def _problems_of(scenarios: Scenarios, n_links: int) -> list[Problem]:
    probability, up = scenarios.probability, scenarios.link_up
    if up.shape != (probability.size, n_links):
        return [Problem(f"link_up has shape {up.shape}", f"give one row a scenario and {n_links} columns")]
    problems = []
    if not ((probability >= 0.0).all() and probability.sum() <= 1.0 + TOLERANCE):
        problems.append(Problem("probabilities are below 0 or sum to more than 1", "mend the scenarios"))
    if not ((up >= 0.0) & (up <= 1.0)).all():
        problems.append(Problem("a chance in link_up is not between 0 and 1", "mend the scenarios"))
    return problems


def make_scenarios(probability: ArrayLike, link_up: ArrayLike) -> Scenarios:
    """Return scenarios from (s,) probabilities and (s, m) chances that links survive."""
    return Scenarios(np.asarray(probability, np.float64), np.atleast_2d(np.asarray(link_up, np.float64)))


def _exact(network: Network, nodes: list[int], scenarios: Scenarios | None) -> Availability:
    _refuse_wide(network, nodes)
    factor, is_given = 1.0, scenarios is not None
    if scenarios is None:
        factor, scenarios = group_scenarios(network, nodes)
    n_sets, peak = scenarios.probability.size, 1
    answer = np.empty(n_sets)
    at_once = max(_SETS_AT_ONCE, _CHANCES_AT_ONCE // max(1, network.n_links))
    for begin in range(0, n_sets, at_once):
        link_up = np.ascontiguousarray((scenarios.link_up[begin : begin + at_once] * network.link_availability_frac).T)
        node_up = np.repeat(network.node_availability_frac[:, None], link_up.shape[1], axis=1)
        answer[begin : begin + at_once], states = joined_chance(network.link_node, link_up, node_up, set(nodes))
        peak = max(peak, states)
    answer = np.clip(answer, 0.0, 1.0)
    low = factor * float(scenarios.probability @ answer)
    missing = factor * max(0.0, 1.0 - float(scenarios.probability.sum()))
    # Groups: scenarios left out are no better than that with all groups up.  A user's may be anything.
    best = 1.0 if is_given else float(answer.max(initial=0.0))
    high = low + missing * best
    return Availability(0.5 * (low + high), low, high, "exact", scenarios.probability.size, peak)


def _refuse_wide(network: Network, nodes: list[int]) -> None:
    """Raise :class:`TargetError` where a sweep would be too wide, before any work is done."""
    one = np.ones((network.n_links, 1))
    for part in reduced(network.link_node, 0.5 * one, network.node_availability_frac[:, None], set(nodes))[1]:
        _narrow_order(part)


def _narrow_order(part: Part) -> Order:
    order = order_of(part)
    if order.width > MAX_WIDTH:
        raise TargetError(
            Problem(
                f"the exact answer needs a frontier of {order.width} nodes; {MAX_WIDTH} can be held",
                "ask for method montecarlo",
            )
        )
    return order


def group_scenarios(network: Network, nodes: Sequence[int]) -> tuple[float, Scenarios]:
    """Return a factor and the likeliest scenarios of the network's groups, down or up, for joining nodes.

    Groups that separate the nodes by themselves are in the factor, groups that strike a single run of links in series
    in that run, groups that strike the same runs in each other.  One scenario has all groups up, so that none left out
    is better.
    """
    risks, m = network.risks, network.n_links
    run = _runs(network, nodes)
    merged: dict[tuple[int, ...], float] = {}
    for i, down in enumerate(risks.unavailability_frac.tolist()):
        own = run[risks.links_of(i)]
        struck = tuple(np.unique(own[own >= 0]).tolist())
        if struck and down > 0.0:
            merged[struck] = 1.0 - (1.0 - merged.get(struck, 0.0)) * (1.0 - down)
    lists = [np.array(struck, np.int64) for struck in sorted(merged)]
    down = np.array([merged[struck] for struck in sorted(merged)], np.float64)
    splits = _splitting(network, nodes, [np.flatnonzero(np.isin(run, own)) for own in lists])
    factor = float(np.prod(1.0 - down[splits]))
    own_up = np.ones(m)
    mixed = []
    for i in np.flatnonzero(~splits).tolist():
        if lists[i].size == 1:
            own_up[lists[i]] *= 1.0 - down[i]
        else:
            mixed.append(i)
    sets = _likeliest(down[mixed])
    probability = np.array([chance for chance, _ in sets])
    link_up = np.repeat(own_up[None, :], len(sets), axis=0)
    for row, (_, failed) in enumerate(sets):
        for i in failed:
            link_up[row, lists[mixed[i]]] = 0.0
    return factor, Scenarios(probability, link_up)


def _runs(network: Network, nodes: Sequence[int]) -> IntArray:
    """Return for each link the least link in series with it, -1 where it is on no way between the nodes."""
    m, n = network.n_links, network.n_nodes
    run = np.arange(m)
    if len(nodes) != 2:  # noqa: PLR2004 - links in series are one thing to a pair only
        return run
    kept = on_some_way(n, network.link_node, nodes[0], nodes[1])
    pairs = network.link_node[kept]
    is_passed = np.bincount(pairs.reshape(-1), minlength=n) == 2  # noqa: PLR2004 - in and out
    is_passed[list(nodes)] = False
    # Links are joined at the nodes that do nothing but pass them on.
    end = np.flatnonzero(is_passed[pairs.reshape(-1)])
    order = end[np.argsort(pairs.reshape(-1)[end], kind="stable")] // 2
    label = parts(kept.size, order.reshape(-1, 2).astype(np.int64))
    least = np.full(int(label.max(initial=-1)) + 1, m)
    np.minimum.at(least, label, kept)
    run[:] = -1
    run[kept] = least[label]
    return run


def _splitting(network: Network, nodes: Sequence[int], lists: list[IntArray]) -> NDArray[np.bool_]:
    """Return which sets of links separate the nodes when they fail."""
    first = np.concatenate([[0], np.cumsum([own.size for own in lists])]).astype(np.int64)
    flat = np.concatenate([*lists, np.zeros(0, np.int64)]).astype(np.int64)
    splits, rows = np.zeros(len(lists), np.bool_), network.rows
    for node in nodes[1:]:
        more = np.zeros(len(lists), np.bool_)
        separating(rows.first, rows.neighbour, rows.arc, first, flat, nodes[0], node, more)
        splits |= more
    return splits


def _likeliest(down: FloatArray) -> list[tuple[float, tuple[int, ...]]]:
    """Return the likeliest sets of failed groups in falling order of probability, until little or too many are left."""
    order = np.lexsort((np.arange(down.size), -down / np.maximum(1.0 - down, 1e-300))).tolist()
    odds = [float(down[i] / (1.0 - down[i])) if down[i] < 1.0 else math.inf for i in order]
    # Groups that are mostly down start as failed, so that every change makes a set less likely.
    base = math.prod(max(float(down[i]), 1.0 - float(down[i])) for i in order)
    turned = [odd > 1.0 for odd in odds]
    change = sorted(
        ((1.0 / odd if is_down else odd), i) for i, (odd, is_down) in enumerate(zip(odds, turned, strict=True))
    )
    ratios = [ratio for ratio, _ in reversed(change)]
    place = [i for _, i in reversed(change)]
    found: list[tuple[float, tuple[int, ...]]] = []
    waiting: list[tuple[float, tuple[int, ...]]] = [(-base, ())]
    covered = 0.0
    while waiting and len(found) < SCENARIOS_MAX and 1.0 - covered > TOLERANCE:
        minus, changed = heapq.heappop(waiting)
        if minus == 0.0:
            break
        covered -= minus
        changed_places = {place[i] for i in changed}
        failed = tuple(order[i] for i in range(len(order)) if turned[i] != (i in changed_places))
        found.append((-minus, failed))
        last = changed[-1] if changed else -1
        if last + 1 < len(ratios):
            # Children: add the next change, or move the last one on.
            heapq.heappush(waiting, (minus * ratios[last + 1], (*changed, last + 1)))
            if changed:
                heapq.heappush(waiting, (minus / ratios[last] * ratios[last + 1], (*changed[:-1], last + 1)))
    if all(failed for _, failed in found):
        found.append((float(np.prod(1.0 - down)), ()))
    return found


def joined_chance(
    link_node: IntArray, link_up: FloatArray, node_up: FloatArray, terminals: set[int]
) -> tuple[FloatArray, int]:
    """Return (sets,) probabilities that the terminals work and are joined, and the most states held at once.

    ``link_up`` (m, sets) and ``node_up`` (n, sets) are independent chances.  Raises :class:`TargetError` where the
    frontier is too wide or the states are too many.
    """
    factor, parts = reduced(link_node, link_up, node_up, terminals)
    peak = 1
    for part in parts:
        chance, states = _swept(part)
        factor = factor * chance
        peak = max(peak, states)
    return factor, peak


def _swept(part: Part) -> tuple[FloatArray, int]:
    order = _narrow_order(part)
    n_sets = part.up.shape[1]
    chance = np.ones((order.taken.size, n_sets))
    is_node = order.step[:, 0] == ENTER
    is_link = ~is_node & (order.step[:, 0] != LEAVE)
    chance[is_node] = part.node_up[order.taken[is_node]]
    chance[is_link] = part.up[order.taken[is_link]]
    result, peak = np.empty(n_sets), 0
    for begin in range(0, n_sets, _SETS_AT_ONCE):
        own = np.ascontiguousarray(chance[:, begin : begin + _SETS_AT_ONCE])
        answer = np.empty(own.shape[1])
        states = sweep(order.step, own, order.width, int(part.terminal.sum()), STATES_MAX, answer)
        if states < 0:
            raise TargetError(
                Problem(f"the exact answer needs more than {STATES_MAX} states", "ask for method montecarlo")
            )
        result[begin : begin + _SETS_AT_ONCE] = answer
        peak = max(peak, states)
    return result, peak


def _sampled(
    network: Network, nodes: list[int], scenarios: Scenarios | None, n_samples: int, seed: int
) -> Availability:
    """Return the sampled answer; samples come in words of 64, so their number is rounded up."""
    risks = network.risks
    if scenarios is None:
        joined, total = _counted(
            network, nodes, link_up=network.link_availability_frac, group_up=1.0 - risks.unavailability_frac,
            key=(seed, 0), n_samples=n_samples,
        )  # fmt: skip
        share, low, high = _interval(joined, total)
        return Availability(share, low, high, "montecarlo", 1, 0, total)
    no_groups = np.ones(len(risks.group_id))
    share, spread, drawn = 0.0, 0.0, 0
    for i, (weight, up) in enumerate(zip(scenarios.probability.tolist(), scenarios.link_up, strict=True)):
        if weight <= 0.0:
            continue
        wanted = max(SAMPLES, math.ceil(n_samples * weight))
        joined, total = _counted(
            network, nodes, link_up=network.link_availability_frac * up, group_up=no_groups, key=(seed, i + 1),
            n_samples=wanted,
        )  # fmt: skip
        part, low, high = _interval(joined, total)
        share += weight * part
        spread += (weight * (high - low)) ** 2
        drawn += total
    # Strata are independent, so their widths add in squares; what has no scenario stays open.
    half, missing = 0.5 * math.sqrt(spread), max(0.0, 1.0 - float(scenarios.probability.sum()))
    return Availability(
        share + 0.5 * missing, max(0.0, share - half), min(1.0, share + missing + half), "montecarlo",
        scenarios.probability.size, 0, drawn,
    )  # fmt: skip


def _counted(
    network: Network,
    nodes: list[int],
    *,
    link_up: FloatArray,
    group_up: FloatArray,
    key: tuple[int, int],
    n_samples: int,
) -> tuple[int, int]:
    """Return how many samples join the nodes, and how many were drawn."""
    n_words = -(-n_samples // SAMPLES)
    joined = np.zeros(n_words, np.int64)
    rows, risks = network.rows, network.risks
    word_key = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    count_joined(
        rows.first, rows.neighbour, rows.arc, np.ascontiguousarray(link_up), network.node_availability_frac, group_up,
        risks.link_first, risks.link, np.array(nodes, np.int64), word_key, 0, n_words, joined,
    )  # fmt: skip
    return int(joined.sum()), n_words * SAMPLES


def _interval(joined: int, total: int) -> tuple[float, float, float]:
    """Return the share and its interval (Clopper and Pearson 1934)."""
    tail = 0.5 * (1.0 - CONFIDENCE)
    low = float(betaincinv(joined, total - joined + 1, tail)) if joined else 0.0
    high = float(betaincinv(joined + 1, total - joined, 1.0 - tail)) if joined < total else 1.0
    return joined / total, low, high
