"""Parameters of the transit engine."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class TransitParams(Params):
    """What the transit model assumes; ranges and sources stand in the engine's README."""

    price_usd_per_mbps_month: float = Field(
        default=2.0, ge=0.05, le=500.0, description="Price of crossing the country with landing, one Mbit/s a month."
    )
    price_low_usd_per_mbps_month: float = Field(default=0.5, ge=0.05, le=500.0, description="Low end of the price.")
    price_high_usd_per_mbps_month: float = Field(default=6.0, ge=0.05, le=500.0, description="High end of the price.")
    price_year: int = Field(default=2025, ge=2015, le=2060, description="Year of all prices of legs.")
    erosion_frac_per_year: float = Field(
        default=0.13, ge=0.0, le=0.9, description="Fall of prices a year; 13 % published for 100 Gbit/s, 2020 to 2023."
    )
    erosion_low_frac_per_year: float = Field(default=0.06, ge=0.0, le=0.9, description="Slow fall of prices.")
    erosion_high_frac_per_year: float = Field(default=0.20, ge=0.0, le=0.9, description="Fast fall of prices.")
    take_up_frac: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Share of the crossing's idle capacity that is sold for transit."
    )
    take_up_low_frac: float = Field(default=0.1, ge=0.0, le=1.0, description="Low end of that share.")
    take_up_high_frac: float = Field(default=1.0, ge=0.0, le=1.0, description="High end of that share.")
    start_year: int = Field(default=2026, ge=2015, le=2060, description="First year in which transit is sold.")
    ramp_years: float = Field(default=5.0, ge=0.5, le=20.0, description="Years until the share of the market is won.")
    growth_years: float = Field(default=5.0, ge=0.0, le=30.0, description="Years after which growth halves.")
    horizon_years: int = Field(default=10, ge=1, le=40, description="Years of the business case after the base year.")
    rtt_weight_ratio: float = Field(default=1.0, ge=0.0, le=10.0, description="Elasticity of choice to round trip.")
    price_weight_ratio: float = Field(default=1.5, ge=0.0, le=10.0, description="Elasticity of choice to price.")
    diversity_weight_ratio: float = Field(
        default=1.5, ge=0.0, le=10.0, description="Pull of a way that removes all joint downtime, as a logarithm."
    )
    cuts_per_1000_km_per_year: float = Field(default=2.7, ge=0.0, le=50.0, description="Cuts of fibre on land.")
    cuts_low_per_1000_km_per_year: float = Field(default=1.0, ge=0.0, le=50.0, description="Low end of the cuts.")
    cuts_high_per_1000_km_per_year: float = Field(default=6.0, ge=0.0, le=50.0, description="High end of the cuts.")
    repair_h: float = Field(default=12.0, ge=0.1, le=2000.0, description="Mean repair on land.")
    repair_low_h: float = Field(default=4.0, ge=0.1, le=2000.0, description="Low end of the repair on land.")
    repair_high_h: float = Field(default=24.0, ge=0.1, le=2000.0, description="High end of the repair on land.")
    faults_per_1000_km_per_year: float = Field(
        default=0.135, ge=0.0, le=10.0, description="Faults of sea cables; 200 a year on 1.48 million km published."
    )
    faults_low_per_1000_km_per_year: float = Field(default=0.08, ge=0.0, le=10.0, description="Low end of the faults.")
    faults_high_per_1000_km_per_year: float = Field(default=0.2, ge=0.0, le=10.0, description="High end of the faults.")
    sea_repair_h: float = Field(
        default=600.0, ge=1.0, le=10000.0, description="Mean repair at sea; 20 to 30 days published for 2013 to 2019."
    )
    sea_repair_low_h: float = Field(default=480.0, ge=1.0, le=10000.0, description="Low end of the repair at sea.")
    sea_repair_high_h: float = Field(default=720.0, ge=1.0, le=10000.0, description="High end of the repair at sea.")
    wavelength_gbps: float = Field(default=100.0, ge=1.0, le=2000.0, description="Rate of one wavelength sold.")
    discount_frac_per_year: float = Field(default=0.071, ge=0.0, le=0.5, description="Real discount rate.")
    capex_fixed_usd: float = Field(
        default=5e6, ge=0.0, le=1e10, description="Capital before the first sale: landings, presence at hubs."
    )
    capex_new_fibre_usd: float = Field(
        default=240e6,
        ge=0.0,
        le=1e10,
        description="Capital of new fibre Rawalpindi - Karachi - Gwadar, published 2021.",
    )
    capex_usd_per_gbps: float = Field(
        default=1500.0, ge=0.0, le=1e6, description="Capital to light one more Gbit/s end to end across the country."
    )
    opex_usd_per_year: float = Field(default=1.5e6, ge=0.0, le=1e9, description="Yearly cost of running transit.")
    imported_cost_frac: float = Field(default=0.6, ge=0.0, le=1.0, description="Share of costs paid in foreign money.")
    credit_ratio: float = Field(
        default=4.0, ge=0.0, le=100.0, description="Credits to buyers for an hour of outage, in hours of its revenue."
    )
    claim_before_ms: float = Field(default=120.0, ge=0.0, le=1000.0, description="Published delay before the corridor.")
    claim_after_ms: float = Field(default=20.0, ge=0.1, le=1000.0, description="Published delay with the corridor.")
