"""The regional steps of the Steiner search: they only ever improve, and what they record is proven."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rahdari.methods.steiner import steiner_forest
from rahdari.methods.steiner_instance import Instance, canonical, checked
from rahdari.methods.steiner_local import sub_instance
from rahdari.methods.steiner_region import polish
from rahdari.methods.steiner_search import Search


def street_instance(seed: int, *, is_must: bool) -> Instance:
    """A grid of streets, a quarter of the crossings are places."""
    side = 24
    rng = np.random.default_rng(seed)
    node = np.arange(side * side).reshape(side, side)
    across = np.stack([node[:, :-1].ravel(), node[:, 1:].ravel()], axis=1)
    down = np.stack([node[:-1].ravel(), node[1:].ravel()], axis=1)
    edge_node = np.concatenate([across, down])
    terminal = np.flatnonzero(rng.random(side * side) < 0.25)
    prize = None if is_must else rng.integers(1, 30, terminal.size).astype(float)
    raw = checked(
        side * side,
        edge_node=edge_node,
        edge_cost=rng.integers(5, 15, len(edge_node)).astype(float),
        terminal=terminal,
        source=[0, 300],
        prize=prize,
    )
    return canonical(raw)


def live_records(search: Search) -> list[int]:
    head, prev = search.dual.ledger[5], search.dual.ledger[4]
    live = []
    for last in head[head >= 0]:
        r = int(last)
        while r >= 0:
            live.append(r)
            r = int(prev[r])
    return live


def assert_ledger_adds_up(search: Search) -> None:
    """Recompute bound, reduced costs and budgets from the live records alone."""
    instance, dual = search.instance, search.dual
    terminal, start, stop, amount, _, _, member, _ = dual.ledger
    used = np.zeros(2 * instance.weight.size, np.int64)
    claimed = np.zeros(instance.n_nodes, np.int64)
    tail = instance.rows.tail
    head = tail.reshape(-1, 2)[:, ::-1].reshape(-1)
    for r in live_records(search):
        inside = np.zeros(instance.n_nodes, np.bool_)
        inside[member[start[r] : stop[r]]] = True
        assert inside[terminal[r]]
        assert not inside[0]
        used[inside[head] & ~inside[tail]] += amount[r]
        claimed[terminal[r]] += amount[r]
    assert (dual.values[0] == np.repeat(instance.weight, 2) - used).all()
    assert (dual.values[0] >= 0).all()
    assert (dual.values[1] == instance.prize - claimed).all()
    assert dual.bound == claimed.sum()


@pytest.mark.parametrize("is_must", [True, False])
def test_redoing_the_ascent_never_lowers_the_bound_and_keeps_the_ledger(*, is_must: bool) -> None:
    search = Search(street_instance(1, is_must=is_must), 0)
    before = search.dual.bound
    search.lift(200)
    assert search.dual.bound >= before
    assert_ledger_adds_up(search)


@pytest.mark.parametrize("is_must", [True, False])
def test_the_charges_sum_to_the_gap(*, is_must: bool) -> None:
    search = Search(street_instance(2, is_must=is_must), 0)
    assert search.dual.charges(search.tree).sum() == search.gap
    search.lift(50)
    assert search.dual.charges(search.tree).sum() == search.gap


@pytest.mark.parametrize("is_must", [True, False])
def test_the_cut_lp_never_lowers_the_bound_and_keeps_the_ledger(*, is_must: bool) -> None:
    search = Search(street_instance(3, is_must=is_must), 0)
    for centre in search.dual.terminals[::12]:
        before = search.dual.bound
        polish(search.dual, int(centre), 30, math.inf)
        assert search.dual.bound >= before
    assert_ledger_adds_up(search)
    search.fill()
    assert_ledger_adds_up(search)


def test_dropping_dead_records_changes_nothing() -> None:
    search = Search(street_instance(4, is_must=False), 0)
    search.lift(200)
    before = search.dual.bound
    search.dual.make_room()
    assert search.dual.bound == before
    assert_ledger_adds_up(search)


def test_a_region_as_an_instance_costs_what_the_tree_costs_there() -> None:
    search = Search(street_instance(5, is_must=False), 0)
    instance, tree = search.instance, search.tree
    nodes = np.arange(100, 260)
    small, cost = sub_instance(instance, tree.into, tree.is_kept, nodes)
    ends = instance.rows.tail.reshape(-1, 2)
    edges = tree.into[tree.into >= 0] >> 1
    inside = np.isin(ends[edges], nodes).any(axis=1)
    missed = instance.prize[nodes[~tree.is_kept[nodes]]].sum()
    assert cost == instance.weight[edges[inside]].sum() + missed
    assert Search(small, 0).dual.bound <= cost


@pytest.mark.parametrize("is_must", [True, False])
def test_solving_regions_anew_never_makes_the_tree_dearer(*, is_must: bool) -> None:
    search = Search(street_instance(6, is_must=is_must), 0)
    for centre in search.dual.terminals[::12]:
        before = search.tree.cost
        search.relay(int(centre), 30, math.inf)
        assert search.tree.cost <= before
        assert search.dual.bound <= search.tree.cost


def test_more_time_narrows_the_gap_of_a_street_grid() -> None:
    rng = np.random.default_rng(7)
    node = np.arange(625).reshape(25, 25)
    edge_node = np.concatenate(
        [np.stack([node[:, :-1].ravel(), node[:, 1:].ravel()], 1), np.stack([node[:-1].ravel(), node[1:].ravel()], 1)]
    )
    edge_cost = rng.integers(5, 15, len(edge_node)).astype(float)
    terminal = np.flatnonzero(rng.random(625) < 0.2)
    prize = rng.integers(5, 40, terminal.size).astype(float)
    quick = steiner_forest(625, edge_node, edge_cost, terminal, [0], prize)
    longer = steiner_forest(625, edge_node, edge_cost, terminal, [0], prize, 5.0)
    assert longer.certificate.cost <= quick.certificate.cost
    assert quick.certificate.lower_bound is not None
    assert longer.certificate.lower_bound is not None
    assert longer.certificate.lower_bound >= quick.certificate.lower_bound
