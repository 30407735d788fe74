"""How long a site stays dark behind a battery and a generator, and what the generator burns.

Outages of one feeder come ``count`` times a day with exponential length, so that the part of an outage beyond
``a`` hours of backup has the mean (T / count) exp(-a count / T), T being the mean hours without supply a day.
Batteries are taken as full when an outage starts, which flatters feeders without time to recharge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

TINY_H = 1e-9  # keeps divisions finite where there is no outage


def hours_beyond_h_per_day(
    outage_h_per_day: ArrayLike, backup_h: ArrayLike, outages_per_day_count: float
) -> FloatArray:
    """Return the mean hours a day that outages last beyond the backup; shapes broadcast.

    >>> float(hours_beyond_h_per_day(4.0, 0.0, 4.0)), round(float(hours_beyond_h_per_day(4.0, 1.0, 4.0)), 4)
    (4.0, 1.4715)
    """
    outage, backup = np.asarray(outage_h_per_day, np.float64), np.asarray(backup_h, np.float64)
    return np.asarray(outage * np.exp(-backup * outages_per_day_count / np.maximum(outage, TINY_H)))


def feeder_classes_h_per_day(
    outage_h_per_day: ArrayLike, heavy_frac: ArrayLike, heavy_outage_h_per_day: float
) -> tuple[FloatArray, FloatArray]:
    """Return the mean outage on heavy and on other feeders so that their mix keeps ``outage_h_per_day``.

    Heavy feeders get ``heavy_outage_h_per_day``, or the overall mean where that is more, but never more than the mix
    allows.

    >>> heavy, light = feeder_classes_h_per_day(5.0, 0.25, 14.0)
    >>> float(heavy), float(light)
    (14.0, 2.0)
    """
    mean, share = np.asarray(outage_h_per_day, np.float64), np.asarray(heavy_frac, np.float64)
    most = mean / np.maximum(share, TINY_H)
    heavy = np.where(share > 0.0, np.minimum(np.maximum(heavy_outage_h_per_day, mean), most), 0.0)
    light = np.maximum(0.0, mean - share * heavy) / np.maximum(1.0 - share, TINY_H)
    return np.asarray(heavy), np.asarray(light)


def generator_l_per_h(
    load_kw: ArrayLike, rated_ratio: float, idle_l_per_kwh: float, load_l_per_kwh: float
) -> FloatArray:
    """Return the fuel rate of a generator, l/h: a part by rating and a part by output (Skarstein and Uhlen 1989).

    >>> round(float(generator_l_per_h(2.0, 4.0, 0.08415, 0.246)), 4)
    1.1652
    """
    return np.asarray(load_kw, np.float64) * (idle_l_per_kwh * rated_ratio + load_l_per_kwh)
