"""Routes on the rights of way: shortest ways, disjoint pairs, delay, availability, optics."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.engines.backbone.ends import RouteRequest, route_requests, slug
from rahdari.engines.backbone.joint import pair_up, way_up_frac
from rahdari.engines.backbone.light import optical_row
from rahdari.engines.backbone.national import national
from rahdari.engines.backbone.risks import LEVELS, found_risks, shared_rows
from rahdari.methods.geo import great_circle_km
from rahdari.methods.results import result_frame
from rahdari.methods.routing import (
    Arcs,
    DisjointPair,
    IntArray,
    WayPath,
    disjoint_pair,
    flow_bound_km,
    shortest_ways,
    two_way_arcs,
)
from rahdari.model import Certificate, EngineResult, Indicator
from rahdari.units import FIBRE_DELAY_MS_PER_KM

if TYPE_CHECKING:
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.engines.backbone.risks import FoundRisks
    from rahdari.methods.risk import Level
    from rahdari.model import Context, Tables

TABLES = Path(__file__).parent / "tables"
ROUTE_TABLES = ("routes", "route_ways", "route_risks", "optical_paths")
NOT_DUCTS = "Routes follow the rights of way of the road data; no duct position is stated or implied."
FLOOR = "Delays are floors: light in the fibre alone, without equipment or queues."


@dataclass(frozen=True, slots=True)
class Ways:
    """The rights of way as arrays in identifier order, and the graph on which routes are chosen."""

    row_id: list[str]
    length_km: np.ndarray[Any, np.dtype[np.float64]]
    fibre_km: np.ndarray[Any, np.dtype[np.float64]]
    is_abroad: np.ndarray[Any, np.dtype[np.bool_]]
    arcs: Arcs


@dataclass(frozen=True, slots=True)
class FoundRoute:
    """A request with the arcs that answer it, in order, and the disjoint pair of its two ends."""

    request: RouteRequest
    arc: IntArray
    cost_km: float
    bound_km: float
    pair: DisjointPair | None

    def way(self, ways: Ways) -> IntArray:
        """Return the ways followed, in order."""
        return ways.arcs.way[self.arc]


def ways_of(tables: Tables, foreign_way_ratio: float) -> tuple[Ways, pl.DataFrame]:
    """Return the ways and the nodes, both in identifier order, so that row order cannot matter."""
    nodes = tables["rights_of_way_nodes"].sort("row_node_id")
    frame = tables["rights_of_way"].sort("row_id")
    number = pl.DataFrame({"node": nodes["row_node_id"], "number": np.arange(nodes.height)})
    ends = [
        frame.select(pl.col(column).alias("node")).join(number, on="node", how="left", maintain_order="left")["number"]
        for column in ("from_node_id", "to_node_id")
    ]
    fibre_km = (frame["length_km"] * frame["slack_ratio"]).to_numpy()
    is_abroad = ~frame["is_in_country"].to_numpy()
    cost_km = fibre_km * np.where(is_abroad, foreign_way_ratio, 1.0)
    arcs = two_way_arcs(nodes.height, ends[0].to_numpy(), ends[1].to_numpy(), cost_km)
    return Ways(frame["row_id"].to_list(), frame["length_km"].to_numpy(), fibre_km, is_abroad, arcs), nodes


class Finder:
    """Shortest ways and pairs between nodes, each source and each pair searched once."""

    def __init__(self, arcs: Arcs) -> None:
        """Hold the graph."""
        self._arcs = arcs
        self._legs: dict[tuple[int, int], tuple[WayPath, float] | None] = {}
        self._pairs: dict[tuple[int, int], DisjointPair | None] = {}

    def leg(self, source: int, target: int) -> tuple[WayPath, float] | None:
        """Return the shortest way and its proven bound, km, or ``None`` where there is no way."""
        if (source, target) not in self._legs:
            (path,), potential = shortest_ways(self._arcs, source, np.array([target]))
            # Levels above the target's would let later arcs ask more than they cost by rounding only.
            level = np.minimum(potential, potential[target])
            bound = flow_bound_km(self._arcs, level, source, target, 1) if path else 0.0
            self._legs[source, target] = (path, bound) if path else None
        return self._legs[source, target]

    def pair(self, source: int, target: int) -> DisjointPair | None:
        """Return the cheapest pair of ways that share no right of way."""
        if (source, target) not in self._pairs:
            self._pairs[source, target] = disjoint_pair(self._arcs, source, target)
        return self._pairs[source, target]

    def route(self, request: RouteRequest) -> FoundRoute | None:
        """Return the route through the stops of a request, or ``None`` where a leg is missing."""
        nodes = [stop.node for stop in request.stops]
        legs = [self.leg(*ends) for ends in itertools.pairwise(nodes)]
        found = [leg for leg in legs if leg is not None]
        if len(found) < len(legs):
            return None
        arc = np.concatenate([path.arc for path, _ in found])
        cost, bound = sum(path.cost_km for path, _ in found), sum(bound for _, bound in found)
        return FoundRoute(request, arc, cost, bound, self.pair(nodes[0], nodes[-1]))


def choose(found: list[FoundRoute], ways: Ways, params: BackboneParams) -> list[FoundRoute]:
    """Return the routes to list: of the corridor's variants the shortest few that differ and return nowhere."""
    corridor = next((route for route in found if route.request.kind == "corridor"), None)
    others = [route for route in found if route.request.kind != "corridor_variant"]
    if corridor is None:
        return others
    seen = {frozenset(corridor.way(ways).tolist())}
    limit_km = params.variant_detour_ratio * ways.fibre_km[corridor.way(ways)].sum()
    variants = [route for route in found if route.request.kind == "corridor_variant"]
    kept = []
    for route in sorted(variants, key=lambda route: (ways.fibre_km[route.way(ways)].sum(), route.request.route_id)):
        way = route.way(ways)
        returns = np.unique(way).size < way.size
        if not returns and frozenset(way.tolist()) not in seen and ways.fibre_km[way].sum() <= limit_km:
            seen.add(frozenset(way.tolist()))
            kept.append(route)
    return others + kept[: params.n_variants]


