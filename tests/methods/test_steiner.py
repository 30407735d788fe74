"""The Steiner forest against brute force, its independent verifier, and the laws it must keep."""

from __future__ import annotations

import importlib.util
import itertools
import math
from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.steiner import SteinerForest, steiner_forest

if TYPE_CHECKING:
    from types import ModuleType

Case = tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]


def load_verifier() -> ModuleType:
    """Load the verifier by path: tests are no package."""
    path = Path(__file__).parents[1] / "verifiers" / "steiner.py"
    spec = importlib.util.spec_from_file_location("steiner_verifier", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VERIFIER = load_verifier()


def assert_is_proven(case: Case, found: SteinerForest) -> None:
    assert VERIFIER.tree_problems(*case, found) == []
    assert VERIFIER.bound_problems(*case, found) == []


def random_case(seed: int, n: int, kind: str) -> Case:
    """A connected small graph with loops and parallel edges; ``kind`` says which prizes."""
    rng = np.random.default_rng(seed)
    path = rng.permutation(n)
    extra = rng.integers(0, n, (int(rng.integers(0, 2 * n)), 2))
    edge_node = np.concatenate([np.stack([path[:-1], path[1:]], axis=1), extra])
    top = int(rng.choice([3, 100]))
    edge_cost = rng.integers(0, top, len(edge_node)).astype(float)
    if seed % 3 == 0:
        edge_cost += rng.random(len(edge_node))  # no whole cents
    terminal = np.flatnonzero(rng.random(n) < 0.6)
    source = rng.choice(n, int(rng.integers(1, 3)), replace=False)
    prize = rng.integers(0, top, terminal.size).astype(float)
    if kind == "mixed":
        prize[rng.random(terminal.size) < 0.3] = math.inf
    return n, edge_node, edge_cost, terminal, source, None if kind == "all" else prize


def cheapest(case: Case) -> float:
    """Try every set of nodes: spanning tree over it with all sources as one, plus the prizes missed."""
    n, edge_node, edge_cost, terminal, source, prize = case
    worth = dict.fromkeys(map(int, terminal), math.inf)
    if prize is not None:
        worth = dict(zip(map(int, terminal), map(float, prize), strict=True))
    others = [v for v in range(n) if v not in set(map(int, source))]
    best = math.inf
    for size in range(len(others) + 1):
        for chosen in itertools.combinations(others, size):
            lost = sum(worth[t] for t in worth if t in others and t not in chosen)
            if lost >= best:
                continue
            graph = nx.Graph()
            graph.add_nodes_from([-1, *chosen])
            for (a, b), cost in zip(edge_node.tolist(), edge_cost.tolist(), strict=True):
                u, v = (-1 if x not in others else x for x in (a, b))
                if (
                    u != v
                    and u in graph
                    and v in graph
                    and cost < graph.get_edge_data(u, v, {"weight": math.inf})["weight"]
                ):
                    graph.add_edge(u, v, weight=cost)
            if nx.is_connected(graph):
                tree = nx.minimum_spanning_edges(graph, data=True)
                best = min(best, lost + sum(d["weight"] for _, _, d in tree))
    return best


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 9), kind=st.sampled_from(["prizes", "mixed", "all"]))
def test_cost_and_bound_enclose_the_optimum(seed: int, n: int, kind: str) -> None:
    case = random_case(seed, n, kind)
    found = steiner_forest(*case)
    assert_is_proven(case, found)
    optimum = cheapest(case)
    assert found.certificate.lower_bound is not None
    assert found.certificate.lower_bound <= optimum + 1e-9
    assert optimum <= found.certificate.cost + 1e-9


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 9))
def test_more_time_keeps_the_proof_and_small_cases_close(seed: int, n: int) -> None:
    case = random_case(seed, n, "prizes")
    found = steiner_forest(*case, 2.0)
    assert_is_proven(case, found)
    assert found.certificate.cost == pytest.approx(cheapest(case), rel=1e-9, abs=1e-9)


def grid_case(seed: int, side: int, share: float, *, is_must: bool) -> Case:
    """A grid of streets with many equal ways."""
    rng = np.random.default_rng(seed)
    node = np.arange(side * side).reshape(side, side)
    edge_node = np.concatenate(
        [
            np.stack([node[:, :-1].ravel(), node[:, 1:].ravel()], axis=1),
            np.stack([node[:-1].ravel(), node[1:].ravel()], axis=1),
        ]
    )
    edge_cost = rng.integers(1, 6, len(edge_node)).astype(float)
    terminal = np.flatnonzero(rng.random(side * side) < share)
    return (
        side * side,
        edge_node,
        edge_cost,
        terminal,
        np.array([0, 7]),
        None if is_must else rng.integers(1, 12, terminal.size).astype(float),
    )


@pytest.mark.parametrize("is_must", [True, False])
def test_edge_and_terminal_order_do_not_matter(*, is_must: bool) -> None:
    n, edge_node, edge_cost, terminal, source, prize = grid_case(3, 18, 0.25, is_must=is_must)
    found = steiner_forest(n, edge_node, edge_cost, terminal, source, prize)
    rng = np.random.default_rng(1)
    e, t = rng.permutation(len(edge_node)), rng.permutation(terminal.size)
    turned = np.where(rng.random(len(edge_node))[:, None] < 0.5, edge_node, edge_node[:, ::-1])
    mixed = steiner_forest(n, turned[e], edge_cost[e], terminal[t], source[::-1], None if prize is None else prize[t])
    assert np.sort(e[mixed.edge_index]).tolist() == found.edge_index.tolist()
    assert mixed.unserved.tolist() == found.unserved.tolist()
    assert mixed.certificate == found.certificate


