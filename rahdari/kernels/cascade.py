"""From hazards to what stands at eight moments of a run: damage and crews, power and autonomy, all in words of 64 bits.

A run is a byte of a word, a moment a bit of the byte: eight runs share a word, 64 runs share a pass (eight lanes).  A
``moment`` array is (b, 8) in hours after the event began; byte ``b`` is lane ``b // 8``, bits from ``b % 8 * 8``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.hazard_sampling import (
    BUFFER,
    HALF,
    N_CLASSES,
    fill_bits,
    next_hits,
    normal,
    open_stream,
    quantile,
    uniforms,
    unit,
)
from rahdari.kernels.sampling import n_ones

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Int32s, Ints

    Words = NDArray[np.uint64]
    Word = np.uint64
    UInt32s = NDArray[np.uint32]
    UInt16s = NDArray[np.uint16]
    Float32s = NDArray[np.float32]

MOMENTS = 8  # of a run: the bits of a byte
BYTES = 8  # runs in a word
DAMAGE, OUTAGE, GRID, FUEL, SHEDDING = 0, 1, 2, 3, 4  # what a hazard does
STATIONARY = -1  # latent number of a hazard that is always at work, in steady state
_STATES = 4  # of damage, from light to complete
_HITS, _THING, _EVENT, _START, _MOMENT = 1, 2, 3, 4, 5  # purposes of counters; 0 is the latent numbers
_PURPOSE = np.uint64(56)
_BITS = np.uint64(32)
_RUN = np.uint64(24)  # a stream may use 2**24 counters
_ZERO, _ONE, _EIGHT, _BYTE = np.uint64(0), np.uint64(1), np.uint64(8), np.uint64(255)
_TWO_32, _ALL_32, _HALF, _LOW_32 = 4294967296.0, 4294967295, 0.5, np.uint64(0xFFFFFFFF)
_TWO_SIGMA = 0.5 * (1.0 + math.erf(math.sqrt(2.0)))  # share of normal numbers below two
_SECOND = np.uint64(1 << 62)  # the second counter of a thing or an event


@njit("uint64(int64, int64, int64)", cache=True, nogil=True)
def counter(purpose: int, hazard: int, thing: int) -> Word:
    """Return the upper half of the counter of one purpose, hazard and thing (or class)."""
    return np.uint64(purpose) << _PURPOSE | np.uint64(hazard) << _BITS | np.uint64(thing)


@njit("void(int64[::1], float64[::1], uint64, float64[:, ::1])", cache=True, nogil=True)
def draw_moments(run: Ints, edge_h: Floats, key: Word, moment_h: Floats) -> None:
    """Fill ``moment_h`` (b, 8): one moment drawn evenly in each of the eight spans between ``edge_h`` (9,)."""
    for b in range(run.size):
        for k in range(MOMENTS):
            u, _ = uniforms(key, counter(_MOMENT, k, 0), np.uint64(run[b]))
            moment_h[b, k] = edge_h[k] + u * (edge_h[k + 1] - edge_h[k])


@njit("int64(int64, float64[::1], int64[:, ::1], int64[::1], float64[:, ::1])", cache=True, nogil=True)
def level_of(h: int, latent: Floats, hazard_i: Ints, level_first: Ints, level_f: Floats) -> int:
    """Return the level that hazard ``h`` reaches in a run, -1 where it does not occur."""
    number = hazard_i[h, 2]
    if number == STATIONARY:
        return int(level_first[h])
    found = -1
    for level in range(level_first[h], level_first[h + 1]):
        if latent[number] > level_f[level, 0]:
            found = level
    return found


@njit("UniTuple(float64, 2)(int64, int64, int64, uint64, float64[:, ::1], float64[:, ::1])", cache=True, nogil=True)
def times_of(h: int, level: int, run: int, key: Word, hazard_f: Floats, level_f: Floats) -> tuple[float, float]:
    """Return when a hazard begins in a run and how long it lasts, hours."""
    u, v = uniforms(key, counter(_EVENT, h, 0), np.uint64(run))
    start = hazard_f[h, 0] * u
    length = level_f[level, 1]
    if level_f[level, 2] > 0.0:
        first, _ = uniforms(key, counter(_EVENT, h, 0), np.uint64(run) | _SECOND)
        length *= math.exp(level_f[level, 2] * normal(first, v))
    return start, length


@njit("uint64(float64, float64, float64[::1])", cache=True, nogil=True)
def moments_in(begin: float, end: float, moment: Floats) -> Word:
    """Return the byte of moments from ``begin`` on and before ``end``."""
    found = _ZERO
    for k in range(MOMENTS):
        if begin <= moment[k] < end:
            found |= _ONE << np.uint64(k)
    return found


@njit("void(int64, uint64, int64, int64, int32[::1], uint64[:, ::1], uint64[:, ::1])", cache=True, nogil=True)
def strike(thing: int, byte: Word, b: int, n_nodes: int, position: Int32s, node_up: Words, link_up: Words) -> None:
    """Take a thing down at the moments of ``byte`` in byte ``b``."""
    if byte == _ZERO:
        return
    at = position[thing]
    if at < 0:
        return
    word = byte << np.uint64((b & 7) * 8)
    if thing < n_nodes:
        node_up[at, b >> 3] &= ~word
    else:
        link_up[at, b >> 3] &= ~word


@njit("float64(float64[::1], int64, int64, float64)", cache=True, nogil=True)
def crew_done(free: Floats, low: int, high: int, hours: float) -> float:
    """Give the crew that is free first (root of the heap ``low`` to ``high``) work until ``hours``; return it."""
    at, n = 0, high - low
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        if child + 1 < n and free[low + child + 1] < free[low + child]:
            child += 1
        if free[low + child] >= hours:
            break
        free[low + at] = free[low + child]
        at = child
    free[low + at] = hours
    return hours


@njit(
    "void(int64[::1], float64[:, ::1], float64[:, ::1], int64[:, ::1], float64[:, ::1], int64[::1], float64[:, ::1],"
    " int64[:, ::1], int32[::1], uint32[::1], float32[:, ::1], float64[:, :, :, ::1], int32[:, ::1], int32[::1],"
    " int32[::1], int64, int64[::1], float64[::1], uint16[:, ::1], uint32[:, ::1], uint64, uint64[:, ::1],"
    " uint64[:, ::1])",
    cache=True, nogil=True,
)  # fmt: skip
def damage_words(  # noqa: C901, PLR0912, PLR0915 - one kernel
    run: Ints, moment: Floats, latent: Floats, hazard_i: Ints, hazard_f: Floats, level_first: Ints, level_f: Floats,
    level_block: Ints, entry_thing: Int32s, entry_keep: UInt32s, entry_worse: Float32s, repair: Floats,
    thing_i: Int32s, thing_of_rank: Int32s, position: Int32s, n_nodes: int, pool_first: Ints, travel_h: Floats,
    guide: UInt16s, bound: UInt32s, key: Word, node_up: Words, link_up: Words,
) -> None:  # fmt: skip
    """Take down in ``node_up`` and ``link_up`` (rows, lanes) what hazards damage, until it is repaired.

    Crews of a pool take jobs by the hour from which they can be reached, then by rank; the crew that is free first
    goes, and work takes travel and repair.  Things are sorted as the entries say; ``position`` is -1 where a thing
    plays no part.  See :class:`rahdari.methods.hazard_sampling.Compiled` for the arrays.
    """
    n_things, n_hazards = position.size, hazard_i.shape[0]
    buffer, gaps = np.empty(BUFFER + 3, np.uint64), np.empty(BUFFER, np.int64)
    extra = np.empty(2 * BUFFER, np.uint64)
    begin, ready, work = np.empty(n_things), np.empty(n_things), np.empty(n_things)
    hazard = np.full(n_things, -1, np.int32)
    waiting = np.zeros((n_things + 63) // 64, np.uint64)
    free = np.zeros(pool_first[pool_first.size - 1])
    order, order_h = np.empty(n_hazards, np.int64), np.empty(n_hazards)
    for b in range(run.size):
        number, when = run[b], moment[b]
        low = np.uint64(number)
        n_crewed = 0
        for h in range(n_hazards):
            effect = hazard_i[h, 0]
            if effect not in {DAMAGE, OUTAGE} or hazard_i[h, 2] == STATIONARY:
                continue
            level = level_of(h, latent[b], hazard_i, level_first, level_f)
            if level < 0:
                continue
            start, length = times_of(h, level, number, key, hazard_f, level_f)
            is_crewed = effect == DAMAGE and hazard_i[h, 1] != 0
            reached = start + hazard_f[h, 1]
            if is_crewed:
                order[n_crewed], order_h[n_crewed] = h, reached
                n_crewed += 1
            all_of = moments_in(start, start + length, when)
            for kind in range(N_CLASSES):
                first, last = level_block[level, kind], level_block[level, kind + 1]
                if first == last:
                    continue
                open_stream(buffer, key, counter(_HITS, h, kind), low << _RUN)
                i = first
                while i < last:
                    at = buffer[BUFFER + 2]
                    n_hits = next_hits(kind, buffer, gaps, guide, bound)
                    fill_bits(key, counter(_THING, h, kind), at << _ONE, BUFFER, extra)
                    for z in range(n_hits):
                        i += gaps[z] >> 1
                        if i >= last:
                            break
                        if gaps[z] & 1 == 0:
                            continue
                        if buffer[z] >> HALF <= np.uint64(entry_keep[i]):
                            thing = entry_thing[i]
                            if effect == OUTAGE:
                                strike(thing, all_of, b, n_nodes, position, node_up, link_up)
                            else:
                                share, state = unit(extra[z]), 0
                                while state < _STATES - 1 and share < entry_worse[i, state]:
                                    # The same number decides on: given that it is below, it is evenly spread below.
                                    share /= entry_worse[i, state]
                                    state += 1
                                if state < _STATES - 1:
                                    share = (share - entry_worse[i, state]) / (1.0 - entry_worse[i, state])
                                kind_of = thing_i[thing, 0]
                                hours, sigma = repair[h, kind_of, state, 0], repair[h, kind_of, state, 1]
                                if sigma > 0.0:
                                    hours *= math.exp(sigma * quantile(share))
                                if not is_crewed:
                                    byte = moments_in(start, reached + hours, when)
                                    strike(thing, byte, b, n_nodes, position, node_up, link_up)
                                elif hazard[thing] < 0:
                                    hazard[thing], begin[thing], ready[thing], work[thing] = h, start, reached, hours
                                    rank = thing_i[thing, 2]
                                    waiting[rank >> 6] |= _ONE << np.uint64(rank & 63)
                                else:
                                    begin[thing] = min(begin[thing], start)
                                    work[thing] = max(work[thing], hours)
                                    if reached > ready[thing]:
                                        hazard[thing], ready[thing] = h, reached
                        i += 1
        if n_crewed == 0:
            continue
        free[:] = 0.0
        for step in range(n_crewed):
            best = step
            for other in range(step + 1, n_crewed):
                if order_h[other] < order_h[best]:
                    best = other
            order[step], order[best] = order[best], order[step]
            order_h[step], order_h[best] = order_h[best], order_h[step]
            for w in range(waiting.size):
                word = waiting[w]
                while word != _ZERO:
                    least = word & (~word + _ONE)
                    word ^= least
                    thing = thing_of_rank[w * 64 + n_ones(least - _ONE)]
                    if hazard[thing] != order[step]:
                        continue
                    waiting[w] ^= least
                    hazard[thing] = -1
                    pool = thing_i[thing, 1]
                    crew = pool_first[pool]
                    done = max(free[crew], ready[thing]) + travel_h[pool] + work[thing]
                    crew_done(free, crew, pool_first[pool + 1], done)
                    strike(thing, moments_in(begin[thing], done, when), b, n_nodes, position, node_up, link_up)


@njit(
    "void(int64[::1], float64[:, ::1], int64[:, ::1], int64[::1], int64[:, ::1], int32[::1], uint32[::1],"
    " float32[:, ::1], float64[:, :, :, ::1], int32[:, ::1], int32[::1], int64, uint16[:, ::1], uint32[:, ::1], uint64,"
    " float64, uint64[:, ::1], uint64[:, ::1])",
    cache=True, nogil=True,
)  # fmt: skip
def steady_words(  # noqa: C901, PLR0912 - one kernel
    run: Ints, moment: Floats, hazard_i: Ints, level_first: Ints, level_block: Ints, entry_thing: Int32s,
    entry_keep: UInt32s, entry_worse: Float32s, repair: Floats, thing_i: Int32s, position: Int32s, n_nodes: int,
    guide: UInt16s, bound: UInt32s, key: Word, window: float, node_up: Words, link_up: Words,
) -> None:  # fmt: skip
    """Take down what fails every day: at an even moment of the window, until repaired, on a clock that goes round.

    Times are shares of the window in 32 bits, so that differences go round by themselves.
    """
    buffer, gaps = np.empty(BUFFER + 3, np.uint64), np.empty(BUFFER, np.int64)
    extra = np.empty(2 * BUFFER, np.uint64)
    when = np.empty(MOMENTS, np.uint32)
    to_hours = window / _TWO_32
    longest = np.empty(hazard_i.shape[0])
    for h in range(hazard_i.shape[0]):
        longest[h] = repair[h, :, :, 2].max()
    for b in range(run.size):
        low = np.uint64(run[b])
        for k in range(MOMENTS):
            when[k] = np.uint32(np.uint64(min(moment[b, k] / to_hours, _TWO_32 - 1.0)))
        for h in range(hazard_i.shape[0]):
            if hazard_i[h, 0] != DAMAGE or hazard_i[h, 2] != STATIONARY:
                continue
            level = level_first[h]
            for kind in range(N_CLASSES):
                i, last = level_block[level, kind], level_block[level, kind + 1]
                if i == last:
                    continue
                open_stream(buffer, key, counter(_HITS, h, kind), low << _RUN)
                while i < last:
                    at = buffer[BUFFER + 2]
                    n_hits = next_hits(kind, buffer, gaps, guide, bound)
                    fill_bits(key, counter(_THING, h, kind), at << _ONE, BUFFER, extra)
                    for z in range(n_hits):
                        i += gaps[z] >> 1
                        if i >= last:
                            break
                        if gaps[z] & 1 == 0:
                            continue
                        if buffer[z] >> HALF > np.uint64(entry_keep[i]):
                            i += 1
                            continue
                        begin = np.uint32(extra[BUFFER + z] >> HALF)
                        least = np.uint32(_ALL_32)
                        for k in range(MOMENTS):
                            least = min(least, np.uint32(when[k] - begin))
                        share = (float(extra[BUFFER + z] & _LOW_32) + _HALF) / _TWO_32
                        # Most end here: repair is shorter than any median times exp(2 sigma), the moment later.
                        if float(least) * to_hours < longest[h] or share > _TWO_SIGMA:
                            thing, u, state = entry_thing[i], unit(extra[z]), 0
                            while state < _STATES - 1 and u < entry_worse[i, state]:
                                # The same number decides on: given that it is below, it is evenly spread below.
                                u /= entry_worse[i, state]
                                state += 1
                            sort = thing_i[thing, 0]
                            hours, sigma = repair[h, sort, state, 0], repair[h, sort, state, 1]
                            if sigma > 0.0:
                                hours *= math.exp(sigma * quantile(share))
                            byte = _ZERO
                            for k in range(MOMENTS):
                                if float(np.uint32(when[k] - begin)) * to_hours < hours:
                                    byte |= _ONE << np.uint64(k)
                            strike(thing, byte, b, n_nodes, position, node_up, link_up)
                        i += 1


@njit("uint64(int64, float64[::1], float64[::1], float64[::1], float64[::1])", cache=True, nogil=True)
def power_byte(group: int, age: Floats, cap: Floats, battery: Floats, generator: Floats) -> Word:
    """Return the moments at which a power group has run out: no supply for longer than battery and generator last."""
    found = _ZERO
    for k in range(MOMENTS):
        if age[k] >= battery[group] + min(generator[group], cap[k]):
            found |= _ONE << np.uint64(k)
    return found


@njit(
    "void(int64[::1], float64[:, ::1], float64[:, ::1], int64[:, ::1], float64[:, ::1], int64[::1], float64[:, ::1],"
    " int64[:, ::1], int32[::1], uint32[::1], float64[::1], uint16[:, ::1], uint32[:, ::1], uint64, int64[::1],"
    " float64[::1], float64[::1], uint64[:, ::1])",
    cache=True, nogil=True,
)  # fmt: skip
def power_words(  # noqa: C901, PLR0912, PLR0915 - one kernel
    run: Ints, moment: Floats, latent: Floats, hazard_i: Ints, hazard_f: Floats, level_first: Ints, level_f: Floats,
    level_block: Ints, entry_zone: Int32s, entry_keep: UInt32s, entry_value: Floats, guide: UInt16s, bound: UInt32s,
    key: Word, zone_first: Ints, battery: Floats, generator: Floats, dark: Words,
) -> None:  # fmt: skip
    """Fill ``dark`` (groups, lanes), zero before, with the moments at which each power group has run out.

    Groups of zone ``z`` are ``zone_first[z]`` to ``zone_first[z + 1]``.  A grid failure begins with its hazard and
    ends in a zone after ``entry_value`` of its length; shedding is in steady state, with outages of the mean length
    ``entry_value`` hours, so that their age at a moment is exponential; fuel shortage caps generators.
    """
    n_hazards, n_zones = hazard_i.shape[0], zone_first.size - 1
    buffer, gaps = np.empty(BUFFER + 3, np.uint64), np.empty(BUFFER, np.int64)
    extra = np.empty(BUFFER, np.uint64)
    age, cap = np.full((n_zones, MOMENTS), -1.0), np.empty(MOMENTS)
    is_touched, touched = np.zeros(n_zones, np.bool_), np.empty(n_zones, np.int64)
    for b in range(run.size):
        number, when = run[b], moment[b]
        cap[:] = np.inf
        n_touched = 0
        for h in range(n_hazards):
            effect = hazard_i[h, 0]
            if effect < GRID:
                continue
            level = level_of(h, latent[b], hazard_i, level_first, level_f)
            if level < 0:
                continue
            start, length = times_of(h, level, number, key, hazard_f, level_f)
            if effect == FUEL:
                for k in range(MOMENTS):
                    if start <= when[k] < start + length:
                        cap[k] = min(cap[k], level_f[level, 3])
                continue
            each = MOMENTS if effect == SHEDDING else 1
            for kind in range(N_CLASSES):
                first, last = level_block[level, kind], level_block[level, kind + 1]
                if first == last:
                    continue
                open_stream(buffer, key, counter(_HITS, h, kind), np.uint64(number) << _RUN)
                size = (last - first) * each
                at = 0
                while at < size:
                    low = buffer[BUFFER + 2]
                    n_hits = next_hits(kind, buffer, gaps, guide, bound)
                    fill_bits(key, counter(_THING, h, kind), low << _ONE, BUFFER // 2, extra)
                    for z in range(n_hits):
                        at += gaps[z] >> 1
                        if at >= size:
                            break
                        if gaps[z] & 1 == 0:
                            continue
                        i = first + at // each
                        if buffer[z] >> HALF <= np.uint64(entry_keep[i]):
                            zone = entry_zone[i]
                            if not is_touched[zone]:
                                is_touched[zone] = True
                                touched[n_touched] = zone
                                n_touched += 1
                            if effect == SHEDDING:
                                k = at % each
                                since = -entry_value[i] * math.log(unit(extra[z]))
                                age[zone, k] = max(age[zone, k], since)
                            else:
                                for k in range(MOMENTS):
                                    if start <= when[k] < start + length * entry_value[i]:
                                        age[zone, k] = max(age[zone, k], when[k] - start)
                        at += 1
        shift = np.uint64((b & 7) * 8)
        for t in range(n_touched):
            zone = touched[t]
            for group in range(zone_first[zone], zone_first[zone + 1]):
                dark[group, b >> 3] |= power_byte(group, age[zone], cap, battery, generator) << shift
            age[zone, :] = -1.0
            is_touched[zone] = False


@njit(
    "void(int64[::1], int64[::1], int32[::1], uint32[::1], int32[::1], int32[::1], uint16[:, ::1], uint32[:, ::1],"
    " uint64, uint64[:, ::1], uint64[:, ::1])",
    cache=True, nogil=True,
)  # fmt: skip
def silent_generators(
    run: Ints, first: Ints, node: Int32s, keep: UInt32s, position: Int32s, battery_group: Int32s, guide: UInt16s,
    bound: UInt32s, key: Word, dark: Words, node_up: Words,
) -> None:  # fmt: skip
    """Take down nodes whose generator does not start, when their battery alone has run out.

    ``first`` (N_CLASSES + 1,), ``node`` and ``keep`` as in :func:`~rahdari.kernels.hazard_sampling.fill_failures`;
    ``battery_group`` (n,) is the power group without generator, -1 where there is none to fail.
    """
    buffer, gaps = np.empty(BUFFER + 3, np.uint64), np.empty(BUFFER, np.int64)
    for b in range(run.size):
        shift, lane = np.uint64((b & 7) * 8), b >> 3
        is_dark = False
        for group in range(dark.shape[0]):
            if (dark[group, lane] >> shift) & _BYTE != _ZERO:
                is_dark = True
                break
        if not is_dark:
            continue
        for kind in range(N_CLASSES):
            if first[kind] == first[kind + 1]:
                continue
            open_stream(buffer, key, counter(_START, 0, kind), np.uint64(run[b]) << _RUN)
            i = first[kind]
            while i < first[kind + 1]:
                for z in range(next_hits(kind, buffer, gaps, guide, bound)):
                    i += gaps[z] >> 1
                    if i >= first[kind + 1]:
                        break
                    if gaps[z] & 1 == 0:
                        continue
                    group, at = battery_group[node[i]], position[node[i]]
                    if buffer[z] >> HALF <= np.uint64(keep[i]) and group >= 0 and at >= 0:
                        node_up[at, lane] &= ~(((dark[group, lane] >> shift) & _BYTE) << shift)
                    i += 1


@njit("void(int32[::1], uint64[:, ::1], uint64[:, ::1])", cache=True, nogil=True)
def darken(group_at: Int32s, dark: Words, node_up: Words) -> None:
    """Take every node down with its power group; ``group_at`` (n,) by row of ``node_up``, -1 where it has none."""
    for i in range(group_at.size):
        group = group_at[i]
        if group >= 0:
            for w in range(node_up.shape[1]):
                node_up[i, w] &= ~dark[group, w]


@njit("void(uint64[:, ::1], int64[::1], int32[::1], int32[::1], uint64[:, ::1])", cache=True, nogil=True)
def places_out(reach: Words, first: Ints, row: Int32s, need: Int32s, out: Words) -> None:
    """Fill ``out`` (lanes, p) with one where fewer than ``need`` of a place's sites are reached.

    The sites of place ``p`` are rows ``row[first[p]:first[p + 1]]``; a place without sites is never out.
    """
    most = 1
    for p in range(need.size):
        most = max(most, need[p])
    n_lanes = out.shape[0]
    least = np.empty((most, n_lanes), np.uint64)
    for p in range(need.size):
        if first[p] == first[p + 1]:
            for w in range(n_lanes):
                out[w, p] = _ZERO
            continue
        k = need[p]
        least[:k] = _ZERO
        for z in range(first[p], first[p + 1]):
            i = row[z]
            # least[j]: at least j + 1 of the sites seen so far are up.
            for j in range(k - 1, 0, -1):
                for w in range(n_lanes):
                    least[j, w] |= least[j - 1, w] & reach[i, w]
            for w in range(n_lanes):
                least[0, w] |= reach[i, w]
        for w in range(n_lanes):
            out[w, p] = ~least[k - 1, w]


@njit(
    "void(uint64[:, ::1], float64[::1], float64[::1], float64[:, ::1], float64[::1], float64[::1], float64[::1])",
    cache=True, nogil=True,
)  # fmt: skip
def add_hours(
    out: Words, people: Floats, mbps: Floats, hours: Floats, place_h: Floats, people_h: Floats, mbps_h: Floats
) -> None:
    """Add the hours out of every place to ``place_h`` (p,), and of every run, by people and rate, to the others (b,).

    ``hours`` (b, 256) is the hours of each set of moments of a run, its weight included.
    """
    n_lanes, n = out.shape
    person, rate = np.empty(BYTES), np.empty(BYTES)
    for w in range(n_lanes):
        person[:] = 0.0
        rate[:] = 0.0
        for p in range(n):
            word = out[w, p]
            if word == _ZERO:
                continue
            total = 0.0
            for b in range(BYTES):
                spent = hours[w * BYTES + b, np.int64((word >> np.uint64(b * 8)) & _BYTE)]
                total += spent
                person[b] += people[p] * spent
                rate[b] += mbps[p] * spent
            place_h[p] += total
        for b in range(BYTES):
            people_h[w * BYTES + b] += person[b]
            mbps_h[w * BYTES + b] += rate[b]


@njit("void(uint64[:, ::1], float64[:, ::1], float64[::1])", cache=True, nogil=True)
def add_down_hours(up: Words, hours: Floats, down_h: Floats) -> None:
    """Add to ``down_h`` (n,) the hours in which each row of ``up`` (n, lanes) is down."""
    for i in range(up.shape[0]):
        for w in range(up.shape[1]):
            word = ~up[i, w]
            if word == _ZERO:
                continue
            for b in range(BYTES):
                down_h[i] += hours[w * BYTES + b, np.int64((word >> np.uint64(b * 8)) & _BYTE)]


@njit("void(uint64[:, ::1], float64[::1], float64[:, ::1])", cache=True, nogil=True)
def add_bits(down: Words, weight: Floats, total: Floats) -> None:
    """Add the weights of columns of ``down`` (lanes, n) to ``total`` (lanes, 64), bit by bit."""
    for w in range(down.shape[0]):
        for i in range(down.shape[1]):
            word = down[w, i]
            while word != _ZERO:
                least = word & (~word + _ONE)
                word ^= least
                total[w, n_ones(least - _ONE)] += weight[i]
