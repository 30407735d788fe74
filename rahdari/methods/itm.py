"""The Longley-Rice Irregular Terrain Model (ITM 1.2.2, point to point) as a second opinion on path loss.

The model itself is the optional library itmlogic (``pip install 'rahdari[itm]'``); here its input is checked and
prepared as NTIA's own program does.  Valid from 20 MHz to 20 GHz, 1 to 2,000 km, antennas 0.5 to 3,000 m above
ground, equal steps; it knows no clutter.  Source: G. A. Hufford, The ITS Irregular Terrain Model, version 1.2.2.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.propagation import free_space_db

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    Heights = FloatArray | Sequence[float]

LIBRARY = "itmlogic"
INSTALL = "pip install 'rahdari[itm]' in the environment of rahdari"
MIN_GHZ, MAX_GHZ = 0.02, 20.0  # NTIA's program refuses what lies outside; so do the next three
MIN_HEIGHT_M, MAX_HEIGHT_M = 0.5, 3000.0
MIN_PATH_KM, MAX_PATH_KM = 1.0, 2000.0
MIN_POINTS = 3  # two ends and something between them
MIN_N, MAX_N = 250.0, 400.0  # N-units, refractivity at sea level and at the surface
STEP_SLACK = 1e-6  # share by which steps may differ from each other
LEAST_SURFACE_N = 150.0  # NTIA's program gives an error below; from 250 down the model warns
REFUSED = 5  # beyond the model's own marks
SIGHT_RATIO = 1.5  # horizons together over the path from which it is in sight; so far the model's own figures:
FOOT_HEIGHTS, FOOT_FRAC = 15.0, 0.1  # of the path at either end that the plane of reflection leaves out
IRREGULAR_SLOPE, LEAST_HEIGHT_M = 0.07, 5.0
ANGLE_SLOPE = 0.65
PERMITTIVITY, CONDUCTIVITY_S_PER_M = 15.0, 0.005  # average ground, the model's guide
CONTINENTAL_TEMPERATE = 5  # the model's default climate; within 50 km it moves a median by less than 1 dB
CLIMATES = 7
ACCIDENTAL_POINT_TO_POINT = 11  # variability: reliability by time, confidence by situation, no locations
END_FRAC = 0.1  # of a profile at either end, left out of its mean height as in NTIA's program
ALL_TO_DEFINE = 5  # the model's own mark that nothing of its variability is known yet
MHZ_PER_GHZ = 1000.0
METRES_PER_KM = 1000.0
PER_CENT, HALF_PCT = 100.0, 50.0
SEA_LEVEL_N = 325.0  # bends rays by a k of 1.40, as the 45 N-units a km that P.1812 is given by default


class ItmOptions(TypedDict, total=False):
    """What need not be given to :func:`itm_loss_db`."""

    n0: float
    surface_n: float | None
    time_pct: float
    confidence_pct: float
    polarisation: str
    climate: int


@dataclass(frozen=True, slots=True, eq=False)
class ItmLosses:
    """Losses (n,), dB, and warnings (n,).

    0 none, 1 near a limit, 3 an angle or horizon beyond a limit, 4 thin air (refractivity below 250 N-units), as the
    model marks them; 5 refused, since there NTIA's program gives an error: below 150 N-units.
    """

    loss_db: FloatArray
    warning: NDArray[np.int64]

    @property
    def is_refused(self) -> NDArray[np.bool_]:
        """Return where NTIA's program would give an error in place of a figure."""
        return self.warning >= REFUSED


def is_installed() -> bool:
    """Return whether the optional library can be imported; nothing is imported."""
    return importlib.util.find_spec(LIBRARY) is not None


def require_library() -> None:
    """Raise :class:`InputError` with the cure where the optional library is absent."""
    if not is_installed():
        what = f"the second opinion needs {LIBRARY}, which is not installed"
        raise InputError(Problem(what, f"run {INSTALL}", column="second_opinion"))


def _off(value: float, low: float, high: float) -> bool:
    return not low <= value <= high


def _shares(options: ItmOptions) -> dict[str, float]:
    """Return the shares of time and of situations, per cent."""
    return {
        "time_pct": options.get("time_pct", HALF_PCT),
        "confidence_pct": options.get("confidence_pct", HALF_PCT),
    }


