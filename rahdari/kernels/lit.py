"""Leave links out one after another while failures part no more pairs of nodes than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Bools, Ints


@njit("int64(int64[::1], int64)", cache=True)
def _root(parent: Ints, node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@njit("void(int64[:, ::1], boolean[::1], int64[::1], int64, int64, boolean[::1], int64[::1])", cache=True)
def _join(link_node: Ints, kept: Bools, lost: Ints, begin: int, end: int, is_lost: Bools, parent: Ints) -> None:
    """Fill ``parent`` with the parts that the kept links make without ``lost[begin:end]``; ``is_lost`` is scratch."""
    for i in range(begin, end):
        is_lost[lost[i]] = True
    for node in range(parent.size):
        parent[node] = node
    for link in range(kept.size):
        if kept[link] and not is_lost[link]:
            a, b = _root(parent, link_node[link, 0]), _root(parent, link_node[link, 1])
            if a != b:
                parent[max(a, b)] = min(a, b)
    for i in range(begin, end):
        is_lost[lost[i]] = False


@njit(
    "void(int64[:, ::1], int64[:, ::1], int64[::1], int64[::1], int64[::1], int64[::1], boolean[:, ::1],"
    " boolean[::1], boolean[::1])",
    cache=True,
)
def thin(
    link_node: Ints,
    pair: Ints,
    first: Ints,
    lost: Ints,
    order: Ints,
    parent: Ints,
    may_part: Bools,
    is_lost: Bools,
    kept: Bools,
) -> None:
    """Clear ``kept`` (m,) of each link in ``order`` that no failure needs; scratch: ``parent``, ``is_lost``.

    Failure f loses ``lost[first[f]:first[f + 1]]``; ``may_part`` (f, d) is filled with the pairs it parts at first.
    The failure that last needed a link is looked at first.
    """
    n_failures = first.size - 1
    for f in range(n_failures):
        _join(link_node, kept, lost, first[f], first[f + 1], is_lost, parent)
        for d in range(pair.shape[0]):
            may_part[f, d] = _root(parent, pair[d, 0]) != _root(parent, pair[d, 1])
    begin = 0
    for link in order:
        kept[link] = False
        for turn in range(n_failures):
            f = (begin + turn) % n_failures
            _join(link_node, kept, lost, first[f], first[f + 1], is_lost, parent)
            for d in range(pair.shape[0]):
                if not may_part[f, d] and _root(parent, pair[d, 0]) != _root(parent, pair[d, 1]):
                    kept[link] = True
                    break
            if kept[link]:
                begin = f
                break
