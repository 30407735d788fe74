"""Headings in English and in Urdu, and numbers as people read them."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

WORDS_FILE = Path(__file__).parent / "words.csv"
THOUSAND, MILLION, BILLION = 1e3, 1e6, 1e9
#: Shares nearer than this to all or to nothing would round to it and hide those left out.
SHARE_STEP = 0.001
SHORT_UNIT = 3  # letters; ms and km are no plurals
COUNTED = frozenset({"count", "households", "people", "sites"})
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ks", "ps", "sd", "ug", "ur"})  # ISO 639-1
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
CATEGORY_NAMES = {
    "fibre": "Fibre along ways and to places",
    "gpon": "Fibre lines in streets and homes",
    "radio": "Radio of cell sites",
    "transport": "Links from sites to the network",
    "microwave": "Microwave hops",
    "satellite": "Satellite terminals",
    "wifi": "Community Wi-Fi",
    "power": "Power of sites",
    "edge": "Edge nodes",
}
UNIT_NAMES = {
    "mbps": "Mbit/s",
    "gbps": "Gbit/s",
    "tbps": "Tbit/s",
    "h": "h",
    "h_per_year": "h a year",
    "h_per_day": "h a day",
    "people_per_year": "people a year",
    "pct_per_year": "% a year",
    "per_year": "a year",
    "ratio": "×",
    "times": "×",
    "pct": "%",
    "pct_gdp": "% of GDP",
    "kw": "kW",
    "kwh_per_year": "kWh a year",
    "l_per_year": "litres a year",
    "tonnes_per_year": "tonnes a year",
    "gb_per_month": "GB a month",
    "pb": "PB",
    "pb_per_year": "PB a year",
    "km2": "km²",
    "db": "dB",
    "dbm": "dBm",
    "ghz": "GHz",
    "mhz": "MHz",
    "deg": "°",
    "per_km2": "a km²",
    "bps_per_hz": "bit/s per Hz",
    "count": "",
    "stated": "",
    "year": "",
}
MONEY_NAMES = {"usd": "US$", "pkr": "Rs"}
MONEY_PER = {
    "": "",
    "per_year": "a year",
    "per_month": "a month",
    "per_km": "a km",
    "per_mbps_month": "per Mbit/s and month",
    "million": "million",
    "billion": "billion",
}
#: Spellings that engines use besides the registry of units.
UNIT_ALIASES = {"share": "frac", "usd a year": "usd_per_year", "usd a month": "usd_per_month", "money": "usd"}


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


def direction(language: str) -> str:
    """Return the direction a language is written in, as HTML names it.

    >>> direction("ur"), direction("sw")
    ('rtl', 'ltr')
    """
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def plain_unit(unit: str) -> str:
    """Return the registry's name of a unit, whichever way an engine spelt it.

    >>> plain_unit("USD"), plain_unit("share"), plain_unit("km of fibre")
    ('usd', 'frac', 'km of fibre')
    """
    low = unit.lower()
    return UNIT_ALIASES.get(low, low if low in MONEY_NAMES else unit)


def technologies_named(text: str) -> str:
    """Return a sentence with technologies by their names instead of their identifiers.

    >>> technologies_named("works over mobile_5g")
    'works over 5G mobile'
    """
    for technology, name in TECHNOLOGY_NAMES.items():
        if "_" in technology:
            text = text.replace(technology, name)
    return text


def figure(value: object, unit: str = "") -> str:
    """Return a value with its unit as people read it; shares become per cent, large numbers words.

    >>> figure(0.1234, "frac"), figure(7_500_000, "households"), figure(None), figure(1234.5, "km")
    ('12.3 %', '7.50 million households', '–', '1,234 km')
    >>> figure(0.99996, "frac"), figure(3.67e9, "usd"), figure(-12.97, "pct"), figure(141, "rank")
    ('> 99.9 %', 'US$ 3.67 billion', '-13 %', 'rank 141')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value, plain_unit(unit)) if isinstance(value, (int, float)) else str(value)


def _number(value: float, unit: str) -> str:
    if unit == "frac":
        return _share(float(value))
    number = _plain(float(value), is_whole=isinstance(value, int))
    if unit == "rank":
        return f"rank {number}"
    money, _, per = unit.partition("_")
    if money in MONEY_NAMES and per in MONEY_PER:
        return f"{MONEY_NAMES[money]} {number} {MONEY_PER[per]}".strip()
    name = UNIT_NAMES.get(unit, unit.replace("_", " "))
    if number == "1" and len(name) > SHORT_UNIT and name.isalpha():
        name = name.removesuffix("s")
    return f"{number} {name}".strip()


def _share(value: float) -> str:
    """Return a share in per cent; what is short of all or above nothing never rounds to it."""
    if 1 - SHARE_STEP / 2 < value < 1:
        return f"> {1 - SHARE_STEP:.1%}".replace("%", " %")
    if 0 < value < SHARE_STEP / 2:
        return f"< {SHARE_STEP:.1%}".replace("%", " %")
    return f"{value * 100:.1f} %"


def amount(value: object, unit: str = "") -> str:
    """Return a value as :func:`figure` does, without the unit of things counted, which the words beside it name.

    >>> amount(13_233_682, "households"), amount(40.2, "mbps")
    ('13.2 million', '40.2 Mbit/s')
    """
    return figure(value, "" if unit in COUNTED else unit)


def _plain(value: float, *, is_whole: bool) -> str:
    size = abs(value)
    for word, scale in (("billion", BILLION), ("million", MILLION)):
        if size >= scale:
            n_decimals = 0 if size >= 100 * scale else 1 if size >= 10 * scale else 2  # three digits carry the meaning
            return f"{value / scale:,.{n_decimals}f} {word}"
    if size >= THOUSAND or is_whole:
        return f"{value:,.0f}"
    if size >= 100:  # noqa: PLR2004  # three digits carry the meaning from here up
        return f"{value:.0f}"
    return f"{value:.3g}" if value else "0"


def band(low: float | None, high: float | None, unit: str) -> str:
    """Return a range with its unit once, or nothing where none is known.

    >>> band(2.79e9, 6.77e9, "usd"), band(0.69, 0.985, "frac"), band(3.3, 20.6, "mbps"), band(None, 1.0, "km")
    ('US$ 2.79 to 6.77 billion', '69.0 to 98.5 %', '3.3 to 20.6 Mbit/s', '')
    """
    if low is None or high is None:
        return ""
    first, last = figure(low, unit).split(), figure(high, unit).split()
    if first == last:
        return ""
    n_common = 0
    while n_common < min(len(first), len(last)) - 1 and first[-1 - n_common] == last[-1 - n_common]:
        n_common += 1
    first = first[: len(first) - n_common]
    if first[0] == last[0] and first[0] in MONEY_NAMES.values():
        last = last[1:]
    return f"{' '.join(first)} to {' '.join(last)}"
