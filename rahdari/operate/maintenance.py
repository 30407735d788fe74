"""Maintenance windows: what work was announced on, from when to when, and which incidents it accounts for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from rahdari.operate.alarms import is_maintenance_event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rahdari.operate.events import Event
    from rahdari.operate.network import LiveNetwork


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """Announced work on an object between two times; with ``includes_dependants`` also what only that object serves."""

    object: str
    from_s: float
    to_s: float
    includes_dependants: bool = True


def windows_of(events: Iterable[Event]) -> list[Window]:
    """Return the windows that operators' events open, closed early by a later event on the same object.

    ``fields``: ``action`` opened or closed, ``object`` (else the resource), ``from_s``, ``to_s`` and
    ``includes_dependants`` (true or false).  Times that are no numbers: from when told, without end.
    """
    found: list[Window] = []
    told = sorted((event for event in events if is_maintenance_event(event)), key=lambda e: (e.at_s, e.source, e.seq))
    for event in told:
        name = event.fields.get("object", event.resource)
        if event.fields.get("action") == "closed":
            found = [
                msgspec.structs.replace(each, to_s=min(each.to_s, event.at_s)) if each.object == name else each
                for each in found
            ]
            continue
        from_s = _number(event.fields.get("from_s"), event.at_s)
        to_s = _number(event.fields.get("to_s"), math.inf)
        whole = event.fields.get("includes_dependants", "true").lower() != "false"
        found.append(Window(object=name, from_s=from_s, to_s=to_s, includes_dependants=whole))
    return found


def _number(text: str | None, default: float) -> float:
    try:
        value = float(text) if text is not None else default
    except ValueError:
        return default
    return default if math.isnan(value) else value


def elements_of(network: LiveNetwork, name: str) -> tuple[set[int], set[int]]:
    """Return the nodes and links that work on an object may take down; none where the network has no such object."""
    thing = network.resolve(name)
    if thing.kind == "link":
        return set(), {thing.at}
    if thing.kind == "group":
        return set(), set(network.groups[thing.at].links)
    if thing.kind == "feeder":
        return set(network.feeder_nodes[network.feeder[thing.at]]), set()
    if thing.kind == "node":
        return {thing.at}, set(network.links_of(thing.at))
    return set(), set()


def accounts_for(network: LiveNetwork, window: Window, nodes: set[int], links: set[int]) -> bool:
    """Return whether work accounts for the failure of nodes and links: its own, or such as only it serves."""
    own_nodes, own_links = elements_of(network, window.object)
    if not (nodes or links) or not (own_nodes or own_links):
        return False
    more, further = nodes - own_nodes, links - own_links
    if not more and not further:
        return True
    if not window.includes_dependants:
        return False
    reached = network.reached([(own_nodes, own_links)])[0]
    ends = {int(end[link]) for link in further for end in (network.tail, network.head)}
    return not any(reached[node] for node in more | ends)


__all__ = ["Window", "accounts_for", "elements_of", "windows_of"]
