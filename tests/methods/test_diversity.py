"""Disjoint routes against exhaustive search, networkx, and the laws they must keep."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.diversity import Candidate, cheapest_cure, disjoint_pairs_from, disjoint_routes
from rahdari.methods.diversity_result import shared_things
from rahdari.methods.diversity_shared import WAY_OVER_CROW
from rahdari.methods.geo import great_circle_km
from rahdari.methods.network import Network, make_network
from tests.helpers.networks import all_routes, cheapest_by_trying, group_frames, random_network

ENDS = ("n0", "n1")


def three_ways(groups: dict[str, list[str]]) -> Network:
    """Three ways of two links each between a and b."""
    ends = [end for way in "xyz" for end in (("a", way), (way, "b"))]
    frame, members = group_frames(groups)
    return make_network(
        "abxyz",
        [f"{way}{side}" for way in "xyz" for side in (1, 2)],
        ends,
        [1.0, 1.0, 2.0, 2.0, 3.0, 3.0],
        node_lon_deg=[0.0, 2.0, 1.0, 1.0, 1.0],
        node_lat_deg=[0.0, 0.0, 0.5, 0.0, -0.5],
        risk_groups=frame,
        risk_group_members=members,
    )


def connected(network: Network, without_links: set[str], without_nodes: set[str], ends: tuple[str, str]) -> bool:
    graph = nx.MultiGraph()
    graph.add_nodes_from(network.node_id)
    for name, (u, v) in zip(network.link_id, network.link_node.tolist(), strict=True):
        if name not in without_links:
            graph.add_edge(network.node_id[u], network.node_id[v])
    graph.remove_nodes_from(without_nodes)
    return nx.has_path(graph, *ends)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("disjoint", ["link", "node", "risk"])
def test_the_cheapest_routes_equal_exhaustive_search(seed: int, disjoint: str) -> None:
    network = random_network(seed)
    for k, max_rtt_ms in itertools.product((1, 2, 3), (None, 0.15, 0.1)):
        found = disjoint_routes(network, *ENDS, disjoint, k, max_rtt_ms, is_explained=False)
        best = cheapest_by_trying(network, ENDS, disjoint, k, max_rtt_ms or np.inf)
        if np.isinf(best):
            assert found.is_proven_none
            assert found.obstacle is not None
        else:
            assert found.cost == pytest.approx(best)
            assert found.lower_bound == pytest.approx(best)


@pytest.mark.parametrize("seed", range(60, 90))
def test_the_least_that_must_be_shared_equals_exhaustive_search(seed: int) -> None:
    network = random_network(seed, n_links=10)
    routes = all_routes(network, *ENDS)
    for disjoint in ("link", "node", "risk"):
        found = disjoint_routes(network, *ENDS, disjoint, measure="count")
        if not routes or not found.is_proven_none:
            continue
        kinds = {"link": (0,), "node": (0, 1), "risk": (0, 1, 2)}[disjoint]
        least = min(
            sum(len(shared_things(network, pair, ENDS)[kind]) for kind in kinds)
            for pair in itertools.combinations_with_replacement(routes, 2)
        )
        assert found.shared is not None
        assert found.shared.weight == least
        assert found.shared.lower_bound == least


@pytest.mark.parametrize("seed", range(90, 105))
def test_the_cheapest_cure_equals_trying_every_link(seed: int) -> None:
    network = random_network(seed, n_nodes=6, n_links=8, n_groups=3)
    lon, lat = network.node_lon_deg, network.node_lat_deg
    assert lon is not None
    assert lat is not None
    ends = [(network.node_id[u], network.node_id[v]) for u, v in network.link_node.tolist()]
    risks = network.risks
    groups = {
        name: [network.link_id[i] for i in risks.links_of(g).tolist()]
        + [network.node_id[v] for v in risks.nodes_of(g).tolist() if network.node_id[v] in ENDS]
        for g, name in enumerate(risks.group_id)
    }
    frame, members = group_frames(groups)
    for disjoint in ("link", "node", "risk"):
        found = disjoint_routes(network, *ENDS, disjoint)
        if not found.is_proven_none or found.obstacle is None or found.obstacle.kind == "no_way":
            continue
        best = np.inf
        for u, v in itertools.combinations(range(network.n_nodes), 2):
            cost = float(great_circle_km(lon[u], lat[u], lon[v], lat[v])) * WAY_OVER_CROW
            built = make_network(
                network.node_id, [*network.link_id, "new"], [*ends, (network.node_id[u], network.node_id[v])],
                [*network.link_km, 1.0], risk_groups=frame, risk_group_members=members,
            )  # fmt: skip
            if cost < best and np.isfinite(cheapest_by_trying(built, ENDS, disjoint, 2)):
                best = cost
        assert (found.cure.cost if found.cure else np.inf) == pytest.approx(best)


@pytest.mark.parametrize("disjoint", ["link", "node"])
def test_pairs_of_a_planar_network_equal_minimum_cost_flow(disjoint: str) -> None:
    random = np.random.Generator(np.random.Philox(key=5))
    grid = nx.grid_2d_graph(7, 7)
    names = {node: f"n{node[0]}{node[1]}" for node in grid}
    ends = [(names[u], names[v]) for u, v in grid.edges]
    cost = random.integers(1, 30, len(ends))
    network = make_network(list(names.values()), [f"l{i:03d}" for i in range(len(ends))], ends, cost.astype(float))
    arcs = nx.DiGraph()
    for (u, v), each in zip(ends, cost.tolist(), strict=True):
        for one, two in ((u, v), (v, u)):
            arcs.add_edge((one, "out"), (two, "in"), capacity=1, weight=each)
    for name in names.values():
        arcs.add_edge((name, "in"), (name, "out"), capacity=1 if disjoint == "node" else 9, weight=0)
    for target in ("n66", "n33", "n05"):
        arcs.add_edge("s", ("n00", "out"), capacity=2, weight=0)
        arcs.add_edge((target, "in"), "t", capacity=2, weight=0)
        best = nx.cost_of_flow(arcs, nx.max_flow_min_cost(arcs, "s", "t"))
        arcs.remove_node("t")
        assert disjoint_routes(network, "n00", target, disjoint).cost == pytest.approx(best)


@pytest.mark.parametrize("disjoint", ["link", "node"])
@pytest.mark.parametrize("seed", range(10))
def test_the_rooted_computation_gives_every_pair(seed: int, disjoint: str) -> None:
    network = random_network(seed, n_nodes=12, n_links=22, n_groups=0)
    pairs = disjoint_pairs_from(network, "n0", disjoint)
    for target in network.node_id:
        if target == "n0":
            continue
        single = disjoint_routes(network, "n0", target, disjoint, is_explained=False)
        routes = pairs.routes(target)
        assert bool(routes) == bool(single.routes)
        if routes:
            assert pairs.cost[network.node(target)] == pytest.approx(single.cost)
            assert sum(route.cost for route in routes) == pytest.approx(single.cost)
            links, nodes, _ = shared_things(network, routes, ("n0", target))
            assert not links
            assert disjoint == "link" or not nodes


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_a_stricter_demand_never_costs_less(seed: int) -> None:
    network = random_network(seed, n_nodes=9, n_links=18)
    cost = [
        answer.cost if answer.routes else np.inf
        for answer in (disjoint_routes(network, *ENDS, kind, is_explained=False) for kind in ("link", "node", "risk"))
    ]
    shortest = min((route.cost for route in all_routes(network, *ENDS)), default=np.inf)
    assert 2.0 * shortest <= cost[0] + 1e-9
    assert cost[0] <= cost[1] + 1e-9
    assert cost[1] <= cost[2] + 1e-9


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_routes_share_nothing_that_they_must_not_and_hold_their_bound(seed: int) -> None:
    network = random_network(seed, n_nodes=9, n_links=20)
    found = disjoint_routes(network, *ENDS, "risk", is_explained=False)
    if found.routes:
        assert shared_things(network, found.routes, ENDS) == (set(), set(), set())
        assert found.cost is not None
        assert found.lower_bound is not None
        assert found.lower_bound <= found.cost + 1e-9
        assert found.certificate is not None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_another_link_never_makes_routes_dearer(seed: int) -> None:
    network = random_network(seed, n_links=13, n_groups=0)
    fewer = make_network(
        network.node_id, network.link_id[1:],
        [(network.node_id[u], network.node_id[v]) for u, v in network.link_node[1:].tolist()], network.link_km[1:],
    )  # fmt: skip
    for disjoint in ("link", "node"):
        more, less = (disjoint_routes(each, *ENDS, disjoint, is_explained=False) for each in (network, fewer))
        if less.routes:
            assert more.cost is not None
            assert less.cost is not None
            assert more.cost <= less.cost + 1e-9


def test_the_order_of_the_rows_changes_nothing() -> None:
    network = random_network(3, n_groups=0)
    order = np.random.Generator(np.random.Philox(key=1)).permutation(network.n_links)
    ends = [(network.node_id[u], network.node_id[v]) for u, v in network.link_node.tolist()]
    shuffled = make_network(
        network.node_id[::-1], [network.link_id[i] for i in order], [ends[i] for i in order], network.link_km[order]
    )
    assert disjoint_routes(network, *ENDS).routes == disjoint_routes(shuffled, *ENDS).routes


def test_a_cut_that_is_named_separates_the_ends() -> None:
    bow = make_network(
        "abmn", ["am", "an", "mb", "nb", "mn"], [("a", "m"), ("a", "n"), ("m", "b"), ("n", "b"), ("m", "n")], 1.0
    )
    assert len(disjoint_routes(bow, "a", "b").routes) == 2
    found = disjoint_routes(bow, "a", "b", k=3)
    assert found.obstacle is not None
    assert found.obstacle.n_ways_most == 2
    assert len(found.obstacle.link_id) == 2
    assert not connected(bow, set(found.obstacle.link_id), set(found.obstacle.node_id), ("a", "b"))


def test_a_bridge_is_named_as_what_two_routes_share() -> None:
    ends = [("a", "m"), ("a", "m"), ("m", "n"), ("n", "b"), ("n", "b")]
    network = make_network("abmn", ["u", "v", "bridge", "w", "x"], ends, [1.0, 2.0, 10.0, 1.0, 2.0])
    found = disjoint_routes(network, "a", "b")
    assert found.is_proven_none
    assert found.shared is not None
    assert found.shared.link_id == ("bridge",)
    assert found.shared.weight == pytest.approx(network.link_rate_per_year[network.link_id.index("bridge")])
    assert found.shared.lower_bound == pytest.approx(found.shared.weight)


def test_a_group_that_separates_the_ends_is_the_obstacle() -> None:
    found = disjoint_routes(three_ways({"flood": ["x1", "y1", "z1"]}), "a", "b", "risk")
    assert found.obstacle is not None
    assert found.obstacle.kind == "group"
    assert found.shared is not None
    assert found.shared.group_id == ("flood",)
    assert found.shared.lower_bound == pytest.approx(found.shared.weight)


def test_groups_that_bar_every_pair_but_separate_nothing_are_proven_so() -> None:
    network = three_ways({"g1": ["x1", "y1"], "g2": ["y2", "z1"], "g3": ["x2", "z2"]})
    found = disjoint_routes(network, "a", "b", "risk", measure="count")
    assert found.is_proven_none
    assert found.obstacle is not None
    assert found.obstacle.kind in ("linear_program", "search")
    assert found.shared is not None
    assert (found.shared.weight, found.shared.lower_bound) == (1.0, 1.0)
    assert len(disjoint_routes(network, "a", "b", "node").routes) == 2


def test_a_group_that_holds_an_end_is_unavoidable_and_set_apart() -> None:
    network = three_ways({"landing": ["x1", "y1", "a"]})
    found = disjoint_routes(network, "a", "b", "risk")
    assert found.is_disjoint
    assert found.end_group_id == ("landing",)


def test_the_cheapest_candidate_that_cures_is_chosen() -> None:
    network = make_network("abm", ["am", "mb"], [("a", "m"), ("m", "b")], 1.0)
    candidates = [
        Candidate("useless", "a", "m", 1.0),
        Candidate("dear", "a", "b", 9.0),
        Candidate("good", "b", "a", 5.0),
    ]
    cure = cheapest_cure(network, "a", "b", candidates=candidates)
    assert cure is not None
    assert cure.candidate_id == "good"


def test_a_candidate_inside_the_common_group_does_not_cure() -> None:
    network = three_ways({"flood": ["x1", "y1", "z1"]})
    wet = Candidate("wet", "a", "b", 1.0, group_id=("flood",))
    dry = Candidate("dry", "a", "b", 2.0)
    cure = cheapest_cure(network, "a", "b", "risk", candidates=[wet, dry])
    assert cure is not None
    assert cure.candidate_id == "dry"


def test_slow_routes_give_way_to_dearer_fast_ones() -> None:
    network = make_network(
        "ab", ["p", "q", "r"], [("a", "b")] * 3, [1.0, 1.0, 1.0],
        link_cost=[1.0, 2.0, 9.0], link_delay_ms=[5.0, 1.0, 1.0],
    )  # fmt: skip
    assert disjoint_routes(network, "a", "b").cost == pytest.approx(3.0)
    fast = disjoint_routes(network, "a", "b", max_rtt_ms=4.0)
    assert [route.link_id for route in fast.routes] == [("q",), ("r",)]
    assert disjoint_routes(network, "a", "b", max_rtt_ms=1.0).is_proven_none


def test_the_fastest_routes_need_not_be_the_cheapest() -> None:
    network = make_network(
        "ab", ["p", "q", "r"], [("a", "b")] * 3, 1.0, link_cost=[1.0, 2.0, 9.0], link_delay_ms=[5.0, 1.0, 1.0]
    )
    found = disjoint_routes(network, "a", "b", objective="delay")
    assert {route.link_id for route in found.routes} == {("q",), ("r",)}
    assert found.cost == pytest.approx(4.0)


def test_names_of_cuts_and_shared_risks_stay_out_of_print() -> None:
    found = disjoint_routes(three_ways({"secretgroup": ["x1", "y1", "z1"]}), "a", "b", "risk")
    assert found.shared is not None
    assert "secretgroup" not in repr(found).lower()


def test_every_wrong_argument_is_named_at_once() -> None:
    network = three_ways({})
    with pytest.raises(InputError) as caught:
        disjoint_routes(network, "nowhere", "b", "ducts", 0, -1.0)  # type: ignore[arg-type]
    text = str(caught.value)
    assert all(part in text for part in ("nowhere", "ducts", "k is 0", "max_rtt_ms"))


def test_every_fault_of_a_network_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        make_network(["a", "a", "b"], ["x", "y"], [("a", "b"), ("a", "q")], [-1.0, np.nan])
    text = str(caught.value)
    assert all(part in text for part in ("'a' occurs", "'q'", "link_km of 'x'", "link_km of 'y'"))


def test_members_that_are_no_part_of_the_network_are_left_out() -> None:
    frame, members = group_frames({"g": ["x1", "elsewhere"], "h": ["elsewhere"]})
    network = make_network("ab", ["x1"], [("a", "b")], 1.0, risk_groups=frame, risk_group_members=members)
    assert network.risks.group_id == ("g",)
    assert isinstance(members, pl.DataFrame)
