"""Alarms after RFC 8632 as a fold of events: what the instruments say, kept apart from what operators did about it.

An alarm is (resource, type, qualifier).  Its state follows from its events in order of their source time, whatever
order they came in: up to :data:`KEPT_EVENTS` of them are kept with the alarm, so that a late event takes its place.
Ties go by source and sequence.  Nothing here reads a clock or a file.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rahdari.operate.events import Event

KEPT_EVENTS = 64  # of an alarm; an event older than all of these is counted and changes nothing else
FLAP_RAISES, FLAP_WINDOW_S = 4, 300.0  # an alarm flaps when its last four raises lie within five minutes
FUTURE_S = 3600.0  # a time told further ahead than this is a wrong clock, not a skewed one
LATE_S = 86_400.0  # a delay beyond a day is a replay or a wrong clock, and says nothing about the skew
CLEARED = "cleared"
OPERATOR_TYPE, MAINTENANCE_TYPE = "operatorState", "maintenance"
OPERATOR_SOURCE = "operator:"
STATE_OF_ACTION = {"ack": "ack", "close": "closed", "shelve": "shelved", "unshelve": "none", "none": "none"}


class Told(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """One kept event of an alarm, in the order by which alarms are folded.

    The collector of garbage does not see them: millions are kept for long, and none can be part of a cycle.
    """

    at_s: float
    source: str
    seq: int
    severity: str


class Absorbed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What events older than the kept ones came to: the state they left and how often they raised."""

    at_s: float
    is_cleared: bool
    severity: str
    n_raises: int
    raised_s: float
    first_raised_s: float
    changed_s: float
    cleared_s: float | None


