"""How much hangs on one supplier: concentration, the loss of a vendor, a late shipment, a second source.

A bill is a table with a row for each unit (a district, a lot), category and vendor: ``unit_id``, ``category``,
``vendor_id``, ``cost_usd``, ``n_customers``.  ``n_customers`` are those of the unit served through these very items; a
unit whose routers come from two vendors has two rows that share its customers.  ``origin`` and ``chip_class`` may stand
beside and are measured alike.  Vendors are A, B and C until a user gives names and shares: nothing here says who they
are, and nothing ranks them but the bill.

Customers need every category.  Where categories have several vendors, how many customers a vendor reaches depends on
whose items meet at whom: the count given takes categories as unrelated; the least and the most stand beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

COLUMNS = ("unit_id", "category", "vendor_id", "cost_usd", "n_customers")
NEUTRAL_SHARES = {"A": 0.5, "B": 0.3, "C": 0.2}  # assumed: no shares are published
MOST_ROWS = 6  # named of one fault
WHOLE = 1e-6  # shares sum to one within this


def herfindahl(shares: ArrayLike) -> FloatArray:
    """Return (...) the Herfindahl-Hirschman index of shares or amounts (..., v): 1 is a monopoly, 1 / v equal shares.

    >>> herfindahl([0.5, 0.3, 0.2]).round(9).item(), herfindahl([7.0, 0.0]).item()
    (0.38, 1.0)
    """
    amount = np.asarray(shares, np.float64)
    total = amount.sum(axis=-1, keepdims=True)
    share = amount / np.where(total > 0.0, total, 1.0)
    return np.asarray((share**2).sum(axis=-1))


def effective_count(shares: ArrayLike) -> FloatArray:
    """Return (...) how many suppliers of equal size would be as concentrated: 1 / HHI, 0 where nothing is bought.

    >>> effective_count([1.0, 1.0]).item()
    2.0
    """
    index = herfindahl(shares)
    return np.where(index > 0.0, 1.0 / np.where(index > 0.0, index, 1.0), 0.0)


def _bill(bill: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return the checked bill in key order; every fault is raised at once."""
    names = dict.fromkeys((*COLUMNS, by))
    faults = [
        Problem("the column is missing", "add it", "bill", None, name) for name in names if name not in bill.columns
    ]
    raise_if_any(faults)
    for name in ("cost_usd", "n_customers"):
        wrong = ~(bill[name].cast(pl.Float64()).is_finite() & (bill[name] >= 0.0)).fill_null(value=False)
        rows = wrong.arg_true().to_list()[:MOST_ROWS]
        faults += [Problem("no number of zero or more", "correct it", "bill", row + 1, name) for row in rows]
    empty = bill[by].is_null().arg_true().to_list()[:MOST_ROWS]
    faults += [Problem("nobody is named", "name one, or leave shares to the default", "bill", r + 1, by) for r in empty]
    raise_if_any(faults)
    return bill.sort("unit_id", "category", by)


def with_vendors(bill: pl.DataFrame, shares: Mapping[str, Mapping[str, float]] | None = None) -> pl.DataFrame:
    """Return a bill without vendors with its rows split by vendor: cost and customers alike, in the stated shares.

    ``shares`` gives, by category, shares of vendors; ``"*"`` holds for categories not named.  Without them every
    category is split among A, B and C at 50, 30 and 20 %, which is assumed.  Shares of a category must sum to one.
    """
    rule = {"*": NEUTRAL_SHARES} if shares is None else shares
    faults = []
    rows = []
    for category in bill["category"].unique().sort().to_list():
        split = rule.get(category, rule.get("*"))
        if split is None:
            faults.append(Problem(f"category '{category}' has no shares", "give them, or '*' for all others", "shares"))
        elif min(split.values()) < 0.0 or abs(sum(split.values()) - 1.0) > WHOLE:
            words = f"shares of '{category}' sum to {sum(split.values()):g}"
            faults.append(Problem(words, "give shares of zero or more that sum to one", "shares"))
        else:
            rows += [(category, vendor, split[vendor]) for vendor in sorted(split) if split[vendor] > 0.0]
    raise_if_any(faults)
    table = pl.DataFrame(rows, {"category": pl.String(), "vendor_id": pl.String(), "share": pl.Float64()}, orient="row")
    joined = bill.join(table, on="category", how="left")
    split_up = joined.with_columns(pl.col("cost_usd") * pl.col("share"), pl.col("n_customers") * pl.col("share"))
    return split_up.drop("share").sort("unit_id", "category", "vendor_id")


