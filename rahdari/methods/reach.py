"""Who is still joined to a root when nodes and links fail: many scenarios at once, bit for bit exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.reach import LANES, reach_words, strip_trees, up_lanes, words_of_lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike, NDArray

    IntArray = NDArray[np.int64]
    Words = NDArray[np.uint64]

SCENARIOS_PER_WORD = 64


class CSR(NamedTuple):
    """An undirected network by rows: both directions of each link are listed.

    ``indptr`` (n + 1,), ``indices`` (2 m,) the neighbours, ``link_index`` (2 m,) the link that leads there.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    link_index: NDArray[np.int32]


def csr_of_links(n_nodes: int, from_node: ArrayLike, to_node: ArrayLike) -> CSR:
    """Return the network of ``n_nodes`` nodes and (m,) links between them; link ``i`` is row ``i`` of the ends.

    A link from a node to itself joins nothing and is left out of the rows.  Ends out of range raise InputError.
    """
    tail, head = np.asarray(from_node, np.int64), np.asarray(to_node, np.int64)
    if tail.size and (min(tail.min(), head.min()) < 0 or max(tail.max(), head.max()) >= n_nodes):
        raise InputError(Problem("a link ends at a node that is not there", f"number nodes from 0 to {n_nodes - 1}"))
    number = np.flatnonzero(tail != head)
    source = np.concatenate([tail[number], head[number]])
    target = np.concatenate([head[number], tail[number]])
    link = np.concatenate([number, number])
    order = np.lexsort((link, target, source))
    indptr = np.zeros(n_nodes + 1, np.int64)
    np.cumsum(np.bincount(source, minlength=n_nodes), out=indptr[1:])
    return CSR(indptr, target[order].astype(np.int32), link[order].astype(np.int32))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A network made ready for many calls: trees stripped, nodes renumbered so that neighbours lie close."""

    n_nodes: int
    n_links: int
    order: IntArray  # old number of each new one
    links: IntArray  # old number of each link that is used, in new order
    rows: CSR
    roots: NDArray[np.int32]
    tree: NDArray[np.int32]
    parent: NDArray[np.int32]
    by: NDArray[np.int32]


def _checked(graph: CSR, roots: ArrayLike) -> tuple[CSR, NDArray[np.int32]]:
    rows = CSR(
        np.ascontiguousarray(graph[0], np.int64),
        np.ascontiguousarray(graph[1], np.int32),
        np.ascontiguousarray(graph[2], np.int32),
    )
    n = rows.indptr.size - 1
    found = np.unique(np.asarray(roots, np.int64))
    problems = []
    if n < 0 or rows.indptr[0] != 0 or (np.diff(rows.indptr) < 0).any() or rows.indptr[-1] != rows.indices.size:
        problems.append(Problem("indptr does not fit indices", "give a CSR: indptr from 0 to the length of indices"))
    if rows.indices.size != rows.link_index.size:
        problems.append(Problem("indices and link_index differ in length", "give one link for each neighbour"))
    if rows.indices.size and (rows.indices.min() < 0 or rows.indices.max() >= n or rows.link_index.min() < 0):
        problems.append(Problem("a neighbour or link lies outside the network", f"number nodes from 0 to {n - 1}"))
    if found.size and (found[0] < 0 or found[-1] >= n):
        problems.append(Problem("a root is not a node", f"number roots from 0 to {n - 1}"))
    raise_if_any(problems)
    return rows, found.astype(np.int32)


def prepare(graph: CSR, roots: ArrayLike) -> Prepared:
    """Return a network made ready for :func:`reach_prepared`; faults of the arrays raise InputError, all at once."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    rows, root = _checked(graph, roots)
    n = rows.indptr.size - 1
    n_links = int(rows.link_index.max()) + 1 if rows.link_index.size else 0
    if n == 0:
        nothing = np.zeros(0, np.int32)
        return Prepared(0, n_links, np.zeros(0, np.int64), np.zeros(0, np.int64), rows, root, *([nothing] * 3))
    matrix = csr_array((np.ones(rows.indices.size, np.int8), rows.indices, rows.indptr), (n, n))
    order = reverse_cuthill_mckee(matrix, symmetric_mode=True).astype(np.int64)
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    source = np.repeat(np.arange(n), np.diff(rows.indptr))
    tail, head = place[source], place[rows.indices]
    by_row = np.lexsort((rows.link_index, head, tail))
    tail, head, link = tail[by_row], head[by_row], rows.link_index[by_row].astype(np.int64)
    # Links are renumbered by first use, so that a sweep over nodes reads them in order too.
    used, first = np.unique(link, return_index=True)
    links = used[np.argsort(first, kind="stable")]
    new_link = np.full(n_links, -1, np.int64)
    new_link[links] = np.arange(links.size)
    new_root = np.sort(place[root]).astype(np.int32)
    is_root = np.zeros(n, np.bool_)
    is_root[new_root] = True
    tree, parent, by = (np.empty(n, np.int32) for _ in range(3))
    off = np.zeros(n, np.bool_)
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(tail, minlength=n), out=indptr[1:])
    count = strip_trees(indptr, head.astype(np.int32), new_link[link].astype(np.int32), is_root, tree, parent, by, off)
    kept = ~(off[tail] | off[head])
    core_ptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(tail[kept], minlength=n), out=core_ptr[1:])
    core = CSR(core_ptr, head[kept].astype(np.int32), new_link[link[kept]].astype(np.int32))
    return Prepared(n, n_links, order, links, core, new_root, tree[:count], parent[:count], by[:count])


