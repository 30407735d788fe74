"""The pipeline: many callers, one writer; events wait a moment for others and share one synchronisation of the disk.

A call is answered when its events are durable.  Where more wait than may, callers wait too, and in the end are told;
nothing is lost in silence.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

import msgspec

from rahdari.errors import Problem
from rahdari.operate.journal import Appended, JournalError, check_events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rahdari.operate.alarms import Alarm
    from rahdari.operate.events import Event
    from rahdari.operate.journal import Also, Fold

    OnCommitted = Callable[[Sequence[Event], Mapping[str, Alarm], int], None]

MAX_BATCH, MAX_WAIT_S, MAX_QUEUED, TIMEOUT_S = 2_000, 0.02, 20_000, 30.0
LOG = logging.getLogger(__name__)


class Sink(Protocol):
    """Whatever keeps events durably: a journal, or a collector."""

    def append(self, events: Sequence[Event], received_s: float, fold: Fold, also: Also | None = None) -> Appended:
        """Store events that are not known yet; see :class:`rahdari.operate.journal.Journal`."""
        ...


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the pipeline does: events that wait, batches stored and refused, what was wrong last (or nothing)."""

    n_queued: int
    n_batches: int
    n_refused: int
    n_unheard: int  # committed batches that a listener could not take; the journal has them
    problem: str


class _Waiting(msgspec.Struct, eq=False):
    events: Sequence[Event]
    answer: Future[Appended]


def _no_change(_events: Sequence[Event]) -> Mapping[str, Alarm]:
    return {}