def concentration(bill: pl.DataFrame, by: str = "vendor_id") -> pl.DataFrame:
    """Return how concentrated each category is, and all of them, by money and by customers.

    ``by`` is any column that says whose: vendor, origin, chip class.  Columns ``category`` ("all" for the sum),
    ``n_suppliers``, ``hhi_cost_ratio``, ``hhi_customers_ratio``, ``effective_suppliers_count`` (of customers),
    ``largest`` (by customers; the first by name of equals) and ``largest_customers_frac``.
    """
    rows = _bill(bill, by)
    found = []
    everything = rows.with_columns(category=pl.lit("all"))
    for part in (everything, *rows.partition_by("category", maintain_order=True)):
        sums = part.group_by(by).agg(pl.col("cost_usd", "n_customers").sum()).sort(by)
        customers = sums["n_customers"].to_numpy().astype(np.float64)
        at = int(customers.argmax())
        total = float(customers.sum())
        found.append(
            {
                "category": part["category"][0],
                "n_suppliers": int((sums["cost_usd"] > 0.0).sum()),
                "hhi_cost_ratio": float(herfindahl(sums["cost_usd"].to_numpy())),
                "hhi_customers_ratio": float(herfindahl(customers)),
                "effective_suppliers_count": float(effective_count(customers)),
                "largest": str(sums[by][at]),
                "largest_customers_frac": float(customers[at]) / total if total > 0.0 else 0.0,
            }
        )
    first, *others = found
    return pl.DataFrame([first, *sorted(others, key=lambda row: str(row["category"]))])


@dataclass(frozen=True, slots=True)
class Substitute:
    """What replacing a category's items from another vendor takes.

    ``premium_frac`` above the price of what is lost; ``qualification_months`` before the first order and
    ``lead_months`` to delivery; ``is_possible`` false where no other vendor makes it.
    """

    premium_frac: float
    qualification_months: float
    lead_months: float
    is_possible: bool = True


