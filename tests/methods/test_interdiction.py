"""The worst failures against brute force with another linear programme, and against the mixed-integer form."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog

from rahdari.errors import InputError
from rahdari.methods.interdiction import harden, interdict
from rahdari.methods.network import Network, make_network
from rahdari.sources.networks.files import load_instance

if TYPE_CHECKING:
    from pathlib import Path

Demand = dict[tuple[str, str], float]
TOLERANCE = 1e-6


def drawn(seed: int) -> tuple[Network, Demand, dict[str, float]]:
    """Return a random network with parallel links, demand and capacity."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    ends = [(int(rng.integers(0, i)), i) for i in range(1, n)]
    ends += [(a, b) for a, b in rng.integers(0, n, (5, 2)).tolist() if a != b]
    names = [f"n{i}" for i in range(n)]
    network = make_network(names, [f"l{i}" for i in range(len(ends))], [(names[a], names[b]) for a, b in ends], 1.0)
    demand = {(a, b): float(rng.integers(1, 9)) for a, b in combinations(names, 2) if rng.random() < 0.7}
    return network, demand | {(names[0], names[1]): 3.0}, {name: float(rng.integers(2, 20)) for name in network.link_id}


def lost(network: Network, demand: Demand, capacity: dict[str, float], gone: frozenset[str]) -> float:
    """Return the demand not carried, by flows on directed arcs, one commodity a demand."""
    arcs = [
        (a, b, link)
        for link, (a, b) in enumerate(network.link_node.tolist())
        for a, b in ((a, b), (b, a))
        if network.link_id[link] not in gone
    ]
    n_arcs, pairs = len(arcs), list(demand)
    width = n_arcs + 1
    cost = np.zeros(width * len(pairs))
    cost[n_arcs::width] = -1.0
    room, keep = np.zeros((network.n_links, cost.size)), np.zeros((len(pairs) * network.n_nodes, cost.size))
    for i, (a, b) in enumerate(pairs):
        for j, (u, v, link) in enumerate(arcs):
            room[link, i * width + j] = 1.0
            keep[i * network.n_nodes + u, i * width + j] += 1.0
            keep[i * network.n_nodes + v, i * width + j] -= 1.0
        keep[i * network.n_nodes + network.node(a), i * width + n_arcs] = -1.0
        keep[i * network.n_nodes + network.node(b), i * width + n_arcs] = 1.0
    most = [bound for pair in pairs for bound in ([(0.0, None)] * n_arcs + [(0.0, demand[pair])])]
    limits = np.array([capacity[name] for name in network.link_id])
    found = linprog(cost, A_ub=room, b_ub=limits, A_eq=keep, b_eq=np.zeros(len(keep)), bounds=most)
    return float(sum(demand.values()) + found.fun)


def worst(network: Network, demand: Demand, capacity: dict[str, float], k: int, kept: frozenset[str]) -> float:
    open_links = sorted(set(network.link_id) - kept)
    sets = combinations(open_links, min(k, len(open_links)))
    return max(lost(network, demand, capacity, frozenset(gone)) for gone in sets)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_worst_set_is_that_of_brute_force_with_its_proof(seed: int, k: int) -> None:
    network, demand, capacity = drawn(seed)
    found = interdict(network, demand, k, capacity=capacity)
    assert found.loss == pytest.approx(worst(network, demand, capacity, k, frozenset()), abs=TOLERANCE)
    assert found.loss == pytest.approx(lost(network, demand, capacity, frozenset(found.element_id)), abs=TOLERANCE)
    assert found.bound == pytest.approx(found.loss, abs=1e-5)
    assert found.certificate.lower_bound is not None
    assert found.certificate.lower_bound <= found.certificate.cost + TOLERANCE


