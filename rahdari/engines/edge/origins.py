"""Where workloads arise: positions along motorways, large cities, districts, rivers that flood, ports and airports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.methods.geo import great_circle_km
from rahdari.methods.named_lines import ROAD_KINDS, named_lines, towns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.edge.params import EdgeParams
    from rahdari.model import Tables

    FloatArray = NDArray[np.float64]

CITY = "city"
STATES_IN_SERVICE = ("operational", "partial")
GATE_KINDS = ("port", "airport")
PEOPLE_UNIT = 100_000
LONGEST_RATIO = 1.6  # a way between the ends so much longer than published is another road
SCHEMA = {
    "origin_id": pl.String, "origin": pl.String, "motorway_id": pl.String, "road_km": pl.Float64,
    "lon_deg": pl.Float64, "lat_deg": pl.Float64, "region": pl.String, "n_people": pl.Int64, "opening_year": pl.Int64,
    "is_in_service": pl.Boolean, "is_planned": pl.Boolean, "position": pl.String,
}  # fmt: skip


def largest_of_district(places: pl.DataFrame) -> pl.DataFrame:
    """Return the most populous place of each district, by id, with the ``n_area_people`` of them all."""
    total = pl.col("n_people").sum().over("district_id")
    ranked = places.with_columns(n_area_people=total).sort(["n_people", "place_id"], descending=[True, False])
    return ranked.unique("district_id", keep="first", maintain_order=True).sort("place_id")


def _ends(motorways: pl.DataFrame, landmarks: pl.DataFrame, places: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Return coordinates by name in lower case: the largest place of a name, then landmarks, which go first."""
    wanted = pl.concat([motorways["from_name"], motorways["to_name"]]).str.to_lowercase().unique().implode()
    by_people = places.sort(["n_people", "place_id"], descending=[False, True])
    found: dict[str, tuple[float, float]] = {}
    for frame in (by_people, landmarks.sort("landmark_id", descending=True)):
        named = frame.with_columns(lower=pl.col("name").str.to_lowercase()).filter(pl.col("lower").is_in(wanted))
        found.update({row["lower"]: (row["lon_deg"], row["lat_deg"]) for row in named.iter_rows(named=True)})
    return found


def _road_name(row: dict[str, Any]) -> str:
    return f"{row['motorway_id']} {row['name']}"


def motorway_lines(tables: Tables, places: pl.DataFrame) -> dict[str, FloatArray]:
    """Return (n, 2) degrees along each motorway that the ways carry: by its name, else the shortest way by its ends."""
    motorways, ways = tables["motorways"].sort("motorway_id"), tables["rights_of_way"]
    if not motorways.height or not ways.height:
        return {}
    roads = ways.filter(pl.col("kind").is_in(ROAD_KINDS))
    ends = _ends(motorways, tables["landmarks"], places)
    named = set(ways["name"].drop_nulls().unique().to_list())
    asked = [
        row for row in motorways.iter_rows(named=True)
        if _road_name(row) not in named and row["from_name"].lower() != row["to_name"].lower()
        and {row["from_name"].lower(), row["to_name"].lower()} <= set(ends)
    ]  # fmt: skip
    marks = pl.DataFrame(
        [{"landmark_id": name, "lon_deg": lon, "lat_deg": lat} for name, (lon, lat) in sorted(ends.items())],
        schema={"landmark_id": pl.String, "lon_deg": pl.Float64, "lat_deg": pl.Float64},
    )
    corridors = pl.DataFrame(
        [
            {"corridor_id": row["motorway_id"], "name": _road_name(row), "kind": "road", "way_name": None,
             "landmark_ids": f"{row['from_name'].lower()};{row['to_name'].lower()}"}
            for row in asked
        ],
        schema=dict.fromkeys(("corridor_id", "name", "kind", "way_name", "landmark_ids"), pl.String),
    )  # fmt: skip
    names = {_road_name(row): row for row in motorways.iter_rows(named=True)}
    kept = roads.filter(pl.col("name").is_in(list(names)) | (pl.lit(value=bool(asked)) & pl.col("name").is_null()))
    lines, _ = named_lines(
        kept if asked else kept.filter(pl.col("name").is_not_null()), tables["rights_of_way_nodes"], corridors, marks,
        towns(tables["landmarks"], places), least_km=0.0,
    )  # fmt: skip
    return {
        names[line.name]["motorway_id"]: line.lonlat_deg
        for line in lines
        if line.name in names and line.way_km <= LONGEST_RATIO * names[line.name]["length_km"]
    }


