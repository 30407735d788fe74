"""The roll-out as packages, crews, money and calendar; a calendar long enough for all of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.rollout.norms import POOLS, closed_season, crew_pools
from rahdari.engines.rollout.packages import package_table, pieces, precedence, start_crews
from rahdari.engines.rollout.work import MONTHS, work_rows
from rahdari.methods.observations import latest
from rahdari.methods.schedule_model import Budget, Calendar, Crews, Packages
from rahdari.methods.schedule_search import Effort, schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.rollout.params import RolloutParams
    from rahdari.methods.schedule_result import Schedule
    from rahdari.model import Context, Tables

    FloatArray = NDArray[np.float64]

FIBRE_METRIC = "fibre_"  # targets whose metric begins so set the dates of the programme
MONTHS_PER_YEAR = 12
SPARE_MONTHS = 36  # beyond what crews and money alone take: leave, material, seasons
LONGEST_MONTHS = 480  # a programme that takes longer is not a plan; the last month takes the rest
LONGER_RATIO = 1.5
OBJECTIVES = {"people": "people", "homes": "homes", "sites": "sites"}


@dataclass(frozen=True, slots=True)
class Problem:
    """The packages as a table and as the method reads them, crews, money, the calendar and the month due."""

    table: pl.DataFrame
    packages: Packages
    crews: Crews
    budget: Budget
    calendar: Calendar
    due_months: int
    budget_said: str


def programme_dates(targets: pl.DataFrame, years: tuple[int, ...]) -> tuple[date, date]:
    """Return the first and the last day of the programme: those of its fibre targets, else the plan's years."""
    fibre = targets.filter(pl.col("metric").str.starts_with(FIBRE_METRIC))
    if fibre.height:
        first = min(date.fromisoformat(text) for text in fibre["starts_on"].to_list())
        last = max(date.fromisoformat(text) for text in fibre["due_on"].to_list())
        if last > first:
            return first, last
    return date(years[0], 1, 1), date(max(years[-1], years[0] + 1), 1, 1)


def months_between(first: date, last: date) -> int:
    """Return the whole months from the first of a month to the end of the month of ``last``; a first day counts none.

    >>> months_between(date(2025, 4, 1), date(2030, 4, 30)), months_between(date(2025, 1, 1), date(2030, 1, 1))
    (61, 60)
    """
    return (last.year - first.year) * MONTHS_PER_YEAR + last.month - first.month + (1 if last.day > 1 else 0)


def crews_of(params: RolloutParams, n_people: float) -> Crews:
    """Return the pools of crews."""
    pools, start = crew_pools(), start_crews(params, n_people)
    return Crews.of(
        POOLS,
        start,
        hire_per_month=pools["hire_frac_per_month"].to_numpy() * start * params.hire_ratio,
        training_months=pools["training_months"].to_numpy(),
        attrition_frac=pools["attrition_frac_per_month"].to_numpy(),
        most_crews=pools["most_ratio"].to_numpy() * start,
    )


def yearly_usd(tables: Tables, params: RolloutParams) -> tuple[float, str]:
    """Return the money of a year and where it comes from; zero where nothing limits it."""
    if params.budget_usd_per_year > 0.0:
        return params.budget_usd_per_year, "as stated by the scenario"
    seen = latest(tables, "sector_investment")
    if seen is not None and seen.value > 0.0:
        return seen.value, "the sector's published yearly investment, all of it"
    return 0.0, "no limit"


