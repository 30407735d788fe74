"""What fails together, from where lines lie: tables ``risk_groups`` and ``risk_group_members`` with uncertain rates.

Kinds: ``corridor`` (runs side by side), ``valley`` (the same in mountains, wider), ``bridge`` and ``tunnel``,
``landing``, ``grid``, and the zones of local hazards.  Every rate and repair time is a range (low, central, high) that
a user may replace by group or by kind; groups that a user lists are added, and replace derived ones of the same name.
Groups are local: a group holds the lines that lie beside each other at one stretch, not everything along a road.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.availability import repairable_availability_frac
from rahdari.methods.geo import great_circle_km
from rahdari.methods.reliability import Scenarios
from rahdari.methods.risk_geometry import Near, Pieces, near_points, near_stretches, pieces_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

Level = Literal["low", "central", "high"]
SOURCE_ID = "derived-risk-groups"
GROUP_SCHEMA = {
    "risk_group_id": pl.String, "name": pl.String, "kind": pl.String,
    "rate_per_year": pl.Float64, "rate_low_per_year": pl.Float64, "rate_high_per_year": pl.Float64,
    "repair_h": pl.Float64, "repair_low_h": pl.Float64, "repair_high_h": pl.Float64,
    "evidence": pl.String, "source_id": pl.String,
}  # fmt: skip
MEMBER_SCHEMA = dict.fromkeys(("risk_group_id", "member_id", "evidence", "source_id"), pl.String)
NUMBERS = tuple(name for name, kind in GROUP_SCHEMA.items() if kind == pl.Float64)
HAZARD_KIND = {
    "flood": "flood", "landslide": "valley", "cut": "corridor", "cable_cut": "corridor", "earthquake": "earthquake",
}  # fmt: skip
_PARTS_MIN_KM = 0.5  # shorter stretches with a set of their own are left to the larger set that holds them


@dataclass(frozen=True, slots=True)
class Range:
    """An uncertain number: low, central and high."""

    low: float
    central: float
    high: float

    def times(self, factor: float) -> Range:
        """Return the range multiplied by a number of zero or more."""
        return Range(self.low * factor, self.central * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class RiskRules:
    """Distances, rates and repair times from which groups are derived; all assumed unless a source is named.

    Rates of runs are common cuts a year and kilometre: the textbook rate of cuts (4.39 a year on 1,000 sheath-miles;
    low and high as the backbone engine) times the share that strikes everything beside each other (5 %; 1 to 20 %).
    """

    apart_km: float = 0.5  # runs nearer than this share works, floods and accidents
    run_km: float = 3.0  # for at least so long, taken over all lines that go on from each other
    cosine_least: float = 0.9  # directions within 26 degrees are side by side
    common_cuts_per_km_year: Range = Range(0.001 * 0.01, 0.0027 * 0.05, 0.006 * 0.20)
    cut_repair_h: Range = Range(6.0, 12.0, 48.0)
    valley_apart_km: float = 3.0  # mountain lines nearer than this share the valley: the proxy for terrain
    valley_run_km: float = 5.0
    valley_per_km_year: Range = Range(0.0005, 0.002, 0.01)  # slides and floods that close the whole valley
    valley_repair_h: Range = Range(6.0, 24.0, 168.0)
    structure_km: float = 0.3  # lines this near to a bridge or tunnel cross by it
    structure_per_year: Range = Range(0.005, 0.02, 0.1)
    structure_repair_h: Range = Range(24.0, 168.0, 720.0)
    landing_apart_km: float = 30.0  # stations nearer than this fail together, as in the country tables
    landing_per_year: Range = Range(0.02, 0.1, 0.3)
    landing_repair_h: Range = Range(24.0, 240.0, 720.0)
    grid_per_year: Range = Range(0.2, 0.5, 2.0)  # loss of a distribution company's whole area
    grid_repair_h: Range = Range(2.0, 8.0, 24.0)
    zone_max_km: float = 60.0  # wider zones never strike every line in them: use them as scenarios
    zone_factor: Range = Range(0.33, 1.0, 3.0)  # spread of hazard rates and durations, which tables give centrally


def risk_tables(
    lines: pl.DataFrame,
    *,
    key: str = "row_id",
    hazards: pl.DataFrame | None = None,
    sites: pl.DataFrame | None = None,
    structures: pl.DataFrame | None = None,
    grid: pl.DataFrame | None = None,
    given: tuple[pl.DataFrame, pl.DataFrame] | None = None,
    rates: pl.DataFrame | None = None,
    rules: RiskRules | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tables ``risk_groups`` and ``risk_group_members`` of lines, sorted; groups have two members or more.

    ``lines``: ``key`` and ``geometry`` (WKB, degrees), with ``terrain`` where valleys are wanted (lines of class
    ``mountain``), ``from_node_id`` and ``to_node_id`` where landings are.  ``hazards``, ``sites`` as the base tables;
    ``structures``: structure_id, name, kind (bridge or tunnel), lon_deg, lat_deg; ``grid``: member_id,
    grid_company_id, name; ``given``: groups and members a user lists; ``rates`` replaces rates
    (:func:`with_rates`).  Raises :class:`InputError` where a column is missing.
    """
    rules = RiskRules() if rules is None else rules
    _check(lines, key)
    lines = lines.sort(key)
    ids = lines[key].to_list()
    pieces = pieces_of(lines["geometry"].to_list())
    found: list[_Group] = []
    found += run_groups(pieces, ids, rules)
    if "terrain" in lines.columns:
        is_high = (lines["terrain"] == "mountain").to_numpy()
        found += valley_groups(pieces, ids, is_high, rules)
    if hazards is not None:
        found += zone_groups(pieces, ids, hazards, rules)
    if structures is not None:
        found += structure_groups(pieces, ids, structures, rules)
    if sites is not None:
        found += landing_groups(lines, key, sites, rules)
    if grid is not None:
        found += grid_groups(grid, rules)
    groups, members = _tables(found)
    if given is not None:
        groups, members = _with_given(groups, members, given)
    if rates is not None:
        groups = with_rates(groups, rates)
    return groups.sort("risk_group_id"), members.sort("risk_group_id", "member_id")


