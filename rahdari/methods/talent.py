"""People: a yearly stock and flow from graduates to crews and exports.

Stocks: ``waiting`` (trained, not yet able to do export work or field work), ``training``, ``export_ready``, ``crew``
(field technicians), and where people go: ``abroad``, ``elsewhere`` (other trades), ``retired``.  In each year, in this
order: people leave, graduates arrive (some are ready for export work, some for crews), courses end, new courses start.
People in are people out: the stocks of a year less those of the year before are the graduates, to rounding.

Shapes: graduates and shares are scalars, (..., y), or (..., 1) where they hold in every year, draws leading; people at
the start are (...); stocks (..., y + 1), the first the start.
The structure is that of manpower planning (Bartholomew, Forbes and McClean 1991, Statistical Techniques for Manpower
Planning); every number is an input.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.returns import discount_factors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

Goal = Literal["export_ready", "crew"]
STOCKS = ("waiting", "training", "export_ready", "crew", "abroad", "elsewhere", "retired")
AT_WORK = ("waiting", "export_ready", "crew")  # those who may leave; trainees stay until their course ends
LEAVING = {
    "abroad": "emigration_frac_per_year",
    "elsewhere": "other_trade_frac_per_year",
    "retired": "retired_frac_per_year",
}


@dataclass(frozen=True, slots=True)
class Course:
    """A training programme: an alliance, a vendor academy, a certification.

    From ``first_year`` (an index, 0 the first) for ``n_years`` it takes up to ``people_per_year`` of those who wait,
    keeps them ``long_years`` (whole, 0 ends in the same year), and ``passed_frac`` reach the goal; the others wait
    again.  ``usd_per_head`` is paid for each who starts.
    """

    goal: Goal
    first_year: int
    n_years: int
    people_per_year: float
    long_years: int
    passed_frac: float
    usd_per_head: float


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """The numbers of the pipeline: flows and shares scalar, (..., 1) or (..., y); people at the start (...).

    ``graduates_people_per_year`` arrive; ``ready_frac`` of them can do export work at once, ``field_frac`` join crews,
    the others wait.  Yearly shares who leave: abroad, to other trades, for good; ``retained_frac`` of those who would
    go abroad or elsewhere from export work and crews are kept by what a programme of retention does (0 without one).
    """

    graduates_people_per_year: ArrayLike
    ready_frac: ArrayLike
    field_frac: ArrayLike
    emigration_frac_per_year: ArrayLike
    other_trade_frac_per_year: ArrayLike
    retired_frac_per_year: ArrayLike
    waiting_people: ArrayLike
    export_ready_people: ArrayLike
    crew_people: ArrayLike
    retained_frac: ArrayLike = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Stocks (..., y + 1) by name, graduates (..., y), those who start a course (..., y) and what courses cost."""

    stocks: dict[str, FloatArray]
    graduates: FloatArray
    started: FloatArray
    training_usd: FloatArray

    def imbalance_people(self) -> FloatArray:
        """Return (..., y) people who appear or vanish: nothing but rounding, in every year."""
        total = sum(self.stocks.values(), np.zeros(()))
        return np.asarray(np.diff(total, axis=-1) - self.graduates)

    def crews_count(self, people_per_crew: float) -> FloatArray:
        """Return (..., y + 1) whole crews that the technicians fill."""
        return np.asarray(np.floor(self.stocks["crew"] / people_per_crew + 1e-9))

    def exports_usd_per_year(self, usd_per_head: ArrayLike, growth_frac_per_year: ArrayLike = 0.0) -> FloatArray:
        """Return (..., y) exports: those ready at the start of each year times what a head earns, which grows."""
        n_years = self.graduates.shape[-1]
        grown = (1.0 + np.asarray(growth_frac_per_year, np.float64))[..., None] ** np.arange(n_years)
        return np.asarray(
            self.stocks["export_ready"][..., :-1] * np.asarray(usd_per_head, np.float64)[..., None] * grown
        )


def _problems(pipeline: Pipeline, courses: Sequence[Course], n_years: int) -> list[Problem]:
    faults = []
    for item in fields(pipeline):
        values = np.asarray(getattr(pipeline, item.name), np.float64)
        is_share = "frac" in item.name
        if values.ndim and not item.name.endswith("_people") and values.shape[-1] not in {1, n_years}:
            words = f"{values.shape[-1]} values for {n_years} years"
            faults.append(Problem(words, "give one for each year, or draws as (d, 1)", "pipeline", None, item.name))
        top = 1.0 if is_share else np.inf
        if not ((values >= 0.0) & (values <= top)).all():
            faults.append(Problem("a value is out of range", f"give 0 to {top:g}", "pipeline", None, item.name))
    leave = sum(np.max(np.asarray(getattr(pipeline, name), np.float64)) for name in LEAVING.values())
    if leave > 1.0:
        faults.append(Problem("more leave than there are", "lower the shares that leave", "pipeline"))
    if np.max(np.asarray(pipeline.ready_frac, np.float64) + np.asarray(pipeline.field_frac, np.float64)) > 1.0:
        faults.append(Problem("more graduates are placed than arrive", "lower ready_frac or field_frac", "pipeline"))
    for row, course in enumerate(courses, 1):
        is_right = course.first_year >= 0 and course.n_years >= 0 and course.people_per_year >= 0.0
        if not (
            is_right and course.long_years >= 0 and 0.0 <= course.passed_frac <= 1.0 and course.usd_per_head >= 0.0
        ):
            faults.append(
                Problem("a number of the course is out of range", "give 0 or more, a share to 1", "courses", row)
            )
    if n_years < 1:
        faults.append(Problem("no year is asked for", "give one at least", "n_years"))
    return faults


