"""Re-check a survivable design and its bound from written files alone; shares no code with the solver.

The bound is checked in exact fractions of the written numbers; the capacity by a linear programme over arcs in every
state, with its own reading of what fails.
"""

from __future__ import annotations

import heapq
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import lil_array

NO_FAILURE = "none"
RELATIVE = 1e-6  # of a state's traffic that may stay unserved by rounding
BOUND_SLACK = Fraction(1, 10**7)  # relative: distances are sums of rounded weights


def _wanted(instance: dict[str, Any], failure: dict[str, Any] | None) -> list[float]:
    """Return what each demand must get through in a state, 0 where its ends are apart."""
    wanted = []
    dead = set(failure["nodes"]) if failure else set()
    group = _groups(instance, failure)
    for demand_id, a, b, value in instance.get("demands", []):
        share = 1.0
        if failure:
            share = failure["share"] if isinstance(failure["share"], float) else failure["share"].get(demand_id, 1.0)
        is_lost = a == b or a in dead or b in dead or group[a] != group[b]
        wanted.append(0.0 if is_lost else value * share)
    return wanted


def _working(instance: dict[str, Any], failure: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """Return the links that work in a state."""
    failed = set(failure["links"]) if failure else set()
    dead = set(failure["nodes"]) if failure else set()
    return [
        (name, a, b) for name, a, b, _, _ in instance["links"] if name not in failed and a not in dead and b not in dead
    ]


def _groups(instance: dict[str, Any], failure: dict[str, Any] | None) -> dict[str, str]:
    """Return a representative of the connected part of each node in a state."""
    top = {node: node for node in instance["nodes"]}

    def find(x: str) -> str:
        while top[x] != x:
            x = top[x]
        return x

    for _, a, b in _working(instance, failure):
        top[find(a)] = find(b)
    return {node: find(node) for node in instance["nodes"]}


def _distances(links: list[tuple[str, str, str]], weight: dict[str, Fraction], source: str) -> dict[str, Fraction]:
    """Return exact distances from a node."""
    near: dict[str, list[tuple[str, Fraction]]] = {}
    for name, a, b in links:
        near.setdefault(a, []).append((b, weight.get(name, Fraction(0))))
        near.setdefault(b, []).append((a, weight.get(name, Fraction(0))))
    found: dict[str, Fraction] = {}
    heap = [(Fraction(0), source)]
    while heap:
        so_far, node = heapq.heappop(heap)
        if node in found:
            continue
        found[node] = so_far
        for other, length in near.get(node, []):
            if other not in found:
                heapq.heappush(heap, (so_far + length, other))
    return found


def _state(design: dict[str, Any], name: str) -> dict[str, Any] | None:
    return None if name == NO_FAILURE else next(f for f in design["failures"] if f["name"] == name)


def bound_problems(instance: dict[str, Any], design: dict[str, Any]) -> list[str]:
    """Say what is wrong with the lower bound: a cut that does not hold, an overcharged link, a wrong sum."""
    wrong = []
    charged: dict[str, Fraction] = {}
    bound = Fraction(0)
    installed = {name: Fraction(units) for name, _, _, _, units in instance["links"]}
    for cut in design["cuts"]:
        failure = _state(design, cut["failure"])
        weight = {name: Fraction(value) for name, value in cut["weight"].items()}
        right, y = Fraction(cut["right_side"]), Fraction(cut["multiplier"])
        if min(weight.values()) < 0 or y < 0:
            wrong.append(f"a cut of {cut['failure']} has a negative weight or multiplier")
        links = _working(instance, failure)
        proven, known = Fraction(0), dict[str, dict[str, Fraction]]()
        for (_, a, b, _), value in zip(instance["demands"], _wanted(instance, failure), strict=True):
            if value > 0.0:
                if a not in known:
                    known[a] = _distances(links, weight, a)
                proven += Fraction(value) * known[a][b]
        if right > proven * (1 + BOUND_SLACK):
            wrong.append(f"a cut of {cut['failure']} asks for {float(right)}, its metric gives {float(proven)}")
        for name, value in weight.items():
            charged[name] = charged.get(name, Fraction(0)) + y * value
        bound += y * (right - sum(value * installed[name] for name, value in weight.items()))
    for name, _, _, cost, _ in instance["links"]:
        if charged.get(name, Fraction(0)) > Fraction(cost):
            wrong.append(f"link {name} is charged {float(charged[name])}, its cost is {cost}")
    if Fraction(design["lower_bound"]) > bound * (1 + BOUND_SLACK):
        wrong.append(f"the cuts prove {float(bound)}, not {design['lower_bound']}")
    return wrong


def unserved(instance: dict[str, Any], capacity: dict[str, float], failure: dict[str, Any] | None) -> float:
    """Return the least total of demand that a capacity leaves unserved in a state, demand by demand."""
    links, wanted = _working(instance, failure), _wanted(instance, failure)
    asked = [i for i, value in enumerate(wanted) if value > 0.0]
    nodes = {node: i for i, node in enumerate(instance["nodes"])}
    n, m = len(nodes), len(links)
    width = len(asked) * (2 * m + 1)
    balance, limit = lil_array((len(asked) * n, width)), lil_array((m, width))
    right, cost = np.zeros(len(asked) * n), np.zeros(width)
    most = np.full(width, np.inf)
    for j, i in enumerate(asked):
        _, a, b, _ = instance["demands"][i]
        base = j * (2 * m + 1)
        for e, (_, u, v) in enumerate(links):
            for column, tail, head in ((base + 2 * e, u, v), (base + 2 * e + 1, v, u)):
                balance[j * n + nodes[tail], column] -= 1.0
                balance[j * n + nodes[head], column] += 1.0
                limit[e, column] = 1.0
        lost = base + 2 * m
        balance[j * n + nodes[b], lost], balance[j * n + nodes[a], lost] = 1.0, -1.0
        right[j * n + nodes[b]], right[j * n + nodes[a]] = wanted[i], -wanted[i]
        cost[lost], most[lost] = 1.0, wanted[i]
    if not asked:
        return 0.0
    room = np.array([capacity[name] for name, _, _ in links])
    found = linprog(
        cost, limit.tocsr(), room, balance.tocsr(), right, np.stack([np.zeros(width), most], axis=1), method="highs"
    )
    assert found.status == 0, found.message
    return float(found.fun)


def design_problems(instance: dict[str, Any], design: dict[str, Any]) -> list[str]:
    """Say what is wrong with the capacity: a state it does not serve, a wrong cost, a gap that is not."""
    capacity = {row["link_id"]: row["units"] for row in design["capacity"]}
    wrong = []
    for failure in (None, *design["failures"]):
        total = sum(_wanted(instance, failure))
        missing = unserved(instance, capacity, failure)
        if missing > RELATIVE * total:
            wrong.append(f"failure {failure['name'] if failure else NO_FAILURE} leaves {missing} unserved")
    cost = sum(price * max(0.0, capacity[name] - units) for name, _, _, price, units in instance["links"])
    if abs(cost - design["cost"]) > RELATIVE * max(cost, 1e-9):
        wrong.append(f"the capacity costs {cost}, not {design['cost']}")
    if design["lower_bound"] > design["cost"]:
        wrong.append("the bound is above the cost")
    return wrong
