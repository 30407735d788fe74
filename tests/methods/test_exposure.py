"""Exposure of single elements and of pairs against brute force on small networks, and what may never be printed."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from rahdari.errors import InputError
from rahdari.methods.exposure import exposure, lost_without
from rahdari.methods.exposure_pairs import worst_pairs
from rahdari.methods.network import Network, make_network

SEEDS = range(60)


def drawn(seed: int) -> tuple[Network, np.ndarray, list[str] | None]:
    """Return a random network with parallel links, its customers, and roots for every other seed."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    ends = [(int(rng.integers(0, i)), i) for i in range(1, n)]
    ends += [(a, b) for a, b in rng.integers(0, n, (int(rng.integers(0, 5)), 2)).tolist() if a != b]
    names = [f"n{i}" for i in rng.permutation(n)]
    network = make_network(names, [f"l{i}" for i in range(len(ends))], [(names[a], names[b]) for a, b in ends], 1.0)
    roots = [network.node_id[i] for i in rng.choice(n, int(rng.integers(1, 3)), replace=False)] if seed % 2 else None
    return network, rng.integers(1, 50, n).astype(float), roots


def elements_of(network: Network, customers: np.ndarray, roots: list[str] | None) -> tuple[list[str], list[str]]:
    """Return the elements that can fail, and the roots in either case."""
    fixed = network.node_id[int(np.argmax(customers))]
    elements = [*network.node_id, *network.link_id]
    if roots is None:
        elements.remove(fixed)
    return elements, roots or [fixed]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_single_loss_is_that_of_brute_force(seed: int) -> None:
    network, customers, roots = drawn(seed)
    elements, starts = elements_of(network, customers, roots)
    lost = dict(exposure(network, customers, roots=roots).singles.select("element_id", "n_people").iter_rows())
    for name in elements:
        assert lost[name] == pytest.approx(lost_without(network, customers, starts, [name]))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_pairs_found_are_exactly_those_of_brute_force(seed: int) -> None:
    network, customers, roots = drawn(seed)
    elements, starts = elements_of(network, customers, roots)
    single = {name: lost_without(network, customers, starts, [name]) for name in elements}
    wanted = {}
    for a, b in combinations(elements, 2):
        joint = lost_without(network, customers, starts, [a, b])
        if joint > single[a] + single[b] + 1e-9:
            wanted[frozenset((a, b))] = joint
    found = exposure(network, customers, roots=roots, n_pairs=10_000)
    rows = found.pairs.select("first_id", "second_id", "lost_people").iter_rows()
    assert {frozenset((a, b)): lost for a, b, lost in rows} == pytest.approx(wanted)
    assert found.is_complete
    assert found.n_pairs == len(wanted)


def ring(n: int) -> Network:
    names = [f"n{i:03d}" for i in range(n)]
    return make_network(names, [f"l{i:03d}" for i in range(n)], [(names[i], names[(i + 1) % n]) for i in range(n)], 1.0)


def test_no_pair_left_out_is_more_exposed_than_the_bound() -> None:
    network, customers = ring(12), np.arange(1.0, 13.0)
    access = {name: 0.1 + 0.03 * i for i, name in enumerate((*network.node_id, *network.link_id))}
    some = exposure(network, customers, access=access, n_pairs=10)
    every = exposure(network, customers, access=access, n_pairs=10_000).pairs["exposure_people_h"]
    assert some.pairs["exposure_people_h"].to_list() == every[:10].to_list()
    assert some.pair_bound_people_h == every[10]


def test_a_search_cut_short_says_so_and_bounds_what_it_left_out() -> None:
    network = ring(1500)
    customers = np.ones(1500)
    ones = np.ones(3000)
    short = worst_pairs(1500, network.link_node, 0, customers, ones, ones, n_worst=5, time_limit_s=-1.0)
    assert not short.is_complete
    assert short.bound_outside >= customers.sum() - 1.0


def test_access_and_repair_weigh_and_protected_demand_counts() -> None:
    network = make_network("abc", ["ab", "bc"], [("a", "b"), ("b", "c")], 1.0)
    found = exposure(
        network, {"a": 5.0}, protected={"c": 2.0}, people_per_gbps=10.0, roots=["a"], access={"bc": 0.5},
        repair_h={"bc": 6.0},
    )  # fmt: skip
    row = found.singles.filter(pl.col("element_id") == "bc").row(0, named=True)
    assert (row["n_people"], row["protected_gbps"]) == (0.0, 2.0)
    assert row["exposure_people_h"] == pytest.approx(2.0 * 10.0 * 0.5 * 6.0)


def test_a_risk_group_is_an_element_with_the_loss_of_all_its_members() -> None:
    groups = pl.DataFrame(
        {"risk_group_id": ["g"], "name": ["Bridge"], "kind": ["bridge"], "rate_per_year": [0.1], "repair_h": [48.0]}
    )
    members = pl.DataFrame({"risk_group_id": ["g", "g"], "member_id": ["ab", "da"]})
    ends = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")]
    network = make_network("abcd", ["ab", "bc", "cd", "da"], ends, 1.0, risk_groups=groups, risk_group_members=members)
    customers = {"a": 10.0, "b": 1.0, "c": 2.0, "d": 4.0}
    row = exposure(network, customers, roots=["a"]).singles.filter(pl.col("kind") == "group").row(0, named=True)
    assert row["n_people"] == lost_without(network, customers, ["a"], ["g"]) == 7.0
    assert row["repair_h"] == 48.0


def test_names_stay_out_of_print_and_tables_carry_the_label() -> None:
    network, customers, _ = drawn(1)
    found = exposure(network, customers)
    assert not any(name in repr(found) for name in (*network.node_id, *network.link_id))
    assert set(found.singles["classification"]) == {"secret"}
    assert set(found.pairs["classification"]) <= {"secret"}


def test_the_answer_does_not_depend_on_the_order_of_rows() -> None:
    network, customers, _ = drawn(8)
    by_name = dict(zip(network.node_id, customers.tolist(), strict=True))
    ends = [(network.node_id[a], network.node_id[b]) for a, b in network.link_node.tolist()]
    turned = make_network(network.node_id[::-1], network.link_id[::-1], ends[::-1], 1.0)
    one, two = exposure(network, by_name), exposure(turned, by_name)
    assert one.singles.equals(two.singles)
    assert one.pairs.equals(two.pairs)


def test_what_does_not_fit_is_refused_with_every_problem() -> None:
    network = ring(4)
    with pytest.raises(InputError) as refused:
        exposure(network, np.ones(4), access={"n000": 2.0, "nobody": 0.5})
    assert len(refused.value.problems) == 2
    with pytest.raises(InputError):
        exposure(network, np.ones(3))
    with pytest.raises(InputError):
        exposure(network, np.ones(4), roots=[])
