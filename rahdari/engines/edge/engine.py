"""The edge engine: the fewest nodes that reach every place in time, and the road and city services they carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.methods.cover import Cover, least_cover
from rahdari.methods.geo import great_circle_km, nearest
from rahdari.model import EngineResult, Indicator
from rahdari.units import FIBRE_DELAY_MS_PER_KM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.edge.params import EdgeParams
    from rahdari.model import Context, Tables

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

CITY = "city"
STATES_IN_SERVICE = ("operational", "partial")
PEOPLE_UNIT = 100_000
DIRECTIONS_COUNT = 2
ROWS_AT_ONCE = 4096  # bounds the distance matrix to some tens of megabytes
SPACING_SWING_RATIO = 2.0  # gantries at half and at twice the spacing behind low and high
NOTES = (
    "Edge is a simple model: fibre delay by great circle and detour, nodes in cities, gantries at an even spacing.",
    "Lengths and states of motorways are published; numbers of gantries and cameras are assumptions shown as ranges.",
    "Roads in partial service, and mountain highways in the list, count in full: gantries there are an upper bound.",
)


@dataclass(frozen=True, slots=True)
class Nodes:
    """Cities chosen for edge nodes, in order of id, and the cover that proves their number."""

    cities: pl.DataFrame
    cover: Cover
    reach_km: float


def _delay_ms(distance_km: FloatArray, params: EdgeParams) -> FloatArray:
    """Return the fibre round trip, ms."""
    return np.asarray(2.0 * distance_km * params.detour_ratio * FIBRE_DELAY_MS_PER_KM)


def _largest_of_district(places: pl.DataFrame) -> pl.DataFrame:
    """Return the most populous of the places of each district, by id, with the ``n_city_people`` of them all."""
    total = pl.col("n_people").sum().over("district_id")
    ranked = places.with_columns(n_city_people=total).sort(["n_people", "place_id"], descending=[True, False])
    return ranked.unique("district_id", keep="first", maintain_order=True).sort("place_id")


def chosen_nodes(places: pl.DataFrame, params: EdgeParams) -> Nodes:
    """Return the fewest cities from which every place within reach of any of them is reached in time.

    Candidates are the largest city (or part of one) of each district; a country without cities takes its largest
    place as the only candidate.
    """
    cities = _largest_of_district(places.filter(pl.col("kind") == CITY))
    if not cities.height:
        cities = _largest_of_district(places).sort(["n_people", "place_id"], descending=[True, False]).head(1)
    reach_km = params.round_trip_limit_ms / (2.0 * params.detour_ratio * FIBRE_DELAY_MS_PER_KM)
    lon, lat = cities["lon_deg"].to_numpy()[None], cities["lat_deg"].to_numpy()[None]
    parts = [
        great_circle_km(part["lon_deg"].to_numpy()[:, None], part["lat_deg"].to_numpy()[:, None], lon, lat) <= reach_km
        for part in places.iter_slices(ROWS_AT_ONCE)
    ]
    covers = np.concatenate(parts) if parts else np.zeros((0, cities.height), np.bool_)
    cover = least_cover(covers, "edge_nodes", cities["n_city_people"].to_numpy().astype(np.float64))
    return Nodes(cities[cover.chosen], cover, reach_km)


def _ends(motorways: pl.DataFrame, landmarks: pl.DataFrame, places: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Return coordinates by name in lower case: the largest place of a name, then landmarks, which go first."""
    wanted = pl.concat([motorways["from_name"], motorways["to_name"]]).str.to_lowercase().unique().implode()
    by_people = places.sort(["n_people", "place_id"], descending=[False, True])
    found: dict[str, tuple[float, float]] = {}
    for frame in (by_people, landmarks.sort("landmark_id", descending=True)):
        named = frame.with_columns(lower=pl.col("name").str.to_lowercase()).filter(pl.col("lower").is_in(wanted))
        found.update(
            {row["lower"]: (row["lon_deg"], row["lat_deg"]) for row in named.iter_rows(named=True)},
        )
    return found


