"""Times of navigation systems: UTC, GPS time, BeiDou time, all as seconds since the start of GPS time.

GPS time began on 6 January 1980 and has no leap seconds; Galileo's agrees with it to nanoseconds; BeiDou's lags it by
14 s; GLONASS broadcasts UTC (RINEX 4.00, section 5.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    TimeArray = NDArray[np.datetime64]

GPS_START = np.datetime64("1980-01-06T00:00:00", "us")
WEEK_S = 604_800.0
BDT_LAG_S = 14.0  # GPS time less BeiDou time, BDS-SIS-ICD-B1I-3.0, 3.4
BDT_WEEK_LAG = 1356  # GPS weeks from 6 January 1980 to BeiDou's start on 1 January 2006
#: First moment after each leap second since GPS time began: IERS, Bulletin C; none is announced after the last.
LEAP_STARTS = np.array(
    [
        "1981-07-01", "1982-07-01", "1983-07-01", "1985-07-01", "1988-01-01", "1990-01-01", "1991-01-01", "1992-07-01",
        "1993-07-01", "1994-07-01", "1996-01-01", "1997-07-01", "1999-01-01", "2006-01-01", "2009-01-01", "2012-07-01",
        "2015-07-01", "2017-01-01",
    ],
    dtype="datetime64[us]",
)  # fmt: skip


def leap_s(times_utc: TimeArray) -> FloatArray:
    """Return the (t,) whole seconds by which GPS time is ahead of UTC.

    >>> leap_s(np.array(["2023-03-12"], "datetime64[us]")).tolist()
    [18.0]
    """
    return np.searchsorted(LEAP_STARTS, times_utc, side="right").astype(np.float64)


def gps_seconds(times_utc: TimeArray) -> FloatArray:
    """Return (t,) seconds of GPS time since its start, exact to a microsecond."""
    return calendar_seconds(times_utc) + leap_s(times_utc)


def calendar_seconds(times: TimeArray) -> FloatArray:
    """Return (t,) seconds since 6 January 1980 of times in a scale without leap seconds."""
    return np.asarray((times - GPS_START) / np.timedelta64(1, "s"), np.float64)
