"""How fast a service spreads, who can pay for it, and what traffic follows.

Spread.  A share F of a saturation m adopts at the rate (p + q F)(1 - F): p from outside, q from those who have it (Bass
1969, A new product growth model for consumer durables).  From a known start F0 the solution is::

    F(t) = (1 - p c e) / (1 + q c e),   c = (1 - F0) / (p + q F0),   e = exp(-(p + q) t)

which holds for p = 0 (the logistic curve) too.  Curves are fitted by least squares to relative misses.  A short series
cannot carry a rich curve: the number of points chooses the curve, and what the points do not settle is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from scipy import optimize

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.finance import share_above_income
from rahdari.methods.observations import Observation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

Curve = Literal["bass", "logistic", "growth"]
#: Curve -> free numbers beside the saturation, which is one more where it is fitted.
FREE = {"bass": 3, "logistic": 2, "growth": 2}
LEAST_POINTS = 2
LEAST_P, MOST_P = 1e-5, 0.5  # outside influence a year; Sultan, Farley and Lehmann 1990 find 0.03 as the mean of 213
LEAST_Q, MOST_Q = 1e-3, 3.0  # from those who have it; the same study finds 0.38
LEAST_F0, MOST_F0 = 1e-6, 0.999
MOST_SATURATION = 1e3  # times the largest value seen
UNKNOWN_SCATTER_FRAC = 0.05  # of points where none is to spare: assumed
LOOSE_LOG = 0.5  # standard error of a logarithm above which a number is not settled by the points
FIRST_GUESSES = ((0.03, 0.38), (0.003, 0.8), (0.1, 0.1))
Z_P90 = 1.2815515655446004  # standard normal quantile of 0.9
MBIT_PER_GB = 8000.0
GB_PER_PB = 1e6
SECONDS_PER_BUSY_HOUR = 3600.0
DAYS_PER_MONTH = 365.25 / 12.0


def bass_frac(years: ArrayLike, p: ArrayLike, q: ArrayLike, start_frac: ArrayLike) -> FloatArray:
    """Return the share that has adopted ``years`` after it was ``start_frac``; shapes broadcast, p + q > 0.

    >>> bass_frac([0.0, 1.0], 0.03, 0.38, 0.1).round(4).tolist()
    [0.1, 0.1698]
    """
    p_, q_, f0 = (np.asarray(item, np.float64) for item in (p, q, start_frac))
    c = (1.0 - f0) / (p_ + q_ * f0)
    e = np.exp(-(p_ + q_) * np.asarray(years, np.float64))
    return np.asarray((1.0 - p_ * c * e) / (1.0 + q_ * c * e))


@dataclass(frozen=True, slots=True, eq=False)
class Adoption:
    """A fitted curve: its numbers as logarithms with their covariance, what it was fitted to, and what is not settled.

    ``log_values`` (n,) in the order of ``names``; ``start_year`` is the first point's.  ``is_settled`` is false where
    the points do not settle the curve; ``notes`` says why.
    """

    curve: Curve
    names: tuple[str, ...]
    log_values: FloatArray
    covariance: FloatArray
    saturation: float | None
    start_year: float
    scatter_frac: float
    n_points: int
    notes: tuple[str, ...]

    @property
    def is_settled(self) -> bool:
        """Return whether the points settle every number of the curve."""
        return not self.notes

    def value(self, name: str) -> float:
        """Return one number of the curve: p, q, start_frac, saturation, start, growth."""
        if name == "saturation" and self.saturation is not None:
            return self.saturation
        return float(np.exp(self.log_values[self.names.index(name)]))

    def predict(self, years: ArrayLike) -> FloatArray:
        """Return (y,) the curve at decimal years."""
        return np.asarray(self._at(years, self.log_values[None])[0])

    def draws(self, years: ArrayLike, n_draws: int, random: np.random.Generator) -> FloatArray:
        """Return (n_draws, y) curves with numbers drawn from the fit's covariance, each with the points' scatter.

        The scatter of a draw is one lognormal factor for all years: a curve that is high stays high.
        """
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        normal = random.standard_normal((n_draws, self.log_values.size + 1))
        moved = self.log_values + normal[:, :-1] @ root.T
        return np.asarray(self._at(years, moved) * np.exp(self.scatter_frac * normal[:, -1:]))

    def band(self, years: ArrayLike, n_draws: int, random: np.random.Generator) -> FloatArray:
        """Return (3, y) the tenth, fiftieth and ninetieth percentiles of the draws."""
        return np.asarray(np.quantile(self.draws(years, n_draws, random), [0.1, 0.5, 0.9], axis=0))

    def _at(self, years: ArrayLike, log_values: FloatArray) -> FloatArray:
        """Return (d, y) the curve at years for (d, n) logarithms."""
        elapsed = np.asarray(years, np.float64) - self.start_year
        number = {name: np.exp(log_values[:, i, None]) for i, name in enumerate(self.names)}
        if self.curve == "growth":
            return np.asarray(number["start"] * number["growth"] ** elapsed)
        top = number.get("saturation", np.array([[self.saturation or 1.0]]))
        p = number.get("p", np.zeros((1, 1)))
        q = np.minimum(number["q"], MOST_Q)
        return np.asarray(top * bass_frac(elapsed, p, q, np.minimum(number["start_frac"], MOST_F0)))


def series_of(series: pl.DataFrame | Sequence[Observation] | Sequence[tuple[float, float]]) -> FloatArray:
    """Return (n, 2) years and values, oldest first, from a frame with ``year`` and ``value``, observations or pairs.

    All wrong rows are raised at once: values must be above zero and years distinct.

    >>> series_of([(2023.5, 20.0), (2021.5, 12.0)]).tolist()
    [[2021.5, 12.0], [2023.5, 20.0]]
    """
    if isinstance(series, pl.DataFrame):
        missing = [name for name in ("year", "value") if name not in series.columns]
        raise_if_any([Problem(f"there is no column '{name}'", "add it", "series", None, name) for name in missing])
        pairs = series.select(pl.col("year", "value").cast(pl.Float64())).to_numpy()
    else:
        pairs = np.array(
            [(item.at_year, item.value) if isinstance(item, Observation) else tuple(item) for item in series],
            np.float64,
        ).reshape(-1, 2)
    faults = []
    if len(pairs) < LEAST_POINTS:
        faults.append(Problem(f"the series has {len(pairs)} points", "give two at least", "series"))
    bad = np.flatnonzero(~(np.isfinite(pairs).all(axis=1) & (pairs[:, 1] > 0.0)))
    faults += [Problem("no value above zero", "correct it", "series", int(row) + 1, "value") for row in bad[:6]]
    if np.unique(pairs[:, 0]).size < len(pairs):
        faults.append(Problem("a year stands twice", "keep one value a date", "series", None, "year"))
    raise_if_any(faults)
    return np.asarray(pairs[np.argsort(pairs[:, 0])])


def chosen_curve(n_points: int, *, has_saturation: bool) -> Curve:
    """Return the richest curve that leaves a point to spare.

    With a stated saturation: Bass from four points, the logistic curve from three.  Without: Bass from five, else
    steady growth, which needs none.

    >>> chosen_curve(4, has_saturation=True), chosen_curve(4, has_saturation=False)
    ('bass', 'growth')
    """
    fitted = 0 if has_saturation else 1
    if n_points > FREE["bass"] + fitted:
        return "bass"
    return "logistic" if has_saturation and n_points > FREE["logistic"] else "growth"


def adoption(
    series: pl.DataFrame | Sequence[Observation] | Sequence[tuple[float, float]],
    *,
    saturation: float | None = None,
    curve: Curve | None = None,
) -> Adoption:
    """Return the curve fitted to a series, with its uncertainty.

    ``saturation`` states what is approached for ever (households, 100 %); ``None`` fits it too.  The curve is chosen by
    the number of points unless given.  A number whose logarithm has a standard error above 0.5, or that rests on the
    edge of its range, is not settled: ``notes`` says so, and a stated saturation is the cure.

    >>> fibre = adoption([(2022.5, 11.8), (2023.5, 13.2), (2024.5, 14.8), (2025.5, 17.9)], saturation=100.0)
    >>> fibre.curve, bool(20.0 < fibre.predict([2027.5])[0] < 26.0)
    ('bass', True)
    """
    points = series_of(series)
    if saturation is not None and not saturation > float(points[:, 1].max()):
        words = f"the saturation {saturation:g} is not above the largest value {points[:, 1].max():g}"
        raise_if_any([Problem(words, "give a larger one", "saturation")])
    kind = curve or chosen_curve(len(points), has_saturation=saturation is not None)
    if kind == "growth":
        return _growth(points)
    return _bass(points, kind, saturation)


def _growth(points: FloatArray) -> Adoption:
    """Return steady growth fitted to logarithms: a straight line; ``growth`` is the factor of a year."""
    elapsed, log_value = points[:, 0] - points[0, 0], np.log(points[:, 1])
    design = np.stack([np.ones_like(elapsed), elapsed], axis=1)
    (start, rate), *_ = np.linalg.lstsq(design, log_value, rcond=None)
    spare = len(points) - 2
    scatter = (
        float(np.sqrt(((log_value - design @ [start, rate]) ** 2).sum() / spare)) if spare else UNKNOWN_SCATTER_FRAC
    )
    shape = np.asarray(scatter**2 * np.linalg.inv(design.T @ design), np.float64)
    notes = () if spare else (f"two points do not say how far they scatter: {UNKNOWN_SCATTER_FRAC:.0%} is assumed",)
    return Adoption(
        "growth", ("start", "growth"), np.array([start, rate]), shape, None, float(points[0, 0]), scatter,
        len(points), notes,
    )  # fmt: skip


def _bass(points: FloatArray, kind: Curve, saturation: float | None) -> Adoption:
    """Return a Bass or logistic curve fitted to relative misses from several starts, the best kept."""
    elapsed, value = points[:, 0] - points[0, 0], points[:, 1]
    names = (*(("p",) if kind == "bass" else ()), "q", "start_frac", *(("saturation",) if saturation is None else ()))
    top = float(value.max())
    limits = {
        "p": (LEAST_P, MOST_P), "q": (LEAST_Q, MOST_Q), "start_frac": (LEAST_F0, MOST_F0),
        "saturation": (1.001 * top, MOST_SATURATION * top),
    }  # fmt: skip
    low, high = (np.log([limits[name][end] for name in names]) for end in (0, 1))
    shell = Adoption(kind, names, low, np.zeros((len(names),) * 2), saturation, float(points[0, 0]), 0.0, 0, ())

    def miss(log_values: FloatArray) -> FloatArray:
        return np.asarray(np.log(shell._at(elapsed + shell.start_year, log_values[None])[0] / value))  # noqa: SLF001

    best: optimize.OptimizeResult | None = None
    for p, q in FIRST_GUESSES:
        reach = saturation or 2.0 * top
        first = {"p": p, "q": q, "start_frac": float(value[0]) / reach, "saturation": reach}
        start = np.clip(np.log([first[name] for name in names]), low + 1e-6, high - 1e-6)
        found = optimize.least_squares(miss, start, bounds=(low, high), xtol=1e-12, ftol=1e-12, gtol=1e-12)
        if best is None or found.cost < best.cost * (1.0 - 1e-9):
            best = found
    assert best is not None  # noqa: S101  # there are first guesses
    return _with_doubt(shell, best, (low, high), len(points))


def _with_doubt(
    shell: Adoption, found: optimize.OptimizeResult, ends: tuple[FloatArray, FloatArray], n: int
) -> Adoption:
    """Return the fitted curve with the covariance of its logarithms and words on what is not settled."""
    at, jacobian = np.asarray(found.x, np.float64), np.asarray(found.jac, np.float64)
    spare = n - at.size
    scatter = float(np.sqrt(2.0 * float(found.cost) / spare)) if spare > 0 else UNKNOWN_SCATTER_FRAC
    # A weak prior (one part in e^2 either way) keeps the covariance finite where the points say nothing.
    information = jacobian.T @ jacobian / max(scatter, 1e-6) ** 2 + 0.25 * np.eye(at.size)
    covariance = np.asarray(np.linalg.inv(information), np.float64)
    error = np.sqrt(np.diag(covariance))
    notes = []
    for i, name in enumerate(shell.names):
        if min(at[i] - ends[0][i], ends[1][i] - at[i]) < 1e-3:  # noqa: PLR2004  # of a logarithm: on the edge
            notes.append(f"{name} rests on the edge of its range")
        elif error[i] > LOOSE_LOG:
            notes.append(f"{name} is not settled by {n} points (a standard error of {error[i]:.0%})")
    if spare <= 0:
        notes.append(f"{n} points for {at.size} numbers: a scatter of {UNKNOWN_SCATTER_FRAC:.0%} is assumed")
    if notes and shell.saturation is None:
        notes.append("state the saturation")
    return Adoption(
        shell.curve, shell.names, at, covariance, shell.saturation, shell.start_year, scatter, n, tuple(notes)
    )


@dataclass(frozen=True, slots=True)
class Hindcast:
    """What a curve fitted to the past alone says of a later point, and how far off it was.

    ``error_frac`` is predicted / observed - 1; the band is P10 to P90; ``steady_error_frac`` is the miss of the last
    two points' growth carried on, the least that a curve should beat.
    """

    at_year: float
    observed: float
    predicted: float
    low: float
    high: float
    error_frac: float
    steady_error_frac: float
    curve: Curve
    n_points: int

    @property
    def is_in_band(self) -> bool:
        """Return whether the observation lies in the band."""
        return self.low <= self.observed <= self.high


def hindcast(
    series: pl.DataFrame | Sequence[Observation] | Sequence[tuple[float, float]],
    *,
    fit_to_year: float,
    at_year: float,
    random: np.random.Generator,
    saturation: float | None = None,
    n_draws: int = 1000,
) -> Hindcast:
    """Return the miss at ``at_year`` of the curve fitted to the points up to ``fit_to_year``; both decimal years.

    The observation is the series' last point up to ``at_year``; it must lie after those fitted.
    """
    points = series_of(series)
    past, later = points[points[:, 0] <= fit_to_year], points[points[:, 0] <= at_year]
    faults = []
    if len(past) < LEAST_POINTS:
        faults.append(Problem(f"{len(past)} points up to {fit_to_year:g}", "two at least are fitted", "series"))
    if not later.size or later[-1, 0] <= fit_to_year:
        faults.append(Problem(f"no point between {fit_to_year:g} and {at_year:g}", "give a later one", "series"))
    raise_if_any(faults)
    at, observed = later[-1].tolist()
    fitted = adoption([tuple(row) for row in past.tolist()], saturation=saturation)
    predicted = float(fitted.predict([at])[0])
    low, _, high = fitted.band([at], n_draws, random)[:, 0].tolist()
    growth = (past[-1, 1] / past[-2, 1]) ** (1.0 / (past[-1, 0] - past[-2, 0]))
    steady = float(past[-1, 1] * growth ** (at - past[-1, 0]))
    return Hindcast(
        at, observed, predicted, low, high, predicted / observed - 1.0, steady / observed - 1.0, fitted.curve, len(past)
    )


def demand_at_price(quantity_count: ArrayLike, price_ratio: ArrayLike, elasticity: ArrayLike) -> FloatArray:
    """Return what is bought when the price is multiplied by ``price_ratio``: quantity x ratio ** elasticity.

    Elasticities are zero or below: -0.5 means that a price 1 % lower sells 0.5 % more.  Shapes broadcast.

    >>> demand_at_price(100.0, 0.25, -0.5).item()
    200.0
    """
    ratio, e = np.asarray(price_ratio, np.float64), np.asarray(elasticity, np.float64)
    faults = []
    if not (ratio > 0.0).all():
        faults.append(Problem("a price ratio is not above zero", "give new price / old price", "price_ratio"))
    if not (e <= 0.0).all():
        faults.append(Problem("an elasticity is above zero", "give -0.5, say", "elasticity"))
    raise_if_any(faults)
    return np.asarray(np.asarray(quantity_count, np.float64) * ratio**e)


def customers_count(
    n_households: ArrayLike,
    adopted_frac: ArrayLike,
    usd_per_month: ArrayLike,
    *,
    income_usd_per_month: float,
    gini: float,
    affordable_income_frac: float = 0.02,
    elasticity: ArrayLike = 0.0,
    reference_usd_per_month: float | None = None,
) -> FloatArray:
    """Return the households that buy: those whom the service has reached in time and who can pay, the fewer of both.

    ``adopted_frac`` is the curve's share at the reference price (today's unless given); a lower price raises it by the
    elasticity, never above 1.  Who can pay: income log-normal with the stated Gini coefficient, price at most the
    stated share of income.  Shapes broadcast.

    >>> customers_count(1000.0, 0.4, 10.0, income_usd_per_month=1000.0, gini=0.3).item()
    400.0
    """
    price = np.asarray(usd_per_month, np.float64)
    reference = price if reference_usd_per_month is None else reference_usd_per_month
    wanted = np.minimum(1.0, demand_at_price(adopted_frac, price / reference, elasticity))
    able = share_above_income(price / affordable_income_frac, income_usd_per_month, gini)
    return np.asarray(np.asarray(n_households, np.float64) * np.minimum(wanted, able))


def traffic_pb_per_year(n_users: ArrayLike, gb_per_month: ArrayLike) -> FloatArray:
    """Return the traffic of a year, decimal petabytes; shapes broadcast.

    >>> traffic_pb_per_year(150e6, 7.9).item()
    14220.0
    """
    return np.asarray(np.asarray(n_users, np.float64) * np.asarray(gb_per_month, np.float64) * 12.0 / GB_PER_PB)


def busy_hour_mbps(gb_per_month: ArrayLike, busy_hour_frac: ArrayLike) -> FloatArray:
    """Return the mean rate of the busy hour, Mbit/s, where it carries a share of a day's traffic; shapes broadcast.

    >>> busy_hour_mbps(304.375, 0.09).item()
    2.0
    """
    day = np.asarray(gb_per_month, np.float64) / DAYS_PER_MONTH * MBIT_PER_GB
    return np.asarray(day * np.asarray(busy_hour_frac, np.float64) / SECONDS_PER_BUSY_HOUR)
