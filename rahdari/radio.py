"""Terrain, path loss, coverage, cells, microwave links and hubs."""

from __future__ import annotations

from rahdari.engines.radio.engine import radio
from rahdari.engines.radio.params import RadioParams
from rahdari.methods.antenna import f699_dbi
from rahdari.methods.cell_claims import city_claims
from rahdari.methods.cells import TechnologyCard, coupled_loads
from rahdari.methods.hub import HubPlan, colour_exactly, hub_plan, least_angles
from rahdari.methods.hub_claims import hub_claims
from rahdari.methods.hub_input import HubRules
from rahdari.methods.itm import itm_loss_db
from rahdari.methods.microwave import Radio, budgets, make_hops
from rahdari.methods.microwave_link import Antenna, Climate
from rahdari.methods.p1812 import P1812_SYMBOLS, bullington_loss_db, p1812_loss_db, p1812_terms
from rahdari.methods.path_loss import into_building_db, loss_db, rma_loss_db, sight_frac, uma_loss_db
from rahdari.methods.path_loss_air import aerial_loss_db, air_to_ground_db
from rahdari.methods.profile_drawing import profile_svg, profile_text
from rahdari.methods.propagation import free_space_db
from rahdari.methods.rain import rain_coefficients
from rahdari.methods.raster import Profile, Raster
from rahdari.methods.site_choice import choose_sites
from rahdari.methods.sweep import Setting, Transmitters, loss_along_radials_db, sweep_strips
from rahdari.sources.antenna_files import read_msi, read_pattern_csv
from rahdari.sources.itu_maps import read_itu_maps
from rahdari.sources.microwave import antenna_named, link_budget, radio_named, relay_search
from rahdari.sources.sweeping import sweep
from rahdari.sources.technologies import band_models, card_named, models_for
from rahdari.sources.terrain_raster import open_clutter, open_terrain

__all__ = [
    "P1812_SYMBOLS", "Antenna", "Climate", "HubPlan", "HubRules", "Profile", "Radio", "RadioParams", "Raster",
    "Setting", "TechnologyCard", "Transmitters", "aerial_loss_db", "air_to_ground_db", "antenna_named", "band_models",
    "budgets", "bullington_loss_db", "card_named", "choose_sites", "city_claims", "colour_exactly", "coupled_loads",
    "f699_dbi", "free_space_db", "hub_claims", "hub_plan", "into_building_db", "itm_loss_db", "least_angles",
    "link_budget", "loss_along_radials_db", "loss_db", "make_hops", "models_for", "open_clutter", "open_terrain",
    "p1812_loss_db", "p1812_terms", "profile_svg", "profile_text", "radio", "radio_named", "rain_coefficients",
    "read_itu_maps", "read_msi", "read_pattern_csv", "relay_search", "rma_loss_db", "sight_frac", "sweep",
    "sweep_strips", "uma_loss_db",
]  # fmt: skip
