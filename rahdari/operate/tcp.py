r"""Events over TCP, one JSON object a line, acknowledged when they are durable.

The lines of a connection are numbered from 1.  The listener answers with lines of JSON:

``{"ack": 17}``
    lines up to the 17th are answered for: their events are durable, or were refused by an error line before this one;
``{"line": 5, "error": "not_json", "what": "..."}``
    the fifth line was refused, by itself; the connection goes on;
``{"wait": "..."}``
    the journal cannot store now; the listener keeps the lines and tries again.

A sender that is cut off sends again whatever was not acknowledged: an event is stored once however often it comes.
Where the journal is slower than the senders, the listener stops reading and TCP makes them wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from bisect import insort
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, cast

import msgspec

from rahdari.errors import InputError, Problem
from rahdari.operate.alarms import OPERATOR_SOURCE
from rahdari.operate.counters import Counters
from rahdari.operate.journal import JournalError
from rahdari.operate.wire import FORGED, DecodeError
from rahdari.operate.wire.access import plain_address
from rahdari.operate.wire.ndjson import MAX_LINE, decode_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from ssl import SSLContext

    from rahdari.operate.events import Event
    from rahdari.operate.journal import Appended
    from rahdari.operate.pipeline import Pipeline

MAX_UNACKED_BYTES = 64 * 2**20  # of all connections together, held in memory
TRY_AGAIN_S, REFUSED_WAIT_S, CLOSE_S = 0.005, 0.5, 10.0
WHAT_CHARACTERS = 200  # of a refusal, told to the sender
LISTENER = "tcp"
ENCODE = msgspec.json.Encoder().encode


class _Chunk:
    """Lines that are answered for together; ``events`` are those of them that are being stored."""

    __slots__ = ("events", "is_done", "last_line", "n_bytes", "numbers")

    def __init__(self, last_line: int, n_bytes: int, events: list[Event], numbers: list[int]) -> None:
        self.last_line, self.n_bytes, self.events, self.numbers = last_line, n_bytes, events, numbers
        self.is_done = not events

    def alone(self) -> list[_Chunk]:
        """Return one chunk for each event; the last answers for all lines."""
        parts = [_Chunk(number, 0, [event], [number]) for event, number in zip(self.events, self.numbers, strict=True)]
        parts[-1].last_line, parts[-1].n_bytes = self.last_line, self.n_bytes
        return parts


class _Connection(asyncio.Protocol):
    """One sender: splits lines, hands events on, answers in the order of lines."""

    def __init__(self, listener: TcpListener) -> None:
        self._listener, self._buffer, self._is_skipping = listener, bytearray(), False
        self._n_lines = 0
        self._unanswered: deque[_Chunk] = deque()
        self._to_offer: list[_Chunk] = []
        self._not_before_s = 0.0
        self._is_choked = self._is_paused = self._is_ending = self._is_lost = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._listener.opened(self)
        if not self._listener.allows(plain_address(str(transport.get_extra_info("peername", ("",))[0]))):
            self._listener.count("refused", 1, "network")
            self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget what was not handed on: the sender has no acknowledgement of it and sends it again."""
        self._is_lost = True
        if self._buffer:
            self._listener.count("refused", 1, "half_line")
        self._listener.n_unacked_bytes -= sum(chunk.n_bytes for chunk in self._unanswered)
        self._unanswered.clear()
        self._to_offer.clear()
        self._listener.closed(self)

    def eof_received(self) -> bool:
        """Answer for what came before a sender closed its side."""
        self.stop_reading()
        return not self._listener.is_encrypted

    def pause_writing(self) -> None:
        """Stop reading while the sender does not read its answers."""
        self._is_choked = True
        self.pump()

    def resume_writing(self) -> None:
        self._is_choked = False
        self.pump()

    def data_received(self, data: bytes) -> None:
        self._listener.count("bytes", len(data))
        if self._is_skipping:
            at = data.find(b"\n")
            if at < 0:
                return
            self._is_skipping, data = False, data[at + 1 :]
        self._buffer += data
        end = self._buffer.rfind(b"\n") + 1
        if end:
            block = bytes(self._buffer[:end])
            del self._buffer[:end]
            self._take(block)
        if len(self._buffer) > MAX_LINE:
            # Refused before its end is seen: the memory of a line is bounded.
            self._n_lines += 1
            self._refuse(self._n_lines, "too_long", f"a line of more than {MAX_LINE} octets")
            self._push(_Chunk(self._n_lines, 0, [], []))
            self._buffer.clear()
            self._is_skipping = True
        self.pump()

    def _take(self, block: bytes) -> None:
        events, numbers, first = [], [], self._n_lines + 1
        lines = block.split(b"\n")
        lines.pop()
        for number, line in enumerate(lines, start=first):
            if line and not line.isspace():
                try:
                    events.append(self._listener.checked(decode_line(line)))
                    numbers.append(number)
                except DecodeError as error:
                    self._refuse(number, error.reason, error.problems[0].what)
        self._n_lines += len(lines)
        self._listener.count("received", len(lines))
        self._push(_Chunk(self._n_lines, len(block), events, numbers))

    def _push(self, chunk: _Chunk) -> None:
        self._listener.n_unacked_bytes += chunk.n_bytes
        self._unanswered.append(chunk)
        if chunk.events:
            self._to_offer.append(chunk)

    def _say(self, **words: object) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(ENCODE(words) + b"\n")

    def _refuse(self, number: int, reason: str, what: str) -> None:
        self._listener.count("refused", 1, reason)
        self._say(line=number, error=reason, what=what[:WHAT_CHARACTERS])

    def pump(self) -> None:
        """Hand on what waits, answer what is done, and read on where there is room."""
        loop = self._listener.loop
        while self._to_offer and loop.time() >= self._not_before_s:
            chunk = self._to_offer[0]
            try:
                answer = self._listener.pipeline.offer(chunk.events)
            except JournalError as error:
                self._wait(error)
                break
            if answer is None:
                break
            del self._to_offer[0]
            answer.add_done_callback(partial(self._listener.call, self._stored, chunk))
        self._answer()
        self._pause_or_read()

    def _pause_or_read(self) -> None:
        is_full = self._listener.n_unacked_bytes > MAX_UNACKED_BYTES and bool(self._unanswered)
        should_pause = bool(self._to_offer) or self._is_choked or self._is_ending or is_full
        if self._to_offer or is_full:
            self._listener.try_again(self)
        if self._transport is None or self._is_lost or should_pause == self._is_paused:
            return
        self._is_paused = should_pause
        (self._transport.pause_reading if should_pause else self._transport.resume_reading)()

    def _wait(self, error: Exception) -> None:
        self._not_before_s = self._listener.loop.time() + REFUSED_WAIT_S
        self._listener.count("refused", 1, "journal")
        self._say(wait=str(error))

    def _stored(self, chunk: _Chunk, answer: Future[Appended]) -> None:
        if self._is_lost:
            return
        error = answer.exception()
        if error is None:
            chunk.is_done = True
            self._listener.count("events", len(chunk.events))
        elif isinstance(error, JournalError):
            self._wait(error)
            insort(self._to_offer, chunk, key=lambda one: one.last_line)
        elif len(chunk.events) > 1:
            # One of its events cannot be folded: each alone, so that only that one is refused.
            at, parts = self._unanswered.index(chunk), chunk.alone()
            self._unanswered.rotate(-at)
            self._unanswered.popleft()
            self._unanswered.extendleft(reversed(parts))
            self._unanswered.rotate(at)
            self._to_offer = sorted(self._to_offer + parts, key=lambda one: one.last_line)
        else:
            chunk.is_done = True
            self._refuse(chunk.numbers[0], "not_folded", "the event cannot be folded into alarms")
        self.pump()

    def _answer(self) -> None:
        last_line = 0
        while self._unanswered and self._unanswered[0].is_done:
            chunk = self._unanswered.popleft()
            self._listener.n_unacked_bytes -= chunk.n_bytes
            last_line = chunk.last_line
        if last_line:
            self._say(ack=last_line)
        if self._is_ending and not self._unanswered and self._transport is not None:
            self._transport.close()  # what is written is still sent

    def stop_reading(self) -> None:
        """Take no more lines; close when all are answered for."""
        self._is_ending = True
        self.pump()


