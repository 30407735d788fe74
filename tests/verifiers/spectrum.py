"""Re-check a spectrum plan and its bound from the input alone; shares no code with the method."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from rahdari.methods.spectrum import SpectrumPlan


def spectrum_problems(
    link_node: np.ndarray, demand_node: np.ndarray, width: np.ndarray, plan: SpectrumPlan
) -> list[str]:
    """Say what is wrong: broken routes, slots taken twice, a count that is not the top, a bound above it."""
    wrong = []
    holder: dict[tuple[int, int], int] = {}
    top = 0
    for number, (ends, slots) in enumerate(zip(demand_node.tolist(), width.tolist(), strict=True)):
        node = ends[0]
        for link in plan.route[number].tolist():
            pair = link_node[link].tolist()
            if node not in pair:
                wrong.append(f"demand {number} jumps at link {link}")
            node = pair[1] if node == pair[0] else pair[0]
        if node != ends[1]:
            wrong.append(f"demand {number} ends at {node}")
        first = int(plan.first_slot[number])
        if first < 0:
            wrong.append(f"demand {number} lies below the band")
        top = max(top, first + slots)
        for link, slot in itertools.product(plan.route[number].tolist(), range(first, first + slots)):
            if (link, slot) in holder:
                wrong.append(f"demands {holder[link, slot]} and {number} share slot {slot} of link {link}")
            holder[link, slot] = number
    if top != plan.n_slots_used:
        wrong.append(f"{top} slots are used, {plan.n_slots_used} stated")
    if plan.certificate.lower_bound is None or plan.certificate.lower_bound > plan.n_slots_used:
        wrong.append("the bound lies above the cost")
    return wrong


def least_slots(routes: list[list[list[int]]], width: list[int], limit: int) -> int:
    """Return the least slots by trying every route and every start; for a handful of demands."""
    starts = [range(limit - slots + 1) for slots in width]
    best = limit + 1
    for choice in itertools.product(*routes):
        meets = [(a, b) for a, b in itertools.combinations(range(len(width)), 2) if set(choice[a]) & set(choice[b])]
        for first in itertools.product(*starts):
            top = max(start + slots for start, slots in zip(first, width, strict=True))
            if top < best and all(first[a] + width[a] <= first[b] or first[b] + width[b] <= first[a] for a, b in meets):
                best = top
    return best
