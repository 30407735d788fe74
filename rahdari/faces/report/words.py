"""Headings in English and in Urdu, and numbers as people read them."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

WORDS_FILE = Path(__file__).parent / "words.csv"
THOUSAND, MILLION, BILLION = 1e3, 1e6, 1e9
TECHNOLOGY_NAMES = {
    "fibre": "Fibre to the home",
    "fwa_5g": "5G fixed wireless",
    "mobile_5g": "5G mobile",
    "mobile_4g": "4G mobile",
    "microwave_site": "Microwave-fed site",
    "satellite": "Satellite terminal",
    "community_wifi": "Community Wi-Fi",
    "none": "No service",
}
UNIT_NAMES = {
    "usd": "US$",
    "usd_per_year": "US$ a year",
    "usd_per_month": "US$ a month",
    "mbps": "Mbit/s",
    "gbps": "Gbit/s",
    "tbps": "Tbit/s",
    "h_per_year": "h a year",
    "h_per_day": "h a day",
    "people_per_year": "people a year",
    "pct_per_year": "% a year",
    "per_year": "a year",
    "ratio": "×",
    "frac": "%",
    "pct": "%",
    "l_per_year": "litres a year",
    "count": "",
}


@cache
def _words() -> dict[str, tuple[str, str]]:
    with WORDS_FILE.open(encoding="utf-8", newline="") as file:
        return {row["key"]: (row["en"], row["ur"]) for row in csv.DictReader(file)}


def english(key: str) -> str:
    """Return a heading in English."""
    return _words()[key][0]


def local(key: str, language: str) -> str:
    """Return a heading in the local language where we have it, else nothing."""
    return _words()[key][1] if language == "ur" else ""


def figure(value: object, unit: str = "") -> str:
    """Return a value with its unit as people read it; shares become per cent, large numbers words.

    >>> figure(0.1234, "frac"), figure(7_500_000, "households"), figure(None), figure(1234.5, "km")
    ('12.3 %', '7.50 million households', '–', '1,234 km')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    if unit == "frac":
        return f"{value * 100:.1f} %"
    name = UNIT_NAMES.get(unit, unit.replace("_", " "))
    return f"{_plain(float(value), is_whole=isinstance(value, int))} {name}".strip()


def _plain(value: float, *, is_whole: bool) -> str:
    size = abs(value)
    if size >= BILLION:
        return f"{value / BILLION:,.2f} billion"
    if size >= MILLION:
        return f"{value / MILLION:,.2f} million"
    if size >= THOUSAND or is_whole:
        return f"{value:,.0f}"
    if size >= 100:  # noqa: PLR2004  # three digits carry the meaning from here up
        return f"{value:.0f}"
    return f"{value:.3g}" if value else "0"


def band(low: float | None, high: float | None, unit: str) -> str:
    """Return a range, or nothing where none is known."""
    if low is None or high is None:
        return ""
    return f"{figure(low, unit)} to {figure(high, unit)}"