class Alarm(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An alarm as its events left it; times are source times in seconds, ``None`` where nothing happened yet.

    ``severity`` is the last one that was not ``cleared``; ``n_raises`` counts changes from clear to raised;
    ``operator_state`` is none, ack, closed or shelved: a new raise ends ack and closed, never shelved.
    ``symptom_seqs`` are the sequence numbers of kept events that told a fault.
    """

    key: str
    resource: str
    type: str
    qualifier: str = ""
    severity: str = "indeterminate"
    is_cleared: bool = True
    raised_s: float = 0.0
    first_raised_s: float = 0.0
    changed_s: float = 0.0
    cleared_s: float | None = None
    n_raises: int = 0
    is_flapping: bool = False
    operator_state: str = "none"
    operator: str = ""
    operator_note: str = ""
    source: str = ""
    last_seq: int = 0
    text: str = ""
    is_known: bool = True
    told: tuple[Told, ...] = ()
    absorbed: Absorbed | None = None
    n_late: int = 0
    action: tuple[float, str, int, str] | None = None
    note: tuple[float, str, int, str] | None = None

    @property
    def symptom_seqs(self) -> tuple[int, ...]:
        """Return the sequence numbers of kept events that told a fault, in order of time."""
        return tuple(each.seq for each in self.told if each.severity != CLEARED)

    @property
    def onset_s(self) -> float:
        """Return when the present trouble began: the first of raises that follow each other within the flap window."""
        onset, cleared = self.raised_s, None
        raises, clears = _turns(self.told)
        for raised in reversed(raises):
            if cleared is not None and onset - cleared > FLAP_WINDOW_S:
                break
            onset = raised
            cleared = max((each for each in clears if each <= raised), default=None)
            if cleared is None:
                break
        return onset


def alarm_key(resource: str, alarm_type: str, qualifier: str = "") -> str:
    r"""Return the identity of an alarm as one text; bars and backslashes within the parts are escaped.

    >>> alarm_key("A2:battery", "low|volt")
    'A2:battery|low\\|volt|'
    """
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in (resource, alarm_type, qualifier))


def is_operator_event(event: Event) -> bool:
    """Return whether an event is an operator's action on an alarm."""
    return event.type == OPERATOR_TYPE and event.source.startswith(OPERATOR_SOURCE)


def is_maintenance_event(event: Event) -> bool:
    """Return whether an event opens or closes a maintenance window."""
    return event.type == MAINTENANCE_TYPE and event.source.startswith(OPERATOR_SOURCE)


def key_of(event: Event) -> str:
    """Return the alarm an event is about; an operator's action names it in ``fields["alarm"]``."""
    if is_operator_event(event):
        return event.fields.get("alarm", "") or alarm_key(
            event.resource, event.fields.get("alarm_type", ""), event.qualifier
        )
    return alarm_key(event.resource, event.type, event.qualifier)


def _turns(told: Sequence[Told]) -> tuple[list[float], list[float]]:
    """Return the times at which events turned an alarm on and off."""
    raises: list[float] = []
    clears: list[float] = []
    is_up = False
    for each in told:
        if each.severity == CLEARED:
            if is_up:
                clears.append(each.at_s)
            is_up = False
        elif not is_up:
            raises.append(each.at_s)
            is_up = True
    return raises, clears


class Clocks:
    """How far the clock of each source runs ahead, from times told and times received.

    Nothing is received before it is sent: where the least of received minus told is negative, the source is ahead by
    at least that much, and its times are set back by it.  A positive least may be delay as well as a slow clock: it is
    kept for show and never applied.  Times told more than an hour ahead are no measure of skew; they are taken as
    received.
    """

    def __init__(self) -> None:
        """Know no source."""
        self._least_s: dict[str, float] = {}

    def seen(self, events: Iterable[Event], received_s: float) -> dict[str, float]:
        """Return the least delay of each source after these events; nothing is kept."""
        least = dict(self._least_s)
        for event in events:
            delay = received_s - event.at_s
            if -FUTURE_S <= delay <= LATE_S:
                least[event.source] = min(delay, least.get(event.source, math.inf))
        return least

    def accept(self, least_s: Mapping[str, float]) -> None:
        """Keep what :meth:`seen` returned."""
        self._least_s = dict(least_s)

    def skew_s(self) -> dict[str, float]:
        """Return seconds by which each source is ahead of the receiver, negative where late or slow."""
        return {source: -least for source, least in sorted(self._least_s.items())}


def ordering_s(event: Event, received_s: float | None, least_s: Mapping[str, float]) -> float:
    """Return the time by which an event is ordered: as told, set back by a proven skew, never after its receipt."""
    if not math.isfinite(event.at_s):
        return received_s if received_s is not None else 0.0
    if received_s is None:
        return event.at_s
    return min(event.at_s + min(0.0, least_s.get(event.source, 0.0)), received_s)


def _absorb(start: Absorbed | None, told: Sequence[Told]) -> Absorbed:
    """Return the state after ``told`` (in order), from the state before."""
    first = told[0].at_s if told else 0.0
    now = start or Absorbed(first, is_cleared=True, severity="indeterminate", n_raises=0, raised_s=first,
                            first_raised_s=first, changed_s=first, cleared_s=None)  # fmt: skip
    is_cleared, severity, n_raises = now.is_cleared, now.severity, now.n_raises
    raised_s, first_raised_s, changed_s, cleared_s = now.raised_s, now.first_raised_s, now.changed_s, now.cleared_s
    for each in told:
        at_s, level = each.at_s, each.severity
        if level == CLEARED:
            if not is_cleared or not n_raises:
                changed_s, cleared_s, is_cleared = at_s, at_s, True
            continue
        if is_cleared:
            first_raised_s = first_raised_s if n_raises else at_s
            n_raises, raised_s, is_cleared, cleared_s = n_raises + 1, at_s, False, None
            changed_s = at_s
        elif level != severity:
            changed_s = at_s
        severity = level
    return Absorbed(
        told[-1].at_s if told else now.at_s,
        is_cleared,
        severity,
        n_raises,
        raised_s,
        first_raised_s,
        changed_s,
        cleared_s,
    )


def _is_flapping(told: Sequence[Told]) -> bool:
    """Return whether the last raises lie close together; looks back no further than it must."""
    n_raises, last_s = 0, math.inf
    for k in range(len(told) - 1, -1, -1):
        if told[k].severity == CLEARED or (k and told[k - 1].severity != CLEARED):
            continue
        last_s = told[k].at_s if not n_raises else last_s
        n_raises += 1
        if last_s - told[k].at_s > FLAP_WINDOW_S or n_raises == FLAP_RAISES:
            return last_s - told[k].at_s <= FLAP_WINDOW_S
    return False


def _in_order(alarm: Alarm, told: Sequence[Told], texts: Mapping[tuple[str, int], str]) -> Alarm:
    """Return the alarm with new events that all follow the kept ones: as the whole fold would, sooner."""
    every = (*alarm.told, *told)
    cut = max(0, len(every) - KEPT_EVENTS)
    before = Absorbed(
        alarm.told[-1].at_s, alarm.is_cleared, alarm.severity, alarm.n_raises, alarm.raised_s, alarm.first_raised_s,
        alarm.changed_s, alarm.cleared_s,
    )  # fmt: skip
    return _stated(alarm, _absorb(before, told), every, cut, texts)


def _stated(
    alarm: Alarm, state: Absorbed, every: Sequence[Told], cut: int, texts: Mapping[tuple[str, int], str]
) -> Alarm:
    """Return the alarm in a state, with all but the first ``cut`` events kept."""
    last = every[-1]
    return msgspec.structs.replace(
        alarm, severity=state.severity, is_cleared=state.is_cleared, raised_s=state.raised_s,
        first_raised_s=state.first_raised_s, changed_s=state.changed_s, cleared_s=state.cleared_s,
        n_raises=state.n_raises, is_flapping=_is_flapping(every), source=last.source, last_seq=last.seq,
        text=texts.get((last.source, last.seq), alarm.text), told=tuple(every[cut:]),
        absorbed=_absorb(alarm.absorbed, every[:cut]) if cut else alarm.absorbed,
    )  # fmt: skip


def _operator(alarm: Alarm, raised_s: float) -> dict[str, str]:
    """Return the operator's fields that follow from the last action and note."""
    state = STATE_OF_ACTION[alarm.action[3]] if alarm.action else "none"
    is_over = alarm.action is not None and state in {"ack", "closed"} and raised_s > alarm.action[0]
    by = max((each[:3] for each in (alarm.action, alarm.note) if each), default=(0.0, "", 0))[1]
    return {
        "operator_state": "none" if is_over else state,
        "operator": by.removeprefix(OPERATOR_SOURCE),
        "operator_note": alarm.note[3] if alarm.note else "",
    }


def _with_told(alarm: Alarm, told: list[Told], texts: Mapping[tuple[str, int], str]) -> Alarm:
    """Return the alarm with new events among the kept ones; those already kept are not taken twice."""
    told.sort()
    if alarm.told and told[0] > alarm.told[-1] and all(one < two for one, two in pairwise(told)):
        return _in_order(alarm, told, texts)
    kept = set(alarm.told)
    fresh = {each for each in told if each not in kept}
    horizon = alarm.absorbed.at_s if alarm.absorbed else -math.inf
    late = {each for each in fresh if each.at_s < horizon}
    if not fresh - late:
        return msgspec.structs.replace(alarm, n_late=alarm.n_late + len(late))
    every = sorted(kept | (fresh - late))
    cut = max(0, len(every) - KEPT_EVENTS)
    state = _absorb(_absorb(alarm.absorbed, every[:cut]) if cut else alarm.absorbed, every[cut:])
    made = _stated(alarm, state, every, cut, texts)
    return msgspec.structs.replace(made, n_late=alarm.n_late + len(late)) if late else made


def _with_actions(alarm: Alarm, events: Sequence[tuple[float, Event]]) -> Alarm:
    """Return the alarm after operators' actions; an action that is not known is kept in the journal only."""
    action, note = alarm.action, alarm.note
    for at_s, event in events:
        done, text = event.fields.get("action", ""), event.fields.get("note", "")
        if done in STATE_OF_ACTION:
            action = max(filter(None, (action, (at_s, event.source, event.seq, done))))
        if text or done == "note":
            note = max(filter(None, (note, (at_s, event.source, event.seq, text or event.text))))
    return msgspec.structs.replace(alarm, action=action, note=note)


class AlarmBook:
    """All alarms by key, in memory.

    ``alarms`` holds them.  ``is_known`` says of a resource whether the network has it; without it all count as known.
    """

    def __init__(self, alarms: Iterable[Alarm] = (), is_known: Callable[[str], bool] | None = None) -> None:
        """Take alarms as a journal keeps them."""
        self.alarms = {alarm.key: alarm for alarm in alarms}
        self._is_known = is_known
        self.clocks = Clocks()
        self._pending: dict[str, float] | None = None

    def __len__(self) -> int:
        """Return the number of alarms."""
        return len(self.alarms)

    def __iter__(self) -> Iterator[Alarm]:
        """Return the alarms in order of their keys."""
        return iter([self.alarms[key] for key in sorted(self.alarms)])

    def __contains__(self, key: str) -> bool:
        """Return whether an alarm is there."""
        return key in self.alarms

    def __getitem__(self, key: str) -> Alarm:
        """Return one alarm; an unknown key raises KeyError."""
        return self.alarms[key]

    def active(self) -> list[Alarm]:
        """Return the alarms that are not cleared, in order of their keys."""
        return [alarm for alarm in self if not alarm.is_cleared]

    def folded(self, events: Sequence[Event], received_s: float | None = None) -> dict[str, Alarm]:
        """Return the alarms that the events change, by key; the book itself is untouched until :meth:`accept`.

        Any order of the events gives the same alarms.  ``received_s`` is when they came; without it times are taken
        as told.
        """
        least = self.clocks.seen(events, received_s) if received_s is not None else {}
        self._pending = least if received_s is not None else None
        told: dict[str, list[Event]] = {}
        for event in events:
            if not is_maintenance_event(event):
                told.setdefault(key_of(event), []).append(event)
        return {key: self._folded_one(key, own, received_s, least) for key, own in sorted(told.items())}

    def _folded_one(
        self, key: str, events: list[Event], received_s: float | None, least_s: Mapping[str, float]
    ) -> Alarm:
        facts = [event for event in events if not is_operator_event(event)]
        acts = [(ordering_s(event, received_s, least_s), event) for event in events if is_operator_event(event)]
        alarm = self.alarms.get(key) or self._new(key, facts[0] if facts else events[0])
        if facts:
            if not alarm.type:  # an operator's action came before the alarm it is about
                alarm = msgspec.structs.replace(
                    alarm, resource=facts[0].resource, type=facts[0].type, qualifier=facts[0].qualifier
                )
            told = [Told(ordering_s(each, received_s, least_s), each.source, each.seq, each.severity) for each in facts]
            alarm = _with_told(alarm, told, {(each.source, each.seq): each.text for each in facts})
        if acts:
            alarm = _with_actions(alarm, acts)
        if alarm.action or alarm.note:
            alarm = msgspec.structs.replace(alarm, **_operator(alarm, alarm.raised_s if alarm.n_raises else -math.inf))
        return alarm

    def _new(self, key: str, event: Event) -> Alarm:
        known = self._is_known is None or self._is_known(event.resource)
        kind = "" if is_operator_event(event) else event.type
        return Alarm(key=key, resource=event.resource, type=kind, qualifier=event.qualifier, is_known=known)

    def accept(self, changed: Mapping[str, Alarm]) -> None:
        """Take what :meth:`folded` returned, after the transaction that stores it has committed."""
        self.alarms.update(changed)
        if self._pending is not None:
            self.clocks.accept(self._pending)
            self._pending = None


__all__ = [
    "CLEARED", "FLAP_RAISES", "FLAP_WINDOW_S", "MAINTENANCE_TYPE", "OPERATOR_SOURCE", "OPERATOR_TYPE", "Absorbed",
    "Alarm", "AlarmBook", "Clocks", "Told", "alarm_key", "is_maintenance_event", "is_operator_event", "key_of",
    "ordering_s",
]  # fmt: skip
