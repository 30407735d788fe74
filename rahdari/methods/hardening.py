"""Which sites to equip with what, and when, for the most people-hours of service per unit of money.

Every site takes at most one option, in one year, under yearly budgets.  What is gained in a year counts for every year
left until the programme ends.  The bound is the Lagrangian one: with a price on each year's money the sites no longer
compete, each takes what is best at these prices, and the prices are set to make the sum least (Kelley's cutting
planes).  It equals the linear relaxation.  The programme is what the sites choose at the best prices, repaired to the
budgets; with thousands of sites both lie within parts of a thousandth of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy import optimize

from rahdari.errors import Problem, raise_if_any
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

COLUMNS = ("site_id", "option_id", "cost_usd", "gain_people_h_per_year")
MOST_ROUNDS = 200  # of cutting planes; some dozens are usual
ENOUGH = 1e-7  # relative distance of the planes' least from the best bound at which they stop
MOST_ROWS = 5  # named of one fault
NONE = -1
MOST_STEPS = 40  # a year in which what is left is spent
CORE_SITES = 30  # chosen anew exactly at the end
CORE_NODES = 300  # of that search: a count, as seconds would make the answer depend on the machine


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """What is built: ``table`` in building order, gains, the bound, the value of one more unit of money in each year.

    ``gain_people_h`` over all years; no programme whatever gains more than ``bound_people_h``.
    """

    table: pl.DataFrame
    gain_people_h: float
    bound_people_h: float
    price_people_h_per_usd: FloatArray
    spent_usd: FloatArray
    certificate: Certificate

    @property
    def gap_frac(self) -> float:
        """Return how far the programme may lie below the best, as a share of the bound."""
        return (self.bound_people_h - self.gain_people_h) / max(self.bound_people_h, 1e-9)


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """Options as (sites, most options of one) arrays, empty places with no gain at endless cost; years' weights."""

    gain: FloatArray
    cost: FloatArray
    weight: FloatArray
    budget: FloatArray
    chain: FloatArray  # (years, years): row t sums the years whose spending its budget holds

    def best(self, price: FloatArray) -> tuple[FloatArray, IntArray, IntArray]:
        """Return (sites,) the most worth at (years,) prices of money, its option and year; -1 where nothing pays."""
        n = len(self.gain)
        worth, option, year, rows = np.zeros(n), np.full(n, NONE), np.full(n, NONE), np.arange(n)
        for t, each in enumerate(price):
            here = self.weight[t] * self.gain - each * self.cost
            at = here.argmax(axis=1)
            value = here[rows, at]
            better = value > worth
            worth = np.where(better, value, worth)
            option, year = np.where(better, at, option), np.where(better, t, year)
        return worth, option, year

    def spent(self, option: IntArray, year: IntArray) -> FloatArray:
        """Return (years,) the money that choices take."""
        chosen = np.flatnonzero(option >= 0)
        cost = self.cost[chosen, option[chosen]]
        return np.asarray(np.bincount(year[chosen], cost, self.weight.size), np.float64)

    def left(self, option: IntArray, year: IntArray) -> FloatArray:
        """Return (years,) what may still be spent in each year without breaking a budget of that or a later year."""
        slack = self.chain @ (self.budget - self.spent(option, year))
        return np.array([slack[self.chain[:, t] > 0.0].min() for t in range(slack.size)])

    def gained(self, option: IntArray, year: IntArray) -> float:
        """Return the people-hours of choices over all years."""
        chosen = np.flatnonzero(option >= 0)
        return float((self.weight[year[chosen]] * self.gain[chosen, option[chosen]]).sum())


def _problems(options: pl.DataFrame, budget: FloatArray) -> list[Problem]:
    faults = [
        Problem(f"there is no column '{name}'", "add it", "options", None, name)
        for name in COLUMNS
        if name not in options.columns
    ]
    if faults:
        return faults
    for name in COLUMNS[2:]:
        values = options[name].cast(pl.Float64(), strict=False)
        rows = (~(values.is_finite() & (values >= 0.0)).fill_null(value=False)).arg_true().to_list()
        faults += [Problem("no number of zero or more", "correct it", "options", r + 1, name) for r in rows[:MOST_ROWS]]
    if options.select("site_id", "option_id").is_duplicated().any():
        faults.append(Problem("an option of a site stands twice", "keep one", "options", None, "option_id"))
    if not budget.size or not np.isfinite(budget).all() or (budget < 0.0).any():
        faults.append(Problem("a year's budget is no number of zero or more", "give one for each year", "budget_usd"))
    return faults


