"""A simple protection level: how far a position may be off before the receiver must have noticed.

Each range errs with the variance

    sigma^2 = accuracy^2 + troposphere^2 + ionosphere^2 + factor^2 (multipath^2 + noise^2)

- accuracy as broadcast (URA, SISA), where stated;
- troposphere after correction: 0.12 m x 1.001 / sqrt(0.002001 + sin^2 E) (RTCA DO-229D, A.4.2.4);
- ionosphere after the broadcast correction: 9 m, 4.5 m or 6 m vertical below 20, below 55 and above 55 degrees of
  (here: geographic) latitude, times 1 / sqrt(1 - (R cos E / (R + 350 km))^2) (DO-229D, J.2.3); none with two
  frequencies, whose combination enlarges the local errors by 2.588 (L1/E1/B1C with L5/E5a/B2a);
- multipath 0.13 m + 0.53 m exp(-E / 10 deg) and noise 0.15 m + 0.43 m exp(-E / 6.9 deg) (Blanch et al. 2012, below).

With weights 1 / sigma^2, position variance ``s^2`` along an axis, ``s_i^2`` without satellite i and
``d_i^2 = s_i^2 - s^2`` of the difference of the two solutions, the level along the axis is

    PL = max( K_free s,  max over i of  K_alarm d_i + K_missed s_i )

HPL is the root of the squares of the levels east and north.  Half of the integrity risk goes to the fault-free case,
half in equal parts to the faults; the factors are quantiles of the normal distribution (solution separation: J. Blanch
et al., "Advanced RAIM user algorithm description", ION GNSS 2012; "Baseline advanced RAIM user algorithm and possible
improvements", IEEE Trans. Aerospace and Electronic Systems 51(1), 2015).  Left out against that source: nominal
biases, two faults at once, faults of a whole constellation.  So this is a planner's comparison of places, not a level
to fly by.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from rahdari.errors import Problem, raise_if_any
from rahdari.kernels.protection import H_SIGMA, HPL, V_SIGMA, VPL, protection
from rahdari.methods.satellite_dop import sky_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.points import Places
    from rahdari.methods.satellite_dop import SatellitesLike, TimeArray

    FloatArray = NDArray[np.float64]

TROPOSPHERE_M, MAP_SCALE, MAP_FLOOR = 0.12, 1.001, 0.002001  # DO-229D, A.4.2.4
EARTH_KM, SHELL_KM = 6378.1363, 350.0  # same, A.4.4.10.4
#: Greatest latitude in degrees and vertical sigma of the ionosphere in m; DO-229D, J.2.3.
IONOSPHERE = ((20.0, 9.0), (55.0, 4.5), (90.0, 6.0))
MULTIPATH = (0.13, 0.53, 10.0)  # m, m, degrees; Blanch et al. 2012
NOISE = (0.15, 0.43, 6.9)  # same
TWO_FREQUENCIES = 2.588  # sqrt(f1^4 + f5^4) / (f1^2 - f5^2), f1 1575.42 and f5 1176.45 MHz
TWO_SIGMA, NORMAL_95 = 2.0, 1.96  # 95 % of horizontal errors lie within 2 DRMS at least; of vertical within 1.96 sigma
NO_TAIL = 0.5


@dataclass(frozen=True, slots=True)
class Integrity:
    """What is demanded, and what is assumed where satellites say nothing.

    Probabilities are for one approach or one hour, as the source counts: integrity risk and false alarm, vertical and
    horizontal, and of a faulty satellite.  Defaults: Blanch et al. 2015, table 1 (LPV-200).
    ``unstated_accuracy_m`` stands in where no accuracy is broadcast, assumed.
    """

    risk_vertical_frac: float = 9.8e-8
    risk_horizontal_frac: float = 2e-9
    alarm_vertical_frac: float = 3.9e-6
    alarm_horizontal_frac: float = 9e-8
    fault_frac: float = 1e-5
    unstated_accuracy_m: float = 4.0
    has_two_frequencies: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no probability or no accuracy, all at once."""
        names = (
            "risk_vertical_frac",
            "risk_horizontal_frac",
            "alarm_vertical_frac",
            "alarm_horizontal_frac",
            "fault_frac",
        )
        problems = [
            Problem(f"{getattr(self, name)} is no probability", "give one between 0 and 1", column=name)
            for name in names
            if not 0.0 < getattr(self, name) < 1.0
        ]
        if not 0.0 < self.unstated_accuracy_m < math.inf:
            problems.append(Problem("is no accuracy", "give metres above zero", column="unstated_accuracy_m"))
        raise_if_any(problems)


