"""What a way earns in a market of rival ways: demand, price, share won, ramp, capacity, outages.

Model.  Demand grows at a rate that halves after some years.  Prices fall by a share each year.  A buyer who
is free to choose takes a way with a chance in proportion to its pull (multinomial logit, McFadden 1974, with
logarithms of round trip and price and with the share of joint downtime that the way removes)::

    pull = (rtt / best rtt) ** -a * (price / best price) ** -b * exp(c * downtime removed)

What is won ramps up over the first years and never exceeds capacity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

MBPS_PER_GBPS = 1000.0
MONTHS_PER_YEAR = 12.0
SLOWING = 0.5  # growth halves after the stated years: assumed


@dataclass(frozen=True, slots=True)
class Weights:
    """How strongly buyers answer to round trip, price and diversity; all zero or more."""

    rtt: float
    price: float
    diversity: float


def grown(base: ArrayLike, growth_frac_per_year: ArrayLike, years: ArrayLike, growth_years: float) -> FloatArray:
    """Return a quantity after ``years`` of growth at a rate that halves after ``growth_years``; shapes broadcast.

    >>> float(grown(100.0, 0.2, 2.0, 1.0))
    132.0
    """
    rate = np.asarray(growth_frac_per_year, np.float64)
    elapsed = np.maximum(np.asarray(years, np.float64), 0.0)
    fast, slow = np.minimum(elapsed, growth_years), np.maximum(elapsed - growth_years, 0.0)
    return np.asarray(np.asarray(base, np.float64) * (1.0 + rate) ** fast * (1.0 + SLOWING * rate) ** slow)


def price_in_year(price_usd: ArrayLike, erosion_frac_per_year: ArrayLike, years: ArrayLike) -> FloatArray:
    """Return a price ``years`` after its date, falling by a share each year; shapes broadcast.

    >>> float(price_in_year(2.0, 0.5, 2.0))
    0.5
    """
    kept = 1.0 - np.asarray(erosion_frac_per_year, np.float64)
    return np.asarray(np.asarray(price_usd, np.float64) * kept ** np.asarray(years, np.float64))


def pull_ratio(rtt_ms: ArrayLike, price_usd: ArrayLike, removed_frac: ArrayLike, weights: Weights) -> FloatArray:
    """Return the pull of each of (..., w) ways; the last axis runs over the ways a buyer may choose from.

    >>> pull_ratio([100.0, 200.0], [1.0, 1.0], [0.0, 0.0], Weights(1.0, 1.0, 1.0)).tolist()
    [1.0, 0.5]
    """
    rtt, price = np.asarray(rtt_ms, np.float64), np.asarray(price_usd, np.float64)
    nearness = (rtt / rtt.min(axis=-1, keepdims=True)) ** -weights.rtt
    cheapness = (price / price.min(axis=-1, keepdims=True)) ** -weights.price
    return np.asarray(nearness * cheapness * np.exp(weights.diversity * np.asarray(removed_frac, np.float64)))


def removed_frac(down_without_frac: ArrayLike, down_with_frac: ArrayLike) -> FloatArray:
    """Return the share of joint downtime that a way removes when it joins the others, between 0 and 1.

    Where the others are never down nothing is left to remove.

    >>> float(removed_frac(0.004, 0.001)), float(removed_frac(0.0, 0.0))
    (0.75, 0.0)
    """
    without, with_it = np.asarray(down_without_frac, np.float64), np.asarray(down_with_frac, np.float64)
    safe = np.where(without > 0.0, without, 1.0)
    return np.asarray(np.where(without > 0.0, np.clip(1.0 - with_it / safe, 0.0, 1.0), 0.0))


def ramp_frac(years_open: ArrayLike, ramp_years: float) -> FloatArray:
    """Return the share of its market that a service has won in its n-th year (1, 2, ...); 0 before the first.

    >>> ramp_frac([0, 1, 2, 9], 4.0).tolist()
    [0.0, 0.25, 0.5, 1.0]
    """
    return np.clip(np.asarray(years_open, np.float64) / ramp_years, 0.0, 1.0)


def fill_frac(won_gbps: ArrayLike, capacity_gbps: ArrayLike) -> FloatArray:
    """Return the share of the won demand that capacity can carry; all markets are served alike.

    >>> fill_frac([50.0, 400.0], 200.0).tolist()
    [1.0, 0.5]
    """
    won, capacity = np.asarray(won_gbps, np.float64), np.asarray(capacity_gbps, np.float64)
    safe = np.where(won > capacity, won, 1.0)
    return np.asarray(np.where(won > capacity, capacity / safe, 1.0))


def revenue_usd_per_year(sold_gbps: ArrayLike, price_usd_per_mbps_month: ArrayLike) -> FloatArray:
    """Return the revenue of a year; shapes broadcast.

    >>> float(revenue_usd_per_year(1.0, 2.0))
    24000.0
    """
    sold = np.asarray(sold_gbps, np.float64) * MBPS_PER_GBPS
    return np.asarray(sold * np.asarray(price_usd_per_mbps_month, np.float64) * MONTHS_PER_YEAR)


def outage_hour_usd(revenue_usd: ArrayLike, credit_ratio: float) -> FloatArray:
    """Return what one hour without service costs the seller: the hour's revenue and credits of a multiple of it.

    >>> float(outage_hour_usd(8766.0, 4.0))
    5.0
    """
    return np.asarray(np.asarray(revenue_usd, np.float64) / HOURS_PER_YEAR * (1.0 + credit_ratio))
