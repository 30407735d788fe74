"""The calendar as tables: by package, month, year and district; what binds and what more would buy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.rollout.norms import MONTHS_PER_YEAR, POOLS, TABLES
from rahdari.engines.rollout.sums import summed
from rahdari.engines.rollout.work import MONTHS
from rahdari.methods.results import result_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.engines.rollout.problem import Problem
    from rahdari.methods.schedule_result import Schedule

USD_PER_MILLION = 1e6
MONEY = "money"
TOGETHER = ("n_people", "n_households_passed", "n_sites_fibred")
SPENT = ("capex_usd", "power_capex_usd")
CREWS = tuple(f"{pool}_crews_count" for pool in POOLS)
TINY_CREW_MONTHS = 1e-9


def _frame(columns: Mapping[str, object] | None, name: str) -> pl.DataFrame:
    return result_frame(columns, TABLES / f"{name}.csv")


def _named(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the frame with the columns and types of a table."""
    empty = _frame(None, name)
    return frame.select(empty.columns).cast(empty.schema)


def timed(problem: Problem, made: Schedule) -> pl.DataFrame:
    """Return the packages with ``start`` and ``end`` month; what finds no place takes the calendar's last month."""
    last = float(made.calendar.n_months)
    start = np.where(made.is_done, np.nan_to_num(made.start_month), last - 1.0)
    end = np.where(made.is_done, np.nan_to_num(made.end_month), last)
    return problem.table.with_columns(
        start=pl.Series(start), end=pl.Series(end), is_done=pl.Series(made.is_done),
        begun=pl.Series(np.floor(start).astype(np.int64)), ended=pl.Series(np.ceil(end).astype(np.int64) - 1),
    )  # fmt: skip


def _day(made: Schedule, months: pl.Series) -> list[str]:
    return [made.calendar.date_of(int(np.ceil(month))).isoformat() for month in months.to_list()]


def package_rows(problem: Problem) -> pl.DataFrame:
    """Return the ``work_packages`` rows."""
    return _named(problem.table, "work_packages")


def calendar_table(rows: pl.DataFrame, made: Schedule) -> pl.DataFrame:
    """Return the ``calendar`` rows."""
    done = rows.filter("is_done")
    return _named(
        done.with_columns(
            start_months="start", end_months="end",
            late_months=(pl.col("end") - pl.col("due_months")).clip(lower_bound=0.0),
            starts_on=pl.Series(_day(made, done["start"].floor()), dtype=pl.String),
            ends_on=pl.Series(_day(made, done["end"]), dtype=pl.String),
        ),
        "calendar",
    )  # fmt: skip


