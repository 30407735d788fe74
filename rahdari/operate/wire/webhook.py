"""Webhooks: Prometheus Alertmanager (version 4 of its body), and events as any JSON body."""

from __future__ import annotations

from typing import Any

from rahdari.operate.events import Event
from rahdari.operate.wire import DecodeError
from rahdari.operate.wire.mapping import Mapper, named, seq_of
from rahdari.operate.wire.ndjson import Batch, checked, decode_body, each, strict_json
from rahdari.operate.wire.syslog import iso_time_s

VERSION, MAX_ALERTS = "4", 10_000
#: Labels that may name the resource, the first that is there.
RESOURCE_LABELS = ("resource", "object", "site", "instance", "host", "node", "job")
TEXTS = ("summary", "description", "message")
STATES = ("firing", "resolved")


def texts_of(held: object) -> dict[str, str]:
    """Return a JSON object of texts; anything else is refused."""
    if not isinstance(held, dict) or not all(isinstance(value, str) for value in held.values()):
        raise DecodeError("bad_event", "labels or annotations are not an object of texts")
    return held


def _alert_event(alert: object, source: str, mapper: Mapper) -> Event:
    if not isinstance(alert, dict) or alert.get("status") not in STATES:
        raise DecodeError("bad_event", "an alert is neither firing nor resolved")
    labels, notes = texts_of(alert.get("labels", {})), texts_of(alert.get("annotations", {}))
    name, mark, started = labels.get("alertname", "alert"), alert.get("fingerprint"), alert.get("startsAt")
    is_resolved = alert["status"] == "resolved"
    moment = alert.get("endsAt") if is_resolved else started
    at_s = iso_time_s(moment) if isinstance(moment, str) else None
    if at_s is None or not isinstance(mark, str) or not isinstance(started, str):
        raise DecodeError("bad_event", "an alert has no fingerprint or no time that can be read")
    resource = next((labels[label] for label in RESOURCE_LABELS if labels.get(label)), "unknown")
    severity = mapper.types.severity("label_severity", labels.get("severity", "").lower())
    fields = {f"label.{key}": text for key, text in labels.items()}
    fields |= {f"annotation.{key}": text for key, text in notes.items()} | {"fingerprint": mark}
    if isinstance(alert.get("generatorURL"), str):
        fields["generator"] = alert["generatorURL"]
    return checked(
        Event(
            source=source,
            seq=seq_of(mark, started, str(alert["status"]), str(moment)),
            at_s=at_s,
            resource=named(mapper.names, resource),
            type=name,
            severity="cleared" if is_resolved else severity,
            qualifier=mark,
            text=next((notes[key] for key in TEXTS if notes.get(key)), ""),
            fields=fields,
        )
    )


def alertmanager(body: bytes, mapper: Mapper, source: str = "alertmanager") -> Batch:
    """Return the events of one notification of Alertmanager: a firing alert raises, a resolved one clears.

    The fingerprint is the qualifier, so that a clear finds its raise; the sequence number is made of fingerprint, state
    and time, so that a notification repeated makes no second event.
    """
    held: Any = strict_json(body)
    if not isinstance(held, dict) or held.get("version") != VERSION or not isinstance(held.get("alerts"), list):
        cure = "send Alertmanager's own webhook body"
        raise DecodeError("bad_webhook", f"no Alertmanager notification of version {VERSION}", cure)
    if len(held["alerts"]) > MAX_ALERTS:
        raise DecodeError("too_many", f"{len(held['alerts'])} alerts in one notification", "set max_alerts")
    return each(enumerate(held["alerts"], 1), lambda alert: _alert_event(alert, source, mapper))


def generic(body: bytes) -> Batch:
    """Return the events of any other webhook: our own event as JSON, one or a list."""
    return decode_body(body)
