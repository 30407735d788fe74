"""Published cuts against what cables, zones and the core predict; nothing is tuned to an event."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.geo import nearest
from rahdari.methods.graph import parts

if TYPE_CHECKING:
    from rahdari.engines.backbone.core import Core
    from rahdari.engines.backbone.engine import Ways
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.methods.routing import FloatArray, IntArray
    from rahdari.model import Context, Tables

    BoolArray = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

GBPS_PER_TBPS = 1000.0
PEOPLE_UNITS = ("people", "users")
REGION_UNITS = ("regions", "provinces")
N_DRAWS = 400  # the standard error of a mean share is then below 2.5 points
LOW_QUANTILE, HIGH_QUANTILE = 0.1, 0.9
#: Of three directions in which traffic leaves by sea (Gulf, Europe, East) a fault far away closes one; half and twice
#: that bound it.  A fault near the country closes all.
FAR_SHARE, FAR_SHARE_LOW, FAR_SHARE_HIGH = 1 / 3, 1 / 6, 2 / 3
WORD = re.compile(r"[a-z]{3,}")
ASIDE = re.compile(r"[^a-z0-9]+")
COMMON_WORDS = frozenset({"cable", "cut", "flood", "fibre", "grid", "failure", "landing"})


@dataclass(frozen=True, slots=True)
class Replay:
    """One prediction with its band beside what was published."""

    event: dict[str, object]
    measure: str
    value: float
    low: float
    high: float
    published: float | None
    unit: str
    is_independent: bool
    note: str

    def row(self) -> dict[str, object]:
        """Return the row of ``backbone_replay``."""
        published = self.published if self.published is not None and self.published > 0.0 else None
        return {
            "event_id": self.event["event_id"], "measure": self.measure, "at_utc": self.event["at_utc"],
            "what": self.event["what"], "predicted_value": self.value,
            "predicted_low_value": self.low, "predicted_high_value": self.high,
            "is_published": published is not None, "published_value": published, "unit_text": self.unit,
            "error_frac": abs(self.value - published) / published if published is not None else None,
            "is_in_band": None if published is None else self.low <= published <= self.high,
            "is_independent": self.is_independent, "note": self.note,
        }  # fmt: skip


def words(text: str) -> frozenset[str]:
    """Return the telling words of an identifier.

    >>> sorted(words("red-sea-2025-09-06"))
    ['red', 'sea']
    """
    return frozenset(WORD.findall(text.lower())) - COMMON_WORDS


def squeezed(text: str) -> str:
    """Return the letters and digits of a text in lower case."""
    return ASIDE.sub("", text.lower())


def in_service(cables: pl.DataFrame, at_utc: str) -> pl.DataFrame:
    """Return the sea cables that carried traffic on a date, with their active capacity known."""
    began = pl.col("in_service_on").str.slice(0, 10)
    is_on = began.is_null() | ~began.str.contains(r"^\d{4}") | (began <= at_utc[:10])
    known = (pl.col("kind") == "subsea") & pl.col("active_tbps").is_not_null() & (pl.col("active_tbps") > 0.0)
    return cables.filter(known & is_on).sort("cable_id")


def struck_cables(event: dict[str, object], cables: pl.DataFrame, tables: Tables) -> tuple[list[str], float | None]:
    """Return the cables that an event cut, and the repair time, h, of the risk group that holds them."""
    # What follows the first semicolon tells of the cables that took over, not of those that were cut.
    text = squeezed(str(event["what"]).split(";")[0])
    named = [key for key, name in cables.select("cable_id", "name").iter_rows() if squeezed(name) in text]
    groups, members = tables["risk_groups"].sort("risk_group_id"), tables["risk_group_members"]
    told = words(str(event["event_id"]))
    held = {
        key: members.filter(pl.col("risk_group_id") == key)["member_id"].to_list()
        for key in groups.filter(pl.col("kind") == "corridor")["risk_group_id"]
    }
    repair_h = dict(groups.select("risk_group_id", "repair_h").iter_rows())
    if named:
        hours = [repair_h[key] for key, own in held.items() if set(named) <= set(own)]
        return named, float(hours[0]) if hours else None
    for key, own in held.items():
        if len(told & words(key)) == len(told) > 0:
            return [cable for cable in cables["cable_id"] if cable in own], float(repair_h[key])
    return [], None


def cable_replays(event: dict[str, object], tables: Tables, params: BackboneParams) -> list[Replay]:
    """Return traffic lost, traffic rerouted and duration of a cut at sea."""
    at_sea = in_service(tables["cables"], str(event["at_utc"]))
    cut, repair_h = struck_cables(event, at_sea, tables)
    if not cut or str(event["lost_unit"]).lower() != "gbps":
        return []
    lit = at_sea.with_columns(gbps=pl.col("active_tbps") * GBPS_PER_TBPS)
    used = params.cable_use_frac
    is_cut = pl.col("cable_id").is_in(cut)
    carried = float(lit.filter(is_cut)["gbps"].to_numpy().sum()) * used
    spare = float(lit.filter(~is_cut)["gbps"].to_numpy().sum()) * (1.0 - used)
    near = {ASIDE.split(str(name).lower())[0] for name in tables["cables"]["landing"]}
    is_near = any(f"near {name}" in str(event["what"]).lower() for name in near)
    share, low, high = (1.0, 1.0, 1.0) if is_near else (FAR_SHARE, FAR_SHARE_LOW, FAR_SHARE_HIGH)
    bands = (params.cable_use_low_frac / used, params.cable_use_high_frac / used) if is_near else (1.0, 1.0)
    lost = (carried * share, carried * low * bands[0], carried * high * bands[1])
    where = "near the landing: all of their traffic" if is_near else "far away: one of three directions"
    rerouted = (min(lost[0], spare * share), min(lost[1], spare * low), min(lost[2], spare * high))
    note = f"{len(cut)} cable(s) of {at_sea.height}, {used:g} of active capacity in use; {where}"
    of_event = tables["cables"].filter(pl.col("source_id") == event["source_id"]).height == 0
    out = [
        Replay(event, "lost", *lost, _number(event["lost_value"]), "gbps", of_event, note),
        Replay(
            event, "rerouted", *rerouted, _number(event["mitigated_value"]), "gbps", of_event,
            "lit capacity of the other cables that is not in use, in the same direction",
        ),
    ]  # fmt: skip
    if repair_h is not None:
        hours = (repair_h, 0.5 * repair_h, 2.0 * repair_h)
        is_independent = event["source_id"] not in tables["risk_groups"]["source_id"].to_list()
        note = "repair time of the risk group at sea; half and twice of it"
        out.append(Replay(event, "duration", *hours, _number(event["duration_h"]), "h", is_independent, note))
    return out


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def zones_of(event: dict[str, object], hazards: pl.DataFrame) -> pl.DataFrame:
    """Return the zones of the event's kind: those whose identifier shares a word with its own, else all."""
    own = hazards.filter((pl.col("kind") == event["kind"]) & pl.col("radius_km").is_not_null()).sort("hazard_id")
    told = words(str(event["event_id"]))
    named = [bool(told & words(key)) for key in own["hazard_id"]]
    return own.filter(pl.Series(named, dtype=pl.Boolean)) if any(named) else own


