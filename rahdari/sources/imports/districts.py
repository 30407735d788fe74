"""District polygons (GeoPackage, GeoJSON, shapefile): which district a place lies in."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from rahdari.sources.imports.attach import people_to_census
from rahdari.sources.imports.common import (
    Findings,
    check_points,
    finished,
    land_of,
    no_table,
    read_features,
    source_id_of,
)
from rahdari.sources.synthetic.common import nearest
from rahdari.sources.synthetic.people import land_area_km2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rahdari.sources.imports.common import Features, ImportResult

NAME_FIELDS = ("name", "district_name", "adm2_en", "shapename", "name_2", "district")
LIKENESS = 0.82  # of two spellings of one district's name, difflib ratio
COUNT_FIELDS = ("n_people", "n_households")


def read_districts(path: Path, tables: Mapping[str, pl.DataFrame]) -> ImportResult:
    """Return ``districts`` and ``district_points`` drawn by the file, and ``places`` assigned by its polygons.

    A polygon is a known district by ``district_id`` or by name; with ``n_people`` and ``n_households`` it brings its
    own census.  Known districts that the file does not draw stay as they are.  People are then shared anew, so that
    every district sums to its census.
    """
    for name in ("places", "districts", "district_points"):
        no_table(name, tables)
    findings = Findings(path.name)
    features = read_features(path, findings)
    if findings.problems:
        return finished(path, "districts", findings, tables={}, old=tables, n_rows=len(features))
    kinds = np.array([shape.geom_type for shape in features.shapes])
    findings.rows(
        ~np.isin(kinds, ["Polygon", "MultiPolygon"]), "the feature is no polygon", "supply polygons", "geometry"
    )
    district = _matched(features, tables["districts"], findings)
    counts = {name: _counts(features, name, findings) for name in COUNT_FIELDS if name in features.fields}
    centre = shapely.point_on_surface(features.shapes)
    check_points(findings, shapely.get_x(centre), shapely.get_y(centre), land_of(tables), lon="geometry")
    if findings.problems:
        return finished(path, "districts", findings, tables={}, old=tables, n_rows=len(features))
    source_id = source_id_of(path, "districts")
    result = _redrawn(features.shapes, district, counts=counts, tables=tables, source_id=source_id, findings=findings)
    return finished(path, "districts", findings, tables=result, old=tables, n_rows=len(features))


def _plain(name: str) -> str:
    """Return a name's words in the order of the alphabet, lower-case: gazetteers turn 'Lower Chitral' round.

    >>> _plain("Chitral, Lower") == _plain("Lower Chitral")
    True
    """
    return " ".join(sorted(re.findall(r"[a-z]+", name.lower())))


def _letters(name: str) -> str:
    """Return a name's letters without spaces: 'Tor Ghar' is Torghar."""
    return "".join(re.findall(r"[a-z]+", name.lower()))


def _matched(features: Features, districts: pl.DataFrame, findings: Findings) -> list[str]:
    """Return the district of each feature; unknown and repeated ones are faults."""
    known = {_plain(name): district for district, name in districts.select("district_id", "name").iter_rows()}
    known |= {_letters(name): district for district, name in districts.select("district_id", "name").iter_rows()}
    ids = set(districts["district_id"])
    lower = {name.lower(): name for name in features.fields}
    field = next((lower[name] for name in NAME_FIELDS if name in lower), None)
    stated = features.fields.get("district_id")
    if field is None and stated is None:
        findings.add("there is neither 'district_id' nor 'name'", "add one of the two fields", None, "name")
        return []
    result: list[str] = []
    for row in range(len(features)):
        own = str(stated[row]) if stated is not None else ""
        name = str(features.fields[field][row]) if field else own
        near = difflib.get_close_matches(_plain(name), known, n=1, cutoff=LIKENESS)
        near = near or difflib.get_close_matches(_letters(name), known, n=1, cutoff=LIKENESS)
        found = own if own in ids else known[near[0]] if near else ""
        if not found:
            told = difflib.get_close_matches(name, districts["name"].to_list(), n=3, cutoff=0.4)
            cure = f"rename it, perhaps to {', '.join(told)}" if told else "name it as the country does"
            cure += ", or remove the polygon"
            findings.add(f"'{name}' is no district of the country", cure, row + 1, field or "district_id")
        result.append(found)
    return result