class TcpListener:
    """A listener for lines of events on one port, in a thread of its own; see the module's text for what it speaks.

    ``tls`` lets in only whom it knows (set ``verify_mode`` to ask senders for certificates); without it, listen on the
    own machine or a management network only: whoever ``allows`` lets in by their address can tell events.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        counters: Counters | None = None,
        tls: SSLContext | None = None,
        allows: Callable[[str], bool] = lambda _address: True,
    ) -> None:
        """Prepare to listen on ``host`` and ``port``; 0 takes a free one, told by :attr:`port` after the start."""
        self.pipeline, self.host, self.port = pipeline, host, port
        self.counters = counters or Counters()
        self.n_unacked_bytes = 0
        self.loop = asyncio.new_event_loop()
        self._tls, self.is_encrypted, self.allows = tls, tls is not None, allows
        self._connections: set[_Connection] = set()
        self._again: set[_Connection] = set()
        self._ready = threading.Event()
        self._stopping = asyncio.Event()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="rahdari-tcp", daemon=True)

    def start(self) -> None:
        """Listen; :class:`InputError` where the address cannot be had."""
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            cure = "give another port or host, or stop what listens there"
            raise InputError(Problem(f"cannot listen on {self.host}:{self.port}: {self._error.strerror}", cure))

    def stop(self) -> None:
        """Read no more, answer what was handed on, close; the pipeline must still run."""
        if self._thread.is_alive():
            self.call(self._stopping.set)
            self._thread.join()

    def call(self, function: Callable[..., object], *values: object) -> None:
        """Run a function on the listener's thread; nothing once that has ended."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(function, *values)

    def count(self, what: str, n: int, reason: str = "") -> None:
        """Add to a counter of this listener."""
        labels = {"listener": LISTENER, "reason": reason} if reason else {"listener": LISTENER}
        self.counters.add(f"rahdari_wire_{what}_total", n, **labels)

    @staticmethod
    def checked(event: Event) -> Event:
        """Return an event; :class:`DecodeError` where it claims to come from an operator."""
        if event.source.startswith(OPERATOR_SOURCE):
            raise DecodeError("operator", FORGED)
        return event

    def opened(self, connection: _Connection) -> None:
        """Count a connection in."""
        self._connections.add(connection)
        self.counters.set("rahdari_wire_connections", len(self._connections), listener=LISTENER)

    def closed(self, connection: _Connection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)
        self._again.discard(connection)
        self.counters.set("rahdari_wire_connections", len(self._connections), listener=LISTENER)

    def try_again(self, connection: _Connection) -> None:
        """Pump a connection again in a moment."""
        if not self._again:
            self.loop.call_later(TRY_AGAIN_S, self._pump_again)
        self._again.add(connection)

    def _pump_again(self) -> None:
        waiting, self._again = self._again, set()
        for connection in waiting:
            connection.pump()

    def _run(self) -> None:
        try:
            self.loop.run_until_complete(self._serve())
        finally:
            self.loop.close()
            self._ready.set()

    async def _serve(self) -> None:
        try:
            server = await self.loop.create_server(lambda: _Connection(self), self.host, self.port, ssl=self._tls)
        except OSError as error:
            self._error = error
            return
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for connection in tuple(self._connections):
            connection.stop_reading()
        end_s = self.loop.time() + CLOSE_S
        while self._connections and self.loop.time() < end_s:  # noqa: ASYNC110 -- bounded
            await asyncio.sleep(TRY_AGAIN_S)


__all__ = ["TcpListener"]
