"""Who is touched: places and customers without service, circuits down, and who is one failure away from it.

A place counts as lost when it had the service with nothing failed and has it no more: the same machine and the same
network as engine stress.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from rahdari.operate.network import LiveNetwork

    Flags = NDArray[np.bool_]
    IntArray = NDArray[np.int64]
    State = tuple[Collection[int], Collection[int]]
    Words = NDArray[np.uint64]

MOST_FAILED = 80  # failed links whose cuts are searched for at once; beyond it chance could name a wrong link
_BITS = 64


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """What a state of the network takes away; customers of a place count whole."""

    places: tuple[str, ...] = ()
    customers: int = 0
    mbps: float = 0.0
    customers_by_service: dict[str, int] = {}
    circuits_down: tuple[str, ...] = ()
    n_nodes_dark: int = 0


def impacts(network: LiveNetwork, states: Sequence[State]) -> list[Impact]:
    """Return the impact of each state, a pair of failed nodes and failed links; exact."""
    if not states:
        return []
    by_service = [places_lost(network, states, s) for s in range(len(network.services))]
    return _made(network, by_service, _circuits_down(network, states))


def impacts_in_order(network: LiveNetwork, states: Sequence[State]) -> list[Impact]:
    """Return what each state adds to all states before it; together they are the impact of all states at once."""
    if not states:
        return []
    by_service = [_by_state(_first_lost(network, states, s), len(states)) for s in range(len(network.services))]
    return _made(network, by_service, _circuits_first_down(network, states))


def _made(
    network: LiveNetwork, by_service: Sequence[Sequence[IntArray]], circuits: Sequence[tuple[str, ...]]
) -> list[Impact]:
    return [
        Impact(
            places=tuple(network.place_id[place] for place in by_service[0][i].tolist()),
            customers=int(network.customers[by_service[0][i]].sum()),
            mbps=float(network.mbps[by_service[0][i]].sum()),
            customers_by_service={
                service.service_id: int(network.customers[lost[i]].sum())
                for service, lost in zip(network.services, by_service, strict=True)
            },
            circuits_down=circuits[i],
        )
        if any(lost[i].size for lost in by_service)
        else Impact(customers_by_service=dict.fromkeys(names, 0), circuits_down=circuits[i])
        for names in [[service.service_id for service in network.services]]
        for i in range(len(circuits))
    ]


def places_lost(network: LiveNetwork, states: Sequence[State], service: int = 0) -> list[IntArray]:
    """Return the places that each state takes a service from.

    What fails in no state cannot be out in one, so that all but the places of the union are left aside.
    """
    union = {node for dead, _ in states for node in dead}, {link for _, cut in states for link in cut}
    everything = network.places_out(network.reached([union], service), service)[0] & network.is_served[service]
    places = np.flatnonzero(everything)
    if len(states) == 1 or not places.size:
        return [places] * len(states)
    sites, owner, needed = _sites(network, places, service)
    whole = np.bincount(owner, network.reached([((), ())], service, sites)[0], places.size)
    found: list[IntArray] = []
    for state, column in network.lost(states, service, sites):
        pair, n_lost = np.unique(state * places.size + owner[column], return_counts=True)
        place = pair % places.size
        is_out = whole[place] - n_lost < needed[place]
        found.append(np.stack([pair[is_out] // places.size, place[is_out]]))
    state, place = np.concatenate(found, axis=1)
    return [places[own] for own in np.split(place, np.searchsorted(state, np.arange(1, len(states))))]


def _sites(network: LiveNetwork, places: IntArray, service: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return the nodes that bring a service to places, for which of the places, and how many each place needs."""
    asked = network.services[service]
    owner = np.repeat(np.arange(places.size), np.diff(asked.first)[places])
    return network.sites_of(places, service), owner, asked.n_needed[places]


def _first_lost(network: LiveNetwork, states: Sequence[State], service: int) -> IntArray:
    """Return (p,) the first state with which, and all before it, a place has lost a service; their number where none.

    A place that needs k sites has it until the k-th last of them to be lost is lost.
    """
    places = np.flatnonzero(network.is_served[service])
    sites, owner, needed = _sites(network, places, service)
    first = network.first_lost(states, service, sites)
    latest = first[np.lexsort((-first, owner))]
    begin = np.searchsorted(owner, np.arange(places.size))
    found = np.full(len(network.place_id), len(states), np.int64)
    found[places] = latest[begin + needed - 1]
    return found


