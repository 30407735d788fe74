"""Ask a plan for routes between two named points: disjoint by link, node or risk, each answer with its proof."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from rahdari.errors import InputError, Problem, TargetError
from rahdari.methods.diversity import disjoint_routes
from rahdari.methods.geo import nearest
from rahdari.methods.network import make_network
from rahdari.methods.reliability import routes_availability
from rahdari.methods.reliability_bounds import availability_ceiling_frac
from rahdari.methods.risk import risk_tables
from rahdari.model.certificate import Certificate
from rahdari.model.params import Params
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.methods.diversity import DisjointRoutes, Route
    from rahdari.methods.network import Network
    from rahdari.methods.reliability import Availability

ATTACH_MAX_KM = 30.0  # farthest that an end may lie from a right of way; as the backbone engine
FOREIGN_WAY_RATIO = 3.0  # how many domestic kilometres one abroad counts in the choice; as the backbone engine
NAME_NEAR_KM = 8.0  # a landmark or town this near to a way is named along the route
MOST_NAMES = 12
N_NEAR_NAMES = 3
TOWN_PEOPLE = 50_000  # towns from this size on are named along a route where there are no landmarks
PLACE_RANK = 3
SEARCH_S = 10.0  # of the hard searches; what they have not proven by then is told so
NAMED_LEVEL = "restricted"  # the classification of risks by name
KIND_ORDER = {"border_crossing": 0, "waypoint": 1}


class RouteRequest(Params):
    """Find routes between two named points of a plan."""

    plan: Path = Field(description="Folder of the plan")
    start: str = Field(min_length=1, description="Landmark or place; case does not matter")
    end: str = Field(min_length=1, description="Landmark or place; case does not matter")
    disjoint: Literal["link", "node", "risk"] = Field("link", description="What the routes may not share")
    k: int = Field(2, ge=1, le=8, description="How many routes")
    max_rtt_ms: float | None = Field(None, gt=0.0, description="Longest round-trip floor of each route")
    show_named_risks: bool = Field(
        default=False, description="Name shared risks and list the ways of routes that share; for the authorised only"
    )


class RouteLine(Params):
    """One route: lengths, the floor of its round trip, what it passes, and its availability with its risk groups."""

    name: str
    length_km: float
    fibre_km: float
    rtt_ms: float
    n_ways: int
    via: list[str]
    availability_frac: float | None
    row_ids: list[str] = Field(default_factory=list, description="Rights of way in order; not of routes that share")


class RouteResponse(Params):
    """The routes, or why there are none, what they must share at the least, and what would cure it.

    ``availability_frac`` lies between its low and high, which hold for certain under the stated rates;
    ``ceiling_frac`` is what no number of routes on these rights of way can exceed.
    """

    from_name: str
    to_name: str
    disjoint: str
    n_asked: int
    is_disjoint: bool
    is_proven_none: bool
    routes: list[RouteLine]
    availability_frac: float | None = Field(None, description="Any of the routes works, common causes included")
    availability_low_frac: float | None = None
    availability_high_frac: float | None = None
    ceiling_frac: float
    obstacle: str = ""
    fastest_rtt_ms: float | None = Field(None, description="Round trip from which on such routes are known to exist")
    shared_kinds: dict[str, int] = Field(default_factory=dict, description="Risk groups that two routes must share")
    shared_risks: list[str] = Field(default_factory=list, description="The same by name, for the authorised")
    shared_n_links: int = 0
    shared_n_nodes: int = 0
    shared_km: float = 0.0
    shared_per_year: float | None = Field(None, description="Failures a year of what is shared")
    shared_at_least_per_year: float | None = Field(None, description="Proven: no two routes share less")
    end_kinds: dict[str, int] = Field(
        default_factory=dict, description="Risk groups that hold an end itself; no route avoids them"
    )
    end_risks: list[str] = Field(default_factory=list, description="The same by name, for the authorised")
    cure: str = ""
    cure_km: float | None = None
    certificates: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


def named_points(reader: PlanReader) -> pl.DataFrame:
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
    groups, members = risk_tables(ways, hazards=reader.table("hazards"), given=given)
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with what answers it: points that may be named along a route, and lengths of ways."""

    request: RouteRequest
    network: Network
    points: pl.DataFrame
    way_km: dict[str, float]
    names: tuple[str, str]
    is_named: bool

    def line(self, name: str, route: Route, *, is_listed: bool) -> RouteLine:
        """Return one route in words and numbers; its ways only where they may be listed."""
        up = _available(self.network, [route])
        return RouteLine(
            name=name,
            length_km=float(sum(self.way_km[link] for link in route.link_id)),
            fibre_km=route.length_km,
            rtt_ms=route.rtt_ms,
            n_ways=len(route.link_id),
            via=_via(route, self.network, self.points, self.names),
            availability_frac=up.availability_frac if up else None,
            row_ids=list(route.link_id) if is_listed else [],
        )

    def kinds(self, group_ids: Sequence[str]) -> dict[str, int]:
        """Return how many groups of each kind there are."""
        kind = dict(zip(self.network.risks.group_id, self.network.risks.kind, strict=True))
        return dict(sorted(Counter(kind[group] for group in group_ids).items()))

    def risks(self, group_ids: Sequence[str]) -> list[str]:
        """Return the names of groups and where they are; nothing for those who may not know."""
        if not self.is_named:
            return []
        risks = self.network.risks
        number = {name: i for i, name in enumerate(risks.group_id)}
        found = [(risks.name[number[group]], self._near(number[group])) for group in group_ids]
        return list(dict.fromkeys(f"{name} near {place}" if place else name for name, place in found))

    def _near(self, group: int) -> str:
        """Return the named point nearest to the middle of a group's ways; empty where there is none."""
        network = self.network
        if network.node_lon_deg is None or network.node_lat_deg is None or not self.points.height:
            return ""
        at = np.unique(network.link_node[network.risks.links_of(group)])
        lon, lat = network.node_lon_deg[at].mean(keepdims=True), network.node_lat_deg[at].mean(keepdims=True)
        index, _ = nearest(lon, lat, self.points["lon_deg"].to_numpy(), self.points["lat_deg"].to_numpy())
        return str(self.points["name"][int(index[0])])


