"""Airports from airportsdata (MIT)."""

from __future__ import annotations

import polars as pl

from rahdari.sources.packages.locate import package_file

SOURCE_ID = "airportsdata"
SOURCES = (
    {
        "source_id": SOURCE_ID,
        "title": "Airports and landing strips of the world",
        "publisher": "airportsdata",
        "licence": "MIT",
        "kind": "published",
        "locator": "PyPI airportsdata",
        "note": "Only airports with an IATA code are taken",
    },
)


def airports(iso2: str) -> pl.DataFrame:
    """Return the airports of one country that have an IATA code, in order of it.

    Columns: iata, icao, name, city, lon_deg, lat_deg.
    """
    table = pl.read_csv(package_file("airportsdata", "airports.csv"), infer_schema=False)
    served = table.filter((pl.col("country") == iso2.upper()) & (pl.col("iata").fill_null("") != ""))
    return served.select(
        "iata",
        "icao",
        "name",
        "city",
        pl.col("lon").cast(pl.Float64).alias("lon_deg"),
        pl.col("lat").cast(pl.Float64).alias("lat_deg"),
    ).sort("iata")
