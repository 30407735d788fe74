"""The whole economy of a plan for many draws at once: costs, buyers, taxes, subsidies, people, traffic, rank.

A :class:`Case` holds a country at its middles; draws are values by name, each (n,), that take the place of a middle.
:func:`economy_of` returns everything for all draws; it has the shape that :func:`rahdari.methods.tornado.tornado` asks
for once one outcome is picked.  Draws run in parts so that what is in work stays in the processor's caches; parts do
not change a result.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.adoption import busy_hour_mbps, customers_count, traffic_pb_per_year
from rahdari.methods.cash_flow import Flows, Funding, Kinds, Loan, Money, build_flows, make_money, statement
from rahdari.methods.finance import MONTHS_PER_YEAR
from rahdari.methods.rank import rank_against
from rahdari.methods.returns import cost_per_unit_usd, irr_of_draws, levelised_cost_usd, payback_years
from rahdari.methods.subsidy import minimum_subsidy
from rahdari.methods.talent import Course, Pipeline, talent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

PART = 25  # draws at once: 25 x 160 lots x 20 years are 0.6 MB
#: What a draw may move: name -> the middle, ``None`` where the case holds it.
DRAWN: dict[str, float | None] = {
    "capex_ratio": 1.0,
    "opex_ratio": 1.0,
    "life_ratio": 1.0,
    "import_price_ratio": 1.0,
    "adoption_ratio": 1.0,
    "price_usd_per_month": None,
    "income_usd_per_month": None,
    "discount_frac_per_year": None,
    "inflation_frac_per_year": None,
    "inflation_abroad_frac_per_year": None,
    "exchange_fall_frac_per_year": 0.0,
    "gb_growth_frac_per_year": None,
    "speed_ratio": 1.0,
    "peer_growth_frac_per_year": None,
    "ready_frac": None,
    "emigration_frac_per_year": None,
    "usd_per_head": None,
}
NEARLY_NONE = 1e-6  # prices of nothing are no prices


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A country at its middles.

    ``capex_usd`` (u, k, y) by lot, kind and year; ``passed_households`` (u, y) reached by the end of each year;
    ``adopted_frac`` (y,), or (n, y) with as many rows as draws; incomes of lots as ratios (u,) to the country's.  Real
    prices, incomes and dollars are those of the first year.  ``exchange_per_usd`` is the first year's; it follows the
    difference of inflation and falls by a drawn share a year besides.  ``speed_mbps`` (y,) against
    ``peers_mbps``.  ``other_opex_usd`` and
    ``other_revenue_usd`` (u, y) come besides what kinds and buyers give, and move with ``opex_ratio`` and
    ``adoption_ratio``; ``revenue_cost_frac`` of all revenue is spent on earning it.
    """

    years: tuple[int, ...]
    capex_usd: FloatArray
    kinds: Kinds
    passed_households: FloatArray
    adopted_frac: FloatArray
    income_ratio: FloatArray
    exchange_per_usd: float
    price_usd_per_month: float
    income_usd_per_month: float
    gini: float
    affordable_income_frac: float
    price_elasticity: float
    discount_frac_per_year: float
    inflation_frac_per_year: float
    inflation_abroad_frac_per_year: float
    tax_frac: float
    tax_life_years: int
    loss_years: int | None
    loan: Loan | None
    gb_per_month: float
    gb_growth_frac_per_year: float
    busy_hour_frac: float
    speed_mbps: FloatArray
    peers_mbps: FloatArray
    peer_growth_frac_per_year: float
    pipeline: Pipeline
    courses: tuple[Course, ...]
    people_per_crew: float
    usd_per_head: float
    other_opex_usd: FloatArray | float = 0.0
    other_revenue_usd: FloatArray | float = 0.0
    revenue_cost_frac: float = 0.0

    def middle(self, name: str) -> float:
        """Return the middle of what a draw may move."""
        known = DRAWN[name]
        if known is not None:
            return known
        held = self.pipeline if hasattr(self.pipeline, name) else self
        return float(np.mean(np.asarray(getattr(held, name), np.float64)))


