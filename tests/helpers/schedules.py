"""Small roll-outs, every calendar of them, and the exact optimum by a time-indexed integer programme."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from rahdari.rollout import Budget, Calendar, Crews, Packages, Schedule, verify_schedule

Parts = tuple[Packages, Crews, Budget, Calendar]


def small_rollout(n: int, n_months: int, seed: int) -> Parts:
    """Return a roll-out with every kind of limit: crews that grow, money of two years, seasons, material, links."""
    draw = np.random.Generator(np.random.Philox(seed))
    ids = [f"p{i:03d}" for i in range(n)]
    links = [(ids[int(draw.integers(0, i))], ids[i], float(draw.integers(-1, 2))) for i in range(2, n, 3)]
    duration = draw.integers(1, 4, n)
    closed = np.zeros((n, 12), np.bool_)
    closed[::3, 0] = True
    packages = Packages.of(
        ids, duration, draw.integers(0, 3, (n, 2)), people=draw.integers(1, 30, n), cost_usd=draw.uniform(1.0, 4.0, n),
        local_cost=draw.uniform(50.0, 400.0, n), permit_month=draw.integers(0, 3, n), closed_season=closed,
        district=[f"d{i % 3}" for i in range(n)], kind=[f"k{i % 2}" for i in range(n)],
        vendor=["A" if i % 2 else "B" for i in range(n)], diesel_l=draw.uniform(0.0, 9.0, n),
        materials={"cable": draw.integers(0, 3, n)}, indicators={"homes": draw.integers(0, 9, n)},
        predecessors=[(b, a, max(lag, -float(duration[int(b[1:])]))) for b, a, lag in links],
    )  # fmt: skip
    crews = Crews.of(["dig", "splice"], [2.0, 2.0], hire_per_month=0.25, training_months=1, attrition_frac=0.05)
    money = float((packages.cost_usd * 280.0 + packages.local_cost).sum())
    budget = Budget.of(
        2025, [0.2 * money / 280.0] * 2, local_amount=[0.25 * money] * 2, local_per_usd=[280.0, 300.0], carry_frac=0.5,
        starts_in_month=1 + n % 2 * 6,
    )  # fmt: skip
    start = date(2025, 10, 1) if n % 2 else date(2025, 7, 1)
    cable = np.full(n_months, 1.1 * float(packages.materials["cable"].sum()) / n_months)
    return packages, crews, budget, Calendar(start, n_months, arrivals={"cable": cable})


def with_starts(schedule: Schedule, starts: list[int]) -> Schedule:
    """Return a schedule with other starts."""
    return replace(schedule, start_period=np.array(starts, np.int64))


def brute_force(parts: Parts, schedule: Schedule) -> float:
    """Return the least value of all calendars without a violation."""
    packages, crews, budget, calendar = parts
    best = np.inf
    for starts in product(range(-1, calendar.n_periods), repeat=packages.n):
        check = verify_schedule(packages, crews, budget, with_starts(schedule, list(starts)))
        if check.value < best and check.is_sound:
            best = check.value
    return float(best)


class _Rows:
    """Rows of a programme whose variable ``at[i, s]`` starts package i in month s; each row at most its limit."""

    def __init__(self, n: int, horizon: int) -> None:
        self.at = np.arange(n * horizon).reshape(n, horizon)
        self.rows: list[np.ndarray] = []
        self.right: list[float] = []

    def add(self, limit: float, *parts: tuple[np.ndarray, object]) -> None:
        row = np.zeros(self.at.size)
        for where, factor in parts:
            row[where] += factor
        self.rows.append(row)
        self.right.append(limit)


def _limit_crews_and_links(rows: _Rows, parts: Parts, length: np.ndarray) -> None:
    packages, crews, _, calendar = parts
    horizon, level = calendar.n_months, crews.available(calendar.n_months)
    for k, t in product(range(level.shape[1]), range(horizon)):
        held = [(rows.at[i, max(0, t - length[i] + 1) : t + 1], packages.demand_crews[i, k]) for i in range(packages.n)]
        rows.add(level[t, k], *held)
    for b, a, lag in zip(packages.before, packages.after, packages.lag_months, strict=True):
        gap = max(0, int(length[b] + lag))
        for t in range(horizon):
            rows.add(0.0, (rows.at[a, : t + 1], 1.0), (rows.at[b, : max(0, t - gap + 1)], -1.0))


def _limit_money_and_material(rows: _Rows, parts: Parts) -> None:
    packages, _, budget, calendar = parts
    year, price = calendar.budget_year(budget), budget.costs(packages)
    for y, money in enumerate(budget.chain @ budget.amounts):
        months = np.flatnonzero(year >= 0)
        rows.add(float(money), (rows.at[:, months], budget.chain[y, year[months]] * price[:, year[months]]))
    for name, units in packages.materials.items():
        for t in range(calendar.n_months):
            rows.add(float(calendar.arrivals[name][: t + 1].sum()), (rows.at[:, : t + 1], units[:, None]))


def _is_open(parts: Parts, length: np.ndarray) -> np.ndarray:
    """Return (n, months) whether a package may start."""
    packages, _, budget, calendar = parts
    year = calendar.budget_year(budget)
    is_open = np.zeros((packages.n, calendar.n_months))
    for i, s in product(range(packages.n), range(calendar.n_months)):
        months = (calendar.starts_on.month - 1 + np.arange(s, s + length[i])) % 12
        late = s >= max(packages.release_month[i], packages.permit_month[i], packages.arrival_month[i])
        fits = s + length[i] <= calendar.n_months and not packages.closed_season[i, months].any()
        is_open[i, s] = late and fits and year[s] >= 0
    return is_open


def exact_value(parts: Parts, *, is_relaxed: bool = False) -> float:
    """Return the least value x end over all calendars of whole months, by a time-indexed (relaxed) programme."""
    packages, _, _, calendar = parts
    length = packages.duration_months.astype(int)
    rows = _Rows(packages.n, calendar.n_months)
    for i in range(packages.n):
        rows.add(1.0, (rows.at[i], 1.0))
    _limit_crews_and_links(rows, parts, length)
    _limit_money_and_material(rows, parts)
    early = np.arange(calendar.n_months)[None, :] + length[:, None] - calendar.n_months
    found = milp(
        (packages.people[:, None] * early).ravel(),
        constraints=LinearConstraint(np.array(rows.rows), -np.inf, np.array(rows.right) + 1e-9),
        bounds=Bounds(0.0, _is_open(parts, length).ravel()),
        integrality=np.full(rows.at.size, 0 if is_relaxed else 1),
    )
    return float(found.fun + packages.people.sum() * calendar.n_months)