def test_it_is_never_dearer_than_the_shortest_way_heuristic() -> None:
    for seed in range(6):
        case = grid_case(seed, 15, 0.15, is_must=True)
        n, edge_node, edge_cost, terminal, source, _ = case
        found = steiner_forest(*case)
        assert_is_proven(case, found)
        assert found.unserved.size == 0
        graph = nx.Graph()
        for (a, b), cost in zip(edge_node.tolist(), edge_cost.tolist(), strict=True):
            graph.add_edge(a, b, weight=cost)
        graph.add_edge(*map(int, source), weight=0.0)
        targets = sorted({*map(int, terminal), *map(int, source)})
        for method in ("kou", "mehlhorn"):
            peer = nx.algorithms.approximation.steiner_tree(graph, targets, method=method)
            assert found.certificate.cost <= sum(d["weight"] for *_, d in peer.edges(data=True)) + 1e-9
        assert n == len(graph)


def test_a_larger_prize_never_lowers_the_optimum_between_the_bounds() -> None:
    case = grid_case(4, 14, 0.3, is_must=False)
    prize = case[5]
    assert prize is not None
    low, high = steiner_forest(*case), steiner_forest(*case[:5], prize * 2)
    assert low.certificate.lower_bound is not None
    assert low.certificate.lower_bound <= high.certificate.cost


def test_an_unreachable_terminal_is_reported_and_paid() -> None:
    case: Case = (
        5,
        np.array([[0, 1], [3, 4]]),
        np.array([2.0, 1.0]),
        np.array([1, 4]),
        np.array([0]),
        np.array([9.0, 5.0]),
    )
    found = steiner_forest(*case)
    assert_is_proven(case, found)
    assert found.unserved.tolist() == [4]
    assert found.certificate.cost == 7.0
    assert found.certificate.gap_frac == 0.0
    must = steiner_forest(*case[:5])
    assert must.unserved.tolist() == [4]
    assert must.certificate.cost == 2.0
    assert "1 mandatory" in must.certificate.note


def test_a_terminal_at_a_source_costs_nothing() -> None:
    found = steiner_forest(2, [[0, 1]], [4.0], [0], [0], [3.0])
    assert found.edge_index.size == 0
    assert found.unserved.size == 0
    assert found.certificate.cost == 0.0
    assert found.edge_gap_frac is None


def test_no_edges_and_no_terminals_are_answered() -> None:
    found = steiner_forest(3, [], [], [], [0])
    assert found.certificate.cost == 0.0
    assert steiner_forest(3, [], [], [1], [0], [2.5]).certificate.cost == 2.5


def test_loops_are_dropped_and_the_cheapest_parallel_edge_is_taken() -> None:
    found = steiner_forest(2, [[1, 1], [0, 1], [1, 0], [0, 1]], [0.0, 5.0, 3.0, 3.0], [1], [0])
    assert found.edge_index.tolist() == [2]


def test_free_edges_are_closed_over() -> None:
    case: Case = (4, np.array([[0, 1], [1, 2], [2, 3]]), np.array([0.0, 4.0, 0.0]), np.array([3]), np.array([0]), None)
    found = steiner_forest(*case)
    assert_is_proven(case, found)
    assert found.certificate.cost == found.certificate.lower_bound == 4.0


def test_large_money_does_not_overflow() -> None:
    case: Case = (
        3,
        np.array([[0, 1], [1, 2]]),
        np.array([3e14, 7e14]),
        np.array([1, 2]),
        np.array([0]),
        np.array([1e15, 5e14]),
    )
    found = steiner_forest(*case)
    assert_is_proven(case, found)
    assert found.unserved.tolist() == [2]
    assert found.certificate.cost == 8e14


def test_all_bad_rows_are_listed_at_once() -> None:
    with pytest.raises(InputError) as caught:
        steiner_forest(3, [[0, 1], [1, 7], [0.5, 1]], [1.0, math.nan, -2.0], [1, 1, 9], [], [1.0, -1.0, math.nan])
    text = str(caught.value)
    expected = (
        "row 2, column edge_node",
        "row 3, column edge_node",
        "row 2, column edge_cost",
        "row 3, column edge_cost",
    )
    expected += (
        "row 3, column terminal",
        "occurs twice",
        "source is empty",
        "row 2, column prize",
        "row 3, column prize",
    )
    assert [part for part in expected if part not in text] == []


@pytest.mark.parametrize(
    "bad",
    [
        (0, [[0, 1]], [1.0], [1], [0]),
        (2, [[0, 1, 2]], [1.0], [1], [0]),
        (2, [[0, 1]], [1.0, 2.0], [1], [0]),
        (2, [[0, 1]], [math.inf], [1], [0]),
        (2, [[0, 1]], ["x"], [1], [0]),
        (2, [[0, 1]], [1.0], [1], [0], [1.0, 2.0]),
        (2, [[0, 1]], [1.0], [1], [0], None, -1.0),
    ],
)
def test_input_that_does_not_fit_is_refused(bad: tuple[object, ...]) -> None:
    with pytest.raises(InputError):
        steiner_forest(*bad)  # type: ignore[arg-type]


def test_the_verifier_sees_a_false_proof() -> None:
    case = grid_case(2, 10, 0.3, is_must=False)
    found = steiner_forest(*case)
    found.cuts.amount[0] += 1000
    assert VERIFIER.bound_problems(*case, found) != []


def test_the_verifier_sees_a_missing_edge() -> None:
    case = grid_case(2, 10, 0.3, is_must=True)
    found = steiner_forest(*case)
    less = SteinerForest(
        found.edge_index[1:], found.unserved, found.certificate, 0.0, None, found.cuts, found.money_unit
    )
    assert VERIFIER.tree_problems(*case, less) != []
