"""Money by year, payer and district, demand, people and supply, with draws of all of it; five goals; people's lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.engines.economy import course, doubt, findings, supply, workforce
from rahdari.engines.economy.case import case_of, middle_of
from rahdari.engines.economy.goals import goal_indicators, money_indicators
from rahdari.engines.economy.ledger import cashflow_table, customers_of, let_table, lots_table
from rahdari.engines.economy.money import cost_table, read_timing
from rahdari.engines.economy.people import profile_table, read_prices
from rahdari.engines.economy.views import views_table
from rahdari.methods.observations import latest
from rahdari.model import EngineResult

if TYPE_CHECKING:
    import polars as pl

    from rahdari.engines.economy.case import Middle
    from rahdari.engines.economy.doubt import Doubt
    from rahdari.engines.economy.money import Timing
    from rahdari.engines.economy.params import EconomyParams
    from rahdari.engines.economy.people import Prices
    from rahdari.engines.economy.workforce import Workforce
    from rahdari.methods.economy_draws import Case
    from rahdari.model import Context, Indicator, Tables

#: Row order of what is summed, so that sums do not depend on the order in which rows come.
KEYS = {
    "access": ("place_id", "year"),
    "equipment": ("equipment_id",),
    "materials": ("district_id", "equipment_id"),
    "places": ("place_id",),
    "planned_links": ("link_id",),
    "planned_sites": ("site_id",),
    "schedule": ("district_id", "year"),
    "facts": ("fact_id",),
    "districts": ("district_id",),
}


def economy(tables: Tables, params: EconomyParams, ctx: Context) -> EngineResult:
    """Return money, demand, people and supply of the plan: the tables of the manifest.

    Capital counts in the year in which the schedule spends it, operation from the year after, renewals when a life
    ends; nothing is spread before it is discounted.  Support is the least at which every district is worth building at
    the operator's cost of capital.
    """
    tables = tables.with_(**{name: tables[name].sort(key) for name, key in KEYS.items()})
    timing = read_timing(tables, params, ctx)
    costs = cost_table(tables, params, timing)
    prices = read_prices(tables, params)
    people = workforce.workforce(tables, params, tuple(timing.year))
    case = case_of(tables, params, prices, timing, people=people, ends=(ctx.year_base, ctx.year_end))
    middle = middle_of(case, customers_of(case))
    ctx.progress(1, 3, "draws of the economy")
    made = doubt.doubt(case, tables, params, ctx)
    ctx.progress(2, 3, "series through time")
    through, found, ranking = _through_time(tables, params, ctx, timing, made)
    working, more = _people_and_supply(tables, params, ctx, case=case, people=people, through=through)
    money = {
        "costs": costs,
        "cashflow": cashflow_table(middle, params, timing),
        "profiles": profile_table(tables, params, prices),
        "subsidy_lots": lots_table(tables, middle, timing),
        "let_lots": let_table(tables),
        "economy_spread": doubt.spread_table(made),
        "tornado": doubt.tornado_table(case, made, case.years.index(ctx.year_end)),
        "goal_views": views_table(),
    }
    indicators = (
        *money_indicators(tables, costs, ctx), *goal_indicators(tables, params, prices, ctx),
        *findings.money_findings(case, middle, made, ctx), *found, *more,
    )  # fmt: skip
    notes = (*_notes(tables, params, timing, prices, case=case, middle=middle), people.note, *ranking)
    return EngineResult({**money, **through, **working}, indicators, (), notes)


def _through_time(
    tables: Tables, params: EconomyParams, ctx: Context, timing: Timing, made: Doubt
) -> tuple[dict[str, pl.DataFrame], list[Indicator], list[str]]:
    """Return the tables of what moves with the years, their indicators, and what ranks rest on."""
    last = max(ctx.year_end, min(params.scoreboard_end_year, timing.end_year))
    years = np.arange(timing.year[0], last + 1, dtype=np.float64)
    fits = course.fits_of(tables, years, params.n_draws_quick, ctx)
    built = course.built_courses(tables, params, timing, years, (ctx.year_base, ctx.year_end))
    ranks, notes = course.ranks_of(tables, fits, params, years, ctx)
    found = {
        "adoption": course.adoption_table(fits, years),
        "hindcast": course.hindcast_table(fits, params, ctx),
        "indicator_years": course.years_table(fits, built, ranks, made, timing=timing, years=years, params=params),
    }
    indicators = findings.speed_findings(fits, ranks, params, years, ctx)
    return found, [*indicators, *findings.built_findings(tables, timing, built, years, ctx)], notes


def _people_and_supply(
    tables: Tables,
    params: EconomyParams,
    ctx: Context,
    *,
    case: Case,
    people: Workforce,
    through: dict[str, pl.DataFrame],
) -> tuple[dict[str, pl.DataFrame], list[Indicator]]:
    """Return the tables of people and of supply with their indicators."""
    talent = workforce.talent_table(people, params)
    bill = supply.supply_bill(tables, params)
    monthly = float(case.adopted_frac[-1]) * case.price_usd_per_month / _household_size(tables)
    found = {
        "talent": talent,
        "supply": supply.supply_table(bill, params),
        "supply_concentration": supply.concentration_table(bill, params),
        "vendor_loss": supply.loss_table(bill, params, monthly),
        "second_source": supply.second_table(bill, params),
    }
    indicators = [
        *findings.people_findings(people, talent, workforce.effect_of(people, params), params, ctx),
        *findings.supply_findings(found["supply_concentration"], found["vendor_loss"], through["hindcast"], ctx),
        *findings.carbon_findings(tables, ctx),
    ]
    return found, indicators


def _household_size(tables: Tables) -> float:
    country = tables["country"].row(0, named=True)
    return max(1.0, float(country["n_people"]) / max(1.0, float(country["n_households"])))


def _notes(
    tables: Tables, params: EconomyParams, timing: Timing, prices: Prices, *, case: Case, middle: Middle
) -> list[str]:
    years = f"{timing.base_year} to {timing.end_year}"
    rates = (
        f"Money is summed from {years} at {params.discount_frac_per_year:.1%} a year, support at the operator's "
        f"{params.cost_of_capital_frac_per_year:.0%}; both real. Capital is not spread before it is discounted."
    )
    revenue = (
        "Revenue is that of new home lines and of new users of mobile data as the table of services states them; what "
        "better mobile keeps, licences already paid for, and resale of ducts are not counted."
    )
    used = (
        f"Prices used: mobile {prices.mobile:,.2f}, fibre {prices.fibre:,.2f}, satellite {prices.satellite:,.2f} USD "
        f"a month against an income of {prices.income:,.0f} USD a month and head, "
        f"{case.income_usd_per_month:,.0f} a household."
    )
    vendors = "Vendors are letters with assumed shares, as none are published; chips' shares of prices are assumed."
    notes = [rates, revenue, used, vendors]
    if latest(tables, "gni_per_head") is None:
        notes.append("Income per head is the parameter's assumption, not a fact of the country.")
    short = int((~middle.least.is_enough).sum())
    if short:
        notes.append(f"{short} districts do not pay even with support of 64 times their capital.")
    return notes
