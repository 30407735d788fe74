"""From roots to outages: each alarm in exactly one, with what has failed now and what ever did."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.operate.cause import Reasoning, Root
from rahdari.operate.evidence import POLL_S, Item, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from rahdari.operate.network import LiveNetwork

    IntArray = NDArray[np.int64]

MIN_SAME_SOFTWARE = 5  # nodes that fail together before their software is blamed
SAME_SOFTWARE_FRAC = 0.9  # of the nodes that fail together run it
CHANCE_FRAC = 1e-3  # least surprise that so many nodes of one kind failed
MOST_EVIDENCE = 20  # alarms named as evidence; more are counted


class OnBattery(NamedTuple):
    """Since when a site has no mains, when its battery told it was low, whether it died and whether mains are back."""

    since_s: float
    low_s: float | None
    is_dead: bool
    is_back: bool


@dataclass(eq=False)
class Outage:
    """A root with its alarms: ``own`` name the root itself, ``symptoms`` follow from it.

    ``now`` and ``ever`` are the nodes and links that have failed; ``without_mains`` are the sites on battery.
    """

    kind: str
    name: str
    items: list[Item]
    now: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    ever: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    without_mains: dict[int, OnBattery] = field(default_factory=dict)
    is_inferred: bool = False
    is_exact: bool = True
    n_silent: int = 0
    rivals: tuple[str, ...] = ()

    def is_own(self, item: Item) -> bool:
        """Return whether an alarm is of the root itself, and so no symptom."""
        if self.kind == "unknown":
            return False
        return item.alarm.resource == self.name or (self.kind == "power" and item.kind in {"mains", "feeder"})

    @property
    def own(self) -> list[Item]:
        """Return the alarms of the root itself."""
        return [item for item in self.items if self.is_own(item)]

    @property
    def symptoms(self) -> list[Item]:
        """Return the alarms that follow from the root."""
        return [item for item in self.items if not self.is_own(item)]

    @property
    def opened_s(self) -> float:
        """Return when it began."""
        return min(item.onset_s for item in self.items)

    @property
    def lasts_from_s(self) -> float:
        """Return when the first of the failures that last began."""
        failures = (item for item in self.items if item.kind in {"link", "node"} or item.is_cut)
        lasting = (item.onset_s for item in failures if item.end_s is None)
        return min(lasting, default=self.opened_s)

    @property
    def incident_id(self) -> str:
        """Return a name that stays while alarms join: of the first alarm and when it began."""
        first = min(self.items, key=lambda item: (item.onset_s, item.key))
        return hashlib.blake2b(f"{first.onset_s!r} {first.key}".encode(), digest_size=8).hexdigest()

    @property
    def confidence(self) -> float:
        """Return the share of the alarms that the root should have raised and did, shared among its rivals."""
        heard = len(self.items) / (len(self.items) + self.n_silent)
        return round(heard / (1 + len(self.rivals)), 3)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return in words what led to the root."""
        told = [f"{item.alarm.resource} {item.alarm.type}" for item in self.items[:MOST_EVIDENCE]]
        if len(self.items) > MOST_EVIDENCE:
            told.append(f"{len(self.items) - MOST_EVIDENCE} more alarms")
        if self.is_inferred:
            told.append("inferred: nothing alarmed at the root itself")
        if self.n_silent:
            told.append(f"{self.n_silent} alarms that it should have raised were not heard")
        return tuple(told)


def _is_active(items: Iterable[Item]) -> bool:
    return any(item.end_s is None for item in items)


