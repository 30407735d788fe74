"""Parameters of the stress engine."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class StressParams(Params):
    """What the stress model assumes; ranges and sources stand in the engine's README."""

    cuts_per_1000_km_per_year: float = Field(
        default=2.7, ge=0.1, le=20.0, description="Cuts of a regional fibre in a year, for each 1,000 km."
    )
    cuts_low_per_1000_km_per_year: float = Field(default=1.0, ge=0.1, le=20.0, description="Low end of the cut rate.")
    cuts_high_per_1000_km_per_year: float = Field(default=6.0, ge=0.1, le=20.0, description="High end of the cut rate.")
    repair_h: float = Field(default=12.0, ge=1.0, le=240.0, description="Mean time from a cut to its repair.")
    route_ratio: float = Field(
        default=1.5, ge=1.0, le=4.0, description="Fibre length over great circle from a place to its nearest city."
    )
    long_outage_h_per_year: float = Field(
        default=100.0, ge=1.0, le=8766.0, description="Yearly outage above which people are counted as badly served."
    )
    grid_failure_h: float = Field(
        default=14.0, ge=1.0, le=72.0, description="Length of a national grid failure whose length is not published."
    )
    power_uncertainty_ratio: float = Field(
        default=2.0,
        ge=1.0,
        le=5.0,
        description="How many times longer or shorter the dark hours of power may truly be.",
    )
    n_runs_quick: int = Field(default=2048, ge=64, le=1_000_000, description="Monte Carlo runs of a quick plan.")
    n_runs_full: int = Field(default=8192, ge=64, le=1_000_000, description="Monte Carlo runs of a full plan.")
    battery_low_ratio: float = Field(
        default=0.7, gt=0.0, le=1.0, description="Battery hours at the pessimistic end of a replay over those stated."
    )
    battery_high_ratio: float = Field(
        default=1.3, ge=1.0, le=3.0, description="Battery hours at the optimistic end of a replay over those stated."
    )
    n_draws: int = Field(default=8, ge=1, le=1024, description="Draws of each of three settings of a named event.")
    sites_needed_frac: float = Field(
        default=0.5, gt=0.0, le=1.0, description="Share of its sites below which a place is without service."
    )
    outages_per_day: float = Field(
        default=4.0, ge=0.5, le=24.0, description="Feeder outages in a day, as engine power takes them."
    )
    start_fail_frac: float = Field(
        default=0.03, ge=0.0, le=0.5, description="Share of starts at which a standby generator does not start."
    )
    grid_first_back_frac: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="Share of a grid failure after which the first zones have supply again.",
    )
    grid_sigma_ratio: float = Field(
        default=0.5, ge=0.0, le=1.5, description="Log-normal spread of the length of a grid failure to come."
    )
    crews_per_1000_sites: float = Field(
        default=15.0, ge=0.1, le=200.0, description="Repair crews for each 1,000 sites of a region."
    )
    crew_travel_h: float = Field(default=3.0, ge=0.0, le=48.0, description="Hours a crew travels to a job.")
    access_frac: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Share of a hazard's length over which access comes back, evenly."
    )
    access_low_frac: float = Field(default=0.25, ge=0.0, le=1.0, description="Low end of that share.")
    access_high_frac: float = Field(default=1.0, ge=0.0, le=1.0, description="High end of that share.")
    feeder_fail_frac: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Chance that a site reached by flood, slide or quake loses its feeder."
    )
    feeder_fail_low_frac: float = Field(default=0.2, ge=0.0, le=1.0, description="Low end of that chance.")
    feeder_fail_high_frac: float = Field(default=0.8, ge=0.0, le=1.0, description="High end of that chance.")
    mobile_usd_per_month: float = Field(
        default=2.0,
        ge=0.0,
        le=100.0,
        description="Revenue of a mobile line; the fact series arpu_mobile takes its place.",
    )
    mobile_lines_per_person_ratio: float = Field(
        default=0.8,
        ge=0.0,
        le=3.0,
        description="Mobile lines of a person; the fact series mobile_subscribers takes its place.",
    )
    fixed_usd_per_month: float = Field(
        default=14.0, ge=0.0, le=200.0, description="Revenue of a fixed line; counted where ftth_subscribers is a fact."
    )
    revenue_low_ratio: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Revenue lost at the low end over pro rata: half is spent later."
    )
    revenue_high_ratio: float = Field(
        default=2.0, ge=1.0, le=10.0, description="At the high end: outages fall in busy hours, and refunds are paid."
    )
    flood_depth_m: float = Field(
        default=1.5, ge=0.1, le=10.0, description="Depth of water at assets that a flood reaches."
    )
    quake_pga_g: float = Field(
        default=0.4, ge=0.05, le=2.0, description="Peak ground acceleration at the centre of a strong earthquake."
    )
    quake_edge_frac: float = Field(
        default=0.25, ge=0.0, le=1.0, description="Acceleration at the edge of an earthquake's reach over its centre."
    )
    landslide_value: float = Field(
        default=0.6, ge=0.0, le=1.0, description="Susceptibility of slopes that a landslide hazard reaches."
    )
    heat_c: float = Field(default=52.0, ge=30.0, le=70.0, description="Air temperature at the centre of a heat wave.")
    flood_correlation_frac: float = Field(
        default=0.5, ge=0.0, le=0.95, description="Correlation of floods with one another: one monsoon feeds them."
    )
    fuel_shortage_per_year: float = Field(default=0.2, ge=0.0, le=10.0, description="Fuel shortages in a year.")
    fuel_shortage_h: float = Field(default=120.0, ge=1.0, le=720.0, description="Length of a fuel shortage.")
    fuel_cap_h: float = Field(
        default=4.0, ge=0.0, le=48.0, description="Hours a generator still runs in an outage during a fuel shortage."
    )
    vendor_a_frac: float = Field(
        default=0.5,
        ge=0.0,
        le=1.0,
        description="Share of sites with equipment of vendor A; an input, none is published.",
    )
    vendor_b_frac: float = Field(default=0.3, ge=0.0, le=1.0, description="Share of sites of vendor B.")
    vendor_c_frac: float = Field(default=0.2, ge=0.0, le=1.0, description="Share of sites of vendor C.")
    vendor_fault_per_year: float = Field(
        default=0.05, ge=0.0, le=10.0, description="Faults in a year that take all sites of one vendor out together."
    )
    vendor_fault_h: float = Field(default=8.0, ge=0.1, le=168.0, description="Length of such a fault.")
    more_battery_h: float = Field(default=4.0, ge=0.5, le=48.0, description="Hours of battery that hardening adds.")
    site_load_kw: float = Field(default=2.5, ge=0.5, le=20.0, description="Load that added battery carries.")
    hardened_damage_ratio: float = Field(
        default=0.3, ge=0.0, le=1.0, description="Chance of damage left after a site is raised or braced."
    )
    raise_site_usd: float = Field(
        default=4000.0, ge=0.0, le=200_000.0, description="Cost of raising and bracing a site's equipment."
    )
    bury_fibre_km_usd: float = Field(
        default=12000.0, ge=0.0, le=200_000.0, description="Cost of laying a kilometre of fibre deeper or again."
    )