def budget_of(tables: Tables, params: RolloutParams, first: date, n_months: int) -> tuple[Budget, str]:
    """Return the money of each calendar year in local currency, the first and the last by their months."""
    usd, said = yearly_usd(tables, params)
    if usd <= 0.0:
        return Budget.unlimited(), said
    months = first.year * MONTHS_PER_YEAR + first.month - 1 + np.arange(n_months)
    count = np.bincount(months // MONTHS_PER_YEAR - first.year)
    rate = float(tables["country"]["exchange_rate_per_usd"][0])
    return Budget.of(
        first.year,
        local_amount=usd * rate * count / MONTHS_PER_YEAR,
        local_per_usd=np.full(count.size, rate),
        carry_frac=params.budget_carry_frac,
    ), said


def packages_of(table: pl.DataFrame, links: list[tuple[str, str, float]], rate: float, *, is_limited: bool) -> Packages:
    """Return the packages as the method reads them; money is local and imported where there is a budget."""
    duration = table["duration_months"].to_numpy()
    cost = table["cost_usd"].to_numpy()
    imported = cost * table["import_frac"].to_numpy() if is_limited else cost
    closed = np.array(
        [closed_season(snow, flood) for snow, flood in table.select("is_snow", "is_flood").iter_rows()], np.bool_
    )
    return Packages.of(
        table["package_id"].to_list(), duration, table.select(MONTHS).to_numpy() / duration[:, None],
        people=table["n_people"].to_numpy(), cost_usd=imported,
        local_cost=(cost - imported) * rate if is_limited else 0.0,
        permit_month=table["permit_months"].to_numpy(), arrival_month=table["lead_months"].to_numpy(),
        due_month=table["due_months"].to_numpy(), closed_season=closed,
        district=table["district_id"].to_list(), kind=table["kind"].to_list(), vendor=table["vendor"].to_list(),
        diesel_l=table["diesel_l"].to_numpy(), predecessors=links,
        indicators={
            "homes": table["n_households_passed"].to_numpy(), "sites": table["n_sites_fibred"].to_numpy(),
        },
    )  # fmt: skip


def least_months(table: pl.DataFrame, crews: Crews, usd_per_year: float) -> int:
    """Return months in which crews and money alone could do all the work, season and order apart."""
    level = np.cumsum(crews.available(LONGEST_MONTHS), axis=0)
    work = table.select(MONTHS).sum().to_numpy().ravel()
    longest = max(int(np.searchsorted(level[:, k], work[k])) + 1 for k in range(work.size))
    if usd_per_year > 0.0:
        longest = max(longest, int(np.ceil(float(table["cost_usd"].sum()) / usd_per_year * MONTHS_PER_YEAR)))
    return min(longest, LONGEST_MONTHS)


def make_problem(tables: Tables, params: RolloutParams, years: tuple[int, ...]) -> Problem | None:
    """Return the whole problem; ``None`` where the plan builds nothing."""
    rows = work_rows(tables, params, years)
    if not rows.height:
        return None
    first, last = programme_dates(tables["targets"], years)
    due = months_between(first, last)
    n_people = float(tables["country"]["n_people"][0])
    crews = crews_of(params, n_people)
    cut = pieces(rows, params.n_packages, crews.start_crews)
    table = package_table(cut, params, crews.start_crews, due)
    usd, _ = yearly_usd(tables, params)
    n_months = max(due, least_months(table, crews, usd)) + SPARE_MONTHS
    rate = float(tables["country"]["exchange_rate_per_usd"][0])
    budget, said = budget_of(tables, params, first, n_months)
    packages = packages_of(table, precedence(cut, table), rate, is_limited=budget.is_limited)
    return Problem(table, packages, crews, budget, Calendar(first, n_months), due, said)


def longer(problem: Problem, tables: Tables, params: RolloutParams) -> Problem:
    """Return the problem with half as many months more."""
    n_months = min(int(problem.calendar.n_months * LONGER_RATIO), LONGEST_MONTHS)
    budget, _ = budget_of(tables, params, problem.calendar.starts_on, n_months)
    return replace(problem, calendar=replace(problem.calendar, n_months=n_months), budget=budget)


def solve(problem: Problem, tables: Tables, params: RolloutParams, ctx: Context) -> tuple[Problem, Schedule]:
    """Return the problem, its calendar lengthened where work was left undone, and the calendar made."""
    is_full = ctx.detail == "full"
    effort = Effort() if is_full else Effort(params.n_trials, params.n_bound_steps)
    while True:
        made = schedule(
            problem.packages, problem.crews, problem.budget, problem.calendar, OBJECTIVES[params.objective],
            random=ctx.random("rollout"), effort=effort,
        )  # fmt: skip
        if made.is_done.all() or problem.calendar.n_months >= LONGEST_MONTHS:
            return problem, made
        problem = longer(problem, tables, params)
