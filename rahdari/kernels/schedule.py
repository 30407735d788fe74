"""Schedule generation: packages put one after the other into the earliest place that crews, money and seasons leave.

Periods count from 0.  Crews are whole thousandths, so that adding and taking out leaves no rounding behind.  A package
that finds no place before the end stays undone (start -1) and its people wait to the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, types

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Ints

    State = NDArray[np.uint64]

    Work = tuple[Any, ...]
    Books = tuple[Any, ...]

NONE = -1
NEVER = 1 << 40  # a period beyond every horizon
MONEY_ROUNDING = 1e-7  # of a unit of money, against sums that differ in their last digits
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # steps of splitmix64 (Steele, Lea and Flood 2014)
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@njit("uint64(uint64[::1])", cache=True)
def draw(state: State) -> int:
    """Return the next 64 random bits of splitmix64 and move its state (1,)."""
    state[0] += GOLDEN
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * MIX_1
    z = (z ^ (z >> np.uint64(27))) * MIX_2
    return z ^ (z >> np.uint64(31))  # type: ignore[no-any-return]


@njit("int64(uint64[::1], int64)", cache=True)
def below(state: State, n: int) -> int:
    """Return a random whole number from 0 to ``n`` - 1."""
    return np.int64(draw(state) % np.uint64(n))  # type: ignore[return-value]


@njit("float64(uint64[::1])", cache=True)
def unit(state: State) -> float:
    """Return a random number from 0 up to 1."""
    return np.float64(draw(state) >> np.uint64(11)) * 2.0**-53


@njit("boolean(float64[::1], float64[:, ::1], float64[::1], int64)", cache=True)
def pays(cost: Floats, chain: Floats, left: Floats, year: int) -> bool:
    """Return whether what is left of the money in ``year`` and after it can pay ``cost`` (years,) of a start then."""
    if left.size == 0:
        return True
    if year < 0:
        return cost.max() <= 0.0  # type: ignore[no-any-return]
    price = cost[year]
    if price <= 0.0:
        return True
    short = 0
    for y in range(year, left.size):
        if chain[y, year] * price > left[y] + MONEY_ROUNDING:
            short += 1
    return short == 0


@njit("int64(float64[::1], float64[:, ::1])", cache=True)
def stocked(use: Floats, stock: Floats) -> int:
    """Return the first period from which every stock (materials, periods) bears ``use`` (materials,) to the end."""
    first = 0
    n = stock.shape[1]
    for m in range(use.size):
        if use[m] > 0.0:
            t = n - 1
            while t >= first and stock[m, t] + MONEY_ROUNDING >= use[m]:
                t -= 1
            first = max(first, t + 1)
    return first


_I, _F, _I2, _F2 = types.int64[::1], types.float64[::1], types.int64[:, ::1], types.float64[:, ::1]
#: What does not change: value, release, duration (n,); demand (n, most pools of one); rows of what is before each
#: package (first, before, gap) and after it (first, after, gap); window (n,) and opens (windows, periods + 1), the next
#: start that the season leaves; cost (n, years), year of each period and first period after it, chain (years, years);
#: use (n, materials); pool (n, most pools of one), the pools that a package asks, -1 after the last.
_ROWS = (_I, _I, _I, _I, _I, _I)
WORK = types.Tuple((_F, _I, _I, _I2, *_ROWS, _I, types.int32[:, ::1], _F2, _I, _I, _F2, _F2, _I2))  # type: ignore[no-untyped-call]
#: What is left and where things stand: free (periods, pools) crews, left (years,) money, stock (materials, periods),
#: start (n,).
BOOKS = types.Tuple((_I2, _F, _F2, _I))  # type: ignore[no-untyped-call]


@njit(types.int64(_I), cache=True)
def asked(pool: Ints) -> int:
    """Return how many pools a package asks."""
    n = 0
    while n < pool.size and pool[n] >= 0:
        n += 1
    return n


@njit(types.int64(types.int64, types.int64, types.int64, WORK, BOOKS), cache=True)
def earliest(i: int, t: int, last: int, work: Work, books: Books) -> int:
    """Return the earliest start of package ``i`` from ``t`` to ``last`` that all limits leave, or -1."""
    duration, demand, pool, opens = work[2][i], work[3][i], work[17][i], work[11][work[10][i]]
    cost, year, year_end, chain, use = work[12][i], work[13], work[14], work[15], work[16][i]
    free, left, stock = books[0], books[1], books[2]
    t = max(t, stocked(use, stock))
    known, can_pay, n_pools = -2, True, asked(pool)
    while True:
        if t > last:
            return NONE
        t = opens[t]
        if t > last:
            return NONE
        if year[t] != known:
            known = year[t]
            can_pay = pays(cost, chain, left, known)
        if not can_pay:
            t = year_end[t]
            continue
        bad = NONE
        for s in range(t + duration - 1, t - 1, -1):
            for k in range(n_pools):
                if demand[k] > free[s, pool[k]]:
                    bad = s
                    break
            if bad >= 0:
                break
        if bad < 0:
            return t
        t = bad + 1


@njit(types.void(types.int64, types.int64, WORK, BOOKS), cache=True)
def book(sign: int, i: int, work: Work, books: Books) -> None:
    """Take (``sign`` 1) what package ``i`` holds and spends from its start on, or give it back (-1)."""
    demand, pool, cost, year, chain, use = work[3][i], work[17][i], work[12][i], work[13], work[15], work[16][i]
    free, left, stock, t = books[0], books[1], books[2], books[3][i]
    n_pools = asked(pool)
    for s in range(t, t + work[2][i]):
        for k in range(n_pools):
            free[s, pool[k]] -= sign * demand[k]
    if left.size and year[t] >= 0 and cost[year[t]] > 0.0:
        for y in range(year[t], left.size):
            left[y] -= sign * chain[y, year[t]] * cost[year[t]]
    for m in range(use.size):
        if use[m] > 0.0:
            for s in range(t, stock.shape[1]):
                stock[m, s] -= sign * use[m]


@njit(types.int64(types.int64, WORK, BOOKS), cache=True)
def first_start(i: int, work: Work, books: Books) -> int:
    """Return the earliest start of package ``i`` by release and by the starts of what is before it."""
    first, before, gap, start = work[4], work[5], work[6], books[3]
    t = work[1][i]
    for e in range(first[i], first[i + 1]):
        s = start[before[e]]
        t = max(t, s + gap[e]) if s >= 0 else NEVER
    return t  # type: ignore[no-any-return]


@njit(types.void(_I, WORK, BOOKS), cache=True, nogil=True)
def serial(order: Ints, work: Work, books: Books) -> None:
    """Start the packages in ``order`` each at its earliest and book them; packages outside it stay as they are.

    ``order`` has what is before a package sooner than it.
    """
    horizon, start = books[0].shape[0], books[3]
    for q in range(order.size):
        i = order[q]
        start[i] = earliest(i, first_start(i, work, books), horizon - max(work[2][i], 1), work, books)
        if start[i] >= 0:
            book(1, i, work, books)


@njit("boolean(float64[::1], int64, int64)", cache=True)
def _leads(priority: Floats, a: int, b: int) -> bool:
    return priority[a] > priority[b] or (priority[a] == priority[b] and a < b)


@njit("int64(float64[::1], int64[::1], int64, int64)", cache=True)
def _push(priority: Floats, heap: Ints, size: int, i: int) -> int:
    node = size
    heap[node] = i
    while node > 0 and _leads(priority, heap[node], heap[(node - 1) // 2]):
        parent = (node - 1) // 2
        heap[node], heap[parent] = heap[parent], heap[node]
        node = parent
    return size + 1


@njit("int64(float64[::1], int64[::1], int64)", cache=True)
def _pop(priority: Floats, heap: Ints, size: int) -> int:
    size -= 1
    heap[0] = heap[size]
    node = 0
    while True:
        child = 2 * node + 1
        if child >= size:
            return size
        if child + 1 < size and _leads(priority, heap[child + 1], heap[child]):
            child += 1
        if not _leads(priority, heap[child], heap[node]):
            return size
        heap[node], heap[child] = heap[child], heap[node]
        node = child


@njit("void(float64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1])", cache=True)
def ranked(priority: Floats, first_after: Ints, after: Ints, n_before: Ints, heap: Ints, order: Ints) -> None:
    """Fill ``order`` (n,) with packages by falling priority, none before those that precede it; ties by number.

    ``n_before`` (n,) counts the packages before each and is used up; ``heap`` (n,) is scratch.
    """
    size = 0
    for i in range(priority.size):
        if n_before[i] == 0:
            size = _push(priority, heap, size, i)
    for q in range(priority.size):
        i = heap[0]
        size = _pop(priority, heap, size)
        order[q] = i
        for e in range(first_after[i], first_after[i + 1]):
            j = after[e]
            n_before[j] -= 1
            if n_before[j] == 0:
                size = _push(priority, heap, size, j)
