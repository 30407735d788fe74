"""Who pays whom in each year, and the least support of each district beside the lots that were let."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.adoption import customers_count
from rahdari.methods.cash_flow_table import LEDGER
from rahdari.methods.results import result_frame
from rahdari.methods.subsidy import let_lots, lots_band

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.economy.case import Middle
    from rahdari.engines.economy.money import Timing
    from rahdari.engines.economy.params import EconomyParams
    from rahdari.methods.economy_draws import Case
    from rahdari.methods.subsidy import LotKind
    from rahdari.model import Tables

    FloatArray = NDArray[np.float64]

FOLDER = Path(__file__).parent / "tables"
ALWAYS = ("capex", "opex", "replacement")  # have a row in every year
NAMES = {"salvage": "residual"}  # what the table calls an item
EARNING = {"earning": ("operator", "suppliers")}  # part of operation that no bill of materials has
SMALL_USD = 1e-6  # rounding of sums, not money


def customers_of(case: Case) -> FloatArray:
    """Return (d, y) households that buy a line on fibre, at the case's middles."""
    return customers_count(
        case.passed_households, case.adopted_frac, case.price_usd_per_month,
        income_usd_per_month=case.income_usd_per_month, gini=case.gini,
        affordable_income_frac=case.affordable_income_frac,
    )  # fmt: skip


def cashflow_table(middle: Middle, params: EconomyParams, timing: Timing) -> pl.DataFrame:
    """Return the money of every year with the least support: spending negative, what comes in positive."""
    years = np.array(timing.year)
    factor = (1.0 + params.discount_frac_per_year) ** -(years - timing.base_year).astype(np.float64)
    earning = params.revenue_cost_frac * middle.revenue_usd.sum(axis=0)
    parts = []
    for item, (payer, payee) in (LEDGER | EARNING).items():
        real = earning if item in EARNING else middle.money.real(getattr(middle.funded, f"{item}_usd")).sum(axis=0)
        real = real - earning if item == "opex" else real
        amount = real if payee == "operator" else -real
        is_kept = np.full(years.size, True) if item in ALWAYS else np.abs(amount) > SMALL_USD
        parts.append({
            "year": years[is_kept], "item": [NAMES.get(item, item)] * int(is_kept.sum()),
            "payer": [payer] * int(is_kept.sum()), "payee": [payee] * int(is_kept.sum()),
            "amount_usd": amount[is_kept] + 0.0, "discounted_usd": (amount * factor)[is_kept] + 0.0,
        })  # fmt: skip
    return pl.concat([result_frame(part, FOLDER / "cashflow.csv") for part in parts]).sort("year", "item")


def let_table(tables: Tables) -> pl.DataFrame:
    """Return the lots that a universal-service fund has let, in dollars at the country's rate."""
    rate = float(tables["country"]["exchange_rate_per_usd"][0])
    lots = let_lots(tables["facts"])
    found = lots.select(
        "kind", "lot", "period", "quantity_count", exchange_rate_per_usd=pl.lit(rate), subsidy_pkr="subsidy_pkr",
        subsidy_usd=pl.col("subsidy_pkr") / rate,
    ).with_columns(per_unit_usd=pl.col("subsidy_usd") / pl.col("quantity_count"))  # fmt: skip
    return result_frame(found.to_dict(as_series=False), FOLDER / "let_lots.csv")


def _placed(usd: FloatArray, is_asked: NDArray[np.bool_], tables: Tables, kind: LotKind) -> list[str]:
    """Return where each lot's support for a km or person lies among the lots let; none where nothing is compared."""
    lots = let_lots(tables["facts"])
    if not (lots["kind"] == kind).any():
        return ["none"] * usd.size
    band, rate = lots_band(lots, kind), float(tables["country"]["exchange_rate_per_usd"][0])
    pairs = zip(usd.tolist(), is_asked.tolist(), strict=True)
    return [band.place(value * rate) if is_one else "none" for value, is_one in pairs]


def lots_table(tables: Tables, middle: Middle, timing: Timing) -> pl.DataFrame:
    """Return one row a district: its money, and the least support at which it is worth building."""
    names = timing.district_id
    links = tables["planned_links"].filter(pl.col("kind") == "fibre").sort("link_id")
    km_of = dict(links.group_by("district_id", maintain_order=True).agg(pl.col("length_km").sum()).iter_rows())
    people_of = dict(tables["districts"].select("district_id", "n_people").iter_rows())
    km = np.array([km_of.get(name, 0.0) for name in names], np.float64)
    people = np.array([people_of[name] for name in names], np.float64)
    money, least = middle.money, middle.least
    is_asked = least.value_usd > SMALL_USD
    per_km = np.divide(least.value_usd, km, out=np.zeros_like(km), where=km > 0.0)
    per_person = np.divide(least.value_usd, people, out=np.zeros_like(people), where=people > 0.0)
    data = {
        "district_id": names, "n_people": people.astype(np.int64), "fibre_km": km,
        "capex_value_usd": money.value_usd(middle.flows.capex_usd),
        "cost_value_usd": money.value_usd(middle.flows.cost_usd),
        "revenue_value_usd": money.value_usd(middle.bare.revenue_usd),
        "operator_value_usd": money.value_usd(middle.bare.operator_usd),
        "subsidy_frac": least.subsidy_frac, "subsidy_value_usd": least.value_usd,
        "subsidy_usd_per_km": per_km, "subsidy_per_person_usd": per_person,
        "beside_fibre_lots": _placed(per_km, is_asked & (km > 0.0), tables, "fibre"),
        "beside_mobile_lots": _placed(per_person, is_asked, tables, "mobile"), "is_enough": least.is_enough,
    }  # fmt: skip
    return result_frame(data, FOLDER / "subsidy_lots.csv").sort("district_id")