class Pipeline:
    """Stores what is submitted from any thread, in the order of the calls.

    ``fold`` says which alarms new events change; ``also`` what else belongs to the same transaction; ``on_committed``
    is told on the writer's thread after each durable batch: the new events, the changed alarms, the position.
    """

    def __init__(
        self,
        journal: Sink,
        *,
        fold: Fold = _no_change,
        also: Also | None = None,
        on_committed: OnCommitted | None = None,
        max_batch: int = MAX_BATCH,
        max_wait_s: float = MAX_WAIT_S,
        max_queued: int = MAX_QUEUED,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Start the writer; ``now_s`` tells when events are received, in POSIX time."""
        self._journal, self._fold, self._also, self._on_committed = journal, fold, also, on_committed
        self._max_batch, self._max_wait_s, self._max_queued, self._now_s = max_batch, max_wait_s, max_queued, now_s
        self._queue: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._n_queued = self._n_batches = self._n_refused = self._n_unheard = 0
        self._is_stopping, self._is_busy, self._problem = False, False, ""
        self._writer = threading.Thread(target=self._run, name="rahdari-journal", daemon=True)
        self._writer.start()

    def submit(self, events: Sequence[Event], *, timeout_s: float = TIMEOUT_S) -> Future[Appended]:
        """Return what resolves when the events are durable; waits while the queue is full.

        :class:`rahdari.errors.InputError` where an event cannot be kept, :class:`JournalError` where the queue stays
        full for ``timeout_s`` or the pipeline has stopped: then nothing of the call was taken.
        """
        check_events(events)
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_stopping or self._has_room(len(events)), timeout_s):
                words = f"{self._n_queued:,} events wait for the disk"
                cure = "send slower or in larger batches and send these again; see what the disk does"
                raise JournalError(Problem(f"{words}: {self._problem}" if self._problem else words, cure))
            return self._take(events)

    def offer(self, events: Sequence[Event]) -> Future[Appended] | None:
        """Return what resolves when the events are durable, or ``None`` at once where the queue is full."""
        check_events(events)
        with self._changed:
            return self._take(events) if self._is_stopping or self._has_room(len(events)) else None

    def _has_room(self, n_events: int) -> bool:
        # One call larger than the queue may pass when it is empty; else it would wait for ever.
        return self._n_queued == 0 or self._n_queued + n_events <= self._max_queued

    def _take(self, events: Sequence[Event]) -> Future[Appended]:
        if self._is_stopping:
            raise JournalError(Problem("the pipeline has stopped", "start it again and send these events again"))
        answer: Future[Appended] = Future()
        self._queue.append(_Waiting(events, answer))
        self._n_queued += len(events)
        self._changed.notify_all()
        return answer

    def status(self) -> Status:
        """Return how it does now."""
        with self._changed:
            return Status(
                n_queued=self._n_queued, n_batches=self._n_batches, n_refused=self._n_refused,
                n_unheard=self._n_unheard, problem=self._problem,
            )  # fmt: skip

    def wait_idle(self, timeout_s: float = TIMEOUT_S) -> bool:
        """Return whether everything submitted was answered within ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._is_busy, timeout_s)

    def stop(self) -> None:
        """Store what waits, answer it, and end the writer; the journal stays open."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        self._writer.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            if not self._store(batch) and len(batch) > 1:
                # Something in it cannot be folded: alone, it fails nobody else.
                for one in batch:
                    self._store([one])
            with self._changed:
                self._n_queued -= sum(len(one.events) for one in batch)
                self._is_busy = False
                self._changed.notify_all()

    def _next_batch(self) -> list[_Waiting]:
        """Return the calls that share the next transaction; none when stopped and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_stopping)
            until_s = time.monotonic() + self._max_wait_s
            while not self._is_stopping and self._n_queued < self._max_batch:
                left_s = until_s - time.monotonic()
                if left_s <= 0.0 or not self._changed.wait(left_s):
                    break
            batch: list[_Waiting] = []
            n_events = 0
            while self._queue and (not batch or n_events + len(self._queue[0].events) <= self._max_batch):
                batch.append(self._queue.popleft())
                n_events += len(batch[-1].events)
            self._is_busy = bool(batch)
            return batch

    def _store(self, batch: list[_Waiting]) -> bool:
        """Store calls in one transaction and answer them; ``False`` where it failed for no fault of the journal."""
        events = [event for one in batch for event in one.events]
        seen: list[tuple[Sequence[Event], Mapping[str, Alarm]]] = [((), {})]

        def folded(new: Sequence[Event]) -> Mapping[str, Alarm]:
            seen[0] = (new, self._fold(new))
            return seen[0][1]

        try:
            done = self._journal.append(events, self._now_s(), folded, self._also)
        except JournalError as error:
            self._refuse(batch, error)
            return True
        except Exception as error:  # whatever a fold may raise
            if len(batch) > 1:
                return False
            LOG.exception("events could not be folded")
            self._refuse(batch, error)
            return True
        self._problem = ""
        self._n_batches += 1
        new, changed = seen[0]
        self._tell(new, changed, done.position)
        self._answer(batch, new, done)
        return True

    def _refuse(self, batch: list[_Waiting], error: Exception) -> None:
        self._n_refused += 1
        self._problem = str(error)
        for one in batch:
            one.answer.set_exception(error)

    def _tell(self, new: Sequence[Event], changed: Mapping[str, Alarm], position: int) -> None:
        if self._on_committed is None or not new:
            return
        try:
            self._on_committed(new, changed, position)
        except Exception:
            # The events are durable: their callers are answered, and a listener's fault is told apart.
            LOG.exception("a listener failed on committed events up to position %d", position)
            self._n_unheard += 1

    @staticmethod
    def _answer(batch: list[_Waiting], new: Sequence[Event], done: Appended) -> None:
        """Tell each call how many of its own events were new; new events stand in the order of the batch."""
        at = 0
        for one in batch:
            n_new = 0
            for event in one.events:
                if at < len(new) and new[at] is event:
                    at, n_new = at + 1, n_new + 1
            n_duplicate = len(one.events) - n_new
            one.answer.set_result(Appended(n_new=n_new, n_duplicate=n_duplicate, position=done.position))


__all__ = ["MAX_BATCH", "MAX_QUEUED", "MAX_WAIT_S", "Pipeline", "Sink", "Status"]
