"""Hazards of a plan as the stress machine takes them: footprints and curves, the grid, feeders, fuel, cuts, vendors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from rahdari.engines.stress.graph import AERIAL, BURIED, CLASS_NAMES, JUNCTION
from rahdari.methods.cascade import changed
from rahdari.methods.fragility import fragility_of
from rahdari.methods.geo import great_circle_km
from rahdari.methods.hazard_sampling import Hazard, Level
from rahdari.methods.stress_events import Footprint, damage_hazard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rahdari.engines.stress.graph import StressPlan
    from rahdari.engines.stress.params import StressParams
    from rahdari.methods.fragility import Fragility
    from rahdari.methods.routing import FloatArray
    from rahdari.model import Tables

Setting = Literal["low", "central", "high"]
DAMAGING = ("flood", "earthquake", "landslide", "heat")
FEEDER_KINDS = ("flood", "earthquake", "landslide")  # these take poles and substations with them
SHAKEN = ("earthquake", "heat")  # everything within reach feels these; of the others a share is reached
HOURS_PER_DAY = 24.0
PARTS = 4  # of the assets struck, by when they can be reached again
GOLDEN = 0.6180339887498949  # spreads zones evenly over the order in which supply comes back
KM_PER_1000 = 1000.0
GRID, FUEL, SHEDDING, CUTS = "national-grid", "fuel-shortage", "feeder-shedding", "fibre-cuts"
VENDORS = ("a", "b", "c")


def vendor_of_sites(made: StressPlan, params: StressParams) -> NDArray[np.int64]:
    """Return the vendor (0, 1, 2) of each node that is a site, -1 for others, by the shares stated, evenly spread."""
    network = made.network
    share = np.array([params.vendor_a_frac, params.vendor_b_frac, params.vendor_c_frac])
    share = share / max(float(share.sum()), np.finfo(np.float64).tiny)
    site = np.flatnonzero(network.is_site)
    point = np.modf((np.arange(site.size) + 1.0) * GOLDEN)[0]
    vendor = np.full(network.n_nodes, -1, np.int64)
    vendor[site] = np.minimum(np.searchsorted(np.cumsum(share), point, side="right"), len(VENDORS) - 1)
    return vendor


def intensity(kind: str, params: StressParams) -> tuple[float, float]:
    """Return the intensity of a kind of hazard at its centre, in the unit of its curves, and the edge's share of it."""
    return {
        "flood": (params.flood_depth_m, 1.0),
        "earthquake": (params.quake_pga_g, params.quake_edge_frac),
        "landslide": (params.landslide_value, 1.0),
        "heat": (params.heat_c, 1.0),
    }[kind]


def _reach(row: Mapping[str, object], made: StressPlan, strikes: str) -> tuple[NDArray[np.int64], FloatArray]:
    """Return the things of a kind within a hazard's circle and how far out each is, as a share of the radius."""
    network = made.network
    thing = np.arange(network.n_things)
    keep = np.ones(network.n_things, np.bool_)
    if strikes == "links":
        keep = (thing >= network.n_nodes) & (network.asset_class != JUNCTION)
    elif strikes == "sites":
        keep = thing < network.n_nodes
    if row["lon_deg"] is None or row["lat_deg"] is None or row["radius_km"] is None:
        return thing[keep], np.zeros(int(keep.sum()))
    radius = float(str(row["radius_km"]))
    km = great_circle_km(made.lon_deg, made.lat_deg, float(str(row["lon_deg"])), float(str(row["lat_deg"])))
    member = np.flatnonzero(keep & (km <= radius))
    return member, km[member] / max(radius, np.finfo(np.float64).tiny)


