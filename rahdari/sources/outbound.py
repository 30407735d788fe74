"""The one door through which anything is fetched or posted: named hosts alone, at addresses that are public.

A host has to be on the list, spelt as it is there.  Its name is resolved once, every address found has to be public,
and the connection goes to the very address that was checked: a name that changes its address in between changes
nothing.  Every redirect comes through the same door.  What is not public is reached only where the list holds the
address itself, which somebody typed: ``192.0.2.7``, or ``name=192.0.2.7``.  No proxy of the environment is used.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import socket
import ssl
import urllib.error
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
PORTS = {"https": 443, "http": 80}
TIMEOUT_S = 60.0
MAX_REDIRECTS = 5
REDIRECTS = (
    HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.SEE_OTHER, HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
)  # fmt: skip
NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")  # as the last part of a name: some systems read an address into it
#: Other nets lie hidden in these addresses, or they lead nowhere that is public.
VEILED = tuple(
    ipaddress.ip_network(net)
    for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "192.88.99.0/24", "::/96", "fec0::/10")
)
#: Never, even where somebody typed it: addresses of cloud metadata, of nobody, and of many.
NEVER = tuple(
    ipaddress.ip_network(net)
    for net in ("169.254.0.0/16", "fe80::/10", "0.0.0.0/8", "::/128", "224.0.0.0/4", "ff00::/8", "100.100.100.200/32",
                "fd00:ec2::254/128", "255.255.255.255/32")
)  # fmt: skip
CURE = "allow the host by its own name, at a public address; or allow NAME=ADDRESS for one of your own"


class RefusedError(PermissionError):
    """Where a name leads is not allowed; an ``OSError``, so that whoever sends tries again later or tells it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """The hosts that may be asked: by name, at public addresses; and addresses that somebody typed."""

    names: frozenset[str]
    pinned: Mapping[str, frozenset[Address]]

    @classmethod
    def of(cls, entries: Iterable[str]) -> Allowed:
        """Return the list of entries like ``data.example``, ``192.0.2.7`` and ``desk.example=192.0.2.7``."""
        names: set[str] = set()
        pinned: dict[str, frozenset[Address]] = {}
        for entry in entries:
            name, _, text = entry.strip().lower().partition("=")
            name = name.strip("[]")
            address = _address(text.strip("[]") or name)
            names.add(name)
            if address is not None:
                pinned[name] = pinned.get(name, frozenset()) | {address}
        return cls(frozenset(names), pinned)


