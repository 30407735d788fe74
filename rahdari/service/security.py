"""Security of a finished plan: the overlay of named pairs, suppliers, rules; and, for those authorised, attacks.

Exposure, attacks and interdiction are secret: each request must say that the reader is authorised, the clearance must
be full, nothing is written, and every response carries its label and who took it.  Where there are accounts, whoever
asks (:class:`rahdari.service.approval.Asker`) needs another person's grant besides.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from pydantic import Field

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.attack import attack_curve, drop_vendor, jamming, pair_under_attack, regional_attack
from rahdari.methods.concentration import concentration, effective_count, herfindahl
from rahdari.methods.diversity import disjoint_routes
from rahdari.methods.exposure import exposure
from rahdari.methods.geo import great_circle_km, nearest
from rahdari.methods.interdiction import harden, interdict
from rahdari.methods.network import Network, make_network, network_of_links, part_of
from rahdari.model.params import Params
from rahdari.service.approval import release
from rahdari.service.identity import LOCAL
from rahdari.service.routing import named_point, named_points, way_network
from rahdari.service.watermark import Mark
from rahdari.store.query import OWNER, Clearance, PlanReader

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from rahdari.methods.diversity import DisjointRoutes
    from rahdari.service.approval import Asker
    from rahdari.service.plan_view import Plan

SECRET = "secret"  # noqa: S105 - a label
ATTACH_MAX_KM = 30.0
FOREIGN = "foreign"
WARNING = (
    "SECRET: an attack plan ready for use. Show it to no one without need, write it nowhere that leaves this machine."
)
N_ROOTS = 12
JAM_BANDWIDTH_MHZ = 20.0
VENDORS = ("A", "B", "C")
KINDS = {"interdict": "interdiction", "jam": "jamming", "targeted": "criticality"}  # of sensitive results
Attack = Literal["random", "targeted", "circle", "corridor", "vendor", "interdict", "pair", "jam"]


@dataclass(frozen=True, slots=True)
class OverlayPair:
    """The answer for one pair: its names and what :func:`rahdari.methods.diversity.disjoint_routes` says."""

    from_name: str
    to_name: str
    answer: DisjointRoutes


class AttackRequest(Params):
    """Play an attack on the national core of a plan."""

    plan: Path = Field(description="Plan folder")
    kind: Attack = Field(description="random, targeted, circle, corridor, vendor, interdict, pair or jam")
    k: int = Field(2, ge=1, le=8, description="Failures: links cut at once")
    n_hardened: int = Field(0, ge=0, le=8, description="With interdict: links to harden")
    points: tuple[tuple[float, float], ...] = Field((), description="Circle or corridor: longitude and latitude")
    radius_km: float = Field(25.0, gt=0.0, le=500.0, description="Radius of circle or corridor")
    ends: tuple[str, str] | None = Field(None, description="Pair: two places of the core")
    hours: float = Field(72.0, ge=0.0, le=8766.0, description="Pair: how long a way must last")
    hit_frac: float = Field(0.1, ge=0.0, le=1.0, description="Pair: chance that a link is hit")
    eirp_dbm: float = Field(50.0, ge=0.0, le=100.0, description="Jam: power radiated by the jammer")
    frequency_ghz: float = Field(1.8, ge=0.5, le=30.0, description="Jam: frequency of the service")
    signal_dbm: float = Field(-90.0, ge=-140.0, le=0.0, description="Jam: wanted signal of those served")
    seed: int = Field(1, ge=0, description="Seed of the draws")
    is_authorised: bool = Field(default=False, description="The reader is authorised to see what is secret")


class ExposureRequest(Params):
    """Rank single elements and pairs of a plan's fibre by what is lost with them."""

    plan: Path = Field(description="Plan folder")
    n_shown: int = Field(20, ge=1, le=1000, description="Elements and pairs given")
    has_pairs: bool = Field(default=True, description="Pairs too")
    is_authorised: bool = Field(default=False, description="The reader is authorised to see what is secret")


class SecretResponse(Params):
    """Rows that only those authorised may see."""

    what: str
    label: str = SECRET
    mark: str = ""
    rows: list[dict[str, Any]]
    pairs: list[dict[str, Any]] = Field(default_factory=list)
    certificates: list[dict[str, Any]] = Field(default_factory=list)
    warnings: list[str]


