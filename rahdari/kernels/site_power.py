"""Hour by hour through a year of many sites: sun, grid, battery and generator, without a branch in the inner loop.

Sites stand in blocks of ``BLOCK``; within a block time runs outside and sites inside, so that the state of charge of
one site never waits for itself and the loop becomes vector code.  Sun is shared by weather cell, grid by feeder and
the day's course by load class; each is looked up once for a block and then spread.  Blocks are always full (the caller
pads), so every site passes through the same instructions whatever its block, and sums are carried in double precision
after each day: results do not depend on blocks or threads.

Energy in the battery counts as what it can still give: losses are all taken when it charges.  Every rule is
continuous in the state of charge, so that single precision follows double precision to 1e-4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Int32s, Ints

    Singles = NDArray[np.float32]
    Parts = NDArray[np.uint16]
    Single = np.float32

BLOCK = 256  # sites of a block: its arrays fit the nearest cache
HOURS = 24  # of a tile: a day, the period of the load's course
GRID_PARTS = 65_535  # of an hour: the share with grid in 16 bits
_PER_PART = np.float32(1.0 / GRID_PARTS)
_WHOLE = np.uint16(GRID_PARTS)
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_TINY_KWH = np.float32(1e-12)  # keeps a division finite where nothing is asked

#: Rows of the parameters (N_PARAMS, sites); the battery's energies as it can give them.
PV_KWP, LOAD_KW, SIZE_KWH, FLOOR_KWH, CHARGE_KW, DISCHARGE_KW, KEPT, PER_KEPT = 0, 1, 2, 3, 4, 5, 6, 7
GENERATOR_KW, START_KWH, GENERATOR_TOP_KWH, GRID_TOP_KWH, BEFORE_GRID_KWH, FIRST_KWH = 8, 9, 10, 11, 12, 13
N_PARAMS = 14
#: Rows of the results (N_RESULTS, sites).
LAST_KWH, UNSERVED_KWH, UNSERVED_H, GRID_KWH, GENERATOR_H, GENERATOR_KWH, BATTERY_KWH = 0, 1, 2, 3, 4, 5, 6
N_RESULTS = 7
_FAST = {"nnan", "ninf", "nsz", "contract"}  # no reassociation: each site's arithmetic is one fixed chain


@njit("int64(int32[::1], int64, int64[::1], uint32[::1], int64[::1])", cache=True, nogil=True)
def distinct(index: Int32s, first: int, found: Ints, local: NDArray[np.uint32], begin: Ints) -> int:
    """Fill the distinct numbers of a block, each site's place among them and where each begins; return how many.

    Only neighbours are compared: the caller sorts, so that few stand twice, which costs time and nothing else.
    """
    count = 0
    for i in range(BLOCK):
        if i == 0 or index[first + i] != index[first + i - 1]:
            found[count] = index[first + i]
            begin[count] = i
            count += 1
        local[i] = count - 1
    begin[count] = BLOCK
    return count


@njit("void(float32[:, ::1], int64[::1], int64, int64, int64, float32[::1], boolean[::1])", cache=True, nogil=True)
def spread_cells(
    series: Singles, found: Ints, count: int, hour: int, n_hours: int, tile: Singles, is_zero: NDArray[np.bool_]
) -> None:
    """Fill ``tile`` with the hours of the block's cells, hour by hour, and mark hours where all are zero."""
    is_zero[:] = True
    for j in range(count):
        row = series[found[j]]
        for t in range(n_hours):
            value = row[hour + t]
            tile[t * BLOCK + j] = value
            if value != _ZERO:
                is_zero[t] = False


@njit("boolean(uint16[::1], int64)", cache=True, nogil=True)
def comes_first(row: Parts, hour: int) -> bool:
    """Return whether the grid of an hour that has it in part is there before the outage: it was, and is then less."""
    before = row[hour - 1] if hour > 0 else _WHOLE
    after = row[hour + 1] if hour + 1 < row.size else _WHOLE
    return bool(before > after)


