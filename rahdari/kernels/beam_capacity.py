"""Sharing satellites and gateways over cells by rounds of asking and granting: nothing is given twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Ints

LEAST_SHARE = 1e-9  # of the whole demand: a smaller rest counts as nothing
MOST_ROUNDS = 400  # each round fills somebody or grants all; the rest after so many is lost to the cells


@njit("void(int64[::1], int64[::1], float64[::1], float64[::1])", cache=True)
def gather(to: Ints, of: Ints, value: Floats, total: Floats) -> None:
    """Fill ``total`` with the sums of ``value`` over pairs: ``total[to[k]] += value[of[k]]``."""
    total[:] = 0.0
    for k in range(to.size):
        total[to[k]] += value[of[k]]


@njit(
    "float64(int64[::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1])",
    cache=True,
)
def ask(cell: Ints, satellite: Ints, rest: Floats, left: Floats, there: Floats, asked: Floats) -> float:
    """Fill what satellites are ``asked`` (s,) for, in proportion to what each cell's have ``left``; return the sum."""
    asked[:] = 0.0
    total = 0.0
    for k in range(cell.size):
        c, s = cell[k], satellite[k]
        if rest[c] > 0.0 and left[s] > 0.0:
            part = rest[c] * left[s] / there[c]
            asked[s] += part
            total += part
    return float(total)


@njit(
    "void(int64[::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1])",
    cache=True,
)
def grant(
    fed_by: Ints, gateway: Ints, want: Floats, fed: Floats, gateway_left: Floats, drawn: Floats, granted: Floats
) -> None:
    """Fill what satellites are ``granted`` (s,) and gateways have ``drawn`` (g,) of what satellites ``want`` (s,).

    A satellite spreads its wish over its gateways in proportion to what they have; a gateway asked for more than it
    has grants all the same share.
    """
    drawn[:], granted[:] = 0.0, 0.0
    for k in range(fed_by.size):
        if want[fed_by[k]] > 0.0:
            drawn[gateway[k]] += want[fed_by[k]] * gateway_left[gateway[k]] / fed[fed_by[k]]
    for k in range(fed_by.size):
        s, g = fed_by[k], gateway[k]
        if want[s] > 0.0:
            granted[s] += want[s] * gateway_left[g] / fed[s] * min(1.0, gateway_left[g] / max(drawn[g], 1e-300))
    for g in range(drawn.size):
        drawn[g] = min(drawn[g], gateway_left[g])


@njit(
    "void(int64[::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1])",
    cache=True,
)
def serve(
    cell: Ints,
    satellite: Ints,
    rest: Floats,
    left: Floats,
    there: Floats,
    asked: Floats,
    granted: Floats,
    served: Floats,
) -> None:
    """Add to ``served`` (c,) what the asked satellites were granted, each cell by its part of the asking."""
    for k in range(cell.size):
        c, s = cell[k], satellite[k]
        if rest[c] > 0.0 and left[s] > 0.0:
            served[c] += rest[c] * left[s] / there[c] * granted[s] / asked[s]


@njit(
    "void(int64[::1], int64[::1], int64[::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1], "
    "float64[::1])",
    cache=True,
)
def share_out(
    cell: Ints,
    satellite: Ints,
    fed_by: Ints,
    gateway: Ints,
    wanted: Floats,
    satellite_left: Floats,
    gateway_left: Floats,
    served: Floats,
    carried: Floats,
) -> None:
    """Fill what cells are ``served`` (c,) and satellites have ``carried`` (s,), drawn from what is left, Mbit/s.

    Pairs k: cell[k] sees satellite[k]; satellite fed_by[k] is fed by gateway[k].  Both sides go by rounds: ask, grant,
    serve, take off, until all is served or nobody who is asked has anything left.
    """
    n_cells, n_satellites, n_gateways = wanted.size, satellite_left.size, gateway_left.size
    asked, granted, fed = np.empty(n_satellites), np.empty(n_satellites), np.empty(n_satellites)
    there, drawn = np.empty(n_cells), np.empty(n_gateways)
    served[:], carried[:] = 0.0, 0.0
    least = LEAST_SHARE * wanted.sum()
    for _ in range(MOST_ROUNDS):
        gather(fed_by, gateway, gateway_left, fed)
        for s in range(n_satellites):
            if min(fed[s], satellite_left[s]) <= least:
                satellite_left[s] = 0.0
        gather(cell, satellite, satellite_left, there)
        rest = np.maximum(wanted - served, 0.0)
        if ask(cell, satellite, rest, satellite_left, there, asked) <= least:
            return
        grant(fed_by, gateway, np.minimum(asked, satellite_left), fed, gateway_left, drawn, granted)
        serve(cell, satellite, rest, satellite_left, there, asked, granted, served)
        carried += granted
        satellite_left[:] = np.maximum(satellite_left - granted, 0.0)
        gateway_left -= drawn
