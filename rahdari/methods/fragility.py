"""How likely an asset is damaged at an intensity of a hazard: curves with uncertainty that a user may replace.

A curve belongs to an asset class, a hazard and a damage state, and gives the chance that damage is at least that state.
It is log-normal in the intensity (median and spread), or a line through points of the user's own.  The catalogue's
curves are mostly assumed: published curves for telecommunications are scarce (Nirandjan and others, 2024, call the
sector largely underrepresented among 1,510 curves), so each carries a low and a high median beside the central one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import ndtr

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.hazard_sampling import STATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

Which = Literal["low", "central", "high"]  # of the damage: a high median gives the low end
STATE_NAMES = ("light", "moderate", "extensive", "complete")
_CHECKED_POINTS = 200  # intensities at which states of different spread are held against each other
_CHECKED_SPAN = 4.0  # spreads around the medians
_CROSSING = 0.02  # of chance by which states may cross: log-normal curves of different spread always do far out


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The chance of damage of at least one state at an intensity.

    Made by :func:`lognormal_curve` or :func:`point_curve`.
    ``median_value`` (low, central, high damage) and ``spread_ratio``; or ``intensity_value`` (k,) and ``damage_frac``
    (3, k) for low, central and high damage, level beyond the ends.
    """

    asset_class: str
    hazard: str
    state: str
    repair_h: float
    repair_sigma_ratio: float
    median_value: tuple[float, float, float] | None = None
    spread_ratio: float = 0.0
    intensity_value: FloatArray | None = None
    damage_frac: FloatArray | None = None

    def chance_frac(self, intensity_value: ArrayLike, which: Which = "central") -> FloatArray:
        """Return the chance of at least this damage at intensities of any shape; 0 at an intensity of 0 or less."""
        x = np.asarray(intensity_value, np.float64)
        row = ("low", "central", "high").index(which)
        if self.median_value is not None:
            positive = np.maximum(x, np.finfo(np.float64).tiny)
            return np.where(x > 0.0, ndtr(np.log(positive / self.median_value[row]) / self.spread_ratio), 0.0)
        if self.intensity_value is None or self.damage_frac is None:
            raise InputError(Problem(f"the curve of {self.asset_class} is empty", "give a median or points"))
        return np.where(x > 0.0, np.interp(x, self.intensity_value, self.damage_frac[row]), 0.0)


def _label(asset_class: str, hazard: str, state: str) -> str:
    return f"{asset_class}, {hazard}, {state}"


def lognormal_curve(
    asset_class: str,
    hazard: str,
    state: str,
    median_value: float,
    spread_ratio: float,
    *,
    low_value: float | None = None,
    high_value: float | None = None,
    repair_h: float = 24.0,
    repair_sigma_ratio: float = 0.0,
) -> Curve:
    """Return a log-normal curve; ``low_value`` and ``high_value`` bound the median.

    Medians and the spread must be above zero and the bounds in order, else :class:`InputError`.

    >>> float(lognormal_curve("tower", "earthquake", "light", 0.4, 0.6).chance_frac(0.4))
    0.5
    """
    low, high = median_value if low_value is None else low_value, median_value if high_value is None else high_value
    label, problems = _label(asset_class, hazard, state), []
    if not 0.0 < low <= median_value <= high < np.inf:
        what = f"{label}: medians {low:g}, {median_value:g}, {high:g}"
        problems.append(Problem(what, "give low, central and high above zero, in this order"))
    if not 0.0 < spread_ratio < np.inf:
        problems.append(Problem(f"{label}: a spread of {spread_ratio:g}", "give the logarithmic spread, above zero"))
    problems += _repair_problems(label, state, repair_h, repair_sigma_ratio)
    raise_if_any(problems)
    # A high median means little damage: low damage comes first.
    return Curve(asset_class, hazard, state, repair_h, repair_sigma_ratio, (high, median_value, low), spread_ratio)


