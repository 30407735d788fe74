"""Exact probability that terminals are joined, by a sweep over the nodes with merged states.

A state says which nodes on the frontier are joined by what has been swept: a partition, in canonical labels of four
bits a slot, and the blocks that hold a terminal.  Equal states are merged, so that their number is bounded by the
width of the frontier and not by the links.  Several sets of probabilities go through one sweep.  Sources: Carlier and
Lucet 1996 (decomposition by boundary partitions); Hardy, Lucet and Limnios 2007.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.kernels.arrays import Floats, Ints

    Floats2 = NDArray[np.float64]

ENTER, JOIN, LEAVE = 0, 1, 2  # what a step does
MAX_WIDTH = 14  # slots; labels 14 and 15 are taken
_DEAD, _EMPTY = 14, 15
_BITS = 4
_ALL_EMPTY = -1  # sixteen slots of label 15
_FOUND, _ROOM = 4, 2  # hash table: entries a state, growth


@njit("int64(int64, int64)", cache=True)
def label_of(state: int, slot: int) -> int:
    """Return the label in a slot of a state."""
    return (state >> (_BITS * slot)) & 15


@njit("int64(int64, int64, int64)", cache=True)
def _with_label(state: int, slot: int, label: int) -> int:
    """Return the state with another label in a slot."""
    mask = 15 << (_BITS * slot)
    return (state & ~mask) | (label << (_BITS * slot))


@njit("UniTuple(int64, 2)(int64, int64, int64)", cache=True)
def _canonical(state: int, marks: int, width: int) -> tuple[int, int]:
    """Return state and marks with labels in the order of the slots."""
    seen, new_marks, count, result = -1, 0, 0, _ALL_EMPTY
    for slot in range(width):
        label = (state >> (_BITS * slot)) & 15
        if label < _DEAD:
            new = (seen >> (_BITS * label)) & 15
            if new == _EMPTY:
                new = count
                count += 1
                seen = _with_label(seen, label, new)
                new_marks |= ((marks >> label) & 1) << new
            label = new
        result = _with_label(result, slot, label)
    return result, new_marks


@njit("int64(int64, int64)", cache=True)
def _hash(state: int, marks: int) -> int:
    """Return a well-mixed number (the finisher of SplitMix64, Steele, Lea and Flood 2014)."""
    z = np.uint64(state) ^ (np.uint64(marks) * np.uint64(0x9E3779B97F4A7C15))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return int((z ^ (z >> np.uint64(31))) >> np.uint64(1))


@njit(
    "int64(int64, int64, float64[::1], float64[::1], int64[::1], int64[::1], int64[::1], float64[:, ::1], int64)",
    cache=True,
)
def _add(
    state: int, marks: int, mass: Floats, share: Floats, table: Ints, states: Ints, marked: Ints, masses: Floats2,
    count: int,
) -> int:  # fmt: skip
    """Add ``mass x share`` to a state, which is made where it is new; return the number of states."""
    at = _hash(state, marks) & (table.shape[0] - 1)
    while table[at] >= 0:
        i = table[at]
        if states[i] == state and marked[i] == marks:
            for s in range(mass.shape[0]):
                masses[i, s] += mass[s] * share[s]
            return count
        at = (at + 1) & (table.shape[0] - 1)
    table[at], states[count], marked[count] = count, state, marks
    for s in range(mass.shape[0]):
        masses[count, s] = mass[s] * share[s]
    return count + 1


@njit("int64(int64)", cache=True)
def _n_ones(word: int) -> int:
    """Return the number of ones of a small word."""
    count = 0
    while word:
        word &= word - 1
        count += 1
    return count


@njit("int64(int64[:, ::1], float64[:, ::1], int64, int64, int64, float64[::1])", cache=True)
def sweep(  # noqa: C901, PLR0912, PLR0915 - one loop over steps and states
    step: Ints, chance: Floats2, width: int, n_terminals: int, most: int, result: Floats
) -> int:
    """Write the probability that all terminals are joined, for each set of probabilities; return the most states held.

    ``step`` rows are (what, slot, slot or whether the node is a terminal); ``chance`` (steps, sets) that the node or
    link works.  -1 is returned, and nothing is known, where more than ``most`` states would be held.
    """
    n_sets = chance.shape[1]
    states, marked = np.full(1, _ALL_EMPTY, np.int64), np.zeros(1, np.int64)
    masses = np.ones((1, n_sets))
    count, entered, peak = 1, 0, 1
    result[:] = 0.0
    ones, work, fail = np.ones(n_sets), np.empty(n_sets), np.empty(n_sets)
    for t in range(step.shape[0]):
        what, slot, other = step[t, 0], step[t, 1], step[t, 2]
        branches = False
        for s in range(n_sets):
            work[s], fail[s] = chance[t, s], 1.0 - chance[t, s]
            branches = branches or (what != LEAVE and fail[s] > 0.0)
        room = count * 2 if branches else count
        size = 16
        while size < room * _FOUND // _ROOM:
            size *= 2
        table = np.full(size, -1, np.int64)
        new_states, new_marked = np.empty(room, np.int64), np.empty(room, np.int64)
        new_masses = np.empty((room, n_sets))
        made = 0
        if what == ENTER and other:
            entered += 1
        for i in range(count):
            state, marks, mass = states[i], marked[i], masses[i]
            if what == ENTER:
                # Label 13 is free: a state of full width has at most 13 blocks besides the new one.
                up = _with_label(state, slot, _DEAD - 1)
                up, up_marks = _canonical(up, (marks & ~(1 << (_DEAD - 1))) | (other << (_DEAD - 1)), width)
                made = _add(up, up_marks, mass, work, table, new_states, new_marked, new_masses, made)
                if branches:
                    down = _with_label(state, slot, _DEAD)
                    made = _add(down, marks, mass, fail, table, new_states, new_marked, new_masses, made)
            elif what == JOIN:
                a, b = label_of(state, slot), label_of(state, other)
                if a == b or _DEAD in (a, b):
                    made = _add(state, marks, mass, ones, table, new_states, new_marked, new_masses, made)
                    continue
                joined = state
                for each in range(width):
                    if label_of(joined, each) == b:
                        joined = _with_label(joined, each, a)
                joined_marks = (marks | (((marks >> b) & 1) << a)) & ~(1 << b)
                if entered == n_terminals and _n_ones(joined_marks) == 1:
                    for s in range(n_sets):
                        result[s] += mass[s] * work[s]
                else:
                    joined, joined_marks = _canonical(joined, joined_marks, width)
                    made = _add(joined, joined_marks, mass, work, table, new_states, new_marked, new_masses, made)
                if branches:
                    made = _add(state, marks, mass, fail, table, new_states, new_marked, new_masses, made)
            else:
                label = label_of(state, slot)
                is_last = label != _DEAD
                for each in range(width):
                    if each != slot and label_of(state, each) == label:
                        is_last = False
                if is_last and (marks >> label) & 1:
                    if entered == n_terminals and _n_ones(marks) == 1:
                        for s in range(n_sets):
                            result[s] += mass[s]
                    continue
                gone, gone_marks = _canonical(_with_label(state, slot, _EMPTY), marks, width)
                made = _add(gone, gone_marks, mass, ones, table, new_states, new_marked, new_masses, made)
        states, marked, masses, count = new_states, new_marked, new_masses, made
        peak = max(peak, count)
        if count > most:
            return -1
    return peak
