"""What a roll-out is made of: packages of work, crews that grow and shrink, money by year, the calendar.

Time is counted in months from the first day of the calendar; a calendar may cut months into finer periods.  A package
is worked without a break, holds its crews from start to end, and its cost is committed in the month in which it starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    BoolArray = NDArray[np.bool_]

MONTHS_PER_YEAR = 12
UNKNOWN = -1  # the number of a package that is named and does not exist


@dataclass(frozen=True, slots=True, eq=False)
class Packages:
    """Work packages (n,), sorted by ``package_id``; make them with :meth:`of`.

    ``demand_crews`` (n, pools) crews held while a package is worked; ``cost_usd`` of what is imported and
    ``local_cost`` in local currency, both committed at the start; ``people`` served from the end on.  A package starts
    no sooner than ``release_month``, ``permit_month`` (right of way) and ``arrival_month`` (its own material, ordered
    with a lead time), and never holds a month of ``closed_season`` (n, 12), January first.  ``due_month`` is what
    lateness is told against; -1 for none.  ``materials`` are units (n,) drawn from a common stock at the start.
    ``before``, ``after`` and ``lag_months`` (links,) say that one starts no sooner than the end of the other plus the
    lag; a lag below zero lets them overlap ("dig once").  ``indicators`` are further objectives (n,) beside people.
    """

    package_id: tuple[str, ...]
    duration_months: FloatArray
    demand_crews: FloatArray
    cost_usd: FloatArray
    local_cost: FloatArray
    people: FloatArray
    release_month: IntArray
    permit_month: IntArray
    arrival_month: IntArray
    due_month: IntArray
    closed_season: BoolArray
    district: tuple[str, ...]
    kind: tuple[str, ...]
    vendor: tuple[str, ...]
    diesel_l: FloatArray
    materials: Mapping[str, FloatArray]
    indicators: Mapping[str, FloatArray]
    before: IntArray
    after: IntArray
    lag_months: FloatArray
    unknown: tuple[tuple[str, str], ...] = ()

    @property
    def n(self) -> int:
        """Return the number of packages."""
        return len(self.package_id)

    @classmethod
    def of(
        cls,
        package_id: Sequence[str],
        duration_months: ArrayLike,
        demand_crews: ArrayLike,
        *,
        people: ArrayLike = 0.0,
        cost_usd: ArrayLike = 0.0,
        local_cost: ArrayLike = 0.0,
        release_month: ArrayLike = 0,
        permit_month: ArrayLike = 0,
        arrival_month: ArrayLike = 0,
        due_month: ArrayLike = -1,
        closed_season: ArrayLike = False,
        district: Sequence[str] | str = "",
        kind: Sequence[str] | str = "",
        vendor: Sequence[str] | str = "",
        diesel_l: ArrayLike = 0.0,
        materials: Mapping[str, ArrayLike] | None = None,
        indicators: Mapping[str, ArrayLike] | None = None,
        predecessors: Sequence[tuple[str, str, float]] = (),
    ) -> Packages:
        """Return packages sorted by id; every figure is one for all or (n,), crews (n, pools).

        ``predecessors`` are (the package before, the package after, lag in months) by id.  Ids that no package has are
        kept and told by :func:`rahdari.methods.schedule_checks.schedule_problems`.

        >>> two = Packages.of(["b", "a"], [2, 1], [[1.0], [2.0]], people=[10, 20], predecessors=[("a", "b", 0)])
        >>> two.package_id, two.people.tolist(), two.before.tolist(), two.after.tolist()
        (('a', 'b'), [20.0, 10.0], [0], [1])
        """
        ids = tuple(package_id)
        n = len(ids)
        order = np.array(sorted(range(n), key=ids.__getitem__), dtype=np.int64)

        def floats(values: ArrayLike) -> FloatArray:
            return np.array(np.broadcast_to(np.asarray(values, np.float64), (n,))[order])

        def ints(values: ArrayLike) -> IntArray:
            return np.array(np.broadcast_to(np.asarray(values, np.int64), (n,))[order])

        def texts(values: Sequence[str] | str) -> tuple[str, ...]:
            return (values,) * n if isinstance(values, str) else tuple(values[i] for i in order.tolist())

        crews = np.asarray(demand_crews, np.float64).reshape(n, -1)[order]
        number = {ids[i]: k for k, i in enumerate(order.tolist())}
        links = sorted(predecessors)
        ends = np.array([[number.get(b, UNKNOWN), number.get(a, UNKNOWN)] for b, a, _ in links], np.int64).reshape(
            -1, 2
        )
        known = np.all(ends >= 0, axis=1)
        return cls(
            tuple(ids[i] for i in order.tolist()), floats(duration_months), np.ascontiguousarray(crews),
            floats(cost_usd), floats(local_cost), floats(people), ints(release_month), ints(permit_month),
            ints(arrival_month), ints(due_month),
            np.array(np.broadcast_to(np.asarray(closed_season, np.bool_), (n, MONTHS_PER_YEAR))[order]),
            texts(district), texts(kind), texts(vendor), floats(diesel_l),
            {name: floats(values) for name, values in sorted((materials or {}).items())},
            {name: floats(values) for name, values in sorted((indicators or {}).items())},
            ends[known, 0], ends[known, 1], np.array([lag for _, _, lag in links], np.float64)[known],
            tuple((b, a) for b, a, _ in links if b not in number or a not in number),
        )  # fmt: skip

    def value(self, objective: str) -> FloatArray:
        """Return (n,) what the objective counts: people, or the indicator of that name.

        ``makespan`` counts nothing by package: zeros.
        """
        if objective == "makespan":
            return np.zeros(self.n)
        return self.people if objective == "people" else self.indicators[objective]


@dataclass(frozen=True, slots=True, eq=False)
class Crews:
    """Pools of crews (k,): at the start, hired in a month at most, months of training, share lost a month, most.

    Crews hired in month u work from month u + 1 + training on.  ``losses`` are (pool, month, crews) gone at a blow.
    """

    pool_id: tuple[str, ...]
    start_crews: FloatArray
    hire_per_month: FloatArray
    training_months: IntArray
    attrition_frac: FloatArray
    most_crews: FloatArray
    losses: tuple[tuple[str, int, float], ...] = ()

    @classmethod
    def of(
        cls,
        pool_id: Sequence[str],
        start_crews: ArrayLike,
        *,
        hire_per_month: ArrayLike = 0.0,
        training_months: ArrayLike = 0,
        attrition_frac: ArrayLike = 0.0,
        most_crews: ArrayLike = np.inf,
    ) -> Crews:
        """Return pools in the order given; every figure is one for all or (pools,)."""
        k = len(pool_id)

        def floats(values: ArrayLike) -> FloatArray:
            return np.array(np.broadcast_to(np.asarray(values, np.float64), (k,)))

        training = np.array(np.broadcast_to(np.asarray(training_months, np.int64), (k,)))
        parts = floats(start_crews), floats(hire_per_month), training, floats(attrition_frac), floats(most_crews)
        return cls(tuple(pool_id), *parts)

    def available(self, n_months: int) -> FloatArray:
        """Return (n_months, pools) crews at work when each pool hires all it may.

        No other hiring gives more in any month, so a calendar within these crews is within what can be had.

        >>> Crews.of(["splicers"], 10.0, hire_per_month=2.0, training_months=1).available(4).ravel().tolist()
        [10.0, 10.0, 12.0, 14.0]
        """
        crews = np.zeros((n_months, len(self.pool_id)))
        for k in range(len(self.pool_id)):
            level = float(min(self.start_crews[k], self.most_crews[k]))
            lost = {month: crews for pool, month, crews in sorted(self.losses) if pool == self.pool_id[k]}
            for month in range(n_months):
                if month > 0:
                    trained = self.hire_per_month[k] if month >= 1 + self.training_months[k] else 0.0
                    level = float(min(self.most_crews[k], level * (1.0 - self.attrition_frac[k]) + trained))
                level = max(0.0, level - lost.get(month, 0.0))
                crews[month, k] = level
        return crews


@dataclass(frozen=True, slots=True, eq=False)
class Budget:
    """Money that may be committed in each year from ``first_year`` on, and what becomes of money left.

    A year begins in month ``starts_in_month`` (7: a fiscal year from July).  With ``local_per_usd`` (years,) money is
    counted in local currency, each year at its rate; without it all is in US dollars.  ``carry_frac`` of what a year
    leaves may be spent in the next: 0 lapses, 1 is kept.  No money at all is a limit: :meth:`unlimited` has none.
    """

    first_year: int
    amount_usd: FloatArray
    local_amount: FloatArray
    local_per_usd: FloatArray | None = None
    carry_frac: float = 1.0
    starts_in_month: int = 1
    is_limited: bool = True

    @classmethod
    def of(
        cls,
        first_year: int,
        amount_usd: ArrayLike = (),
        *,
        local_amount: ArrayLike = (),
        local_per_usd: ArrayLike | None = None,
        carry_frac: float = 1.0,
        starts_in_month: int = 1,
    ) -> Budget:
        """Return the money of as many years as the longest of the three series has."""
        usd, local = (
            np.atleast_1d(np.asarray(amount_usd, np.float64)),
            np.atleast_1d(np.asarray(local_amount, np.float64)),
        )
        rate = None if local_per_usd is None else np.atleast_1d(np.asarray(local_per_usd, np.float64))
        n = max(usd.size, local.size)
        pad = [np.concatenate([part, np.zeros(n - part.size)]) for part in (usd, local)]
        return cls(first_year, pad[0], pad[1], rate, carry_frac, starts_in_month)

    @classmethod
    def unlimited(cls) -> Budget:
        """Return a budget that never binds."""
        return cls(0, np.zeros(0), np.zeros(0), None, 1.0, 1, is_limited=False)

    @property
    def amounts(self) -> FloatArray:
        """Return (years,) money in the currency of account."""
        if self.local_per_usd is None:
            return self.amount_usd
        return self.local_amount + self.amount_usd * self.local_per_usd[: self.amount_usd.size]

    @property
    def chain(self) -> FloatArray:
        """Return (years, years): row y holds how much of each year's money counts towards what is left in year y.

        What is left in year y is the sum over years z up to y of carry_frac ** (y - z) x (money - spending) of z, and
        never below zero.
        """
        years = np.arange(self.amount_usd.size)
        apart = years[:, None] - years[None, :]
        return np.where(apart >= 0, float(self.carry_frac) ** np.maximum(apart, 0), 0.0)

    def costs(self, packages: Packages) -> FloatArray:
        """Return (n, years) what each package costs in the currency of account if it starts in each year."""
        ones = np.ones(self.amount_usd.size)
        if self.local_per_usd is None:
            return np.outer(packages.cost_usd, ones)
        return packages.local_cost[:, None] + np.outer(packages.cost_usd, self.local_per_usd[: ones.size])


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The months in which work may be done, finer periods if wished, closed districts, arrivals of common material.

    ``closed`` holds (district, first month, last month) in which no package there may be worked (a flood, an election);
    ``arrivals`` (months,) units of a material that come at the start of each month.
    """

    starts_on: date
    n_months: int
    periods_per_month: int = 1
    closed: tuple[tuple[str, int, int], ...] = ()
    arrivals: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def n_periods(self) -> int:
        """Return the number of periods."""
        return self.n_months * self.periods_per_month

    def month_of_year(self) -> IntArray:
        """Return (n_months,) the month of the year, 0 for January."""
        return (self.starts_on.month - 1 + np.arange(self.n_months)) % MONTHS_PER_YEAR

    def budget_year(self, budget: Budget) -> IntArray:
        """Return (n_months,) the number of the budget's year in which each month lies; outside it -1."""
        months = self.starts_on.year * MONTHS_PER_YEAR + self.starts_on.month - 1 + np.arange(self.n_months)
        first = budget.first_year * MONTHS_PER_YEAR + budget.starts_in_month - 1
        year = (months - first) // MONTHS_PER_YEAR
        return np.where((year >= 0) & (year < budget.amount_usd.size), year, UNKNOWN)

    def date_of(self, month: int) -> date:
        """Return the first day of a month.

        >>> Calendar(date(2025, 4, 1), 60).date_of(10)
        datetime.date(2026, 2, 1)
        """
        total = self.starts_on.year * MONTHS_PER_YEAR + self.starts_on.month - 1 + month
        return date(total // MONTHS_PER_YEAR, total % MONTHS_PER_YEAR + 1, 1)

    def with_closed(self, closed: Sequence[tuple[str, int, int]]) -> Calendar:
        """Return the calendar with more closed districts."""
        return replace(self, closed=(*self.closed, *closed))
