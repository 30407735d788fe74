"""What roots still reach, for 64 failure scenarios in each machine word.

Bit ``s`` of a word is scenario ``s``: one pass of logic answers all of them.  Trees that hang off the rest of the
network need no search: each node of one is served if its parent is, so they are answered in one sweep at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Bools, Int32s, Ints

    Words = NDArray[np.uint64]

_NOTHING = np.uint64(0)
_STRIP = "int64(int64[::1], int32[::1], int32[::1], boolean[::1], int32[::1], int32[::1], int32[::1], boolean[::1])"
_REACH = (
    "void(int64[::1], int32[::1], int32[::1], int32[::1], int32[::1], int32[::1], int32[::1],"
    " uint64[:, ::1], uint64[:, ::1], int64, uint64[:, ::1], int32[::1], boolean[::1])"
)
LANES = 8  # words done together, a cache line: 512 scenarios share each look at the network


@njit(_STRIP, cache=True, nogil=True)
def strip_trees(
    indptr: Ints, indices: Int32s, link: Int32s, is_root: Bools, node: Int32s, parent: Int32s, by: Int32s, off: Bools
) -> int:
    """Fill the nodes of hanging trees, leaf first, with parent and link, mark them in ``off``, and return their number.

    Roots are never stripped.  ``node``, ``parent``, ``by`` are (n,); the first entries are used.
    """
    n = indptr.size - 1
    degree = np.empty(n, np.int32)
    count = 0
    for i in range(n):
        degree[i] = indptr[i + 1] - indptr[i]
        off[i] = False
        if degree[i] == 1 and not is_root[i]:
            node[count] = i
            count += 1
    done = 0
    while done < count:
        i = node[done]
        off[i] = True
        parent[done] = -1
        by[done] = -1
        for z in range(indptr[i], indptr[i + 1]):
            j = indices[z]
            if j != i and not off[j]:
                parent[done], by[done] = j, link[z]
                degree[j] -= 1
                if degree[j] == 1 and not is_root[j]:
                    node[count] = j
                    count += 1
        done += 1
    return count


@njit("void(uint64[:, ::1], int64[::1], int64, int64, uint64[:, ::1])", cache=True, nogil=True)
def up_lanes(failed: Words, taken: Ints, low: int, high: int, up: Words) -> None:
    """Fill ``up`` (k, LANES) with one where a thing stands, from words ``low`` to ``high`` of (W, n) failures."""
    for k in range(taken.size):
        for w in range(high - low):
            up[k, w] = ~failed[low + w, taken[k]]


@njit("void(uint64[:, ::1], int64[::1], int64, int64, uint64[:, ::1])", cache=True, nogil=True)
def words_of_lanes(reach: Words, taken: Ints, low: int, high: int, words: Words) -> None:
    """Write the lanes of (n, LANES) back to words ``low`` to ``high`` of (W, n), in the old order of nodes."""
    for w in range(high - low):
        for k in range(taken.size):
            words[low + w, taken[k]] = reach[k, w]


@njit(_REACH, cache=True, nogil=True)
def reach_words(  # noqa: C901 - one kernel
    indptr: Ints, indices: Int32s, link: Int32s, roots: Int32s, tree: Int32s, parent: Int32s, by: Int32s,
    node_up: Words, link_up: Words, n_lanes: int, reach: Words, queue: Int32s, is_waiting: Bools,
) -> None:  # fmt: skip
    """Fill ``reach`` (n, LANES): the scenarios in which each node is joined to a root that is up.

    ``node_up`` (n, LANES) and ``link_up`` (m, LANES) hold one where the thing stands; ``tree``, ``parent``, ``by``
    come from :func:`strip_trees`, whose nodes are not in the rows of ``indptr`` any more; ``queue`` and
    ``is_waiting`` are (n,) work space.  The first ``n_lanes`` lanes count.
    """
    n = indptr.size - 1
    for i in range(n):
        is_waiting[i] = False
        for w in range(n_lanes):
            reach[i, w] = _NOTHING
    head, tail, n_waiting = 0, 0, 0
    for k in range(roots.size):
        i = roots[k]
        for w in range(n_lanes):
            reach[i, w] = node_up[i, w]
        if not is_waiting[i]:
            is_waiting[i] = True
            queue[tail] = i
            tail = tail + 1 if tail + 1 < n else 0
            n_waiting += 1
    while n_waiting > 0:
        i = queue[head]
        head = head + 1 if head + 1 < n else 0
        n_waiting -= 1
        is_waiting[i] = False
        for z in range(indptr[i], indptr[i + 1]):
            j, e = indices[z], link[z]
            grown = _NOTHING
            for w in range(n_lanes):
                new = reach[i, w] & node_up[j, w] & link_up[e, w] & ~reach[j, w]
                reach[j, w] |= new
                grown |= new
            if grown != _NOTHING and not is_waiting[j]:
                is_waiting[j] = True
                queue[tail] = j
                tail = tail + 1 if tail + 1 < n else 0
                n_waiting += 1
    for k in range(tree.size - 1, -1, -1):
        if parent[k] < 0:  # a lone node: nothing joins it to a root
            continue
        i, j, e = tree[k], parent[k], by[k]
        for w in range(n_lanes):
            reach[i, w] = reach[j, w] & node_up[i, w] & link_up[e, w]
