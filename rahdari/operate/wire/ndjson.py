"""Events as JSON: one, a list, or one on each line (NDJSON); what is wrong is refused by itself, the rest is taken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from rahdari.operate.events import SEVERITIES, Event
from rahdari.operate.wire import DecodeError
from rahdari.operate.wire.mapping import MAX_NAME, capped, seq_of
from rahdari.operate.wire.syslog import iso_time_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_LINE = 65_536
MAX_SEQ = 2**63 - 1
LATEST_S = 253_402_300_800.0  # the year 10000, where dates end
KEYS = tuple(f'"{name}"'.encode() for name in Event.__struct_fields__)
REQUIRED = ("source", "at_s", "resource", "type", "severity")
DECODER = msgspec.json.Decoder(Event)


class Refusal(msgspec.Struct, frozen=True):
    """One event or line that was refused: its number, from 1, the reason in a word, and what was found."""

    number: int
    reason: str
    what: str


class Batch(msgspec.Struct, frozen=True):
    """What one message or piece of a file held."""

    events: tuple[Event, ...]
    refused: tuple[Refusal, ...] = ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DecodeError("duplicate_key", "a key stands twice in one object", "write each key once")
    return found


def _no_number(text: str) -> float:
    raise DecodeError("not_json", f"{text} is no number in JSON", "leave the value out")


def strict_json(content: bytes) -> Any:  # noqa: ANN401 -- whatever the JSON holds
    """Return what a JSON text holds; a key that stands twice, NaN and an infinity are refused."""
    try:
        return json.loads(content.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise DecodeError("not_json", f"not JSON: {error}", "send one JSON text in UTF-8") from None


def checked(event: Event) -> Event:
    """Return the event with its texts capped; refuse a severity, a time or an identity that cannot be."""
    if event.severity not in SEVERITIES:
        raise DecodeError("bad_severity", f"severity {event.severity[:MAX_NAME]!r}", f"use {', '.join(SEVERITIES)}")
    if not 0 <= event.seq <= MAX_SEQ:
        raise DecodeError("bad_seq", f"sequence number {event.seq}", "number from 0 to 2^63 - 1")
    if not -LATEST_S < event.at_s < LATEST_S:
        raise DecodeError("bad_time", f"time {event.at_s}", "give seconds of POSIX time")
    if not event.source or not event.resource or not event.type:
        raise DecodeError("empty", "a source, resource or type is empty", "name each")
    if max(len(event.source), len(event.resource), len(event.type), len(event.qualifier)) > MAX_NAME:
        raise DecodeError("too_long", "the name of a source, resource, type or qualifier", f"{MAX_NAME} at most")
    return capped(event)


def decode_line(line: bytes) -> Event:
    """Return the event on one line of NDJSON; :class:`DecodeError` where it is none."""
    if len(line) > MAX_LINE:
        raise DecodeError("too_long", f"a line of {len(line)} octets", f"send at most {MAX_LINE}")
    try:
        event = DECODER.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        reason = "bad_event" if isinstance(error, msgspec.ValidationError) else "not_json"
        raise DecodeError(reason, f"{error}", "see the schema of an event") from None
    n_keys = [line.count(key) for key in KEYS]
    if max(n_keys) > 1 or line.count(b'":') != sum(n_keys) + len(event.fields):  # seldom: then look exactly
        strict_json(line)
    return checked(event)


def each(parts: Iterable[tuple[int, Any]], decode: Callable[[Any], Event]) -> Batch:
    """Return the events of numbered parts; a part that cannot be decoded is refused by itself."""
    events, refused = [], []
    for number, part in parts:
        try:
            events.append(decode(part))
        except DecodeError as error:
            refused.append(Refusal(number, error.reason, error.problems[0].what))
    return Batch(tuple(events), tuple(refused))


def decode_lines(lines: Iterable[bytes], first: int = 1) -> Batch:
    """Return the events of lines numbered from ``first``; empty lines are passed over."""
    return each(((number, line) for number, line in enumerate(lines, first) if line.strip()), decode_line)


def of_object(given: object) -> Event:
    """Return the event of a JSON object already read, more lenient than a line.

    ``at_s`` may be a time of RFC 3339, and ``seq`` may be left out: it is then made from the content, so that the same
    object sent again is the same event.  Values of ``fields`` become text.
    """
    if not isinstance(given, dict):
        raise DecodeError("bad_event", "an event is not a JSON object", "see the schema of an event")
    values = dict(given)
    if missing := [name for name in REQUIRED if name not in values]:
        raise DecodeError("bad_event", f"{', '.join(missing)} missing", "see the schema of an event")
    if isinstance(values["at_s"], str):
        values["at_s"] = iso_time_s(values["at_s"])
    if isinstance(values.get("fields"), dict):
        values["fields"] = {
            str(name): held if isinstance(held, str) else json.dumps(held) for name, held in values["fields"].items()
        }
    values.setdefault("seq", seq_of(json.dumps(given, sort_keys=True)))
    try:
        return checked(msgspec.convert(values, Event))
    except (msgspec.ValidationError, UnicodeError, OverflowError) as error:
        raise DecodeError("bad_event", f"{error}", "see the schema of an event") from None


def decode_body(body: bytes) -> Batch:
    """Return the events of a JSON body: one event, a list of them, or ``{"events": [...]}``."""
    held = strict_json(body)
    if isinstance(held, dict) and isinstance(held.get("events"), list):
        held = held["events"]
    return each(enumerate(held if isinstance(held, list) else [held], 1), of_object)


def encode_lines(events: Iterable[Event]) -> Iterator[bytes]:
    """Yield the line of each event, with its line feed."""
    encoder = msgspec.json.Encoder()
    for event in events:
        yield encoder.encode(event) + b"\n"


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema of an event on a line: what :func:`decode_line` takes."""
    schema: dict[str, Any] = msgspec.json.schema(Event)["$defs"]["Event"]
    properties = schema["properties"]
    for name in ("source", "resource", "type"):
        properties[name] |= {"minLength": 1, "maxLength": MAX_NAME}
    properties["qualifier"] |= {"maxLength": MAX_NAME}
    properties["seq"] |= {"minimum": 0, "maximum": MAX_SEQ}
    properties["severity"] |= {"enum": list(SEVERITIES)}
    of_it = {key: held for key, held in schema.items() if key != "description"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | of_it
