"""Where a simulated storm goes: a file, a port that takes lines, or a server that takes posts."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from rahdari.errors import InputError, PlanError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rahdari.operate.events import Event

    Send = Callable[[list[Event]], object]

WAIT_S = 60.0
FILE_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, how fast, how much."""

    to: str | None
    out: Path | None
    rate_per_s: float
    speed: float | None
    limit: int | None


def play(folder: Path, event: str, seed: int, target: Target) -> dict[str, Any]:
    """Make the storm and deliver it; return how much of it."""
    from rahdari.operate.clock import SystemClock
    from rahdari.operate.simulate import deliver
    from rahdari.service.storms import storm_of

    if (target.to is None) == (target.out is None):
        raise InputError(Problem("a storm goes to one place", "give either --to or --out"))
    if target.rate_per_s <= 0.0 or (target.speed is not None and target.speed <= 0.0):
        raise InputError(Problem("rate and speed are above zero", "give --rate 2000, or leave them away"))
    with _opened(target) as (send, start_s, named):
        storm = storm_of(folder, event, seed=seed, run="" if target.out else _run(start_s))
        timed = islice(storm.events(start_s), target.limit)
        if target.out is not None:
            n_sent = _written(timed, send)
        else:
            n_sent = deliver(timed, send, SystemClock(), rate_per_s=target.rate_per_s, speed=target.speed)
    return {
        "event": event, "n_sent": n_sent, "n_deliveries": len(storm), "n_events": storm.n_events, "target": named,
        "seed": seed,
    }  # fmt: skip


def _run(start_s: float) -> str:
    return f"{int(start_s):x}"


def _written(timed: Iterator[tuple[float, Event]], send: Send) -> int:
    n = 0
    while piece := [event for _, event in islice(timed, FILE_BATCH)]:
        send(piece)
        n += len(piece)
    return n


@contextlib.contextmanager
def _opened(target: Target) -> Iterator[tuple[Send, float, str]]:
    """Yield what takes events, the time their clock starts at, and a name for the place."""
    from rahdari.operate.wire.ndjson import encode_lines

    if target.out is not None:
        with target.out.open("wb") as file:
            yield (lambda events: file.writelines(encode_lines(events))), 0.0, str(target.out)
        return
    to = str(target.to)
    if to.startswith(("http://", "https://")):
        from rahdari.faces.cli.operating import ask

        health = ask(to, "/api/live/health")

        def post(events: list[Event]) -> None:
            ask(to, "/events", b"".join(encode_lines(events)), kind="application/x-ndjson")

        yield post, float(health["now_s"]), to
        return
    with _Lines(to) as lines:
        yield lines.send, time.time(), to


def send_lines(address: str, events: list[Event]) -> None:
    """Send events to a HOST:PORT that takes lines, and wait until all are acknowledged."""
    with _Lines(address) as lines:
        lines.send(events)


class _Lines:
    """A connection that sends lines and waits for the last of them to be acknowledged."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise InputError(Problem(f"'{address}' is no HOST:PORT", "write it like 127.0.0.1:6514"))
        try:
            self._link = socket.create_connection((host, int(port)), timeout=WAIT_S)
        except OSError as error:
            raise InputError(
                Problem(f"nobody listens at {address}: {error}", "start the live network there")
            ) from error
        self._n_sent = self._n_acked = 0
        self._heard = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._heard:
            is_whole = self._heard.wait_for(lambda: self._n_acked >= self._n_sent, WAIT_S)
        self._link.close()
        self._reader.join()
        if not is_whole:
            what = f"{self._n_sent - self._n_acked:,} of {self._n_sent:,} lines were not acknowledged"
            raise PlanError(Problem(what, "send them again: what is known is not stored twice"))

    def send(self, events: list[Event]) -> None:
        from rahdari.operate.wire.ndjson import encode_lines

        try:
            self._link.sendall(b"".join(encode_lines(events)))
        except OSError as error:
            raise PlanError(Problem(f"the connection broke: {error}", "send again: nothing is stored twice")) from error
        self._n_sent += len(events)

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._link.makefile("rb") as lines:
            for line in lines:
                said = json.loads(line)
                with self._heard:
                    self._n_acked = max(self._n_acked, int(said.get("ack", 0)))
                    self._heard.notify_all()


__all__ = ["Target", "play", "send_lines"]