def _year_of(made: Schedule) -> pl.Expr:
    first = made.calendar.starts_on
    return (first.year + (pl.col("step") + first.month - 1) // MONTHS_PER_YEAR).cast(pl.Int64)


def _held(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each package and month at work, with the crews that it holds."""
    length = rows["duration_months"].to_numpy().astype(np.int64)
    index = np.repeat(np.arange(rows.height), length)
    nth = np.arange(index.size) - np.repeat(np.cumsum(length) - length, length)
    crews = (pl.col(name) / pl.col("duration_months") for name in MONTHS)
    held = rows.select("district_id", "begun", *(crew.alias(to) for crew, to in zip(crews, CREWS, strict=True)))
    return held[index].with_columns(step=pl.col("begun") + pl.Series(nth))


def month_table(rows: pl.DataFrame, made: Schedule) -> pl.DataFrame:
    """Return the ``schedule_months`` rows: districts and months in which something is begun, worked or ended."""
    key = ["district_id", "step"]
    one = rows.with_columns(n_packages_started=pl.lit(1), n_packages_done=pl.lit(1))
    begun = summed(one.with_columns(step="begun"), key, ("n_packages_started", *SPENT))
    ended = summed(one.with_columns(step="ended"), key, ("n_packages_done", *TOGETHER))
    held = summed(_held(rows), key, CREWS)
    joined = held.join(begun, on=key, how="left").join(ended, on=key, how="left").fill_null(0)
    full = joined.with_columns(_year_of(made).alias("year"), cost_usd=pl.sum_horizontal(SPENT)).sort(key)
    return _named(full, "schedule_months")


def year_table(rows: pl.DataFrame, made: Schedule) -> pl.DataFrame:
    """Return the ``schedule`` rows: money in the year of the start, what is built in the year of the end."""
    key = ["district_id", "year"]
    built = ("fibre_km", "lateral_km", "n_households_passed", "n_sites_fibred")
    begun = rows.with_columns(step="begun").with_columns(_year_of(made).alias("year"))
    ended = rows.with_columns(step="ended").with_columns(_year_of(made).alias("year"))
    held = _held(rows).with_columns(_year_of(made).alias("year"))
    parts = [
        summed(held, key, CREWS[:1]).rename({CREWS[0]: "civil_months"}),
        summed(begun, key, SPENT),
        summed(ended, key, built),
    ]
    whole = summed(rows, ["district_id"], ("fibre_km", "lateral_km", "capex_usd")).rename(
        {"fibre_km": "programme_km", "lateral_km": "programme_lateral_km", "capex_usd": "programme_capex_usd"}
    )
    joined = parts[0].join(parts[1], on=key, how="left").join(parts[2], on=key, how="left").fill_null(0)
    first, last = made.calendar.starts_on, int(rows["end"].ceil().max() or 0.0)  # type: ignore[arg-type]  # a float
    months = first.year * MONTHS_PER_YEAR + first.month - 1 + np.arange(last)
    years, counts = np.unique(months // MONTHS_PER_YEAR, return_counts=True)
    work = pl.DataFrame({"year": years.astype(np.int64), "work_frac": counts / MONTHS_PER_YEAR})
    full = joined.join(whole, on="district_id", how="left").join(work, on="year", how="left").with_columns(
        share_frac=pl.col("capex_usd") / pl.col("programme_capex_usd").clip(lower_bound=1e-9),
        laid_km=pl.col("fibre_km") + pl.col("lateral_km"),
        crews_count=pl.col("civil_months") / (MONTHS_PER_YEAR * pl.col("work_frac")),
    )  # fmt: skip
    return _named(full.sort(key), "schedule")


def binding_table(made: Schedule) -> pl.DataFrame:
    """Return the ``binding`` rows."""
    found = made.binding().rename({"district": "district_id", "month": "step"})
    pool = pl.when(pl.col("name") == "").then("cause").otherwise("name").alias("pool")
    full = found.with_columns(pool, waiting_people_years=pl.col("waiting_value") / MONTHS_PER_YEAR)
    return _named(full.sort("district_id", "step", "cause", "pool"), "binding")


def price_table(made: Schedule) -> pl.DataFrame:
    """Return the ``rollout_prices`` rows; money by a million dollars."""
    if made.shadow_prices is None:
        return _frame(None, "rollout_prices")
    rates = made.budget.local_per_usd
    rate = 1.0 if rates is None or not rates.size else float(rates[0])
    found = made.shadow_prices.table().filter(pl.col("kind").is_in(["crew", "hire", "money"]))
    scale = pl.when(pl.col("kind") == "money").then(rate * USD_PER_MILLION).otherwise(1.0)
    full = found.with_columns(
        pool=pl.when(pl.col("kind") == "money").then(pl.lit(MONEY)).otherwise("name"),
        price_value=pl.col("price_value") * scale,
    ).filter(pl.col("price_value") > 0.0)
    full = full.with_columns(price_people_years=pl.col("price_value") / MONTHS_PER_YEAR)
    return _named(full.sort("kind", "pool", "step"), "rollout_prices")


def district_table(rows: pl.DataFrame, binding: pl.DataFrame, made: Schedule) -> pl.DataFrame:
    """Return the ``rollout_districts`` rows."""
    late = pl.col("end") > pl.col("due_months")
    counted = rows.with_columns(n_packages=pl.lit(1), by_due=pl.col("n_people") * (~late).cast(pl.Float64))
    ends = rows.group_by("district_id").agg(
        start_months=pl.col("start").min(), end_months=pl.col("end").max(), due_months=pl.col("due_months").first()
    )
    total = summed(counted, ["district_id"], ("n_packages", "n_people", "cost_usd", "by_due"))
    found = total.join(ends, on="district_id", how="left", maintain_order="left")
    causes = summed(binding, ("district_id", "pool"), ["waiting_value"]).sort(
        "district_id", "waiting_value", "pool", descending=[False, True, False]
    )
    waiting = summed(binding, ["district_id"], ["waiting_value"])
    first = causes.group_by("district_id", maintain_order=True).agg(binds=pl.col("pool").first())
    first = first.join(waiting, on="district_id", how="left", maintain_order="left")
    full = found.join(first, on="district_id", how="left", maintain_order="left").with_columns(
        pl.col("binds").fill_null("nothing"), pl.col("waiting_value").fill_null(0.0),
        late_months=(pl.col("end_months") - pl.col("due_months")).clip(lower_bound=0.0),
        by_due_frac=pl.when(pl.col("n_people") > 0.0).then(pl.col("by_due") / pl.col("n_people")).otherwise(1.0),
        ends_on=pl.Series(_day(made, found["end_months"]), dtype=pl.String),
    )  # fmt: skip
    return _named(full, "rollout_districts")


def peak_crews(months: pl.DataFrame) -> dict[str, float]:
    """Return the crews of each pool at work in the country's busiest month of that pool."""
    by_month = summed(months, ["step"], CREWS)
    return {pool: max(by_month[name].to_list(), default=0.0) for pool, name in zip(POOLS, CREWS, strict=True)}