@njit("void(uint16[:, ::1], int64[::1], int64, int64, int64, float32[::1])", cache=True, nogil=True)
def spread_feeders(parts: Parts, found: Ints, count: int, hour: int, n_hours: int, tile: Singles) -> None:
    """Fill ``tile`` with the share of each hour in which the block's feeders have grid, hour by hour.

    Below zero where the grid is there before the outage and not after it.
    """
    for j in range(count):
        row = parts[found[j]]
        for t in range(n_hours):
            value = row[hour + t]
            share = np.float32(value) * _PER_PART
            # One test that hardly ever holds: outages of whole hours must not cost a wrong guess each.
            if (value > 0) & (value < GRID_PARTS) and comes_first(row, hour + t):
                share = -share
            tile[t * BLOCK + j] = share


@njit(inline="always")  # into the loop of a block, which becomes vector code only as a whole
def step(
    load: Single, sun: Single, grid: Single, stored: Single, size: Single, floor: Single, power: Single, given: Single,
    kept: Single, per_kept: Single, rated: Single, start: Single, generator_top: Single, grid_top: Single,
    before_grid: Single,
) -> tuple[Single, Single, Single, Single, Single, Single]:  # fmt: skip
    """Return charge left, load unserved, grid bought, share of the hour and output of the generator, battery given.

    One hour with a load and sun in kWh and grid for a share of it, below zero where it comes before the outage.
    """
    net = load - sun
    need, on = max(net, _ZERO), abs(grid)
    off = _ONE - on
    solar = min(max(-net, _ZERO), power, (size - stored) * per_kept)
    stored += solar * kept
    power -= solar
    bought = min(power * max(-grid, _ZERO), max(grid_top - stored, _ZERO) * per_kept)
    stored += bought * kept
    rest, able, room = need * off, given * off, power * off
    # Down to the level at which the generator starts; it then runs for the rest of the outage.
    early = min(rest, able, max(stored - start, _ZERO))
    stored -= early
    left = rest - early
    hours = off * left / (rest + _TINY_KWH)
    room = min(room, max(generator_top - stored, _ZERO) * per_kept)
    made = min(rated * hours, left + room)
    used = min(made, left)
    stored += (made - used) * kept
    left -= used
    late = min(left, able - early, max(stored - floor, _ZERO))
    left -= late
    stored -= late
    # The battery may spare the grid while it holds more than the rule's level.
    spared = min(min(need, given) * on, max(stored - before_grid, _ZERO))
    stored -= spared
    later = min(power * max(grid, _ZERO), max(grid_top - stored, _ZERO) * per_kept)
    stored += later * kept
    return (stored, left, need * on - spared + bought + later, hours, made, spared + early + late)


@njit("void(float32[:, ::1], int32[::1], float32[:, ::1], int64, float32[::1], float32[::1])", cache=True, nogil=True)
def day_loads(course: Singles, load_class: Int32s, params: Singles, first: int, day: Singles, inverse: Singles) -> None:
    """Fill a block's loads of each hour of the day, kWh, and one over them."""
    for h in range(HOURS):
        for i in range(BLOCK):
            load = params[LOAD_KW, first + i] * course[h, load_class[first + i]]
            day[h * BLOCK + i] = load
            inverse[h * BLOCK + i] = _ONE / max(load, _TINY_KWH)


