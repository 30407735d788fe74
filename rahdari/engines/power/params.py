"""Parameters of the power engine; every range says how far the value is uncertain."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rahdari.model import Params


class PowerParams(Params):
    """Outages, backup, loads, fuel, sizing and the programme."""

    default_outage_h_per_day: float = Field(
        3.0, ge=0.0, le=24.0, description="Hours without supply where no grid company is known, assumed"
    )
    default_heavy_feeder_frac: float = Field(
        0.1755, ge=0.0, le=1.0, description="Feeders above 10 h a day where no company is known: 2,223 of 12,665, 2026"
    )
    heavy_outage_h_per_day: float = Field(
        15.0, ge=10.0, le=22.0, description="Mean outage on feeders above 10 h: bands of 12, 16 and 20 h, PESCO 2024"
    )
    sites_per_feeder_count: float = Field(
        4.6, ge=1.0, le=100.0, description="Cell sites on one feeder: 58,423 sites over 12,665 feeders"
    )
    quick_sites_per_feeder_count: float = Field(
        24.0, ge=1.0, le=500.0, description="The same in quick detail, so that fewer feeders are drawn; assumed"
    )
    mean_outage_h: float = Field(2.0, ge=1.0, le=8.0, description="Mean length of one outage by shedding, assumed")
    shared_outage_frac: float = Field(
        0.3, ge=0.0, le=1.0, description="Share of a feeder's hours drawn for its whole company, assumed"
    )
    collapses_per_year: float = Field(
        0.4, ge=0.0, le=2.0, description="National grid failures: January 2021 and January 2023 in five years"
    )
    collapse_h: float = Field(
        18.0, ge=4.0, le=36.0, description="Hours until the grid is back; 23 January 2023 took 14 h and more"
    )
    battery_kind: Literal["lithium", "lead_acid"] = Field(
        "lead_acid", description="Batteries that stand at sites today, assumed; new ones are lithium"
    )
    generator_tank_h: float = Field(
        8.0, ge=2.0, le=48.0, description="Hours a generator runs without refuelling; press on 23 January 2023"
    )
    offgrid_tank_h: float = Field(
        96.0, ge=8.0, le=500.0, description="The same off the grid, where the generator is the supply, assumed"
    )
    refuel_delay_h: float = Field(
        6.0, ge=0.0, le=96.0, description="Hours from half a tank's order of fuel to its arrival, assumed"
    )
    refuel_order_frac: float = Field(0.5, ge=0.05, le=0.95, description="Tank level that orders a trip, assumed")
    theft_frac: float = Field(0.05, ge=0.0, le=0.5, description="Share of fuel bought that is stolen, assumed")
    generator_failure_frac: float = Field(
        0.05, ge=0.0, le=0.3, description="Share of starts in which a generator fails, assumed"
    )
    generator_repair_h: float = Field(
        6.0, ge=0.0, le=72.0, description="Hours until a generator that failed can start again, assumed"
    )
    generator_start_frac: float = Field(
        0.8, ge=0.5, le=1.0, description="Charge of the battery at which the generator starts, assumed"
    )
    generator_rated_ratio: float = Field(
        3.0, ge=1.5, le=6.0, description="Generator rating over mean load: sets of 8 to 15 kW are usual, assumed"
    )
    fuel_idle_l_per_kwh: float = Field(
        0.08415, ge=0.03, le=0.1, description="Litres an hour per kW of rating, Skarstein and Uhlen 1989"
    )
    fuel_load_l_per_kwh: float = Field(
        0.246, ge=0.2, le=0.3, description="Litres per kWh of output, Skarstein and Uhlen 1989"
    )
    site_overhead_ratio: float = Field(
        1.3, ge=1.0, le=2.5, description="Cooling and conversion over the radio's own energy, assumed"
    )
    legacy_load_kw: float = Field(
        0.8, ge=0.0, le=3.0, description="2G, 3G and transmission beside the 4G cells of a site, assumed"
    )
    load_2g_kw: float = Field(1.2, ge=0.5, le=3.0, description="Mean load of a 2G site, assumed")
    load_3g_kw: float = Field(1.6, ge=0.8, le=4.0, description="Mean load of a 3G site, assumed")
    load_4g_kw: float = Field(
        2.5, ge=1.5, le=6.0, description="Mean load of a 4G site where the radio engine gives none: 1.5 to 4 kW rural"
    )
    load_5g_kw: float = Field(
        5.5, ge=3.0, le=10.0, description="Mean load of a site with 5G where the radio engine gives none; up to 10 kW"
    )
    load_other_kw: float = Field(5.0, ge=1.0, le=50.0, description="Mean load of exchanges and other sites, assumed")
    published_base_n_sites: int = Field(
        50_000, ge=1_000, le=200_000, description="Sites implied by 21,000 exposed at 42 % without generator, 2025"
    )
    published_diesel_l_per_year: float = Field(
        1.2e9, ge=1e6, le=1e10, description="Diesel of towers as reported in 2023; 57 l per site and day: upper bound"
    )
    target_availability_pct: float = Field(
        99.95, ge=90.0, le=100.0, description="Share of hours with power that designs are sized for, assumed"
    )
    diesel_usd_per_l: float = Field(1.19, ge=0.3, le=3.0, description="Diesel, PKR 336 a litre, March 2026")
    tariff_usd_per_kwh: float = Field(
        0.161, ge=0.03, le=0.5, description="Commercial tariff, PKR 45.43 a kWh, fiscal year 2026"
    )
    pv_usd_per_kwp: float = Field(440.0, ge=100.0, le=2000.0, description="Panels installed, PKR 80-170 a watt, 2026")
    lithium_usd_per_kwh: float = Field(220.0, ge=80.0, le=600.0, description="Lithium battery installed, assumed")
    generator_usd: float = Field(3000.0, ge=0.0, le=20_000.0, description="Generator of any size, installed, assumed")
    generator_usd_per_kw: float = Field(350.0, ge=100.0, le=1500.0, description="Generator by rating, assumed")
    visit_usd: float = Field(400.0, ge=0.0, le=5000.0, description="Crew and cabling for one site, assumed")
    budget_usd_per_year: float = Field(
        20e6, ge=0.0, le=1e10, description="Money of the programme for exposed sites in each year, assumed"
    )
    running_years: float = Field(
        5.0, ge=0.0, le=20.0, description="Years of an option's fuel that the programme sets aside, assumed"
    )
