"""The five goals of the national plan as defined indicators, and the money of the plan in single figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.economy.people import priced
from rahdari.methods.finance import share_above_income
from rahdari.methods.observations import latest
from rahdari.model import Indicator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.economy.params import EconomyParams
    from rahdari.engines.economy.people import Prices
    from rahdari.model import Context, Tables

PASSING = ("gpon_olt_household", "xgs_pon_olt_household", "gpon_node", "gpon_pole_line_km")
CONNECTING = ("gpon_connection",)
MONEY = ("capex_usd", "capex_low_usd", "capex_high_usd")


def _affordable(price: NDArray[np.float64], people: NDArray[np.float64], params: EconomyParams, income: float) -> float:
    """Return the share of people who can pay; a place without service (NaN price) counts as none."""
    share = np.zeros(len(price))
    known = np.isfinite(price)
    share[known] = share_above_income(price[known] / params.affordable_income_frac, income, params.income_gini)
    return float((share * people).sum() / max(float(people.sum()), 1.0))


def _ubiquitous(rows: pl.DataFrame, has: pl.Series, params: EconomyParams) -> float:
    """Return the people of districts in which the stated share of people has access."""
    district = rows.select("district_id", "n_people", has=has).group_by("district_id", maintain_order=True)
    share = district.agg(
        pl.col("n_people").sum(), pl.col("n_people").filter(pl.col("has")).sum().alias("n_with")
    ).filter(pl.col("n_with") >= params.ubiquitous_people_frac * pl.col("n_people"))
    return float(share["n_people"].sum())


def goal_indicators(tables: Tables, params: EconomyParams, prices: Prices, ctx: Context) -> list[Indicator]:
    """Return accessible, affordable, high-quality, reliable and ubiquitous, each a share of people, in both years."""
    places = tables["places"].select("place_id", "district_id")
    access = priced(tables["access"], prices).join(places, on="place_id", how="left").sort("place_id", "year")
    found = []
    for year in (ctx.year_base, ctx.year_end):
        rows = access.filter(pl.col("year") == year)
        people = rows["n_people"].to_numpy().astype(np.float64)
        rate = rows["downlink_mbps"].to_numpy()
        total = max(float(people.sum()), 1.0)
        has = rate >= params.accessible_mbps
        good = (rate >= params.high_quality_mbps * (1.0 - 1e-9)) & (
            rows["latency_ms"].to_numpy() <= params.high_quality_latency_ms
        )
        steady = rows["availability_frac"].to_numpy() >= params.reliable_availability_frac
        district = rows.select("district_id", "n_people", has=pl.Series(has)).group_by(
            "district_id", maintain_order=True
        )
        share = district.agg(
            pl.col("n_people").sum(), pl.col("n_people").filter(pl.col("has")).sum().alias("n_with")
        ).with_columns(is_counted=pl.col("n_with") >= params.ubiquitous_people_frac * pl.col("n_people"))
        everywhere = float(share.filter(pl.col("is_counted"))["n_people"].sum()) / total
        quality = (
            f"people whose place gets at least {params.high_quality_mbps:g} Mbit/s within "
            f"{params.high_quality_latency_ms:g} ms / people"
        )
        limits = (
            ("accessible_frac", "Accessible", float(people[has].sum()) / total,
             f"people whose place gets at least {params.accessible_mbps:g} Mbit/s by any technology / people"),
            ("high_quality_frac", "High quality", float(people[good].sum()) / total,
             quality),
            ("reliable_frac", "Reliable", float(people[steady].sum()) / total,
             f"people whose access, power included, is up {params.reliable_availability_frac:.1%} of a year / people"),
            ("ubiquitous_frac", "Ubiquitous", everywhere,
             f"people of districts in which {params.ubiquitous_people_frac:.0%} of the people have access / people"),
        )  # fmt: skip
        found += [Indicator(key, year, name, value, "frac", words, "modelled") for key, name, value, words in limits]
        found += _affordability(rows, people, params, prices, year)
    return found


def _affordability(
    rows: pl.DataFrame, people: NDArray[np.float64], params: EconomyParams, prices: Prices, year: int
) -> list[Indicator]:
    """Return the share of people who can afford entry-level service and a home line, over the price range."""
    found = []
    kinds = (
        ("affordable_frac", "Affordable", "entry_usd_per_month", "entry-level service"),
        ("home_line_affordable_frac", "Home line affordable", "home_usd_per_month", "the home line"),
    )
    for key, name, column, what in kinds:
        price = rows[column].fill_null(np.nan).to_numpy()
        value, low, high = (
            _affordable(price * ratio, people, params, prices.income)
            for ratio in (1.0, params.price_high_ratio, params.price_low_ratio)
        )
        words = (
            f"people whose income (log-normal around {prices.income:,.0f} USD a month, Gini {params.income_gini:g}) "
            f"makes {what} cost at most {params.affordable_income_frac:.0%} / people"
        )
        found.append(Indicator(key, year, name, value, "frac", words, "assumed", low, high))
    return found


def _sum(frame: pl.DataFrame) -> tuple[float, float, float]:
    """Return central, low and high capital."""
    central, low, high = (float(frame[name].sum()) for name in MONEY)
    return central, low, high


def money_indicators(tables: Tables, costs: pl.DataFrame, ctx: Context) -> list[Indicator]:
    """Return capital, operation and present value of the plan, and capital for each household."""
    year = ctx.year_end
    total, low, high = _sum(costs)
    value, value_low, value_high = (
        float(costs[name].sum()) for name in ("present_value_usd", "present_value_low_usd", "present_value_high_usd")
    )
    opex = float(costs["opex_usd_per_year"].sum())
    found = [
        Indicator("total_capex_usd", year, "Capital of the plan", total, "usd",
                  "sum of costs.capex_usd", "modelled", low, high),
        Indicator("total_opex_usd_per_year", year, "Operation of the plan, all built", opex, "usd_per_year",
                  "sum of costs.opex_usd_per_year", "modelled"),
        Indicator("present_value_usd", year, "Cost of the plan as value in the base year", value, "usd",
                  "sum of costs.present_value_usd", "modelled", value_low, value_high),
    ]  # fmt: skip
    investment = latest(tables, "sector_investment")
    if investment is not None and investment.value > 0.0:
        words = f"total_capex_usd / published yearly investment of {investment.value:,.0f} USD"
        ends = (total / investment.value, low / investment.value, high / investment.value)
        name = "Capital in years of the sector's investment"
        found.append(
            Indicator("capex_over_investment_years", year, name, ends[0], "years", words, "modelled", *ends[1:])
        )
    return found + _household_indicators(tables, ctx)


def _household_indicators(tables: Tables, ctx: Context) -> list[Indicator]:
    """Return capital for each household newly passed and newly connected, ways to the places included."""
    access, bill = tables["access"], tables["materials"]
    gained = {}
    ends = (ctx.year_end, ctx.year_base)
    for kind in ("passed", "connected"):
        name = f"n_households_{kind}"
        after, before = (float(access.filter(pl.col("year") == year)[name].sum()) for year in ends)
        gained[kind] = after - before
    ways = _sum(tables["planned_links"])
    passing = _sum(bill.filter(pl.col("equipment_id").is_in(PASSING)))
    connecting = _sum(bill.filter(pl.col("equipment_id").is_in(CONNECTING)))
    rows = (
        ("passed", "capex_per_household_passed_usd", tuple(a + b for a, b in zip(ways, passing, strict=True)),
         "(planned_links + line terminals, nodes and street cable) / households newly passed; ways also serve sites"),
        ("connected", "capex_per_household_connected_usd",
         tuple(a + b + c for a, b, c in zip(ways, passing, connecting, strict=True)),
         "the same plus drops and terminals / households newly connected"),
    )  # fmt: skip
    found = []
    for kind, key, money, words in rows:
        if gained[kind] > 0.0:
            value, low, high = (item / gained[kind] for item in money)
            name = f"Capital for each household newly {kind} by fibre"
            found.append(Indicator(key, ctx.year_end, name, value, "usd", words, "modelled", low, high))
    return found