@njit(inline="always")
def block_hour(at: int, day: Singles, inverse: Singles, sun: Singles, up: Singles, p: Singles, s: Singles) -> None:
    """Move a block's charge in the first row of ``s`` one hour on, and add to its other rows, the sums."""
    for i in range(BLOCK):
        stored, unserved, grid, hours, made, given = step(
            day[at + i], sun[i] * p[PV_KWP * BLOCK + i], up[i], s[i], p[SIZE_KWH * BLOCK + i],
            p[FLOOR_KWH * BLOCK + i], p[CHARGE_KW * BLOCK + i], p[DISCHARGE_KW * BLOCK + i], p[KEPT * BLOCK + i],
            p[PER_KEPT * BLOCK + i], p[GENERATOR_KW * BLOCK + i], p[START_KWH * BLOCK + i],
            p[GENERATOR_TOP_KWH * BLOCK + i], p[GRID_TOP_KWH * BLOCK + i], p[BEFORE_GRID_KWH * BLOCK + i],
        )  # fmt: skip
        s[i] = stored
        s[BLOCK + i] += unserved
        s[2 * BLOCK + i] += unserved * inverse[at + i]
        s[3 * BLOCK + i] += grid
        s[4 * BLOCK + i] += hours
        s[5 * BLOCK + i] += made
        s[6 * BLOCK + i] += given


_SIGNATURE = (
    "void(float32[:, ::1], float32[:, ::1], uint16[:, ::1], int32[::1], int32[::1], int32[::1], float32[:, ::1],"
    " int64, int64, float64[:, ::1])"
)


@njit(_SIGNATURE, cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def simulate_blocks(
    pv: Singles, course: Singles, parts: Parts, cell: Int32s, load_class: Int32s, feeder: Int32s, params: Singles,
    first_block: int, stop_block: int, results: Floats,
) -> None:  # fmt: skip
    """Fill ``results`` (N_RESULTS, sites) for blocks ``first_block`` to ``stop_block`` - 1.

    ``pv`` (cells, hours) kWh an hour of 1 kWp; ``course`` (24, classes) load over its mean; ``parts`` (feeders, hours)
    65,535ths of the hour with grid; ``cell``, ``load_class``, ``feeder`` (sites,); ``params`` (N_PARAMS, sites).
    Sites are a whole number of blocks.
    """
    n_hours = pv.shape[1]
    p, s, total = (
        np.empty(N_PARAMS * BLOCK, np.float32),
        np.empty(N_RESULTS * BLOCK, np.float32),
        np.empty(N_RESULTS * BLOCK),
    )
    day, inverse = np.empty(HOURS * BLOCK, np.float32), np.empty(HOURS * BLOCK, np.float32)
    sun_tile, grid_tile = np.empty(HOURS * BLOCK, np.float32), np.empty(HOURS * BLOCK, np.float32)
    sun, up, is_night = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32), np.empty(HOURS, np.bool_)
    cells, feeders, begin = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64), np.empty(BLOCK + 1, np.int64)
    in_feeder, spare = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)
    for block in range(first_block, stop_block):
        first = block * BLOCK
        for k in range(N_PARAMS):
            p[k * BLOCK : (k + 1) * BLOCK] = params[k, first : first + BLOCK]
        day_loads(course, load_class, params, first, day, inverse)
        n_feeders = distinct(feeder, first, feeders, in_feeder, begin)
        n_cells = distinct(cell, first, cells, spare, begin)
        s[:] = _ZERO
        s[:BLOCK] = p[FIRST_KWH * BLOCK : (FIRST_KWH + 1) * BLOCK]
        total[:] = 0.0
        for hour in range(0, n_hours, HOURS):
            n = min(HOURS, n_hours - hour)
            spread_cells(pv, cells, n_cells, hour, n, sun_tile, is_night)
            spread_feeders(parts, feeders, n_feeders, hour, n, grid_tile)
            for t in range(n):
                at = t * BLOCK
                for j in range(n_cells):
                    sun[begin[j] : begin[j + 1]] = sun_tile[at + j]
                for i in range(BLOCK):
                    up[i] = grid_tile[at + in_feeder[i]]
                block_hour(at, day, inverse, sun, up, p, s)
            for i in range(BLOCK, N_RESULTS * BLOCK):
                total[i] += s[i]
            s[BLOCK:] = _ZERO
        for k in range(1, N_RESULTS):
            results[k, first : first + BLOCK] = total[k * BLOCK : (k + 1) * BLOCK]
        results[LAST_KWH, first : first + BLOCK] = s[:BLOCK]
