"""Who goes where first: crews to faults and generators to sites, so that the fewest customer-hours are lost.

A fault costs its customers' time until it is repaired; a site on battery costs its customers' time from the moment its
battery dies until the repair, or until a generator stands there.  Few faults are searched wholly, many by insertion and
exchange; the certificate says how far from the best that may be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.optimize import linear_sum_assignment

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.geo import great_circle_km
from rahdari.model.certificate import Certificate
from rahdari.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

EXACT_MAX = 20_000  # ways to share and order the faults, up to which all are searched
MAX_ROUNDS = 40
PROMISING_RATIO = 1.03  # of the best: what is worth bettering by exchange
PRICES = 12  # of relief, tried for the bound: halves, from the largest site dark for a day
HORIZON_S = 86_400
TRIALS, FEWEST_TRIALS, LARGE = 100, 4, 1000  # of taking some faults out and putting them in again
DETOUR_RATIO, SPEED_KM_PER_H = 1.4, 40.0  # road over straight line, and its mean speed: assumed


class Place(Protocol):
    """Anything that stands somewhere."""

    @property
    def lon_deg(self) -> float: ...  # noqa: D102
    @property
    def lat_deg(self) -> float: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Site:
    """A site whose battery dies at ``dies_s`` with the customers who then lose service; past times are dark already."""

    site_id: str
    lon_deg: float
    lat_deg: float
    dies_s: int
    n_customers: int


@dataclass(frozen=True, slots=True)
class Job:
    """A fault: its kind, who is without service until it is repaired, the work, and the sites that wait for it.

    ``opens_s`` is when the place can be reached, after a flood for instance.
    """

    job_id: str
    kind: str
    lon_deg: float
    lat_deg: float
    n_customers: int
    repair_s: int
    sites: tuple[Site, ...] = ()
    opens_s: int = 0

    def lost_at_least(self, done: FloatArray, now_s: int, relief_s: Sequence[float], price: float) -> FloatArray:
        """Return customer-seconds lost for repairs at times ``done``, where relief of a site costs ``price``."""
        total: FloatArray = self.n_customers * (done - now_s)
        for site, relief in zip(self.sites, relief_s, strict=True):
            dark = max(site.dies_s, now_s)
            alone = site.n_customers * np.maximum(0.0, done - dark)
            relieved = site.n_customers * np.maximum(0.0, np.minimum(done, relief) - dark)
            total += np.minimum(alone, relieved + price)
        return total

    def lost_at(self, done_s: float, now_s: int, relief_s: Sequence[float]) -> float:
        """Return customer-seconds lost where the repair is done and site ``i`` relieved at the times given."""
        total = self.n_customers * (done_s - now_s)
        for site, relief in zip(self.sites, relief_s, strict=True):
            total += site.n_customers * max(0.0, min(done_s, relief) - max(site.dies_s, now_s))
        return total


@dataclass(frozen=True, slots=True)
class Crew:
    """A crew: where it is, what it can repair, and when it is free."""

    crew_id: str
    lon_deg: float
    lat_deg: float
    skills: frozenset[str]
    free_s: int


@dataclass(frozen=True, slots=True)
class Generator:
    """A mobile generator with its carrier."""

    generator_id: str
    lon_deg: float
    lat_deg: float
    free_s: int


@dataclass(frozen=True, slots=True)
class Roads:
    """Travel by the great circle, a detour and a speed."""

    detour_ratio: float = DETOUR_RATIO
    speed_km_per_h: float = SPEED_KM_PER_H

    def __call__(self, here: Place, there: Place) -> int:
        """Return whole seconds of travel, rounded up."""
        crow_km = float(great_circle_km(here.lon_deg, here.lat_deg, there.lon_deg, there.lat_deg))
        return math.ceil(crow_km * self.detour_ratio / self.speed_km_per_h * SECONDS_PER_HOUR)


@dataclass(frozen=True, slots=True)
class Stop:
    """A crew's work on one fault."""

    crew_id: str
    job_id: str
    leaves_s: int
    arrives_s: int
    done_s: int


