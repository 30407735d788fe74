"""Which site goes dark, and for how long."""

from __future__ import annotations

from rahdari.engines.power.engine import power
from rahdari.engines.power.params import PowerParams
from rahdari.methods.hardening import hardening_programme
from rahdari.methods.outages import Shedding, feeder_outages
from rahdari.methods.site_power import simulate
from rahdari.methods.site_power_input import CellHours, Controller, FeederHours
from rahdari.methods.site_sizing import PowerPrices, size_site
from rahdari.methods.sunlight import sunlight

__all__ = [
    "CellHours",
    "Controller",
    "FeederHours",
    "PowerParams",
    "PowerPrices",
    "Shedding",
    "feeder_outages",
    "hardening_programme",
    "power",
    "simulate",
    "size_site",
    "sunlight",
]
