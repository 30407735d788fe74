"""Traps and informs of SNMP versions 1 and 2c: real bytes, the names of RFC 3584, and hostile bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.operate.wire import DecodeError, ber, snmp
from rahdari.operate.wire.mapping import AlarmTypes, Mapper, read_names, read_rules, text_of, trap_event
from tests.helpers.wire import IF_INDEX, LINK_DOWN, LINK_UP, V1_TRAP, V2C_TRAP, captures, inform, trap

MAPPER = Mapper(AlarmTypes.read(), {"10.20.30.40": "A2", "10.0.0.9:if7": "L10:KHI-port"})
UPS_ALARM_ADDED, UPS_ALARM_GONE, UPS_ALARM = "1.3.6.1.2.1.33.2.3", "1.3.6.1.2.1.33.2.4", "1.3.6.1.2.1.33.1.6.2.1.2.1"
ON_BATTERY, LOW_BATTERY = "1.3.6.1.2.1.33.1.6.3.2", "1.3.6.1.2.1.33.1.6.3.3"
SENDER = "10.0.0.9"


@pytest.mark.shared
def test_captured_traps_say_what_their_sender_was_told_to_send(shared_folder: Path) -> None:
    held = captures(shared_folder)
    new = snmp.decode(held["v2c_linkDown"]["data"])
    told = {name.split(".")[-2]: value for name, _, value in new.bindings}
    assert (new.version, new.community, new.uptime_cs, new.trap_oid) == ("2c", b"public", 123456, LINK_DOWN)
    assert told == {"1": 7, "7": 1, "8": 2}
    old, expected = snmp.decode(held["v1_linkDown"]["data"]), held["v1_linkDown"]["expect"]
    assert (old.enterprise, old.agent) == (expected["enterprise"], expected["agentAddr"])
    assert (old.trap_oid, old.uptime_cs) == (expected["trapOID_per_RFC3584"], expected["sysUpTime"])
    text = trap_event(snmp.decode(held["v2c_xss_text"]["data"]), SENDER, 0.0, 1, MAPPER).text
    assert text == '<script>alert(1)</script>"; DROP TABLE alarm;--'


def test_a_trap_becomes_the_alarm_of_its_interface_on_the_agent_it_names() -> None:
    event = trap_event(snmp.decode(V1_TRAP), SENDER, 1.5, 9, MAPPER)
    assert (event.source, event.seq, event.at_s) == ("snmp:10.0.0.9", 9, 1.5)
    assert (event.resource, event.type, event.severity) == ("A2:if7", "linkDown", "major")
    assert trap_event(snmp.decode(V2C_TRAP), SENDER, 0.0, 1, MAPPER).resource == "L10:KHI-port"


def test_link_up_clears_what_link_down_raised() -> None:
    down, up = (trap_event(snmp.decode(trap(trap_oid=oid)), SENDER, 0.0, 1, MAPPER) for oid in (LINK_DOWN, LINK_UP))
    assert (down.resource, down.type, down.qualifier) == (up.resource, up.type, up.qualifier)
    assert (down.severity, up.severity) == ("major", "cleared")


def test_an_enterprise_trap_of_version_1_is_named_as_rfc_3584_says() -> None:
    body = (
        ber.encode_oid("1.3.6.1.4.1.32473.7"), ber.encode_value(ber.IP_ADDRESS, "0.0.0.0"),  # noqa: S104 -- no address
        ber.encode_integer(6), ber.encode_integer(99), ber.encode_integer(5, ber.TIME_TICKS), ber.encode(ber.SEQUENCE),
    )  # fmt: skip
    head = ber.encode_integer(0) + ber.encode(ber.OCTETS, b"public")
    found = snmp.decode(ber.encode(ber.SEQUENCE, head, ber.encode(snmp.TRAP_V1, *body)))
    assert (found.trap_oid, found.agent) == ("1.3.6.1.4.1.32473.7.0.99", "")
    event = trap_event(found, SENDER, 0.0, 1, MAPPER)
    assert (event.type, event.severity) == ("1.3.6.1.4.1.32473.7.0.99", "indeterminate")


def test_power_alarms_of_a_ups_are_told_apart_by_the_alarm_they_carry() -> None:
    events = [
        trap_event(snmp.decode(trap((UPS_ALARM, ber.OID, alarm), trap_oid=oid)), SENDER, 0.0, 1, MAPPER)
        for oid, alarm in ((UPS_ALARM_ADDED, ON_BATTERY), (UPS_ALARM_GONE, ON_BATTERY), (UPS_ALARM_ADDED, LOW_BATTERY))
    ]
    told = [(event.resource, event.type, event.severity) for event in events]
    assert told == [
        ("10.0.0.9:ups", "mainsFail", "major"), ("10.0.0.9:ups", "mainsFail", "cleared"),
        ("10.0.0.9:ups", "batteryLow", "critical"),
    ]  # fmt: skip
    unknown = trap((UPS_ALARM, ber.OID, "1.3.6.1.4.1.32473.1"), trap_oid=UPS_ALARM_ADDED)
    assert trap_event(snmp.decode(unknown), SENDER, 0.0, 1, MAPPER).type == "upsAlarm"


def test_hostile_text_is_kept_as_it_is_and_only_cut_in_length() -> None:
    hostile = "=1+1\x1b[31m\u202e<b>لاہور"
    found = snmp.decode(trap((IF_INDEX, ber.OCTETS, hostile.encode()), ("1.3.6.1.9", ber.OCTETS, b"x" * 9000)))
    event = trap_event(found, SENDER, 0.0, 1, MAPPER)
    assert event.fields[IF_INDEX] == hostile
    assert event.text.startswith(hostile)
    assert (len(event.text), len(event.fields["1.3.6.1.9"]), event.fields["truncated"]) == (8192, 1024, "2")


def test_octets_that_are_no_text_become_digits() -> None:
    assert text_of(b"\x00\x1b\x21") == "0x001b21"
    assert text_of(b"\xff\xfe") == "0xfffe"


def test_the_community_is_never_told() -> None:
    found = snmp.decode(trap(community=b"secret-word"))
    assert "secret-word" not in repr(found) + str(trap_event(found, SENDER, 0.0, 1, MAPPER))


def test_the_answer_to_an_inform_is_its_own_content_as_a_response() -> None:
    data = inform(77)
    answer = snmp.response(snmp.decode(data))
    at = data.index(bytes((snmp.INFORM,)))
    assert answer == data[:at] + bytes((snmp.RESPONSE,)) + data[at + 1 :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (V2C_TRAP + b"\x00", "trailing"),
        (V2C_TRAP[:-1], "truncated"),
        (snmp.encode_v2c(b"public", 0xA0, 1, []), "not_a_notification"),
        (snmp.encode_v2c(b"public", snmp.TRAP_V2, 1, []), "bad_trap"),
        (V2C_TRAP[:4] + b"\x05" + V2C_TRAP[5:], "bad_version"),
        (trap(*[(IF_INDEX, ber.NULL, None)] * 300), "too_many_bindings"),
    ],
)
def test_a_message_that_is_amiss_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        snmp.decode(data)
    assert caught.value.reason == reason


@given(st.binary(max_size=600))
def test_arbitrary_bytes_are_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(DecodeError):
        snmp.decode(data)


@given(st.sampled_from([V1_TRAP, V2C_TRAP]), st.lists(st.tuples(st.integers(0, 121), st.integers(0, 255)), min_size=1))
def test_changed_bytes_are_decoded_or_refused_and_never_crash(data: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(data)
    for at, octet in changes:
        changed[at % len(changed)] = octet
    try:
        event = trap_event(snmp.decode(bytes(changed)), SENDER, 0.0, 1, MAPPER)
    except DecodeError:
        return
    assert event.source == "snmp:10.0.0.9"


def test_the_rules_of_a_user_take_the_place_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    head = "kind,match,contains,type,severity,part,part_from,source_id\n"
    path.write_text(head + f"trap,{LINK_DOWN},,portDown,minor,port-,1.3.6.1.2.1.2.2.1,own\n", encoding="utf-8")
    event = trap_event(snmp.decode(V2C_TRAP), SENDER, 0.0, 1, Mapper(AlarmTypes.read(path)))
    assert (event.resource, event.type, event.severity) == ("10.0.0.9:port-7", "portDown", "minor")
    path.write_text(head + "trap,1.2,,a,bad,,,own\nnone,1.2,,a,major,,,own\ntrap,1.2\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_rules(path)
    assert [problem.row for problem in caught.value.problems] == [1, 2, 3]


def test_every_shipped_rule_names_its_source() -> None:
    rules = read_rules(Path(snmp.__file__).with_name("alarm_types.csv"))
    assert all(rule.source_id for rule in rules)
    assert len({(rule.kind, rule.match, rule.contains) for rule in rules}) == len(rules)


def test_names_of_things_are_read_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("address,resource\n10.0.0.1,A1\n10.0.0.1:if2,L3:A1-port\n", encoding="utf-8")
    assert read_names(path) == {"10.0.0.1": "A1", "10.0.0.1:if2": "L3:A1-port"}
    path.write_text("address,resource\n10.0.0.1,\n", encoding="utf-8")
    with pytest.raises(InputError, match="missing"):
        read_names(path)
