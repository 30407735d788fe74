"""Why: the fewest roots that explain every alarm and contradict least of what stayed silent.

The rule.  A root costs one; an alarm that it or its neighbours should have raised and that nobody heard costs one more.
Where nothing alarmed at a root itself, at least half of what it alone would cut off must have told, and the silence of
the rest costs at most half of what it explains.  The cheapest set of roots that explains all alarms is chosen, exactly
wherever the search ends in time; among equals the one with fewer silences, then by kind: power, duct, link, node,
inferred.  Nodes that links already down cut off need no root: they are symptoms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rahdari.operate.cover import Candidate, cheapest, tangles
from rahdari.operate.evidence import POLL_S, TOGETHER_S, Item, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from rahdari.operate.network import LiveNetwork

POWER, DUCT, LINK, NODE, INFERRED, INFERRED_LINK = range(6)  # priors
AGED_FRAC = 0.5  # a battery is blamed for a death after half of its hours, or once it told that it is low
MOST_OF_FEEDER = 0.5
N_ABOVE = 6  # steps towards a gateway in which a silent root is looked for
SILENCE_SHARE = 0.5
MOST_CLUSTERS = 256  # states of the network that alarms are read against
MOST_LANES = 1024  # silent roots tried, those with most to explain first
MOST_PRUNED = 32  # silent nodes that are weighed against each other one by one
LANES = 512  # states looked at together
ENOUGH = 2  # things that fail together before what they share is suspected


@dataclass(frozen=True, eq=False)
class Root:
    """A root and the items it explains; ``rivals`` would explain as much at the same cost."""

    kind: str
    name: str
    items: tuple[int, ...]
    node: int = -1
    links: tuple[int, ...] = ()
    is_inferred: bool = False
    is_exact: bool = True
    n_silent: int = 0
    rivals: tuple[str, ...] = ()


class Reasoning:
    """One reading of all items; :meth:`roots` is the answer, everything else its steps."""

    def __init__(self, network: LiveNetwork, items: Sequence[Item]) -> None:
        """Take items in order of onset and key."""
        self.network = network
        self.items = items
        self.onset = [item.onset_s for item in items]
        self.of_link: dict[int, list[int]] = {}
        self.of_node: dict[str, dict[int, list[int]]] = {
            kind: {} for kind in ("node", "mains", "battery", "software", "feeder")
        }
        for i, item in enumerate(items):
            if item.kind == "link":
                self.of_link.setdefault(item.at, []).append(i)
            elif item.kind in self.of_node:
                self.of_node[item.kind].setdefault(item.at, []).append(i)
        self.cuts = [i for i, item in enumerate(items) if item.is_cut]

    @cached_property
    def clusters(self) -> list[list[int]]:
        """Return items parted where nothing began for longer than a poll; longer still where there are too many."""
        gap_s = POLL_S
        while len(found := runs(range(len(self.items)), self.onset, gap_s)) > MOST_CLUSTERS:
            gap_s *= 2.0
        return found

    @cached_property
    def cluster_of(self) -> list[int]:
        """Return the cluster of each item."""
        number = [0] * len(self.items)
        for c, members in enumerate(self.clusters):
            for i in members:
                number[i] = c
        return number

    @cached_property
    def _links_down(self) -> list[NDArray[np.int64]]:
        """Return for each cluster the links told down while its items began, those of ducts told cut among them."""
        pairs = [(i, link) for link, own in self.of_link.items() for i in own]
        pairs += [(i, link) for i in self.cuts for link in self.network.groups[self.items[i].at].links]
        told, link = np.array(pairs, np.int64).reshape(-1, 2).T
        onset = np.array(self.onset, np.float64)
        end = np.array([np.inf if (until := self.items[i].end_s) is None else until for i in told.tolist()], np.float64)
        found = []
        for members in self.clusters:
            low, high = onset[members[0]], onset[members[-1]]
            found.append(np.unique(link[(onset[told] <= high + POLL_S) & (end >= low - TOGETHER_S)]))
        return found

    def links_down(self, cluster: int) -> NDArray[np.int64]:
        """Return the links told down while the items of a cluster began, in order."""
        return self._links_down[cluster]

    @cached_property
    def reached(self) -> NDArray[np.bool_]:
        """Return (clusters, n) nodes that reach a gateway without the links told down."""
        return self.network.reached([((), self.links_down(c)) for c in range(len(self.clusters))])

    @cached_property
    def _ever_reached(self) -> NDArray[np.bool_]:
        return np.asarray(self.reached.any(axis=0))

    def is_cut_off(self, i: int) -> bool:
        """Return whether links told down explain that the node of an item is not reached."""
        return not self.reached[self.cluster_of[i], self.items[i].at]

    @cached_property
    def is_excused(self) -> set[int]:
        """Return sessions over links whose far end is cut off anyway, and so prove nothing of the link."""
        weak = [(link, own) for link, own in self.of_link.items() if all(self.items[i].is_weak for i in own)]
        down = self._links_down
        tried = [(link, i, (of := down[self.cluster_of[i]])[of != link]) for link, own in weak for i in own]
        found = set()
        for low in range(0, len(tried), LANES):
            some = tried[low : low + LANES]
            lanes = self.network.reached([((), down) for _, _, down in some])
            ends = [(int(self.network.tail[link]), int(self.network.head[link])) for link, _, _ in some]
            found |= {i for (_, i, _), row, (a, b) in zip(some, lanes, ends, strict=True) if not (row[a] and row[b])}
        return found

    @cached_property
    def unexplained(self) -> list[int]:
        """Return items of nodes told unreachable although nothing told down cuts them off."""
        return [i for own in self.of_node["node"].values() for i in own if not self.is_cut_off(i)]

    @cached_property
    def must(self) -> set[int]:
        """Return the items that need a root."""
        links = {i for own in self.of_link.values() for i in own} - self.is_excused
        power = {i for kind in ("mains", "battery", "feeder") for own in self.of_node[kind].values() for i in own}
        blown = {i for i, item in enumerate(self.items) if item.kind == "group"}
        return links | power | blown | set(self.unexplained)

    def _candidate(
        self, kind: str, name: str, items: Iterable[int], silent: int, prior: int, *, cap: float | None = None,
        node: int = -1, links: Iterable[int] = (), is_inferred: bool = False, also: Iterable[int] = (),
    ) -> Candidate | None:  # fmt: skip
        covers = frozenset(items) & self.must
        if not covers:
            return None
        cost = 1.0 + (silent if cap is None else cap)
        extra = (frozenset(also) | frozenset(items)) - covers
        return Candidate(kind, name, covers, cost, silent, prior, node, tuple(sorted(links)), is_inferred, extra)

    def _episodes(self, link: int) -> list[list[int]]:
        """Return the items of a link by outage: those that overlap or follow closely are one."""
        found: list[list[int]] = []
        end = -np.inf
        for i in sorted(self.of_link.get(link, ()), key=lambda each: (self.onset[each], each)):
            if i in self.is_excused:
                continue
            if found and self.onset[i] <= end + TOGETHER_S:
                found[-1].append(i)
            else:
                found.append([i])
                end = -np.inf
            until = self.items[i].end_s
            end = max(end, np.inf if until is None else until)
        return found

    @cached_property
    def episodes(self) -> dict[int, list[list[int]]]:
        """Return the outages of each link told down."""
        return {link: found for link in sorted(self.of_link) if (found := self._episodes(link))}

    def _silent_links(self, links: Iterable[int], told: set[int], cluster: int, but: int = -1) -> int:
        """Return how many links would have been told down by an end that is up and reached, and were not."""
        count = 0
        for link in links:
            if link in told:
                continue
            ends = {int(self.network.tail[link]), int(self.network.head[link])} - {but}
            count += any(self.reached[cluster, end] and not self._is_told(end, cluster) for end in ends)
        return count

    def _is_told(self, node: int, cluster: int) -> bool:
        """Return whether a node was told unreachable about then."""
        at_s = self.onset[self.clusters[cluster][0]]
        return any(
            self.cluster_of[i] == cluster or self.items[i].lasts_at(at_s, POLL_S)
            for i in self.of_node["node"].get(node, ())
        )

    def of_links(self) -> list[Candidate | None]:
        """Return each outage of a link as its own root."""
        return [
            self._candidate("link", self.network.link_id[link], own, 0, LINK, links=[link])
            for link, episodes in self.episodes.items()
            for own in episodes
        ]

    def _together(self, links: Iterable[int]) -> list[list[int]]:
        """Return outages of links, parted where they began more than half a minute apart: lists of items."""
        first = {own[0]: own for link in links for own in self.episodes.get(link, ())}
        return [[i for head in run for i in first[head]] for run in runs(list(first), self.onset, TOGETHER_S)]

    def of_groups(self) -> list[Candidate | None]:
        """Return ducts and other groups of which two or more links went down together, or that were told of."""
        found: list[Candidate | None] = []
        told = {item.at: i for i, item in enumerate(self.items) if item.kind == "group"}
        for g in sorted({*told, *(g for link in self.episodes for g in self.network.groups_of_link[link])}):
            group = self.network.groups[g]
            for part in self._together(group.links) or [[]]:
                links = {self.items[i].at for i in part}
                is_named = g in told and (not part or abs(self.onset[told[g]] - self.onset[part[0]]) <= POLL_S)
                own = [*part, told[g]] if is_named else part
                if len(links) < ENOUGH and not is_named:
                    continue
                silent = 0 if is_named else self._silent_links(group.links, links, self.cluster_of[own[0]])
                links |= {*group.links} if is_named and self.items[told[g]].is_cut else set()
                found.append(self._candidate(group.kind, group.name, own, silent, DUCT, links=links))
        return found

    def _node_items(self, node: int, at_s: float) -> list[int]:
        return [i for i in self.of_node["node"].get(node, ()) if abs(self.onset[i] - at_s) <= POLL_S]

    def _is_speaking(self, node: int, part: Sequence[int]) -> bool:
        """Return whether a node itself told of links going down, and so was alive."""
        return any(self.items[i].end == node and not self.items[i].is_weak for i in part)

    def of_nodes(self) -> list[Candidate | None]:
        """Return nodes of which two or more links went down together, and those that nothing cuts off."""
        found: list[Candidate | None] = []
        nodes = {int(end[link]) for link in self.episodes for end in (self.network.tail, self.network.head)}
        for node in sorted(nodes):
            links = self.network.links_of(node)
            for part in self._together(links):
                told = {self.items[i].at for i in part}
                own = self._node_items(node, self.onset[part[0]])
                if len(told) < ENOUGH or self._is_speaking(node, part):
                    continue
                cluster = self.cluster_of[part[0]]
                # A node that these links cut off would be silent as well: its silence speaks for neither.
                silent = self._silent_links(links, told, cluster, node) + int(not own and self.reached[cluster, node])
                found.append(
                    self._candidate("node", self.network.node_id[node], [*part, *own], silent, NODE, node=node)
                )
        return found + self._silent_nodes()

    @cached_property
    def _above(self) -> NDArray[np.int64]:
        """Return the next node of each towards its nearest gateway, -1 at gateways."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import breadth_first_order

        network, n = self.network, self.network.n_nodes
        tail = np.concatenate([network.tail, np.full(network.gateways.size, n)])
        head = np.concatenate([network.head, network.gateways])
        matrix = csr_array((np.ones(tail.size, np.int8), (tail, head)), (n + 1, n + 1))
        before = breadth_first_order(matrix, n, directed=False)[1][:n].astype(np.int64)
        return np.where((before == n) | (before < 0), -1, before)

    def _silent_places(self) -> dict[tuple[int, int], list[int]]:
        """Return nodes that may be silent roots, by cluster, with the unexplained items at or below them."""
        below: dict[tuple[int, int], list[int]] = {}
        for i in self.unexplained:
            node, cluster = self.items[i].at, self.cluster_of[i]
            below.setdefault((cluster, node), []).append(i)
            for _ in range(N_ABOVE):
                node = int(self._above[node])
                if node < 0:
                    break
                below.setdefault((cluster, node), []).append(i)
        own = {(self.cluster_of[i], self.items[i].at) for i in self.unexplained}
        return {key: members for key, members in sorted(below.items()) if key in own or len(members) > 1}

    @cached_property
    def _dominated(self) -> dict[tuple[int, int, int], tuple[list[int], int, int]]:
        """Return by cluster, node and link (-1: the node itself) what its failure alone cuts off of the unexplained.

        With it the number of nodes cut off that nobody told of, and of links that neighbours should have told of.
        """
        tried = [
            (cluster, node, link)
            for (cluster, node), _ in sorted(self._silent_places().items(), key=lambda pair: (-len(pair[1]), pair[0]))
            for link in (-1, *self.network.links_between(node, int(self._above[node]))[:1])
        ][:MOST_LANES]
        found = {}
        which = np.array([cluster for cluster, _, _ in tried], np.int64)
        for low in range(0, len(tried), LANES):
            some = tried[low : low + LANES]
            states = [self._fails(*each) for each in some]
            for lane, lost in self.network.lost_by_state(states, self.reached, which[low : low + LANES]):
                cluster, node, link = some[lane]
                covered = self._told_lost(cluster, lost)
                unheard = self._unheard(cluster, node, lost) if link < 0 else 1
                is_told = link < 0 and any(self.items[i].at == node for i in covered)
                if covered and (is_told or len(covered) >= SILENCE_SHARE * lost.size):
                    silent = int(lost.size - np.count_nonzero(self._is_node_told[cluster, lost]))
                    found[cluster, node, link] = (covered, silent, unheard)
        return found

    def _fails(self, cluster: int, node: int, link: int) -> tuple[Sequence[int], NDArray[np.int64]]:
        """Return what fails with a node, or a link where there is one, besides the links told down."""
        down = self.links_down(cluster)
        return ([], np.append(down, link)) if link >= 0 else ([node], down)

    @cached_property
    def _is_node_told(self) -> NDArray[np.bool_]:
        """Return (clusters, n) nodes told unreachable."""
        told = np.zeros((len(self.clusters), self.network.n_nodes), np.bool_)
        for node, own in self.of_node["node"].items():
            told[[self.cluster_of[i] for i in own], node] = True
        return told

    @cached_property
    def _unexplained_at(self) -> tuple[dict[tuple[int, int], list[int]], NDArray[np.bool_]]:
        """Return positions among the unexplained by cluster and node, and (clusters, n) where there are any."""
        found: dict[tuple[int, int], list[int]] = {}
        is_any = np.zeros((len(self.clusters), self.network.n_nodes), np.bool_)
        for k, i in enumerate(self.unexplained):
            found.setdefault((self.cluster_of[i], self.items[i].at), []).append(k)
            is_any[self.cluster_of[i], self.items[i].at] = True
        return found, is_any

    def _told_lost(self, cluster: int, lost: NDArray[np.int64]) -> list[int]:
        """Return the unexplained items of a cluster at nodes that are lost, in the order of the unexplained."""
        by_node, is_any = self._unexplained_at
        at = sorted(k for node in lost[is_any[cluster, lost]].tolist() for k in by_node[cluster, node])
        return [self.unexplained[k] for k in at]

    def _unheard(self, cluster: int, node: int, lost: NDArray[np.int64]) -> int:
        """Return how many neighbours, still reached without a node, should have told of its links and did not."""
        links = self.network.links_of(node)
        told = {self.items[i].at for i in self._beside(cluster, node)}
        ends = np.array([self.network.other_end(link, node) for link in links if link not in told], np.int64)
        return int(np.count_nonzero(self.reached[cluster, ends] & ~np.isin(ends, lost)))

    def _beside(self, cluster: int, node: int) -> list[int]:
        """Return the outages of a node's links, as told by neighbours within a cluster."""
        parts = self._together(self.network.links_of(node))
        return [
            i for part in parts if self.cluster_of[part[0]] == cluster and not self._is_speaking(node, part)
            for i in part
        ]  # fmt: skip

    def _silent_nodes(self) -> list[Candidate | None]:
        """Return nodes and links that nothing alarmed at, and that alone would cut off what is told unreachable."""
        found = []
        for (cluster, node, link), (covered, beyond, unheard) in self._dominated.items():
            cap = unheard + min(float(beyond), SILENCE_SHARE * len(covered))
            silent = unheard + beyond
            if link >= 0:
                name = self.network.link_id[link]
                made = self._candidate(
                    "link", name, covered, silent, INFERRED_LINK, cap=cap, links=[link], is_inferred=True
                )
            else:
                is_told = any(self.items[i].at == node for i in covered)
                own = [*covered, *self._beside(cluster, node)]
                made = self._candidate(
                    "node", self.network.node_id[node], own, silent, NODE if is_told else INFERRED, cap=cap, node=node,
                    is_inferred=not is_told,
                )  # fmt: skip
            found.append(made)
        return found + [
            self._candidate("node", self.network.node_id[node], [i], 0, NODE, node=node)
            for i in self.unexplained
            if (self.cluster_of[i], (node := self.items[i].at), -1) not in self._dominated
        ]

    def death_of(self, node: int, power: Sequence[int]) -> list[int]:
        """Return the items of a node's death that loss of power explains, with what it took along."""
        links = [link for link in self.network.links_of(node) if link in self.of_link]
        if not links and node not in self.of_node["node"] and node not in self._beyond:
            return []
        start = min(self.onset[i] for i in power)
        low = [self.onset[i] for i in self.of_node["battery"].get(node, ()) if self.onset[i] >= start]
        hours = float(self.network.battery_h[node] + self.network.generator_h[node])
        from_s = min([start + AGED_FRAC * hours * 3600.0, *low])
        ends = [self.items[i].end_s for i in power]
        until_s = np.inf if None in ends else max(end for end in ends if end is not None) + POLL_S
        told = [*self.of_node["node"].get(node, ()), *(i for part in self._together(links) for i in part)]
        own = [i for i in told if from_s - TOGETHER_S <= self.onset[i] <= until_s]
        parts = runs(own, self.onset, POLL_S)
        death = next((part for part in parts if not self._is_speaking(node, part)), [])
        beyond = [
            i
            for covered in self._beyond.get(node, ())
            for i in covered
            if from_s - TOGETHER_S <= self.onset[covered[0]] <= until_s
        ]
        if not beyond and not any(self.items[i].kind == "node" for i in death):
            watched = [link for link in self.network.links_of(node) if self._is_watched(link, node)]
            if not {self.items[i].at for i in death}.issuperset(watched):
                return []
        return sorted({*death, *beyond})

    @cached_property
    def _beyond(self) -> dict[int, list[list[int]]]:
        """Return for each node that may have died in silence the items it would explain, by cluster."""
        found: dict[int, list[list[int]]] = {}
        for (_, node, link), (covered, _, _) in self._dominated.items():
            if link < 0:
                found.setdefault(node, []).append(covered)
        return found

    def _is_watched(self, link: int, node: int) -> bool:
        other = self.network.other_end(link, node)
        return bool(self._ever_reached[other])

    @cached_property
    def deaths(self) -> dict[int, tuple[list[int], list[int]]]:
        """Return for each node without mains, or with a low battery, those items and the items of its death."""
        found = {}
        on_feeder = self._on_feeder()
        nodes = {*self.of_node["mains"], *self.of_node["battery"], *on_feeder}
        for node in sorted(nodes):
            alone = [*self.of_node["mains"].get(node, ()), *self.of_node["battery"].get(node, ())]
            power = [*alone, *on_feeder.get(node, ())]
            found[node] = (alone, self.death_of(node, power))
        return found

    def _on_feeder(self) -> dict[int, list[int]]:
        """Return for each node the items that told of its feeder itself."""
        found: dict[int, list[int]] = {}
        for first, own in self.of_node["feeder"].items():
            for node in self.network.feeder_nodes[self.network.feeder[first]]:
                found.setdefault(node, []).extend(own)
        return found

    def of_power(self) -> list[Candidate | None]:
        """Return sites without mains, and feeders of which half or more of the sites told so together."""
        network = self.network
        found = [
            self._candidate("power", f"{network.node_id[node]}:mains", [*alone, *death], 0, POWER, node=node)
            for node, (alone, death) in self.deaths.items()
        ]
        names = {network.feeder[node] for node in self.deaths} - {""}
        for name in sorted(names):
            members = network.feeder_nodes[name]
            told = [i for node in members for i in self.of_node["mains"].get(node, ())]
            said = self.of_node["feeder"].get(members[0], [])
            for part in runs([*told, *said], self.onset, POLL_S):
                nodes = {self.items[i].at for i in part if self.items[i].kind == "mains"}
                is_told = any(i in said for i in part)
                if not is_told and (len(nodes) < ENOUGH or len(nodes) < MOST_OF_FEEDER * len(members)):
                    continue
                taken = members if is_told else sorted(nodes)
                own = {i for node in taken if node in self.deaths for half in self.deaths[node] for i in half
                       if self.onset[i] >= self.onset[part[0]] - POLL_S}  # fmt: skip
                found.append(self._candidate("power", name, {*part, *own}, 0, POWER))
        return found

    def roots(self) -> list[Root]:
        """Return the roots, in order of the first item each explains."""
        if not self.items:
            return []
        made = [*self.of_power(), *self.of_groups(), *self.of_links(), *self.of_nodes()]
        candidates = [each for each in made if each is not None]
        found = []
        for items, own in tangles(len(self.items), candidates):
            asked = [i for i in items if i in self.must]
            if not asked:
                continue
            pool = [candidates[c] for c in own]
            chosen, is_exact = cheapest(asked, pool)
            found += [self._root(each, pool, is_exact=is_exact) for each in chosen]
        return _parted(sorted(self._pruned(found), key=lambda root: (min(root.items), root.kind, root.name)))

    def _pruned(self, found: list[Root]) -> list[Root]:
        """Return roots without nodes that the others together cut off, those furthest from gateways tried first."""
        alone = [
            root for root in found
            if root.kind == "node" and all(self.items[i].kind == "node" for i in root.items)
        ]  # fmt: skip
        if len(alone) < ENOUGH or len(alone) > MOST_PRUNED:
            return found
        kept = list(found)
        for root in sorted(alone, key=lambda each: (-self._depth(each.node), each.name)):
            others = [each for each in kept if each is not root]
            dead = [each.node for each in others if each.kind == "node"]
            down = self.links_down(self.cluster_of[root.items[0]])
            back = self.network.reached([(dead, down)], nodes=[self.items[i].at for i in root.items])[0]
            if not back.any():
                kept = others
        return kept

    def _depth(self, node: int) -> int:
        depth = 0
        while (node := int(self._above[node])) >= 0:
            depth += 1
        return depth

    def _root(self, chosen: Candidate, pool: Sequence[Candidate], *, is_exact: bool) -> Root:
        """Return a chosen candidate as root, with those that would explain as much at the same cost."""
        rivals = {
            f"{each.kind} {each.name}" for each in pool
            if each.covers == chosen.covers and each.rank[:2] == chosen.rank[:2] and each != chosen
        }  # fmt: skip
        return Root(
            chosen.kind, chosen.name, tuple(sorted(chosen.covers | chosen.also)), chosen.node, chosen.links,
            is_inferred=chosen.is_inferred, is_exact=is_exact, n_silent=chosen.n_silent, rivals=tuple(sorted(rivals)),
        )  # fmt: skip


def _parted(found: Sequence[Root]) -> list[Root]:
    """Return roots with each item in one of them: what two explain goes to the first.

    Every root of a cheapest set explains something that no other does, and so keeps an item.
    """
    taken: set[int] = set()
    parted = []
    for root in found:
        own = tuple(i for i in root.items if i not in taken)
        taken |= {*own}
        if own:
            parted.append(replace(root, items=own))
    return parted


__all__ = ["DUCT", "INFERRED", "LINK", "NODE", "POWER", "Reasoning", "Root"]
