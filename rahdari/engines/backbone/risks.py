"""Ways that fail together: parallel runs, zones of hazards that are no wider than a valley, and groups a user lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from rahdari.methods.geo import great_circle_km, unit_vectors
from rahdari.methods.results import result_frame
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from rahdari.engines.backbone.engine import Ways
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.methods.routing import FloatArray, IntArray
    from rahdari.model import Tables

TABLES = Path(__file__).parent / "tables"

PARALLEL_KM = 2.0  # assumed: runs nearer than this share floods, works and the same valley floor
PARALLEL_COSINE = 0.9  # directions within 26 degrees count as parallel
LEAST_RUN_KM = 5.0  # assumed: shorter stretches side by side are crossings, not a shared run
ZONE_MAX_KM = 60.0  # wider zones never strike every way in them at once
ZONE_KINDS = ("flood", "landslide", "cut")
GROUP_KIND = {"flood": "flood", "landslide": "valley", "cut": "corridor"}
RUN_CUTS_PER_KM_YEAR = 0.0027  # textbook prior, 4.39 cuts a year on 1,000 sheath-miles
COMMON_FRAC = 0.05  # assumed share of cuts in a shared run that strike all of its ways
CUT_REPAIR_H = 12.0  # same textbook
GROUP_COLUMNS = ("risk_group_id", "name", "kind", "rate_per_year", "repair_h")


def _runs(
    ways: pl.DataFrame, lon_deg: FloatArray, lat_deg: FloatArray, ends: IntArray
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (groups, members) of ways that run side by side without joining; ``ends`` (w, 2) are node numbers."""
    point = unit_vectors(lon_deg, lat_deg)
    middle = point[ends[:, 0]] + point[ends[:, 1]]
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    along = point[ends[:, 1]] - point[ends[:, 0]]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    pair = cKDTree(middle).query_pairs(PARALLEL_KM / EARTH_RADIUS_KM, output_type="ndarray")
    pair = pair[np.lexsort((pair[:, 1], pair[:, 0]))]
    first, second = pair[:, 0], pair[:, 1]
    is_parallel = np.abs((along[first] * along[second]).sum(axis=1)) >= PARALLEL_COSINE
    joins = (ends[first][:, :, None] == ends[second][:, None, :]).any(axis=(1, 2))
    same_ends = np.sort(ends[first], axis=1) == np.sort(ends[second], axis=1)
    kept = is_parallel & (~joins | same_ends.all(axis=1))
    first, second = first[kept], second[kept]
    n = ways.height
    graph = coo_array((np.ones(first.size), (first, second)), shape=(n, n))
    part = connected_components(graph, directed=False)[1]
    frame = pl.DataFrame(
        {"row_id": ways["row_id"], "part": part, "length_km": ways["length_km"]}, schema_overrides={"part": pl.Int64}
    )
    runs = (
        frame.group_by("part", maintain_order=True)
        .agg(pl.len().alias("n"), pl.col("length_km").sum() / 2, pl.col("row_id").min().alias("least"))
        .filter((pl.col("n") > 1) & (pl.col("length_km") >= LEAST_RUN_KM))
        .with_columns(("run-" + pl.col("least")).alias("risk_group_id"))
    )
    groups = runs.select(
        "risk_group_id",
        pl.format("Roads side by side for {} km", pl.col("length_km").round(0).cast(pl.Int64)).alias("name"),
        pl.lit("corridor").alias("kind"),
        (pl.col("length_km") * RUN_CUTS_PER_KM_YEAR * COMMON_FRAC).alias("rate_per_year"),
        pl.lit(CUT_REPAIR_H).alias("repair_h"),
    )
    members = frame.join(runs.select("part", "risk_group_id"), on="part").select(
        "risk_group_id", pl.col("row_id").alias("member_id")
    )
    return groups, members


def _zones(
    hazards: pl.DataFrame, ways: pl.DataFrame, lon_deg: FloatArray, lat_deg: FloatArray, ends: IntArray
) -> tuple[list[tuple[object, ...]], list[tuple[str, str]]]:
    """Return rows of groups and of members of the hazard zones that are no wider than a valley."""
    known = hazards.filter(pl.col("kind").is_in(ZONE_KINDS) & (pl.col("radius_km") <= ZONE_MAX_KM)).sort("hazard_id")
    groups: list[tuple[object, ...]] = []
    members: list[tuple[str, str]] = []
    for zone in known.iter_rows(named=True):
        inside = great_circle_km(lon_deg, lat_deg, zone["lon_deg"], zone["lat_deg"]) <= zone["radius_km"]
        struck = np.flatnonzero(inside[ends].all(axis=1)).tolist()
        if len(struck) > 1:
            name = f"zone-{zone['hazard_id']}"
            rate = zone["rate_per_year"] * zone["severity_frac"]
            groups.append((name, zone["name"], GROUP_KIND[zone["kind"]], rate, zone["duration_h"]))
            members += [(name, ways["row_id"][way]) for way in struck]
    return groups, members


