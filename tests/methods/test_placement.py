"""Placement of edge nodes against every placement of tiny cases, and against a check that shares no code."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.placement import EdgeDemand, EdgeLimits, EdgeNetwork, EdgeServices, place
from tests.verifiers.placement import least_cost, placement_problems

Case = tuple[EdgeNetwork, EdgeServices, EdgeDemand, EdgeLimits]
SERVICES = EdgeServices([6.0, 3.0, 20.0], [8.0, 4.0, 0.0], ["none", "province", "none"], [True, True, False])


def case(  # noqa: PLR0917  # sizes
    seed: int, n_nodes: int, n_places: int, n_work: int, n_extra: int, per_mbps_km: float = 0.05
) -> Case:
    """Return a random tree with more links, candidates of several sizes, and workloads."""
    rng = np.random.Generator(np.random.Philox(seed))
    tree = [(int(rng.integers(0, node)), node) for node in range(1, n_nodes)]
    pairs = tree + [tuple(sorted(rng.choice(n_nodes, 2, replace=False).tolist())) for _ in range(n_extra)]
    zones = [str(node % 2) for node in range(n_nodes)]
    node = np.sort(rng.choice(n_nodes, n_places, replace=False))
    network = EdgeNetwork(
        n_nodes, pairs, rng.uniform(10.0, 90.0, len(pairs)), node, rng.uniform(20.0, 90.0, n_places),
        rng.uniform(20.0, 30.0, n_places), rng.integers(2, 6, n_places), np.full(n_places, 8.0),
        [zones[at] for at in node], ["XX"] * n_places,
    )  # fmt: skip
    origin = rng.integers(0, n_nodes, n_work)
    demand = EdgeDemand(
        origin, rng.integers(0, 3, n_work), rng.uniform(0.1, 0.9, n_work), rng.uniform(1.0, 20.0, n_work), (),
        [zones[at] for at in origin], ["XX"] * n_work,
    )  # fmt: skip
    return network, SERVICES, demand, EdgeLimits(per_mbps_km)


@pytest.mark.parametrize("seed", range(8))
def test_no_placement_of_a_tiny_case_costs_less_than_the_bound_and_few_cost_less_than_ours(seed: int) -> None:
    given = case(seed, 6, 3, 4, 4)
    plan = place(*given)
    assert placement_problems(*given, plan) == []
    if plan.unplaced.size or plan.alone.size:
        return
    least = least_cost(*given)
    assert plan.lower_bound <= least + 1e-6
    assert least - 1e-6 <= plan.cost <= 1.15 * least


@pytest.mark.parametrize("seed", range(4))
def test_a_larger_placement_keeps_every_rule(seed: int) -> None:
    given = case(seed, 60, 14, 120, 50)
    network = dataclasses.replace(given[0], n_servers_max=np.full(14, 30))
    given = (network, *given[1:])
    plan = place(*given)
    assert placement_problems(*given, plan) == []
    assert 0.0 <= plan.gap < 0.15
    assert (plan.assignment[:, 0] >= 0).sum() == 120 - plan.unplaced.size


def test_the_loss_of_any_node_or_link_leaves_every_protected_workload_a_node_with_room() -> None:
    network, services, demand, limits = case(3, 30, 8, 40, 40)
    services = dataclasses.replace(services, latency_ms=[50.0] * 3, residency=["none"] * 3, has_second=[True] * 3)
    network = dataclasses.replace(network, n_servers_max=np.full(8, 40))
    plan = place(network, services, demand, limits)
    assert not plan.unplaced.size
    assert not plan.alone.size
    main, second = plan.assignment.T
    room = np.zeros(8)
    room[plan.nodes] = plan.n_servers
    for lost in plan.nodes.tolist():
        after = np.where(main == lost, second, main)
        assert (np.bincount(after, demand.servers, 8) <= room + 1e-9).all()
    bridges = {link for i in range(40) for link in np.intersect1d(*plan.links[i]).tolist()}
    for lost in range(len(network.link_km)):
        hit = np.array([lost in plan.links[i][0] for i in range(40)])
        if lost in bridges:
            continue
        assert all(lost not in plan.links[i][1] for i in np.flatnonzero(hit))
        assert (np.bincount(np.where(hit, second, main), demand.servers, 8) <= room + 1e-9).all()


def test_a_tighter_limit_never_places_more() -> None:
    network, services, demand, limits = case(5, 40, 6, 60, 20)
    network = dataclasses.replace(network, n_servers_max=[90] * 6)
    placed = []
    for ratio in (1.0, 0.4, 0.1):
        tight = dataclasses.replace(services, latency_ms=[ratio * value for value in services.latency_ms])
        placed.append(60 - place(network, tight, demand, limits).unplaced.size)
    assert placed == sorted(placed, reverse=True)
    assert placed[0] > placed[2]


def test_data_that_must_stay_in_a_province_stays_and_nodes_that_go_dark_early_are_left_out() -> None:
    network, services, demand, limits = case(2, 40, 10, 80, 30)
    network = dataclasses.replace(network, autonomy_h=np.where(np.arange(10) < 5, 2.0, 8.0), n_servers_max=[60] * 10)
    plan = place(network, services, demand, limits)
    for item, held in enumerate(plan.assignment[:, 0].tolist()):
        if held < 0:
            continue
        assert services.autonomy_h[demand.service[item]] <= network.autonomy_h[held]
        if services.residency[demand.service[item]] == "province":
            assert network.zone[held] == demand.zone[item]


def test_the_answer_repeats() -> None:
    given = case(1, 50, 12, 90, 40)
    one, other = place(*given), place(*given)
    assert (one.assignment == other.assignment).all()
    assert one.lower_bound == other.lower_bound


def test_a_workload_on_no_fibre_or_heavier_than_any_node_is_named() -> None:
    network = EdgeNetwork(4, [[0, 1], [1, 2]], [10.0, 10.0], [0, 2], [1.0, 1.0], [1.0, 1.0], [2, 2], [8.0, 8.0])
    demand = EdgeDemand([1, 3, 1], [2, 2, 2], [0.5, 0.5, 3.0], [1.0, 1.0, 1.0])
    plan = place(network, SERVICES, demand)
    assert plan.unplaced.tolist() == [1, 2]


def test_all_faults_are_told_at_once() -> None:
    network = EdgeNetwork(2, [[0, 9]], [-1.0], [0, 5], [1.0], [1.0, 1.0], [1, 1], [float("nan"), 1.0])
    services = EdgeServices([1.0], [0.0], ["planet"], [True])
    with pytest.raises(InputError) as caught:
        place(network, services, EdgeDemand([0, 7], [0, 3], [1.0, 0.0], [1.0, 1.0]), EdgeLimits(-1.0, n_steps=0))
    columns = {problem.column for problem in caught.value.problems}
    expected = {"link_node", "link_km", "node", "fixed", "autonomy_h", "residency", "service", "servers"}
    assert expected | {"per_mbps_km", "n_steps"} <= columns