class _Builder:
    """One round of turning roots into outages."""

    def __init__(self, network: LiveNetwork, items: Sequence[Item]) -> None:
        self.network = network
        self.items = items
        self.reasoning = Reasoning(network, items)
        self.roots = self.reasoning.roots()
        self.outages = [self._outage(root) for root in self.roots]
        self.onset = np.array([item.onset_s for item in items], np.float64)
        self.end = np.array([np.inf if item.end_s is None else item.end_s for item in items], np.float64)
        self.is_failure = np.array([item.kind in {"link", "node"} or item.is_cut for item in items], np.bool_)
        self.owner = np.full(len(items), -1, np.int64)  # the outage of each item
        self.opened, self.until = np.full(len(self.roots), np.inf), np.full(len(self.roots), -np.inf)
        for k, root in enumerate(self.roots):
            for i in root.items:
                self._put(i, k)

    def _put(self, i: int, outage: int) -> None:
        """Note which outage an item belongs to, and from when to when the outage lasts with it."""
        self.owner[i] = outage
        self.opened[outage] = min(self.opened[outage], self.onset[i])
        self.until[outage] = max(self.until[outage], self.end[i])

    def _own_nodes(self, root: Root) -> set[int]:
        """Return the nodes whose own failure a root is."""
        own = self.reasoning
        if root.kind == "power":
            members = {root.node} if root.node >= 0 else set(self.network.feeder_nodes[root.name])
            return {
                node for node in members if node in own.deaths and not {*own.deaths[node][1]}.isdisjoint(root.items)
            }
        return {root.node} if root.node >= 0 else set()

    def _outage(self, root: Root) -> Outage:
        items = [self.items[i] for i in root.items]
        nodes = self._own_nodes(root)
        links = {item.at for item in items if item.kind == "link"} | set(root.links)
        cut = {item.at for item in items if item.kind == "link" and item.end_s is None}
        if any(item.is_cut and item.end_s is None for item in items):  # links that told for themselves are known better
            cut |= set(root.links) - {item.at for item in items if item.kind == "link"}
        beyond = [item for item in items if item.kind == "node" and item.at not in nodes]
        if root.is_inferred and root.links and all(item.end_s is None for item in beyond):
            cut |= set(root.links)
        dead = {node for node in nodes if self._is_dead(node, items, beyond)}
        if not dead and not cut:
            # What is told unreachable though its root is back stands for itself.
            dead = {item.at for item in beyond if item.end_s is None}
        made = Outage(
            root.kind, root.name, items, (dead, cut), (nodes, links), is_inferred=root.is_inferred,
            is_exact=root.is_exact, n_silent=root.n_silent, rivals=root.rivals,
        )  # fmt: skip
        made.without_mains = self._without_mains(root, nodes)
        return made

    def _is_dead(self, node: int, items: Sequence[Item], beyond: Sequence[Item]) -> bool:
        """Return whether a failed node is still dead: by its own alarms, else by its links, else by all beyond it."""
        own = [item for item in items if item.kind == "node" and item.at == node]
        if own:
            return _is_active(own)
        ends = [item for item in items if item.kind == "link"
                and node in {int(self.network.tail[item.at]), int(self.network.head[item.at])}]  # fmt: skip
        if ends:
            return _is_active(ends)
        return bool(beyond) and all(item.end_s is None for item in beyond)

    def _without_mains(self, root: Root, dead: set[int]) -> dict[int, OnBattery]:
        """Return the sites on battery of a root of power."""
        if root.kind != "power":
            return {}
        own, members = self.reasoning, set(root.items)
        feeder = [self.items[i] for i in members if self.items[i].kind == "feeder"]
        found = {}
        named = {root.node} if root.node >= 0 else set(self.network.feeder_nodes[root.name])
        for node in sorted(named):
            mains = [self.items[i] for i in own.of_node["mains"].get(node, ()) if i in members] + feeder
            low = [self.items[i] for i in own.of_node["battery"].get(node, ()) if i in members]
            if mains:
                since_s = min(item.onset_s for item in mains)
                low_s = min((item.onset_s for item in low), default=None)
                found[node] = OnBattery(since_s, low_s, node in dead, not _is_active(mains))
        return found

    def finish(self) -> list[Outage]:
        """Return the outages with every alarm in one of them."""
        self._take_cut_off()
        self._take_beside(np.flatnonzero(self.owner < 0).tolist())
        for outage in self.outages:
            outage.items.sort(key=lambda item: (item.onset_s, item.key))
        return _same_software(self.network, self.outages)

    def _take_cut_off(self) -> None:
        """Give nodes that links cut off to the root that does it, alone or as the latest of several."""
        left = [i for own in self.reasoning.of_node["node"].values() for i in own if self.owner[i] < 0]
        if not left:
            return
        nodes = np.unique([self.items[i].at for i in left])
        column = {node: k for k, node in enumerate(nodes.tolist())}
        cutting = self._cutting(nodes)
        joint = []
        for i in left:
            near = cutting[column[self.items[i].at]].tolist()
            fitting = [k for k in near if self._fits(self.outages[k], self.items[i])]
            if fitting:
                self._give(i, self._nearest(fitting, i))
            else:
                joint.append(i)
        self._take_joint(joint)

    def _cutting(self, nodes: IntArray) -> list[IntArray]:
        """Return for each node the outages that leave it unreached by themselves."""
        struck = np.array([k for k, outage in enumerate(self.outages) if any(outage.ever)], np.int64)
        network = self.network
        every, one = np.ones((1, network.n_nodes), np.bool_), np.zeros(struck.size, np.int64)
        found = list(network.lost([self.outages[k].ever for k in struck], -1, nodes, every, one))
        state, column = np.concatenate([np.zeros((2, 0), np.int64), *(np.stack(pair) for pair in found)], axis=1)
        order = np.argsort(column, kind="stable")
        return np.split(struck[state[order]], np.searchsorted(column[order], np.arange(1, nodes.size)))

    def _fits(self, outage: Outage, item: Item) -> bool:
        """Return whether an outage lasted when an item began."""
        failures = (each for each in outage.items if each.kind in {"link", "node"} or each.is_cut)
        return any(each.lasts_at(item.onset_s, POLL_S) for each in failures)

    def _fitting(self, i: int) -> IntArray:
        """Return the outages that lasted when an item began, in order."""
        at_s = self.onset[i]
        lasts = (self.onset <= at_s + POLL_S) & (self.end >= at_s - POLL_S)
        return np.unique(self.owner[lasts & self.is_failure & (self.owner >= 0)])

    def _take_joint(self, left: Sequence[int]) -> None:
        """Give nodes that only several roots cut off together to the latest without which they were reached."""
        by_cluster: dict[int, list[int]] = {}
        for i in left:
            by_cluster.setdefault(self.reasoning.cluster_of[i], []).append(i)
        for _, members in sorted(by_cluster.items()):
            fitting = self._fitting(members[0])
            if not fitting.size:
                continue
            nodes = np.unique([self.items[i].at for i in members])
            state, at = self.network.regained([self.outages[k].ever for k in fitting], nodes=nodes)
            needed: dict[int, list[int]] = {}
            for own, node in zip(state.tolist(), nodes[at].tolist(), strict=True):
                needed.setdefault(node, []).append(int(fitting[own]))
            for i in members:
                able = np.array(needed.get(self.items[i].at, fitting), np.int64)
                self._give(i, int(able[self.opened[able].argmax()]))

    def _nearest(self, fitting: Sequence[int], i: int) -> int:
        """Return the outage that began nearest to an item."""
        return min(fitting, key=lambda k: (abs(self.opened[k] - self.onset[i]), k))

    def _give(self, i: int, outage: int) -> None:
        self.outages[outage].items.append(self.items[i])
        self._put(i, outage)

    def _take_beside(self, rest: Sequence[int]) -> None:
        """Give alarms of other kinds to the outage whose things they are on, else each thing its own incident."""
        touched: dict[int, list[int]] = {}
        cut: dict[int, list[int]] = {}
        for k, outage in enumerate(self.outages):
            nodes = {item.at for item in outage.items if item.kind in {"node", "mains", "battery"}} | outage.ever[0]
            for node in nodes:
                touched.setdefault(node, []).append(k)
            for link in outage.ever[1]:
                cut.setdefault(link, []).append(k)
        alone: dict[tuple[str, str], list[int]] = {}
        for i in rest:
            item = self.items[i]
            near = [k for k in self._beside(item, touched, cut) if self._overlaps(k, i)]
            if near:
                self._give(i, self._nearest(near, i))
            else:
                alone.setdefault(self._alone(item), []).append(i)
        onset = [item.onset_s for item in self.items]
        for (kind, name), members in sorted(alone.items()):
            for part in runs(members, onset, POLL_S):
                self.outages.append(Outage(kind, name, [self.items[i] for i in part]))

    def _overlaps(self, outage: int, i: int) -> bool:
        at_s = self.onset[i]
        return bool(self.opened[outage] - POLL_S <= at_s <= self.until[outage] + POLL_S)

    def _beside(self, item: Item, touched: dict[int, list[int]], cut: dict[int, list[int]]) -> list[int]:
        thing = self.network.resolve(item.alarm.resource)
        if item.kind == "session" and thing.kind == "pair":
            links = self.network.links_between(thing.at, thing.end)
            found = [k for link in links for k in cut.get(link, ())]
            return found or [*touched.get(thing.at, ()), *touched.get(thing.end, ())]
        if item.kind == "link":  # a session whose end is cut off
            ends = int(self.network.tail[item.at]), int(self.network.head[item.at])
            return [k for end in ends for k in touched.get(end, ())]
        if thing.kind == "link":
            return cut.get(thing.at, [])
        return touched.get(thing.at, []) if thing.kind in {"node", "pair"} else []

    def _alone(self, item: Item) -> tuple[str, str]:
        """Return kind and name of the incident of alarms that nothing explains."""
        if item.kind == "software":
            return "software", self.network.node_id[item.at]
        return "unknown", item.alarm.resource


