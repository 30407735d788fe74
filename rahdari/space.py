"""Satellite internet for the places fibre will not reach."""

from __future__ import annotations

from rahdari.engines.space.engine import space
from rahdari.engines.space.params import SpaceParams
from rahdari.methods.orbits import mean_visible_count, slant_range_km

__all__ = ["SpaceParams", "mean_visible_count", "slant_range_km", "space"]
