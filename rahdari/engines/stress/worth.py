"""What each dollar and rupee of hardening buys: by class of assets, never by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.stress.graph import AERIAL, BURIED, EXCHANGE, TOWER
from rahdari.engines.stress.hazards import CUTS
from rahdari.methods.cascade import changed
from rahdari.methods.stress_runs import Hardening, more_battery, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rahdari.engines.stress.graph import StressPlan
    from rahdari.engines.stress.params import StressParams
    from rahdari.methods.hazard_sampling import Hazard
    from rahdari.model import Context, Tables

BATTERY, GENERATOR = "power_battery_kwh", "power_generator"
PRICES_USD = {BATTERY: 250.0, GENERATOR: 8000.0}  # the common catalogue's, where a country has no row of its own
TANK_H = 8.0  # a generator's hours without refuelling; Dawn, January 2023
PAIRED_RUNS = 256
FREED_FRAC = 0.0  # a way laid again is cut no more: the most that laying could buy


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One hardening, the class of assets it touches, how many, and what it costs."""

    asset_class: str
    what: str
    n_assets: int
    hardening: Hardening


def _prices(equipment: pl.DataFrame) -> dict[str, float]:
    rows = equipment.filter(pl.col("equipment_id").is_in(list(PRICES_USD)))
    return PRICES_USD | dict(rows.select("equipment_id", "capex_usd").iter_rows())


def _calmed(hazards: Sequence[Hazard], keep: NDArray[np.bool_]) -> tuple[Hazard, ...]:
    """Return the hazards with the cuts of fibre that remain."""
    made = []
    for hazard in hazards:
        if hazard.hazard_id == CUTS:
            level = hazard.levels[0]
            chance = np.where(keep[level.member], level.chance_frac, np.asarray(level.chance_frac) * FREED_FRAC)
            made.append(replace(hazard, levels=(replace(level, chance_frac=chance),)))
        else:
            made.append(hazard)
    return tuple(made)


def options(made: StressPlan, hazards: Sequence[Hazard], params: StressParams, equipment: pl.DataFrame) -> list[Option]:
    """Return the hardenings compared: batteries, generators, raised towers and exchanges, and fibre laid again."""
    network, price = made.network, _prices(equipment)
    n = network.n_nodes
    bare = network.is_site & (network.zone >= 0) & (network.generator_h <= 0.0)
    backed = network.is_site & (network.zone >= 0) & (network.generator_h > 0.0)
    kwh = params.more_battery_h * params.site_load_kw
    found = []
    for mask, name in ((bare, "towers without generator"), (backed, "towers with generator")):
        count = int(mask.sum())
        cost = count * kwh * price[BATTERY]
        own = more_battery(network, hazards, mask, params.more_battery_h, cost_usd=cost, name=f"battery, {name}")
        found.append(Option(name, f"{params.more_battery_h:g} h more battery", count, own))
    generator = changed(network, generator_h=np.where(bare, TANK_H, network.generator_h))
    cost = float(bare.sum()) * price[GENERATOR]
    own = Hardening("generator, towers without", cost, generator, tuple(hazards))
    found.append(Option("towers without generator", "a standby generator", int(bare.sum()), own))
    for number, name in ((TOWER, "all towers"), (EXCHANGE, "exchanges and stations")):
        mask = np.zeros(network.n_things, np.bool_)
        mask[:n] = network.asset_class[:n] == number
        ratio = np.where(mask, network.damage_ratio * params.hardened_damage_ratio, network.damage_ratio)
        cost = float(mask.sum()) * params.raise_site_usd
        own = Hardening(f"raised, {name}", cost, changed(network, damage_ratio=ratio), tuple(hazards))
        found.append(Option(name, "raised and braced", int(mask.sum()), own))
    for number, name in ((BURIED, "long-haul and metro fibre"), (AERIAL, "fibre from the way to a site")):
        mask = network.asset_class == number
        cost = float(made.length_km[mask].sum()) * params.bury_fibre_km_usd
        own = Hardening(f"laid again, {name}", cost, network, _calmed(hazards, ~mask))
        found.append(Option(name, "laid deeper, never cut", int(mask.sum()), own))
    return [option for option in found if option.n_assets > 0]


def hardening_rows(
    tables: Tables, made: StressPlan, hazards: Sequence[Hazard], correlations: Mapping[tuple[str, str], float], *,
    params: StressParams, ctx: Context,
) -> list[dict[str, object]]:  # fmt: skip
    """Return rows of ``hardening_value`` from runs with the same draws before and after."""
    single = changed(made.network, services=made.network.services[:1])
    own = replace(made, network=single)
    listed = options(own, hazards, params, tables["equipment"])
    rate = tables["country"].sort("country_id")["exchange_rate_per_usd"]
    per_usd = float(rate[0]) if rate.len() else 1.0
    result = run(
        single, hazards, PAIRED_RUNS, ctx.seed, correlations=correlations,
        hardenings=[option.hardening for option in listed], n_importance_runs=PAIRED_RUNS, map_function=ctx.map,
    )  # fmt: skip
    rows: list[dict[str, object]] = []
    for option, bought in zip(listed, result.importance, strict=True):
        cost_local = bought.cost_usd * per_usd
        rows.append({
            "hardening_id": bought.name, "asset_class": option.asset_class, "what": option.what,
            "n_assets": option.n_assets, "cost_usd": bought.cost_usd, "exchange_rate_per_usd": per_usd,
            "cost_local_value": cost_local, "saved_h_per_year": bought.saved_h_per_year,
            "saved_low_h_per_year": bought.low_h_per_year, "saved_high_h_per_year": bought.high_h_per_year,
            "is_certain": bought.low_h_per_year > 0.0,
            "saved_per_local_value": bought.saved_h_per_year / cost_local if cost_local > 0.0 else 0.0,
        })  # fmt: skip
    return rows
