"""Laws of a failure played on a core: nothing is lost from the books, nothing exceeds its capacity."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.methods.rerouting import CoreTraffic

GBPS = 1e-6  # of amounts of hundreds


def core(
    links: list[tuple[int, int]], km: list[float], capacity: list[float], demands: dict[tuple[int, int], float]
) -> CoreTraffic:
    n_nodes = 1 + max(max(pair) for pair in (*links, *demands))
    return CoreTraffic(
        n_nodes,
        np.array(links, np.int64),
        np.array(km),
        np.array(capacity),
        np.array(list(demands), np.int64),
        np.array(list(demands.values())),
    )


@st.composite
def cores(draw: st.DrawFn) -> CoreTraffic:
    n_nodes = draw(st.integers(3, 8))
    ring = [(node, (node + 1) % n_nodes) for node in range(n_nodes)]
    pairs = [(a, b) for a in range(n_nodes) for b in range(a + 1, n_nodes)]
    chords = draw(st.lists(st.sampled_from(pairs), max_size=5, unique=True))
    links = [pair for number, pair in enumerate(ring) if number or draw(st.booleans())] + chords
    amounts = st.floats(1.0, 500.0)
    km = draw(st.lists(amounts, min_size=len(links), max_size=len(links)))
    capacity = draw(st.lists(st.floats(0.0, 900.0, allow_subnormal=False), min_size=len(links), max_size=len(links)))
    demands = draw(st.dictionaries(st.sampled_from(pairs), amounts, min_size=1, max_size=8))
    return core(links, km, capacity, dict(sorted(demands.items())))


def test_traffic_goes_round_the_other_way_as_far_as_there_is_room() -> None:
    triangle = core([(0, 1), (0, 2), (1, 2)], [10.0, 30.0, 40.0], [100.0, 60.0, 80.0], {(0, 1): 90.0})
    normal = triangle.normal()
    assert normal.load_gbps.tolist() == [90.0, 0.0, 0.0]
    outcome = triangle.failed(0, normal)
    assert outcome.load_gbps == pytest.approx([0.0, 60.0, 60.0])
    assert (outcome.struck_gbps, outcome.rerouted_gbps, outcome.waiting_gbps) == pytest.approx((90.0, 60.0, 30.0))
    assert outcome.added_km == pytest.approx(60.0)
    assert outcome.cut_off_gbps == 0.0
    assert outcome.cut_node == ()


def test_a_city_on_one_link_is_cut_off_and_named_while_the_rest_keeps_its_ways() -> None:
    spur = core([(0, 1), (1, 2), (0, 2), (2, 3)], [1.0] * 4, [100.0] * 4, {(0, 1): 20.0, (0, 3): 30.0})
    outcome = spur.failed(3, spur.normal())
    assert outcome.cut_off_gbps == pytest.approx(30.0)
    assert outcome.cut_node == (3,)
    assert outcome.load_gbps == pytest.approx([20.0, 0.0, 0.0, 0.0])


def test_a_link_without_traffic_fails_without_effect() -> None:
    triangle = core([(0, 1), (0, 2), (1, 2)], [10.0, 30.0, 40.0], [100.0, 60.0, 80.0], {(0, 1): 90.0})
    normal = triangle.normal()
    outcome = triangle.failed(2, normal)
    assert outcome.struck_gbps == 0.0
    assert outcome.load_gbps == pytest.approx(normal.load_gbps)


@settings(deadline=None)
@given(network=cores())
def test_what_was_struck_is_rerouted_waits_or_is_cut_off_and_no_link_holds_more_than_it_can(
    network: CoreTraffic,
) -> None:
    normal = network.normal()
    total = network.demand_gbps.sum()
    assert sum(flow.gbps for flow in normal.flows) + normal.waiting_gbps.sum() == pytest.approx(total)
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(network.n_nodes))
    graph.add_edges_from((a, b, number) for number, (a, b) in enumerate(network.link_node.tolist()))
    for link in range(network.link_km.size):
        outcome = network.failed(link, normal)
        parts = (outcome.rerouted_gbps, outcome.waiting_gbps, outcome.cut_off_gbps)
        assert sum(parts) == pytest.approx(outcome.struck_gbps, abs=GBPS * total)
        assert outcome.struck_gbps == pytest.approx(normal.load_gbps[link], abs=GBPS * total)
        assert outcome.load_gbps[link] == 0.0
        assert (outcome.load_gbps <= network.capacity_gbps + GBPS * total).all()
        a, b = network.link_node[link].tolist()
        whole = graph.copy()
        whole.remove_edge(a, b, link)
        apart = sum(
            flow.gbps
            for flow in normal.flows
            if (flow.link == link).any() and not nx.has_path(whole, *network.demand_node[flow.demand].tolist())
        )
        assert outcome.cut_off_gbps == pytest.approx(apart, abs=GBPS * total)


@settings(deadline=None)
@given(network=cores())
def test_what_is_not_struck_stays_where_it_is(network: CoreTraffic) -> None:
    normal = network.normal()
    for link in range(network.link_km.size):
        kept = np.zeros(network.link_km.size)
        for flow in normal.flows:
            if not (flow.link == link).any():
                kept[flow.link] += flow.gbps
        assert (network.failed(link, normal).load_gbps >= kept - GBPS * network.demand_gbps.sum()).all()
