"""Log lines of RFC 5424 and RFC 3164, and their framing on TCP (RFC 6587)."""

from __future__ import annotations

import datetime as dt
import re

import msgspec

from rahdari.operate.wire import DecodeError

MAX_LINE = 65_536
N_LEVELS, MAX_PRIORITY = 8, 191
MAX_COUNT_DIGITS = 7
BOM, NIL = b"\xef\xbb\xbf", "-"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PRIORITY = re.compile(rb"<(0|[1-9]\d{0,2})>")
HEADER = re.compile(rb"1 (\S{1,64}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) (?=\S)")
ELEMENT = re.compile(r'\[([^\s=\]"]{1,32})((?: [^\s=\]"]{1,32}="(?:[^"\\\]]|\\.)*")*) ?\]', re.DOTALL)
PAIR = re.compile(r' ([^\s=\]"]{1,32})="((?:[^"\\\]]|\\.)*)"', re.DOTALL)
ESCAPED = re.compile(r'\\(["\\\]])')
#: A time without a year, as RFC 3164 has it; some senders put a number, and a mark of an unset clock, before it.
OLD_TIME = re.compile(r"(?:\d{1,10}: )?[*.]?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?:? ")
ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\S{8,32}) ")
HOST = re.compile(r"([^\s:\[\]]{1,255}|\[?[0-9A-Fa-f:]{2,45}\]?) (?=\S)")
TAG = re.compile(r"([\w./@-]{1,48})(?:\[(\w{1,16})\])?: ?")
MNEMONIC = re.compile(r"%([A-Z0-9_]{1,32}(?:-[A-Z0-9_]{1,32}){0,2}-[0-7]-[A-Z0-9_]{1,48}): ")


class SyslogRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One log line: facility 0–23, severity 0–7 (0 is worst), and the rest as sent, empty where it says nothing.

    ``at_s`` is POSIX time, or none where the line gives no time that can be read.  ``data`` holds the structured data
    by element and name; a name that comes again gets ``.2``, ``.3``.  ``malformed`` says in a word what was amiss.
    """

    format: str
    facility: int
    severity: int
    at_s: float | None
    host: str = ""
    app: str = ""
    process: str = ""
    message_id: str = ""
    mnemonic: str = ""
    data: dict[str, dict[str, str]] = {}
    text: str = ""
    malformed: str = ""


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")


def iso_time_s(text: str) -> float | None:
    """Return the POSIX time of an RFC 3339 time with its offset, or none."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None


def _old_time_s(found: re.Match[str], received_s: float) -> float | None:
    """Return the POSIX time of a date without year and zone: UTC, in the year nearest to when it was received."""
    month, day, hour, minute, second = found.groups()
    if month not in MONTHS:
        return None
    year = dt.datetime.fromtimestamp(received_s, dt.UTC).year
    moments = []
    for one in (year - 1, year, year + 1):
        try:
            date = dt.datetime(
                one, MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=dt.UTC
            )
        except ValueError:
            continue
        moments.append(date.timestamp())
    return min(moments, key=lambda moment: abs(moment - received_s), default=None)


def structured_data(text: str) -> tuple[dict[str, dict[str, str]], int]:
    """Return the structured data at the start of ``text`` and where it ends; -1 where it is not well formed."""
    if text.startswith(NIL):
        return {}, 1 if text == NIL or text[1] == " " else -1
    data: dict[str, dict[str, str]] = {}
    at = 0
    while found := ELEMENT.match(text, at):
        pairs = data.setdefault(found[1], {})
        for name, escaped in PAIR.findall(found[2]):
            key, n = name, 1
            while key in pairs:
                n += 1
                key = f"{name}.{n}"
            pairs[key] = ESCAPED.sub(r"\1", escaped)
        at = found.end()
    is_whole = at > 0 and (at == len(text) or text[at] == " ")
    return (data, at) if is_whole else ({}, -1)


def _new(line: bytes, found: re.Match[bytes], priority: int) -> SyslogRecord:
    stamp, host, app, process, message_id = ("" if part == b"-" else _text(part) for part in found.groups())
    rest = line[found.end() :]
    text = _text(rest)
    data, end = structured_data(text)
    malformed = "" if end >= 0 else "structured_data"
    text = text[end + 1 :] if end >= 0 else text
    at_s = iso_time_s(stamp) if stamp else None
    if stamp and at_s is None:
        malformed = malformed or "timestamp"
    mnemonic = MNEMONIC.search(text)
    return SyslogRecord(
        format="rfc5424",
        facility=priority // N_LEVELS,
        severity=priority % N_LEVELS,
        at_s=at_s,
        host=host,
        app=app,
        process=process,
        message_id=message_id,
        mnemonic=mnemonic[1] if mnemonic else "",
        data=data,
        text=text.removeprefix("\ufeff"),
        malformed=malformed,
    )


