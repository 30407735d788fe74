"""Capacity of the national core that survives failures: demands, the design with its proof, and its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import LineString

from rahdari.engines.backbone.light import AMPLIFIER_ID, TRANSPONDER_ID, signal_of, unit_usd
from rahdari.methods.geo import great_circle_km
from rahdari.methods.instance import Instance
from rahdari.methods.optics import MODULATIONS
from rahdari.methods.routing import FloatArray, IntArray, shortest_ways, two_way_arcs
from rahdari.methods.survivable import Failure, design_survivable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from rahdari.engines.backbone.core import Core
    from rahdari.engines.backbone.engine import Ways
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.methods.survivable import Design

MBPS_PER_GBPS = 1000.0
LEAST_DISTANCE_KM = 10.0  # below, gravity between two points of one conurbation would grow without bound
MOST_SPANS = 60  # beyond, no format of the table holds


@dataclass(frozen=True, slots=True)
class LinePrice:
    """What one Gbit/s costs over one km of a full line, and the format that makes it cheapest."""

    usd_per_gbps_km: float
    channel_gbps: float
    reach_km: float


def line_price(params: BackboneParams, equipment: pl.DataFrame) -> LinePrice | None:
    """Return the cheapest of all formats at their reach; ``None`` where no format holds over one span.

    Amplifier sites are shared by all channels; a transponder pair is bought each reach.
    """
    amplifier_usd, transponder_usd = unit_usd(equipment, AMPLIFIER_ID), unit_usd(equipment, TRANSPONDER_ID)
    worst_db = [signal_of(params, params.span_max_km, n).worst_db for n in range(1, MOST_SPANS + 1)]
    found = []
    for needed_db, rate_gbps, _ in MODULATIONS:
        n_spans = sum(signal_db - params.margin_db >= needed_db for signal_db in worst_db)
        if n_spans:
            reach_km = n_spans * params.span_max_km
            per_km = amplifier_usd / (params.span_max_km * params.n_channels * rate_gbps)
            found.append(LinePrice(per_km + transponder_usd / (rate_gbps * reach_km), rate_gbps, reach_km))
    return min(found, key=lambda price: (price.usd_per_gbps_km, price.channel_gbps)) if found else None


def core_demands(
    core: Core,
    lon_deg: FloatArray,
    lat_deg: FloatArray,
    landings: IntArray,
    params: BackboneParams,
    *,
    least_frac: float,
) -> tuple[IntArray, FloatArray]:
    """Return the ends (d, 2), as numbers of centres, and the Gbit/s of the demands of the core.

    Demands between cities below ``least_frac`` of all traffic go to the landings instead.

    ``landings`` are numbers of centres where sea cables land, in order: traffic to them goes to each in equal parts;
    without any all traffic runs between cities.  Between cities traffic goes by gravity: the product of what leaves
    both over a power of their distance.
    """
    leaves = core.centre_mbps * params.leaves_city_frac / MBPS_PER_GBPS
    n, share = leaves.size, params.to_landings_frac if landings.size else 0.0
    first, second = np.triu_indices(n, 1)
    km = np.maximum(
        LEAST_DISTANCE_KM, great_circle_km(lon_deg[first], lat_deg[first], lon_deg[second], lat_deg[second])
    )
    weight = leaves[first] * leaves[second] / km**params.gravity_exponent
    # Each unit between two cities leaves one and enters the other: the sum over pairs is half of what leaves.
    gravity = weight * (0.5 * (1.0 - share) * leaves.sum() / weight.sum() if weight.sum() > 0.0 else 0.0)
    is_small = gravity < least_frac * leaves.sum() if landings.size else np.zeros(gravity.size, np.bool_)
    outward = share * leaves
    np.add.at(outward, first[is_small], gravity[is_small])
    ends = [np.stack([first[~is_small], second[~is_small]], axis=1)]
    value = [gravity[~is_small]]
    for landing in landings.tolist():
        others = np.array([i for i in range(n) if i != landing], np.int64)
        ends.append(np.stack([others, np.full(others.size, landing)], axis=1))
        value.append(outward[others] / landings.size)
    pairs, amounts = np.concatenate(ends).astype(np.int64), np.concatenate(value)
    low, high = pairs.min(axis=1), pairs.max(axis=1)
    key, place = np.unique(low * n + high, return_inverse=True)
    total = np.bincount(place, amounts, key.size).astype(np.float64)
    kept = total > 0.0
    return np.stack([key // n, key % n], axis=1)[kept], total[kept]


def core_instance(
    core: Core,
    ways: Ways,
    nodes: pl.DataFrame,
    landings: IntArray,
    *,
    params: BackboneParams,
    price: LinePrice,
    least_frac: float,
) -> Instance:
    """Return the capacity-planning instance of the core: Gbit/s and US dollars."""
    number = {int(node): i for i, node in enumerate(core.nodes)}
    place = nodes[core.nodes.tolist()]
    lon, lat = place["lon_deg"].to_numpy(), place["lat_deg"].to_numpy()
    centre = np.array([number[int(node)] for node in core.centre_node], np.int64)
    pairs, gbps = core_demands(core, lon[centre], lat[centre], landings, params, least_frac=least_frac)
    fibre_km = np.array([ways.fibre_km[way].sum() for way in core.chain_way])
    none = tuple(np.zeros(0) for _ in core.chain_way)
    name = core.centre_name
    return Instance(
        node_id=tuple(place["row_node_id"].to_list()),
        node_lon_deg=lon,
        node_lat_deg=lat,
        link_id=chain_ids(core, ways),
        link_node=np.array([[number[a], number[b]] for a, b in core.chain_node.tolist()], np.int64),
        link_unit_cost=fibre_km * price.usd_per_gbps_km,
        link_installed=np.zeros(fibre_km.size),
        link_module_capacity=none,
        link_module_cost=none,
        link_length_km=fibre_km,
        demand_id=tuple(f"{i}-{j} {name[i]} - {name[j]}" for i, j in pairs.tolist()),
        demand_node=centre[pairs],
        demand_value=gbps,
        name="national core",
    )


def chain_ids(core: Core, ways: Ways) -> tuple[str, ...]:
    """Return the identifier of each chain: that of its least way."""
    return tuple(f"core-{ways.row_id[int(way.min())]}" for way in core.chain_way)


def core_failures(core: Core, ways: Ways, groups: Mapping[str, IntArray]) -> list[Failure]:
    """Return every chain alone, then each risk group (name and ways) that strikes several chains at once."""
    ids = chain_ids(core, ways)
    owner = {int(way): name for name, chain in zip(ids, core.chain_way, strict=True) for way in chain}
    failures = [Failure(name, frozenset([name])) for name in ids]
    seen = {frozenset([name]) for name in ids}
    for name, own in sorted(groups.items()):
        struck = frozenset(owner[way] for way in own.tolist() if way in owner)
        if struck and struck not in seen:
            seen.add(struck)
            failures.append(Failure(name, struck))
    return failures


def working_routes(instance: Instance) -> list[IntArray]:
    """Return for each demand the links of its cheapest way, in order from its first end; none where there is no way."""
    ends = instance.link_node
    arcs = two_way_arcs(len(instance.node_id), ends[:, 0], ends[:, 1], instance.link_unit_cost)
    found = [np.zeros(0, np.int64) for _ in instance.demand_id]
    for source in np.unique(instance.demand_node[:, 0]).tolist():
        own = np.flatnonzero(instance.demand_node[:, 0] == source)
        paths, _ = shortest_ways(arcs, source, instance.demand_node[own, 1])
        for number, path in zip(own.tolist(), paths, strict=True):
            if path is not None:
                found[number] = arcs.way[path.arc]
    return found


def load_of(instance: Instance, routes: Sequence[IntArray]) -> FloatArray:
    """Return (m,) the Gbit/s that routes put on each link."""
    load = np.zeros(len(instance.link_id))
    for links, value in zip(routes, instance.demand_value.tolist(), strict=True):
        load[links] += value
    return load


def designed(instance: Instance, failures: Sequence[Failure], gap_frac: float) -> Design:
    """Return the cheapest capacities found that survive every failure by rerouting, with their bound."""
    return design_survivable(
        instance, failures=list(failures), protection="restoration", gap=gap_frac,
        time_limit_s=None, unprotected="report",  # by gap alone: results must not depend on speed
    )  # fmt: skip


def chain_line(chain: IntArray, end: int, ways: Ways, shapes: Mapping[int, LineString]) -> bytes:
    """Return the line of a chain from its first end."""
    points: list[tuple[float, ...]] = []
    node, n_ways = end, len(ways.row_id)
    for way in chain.tolist():
        line = list(shapes[way].coords)
        is_forward = int(ways.arcs.tail[way]) == node
        points += line if is_forward else line[::-1]
        node = int(ways.arcs.head[way] if is_forward else ways.arcs.head[way + n_ways])
    return bytes(shapely.to_wkb(LineString(points)))
