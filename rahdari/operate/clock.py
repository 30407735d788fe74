"""The clock of the live network: the machine's own, or one that a test moves by hand."""

from __future__ import annotations

import threading
import time
from typing import Protocol

POLL_S = 0.002  # of real time: a virtual clock and a signal know nothing of each other


class Clock(Protocol):
    """What tells the time; every wait of the live network goes through it."""

    def now_s(self) -> float:
        """Return POSIX time."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Return after a time on this clock."""
        ...

    def wait(self, signal: threading.Event, duration_s: float) -> bool:
        """Return whether ``signal`` was set within a time on this clock; at once where it is."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_s(self) -> float:
        """Return POSIX time."""
        return time.time()

    def sleep(self, duration_s: float) -> None:
        """Return after a time."""
        time.sleep(max(duration_s, 0.0))

    def wait(self, signal: threading.Event, duration_s: float) -> bool:
        """Return whether ``signal`` was set within a time."""
        return signal.wait(max(duration_s, 0.0))


class FastClock:
    """A clock that runs ``speed`` times as fast as the machine's, for storms played in minutes."""

    def __init__(self, speed: float, start_s: float | None = None) -> None:
        """Begin at ``start_s``, POSIX time, by default now."""
        self.speed = speed
        self._start_s = time.time() if start_s is None else start_s
        self._began_s = time.monotonic()

    def now_s(self) -> float:
        """Return its time."""
        return self._start_s + self.speed * (time.monotonic() - self._began_s)

    def sleep(self, duration_s: float) -> None:
        """Return after a time on this clock."""
        time.sleep(max(duration_s, 0.0) / self.speed)

    def wait(self, signal: threading.Event, duration_s: float) -> bool:
        """Return whether ``signal`` was set within a time on this clock."""
        return signal.wait(max(duration_s, 0.0) / self.speed)


class VirtualClock:
    """A clock that stands until :meth:`advance` moves it; who waits on it wakes when its time has come."""

    def __init__(self, start_s: float = 0.0) -> None:
        """Begin at ``start_s``, POSIX time."""
        self._now_s = start_s
        self._moved = threading.Condition()

    def now_s(self) -> float:
        """Return the time it was moved to."""
        with self._moved:
            return self._now_s

    def advance(self, duration_s: float) -> None:
        """Move on by a time, never back."""
        with self._moved:
            self._now_s += max(duration_s, 0.0)
            self._moved.notify_all()

    def sleep(self, duration_s: float) -> None:
        """Return when the clock was moved so far."""
        with self._moved:
            end_s = self._now_s + duration_s
            self._moved.wait_for(lambda: self._now_s >= end_s)

    def wait(self, signal: threading.Event, duration_s: float) -> bool:
        """Return whether ``signal`` was set before the clock was moved so far."""
        end_s = self.now_s() + duration_s
        while not signal.is_set():
            if self.now_s() >= end_s:
                return False
            signal.wait(POLL_S)
        return True


__all__ = ["Clock", "FastClock", "SystemClock", "VirtualClock"]
