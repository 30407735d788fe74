"""Parameters of the transit engine."""

from __future__ import annotations

from pydantic import Field

from rahdari.model import Params


class TransitParams(Params):
    """What the simple transit model assumes; ranges and sources stand in the engine's README."""

    price_usd_per_mbps_month: float = Field(
        default=2.0, ge=0.05, le=500.0, description="Price of long-distance transport, one Mbit/s for a month."
    )
    price_low_usd_per_mbps_month: float = Field(default=0.5, ge=0.05, le=500.0, description="Low end of the price.")
    price_high_usd_per_mbps_month: float = Field(default=6.0, ge=0.05, le=500.0, description="High end of the price.")
    take_up_frac: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Share of the crossing's idle capacity that is sold for transit."
    )
    take_up_low_frac: float = Field(default=0.1, ge=0.0, le=1.0, description="Low end of that share.")
    take_up_high_frac: float = Field(default=1.0, ge=0.0, le=1.0, description="High end of that share.")
