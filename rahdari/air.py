"""Drones and flood watch."""

from __future__ import annotations

from rahdari.engines.air.engine import air
from rahdari.engines.air.params import AirParams
from rahdari.methods.survey import Camera, Drone, Survey, Wind, survey
from rahdari.methods.water_mask import water_mask

__all__ = ["AirParams", "Camera", "Drone", "Survey", "Wind", "air", "survey", "water_mask"]
