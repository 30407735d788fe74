"""Basic Encoding Rules: what is written is read back; what is amiss is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.operate.wire import DecodeError, ber

ARCS = st.lists(st.integers(0, 2**32 - 1), min_size=0, max_size=20)
NUMBERS = st.one_of(st.integers(0, 39).map(lambda arc: (1, arc)), st.integers(0, 2**31).map(lambda arc: (2, arc)))


@given(st.integers(-(2**63), 2**64 - 1))
def test_an_integer_is_read_back(number: int) -> None:
    data = ber.encode_integer(number)
    assert ber.integer(data, 0, len(data)) == (number, len(data))


@given(NUMBERS, ARCS)
def test_an_object_identifier_is_read_back(first: tuple[int, int], rest: list[int]) -> None:
    text = ".".join(map(str, (*first, *rest)))
    data = ber.encode_oid(text)
    assert ber.oid(data, 0, len(data)) == (text, len(data))


@given(st.binary(max_size=70_000))
def test_octets_of_any_length_are_read_back(content: bytes) -> None:
    data = ber.encode(ber.OCTETS, content)
    assert ber.octets(data, 0, len(data)) == (content, len(data))


def test_the_example_of_the_standard_is_written_as_the_standard_writes_it() -> None:
    assert ber.encode_oid("2.999.3") == bytes.fromhex("0603883703")  # X.690, 8.19.5


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"\x02", "truncated"),
        (b"\x02\x05\x00", "truncated"),
        (b"\x02\x80\x01\x00\x00", "bad_length"),
        (b"\x02\x85\x00\x00\x00\x00\x01\x01", "bad_length"),
        (b"\x02\x82\x01", "truncated"),
        (b"\x02\x84\xff\xff\xff\xff\x00", "truncated"),
        (b"\x02\x00", "bad_integer"),
        (b"\x02\x0a" + bytes(10), "bad_integer"),
        (b"\x04\x01\x00", "bad_tag"),
    ],
)
def test_an_integer_that_is_amiss_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        ber.integer(data, 0, len(data))
    assert caught.value.reason == reason


@pytest.mark.parametrize("content", [b"", b"\x2b\x80\x01", b"\x2b\x86", b"\x2b\x90\x80\x80\x80\x00", b"\x2b" * 200])
def test_an_object_identifier_that_is_amiss_is_refused(content: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        ber.oid_text(content)
    assert caught.value.reason == "bad_oid"


@pytest.mark.parametrize(
    ("tag", "content"), [(0x40, b"\x01"), (0x05, b"\x01"), (0x1F, b""), (0x30, b""), (0x45, b"\x01")]
)
def test_a_value_that_is_amiss_is_refused(tag: int, content: bytes) -> None:
    with pytest.raises(DecodeError):
        ber.value(tag, content)


@pytest.mark.parametrize(
    ("tag", "held"),
    [
        (ber.OCTETS, b"\x00\xff"), (ber.OID, "1.3.6"), (ber.IP_ADDRESS, "10.0.0.1"), (ber.COUNTER64, 2**64 - 1),
        (ber.GAUGE32, 2**32 - 1), (ber.NULL, None), (ber.NO_SUCH_OBJECT, None),
    ],
)  # fmt: skip
def test_each_kind_of_value_is_read_back(tag: int, held: ber.Value) -> None:
    data = ber.encode_value(tag, held)
    found, start, stop = ber.head(data, 0, len(data))
    assert (found, ber.value(found, data[start:stop])) == (tag, held)
