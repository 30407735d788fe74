"""The core's design: which candidate chains are lit, and capacity on them that survives every failure.

Amplifiers and switches are bought by the chain, capacity by the kilometre.  So the cheapest chains that keep cities
joined when any one chain fails are lit first (their linear programme is a bound), then what other failures need; then
comes capacity, in whole wavelengths and fibre pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.engines.backbone.capacity import chain_line, designed, load_of, working_routes
from rahdari.engines.backbone.core import only_chains
from rahdari.engines.backbone.light import AMPLIFIER_ID, DEGREES_PER_CHAIN, ROADM_ID, unit_usd
from rahdari.methods.lit import joined_bound, thinned
from rahdari.methods.optics import spans_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
SHARE_DIGITS = 6  # of shares in the linear programme: its last digits are noise


@dataclass(frozen=True, slots=True, eq=False)
class CorePlan:
    """What the core's design decided.

    ``everywhere`` is the continuous design over all candidates of ``offered``.  ``core`` has the lit chains (k,) only,
    on which ``instance`` and ``design`` are, and ``routes`` the cheapest way of each demand.  ``n_wavelengths`` (k,)
    hold the capacity and ``n_sites`` (k,) are amplifier sites of one fibre pair.  ``line_bound_usd`` is what
    amplifiers and switches of no plan over the candidates undercut.
    """

    offered: Instance
    everywhere: Design
    core: Core
    instance: Instance
    design: Design
    routes: tuple[IntArray, ...]
    n_wavelengths: IntArray
    n_sites: IntArray
    line_bound_usd: float


def site_counts(instance: Instance, span_max_km: float) -> IntArray:
    """Return (m,) the sites of in-line amplifiers of one fibre pair of each link."""
    return np.array([spans_in(km, span_max_km) - 1 for km in instance.link_length_km.tolist()], np.int64)


def lit_chains(
    core: Core, instance: Instance, failures: Sequence[Failure], line_usd: FloatArray
) -> tuple[IntArray, float]:
    """Return the numbers of the chains to light, and a lower bound on the cost of their lines, US dollars.

    ``line_usd`` (m,) is the cost of one fibre pair of each chain, counted low.  No city is left out.
    """
    number = np.searchsorted(core.nodes, core.centre_node)
    every = np.stack([np.full(number.size - 1, number[0]), number[1:]], axis=1)
    pair = np.unique(np.sort(np.concatenate([instance.demand_node, every]), axis=1), axis=0)
    bound, share = joined_bound(len(instance.node_id), instance.link_node, line_usd, instance.demand_node)
    place = {name: i for i, name in enumerate(instance.link_id)}
    lost = [np.array(sorted(place[name] for name in failure.links), np.int64) for failure in failures]
    # What the programme wants least goes first, and of that the dearest, longest by the kilometre.
    order = np.lexsort((np.arange(share.size), -instance.link_length_km, -line_usd, share.round(SHARE_DIGITS)))
    return np.flatnonzero(thinned(len(instance.node_id), instance.link_node, pair, lost, order)), bound


def core_plan(
    core: Core,
    ways: Ways,
    problem: Callable[[Core], tuple[Instance, list[Failure]]],
    *,
    params: BackboneParams,
    price: LinePrice,
    equipment: pl.DataFrame,
    gap_frac: float,
) -> CorePlan:
    """Return the plan of the core: lit chains, and capacity on them that survives every failure.

    ``problem`` gives the instance and the failures of a core.  A switch is bought for each end of a chain at a city,
    and where chains branch; the bound counts cities only.
    """
    instance, failures = problem(core)
    everywhere = designed(instance, failures, gap_frac)
    n_ends = np.isin(core.chain_node, core.centre_node).sum(axis=1)
    line_usd = site_counts(instance, params.span_max_km) * unit_usd(equipment, AMPLIFIER_ID)
    line_usd = (line_usd + n_ends * unit_usd(equipment, ROADM_ID)).astype(np.float64)
    chain, bound = lit_chains(core, instance, failures, line_usd)
    lit = only_chains(core, ways, chain)
    own, struck = problem(lit)
    design = designed(own, struck, gap_frac)
    n_wavelengths = np.ceil(design.capacity["units"].to_numpy() / price.channel_gbps - ROUNDING).astype(np.int64)
    return CorePlan(
        instance, everywhere, lit, own, design, tuple(working_routes(own)), n_wavelengths,
        site_counts(own, params.span_max_km), bound,
    )  # fmt: skip


def capacity_rows(
    ways: Ways, shapes: dict[int, shapely.LineString], plan: CorePlan, *, price: LinePrice,
    channels: CoreChannels, equipment: pl.DataFrame,
) -> list[dict[str, object]]:  # fmt: skip
    """Return the rows of ``backbone_capacity``.

    Working capacity is the load of the cheapest routing as far as it goes; the rest is spare, shared by failures.
    """
    instance, core = plan.instance, plan.core
    units = plan.design.capacity["units"].to_numpy()
    load = np.minimum(load_of(instance, plan.routes), units)
    centre = dict(zip(core.centre_node.tolist(), core.centre_name, strict=True))
    alone = {failure for failure, _ in plan.design.cut_off}
    amplifier_usd, degree_usd = unit_usd(equipment, AMPLIFIER_ID), unit_usd(equipment, ROADM_ID)
    rows: list[dict[str, object]] = []
    for i, chain in enumerate(core.chain_way):
        total, working = float(units[i]), float(load[i])
        first, second = core.chain_node[i].tolist()
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
