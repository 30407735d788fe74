"""States of feeders hour by hour: two-state chains whose random words come from a key and a counter alone.

Feeder and hour number the counter (Philox 4x32-10), so a feeder's year is the same whatever else is drawn.  In some
hours a feeder takes its company's draw in the place of its own: feeders of one company then switch together, and each
by itself keeps its chances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.sampling import philox

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Int32s

    Parts = NDArray[np.uint16]
    Words = NDArray[np.uint64]

_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
_UNIT = 2.0**-32
_COMPANIES = np.uint64(1)  # high counter word of draws that a company shares; feeders have their own key there
_UP = np.uint16(65_535)
DAY_H = 24


@njit("UniTuple(float64, 2)(uint64, uint64, uint64)", cache=True, nogil=True)
def two_draws(key: np.uint64, thing: np.uint64, hour: np.uint64) -> tuple[float, float]:
    """Return two numbers from 0 to 1 of a thing and an hour."""
    word, _ = philox(key, thing, hour)
    return float(word & _LOW) * _UNIT, float(word >> _HALF) * _UNIT


@njit(
    "void(float64[:, ::1], float64[::1], int32[::1], uint64[::1], uint64[::1], float64, uint64, int64, int64,"
    " uint16[:, ::1])",
    cache=True,
    nogil=True,
)
def feeder_states(
    down_frac: Floats, ends_frac: Floats, company: Int32s, feeder_key: Words, company_key: Words, shared_frac: float,
    key: np.uint64, first: int, stop: int, parts: Parts,
) -> None:  # fmt: skip
    """Fill ``parts`` (feeders, hours) with 65,535 where a feeder has grid and 0 where it has not.

    ``down_frac`` (feeders, 24) chance to be down by hour of the day; ``ends_frac`` (feeders,) chance that an outage
    ends with the hour; rows ``first`` to ``stop`` - 1.  The chance to fall is what carries one hour's chance to be down
    into the next one's.
    """
    n_hours = parts.shape[1]
    own_key, shared_key = key, key ^ _COMPANIES
    for f in range(first, stop):
        ends, is_down = ends_frac[f], False
        for t in range(n_hours):
            draw, coin = two_draws(own_key, feeder_key[f], np.uint64(t))
            if coin < shared_frac:
                draw, _ = two_draws(shared_key, company_key[company[f]], np.uint64(t))
            now = down_frac[f, t % DAY_H]
            if t == 0:
                is_down = draw < now
            else:
                before = down_frac[f, (t - 1) % DAY_H]
                falls = (now - before * (1.0 - ends)) / (1.0 - before) if before < 1.0 else 0.0
                # One draw serves both ways: low falls, high recovers.
                is_down = draw < 1.0 - ends if is_down else draw < falls
            parts[f, t] = 0 if is_down else _UP
