"""A plan as the case whose economy is drawn: capital by district, kind and year, buyers, rates, people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.economy.money import bill_of, bought_service
from rahdari.methods.cash_flow import Flows, Funding, Kinds, Loan, Money, Statement, build_flows, make_money, statement
from rahdari.methods.cash_flow_table import IMPORTED_FRAC
from rahdari.methods.economy_draws import Case
from rahdari.methods.finance import MONTHS_PER_YEAR
from rahdari.methods.subsidy import Subsidy, minimum_subsidy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.economy.money import Timing
    from rahdari.engines.economy.params import EconomyParams
    from rahdari.engines.economy.people import Prices
    from rahdari.engines.economy.workforce import Workforce
    from rahdari.model import Tables

    FloatArray = NDArray[np.float64]

HOME_LINES = ("fwa_5g", "satellite", "community_wifi")  # besides fibre
HOME_GB_PER_MONTH, HOME_GB_GROWTH, HOME_BUSY_HOUR = 300.0, 0.1, 0.1  # where the services say none: the catalogue's


@dataclass(frozen=True, slots=True, eq=False)
class Bought:
    """Capital (d, k, y) by kind, (d, y) other operation, kinds; prices of the price year."""

    kinds: Kinds
    capex_usd: FloatArray
    other_opex_usd: FloatArray


def before(by_year: FloatArray) -> FloatArray:
    """Return (..., y) what stood at the start of each year, of what was added in each.

    >>> before(np.array([1.0, 2.0, 3.0])).tolist()
    [0.0, 1.0, 3.0]
    """
    return np.asarray(np.cumsum(by_year, axis=-1) - by_year)


def bought(tables: Tables, timing: Timing) -> Bought:
    """Return what is bought by category, life and origin; operation follows each district's own bill to the cent."""
    items = tables["equipment"].select("equipment_id", "origin")
    bill = bill_of(tables).join(items, on="equipment_id", how="left", maintain_order="left")
    grouped = ["category", "life_years", "origin"]
    each = bill.group_by(grouped).agg(pl.col("capex_usd", "opex_usd_per_year").sum()).sort(grouped)
    each = each.filter(pl.col("capex_usd") > 0.0)
    frac = (each["opex_usd_per_year"] / each["capex_usd"]).to_numpy()
    names = tuple(f"{a}:{b:g}:{c}" for a, b, c in each.select(grouped).iter_rows())
    imported = np.array([IMPORTED_FRAC[origin] for origin in each["origin"]], np.float64)
    none = np.zeros(len(names))
    kinds = Kinds(names, each["life_years"].to_numpy().astype(np.float64), frac, imported, none, none)
    rows = bill.join(each.with_row_index("k").select("k", *grouped), on=grouped, how="inner", maintain_order="left")
    whole = np.zeros((len(timing.district_id), len(names)))
    at = np.searchsorted(np.array(timing.district_id), rows["district_id"].to_numpy().astype(str))
    np.add.at(whole, (at, rows["k"].to_numpy()), rows["capex_usd"].to_numpy())
    capex = whole[:, :, None] * timing.share[:, None, :]
    standing = before(timing.share)
    full = np.zeros(len(timing.district_id))
    for frame in (bill, bought_service(tables, bill)):
        d = np.searchsorted(np.array(timing.district_id), frame["district_id"].to_numpy().astype(str))
        np.add.at(full, d, frame["opex_usd_per_year"].to_numpy())
    other = (full - whole @ frac)[:, None] * standing
    return Bought(kinds, capex, other)


@dataclass(frozen=True, slots=True, eq=False)
class Buyers:
    """Homes passed (d, y) that have had time to decide, the share that takes a line, other yearly revenue (d, y)."""

    passed_households: FloatArray
    take_up_frac: float
    other_revenue_usd: FloatArray


def _gain(tables: Tables, name: str, ends: tuple[int, int]) -> float:
    access = tables["access"]
    after, start = (float(access.filter(pl.col("year") == year)[name].sum()) for year in (ends[1], ends[0]))
    return after - start


