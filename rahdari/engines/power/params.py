"""Parameters of the power engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class PowerParams(Params):
    """Outages, backup, loads and fuel."""

    default_outage_h_per_day: float = Field(
        3.0, ge=0.0, le=24.0, description="Hours without supply where no grid company is known, assumed"
    )
    default_heavy_feeder_frac: float = Field(
        0.1755, ge=0.0, le=1.0, description="Feeders above 10 h a day where no company is known: 2,223 of 12,665, 2026"
    )
    heavy_outage_h_per_day: float = Field(
        15.0, ge=10.0, le=22.0, description="Mean outage on feeders above 10 h: bands of 12, 16 and 20 h, PESCO 2024"
    )
    outages_per_day_count: float = Field(
        4.0, ge=1.0, le=12.0, description="Outages a day, each exponential; fewer means longer ones, assumed"
    )
    collapses_per_year: float = Field(
        0.4, ge=0.0, le=2.0, description="National grid failures: January 2021 and January 2023 in five years"
    )
    collapse_h: float = Field(
        18.0, ge=4.0, le=36.0, description="Hours until the grid is back; 23 January 2023 took 14 h and more"
    )
    generator_tank_h: float = Field(
        8.0, ge=2.0, le=48.0, description="Hours a generator runs without refuelling; press on 23 January 2023"
    )
    generator_failure_frac: float = Field(
        0.05, ge=0.0, le=0.3, description="Share of outages in which a generator fails or has no fuel, assumed"
    )
    generator_start_h: float = Field(
        1.0, ge=0.0, le=4.0, description="Hours on battery before the generator starts, assumed"
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
    offgrid_availability_frac: float = Field(
        0.98, ge=0.8, le=0.9999, description="Availability of sites without grid, sized for it, assumed"
    )
    offgrid_generator_h_per_day: float = Field(
        12.0, ge=0.0, le=24.0, description="Generator hours of an off-grid hybrid site, assumed"
    )
    load_2g_kw: float = Field(1.2, ge=0.5, le=3.0, description="Mean load of a 2G site, assumed")
    load_3g_kw: float = Field(1.6, ge=0.8, le=4.0, description="Mean load of a 3G site, assumed")
    load_4g_kw: float = Field(2.5, ge=1.5, le=6.0, description="Mean load of a 4G site: 1.5 to 4 kW rural, 6 shared")
    load_5g_kw: float = Field(5.5, ge=3.0, le=10.0, description="Mean load of a site with 5G: up to 10 kW reported")
    load_other_kw: float = Field(5.0, ge=1.0, le=50.0, description="Mean load of exchanges and other sites, assumed")
    published_base_n_sites: int = Field(
        50_000, ge=1_000, le=200_000, description="Sites implied by 21,000 exposed at 42 % without generator, 2025"
    )
    published_diesel_l_per_year: float = Field(
        1.2e9, ge=1e6, le=1e10, description="Diesel of towers as reported in 2023; 57 l per site and day: upper bound"
    )