def parts_of(route: FoundRoute, ways: Ways) -> tuple[IntArray, IntArray] | None:
    """Return the ways of a route's pair, the shorter first, or ``None`` where there is no pair."""
    if route.pair is None:
        return None
    parts = [ways.arcs.way[path.arc] for path in (route.pair.first, route.pair.second)]
    working, other = sorted(parts, key=lambda part: float(ways.fibre_km[part].sum()))
    return working, other


def _pair_columns(
    route: FoundRoute, ways: Ways, alone: dict[Level, float], params: BackboneParams, risks: FoundRisks
) -> dict[str, object]:
    """Return the columns that speak of the second way; ``alone`` is the route's own availability by level."""
    parts = parts_of(route, ways)
    if parts is None:
        groups = risks.striking(route.way(ways))
        return {
            "has_disjoint": False, "disjoint_km": None, "disjoint_fibre_km": None, "working_risk_up_frac":
            risks.up(groups), "disjoint_risk_up_frac": 0.0, "shared_risk_up_frac": 1.0, "n_shared_risk_groups": 0,
            "is_risk_disjoint": False, "working_availability_frac": alone["central"],
            "disjoint_availability_frac": 0.0, "pair_availability_frac": alone["central"],
            "pair_availability_low_frac": alone["high"], "pair_availability_high_frac": alone["low"],
        }  # fmt: skip
    lengths = (float(ways.fibre_km[parts[0]].sum()), float(ways.fibre_km[parts[1]].sum()))
    up = {level: pair_up(lengths, parts, risks, params, level) for level in LEVELS}
    n_shared = risks.local(np.intersect1d(risks.striking(parts[0]), risks.striking(parts[1]))).size
    return {
        "has_disjoint": True,
        "disjoint_km": float(ways.length_km[parts[1]].sum()),
        "disjoint_fibre_km": lengths[1],
        "working_fibre_km": lengths[0],
        "working_risk_up_frac": up["central"].risk_up[0],
        "disjoint_risk_up_frac": up["central"].risk_up[1],
        "shared_risk_up_frac": up["central"].risk_up[2],
        "n_shared_risk_groups": n_shared,
        "is_risk_disjoint": n_shared == 0,
        "working_availability_frac": up["central"].way_up[0],
        "disjoint_availability_frac": up["central"].way_up[1],
        "pair_availability_frac": up["central"].either,
        "pair_availability_low_frac": up["high"].either,
        "pair_availability_high_frac": up["low"].either,
    }


