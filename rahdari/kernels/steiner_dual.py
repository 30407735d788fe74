"""Dual ascent for the prize-collecting Steiner forest, with every raised cut on record.

Node 0 is the root.  Edge ``e`` has the arcs ``2e`` and ``2e + 1``; ``arc ^ 1`` is the way back.
A record (terminal, start, stop, amount) says: the node set ``members[start:stop]`` holds the
terminal but not the root, and pays ``amount`` for being entered.  Records of one growing set
share their start.  Sources: Wong 1984 (dual ascent); Leitner, Ljubić, Luipersbeck & Sinnl 2018
(prizes as budgets); the local undoing and redoing is our own.
"""

# mypy: disable-error-code="assignment,arg-type,return-value,no-untyped-call,no-any-return"
# Types inside a kernel are Numba's; to mypy int and np.int64 are strangers.

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np
from numba import njit, types

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Bools, Int32s, Ints

    Graph = tuple[Ints, Int32s, Int32s, Int32s]
    Dual = tuple[Ints, Ints, Bools]
    Ledger = tuple[Int32s, Ints, Ints, Ints, Ints, Ints, Int32s, Ints]
    Scratch = tuple[Int32s, Int32s, Ints, Int32s, Ints]

HUGE = 1 << 60  # above any sum of money; two of them do not overflow
KEY_SHIFT = 32  # heap entries are key << 32 | place in the list of terminals
KEY_LIMIT = 1 << 30
N_RECORDS, N_MEMBERS, BOUND, STAMP, N_LOGGED = 0, 1, 2, 3, 4  # slots of the ledger's state

_I8, _I4, _B1 = types.int64[::1], types.int32[::1], types.boolean[::1]
#: (first arc slot of each node, neighbour, arc out of the node, tail of each arc)
GRAPH = types.Tuple((_I8, _I4, _I4, _I4))
#: (reduced cost of each arc, budget left of each node, node is joined to the root by free arcs)
DUAL = types.Tuple((_I8, _I8, _B1))
#: (terminal, start, stop, amount, previous record of the terminal, last record of a node, members, state)
LEDGER = types.Tuple((_I4, _I8, _I8, _I8, _I8, _I8, _I4, _I8))
#: (stamp of nodes, buffer of arcs, place of nodes in a set, log of nodes joined, running amounts)
SCRATCH = types.Tuple((_I4, _I4, _I8, _I4, _I8))


@njit(types.void(GRAPH, DUAL, SCRATCH, types.int64, _I8), cache=True)
def spread_rooted(graph: Graph, dual: Dual, scratch: Scratch, start: int, state: Ints) -> None:
    """Mark all that free arcs reach from ``start`` as joined to the root, and log it."""
    ptr, nbr, arc, _ = graph
    rc, _, rooted = dual
    log = scratch[3]
    # What was joined before is walked from, but not logged as new.
    first = state[N_LOGGED]
    at, end = first, first + 1
    was_joined = rooted[start]
    rooted[start] = True
    log[at] = start
    while at < end:
        x = log[at]
        at += 1
        for k in range(ptr[x], ptr[x + 1]):
            y = nbr[k]
            if rc[arc[k]] == 0 and not rooted[y]:
                rooted[y] = True
                log[end] = y
                end += 1
    if was_joined:
        end -= 1
        log[first] = log[end]
    state[N_LOGGED] = end


