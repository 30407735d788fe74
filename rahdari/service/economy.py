"""The money and the scoreboard of a plan, or of a user's own table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.methods.cash_flow_table import Assumptions, CashFlow, bill_of_plan, cash_flow, standing_opex
from rahdari.service.plan_view import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MORE_YEARS = 15  # after the base year of a plan, as the engine's default horizon


def cash_flow_on(
    plan_or_table: Plan | Path | pl.DataFrame,
    assumptions: Assumptions,
    *,
    revenue: pl.DataFrame | None = None,
    other_opex: pl.DataFrame | None = None,
) -> CashFlow:
    """Return the cash flow of a plan, or of a table of what is built (see ``methods.cash_flow_table``).

    A plan brings its bill by district and item, spent as it is scheduled, its bought satellite service, its first year
    and its exchange rate, which then follows the difference of inflation unless rates by year are given.  ``revenue``
    by district and year is the user's: ``unit_id``, ``year``, ``revenue_usd``.
    """
    if isinstance(plan_or_table, pl.DataFrame):
        return cash_flow(plan_or_table, assumptions, revenue=revenue, other_opex=other_opex)
    plan = plan_or_table if isinstance(plan_or_table, Plan) else Plan(plan_or_table)
    first = int(plan.manifest["scenario"]["years"][0])
    table, grows = bill_of_plan(plan.tables, first)
    if not table.height:
        raise InputError(Problem("the plan builds nothing", "make a plan with access, backbone and rollout"))
    last = assumptions.last_year or max(first + MORE_YEARS, int(table["year"].max()))  # type: ignore[arg-type]
    rate = assumptions.exchange_per_usd
    known = replace(
        assumptions,
        first_year=first,
        last_year=last,
        exchange_per_usd=float(plan.tables["country"]["exchange_rate_per_usd"][0]) if rate is None else rate,
    )
    service = standing_opex(grows, last)
    if other_opex is not None:
        service = pl.concat([service, other_opex.select(service.columns).cast(service.schema)])
    return cash_flow(table, known, revenue=revenue, other_opex=service)


def indicators_on(plan: Plan | Path, ids: Sequence[str] | None = None) -> pl.DataFrame:
    """Return a plan's indicators through time: one row an indicator and year, with ends of the band where known.

    All of them, or those named; names that the plan has not are refused together.
    """
    chosen = (plan if isinstance(plan, Plan) else Plan(plan)).indicators.sort("indicator_id", "year")
    if ids is None:
        return chosen
    known = set(chosen["indicator_id"])
    cure = "see plan.indicators for those there are"
    problems = [Problem(f"the plan has no indicator '{name}'", cure) for name in ids if name not in known]
    if problems:
        raise InputError(problems)
    return chosen.filter(pl.col("indicator_id").is_in(list(ids)))
