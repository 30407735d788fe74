"""What a country is given where no pack speaks for it: labelled assumptions from packages alone.

Districts are the first-level units to which GeoNames assigns settlements; GeoNames publishes
their codes without names or lines, so each is named after its largest town and reaches as
far as its towns are the nearest ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely
from scipy.spatial import cKDTree

from rahdari.schema import table_schema
from rahdari.schema.checks import conform, empty_table
from rahdari.sources.boundaries import BOUNDARY_NOTE
from rahdari.sources.packages import geonames
from rahdari.sources.row_repair import sphere_km

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry import MultiPolygon

    from rahdari.sources.packages.geonames import Country

SOURCE_ID = "assumed-country"
SOURCES = (
    {
        "source_id": SOURCE_ID,
        "title": "Assumptions for a country without a pack",
        "publisher": "Rahdari",
        "licence": "MIT",
        "kind": "assumed",
        "locator": "rahdari.sources.assumed",
        "note": "Round figures that stand until a pack or an imported file replaces them",
    },
)

PEOPLE_PER_HOUSEHOLD = 5.0  # assumed; 6.3 in Pakistan's census of 2023, 4.9 the median of UN household data
POPULATION_YEAR = 2018  # GeoNames' national populations equal the World Bank's of 2018 (Kenya 51,393,010)
PRICE_YEAR = 2025
ELECTRIFIED_FRAC = 0.9  # assumed; World Bank, access to electricity, world, about 0.91
GROWTH_FRAC_PER_YEAR = 0.02  # assumed; the schema's default
URBAN_MOST_FRAC = 0.9  # GeoNames repeats towns and their agglomerations: never more of a nation than this
LAND_SHARE_FRAC = 0.5  # of the people beyond the towns: this much follows land, the rest follows the towns' people
GRID_STEP_DEG = 0.1  # spacing of the points by which land is shared among districts
N_GRID_POINTS_MOST = 200_000
KM_PER_DEG = 111.195  # sphere of 6371.0 km
OUTAGE_H_PER_DAY = 2.0  # assumed
MOBILE_SHARES = (0.45, 0.35, 0.2)  # assumed: three operators are the usual number
PEOPLE_PER_TBPS = 18.5e6  # Pakistan late 2025: 13.01 Tbit/s active for 241.5 million people
INSTALLED_RATIO = 1.3  # same: 17.21 Tbit/s installed to 13.01 active
PORT_REACH_KM = 50.0  # a port serves the towns this near
CROSSING_APART_KM = 50.0  # crossings nearer than this to a busier one are one crossing
N_CABLES_MOST = 3
CABLE_KM = 8_000.0  # assumed: from most coasts this reaches an exchange where many systems meet


def _conformed(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return conform(pl.DataFrame(rows, infer_schema_length=None), table_schema(table))


def country_row(country: Country) -> pl.DataFrame:
    """Return the table ``country``: GeoNames' population, assumed households, prices in US dollars."""
    row = {
        "country_id": country.iso2,
        "name": country.name,
        "local_language": country.local_language,
        "n_people": country.n_people,
        "n_households": round(country.n_people / PEOPLE_PER_HOUSEHOLD),
        "census_year": POPULATION_YEAR,
        "currency": "USD",  # no package carries exchange rates
        "exchange_rate_per_usd": 1.0,
        "price_year": PRICE_YEAR,
        "boundary_note": BOUNDARY_NOTE,
        "evidence": "published",
        "source_id": geonames.SOURCE_ID,
    }
    return _conformed("country", [row])