def risk_tables(
    rights_of_way: pl.DataFrame,
    nodes: pl.DataFrame,
    hazards: pl.DataFrame,
    given: tuple[pl.DataFrame, pl.DataFrame] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ``risk_groups`` and ``risk_group_members`` over rights of way, sorted.

    Groups that ``given`` (groups, members) lists count where a member is a right of way.  The rate of a zone is that
    of its hazard times its severity; runs fail together with a stated share of their cuts.
    """
    ways, places = rights_of_way.sort("row_id"), nodes.sort("row_node_id")
    types = pl.Schema(zip(GROUP_COLUMNS, (pl.String, pl.String, pl.String, pl.Float64, pl.Float64), strict=True))
    pair_types = pl.Schema({"risk_group_id": pl.String, "member_id": pl.String})
    if not ways.height:
        return pl.DataFrame(schema=types), pl.DataFrame(schema=pair_types)
    number = {name: i for i, name in enumerate(places["row_node_id"].to_list())}
    ends = np.array(
        [[number[a], number[b]] for a, b in ways.select("from_node_id", "to_node_id").iter_rows()], np.int64
    )
    lon, lat = places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy()
    groups, members = _runs(ways, lon, lat, ends)
    zone_groups, zone_members = _zones(hazards, ways, lon, lat, ends)
    all_groups = [groups.cast(types), pl.DataFrame(zone_groups, schema=types, orient="row")]
    all_members = [members, pl.DataFrame(zone_members, schema=pair_types, orient="row")]
    if given is not None:
        own = given[1].filter(pl.col("member_id").is_in(ways["row_id"].implode())).select("risk_group_id", "member_id")
        all_members.append(own)
        all_groups.append(
            given[0].filter(pl.col("risk_group_id").is_in(own["risk_group_id"].implode())).select(GROUP_COLUMNS)
        )
    return (
        pl.concat(all_groups).unique("risk_group_id", keep="last").sort("risk_group_id"),
        pl.concat(all_members).unique().sort("risk_group_id", "member_id"),
    )


@dataclass(frozen=True, slots=True)
class FoundRisks:
    """Risk groups as way numbers by identifier, and what the engine reports of them."""

    groups: dict[str, IntArray]
    tables: dict[str, pl.DataFrame]
    notes: tuple[str, ...]


def found_risks(tables: Tables, ways: Ways, params: BackboneParams) -> FoundRisks:
    """Return the risk groups of the rights of way; names and members only where ``show_named_risks`` asks for them."""
    given = (tables["risk_groups"], tables["risk_group_members"])
    groups, members = risk_tables(tables["rights_of_way"], tables["rights_of_way_nodes"], tables["hazards"], given)
    number = {name: i for i, name in enumerate(ways.row_id)}
    held: dict[str, list[int]] = {}
    for group, member in members.iter_rows():
        held.setdefault(group, []).append(number[member])
    by_way = {group: np.array(sorted(own), np.int64) for group, own in held.items()}
    kinds: list[dict[str, object]] = []
    for kind in sorted(groups["kind"].unique().to_list()):
        own = groups.filter(pl.col("kind") == kind)
        struck = [by_way[group] for group in own["risk_group_id"].to_list()]
        rate = float(own["rate_per_year"].to_numpy().sum())
        kinds.append(
            {
                "kind": kind, "n_groups": own.height, "n_ways": int(np.unique(np.concatenate(struck)).size),
                "members_km": float(ways.length_km[np.unique(np.concatenate(struck))].sum()),
                "rate_per_year": rate, "per_group_rate_per_year": rate / own.height,
            }
        )  # fmt: skip
    shown = groups if params.show_named_risks else groups.clear()
    n_ways = [int(by_way[group].size) for group in shown["risk_group_id"].to_list()]
    named = shown.with_columns(
        n_ways=pl.Series(n_ways, dtype=pl.Int64),
        down_h_per_year=pl.col("rate_per_year") * pl.col("repair_h"),
        classification=pl.lit("restricted"),
    )
    listed = named.to_dicts()
    note = f"{groups.height} risk groups on the rights of way: runs side by side, zones of hazards, groups given."
    return FoundRisks(
        by_way,
        {
            "risk_kinds": result_frame(kinds or None, TABLES / "risk_kinds.csv"),
            "risk_groups_found": result_frame(listed or None, TABLES / "risk_groups_found.csv"),
        },
        (note,),
    )
