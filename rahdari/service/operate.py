"""What the faces ask of the live network: its state, one incident's story, alarms, history, actions and what-if."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.geo import nearest
from rahdari.operate.actions import job_of, runbook
from rahdari.operate.alarms import OPERATOR_SOURCE, OPERATOR_TYPE, Alarm, alarm_key
from rahdari.operate.app import incidents, summary_of
from rahdari.operate.events import SEVERITIES, Event
from rahdari.operate.impact import impacts
from rahdari.operate.incidents import Incident
from rahdari.operate.notify import Channel
from rahdari.operate.wire import FORGED
from rahdari.service.live_history import HISTORY, PAGE, write_history
from rahdari.sources.outbound import Allowed, target_of
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rahdari.operate.app import App
    from rahdari.operate.journal import Appended

    FloatArray = NDArray[np.float64]

T = TypeVar("T")

ACTIONS = ("ack", "close", "shelve", "unshelve", "none", "note")
HIDING = ("shelve", "close")
INCIDENT_TYPE = "incident"  # type of the record that keeps what operators did about an incident
N_LISTED, N_CLOSED = 300, 50
ON_BATTERY = ("mainsFail", "batteryLow", "generatorRunning")
WEIGHT = {"city": 2, "town": 1}
N_SYMPTOMS = 200
N_GENERATORS = 5
HOUR_S = 3_600.0
N_ALARMS = 500
PROPOSALS = {
    "sendCrew": "Send a crew to {name} ({place}): about {hours} h of work, assumed",
    "takeGenerator": "Take a generator to {name} before {time} UTC: {n} customers",
    "followRunbook": "Runbook: {page}",
}
HUBS = "hub:"
ID_BYTES = 6
SERVED, AT_RISK, WITHOUT = range(3)


class LiveView:
    """Reads and acts on one running :class:`rahdari.operate.app.App`; safe from any thread."""

    def __init__(self, app: App, allowed_hosts: Sequence[str] = (), clearance: Clearance = OWNER) -> None:
        """Look at ``app``; listeners may be called on ``allowed_hosts`` alone."""
        self.app = app
        self.allowed_hosts = tuple(allowed_hosts)
        self.reader = None if app.plan is None else PlanReader(app.plan, clearance)
        self.title = "" if app.plan is None else app.plan.name
        self.demo = ""  # the named event that is played into it
        self._lock = threading.Lock()
        self._making = {"state": threading.Lock(), "places": threading.Lock()}
        self._made: dict[str, tuple[int, Any]] = {}
        self.hubs: dict[str, dict[str, str]] = {}

    # -- state --------------------------------------------------------------------------------------------------------
    def alarms(self) -> list[Alarm]:
        """Return all alarms that an instrument ever raised, in order of their keys."""
        return [alarm for alarm in self.app.alarms() if alarm.n_raises]

    def alarm(self, key: str) -> Alarm:
        """Return one alarm; :class:`InputError` where there is none."""
        found = self.app.alarm(key)
        if found is None:
            raise InputError(Problem(f"there is no alarm {key}", "see GET /api/live/alarms"))
        return found

    def incident(self, incident_id: str) -> Incident:
        """Return one incident; :class:`InputError` where there is none."""
        found = self.app.incidents.get(incident_id)
        if found is None:
            raise InputError(Problem(f"there is no incident {incident_id}", "see GET /api/live/incidents"))
        return found

    def incident_of_alarm(self) -> dict[str, str]:
        """Return the incident that each symptom belongs to, by alarm key."""
        every = (each for each in incidents(self.app) if each.is_open)
        return {key: each.incident_id for each in every for key in (*each.root_keys, *each.symptom_keys)}

    def counts(self) -> dict[str, Any]:
        """Return how many alarms are open by severity, unknown, shelved and acknowledged."""
        active = [alarm for alarm in self.alarms() if not alarm.is_cleared]
        shown = [alarm for alarm in active if alarm.operator_state != "shelved"]
        by_severity = Counter(alarm.severity for alarm in shown)
        return {
            "open": len(shown), "shelved": len(active) - len(shown),
            "unknown": sum(not alarm.is_known for alarm in shown),
            "acknowledged": sum(alarm.operator_state == "ack" for alarm in shown),
            "flapping": sum(alarm.is_flapping for alarm in active),
            "severity": {name: by_severity.get(name, 0) for name in SEVERITIES[:-1]},
        }  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Return everything that the head and the list of the live page show; made once for each revision."""
        own = {"now_s": self.app.clock.now_s(), "n_waiting": self.app.n_waiting, "failures": list(self.app.failures)}
        return {**self._once("state", self._state), **own, "pipeline": msgspec.to_builtins(self.app.pipeline.status())}

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """Return what a function makes of the present revision, made by the first who asks and shared with all others.

        A revision that comes while it is made makes it once more for whoever asks then: nothing old is kept as new.
        """
        with self._making[name]:
            revision = self.app.revision
            if self._made.get(name, (-1, None))[0] != revision:
                self._made[name] = (revision, make())
            made: T = self._made[name][1]
            return made

    def _state(self) -> dict[str, Any]:
        every = incidents(self.app)
        is_open = [each for each in every if each.is_open]
        closed = sorted((each for each in every if not each.is_open), key=lambda each: -each.changed_s)[:N_CLOSED]
        return {
            "position": self.app.position, "revision": self.app.revision,
            "alarms": self.counts(), "n_open": len(is_open), "customers": self.customers(is_open),
            "incidents": [self.listed(each) for each in [*is_open[:N_LISTED], *closed]],
            "minutes": [{"at_s": at_s, "n": n, "n_critical": bad} for at_s, n, bad in list(self.app.minutes)],
        }  # fmt: skip

    def customers(self, is_open: Sequence[Incident]) -> dict[str, float]:
        """Return customers in all, and those without service now; a place in two incidents counts once."""
        network = self.app.network
        state = self.place_states(is_open)
        return {
            "total": round(float(network.customers.sum())),
            "without": round(float(network.customers[state == WITHOUT].sum())),
            "at_risk": round(float(network.customers[state == AT_RISK].sum())),
            "n_places_without": int((state == WITHOUT).sum()),
        }

    # -- places and names ---------------------------------------------------------------------------------------------
    @cached_property
    def _place_at(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.app.network.place_id)}

    @cached_property
    def _places_of_node(self) -> dict[int, list[int]]:
        """Return the places that each node brings the first service to."""
        service = self.app.network.services[0]
        found: dict[int, list[int]] = {}
        for place in range(len(self.app.network.place_id)):
            for node in service.site[service.first[place] : service.first[place + 1]].tolist():
                found.setdefault(node, []).append(place)
        return found

    def shared_place_states(self) -> NDArray[np.uint8]:
        """Return (p,) the same as :meth:`place_states`, made once for each revision; not to be written to."""
        return self._once("places", self.place_states)

    def place_states(self, is_open: Sequence[Incident] | None = None) -> NDArray[np.uint8]:
        """Return (p,) what each place has: 0 service, 1 service at risk, 2 none.

        At risk is a place of which a site is on battery, or has lost its protection.
        """
        network = self.app.network
        every = [each for each in self.app.incidents.values() if each.is_open] if is_open is None else is_open
        state = np.full(len(network.place_id), SERVED, np.uint8)
        nodes = {network.node_at.get(name, -1) for each in every for name in each.protection_lost_for}
        nodes |= {
            network.resolve(alarm.resource).at
            for alarm in self.app.alarms()
            if not alarm.is_cleared and alarm.type in ON_BATTERY
        }
        for node in nodes:
            state[self._places_of_node.get(node, [])] = AT_RISK
        for each in every:
            state[[self._place_at[name] for name in each.cells_without_service if name in self._place_at]] = WITHOUT
        return state

    def place_points(self) -> tuple[FloatArray, FloatArray, NDArray[np.uint8]]:
        """Return (p,) longitude, latitude and weight (0 village, 1 town, 2 city) of places; none without a plan."""
        if self.reader is None:
            return np.zeros(0), np.zeros(0), np.zeros(0, np.uint8)
        places = self.reader.table("places").sort("place_id")
        weight = np.array([WEIGHT.get(kind, 0) for kind in places["kind"].to_list()], np.uint8)
        return places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy(), weight

    def bounds(self, margin_deg: float) -> list[float] | None:
        """Return west, south, east and north of the places, None without a plan."""
        lon, lat, _ = self.place_points()
        if not lon.size:
            return None
        return [
            float(lon.min()) - margin_deg, float(lat.min()) - margin_deg, float(lon.max()) + margin_deg,
            float(lat.max()) + margin_deg,
        ]  # fmt: skip

    def position_of(self, resource: str) -> list[float] | None:
        """Return longitude and latitude of a thing, None where the network does not know."""
        network = self.app.network
        thing = network.resolve(resource)
        at: Sequence[int] = ()
        if thing.kind in {"node", "pair"}:
            at = [thing.at]
        elif thing.kind == "link":
            at = [network.n_nodes + thing.at]
        elif thing.kind == "group":
            at = [network.n_nodes + link for link in network.groups[thing.at].links]
        elif thing.kind == "feeder":
            at = network.feeder_nodes[network.feeder[thing.at]]
        if not at or not network.lon_deg.size:
            return None
        return [float(network.lon_deg[at].mean()), float(network.lat_deg[at].mean())]

    @cached_property
    def _site_names(self) -> dict[str, str]:
        """Return what people call sites: their own name, else what they are and where."""
        if self.reader is None:
            return {}
        places = self._place_names
        rows = self.reader.table("sites").select("site_id", "name", "kind", "place_id").iter_rows()
        return {site: name or f"{kind} in {places.get(place, place)}" for site, name, kind, place in rows}

    @cached_property
    def _place_names(self) -> dict[str, str]:
        if self.reader is None:
            return {}
        return dict(self.reader.table("places").select("place_id", "name").iter_rows())

    def place_name(self, place_id: str) -> str:
        """Return what people call a place."""
        return self._place_names.get(place_id) or place_id

    @cached_property
    def _junction_names(self) -> dict[int, str]:
        """Return what nodes that are no sites are called: by the place they lie nearest to."""
        lon, lat, _ = self.place_points()
        network = self.app.network
        bare = np.array([i for i, name in enumerate(network.node_id) if name not in self._site_names], np.int64)
        if not lon.size or not bare.size or not network.lon_deg.size:
            return {}
        near = nearest(network.lon_deg[bare], network.lat_deg[bare], lon, lat)[0].tolist()
        return {
            at: f"fibre junction near {self.place_name(network.place_id[place])}"
            for at, place in zip(bare.tolist(), near, strict=True)
        }

    def name_of(self, resource: str) -> str:
        """Return what people call a thing: of a link, what it joins; the identifier where nothing better is known."""
        network = self.app.network
        thing = network.resolve(resource)

        def node(at: int) -> str:
            return self._site_names.get(network.node_id[at]) or self._junction_names.get(at, network.node_id[at])

        if thing.kind in {"node", "pair"}:
            return node(thing.at)
        if thing.kind == "link":
            ends = [int(network.tail[thing.at]), int(network.head[thing.at])]
            names = list(dict.fromkeys(node(at) for at in ends))
            kind, _, place = names[0].partition(" in ")
            joined = f"two {kind}s in {place}" if len(names) == 1 and place else " – ".join(names)
            return f"{joined} ({network.medium[thing.at]})" if self.reader is not None else resource
        return resource

    def readable(self, evidence: str) -> str:
        """Return what was heard with the name that people know before the thing's own."""
        resource, _, rest = evidence.partition(" ")
        name = self.name_of(resource) if self.app.network.is_known(resource) else resource
        return evidence if name == resource else f"{name}: {rest} ({resource})"

    # -- incidents and alarms -----------------------------------------------------------------------------------------
    def incident_rows(self, *, is_open: bool | None = None) -> list[dict[str, Any]]:
        """Return incidents as lines of the list."""
        return [self.listed(each) for each in incidents(self.app) if is_open in {None, each.is_open}]

    def what_if(self, things: Sequence[str]) -> dict[str, Any]:
        """Return who is without service now, and who would be if these things failed too; nothing is stored."""
        network = self.app.network
        unknown = [name for name in things if not network.is_known(name)]
        cure = "use the name of a site or link"
        raise_if_any([Problem(f"there is no '{name}' in the network", cure) for name in unknown])
        dead, cut = self.app.failed_now()
        more_dead, more_cut = set(dead), set(cut)
        for name in things:
            thing = network.resolve(name)
            if thing.kind in {"node", "pair"}:
                more_dead.add(thing.at)
            elif thing.kind == "link":
                more_cut.add(thing.at)
            elif thing.kind == "group":
                more_cut.update(network.groups[thing.at].links)
            else:
                more_dead.update(network.feeder_nodes[network.feeder[thing.at]])
        before, after = impacts(network, [(sorted(dead), sorted(cut)), (sorted(more_dead), sorted(more_cut))])
        new = sorted(set(after.places) - set(before.places))
        return {
            "customers_without_service": after.customers, "more_customers": after.customers - before.customers,
            "n_places": len(after.places), "more_places": new[:N_SYMPTOMS], "n_more_places": len(new),
            "more_mbps": after.mbps - before.mbps,
            "circuits_down": [name for name in after.circuits_down if name not in before.circuits_down],
        }  # fmt: skip

    def listed(self, each: Incident) -> dict[str, Any]:
        """Return an incident as a line of the list."""
        plain = summary_of(each)
        plain["n_symptoms"] = len({*each.root_keys, *each.symptom_keys})
        plain["operator"] = self.operator_record(each)
        plain["position"] = self.position_of(each.root.object)
        plain["root"]["name"] = self.name_of(each.root.object)
        for name in ("cells_without_service", "protection_lost_for", "evidence", "root_keys", "notices", "prediction"):
            plain.pop(name, None)
        plain["forecast"] = [_short(step) for step in plain["forecast"]]
        return plain

    def operator_record(self, each: Incident) -> dict[str, str]:
        """Return what operators did about an incident: state, name and note."""
        found = self.app.alarm(alarm_key(each.incident_id, INCIDENT_TYPE))
        if found is None:
            return {"state": "none", "by": "", "note": ""}
        return {"state": found.operator_state, "by": found.operator, "note": found.operator_note}

    def story(self, incident_id: str) -> dict[str, Any]:
        """Return all that is known of one incident, with its symptoms."""
        each = self.incident(incident_id)
        plain = summary_of(each)
        keys = dict.fromkeys((*each.root_keys, *each.symptom_keys))
        found = [alarm for key in keys if (alarm := self.app.alarm(key)) is not None]
        found.sort(key=lambda alarm: (alarm.raised_s, alarm.key))
        plain["operator"] = self.operator_record(each)
        plain["n_symptoms"] = len(keys)
        plain["symptoms"] = [{**alarm_row(each), "name": self.name_of(each.resource)} for each in found[:N_SYMPTOMS]]
        plain["forecast"] = [_short(step) for step in plain["forecast"]]
        plain["protection_lost_for"] = [self.name_of(name) for name in each.protection_lost_for[:N_SYMPTOMS]]
        plain["evidence"] = [self.readable(text) for text in each.evidence]
        plain["actions"] = self.proposals(each)
        plain["action_words"] = self.proposal_words(each)
        plain["n_protection_lost_for"] = len(each.protection_lost_for)
        plain["cells_without_service"] = [self.place_name(name) for name in each.cells_without_service[:N_SYMPTOMS]]
        plain["position"] = self.position_of(each.root.object)
        plain["root"]["name"] = self.name_of(each.root.object)
        return plain

    def proposals(self, each: Incident) -> list[str]:
        """Return what to do about an incident: where a crew goes, which sites want a generator by when, the runbook."""
        return [PROPOSALS[key].format(**values) for key, values in self.proposal_words(each)]

    def proposal_words(self, each: Incident) -> list[tuple[str, dict[str, str]]]:
        """Return the same as the key of a sentence and what fills it, for a page in another language."""
        if not each.is_open:
            return []
        work = job_of(each, self.spot)
        found: list[tuple[str, dict[str, str]]] = []
        if work is not None:
            place = f"{work.lat_deg:.3f} N, {work.lon_deg:.3f} E"
            crew = {"name": self.name_of(each.root.object), "place": place, "hours": f"{work.repair_s / HOUR_S:g}"}
            found.append(("sendCrew", crew))
            for site in sorted(work.sites, key=lambda site: (site.dies_s, -site.n_customers))[:N_GENERATORS]:
                own = {
                    "name": self.name_of(site.site_id),
                    "time": clock_text(site.dies_s),
                    "n": f"{site.n_customers:,}",
                }
                found.append(("takeGenerator", own))
        return [*found, ("followRunbook", {"page": runbook(each.root.kind)})]

    def spot(self, resource: str) -> tuple[float, float] | None:
        """Return longitude and latitude of a thing as dispatch wants them."""
        at = self.position_of(resource)
        return None if at is None else (at[0], at[1])

    def alarm_rows(self, *, text: str = "", state: str = "open", limit: int = N_ALARMS) -> list[dict[str, Any]]:
        """Return alarms that contain a text: ``open``, ``all``, ``shelved`` or ``unknown``; the newest first."""
        low = text.lower()

        def is_wanted(alarm: Alarm) -> bool:
            if low and low not in f"{alarm.resource} {alarm.type} {alarm.source} {alarm.text}".lower():
                return False
            shelved = alarm.operator_state == "shelved"
            return {
                "open": not alarm.is_cleared and not shelved,
                "shelved": shelved,
                "unknown": not alarm.is_known,
                "all": True,
            }[state]

        if state not in {"open", "all", "shelved", "unknown"}:
            raise InputError(Problem(f"there is no state {state}", "use open, all, shelved or unknown"))
        found = sorted(filter(is_wanted, self.alarms()), key=lambda alarm: (-alarm.changed_s, alarm.key))
        return [alarm_row(alarm) for alarm in found[: max(limit, 0)]]

    def timeline(self, after: int, limit: int) -> dict[str, Any]:
        """Return events behind a position, or ``is_whole`` false where more was missed than is told at once."""
        newest = self.app.position
        first = max(after, newest - limit)
        rows = [
            {
                "position": position,
                "received_s": received_s,
                "name": self.name_of(event.resource),
                **event_row(event),
            }
            for position, received_s, event in self.app.journal.events(first, limit)
        ]
        return {"position": newest, "is_whole": first <= after, "events": rows}

    # -- actions ------------------------------------------------------------------------------------------------------
    def act_on_alarm(self, key: str, action: str, by: str, *, note: str = "", request: str = "") -> Appended:
        """Journal an operator's action on one alarm."""
        resource = self.alarm(key).resource
        return self._act(resource, action, by, note, request, alarm=key, **self._hidden(action, [key]))

    def act_on_incident(self, incident_id: str, action: str, by: str, *, note: str = "", request: str = "") -> Appended:
        """Journal an operator's action on an incident."""
        each = self.incident(incident_id)
        hidden = self._hidden(action, (*each.root_keys, *each.symptom_keys))
        return self._act(incident_id, action, by, note, request, alarm_type=INCIDENT_TYPE, **hidden)

    def hidden_by(self, action: str, keys: Iterable[str]) -> int:
        """Return how many open critical alarms an action hides; whoever acts is warned, and the journal keeps it."""
        if action not in HIDING:
            return 0
        found = (self.app.alarm(key) for key in dict.fromkeys(keys))
        return sum(each is not None and not each.is_cleared and each.severity == "critical" for each in found)

    def _hidden(self, action: str, keys: Iterable[str]) -> dict[str, str]:
        n = self.hidden_by(action, keys)
        return {"n_critical_hidden": str(n)} if n else {}

    def _act(self, resource: str, action: str, by: str, note: str, request: str, **fields: str) -> Appended:
        if action not in ACTIONS:
            raise InputError(Problem(f"there is no action {action}", f"use one of {', '.join(ACTIONS)}"))
        if action == "note" and not note.strip():
            raise InputError(Problem("the note is empty", "write what others should know"))
        own = {"action": action, **fields, **({"note": note} if note else {})}
        return self.app.operator(by, "operatorState", resource, key=request, **own)

    def clear_alarm(self, key: str, by: str) -> None:
        """Journal that an operator saw the alarm's cause gone."""
        self.act_on_alarms([key], "clear", by)

    def act_on_alarms(self, keys: Sequence[str], action: str, by: str, note: str = "") -> int:
        """Journal one action on many alarms as one batch, or their clearing; return the position after it."""
        told = {"action": action, **({"note": note} if note else {})}
        events = []
        for alarm in map(self.alarm, keys):
            own = (
                {"type": alarm.type, "qualifier": alarm.qualifier, "severity": "cleared", "text": f"cleared by {by}"}
                if action == "clear"
                else {"type": OPERATOR_TYPE, "severity": "indeterminate", "fields": {**told, "alarm": alarm.key}}
            )
            source, at_s = f"{OPERATOR_SOURCE}{by}", self.app.clock.now_s()
            events.append(Event(source=source, seq=self.app.next_seq(), at_s=at_s, resource=alarm.resource, **own))
        return self.app.ingest(events).position if events else self.app.position

    def create_alarm(self, given: dict[str, Any]) -> str:
        """Journal an alarm told over an API, and return its key."""
        if given["severity"] not in SEVERITIES:
            raise InputError(Problem(f"there is no severity {given['severity']}", f"use {', '.join(SEVERITIES)}"))
        if given["source"].startswith(OPERATOR_SOURCE):
            raise InputError(Problem(FORGED, "name the device or program as the source"))
        event = Event(seq=self.app.next_seq(), **given)
        self.app.ingest([event])
        return alarm_key(event.resource, event.type, event.qualifier)

    def maintenance(
        self, resource: str, from_s: float, to_s: float, by: str, note: str = "", *, request: str = ""
    ) -> Appended:
        """Journal a maintenance window on a thing and what hangs on it."""
        if not from_s < to_s:
            raise InputError(Problem("the window ends before it begins", "give from before to"))
        return self.app.operator(
            by,
            "maintenance",
            resource,
            key=request,
            action="open",
            from_s=f"{from_s:.3f}",
            to_s=f"{to_s:.3f}",
            note=note,
        )

    # -- listeners of TMF642 ------------------------------------------------------------------------------------------
    def load_hubs(self) -> None:
        """Take the listeners registered before from the journal."""
        for name, body in self.app.journal.marks().items():
            if name.startswith(HUBS) and body:
                self._set_hub(name.removeprefix(HUBS), json.loads(body))

    def _set_hub(self, hub_id: str, hub: dict[str, str]) -> None:
        self.hubs[hub_id] = hub
        name = f"{HUBS}{hub_id}"
        self.app.sender.channels[name] = Channel(name, "webhook", hub["callback"], allowed_hosts=self.allowed_hosts)

    def add_hub(self, callback: str, query: str) -> str:
        """Register a listener and return its identifier; :class:`InputError` where its host is not allowed."""
        target_of(callback, Allowed.of(self.allowed_hosts))
        hub_id = hashlib.blake2b(f"{callback} {query}".encode(), digest_size=ID_BYTES).hexdigest()
        hub = {"callback": callback, "query": query}
        with self._lock:
            self.app.journal.save(marks={f"{HUBS}{hub_id}": json.dumps(hub).encode()})
            self._set_hub(hub_id, hub)
        return hub_id

    def remove_hub(self, hub_id: str) -> bool:
        """Take a listener away; False where there is none."""
        with self._lock:
            if self.hubs.pop(hub_id, None) is None:
                return False
            self.app.journal.save(marks={f"{HUBS}{hub_id}": b""})
            self.app.sender.channels.pop(f"{HUBS}{hub_id}", None)
        return True

    # -- history ------------------------------------------------------------------------------------------------------
    def history(self, after: int = 0) -> Iterator[tuple[Any, ...]]:
        """Yield the columns :data:`HISTORY` of every event behind a position."""
        while stored := self.app.journal.events(after, PAGE):
            for position, received_s, event in stored:
                yield (
                    position, received_s, event.at_s, event.source, event.seq, event.resource, event.type,
                    event.qualifier, event.severity, event.text, json.dumps(event.fields, ensure_ascii=False),
                )  # fmt: skip
            after = stored[-1][0]

    def write_parquet(self, path: Path, after: int = 0) -> int:
        """Write the history as Parquet and return how many events it holds."""
        return write_history(self.history(after), path)


