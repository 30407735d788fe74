"""What each technology would need, cost and give at each place: arrays, one element a place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.engines.access.catalogue import NEEDED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.access.catalogue import Catalogue
    from rahdari.engines.access.ground import Ground
    from rahdari.engines.access.params import AccessParams

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

TECHNOLOGIES = (
    "fibre",
    "fwa_5g",
    "mobile_5g",
    "mobile_4g",
    "microwave_site",
    "satellite",
    "community_wifi",
)
SITE_BUILD = ("radio_site_civils", "microwave_hop", "radio_4g_small_site", "microwave_hop_small")
NEW_SITE_TECHNOLOGIES = ("fwa_5g", "mobile_5g", "microwave_site")
MONTHS_PER_YEAR = 12.0
LEAST_MBPS = 1e-3  # keeps an empty place from dividing by zero
GPON_MBPS = 2488.0  # ITU-T G.984 downstream line rate


@dataclass(frozen=True, slots=True)
class Option:
    """One technology at every place.

    ``units`` holds (n,) numbers of catalogue items; ``is_possible`` says that it can be built there at all, and
    ``is_feasible`` that it then meets the service target.
    """

    units: dict[str, FloatArray]
    downlink_mbps: FloatArray
    latency_ms: FloatArray
    availability_frac: FloatArray
    is_possible: BoolArray
    service_usd_per_year: FloatArray
    n_new_sites: FloatArray

    def total(self, unit_price: FloatArray) -> FloatArray:
        """Return (n,) sums of units times ``unit_price`` (e,) in the order of the catalogue."""
        found = np.zeros(len(self.downlink_mbps))
        for name, units in self.units.items():
            found += units * unit_price[NEEDED.index(name)]
        return found

    def site_total(self, unit_price: FloatArray, *, has_sites: bool) -> FloatArray:
        """Return the part of :meth:`total` that is spent on new radio sites."""
        found = np.zeros(len(self.downlink_mbps))
        for name in SITE_BUILD if has_sites else ():
            if name in self.units:
                found += self.units[name] * unit_price[NEEDED.index(name)]
        return found

    def opex_usd_per_year(self, prices: Catalogue) -> FloatArray:
        """Return operation and bought service of a year."""
        return self.total(prices.opex_usd_per_year) + self.service_usd_per_year

    def tco_usd(self, prices: Catalogue) -> FloatArray:
        """Return cost of ownership over the horizon, as value today."""
        return self.total(prices.tco_usd) + self.service_usd_per_year * prices.annuity_years


@dataclass(frozen=True, slots=True)
class Need:
    """What a place asks of its home lines in the last year; (n,) arrays."""

    lines: FloatArray
    active: FloatArray
    busy_mbps: FloatArray


def need_of(ground: Ground, params: AccessParams) -> Need:
    """Return lines, lines active together, and busy-hour rate: the target's or the forecast's, whichever is more."""
    lines = ground.households * params.take_up_frac
    active = np.maximum(lines * params.simultaneity_frac, np.minimum(lines, 1.0))
    busy = np.maximum(active * params.service_target_mbps, ground.line_demand_mbps)
    return Need(lines, active, busy)


def _rate_mbps(capacity_mbps: FloatArray, need: Need, peak_mbps: float, params: AccessParams) -> FloatArray:
    """Return the busy-hour rate of an active line: its part of what the forecast leaves, at most the lone-user peak.

    Capacity is shared among active lines in proportion to the target; spare capacity raises everybody's rate.
    """
    share = params.service_target_mbps * capacity_mbps / np.maximum(need.busy_mbps, LEAST_MBPS)
    return np.minimum(peak_mbps, share)


def street_km(households: FloatArray, area_km2: FloatArray, distribution_ratio: float) -> FloatArray:
    """Return street cable to pass (n,) households spread evenly on (n,) settled areas.

    Mean spacing is sqrt(area / households); each household needs ``distribution_ratio`` of one spacing.

    >>> street_km(np.array([100.0]), np.array([1.0]), 0.7).round(3).tolist()
    [7.0]
    """
    return np.asarray(distribution_ratio * np.sqrt(area_km2 * households))


def fibre_option(ground: Ground, params: AccessParams) -> Option:
    """Return GPON, or XGS-PON where a port of GPON would not carry the product; homes already passed cost nothing."""
    port_mbps = params.split_households * params.take_up_frac * params.simultaneity_frac * params.fibre_product_mbps
    port = "gpon_olt_household" if port_mbps <= GPON_MBPS else "xgs_pon_olt_household"
    passed = np.maximum(ground.households - ground.passed_base_households, 0.0)
    share = passed / np.maximum(ground.households, 1.0)
    units = {
        port: passed,
        "gpon_node": np.ceil(passed / params.node_households),
        "gpon_pole_line_km": street_km(ground.households, ground.area_km2, params.distribution_ratio) * share,
        "gpon_connection": passed * params.take_up_frac,
    }
    full = np.ones(len(ground.households))
    return Option(
        units,
        params.fibre_product_mbps * full,
        params.fibre_latency_ms * full,
        params.fibre_availability_frac * ground.power_frac,
        ground.households > 0,
        0.0 * full,
        0.0 * full,
    )


def _radio(
    ground: Ground,
    params: AccessParams,
    units: dict[str, FloatArray],
    *,
    rate_mbps: FloatArray,
    latency_ms: float,
    is_possible: BoolArray,
    n_new_sites: FloatArray,
) -> Option:
    full = np.ones(len(ground.households))
    availability = params.radio_availability_frac * ground.power_frac
    return Option(units, rate_mbps, latency_ms * full, availability, is_possible, 0.0 * full, n_new_sites)


def _hops(ground: Ground, params: AccessParams) -> tuple[FloatArray, BoolArray]:
    hops = np.maximum(np.ceil(ground.site_km / params.hop_max_km), 1.0)
    return hops, hops <= params.n_hops_max


def new_radio_option(ground: Ground, need: Need, params: AccessParams, prices: Catalogue, *, is_fixed: bool) -> Option:
    """Return 5G to terminals (``is_fixed``) or to telephones: carriers on the place's sites, new sites where few."""
    radius = params.fwa_radius_km if is_fixed else params.cell_5g_radius_km
    cell_mbps = prices.capacity("radio_5g_carrier")
    covering = np.ceil(ground.area_km2 / (math.pi * radius**2))
    carriers = np.maximum(np.maximum(covering, np.ceil(need.busy_mbps / cell_mbps)), 1.0)
    new = np.maximum(carriers - ground.n_sites, 0.0)
    hops, is_near = _hops(ground, params)
    units = {"radio_5g_carrier": carriers, "radio_site_civils": new, "microwave_hop": new * hops}
    if is_fixed:
        units["fwa_terminal"] = need.lines
    peak = params.peak_fwa_mbps if is_fixed else params.peak_5g_mbps
    rate = _rate_mbps(carriers * cell_mbps, need, peak, params)
    return _radio(
        ground,
        params,
        units,
        rate_mbps=rate,
        latency_ms=params.radio_5g_latency_ms,
        is_possible=is_near | (new == 0.0),
        n_new_sites=new,
    )


