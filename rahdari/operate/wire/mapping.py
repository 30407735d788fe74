"""From decoded records to events: which alarm a trap or a log line tells, of which thing, how bad.

The tables are data (``alarm_types.csv``, then the user's own of the same columns, whose rows take the place of ours).
"""

from __future__ import annotations

import csv
import hashlib
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.operate.events import SEVERITIES, Event
from rahdari.operate.wire.ber import OCTETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rahdari.operate.wire.ber import Value
    from rahdari.operate.wire.snmp import Notification
    from rahdari.operate.wire.syslog import SyslogRecord

SHIPPED = Path(__file__).with_name("alarm_types.csv")
KINDS = ("trap", "syslog", "syslog_severity", "label_severity")
COLUMNS = ("kind", "match", "contains", "type", "severity", "part", "part_from", "source_id")
MAX_NAME, MAX_TEXT, MAX_FIELD, MAX_FIELDS = 256, 8192, 1024, 64
PARTS = (("source", MAX_NAME), ("resource", MAX_NAME), ("type", MAX_NAME), ("qualifier", MAX_NAME), ("text", MAX_TEXT))
SEQ_BITS = 53  # a number that JSON readers everywhere keep exactly
ALARM_DATA = "alarm"  # the structured data element of RFC 5674
WORD_END = frozenset(" \t,;:)]\"'")


class Rule(msgspec.Struct, frozen=True):
    """One row of the table of alarm types.

    ``match`` is a trap's object identifier or a log line's message, mnemonic or program.  ``contains`` narrows it: a
    value among a trap's bindings, or words of the line.  ``part`` begins the name of the part of the resource;
    ``part_from`` names the table entries whose index ends it, or the words of a line that stand before it.
    """

    kind: str
    match: str
    contains: str
    type: str
    severity: str
    part: str
    part_from: str
    source_id: str


def read_rules(path: Path) -> list[Rule]:
    """Return the rows of a table of alarm types; :class:`InputError` lists everything wrong with it."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise InputError(Problem("the columns differ", f"name them {', '.join(COLUMNS)}", str(path)))
        rows = list(reader)
    problems = []
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            problems.append(Problem("a row has too many or too few cells", "correct it", str(path), number))
        elif row["kind"] not in KINDS:
            problems.append(
                Problem(f"kind {row['kind']!r}", f"use one of {', '.join(KINDS)}", str(path), number, "kind")
            )
        elif row["severity"] not in SEVERITIES:
            cure = f"use one of {', '.join(SEVERITIES)}"
            problems.append(Problem(f"severity {row['severity']!r}", cure, str(path), number, "severity"))
    raise_if_any(problems)
    return [Rule(**row) for row in rows]


class AlarmTypes:
    """The rules by what they match; later rows take the place of earlier ones that match the same."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Index the rules."""
        self._rules: dict[tuple[str, str], dict[str, Rule]] = {}
        for rule in rules:
            self._rules.setdefault((rule.kind, rule.match), {})[rule.contains] = rule

    @classmethod
    def read(cls, *own: Path) -> AlarmTypes:
        """Return the shipped rules with the user's own over them."""
        return cls([rule for path in (SHIPPED, *own) for rule in read_rules(path)])

    def severity(self, kind: str, match: str) -> str:
        """Return the severity of a level or label; ``indeterminate`` where it is unknown."""
        found = self._rules.get((kind, match), {}).get("")
        return found.severity if found is not None else "indeterminate"

    def of_trap(self, trap_oid: str, values: Iterable[Value]) -> Rule | None:
        """Return the rule of a trap, the narrower one first."""
        rules = self._rules.get(("trap", trap_oid))
        if rules is None:
            return None
        if len(rules) > 1:
            for held in values:
                if isinstance(held, str) and held in rules:
                    return rules[held]
        return rules.get("")

    def of_line(self, names: Iterable[str], text: str) -> Rule | None:
        """Return the rule of a log line by its message, mnemonic or program, the longest words first."""
        for name in names:
            rules = self._rules.get(("syslog", name), {})
            for words in sorted(rules, key=lambda words: (-len(words), words)):
                if words in text:
                    return rules[words]
        return None


class Mapper(msgspec.Struct, frozen=True):
    """What turns records into events: alarm types, what addresses are called, and the receiver's own name.

    ``names`` gives an address (``10.0.0.1``) or a part of it (``10.0.0.1:if7``) the name of the network's thing.
    Where several receivers may hear one device, each has its ``receiver`` name, which ends the source: one source's
    numbers are given by one receiver.
    """

    types: AlarmTypes
    names: dict[str, str] = {}
    receiver: str = ""

    @property
    def suffix(self) -> str:
        """Return what ends the source of an event."""
        return f"@{self.receiver}" if self.receiver else ""