def _reader(plan: Plan | Path, clearance: Clearance) -> PlanReader:
    return PlanReader(plan if isinstance(plan, Path) else plan.folder, clearance)


def overlay_on(
    plan: Plan | Path,
    pairs: Sequence[tuple[str, str]],
    disjoint: Literal["link", "node", "risk"] = "risk",
    avoid: Collection[str] = (FOREIGN,),
    *,
    time_limit_s: float = 30.0,
    clearance: Clearance = OWNER,
) -> list[OverlayPair]:
    """Return, for each pair of named places, the cheapest two ways with the proof, or what they share and the cure.

    ``avoid``: ``foreign`` (ways not wholly inside the country), names of roads, or identifiers of rights of way.
    Raises :class:`InputError` with every unknown name.
    """
    reader = _reader(plan, clearance)
    ways, nodes = reader.table("rights_of_way"), reader.table("rights_of_way_nodes").sort("row_node_id")
    known = {FOREIGN, *ways["row_id"].to_list(), *ways["name"].drop_nulls().to_list()}
    unknown = sorted(set(avoid) - known)
    raise_if_any([Problem(f"'{name}' is no road or way", "name one, or 'foreign'", column="avoid") for name in unknown])
    out = pl.col("row_id").is_in(list(avoid)) | pl.col("name").is_in(list(avoid)).fill_null(value=False)
    if FOREIGN in avoid:
        out |= ~pl.col("is_in_country")
    network = part_of(way_network(reader), set(ways.filter(~out)["row_id"].to_list()))
    points = named_points(reader)
    at = nodes.filter(pl.col("row_node_id").is_in(list(network.node_id)))
    found = []
    for names in pairs:
        ends = [named_point(points, name, side) for name, side in zip(names, ("FROM", "TO"), strict=True)]
        lon, lat = (np.array([end[key] for end in ends]) for key in ("lon_deg", "lat_deg"))
        index, away = nearest(lon, lat, at["lon_deg"].to_numpy(), at["lat_deg"].to_numpy())
        raise_if_any(
            [
                Problem(f"'{end['name']}' lies {km:.0f} km from a way that may be used", "avoid less, or name another")
                for end, km in zip(ends, away.tolist(), strict=True)
                if km > ATTACH_MAX_KM
            ]
        )
        one, two = (at["row_node_id"][int(i)] for i in index)
        answer = disjoint_routes(network, one, two, disjoint, 2, time_limit_s=time_limit_s)
        found.append(OverlayPair(str(ends[0]["name"]), str(ends[1]["name"]), answer))
    return found


def overlay_rows(
    plan: Path, pairs: Sequence[tuple[str, str]], disjoint: str = "risk", avoid: Collection[str] = (FOREIGN,)
) -> list[dict[str, Any]]:
    """Return :func:`overlay_on` as plain rows without the names of shared risks; unknown levels raise InputError."""
    if disjoint not in ("link", "node", "risk"):
        raise InputError(Problem(f"disjoint is '{disjoint}'", "give link, node or risk"))
    rows: list[dict[str, Any]] = []
    for pair in overlay_on(plan, pairs, disjoint, avoid):  # type: ignore[arg-type]  # looked at above
        found = pair.answer
        shared = found.shared
        rows.append(
            {
                "from": pair.from_name, "to": pair.to_name, "is_disjoint": found.is_disjoint,
                "fibre_km": [round(route.length_km, 1) for route in found.routes],
                "rtt_ms": [round(route.rtt_ms, 2) for route in found.routes], "gap_frac": found.gap_frac,
                "is_proven_none": found.is_proven_none, "why_none": found.obstacle.text if found.obstacle else "",
                "n_shared_risks": len(shared.group_id) if shared else 0,
                "shared_per_year": shared.weight if shared else None,
                "cure_km": found.cure.length_km if found.cure else None,
            }
        )  # fmt: skip
    return rows


