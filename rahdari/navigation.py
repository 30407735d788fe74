"""Satellites in view and dilution of precision."""

from __future__ import annotations

from rahdari.engines.navigation.engine import navigation
from rahdari.engines.navigation.params import NavigationParams
from rahdari.methods.dop import dilution

__all__ = ["NavigationParams", "dilution", "navigation"]