def damage_hazards(
    row: Mapping[str, object],
    made: StressPlan,
    curves: Fragility,
    params: StressParams,
    *,
    which: Setting = "central",
    struck_frac: float | None = None,
    access_frac: float | None = None,
    strikes: str = "all",
) -> list[Hazard]:
    """Return a hazard of the pack as four that happen together and differ in when crews get in.

    Assets struck can be reached again at times spread evenly over ``access_frac`` of the hazard's length.
    """
    kind, name = str(row["kind"]), str(row["hazard_id"])
    member, out_frac = _reach(row, made, strikes)
    if not member.size:
        return []
    peak, edge = intensity(kind, params)
    value = peak * (1.0 - (1.0 - edge) * out_frac)
    rate = max(float(str(row["rate_per_year"])), np.finfo(np.float64).tiny)
    share = 1.0 if kind in SHAKEN else float(str(row["severity_frac"]))
    length = float(str(row["duration_h"])) * (params.access_frac if access_frac is None else access_frac)
    parts = []
    for part in range(PARTS):
        # Which quarter an asset is in goes by its place in the list, so that quarters lie evenly in the circle.
        own = np.modf((member + 1.0) * GOLDEN)[0] // (1.0 / PARTS) == part
        print_ = Footprint(1.0 / rate, member[own], value[own])
        hazard = damage_hazard(
            f"{name}-{part + 1}", kind, [print_], CLASS_NAMES, made.network.asset_class, curves=curves, which=which,
            access_h=0.0 if kind == "heat" else length * (part + 0.5) / PARTS,
        )  # fmt: skip
        chance = np.asarray(hazard.levels[0].chance_frac) * share
        if struck_frac is not None:
            chance = np.full(own.sum(), struck_frac)
        parts.append(replace(hazard, levels=(replace(hazard.levels[0], chance_frac=chance),)))
    return parts


def feeder_hazards(
    row: Mapping[str, object], made: StressPlan, params: StressParams, *, fail_frac: float | None = None,
    struck_frac: float | None = None, access_frac: float | None = None,
) -> list[Hazard]:  # fmt: skip
    """Return the feeders that a hazard takes down with the sites it reaches, as one hazard; none where it takes none.

    A supply zone fails with ``fail_frac`` times the share of its sites in the circle times the share struck there, so
    that a site reached loses its feeder with chance ``fail_frac``.  Feeders come back evenly while crews get in.
    """
    network = made.network
    if str(row["kind"]) not in FEEDER_KINDS or not network.n_zones:
        return []
    of_zone = np.where(network.is_site, network.zone, -1)
    member, _ = _reach(row, made, "sites")
    reached = np.bincount(of_zone[member][of_zone[member] >= 0], minlength=network.n_zones)
    n_sites = np.bincount(of_zone[of_zone >= 0], minlength=network.n_zones)
    struck = float(str(row["severity_frac"])) if struck_frac is None else struck_frac
    chance = reached / np.maximum(n_sites, 1) * struck * (params.feeder_fail_frac if fail_frac is None else fail_frac)
    zone = np.flatnonzero(chance > 0.0)
    length = float(str(row["duration_h"])) * (params.access_frac if access_frac is None else access_frac)
    if not zone.size or length <= 0.0:
        return []
    back = np.modf((zone + 1.0) * GOLDEN)[0]
    rate = max(float(str(row["rate_per_year"])), np.finfo(np.float64).tiny)
    level = Level(rate, zone, chance[zone], value=back, duration_h=length)
    return [Hazard(f"{row['hazard_id']}-feeders", str(row["kind"]), "grid", (level,))]


def grid_hazard(made: StressPlan, params: StressParams, rate_per_year: float, hours: float, sigma: float) -> Hazard:
    """Return a failure of the whole grid: zones have supply again one after another, the last at its end."""
    n = made.network.n_zones
    back = np.modf((np.arange(n) + 1.0) * GOLDEN)[0]
    value = params.grid_first_back_frac + (1.0 - params.grid_first_back_frac) * back
    level = Level(rate_per_year, np.arange(n), value=value, duration_h=hours, duration_sigma_ratio=sigma)
    return Hazard(GRID, "grid_failure", "grid", (level,))


