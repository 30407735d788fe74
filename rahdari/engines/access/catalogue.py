"""Prices of the catalogue as arrays, and what one unit costs over the horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.methods.finance import annuity_factor, discount_factor, replacement_factor

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

NEEDED = (
    "fibre_buried_km",
    "fibre_aerial_km",
    "fibre_urban_km",
    "gpon_node",
    "gpon_olt_household",
    "gpon_pole_line_km",
    "gpon_connection",
    "xgs_pon_olt_household",
    "radio_4g_carrier",
    "radio_5g_carrier",
    "radio_site_civils",
    "radio_4g_small_site",
    "fwa_terminal",
    "microwave_hop",
    "microwave_hop_small",
    "satellite_terminal",
    "satellite_terminal_business",
    "wifi_community_kit",
    "site_fibre_node",
)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Unit prices of the equipment that the engine buys, index by index of :data:`NEEDED`; all arrays (e,)."""

    capex_usd: FloatArray
    capex_low_usd: FloatArray
    capex_high_usd: FloatArray
    opex_usd_per_year: FloatArray
    replacement_usd: FloatArray
    tco_usd: FloatArray
    capacity_mbps: FloatArray
    annuity_years: float
    rate_frac_per_year: float
    horizon_years: float
    life_years: FloatArray

    def index(self, equipment_id: str) -> int:
        """Return the position of one item."""
        return NEEDED.index(equipment_id)

    def unit_tco_usd(self, equipment_id: str) -> float:
        """Return capital, replacements less residual, and operation of one unit over the horizon."""
        return float(self.tco_usd[self.index(equipment_id)])

    def standing_tco_usd(self, equipment_id: str) -> float:
        """Return what keeping one unit costs that stands today in the middle of its life: renewals and operation."""
        at = self.index(equipment_id)
        life = float(self.life_years[at])
        left = self.horizon_years - 0.5 * life
        operation = float(self.opex_usd_per_year[at]) * self.annuity_years
        if left <= 0.0:
            return operation
        renewed = 1.0 + replacement_factor(self.rate_frac_per_year, life, left)
        later = float(discount_factor(self.rate_frac_per_year, 0.5 * life))
        return operation + float(self.capex_usd[at]) * later * renewed

    def capacity(self, equipment_id: str) -> float:
        """Return the busy-hour capacity of one unit, Mbit/s."""
        return float(self.capacity_mbps[self.index(equipment_id)])


def read_catalogue(equipment: pl.DataFrame, rate_frac_per_year: float, horizon_years: float) -> Catalogue:
    """Return the prices; every missing item is named in one :class:`InputError`."""
    by_id = {row["equipment_id"]: row for row in equipment.iter_rows(named=True)}
    missing = [name for name in NEEDED if name not in by_id]
    if missing:
        cure = "add the rows to equipment.csv; the common catalogue has them"
        raise InputError([Problem(f"the catalogue has no '{name}'", cure, "equipment") for name in missing])
    rows = [by_id[name] for name in NEEDED]

    def column(name: str) -> FloatArray:
        return np.array([float(row[name]) for row in rows])

    capex = column("capex_usd")
    opex = capex * column("opex_frac_per_year") + column("opex_usd_per_year")
    factors = [replacement_factor(rate_frac_per_year, float(row["life_years"]), horizon_years) for row in rows]
    replacement = capex * np.array(factors)
    annuity = annuity_factor(rate_frac_per_year, horizon_years)
    return Catalogue(
        capex_usd=capex,
        capex_low_usd=column("capex_low_usd"),
        capex_high_usd=column("capex_high_usd"),
        opex_usd_per_year=opex,
        replacement_usd=replacement,
        tco_usd=capex + replacement + opex * annuity,
        capacity_mbps=column("capacity_mbps"),
        annuity_years=annuity,
        rate_frac_per_year=rate_frac_per_year,
        horizon_years=horizon_years,
        life_years=column("life_years"),
    )
