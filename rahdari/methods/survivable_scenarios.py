"""Failures as numbers: which links fail together, what must be carried then, and what nothing can save."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import rustworkx as rx
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.survivable_model import NO_FAILURE, Failure

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from rahdari.methods.instance import Instance

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

MOST_PROBLEMS = 20  # infeasible pairs listed in one error
_CURE = "connect the demand by another way, ask for a smaller share, or give unprotected='report'"


@dataclass(frozen=True, slots=True)
class States:
    """The state without failure (number 0) and all failures, in the order of their names.

    ``link`` holds the failed link numbers of each state; ``amount[profile[s]]`` (d,) is what state ``s`` must carry.
    """

    failures: tuple[Failure, ...]
    link: tuple[IntArray, ...]
    profile: IntArray
    amount: FloatArray
    cut_off: tuple[tuple[str, str], ...]

    def name(self, state: int) -> str:
        """Return the failure's name."""
        return self.failures[state - 1].name if state else NO_FAILURE


def checked_instance(instance: Instance) -> None:
    """Raise InputError with everything that makes the numbers of an instance unusable."""
    problems = []
    n = len(instance.node_id)
    for what, ids in (("link", instance.link_id), ("demand", instance.demand_id), ("node", instance.node_id)):
        if len(set(ids)) != len(ids):
            problems.append(Problem(f"{what} ids occur twice", "give each its own id"))
    for what, ids, ends in (
        ("link", instance.link_id, instance.link_node),
        ("demand", instance.demand_id, instance.demand_node),
    ):
        bad = np.flatnonzero(((ends < 0) | (ends >= n)).any(axis=1)) if len(ids) else ()
        problems += [Problem(f"{what} {ids[i]!r} ends at no known node", "name two nodes", row=int(i) + 1) for i in bad]
    for what, ids, value in (
        ("unit cost of link", instance.link_id, instance.link_unit_cost),
        ("installed capacity of link", instance.link_id, instance.link_installed),
        ("demand", instance.demand_id, instance.demand_value),
    ):
        bad = np.flatnonzero(~np.isfinite(value) | (value < 0.0))
        problems += [
            Problem(f"{what} {ids[i]!r} is {value[i]}", "give a finite number, zero or more", row=int(i) + 1)
            for i in bad
        ]
    raise_if_any(problems)


def as_failures(
    instance: Instance, failures: str | Sequence[Failure | Collection[str] | tuple[Collection[str], float]]
) -> tuple[Failure, ...]:
    """Return the failures asked for, by name; a collection holds link ids, a pair holds link ids and the share."""
    if isinstance(failures, str):
        if failures == "links":
            return tuple(Failure(name, frozenset([name])) for name in sorted(instance.link_id))
        if failures == NO_FAILURE:
            return ()
        raise InputError(Problem(f"failures {failures!r} is not known", "give 'links', 'none', or a list of failures"))
    found = []
    for item in failures:
        if isinstance(item, Failure):
            found.append(item)
            continue
        links: Any = item
        share = 1.0
        if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], (int, float)):  # noqa: PLR2004 - a pair
            links, share = item[0], float(item[1])
        names = frozenset(map(str, [links] if isinstance(links, str) else links))
        found.append(Failure("+".join(sorted(names)), names, share=share))
    _check_failures(instance, found)
    return tuple(sorted(found, key=lambda failure: failure.name))


def _check_failures(instance: Instance, failures: list[Failure]) -> None:
    """Raise InputError with every unknown id, share out of range, and name that is not unique."""
    links, nodes, demands = set(instance.link_id), set(instance.node_id), set(instance.demand_id)
    problems, seen = [], {NO_FAILURE}
    for row, failure in enumerate(failures, 1):
        if failure.name in seen:
            problems.append(Problem(f"failure {failure.name!r} occurs twice", "give each its own name", row=row))
        seen.add(failure.name)
        asked = {} if isinstance(failure.share, (int, float)) else failure.share
        for what, given, known in (
            ("link", failure.links, links), ("node", failure.nodes, nodes), ("demand", asked, demands)
        ):  # fmt: skip
            problems += [
                Problem(f"failure {failure.name!r} names {what} {name!r}", f"name a {what} of the instance", row=row)
                for name in sorted(map(str, set(given) - known))
            ]
        shares = [failure.share] if isinstance(failure.share, (int, float)) else list(failure.share.values())
        problems += [
            Problem(f"failure {failure.name!r} asks for the share {share}", "give 0 to 1", row=row)
            for share in shares
            if not 0.0 <= share <= 1.0
        ]
    raise_if_any(problems)


