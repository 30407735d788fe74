"""The network as live reasoning needs it: things by name, what fails together, what hangs on what, who is served."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.cascade import Service
from rahdari.methods.reach import CSR, Prepared, csr_of_links, prepare, reach_prepared, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from rahdari.model import Tables

    Flags = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Words = NDArray[np.uint64]
    State = tuple[Iterable[int], Iterable[int]]  # nodes and links that have failed

BATTERY_H = 4.0  # assumed where a network states no hours: the usual design figure of a macro site on weak grids
LANES_AT_ONCE = 512  # states of the network in one pass
NOBODY, SEVERAL = -1, -2  # states that hold a thing: none, more than one
PART = re.compile(r"[^\w.]+|_", re.ASCII)  # what parts the words of a resource's second half


class Thing(NamedTuple):
    """What a resource names: a node, link, group or feeder, which end of a link, and the words after the colon."""

    kind: str
    at: int
    end: int = -1
    part: str = ""


class Group(NamedTuple):
    """Links that one blow takes: a duct, valley, bridge or corridor."""

    name: str
    kind: str
    links: tuple[int, ...]


class Circuit(NamedTuple):
    """A protected or government circuit between the nodes of its two ends."""

    name: str
    kind: str
    a: tuple[int, ...]
    b: tuple[int, ...]


UNKNOWN = Thing("unknown", -1)


@dataclass(frozen=True, eq=False)
class LiveNetwork:
    """Nodes (n,), links (m,), and places (p,) with their customers, each in the order of their names given.

    ``gateways`` are nodes from which service comes; ``services`` say which nodes bring each service to each place, the
    first is the one that alarms are reasoned on.  ``battery_h`` and ``generator_h`` (n,) are hours without mains,
    ``feeder`` and ``version`` (vendor and software) of nodes are empty where unknown.
    """

    node_id: tuple[str, ...]
    node_kind: tuple[str, ...]
    link_id: tuple[str, ...]
    tail: IntArray
    head: IntArray
    medium: tuple[str, ...]
    place_id: tuple[str, ...]
    customers: FloatArray
    mbps: FloatArray
    services: tuple[Service, ...]
    battery_h: FloatArray
    generator_h: FloatArray
    is_battery_assumed: Flags
    feeder: tuple[str, ...]
    version: tuple[str, ...]
    groups: tuple[Group, ...] = ()
    circuits: tuple[Circuit, ...] = ()
    lon_deg: FloatArray = field(default_factory=lambda: np.zeros(0))
    lat_deg: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def n_nodes(self) -> int:
        """Return the number of nodes."""
        return len(self.node_id)

    @property
    def n_links(self) -> int:
        """Return the number of links."""
        return len(self.link_id)

    @cached_property
    def gateways(self) -> IntArray:
        """Return the nodes that give any service."""
        return np.unique(np.concatenate([service.roots for service in self.services]))

    @cached_property
    def node_at(self) -> dict[str, int]:
        """Return nodes by name."""
        return {name: i for i, name in enumerate(self.node_id)}

    @cached_property
    def link_at(self) -> dict[str, int]:
        """Return links by name."""
        return {name: i for i, name in enumerate(self.link_id)}

    @cached_property
    def group_at(self) -> dict[str, int]:
        """Return groups by name."""
        return {group.name: i for i, group in enumerate(self.groups)}

    @cached_property
    def feeder_nodes(self) -> dict[str, list[int]]:
        """Return the nodes of each feeder."""
        found: dict[str, list[int]] = {}
        for i, name in enumerate(self.feeder):
            if name:
                found.setdefault(name, []).append(i)
        return found

    @cached_property
    def groups_of_link(self) -> list[list[int]]:
        """Return the groups of each link."""
        found: list[list[int]] = [[] for _ in range(self.n_links)]
        for i, group in enumerate(self.groups):
            for link in group.links:
                found[link].append(i)
        return found

    @cached_property
    def graph(self) -> CSR:
        """Return the network by rows."""
        return csr_of_links(self.n_nodes, self.tail, self.head)

    @cached_property
    def prepared(self) -> tuple[Prepared, ...]:
        """Return the network made ready for searches, by service, then from any gateway."""
        roots = [service.roots for service in self.services]
        return tuple(prepare(self.graph, root) for root in [*roots, self.gateways])

    def links_of(self, node: int) -> list[int]:
        """Return the links of a node, each once."""
        low, high = self.graph.indptr[node : node + 2]
        return sorted({int(link) for link in self.graph.link_index[low:high]})

    def links_between(self, a: int, b: int) -> list[int]:
        """Return the links that join two nodes."""
        low, high = self.graph.indptr[a : a + 2]
        return sorted({int(link) for link in self.graph.link_index[low:high][self.graph.indices[low:high] == b]})

    def other_end(self, link: int, node: int) -> int:
        """Return the end of a link that is not ``node``."""
        a, b = int(self.tail[link]), int(self.head[link])
        return b if a == node else a

    def resolve(self, resource: str) -> Thing:
        """Return what a resource names, or :data:`UNKNOWN`; whole names go before names with a part."""
        for kind, names in (("node", self.node_at), ("link", self.link_at), ("group", self.group_at)):
            if resource in names:
                return Thing(kind, names[resource])
        base, colon, part = resource.partition(":")
        if base in self.feeder_nodes:
            return Thing("feeder", self.feeder_nodes[base][0], part=part)
        words = [part, *(word for word in PART.split(part) if word)] if colon else []
        if words and base in self.link_at:
            return self._link_part(self.link_at[base], words)
        if words and base in self.node_at:
            return self._node_part(self.node_at[base], words)
        return Thing("group", self.group_at[base], part=part) if words and base in self.group_at else UNKNOWN

    def _link_part(self, link: int, words: list[str]) -> Thing:
        """Return a link, and which of its ends the words name: ``KHI-port``."""
        ends = {self.node_id[end]: end for end in (int(self.tail[link]), int(self.head[link]))}
        named = (ends[name] for name in sorted(ends, key=len, reverse=True) if name in words or f"{name}-" in words[0])
        return Thing("link", link, next(named, -1), words[0])

    def _node_part(self, node: int, words: list[str]) -> Thing:
        """Return the link of a node that the words name, its neighbour on a session (``bgp-MUL``), or the node."""
        link = next((self.link_at[word] for word in words if word in self.link_at), -1)
        if link >= 0 and node in {int(self.tail[link]), int(self.head[link])}:
            return Thing("link", link, node, words[0])
        far = next((self.node_at[word] for word in words if self.node_at.get(word, node) != node), -1)
        return Thing("pair", node, far, words[0]) if far >= 0 else Thing("node", node, part=words[0])

    def is_known(self, resource: str) -> bool:
        """Return whether a resource names something of this network."""
        return self.resolve(resource).kind != "unknown"

    def reached(
        self, failed: Sequence[State], service: int = -1, nodes: Sequence[int] | IntArray | None = None
    ) -> Flags:
        """Return (s, n) nodes that are up and joined to a root; a state is the nodes and the links that have failed.

        ``service`` numbers :attr:`services`; without it any gateway will do.  ``nodes`` asks for these columns only.
        """
        ready = self.prepared[service]
        asked = np.arange(self.n_nodes) if nodes is None else np.asarray(nodes, np.int64)
        found = np.zeros((len(failed), asked.size), np.bool_)
        for low in range(0, len(failed) if asked.size else 0, LANES_AT_ONCE):
            some = failed[low : low + LANES_AT_ONCE]
            found[low : low + LANES_AT_ONCE] = unpacked(self._words(ready, some)[:, asked], len(some))
        return found

    def _words(self, ready: Prepared, failed: Sequence[State]) -> NDArray[np.uint64]:
        """Return words (w, n) of the nodes reached in each state, 64 states a word."""
        n_words = -(-len(failed) // 64)
        nodes, links = np.zeros((n_words, self.n_nodes), np.uint64), np.zeros((n_words, self.n_links), np.uint64)
        for s, (dead, cut) in enumerate(failed):
            word, bit = s // 64, np.uint64(1) << np.uint64(s % 64)
            nodes[word, _numbers(dead)] |= bit
            links[word, _numbers(cut)] |= bit
        return self._reach(ready, nodes, links)

    def _reach(self, ready: Prepared, nodes: Words, links: Words) -> Words:
        """Return words (w, n) of the nodes reached, of words of the nodes and links that have failed."""
        kept = np.zeros((nodes.shape[0], self.n_nodes), np.uint64)

        def keep(low: int, high: int, found: Words) -> None:
            kept[low:high, ready.order] = found[:, : high - low].T

        reach_prepared(ready, nodes, links, keep)
        return kept

    def lost(
        self, failed: Sequence[State], service: int = -1, nodes: IntArray | None = None,
        before: Flags | None = None, which: IntArray | None = None,
    ) -> Iterator[tuple[IntArray, IntArray]]:  # fmt: skip
        """Yield pairs of a state and a column of ``nodes`` that it does not reach, 512 states at a time, by state.

        Left out are nodes not reached before: of those that reach a root with nothing failed, or of ``before`` (g, n)
        in row ``which`` of each state.
        """
        if before is None or which is None:
            before, which = self.reached([((), ())], service), np.zeros(len(failed), np.int64)
        asked = np.arange(self.n_nodes) if nodes is None else nodes
        base = before[:, asked]
        for low in range(0, len(failed), LANES_AT_ONCE):
            some = failed[low : low + LANES_AT_ONCE]
            missing = ~self._words(self.prepared[service], some)[:, asked]
            for word in range(missing.shape[0]):
                own = which[low + 64 * word : low + min(64 * word + 64, len(some))]
                mask = np.zeros(asked.size, np.uint64)
                for row in np.unique(own).tolist():
                    bits = sum(1 << bit for bit in np.flatnonzero(own == row).tolist())
                    mask |= np.where(base[row], np.uint64(bits), np.uint64(0))
                missing[word] &= mask
            yield _pairs(missing, low)

    def lost_by_state(
        self, failed: Sequence[State], before: Flags, which: IntArray, service: int = -1
    ) -> Iterator[tuple[int, IntArray]]:
        """Yield each state that loses nodes of those reached before, in order, with these; see :meth:`lost`."""
        for state, node in self.lost(failed, service, None, before, which):
            first = np.flatnonzero(np.diff(state, prepend=-1))
            yield from zip(state[first].tolist(), np.split(node, first[1:]), strict=False)

    def first_lost(self, failed: Sequence[State], service: int = -1, nodes: IntArray | None = None) -> IntArray:
        """Return for each of ``nodes`` the first of states, each added to those before, that leaves it unreached.

        The number of states stands where none does.
        """
        asked = np.arange(self.n_nodes) if nodes is None else nodes
        found = np.zeros(asked.size, np.int64)
        first = [_firsts(failed, half, size) for half, size in ((0, self.n_nodes), (1, self.n_links))]
        for low in range(0, len(failed), LANES_AT_ONCE):
            n_words = -(-min(LANES_AT_ONCE, len(failed) - low) // 64)
            nodes_down, links_down = (_from(each, low, n_words) for each in first)
            reached = self._reach(self.prepared[service], nodes_down, links_down)[:, asked]
            if low + 64 * n_words > len(failed):
                reached[-1] &= np.uint64((1 << (len(failed) - low) % 64) - 1)
            found += np.bitwise_count(reached).sum(axis=0, dtype=np.int64)
        return found

    def regained(
        self, failed: Sequence[State], service: int = -1, nodes: IntArray | None = None
    ) -> tuple[IntArray, IntArray]:
        """Return pairs of a state and a column of ``nodes`` that all states together cut off, and all others do not."""
        asked = np.arange(self.n_nodes) if nodes is None else nodes
        owners = [_owners(failed, half, size) for half, size in ((0, self.n_nodes), (1, self.n_links))]
        parts = []
        dead, cut = (np.flatnonzero(own != NOBODY) for own in owners)
        lost = ~self._words(self.prepared[service], [(dead, cut)])[0, asked]
        hidden = np.where(lost & np.uint64(1), ~np.uint64(0), np.uint64(0))
        for low in range(0, len(failed), LANES_AT_ONCE):
            n_words = -(-min(LANES_AT_ONCE, len(failed) - low) // 64)
            nodes_down, links_down = (_but(own, low, n_words) for own in owners)
            reached = self._reach(self.prepared[service], nodes_down, links_down)[:, asked] & hidden
            parts.append(_pairs(reached, low))
        none = np.zeros(0, np.int64)
        return np.concatenate([none, *(a for a, _ in parts)]), np.concatenate([none, *(b for _, b in parts)])

    def places_out(self, reached: Flags, service: int = 0, places: IntArray | None = None) -> Flags:
        """Return (s, p) places without a service, of nodes (s, n) reached for it; a place without sites is none.

        With ``places``, the columns of ``reached`` are :meth:`sites_of` these places, and so are those returned.
        """
        asked = self.services[service]
        n_sites, needed = np.diff(asked.first), asked.n_needed
        if places is None:
            up = reached[:, asked.site]
        else:
            n_sites, needed, up = n_sites[places], needed[places], reached
        owner = np.repeat(np.arange(n_sites.size), n_sites)
        n_up = np.stack([np.bincount(owner, row, n_sites.size) for row in up]) if len(up) else np.zeros((0, 1))
        return np.asarray((n_up < needed) & (n_sites > 0), np.bool_)

    def sites_of(self, places: IntArray, service: int = 0) -> IntArray:
        """Return the nodes that bring a service to places, one place after another."""
        asked = self.services[service]
        n_sites = np.diff(asked.first)[places]
        begin = np.cumsum(n_sites) - n_sites
        return np.asarray(asked.site[np.repeat(asked.first[:-1][places] - begin, n_sites) + np.arange(n_sites.sum())])

    @cached_property
    def is_served(self) -> tuple[Flags, ...]:
        """Return by service which places (p,) have it when nothing has failed."""
        return tuple(
            ~self.places_out(self.reached([((), ())], s), s)[0] & (np.diff(self.services[s].first) > 0)
            for s in range(len(self.services))
        )

    @classmethod
    def of_story(cls, story: Mapping[str, Any]) -> LiveNetwork:
        """Return the network of a story; what does not fit raises InputError, all faults at once."""
        return _of_story(story.get("network", story))

    @classmethod
    def of_plan(cls, plan: Tables | Mapping[str, Any] | Path | str) -> LiveNetwork:
        """Return the network of a plan's tables or folder: the very network that engine stress runs on."""
        from rahdari.operate.plan_network import network_of_plan

        return network_of_plan(Path(plan) if isinstance(plan, str) else plan)


