"""What to do about an incident: the page to follow, the work it makes for dispatch, ways round a cut link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from rahdari.methods.ways import round_trip_ms
from rahdari.operate.dispatch import Job, Site
from rahdari.operate.sla import rule_data
from rahdari.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rahdari.methods.rerouting import CoreTraffic, Normal

RUNBOOKS = "runbooks.md"
UNKNOWN = "unknown"
Spot = tuple[float, float]


class RootLike(Protocol):
    """Where an incident goes back to."""

    @property
    def object(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102


class StepLike(Protocol):
    """A step of a forecast: by ``at_s`` so many customers are lost in all, with these sites."""

    @property
    def at_s(self) -> float: ...  # noqa: D102
    @property
    def n_customers(self) -> int: ...  # noqa: D102
    @property
    def sites(self) -> tuple[str, ...]: ...  # noqa: D102


class IncidentLike(Protocol):
    """What work needs of an incident."""

    @property
    def incident_id(self) -> str: ...  # noqa: D102
    @property
    def root(self) -> RootLike: ...  # noqa: D102
    @property
    def customers_without_service(self) -> int: ...  # noqa: D102
    @property
    def forecast(self) -> Sequence[StepLike]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Detour:
    """A way round a cut link: its links, length, what is left on its fullest link, and the round trip it adds."""

    links: tuple[int, ...]
    fibre_km: float
    free_gbps: float
    added_rtt_ms: float


def runbook(kind: str) -> str:
    """Return the page and heading to follow for a kind of root.

    >>> runbook("duct")
    'runbooks.md#fibre-cut'
    """
    work = rule_data("work")
    return f"{RUNBOOKS}#{work.get(kind, work[UNKNOWN])['runbook']}"


def job_of(incident: IncidentLike, where: Callable[[str], Spot | None], opens_s: int = 0) -> Job | None:
    """Return the work that an incident makes; ``None`` where nobody knows where its root is.

    Each site of the forecast is a site that a generator can relieve; what a step adds is shared evenly by the sites it
    adds.  Sites without a place are left out, so that nobody is sent for them.
    """
    spot = where(incident.root.object)
    if spot is None:
        return None
    work = rule_data("work")
    hours = float(work.get(incident.root.kind, work[UNKNOWN])["repair_h"])
    sites: list[Site] = []
    seen: set[str] = set()
    before = 0
    for step in sorted(incident.forecast, key=lambda each: each.at_s):
        new = sorted(set(step.sites) - seen)
        seen |= set(new)
        added, before = max(0, step.n_customers - before), max(before, step.n_customers)
        for place, name in enumerate(new):
            at = where(name)
            if at is not None:
                share = added // len(new) + (place < added % len(new))
                sites.append(Site(name, *at, int(step.at_s), share))
    repair_s = int(hours * SECONDS_PER_HOUR)
    customers = incident.customers_without_service
    return Job(incident.incident_id, incident.root.kind, *spot, customers, repair_s, tuple(sites), opens_s)


def detours(traffic: CoreTraffic, normal: Normal, link: int, n_most: int = 3) -> list[Detour]:
    """Return ways round a cut link, the shortest first, each with the capacity that is still free on all its links.

    After each way its fullest link is closed, so that the next one adds room.
    """
    is_closed = np.zeros(traffic.link_km.size, np.bool_)
    is_closed[link] = True
    room = traffic.capacity_gbps - normal.load_gbps
    a, b = (int(node) for node in traffic.link_node[link])
    found: list[Detour] = []
    while len(found) < n_most:
        way = traffic.way(a, b, is_closed)
        if way is None or not way.size:
            break
        km = float(traffic.link_km[way].sum())
        added_ms = round_trip_ms(km - float(traffic.link_km[link]))
        found.append(Detour(tuple(way.tolist()), km, max(0.0, float(room[way].min())), added_ms))
        is_closed[way[np.argmin(room[way])]] = True
    return found