def _address(text: str) -> Address | None:
    """Return an address written as its standard has it, ``None`` for anything else."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if getattr(found, "scope_id", None) else found


def _plain(address: Address) -> Address:
    """Return the IPv4 address within an IPv6 one that maps it."""
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def is_public(address: Address) -> bool:
    """Return whether an address is one of the open Internet.

    >>> [is_public(ipaddress.ip_address(a)) for a in ("1.1.1.1", "10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1")]
    [True, False, False, False]
    """
    plain = _plain(address)
    if any(plain in net for net in (*VEILED, *NEVER) if net.version == plain.version):
        return False
    return plain.is_global and not (plain.is_multicast or plain.is_reserved or plain.is_loopback or plain.is_private)


def target_of(url: str, allowed: Allowed) -> Target:
    """Return where an address leads; :class:`InputError` where it is none, is ambiguous, or its host is not allowed."""

    def refused(what: str) -> InputError:
        return InputError(Problem(f"'{url[:200]}' {what}", CURE))

    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        raise refused("is no web address: it holds what none can")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise refused("is no web address") from error
    if parts.scheme not in PORTS or not host:
        raise refused("is no web address; write it with https://")
    if "@" in parts.netloc:
        raise refused("names a user before its host")
    is_address = _address(host) is not None
    if not is_address and (NAME.fullmatch(host) is None or NUMBER.fullmatch(host.rsplit(".", 1)[-1])):
        raise refused("does not name a host by a plain name or address")
    if host not in allowed.names:
        raise refused(f"is on {host}, which is not allowed")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or PORTS[parts.scheme], path)


def addresses_of(target: Target, allowed: Allowed, resolve: Callable[..., Any] | None = None) -> list[Address]:
    """Return the addresses of a target; :class:`RefusedError` unless all of them may be asked."""
    found = []
    for row in (resolve or socket.getaddrinfo)(target.host, target.port, type=socket.SOCK_STREAM):
        address = _address(str(row[4][0]))
        pins = {_plain(each) for each in allowed.pinned.get(target.host, ())}
        is_pinned = address is not None and _plain(address) in pins and not _is_never(_plain(address))
        if address is None or not (is_pinned or (not pins and is_public(address))):
            msg = f"{target.host} leads to {row[4][0]}, which is not public"
            raise RefusedError(msg)
        found.append(address)
    if not found:
        msg = f"{target.host} has no address"
        raise RefusedError(msg)
    return list(dict.fromkeys(found))


def _is_never(address: Address) -> bool:
    return any(address in net for net in NEVER if net.version == address.version)


def _connected(target: Target, addresses: Iterable[Address], timeout_s: float) -> http.client.HTTPConnection:
    """Return a connection to one of the addresses that were checked; certificates are checked against the name."""
    error: OSError = RefusedError(f"{target.host} has no address")
    for address in addresses:
        try:
            plain = socket.create_connection((str(address), target.port), timeout=timeout_s)
        except OSError as fault:
            error = fault
            continue
        link: http.client.HTTPConnection
        if target.scheme == "https":
            try:
                plain = ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)
            except OSError:
                plain.close()
                raise
            link = http.client.HTTPSConnection(target.host, target.port, timeout=timeout_s)
        else:
            link = http.client.HTTPConnection(target.host, target.port, timeout=timeout_s)
        link.sock = plain
        return link
    raise error


@contextlib.contextmanager
def opened(
    url: str, allowed: Allowed, *, method: str = "GET", body: bytes | None = None,
    headers: Mapping[str, str] | None = None, timeout_s: float = TIMEOUT_S,
    resolve: Callable[..., Any] | None = None,
) -> Iterator[http.client.HTTPResponse]:  # fmt: skip
    """Yield the answer of a host that is allowed.

    Redirects are followed for GET alone, each through the same checks, and never from https to http.  Raises
    :class:`InputError` for an address that is not allowed, :class:`RefusedError` where its name leads to what is not
    public, ``urllib.error.HTTPError`` for an answer of 400 and above, other ``OSError`` and ``HTTPException`` for
    lines that break.
    """
    target = target_of(url, allowed)
    for _ in range(MAX_REDIRECTS + 1):
        with contextlib.ExitStack() as held:
            there = addresses_of(target, allowed, resolve)
            link = held.enter_context(contextlib.closing(_connected(target, there, timeout_s)))
            link.request(method, target.path, body, dict(headers or {}))
            answer = held.enter_context(link.getresponse())
            if answer.status in REDIRECTS and method == "GET":
                target, url = _next(url, answer.headers.get("Location", ""), target, allowed)
                continue
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise urllib.error.HTTPError(url, answer.status, answer.reason, answer.headers, None)
            yield answer
            return
    msg = f"{url} leads on more than {MAX_REDIRECTS} times"
    raise RefusedError(msg)


def _next(url: str, location: str, before: Target, allowed: Allowed) -> tuple[Target, str]:
    try:
        there = urljoin(url, location)
        target = target_of(there, allowed)
    except (InputError, ValueError) as error:
        msg = f"{before.host} leads on to what is not allowed: {location[:200]!r}"
        raise RefusedError(msg) from error
    if before.scheme == "https" and target.scheme != "https":
        msg = f"{before.host} leads on from https to {target.scheme}"
        raise RefusedError(msg)
    return target, there


def host_of(url: str) -> str:
    """Return the host that an address names, for somebody's own list; empty where it names none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


__all__ = ["Allowed", "RefusedError", "Target", "addresses_of", "host_of", "is_public", "opened", "target_of"]
