"""One datagram or line in, one event out, with the answer to send; the sockets are elsewhere."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import msgspec

from rahdari.operate.sequencer import Sequencer
from rahdari.operate.wire import DecodeError, snmp, syslog
from rahdari.operate.wire.access import Access
from rahdari.operate.wire.mapping import AlarmTypes, Mapper, line_event, trap_event
from rahdari.operate.wire.snmp_v3 import ReportError, Usm

if TYPE_CHECKING:
    from rahdari.operate.events import Event

    InformKey = tuple[str, int, bytes]

MAX_INFORMS, INFORM_S, MAX_ADDRESSES = 20_000, 600.0, 65_536


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the receivers of one process share: who may send, what things are called, and the giver of numbers."""

    access: Access = msgspec.field(default_factory=Access)
    mapper: Mapper = msgspec.field(default_factory=lambda: Mapper(AlarmTypes.read()))
    sequencer: Sequencer = msgspec.field(default_factory=Sequencer)


class Taken(msgspec.Struct, frozen=True):
    """What came of one datagram: the event, the answer, and the key of an inform that waits to be stored.

    With an event the answer is to be sent when the event is stored, else at once.
    """

    event: Event | None = None
    reply: bytes = b""
    inform: InformKey | None = None
    is_repeated: bool = False
    refused: str = ""


class Receiver(Protocol):
    """Turns what came from an address into an event; one thread uses it."""

    def take(self, data: bytes, address: str, now_s: float) -> Taken:
        """Return what came of it; :class:`DecodeError` where it is refused."""
        ...

    def stored(self, inform: InformKey, *, is_stored: bool) -> None:
        """Learn, from any thread, that an inform's event is stored, or could not be."""
        ...


class _Informs:
    """Informs of the last minutes: known and waiting (false), or stored (true)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[InformKey, tuple[bool, float]] = OrderedDict()

    def state(self, key: InformKey, now_s: float) -> bool | None:
        """Return whether an inform is stored, or none where it is new; then it waits from now on."""
        with self._lock:
            while self._known:
                oldest, (_, heard_s) = next(iter(self._known.items()))
                if heard_s > now_s - INFORM_S and len(self._known) < MAX_INFORMS:
                    break
                del self._known[oldest]
            found = self._known.get(key)
            if found is None:
                self._known[key] = (False, now_s)
            return None if found is None else found[0]

    def settle(self, key: InformKey, *, is_stored: bool) -> None:
        with self._lock:
            if not is_stored:
                self._known.pop(key, None)
            elif key in self._known:
                self._known[key] = (True, self._known[key][1])


class SnmpReceiver:
    """Receives traps and informs of all versions."""

    def __init__(self, options: Options, started_s: float) -> None:
        """Take what is shared; ``started_s`` begins a new life of this engine."""
        self._options, self._informs = options, _Informs()
        self._started_s, self._began_s = started_s, time.monotonic()
        self._usm = Usm(options.access.users, started_s, options.mapper.receiver or "rahdari")
        self._allows = lru_cache(maxsize=MAX_ADDRESSES)(options.access.allows)

    @property
    def engine_id(self) -> bytes:
        """Return the engine of which informs must know the name."""
        return self._usm.engine_id

    def _plain(self, data: bytes, address: str) -> snmp.Notification:
        if not self._allows(address):
            raise DecodeError("network", "SNMP v1 or v2c from a network that is not listed", "list it, or use v3")
        found = snmp.decode(data)
        if not self._options.access.knows(found.community):
            raise DecodeError("community", "a community that is not configured", "configure it, or correct the sender")
        return found

    def take(self, data: bytes, address: str, now_s: float) -> Taken:
        """Return the event of a notification; an inform that was told before is only answered again."""
        if snmp.version_of(data)[0] == snmp.V3:
            steady_s = self._started_s + time.monotonic() - self._began_s  # a clock that is set shuts no device out
            try:
                found = self._usm.read(data, steady_s)
            except ReportError as error:
                return Taken(reply=error.reply, refused=error.reason)
            reply = self._usm.response(data, found, steady_s) if found.pdu else b""
        else:
            found = self._plain(data, address)
            reply = snmp.response(found) if found.pdu else b""
        seq = self._options.sequencer.next()
        key = (address, found.request_id, found.pdu) if found.pdu else None
        if key is not None and (state := self._informs.state(key, now_s)) is not None:
            return Taken(reply=reply if state else b"", is_repeated=True)
        return Taken(trap_event(found, address, now_s, seq, self._options.mapper), reply, key)

    def stored(self, inform: InformKey, *, is_stored: bool) -> None:
        """Remember an inform as stored, or forget it so that its repetition is a new try."""
        self._informs.settle(inform, is_stored=is_stored)


class SyslogReceiver:
    """Receives log lines."""

    def __init__(self, options: Options) -> None:
        """Take what is shared."""
        self._options = options
        self._allows = lru_cache(maxsize=MAX_ADDRESSES)(options.access.allows)

    def allows(self, address: str) -> bool:
        """Return whether an address may send at all."""
        return self._allows(address)

    def take(self, data: bytes, address: str, now_s: float) -> Taken:
        """Return the event of one line."""
        if not self._allows(address):
            raise DecodeError("network", "syslog from a network that is not listed", "list it")
        record = syslog.decode(data, now_s)
        return Taken(line_event(record, address, now_s, self._options.sequencer.next(), self._options.mapper))

    def stored(self, inform: InformKey, *, is_stored: bool) -> None:
        """Do nothing: a log line is not answered."""
