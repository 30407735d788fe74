"""A calendar after a shock: what has started stands, the rest is placed anew under what the shock leaves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.schedule_checks import schedule_problems
from rahdari.methods.schedule_search import Effort, search

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rahdari.methods.schedule_model import Budget, Calendar, Packages
    from rahdari.methods.schedule_result import Schedule

    FloatArray = NDArray[np.float64]

REPLAN_STEPS = 150  # of the bound: a re-plan is read at once


@dataclass(frozen=True, slots=True)
class Shock:
    """What changes at the start of ``month``; every part may be left out, and parts may come together.

    ``budget_frac`` multiplies the money of years that begin after the month and what is left of its own year's share of
    ``exchange_rate_frac`` multiplies local currency per dollar from the month's year on; ``diesel_rise_per_l`` is added
    to the cost of each litre, in the currency of account; ``embargo`` of a vendor lasts to a month: its packages start
    no sooner; ``delays`` of a material shift all that has not arrived by so many months; ``closed`` districts are shut
    from month to month.  ``notice_months``: what starts so soon after the shock is committed too.
    """

    month: int
    budget_frac: float = 1.0
    crews_lost: Mapping[str, float] = field(default_factory=dict)
    exchange_rate_frac: float = 1.0
    diesel_rise_per_l: float = 0.0
    embargo: Mapping[str, int] = field(default_factory=dict)
    delays: Mapping[str, int] = field(default_factory=dict)
    closed: tuple[tuple[str, int, int], ...] = ()
    notice_months: int = 0


def _problems(schedule: Schedule, shock: Shock) -> list[Problem]:
    faults: list[Problem] = []
    if not 0 <= shock.month < schedule.calendar.n_months:
        cure = f"give a month from 0 to {schedule.calendar.n_months - 1}"
        faults.append(Problem(f"the shock comes in month {shock.month}, outside the calendar", cure, "shock"))
    known = {
        "a pool of crews": (shock.crews_lost, schedule.crews.pool_id),
        "a vendor": (shock.embargo, set(schedule.packages.vendor)),
        "a material": (shock.delays, schedule.calendar.arrivals),
    }
    for what, (named, names) in known.items():
        unknown = sorted(set(named) - set(names))
        if unknown:
            faults.append(Problem(f"{what} that does not exist: {', '.join(unknown)}", "correct the name", "shock"))
    if not shock.budget_frac >= 0.0 or not shock.exchange_rate_frac > 0.0:
        what = "the share of the budget is below zero or that of the exchange rate not above it"
        faults.append(Problem(what, "correct it", "shock"))
    if shock.exchange_rate_frac != 1.0 and schedule.budget.local_per_usd is None:
        what = "the exchange rate changes and the budget has none"
        faults.append(Problem(what, "give local_per_usd for each year", "budget"))
    return faults


def _budget_after(schedule: Schedule, shock: Shock) -> Budget:
    """Return the budget: later years by the share, the year of the shock by the share of its months to come."""
    budget, calendar = schedule.budget, schedule.calendar
    if not budget.is_limited:
        return budget
    year = calendar.budget_year(budget)
    first = int(year[shock.month])
    share, rate = np.ones(budget.amount_usd.size), np.ones(budget.amount_usd.size)
    for y in range(share.size):
        months = np.flatnonzero(year == y)
        to_come = float((months >= shock.month).mean()) if months.size else float(y > first >= 0)
        share[y] = 1.0 - to_come * (1.0 - shock.budget_frac)
        rate[y] = shock.exchange_rate_frac if to_come > 0.0 else 1.0
    rates = None if budget.local_per_usd is None else budget.local_per_usd[: rate.size] * rate
    return replace(
        budget, amount_usd=budget.amount_usd * share, local_amount=budget.local_amount * share, local_per_usd=rates
    )


def _packages_after(packages: Packages, shock: Shock, *, is_local: bool) -> Packages:
    """Return packages with dearer diesel and embargoed vendors."""
    until = np.array([shock.embargo.get(vendor, 0) for vendor in packages.vendor], np.int64)
    rise = packages.diesel_l * shock.diesel_rise_per_l
    return replace(
        packages,
        arrival_month=np.maximum(packages.arrival_month, until),
        local_cost=packages.local_cost + (rise if is_local else 0.0),
        cost_usd=packages.cost_usd + (0.0 if is_local else rise),
    )


def _calendar_after(calendar: Calendar, shock: Shock) -> Calendar:
    arrivals = dict(calendar.arrivals)
    for name, months in shock.delays.items():
        late = np.zeros(calendar.n_months)
        late[: shock.month] = arrivals[name][: shock.month]
        first = min(shock.month + months, calendar.n_months)
        late[first:] = arrivals[name][shock.month : shock.month + calendar.n_months - first]
        arrivals[name] = late
    return replace(calendar, arrivals=arrivals).with_closed(shock.closed)


def replan(
    schedule: Schedule, shock: Shock, *, random: np.random.Generator | None = None, effort: Effort | None = None
) -> Schedule:
    """Return a calendar after ``shock``: packages started before it keep place and cost, all others are placed anew.

    The result is compared by :func:`compare_schedules`.  Raises :class:`InputError` with all that is wrong.
    """
    raise_if_any(_problems(schedule, shock))
    cut = schedule.calendar.periods_per_month
    committed = schedule.is_done & (schedule.start_period < (shock.month + shock.notice_months) * cut)
    paid = np.where(committed, schedule.costs(), 0.0)
    budget, calendar = _budget_after(schedule, shock), _calendar_after(schedule.calendar, shock)
    packages = _packages_after(schedule.packages, shock, is_local=budget.local_per_usd is not None)
    losses = tuple((pool, shock.month, float(count)) for pool, count in sorted(shock.crews_lost.items()))
    crews = replace(schedule.crews, losses=(*schedule.crews.losses, *losses))
    unknown = [
        fault
        for fault in schedule_problems(packages, crews, budget, calendar, schedule.objective)
        if fault.column == "closed"
    ]
    raise_if_any(unknown)
    given = replace(
        schedule, packages=packages, crews=crews, budget=budget, calendar=calendar, shadow_prices=None,
        start_period=np.where(committed, schedule.start_period, -1), committed=committed, paid=paid,
        not_before=max(schedule.not_before, shock.month * cut),
    )  # fmt: skip
    return search(given, random, effort or Effort(n_steps=REPLAN_STEPS), hint=schedule.start_period)
