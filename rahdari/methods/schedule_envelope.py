"""The envelope of every calendar: a bound that holds, what a crew, a dollar or a month more is worth, what binds where.

A linear programme over classes of packages gives prices (:mod:`rahdari.methods.schedule_fluid`); steps improve them,
and put to the packages themselves, each on its own, they prove a bound (Lagrange; Fisher 1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import raise_if_any
from rahdari.kernels.schedule_bound import start_costs
from rahdari.methods.schedule_ascent import MOST_STEPS, Prices, ascend, bound_at
from rahdari.methods.schedule_case import compile_case
from rahdari.methods.schedule_checks import schedule_problems
from rahdari.methods.schedule_fluid import fluid_prices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.schedule_case import Case
    from rahdari.methods.schedule_model import Budget, Calendar, Crews, Packages

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Charge = tuple[str, str, float]

MOST_VARIABLES = 60_000  # a nation: 160 districts x 6 kinds x 60 months are 57,600
ENVELOPE_STEPS = 80  # its linear programme is finer and its first prices better
FEW_VARIABLES = 30_000  # beside a search, which needs prices at once
SAFETY_FRAC = 1e-9  # taken off a bound for rounding
CAUSES = ("release", "permit", "arrival")  # months before which a package cannot start, in the order ties are told


@dataclass(frozen=True, slots=True, eq=False)
class ShadowPrices:
    """What one more would be worth, in the objective's unit times months (people-months).

    ``crew`` (months, pools) of a crew for a month; ``hire`` (months, pools) of a crew hired in a month; ``money``
    (years,) of a unit of money that may be spent in a year; ``material`` by name (months,) of a unit at hand from a
    month on; ``prices`` as the bound's proof reads them.
    """

    pool_id: tuple[str, ...]
    crew: FloatArray
    hire: FloatArray
    money: FloatArray
    material: dict[str, FloatArray]
    prices: Prices

    def table(self) -> pl.DataFrame:
        """Return a row for each resource and month (money: year): ``kind``, ``name``, ``step``, ``price_value``."""
        rows: list[tuple[str, str, FloatArray]] = []
        for k, pool in enumerate(self.pool_id):
            rows += [("crew", pool, self.crew[:, k]), ("hire", pool, self.hire[:, k])]
        rows += [("money", "", self.money), *(("material", name, part) for name, part in self.material.items())]
        frames = [
            pl.DataFrame({"kind": kind, "name": name, "step": np.arange(part.size), "price_value": part})
            for kind, name, part in rows
            if part.size
        ]
        return pl.concat(frames)


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """No calendar has less value x months until done than ``bound``; what is undone waits to the calendar's end."""

    bound: float
    shadow_prices: ShadowPrices
    n_classes: int
    n_variables: int


def shadow_prices(case: Case, prices: Prices, packages: Packages, crews: Crews, calendar: Calendar) -> ShadowPrices:
    """Return prices of periods as prices of months, and what follows for hiring by training and attrition."""
    cut = calendar.periods_per_month
    crew = prices.crews.reshape(calendar.n_months, cut, -1).sum(axis=1) / cut
    level, most = crews.available(calendar.n_months), crews.most_crews
    hire = np.zeros_like(crew)
    for k in range(crew.shape[1]):
        kept, lag = 1.0 - crews.attrition_frac[k], 1 + int(crews.training_months[k])
        onward = 0.0  # worth of a crew at work from a month on; at the most a further crew adds nothing
        worth = np.zeros(calendar.n_months)
        for month in range(calendar.n_months - 1, -1, -1):
            onward = 0.0 if level[month, k] >= most[k] else crew[month, k] + kept * onward
            worth[month] = onward
        hire[: max(0, calendar.n_months - lag), k] = worth[lag:]
    names = sorted(name for name, units in packages.materials.items() if units.any())
    drawn = prices.of(case)[2]
    material = {name: drawn[m, ::cut] / cut for m, name in enumerate(names)}
    return ShadowPrices(crews.pool_id, crew, hire, prices.money(case) / cut, material, prices)


def envelope(
    packages: Packages, crews: Crews, budget: Budget, calendar: Calendar, objective: str = "people", *,
    most_variables: int = MOST_VARIABLES, most_steps: int = ENVELOPE_STEPS,
) -> Envelope:  # fmt: skip
    """Return the bound and the shadow prices of the best calendar without making one.

    ``objective`` is "people" or an indicator.  Raises :class:`InputError` with all that is wrong.
    """
    raise_if_any(schedule_problems(packages, crews, budget, calendar, objective))
    case = compile_case(packages, crews, budget, calendar, objective)
    worst = float(case.value.sum() * case.horizon)
    bound, prices, _, sizes = people_bound(case, packages, worst, most_variables, most_steps)
    shadow = shadow_prices(case, prices, packages, crews, calendar)
    return Envelope(bound / calendar.periods_per_month, shadow, *sizes)


