"""Check a design against its instance alone: flows fit, ways avoid what failed, cuts hold, the bound follows.

Shares no code with the search.  A flow that does not fit is no proof of a fault, so the state in question is then
routed anew by a linear programme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import block_array, coo_array, csr_array, eye_array
from scipy.sparse.csgraph import dijkstra

from rahdari.methods.survivable_model import NO_FAILURE, DesignViolation
from rahdari.methods.survivable_scenarios import resolve

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from rahdari.methods.instance import Instance
    from rahdari.methods.survivable_model import Design, Routing
    from rahdari.methods.survivable_scenarios import States

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

TOLERANCE = 1e-6  # relative: of a state's traffic, a link's cost, a cut's right side, the cost
ALL = "all"  # demand named where a fault belongs to none


def verify_design(instance: Instance, design: Design) -> None:
    """Raise DesignViolation at the first promise the design breaks; return where it keeps all.

    Checked: the capacity carries what must survive in every state (two disjoint full ways a demand under 1+1), the
    cost is that of the capacity, every cut holds, and the cuts add up to the lower bound.
    """
    states = resolve(instance, design.failures, "report")
    capacity = _capacity(instance, design)
    routing = design.routing
    if routing is not None and not _chains_hold(instance, routing):
        routing = None
    if routing is not None and design.protection == "1+1":
        _check_pairs(instance, routing, states, capacity)
    else:
        spread = None if routing is None else _spread(routing, capacity.size)
        for state in range(len(states.link)):
            if routing is None or spread is None or not _fits(routing, spread, states, state, capacity):
                _route_anew(instance, states, state, capacity)
    if design.modules is None:
        _check_cost(instance, design, capacity)
    else:
        _check_modules(instance, design, design.modules, capacity)
    _check_bound(instance, design, states)


def _capacity(instance: Instance, design: Design) -> FloatArray:
    """Return (m,) capacities in the instance's order."""
    units = dict(zip(design.capacity["link_id"].to_list(), design.capacity["units"].to_list(), strict=True))
    missing = [name for name in instance.link_id if not units.get(name, -1.0) >= 0.0]
    if missing:
        raise DesignViolation(NO_FAILURE, ALL, 0.0, f"link {missing[0]!r} has no capacity in the table")
    return np.array([units[name] for name in instance.link_id], dtype=np.float64)


def _ends_of(instance: Instance, routing: Routing, path: int) -> tuple[IntArray, bool]:
    """Return the links of a path, and whether they lead from one end of its section to the other."""
    links = routing.path_link[routing.path_start[path] : routing.path_start[path + 1]]
    node, target = routing.section_node[routing.path_section[path]].tolist()
    for link in links.tolist():
        a, b = instance.link_node[link].tolist()
        if node not in {a, b}:
            return links, False
        node = b if node == a else a
    return links, node == target


def _chains_hold(instance: Instance, routing: Routing) -> bool:
    """Return whether sections lead each demand from its first end to its second and every path keeps to its section."""
    for (a, b), chain in zip(instance.demand_node.tolist(), routing.demand_section, strict=True):
        node = a
        for u, v in routing.section_node[chain].tolist():
            if node not in {u, v}:
                return False
            node = v if node == u else u
        if chain.size and node != b:
            return False
    return all(_ends_of(instance, routing, path)[1] for path in range(len(routing.path_section)))


def _section_amount(routing: Routing, amount: FloatArray) -> FloatArray:
    """Return (j,) what the sections carry for (d,) demands."""
    total = np.zeros(len(routing.section_node))
    for value, chain in zip(amount.tolist(), routing.demand_section, strict=True):
        total[chain] += value
    return total


def _spread(routing: Routing, n_links: int) -> csr_array:
    """Return (links, paths) how often each path uses each link."""
    n_paths = len(routing.path_section)
    return csr_array(
        (np.ones(routing.path_link.size), routing.path_link, routing.path_start), shape=(n_paths, n_links)
    ).T.tocsr()


def _fits(routing: Routing, spread: csr_array, states: States, state: int, capacity: FloatArray) -> bool:
    """Return whether the routing carries a state's traffic on links that work, within the capacity."""
    amount = states.amount[states.profile[state]]
    wanted = _section_amount(routing, amount)
    if any(
        value > 0.0 and not chain.size for value, chain in zip(amount.tolist(), routing.demand_section, strict=True)
    ):
        return False
    section = routing.path_section[routing.flow_path]
    used = routing.flow_case == routing.case[routing.section_group[section], state]
    flow = np.where(used, routing.flow_share * wanted[section], 0.0)
    sent = np.bincount(section, weights=flow, minlength=wanted.size)
    if (sent < wanted * (1.0 - TOLERANCE)).any() or (flow < 0.0).any():
        return False
    per_path = np.bincount(routing.flow_path, weights=flow, minlength=len(routing.path_section))
    load = np.asarray(spread @ per_path)
    slack = TOLERANCE * np.maximum(capacity, load.max(initial=0.0) * TOLERANCE)
    return not (load[states.link[state]] > 0.0).any() and bool((load <= capacity + slack).all())


