"""Drones: surveys, corridors, ways through open air, flood watch.  Planning only; not an authorisation to fly."""

from __future__ import annotations

from rahdari.engines.air.engine import air
from rahdari.engines.air.params import AirParams
from rahdari.methods.air_corridor import Asked, Corridor, corridor
from rahdari.methods.air_link import AirLink, AirNetwork
from rahdari.methods.air_route import AirRoute, air_route
from rahdari.methods.air_space import Airspace, airspace_of
from rahdari.methods.flight_files import f3548_volumes, flights_geojson, qgroundcontrol_plan
from rahdari.methods.survey import Camera, Drone, Survey, Wind, survey
from rahdari.methods.water_mask import water_mask
from rahdari.service.flood_calls import flood_day, flood_map

__all__ = [
    "AirLink", "AirNetwork", "AirParams", "AirRoute", "Airspace", "Asked", "Camera", "Corridor", "Drone", "Survey",
    "Wind", "air", "air_route", "airspace_of", "corridor", "f3548_volumes", "flights_geojson", "flood_day",
    "flood_map", "qgroundcontrol_plan",
    "survey", "water_mask",
]  # fmt: skip
