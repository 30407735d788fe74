"""What tests of the wire share: captured bytes, messages made by hand, and a place where events arrive."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from rahdari.operate.wire import ber, snmp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rahdari.operate.events import Event

LINK_DOWN, LINK_UP = "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.6.3.1.1.5.4"
IF_INDEX = "1.3.6.1.2.1.2.2.1.1.7"
#: A trap and a line as real programs sent them (snmptrap -v1 and -v2c, logger --rfc5424), shortened by nothing.
V1_TRAP = bytes.fromhex(
    "303a02010004067075626c6963a42d06082b0601040109010140040a141e280201020201004302022b"
    "3011300f060a2b060102010202010107020107"
)
V2C_TRAP = bytes.fromhex(
    "307802010104067075626c6963a76b02042189318a020100020100305d300f06082b06010201010300430301e2403017060a2b06010603"
    "010104010006092b0601060301010503300f060a2b060102010202010107020107300f060a2b060102010202010707020101300f060a2b"
    "060102010202010807020102"
)
DEADLINE_S = 20.0


def captures(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the real bytes and what they say, by name; ``data`` holds the bytes."""
    held = json.loads((folder / "validation" / "operate" / "wire_captures.json").read_text(encoding="utf-8"))
    return {one["name"]: one | {"data": bytes.fromhex(one["hex"])} for one in held}


def trap_bindings(trap_oid: str = LINK_DOWN, *more: snmp.Binding) -> list[snmp.Binding]:
    """Return the bindings of a trap."""
    first: list[snmp.Binding] = [(snmp.SYS_UPTIME, ber.TIME_TICKS, 42), (snmp.TRAP_OID, ber.OID, trap_oid)]
    return [*first, *(more or ((IF_INDEX, ber.INTEGER, 7),))]


def trap(*more: snmp.Binding, trap_oid: str = LINK_DOWN, community: bytes = b"public", number: int = 1) -> bytes:
    """Return a version 2c trap."""
    return snmp.encode_v2c(community, snmp.TRAP_V2, number, trap_bindings(trap_oid, *more))


def inform(number: int = 1, community: bytes = b"public") -> bytes:
    """Return a version 2c inform."""
    return snmp.encode_v2c(community, snmp.INFORM, number, trap_bindings())


class Arrivals:
    """Where a listener hands on its events; each batch is stored at once, or fails, or waits to be told."""

    def __init__(self, *, is_waiting: bool = False) -> None:
        self.events: list[Event] = []
        self.answers: list[Future[int]] = []
        self._is_waiting = is_waiting
        self._changed = threading.Condition()

    def submit(self, events: Sequence[Event]) -> Future[int]:
        answer: Future[int] = Future()
        with self._changed:
            self.events.extend(events)
            self.answers.append(answer)
            self._changed.notify_all()
        if not self._is_waiting:
            answer.set_result(len(events))
        return answer

    def wait(self, n: int) -> list[Event]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= n, DEADLINE_S), f"{len(self.events)} of {n} came"
            return list(self.events)


def until(is_so: Any) -> None:  # noqa: ANN401 -- any test of the moment
    """Return when something is so; fail after a while."""
    end = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
