"""Hour by hour through a year with all that wears and runs out: tanks, trips, theft, starts that fail, ageing.

Same blocks and order of sources as :mod:`rahdari.kernels.site_power`; with an endless tank, no failures and no ageing
the answers are the same.  Rules that switch (a generator that runs on to a level, a trip that is ordered) would turn
rounding into hours, so this one is in double precision.  A start fails when the site's own sequence, which moves on by
the golden ratio from a first number that the caller draws, falls below the chance: failures come as often as stated
over any year.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.site_power import GRID_PARTS, HOURS, comes_first

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Int32s, Ints

    Singles = NDArray[np.float32]
    Parts = NDArray[np.uint16]

BLOCK = 128  # sites of a block: half of the other kernel's, as numbers take twice the room
GOLDEN = 0.6180339887498949  # (sqrt(5) - 1) / 2: multiples modulo one are spread most evenly
NONE_H = -1.0  # hours until a trip arrives where none is under way
_PER_PART = 1.0 / GRID_PARTS
_TINY_KWH = 1e-12  # keeps a division finite where nothing is asked
_TINY_H = 1e-9  # of running that counts as running

#: Rows of the parameters (N_PARAMS, sites); energies of the battery as it can give them, levels as shares of its size.
PV_KWP, LOAD_KW, SIZE_KWH, FLOOR_FRAC, CHARGE_KW, DISCHARGE_KW, KEPT, PER_KEPT = 0, 1, 2, 3, 4, 5, 6, 7
GENERATOR_KW, START_FRAC, GENERATOR_TOP_FRAC, GRID_TOP_FRAC, BEFORE_GRID_FRAC, FIRST_FRAC = 8, 9, 10, 11, 12, 13
STOP_FRAC, MIN_LOAD_KW, IDLE_L, L_PER_KWH, TANK_L, ORDER_L, DELAY_H, TANK_KEPT = 14, 15, 16, 17, 18, 19, 20, 21
RUN_H_PER_DAY, FAIL_FRAC, REPAIR_H, COLD_PER_K, FADE_PER_H, FADE_PER_KWH, FIRST_L, FIRST_TURN = (
    22,
    23,
    24,
    25,
    26,
    27,
    28,
    29,
)
N_PARAMS = 30
#: Rows of the results (N_RESULTS, sites); the first are the state at the end.
LAST_KWH, HEALTH, LAST_L, WAIT_H, RUN_LEFT_H, RUNNING, REPAIR_LEFT_H, TURN = 0, 1, 2, 3, 4, 5, 6, 7
N_STATES = 8
UNSERVED_KWH, UNSERVED_H, GRID_KWH, GENERATOR_H, GENERATOR_KWH, BATTERY_KWH = 8, 9, 10, 11, 12, 13
FUEL_L, BOUGHT_L, TRIPS, STARTS, FAILURES = 14, 15, 16, 17, 18
N_RESULTS = 19
_FAST = {"nnan", "ninf", "nsz", "contract"}


@njit(inline="always")
def running(
    asked: float, runs: float, tank: float, burn: float, budget: float, repair: float, turn: float, fails: float
) -> tuple[float, float, float, float]:
    """Return the hours a generator runs of those asked, whether it was started, whether that failed, the sequence.

    The tank must feed it at full load, the day's limit must leave room, and a generator under repair stands still.
    """
    able = min(asked, tank / (burn + _TINY_KWH), budget)
    able = able if repair <= 0.0 else 0.0
    started = 1.0 if (able > _TINY_H and runs <= 0.0) else 0.0
    turn += GOLDEN * started
    turn = turn - 1.0 if turn >= 1.0 else turn
    failed = started if turn < fails else 0.0
    return able * (1.0 - failed), started, failed, turn


@njit(inline="always")
def refuelled(
    tank: float, wait: float, size: float, order: float, delay: float, kept: float
) -> tuple[float, float, float, float]:
    """Return the tank, the hours until the trip under way arrives, litres bought and trips of this hour's end.

    A trip is ordered at a level and fills what is then empty; of that only a share reaches the tank.
    """
    wait = wait - 1.0 if wait > 0.0 else (delay if tank <= order else NONE_H)
    arrived = 1.0 if (wait <= 0.0 and wait > NONE_H) else 0.0
    bought = arrived * (size - tank)
    return tank + bought * kept, (NONE_H if arrived > 0.0 else wait), bought, arrived


@njit(inline="always")
def block_hour(  # noqa: PLR0915  # one body: the loop becomes vector code only as a whole
    at: int, day: Floats, inverse: Floats, sun: Floats, up: Floats, warmth: Floats, cold: Floats, p: Floats, s: Floats
) -> None:
    """Move a block's states, the first rows of ``s``, one hour on, and add to its other rows, the sums."""
    for i in range(BLOCK):
        grid, tank, runs = up[i], s[LAST_L * BLOCK + i], s[RUNNING * BLOCK + i]
        kept, per_kept, rated = p[KEPT * BLOCK + i], p[PER_KEPT * BLOCK + i], p[GENERATOR_KW * BLOCK + i]
        size = p[SIZE_KWH * BLOCK + i] * s[HEALTH * BLOCK + i]
        stored, power, given = min(s[i], size), p[CHARGE_KW * BLOCK + i], p[DISCHARGE_KW * BLOCK + i]
        net = day[at + i] - sun[i] * p[PV_KWP * BLOCK + i]
        need, on = max(net, 0.0), abs(grid)
        off = 1.0 - on
        solar = min(max(-net, 0.0), power, (size - stored) * per_kept)
        stored += solar * kept
        power -= solar
        # What the cold holds back is not lost: it lies below the level to which the battery may go.
        held = p[COLD_PER_K * BLOCK + i] * cold[i]
        floor = size * min(p[FLOOR_FRAC * BLOCK + i] + held, 1.0)
        bought = min(power * max(-grid, 0.0), max(size * p[GRID_TOP_FRAC * BLOCK + i] - stored, 0.0) * per_kept)
        stored += bought * kept
        rest, able, able_charge = need * off, given * off, power * off
        start = max(size * p[START_FRAC * BLOCK + i], floor)
        early = min(rest, able, max(stored - start, 0.0)) * (1.0 - runs)
        stored -= early
        left = rest - early
        # A generator that runs goes on through the outage; one that does not starts where the battery meets the level.
        asked = off if runs > 0.0 else off * left / (rest + _TINY_KWH)
        asked = asked if rated > 0.0 else 0.0
        idle, per_kwh = p[IDLE_L * BLOCK + i], p[L_PER_KWH * BLOCK + i]
        hours, started, failed, turn = running(
            asked, runs, tank, idle + per_kwh * rated, s[RUN_LEFT_H * BLOCK + i], s[REPAIR_LEFT_H * BLOCK + i],
            s[TURN * BLOCK + i], p[FAIL_FRAC * BLOCK + i],
        )  # fmt: skip
        room = min(able_charge, max(size * p[GENERATOR_TOP_FRAC * BLOCK + i] - stored, 0.0) * per_kept)
        wanted = min(rated * hours, left + room)
        made = max(wanted, p[MIN_LOAD_KW * BLOCK + i] * hours)
        used = min(wanted, left)
        stored += (wanted - used) * kept
        left -= used
        late = min(left, able - early, max(stored - floor, 0.0))
        left -= late
        stored -= late
        before = max(size * p[BEFORE_GRID_FRAC * BLOCK + i], floor)
        spared = min(min(need, given) * on, max(stored - before, 0.0))
        stored -= spared
        later = min(power * max(grid, 0.0), max(size * p[GRID_TOP_FRAC * BLOCK + i] - stored, 0.0) * per_kept)
        stored += later * kept
        fuel, discharged = idle * hours + per_kwh * made, spared + early + late
        tank, wait, litres, trip = refuelled(
            tank - fuel, s[WAIT_H * BLOCK + i], p[TANK_L * BLOCK + i], p[ORDER_L * BLOCK + i],
            p[DELAY_H * BLOCK + i], p[TANK_KEPT * BLOCK + i],
        )  # fmt: skip
        limit = p[RUN_H_PER_DAY * BLOCK + i]
        fade = p[FADE_PER_H * BLOCK + i] * warmth[i] + p[FADE_PER_KWH * BLOCK + i] * discharged
        s[i] = stored
        s[HEALTH * BLOCK + i] = max(s[HEALTH * BLOCK + i] - fade, 0.0)
        s[LAST_L * BLOCK + i] = tank
        s[WAIT_H * BLOCK + i] = wait
        s[RUN_LEFT_H * BLOCK + i] = min(s[RUN_LEFT_H * BLOCK + i] - hours + limit / HOURS, limit)
        s[RUNNING * BLOCK + i] = 1.0 if (hours > _TINY_H and stored < size * p[STOP_FRAC * BLOCK + i]) else 0.0
        repair = max(s[REPAIR_LEFT_H * BLOCK + i] - 1.0, 0.0)
        s[REPAIR_LEFT_H * BLOCK + i] = p[REPAIR_H * BLOCK + i] if failed > 0.0 else repair
        s[TURN * BLOCK + i] = turn
        s[UNSERVED_KWH * BLOCK + i] += left
        s[UNSERVED_H * BLOCK + i] += left * inverse[at + i]
        s[GRID_KWH * BLOCK + i] += need * on - spared + bought + later
        s[GENERATOR_H * BLOCK + i] += hours
        s[GENERATOR_KWH * BLOCK + i] += made
        s[BATTERY_KWH * BLOCK + i] += discharged
        s[FUEL_L * BLOCK + i] += fuel
        s[BOUGHT_L * BLOCK + i] += litres
        s[TRIPS * BLOCK + i] += trip
        s[STARTS * BLOCK + i] += started
        s[FAILURES * BLOCK + i] += failed