def _counts(features: Features, name: str, findings: Findings) -> list[float]:
    """Return a field of counts; faults: not a number, negative."""
    values: list[float] = []
    for row, value in enumerate(features.fields[name]):
        number = float(value) if isinstance(value, int | float | np.number) else float("nan")
        if not np.isfinite(number):
            findings.add("value is missing or no number", "give a whole number", row + 1, name)
        elif number < 0:
            findings.add("value is negative", "give a value of 0 or more", row + 1, name)
        values.append(number)
    return values


def _redrawn(
    shapes: Any,  # noqa: ANN401  # an object array of shapes
    district: Sequence[str],
    *,
    counts: Mapping[str, Sequence[float]],
    tables: Mapping[str, pl.DataFrame],
    source_id: str,
    findings: Findings,
) -> dict[str, pl.DataFrame]:
    """Return the tables that the polygons change."""
    names = sorted(set(district))
    whole = {name: shapely.union_all([s for s, d in zip(shapes, district, strict=True) if d == name]) for name in names}
    centre: dict[str, Any] = {name: shapely.point_on_surface(shape) for name, shape in whole.items()}
    drawn = pl.DataFrame(
        {
            "district_id": names,
            "lon_deg": [centre[name].x for name in names],
            "lat_deg": [centre[name].y for name in names],
            "area_km2": [land_area_km2(whole[name]) for name in names],
            **{
                field: [round(sum(v for v, d in zip(values, district, strict=True) if d == name)) for name in names]
                for field, values in counts.items()
            },
        }
    )
    districts = tables["districts"].update(drawn, on="district_id").sort("district_id")
    points = _points(shapes, district, tables["district_points"], source_id)
    places = _assigned(tables["places"].sort("place_id"), shapes, district, names)
    settled = districts.filter(pl.col("n_people") > 0)["district_id"]
    bare = sorted(set(settled) - set(places["district_id"]))
    findings.warnings.extend(f"no place lies in {name}; the one nearest to it was moved into it" for name in bare)
    places = _with_one_each(places, districts.filter(pl.col("district_id").is_in(bare)))
    places = people_to_census(places, districts, places["n_people"].to_numpy().astype(float))
    return {"districts": districts, "district_points": points, "places": places.sort("place_id")}


def _points(shapes: Any, district: Sequence[str], old: pl.DataFrame, source_id: str) -> pl.DataFrame:  # noqa: ANN401
    """Return a point for every drawn polygon, and the old points of districts that are not drawn."""
    centre = shapely.point_on_surface(shapes)
    own = pl.DataFrame(
        {
            "district_point_id": [f"{name}-drawn-{row + 1}" for row, name in enumerate(district)],
            "district_id": list(district),
            "name": [None] * len(district),
            "lon_deg": shapely.get_x(centre),
            "lat_deg": shapely.get_y(centre),
            "evidence": ["measured"] * len(district),
            "source_id": [source_id] * len(district),
        },
        schema_overrides={"name": pl.String},
    )
    rest = old.filter(~pl.col("district_id").is_in(list(district)))
    return pl.concat([rest, own], how="diagonal_relaxed").sort("district_point_id")


def _assigned(places: pl.DataFrame, shapes: Any, district: Sequence[str], names: Sequence[str]) -> pl.DataFrame:  # noqa: ANN401
    """Return places in the district whose polygon holds them; in none, the old one stays, or the nearest drawn one."""
    point: Any = shapely.points(places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy())
    tree = shapely.STRtree(shapes)
    row, at = tree.query(point, predicate="intersects")
    order = np.lexsort((at, row))
    row, first = np.unique(row[order], return_index=True)
    result = places["district_id"].to_numpy().astype(object)
    outside = np.isin(result.astype(str), names)
    outside[row] = False
    result[row] = np.array(district, dtype=object)[at[order][first]]
    if outside.any():
        result[outside] = np.array(district, dtype=object)[tree.nearest(point[outside])]
    return places.with_columns(pl.Series("district_id", result.tolist(), dtype=pl.String))


def _with_one_each(places: pl.DataFrame, bare: pl.DataFrame) -> pl.DataFrame:
    """Return places with the one nearest to each bare district moved into it."""
    if bare.is_empty():
        return places
    _, at = nearest(bare["lon_deg"], bare["lat_deg"], places["lon_deg"], places["lat_deg"])
    result = places["district_id"].to_numpy().astype(object)
    result[at] = bare["district_id"].to_numpy()
    return places.with_columns(pl.Series("district_id", result.tolist(), dtype=pl.String))