@dataclass(frozen=True, slots=True, eq=False)
class Protection:
    """Protection and accuracy at (p,) points and (t,) moments, all (p, t), in metres.

    ``hpl_m`` and ``vpl_m``: NaN where there is no position, infinite where a fault of a satellite could not be told
    (with as many satellites as unknowns always).  ``horizontal_m`` and ``vertical_m`` hold 95 % of errors without a
    fault.
    """

    times_utc: TimeArray
    n_visible: NDArray[np.int32]
    hpl_m: FloatArray
    vpl_m: FloatArray
    horizontal_m: FloatArray
    vertical_m: FloatArray

    def available_frac(
        self,
        *,
        horizontal_m: float = math.inf,
        vertical_m: float = math.inf,
        hpl_m: float | None = None,
        vpl_m: float | None = None,
    ) -> FloatArray:
        """Return (p,) the share of moments with a position that keeps the stated accuracies and protection levels.

        A level of ``None`` is not asked for; an infinite one still asks that there be a position.
        """
        good = (self.horizontal_m <= horizontal_m) & (self.vertical_m <= vertical_m)
        if hpl_m is not None:
            good &= self.hpl_m <= hpl_m
        if vpl_m is not None:
            good &= self.vpl_m <= vpl_m
        return np.asarray(good.mean(axis=1))


def factors(n_satellites: int, risk_frac: float, alarm_frac: float, fault_frac: float) -> tuple[float, float, float]:
    """Return K of the fault-free case, of the alarm and of a missed fault with n satellites in view.

    >>> [round(k, 2) for k in factors(8, 1e-7, 1e-6, 1e-5)]
    [5.45, 5.29, 3.23]
    """
    free = -float(ndtri(risk_frac / 4.0))
    alarm = -float(ndtri(alarm_frac / (2.0 * n_satellites)))
    missed = risk_frac / (2.0 * n_satellites * fault_frac)
    return free, alarm, max(0.0, -float(ndtri(missed))) if missed < NO_TAIL else 0.0


def protection_level(
    nav_or_tle: SatellitesLike,
    points: Places,
    times_utc: object,
    mask_deg: ArrayLike = 5.0,
    horizon_deg: ArrayLike | None = None,
    *,
    integrity: Integrity | None = None,
    is_one_clock: bool = True,
) -> Protection:
    """Return protection levels and accuracies for every point and moment; arguments as for :func:`dop`.

    The formula, its sources and what it leaves out stand at the head of this module.
    """
    asked = integrity or Integrity()
    sky = sky_of(nav_or_tle, points, times_utc, mask_deg, horizon_deg, is_one_clock=is_one_clock)
    stated = sky.track.accuracy_m
    accuracy = np.ascontiguousarray(np.where(np.isfinite(stated), stated, asked.unstated_accuracy_m))
    k_free, k = _factor_table(len(sky.track.satellite), asked)
    shape = (len(sky.ground), sky.times_utc.size)
    n_visible, out = np.empty(shape, np.int32), np.empty((*shape, 4))
    protection(
        sky.track.ecef_km, accuracy, sky.clock, sky.n_clocks, sky.points_km, sky.axes, sky.mask_sine, sky.horizon_rad,
        _vertical_m(sky.ground.lat_deg, asked), error_model(asked), k_free, k, n_visible, out,
    )  # fmt: skip
    hpl, vpl, horizontal, vertical = (out[..., row] for row in (HPL, VPL, H_SIGMA, V_SIGMA))
    return Protection(sky.times_utc, n_visible, hpl, vpl, TWO_SIGMA * horizontal, NORMAL_95 * vertical)


def error_model(asked: Integrity) -> FloatArray:
    """Return (11,) the constants of the error model, as the kernel takes them."""
    factor = TWO_FREQUENCIES if asked.has_two_frequencies else 1.0
    shell = EARTH_KM / (EARTH_KM + SHELL_KM)
    return np.array([TROPOSPHERE_M, MAP_SCALE, MAP_FLOOR, shell, *MULTIPATH, *NOISE, factor])


def _vertical_m(lat_deg: FloatArray, asked: Integrity) -> FloatArray:
    """Return (p,) the vertical sigma of the ionosphere after the broadcast correction, m."""
    if asked.has_two_frequencies:
        return np.zeros(lat_deg.size)
    ends, values = (np.array(column) for column in zip(*IONOSPHERE, strict=True))
    return np.asarray(values[np.minimum(np.searchsorted(ends, np.abs(lat_deg)), ends.size - 1)], np.float64)


def _factor_table(n_most: int, asked: Integrity) -> tuple[FloatArray, FloatArray]:
    """Return K without a fault (2,) and, by number of satellites (n + 1, 2, 2), of alarm and missed fault."""
    free, k = np.empty(2), np.zeros((n_most + 1, 2, 2))
    # East and north share the horizontal risk in halves.
    for row, (risk, alarm) in enumerate(
        (
            (0.5 * asked.risk_horizontal_frac, 0.5 * asked.alarm_horizontal_frac),
            (asked.risk_vertical_frac, asked.alarm_vertical_frac),
        )
    ):
        free[row] = factors(1, risk, alarm, asked.fault_frac)[0]
        for n in range(1, n_most + 1):
            k[n, row] = factors(n, risk, alarm, asked.fault_frac)[1:]
    return free, k