def _old(line: bytes, priority: int, received_s: float) -> SyslogRecord:
    text, at_s, host, app, process = _text(line.removeprefix(BOM)), None, "", "", ""
    stamp = OLD_TIME.match(text)
    iso = None if stamp else ISO_TIME.match(text)
    if stamp:
        at_s, text = _old_time_s(stamp, received_s), text[stamp.end() :]
    elif iso:
        at_s, text = iso_time_s(iso[1]), text[iso.end() :]
    if (stamp or iso) and not text.startswith("%") and (found := HOST.match(text)):
        host, text = found[1], text[found.end() :]
    mnemonic = MNEMONIC.search(text)
    if found := TAG.match(text):
        app, process, text = found[1], found[2] or "", text[found.end() :]
    return SyslogRecord(
        format="rfc3164",
        facility=priority // N_LEVELS,
        severity=priority % N_LEVELS,
        at_s=at_s,
        host=host,
        app=app,
        process=process,
        mnemonic=mnemonic[1] if mnemonic else "",
        text=text,
        malformed="timestamp" if (stamp or iso) and at_s is None else "",
    )


def decode(line: bytes, received_s: float) -> SyslogRecord:
    """Return the record of one line; a line without a priority is refused, whatever else is odd is kept as text.

    ``received_s`` (POSIX) gives the year to a time of RFC 3164.
    """
    if len(line) > MAX_LINE:
        raise DecodeError("too_long", f"a log line of {len(line)} octets", f"send at most {MAX_LINE}")
    line = line.rstrip(b"\r\n\0")
    found = PRIORITY.match(line)
    if found is None or int(found[1]) > MAX_PRIORITY:
        raise DecodeError("no_priority", "a log line does not start with <0> to <191>")
    priority, rest = int(found[1]), line[found.end() :]
    if header := HEADER.match(rest):
        return _new(rest, header, priority)
    return _old(rest, priority, received_s)


class Framer:
    """Splits a TCP stream into lines: octet-counted where a frame starts with a digit, else ended by a line feed."""

    def __init__(self) -> None:
        """Start with nothing held."""
        self._held = bytearray()
        self._n_skip = 0
        self._is_skipping_line = False
        self.n_too_long = 0

    def _counted(self) -> tuple[int, int] | None:
        """Return where a counted frame starts and its length; (0, 0) where more is needed, none where it is a line."""
        head = bytes(self._held[: MAX_COUNT_DIGITS + 1])
        digits, blank, _ = head.partition(b" ")
        if not digits.isdigit() or digits.startswith(b"0"):
            return None
        if blank:
            return len(digits) + 1, int(digits)
        return (0, 0) if len(head) <= MAX_COUNT_DIGITS else None

    def _drop_skipped(self) -> None:
        if self._is_skipping_line:
            end = self._held.find(b"\n")
            self._is_skipping_line = end < 0
            del self._held[: len(self._held) if end < 0 else end + 1]
        n = min(self._n_skip, len(self._held))
        self._n_skip -= n
        del self._held[:n]

    def _next(self) -> bytes | None:
        if counted := self._counted():
            start, length = counted
            if length > MAX_LINE:
                self.n_too_long += 1
                self._n_skip = start + length
                self._drop_skipped()
                return b""
            if not start or len(self._held) < start + length:
                return None
            frame = bytes(self._held[start : start + length])
            del self._held[: start + length]
            return frame
        end = self._held.find(b"\n")
        if end < 0 and len(self._held) <= MAX_LINE:
            return None
        if end < 0 or end > MAX_LINE:
            self.n_too_long += 1
            self._is_skipping_line = True
            self._drop_skipped()
            return b""
        line = bytes(self._held[:end])
        del self._held[: end + 1]
        return line

    def feed(self, content: bytes) -> list[bytes]:
        """Return the lines that ``content`` completes; empty ones are left out."""
        self._held += content
        self._drop_skipped()
        lines = []
        while self._held and (line := self._next()) is not None:
            if line:
                lines.append(line)
        return lines

    def rest(self) -> list[bytes]:
        """Return a last line that the end of the stream ended; half a counted frame is no line."""
        is_line = bool(self._held) and self._counted() is None
        return [bytes(self._held)] if is_line else []