def _check(lines: pl.DataFrame, key: str) -> None:
    """Raise :class:`InputError` with all that is wrong with the lines."""
    problems = [
        Problem(f"column {name!r} is missing", "add it to the lines", column=name)
        for name in (key, "geometry")
        if name not in lines.columns
    ]
    if not problems:
        problems += [
            Problem(f"{lines[key][row]!r} has no geometry", "give its line", row=row + 1)
            for row in np.flatnonzero(lines["geometry"].is_null().to_numpy()).tolist()
        ]
        twice = lines.filter(pl.col(key).is_duplicated())[key].unique().sort().to_list()
        problems += [Problem(f"{name!r} occurs more than once", "give each line its own identifier") for name in twice]
    raise_if_any(problems)


@dataclass(frozen=True, slots=True)
class _Group:
    """A group before it is a row."""

    group_id: str
    name: str
    kind: str
    rate: Range
    repair: Range
    members: tuple[str, ...]


def _tables(found: Iterable[_Group]) -> tuple[pl.DataFrame, pl.DataFrame]:
    kept = sorted((group for group in found if len(group.members) > 1), key=lambda group: group.group_id)
    groups = [
        (
            group.group_id, group.name, group.kind, group.rate.central, group.rate.low, group.rate.high,
            group.repair.central, group.repair.low, group.repair.high, "derived", SOURCE_ID,
        )
        for group in kept
    ]  # fmt: skip
    members = [(group.group_id, member, "derived", SOURCE_ID) for group in kept for member in group.members]
    return pl.DataFrame(groups, schema=GROUP_SCHEMA, orient="row"), pl.DataFrame(
        members, schema=MEMBER_SCHEMA, orient="row"
    )


def run_groups(pieces: Pieces, ids: Sequence[str], rules: RiskRules) -> list[_Group]:
    """Return groups of lines side by side, at most ``apart_km`` apart over ``run_km`` or more."""
    near = near_stretches(pieces, rules.apart_km, cosine_least=rules.cosine_least, joint_km=2.0 * rules.apart_km)
    return [
        _Group(
            f"run-{'-'.join(ids[line] for line in sorted(lines)[:2])}-{len(lines)}-{number}",
            f"{len(lines)} lines side by side for {km:.1f} km", "corridor",
            rules.common_cuts_per_km_year.times(km), rules.cut_repair_h, tuple(ids[line] for line in sorted(lines)),
        )
        for number, (lines, km) in enumerate(_local_sets(pieces, near, rules.run_km))
    ]  # fmt: skip


