"""Availability of every place; replays of real events."""

from __future__ import annotations

from rahdari.engines.stress.engine import stress
from rahdari.engines.stress.params import StressParams
from rahdari.methods.availability import parallel_availability_frac, series_availability_frac

__all__ = ["StressParams", "parallel_availability_frac", "series_availability_frac", "stress"]
