"""Parameters of the access engine; sources and ranges stand in the engine's README."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class AccessParams(Params):
    """What the choice of technology and fibre assumes beyond the catalogue."""

    # The service that every place is to have.
    service_target_mbps: float = Field(
        20.0, ge=0.1, le=1000.0, description="Busy-hour rate of an active household in the last year."
    )
    simultaneity_frac: float = Field(
        0.10, gt=0.0, le=1.0, description="Share of connected households active together in the busy hour."
    )
    take_up_frac: float = Field(
        0.30, gt=0.0, le=1.0, description="Share of households passed or covered that take a home line."
    )
    unmet_usd_per_household_usd: float = Field(
        980.0, ge=0.0, description="What leaving one household without the target counts as, times the share unmet."
    )
    # Money.
    discount_frac_per_year: float = Field(0.071, ge=0.0, le=0.5, description="Real discount rate.")
    horizon_years: float = Field(15.0, ge=1.0, le=50.0, description="Years over which cost of ownership is summed.")
    budget_usd: float = Field(0.0, ge=0.0, description="Most capital of the whole plan; 0 means no limit.")
    # Programme: zero takes the value of the table `targets`, where it has one.
    passed_target_households: float = Field(
        0.0, ge=0.0, description="Households to be passed by fibre by the due date; 0 reads the table of targets."
    )
    site_fibre_target_frac: float = Field(
        0.0, ge=0.0, le=1.0, description="Share of cell sites to be on fibre; 0 reads the table of targets."
    )
    is_target_strict: bool = Field(default=False, description="Raise an error where a target is missed, not a note.")
    sites_growth_frac_per_year: float = Field(
        0.041, ge=0.0, le=0.5, description="Growth of the base of cell sites where no series is published."
    )
    n_premium_rounds: int = Field(4, ge=0, le=40, description="Quick solves in the search for the premiums.")
    # Fibre on the ground.
    segment_km: float = Field(
        2.0, ge=0.2, le=20.0, description="Longest piece of a right of way between branch points."
    )
    n_connectors: int = Field(3, ge=1, le=8, description="Nearest branch points to which a place may be joined.")
    n_neighbours: int = Field(3, ge=0, le=8, description="Nearest other places to which a place may be joined.")
    connector_max_km: float = Field(40.0, ge=1.0, le=300.0, description="Longest connector from a way to a place.")
    connector_detour_ratio: float = Field(1.2, ge=1.0, le=3.0, description="Connector fibre over great circle.")
    hill_cost_ratio: float = Field(1.3, ge=1.0, le=5.0, description="Price of fibre in hills over plains.")
    mountain_cost_ratio: float = Field(1.8, ge=1.0, le=10.0, description="Price of fibre in mountains over plains.")
    distribution_ratio: float = Field(
        0.7, ge=0.1, le=3.0, description="Street cable for each household over the mean spacing of households."
    )
    node_households: float = Field(8000.0, ge=100.0, description="Households passed from one line-terminal node.")
    split_households: float = Field(32.0, ge=4.0, le=128.0, description="Households behind one optical port.")
    fibre_product_mbps: float = Field(100.0, ge=1.0, le=10_000.0, description="Rate sold on fibre in the last year.")
    fibre_product_base_mbps: float = Field(18.0, ge=0.1, description="Rate of a fixed line in the base year.")
    # Radio.
    cell_4g_radius_km: float = Field(5.0, ge=0.2, le=30.0, description="Reach of a 4G site in the open.")
    cell_5g_radius_km: float = Field(1.2, ge=0.1, le=10.0, description="Reach of 5G near 3.5 GHz to a telephone.")
    fwa_radius_km: float = Field(3.0, ge=0.2, le=20.0, description="Reach of 5G to a terminal at a window or wall.")
    max_carriers_per_site_count: float = Field(2.0, ge=1.0, le=10.0, description="4G carriers that one site can add.")
    peak_4g_mbps: float = Field(45.0, ge=1.0, description="Busy-hour rate of a lone 4G user at the median place.")
    peak_5g_mbps: float = Field(200.0, ge=1.0, description="Busy-hour rate of a lone 5G telephone user.")
    peak_fwa_mbps: float = Field(300.0, ge=1.0, description="Busy-hour rate of a lone fixed-wireless user.")
    small_site_mbps: float = Field(40.0, ge=1.0, description="Demand up to which a low-cost rural site is enough.")
    hop_max_km: float = Field(30.0, ge=1.0, le=100.0, description="Longest microwave hop.")
    n_hops_max: int = Field(2, ge=1, le=6, description="Most microwave hops to a new site.")
    # Community Wi-Fi.
    wifi_radius_km: float = Field(0.25, ge=0.05, le=2.0, description="Reach of one outdoor kit.")
    wifi_kit_households: float = Field(40.0, ge=1.0, description="Households that one kit serves.")
    wifi_max_households: float = Field(300.0, ge=1.0, description="Largest place served by community Wi-Fi.")
    wifi_backhaul_max_km: float = Field(10.0, ge=0.5, le=50.0, description="Longest small microwave link to a site.")
    wifi_peak_mbps: float = Field(30.0, ge=1.0, description="Rate of a lone user of community Wi-Fi.")
    # Delay and availability of the access link itself; supply of power comes from the power engine.
    fibre_latency_ms: float = Field(5.0, ge=0.1, description="Round trip to the operator's edge on fibre.")
    radio_5g_latency_ms: float = Field(15.0, ge=1.0, description="The same on 5G.")
    radio_4g_latency_ms: float = Field(40.0, ge=1.0, description="The same on 4G.")
    wifi_latency_ms: float = Field(25.0, ge=1.0, description="The same on community Wi-Fi with its link.")
    fibre_availability_frac: float = Field(0.998, ge=0.5, le=1.0, description="Availability of the line, power aside.")
    radio_availability_frac: float = Field(0.997, ge=0.5, le=1.0, description="Availability of radio, power aside.")
    wifi_availability_frac: float = Field(0.98, ge=0.5, le=1.0, description="Availability of Wi-Fi, power aside.")