def valley_groups(pieces: Pieces, ids: Sequence[str], is_mountain: NDArray[np.bool_], rules: RiskRules) -> list[_Group]:
    """Return groups of mountain lines in one valley: at most ``valley_apart_km`` apart over ``valley_run_km``."""
    kept = is_mountain[pieces.line]
    own = replace(
        pieces, line=pieces.line[kept], from_deg=pieces.from_deg[kept], to_deg=pieces.to_deg[kept],
        start_km=pieces.start_km[kept], km=pieces.km[kept],
    )  # fmt: skip
    near = near_stretches(
        own, rules.valley_apart_km, cosine_least=rules.cosine_least, joint_km=2.0 * rules.valley_apart_km
    )
    return [
        _Group(
            f"valley-{'-'.join(ids[line] for line in sorted(lines)[:2])}-{len(lines)}-{number}",
            f"{len(lines)} lines in one valley for {km:.1f} km", "valley",
            rules.valley_per_km_year.times(km), rules.valley_repair_h, tuple(ids[line] for line in sorted(lines)),
        )
        for number, (lines, km) in enumerate(_local_sets(pieces, near, rules.valley_run_km))
    ]  # fmt: skip


def _local_sets(pieces: Pieces, near: Near, run_km: float) -> list[tuple[frozenset[int], float]]:
    """Return the sets of lines that lie beside each other and for how long, of runs that are long enough together.

    Pairs belong to one run where their lines are the same or go on from each other.  Each stretch counts for the set of
    all lines beside it; small leftovers go to a larger set that holds them.
    """
    pair_km: dict[tuple[int, int], float] = {}
    for line, other, low, high in zip(
        near.line.tolist(), near.other.tolist(), near.low_km.tolist(), near.high_km.tolist(), strict=True
    ):
        pair = (min(line, other), max(line, other))
        pair_km[pair] = pair_km.get(pair, 0.0) + 0.5 * (high - low)
    long_enough = _long_runs(pieces, pair_km, run_km)
    kept = np.array(
        [(min(a, b), max(a, b)) in long_enough for a, b in zip(near.line.tolist(), near.other.tolist(), strict=True)],
        np.bool_,
    )
    lengths: dict[frozenset[int], float] = {}
    order = np.flatnonzero(kept)
    for line in np.unique(near.line[order]).tolist():
        own = order[near.line[order] == line]
        for members, km in _swept(line, near, own).items():
            lengths[members] = max(lengths.get(members, 0.0), km)
    return _tidied(lengths)


def _long_runs(pieces: Pieces, pair_km: dict[tuple[int, int], float], run_km: float) -> set[tuple[int, int]]:
    """Return the pairs whose run, over all lines that go on from each other, is at least ``run_km`` long."""
    place: dict[tuple[float, float], list[int]] = {}
    for line, ends in enumerate(np.round(pieces.end_deg, 5).tolist()):
        for lon, lat in ends:
            place.setdefault((lon, lat), []).append(line)
    joined: dict[int, set[int]] = {}
    for lines in place.values():
        for line in lines:
            joined.setdefault(line, {line}).update(lines)
    parent = {pair: pair for pair in pair_km}

    def root(pair: tuple[int, int]) -> tuple[int, int]:
        while parent[pair] != pair:
            parent[pair] = parent[parent[pair]]
            pair = parent[pair]
        return pair

    for one, two in sorted(pair_km):
        for a in joined.get(one, {one}):
            for b in joined.get(two, {two}):
                pair = (min(a, b), max(a, b))
                if pair in parent and a != b:
                    first, second = root((one, two)), root(pair)
                    parent[max(first, second)] = min(first, second)
    total: dict[tuple[int, int], float] = {}
    for pair in sorted(pair_km):
        total[root(pair)] = total.get(root(pair), 0.0) + pair_km[pair]
    return {pair for pair in pair_km if total[root(pair)] >= run_km}


def _swept(line: int, near: Near, own: IntArray) -> dict[frozenset[int], float]:
    """Return for each set of lines beside a line, it included, over how many kilometres of it they lie there."""
    marks = np.unique(np.concatenate([near.low_km[own], near.high_km[own]]))
    result: dict[frozenset[int], float] = {}
    for low, high in zip(marks[:-1].tolist(), marks[1:].tolist(), strict=True):
        middle = 0.5 * (low + high)
        beside = near.other[own[(near.low_km[own] <= middle) & (near.high_km[own] >= middle)]]
        if beside.size:
            members = frozenset({line, *beside.tolist()})
            result[members] = result.get(members, 0.0) + high - low
    return result


