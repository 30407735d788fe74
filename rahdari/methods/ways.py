"""Legs of fibre between named hubs, and the shortest way of each family of legs between two hubs.

A family is a set of legs that makes one way of going, such as "by sea round the south"; legs of the family
``any`` serve all of them.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rahdari.units import FIBRE_DELAY_MS_PER_KM

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ANY = "any"


@dataclass(frozen=True, slots=True)
class Leg:
    """Fibre between two hubs with its length, km, and the families of ways it belongs to."""

    leg_id: str
    from_hub: str
    to_hub: str
    length_km: float
    families: frozenset[str]

    def serves(self, family: str) -> bool:
        """Return whether ways of a family may use the leg."""
        return family in self.families or ANY in self.families


def round_trip_ms(path_km: float) -> float:
    """Return the round trip of light through fibre of the given length: a floor without equipment or queues.

    Group index 1.468 of ITU-T G.652 fibre: 4.897 microseconds a kilometre, as GNPy has it.

    >>> round(round_trip_ms(1000.0), 2)
    9.79
    """
    return 2.0 * path_km * FIBRE_DELAY_MS_PER_KM


def shortest_way(legs: Sequence[Leg], ends: tuple[str, str]) -> tuple[int, ...] | None:
    """Return the numbers of the legs of the shortest way between two hubs, in order; ``None`` where there is none.

    Legs go both ways.  Equal lengths go to the way whose leg identifiers come first, so order does not matter.

    >>> legs = [Leg("ab", "a", "b", 2.0, frozenset({ANY})), Leg("bc", "c", "b", 2.0, frozenset({ANY}))]
    >>> shortest_way(legs, ("a", "c"))
    (0, 1)
    """
    near: dict[str, list[int]] = {}
    for number, leg in enumerate(legs):
        near.setdefault(leg.from_hub, []).append(number)
        near.setdefault(leg.to_hub, []).append(number)
    heap: list[tuple[float, tuple[str, ...], str, tuple[int, ...]]] = [(0.0, (), ends[0], ())]
    done: set[str] = set()
    while heap:
        length_km, names, hub, way = heapq.heappop(heap)
        if hub == ends[1]:
            return way
        if hub in done:
            continue
        done.add(hub)
        for number in near.get(hub, ()):
            leg = legs[number]
            other = leg.to_hub if leg.from_hub == hub else leg.from_hub
            if other not in done:
                step = (length_km + leg.length_km, (*names, leg.leg_id), other, (*way, number))
                heapq.heappush(heap, step)
    return None


def family_way(legs: Sequence[Leg], family: str, ends: tuple[str, str]) -> tuple[int, ...] | None:
    """Return the shortest way on legs that serve a family, by numbers in ``legs``.

    ``None`` where there is no way, or where the shortest one needs no leg of the family's own: it is then no way
    of that family.
    """
    kept = [number for number, leg in enumerate(legs) if leg.serves(family)]
    found = shortest_way([legs[number] for number in kept], ends)
    if not found:
        return None
    way = tuple(kept[number] for number in found)
    return way if any(family in legs[number].families for number in way) else None


def hubs_along(legs: Sequence[Leg], way: Iterable[int], start: str) -> list[str]:
    """Return the hubs that a way passes, ends included."""
    hubs = [start]
    for number in way:
        leg = legs[number]
        hubs.append(leg.to_hub if leg.from_hub == hubs[-1] else leg.from_hub)
    return hubs