def ways_in_zones(ways: Ways, nodes: pl.DataFrame, zones: pl.DataFrame) -> BoolArray:
    """Return (z, w) whether a way has an end inside a zone."""
    n_ways, found = len(ways.row_id), []
    lon, lat = nodes["lon_deg"].to_numpy(), nodes["lat_deg"].to_numpy()
    for zone in zones.iter_rows(named=True):
        _, away_km = nearest(lon, lat, np.array([zone["lon_deg"]]), np.array([zone["lat_deg"]]))
        inside = away_km <= zone["radius_km"]
        found.append(inside[ways.arcs.tail[:n_ways]] | inside[ways.arcs.head[:n_ways]])
    return np.array(found, np.bool_).reshape(zones.height, n_ways)


def cut_off_people(
    core: Core,
    people: FloatArray,
    struck: BoolArray,
    severity: list[float],
    landings: IntArray,
    *,
    random: np.random.Generator,
) -> tuple[float, float, float]:  # fmt: skip
    """Return mean and tenth and ninetieth hundredth of the people whose city loses every way to the sea cables.

    Each chain that runs through a zone is cut with the zone's severity, all independently.
    """
    through = np.array([[bool(zone[way].any()) for way in core.chain_way] for zone in struck]).reshape(
        len(severity), len(core.chain_way)
    )
    kept = 1.0 - np.prod(1.0 - through * np.array(severity)[:, None], axis=0)
    nodes = core.nodes
    ends = np.searchsorted(nodes, core.chain_node)
    centre = np.searchsorted(nodes, core.centre_node)
    lost = np.empty(N_DRAWS)
    for draw in range(N_DRAWS):
        alive = random.random(kept.size) >= kept
        part = parts(nodes.size, ends[alive])
        reached = np.isin(part[centre], part[centre[landings]])
        lost[draw] = people[~reached].sum()
    return float(lost.mean()), float(np.quantile(lost, LOW_QUANTILE)), float(np.quantile(lost, HIGH_QUANTILE))