def concentration_of(
    network: Network | pl.DataFrame | Plan | Path,
    vendor_of: Mapping[str, str] | None = None,
    weight: Mapping[str, float] | None = None,
    *,
    clearance: Clearance = OWNER,
) -> pl.DataFrame:
    """Return how concentrated suppliers are.

    Of a network: by kind of element, with ``vendor_of`` elements and their ``weight`` (default 1).  Of a bill: by
    category, as :func:`rahdari.methods.concentration.concentration`.  Of a plan: by layer and zone.
    """
    if isinstance(network, pl.DataFrame):
        return concentration(network)
    if not isinstance(network, Network):
        return _reader(network, clearance).table("secure_layers")
    if vendor_of is None:
        raise InputError(Problem("nobody says whose the elements are", "give vendor_of: vendor by node or link"))
    unknown = sorted(set(vendor_of) - {*network.node_id, *network.link_id})
    raise_if_any([Problem(f"{name!r} is no element", "name nodes and links of the network") for name in unknown[:8]])
    rows = []
    for kind, ids in (
        ("all", (*network.node_id, *network.link_id)),
        ("node", network.node_id),
        ("link", network.link_id),
    ):
        held: dict[str, float] = {}
        for name in ids:
            if name in vendor_of:
                held[vendor_of[name]] = held.get(vendor_of[name], 0.0) + (weight or {}).get(name, 1.0)
        if held:
            amounts = [held[name] for name in sorted(held)]
            index = float(herfindahl(amounts))
            rows.append(
                (kind, len(held), index, 1e4 * index, float(effective_count(amounts)), max(amounts) / sum(amounts))
            )
    names = ("layer", "n_suppliers", "hhi_ratio", "hhi_points_ratio", "effective_suppliers_count", "largest_frac")
    return pl.DataFrame(rows, schema=list(names), orient="row")


def _allow(clearance: Clearance, *, is_authorised: bool) -> None:
    if not is_authorised or not clearance.is_full:
        what = "attacks and exposure are secret"
        raise InputError(Problem(what, "those authorised say so (--i-am-authorised) and hold the full clearance"))


def _released(
    kind: str, request: AttackRequest | ExposureRequest, clearance: Clearance, asker: Asker | None,
    compute: Callable[[PlanReader], SecretResponse],
) -> SecretResponse:  # fmt: skip
    """Return what ``compute`` finds, marked with who took it; nothing is computed for whom it is not for."""
    who, approvals = (LOCAL, None) if asker is None else (asker.who, asker.approvals)
    _allow(clearance if asker is None else OWNER, is_authorised=request.is_authorised)
    reader = PlanReader(request.plan, clearance if asker is None else who.clearance)
    found = release(kind, who, approvals, request.plan, lambda: compute(reader))
    now_s = time.time() if approvals is None else approvals.clock()
    return found.model_copy(update={"mark": Mark.of(who, reader, now_s).line})


@dataclass(frozen=True, slots=True)
class _Core:
    """The national core with capacity, demand, and customers by node."""

    network: Network
    capacity: dict[str, float]
    demand: dict[tuple[str, str], float]
    customers: dict[str, float]
    names: dict[str, str]


def _core(reader: PlanReader) -> _Core:
    if not {"backbone_capacity", "backbone_demands"} <= set(reader.names):
        raise InputError(Problem("the plan has no national core", "plan again with the engine backbone"))
    links, demands = reader.table("backbone_capacity").sort("link_id"), reader.table("backbone_demands")
    if not (links.height and demands.height):
        raise InputError(Problem("the national core is empty", "plan a country with several cities"))
    place = {
        row[0]: row[1:]
        for row in reader.table("rights_of_way_nodes").select("row_node_id", "lon_deg", "lat_deg").iter_rows()
    }
    ends = list(zip(links["from_node_id"].to_list(), links["to_node_id"].to_list(), strict=True))
    used = sorted({node for pair in ends for node in pair})
    lon_lat = [place.get(node) for node in used]
    has_places = all(at is not None for at in lon_lat)
    network = make_network(
        used, links["link_id"].to_list(), ends, links["fibre_km"].to_numpy(),
        node_lon_deg=[at[0] for at in lon_lat if at] if has_places else None,
        node_lat_deg=[at[1] for at in lon_lat if at] if has_places else None,
    )  # fmt: skip
    demand: dict[tuple[str, str], float] = {}
    customers = dict.fromkeys(used, 0.0)
    names = {}
    for row in demands.iter_rows(named=True):
        pair = (row["from_node_id"], row["to_node_id"])
        demand[pair] = demand.get(pair, 0.0) + row["demand_gbps"]
        for side in ("from", "to"):
            customers[row[f"{side}_node_id"]] += row["demand_gbps"]
            names[row[f"{side}_node_id"]] = row[f"{side}_name"]
    return _Core(network, dict(links.select("link_id", "total_gbps").iter_rows()), demand, customers, names)


