"""Which channel each working wavelength of the core takes, where it is made anew, and what all of it is bought for.

Wavelengths follow the cheapest way of their demand, each on one channel from end to end (no conversion); at a switch
they may go on in another fibre pair.  Longest way first, each takes the lowest channel that is left on all its lines,
else the one that asks for the cheapest further pairs.  No assignment does with fewer pairs of a line than its load
over the channels of a pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.engines.backbone.light import (
    AMPLIFIER_ID,
    DEGREES_PER_CHAIN,
    GHZ_PER_THZ,
    ROADM_ID,
    TRANSPONDER_ID,
    channels_of,
    signal_of,
    unit_usd,
)
from rahdari.methods.optics import channel_rate_gbps, spans_in
from rahdari.methods.routing import shortest_ways, two_way_arcs
from rahdari.model import Certificate
from rahdari.units import FIBRE_DELAY_MS_PER_KM

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.engines.backbone.plan import CorePlan
    from rahdari.methods.instance import Instance
    from rahdari.methods.routing import FloatArray, IntArray

ROUNDING = 1e-9  # share of a wavelength that a demand may exceed it without another being lit


@dataclass(frozen=True, slots=True)
class Light:
    """One demand's way as light sees it: spans, regenerators, format, rate, wavelengths."""

    n_spans: int
    n_regenerators: int
    modulation: str
    channel_gbps: float
    n_wavelengths: int

    @property
    def n_transponders(self) -> int:
        """Return the pairs of transponders that all wavelengths take."""
        return self.n_wavelengths * (self.n_regenerators + 1)


@dataclass(frozen=True, slots=True, eq=False)
class CoreChannels:
    """Light by demand, and for each wavelength, in order of demands, its demand (w,) and its channel (w,) from 0.

    ``n_used`` and ``n_pairs`` (k,) are the channels in use and the fibre pairs of each lit chain; ``bound_usd`` is
    what transponders of no plan undercut.
    """

    light: tuple[Light | None, ...]
    demand: IntArray
    channel: IntArray
    n_used: IntArray
    n_pairs: IntArray
    bound_usd: float
    certificate: Certificate

    @property
    def n_unlit(self) -> int:
        """Return the demands that no format carries."""
        return sum(light is None for light in self.light)

    @property
    def n_transponders(self) -> int:
        """Return the pairs of transponders of all wavelengths."""
        return sum(light.n_transponders for light in self.light if light)