@dataclass(frozen=True, slots=True, eq=False)
class Economy:
    """Everything for n draws: (n,) values, (n, u) by lot, (n, y) by year; money in dollars of the first year.

    ``irr_frac_per_year`` is NaN where ``n_irr`` is not 1; the subsidy is the least of each lot, in value; unit costs
    are over capital, renewals and operation.
    """

    npv_usd: FloatArray
    project_npv_usd: FloatArray
    irr_frac_per_year: FloatArray
    n_irr: IntArray
    payback_years: FloatArray
    capex_value_usd: FloatArray
    cost_value_usd: FloatArray
    tax_value_usd: FloatArray
    subsidy_value_usd: FloatArray
    cost_per_passed_usd: FloatArray
    cost_per_connected_usd: FloatArray
    cost_per_mbps_usd: FloatArray
    subsidy_of_lot_usd: FloatArray
    npv_of_lot_usd: FloatArray
    capex_by_year_usd: FloatArray
    opex_by_year_usd: FloatArray
    revenue_by_year_usd: FloatArray
    customers_by_year: FloatArray
    traffic_pb_by_year: FloatArray
    exports_by_year_usd: FloatArray
    crews_by_year: FloatArray
    rank_by_year: IntArray


def _problems(case: Case, values: Mapping[str, FloatArray], n: int) -> list[Problem]:
    u, k, y = case.capex_usd.shape
    faults = [
        Problem(f"'{name}' is nothing that can be drawn", f"use one of {', '.join(DRAWN)}", "values")
        for name in sorted(set(values) - set(DRAWN))
    ]
    faults += [
        Problem(f"'{name}' has {np.shape(column)} draws, others {n}", "give one for each draw", "values")
        for name, column in sorted(values.items())
        if np.shape(column) != (n,)
    ]
    shapes = {
        "passed_households": (u, y), "income_ratio": (u,), "speed_mbps": (y,), "years": (y,), "kinds": (k,),
    }  # fmt: skip
    for name, shape in shapes.items():
        found = (len(case.kinds.kind_id),) if name == "kinds" else np.shape(getattr(case, name))
        if found != shape:
            faults.append(Problem(f"{name} has the shape {found}, not {shape}", "follow the capital's", "case"))
    if np.shape(case.adopted_frac) not in {(y,), (n, y)}:
        faults.append(
            Problem(f"adopted_frac is neither ({y},) nor ({n}, {y})", "give years, or draws by years", "case")
        )
    return faults


def economy_of(case: Case, values: Mapping[str, FloatArray], *, n_part: int = PART) -> Economy:
    """Return the economy for the draws ``values`` by name, (n,) each; what is not named keeps its middle.

    Names are those of ``DRAWN``; all that is wrong is raised at once.
    """
    n = max((np.size(column) for column in values.values()), default=1)
    raise_if_any(_problems(case, values, n))
    drawn = {name: np.asarray(values.get(name, np.full(n, case.middle(name))), np.float64) for name in DRAWN}
    adopted = np.broadcast_to(case.adopted_frac, (n, len(case.years)))
    parts = []
    for start in range(0, n, n_part):
        at = slice(start, min(n, start + n_part))
        parts.append(_part(case, {name: column[at] for name, column in drawn.items()}, adopted[at]))
    return Economy(*(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Economy)))


def _money(case: Case, value: dict[str, FloatArray]) -> Money:
    """Return rates of each draw: the exchange rate follows inflation and falls besides."""
    n_years = len(case.years)
    home, abroad = value["inflation_frac_per_year"][:, None], value["inflation_abroad_frac_per_year"][:, None]
    fall = 1.0 - value["exchange_fall_frac_per_year"][:, None]
    step = (1.0 + home) / (1.0 + abroad) / fall
    return make_money(
        case.years, exchange_per_usd=case.exchange_per_usd * step ** np.arange(n_years),
        discount_frac_per_year=value["discount_frac_per_year"], inflation_frac_per_year=home,
        inflation_abroad_frac_per_year=abroad, tax_frac=case.tax_frac, tax_life_years=case.tax_life_years,
        loss_years=case.loss_years,
    )  # fmt: skip


def _flows(case: Case, value: dict[str, FloatArray], money: Money, revenue: FloatArray) -> Flows:
    """Return what the build costs: ratios move all kinds alike, dearer imports the imported part alone."""
    kinds, dearer = case.kinds, value["import_price_ratio"][:, None]
    # A price of which the imported share s costs r times as much: 1 - s + s r in all, of which s r is imported.
    price = 1.0 - kinds.imported_frac + kinds.imported_frac * dearer
    drawn = Kinds(
        kinds.kind_id,
        kinds.life_years * value["life_ratio"][:, None],
        kinds.opex_frac_per_year * value["opex_ratio"][:, None] / price,
        np.minimum(kinds.imported_frac * dearer / price, 1.0),
        np.broadcast_to(kinds.opex_imported_frac, price.shape),
        np.broadcast_to(kinds.price_change_frac_per_year, price.shape),
    )
    ratio = (price * value["capex_ratio"][:, None])[:, None, :, None]
    running = case.other_opex_usd * value["opex_ratio"][:, None, None] + case.revenue_cost_frac * revenue
    return build_flows(case.capex_usd * ratio, drawn, money, other_opex_usd=running)