def _repair_problems(label: str, state: str, repair_h: float, sigma: float) -> list[Problem]:
    problems = []
    if state not in STATE_NAMES:
        problems.append(Problem(f"{label}: unknown state", f"use {', '.join(STATE_NAMES)}"))
    if not (repair_h > 0.0 and sigma >= 0.0):
        problems.append(Problem(f"{label}: repair of {repair_h:g} h, spread {sigma:g}", "give hours above zero"))
    return problems


def point_curve(
    asset_class: str,
    hazard: str,
    state: str,
    intensity_value: ArrayLike,
    damage_frac: ArrayLike,
    *,
    low_frac: ArrayLike | None = None,
    high_frac: ArrayLike | None = None,
    repair_h: float = 24.0,
    repair_sigma_ratio: float = 0.0,
) -> Curve:
    """Return a curve through points: intensities in rising order, chances that never fall, from 0 to 1.

    A curve that falls anywhere, bounds that cross it, or chances outside 0 to 1 raise :class:`InputError`, all at once.
    """
    x, middle = np.asarray(intensity_value, np.float64), np.asarray(damage_frac, np.float64)
    low = middle if low_frac is None else np.asarray(low_frac, np.float64)
    high = middle if high_frac is None else np.asarray(high_frac, np.float64)
    label = _label(asset_class, hazard, state)
    if not x.size or not x.shape == middle.shape == low.shape == high.shape:
        raise InputError(
            Problem(f"{label}: points do not fit", "give one chance for each intensity, one point or more")
        )
    problems = _repair_problems(label, state, repair_h, repair_sigma_ratio)
    if (np.diff(x) <= 0.0).any():
        problems.append(Problem(f"{label}: intensities do not rise", "sort the points and give each intensity once"))
    for name, line in (("damage_frac", middle), ("damage_low_frac", low), ("damage_high_frac", high)):
        if not ((line >= 0.0) & (line <= 1.0)).all():
            problems.append(Problem(f"{label}: {name} leaves 0 to 1", "give chances from 0 to 1"))
        problems += [
            Problem(
                f"{label}: not monotone: {name} falls from {line[i]:g} to {line[i + 1]:g} at intensity {x[i + 1]:g}",
                "more intensity never damages less: raise it, or lower the points before",
                row=i + 2,
            )
            for i in np.flatnonzero(np.diff(line) < 0.0).tolist()
        ]
    if ((low > middle) | (middle > high)).any():
        problems.append(Problem(f"{label}: bounds cross the curve", "give low, central and high in this order"))
    raise_if_any(problems)
    return Curve(asset_class, hazard, state, repair_h, repair_sigma_ratio, None, 0.0, x, np.stack([low, middle, high]))


@dataclass(frozen=True, slots=True, eq=False)
class Fragility:
    """All curves, by asset class and hazard, from light to complete damage."""

    curves: tuple[Curve, ...]

    def of(self, asset_class: str, hazard: str) -> tuple[Curve, ...]:
        """Return the curves of an asset class under a hazard from light to complete, none where it is not touched."""
        found = [c for c in self.curves if c.asset_class == asset_class and c.hazard == hazard]
        return tuple(sorted(found, key=lambda c: STATE_NAMES.index(c.state)))

    def damage(
        self, asset_class: str, hazard: str, intensity_value: ArrayLike, which: Which = "central"
    ) -> tuple[FloatArray, FloatArray]:
        """Return (k,) chances of any damage, and (k, 3) how likely damage that is there goes on to the next state."""
        x = np.atleast_1d(np.asarray(intensity_value, np.float64))
        chance = np.zeros((STATES + 1, x.size))
        for curve in self.of(asset_class, hazard):
            chance[STATE_NAMES.index(curve.state)] = curve.chance_frac(x, which)
        # A state without a curve is as likely as the worse ones together.
        chance = np.maximum.accumulate(chance[::-1], axis=0)[::-1]
        before = np.where(chance[:-1] > 0.0, chance[:-1], 1.0)
        return chance[0], np.clip(chance[1:STATES] / before[: STATES - 1], 0.0, 1.0).T

    def repair(self, class_name: Sequence[str], hazard: str) -> tuple[FloatArray, FloatArray]:
        """Return (classes, 4) medians and spreads of repair by asset class and state.

        A state without a curve takes the nearest lighter one's, else the nearest worse one's.
        """
        hours, sigma = np.ones((len(class_name), STATES)), np.zeros((len(class_name), STATES))
        for row, name in enumerate(class_name):
            known = {STATE_NAMES.index(c.state): c for c in self.of(name, hazard)}
            for state in range(STATES):
                lighter = [s for s in known if s <= state]
                if known:
                    curve = known[max(lighter)] if lighter else known[min(known)]
                    hours[row, state], sigma[row, state] = curve.repair_h, curve.repair_sigma_ratio
        return hours, sigma