def _tidied(lengths: dict[frozenset[int], float]) -> list[tuple[frozenset[int], float]]:
    """Return the sets with short leftovers dropped where a larger set holds all their lines."""
    holders: dict[int, list[frozenset[int]]] = {}
    kept: dict[frozenset[int], float] = {}
    for members in sorted(lengths, key=lambda each: (-len(each), sorted(each))):
        larger = next((other for other in holders.get(min(members), ()) if members < other), None)
        if larger is not None and lengths[members] < _PARTS_MIN_KM:
            kept[larger] += lengths[members]
            continue
        kept[members] = lengths[members]
        for line in members:
            holders.setdefault(line, []).append(members)
    return sorted(kept.items(), key=lambda item: sorted(item[0]))


def zone_groups(pieces: Pieces, ids: Sequence[str], hazards: pl.DataFrame, rules: RiskRules) -> list[_Group]:
    """Return a group for each local hazard: the lines that enter its circle.  The rate is weighed by its severity."""
    known = hazards.filter(
        pl.col("kind").is_in(list(HAZARD_KIND))
        & pl.col("lon_deg").is_not_null()
        & (pl.col("radius_km") <= rules.zone_max_km)
    ).sort("hazard_id")
    struck = near_points(
        pieces, known["lon_deg"].to_numpy(), known["lat_deg"].to_numpy(), known["radius_km"].to_numpy()
    )
    return [
        _Group(
            f"zone-{row['hazard_id']}", row["name"], HAZARD_KIND[row["kind"]],
            rules.zone_factor.times(row["rate_per_year"] * row["severity_frac"]),
            rules.zone_factor.times(row["duration_h"]), tuple(ids[line] for line in lines.tolist()),
        )
        for row, lines in zip(known.iter_rows(named=True), struck, strict=True)
    ]  # fmt: skip


def structure_groups(pieces: Pieces, ids: Sequence[str], structures: pl.DataFrame, rules: RiskRules) -> list[_Group]:
    """Return a group for each bridge or tunnel that several lines cross by."""
    known = structures.sort("structure_id")
    near = near_points(pieces, known["lon_deg"].to_numpy(), known["lat_deg"].to_numpy(), rules.structure_km)
    return [
        _Group(
            f"{row['kind']}-{row['structure_id']}", row["name"], row["kind"], rules.structure_per_year,
            rules.structure_repair_h, tuple(ids[line] for line in lines.tolist()),
        )
        for row, lines in zip(known.iter_rows(named=True), near, strict=True)
    ]  # fmt: skip


def landing_groups(lines: pl.DataFrame, key: str, sites: pl.DataFrame, rules: RiskRules) -> list[_Group]:
    """Return a group for each cluster of landing stations: the stations and the lines that end at them."""
    stations = sites.filter(pl.col("kind") == "landing_station").sort("site_id")
    ends: dict[str, list[str]] = {}
    if {"from_node_id", "to_node_id"} <= set(lines.columns):
        for line, one, two in lines.select(key, "from_node_id", "to_node_id").iter_rows():
            ends.setdefault(one, []).append(line)
            ends.setdefault(two, []).append(line)
    heads: list[dict[str, object]] = []
    members: list[list[str]] = []
    for row in stations.iter_rows(named=True):
        place = (row["lon_deg"], row["lat_deg"])
        near = [
            number
            for number, head in enumerate(heads)
            if float(great_circle_km(*place, head["lon_deg"], head["lat_deg"])) <= rules.landing_apart_km  # type: ignore[arg-type]
        ]
        if not near:
            heads.append(row)
            members.append([])
        members[near[0] if near else -1] += [row["site_id"], *ends.get(row["site_id"], ())]
    return [
        _Group(
            f"landing-{head['site_id']}", f"Landings around {head['name']}", "landing", rules.landing_per_year,
            rules.landing_repair_h, tuple(sorted(set(own))),
        )
        for head, own in zip(heads, members, strict=True)
    ]  # fmt: skip


def grid_groups(grid: pl.DataFrame, rules: RiskRules) -> list[_Group]:
    """Return a group for each distribution company: what it feeds and no battery carries through a failure."""
    frame = grid.sort("grid_company_id", "member_id")
    return [
        _Group(
            f"grid-{company[0]}", f"Grid of {own['name'][0]}", "grid", rules.grid_per_year, rules.grid_repair_h,
            tuple(own["member_id"].to_list()),
        )
        for company, own in frame.group_by("grid_company_id", maintain_order=True)
    ]  # fmt: skip


