"""The national core as the engine reports it: capacity with proof, utilisation, and the replay of published cuts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.backbone.capacity import (
    capacity_rows,
    core_failures,
    core_instance,
    designed,
    line_price,
)
from rahdari.engines.backbone.core import core_of
from rahdari.engines.backbone.replay import replay_rows
from rahdari.methods.geo import great_circle_km, nearest
from rahdari.methods.results import result_frame
from rahdari.model import Certificate, Indicator
from rahdari.units import FIBRE_DELAY_MS_PER_KM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.engines.backbone.core import Core
    from rahdari.engines.backbone.engine import Ways
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.methods.instance import Instance
    from rahdari.methods.routing import FloatArray, IntArray
    from rahdari.methods.survivable import Design
    from rahdari.model import Context, Tables

TABLES = Path(__file__).parent / "tables"
WRITES = ("backbone_capacity", "backbone_demands", "backbone_replay")
LANDING_MAX_KM = 60.0  # a sea cable farther from every city of the core has its landing outside the core


@dataclass(frozen=True, slots=True)
class National:
    """What the engine adds to its result."""

    tables: dict[str, pl.DataFrame]
    indicators: tuple[Indicator, ...]
    certificates: tuple[Certificate, ...]
    notes: tuple[str, ...]


def landing_centres(core: Core, nodes: pl.DataFrame, cables: pl.DataFrame) -> IntArray:
    """Return the sorted numbers of the centres where sea cables in service land."""
    subsea = cables.filter((pl.col("kind") == "subsea") & pl.col("is_in_service")).sort("cable_id")
    if not subsea.height:
        return np.zeros(0, np.int64)
    place = nodes[core.centre_node.tolist()]
    points = [frame[name].to_numpy() for frame in (subsea, place) for name in ("lon_deg", "lat_deg")]
    index, away_km = nearest(points[0], points[1], points[2], points[3])
    return np.unique(index[away_km <= LANDING_MAX_KM])


def people_of(core: Core, nodes: pl.DataFrame, places: pl.DataFrame) -> FloatArray:
    """Return (c,) the people nearer to each centre than to any other."""
    frame, place = places.sort("place_id"), nodes[core.centre_node.tolist()]
    points = [table[name].to_numpy() for table in (frame, place) for name in ("lon_deg", "lat_deg")]
    index, _ = nearest(points[0], points[1], points[2], points[3])
    return np.bincount(index, frame["n_people"].to_numpy(), core.centre_node.size).astype(np.float64)


def demand_frame(core: Core, nodes: pl.DataFrame, instance: Instance) -> pl.DataFrame:
    """Return ``backbone_demands``: what the design carries between each pair of cities."""
    name = dict(zip(core.centre_node.tolist(), core.centre_name, strict=True))
    city = {node: name.get(int(core.nodes[node]), "") for node in np.unique(instance.demand_node).tolist()}
    place = nodes[core.nodes.tolist()]
    lon, lat = place["lon_deg"].to_numpy(), place["lat_deg"].to_numpy()
    ends = instance.demand_node
    km = great_circle_km(lon[ends[:, 0]], lat[ends[:, 0]], lon[ends[:, 1]], lat[ends[:, 1]])
    rows = [
        {
            "demand_id": f"core-{instance.node_id[a]}-{instance.node_id[b]}",
            "from_node_id": instance.node_id[a], "to_node_id": instance.node_id[b],
            "from_name": city[a], "to_name": city[b], "great_circle_km": own_km,
            "rtt_floor_ms": 2.0 * own_km * FIBRE_DELAY_MS_PER_KM, "demand_gbps": value,
        }
        for (a, b), own_km, value in zip(ends.tolist(), km.tolist(), instance.demand_value.tolist(), strict=True)
    ]  # fmt: skip
    return result_frame(rows or None, TABLES / "backbone_demands.csv").sort("demand_id")


def _indicators(frame: pl.DataFrame, design: Design, year: int) -> tuple[Indicator, ...]:
    total = frame["total_gbps"].to_numpy()
    km = frame["fibre_km"].to_numpy()
    working, spare = (float((frame[name].to_numpy() * km).sum()) for name in ("working_gbps", "spare_gbps"))
    is_used = total > 0.0
    alone_km = float(km[is_used & ~frame["has_second_way"].to_numpy()].sum())
    made = [
        ("core_fibre_km", "Fibre of the national core's ways", float(km[is_used].sum()), "km", "fibre_km in use"),
        (
            "core_equipment_usd", "Amplifiers and transponders of the core, surviving every failure asked for",
            float(frame["cost_usd"].to_numpy().sum()), "usd", "sum of backbone_capacity.cost_usd",
        ),
        (
            "core_spare_ratio", "Spare over working capacity of the core, by kilometre",
            spare / working if working > 0.0 else 0.0, "ratio", "spare_gbps x fibre_km over working_gbps x fibre_km",
        ),
        (
            "core_without_second_way_frac", "Core fibre on chains whose cut alone cuts a city off",
            alone_km / float(km[is_used].sum()) if is_used.any() else 0.0, "frac", "fibre_km without has_second_way",
        ),
    ]  # fmt: skip
    low = {"core_equipment_usd": design.lower_bound}
    return tuple(
        Indicator(name, year, text, value, unit, formula, "modelled", low.get(name), value if name in low else None)
        for name, text, value, unit, formula in made
    )


def national(
    tables: Tables,
    params: BackboneParams,
    ctx: Context,
    found: tuple[Ways, pl.DataFrame],
    *,
    groups: Mapping[str, IntArray],
    corridor_way: IntArray,
) -> National:
    """Return capacity and replay of the core; ``found`` are ways and nodes, ``groups`` risk groups as way numbers."""
    ways, nodes = found
    year = ctx.year_end
    core = core_of(tables, ways, nodes, params, year) if ways.row_id else None
    price = line_price(params, tables["equipment"])
    empty = {name: result_frame(None, TABLES / f"{name}.csv") for name in WRITES}
    if core is None or price is None:
        replay = replay_rows(tables, params, ways, nodes, found=None, corridor_way=corridor_way, ctx=ctx)
        note = "The country has no core of cities to dimension."
        return National(
            {**empty, "backbone_replay": result_frame(replay, TABLES / "backbone_replay.csv")}, (), (), (note,)
        )
    landings = landing_centres(core, nodes, tables["cables"])
    instance = core_instance(core, ways, nodes, landings, params=params, price=price)
    failures = core_failures(core, ways, groups)
    design = designed(instance, failures, params)
    # Where nothing need be bought the chains stand with no capacity.
    geometry = tables["rights_of_way"].sort("row_id")["geometry"]
    rows = capacity_rows(core, ways, geometry, instance, design, price=price, n_channels=params.n_channels)
    frame = result_frame(rows, TABLES / "backbone_capacity.csv")
    people = people_of(core, nodes, tables["places"])
    replay = replay_rows(
        tables, params, ways, nodes, found=(core, people, landings), corridor_way=corridor_way, ctx=ctx
    )
    scope = f"{len(core.centre_name)} cities, {frame.height} candidate chains, {len(failures)} failures"
    certificate = Certificate(
        "Capacity of the national core that survives every failure asked for", float(frame["cost_usd"].sum()),
        design.lower_bound, "US dollars", "metric inequalities, dual bound",
        f"{scope}; cheapest over these chains, whole demand rerouted",
    )  # fmt: skip
    cut = sorted({demand for _, demand in design.cut_off})
    text = (
        f"The core carries {params.leaves_city_frac:.0%} of the busy-hour traffic of {year}, of which "
        f"{params.to_landings_frac:.0%} goes to the sea cables; both shares are assumed."
    )
    notes = [text]
    if cut:
        notes.append(
            f"{len(cut)} of {len(instance.demand_id)} demands have a failure that no capacity on these ways can save."
        )
    made = (frame, demand_frame(core, nodes, instance), result_frame(replay, TABLES / "backbone_replay.csv"))
    return National(
        dict(zip(WRITES, made, strict=True)),
        _indicators(frame, design, year), (certificate,), tuple(notes),
    )  # fmt: skip