def _same_software(network: LiveNetwork, found: list[Outage]) -> list[Outage]:
    """Return outages, with nodes that failed together and run the same software as one, where chance is no answer."""
    share = {name: count / network.n_nodes for name, count in Counter(network.version).items() if name}
    if not share:
        return found
    single = [k for k, outage in enumerate(found) if outage.kind in {"node", "software"}
              and network.version[_node_of(network, outage)]]  # fmt: skip
    merged: dict[int, Outage] = {}
    gone: set[int] = set()
    for part in runs(single, [outage.opened_s for outage in found], POLL_S):
        version, count = Counter(network.version[_node_of(network, found[k])] for k in part).most_common(1)[0]
        is_chance = share[version] ** (count - 1) > CHANCE_FRAC
        if count < MIN_SAME_SOFTWARE or count < SAME_SOFTWARE_FRAC * len(part) or is_chance:
            continue
        own = [k for k in part if network.version[_node_of(network, found[k])] == version]
        one = Outage("software", version, [item for k in own for item in found[k].items])
        one.now = {n for k in own for n in found[k].now[0]}, {n for k in own for n in found[k].now[1]}
        one.ever = {n for k in own for n in found[k].ever[0]}, {n for k in own for n in found[k].ever[1]}
        one.items.sort(key=lambda item: (item.onset_s, item.key))
        merged[own[0]] = one
        gone |= set(own[1:])
    return [merged.get(k, outage) for k, outage in enumerate(found) if k not in gone]


def _node_of(network: LiveNetwork, outage: Outage) -> int:
    return network.node_at.get(outage.name, 0)


def outages(network: LiveNetwork, items: Sequence[Item]) -> list[Outage]:
    """Return the outages that items (in order of onset and key) add up to; every item is in exactly one."""
    return _Builder(network, items).finish() if items else []


__all__ = ["Outage", "outages"]