def mobile_4g_option(ground: Ground, need: Need, params: AccessParams, prices: Catalogue) -> Option:
    """Return more 4G carriers on the sites that cover the place today, as many as those sites can take."""
    cell_mbps = prices.capacity("radio_4g_carrier")
    sites = np.maximum(ground.n_sites, 1.0)
    carriers = np.minimum(
        np.maximum(np.ceil(need.busy_mbps / cell_mbps), 1.0), sites * params.max_carriers_per_site_count
    )
    rate = _rate_mbps(carriers * cell_mbps, need, params.peak_4g_mbps, params)
    return _radio(
        ground,
        params,
        {"radio_4g_carrier": carriers},
        rate_mbps=rate,
        latency_ms=params.radio_4g_latency_ms,
        is_possible=ground.is_covered,
        n_new_sites=0.0 * carriers,
    )


def microwave_site_option(ground: Ground, need: Need, params: AccessParams, prices: Catalogue) -> Option:
    """Return new 4G sites fed by microwave: one low-cost site where the demand is small, else full sites."""
    cell_mbps = prices.capacity("radio_4g_carrier")
    covering = np.ceil(ground.area_km2 / (math.pi * params.cell_4g_radius_km**2))
    full = np.maximum(np.ceil(need.busy_mbps / cell_mbps), covering)
    hops, is_near = _hops(ground, params)
    is_small = (need.busy_mbps <= params.small_site_mbps) & (covering <= 1.0) & (hops <= 1.0)
    sites = np.where(is_small, 0.0, np.maximum(full, 1.0))
    units = {
        "radio_4g_small_site": is_small.astype(np.float64),
        "microwave_hop_small": is_small.astype(np.float64),
        "radio_site_civils": sites,
        "radio_4g_carrier": sites,
        "microwave_hop": sites * hops,
    }
    capacity = np.where(is_small, prices.capacity("radio_4g_small_site"), sites * cell_mbps)
    rate = _rate_mbps(capacity, need, params.peak_4g_mbps, params)
    new = sites + is_small
    return _radio(
        ground,
        params,
        units,
        rate_mbps=rate,
        latency_ms=params.radio_4g_latency_ms,
        is_possible=is_near,
        n_new_sites=new,
    )


