"""Incidents: a root, what it explains, whom it takes service from, what comes next; a function of alarms and time."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
import numpy as np

from rahdari.operate.alarms import FLAP_WINDOW_S
from rahdari.operate.evidence import items_of
from rahdari.operate.forecast import Question, Step, dies_at_s, steps
from rahdari.operate.grouping import Outage, outages
from rahdari.operate.impact import Cuts, Exposure, Impact, exposure, impacts, impacts_in_order, repairs
from rahdari.operate.maintenance import Window, accounts_for, elements_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rahdari.operate.alarms import Alarm, AlarmBook
    from rahdari.operate.evidence import Item
    from rahdari.operate.impact import State
    from rahdari.operate.network import LiveNetwork

KEPT_S = 86_400.0  # alarms cleared longer ago than a day belong to the journal, not to reasoning
MOST_NEW = 8  # incidents whose lost protection is worked out in one update; the others in those that follow
MOST_JOINT_WITH = 16  # other incidents named that share in what an incident takes
FORESEEN_EACH = 2  # times as many answers of what batteries foretell


class Cause(msgspec.Struct, frozen=True, order=True):
    """What an incident goes back to: its name and kind (power, duct, link, node, software, unknown)."""

    object: str
    kind: str


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """A learned edge between alarm types: shown with its confidence, never deciding."""

    cause: str
    effect: str
    confidence: float


class Hints(Protocol):
    """What learned edges are asked of."""

    def of(self, alarm_types: Sequence[str]) -> Sequence[Hint]:
        """Return the edges among alarm types."""
        ...


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident as it stands; times in seconds of source time.

    ``cells_without_service`` are the places told with it, each place with one incident: taken in the order in which
    their lasting failures began, the first that leaves the place without service.  ``customers_without_service`` are
    theirs: they add up to all customers without service, none counted twice.  ``customers_without_service_joint`` is
    the part of them that it takes only together with incidents before it, ``customers_without_service_own`` what its
    own failures alone would take of a whole network, told elsewhere or not.  ``joint_with`` are other incidents of
    which the repair alone would bring joint places back, most customers first; empty where no single repair would.
    ``mbps_lost``, ``customers_by_service`` and ``circuits_down`` are told once by the same rule.

    ``prediction`` is what was foreseen as it opened, ``forecast`` what is foreseen now.  ``rivals`` explain as much at
    the same cost.  ``merged_into`` names the incident that took it in.
    """

    incident_id: str
    root: Cause
    opened_s: float
    changed_s: float
    closed_s: float | None = None
    is_open: bool = True
    confidence: float = 1.0
    is_inferred: bool = False
    is_exact: bool = True
    rivals: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    root_keys: tuple[str, ...] = ()
    symptom_keys: tuple[str, ...] = ()
    symptom_seqs: tuple[int, ...] = ()
    cells_without_service: tuple[str, ...] = ()
    customers_without_service: int = 0
    customers_without_service_own: int = 0
    customers_without_service_joint: int = 0
    joint_with: tuple[str, ...] = ()
    customers_by_service: dict[str, int] = {}
    n_places: int = 0
    mbps_lost: float = 0.0
    circuits_down: tuple[str, ...] = ()
    protection_lost_for: tuple[str, ...] = ()
    next_single_failure_that_isolates: tuple[str, ...] = ()
    is_protection_known: bool = True
    is_forecast_known: bool = True
    prediction: tuple[Step, ...] = ()
    forecast: tuple[Step, ...] = ()
    in_maintenance: bool = False
    is_overrun: bool = False
    window: Window | None = None
    sla_excluded_s: tuple[float, float] | None = None
    is_flapping: bool = False
    severity: str = "indeterminate"
    hints: tuple[Hint, ...] = ()
    notices: tuple[tuple[float, str], ...] = ()
    merged_into: str = ""


def notices_of(incident: Incident) -> tuple[tuple[float, str], ...]:
    """Return when people are told of an incident, and why: opened or overrun, and closed; nothing within a window.

    However often it flaps, it is told when it opens and when it has been quiet for five minutes.
    """
    if incident.window is not None:
        is_late = incident.closed_s is None or incident.closed_s > incident.window.to_s
        told = [(incident.window.to_s, "overrun")] if incident.is_overrun and is_late else []
    else:
        told = [(incident.opened_s, "opened")]
    if told and not incident.is_open and incident.closed_s is not None:
        told.append((incident.closed_s, "closed"))
    return tuple(told)