def route_row(route: FoundRoute, ways: Ways, params: BackboneParams, risks: FoundRisks) -> dict[str, object]:
    """Return one row of ``routes``."""
    way, stops = route.way(ways), route.request.stops
    length_km, fibre_km = float(ways.length_km[way].sum()), float(ways.fibre_km[way].sum())
    slack = fibre_km / length_km if length_km > 0.0 else 1.0
    fibre_km = length_km * slack
    delay_ms = fibre_km * FIBRE_DELAY_MS_PER_KM
    groups = risks.striking(way)
    alone = {level: way_up_frac(fibre_km, groups, risks, params, level) for level in LEVELS}
    return {
        "route_id": route.request.route_id,
        "name": " - ".join(stop.name for stop in stops),
        "kind": route.request.kind,
        "from_name": stops[0].name,
        "to_name": stops[-1].name,
        "length_km": length_km,
        "slack_ratio": slack,
        "fibre_km": fibre_km,
        "abroad_km": float(ways.length_km[way][ways.is_abroad[way]].sum()),
        "great_circle_km": float(
            great_circle_km(stops[0].lon_deg, stops[0].lat_deg, stops[-1].lon_deg, stops[-1].lat_deg)
        ),
        "delay_ms": delay_ms,
        "rtt_ms": 2.0 * delay_ms,
        "repair_h": params.repair_h,
        "n_risk_groups": int(groups.size),
        "risk_up_frac": risks.up(groups),
        "availability_frac": alone["central"],
        "availability_low_frac": alone["high"],
        "availability_high_frac": alone["low"],
        "working_fibre_km": fibre_km,
        **_pair_columns(route, ways, alone, params, risks),
    }


def route_ways_table(routes: list[FoundRoute], ways: Ways, rights_of_way: pl.DataFrame) -> pl.DataFrame:
    """Return the ways of every route in order, with their lines."""
    arc = np.concatenate([route.arc for route in routes])
    way = ways.arcs.way[arc]
    length_km, fibre_km = ways.length_km[way], ways.fibre_km[way]
    frame = pl.DataFrame(
        {
            "route_id": [route.request.route_id for route in routes for _ in range(route.arc.size)],
            "step": np.concatenate([np.arange(1, route.arc.size + 1) for route in routes]),
            "row_id": [ways.row_id[number] for number in way.tolist()],
            "is_reversed": arc >= len(ways.row_id),
            "length_km": length_km,
            "fibre_km": fibre_km,
            "delay_ms": fibre_km * FIBRE_DELAY_MS_PER_KM,
        }
    )
    return frame.join(rights_of_way.select("row_id", "geometry"), on="row_id", how="left", maintain_order="left")


def route_risks_table(routes: list[FoundRoute], ways: Ways, risks: FoundRisks) -> pl.DataFrame:
    """Return ``route_risks``: for each route with a pair and each kind, how many groups strike both ways."""
    rows: list[dict[str, object]] = []
    for route in routes:
        parts = parts_of(route, ways)
        if parts is not None:
            rows += shared_rows(route.request.route_id, risks, parts)
    return result_frame(rows or None, TABLES / "route_risks.csv")


def certificates_of(routes: list[FoundRoute]) -> tuple[Certificate, ...]:
    """Return the proofs of all shortest routes together and of all disjoint pairs together."""
    pairs = {(route.request.stops[0].node, route.request.stops[-1].node): route.pair for route in routes}
    held = [pair for pair in pairs.values() if pair is not None]
    unit = "km of fibre, ways abroad weighted"
    return (
        Certificate(
            "Shortest routes, all together",
            sum(route.cost_km for route in routes),
            sum(route.bound_km for route in routes),
            unit,
            "dual bound of node potentials",
            f"{len(routes)} routes; each leg between two stops is proven shortest",
        ),
        Certificate(
            "Cheapest pairs of ways that share no right of way, all together",
            sum(pair.cost_km for pair in held),
            sum(pair.lower_bound_km for pair in held),
            unit,
            "dual bound of a two-unit flow with arcs of capacity one",
            f"{len(held)} of {len(pairs)} pairs of ends have two such ways",
        ),
    )