def _buyers(case: Case, value: dict[str, FloatArray], adopted: FloatArray) -> FloatArray:
    """Return (n, u, y) households that buy."""
    price = np.maximum(value["price_usd_per_month"], NEARLY_NONE)[:, None, None]
    income = value["income_usd_per_month"][:, None, None] * case.income_ratio[:, None]
    wanted = np.clip(adopted * value["adoption_ratio"][:, None], 0.0, 1.0)[:, None, :]
    # Incomes enter as a ratio to price, so that one distribution of mean 1 serves all lots and draws.
    relative = price / income
    changed = (price / case.price_usd_per_month) ** case.price_elasticity
    return customers_count(
        case.passed_households, np.minimum(wanted * changed, 1.0), relative, income_usd_per_month=1.0, gini=case.gini,
        affordable_income_frac=case.affordable_income_frac,
    )  # fmt: skip


def _part(case: Case, value: dict[str, FloatArray], adopted: FloatArray) -> Economy:
    """Return the economy of some draws."""
    money = _money(case, value)
    buyers = _buyers(case, value, adopted)
    revenue = buyers * value["price_usd_per_month"][:, None, None] * MONTHS_PER_YEAR
    revenue = revenue + case.other_revenue_usd * value["adoption_ratio"][:, None, None]
    flows = _flows(case, value, money, revenue)
    least = minimum_subsidy(flows, revenue, money, loan=case.loan)
    lots = statement(flows, revenue, money, Funding(0.0, case.loan))
    whole = statement(flows.pooled(), revenue.sum(axis=1, keepdims=True), money, Funding(0.0, case.loan))
    operator, project = money.real(whole.operator_usd)[:, 0], money.real(whole.project_usd)[:, 0]
    rate = money.discount_frac_per_year
    cost = money.real(flows.cost_usd).sum(axis=1)
    users = buyers.sum(axis=1)
    grown = (1.0 + value["gb_growth_frac_per_year"])[:, None] ** np.arange(len(case.years))
    volume_gb = case.gb_per_month * grown
    inner_irr, n_irr = irr_of_draws(project)
    people = _people(case, value)
    elapsed = np.arange(len(case.years), dtype=np.float64)
    speed = case.speed_mbps * value["speed_ratio"][:, None]
    growth = np.broadcast_to(value["peer_growth_frac_per_year"][:, None], (rate.size, case.peers_mbps.size))
    return Economy(
        npv_usd=money.value_usd(whole.operator_usd)[:, 0],
        project_npv_usd=money.value_usd(whole.project_usd)[:, 0],
        irr_frac_per_year=inner_irr,
        n_irr=n_irr,
        payback_years=payback_years(operator),
        capex_value_usd=money.value_usd(flows.capex_usd).sum(axis=1),
        cost_value_usd=money.value_usd(flows.cost_usd).sum(axis=1),
        tax_value_usd=money.value_usd(whole.tax_usd)[:, 0],
        subsidy_value_usd=least.value_usd.sum(axis=1),
        cost_per_passed_usd=cost_per_unit_usd(cost, case.passed_households[:, -1].sum(), rate),
        cost_per_connected_usd=cost_per_unit_usd(cost, users[:, -1], rate),
        cost_per_mbps_usd=levelised_cost_usd(cost, users * busy_hour_mbps(volume_gb, case.busy_hour_frac), rate),
        subsidy_of_lot_usd=least.value_usd,
        npv_of_lot_usd=money.value_usd(lots.operator_usd),
        capex_by_year_usd=money.real(flows.capex_usd).sum(axis=1),
        opex_by_year_usd=money.real(flows.opex_usd).sum(axis=1),
        revenue_by_year_usd=money.real(whole.revenue_usd)[:, 0],
        customers_by_year=users,
        traffic_pb_by_year=traffic_pb_per_year(users, volume_gb),
        exports_by_year_usd=people[0],
        crews_by_year=people[1],
        rank_by_year=rank_against(speed, case.peers_mbps, growth, elapsed),
    )


def _people(case: Case, value: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return (n, y) exports and crews of each draw."""
    moved = {}
    for name in ("ready_frac", "emigration_frac_per_year"):
        # A share that changes by year keeps its course and moves as a whole.
        course = np.asarray(getattr(case.pipeline, name), np.float64)
        moved[name] = np.clip(course + (value[name] - case.middle(name))[:, None], 0.0, 1.0)
    pipeline = replace(case.pipeline, **moved)
    found = talent(pipeline, len(case.years), case.courses)
    return found.exports_usd_per_year(value["usd_per_head"]), found.crews_count(case.people_per_crew)[:, 1:]
