"""Read dated observations and targets out of the tables ``facts`` and ``targets``; absent ones are simply absent."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

DAYS_PER_YEAR = 365.25
MONTHS_PER_YEAR = 12
QUARTERS_PER_YEAR = 4
MID_YEAR = 0.5  # a bare year and a fiscal year that ends in June both speak of the middle of the calendar year
DATED = re.compile(r"^(?:FY)?(\d{4})(?:-(?:Q([1-4])|(\d{2})(?:-(\d{2}))?))?")


@dataclass(frozen=True, slots=True)
class Observation:
    """One published value and the decimal year it speaks of; ends where a range or second source is known."""

    at_year: float
    value: float
    unit: str
    value_low: float | None = None
    value_high: float | None = None
    fact_id: str | None = None


def decimal_year(period: str) -> float | None:
    """Return the decimal year of a period as printed, or ``None`` where no year can be read.

    A month counts to its end, a quarter to its end, a bare or fiscal year to its middle.

    >>> decimal_year("2025-06"), decimal_year("FY2025"), decimal_year("2023-Q1"), decimal_year("2025-04-01")
    (2025.5, 2025.5, 2023.25, 2025.2464065708418)
    >>> decimal_year("undated") is None
    True
    """
    found = DATED.match(period.strip())
    if found is None:
        return None
    year, quarter, month, day = found.groups()
    if quarter:
        return int(year) + int(quarter) / QUARTERS_PER_YEAR
    if day:
        at = date(int(year), int(month), int(day))
        return int(year) + (at - date(int(year), 1, 1)).days / DAYS_PER_YEAR
    return int(year) + (int(month) / MONTHS_PER_YEAR if month else MID_YEAR)


def observations(tables: Mapping[str, pl.DataFrame], series: str) -> list[Observation]:
    """Return the dated values of one series of ``facts``, oldest first; ties keep the order of their keys.

    A fact belongs to a series where its id is the series' name, a year (``fy2025`` or ``2025``) and whatever
    follows: ``data_total_fy2025_pb`` belongs to ``data_total``.
    """
    if "facts" not in tables:
        return []
    pattern = rf"^{re.escape(series)}_(?:fy)?\d{{4}}"
    rows = tables["facts"].filter(pl.col("fact_id").str.contains(pattern)).sort("fact_id").iter_rows(named=True)
    found = [(decimal_year(row["period"]), row) for row in rows]
    dated = [
        Observation(at, float(row["value"]), str(row["unit"]), row["value_low"], row["value_high"], row["fact_id"])
        for at, row in found
        if at is not None
    ]
    return sorted(dated, key=lambda item: item.at_year)


def latest(tables: Mapping[str, pl.DataFrame], series: str) -> Observation | None:
    """Return the newest dated value of a series of ``facts``, or ``None``."""
    found = observations(tables, series)
    return found[-1] if found else None


def pace_per_year(series: list[Observation]) -> float | None:
    """Return the change a year between the last two observations, or ``None`` where there are fewer.

    >>> pace_per_year([Observation(2024.5, 55777, "sites"), Observation(2025.5, 58423, "sites")])
    2646.0
    """
    if len(series) < 2 or math.isclose(series[-1].at_year, series[-2].at_year):  # noqa: PLR2004  # a pace needs two
        return None
    return (series[-1].value - series[-2].value) / (series[-1].at_year - series[-2].at_year)


def as_share(observation: Observation) -> float:
    """Return a value given in per cent or as a share of one as a share of one.

    >>> as_share(Observation(2025.5, 17.9, "pct")), as_share(Observation(2025.5, 0.179, "frac"))
    (0.179, 0.179)
    """
    is_share = observation.unit.lower() in {"frac", "share", "ratio"}
    return observation.value if is_share else observation.value / 100.0


def as_count(observation: Observation) -> float:
    """Return a value whose unit may say thousand or million as a plain number.

    >>> as_count(Observation(2024.2, 1.1, "million"))
    1100000.0
    """
    unit = observation.unit.lower()
    scale = 1e6 if "million" in unit else 1e3 if "thousand" in unit else 1.0
    return observation.value * scale


@dataclass(frozen=True, slots=True)
class Target:
    """A value to reach between two dates, both as decimal years."""

    target_id: str
    metric: str
    value: float
    starts_at_year: float
    due_at_year: float


def target(tables: Mapping[str, pl.DataFrame], metric: str) -> Target | None:
    """Return the target of ``metric`` with the earliest due date, first by key; ``None`` where there is none."""
    if "targets" not in tables:
        return None
    rows = tables["targets"].filter(pl.col("metric") == metric).sort("due_on", "target_id").to_dicts()
    if not rows:
        return None
    row = rows[0]
    starts, due = decimal_year(row["starts_on"]), decimal_year(row["due_on"])
    if starts is None or due is None:
        return None
    return Target(row["target_id"], metric, float(row["value"]), starts, due)
