"""The open registry of unit suffixes, the constants of nature, and conversions.

A numeric column or argument ends in its unit.  :func:`unit_of` reads it back.
"""

from __future__ import annotations

EARTH_RADIUS_KM = 6371.0  # spherical radius asked of the point connector, ITU-R P.452 uses the same
HOURS_PER_YEAR = 8766.0  # 365.25 days
SECONDS_PER_HOUR = 3600.0
DAYS_PER_YEAR = 365.25
LIGHT_SPEED_KM_PER_MS = 299.792458  # exact by the definition of the metre, SI brochure
FIBRE_GROUP_INDEX = 1.468  # ITU-T G.652 fibre at 1550 nm, group index
FIBRE_DELAY_MS_PER_KM = FIBRE_GROUP_INDEX / LIGHT_SPEED_KM_PER_MS

#: Suffix -> meaning.  Longest match wins.
SUFFIXES: dict[str, str] = {
    "km": "kilometre",
    "km2": "square kilometre",
    "m": "metre",
    "mm_h": "millimetre per hour",
    "ms": "millisecond",
    "ms_per_km": "millisecond per kilometre",
    "s": "second",
    "h": "hour",
    "h_per_day": "hours per day",
    "h_per_year": "hours per year",
    "months": "months",
    "years": "years",
    "year": "calendar year",
    "utc": "time in UTC",
    "on": "calendar date",
    "mbps": "megabit per second",
    "gbps": "gigabit per second",
    "tbps": "terabit per second",
    "bytes": "byte",
    "gb": "gigabyte",
    "gb_per_month": "gigabyte per month",
    "pb": "petabyte",
    "pb_per_year": "petabyte per year",
    "db": "decibel",
    "dbm": "decibel-milliwatt",
    "dbi": "decibel over isotropic",
    "ghz": "gigahertz",
    "mhz": "megahertz",
    "w": "watt",
    "kw": "kilowatt",
    "kwh": "kilowatt-hour",
    "kwp": "kilowatt of panels at standard test conditions",
    "kwh_per_kwp": "kilowatt-hour per kilowatt of panels",
    "kwh_per_year": "kilowatt-hour per year",
    "l": "litre",
    "l_per_year": "litre per year",
    "c": "degree Celsius",
    "tonnes": "tonne",
    "tonnes_per_year": "tonne per year",
    "usd": "US dollar",
    "usd_per_year": "US dollar per year",
    "usd_per_h": "US dollar per hour",
    "usd_per_people_h": "US dollar per hour and person",
    "usd_per_kwh": "US dollar per kilowatt-hour",
    "usd_per_month": "US dollar per month",
    "usd_per_km": "US dollar per kilometre",
    "usd_per_gbps": "US dollar per Gbit/s",
    "usd_per_gbps_km": "US dollar per Gbit/s and kilometre",
    "usd_per_mbps_month": "US dollar per Mbit/s and month",
    "pkr": "Pakistan rupee",
    "per_usd": "local currency per US dollar",
    "pct": "per cent",
    "frac": "share of one",
    "frac_per_year": "share of one per year",
    "ratio": "ratio",
    "per_year": "events per year",
    "per_km2": "per square kilometre",
    "deg": "degree of arc",
    "people": "people",
    "people_h": "hours times people",
    "people_h_per_year": "hours per year times people",
    "households": "households",
    "sites": "sites",
    "people_per_year": "people per year",
    "rank": "rank",
    "count": "count",
    "bps_per_hz": "bit per second and hertz",
}


def unit_of(name: str) -> str | None:
    """Return the unit suffix of a column or argument name, or ``None``.

    >>> unit_of("length_km"), unit_of("capex_usd_per_year"), unit_of("length")
    ('km', 'usd_per_year', None)
    """
    parts = name.split("_")
    for start in range(1, len(parts)):
        suffix = "_".join(parts[start:])
        if suffix in SUFFIXES:
            return suffix
    return None


def carries_unit(name: str) -> bool:
    """Return whether a numeric column's name is well formed.

    That is a unit, a count, a flag, a key, or a value whose unit stands in a column beside it.

    >>> carries_unit("n_people"), carries_unit("is_urban"), carries_unit("length")
    (True, True, False)
    """
    has_unit_beside = "value" in name.split("_")
    is_unitless = name.startswith(("n_", "is_", "has_")) or name.endswith("_id") or name == "step"
    return has_unit_beside or is_unitless or name in SUFFIXES or unit_of(name) is not None