def _steady(made: StressPlan, params: StressParams) -> list[Hazard]:
    """Return what is always at work: shedding of feeders and cuts of fibre."""
    found = []
    off = np.minimum(made.zone_outage_h_per_day / HOURS_PER_DAY, 1.0)
    zone = np.flatnonzero(off > 0.0)
    if zone.size:
        mean = made.zone_outage_h_per_day[zone] / params.outages_per_day
        level = Level(0.0, zone, off[zone], value=mean)
        found.append(Hazard(SHEDDING, "feeder", "shedding", (level,), is_steady=True))
    n = made.network.n_nodes
    is_fibre = np.isin(made.network.asset_class[n:], (BURIED, AERIAL))
    link = n + np.flatnonzero(is_fibre & (made.length_km[n:] > 0.0))
    if link.size:
        longest = float(made.length_km[link].max())
        per_year = longest / KM_PER_1000 * params.cuts_per_1000_km_per_year
        level = Level(per_year, link, made.length_km[link] / longest)
        found.append(Hazard(CUTS, "cut", "damage", (level,), is_steady=True, has_crews=False, repair_h=params.repair_h))
    return found


def hazards_of(
    tables: Tables, made: StressPlan, params: StressParams
) -> tuple[list[Hazard], dict[tuple[str, str], float]]:
    """Return all hazards of a plan and the correlations of their latent numbers.

    Hazards of kinds ``cut`` and ``cable_cut`` are left to the fibre's own cuts, so that nothing counts twice.
    """
    curves = fragility_of(tables["fragility_curves"], tables["fragility_points"])
    found = _steady(made, params)
    rows = tables["hazards"].sort("hazard_id")
    floods: list[list[str]] = []
    pairs: dict[tuple[str, str], float] = {}
    for row in rows.filter(pl.col("kind").is_in(DAMAGING)).iter_rows(named=True):
        if not any(curves.of(name, row["kind"]) for name in CLASS_NAMES):
            continue
        parts = damage_hazards(row, made, curves, params) + feeder_hazards(row, made, params)
        names = [part.hazard_id for part in parts]
        pairs |= {(a, b): TOGETHER for i, a in enumerate(names) for b in names[i + 1 :]}
        if row["kind"] == "flood" and names:
            floods.append(names)
        found += parts
    for i, one in enumerate(floods):
        for other in floods[i + 1 :]:
            pairs |= {(a, b): params.flood_correlation_frac * TOGETHER for a in one for b in other}
    grid = rows.filter(pl.col("kind") == "grid_failure")
    if grid.height and made.network.n_zones:
        rate = float(grid["rate_per_year"].sum())
        hours = float(np.average(grid["duration_h"].to_numpy(), weights=grid["rate_per_year"].to_numpy()))
        found.append(grid_hazard(made, params, rate, hours, params.grid_sigma_ratio))
    return found + _common_causes(made, params), pairs


TOGETHER = 0.999  # the quarters of one hazard happen together; one would make the matrix singular


def _common_causes(made: StressPlan, params: StressParams) -> list[Hazard]:
    """Return shortages of fuel and faults of one vendor's equipment."""
    found = []
    if params.fuel_shortage_per_year > 0.0:
        level = Level(
            params.fuel_shortage_per_year, duration_h=params.fuel_shortage_h, generator_cap_h=params.fuel_cap_h
        )
        found.append(Hazard(FUEL, "fuel", "fuel", (level,)))
    if params.vendor_fault_per_year > 0.0:
        vendor = vendor_of_sites(made, params)
        for number, name in enumerate(VENDORS):
            member = np.flatnonzero(vendor == number)
            if member.size:
                level = Level(params.vendor_fault_per_year, member, duration_h=params.vendor_fault_h)
                found.append(Hazard(f"vendor-{name}", "vendor", "outage", (level,)))
    return found


def people_of_region(made: StressPlan, region: str | None) -> StressPlan:
    """Return the plan with the people of one region alone; of all without a region."""
    if region is None:
        return made
    inside = np.array([name == region for name in made.place_region])
    network = made.network
    some = changed(network, people=np.where(inside, network.people, 0.0), mbps=np.where(inside, network.mbps, 0.0))
    return replace(made, network=some)
