"""Rain between the ground and a satellite: attenuation for a share of the year, and the share that a margin leaves.

Sources: Recommendations ITU-R P.618-14 section 2.2.1.1 (steps 1 to 10), P.838-3 (specific attenuation), P.839-4 (rain
height from the height of the 0 degree isotherm).  The maps of P.837 (rain rate) and P.839 (isotherm) may not be
shipped: the rate is an input, and without an isotherm the rain height follows latitude as in P.839-2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.rain import CIRCULAR_TILT_DEG, rain_coefficients

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

EFFECTIVE_RADIUS_KM = 8500.0  # P.618-14 step 3: of the earth, refraction included
LOW_ELEVATION_DEG = 5.0  # P.618-14 step 3: below, the earth's curve counts
P618_GHZ = (1.0, 55.0)  # P.618-14 section 2.2.1.1
#: P.618 holds between 0.001 % and 5 % of the time; beyond, the ends are taken for an outage and refused for a fade.
PERCENT_RANGE = (0.001, 5.0)
_REFERENCE_PERCENT = 0.01  # of the rain rate and of steps 1 to 9
_TROPIC_LAT_DEG = 36.0  # P.618-14 steps 7 and 10 change their form here
_STEEP_ELEVATION_DEG = 25.0  # P.618-14 step 10 changes its form below
_OFTEN_PERCENT = 1.0  # P.618-14 step 10: from here beta is 0
_ABOVE_ISOTHERM_KM = 0.36  # P.839-4: mean rain height above the 0 degree isotherm
_RAIN_HEIGHT_KM = 5.0  # P.839-2: within the tropics
_NORTH_LAT_DEG, _NORTH_KM_PER_DEG = 23.0, 0.075  # P.839-2: from here the rain height falls towards the pole
_SOUTH_LAT_DEG, _SOUTH_KM_PER_DEG = -21.0, 0.1  # same, south of the equator
_BISECTIONS = 40  # halvings of three decades: far below 1e-9 relative
_N_SCANNED = 33  # points between the ends at which a curve that is not monotone is looked at


def rain_height_km(lat_deg: ArrayLike, isotherm_km: ArrayLike | None = None) -> FloatArray:
    """Return the mean rain height above sea level, km.

    From the mean height of the 0 degree isotherm where it is given (ITU-R P.839-4); else by latitude, as P.839-2 drew
    it outside America.  Monsoon country lies above that line: by 0.7 km at Delhi, where the map gives 5.26 km.

    >>> rain_height_km([10.0, 33.0, -71.0]).tolist(), rain_height_km(33.0, 4.8).tolist()
    ([5.0, 4.25, 0.0], 5.16)
    """
    lat = np.asarray(lat_deg, np.float64)
    if isotherm_km is not None:
        return np.asarray(np.asarray(isotherm_km, np.float64) + _ABOVE_ISOTHERM_KM + 0.0 * lat)
    north = _NORTH_KM_PER_DEG * np.maximum(lat - _NORTH_LAT_DEG, 0.0)
    south = _SOUTH_KM_PER_DEG * np.maximum(_SOUTH_LAT_DEG - lat, 0.0)
    return np.asarray(np.maximum(_RAIN_HEIGHT_KM - north - south, 0.0))


def slant_rain_db(
    lat_deg: ArrayLike,
    height_km: ArrayLike,
    rain_top_km: ArrayLike,
    *,
    elevation_deg: ArrayLike,
    frequency_ghz: ArrayLike,
    rain_rate_mm_h: ArrayLike,
    tilt_deg: ArrayLike = CIRCULAR_TILT_DEG,
) -> FloatArray:
    """Return the rain attenuation of a slant path exceeded for 0.01 % of the year, dB (ITU-R P.618-14 steps 2 to 9).

    Above the horizon and up to 55 GHz; a station above the rain, or no rain, gives 0.  Shapes broadcast.
    """
    lat, f = np.asarray(lat_deg, np.float64), np.asarray(frequency_ghz, np.float64)
    elevation = np.radians(np.asarray(elevation_deg, np.float64))
    depth = np.asarray(rain_top_km, np.float64) - np.asarray(height_km, np.float64)
    above, sine = np.maximum(depth, 1e-9), np.sin(elevation)
    curved = 2.0 * above / (np.sqrt(sine**2 + 2.0 * above / EFFECTIVE_RADIUS_KM) + sine)
    is_low = np.asarray(elevation_deg, np.float64) < LOW_ELEVATION_DEG
    slant = np.where(is_low, curved, above / np.where(is_low, 1.0, sine))
    ground = slant * np.cos(elevation)
    k, alpha = rain_coefficients(f, elevation_deg, tilt_deg)
    specific = k * np.asarray(rain_rate_mm_h, np.float64) ** alpha
    across = 1.0 / (1.0 + 0.78 * np.sqrt(ground * specific / f) - 0.38 * (1.0 - np.exp(-2.0 * ground)))
    is_side = np.arctan2(above, ground * across) > elevation
    straight = above / np.maximum(sine, 1e-9)  # step 6 has no curved form; at 0 degrees the side is always left first
    path = np.where(is_side, ground * across / np.cos(elevation), straight)
    chi = np.maximum(_TROPIC_LAT_DEG - np.abs(lat), 0.0)
    bend = 31.0 * (1.0 - np.exp(-np.degrees(elevation) / (1.0 + chi))) * np.sqrt(path * specific) / f**2 - 0.45
    along = 1.0 / (1.0 + np.sqrt(sine) * bend)
    return np.asarray(np.where(depth > 0.0, specific * path * along, 0.0))


def slant_rain_at_db(
    rain_db: ArrayLike, lat_deg: ArrayLike, elevation_deg: ArrayLike, percent: ArrayLike
) -> FloatArray:
    """Return the slant rain attenuation exceeded for ``percent`` of the year, dB (ITU-R P.618-14 step 10).

    ``rain_db`` is that of 0.01 %; 0.001 to 5 per cent.
    """
    base = np.maximum(np.asarray(rain_db, np.float64), 1e-12)
    p, lat = np.asarray(percent, np.float64), np.abs(np.asarray(lat_deg, np.float64))
    degrees = np.asarray(elevation_deg, np.float64)
    sine = np.sin(np.radians(degrees))
    low = -0.005 * (lat - _TROPIC_LAT_DEG) + np.where(degrees >= _STEEP_ELEVATION_DEG, 0.0, 1.8 - 4.25 * sine)
    beta = np.where((p >= _OFTEN_PERCENT) | (lat >= _TROPIC_LAT_DEG), 0.0, low)
    power = -(0.655 + 0.033 * np.log(p) - 0.045 * np.log(base) - beta * (1.0 - p) * sine)
    return np.asarray(base * (p / _REFERENCE_PERCENT) ** power)


def slant_rain_outage_frac(
    rain_db: ArrayLike, lat_deg: ArrayLike, elevation_deg: ArrayLike, margin_db: ArrayLike
) -> FloatArray:
    """Return the share of the year in which slant rain exceeds a margin (step 10 of P.618-14, solved by halving).

    The law holds from 0.001 % to 5 %; a larger margin gives 1e-5, a smaller one 0.05; no rain gives 0.  Strong rain at
    low elevation bends the law down again at its rare end: the larger of two shares is then returned.
    """
    rain, lat, elevation, margin = np.broadcast_arrays(
        *(np.asarray(part, np.float64) for part in (rain_db, lat_deg, elevation_deg, margin_db))
    )
    ends = np.log(PERCENT_RANGE[0]), np.log(PERCENT_RANGE[1])
    low = np.full(rain.shape, ends[0])
    for point in np.linspace(*ends, _N_SCANNED)[1:-1]:
        is_below = slant_rain_at_db(rain, lat, elevation, np.exp(low)) <= margin
        exceeds = slant_rain_at_db(rain, lat, elevation, np.exp(point)) > margin
        low = np.where(is_below & exceeds, point, low)
    high = np.full(rain.shape, ends[1])
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        exceeds = slant_rain_at_db(rain, lat, elevation, np.exp(middle)) > margin
        low, high = np.where(exceeds, middle, low), np.where(exceeds, high, middle)
    return np.asarray(np.where(rain > 0.0, np.exp(0.5 * (low + high)) / 100.0, 0.0))


def _check(limits: dict[str, tuple[ArrayLike, float, float]]) -> None:
    """Raise all values that are missing or out of range together, with their rows."""
    problems = []
    for name, (value, least, most) in limits.items():
        flat = np.ravel(np.asarray(value, np.float64))
        rows = np.flatnonzero(~((flat >= least) & (flat <= most)))
        cure = f"give {least:g} to {most:g}"
        for row in rows:
            what = f"{flat[row]:g} is missing or out of range"
            problems.append(Problem(what, cure, row=int(row) + 1 if flat.size > 1 else None, column=name))
    raise_if_any(problems)


class _Path(NamedTuple):
    """What a slant path is, for steps 1 to 9."""

    lat_deg: ArrayLike
    frequency_ghz: ArrayLike
    elevation_deg: ArrayLike
    rain_rate_001_mm_h: ArrayLike
    height_km: ArrayLike
    top_km: ArrayLike | None
    tilt_deg: ArrayLike


def _reference_db(path: _Path) -> FloatArray:
    """Return the attenuation of 0.01 % after all values have been checked."""
    _check(
        {
            "lat_deg": (path.lat_deg, -90.0, 90.0),
            "frequency_ghz": (path.frequency_ghz, *P618_GHZ),
            "elevation_deg": (path.elevation_deg, 0.0, 90.0),
            "rain_rate_001_mm_h": (path.rain_rate_001_mm_h, 0.0, 500.0),
            "height_km": (path.height_km, -1.0, 50.0),
            "rain_height_km": (0.0 if path.top_km is None else path.top_km, -1.0, 50.0),
        }
    )
    return slant_rain_db(
        path.lat_deg,
        path.height_km,
        rain_height_km(path.lat_deg) if path.top_km is None else path.top_km,
        elevation_deg=path.elevation_deg,
        frequency_ghz=path.frequency_ghz,
        rain_rate_mm_h=path.rain_rate_001_mm_h,
        tilt_deg=path.tilt_deg,
    )


def rain_attenuation_db(  # noqa: PLR0917  # the order of the arguments is published
    lat_deg: ArrayLike,
    frequency_ghz: ArrayLike,
    elevation_deg: ArrayLike,
    time_pct: ArrayLike,
    rain_rate_001_mm_h: ArrayLike,
    height_km: ArrayLike,
    *,
    rain_height_km: ArrayLike | None = None,
    tilt_deg: ArrayLike = CIRCULAR_TILT_DEG,
) -> FloatArray:
    """Return the rain attenuation of a slant path exceeded for a percentage of the year, dB (ITU-R P.618-14 2.2.1.1).

    ``time_pct`` 0.001 to 5; ``rain_rate_001_mm_h`` is the rate exceeded for 0.01 % of the year; ``height_km`` the
    station above sea level; ``rain_height_km`` above sea level, by latitude where it is not given (see
    :func:`rain_height_km`); ``tilt_deg`` of the polarisation, 45 for circular.  Frequencies of 1 to 55 GHz, elevations
    of 0 to 90 degrees.  Arguments broadcast.  Raises :class:`InputError` with every value out of range.

    >>> round(float(rain_attenuation_db(33.7, 12.0, 35.0, 0.01, 40.0, 0.54)), 3)
    7.404
    """
    _check({"time_pct": (time_pct, *PERCENT_RANGE)})
    base = _reference_db(
        _Path(lat_deg, frequency_ghz, elevation_deg, rain_rate_001_mm_h, height_km, rain_height_km, tilt_deg)
    )
    return np.asarray(np.where(base > 0.0, slant_rain_at_db(base, lat_deg, elevation_deg, time_pct), 0.0))


def rain_outage_pct(  # noqa: PLR0917  # the same order
    lat_deg: ArrayLike,
    frequency_ghz: ArrayLike,
    elevation_deg: ArrayLike,
    margin_db: ArrayLike,
    rain_rate_001_mm_h: ArrayLike,
    height_km: ArrayLike,
    *,
    rain_height_km: ArrayLike | None = None,
    tilt_deg: ArrayLike = CIRCULAR_TILT_DEG,
) -> FloatArray:
    """Return the percentage of the year in which rain exceeds a margin, 0.001 to 5; 0 where it never rains.

    The inverse of :func:`rain_attenuation_db` in ``time_pct``; arguments as there.
    """
    _check({"margin_db": (margin_db, 0.0, 1000.0)})
    base = _reference_db(
        _Path(lat_deg, frequency_ghz, elevation_deg, rain_rate_001_mm_h, height_km, rain_height_km, tilt_deg)
    )
    return np.asarray(100.0 * slant_rain_outage_frac(base, lat_deg, elevation_deg, margin_db))
