"""Random failures that depend on seed, run, hazard and thing alone, drawn by skipping from failure to failure.

Uniform numbers come from Philox counters (:mod:`rahdari.kernels.sampling`), so that neither blocks nor workers change a
draw.  Things are put in classes of like chance, each below a power of one half; within a class the gap to the next
failure is geometric and read from a table, and a failure is kept with the share that its own chance is of the class's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from rahdari.kernels.sampling import coins, philox

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Int32s, Ints

    Words = NDArray[np.uint64]
    Word = np.uint64
    UInt32s = NDArray[np.uint32]
    UInt16s = NDArray[np.uint16]

N_CLASSES = 48  # the last: chances below 2**-47, once in a thousand million million
FIRST_SKIPPED = 3  # chances above 1/8: skipping gains nothing, each thing is drawn
LAST_TABLED = 9  # gaps of chances below 1/512 are drawn by their logarithm: they are rare
GAPS = 2048  # longest gap of a table; longer ones are drawn again from there on, which changes nothing
GUIDE_BITS = 12
BUFFER = 64  # words of random bits made at once
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)  # multipliers and steps of the key: Salmon et al. 2011
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW, HALF, ROUNDS = np.uint64(0xFFFFFFFF), np.uint64(32), 10
_LONGEST = 2.0e18
_HALF_STEP = 0.5
_63 = np.uint64(63)
_GUIDE_SHIFT = np.uint64(32 - GUIDE_BITS)
_LOW53 = 1.0 / 9007199254740992.0  # 2**-53
_SHIFT53 = np.uint64(11)
TWO_PI = 2.0 * math.pi
# Wichura's coefficients, highest power first; middle, near tail, far tail: above and below the line.
_MIDDLE, _MIDDLE_SQUARE, _NEAR, _TAIL, _N_TERMS = 0.425, 0.180625, 1.6, 5.0, 8
_A = (
    2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
    13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.3871328727963666080,
)  # fmt: skip
_B = (
    5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
    687.1870074920579083, 42.313330701600911252, 1.0,
)  # fmt: skip
_C = (
    7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
    3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
)  # fmt: skip
_D = (
    1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
    0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0,
)  # fmt: skip
_E = (
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
    0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
)  # fmt: skip
_F = (
    2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
    0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0,
)  # fmt: skip


@njit("void(uint64, uint64, uint64, int64, uint64[::1])", cache=True, nogil=True)
def fill_bits(key: Word, high: Word, low: Word, n: int, bits: Words) -> None:
    """Fill ``2 n`` words with random bits of ``n`` counters from ``low`` on.

    Philox 4x32-10 as in :mod:`rahdari.kernels.sampling`, written so that the compiler does many counters at once.
    """
    for i in range(n):
        c0, c1, c2, c3 = (low + np.uint64(i)) & LOW, (low + np.uint64(i)) >> HALF, high & LOW, high >> HALF
        k0, k1 = key & LOW, key >> HALF
        for _ in range(ROUNDS):
            p0, p1 = M0 * c0, M1 * c2
            c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ k0, p1 & LOW, (p0 >> HALF) ^ c3 ^ k1, p0 & LOW
            k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
        bits[i] = c0 | (c1 << HALF)
        bits[n + i] = c2 | (c3 << HALF)


@njit("void(uint64[::1], uint64, uint64, uint64)", cache=True, nogil=True)
def open_stream(buffer: Words, key: Word, high: Word, low: Word) -> None:
    """Begin a stream of 32-bit draws at a key and a counter; ``buffer`` (BUFFER + 3,) holds what is drawn ahead."""
    buffer[BUFFER], buffer[BUFFER + 1], buffer[BUFFER + 2] = key, high, low


@njit("float64(uint64)", cache=True, nogil=True)
def unit(bits: Word) -> float:
    """Return a number strictly between 0 and 1 of 64 random bits."""
    return (float(bits >> _SHIFT53) + _HALF_STEP) * _LOW53


@njit("UniTuple(float64, 2)(uint64, uint64, uint64)", cache=True, nogil=True)
def uniforms(key: Word, high: Word, low: Word) -> tuple[float, float]:
    """Return two numbers strictly between 0 and 1 of a key and a counter."""
    a, b = philox(key, high, low)
    return unit(a), unit(b)


@njit("float64(float64, float64)", cache=True, nogil=True)
def normal(first: float, second: float) -> float:
    """Return a standard normal number of two uniform ones (Box and Muller 1958)."""
    return math.sqrt(-2.0 * math.log(first)) * math.cos(TWO_PI * second)


@njit("float64(float64)", cache=True, nogil=True)
def quantile(share: float) -> float:
    """Return the standard normal number below which ``share`` of all lie, to 1e-15 (Wichura 1988, AS 241 PPND16)."""
    q = share - 0.5
    if abs(q) <= _MIDDLE:
        r = _MIDDLE_SQUARE - q * q
        top, low = 0.0, 0.0
        for i in range(_N_TERMS):
            top, low = top * r + _A[i], low * r + _B[i]
        return q * top / low
    r = math.sqrt(-math.log(share if q < 0.0 else 1.0 - share))
    top, low = 0.0, 0.0
    if r <= _TAIL:
        for i in range(_N_TERMS):
            top, low = top * (r - _NEAR) + _C[i], low * (r - _NEAR) + _D[i]
    else:
        for i in range(_N_TERMS):
            top, low = top * (r - _TAIL) + _E[i], low * (r - _TAIL) + _F[i]
    return -top / low if q < 0.0 else top / low


@njit("int64(int64, uint64[::1], int64[::1], uint16[:, ::1], uint32[:, ::1])", cache=True, nogil=True)
def next_hits(kind: int, buffer: Words, gaps: Ints, guide: UInt16s, bound: UInt32s) -> int:
    """Fill ``gaps`` (BUFFER,) with the next gaps before a failure at the chance of class ``kind``; return how many.

    A gap is stored twice over, plus one if a failure follows; without, it is the longest of the table.  The upper half
    of ``buffer`` beside it decides whether the failure is kept.  Class 0 has no gaps: each thing is looked at.
    """
    fill_bits(buffer[BUFFER], buffer[BUFFER + 1], buffer[BUFFER + 2], BUFFER // 2, buffer)
    buffer[BUFFER + 2] += np.uint64(BUFFER // 2)
    if kind == 0:
        for i in range(BUFFER):
            gaps[i] = 1
        return BUFFER
    if kind <= LAST_TABLED:
        table, start = bound[kind], guide[kind]
        for i in range(BUFFER):
            bits = buffer[i] & LOW
            j = np.int64(start[bits >> _GUIDE_SHIFT])
            j += np.int64(bits > np.uint64(table[j]))
            while bits > np.uint64(table[j]):
                j += 1
            gaps[i] = 2 * j + np.int64(j < GAPS)
        return BUFFER
    scale = 1.0 / math.log1p(-math.ldexp(1.0, -kind))
    for i in range(BUFFER // 2):
        gaps[i] = 2 * int(min(math.log(unit(buffer[BUFFER // 2 + i])) * scale, _LONGEST)) + 1
    return BUFFER // 2


@njit(
    "void(int64[::1], int32[::1], uint32[::1], float64[::1], uint16[:, ::1], uint32[:, ::1], uint64, int64, int64,"
    " uint64[:, ::1])",
    cache=True, nogil=True,
)  # fmt: skip
def fill_failures(
    first: Ints, thing: Int32s, keep: UInt32s, chance: Floats, guide: UInt16s, bound: UInt32s, key: Word, low: int,
    high: int, words: Words,
) -> None:  # fmt: skip
    """Fill ``words`` (high - low, n), zero before, with one where a thing fails: words ``low`` to ``high`` of samples.

    ``first`` (N_CLASSES + 1,) splits ``thing`` and ``keep``, 2**32 times the share of the class's chance, by class;
    ``chance`` (n,) is each thing's own.
    """
    buffer, gaps = np.empty(BUFFER + 3, np.uint64), np.empty(BUFFER, np.int64)
    for w in range(low, high):
        row = words[w - low]
        number = np.uint64(w)
        for kind in range(N_CLASSES):
            begin, end = first[kind], first[kind + 1]
            if begin == end:
                continue
            if kind < FIRST_SKIPPED:
                for i in range(begin, end):
                    row[thing[i]] = coins(chance[thing[i]], key, np.uint64(thing[i]), number)
                continue
            # Counters of coins end in the thing's number, these in a class: the upper half tells them apart.
            open_stream(buffer, key, np.uint64(kind) << HALF | LOW, number << HALF)
            at, size = 0, (end - begin) * 64
            while at < size:
                for i in range(next_hits(kind, buffer, gaps, guide, bound)):
                    at += gaps[i] >> 1
                    if at >= size:
                        break
                    if gaps[i] & 1:
                        z = begin + (at >> 6)
                        is_kept = buffer[i] >> HALF <= np.uint64(keep[z])
                        row[thing[z]] |= np.uint64(is_kept) << (np.uint64(at) & _63)
                        at += 1


@njit(
    "void(int64[::1], int64[::1], float64[:, ::1], int64[::1], float64[::1], float64[::1], uint64, float64[:, ::1],"
    " float64[::1])",
    cache=True, nogil=True,
)  # fmt: skip
def draw_latent(
    run: Ints, component: Ints, root: Floats, hazard: Ints, shift: Floats, share: Floats, key: Word, latent: Floats,
    weight: Floats,
) -> None:  # fmt: skip
    """Fill ``latent`` (b, h), correlated normal numbers, and ``weight`` (b,) of runs drawn from shifted components.

    ``root`` (h, h) is the lower Cholesky factor of the correlations.  Component ``j`` adds ``shift[j]`` times the
    correlations with hazard ``hazard[j]``; one with a shift of zero leaves the numbers as they are.  The weight is the
    true density over that of the mixture with shares ``share`` (the balance heuristic, Veach and Guibas 1995).
    """
    n = root.shape[0]
    own = np.empty(n, np.float64)
    for b in range(run.size):
        number = np.uint64(run[b])
        for h in range(n):
            u, v = uniforms(key, np.uint64(h), number)
            own[h] = normal(u, v)
        c = component[b]
        for h in range(n):
            total = 0.0
            for i in range(h + 1):
                # Adding root[hazard] to the independent numbers adds their correlations to the latent ones.
                total += root[h, i] * (own[i] + shift[c] * root[hazard[c], i])
            latent[b, h] = total
        density = 0.0
        for j in range(share.size):
            if share[j] > 0.0:
                density += share[j] * math.exp(shift[j] * latent[b, hazard[j]] - 0.5 * shift[j] * shift[j])
        weight[b] = 1.0 / density
