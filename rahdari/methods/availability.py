"""Availability of things in series and in parallel, from failure rates and repair times.

All are long-run shares of time of alternating renewal processes (Barlow and Proschan 1965); parts fail
independently except for the stated common-cause share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

ROUTE_UNIT_KM = 1000.0  # cut rates are published per 1,000 km and year


def repairable_availability_frac(rate_per_year: ArrayLike, repair_h: ArrayLike) -> NDArray[np.float64]:
    """Return mean time up over mean time up and down: 1 / (1 + rate x repair).

    Shapes broadcast.  ``rate_per_year`` counts failures in a year of uptime; a rate of zero gives 1.

    >>> float(repairable_availability_frac(1.0, 8766.0))
    0.5
    """
    return 1.0 / (1.0 + np.asarray(rate_per_year, np.float64) * np.asarray(repair_h, np.float64) / HOURS_PER_YEAR)


def fibre_availability_frac(
    fibre_km: ArrayLike, cuts_per_1000_km_per_year: float, repair_h: ArrayLike
) -> NDArray[np.float64]:
    """Return the availability of a fibre of the given length, km; any cut takes it down until repaired.

    >>> round(float(fibre_availability_frac(2300.0, 2.0, 12.0)), 4)
    0.9937
    """
    rate = np.asarray(fibre_km, np.float64) / ROUTE_UNIT_KM * cuts_per_1000_km_per_year
    return repairable_availability_frac(rate, repair_h)


def series_availability_frac(*parts_frac: ArrayLike) -> NDArray[np.float64]:
    """Return the availability of independent parts that are all needed: their product.

    >>> float(series_availability_frac(0.5, 0.5))
    0.25
    """
    product = np.asarray(1.0)
    for part in parts_frac:
        product = product * np.asarray(part, np.float64)
    return product


def parallel_availability_frac(
    first_frac: ArrayLike, second_frac: ArrayLike, common_cause_frac: float
) -> NDArray[np.float64]:
    """Return the availability of two parts of which one is enough, by the beta-factor model (IEC 61508-6, annex D).

    ``common_cause_frac`` of the (geometric mean) unavailability strikes both at once; the rest is independent.

    >>> round(float(parallel_availability_frac(0.99, 0.99, 0.0)), 6)
    0.9999
    """
    down_first, down_second = 1.0 - np.asarray(first_frac, np.float64), 1.0 - np.asarray(second_frac, np.float64)
    independent = (1.0 - common_cause_frac) ** 2 * down_first * down_second
    return 1.0 - independent - common_cause_frac * np.sqrt(down_first * down_second)
