"""Satellite internet for the places fibre will not reach."""

from __future__ import annotations

from rahdari.engines.space.engine import space
from rahdari.engines.space.params import SpaceParams
from rahdari.methods.constellation import Constellation, geo_slots, joined, walker_shell
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.horizon import Horizon, horizon
from rahdari.methods.orbits import mean_visible_count, slant_range_km
from rahdari.methods.points import Points
from rahdari.methods.satellite_view import LookAngles, Sky, Visibility, look_angles, sky, visible
from rahdari.sources.orbits import read_constellation
from rahdari.sources.terrain_raster import open_terrain

__all__ = [
    "Constellation",
    "Horizon",
    "LookAngles",
    "Points",
    "Sky",
    "SpaceParams",
    "Visibility",
    "geo_slots",
    "horizon",
    "joined",
    "look_angles",
    "mean_visible_count",
    "open_terrain",
    "positions_km",
    "read_constellation",
    "sky",
    "slant_range_km",
    "space",
    "visible",
    "walker_shell",
]
