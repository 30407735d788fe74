"""What an hour without service costs operators: revenue of a line, pro rata by the hour, spread over people.

A simple formula: people without service, times lines of a person, times revenue of a line and hour.  Low and high ends
multiply it: prepaid spending is partly made up later, and outages of busy hours cost more.  Damage, refunds and what
customers lose themselves are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.methods.observations import as_count, latest
from rahdari.methods.results import result_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from rahdari.engines.stress.events import Played
    from rahdari.engines.stress.params import StressParams
    from rahdari.methods.routing import FloatArray
    from rahdari.model import Tables

TABLES = Path(__file__).parent / "tables"
REVENUE_NOTE = (
    "Revenue lost is a simple formula: people without service times revenue of their lines, pro rata by the hour."
)
MOBILE, FIXED = "mobile", "fixed"
HOURS_PER_MONTH = 730.5  # 8,766 hours over twelve months


@dataclass(frozen=True, slots=True)
class HourlyRevenue:
    """Revenue of an hour of one person, US dollars: central, and what its ends multiply it by."""

    usd_per_people_h: float
    low_ratio: float
    high_ratio: float

    def lost(self, low: float, middle: float, high: float) -> tuple[float, float, float]:
        """Return (low, central, high) revenue of people-hours without service, US dollars.

        >>> HourlyRevenue(0.001, 0.5, 2.0).lost(900.0, 1000.0, 1100.0)
        (0.45, 1.0, 2.2)
        """
        price = self.usd_per_people_h
        return low * price * self.low_ratio, middle * price, high * price * self.high_ratio


def basis_rows(tables: Tables, params: StressParams) -> list[dict[str, Any]]:
    """Return the rows of ``revenue_basis``: facts where they are published, parameters elsewhere."""
    n_people = int(tables["places"]["n_people"].to_numpy().sum())
    rate = tables["country"].sort("country_id")["exchange_rate_per_usd"]
    per_usd = float(rate[0]) if rate.len() else 1.0
    price, mobile = latest(tables, "arpu_mobile"), latest(tables, "mobile_subscribers")
    fixed = latest(tables, "ftth_subscribers")
    price_rate = 1.0 if price is not None and price.unit.lower() == "usd" else per_usd
    found = []
    for name, what, published, lines, else_usd, else_lines in (
        (MOBILE, "mobile lines", price, mobile, params.mobile_usd_per_month,
         params.mobile_lines_per_person_ratio * n_people),
        (FIXED, "fibre lines to homes, where published", None, fixed, params.fixed_usd_per_month, 0.0),
    ):  # fmt: skip
        # A fact in millions would not be the number of its row.
        counted = lines if lines is not None and as_count(lines) == lines.value else None
        line_usd = published.value / price_rate if published else else_usd
        n_lines = counted.value if counted else else_lines
        found.append({
            "revenue_id": name, "what": what, "price_fact_id": published.fact_id if published else None,
            "lines_fact_id": counted.fact_id if counted else None, "has_price": published is not None,
            "has_lines": counted is not None, "exchange_rate_per_usd": price_rate, "line_usd_per_month": line_usd,
            "n_people": n_people, "n_lines": n_lines,
            "mean_usd_per_people_h": line_usd * n_lines / max(n_people, 1) / HOURS_PER_MONTH,
        })  # fmt: skip
    return found


def hourly_revenue(tables: Tables, params: StressParams) -> HourlyRevenue:
    """Return the revenue of an hour of one person in a plan."""
    total = sum(row["mean_usd_per_people_h"] for row in basis_rows(tables, params))
    return HourlyRevenue(float(total), params.revenue_low_ratio, params.revenue_high_ratio)


def basis_table(tables: Tables, params: StressParams) -> pl.DataFrame:
    """Return ``revenue_basis``."""
    return result_frame(basis_rows(tables, params), TABLES / "revenue_basis.csv")


def people_hours(played: Played) -> tuple[float, float, float]:
    """Return (low, central, high) people-hours without internet over a played event, by the trapezium rule."""
    low, middle, high = (float(np.trapezoid(line, played.hour_h)) for line in played.people_without)
    return low, middle, high


def loss_row(event: Mapping[str, Any], played: Played, revenue: HourlyRevenue) -> dict[str, object]:
    """Return the row of ``event_losses`` of a named event."""
    hours = people_hours(played)
    lost = revenue.lost(*hours)
    return {
        "named_event_id": played.name, "n_hours": int(event["n_hours"]), "without_people_h": hours[1],
        "without_low_people_h": hours[0], "without_high_people_h": hours[2], "revenue_lost_usd": lost[1],
        "revenue_lost_low_usd": lost[0], "revenue_lost_high_usd": lost[2],
    }  # fmt: skip


def yearly_columns(
    people: FloatArray, is_served: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], outage_h: tuple[FloatArray, ...],
    revenue: HourlyRevenue,
) -> dict[str, FloatArray]:  # fmt: skip
    """Return the columns of revenue lost a year by place, from (low, central, high) hours without service a year."""
    weight = people * is_served
    ratio = (revenue.low_ratio, 1.0, revenue.high_ratio)
    low, middle, high = (
        weight * hours * revenue.usd_per_people_h * own for hours, own in zip(outage_h, ratio, strict=True)
    )
    return {
        "revenue_lost_usd_per_year": middle, "revenue_lost_low_usd_per_year": low,
        "revenue_lost_high_usd_per_year": high,
    }  # fmt: skip
