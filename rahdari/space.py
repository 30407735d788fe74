"""Satellite internet for the places fibre will not reach."""

from __future__ import annotations

from rahdari.engines.space.engine import space
from rahdari.engines.space.params import SpaceParams
from rahdari.methods.bent_pipe import BentPipe, bent_pipe, common_frac
from rahdari.methods.constellation import Constellation, geo_slots, joined, walker_shell
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.horizon import Horizon, horizon
from rahdari.methods.isl import Hop, Routes, grid_links, planes_of, route
from rahdari.methods.orbits import mean_visible_count, slant_range_km
from rahdari.methods.points import Points
from rahdari.methods.satellite_view import LookAngles, Sky, Visibility, look_angles, sky, visible
from rahdari.methods.slant_path import rain_attenuation_db, rain_height_km, rain_outage_pct
from rahdari.sources.orbits import read_constellation
from rahdari.sources.terrain_raster import open_terrain

__all__ = [
    "BentPipe",
    "Constellation",
    "Hop",
    "Horizon",
    "LookAngles",
    "Points",
    "Routes",
    "Sky",
    "SpaceParams",
    "Visibility",
    "bent_pipe",
    "common_frac",
    "geo_slots",
    "grid_links",
    "horizon",
    "joined",
    "look_angles",
    "mean_visible_count",
    "open_terrain",
    "planes_of",
    "positions_km",
    "rain_attenuation_db",
    "rain_height_km",
    "rain_outage_pct",
    "read_constellation",
    "route",
    "sky",
    "slant_range_km",
    "space",
    "visible",
    "walker_shell",
]