def _by_state(first: IntArray, n_states: int) -> list[IntArray]:
    """Return the places of each state, in their order."""
    order = np.argsort(first, kind="stable")
    return np.split(order, np.searchsorted(first[order], np.arange(1, n_states + 1)))[:n_states]


def repairs(network: LiveNetwork, states: Sequence[State], places: IntArray) -> list[IntArray]:
    """Return for each state those of ``places`` (numbers) that get service back where it alone is repaired."""
    sites, owner, needed = _sites(network, places, 0)
    union = {node for dead, _ in states for node in dead}, {link for _, cut in states for link in cut}
    now = np.bincount(owner, network.reached([union], 0, sites)[0], places.size)
    state, column = network.regained(states, 0, sites)
    pair, n_back = np.unique(state * places.size + owner[column], return_counts=True)
    place = pair % max(places.size, 1)
    is_back = (now[place] < needed[place]) & (now[place] + n_back >= needed[place])
    state, place = pair[is_back] // places.size, place[is_back]
    return [places[own] for own in np.split(place, np.searchsorted(state, np.arange(1, len(states))))]


def _ends(network: LiveNetwork) -> tuple[IntArray, dict[int, int]]:
    """Return the nodes at the ends of circuits, and the position of each."""
    ends = np.array(sorted({node for each in network.circuits for node in (*each.a, *each.b)}), np.int64)
    return ends, {node: i for i, node in enumerate(ends.tolist())}


def _circuits_down(network: LiveNetwork, states: Sequence[State]) -> list[tuple[str, ...]]:
    """Return the circuits of which an end has no site left that reaches a gateway; as seen from the core."""
    if not network.circuits:
        return [()] * len(states)
    ends, column = _ends(network)
    reached = network.reached(states, nodes=ends)
    return [
        tuple(
            each.name
            for each in network.circuits
            if not all(any(row[column[node]] for node in end) for end in (each.a, each.b))
        )
        for row in reached
    ]


def _circuits_first_down(network: LiveNetwork, states: Sequence[State]) -> list[tuple[str, ...]]:
    """Return the circuits that each state takes down with all before it, by the first that does."""
    found: list[list[str]] = [[] for _ in range(len(states) + 1)]
    if network.circuits:
        ends, column = _ends(network)
        first = network.first_lost(states, nodes=ends)
        is_whole = network.reached([((), ())], nodes=ends)[0]
        for each in network.circuits:
            sides = [[column[node] for node in end] for end in (each.a, each.b)]
            if all(is_whole[side].any() for side in sides):
                found[min(int(first[side].max()) for side in sides)].append(each.name)
    return [tuple(names) for names in found[:-1]]