@njit("int64(int32[::1], int64, int64[::1], int64[::1])", cache=True, nogil=True)
def runs_of(index: Int32s, first: int, found: Ints, begin: Ints) -> int:
    """Fill the number of each run of equal neighbours of a block and where it begins; return how many there are."""
    count = 0
    for i in range(BLOCK):
        if i == 0 or index[first + i] != index[first + i - 1]:
            found[count] = index[first + i]
            begin[count] = i
            count += 1
    begin[count] = BLOCK
    return count


@njit("void(float32[:, ::1], int64[::1], int64[::1], int64, int64, int64, float64[::1])", cache=True, nogil=True)
def spread(series: Singles, found: Ints, begin: Ints, count: int, hour: int, n_hours: int, tile: Floats) -> None:
    """Fill ``tile`` (hours, block) with each site's own hours of its cell's series."""
    for j in range(count):
        row = series[found[j]]
        for t in range(n_hours):
            tile[t * BLOCK + begin[j] : t * BLOCK + begin[j + 1]] = row[hour + t]


@njit("void(uint16[:, ::1], int64[::1], int64[::1], int64, int64, int64, float64[::1])", cache=True, nogil=True)
def spread_parts(parts: Parts, found: Ints, begin: Ints, count: int, hour: int, n_hours: int, tile: Floats) -> None:
    """Fill ``tile`` (hours, block) with each site's share of grid, below zero where it comes before the outage."""
    for j in range(count):
        row = parts[found[j]]
        for t in range(n_hours):
            value = row[hour + t]
            share = value * _PER_PART
            if (value > 0) & (value < GRID_PARTS) and comes_first(row, hour + t):
                share = -share
            tile[t * BLOCK + begin[j] : t * BLOCK + begin[j + 1]] = share


