"""Second ways for fictional protected pairs, and the price of encryption on the line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.availability import fibre_availability_frac, parallel_availability_frac
from rahdari.methods.centres import city_centres
from rahdari.methods.encapsulation import (
    IMIX_BYTES,
    IMIX_COUNT,
    goodput_frac,
    ipsec_bytes,
    macsec_bytes,
    wireguard_bytes,
)
from rahdari.methods.geo import nearest
from rahdari.methods.results import result_frame
from rahdari.methods.routing import (
    Arcs,
    disjoint_pair,
    flow_bound_km,
    shortest_ways,
    split_node_arcs,
    two_way_arcs,
)
from rahdari.model import Certificate, EngineResult, Indicator
from rahdari.units import FIBRE_DELAY_MS_PER_KM

if TYPE_CHECKING:
    from rahdari.engines.security.params import SecurityParams
    from rahdari.model import Context, Tables

TABLE = Path(__file__).parent / "tables" / "secure_pairs.csv"
FEWEST_ENDS = 2
CITY_RADIUS_KM = 20.0  # parts of one city are no two ends
MOST_ENDS = 40  # towns that stand in for waypoints where a country has none
FICTIONAL = "All protected pairs are fictional, drawn at random between public cities; no real protected site is held."
NO_CUTS = "No cut set or worst place is computed; figures are sums and existence of a second way."


def domestic_graph(tables: Tables) -> tuple[Arcs, pl.DataFrame]:
    """Return the graph of the ways wholly inside the country, in fibre kilometres, and the nodes it joins."""
    ways = tables["rights_of_way"].filter("is_in_country").sort("row_id")
    joined = pl.concat([ways["from_node_id"], ways["to_node_id"]]).unique()
    nodes = tables["rights_of_way_nodes"].filter(pl.col("row_node_id").is_in(joined.implode()))
    nodes = nodes.sort("row_node_id").with_row_index("number")
    ends = [
        ways.select(pl.col(column).alias("row_node_id"))
        .join(nodes.select("row_node_id", "number"), on="row_node_id", how="left", maintain_order="left")["number"]
        .cast(pl.Int64)
        .to_numpy()
        for column in ("from_node_id", "to_node_id")
    ]
    fibre_km = (ways["length_km"] * ways["slack_ratio"]).to_numpy()
    return two_way_arcs(nodes.height, ends[0], ends[1], fibre_km), nodes


def public_ends(tables: Tables, nodes: pl.DataFrame, attach_max_km: float) -> list[tuple[str, int]]:
    """Return names and nodes of public cities inside the country: waypoints, else the largest towns."""
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
    inside = nodes["is_in_country"].to_numpy()
    grid = [nodes[name].to_numpy() for name in ("lon_deg", "lat_deg")]
    for frame in (waypoints, largest):
        if not (frame.height and nodes.height):
            continue
        node, distance = nearest(frame["lon_deg"].to_numpy(), frame["lat_deg"].to_numpy(), grid[0], grid[1])
        ends: dict[int, str] = {}
        for name, number, away_km in zip(frame["name"].to_list(), node.tolist(), distance.tolist(), strict=True):
            if inside[number] and away_km <= attach_max_km:
                ends.setdefault(number, name)
        if len(ends) >= FEWEST_ENDS:
            return [(name, number) for number, name in ends.items()]
    return []


def drawn_pairs(ends: list[tuple[str, int]], n_pairs: int, ctx: Context) -> list[tuple[int, int]]:
    """Return positions in ``ends`` of the fictional pairs, drawn without repetition and in order."""
    pairs = [(first, second) for first in range(len(ends)) for second in range(first + 1, len(ends))]
    if len(pairs) <= n_pairs:
        return pairs
    chosen = ctx.random("secure_pairs").choice(len(pairs), n_pairs, replace=False)
    return [pairs[index] for index in sorted(chosen.tolist())]


def encryption_columns() -> dict[str, float]:
    """Return the useful share of the line under each encryption, for the internet mix."""
    tunnels = {"ipsec": ipsec_bytes, "wireguard": wireguard_bytes, "macsec": macsec_bytes}
    return {f"{name}_goodput_frac": goodput_frac(size, IMIX_BYTES, IMIX_COUNT) for name, size in tunnels.items()}


def _second_way_columns(lengths_km: list[float] | None, alone: float, params: SecurityParams) -> dict[str, object]:
    names = ("first_fibre_km", "second_fibre_km", "first_availability_frac", "second_availability_frac")
    if lengths_km is None:
        return {"has_disjoint": False, **dict.fromkeys(names), "pair_availability_frac": alone}
    rate, repair_h = params.cuts_per_1000_km_per_year, params.repair_h
    frac = [float(fibre_availability_frac(length, rate, repair_h)) for length in lengths_km]
    both = float(parallel_availability_frac(frac[0], frac[1], params.common_cause_frac))
    return {
        "has_disjoint": True,
        **dict(zip(names, [*lengths_km, *frac], strict=True)),
        "pair_availability_frac": both,
    }


def pair_rows(
    arcs: Arcs, ends: list[tuple[str, int]], pairs: list[tuple[int, int]], params: SecurityParams
) -> tuple[list[dict[str, object]], tuple[Certificate, ...]]:
    """Return one row for each pair that a way joins, and the proofs of all lengths together."""
    split, encryption = split_node_arcs(arcs), encryption_columns()
    rows: list[dict[str, object]] = []
    cost, bound, pair_cost, pair_bound = 0.0, 0.0, 0.0, 0.0
    for number, (first, second) in enumerate(pairs, start=1):
        (source_name, source), (target_name, target) = ends[first], ends[second]
        (path,), potential = shortest_ways(arcs, source, np.array([target]))
        if path is None:
            continue
        cost += path.cost_km
        bound += flow_bound_km(arcs, np.minimum(potential, potential[target]), source, target, 1)
        pair = disjoint_pair(split, 2 * source + 1, 2 * target)
        if pair is not None:
            pair_cost += pair.cost_km
            pair_bound += pair.lower_bound_km
        alone = float(fibre_availability_frac(path.cost_km, params.cuts_per_1000_km_per_year, params.repair_h))
        lengths = None if pair is None else [pair.first.cost_km, pair.second.cost_km]
        rows.append(
            {
                "pair_id": f"fictional-{number:03d}",
                "name": f"Fictional pair {number}: {source_name} - {target_name}",
                "from_name": source_name,
                "to_name": target_name,
                "is_fictional": True,
                "fibre_km": path.cost_km,
                "delay_ms": path.cost_km * FIBRE_DELAY_MS_PER_KM,
                "availability_frac": alone,
                **_second_way_columns(lengths, alone, params),
                **encryption,
                "encrypted_gbps": params.line_rate_gbps * encryption["ipsec_goodput_frac"],
            }
        )
    method = "dual bound of node potentials"
    return rows, (
        Certificate("Shortest ways of the fictional pairs", cost, bound, "km of fibre", method),
        Certificate("Node-disjoint pairs of ways of the fictional pairs", pair_cost, pair_bound, "km of fibre", method),
    )


def indicators_of(frame: pl.DataFrame, year: int) -> tuple[Indicator, ...]:
    """Return shares and means over the fictional pairs."""
    share = float(frame["has_disjoint"].to_numpy().mean())
    one, both = (float(frame[name].to_numpy().mean()) for name in ("availability_frac", "pair_availability_frac"))
    goodput = [float(frame[f"{name}_goodput_frac"][0]) for name in ("ipsec", "wireguard", "macsec")]
    return (
        Indicator(
            "secure_pairs_disjoint_frac", year, "Fictional pairs with two ways that share no road and no node", share,
            "frac", "mean of secure_pairs.has_disjoint", "modelled",
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


def security(tables: Tables, params: SecurityParams, ctx: Context) -> EngineResult:
    """Return ``secure_pairs``: fictional pairs only, with the proof of their lengths.

    A country with fewer than two public cities on its ways has an empty table.
    """
    arcs, nodes = domestic_graph(tables)
    ends = public_ends(tables, nodes, params.attach_max_km) if arcs.tail.size else []
    pairs = drawn_pairs(ends, params.n_pairs, ctx)
    rows, certificates = pair_rows(arcs, ends, pairs, params) if pairs else ([], ())
    if not rows:
        note = "Fewer than two public cities lie on joined ways: no fictional pair can be drawn."
        return EngineResult({"secure_pairs": result_frame(None, TABLE)}, (), (), (FICTIONAL, note))
    frame = result_frame(rows, TABLE)
    notes = [FICTIONAL, NO_CUTS]
    if len(rows) < len(pairs):
        notes.append(f"{len(pairs) - len(rows)} of {len(pairs)} drawn pairs have no way inside the country.")
    return EngineResult({"secure_pairs": frame}, indicators_of(frame, ctx.year_base), certificates, tuple(notes))