def people_bound(
    case: Case, packages: Packages, target: float, most_variables: int = FEW_VARIABLES, most_steps: int = MOST_STEPS
) -> tuple[float, Prices, FloatArray, tuple[int, int]]:
    """Return the bound in value x periods, its prices, mean starts, and the numbers of classes and variables."""
    first, n_classes, n_variables = fluid_prices(case, packages, most_variables)
    nothing = Prices(*(np.zeros_like(part) for part in (first.crews, first.left, first.stock, first.link)))
    start = max((first, nothing), key=lambda prices: bound_at(case, prices))
    bound, prices, mean = ascend(case, start, target, most_steps)
    return bound - SAFETY_FRAC * abs(bound), prices, mean, (n_classes, n_variables)


def makespan_bound(case: Case) -> int:
    """Return a number of periods below which no calendar ends: the longest chain, the work by pool, the money."""
    fixed = np.flatnonzero(case.start >= 0)
    chain = int((case.head + case.duration)[case.movable].max(initial=0))
    least = max(chain, int((case.start + case.duration)[fixed].max(initial=0)))
    work = (case.demand * case.duration[:, None])[case.movable].sum(axis=0)
    for k in range(work.size):
        least = max(least, int(np.searchsorted(np.cumsum(case.free[:, k]), work[k]) + 1) if work[k] > 0 else 0)
    if case.left.size and np.array_equal(case.chain, np.tril(np.ones_like(case.chain))):
        need = case.cost[case.movable].min(axis=1).sum()
        enough = np.flatnonzero(case.left >= need * (1.0 - SAFETY_FRAC))
        year = int(enough[0]) if enough.size else case.left.size
        later = np.flatnonzero(case.year >= year)
        shortest = int(case.duration[case.movable].min()) if case.cost[case.movable].min() > 0.0 else 0
        reached = int(later[0]) + max(1, shortest) if later.size else case.horizon + 1
        least = max(least, reached) if need > 0.0 else least
    return min(least, case.horizon + 1)


def _late_cause(case: Case, packages: Packages, i: int, best: int, cut: int) -> str:
    """Return what keeps package ``i`` from its ideal start ``best``."""
    months = (packages.release_month[i], packages.permit_month[i], packages.arrival_month[i])
    if max(months) * cut > best:
        return CAUSES[int(np.argmax(months))]
    return "precedence" if case.head[i] > best else "season"


def _charges(case: Case, parts: tuple[FloatArray, ...], i: int, s: int, names: dict[str, list[str]]) -> list[Charge]:
    """Return what package ``i`` takes when started at ``s``, at the prices."""
    end = min(s + int(case.duration[i]), case.horizon)
    held = case.demand[i] * (parts[0][:, end] - parts[0][:, s])
    rows = [("crew", pool, float(price)) for pool, price in zip(names["crew"], held, strict=True)]
    if case.left.size and case.year[s] >= 0:
        rows.append(("money", "", float(parts[1][case.year[s]] * case.cost[i, case.year[s]])))
    return rows + [
        ("material", name, float(case.use[i, m] * parts[2][m, s])) for m, name in enumerate(names["material"])
    ]


def binding(
    case: Case, prices: Prices, packages: Packages, crews: Crews, *, calendar: Calendar, start: IntArray
) -> pl.DataFrame:
    """Return what holds packages back, by district and month of start: ``cause``, ``name`` and ``waiting_value``.

    For each package the price of what it takes at its start; and for a package kept from a cheaper month by its season,
    release, permit, material or what is before it, the difference.  Undone packages stand in month -1, at their
    cheapest start.  Sums over packages, in value x months, the dearest cause of a month first.
    """
    cut, parts, books = calendar.periods_per_month, prices.of(case), case.books
    materials = sorted(name for name, units in packages.materials.items() if units.any())
    names = {"crew": list(crews.pool_id), "material": materials}
    cost, ideal = np.empty(case.horizon + 1), np.empty(case.horizon + 1)
    any_time = np.arange(case.horizon + 1, dtype=np.int32)[None, :]
    work_free = (*case.work[:10], np.zeros_like(case.window), any_time, *case.work[12:])
    rows: list[tuple[str, int, str, str, float]] = []
    for i in case.movable.tolist():
        start_costs(i, int(case.head[i]), cost, case.work, books, parts)
        start_costs(i, 0, ideal, work_free, books, parts)
        s = int(start[i]) if start[i] >= 0 else int(cost[:-1].argmin())
        month = int(start[i]) // cut if start[i] >= 0 else -1
        cause = _late_cause(case, packages, i, int(ideal[:-1].argmin()), cut)
        rows_here = [*_charges(case, parts, i, s, names), (cause, "", float(cost.min() - ideal.min()))]
        rows += [(packages.district[i], month, *each) for each in rows_here]
    text, keys = pl.String, ["district", "month", "cause", "name"]
    schema = {"district": text, "month": pl.Int64, "cause": text, "name": text, "waiting_value": pl.Float64}
    frame = pl.DataFrame(rows, schema, orient="row")
    # Sums in the order of packages: a threaded sum may differ in its last digit.
    group = frame.select(pl.struct(keys).rank("dense") - 1).to_series().to_numpy()
    sums = np.bincount(group, frame["waiting_value"].to_numpy()) / cut
    frame = frame.select(keys).unique().sort(keys).with_columns(waiting_value=pl.Series(sums, dtype=pl.Float64))
    frame = frame.filter(pl.col("waiting_value") > SAFETY_FRAC)
    falling = [False, False, True, False, False]
    return frame.sort(["district", "month", "waiting_value", "cause", "name"], descending=falling)
