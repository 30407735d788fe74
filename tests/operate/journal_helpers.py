"""What the journal's tests share: events, and a fold that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rahdari.operate.alarms import Alarm
from rahdari.operate.events import Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rahdari.operate.journal import Journal


def event(seq: int, source: str = "nms", severity: str = "major", **other: object) -> Event:
    told = {"at_s": float(seq), "resource": f"S{seq % 7}", "type": "LOS", "text": "x" * 40, **other}
    return Event(source=source, seq=seq, severity=severity, **told)


def events(first: int, last: int, source: str = "nms") -> list[Event]:
    return [event(seq, source, "cleared" if seq % 5 == 0 else "major") for seq in range(first, last + 1)]


def no_change(_events: Sequence[Event]) -> Mapping[str, Alarm]:
    return {}


class CountingFold:
    """Alarms by resource; ``n_raises`` counts its events, so that an event folded twice shows."""

    def __init__(self, alarms: Mapping[str, Alarm] | None = None) -> None:
        self.alarms = dict(alarms or {})

    def __call__(self, new: Sequence[Event]) -> Mapping[str, Alarm]:
        changed: dict[str, Alarm] = {}
        for one in new:
            had = changed.get(one.resource) or self.alarms.get(one.resource)
            n_raises = (had.n_raises if had else 0) + 1
            changed[one.resource] = Alarm(key=one.resource, resource=one.resource, type="LOS", n_raises=n_raises)
        return changed

    def accept(self, changed: Mapping[str, Alarm]) -> None:
        self.alarms.update(changed)


def all_events(journal: Journal) -> list[Event]:
    found, after = [], 0
    while rows := journal.events(after, 1000):
        found += [one for _, _, one in rows]
        after = rows[-1][0]
    return found


def check_exact(journal: Journal) -> None:
    """Hold that every event is stored once and that the counters are those of the rows."""
    stored = all_events(journal)
    assert len({(one.source, one.seq) for one in stored}) == len(stored)
    counters = journal.counters()
    assert counters.get("events", 0) == len(stored)
    for severity in {one.severity for one in stored}:
        assert counters[f"severity:{severity}"] == sum(one.severity == severity for one in stored)
    for source in {one.source for one in stored}:
        assert counters[f"source:{source}"] == sum(one.source == source for one in stored)
    assert sum(alarm.n_raises for alarm in journal.alarms()) in {0, len(stored)}