def satellite_option(ground: Ground, need: Need, params: AccessParams) -> Option:
    """Return one terminal for every line; the subscription is part of the cost of ownership."""
    del params
    return Option(
        {"satellite_terminal": need.lines},
        ground.satellite_mbps,
        ground.satellite_latency_ms,
        ground.satellite_availability_frac * ground.power_frac,
        ground.is_licensed & (need.lines <= ground.satellite_users) & (ground.satellite_mbps > 0.0),
        need.lines * ground.satellite_usd_per_month * MONTHS_PER_YEAR,
        0.0 * need.lines,
    )


def wifi_option(ground: Ground, need: Need, params: AccessParams, prices: Catalogue) -> Option:
    """Return outdoor kits fed by a small microwave link from the nearest site; for small compact places only."""
    kits = np.maximum(
        np.ceil(ground.households / params.wifi_kit_households),
        np.ceil(ground.area_km2 / (math.pi * params.wifi_radius_km**2)),
    )
    link_mbps = prices.capacity("microwave_hop_small")
    rate = _rate_mbps(
        np.minimum(kits * prices.capacity("wifi_community_kit"), link_mbps), need, params.wifi_peak_mbps, params
    )
    full = np.ones(len(kits))
    is_possible = (ground.households <= params.wifi_max_households) & (ground.site_km <= params.wifi_backhaul_max_km)
    return Option(
        {"wifi_community_kit": kits, "microwave_hop_small": full},
        rate,
        params.wifi_latency_ms * full,
        params.wifi_availability_frac * ground.power_frac,
        is_possible,
        0.0 * full,
        0.0 * full,
    )


def all_options(ground: Ground, params: AccessParams, prices: Catalogue) -> dict[str, Option]:
    """Return every technology in the fixed order that settles ties."""
    need = need_of(ground, params)
    return {
        "fibre": fibre_option(ground, params),
        "fwa_5g": new_radio_option(ground, need, params, prices, is_fixed=True),
        "mobile_5g": new_radio_option(ground, need, params, prices, is_fixed=False),
        "mobile_4g": mobile_4g_option(ground, need, params, prices),
        "microwave_site": microwave_site_option(ground, need, params, prices),
        "satellite": satellite_option(ground, need, params),
        "community_wifi": wifi_option(ground, need, params, prices),
    }
