"""Shortest ways and disjoint pairs against exhaustive search on small graphs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rahdari.methods.routing import (
    Arcs,
    disjoint_pair,
    distances_km,
    flow_bound_km,
    shortest_ways,
    split_node_arcs,
    two_way_arcs,
)

# The trap of Suurballe and Tarjan: the shortest way 0-1-2-3 uses the edge 1-2 that the best pair must not.
TRAP = two_way_arcs(4, np.array([0, 1, 2, 0, 1]), np.array([1, 2, 3, 2, 3]), np.array([1.0, 1.0, 1.0, 3.0, 3.0]))


def simple_paths(arcs: Arcs, source: int, target: int) -> list[tuple[int, ...]]:
    found = []

    def extend(node: int, path: tuple[int, ...], seen: frozenset[int]) -> None:
        if node == target:
            found.append(path)
            return
        for arc in np.flatnonzero(arcs.tail == node).tolist():
            head = int(arcs.head[arc])
            if head not in seen:
                extend(head, (*path, arc), seen | {head})

    extend(source, (), frozenset({source}))
    return found


def random_graph(seed: int, n_nodes: int = 7, n_ways: int = 12) -> Arcs:
    random = np.random.Generator(np.random.Philox(key=seed))
    ends = random.integers(0, n_nodes, (n_ways, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    return two_way_arcs(n_nodes, ends[:, 0], ends[:, 1], random.integers(0, 9, len(ends)).astype(float))


def cheapest_pair_km(arcs: Arcs, source: int, target: int, *, by_node: bool) -> float | None:
    def interior(path: tuple[int, ...]) -> set[int]:
        return {int(arcs.head[arc]) for arc in path[:-1]}

    costs = [
        arcs.cost_km[list(first + second)].sum()
        for first, second in itertools.combinations(simple_paths(arcs, source, target), 2)
        if not set(arcs.way[list(first)].tolist()) & set(arcs.way[list(second)].tolist())
        and not (by_node and interior(first) & interior(second))
    ]
    return float(min(costs)) if costs else None


def test_the_best_pair_may_avoid_the_shortest_way() -> None:
    (path,), _ = shortest_ways(TRAP, 0, np.array([3]))
    pair = disjoint_pair(TRAP, 0, 3)
    assert path is not None
    assert path.cost_km == 3.0
    assert pair is not None
    assert pair.cost_km == pytest.approx(8.0)
    assert pair.lower_bound_km == pytest.approx(8.0)


@pytest.mark.parametrize("seed", range(40))
def test_shortest_way_and_pair_equal_exhaustive_search(seed: int) -> None:
    arcs = random_graph(seed)
    for target in range(1, arcs.n_nodes):
        paths = simple_paths(arcs, 0, target)
        (path,), potential = shortest_ways(arcs, 0, np.array([target]))
        assert (path is None) == (not paths)
        if path is not None:
            assert path.cost_km == pytest.approx(min(arcs.cost_km[list(each)].sum() for each in paths))
            bound = flow_bound_km(arcs, np.minimum(potential, potential[target]), 0, target, 1)
            assert bound == pytest.approx(path.cost_km)
        pair, best = disjoint_pair(arcs, 0, target), cheapest_pair_km(arcs, 0, target, by_node=False)
        assert (pair is None) == (best is None)
        if pair is not None:
            assert pair.cost_km == pytest.approx(best)
            assert pair.lower_bound_km == pytest.approx(best)
            assert not set(arcs.way[pair.first.arc].tolist()) & set(arcs.way[pair.second.arc].tolist())


@pytest.mark.parametrize("seed", range(20))
def test_node_disjoint_pair_equals_exhaustive_search(seed: int) -> None:
    arcs = random_graph(seed)
    split = split_node_arcs(arcs)
    for target in range(1, arcs.n_nodes):
        pair, best = disjoint_pair(split, 1, 2 * target), cheapest_pair_km(arcs, 0, target, by_node=True)
        assert (pair is None) == (best is None)
        if pair is not None:
            assert pair.cost_km == pytest.approx(best)
            assert pair.lower_bound_km == pytest.approx(best)


def test_two_parallel_ways_are_a_disjoint_pair() -> None:
    arcs = two_way_arcs(2, np.array([0, 0]), np.array([1, 1]), np.array([5.0, 7.0]))
    pair = disjoint_pair(arcs, 0, 1)
    assert pair is not None
    assert (pair.first.cost_km, pair.second.cost_km) == (5.0, 7.0)


def test_a_bridge_leaves_no_disjoint_pair() -> None:
    arcs = two_way_arcs(3, np.array([0, 0, 1]), np.array([1, 1, 2]), np.array([1.0, 2.0, 3.0]))
    assert disjoint_pair(arcs, 0, 2) is None


def test_any_potentials_bound_the_pair_from_below() -> None:
    arcs = random_graph(3)
    random = np.random.Generator(np.random.Philox(key=5))
    best = cheapest_pair_km(arcs, 0, 1, by_node=False)
    assert best is not None
    for _ in range(50):
        assert flow_bound_km(arcs, random.uniform(0.0, 20.0, arcs.n_nodes), 0, 1, 2) <= best + 1e-9


def test_ways_of_no_length_are_ways() -> None:
    arcs = two_way_arcs(3, np.array([0, 1]), np.array([1, 2]), np.array([0.0, 4.0]))
    assert distances_km(arcs, np.array([0]))[0].tolist() == [0.0, 0.0, 4.0]
