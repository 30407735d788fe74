"""Parameters of the economy engine; sources and ranges stand in the engine's README."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class EconomyParams(Params):
    """Discounting, prices, incomes, and the limits by which a service counts as good."""

    discount_frac_per_year: float = Field(0.071, ge=0.0, le=0.5, description="Real discount rate.")
    horizon_years: int = Field(15, ge=1, le=50, description="Years after the base year over which money is summed.")
    gni_usd_per_year: float = Field(
        1500.0, gt=0.0, description="Gross national income per head; the fact series gni_per_head takes its place."
    )
    income_gini: float = Field(0.30, gt=0.0, lt=1.0, description="Gini coefficient of income among people.")
    affordable_income_frac: float = Field(
        0.02, gt=0.0, le=1.0, description="Largest share of monthly income per head that a service may cost."
    )
    mobile_usd_per_month: float = Field(
        2.0, ge=0.0, description="Entry-level mobile data; the fact series arpu_mobile takes its place."
    )
    fibre_usd_per_month: float = Field(14.0, ge=0.0, description="Home line on fibre.")
    fwa_usd_per_month: float = Field(12.0, ge=0.0, description="Home line on fixed wireless.")
    wifi_usd_per_month: float = Field(2.0, ge=0.0, description="Community Wi-Fi.")
    satellite_usd_per_month: float = Field(45.0, ge=0.0, description="Satellite where the space engine gives none.")
    price_low_ratio: float = Field(0.6, gt=0.0, le=1.0, description="Low end of all retail prices.")
    price_high_ratio: float = Field(1.5, ge=1.0, le=10.0, description="High end of all retail prices.")
    accessible_mbps: float = Field(5.0, ge=0.1, description="Least rate at which a service counts as accessible.")
    high_quality_mbps: float = Field(20.0, ge=0.1, description="Least rate of high quality.")
    high_quality_latency_ms: float = Field(100.0, ge=1.0, description="Largest round trip of high quality.")
    reliable_availability_frac: float = Field(
        0.99, gt=0.0, le=1.0, description="Least availability that counts as reliable: 88 hours without service a year."
    )
    ubiquitous_people_frac: float = Field(
        0.95, gt=0.0, le=1.0, description="Share of a district's people who must have access for it to count."
    )
    core_delay_ms: float = Field(
        30.0, ge=0.0, description="Round trip from the operator's edge to a service in the country, added to access."
    )
