"""Links that leave one hub: what they do to each other, and the fewest channels that keep them apart.

Links of a hub lie together in the arrays of links; ``start`` (hubs + 1,) says where.  A pair (i, j) of a hub of n
links whose pairs begin at ``pair_start`` lies at pair_start + i n + j: link i suffers, link j disturbs.
Ratios are of powers, not decibels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.antenna import compiled_apart, compiled_f699, tabled

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Bools, Floats, Ints

MOST_LINKS = 62  # neighbours of a link are bits of one signed word
#: Rows of the array of links.
AZIMUTH_DEG, PEAK_DBI, D_OVER_LAMBDA, GHZ, LEVEL_DBM, RISE_DB, FADE_DB = 0, 1, 2, 3, 4, 5, 6
POWER_DBM, NOISE_DBM, SELF_RATIO, STREAMS, XPD_DB, VERTICAL, HORIZONTAL = 7, 8, 9, 10, 11, 12, 13
N_FIELDS = 14
#: Rows of the array of pairs.
UP, DOWN, UP_RAW, DOWN_RAW, NOISE_RISE = 0, 1, 2, 3, 4
N_PAIR_FIELDS = 5
BEAM_EDGE_DB = 3.0  # half power: antennas state their cross-polar figure within it
ONE_BEAM = 0.9  # product of both relative amplitudes beyond which two links cannot be told apart by antennas
SHARE_LOSS = 10.0**-0.1  # a pair may also share a channel where the link loses no more than 1 dB of its SNIR


def ratio_of(value_db: float) -> float:
    """Return the power ratio of decibels."""
    return 10.0 ** (value_db / 10.0)  # type: ignore[no-any-return]  # a float to a float is a float


_ratio = njit("float64(float64)", cache=True)(ratio_of)


@njit("float64(float64[:, ::1], int64[::1], float64[:, ::1], int64, int64)", cache=True)
def _discrimination_db(links: Floats, pattern: Ints, tables: Floats, i: int, j: int) -> float:
    """Return how much less the hub's antenna i gains towards link j than along its own link."""
    angle = compiled_apart(links[AZIMUTH_DEG, i], links[AZIMUTH_DEG, j])
    peak: float = links[PEAK_DBI, i]
    if pattern[i] >= 0:
        return tabled(tables[pattern[i]], angle)
    return peak - compiled_f699(angle, peak, links[D_OVER_LAMBDA, i], links[GHZ, i])


@njit("float64(float64[:, ::1], int64, int64, float64, float64)", cache=True)
def _cross_db(links: Floats, i: int, j: int, discrimination_db: float, off_axis_db: float) -> float:
    """Return what opposite polarisations add, dB: the antenna's figure in the main beam, a stated one beside it."""
    shares = links[VERTICAL, i] * links[VERTICAL, j] + links[HORIZONTAL, i] * links[HORIZONTAL, j]
    if shares > 0.0:
        return 0.0
    in_beam_db: float = links[XPD_DB, i]
    return in_beam_db if discrimination_db < BEAM_EDGE_DB else off_axis_db


