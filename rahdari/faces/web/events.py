"""Named events on the map: an event is played in the background, and who asks meanwhile is told how far it is."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rahdari.errors import PlanError, Problem, RahdariError

if TYPE_CHECKING:
    from rahdari.service.event_states import PlanEvents


@dataclass
class Progress:
    """How far an event is: the step at work, and the share of all work done; at the end its file or its failure."""

    step: str = "reading"
    done_frac: float = 0.0
    error: RahdariError | None = field(default=None, repr=False)
    data: bytes | None = field(default=None, repr=False)

    def tell(self, step: str, done_frac: float) -> None:
        """Take note of a step."""
        self.step, self.done_frac = step, done_frac


class EventJobs:
    """Events being played, one thread each; what is ready is answered at once."""

    def __init__(self, events: PlanEvents) -> None:
        """Keep the events; nothing runs yet."""
        self.events = events
        self._lock = threading.Lock()
        self._jobs: dict[str, Progress] = {}

    def ask(self, event: str) -> bytes | Progress:
        """Return an event's file (gzip), or how far it is; what went wrong is raised once, and asking again retries."""
        with self._lock:
            job = self._jobs.get(event)
            if job is None:
                data = self.events.kept(event)
                if data is not None:
                    return data
                job = self._jobs[event] = Progress()
                threading.Thread(target=self._run, args=(event, job), daemon=True).start()
            if job.error is not None:
                del self._jobs[event]
                raise job.error
            return job if job.data is None else job.data

    def _run(self, event: str, job: Progress) -> None:
        try:
            job.data = self.events.file(event, job.tell)
        except RahdariError as error:
            job.error = error
        except Exception as error:  # noqa: BLE001 - the page must not wait for ever
            job.error = PlanError(Problem(f"{event} could not be played: {error}", "make the plan again"))


__all__ = ["EventJobs", "Progress"]