def _customers_of_units(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the customers of each unit: the most that any category serves."""
    by_category = rows.group_by("unit_id", "category").agg(pl.col("n_customers").sum())
    return by_category.group_by("unit_id").agg(pl.col("n_customers").max().alias("customers")).sort("unit_id")


def _reach(rows: pl.DataFrame, hit: pl.Series) -> tuple[float, float, float]:
    """Return customers who need a hit row: the least, the expected with unrelated categories, and the most."""
    units = _customers_of_units(rows)
    lost = rows.with_columns(hit=hit).group_by("unit_id", "category").agg(
        pl.col("n_customers").filter(pl.col("hit")).sum().alias("lost")
    )  # fmt: skip
    joined = lost.join(units, on="unit_id", how="left").filter(pl.col("customers") > 0.0)
    share = (pl.col("lost") / pl.col("customers")).clip(upper_bound=1.0)
    each = joined.sort("unit_id", "category").group_by("unit_id", maintain_order=True).agg(
        pl.col("customers").first(),
        share.max().alias("least"),
        (1.0 - (1.0 - share).product()).alias("expected"),
        share.sum().clip(upper_bound=1.0).alias("most"),
    )  # fmt: skip
    least, expected, most = (float((each[name] * each["customers"]).sum()) for name in ("least", "expected", "most"))
    return least, expected, most


def drop_each_vendor(bill: pl.DataFrame, substitutes: Mapping[str, Substitute], by: str = "vendor_id") -> pl.DataFrame:
    """Return what the loss of each vendor alone would mean, the worst first.

    ``substitutes`` by category, ``"*"`` for the others.  Columns: ``cost_frac`` of the bill; ``customers_frac`` with
    ``customers_low_frac`` and ``customers_high_frac`` who depend on at least one item of the vendor;
    ``services_frac``, the share of categories in which the vendor serves anybody; ``substitution_usd`` to buy all of it
    elsewhere, and what of it ``exceeds_usd`` the old price; ``months`` until the last category is delivered;
    ``stuck_usd`` of items that nobody else makes.
    """
    rows = _bill(bill, by)
    categories = rows["category"].unique().sort().to_list()
    faults = [
        Problem(f"category '{name}' has no substitute", "give one, or '*' for all others", "substitutes")
        for name in categories
        if name not in substitutes and "*" not in substitutes
    ]
    raise_if_any(faults)
    ways = {name: substitutes.get(name) or substitutes["*"] for name in categories}
    total_usd = max(float(rows["cost_usd"].sum()), 1e-9)
    customers = max(float(_customers_of_units(rows)["customers"].sum()), 1e-9)
    found = []
    for vendor in rows[by].unique().sort().to_list():
        own = rows.filter(pl.col(by) == vendor).group_by("category").agg(pl.col("cost_usd").sum()).sort("category")
        bought = [(ways[name], usd) for name, usd in own.iter_rows() if usd > 0.0]
        low, expected, high = _reach(rows, rows[by] == vendor)
        again = sum(usd * (1.0 + way.premium_frac) for way, usd in bought if way.is_possible)
        old = sum(usd for way, usd in bought if way.is_possible)
        waits = [way.qualification_months + way.lead_months for way, _ in bought if way.is_possible]
        found.append(
            {
                by: vendor,
                "cost_frac": float(own["cost_usd"].sum()) / total_usd,
                "customers_frac": expected / customers,
                "customers_low_frac": low / customers,
                "customers_high_frac": high / customers,
                "services_frac": len(bought) / len(categories),
                "substitution_usd": again,
                "exceeds_usd": again - old,
                "months": max(waits, default=0.0),
                "stuck_usd": sum(usd for way, usd in bought if not way.is_possible),
            }
        )
    schema = {by: pl.String(), **dict.fromkeys(list(found[0])[1:], pl.Float64())} if found else None
    return pl.DataFrame(found, schema).sort("customers_frac", by, descending=[True, False])


def delayed_shipment(
    bill: pl.DataFrame,
    vendor: str,
    delay_months: float,
    *,
    stock_months: float = 0.0,
    usd_per_customer_month: float = 0.0,
) -> pl.DataFrame:
    """Return what a late shipment of one vendor does to each unit: months late, customers and money that wait.

    The bill may have ``slack_months``, how long each row's items lie before they are needed (0 without it).  A unit
    opens when its last category is there: it is late by the largest of delay - stock - slack over its rows of the
    vendor, and only the customers served through those rows wait.  Columns ``unit_id``, ``late_months``,
    ``n_customers``, ``customer_months_count``, ``lost_usd``, only units that are late.
    """
    if delay_months < 0.0 or stock_months < 0.0:
        raise_if_any([Problem("a delay or a stock is below zero", "give months of 0 or more", "delay_months")])
    rows = _bill(bill, "vendor_id").filter((pl.col("vendor_id") == vendor) & (pl.col("cost_usd") > 0.0))
    slack = pl.col("slack_months") if "slack_months" in rows.columns else pl.lit(0.0)
    late = (delay_months - stock_months - slack).clip(lower_bound=0.0)
    table = rows.with_columns(late=late).group_by("unit_id", maintain_order=True).agg(
        late_months=pl.col("late").max(),
        n_customers=pl.col("n_customers").filter(pl.col("late") > 0.0).max(),
    ).filter(pl.col("late_months") > 0.0)  # fmt: skip
    return table.with_columns(customer_months_count=pl.col("late_months") * pl.col("n_customers")).with_columns(
        lost_usd=pl.col("customer_months_count") * usd_per_customer_month
    )


@dataclass(frozen=True, slots=True)
class SecondSource:
    """What a second source costs and buys.

    ``cost_usd`` more than today's bill; effective suppliers and the customers whom the loss of the largest vendor hits,
    before and after; ``usd_per_customer`` spared.
    """

    cost_usd: float
    effective_before_count: float
    effective_after_count: float
    hit_before_frac: float
    hit_after_frac: float
    usd_per_customer: float


def second_source(
    bill: pl.DataFrame, category: str, *, moved_frac: float, premium_frac: float, once_usd: float, to: str = "second"
) -> SecondSource:
    """Return the cost and the benefit of moving a share of the largest vendor's items of a category to another vendor.

    The share moves customer by customer, so that those moved depend on the new vendor alone.  Local production is a
    second source with its own premium and once-for-all cost.  The hit is that of the category's largest vendor over
    all categories; after the move, the larger of the two vendors' hits counts.
    """
    rows = _bill(bill, "vendor_id")
    faults = []
    if category not in set(rows["category"]):
        faults.append(Problem(f"the bill has no category '{category}'", "name one that it has", "category"))
    if not 0.0 <= moved_frac <= 1.0:
        faults.append(Problem(f"a share of {moved_frac:g} cannot move", "give 0 to 1", "moved_frac"))
    raise_if_any(faults)
    here = rows.filter(pl.col("category") == category).group_by("vendor_id").agg(pl.col("n_customers").sum())
    first = str(here.sort("n_customers", "vendor_id", descending=[True, False])["vendor_id"][0])
    is_moved = (pl.col("category") == category) & (pl.col("vendor_id") == first)
    scale = pl.when(is_moved)
    kept = rows.with_columns(
        pl.col(name) * scale.then(1.0 - moved_frac).otherwise(1.0) for name in ("cost_usd", "n_customers")
    )
    moved = rows.filter(is_moved).with_columns(
        pl.col("cost_usd") * moved_frac * (1.0 + premium_frac),
        pl.col("n_customers") * moved_frac,
        vendor_id=pl.lit(to),
    )
    after = pl.concat([kept, moved]).sort("unit_id", "category", "vendor_id")
    customers = max(float(_customers_of_units(rows)["customers"].sum()), 1e-9)
    before_hit = _reach(rows, rows["vendor_id"] == first)[1]
    after_hit = max(_reach(after, after["vendor_id"] == name)[1] for name in (first, to))
    old, new = (concentration(table).filter(pl.col("category") == category) for table in (rows, after))
    cost = float(after["cost_usd"].sum()) - float(rows["cost_usd"].sum()) + once_usd
    spared = before_hit - after_hit
    return SecondSource(
        cost,
        float(old["effective_suppliers_count"][0]),
        float(new["effective_suppliers_count"][0]),
        before_hit / customers,
        after_hit / customers,
        cost / spared if spared > 0.0 else np.inf,
    )


def chip_bill(bill: pl.DataFrame, chips: pl.DataFrame) -> pl.DataFrame:
    """Return the bill down to chip class: rows of ``chips`` (category, chip_class, cost_frac) times the cost.

    What no chip class takes is not semiconductor and drops out; a category without chips as well.  Shares of a category
    must not exceed one.
    """
    over = chips.group_by("category").agg(pl.col("cost_frac").sum()).filter(pl.col("cost_frac") > 1.0 + WHOLE)
    raise_if_any(
        [
            Problem(f"chips take more than all of '{name}'", "lower their shares", "chips")
            for name in over["category"].sort().to_list()
        ]
    )
    joined = bill.join(chips.select("category", "chip_class", "cost_frac"), on="category", how="inner")
    keys = [name for name in ("unit_id", "category", "vendor_id", "chip_class") if name in joined.columns]
    return joined.with_columns(pl.col("cost_usd") * pl.col("cost_frac")).drop("cost_frac").sort(keys)