def _land_points(land: MultiPolygon) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (lon, lat, area km2) of a grid of points on land, each (n,); at least one a polygon."""
    west, south, east, north = land.bounds
    step = max(GRID_STEP_DEG, np.sqrt((east - west) * (north - south) / N_GRID_POINTS_MOST))
    lon, lat = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    shapely.prepare(land)
    on_land = shapely.contains_xy(land, lon.ravel(), lat.ravel())
    lon, lat = lon.ravel()[on_land], lat.ravel()[on_land]
    area = (step * KM_PER_DEG) ** 2 * np.cos(np.radians(lat))
    return np.asarray(lon), np.asarray(lat), np.asarray(area)


def _with_towns(country: Country, towns: pl.DataFrame, land: MultiPolygon) -> pl.DataFrame:
    """Return the towns, or one at the middle of the land where GeoNames lists none."""
    if towns.height:
        return towns
    middle = land.representative_point()
    row = (0, country.name, None, float(middle.x), float(middle.y), 0, "00")
    return pl.DataFrame([row], schema=geonames.TOWN_SCHEMA, orient="row")


def districts(country: Country, towns: pl.DataFrame, land: MultiPolygon) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tables (districts, district_points) from GeoNames' first-level codes.

    The national population is shared as follows: towns keep theirs, scaled down where they exceed 0.9
    of the nation; the rest goes half by land and half by the towns' people.  Districts sum exactly.
    """
    code = country.iso2.lower()
    known = _with_towns(country, towns, land).with_columns(
        (pl.lit(f"{code}-") + pl.col("admin1_code").str.to_lowercase().replace("", "00")).alias("district_id")
    )
    lon, lat, area = _land_points(land)
    tree = cKDTree(sphere_km(known["lon_deg"], known["lat_deg"]))
    home = np.asarray(tree.query(sphere_km(lon, lat))[1] if len(lon) else (), dtype=np.int64)
    ids = sorted(known["district_id"].unique().to_list())
    number = {name: at for at, name in enumerate(ids)}
    of_town = np.array([number[name] for name in known["district_id"].to_list()])
    area_km2 = np.bincount(of_town[home], area, len(ids))
    in_towns = np.bincount(of_town, known["n_people"].to_numpy().astype(float), len(ids))
    nation = float(country.n_people or in_towns.sum())
    urban = in_towns * min(1.0, URBAN_MOST_FRAC * nation / max(in_towns.sum(), 1.0))
    by_land = area_km2 / max(area_km2.sum(), 1e-9) if area_km2.any() else np.full(len(ids), 1.0 / len(ids))
    by_town = in_towns / in_towns.sum() if in_towns.any() else by_land
    people = urban + (nation - urban.sum()) * (LAND_SHARE_FRAC * by_land + (1.0 - LAND_SHARE_FRAC) * by_town)
    whole = _whole(people, round(nation))
    households = _whole(people, round(nation / PEOPLE_PER_HOUSEHOLD))
    largest = known.sort(["n_people", "geoname_id"], descending=[True, False]).unique("district_id", keep="first")
    by_id = {row["district_id"]: row for row in largest.iter_rows(named=True)}
    rows = [
        {
            "district_id": name,
            "name": f"Region of {by_id[name]['name']}",
            "region": f"Region of {by_id[name]['name']}",
            "n_people": int(whole[at]),
            "n_households": int(households[at]),
            "growth_frac_per_year": GROWTH_FRAC_PER_YEAR,
            "electrified_frac": ELECTRIFIED_FRAC,
            "urban_frac": float(urban[at] / people[at]) if people[at] > 0 else 0.0,
            "area_km2": float(area_km2[at]),
            "lon_deg": by_id[name]["lon_deg"],
            "lat_deg": by_id[name]["lat_deg"],
            "grid_company_id": f"{code}-grid",
            "evidence": "assumed",
            "source_id": SOURCE_ID,
        }
        for at, name in enumerate(ids)
    ]
    points = known.select(
        (pl.col("district_id") + "-" + pl.col("geoname_id").cast(pl.String)).alias("district_point_id"),
        "district_id",
        "name",
        "lon_deg",
        "lat_deg",
        pl.lit("published").alias("evidence"),
        pl.lit(geonames.SOURCE_ID).alias("source_id"),
    )
    return _conformed("districts", rows), conform(points, table_schema("district_points"))


