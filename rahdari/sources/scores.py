"""How far the synthetic layers are from real files: figures a reader can judge them by.

Nothing here changes a layer, and no layer is fitted to these files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from rahdari.errors import InputError, Problem
from rahdari.sources.imports.common import Findings, read_csv, read_features
from rahdari.sources.synthetic.common import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rahdari.sources.imports.common import Features, Floats

SCORE_SCHEMA = {"layer": pl.String, "metric": pl.String, "value": pl.Float64, "unit": pl.String, "n": pl.Int64}
NEAR_KM = 3.0  # a modelled place this near to a real village stands for it
SITE_NEAR_KM = 2.0  # an observed site this near to a modelled tower
SITE_DECIMALS = 3  # cells within some 100 m are one site, as in the import
#: Files looked for below the reference folder, first match by name.
POLYGONS, CENSUS = "admin/*_tehsils.gpkg", "census/*_table_01.csv"
CELLS, VILLAGES = "towers/opencellid*.csv", "admin/wof_places*.parquet"


def score_layers(tables: Mapping[str, pl.DataFrame], reference: Path) -> pl.DataFrame:
    """Return scores (layer, metric, value, unit, n) of all layers for which the reference folder has files.

    It may hold sub-district polygons with a census table, cells in OpenCelliD's format, and village points.  A folder
    with none of them raises :class:`InputError`.
    """
    polygons, census, cells, villages = (_first(reference, name) for name in (POLYGONS, CENSUS, CELLS, VILLAGES))
    parts = []
    if polygons and census:
        parts.append(population_score(tables["places"], polygons, census))
    if villages:
        parts.append(places_score(tables["places"], villages))
    if cells:
        parts.append(sites_score(tables["sites"], tables["places"], cells))
    if not parts:
        wanted = ", ".join((f"{POLYGONS} with {CENSUS}", CELLS, VILLAGES))
        raise InputError(Problem("nothing here to score against", f"supply {wanted}", str(reference)))
    return pl.concat(parts)


def _first(folder: Path, pattern: str) -> Path | None:
    """Return the first file that matches, by name."""
    found = sorted(folder.glob(pattern))
    return found[0] if found else None


def _rows(layer: str, figures: list[tuple[str, float, str]], n: int) -> pl.DataFrame:
    """Return one row a figure."""
    rows = [(layer, metric, float(value), unit, n) for metric, value, unit in figures]
    return pl.DataFrame(rows, schema=SCORE_SCHEMA, orient="row")


def misallocated_frac(model: Floats, truth: Floats) -> float:
    """Return the share of the total that would have to move for ``model`` to agree with ``truth``, both (n,).

    Both are scaled to one total first.  0 is agreement, 1 is none.

    >>> misallocated_frac(np.array([2.0, 0.0]), np.array([1.0, 1.0]))
    0.5
    """
    return float(np.abs(model / max(model.sum(), 1e-300) - truth / max(truth.sum(), 1e-300)).sum() / 2.0)


def rank_correlation(a: Floats, b: Floats) -> float:
    """Return Spearman's rank correlation of two (n,) arrays; 0 where one does not vary.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0]))
    1.0
    """
    return _correlation(pl.Series(a).rank().to_numpy(), pl.Series(b).rank().to_numpy())


def _correlation(a: Floats, b: Floats) -> float:
    """Return Pearson's correlation, 0 where one of the two does not vary."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:  # noqa: PLR2004  # a line needs two points
        return 0.0
    return round(float(np.corrcoef(a, b)[0, 1]), 12)


def _plain(name: str | None) -> str:
    """Return a name's letters, lower-case, without words that say what kind of unit it is."""
    words = re.sub(r"\b(tehsil|taluka|sub|division|district|town|city|tribal|area)\b", " ", (name or "").lower())
    return re.sub(r"[^a-z]", "", words)