def _check(frequency_ghz: float, heights_m: tuple[float, float], options: ItmOptions) -> list[Problem]:
    """Return what is wrong with all that paths share."""
    found: list[Problem] = []
    if _off(frequency_ghz, MIN_GHZ, MAX_GHZ):
        cure = f"ITM holds from {MIN_GHZ:g} to {MAX_GHZ:g} GHz: above there is no second opinion"
        found.append(Problem(f"{frequency_ghz:g} GHz is outside the model's range", cure, column="frequency_ghz"))
    for name, value in zip(("tx_height_m", "rx_height_m"), heights_m, strict=True):
        if _off(value, MIN_HEIGHT_M, MAX_HEIGHT_M):
            cure = f"give {MIN_HEIGHT_M:g} to {MAX_HEIGHT_M:g} m above ground"
            found.append(Problem(f"a height of {value:g} m is outside the model's range", cure, column=name))
    for name, refractivity in (("n0", options.get("n0")), ("surface_n", options.get("surface_n"))):
        if refractivity is not None and _off(refractivity, MIN_N, MAX_N):
            cure = f"give {MIN_N:g} to {MAX_N:g} N-units"
            found.append(Problem(f"a refractivity of {refractivity:g} is no such thing", cure, column=name))
    for name, share in _shares(options).items():
        if not 0.0 < share < PER_CENT:
            found.append(Problem(f"{share:g} per cent is no share", "give more than 0, less than 100", column=name))
    if options.get("polarisation", "horizontal") not in ("horizontal", "vertical"):
        cure = "give 'horizontal' or 'vertical'"
        found.append(Problem("that polarisation is unknown", cure, column="polarisation"))
    if not 1 <= options.get("climate", CONTINENTAL_TEMPERATE) <= CLIMATES:
        found.append(Problem("that climate is unknown", f"give 1 to {CLIMATES}, 5 by default", column="climate"))
    return found


def _check_profile(distance_km: FloatArray, height_m: FloatArray, row: int) -> Problem | None:
    """Return what is wrong with one profile."""
    if distance_km.ndim != 1 or distance_km.shape != height_m.shape or distance_km.size < MIN_POINTS:
        cure = "give one height a distance, three points or more"
        return Problem("a profile has too few points, or not one height a point", cure, row=row, column="height_m")
    if not np.isfinite(height_m).all():
        return Problem("a profile has a point without a height", "fill the voids first", row=row, column="height_m")
    if distance_km[0] != 0.0 or _off(float(distance_km[-1]), MIN_PATH_KM, MAX_PATH_KM):
        cure = f"begin at zero and end within {MIN_PATH_KM:g} to {MAX_PATH_KM:g} km, where ITM holds"
        return Problem("a path is outside the model's range", cure, row=row, column="distance_km")
    even = np.linspace(0.0, distance_km[-1], distance_km.size)
    if np.abs(distance_km - even).max() > STEP_SLACK * even[1]:
        return Problem("a profile has unequal steps", "cut it at equal steps", row=row, column="distance_km")
    return None


def itm_losses(
    distance_km: Sequence[FloatArray],
    height_m: Sequence[FloatArray],
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    **options: Unpack[ItmOptions],
) -> ItmLosses:
    """Return losses and the model's warnings of many paths; arguments as in :func:`itm_loss_db`.

    Some 5,000 paths of 50 points a second.  Raises :class:`InputError` with all that is wrong, ``row`` counting from 1.
    """
    require_library()
    problems = _check(frequency_ghz, (tx_height_m, rx_height_m), options)
    if len(distance_km) != len(height_m):
        cure = "give as many profiles of height as of distance"
        problems.append(Problem("profiles do not match", cure, column="height_m"))
    pairs = list(zip(distance_km, height_m, strict=False))
    checked = (_check_profile(np.asarray(d), np.asarray(h), row) for row, (d, h) in enumerate(pairs, start=1))
    problems.extend(problem for problem in checked if problem is not None)
    raise_if_any(problems)
    found = [
        _one(np.asarray(d, np.float64), np.asarray(h, np.float64), frequency_ghz, (tx_height_m, rx_height_m), options)
        for d, h in pairs
    ]
    return ItmLosses(np.array([loss for loss, _ in found]), np.array([mark for _, mark in found], np.int64))


def itm_loss_db(
    distance_km: Heights,
    height_m: Heights,
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    **options: Unpack[ItmOptions],
) -> float:
    """Return the basic transmission loss of one path by ITM, point to point, dB.

    * ``distance_km`` (n,) from the transmitter at equal steps from zero, 1 to 2,000 km; ``height_m`` (n,) of bare
      ground above the sea; ``frequency_ghz`` 0.02 to 20; ``tx_height_m``, ``rx_height_m`` above ground, 0.5 to 3,000.
    * ``n0`` refractivity at sea level, N-units: 325 bends rays as a fall of 45 N-units a km does (k of 1.40); it is
      reduced to the path's mean height.  ``surface_n`` gives that at the surface itself instead.
    * ``time_pct`` share of time and ``confidence_pct`` share of like situations in which the loss is not exceeded.
    * ``polarisation`` "horizontal" or "vertical"; ``climate`` 1 to 7 by the model's guide, 5 continental temperate.

    Raises :class:`InputError` with all that is wrong, and where the optional library is not installed.
    """
    distance, height = np.asarray(distance_km, np.float64), np.asarray(height_m, np.float64)
    return float(itm_losses([distance], [height], frequency_ghz, tx_height_m, rx_height_m, **options).loss_db[0])


