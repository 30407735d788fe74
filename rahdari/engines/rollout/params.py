"""Parameters of the rollout engine."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class RolloutParams(Params):
    """What the simple roll-out model assumes; ranges and sources stand in the engine's README."""

    budget_usd_per_year: float = Field(
        default=0.0,
        ge=0.0,
        description="Most money a year; 0 means the level pace that ends on the programme's due date.",
    )
    n_crews_max: int = Field(
        default=0, ge=0, le=100_000, description="Most fibre crews at work; 0 means as many as it takes."
    )
    crew_km_per_year: float = Field(
        default=100.0, ge=10.0, le=1000.0, description="Fibre that one crew lays in a year, all ground and weather."
    )
    n_people_per_crew: int = Field(
        default=8, ge=1, le=100, description="People in one fibre crew, splicers and drivers in."
    )
    site_value_households: float = Field(
        default=100.0,
        ge=0.0,
        le=10_000.0,
        description="Households passed that one site joined by fibre is worth in the order.",
    )
    graduates_people_per_year: float = Field(
        default=75_000.0, ge=0.0, description="Graduates in information technology a year, as the ministry states them."
    )
    export_ready_frac: float = Field(
        default=0.10, ge=0.0, le=1.0, description="Share of graduates ready for export work, published as 'less than'."
    )
    export_growth_frac_per_year: float = Field(
        default=0.22, ge=0.0, le=2.0, description="Growth of service exports that the programme states."
    )
    exports_usd_per_year: float = Field(
        default=3.81e9, ge=0.0, description="Service exports in the base year where the facts give none."
    )
    exports_per_person_usd_per_year: float = Field(
        default=30_000.0, ge=1000.0, le=500_000.0, description="Exports that one working person earns in a year."
    )
    exports_per_person_low_usd_per_year: float = Field(default=20_000.0, ge=1000.0, description="Low end of the same.")
    exports_per_person_high_usd_per_year: float = Field(
        default=50_000.0, ge=1000.0, description="High end of the same."
    )