def _told(core: _Core, link_ids: Sequence[str]) -> list[dict[str, Any]]:
    number = {name: i for i, name in enumerate(core.network.link_id)}
    rows = []
    for name in link_ids:
        ends = [core.network.node_id[i] for i in core.network.link_node[number[name]].tolist()]
        rows.append({"link_id": name, "between": " - ".join(core.names.get(end, "junction") for end in ends)})
    return rows


def attack(request: AttackRequest, clearance: Clearance = OWNER, *, asker: Asker | None = None) -> SecretResponse:
    """Return what an attack on the national core does; refused unless the reader is authorised.

    With an ``asker`` it is their clearance that counts, and another person's grant has to hold
    (:class:`rahdari.errors.AccessError` else).  Losses are in Gbit/s of busy-hour demand: for interdiction not
    carried, else of cities cut off from the largest.
    """
    kind = KINDS.get(request.kind, "attack")
    return _released(kind, request, clearance, asker, lambda reader: _attacked(request, reader))


def _attacked(request: AttackRequest, reader: PlanReader) -> SecretResponse:
    if request.kind == "jam":
        return _jammed(request, reader)
    core = _core(reader)
    largest = sorted(core.customers, key=lambda node: (-core.customers[node], node))[:1]
    warnings = [WARNING, "Losses are Gbit/s of busy-hour demand on the national core."]
    if request.kind == "interdict":
        return _interdicted(request, core, warnings)
    if request.kind in {"random", "targeted"}:
        steps = sorted({0, *range(1, request.k + 1)})
        kind: Literal["random", "targeted"] = "random" if request.kind == "random" else "targeted"
        table = attack_curve(core.network, core.customers, largest, kind, steps, seed=request.seed)
        return SecretResponse(what=f"{kind} failures of links", rows=table.to_dicts(), warnings=warnings)
    if request.kind == "vendor":
        vendors = {name: VENDORS[i % len(VENDORS)] for i, name in enumerate(core.network.node_id)}
        rows = drop_vendor(core.network, core.customers, largest, vendors).to_dicts()
        note = "Vendors are dealt to junctions in turn: no inventory is known. Give your own in Python (drop_vendor)."
        return SecretResponse(what="one vendor's update channel", rows=rows, warnings=[*warnings, note])
    if request.kind == "pair":
        return _pair_attacked(request, core, warnings)
    struck = regional_attack(core.network, core.customers, largest, request.points, request.radius_km)
    summary = {
        "n_nodes": struck.n_nodes, "n_links": struck.n_links, "lost_gbps": struck.n_people,
        "lost_frac": struck.lost_frac,
    }  # fmt: skip
    return SecretResponse(what=struck.name, rows=[summary], pairs=_told(core, struck.link_id), warnings=warnings)


def _interdicted(request: AttackRequest, core: _Core, warnings: list[str]) -> SecretResponse:
    found = interdict(core.network, core.demand, request.k, capacity=core.capacity)
    summary = {
        "k": request.k, "lost_gbps": found.loss, "bound_gbps": found.bound, "demand_gbps": found.demand,
        "lost_without_failure_gbps": found.lost_without_failure,
    }  # fmt: skip
    rows = [summary]
    told = _told(core, found.element_id)
    if request.n_hardened:
        hardening = harden(core.network, core.demand, request.k, request.n_hardened, capacity=core.capacity)
        rows.append(
            {"k": request.k, "lost_gbps": hardening.loss_after, "bound_gbps": hardening.bound_after,
             "demand_gbps": found.demand, "lost_without_failure_gbps": found.lost_without_failure}
        )  # fmt: skip
        told += [{**row, "harden": True} for row in _told(core, hardening.element_id)]
    what = f"worst {request.k} links"
    return SecretResponse(
        what=what, rows=rows, pairs=told, certificates=[found.certificate.as_dict()], warnings=warnings
    )


