"""Money over time: discounting, annuities, replacements, residual values, internal consistency.

Timing is stated everywhere.  Capital is spent at the start of a year; operation and revenue fall at its end.
Year 0 is the year of the decision.  The classical errors of planning tools (spreading capital before
discounting it, adding yearly shares of a total many times over, a flat mark-up in place of a rate) are
tests of this module.
Source: any text on engineering economy, e.g. Park, Contemporary Engineering Economics, chapters 2 to 6.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

MONTHS_PER_YEAR = 12.0


def discount_factor(rate_frac_per_year: float, years: ArrayLike) -> FloatArray:
    """Return the value today of one unit paid after ``years`` years, shape of ``years``.

    ``rate_frac_per_year`` is above -1; raises :class:`InputError` otherwise.

    >>> discount_factor(0.10, [0, 1, 2]).round(6).tolist()
    [1.0, 0.909091, 0.826446]
    """
    if rate_frac_per_year <= -1.0:
        raise InputError(Problem(f"discount rate {rate_frac_per_year} is not above -1", "give a share, such as 0.07"))
    return np.asarray((1.0 + rate_frac_per_year) ** -np.asarray(years, dtype=np.float64))


def annuity_factor(rate_frac_per_year: float, n_years: float) -> float:
    """Return the value today of one unit at the end of each of ``n_years`` years.

    Hand-worked: at 10 % over three years 1/1.1 + 1/1.21 + 1/1.331 = 2.486852; at 0 % it is the number of years.

    >>> round(annuity_factor(0.10, 3), 6), annuity_factor(0.0, 3)
    (2.486852, 3.0)
    """
    if rate_frac_per_year == 0.0:
        return float(n_years)
    return float((1.0 - discount_factor(rate_frac_per_year, n_years)) / rate_frac_per_year)


def capital_recovery_factor(rate_frac_per_year: float, n_years: float) -> float:
    """Return the yearly payment, at the end of each of ``n_years`` years, that repays one unit.

    >>> round(capital_recovery_factor(0.10, 3), 6)
    0.402115
    """
    return 1.0 / annuity_factor(rate_frac_per_year, n_years)


def net_present_value(rate_frac_per_year: float, amounts: ArrayLike) -> float:
    """Return the value in year 0 of ``amounts`` (n,), where element t falls t years after year 0.

    Hand-worked: -1000 now, 500 after one year, 700 after two, at 10 %: -1000 + 454.545 + 578.512 = 33.058.

    >>> round(net_present_value(0.10, [-1000, 500, 700]), 3)
    33.058
    """
    flows = np.asarray(amounts, dtype=np.float64)
    return float(flows @ discount_factor(rate_frac_per_year, np.arange(len(flows))))


def replacement_years(life_years: float, horizon_years: float) -> list[float]:
    """Return the years after purchase at which an asset is bought again within the horizon, end excluded.

    >>> replacement_years(5, 15), replacement_years(7, 15), replacement_years(20, 15)
    ([5.0, 10.0], [7.0, 14.0], [])
    """
    if life_years <= 0.0:
        raise InputError(Problem(f"life of {life_years} years is not positive", "give the life in years"))
    count = math.ceil(horizon_years / life_years - 1e-9) - 1
    return [float(life_years * step) for step in range(1, count + 1)]


def replacement_factor(rate_frac_per_year: float, life_years: float, horizon_years: float) -> float:
    """Return the value today of all replacements of an asset that costs one unit, less its residual value.

    The last purchase is worth the unused share of its life at the horizon (straight line), and that is
    credited there.  An asset that outlives the horizon has no replacement and a credit: the factor is negative.
    Hand-worked at 10 %: life 5, horizon 10: one purchase after 5 years, nothing left: 1/1.1^5 = 0.620921.
    Life 20, horizon 10: half is left: -0.5/1.1^10 = -0.192772.

    >>> round(replacement_factor(0.10, 5, 10), 6), round(replacement_factor(0.10, 20, 10), 6)
    (0.620921, -0.192772)
    """
    years = replacement_years(life_years, horizon_years)
    last = years[-1] if years else 0.0
    unused = max(0.0, 1.0 - (horizon_years - last) / life_years)
    bought = float(discount_factor(rate_frac_per_year, years).sum()) if years else 0.0
    return bought - unused * float(discount_factor(rate_frac_per_year, horizon_years))


def total_cost_of_ownership_usd(
    capex_usd: ArrayLike,
    opex_usd_per_year: ArrayLike,
    *,
    life_years: float,
    horizon_years: float,
    rate_frac_per_year: float,
) -> FloatArray:
    """Return capital, replacements less residual, and operation over the horizon, as value today.

    Shapes broadcast.  Hand-worked at 10 %: 100 now, 10 a year, life 5, horizon 10:
    100 + 62.0921 + 10 x 6.144567 = 223.538.

    >>> total_cost_of_ownership_usd(
    ...     100.0, 10.0, life_years=5, horizon_years=10, rate_frac_per_year=0.10
    ... ).round(3).item()
    223.538
    """
    factor = 1.0 + replacement_factor(rate_frac_per_year, life_years, horizon_years)
    annuity = annuity_factor(rate_frac_per_year, horizon_years)
    return np.asarray(np.asarray(capex_usd, float) * factor + np.asarray(opex_usd_per_year, float) * annuity)


def standing_opex_usd(built_usd: ArrayLike, opex_frac_per_year: float) -> FloatArray:
    """Return the operation bill of each year for what was built before that year, shape of ``built_usd`` (n,).

    What is built during a year is operated from the next one on.

    >>> standing_opex_usd([100.0, 50.0, 0.0, 0.0], 0.1).tolist()
    [0.0, 10.0, 15.0, 15.0]
    """
    built = np.asarray(built_usd, dtype=np.float64)
    return np.concatenate([[0.0], np.cumsum(built)[:-1]]) * opex_frac_per_year


def share_above_income(threshold_usd: ArrayLike, mean_usd: float, gini: float) -> FloatArray:
    """Return the share of people whose income is at least ``threshold_usd``, for a log-normal income distribution.

    ``mean_usd`` is the mean of the same period; ``gini`` lies in (0, 1) and fixes the spread:
    sigma = sqrt(2) x the normal quantile of (1 + gini) / 2 (Aitchison & Brown 1957, The Lognormal Distribution).
    Thresholds of zero give 1.

    >>> share_above_income([0.0, 100.0, 300.0], 100.0, 0.3).round(3).tolist()
    [1.0, 0.393, 0.011]
    """
    if not 0.0 < gini < 1.0:
        raise InputError(Problem(f"Gini coefficient {gini} is not between 0 and 1", "give a share, such as 0.3"))
    from scipy.special import ndtr, ndtri

    sigma = math.sqrt(2.0) * float(ndtri((1.0 + gini) / 2.0))
    log_mean = math.log(mean_usd) - sigma**2 / 2.0
    threshold = np.asarray(threshold_usd, dtype=np.float64)
    with np.errstate(divide="ignore"):
        score = (np.log(threshold) - log_mean) / sigma
    return np.asarray(1.0 - ndtr(score), dtype=np.float64)
