"""Cash flow from tables to tables: what is built by lot, kind and year, in; who pays whom in each year, out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.cash_flow import OPERATOR_PAYS, Funding, Kinds, Statement, build_flows, make_money, statement
from rahdari.methods.returns import InternalRate, cost_per_unit_usd, irr, levelised_cost_usd, payback_years

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.cash_flow import Flows, Money

    FloatArray = NDArray[np.float64]

ALL = "all"
#: Attribute of a kind -> what holds where the table does not give it.
DEFAULTS = {
    "life_years": None,
    "opex_frac_per_year": None,
    "imported_frac": 1.0,  # the side on which a fall of the currency hurts
    "opex_imported_frac": 0.0,
    "price_change_frac_per_year": 0.0,
}
IMPORTED_FRAC = {"imported": 0.8, "mixed": 0.4, "domestic": 0.1}  # of a price by origin; the rest is work: assumed
SERVICE = "satellite_service"
MOST_ROWS = 6  # named of one fault
#: item -> who pays whom.
LEDGER = {
    "revenue": ("customers", "operator"),
    "capex": ("operator", "suppliers"),
    "replacement": ("operator", "suppliers"),
    "opex": ("operator", "suppliers"),
    "salvage": ("buyers_of_what_is_left", "operator"),
    "subsidy": ("subsidy_fund", "operator"),
    "loan": ("lender", "operator"),
    "interest": ("operator", "lender"),
    "repaid": ("operator", "lender"),
    "tax": ("operator", "treasury"),
}


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a cash flow rests on besides the table.

    The discount rate is real, in dollars.  ``exchange_per_usd`` is a rate for each year, or one of the first year that
    then follows the difference of inflation; a plan brings its own.  ``last_year`` ends the calculation (ten years
    after the last that the table has, unless given).  One taxpayer for all lots, unless ``is_one_taxpayer`` is false.
    """

    discount_frac_per_year: float
    exchange_per_usd: Mapping[int, float] | float | None = None
    inflation_frac_per_year: float = 0.0
    inflation_abroad_frac_per_year: float = 0.0
    tax_frac: float = 0.0
    tax_life_years: int = 10
    loss_years: int | None = None
    first_year: int | None = None
    last_year: int | None = None
    funding: Funding = field(default=OPERATOR_PAYS)
    is_one_taxpayer: bool = True


MORE_YEARS = 10  # after the last of the table


@dataclass(frozen=True, slots=True, eq=False)
class CashFlow:
    """A cash flow of the operator and of everybody it deals with.

    ``table``: ``year``, ``item``, ``payer``, ``payee``, ``nominal_usd``, ``real_usd`` (dollars of the first year),
    ``discounted_usd`` (value in the first year), a row for each item that moves.  ``lots``: value by lot.  Rates are
    real; ``project`` is before subsidy, loan and tax, ``operator`` after all.
    """

    table: pl.DataFrame
    lots: pl.DataFrame
    statement: Statement
    flows: Flows
    money: Money
    npv_usd: float
    project_npv_usd: float
    irr: InternalRate
    project_irr: InternalRate
    payback_years: float
    discounted_payback_years: float

    def yearly_usd(self, item: str) -> FloatArray:
        """Return (y,) one item over all lots, in dollars of the first year; ``operator`` and ``project`` too."""
        return np.asarray(self.money.real(getattr(self.statement, f"{item}_usd")).sum(axis=-2))

    @property
    def cost_usd(self) -> FloatArray:
        """Return (y,) what is paid for building, renewing and operating, less what is sold at the end, real."""
        return np.asarray(self.money.real(self.flows.cost_usd).sum(axis=-2))

    def cost_per(self, n_units: float) -> float:
        """Return the value of the cost for each of ``n_units`` households passed or connected."""
        return float(cost_per_unit_usd(self.cost_usd, n_units, self.money.discount_frac_per_year))

    def levelised_usd(self, quantity_by_year: ArrayLike) -> float:
        """Return the real price of a unit and year (Mbit/s, household) that just pays the cost; quantities (y,)."""
        return float(levelised_cost_usd(self.cost_usd, quantity_by_year, self.money.discount_frac_per_year))


