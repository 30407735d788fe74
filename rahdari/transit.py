"""What the corridor earns as low-latency transit."""

from __future__ import annotations

from rahdari.engines.transit.engine import transit
from rahdari.engines.transit.params import TransitParams

__all__ = ["TransitParams", "transit"]
