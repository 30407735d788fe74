"""Cell sites in OpenCelliD's format (CSV): observed sites take the place of as many modelled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.sources.imports.attach import sites_on_ways
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
    on_land,
    read_csv,
    source_id_of,
)
from rahdari.sources.synthetic.common import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rahdari.sources.imports.common import Flags, ImportResult

REQUIRED = ("radio", "mcc", "net", "area", "cell", "lon", "lat")
KEY = ("radio", "mcc", "net", "area", "cell")
#: OpenCelliD's names of radio technologies.
GENERATION = {"GSM": "2g", "CDMA": "2g", "UMTS": "3g", "LTE": "4g", "NR": "5g"}
ORDER = {"2g": 2, "3g": 3, "4g": 4, "5g": 5}
SITE_DECIMALS = 3  # cells of one network within some 100 m stand on one site
#: Phones place cells; near borders and coasts a few fall outside.  More than this share is a wrong file.
OUTSIDE_MOST_FRAC = 0.05


def read_sites(path: Path, tables: Mapping[str, pl.DataFrame]) -> ImportResult:
    """Return ``sites`` with the file's cell sites, each in the stead of one modelled tower of the same place.

    Cells of one network at one spot (0.001 degree) are one site, with the newest of their generations.  What the file
    does not say (backhaul, power) stays that of the tower replaced; beyond the modelled towers, that of their kind.
    """
    for name in ("places", "sites", "rights_of_way_nodes"):
        no_table(name, tables)
    findings = Findings(path.name)
    frame = read_csv(path, findings)
    if findings.problems or not has_columns(frame, REQUIRED, findings):
        return finished(path, "sites", findings, tables={}, old=tables, n_rows=frame.height)
    lon, lat = numbers(frame, "lon", findings), numbers(frame, "lat", findings)
    for name in ("mcc", "net", "area", "cell"):
        numbers(frame, name, findings, least=0)
    radio = frame["radio"].fill_null("").str.strip_chars().str.to_uppercase()
    unknown = (~radio.is_in(list(GENERATION))).to_numpy()
    findings.rows(unknown, "the radio technology is unknown", f"use one of {', '.join(GENERATION)}", "radio")
    check_unique(frame, KEY, findings)
    inside = _inside(lon, lat, tables, findings)
    if findings.problems:
        return finished(path, "sites", findings, tables={}, old=tables, n_rows=frame.height)
    cells = pl.DataFrame(
        {
            "net": frame["mcc"] + "-" + frame["net"],
            "lon_deg": lon,
            "lat_deg": lat,
            "generation": radio.replace_strict(GENERATION, return_dtype=pl.String),
        }
    ).filter(pl.Series(inside))
    observed = _sites_of(cells, tables, source_id_of(path, "sites"))
    sites = _merged(observed, tables)
    n_towers = sites.filter(pl.col("kind") == "tower").height
    findings.warnings.append(f"{cells.height:,} cells on {observed.height:,} sites; {n_towers:,} towers now")
    return finished(path, "sites", findings, tables={"sites": sites}, old=tables, n_rows=frame.height)


def _inside(lon: np.ndarray, lat: np.ndarray, tables: Mapping[str, pl.DataFrame], findings: Findings) -> Flags:
    """Return which cells lie in the country; a few outside are left out with a warning, many are faults."""
    land = land_of(tables)
    known = np.isfinite(lon) & np.isfinite(lat)
    inside = np.zeros(len(lon), dtype=bool)
    inside[known] = on_land(land, lon[known], lat[known])
    n_outside = int((known & ~inside).sum())
    if n_outside > OUTSIDE_MOST_FRAC * max(len(lon), 1):
        check_points(findings, lon, lat, land, lon="lon")
    elif n_outside:
        findings.warnings.append(f"{n_outside} cells lie outside the country and were left out")
    return inside


def _sites_of(cells: pl.DataFrame, tables: Mapping[str, pl.DataFrame], source_id: str) -> pl.DataFrame:
    """Return observed sites with identifier, position, place and generation, sorted by identifier."""
    spot = cells.with_columns(
        pl.col("lon_deg").round(SITE_DECIMALS).alias("x"),
        pl.col("lat_deg").round(SITE_DECIMALS).alias("y"),
        pl.col("generation").replace_strict(ORDER, return_dtype=pl.Int64).alias("order"),
    )
    sites = (
        spot.group_by("net", "x", "y")
        .agg(pl.col("lon_deg", "lat_deg").mean(), pl.col("order").max())
        .sort("net", "x", "y")
        .with_columns(
            (
                pl.lit(f"{country_code(tables)}-o-")
                + pl.col("net")
                + "-"
                + pl.format(
                    "{}_{}", (pl.col("x") * 1000).round().cast(pl.Int64), (pl.col("y") * 1000).round().cast(pl.Int64)
                )
            ).alias("site_id"),
            (pl.col("order").cast(pl.String) + "g").alias("generation"),
        )
    )
    places = tables["places"].sort("place_id")
    _, at = nearest(sites["lon_deg"], sites["lat_deg"], places["lon_deg"], places["lat_deg"])
    return sites.select(
        "site_id",
        pl.Series("place_id", places["place_id"].to_numpy()[at], dtype=pl.String),
        "lon_deg",
        "lat_deg",
        "generation",
        pl.lit("measured").alias("evidence"),
        pl.lit(source_id).alias("source_id"),
    ).sort("site_id")


def _merged(observed: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return all sites: modelled towers give their equipment to observed ones and go.

    First towers of the same place, then, where more were observed there than modelled, of the same district; so the
    national number stays as long as there are modelled towers to give.
    """
    old = tables["sites"].sort("site_id")
    district = tables["places"].select("place_id", "district_id")
    is_model = (pl.col("kind") == "tower") & pl.col("evidence").is_in(["synthetic", "assumed"])
    model = old.filter(is_model).join(district, on="place_id", how="left").sort("site_id")
    model = model.drop("place_id", "lon_deg", "lat_deg", "generation", "evidence", "source_id").with_columns(
        old.filter(is_model)["place_id"].alias("model_place_id")
    )
    model = model.rename({"site_id": "old_id"})
    seen = observed.join(district, on="place_id", how="left").sort("site_id")
    here = _given(seen, model, ("place_id", "model_place_id"))
    rest = seen.filter(~pl.col("site_id").is_in(here["site_id"].implode()))
    left = model.filter(~pl.col("old_id").is_in(here["old_id"].implode()))
    near = _given(rest, left, ("district_id", "district_id"))
    bare = rest.filter(~pl.col("site_id").is_in(near["site_id"].implode()))
    filled = pl.concat([here, near, bare], how="diagonal_relaxed").with_columns(
        pl.col("kind").fill_null("tower"),
        pl.col("backhaul").fill_null("microwave"),
        pl.col("is_fibre").fill_null(value=False),
        pl.col("is_on_grid", "has_generator").fill_null(value=True),
        pl.col("battery_h").fill_null(pl.lit(4.0)),  # the schema's default
        pl.lit(None, dtype=pl.String).alias("operator_id"),
        pl.col("row_node_id").fill_null(""),
        pl.lit(None, dtype=pl.String).alias("name"),
    )
    gone = filled["old_id"].drop_nulls()
    kept = old.filter(~pl.col("site_id").is_in(gone.implode()))
    sites = pl.concat([kept, filled.select(old.columns)], how="vertical_relaxed").sort("site_id")
    return sites_on_ways(sites, tables["rights_of_way_nodes"])


def _given(seen: pl.DataFrame, model: pl.DataFrame, on: tuple[str, str]) -> pl.DataFrame:
    """Return observed sites that find a modelled tower by a key, first with first, with its equipment."""
    mine, theirs = (pl.int_range(pl.len()).over(key).alias("rank") for key in on)
    shared = [name for name in model.columns if name in seen.columns and name != on[1]]
    return (
        seen.with_columns(mine)
        .join(model.drop(shared).with_columns(theirs), left_on=[on[0], "rank"], right_on=[on[1], "rank"], how="inner")
        .drop("rank")
    )
