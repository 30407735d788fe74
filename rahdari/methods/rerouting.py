"""Traffic of a core when nothing fails and when one link fails: cheapest ways with room, unstruck traffic stays put.

The plainest restoration there is: each demand takes its cheapest way with room, the largest first, and is split where
the room ends.  What a failed link carried is sent anew in the same manner over the room that is left; nothing else
moves.  A design that may move all traffic can therefore carry more than is shown here, never less.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.survivable import shortest_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

ROOM_FRAC = 1e-6  # of a link's capacity: less room than this is none


@dataclass(frozen=True, slots=True)
class Flow:
    """A part of demand ``demand`` on the links ``link`` in order."""

    demand: int
    link: IntArray
    gbps: float


@dataclass(frozen=True, slots=True)
class Normal:
    """Traffic when nothing fails: (m,) ``load_gbps``, its flows, and (d,) what found no room."""

    load_gbps: FloatArray
    flows: tuple[Flow, ...]
    waiting_gbps: FloatArray


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the failure of one link does.

    ``load_gbps`` (m,) is the load after; ``struck_gbps`` was on the link: ``rerouted_gbps`` of it found another way,
    ``waiting_gbps`` has a way but no room unless other traffic moves, ``cut_off_gbps`` has no way.  ``added_km`` is the
    mean further length of what was rerouted; ``cut_node`` the nodes with demand that lose every way to
    the node with the most traffic.
    """

    load_gbps: FloatArray
    struck_gbps: float
    rerouted_gbps: float
    waiting_gbps: float
    cut_off_gbps: float
    added_km: float
    cut_node: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CoreTraffic:
    """A core of (m,) links ``link_node`` (m, 2) with length and capacity, and its demands, all in identifier order.

    ``demand_node`` is (d, 2); demands and capacities hold for both directions together.  Nodes are 0 to
    ``n_nodes`` - 1.
    """

    n_nodes: int
    link_node: IntArray
    link_km: FloatArray
    capacity_gbps: FloatArray
    demand_node: IntArray
    demand_gbps: FloatArray
    _index: tuple[IntArray, IntArray, IntArray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the list of links at each node."""
        ends, m = self.link_node, self.link_km.size
        node, other = np.concatenate([ends[:, 0], ends[:, 1]]), np.concatenate([ends[:, 1], ends[:, 0]])
        link = np.tile(np.arange(m, dtype=np.int64), 2)
        order = np.lexsort((link, node))
        start = np.searchsorted(node[order], np.arange(self.n_nodes + 1)).astype(np.int64)
        object.__setattr__(self, "_index", (start, other[order].astype(np.int64), link[order]))

    def way(self, a: int, b: int, is_closed: BoolArray) -> IntArray | None:
        """Return the links of the shortest way from ``a`` to ``b`` over open links, or ``None``."""
        n = self.n_nodes
        distance, key = np.empty(n), np.empty(n)
        from_link, from_node, item, place = (np.empty(n, np.int64) for _ in range(4))
        is_target = np.zeros(n, np.bool_)
        is_target[b] = True
        shortest_tree(
            *self._index, self.link_km, is_closed, a, is_target, 1, distance, from_link, from_node, key, item, place
        )
        if not np.isfinite(distance[b]):
            return None
        links, node = [], b
        while node != a:
            links.append(int(from_link[node]))
            node = int(from_node[node])
        return np.array(links[::-1], np.int64)

    def carry(self, demand: int, gbps: float, room_gbps: FloatArray, is_closed: BoolArray) -> tuple[list[Flow], float]:
        """Take room for a demand, the shortest ways first; return its flows and what found none."""
        flows = []
        a, b = self.demand_node[demand].tolist()
        least = ROOM_FRAC * self.capacity_gbps
        while gbps > ROOM_FRAC * self.demand_gbps[demand]:
            links = self.way(a, b, is_closed | (room_gbps <= least))
            if links is None or not links.size:
                break
            sent = min(gbps, float(room_gbps[links].min()))
            room_gbps[links] -= sent
            gbps -= sent
            flows.append(Flow(demand, links, sent))
        return flows, gbps if gbps > ROOM_FRAC * self.demand_gbps[demand] else 0.0

    def normal(self) -> Normal:
        """Return the traffic when nothing fails."""
        room = self.capacity_gbps.copy()
        is_closed = np.zeros(room.size, np.bool_)
        flows: list[Flow] = []
        waiting = np.zeros(self.demand_gbps.size)
        for demand in np.lexsort((np.arange(waiting.size), -self.demand_gbps)).tolist():
            found, waiting[demand] = self.carry(demand, float(self.demand_gbps[demand]), room, is_closed)
            flows += found
        return Normal(self.capacity_gbps - room, tuple(flows), waiting)

    def failed(self, link: int, normal: Normal) -> Outcome:
        """Return what follows when ``link`` fails in the state ``normal``."""
        room = self.capacity_gbps - normal.load_gbps
        is_closed = np.zeros(room.size, np.bool_)
        is_closed[link] = True
        struck = np.zeros(self.demand_gbps.size)
        before_km = np.zeros(struck.size)
        for flow in normal.flows:
            if (flow.link == link).any():
                room[flow.link] += flow.gbps
                struck[flow.demand] += flow.gbps
                before_km[flow.demand] += flow.gbps * self.link_km[flow.link].sum()
        room[link] = 0.0
        moved = waiting = cut_off = gbps_km = 0.0
        hit = np.flatnonzero(struck > 0.0)
        for demand in hit[np.lexsort((hit, -struck[hit]))].tolist():
            a, b = self.demand_node[demand].tolist()
            if self.way(a, b, is_closed) is None:
                cut_off += struck[demand]
                continue
            flows, short = self.carry(demand, float(struck[demand]), room, is_closed)
            moved += struck[demand] - short
            waiting += short
            mean_km = before_km[demand] / struck[demand]
            gbps_km += sum(flow.gbps * (self.link_km[flow.link].sum() - mean_km) for flow in flows)
        load = self.capacity_gbps - room
        load[link] = 0.0
        return Outcome(
            load, float(struck.sum()), float(moved), float(waiting), float(cut_off),
            float(gbps_km / moved) if moved > 0.0 else 0.0, self._cut_nodes(is_closed) if cut_off > 0.0 else (),
        )  # fmt: skip

    def _cut_nodes(self, is_closed: BoolArray) -> tuple[int, ...]:
        """Return the nodes with demand that have no open way to the one with the most traffic."""
        whole = np.zeros(self.n_nodes)
        np.add.at(whole, self.demand_node.ravel(), np.repeat(self.demand_gbps, 2))
        main = int(np.argmax(whole))
        own = np.flatnonzero(whole > 0.0).tolist()
        return tuple(node for node in own if node != main and self.way(main, node, is_closed) is None)