def _available(network: Network, routes: Sequence[Route]) -> Availability | None:
    """Return how often one of the routes works, exactly; ``None`` without routes or where they are too tangled."""
    if not routes:
        return None
    try:
        return routes_availability(network, routes)
    except TargetError:
        return None


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


def _ends(request: RouteRequest, reader: PlanReader, points: pl.DataFrame) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the nodes and the names of the two ends."""
    nodes = reader.table("rights_of_way_nodes").sort("row_node_id")
    start, end = named_point(points, request.start, "FROM"), named_point(points, request.end, "TO")
    ends, names = (_node_of(start, nodes), _node_of(end, nodes)), (str(start["name"]), str(end["name"]))
    if ends[0] == ends[1]:
        what = f"'{names[0]}' and '{names[1]}' lie at the same junction of the rights of way"
        raise InputError(Problem(what, "name two places further apart", column="TO"))
    return ends, names


def _asked(request: RouteRequest, reader: PlanReader) -> tuple[_Asked, tuple[str, str]]:
    points = named_points(reader)
    ends, names = _ends(request, reader, points)
    landmarks = points.filter(pl.col("rank") < PLACE_RANK)
    shown = landmarks if landmarks.height else points.filter(pl.col("n_people") >= TOWN_PEOPLE)
    way_km = dict(reader.table("rights_of_way").select("row_id", "length_km").iter_rows())
    is_named = request.show_named_risks and NAMED_LEVEL in reader.clearance.allows()
    return _Asked(request, way_network(reader), shown, way_km, names, is_named), ends


def _certificates(*answers: DisjointRoutes) -> list[dict[str, Any]]:
    """Return the proofs: of routes, of the least shared, of the cheapest cure."""
    found = [answer.certificate for answer in answers if answer.certificate]
    for answer in answers:
        if answer.shared:
            least = answer.shared
            how = "what every route meets, or linear programme over risk cuts"
            found.append(Certificate("Least that two routes share", least.weight, least.lower_bound, "per_year", how))
        if answer.cure:
            cure = answer.cure
            bound = cure.lower_bound if cure.is_proven else None
            found.append(
                Certificate("Cheapest new link", cure.cost, bound, "km", "every cheaper link tried", cure.note)
            )
    return [each.as_dict() for each in found]


def _warnings(asked: _Asked) -> list[str]:
    warnings = ["Routes follow the rights of way of the road data; no duct position is stated or implied."]
    n_groups = len(asked.network.risks.group_id)
    warnings.append(
        f"{n_groups:,} risk groups; rates and repairs are mostly assumed; wide hazards and the grid are not in it."
    )
    if asked.request.show_named_risks and not asked.is_named:
        warnings.append(f"Risks are not named: the clearance does not cover what is {NAMED_LEVEL}.")
    return warnings


def _without_bound(
    asked: _Asked, ends: tuple[str, str], found: DisjointRoutes
) -> tuple[DisjointRoutes, tuple[str, ...]]:
    """Return the answer that explains why there are none, and what to say of it.

    Without its delay bound the question has the explanation, or the routes that are fast enough for a laxer one.
    """
    request, network, most_ms = asked.request, asked.network, asked.request.max_rtt_ms
    if most_ms is None or found.is_disjoint:
        return found, ()
    lax = disjoint_routes(network, *ends, request.disjoint, request.k, objective="delay", time_limit_s=SEARCH_S)
    alone = disjoint_routes(network, *ends, "link", 1, objective="delay", is_explained=False).routes
    if alone and alone[0].rtt_ms > most_ms:
        note = f"Even one route alone takes {alone[0].rtt_ms:.1f} ms, more than the {most_ms:g} ms allowed."
        return replace(lax, cure=None), (note,)
    if lax.shared or lax.cure:
        return lax, (f"What is shared, and the cure, leave the bound of {most_ms:g} ms out of account.",)
    return lax, ()


def find_routes(request: RouteRequest, clearance: Clearance = OWNER) -> RouteResponse:
    """Return ``k`` routes that share nothing of the kind asked, with proof, or why there are none and what to do.

    Shared risks go by kind and number; by name only where the request asks for it and the clearance covers it.
    Raises :class:`InputError` for unknown names (with the nearest ones), ends too far from a road, and equal ends.
    """
    asked, ends = _asked(request, PlanReader(request.plan, clearance))
    network, k = asked.network, request.k
    found = disjoint_routes(network, *ends, request.disjoint, k, request.max_rtt_ms, time_limit_s=SEARCH_S)
    lax, notes = _without_bound(asked, ends, found)
    shared = lax.shared
    shown = found.routes or (shared.routes if shared else ())
    name, is_listed = ("route", True) if found.routes else ("least shared", asked.is_named)
    either = _available(network, shown)
    return RouteResponse(
        from_name=asked.names[0], to_name=asked.names[1], disjoint=request.disjoint, n_asked=k,
        is_disjoint=found.is_disjoint, is_proven_none=found.is_proven_none,
        routes=[asked.line(f"{name} {i}", route, is_listed=is_listed) for i, route in enumerate(shown, 1)],
        availability_frac=either.availability_frac if either else None,
        availability_low_frac=either.low_frac if either else None,
        availability_high_frac=either.high_frac if either else None,
        ceiling_frac=availability_ceiling_frac(network, *ends),
        obstacle=found.obstacle.text if found.obstacle else "",
        fastest_rtt_ms=max((route.rtt_ms for route in lax.routes), default=None) if lax is not found else None,
        shared_kinds=asked.kinds(shared.group_id) if shared else {},
        shared_risks=asked.risks(shared.group_id) if shared else [],
        shared_n_links=len(shared.link_id) if shared else 0,
        shared_n_nodes=len(shared.node_id) if shared else 0,
        shared_km=sum(asked.way_km[link] for link in shared.link_id) if shared else 0.0,
        shared_per_year=shared.weight if shared else None,
        shared_at_least_per_year=shared.lower_bound if shared else None,
        end_kinds=asked.kinds(found.end_group_id),
        end_risks=asked.risks(found.end_group_id),
        cure=_cure(lax, network, asked.points),
        cure_km=lax.cure.length_km if lax.cure else None,
        certificates=_certificates(found) if lax is found else _certificates(lax),
        warnings=[*_warnings(asked), *notes],
    )  # fmt: skip
