"""What an alarm says of the network: a link down, a node not reached, mains gone; by its type and by what it names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rahdari.operate.alarms import Alarm
    from rahdari.operate.network import LiveNetwork, Thing

TOGETHER_S = 30.0  # links that one blow takes tell it within half a minute
POLL_S = 300.0  # an unreachable thing may be found by the next poll only
#: Words within alarm types (lower case, letters and digits only), first match first.
WORDS = (
    ("battery", ("battery", "lowvoltage", "dcundervolt")),
    ("mains", ("mains", "acfail", "acinput", "acloss", "lossofac", "gridfail", "powerfail", "utilityfail",
               "commercialpower", "nopower", "poweroutage", "powerdown", "lossofpower", "loadshed")),
    ("node", ("unreachable", "nodedown", "hostdown", "sitedown", "celldown", "devicedown", "outofservice",
              "notresponding", "noresponse", "nocontact", "lostcontact", "commlost", "pingfail", "heartbeat",
              "offline")),
    ("software", ("software", "crash", "reboot", "restart", "watchdog", "coldstart")),
    ("link", ("lossof", "linkdown", "portdown", "ifdown", "interfacedown", "operdown", "fibrecut", "fibercut",
              "cablecut", "ductcut", "hopdown", "radiodown", "linkfail", "linkloss",
              "adjacency", "neighbordown", "neighbourdown", "peerdown", "bgp", "ospf", "isis", "sessiondown")),
)  # fmt: skip
EXACT = {"los": "link", "lof": "link", "lol": "link", "ais": "link", "rdi": "link", "cut": "link", "down": "node",
         "dead": "node"}  # fmt: skip
SHORT = frozenset(word for word, kind in EXACT.items() if kind == "link" and word.startswith("lo"))  # within others
TOKENS = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+")  # the words that make up a type: rx_LOS, OtuLos
POWER_PARTS = ("rectifier", "mains", "grid")


class Item(NamedTuple):
    """What one alarm says: ``kind`` of thing ``at`` from ``onset_s`` to ``end_s``, None while it lasts.

    Kinds are link, node, mains, battery, feeder, group, software, session and other.  ``end`` is the node that tells of
    a link, or the far node of a session; ``is_weak`` marks a link told of by a session over it.
    """

    kind: str
    at: int
    end: int
    onset_s: float
    end_s: float | None
    alarm: Alarm
    is_weak: bool = False

    @property
    def key(self) -> str:
        """Return the key of the alarm."""
        return self.alarm.key

    @property
    def is_cut(self) -> bool:
        """Return whether it says that all links of a group are cut: ``fibreCut`` of a duct, not water in it."""
        return self.kind == "group" and said(self.alarm.type) == "link"

    def lasts_at(self, at_s: float, slack_s: float) -> bool:
        """Return whether it lasted at a time, give or take ``slack_s``."""
        return self.onset_s <= at_s + slack_s and (self.end_s is None or self.end_s >= at_s - slack_s)


def said(alarm_type: str, part: str = "") -> str:
    """Return what an alarm type means, ``other`` where nothing is known of it.

    >>> said("LOS"), said("mainsFail"), said("adjacencyDown"), said("rx_LOS"), said("fanSpeed")
    ('link', 'mains', 'link', 'link', 'other')
    """
    plain = "".join(letter for letter in alarm_type.lower() if letter.isalnum())
    if any(word in part.lower() for word in POWER_PARTS) and any(word in plain for word in ("fail", "down", "loss")):
        return "mains"
    if plain in EXACT:
        return EXACT[plain]
    found = next((kind for kind, words in WORDS if any(word in plain for word in words)), "other")
    if found == "other" and not SHORT.isdisjoint(word.lower() for word in TOKENS.findall(alarm_type)):
        return "link"
    return found


def _kind(network: LiveNetwork, thing: Thing, meaning: str) -> tuple[str, int, int, bool]:
    """Return kind, thing, end and weakness of what an alarm of a meaning says of a thing."""
    if thing.kind == "link":
        return ("link" if meaning in {"link", "node"} else "other"), thing.at, thing.end, False
    if thing.kind == "pair":
        between = network.links_between(thing.at, thing.end)
        if meaning == "link" and len(between) == 1:
            return "link", between[0], thing.at, True
        return ("session" if meaning == "link" else "other"), thing.at, thing.end, False
    if thing.kind in {"feeder", "group"}:
        return thing.kind, thing.at, -1, False
    is_of_nodes = meaning in {"node", "mains", "battery", "software"}
    return (meaning if thing.kind == "node" and is_of_nodes else "other"), thing.at, -1, False


def item_of(network: LiveNetwork, alarm: Alarm) -> Item:
    """Return what an alarm says of the network."""
    thing = network.resolve(alarm.resource)
    kind, at, end, is_weak = _kind(network, thing, said(alarm.type, thing.part))
    return Item(kind, at, end, alarm.onset_s, alarm.cleared_s if alarm.is_cleared else None, alarm, is_weak)


def items_of(
    network: LiveNetwork, alarms: Iterable[Alarm], since_s: float, known: dict[str, Item] | None = None
) -> list[Item]:
    """Return what alarms say that last, or ended after ``since_s``; in order of onset, then key.

    ``known`` keeps items by key from one call to the next, so that an alarm is read once.
    """
    kept = (alarm for alarm in alarms if alarm.n_raises and (not alarm.is_cleared or (alarm.cleared_s or 0) >= since_s))
    before = known or {}
    found = []
    for alarm in kept:
        item = before.get(alarm.key)
        found.append(item if item is not None and item.alarm is alarm else item_of(network, alarm))
    if known is not None:
        known.clear()
        known.update((item.key, item) for item in found)
    return sorted(found, key=lambda item: (item.onset_s, item.key))


def runs(items: Sequence[int], onset_s: Sequence[float], gap_s: float) -> list[list[int]]:
    """Return positions parted where onsets lie more than ``gap_s`` apart."""
    found: list[list[int]] = []
    for i in sorted(items, key=lambda each: (onset_s[each], each)):
        if found and onset_s[i] - onset_s[found[-1][-1]] <= gap_s:
            found[-1].append(i)
        else:
            found.append([i])
    return found


__all__ = ["POLL_S", "TOGETHER_S", "Item", "item_of", "items_of", "runs", "said"]
