"""What a sky of satellites is worth at points: dilution, availability of a stated accuracy, protection."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.methods.dop import LARGEST_DOP
from rahdari.methods.protection_level import Integrity, protection_level
from rahdari.methods.satellite_dop import dop

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from numpy.typing import NDArray

    from rahdari.engines.navigation.ground import Ground
    from rahdari.engines.navigation.params import NavigationParams
    from rahdari.methods.broadcast_orbits import Track

    FloatArray = NDArray[np.float64]
    TimeArray = NDArray[np.datetime64]

POINTS_AT_ONCE = 4000  # bounds memory: five ratios of a day's moments are 15 MB


class Sky(NamedTuple):
    """Satellites at the same (t,) moments: BeiDou alone, and all systems."""

    times_utc: TimeArray
    beidou: Track
    every: Track


class Quality(NamedTuple):
    """Means over the moments at (p,) points.

    Dilutions are means over moments with a position, ``LARGEST_DOP`` without any; ``worst_pdop`` is the largest of
    them.  ``fix_frac`` is the share of moments with a position, ``available_frac`` of those with the stated accuracy.
    """

    n_satellites: FloatArray
    pdop: FloatArray
    worst_pdop: FloatArray
    hdop: FloatArray
    vdop: FloatArray
    fix_frac: FloatArray
    available_frac: FloatArray


class Skies(NamedTuple):
    """Quality with an open sky (BeiDou), over terrain (BeiDou, and all systems), and (p,) share of time protected."""

    bare: Quality
    here: Quality
    every: Quality
    protected_frac: FloatArray


def quality(
    track: Track,
    times_utc: TimeArray,
    points: pl.DataFrame,
    horizon_deg: FloatArray | None,
    params: NavigationParams,
    *,
    mask_deg: float | None = None,
) -> Quality:
    """Return the quality at points; every system in the track has a clock of its own.

    ``mask_deg`` stands in for the mask of the parameters.  The accuracy is 2 x ranging error x HDOP, about 95 %.
    """
    mask = params.mask_deg if mask_deg is None else mask_deg
    found = dop(track, points, times_utc, mask, horizon_deg, is_one_clock=False)
    is_fix = found.pdop <= LARGEST_DOP  # NaN is none
    n_fix = is_fix.sum(axis=1)

    def mean(ratio: FloatArray) -> FloatArray:
        total = np.where(is_fix, ratio, 0.0).sum(axis=1)
        return np.where(n_fix > 0, total / np.maximum(n_fix, 1), LARGEST_DOP)

    is_good = is_fix & (2.0 * params.range_error_m * found.hdop <= params.accuracy_m)
    worst = np.where(is_fix, found.pdop, 0.0).max(axis=1, initial=0.0)
    return Quality(
        found.n_visible.mean(axis=1),
        mean(found.pdop),
        np.where(n_fix > 0, worst, LARGEST_DOP),
        mean(found.hdop),
        mean(found.vdop),
        is_fix.mean(axis=1),
        is_good.mean(axis=1),
    )


def skies(sky: Sky, ground: Ground, params: NavigationParams, progress: Callable[[int, int], None]) -> Skies:
    """Return the quality of all skies at points, some thousands at a time; every point stands for itself."""
    points, n = ground.points, ground.points.height
    asked = Integrity(unstated_accuracy_m=params.signal_error_m, has_two_frequencies=params.has_two_frequencies)
    parts: list[tuple[Quality, Quality, Quality, FloatArray]] = []
    for first in range(0, max(n, 1), POINTS_AT_ONCE):
        progress(first, n)
        some, rim = points[first : first + POINTS_AT_ONCE], ground.horizon_deg[first : first + POINTS_AT_ONCE]
        safe = protection_level(sky.beidou, some, sky.times_utc, params.mask_deg, rim, integrity=asked)
        parts.append(
            (
                quality(sky.beidou, sky.times_utc, some, None, params),
                quality(sky.beidou, sky.times_utc, some, rim, params),
                quality(sky.every, sky.times_utc, some, rim, params),
                safe.available_frac(hpl_m=params.alert_limit_m),
            )
        )
    bare, here, every = (_joined([part[k] for part in parts]) for k in range(3))  # type: ignore[misc]
    return Skies(bare, here, every, np.concatenate([part[3] for part in parts]))


def _joined(parts: list[Quality]) -> Quality:
    return Quality(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