@dataclass(frozen=True, slots=True)
class Move:
    """A generator's way to one site."""

    generator_id: str
    site_id: str
    job_id: str
    arrives_s: int
    saved_customer_h: float


@dataclass(frozen=True, slots=True)
class DispatchPlan:
    """Stops and moves in order of time, faults that no crew can repair, and the proof; cost in customer-hours."""

    stops: tuple[Stop, ...]
    moves: tuple[Move, ...]
    unserved: tuple[str, ...]
    certificate: Certificate


@dataclass
class _Case:
    """Faults that some crew can repair, with all travel times."""

    jobs: list[Job]
    crews: list[Crew]
    generators: list[Generator]
    travel: Callable[[Place, Place], int]
    now_s: int
    start_s: NDArray[np.int64] = field(init=False)
    between_s: NDArray[np.int64] = field(init=False)
    can: NDArray[np.bool_] = field(init=False)
    arrival_s: FloatArray = field(init=False)
    best_relief: list[list[float]] = field(init=False)
    relief: list[list[float]] = field(init=False)

    def __post_init__(self) -> None:
        jobs, go = self.jobs, self.travel
        self.sites = [(number, place) for number, job in enumerate(jobs) for place in range(len(job.sites))]
        self.free_s = [max(crew.free_s, self.now_s) for crew in self.crews]
        self.start_s = np.array([[go(crew, job) for job in jobs] for crew in self.crews], np.int64)
        self.between_s = np.array([[go(here, there) for there in jobs] for here in jobs], np.int64)
        self.can = np.array([[job.kind in crew.skills for job in jobs] for crew in self.crews], np.bool_)
        self.arrival_s = np.array(
            [
                [max(each.free_s, self.now_s) + go(each, jobs[job].sites[place]) for job, place in self.sites]
                for each in self.generators
            ],
            np.float64,
        ).reshape(len(self.generators), len(self.sites))
        soonest: FloatArray = self.arrival_s.min(axis=0, initial=np.inf)
        self.best_relief = self._by_job(soonest)
        self.relief = self.best_relief

    def _by_job(self, times: FloatArray) -> list[list[float]]:
        found: list[list[float]] = [[] for _ in self.jobs]
        for (job, _), at in zip(self.sites, times.tolist(), strict=True):
            found[job].append(at)
        return found

    def times(self, crew: int, order: Sequence[int]) -> list[tuple[int, int, int]]:
        """Return departure, arrival and completion of each fault in a crew's order."""
        at, last, made = self.free_s[crew], -1, []
        for job in order:
            arrives = at + int(self.start_s[crew, job] if last < 0 else self.between_s[last, job])
            done = max(arrives, self.jobs[job].opens_s) + self.jobs[job].repair_s
            made.append((at, arrives, done))
            at, last = done, job
        return made

    def lost(self, crew: int, order: Sequence[int]) -> float:
        """Return customer-seconds lost in a crew's order; infinite where it cannot repair one."""
        if not all(self.can[crew, job] for job in order):
            return math.inf
        times = self.times(crew, order)
        return sum(
            self.jobs[job].lost_at(done, self.now_s, self.relief[job])
            for job, (_, _, done) in zip(order, times, strict=True)
        )

    def placed(self, orders: Sequence[Sequence[int]]) -> tuple[float, list[tuple[int, int]]]:
        """Return customer-seconds lost with the best use of generators for given orders, and (generator, site)."""
        done = np.zeros(len(self.jobs))
        for crew, order in enumerate(orders):
            for job, (_, _, end) in zip(order, self.times(crew, order), strict=True):
                done[job] = end
        without = [[math.inf] * len(job.sites) for job in self.jobs]
        total = sum(job.lost_at(float(done[place]), self.now_s, without[place]) for place, job in enumerate(self.jobs))
        if not (self.sites and self.generators):
            return total, []
        ends = np.array([done[job] for job, _ in self.sites])
        weight = np.array([self.jobs[job].sites[place].n_customers for job, place in self.sites], np.float64)
        dies = np.array([max(self.jobs[job].sites[place].dies_s, self.now_s) for job, place in self.sites])
        saved = weight * (np.maximum(0, ends - dies) - np.maximum(0, np.minimum(ends, self.arrival_s) - dies))
        rows, columns = linear_sum_assignment(saved, maximize=True)
        pairs = [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if saved[row, column] > 0]
        return total - float(saved[rows, columns].sum()), pairs

    def soonest_s(self) -> FloatArray:
        """Return (n,) times before which no fault can be repaired, whoever goes."""
        start = np.where(self.can, self.start_s + np.array(self.free_s)[:, None], np.inf).min(axis=0)
        opens = np.array([job.opens_s for job in self.jobs])
        # Coming from another fault is later than that one's own soonest end, which the direct way may not beat.
        repair = np.array([job.repair_s for job in self.jobs])
        n = len(self.jobs)
        work = repair + np.where(np.eye(n, dtype=bool), np.inf, self.between_s).min(axis=0, initial=np.inf)
        first = min(self.free_s) + np.where(np.isfinite(work), work, np.inf)
        soonest: FloatArray = np.maximum(np.minimum(start + repair, first), opens + repair)
        return soonest

    def bound(self) -> float:
        """Return customer-seconds that are lost at least, whatever the plan.

        The k-th repair to end cannot end before all crews together could have done the k shortest pieces of work; each
        fault takes one place in that order, at least cost.  That holds for all faults, and for those of each kind with
        the crews that know it.  A site is relieved from the nearest generator for a price, and the price is given back
        as often as there are generators: a bound at any price, the best of some is taken.
        """
        every, all_crews = np.arange(len(self.jobs)), np.arange(len(self.crews))
        kinds = [
            np.array([place for place in every if self.jobs[place].kind == kind])
            for kind in sorted({job.kind for job in self.jobs})
        ]
        groups = [[(every, all_crews)], [(kind, np.flatnonzero(self.can[:, kind[0]])) for kind in kinds]]
        worth = max((self.jobs[job].sites[place].n_customers for job, place in self.sites), default=0) * HORIZON_S
        prices = (0.0, *(worth * 2.0**-step for step in range(PRICES))) if self.sites else (0.0,)
        return max(
            sum(self._least(jobs, crews, price) for jobs, crews in group) - price * len(self.generators)
            for group in groups
            for price in prices
        )

    def _least(self, jobs: NDArray[np.int64], crews: NDArray[np.int64], price: float) -> float:
        """Return customer-seconds that some faults cost at least with some crews that do nothing else."""
        n = jobs.size
        far = np.where(np.eye(len(self.jobs), dtype=bool), np.iinfo(np.int64).max, self.between_s).min(axis=0)
        nearest = np.minimum(far, self.start_s.min(axis=0))[jobs]
        work = np.sort(nearest + np.array([self.jobs[job].repair_s for job in jobs])).cumsum()
        free = [self.free_s[crew] for crew in crews]
        ends = np.array([_filled_s(free, float(each)) for each in work])
        soonest, cost = self.soonest_s(), np.empty((n, n))
        for row, job in enumerate(jobs.tolist()):
            times = np.maximum(soonest[job], ends)
            cost[row] = self.jobs[job].lost_at_least(times, self.now_s, self.best_relief[job], price)
        rows, columns = linear_sum_assignment(cost)
        return float(cost[rows, columns].sum())


