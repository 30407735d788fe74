"""An independent check of a calendar: every limit counted again from the packages, with no part of what made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.schedule_model import Budget, Crews, Packages
    from rahdari.methods.schedule_result import Schedule

    FloatArray = NDArray[np.float64]

ROUNDING = 1e-6  # of crews, units and, relative, of money
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Violation:
    """One limit that is broken: which, by what, in which month, by how much."""

    limit: str
    name: str
    month: int
    amount: float

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.limit} '{self.name}' in month {self.month}: {self.amount:g} too much"


@dataclass(frozen=True, slots=True)
class Verification:
    """All violations, and the objective's value counted again (value x months until done)."""

    violations: tuple[Violation, ...]
    value: float

    @property
    def is_sound(self) -> bool:
        """Return whether nothing is violated."""
        return not self.violations


def _crews_at_work(crews: Crews, k: int, n_months: int) -> list[float]:
    """Return the crews of pool ``k`` in each month, counted by those who join, leave and are lost."""
    joins = [0.0] * (n_months + 1)
    for hired in range(n_months):
        month = hired + 1 + int(crews.training_months[k])
        if month < n_months:
            joins[month] += float(crews.hire_per_month[k])
    present: list[float] = []
    stock = min(float(crews.start_crews[k]), float(crews.most_crews[k]))
    for month in range(n_months):
        if month:
            stock = min(stock - stock * float(crews.attrition_frac[k]) + joins[month], float(crews.most_crews[k]))
        for pool, when, count in crews.losses:
            if pool == crews.pool_id[k] and when == month:
                stock = max(stock - count, 0.0)
        present.append(stock)
    return present


