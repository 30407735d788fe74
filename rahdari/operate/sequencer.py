"""Numbers for events whose source gives none; no number is given twice, across restarts and clocks set back."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem
from rahdari.store.atomic import write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MICROSECONDS = 1_000_000
AHEAD_US = 60 * MICROSECONDS  # one write a minute


class Sequencer:
    """Gives the receive time in microseconds, and one more than the last where that is not greater.

    53 bits hold it until 2255, so that every JSON reader keeps it exactly.  With a ``path`` the numbers up to a minute
    ahead are reserved there, synchronised to disk before the first of them is given; the next start begins above them.
    Without it a clock set back during a restart could give a number again.
    """

    def __init__(self, path: Path | None = None, now_s: Callable[[], float] = time.time) -> None:
        """Take up where the file says; refuse one that says no number."""
        self._path, self._now_s, self._lock = path, now_s, threading.Lock()
        self._last = self._reserved = 0
        if path is not None and path.exists():
            text = path.read_text(encoding="ascii", errors="replace").strip()
            if not text.isdigit():
                cure = "restore it, or write a number above every one of the journal's receivers"
                raise InputError(Problem("no number in the file of sequence numbers", cure, str(path)))
            self._last = self._reserved = int(text)

    def next(self) -> int:
        """Return a number greater than all before; thread-safe."""
        with self._lock:
            number = max(self._last + 1, int(self._now_s() * MICROSECONDS))
            if self._path is not None and number >= self._reserved:
                write_bytes(self._path, str(number + AHEAD_US).encode())
                self._reserved = number + AHEAD_US
            self._last = number
            return number
