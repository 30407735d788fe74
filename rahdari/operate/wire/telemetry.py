"""Pushed telemetry: logs of OpenTelemetry (OTLP/HTTP as JSON) and the event format of gNMIc."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rahdari.operate.events import SEVERITIES, Event
from rahdari.operate.wire import DecodeError
from rahdari.operate.wire.mapping import named, seq_of
from rahdari.operate.wire.ndjson import Batch, Refusal, checked, each, strict_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rahdari.operate.wire.mapping import Mapper

NANOSECONDS, LATEST_NS = 1e9, 1e19  # 64 bits end below the latter
#: The least severity number of each severity (OpenTelemetry, logs data model: FATAL 21, ERROR 17, WARN 13).
SEVERITY_NUMBERS = ((21, "critical"), (17, "major"), (13, "warning"))
RESOURCE_ATTRIBUTES = ("resource", "host.name", "service.instance.id", "service.name")
SEVERITY_ATTRIBUTE = "perceivedSeverity"
INTERFACE_TAGS = ("interface_name", "interface", "name")
OPER_STATUS = "oper-status"
UP, DOWN = frozenset({"UP"}), frozenset({"DOWN", "LOWER_LAYER_DOWN", "NOT_PRESENT"})  # openconfig-interfaces


def _object(held: object, what: str) -> dict[str, Any]:
    if not isinstance(held, dict):
        raise DecodeError("bad_telemetry", f"{what} is not a JSON object")
    return held


def _list(held: dict[str, Any], name: str) -> list[Any]:
    found = held.get(name, [])
    if not isinstance(found, list):
        raise DecodeError("bad_telemetry", f"{name} is not a list")
    return found


def _any_value(held: object) -> str:
    """Return an AnyValue of OTLP as text; lists and maps as their JSON."""
    if not isinstance(held, dict) or len(held) != 1:
        return ""
    kind, value = next(iter(held.items()))
    if kind in {"arrayValue", "kvlistValue"} or isinstance(value, bool | dict | list):
        return json.dumps(value)
    return str(value)


def _attributes(held: dict[str, Any]) -> dict[str, str]:
    pairs = [_object(one, "an attribute") for one in _list(held, "attributes")]
    return {str(pair.get("key", "")): _any_value(pair.get("value")) for pair in pairs}


def _moment_s(given: object) -> float | None:
    """Return POSIX seconds of a time in nanoseconds, a number or its digits; none where it is nought or no time."""
    if isinstance(given, str) and given.isascii() and given.isdigit():
        given = int(given) if len(given) < 20 else 0  # noqa: PLR2004 -- 64 bits have 19 or 20 digits
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < LATEST_NS:
        return None
    return given / NANOSECONDS


def _log_event(record: dict[str, Any], about: dict[str, str], received_s: float, mapper: Mapper) -> Event:
    own = _attributes(record)
    at_s = _moment_s(record.get("timeUnixNano")) or _moment_s(record.get("observedTimeUnixNano"))
    number = record.get("severityNumber", 0)
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    severity = next((name for least, name in SEVERITY_NUMBERS if is_number and number >= least), "indeterminate")
    if own.get(SEVERITY_ATTRIBUTE) in SEVERITIES:
        severity = own[SEVERITY_ATTRIBUTE]
    both = about | own
    resource = next((both[name] for name in RESOURCE_ATTRIBUTES if both.get(name)), "unknown")
    kind = record.get("eventName") or own.get("event.name") or "log"
    return checked(
        Event(
            source=f"otlp:{about.get('host.name') or about.get('service.name') or 'unknown'}",
            seq=seq_of(json.dumps(record, sort_keys=True), json.dumps(about, sort_keys=True)),
            at_s=received_s if at_s is None else at_s,
            resource=named(mapper.names, resource),
            type=str(kind),
            severity=severity,
            text=_any_value(record.get("body")),
            fields=both,
        )
    )


def _log_records(body: bytes) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    for group in _list(_object(strict_json(body), "the body"), "resourceLogs"):
        group = _object(group, "an entry of resourceLogs")  # noqa: PLW2901 -- the same, now known to be an object
        about = _attributes(_object(group.get("resource", {}), "a resource"))
        for scope in _list(group, "scopeLogs"):
            for record in _list(_object(scope, "an entry of scopeLogs"), "logRecords"):
                yield _object(record, "a log record"), about


def otlp_logs(body: bytes, received_s: float, mapper: Mapper) -> Batch:
    """Return the events of an ExportLogsServiceRequest as JSON; a request sent again gives the same events."""
    records = enumerate(list(_log_records(body)), 1)
    return each(records, lambda pair: _log_event(pair[0], pair[1], received_s, mapper))


def _status_events(update: dict[str, Any], mapper: Mapper) -> Iterator[Event]:
    tags = {str(name): str(held) for name, held in _object(update.get("tags", {}), "tags").items()}
    at_s = _moment_s(update.get("timestamp"))
    target = tags.get("source", "unknown").rpartition(":")[0] or tags.get("source", "unknown")
    part = next((tags[name] for name in INTERFACE_TAGS if tags.get(name)), "")
    for path, held in _object(update.get("values", {}), "values").items():
        status = str(held).rpartition(":")[2].upper()
        if not path.endswith(OPER_STATUS) or status not in UP | DOWN:
            continue
        if at_s is None:
            raise DecodeError("bad_time", "an update has no timestamp")
        yield checked(
            Event(
                source=f"gnmi:{target}",
                seq=seq_of(str(update["timestamp"]), path, json.dumps(tags, sort_keys=True), status),
                at_s=at_s,
                resource=named(mapper.names, target, part),
                type="linkDown",
                severity="cleared" if status in UP else "major",
                fields=tags | {"path": path, "status": status},
            )
        )


def gnmic_events(body: bytes, mapper: Mapper) -> Batch:
    """Return the events of gNMIc's event format: an interface's oper-status down raises, up clears.

    Counters and other values are measurements, no events, and make none.
    """
    held = strict_json(body)
    events: list[Event] = []
    refused: list[Refusal] = []
    for number, update in enumerate(held if isinstance(held, list) else [held], start=1):
        try:
            events.extend(_status_events(_object(update, "an update"), mapper))
        except DecodeError as error:
            refused.append(Refusal(number, error.reason, error.problems[0].what))
    return Batch(tuple(events), tuple(refused))
