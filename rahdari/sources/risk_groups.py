"""What fails together because it lies together: parallel fibres in one way, cables at one landing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.sources.row_repair import sphere_km

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SOURCE_ID = "derived-risk-groups"
SOURCES = (
    {
        "source_id": SOURCE_ID,
        "title": "Things that fail together because they lie together",
        "publisher": "Rahdari",
        "licence": "MIT",
        "kind": "derived",
        "locator": "rahdari.sources.risk_groups",
        "note": "From modelled fibre and named landings; rates are assumed",
    },
)
LANDINGS_APART_KM = 30.0  # cables that land nearer to each other than this fail together
LANDING_RATE_PER_YEAR = 0.1  # assumed: one loss of a whole landing in ten years
LANDING_REPAIR_H = 240.0  # assumed: ten days until a repair ship is on site
CUTS_PER_KM_YEAR = 0.0027  # textbook prior, 4.39 cuts a year on 1,000 sheath-miles; no national figure was found
CUT_REPAIR_H = 12.0  # same textbook
MEMBER_SCHEMA = {"risk_group_id": pl.String, "member_id": pl.String}


def risk_group_tables(
    links: pl.DataFrame, sites: pl.DataFrame, cables: pl.DataFrame, given: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """Return the tables ``risk_groups`` and ``risk_group_members``.

    Groups given by a pack come first; where one names a cable, the links of that cable join it, and
    in a group of kind landing its station too.  Ducts are always derived, landings where the pack names none.
    """
    groups, members = [], []
    own, own_members = given.get("risk_groups"), given.get("risk_group_members")
    has_landings = False
    if own is not None and own_members is not None:
        groups.append(own)
        sea = links.filter(pl.col("tier") == "international")["link_id"].to_list()
        stations = sites.filter(pl.col("kind") == "landing_station")["site_id"].to_list()
        at_landing = own.filter(pl.col("kind") == "landing")["risk_group_id"]
        landed = own_members.filter(pl.col("risk_group_id").is_in(at_landing.implode()))
        members += [own_members, _of_cables(own_members, cables, sea), _of_cables(landed, cables, stations)]
        has_landings = "landing" in own["kind"].to_list()
    for made_groups, made_members in (_ducts(links), *(() if has_landings else (_landings(links, sites),))):
        origin = pl.lit(SOURCE_ID).alias("source_id")
        groups.append(made_groups.with_columns(pl.lit("assumed").alias("evidence"), origin))
        members.append(made_members.with_columns(pl.lit("derived").alias("evidence"), origin))
    return {
        "risk_groups": pl.concat(groups, how="diagonal_relaxed")
        .unique("risk_group_id", keep="first")
        .sort("risk_group_id"),
        "risk_group_members": pl.concat(members, how="diagonal_relaxed")
        .unique(["risk_group_id", "member_id"], keep="first", maintain_order=True)
        .sort("risk_group_id", "member_id"),
    }


def _of_cables(members: pl.DataFrame, cables: pl.DataFrame, things: list[str]) -> pl.DataFrame:
    """Return the links or sites of the cables that groups name, as further members of the same group."""
    # Identifiers of made links and sites carry the cable's between hyphens.
    pairs = [
        (cable, thing)
        for cable in cables["cable_id"].sort().to_list()
        for thing in things
        if f"-{cable}-" in f"{thing}-"
    ]
    of_cable = pl.DataFrame(pairs, schema={"member_id": pl.String, "thing": pl.String}, orient="row")
    joined = members.join(of_cable, on="member_id").with_columns(pl.col("thing").alias("member_id")).drop("thing")
    return joined.select(members.columns)


def _ducts(links: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (groups, members) of parallel fibres in one way: one digger cuts them all."""
    buried = links.filter((pl.col("kind") == "fibre") & pl.col("row_id").is_not_null())
    group = (pl.lit("duct-") + pl.col("row_id")).alias("risk_group_id")
    shared = buried.filter(pl.len().over("row_id") > 1).with_columns(group).sort("link_id")
    groups = shared.group_by("risk_group_id", maintain_order=True).agg(
        pl.col("name").first(), pl.col("length_km").max()
    )
    made = groups.select(
        "risk_group_id",
        pl.coalesce("name", pl.lit("Fibres in one way")).alias("name"),
        pl.lit("duct").alias("kind"),
        (pl.col("length_km") * CUTS_PER_KM_YEAR).alias("rate_per_year"),
        pl.lit(CUT_REPAIR_H).alias("repair_h"),
    )
    return made, shared.select("risk_group_id", pl.col("link_id").alias("member_id"))


def _landings(links: pl.DataFrame, sites: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (groups, members) of landing stations nearer to each other than 30 km, and the links that end there."""
    stations = sites.filter(pl.col("kind") == "landing_station").sort("site_id")
    group_of: dict[str, str] = {}
    names: dict[str, str] = {}
    seen: list[tuple[NDArray[np.float64], str]] = []
    for row in stations.iter_rows(named=True):
        at = sphere_km(row["lon_deg"], row["lat_deg"])
        near = [name for place, name in seen if np.linalg.norm(place - at) <= LANDINGS_APART_KM]
        name = near[0] if near else f"landing-{row['site_id']}"
        seen += [] if near else [(at, name)]
        group_of[row["site_id"]] = name
        names.setdefault(name, f"Landings around {row['name']}")
    sea = links.filter(pl.col("kind") == "subsea").select("link_id", "from_node_id").sort("link_id")
    pairs = [(group_of[end], link) for link, end in sea.iter_rows() if end in group_of]
    pairs += [(name, site) for site, name in group_of.items()]
    groups = pl.DataFrame(sorted(names.items()), schema={"risk_group_id": pl.String, "name": pl.String}, orient="row")
    made = groups.with_columns(
        pl.lit("landing").alias("kind"),
        pl.lit(LANDING_RATE_PER_YEAR).alias("rate_per_year"),
        pl.lit(LANDING_REPAIR_H).alias("repair_h"),
    )
    return made, pl.DataFrame(pairs, schema=MEMBER_SCHEMA, orient="row")
