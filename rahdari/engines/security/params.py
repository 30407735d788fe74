"""Parameters of the security engine."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class SecurityParams(Params):
    """What the simple security model assumes; ranges and sources stand in the engine's README."""

    n_pairs: int = Field(default=12, ge=1, le=200, description="Fictional pairs drawn between public cities.")
    attach_max_km: float = Field(
        default=30.0, ge=1.0, le=200.0, description="Farthest that an end may lie from a right-of-way node."
    )
    cuts_per_1000_km_per_year: float = Field(
        default=2.7, ge=0.1, le=20.0, description="Cuts of a fibre in a year, for each 1,000 km."
    )
    repair_h: float = Field(default=12.0, ge=1.0, le=240.0, description="Mean time from a cut to its repair.")
    common_cause_frac: float = Field(
        default=0.05, ge=0.0, le=0.5, description="Share of outages that strike both ways of a pair at once."
    )
    line_rate_gbps: float = Field(default=100.0, gt=0.0, le=10_000.0, description="Rate of the line to be encrypted.")
