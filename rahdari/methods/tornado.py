"""What is not known, as ranges: draws, a tornado of what matters, and results as distributions.

A range has a low end, a middle and a high end.  ``triangular``: ends are the least and the most.  ``uniform``: the
same, the middle counts for the tornado only.  ``lognormal``: ends are the tenth and ninetieth percentiles, the middle
the median; its two sides may differ.  Draws are Latin hypercubes, every range in slices of equal chance (McKay, Beckman
and Conover 1979), so that percentiles settle with fewer draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from rahdari.errors import Problem, raise_if_any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    Drawn = Mapping[str, FloatArray]

Shape = Literal["triangular", "lognormal", "uniform"]
Z_P90 = 1.2815515655446004  # standard normal quantile of 0.9
PERCENTILES = (0.1, 0.5, 0.9)
LEAST_PER_BIN = 25  # draws in a slice of one range when its share of the variance is read off


@dataclass(frozen=True, slots=True)
class Range:
    """What one number may be; ``source`` says how the range is known."""

    name: str
    low: float
    base: float
    high: float
    shape: Shape = "triangular"
    source: str = "assumed"

    def quantile(self, chance: ArrayLike) -> FloatArray:
        """Return the values below which the number lies with these chances, each in (0, 1).

        >>> Range("price", 1.0, 2.0, 3.0).quantile([0.5]).tolist()
        [2.0]
        >>> Range("price", 1.0, 2.0, 8.0, "lognormal").quantile([0.1, 0.5, 0.9]).round(9).tolist()
        [1.0, 2.0, 8.0]
        """
        u = np.asarray(chance, np.float64)
        low, base, high = self.low, self.base, self.high
        if self.shape == "uniform" or high == low:
            return np.asarray(low + (high - low) * u)
        if self.shape == "triangular":
            turn = (base - low) / (high - low)
            left = low + np.sqrt(u * (high - low) * (base - low))
            right = high - np.sqrt((1.0 - u) * (high - low) * (high - base))
            return np.where(u < turn, left, right)
        from scipy.special import ndtri

        z = np.asarray(ndtri(u), np.float64)
        down, up = float(np.log(base / low)), float(np.log(high / base))
        spread = np.where(z < 0.0, down, up) / Z_P90
        return np.asarray(base * np.exp(spread * z))


def _problems(ranges: Sequence[Range]) -> list[Problem]:
    faults = []
    names = [item.name for item in ranges]
    for item in ranges:
        if names.count(item.name) > 1:
            faults.append(Problem(f"'{item.name}' stands twice", "keep one range for a name", "ranges"))
        if not item.low <= item.base <= item.high:
            words = f"'{item.name}': {item.low:g}, {item.base:g}, {item.high:g} do not ascend"
            faults.append(Problem(words, "give low, base, high", "ranges"))
        elif item.shape == "lognormal" and item.low <= 0.0:
            faults.append(Problem(f"'{item.name}' is not above zero", "a lognormal range needs low > 0", "ranges"))
    return faults


def drawn(ranges: Sequence[Range], n_draws: int, random: np.random.Generator) -> dict[str, FloatArray]:
    """Return (n_draws,) values of each range by name; ranges are drawn in the order of their names.

    >>> values = drawn([Range("a", 0.0, 0.5, 1.0, "uniform")], 4, np.random.Generator(np.random.Philox(1)))
    >>> np.floor(np.sort(values["a"]) * 4.0).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    raise_if_any(_problems(ranges))
    found = {}
    for item in sorted(ranges, key=lambda each: each.name):
        slices = random.permutation(n_draws)
        found[item.name] = item.quantile((slices + random.random(n_draws)) / n_draws)
    return found


def at_base(ranges: Sequence[Range], n_rows: int = 1) -> dict[str, FloatArray]:
    """Return (n_rows,) middles of each range by name."""
    return {item.name: np.full(n_rows, item.base) for item in sorted(ranges, key=lambda each: each.name)}


