"""Log lines: real ones, the examples of the standards, framing on a stream, and hostile bytes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.operate.wire import DecodeError, syslog
from rahdari.operate.wire.mapping import AlarmTypes, Mapper, Rule, line_event
from rahdari.operate.wire.syslog import MAX_LINE, Framer
from tests.helpers.wire import captures

if TYPE_CHECKING:
    from pathlib import Path

NOW_S = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp()
MAPPER = Mapper(AlarmTypes.read(), {"mymachine": "A1"})
SENDER = "10.0.0.9"


@pytest.mark.shared
def test_captured_lines_say_what_their_sender_was_told_to_send(shared_folder: Path) -> None:
    held = captures(shared_folder)
    line, expected = syslog.decode(held["syslog_rfc5424_sd"]["data"], NOW_S), held["syslog_rfc5424_sd"]["expect"]
    assert (line.facility, line.severity) == (expected["facility"], expected["severity"])
    assert (line.app, line.message_id, line.text) == (expected["app"], expected["msgid"], expected["msg"])
    assert (line.data, line.format) == (expected["sd"], "rfc5424")
    assert syslog.decode(held["syslog_utf8_urdu"]["data"], NOW_S).text == "لاہور فائبر کٹ"


def test_the_examples_of_rfc_5424_are_read_as_it_says() -> None:
    one = syslog.decode(
        b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xef\xbb\xbf'su root' failed", NOW_S
    )
    assert (one.facility, one.severity, one.host, one.app) == (4, 2, "mymachine.example.com", "su")
    assert one.at_s == dt.datetime(2003, 10, 11, 22, 14, 15, 3000, tzinfo=dt.UTC).timestamp()
    assert (one.process, one.message_id, one.text) == ("", "ID47", "'su root' failed")
    two = syslog.decode(b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time", NOW_S)
    assert (two.process, two.message_id, two.text) == ("8710", "", "%% It's time")
    assert two.at_s == pytest.approx(dt.datetime(2003, 8, 24, 12, 14, 15, 3, tzinfo=dt.UTC).timestamp(), abs=1e-6)
    three = syslog.decode(
        b'<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" '
        b'eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]',
        NOW_S,
    )
    assert three.data["exampleSDID@32473"] == {"iut": "3", "eventSource": "Application", "eventID": "1011"}
    assert (three.data["examplePriority@32473"], three.text) == ({"class": "high"}, "")


def test_escapes_in_structured_data_are_undone_and_names_that_repeat_are_kept() -> None:
    line = syslog.decode(rb'<13>1 - - - - - [x a="q\"b\\c\]d\n" a="2"] text', NOW_S)
    assert line.data == {"x": {"a": 'q"b\\c]d\\n', "a.2": "2"}}
    assert (line.text, line.at_s) == ("text", None)


@pytest.mark.parametrize("given_data", ['[x a="1"', '[x a="1]', "[x a=1]", "[=]", "-x", "x"])
def test_structured_data_that_is_amiss_is_kept_as_text_and_marked(given_data: str) -> None:
    line = syslog.decode(f"<13>1 - h a - - {given_data} rest".encode(), NOW_S)
    assert (line.malformed, line.text, line.host) == ("structured_data", f"{given_data} rest", "h")


def test_the_examples_of_rfc_3164_are_read_as_it_says() -> None:
    one = syslog.decode(b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8", NOW_S)
    assert (one.facility, one.severity, one.host, one.app) == (4, 2, "mymachine", "su")
    assert one.text == "'su root' failed for lonvick on /dev/pts/8"
    assert one.at_s == dt.datetime(2026, 10, 11, 22, 14, 15, tzinfo=dt.UTC).timestamp()
    two = syslog.decode(b"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!", NOW_S)
    assert (two.host, two.app, two.text) == ("10.0.0.99", "", "Use the BFG!")
    assert syslog.decode(b"<13>text alone", NOW_S).text == "text alone"
    assert syslog.decode(b"<13>Nov 22 11:59:59 vm root[17]: cut\n", NOW_S).process == "17"


def test_a_time_without_a_year_is_of_the_nearest_year() -> None:
    january = dt.datetime(2027, 1, 1, 0, 0, 5, tzinfo=dt.UTC).timestamp()
    line = syslog.decode(b"<13>Dec 31 23:59:58 vm a: b", january)
    assert line.at_s == january - 7.0
    assert syslog.decode(b"<13>Feb 31 23:59:58 vm a: b", january).malformed == "timestamp"


def test_a_routers_line_names_its_message() -> None:
    text = "%LINK-3-UPDOWN: Interface Gi0/1, changed state to down"
    line = syslog.decode(f"<187>45: *Nov 22 11:00:00.123: {text}".encode(), NOW_S)
    assert (line.mnemonic, line.text, line.host) == ("LINK-3-UPDOWN", text, "")
    rules = [
        Rule("syslog", "LINK-3-UPDOWN", f"changed state to {state}", "linkDown", severity, "", "Interface ", "own")
        for state, severity in (("down", "major"), ("up", "cleared"))
    ]
    event = line_event(line, SENDER, NOW_S, 1, Mapper(AlarmTypes(rules)))
    assert (event.resource, event.type, event.severity) == ("10.0.0.9:Gi0/1", "linkDown", "major")
    again = syslog.decode(f"<189>46: *Nov 22 11:00:09.123: {text.replace('down', 'up')}".encode(), NOW_S)
    assert line_event(again, SENDER, NOW_S, 2, Mapper(AlarmTypes(rules))).severity == "cleared"


def test_levels_are_told_as_rfc_5674_maps_them() -> None:
    events = [line_event(syslog.decode(f"<{n}>x: y".encode(), NOW_S), SENDER, NOW_S, 1, MAPPER) for n in range(8)]
    assert [event.severity for event in events] == [
        "critical", "critical", "major", "minor", "warning", "indeterminate", "indeterminate", "indeterminate",
    ]  # fmt: skip
    assert {event.type for event in events} == {"x"}


def test_the_alarm_element_of_rfc_5674_gives_resource_cause_and_severity() -> None:
    data = b'[alarm resource="mymachine" probableCause="lossOfSignal" perceivedSeverity="cleared"]'
    event = line_event(syslog.decode(b"<13>1 - h a - - " + data, NOW_S), SENDER, NOW_S, 1, MAPPER)
    assert (event.resource, event.type, event.severity) == ("A1", "lossOfSignal", "cleared")


def test_hostile_text_is_kept_and_what_no_database_stores_is_written_out() -> None:
    hostile = "<b>\x1b[2J\u202e=cmd|'/c calc'!A1 لاہور\x00end"
    event = line_event(syslog.decode(b"<13>a: " + hostile.encode() + b"\xff", NOW_S), SENDER, NOW_S, 1, MAPPER)
    assert event.text == hostile.replace("\x00", "\\x00") + "\\xff"


@pytest.mark.parametrize("line", [b"", b"no priority", b"<192>x", b"<007>x", b"<>x", b"<13", b"<13>" + b"x" * MAX_LINE])
def test_a_line_without_priority_or_too_long_is_refused(line: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        syslog.decode(line, NOW_S)
    assert caught.value.reason in {"no_priority", "too_long"}


@given(st.binary(max_size=200))
def test_whatever_follows_a_priority_becomes_an_event(rest: bytes) -> None:
    event = line_event(syslog.decode(b"<13>" + rest, NOW_S), SENDER, NOW_S, 1, MAPPER)
    assert event.severity == "indeterminate"
    event.text.encode()


@given(st.text(st.sampled_from('[]="\\ a@-1\n'), max_size=60))
def test_structured_data_of_any_shape_is_read_or_marked(text: str) -> None:
    line = syslog.decode(b"<13>1 - h a - - " + text.encode(), NOW_S)
    assert line.data == {} or line.malformed == ""


LINES = st.lists(st.binary(min_size=1, max_size=80).map(lambda rest: b"<13>" + rest.replace(b"\n", b" ")), max_size=8)


@given(LINES, st.lists(st.integers(1, 40), min_size=1, max_size=50), st.lists(st.booleans(), min_size=8, max_size=8))
def test_frames_come_out_whole_however_the_stream_is_cut(
    lines: list[bytes], cuts: list[int], counted: list[bool]
) -> None:
    frames = [
        str(len(line)).encode() + b" " + line if is_counted else line + b"\n"
        for line, is_counted in zip(lines, counted, strict=False)
    ]
    stream, framer, found, at = b"".join(frames), Framer(), [], 0
    for n in cuts:
        found += framer.feed(stream[at : at + n])
        at += n
    found += framer.feed(stream[at:])
    assert found == lines
    assert framer.rest() == []


def test_frames_that_are_too_long_are_dropped_counted_and_do_not_stop_the_stream() -> None:
    framer = Framer()
    big = b"x" * (3 * MAX_LINE)
    found = framer.feed(str(len(big)).encode() + b" " + big[:100])
    found += framer.feed(big[100:] + b"<13>after a counted frame\n<" + big)
    found += framer.feed(big + b"\n<13>after a line\n")
    assert found == [b"<13>after a counted frame", b"<13>after a line"]
    assert framer.n_too_long == 2


def test_a_last_line_without_its_end_is_taken_and_half_a_counted_frame_is_not() -> None:
    framer = Framer()
    assert framer.feed(b"<13>last") == []
    assert framer.rest() == [b"<13>last"]
    framer = Framer()
    assert framer.feed(b"20 <13>half") == []
    assert framer.rest() == []


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_any_stream_is_split_and_never_crashes(pieces: list[bytes]) -> None:
    framer = Framer()
    found = [line for piece in pieces for line in framer.feed(piece)] + framer.rest()
    assert sum(map(len, found)) <= sum(map(len, pieces))
