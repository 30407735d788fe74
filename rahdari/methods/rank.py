"""The rank that would follow when peers grow too, and the years to a level that moves.

A rank says little without its pool: the world's mobile ranking had 144 countries in January 2024 and 111 in September.
So speeds are forecast, peers grow by themselves, and the rank is counted anew in a pool whose size is stated.  Where
peers' speeds are not at hand, they are the quantiles of a lognormal distribution laid through what is published: own
speed at own rank, and one more point (the mean, the median, or another country's speed and rank).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from rahdari.errors import InputError, Problem, raise_if_any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

LEAST_SIGMA, MOST_SIGMA = 0.05, 5.0  # spread of logarithms of speed looked at; countries show 0.5 to 1


@dataclass(frozen=True, slots=True)
class Peers:
    """A lognormal distribution of countries' speeds: median in Mbit/s and standard deviation of the logarithm."""

    median_mbps: float
    sigma_ratio: float

    @property
    def mean_mbps(self) -> float:
        """Return the mean over countries."""
        return self.median_mbps * float(np.exp(0.5 * self.sigma_ratio**2))

    def faster_frac(self, mbps: ArrayLike) -> FloatArray:
        """Return the share of countries that are faster; shape of ``mbps``.

        >>> Peers(50.0, 0.7).faster_frac(50.0).item()
        0.5
        """
        return np.asarray(1.0 - ndtr(np.log(np.asarray(mbps, np.float64) / self.median_mbps) / self.sigma_ratio))

    def speeds_mbps(self, n_peers: int) -> FloatArray:
        """Return (n_peers,) speeds, the fastest first, at the middles of slices of equal chance."""
        chance = 1.0 - (np.arange(n_peers) + 0.5) / n_peers
        return np.asarray(self.median_mbps * np.exp(self.sigma_ratio * ndtri(chance)))


def _score(rank: float, n_pool: int) -> float:
    """Return the standard normal quantile at which a rank of a pool stands: the middle of its slice."""
    return float(ndtri(1.0 - (rank - 0.5) / n_pool))


def peers_from_rank(own_mbps: float, own_rank: int, n_pool: int, *, median_mbps: float | None = None,
                    mean_mbps: float | None = None) -> Peers:  # fmt: skip
    """Return the distribution through own speed at own rank and the median, or the mean, of all countries.

    With a mean two spreads may fit; the smaller is taken, as the larger puts most of the mean into a few countries.
    Refuses points through which none can be laid.

    >>> peers = peers_from_rank(20.61, 100, 111, median_mbps=55.0)
    >>> round(peers.sigma_ratio, 2), round(float(peers.faster_frac(20.61)) * 111, 1)
    (0.78, 99.5)
    """
    faults = []
    if not 1 <= own_rank <= n_pool:
        faults.append(
            Problem(f"rank {own_rank} is not in a pool of {n_pool}", "give a rank of 1 to the pool", "own_rank")
        )
    if own_mbps <= 0.0:
        faults.append(Problem("a speed is not above zero", "give Mbit/s", "own_mbps"))
    if (median_mbps is None) == (mean_mbps is None):
        faults.append(Problem("not one of median and mean", "give one of both", "median_mbps"))
    raise_if_any(faults)
    score = _score(own_rank, n_pool)
    cure = "correct the speed, the rank or the other point"
    if median_mbps is not None:
        sigma = np.log(own_mbps / median_mbps) / score if score else np.nan
        if not LEAST_SIGMA <= sigma <= MOST_SIGMA:
            raise InputError(Problem(f"{own_mbps:g} Mbit/s at rank {own_rank} contradicts the median", cure))
        return Peers(float(median_mbps), float(sigma))
    assert mean_mbps is not None  # noqa: S101  # one of both is there
    gap = float(np.log(mean_mbps / own_mbps))

    def miss(sigma: float) -> float:
        return gap + score * sigma - 0.5 * sigma**2

    # The mean less own, sigma^2 / 2 - score sigma, falls to sigma = score and rises from there.
    start = max(LEAST_SIGMA, score)
    for low, high in ((LEAST_SIGMA, start), (start, MOST_SIGMA)):
        if high > low and miss(low) * miss(high) <= 0.0:
            sigma = float(brentq(miss, low, high))
            return Peers(float(own_mbps * np.exp(-score * sigma)), sigma)
    raise InputError(Problem(f"{own_mbps:g} Mbit/s at rank {own_rank} contradicts the mean", cure))


