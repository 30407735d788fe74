"""Basic Encoding Rules (ITU-T X.690) as SNMP uses them: definite lengths, one octet of tag, everything bounded."""

from __future__ import annotations

from functools import lru_cache

from rahdari.operate.wire import DecodeError

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
IP_ADDRESS, COUNTER32, GAUGE32, TIME_TICKS, OPAQUE, COUNTER64, UNSIGNED32 = 0x40, 0x41, 0x42, 0x43, 0x44, 0x46, 0x47
NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_VIEW = 0x80, 0x81, 0x82
UNSIGNED = frozenset({COUNTER32, GAUGE32, TIME_TICKS, UNSIGNED32, COUNTER64})
EMPTY = frozenset({NULL, NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_VIEW})
LONG_FORM, MAX_LENGTH_OCTETS, MULTI_OCTET_TAG, IPV4_OCTETS = 0x80, 4, 0x1F, 4
MAX_INTEGER_OCTETS = 9  # 64 bits without a sign, after an octet of nought
MAX_OID_OCTETS, MAX_ARCS, MAX_ARC = 512, 128, 0xFFFFFFFF  # RFC 2578, 7.1.3: 128 arcs of 32 bits
FIRST_ARC_STEP, LAST_FIRST_ARC = 40, 2

Value = int | bytes | str | None


def head(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return the tag of the element at ``at`` and where its content starts and stops; it lies wholly before ``end``."""
    if at + 2 > end:
        raise DecodeError("truncated", "an element ends before its length")
    tag, length = data[at], data[at + 1]
    start = at + 2
    if length >= LONG_FORM:
        n_octets = length - LONG_FORM
        if not 0 < n_octets <= MAX_LENGTH_OCTETS:
            raise DecodeError("bad_length", "a length is indefinite or longer than four octets")
        if start + n_octets > end:
            raise DecodeError("truncated", "an element ends inside its length")
        length = int.from_bytes(data[start : start + n_octets], "big")
        start += n_octets
    if start + length > end:
        raise DecodeError("truncated", "an element is longer than what holds it")
    return tag, start, start + length


def expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Return where the content of the element at ``at`` starts and stops; it must carry ``tag``."""
    found, start, stop = head(data, at, end)
    if found != tag:
        raise DecodeError("bad_tag", f"tag 0x{found:02x} stands where 0x{tag:02x} belongs")
    return start, stop


def integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the INTEGER at ``at`` and where the next element starts."""
    start, stop = expect(data, at, end, INTEGER)
    if not 0 < stop - start <= MAX_INTEGER_OCTETS:
        raise DecodeError("bad_integer", f"an integer of {stop - start} octets")
    return int.from_bytes(data[start:stop], "big", signed=True), stop


def octets(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """Return the OCTET STRING at ``at`` and where the next element starts."""
    start, stop = expect(data, at, end, OCTETS)
    return data[start:stop], stop


@lru_cache(maxsize=16_384)
def oid_text(content: bytes) -> str:
    """Return the dotted text of the content octets of an OBJECT IDENTIFIER."""
    if not content or len(content) > MAX_OID_OCTETS or content[-1] & 0x80:
        raise DecodeError("bad_oid", "an object identifier is empty, too long or ends in the midst of an arc")
    arcs, arc, is_first_octet = [], 0, True
    for octet in content:
        if is_first_octet and octet == LONG_FORM:
            raise DecodeError("bad_oid", "an arc of an object identifier is padded")
        arc = arc << 7 | octet & 0x7F
        is_first_octet = octet < LONG_FORM
        if is_first_octet:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // FIRST_ARC_STEP, LAST_FIRST_ARC)
    arcs[:1] = [first, arcs[0] - FIRST_ARC_STEP * first]
    if len(arcs) > MAX_ARCS or max(arcs) > MAX_ARC:
        raise DecodeError("bad_oid", "an object identifier has too many arcs, or one beyond 32 bits")
    return ".".join(map(str, arcs))


def oid(data: bytes, at: int, end: int) -> tuple[str, int]:
    """Return the OBJECT IDENTIFIER at ``at`` as dotted text and where the next element starts."""
    start, stop = expect(data, at, end, OID)
    return oid_text(data[start:stop]), stop


def value(tag: int, content: bytes) -> Value:
    """Return the value of a variable binding: numbers, octets as bytes, names and addresses as text, else none."""
    if tag in {OCTETS, OPAQUE}:
        return content
    if tag == INTEGER or tag in UNSIGNED:
        if not 0 < len(content) <= MAX_INTEGER_OCTETS:
            raise DecodeError("bad_integer", f"an integer of {len(content)} octets")
        return int.from_bytes(content, "big", signed=tag == INTEGER)
    if tag == OID:
        return oid_text(content)
    if tag == IP_ADDRESS:
        if len(content) != IPV4_OCTETS:
            raise DecodeError("bad_address", f"an address of {len(content)} octets")
        return ".".join(map(str, content))
    if tag in EMPTY:
        if content:
            raise DecodeError("bad_length", "an empty value has content")
        return None
    raise DecodeError("bad_tag", f"a value has the unknown tag 0x{tag:02x}")


def encode(tag: int, *contents: bytes) -> bytes:
    """Return an element of ``tag`` around its contents, with the shortest length."""
    content = b"".join(contents)
    n = len(content)
    if n < LONG_FORM:
        return bytes((tag, n)) + content
    length = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes((tag, LONG_FORM | len(length))) + length + content


def encode_integer(number: int, tag: int = INTEGER) -> bytes:
    """Return a whole number in the fewest octets of two's complement."""
    return encode(tag, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def encode_oid(text: str) -> bytes:
    """Return an OBJECT IDENTIFIER given as dotted text of at least two arcs."""
    arcs = [int(arc) for arc in text.split(".")]
    content = bytearray()
    for arc in (arcs[0] * FIRST_ARC_STEP + arcs[1], *arcs[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | LONG_FORM)
        content += bytes(reversed(groups))
    return encode(OID, bytes(content))


def encode_value(tag: int, given: Value) -> bytes:
    """Return a value of a variable binding; the inverse of :func:`value`."""
    if isinstance(given, bytes):
        return encode(tag, given)
    if isinstance(given, int):
        return encode_integer(given, tag)
    if given is None:
        return encode(tag)
    return encode_oid(given) if tag == OID else encode(tag, bytes(int(part) for part in given.split(".")))
