"""SNMP notifications of versions 1 and 2c: bytes to :class:`Notification`, and the answer to an inform.

Version 1 traps are told as version 2 names them (RFC 3584, 3.1).  Version 3 stands in ``snmp_v3``.
"""

from __future__ import annotations

import msgspec

from rahdari.operate.wire import DecodeError, ber

V1, V2C, V3 = 0, 1, 3
TRAP_V1, INFORM, TRAP_V2, RESPONSE = 0xA4, 0xA6, 0xA7, 0xA2
MAX_BINDINGS = 256
SYS_UPTIME, TRAP_OID = "1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.1.1.4.1.0"
TRAP_ADDRESS, TRAP_ENTERPRISE = "1.3.6.1.6.3.18.1.3.0", "1.3.6.1.6.3.1.1.4.3.0"
STANDARD_TRAPS, ENTERPRISE_SPECIFIC = "1.3.6.1.6.3.1.1.5", 6
NO_ADDRESS = "0.0.0.0"  # noqa: S104 -- what a version 1 trap without an address says, bound to nothing
MAX_U32 = 0xFFFFFFFF

Binding = tuple[str, int, ber.Value]


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A trap or inform as it was sent.

    ``bindings`` are (object identifier, BER tag, value) without sysUpTime and snmpTrapOID; ``uptime_cs`` counts
    hundredths of a second.  ``agent`` is the address the notification names for its origin, or empty.  ``pdu`` holds
    the content of an inform, to be answered, and is empty for a trap.
    """

    version: str
    trap_oid: str
    uptime_cs: int
    request_id: int
    bindings: tuple[Binding, ...]
    community: bytes = b""
    agent: str = ""
    enterprise: str = ""
    pdu: bytes = b""
    user: str = ""
    engine_id: bytes = b""
    context: bytes = b""
    context_engine_id: bytes = b""

    def __repr__(self) -> str:
        """Return what may be shown: never the community."""
        return f"Notification(version={self.version!r}, trap_oid={self.trap_oid!r}, n_bindings={len(self.bindings)})"


def version_of(data: bytes) -> tuple[int, int, int]:
    """Return the version of an SNMP message, where its next element starts and where the message stops."""
    start, stop = ber.expect(data, 0, len(data), ber.SEQUENCE)
    if stop != len(data):
        raise DecodeError("trailing", f"{len(data) - stop} octets follow the message")
    version, at = ber.integer(data, start, stop)
    return version, at, stop


def bindings_of(data: bytes, at: int, end: int) -> list[Binding]:
    """Return the variable bindings of the list at ``at``, which ends its protocol data unit."""
    at, stop = ber.expect(data, at, end, ber.SEQUENCE)
    if stop != end:
        raise DecodeError("trailing", "something follows the list of bindings")
    found: list[Binding] = []
    head, expect, text, value = ber.head, ber.expect, ber.oid_text, ber.value
    while at < stop:
        start, after = expect(data, at, stop, ber.SEQUENCE)
        oid_start, oid_stop = expect(data, start, after, ber.OID)
        tag, start, at = head(data, oid_stop, after)
        if at != after:
            raise DecodeError("trailing", "a binding has more than a name and a value")
        found.append((text(data[oid_start:oid_stop]), tag, value(tag, data[start:at])))
        if len(found) > MAX_BINDINGS:
            raise DecodeError("too_many_bindings", f"more than {MAX_BINDINGS} variable bindings")
    return found


def _v1_trap(data: bytes, at: int, end: int, community: bytes) -> Notification:
    enterprise, at = ber.oid(data, at, end)
    tag, start, at = ber.head(data, at, end)
    agent = ber.value(tag, data[start:at])
    if tag != ber.IP_ADDRESS or not isinstance(agent, str):
        raise DecodeError("bad_tag", "a version 1 trap names no agent address")
    generic, at = ber.integer(data, at, end)
    specific, at = ber.integer(data, at, end)
    start, stop = ber.expect(data, at, end, ber.TIME_TICKS)
    uptime_cs = ber.value(ber.TIME_TICKS, data[start:stop])
    if not 0 <= generic <= ENTERPRISE_SPECIFIC or not 0 <= specific <= MAX_U32 or not isinstance(uptime_cs, int):
        raise DecodeError("bad_trap", f"generic trap {generic}, specific trap {specific}")
    is_specific = generic == ENTERPRISE_SPECIFIC
    trap_oid = f"{enterprise}.0.{specific}" if is_specific else f"{STANDARD_TRAPS}.{generic + 1}"
    return Notification(
        version="1",
        trap_oid=trap_oid,
        uptime_cs=uptime_cs,
        request_id=0,
        bindings=tuple(bindings_of(data, stop, end)),
        community=community,
        agent="" if agent == NO_ADDRESS else agent,
        enterprise=enterprise,
    )


def v2_notification(data: bytes, at: int, end: int, version: str, community: bytes = b"") -> Notification:
    """Return the SNMPv2-Trap or InformRequest at ``at`` (RFC 3416): sysUpTime.0, snmpTrapOID.0, then the rest."""
    tag, start, stop = ber.head(data, at, end)
    if tag not in {TRAP_V2, INFORM}:
        raise DecodeError("not_a_notification", f"a protocol data unit of tag 0x{tag:02x} is neither trap nor inform")
    if stop != end:
        raise DecodeError("trailing", "something follows the protocol data unit")
    request_id, at = ber.integer(data, start, stop)
    _, at = ber.integer(data, at, stop)
    _, at = ber.integer(data, at, stop)
    found = bindings_of(data, at, stop)
    if len(found) < 2 or found[0][0] != SYS_UPTIME or found[1][0] != TRAP_OID:  # noqa: PLR2004 -- the first two
        raise DecodeError("bad_trap", "sysUpTime.0 and snmpTrapOID.0 do not come first")
    uptime_cs, trap_oid = found[0][2], found[1][2]
    if not isinstance(uptime_cs, int) or not isinstance(trap_oid, str):
        raise DecodeError("bad_trap", "sysUpTime.0 is no number or snmpTrapOID.0 no name")
    agent = enterprise = ""
    for name, _, held in found[2:]:
        if name == TRAP_ADDRESS and isinstance(held, str) and held != NO_ADDRESS:
            agent = held
        elif name == TRAP_ENTERPRISE and isinstance(held, str):
            enterprise = held
    return Notification(
        version=version,
        trap_oid=trap_oid,
        uptime_cs=uptime_cs,
        request_id=request_id,
        bindings=tuple(found[2:]),
        community=community,
        agent=agent,
        enterprise=enterprise,
        pdu=data[start:stop] if tag == INFORM else b"",
    )


def decode(data: bytes) -> Notification:
    """Return the notification in one datagram of version 1 or 2c; :class:`DecodeError` for anything else."""
    version, at, stop = version_of(data)
    if version not in {V1, V2C}:
        raise DecodeError("bad_version", f"SNMP version number {version}")
    community, at = ber.octets(data, at, stop)
    if version == V2C:
        return v2_notification(data, at, stop, "2c", community)
    start, after = ber.expect(data, at, stop, TRAP_V1)
    if after != stop:
        raise DecodeError("trailing", "something follows the trap")
    return _v1_trap(data, start, stop, community)


def response(inform: Notification) -> bytes:
    """Return the answer to a version 2c inform: its own content, as a Response (RFC 3416, 4.2.7)."""
    body = ber.encode(RESPONSE, inform.pdu)
    return ber.encode(ber.SEQUENCE, ber.encode_integer(V2C), ber.encode(ber.OCTETS, inform.community), body)


def encode_bindings(bindings: list[Binding]) -> bytes:
    """Return a list of variable bindings."""
    pairs = (
        ber.encode(ber.SEQUENCE, ber.encode_oid(name), ber.encode_value(tag, held)) for name, tag, held in bindings
    )
    return ber.encode(ber.SEQUENCE, *pairs)


def encode_pdu(tag: int, request_id: int, bindings: list[Binding]) -> bytes:
    """Return a protocol data unit of version 2 without an error."""
    number = ber.encode_integer
    return ber.encode(tag, number(request_id), number(0), number(0), encode_bindings(bindings))


def encode_v2c(community: bytes, tag: int, request_id: int, bindings: list[Binding]) -> bytes:
    """Return a whole version 2c message."""
    pdu = encode_pdu(tag, request_id, bindings)
    return ber.encode(ber.SEQUENCE, ber.encode_integer(V2C), ber.encode(ber.OCTETS, community), pdu)
