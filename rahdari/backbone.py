"""Long-haul routes, disjoint ways, risk, optics, and capacity that survives failures."""

from __future__ import annotations

from rahdari.engines.backbone.engine import backbone
from rahdari.engines.backbone.params import BackboneParams
from rahdari.engines.backbone.risks import risk_tables
from rahdari.methods.diversity import disjoint_pairs_from, disjoint_routes
from rahdari.methods.line import Amplifier, Channels, Span, line_gsnr_db
from rahdari.methods.network import Network, make_network, network_of_instance, network_of_links
from rahdari.methods.optics import gsnr_db, osnr_db
from rahdari.methods.reliability import routes_availability, two_terminal_availability
from rahdari.methods.reliability_bounds import availability_ceiling_frac
from rahdari.methods.routing import disjoint_pair
from rahdari.methods.survivable import Design, DesignViolation, Failure, design_survivable, verify_design
from rahdari.sources.networks.files import load_instance as read_sndlib
from rahdari.sources.networks.files import load_network as read_network

__all__ = [
    "Amplifier", "BackboneParams", "Channels", "Design", "DesignViolation", "Failure", "Network", "Span",
    "availability_ceiling_frac", "backbone", "design_survivable", "disjoint_pair", "disjoint_pairs_from",
    "disjoint_routes", "gsnr_db", "line_gsnr_db", "make_network", "network_of_instance", "network_of_links",
    "osnr_db", "read_network", "read_sndlib", "risk_tables", "routes_availability", "two_terminal_availability",
    "verify_design",
]  # fmt: skip
