"""Play the failure of one link of the national core: what is rerouted, which links fill, what is cut off."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.methods.rerouting import CoreTraffic
from rahdari.methods.ways import round_trip_ms
from rahdari.model.params import Params

if TYPE_CHECKING:
    import polars as pl

    from rahdari.methods.rerouting import Normal
    from rahdari.store.query import PlanReader

CAPACITY, DEMANDS = "backbone_capacity", "backbone_demands"
FULL_FRAC = 0.95  # of its capacity: a link that carries more has no room worth naming
CHANGED_FRAC = 0.005  # of its capacity: what a reader of a map can see


class LinkLoad(Params):
    """Traffic on one link of the core before and after a failure."""

    link_id: str
    capacity_gbps: float
    before_gbps: float
    after_gbps: float


class FailureResponse(Params):
    """What the failure of one link does; amounts are busy-hour traffic in both directions together."""

    link_id: str
    name: str
    struck_gbps: float
    rerouted_gbps: float
    waiting_gbps: float
    cut_off_gbps: float
    demand_gbps: float
    added_km: float
    added_rtt_ms: float
    n_changed: int
    n_filled: int
    cut_cities: list[str]
    fidelity: str
    links: list[LinkLoad]


@dataclass(frozen=True, slots=True)
class FailureMeans:
    """Single failures of all links together: shares of the core's traffic, mean over kilometres of fibre."""

    n_links: int
    struck_frac: float
    rerouted_frac: float
    waiting_frac: float
    cut_off_frac: float


@dataclass(frozen=True)
class CoreFailures:
    """The core of one plan, ready to play failures of single links.

    Answers one link at a time: no result ranks links.
    """

    capacity: pl.DataFrame
    demands: pl.DataFrame
    fidelity: str = ""

    @classmethod
    def of(cls, reader: PlanReader) -> CoreFailures | None:
        """Return the core of a plan; ``None`` where the plan has none."""
        if not {CAPACITY, DEMANDS} <= set(reader.names):
            return None
        capacity, demands = reader.table(CAPACITY).sort("link_id"), reader.table(DEMANDS).sort("demand_id")
        if not (capacity.height and demands.height):
            return None
        writer = reader.manifest["tables"][CAPACITY].get("writer", "")
        engines = {engine["name"]: engine.get("fidelity", "") for engine in reader.manifest.get("engines", [])}
        return cls(capacity, demands, engines.get(writer, ""))

    @cached_property
    def nodes(self) -> list[str]:
        """Return the nodes at the ends of links and demands, in order."""
        frames = (self.capacity, self.demands)
        return sorted({node for frame in frames for end in ("from", "to") for node in frame[f"{end}_node_id"]})

    @cached_property
    def traffic(self) -> CoreTraffic:
        """Return the core as arrays."""
        number = {node: place for place, node in enumerate(self.nodes)}
        ends = [
            np.array([[number[a], number[b]] for a, b in frame.select("from_node_id", "to_node_id").iter_rows()])
            for frame in (self.capacity, self.demands)
        ]
        amounts = (self.capacity["fibre_km"], self.capacity["total_gbps"], self.demands["demand_gbps"])
        km, capacity, demand = (column.to_numpy().astype(np.float64) for column in amounts)
        return CoreTraffic(len(self.nodes), ends[0].astype(np.int64), km, capacity, ends[1].astype(np.int64), demand)

    @cached_property
    def normal(self) -> Normal:
        """Return the traffic when nothing fails."""
        return self.traffic.normal()

    @cached_property
    def city(self) -> dict[str, str]:
        """Return the names of cities by node."""
        named = [
            pair for end in ("from", "to") for pair in self.demands.select(f"{end}_node_id", f"{end}_name").iter_rows()
        ]
        return {node: name for node, name in named if name}

    def play(self, link_id: str) -> FailureResponse:
        """Return what the failure of a link does; an unknown link raises :class:`InputError`."""
        places = np.flatnonzero((self.capacity["link_id"] == link_id).to_numpy())
        if not places.size:
            raise InputError(Problem(f"the core has no link '{link_id}'", f"take a link_id of {CAPACITY}"))
        link = int(places[0])
        outcome = self.traffic.failed(link, self.normal)
        before, after, capacity = self.normal.load_gbps, outcome.load_gbps, self.traffic.capacity_gbps
        others = np.arange(capacity.size) != link
        is_changed = others & (np.abs(after - before) > CHANGED_FRAC * capacity)
        is_filled = is_changed & (after > FULL_FRAC * capacity) & (before <= FULL_FRAC * capacity)
        ids = self.capacity["link_id"].to_list()
        return FailureResponse(
            link_id=link_id, name=self.name(link), struck_gbps=outcome.struck_gbps,
            rerouted_gbps=outcome.rerouted_gbps, waiting_gbps=outcome.waiting_gbps, cut_off_gbps=outcome.cut_off_gbps,
            demand_gbps=float(self.traffic.demand_gbps.sum()), added_km=outcome.added_km,
            added_rtt_ms=round_trip_ms(outcome.added_km), n_changed=int(is_changed.sum()),
            n_filled=int(is_filled.sum()), fidelity=self.fidelity,
            cut_cities=sorted(self.city.get(self.nodes[node], self.nodes[node]) for node in outcome.cut_node),
            links=[
                LinkLoad(link_id=each, capacity_gbps=own, before_gbps=then, after_gbps=now)
                for each, own, then, now in zip(ids, capacity.tolist(), before.tolist(), after.tolist(), strict=True)
            ],
        )  # fmt: skip

    def means(self) -> FailureMeans:
        """Return all single failures together: an aggregate in which no link can be told from another."""
        traffic = self.traffic
        weight = traffic.link_km / traffic.link_km.sum()
        played = [traffic.failed(link, self.normal) for link in range(weight.size)]
        parts = np.array(
            [[each.struck_gbps, each.rerouted_gbps, each.waiting_gbps, each.cut_off_gbps] for each in played]
        )
        return FailureMeans(weight.size, *(weight @ parts / traffic.demand_gbps.sum()).tolist())

    def name(self, link: int) -> str:
        """Return the ends of a link in words: a city, or the city nearest to a junction along the core."""
        return " - ".join(self._end_name(node) for node in self.traffic.link_node[link].tolist())

    def _end_name(self, node: int) -> str:
        if self.nodes[node] in self.city:
            return self.city[self.nodes[node]]
        is_closed = np.zeros(self.traffic.link_km.size, np.bool_)
        ways = {
            name: self.traffic.way(node, place, is_closed)
            for place, name in ((self.nodes.index(key), name) for key, name in sorted(self.city.items()))
        }
        km = {name: float(self.traffic.link_km[way].sum()) for name, way in ways.items() if way is not None}
        return f"near {min(km, key=lambda name: (km[name], name))}" if km else "junction"
