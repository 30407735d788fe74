"""Parameters of the radio engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class RadioParams(Params):
    """Bands, link budget, terrain, traffic shares, the 5G plan, microwave hops and hubs."""

    frequency_4g_ghz: float = Field(1.8, ge=0.7, le=2.6, description="Main 4G band")
    bandwidth_4g_mhz: float = Field(
        25.0, ge=5.0, le=60.0, description="4G downlink per site: 274 MHz paired over four operators, less 2G and 3G"
    )
    layers_4g_ratio: float = Field(1.6, ge=1.0, le=3.0, description="Rate of 2x2 antennas over one layer, assumed")
    eirp_4g_dbm: float = Field(61.0, ge=55.0, le=66.0, description="46 dBm and 17 dBi less 2 dB feeder")
    frequency_5g_ghz: float = Field(3.5, ge=0.7, le=4.2, description="Main 5G band, auction of March 2026")
    bandwidth_5g_mhz: float = Field(
        50.0, ge=20.0, le=120.0, description="5G per site; operators won 50 to 120 MHz at 3.5 GHz in March 2026"
    )
    downlink_share_5g_frac: float = Field(0.74, ge=0.5, le=0.85, description="Downlink share of the TDD frame")
    layers_5g_ratio: float = Field(3.0, ge=1.6, le=6.0, description="Rate of massive MIMO over one layer, assumed")
    eirp_5g_dbm: float = Field(73.0, ge=65.0, le=78.0, description="49 dBm and 24 dBi beam, 50 MHz")
    sectors_per_site_count: int = Field(3, ge=1, le=6, description="Sectors of a site")
    mast_m: float = Field(30.0, ge=15.0, le=60.0, description="Antenna height above ground, mobile and microwave")
    terminal_m: float = Field(1.5, ge=1.2, le=10.0, description="Terminal height, 3GPP TR 38.901")
    noise_figure_db: float = Field(7.0, ge=4.0, le=10.0, description="Noise figure of the terminal, ITU-R M.2412")
    min_snr_db: float = Field(-6.0, ge=-10.0, le=0.0, description="Lowest SNR that carries the most robust scheme")
    indoor_loss_db: float = Field(10.0, ge=0.0, le=25.0, description="Wall loss of the typical user, TR 38.901 7.4.3")
    user_distance_ratio: float = Field(
        0.7071, ge=0.3, le=1.0, description="Distance of the typical user over the cell edge; half the area lies within"
    )
    candidate_sites_count: int = Field(
        6, ge=1, le=16, description="Nearest sites tried as servers and counted as disturbers of a place"
    )
    reach_km: float = Field(
        35.0, ge=5.0, le=100.0, description="Longest path looked at beyond the nearest site; usual limit of 4G timing"
    )
    operator_share_frac: float = Field(
        0.33, ge=0.1, le=1.0, description="Share of sites of a user's own operator: sum of squares of market shares"
    )
    sector_leak_db: float = Field(
        14.4, ge=5.0, le=30.0, description="User's sector over the site's others 30 degrees off axis, TR 36.942 pattern"
    )
    clutter_urban_m: float = Field(15.0, ge=0.0, le=40.0, description="Cover of towns, ITU-R P.1812 table 2, urban")
    clutter_rural_m: float = Field(5.0, ge=0.0, le=20.0, description="Houses of villages, TR 38.901 RMa default")
    street_m: float = Field(27.0, ge=5.0, le=200.0, description="From the user to the cover in front, ITU-R P.1812")
    delta_n: float = Field(45.0, ge=20.0, le=100.0, description="Fall of refractivity, N-units a km: k of 1.4, P.1812")
    delta_n_spread: float = Field(15.0, ge=0.0, le=19.0, description="Standard deviation of that fall, assumed")
    dem_sigma_db: float = Field(2.0, ge=0.0, le=10.0, description="Error of loss by a fine elevation model, assumed")
    coarse_sigma_db: float = Field(
        4.0, ge=0.0, le=20.0, description="Error of loss by a coarse elevation model on level ground, assumed"
    )
    coarse_sigma_db_per_100_m: float = Field(
        3.0, ge=0.0, le=20.0, description="More of it for 100 m of relief between cells: ridges are missing, assumed"
    )
    coarse_sigma_max_db: float = Field(
        25.0, ge=0.0, le=60.0, description="Most of it; loss in sight and hidden differ by so much in the Karakoram"
    )
    unknown_terrain_sigma_db: float = Field(
        10.0, ge=0.0, le=30.0, description="Error of loss by closed formulae where terrain is not known, assumed"
    )
    sure_frac: float = Field(
        0.9, ge=0.5, le=0.99, description="Probability from which a place counts as surely covered"
    )
    mobile_traffic_frac: float = Field(
        0.51, ge=0.2, le=0.9, description="Mobile share of traffic: 14,153 of 27,727 PB in FY2025, PTA"
    )
    traffic_5g_frac: float = Field(
        0.10, ge=0.02, le=0.4, description="Share of all traffic from 5G devices in 5G areas, assumed"
    )
    min_share_frac: float = Field(0.05, ge=0.01, le=0.2, description="Share of a cell left to one user at full load")
    n_5g_sites: int = Field(
        1500, ge=0, le=60000, description="City sites assumed to carry 5G: the plan published by one operator in 2024"
    )
    backhaul_microwave_mbps: float = Field(
        400.0, ge=50.0, le=2000.0, description="Rate of a site's microwave link where no hop can be budgeted"
    )
    backhaul_satellite_mbps: float = Field(20.0, ge=2.0, le=200.0, description="Rate of a site's satellite link")
    rain_rate_mm_h: float = Field(
        40.0, ge=10.0, le=100.0, description="Rain rate of 0.01 % of the year, national; ITU maps may not be shipped"
    )
    gradient_n_per_km: float = Field(
        -400.0, ge=-1000.0, le=-100.0, description="dN1 of ITU-R P.530, national; stronger ducts at the coast"
    )
    max_hop_km: float = Field(50.0, ge=10.0, le=80.0, description="Longest microwave hop before a relay is needed")
    max_relays: int = Field(3, ge=0, le=10, description="Most relays of a feasible microwave chain")
    min_availability_frac: float = Field(
        0.999, ge=0.9, le=0.99999, description="Least availability of a feasible microwave chain"
    )
    rate_availability_frac: float = Field(
        0.9999, ge=0.99, le=0.999985, description="Share of the year for which a hop's rate is promised"
    )
    microwave_max_ghz: float = Field(
        24.0, ge=6.0, le=90.0, description="Highest microwave band considered; the E band's licences are not published"
    )
    hub_cancellation_db: float = Field(15.0, ge=5.0, le=25.0, description="Interference cancelled at the hub")
    hub_spectrum_mhz: float = Field(112.0, ge=28.0, le=2000.0, description="Spectrum of a hub in one direction")
    hub_max_links: int = Field(12, ge=2, le=16, description="Links of the largest hub that is planned exactly")