def _short(step: dict[str, Any]) -> dict[str, Any]:
    """Return a step of a forecast without the names of all that it takes."""
    return {name: value for name, value in step.items() if name not in {"sites", "places"}}


def format_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each of our own formats by name."""
    kinds = {"event": Event, "alarm": Alarm, "incident": Incident}
    return {name: msgspec.json.schema(kind) for name, kind in kinds.items()}


def clock_text(at_s: float) -> str:
    """Return the hour and minute of POSIX time, UTC.

    >>> clock_text(3_660)
    '01:01'
    """
    return f"{int(at_s) // 3600 % 24:02d}:{int(at_s) // 60 % 60:02d}"


def alarm_row(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as plain values, without the events kept with it."""
    names = (
        "key", "resource", "type", "qualifier", "severity", "is_cleared", "raised_s", "changed_s", "cleared_s",
        "n_raises", "is_flapping", "operator_state", "operator", "operator_note", "source", "text", "is_known",
    )  # fmt: skip
    return {name: getattr(alarm, name) for name in names}


def event_row(event: Event) -> dict[str, Any]:
    """Return an event as plain values."""
    return msgspec.to_builtins(event)  # type: ignore[no-any-return]


__all__ = ["ACTIONS", "HISTORY", "LiveView", "alarm_row", "event_row", "format_schemas", "write_history"]
