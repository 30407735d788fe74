"""Parameters of the space engine; every range says how far the value is uncertain."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class SpaceParams(Params):
    """Use, gateways, rain and price of satellite service."""

    constellations: tuple[str, ...] = Field(
        ("starlink_gen1", "oneweb", "amazon_leo"),
        min_length=1,
        description="Low-orbit constellations looked at from every place, by identifier; those with a published "
        "capacity can serve",
    )
    gateway_constellation: str = Field(
        "starlink_gen1", description="Constellation for which the places of gateways are chosen"
    )
    licensed_constellations: tuple[str, ...] = Field(
        (), description="Constellations with an operating licence in the country; a scenario may add one"
    )
    requires_domestic_gateway: bool = Field(
        default=True, description="Traffic must land at a gateway in the country; the draft licence asks for one"
    )
    n_gateways: int = Field(
        2, ge=1, le=40, description="Gateways at home, in the largest cities, where the tables give none; assumed"
    )
    gateway_spacing_km: float = Field(
        400.0, ge=0.0, le=3000.0, description="Least distance between them, for diversity, assumed"
    )
    n_gateways_chosen: int = Field(
        3, ge=1, le=40, description="Gateways whose best places satellite_gateway_choice names"
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
        0.001,
        ge=0.0,
        le=0.5,
        description="Households with a terminal for which rates are quoted; about what two "
        "gateways can feed, more in satellite_growth",
    )
    max_load_frac: float = Field(0.95, ge=0.5, le=0.99, description="Largest load of a cell; beyond, nobody is added")
    usable_capacity_frac: float = Field(
        0.7, ge=0.3, le=0.95, description="Share of satellite capacity that scheduling and neighbours leave, assumed"
    )
    rain_margin_db: float = Field(
        6.0, ge=1.0, le=15.0, description="Rain that coding and power can make up before service stops, assumed"
    )
    rain_rate_mm_h: float = Field(
        40.0, ge=10.0, le=100.0, description="Rain rate of 0.01 % of the year, national; ITU maps may not be shipped"
    )
    system_availability_frac: float = Field(
        0.998, ge=0.98, le=0.9999, description="Satellites, gateways and hand-overs, rain and horizon apart, assumed"
    )
    price_usd_per_month: float = Field(
        125.0, ge=25.0, le=350.0, description="Price where the country's offers state none: PKR 35,000 expected (2025)"
    )
    service_mbps: float = Field(20.0, ge=1.0, le=100.0, description="Rate that counts as service in the indicators")
    service_ms: float = Field(100.0, ge=20.0, le=600.0, description="Round trip that counts as service")