def population_score(places: pl.DataFrame, polygons: Path, census: Path) -> pl.DataFrame:
    """Return how people by sub-district compare with its census: all people, and rural people alone.

    Units are joined by district and name where both spell them alike.  "Within districts" counts only what is
    misallocated inside a district, since the districts' own totals are given; even spreading by area is the yardstick.
    """
    findings = Findings(polygons.name)
    features = read_features(polygons, findings)
    table = read_csv(census, findings)
    if findings.problems:
        raise InputError(findings.problems)
    units = _units(features)
    counted = table.filter(pl.col("REGION").is_in(["OVERALL", "RURAL"])).with_columns(
        pl.col("ALL_SEXES").cast(pl.Float64, strict=False),
        pl.Series(
            "key",
            [
                _plain(d) + "/" + _plain(t)
                for d, t in table.filter(pl.col("REGION").is_in(["OVERALL", "RURAL"]))
                .select("DISTRICT", "TEHSIL")
                .iter_rows()
            ],
        ),
    )
    parts = []
    for layer, region, chosen in (
        ("population", "OVERALL", places),
        ("rural population", "RURAL", places.filter(~pl.col("is_urban"))),
    ):
        truth = counted.filter(pl.col("REGION") == region).group_by("key").agg(pl.col("ALL_SEXES").sum().alias("truth"))
        model = _people_by_unit(chosen, features)
        joined = (
            units.with_columns(pl.Series("model", model)).group_by("key", "district").agg(pl.col("model", "area").sum())
        )
        joined = joined.join(truth, on="key", how="inner").filter(pl.col("truth") > 0).sort("key")
        parts.append(_population_figures(layer, joined))
    return pl.concat(parts)


def _units(features: Features) -> pl.DataFrame:
    """Return the key, district and area of each polygon."""
    fields = {name.lower(): values for name, values in features.fields.items()}
    district = [_plain(str(value)) for value in fields["district_name"]]
    name = [_plain(str(value)) for value in fields["tehsil_name"]]
    # Square degrees times cos(latitude) compare areas inside a district well enough for a yardstick.
    latitude = np.radians(shapely.get_y(shapely.centroid(features.shapes)))
    area = shapely.area(features.shapes) * np.cos(latitude)
    keys = [f"{d}/{t}" for d, t in zip(district, name, strict=True)]
    return pl.DataFrame({"key": keys, "district": district, "area": area})


def _people_by_unit(places: pl.DataFrame, features: Features) -> Floats:
    """Return people of the places inside each polygon, those between polygons with the nearest."""
    point: Any = shapely.points(places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy())
    at = shapely.STRtree(features.shapes).nearest(point)
    return np.bincount(at, places["n_people"].to_numpy(), len(features)).astype(np.float64)


def _population_figures(layer: str, joined: pl.DataFrame) -> pl.DataFrame:
    """Return the figures of one layer from matched units (model, truth, area, district)."""
    model, truth = joined["model"].to_numpy(), joined["truth"].to_numpy()
    shared = joined.filter(pl.len().over("district") > 1)
    within = _within(shared, "model")
    even = _within(shared, "area")
    figures = [
        ("correlation of people by unit", _correlation(model, truth), "ratio"),
        ("rank correlation of people by unit", rank_correlation(model, truth), "ratio"),
        ("share of people misallocated between units", misallocated_frac(model, truth), "frac"),
        ("share misallocated within districts", within, "frac"),
        ("the same, people spread evenly by area", even, "frac"),
    ]
    return _rows(layer, figures, joined.height)


def _within(joined: pl.DataFrame, column: str) -> float:
    """Return the misallocated share when each district's total is taken from the truth."""
    if joined.is_empty():
        return 0.0
    share = pl.col(column) / pl.col(column).sum().over("district").clip(1e-12)
    scaled = joined.select(
        (share * pl.col("truth").sum().over("district")).alias("scaled"),
        "truth",
    )
    return misallocated_frac(scaled["scaled"].to_numpy(), scaled["truth"].to_numpy())


