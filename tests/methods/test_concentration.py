"""Concentration, lost vendors, late shipments and second sources against hand-worked bills."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.concentration import (
    Substitute,
    chip_bill,
    concentration,
    delayed_shipment,
    drop_each_vendor,
    effective_count,
    herfindahl,
    second_source,
    with_vendors,
)

ANY = {"*": Substitute(0.2, 3.0, 4.0)}


def bill() -> pl.DataFrame:
    return pl.DataFrame(
        [
            ("north", "radio", "A", 60.0, 100.0),
            ("north", "fibre", "B", 40.0, 100.0),
            ("south", "radio", "A", 30.0, 150.0),
            ("south", "radio", "B", 30.0, 150.0),
            ("south", "fibre", "C", 40.0, 300.0),
        ],
        ["unit_id", "category", "vendor_id", "cost_usd", "n_customers"],
        orient="row",
    )


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=10))
def test_concentration_lies_between_equal_shares_and_monopoly(amounts: list[float]) -> None:
    assert 1.0 / len(amounts) - 1e-12 <= herfindahl(amounts) <= 1.0 + 1e-12
    assert effective_count(amounts) == pytest.approx(1.0 / float(herfindahl(amounts)))


@given(st.lists(st.floats(0.01, 100.0), min_size=2, max_size=10))
def test_a_merger_never_lowers_concentration(amounts: list[float]) -> None:
    merged = [amounts[0] + amounts[1], *amounts[2:]]
    assert herfindahl(merged) >= herfindahl(amounts) - 1e-12


def test_published_subscribers_of_2026_are_three_effective_operators() -> None:
    # 74.2, 72.4 and 53.8 million (TelecomTV 2026): 36.6, 35.7, 26.6 %, squares sum to 0.340 of their own total.
    assert herfindahl([74.2, 72.4, 53.8]) == pytest.approx(0.3397, abs=1e-3)
    assert effective_count([74.2, 72.4, 53.8]) == pytest.approx(2.94, abs=0.01)


def test_concentration_is_weighted_by_customers_beside_money() -> None:
    rows = {row["category"]: row for row in concentration(bill()).iter_rows(named=True)}
    # Radio: 90 against 30 dollars, 250 against 150 customers.
    assert rows["radio"]["hhi_cost_ratio"] == pytest.approx(0.75**2 + 0.25**2)
    assert rows["radio"]["hhi_customers_ratio"] == pytest.approx((250.0 / 400.0) ** 2 + (150.0 / 400.0) ** 2)
    assert rows["radio"]["largest"] == "A"
    assert rows["fibre"]["effective_suppliers_count"] == pytest.approx(1.0 / (0.25**2 + 0.75**2))
    assert rows["all"]["n_suppliers"] == 3


def test_the_loss_of_a_vendor_by_hand() -> None:
    found = {row["vendor_id"]: row for row in drop_each_vendor(bill(), ANY).iter_rows(named=True)}
    # A serves all 100 in the north and half of the 300 in the south.
    assert found["A"]["customers_frac"] == pytest.approx(250.0 / 400.0)
    assert found["A"]["cost_frac"] == pytest.approx(90.0 / 200.0)
    assert found["A"]["services_frac"] == pytest.approx(0.5)
    assert found["A"]["substitution_usd"] == pytest.approx(108.0)
    assert found["A"]["exceeds_usd"] == pytest.approx(18.0)
    assert found["A"]["months"] == 7.0
    # B: all of the north by fibre, half of the south by radio.
    assert found["B"]["customers_frac"] == pytest.approx(250.0 / 400.0)
    assert found["C"]["customers_frac"] == pytest.approx(300.0 / 400.0)


def test_a_customer_who_needs_two_items_of_one_vendor_is_counted_once() -> None:
    one = bill().filter(pl.col("unit_id") == "south").with_columns(vendor_id=pl.lit("A"))
    two = pl.concat([one.head(1), one.tail(1)]).with_columns(n_customers=pl.Series([150.0, 300.0]))
    row = drop_each_vendor(two, ANY).row(0, named=True)
    assert row["customers_frac"] == pytest.approx(1.0)
    north = bill().filter(pl.col("unit_id") == "north").drop("vendor_id")
    split = with_vendors(north, {"*": {"A": 0.5, "B": 0.5}})
    row = drop_each_vendor(split, ANY).row(0, named=True)
    # Two unrelated categories at a half each: between a half and all, expected three quarters.
    assert (row["customers_low_frac"], row["customers_high_frac"]) == pytest.approx((0.5, 1.0))
    assert row["customers_frac"] == pytest.approx(0.75)


def test_items_that_nobody_else_makes_are_named() -> None:
    ways = {"radio": Substitute(0.0, 0.0, 0.0, is_possible=False), "*": Substitute(0.1, 1.0, 2.0)}
    found = {row["vendor_id"]: row for row in drop_each_vendor(bill(), ways).iter_rows(named=True)}
    assert found["A"]["stuck_usd"] == 90.0
    assert found["A"]["substitution_usd"] == 0.0
    assert found["B"]["stuck_usd"] == 30.0


def test_a_late_shipment_makes_only_units_without_slack_late() -> None:
    rows = bill().with_columns(slack_months=pl.Series([1.0, 0.0, 6.0, 0.0, 0.0]))
    late = delayed_shipment(rows, "A", 4.0, stock_months=1.0, usd_per_customer_month=5.0)
    assert late["unit_id"].to_list() == ["north"]
    assert late["late_months"].to_list() == [2.0]
    assert late["customer_months_count"].to_list() == [200.0]
    assert late["lost_usd"].to_list() == [1000.0]
    assert delayed_shipment(rows, "A", 1.0, stock_months=1.0).is_empty()


def test_a_second_source_costs_its_premium_and_halves_the_hit() -> None:
    one = bill().filter((pl.col("unit_id") == "north") & (pl.col("category") == "radio"))
    found = second_source(one, "radio", moved_frac=0.5, premium_frac=0.2, once_usd=4.0)
    # Half of 60 dollars, a fifth dearer, and 4 once; half of 100 customers no longer hang on A.
    assert found.cost_usd == pytest.approx(10.0)
    assert (found.effective_before_count, found.effective_after_count) == pytest.approx((1.0, 2.0))
    assert (found.hit_before_frac, found.hit_after_frac) == pytest.approx((1.0, 0.5))
    assert found.usd_per_customer == pytest.approx(0.2)
    assert second_source(one, "radio", moved_frac=0.0, premium_frac=0.2, once_usd=4.0).usd_per_customer == np.inf


def test_splitting_among_neutral_vendors_keeps_money_and_customers() -> None:
    bare = bill().drop("vendor_id").group_by("unit_id", "category").agg(pl.col("cost_usd", "n_customers").sum())
    split = with_vendors(bare)
    assert set(split["vendor_id"]) == {"A", "B", "C"}
    assert split["cost_usd"].sum() == pytest.approx(200.0)
    assert split["n_customers"].sum() == pytest.approx(800.0)


def test_a_bill_is_measured_by_origin_and_down_to_chips() -> None:
    chips = pl.DataFrame({"category": ["radio", "radio"], "chip_class": ["baseband", "power"], "cost_frac": [0.3, 0.1]})
    down = chip_bill(bill(), chips)
    assert down["cost_usd"].sum() == pytest.approx(0.4 * 120.0)
    assert concentration(down, by="chip_class")["n_suppliers"][0] == 2
    with pytest.raises(InputError, match="more than all of 'radio'"):
        chip_bill(bill(), chips.with_columns(cost_frac=pl.lit(0.6)))


def test_rows_in_any_order_give_the_same_answer() -> None:
    assert drop_each_vendor(bill(), ANY).equals(drop_each_vendor(bill().reverse(), ANY))
    assert concentration(bill()).equals(concentration(bill().reverse()))


def test_faults_of_a_bill_are_reported_together() -> None:
    wrong = bill().with_columns(
        cost_usd=pl.Series([1.0, -1.0, 1.0, 1.0, 1.0]), vendor_id=pl.Series(["A", None, "A", "A", "A"])
    )
    with pytest.raises(InputError) as caught:
        concentration(wrong)
    assert [(problem.row, problem.column) for problem in caught.value.problems] == [(2, "cost_usd"), (2, "vendor_id")]
    with pytest.raises(InputError, match=r"shares of .* sum to 0\.9"):
        with_vendors(bill().drop("vendor_id"), {"*": {"A": 0.9}})
    with pytest.raises(InputError, match="has no substitute"):
        drop_each_vendor(bill(), {"radio": Substitute(0.0, 0.0, 0.0)})
