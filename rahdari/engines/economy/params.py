"""Parameters of the economy engine; sources and ranges stand in the engine's README."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from rahdari.model import Params


class EconomyParams(Params):
    """Discounting, taxes, funding, prices, incomes, people, suppliers, and limits by which a service counts as good."""

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
    cost_of_capital_frac_per_year: float = Field(
        0.15, ge=0.0, le=0.6, description="Real rate that an operator asks for, by which support is reckoned."
    )
    inflation_frac_per_year: float = Field(0.08, ge=0.0, le=1.0, description="Inflation at home; assumed.")
    inflation_abroad_frac_per_year: float = Field(0.02, ge=0.0, le=0.5, description="Inflation of the dollar; assumed.")
    tax_frac: float = Field(0.29, ge=0.0, lt=1.0, description="Tax on companies' income; assumed.")
    tax_life_years: int = Field(10, ge=1, le=50, description="Years over which capital is written off; assumed.")
    loss_years: int = Field(6, ge=0, le=50, description="Years for which a loss may lower later taxes; assumed.")
    loan_capex_frac: float = Field(
        0.2, ge=0.0, le=1.0, description="Share of the capital that support leaves, lent by a donor; assumed."
    )
    loan_interest_frac_per_year: float = Field(0.03, ge=0.0, le=0.5, description="Its interest, nominal; assumed.")
    loan_grace_years: int = Field(5, ge=0, le=30, description="Years before it is repaid; assumed.")
    loan_repayment_years: int = Field(15, ge=1, le=50, description="Years over which it is repaid; assumed.")
    revenue_cost_frac: float = Field(
        0.25,
        ge=0.0,
        le=1.0,
        description="Share of revenue spent on sales, billing, support, levies and international traffic; assumed.",
    )
    take_up_frac: float = Field(
        0.30, ge=0.0, le=1.0, description="Share of homes passed that take a line, where access says none."
    )
    ramp_years: int = Field(4, ge=1, le=15, description="Years in which take-up of a new area grows evenly; assumed.")
    mobile_adoption_frac: float = Field(
        0.6, ge=0.0, le=1.0, description="Share of people newly covered who buy mobile data, where services say none."
    )
    price_elasticity_ratio: float = Field(
        -0.5, ge=-5.0, le=0.0, description="Change of demand for home lines over change of price; assumed."
    )
    late_high_ratio: float = Field(
        1.5, ge=1.0, le=5.0, description="How many times as long building may take, at the worst; assumed."
    )
    scoreboard_end_year: int = Field(2035, ge=2000, le=2100, description="Last year of the indicators through time.")
    n_draws_quick: int = Field(200, ge=20, le=5000, description="Draws of the economy at quick detail.")
    n_draws_full: int = Field(1000, ge=20, le=20_000, description="The same at full detail.")
    hindcast_fit_year: int = Field(2023, ge=1990, le=2100, description="A series is fitted to the middle of this year.")
    mobile_peers_median_mbps: float = Field(
        55.0, gt=0.0, description="Median over ranked countries of mobile speed, in the year of the last rank; assumed."
    )
    fixed_peers_mean_mbps: float = Field(
        100.0, gt=0.0, description="Mean over ranked countries of fixed speed, as the programme claims."
    )
    peer_growth_frac_per_year: float = Field(
        0.10, ge=0.0, le=1.0, description="Growth of other countries' speeds; assumed."
    )
    high_income_mbps: float = Field(
        100.0, gt=0.0, description="Fixed speed read as that of high-income countries, as the programme claims."
    )
    graduates_people_per_year: float = Field(
        75_000.0, ge=0.0, description="Graduates in information technology; the fact series it_graduates goes before."
    )
    export_ready_frac: float = Field(0.10, ge=0.0, le=1.0, description="Share of them ready for export work.")
    field_work_frac: float = Field(0.02, ge=0.0, le=1.0, description="Share of them who join field crews; assumed.")
    emigration_frac_per_year: float = Field(0.02, ge=0.0, le=0.3, description="Share who go abroad; assumed.")
    other_trade_frac_per_year: float = Field(0.03, ge=0.0, le=0.3, description="Share who change trade; assumed.")
    retired_frac_per_year: float = Field(0.01, ge=0.0, le=0.3, description="Share who retire; assumed.")
    waiting_people: float = Field(150_000.0, ge=0.0, description="Graduates at the start without such work; assumed.")
    crew_people: float = Field(10_000.0, ge=0.0, description="Field technicians at the start; assumed.")
    people_per_crew_count: float = Field(6.0, gt=0.0, description="Technicians of a crew; assumed.")
    exports_usd_per_year: float = Field(
        3.81e9, ge=0.0, description="Service exports of the base year; the fact series it_exports_fy goes before."
    )
    exports_per_person_usd_per_year: float = Field(
        30_000.0, ge=1000.0, le=500_000.0, description="Exports that one working person earns in a year; assumed."
    )
    exports_per_person_low_usd_per_year: float = Field(20_000.0, ge=1000.0, description="Low end of the same.")
    exports_per_person_high_usd_per_year: float = Field(50_000.0, ge=1000.0, description="High end of the same.")
    training_people_per_year: float = Field(
        5_000.0, ge=0.0, description="Places a year of the training programme that is compared; assumed."
    )
    training_years: int = Field(5, ge=0, le=50, description="Years for which it runs, from the second year; assumed.")
    training_passed_frac: float = Field(0.7, ge=0.0, le=1.0, description="Share of its people who pass; assumed.")
    training_usd_per_person_usd: float = Field(1_500.0, ge=0.0, description="Its cost for each who starts; assumed.")
    building_jobs_per_usd_million_count: float = Field(
        10.0, ge=0.0, description="Years of work for each million dollars of capital; assumed."
    )
    vendor_a_frac: float = Field(0.5, ge=0.0, le=1.0, description="Vendor A's share of every category; assumed.")
    vendor_b_frac: float = Field(0.3, ge=0.0, le=1.0, description="Vendor B's; vendor C has the rest; assumed.")
    chip_share_ratio: float = Field(
        1.0, ge=0.0, le=2.0, description="Chips' shares of prices over those of the engine's table of chips."
    )
    substitute_premium_frac: float = Field(
        0.15, ge=0.0, le=5.0, description="What another vendor's items cost above those lost; assumed."
    )
    qualification_months: float = Field(6.0, ge=0.0, description="Months to qualify another vendor; assumed.")
    lead_months: float = Field(4.0, ge=0.0, description="Months from order to delivery; assumed.")
    delay_months: float = Field(6.0, ge=0.0, description="Months by which a shipment is late in the test; assumed.")
    stock_months: float = Field(2.0, ge=0.0, description="Months that stocks last; assumed.")
    second_source_moved_frac: float = Field(
        0.4, ge=0.0, le=1.0, description="Share of the largest vendor's items given to a second source; assumed."
    )
    second_source_once_usd: float = Field(
        5e6, ge=0.0, description="Once for all, to bring a second source in; assumed."
    )

    @model_validator(mode="after")
    def _shares_are_shares(self) -> Self:
        if self.vendor_a_frac + self.vendor_b_frac > 1.0:
            msg = "vendor_a_frac and vendor_b_frac exceed 1 together"
            raise ValueError(msg)
        if self.export_ready_frac + self.field_work_frac > 1.0:
            msg = "export_ready_frac and field_work_frac exceed 1 together"
            raise ValueError(msg)
        if self.emigration_frac_per_year + self.other_trade_frac_per_year + self.retired_frac_per_year > 1.0:
            msg = "more people leave in a year than there are"
            raise ValueError(msg)
        return self