@njit(
    "void(float64[:, ::1], int64[::1], float64[:, ::1], int64[::1], int64[::1], bool_[::1], float64[::1],"
    " float64[:, ::1])",
    cache=True,
)
def fill_pairs(
    links: Floats,
    pattern: Ints,
    tables: Floats,
    start: Ints,
    pair_start: Ints,
    cooperates: Bools,
    limits: Floats,
    pairs: Floats,
) -> None:
    """Fill ``pairs`` (5, pairs): interference over signal of each pair while the suffering link is in its fade.

    Towards the hub the disturber is not faded, so the fade counts in full; from the hub both share one path and the
    fade cancels.  ``limits`` holds the cancellation and the cross-polar figure off the axis, dB.  Cancellation costs
    noise: separating two streams by zero forcing raises it by (1 + a^2) / (1 - a b)^2, a and b the amplitudes each
    antenna picks up of the other's link over that antenna's own.  It is used where noise and interference together
    then are less.
    """
    left = _ratio(-limits[0])
    for hub in range(start.size - 1):
        first, n = start[hub], start[hub + 1] - start[hub]
        for a in range(n):
            i = first + a
            noise = _ratio(links[NOISE_DBM, i] - links[LEVEL_DBM, i] - links[RISE_DB, i] + links[FADE_DB, i])
            for b in range(n):
                at = pair_start[hub] + a * n + b
                for field in range(N_PAIR_FIELDS):
                    pairs[field, at] = 0.0
                if a == b:
                    continue
                j = first + b
                into = _discrimination_db(links, pattern, tables, i, j)
                out = _discrimination_db(links, pattern, tables, j, i)
                gain = links[PEAK_DBI, i] - links[PEAK_DBI, j]
                faded_dbm = links[LEVEL_DBM, i] + links[RISE_DB, i] - links[FADE_DB, i]
                up = _ratio(links[LEVEL_DBM, j] + gain - into - faded_dbm - _cross_db(links, i, j, into, limits[1]))
                down = _ratio(
                    links[POWER_DBM, j]
                    - links[POWER_DBM, i]
                    - links[RISE_DB, i]
                    - gain
                    - out
                    - _cross_db(links, j, i, out, limits[1])
                )
                pairs[UP_RAW, at] = pairs[UP, at] = up
                pairs[DOWN_RAW, at] = pairs[DOWN, at] = down
                seen, seeing = _ratio(gain - into), _ratio(-gain - out)
                both = math.sqrt(seen * seeing)
                if limits[0] <= 0.0 or not (cooperates[i] and cooperates[j]) or both > ONE_BEAM:
                    continue
                rise = (1.0 + max(seen, seeing)) / (1.0 - both) ** 2 - 1.0
                worst = max(up, down)
                if worst * left + noise * (1.0 + rise) < worst + noise:
                    pairs[UP, at], pairs[DOWN, at], pairs[NOISE_RISE, at] = up * left, down * left, rise


@njit("int64(int64)", cache=True)
def _count(mask: int) -> int:
    """Return the number of bits."""
    n = 0
    while mask:
        mask &= mask - 1
        n += 1
    return n


@njit("int64(int64[::1], int64)", cache=True)
def clique_size(near: Ints, n: int) -> int:
    """Return the size of a clique, grown from each link in turn by the neighbour with most neighbours in common."""
    best = min(n, 1)
    for seed in range(n):
        left, size = near[seed], 1
        while left:
            chosen, most = -1, -1
            for v in range(n):
                if left >> v & 1:
                    common = _count(left & near[v])
                    if common > most:
                        chosen, most = v, common
            left &= near[chosen]
            size += 1
        best = max(best, size)
    return best


@njit("int64(int64[::1], int64[::1], int64)", cache=True)
def _most_hemmed(near: Ints, colour: Ints, n: int) -> int:
    """Return the uncoloured link with most colours around it, then most neighbours, then the lowest place."""
    chosen, most, degree = -1, -1, -1
    for v in range(n):
        if colour[v] >= 0:
            continue
        around = 0
        for u in range(n):
            if near[v] >> u & 1 and colour[u] >= 0:
                around |= 1 << colour[u]
        seen, own = _count(around), _count(near[v])
        if seen > most or (seen == most and own > degree):
            chosen, most, degree = v, seen, own
    return chosen


@njit("int64(int64[::1], int64[::1], int64, int64)", cache=True)
def _free_colour(near: Ints, colour: Ints, v: int, least: int) -> int:
    """Return the lowest colour from ``least`` on that no neighbour of v has."""
    around = 0
    for u in range(colour.size):
        if near[v] >> u & 1 and colour[u] >= 0:
            around |= 1 << colour[u]
    while around >> least & 1:
        least += 1
    return least


