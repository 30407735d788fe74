"""Parameters of the radio engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class RadioParams(Params):
    """Technology cards, link budget, traffic shares and the assumed 5G plan."""

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
    mast_m: float = Field(30.0, ge=15.0, le=60.0, description="Antenna height above ground")
    terminal_m: float = Field(1.5, ge=1.2, le=10.0, description="Terminal height, 3GPP TR 38.901")
    noise_figure_db: float = Field(7.0, ge=4.0, le=10.0, description="Noise figure of the terminal, ITU-R M.2412")
    shadow_margin_db: float = Field(
        10.3, ge=0.0, le=16.0, description="90 % of edge locations at 8 dB deviation, 3GPP TR 38.901 RMa NLOS"
    )
    min_snr_db: float = Field(-6.0, ge=-10.0, le=0.0, description="Lowest SNR that carries the most robust scheme")
    indoor_loss_db: float = Field(10.0, ge=0.0, le=25.0, description="Wall loss of the typical user, TR 38.901 7.4.3")
    loaded_sir_db: float = Field(
        8.0, ge=2.0, le=15.0, description="Signal to interference of the typical user in a loaded network, assumed"
    )
    user_distance_ratio: float = Field(
        0.7071, ge=0.3, le=1.0, description="Distance of the typical user over the cell edge; half the area lies within"
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
        400.0, ge=50.0, le=2000.0, description="Rate of a site's microwave link; one 56 MHz channel"
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
    typical_load_frac: float = Field(
        0.5, ge=0.1, le=0.9, description="Busy-hour load of 4G where 5G comes; the 5G claim depends on it"
    )
    device_5g_frac: float = Field(
        0.2, ge=0.05, le=0.6, description="Share of users with a 5G device where 5G comes, assumed 10 to 30 %"
    )
    static_power_frac: float = Field(
        0.7, ge=0.4, le=0.9, description="Share of a base station's full-load power drawn without traffic"
    )
    sleep_saving_frac: float = Field(
        0.15, ge=0.0, le=0.5, description="Share of the static power saved by sleep states, 3GPP TR 38.864 family"
    )
    power_5g_ratio: float = Field(
        3.0, ge=1.0, le=4.0, description="Full-load power of 5G over 4G equipment; 2.5 to 3.5 reported"
    )
    hub_angle_plain_deg: float = Field(
        60.0, ge=20.0, le=120.0, description="Least co-channel angle without cancellation, ITU-R F.699 and 256-QAM"
    )
    hub_angle_cancelled_deg: float = Field(
        15.0, ge=4.0, le=60.0, description="Least co-channel angle with cancellation of 10 to 20 dB"
    )
    hub_cancellation_db: float = Field(15.0, ge=5.0, le=25.0, description="Interference cancelled at the hub")
