"""Alarms as TM Forum's alarm management API tells them (TMF642 v4.0.0): resources, filters, patches, hub.

An alarm's resource identifier is a digest of its own key, because a key holds whatever a device wrote.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from rahdari.errors import InputError, Problem
from rahdari.faces.web.live.gate import Actor, has_accounts
from rahdari.faces.web.live.replies import OrjsonResponse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rahdari.operate.alarms import Alarm
    from rahdari.service.operate import LiveView

Given = Annotated[dict[str, Any], Body()]
BASE = "/tmf-api/alarmManagement/v4"
SYSTEM = "rahdari"
MAX_PAGE = 1_000
ID_BYTES = 10
#: What an alarm's type is to X.733, from words within its name; else equipment.
WORDS = {
    "communicationsAlarm": ("los", "link", "adjacency", "unreachable", "bgp", "signal", "neighbour", "interface"),
    "environmentalAlarm": ("mains", "battery", "temperature", "door", "generator", "fuel", "power", "rectifier"),
    "qualityOfServiceAlarm": ("delay", "loss", "congestion", "threshold", "quality"),
    "processingErrorAlarm": ("software", "process", "memory", "cpu", "disk"),
}
CAUSES = {"communicationsAlarm": "communicationsSubsystemFailure", "environmentalAlarm": "powerProblems"}
STATES = {"raised", "updated", "cleared"}
ACKED = ("unacknowledged", "acknowledged")
PATCHED = {"ackState", "ackUserId", "ackSystemId", "state", "clearUserId", "clearSystemId", "comment"}


def stamp(at_s: float | None) -> str | None:
    """Return POSIX time as ISO 8601 in UTC; None stays None, and so does a time no calendar has.

    >>> stamp(0.5)
    '1970-01-01T00:00:00.500Z'
    """
    if at_s is None:
        return None
    try:
        return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None


def alarm_id(key: str) -> str:
    """Return the resource identifier of an alarm."""
    return hashlib.blake2b(key.encode(), digest_size=ID_BYTES).hexdigest()


def kind_of(alarm_type: str) -> str:
    """Return X.733's kind of an alarm type.

    >>> kind_of("batteryLow"), kind_of("LOS"), kind_of("fan")
    ('environmentalAlarm', 'communicationsAlarm', 'equipmentAlarm')
    """
    low = alarm_type.lower()
    return next((kind for kind, words in WORDS.items() if any(word in low for word in words)), "equipmentAlarm")


def resource_of(alarm: Alarm, roots: Mapping[str, str]) -> dict[str, Any]:
    """Return an alarm as TMF642's Alarm; ``roots`` gives the incident of each symptom key."""
    name, kind = alarm_id(alarm.key), kind_of(alarm.type)
    state = "cleared" if alarm.is_cleared else "updated" if alarm.changed_s > alarm.raised_s else "raised"
    found: dict[str, Any] = {
        "id": name, "href": f"{BASE}/alarm/{name}", "@type": "Alarm", "externalAlarmId": alarm.key,
        "sourceSystemId": alarm.source, "reportingSystemId": SYSTEM, "state": state,
        "alarmType": kind, "perceivedSeverity": "cleared" if alarm.is_cleared else alarm.severity,
        "probableCause": CAUSES.get(kind, "equipmentMalfunction"), "specificProblem": alarm.type,
        "alarmDetails": alarm.text, "alarmedObjectType": "resource",
        "alarmedObject": {"id": alarm.resource, "href": ""},
        "alarmRaisedTime": stamp(alarm.raised_s), "alarmChangedTime": stamp(alarm.changed_s),
        "alarmClearedTime": stamp(alarm.cleared_s) if alarm.is_cleared else None,
        "ackState": ACKED[alarm.operator_state in {"ack", "closed"}],
        "ackUserId": alarm.operator or None, "ackSystemId": SYSTEM if alarm.operator else None,
        "isRootCause": False, "comment": [],
    }  # fmt: skip
    if alarm.operator_note:
        found["comment"] = [{"comment": alarm.operator_note, "userId": alarm.operator, "systemId": SYSTEM}]
    if alarm.key in roots:
        found["correlatedAlarm"] = [{"id": roots[alarm.key], "href": f"/api/live/incidents/{roots[alarm.key]}"}]
    return {key: value for key, value in found.items() if value is not None}


