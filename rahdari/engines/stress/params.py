"""Parameters of the stress engine."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class StressParams(Params):
    """What the simple stress model assumes; ranges and sources stand in the engine's README."""

    cuts_per_1000_km_per_year: float = Field(
        default=2.7, ge=0.1, le=20.0, description="Cuts of a regional fibre in a year, for each 1,000 km."
    )
    cuts_low_per_1000_km_per_year: float = Field(default=1.0, ge=0.1, le=20.0, description="Low end of the cut rate.")
    cuts_high_per_1000_km_per_year: float = Field(default=6.0, ge=0.1, le=20.0, description="High end of the cut rate.")
    repair_h: float = Field(default=12.0, ge=1.0, le=240.0, description="Mean time from a cut to its repair.")
    route_ratio: float = Field(
        default=1.5, ge=1.0, le=4.0, description="Fibre length over great circle from a place to its nearest city."
    )
    long_outage_h_per_year: float = Field(
        default=100.0, ge=1.0, le=8766.0, description="Yearly outage above which people are counted as badly served."
    )
    grid_failure_h: float = Field(
        default=14.0, ge=1.0, le=72.0, description="Length of a national grid failure whose length is not published."
    )
    cable_use_frac: float = Field(
        default=0.6, ge=0.1, le=1.0, description="Share of a sea cable's active capacity in use when it is cut."
    )
    power_uncertainty_ratio: float = Field(
        default=2.0,
        ge=1.0,
        le=5.0,
        description="How many times longer or shorter the dark hours of power may truly be.",
    )
