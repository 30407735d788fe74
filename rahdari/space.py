"""Satellite internet for the places fibre will not reach."""

from __future__ import annotations

from rahdari.engines.space.engine import space
from rahdari.engines.space.params import SpaceParams
from rahdari.methods.beam_capacity import (
    BeamCells,
    CapacityCurve,
    Payload,
    beam_cells,
    capacity_curve,
    flow_bound,
    most_subscribers,
    share_capacity,
    sky_view,
)
from rahdari.methods.bent_pipe import BentPipe, bent_pipe, common_frac
from rahdari.methods.constellation import Constellation, geo_slots, joined, walker_shell
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.gateway_choice import GatewayChoice, best_gateways, fewest_gateways
from rahdari.methods.horizon import Horizon, horizon
from rahdari.methods.isl import Hop, Routes, grid_links, planes_of, route
from rahdari.methods.orbits import mean_visible_count, slant_range_km
from rahdari.methods.points import Points
from rahdari.methods.satellite_view import LookAngles, Sky, Visibility, look_angles, sky, visible
from rahdari.methods.slant_path import rain_attenuation_db, rain_height_km, rain_outage_pct
from rahdari.sources.orbits import read_constellation
from rahdari.sources.terrain_raster import open_terrain

__all__ = [
    "BeamCells",
    "BentPipe",
    "CapacityCurve",
    "Constellation",
    "GatewayChoice",
    "Hop",
    "Horizon",
    "LookAngles",
    "Payload",
    "Points",
    "Routes",
    "Sky",
    "SpaceParams",
    "Visibility",
    "beam_cells",
    "bent_pipe",
    "best_gateways",
    "capacity_curve",
    "common_frac",
    "fewest_gateways",
    "flow_bound",
    "geo_slots",
    "grid_links",
    "horizon",
    "joined",
    "look_angles",
    "mean_visible_count",
    "most_subscribers",
    "open_terrain",
    "planes_of",
    "positions_km",
    "rain_attenuation_db",
    "rain_height_km",
    "rain_outage_pct",
    "read_constellation",
    "route",
    "share_capacity",
    "sky",
    "sky_view",
    "slant_range_km",
    "space",
    "visible",
    "walker_shell",
]