def _selected(found: dict[str, Any], fields: str | None) -> dict[str, Any]:
    if not fields:
        return found
    wanted = {"id", "href", *(name.strip() for name in fields.split(","))}
    return {name: value for name, value in found.items() if name in wanted}


def fits(found: dict[str, Any], filters: Mapping[str, str]) -> bool:
    """Return whether every attribute has one of the values asked; a dot leads inside, a comma means or."""
    for path, wanted in filters.items():
        value: Any = found
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if value is None or text not in wanted.split(","):
            return False
    return True


def error(status: HTTPStatus, reason: str) -> Response:
    """Return TMF's error resource."""
    body = {"code": str(status.value), "reason": reason, "status": str(status.value), "@type": "Error"}
    return OrjsonResponse(body, status_code=status)


def notifications(
    hubs: Mapping[str, Mapping[str, str]], changed: Mapping[str, Alarm], roots: Mapping[str, str]
) -> Iterator[tuple[str, str, bytes]]:
    """Yield channel, key and body of what listeners hear of changed alarms."""
    for hub_id, hub in sorted(hubs.items()):
        filters = dict(part.split("=", 1) for part in hub.get("query", "").split("&") if "=" in part)
        for alarm in changed.values():
            if not alarm.n_raises:
                continue
            found = resource_of(alarm, roots)
            if not fits(found, filters):
                continue
            is_new = alarm.n_raises == 1 and len(alarm.told) == 1
            name = "AlarmCreateEvent" if is_new else "AlarmAttributeValueChangeEvent"
            key = f"{hub_id}:{found['id']}:{alarm.source}:{alarm.last_seq}:{alarm.operator_state}"
            body = {
                "eventId": key, "eventType": name, "eventTime": stamp(alarm.changed_s), "event": {"alarm": found}
            }  # fmt: skip
            yield f"hub:{hub_id}", key, json.dumps(body, ensure_ascii=False).encode()


def router(view: LiveView) -> APIRouter:
    """Return the routes of the API over one live network."""
    routes = APIRouter(prefix=BASE, tags=["TMF642"])

    def found(name: str) -> Alarm | None:
        return next((alarm for alarm in view.alarms() if alarm_id(alarm.key) == name), None)

    @routes.get("/alarm")
    def list_alarms(
        _actor: Actor, request: Request, fields: str | None = None, offset: int = 0, limit: int = 100
    ) -> Response:
        """List or find alarms; any attribute is a filter, ``fields`` chooses attributes."""
        asked = {k: v for k, v in request.query_params.items() if k not in {"fields", "offset", "limit"}}
        roots = view.incident_of_alarm()
        every = [each for alarm in view.alarms() if fits(each := resource_of(alarm, roots), asked)]
        page = every[max(offset, 0) : max(offset, 0) + min(max(limit, 1), MAX_PAGE)]
        heads = {"X-Total-Count": str(len(every)), "X-Result-Count": str(len(page))}
        status = HTTPStatus.OK if len(page) == len(every) else HTTPStatus.PARTIAL_CONTENT
        return OrjsonResponse([_selected(each, fields) for each in page], status_code=status, headers=heads)

    @routes.get("/alarm/{name}")
    def get_alarm(_actor: Actor, name: str, fields: str | None = None) -> Response:
        """Return one alarm."""
        alarm = found(name)
        if alarm is None:
            return error(HTTPStatus.NOT_FOUND, f"there is no alarm {name}")
        return OrjsonResponse(_selected(resource_of(alarm, view.incident_of_alarm()), fields))

    @routes.post("/alarm", status_code=HTTPStatus.CREATED)
    def create_alarm(_actor: Actor, body: Given) -> Response:
        """Create an alarm; it is an event of its source like any other."""
        key = view.create_alarm(_created(body))
        alarm = view.alarm(key)
        return OrjsonResponse(resource_of(alarm, view.incident_of_alarm()), status_code=HTTPStatus.CREATED)

    @routes.patch("/alarm/{name}")
    def patch_alarm(actor: Actor, request: Request, name: str, body: Given) -> Response:
        """Acknowledge, clear or comment an alarm (merge patch)."""
        alarm = found(name)
        if alarm is None:
            return error(HTTPStatus.NOT_FOUND, f"there is no alarm {name}")
        unknown = sorted(set(body) - PATCHED)
        if unknown:
            return error(HTTPStatus.BAD_REQUEST, f"these attributes cannot be changed: {', '.join(unknown)}")
        _patch(view, alarm, body, actor if has_accounts(request.app) else _named(body, actor))
        return OrjsonResponse(resource_of(view.alarm(alarm.key), view.incident_of_alarm()))

    @routes.post("/hub", status_code=HTTPStatus.CREATED)
    def register(_actor: Actor, body: Given) -> Response:
        """Register a listener; its host must be one that the operator allowed."""
        callback, asked = str(body.get("callback", "")), str(body.get("query") or "")
        hub_id = view.add_hub(callback, asked)
        own = {"id": hub_id, "callback": callback, "query": asked}
        return OrjsonResponse(own, status_code=HTTPStatus.CREATED, headers={"Location": f"{BASE}/hub/{hub_id}"})

    @routes.delete("/hub/{hub_id}", status_code=HTTPStatus.NO_CONTENT)
    def unregister(_actor: Actor, hub_id: str) -> Response:
        """Take a listener away."""
        if not view.remove_hub(hub_id):
            return error(HTTPStatus.NOT_FOUND, f"there is no listener {hub_id}")
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return routes


