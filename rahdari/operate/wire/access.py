"""Who may send: communities, users and networks, read from a file that only its owner can read."""

from __future__ import annotations

import hmac
import ipaddress
import stat
import tomllib
from typing import TYPE_CHECKING

import msgspec

from rahdari.errors import InputError, Problem
from rahdari.operate.wire.snmp_keys import User  # noqa: TC001 -- msgspec reads it when a file is read

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK = ("127.0.0.0/8", "::1/128")
MAPPED = "::ffff:"


def plain_address(address: str) -> str:
    """Return an address of IPv4 that came in the form of IPv6 as IPv4, without the scope of a link."""
    return address.removeprefix(MAPPED).partition("%")[0]


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device to read: by community (v2c), or as a user (v3), which is preferred."""

    address: str
    port: int = 161
    community: str = ""
    user: User | None = None
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        """Refuse a device without a way in."""
        if not self.community and self.user is None:
            raise InputError(Problem(f"device {self.address} has neither community nor user", "give it one"))

    def __repr__(self) -> str:
        """Return what may be shown: never a community."""
        return f"Device(address={self.address!r}, port={self.port}, user={self.user!r})"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver accepts.

    ``networks`` (prefixes) may send what proves nothing of its sender: syslog, and SNMP v1 and v2c with one of the
    ``communities``.  By default only this machine may, and no community is known.  ``users`` of SNMP v3 prove
    themselves and may send from anywhere.  ``devices`` are read after a loss, for what their traps no longer told.
    """

    communities: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    networks: tuple[str, ...] = LOOPBACK
    devices: tuple[Device, ...] = ()

    def __post_init__(self) -> None:
        """Refuse prefixes that are none, all at once."""
        problems = []
        for network in self.networks:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                problems.append(Problem(f"network {network!r}: {error}", "write a prefix such as 10.1.0.0/16"))
        if problems:
            raise InputError(problems)

    def __repr__(self) -> str:
        """Return what may be shown: never a community."""
        named = f"users={self.users!r}, networks={self.networks!r}, devices={self.devices!r}"
        return f"Access(n_communities={len(self.communities)}, {named})"

    def allows(self, address: str) -> bool:
        """Return whether an address lies in one of the networks."""
        try:
            one = ipaddress.ip_address(plain_address(address))
        except ValueError:
            return False
        return any(one in ipaddress.ip_network(network) for network in self.networks)

    def knows(self, community: bytes) -> bool:
        """Return whether a community is one of ours; the time it takes tells nothing."""
        return sum(hmac.compare_digest(one.encode(), community) for one in self.communities) > 0


def read_access(path: Path) -> Access:
    """Return what a TOML file allows; refuse one that others than its owner can read, for it holds secrets."""
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InputError(Problem("others can read this file of secrets", "chmod 600", str(path)))
        held = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(held, Access, strict=True)
    except (OSError, UnicodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InputError(Problem(f"cannot be read: {error}", "see the page for the integrator", str(path))) from error
