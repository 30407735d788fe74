"""Draws of the whole economy: percentiles, what matters, and series through time with bands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.economy_draws import Economy, economy_of
from rahdari.methods.results import result_frame
from rahdari.methods.tornado import Range, drawn, importance, spread, tornado

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from rahdari.engines.economy.params import EconomyParams
    from rahdari.methods.economy_draws import Case
    from rahdari.model import Context, Tables

    FloatArray = NDArray[np.float64]

FOLDER = Path(__file__).parent / "tables"
#: What comes out -> unit and words; each is a column of the draws.
OUTPUTS = {
    "operator_npv_usd": "Operator's value without support, after tax and loan",
    "project_npv_usd": "Value before support, loan and tax",
    "least_support_usd": "Least support of all districts",
    "cost_per_connected_usd": "Cost of the plan for each home connected by fibre",
    "cost_per_passed_usd": "Cost of the plan for each home passed by fibre",
    "tax_usd": "Tax",
    "exports_end_usd": "Service exports in the last year of the plan",
}
IN_TORNADO = ("operator_npv_usd", "least_support_usd", "cost_per_connected_usd", "exports_end_usd")


def outputs_of(found: Economy, at_end: int) -> dict[str, FloatArray]:
    """Return (n,) of each output."""
    return {
        "operator_npv_usd": found.npv_usd, "project_npv_usd": found.project_npv_usd,
        "least_support_usd": found.subsidy_value_usd, "cost_per_connected_usd": found.cost_per_connected_usd,
        "cost_per_passed_usd": found.cost_per_passed_usd, "tax_usd": found.tax_value_usd,
        "exports_end_usd": found.exports_by_year_usd[:, at_end],
    }  # fmt: skip


def ranges_of(case: Case, tables: Tables, params: EconomyParams) -> tuple[Range, ...]:
    """Return what is drawn: prices as the catalogue ranges them, the rest assumed around the parameters."""
    bill = tables["materials"]
    total, low, high = (float(bill[name].sum()) for name in ("capex_usd", "capex_low_usd", "capex_high_usd"))
    ends = (low / total, high / total) if total > 0.0 else (1.0, 1.0)
    price, income, ready = case.price_usd_per_month, case.income_usd_per_month, params.export_ready_frac
    capital, gone = params.cost_of_capital_frac_per_year, params.emigration_frac_per_year
    home, peers = params.inflation_frac_per_year, params.peer_growth_frac_per_year
    retail = "the engine's range of retail prices"
    return (
        Range("capex_ratio", min(1.0, ends[0]), 1.0, max(1.0, ends[1]), source="the catalogue, all prices together"),
        Range("opex_ratio", 0.8, 1.0, 1.3),
        Range("life_ratio", 0.8, 1.0, 1.2),
        Range("import_price_ratio", 0.9, 1.0, 1.3),
        Range("adoption_ratio", 0.6, 1.0, 1.3),
        Range("price_usd_per_month", price * params.price_low_ratio, price, price * params.price_high_ratio,
              source=retail),
        Range("income_usd_per_month", 0.75 * income, income, 1.4 * income),
        Range("discount_frac_per_year", 0.6 * capital, capital, 1.3 * capital),
        Range("inflation_frac_per_year", 0.6 * home, home, 2.0 * home),
        Range("exchange_fall_frac_per_year", 0.0, 0.0, 0.05),
        Range("gb_growth_frac_per_year", 0.5 * case.gb_growth_frac_per_year, case.gb_growth_frac_per_year,
              2.0 * case.gb_growth_frac_per_year),
        Range("peer_growth_frac_per_year", 0.5 * peers, peers, 2.0 * peers),
        Range("ready_frac", 0.5 * ready, ready, min(1.0 - params.field_work_frac, 1.8 * ready)),
        Range("emigration_frac_per_year", 0.5 * gone, gone, 2.0 * gone),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """Draws of all outputs, their values by name, and the ranges."""

    found: Economy
    outputs: dict[str, FloatArray]
    values: dict[str, FloatArray]
    ranges: tuple[Range, ...]


def doubt(case: Case, tables: Tables, params: EconomyParams, ctx: Context) -> Doubt:
    """Return the draws."""
    n = params.n_draws_full if ctx.detail == "full" else params.n_draws_quick
    ranges = ranges_of(case, tables, params)
    values = drawn(ranges, n, ctx.random("economy draws"))
    found = economy_of(case, values)
    return Doubt(found, outputs_of(found, case.years.index(ctx.year_end)), values, ranges)


def spread_table(made: Doubt) -> pl.DataFrame:
    """Return ``economy_spread``: percentiles and mean of every output with an end."""
    rows = []
    for name, values in made.outputs.items():
        if np.isfinite(values).all():
            each = spread(values)
            rows.append({
                "output": name, "name": OUTPUTS[name], "n_draws": values.size, "p10_value": each.p10,
                "p50_value": each.p50, "p90_value": each.p90, "mean_value": each.mean,
                "width_value": each.p90 - each.p10,
            })  # fmt: skip
    return result_frame(rows or None, FOLDER / "economy_spread.csv").sort("output")


def tornado_table(case: Case, made: Doubt, at_end: int) -> pl.DataFrame:
    """Return ``tornado``: what each range alone does to each output, with its share of the variance of the draws."""
    kept: dict[str, FloatArray] = {}

    def model(name: str) -> Callable[[Mapping[str, FloatArray]], FloatArray]:
        def one(values: Mapping[str, FloatArray]) -> FloatArray:
            # Rows are the same for every output: the economy is reckoned once.
            if not kept:
                kept.update(outputs_of(economy_of(case, values), at_end))
            return kept[name]

        return one

    source = {item.name: item.source for item in made.ranges}
    parts = []
    for output in IN_TORNADO:
        if not np.isfinite(made.outputs[output]).all():
            continue
        share = importance(made.values, made.outputs[output]).select("name", "variance_frac")
        frame = tornado(model(output), made.ranges).join(share, on="name", how="left")
        parts.append(frame.with_columns(output=pl.lit(output)))
    if not parts:
        return result_frame(None, FOLDER / "tornado.csv")
    found = pl.concat(parts).rename({"name": "parameter"})
    found = found.with_columns(source=pl.col("parameter").replace_strict(source, return_dtype=pl.String()))
    return result_frame(found.to_dict(as_series=False), FOLDER / "tornado.csv").sort("output", "parameter")
