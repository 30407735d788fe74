"""What is bought by category, vendor, origin and chip class, how much hangs on one, and what a loss or a delay does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.economy.money import bill_of
from rahdari.methods.concentration import (
    Substitute,
    chip_bill,
    concentration,
    delayed_shipment,
    drop_each_vendor,
    second_source,
    with_vendors,
)
from rahdari.methods.results import result_frame

if TYPE_CHECKING:
    from rahdari.engines.economy.params import EconomyParams
    from rahdari.model import Tables

FOLDER = Path(__file__).parent / "tables"
CHIPS = Path(__file__).parent / "chips.csv"
NO_CHIP = "none"
MEASURED = ("vendor_id", "origin", "chip_class")
SHOWN = ("cost_frac", "customers_frac", "customers_low_frac", "customers_high_frac", "services_frac")


def shares_of(params: EconomyParams) -> dict[str, float]:
    """Return the vendors' shares: neutral letters, the rest to the last."""
    rest = 1.0 - params.vendor_a_frac - params.vendor_b_frac
    return {"A": params.vendor_a_frac, "B": params.vendor_b_frac, "C": max(0.0, rest)}


def supply_bill(tables: Tables, params: EconomyParams) -> pl.DataFrame:
    """Return the bill by district, category, origin and vendor; people of the district stand for its customers.

    A district's people are shared among the origins of a category by cost, as among vendors.
    """
    items = tables["equipment"].select("equipment_id", "origin")
    people = tables["districts"].select(unit_id="district_id", people=pl.col("n_people").cast(pl.Float64()))
    bill = bill_of(tables).filter(pl.col("capex_usd") > 0.0).join(items, on="equipment_id", how="left")
    grouped = ["unit_id", "category", "origin"]
    each = bill.rename({"district_id": "unit_id"}).sort(*grouped, "equipment_id")
    sums = each.group_by(grouped, maintain_order=True).agg(cost_usd=pl.col("capex_usd").sum())
    split = sums.join(people, on="unit_id", how="left").with_columns(
        n_customers=pl.col("people") * pl.col("cost_usd") / pl.col("cost_usd").sum().over("unit_id", "category")
    )
    return with_vendors(split.drop("people").sort(grouped), {"*": shares_of(params)}).sort(*grouped, "vendor_id")


def chips_of(params: EconomyParams) -> pl.DataFrame:
    """Return the shares of chips in prices by category and class."""
    table = pl.read_csv(CHIPS, schema_overrides={"cost_frac": pl.Float64()})
    return table.with_columns(pl.col("cost_frac") * params.chip_share_ratio)


def supply_table(bill: pl.DataFrame, params: EconomyParams) -> pl.DataFrame:
    """Return ``supply``: money by category, origin, chip class and vendor."""
    key = ["category", "origin", "vendor_id"]
    layer = bill.sort(*key, "unit_id").group_by(key, maintain_order=True).agg(vendor_usd=pl.col("cost_usd").sum())
    chips = chips_of(params).select("category", "chip_class", chip_frac="cost_frac")
    rest = layer.select("category").unique().join(
        chips.group_by("category").agg(taken=pl.col("chip_frac").sum()), on="category", how="left"
    ).select("category", chip_class=pl.lit(NO_CHIP), chip_frac=1.0 - pl.col("taken").fill_null(0.0))  # fmt: skip
    found = layer.join(pl.concat([chips, rest]), on="category", how="inner").with_columns(
        cost_usd=pl.col("vendor_usd") * pl.col("chip_frac")
    )
    columns = [*key[:2], "chip_class", "vendor_id", "vendor_usd", "chip_frac", "cost_usd"]
    data = found.sort(*key[:2], "chip_class", "vendor_id").select(columns)
    return result_frame(data.to_dict(as_series=False), FOLDER / "supply.csv")


def concentration_table(bill: pl.DataFrame, params: EconomyParams) -> pl.DataFrame:
    """Return ``supply_concentration``: by vendor, by origin, and chips by class, for each category and all."""
    parts = []
    for by in MEASURED:
        rows = chip_bill(bill, chips_of(params)) if by == "chip_class" else bill
        if rows.height:
            parts.append(concentration(rows, by).with_columns(by=pl.lit(by.removesuffix("_id"))))
    if not parts:
        return result_frame(None, FOLDER / "supply_concentration.csv")
    found = pl.concat(parts).sort("by", "category")
    return result_frame(found.to_dict(as_series=False), FOLDER / "supply_concentration.csv").sort("by", "category")


def loss_table(bill: pl.DataFrame, params: EconomyParams, usd_per_customer_month: float) -> pl.DataFrame:
    """Return ``vendor_loss``: what the loss of each vendor takes, and what one late shipment of it delays."""
    path = FOLDER / "vendor_loss.csv"
    if not bill.height:
        return result_frame(None, path)
    way = Substitute(params.substitute_premium_frac, params.qualification_months, params.lead_months)
    rows = []
    for row in drop_each_vendor(bill, {"*": way}).sort("vendor_id").iter_rows(named=True):
        late = delayed_shipment(
            bill, row["vendor_id"], params.delay_months, stock_months=params.stock_months,
            usd_per_customer_month=usd_per_customer_month,
        )  # fmt: skip
        rows.append({
            **{name: row[name] for name in ("vendor_id", *SHOWN, "substitution_usd", "exceeds_usd")},
            "replaced_after_months": row["months"],
            "late_months": max(late["late_months"].to_list(), default=0.0),
            "waiting_people": float(late["n_customers"].sum()), "lost_usd": float(late["lost_usd"].sum()),
        })  # fmt: skip
    return result_frame(rows, path)


def second_table(bill: pl.DataFrame, params: EconomyParams) -> pl.DataFrame:
    """Return ``second_source``: what a second source of each category costs and spares."""
    rows = []
    for category in bill["category"].unique().sort().to_list():
        found = second_source(
            bill, category, moved_frac=params.second_source_moved_frac, premium_frac=params.substitute_premium_frac,
            once_usd=params.second_source_once_usd,
        )  # fmt: skip
        rows.append({
            "category": category, "cost_usd": found.cost_usd,
            "effective_before_count": found.effective_before_count,
            "effective_after_count": found.effective_after_count, "hit_before_frac": found.hit_before_frac,
            "hit_after_frac": found.hit_after_frac, "spared_frac": found.hit_before_frac - found.hit_after_frac,
            "usd_per_customer_usd": found.usd_per_customer if np.isfinite(found.usd_per_customer) else None,
        })  # fmt: skip
    return result_frame(rows or None, FOLDER / "second_source.csv")