def _crew_violations(packages: Packages, crews: Crews, plan: Schedule, length: list[int]) -> list[Violation]:
    found: list[Violation] = []
    cut, n_months = plan.calendar.periods_per_month, plan.calendar.n_months
    for k, pool in enumerate(crews.pool_id):
        level = _crews_at_work(crews, k, n_months)
        held, stands = [0.0] * (n_months * cut), [0.0] * (n_months * cut)
        for i, start in enumerate(plan.start_period.tolist()):
            if start >= 0:
                for t in range(start, min(start + length[i], n_months * cut)):
                    held[t] += float(packages.demand_crews[i, k])
                    stands[t] += float(packages.demand_crews[i, k]) if plan.committed[i] else 0.0
        worst: dict[int, float] = {}
        for t, count in enumerate(held):
            over = count - max(level[t // cut], stands[t])
            if over > ROUNDING * max(1.0, count):
                worst[t // cut] = max(worst.get(t // cut, 0.0), over)
        found += [Violation("crews", pool, month, over) for month, over in sorted(worst.items())]
    return found


def _time_violations(packages: Packages, plan: Schedule, length: list[int]) -> list[Violation]:
    found: list[Violation] = []
    calendar, cut = plan.calendar, plan.calendar.periods_per_month
    for i, start in enumerate(plan.start_period.tolist()):
        if start < 0 or plan.committed[i]:
            continue
        name = packages.package_id[i]
        for limit, month in (
            ("release", packages.release_month[i]),
            ("permit", packages.permit_month[i]),
            ("arrival", packages.arrival_month[i]),
            ("shock", plan.not_before / cut),
        ):
            if start < month * cut - ROUNDING:
                found.append(Violation(limit, name, start // cut, float(month - start / cut)))
        if start + length[i] > calendar.n_months * cut:
            found.append(Violation("horizon", name, start // cut, float(start + length[i] - calendar.n_months * cut)))
        for month in sorted({t // cut for t in range(start, start + length[i])}):
            if packages.closed_season[i, (calendar.starts_on.month - 1 + month) % MONTHS]:
                found.append(Violation("season", name, month, 1.0))
            if any(packages.district[i] == place and a <= month <= b for place, a, b in calendar.closed):
                found.append(Violation("closed district", name, month, 1.0))
    return found


def _precedence_violations(packages: Packages, plan: Schedule, length: list[int]) -> list[Violation]:
    found: list[Violation] = []
    cut = plan.calendar.periods_per_month
    for before, after, lag in zip(
        packages.before.tolist(), packages.after.tolist(), packages.lag_months.tolist(), strict=True
    ):
        first, second = int(plan.start_period[before]), int(plan.start_period[after])
        if second < 0 or plan.committed[after]:
            continue
        pair = f"{packages.package_id[before]} → {packages.package_id[after]}"
        if first < 0:
            found.append(Violation("precedence (undone)", pair, second // cut, float(length[before])))
        else:
            early = max(first + length[before] + round(lag * cut), first) - second
            if early > 0:
                found.append(Violation("precedence", pair, second // cut, float(early)))
    return found


def _money_violations(packages: Packages, budget: Budget, plan: Schedule) -> list[Violation]:
    if not budget.is_limited:
        return []
    calendar, years = plan.calendar, len(budget.amount_usd)
    rate = [1.0] * years if budget.local_per_usd is None else [float(each) for each in budget.local_per_usd]
    money = [float(budget.amount_usd[y]) * rate[y] for y in range(years)]
    if budget.local_per_usd is not None:
        money = [money[y] + float(budget.local_amount[y]) for y in range(years)]
    spent, stands = [0.0] * years, [0.0] * years
    found: list[Violation] = []
    for i, start in enumerate(plan.start_period.tolist()):
        if start < 0:
            continue
        month = calendar.starts_on.year * MONTHS + calendar.starts_on.month - 1 + start // calendar.periods_per_month
        year = (month - budget.first_year * MONTHS - budget.starts_in_month + 1) // MONTHS
        if plan.committed[i]:
            cost = float(plan.paid[i])
        else:
            foreign = float(packages.cost_usd[i]) * (rate[year] if 0 <= year < years else 1.0)
            cost = foreign + (0.0 if budget.local_per_usd is None else float(packages.local_cost[i]))
        if 0 <= year < years:
            spent[year] += cost
            stands[year] += cost if plan.committed[i] else 0.0
        elif cost > 0.0:
            found.append(Violation("money outside its years", packages.package_id[i], start, cost))
    left = left_of_committed = 0.0
    for year in range(years):
        left = budget.carry_frac * left + money[year] - spent[year]
        left_of_committed = budget.carry_frac * left_of_committed + money[year] - stands[year]
        over = min(left_of_committed, 0.0) - left
        if over > ROUNDING * max(1.0, sum(spent)):
            found.append(Violation("money", f"year {budget.first_year + year}", MONTHS * year, over))
    return found


def _material_violations(packages: Packages, plan: Schedule) -> list[Violation]:
    found: list[Violation] = []
    calendar = plan.calendar
    for name, units in packages.materials.items():
        if not units.any():
            continue
        arrived = used = stands = 0.0
        month_of = np.where(plan.start_period >= 0, plan.start_period // calendar.periods_per_month, -1)
        for month in range(calendar.n_months):
            arrived += float(calendar.arrivals[name][month])
            here = month_of == month
            used += float(units[here].sum())
            stands += float(units[here & plan.committed].sum())
            over = used - max(arrived, stands)
            if over > ROUNDING * max(1.0, used):
                found.append(Violation("material", name, month, over))
    return found


def verify_schedule(packages: Packages, crews: Crews, budget: Budget, schedule: Schedule) -> Verification:
    """Return every limit that a calendar breaks, and its value counted again.

    Crews, seasons, closed districts, releases, permits, materials, money with carry-over and precedence are counted
    month by month.  What was committed before a shock stands: only what comes on top of it can break a limit.
    """
    cut = schedule.calendar.periods_per_month
    length = [int(-(-months * cut // 1)) for months in np.round(packages.duration_months, 9).tolist()]
    if len(schedule.start_period) != packages.n:
        return Verification((Violation("packages", "number of starts", 0, float(len(schedule.start_period))),), 0.0)
    found = _time_violations(packages, schedule, length) + _precedence_violations(packages, schedule, length)
    found += _crew_violations(packages, crews, schedule, length)
    found += _money_violations(packages, budget, schedule) + _material_violations(packages, schedule)
    horizon = schedule.calendar.n_months * cut
    ends = [s + length[i] if s >= 0 else horizon for i, s in enumerate(schedule.start_period.tolist())]
    if schedule.objective == "makespan":
        n_undone = int((schedule.start_period < 0).sum())
        value = float(horizon + n_undone if n_undone else max(ends, default=0))
    else:
        counted = packages.people if schedule.objective == "people" else packages.indicators[schedule.objective]
        value = float(sum(each * end for each, end in zip(counted.tolist(), ends, strict=True)))
    return Verification(tuple(found), value / cut)