def _jammed(request: AttackRequest, reader: PlanReader) -> SecretResponse:
    """Return who lives where a jammer at the point denies a service of the stated signal, by the radio model's loss."""
    if len(request.points) != 1:
        raise InputError(Problem("a jammer stands at one point", "give its longitude and latitude", column="points"))
    (lon, lat), places = request.points[0], reader.table("places").sort("place_id")
    away = great_circle_km(np.array([lon]), np.array([lat]), places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy())
    found = jamming(
        away, request.signal_dbm, jammer_eirp_dbm=request.eirp_dbm, frequency_ghz=request.frequency_ghz,
        bandwidth_mhz=JAM_BANDWIDTH_MHZ,
    )  # fmt: skip
    people = places["n_people"].to_numpy()
    row = {
        "radius_km": found.radius_km, "n_places": int(found.is_denied.sum()),
        "n_people": float(people[found.is_denied].sum()), "n_people_in_all": float(people.sum()),
    }  # fmt: skip
    note = "Median loss of the radio model (rural, no line of sight), no terrain; the same signal is wanted everywhere."
    return SecretResponse(what="footprint of a jammer", rows=[row], warnings=[WARNING, note])


def _pair_attacked(request: AttackRequest, core: _Core, warnings: list[str]) -> SecretResponse:
    node_of = {name: node for node, name in core.names.items() if name}
    ends = request.ends or ("", "")
    raise_if_any(
        [
            Problem(f"'{name}' is no city of the core", f"name one such as {', '.join(sorted(node_of)[:4])}")
            for name in ends
            if name not in node_of
        ]
    )
    found = pair_under_attack(
        core.network, node_of[ends[0]], node_of[ends[1]], request.hours, hit_frac=request.hit_frac, seed=request.seed
    )
    row = {
        "from": ends[0], "to": ends[1], "hours": request.hours, "hit_frac": request.hit_frac,
        "kept_frac": found.availability_frac, "low_frac": found.low_frac, "high_frac": found.high_frac,
        "method": found.method,
    }  # fmt: skip
    return SecretResponse(what="a pair under attack", rows=[row], warnings=warnings)


def plan_exposure(
    request: ExposureRequest, clearance: Clearance = OWNER, *, asker: Asker | None = None
) -> SecretResponse:
    """Return the most exposed junctions, ways and pairs of ways of the rights of way inside the country.

    People count at the junction nearest to their place and must reach one of the core's largest cities.  With an
    ``asker`` it is their clearance that counts, and another person's grant has to hold.
    """
    return _released("exposure", request, clearance, asker, lambda reader: _exposed(request, reader))


def _exposed(request: ExposureRequest, reader: PlanReader) -> SecretResponse:
    ways = reader.table("rights_of_way").filter("is_in_country").sort("row_id")
    network = network_of_links(ways, link_key="row_id", slack="slack_ratio")
    people = reader.table("places").group_by("row_node_id").agg(pl.col("n_people").sum()).sort("row_node_id")
    known = set(network.node_id)
    customers = {node: float(n) for node, n in people.iter_rows() if node in known}
    core = _core(reader)
    order = sorted(core.customers, key=lambda node: (-core.customers[node], node))
    roots = [node for node in order if node in known][:N_ROOTS]
    found = exposure(
        network, customers, roots=roots, pairs=request.has_pairs, groups=False, n_pairs=request.n_shown,
        access=_access(reader, network),
    )  # fmt: skip
    counts = f"{found.n_bridges} ways and {found.n_cut_nodes} junctions cut someone off alone"
    pairs = f"{found.n_pairs} pairs cut off more together than one by one; all were listed" if found.is_complete else (
        "the search for pairs ran out of time")  # fmt: skip
    return SecretResponse(
        what="exposure of the rights of way", rows=found.singles.head(request.n_shown).to_dicts(),
        pairs=found.pairs.head(request.n_shown).to_dicts(), warnings=[WARNING, f"{counts}; {pairs}."],
    )  # fmt: skip


def _access(reader: PlanReader, network: Network) -> dict[str, float]:
    """Return how easily each way is reached, by the plan's profile of long-haul links."""
    if "security_profiles" not in reader.names:
        return {}
    rows = reader.table("security_profiles").filter(
        (pl.col("subject") == "link") & (pl.col("subject_kind") == "long_haul")
    )
    return dict.fromkeys(network.link_id, float(rows["access_ratio"][0])) if rows.height else {}


__all__ = [
    "AttackRequest", "ExposureRequest", "OverlayPair", "SecretResponse", "attack", "concentration_of", "overlay_on",
    "overlay_rows", "plan_exposure",
]  # fmt: skip