@njit("int64(int64[::1], int64, int64, int64, int64[::1])", cache=True)
def colour_graph(near: Ints, n: int, least: int, most_nodes: int, best: Ints) -> int:
    """Fill ``best`` (n,) with colours of the fewest kinds and return the nodes searched, or -1 where it stopped early.

    Branch and bound in the order of DSATUR (Brelaz 1979); ``least`` is a proven lower bound at which the search ends.
    """
    colour, at, tried = np.full(n, -1), np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    used = np.zeros(n + 2, np.int64)
    n_best, nodes, depth = n + 1, 0, 0
    at[0] = _most_hemmed(near, colour, n)
    while depth >= 0:
        if depth == n:
            n_best = used[depth]
            best[:] = colour
            if n_best <= least:
                break
            depth -= 1
            continue
        v = at[depth]
        colour[v] = -1
        chosen = _free_colour(near, colour, v, tried[depth])
        if chosen > used[depth] or chosen >= n_best - 1:
            tried[depth] = 0
            depth -= 1
            continue
        nodes += 1
        if nodes > most_nodes:
            return -1
        colour[v], tried[depth] = chosen, chosen + 1
        used[depth + 1] = max(used[depth], chosen + 1)
        depth += 1
        if depth < n:
            at[depth], tried[depth] = _most_hemmed(near, colour, n), 0
    return nodes


@njit(
    "int64(float64[:, ::1], float64[:, ::1], int64, int64, int64, int64, float64[::1], int64[::1], float64[:, ::1])",
    cache=True,
)
def rate_links(
    links: Floats,
    pairs: Floats,
    first: int,
    pair_first: int,
    n: int,
    n_channels: int,
    needed: Floats,
    colour: Ints,
    out: Floats,
) -> int:
    """Fill ``out`` (4, n) with scheme (-1: none), up and down interference and noise over signal; return links served.

    Every link suffers all links of its colour at once.  Noise is that of the whole spectrum over the channels.
    """
    served = 0
    for a in range(n):
        i = first + a
        up = down = rise = 0.0
        for b in range(n):
            if b != a and colour[b] == colour[a]:
                at = pair_first + a * n + b
                up += pairs[UP, at]
                down += pairs[DOWN, at]
                rise += pairs[NOISE_RISE, at]
        noise = _ratio(links[NOISE_DBM, i] - links[LEVEL_DBM, i] - links[RISE_DB, i] + links[FADE_DB, i])
        noise *= (1.0 + rise) / n_channels
        snir = 1.0 / (noise + max(up, down) + links[SELF_RATIO, i])
        scheme = -1
        while scheme + 1 < needed.size and needed[scheme + 1] <= snir:
            scheme += 1
        served += scheme >= 0
        out[0, a], out[1, a], out[2, a], out[3, a] = scheme, up, down, noise
    return served


@njit(
    "void(float64[:, ::1], float64[:, ::1], int64, int64, int64, float64, float64, int64[::1])",
    cache=True,
)
def conflicts(
    links: Floats, pairs: Floats, first: int, pair_first: int, n: int, needed: float, angle_deg: float, near: Ints
) -> None:
    """Fill ``near`` (n,) with the links that may not share a channel, as bits.

    With ``angle_deg`` of 0 or more: those closer in azimuth.  Else: those of which one, alone with the other, would
    fall below ``needed`` and lose more than 1 dB of its ratio of signal to noise.
    """
    for a in range(n):
        near[a] = 0
    for a in range(n):
        i = first + a
        noise = _ratio(links[NOISE_DBM, i] - links[LEVEL_DBM, i] - links[RISE_DB, i] + links[FADE_DB, i])
        own = noise + links[SELF_RATIO, i]
        for b in range(n):
            if a == b:
                continue
            if angle_deg >= 0.0:
                is_near = compiled_apart(links[AZIMUTH_DEG, i], links[AZIMUTH_DEG, first + b]) < angle_deg
            else:
                at = pair_first + a * n + b
                total = own + noise * pairs[NOISE_RISE, at] + max(pairs[UP, at], pairs[DOWN, at])
                is_near = 1.0 / total < min(needed, SHARE_LOSS / own)
            if is_near:
                near[a] |= 1 << b
                near[b] |= 1 << a
