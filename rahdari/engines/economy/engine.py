"""Money by district and year, five goals, and people in the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rahdari.engines.economy.goals import goal_indicators, money_indicators
from rahdari.engines.economy.money import cashflow_table, cost_table, read_timing
from rahdari.engines.economy.people import profile_table, read_prices
from rahdari.methods.observations import latest
from rahdari.model import EngineResult

if TYPE_CHECKING:
    from rahdari.engines.economy.params import EconomyParams
    from rahdari.model import Context, Tables


#: Row order of what is summed, so that sums do not depend on the order in which rows come.
KEYS = {
    "access": ("place_id", "year"),
    "equipment": ("equipment_id",),
    "materials": ("district_id", "equipment_id"),
    "places": ("place_id",),
    "planned_links": ("link_id",),
    "planned_sites": ("site_id",),
    "schedule": ("district_id", "year"),
}


def economy(tables: Tables, params: EconomyParams, ctx: Context) -> EngineResult:
    """Return the tables ``costs``, ``cashflow`` and ``profiles``.

    Capital counts in the year in which the schedule spends it, operation from the year after, renewals when a life
    ends; nothing is spread before it is discounted.
    """
    tables = tables.with_(**{name: tables[name].sort(key) for name, key in KEYS.items()})
    timing = read_timing(tables, params, ctx)
    costs = cost_table(tables, params, timing)
    prices = read_prices(tables, params)
    years = f"{timing.base_year} to {timing.end_year}"
    money = (
        f"Money is summed from {years} at {params.discount_frac_per_year:.1%} a year; capital is not spread before it "
        "is discounted, and revenue, tax, spectrum and administration are not counted."
    )
    used = (
        f"Prices used: mobile {prices.mobile:,.2f}, fibre {prices.fibre:,.2f}, satellite {prices.satellite:,.2f} USD "
        f"a month against an income of {prices.income:,.0f} USD a month and head."
    )
    notes = [money, used]
    if latest(tables, "gni_per_head") is None:
        notes.append("Income per head is the parameter's assumption, not a fact of the country.")
    return EngineResult(
        tables={
            "costs": costs,
            "cashflow": cashflow_table(tables, costs, params, timing),
            "profiles": profile_table(tables, params, prices),
        },
        indicators=(*money_indicators(tables, costs, ctx), *goal_indicators(tables, params, prices, ctx)),
        notes=tuple(notes),
    )