def _yearly(values: ArrayLike, n_years: int) -> FloatArray:
    """Return (..., y) of a scalar, of (..., 1) that hold in every year, or of (..., y)."""
    each = np.asarray(values, np.float64)
    return np.broadcast_to(each, (*each.shape[:-1], n_years))


def talent(pipeline: Pipeline, n_years: int, courses: Sequence[Course] = ()) -> People:
    """Return the people of each year.

    Courses take people in the order of
    their numbers (goal, first year, size), so that the order in which they are listed does not matter.
    """
    raise_if_any(_problems(pipeline, courses, n_years))
    chosen = sorted(courses, key=lambda c: (c.goal, c.first_year, c.people_per_year, c.long_years, c.n_years))
    rate = {item.name: _yearly(getattr(pipeline, item.name), n_years) for item in fields(pipeline)
            if not item.name.endswith("_people")}  # fmt: skip
    start = {name: np.asarray(getattr(pipeline, f"{name}_people"), np.float64) for name in AT_WORK}
    shape = np.broadcast_shapes(*(item.shape[:-1] for item in rate.values()), *(item.shape for item in start.values()))
    stocks = {name: np.zeros((*shape, n_years + 1)) for name in STOCKS}
    for name in AT_WORK:
        stocks[name][..., 0] = start[name]
    started, cost = np.zeros((*shape, n_years)), np.zeros((*shape, n_years))
    # Of each course, who is due to end it in each year.
    ending = [np.zeros((*shape, n_years)) for _ in chosen]
    for t in range(n_years):
        now = {name: stock[..., t].copy() for name, stock in stocks.items()}
        _leave(now, rate, t)
        arrived = rate["graduates_people_per_year"][..., t]
        ready, field = rate["ready_frac"][..., t], rate["field_frac"][..., t]
        now["export_ready"] += arrived * ready
        now["crew"] += arrived * field
        now["waiting"] += arrived * (1.0 - ready - field)
        for course, due in zip(chosen, ending, strict=True):
            _finish(now, course, due[..., t])
        for course, due in zip(chosen, ending, strict=True):
            if course.first_year <= t < course.first_year + course.n_years:
                taken = np.minimum(course.people_per_year, now["waiting"])
                now["waiting"] -= taken
                now["training"] += taken
                started[..., t] += taken
                cost[..., t] += taken * course.usd_per_head
                if course.long_years == 0:
                    _finish(now, course, taken)
                elif t + course.long_years < n_years:
                    due[..., t + course.long_years] += taken
        for name in STOCKS:
            stocks[name][..., t + 1] = now[name]
    graduates = np.broadcast_to(rate["graduates_people_per_year"], (*shape, n_years))
    return People(stocks, graduates, started, cost)


def _leave(now: dict[str, FloatArray], rate: dict[str, FloatArray], t: int) -> None:
    """Move those who leave in year t out of work."""
    for name in AT_WORK:
        stock = now[name].copy()
        kept = rate["retained_frac"][..., t] if name != "waiting" else np.zeros(())
        for where, key in LEAVING.items():
            share = rate[key][..., t] * (1.0 if where == "retired" else 1.0 - kept)
            now[where] += stock * share
            now[name] = now[name] - stock * share


def _finish(now: dict[str, FloatArray], course: Course, people: FloatArray) -> None:
    """Move people out of a course: those who pass to its goal, the others back to those who wait."""
    now["training"] = now["training"] - people
    now[course.goal] = now[course.goal] + people * course.passed_frac
    now["waiting"] = now["waiting"] + people * (1.0 - course.passed_frac)


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """What courses (and retention) add, (..., y): crews, people ready for exports, exports; what they cost, in value.

    ``usd_per_export_usd`` (...) is the value of the cost for each dollar of exports gained; infinite where none is.
    """

    crews_count: FloatArray
    export_ready_people: FloatArray
    exports_usd: FloatArray
    cost_usd: FloatArray
    cost_value_usd: FloatArray
    usd_per_export_usd: FloatArray


def programme_effect(
    pipeline: Pipeline,
    n_years: int,
    courses: Sequence[Course],
    *,
    people_per_crew: float,
    usd_per_head: ArrayLike,
    discount_frac_per_year: ArrayLike,
    retained_frac: ArrayLike = 0.0,
    retention_usd_per_year: ArrayLike = 0.0,
) -> Effect:
    """Return the difference that courses, and retention of a share at a yearly cost, make to the same pipeline.

    Money is not indexed: give it in one year's prices.
    """
    without = talent(pipeline, n_years)
    kept = np.maximum(np.asarray(pipeline.retained_frac, np.float64), np.asarray(retained_frac, np.float64))
    with_it = talent(replace(pipeline, retained_frac=kept), n_years, courses)
    crews = with_it.crews_count(people_per_crew) - without.crews_count(people_per_crew)
    ready = with_it.stocks["export_ready"] - without.stocks["export_ready"]
    exports = with_it.exports_usd_per_year(usd_per_head) - without.exports_usd_per_year(usd_per_head)
    cost = with_it.training_usd + _yearly(retention_usd_per_year, n_years)
    factor = discount_factors(discount_frac_per_year, n_years)
    spent, gained = (cost * factor).sum(axis=-1), (exports * factor).sum(axis=-1)
    ratio = np.where(gained > 0.0, spent / np.where(gained > 0.0, gained, 1.0), np.inf)
    return Effect(crews[..., 1:], ready[..., 1:], exports, cost, spent, ratio)
