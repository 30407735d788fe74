"""Sea ports from searoute (Apache-2.0)."""

from __future__ import annotations

import orjson
import polars as pl

from rahdari.sources.packages.locate import package_file

SOURCE_ID = "searoute"
SOURCES = (
    {
        "source_id": SOURCE_ID,
        "title": "World ports of the package searoute, by UN/LOCODE",
        "publisher": "searoute",
        "licence": "Apache-2.0",
        "kind": "published",
        "locator": "PyPI searoute",
        "note": "Positions of harbours, not of cable landings",
    },
)

PORT_SCHEMA = {"locode": pl.String, "name": pl.String, "lon_deg": pl.Float64, "lat_deg": pl.Float64}


def ports(iso2: str) -> pl.DataFrame:
    """Return the sea ports of one country, told by the first two letters of their UN/LOCODE.

    Columns: locode, name, lon_deg, lat_deg.  A landlocked country has none.
    """
    features = orjson.loads(package_file("searoute", "data", "ports.geojson").read_bytes())["features"]
    rows = {}
    for feature in features:
        locode = feature["properties"].get("port") or ""
        if locode[:2] == iso2.upper():
            lon_deg, lat_deg = feature["geometry"]["coordinates"][:2]
            rows[locode] = (locode, feature["properties"]["name"], float(lon_deg), float(lat_deg))
    return pl.DataFrame([rows[code] for code in sorted(rows)], schema=PORT_SCHEMA, orient="row")