@njit(
    types.boolean(GRAPH, DUAL, LEDGER, SCRATCH, _I8, types.int64, types.int64, types.int64, _B1, types.int64),
    cache=True,
)
def ascend(  # noqa: C901, PLR0912, PLR0915 - one loop; split, Numba would copy its state
    graph: Graph,
    dual: Dual,
    ledger: Ledger,
    scratch: Scratch,
    terminals: Ints,
    n_fresh: int,
    late_key: int,
    key_factor: int,
    in_tree: Bools,
    penalty: int,
) -> bool:
    """Raise cuts of ``terminals`` until none can rise; return False where the ledger is full.

    A heap takes the smallest cut first; a cut that enters the tree ``in_tree`` (arcs) more than
    once waits by ``penalty`` for each entry too many.  Terminals from place ``n_fresh`` on start
    at ``late_key``.  A full ledger leaves a valid, unfinished ascent: call again with more room.
    """
    ptr, nbr, arc, tail = graph
    rc, budget, rooted = dual
    rec_terminal, rec_start, rec_stop, rec_amount, rec_prev, head, members, state = ledger
    stamp, cut = scratch[0], scratch[1]
    heap = [np.int64(0)]
    heap.pop()
    for i in range(terminals.shape[0]):
        if budget[terminals[i]] > 0 and not rooted[terminals[i]]:
            first_key = np.int64(0) if i < n_fresh else np.int64(late_key)
            heap.append((first_key << KEY_SHIFT) | np.int64(i))
    heapq.heapify(heap)
    n = ptr.shape[0] - 1
    while len(heap) > 0:
        entry = heapq.heappop(heap)
        key = entry >> KEY_SHIFT
        place = entry & ((np.int64(1) << KEY_SHIFT) - 1)
        t = terminals[place]
        if rooted[t] or budget[t] == 0:
            continue
        base = state[N_MEMBERS]
        if base + n >= members.shape[0]:
            return False
        state[STAMP] += 1
        mark = state[STAMP]
        stamp[t] = mark
        members[base] = t
        at, end, n_cut, hit = base, base + 1, 0, -1
        while True:
            while at < end and hit < 0:
                x = members[at]
                at += 1
                for k in range(ptr[x], ptr[x + 1]):
                    u = nbr[k]
                    if stamp[u] == mark:
                        continue
                    a = arc[k] ^ 1
                    if rc[a] == 0:
                        if rooted[u]:
                            hit = u
                            break
                        stamp[u] = mark
                        members[end] = u
                        end += 1
                    else:
                        cut[n_cut] = a
                        n_cut += 1
            if hit >= 0:
                break
            kept, raise_by, n_tree = 0, np.int64(HUGE), 0
            for i in range(n_cut):
                a = cut[i]
                if stamp[tail[a]] != mark:
                    cut[kept] = a
                    kept += 1
                    raise_by = min(raise_by, rc[a])
                    if in_tree[a]:
                        n_tree += 1
            n_cut = kept
            new_key = np.int64(n_cut) * key_factor + penalty * max(0, n_tree - 1)
            new_key = min(new_key, np.int64(KEY_LIMIT))
            if len(heap) > 0 and new_key > key and new_key > (heap[0] >> KEY_SHIFT):
                heapq.heappush(heap, (new_key << KEY_SHIFT) | place)
                break
            key = max(key, new_key)
            raise_by = min(raise_by, budget[t])
            r = state[N_RECORDS]
            if r >= rec_terminal.shape[0]:
                return False
            rec_terminal[r], rec_start[r], rec_stop[r], rec_amount[r] = t, base, end, raise_by
            rec_prev[r], head[t] = head[t], r
            state[N_RECORDS] = r + 1
            state[N_MEMBERS] = end
            state[BOUND] += raise_by
            budget[t] -= raise_by
            for i in range(n_cut):
                a = cut[i]
                rc[a] -= raise_by
                if rc[a] == 0:
                    u = tail[a]
                    if rooted[u]:
                        hit = u
                    elif stamp[u] != mark:
                        stamp[u] = mark
                        members[end] = u
                        end += 1
            if hit >= 0 or budget[t] == 0:
                break
        if hit >= 0:
            spread_rooted(graph, dual, scratch, hit, state)
    return True


@njit(types.int64(GRAPH, DUAL, LEDGER, SCRATCH, types.int64, types.int64), cache=True)
def apply_set(graph: Graph, dual: Dual, ledger: Ledger, scratch: Scratch, last: int, sign: int) -> int:
    """Take back (sign 1) or charge again (sign -1) all records of record ``last``'s growing set.

    ``last`` is its newest record; the return value is the terminal's record before the set, or -1.
    """
    ptr, nbr, arc, _ = graph
    rc, budget, _ = dual
    rec_terminal, rec_start, rec_stop, rec_amount, rec_prev, _, members, state = ledger
    stamp, _, place, _, running = scratch
    start, stop = rec_start[last], rec_stop[last]
    state[STAMP] += 1
    mark = state[STAMP]
    for i in range(start, stop):
        stamp[members[i]] = mark
        place[members[i]] = i - start
        running[i - start] = 0
    r, total = last, np.int64(0)
    while r >= 0 and rec_start[r] == start:
        running[rec_stop[r] - 1 - start] += rec_amount[r]
        total += rec_amount[r]
        r = rec_prev[r]
    for i in range(stop - start - 2, -1, -1):
        running[i] += running[i + 1]
    for i in range(stop - start):
        v = members[start + i]
        for k in range(ptr[v], ptr[v + 1]):
            u = nbr[k]
            if stamp[u] != mark:
                rc[arc[k] ^ 1] += sign * running[i]
            elif place[u] > i:
                rc[arc[k] ^ 1] += sign * (running[i] - running[place[u]])
    budget[rec_terminal[last]] += sign * total
    state[BOUND] -= sign * total
    return r


