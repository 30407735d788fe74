"""What packages cost at prices of crews, money and material, each on its own: a bound below every schedule.

With a price of zero or more on every limit the packages no longer compete.  Each takes its cheapest start; the sum,
less what the limits are worth, lies below the worth of every schedule that keeps the limits (weak duality).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit, types

from rahdari.kernels.schedule import BOOKS, NONE, WORK, asked, pays

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Ints
    from rahdari.kernels.schedule import Books, Work

    Prices = tuple[Any, ...]

_I, _F, _F2 = types.int64[::1], types.float64[::1], types.float64[:, ::1]
#: Prices: of crews summed over the periods before (pools, periods + 1), of money spent in a year (years,), of material
#: drawn at a period (materials, periods), of each link of precedence by the package before (links,), and summed over
#: the links to a package (n,).
PRICES = types.Tuple((_F2, _F, _F2, _F, _F))  # type: ignore[no-untyped-call]


@njit(types.void(types.int64, types.int64, types.int64, _F, _F, WORK, BOOKS), cache=True)
def _close(i: int, head: int, last: int, money: Floats, cost: Floats, work: Work, books: Books) -> None:
    """Add the price of money to the starts that package ``i`` could pay alone and its season leaves; close others."""
    opens, price, year, year_end, left = work[11][work[10][i]], work[12][i], work[13], work[14], books[1]
    s = head
    while s <= last:
        end, paid = last + 1, 0.0
        if left.size:
            end = min(end, year_end[s])
            if not pays(price, work[15], left, year[s]):
                paid = np.inf
            elif year[s] >= 0:
                paid = money[year[s]] * price[year[s]]
        for t in range(s, end):
            cost[t] = cost[t] + paid if opens[t] == t else np.inf
        s = end


@njit(types.void(types.int64, types.int64, _F, WORK, BOOKS, PRICES), cache=True)
def start_costs(i: int, head: int, cost: Floats, work: Work, books: Books, prices: Prices) -> None:
    """Fill ``cost`` (periods + 1,) with what package ``i`` costs by start, at its end what it costs undone.

    Starts before ``head``, outside the season or without money for this package alone have no end of cost.
    """
    value, duration, demand = work[0][i], work[2][i], work[3][i]
    horizon, use = books[0].shape[0], work[16][i]
    summed, money, drawn, link, links_in = prices
    cost[:horizon] = np.inf
    cost[horizon] = value * horizon
    last = horizon - max(duration, 1)
    for s in range(head, last + 1):
        cost[s] = value * (s + duration) + links_in[i] * (horizon - s)
    pool = work[17][i]
    for k in range(asked(pool)):
        before = summed[pool[k]]
        for s in range(head, last + 1):
            cost[s] += demand[k] * (before[s + duration] - before[s])
    for m in range(use.size):
        if use[m] > 0.0:
            for s in range(head, last + 1):
                cost[s] += use[m] * drawn[m, s]
    for e in range(work[7][i], work[7][i + 1]):
        if link[e] > 0.0:
            for s in range(head, min(last + 1, horizon - work[9][e])):
                cost[s] -= link[e] * (horizon - s - work[9][e])
    _close(i, head, last, money, cost, work, books)


@njit(types.float64(_I, _I, _I, WORK, BOOKS, PRICES), cache=True, nogil=True)
def priced_out(movable: Ints, head: Ints, chosen: Ints, work: Work, books: Books, prices: Prices) -> float:
    """Return the sum of least costs of ``movable`` packages and fill ``chosen`` (n,) with their starts, -1 undone."""
    horizon = books[0].shape[0]
    cost = np.empty(horizon + 1)
    total = 0.0
    for q in range(movable.size):
        i = movable[q]
        start_costs(i, head[i], cost, work, books, prices)
        s, least = NONE, cost[horizon]
        for t in range(min(head[i], horizon), horizon):
            if cost[t] < least:
                s, least = t, cost[t]
        total += least
        chosen[i] = s
    return total


@njit(types.void(_I, _I, types.int64[:, ::1], _F, _F2, WORK), cache=True, nogil=True)
def loads(movable: Ints, chosen: Ints, held: Ints, spent: Floats, drawn: Floats, work: Work) -> None:
    """Add what chosen starts hold (periods, pools), spend (years,) and draw (materials, periods: at the start only)."""
    duration, demand, pool, cost, year, use = work[2], work[3], work[17], work[12], work[13], work[16]
    for q in range(movable.size):
        i = movable[q]
        s = chosen[i]
        if s < 0:
            continue
        n_pools = asked(pool[i])
        for t in range(s, s + duration[i]):
            for k in range(n_pools):
                held[t, pool[i, k]] += demand[i, k]
        if spent.size and year[s] >= 0:
            spent[year[s]] += cost[i, year[s]]
        for m in range(use.shape[1]):
            drawn[m, s] += use[i, m]
