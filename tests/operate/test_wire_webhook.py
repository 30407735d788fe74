"""Webhooks, pushed telemetry, lines and files of events: what is right is taken, what is wrong is refused by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.operate.events import Event
from rahdari.operate.wire import DecodeError, ndjson, telemetry, webhook
from rahdari.operate.wire.files import read_events
from rahdari.operate.wire.mapping import AlarmTypes, Mapper, seq_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAPPER = Mapper(AlarmTypes.read(), {"10.0.0.1:9100": "A1", "10.0.0.1:Gi0/1": "L3:A1-port"})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([
            "alerts", "version", "status", "labels", "startsAt", "fingerprint", "resourceLogs", "scopeLogs",
            "logRecords",
            "attributes", "key", "value", "timeUnixNano", "severityNumber", "body", "values", "tags", "timestamp",
            "oper-status", "events", "source", "seq", "at_s", "resource", "type", "severity", "fields",
        ]),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip
LINE = b'{"source":"nms","seq":1,"at_s":2.5,"resource":"A2","type":"LOS","severity":"major"}'
BODIES: dict[str, Callable[[bytes], ndjson.Batch]] = {
    "alertmanager": lambda body: webhook.alertmanager(body, MAPPER),
    "generic": webhook.generic,
    "otlp": lambda body: telemetry.otlp_logs(body, 1.0, MAPPER),
    "gnmic": lambda body: telemetry.gnmic_events(body, MAPPER),
}


def alert(status: str = "firing", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
    ends = "0001-01-01T00:00:00Z" if status == "firing" else "2026-11-22T11:00:00.5Z"
    return {
        "status": status,
        "labels": {"alertname": "TargetDown", "severity": "page", "instance": "10.0.0.1:9100"},
        "annotations": {"summary": "<i>down</i>"},
        "startsAt": "2026-11-22T10:00:00Z",
        "endsAt": ends,
        "generatorURL": "http://prometheus/graph",
        "fingerprint": "c0ffee",
    } | changes


def body(*alerts: object, version: str = "4") -> bytes:
    return json.dumps({"version": version, "status": "firing", "alerts": alerts}).encode()


def test_a_firing_alert_raises_and_its_resolution_clears_the_same_alarm() -> None:
    fired, cleared = webhook.alertmanager(body(alert(), alert("resolved")), MAPPER).events
    assert (fired.resource, fired.type, fired.qualifier) == ("A1", "TargetDown", "c0ffee")
    assert (cleared.resource, cleared.type, cleared.qualifier) == ("A1", "TargetDown", "c0ffee")
    assert (fired.severity, cleared.severity, fired.text) == ("critical", "cleared", "<i>down</i>")
    assert cleared.at_s - fired.at_s == 3600.5
    assert fired.seq != cleared.seq


def test_a_notification_repeated_is_the_same_event_and_a_new_start_is_not() -> None:
    first, again, later = (
        webhook.alertmanager(body(alert(**changes)), MAPPER).events[0]
        for changes in ({}, {"annotations": {"summary": "still"}}, {"startsAt": "2026-11-22T12:00:00Z"})
    )
    assert (first.source, first.seq) == (again.source, again.seq)
    assert first.seq != later.seq


def test_an_alert_that_is_amiss_is_refused_and_the_others_are_taken() -> None:
    wrong = (alert(status="odd"), alert(labels=[1]), alert(startsAt="yesterday"), alert(fingerprint=None), 7)
    batch = webhook.alertmanager(body(*wrong, alert()), MAPPER)
    assert [refusal.number for refusal in batch.refused] == [1, 2, 3, 4, 5]
    assert len(batch.events) == 1
    for whole in (b"{}", b"[]", body(version="3"), b'{"version":"4","version":"4","alerts":[]}', b"\xff"):
        with pytest.raises(DecodeError):
            webhook.alertmanager(whole, MAPPER)


def test_any_json_may_bring_events_one_or_many() -> None:
    one = {"source": "nms", "at_s": "2026-11-22T10:00:00Z", "resource": "A2", "type": "LOS", "severity": "major"}
    single, listed = (
        webhook.generic(json.dumps(one).encode()),
        webhook.generic(json.dumps({"events": [one, {}]}).encode()),
    )
    assert single.events == listed.events
    assert [(refusal.number, refusal.reason) for refusal in listed.refused] == [(2, "bad_event")]
    numbered = webhook.generic(json.dumps(one | {"seq": 7, "fields": {"n": 1, "t": "x"}}).encode()).events[0]
    assert (numbered.seq, numbered.fields) == (7, {"n": "1", "t": "x"})


def test_a_log_record_of_opentelemetry_becomes_an_event() -> None:
    record = {
        "timeUnixNano": "1795341600500000000",
        "severityNumber": 17,
        "body": {"stringValue": "fibre cut"},
        "attributes": [
            {"key": "event.name", "value": {"stringValue": "LOS"}},
            {"key": "n", "value": {"intValue": "3"}},
        ],
    }
    about = {"attributes": [{"key": "host.name", "value": {"stringValue": "A4"}}]}
    held = {"resourceLogs": [{"resource": about, "scopeLogs": [{"logRecords": [record, {"severityNumber": 9}]}]}]}
    event, other = telemetry.otlp_logs(json.dumps(held).encode(), 5.0, MAPPER).events
    assert (event.source, event.resource, event.type, event.severity) == ("otlp:A4", "A4", "LOS", "major")
    assert (event.at_s, event.text, event.fields["n"]) == (1795341600.5, "fibre cut", "3")
    assert (other.at_s, other.severity) == (5.0, "indeterminate")
    assert telemetry.otlp_logs(json.dumps(held).encode(), 6.0, MAPPER).events[0] == event


def test_an_interface_that_gnmi_says_is_down_raises_and_up_clears() -> None:
    update = {
        "name": "ports",
        "timestamp": 1795341600500000000,
        "tags": {"source": "10.0.0.1:57400", "interface_name": "Gi0/1"},
        "values": {"/interfaces/interface/state/oper-status": "DOWN", "/interfaces/interface/state/counters/in": 7},
    }
    up = update | {"values": {"/interfaces/interface/state/oper-status": "UP"}}
    down, clear = telemetry.gnmic_events(json.dumps([update, up]).encode(), MAPPER).events
    assert (down.source, down.resource, down.type) == ("gnmi:10.0.0.1", "L3:A1-port", "linkDown")
    assert (down.severity, clear.severity, clear.resource) == ("major", "cleared", "L3:A1-port")


@pytest.mark.parametrize("kind", BODIES)
@given(held=JSON)
def test_json_of_any_shape_is_read_or_refused_and_never_crashes(kind: str, held: object) -> None:
    shaped = {"version": "4", "alerts": [held], "resourceLogs": [held], "values": {"oper-status": "UP"}, "tags": held}
    for given_body in (json.dumps(held).encode(), json.dumps(shaped).encode(), json.dumps([shaped, held]).encode()):
        try:
            batch = BODIES[kind](given_body)
        except DecodeError:
            continue
        msgspec.json.encode(batch.events)


@pytest.mark.parametrize("kind", BODIES)
@given(content=st.binary(max_size=100))
def test_bytes_that_are_no_json_are_refused(kind: str, content: bytes) -> None:
    with pytest.raises(DecodeError):
        BODIES[kind](b"{]" + content)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE[:-9], "not_json"),
        (LINE.replace(b"2.5", b"NaN"), "not_json"),
        (LINE.replace(b"2.5", b"1e300"), "bad_time"),
        (LINE.replace(b'"seq":1', b'"seq":1,"seq":2'), "duplicate_key"),
        (LINE[:-1] + b',"fields":{"a":"1","a":"2"}}', "duplicate_key"),
        (LINE.replace(b'"seq":1', b'"seq":-1'), "bad_seq"),
        (LINE.replace(b'"seq":1', b'"seq":"1"'), "bad_event"),
        (LINE.replace(b"major", b"severe"), "bad_severity"),
        (LINE.replace(b'"A2"', b'""'), "empty"),
        (LINE.replace(b"A2", b"A" * 300), "too_long"),
        (LINE.replace(b"A2", b"A" * 10_000_000), "too_long"),
        (LINE.replace(b'"source":"nms",', b""), "bad_event"),
        (b"[" * 50_000, "bad_event"),
        (LINE[:-1] + b',"x":' + b"[" * 50_000, "not_json"),
    ],
)
def test_a_line_that_is_amiss_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        ndjson.decode_line(line)
    assert caught.value.reason == reason


def test_words_that_look_like_keys_are_text() -> None:
    text = '"source": "seq": {"seq":1}'
    event = Event(
        source="seq", seq=1, at_s=0.0, resource="A", type="t", severity="minor", text=text, fields={"seq": '":'}
    )
    assert ndjson.decode_line(next(ndjson.encode_lines([event]))) == event


def test_numbers_made_of_content_stay_exact_everywhere() -> None:
    assert 0 <= seq_of("a", "b") < 2**53
    assert seq_of("a", "b") != seq_of("ab", "")


def test_a_file_of_lines_gives_its_events_and_the_numbers_of_what_it_refuses(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    long = b'{"text":"' + b"x" * 10_000_000 + b'"}'
    path.write_bytes(b"\n".join([LINE, b"", b"half a {", long, *[LINE] * 2000, b'{"source'[:5]]))
    batches = list(read_events(path))
    assert sum(len(batch.events) for batch in batches) == 2001
    told = [(refusal.number, refusal.reason) for batch in batches for refusal in batch.refused]
    assert told == [(3, "not_json"), (4, "too_long"), (2005, "not_json")]


def test_a_table_of_events_is_read_with_its_fields(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    head = "source,seq,at_s,resource,type,severity,text,field.duct\n"
    rows = [
        "nms,1,2.5,A2,LOS,major,=cmd(),D7",
        "nms,2,2026-11-22T10:00:00Z,A2,LOS,cleared,,",
        "nms,x,1,A2,LOS,major,,",
        "a,b",
    ]
    path.write_text(head + "\n".join(rows), encoding="utf-8")
    (batch,) = read_events(path)
    assert [(event.seq, event.text, event.fields) for event in batch.events] == [
        (1, "=cmd()", {"duct": "D7"}),
        (2, "", {}),
    ]
    assert [refusal.number for refusal in batch.refused] == [3, 4]
    path.write_text("source,seq\n", encoding="utf-8")
    with pytest.raises(InputError, match="columns missing"):
        list(read_events(path))
    with pytest.raises(InputError, match="ending"):
        list(read_events(tmp_path / "events.xml"))
