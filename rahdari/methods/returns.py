"""What a series of yearly money is worth: net present value, internal rates, payback, levelised cost.

Element t of a flow falls t years after the year of the decision; money received is positive, money paid negative.
All functions take one flow (y,) or many (..., y), so that draws run together.  A flow may have no internal rate, one,
or several: all are found and counted, none is picked silently (Descartes' rule of signs, Rolle's theorem).
Source: Park, Contemporary Engineering Economics, chapters 5 to 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq

from rahdari.errors import Problem, raise_if_any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

LEAST_RATE, MOST_RATE = -0.99, 1000.0  # between which internal rates are looked for, shares a year
ROUNDING = 1e-12  # of the terms' sum: below it a value counts as zero
NEAR_NOTHING = 1e-9  # of the money that moves: below it a sum's sign is not trusted
HALVINGS = 80  # of a bracket of seven units of logarithm: far below rounding


def _flow_problems(flows: FloatArray) -> list[Problem]:
    if not flows.ndim or not flows.shape[-1]:
        return [Problem("a flow has no years", "give the money of each year, the year of the decision first")]
    if not np.isfinite(flows).all():
        years = np.flatnonzero(~np.isfinite(flows).reshape(-1, flows.shape[-1]).all(axis=0))
        places = ", ".join(str(year) for year in years[:6].tolist())
        return [Problem(f"the money of year {places} is no number", "give an amount for every year, 0 where none")]
    return []


def _rate_problems(rate: FloatArray) -> list[Problem]:
    bad = np.atleast_1d(rate)[~(np.atleast_1d(rate) > -1.0)]
    if bad.size:
        return [Problem(f"discount rate {bad[0]:g} is not above -1", "give a share a year, such as 0.07")]
    return []


def discount_factors(discount_frac_per_year: ArrayLike, n_years: int) -> FloatArray:
    """Return (..., n_years) the value today of one unit after 0, 1, ... years; rates (...) above -1.

    >>> discount_factors([0.0, 0.25], 3).tolist()
    [[1.0, 1.0, 1.0], [1.0, 0.8, 0.64]]
    """
    rate = np.asarray(discount_frac_per_year, np.float64)
    raise_if_any(_rate_problems(rate))
    return np.asarray((1.0 + rate)[..., None] ** -np.arange(n_years, dtype=np.float64))


def npv_usd(flows: ArrayLike, discount_rate: ArrayLike) -> FloatArray:
    """Return the value in year 0 of flows (..., y), shape of what is before the years; rates broadcast with it.

    Refuses a rate of -1 or less, an empty flow and amounts that are no numbers, all at once.

    >>> npv_usd([-1000.0, 500.0, 700.0], 0.10).round(3).item()
    33.058
    """
    money, rate = np.asarray(flows, np.float64), np.asarray(discount_rate, np.float64)
    raise_if_any(_rate_problems(rate) + _flow_problems(money))
    return np.asarray((money * discount_factors(rate, money.shape[-1])).sum(axis=-1))


@dataclass(frozen=True, slots=True)
class InternalRate:
    """All rates between -99 % and 100,000 % a year at which a flow is worth nothing, ascending, and what they mean."""

    rates_frac_per_year: tuple[float, ...]
    note: str

    @property
    def rate_frac_per_year(self) -> float | None:
        """Return the rate where there is exactly one."""
        return self.rates_frac_per_year[0] if len(self.rates_frac_per_year) == 1 else None


def _roots(coefficients: FloatArray, low: float, high: float) -> list[float]:
    """Return the distinct real roots of sum c_t x^t within [low, high]: between neighbours the derivative has one."""
    if coefficients.size <= 1:
        return []
    terms = coefficients[::-1].tolist()

    def value(x: float) -> float:
        # Plain numbers: for some twenty terms an array costs ten times as much.
        total = size = 0.0
        for term in terms:
            total, size = total * x + term, size * x + abs(term)
        return 0.0 if abs(total) <= ROUNDING * size else total

    turns = _roots(coefficients[1:] * np.arange(1, coefficients.size), low, high)
    points = [low, *turns, high]
    found: list[float] = [x for x in points if value(x) == 0.0]
    for a, b in pairwise(points):
        if value(a) * value(b) < 0.0:
            found.append(float(brentq(value, a, b, xtol=1e-15, rtol=1e-14)))
    return sorted(set(found))


def irr(flows: ArrayLike) -> InternalRate:
    """Return every internal rate of one flow (y,).

    Hand-worked: -100, 230, -132 is worth nothing at 10 % and at 20 % (its factors are 100 (1.1 x - 1)(1.2 x - 1)).

    >>> irr([-100.0, 60.0, 60.0]).rate_frac_per_year.__round__(4)
    0.1307
    >>> [round(rate, 6) for rate in irr([-100.0, 230.0, -132.0]).rates_frac_per_year]
    [0.1, 0.2]
    >>> irr([-100.0, -5.0]).note
    'no internal rate: the money never changes sign'
    """
    money = np.asarray(flows, np.float64)
    raise_if_any(_flow_problems(money))
    held = np.flatnonzero(money)
    if not held.size or (money[held] > 0.0).all() or (money[held] < 0.0).all():
        return InternalRate((), "no internal rate: the money never changes sign")
    inner = money[held[0] : held[-1] + 1]
    low, high = 1.0 / (1.0 + MOST_RATE), 1.0 / (1.0 + LEAST_RATE)
    rates = tuple(sorted(1.0 / x - 1.0 for x in _roots(inner / np.abs(inner).max(), low, high)))
    if not rates:
        return InternalRate((), "no internal rate: the value keeps one sign at all rates looked at")
    if len(rates) > 1:
        return InternalRate(rates, f"{len(rates)} internal rates: none of them says whether the flow is worth having")
    return InternalRate(rates, "one internal rate")


def sign_change_count(flows: ArrayLike) -> IntArray:
    """Return (...) how often the money of flows (..., y) changes sign, years without money left out.

    >>> sign_change_count([[-1.0, 0.0, 2.0, 3.0], [-1.0, 2.0, 0.0, -1.0]]).tolist()
    [1, 2]
    """
    sign = np.sign(np.asarray(flows, np.float64))
    last = np.zeros(sign.shape[:-1])
    count = np.zeros(sign.shape[:-1], np.int64)
    for t in range(sign.shape[-1]):
        here = sign[..., t]
        count += here * last < 0.0
        last = np.where(here != 0.0, here, last)
    return count


def root_count_bound(flows: ArrayLike) -> IntArray:
    """Return (...) a bound on the internal rates of flows (..., y); 0 and 1 are exact.

    Dividing by 1 - x, with x = 1 / (1 + rate), turns the money into its running sum, which has the same roots below 1:
    Descartes' rule then counts changes of sign of the running sum for rates above zero, and of the sum from the end for
    rates below (Norstrom 1972).  Flows that sum to nothing within rounding get the plain count of changes.

    >>> root_count_bound([-100.0, 90.0, -20.0, 90.0]).item(), root_count_bound([-100.0, 230.0, -132.0]).item()
    (1, 2)
    """
    money = np.asarray(flows, np.float64)
    total, size = money.sum(axis=-1), np.abs(money).sum(axis=-1)
    forward = sign_change_count(np.cumsum(money, axis=-1))
    backward = sign_change_count(np.cumsum(money[..., ::-1], axis=-1))
    plain = sign_change_count(money)
    return np.where(np.abs(total) > NEAR_NOTHING * size, np.minimum(forward + backward, plain), plain)


def irr_of_draws(flows: ArrayLike) -> tuple[FloatArray, IntArray]:
    """Return (n,) the internal rate and (n,) how many there are, for flows (n, y).

    The rate is NaN where there is none or more than one: the count says which.

    >>> rate, count = irr_of_draws([[-100.0, 60.0, 60.0], [-100.0, 230.0, -132.0], [1.0, 1.0, 1.0]])
    >>> rate[0].round(4).item(), count.tolist()
    (0.1307, [1, 2, 0])
    """
    money = np.asarray(flows, np.float64)
    raise_if_any(_flow_problems(money))
    bound = root_count_bound(money)
    count = np.zeros(len(money), np.int64)
    rate = np.full(len(money), np.nan)
    once = np.flatnonzero(bound == 1)
    # One change of sign: exactly one root, so halving a bracket in the logarithm of 1 / (1 + rate) finds it.
    low = np.full(once.size, -np.log1p(MOST_RATE))
    high = np.full(once.size, -np.log1p(LEAST_RATE))
    chosen, years = money[once], np.arange(money.shape[-1])

    def worth(log_x: FloatArray) -> FloatArray:
        return np.asarray((chosen * np.exp(log_x[:, None] * years)).sum(axis=1))

    at_low = worth(low)
    is_inside = at_low * worth(high) <= 0.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        is_left = worth(middle) * at_low <= 0.0
        high, low = np.where(is_left, middle, high), np.where(is_left, low, middle)
    rate[once] = np.where(is_inside, np.expm1(-0.5 * (low + high)), np.nan)
    count[once] = is_inside
    for i in np.flatnonzero(bound > 1).tolist():
        found = irr(money[i])
        count[i] = len(found.rates_frac_per_year)
        rate[i] = np.nan if found.rate_frac_per_year is None else found.rate_frac_per_year
    return rate, count


def payback_years(flows: ArrayLike, discount_rate: ArrayLike = 0.0) -> FloatArray:
    """Return (...) the years until the summed money of flows (..., y) is no longer below zero for good.

    Money is spread evenly within a year; a rate above zero gives the discounted payback.  Infinite where the sum ends
    below zero; 0 where it never is.

    >>> payback_years([-100.0, 40.0, 40.0, 40.0]).item(), payback_years([-100.0, 40.0]).item()
    (2.5, inf)
    """
    money = np.asarray(flows, np.float64)
    raise_if_any(_flow_problems(money) + _rate_problems(np.asarray(discount_rate, np.float64)))
    n = money.shape[-1]
    valued = money * discount_factors(discount_rate, n)
    total = np.cumsum(valued, axis=-1)
    below = total < -ROUNDING * np.abs(valued).sum(axis=-1, keepdims=True)
    last = np.where(below.any(axis=-1), n - 1 - np.argmax(below[..., ::-1], axis=-1), -1)
    before = np.take_along_axis(total, np.clip(last, 0, n - 1)[..., None], axis=-1)[..., 0]
    after = np.take_along_axis(total, np.clip(last + 1, 0, n - 1)[..., None], axis=-1)[..., 0]
    step = np.where(after > before, after - before, 1.0)
    return np.where(last < 0, 0.0, np.where(last == n - 1, np.inf, last - before / step))


def levelised_cost_usd(cost_usd: ArrayLike, quantity_count: ArrayLike, discount_rate: ArrayLike) -> FloatArray:
    """Return (...) the price of one unit and year that just pays the cost: value of costs / value of what is delivered.

    ``cost_usd`` (..., y) counts spending as positive; ``quantity_count`` (..., y) is what is delivered in each year
    (Mbit/s carried, households connected).  Infinite where nothing is delivered.

    >>> levelised_cost_usd([100.0, 10.0], [0.0, 50.0], 0.0).item()
    2.2
    """
    cost, quantity = npv_usd(cost_usd, discount_rate), npv_usd(quantity_count, discount_rate)
    safe = np.where(quantity > 0.0, quantity, 1.0)
    return np.where(quantity > 0.0, cost / safe, np.inf)


def cost_per_unit_usd(cost_usd: ArrayLike, n_units: ArrayLike, discount_rate: ArrayLike) -> FloatArray:
    """Return (...) the value today of costs (..., y) for each of ``n_units`` (...) households passed or connected.

    >>> cost_per_unit_usd([100.0, 11.0], 10.0, 0.10).round(6).item()
    11.0
    """
    units = np.asarray(n_units, np.float64)
    safe = np.where(units > 0.0, units, 1.0)
    return np.where(units > 0.0, npv_usd(cost_usd, discount_rate) / safe, np.inf)