def _tolling(tables: Tables, places: pl.DataFrame, nodes: Nodes, params: EdgeParams) -> list[dict[str, object]]:
    """Return one ``edge_services`` row for each motorway.

    A motorway is served from the node nearest to an end; its distance is that of the farther end, or half the
    published length more where only one end is found.  Where no end is found the whole length is taken.
    """
    ends = _ends(tables["motorways"], tables["landmarks"], places)
    hub_lon, hub_lat = nodes.cities["lon_deg"].to_numpy(), nodes.cities["lat_deg"].to_numpy()
    rows: list[dict[str, object]] = []
    for road in tables["motorways"].sort("motorway_id").iter_rows(named=True):
        known = [ends[name.lower()] for name in (road["from_name"], road["to_name"]) if name.lower() in ends]
        node, distance_km = 0, float(road["length_km"])
        if known:
            far = np.array([great_circle_km(lon, lat, hub_lon, hub_lat) for lon, lat in known])
            node = int(np.argmin(far.min(axis=0)))
            distance_km = float(far[:, node].max()) + (0.0 if len(known) > 1 else float(road["length_km"]) / 2.0)
        n_gantries = DIRECTIONS_COUNT * int(np.ceil(road["length_km"] / params.gantry_spacing_km))
        rows.append(
            {
                "edge_service_id": f"tolling-{road['motorway_id'].lower()}",
                "kind": "tolling",
                "motorway_id": road["motorway_id"],
                "place_id": None,
                "is_operational": road["state"] in STATES_IN_SERVICE,
                "node": node,
                "distance_km": distance_km,
                "length_km": float(road["length_km"]),
                "n_gantries": n_gantries,
                "n_cameras": n_gantries * params.lanes_per_gantry_count,
            }
        )
    return rows


def _cameras(places: pl.DataFrame, nodes: Nodes, params: EdgeParams) -> list[dict[str, object]]:
    """Return one ``edge_services`` row for each district with enough people in cities, at the largest of them."""
    cities = places.filter(pl.col("kind") == CITY)
    cities = _largest_of_district(cities).filter(pl.col("n_city_people") >= params.city_n_people)
    if not cities.height:
        return []
    index, distance_km = nearest(cities["lon_deg"], cities["lat_deg"], nodes.cities["lon_deg"], nodes.cities["lat_deg"])
    per_person = params.cameras_per_100000_people_count / PEOPLE_UNIT
    return [
        {
            "edge_service_id": f"cameras-{city['place_id']}",
            "kind": "city_cameras",
            "motorway_id": None,
            "place_id": city["place_id"],
            "is_operational": True,
            "node": int(index[row]),
            "distance_km": float(distance_km[row]),
            "length_km": 0.0,
            "n_gantries": 0,
            "n_cameras": int(np.ceil(city["n_city_people"] * per_person)),
        }
        for row, city in enumerate(cities.iter_rows(named=True))
    ]


def _node_ids(nodes: Nodes) -> pl.Series:
    return nodes.cities.select(pl.format("edge-{}", "place_id").alias("edge_node_id")).to_series()


SERVICE_TYPES = {
    "edge_service_id": pl.String(),
    "kind": pl.String(),
    "motorway_id": pl.String(),
    "place_id": pl.String(),
    "is_operational": pl.Boolean(),
    "node": pl.Int64(),
    "distance_km": pl.Float64(),
    "length_km": pl.Float64(),
    "n_gantries": pl.Int64(),
    "n_cameras": pl.Int64(),
}


def _services(rows: list[dict[str, object]], nodes: Nodes, params: EdgeParams) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=SERVICE_TYPES, orient="row")
    network_ms = pl.Series("network_ms", _delay_ms(frame["distance_km"].to_numpy(), params))
    return frame.with_columns(
        edge_node_id=_node_ids(nodes).gather(frame["node"]),
        demand_mbps=pl.col("n_cameras") * params.camera_mbps,
        network_ms=network_ms,
        decision_ms=network_ms + params.inference_ms,
    ).with_columns(is_in_time=pl.col("decision_ms") <= params.decision_limit_ms)


