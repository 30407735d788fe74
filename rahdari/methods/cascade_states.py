"""One course of an event, hour by hour: what every site and place lives on, and what takes it down.

A site is on supply, battery or generator, without power, damaged, or cut off: it stands and nothing reaches it.  A
place that has the service is in the state of most of its sites that bring it, one that has not in that of most others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.cascade import BYTES, MOMENTS
from rahdari.kernels.reach import LANES
from rahdari.methods.cascade import PASS_RUNS, Pass, bytes_of, draws_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.cascade import Draws, Ready, StressNetwork
    from rahdari.methods.hazard_sampling import Hazard

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    States = NDArray[np.uint8]
    Words = NDArray[np.uint64]

STATES = ("supply", "battery", "generator", "dark", "damaged", "cut_off")
SUPPLY, BATTERY, GENERATOR, DARK, DAMAGED, CUT_OFF = range(len(STATES))
N_WORKING = DARK  # states below it have the service
WORD_HOURS = BYTES * MOMENTS


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One draw of an event at hours (t,): states of places (t, p), and sites by state (t, 6) of STATES.

    ``without_people`` (t,) counts people of places from state ``dark`` on; ``draw`` is its number among ``n_draws``.
    """

    hour_h: FloatArray
    draw: int
    n_draws: int
    place_state: States
    n_sites: IntArray
    without_people: FloatArray


def typical_draw(draws: Draws) -> int:
    """Return the draw whose sites down and people out lie nearest to the mean over all hours, the first of equals."""
    miss = 0.0
    for line in (draws.series["down"], draws.series["people"][0]):
        mean = line.mean(axis=0)
        total = float(mean.sum())
        if total > 0.0:
            miss = miss + np.abs(line - mean).sum(axis=1) / total
    return int(np.argmin(miss))


def course(
    network: StressNetwork,
    hazards: Sequence[Hazard],
    hour_h: ArrayLike,
    *,
    n_draws: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> Course:
    """Return the course of an event that is nearest to the mean of ``n_draws``, for the first service of the network.

    The draws are those of :func:`rahdari.methods.cascade.hourly` with the same arguments, and so are the sums.
    """
    hours = np.atleast_1d(np.asarray(hour_h, np.float64))
    blocks = range(0, hours.size, PASS_RUNS * MOMENTS)
    total = 1 + len(blocks)

    def tell(done: int) -> None:
        if on_progress:
            on_progress(done, total)

    tell(0)
    draws = draws_of(network, hazards, hours, n_draws=n_draws, seed=seed)
    tell(1)
    draw = typical_draw(draws)
    places, sites, people = [], [], []
    for number, low in enumerate(blocks):
        own = hours[low : low + PASS_RUNS * MOMENTS]
        for state, count, lost in _block(network, draws, own, draw):
            places.append(state)
            sites.append(count)
            people.append(lost)
        tell(2 + number)
    return Course(hours, draw, n_draws, np.concatenate(places), np.concatenate(sites), np.concatenate(people))


@dataclass(frozen=True, slots=True, eq=False)
class _Words:
    """Bits of at most 512 hours by row: whole, up, reached; without supply, and for longer than a battery lasts."""

    whole: Words
    up: Words
    reached: Words
    off: Words
    drained: Words
    out: Words


def _words(draws: Draws, moment: FloatArray, draw: int) -> _Words:
    made = draws.made
    run = np.full(moment.shape[0], draw, np.int64)
    latent = np.tile(draws.latent, (run.size, 1))
    none, ever = np.zeros_like(made.group_battery_h), np.full_like(made.group_battery_h, np.inf)

    def passed(battery_h: FloatArray, generator_h: FloatArray) -> Pass:
        work = Pass(replace(made, group_battery_h=battery_h, group_generator_h=generator_h))
        work.fail(run, moment, latent, draws.key)
        return work

    whole = passed(ever, none).node_up
    off = _by_row(made, passed(none, none).dark)
    drained = _by_row(made, passed(made.group_battery_h, none).dark)
    last = passed(made.group_battery_h, made.group_generator_h)
    out = last.serve(0)
    return _Words(whole, last.node_up, last.found, off, drained, out)


def _by_row(made: Ready, dark: Words) -> Words:
    rows = np.zeros((made.group_at.size, LANES), np.uint64)
    has_group = made.group_at >= 0
    rows[has_group] = dark[made.group_at[has_group]]
    return rows


def _bits(words: Words) -> Flags:
    """Return the bits of words (n,), lowest first, as (n, 64) flags."""
    each = np.ascontiguousarray(words, "<u8").view(np.uint8).reshape(-1, WORD_HOURS // MOMENTS)
    return np.unpackbits(each, axis=1, bitorder="little").view(np.bool_)


def _block(
    network: StressNetwork, draws: Draws, hours: FloatArray, draw: int
) -> list[tuple[States, IntArray, FloatArray]]:
    """Return states of places, sites by state and people without, for every 64 of at most 512 hours."""
    made = draws.made
    words = _words(draws, np.ascontiguousarray(bytes_of(hours)), draw)
    is_site = network.is_site[made.rows.order]
    found = []
    for lane in range(-(-hours.size // WORD_HOURS)):
        n = min(WORD_HOURS, hours.size - lane * WORD_HOURS)
        state = _site_states(words, lane)[:, :n]
        out = _bits(words.out[lane])[:, :n]
        counts = np.stack([(state[is_site] == k).sum(axis=0) for k in range(len(STATES))], axis=1)
        found.append((_place_states(made, state, out), counts.astype(np.int64), network.people @ out))
    return found


def _site_states(words: _Words, lane: int) -> States:
    """Return (n, 64) states of the rows of the network; what is damaged counts so, also without power."""
    whole, up, reached, off, drained = (
        _bits(each[:, lane]) for each in (words.whole, words.up, words.reached, words.off, words.drained)
    )
    state: States = np.full(up.shape, SUPPLY, np.uint8)
    state[off] = BATTERY
    state[off & drained] = GENERATOR
    state[~reached] = CUT_OFF
    state[~up] = DARK
    state[~whole] = DAMAGED
    return state


def _place_states(made: Ready, state: States, out: Flags) -> States:
    """Return (t, p) states of places from those of their sites; of equally many, the first of STATES."""
    n_hours, row = out.shape[1], made.service_row[0]
    size = np.diff(made.service_first[0])
    place: States = np.full((n_hours, size.size), SUPPLY, np.uint8)
    # Most places are on supply all the time.
    is_struck = (state != SUPPLY).any(axis=1)[row]
    some = np.unique(np.repeat(np.arange(size.size), size)[is_struck])
    if not some.size:
        return place
    own = state[row[np.repeat(np.isin(np.arange(size.size), some), size)]]
    first = np.concatenate([[0], np.cumsum(size[some])[:-1]])
    best = [np.zeros((some.size, n_hours), np.int32) for _ in range(2)]
    most = [np.full((some.size, n_hours), kind, np.uint8) for kind in (SUPPLY, N_WORKING)]
    for k in np.unique(own).tolist():
        count = np.add.reduceat(own == k, first, axis=0, dtype=np.int32)
        group = int(k >= N_WORKING)
        most[group][count > best[group]] = k
        np.maximum(best[group], count, out=best[group])
    place[:, some] = np.where(out[some], most[1], most[0]).T
    return place


__all__ = [
    "BATTERY", "CUT_OFF", "DAMAGED", "DARK", "GENERATOR", "N_WORKING", "STATES", "SUPPLY", "Course", "course",
    "typical_draw",
]  # fmt: skip
