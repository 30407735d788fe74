"""What must be built for nodes to stay joined, against every subset of small networks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rahdari.methods.graph import parts
from rahdari.methods.lit import joined_bound, thinned, two_way_parts

N_NODES = 5
Ints = NDArray[np.int64]


@st.composite
def networks(draw: st.DrawFn) -> tuple[Ints, NDArray[np.float64], Ints]:
    """Return links, costs and pairs of a small network in which parallel links may occur."""
    link = draw(st.lists(st.sampled_from(list(itertools.combinations(range(N_NODES), 2))), min_size=4, max_size=8))
    cost = draw(st.lists(st.integers(0, 9), min_size=len(link), max_size=len(link)))
    pair = draw(st.lists(st.sampled_from(list(itertools.combinations(range(N_NODES), 2))), min_size=1, max_size=3))
    return np.array(link, np.int64), np.array(cost, np.float64), np.array(pair, np.int64)


def parted(link: Ints, kept: NDArray[np.bool_], lost: list[int], pair: Ints) -> NDArray[np.bool_]:
    """Return which pairs are parted when links are lost."""
    alive = kept.copy()
    alive[lost] = False
    label = parts(N_NODES, link[alive])
    return np.asarray(label[pair[:, 0]] != label[pair[:, 1]])


def parted_anyhow(link: Ints, pair: Ints) -> list[tuple[list[int], NDArray[np.bool_]]]:
    """Return, for no failure and each failure of one link, which pairs all links together leave parted."""
    every = np.ones(link.shape[0], np.bool_)
    cases: list[list[int]] = [[], *([i] for i in range(every.size))]
    return [(lost, parted(link, every, lost, pair)) for lost in cases]


def is_enough(
    link: Ints, kept: NDArray[np.bool_], pair: Ints, anyhow: list[tuple[list[int], NDArray[np.bool_]]]
) -> bool:
    """Return whether the kept links part no more pairs than all links do, in any failure of one link."""
    return not any((parted(link, kept, lost, pair) & ~without).any() for lost, without in anyhow)


@given(networks())
def test_no_choice_of_links_that_survives_every_single_failure_costs_less_than_the_bound(
    case: tuple[Ints, NDArray[np.float64], Ints],
) -> None:
    link, cost, pair = case
    bound, share = joined_bound(N_NODES, link, cost, pair)
    anyhow = parted_anyhow(link, pair)
    choices = [np.array(kept, np.bool_) for kept in itertools.product((False, True), repeat=cost.size)]
    # From cheap to dear: the first that is enough is the cheapest of all.
    choices.sort(key=lambda kept: float(cost @ kept))
    best = next(float(cost @ kept) for kept in choices if is_enough(link, kept, pair, anyhow))
    assert bound <= best + 1e-9
    assert ((share >= -1e-9) & (share <= 1.0 + 1e-9)).all()


@given(networks())
def test_what_is_thinned_out_is_missed_by_no_failure_and_what_stays_is(
    case: tuple[Ints, NDArray[np.float64], Ints],
) -> None:
    link, _, pair = case
    every = [np.array([i], np.int64) for i in range(link.shape[0])]
    kept = thinned(N_NODES, link, pair, every, np.arange(link.shape[0]))
    anyhow = parted_anyhow(link, pair)
    assert is_enough(link, kept, pair, anyhow)
    for i in np.flatnonzero(kept).tolist():
        without = kept.copy()
        without[i] = False
        assert not is_enough(link, without, pair, anyhow)


def test_a_ring_with_a_chord_is_bought_without_the_chord() -> None:
    link = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [0, 2]])
    bound, share = joined_bound(4, link, np.array([1.0, 1.0, 1.0, 1.0, 5.0]), np.array([[0, 1], [1, 2], [2, 3]]))
    assert bound == pytest.approx(4.0, rel=1e-6)
    assert share.round(6).tolist() == [1.0, 1.0, 1.0, 1.0, 0.0]


def test_a_bridge_parts_what_lies_on_its_sides() -> None:
    label = two_way_parts(6, np.array([[0, 1], [1, 2], [2, 0], [2, 3], [3, 4], [4, 5], [5, 3]]))
    assert len(set(label[:3].tolist())) == len(set(label[3:].tolist())) == 1
    assert label[0] != label[3]