def _numbers(things: Iterable[int]) -> IntArray:
    return things if isinstance(things, np.ndarray) else np.fromiter(things, np.int64)


def _pairs(words: Words, low: int) -> tuple[IntArray, IntArray]:
    """Return the state (counted from ``low``) and the column of each bit of words (w, c), in this order."""
    word, column = np.nonzero(words)
    value = words[word, column]
    states, columns = [], []
    for bit in range(64):
        at = np.flatnonzero((value >> np.uint64(bit)) & np.uint64(1))
        states.append(low + 64 * word[at] + bit)
        columns.append(column[at])
    state, found = np.concatenate(states), np.concatenate(columns)
    order = np.argsort(state, kind="stable")
    return state[order], found[order]


def _flat(failed: Sequence[State], half: int) -> tuple[IntArray, IntArray]:
    """Return the nodes (0) or links (1) of all states, and the state of each."""
    parts = [_numbers(state[half]) for state in failed]
    own = np.repeat(np.arange(len(parts)), [part.size for part in parts])
    return np.concatenate([np.zeros(0, np.int64), *parts]), own


def _firsts(failed: Sequence[State], half: int, size: int) -> IntArray:
    """Return (size,) the first state in which a thing has failed, the number of states where none."""
    found = np.full(size, len(failed), np.int64)
    thing, own = _flat(failed, half)
    np.minimum.at(found, thing, own)
    return found


