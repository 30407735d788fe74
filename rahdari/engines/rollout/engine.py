"""Work by district and year: totals, order, pace, proof, people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.rollout.people import pace_indicators, people_indicators
from rahdari.methods.results import result_frame
from rahdari.methods.schedule import (
    calendar_shares,
    knapsack_prices,
    paced_shares,
    value_order,
    waiting,
    waiting_bound,
    whole_shares,
)
from rahdari.model import Certificate, EngineResult, Indicator

if TYPE_CHECKING:
    from rahdari.engines.rollout.params import RolloutParams
    from rahdari.methods.schedule import FloatArray, IntArray
    from rahdari.model import Context, Tables

SCHEDULE = Path(__file__).parent / "tables" / "schedule.csv"
FIBRE_METRIC = "fibre_"  # targets whose metric begins so set the dates of the programme
LONGEST_YEARS = 60  # a programme that its budget spreads further is not a plan; the last year takes the rest


@dataclass(frozen=True, slots=True)
class Pace:
    """The calendar years of the work, the share of each, the money in each, and the year in which it is due."""

    years: IntArray
    work_frac: FloatArray
    budget_usd: FloatArray
    due_year: int


def programme_dates(targets: pl.DataFrame, years: tuple[int, ...]) -> tuple[date, date]:
    """Return the first and the last day of the programme: those of its fibre targets, else the plan's years."""
    fibre = targets.filter(pl.col("metric").str.starts_with(FIBRE_METRIC))
    if fibre.height:
        first = min(date.fromisoformat(text) for text in fibre["starts_on"].to_list())
        last = max(date.fromisoformat(text) for text in fibre["due_on"].to_list())
        if last > first:
            return first, last
    return date(years[0], 1, 1), date(max(years[-1], years[0] + 1), 1, 1)


def _sums(districts: pl.Series, frame: pl.DataFrame, columns: list[str]) -> dict[str, FloatArray]:
    """Return for each column its (n_districts,) sums over the rows of ``frame``, added in row order."""
    number = pl.DataFrame({"district_id": districts, "number": np.arange(districts.len())})
    index = frame.select("district_id").join(number, on="district_id", how="left", maintain_order="left")["number"]
    known = index.is_not_null().to_numpy()
    at = index.fill_null(0).to_numpy()[known]
    sums: dict[str, FloatArray] = {}
    for name in columns:
        weight = frame[name].cast(pl.Float64).to_numpy()[known]
        sums[name] = np.asarray(np.bincount(at, weights=weight, minlength=districts.len()), dtype=np.float64)
    return sums


def district_totals(tables: Tables, years: tuple[int, ...]) -> pl.DataFrame:
    """Return kilometres, homes, sites and dollars of each district's programme, in district order.

    Dollars are those of links, of sites and of the lines to homes.  A link or site without a district goes to the
    district of its place.  Rows are added in key order, so that sums do not depend on the order they come in.
    """
    districts = tables["districts"].sort("district_id")["district_id"]
    place = tables["places"].select("place_id", pl.col("district_id").alias("home_id"))
    access = tables["access"].sort("place_id", "year")
    base = access.filter(pl.col("year") == years[0]).select("place_id", pl.col("n_households_passed").alias("before"))
    homes = (
        access.filter(pl.col("year") == years[-1])
        .join(base, on="place_id", how="left", maintain_order="left")
        .join(place, on="place_id", how="left", maintain_order="left")
        .with_columns((pl.col("n_households_passed") - pl.col("before").fill_null(0)).clip(0).alias("gained"))
        .rename({"home_id": "district_id"})
    )
    links, sites = (
        tables[name]
        .sort(key)
        .join(place, on="place_id", how="left", maintain_order="left")
        .with_columns(pl.coalesce("district_id", "home_id"))
        for name, key in (("planned_links", "link_id"), ("planned_sites", "site_id"))
    )
    home, link, site = (
        _sums(districts, homes, ["gained", "capex_usd"]),
        _sums(districts, links, ["length_km", "capex_usd"]),
        _sums(districts, sites, ["is_fibre", "lateral_km", "capex_usd"]),
    )
    return pl.DataFrame(
        {
            "district_id": districts,
            "fibre_km": link["length_km"],
            "lateral_km": site["lateral_km"],
            "n_households_passed": home["gained"].astype(np.int64),
            "n_sites_fibred": site["is_fibre"].astype(np.int64),
            "capex_usd": link["capex_usd"] + site["capex_usd"] + home["capex_usd"],
        }
    )


def pace_of(total: pl.DataFrame, dates: tuple[date, date], params: RolloutParams) -> Pace:
    """Return the years and the money in each; years are added while a budget or the crews leave work undone."""
    years, work = calendar_shares(*dates)
    capex_usd, laid_km = float(total["capex_usd"].sum()), float((total["fibre_km"] + total["lateral_km"]).sum())
    due_year = int(years[-1])
    limits = [params.budget_usd_per_year] if params.budget_usd_per_year > 0.0 else []
    if params.n_crews_max > 0 and laid_km > 0.0:
        # Crews are read as money: every kilometre carries the programme's mean cost.
        limits.append(params.n_crews_max * params.crew_km_per_year * capex_usd / laid_km)
    level_usd = capex_usd / float(work.sum())
    yearly_usd = min([level_usd, *limits])
    undone = capex_usd - yearly_usd * float(work.sum())
    if limits and undone > 1e-9 * capex_usd:
        first_extra = 1.0 - work[-1]
        work[-1] = 1.0
        undone -= yearly_usd * first_extra
        n_extra = int(np.clip(np.ceil(undone / yearly_usd - 1e-9), 0, LONGEST_YEARS))
        years = np.concatenate([years, years[-1] + 1 + np.arange(n_extra)])
        work = np.concatenate([work, np.ones(n_extra)])
    return Pace(years, work, yearly_usd * work, due_year)