def _filled_s(free_s: Sequence[int], work_s: float) -> float:
    """Return when crews that are free from given times can have done an amount of work between them."""
    times = sorted(free_s)
    for count in range(1, len(times) + 1):
        end = (work_s + sum(times[:count])) / count
        if count == len(times) or end <= times[count]:
            return end
    raise AssertionError


def dispatch(
    jobs: Iterable[Job],
    crews: Iterable[Crew],
    generators: Iterable[Generator],
    now_s: int,
    travel: Callable[[Place, Place], int] | None = None,
) -> DispatchPlan:
    """Return who goes where and when, and which generator to which site, for the fewest customer-hours lost.

    Faults that no crew has the skill for are ``unserved`` and in neither cost nor bound.  ``travel`` gives seconds
    between two places, :class:`Roads` by default.  :class:`rahdari.errors.InputError` for doubled names.
    """
    ordered = sorted(jobs, key=lambda each: each.job_id)
    all_crews, tools = sorted(crews, key=lambda c: c.crew_id), sorted(generators, key=lambda g: g.generator_id)
    _check([each.job_id for each in ordered], [c.crew_id for c in all_crews], [g.generator_id for g in tools])
    skills = {skill for crew in all_crews for skill in crew.skills}
    unserved = tuple(job.job_id for job in ordered if job.kind not in skills)
    case = _Case([job for job in ordered if job.kind in skills], all_crews, tools, travel or Roads(), now_s)
    n, m = len(case.jobs), max(1, len(all_crews))
    if not n:
        none = Certificate("dispatch", 0.0, 0.0, "customer_h", "nothing to send")
        return DispatchPlan((), (), unserved, none)
    is_small = math.factorial(min(n, 20)) * math.comb(n + m - 1, m - 1) <= EXACT_MAX
    orders = _improved(case, _inserted(case, [[] for _ in all_crews], range(n)))
    orders = _shaken(case, orders) if not is_small else orders
    orders = _searched(case, orders) if is_small else orders
    cost, pairs = case.placed(orders)
    bound = cost if is_small else min(cost, case.bound())
    method = "all orders searched" if is_small else "insertion and exchange; bound by places in the order of repairs"
    certificate = Certificate(
        "dispatch", cost / SECONDS_PER_HOUR, bound / SECONDS_PER_HOUR, "customer_h", method,
        "generators are placed best for the orders chosen",
    )  # fmt: skip
    return DispatchPlan(_stops(case, orders), _moves(case, orders, pairs), unserved, certificate)


