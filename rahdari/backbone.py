"""Long-haul routes, disjoint ways and optics."""

from __future__ import annotations

from rahdari.engines.backbone.engine import backbone
from rahdari.engines.backbone.params import BackboneParams
from rahdari.methods.optics import gsnr_db, osnr_db
from rahdari.methods.routing import disjoint_pair

__all__ = ["BackboneParams", "backbone", "disjoint_pair", "gsnr_db", "osnr_db"]