def schedule_table(total: pl.DataFrame, shares: FloatArray, pace: Pace, params: RolloutParams) -> pl.DataFrame:
    """Return one row for each district and year in which something is built."""
    counts = {name: whole_shares(shares, total[name].to_numpy()) for name in ("n_households_passed", "n_sites_fibred")}
    job, period = np.nonzero(shares > 0.0)
    share = shares[job, period]
    programme_km, programme_usd = total["fibre_km"].to_numpy()[job], total["capex_usd"].to_numpy()[job]
    laterals_km = total["lateral_km"].to_numpy()[job]
    fibre_km = share * programme_km
    work = pace.work_frac[period]
    columns = {
        "district_id": total["district_id"].to_numpy()[job],
        "year": pace.years[period],
        "work_frac": work,
        "share_frac": share,
        "programme_km": programme_km,
        "programme_lateral_km": laterals_km,
        "programme_capex_usd": programme_usd,
        "fibre_km": fibre_km,
        **{name: values[job, period] for name, values in counts.items()},
        "capex_usd": share * programme_usd,
        "lateral_km": share * laterals_km,
        "crews_count": (fibre_km + share * laterals_km) / (params.crew_km_per_year * work),
    }
    return result_frame(columns, SCHEDULE)


def _pace_indicators(schedule: pl.DataFrame, pace: Pace, params: RolloutParams, year: int) -> list[Indicator]:
    """Return what the programme needs each year and at its peak."""
    whole_years = float(pace.work_frac.sum())
    by_year = schedule.group_by("year").agg(pl.col("crews_count").sum(), pl.col("work_frac").first())
    peak = max(by_year["crews_count"].to_list(), default=0.0)
    names = ("capex_usd", "fibre_km", "lateral_km", "n_households_passed", "n_sites_fibred")
    total = {name: float(schedule[name].sum()) for name in names}
    rows = (
        ("rollout_capex_usd", "Capital of the programme", total["capex_usd"], "usd", "sum of capex_usd"),
        ("rollout_fibre_km", "Fibre to lay", total["fibre_km"] + total["lateral_km"], "km",
         "sum of fibre_km and lateral_km"),
        ("rollout_passed_households", "Households to pass", total["n_households_passed"], "households",
         "sum of n_households_passed"),
        ("rollout_households_per_year", "Households to pass in a full year",
         total["n_households_passed"] / whole_years, "per_year", "sum over the programme's years"),
        ("rollout_sites_per_year", "Sites to join by fibre in a full year",
         total["n_sites_fibred"] / whole_years, "per_year", "sum over the programme's years"),
        ("crews_needed_count", "Fibre crews at the peak", peak, "count", "largest yearly sum of crews_count"),
        ("crew_people", "People in the fibre crews at the peak", peak * params.n_people_per_crew, "people",
         "crews at the peak x people in a crew"),
        ("rollout_late_years", "Years after the due date at which work ends",
         float(max(0, int(pace.years[-1]) - pace.due_year)), "years", "last year of the schedule less the due year"),
    )  # fmt: skip
    return [Indicator(key, year, name, value, unit, how, "modelled") for key, name, value, unit, how in rows]


def _notes(pace: Pace, total: pl.DataFrame) -> tuple[str, ...]:
    notes = ["The pace is level: no season, permit, training lag nor ramp-up is modelled."]
    late = int(pace.years[-1]) - pace.due_year
    if late > 0:
        notes.append(
            f"With the stated budget or crews the work ends in {int(pace.years[-1])}, {late} years after it is due."
        )
    idle = total.filter((pl.col("capex_usd") <= 0.0) & (pl.col("n_households_passed") > 0)).height
    if idle:
        notes.append(
            f"{idle} districts gain homes passed at no capital in the plan and count as done in the first year."
        )
    return tuple(notes)


def rollout(tables: Tables, params: RolloutParams, ctx: Context) -> EngineResult:
    """Return ``schedule`` with the proof of its order and the people it takes.

    A plan that builds nothing gives an empty schedule.
    """
    dates = programme_dates(tables["targets"], ctx.years)
    total = district_totals(tables, ctx.years).filter(
        (pl.col("capex_usd") > 0.0) | (pl.col("fibre_km") > 0.0) | (pl.col("n_households_passed") > 0)
    )
    people = people_indicators(tables["facts"], params, ctx.year_base)
    if not total.height:
        return EngineResult({"schedule": result_frame(None, SCHEDULE)}, people, (), ("The plan builds nothing.",))
    pace = pace_of(total, dates, params)
    cost = total["capex_usd"].to_numpy()
    value = total["n_households_passed"].to_numpy() + params.site_value_households * total["n_sites_fibred"].to_numpy()
    order = value_order(value, cost)
    shares = paced_shares(order, cost, pace.budget_usd)
    schedule = schedule_table(total, shares, pace, params)
    price = knapsack_prices(order, value, cost, pace.budget_usd)
    certificate = Certificate(
        "Order of districts under the yearly money",
        waiting(value, shares, pace.work_frac),
        waiting_bound(value, cost, pace.budget_usd, pace.work_frac, price),
        "household-years of waiting",
        "dual prices of the fractional knapsack of every cumulative budget",
        "divisible districts and one resource; crews, seasons and permits are outside the proof",
    )
    needed = _pace_indicators(schedule, pace, params, ctx.year_end)
    sites_per_year = float(total["n_sites_fibred"].sum()) / float(pace.work_frac.sum())
    indicators = (*needed, *pace_indicators(tables["facts"], sites_per_year, ctx.year_base), *people)
    return EngineResult({"schedule": schedule}, indicators, (certificate,), _notes(pace, total))