def _created(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return source, resource, type, severity, text and time of a create; :class:`InputError` with all it lacks."""
    needed = ("alarmType", "perceivedSeverity", "probableCause", "alarmedObject", "sourceSystemId", "alarmRaisedTime")
    lacking = [name for name in (*needed, "state") if not body.get(name)]
    thing = body.get("alarmedObject")
    problems = [Problem(f"the alarm has no {name}", "TMF642 demands it") for name in lacking]
    resource = thing.get("id") if isinstance(thing, dict) else None
    if thing and not resource:
        problems.append(Problem("alarmedObject has no id", "name the resource"))
    try:
        at_s = datetime.fromisoformat(str(body.get("alarmRaisedTime")))
    except ValueError:
        problems.append(Problem("alarmRaisedTime is no time", "write it like 2026-11-22T03:04:05Z"))
    if problems:
        raise InputError(problems)
    if at_s.tzinfo is None:
        at_s = at_s.replace(tzinfo=UTC)
    return {
        "source": str(body["sourceSystemId"]), "resource": str(resource),
        "type": str(body.get("specificProblem") or body["probableCause"]),
        "severity": "cleared" if body["state"] == "cleared" else str(body["perceivedSeverity"]).lower(),
        "text": str(body.get("alarmDetails") or ""), "at_s": at_s.timestamp(),
    }  # fmt: skip


def _named(body: Mapping[str, Any], actor: str) -> str:
    """Return who acts as a request says; nobody is asked who they are."""
    return str(body.get("ackUserId") or body.get("clearUserId") or actor)


def _patch(view: LiveView, alarm: Alarm, body: Mapping[str, Any], by: str) -> None:
    state, ack = body.get("state"), body.get("ackState")
    problems = []
    if state is not None and state != "cleared":
        problems.append(Problem(f"state cannot be set to '{state}'", "only 'cleared' can be set"))
    if ack is not None and ack not in ACKED:
        problems.append(Problem(f"ackState '{ack}' is unknown", f"use one of {', '.join(ACKED)}"))
    if problems:
        raise InputError(problems)
    comments = body.get("comment") or []
    for each in comments if isinstance(comments, list) else [comments]:
        text = str(each.get("comment", "")) if isinstance(each, dict) else str(each)
        view.act_on_alarm(alarm.key, "note", by, note=text)
    if ack is not None:
        view.act_on_alarm(alarm.key, "ack" if ack == ACKED[1] else "none", by)
    if state == "cleared":
        view.clear_alarm(alarm.key, by)


__all__ = ["BASE", "alarm_id", "fits", "kind_of", "notifications", "resource_of", "router", "stamp"]
