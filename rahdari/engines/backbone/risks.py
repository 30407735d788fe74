"""Ways that fail together, from where they lie and what a user lists, and what that does to routes and to pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.availability import repairable_availability_frac
from rahdari.methods.geo import nearest
from rahdari.methods.results import result_frame
from rahdari.methods.risk import Level, RiskRules, at_level
from rahdari.methods.risk import risk_tables as derived_tables

if TYPE_CHECKING:
    from rahdari.engines.backbone.engine import Ways
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.methods.routing import FloatArray, IntArray
    from rahdari.model import Tables

TABLES = Path(__file__).parent / "tables"
LEVELS: tuple[Level, ...] = ("central", "low", "high")
AREA_KINDS = ("grid", "earthquake", "landing")  # whole areas or stations: their cities fail too, capacity saves nothing


def risk_tables(
    rights_of_way: pl.DataFrame,
    nodes: pl.DataFrame,
    hazards: pl.DataFrame,
    given: tuple[pl.DataFrame, pl.DataFrame] | None = None,
    *,
    sites: pl.DataFrame | None = None,
    grid: pl.DataFrame | None = None,
    rules: RiskRules | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ``risk_groups`` and ``risk_group_members`` over rights of way, sorted.

    As :func:`rahdari.methods.risk.risk_tables`, which see; groups that ``given`` (groups, members) lists count where a
    member is a right of way.  Members at nodes that ``nodes`` does not know are left out.
    """
    known = nodes["row_node_id"].implode()
    lines = rights_of_way.filter(pl.col("from_node_id").is_in(known) & pl.col("to_node_id").is_in(known))
    own = None
    if given is not None:
        members = given[1].filter(pl.col("member_id").is_in(lines["row_id"].implode()))
        own = given[0].filter(pl.col("risk_group_id").is_in(members["risk_group_id"].implode())), members
    return derived_tables(lines, hazards=hazards, sites=sites, grid=grid, given=own, rules=rules)


def grid_members(tables: Tables) -> pl.DataFrame | None:
    """Return the ways with the grid company that feeds the amplifiers on them, by the place nearest to each end."""
    places, nodes = tables["places"].sort("place_id"), tables["rights_of_way_nodes"].sort("row_node_id")
    fed = tables["districts"].select("district_id", "grid_company_id").drop_nulls()
    if not (places.height and nodes.height and fed.height):
        return None
    points = [frame[name].to_numpy() for frame in (nodes, places) for name in ("lon_deg", "lat_deg")]
    index, _ = nearest(points[0], points[1], points[2], points[3])
    company = (
        nodes.select("row_node_id")
        .with_columns(district_id=places["district_id"][index.tolist()])
        .join(fed, on="district_id")
        .select("row_node_id", "grid_company_id")
    )
    ways = tables["rights_of_way"].filter("is_in_country")
    ends = [
        ways.select(pl.col("row_id").alias("member_id"), pl.col(end).alias("row_node_id"))
        for end in ("from_node_id", "to_node_id")
    ]
    found = pl.concat(ends).join(company, on="row_node_id").select("member_id", "grid_company_id").unique()
    names = tables["grid_companies"].select("grid_company_id", "name")
    return (
        found.join(names, on="grid_company_id", how="left")
        .with_columns(pl.col("name").fill_null(pl.col("grid_company_id")))
        .sort("grid_company_id", "member_id")
    )


def rules_of(params: BackboneParams) -> RiskRules:
    """Return the rules: grid failures count only as often as they outlast the amplifiers' own supply.

    Durations are exponential, so that what is left after the supply ends is as long as the whole.
    """
    rules = RiskRules()
    outlast = math.exp(-params.amplifier_backup_h / rules.grid_repair_h.central)
    return RiskRules(grid_per_year=rules.grid_per_year.times(outlast))


@dataclass(frozen=True, slots=True)
class FoundRisks:
    """Risk groups in identifier order: kinds, members as parallel (m,) group and way numbers, shares of time up.

    ``up_frac`` holds for each level (g,) shares of time in which each group is up; "low" means low rates.
    """

    group_id: tuple[str, ...]
    kind: tuple[str, ...]
    group: IntArray
    way: IntArray
    up_frac: dict[Level, FloatArray]
    tables: dict[str, pl.DataFrame]
    notes: tuple[str, ...]

    def striking(self, way: IntArray) -> IntArray:
        """Return the sorted numbers of the groups that hold any of (k,) ways."""
        return np.unique(self.group[np.isin(self.way, way)])

    def local(self, groups: IntArray) -> IntArray:
        """Return those of (k,) groups that are no whole area."""
        return groups[[self.kind[group] not in AREA_KINDS for group in groups.tolist()]]

    def up(self, groups: IntArray, level: Level = "central") -> float:
        """Return the share of time in which none of the groups is down; groups fail independently."""
        return float(np.prod(self.up_frac[level][groups]))

    def local_groups(self) -> dict[str, IntArray]:
        """Return the sorted ways of each group that capacity elsewhere can save from, by identifier."""
        order = np.lexsort((self.way, self.group))
        first = np.searchsorted(self.group[order], np.arange(len(self.group_id) + 1))
        return {
            name: self.way[order[first[i] : first[i + 1]]]
            for i, name in enumerate(self.group_id)
            if self.kind[i] not in AREA_KINDS and first[i + 1] > first[i]
        }