def _check(*names: list[str]) -> None:
    raise_if_any(
        [
            Problem(f"'{name}' is named twice", "give each a name of its own")
            for group in names
            for name in sorted({each for each in group if group.count(each) > 1})
        ]
    )


def _stops(case: _Case, orders: Sequence[Sequence[int]]) -> tuple[Stop, ...]:
    found = [
        Stop(case.crews[crew].crew_id, case.jobs[job].job_id, *times)
        for crew, order in enumerate(orders)
        for job, times in zip(order, case.times(crew, order), strict=True)
    ]
    return tuple(sorted(found, key=lambda each: (each.leaves_s, each.crew_id)))


def _moves(case: _Case, orders: Sequence[Sequence[int]], pairs: Sequence[tuple[int, int]]) -> tuple[Move, ...]:
    done = {stop.job_id: stop.done_s for stop in _stops(case, orders)}
    found = []
    for generator, number in pairs:
        job, site = case.jobs[case.sites[number][0]], case.jobs[case.sites[number][0]].sites[case.sites[number][1]]
        arrives = int(case.arrival_s[generator, number])
        until = done[job.job_id]
        saved = site.n_customers * (until - max(arrives, site.dies_s, case.now_s)) / SECONDS_PER_HOUR
        found.append(Move(case.generators[generator].generator_id, site.site_id, job.job_id, arrives, saved))
    return tuple(sorted(found, key=lambda each: (each.arrives_s, each.generator_id)))


def _inserted(case: _Case, orders: list[list[int]], jobs: Iterable[int]) -> list[list[int]]:
    """Return orders with faults put in where they cost least, the hastiest first."""
    cost = [case.lost(crew, order) for crew, order in enumerate(orders)]
    for job in sorted(jobs, key=lambda job: (-_haste(case, job), job)):
        choices = [
            (case.lost(crew, [*order[:at], job, *order[at:]]) - cost[crew], crew, at)
            for crew, order in enumerate(orders)
            for at in range(len(order) + 1)
        ]
        _, crew, at = min(choices)
        orders[crew].insert(at, job)
        cost[crew] = case.lost(crew, orders[crew])
    return orders