def _case(table: pl.DataFrame, budget: FloatArray, *, is_carried: bool) -> tuple[_Case, list[str], list[list[str]]]:
    """Return the arrays, sites by name, and the names of each site's options in the order of their columns."""
    groups = table.group_by("site_id", maintain_order=True).agg("option_id", "cost_usd", "gain_people_h_per_year")
    width = max((len(row) for row in groups["option_id"]), default=1)
    gain, cost = np.zeros((groups.height, width)), np.full((groups.height, width), np.inf)
    place = table.select(
        row=pl.col("site_id").rle_id(), column=pl.int_range(pl.len()).over("site_id")
    ).to_numpy().astype(np.int64)  # fmt: skip
    gain[place[:, 0], place[:, 1]] = table["gain_people_h_per_year"].to_numpy()
    cost[place[:, 0], place[:, 1]] = table["cost_usd"].to_numpy()
    years = budget.size
    chain = np.tril(np.ones((years, years))) if is_carried else np.eye(years)
    # An empty place must lose at every price, also at none.
    cost = np.where(np.isfinite(cost), cost, np.max(cost, initial=0.0, where=np.isfinite(cost)) * 1e6 + 1.0)
    weight = np.arange(years, 0, -1).astype(np.float64)
    return _Case(gain, cost, weight, budget, chain), groups["site_id"].to_list(), groups["option_id"].to_list()


def best_prices(case: _Case) -> tuple[FloatArray, float]:
    """Return (years,) prices of money and the least bound that they prove; any prices prove one."""
    years = case.weight.size
    room = case.chain @ case.budget
    positive = case.cost > 0.0
    # Above the best rate of gain nothing is built: no price need be higher.
    rate = float(np.max(case.gain / np.where(positive, case.cost, np.inf), initial=0.0)) * case.weight[0]
    solve: Any = optimize.linprog  # its stubs know dense matrices only
    rows: list[FloatArray] = []
    right: list[float] = []
    best, best_mu = np.inf, np.zeros(years)
    mu = np.full(years, 0.1 * rate / years)
    for _ in range(MOST_ROUNDS):
        worth, option, year = case.best(case.chain.T @ mu)
        value = float(worth.sum() + mu @ room)
        if value < best:
            best, best_mu = value, mu
        slope = room - case.chain @ case.spent(option, year)
        # The bound lies above every plane: value + slope (x - mu) <= z.
        rows.append(np.append(slope, -1.0))
        right.append(float(slope @ mu - value))
        found = solve(np.append(np.zeros(years), 1.0), np.array(rows), np.array(right),
                      bounds=[(0.0, rate)] * years + [(0.0, None)], method="highs")  # fmt: skip
        if found.status != 0 or best - found.fun <= ENOUGH * max(best, 1e-9):
            break
        # Half-way to the planes' least: full steps swing from side to side.
        mu = 0.5 * (np.asarray(found.x[:years]) + best_mu)
    return np.asarray(case.chain.T @ best_mu), best


def _within_budget(case: _Case, price: FloatArray) -> tuple[IntArray, IntArray]:
    """Return each site's choice at the prices, those that pay least left out where a budget is exceeded."""
    worth, option, year = case.best(price)
    rows = np.arange(option.size)
    cost = np.where(option >= 0, case.cost[rows, option], 0.0)
    order = np.lexsort((rows, -worth / np.maximum(cost, 1e-12)))
    for t in range(case.weight.size):
        held = case.chain[t] > 0.0
        here = order[np.isin(year[order], np.flatnonzero(held))]
        over = np.cumsum(cost[here]) > float(case.budget[held].sum())
        option[here[over]], year[here[over]] = NONE, NONE
    return option, year