class _Taken(NamedTuple):
    """What an outage takes: what is told with it, customers it alone would take, those it takes with others."""

    told: Impact = Impact()
    n_own: int = 0
    n_joint: int = 0
    joint_with: tuple[str, ...] = ()


class Reasoner:
    """Reads alarms as incidents; :meth:`read` is a function of the alarms, the windows and the time alone.

    ``outlook`` is what batteries foretell of the whole network as of the last reading: 62 sites in 3 h 40.
    """

    def __init__(self, network: LiveNetwork, windows: Iterable[Window] = (), hints: Hints | None = None) -> None:
        """Take a network; ``windows`` may be replaced at any time."""
        self.network = network
        self.windows = tuple(windows)
        self.hints = hints
        self.cuts = Cuts(network)
        self._last: dict[str, Incident] = {}
        self._items: dict[str, Item] = {}
        self._foreseen: dict[tuple[object, ...], tuple[Step, ...]] = {}
        self._own: dict[tuple[frozenset[int], frozenset[int]], Impact] = {}
        self.outlook: tuple[Step, ...] = ()
        self._exposed: dict[tuple[frozenset[int], frozenset[int]], Exposure] = {}

    @cached_property
    def _place_at(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.network.place_id)}

    def update(self, book: AlarmBook, changed: Mapping[str, Alarm], now_s: float) -> list[Incident]:
        """Return the incidents that differ from those returned before, merged ones included.

        ``book`` holds the alarms after ``changed``; without a change only time has passed.
        """
        alarms = {**book.alarms, **changed}
        found = {each.incident_id: each for each in self.read(alarms.values(), now_s, MOST_NEW)}
        gone = [self._merged(each, found, now_s) for name, each in self._last.items() if name not in found]
        differ = [each for name, each in found.items() if self._last.get(name) != each]
        self._last = found
        return differ + [each for each in gone if each is not None]

    def _merged(self, incident: Incident, found: Mapping[str, Incident], now_s: float) -> Incident | None:
        """Return an incident that is no more: closed, with the one that holds its alarms; None where it aged out."""
        own = {*incident.root_keys, *incident.symptom_keys}
        into = next(
            (name for name, each in found.items() if not own.isdisjoint({*each.root_keys, *each.symptom_keys})), ""
        )
        if not into and not incident.is_open:
            return None
        return msgspec.structs.replace(incident, is_open=False, closed_s=now_s, changed_s=now_s, merged_into=into)

    def read(self, alarms: Iterable[Alarm], now_s: float, most_new: int | None = None) -> list[Incident]:
        """Return the incidents of alarms at a time, in order of opening; :attr:`outlook` then holds what is coming.

        ``most_new`` bounds what is newly worked out of lost protection and forecasts: what is left out says so.
        """
        items = items_of(self.network, alarms, now_s - KEPT_S, self._items)
        found = outages(self.network, items)
        lost = self._impacts(found)
        made = [self._incident(each, own, now_s) for each, own in zip(found, lost, strict=True)]
        self._foresee(found, made, None if most_new is None else FORESEEN_EACH * most_new)
        self._expose(found, made, most_new)
        return sorted(made, key=lambda each: (each.opened_s, each.root, each.incident_id))

    def _impacts(self, found: Sequence[Outage]) -> list[_Taken]:
        """Return what each outage takes now: each place once, with the first that leaves it without service.

        They are put in order of when those of their failures that last began.
        """
        order = sorted((i for i, each in enumerate(found) if any(each.now)), key=lambda i: (found[i].lasts_from_s, i))
        states = [found[i].now for i in order]
        result = [_Taken() for _ in found]
        if not states:
            return result
        told, alone = impacts_in_order(self.network, states), self._alone(states)
        joint = [[self._place_at[name] for name in set(a.places).difference(b.places)]
                 for a, b in zip(told, alone, strict=True)]  # fmt: skip
        with_whom = self._joint_with(states, joint)
        for at, i in enumerate(order):
            others = tuple(found[order[other]].incident_id for other in with_whom[at])
            result[i] = _Taken(told[at], alone[at].customers, int(self.network.customers[joint[at]].sum()), others)
        return result

    def _alone(self, states: Sequence[State]) -> list[Impact]:
        """Return what each state takes of a whole network; those of the reading before from memory."""
        keys = [(frozenset(dead), frozenset(cut)) for dead, cut in states]
        new = [key for key in dict.fromkeys(keys) if key not in self._own]
        made = dict(zip(new, impacts(self.network, new), strict=True))
        self._own = {key: made[key] if key in made else self._own[key] for key in keys}
        return [self._own[key] for key in keys]

    def _joint_with(self, states: Sequence[State], joint: Sequence[Sequence[int]]) -> list[list[int]]:
        """Return for each state the others of which the repair alone would serve some of its joint places again.

        Those that would serve most customers of them come first, at most :data:`MOST_JOINT_WITH` of them.
        """
        teller = np.full(len(self.network.place_id), -1, np.int64)
        for at, own_places in enumerate(joint):
            teller[own_places] = at
        back: list[dict[int, float]] = [{} for _ in states]
        if not any(joint):
            return [[] for _ in states]
        for other, places in enumerate(repairs(self.network, states, np.flatnonzero(teller >= 0))):
            for place in places.tolist():
                own = back[teller[place]]
                own[other] = own.get(other, 0.0) + float(self.network.customers[place])
        return [
            sorted((other for other in own if other != at), key=lambda other: (-own[other], other))[:MOST_JOINT_WITH]
            for at, own in enumerate(back)
        ]

    def _incident(self, outage: Outage, taken: _Taken, now_s: float) -> Incident:
        lost = taken.told
        own = [item.alarm for item in outage.own]
        symptoms = [item.alarm for item in outage.symptoms]
        every = [*own, *symptoms]
        is_flapping = any(alarm.is_flapping for alarm in every)
        changed_s = max(alarm.changed_s for alarm in every)
        is_open = any(not alarm.is_cleared for alarm in every) or (is_flapping and now_s - changed_s < FLAP_WINDOW_S)
        closed_s = None if is_open else max(alarm.cleared_s or alarm.changed_s for alarm in every)
        seqs = {told.seq for item in outage.symptoms for told in item.alarm.told
                if told.severity != "cleared" and told.at_s >= item.onset_s}  # fmt: skip
        shown = [alarm for alarm in every if not alarm.is_cleared] or every
        incident = Incident(
            incident_id=outage.incident_id, root=Cause(outage.name, outage.kind), opened_s=outage.opened_s,
            changed_s=changed_s, closed_s=closed_s, is_open=is_open, confidence=outage.confidence,
            is_inferred=outage.is_inferred, is_exact=outage.is_exact, rivals=outage.rivals, evidence=outage.evidence,
            root_keys=tuple(alarm.key for alarm in own), symptom_keys=tuple(alarm.key for alarm in symptoms),
            symptom_seqs=tuple(sorted(seqs)), cells_without_service=lost.places, n_places=len(lost.places),
            customers_without_service=lost.customers, customers_without_service_own=taken.n_own,
            customers_without_service_joint=taken.n_joint, joint_with=taken.joint_with,
            customers_by_service=lost.customers_by_service,
            mbps_lost=lost.mbps, circuits_down=lost.circuits_down, is_flapping=is_flapping,
            severity=min((alarm.severity for alarm in shown), key=_severity_rank),
            hints=tuple(self.hints.of(sorted({alarm.type for alarm in every}))) if self.hints else (),
        )  # fmt: skip
        return self._with_window(incident, outage, now_s)

    def _with_window(self, incident: Incident, outage: Outage, now_s: float) -> Incident:
        nodes, links = outage.ever
        if outage.kind in {"link", "node", "duct", "power"} and not nodes and not links:
            nodes, links = elements_of(self.network, outage.name.removesuffix(":mains"))
        window = self._window(incident.opened_s, nodes, links)
        if window is None:
            return msgspec.structs.replace(incident, notices=notices_of(incident))
        until = window.to_s if incident.closed_s is None else min(window.to_s, incident.closed_s)
        is_overrun = now_s >= window.to_s and (incident.closed_s is None or incident.closed_s > window.to_s)
        made = msgspec.structs.replace(
            incident, window=window, in_maintenance=not is_overrun, is_overrun=is_overrun,
            sla_excluded_s=(incident.opened_s, until),
        )  # fmt: skip
        return msgspec.structs.replace(made, notices=notices_of(made))

    def _window(self, opened_s: float, nodes: set[int], links: set[int]) -> Window | None:
        """Return the window in which a failure falls, until the end of those that follow it without a gap."""
        found: Window | None = None
        for each in sorted(self.windows, key=lambda one: (one.from_s, one.to_s, one.object)):
            follows = found is not None and each.from_s <= found.to_s < each.to_s
            begins = found is None and each.from_s <= opened_s < each.to_s
            if (follows or begins) and accounts_for(self.network, each, nodes, links):
                found = each if found is None else msgspec.structs.replace(found, to_s=each.to_s)
        return found

    def _foresee(self, found: Sequence[Outage], made: list[Incident], most: int | None) -> None:
        """Put in what batteries foretell, when the incident opened and now; at most ``most`` new answers at once."""
        asked: list[tuple[int, str, Question]] = []
        for i in sorted(range(len(found)), key=lambda k: (-len(found[k].without_mains), found[k].opened_s, k)):
            on_battery = found[i].without_mains
            if not on_battery:
                continue
            first = {node: dies_at_s(self.network, node, each.since_s) for node, each in on_battery.items()}
            coming = {
                node: dies_at_s(self.network, node, each.since_s, each.low_s)
                for node, each in on_battery.items()
                if not each.is_dead and not each.is_back
            }
            asked.append((i, "prediction", Question(first)))
            if coming and made[i].is_open:
                asked.append((i, "forecast", Question(coming, *map(frozenset, found[i].now))))
        every = {
            node: at_s for _, name, question in asked if name == "forecast" for node, at_s in question.deaths.items()
        }
        struck = [outage.now for outage in found if outage.now[0] or outage.now[1]]
        whole = Question(every, frozenset(n for dead, _ in struck for n in dead),
                         frozenset(n for _, cut in struck for n in cut))  # fmt: skip
        answers = self._answers([whole, *(question for _, _, question in asked)], most)
        self.outlook = answers[0] or ()
        for (i, name, _), answer in zip(asked, answers[1:], strict=True):
            known = {"is_forecast_known": False} if answer is None else {name: answer}
            made[i] = msgspec.structs.replace(made[i], **known)

    def _answers(self, asked: Sequence[Question], most: int | None) -> list[tuple[Step, ...] | None]:
        """Return steps of questions; those answered before from memory, None where ``most`` are answered anew."""
        keys = [(frozenset(each.deaths.items()), each.dead, each.cut) for each in asked]
        new = list(dict.fromkeys(key for key in keys if key not in self._foreseen))[:most]
        at = {key: i for i, key in reversed(list(enumerate(keys)))}
        self._foreseen |= dict(zip(new, steps(self.network, [asked[at[key]] for key in new]), strict=True))
        self._foreseen = {key: self._foreseen[key] for key in keys if key in self._foreseen}
        return [self._foreseen.get(key) for key in keys]

    def _expose(self, found: Sequence[Outage], made: list[Incident], most: int | None) -> None:
        """Put in who lost protection; at most ``most`` that were not worked out before, the others say so."""
        n_new = 0
        kept: dict[tuple[frozenset[int], frozenset[int]], Exposure] = {}
        order = sorted(range(len(made)), key=lambda i: (-made[i].customers_without_service, made[i].opened_s, i))
        for i in order:
            dead, cut = found[i].now
            if not made[i].is_open or not (dead or cut):
                continue
            key = frozenset(dead), frozenset(cut)
            if key not in self._exposed:
                n_new += 1
                if most is not None and n_new > most:
                    made[i] = msgspec.structs.replace(made[i], is_protection_known=False)
                    continue
                self._exposed[key] = exposure(self.network, self.cuts, (sorted(dead), sorted(cut)))
            kept[key] = own = self._exposed[key]
            made[i] = msgspec.structs.replace(
                made[i], protection_lost_for=own.protection_lost_for, is_protection_known=own.is_complete,
                next_single_failure_that_isolates=own.next_single_failure_that_isolates,
            )  # fmt: skip
        self._exposed = kept


def _severity_rank(severity: str) -> int:
    from rahdari.operate.events import SEVERITIES

    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


__all__ = ["Cause", "Hint", "Hints", "Incident", "Reasoner", "Step", "Window", "notices_of"]