@njit("void(float64[::1], float64[::1])", cache=True, nogil=True)
def first_states(p: Floats, s: Floats) -> None:
    """Fill the states before the first hour and clear the sums."""
    s[:] = 0.0
    for i in range(BLOCK):
        s[i] = p[SIZE_KWH * BLOCK + i] * p[FIRST_FRAC * BLOCK + i]
        s[HEALTH * BLOCK + i] = 1.0
        s[LAST_L * BLOCK + i] = p[FIRST_L * BLOCK + i]
        s[WAIT_H * BLOCK + i] = NONE_H
        s[RUN_LEFT_H * BLOCK + i] = p[RUN_H_PER_DAY * BLOCK + i]
        s[TURN * BLOCK + i] = p[FIRST_TURN * BLOCK + i]


_SIGNATURE = (
    "void(float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[:, ::1], uint16[:, ::1], int32[::1], int32[::1],"
    " int32[::1], float64[:, ::1], int64, int64, float64[:, ::1])"
)


@njit(_SIGNATURE, cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def simulate_blocks(
    pv: Singles, warmth: Singles, cold: Singles, course: Singles, parts: Parts, cell: Int32s, load_class: Int32s,
    feeder: Int32s, params: Floats, first_block: int, stop_block: int, results: Floats,
) -> None:  # fmt: skip
    """Fill ``results`` (N_RESULTS, sites) for blocks ``first_block`` to ``stop_block`` - 1.

    ``pv`` (cells, hours) kWh an hour of 1 kWp; ``warmth`` and ``cold`` (cells, hours): ageing over that at the
    reference temperature, kelvin below it; ``course`` (24, classes) load over its mean; ``parts`` (feeders, hours)
    65,535ths of the hour with grid; ``params`` (N_PARAMS, sites).  Sites are a whole number of blocks.
    """
    n_hours = pv.shape[1]
    p, s = np.empty(N_PARAMS * BLOCK), np.empty(N_RESULTS * BLOCK)
    day, inverse = np.empty(HOURS * BLOCK), np.empty(HOURS * BLOCK)
    suns, ups = np.empty(HOURS * BLOCK), np.empty(HOURS * BLOCK)
    warms, colds = np.empty(HOURS * BLOCK), np.empty(HOURS * BLOCK)
    found, begin = np.empty(BLOCK, np.int64), np.empty(BLOCK + 1, np.int64)
    feeders, feeder_begin = np.empty(BLOCK, np.int64), np.empty(BLOCK + 1, np.int64)
    for block in range(first_block, stop_block):
        first = block * BLOCK
        for k in range(N_PARAMS):
            p[k * BLOCK : (k + 1) * BLOCK] = params[k, first : first + BLOCK]
        for h in range(HOURS):
            for i in range(BLOCK):
                day[h * BLOCK + i] = p[LOAD_KW * BLOCK + i] * course[h, load_class[first + i]]
                inverse[h * BLOCK + i] = 1.0 / max(day[h * BLOCK + i], _TINY_KWH)
        n_cells = runs_of(cell, first, found, begin)
        n_feeders = runs_of(feeder, first, feeders, feeder_begin)
        first_states(p, s)
        for hour in range(0, n_hours, HOURS):
            n = min(HOURS, n_hours - hour)
            spread(pv, found, begin, n_cells, hour, n, suns)
            spread(warmth, found, begin, n_cells, hour, n, warms)
            spread(cold, found, begin, n_cells, hour, n, colds)
            spread_parts(parts, feeders, feeder_begin, n_feeders, hour, n, ups)
            for t in range(n):
                at, end = t * BLOCK, (t + 1) * BLOCK
                block_hour(at, day, inverse, suns[at:end], ups[at:end], warms[at:end], colds[at:end], p, s)
        for k in range(N_RESULTS):
            results[k, first : first + BLOCK] = s[k * BLOCK : (k + 1) * BLOCK]
