"""Parameters of the space engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class SpaceParams(Params):
    """Use, capacity, rain and price of a low-orbit service."""

    constellations: tuple[str, ...] = Field(
        ("leo_540_570_km", "leo_1200_km"), min_length=1, description="Constellations compared, by identifier"
    )
    licensed_constellations: tuple[str, ...] = Field(
        (), description="Constellations with an operating licence in the country; a scenario may add one"
    )
    licence_note: str = Field(
        "no operating licence found by early 2026; a provisional registration was reported in March 2025",
        description="Licence status shown beside every constellation that is not licensed",
    )
    n_gateways: int = Field(
        2, ge=1, le=40, description="Gateways, in the largest cities; the draft licence asks for one"
    )
    gateway_spacing_km: float = Field(
        400.0, ge=0.0, le=3000.0, description="Least distance between gateways, for diversity, assumed"
    )
    processing_ms: float = Field(
        25.0, ge=8.0, le=45.0, description="Framing, queues and exchange; measured round trips: 20 least, 50 median"
    )
    terminal_peak_mbps: float = Field(
        200.0, ge=50.0, le=400.0, description="Rate of one terminal alone; peaks above 300 measured in 2022"
    )
    busy_hour_mbps: float = Field(
        2.2, ge=0.5, le=5.0, description="Busy-hour use of a household: 300 GB a month, a tenth of a day in one hour"
    )
    adoption_frac: float = Field(
        0.02, ge=0.0, le=0.5, description="Households with a terminal for which the rate is quoted, assumed"
    )
    max_load_frac: float = Field(0.95, ge=0.5, le=0.99, description="Largest load of a cell; beyond, nobody is added")
    usable_capacity_frac: float = Field(
        0.7, ge=0.3, le=0.95, description="Share of satellite capacity that gateways and scheduling leave, assumed"
    )
    frequency_ghz: float = Field(12.0, ge=10.0, le=20.0, description="Downlink of the user beam")
    rain_margin_db: float = Field(
        6.0, ge=1.0, le=15.0, description="Rain that coding and power can make up before service stops, assumed"
    )
    rain_rate_mm_h: float = Field(
        40.0, ge=10.0, le=100.0, description="Rain rate of 0.01 % of the year, national; ITU maps may not be shipped"
    )
    system_availability_frac: float = Field(
        0.998, ge=0.98, le=0.9999, description="Satellites, gateways and handovers, rain apart, assumed"
    )
    price_usd_per_month: float = Field(
        125.0, ge=25.0, le=350.0, description="PKR 35,000 a month expected, not official (press, June 2025)"
    )
    service_mbps: float = Field(20.0, ge=1.0, le=100.0, description="Rate that counts as service in the indicators")
    service_ms: float = Field(100.0, ge=20.0, le=600.0, description="Round trip that counts as service")
