"""Numbers and units as a reader of the report expects them."""

from __future__ import annotations

import math

from rahdari.units import SUFFIXES

#: Unit -> what follows the number.
UNIT_WORDS = {
    "pct": "%",
    "frac": "of one",
    "rank": "",
    "count": "",
    "ratio": "times",
    "pct_per_year": "% a year",
    "frac_per_year": "of one a year",
    "pct_gdp": "% of GDP",
    "mbps": "Mbit/s",
    "gbps": "Gbit/s",
    "usd": "US dollars",
    "usd_per_year": "US dollars a year",
    "usd_million": "million US dollars",
    "usd_billion": "billion US dollars",
    "pkr_billion": "billion rupees",
    "people_per_year": "people a year",
    "million": "million people",
    "km": "km",
    "ms": "ms",
    "years": "years",
    "people": "people",
    "households": "households",
    "sites": "sites",
    "partners": "partners",
}
#: (from, to) -> factor; only units that a claim and an indicator may express the same thing in.
FACTORS = {
    ("frac", "pct"): 100.0,
    ("pct", "frac"): 0.01,
    ("frac_per_year", "pct_per_year"): 100.0,
    ("usd", "usd_million"): 1e-6,
    ("usd", "usd_billion"): 1e-9,
    ("usd_million", "usd_billion"): 1e-3,
    ("usd_per_year", "usd_million"): 1e-6,
    ("usd_per_year", "usd_billion"): 1e-9,
    ("people", "million"): 1e-6,
    ("ratio", "times"): 1.0,
    ("times", "ratio"): 1.0,
}
LARGE = 10_000.0  # from here on whole numbers with separators read better than digits


def factor_between(unit: str | None, wanted: str | None) -> float | None:
    """Return what turns ``unit`` into ``wanted``, or ``None`` where they measure different things.

    >>> factor_between("frac", "pct"), factor_between("km", "ms"), factor_between("km", "km")
    (100.0, None, 1.0)
    """
    if unit == wanted:
        return 1.0
    return FACTORS.get((unit or "", wanted or ""))


def number_text(value: float, n_digits: int) -> str:
    """Return a number with the given significant digits and thousands separators.

    >>> number_text(24537.66, 3), number_text(0.17912, 3), number_text(7500000, 3), number_text(-0.0, 3)
    ('24,500', '0.179', '7,500,000', '0')
    """
    if value == 0:
        return "0"
    place = n_digits - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, place)
    if abs(rounded) >= LARGE or place <= 0:
        return f"{rounded:,.0f}"
    return f"{rounded:,.{place}f}".rstrip("0").rstrip(".")


def exact_text(value: float) -> str:
    """Return a claimed number as printed: no digit lost, thousands separators.

    >>> exact_text(7500000.0), exact_text(3.223), exact_text(21000.0)
    ('7,500,000', '3.223', '21,000')
    """
    return f"{value:,.0f}" if value == int(value) else f"{value:,}"


def with_unit(text: str, unit: str | None) -> str:
    """Return a number's text with its unit in words.

    >>> with_unit("42", "pct"), with_unit("22", None), with_unit("9", "kwh")
    ('42 %', '22', '9 kilowatt-hour')
    """
    return f"{text} {UNIT_WORDS.get(unit or '', SUFFIXES.get(unit or '', unit or ''))}".strip()
