"""Ask a plan for routes between two named points: disjoint by link, node or risk, each answer with its proof."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from rahdari.engines.backbone.risks import risk_tables
from rahdari.errors import InputError, Problem
from rahdari.methods.availability import parallel_availability_frac
from rahdari.methods.diversity import disjoint_routes
from rahdari.methods.geo import nearest
from rahdari.methods.network import make_network
from rahdari.model.params import Params
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.methods.diversity import DisjointRoutes, Route
    from rahdari.methods.network import Network

ATTACH_MAX_KM = 30.0  # farthest that an end may lie from a right of way; as the backbone engine
FOREIGN_WAY_RATIO = 3.0  # how many domestic kilometres one abroad counts in the choice; as the backbone engine
NAME_NEAR_KM = 8.0  # a landmark or town this near to a way is named along the route
MOST_NAMES = 12
N_NEAR_NAMES = 3
N_PAIR = 2
COMMON_CAUSE_FRAC = 0.05  # share of outages that strike both ways; as the backbone engine assumes
TOWN_PEOPLE = 50_000  # towns from this size on are named along a route where there are no landmarks
PLACE_RANK = 3
SEARCH_S = 10.0  # of the hard searches; what they have not proven by then is told so
KIND_ORDER = {"border_crossing": 0, "waypoint": 1}


class RouteRequest(Params):
    """Find routes between two named points of a plan."""

    plan: Path = Field(description="Folder of the plan")
    start: str = Field(min_length=1, description="Landmark or place; case does not matter")
    end: str = Field(min_length=1, description="Landmark or place; case does not matter")
    disjoint: Literal["link", "node", "risk"] = Field("link", description="What the routes may not share")
    k: int = Field(2, ge=1, le=8, description="How many routes")
    max_rtt_ms: float | None = Field(None, gt=0.0, description="Longest round-trip floor of each route")


class RouteLine(Params):
    """One route: lengths, the floor of its round trip, what it passes, and its availability alone."""

    name: str
    length_km: float
    fibre_km: float
    rtt_ms: float
    n_ways: int
    via: list[str]
    availability_frac: float
    row_ids: list[str] = Field(default_factory=list, description="Rights of way in order")


class RouteResponse(Params):
    """The routes, or why there are none, what they must share at the least, and what would cure it."""

    from_name: str
    to_name: str
    disjoint: str
    n_asked: int
    is_disjoint: bool
    is_proven_none: bool
    routes: list[RouteLine]
    availability_frac: float | None = Field(None, description="Any of the routes works, common causes included")
    obstacle: str = ""
    shared_risks: list[str] = Field(default_factory=list, description="Smallest set that two routes must share")
    shared_n_links: int = 0
    shared_at_least: float | None = None
    end_risks: list[str] = Field(
        default_factory=list, description="Risks that hold an end itself; no route avoids them"
    )
    cure: str = ""
    certificates: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


def _named(reader: PlanReader) -> pl.DataFrame:
    """Return all named points, the likelier first: crossings, waypoints, other landmarks, places by people."""
    landmarks = reader.table("landmarks").select(
        "name", "lon_deg", "lat_deg",
        rank=pl.col("kind").replace_strict(KIND_ORDER, default=2, return_dtype=pl.Int64),
        n_people=pl.lit(0, pl.Int64), key=pl.col("landmark_id"),
    )  # fmt: skip
    places = reader.table("places").select(
        pl.col("name").str.split(", part").list.first(), "lon_deg", "lat_deg",
        rank=pl.lit(PLACE_RANK, pl.Int64), n_people=pl.col("n_people").cast(pl.Int64), key=pl.col("place_id"),
    )  # fmt: skip
    return pl.concat([landmarks, places]).sort("rank", "n_people", "key", descending=[False, True, False])


def named_point(points: pl.DataFrame, name: str, column: str) -> dict[str, Any]:
    """Return the point called ``name``: exactly, else beginning with it; cases do not matter.

    Raises :class:`InputError` with the nearest names where there is none.
    """
    wanted = " ".join(name.lower().split())
    plain = pl.col("name").str.to_lowercase()
    for chosen in (plain == wanted, plain.str.starts_with(wanted)):
        found = points.filter(chosen)
        if found.height and wanted:
            return found.row(0, named=True)
    known = points.select(plain.alias("plain"), "name").unique("plain", keep="first", maintain_order=True)
    near = difflib.get_close_matches(wanted, known["plain"].to_list(), n=N_NEAR_NAMES, cutoff=0.5)
    names = [known.filter(pl.col("plain") == each)["name"][0] for each in near]
    cure = f"did you mean {', '.join(names)}?" if names else "name a landmark or a place of the plan"
    raise InputError(Problem(f"no landmark or place is called '{name}'", cure, column=column))


def _node_of(point: dict[str, Any], nodes: pl.DataFrame) -> str:
    """Return the right-of-way node that a point hangs on."""
    at = np.array([point["lon_deg"]]), np.array([point["lat_deg"]])
    index, away_km = nearest(*at, nodes["lon_deg"].to_numpy(), nodes["lat_deg"].to_numpy())
    if away_km[0] > ATTACH_MAX_KM:
        what = f"'{point['name']}' lies {away_km[0]:.0f} km from the nearest right of way"
        raise InputError(Problem(what, f"name a point within {ATTACH_MAX_KM:g} km of a road"))
    return str(nodes["row_node_id"][int(index[0])])


def way_network(reader: PlanReader) -> Network:
    """Return the rights of way of a plan as a network with its risk groups; ways abroad cost more."""
    ways, nodes = reader.table("rights_of_way").sort("row_id"), reader.table("rights_of_way_nodes").sort("row_node_id")
    given = (reader.table("risk_groups"), reader.table("risk_group_members"))
    groups, members = risk_tables(ways, nodes, reader.table("hazards"), given)
    fibre_km = (ways["length_km"] * ways["slack_ratio"]).to_numpy()
    return make_network(
        nodes["row_node_id"].to_list(),
        ways["row_id"].to_list(),
        list(zip(ways["from_node_id"].to_list(), ways["to_node_id"].to_list(), strict=True)),
        fibre_km,
        link_cost=fibre_km * np.where(ways["is_in_country"].to_numpy(), 1.0, FOREIGN_WAY_RATIO),
        node_lon_deg=nodes["lon_deg"].to_numpy(),
        node_lat_deg=nodes["lat_deg"].to_numpy(),
        risk_groups=groups,
        risk_group_members=members,
    )


def _via(route: Route, network: Network, points: pl.DataFrame, ends: tuple[str, str]) -> list[str]:
    """Return the landmarks and large towns that a route passes, in order, thinned to the most telling."""
    if network.node_lon_deg is None or network.node_lat_deg is None or not points.height:
        return []
    number = np.array([network.node(name) for name in route.node_id])
    lon, lat = network.node_lon_deg[number], network.node_lat_deg[number]
    index, away_km = nearest(points["lon_deg"].to_numpy(), points["lat_deg"].to_numpy(), lon, lat)
    passed = points.with_columns(at=pl.Series(index), away_km=pl.Series(away_km))
    passed = passed.filter((pl.col("away_km") <= NAME_NEAR_KM) & ~pl.col("name").is_in(list(ends)))
    kept = passed.unique("name", keep="first", maintain_order=True).head(MOST_NAMES)
    return list(kept.sort("at", "key")["name"])


def _line(
    name: str,
    route: Route,
    network: Network,
    *,
    way_km: dict[str, float],
    points: pl.DataFrame,
    ends: tuple[str, str],
) -> RouteLine:
    number = {link: i for i, link in enumerate(network.link_id)}
    links = np.array([number[link] for link in route.link_id], np.int64)
    return RouteLine(
        name=name,
        length_km=float(sum(way_km[link] for link in route.link_id)),
        fibre_km=route.length_km,
        rtt_ms=route.rtt_ms,
        n_ways=len(route.link_id),
        via=_via(route, network, points, ends),
        availability_frac=float(network.link_availability_frac[links].prod()),
        row_ids=list(route.link_id),
    )


def _either(network: Network, routes: Sequence[Route]) -> float | None:
    """Return how often the first or the second route works; what both share, risk groups too, stands in series.

    The rest of both fails independently but for the common-cause share; ``None`` for fewer than two routes.
    """
    if len(routes) < N_PAIR:
        return None
    number = {link: i for i, link in enumerate(network.link_id)}
    first, second = (np.array([number[link] for link in route.link_id], np.int64) for route in routes[:N_PAIR])
    both = np.intersect1d(first, second)
    up = network.link_availability_frac
    alone = [float(up[np.setdiff1d(own, both)].prod()) for own in (first, second)]
    groups = [
        group
        for group in range(len(network.risks.group_id))
        if all(np.isin(own, network.risks.links_of(group)).any() for own in (first, second))
    ]
    common = float((1.0 - network.risks.unavailability_frac[groups]).prod())
    return float(up[both].prod()) * common * float(parallel_availability_frac(alone[0], alone[1], COMMON_CAUSE_FRAC))


def _risk_names(network: Network, group_ids: Sequence[str]) -> list[str]:
    """Return the names of groups, each once."""
    name = dict(zip(network.risks.group_id, network.risks.name, strict=True))
    return list(dict.fromkeys(name[group] for group in group_ids))


def _cure(found: DisjointRoutes, network: Network, points: pl.DataFrame) -> str:
    """Return the cheapest new link in words."""
    if found.cure is None:
        return ""
    ends = []
    for node_id in (found.cure.from_node_id, found.cure.to_node_id):
        number = network.node(node_id)
        if network.node_lon_deg is None or network.node_lat_deg is None:
            ends.append(node_id)
            continue
        lon, lat = network.node_lon_deg[number : number + 1], network.node_lat_deg[number : number + 1]
        index, away_km = nearest(lon, lat, points["lon_deg"].to_numpy(), points["lat_deg"].to_numpy())
        where = f"{points['name'][int(index[0])]} ({lon[0]:.3f}, {lat[0]:.3f})"
        ends.append(where if away_km[0] > NAME_NEAR_KM else str(points["name"][int(index[0])]))
    proof = "proven cheapest" if found.cure.is_proven else "not proven cheapest"
    return f"a new link of {found.cure.length_km:,.0f} km between {ends[0]} and {ends[1]}, {proof}"


def find_routes(request: RouteRequest, clearance: Clearance = OWNER) -> RouteResponse:
    """Return ``k`` routes that share nothing of the kind asked, with proof, or why there are none and what to do.

    Raises :class:`InputError` for unknown names (with the nearest ones), ends too far from a road, and equal ends.
    """
    reader = PlanReader(request.plan, clearance)
    points, nodes = _named(reader), reader.table("rights_of_way_nodes").sort("row_node_id")
    start = named_point(points, request.start, "FROM")
    end = named_point(points, request.end, "TO")
    ends = (_node_of(start, nodes), _node_of(end, nodes))
    network = way_network(reader)
    found = disjoint_routes(network, *ends, request.disjoint, request.k, request.max_rtt_ms, time_limit_s=SEARCH_S)
    shown = found.routes or (found.shared.routes if found.shared else ())
    way_km = dict(reader.table("rights_of_way").select("row_id", "length_km").iter_rows())
    landmarks = points.filter(pl.col("rank") < PLACE_RANK)
    named = landmarks if landmarks.height else points.filter(pl.col("n_people") >= TOWN_PEOPLE)
    names = (str(start["name"]), str(end["name"]))
    lines = [
        _line(
            f"{'route' if found.routes else 'least shared'} {i}",
            route,
            network,
            way_km=way_km,
            points=named,
            ends=names,
        )
        for i, route in enumerate(shown, 1)
    ]
    either = _either(network, shown)
    warnings = ["Routes follow the rights of way of the road data; no duct position is stated or implied."]
    if request.disjoint == "risk":
        warnings.append(f"{len(network.risks.group_id)} risk groups; rates and repair times are mostly assumed.")
    shared = found.shared
    return RouteResponse(
        from_name=names[0], to_name=names[1], disjoint=request.disjoint, n_asked=request.k,
        is_disjoint=found.is_disjoint, is_proven_none=found.is_proven_none, routes=lines, availability_frac=either,
        obstacle=found.obstacle.text if found.obstacle else "",
        shared_risks=_risk_names(network, shared.group_id) if shared else [],
        shared_n_links=len(shared.link_id) if shared else 0,
        shared_at_least=shared.lower_bound if shared else None,
        end_risks=_risk_names(network, found.end_group_id),
        cure=_cure(found, network, named),
        certificates=[found.certificate.as_dict()] if found.certificate else [],
        warnings=warnings,
    )  # fmt: skip
