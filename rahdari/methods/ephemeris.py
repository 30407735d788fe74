"""Where satellites are over the turning Earth: TEME to Earth-fixed, and cubic Hermite fill between steps.

From TEME to Earth-fixed is one turn by Greenwich mean sidereal time.  Left out is polar motion, at most 0.6 arc
seconds: 20 m in a low orbit, 120 m at geostationary height.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.kernels.visible import hermite_fill, turn_to_earth
from rahdari.methods.sidereal import earth_angle_rad, julian_days, utc_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.constellation import Constellation, Orbits

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    TimeArray = NDArray[np.datetime64]

LONGEST_STEP_S = 600.0  # a cubic over ten minutes errs by some 3 km in a low orbit
US_PER_S = 1_000_000


def positions_km(
    c: Constellation,
    times_utc: Any,  # noqa: ANN401  # see utc_times
    *,
    step_s: float | None = None,
    of: IntArray | None = None,
) -> FloatArray:
    """Return (n_sat, n_time, 3) Earth-fixed positions, km, float64; NaN where a satellite has none (decayed).

    With ``step_s`` the orbit is computed at whole multiples of the step since 1970 only and filled by cubics between:
    60 s hold 1 m in orbits above 450 km and 1.5 m at 300 km, for any second of a day.  ``of`` picks satellites by
    index.  Memory is 24 bytes a position: ask in pieces where that is too much.  Raises :class:`InputError` for a bad
    step or bad times.
    """
    times = utc_times(times_utc)
    teme = inertial_km(c.orbits, times, step_s, of)
    out = np.empty((times.size, 3, teme.shape[0]))
    turn_to_earth(teme, earth_angle_rad(*julian_days(times)), out)
    return np.ascontiguousarray(out.transpose(2, 0, 1))


def checked_step(step_s: float | None) -> float | None:
    """Return the step, or raise :class:`InputError`."""
    if step_s is not None and not 1.0 <= step_s <= LONGEST_STEP_S:
        what = f"a step of {step_s:g} s cannot be filled"
        raise InputError(Problem(what, f"give between 1 and {LONGEST_STEP_S:g} s, or None", column="step_s"))
    return step_s


def inertial_km(orbits: Orbits, times: TimeArray, step_s: float | None, of: IntArray | None) -> FloatArray:
    """Return (n, t, 3) positions in TEME, km."""
    if checked_step(step_s) is None:
        return orbits.states(*julian_days(times), of)[0]
    step_us = round(float(step_s or 0.0) * US_PER_S)
    micro = times.astype(np.int64)
    before = np.floor_divide(micro, step_us)
    share = (micro - before * step_us) / step_us
    nodes, at = np.unique(np.concatenate([before, before + (share > 0.0)]), return_inverse=True)
    position, velocity = orbits.states(*julian_days((nodes * step_us).view("datetime64[us]")), of)
    out = np.empty((position.shape[0], times.size, 3))
    first, second = at[: times.size].astype(np.int64), at[times.size :].astype(np.int64)
    hermite_fill(position, velocity, first, second, share, step_us / US_PER_S, out)
    return out
