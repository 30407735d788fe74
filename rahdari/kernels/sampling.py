"""Random failures in words of 64 samples, and what they leave joined.

The random words come from a counter and a key alone (Philox 4x32-10, Salmon et al. 2011): the same sample is drawn
whatever else is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Int32s, Ints

    Word = np.uint64

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_ROUNDS = 10
_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)
_DIGITS = 64  # binary digits of a probability that are looked at: more than a double holds
SAMPLES = 64  # of a word


@njit("UniTuple(uint64, 2)(uint64, uint64, uint64)", cache=True)
def philox(key: Word, high: Word, low: Word) -> tuple[Word, Word]:
    """Return 128 random bits of a key and a counter of 128 bits."""
    c0, c1, c2, c3 = low & _LOW, low >> _HALF, high & _LOW, high >> _HALF
    k0, k1 = key & _LOW, key >> _HALF
    for _ in range(_ROUNDS):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0 | (c1 << _HALF), c2 | (c3 << _HALF)


@njit("uint64(float64, uint64, uint64, uint64)", cache=True)
def coins(chance: float, key: Word, thing: Word, word: Word) -> Word:
    """Return 64 samples of an event of the given chance: a uniform number is below it where its first digit differs."""
    if chance >= 1.0:
        return _FULL
    below, open_ = np.uint64(0), _FULL
    rest, spare, has_spare, draw = chance, np.uint64(0), False, np.uint64(0)
    for _ in range(_DIGITS):
        if rest <= 0.0 or open_ == 0:
            break
        if has_spare:
            bits, has_spare = spare, False
        else:
            bits, spare = philox(key, thing << np.uint64(8) | draw, word)
            has_spare = True
            draw += np.uint64(1)
        rest *= 2.0
        if rest >= 1.0:
            rest -= 1.0
            below |= open_ & ~bits
            open_ &= bits
        else:
            open_ &= ~bits
    return below


@njit("int64(uint64)", cache=True)
def n_ones(word: Word) -> int:
    """Return the number of ones of a word."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(
    "void(int64[::1], int32[::1], int32[::1], float64[::1], float64[::1], float64[::1], int64[::1], int64[::1],"
    " int64[::1], uint64, int64, int64, int64[::1])",
    cache=True,
)
def count_joined(
    first: Ints, neighbour: Int32s, arc: Int32s, link_up: Floats, node_up: Floats, group_up: Floats,
    group_first: Ints, group_link: Ints, terminal: Ints, key: Word, begin: int, end: int, joined: Ints,
) -> None:  # fmt: skip
    """Write for each word ``begin`` to ``end`` - 1 in how many of its samples all terminals are joined.

    Links, nodes and groups of links work with the given chances, each by itself; ``joined`` (end - begin,).
    """
    n, m, n_groups = node_up.shape[0], link_up.shape[0], group_up.shape[0]
    up, node, reach = np.empty(m, np.uint64), np.empty(n, np.uint64), np.empty(n, np.uint64)
    queue, waits = np.empty(n + 1, np.int64), np.zeros(n, np.bool_)
    for w in range(begin, end):
        word = np.uint64(w)
        for i in range(m):
            up[i] = coins(link_up[i], key, np.uint64(i), word)
        for g in range(n_groups):
            works = coins(group_up[g], key, np.uint64(m + n + g), word)
            for i in range(group_first[g], group_first[g + 1]):
                up[group_link[i]] &= works
        for v in range(n):
            node[v] = _FULL if node_up[v] >= 1.0 else coins(node_up[v], key, np.uint64(m + v), word)
            reach[v] = np.uint64(0)
        start = terminal[0]
        reach[start] = node[start]
        # A ring of nodes whose news have not been passed on.
        queue[0], head, tail = start, 0, 1
        waits[start] = True
        while head != tail:
            v = queue[head]
            head = head + 1 if head < n else 0
            waits[v] = False
            for slot in range(first[v], first[v + 1]):
                u = neighbour[slot]
                more = reach[u] | (reach[v] & up[arc[slot] >> 1] & node[u])
                if more != reach[u]:
                    reach[u] = more
                    if not waits[u]:
                        waits[u] = True
                        queue[tail] = u
                        tail = tail + 1 if tail < n else 0
        together = _FULL
        for i in range(terminal.shape[0]):
            together &= reach[terminal[i]]
        joined[w - begin] = n_ones(together)