def _check_pairs(instance: Instance, routing: Routing, states: States, capacity: FloatArray) -> None:
    """Raise DesignViolation unless each demand has two disjoint ways, whole and at once, where two exist."""
    amount = states.amount[states.profile[0]]
    wanted = _section_amount(routing, amount)
    load = np.zeros(capacity.size)
    seen: dict[int, set[int]] = {}
    for path, section in enumerate(routing.path_section.tolist()):
        links, _ = _ends_of(instance, routing, path)
        load[links] += wanted[section]
        # A way of one link may be the only one; the state in which it fails then reports the demand as cut off.
        if seen.setdefault(section, set()) & set(links.tolist()):
            raise DesignViolation(NO_FAILURE, ALL, 0.0, f"the two ways of section {section} share a link")
        seen[section] |= set(links.tolist())
    lone = {demand for _, demand in states.cut_off}
    ways = np.bincount(routing.path_section, minlength=wanted.size)
    for d, chain in enumerate(routing.demand_section):
        if amount[d] > 0.0 and (not chain.size or (ways[chain].min() < 2 and instance.demand_id[d] not in lone)):  # noqa: PLR2004 - two ways
            raise DesignViolation(NO_FAILURE, instance.demand_id[d], float(amount[d]))
    over = load - capacity * (1.0 + TOLERANCE)
    worst = int(np.argmax(over))
    if over[worst] > TOLERANCE * load.max(initial=0.0) * TOLERANCE:
        crossing = [path for path in range(ways.sum()) if worst in set(_ends_of(instance, routing, path)[0].tolist())]
        section = int(routing.path_section[crossing[0]])
        demand = next(
            d for d, chain in enumerate(routing.demand_section) if section in set(chain.tolist()) and amount[d]
        )
        raise DesignViolation(NO_FAILURE, instance.demand_id[demand], float(over[worst]))


def _route_anew(instance: Instance, states: States, state: int, capacity: FloatArray) -> None:
    """Raise DesignViolation unless a linear programme over arc flows, by source, carries a state's traffic."""
    amount = states.amount[states.profile[state]]
    asked = np.flatnonzero(amount > 0.0)
    if not asked.size:
        return
    works = np.ones(capacity.size, dtype=np.bool_)
    works[states.link[state]] = False
    links = np.flatnonzero(works & (capacity > 0.0))
    n, m, ends = len(instance.node_id), links.size, instance.link_node[links]
    arc = np.concatenate([ends, ends[:, ::-1]])
    rows = np.concatenate([arc[:, 1], arc[:, 0]])
    signs = np.concatenate([np.ones(2 * m), -np.ones(2 * m)])
    incidence = coo_array((signs, (rows, np.tile(np.arange(2 * m), 2))), shape=(n, 2 * m)).tocsr()
    sources = np.unique(instance.demand_node[asked, 0])
    place = np.searchsorted(sources, instance.demand_node[asked, 0]) * n
    size = n * sources.size
    # Unserved units of a demand appear at its target and vanish at its source.
    at = np.concatenate([place + instance.demand_node[asked, 1], place + instance.demand_node[asked, 0]])
    lost = coo_array(
        (np.repeat([1.0, -1.0], asked.size), (at, np.tile(np.arange(asked.size), 2))), shape=(size, asked.size)
    )
    flows = block_array([[incidence if i == j else None for j in range(sources.size)] for i in range(sources.size)])
    balance: Any = block_array([[flows, lost]])  # the library's stubs know no sums of shapes
    share = block_array([[eye_array(m), eye_array(m)]])
    limit: Any = block_array([[*([share] * sources.size), csr_array((m, asked.size))]])
    right = np.zeros(size)
    np.add.at(right, place + instance.demand_node[asked, 1], amount[asked])
    np.add.at(right, place + instance.demand_node[asked, 0], -amount[asked])
    cost = np.concatenate([np.zeros(2 * m * sources.size), np.ones(asked.size)])
    bounds: Any = np.zeros((cost.size, 2))
    bounds[:, 1] = np.concatenate([np.full(cost.size - asked.size, np.inf), amount[asked]])
    found: Any = linprog(
        cost, A_ub=limit.tocsr(), b_ub=capacity[links], A_eq=balance.tocsr(), b_eq=right, bounds=bounds, method="highs"
    )
    if found.status != 0 or found.fun > TOLERANCE * float(amount.sum()):
        missing = found.x[-asked.size :] if found.status == 0 else amount[asked]
        worst = int(np.argmax(missing))
        raise DesignViolation(states.name(state), instance.demand_id[asked[worst]], float(missing[worst]))