def tornado(model: Callable[[Drawn], ArrayLike], ranges: Sequence[Range]) -> pl.DataFrame:
    """Return what each range alone does to the result, the others at their middles, the widest first.

    ``model`` takes values (n,) by name and returns (n,); it is called once.  Columns ``name``, ``low_value``,
    ``high_value`` (the tenth and ninetieth percentiles of the range), ``at_low_value``, ``at_base_value``,
    ``at_high_value`` (results), ``swing_value`` (their distance).
    """
    raise_if_any(_problems(ranges))
    chosen = sorted(ranges, key=lambda each: each.name)
    rows = at_base(chosen, 1 + 2 * len(chosen))
    ends = [item.quantile([PERCENTILES[0], PERCENTILES[-1]]) for item in chosen]
    for i, item in enumerate(chosen):
        rows[item.name][1 + 2 * i : 3 + 2 * i] = ends[i]
    result = np.asarray(model(rows), np.float64)
    low, high = result[1::2], result[2::2]
    frame = pl.DataFrame(
        {
            "name": [item.name for item in chosen],
            "low_value": [float(end[0]) for end in ends],
            "high_value": [float(end[1]) for end in ends],
            "at_low_value": low,
            "at_base_value": np.full(len(chosen), result[0]),
            "at_high_value": high,
            "swing_value": np.abs(high - low),
        }
    )
    return frame.sort("swing_value", "name", descending=[True, False])


def _ranks(values: FloatArray) -> FloatArray:
    """Return ranks (n,), ties sharing their mean rank."""
    _, position, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - 0.5 * (count - 1.0))[position], np.float64)


def importance(values: Drawn, result: ArrayLike) -> pl.DataFrame:
    """Return what the draws say of each range: rank correlation with the result, and its share of the variance.

    ``variance_frac`` is the first-order index of Sobol, the variance of the result's mean within slices of the range,
    less what slices of mere noise would show; ``rank_correlation_ratio`` Spearman's.  The largest share comes first.
    """
    outcome = np.asarray(result, np.float64)
    total = float(outcome.var())
    ranked = _ranks(outcome)
    rows = []
    for name in sorted(values):
        column = np.asarray(values[name], np.float64)
        if total <= 0.0 or column.min() == column.max():
            rows.append((name, 0.0, 0.0))
            continue
        correlation = float(np.corrcoef(_ranks(column), ranked)[0, 1])
        n_bins = max(2, min(50, outcome.size // LEAST_PER_BIN))
        parts = np.array_split(outcome[np.argsort(column, kind="stable")], n_bins)
        size = np.array([part.size for part in parts], np.float64)
        mean, inner = np.array([part.mean() for part in parts]), np.array([part.var(ddof=1) for part in parts])
        between = float((size * (mean - outcome.mean()) ** 2).sum() / outcome.size)
        noise = float(inner.sum() / outcome.size)
        rows.append((name, correlation, min(1.0, max(0.0, (between - noise) / total))))
    schema = {"name": pl.String(), "rank_correlation_ratio": pl.Float64(), "variance_frac": pl.Float64()}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.sort("variance_frac", "name", descending=[True, False])


@dataclass(frozen=True, slots=True)
class Spread:
    """A result as a distribution: percentiles 10, 50 and 90 and the mean."""

    p10: float
    p50: float
    p90: float
    mean: float


def spread(result: ArrayLike) -> Spread:
    """Return the percentiles and the mean of draws (n,); infinite draws count, draws that are no number do not.

    >>> spread([0.0, 1.0, 2.0, 3.0, 4.0]).p50
    2.0
    """
    outcome = np.asarray(result, np.float64)
    outcome = np.sort(outcome[~np.isnan(outcome)])
    if not outcome.size:
        raise_if_any([Problem("no draw has a result", "see why each has none", "result")])
    # Interpolation between an endless and a finite draw has no value: the nearest draws are taken there.
    method: Literal["linear", "inverted_cdf"] = "linear" if np.isfinite(outcome).all() else "inverted_cdf"
    p10, p50, p90 = np.quantile(outcome, PERCENTILES, method=method).tolist()
    return Spread(p10, p50, p90, float(outcome.mean()))
