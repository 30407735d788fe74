"""What a plan's economy says on one page, and its indicators through the years under the ten words of the programme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import Field

from rahdari.errors import InputError, Problem
from rahdari.model import Params
from rahdari.service.plan_view import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = dict[str, Any]
N_SHOWN = 5  # of a tornado
#: Single figures of the economy in reading order.
FIGURES = (
    "total_capex_usd", "operator_npv_usd", "project_npv_usd", "project_irr_frac_per_year", "payback_years",
    "least_support_usd", "districts_asking_support_count", "cost_per_passed_usd", "cost_per_connected_usd",
    "levelised_cost_usd_per_mbps_month", "exports_end_usd", "export_ready_people", "worst_vendor_hit_frac",
    "effective_suppliers_count", "years_to_high_income_speed_years", "mobile_rank", "fixed_rank",
    "hindcast_median_error_frac",
)  # fmt: skip


class MoneyResponse(Params):
    """The money of a plan: who pays, in dollars of the price year and as value; single figures with bands."""

    items: list[Row] = Field(description="Sum of each kind of money, with payer and payee")
    figures: list[Row] = Field(description="Single figures with low and high")
    support: list[Row] = Field(description="Districts by the least support that they ask, the most first")
    let_lots: list[Row] = Field(description="Lots that the universal-service fund has let")
    tornado: list[Row] = Field(description="What moves the operator's value most")
    hindcast: list[Row] = Field(description="Series fitted to the past and the miss of what came after")
    warnings: list[str]


class IndicatorsResponse(Params):
    """Every indicator of a plan: single years as engines say them, courses with percentiles, and the ten views."""

    rows: list[Row] = Field(description="indicator_id, year, value, low, high, unit, engine or course")
    views: list[Row] = Field(description="View, indicator, why")


def _needed(plan: Plan, names: Iterable[str]) -> None:
    missing = [name for name in names if name not in plan.tables]
    if missing:
        cure = "make the plan again with this release and engine economy on"
        raise InputError([Problem(f"the plan has no table '{name}'", cure) for name in missing])


def money_on(folder: Path) -> MoneyResponse:
    """Return the money of the plan in a folder."""
    plan = Plan(folder)
    _needed(plan, ("cashflow", "subsidy_lots", "let_lots", "tornado", "hindcast"))
    cash = plan.tables["cashflow"].sort("year", "item")
    sums = cash.group_by("item", "payer", "payee", maintain_order=True).agg(
        pl.col("amount_usd").sum(), pl.col("discounted_usd").sum()
    )
    names = {name: i for i, name in enumerate(FIGURES)}
    figures = plan.indicators.filter(pl.col("indicator_id").is_in(FIGURES)).sort("indicator_id", "year")
    chosen = sorted(figures.iter_rows(named=True), key=lambda row: names[row["indicator_id"]])
    lots = plan.tables["subsidy_lots"].sort("subsidy_value_usd", "district_id", descending=[True, False])
    moved = plan.tables["tornado"].filter(pl.col("output") == "operator_npv_usd")
    moved = moved.sort("swing_value", "parameter", descending=[True, False])
    record: Row = next((item for item in plan.manifest["engines"] if item["name"] == "economy"), {})
    return MoneyResponse(
        items=sums.sort("item").to_dicts(), figures=chosen, support=lots.to_dicts(),
        let_lots=plan.tables["let_lots"].to_dicts(), tornado=moved.head(N_SHOWN).to_dicts(),
        hindcast=plan.tables["hindcast"].to_dicts(), warnings=list(record.get("notes", [])),
    )  # fmt: skip


def indicators_in(folder: Path) -> IndicatorsResponse:
    """Return the indicators of the plan in a folder, by name and year."""
    plan = Plan(folder)
    said = plan.indicators.select(
        "indicator_id", "year", "name", "value", low="value_low", high="value_high", unit="unit", said_by="engine"
    )
    parts = [said]
    if "indicator_years" in plan.tables:
        parts.append(
            plan.tables["indicator_years"].select(
                "indicator_id",
                pl.col("year").cast(said.schema["year"]),
                "name",
                value="p50_value",
                low="p10_value",
                high="p90_value",
                unit=pl.lit(""),
                said_by=pl.lit("course"),
            )
        )
    views = plan.tables["goal_views"].to_dicts() if "goal_views" in plan.tables else []
    rows = pl.concat(parts).sort("indicator_id", "said_by", "year").to_dicts()
    return IndicatorsResponse(rows=rows, views=views)
