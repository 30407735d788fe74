"""A quick lower bound on the yearly cost of a site's power: outages as wholes, every battery full when one begins.

Each outage is one row: what battery, panels and generator give during it covers its load, or part of it stays dark.
Charging, the order of hours and the losses of batteries are left out, so that no design and no controller costs less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize
from scipy.sparse import coo_array

from rahdari.methods.site_sizing_bound import CASES, case_bounds_usd, least_of
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

ROUNDED_UP = np.float32(1.0 + 1e-6)  # single precision of sums of sun must not take from the bound
SAFETY_FRAC = 1e-6  # taken off for the solver's tolerance
N_SIZES = 4  # panels, battery, generator, energy from the grid
PV, BATTERY, GENERATOR, GRID = range(N_SIZES)


def outage_sums(
    load_kwh: FloatArray, sun_kwh_per_kwp: NDArray[np.float32], grid_frac: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return load, sun of one kWp and hours (outages,) of each run of hours that are not wholly on the grid.

    >>> load, sun, hours = outage_sums(np.ones(4), np.ones(4, np.float32), np.array([1.0, 0.0, 0.5, 1.0]))
    >>> load.tolist(), hours.tolist()
    ([1.5], [1.5])
    """
    off = 1.0 - grid_frac
    is_off = off > 0.0
    starts = is_off & ~np.concatenate([[False], is_off[:-1]])
    group = (np.cumsum(starts) - 1)[is_off]
    n = int(starts.sum())
    parts = (load_kwh * off, np.asarray(sun_kwh_per_kwp, np.float64), off)
    load, sun, hours = (np.asarray(np.bincount(group, values[is_off], n), np.float64) for values in parts)
    return load, sun, hours


def outage_bound_usd(
    load_kwh: FloatArray,
    sun_kwh_per_kwp: NDArray[np.float32],
    grid_frac: FloatArray,
    target_frac: float,
    rates: Mapping[str, float],
) -> float:
    """Return a yearly cost that no design can go below; hours (n,) of load, sun and grid.

    ``rates`` as :func:`rahdari.methods.site_sizing_bound.yearly_bound_usd` takes them.  Zero where the solver fails,
    which is a bound too.
    """
    load, sun, hours = outage_sums(load_kwh, sun_kwh_per_kwp, grid_frac)
    n, n_hours = load.size, load_kwh.size
    yearly = HOURS_PER_YEAR / n_hours
    dark_kwh = (1.0 - target_frac) * n_hours * float(load_kwh.max()) * (1.0 + SAFETY_FRAC)
    row, made, dark = np.arange(n), np.arange(n) + N_SIZES, np.arange(n) + N_SIZES + n
    one = np.ones(n)

    def column(which: int) -> NDArray[np.int64]:
        return np.full(n, which)

    # Of each outage: load - battery - sun - generator - dark <= 0, generator <= rating x hours; of the year: energy.
    entries = [
        (row, column(PV), -sun), (row, column(BATTERY), -one), (row, made, -one), (row, dark, -one),
        (n + row, made, one), (n + row, column(GENERATOR), -hours), (column(2 * n), dark, one),
        (column(2 * n + 1), made, -one), (column(2 * n + 1), dark, -one),
        (np.full(3, 2 * n + 1), np.array([PV, BATTERY, GRID]),
         np.array([-float(np.sum(sun_kwh_per_kwp, dtype=np.float64)), -1.0, -1.0])),
    ]  # fmt: skip
    rows, columns, values = (np.concatenate(part) for part in zip(*entries, strict=True))
    left: Any = coo_array((values, (rows, columns)), (2 * n + 2, N_SIZES + 2 * n)).tocsr()
    right = np.concatenate([-load, np.zeros(n), [dark_kwh, -float(load_kwh.sum())]])
    cost = np.zeros(N_SIZES + 2 * n)
    cost[:N_SIZES] = rates["pv"], rates["battery"], rates["generator"], rates["grid"] * yearly
    cost[made] = rates["fuel"] * yearly
    bounds = np.stack([np.zeros(cost.size), np.full(cost.size, np.inf)], axis=1)
    bounds[dark, 1] = load
    solve: Any = optimize.linprog  # its stubs know dense matrices only
    least = []
    for most_kw, fixed in ((0.0, 0.0), (np.inf, rates["generator_fixed"])):
        bounds[GENERATOR, 1] = most_kw
        found = solve(cost, left, right, bounds=bounds, method="highs")
        least.append(float(found.fun) * (1.0 - SAFETY_FRAC) + fixed if found.status == 0 else 0.0)
    return min(least)


def block_bound_usd(
    load_kwh: FloatArray,
    sun_kwh_per_kwp: NDArray[np.float32],
    grid_frac: FloatArray,
    target_frac: float,
    rates: Mapping[str, float],
    *,
    hours: int = 8,
) -> float:
    """Return a yearly cost that no design can go below, from blocks of ``hours`` in place of hours.

    Sums over a block of the constraints of :func:`yearly_bound_usd` hold wherever the constraints do, so that the bound
    lies at or below that of all hours.  ``hours`` divides the number of hours.
    """
    return least_of(block_case_bounds_usd(load_kwh, sun_kwh_per_kwp, grid_frac, target_frac, rates, hours=hours))


def foresight_bound_usd(
    load_kwh: FloatArray,
    sun_kwh_per_kwp: NDArray[np.float32],
    grid_frac: FloatArray,
    target_frac: float,
    rates: Mapping[str, float],
    *,
    hours: int = 8,
) -> float:
    """Return :func:`yearly_bound_usd`, with the hours of a case solved only where its blocks leave it in question.

    Blocks bound each case, without and with a generator, from below: once the hours of one case cost less than the
    blocks of the other, the other cannot be the least.
    """
    block = block_case_bounds_usd(load_kwh, sun_kwh_per_kwp, grid_frac, target_frac, rates, hours=hours)
    found = np.inf
    for number in np.argsort(block, kind="stable").tolist():
        if block[number] < found:
            case = (CASES[number],)
            found = min(found, *case_bounds_usd(load_kwh, sun_kwh_per_kwp, grid_frac, target_frac, rates, cases=case))
    return least_of((found,))


def block_case_bounds_usd(
    load_kwh: FloatArray,
    sun_kwh_per_kwp: NDArray[np.float32],
    grid_frac: FloatArray,
    target_frac: float,
    rates: Mapping[str, float],
    *,
    hours: int = 8,
) -> tuple[float, ...]:
    """Return the bounds of :func:`block_bound_usd` without and with a generator."""
    load, sun, grid = (
        np.asarray(values, np.float64).reshape(-1, hours) for values in (load_kwh, sun_kwh_per_kwp, grid_frac)
    )
    # A dark hour counts by its own load: within a block at least by the greatest.
    heaviest = float((load.max(axis=1) / load.sum(axis=1)).max()) * hours
    target = max(0.0, 1.0 - (1.0 - target_frac) * heaviest)
    scaled = {name: rates[name] / hours for name in ("grid", "fuel", "generator")}
    return case_bounds_usd(
        load.sum(axis=1), sun.sum(axis=1).astype(np.float32) * ROUNDED_UP, grid.mean(axis=1), target,
        {**rates, **scaled, "charge": rates["charge"] * hours},
    )  # fmt: skip