def found_risks(tables: Tables, ways: Ways, params: BackboneParams) -> FoundRisks:
    """Return the risk groups of the rights of way; names and members only where ``show_named_risks`` asks for them."""
    given = (tables["risk_groups"], tables["risk_group_members"])
    groups, members = risk_tables(
        tables["rights_of_way"], tables["rights_of_way_nodes"], tables["hazards"], given,
        sites=tables["sites"], grid=grid_members(tables), rules=rules_of(params),
    )  # fmt: skip
    number = pl.DataFrame(
        {"member_id": ways.row_id, "way": np.arange(len(ways.row_id))}, schema_overrides={"member_id": pl.String}
    )
    place = pl.DataFrame({"risk_group_id": groups["risk_group_id"], "group": np.arange(groups.height)})
    held = (
        members.join(number, on="member_id").join(place, on="risk_group_id").select("group", "way").sort("group", "way")
    )
    up = {}
    for level in LEVELS:
        row = at_level(groups, level)
        up[level] = repairable_availability_frac(row["rate_per_year"].to_numpy(), row["repair_h"].to_numpy())
    made = {
        "risk_kinds": _kinds(groups, held, ways),
        "risk_groups_found": _named(groups if params.show_named_risks else groups.clear(), held),
    }
    note = (
        f"{groups.height} risk groups: runs side by side, valleys, zones of hazards, landings, grid companies, and "
        "groups given; bridges and tunnels only where a user lists them."
    )
    return FoundRisks(
        tuple(groups["risk_group_id"].to_list()), tuple(groups["kind"].to_list()),
        held["group"].to_numpy().astype(np.int64), held["way"].to_numpy().astype(np.int64), up, made, (note,),
    )  # fmt: skip


def _kinds(groups: pl.DataFrame, held: pl.DataFrame, ways: Ways) -> pl.DataFrame:
    """Return ``risk_kinds``: counts, lengths and rates by kind, so that no group can be told from it."""
    rows: list[dict[str, object]] = []
    kind = groups["kind"].to_numpy()
    group, way = held["group"].to_numpy(), held["way"].to_numpy()
    for name in sorted(set(kind.tolist())):
        own = groups.filter(pl.col("kind") == name)
        struck = np.unique(way[kind[group] == name])
        rate = own["rate_per_year"].to_numpy()
        rows.append(
            {
                "kind": name, "n_groups": own.height, "n_ways": struck.size,
                "members_km": float(ways.length_km[struck].sum()),
                "rate_per_year": float(rate.sum()), "per_group_rate_per_year": float(rate.sum()) / own.height,
                "down_h_per_year": float((rate * own["repair_h"].to_numpy()).sum()),
                "mean_repair_h": (
                    float((rate * own["repair_h"].to_numpy()).sum()) / float(rate.sum()) if rate.sum() > 0.0 else 0.0
                ),
            }
        )  # fmt: skip
    return result_frame(rows or None, TABLES / "risk_kinds.csv")


def _named(groups: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return ``risk_groups_found`` of the groups to name."""
    counts = np.bincount(held["group"].to_numpy(), minlength=groups.height) if groups.height else np.zeros(0, np.int64)
    named = groups.with_columns(
        n_ways=pl.Series(counts.tolist(), dtype=pl.Int64),
        down_h_per_year=pl.col("rate_per_year") * pl.col("repair_h"),
        classification=pl.lit("restricted"),
    )
    return result_frame(named.to_dicts() or None, TABLES / "risk_groups_found.csv")


def shared_rows(route_id: str, risks: FoundRisks, parts: tuple[IntArray, IntArray]) -> list[dict[str, object]]:
    """Return the rows of ``route_risks`` of one pair of ways: how many groups of each kind strike both."""
    first, second = (risks.striking(part) for part in parts)
    both = np.intersect1d(first, second)
    kind = np.array(risks.kind, dtype=np.str_)
    rows: list[dict[str, object]] = []
    for name in np.unique(kind[np.union1d(first, second)]).tolist():
        struck = [int((kind[groups] == name).sum()) for groups in (first, second, both)]
        rows.append(
            {
                "route_id": route_id, "kind": name, "n_groups": struck[0] + struck[1] - struck[2],
                "n_shared_groups": struck[2], "shared_frac": struck[2] / (struck[0] + struck[1] - struck[2]),
            }
        )  # fmt: skip
    return rows