def _check_cost(instance: Instance, design: Design, capacity: FloatArray) -> None:
    """Raise DesignViolation unless the cost is that of the new capacity."""
    cost = float(instance.link_unit_cost @ np.maximum(0.0, capacity - instance.link_installed))
    if abs(cost - design.cost) > TOLERANCE * max(cost, design.cost):
        raise DesignViolation(NO_FAILURE, ALL, 0.0, f"the capacity costs {cost:.6g}, not {design.cost:.6g}")


def _check_modules(instance: Instance, design: Design, modules: pl.DataFrame, capacity: FloatArray) -> None:
    """Raise DesignViolation unless whole modules make the capacity and the cost, and the bound is not above it."""
    number = {name: i for i, name in enumerate(instance.link_id)}
    held, cost = instance.link_installed.copy(), 0.0
    for name, module, count in modules.select("link_id", "module", "count").iter_rows():
        if count < 0:
            raise DesignViolation(NO_FAILURE, ALL, 0.0, f"link {name!r} has {count} modules")
        held[number[name]] += count * float(instance.link_module_capacity[number[name]][module])
        cost += count * float(instance.link_module_cost[number[name]][module])
    short = capacity - held * (1.0 + TOLERANCE)
    if (short > 0.0).any():
        name = instance.link_id[int(np.argmax(short))]
        raise DesignViolation(NO_FAILURE, ALL, 0.0, f"the modules of link {name!r} hold less than its capacity")
    if abs(cost - design.cost) > TOLERANCE * max(cost, design.cost):
        raise DesignViolation(NO_FAILURE, ALL, 0.0, f"the modules cost {cost:.6g}, not {design.cost:.6g}")
    if design.lower_bound > cost * (1.0 + TOLERANCE):
        raise DesignViolation(NO_FAILURE, ALL, 0.0, "the lower bound is above the cost")


def _check_bound(instance: Instance, design: Design, states: States) -> None:
    """Raise DesignViolation unless every cut holds and the cuts prove the lower bound (restoration only)."""
    if design.protection == "1+1" or design.modules is not None:
        return
    number = {name: i for i, name in enumerate(instance.link_id)}
    state = {NO_FAILURE: 0, **{failure.name: s for s, failure in enumerate(design.failures, 1)}}
    charged, bound = np.zeros(len(instance.link_id)), 0.0
    for cut in design.cuts:
        weight = np.zeros(charged.size)
        for name, value in cut.weight.items():
            weight[number[name]] = value
        right = _right_side(instance, states, state[cut.failure], weight)
        if cut.right_side > right * (1.0 + TOLERANCE) or (weight < 0.0).any() or cut.multiplier < 0.0:
            text = f"a cut of failure {cut.failure!r} asks for {cut.right_side:.6g}, its metric gives {right:.6g}"
            raise DesignViolation(cut.failure, ALL, cut.right_side - right, text)
        charged += cut.multiplier * weight
        bound += cut.multiplier * (cut.right_side - float(weight @ instance.link_installed))
    over = charged - instance.link_unit_cost * (1.0 + TOLERANCE)
    if (over > 0.0).any():
        name = instance.link_id[int(np.argmax(over))]
        raise DesignViolation(NO_FAILURE, ALL, 0.0, f"the cuts charge link {name!r} more than its cost")
    if design.lower_bound > bound + TOLERANCE * abs(bound):
        raise DesignViolation(NO_FAILURE, ALL, 0.0, f"the cuts prove {bound:.6g}, not {design.lower_bound:.6g}")


def _right_side(instance: Instance, states: States, state: int, weight: FloatArray) -> float:
    """Return the sum of what a state must carry times its distance in a metric, on links that work."""
    works = np.ones(weight.size, dtype=np.bool_)
    works[states.link[state]] = False
    n = len(instance.node_id)
    ends, length = np.sort(instance.link_node[works], axis=1), weight[works]
    # Of parallel links the shortest counts; sparse matrices would add them up.
    order = np.lexsort((length, ends[:, 1], ends[:, 0]))
    ends, length = ends[order], length[order]
    is_first = np.ones(len(ends), dtype=np.bool_)
    is_first[1:] = (ends[1:] != ends[:-1]).any(axis=1)
    graph = csr_array((length[is_first], (ends[is_first, 0], ends[is_first, 1])), shape=(n, n))
    amount = states.amount[states.profile[state]]
    asked = np.flatnonzero(amount > 0.0)
    if not asked.size:
        return 0.0
    # Distances are the same both ways: the end that more demands have is the source, so that few sources do.
    pair = instance.demand_node[asked]
    count = np.bincount(pair.ravel(), minlength=n)
    is_turned = count[pair[:, 1]] > count[pair[:, 0]]
    sources, place = np.unique(np.where(is_turned, pair[:, 1], pair[:, 0]), return_inverse=True)
    distance = dijkstra(graph, directed=False, indices=sources)
    return float(amount[asked] @ distance[place, np.where(is_turned, pair[:, 0], pair[:, 1])])