def _node_table(
    places: pl.DataFrame, nodes: Nodes, services: pl.DataFrame, tables: Tables, params: EdgeParams
) -> pl.DataFrame:
    """Return the ``edge_nodes`` rows; each place within reach goes to the nearest node."""
    cabinets = tables["equipment"].filter(pl.col("category") == "edge").sort("equipment_id")
    if not cabinets.height:
        raise InputError(Problem("no equipment of category 'edge'", "add an edge cabinet with its price", "equipment"))
    cabinet = cabinets.row(0, named=True)
    index, distance_km = nearest(places["lon_deg"], places["lat_deg"], nodes.cities["lon_deg"], nodes.cities["lat_deg"])
    served = (
        pl.DataFrame({"node": index, "distance_km": distance_km, "n_people": places["n_people"]})
        .filter(pl.col("distance_km") <= nodes.reach_km)
        .group_by("node")
        .agg(
            n_places_served=pl.len().cast(pl.Int64()),
            n_people_served=pl.col("n_people").sum(),
            max_distance_km=pl.col("distance_km").max(),
        )
    )
    streams = services.filter("is_operational").group_by("node").agg(n_streams=pl.col("n_cameras").sum())
    frame = (
        nodes.cities.select("place_id")
        .with_row_index("node")
        .with_columns(pl.col("node").cast(pl.Int64()), edge_node_id=_node_ids(nodes))
        .join(served, on="node", how="left", maintain_order="left")
        .join(streams, on="node", how="left", maintain_order="left")
        .with_columns(pl.col("n_streams", "n_places_served", "n_people_served").fill_null(0))
        .with_columns(pl.col("max_distance_km").fill_null(0.0))
    )
    n_servers = np.maximum(1, np.ceil(frame["n_streams"].to_numpy() / params.streams_per_server_count)).astype(np.int64)
    opex_usd = cabinet["capex_usd"] * cabinet["opex_frac_per_year"] + cabinet["opex_usd_per_year"]
    return frame.drop("node").with_columns(
        round_trip_ms=pl.Series(_delay_ms(frame["max_distance_km"].to_numpy(), params)),
        n_servers=pl.Series(n_servers),
        equipment_id=pl.lit(cabinet["equipment_id"]),
        capex_usd=pl.Series(n_servers * cabinet["capex_usd"]),
        opex_usd_per_year=pl.Series(n_servers * opex_usd),
    )


def _indicators(
    nodes: pl.DataFrame, services: pl.DataFrame, places: pl.DataFrame, params: EdgeParams, year: int
) -> tuple[Indicator, ...]:
    roads = services.filter((pl.col("kind") == "tolling") & pl.col("is_operational"))

    def gantries(spacing_km: float) -> float:
        return DIRECTIONS_COUNT * float(np.ceil(roads["length_km"].to_numpy() / spacing_km).sum())

    spacing = params.gantry_spacing_km
    people = int(nodes["n_people_served"].sum()) / max(int(places["n_people"].sum()), 1)
    return (
        Indicator("its_gantries_count", year, "Tolling gantries on motorways in service", gantries(spacing), "count",
                  "2 directions x length / spacing; range: twice and half the spacing", "assumed",
                  gantries(spacing * SPACING_SWING_RATIO), gantries(spacing / SPACING_SWING_RATIO)),
        Indicator("its_demand_mbps", year, "Streams of those gantries to the edge", float(roads["demand_mbps"].sum()),
                  "mbps", "gantries x lanes x stream", "assumed"),
        Indicator("edge_nodes_count", year, "Edge nodes", float(nodes.height), "count",
                  "fewest cities that reach every place in time", "modelled"),
        Indicator("edge_people_served_frac", year, "People within the delay limit of an edge node", people, "frac",
                  "people of places within the fibre round trip / people", "modelled"),
        Indicator("edge_in_time_frac", year, "Services decided in time",
                  float(services["is_in_time"].sum()) / max(services.height, 1), "frac",
                  "services whose decision comes within the limit / services", "modelled"),
    )  # fmt: skip


def edge(tables: Tables, params: EdgeParams, ctx: Context) -> EngineResult:
    """Return ``edge_nodes`` and ``edge_services``, with the certificate of the number of nodes.

    Raises :class:`InputError` where the catalogue has no edge cabinet.
    """
    places = tables["places"].sort("place_id")
    nodes = chosen_nodes(places, params)
    rows = [*_tolling(tables, places, nodes, params), *_cameras(places, nodes, params)]
    services = _services(rows, nodes, params)
    node_table = _node_table(places, nodes, services, tables, params)
    return EngineResult(
        tables={"edge_nodes": node_table, "edge_services": services.drop("node")},
        indicators=_indicators(node_table, services, places, params, ctx.year_base),
        certificates=(nodes.cover.certificate,),
        notes=NOTES,
    )
