from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from rahdari.methods.cover import greedy_cover, least_cover


def _brute_force(covers: np.ndarray) -> int:
    points = covers[covers.any(axis=1)]
    for size in range(covers.shape[1] + 1):
        for chosen in combinations(range(covers.shape[1]), size):
            if not points.size or points[:, list(chosen)].any(axis=1).all():
                return size
    raise AssertionError


@pytest.mark.parametrize("seed", range(8))
def test_the_cover_is_the_least_and_its_bound_says_so(seed: int) -> None:
    covers = np.random.default_rng(seed).random((30, 9)) < 0.25
    found = least_cover(covers, "t")
    assert covers[covers.any(axis=1)][:, found.chosen].any(axis=1).all()
    assert found.chosen.size == _brute_force(covers) == found.certificate.lower_bound
    assert set(found.uncovered) == set(np.flatnonzero(~covers.any(axis=1)))


def test_greedy_alone_may_need_more() -> None:
    # Two rows of three; the middle centre takes four points and leaves two apart.
    covers = np.array([[1, 0, 0], [1, 0, 1], [1, 0, 1], [0, 1, 1], [0, 1, 1], [0, 1, 0]], dtype=bool)
    assert greedy_cover(covers).size == 3
    assert least_cover(covers, "t").chosen.tolist() == [0, 1]


def test_nothing_to_cover_needs_no_centre() -> None:
    found = least_cover(np.zeros((3, 2), dtype=bool), "t")
    assert found.chosen.size == 0
    assert found.uncovered.tolist() == [0, 1, 2]


def test_among_equally_few_the_heavier_centres_are_taken() -> None:
    covers = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], dtype=bool)
    found = least_cover(covers, "t", np.array([1.0, 5.0, 9.0, 2.0]))
    assert found.chosen.tolist() == [1, 2]
    assert found.certificate.cost == found.certificate.lower_bound == 2.0
