"""Bit-parallel reachability against plain searches, one scenario at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from rahdari.errors import InputError
from rahdari.methods.reach import CSR, csr_of_links, packed, reach, unpacked

Flags = NDArray[np.bool_]


def plain(ends: NDArray[np.int64], roots: list[int], node_failed: Flags, link_failed: Flags) -> Flags:
    """Return the nodes served in one scenario by scipy's components."""
    n = node_failed.size
    kept = ~link_failed & ~node_failed[ends[:, 0]] & ~node_failed[ends[:, 1]]
    some = ends[kept]
    _, label = connected_components(csr_array((np.ones(len(some)), (some[:, 0], some[:, 1])), (n, n)), directed=False)
    up = [root for root in roots if not node_failed[root]]
    return np.asarray(np.isin(label, label[up]) & ~node_failed, np.bool_)


@st.composite
def cases(draw: st.DrawFn) -> tuple[NDArray[np.int64], list[int], Flags, Flags]:
    n = draw(st.integers(1, 14))
    node = st.integers(0, n - 1)
    ends = np.array(draw(st.lists(st.tuples(node, node), max_size=24)), np.int64).reshape(-1, 2)
    roots = draw(st.lists(node, max_size=3))
    random = np.random.Generator(np.random.Philox(draw(st.integers(0, 2**32))))
    n_scenarios = draw(st.integers(1, 700))
    chance = draw(st.sampled_from([0.02, 0.2, 0.6]))
    return ends, roots, random.random((n_scenarios, n)) < chance, random.random((n_scenarios, len(ends))) < chance


@settings(max_examples=60)
@given(cases())
def test_every_bit_is_what_a_plain_search_finds(case: tuple[NDArray[np.int64], list[int], Flags, Flags]) -> None:
    ends, roots, node_failed, link_failed = case
    n_scenarios, n = node_failed.shape
    graph = csr_of_links(n, ends[:, 0], ends[:, 1])
    links = packed(link_failed) if len(ends) else np.zeros((-(-n_scenarios // 64), 0), np.uint64)
    served = unpacked(reach(graph, roots, packed(node_failed), links), n_scenarios)
    for s in {0, 1, 63, 64, 511, 512, n_scenarios - 1} & set(range(n_scenarios)):
        assert np.array_equal(served[s], plain(ends, roots, node_failed[s], link_failed[s]))


def test_a_national_network_agrees_with_plain_searches() -> None:
    random = np.random.Generator(np.random.Philox(5))
    n = 4_000
    parent = np.array([0, *(int(random.integers(0, i)) for i in range(1, n))])
    extra = random.integers(0, n, (600, 2))
    ends = np.concatenate([np.stack([np.arange(1, n), parent[1:]], axis=1), extra])
    roots = [0, 17, 1_234]
    node_failed, link_failed = random.random((200, n)) < 0.02, random.random((200, len(ends))) < 0.01
    served = unpacked(
        reach(csr_of_links(n, ends[:, 0], ends[:, 1]), roots, packed(node_failed), packed(link_failed)), 200
    )
    for s in range(0, 200, 9):
        assert np.array_equal(served[s], plain(ends, roots, node_failed[s], link_failed[s]))


def test_the_order_of_nodes_and_links_does_not_matter() -> None:
    random = np.random.Generator(np.random.Philox(6))
    n, ends = 60, random.integers(0, 60, (90, 2))
    node_failed, link_failed = random.random((64, n)) < 0.1, random.random((64, 90)) < 0.1
    before = unpacked(reach(csr_of_links(n, ends[:, 0], ends[:, 1]), [3], packed(node_failed), packed(link_failed)))
    new, rows = random.permutation(n), random.permutation(90)
    old = np.argsort(new)
    moved = new[ends[rows]]
    after = unpacked(
        reach(
            csr_of_links(n, moved[:, 0], moved[:, 1]), [int(new[3])], packed(node_failed[:, old]),
            packed(link_failed[:, rows]),
        )
    )  # fmt: skip
    assert np.array_equal(after[:, new], before)


def test_a_failed_root_reaches_nothing() -> None:
    graph = csr_of_links(2, [0], [1])
    assert reach(graph, [0], [[1, 0]], [[0]])[0, 1] & np.uint64(1) == 0
    assert reach(graph, [0], [[0, 0]], [[0]])[0, 1] & np.uint64(1) == 1


def test_arrays_that_do_not_fit_are_refused_all_at_once() -> None:
    graph = csr_of_links(3, [0, 1], [1, 2])
    with pytest.raises(InputError) as caught:
        reach(graph, [0], np.zeros((1, 2), np.uint64), np.zeros((2, 1), np.uint64))
    assert len(caught.value.problems) == 3
    with pytest.raises(InputError) as bad:
        reach(CSR(np.array([0, 9]), np.array([5], np.int32), np.array([0], np.int32)), [7], [[0]], [[0]])
    assert len(bad.value.problems) >= 2
    with pytest.raises(InputError, match="not there"):
        csr_of_links(2, [0], [2])
