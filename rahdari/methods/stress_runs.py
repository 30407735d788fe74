"""A hundred thousand runs of a nation under hazards: availability of each place and service, and what hardening buys.

A run is one window of time.  It is looked at in eight moments, one drawn evenly in each of eight spans that grow from
the beginning of the event to the end of the window: whatever changes between, the expected hours are unbiased.  Runs
are drawn and summed in blocks of fixed size, kept apart and added in order, so that neither chunks nor workers change
a digit; intervals come from the spread of the blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.special import stdtrit

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.cascade import MOMENTS, add_down_hours, add_hours, draw_moments
from rahdari.methods.cascade import PASS_RUNS, Pass, changed, ready
from rahdari.methods.hazard_sampling import TILTED_FRAC, WINDOW_H, Mixture, key_of, latent_numbers, mixture_of
from rahdari.model.context import serial_map
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.cascade import Ready, StressNetwork
    from rahdari.methods.hazard_sampling import Hazard
    from rahdari.model.context import MapFunction

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

N_BLOCKS = 100  # wanted at least, where there are runs enough: intervals need blocks
CONFIDENCE = 0.95
EDGE_FRAC = (0.0, 0.004, 0.012, 0.03, 0.07, 0.15, 0.3, 0.58, 1.0)  # of the window: about 3, 9, 22, 50, 108, 216, 418 h
CHUNK_BLOCKS = 16  # blocks given to the map function at once: what is lost when a run is killed
IMPORTANCE_RUNS = 4096  # paired runs of each hardening
_VALUES = 256  # sets of eight moments


class BlockStore(Protocol):
    """Where finished blocks are kept between runs: a cache of the caller, keyed by whatever makes a run its own."""

    def load(self, number: int) -> Mapping[str, FloatArray] | None:
        """Return block ``number``, or None where it is not there."""

    def save(self, number: int, block: Mapping[str, FloatArray]) -> None:
        """Keep block ``number``."""


@dataclass(frozen=True, slots=True, eq=False)
class Hardening:
    """A change of the network or the hazards, and what it costs."""

    name: str
    cost_usd: float
    network: StressNetwork
    hazards: tuple[Hazard, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Bought:
    """What a hardening saves of customer-hours a year, with its interval, from paired runs."""

    name: str
    cost_usd: float
    saved_h_per_year: float
    low_h_per_year: float
    high_h_per_year: float
    saved_h_per_usd: float | None


@dataclass(frozen=True, slots=True, eq=False)
class StressResult:
    """Availability (services, p) of places with intervals, and sums over the country.

    Places without sites have availability 0 and ``is_served`` false, and count in no sum.  ``customer_h_per_year`` and
    ``mbps_h_per_year`` (services, 3) are mean, low and high.  ``run_customer_h`` (services, runs) and ``run_weight``
    (runs,) give the distribution of a window's loss.
    """

    service_id: tuple[str, ...]
    is_served: NDArray[np.bool_]
    availability_frac: FloatArray
    low_frac: FloatArray
    high_frac: FloatArray
    customer_h_per_year: FloatArray
    mbps_h_per_year: FloatArray
    run_customer_h: FloatArray
    run_weight: FloatArray
    window_h: float
    n_runs: int
    importance: tuple[Bought, ...] = ()

    def exceeded_h(self, return_period_years: float, service: int = 0) -> float:
        """Return the customer-hours of one window that are passed once in so many years."""
        order = np.argsort(-self.run_customer_h[service], kind="stable")
        often = np.cumsum(self.run_weight[order]) / self.n_runs
        at = int(np.searchsorted(often, self.window_h / (HOURS_PER_YEAR * return_period_years)))
        return float(self.run_customer_h[service][order[min(at, order.size - 1)]])


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """All that a block needs, fit to travel to another process."""

    made: Ready
    mixture: Mixture
    key: np.uint64
    edge_h: FloatArray
    n_runs: int
    block_runs: int
    has_things: bool


def block_runs_of(n_runs: int) -> int:
    """Return the runs of a block: whole passes, and about a hundred blocks where there are runs enough.

    >>> block_runs_of(100_000), block_runs_of(500)
    (960, 64)
    """
    return max(1, n_runs // N_BLOCKS // PASS_RUNS) * PASS_RUNS


def writable(value: Any) -> Any:  # noqa: ANN401  # any record of arrays
    """Return a record with read-only arrays copied: kernels take none, and some executors hand over such."""
    if isinstance(value, np.ndarray):
        return value if value.flags.writeable else value.copy()
    if isinstance(value, tuple):
        parts = [writable(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{one.name: writable(getattr(value, one.name)) for one in fields(value)})
    return value


def run_block(job: _Job, number: int) -> dict[str, FloatArray]:
    """Return the sums of one block of runs: hours out by service and place, loss and weight by run."""
    job = writable(job)
    made = job.made
    low, high = number * job.block_runs, min((number + 1) * job.block_runs, job.n_runs)
    n_services, n_runs = len(made.service_roots), high - low
    place_h = np.zeros((n_services, made.people.size))
    people_h, mbps_h = np.zeros((n_services, n_runs)), np.zeros((n_services, n_runs))
    weight = np.zeros(n_runs)
    node_h = np.zeros(made.n_nodes if job.has_things else 0)
    link_h = np.zeros(made.rows.links.size if job.has_things else 0)
    work, span = Pass(made), np.diff(job.edge_h)
    bits = (np.arange(_VALUES)[:, None] >> np.arange(MOMENTS)[None, :] & 1).astype(np.float64)
    for begin in range(low, high, PASS_RUNS):
        run = np.arange(begin, min(begin + PASS_RUNS, high), dtype=np.int64)
        moment = np.empty((run.size, MOMENTS))
        draw_moments(run, job.edge_h, job.key, moment)
        latent, own = latent_numbers(made.compiled, job.mixture, run, job.key)
        work.fail(run, moment, latent, job.key)
        # Bytes beyond the last run stand whole: their hours count nothing.
        hours = np.zeros((PASS_RUNS, _VALUES))
        hours[: run.size] = own[:, None] * (bits @ span)[None, :]
        part = slice(begin - low, begin - low + run.size)
        weight[part] = own
        if job.has_things:
            add_down_hours(work.node_up, hours, node_h)
            add_down_hours(work.link_up, hours, link_h)
        for s in range(n_services):
            people, mbps = np.zeros(PASS_RUNS), np.zeros(PASS_RUNS)
            add_hours(work.serve(s), made.people, made.mbps, hours, place_h[s], people, mbps)
            people_h[s, part], mbps_h[s, part] = people[: run.size], mbps[: run.size]
    return {
        "place_h": place_h, "people_h": people_h, "mbps_h": mbps_h, "weight": weight, "node_h": node_h,
        "link_h": link_h,
    }  # fmt: skip


@dataclass(slots=True, eq=False)
class _Sums:
    """Running sums over blocks, added in order of number."""

    total: FloatArray
    square: FloatArray
    node_h: FloatArray
    link_h: FloatArray
    people_h: list[FloatArray]
    mbps_h: list[FloatArray]
    weight: list[FloatArray]

    def add(self, block: Mapping[str, FloatArray]) -> None:
        """Add one block."""
        n = block["weight"].size
        self.total += block["place_h"]
        # With blocks of n runs, n times (mean of the block - mean)**2 has the variance of a run.
        self.square += block["place_h"] ** 2 / n
        self.node_h += block["node_h"]
        self.link_h += block["link_h"]
        self.people_h.append(block["people_h"])
        self.mbps_h.append(block["mbps_h"])
        self.weight.append(block["weight"])


def run(
    network: StressNetwork,
    hazards: Sequence[Hazard],
    n_runs: int,
    seed: int = 1,
    *,
    window_h: float = WINDOW_H,
    correlations: Mapping[tuple[str, str], float] | ArrayLike | None = None,
    tilted_frac: float = TILTED_FRAC,
    hardenings: Sequence[Hardening] = (),
    n_importance_runs: int = IMPORTANCE_RUNS,
    map_function: MapFunction = serial_map,
    chunk_blocks: int = CHUNK_BLOCKS,
    store: BlockStore | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> StressResult:
    """Return availability and losses of ``n_runs`` windows of a network under correlated hazards.

    Availability is the share of a window in service, which is that of the year, since windows follow one another.
    ``tilted_frac`` of the runs bring a rare hazard on purpose and count for less; 0 draws plainly.  ``map_function`` is
    that of a context (threads run side by side: kernels let go of the interpreter); ``store`` resumes a run that was
    killed.  Results depend on the arguments up to ``tilted_frac`` alone.  ``hardenings`` are each run against the
    network as it is, with the same draws.  Everything wrong raises :class:`InputError`, all at once.

    What lasts beyond the window is cut at its end, except for hazards in steady state.
    """
    problems = []
    if n_runs < 1:
        problems.append(Problem(f"{n_runs} runs are asked for", "ask for one or more"))
    if chunk_blocks < 1:
        problems.append(Problem(f"chunk_blocks is {chunk_blocks}", "give one or more"))
    raise_if_any(problems)
    options = {"window_h": window_h, "correlations": correlations}
    job = _job(network, hazards, n_runs, seed, tilted_frac=tilted_frac, options=options, has_things=False)
    sums = _summed(job, map_function, chunk_blocks, store, on_progress)
    result = _result(network, job, sums, window_h)
    if not hardenings:
        return result
    n_paired = min(n_runs, n_importance_runs)
    paired = [(network, tuple(hazards)), *((h.network, h.hazards) for h in hardenings)]
    lost = []
    for net, some in paired:
        own = _job(net, some, n_paired, seed, tilted_frac=tilted_frac, options=options, has_things=False)
        lost.append(
            np.concatenate(_summed(own, map_function, chunk_blocks, None, on_progress).people_h, axis=1).sum(axis=0)
        )
    bought = [_bought(h, lost[0] - after, window_h) for h, after in zip(hardenings, lost[1:], strict=True)]
    return StressResult(
        **{name: getattr(result, name) for name in StressResult.__dataclass_fields__ if name != "importance"},
        importance=tuple(bought),
    )


def _job(
    network: StressNetwork,
    hazards: Sequence[Hazard],
    n_runs: int,
    seed: int,
    *,
    tilted_frac: float,
    options: Mapping[str, Any],
    has_things: bool,
) -> _Job:
    made = ready(network, hazards, **options)
    edge_h = np.array(EDGE_FRAC) * made.compiled.window_h
    mixture = mixture_of(made.compiled, n_runs, tilted_frac)
    return _Job(made, mixture, key_of(seed), edge_h, n_runs, block_runs_of(n_runs), has_things)


def _summed(
    job: _Job,
    map_function: MapFunction,
    chunk_blocks: int,
    store: BlockStore | None,
    on_progress: Callable[[int, int], None] | None,
) -> _Sums:
    """Return sums over all blocks; those in the store are not run again."""
    made = job.made
    shape = (len(made.service_roots), made.people.size)
    n_nodes, n_links = (made.n_nodes, made.rows.links.size) if job.has_things else (0, 0)
    sums = _Sums(np.zeros(shape), np.zeros(shape), np.zeros(n_nodes), np.zeros(n_links), [], [], [])
    n_blocks = -(-job.n_runs // job.block_runs)
    for low in range(0, n_blocks, chunk_blocks):
        numbers = range(low, min(low + chunk_blocks, n_blocks))
        kept = {number: store.load(number) for number in numbers} if store else dict.fromkeys(numbers)
        missing = [number for number in numbers if kept[number] is None]
        for number, block in zip(missing, map_function(partial(run_block, job), missing), strict=True):
            kept[number] = block
            if store:
                store.save(number, block)
        for number in numbers:
            block = kept[number]
            if block is not None:
                sums.add(block)
        if on_progress:
            on_progress(numbers[-1] + 1, n_blocks)
    return sums


def _spread(total: FloatArray, square: FloatArray, n_runs: int, n_blocks: int) -> FloatArray:
    """Return half the width of the interval of a mean over runs, from sums over blocks and of their squares."""
    if n_blocks < 2:  # noqa: PLR2004 - one block has no spread
        return np.full_like(total, np.inf)
    mean = total / n_runs
    variance = np.maximum(square - n_runs * mean**2, 0.0) / (n_blocks - 1)
    return np.asarray(stdtrit(n_blocks - 1, 0.5 * (1.0 + CONFIDENCE)) * np.sqrt(variance / n_runs), np.float64)


def interval(values: Sequence[FloatArray]) -> tuple[float, float, float]:
    """Return the mean over runs and its interval, from the values of runs in blocks."""
    total = np.array([block.sum() for block in values])
    size = np.array([block.size for block in values], np.float64)
    half = float(_spread(np.array(total.sum()), np.array((total**2 / size).sum()), int(size.sum()), size.size))
    mean = float(total.sum() / size.sum())
    return mean, mean - half, mean + half


def _result(network: StressNetwork, job: _Job, sums: _Sums, window_h: float) -> StressResult:
    n_runs, n_blocks = job.n_runs, len(sums.weight)
    mean_h = sums.total / n_runs
    half_h = _spread(sums.total, sums.square, n_runs, n_blocks)
    is_served = np.stack([np.diff(service.first) > 0 for service in network.services])
    # Never seen out: the chance of that stays above 5 % while the share out is below this (Hanley and others 1983).
    unseen_frac = 1.0 - (1.0 - CONFIDENCE) ** (1.0 / n_runs)
    out = np.minimum(mean_h / window_h, 1.0)
    most = np.where(sums.total > 0.0, (mean_h + half_h) / window_h, unseen_frac)
    per_year = HOURS_PER_YEAR / window_h
    parts = [
        [[block[s] for block in kept] for s in range(len(network.services))] for kept in (sums.people_h, sums.mbps_h)
    ]
    yearly = [np.maximum(np.array([interval(own) for own in part]) * per_year, 0.0) for part in parts]
    weight = np.concatenate(sums.weight)
    weighted = np.concatenate(sums.people_h, axis=1)
    return StressResult(
        tuple(service.service_id for service in network.services), is_served, np.where(is_served, 1.0 - out, 0.0),
        np.where(is_served, np.clip(1.0 - most, 0.0, 1.0), 0.0),
        np.where(is_served, np.clip(1.0 - (mean_h - half_h) / window_h, 0.0, 1.0), 0.0), yearly[0], yearly[1],
        weighted / np.maximum(weight, np.finfo(np.float64).tiny), weight, window_h, n_runs,
    )  # fmt: skip


def _bought(hardening: Hardening, saved_h: FloatArray, window_h: float) -> Bought:
    size = block_runs_of(saved_h.size)
    blocks = [saved_h[low : low + size] for low in range(0, saved_h.size, size)]
    mean, low, high = (value * HOURS_PER_YEAR / window_h for value in interval(blocks))
    per_usd = mean / hardening.cost_usd if hardening.cost_usd > 0.0 else None
    return Bought(hardening.name, hardening.cost_usd, mean, low, high, per_usd)


def harden_class(
    network: StressNetwork, hazards: Sequence[Hazard], class_name: str, cost_usd: float = 0.0, damage_ratio: float = 0.0
) -> Hardening:
    """Return the hardening of all things of a class: chances of damage times ``damage_ratio``, 0 for never."""
    if class_name not in network.class_name:
        raise InputError(Problem(f"there is no asset class {class_name}", f"use {', '.join(network.class_name)}"))
    is_it = network.asset_class == network.class_name.index(class_name)
    ratio = np.where(is_it, network.damage_ratio * damage_ratio, network.damage_ratio)
    return Hardening(class_name, cost_usd, changed(network, damage_ratio=ratio), tuple(hazards))


def more_battery(
    network: StressNetwork,
    hazards: Sequence[Hazard],
    is_chosen: ArrayLike,
    more_h: float,
    *,
    cost_usd: float = 0.0,
    name: str = "battery",
) -> Hardening:
    """Return the hardening that gives chosen nodes (n,) more hours on battery."""
    battery = network.battery_h + np.where(np.asarray(is_chosen, np.bool_), more_h, 0.0)
    return Hardening(name, cost_usd, changed(network, battery_h=battery), tuple(hazards))


def class_hardenings(network: StressNetwork, hazards: Sequence[Hazard]) -> list[Hardening]:
    """Return for each asset class the hardening by which it is never damaged: its part in what is lost."""
    return [harden_class(network, hazards, name) for name in network.class_name]


def things_down_h_per_year(
    network: StressNetwork,
    hazards: Sequence[Hazard],
    n_runs: int,
    seed: int = 1,
    *,
    tilted_frac: float = TILTED_FRAC,
    map_function: MapFunction = serial_map,
    **options: Any,  # noqa: ANN401  # those of compile_hazards
) -> FloatArray:
    """Return (n + m,) expected hours a year in which each node (damage and power) and link is down by itself."""
    job = _job(network, hazards, n_runs, seed, tilted_frac=tilted_frac, options=options, has_things=True)
    sums = _summed(job, map_function, CHUNK_BLOCKS, None, None)
    hours = np.zeros(network.n_things)
    hours[job.made.rows.order] = sums.node_h
    hours[network.n_nodes + job.made.rows.links] = sums.link_h
    return hours * (HOURS_PER_YEAR / job.made.compiled.window_h / n_runs)
