"""Which ends the routes join: crossings, landings, cities and the stops of the corridor."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from rahdari.methods.centres import city_centres
from rahdari.methods.geo import nearest

if TYPE_CHECKING:
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.model import Tables


@dataclass(frozen=True, slots=True)
class End:
    """A named point and the right-of-way node it hangs on."""

    name: str
    node: int
    lon_deg: float
    lat_deg: float
    is_abroad: bool = False


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """A route to find: its kind and its stops in order, at least two."""

    kind: str
    stops: tuple[End, ...]

    @property
    def route_id(self) -> str:
        """Return the identifier made of the stops.

        >>> RouteRequest("city_pair", (End("A b", 0, 0.0, 0.0), End("C", 1, 0.0, 0.0))).route_id
        'a-b--c'
        """
        return "--".join(slug(stop.name) for stop in self.stops)


def slug(name: str, joint: str = "-") -> str:
    """Return a name in lower case with everything but letters and digits made ``joint``.

    >>> slug("Sea View (Karachi)")
    'sea-view-karachi'
    """
    return re.sub(r"[^a-z0-9]+", joint, name.lower()).strip(joint)


def attached(frame: pl.DataFrame, nodes: pl.DataFrame, attach_max_km: float) -> tuple[list[End], int]:
    """Return the ends of named points (``name``, ``lon_deg``, ``lat_deg``) near a node, and how many lie too far.

    Of ends that share a name or a node the first stays.
    """
    if not frame.height or not nodes.height:
        return [], frame.height
    points = [frame[name].to_numpy() for name in ("lon_deg", "lat_deg")]
    grid = [nodes[name].to_numpy() for name in ("lon_deg", "lat_deg")]
    index, distance = nearest(points[0], points[1], grid[0], grid[1])
    is_abroad = ~nodes["is_in_country"].to_numpy()
    ends: dict[str, End] = {}
    taken: set[int] = set()
    n_far = 0
    for row, node, away_km in zip(frame.iter_rows(named=True), index.tolist(), distance.tolist(), strict=True):
        if away_km > attach_max_km:
            n_far += 1
        elif slug(row["name"]) not in ends and node not in taken:
            ends[slug(row["name"])] = End(row["name"], node, row["lon_deg"], row["lat_deg"], bool(is_abroad[node]))
            taken.add(node)
    return list(ends.values()), n_far


def named_point(tables: Tables, name: str) -> pl.DataFrame:
    """Return the landmark, else the largest place, whose name begins with ``name``; no row where there is none."""
    wanted = pl.col("name").str.to_lowercase().str.starts_with(name.lower())
    columns = ["name", "lon_deg", "lat_deg"]
    order = pl.col("kind").replace_strict({"border_crossing": 0, "waypoint": 1}, default=2, return_dtype=pl.Int8)
    landmark = tables["landmarks"].filter(wanted).sort(order, "landmark_id").select(columns).head(1)
    if name and not landmark.height:
        places = tables["places"].filter(wanted & (pl.col("kind") != "village"))
        return places.sort("n_people", "place_id", descending=[True, False]).select(columns).head(1)
    return landmark if name else landmark.clear()


def corridor_stops(tables: Tables, nodes: pl.DataFrame, params: BackboneParams) -> tuple[End, ...]:
    """Return the stops of the corridor that the country has; fewer than two where it has no corridor."""
    names = (params.corridor_from_name, params.corridor_via_name, params.corridor_to_name)
    found = [named_point(tables, name) for name in names]
    if not (found[0].height and found[-1].height):
        return ()
    ends, n_far = attached(pl.concat(found), nodes, params.attach_max_km)
    if n_far or len(ends) < sum(frame.height for frame in found):
        return ()
    plain = (
        End(name, end.node, end.lon_deg, end.lat_deg, end.is_abroad)
        for name, end in zip(
            (name for name, frame in zip(names, found, strict=True) if frame.height), ends, strict=True
        )
    )
    return tuple(plain)


def _points(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    return frame.sort(key).select("name", "lon_deg", "lat_deg")


def main_cities(tables: Tables, params: BackboneParams) -> pl.DataFrame:
    """Return names and points of the largest cities, none nearer to a larger one than ``city_spacing_km``.

    Censuses and synthetic layers cut large cities into parts, so towns within ``city_radius_km`` count as one; a
    waypoint that near gives the city its name and point.
    """
    columns = ["name", "lon_deg", "lat_deg"]
    towns = tables["places"].filter(pl.col("kind") != "village").sort("place_id")
    if not towns.height:
        return towns.select(columns)
    kept = city_centres(
        towns["n_people"].to_numpy(), towns["lon_deg"].to_numpy(), towns["lat_deg"].to_numpy(),
        radius_km=params.city_radius_km, spacing_km=params.city_spacing_km, n_centres=params.n_cities,
    )  # fmt: skip
    cities: pl.DataFrame = towns[kept.tolist()].select(
        pl.col("name").str.split(", part").list.first(), "lon_deg", "lat_deg"
    )
    waypoints = _points(tables["landmarks"].filter(pl.col("kind") == "waypoint"), "landmark_id")
    if not (waypoints.height and cities.height):
        return cities
    points = [frame[name].to_numpy() for frame in (cities, waypoints) for name in ("lon_deg", "lat_deg")]
    index, away_km = nearest(points[0], points[1], points[2], points[3])
    is_named = pl.Series(away_km <= params.city_radius_km)
    named = waypoints[index.tolist()]
    return cities.select(
        pl.when(is_named).then(named[name]).otherwise(pl.col(name)).alias(name) for name in columns
    ).unique("name", keep="first", maintain_order=True)


def route_requests(tables: Tables, nodes: pl.DataFrame, params: BackboneParams) -> tuple[list[RouteRequest], int]:
    """Return the routes to find, each pair of ends once, and how many ends lie too far from a node.

    ``nodes`` are the right-of-way nodes in identifier order; variants of the corridor come last.
    """
    landmarks, cables = tables["landmarks"], tables["cables"]
    subsea = cables.filter(pl.col("kind") == "subsea").sort("cable_id")
    landings, far_landings = attached(
        subsea.select(pl.col("landing").alias("name"), "lon_deg", "lat_deg"), nodes, params.attach_max_km
    )
    crossings, far_crossings = attached(
        _points(landmarks.filter(pl.col("kind") == "border_crossing"), "landmark_id"), nodes, params.attach_max_km
    )
    waypoints, far_waypoints = attached(
        _points(landmarks.filter(pl.col("kind") == "waypoint"), "landmark_id"), nodes, params.attach_max_km
    )
    cities, far_cities = attached(main_cities(tables, params), nodes, params.attach_max_km)

    corridor = corridor_stops(tables, nodes, params)
    requests = []
    if corridor:
        requests.append(RouteRequest("corridor", corridor))
        requests += [RouteRequest("corridor_leg", leg) for leg in itertools.pairwise(corridor)]
    gateways = crossings + [end for end in waypoints if end.is_abroad]
    requests += [RouteRequest("gateway_to_landing", (gate, landing)) for gate in gateways for landing in landings]
    requests += [
        RouteRequest("city_pair", (first, second)) for i, first in enumerate(cities) for second in cities[i + 1 :]
    ]
    if corridor:
        first, last = corridor[0], corridor[-1]
        stops = {stop.node for stop in corridor}
        variants = [(first, last), *((first, end, last) for end in waypoints if end.node not in stops)]
        requests += [RouteRequest("corridor_variant", variant) for variant in variants]
    unique: dict[str, RouteRequest] = {}
    for request in requests:
        nodes_of = [stop.node for stop in request.stops]
        if len(set(nodes_of)) == len(nodes_of):
            unique.setdefault(request.route_id, request)
    return list(unique.values()), far_landings + far_crossings + far_waypoints + far_cities
