"""The linear programme below every design of a site: perfect foresight, sizes of any fineness, no losses at part load.

For each hour: what the panels, the grid, the generator and the battery give covers load and charging, or part of the
load stays dark.  Each relaxes what a simulation must keep, so its least cost lies below that of every design.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize
from scipy.sparse import coo_array

from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

SAFETY_FRAC = 1e-6  # taken off for the solver's tolerance
#: Blocks of variables, each of an hour: grid, generator, charging, battery given, charge held, dark; then three sizes.
GRID, GENERATOR, CHARGE, GIVEN, HELD, DARK = range(6)
N_SERIES, N_SIZES = 6, 3
CASES = (False, True)  # without and with a generator
INFEASIBLE = 2  # a status of scipy's linprog


def yearly_bound_usd(
    load_kwh: FloatArray, pv_kwh_per_kwp: NDArray[np.float32], grid_frac: FloatArray, target_frac: float,
    rates: Mapping[str, float],
) -> float:  # fmt: skip
    """Return a yearly cost that no design can go below; hours (n,) of load, sun and grid.

    ``rates``: yearly cost of a kWp (``pv``), of a usable kWh (``battery``), of a kW (``generator``) and of having one
    (``generator_fixed``); cost of a kWh from the generator (``fuel``) and from the grid (``grid``); ``kept`` of what is
    charged; ``charge`` kW per usable kWh.  The battery begins full, as in a simulation.  Zero where the solver fails,
    which is a bound too.
    """
    return least_of(case_bounds_usd(load_kwh, pv_kwh_per_kwp, grid_frac, target_frac, rates))


def least_of(bounds: Sequence[float]) -> float:
    """Return the bound of all cases together; zero where none can be met, which is a bound too."""
    least = min(bounds)
    return least if np.isfinite(least) else 0.0


def case_bounds_usd(
    load_kwh: FloatArray, pv_kwh_per_kwp: NDArray[np.float32], grid_frac: FloatArray, target_frac: float,
    rates: Mapping[str, float], *, cases: Sequence[bool] = CASES,
) -> tuple[float, ...]:  # fmt: skip
    """Return the bound of designs without and with a generator (False, True); infinite where a target is out of reach.

    See :func:`yearly_bound_usd`.
    """
    n = load_kwh.size
    hour = np.arange(n)
    pv, battery, generator = N_SERIES * n, N_SERIES * n + 1, N_SERIES * n + 2
    yearly = HOURS_PER_YEAR / n

    def at(series: int) -> NDArray[np.int64]:
        return series * n + hour

    cost = np.zeros(N_SERIES * n + N_SIZES)
    cost[at(GRID)], cost[at(GENERATOR)] = rates["grid"] * yearly, rates["fuel"] * yearly
    cost[[pv, battery, generator]] = rates["pv"], rates["battery"], rates["generator"]
    one = np.ones(n)
    sun = np.asarray(pv_kwh_per_kwp, np.float64)
    # load + charge - grid - generator - given - dark - sun * pv <= 0, and the limits by size.
    entries = [
        (hour, at(CHARGE), one), (hour, at(GRID), -one), (hour, at(GENERATOR), -one), (hour, at(GIVEN), -one),
        (hour, at(DARK), -one), (hour, np.full(n, pv), -sun),
        (n + hour, at(HELD), one), (n + hour, np.full(n, battery), -one),
        (2 * n + hour, at(CHARGE), one), (2 * n + hour, np.full(n, battery), -rates["charge"] * one),
        (3 * n + hour, at(GENERATOR), one), (3 * n + hour, np.full(n, generator), grid_frac - 1.0),
        (np.full(n, 4 * n), at(DARK), 1.0 / load_kwh),
    ]  # fmt: skip
    upper = np.concatenate([-load_kwh, np.zeros(3 * n), [(1.0 - target_frac) * n * (1.0 + SAFETY_FRAC)]])
    # held = held before + kept * charge - given, from a full battery.
    before = [(hour[1:], at(HELD)[:-1], -one[1:]), (hour[:1], np.array([battery]), -one[:1])]
    balance = [(hour, at(HELD), one), (hour, at(CHARGE), -rates["kept"] * one), (hour, at(GIVEN), one), *before]
    bounds = np.zeros((cost.size, 2))
    bounds[:, 1] = np.inf
    bounds[at(DARK), 1] = load_kwh
    bounds[at(GRID), 1] = np.where(grid_frac > 0.0, np.inf, 0.0)
    left, equal = _matrix(entries, (4 * n + 1, cost.size)), _matrix(balance, (n, cost.size))
    solve: Any = optimize.linprog  # its stubs know dense matrices only
    # A design has a generator, and pays what it costs at any size, or has none: the lesser of both bounds holds.
    least = []
    for has_generator in cases:
        bounds[generator, 1] = np.inf if has_generator else 0.0
        fixed = rates["generator_fixed"] if has_generator else 0.0
        found = solve(cost, left, upper, equal, np.zeros(n), bounds, method="highs")
        failed = np.inf if found.status == INFEASIBLE else 0.0
        least.append(float(found.fun) * (1.0 - SAFETY_FRAC) + fixed if found.status == 0 else failed)
    return tuple(least)


def _matrix(entries: list[tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]], shape: tuple[int, int]) -> Any:  # noqa: ANN401  # sparse
    """Return the sparse matrix of rows, columns and values."""
    row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    return coo_array((value, (row, column)), shape).tocsr()
