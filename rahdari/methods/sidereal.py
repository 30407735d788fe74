"""Times in UTC as Julian days, and the angle by which the Earth has turned."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from rahdari.errors import InputError, Problem

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


def earth_angle_rad(day_jd: FloatArray, day_frac: FloatArray) -> FloatArray:
    """Return (t,) the angle from TEME's x axis to the Greenwich meridian, radians in a full turn.

    >>> day, frac = julian_days(utc_times("2000-01-01T12:00:00"))
    >>> np.degrees(earth_angle_rad(day, frac)).round(5).tolist()
    [280.46062]
    """
    t = ((day_jd - JULIAN_2000) + day_frac) / CENTURY_DAYS
    seconds = GMST_S[0] + (GMST_S[1] + (GMST_S[2] + GMST_S[3] * t) * t) * t
    return np.asarray(seconds % DAY_S * (2.0 * np.pi / DAY_S))