def land_replays(
    event: dict[str, object],
    tables: Tables,
    ways: Ways,
    nodes: pl.DataFrame,
    *,
    found: tuple[Core, FloatArray, IntArray],
    corridor_way: IntArray,
    ctx: Context,
) -> list[Replay]:
    """Return what a flood, slide or cut on land takes down; ``found`` is the core, people of its cities, landings."""
    core, people, landings = found
    zones = zones_of(event, tables["hazards"])
    if not zones.height:
        return []
    struck = ways_in_zones(ways, nodes, zones)
    is_independent = event["source_id"] not in zones["source_id"].to_list()
    unit, published = str(event["lost_unit"] or "people"), _number(event["lost_value"])
    out = []
    if unit in REGION_UNITS and corridor_way.size and zones.height == 1:
        is_cut = bool(struck[0][corridor_way].any())
        ends = [ways.arcs.tail[: len(ways.row_id)][~struck[0]], ways.arcs.head[: len(ways.row_id)][~struck[0]]]
        part = parts(nodes.height, np.stack(ends, axis=1).astype(np.int64))
        first, last = int(ways.arcs.tail[corridor_way[0]]), int(ways.arcs.tail[corridor_way[-1]])
        low = float(is_cut and part[first] != part[last])
        note = "the corridor's own way runs through the zone; low end: fibre on every other road"
        out.append(Replay(event, "isolated", float(is_cut), low, float(is_cut), published, unit, is_independent, note))
    elif unit in PEOPLE_UNITS and landings.size:
        made = cut_off_people(
            core,
            people,
            struck,
            zones["severity_frac"].to_list(),
            landings,
            random=ctx.random(f"replay {event['event_id']}"),
        )
        note = f"cities without any way to the landings, {zones.height} zone(s) at once, chains cut by severity"
        out.append(Replay(event, "cut off", *made, published, unit, is_independent, note))
    hours = zones["duration_h"].to_numpy()
    if out and hours.size:
        middle = float(np.median(hours))
        note = "duration of the zones: middle, least and longest"
        own = Replay(
            event, "duration", middle, float(hours.min()), float(hours.max()), _number(event["duration_h"]), "h",
            is_independent, note,
        )  # fmt: skip
        out.append(own)
    return out


def replay_rows(
    tables: Tables,
    params: BackboneParams,
    ways: Ways,
    nodes: pl.DataFrame,
    *,
    found: tuple[Core, FloatArray, IntArray] | None,
    corridor_way: IntArray,
    ctx: Context,
) -> list[dict[str, object]]:
    """Return the rows of ``backbone_replay``: every event at sea or on land that the backbone can speak of."""
    out: list[Replay] = []
    for event in tables["events"].sort("event_id").iter_rows(named=True):
        if event["kind"] == "cable_cut":
            out += cable_replays(event, tables, params)
        elif event["kind"] in {"flood", "landslide", "cut"} and found is not None:
            out += land_replays(event, tables, ways, nodes, found=found, corridor_way=corridor_way, ctx=ctx)
    return [replay.row() for replay in out]
