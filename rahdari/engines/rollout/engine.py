"""From the plan to a calendar: packages, crews, money, seasons; the proof, what binds, and the people it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.engines.rollout.norms import MONTHS_PER_YEAR, POOLS, TABLES, crew_pools
from rahdari.engines.rollout.outputs import (
    binding_table,
    calendar_table,
    district_table,
    month_table,
    package_rows,
    peak_crews,
    price_table,
    timed,
    year_table,
)
from rahdari.engines.rollout.people import pace_indicators, people_indicators
from rahdari.engines.rollout.problem import make_problem, solve
from rahdari.methods.schedule_due import most_by, soonest_end_months
from rahdari.model import Certificate, EngineResult, Indicator
from rahdari.schema import schemas_in
from rahdari.schema.checks import empty_table

if TYPE_CHECKING:
    from rahdari.engines.rollout.params import RolloutParams
    from rahdari.engines.rollout.problem import Problem
    from rahdari.methods.schedule_result import Schedule
    from rahdari.model import Context, Tables

STEPS = 3  # of progress
ASSUMED = (
    "Crews at the start, hiring, norms of work, leave and lead times are assumed: no public count of crews was found. "
    "Money is committed when a package starts; what is built counts when it ends."
)
NOT_IN = (
    "No trunk order within a district, no single machines, no strikes; monsoon is two closed months on flood ground."
)


def _sums(problem: Problem) -> dict[str, float]:
    names = ("capex_usd", "power_capex_usd", "fibre_km", "lateral_km", "n_households_passed", "n_sites_fibred")
    return {name: float(problem.table[name].sum()) for name in names}


def _needed(problem: Problem, months: pl.DataFrame, year: int) -> list[Indicator]:
    """Return what the programme holds, the pace it needs to its due date, and crews at the peak."""
    total, due_years = _sums(problem), problem.due_months / MONTHS_PER_YEAR
    peak = peak_crews(months)
    people = sum(peak[pool] * float(each) for pool, each in zip(POOLS, crew_pools()["people_per_crew"], strict=True))
    rows = (
        ("rollout_capex_usd", "Capital of the programme", total["capex_usd"], "usd", "sum of work_packages.capex_usd"),
        ("rollout_fibre_km", "Fibre to lay", total["fibre_km"] + total["lateral_km"], "km",
         "sum of fibre_km and lateral_km"),
        ("rollout_passed_households", "Households to pass", total["n_households_passed"], "households",
         "sum of n_households_passed"),
        ("rollout_households_per_year", "Households to pass in a year to be done when due",
         total["n_households_passed"] / due_years, "per_year", "sum over the years to the due date"),
        ("rollout_sites_per_year", "Sites to join by fibre in a year to be done when due",
         total["n_sites_fibred"] / due_years, "per_year", "sum over the years to the due date"),
        ("crews_needed_count", "Civil and pole crews at the peak", peak["civil"], "count",
         "largest month of civil_crews_count"),
        ("crew_people", "People in all crews, each pool at its peak", people, "people",
         "crews at the peak x people in a crew"),
    )  # fmt: skip
    return [Indicator(key, year, name, value, unit, how, "modelled") for key, name, value, unit, how in rows]


def _answer(problem: Problem, made: Schedule, rows: pl.DataFrame, year: int) -> list[Indicator]:
    """Return when the work ends and what is there when due, each with its bound."""
    due, end = problem.due_months, float(rows["end"].to_numpy().max())
    soonest = min(soonest_end_months(made), end)
    in_time = rows.filter(pl.col("end") <= due)
    value = made.packages.value(made.objective)
    total = max(float(value.sum()), 1e-9)
    done = float(value[rows["end"].to_numpy() <= due].sum())
    most = max(min(most_by(made, due), float(value.sum())), done)
    late, late_low = (max(0.0, month - due) / MONTHS_PER_YEAR for month in (end, soonest))
    how = "low end: no calendar ends sooner (longest chain, work by pool, money)"
    return [
        Indicator("rollout_end_months", year, "Months from the programme's first day to its last work", end, "months",
                  how, "modelled", soonest, end),
        Indicator("rollout_late_years", year, "Years after the due date at which work ends", late, "years", how,
                  "modelled", late_low, late),
        Indicator("rollout_by_due_frac", year, "Share of what the calendar serves that is served when due",
                  done / total, "frac", f"{made.objective} served by the due date / all; high end: no calendar serves "
                  "more (each pool and money alone)", "modelled", done / total, most / total),
        Indicator("rollout_homes_by_due_households", year, "Households newly passed by the due date",
                  float(in_time["n_households_passed"].sum()), "households", "packages that end by the due date",
                  "modelled"),
        Indicator("rollout_sites_by_due_sites", year, "Sites newly joined by fibre by the due date",
                  float(in_time["n_sites_fibred"].sum()), "sites", "packages that end by the due date", "modelled"),
    ]  # fmt: skip


def _certificates(made: Schedule, rows: pl.DataFrame) -> tuple[Certificate, ...]:
    end = float(rows["end"].to_numpy().max())
    order = Certificate(
        "Calendar: people waiting", made.value, made.lower_bound, f"{made.objective} x months",
        "Lagrangian bound at prices of a linear programme, each package priced on its own",
        "crews, money, seasons, leave, material and order of work as modelled",
    )  # fmt: skip
    last = Certificate(
        "Calendar: last month of work", end, min(soonest_end_months(made), end), "months",
        "longest chain, work of each pool, money", "no search was made for the soonest end: it serves people early",
    )  # fmt: skip
    return order, last


def _notes(problem: Problem, made: Schedule) -> tuple[str, ...]:
    undone = int((~made.is_done).sum())
    notes = [ASSUMED, NOT_IN, f"Money of a year: {problem.budget_said}."]
    if undone:
        notes.append(f"{undone} packages find no place within {made.calendar.n_months} months and stand in the last.")
    return tuple(notes)


def rollout(tables: Tables, params: RolloutParams, ctx: Context) -> EngineResult:
    """Return packages, their calendar, its sums by month and year, what binds, and what more would buy.

    A plan that builds nothing gives empty tables.
    """
    people = people_indicators(tables["facts"], params, ctx.year_base)
    problem = make_problem(tables, params, ctx.years)
    if problem is None:
        empty = {name: empty_table(schema) for name, schema in schemas_in(TABLES).items()}
        return EngineResult(empty, people, (), ("The plan builds nothing.",))
    ctx.progress(1, STEPS, "packages made")
    problem, made = solve(problem, tables, params, ctx)
    ctx.progress(2, STEPS, "calendar made")
    rows = timed(problem, made)
    months, binding = month_table(rows, made), binding_table(made)
    results = {
        "work_packages": package_rows(problem),
        "calendar": calendar_table(rows, made), "schedule_months": months, "schedule": year_table(rows, made),
        "binding": binding, "rollout_prices": price_table(made),
        "rollout_districts": district_table(rows, binding, made),
    }  # fmt: skip
    needed = [*_needed(problem, months, ctx.year_end), *_answer(problem, made, rows, ctx.year_end)]
    per_year = _sums(problem)["n_sites_fibred"] * MONTHS_PER_YEAR / problem.due_months
    indicators = (*needed, *pace_indicators(tables["facts"], per_year, ctx.year_base), *people)
    ctx.progress(STEPS, STEPS, "tables made")
    return EngineResult(results, indicators, _certificates(made, rows), _notes(problem, made))
