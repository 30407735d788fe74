"""The live table of a run in a terminal: one row a step, with its state and seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

if TYPE_CHECKING:
    from types import TracebackType

    from rahdari.run.runner import Event

REFRESHES_PER_S = 8


@dataclass
class _Step:
    """One row: where a step stands."""

    title: str
    state: str
    start_s: float = field(default_factory=time.perf_counter)
    duration_s: float | None = None

    def seconds(self) -> str:
        """Return how long the step took, or has taken so far."""
        taken_s = time.perf_counter() - self.start_s if self.duration_s is None else self.duration_s
        return f"{taken_s:.1f} s"


class LiveTable:
    """A listener to the events of a run.  Nothing is shown until a step really runs."""

    def __init__(self, console: Console | None = None) -> None:
        """Show on ``console``, by default the standard error."""
        self._console = console or Console(stderr=True)
        self._live: Live | None = None
        self._steps: dict[str, _Step] = {}

    def __enter__(self) -> Self:
        """Begin to listen."""
        return self

    def __exit__(self, kind: type[BaseException] | None, _value: object, _trace: TracebackType | None) -> None:
        """Leave the last state of the table standing; a step that was running is marked as stopped."""
        for step in self._steps.values():
            if step.duration_s is None:
                step.duration_s = time.perf_counter() - step.start_s
                step.state = "stopped" if kind else step.state
        if self._live is not None:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take one event into the table."""
        if event.kind == "cached":
            self._steps[event.step] = _Step(event.text, "from the cache", duration_s=0.0)
        elif event.kind == "started":
            self._steps[event.step] = _Step(event.text, "running")
            self._show()
        elif event.kind == "progress" and event.step in self._steps:
            share = f" {event.done / event.total:.0%}" if event.total > 0 else ""
            self._steps[event.step].state = f"running{share} {event.text}".rstrip()
        elif event.kind == "finished" and event.step in self._steps:
            self._steps[event.step].state = "done"
            self._steps[event.step].duration_s = event.duration_s

    def _show(self) -> None:
        if self._live is None:
            self._live = Live(
                console=self._console, get_renderable=self.table, refresh_per_second=REFRESHES_PER_S, transient=False
            )
            self._live.start()

    def table(self) -> Table:
        """Return the table as it stands now."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("step", no_wrap=True)
        table.add_column("state", no_wrap=True, overflow="ellipsis")
        table.add_column("time", justify="right", no_wrap=True)
        for step in list(self._steps.values()):
            is_cached = step.state == "from the cache"
            table.add_row(step.title, step.state, "" if is_cached else step.seconds(), style="dim" if is_cached else "")
        return table
