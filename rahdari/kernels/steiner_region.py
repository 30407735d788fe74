# mypy: disable-error-code="assignment,arg-type,return-value,no-untyped-call"
# Types inside a kernel are Numba's; to mypy int and np.int64 are strangers.

"""What the cut LP of a region needs: free its records, list cuts as arcs, separate, and record again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit, types

from rahdari.kernels.steiner_dual import (
    DUAL,
    GRAPH,
    LEDGER,
    N_MEMBERS,
    N_RECORDS,
    SCRATCH,
    STAMP,
    apply_set,
)

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Bools, Int32s, Ints
    from rahdari.kernels.steiner_dual import Dual, Graph, Ledger, Scratch

_I8, _I4, _B1 = types.int64[::1], types.int32[::1], types.boolean[::1]


@njit(types.int64(_I4, types.int64, GRAPH, _B1, types.int64, _I4), cache=True)
def walk(nodes: Int32s, centre: int, graph: Graph, is_terminal: Bools, n_terminals: int, mark: Int32s) -> int:
    """List nodes outwards from ``centre``, never the root, until ``n_terminals`` are found; return how many.

    ``mark`` (n,) starts at -1 and gets the place of each node in ``nodes``.
    """
    ptr, nbr, _, _ = graph
    nodes[0] = centre
    mark[centre] = 0
    at, end, count = 0, 1, 0
    while at < end and count < n_terminals:
        x = nodes[at]
        at += 1
        if is_terminal[x]:
            count += 1
        for k in range(ptr[x], ptr[x + 1]):
            y = nbr[k]
            if y != 0 and mark[y] < 0:
                mark[y] = end
                nodes[end] = y
                end += 1
    for i in range(at, end):
        mark[nodes[i]] = -1
    return at


@njit(_I8(GRAPH, DUAL, LEDGER, SCRATCH, _I4, _I4), cache=True)
def free_inside(graph: Graph, dual: Dual, ledger: Ledger, scratch: Scratch, nodes: Int32s, mark: Int32s) -> Ints:
    """Undo the records of all terminals among ``nodes`` whose cuts lie wholly inside; return these records.

    Terminals that have no record yet are not touched here.
    """
    _, rec_start, rec_stop, _, rec_prev, head, members, _ = ledger
    freed = [np.int64(0)]
    freed.pop()
    for i in range(nodes.shape[0]):
        t = nodes[i]
        r, is_inside = head[t], True
        while r >= 0 and is_inside:
            for j in range(rec_start[r], rec_stop[r]):
                if mark[members[j]] < 0:
                    is_inside = False
                    break
            start = rec_start[r]
            while r >= 0 and rec_start[r] == start:
                r = rec_prev[r]
        if not is_inside or head[t] < 0:
            continue
        r = head[t]
        while r >= 0:
            freed.append(np.int64(r))
            r = rec_prev[r]
        r = head[t]
        while r >= 0:
            r = apply_set(graph, dual, ledger, scratch, r, 1)
        head[t] = -1
    return np.array(freed)


@njit(types.Tuple((_I8, _I8))(GRAPH, _I8, _I8, _I8), cache=True)
def entering_arcs(graph: Graph, start: Ints, stop: Ints, member: Ints) -> tuple[Ints, Ints]:
    """Return (offsets, arcs) of the arcs that enter each node set."""
    ptr, nbr, arc, _ = graph
    stamp = np.full(ptr.shape[0] - 1, -1, np.int64)
    offset = np.zeros(start.shape[0] + 1, np.int64)
    arcs = [np.int64(0)]
    arcs.pop()
    for c in range(start.shape[0]):
        for j in range(start[c], stop[c]):
            stamp[member[j]] = c
        for j in range(start[c], stop[c]):
            v = member[j]
            for k in range(ptr[v], ptr[v + 1]):
                if stamp[nbr[k]] != c:
                    arcs.append(np.int64(arc[k] ^ 1))
        offset[c + 1] = len(arcs)
    return offset, np.array(arcs)


@njit(types.Tuple((_I8, _I8, _I8))(GRAPH, _I8, _I8, _I8, types.int64, types.int64), cache=True)
def separate(  # noqa: C901, PLR0912, PLR0915 - flow, cut and restore share the flow arrays
    graph: Graph, capacity: Ints, terminals: Ints, need: Ints, slack: int, most: int
) -> tuple[Ints, Ints, Ints]:
    """Find for each terminal a set that too little enters: less than its need by more than ``slack``.

    Flow is pushed back from the terminal to node 0 along shortest ways (Edmonds & Karp 1972) and stops
    at the need.  Returns (place of the terminal, offsets, members), ``most`` sets at the most; a second
    set, the largest one of the same flow, goes with each where it differs.
    """
    ptr, nbr, arc, tail = graph
    n = ptr.shape[0] - 1
    left = capacity.copy()
    via = np.full(n, -1, np.int64)
    stamp = np.zeros(n, np.int64)
    queue = np.empty(n, np.int64)
    touched = [np.int64(0)]
    owner, member, offset = [np.int64(0)], [np.int64(0)], [np.int64(0)]
    owner.pop()
    member.pop()
    mark = 0
    for i in range(terminals.shape[0]):
        if len(owner) >= most:
            break
        t, flow = terminals[i], np.int64(0)
        touched.clear()
        while True:
            mark += 1
            stamp[t] = mark
            queue[0] = t
            at, end, is_joined = 0, 1, False
            while at < end and not is_joined:
                v = queue[at]
                at += 1
                for k in range(ptr[v], ptr[v + 1]):
                    u = nbr[k]
                    if stamp[u] != mark and left[arc[k] ^ 1] > 0:
                        stamp[u] = mark
                        via[u] = arc[k] ^ 1
                        if u == 0:
                            is_joined = True
                            break
                        queue[end] = u
                        end += 1
            if not is_joined:
                break
            push, u = need[i] - flow, np.int64(0)
            while u != t:
                push = min(push, left[via[u]])
                u = np.int64(tail[via[u] ^ 1])
            u = np.int64(0)
            while u != t:
                a = via[u]
                left[a] -= push
                left[a ^ 1] += push
                touched.append(a)
                touched.append(a ^ 1)
                u = np.int64(tail[a ^ 1])
            flow += push
            if flow >= need[i] - slack:
                break
        if flow < need[i] - slack:
            owner.append(i)
            for j in range(end):
                member.append(queue[j])
            offset.append(len(member))
            n_near = end
            # The largest set: all that the root no longer reaches.
            mark += 1
            stamp[0] = mark
            queue[0] = 0
            at, end = 0, 1
            while at < end:
                v = queue[at]
                at += 1
                for k in range(ptr[v], ptr[v + 1]):
                    u = nbr[k]
                    if stamp[u] != mark and left[arc[k]] > 0:
                        stamp[u] = mark
                        queue[end] = u
                        end += 1
            # Only the part of it that holds the terminal.
            reached = mark
            mark += 1
            stamp[t] = mark
            queue[0] = t
            at, end = 0, 1
            while at < end <= 4 * n_near:
                v = queue[at]
                at += 1
                for k in range(ptr[v], ptr[v + 1]):
                    u = nbr[k]
                    if stamp[u] < reached:
                        stamp[u] = mark
                        queue[end] = u
                        end += 1
            if at == end and end != n_near:
                owner.append(i)
                for j in range(end):
                    member.append(queue[j])
                offset.append(len(member))
        for j in range(len(touched)):
            left[touched[j]] = capacity[touched[j]]
    return np.array(owner), np.array(offset), np.array(member)


@njit(types.int64(GRAPH, DUAL, LEDGER, SCRATCH, types.int64, _I8, types.int64), cache=True)
def record_cut(
    graph: Graph, dual: Dual, ledger: Ledger, scratch: Scratch, terminal: int, nodes: Ints, amount: int
) -> int:
    """Charge up to ``amount`` to a cut and record it; return what could be charged, -1 for want of room."""
    ptr, nbr, arc, _ = graph
    rc, budget, _ = dual
    rec_terminal, rec_start, rec_stop, rec_amount, rec_prev, head, members, state = ledger
    base, r = state[N_MEMBERS], state[N_RECORDS]
    if base + nodes.shape[0] >= members.shape[0] or r >= rec_terminal.shape[0]:
        return -1
    state[STAMP] += 1
    stamp = scratch[0]
    for i in range(nodes.shape[0]):
        stamp[nodes[i]] = state[STAMP]
    amount = min(amount, budget[terminal])
    for i in range(nodes.shape[0]):
        v = nodes[i]
        for k in range(ptr[v], ptr[v + 1]):
            if stamp[nbr[k]] != state[STAMP]:
                amount = min(amount, rc[arc[k] ^ 1])
    if amount <= 0:
        return 0
    for i in range(nodes.shape[0]):
        members[base + i] = nodes[i]
    rec_terminal[r], rec_start[r], rec_stop[r], rec_amount[r] = terminal, base, base + nodes.shape[0], amount
    rec_prev[r], head[terminal] = head[terminal], r
    state[N_RECORDS], state[N_MEMBERS] = r + 1, base + nodes.shape[0]
    apply_set(graph, dual, ledger, scratch, r, -1)
    return amount


@njit(types.void(GRAPH, DUAL, LEDGER, SCRATCH, _I8, _I8), cache=True)
def restore(graph: Graph, dual: Dual, ledger: Ledger, scratch: Scratch, terminals: Ints, old_head: Ints) -> None:
    """Undo what the terminals have on record and charge their earlier records again."""
    head = ledger[5]
    for i in range(terminals.shape[0]):
        r = head[terminals[i]]
        while r >= 0:
            r = apply_set(graph, dual, ledger, scratch, r, 1)
        head[terminals[i]] = -1
    for i in range(terminals.shape[0]):
        r = old_head[i]
        while r >= 0:
            r = apply_set(graph, dual, ledger, scratch, r, -1)
        head[terminals[i]] = old_head[i]
