"""Check a design against its instance alone: flows fit, ways avoid what failed, cuts hold, the bound follows.

Shares no code with the search.  A flow that does not fit is no proof of a fault, so the state in question is then
routed anew by a linear programme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import LinearConstraint, linprog, milp
from scipy.sparse import block_array, block_diag, coo_array, csr_array, eye_array
from scipy.sparse.csgraph import connected_components, dijkstra

from rahdari.methods.instance import as_instance
from rahdari.methods.survivable_model import NO_FAILURE, DesignViolation
from rahdari.methods.survivable_scenarios import resolve

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from rahdari.methods.instance import HoldsInstance, Instance
    from rahdari.methods.survivable_model import Design, Routing
    from rahdari.methods.survivable_scenarios import States

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

TOLERANCE = 1e-6  # relative: of a state's traffic, a link's cost, a cut's right side, the cost
ROUNDING = 1e-9  # relative: by which a cut may be missed in the integer programme
INTEGER_S = 300.0  # for the proof of a modular bound, several times the search's; what is not proven then is refused
SCALE = 1e3  # of the row that holds the cost below the bound: its slack is then far above the solver's tolerance
IMPOSSIBLE = 2  # the solver's word for a programme without a solution
ALL = "all"  # demand named where a fault belongs to none


def verify_design(instance: Instance | HoldsInstance, design: Design) -> None:
    """Raise DesignViolation at the first promise the design breaks; return where it keeps all.

    Checked: the capacity carries what must survive in every state (two disjoint full ways a demand under 1+1), what is
    cut off is told, the cost is that of the capacity, every cut holds, and the cuts add up to the lower bound.  The
    bound of 1+1 is that of the cheapest two ways of each demand by a linear programme; a modular bound beyond what the
    cuts add up to is that of an integer programme over them, solved again.
    """
    instance = as_instance(instance)
    states = resolve(instance, design.failures, "report")
    _check_cut_off(instance, design, states)
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
    if design.protection == "1+1":
        _check_pair_bound(instance, design, states)
    else:
        _check_bound(instance, design, states)


def _check_cut_off(instance: Instance, design: Design, states: States) -> None:
    """Raise DesignViolation for the first demand that a failure cuts off and the design does not tell."""
    value = dict(zip(instance.demand_id, instance.demand_value.tolist(), strict=True))
    for failure, demand in sorted(set(states.cut_off) - set(design.cut_off)):
        text = f"failure {failure!r} cuts off demand {demand!r} and the design does not say so"
        raise DesignViolation(failure, demand, value[demand], text)


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


def _unit_cost(instance: Instance, design: Design) -> FloatArray:
    """Return (m,) what a unit costs at the least: by the cheapest module where the design is modular."""
    if design.modules is None:
        return instance.link_unit_cost
    parts = zip(instance.link_module_cost, instance.link_module_capacity, strict=True)
    return np.array([float(np.min(np.asarray(cost) / np.asarray(size))) for cost, size in parts])


def _bridges(instance: Instance) -> NDArray[np.bool_]:
    """Return (m,) whether the loss of a link leaves the network in more parts."""
    n, m = len(instance.node_id), len(instance.link_id)

    def n_parts(kept: NDArray[np.bool_]) -> int:
        a, b = instance.link_node[kept].T
        return int(connected_components(coo_array((np.ones(a.size), (a, b)), shape=(n, n)), directed=False)[0])

    whole = n_parts(np.ones(m, dtype=np.bool_))
    return np.array([n_parts(np.arange(m) != link) > whole for link in range(m)], dtype=np.bool_)


def _check_pair_bound(instance: Instance, design: Design, states: States) -> None:
    """Raise DesignViolation unless the cheapest two link-disjoint ways of all demands cost the lower bound at least.

    One linear programme a source: two units of flow a demand, one at most on each link; a bridge takes both for the
    price of one.
    """
    cost, amount = _unit_cost(instance, design), states.amount[states.profile[0]]
    is_bridge, (n, m) = _bridges(instance), (len(instance.node_id), len(instance.link_id))
    tail, head = np.concatenate([instance.link_node, instance.link_node[:, ::-1]]).T
    arcs = np.tile(np.arange(2 * m), 2)
    incidence = coo_array((np.repeat([-1.0, 1.0], 2 * m), (np.concatenate([tail, head]), arcs)), shape=(n, 2 * m))
    price, most = np.tile(np.where(is_bridge, 0.5 * cost, cost), 2), np.tile(np.where(is_bridge, 2.0, 1.0), 2)
    bound = -float(cost @ instance.link_installed)
    for source in np.unique(instance.demand_node[amount > 0.0, 0]):
        own = np.flatnonzero((amount > 0.0) & (instance.demand_node[:, 0] == source))
        right = np.zeros((own.size, n))
        right[:, source] = -2.0
        right[np.arange(own.size), instance.demand_node[own, 1]] = 2.0
        balance: Any = block_diag([incidence] * own.size, format="csr")  # the library's stubs know no sums of shapes
        limits: Any = np.stack([np.zeros(2 * m * own.size), np.tile(most, own.size)], axis=1)
        weights = (amount[own, None] * price).ravel()
        found: Any = linprog(weights, A_eq=balance, b_eq=right.ravel(), bounds=limits, method="highs")
        bound += found.fun if found.status == 0 else 0.0
    if design.lower_bound > max(0.0, bound) * (1.0 + TOLERANCE):
        text = f"the cheapest pairs prove {max(0.0, bound):.6g}, not {design.lower_bound:.6g}"
        raise DesignViolation(NO_FAILURE, ALL, 0.0, text)


def _is_integer_bound(instance: Instance, design: Design) -> bool:
    """Return whether no whole modules that keep the design's cuts cost less than its lower bound."""
    number = {name: i for i, name in enumerate(instance.link_id)}
    size = [np.asarray(part, dtype=np.float64) for part in instance.link_module_capacity]
    owner = np.repeat(np.arange(len(size)), [len(part) for part in size])
    flat = np.concatenate(size)
    cost = np.concatenate([np.asarray(part, dtype=np.float64) for part in instance.link_module_cost])
    weight = np.zeros((len(design.cuts), len(size)))
    for row, cut in enumerate(design.cuts):
        for name, value in cut.weight.items():
            weight[row, number[name]] = value
    right = np.array([cut.right_side for cut in design.cuts]) - weight @ instance.link_installed
    found: Any = milp(
        np.zeros(flat.size),
        constraints=[
            LinearConstraint(weight[:, owner] * flat, lb=right * (1.0 - ROUNDING)),
            LinearConstraint((SCALE / design.lower_bound * cost)[None], ub=SCALE * (1.0 - TOLERANCE)),
        ],
        integrality=np.ones(flat.size, dtype=np.int64),
        options={"time_limit": INTEGER_S},
    )
    return bool(found.status == IMPOSSIBLE)


def _check_bound(instance: Instance, design: Design, states: States) -> None:
    """Raise DesignViolation unless every cut holds and the cuts prove the lower bound (restoration only)."""
    unit_cost = _unit_cost(instance, design)
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
    over = charged - unit_cost * (1.0 + TOLERANCE)
    if (over > 0.0).any():
        name = instance.link_id[int(np.argmax(over))]
        raise DesignViolation(NO_FAILURE, ALL, 0.0, f"the cuts charge link {name!r} more than its cost")
    is_proven = design.lower_bound <= max(0.0, bound) + TOLERANCE * abs(bound)
    if not is_proven and design.modules is not None:
        is_proven = _is_integer_bound(instance, design)
    if not is_proven:
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