def bridges(n_nodes: int, link_node: IntArray) -> BoolArray:
    """Return (m,) whether a link's loss separates its ends."""
    graph = rx.PyGraph(multigraph=True)
    graph.add_nodes_from(range(n_nodes))
    low, high = link_node.min(axis=1), link_node.max(axis=1)
    pair = low * n_nodes + high
    graph.add_edges_from_no_data(list(zip(low.tolist(), high.tolist(), strict=True)))
    only = {int(min(a, b)) * n_nodes + int(max(a, b)) for a, b in cast("set[tuple[int, int]]", rx.bridges(graph))}
    values, count = np.unique(pair, return_counts=True)
    single = dict(zip(values.tolist(), (count == 1).tolist(), strict=True))
    return np.array([p in only and single[p] for p in pair.tolist()], dtype=np.bool_)


def _components(n_nodes: int, link_node: IntArray, failed: IntArray) -> IntArray:
    """Return (n,) the number of the part a node lies in when links have failed."""
    keep = np.ones(len(link_node), dtype=np.bool_)
    keep[failed] = False
    ends = link_node[keep]
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n_nodes, n_nodes))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _wanted(instance: Instance, failure: Failure | None) -> FloatArray:
    """Return (d,) what a failure leaves to carry, cut-off demands included."""
    value = np.where(instance.demand_node[:, 0] == instance.demand_node[:, 1], 0.0, instance.demand_value)
    if failure is None:
        return value
    if isinstance(failure.share, (int, float)):
        value = value * float(failure.share)
    else:
        value = value * np.array([failure.share.get(name, 1.0) for name in instance.demand_id])
    if failure.nodes:
        dead = np.array([name in failure.nodes for name in instance.node_id])
        value = np.where(dead[instance.demand_node].any(axis=1), 0.0, value)
    return value


def resolve(instance: Instance, failures: tuple[Failure, ...], unprotected: str) -> States:
    """Return all states as numbers.

    ``unprotected`` is "error" (a demand that a failure cuts off raises InputError) or "report" (it asks for nothing
    in that state and is listed in ``cut_off``).  A demand with no way even without a failure is always an error.
    """
    n, ends = len(instance.node_id), instance.link_node
    number = {name: i for i, name in enumerate(instance.link_id)}
    node_number = {name: i for i, name in enumerate(instance.node_id)}
    is_bridge = bridges(n, ends)
    profiles: dict[bytes, int] = {}
    amounts: list[FloatArray] = []
    links, profile, cut = [], [], []
    for failure in (None, *failures):
        failed = np.array(sorted(number[name] for name in failure.links) if failure else (), dtype=np.int64)
        if failure and failure.nodes:
            dead = np.zeros(n, dtype=np.bool_)
            dead[[node_number[name] for name in failure.nodes]] = True
            failed = np.union1d(failed, np.flatnonzero(dead[ends].any(axis=1)))
        amount = _wanted(instance, failure)
        if failed.size != 1 or is_bridge[failed[0]]:
            part = _components(n, ends, failed)[instance.demand_node]
            lost = np.flatnonzero((part[:, 0] != part[:, 1]) & (amount > 0.0))
            cut += [(failure.name if failure else NO_FAILURE, instance.demand_id[i]) for i in lost]
            amount = amount.copy()
            amount[lost] = 0.0
        key = amount.tobytes()
        if key not in profiles:
            profiles[key] = len(amounts)
            amounts.append(amount)
        links.append(failed)
        profile.append(profiles[key])
    _raise_cut_off(cut, unprotected)
    return States(failures, tuple(links), np.array(profile), np.array(amounts), tuple(cut))


def _raise_cut_off(cut: list[tuple[str, str]], unprotected: str) -> None:
    """Raise InputError where demands are cut off and that is not to be reported only."""
    wrong = [pair for pair in cut if pair[0] == NO_FAILURE or unprotected == "error"]
    problems = [
        Problem(f"demand {demand!r} has no way", "connect its ends or drop it")
        if failure == NO_FAILURE
        else Problem(f"failure {failure!r} cuts off demand {demand!r}", _CURE)
        for failure, demand in wrong[:MOST_PROBLEMS]
    ]
    if len(wrong) > MOST_PROBLEMS:
        problems.append(Problem(f"{len(wrong) - MOST_PROBLEMS} more pairs are infeasible", _CURE))
    raise_if_any(problems)
