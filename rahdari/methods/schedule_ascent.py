"""Prices of limits, the bound that they prove, and steps that raise it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.kernels.schedule_bound import loads, priced_out
from rahdari.methods.schedule_case import MILLI

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.schedule_case import Case

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

STEP_WORK = 2.5e8  # packages x periods priced while prices improve: about two seconds
FEWEST_STEPS, MOST_STEPS = 120, 300
KEPT_FRAC = 0.7  # of the direction before, against zigzag (Camerini, Fratta and Maffioli 1975)
MEAN_FRAC = 0.03  # least weight of a step in the mean of starts
PATIENCE = 10  # steps without a better bound after which steps shrink
SHRINK = 1.5
LINK_SHARE = 3.0  # the price of a link moves as if its limit were the horizon over this
TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Prices of zero or more in the objective's unit times periods.

    ``crews`` (periods, pools) of a crew for a period; ``left`` (years,) of money by the limit of each year; ``stock``
    (materials, periods) of a unit at hand by then; ``link`` (links,) of precedence in the order of the packages before.
    """

    crews: FloatArray
    left: FloatArray
    stock: FloatArray
    link: FloatArray

    def of(self, case: Case) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return the prices as kernels take them (see :data:`rahdari.kernels.schedule_bound.PRICES`)."""
        summed = np.zeros((self.crews.shape[1], self.crews.shape[0] + 1))
        summed[:, 1:] = np.cumsum(self.crews.T / MILLI, axis=1)
        drawn = np.ascontiguousarray(np.cumsum(self.stock[:, ::-1], axis=1)[:, ::-1])
        links_in = np.bincount(case.after, self.link, minlength=case.value.size)
        return summed, self.money(case), drawn, self.link, np.asarray(links_in, np.float64)

    def money(self, case: Case) -> FloatArray:
        """Return (years,) the price of a unit of money spent in each year."""
        return np.asarray(case.chain.T @ self.left if self.left.size else np.zeros(0))


def bound_at(case: Case, prices: Prices, chosen: IntArray | None = None) -> float:
    """Return the bound below value x end of every schedule that prices of zero or more prove.

    ``chosen`` (n,) is filled with each package's cheapest start.  Undone packages end at the horizon.
    """
    starts = case.start.copy() if chosen is None else chosen
    total = priced_out(case.movable, case.head, starts, case.work, case.books, prices.of(case))
    worth = (prices.crews * (case.free / MILLI)).sum() + prices.left @ case.left + (prices.stock * case.stock).sum()
    done = np.flatnonzero(case.start >= 0)
    fixed = (case.value[done] * (case.start[done] + case.duration[done])).sum()
    return float(total - worth + fixed)


@dataclass(frozen=True, slots=True, eq=False)
class _Slopes:
    """How far cheapest starts overstep each limit, as a share of the limit; the limits themselves."""

    parts: tuple[FloatArray, ...]

    def squared(self) -> float:
        return float(sum((part**2).sum() for part in self.parts))


def _scales(case: Case) -> tuple[FloatArray, ...]:
    """Return what one of each limit is: a price times its scale moves in steps of one size for all."""
    link = np.full(case.after.size, case.horizon / LINK_SHARE)
    return (*(np.where(part > 0.0, part, 1.0) for part in (case.free / MILLI, case.left, case.stock)), link)


def _slopes(case: Case, chosen: IntArray, scales: tuple[FloatArray, ...]) -> _Slopes:
    held, spent = np.zeros_like(case.free), np.zeros(case.left.size)
    drawn = np.zeros_like(case.stock)
    loads(case.movable, chosen, held, spent, drawn, case.work)
    before = np.repeat(np.arange(case.value.size), np.diff(case.first_after))
    start = np.where(chosen >= 0, chosen, case.horizon)
    wait = np.maximum(case.horizon - start[before] - case.gap_after, 0)
    both_free = (case.start[before] < 0) & (case.start[case.after] < 0)
    late = np.where(both_free, case.horizon - start[case.after] - wait, 0.0)
    money = case.chain @ spent - case.left if spent.size else spent
    over = (held - case.free) / MILLI, money, np.cumsum(drawn, axis=1) - case.stock, late
    return _Slopes(tuple(part / scale for part, scale in zip(over, scales, strict=True)))


def ascend(case: Case, prices: Prices, target: float, most_steps: int = MOST_STEPS) -> tuple[float, Prices, FloatArray]:
    """Return the best bound found, its prices and (n,) mean cheapest starts, by steps along damped subgradients.

    The mean over steps, later ones weighing more, comes near the starts of the linear relaxation (Barahona and Anbil
    2000): a good order to place packages in.  Undone counts as the horizon.

    ``target`` is the worth of a schedule.  The number of steps rests on the size of the problem alone.
    """
    size = max(1, case.movable.size * case.horizon)
    n_steps = int(np.clip(STEP_WORK / size, FEWEST_STEPS, most_steps))
    scales, chosen = _scales(case), case.start.copy()
    best, best_prices = bound_at(case, prices, chosen), prices
    now, bound, length, stale = prices, best, 1.0, 0
    direction = _Slopes(tuple(np.zeros_like(part) for part in scales))
    mean = np.where(chosen >= 0, chosen, case.horizon).astype(np.float64)
    for step_number in range(n_steps):
        slopes = _slopes(case, chosen, scales)
        pairs = zip(slopes.parts, direction.parts, strict=True)
        direction = _Slopes(tuple(new + KEPT_FRAC * old for new, old in pairs))
        norm = direction.squared()
        if norm < TINY or target - bound <= TINY * abs(target):
            break
        step = length * (target - bound) / norm
        old_prices = (now.crews, now.left, now.stock, now.link)
        trio = zip(old_prices, direction.parts, scales, strict=True)
        now = Prices(*(np.maximum(old + step * way / scale, 0.0) for old, way, scale in trio))
        bound = bound_at(case, now, chosen)
        mean += max(MEAN_FRAC, 2.0 / (step_number + 2.0)) * (np.where(chosen >= 0, chosen, case.horizon) - mean)
        stale += 1
        if bound > best:
            best, best_prices, stale = bound, now, 0
        elif stale >= PATIENCE:
            length, stale, now = length / SHRINK, 0, best_prices
            bound = bound_at(case, now, chosen)
            direction = _Slopes(tuple(np.zeros_like(part) for part in scales))
    return best, best_prices, mean
