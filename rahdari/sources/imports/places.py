"""A list of settlements (CSV): observed villages and towns take the place of modelled ones around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.sources.imports.attach import people_to_census, places_on_ways, settled_area_km2, sites_in_places
from rahdari.sources.imports.common import (
    Findings,
    check_points,
    check_unique,
    country_code,
    finished,
    has_columns,
    land_of,
    no_table,
    numbers,
    read_csv,
    source_id_of,
    wrong_unit,
)
from rahdari.sources.synthetic.common import nearest
from rahdari.sources.synthetic.people import CITY_PEOPLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rahdari.sources.imports.common import Flags, Floats, ImportResult

REQUIRED = ("name", "lon_deg", "lat_deg", "n_people")
OPTIONAL_NUMBERS = ("area_km2", "elevation_m")
SAME_PLACE_KM = 1.0  # a modelled place this near to an observed one is that place
TOWN_PEOPLE = 5_000  # assumed: an observed settlement above this counts as urban where the file does not say
CENSUS_EXCESS_MOST = 1.05  # observed people may exceed a district's census by this much: other years


def read_places(path: Path, tables: Mapping[str, pl.DataFrame]) -> ImportResult:
    """Return ``places`` with the file's settlements in it, and ``sites`` joined to them.

    Columns: ``name, lon_deg, lat_deg, n_people``; optional ``place_id, name_local, district_id, is_urban, area_km2``.
    Observed people are kept as they are; what the census counts beyond them in a district stays with the modelled
    places farther than 1 km from an observed one.  Every district still sums to its census.
    """
    for name in ("places", "districts", "rights_of_way_nodes"):
        no_table(name, tables)
    findings = Findings(path.name)
    frame = read_csv(path, findings)
    if findings.problems or not has_columns(frame, REQUIRED, findings):
        return finished(path, "places", findings, tables={}, old=tables, n_rows=frame.height)
    wrong_unit(frame, OPTIONAL_NUMBERS, findings)
    lon, lat = numbers(frame, "lon_deg", findings), numbers(frame, "lat_deg", findings)
    people = numbers(frame, "n_people", findings, least=0)
    check_points(findings, lon, lat, land_of(tables))
    area = (
        numbers(frame, "area_km2", findings, least=0) if "area_km2" in frame.columns else np.full(frame.height, np.nan)
    )
    if "place_id" in frame.columns:
        check_unique(frame, ["place_id"], findings)
    else:
        check_unique(frame, ["name", "lon_deg", "lat_deg"], findings)
    no_name = (frame["name"].is_null() | (frame["name"].str.strip_chars() == "")).to_numpy()
    findings.rows(no_name, "the place has no name", "name it or remove the row", "name")
    if "district_id" in frame.columns:
        known = set(tables["districts"]["district_id"])
        unknown = np.array([name is not None and name not in known for name in frame["district_id"]], dtype=bool)
        findings.rows(
            unknown, "the district is unknown", "use a district_id of the country, or leave it empty", "district_id"
        )
    if findings.problems:
        return finished(path, "places", findings, tables={}, old=tables, n_rows=frame.height)
    observed = _observed(
        frame, tables, lon=lon, lat=lat, people=people, area=area, source_id=source_id_of(path, "places")
    )
    places = _merged(observed, tables, findings)
    result = {"places": places}
    if "sites" in tables:
        result["sites"] = sites_in_places(tables["sites"], places)
    return finished(path, "places", findings, tables=result, old=tables, n_rows=frame.height)


def _observed(
    frame: pl.DataFrame,
    tables: Mapping[str, pl.DataFrame],
    *,
    lon: Floats,
    lat: Floats,
    people: Floats,
    area: Floats,
    source_id: str,
) -> pl.DataFrame:
    """Return the file's rows in the columns of ``places``; what it does not say comes from the nearest old place."""
    old = tables["places"].sort("place_id")
    _, at = nearest(lon, lat, old["lon_deg"], old["lat_deg"])
    near: pl.DataFrame = old[at.tolist()]
    nothing = pl.Series([None] * frame.height, dtype=pl.String)

    def text(name: str) -> pl.Series:
        return frame[name] if name in frame.columns else nothing

    coordinate = [f"{x:.5f},{y:.5f}" for x, y in zip(lon, lat, strict=True)]
    made = f"{country_code(tables)}-v-" + frame["name"] + "-" + pl.Series(coordinate)
    stated: pl.Series = (
        text("is_urban")
        .str.to_lowercase()
        .replace_strict(
            {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False},
            default=None,
            return_dtype=pl.Boolean,
        )
    )
    is_urban = stated.fill_null(pl.Series(people >= TOWN_PEOPLE))
    settled = np.where(np.isfinite(area) & (area > 0), area, settled_area_km2(people, is_urban.to_numpy()))
    kind = np.select([people >= CITY_PEOPLE, is_urban.to_numpy()], ["city", "town"], "village")
    return near.with_columns(
        pl.Series("place_id", text("place_id").fill_null(made)),
        frame["name"],
        pl.Series("name_local", text("name_local")),
        pl.Series("district_id", text("district_id").fill_null(near["district_id"])),
        pl.Series("kind", kind),
        pl.Series("is_urban", is_urban),
        pl.Series("lon_deg", lon),
        pl.Series("lat_deg", lat),
        pl.Series("n_people", np.rint(people).astype(np.int64)),
        pl.Series("area_km2", settled),
        pl.Series("density_per_km2", people / settled),
        pl.lit("measured").alias("evidence"),
        pl.lit(source_id).alias("source_id"),
    )


