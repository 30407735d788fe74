"""Notices about incidents: what is worth one, and channels that carry them at least once."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.error import HTTPError
from urllib.parse import urlsplit

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.sources.outbound import Allowed, host_of, opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

LOG = logging.getLogger("rahdari.operate")
STEPS = (1_000, 10_000, 100_000, 1_000_000)  # customers: each reached is worth a notice of its own
TIMEOUT_S = 10.0
MAX_REPLY_BYTES = 64 * 1024
KEY_HEADER = "Idempotency-Key"


class Subject(Protocol):
    """What a notice needs of an incident."""

    @property
    def incident_id(self) -> str:
        """Return its name."""
        ...

    @property
    def is_open(self) -> bool:
        """Return whether it lasts."""
        ...

    @property
    def customers_without_service(self) -> int:
        """Return how many have no service."""
        ...

    @property
    def notices(self) -> tuple[tuple[float, str], ...]:
        """Return when people are told of it, and why."""
        ...


@dataclass(frozen=True, slots=True)
class Channel:
    """Where notices go: ``webhook`` to ``url``, ``file`` as a line to ``path``, ``log`` to the program's log."""

    name: str
    kind: Literal["webhook", "file", "log"]
    url: str = ""
    path: Path | None = None
    allowed_hosts: tuple[str, ...] = ()


def channel_problems(channels: Sequence[Channel]) -> list[Problem]:
    """Return all that is wrong with channels: doubled names, addresses that are none, hosts that are not allowed."""
    names = [channel.name for channel in channels]
    found = [
        Problem(f"two channels are called {name}", "give each a name of its own")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    for channel in channels:
        if channel.kind == "webhook":
            host = host_of(channel.url)
            if urlsplit(channel.url).scheme not in {"http", "https"} or not host:
                found.append(Problem(f"channel {channel.name}: '{channel.url}' is no web address", "use http or https"))
            elif host not in Allowed.of(channel.allowed_hosts).names:
                what = f"channel {channel.name}: the host {host} is not allowed"
                found.append(Problem(what, "name it with --allow-host"))
        if channel.kind == "file" and channel.path is None:
            found.append(Problem(f"channel {channel.name} has no file", "give a path"))
    return found


def notices_of(
    incident: Subject, body: dict[str, Any], now_s: float, before: Subject | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield key and body of every notice that an incident has been worth so far.

    The incident says when it opened, overran or closed; that notice tells the customers of then.  Once it has been
    told, as ``before`` stood, the greatest step that it has passed since is told too.  The key is the same whenever
    the same thing is told again, so that the outbox holds it once, however often the reasoner comes back to it or the
    program is killed in between.
    """
    told = [what for at_s, what in incident.notices if at_s <= now_s]
    if told and incident.is_open and before is not None and before.notices:
        least, most = before.customers_without_service, incident.customers_without_service
        told += [f"reached-{step}" for step in STEPS if least < step <= most][-1:]
    for what in told:
        text = json.dumps({"what": what, **body}, ensure_ascii=False, allow_nan=False, default=str)
        yield f"{incident.incident_id}:{what}", text.encode()


class Sender:
    """Sends bodies over channels by name; what fails raises ``OSError`` and is tried again by the caller."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        """Keep the channels; :class:`InputError` with everything that is wrong with them."""
        own = list(channels)
        raise_if_any(channel_problems(own))
        self.channels = {channel.name: channel for channel in own}

    def send(self, name: str, key: str, body: bytes) -> None:
        """Carry one notice; a channel that is no longer configured raises ``OSError``."""
        channel = self.channels.get(name)
        if channel is None:
            msg = f"channel {name} is not configured"
            raise OSError(msg)
        if channel.kind == "webhook":
            _post(channel, key, body)
        elif channel.kind == "file" and channel.path is not None:
            with channel.path.open("ab") as file:
                file.write(body + b"\n")
                file.flush()
                os.fsync(file.fileno())
        else:
            LOG.info("notice %s: %s", key, body.decode())


def _post(channel: Channel, key: str, body: bytes) -> None:
    """Post to the configured address; redirects are not followed, anything but 2xx is a failure."""
    headers = {"Content-Type": "application/json", KEY_HEADER: key}
    try:
        with opened(
            channel.url, Allowed.of(channel.allowed_hosts), method="POST", body=body, headers=headers,
            timeout_s=TIMEOUT_S,
        ) as reply:  # fmt: skip
            reply.read(MAX_REPLY_BYTES)
            status = reply.status
    except HTTPError as error:
        status = error.code
    except HTTPException as error:
        msg = f"{host_of(channel.url)} answered what is no HTTP: {error}"
        raise OSError(msg) from error
    except InputError as error:
        raise OSError(str(error.problems[0])) from error
    if not 200 <= status < 300:  # noqa: PLR2004  # the range of success
        msg = f"{host_of(channel.url)} answered {status}"
        raise OSError(msg)


__all__ = ["KEY_HEADER", "Channel", "Sender", "channel_problems", "notices_of"]