def reach_prepared(
    ready: Prepared,
    failed_nodes: Words,
    failed_links: Words,
    visit: Callable[[int, int, Words], None],
) -> None:
    """Call ``visit(first word, last word + 1, reach)`` for each few words; ``reach`` is (n, LANES) in ``ready.order``.

    ``failed_nodes`` (W, n) and ``failed_links`` (W, m) as in :func:`reach`.  The array is used again after the call.
    """
    n = ready.n_nodes
    found = np.zeros((n, LANES), np.uint64)
    node_up, link_up = np.zeros((n, LANES), np.uint64), np.zeros((ready.links.size, LANES), np.uint64)
    queue, is_waiting = np.zeros(max(n, 1), np.int32), np.zeros(n, np.bool_)
    rows = ready.rows
    for low in range(0, failed_nodes.shape[0], LANES):
        high = min(low + LANES, failed_nodes.shape[0])
        up_lanes(failed_nodes, ready.order, low, high, node_up)
        up_lanes(failed_links, ready.links, low, high, link_up)
        reach_words(
            rows.indptr, rows.indices, rows.link_index, ready.roots, ready.tree, ready.parent, ready.by,
            node_up, link_up, high - low, found, queue, is_waiting,
        )  # fmt: skip
        visit(low, high, found)


def reach(graph: CSR, roots: ArrayLike, failed_nodes: ArrayLike, failed_links: ArrayLike) -> Words:
    """Return, for every scenario, the nodes that are up and joined to a root that is up: uint64 (W, n).

    ``failed_nodes`` uint64 (W, n), ``failed_links`` uint64 (W, m): scenario ``s`` is bit ``s % 64``, lowest first, of
    word ``s // 64``, one where the thing has failed.  ``graph`` is a :class:`CSR` or its three arrays.  A failed root
    reaches nothing.  Arrays that do not fit one another raise InputError, all faults at once.
    """
    ready = prepare(CSR(*graph), roots)
    nodes, links = (np.atleast_2d(np.ascontiguousarray(a, np.uint64)) for a in (failed_nodes, failed_links))
    problems = []
    if nodes.shape[1] != ready.n_nodes:
        what = f"failed_nodes has {nodes.shape[1]} columns, the network {ready.n_nodes} nodes"
        problems.append(Problem(what, "give one column a node"))
    if links.shape[1] < ready.n_links:
        what = f"failed_links has {links.shape[1]} columns, the network {ready.n_links} links"
        problems.append(Problem(what, "give one column a link"))
    if links.shape[0] != nodes.shape[0]:
        what = f"failed_nodes has {nodes.shape[0]} words a node, failed_links {links.shape[0]}"
        problems.append(Problem(what, "give both the same scenarios"))
    raise_if_any(problems)
    result: Words = np.zeros(nodes.shape, np.uint64)

    def keep(low: int, high: int, found: Words) -> None:
        words_of_lanes(found, ready.order, low, high, result)

    reach_prepared(ready, nodes, links, keep)
    return result


def packed(is_set: Iterable[ArrayLike]) -> Words:
    """Return words (W, n) of scenarios given as flags (S, n); the last word is filled with zeros.

    >>> packed([[True, False], [True, True]]).tolist()
    [[3, 2]]
    """
    flags = np.atleast_2d(np.asarray(is_set, np.bool_))
    n_words = -(-flags.shape[0] // SCENARIOS_PER_WORD)
    filled = np.zeros((n_words * SCENARIOS_PER_WORD, flags.shape[1]), np.uint64)
    filled[: flags.shape[0]] = flags
    bit = np.arange(SCENARIOS_PER_WORD, dtype=np.uint64)[None, :, None]
    words: Words = np.bitwise_or.reduce(filled.reshape(n_words, SCENARIOS_PER_WORD, -1) << bit, axis=1)
    return words


def unpacked(words: ArrayLike, n_scenarios: int | None = None) -> NDArray[np.bool_]:
    """Return flags (S, n) of words (W, n); ``n_scenarios`` cuts the filling of the last word off.

    >>> unpacked(packed([[True, False], [True, True]]), 2).tolist()
    [[True, False], [True, True]]
    """
    given = np.atleast_2d(np.asarray(words, np.uint64))
    bit = np.arange(SCENARIOS_PER_WORD, dtype=np.uint64)[None, :, None]
    flags = ((given[:, None, :] >> bit) & np.uint64(1)).astype(np.bool_).reshape(-1, given.shape[1])
    return np.asarray(flags[:n_scenarios], np.bool_)
