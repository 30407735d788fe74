"""Queues of jobs at many like workers: waiting times in closed form, and played event by event.

Sources: Erlang's second formula and the exponential tail of waiting in M/M/c (Kleinrock, "Queueing Systems", volume 1,
1975, 3.5); Pollaczek and Khinchine for the mean wait of M/D/1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import simpy

from rahdari.errors import Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

MS_PER_S = 1000.0
WARM_FRAC = 0.1  # share of the jobs that come before the queue has settled
PERCENTILES = (0.5, 0.95, 0.99, 0.999)
JobLaw = Literal["exponential", "constant"]


def waits_frac(load: float, n_workers: int) -> float:
    """Return the share of jobs that wait at ``n_workers`` offered ``load`` busy workers (Erlang C); 1 from full load.

    >>> round(waits_frac(2.0, 3), 4)
    0.4444
    """
    if load >= n_workers:
        return 1.0
    if load <= 0.0:
        return 0.0
    blocked = 1.0
    for worker in range(1, n_workers + 1):
        blocked = load * blocked / (worker + load * blocked)
    return blocked / (1.0 - load / n_workers * (1.0 - blocked))


def wait_ms(load: float, n_workers: int, job_ms: float, percentile: float) -> float:
    """Return the wait, ms, that a share ``percentile`` of jobs does not exceed in M/M/c; infinity from full load.

    >>> round(wait_ms(0.9, 1, 10.0, 0.9), 1)
    219.7
    """
    share = waits_frac(load, n_workers)
    if load >= n_workers:
        return math.inf
    if share <= 1.0 - percentile:
        return 0.0
    return job_ms / (n_workers - load) * math.log(share / (1.0 - percentile))


def mean_wait_constant_ms(load: float, job_ms: float) -> float:
    """Return the mean wait, ms, of jobs of constant length at one worker (M/D/1).

    >>> mean_wait_constant_ms(0.5, 10.0)
    5.0
    """
    return load * job_ms / (2.0 * (1.0 - load)) if load < 1.0 else math.inf


@dataclass(frozen=True, slots=True, eq=False)
class QueueRun:
    """A queue as played: waits and times end to end of the jobs counted, ms, and the stream (k,) each came from."""

    wait_ms: FloatArray
    whole_ms: FloatArray
    stream: NDArray[np.int64]

    def percentiles_ms(self) -> dict[float, tuple[float, float]]:
        """Return wait and time end to end by percentile."""
        return {
            share: (float(np.quantile(self.wait_ms, share)), float(np.quantile(self.whole_ms, share)))
            for share in PERCENTILES
        }


def _checked(per_s: FloatArray, job_ms: FloatArray, way_ms: FloatArray, n_workers: int, n_jobs: int) -> None:
    problems = []
    if not (per_s.size == job_ms.size == way_ms.size and per_s.size):
        problems.append(Problem("streams without rate, job or way", "give one of each for every stream"))
    for name, values in (("jobs a second", per_s), ("job", job_ms), ("way", way_ms)):
        if not (np.isfinite(values) & (values >= 0.0)).all():
            problems.append(Problem(f"a {name} is missing or below 0", "give 0 or more"))
    if not per_s.sum() > 0.0:
        problems.append(Problem("no jobs come", "give a rate above 0"))
    if n_workers < 1 or n_jobs < 1:
        problems.append(Problem(f"{n_workers} workers and {n_jobs} jobs", "give 1 or more of each"))
    if n_workers >= 1 and float((per_s * job_ms).sum()) / MS_PER_S >= n_workers:
        problems.append(Problem("more work comes than workers can do", "add workers, or take streams away"))
    raise_if_any(problems)


def played(
    per_s: ArrayLike, job_ms: ArrayLike, way_ms: ArrayLike, n_workers: int, random: np.random.Generator,
    *, n_jobs: int = 50_000, law: JobLaw = "exponential",
) -> QueueRun:  # fmt: skip
    """Play a queue of (k,) streams event by event and return its waits.

    Jobs of a stream come at random at ``per_s``, last ``job_ms`` on one of ``n_workers`` and spend ``way_ms`` on the
    way there and back.  First come, first served.  The first tenth of ``n_jobs`` is not counted.
    """
    rate, job, way = (np.asarray(part, np.float64).reshape(-1) for part in (per_s, job_ms, way_ms))
    _checked(rate, job, way, n_workers, n_jobs)
    gap_ms = random.exponential(MS_PER_S / rate.sum(), n_jobs)
    stream = random.choice(rate.size, n_jobs, p=rate / rate.sum())
    length = job[stream] * (random.exponential(1.0, n_jobs) if law == "exponential" else 1.0)
    waited = np.zeros(n_jobs)
    clock = simpy.Environment()
    workers = simpy.Resource(clock, n_workers)

    def done(number: int) -> Iterator[simpy.Event]:
        come = clock.now
        with workers.request() as turn:
            yield turn
            waited[number] = clock.now - come
            yield clock.timeout(float(length[number]))

    def arrivals() -> Iterator[simpy.Event]:
        for number in range(n_jobs):
            yield clock.timeout(float(gap_ms[number]))
            clock.process(done(number))  # type: ignore[arg-type]  # simpy asks for a generator that sends

    clock.process(arrivals())  # type: ignore[arg-type]
    clock.run()
    counted = slice(int(n_jobs * WARM_FRAC), None)
    whole = waited + length + way[stream]
    return QueueRun(waited[counted], whole[counted], stream[counted].astype(np.int64))
