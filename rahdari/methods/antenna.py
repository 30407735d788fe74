"""Antennas of fixed links: the ITU-R F.699-8 envelope, and measured patterns of vendors' files.

The envelope bounds peaks of side lobes, so interference from it is an upper estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.antenna import HALF_TURN_DEG, LOW_BAND_GHZ, f699_gains

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

WAVE_M_GHZ = 0.299792458  # wavelength times frequency, exact
PEAK_OFFSET_DBI = 7.7  # F.699-8 recommends 3: peak gain = 20 log10(D/lambda) + 7.7
MIN_GHZ, MAX_GHZ = 0.1, 86.0  # scope of F.699-8
MIN_D_OVER_LAMBDA = 100.0 / 48.0  # below, the pieces of recommends 2.2 no longer meet in their order
MIN_LOW_D_OVER_LAMBDA = 0.63  # F.699-8 recommends 2.3
TABLE_STEP_DEG = 0.1  # vendor patterns are tabled at this step; files give 0.1 to 1 degree
TABLE_SIZE = 1801


@dataclass(frozen=True, slots=True, eq=False)
class AntennaPattern:
    """A measured pattern in the horizontal plane: attenuation below the peak at rising angles of 0 to 180 degrees."""

    name: str
    frequency_ghz: float
    peak_dbi: float
    angle_deg: FloatArray
    attenuation_db: FloatArray

    def table(self) -> FloatArray:
        """Return (1801,) attenuation at every tenth of a degree, by straight lines between the points."""
        at = np.linspace(0.0, HALF_TURN_DEG, TABLE_SIZE)
        return np.interp(at, self.angle_deg, self.attenuation_db)


def folded_pattern(
    name: str, frequency_ghz: float, peak_dbi: float, angle_deg: ArrayLike, attenuation_db: ArrayLike
) -> AntennaPattern:
    """Return a pattern of 0 to 180 degrees from points anywhere on the turn; the weaker side of the two is dropped.

    Attenuation is in dB below the peak, at least 0; no side may be better protected than the file says.

    >>> folded_pattern("a", 18.0, 38.0, [0.0, 90.0, 270.0], [0.0, 60.0, 50.0]).attenuation_db.tolist()
    [0.0, 50.0]
    """
    angle = np.mod(np.asarray(angle_deg, np.float64), 2.0 * HALF_TURN_DEG)
    loss = np.asarray(attenuation_db, np.float64)
    problems = []
    if angle.size == 0 or angle.size != loss.size:
        problems.append(Problem("the pattern has no points, or angles without values", "give pairs of angle and dB"))
    elif not (np.isfinite(angle).all() and np.isfinite(loss).all() and (loss >= 0.0).all()):
        problems.append(Problem("a value is missing or below 0 dB", "give dB below the peak, 0 or more"))
    raise_if_any(problems)
    folded = np.minimum(angle, 2.0 * HALF_TURN_DEG - angle)
    at, place = np.unique(folded, return_inverse=True)
    least = np.full(at.size, np.inf)
    np.minimum.at(least, place, loss)
    return AntennaPattern(name, frequency_ghz, peak_dbi, at, least)


def d_over_lambda(diameter_m: ArrayLike, frequency_ghz: ArrayLike) -> FloatArray:
    """Return diameter over wavelength; shapes broadcast.

    >>> round(float(d_over_lambda(0.6, 18.0)), 2)
    36.02
    """
    return np.asarray(np.asarray(diameter_m, np.float64) * np.asarray(frequency_ghz, np.float64) / WAVE_M_GHZ)


def peak_gain_dbi(ratio: ArrayLike) -> FloatArray:
    """Return the peak gain of a dish of D/lambda ``ratio``, dBi (F.699-8 recommends 3).

    >>> float(peak_gain_dbi(100.0))
    47.7
    """
    return np.asarray(20.0 * np.log10(np.asarray(ratio, np.float64)) + PEAK_OFFSET_DBI)


def f699_dbi(
    angle_deg: ArrayLike, ratio: ArrayLike, frequency_ghz: ArrayLike, peak_dbi: ArrayLike | None = None
) -> FloatArray:
    """Return the F.699-8 gain, dBi, at angles from the axis in degrees (any turn); shapes broadcast.

    ``ratio`` is D/lambda; without ``peak_dbi`` the peak follows from it.  Valid from 0.1 to 86 GHz, D/lambda of 2.1
    and more (0.63 below 1 GHz), a peak of at least 2 + 15 log10(D/lambda); else :class:`InputError`.

    >>> f699_dbi([0.0, 48.0, 180.0], 1000.0, 6.0).round(2).tolist()
    [67.7, -10.0, -10.0]
    """
    peak = peak_gain_dbi(ratio) if peak_dbi is None else np.asarray(peak_dbi, np.float64)
    angle, size, ghz, top = np.broadcast_arrays(
        np.mod(np.asarray(angle_deg, np.float64), 2.0 * HALF_TURN_DEG),
        np.asarray(ratio, np.float64),
        np.asarray(frequency_ghz, np.float64),
        peak,
    )
    raise_if_any(f699_problems(size, ghz, top))
    out = np.empty(angle.size)
    folded = np.minimum(angle, 2.0 * HALF_TURN_DEG - angle)
    flat = [np.ascontiguousarray(one, np.float64).reshape(-1) for one in (folded, top, size, ghz)]
    f699_gains(flat[0], flat[1], flat[2], flat[3], out)
    return out.reshape(angle.shape)


def f699_problems(size: FloatArray, frequency_ghz: FloatArray, peak_dbi: FloatArray) -> list[Problem]:
    """Return what lies outside the range of F.699-8, one problem a kind."""
    problems = []
    is_band = (frequency_ghz >= MIN_GHZ) & (frequency_ghz <= MAX_GHZ)
    if not is_band.all():
        problems.append(Problem(f"{frequency_ghz[~is_band].flat[0]} GHz is outside ITU-R F.699", "use 0.1 to 86 GHz"))
    least = np.where(frequency_ghz < LOW_BAND_GHZ, MIN_LOW_D_OVER_LAMBDA, MIN_D_OVER_LAMBDA)
    is_size = size >= least
    if not is_size.all():
        what = f"an antenna of {size[~is_size].flat[0]:.2f} wavelengths is too small for ITU-R F.699"
        return [*problems, Problem(what, "give a larger diameter or a vendor's pattern")]
    is_peak = peak_dbi >= 2.0 + 15.0 * np.log10(size)
    if not is_peak.all():
        what = f"a peak gain of {peak_dbi[~is_peak].flat[0]:.1f} dBi is below the first side lobe of ITU-R F.699"
        problems.append(Problem(what, "correct the gain or the diameter"))
    return problems


def f699_discrimination_db(angle_deg: ArrayLike, ratio: ArrayLike, frequency_ghz: ArrayLike) -> FloatArray:
    """Return how far the envelope lies below its peak at an angle, dB; see :func:`f699_dbi`."""
    return np.asarray(peak_gain_dbi(ratio) - f699_dbi(angle_deg, ratio, frequency_ghz))


def angle_for_discrimination_deg(discrimination_db: float, ratio: float, frequency_ghz: float) -> float | None:
    """Return the least angle, degrees, from which the envelope stays at least so far below its peak, or ``None``.

    Exact to 1e-6 degrees: the envelope falls with the angle but for a step of 0.03 dB to the floor, which is asked too.

    >>> round(angle_for_discrimination_deg(40.0, 36.0, 18.0), 0)
    32.0
    """
    if not np.isfinite(discrimination_db):
        raise InputError(Problem(f"a discrimination of {discrimination_db} dB", "give a finite number"))
    if float(f699_discrimination_db(HALF_TURN_DEG, ratio, frequency_ghz)) < discrimination_db:
        return None
    low, high = 0.0, HALF_TURN_DEG
    for _ in range(60):  # halvings of 180 degrees: far below 1e-6
        middle = 0.5 * (low + high)
        if float(f699_discrimination_db(middle, ratio, frequency_ghz)) >= discrimination_db:
            high = middle
        else:
            low = middle
    return high
