"""A secure overlay for protected pairs: ways without a shared risk, proof or cure, encryption, suppliers, keys."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.engines.security.overlay import PairAnswer, answer_pair
from rahdari.engines.security.supply import (
    TERMINAL,
    bill,
    encryption_costs,
    layers,
    migration,
    prices,
    vendors,
)
from rahdari.engines.security.ways import domestic_nodes, domestic_ways
from rahdari.methods.availability import fibre_availability_frac, parallel_availability_frac
from rahdari.methods.centres import city_centres
from rahdari.methods.encapsulation import goodput_ratio
from rahdari.methods.geo import great_circle_km, nearest
from rahdari.methods.results import result_frame
from rahdari.model import Certificate, EngineResult, Indicator
from rahdari.units import FIBRE_DELAY_MS_PER_KM, LIGHT_SPEED_KM_PER_MS

if TYPE_CHECKING:
    from rahdari.engines.security.params import SecurityParams
    from rahdari.model import Context, Tables

TABLES = Path(__file__).parent / "tables"
FEWEST_ENDS = 2
CITY_RADIUS_KM = 20.0  # parts of one city are no two ends
MOST_ENDS = 40  # towns that stand in for waypoints where a country has none
DRAWN_GBPS, DRAWN_YEARS = 10.0, 15.0  # of pairs that are drawn, assumed
FIBRE_ITEM, HOP_ITEM = "fibre_buried_km", "microwave_hop"
FICTIONAL = (
    "All protected pairs of the public packs are fictional, between public places; no real protected site is held."
)
NO_CUTS = (
    "No attack, exposure or worst pair is computed here: what separates a pair is told by kind, public road and region."
)
PROVEN = "the two ways themselves: no known risk, road or junction is on both"


def attached(frame: pl.DataFrame, key: str, nodes: pl.DataFrame, attach_max_km: float) -> list[tuple[str, str, str]]:
    """Return identifier, name and nearest node of those points that lie near a node."""
    if not (frame.height and nodes.height):
        return []
    at = [table[name].to_numpy() for table in (frame, nodes) for name in ("lon_deg", "lat_deg")]
    index, away = nearest(*at)
    known = nodes["row_node_id"].to_list()
    rows = zip(frame[key].to_list(), frame["name"].to_list(), index.tolist(), away.tolist(), strict=True)
    return [(name, label, known[number]) for name, label, number, away_km in rows if away_km <= attach_max_km]


def public_ends(tables: Tables, nodes: pl.DataFrame, attach_max_km: float) -> list[tuple[str, str, str]]:
    """Return identifier, name and node of public places on the ways, one a node: waypoints, else the largest towns."""
    waypoints = tables["landmarks"].filter(pl.col("kind") == "waypoint").sort("landmark_id")
    towns = tables["places"].filter(pl.col("kind") != "village").sort("place_id")
    centres = (
        city_centres(
            towns["n_people"].to_numpy(), towns["lon_deg"].to_numpy(), towns["lat_deg"].to_numpy(),
            radius_km=CITY_RADIUS_KM, spacing_km=CITY_RADIUS_KM, n_centres=MOST_ENDS,
        )
        if towns.height
        else np.zeros(0, np.int64)
    )  # fmt: skip
    largest = towns[centres.tolist()].with_columns(pl.col("name").str.split(", part").list.first())
    for frame, key in ((waypoints, "landmark_id"), (largest, "place_id")):
        found: dict[str, tuple[str, str, str]] = {}
        for end in attached(frame, key, nodes, attach_max_km):
            found.setdefault(end[2], end)
        if len(found) >= FEWEST_ENDS:
            return list(found.values())
    return []


def drawn_pairs(n_ends: int, n_pairs: int, ctx: Context) -> list[tuple[int, int]]:
    """Return positions of the fictional pairs among ``n_ends``, drawn without repetition and in order."""
    pairs = [(first, second) for first in range(n_ends) for second in range(first + 1, n_ends)]
    if len(pairs) <= n_pairs:
        return pairs
    chosen = ctx.random("secure_pairs").choice(len(pairs), n_pairs, replace=False)
    return [pairs[index] for index in sorted(chosen.tolist())]


def asked_pairs(
    tables: Tables, nodes: pl.DataFrame, params: SecurityParams, ctx: Context
) -> list[tuple[dict[str, Any], tuple[str, str]]]:
    """Return the pairs that the pack lists, else drawn ones, each with its two nodes."""
    given = tables["protected_pairs"].sort("pair_id")
    if given.height:
        every = attached(tables["landmarks"].sort("landmark_id"), "landmark_id", nodes, params.attach_max_km)
        marks = {end[0]: end for end in every}
        listed = []
        for row in given.iter_rows(named=True):
            one, two = (marks.get(row[name]) for name in ("from_landmark_id", "to_landmark_id"))
            if one is not None and two is not None and one[2] != two[2]:
                listed.append(({**row, "from_name": one[1], "to_name": two[1]}, (one[2], two[2])))
        return listed
    ends_of = public_ends(tables, nodes, params.attach_max_km)
    drawn = []
    for number, (first, second) in enumerate(drawn_pairs(len(ends_of), params.n_pairs, ctx), start=1):
        one, two = ends_of[first], ends_of[second]
        row = {
            "pair_id": f"fictional-{number:03d}", "name": f"Fictional pair {number}: {one[1]} - {two[1]}",
            "from_name": one[1], "to_name": two[1], "is_fictional": True, "classification": "public",
            "protected_gbps": DRAWN_GBPS, "secrecy_years": DRAWN_YEARS,
        }  # fmt: skip
        drawn.append((row, (one[2], two[2])))
    return drawn


def cure_rows(row: dict[str, Any], answer: PairAnswer, known: dict[str, tuple[str, float]], params: SecurityParams) -> (
    list[dict[str, Any]]
):  # fmt: skip
    """Return what would give a pair a way without the shared risk, the cheapest that carries its traffic marked."""
    if answer.level == "risk":
        return []
    options: list[tuple[str, str, float, int, str, float]] = []
    if answer.cure is not None:
        link = answer.cure
        where = (
            f"{link.from_near} and {link.to_near}" if link.from_near != link.to_near else f"region of {link.from_near}"
        )
        options.append(("fibre", where, link.crow_km * params.way_over_crow_ratio, 0, FIBRE_ITEM, math.inf))
        if link.crow_km <= params.microwave_most_km:
            n_hops = max(1, math.ceil(link.crow_km / params.microwave_hop_km))
            options.append(("microwave", where, link.crow_km, n_hops, HOP_ITEM, params.microwave_gbps))
    both = f"{row['from_name']} and {row['to_name']}"
    options.append(("satellite", both, 0.0, 2, TERMINAL, params.satellite_gbps))
    rows = []
    for medium, where, km, n_units, item, rate in options:
        usd = known.get(item, ("", 0.0))[1]
        per_km, per_unit = (usd, 0.0) if medium == "fibre" else (0.0, usd)
        rows.append(
            {
                "cure_id": f"{row['pair_id']}-{medium}", "pair_id": row["pair_id"], "medium": medium,
                "classification": row["classification"], "where": where, "length_km": km, "n_units": n_units,
                "usd_per_km": per_km, "unit_usd": per_unit, "cost_usd": km * per_km + n_units * per_unit,
                "rate_gbps": min(rate, params.line_rate_gbps), "is_enough": rate >= row["protected_gbps"],
                "is_cheapest": False,
            }
        )  # fmt: skip
    enough = [each for each in rows if each["is_enough"]]
    if enough:
        min(enough, key=lambda each: (each["cost_usd"], each["medium"]))["is_cheapest"] = True
    return rows


def _cure_words(cures: list[dict[str, Any]]) -> tuple[str, float | None]:
    best = next((each for each in cures if each["is_cheapest"]), None)
    if best is None:
        return ("no new way of this size is known" if cures else ""), None
    what = {
        "fibre": f"{best['length_km']:,.0f} km of new fibre", "microwave": f"microwave relay of {best['n_units']} hops",
        "satellite": f"{best['n_units']} satellite terminals",
    }[best["medium"]]  # fmt: skip
    return f"{what}, {best['where']}", best["cost_usd"]


def _pair_row(
    row: dict[str, Any], answer: PairAnswer, cures: list[dict[str, Any]], params: SecurityParams
) -> dict[str, Any]:
    lengths = sorted(route.length_km for route in answer.routes)
    rate, repair_h = params.cuts_per_1000_km_per_year, params.repair_h
    up = [float(fibre_availability_frac(length, rate, repair_h)) for length in lengths]
    is_risk = answer.level == "risk"
    common = params.residual_cause_frac if is_risk else params.common_cause_frac
    both = float(parallel_availability_frac(up[0], up[1], common)) if len(up) > 1 else up[0]
    goodput = {name: goodput_ratio(key) for name, key in (
        ("ipsec", "ipsec-aes-gcm"), ("wireguard", "wireguard"), ("macsec", "macsec"))}  # fmt: skip
    cure, cure_usd = _cure_words(cures)
    columns = ("pair_id", "name", "from_name", "to_name", "is_fictional", "classification")
    return {
        **{name: row[name] for name in (*columns, "protected_gbps", "secrecy_years")},
        "fibre_km": lengths[0], "delay_ms": lengths[0] * FIBRE_DELAY_MS_PER_KM, "availability_frac": up[0],
        "disjoint_level": answer.level, "has_disjoint": answer.level in {"risk", "node"}, "is_risk_disjoint": is_risk,
        "is_proven": answer.is_proven, "is_zone_avoided": answer.is_zone_avoided,
        "is_operator_disjoint": answer.is_operator_disjoint, "n_shared_risks": sum(answer.shared_kinds.values()),
        "shared": _shared_words(answer), "proof": PROVEN if is_risk else answer.obstacle,
        "second_fibre_km": lengths[1] if len(up) > 1 else None,
        "second_availability_frac": up[1] if len(up) > 1 else None, "common_cause_frac": common,
        "pair_availability_frac": both,
        "mixed_availability_frac": 1.0 - (1.0 - both) * (1.0 - params.satellite_availability_frac),
        "cure": cure, "cure_usd": cure_usd,
        **{f"{name}_goodput_frac": value for name, value in goodput.items()},
        "encrypted_gbps": params.line_rate_gbps * goodput["ipsec"],
    }  # fmt: skip


def _shared_words(answer: PairAnswer) -> str:
    """Return what separates a pair, else the kinds of risk that both ways share."""
    if answer.level == "risk":
        return ""
    if answer.shared:
        more = len(answer.shared) - 3
        return "; ".join(answer.shared[:3]) + (f"; and {more} more" if more > 0 else "")
    kinds = ", ".join(f"{number} {kind}" for kind, number in answer.shared_kinds.items())
    return f"several risks together, by kind: {kinds}" if kinds else "several risks together"


def _route_rows(
    row: dict[str, Any], answer: PairAnswer, crow_km: float, params: SecurityParams
) -> list[dict[str, Any]]:
    """Return fibre ways, a microwave relay where it is not too far, and a satellite way."""
    rate, repair_h = params.cuts_per_1000_km_per_year, params.repair_h
    rows = []
    for route, (operator, share), own in zip(answer.routes, answer.operators, answer.ways, strict=True):
        up = float(fibre_availability_frac(route.length_km, rate, repair_h))
        delay = 2.0 * route.length_km * FIBRE_DELAY_MS_PER_KM
        rows.append(("fibre", route.length_km, delay, up, params.line_rate_gbps, operator, share, len(own)))
    if crow_km <= params.microwave_most_km:
        up = params.microwave_availability_frac
        rows.append(
            ("microwave", crow_km, 2.0 * crow_km / LIGHT_SPEED_KM_PER_MS, up, params.microwave_gbps, "", 0.0, 0)
        )
    up = params.satellite_availability_frac
    rows.append(("satellite", 0.0, params.satellite_rtt_ms, up, params.satellite_gbps, "", 0.0, 0))
    columns = ("medium", "length_km", "rtt_ms", "availability_frac", "rate_gbps", "operator", "operator_frac", "n_ways")
    return [
        {
            "secure_route_id": f"{row['pair_id']}-{number}", "pair_id": row["pair_id"], "n_way": number,
            "classification": row["classification"], **dict(zip(columns, values, strict=True)),
        }
        for number, values in enumerate(rows, start=1)
    ]  # fmt: skip


def indicators_of(frame: pl.DataFrame, year: int) -> tuple[Indicator, ...]:
    """Return shares and means over the pairs."""
    has, risk = (float(frame[name].to_numpy().mean()) for name in ("has_disjoint", "is_risk_disjoint"))
    one, both = (float(frame[name].to_numpy().mean()) for name in ("availability_frac", "pair_availability_frac"))
    goodput = [float(frame[f"{name}_goodput_frac"][0]) for name in ("ipsec", "wireguard", "macsec")]
    return (
        Indicator(
            "secure_pairs_disjoint_frac", year, "Fictional pairs with two ways that share no road and no node", has,
            "frac", "mean of secure_pairs.has_disjoint; low end: no known risk shared either", "modelled", risk, has,
        ),
        Indicator(
            "secure_pairs_availability_frac", year, "Availability of the fictional pairs with their second ways", both,
            "frac", "mean of secure_pairs.pair_availability_frac; low end: one way alone", "modelled", one, both,
        ),
        Indicator(
            "encryption_goodput_frac", year, "Useful share of a line under encryption, internet mix", goodput[0],
            "frac", "secure_pairs.ipsec_goodput_frac; range over three encryptions", "modelled",
            min(goodput), max(goodput),
        ),
    )  # fmt: skip


def _answered(
    tables: Tables, params: SecurityParams, ctx: Context
) -> tuple[dict[str, list[dict[str, Any]]], tuple[Certificate, ...], int]:
    """Return rows of pairs, ways and cures, the proof of all lengths, and how many pairs were asked."""
    rows: dict[str, list[dict[str, Any]]] = {"secure_pairs": [], "secure_routes": [], "secure_cures": []}
    lines, nodes = domestic_nodes(tables)
    asked = asked_pairs(tables, nodes, params, ctx)
    used = {end for _, ends in asked for end in ends}
    ways = domestic_ways(tables, lines, nodes, used, params.avoid_border_km) if asked else None
    if ways is None or ways.network.node_lon_deg is None or ways.network.node_lat_deg is None:
        return rows, (), len(asked)
    known, cost, bound = prices(tables), 0.0, 0.0
    lon, lat = ways.network.node_lon_deg, ways.network.node_lat_deg
    for number, (row, names) in enumerate(asked):
        ctx.progress(number, len(asked), "protected pairs")
        ends = ways.network.node(names[0]), ways.network.node(names[1])
        answer = answer_pair(ways, ends, params)
        if answer is None:
            continue
        cost += sum(route.length_km for route in answer.routes)
        bound += answer.lower_bound_km
        crow = float(great_circle_km(*(each[end : end + 1] for end in ends for each in (lon, lat)))[0])
        cures = cure_rows(row, answer, known, params)
        rows["secure_pairs"].append(_pair_row(row, answer, cures, params))
        rows["secure_routes"] += _route_rows(row, answer, crow, params)
        rows["secure_cures"] += cures
    if not rows["secure_pairs"]:
        return rows, (), len(asked)
    name = "Ways of the protected pairs, at the strongest level that each has"
    return rows, (Certificate(name, cost, min(bound, cost), "km of fibre", "flows, and cuts over risks"),), len(asked)


def security(tables: Tables, params: SecurityParams, ctx: Context) -> EngineResult:
    """Return the overlay of protected pairs, its encryption, bill and suppliers, and the order of new keys.

    A country with no pair on its ways has empty tables of pairs, ways and cures.
    """
    rows, certificates, n_asked = _answered(tables, params, ctx)
    pairs = rows["secure_pairs"]
    services = tables["security_profiles"].filter(pl.col("subject") == "service")
    made = {name: result_frame(found or None, TABLES / f"{name}.csv") for name, found in rows.items()} | {
        "encryption_costs": encryption_costs(),
        "secure_bill": bill(tables, pairs, max(1, services["key_domain"].n_unique()), params),
        "secure_layers": layers(tables),
        "secure_vendors": vendors(tables),
        "secure_migration": migration(tables, sum(row["protected_gbps"] for row in pairs), params),
    }
    if not pairs:
        note = "Fewer than two public places lie on joined ways: there is no pair."
        return EngineResult(made, (), (), (FICTIONAL, note))
    notes = [FICTIONAL, NO_CUTS]
    if len(pairs) < n_asked:
        notes.append(f"{n_asked - len(pairs)} of {n_asked} pairs have no way inside the country.")
    return EngineResult(made, indicators_of(made["secure_pairs"], ctx.year_base), certificates, tuple(notes))