def rank_against(
    own_mbps: ArrayLike, peers_mbps: ArrayLike, growth_frac_per_year: ArrayLike, years: ArrayLike
) -> IntArray:
    """Return (..., y) the rank of own speeds (..., y) among peers (n,) that have grown for (y,) years.

    The pool is n + 1.  Growth is a scalar, (n,), or (..., n) with draws leading; equal speeds rank above the peer.

    >>> rank_against([30.0, 30.0], [100.0, 50.0, 20.0], 0.5, [0.0, 2.0]).tolist()
    [3, 4]
    """
    own, peers = np.asarray(own_mbps, np.float64), np.asarray(peers_mbps, np.float64)
    elapsed = np.broadcast_to(np.asarray(years, np.float64), own.shape[-1:])
    growth = np.asarray(growth_frac_per_year, np.float64)
    rank = np.ones(np.broadcast_shapes(own.shape, (*growth.shape[:-1], own.shape[-1])), np.int64)
    for t in range(own.shape[-1]):
        then = peers * (1.0 + growth) ** elapsed[t]
        rank[..., t] += (then > own[..., t, None]).sum(axis=-1)
    return rank


def years_to_level(
    value: ArrayLike,
    pace: ArrayLike,
    level: ArrayLike,
    *,
    kind: str = "linear",
    level_growth_frac_per_year: ArrayLike = 0.0,
) -> FloatArray:
    """Return the years until a value that keeps its pace reaches a level that may itself grow; shapes broadcast.

    ``kind`` ``linear``: ``pace`` is added each year; ``steady``: ``pace`` is the share by which it grows.  A level that
    grows does so by a share a year.  0 where the value is there already, infinite where it never comes: a linear pace
    loses to a growing level in the end, so that only the first meeting counts.

    >>> years_to_level(15.6, 3.0, 99.6).item(), years_to_level(10.0, 1.0, 40.0, kind="steady").item()
    (28.0, 2.0)
    """
    now, rate, goal, moves = np.broadcast_arrays(
        *(np.asarray(item, np.float64) for item in (value, pace, level, level_growth_frac_per_year))
    )
    raise_if_any(_level_problems(now, goal, moves, kind))
    is_there = now >= goal
    if kind == "steady":
        step = np.log1p(np.maximum(rate, -1.0 + 1e-12)) - np.log1p(moves)
        years = np.log(goal / now) / np.where(step > 0.0, step, 1.0)
        return np.where(is_there, 0.0, np.where(step > 0.0, years, np.inf))
    still = (goal - now) / np.where(rate > 0.0, rate, 1.0)
    found = np.where(is_there, 0.0, np.where(rate > 0.0, still, np.inf))
    for index in np.argwhere(~is_there & (rate > 0.0) & (moves != 0.0)):
        at = tuple(index.tolist())
        found[at] = _meeting(float(now[at]), float(rate[at]), float(goal[at]), float(moves[at]))
    return np.asarray(found)


def _level_problems(now: FloatArray, goal: FloatArray, moves: FloatArray, kind: str) -> list[Problem]:
    faults = []
    if kind not in {"linear", "steady"}:
        faults.append(Problem(f"kind '{kind}' is unknown", "give linear or steady", "kind"))
    if not ((now > 0.0).all() and (goal > 0.0).all()):
        faults.append(Problem("a value or level is not above zero", "give numbers above zero", "level"))
    if not (moves > -1.0).all():
        faults.append(Problem("a level's growth is not above -1", "give a share", "level_growth_frac_per_year"))
    return faults


def _meeting(now: float, pace: float, goal: float, moves: float) -> float:
    """Return the first time at which a straight line from below meets an exponential, infinite where it does not."""
    speed = float(np.log1p(moves))

    def short(t: float) -> float:
        return goal * float(np.exp(speed * t)) - now - pace * t

    if speed < 0.0:
        return float(brentq(short, 0.0, (goal - now) / pace))
    # A convex difference: least where the level's slope equals the pace.
    least = float(np.log(pace / (goal * speed))) / speed
    if least <= 0.0 or short(least) > 0.0:
        return float("inf")
    return float(brentq(short, 0.0, least))