def _other_revenue(
    tables: Tables,
    params: EconomyParams,
    prices: Prices,
    timing: Timing,
    *,
    ends: tuple[int, int],
    take_up: float,
) -> FloatArray:
    """Return (d,) yearly revenue of home lines without fibre, and of new users of mobile data, when all stands.

    Users of mobile data are the share of people that the table of services states for each year, where there is
    service; each brings the mean revenue of a user.
    """
    access = tables["access"].select("place_id", "year", "technology", "n_people", "n_households")
    last, first = (access.filter(pl.col("year") == year) for year in (ends[1], ends[0]))
    both = last.join(first.select("place_id", was="technology"), on="place_id", how="left").join(
        tables["places"].select("place_id", "district_id"), on="place_id", how="left"
    )
    monthly = {"fwa_5g": prices.fwa, "satellite": prices.satellite, "community_wifi": prices.wifi}
    is_line = pl.col("technology").is_in(HOME_LINES) & (pl.col("technology") != pl.col("was"))
    price = pl.col("technology").replace_strict(monthly, default=0.0, return_dtype=pl.Float64)
    mobile = tables["services"].filter(pl.col("service_id") == "mobile_broadband")
    start, end = (
        mobile.select("adoption_frac", "adoption_end_frac").row(0)
        if mobile.height
        else (params.mobile_adoption_frac,) * 2
    )
    users = (pl.col("technology") != "none") * end - (pl.col("was") != "none") * start
    usd = (
        pl.when(is_line).then(pl.col("n_households") * take_up * price).otherwise(0.0)
        + pl.max_horizontal(pl.lit(0.0), users) * pl.col("n_people") * prices.mobile
    )
    sums = both.sort("place_id").group_by("district_id").agg((usd * MONTHS_PER_YEAR).sum().alias("usd"))
    lookup = dict(sums.iter_rows())
    return np.array([lookup.get(name, 0.0) for name in timing.district_id], np.float64)


def ramped(added: FloatArray, ramp_years: int) -> FloatArray:
    """Return (d, y) of what is added by year (d, y) the part that counts: evenly more over the ramp's years after.

    >>> ramped(np.array([[4.0, 0.0, 0.0, 0.0]]), 2).tolist()
    [[0.0, 2.0, 4.0, 4.0]]
    """
    n = added.shape[-1]
    age = np.arange(n)[None, :] - np.arange(n)[:, None]
    return np.asarray(added @ np.clip(age / ramp_years, 0.0, 1.0))


def buyers(tables: Tables, params: EconomyParams, prices: Prices, timing: Timing, ends: tuple[int, int]) -> Buyers:
    """Return who can buy, in which year."""
    schedule = tables["schedule"]
    added = np.zeros(timing.share.shape)
    known = schedule.filter(pl.col("district_id").is_in(timing.district_id))
    at = np.searchsorted(np.array(timing.district_id), known["district_id"].to_numpy().astype(str))
    np.add.at(
        added, (at, known["year"].to_numpy() - timing.year[0]), known["n_households_passed"].to_numpy().astype(float)
    )
    passed, connected = (_gain(tables, f"n_households_{name}", ends) for name in ("passed", "connected"))
    take_up = min(1.0, max(0.0, connected / passed)) if passed > 0.0 else params.take_up_frac
    other = _other_revenue(tables, params, prices, timing, ends=ends, take_up=take_up)
    ramp = ramped(timing.share, params.ramp_years)
    return Buyers(ramped(added, params.ramp_years), take_up, other[:, None] * ramp)


def household_income(tables: Tables, prices: Prices) -> float:
    """Return the mean income of a household, US dollars a month: a home line is paid by a household, not by a head."""
    country = tables["country"].row(0, named=True)
    return prices.income * float(country["n_people"]) / max(1.0, float(country["n_households"]))