def _one(
    distance_km: FloatArray,
    height_m: FloatArray,
    frequency_ghz: float,
    heights_m: tuple[float, float],
    options: ItmOptions,
) -> tuple[float, int]:
    """Return loss and warning of one checked path."""
    from itmlogic.preparatory_subroutines.qlrps import qlrps
    from itmlogic.statistics.avar import avar

    n = height_m.size - 1
    end = int(END_FRAC * n)
    mean_m = float(height_m[end : n - end + 1].mean())
    at_surface = options.get("surface_n")
    given = options.get("n0", SEA_LEVEL_N) if at_surface is None else at_surface
    wn, gme, ens, zgnd = qlrps(
        frequency_ghz * MHZ_PER_GHZ,
        mean_m if at_surface is None else 0.0,
        given,
        int(options.get("polarisation", "horizontal") == "vertical"),
        PERMITTIVITY,
        CONDUCTIVITY_S_PER_M,
    )
    state = _attenuated(
        {
            "pfl": [n, float(distance_km[-1]) * METRES_PER_KM / n, *height_m.tolist()],
            "hg": list(heights_m), "wn": wn, "gme": gme, "ens": ens, "zgnd": zgnd, "kwx": 0,
            "lvar": ALL_TO_DEFINE, "klim": options.get("climate", CONTINENTAL_TEMPERATE), "klimx": 0,
            "mdvarx": ACCIDENTAL_POINT_TO_POINT,
        }
    )  # fmt: skip
    # The model's deviates are of the complement: the larger the share of time, the more loss it allows.
    time, confidence = (NormalDist().inv_cdf(1.0 - share / PER_CENT) for share in _shares(options).values())
    beyond_db, state = avar(time, 0.0, confidence, state)
    mark = REFUSED if ens < LEAST_SURFACE_N else int(state["kwx"])
    return float(free_space_db(distance_km[-1], frequency_ghz)) + float(beyond_db), mark


def _attenuated(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state with horizons, effective heights and the reference attenuation.

    Paths in sight are prepared here, by section 48 of the algorithm: itmlogic 1.2 takes the ground before the last
    point for the receiver's, which moves steep paths by up to 50 dB.
    """
    from itmlogic.lrprop import lrprop
    from itmlogic.preparatory_subroutines.dlthx import dlthx
    from itmlogic.preparatory_subroutines.hzns import hzns
    from itmlogic.preparatory_subroutines.qlrpfl import qlrpfl
    from itmlogic.preparatory_subroutines.zlsq1 import zlsq1

    profile, masts_m, bend = state["pfl"], state["hg"], state["gme"]
    length_m = profile[0] * profile[1]
    _, horizon = hzns(profile, length_m, masts_m, bend)
    if horizon[0] + horizon[1] < SIGHT_RATIO * length_m:
        return dict(qlrpfl(state))
    near, far = (min(FOOT_HEIGHTS * masts_m[j], FOOT_FRAC * horizon[j]) for j in (0, 1))
    irregular_m = dlthx(profile, near, length_m - far)
    plane_m = zlsq1(profile, near, length_m - far)
    ground_m = profile[2], profile[-1]
    height_m = [mast + max(at - plane, 0.0) for mast, at, plane in zip(masts_m, ground_m, plane_m, strict=True)]

    def horizon_m(height: float) -> float:
        short = IRREGULAR_SLOPE * math.sqrt(irregular_m / max(height, LEAST_HEIGHT_M))
        return math.sqrt(2.0 * height / bend) * math.exp(-short)

    reach_m = sum(horizon_m(height) for height in height_m)
    if reach_m <= length_m:
        height_m = [height * (length_m / reach_m) ** 2 for height in height_m]
    seen_m = [horizon_m(height) for height in height_m]
    smooth_m = [math.sqrt(2.0 * height / bend) for height in height_m]
    angle = [
        (ANGLE_SLOPE * irregular_m * (smooth / seen - 1.0) - 2.0 * height) / smooth
        for smooth, seen, height in zip(smooth_m, seen_m, height_m, strict=True)
    ]
    found = {"dist": length_m, "dh": irregular_m, "he": height_m, "dl": seen_m, "the": angle}
    return dict(lrprop(0, state | found | {"mdp": -1, "mdvar": state["mdvarx"]}))
