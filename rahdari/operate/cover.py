"""The cheapest set of explanations: exact by branch and bound, greedy where a tangle is too large for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_STEPS = 20_000  # of the exact search in one tangle; beyond it greedy, at most 1 + ln(items) times the cheapest


class Candidate(NamedTuple):
    """A possible root: what it explains, and at what cost.

    ``n_silent`` counts alarms it should have raised and did not; ``cost`` is one and what the silences weigh;
    ``prior`` breaks ties, the more usual cause first.  ``links`` and ``node`` are what it fails; ``also`` are items
    that it explains although they need no root of their own.
    """

    kind: str
    name: str
    covers: frozenset[int]
    cost: float
    n_silent: int
    prior: int
    node: int = -1
    links: tuple[int, ...] = ()
    is_inferred: bool = False
    also: frozenset[int] = frozenset()

    @property
    def rank(self) -> tuple[float, int, int]:
        """Return what sets of candidates are compared by, summed."""
        return self.cost, self.n_silent, self.prior


Rank = tuple[float, int, int]


def _sum(ranks: Sequence[Rank]) -> Rank:
    return sum(r[0] for r in ranks), sum(r[1] for r in ranks), sum(r[2] for r in ranks)


def tangles(n_items: int, candidates: Sequence[Candidate]) -> list[tuple[list[int], list[int]]]:
    """Return items and candidates by connected part: what shares a candidate belongs together."""
    parent = list(range(n_items))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for candidate in candidates:
        first, *others = sorted(candidate.covers)
        for other in others:
            a, b = root(first), root(other)
            parent[max(a, b)] = min(a, b)
    found: dict[int, tuple[list[int], list[int]]] = {}
    for c, candidate in enumerate(candidates):
        found.setdefault(root(min(candidate.covers)), ([], []))[1].append(c)
    for i in range(n_items):
        if root(i) in found:
            found[root(i)][0].append(i)
    return [found[key] for key in sorted(found)]


def cheapest(items: Sequence[int], candidates: Sequence[Candidate]) -> tuple[list[Candidate], bool]:
    """Return the cheapest candidates that explain all items, and whether that is proven.

    Sets are compared by cost, then by silences, then by prior, then by the names: the answer hangs on no order.
    """
    first = min(candidates, key=lambda each: (each.rank, each.kind, each.name))
    if first.covers.issuperset(items):
        return [first], True  # any other set holds one that is no better, or more
    ordered = _undominated(sorted(candidates, key=lambda each: (each.rank, each.kind, each.name)))
    by_item: dict[int, list[Candidate]] = {i: [] for i in items}
    for candidate in ordered:
        for i in candidate.covers:
            if i in by_item:
                by_item[i].append(candidate)
    needed = {i for i in items if by_item[i]}
    best = _greedy(needed, ordered)
    search = _Search(by_item, best)
    search.go(frozenset(needed), [])
    return search.best, search.n_steps <= MOST_STEPS


def _undominated(ordered: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates (best rank first) without those that explain no more than a better one does."""
    kept: list[Candidate] = []
    holders: dict[int, list[Candidate]] = {}
    for candidate in ordered:
        rarest = min(candidate.covers, key=lambda i: len(holders.get(i, ())))
        if any(candidate.covers <= other.covers for other in holders.get(rarest, ())):
            continue
        kept.append(candidate)
        for i in candidate.covers:
            holders.setdefault(i, []).append(candidate)
    return kept


def _greedy(needed: set[int], ordered: Sequence[Candidate]) -> list[Candidate]:
    left, chosen = set(needed), []
    pool = list(ordered)
    while left:
        pool = [each for each in pool if not left.isdisjoint(each.covers)]
        pick = min(pool, key=lambda each: (each.cost / len(left & each.covers), each.rank, each.kind, each.name))
        chosen.append(pick)
        left -= pick.covers
    return chosen


class _Search:
    """Branch on the item with fewest explanations; stop where the cost is no better than the best known."""

    def __init__(self, by_item: dict[int, list[Candidate]], best: list[Candidate]) -> None:
        self.by_item = by_item
        self.best = best
        self.least = _sum([each.rank for each in best])
        self.n_steps = 0

    def go(self, left: frozenset[int], chosen: list[Candidate]) -> None:
        self.n_steps += 1
        if self.n_steps > MOST_STEPS:
            return
        rank = _sum([each.rank for each in chosen])
        if not left:
            names = sorted((each.kind, each.name) for each in chosen)
            if (rank, names) < (self.least, sorted((each.kind, each.name) for each in self.best)):
                self.best, self.least = chosen, rank
            return
        # Each further root costs at least one.
        if rank[0] + 1.0 > self.least[0]:
            return
        item = min(left, key=lambda i: (len(self.by_item[i]), i))
        for candidate in self.by_item[item]:
            self.go(left - candidate.covers, [*chosen, candidate])


__all__ = ["MOST_STEPS", "Candidate", "cheapest", "tangles"]
