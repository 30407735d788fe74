"""Parameters of the rollout engine."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rahdari.model import Params


class RolloutParams(Params):
    """What the calendar assumes beside the norms packaged with the engine; sources stand in the engine's README."""

    budget_usd_per_year: float = Field(
        default=0.0,
        ge=0.0,
        description="Most money a year; 0 means the published yearly investment of the sector, no limit without one.",
    )
    budget_carry_frac: float = Field(
        default=1.0, ge=0.0, le=1.0, description="Share of a year's unspent money that the next year may spend."
    )
    objective: Literal["people", "homes", "sites"] = Field(
        default="people", description="What should come early: people served, homes passed, or sites on fibre."
    )
    civil_crews_count: float = Field(
        default=0.0, ge=0.0, le=1e5, description="Civil and pole crews at the start; 0: by people of the country."
    )
    splice_crews_count: float = Field(default=0.0, ge=0.0, le=1e5, description="Splicing crews at the start; 0: same.")
    install_crews_count: float = Field(default=0.0, ge=0.0, le=1e5, description="Installers' crews at the start.")
    rig_crews_count: float = Field(default=0.0, ge=0.0, le=1e5, description="Riggers' crews at the start; 0: same.")
    hire_ratio: float = Field(
        default=1.0, ge=0.0, le=20.0, description="Hiring over that of the pools' norm, a training programme above 1."
    )
    permit_ratio: float = Field(default=1.0, ge=0.0, le=20.0, description="Months of right of way over the norm.")
    n_packages: int = Field(default=2000, ge=10, le=20_000, description="About how many packages the work is cut into.")
    n_trials: int = Field(
        default=100_000, ge=0, le=2_000_000, description="Trials of the search for a better calendar (detail quick)."
    )
    n_bound_steps: int = Field(default=150, ge=1, le=2000, description="Steps of the bound at most (detail quick).")
    site_value_households: float = Field(
        default=100.0,
        ge=0.0,
        le=10_000.0,
        description="Households that one site joined by fibre serves better, in the order of work.",
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