def _whole(weight: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Return whole numbers in proportion to ``weight`` that sum to ``total``; the earlier row wins a tie."""
    exact = weight / max(weight.sum(), 1e-9) * total
    floor: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    floor[np.argsort(-(exact - floor), kind="stable")[: total - int(floor.sum())]] += 1
    return floor


def grid_companies(country: Country) -> pl.DataFrame:
    """Return one grid company with an assumed outage."""
    row = {
        "grid_company_id": f"{country.iso2.lower()}-grid",
        "name": f"Electricity supply of {country.name}",
        "outage_h_per_day": OUTAGE_H_PER_DAY,
        "evidence": "assumed",
        "source_id": SOURCE_ID,
    }
    return _conformed("grid_companies", [row])


def operators(country: Country) -> pl.DataFrame:
    """Return three mobile operators without a name and a fixed one, assumed."""
    code = country.iso2.lower()
    mobile = [
        (f"{code}-mobile-{'abc'[at]}", f"Operator {'ABC'[at]}", "mobile", s) for at, s in enumerate(MOBILE_SHARES)
    ]
    rows = [
        {
            "operator_id": name,
            "name": title,
            "kind": kind,
            "mobile_share_frac": share,
            "evidence": "assumed",
            "source_id": SOURCE_ID,
        }
        for name, title, kind, share in [*mobile, (f"{code}-fixed", "Fixed operator", "fixed", 0.0)]
    ]
    return _conformed("operators", rows)


def border_crossings(country: Country, rows: pl.DataFrame, nodes: pl.DataFrame, towns: pl.DataFrame) -> pl.DataFrame:
    """Return landmarks where a way leaves the country, at the last node inside, the busiest of a neighbourhood.

    A crossing is named after the nearest settlement; those nearer than 50 km to one with more people
    around are left out.
    """
    at = nodes.select("row_node_id", "lon_deg", "lat_deg", "is_in_country")
    ends = pl.concat(
        [
            rows.select(pl.col("from_node_id").alias("row_node_id"), pl.col("to_node_id").alias("other")),
            rows.select(pl.col("to_node_id").alias("row_node_id"), pl.col("from_node_id").alias("other")),
        ]
    )
    outside = at.filter(~pl.col("is_in_country"))["row_node_id"]
    last = at.filter("is_in_country").join(ends.filter(pl.col("other").is_in(outside.implode())), on="row_node_id")
    last = last.unique("row_node_id").sort("row_node_id")
    if last.is_empty() or towns.is_empty():
        return empty_table(table_schema("landmarks"))
    xyz = sphere_km(last["lon_deg"], last["lat_deg"])
    town_tree = cKDTree(sphere_km(towns["lon_deg"], towns["lat_deg"]))
    people = towns["n_people"].to_numpy()
    around = np.array([people[near].sum() for near in town_tree.query_ball_point(xyz, CROSSING_APART_KM)])
    named = towns["name"].to_numpy()[town_tree.query(xyz)[1]]
    chosen: list[int] = []
    for number in np.argsort(-around, kind="stable").tolist():
        if all(np.linalg.norm(xyz[number] - xyz[other]) > CROSSING_APART_KM for other in chosen):
            chosen.append(number)
    rows_out = [
        {
            "landmark_id": f"{country.iso2.lower()}-border-{last['row_node_id'][number]}",
            "name": f"Crossing near {named[number]}",
            "kind": "border_crossing",
            "lon_deg": last["lon_deg"][number],
            "lat_deg": last["lat_deg"][number],
            "evidence": "derived",
            "source_id": SOURCE_ID,
        }
        for number in chosen
    ]
    return _conformed("landmarks", rows_out)


def cables(country: Country, landmarks: pl.DataFrame, towns: pl.DataFrame) -> pl.DataFrame:
    """Return assumed international cables: at the busiest ports, else crossings, else the largest town.

    Capacity is Pakistan's of late 2025 a head, shared equally among at most three.
    """
    ports = landmarks.filter(pl.col("kind") == "port")
    gates = ports if ports.height else landmarks.filter(pl.col("kind") == "border_crossing")
    if gates.is_empty():
        largest = towns.sort(["n_people", "geoname_id"], descending=[True, False]).head(1)
        gates = largest.with_columns(pl.lit("").alias("landmark_id"))
    if gates.is_empty():
        return empty_table(table_schema("cables"))
    gates = gates.sort("landmark_id")
    xyz = sphere_km(gates["lon_deg"], gates["lat_deg"])
    around = np.zeros(gates.height)
    if towns.height:
        tree = cKDTree(sphere_km(towns["lon_deg"], towns["lat_deg"]))
        people = towns["n_people"].to_numpy()
        around = np.array([float(people[near].sum()) for near in tree.query_ball_point(xyz, PORT_REACH_KM)])
    chosen: list[int] = []
    for number in np.argsort(-around, kind="stable").tolist():
        if len(chosen) < N_CABLES_MOST and all(
            np.linalg.norm(xyz[number] - xyz[other]) > CROSSING_APART_KM for other in chosen
        ):
            chosen.append(number)
    kind = "subsea" if ports.height else "terrestrial"
    active_tbps = country.n_people / PEOPLE_PER_TBPS / len(chosen)
    rows = [
        {
            "cable_id": f"{country.iso2.lower()}-assumed-{rank + 1}",
            "name": f"Assumed {kind} cable at {gates['name'][number]}",
            "kind": kind,
            "length_km": CABLE_KM if kind == "subsea" else None,
            "installed_tbps": active_tbps * INSTALLED_RATIO,
            "active_tbps": active_tbps,
            "landing": gates["name"][number],
            "lon_deg": gates["lon_deg"][number],
            "lat_deg": gates["lat_deg"][number],
            "is_in_service": True,
            "evidence": "assumed",
            "source_id": SOURCE_ID,
        }
        for rank, number in enumerate(chosen)
    ]
    return _conformed("cables", rows)
