"""Drones and flood watch."""

from __future__ import annotations

from rahdari.engines.air.engine import air
from rahdari.engines.air.params import AirParams

__all__ = ["AirParams", "air"]