def case_of(
    tables: Tables, params: EconomyParams, prices: Prices, timing: Timing, *, people: Workforce,
    ends: tuple[int, int],
) -> Case:  # fmt: skip
    """Return the case at its middles; ranks are counted elsewhere, so that it has no peers."""
    what, who = bought(tables, timing), buyers(tables, params, prices, timing, ends)
    home = tables["services"].filter(pl.col("service_id") == "home_broadband")
    used = (
        home.select("gb_per_month", "growth_frac_per_year", "busy_hour_frac").row(0)
        if home.height
        else (HOME_GB_PER_MONTH, HOME_GB_GROWTH, HOME_BUSY_HOUR)
    )
    n_years = len(timing.year)
    return Case(
        years=tuple(timing.year), capex_usd=what.capex_usd, kinds=what.kinds,
        passed_households=who.passed_households, adopted_frac=np.full(n_years, who.take_up_frac),
        income_ratio=np.ones(len(timing.district_id)),
        exchange_per_usd=float(tables["country"]["exchange_rate_per_usd"][0]),
        price_usd_per_month=prices.fibre, income_usd_per_month=household_income(tables, prices),
        gini=params.income_gini, affordable_income_frac=params.affordable_income_frac,
        price_elasticity=params.price_elasticity_ratio,
        discount_frac_per_year=params.cost_of_capital_frac_per_year,
        inflation_frac_per_year=params.inflation_frac_per_year,
        inflation_abroad_frac_per_year=params.inflation_abroad_frac_per_year, tax_frac=params.tax_frac,
        tax_life_years=params.tax_life_years, loss_years=params.loss_years, loan=loan_of(params),
        gb_per_month=used[0], gb_growth_frac_per_year=used[1], busy_hour_frac=used[2],
        speed_mbps=np.ones(n_years), peers_mbps=np.zeros(0),
        peer_growth_frac_per_year=params.peer_growth_frac_per_year, pipeline=people.pipeline, courses=(),
        people_per_crew=params.people_per_crew_count, usd_per_head=params.exports_per_person_usd_per_year,
        other_opex_usd=what.other_opex_usd, other_revenue_usd=who.other_revenue_usd,
        revenue_cost_frac=params.revenue_cost_frac,
    )  # fmt: skip


def loan_of(params: EconomyParams) -> Loan:
    """Return the donor's loan."""
    return Loan(
        params.loan_capex_frac, params.loan_interest_frac_per_year, params.loan_grace_years, params.loan_repayment_years
    )


@dataclass(frozen=True, slots=True, eq=False)
class Middle:
    """The case at its middles: rates, costs by district, revenue (d, y), least support, and all money with it."""

    money: Money
    flows: Flows
    revenue_usd: FloatArray
    customers: FloatArray
    least: Subsidy
    funded: Statement
    bare: Statement


def middle_of(case: Case, customers: FloatArray) -> Middle:
    """Return all money of the case when the least support is paid; ``customers`` (d, y) buy home lines on fibre."""
    money = make_money(
        case.years, exchange_per_usd=case.exchange_per_usd, discount_frac_per_year=case.discount_frac_per_year,
        inflation_frac_per_year=case.inflation_frac_per_year,
        inflation_abroad_frac_per_year=case.inflation_abroad_frac_per_year, tax_frac=case.tax_frac,
        tax_life_years=case.tax_life_years, loss_years=case.loss_years,
    )  # fmt: skip
    revenue = customers * case.price_usd_per_month * MONTHS_PER_YEAR + case.other_revenue_usd
    running = case.other_opex_usd + case.revenue_cost_frac * revenue
    flows = build_flows(case.capex_usd, case.kinds, money, other_opex_usd=running)
    least = minimum_subsidy(flows, revenue, money, loan=case.loan)
    funded = statement(flows, revenue, money, Funding(least.subsidy_frac, case.loan))
    return Middle(money, flows, revenue, customers, least, funded, statement(flows, revenue, money))
