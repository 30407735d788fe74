"""What comes next: when batteries of sites without mains run out, and whom that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rahdari.operate.impact import impacts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rahdari.operate.network import LiveNetwork

MOST_STEPS = 12  # of one forecast; deaths closer together than a twelfth of its span are told as one
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


def steps(
    network: LiveNetwork,
    deaths: Mapping[int, float],
    now: tuple[Collection[int], Collection[int]] = ((), ()),
    most: int = MOST_STEPS,
) -> tuple[Step, ...]:
    """Return what is lost step by step when nodes die at the times given, beyond what the state now loses.

    Numbers are of all losses up to the step.
    """
    if not deaths:
        return ()
    order = sorted(deaths.items(), key=lambda pair: (pair[1], pair[0]))
    wide = (order[-1][1] - order[0][1]) / most
    ends: list[tuple[float, int]] = []
    for count, (_, at_s) in enumerate(order, 1):
        if ends and at_s - ends[-1][0] <= wide:
            ends[-1] = (ends[-1][0], count)
        else:
            ends.append((at_s, count))
    dead, cut = now
    found = impacts(network, [now, *(([*dead, *(node for node, _ in order[:count])], cut) for _, count in ends)])
    base = found[0]
    return tuple(
        Step(
            at_s=at_s, what="battery exhausted", n_sites=count, n_customers=lost.customers - base.customers,
            mbps=lost.mbps - base.mbps, sites=tuple(network.node_id[node] for node, _ in order[:count]),
            places=tuple(name for name in lost.places if name not in set(base.places)),
            is_assumed=any(bool(network.is_battery_assumed[node]) for node, _ in order[:count]),
        )
        for (at_s, count), lost in zip(ends, found[1:], strict=True)
    )  # fmt: skip


__all__ = ["LOW_LEFT_FRAC", "Step", "dies_at_s", "steps"]