def _table_problems(table: pl.DataFrame) -> list[Problem]:
    names = ["kind_id", "year", "capex_usd", *(name for name, default in DEFAULTS.items() if default is None)]
    faults = [Problem("the column is missing", "add it", "table", None, n) for n in names if n not in table.columns]
    if faults:
        return faults
    if not table.height:
        return [Problem("the table has no rows", "give what is built", "table")]
    for name in ("year", "capex_usd", *(each for each in DEFAULTS if each in table.columns)):
        values = table[name].cast(pl.Float64(), strict=False)
        least = -1.0 if name == "price_change_frac_per_year" else 0.0
        rows = (~(values.is_finite() & (values >= least)).fill_null(value=False)).arg_true().to_list()
        cure = f"give {least:g} or more"
        faults += [Problem("no such number", cure, "table", row + 1, name) for row in rows[:MOST_ROWS]]
    kinds = (
        table.group_by("kind_id").agg(pl.col([n for n in DEFAULTS if n in table.columns]).n_unique()).sort("kind_id")
    )
    for row in kinds.iter_rows(named=True):
        faults += [
            Problem(f"kind '{row['kind_id']}' has several", "give one for each kind", "table", None, name)
            for name, count in row.items()
            if name != "kind_id" and count > 1
        ]
    return faults


def _kinds(table: pl.DataFrame) -> Kinds:
    """Return the kinds in order of their names."""
    filled = table.with_columns(
        pl.lit(default).alias(name)
        for name, default in DEFAULTS.items()
        if default is not None and name not in table.columns
    )
    each = filled.unique("kind_id").sort("kind_id")
    columns = (each[name].to_numpy().astype(np.float64) for name in DEFAULTS)
    return Kinds(tuple(each["kind_id"].to_list()), *columns)


def _spread(
    frame: pl.DataFrame, column: str, lots: list[str], years: range, kinds: tuple[str, ...] | None
) -> FloatArray:
    """Return (u, k, y) or (u, y) sums of a column."""
    shape = (len(lots), len(kinds), len(years)) if kinds is not None else (len(lots), len(years))
    found = np.zeros(shape)
    rows = frame.sort([name for name in ("unit_id", "kind_id", "year") if name in frame.columns])
    u = np.searchsorted(np.array(lots), rows["unit_id"].to_numpy().astype(str))
    y = rows["year"].to_numpy().astype(np.int64) - years[0]
    amount = rows[column].to_numpy().astype(np.float64)
    if kinds is None:
        np.add.at(found, (u, y), amount)
    else:
        k = np.searchsorted(np.array(kinds), rows["kind_id"].to_numpy().astype(str))
        np.add.at(found, (u, k, y), amount)
    return found


def _by_lot(frame: pl.DataFrame | None, name: str, lots: list[str], years: range) -> tuple[FloatArray, list[Problem]]:
    """Return (u, y) yearly money of a frame with unit_id, year and the column; rows outside are problems."""
    if frame is None:
        return np.zeros((len(lots), len(years))), []
    each = frame if "unit_id" in frame.columns else frame.with_columns(unit_id=pl.lit(ALL))
    is_known = each["unit_id"].is_in(lots) & each["year"].is_in(list(years))
    rows = (~is_known).arg_true().to_list()[:MOST_ROWS]
    if rows:
        cure = "name a lot and a year of the table, or a later last_year"
        return np.zeros((len(lots), len(years))), [Problem("no such lot or year", cure, name, row + 1) for row in rows]
    return _spread(each, name, lots, years, None), []