class Cuts:
    """Which links became the last way to someone: cut pairs and larger cuts by hashes of the cycle space.

    Every link has a random word such that the words of links that form a cut sum to zero, and of others do not but for
    chance below 2**-40.  When links fail, a further link is the last way to something exactly if its word is a sum of
    words of failed links: one sweep over all links for each failed one, and no search.
    """

    def __init__(self, network: LiveNetwork) -> None:
        """Take a network; words are drawn once, from a fixed key."""
        self.network = network

    @cached_property
    def words(self) -> Words:
        """Return (m, 2) words of links; zero where a link is the last way to something with nothing failed."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import breadth_first_order

        network = self.network
        n, m, roots = network.n_nodes, network.n_links, network.gateways
        tail = np.concatenate([network.tail, np.full(roots.size, n)])
        head = np.concatenate([network.head, roots])
        matrix = csr_array((np.ones(tail.size), (tail, head)), (n + 1, n + 1))
        order, before = breadth_first_order(matrix, n, directed=False)
        word = np.random.Generator(np.random.Philox(20_826)).integers(0, 2**64, (tail.size, 2), np.uint64)
        chosen = np.full(n + 1, -1, np.int64)
        for a, b in ((tail, head), (head, tail)):
            rows = np.flatnonzero(before[a] == b)
            first = np.unique(a[rows], return_index=True)[1]
            is_free = chosen[a[rows[first]]] < 0
            chosen[a[rows[first]][is_free]] = rows[first][is_free]
        word[chosen[chosen >= 0]] = 0
        word[tail == head] = 0
        total = np.zeros((n + 1, 2), np.uint64)
        np.bitwise_xor.at(total, tail, word)
        np.bitwise_xor.at(total, head, word)
        high, low = (total[:, i].tolist() for i in (0, 1))
        for node in order[:0:-1].tolist():
            parent = before[node]
            high[parent] ^= high[node]
            low[parent] ^= low[node]
        some = np.flatnonzero(chosen >= 0)
        word[chosen[some]] = np.stack([np.array(high, np.uint64)[some], np.array(low, np.uint64)[some]], axis=1)
        return word[:m]

    @cached_property
    def pairs(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return pairs of links within one group, and the group."""
        rows = [
            (a, b, i)
            for i, group in enumerate(self.network.groups)
            for at, a in enumerate(group.links)
            for b in group.links[at + 1 :]
        ]
        table = np.array(rows, np.int64).reshape(-1, 3)
        return table[:, 0], table[:, 1], table[:, 2]

    def _reduced(self, failed: Sequence[int]) -> Words:
        """Return the words of all links, without what words of the failed links sum to."""
        left = self.words.copy()
        for link in failed:
            own = left[link].copy()
            if not own.any():
                continue
            column = 0 if own[0] else 1
            bit = np.uint64(int(own[column]).bit_length() - 1)
            left[((left[:, column] >> bit) & np.uint64(1)).astype(np.bool_)] ^= own
        return left

    def last_ways(self, state: State) -> tuple[IntArray, IntArray] | None:
        """Return links and groups that have newly become the last way to something; None where too much has failed."""
        dead, cut = state
        network = self.network
        failed = sorted({*cut, *(link for node in dead for link in network.links_of(node))})
        known = [link for link in failed if self.words[link].any()]
        if len(known) > MOST_FAILED:
            return None
        left = self._reduced(known)
        is_up = np.ones(network.n_links, np.bool_)
        is_up[failed] = False
        is_last = is_up & ~left.any(axis=1) & self.words.any(axis=1)
        a, b, group = self.pairs
        together = (left[a] == left[b]).all(axis=1) & (self.words[a] != self.words[b]).any(axis=1)
        together &= is_up[a] & is_up[b] & left[a].any(axis=1)
        return np.flatnonzero(is_last), np.unique(group[together])


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Who lost protection, and the single failures that would now isolate someone; None where too much has failed."""

    protection_lost_for: tuple[str, ...] = ()
    next_single_failure_that_isolates: tuple[str, ...] = ()
    is_complete: bool = True


def exposure(network: LiveNetwork, cuts: Cuts, state: State) -> Exposure:
    """Return who is newly one failure away from isolation in a state: nodes reached now, cut off by one link or group.

    Links that were the last way to someone before are left out, with those who hang on them.
    """
    found = cuts.last_ways(state)
    if found is None:
        return Exposure(is_complete=False)
    links, groups = found
    if not links.size and not groups.size:
        return Exposure()
    dead, cut = state
    by_group = [network.groups[group].links for group in groups.tolist()]
    after = [(dead, [*cut, *links.tolist()]), *((dead, [*cut, *own]) for own in by_group)]
    reached = network.reached([state, *after])
    now, lost = reached[0], reached[0] & ~reached[1:]
    ends = np.stack([network.tail[links], network.head[links]], axis=1)
    is_between = now[ends].all(axis=1) & lost[0][ends].any(axis=1)
    names = [network.link_id[link] for link in links[is_between].tolist()]
    names += [network.groups[group].name for i, group in enumerate(groups.tolist()) if lost[i + 1].any()]
    exposed = np.flatnonzero(lost.any(axis=0))
    return Exposure(
        protection_lost_for=tuple(network.node_id[node] for node in exposed.tolist()),
        next_single_failure_that_isolates=tuple(names),
    )


__all__ = ["Cuts", "Exposure", "Impact", "exposure", "impacts", "impacts_in_order", "places_lost", "repairs"]
