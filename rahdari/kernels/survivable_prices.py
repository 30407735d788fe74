"""Share the cost of each link among the scenarios that need it (method of multipliers, survivable capacity)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Bools, Floats

_SETTLED_FRAC = 1e-12  # of a link's cost: a level that rises by less has settled


@njit("boolean(float64[:, ::1], float64[::1], float64[::1], float64[::1], float64[::1])", cache=True)
def _raise_levels(value: Floats, cost: Floats, level: Floats, total: Floats, count: Floats) -> bool:
    """Raise each link's level to where the values above the old one exceed it by the cost; return whether any rose."""
    total[:] = 0.0
    count[:] = 0.0
    for s in range(value.shape[0]):
        for link in range(value.shape[1]):
            if value[s, link] > level[link]:
                total[link] += value[s, link]
                count[link] += 1.0
    has_risen = False
    for link in range(value.shape[1]):
        if count[link] > 0.0:
            trial = (total[link] - cost[link]) / count[link]
            has_risen = has_risen or trial > level[link] + _SETTLED_FRAC * cost[link]
            level[link] = max(level[link], trial)
    return has_risen


@njit(
    "void(float64[:, ::1], float64[::1], float64[:, ::1], boolean[:, ::1], float64[::1], float64[::1], float64[::1])",
    cache=True,
)
def fill_prices(
    price: Floats,
    stiff: Floats,
    load: Floats,
    failed: Bools,
    cost: Floats,
    installed: Floats,
    capacity: Floats,
) -> None:
    """Set prices to max(0, price + stiff (load - capacity)) with the capacity at which they add up to the cost.

    Where that capacity is below the installed one, the capacity is the installed one and the prices add up to less.
    The level of each link rises from below until it holds (Michelot 1986); rows are read in order for speed.
    """
    n_scenarios, m = price.shape
    level = np.full(m, -math.inf)
    total, count = np.empty(m), np.empty(m)
    for s in range(n_scenarios):
        for link in range(m):
            price[s, link] = -math.inf if failed[s, link] else price[s, link] + stiff[link] * load[s, link]
            level[link] = max(level[link], price[s, link] - cost[link])
    while _raise_levels(price, cost, level, total, count):
        pass
    for link in range(m):
        level[link] = max(level[link], stiff[link] * installed[link])
        capacity[link] = level[link] / stiff[link] if stiff[link] > 0.0 else max(installed[link], load[:, link].max())
    for s in range(n_scenarios):
        for link in range(m):
            price[s, link] = max(0.0, price[s, link] - level[link])