@pytest.mark.parametrize("seed", range(8, 16))
def test_search_and_mixed_integer_programme_agree(seed: int) -> None:
    network, demand, capacity = drawn(seed)
    one = interdict(network, demand, 2, capacity=capacity)
    two = interdict(network, demand, 2, capacity=capacity, method="milp")
    assert one.loss == pytest.approx(two.loss, abs=TOLERANCE)
    assert two.bound == pytest.approx(one.bound, abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_hardening_leaves_the_least_that_any_hardening_leaves(seed: int) -> None:
    network, demand, capacity = drawn(seed)
    found = harden(network, demand, 2, n_hardened=1, capacity=capacity)
    least = min(worst(network, demand, capacity, 2, frozenset({name})) for name in network.link_id)
    assert found.loss_after == pytest.approx(least, abs=TOLERANCE)
    assert found.least_after <= found.loss_after + TOLERANCE
    assert len(found.element_id) <= 1
    assert found.loss_after <= found.loss_before + TOLERANCE


def test_more_failures_never_cost_less_and_more_capacity_never_costs_more() -> None:
    network, demand, capacity = drawn(3)
    losses = [interdict(network, demand, k, capacity=capacity).loss for k in (1, 2, 3)]
    assert losses == sorted(losses)
    larger = {name: 2.0 * value for name, value in capacity.items()}
    assert interdict(network, demand, 2, capacity=larger).loss <= losses[1] + TOLERANCE


def test_links_that_fail_together_are_one_element() -> None:
    network = make_network("abc", ["x", "y", "z"], [("a", "b"), ("a", "b"), ("b", "c")], 1.0)
    demand = {("a", "b"): 8.0, ("b", "c"): 3.0}
    alone = interdict(network, demand, 1, capacity=[8.0, 8.0, 8.0])
    duct = interdict(network, demand, 1, capacity=[8.0, 8.0, 8.0], elements={"duct": ["x", "y"], "z": ["z"]})
    assert (alone.element_id, alone.loss) == (("z",), 3.0)
    assert (duct.element_id, duct.loss) == (("duct",), 8.0)


def test_a_search_out_of_time_still_bounds_every_set() -> None:
    network, demand, capacity = drawn(5)
    short = interdict(network, demand, 3, capacity=capacity, time_limit_s=0.0)
    full = interdict(network, demand, 3, capacity=capacity)
    assert short.loss <= full.loss + TOLERANCE <= short.bound + 2 * TOLERANCE


def test_names_stay_out_of_print() -> None:
    network, demand, capacity = drawn(2)
    found = interdict(network, demand, 2, capacity=capacity)
    assert found.element_id
    assert not any(name in repr(found) for name in network.link_id)
    assert found.label == "secret"


def test_a_table_of_demand_and_a_mapping_agree() -> None:
    network, demand, capacity = drawn(4)
    table = pl.DataFrame(
        {
            "from_node_id": [a for a, _ in demand],
            "to_node_id": [b for _, b in demand],
            "demand_gbps": list(demand.values()),
        }
    )
    one, two = (interdict(network, each, 2, capacity=capacity) for each in (demand, table))
    assert one == two


@pytest.mark.parametrize(
    "wrong",
    [{"k": 0}, {"capacity": None}, {"capacity": [1.0]}, {"elements": {"e": ["nothing"]}}, {"hardened": ["nothing"]}],
)
def test_what_cannot_be_asked_is_refused_with_a_cure(wrong: dict[str, object]) -> None:
    network, demand, capacity = drawn(1)
    with pytest.raises(InputError) as refused:
        interdict(network, demand, **{"k": 2, "capacity": capacity, **wrong})  # type: ignore[arg-type]
    assert all(problem.cure for problem in refused.value.problems)


@pytest.mark.shared
def test_a_published_network_is_solved_to_a_closed_gap(shared_folder: Path) -> None:
    instance = load_instance(shared_folder / "validation" / "backbone" / "nobel-germany.txt")
    room = dict.fromkeys(instance.link_id, 120.0)
    found = interdict(instance, None, 2, capacity=room)
    assert found.gap_frac < 1e-5
    assert found.loss > found.lost_without_failure