def fragility(curves: Sequence[Curve]) -> Fragility:
    """Return curves together, checked: each once, and a worse state never likelier than a lighter one.

    Faults raise :class:`InputError`, all at once.
    """
    made = Fragility(tuple(curves))
    problems = []
    seen: set[str] = set()
    for curve in curves:
        label = _label(curve.asset_class, curve.hazard, curve.state)
        if label in seen:
            problems.append(Problem(f"{label}: two curves", "give each state one curve"))
        seen.add(label)
    for asset_class, hazard in sorted({(c.asset_class, c.hazard) for c in curves}):
        own = made.of(asset_class, hazard)
        for lighter, worse in pairwise(own):
            x = _checked_at(lighter, worse)
            gap = worse.chance_frac(x) - lighter.chance_frac(x)
            if gap.max() > _CROSSING:
                at = f"at {x[gap.argmax()]:g}"
                what = f"{asset_class}, {hazard}: {worse.state} damage is likelier than {lighter.state} {at}"
                problems.append(Problem(what, "lower the worse curve or raise the lighter one"))
    raise_if_any(problems)
    return made


def _checked_at(*curves: Curve) -> FloatArray:
    points = [c.intensity_value for c in curves if c.intensity_value is not None]
    ends = [
        np.exp(np.log(c.median_value[1]) + c.spread_ratio * np.linspace(-_CHECKED_SPAN, _CHECKED_SPAN, _CHECKED_POINTS))
        for c in curves
        if c.median_value is not None
    ]
    return np.unique(np.concatenate([*points, *ends]))


def fragility_of(curves: pl.DataFrame, points: pl.DataFrame | None = None) -> Fragility:
    """Return the curves of a table ``fragility_curves``, each replaced where ``points`` has its identifier.

    ``points``: curve_id, intensity_value, damage_frac, and if wanted damage_low_frac and damage_high_frac.  Every fault
    of every curve raises :class:`InputError` at once.
    """
    problems: list[Problem] = []
    made = []
    by_curve = {} if points is None else {str(k[0]): f for k, f in points.group_by("curve_id", maintain_order=True)}
    known = set(curves["curve_id"].to_list())
    problems += [
        Problem(f"points name curve {name}, which is not there", "add its row to fragility_curves", "fragility_points")
        for name in sorted(set(by_curve) - known)
    ]
    for row in curves.sort("curve_id").iter_rows(named=True):
        try:
            made.append(_curve_of_row(row, by_curve.get(row["curve_id"])))
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    return fragility(made)


def _curve_of_row(row: dict[str, Any], points: pl.DataFrame | None) -> Curve:
    """Return the curve of one row of the table, through its points where it has some."""
    names = row["asset_class"], row["hazard"], row["state"]
    hours, sigma = row["repair_h"], row["repair_sigma_ratio"]
    if points is None:
        return lognormal_curve(
            *names, row["median_value"], row["spread_ratio"], low_value=row["median_low_value"],
            high_value=row["median_high_value"], repair_h=hours, repair_sigma_ratio=sigma,
        )  # fmt: skip

    def line(name: str) -> FloatArray | None:
        return points[name].to_numpy() if name in points.columns else None

    ordered = points["intensity_value"].to_numpy(), points["damage_frac"].to_numpy()
    return point_curve(
        *names, *ordered, low_frac=line("damage_low_frac"), high_frac=line("damage_high_frac"), repair_h=hours,
        repair_sigma_ratio=sigma,
    )  # fmt: skip