def indicators_of(routes: pl.DataFrame, tables: Tables, year: int) -> tuple[Indicator, ...]:
    """Return the corridor's figures and the national ones."""
    made = []

    def add(indicator_id: str, name: str, value: float, unit: str, formula: str, *ends: float) -> None:
        low, high = sorted(ends) if ends else (None, None)
        made.append(Indicator(indicator_id, year, name, value, unit, formula, "modelled", low, high))

    for row in routes.filter(pl.col("kind").is_in(["corridor", "corridor_leg"])).iter_rows(named=True):
        ends = f"{slug(row['from_name'], '_')}_{slug(row['to_name'], '_')}"
        label = f"{row['from_name']} to {row['to_name']}"
        add(f"corridor_{ends}_km", f"Way length, {label}", row["length_km"], "km", "routes.length_km")
        add(f"corridor_{ends}_fibre_km", f"Fibre length, {label}", row["fibre_km"], "km", "routes.fibre_km")
        if row["kind"] == "corridor":
            add("corridor_delay_ms", f"One-way delay floor, {label}", row["delay_ms"], "ms", "routes.delay_ms")
            add("corridor_rtt_ms", f"Round-trip floor, {label}", row["rtt_ms"], "ms", "routes.rtt_ms")
            frac = [row["availability_low_frac"], row["availability_high_frac"]]
            text = "routes.availability_frac; range from the rates of cuts and risk groups"
            add("corridor_availability_frac", f"One way alone, {label}", row["availability_frac"], "frac", text, *frac)
            if row["has_disjoint"]:
                pair = row["pair_availability_frac"]
                frac = [row["pair_availability_low_frac"], row["pair_availability_high_frac"]]
                text = "routes.pair_availability_frac; range from the rates of cuts and risk groups"
                add("corridor_pair_availability_frac", f"With a second way, {label}", pair, "frac", text, *frac)
    legs = routes.filter(pl.col("kind") == "corridor_leg").sort("route_id")
    if legs.height:
        length_km, has_second = legs["fibre_km"].to_numpy(), legs["has_disjoint"].to_numpy()
        share = float(length_km[has_second].sum() / length_km.sum())
        text = "fibre length of the corridor's legs with a disjoint second way over that of all legs"
        add("corridor_disjoint_frac", "Corridor on legs with a second way that shares no road", share, "frac", text)
    long_haul = tables["links"].filter((pl.col("kind") == "fibre") & (pl.col("tier") == "long_haul")).sort("link_id")
    total_km = float(long_haul["length_km"].to_numpy().sum())
    add("long_haul_fibre_km", "Long-haul fibre in the links table", total_km, "km", "sum of links.length_km")
    if routes.height:
        share = float(routes["has_disjoint"].to_numpy().mean())
        add("routes_disjoint_frac", "Listed routes with a disjoint second way", share, "frac", "mean of has_disjoint")
        share = float(routes["is_risk_disjoint"].to_numpy().mean())
        text = "mean of is_risk_disjoint"
        add("routes_risk_disjoint_frac", "Listed routes whose two ways share no risk group", share, "frac", text)
    return tuple(made)


def backbone(tables: Tables, params: BackboneParams, ctx: Context) -> EngineResult:
    """Return routes, their ways and optics, the core's capacity and the replay of cuts, with proofs of every choice.

    Ends that lie farther than ``attach_max_km`` from a node, and pairs without a way, are left out and counted
    in the notes.
    """
    ways, nodes = ways_of(tables, params.foreign_way_ratio)
    requests, n_far = route_requests(tables, nodes, params) if ways.row_id else ([], 0)
    finder, found = Finder(ways.arcs), []
    for done, request in enumerate(requests):
        ctx.progress(done, len(requests), "routes")
        route = finder.route(request)
        if route is not None:
            found.append(route)
    n_missing = len(requests) - len(found)
    chosen = sorted(choose(found, ways, params), key=lambda route: route.request.route_id)
    notes = [NOT_DUCTS, FLOOR]
    if n_far:
        notes.append(f"{n_far} ends lie more than {params.attach_max_km:g} km from any right of way and have no route.")
    if n_missing:
        notes.append(f"{n_missing} of {len(requests)} pairs of ends have no way between them in the road data.")
    corridor = next((route for route in chosen if route.request.kind == "corridor"), None)
    corridor_way = corridor.way(ways) if corridor else np.zeros(0, np.int64)
    risks = found_risks(tables, ways, params)
    core = national(tables, params, ctx, (ways, nodes), groups=risks.local_groups(), corridor_way=corridor_way)
    notes += (*core.notes, *risks.notes)
    if not chosen:
        empty = {name: result_frame(None, TABLES / f"{name}.csv") for name in ROUTE_TABLES}
        found_indicators = indicators_of(empty["routes"], tables, ctx.year_base)
        return EngineResult(
            {**empty, **core.tables, **risks.tables}, (*found_indicators, *core.indicators), core.certificates,
            (*notes, "The country has no pair of ends to join."),
        )  # fmt: skip
    routes = result_frame([route_row(route, ways, params, risks) for route in chosen], TABLES / "routes.csv")
    prices = tables["equipment"]
    optical = [optical_row(row["route_id"], row["fibre_km"], params, prices) for row in routes.iter_rows(named=True)]
    result = {
        "routes": routes,
        "route_risks": route_risks_table(chosen, ways, risks),
        "route_ways": route_ways_table(chosen, ways, tables["rights_of_way"]),
        "optical_paths": result_frame(optical, TABLES / "optical_paths.csv"),
        **core.tables,
        **risks.tables,
    }
    indicators = (*indicators_of(routes, tables, ctx.year_base), *core.indicators)
    return EngineResult(result, indicators, (*certificates_of(chosen), *core.certificates), tuple(notes))
