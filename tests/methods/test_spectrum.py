"""Routing and spectrum assignment against exhaustive search, an independent verifier and known graphs."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.spectrum import assign_spectrum, clique_bound, makespan_bound, slots_for
from tests.verifiers.spectrum import least_slots, spectrum_problems

RING = np.array([[0, 1], [1, 2], [2, 3], [0, 3]])
quick = settings(max_examples=50, deadline=None)


@st.composite
def meshes(draw: st.DrawFn) -> tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw a connected graph with some parallel links and demands of 4, 6 or 7 slots."""
    n = draw(st.integers(2, 9))
    tree = [(draw(st.integers(0, node - 1)), node) for node in range(1, n)]
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda ends: ends[0] != ends[1])
    link = np.array(tree + draw(st.lists(pair, max_size=8)))
    demand = np.array(draw(st.lists(pair, min_size=1, max_size=25)))
    length = np.array(draw(st.lists(st.floats(1.0, 500.0), min_size=len(link), max_size=len(link))))
    width = np.array(draw(st.lists(st.sampled_from([4, 6, 7]), min_size=len(demand), max_size=len(demand))))
    return n, link, length, demand, width


@quick
@given(mesh=meshes())
def test_every_plan_passes_the_verifier(mesh: tuple) -> None:
    n, link, length, demand, width = mesh
    plan = assign_spectrum(n, link, length, demand, width, n_rounds=10)
    assert spectrum_problems(link, demand, width, plan) == []


@quick
@given(mesh=meshes())
def test_no_route_is_longer_than_twice_the_shortest(mesh: tuple) -> None:
    n, link, length, demand, width = mesh
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from((a, b, km) for (a, b), km in zip(link.tolist(), length.tolist(), strict=True))
    plan = assign_spectrum(n, link, length, demand, width, n_rounds=5)
    for (a, b), links in zip(demand.tolist(), plan.route, strict=True):
        assert length[links].sum() <= 2.0 * nx.dijkstra_path_length(graph, a, b) + 1e-9


@quick
@given(mesh=meshes())
def test_one_demand_more_never_lowers_the_bound_below_what_the_rest_needs(mesh: tuple) -> None:
    n, link, length, demand, width = mesh
    whole = assign_spectrum(n, link, length, demand, width, n_rounds=5)
    part = assign_spectrum(n, link, length, demand[:-1], width[:-1], n_rounds=5)
    assert part.certificate.lower_bound is not None
    assert part.certificate.lower_bound <= whole.n_slots_used


@settings(max_examples=25, deadline=None)
@given(
    pairs=st.lists(st.sampled_from(list(itertools.combinations(range(4), 2))), min_size=1, max_size=4),
    width=st.lists(st.integers(1, 2), min_size=4, max_size=4),
)
def test_on_a_ring_cost_and_bound_bracket_the_exhaustive_optimum(
    pairs: list[tuple[int, int]], width: list[int]
) -> None:
    demand, width = np.array(pairs), width[: len(pairs)]
    graph = nx.Graph()
    graph.add_edges_from((a, b, {"number": number}) for number, (a, b) in enumerate(RING.tolist()))
    routes = [
        [
            [graph.edges[edge]["number"] for edge in itertools.pairwise(path)]
            for path in nx.all_simple_paths(graph, a, b)
        ]
        for a, b in pairs
    ]
    best = least_slots(routes, width, sum(width))
    plan = assign_spectrum(4, RING, np.ones(4), demand, np.array(width), stretch_max_ratio=4.0)
    given_routes = assign_spectrum(4, RING, np.ones(4), demand, np.array(width), routes=routes)
    for one in (plan, given_routes):
        assert one.certificate.lower_bound is not None
        assert one.certificate.lower_bound <= best <= one.n_slots_used
    assert given_routes.n_slots_used <= best + max(width)


def test_three_demands_that_meet_pairwise_need_three_widths_though_no_link_carries_more_than_two() -> None:
    star = np.array([[0, 1], [0, 2], [0, 3]])
    demand = np.array([[1, 2], [2, 3], [1, 3]])
    plan = assign_spectrum(4, star, np.ones(3), demand, np.full(3, 6), routes=[[[0, 1]], [[1, 2]], [[0, 2]]])
    assert plan.n_slots_used == 18
    assert plan.certificate.lower_bound == 18.0


def test_equal_widths_round_the_bound_to_whole_channels() -> None:
    # Two links join the ends; three channels of six slots need twelve slots though nine would hold the sum.
    pair = np.array([[0, 1], [0, 1]])
    plan = assign_spectrum(2, pair, np.ones(2), np.array([[0, 1]] * 3), np.full(3, 6))
    assert (plan.n_slots_used, plan.certificate.lower_bound) == (12, 12.0)