def _from(first: IntArray, low: int, n_words: int) -> Words:
    """Return words (n_words, size) from state ``low`` on in which a thing stays failed from its first state on."""
    found = np.zeros((n_words, first.size), np.uint64)
    some = np.flatnonzero(first < low + 64 * n_words)
    for word in range(n_words):
        late = np.maximum(first[some] - low - 64 * word, 0)
        is_in = late < 64  # noqa: PLR2004  # bits of a word
        found[word, some[is_in]] = ~np.uint64(0) << late[is_in].astype(np.uint64)
    return found


def _owners(failed: Sequence[State], half: int, size: int) -> IntArray:
    """Return (size,) the one state in which a thing has failed, :data:`NOBODY` or :data:`SEVERAL`."""
    found = np.full(size, NOBODY, np.int64)
    thing, own = _flat(failed, half)
    found[thing] = own
    found[thing[found[thing] != own]] = SEVERAL
    return found


def _but(owner: IntArray, low: int, n_words: int) -> Words:
    """Return words (n_words, size) from state ``low`` on in which all but what each state alone holds has failed."""
    found = np.zeros((n_words, owner.size), np.uint64)
    found[:, owner != NOBODY] = ~np.uint64(0)
    some = np.flatnonzero((owner >= low) & (owner < low + 64 * n_words))
    word, bit = np.divmod(owner[some] - low, 64)
    found[word, some] ^= np.uint64(1) << bit.astype(np.uint64)
    return found