def cash_flow(
    table: pl.DataFrame,
    assumptions: Assumptions,
    *,
    revenue: pl.DataFrame | None = None,
    other_opex: pl.DataFrame | None = None,
) -> CashFlow:
    """Return the cash flow of what a table says is built.

    ``table``: ``kind_id``, ``year``, ``capex_usd`` (prices of the first year), ``life_years``, ``opex_frac_per_year``;
    perhaps ``unit_id`` (a lot), ``imported_frac`` (1), ``opex_imported_frac`` (0), ``price_change_frac_per_year`` (0).
    ``revenue`` and ``other_opex``: ``year`` and ``revenue_usd`` or ``other_opex_usd`` at prices of the first year,
    perhaps ``unit_id``.  Everything that is wrong is raised at once.

    >>> built = pl.DataFrame({"kind_id": ["duct"], "year": [2025], "capex_usd": [100.0], "life_years": [20.0],
    ...     "opex_frac_per_year": [0.0]})
    >>> earned = pl.DataFrame({"year": [2026], "revenue_usd": [165.0]})
    >>> found = cash_flow(built, Assumptions(0.1, exchange_per_usd=280.0, last_year=2026), revenue=earned)
    >>> round(found.npv_usd, 6), found.payback_years < 1.0
    (136.363636, True)
    """
    raise_if_any(_table_problems(table))
    rows = table if "unit_id" in table.columns else table.with_columns(unit_id=pl.lit(ALL))
    lots = rows["unit_id"].unique().sort().to_list()
    last = int(rows["year"].cast(pl.Int64()).max())  # type: ignore[arg-type]  # there are rows
    first = assumptions.first_year or int(rows["year"].cast(pl.Int64()).min())  # type: ignore[arg-type]
    years = range(first, (assumptions.last_year or last + MORE_YEARS) + 1)
    faults = []
    if not set(rows["year"].to_list()) <= set(years):
        faults.append(Problem("the table has years outside the calculation", "widen first_year or last_year", "table"))
    earned, more = _by_lot(revenue, "revenue_usd", lots, years)
    running, yet_more = _by_lot(other_opex, "other_opex_usd", lots, years)
    if assumptions.exchange_per_usd is None:
        cure = "give a rate for each year, or one that follows inflation"
        faults.append(Problem(f"exchange rates of {first} to {years[-1]} are missing", cure, "exchange_per_usd"))
    raise_if_any(faults + more + yet_more)
    money = make_money(
        years, exchange_per_usd=assumptions.exchange_per_usd,  # type: ignore[arg-type]  # refused above where none
        discount_frac_per_year=assumptions.discount_frac_per_year,
        inflation_frac_per_year=assumptions.inflation_frac_per_year,
        inflation_abroad_frac_per_year=assumptions.inflation_abroad_frac_per_year, tax_frac=assumptions.tax_frac,
        tax_life_years=assumptions.tax_life_years, loss_years=assumptions.loss_years,
    )  # fmt: skip
    kinds = _kinds(rows)
    apart = build_flows(_spread(rows, "capex_usd", lots, years, kinds.kind_id), kinds, money, other_opex_usd=running)
    if assumptions.is_one_taxpayer:
        return _result([ALL] if len(lots) > 1 else lots, apart.pooled(), earned.sum(axis=0)[None], money, assumptions)
    return _result(lots, apart, earned, money, assumptions)


def _result(lots: list[str], flows: Flows, earned: FloatArray, money: Money, assumptions: Assumptions) -> CashFlow:
    """Return the statement with its values and tables."""
    found = statement(flows, earned, money, assumptions.funding)
    operator, project = (money.real(each).sum(axis=0) for each in (found.operator_usd, found.project_usd))
    values = money.value_usd(found.operator_usd), money.value_usd(found.project_usd)
    spent = money.value_usd(flows.cost_usd), money.value_usd(flows.capex_usd), money.value_usd(found.revenue_usd)
    by_lot = pl.DataFrame({
        "unit_id": lots, "capex_value_usd": spent[1], "cost_value_usd": spent[0], "revenue_value_usd": spent[2],
        "subsidy_value_usd": money.value_usd(found.subsidy_usd), "project_npv_usd": values[1], "npv_usd": values[0],
    })  # fmt: skip
    rate = float(money.discount_frac_per_year)
    return CashFlow(
        ledger(found, money), by_lot, found, flows, money, float(values[0].sum()), float(values[1].sum()),
        irr(operator), irr(project), float(payback_years(operator)), float(payback_years(operator, rate)),
    )  # fmt: skip


