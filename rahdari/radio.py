"""Terrain, path loss, coverage, cells, microwave links and hubs."""

from __future__ import annotations

from rahdari.engines.radio.engine import radio
from rahdari.engines.radio.params import RadioParams
from rahdari.methods.antenna import f699_dbi
from rahdari.methods.hub import hub_plan
from rahdari.methods.hub_claims import hub_claims
from rahdari.methods.microwave import Radio, budgets, make_hops
from rahdari.methods.microwave_link import Antenna, Climate
from rahdari.methods.p1812 import P1812_SYMBOLS, bullington_loss_db, p1812_loss_db, p1812_terms
from rahdari.methods.path_loss import rma_loss_db, uma_loss_db
from rahdari.methods.profile_drawing import profile_svg, profile_text
from rahdari.methods.propagation import free_space_db
from rahdari.methods.rain import rain_coefficients
from rahdari.methods.raster import Raster
from rahdari.sources.itu_maps import read_itu_maps
from rahdari.sources.microwave import antenna_named, link_budget, radio_named, relay_search

__all__ = [
    "P1812_SYMBOLS", "Antenna", "Climate", "Radio", "RadioParams", "Raster", "antenna_named", "budgets",
    "bullington_loss_db", "f699_dbi", "free_space_db", "hub_claims", "hub_plan", "link_budget", "make_hops",
    "p1812_loss_db", "p1812_terms", "profile_svg", "profile_text", "radio", "radio_named", "rain_coefficients",
    "read_itu_maps", "relay_search", "rma_loss_db", "uma_loss_db",
]  # fmt: skip