def places_score(places: pl.DataFrame, villages: Path) -> pl.DataFrame:
    """Return how near modelled places are to real village points (Parquet with longitude and latitude)."""
    frame = pl.read_parquet(villages)
    names = {name.lower(): name for name in frame.columns}
    lon_name = next((names[n] for n in ("lon_deg", "lon", "longitude") if n in names), None)
    lat_name = next((names[n] for n in ("lat_deg", "lat", "latitude") if n in names), None)
    if lon_name is None or lat_name is None:
        raise InputError(Problem("there is no longitude or latitude", "name them lon_deg, lat_deg", villages.name))
    real = frame.select(pl.col(lon_name).cast(pl.Float64), pl.col(lat_name).cast(pl.Float64)).drop_nulls().drop_nans()
    lon, lat = real[lon_name].to_numpy(), real[lat_name].to_numpy()
    to_place, _ = nearest(lon, lat, places["lon_deg"], places["lat_deg"])
    rural = places.filter(pl.col("kind") == "village").sort("place_id")
    to_village, _ = nearest(rural["lon_deg"], rural["lat_deg"], lon, lat)
    people = rural["n_people"].to_numpy()
    figures = [
        ("median distance from a village to the nearest place", float(np.median(to_place)), "km"),
        (f"share of villages within {NEAR_KM:g} km of a place", float((to_place <= NEAR_KM).mean()), "frac"),
        (
            f"share of modelled rural people within {NEAR_KM:g} km of a village",
            float(people[to_village <= NEAR_KM].sum() / max(people.sum(), 1)),
            "frac",
        ),
    ]
    return _rows("places", figures, len(lon))


def sites_score(sites: pl.DataFrame, places: pl.DataFrame, cells: Path) -> pl.DataFrame:
    """Return how modelled towers compare with observed cells (OpenCelliD's format), which are a part of all sites."""
    findings = Findings(cells.name)
    table = read_csv(cells, findings)
    if findings.problems:
        raise InputError(findings.problems)
    spots = (
        table.select("net", pl.col("lon", "lat").cast(pl.Float64, strict=False).round(SITE_DECIMALS))
        .drop_nulls()
        .unique()
        .sort("net", "lon", "lat")
    )
    towers = sites.filter(pl.col("kind") == "tower").sort("site_id")
    apart_km, _ = nearest(spots["lon"], spots["lat"], towers["lon_deg"], towers["lat_deg"])
    ordered = places.sort("place_id")
    _, at = nearest(spots["lon"], spots["lat"], ordered["lon_deg"], ordered["lat_deg"])
    district = {name: i for i, name in enumerate(sorted(set(ordered["district_id"])))}
    of_place = np.array([district[name] for name in ordered["district_id"]])
    seen = np.bincount(of_place[at], minlength=len(district)).astype(float)
    home = dict(ordered.select("place_id", "district_id").iter_rows())
    model = np.bincount([district[home[p]] for p in towers["place_id"]], minlength=len(district)).astype(float)
    urban = ordered["is_urban"].to_numpy()
    is_urban = dict(ordered.select("place_id", "is_urban").iter_rows())
    figures = [
        ("median distance from an observed site to the nearest tower", float(np.median(apart_km)), "km"),
        (
            f"share of observed sites within {SITE_NEAR_KM:g} km of a tower",
            float((apart_km <= SITE_NEAR_KM).mean()),
            "frac",
        ),
        ("rank correlation of sites by district", rank_correlation(model, seen), "ratio"),
        ("share of sites misallocated between districts", misallocated_frac(model, seen), "frac"),
        ("urban share of observed sites", float(urban[at].mean()), "frac"),
        ("urban share of modelled towers", float(np.mean([is_urban[p] for p in towers["place_id"]])), "frac"),
    ]
    return _rows("sites", figures, spots.height)