@njit(types.void(GRAPH, DUAL, SCRATCH, _I8), cache=True)
def reset_rooted(graph: Graph, dual: Dual, scratch: Scratch, state: Ints) -> None:
    """Mark afresh what free arcs join to the root."""
    dual[2][:] = False
    state[N_LOGGED] = 0
    spread_rooted(graph, dual, scratch, 0, state)
    state[N_LOGGED] = 0


@njit(
    types.int64(GRAPH, _B1, types.int64, types.int64, types.int64, _I4, types.int64, _I4, _I8),
    cache=True,
)
def _ball(
    graph: Graph,
    is_terminal: Bools,
    centre: int,
    n_inner: int,
    n_all: int,
    seen: Int32s,
    mark: int,
    nodes: Int32s,
    found: Ints,
) -> int:
    """Walk out from ``centre`` (never through the root) to ``n_all`` terminals; return nodes walked.

    ``found`` gets (terminals, of these undone) and then the terminals in order of reach.
    """
    ptr, nbr, _, _ = graph
    seen[centre] = mark
    nodes[0] = centre
    at, end, count = 0, 1, 0
    while at < end and count < n_all:
        x = nodes[at]
        at += 1
        if is_terminal[x]:
            found[2 + count] = x
            count += 1
        for k in range(ptr[x], ptr[x + 1]):
            y = nbr[k]
            if y != 0 and seen[y] != mark:
                seen[y] = mark
                nodes[end] = y
                end += 1
    found[0], found[1] = count, min(count, n_inner)
    return end


@njit(types.void(GRAPH, DUAL, SCRATCH, _I4, types.int64, _I8), cache=True)
def _refresh_rooted(graph: Graph, dual: Dual, scratch: Scratch, nodes: Int32s, n_nodes: int, state: Ints) -> None:
    """Mark afresh which of ``nodes`` are joined to the root, taking the flags of all others as they are."""
    ptr, nbr, arc, _ = graph
    rc, _, rooted = dual
    for i in range(n_nodes):
        rooted[nodes[i]] = False
    for i in range(n_nodes):
        x = nodes[i]
        if not rooted[x]:
            for k in range(ptr[x], ptr[x + 1]):
                if rooted[nbr[k]] and rc[arc[k] ^ 1] == 0:
                    spread_rooted(graph, dual, scratch, x, state)
                    break


@njit(
    types.int64(GRAPH, DUAL, LEDGER, SCRATCH, _B1, _I8, _I8, _I8, _B1, _I4, _I4),
    cache=True,
)
def reascend(  # noqa: C901, PLR0912 - undo, redo, and undo the redoing share all state
    graph: Graph,
    dual: Dual,
    ledger: Ledger,
    scratch: Scratch,
    is_terminal: Bools,
    centre: Ints,
    size: Ints,
    penalty: Ints,
    in_tree: Bools,
    seen: Int32s,
    nodes: Int32s,
) -> int:
    """Undo and redo the ascent in a ball around each centre; keep what does not lower the bound.

    ``size`` and ``penalty`` go with ``centre``; ``seen`` (n,) starts at 0.  Returns how many balls
    were tried before the ledger ran full.
    """
    rec_start, head, members, state = ledger[1], ledger[5], ledger[6], ledger[7]
    n = graph[0].shape[0] - 1
    rooted = dual[2]
    found = np.empty(n + 2, np.int64)
    was_rooted = np.empty(n, np.bool_)
    old_head = np.empty(n, np.int64)
    for b in range(centre.shape[0]):
        n_ring = 4 * size[b]
        n_walked = _ball(graph, is_terminal, centre[b], size[b], n_ring, seen, b + 1, nodes, found)
        count, n_undone = found[0], found[1]
        bound, n_records, n_members = state[BOUND], state[N_RECORDS], state[N_MEMBERS]
        if n_members + 8 * n > members.shape[0] or n_records + 64 * count > rec_start.shape[0]:
            return b
        for i in range(n_walked):
            was_rooted[i] = rooted[nodes[i]]
        for i in range(count):
            old_head[i] = head[found[2 + i]]
        for i in range(n_undone):
            r = old_head[i]
            while r >= 0:
                r = apply_set(graph, dual, ledger, scratch, r, 1)
            head[found[2 + i]] = -1
        state[N_LOGGED] = 0
        _refresh_rooted(graph, dual, scratch, nodes, n_walked, state)
        is_done = ascend(graph, dual, ledger, scratch, found[2 : 2 + count], n_undone, 20, 1, in_tree, penalty[b])
        if is_done and state[BOUND] >= bound:
            continue
        r = state[N_RECORDS] - 1
        while r >= n_records:
            start = rec_start[r]
            apply_set(graph, dual, ledger, scratch, r, 1)
            while r >= n_records and rec_start[r] == start:
                r -= 1
        for i in range(count):
            head[found[2 + i]] = old_head[i]
        for i in range(n_undone):
            r = old_head[i]
            while r >= 0:
                r = apply_set(graph, dual, ledger, scratch, r, -1)
        for i in range(state[N_LOGGED]):
            rooted[scratch[3][i]] = False
        for i in range(n_walked):
            rooted[nodes[i]] = was_rooted[i]
        state[N_RECORDS], state[N_MEMBERS] = n_records, n_members
        if not is_done:
            return b
    return centre.shape[0]