def _filled(case: _Case, option: IntArray, year: IntArray) -> None:
    """Spend what is left: again and again the step that gains most, a new site, option or year, and can be paid."""
    rows = np.arange(option.size)
    for _ in range(case.weight.size * MOST_STEPS if option.size else 0):
        left = case.left(option, year)
        has = option >= 0
        own_gain = np.where(has, case.gain[rows, option] * case.weight[year], 0.0)
        own_cost = np.where(has, case.cost[rows, option], 0.0)
        best_step, best = 0.0, (NONE, NONE, NONE)
        for t in range(case.weight.size):
            room = left[t] + np.where(has & (year == t), own_cost, 0.0)
            step = case.weight[t] * case.gain - own_gain[:, None]
            step[case.cost > room[:, None]] = 0.0
            at = int(step.argmax())
            if step.flat[at] > best_step * (1.0 + 1e-12):
                best_step, best = float(step.flat[at]), (at // step.shape[1], at % step.shape[1], t)
        if best_step <= 0.0:
            return
        option[best[0]], year[best[0]] = best[1], best[2]


def _core_solved(case: _Case, price: FloatArray, option: IntArray, year: IntArray) -> None:
    """Choose anew, exactly, for the sites that the prices leave least decided, with what the others do not spend.

    Their second choice is worth almost as much as the first, or they were left out for want of money.
    """
    if not option.size:
        return
    worth, _, _ = case.best(price)
    n, width = case.gain.shape
    years = case.weight.size
    rows = np.arange(n)
    has = option >= 0
    priced = case.weight[year] * case.gain[rows, option] - price[year] * case.cost[rows, option]
    short = worth - np.where(has, priced, 0.0)
    reduced = case.weight[:, None, None] * case.gain - price[:, None, None] * case.cost
    ranked = np.sort(reduced.transpose(1, 0, 2).reshape(n, -1), axis=1)
    second = np.maximum(ranked[:, -2], 0.0) if ranked.shape[1] > 1 else np.zeros(n)
    core = np.sort(np.lexsort((rows, worth - second - short))[:CORE_SITES])
    kept_option = option.copy()
    kept_option[core] = NONE
    room = case.chain @ (case.budget - case.spent(kept_option, year))
    gain = (case.weight[:, None, None] * case.gain[core]).transpose(1, 0, 2).reshape(-1)
    cost = np.broadcast_to(case.cost[core], (years, core.size, width)).transpose(1, 0, 2).reshape(-1)
    t = np.tile(np.repeat(np.arange(years), width), core.size)
    once = np.kron(np.eye(core.size), np.ones(years * width))
    limits = np.concatenate([once, case.chain[:, t] * cost])
    found = optimize.milp(
        -gain, integrality=np.ones(gain.size, np.int64), bounds=optimize.Bounds(0.0, 1.0),
        constraints=optimize.LinearConstraint(limits, ub=np.concatenate([np.ones(core.size), room])),
        options={"node_limit": CORE_NODES, "mip_rel_gap": 1e-6},
    )  # fmt: skip
    if found.x is None:
        return
    trial_option, trial_year = kept_option, year.copy()
    taken = np.flatnonzero(found.x > 0.5)  # noqa: PLR2004  # binaries
    trial_year[core] = NONE
    trial_option[core[taken // (years * width)]] = taken % width
    trial_year[core[taken // (years * width)]] = t[taken]
    is_payable = bool((case.chain @ (case.budget - case.spent(trial_option, trial_year)) >= 0.0).all())
    if is_payable and case.gained(trial_option, trial_year) > case.gained(option, year):
        option[:], year[:] = trial_option, trial_year


def hardening_programme(
    options: pl.DataFrame, budget_usd: Sequence[float] | FloatArray, *, first_year: int = 2026, is_carried: bool = True
) -> Programme:
    """Return which site gets which option in which year, for the most people-hours over the programme, and its bound.

    ``options`` has ``site_id``, ``option_id``, ``cost_usd`` and ``gain_people_h_per_year``, a row for each that a site
    could take; ``budget_usd`` (years,).  Money that a year leaves is carried over unless ``is_carried`` is false.  The
    result's table has ``step``, ``year``, ``site_id``, ``option_id``, ``cost_usd``, ``gain_people_h_per_year``: within
    a year the best rate of gain comes first.  Faults are raised as one InputError.
    """
    budget = np.asarray(budget_usd, np.float64)
    raise_if_any(_problems(options, budget))
    table = options.select(COLUMNS).sort("site_id", "option_id")
    case, sites, names = _case(table, budget, is_carried=is_carried)
    price, bound = best_prices(case)
    option, year = _within_budget(case, price)
    _filled(case, option, year)
    _core_solved(case, price, option, year)
    chosen = np.flatnonzero(option >= 0)
    built = pl.DataFrame({
        "year": first_year + year[chosen],
        "site_id": [sites[i] for i in chosen.tolist()],
        "option_id": [names[i][option[i]] for i in chosen.tolist()],
        "cost_usd": case.cost[chosen, option[chosen]],
        "gain_people_h_per_year": case.gain[chosen, option[chosen]],
    }, schema_overrides={"site_id": pl.String(), "option_id": pl.String()})  # fmt: skip
    rate = pl.col("gain_people_h_per_year") / pl.col("cost_usd").clip(lower_bound=1e-9)
    built = built.sort("year", -rate, "site_id").with_row_index("step", 1)
    gain = case.gained(option, year)
    # As a cost: what the best option of every site, built at once, would gain and this programme does not.
    all_of_it = float(case.weight[0] * case.gain.max(axis=1, initial=0.0).sum())
    certificate = Certificate(
        "hardening", all_of_it - gain, all_of_it - bound, "people_h", "Lagrangian dual over the years' budgets",
        f"people-hours not gained; the programme gains {gain:,.0f} and none gains more than {bound:,.0f}",
    )  # fmt: skip
    return Programme(built, gain, bound, price, case.spent(option, year), certificate)
