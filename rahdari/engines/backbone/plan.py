"""The core's design: which candidate chains are lit, and capacity on them that survives every failure.

Amplifiers and switches are bought by the chain, capacity by the kilometre.  So the cheapest chains that keep cities
joined when any one chain fails are lit first (their linear programme is a bound), then what other failures need; then
comes capacity, in whole wavelengths and fibre pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rahdari.engines.backbone.capacity import chain_line, designed, load_of, working_routes
from rahdari.engines.backbone.light import AMPLIFIER_ID, DEGREES_PER_CHAIN, ROADM_ID, unit_usd
from rahdari.methods.lit import joined_bound, thinned
from rahdari.methods.optics import spans_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    import shapely

    from rahdari.engines.backbone.capacity import LinePrice
    from rahdari.engines.backbone.channels import CoreChannels
    from rahdari.engines.backbone.core import Core
    from rahdari.engines.backbone.engine import Ways
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.methods.instance import Instance
    from rahdari.methods.routing import FloatArray, IntArray
    from rahdari.methods.survivable import Design, Failure

ROUNDING = 1e-9  # share of a wavelength that a need may exceed it without another being lit
LIT_FROM = 0.5  # share in the linear programme from which a chain is lit at once
MANY_FAIL = 2  # failures of so many chains are checked apart: the programme knows single ones


@dataclass(frozen=True, slots=True, eq=False)
class CorePlan:
    """What the core's design decided.

    ``everywhere`` is the continuous design over all candidates of ``offered``; ``chain`` (k,) numbers the lit ones,
    on which ``instance``, ``failures`` and ``design`` are, and ``routes`` the cheapest way of each demand.
    ``n_wavelengths`` (k,) hold the capacity and ``n_sites`` (k,) are amplifier sites of one fibre pair.
    ``line_bound_usd`` is what amplifiers and switches of no plan over the candidates undercut.
    """

    offered: Instance
    everywhere: Design
    chain: IntArray
    instance: Instance
    failures: tuple[Failure, ...]
    design: Design
    routes: tuple[IntArray, ...]
    n_wavelengths: IntArray
    n_sites: IntArray
    line_bound_usd: float


def on_links(instance: Instance, link: IntArray) -> Instance:
    """Return the instance with the given links only."""
    chosen = link.tolist()
    return replace(
        instance,
        link_id=tuple(instance.link_id[i] for i in chosen),
        link_node=instance.link_node[link],
        link_unit_cost=instance.link_unit_cost[link],
        link_installed=instance.link_installed[link],
        link_module_capacity=tuple(instance.link_module_capacity[i] for i in chosen),
        link_module_cost=tuple(instance.link_module_cost[i] for i in chosen),
        link_length_km=instance.link_length_km[link],
    )


def failures_on(failures: Sequence[Failure], link_id: Sequence[str]) -> tuple[Failure, ...]:
    """Return the failures that strike any of the links, each set of links once."""
    known, seen, found = frozenset(link_id), set(), []
    for failure in failures:
        struck = failure.links & known
        if struck and struck not in seen:
            seen.add(struck)
            found.append(replace(failure, links=struck))
    return tuple(found)


def lit_chains(instance: Instance, failures: Sequence[Failure], line_usd: FloatArray) -> tuple[IntArray, float]:
    """Return the numbers of the chains to light, and a lower bound on the cost of their lines, US dollars.

    ``line_usd`` (m,) is the cost of one fibre pair of each chain.
    """
    n_nodes = len(instance.node_id)
    bound, share = joined_bound(n_nodes, instance.link_node, line_usd, instance.demand_node)
    number = {name: i for i, name in enumerate(instance.link_id)}
    is_whole = not ((share > 0.0) & (share < LIT_FROM)).any()
    several = [
        np.array(sorted(number[name] for name in failure.links), np.int64)
        for failure in failures
        if len(failure.links) >= MANY_FAIL or not is_whole
    ]
    order = np.lexsort((np.arange(share.size), -line_usd))
    kept = thinned(n_nodes, instance.link_node, instance.demand_node, several, order[share[order] < LIT_FROM])
    return np.flatnonzero(kept), bound


def core_plan(
    instance: Instance, failures: Sequence[Failure], *, params: BackboneParams, price: LinePrice,
    equipment: pl.DataFrame, gap_frac: float,
) -> CorePlan:  # fmt: skip
    """Return the plan of the core: lit chains, and capacity on them that survives every failure."""
    everywhere = designed(instance, failures, gap_frac)
    n_sites = np.array([spans_in(km, params.span_max_km) - 1 for km in instance.link_length_km.tolist()], np.int64)
    ends_usd = DEGREES_PER_CHAIN * unit_usd(equipment, ROADM_ID)
    chain, bound = lit_chains(
        instance, failures, (n_sites * unit_usd(equipment, AMPLIFIER_ID) + ends_usd).astype(np.float64)
    )
    own = on_links(instance, chain)
    struck = failures_on(failures, own.link_id)
    design = designed(own, struck, gap_frac)
    n_wavelengths = np.ceil(design.capacity["units"].to_numpy() / price.channel_gbps - ROUNDING).astype(np.int64)
    return CorePlan(
        instance, everywhere, chain, own, struck, design, tuple(working_routes(own)), n_wavelengths, n_sites[chain],
        bound,
    )  # fmt: skip


def capacity_rows(
    core: Core, ways: Ways, shapes: dict[int, shapely.LineString], plan: CorePlan, *, price: LinePrice,
    channels: CoreChannels, equipment: pl.DataFrame,
) -> list[dict[str, object]]:  # fmt: skip
    """Return the rows of ``backbone_capacity``.

    Working capacity is the load of the cheapest routing as far as it goes; the rest is spare, shared by failures.
    """
    instance = plan.instance
    units = plan.design.capacity["units"].to_numpy()
    load = np.minimum(load_of(instance, plan.routes), units)
    centre = dict(zip(core.centre_node.tolist(), core.centre_name, strict=True))
    alone = {failure for failure, _ in plan.design.cut_off}
    amplifier_usd, degree_usd = unit_usd(equipment, AMPLIFIER_ID), unit_usd(equipment, ROADM_ID)
    rows: list[dict[str, object]] = []
    for i, number in enumerate(plan.chain.tolist()):
        total, working, chain = float(units[i]), float(load[i]), core.chain_way[number]
        first, second = core.chain_node[number].tolist()
        fibre_km, n_pairs = float(instance.link_length_km[i]), int(channels.n_pairs[i])
        rows.append(
            {
                "link_id": instance.link_id[i],
                "from_node_id": instance.node_id[instance.link_node[i, 0]],
                "to_node_id": instance.node_id[instance.link_node[i, 1]],
                "from_name": centre.get(first), "to_name": centre.get(second),
                "length_km": float(ways.length_km[chain].sum()), "fibre_km": fibre_km,
                "has_second_way": instance.link_id[i] not in alone,
                "working_gbps": working, "spare_gbps": total - working, "total_gbps": working + (total - working),
                "used_frac": working / total if total > 0.0 else 0.0,
                "n_wavelengths": int(plan.n_wavelengths[i]), "n_fibre_pairs": n_pairs,
                "n_channels_used": int(channels.n_used[i]), "n_amplifiers": n_pairs * int(plan.n_sites[i]),
                "n_degrees": DEGREES_PER_CHAIN * n_pairs,
                "usd_per_gbps_km": price.usd_per_gbps_km, "cost_usd": total * fibre_km * price.usd_per_gbps_km,
                "line_usd": (
                    n_pairs * int(plan.n_sites[i]) * amplifier_usd + DEGREES_PER_CHAIN * n_pairs * degree_usd
                ),
                "geometry": chain_line(chain, first, ways, shapes),
            }
        )  # fmt: skip
    return rows