def read_names(path: Path) -> dict[str, str]:
    """Return the names in a CSV table of two columns, ``address`` and ``resource``."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != ("address", "resource"):
            raise InputError(Problem("the columns differ", "name them address, resource", str(path)))
        rows = list(reader)
    cure = "give each address one name"
    problems = [
        Problem("an address or its resource is missing", cure, str(path), number)
        for number, row in enumerate(rows, start=1)
        if not row["address"] or not row["resource"]
    ]
    raise_if_any(problems)
    return {row["address"]: row["resource"] for row in rows}


def text_of(held: Value) -> str:
    """Return a value of a trap as text: octets as UTF-8 where they are text, else as hexadecimal digits."""
    if isinstance(held, bytes):
        try:
            text = held.decode()
        except UnicodeDecodeError:
            return "0x" + held.hex()
        return text if "\0" not in text else "0x" + held.hex()
    return "" if held is None else str(held)


def named(names: Mapping[str, str], address: str, part: str = "") -> str:
    """Return the thing that an address, or a part of it, is called; the address itself where no name is known."""
    if not part:
        return names.get(address, address)
    whole = f"{address}:{part}"
    return names.get(whole) or f"{names.get(address, address)}:{part}"


def storable(text: str) -> str:
    r"""Return the text with NUL and halves of characters, which no database stores, written as ``\x00``, ``\ud800``."""
    if text.isascii():
        return text.replace("\0", "\\x00") if "\0" in text else text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def capped(event: Event) -> Event:
    """Return the event storable and with its texts no longer than the caps; ``fields["truncated"]`` counts the cut."""
    n_cut = max(len(event.fields) - MAX_FIELDS, 0)
    fields: dict[str, str] = {}
    for key, text in itertools.islice(event.fields.items(), MAX_FIELDS):
        n_cut += (len(key) > MAX_NAME) + (len(text) > MAX_FIELD)
        fields[storable(key[:MAX_NAME])] = storable(text[:MAX_FIELD])
    parts: dict[str, str] = {}
    for name, most in PARTS:
        text = getattr(event, name)
        n_cut += len(text) > most
        parts[name] = storable(text[:most])
    if n_cut:
        fields["truncated"] = str(n_cut)
    return Event(seq=event.seq, at_s=event.at_s, severity=event.severity, fields=fields, **parts)


def seq_of(*parts: str) -> int:
    """Return a number of 53 bits that the same parts always give: the sequence of a source that repeats itself."""
    mark = hashlib.blake2b(digest_size=8)
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        mark.update(len(content).to_bytes(8, "big") + content)
    return int.from_bytes(mark.digest(), "big") >> (64 - SEQ_BITS)


def _part_of_trap(rule: Rule, found: Notification) -> str:
    for entry in rule.part_from.split():
        for name, _, _held in found.bindings:
            if name.startswith(entry + "."):
                index = name[len(entry) + 1 :].partition(".")[2]
                if index:
                    return rule.part + index
    return "" if rule.part_from else rule.part


def trap_event(found: Notification, address: str, at_s: float, seq: int, mapper: Mapper) -> Event:
    """Return the event of a notification that came from ``address``.

    A trap no row knows keeps its object identifier as the type and is indeterminate; nothing is dropped.  The source is
    the address that sent the datagram, the resource the agent that the notification names.
    """
    rule = mapper.types.of_trap(found.trap_oid, (held for _, _, held in found.bindings))
    part = _part_of_trap(rule, found) if rule is not None else ""
    told = {
        "trap_oid": found.trap_oid, "version": found.version, "uptime_cs": str(found.uptime_cs),
        "enterprise": found.enterprise, "agent": found.agent, "user": found.user, "engine_id": found.engine_id.hex(),
        "context": text_of(found.context),
    }  # fmt: skip
    fields = {name: text for name, text in told.items() if text}
    fields |= {name: text_of(held) for name, _, held in found.bindings}
    texts = [text_of(held) for _, tag, held in found.bindings if tag == OCTETS]
    return capped(
        Event(
            source=f"snmp:{address}{mapper.suffix}",
            seq=seq,
            at_s=at_s,
            resource=named(mapper.names, found.agent or address, part),
            type=rule.type if rule is not None else found.trap_oid,
            severity=rule.severity if rule is not None else "indeterminate",
            text="; ".join(texts),
            fields=fields,
        )
    )


def _word_after(text: str, words: str) -> str:
    at = text.find(words)
    if not words or at < 0:
        return ""
    rest = text[at + len(words) :].lstrip()
    end = next((place for place, letter in enumerate(rest) if letter in WORD_END), len(rest))
    return rest[:end]


def line_event(record: SyslogRecord, address: str, at_s: float, seq: int, mapper: Mapper) -> Event:
    """Return the event of a log line that came from ``address`` at ``at_s``; its own time is used where it has one.

    The element ``alarm`` of RFC 5674 gives resource, severity and cause where it is there.
    """
    alarm = record.data.get(ALARM_DATA, {})
    rule = mapper.types.of_line((record.message_id, record.mnemonic, record.app), record.text)
    word = _word_after(record.text, rule.part_from) if rule is not None else ""
    part = rule.part + word if rule is not None and (word or not rule.part_from) else ""
    severity = mapper.types.severity("syslog_severity", str(record.severity))
    kind = record.message_id or record.mnemonic or record.app or "syslog"
    if rule is not None:
        severity, kind = rule.severity, rule.type or kind
    if alarm.get("perceivedSeverity", "").lower() in SEVERITIES:
        severity = alarm["perceivedSeverity"].lower()
    told = {
        "format": record.format, "facility": str(record.facility), "level": str(record.severity), "host": record.host,
        "app": record.app, "process": record.process, "message_id": record.message_id, "malformed": record.malformed,
    }  # fmt: skip
    fields = {name: text for name, text in told.items() if text}
    fields |= {f"{element}.{name}": text for element, pairs in record.data.items() for name, text in pairs.items()}
    resource = alarm.get("resource")
    return capped(
        Event(
            source=f"syslog:{address}{mapper.suffix}",
            seq=seq,
            at_s=at_s if record.at_s is None else record.at_s,
            resource=mapper.names.get(resource, resource)
            if resource
            else named(mapper.names, record.host or address, part),
            type=alarm.get("probableCause") or kind,
            severity=severity,
            text=record.text,
            fields=fields,
        )
    )
