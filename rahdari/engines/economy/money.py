"""Costs by district and category, with the year in which every dollar moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.finance import discount_factor, replacement_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.economy.params import EconomyParams
    from rahdari.model import Context, Tables

    FloatArray = NDArray[np.float64]

SERVICE = "satellite_service"
TINY_USD = 1e-6  # rounding of sums, not a service


@dataclass(frozen=True, slots=True)
class Timing:
    """When each district builds: ``share`` (districts, years) sums to 1 along years; years count from the base."""

    district_id: list[str]
    year: list[int]
    share: FloatArray
    base_year: int
    end_year: int


def read_timing(tables: Tables, params: EconomyParams, ctx: Context) -> Timing:
    """Return the shares of each district's capital by year; a district without a schedule builds in the first year."""
    districts = tables["districts"]["district_id"].sort().to_list()
    schedule = tables["schedule"].sort("district_id", "year")
    first = min([ctx.year_base, *schedule["year"].to_list()])
    last = max([ctx.year_base + params.horizon_years, *schedule["year"].to_list()])
    years = list(range(first, last + 1))
    spent = np.zeros((len(districts), len(years)))
    row = pl.Series(districts).to_frame("district_id").with_row_index("row")
    joined = schedule.join(row, on="district_id", how="inner", maintain_order="left")
    np.add.at(spent, (joined["row"].to_numpy(), joined["year"].to_numpy() - first), joined["capex_usd"].to_numpy())
    total = spent.sum(axis=1, keepdims=True)
    at_once = np.zeros_like(spent)
    at_once[:, max(0, ctx.year_base - first)] = 1.0
    share = np.where(total > 0.0, spent / np.where(total > 0.0, total, 1.0), at_once)
    return Timing(districts, years, share, ctx.year_base, last)


@dataclass(frozen=True, slots=True)
class Factors:
    """Value in the base year, by district (d,), of one unit of capital and of yearly operation."""

    capex: FloatArray
    opex: FloatArray


def factors(timing: Timing, rate: float) -> Factors:
    """Return the factors: capital in the year it is spent, operation from the year after to the last year."""
    offset = np.array(timing.year, dtype=np.float64) - timing.base_year
    discount = discount_factor(rate, offset)
    later = np.concatenate([np.cumsum(discount[::-1])[::-1][1:], [0.0]])
    return Factors(timing.share @ discount, timing.share @ later)


def renewal_factor(timing: Timing, rate: float, life_years: float) -> FloatArray:
    """Return (d,) the value in the base year of renewing one unit of capital to the last year, less its residual."""
    offset = np.array(timing.year, dtype=np.float64) - timing.base_year
    left = timing.end_year - np.array(timing.year, dtype=np.float64)
    renewals = [replacement_factor(rate, life_years, years) if years > 0.0 else -1.0 for years in left]
    return np.asarray(timing.share @ (discount_factor(rate, offset) * np.array(renewals)))


def bill_of(tables: Tables) -> pl.DataFrame:
    """Return the bill by district and item with life and category, in key order."""
    items = tables["equipment"].select("equipment_id", "category", "life_years")
    return (
        tables["materials"]
        .sort("district_id", "equipment_id")
        .join(items, on="equipment_id", how="left", maintain_order="left")
    )


def bought_service(tables: Tables, bill: pl.DataFrame) -> pl.DataFrame:
    """Return yearly spending on satellite service by district: what operation holds beyond the bill's."""
    home = tables["places"].select("place_id", "district_id")
    parts = [
        tables["access"]
        .join(home, on="place_id", how="left", maintain_order="left")
        .select("district_id", "opex_usd_per_year"),
        tables["planned_links"].select("district_id", "opex_usd_per_year"),
        tables["planned_sites"].select("district_id", "opex_usd_per_year"),
        bill.select("district_id", -pl.col("opex_usd_per_year")),
    ]
    total = pl.concat(parts).group_by("district_id", maintain_order=True).agg(pl.col("opex_usd_per_year").sum())
    scale = max(float(bill["opex_usd_per_year"].sum()), 1.0)
    return total.filter(pl.col("opex_usd_per_year") > TINY_USD * scale).sort("district_id")


def cost_table(tables: Tables, params: EconomyParams, timing: Timing) -> pl.DataFrame:
    """Return costs by district and category."""
    rate = params.discount_frac_per_year
    bill = bill_of(tables)
    unit = factors(timing, rate)
    row = np.searchsorted(np.array(timing.district_id), bill["district_id"].to_numpy().astype(str))
    lives = bill["life_years"].to_numpy()
    renewal = np.zeros(bill.height)
    for life in np.unique(lives):
        mask = lives == life
        renewal[mask] = renewal_factor(timing, rate, float(life))[row[mask]]
    capex = bill["capex_usd"].to_numpy()
    valued = bill.with_columns(
        capex_present_usd=pl.Series(capex * unit.capex[row]),
        opex_present_usd=pl.Series(bill["opex_usd_per_year"].to_numpy() * unit.opex[row]),
        replacement_usd=pl.Series(capex * renewal),
    ).drop("equipment_id", "n_units", "life_years")
    service = bought_service(tables, bill)
    service_row = np.searchsorted(np.array(timing.district_id), service["district_id"].to_numpy().astype(str))
    zero = pl.lit(0.0)
    bought = service.with_columns(
        category=pl.lit(SERVICE),
        opex_present_usd=pl.Series(service["opex_usd_per_year"].to_numpy() * unit.opex[service_row], dtype=pl.Float64),
        **dict.fromkeys(("capex_usd", "capex_low_usd", "capex_high_usd", "capex_present_usd", "replacement_usd"), zero),
    )
    sums = (
        pl.concat([valued, bought.select(valued.columns)])
        .group_by("district_id", "category", maintain_order=True)
        .agg(pl.exclude("district_id", "category").sum())
    )
    present = pl.col("capex_present_usd") + pl.col("opex_present_usd") + pl.col("replacement_usd")
    with_total = sums.with_columns(present_value_usd=present)
    capital = pl.max_horizontal(pl.col("capex_usd"), pl.lit(1e-9))
    low, high = (
        pl.when(pl.col("capex_usd") > 0.0).then(pl.col(f"capex_{end}_usd") / capital).otherwise(1.0)
        for end in ("low", "high")
    )
    return with_total.with_columns(
        present_value_low_usd=pl.col("present_value_usd") * low,
        present_value_high_usd=pl.col("present_value_usd") * high,
    ).sort("district_id", "category")
