"""Local search over schedules: some packages that lie close in time are taken out and put back in another order.

Only what is taken out is looked at again, so a trial costs as much in a programme of 20,000 packages as in a small one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit, types

from rahdari.kernels.schedule import BOOKS, NEVER, NONE, WORK, below, book, earliest, first_start, serial, unit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Ints
    from rahdari.kernels.schedule import Books, State, Work

STAYS, OUT, BACK = 0, 1, 2  # of a package in a trial
SPREAD = 8.0  # periods by which the old order is stirred
SCALES = 4  # widths, each half of the one before
ONE_IN = 4  # trials that look for places from the first period on, or call in an undone package
_I, _F = types.int64[::1], types.float64[::1]
_STATE = types.uint64[::1]


@njit(types.float64(types.int64, WORK, BOOKS), cache=True)
def worth_of(i: int, work: Work, books: Books) -> float:
    """Return value times end of package ``i``; the end of what is undone is the horizon."""
    s = books[3][i]
    return work[0][i] * (s + work[2][i] if s >= 0 else books[0].shape[0])  # type: ignore[no-any-return]


@njit(types.boolean(types.int64, types.int64, _I, WORK, BOOKS), cache=True)
def _place(i: int, low: int, out: Ints, work: Work, books: Books) -> bool:
    """Put package ``i`` into its earliest place from ``low`` on and book it; false where what stays forbids it."""
    first_after, after, gap_after, start = work[7], work[8], work[9], books[3]
    last = books[0].shape[0] - max(work[2][i], 1)
    is_bound = False
    for e in range(first_after[i], first_after[i + 1]):
        j = after[e]
        if out[j] == STAYS and start[j] >= 0:
            is_bound = True
            last = min(last, start[j] - gap_after[e])
    start[i] = earliest(i, max(low, first_start(i, work, books)), last, work, books)
    if start[i] >= 0:
        book(1, i, work, books)
    return start[i] >= 0 or not is_bound


@njit(types.int64(_I, _I, _I, WORK, BOOKS), cache=True)
def _settle(movable: Ints, order: Ints, out: Ints, work: Work, books: Books) -> int:
    """Fill ``order`` with ``movable`` by start, what is undone last; move each into gaps before it; return the done."""
    start = books[3]
    at = np.where(start[movable] >= 0, start[movable], NEVER)
    order[:] = movable[np.argsort(at, kind="mergesort")]
    n_done = movable.size - np.sum(at == NEVER)
    for q in range(n_done):
        i = order[q]
        old = start[i]
        book(-1, i, work, books)
        if not _place(i, 0, out, work, books) or start[i] < 0:
            start[i] = old
            book(1, i, work, books)
    return n_done  # type: ignore[no-any-return]


@njit(types.int64(_STATE, types.int64, types.int64, _I, _I, _I), cache=True)
def _choose(state: State, width: int, n_done: int, order: Ints, out: Ints, taken: Ints) -> int:
    """Fill ``taken`` with packages near each other in time and mark them; return how many, few more often than many."""
    n, size = order.size, 0
    wanted = 2 + below(state, 1 + below(state, taken.size - 1))
    near = max(taken.size, width >> below(state, SCALES))
    base = below(state, n)
    for _ in range(wanted):
        p = base + below(state, near)
        if size == 0 and n_done < n and below(state, ONE_IN) == 0:
            p = n_done + below(state, n - n_done)
        if p < n and out[order[p]] == STAYS:
            out[order[p]] = OUT
            taken[size] = order[p]
            size += 1
    return size


@njit(types.void(_STATE, _F, _I, types.int64, _F, BOOKS), cache=True)
def _keys(state: State, priority: Floats, taken: Ints, size: int, key: Floats, books: Books) -> None:
    """Fill ``key`` with the order of coming back: by priority, by chance, or near the old order."""
    style = below(state, 3)
    for q in range(size):
        i = taken[q]
        if style == 0:
            key[q] = -priority[i] * (0.5 + unit(state))
        elif style == 1:
            key[q] = unit(state)
        else:
            key[q] = (books[3][i] if books[3][i] >= 0 else books[0].shape[0]) + SPREAD * unit(state)


@njit(types.int64(_I, types.int64, _F, _I, WORK), cache=True)
def _next(taken: Ints, size: int, key: Floats, out: Ints, work: Work) -> int:
    """Return the package to come back next: the least key of those whose forerunners are back."""
    first, before = work[4], work[5]
    lead = NONE
    for q in range(size):
        i = taken[q]
        if out[i] == OUT and (lead < 0 or key[q] < key[lead]):
            waits = 0
            for e in range(first[i], first[i + 1]):
                if out[before[e]] == OUT:
                    waits += 1
            if waits == 0:
                lead = q
    return taken[lead]  # type: ignore[no-any-return]


@njit(types.boolean(types.float64, types.int64, _I, types.int64, _F, _I, WORK, BOOKS), cache=True)
def _put_back(worth: float, low: int, taken: Ints, size: int, key: Floats, out: Ints, work: Work, books: Books) -> bool:
    """Put what is taken out back in order of ``key``; false, with all of it out, where that is worth more than before.

    Worth is value times end: less is better.
    """
    start, now, is_good = books[3], 0.0, True
    for q in range(size):
        start[taken[q]] = NONE
    for _ in range(size):
        i = _next(taken, size, key, out, work)
        out[i] = BACK
        is_good = _place(i, low, out, work, books)
        now += worth_of(i, work, books)
        if not is_good or now > worth:
            is_good = False
            break
    for q in range(size):
        i = taken[q]
        out[i] = STAYS
        if not is_good and start[i] >= 0:
            book(-1, i, work, books)
    return is_good


@njit(types.void(types.int64, types.int64, types.int64, _STATE, _F, _I, WORK, BOOKS), cache=True, nogil=True)
def improve(
    n_trials: int, most_out: int, width: int, state: State, priority: Floats, movable: Ints, work: Work, books: Books
) -> None:
    """Lower the sum of value times end of a feasible schedule (undone: the horizon) in ``n_trials`` trials.

    Each takes out up to ``most_out`` packages within ``width`` places of each other in order of start, some that are
    undone, and puts them back by a random order; a result that is no worse stays.
    """
    start, n = books[3], movable.size
    out = np.zeros(start.size, np.int64)
    taken, old, key = np.empty(most_out, np.int64), np.empty(most_out, np.int64), np.empty(most_out)
    order = movable.copy()
    n_done = 0
    for trial in range(n_trials):
        if trial % n == 0:
            n_done = _settle(movable, order, out, work, books)
        size = _choose(state, width, n_done, order, out, taken)
        _keys(state, priority, taken, size, key, books)
        worth, low = 0.0, NEVER
        for q in range(size):
            i = taken[q]
            old[q] = start[i]
            worth += worth_of(i, work, books)
            if start[i] >= 0:
                low = min(low, start[i])
                book(-1, i, work, books)
        if low == NEVER or below(state, ONE_IN) == 0:
            low = 0
        if not _put_back(worth, low, taken, size, key, out, work, books):
            for q in range(size):
                start[taken[q]] = old[q]
                if old[q] >= 0:
                    book(1, taken[q], work, books)
    if n_trials > 0:
        _settle(movable, order, out, work, books)


_PAIR = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]


@njit(_PAIR(types.int64, types.int64, _I, WORK), cache=True)
def _room(i: int, n: int, place: Ints, work: Work) -> tuple[int, int]:
    """Return the first and the last place in a list that package ``i`` may take with all others where they are."""
    first, before, first_after, after = work[4], work[5], work[7], work[8]
    low, high = 0, n - 1
    for e in range(first[i], first[i + 1]):
        if place[before[e]] >= 0:
            low = max(low, place[before[e]] + 1)
    for e in range(first_after[i], first_after[i + 1]):
        if place[after[e]] >= 0:
            high = min(high, place[after[e]] - 1)
    return low, high


@njit(types.int64(types.int64, _STATE, _I, _I, WORK, BOOKS), cache=True, nogil=True)
def shorten(n_trials: int, state: State, order: Ints, best: Ints, work: Work, books: Books) -> int:
    """Shorten the makespan by moving packages in the list ``order``; fill ``best`` (n,) starts; return the makespan.

    ``order`` has every forerunner sooner and stays so.  What is undone counts as ending one period after the horizon
    each.  ``books`` are those of an empty calendar and come back so; every trial is one schedule generation.
    """
    n, start, horizon = order.size, books[3], books[0].shape[0]
    place = np.full(start.size, NONE)
    trial_order = order.copy()
    least = NEVER
    for trial in range(n_trials):
        trial_order[:] = order
        if trial > 0:
            for q in range(n):
                place[order[q]] = q
            a = below(state, n)
            low, high = _room(order[a], n, place, work)
            b = low + below(state, high - low + 1)
            step = 1 if b > a else -1
            moved = trial_order[a]
            for q in range(a, b, step):
                trial_order[q] = trial_order[q + step]
            trial_order[b] = moved
        serial(trial_order, work, books)
        span, n_undone = 0, 0
        for q in range(n):
            i = order[q]
            if start[i] >= 0:
                span = max(span, start[i] + work[2][i])
            else:
                n_undone += 1
        if n_undone:
            span = horizon + n_undone
        if span <= least:
            if span < least:
                best[:] = start
            least = span
            order[:] = trial_order
        for q in range(n):
            i = trial_order[q]
            if start[i] >= 0:
                book(-1, i, work, books)
                start[i] = NONE
    return least