def along(lonlat: FloatArray, count: int) -> FloatArray:
    """Return (count, 2) points in the middles of equal parts of a line.

    >>> along(np.array([[0.0, 0.0], [4.0, 0.0]]), 2).round(6).tolist()
    [[1.0, 0.0], [3.0, 0.0]]
    """
    step = great_circle_km(lonlat[:-1, 0], lonlat[:-1, 1], lonlat[1:, 0], lonlat[1:, 1])
    at = np.concatenate([[0.0], np.cumsum(step)])
    wanted = (np.arange(count) + 0.5) / count * at[-1]
    return np.stack([np.interp(wanted, at, lonlat[:, part]) for part in (0, 1)], axis=1)


def _motorway_rows(tables: Tables, places: pl.DataFrame, params: EdgeParams, year: int) -> list[dict[str, Any]]:
    """Return one row a position of each motorway; without a way, all stand at an end that is known."""
    lines, ends = motorway_lines(tables, places), _ends(tables["motorways"], tables["landmarks"], places)
    rows: list[dict[str, Any]] = []
    for road in tables["motorways"].sort("motorway_id").iter_rows(named=True):
        count = int(np.ceil(road["length_km"] / params.gantry_spacing_km))
        known = [ends[name.lower()] for name in (road["from_name"], road["to_name"]) if name.lower() in ends]
        if road["motorway_id"] in lines:
            points, how = along(lines[road["motorway_id"]], count), "along its way"
        elif known:
            points, how = np.repeat(np.array(known[:1]), count, axis=0), "at an end"
        else:
            continue
        opens = road["opening_year"]
        is_open = road["state"] in STATES_IN_SERVICE or (opens is not None and opens <= year)
        rows += [
            {
                "origin_id": f"{road['motorway_id'].lower()}-{number + 1:03d}", "origin": "motorway",
                "motorway_id": road["motorway_id"], "road_km": road["length_km"] * (number + 0.5) / count,
                "lon_deg": float(lon), "lat_deg": float(lat), "region": None, "n_people": 0, "opening_year": opens,
                "is_in_service": is_open, "is_planned": is_open or opens is not None, "position": how,
            }
            for number, (lon, lat) in enumerate(points.tolist())
        ]  # fmt: skip
    return rows


def _area_rows(centres: pl.DataFrame, origin: str) -> list[dict[str, Any]]:
    return [
        {
            "origin_id": row["place_id"], "origin": origin, "motorway_id": None, "road_km": None,
            "lon_deg": row["lon_deg"], "lat_deg": row["lat_deg"], "region": row["region"],
            "n_people": row["n_area_people"], "opening_year": None, "is_in_service": True, "is_planned": True,
            "position": "largest place",
        }
        for row in centres.iter_rows(named=True)
    ]  # fmt: skip


def _flooded(centres: pl.DataFrame, hazards: pl.DataFrame) -> pl.DataFrame:
    """Return districts whose largest place lies within a hazard of flood."""
    floods = hazards.filter(
        (pl.col("kind") == "flood") & pl.col("lon_deg").is_not_null() & pl.col("radius_km").is_not_null()
    )
    if not floods.height or not centres.height:
        return centres.clear()
    km = great_circle_km(
        centres["lon_deg"].to_numpy()[:, None], centres["lat_deg"].to_numpy()[:, None],
        floods["lon_deg"].to_numpy()[None], floods["lat_deg"].to_numpy()[None],
    )  # fmt: skip
    return centres.filter(pl.Series((km <= floods["radius_km"].to_numpy()[None]).any(axis=1)))


def _gate_rows(landmarks: pl.DataFrame) -> list[dict[str, Any]]:
    gates = landmarks.filter(pl.col("kind").is_in(GATE_KINDS)).sort("landmark_id")
    return [
        {
            "origin_id": row["landmark_id"], "origin": "gate", "motorway_id": None, "road_km": None,
            "lon_deg": row["lon_deg"], "lat_deg": row["lat_deg"], "region": None, "n_people": 0, "opening_year": None,
            "is_in_service": True, "is_planned": True, "position": "landmark",
        }
        for row in gates.iter_rows(named=True)
    ]  # fmt: skip


def origins(tables: Tables, params: EdgeParams, year: int) -> pl.DataFrame:
    """Return every origin by id: what it is, where, of which region, and from which year on.

    ``year`` is the base year: motorways that opened by then are in service, those with a later year are planned, and
    planned ones without a year are neither.
    """
    regions = tables["districts"].select("district_id", "region")
    places = tables["places"].sort("place_id").join(regions, on="district_id", how="left", maintain_order="left")
    centres = largest_of_district(places)
    cities = largest_of_district(places.filter(pl.col("kind") == CITY)).filter(
        pl.col("n_area_people") >= params.city_n_people
    )
    rows = [
        *_motorway_rows(tables, places, params, year), *_area_rows(cities, "city"), *_area_rows(centres, "district"),
        *_area_rows(_flooded(centres, tables["hazards"]), "river"), *_gate_rows(tables["landmarks"]),
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
