"""Times in UTC as Julian days, and the angle by which the Earth has turned."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.methods.gnss_time import leap_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    TimeArray = NDArray[np.datetime64]

JULIAN_1970 = 2_440_587.5
JULIAN_2000 = 2_451_545.0  # noon
CENTURY_DAYS = 36_525.0
DAY_S = 86_400.0
DAY_US = 86_400_000_000
#: Greenwich mean sidereal time of 1982, seconds, in powers of Julian centuries of UT1; AIAA 2006-6753, appendix C.
GMST_S = (67_310.54841, 876_600.0 * 3600.0 + 8_640_184.812866, 0.093104, -6.2e-6)
TT_LESS_GPS_S = 51.184  # 32.184 s to atomic time, 19 s to GPS time; exact
#: Terrestrial time less UT1 on 1 January from 1984 to 2025, s: US Naval Observatory and IERS Bulletin A.
DELTA_T_YEAR = 1984
DELTA_T_S = (
    53.7882, 54.3427, 54.8713, 55.3222, 55.8197, 56.3000, 56.8553, 57.5653, 58.3092, 59.1218, 59.9845, 60.7853,
    61.6287, 62.2950, 62.9659, 63.4673, 63.8285, 64.0908, 64.2998, 64.4734, 64.5736, 64.6877, 64.8452, 65.1464,
    65.4573, 65.7768, 66.0699, 66.3246, 66.6030, 66.9069, 67.2810, 67.6439, 68.1024, 68.5927, 68.9676, 69.2201,
    69.3612, 69.3594, 69.2945, 69.2038, 69.1752, 69.1377,
)  # fmt: skip
#: Seasons of the Earth's turn, UT2 less UT1, s: sine and cosine of the year and of its half; IERS convention.
SEASONS_S = (0.022, -0.012, -0.006, 0.007)
MEAN_YEAR_DAYS = 365.25
FIRST_YEAR, LAST_YEAR = 1957, 2100  # Sputnik; beyond, the angle of the Earth cannot be foretold


def utc_times(times_utc: Any) -> TimeArray:  # noqa: ANN401  # whatever numpy can read as times, checked here
    """Return (t,) times to the microsecond from datetimes, datetime64 or ISO 8601 text; one time gives (1,).

    Datetimes with a zone are brought to UTC; those without are UTC already.  Raises :class:`InputError`.

    >>> utc_times("2024-05-21T00:10:00Z").tolist()
    [datetime.datetime(2024, 5, 21, 0, 10)]
    """
    if isinstance(times_utc, np.ndarray) and times_utc.dtype.kind == "M":
        found = np.atleast_1d(times_utc).astype("datetime64[us]")
    else:
        items = [times_utc] if isinstance(times_utc, (str, datetime, np.datetime64)) else list(times_utc)
        found = np.array([_moment(item) for item in items], "datetime64[us]")
    year = found.astype("datetime64[Y]").astype(np.int64) + 1970
    if found.ndim != 1 or np.isnat(found).any() or (year < FIRST_YEAR).any() or (year > LAST_YEAR).any():
        what = f"times must be a list of moments between {FIRST_YEAR} and {LAST_YEAR}"
        raise InputError(Problem(what, "give UTC datetimes or ISO 8601 text", column="times_utc"))
    return found


def _moment(item: object) -> np.datetime64:
    if isinstance(item, np.datetime64):
        moment: np.datetime64 = item.astype("datetime64[us]")
        return moment
    try:
        at = datetime.fromisoformat(item) if isinstance(item, str) else item
    except ValueError as error:
        what = f"'{item}' is no moment"
        raise InputError(Problem(what, "write it as 2024-05-21T00:10:00Z", column="times_utc")) from error
    if not isinstance(at, datetime):
        raise InputError(Problem(f"{item!r} is no moment", "give UTC datetimes or ISO 8601 text", column="times_utc"))
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo is not None else at, "us")


def julian_days(times_utc: TimeArray) -> tuple[FloatArray, FloatArray]:
    """Return (t,) whole Julian days that end in .5, and the shares of the day since; exact to a nanosecond."""
    micro = times_utc.astype("datetime64[us]").astype(np.int64)
    day, rest = np.divmod(micro, DAY_US)
    return day + JULIAN_1970, rest / DAY_US


def ut1_less_utc_s(day_jd: FloatArray, day_frac: FloatArray) -> FloatArray:
    """Return (t,) UT1 less UTC, s: lines between a table of years, with the conventional seasons on them.

    From 1984 to 2025 it errs by some 0.01 s, 5 m on the equator.  Before, it is zero, which errs by up to 0.9 s or
    0.4 km.  After, the value of January 2025 stays, which errs by some 0.1 s in 2026; no leap second is foretold.

    >>> day, frac = julian_days(utc_times("2004-04-06T07:51:28"))
    >>> ut1_less_utc_s(day, frac).round(1).tolist()
    [-0.4]
    """
    first = np.datetime64(f"{DELTA_T_YEAR}-01-01", "D")
    starts = np.arange(DELTA_T_YEAR, DELTA_T_YEAR + len(DELTA_T_S)).astype(str).astype("datetime64[D]")
    days = (starts - first).astype(np.float64)
    since = day_jd - JULIAN_1970 - (first - np.datetime64("1970-01-01", "D")).astype(np.float64) + day_frac
    whole = (day_jd - JULIAN_1970).astype(np.int64).astype("datetime64[D]").astype("datetime64[us]")
    turn = 2.0 * np.pi * since / MEAN_YEAR_DAYS
    waves = np.sin(turn), np.cos(turn) - 1.0, np.sin(2.0 * turn), np.cos(2.0 * turn) - 1.0
    season = sum(size * wave for size, wave in zip(SEASONS_S, waves, strict=True))
    found = TT_LESS_GPS_S + leap_s(whole) - np.interp(since, days, DELTA_T_S) - season
    return np.where(since < 0.0, 0.0, found)


def earth_angle_rad(day_jd: FloatArray, day_frac: FloatArray) -> FloatArray:
    """Return (t,) the angle from TEME's x axis to the Greenwich meridian, radians in a full turn.

    >>> day, frac = julian_days(utc_times("2000-01-01T12:00:00"))
    >>> np.degrees(earth_angle_rad(day, frac)).round(2).tolist()
    [280.46]
    """
    t = ((day_jd - JULIAN_2000) + (day_frac + ut1_less_utc_s(day_jd, day_frac) / DAY_S)) / CENTURY_DAYS
    seconds = GMST_S[0] + (GMST_S[1] + (GMST_S[2] + GMST_S[3] * t) * t) * t
    return np.asarray(seconds % DAY_S * (2.0 * np.pi / DAY_S))
