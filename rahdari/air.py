"""Drones and flood watch."""

from __future__ import annotations

from rahdari.engines.air.engine import air
from rahdari.engines.air.params import AirParams
from rahdari.methods.water_mask import water_mask

__all__ = ["AirParams", "air", "water_mask"]
