"""In which order, and by which drone, the legs of a survey are flown: one tour, cut into sorties and shared out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.survey_flight import OpenAir, flight_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

N_NEAR = 12  # legs looked at as neighbours
ROUNDS, PASSES = 6, 3  # of improvement over all legs; of going around what the tour crosses
HALVINGS = 30  # of the time by which all must be back
BETTER_S = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Craft:
    """One drone: base (2,) in metres, airspeed, usable time in the air, time of a turn and of a change of battery."""

    base_m: FloatArray
    airspeed_m_per_s: float
    usable_s: float
    turn_s: float
    change_s: float


class Times:
    """Times between the ends of legs, around what is closed; ends are numbered 2k and 2k + 1."""

    def __init__(self, ends_m: FloatArray, craft: Craft, wind: FloatArray, air: OpenAir) -> None:
        """Prepare straight times; ways around closed areas are found where a plan would use them."""
        self.points = ends_m.reshape(-1, 2)
        self.craft, self.wind, self.air = craft, wind, air
        self.between = self._straight(self.points[:, None], self.points[None])
        first, last = ends_m[:, 0], ends_m[:, 1]
        self.leg_s = np.stack([self._straight(first, last), self._straight(last, first)], axis=1)
        self.out_s, self.back_s = self._from_base()
        self._checked: set[tuple[int, int]] = set()

    def _straight(self, start: FloatArray, end: FloatArray) -> FloatArray:
        return flight_s(start, end, self.craft.airspeed_m_per_s, self.wind)

    def way_s(self, way: FloatArray) -> float:
        """Return the time along a way of corners (k, 2)."""
        return float(self._straight(way[:-1], way[1:]).sum()) if np.isfinite(way).all() else np.inf

    def _from_base(self) -> tuple[FloatArray, FloatArray]:
        base = np.broadcast_to(self.craft.base_m, self.points.shape)
        out, back = self._straight(base, self.points), self._straight(self.points, base)
        blocked = np.flatnonzero(~self.air.is_open(base, self.points))
        tree = self.air.tree(self.craft.base_m)
        for k in blocked.tolist():
            way = self.air.way(tree, self.points[k])
            out[k], back[k] = self.way_s(way), self.way_s(way[::-1])
        return out, back

    def checked(self, pairs: FloatArray | IntArray) -> bool:
        """Replace the times of pairs of ends (n, 2) by those around closed areas; return whether any grew."""
        todo = [(a, b) for a, b in pairs.tolist() if (a, b) not in self._checked]
        if not todo:
            return False
        self._checked.update(todo)
        first, last = np.array(todo, np.int64).T
        blocked = np.flatnonzero(~self.air.is_open(self.points[first], self.points[last]))
        for k in blocked.tolist():
            a, b = todo[k]
            way = self.air.way(self.air.tree(self.points[a]), self.points[b])
            self.between[a, b], self.between[b, a] = self.way_s(way), self.way_s(way[::-1])
            self._checked.add((b, a))
        return blocked.size > 0


def _nearest_first(times: Times) -> IntArray:
    """Return a tour of starting ends: from the base always to the leg whose nearer end is reached soonest."""
    n = len(times.leg_s)
    tour, is_left = np.empty(n, np.int64), np.ones(n, np.bool_)
    reach = times.out_s
    for k in range(n):
        here = int(np.argmin(np.where(np.repeat(is_left, 2), reach, np.inf)))
        tour[k], is_left[here // 2] = here, False
        reach = times.between[here ^ 1]
    return tour


class _Running:
    """Running times along a tour, flown as it is and flown backwards, so that a reversal is judged in a few sums."""

    def __init__(self, tour: IntArray, times: Times) -> None:
        self.tour, self.times = tour, times
        self.own, self.turned = times.leg_s[tour // 2, tour % 2], times.leg_s[tour // 2, 1 - tour % 2]
        on = np.concatenate([[0.0], times.between[tour[:-1] ^ 1, tour[1:]]])
        off = np.concatenate([[0.0], times.between[tour[1:], tour[:-1] ^ 1]])
        self.ahead, self.astern = np.cumsum(self.own + on), np.cumsum(self.turned + off)

    def gains(self, low: IntArray, high: IntArray) -> FloatArray:
        """Return the times won by flying legs ``low`` to ``high`` of the tour the other way round."""
        tour, times = self.tour, self.times
        inner = self.ahead[high] - self.ahead[low] + self.own[low]
        inner -= self.astern[high] - self.astern[low] + self.turned[low]
        is_first, is_last = low == 0, high == tour.size - 1
        before, after = tour[np.maximum(low - 1, 0)] ^ 1, tour[np.minimum(high + 1, tour.size - 1)]
        first, last = tour[low], tour[high] ^ 1
        entry = np.where(
            is_first, times.out_s[first] - times.out_s[last], times.between[before, first] - times.between[before, last]
        )
        leave = np.where(
            is_last, times.back_s[last] - times.back_s[first], times.between[last, after] - times.between[first, after]
        )
        gain: FloatArray = inner + entry + leave
        return gain


def _improved(tour: IntArray, times: Times) -> IntArray:
    """Return the tour after reversals of parts that win time (2-opt on legs with ends), the best at each leg."""
    near = np.argsort(times.between, axis=1, kind="stable")[:, : 2 * N_NEAR] // 2
    for _ in range(ROUNDS):
        is_better = False
        at = np.empty(tour.size, np.int64)
        at[tour // 2] = np.arange(tour.size)
        running = _Running(tour, times)
        for end in range(2 * tour.size):
            i, j = at[end // 2], at[near[end]]
            low = np.concatenate([np.minimum(i, j) + 1, np.minimum(i, j), np.minimum(i, j)])
            high = np.concatenate([np.maximum(i, j), np.maximum(i, j) - 1, np.maximum(i, j)])
            is_part = low <= high
            gain = np.where(is_part, running.gains(np.where(is_part, low, 0), np.where(is_part, high, 0)), 0.0)
            best = int(np.argmax(gain))
            if gain[best] > BETTER_S:
                part = slice(int(low[best]), int(high[best]) + 1)
                tour[part] = tour[part][::-1] ^ 1
                at[tour[part] // 2] = np.arange(part.start, part.stop)
                running, is_better = _Running(tour, times), True
        if not is_better:
            break
    return tour


def used_pairs(tour: IntArray) -> IntArray:
    """Return the pairs of ends (n - 1, 2) between which the drone flies from leg to leg."""
    return np.stack([tour[:-1] ^ 1, tour[1:]], axis=1)


def toured(times: Times) -> IntArray:
    """Return the order of all legs as the ends at which each begins; transits go around closed areas."""
    tour = _nearest_first(times)
    for _ in range(PASSES):
        tour = _improved(tour, times)
        if not times.checked(used_pairs(tour)):
            break
    return tour


def _along(tour: IntArray, times: Times) -> tuple[FloatArray, FloatArray]:
    """Return running times: up to the end of each leg of the tour, and up to its beginning."""
    own = times.leg_s[tour // 2, tour % 2] + times.craft.turn_s
    between = np.concatenate([[0.0], times.between[tour[:-1] ^ 1, tour[1:]]])
    done = np.cumsum(own + between)
    return done, done - own


def sorties(tour: IntArray, times: Times, first: int, limit_s: float) -> tuple[int, list[int], FloatArray]:
    """Return how far along the tour a drone that begins with leg ``first`` comes within ``limit_s``.

    Also where each of its sorties begins, and the least time to have flown up to each leg: the shortest way in a graph
    whose arcs are sorties that the battery allows (Beasley 1983), with a change of battery between two.
    """
    done, begun = _along(tour, times)
    n = tour.size
    least, before = np.full(n + 1, np.inf), np.full(n + 1, -1)
    least[first] = 0.0
    out, back = times.out_s[tour], times.back_s[tour ^ 1]
    reached = first
    for start in range(first, n):
        if not np.isfinite(least[start]):
            break
        air = out[start] + done[start:] - begun[start] + back[start:]
        fits = int(np.argmax(air > times.craft.usable_s)) if (air > times.craft.usable_s).any() else n - start
        total = least[start] + air[:fits] + (times.craft.change_s if start > first else 0.0)
        better = total < least[start + 1 : start + 1 + fits] - BETTER_S
        ends = start + 1 + np.flatnonzero(better)
        least[ends], before[ends] = total[better], start
        if least[start] > limit_s:
            break
    within = np.flatnonzero(least <= limit_s + BETTER_S)
    reached = int(within.max()) if within.size else first
    chain = [reached]
    while chain[-1] > first:
        chain.append(int(before[chain[-1]]))
    return reached, sorted(set(chain) - {reached}), least


def shared_out(tour: IntArray, fleet: list[Times]) -> tuple[list[list[tuple[int, int]]], float]:
    """Return, for each drone, its sorties as parts of the tour, and the time by which all are back.

    The least such time for this tour with the drones in this order, each taking one stretch of it; by halving.  The
    first drone must be able to fly every leg; no shares and infinity where it is not.
    """

    def filled(limit_s: float) -> list[list[tuple[int, int]]] | None:
        at, shares = 0, []
        for times in fleet:
            last, starts, _ = sorties(tour, times, at, limit_s)
            shares.append(list(zip(starts, [*starts[1:], last], strict=True)) if starts else [])
            at = last
        return shares if at == tour.size else None

    high = float(sorties(tour, fleet[0], 0, np.inf)[2][tour.size])
    low, best = 0.0, filled(high)
    if best is None:
        return [], np.inf
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        found = filled(middle)
        low, high, best = (low, middle, found) if found is not None else (middle, high, best)
    return best, high


__all__ = ["Craft", "Times", "shared_out", "sorties", "toured", "used_pairs"]