def test_a_tree_is_solved_and_proved() -> None:
    rng = np.random.default_rng(0)
    n = 40
    link = np.array([(int(rng.integers(max(0, node - 3), node)), node) for node in range(1, n)])
    demand = np.array([rng.choice(n, 2, replace=False) for _ in range(300)])
    plan = assign_spectrum(n, link, np.ones(n - 1), demand, np.full(300, 6))
    assert spectrum_problems(link, demand, np.full(300, 6), plan) == []
    assert plan.certificate.gap_frac is not None
    assert plan.certificate.gap_frac <= 0.02


def test_a_mesh_of_fifty_nodes_stays_within_five_per_cent_of_its_bound() -> None:
    graph = nx.random_geometric_graph(50, 0.24, seed=3)
    link = np.array(graph.edges)
    place = np.array([graph.nodes[node]["pos"] for node in graph.nodes])
    length = np.hypot(*(place[link[:, 0]] - place[link[:, 1]]).T)
    rng = np.random.default_rng(1)
    demand = np.array([rng.choice(50, 2, replace=False) for _ in range(400)])
    width = rng.choice([4, 6, 7], 400)
    assert nx.is_connected(graph)
    plan = assign_spectrum(50, link, length, demand, width)
    assert spectrum_problems(link, demand, width, plan) == []
    assert plan.certificate.gap_frac is not None
    assert plan.certificate.gap_frac <= 0.05


def test_the_same_input_gives_the_same_plan() -> None:
    demand = np.array([[0, 2], [1, 3], [0, 1], [2, 3], [0, 3]])
    plans = [assign_spectrum(4, RING, np.ones(4), demand, np.array([4, 6, 7, 4, 6])) for _ in range(2)]
    assert plans[0].first_slot.tolist() == plans[1].first_slot.tolist()
    assert [links.tolist() for links in plans[0].route] == [links.tolist() for links in plans[1].route]


def test_demands_beyond_the_band_are_named() -> None:
    plan = assign_spectrum(2, np.array([[0, 1]]), np.ones(1), np.array([[0, 1]] * 3), np.full(3, 6))
    assert plan.beyond(18).size == 0
    assert plan.beyond(12).size == 1


def test_no_demand_needs_no_slot() -> None:
    plan = assign_spectrum(4, RING, np.ones(4), np.empty((0, 2), np.int64), np.empty(0, np.int64))
    assert (plan.n_slots_used, plan.certificate.lower_bound) == (0, 0.0)


@given(width=st.lists(st.integers(1, 4), min_size=1, max_size=6), n_places=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_the_makespan_bound_never_exceeds_the_best_stacking(width: list[int], n_places: int) -> None:
    best = min(
        max(sum(w for w, at in zip(width, where, strict=True) if at == place) for place in range(n_places))
        for where in itertools.product(range(n_places), repeat=len(width))
    )
    assert makespan_bound(np.array(width), n_places) <= best


def test_a_clique_weighs_at_least_as_much_as_the_fullest_link() -> None:
    routes = [np.array([0, 1]), np.array([1, 2]), np.array([0, 2]), np.array([2])]
    assert clique_bound(routes, np.array([2, 3, 4, 5]), 3) == 12


def test_spacings_take_whole_slots() -> None:
    assert [slots_for(width) for width in (12.5, 37.5, 50.0, 75.0, 100.0)] == [1, 3, 4, 6, 8]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"demand_node": np.array([[0, 4], [1, 1]])}, ("row 1", "row 2")),
        ({"width": np.array([0, 6])}, ("asks for 0 slots",)),
        ({"link_length_km": np.array([1.0, -1.0, np.nan, 1.0])}, ("row 2", "row 3")),
        ({"n_nodes": 6, "demand_node": np.array([[0, 5], [4, 1]])}, ("no way", "row 2")),
        ({"routes": [[[0, 1]], [[0]]]}, ("demand 2", "do not join")),
    ],
)
def test_bad_input_is_refused_with_all_rows(change: dict[str, object], words: tuple[str, ...]) -> None:
    arguments: dict[str, object] = {
        "n_nodes": 4,
        "link_node": RING,
        "link_length_km": np.ones(4),
        "demand_node": np.array([[0, 2], [1, 3]]),
        "width": np.array([6, 6]),
    }
    with pytest.raises(InputError) as caught:
        assign_spectrum(**(arguments | change))
    assert all(word in str(caught.value) for word in words)
