"""Satellites in view, dilution of precision and protection, at places and along lines."""

from __future__ import annotations

from rahdari.engines.navigation.engine import navigation
from rahdari.engines.navigation.params import NavigationParams
from rahdari.methods.augmentation import SERVICES, AugmentationCover, AugmentationService, augmentation_cover
from rahdari.methods.broadcast_orbits import Track, track
from rahdari.methods.broadcast_records import KeplerRecords, Navigation, StateRecords, merged
from rahdari.methods.dop import dilution
from rahdari.methods.line_points import LinePoints, line_points, nearest_km, segments
from rahdari.methods.navigation_systems import SYSTEMS, nominal_track, week_utc
from rahdari.methods.protection_level import Integrity, Protection, protection_level
from rahdari.methods.satellite_dop import SkyDilution, dop, look
from rahdari.sources.rinex import read_rinex

__all__ = [
    "SERVICES",
    "SYSTEMS",
    "AugmentationCover",
    "AugmentationService",
    "Integrity",
    "KeplerRecords",
    "LinePoints",
    "Navigation",
    "NavigationParams",
    "Protection",
    "SkyDilution",
    "StateRecords",
    "Track",
    "augmentation_cover",
    "dilution",
    "dop",
    "line_points",
    "look",
    "merged",
    "navigation",
    "nearest_km",
    "nominal_track",
    "protection_level",
    "read_rinex",
    "segments",
    "track",
    "week_utc",
]
