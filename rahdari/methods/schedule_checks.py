"""What is wrong with packages, crews, money or calendar: all of it at once, each with the cure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import Problem
from rahdari.methods.schedule_model import MONTHS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.schedule_model import Budget, Calendar, Crews, Packages

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

MOST_NAMED = 5  # of one fault
MOST_OF_CYCLE = 12  # packages of a cycle that are named
ROUNDING = 1e-9


def _named(names: list[str], what: str, cure: str, file: str, column: str | None = None) -> list[Problem]:
    shown = names[:MOST_NAMED]
    more = f" (and {len(names) - len(shown)} more)" if len(names) > len(shown) else ""
    return (
        [Problem(f"{what}: {', '.join(repr(name) for name in shown)}{more}", cure, file, None, column)] if names else []
    )


def _chosen(packages: Packages, mask: NDArray[np.bool_]) -> list[str]:
    return [packages.package_id[i] for i in np.flatnonzero(mask).tolist()]


def find_cycle(n: int, before: IntArray, after: IntArray) -> list[int]:
    """Return the packages of one cycle of precedence in order, the first again at the end; empty where there is none.

    >>> find_cycle(3, np.array([0, 1, 2]), np.array([1, 2, 0]))
    [0, 1, 2, 0]
    """
    following: list[list[int]] = [[] for _ in range(n)]
    for b, a in sorted(zip(before.tolist(), after.tolist(), strict=True)):
        following[b].append(a)
    state = [0] * n  # 0 not seen, 1 on the way, 2 done
    for root in range(n):
        if state[root]:
            continue
        way, stack = [root], [iter(following[root])]
        state[root] = 1
        while stack:
            step = next(stack[-1], None)
            if step is None:
                state[way.pop()] = 2
                stack.pop()
            elif state[step] == 1:
                return [*way[way.index(step) :], step]
            elif state[step] == 0:
                state[step] = 1
                way.append(step)
                stack.append(iter(following[step]))
    return []


def _number_problems(packages: Packages, objective: str) -> list[Problem]:
    faults: list[Problem] = []
    columns = {
        "duration_months": packages.duration_months, "cost_usd": packages.cost_usd, "local_cost": packages.local_cost,
        "people": packages.people, "diesel_l": packages.diesel_l, "demand_crews": packages.demand_crews.sum(axis=1),
        **packages.materials, **packages.indicators,
    }  # fmt: skip
    for name, values in columns.items():
        bad = ~np.isfinite(values) | (values < 0.0)
        if name == "demand_crews":
            bad |= (packages.demand_crews < 0.0).any(axis=1)
        faults += _named(_chosen(packages, bad), "no number of zero or more", "correct it", "packages", name)
    twice = sorted(name for name, n in Counter(packages.package_id).items() if n > 1)
    faults += _named(twice, "an id stands twice", "give each package its own", "packages", "package_id")
    if objective not in {"people", "makespan", *packages.indicators}:
        known = ", ".join(["people", "makespan", *packages.indicators])
        faults.append(Problem(f"the objective '{objective}' is unknown", f"choose one of {known}", "objective"))
    return faults


def _precedence_problems(packages: Packages) -> list[Problem]:
    faults = [
        Problem(f"'{before}' before '{after}' names a package that does not exist", "correct the id", "predecessors")
        for before, after in packages.unknown[:MOST_NAMED]
    ]
    early = packages.duration_months[packages.before] + packages.lag_months < -ROUNDING
    names = [packages.package_id[i] for i in packages.after[early].tolist()]
    faults += _named(names, "a lag below zero is longer than the package before it", "shorten it", "predecessors")
    cycle = find_cycle(packages.n, packages.before, packages.after)
    if cycle:
        shown = [packages.package_id[i] for i in cycle[:MOST_OF_CYCLE]]
        more = f" → … ({len(cycle) - 1} packages)" if len(cycle) > MOST_OF_CYCLE else ""
        way = " → ".join(shown) + more
        faults.append(Problem(f"precedence runs in a circle: {way}", "take out one of these links", "predecessors"))
    return faults


def _crew_problems(packages: Packages, crews: Crews, calendar: Calendar) -> list[Problem]:
    k = len(crews.pool_id)
    if packages.demand_crews.shape[1] != k:
        what = f"packages ask for {packages.demand_crews.shape[1]} pools of crews and there are {k}"
        return [Problem(what, "give a column of demand for each pool", "crews")]
    faults: list[Problem] = []
    figures = {"start_crews": crews.start_crews, "hire_per_month": crews.hire_per_month, "most_crews": crews.most_crews}
    for name, values in figures.items():
        bad = [crews.pool_id[i] for i in np.flatnonzero(~(values >= 0.0)).tolist()]
        faults += _named(bad, "no number of zero or more", "correct it", "crews", name)
    lost = [crews.pool_id[i] for i in np.flatnonzero(~((crews.attrition_frac >= 0) & (crews.attrition_frac <= 1)))]
    faults += _named(lost, "a share lost in a month lies between 0 and 1", "correct it", "crews", "attrition_frac")
    peak = crews.available(max(calendar.n_months, 1)).max(axis=0)
    for i, pool in enumerate(crews.pool_id):
        short = packages.demand_crews[:, i] > peak[i] + ROUNDING
        what = f"no crew can do it: it asks for more '{pool}' than the {peak[i]:g} there ever are"
        cure = "cut the package, start with more crews or hire more"
        faults += _named(_chosen(packages, short), what, cure, "packages", "demand_crews")
    return faults


def longest_open_months(closed: NDArray[np.bool_]) -> FloatArray:
    """Return (n,) the most months in a row in which work is allowed, without end where no month is closed.

    >>> longest_open_months(np.array([[True] * 5 + [False] * 4 + [True] * 3]))
    array([4.])
    """
    twice = np.concatenate([closed, closed], axis=1)
    run, best = np.zeros(len(closed)), np.zeros(len(closed))
    for month in range(twice.shape[1]):
        run = np.where(twice[:, month], 0.0, run + 1.0)
        best = np.maximum(best, run)
    return np.where(closed.any(axis=1), np.minimum(best, MONTHS_PER_YEAR), np.inf)


def _calendar_problems(packages: Packages, calendar: Calendar) -> list[Problem]:
    faults: list[Problem] = []
    if calendar.n_months < 1 or calendar.periods_per_month < 1:
        faults.append(
            Problem("the calendar has no month", "give n_months and periods_per_month of 1 or more", "calendar")
        )
    never = np.asarray(np.all(packages.closed_season, axis=1))
    faults += _named(_chosen(packages, never), "the season never opens", "open a month", "packages", "closed_season")
    short = ~never & (packages.duration_months > longest_open_months(packages.closed_season) + ROUNDING)
    what, cure = (
        "the season is never open for as long as the work takes",
        "split the package or add crews to shorten it",
    )
    faults += _named(_chosen(packages, short), what, cure, "packages", "closed_season")
    unknown = sorted({name for name, _, _ in calendar.closed} - set(packages.district))
    faults += _named(unknown, "a closed district in which no package lies", "correct its name", "calendar", "closed")
    missing = sorted(
        name for name, units in packages.materials.items() if name not in calendar.arrivals and units.any()
    )
    faults += _named(missing, "a material that never arrives", "give its arrivals by month", "calendar", "arrivals")
    for name, units in calendar.arrivals.items():
        if units.shape != (calendar.n_months,) or not (np.isfinite(units) & (units >= 0.0)).all():
            what = f"arrivals of '{name}' are not {calendar.n_months} numbers of zero or more"
            faults.append(Problem(what, "give one for each month", "calendar", None, "arrivals"))
    return faults


def _money_problems(packages: Packages, budget: Budget, calendar: Calendar) -> list[Problem]:
    if not budget.is_limited:
        return []
    faults: list[Problem] = []
    if not 0.0 <= budget.carry_frac <= 1.0:
        faults.append(
            Problem("the share carried over lies between 0 and 1", "correct it", "budget", None, "carry_frac")
        )
    years = budget.amount_usd.size
    if budget.local_per_usd is None:
        if packages.local_cost.any() or budget.local_amount.any():
            what = "money in local currency and no exchange rate"
            faults.append(Problem(what, "give local_per_usd for each year", "budget", None, "local_per_usd"))
    elif budget.local_per_usd.size < years or not (budget.local_per_usd > 0.0).all():
        what = f"an exchange rate is missing or not above zero: {budget.local_per_usd.size} rates for {years} years"
        faults.append(Problem(what, "give one above zero for each year", "budget", None, "local_per_usd"))
    if not (np.isfinite(budget.amount_usd) & (budget.amount_usd >= 0.0)).all() or (budget.local_amount < 0.0).any():
        faults.append(
            Problem("a year's money is no number of zero or more", "correct it", "budget", None, "amount_usd")
        )
    if faults or not packages.n or calendar.n_months < 1:
        return faults
    year = calendar.budget_year(budget)
    reached = np.unique(year[year >= 0])
    cheapest = budget.costs(packages)[:, reached].min(axis=0) if reached.size else np.zeros(0)
    most = (budget.chain @ budget.amounts)[reached]
    if not (most >= cheapest * (1.0 - ROUNDING)).any():
        what = "the budget lies below the cheapest package in every year of the calendar"
        if reached.size:
            what += f" (at most {most.max():,.0f}, the cheapest costs {cheapest.min():,.0f})"
        cure = "raise the budget, carry money over, split the package, or let the years of money meet the calendar"
        faults.append(Problem(what, cure, "budget"))
    return faults


def schedule_problems(
    packages: Packages, crews: Crews, budget: Budget, calendar: Calendar, objective: str = "people"
) -> list[Problem]:
    """Return everything that keeps a calendar from being made, each with its cure; empty where all is well."""
    faults = [Problem("there is no package", "give one or more", "packages")] if not packages.n else []
    faults += _number_problems(packages, objective)
    faults += _precedence_problems(packages)
    faults += _calendar_problems(packages, calendar)
    faults += _crew_problems(packages, crews, calendar)
    return faults + _money_problems(packages, budget, calendar)
