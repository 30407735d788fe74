"""A calendar made: when each package starts, its value, its bound, what binds; and two calendars side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.schedule_case import compile_case, periods
from rahdari.methods.schedule_envelope import binding
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.schedule_case import Case
    from rahdari.methods.schedule_envelope import ShadowPrices
    from rahdari.methods.schedule_model import Budget, Calendar, Crews, Packages

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

UNDONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """A calendar: ``start_period`` (n,) of each package in the order of ``packages``, -1 for what is undone.

    ``value`` is what the objective counts, less is better: people (or the indicator) times months until their package
    ends, undone ones to the calendar's end; for ``makespan`` months to the last end, and for each undone package a
    period beyond the calendar.  No calendar has less than ``lower_bound``.  ``committed`` (n,) marks what an earlier
    calendar had started; ``paid`` (n,) is what those cost.
    """

    packages: Packages
    crews: Crews
    budget: Budget
    calendar: Calendar
    objective: str
    start_period: IntArray
    value: float
    lower_bound: float
    shadow_prices: ShadowPrices | None
    committed: NDArray[np.bool_]
    paid: FloatArray
    not_before: int = 0

    @property
    def gap_frac(self) -> float:
        """Return how far the calendar may lie above the best, as a share of its value."""
        return (self.value - self.lower_bound) / max(abs(self.value), 1e-9)

    @property
    def is_done(self) -> NDArray[np.bool_]:
        """Return (n,) whether a package ends within the calendar."""
        return self.start_period >= 0

    @property
    def start_month(self) -> FloatArray:
        """Return (n,) months from the calendar's first day to each start; NaN where undone."""
        return np.where(self.is_done, self.start_period / self.calendar.periods_per_month, np.nan)

    @property
    def end_month(self) -> FloatArray:
        """Return (n,) months from the calendar's first day to each end; NaN where undone."""
        end = self.start_period + periods(self.packages.duration_months, self.calendar)
        return np.where(self.is_done, end / self.calendar.periods_per_month, np.nan)

    @property
    def certificate(self) -> Certificate:
        """Return the proof."""
        unit = "months" if self.objective == "makespan" else f"{self.objective}_months"
        how = "longest chain, work by pool, money" if self.objective == "makespan" else "Lagrangian bound at LP prices"
        return Certificate("rollout_calendar", self.value, self.lower_bound, unit, how)

    def costs(self) -> FloatArray:
        """Return (n,) what each package costs in the currency of account, by its year; 0 where undone or unlimited."""
        if not self.budget.is_limited:
            return np.where(self.is_done, self.packages.cost_usd, 0.0)
        month = np.maximum(self.start_period, 0) // self.calendar.periods_per_month
        year = self.calendar.budget_year(self.budget)[month]
        cost = self.budget.costs(self.packages)[np.arange(self.packages.n), np.maximum(year, 0)]
        return np.where(self.committed, self.paid, np.where(self.is_done & (year >= 0), cost, 0.0))

    def table(self) -> pl.DataFrame:
        """Return a row for each package in order of start, what is undone last: months, dates, cost, people."""
        end, p = self.end_month, self.packages
        firsts = [self.calendar.date_of(int(s)) if np.isfinite(s) else None for s in self.start_month]
        lasts = [self.calendar.date_of(int(np.ceil(e))) if np.isfinite(e) else None for e in end]
        late = np.where((p.due_month >= 0) & self.is_done, np.maximum(np.nan_to_num(end) - p.due_month, 0.0), 0.0)
        columns = {
            "package_id": p.package_id, "district": p.district, "kind": p.kind, "start_month": self.start_month,
            "end_month": end, "starts_on": firsts, "ends_on": lasts, "cost_value": self.costs(), "n_people": p.people,
            "late_months": late, "is_committed": self.committed, "is_done": self.is_done,
        }  # fmt: skip
        frame = pl.DataFrame(columns).with_columns(pl.col("start_month", "end_month").fill_nan(None))
        return frame.sort("start_month", "package_id", nulls_last=True)

    def case(self) -> Case:
        """Return the arrays behind the calendar, committed packages taken out."""
        committed = np.where(self.committed, self.start_period, UNDONE)
        return compile_case(
            self.packages, self.crews, self.budget, self.calendar, self.objective, committed=committed, paid=self.paid,
            not_before=self.not_before,
        )  # fmt: skip

    def binding(self) -> pl.DataFrame:
        """Return what holds packages back, by district, month and cause (see :func:`binding` of the envelope)."""
        if self.shadow_prices is None:
            schema = {"district": pl.String, "month": pl.Int64, "cause": pl.String, "name": pl.String}
            return pl.DataFrame(schema={**schema, "waiting_value": pl.Float64})
        return binding(
            self.case(),
            self.shadow_prices.prices,
            self.packages,
            self.crews,
            calendar=self.calendar,
            start=self.start_period,
        )

    def served(self) -> FloatArray:
        """Return (months,) people served at the end of each month."""
        last = np.ceil(self.end_month[self.is_done]).astype(np.int64) - 1
        done = np.bincount(np.maximum(last, 0), self.packages.people[self.is_done], self.calendar.n_months)
        return np.asarray(np.cumsum(done), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two calendars of the same packages: ``table`` of those that moved, and the totals."""

    table: pl.DataFrame
    n_moved: int
    n_given_up: int
    n_won: int
    people_months_lost: float


def compare_schedules(before: Schedule, after: Schedule) -> Comparison:
    """Return which packages moved from one calendar to another and the people-months that it costs.

    What a calendar leaves undone waits to its end.  Only packages of both are compared.
    """
    wait = [
        np.where(each.is_done, np.nan_to_num(each.end_month), float(each.calendar.n_months)) for each in (before, after)
    ]
    number = {name: i for i, name in enumerate(after.packages.package_id)}
    pairs = [(i, number[name]) for i, name in enumerate(before.packages.package_id) if name in number]
    a, b = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    lost = before.packages.people[a] * (wait[1][b] - wait[0][a])
    start_before, start_after = before.start_month[a], after.start_month[b]
    same = (start_before == start_after) | (np.isnan(start_before) & np.isnan(start_after))
    moved = np.flatnonzero(~same)
    frame = pl.DataFrame(
        {
            "package_id": [before.packages.package_id[i] for i in a[moved].tolist()],
            "district": [before.packages.district[i] for i in a[moved].tolist()],
            "kind": [before.packages.kind[i] for i in a[moved].tolist()],
            "start_month_before": start_before[moved],
            "start_month_after": start_after[moved],
            "people_months_lost": lost[moved],
        }
    ).with_columns(pl.col("start_month_before", "start_month_after").fill_nan(None))
    frame = frame.sort("people_months_lost", "package_id", descending=[True, False])
    done_before, done_after = before.is_done[a], after.is_done[b]
    given_up, won = int((done_before & ~done_after).sum()), int((~done_before & done_after).sum())
    return Comparison(frame, int(moved.size), given_up, won, float(lost.sum()))