def _named(given: object) -> dict[str, dict[str, Any]]:
    """Return things by name, of a list of names, a list of rows with a name, or a mapping."""
    if isinstance(given, dict):
        return {str(name): value if isinstance(value, dict) else {"value": value} for name, value in given.items()}
    rows = given if isinstance(given, list) else []
    return {
        str(row.get("id", row.get("name", ""))) if isinstance(row, dict) else str(row): row
        if isinstance(row, dict)
        else {}
        for row in rows
    }


def _listed(value: object) -> list[str]:
    if value is None:
        return []
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]


def _with_parents(links: dict[str, dict[str, Any]], cells: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return links, with one more for each cell and parent that no link joins."""
    joined = {frozenset((str(link.get("a")), str(link.get("b")))) for link in links.values()}
    every: dict[str, Any] = dict(links)
    for cell, row in cells.items():
        for parent in _listed(row.get("parents", row.get("parent"))):
            if frozenset((cell, parent)) not in joined:
                every[f"{cell}-{parent}"] = {"a": cell, "b": parent, "medium": "access", "ducts": []}
    return every


def _story_problems(
    names: Mapping[str, int], gateways: Sequence[str], links: Mapping[str, Mapping[str, Any]]
) -> list[Problem]:
    found = [
        Problem(f"link {link} ends at {row.get(end)!r}, which is no site or cell", "name sites and cells as listed")
        for link, row in links.items()
        for end in ("a", "b")
        if str(row.get(end)) not in names
    ]
    found += [
        Problem(f"gateway {name} is no site", "list it among the sites") for name in gateways if name not in names
    ]
    return found if gateways else [*found, Problem("the network has no gateway", "name one or more in gateways")]


def _hours(network: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> tuple[FloatArray, Flags]:
    """Return battery hours by node and which of them are assumed; a network states them by node, or one for all."""
    stated = network.get("battery_h")
    by_name = stated if isinstance(stated, dict) else {}
    default = float(stated) if isinstance(stated, (int, float)) else None
    own = [row.get("battery_h", by_name.get(name, default)) for name, row in rows.items()]
    hours = np.array([BATTERY_H if value is None else float(value) for value in own], np.float64)
    return hours, np.array([value is None for value in own], np.bool_)


def _of_story(network: Mapping[str, Any]) -> LiveNetwork:
    sites, cells = _named(network.get("sites")), _named(network.get("cells"))
    rows = {**sites, **cells}
    names = {name: i for i, name in enumerate(rows)}
    gateways = _listed(network.get("gateways"))
    links = _with_parents(_named(network.get("links")), cells)
    raise_if_any(_story_problems(names, gateways, links))
    number = {name: i for i, name in enumerate(links)}
    ducts: dict[str, list[int]] = {}
    for name, row in links.items():
        for duct in _listed(row.get("ducts", row.get("duct"))):
            ducts.setdefault(duct, []).append(number[name])
    feeders = {site: name for name, row in _named(network.get("feeders")).items()
               for site in _listed(row.get("sites", row.get("value")))}  # fmt: skip
    site = np.array([names[cell] for cell in cells], np.int64)
    hours, is_assumed = _hours(network, rows)
    customers = np.array([float(row.get("customers", 0)) for row in cells.values()], np.float64)
    if not (customers >= 0).all() or not (hours >= 0).all():
        raise InputError(Problem("customers or battery hours are negative or no number", "give zero or more"))
    one = Service("data", np.array(sorted(names[name] for name in gateways), np.int64), np.arange(site.size + 1), site,
                  np.ones(site.size, np.int64))  # fmt: skip
    return LiveNetwork(
        tuple(rows), tuple("cell" if name in cells else str(row.get("kind", "site")) for name, row in rows.items()),
        tuple(links), np.array([names[str(row["a"])] for row in links.values()], np.int64),
        np.array([names[str(row["b"])] for row in links.values()], np.int64),
        tuple(str(row.get("medium", "")) for row in links.values()), tuple(cells), customers,
        np.array([float(row.get("mbps", 0)) for row in cells.values()], np.float64), (one,), hours,
        np.array([float(row.get("generator_h", 0)) for row in rows.values()], np.float64), is_assumed,
        tuple(str(row.get("feeder", feeders.get(name, ""))) for name, row in rows.items()),
        tuple(" ".join(str(row[key]) for key in ("vendor", "version") if key in row) for row in rows.values()),
        tuple(Group(name, "duct", tuple(own)) for name, own in ducts.items()),
    )  # fmt: skip


__all__ = ["BATTERY_H", "UNKNOWN", "Circuit", "Group", "LiveNetwork", "Thing"]