def _shaken(case: _Case, orders: list[list[int]]) -> list[list[int]]:
    """Return orders bettered by taking a third of the faults out and putting them in again, many times over."""
    n = len(case.jobs)
    draw = np.random.Generator(np.random.Philox(key=n))
    best = case.placed(orders)[0]
    for _ in range(min(TRIALS, max(FEWEST_TRIALS, LARGE // n))):
        out = set(draw.permutation(n)[: max(2, n // 3)].tolist())
        kept = [[job for job in order if job not in out] for order in orders]
        trial = _inserted(case, kept, out)
        if case.placed(trial)[0] > PROMISING_RATIO * best:
            continue
        trial = _improved(case, trial)
        found = case.placed(trial)[0]
        if found < best:
            best, orders = found, trial
    return orders


def _haste(case: _Case, job: int) -> float:
    """Return customers per second of work: what is worth doing first on one's own."""
    each = case.jobs[job]
    customers = each.n_customers + sum(site.n_customers for site in each.sites)
    return customers / max(1.0, each.repair_s + float(case.start_s[:, job].min()))


def _improved(case: _Case, orders: list[list[int]]) -> list[list[int]]:
    """Return orders in which no move of one fault and no exchange of two helps, generators placed anew each round."""
    best, pairs = case.placed(orders)
    for _ in range(MAX_ROUNDS):
        times = np.full(len(case.sites), np.inf)
        for generator, site in pairs:
            times[site] = case.arrival_s[generator, site]
        case.relief = case._by_job(times)  # noqa: SLF001  # its own module
        trial = _exchanged(case, [list(order) for order in orders])
        found, placed = case.placed(trial)
        if found >= best:
            break
        best, pairs, orders = found, placed, trial
    case.relief = case.best_relief
    return orders


def _exchanged(case: _Case, orders: list[list[int]]) -> list[list[int]]:
    cost = [case.lost(crew, order) for crew, order in enumerate(orders)]
    is_better = True
    while is_better:
        is_better = False
        for job in range(len(case.jobs)):
            giver = next(crew for crew, order in enumerate(orders) if job in order)
            rest = [each for each in orders[giver] if each != job]
            lost = case.lost(giver, rest)
            for taker, order in enumerate(orders):
                base = rest if taker == giver else order
                for at in range(len(base) + 1):
                    trial = [*base[:at], job, *base[at:]]
                    made = case.lost(taker, trial)
                    before = cost[giver] if taker == giver else cost[giver] + cost[taker]
                    after = made if taker == giver else made + lost
                    if after < before - 0.5:
                        orders[giver], cost[giver] = rest, lost
                        orders[taker], cost[taker] = trial, made
                        is_better = True
                        break
                else:
                    continue
                break
    return orders


def _searched(case: _Case, start: list[list[int]]) -> list[list[int]]:
    """Return the best orders of all, by depth first with a bound: what is left costs at least its soonest repair."""
    best, chosen = case.placed(start)[0], [list(order) for order in start]
    soonest = case.soonest_s()
    least = [job.lost_at(float(soonest[place]), case.now_s, case.best_relief[place])
             for place, job in enumerate(case.jobs)]  # fmt: skip
    orders: list[list[int]] = [[] for _ in case.crews]

    def deepen(crew: int, left: frozenset[int], spent: float) -> None:
        nonlocal best, chosen
        if spent + sum(least[job] for job in left) >= best:
            return
        if not left:
            found = case.placed(orders)[0]
            if found < best:
                best, chosen = found, [list(order) for order in orders]
            return
        if crew == len(orders):
            return
        for job in sorted(left):
            if case.can[crew, job]:
                before = case.lost(crew, orders[crew])
                orders[crew].append(job)
                deepen(crew, left - {job}, spent - before + case.lost(crew, orders[crew]))
                orders[crew].pop()
        deepen(crew + 1, left, spent)

    deepen(0, frozenset(range(len(case.jobs))), 0.0)
    return chosen
