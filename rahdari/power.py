"""Which site goes dark, and for how long."""

from __future__ import annotations

from rahdari.engines.power.engine import power
from rahdari.engines.power.params import PowerParams

__all__ = ["PowerParams", "power"]
