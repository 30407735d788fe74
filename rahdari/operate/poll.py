"""Ask devices what traps may have failed to tell: the state of every interface, against the alarms that stand open.

Traps travel by UDP and can be lost; after a loss, or from time to time, the devices are read (IF-MIB, RFC 2863) and
what differs becomes events: raises that no trap told, and clears.  Nothing is ever written to a device.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
from gufo.snmp import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    DesKey,
    KeyExpansion,
    Md5Key,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    SnmpError,
    SnmpVersion,
)
from gufo.snmp import User as PollUser
from gufo.snmp.sync import SnmpSession

from rahdari.operate.events import Event
from rahdari.operate.wire.access import Device
from rahdari.operate.wire.mapping import capped, named, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from gufo.snmp.user import BaseAuthKey, BasePrivKey

    from rahdari.operate.alarms import Alarm
    from rahdari.operate.counters import Counters
    from rahdari.operate.receive import Options
    from rahdari.operate.wire.snmp_keys import User

IF_NAME, IF_ADMIN, IF_OPER = "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.7", "1.3.6.1.2.1.2.2.1.8"
ADMIN_UP, OPER_UP = 1, 1
OPER_DOWN = frozenset({2, 6, 7})  # down, notPresent, lowerLayerDown; testing, unknown and dormant say nothing sure
LINK_DOWN, SEVERITY, CLEARED = "linkDown", "major", "cleared"
N_AT_ONCE, MAX_INTERFACES = 16, 100_000
AUTH_KEYS: dict[str, type[BaseAuthKey]] = {
    "md5": Md5Key, "sha1": Sha1Key, "sha224": Sha224Key, "sha256": Sha256Key, "sha384": Sha384Key, "sha512": Sha512Key,
}  # fmt: skip
PRIVACY_KEYS: dict[str, type[BasePrivKey]] = {
    "des": DesKey, "aes128": Aes128Key, "aes192": Aes192Key, "aes256": Aes256Key,
    "aes192_cisco": Aes192Key, "aes256_cisco": Aes256Key,
}  # fmt: skip


class Interface(msgspec.Struct, frozen=True):
    """One row of the table of interfaces; ``is_up`` is none where the device is not sure."""

    index: int
    name: str
    is_wanted: bool
    is_up: bool | None


def _poll_user(user: User) -> PollUser:
    auth = AUTH_KEYS[user.auth](user.auth_password.encode()) if user.auth != "none" else None
    privacy = PRIVACY_KEYS[user.privacy](user.privacy_password.encode()) if user.privacy != "none" else None
    expansion = KeyExpansion.Cisco if user.privacy.endswith("_cisco") else KeyExpansion.Blumenthal
    return PollUser(user.name, auth_key=auth, priv_key=privacy, key_expansion=expansion)


def _column(session: SnmpSession, oid: str) -> dict[int, object]:
    found: dict[int, object] = {}
    for name, value in session.fetch(oid):
        found[int(name.rpartition(".")[2])] = value
        if len(found) > MAX_INTERFACES:
            raise SnmpError("a table without end")
    return found


def read_interfaces(device: Device) -> dict[int, Interface]:
    """Return the interfaces of a device by index; ``OSError``, ``TimeoutError`` or ``SnmpError`` where it fails."""
    user = None if device.user is None else _poll_user(device.user)
    version = SnmpVersion.v2c if user is None else SnmpVersion.v3
    session = SnmpSession(
        device.address,
        device.port,
        community=device.community,
        user=user,
        version=version,
        timeout=device.timeout_s,
    )
    with session:
        names, wanted, states = (_column(session, oid) for oid in (IF_NAME, IF_ADMIN, IF_OPER))
    found = {}
    for index, state in states.items():
        name = names.get(index, b"")
        is_up = True if state == OPER_UP else False if state in OPER_DOWN else None
        text = text_of(name) if isinstance(name, bytes) else str(name)
        found[index] = Interface(index, text, wanted.get(index) == ADMIN_UP, is_up)
    return found


def differences(
    address: str, interfaces: Iterable[Interface], open_down: Collection[str], at_s: float, options: Options
) -> list[Event]:
    """Return the events that bring the alarms of one device in line with its interfaces.

    ``open_down`` names the resources of the ``linkDown`` alarms that stand open.  An interface that should be up and
    is down raises; one that is up, or is switched off on purpose, clears.  Where the device is not sure nothing
    changes.
    ``at_s`` is when the poll began, so that a trap during the poll is newer.
    """
    events = []
    mapper = options.mapper
    for one in sorted(interfaces, key=lambda one: one.index):
        resource = named(mapper.names, address, f"if{one.index}")
        is_down = one.is_up is False and one.is_wanted
        is_fine = one.is_up is True or not one.is_wanted
        if is_down == (resource in open_down) or not (is_down or is_fine):
            continue
        events.append(
            capped(
                Event(
                    source=f"snmp:{address}{mapper.suffix}",
                    seq=options.sequencer.next(),
                    at_s=at_s,
                    resource=resource,
                    type=LINK_DOWN,
                    severity=SEVERITY if is_down else CLEARED,
                    text=one.name,
                    fields={"resynchronised": "poll", "if_index": str(one.index)},
                )
            )
        )
    return events


def resynchronise(
    devices: Sequence[Device],
    alarms: Iterable[Alarm],
    submit: Callable[[Sequence[Event]], object],
    *,
    counters: Counters,
    options: Options,
    now_s: Callable[[], float] = time.time,
) -> dict[str, str]:
    """Read every device, hand on what differs, and return by address what was wrong, or nothing where it went well.

    A device that cannot be read changes no alarm.
    """
    open_down = {alarm.resource for alarm in alarms if alarm.type == LINK_DOWN and not alarm.is_cleared}

    def one(device: Device) -> str:
        at_s = now_s()
        try:
            interfaces = read_interfaces(device)
        except (OSError, SnmpError, ValueError) as error:
            counters.add("rahdari_poll_total", outcome="failed")
            return str(error) or type(error).__name__
        counters.add("rahdari_poll_total", outcome="read")
        events = differences(device.address, interfaces.values(), open_down, at_s, options)
        for event in events:
            counters.add("rahdari_poll_missing_total", kind="clear" if event.severity == CLEARED else "raise")
        if events:
            submit(events)
        return ""

    with ThreadPoolExecutor(N_AT_ONCE) as pool:
        return dict(zip((device.address for device in devices), pool.map(one, devices), strict=True))


__all__ = ["Device", "Interface", "differences", "read_interfaces", "resynchronise"]