def _with_given(
    groups: pl.DataFrame, members: pl.DataFrame, given: tuple[pl.DataFrame, pl.DataFrame]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the tables with a user's groups added; a derived group of the same identifier gives way."""
    own, own_members = given
    named = own["risk_group_id"].implode()
    derived = groups.filter(~pl.col("risk_group_id").is_in(named))
    derived_members = members.filter(~pl.col("risk_group_id").is_in(named))
    both = pl.concat([derived, own.select(set(own.columns) & set(GROUP_SCHEMA))], how="diagonal_relaxed")
    defaults = {"evidence": "assumed", "source_id": SOURCE_ID}
    listed = own_members.filter(pl.col("risk_group_id").is_in(named))
    all_members = pl.concat(
        [derived_members, listed.select(set(listed.columns) & set(MEMBER_SCHEMA))], how="diagonal_relaxed"
    ).unique(["risk_group_id", "member_id"], keep="last", maintain_order=True)
    fill = [pl.col(name).fill_null(value) for name, value in defaults.items()]
    return (
        both.select(pl.col(name).cast(kind) for name, kind in GROUP_SCHEMA.items()).with_columns(fill),
        all_members.select(list(MEMBER_SCHEMA)).with_columns(fill),
    )


def with_rates(groups: pl.DataFrame, rates: pl.DataFrame) -> pl.DataFrame:
    """Return groups with rates and repair times replaced by a user's.

    ``rates`` has ``risk_group_id`` or ``kind`` (rows with a group go before rows with a kind) and any of the rate and
    repair columns; empty cells change nothing.  A replaced central value clears its low and high unless given too.
    Raises :class:`InputError` for unknown groups and kinds.
    """
    names = [name for name in ("risk_group_id", "kind") if name in rates.columns]
    problems = [] if names else [Problem("rates name neither a group nor a kind", "add column risk_group_id or kind")]
    for name in names:
        known = set(groups[name].to_list())
        unknown = sorted({each for each in rates[name].drop_nulls().to_list() if each not in known})
        problems += [Problem(f"{name} {each!r} is in no group", "correct it or leave it out") for each in unknown]
    raise_if_any(problems)
    rows = groups.to_dicts()
    for name in reversed(names):
        changes = {row[name]: row for row in rates.iter_rows(named=True) if row[name] is not None}
        for row in rows:
            change = changes.get(row[name])
            if change is None or (name == "kind" and change.get("risk_group_id") is not None):
                continue
            for central, low, high in (NUMBERS[:3], NUMBERS[3:]):
                if change.get(central) is not None:
                    row.update({central: change[central], low: None, high: None})
                row.update({each: change[each] for each in (low, high) if change.get(each) is not None})
    return pl.DataFrame(rows, schema=groups.schema)


def at_level(groups: pl.DataFrame, level: Level) -> pl.DataFrame:
    """Return groups with the low or high rates and repair times in place of the central ones, where they are known."""
    if level == "central":
        return groups
    changes = [
        pl.coalesce(f"{stem}_{level}_{unit}", f"{stem}_{unit}").alias(f"{stem}_{unit}")
        for stem, unit in (("rate", "per_year"), ("repair", "h"))
        if f"{stem}_{level}_{unit}" in groups.columns
    ]
    return groups.with_columns(changes)


def hazard_scenarios(lines: pl.DataFrame, hazards: pl.DataFrame, *, key: str = "link_id") -> Scenarios:
    """Return a scenario without hazards and one for each hazard with a place, for the lines in order of ``key``.

    While a hazard lasts, lines that enter its circle survive, each by itself, with one less its severity.  Its share of
    time is that of an alternating process; two hazards at once are neglected.  Raises :class:`InputError` where shares
    of time sum to more than one.
    """
    _check(lines, key)
    pieces = pieces_of(lines.sort(key)["geometry"].to_list())
    known = hazards.filter(pl.col("lon_deg").is_not_null() & pl.col("radius_km").is_not_null()).sort("hazard_id")
    struck = near_points(
        pieces, known["lon_deg"].to_numpy(), known["lat_deg"].to_numpy(), known["radius_km"].to_numpy()
    )
    share = 1.0 - repairable_availability_frac(known["rate_per_year"].to_numpy(), known["duration_h"].to_numpy())
    if share.sum() > 1.0:
        raise InputError(Problem("hazards take more than all time", "lower their rates or durations"))
    up = np.ones((known.height + 1, lines.height))
    for row, (own, severity) in enumerate(zip(struck, known["severity_frac"].to_list(), strict=True)):
        up[row + 1, own] = 1.0 - severity
    return Scenarios(np.concatenate([[1.0 - share.sum()], share]), up)