@njit(types.int64(LEDGER, LEDGER), cache=True)
def compact(ledger: Ledger, into: Ledger) -> int:
    """Copy the live records, oldest first by terminal, into an empty ledger; return how many."""
    _, start, stop, amount, prev, head, members, state = ledger
    to_terminal, to_start, to_stop, to_amount, to_prev, to_head, to_members, to_state = into
    n_live, n_members = 0, 0
    chain = np.empty(max(1, state[N_RECORDS]), np.int64)
    for t in range(head.shape[0]):
        to_head[t] = -1
        r, length = head[t], 0
        while r >= 0:
            chain[length] = r
            length += 1
            r = prev[r]
        at_start, moved = -1, 0
        for i in range(length - 1, -1, -1):
            r = chain[i]
            if start[r] != at_start:
                at_start, moved = start[r], n_members
            for j in range(n_members - moved, stop[r] - start[r]):
                to_members[moved + j] = members[at_start + j]
            n_members = max(n_members, moved + stop[r] - start[r])
            to_terminal[n_live], to_start[n_live], to_stop[n_live] = t, moved, moved + stop[r] - start[r]
            to_amount[n_live], to_prev[n_live] = amount[r], to_head[t]
            to_head[t] = n_live
            n_live += 1
    to_state[:] = state
    to_state[N_RECORDS], to_state[N_MEMBERS] = n_live, n_members
    return n_live


@njit(types.void(DUAL, LEDGER, SCRATCH, _I4, _I4, _B1, _I8), cache=True)
def charge_gap(  # noqa: C901 - one pass over the ledger
    dual: Dual, ledger: Ledger, scratch: Scratch, into: Int32s, parent: Int32s, is_served: Bools, charge: Ints
) -> None:
    """Say where the gap between tree and bound sits: the sum of ``charge`` (n,) is upper minus lower.

    ``into`` (n,) is the tree's arc into each node or -1, ``parent`` its tail.
    """
    rc, budget, _ = dual
    _, rec_start, rec_stop, rec_amount, rec_prev, head, members, state = ledger
    stamp, _, place, _, running = scratch
    for t in range(head.shape[0]):
        charge[t] = 0 if into[t] < 0 else rc[into[t]]
    for t in range(head.shape[0]):
        if not is_served[t]:
            charge[t] += budget[t]
        last = head[t]
        while last >= 0:
            start, stop = rec_start[last], rec_stop[last]
            state[STAMP] += 1
            for i in range(start, stop):
                stamp[members[i]] = state[STAMP]
                place[members[i]] = i - start
                running[i - start] = 0
            r = last
            while r >= 0 and rec_start[r] == start:
                running[rec_stop[r] - 1 - start] += rec_amount[r]
                r = rec_prev[r]
            for i in range(stop - start - 2, -1, -1):
                running[i] += running[i + 1]
            for i in range(stop - start):
                v = members[start + i]
                if into[v] >= 0:
                    u = parent[v]
                    if stamp[u] != state[STAMP]:
                        charge[t] += running[i]
                    elif place[u] > i:
                        charge[t] += running[i] - running[place[u]]
            if is_served[t]:
                charge[t] -= running[0]
            last = r
