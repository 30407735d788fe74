"""Parameters of the security engine."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class SecurityParams(Params):
    """What the overlay, its encryption and its costs assume; ranges and sources stand in the engine's README."""

    n_pairs: int = Field(
        default=12, ge=1, le=200, description="Fictional pairs drawn between public cities where the pack lists none."
    )
    attach_max_km: float = Field(
        default=30.0, ge=1.0, le=200.0, description="Farthest that an end may lie from a right-of-way node."
    )
    cuts_per_1000_km_per_year: float = Field(
        default=2.7, ge=0.1, le=20.0, description="Cuts of a fibre in a year, for each 1,000 km."
    )
    repair_h: float = Field(default=12.0, ge=1.0, le=240.0, description="Mean time from a cut to its repair.")
    common_cause_frac: float = Field(
        default=0.05, ge=0.0, le=0.5, description="Share of outages that strike both ways of a pair that share a risk."
    )
    residual_cause_frac: float = Field(
        default=0.01, ge=0.0, le=0.5,
        description="The same for ways that share no known risk group: what the groups do not know, assumed.",
    )  # fmt: skip
    line_rate_gbps: float = Field(default=100.0, gt=0.0, le=10_000.0, description="Rate of the line to be encrypted.")
    avoid_border_km: float = Field(
        default=5.0, ge=0.0, le=100.0,
        description="Ways with an end this near to a road node abroad are avoided, except near a pair's own end.",
    )  # fmt: skip
    near_end_km: float = Field(
        default=30.0, ge=0.0, le=200.0, description="Within this distance of its own end a pair may use any way."
    )
    search_s: float = Field(
        default=20.0, ge=1.0, le=600.0, description="Longest search for a pair's ways; some hundredths are usual."
    )
    way_over_crow_ratio: float = Field(
        default=1.3, ge=1.0, le=3.0, description="Length of a new way over the great circle, assumed."
    )
    microwave_hop_km: float = Field(default=40.0, ge=5.0, le=80.0, description="Longest hop of a microwave relay.")
    microwave_gbps: float = Field(default=1.0, gt=0.0, le=20.0, description="Rate of a microwave relay.")
    microwave_most_km: float = Field(
        default=250.0, ge=10.0, le=1000.0, description="Longest great circle that a microwave relay bridges."
    )
    microwave_availability_frac: float = Field(
        default=0.999, ge=0.9, le=1.0, description="Availability of a microwave relay, assumed."
    )
    satellite_gbps: float = Field(default=0.2, gt=0.0, le=10.0, description="Rate of a satellite terminal, assumed.")
    satellite_rtt_ms: float = Field(
        default=60.0, ge=20.0, le=700.0, description="Round trip over a satellite, low orbit, assumed."
    )
    satellite_availability_frac: float = Field(
        default=0.995, ge=0.9, le=1.0, description="Availability of a satellite way, assumed."
    )
    years_to_quantum: float = Field(
        default=10.0, ge=1.0, le=40.0, description="Years until recorded traffic can be read, assumed."
    )
    n_key_servers: int = Field(default=2, ge=1, le=10, description="Key servers of each key domain.")