def ledger(found: Statement, money: Money) -> pl.DataFrame:
    """Return who pays whom how much in each year, over all lots: the rows of :class:`CashFlow`'s table."""
    factor = (1.0 + float(money.discount_frac_per_year)) ** -np.arange(money.n_years, dtype=np.float64)
    parts = []
    for item, (payer, payee) in LEDGER.items():
        nominal = getattr(found, f"{item}_usd").sum(axis=-2)
        real = nominal / money.abroad_index
        part = pl.DataFrame(
            {"year": money.year, "nominal_usd": nominal, "real_usd": real, "discounted_usd": real * factor}
        )
        parts.append(part.with_columns(item=pl.lit(item), payer=pl.lit(payer), payee=pl.lit(payee)))
    columns = ["year", "item", "payer", "payee", "nominal_usd", "real_usd", "discounted_usd"]
    return pl.concat(parts).filter(pl.col("nominal_usd") != 0.0).select(columns).sort("year", "item")


def bill_of_plan(tables: Mapping[str, pl.DataFrame], year_base: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a plan's bill as the table that :func:`cash_flow` takes, and its bought service as ``other_opex``.

    Lots are districts, kinds are items of the catalogue.  A district's capital is spent as the schedule spends it, at
    once in the base year where it has no schedule; satellite service bought grows with what is built, from the year
    after.  Imported shares by origin: 80, 40 and 10 %, assumed.
    """
    items = tables["equipment"].select("equipment_id", "origin", "life_years")
    bill = tables["materials"].filter(pl.col("capex_usd") > 0.0).join(items, on="equipment_id", how="left")
    districts = tables["districts"].select("district_id")
    spent = tables["schedule"].filter(pl.col("capex_usd") > 0.0).select(
        "district_id", pl.col("year").cast(pl.Int64()),
        share=pl.col("capex_usd") / pl.col("capex_usd").sum().over("district_id"),
    )  # fmt: skip
    at_once = districts.join(spent, on="district_id", how="anti").with_columns(
        year=pl.lit(year_base, pl.Int64()), share=pl.lit(1.0)
    )  # fmt: skip
    share = pl.concat([spent, at_once]).sort("district_id", "year")
    table = bill.join(share, on="district_id", how="inner").select(
        unit_id="district_id",
        kind_id="equipment_id",
        year="year",
        capex_usd=pl.col("capex_usd") * pl.col("share"),
        life_years="life_years",
        # One number for an item: the catalogue's, whose bill keeps the ratio in every district.
        opex_frac_per_year=(
            pl.col("opex_usd_per_year").sum().over("equipment_id") / pl.col("capex_usd").sum().over("equipment_id")
        ),
        imported_frac=pl.col("origin").replace_strict(IMPORTED_FRAC, return_dtype=pl.Float64()),
    )  # fmt: skip
    bought = tables["costs"].filter(pl.col("category") == SERVICE).select("district_id", "opex_usd_per_year")
    served = bought.join(share, on="district_id", how="inner").select(
        unit_id="district_id", year="year", grows_usd=pl.col("opex_usd_per_year") * pl.col("share")
    )
    return table.sort("unit_id", "kind_id", "year"), served.sort("unit_id", "year")


def standing_opex(grows: pl.DataFrame, last_year: int) -> pl.DataFrame:
    """Return yearly ``other_opex_usd`` by lot of service that grows by ``grows_usd`` in a year and runs from the next.

    >>> grows = pl.DataFrame({"unit_id": ["a", "a"], "year": [2025, 2026], "grows_usd": [1.0, 2.0]})
    >>> standing_opex(grows, 2028)["other_opex_usd"].to_list()
    [1.0, 3.0, 3.0]
    """
    schema = {"unit_id": pl.String(), "year": pl.Int64(), "other_opex_usd": pl.Float64()}
    rows = [
        (lot, later, usd)
        for lot, year, usd in grows.select("unit_id", "year", "grows_usd").iter_rows()
        for later in range(year + 1, last_year + 1)
    ]
    each = pl.DataFrame(rows, schema, orient="row")
    return each.group_by("unit_id", "year").agg(pl.col("other_opex_usd").sum()).sort("unit_id", "year")
