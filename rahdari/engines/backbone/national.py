"""The national core as the engine reports it: capacity with proof, utilisation, and the replay of published cuts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely

from rahdari.engines.backbone.capacity import core_failures, core_instance, line_price
from rahdari.engines.backbone.channels import bill_rows, core_channels, wavelength_rows
from rahdari.engines.backbone.core import core_of
from rahdari.engines.backbone.plan import capacity_rows, core_plan
from rahdari.engines.backbone.replay import replay_rows
from rahdari.methods.geo import great_circle_km, nearest
from rahdari.methods.results import result_frame
from rahdari.model import Certificate, Indicator
from rahdari.units import FIBRE_DELAY_MS_PER_KM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rahdari.engines.backbone.capacity import LinePrice
    from rahdari.engines.backbone.channels import CoreChannels, Light
    from rahdari.engines.backbone.core import Core
    from rahdari.engines.backbone.engine import Ways
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.engines.backbone.plan import CorePlan
    from rahdari.methods.instance import Instance
    from rahdari.methods.routing import FloatArray, IntArray
    from rahdari.methods.survivable import Failure
    from rahdari.model import Context, Tables

TABLES = Path(__file__).parent / "tables"
WRITES = ("backbone_capacity", "backbone_demands", "core_wavelengths", "core_bill", "backbone_replay")
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


def demand_ids(instance: Instance) -> list[str]:
    """Return the identifiers of the demands, in order."""
    return [f"core-{instance.node_id[a]}-{instance.node_id[b]}" for a, b in instance.demand_node.tolist()]


def demand_frame(core: Core, nodes: pl.DataFrame, instance: Instance, light: Sequence[Light | None]) -> pl.DataFrame:
    """Return ``backbone_demands``: what the design carries between each pair of cities, and in what light."""
    name = dict(zip(core.centre_node.tolist(), core.centre_name, strict=True))
    city = {node: name.get(int(core.nodes[node]), "") for node in np.unique(instance.demand_node).tolist()}
    place = nodes[core.nodes.tolist()]
    lon, lat = place["lon_deg"].to_numpy(), place["lat_deg"].to_numpy()
    ends, ids = instance.demand_node, demand_ids(instance)
    km = great_circle_km(lon[ends[:, 0]], lat[ends[:, 0]], lon[ends[:, 1]], lat[ends[:, 1]])
    rows: list[dict[str, object]] = []
    for i, (a, b) in enumerate(ends.tolist()):
        value, own = float(instance.demand_value[i]), light[i]
        count, rate = (own.n_wavelengths, own.channel_gbps) if own else (0, 0.0)
        rows.append(
            {
                "demand_id": ids[i], "from_node_id": instance.node_id[a], "to_node_id": instance.node_id[b],
                "from_name": city[a], "to_name": city[b], "great_circle_km": float(km[i]),
                "rtt_floor_ms": 2.0 * float(km[i]) * FIBRE_DELAY_MS_PER_KM, "demand_gbps": value,
                "n_wavelengths": count, "wavelength_gbps": rate,
                "filled_frac": value / (count * rate) if count else 0.0,
            }
        )  # fmt: skip
    return result_frame(rows or None, TABLES / "backbone_demands.csv").sort("demand_id")


def _indicators(frame: pl.DataFrame, bill: pl.DataFrame, channels: CoreChannels, year: int) -> tuple[Indicator, ...]:
    total = frame["total_gbps"].to_numpy()
    km = frame["fibre_km"].to_numpy()
    working, spare = (float((frame[name].to_numpy() * km).sum()) for name in ("working_gbps", "spare_gbps"))
    is_used = total > 0.0
    alone_km = float(km[is_used & ~frame["has_second_way"].to_numpy()].sum())
    made = [
        ("core_fibre_km", "Fibre of the national core's ways", float(km[is_used].sum()), "km", "fibre_km in use"),
        (
            "core_equipment_usd", "Amplifiers, switches and transponders of the core that survives its failures",
            float(bill["usd"].to_numpy().sum()), "usd", "sum of core_bill.usd; range of the catalogue's prices",
        ),
        (
            "core_unlit_count", "Demands of the core that no format carries", float(channels.n_unlit), "count",
            "count of backbone_demands without wavelengths",
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
    low = {"core_equipment_usd": (float(bill["low_usd"].to_numpy().sum()), float(bill["high_usd"].to_numpy().sum()))}
    return tuple(
        Indicator(name, year, text, value, unit, formula, "modelled", *low.get(name, (None, None)))
        for name, text, value, unit, formula in made
    )


def _certificates(plan: CorePlan, channels: CoreChannels, bill: pl.DataFrame, n_cities: int) -> tuple[Certificate, ...]:
    scope = f"{n_cities} cities, {len(plan.offered.link_id)} candidate chains"
    bought = float(bill["usd"].to_numpy().sum())
    return (
        Certificate(
            "Capacity of the national core that survives every failure asked for", plan.everywhere.cost,
            plan.everywhere.lower_bound, "US dollars", "metric inequalities, dual bound",
            f"{scope}, {len(plan.everywhere.failures)} failures; whole demand rerouted; by the share of full lines",
        ),
        Certificate(
            "What the core buys: whole fibre pairs, amplifier sites, switches and transponders", bought,
            min(bought, plan.line_bound_usd + channels.bound_usd), "US dollars",
            "lines: linear programme over cuts; transponders: each demand on its fewest spans",
            f"{scope}, {len(plan.instance.link_id)} lines lit; the bound holds for any choice of them",
        ),
        channels.certificate,
    )  # fmt: skip


def _notes(plan: CorePlan, channels: CoreChannels, params: BackboneParams, year: int) -> tuple[str, ...]:
    text = (
        f"The core carries {params.leaves_city_frac:.0%} of the busy-hour traffic of {year}, of which "
        f"{params.to_landings_frac:.0%} goes to the sea cables; both shares are assumed."
    )
    notes = [text]
    cut = {demand for _, demand in plan.design.cut_off}
    if cut:
        notes.append(
            f"{len(cut)} of {len(plan.instance.demand_id)} demands have a failure that no capacity on these ways can "
            "save."
        )
    if channels.n_unlit:
        notes.append(f"{channels.n_unlit} demands find no format that holds over their way.")
    return tuple(notes)


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
    gap = params.core_gap_full_frac if ctx.detail == "full" else params.core_gap_frac

    def problem(of: Core) -> tuple[Instance, list[Failure]]:
        made = core_instance(of, ways, nodes, landings, params=params, price=price, least_frac=params.core_least_frac)
        return made, core_failures(of, ways, groups)

    plan = core_plan(core, ways, problem, params=params, price=price, equipment=tables["equipment"], gap_frac=gap)
    channels = core_channels(plan, params, tables["equipment"])
    frames = _frames(ways, nodes, tables, params, plan=plan, channels=channels, price=price)
    people = people_of(core, nodes, tables["places"])
    replay = replay_rows(
        tables, params, ways, nodes, found=(core, people, landings), corridor_way=corridor_way, ctx=ctx
    )
    frames["backbone_replay"] = result_frame(replay, TABLES / "backbone_replay.csv")
    return National(
        frames, _indicators(frames["backbone_capacity"], frames["core_bill"], channels, year),
        _certificates(plan, channels, frames["core_bill"], len(core.centre_name)), _notes(plan, channels, params, year),
    )  # fmt: skip


def _frames(
    ways: Ways, nodes: pl.DataFrame, tables: Tables, params: BackboneParams, *, plan: CorePlan,
    channels: CoreChannels, price: LinePrice,
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """Return the tables of the core: chains, demands, wavelengths, and what is bought."""
    geometry = tables["rights_of_way"].sort("row_id")["geometry"]
    lit = sorted({int(way) for chain in plan.core.chain_way for way in chain})
    shapes = dict(zip(lit, shapely.from_wkb(geometry[lit].to_numpy()), strict=True))
    rows = capacity_rows(ways, shapes, plan, price=price, channels=channels, equipment=tables["equipment"])
    waves = wavelength_rows(plan, channels, demand_ids(plan.instance), params)
    bill = bill_rows(plan, channels, tables["equipment"])
    return {
        "backbone_capacity": result_frame(rows, TABLES / "backbone_capacity.csv"),
        "backbone_demands": demand_frame(plan.core, nodes, plan.instance, channels.light),
        "core_wavelengths": result_frame(waves or None, TABLES / "core_wavelengths.csv"),
        "core_bill": result_frame(bill or None, TABLES / "core_bill.csv"),
    }
