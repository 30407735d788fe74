"""What comes next: when batteries of sites without mains run out, and whom that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from rahdari.operate.impact import places_lost

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from rahdari.operate.network import LiveNetwork

MOST_STEPS = 12  # of one forecast; deaths closer together than a twelfth of its span are told as one
MOST_NAMED = 200  # sites and places named in one step; their number is whole
LOW_LEFT_FRAC = 0.2  # of a battery's life is left when it tells that it is low; assumed, as rectifiers are commonly set


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A time to come, and what will be lost by then beyond what is lost now: sites, customers, traffic.

    ``is_assumed`` says that hours of a battery were assumed, not stated.
    """

    at_s: float
    what: str
    n_sites: int
    n_customers: int
    mbps: float = 0.0
    sites: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    is_assumed: bool = False


def dies_at_s(network: LiveNetwork, node: int, mains_s: float, low_s: float | None = None) -> float:
    """Return when a site without mains since ``mains_s`` goes dark: battery, then generator where it has one.

    A battery that tells at ``low_s`` that it is low dies earlier than stated where a fifth of its life runs out before;
    one that told it after its stated end has a fifth of its life so far left.
    """
    stated = mains_s + 3600.0 * float(network.battery_h[node] + network.generator_h[node])
    if low_s is None or low_s < mains_s:
        return stated
    shown = low_s + (low_s - mains_s) * LOW_LEFT_FRAC / (1.0 - LOW_LEFT_FRAC)
    return shown if low_s >= stated else min(stated, shown)


class Question(NamedTuple):
    """When nodes die, and what has failed by now."""

    deaths: Mapping[int, float]
    dead: frozenset[int] = frozenset()
    cut: frozenset[int] = frozenset()


def steps(network: LiveNetwork, asked: Sequence[Question]) -> list[tuple[Step, ...]]:
    """Return for each question what is lost step by step, beyond what is lost by now; all in one search.

    Numbers are of all losses up to the step.
    """
    orders = [sorted(each.deaths.items(), key=lambda pair: (pair[1], pair[0])) for each in asked]
    ends = [_ends(order) for order in orders]
    states: list[tuple[Collection[int], Collection[int]]] = []
    for each, order, own in zip(asked, orders, ends, strict=True):
        states.append((each.dead, each.cut))
        states += [({*each.dead, *(node for node, _ in order[:count])}, each.cut) for _, count in own]
    found = iter(places_lost(network, states) if states else [])
    answers = []
    for order, own in zip(orders, ends, strict=True):
        base = next(found)
        answers.append(tuple(_step(network, order[:count], at_s, base, next(found)) for at_s, count in own))
    return answers


def _ends(order: Sequence[tuple[int, float]]) -> list[tuple[float, int]]:
    """Return when each step begins, and how many nodes have died by its end."""
    wide = (order[-1][1] - order[0][1]) / MOST_STEPS if order else 0.0
    found: list[tuple[float, int]] = []
    for count, (_, at_s) in enumerate(order, 1):
        if found and (at_s - found[-1][0] < wide or at_s == found[-1][0] or len(found) == MOST_STEPS):
            found[-1] = (found[-1][0], count)
        else:
            found.append((at_s, count))
    return found


def _step(
    network: LiveNetwork, dying: Sequence[tuple[int, float]], at_s: float, base: NDArray[np.int64],
    lost: NDArray[np.int64],
) -> Step:  # fmt: skip
    new = np.setdiff1d(lost, base)
    return Step(
        at_s=at_s, what="battery exhausted", n_sites=len(dying), n_customers=int(network.customers[new].sum()),
        mbps=float(network.mbps[new].sum()), sites=tuple(network.node_id[node] for node, _ in dying[:MOST_NAMED]),
        places=tuple(network.place_id[place] for place in new[:MOST_NAMED].tolist()),
        is_assumed=any(bool(network.is_battery_assumed[node]) for node, _ in dying),
    )  # fmt: skip


__all__ = ["LOW_LEFT_FRAC", "Question", "Step", "dies_at_s", "steps"]