def light_of(n_spans: int, gbps: float, params: BackboneParams) -> Light | None:
    """Return the light with the fewest transponders, then the fewest regenerators; ``None`` where no format holds.

    Spans are taken as long as they may be, and channels run at the rate of the worst one.
    """
    best: Light | None = None
    for n_regenerators in range(n_spans):
        if best is not None and n_regenerators + 1 >= best.n_transponders:
            break
        signal = signal_of(params, params.span_max_km, -(-n_spans // (n_regenerators + 1)))
        rate, modulation = channel_rate_gbps(signal.worst_db, params.margin_db)
        if rate > 0.0:
            count = max(1, int(np.ceil(gbps / rate - ROUNDING)))
            light = Light(n_spans, n_regenerators, modulation, rate, count)
            best = light if best is None or light.n_transponders < best.n_transponders else best
    return best


def _n_spans(instance: Instance, params: BackboneParams) -> IntArray:
    """Return (m,) spans of each chain, one at the least, which then stands for the loss of its switch."""
    return np.array([spans_in(km, params.span_max_km) for km in instance.link_length_km.tolist()], np.int64)


def least_transponders(instance: Instance, params: BackboneParams) -> int:
    """Return pairs of transponders that no routing over the instance undercuts: each demand on its fewest spans."""
    ends, spans = instance.link_node, _n_spans(instance, params).astype(np.float64)
    arcs = two_way_arcs(len(instance.node_id), ends[:, 0], ends[:, 1], spans)
    total = 0
    for source in np.unique(instance.demand_node[:, 0]).tolist():
        own = np.flatnonzero(instance.demand_node[:, 0] == source)
        paths, _ = shortest_ways(arcs, source, instance.demand_node[own, 1])
        for path, value in zip(paths, instance.demand_value[own].tolist(), strict=True):
            light = light_of(round(path.cost_km), value, params) if path is not None and path.arc.size else None
            total += light.n_transponders if light else 0
    return total


def channels_in_pairs(
    routes: Sequence[IntArray], length_km: Sequence[float], n_pairs: IntArray, pair_usd: FloatArray, n_channels: int
) -> tuple[IntArray, IntArray]:
    """Return (w,) the channel of each route, from 0, and (k,) the fibre pairs of each link that then suffice.

    ``n_pairs`` (k,) are there anyway; a further one costs ``pair_usd`` (k,).  Ties go to the lower channel.

    >>> every = [np.array([0, 1]), np.array([1, 2]), np.array([2, 0])]
    >>> channel, pairs = channels_in_pairs(every, [3.0, 2.0, 1.0], np.ones(3, np.int64), np.array([1.0, 1.0, 5.0]), 2)
    >>> channel.tolist(), pairs.tolist()
    ([0, 1, 0], [2, 1, 1])
    """
    pairs = n_pairs.copy()
    count = np.zeros((pairs.size, n_channels), np.int64)
    found = np.zeros(len(routes), np.int64)
    for i in np.lexsort((np.arange(len(routes)), -np.asarray(length_km, np.float64))).tolist():
        route = routes[i]
        is_full = count[route] >= pairs[route, None]
        channel = int(np.argmin(pair_usd[route] @ is_full))
        pairs[route] += is_full[:, channel]
        count[route, channel] += 1
        found[i] = channel
    return found, pairs


def core_channels(plan: CorePlan, params: BackboneParams, equipment: pl.DataFrame) -> CoreChannels:
    """Return channels for all working wavelengths and the fibre pairs that hold them and the capacity."""
    instance, n_links = plan.instance, len(plan.instance.link_id)
    spans = _n_spans(instance, params)
    light = tuple(
        light_of(int(spans[route].sum()), value, params) if route.size else None
        for route, value in zip(plan.routes, instance.demand_value.tolist(), strict=True)
    )
    demand = np.repeat(np.arange(len(light)), [one.n_wavelengths if one else 0 for one in light])
    routes = [plan.routes[i] for i in demand.tolist()]
    n_used = np.zeros(n_links, np.int64)
    for route in routes:
        n_used[route] += 1
    least = -(-np.maximum(plan.n_wavelengths, n_used) // params.n_channels)
    pair_usd = plan.n_sites * unit_usd(equipment, AMPLIFIER_ID) + DEGREES_PER_CHAIN * unit_usd(equipment, ROADM_ID)
    km = [float(instance.link_length_km[route].sum()) for route in routes]
    channel, n_pairs = channels_in_pairs(routes, km, least, pair_usd.astype(np.float64), params.n_channels)
    certificate = Certificate(
        "Fibre pairs that the channels of the core's wavelengths ask for", float(n_pairs.sum()), float(least.sum()),
        "fibre pairs", "load or capacity of each line over the channels of a pair",
        f"{len(routes)} wavelengths on their cheapest ways, no conversion; {params.n_channels} channels a pair",
    )  # fmt: skip
    bound = least_transponders(plan.offered, params) * unit_usd(equipment, TRANSPONDER_ID)
    return CoreChannels(light, demand, channel, n_used, n_pairs, bound, certificate)


def wavelength_rows(
    plan: CorePlan, channels: CoreChannels, demand_id: Sequence[str], params: BackboneParams
) -> list[dict[str, object]]:
    """Return the rows of ``core_wavelengths``; ``demand_id`` are the identifiers of the demands in order."""
    frequency_ghz = channels_of(params).frequency_thz * GHZ_PER_THZ
    rows: list[dict[str, object]] = []
    step, before = 0, -1
    for i, channel in zip(channels.demand.tolist(), channels.channel.tolist(), strict=True):
        step, before = (step + 1 if i == before else 1), i
        light, route = channels.light[i], plan.routes[i]
        if light is None:
            continue
        fibre_km = float(plan.instance.link_length_km[route].sum())
        rows.append(
            {
                "demand_id": demand_id[i], "step": step, "fibre_km": fibre_km, "n_chains": route.size,
                "n_spans": light.n_spans, "n_regenerators": light.n_regenerators, "modulation": light.modulation,
                "channel_gbps": light.channel_gbps, "channel_id": channel + 1,
                "frequency_ghz": float(frequency_ghz[channel]), "delay_ms": fibre_km * FIBRE_DELAY_MS_PER_KM,
            }
        )  # fmt: skip
    return rows


def bill_rows(plan: CorePlan, channels: CoreChannels, equipment: pl.DataFrame) -> list[dict[str, object]]:
    """Return the rows of ``core_bill``: what is bought of each item of the catalogue.

    Restoration moves wavelengths to other chains with the transponders they have; regenerators are pairs of them.
    """
    counts = {
        AMPLIFIER_ID: int((channels.n_pairs * plan.n_sites).sum()),
        ROADM_ID: DEGREES_PER_CHAIN * int(channels.n_pairs.sum()),
        TRANSPONDER_ID: channels.n_transponders,
    }
    known = {row["equipment_id"]: row for row in equipment.iter_rows(named=True)}
    return [
        {
            "equipment_id": name, "n_units": count, "unit_usd": known[name]["capex_usd"],
            "usd": count * known[name]["capex_usd"], "low_usd": count * known[name]["capex_low_usd"],
            "high_usd": count * known[name]["capex_high_usd"], "power_w": count * known[name]["power_w"],
        }
        for name, count in sorted(counts.items())
        if name in known
    ]  # fmt: skip
