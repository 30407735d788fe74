"""One process writes a journal; another stands by and takes over when the first has ended, whatever ended it.

The right to write is held by the operating system (a lock on a file beside an SQLite journal) or by PostgreSQL (an
advisory lock of the writing session): it ends with the process or the session, and there are never two.  A process
that hangs but lives keeps it; ending that one is the operator's decision, since it may wake and go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rahdari.operate.clock import SystemClock
from rahdari.operate.journal import JournalBusyError, open_journal

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from rahdari.operate.clock import Clock
    from rahdari.operate.journal import Journal

POLL_S = 0.2


def stand_by(
    url: str,
    stop: threading.Event,
    *,
    clock: Clock | None = None,
    poll_s: float = POLL_S,
    on_waiting: Callable[[str], None] | None = None,
) -> Journal | None:
    """Return the journal as soon as it may be written, or ``None`` where ``stop`` was set first.

    ``on_waiting`` is told once, in words, that another process writes.  :class:`rahdari.operate.journal.JournalError`
    where the journal cannot be opened for another reason.
    """
    clock, is_told = clock or SystemClock(), False
    while not stop.is_set():
        try:
            return open_journal(url)
        except JournalBusyError as error:
            if on_waiting is not None and not is_told:
                on_waiting(str(error.problems[0].what))
            is_told = True
        clock.wait(stop, poll_s)
    return None


__all__ = ["stand_by"]