def _merged(observed: pl.DataFrame, tables: Mapping[str, pl.DataFrame], findings: Findings) -> pl.DataFrame:
    """Return observed places and the modelled ones that remain, with every district at its census."""
    districts = tables["districts"]
    old = tables["places"].filter(~pl.col("place_id").is_in(observed["place_id"].implode())).sort("place_id")
    kept = old
    if old.height:
        apart_km, _ = nearest(old["lon_deg"], old["lat_deg"], observed["lon_deg"], observed["lat_deg"])
        kept = old.filter(pl.Series(apart_km > SAME_PLACE_KM))
    seen = observed.group_by("district_id").agg(pl.col("n_people").sum().alias("seen"))
    left = kept.group_by("district_id").agg(pl.col("n_people").sum().alias("left"))
    rest = districts.select("district_id", "name", "n_people").join(seen, on="district_id", how="left")
    rest = rest.join(left, on="district_id", how="left").fill_null(0).sort("district_id")
    for row in rest.filter(pl.col("seen") > CENSUS_EXCESS_MOST * pl.col("n_people")).iter_rows(named=True):
        what = f"the places of {row['name']} hold {row['seen']:,} people, its census {row['n_people']:,}"
        findings.add(what, "remove places counted twice, or import a newer census first", None, "n_people")
    places = pl.concat([observed, kept], how="vertical_relaxed")
    factor = rest.select(
        "district_id",
        pl.when(pl.col("left") > 0)
        .then((pl.col("n_people") - pl.col("seen")).clip(0) / pl.col("left"))
        .otherwise(1.0)
        .alias("factor"),
    )
    places = places.join(factor, on="district_id", how="left").sort("place_id")
    is_seen: Flags = places["evidence"].to_numpy() == "measured"
    weight = places["n_people"].to_numpy() * np.where(is_seen, 1.0, places["factor"].to_numpy())
    return _at_census(places.drop("factor"), tables, weight)


def _at_census(places: pl.DataFrame, tables: Mapping[str, pl.DataFrame], weight: Floats) -> pl.DataFrame:
    """Return the places at the census of their districts, on the ways, without those left empty."""
    shared = people_to_census(places, tables["districts"], weight).filter(pl.col("n_people") > 0)
    return places_on_ways(shared, tables["rights_of_way_nodes"]).sort("place_id")
